/* sentiment.h - engaged conversations by what the customer let be felt. */
#ifndef CT_SENTIMENT_H
#define CT_SENTIMENT_H

#include "metrics/metric.h"

enum ct_feeling { CT_FEELING_POSITIVE, CT_FEELING_NEGATIVE, CT_FEELING_MIXED, CT_FEELING_NONE, CT_FEELING_COUNT };

struct ct_sentiment {
    uint64_t conversations[CT_FEELING_COUNT]; /* adds up to the engaged ones */
};
extern const struct ct_metric ct_metric_sentiment;

/* Shares of the engaged conversations: the head is the largest, the parts all four. */
bool ct_sentiment_read(const struct ct_sentiment *state, size_t index, struct ct_reading *out);

#endif
