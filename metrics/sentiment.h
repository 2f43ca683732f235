/* sentiment.h - what customers let be felt, and what they speak of beside their matter: by conversation and by message.
 */
#ifndef CT_SENTIMENT_H
#define CT_SENTIMENT_H

#include "metrics/metric.h"

enum ct_feeling { CT_FEELING_POSITIVE, CT_FEELING_NEGATIVE, CT_FEELING_MIXED, CT_FEELING_NONE, CT_FEELING_COUNT };
const char *ct_feeling_text(enum ct_feeling feeling); /* "positive" */
/* By what was said, scored or complained of. */
enum ct_feeling ct_feeling_of(const struct ct_record *record);

/* Topics that count by themselves. */
#define CT_MENTION_MAP(X) X(TECHNICAL, "technical") X(SUGGESTION, "suggestion") X(COMPETITOR, "competitor")
enum ct_mention {
#define X(name, text) CT_MENTION_##name,
    CT_MENTION_MAP(X)
#undef X
        CT_MENTION_COUNT
};

struct ct_sentiment {
    uint64_t conversations[CT_FEELING_COUNT]; /* adds up to the engaged ones */
    uint64_t mentions[CT_MENTION_COUNT];      /* conversations of the topic, engaged */
    uint64_t asking;                          /* conversations with a question of the customer */
    uint64_t messages, positive_messages, negative_messages, questions; /* of the customer */
};
extern const struct ct_metric ct_metric_sentiment;

/* Shares of the engaged conversations: the head is the largest, the parts all four. */
bool ct_sentiment_read(const struct ct_sentiment *state, size_t index, struct ct_reading *out);
static inline uint64_t ct_sentiment_engaged(const struct ct_sentiment *s)
{
    return s->conversations[CT_FEELING_POSITIVE] + s->conversations[CT_FEELING_NEGATIVE] +
           s->conversations[CT_FEELING_MIXED] + s->conversations[CT_FEELING_NONE];
}

#endif
