/* sentiment.c - positive and negative mentions, questions, suggestions, competitors. */
#include "metrics/sentiment.h"

const char *ct_feeling_text(enum ct_feeling feeling)
{
    static const char *const names[CT_FEELING_COUNT] = {"positive", "negative", "mixed", "none"};
    return names[feeling];
}

enum ct_feeling ct_feeling_of(const struct ct_record *record)
{
    bool good = record->positive || record->positive_messages;
    bool bad = record->negative || record->negative_messages || record->complaint || record->insult;
    return good && bad ? CT_FEELING_MIXED : good ? CT_FEELING_POSITIVE : bad ? CT_FEELING_NEGATIVE : CT_FEELING_NONE;
}

static bool speaks_of(ct_span topics, const char *topic)
{
    while (topics.len) {
        const char *space = memchr(topics.at, ' ', topics.len);
        size_t len = space ? (size_t)(space - topics.at) : topics.len, used = space ? len + 1 : len;
        if (ct_span_is((ct_span){topics.at, len}, topic)) {
            return true;
        }
        topics = (ct_span){topics.at + used, topics.len - used};
    }
    return false;
}

static void fold(void *state, const struct ct_record *record)
{
    static const char *const mentioned[CT_MENTION_COUNT] = {
#define X(name, text) text,
        CT_MENTION_MAP(X)
#undef X
    };
    struct ct_sentiment *s = state;
    if (!record->engaged) {
        return;
    }
    ct_span topics = ct_record_text(record, CT_TEXT_TOPICS);
    s->conversations[ct_feeling_of(record)]++;
    for (unsigned i = 0; topics.len && i < CT_MENTION_COUNT; i++) {
        s->mentions[i] += speaks_of(topics, mentioned[i]);
    }
    s->asking += record->questions > 0;
    s->messages += record->user_messages;
    s->positive_messages += record->positive_messages;
    s->negative_messages += record->negative_messages;
    s->questions += record->questions;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_sentiment *s = state;
    const struct ct_sentiment *o = other;
    uint64_t by = ct_metric_by(sign);
    for (unsigned i = 0; i < CT_FEELING_COUNT; i++) {
        s->conversations[i] += by * o->conversations[i];
    }
    for (unsigned i = 0; i < CT_MENTION_COUNT; i++) {
        s->mentions[i] += by * o->mentions[i];
    }
    s->asking += by * o->asking;
    s->messages += by * o->messages;
    s->positive_messages += by * o->positive_messages;
    s->negative_messages += by * o->negative_messages;
    s->questions += by * o->questions;
}

bool ct_sentiment_read(const struct ct_sentiment *state, size_t index, struct ct_reading *out)
{
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
    const char *name = ct_feeling_text((enum ct_feeling)feeling);
    memcpy(out->key, name, strlen(name) + 1);
    out->numerator = (ct_wide)state->conversations[feeling];
    return true;
}

const struct ct_metric ct_metric_sentiment = {
    .name = "sentiment", .state_bytes = sizeof(struct ct_sentiment), .fold = fold, .merge = merge};
