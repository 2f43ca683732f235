/* outcomes.c - outcomes achieved, and returns. See outcomes.h. */
#include "metrics/outcomes.h"

#include "metrics/account.h"
#include "metrics/days.h"
#include "metrics/names.h"

static void currency_merge(void *entry, const void *other, int sign)
{
    struct ct_roi_currency *s = entry;
    const struct ct_roi_currency *o = other;
    s->accounts += ct_metric_by(sign) * o->accounts;
    s->benefit += sign * o->benefit;
    s->cost += sign * o->cost;
}

static const struct ct_keyed currencies = {sizeof(struct ct_roi_currency), CT_ROI_CURRENCIES_MAX, currency_merge};

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

static ct_usec start_of(const struct ct_customer *customer)
{
    if (customer->account->spell_count && customer->account->spell[0].from != CT_USEC_NONE) {
        return customer->account->spell[0].from;
    }
    for (size_t i = 0; i < customer->event_count; i++) {
        const struct ct_business *event = customer->events[i];
        if (event->type == CT_BUSINESS_MILESTONE &&
            ct_span_is(ct_business_text(event, CT_BUSINESS_NAME), "project_started")) {
            return event->at;
        }
    }
    return CT_USEC_NONE;
}

static bool is_reached(const struct ct_business_numbers *n)
{
    return n->flag != CT_BUSINESS_NUMBER_NONE
               ? n->flag == 1
               : n->value != CT_BUSINESS_NUMBER_NONE && n->goal != CT_BUSINESS_NUMBER_NONE && n->value >= n->goal;
}

static void add(struct ct_achieved *to, bool achieved)
{
    to->accounts++;
    to->achieved += achieved;
}

static void fold_outcomes(struct ct_outcomes *s, const struct ct_customer *customer)
{
    const struct ct_terms *terms = customer->terms;
    const struct ct_business *newest = NULL;
    ct_usec end = ct_terms_end(terms), start = start_of(customer);
    bool achieved = true;
    struct ct_names seen;
    ct_names_init(&seen);
    for (size_t i = customer->event_count; i > 0 && customer->events[i - 1]->at >= terms->from; i--) {
        const struct ct_business *event = customer->events[i - 1];
        if (event->type == CT_BUSINESS_OUTCOME && event->at < end &&
            ct_names_new(&seen, ct_business_text(event, CT_BUSINESS_NAME))) {
            newest = newest ? newest : event;
            achieved = achieved && is_reached(&event->numbers);
        }
    }
    if (!newest) {
        return;
    }
    add(&s->all, achieved);
    int64_t years =
        start == CT_USEC_NONE ? -1 : ct_days_years(ct_day_of(terms->zone, start), ct_day_of(terms->zone, newest->at));
    s->no_start += years < 0;
    if (years == 0 || years == 1) {
        add(years == 0 ? &s->first_year : &s->second_year, achieved);
    }
}

/* ---- returns ----------------------------------------------------------------------------------------------------- */

/* The newest amount of each name in [from, end), added up; of costs the account's alone. `any` currency: *currency
 * becomes the newest event's. false = there is none. */
static bool newest_amounts(const struct ct_customer *customer, enum ct_business_type type, ct_usec from, ct_usec end,
                           bool any, ct_span *currency, ct_wide *sum)
{
    struct ct_names seen;
    ct_names_init(&seen);
    *sum = 0;
    for (size_t i = customer->event_count; i > 0 && customer->events[i - 1]->at >= from; i--) {
        const struct ct_business *event = customer->events[i - 1];
        ct_span name = ct_business_text(event, CT_BUSINESS_NAME);
        if (event->type != type || event->at >= end || event->numbers.amount == CT_BUSINESS_NUMBER_NONE ||
            (type == CT_BUSINESS_COST && !ct_span_is(name, "account"))) {
            continue;
        }
        if (any) {
            *currency = ct_business_text(event, CT_BUSINESS_CURRENCY);
            any = false;
        }
        if (ct_span_eq(ct_business_text(event, CT_BUSINESS_CURRENCY), *currency) && ct_names_new(&seen, name)) {
            *sum += event->numbers.amount;
        }
    }
    return seen.count > 0;
}

static ct_wide annual_revenue(const struct ct_account *account, ct_span currency)
{
    for (uint32_t i = 0; i < account->money_count; i++) {
        if (ct_span_eq(account->money[i].currency, currency)) {
            return account->money[i].mrr_end * 12;
        }
    }
    return 0;
}

static void fold_roi(struct ct_outcomes *s, const struct ct_customer *customer)
{
    ct_usec end = ct_terms_end(customer->terms);
    ct_span currency = CT_SPAN_NONE;
    ct_wide benefit, cost;
    if (!newest_amounts(customer, CT_BUSINESS_BENEFIT, customer->terms->from, end, true, &currency, &benefit)) {
        return;
    }
    if (!newest_amounts(customer, CT_BUSINESS_COST, CT_USEC_NONE, end, false, &currency, &cost)) {
        cost = annual_revenue(customer->account, currency);
    }
    if (cost <= 0) {
        s->without_cost++;
        return;
    }
    struct ct_roi_currency *c = ct_keyed_at(&currencies, s->currency, &s->count, &s->other, currency);
    c->accounts++;
    c->benefit += benefit;
    c->cost += cost;
}

bool ct_outcomes_read_roi(const struct ct_outcomes *state, size_t index, struct ct_reading *out)
{
    const struct ct_roi_currency *c = ct_keyed_shown(&currencies, state->currency, state->count, index ? index - 1 : 0);
    if (index > 0 && (!c || !ct_keyed_shown(&currencies, state->currency, state->count, 1))) {
        return false;
    }
    out->scale = CT_NANO_PER_UNIT;
    out->left_out = state->without_cost + state->other.accounts;
    if (!c) {
        return true;
    }
    for (uint32_t i = 0; index == 0 && i < state->count; i++) {
        c = state->currency[i].accounts > c->accounts ? &state->currency[i] : c;
    }
    memcpy(out->key, c->key, sizeof out->key);
    out->numerator = c->benefit - c->cost;
    out->denominator = c->cost;
    return true;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    if (customer->terms->to != CT_USEC_NONE && customer->event_count > 0) {
        fold_outcomes(state, customer);
        fold_roi(state, customer);
    }
}

static void merge_achieved(struct ct_achieved *to, const struct ct_achieved *other, uint64_t by)
{
    to->accounts += by * other->accounts;
    to->achieved += by * other->achieved;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_outcomes *s = state;
    const struct ct_outcomes *o = other;
    uint64_t by = ct_metric_by(sign);
    merge_achieved(&s->all, &o->all, by);
    merge_achieved(&s->first_year, &o->first_year, by);
    merge_achieved(&s->second_year, &o->second_year, by);
    s->no_start += by * o->no_start;
    s->without_cost += by * o->without_cost;
    ct_keyed_merge(&currencies, s->currency, &s->count, &s->other, o->currency, o->count, &o->other, sign);
}

const struct ct_metric ct_metric_outcomes = {
    .name = "outcomes", .state_bytes = sizeof(struct ct_outcomes), .fold_customer = fold_customer, .merge = merge};
