/* cost.h - what conversations cost, by currency: amounts of two currencies are never added. A month's fixed fees are
 * added when figures are read (fees.h).
 */
#ifndef CT_METRICS_COST_H
#define CT_METRICS_COST_H

#include "metrics/fees.h"
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
    /* Of conversations that ct_record_saves, and whose currency the price of people is in: */
    uint64_t saved;
    ct_wide saved_cost, saved_price; /* what they cost; what people alone would have */
    ct_wide ai_effort;               /* what the AI's conversations cost but for the people in them, resolved or not */
};

struct ct_cost {
    uint32_t count, reserved;
    uint64_t unpriced; /* engaged conversations without a cost */
    int64_t tokens_input, tokens_cached, tokens_output;
    struct ct_currency currency[CT_CURRENCIES_MAX], other;
    struct ct_fee_base fees;
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
    CT_COST_SOURCE,
    CT_COST_SAVED,     /* the price of people, less what the same conversations cost */
    CT_COST_SAVED_NET, /* the price of people, less what all of the AI's conversations cost but for people */
    CT_COST_SAVED_EACH,
    CT_COST_SAVED_SHARE
};
/* Of out->fees the monthly fees' shares are added, in their currency. */
bool ct_cost_read(const struct ct_cost *state, enum ct_cost_reading what, size_t index, struct ct_reading *out);

#endif
