/* feedback.h - open answers: how many there are, and how many of them somebody answered.
 *
 * In a conversation: a comment of the customer, answered where the bot or a person still wrote after it, or by an event
 * feedback_answered whose ref is the conversation's id. Outside: the business events `feedback`, and `survey` with a
 * text, answered by a `feedback_answered` whose ref is theirs (where they have none, their id), at any time from then
 * up to what is known. Who is answered need not be known: answers.h says how they meet without user_id. Business
 * events count in the period. What has no name by which an answer could speak of it, and is nobody's in particular, is
 * left out of the rate.
 */
#ifndef CT_FEEDBACK_METRIC_H
#define CT_FEEDBACK_METRIC_H

#include "metrics/metric.h"

struct ct_feedback {
    uint64_t engaged;                     /* conversations that could have carried one */
    uint64_t comments, comments_answered; /* in conversations */
    uint64_t answered_outside;            /* comments, not answered in their conversation but by an event */
    uint64_t items, items_answered;       /* business events */
    uint64_t items_unknown;               /* of items: nobody's, and whether they were answered cannot be told */
};
extern const struct ct_metric ct_metric_feedback;

#endif
