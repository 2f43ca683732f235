/* cost.h - what conversations cost, by currency: amounts of two currencies are never added. */
#ifndef CT_COST_H
#define CT_COST_H

#include "metrics/keyed.h"
#include "metrics/metric.h"
#include "metrics/spread.h"

#define CT_CURRENCIES_MAX 8

struct ct_currency {
    char key[CT_KEY_BYTES];
    struct ct_moments all; /* each conversation with a cost, nano-units */
    struct ct_moments ai;  /* those in which the AI wrote */
    ct_wide channel, tokens, human, fixed, source;
    uint64_t resolved, confirmed, durable; /* without a person; failed tries stay in the amounts above */
    ct_wide matured;                       /* amounts of the conversations whose return window has passed */
};

struct ct_cost {
    uint32_t count, reserved;
    uint64_t unpriced; /* engaged conversations without a cost */
    int64_t tokens_input, tokens_cached, tokens_output;
    struct ct_currency currency[CT_CURRENCIES_MAX], other;
};
extern const struct ct_metric ct_metric_cost;

/* Which number of a currency a row reads. */
enum ct_cost_reading {
    CT_COST_ALL,
    CT_COST_AI,
    CT_COST_RESOLVED,
    CT_COST_CONFIRMED,
    CT_COST_DURABLE,
    CT_COST_TOTAL,
    CT_COST_CHANNEL,
    CT_COST_TOKENS,
    CT_COST_HUMAN,
    CT_COST_FIXED,
    CT_COST_SOURCE
};
bool ct_cost_read(const struct ct_cost *state, enum ct_cost_reading what, size_t index, struct ct_reading *out);

#endif
