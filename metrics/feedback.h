/* feedback.h - open answers: how many there are, and how many of them somebody answered.
 *
 * In a conversation: a comment of the customer, answered where the bot or a person still wrote after it. Outside: the
 * business events `feedback`, and `survey` with a text, answered by a `feedback_answered` of the same reference, at any
 * time up to what is known. Business events count in the period.
 */
#ifndef CT_FEEDBACK_METRIC_H
#define CT_FEEDBACK_METRIC_H

#include "metrics/metric.h"

struct ct_feedback {
    uint64_t engaged;                     /* conversations that could have carried one */
    uint64_t comments, comments_answered; /* in conversations */
    uint64_t items, items_answered;       /* business events */
};
extern const struct ct_metric ct_metric_feedback;

#endif
