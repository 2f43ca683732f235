/* influence.c - churn after contact with the AI. */
#include "metrics/influence.h"

#include "metrics/account.h"
#include "metrics/adoption.h"

/* Only forward: `window` is not negative. */
static ct_usec later(ct_usec at, ct_usec window)
{
    ct_usec sum;
    return __builtin_add_overflow(at, window, &sum) ? INT64_MAX : sum;
}

/* true = the window has passed; else noted as open. */
static bool is_mature(struct ct_exposed *exposed, ct_usec settles, const struct ct_terms *terms)
{
    if (terms->as_of != CT_USEC_NONE && settles <= terms->as_of) {
        return true;
    }
    ct_pending_add(&exposed->open, settles);
    return false;
}

/* One customer's conversations with the AI in the period. */
struct talk {
    bool any;                       /* whether or not it was a customer then */
    bool untimed;                   /* there is one that no window can be counted from */
    const struct ct_record *last;   /* while it was one */
    const struct ct_record *counts; /* the one that it is counted under */
    ct_usec lost_at;                /* INT64_MAX = not within the window of any */
};

static ct_usec end_of(const struct ct_record *record)
{
    return record->ended_at == CT_USEC_NONE ? record->started_at : record->ended_at;
}

static struct talk talk_of(const struct ct_customer *customer)
{
    struct talk talk = {.lost_at = INT64_MAX};
    for (size_t i = 0; i < customer->record_count; i++) {
        const struct ct_record *record = customer->records[i];
        bool undated = record->started_at == CT_USEC_NONE; /* it may have been in the period */
        if (!ct_adoption_is_use(record) || !(undated || ct_adoption_holds(customer->terms, record))) {
            continue;
        }
        talk.any = true;
        if (!record->timed) {
            talk.untimed = true;
            continue;
        }
        if (!ct_account_is_customer(customer->account, record->started_at)) {
            continue;
        }
        ct_usec leaves = ct_account_leaves(customer->account, record->started_at);
        talk.last = record;
        if (talk.lost_at == INT64_MAX) {
            talk.counts = record;
            if (leaves <= later(end_of(record), customer->terms->churn_window_usec)) {
                talk.lost_at = leaves;
            }
        } else if (leaves == talk.lost_at) {
            talk.counts = record; /* nearer to the same loss */
        }
    }
    return talk;
}

static void fold_quiet(struct ct_influence *s, const struct ct_customer *customer)
{
    const struct ct_account *a = customer->account;
    const struct ct_terms *terms = customer->terms;
    uint32_t i = 0;
    while (i < a->spell_count && a->spell[i].to < terms->from) {
        i++;
    }
    if (!a->in_period || i == a->spell_count) {
        return;
    }
    ct_usec begins = a->spell[i].from > terms->from ? a->spell[i].from : terms->from;
    if (begins == CT_USEC_NONE) {
        s->undated++;
        return;
    }
    ct_usec settles = later(begins, terms->churn_window_usec);
    if (is_mature(&s->quiet, settles, terms)) {
        s->quiet.customers++;
        s->quiet.lost += a->spell[i].to <= settles;
    }
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_influence *s = state;
    const struct ct_terms *terms = customer->terms;
    if (terms->to == CT_USEC_NONE) {
        return;
    }
    struct talk talk = talk_of(customer);
    if (!talk.any) {
        fold_quiet(s, customer);
    } else if (!talk.last) {
        s->strangers += !talk.untimed;
        s->untimed += talk.untimed;
    } else if (is_mature(&s->talked, later(end_of(talk.last), terms->churn_window_usec), terms)) {
        bool lost = talk.lost_at != INT64_MAX;
        s->talked.customers++;
        s->talked.lost += lost;
        s->outcome[talk.counts->outcome].customers++;
        s->outcome[talk.counts->outcome].lost += lost;
    }
}

static void exposed_merge(struct ct_exposed *s, const struct ct_exposed *o, int sign)
{
    uint64_t by = ct_metric_by(sign);
    s->customers += by * o->customers;
    s->lost += by * o->lost;
    ct_pending_merge(&s->open, &o->open, sign);
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_influence *s = state;
    const struct ct_influence *o = other;
    uint64_t by = ct_metric_by(sign);
    exposed_merge(&s->talked, &o->talked, sign);
    exposed_merge(&s->quiet, &o->quiet, sign);
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        s->outcome[i].customers += by * o->outcome[i].customers;
        s->outcome[i].lost += by * o->outcome[i].lost;
    }
    s->strangers += by * o->strangers;
    s->untimed += by * o->untimed;
    s->undated += by * o->undated;
}

static void put(struct ct_reading *out, uint64_t lost, uint64_t customers)
{
    out->numerator = (ct_wide)lost;
    out->denominator = (ct_wide)customers;
}

/* Head: the outcome of most customers; then each that there is, where there is more than one. */
static bool read_outcome(const struct ct_influence *state, size_t index, struct ct_reading *out)
{
    unsigned which = CT_OUTCOME_COUNT, there = 0;
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        if (state->outcome[i].customers == 0) {
            continue;
        }
        there++;
        if (index ? there == index
                  : which == CT_OUTCOME_COUNT || state->outcome[i].customers > state->outcome[which].customers) {
            which = i;
        }
    }
    if (index && (there < 2 || which == CT_OUTCOME_COUNT)) {
        return false;
    }
    if (which < CT_OUTCOME_COUNT) {
        const char *key = ct_outcome_text((enum ct_outcome)which);
        memcpy(out->key, key, strlen(key) + 1);
        put(out, state->outcome[which].lost, state->outcome[which].customers);
    }
    return true;
}

bool ct_influence_read(const struct ct_influence *state, enum ct_influence_reading what, size_t index,
                       struct ct_reading *out)
{
    const struct ct_exposed *talked = &state->talked, *quiet = &state->quiet;
    struct ct_pending open = talked->open;
    out->left_out = state->strangers + state->untimed;
    switch (what) {
    case CT_INFLUENCE_BY_OUTCOME:
        if (!read_outcome(state, index, out)) {
            return false;
        }
        break;
    case CT_INFLUENCE_TALKED:
        put(out, talked->lost, talked->customers);
        break;
    case CT_INFLUENCE_QUIET:
        put(out, quiet->lost, quiet->customers);
        out->left_out = state->undated;
        open = quiet->open;
        break;
    case CT_INFLUENCE_DIFFERENCE:
        put(out, talked->lost, talked->customers);
        out->less_numerator = (ct_wide)quiet->lost;
        out->less_denominator = (ct_wide)quiet->customers;
        out->left_out += state->undated;
        ct_pending_merge(&open, &quiet->open, 1);
        break;
    }
    if (index == 0) { /* under which outcome the others will be is not known */
        out->provisional = open.cases;
        out->settles_at = open.last;
    }
    return index == 0 || what == CT_INFLUENCE_BY_OUTCOME;
}

const struct ct_metric ct_metric_influence = {
    .name = "influence", .state_bytes = sizeof(struct ct_influence), .fold_customer = fold_customer, .merge = merge};
