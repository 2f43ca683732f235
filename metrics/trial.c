/* trial.c - trials converted, accounts activated. See trial.h. */
#include "metrics/trial.h"

#include "metrics/account.h"
#include "metrics/days.h"

/* When somebody without trial_converted subscribed first; INT64_MAX = never. */
static ct_usec first_paid(const struct ct_customer *customer, ct_usec known)
{
    ct_usec paid = INT64_MAX;
    for (size_t i = 0; i < customer->event_count && customer->events[i]->at < known; i++) {
        const struct ct_business *event = customer->events[i];
        if (event->type == CT_BUSINESS_TRIAL_CONVERTED) {
            return INT64_MAX;
        }
        if (event->type == CT_BUSINESS_SUBSCRIPTION && event->numbers.amount > 0 && paid == INT64_MAX) {
            paid = event->at;
        }
    }
    return paid;
}

static void fold_trial(struct ct_trial *s, const struct ct_terms *terms, const struct ct_business *trial,
                       bool converted)
{
    ct_usec end = trial->numbers.due;
    if (!ct_terms_hold(terms, trial->at)) {
        return;
    }
    s->trials++;
    s->converted += converted;
    if (end == CT_BUSINESS_NUMBER_NONE) {
        end = ct_days_on(terms->zone, trial->at, terms->trial_usec);
    }
    if (!converted && end >= ct_terms_known(terms)) {
        ct_pending_add(&s->running, end);
    }
}

/* From the newest back, so that a conversion meets the youngest trial before it first. */
static void fold_trials(struct ct_trial *s, const struct ct_customer *customer)
{
    ct_usec known = ct_terms_known(customer->terms), paid = first_paid(customer, known);
    uint64_t conversions = 0;
    for (size_t i = customer->event_count; i > 0; i--) {
        const struct ct_business *event = customer->events[i - 1];
        if (event->at >= known) {
            continue;
        }
        if (event->type == CT_BUSINESS_TRIAL_CONVERTED) {
            conversions++;
        } else if (event->type == CT_BUSINESS_TRIAL_STARTED) {
            bool bought = paid != INT64_MAX && event->at <= paid;
            bool converted = conversions > 0 || bought;
            conversions -= conversions > 0;
            paid = bought ? INT64_MAX : paid;
            fold_trial(s, customer->terms, event, converted);
        }
    }
}

static bool is_activated(const struct ct_customer *customer, ct_usec from, ct_usec to)
{
    uint64_t actions = 0;
    for (size_t i = 0; i < customer->event_count && customer->events[i]->at < to; i++) {
        const struct ct_business *event = customer->events[i];
        int64_t count = event->numbers.count == CT_BUSINESS_NUMBER_NONE ? 1 : event->numbers.count;
        if (event->at >= from && event->type == CT_BUSINESS_FEATURE_USED && event->numbers.flag == 1 && count > 0 &&
            __builtin_add_overflow(actions, (uint64_t)count, &actions)) {
            return true;
        }
    }
    return actions >= customer->terms->activation_actions;
}

static void fold_accounts(struct ct_trial *s, const struct ct_customer *customer)
{
    const struct ct_terms *terms = customer->terms;
    ct_usec known = ct_terms_known(terms);
    for (uint32_t i = 0; i < customer->account->spell_count; i++) {
        ct_usec from = customer->account->spell[i].from;
        if (from == CT_USEC_NONE || !ct_terms_hold(terms, from) || from >= known) {
            continue;
        }
        ct_usec to = ct_days_on(terms->zone, from, terms->activation_usec);
        if (to > known) {
            ct_pending_add(&s->open, to);
            continue;
        }
        s->accounts++;
        s->activated += is_activated(customer, from, to);
    }
}

static bool is_featured(const struct ct_customer *customer)
{
    for (size_t i = 0; i < customer->event_count; i++) {
        if (customer->events[i]->type == CT_BUSINESS_FEATURE_USED) {
            return true;
        }
    }
    return false;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    if (customer->terms->to != CT_USEC_NONE && customer->event_count > 0) {
        struct ct_trial *s = state;
        s->featured += is_featured(customer);
        fold_trials(state, customer);
        fold_accounts(state, customer);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_trial *s = state;
    const struct ct_trial *o = other;
    uint64_t by = ct_metric_by(sign);
    s->trials += by * o->trials;
    s->converted += by * o->converted;
    s->accounts += by * o->accounts;
    s->activated += by * o->activated;
    s->featured += by * o->featured;
    ct_pending_merge(&s->running, &o->running, sign);
    ct_pending_merge(&s->open, &o->open, sign);
}

const struct ct_metric ct_metric_trial = {
    .name = "trial", .state_bytes = sizeof(struct ct_trial), .fold_customer = fold_customer, .merge = merge};
