/* usage.c - use of the product. See usage.h. */
#include "metrics/usage.h"

#include "metrics/account.h"
#include "metrics/days.h"
#include "metrics/names.h"

enum { WEEK = 7 };

uint64_t ct_usage_actions(const struct ct_business *event)
{
    if (event->type == CT_BUSINESS_SESSION) {
        return 1;
    }
    int64_t count = event->numbers.count;
    return event->type != CT_BUSINESS_FEATURE_USED ? 0
           : count == CT_BUSINESS_NUMBER_NONE      ? 1
           : count > 0                             ? (uint64_t)count
                                                   : 0;
}

/* One customer's use, as the events go by. */
struct tally {
    const struct ct_terms *terms;
    ct_usec end;
    int64_t last, month; /* dates: the last one, and the first of its month */
    int64_t weeks;       /* whole ones in the period, at least 1 */
    int64_t date;        /* of the newest event so far */
    bool used, featured;
    unsigned days;                 /* bit i: used i days before the last date */
    uint64_t in_week, week_before; /* actions */
    bool in_month;
    int64_t week; /* the one that `key_actions` are of; -1 = none */
    int64_t key_actions;
    struct ct_names modules;
    ct_usec session_usec;
    uint64_t sessions;
};

static void tally_init(struct tally *t, const struct ct_terms *terms)
{
    t->terms = terms;
    t->end = ct_terms_end(terms);
    t->last = ct_day_of(terms->zone, t->end - 1);
    t->month = ct_day_month_before(t->last + 1);
    int64_t first = terms->from == CT_USEC_NONE ? INT64_MIN : ct_day_of(terms->zone, terms->from);
    if (first != INT64_MIN && ct_day_begin(terms->zone, first) < terms->from) {
        first++; /* not all of that date is in the period */
    }
    t->weeks = first == INT64_MIN ? INT64_MAX / WEEK : (t->last + 1 - first) / WEEK;
    t->weeks = t->weeks < 1 ? 1 : t->weeks;
    t->date = INT64_MIN;
    t->used = t->featured = t->in_month = false;
    t->days = 0;
    t->in_week = t->week_before = t->sessions = 0;
    t->week = -1;
    t->key_actions = 0;
    t->session_usec = 0;
    ct_names_init(&t->modules);
}

static void add_actions(uint64_t *to, uint64_t actions)
{
    if (__builtin_add_overflow(*to, actions, to)) {
        *to = UINT64_MAX;
    }
}

/* The account-week is over. */
static void end_week(struct tally *t, struct ct_usage *s)
{
    if (t->week >= 0) {
        ct_moments_add(&s->depth, t->key_actions);
    }
}

static void take_week(struct tally *t, struct ct_usage *s, int64_t week, int64_t key_actions)
{
    if (week >= t->weeks) {
        return;
    }
    if (week != t->week) {
        end_week(t, s);
        t->week = week;
        t->key_actions = 0;
    }
    if (__builtin_add_overflow(t->key_actions, key_actions, &t->key_actions)) {
        t->key_actions = INT64_MAX;
    }
}

static void take_in_period(struct tally *t, struct ct_usage *s, const struct ct_business *event)
{
    if (event->type == CT_BUSINESS_FEATURE_USED) {
        (void)ct_names_new(&t->modules, ct_business_text(event, CT_BUSINESS_NAME));
    } else if (event->numbers.duration_usec == CT_BUSINESS_NUMBER_NONE || event->numbers.duration_usec < 0) {
        s->sessions_left_out++;
    } else {
        ct_spread_add(&s->sessions, event->numbers.duration_usec);
        t->sessions++;
        if (__builtin_add_overflow(t->session_usec, event->numbers.duration_usec, &t->session_usec)) {
            t->session_usec = INT64_MAX;
        }
    }
}

static void take(struct tally *t, struct ct_usage *s, const struct ct_business *event)
{
    uint64_t actions = ct_usage_actions(event);
    if (actions == 0) {
        return;
    }
    /* An hour that comes twice at midnight belongs to the new date the second time, too: dates never go back. */
    int64_t date = ct_day_of(t->terms->zone, event->at);
    t->date = date > t->date ? date : t->date;
    int64_t age = t->last > t->date ? t->last - t->date : 0;
    t->used = true;
    t->featured = t->featured || event->type == CT_BUSINESS_FEATURE_USED;
    t->in_month = t->in_month || t->date >= t->month;
    if (age < WEEK) {
        t->days |= 1u << age;
        add_actions(&t->in_week, actions);
    } else if (age < 2 * WEEK) {
        add_actions(&t->week_before, actions);
    }
    bool key = event->type == CT_BUSINESS_FEATURE_USED && event->numbers.flag == 1;
    take_week(t, s, age / WEEK, key ? (int64_t)(actions < INT64_MAX ? actions : INT64_MAX) : 0);
    if (event->at >= t->terms->from) {
        take_in_period(t, s, event);
    }
}

static void fold_account(struct ct_usage *s, const struct tally *t, const bool active[CT_USAGE_INTERVALS])
{
    s->accounts++;
    for (unsigned i = 0; i < CT_USAGE_INTERVALS; i++) {
        s->using[i] += active[i];
        s->using_chosen += active[i] && i == t->terms->usage_interval;
    }
    s->weekly_active += t->in_week > 0 && t->in_week >= t->terms->weekly_events;
    ct_moments_add(&s->breadth, (int64_t)t->modules.count);
    s->broad += t->modules.count >= t->terms->breadth_modules;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_usage *s = state;
    struct tally t;
    if (customer->terms->to == CT_USEC_NONE || customer->event_count == 0) {
        return;
    }
    tally_init(&t, customer->terms);
    for (size_t i = 0; i < customer->event_count && customer->events[i]->at < t.end; i++) {
        take(&t, s, customer->events[i]);
    }
    end_week(&t, s);
    const bool active[CT_USAGE_INTERVALS] = {t.days & 1, t.days != 0, t.in_month};
    for (unsigned i = 0; i < CT_USAGE_INTERVALS; i++) {
        s->active[i] += active[i];
    }
    s->users += t.used;
    s->featured += t.featured;
    s->user_days += (uint64_t)__builtin_popcount(t.days);
    if (t.sessions) {
        ct_moments_add(&s->customers_sessions, t.session_usec);
    }
    if (ct_account_is_customer(customer->account, t.end - 1)) {
        fold_account(s, &t, active);
    }
    if (ct_account_is_customer(customer->account, ct_day_begin(t.terms->zone, t.last + 1 - WEEK) - 1)) {
        s->weekly_accounts_before++;
        s->weekly_active_before += t.week_before > 0 && t.week_before >= t.terms->weekly_events;
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_usage *s = state;
    const struct ct_usage *o = other;
    uint64_t by = ct_metric_by(sign);
    s->users += by * o->users;
    s->featured += by * o->featured;
    s->user_days += by * o->user_days;
    s->accounts += by * o->accounts;
    for (unsigned i = 0; i < CT_USAGE_INTERVALS; i++) {
        s->active[i] += by * o->active[i];
        s->using[i] += by * o->using[i];
    }
    s->using_chosen += by * o->using_chosen;
    s->weekly_active += by * o->weekly_active;
    s->weekly_accounts_before += by * o->weekly_accounts_before;
    s->weekly_active_before += by * o->weekly_active_before;
    ct_moments_merge(&s->depth, &o->depth, sign);
    ct_moments_merge(&s->breadth, &o->breadth, sign);
    s->broad += by * o->broad;
    ct_spread_merge(&s->sessions, &o->sessions, sign);
    ct_moments_merge(&s->customers_sessions, &o->customers_sessions, sign);
    s->sessions_left_out += by * o->sessions_left_out;
}

const struct ct_metric ct_metric_usage = {
    .name = "usage", .state_bytes = sizeof(struct ct_usage), .fold_customer = fold_customer, .merge = merge};
