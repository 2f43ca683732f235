/* response.h - how long a customer's message waits for its answer: each answer of the AI, the first one, and the
 * first one of a person; messages and conversations without an answer are counted, not dropped. A conversation of which
 * a message has no time is measured by none of its messages (contract: untimed). */
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
    uint64_t untimed, untimed_human; /* conversations that cannot be measured: the AI answered, a person wrote */
};
extern const struct ct_metric ct_metric_response;

#endif
