/* account.c - one customer's business events, read once on the terms of a count. Called by ct_kpis_fold_customer. */
#include "metrics/account.h"

#include "metrics/account_parts.h"
#include "metrics/days.h"

const struct ct_account ct_account_none;

struct ct_account_money *ct_account_money_of(struct ct_account *account, const struct ct_business *event)
{
    ct_span currency = ct_business_text(event, CT_BUSINESS_CURRENCY);
    for (uint32_t i = 0; i < account->money_count; i++) {
        if (ct_span_eq(account->money[i].currency, currency)) {
            return &account->money[i];
        }
    }
    if (account->money_count == CT_ACCOUNT_CURRENCIES) {
        account->left_out++;
        return NULL;
    }
    account->money[account->money_count].currency = currency;
    return &account->money[account->money_count++];
}

/* ---- spells as a customer --------------------------------------------------------------------------------------- */

struct walk {
    struct ct_account *account;
    const struct ct_customer *customer;
    const struct ct_terms *terms;
    struct ct_order_refs orders;
    struct ct_subscriptions subscriptions;
    bool is_customer;
    ct_usec began; /* the spell that runs; CT_USEC_NONE = before everything */
    ct_usec ended; /* the one before; CT_USEC_NONE = there was none */
    bool left;     /* in the period */
    bool unbegun;  /* a spell whose beginning is not known */
    bool start_taken, end_taken;
};

static void begin(struct walk *w, ct_usec at)
{
    w->is_customer = true;
    w->began = at;
}

/* The spell that runs is over at `at`; INT64_MAX = it runs on. */
static void finish(struct walk *w, ct_usec at)
{
    struct ct_account *a = w->account;
    const struct ct_terms *terms = w->terms;
    w->is_customer = false;
    w->ended = at;
    if (a->spell_count < CT_ACCOUNT_SPELLS) {
        a->spell[a->spell_count].from = w->began;
        a->spell[a->spell_count].to = at;
        a->spell_count++;
    }
    if (terms->to == CT_USEC_NONE || w->began >= terms->to) {
        return;
    }
    bool before = w->began < terms->from && at >= terms->from;
    a->at_start |= before;
    a->at_end |= at >= terms->to;
    a->in_period |= at >= terms->from;
    a->won |= !before && at >= terms->to;
    w->left |= at >= terms->from && at < terms->to;
    if (w->began == CT_USEC_NONE) {
        w->unbegun = true;
    } else {
        ct_usec last = at < terms->to ? at : terms->to, length;
        a->begin_known = true;
        if (!__builtin_sub_overflow(last, w->began, &length) && !__builtin_add_overflow(a->lifetime, length, &length)) {
            a->lifetime = length;
        }
    }
}

/* `since` of a customer event; CT_USEC_NONE = it does not say, or says what lies after it. */
static ct_usec since_of(const struct ct_business *event)
{
    ct_usec since = event->type == CT_BUSINESS_CUSTOMER ? event->numbers.since : CT_USEC_NONE;
    return since <= event->at ? since : CT_USEC_NONE;
}

/* Says of somebody, from now on: a customer. */
static bool is_gain(const struct walk *w, const struct ct_business *event)
{
    switch (event->type) {
    case CT_BUSINESS_CUSTOMER:
    case CT_BUSINESS_CUSTOMER_WON:
    case CT_BUSINESS_TRIAL_CONVERTED:
    case CT_BUSINESS_RENEWED:
        return true;
    case CT_BUSINESS_PURCHASE:
        return !ct_order_refs_cancelled(&w->orders, event);
    case CT_BUSINESS_SUBSCRIPTION:
        return event->numbers.amount > 0;
    default:
        return false;
    }
}

/* Can only be said of somebody who was one before. */
static bool is_of_old(const struct ct_business *event)
{
    switch (event->type) {
    case CT_BUSINESS_CUSTOMER:
        return since_of(event) == CT_USEC_NONE;
    case CT_BUSINESS_CUSTOMER_LOST:
    case CT_BUSINESS_RENEWAL_DUE:
    case CT_BUSINESS_RENEWED:
    case CT_BUSINESS_EXPANSION:
        return true;
    case CT_BUSINESS_SUBSCRIPTION:
        return event->numbers.amount == 0;
    default:
        return false;
    }
}

/* The first spell's beginning, where it lies before what says that there is one: a `since` that comes up to the first
 * loss and before a stated customer_won; or nothing that says when. */
static void begin_first(struct walk *w, const struct ct_customer *customer)
{
    const struct ct_business *first = NULL;
    ct_usec since = CT_USEC_NONE;
    bool won = false, won_first = false, old = false;
    ct_usec loss = INT64_MAX; /* what stands beside it counts */
    for (size_t i = 0; i < customer->event_count && customer->events[i]->at <= loss; i++) {
        const struct ct_business *event = customer->events[i];
        if (!first && (is_gain(w, event) || is_of_old(event))) {
            first = event;
        }
        won |= event->type == CT_BUSINESS_CUSTOMER_WON || event->type == CT_BUSINESS_TRIAL_CONVERTED;
        if (first && first->at == event->at) {
            won_first = won;
            old |= is_of_old(event);
        }
        ct_usec said = since_of(event);
        if (said != CT_USEC_NONE && !won && (since == CT_USEC_NONE || said < since)) {
            since = said;
        }
        if (event->type == CT_BUSINESS_CUSTOMER_LOST) {
            loss = event->at;
        }
    }
    old |= !first && customer->due_count > 0; /* nothing else is said of it but that a contract will be due */
    if (first && since != CT_USEC_NONE) {
        begin(w, since < first->at ? since : first->at);
    } else if (old && !won_first) {
        begin(w, CT_USEC_NONE);
    }
}

/* ---- one pass --------------------------------------------------------------------------------------------------- */

static void take_snapshots(struct walk *w, ct_usec at)
{
    if (w->terms->to == CT_USEC_NONE) {
        return;
    }
    if (!w->start_taken && at >= w->terms->from) {
        ct_subscriptions_sum(&w->subscriptions, w->account, true);
        w->start_taken = true;
    }
    if (!w->end_taken && at >= w->terms->to) {
        ct_subscriptions_sum(&w->subscriptions, w->account, false);
        w->end_taken = true;
    }
}

/* What one moment says, all of it together. */
struct moment {
    bool gained, lost, ended;
    ct_usec since;
};

static void take_event(struct walk *w, const struct ct_business *event, struct moment *m)
{
    struct ct_account *a = w->account;
    if (event->type == CT_BUSINESS_CUSTOMER_LOST) {
        m->lost = true;
    } else if (event->type == CT_BUSINESS_SUBSCRIPTION) {
        bool says = ct_subscriptions_take(&w->subscriptions, event, a);
        m->gained |= says && event->numbers.amount > 0;
        m->ended |= says && event->numbers.amount == 0;
        a->unknown_ends += w->subscriptions.unknown_end && ct_terms_hold(w->terms, event->at);
    } else if (is_gain(w, event)) {
        ct_usec since = since_of(event);
        m->gained = true;
        m->since = m->since == CT_USEC_NONE || (since != CT_USEC_NONE && since < m->since) ? since : m->since;
    }
}

/* MRR at the start in the cost model's currency, and the event's amount in it; NULL = there is none, or no rate. */
static struct ct_account_money *rated_base(const struct walk *w, const struct ct_business *event, ct_nano *amount)
{
    const struct ct_cost_model *model = w->terms->cost;
    for (uint32_t i = 0; model && i < w->account->money_count; i++) {
        struct ct_account_money *money = &w->account->money[i];
        bool of_model = !money->currency.len || ct_span_eq(money->currency, ct_cost_model_currency(model));
        if (of_model && money->mrr_start > 0) {
            return ct_cost_convert(model, event->numbers.amount, ct_business_text(event, CT_BUSINESS_CURRENCY),
                                   event->at, amount)
                       ? money
                       : NULL;
        }
    }
    return NULL;
}

static void take_one_off(struct walk *w, const struct ct_business *event)
{
    if (event->type != CT_BUSINESS_EXPANSION || !ct_terms_hold(w->terms, event->at) ||
        event->numbers.amount == CT_BUSINESS_NUMBER_NONE) {
        return;
    }
    struct ct_account_money *money = ct_account_money_of(w->account, event);
    if (!money) {
        return;
    }
    money->one_off += event->numbers.amount;
    money->one_offs++;
    ct_nano amount = event->numbers.amount;
    struct ct_account_money *base = money->mrr_start > 0 ? money : rated_base(w, event, &amount);
    if (base) {
        base->one_off_of_base += amount;
    } else {
        money->one_offs_apart += w->account->paying_start;
    }
}

/* The spell that runs, a later one than the first, began as long ago as `since`, but not before the end of the one
 * before: what was bought beside subscriptions from then until `known` was bought by a customer after all. */
static void set_back(struct walk *w, ct_usec since, ct_usec known)
{
    ct_usec from = since < w->ended ? w->ended : since;
    if (from >= known) {
        return;
    }
    w->began = from;
    for (size_t i = 0; i < w->customer->event_count && w->customer->events[i]->at < known; i++) {
        if (w->customer->events[i]->at >= from && w->customer->events[i]->at > w->ended) {
            take_one_off(w, w->customer->events[i]);
        }
    }
}

static void take_moment(struct walk *w, const struct ct_business *const *events, size_t count)
{
    struct moment m = {.since = CT_USEC_NONE};
    ct_usec at = events[0]->at;
    take_snapshots(w, at);
    for (size_t i = 0; i < count; i++) {
        take_event(w, events[i], &m);
    }
    bool was = w->is_customer;
    if (m.gained && !was) {
        begin(w, at);
    }
    if (w->is_customer && w->ended != CT_USEC_NONE && m.since != CT_USEC_NONE) {
        set_back(w, m.since, w->began); /* a customer event tells of a return when it is over */
    }
    bool out_of_subscriptions = m.ended && w->subscriptions.running == 0 && !m.gained;
    bool is_one = w->is_customer;
    if (w->is_customer && (m.lost || out_of_subscriptions)) {
        finish(w, at);
    }
    if (m.lost) {
        ct_subscriptions_end(&w->subscriptions);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_one) {
            take_one_off(w, events[i]);
        }
    }
}

/* ---- what hangs on no order ------------------------------------------------------------------------------------- */

bool ct_account_is_retention(const struct ct_business *event)
{
    ct_span name = ct_business_text(event, CT_BUSINESS_NAME), want = CT_SPAN_LIT("retention");
    return event->type == CT_BUSINESS_COST && event->numbers.amount != CT_BUSINESS_NUMBER_NONE &&
           name.len >= want.len && memcmp(name.at, want.at, want.len) == 0 &&
           (name.len == want.len || name.at[want.len] == '.' || name.at[want.len] == '/' || name.at[want.len] == ':');
}

static void take_single(struct ct_account *account, const struct ct_business *event, const struct ct_terms *terms)
{
    if (event->type == CT_BUSINESS_REFERRAL) {
        account->referred |= ct_terms_hold(terms, event->at);
        account->referral_known |= event->at < terms->to;
    } else if (event->type == CT_BUSINESS_REFERENCE && event->at < terms->to) {
        account->reference = event->numbers.flag != 0; /* not said: agreed */
        account->reference_known = true;
    } else if (ct_account_is_retention(event) && ct_terms_hold(terms, event->at)) {
        struct ct_account_money *money = ct_account_money_of(account, event);
        if (money) {
            money->retention_cost += event->numbers.amount;
            money->retention_costs++;
        }
    }
}

static void settle_money(struct ct_account *account)
{
    for (uint32_t i = 0; i < account->money_count; i++) {
        struct ct_account_money *m = &account->money[i];
        if (account->lost || !account->paying_start) {
            m->churned = account->lost ? m->mrr_start : 0;
            m->fresh = m->mrr_end;
        } else if (m->mrr_end < m->mrr_start) {
            m->contraction = m->mrr_start - m->mrr_end;
        } else {
            m->expansion = m->mrr_end - m->mrr_start;
        }
    }
}

/* A period that has not begun at as_of is none. */
static struct ct_terms known_terms(const struct ct_terms *terms)
{
    struct ct_terms known = *terms;
    known.to = terms->to != CT_USEC_NONE && ct_terms_end(terms) > terms->from ? terms->to : CT_USEC_NONE;
    return known;
}

void ct_account_read(struct ct_account *account, const struct ct_customer *all)
{
    const struct ct_terms terms = known_terms(all->terms);
    struct ct_customer known = ct_customer_known(all);
    const struct ct_customer *customer = &known;
    const struct ct_business *const *events = customer->events;
    struct walk w;
    known.terms = &terms;
    memset(account, 0, sizeof *account);
    w.account = account;
    w.customer = customer;
    w.terms = customer->terms;
    w.is_customer = w.left = w.unbegun = w.start_taken = w.end_taken = false;
    w.began = w.ended = CT_USEC_NONE;
    ct_order_refs_open(&w.orders, customer);
    ct_subscriptions_open(&w.subscriptions);
    begin_first(&w, customer);
    for (size_t i = 0, next; i < customer->event_count; i = next) {
        for (next = i + 1; next < customer->event_count && events[next]->at == events[i]->at;) {
            next++;
        }
        take_moment(&w, events + i, next - i);
    }
    take_snapshots(&w, INT64_MAX);
    if (w.is_customer) {
        finish(&w, INT64_MAX);
    }
    account->lost = account->at_start && w.left;
    account->won_lost = !account->at_start && w.left;
    if (w.unbegun) {
        account->begin_known = false;
        account->lifetime = 0;
    }
    settle_money(account);
    if (w.terms->to != CT_USEC_NONE) {
        ct_order_refs_read(&w.orders, customer, account);
        for (size_t i = 0; i < customer->event_count; i++) {
            take_single(account, events[i], w.terms);
        }
    }
    if (all->terms->to != CT_USEC_NONE) {
        known.terms = all->terms; /* what is due later in the period is due in it */
        ct_renewals_read(customer, account);
    }
}

bool ct_account_is_customer(const struct ct_account *account, ct_usec at)
{
    for (uint32_t i = 0; i < account->spell_count; i++) {
        if (account->spell[i].from <= at && at < account->spell[i].to) {
            return true;
        }
    }
    return false;
}

ct_usec ct_account_leaves(const struct ct_account *account, ct_usec at)
{
    for (uint32_t i = 0; i < account->spell_count; i++) {
        if (account->spell[i].to >= at) {
            return account->spell[i].to;
        }
    }
    return INT64_MAX;
}
