/* sentiment.c - positive and negative mentions, by conversation. */
#include "metrics/sentiment.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_sentiment *s = state;
    if (record->engaged) {
        enum ct_feeling feeling = record->positive && record->negative ? CT_FEELING_MIXED
                                  : record->positive                   ? CT_FEELING_POSITIVE
                                  : record->negative                   ? CT_FEELING_NEGATIVE
                                                                       : CT_FEELING_NONE;
        s->conversations[feeling]++;
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_sentiment *s = state;
    const struct ct_sentiment *o = other;
    uint64_t by = ct_metric_by(sign);
    for (unsigned i = 0; i < CT_FEELING_COUNT; i++) {
        s->conversations[i] += by * o->conversations[i];
    }
}

bool ct_sentiment_read(const struct ct_sentiment *state, size_t index, struct ct_reading *out)
{
    static const char *const names[CT_FEELING_COUNT] = {"positive", "negative", "mixed", "none"};
    if (index > CT_FEELING_COUNT) {
        return false;
    }
    unsigned feeling = 0, largest = 0;
    for (unsigned i = 0; i < CT_FEELING_COUNT; i++) {
        out->denominator += (ct_wide)state->conversations[i];
        largest = state->conversations[i] > state->conversations[largest] ? i : largest;
    }
    if (out->denominator == 0) {
        return index == 0;
    }
    feeling = index == 0 ? largest : (unsigned)index - 1;
    memcpy(out->key, names[feeling], strlen(names[feeling]) + 1);
    out->numerator = (ct_wide)state->conversations[feeling];
    return true;
}

const struct ct_metric ct_metric_sentiment = {
    .name = "sentiment", .state_bytes = sizeof(struct ct_sentiment), .fold = fold, .merge = merge};
