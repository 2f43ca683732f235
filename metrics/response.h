/* response.h - how long a customer's message waits for its answer: each answer of the AI, the first one, and the
 * first one of a person; messages and conversations without an answer are counted, not dropped. */
#ifndef CT_RESPONSE_H
#define CT_RESPONSE_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_response {
    struct ct_spread answers;     /* each AI answer, µs */
    struct ct_spread first;       /* first AI answer of a conversation */
    struct ct_spread first_human; /* handoff to the first human message */
    uint64_t engaged, unanswered; /* conversations; those that nobody answered */
    uint64_t user_messages, unanswered_messages;
    uint64_t untimed_answers; /* conversations that the AI answered at times unknown */
};
extern const struct ct_metric ct_metric_response;

#endif
