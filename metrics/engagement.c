/* engagement.c - who takes part. See engagement.h. */
#include "metrics/engagement.h"

#include "metrics/account.h"
#include "metrics/days.h"
#include "metrics/usage.h"

/* Which input an event speaks of; CT_ENGAGEMENT_COUNT = none. */
static enum ct_engagement_input input_of(const struct ct_business *event)
{
    ct_span name = ct_business_text(event, CT_BUSINESS_NAME);
    switch (event->type) {
    case CT_BUSINESS_PROGRAMME:
        return ct_span_is(name, "loyalty")     ? CT_ENGAGEMENT_LOYALTY
               : ct_span_is(name, "education") ? CT_ENGAGEMENT_EDUCATION
                                               : CT_ENGAGEMENT_COUNT;
    case CT_BUSINESS_FEATURE_USED:
    case CT_BUSINESS_SESSION:
        return ct_usage_actions(event) ? CT_ENGAGEMENT_USAGE : CT_ENGAGEMENT_COUNT;
    case CT_BUSINESS_SURVEY:
    case CT_BUSINESS_FEEDBACK:
        return CT_ENGAGEMENT_FEEDBACK;
    case CT_BUSINESS_REFERRAL:
        return CT_ENGAGEMENT_REFERRAL;
    default:
        return CT_ENGAGEMENT_COUNT;
    }
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_engagement *s = state;
    const struct ct_terms *terms = customer->terms;
    bool known[CT_ENGAGEMENT_COUNT] = {false}, takes_part[CT_ENGAGEMENT_COUNT] = {false}, weighed = false;
    if (terms->to == CT_USEC_NONE || customer->event_count == 0) {
        return;
    }
    ct_usec end = ct_terms_end(terms);
    ct_usec week = ct_day_begin(terms->zone, ct_day_of(terms->zone, end - 1) - 6);
    for (size_t i = 0; i < customer->event_count && customer->events[i]->at < end; i++) {
        const struct ct_business *event = customer->events[i];
        enum ct_engagement_input input = input_of(event);
        if (input == CT_ENGAGEMENT_COUNT) {
            continue;
        }
        known[input] = true;
        weighed = weighed || terms->engagement_weights[input] > 0;
        if (event->type == CT_BUSINESS_PROGRAMME) {
            takes_part[input] = event->numbers.flag != 0;
        } else if (event->at >= (input == CT_ENGAGEMENT_USAGE ? week : terms->from)) {
            takes_part[input] = true;
        }
    }
    bool is_customer = ct_account_is_customer(customer->account, end - 1);
    int64_t score = 0;
    for (unsigned i = 0; i < CT_ENGAGEMENT_COUNT; i++) {
        s->known[i] += known[i];
        s->takes_part[i] += is_customer && takes_part[i];
        score += takes_part[i] ? terms->engagement_weights[i] : 0;
    }
    s->weighed += weighed;
    s->customers += is_customer;
    if (is_customer) {
        ct_moments_add(&s->scores, score);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_engagement *s = state;
    const struct ct_engagement *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_moments_merge(&s->scores, &o->scores, sign);
    s->customers += by * o->customers;
    s->weighed += by * o->weighed;
    for (unsigned i = 0; i < CT_ENGAGEMENT_COUNT; i++) {
        s->known[i] += by * o->known[i];
        s->takes_part[i] += by * o->takes_part[i];
    }
}

bool ct_engagement_read(const struct ct_engagement *state, size_t index, struct ct_reading *out)
{
    out->moments = state->weighed ? &state->scores : NULL;
    out->scale = 1;
    return index == 0;
}

const struct ct_metric ct_metric_engagement = {
    .name = "engagement", .state_bytes = sizeof(struct ct_engagement), .fold_customer = fold_customer, .merge = merge};
