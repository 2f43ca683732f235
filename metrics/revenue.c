/* revenue.c - sums of money that customers bring, by currency. The head currency is the one with the most cases. */
#include "metrics/revenue.h"

#include "metrics/account.h"

static void currency_merge(void *entry, const void *other, int sign)
{
    struct ct_revenue_in *s = entry;
    const struct ct_revenue_in *o = other;
    uint64_t by = ct_metric_by(sign);
    s->start += sign * o->start;
    s->end += sign * o->end;
    s->churned += sign * o->churned;
    s->contraction += sign * o->contraction;
    s->expansion += sign * o->expansion;
    s->fresh += sign * o->fresh;
    s->one_off += sign * o->one_off;
    s->one_off_of_base += sign * o->one_off_of_base;
    s->spent += sign * o->spent;
    s->spent_ever += sign * o->spent_ever;
    s->margined += sign * o->margined;
    s->margin += sign * o->margin;
    s->retention += sign * o->retention;
    s->paying_start += by * o->paying_start;
    s->paying_end += by * o->paying_end;
    s->one_offs += by * o->one_offs;
    s->retentions += by * o->retentions;
    s->purchases += by * o->purchases;
    s->buyers_ever += by * o->buyers_ever;
    s->unmargined += by * o->unmargined;
    s->one_offs_apart += by * o->one_offs_apart;
}

static const struct ct_keyed currencies = {sizeof(struct ct_revenue_in), CT_REVENUES_MAX, currency_merge};

static struct ct_revenue_in *currency_of(struct ct_revenue *s, ct_span currency)
{
    return ct_keyed_at(&currencies, s->currency, &s->count, &s->other, currency);
}

static void fold_money(struct ct_revenue *s, const struct ct_account_money *m)
{
    if (m->mrr_start == 0 && m->mrr_end == 0 && m->one_offs == 0 && m->purchases_ever == 0 && m->spent_ever == 0 &&
        m->retention_costs == 0) {
        return; /* nothing of the period: no entry in the table */
    }
    struct ct_revenue_in *c = currency_of(s, m->currency);
    c->start += m->mrr_start;
    c->end += m->mrr_end;
    c->churned += m->churned;
    c->contraction += m->contraction;
    c->expansion += m->expansion;
    c->fresh += m->fresh;
    c->one_off += m->one_off;
    c->one_off_of_base += m->one_off_of_base;
    c->one_offs_apart += m->one_offs_apart;
    c->spent += m->spent;
    c->spent_ever += m->spent_ever;
    c->margined += m->margined;
    c->margin += m->margin;
    c->retention += m->retention_cost;
    c->paying_start += m->mrr_start > 0;
    c->paying_end += m->mrr_end > 0;
    c->one_offs += m->one_offs;
    c->retentions += m->retention_costs;
    c->purchases += m->purchases;
    c->buyers_ever += m->purchases_ever > 0;
    c->unmargined += m->unmargined;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_revenue *s = state;
    const struct ct_account *a = customer->account;
    const struct ct_terms *terms = customer->terms;
    ct_usec length;
    s->unknown_ends += a->unknown_ends;
    s->left_out += a->left_out;
    s->at_start += a->at_start;
    s->lost += a->lost;
    if (a->in_period) {
        s->customers++;
        s->lived += a->begin_known;
        s->unbegun += !a->begin_known;
        s->lifetime_usec += a->lifetime;
        if (terms->from != CT_USEC_NONE && !__builtin_sub_overflow(terms->to, terms->from, &length)) {
            s->exposed_usec += length;
        }
    }
    for (uint32_t i = 0; i < a->money_count; i++) {
        fold_money(s, &a->money[i]);
    }
}

/* What keeping customers costs is mostly nobody's in particular. */
static void fold_event(void *state, const struct ct_business *event, const struct ct_terms *terms)
{
    if (ct_account_is_retention(event) && ct_terms_hold(terms, event->at)) {
        struct ct_revenue_in *c = currency_of(state, ct_business_text(event, CT_BUSINESS_CURRENCY));
        c->retention += event->numbers.amount;
        c->retentions++;
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_revenue *s = state;
    const struct ct_revenue *o = other;
    uint64_t by = ct_metric_by(sign);
    s->customers += by * o->customers;
    s->at_start += by * o->at_start;
    s->lost += by * o->lost;
    s->lived += by * o->lived;
    s->lifetime_usec += sign * o->lifetime_usec;
    s->exposed_usec += sign * o->exposed_usec;
    s->unbegun += by * o->unbegun;
    s->unknown_ends += by * o->unknown_ends;
    s->left_out += by * o->left_out;
    ct_keyed_merge(&currencies, s->currency, &s->count, &s->other, o->currency, o->count, &o->other, sign);
}

/* ---- products of fractions -------------------------------------------------------------------------------------- */

struct fraction {
    ct_wide num, den;
};

static ct_wide divisor_of(ct_wide a, ct_wide b)
{
    a = a < 0 ? -a : a;
    while (b) {
        ct_wide rest = a % b;
        a = b;
        b = rest;
    }
    return a ? a : 1;
}

/* Whole, and below 2^62: beyond that the last bits go, of both alike, and 60 bits of the value stay. */
static struct fraction reduced(ct_wide num, ct_wide den)
{
    const ct_wide most = (ct_wide)1 << 62;
    ct_wide by = divisor_of(num, den);
    num /= by;
    den /= by;
    while (num > most || num < -most || den > most) {
        num = ct_wide_divide(num, 2);
        den = ct_wide_divide(den, 2);
    }
    return (struct fraction){num, den > 0 ? den : 1};
}

static struct fraction product(struct fraction a, struct fraction b)
{
    struct fraction x = reduced(a.num, b.den), y = reduced(b.num, a.den);
    return (struct fraction){x.num * y.num, x.den * y.den};
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void amount(struct ct_reading *out, ct_wide numerator, bool there, uint64_t cases)
{
    out->numerator = numerator;
    out->denominator = there;
    out->n = cases;
}

static void quotient(struct ct_reading *out, ct_wide numerator, uint64_t denominator)
{
    out->numerator = numerator;
    out->denominator = (ct_wide)denominator;
    out->n = denominator;
}

static void proportion(struct ct_reading *out, ct_wide numerator, const struct ct_revenue_in *c)
{
    out->numerator = numerator;
    out->denominator = c->start;
    out->n = c->paying_start;
}

/* Average purchase x purchases a customer and time x average lifetime. */
static void read_clv(const struct ct_revenue *s, const struct ct_revenue_in *c, struct ct_reading *out)
{
    if (c->purchases && s->exposed_usec && s->lived) {
        struct fraction f = product(reduced(c->spent, s->exposed_usec), reduced(s->lifetime_usec, (ct_wide)s->lived));
        out->numerator = f.num;
        out->denominator = f.den;
        out->n = c->purchases;
    }
}

/* All purchases x average margin, a buyer. */
static void read_historic(const struct ct_revenue_in *c, struct ct_reading *out)
{
    if (c->buyers_ever && c->margined > 0) {
        struct fraction margin = reduced(c->margin, c->margined * CT_NANO_PER_UNIT);
        struct fraction f = product(margin, reduced(c->spent_ever, (ct_wide)c->buyers_ever));
        out->numerator = f.num;
        out->denominator = f.den;
        out->n = c->buyers_ever;
    }
}

/* As read_clv, with the lifetime that the period's churn foretells: its length x customers at the start / lost. The
 * length is in both factors and goes. */
static void read_predictive(const struct ct_revenue *s, const struct ct_revenue_in *c, struct ct_reading *out)
{
    if (c->purchases && s->customers && s->lost) {
        struct fraction f =
            product(reduced(c->spent, (ct_wide)s->customers), reduced((ct_wide)s->at_start, (ct_wide)s->lost));
        out->numerator = f.num;
        out->denominator = f.den;
        out->n = c->purchases;
    }
}

/* denominator 0 = the currency has no such number. */
static void read_currency(const struct ct_revenue *s, const struct ct_revenue_in *c, enum ct_revenue_reading what,
                          struct ct_reading *out)
{
    bool recurring = c->paying_start || c->paying_end;
    uint64_t payers = c->paying_start > c->paying_end ? c->paying_start : c->paying_end;
    ct_wide kept = c->start - c->contraction - c->churned;
    switch (what) {
    case CT_REVENUE_MRR:
        amount(out, c->end, recurring, c->paying_end);
        break;
    case CT_REVENUE_START:
        amount(out, c->start, recurring, c->paying_start);
        break;
    case CT_REVENUE_PER_CUSTOMER:
        quotient(out, c->end, c->paying_end);
        break;
    case CT_REVENUE_FRESH:
        amount(out, c->fresh, recurring, payers);
        break;
    case CT_REVENUE_CHURNED:
        amount(out, c->churned, recurring, payers);
        break;
    case CT_REVENUE_CONTRACTED:
        amount(out, c->contraction, recurring, payers);
        break;
    case CT_REVENUE_EXPANSION:
        amount(out, c->expansion + c->one_off, recurring || c->one_offs, payers + c->one_offs);
        break;
    case CT_REVENUE_UPGRADES:
        amount(out, c->expansion, recurring, payers);
        break;
    case CT_REVENUE_ONE_OFF:
        amount(out, c->one_off, c->one_offs > 0, c->one_offs);
        break;
    case CT_REVENUE_RETENTION_COST:
        quotient(out, c->retention, c->retentions ? s->customers : 0);
        break;
    case CT_REVENUE_CHURN:
        proportion(out, c->churned, c);
        break;
    case CT_REVENUE_GRR:
        proportion(out, kept, c);
        break;
    case CT_REVENUE_NRR:
        proportion(out, kept + c->expansion + c->one_off_of_base, c);
        break;
    case CT_REVENUE_NRR_RECURRING:
        proportion(out, kept + c->expansion, c);
        break;
    case CT_REVENUE_CONTRACTION_RATE:
        proportion(out, c->contraction, c);
        break;
    case CT_REVENUE_EXPANSION_RATE:
        proportion(out, c->expansion + c->one_off_of_base, c);
        break;
    case CT_REVENUE_EXPANSION_RATE_RECURRING:
        proportion(out, c->expansion, c);
        break;
    case CT_REVENUE_CLV:
        read_clv(s, c, out);
        break;
    case CT_REVENUE_PURCHASE_VALUE:
        quotient(out, c->spent, c->purchases);
        break;
    case CT_REVENUE_CLV_HISTORIC:
        read_historic(c, out);
        break;
    case CT_REVENUE_CLV_PREDICTIVE:
        read_predictive(s, c, out);
        break;
    }
}

/* Expansion events that no proportion of MRR has, of whatever currency. */
static uint64_t apart(const struct ct_revenue *s)
{
    uint64_t events = s->other.one_offs_apart;
    for (uint32_t i = 0; i < s->count; i++) {
        events += s->currency[i].one_offs_apart;
    }
    return events;
}

static uint64_t left_out(const struct ct_revenue *s, enum ct_revenue_reading what)
{
    struct ct_reading others = {.scale = 0};
    uint64_t count = 0;
    read_currency(s, &s->other, what, &others);
    if (what == CT_REVENUE_CLV) {
        count = s->unbegun;
    } else if (what >= CT_REVENUE_CHURN && what <= CT_REVENUE_EXPANSION_RATE_RECURRING) {
        count = s->unknown_ends + s->left_out +
                (what == CT_REVENUE_NRR || what == CT_REVENUE_EXPANSION_RATE ? apart(s) : 0);
    } else if (what <= CT_REVENUE_UPGRADES) {
        count = s->left_out;
    } else if (what == CT_REVENUE_CLV_HISTORIC) {
        for (uint32_t i = 0; i < s->count; i++) {
            count += s->currency[i].unmargined;
        }
    }
    return count + others.n;
}

/* The nth currency that has such a number, in order of names; NULL = there are no more. */
static const struct ct_revenue_in *nth_of(const struct ct_revenue *s, enum ct_revenue_reading what, size_t nth)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct ct_reading reading = {.scale = 0};
        read_currency(s, &s->currency[i], what, &reading);
        if (reading.denominator > 0 && nth-- == 0) {
            return &s->currency[i];
        }
    }
    return NULL;
}

bool ct_revenue_read(const struct ct_revenue *state, enum ct_revenue_reading what, size_t index, struct ct_reading *out)
{
    const struct ct_revenue_in *c = nth_of(state, what, index ? index - 1 : 0);
    if (index > 0 && (!c || !nth_of(state, what, 1))) {
        return false;
    }
    out->left_out = left_out(state, what);
    out->scale = CT_NANO_PER_UNIT;
    if (!c) {
        return true;
    }
    read_currency(state, c, what, out);
    for (size_t i = 1; index == 0; i++) { /* the head: the most cases, the first by name among equals */
        const struct ct_revenue_in *next = nth_of(state, what, i);
        struct ct_reading other = {.scale = CT_NANO_PER_UNIT, .left_out = out->left_out};
        if (!next) {
            break;
        }
        read_currency(state, next, what, &other);
        if (other.n > out->n) {
            c = next;
            *out = other;
        }
    }
    memcpy(out->key, c->key, sizeof out->key);
    return true;
}

bool ct_revenue_read_lifetime(const struct ct_revenue *state, size_t index, struct ct_reading *out)
{
    out->numerator = state->lifetime_usec;
    out->denominator = (ct_wide)state->lived;
    out->scale = CT_USEC_PER_DAY;
    out->left_out = state->unbegun;
    return index == 0;
}

_Static_assert(CT_KEY_BYTES == CT_FIGURE_KEY_BYTES, "a figure's key holds a table's");

const struct ct_metric ct_metric_revenue = {.name = "revenue",
                                            .state_bytes = sizeof(struct ct_revenue),
                                            .fold_customer = fold_customer,
                                            .fold_event = fold_event,
                                            .merge = merge};
