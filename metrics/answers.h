/* answers.h - which references were answered, by events that name no customer or to people who named themselves to
 * nobody: what the customers' own events, met one customer at a time, cannot tell.
 *
 * Feedback and the event feedback_answered meet by the feedback's name: its `ref`, else its `id`; of a comment in a
 * conversation the conversation's id. Where both name a customer they meet there (feedback.c). Where one of them names
 * none, they meet here: an answer without user_id is one to whatever of its tenant has that name, and what nobody in
 * particular wrote is answered by whatever answer names it. Built by the program from all events before it counts, read
 * by metrics through struct ct_terms; the same whatever the order of events. Immutable once settled.
 */
#ifndef CT_ANSWERS_H
#define CT_ANSWERS_H

#include "engine/business.h"

/* Of more answers than these none is kept: what they might answer is then left out, not unanswered. */
#define CT_ANSWERS_MAX 500000

struct ct_answers;
struct ct_answers *ct_answers_new(void) CT_MUST_USE; /* NULL = out of memory */
void ct_answers_free(struct ct_answers *answers);    /* NULL allowed */
/* An event; all but feedback_answered with a ref are passed over. CT_NO_MEMORY. */
enum ct_status ct_answers_add(struct ct_answers *answers, const struct ct_business *event) CT_MUST_USE;
/* What `other` holds, too. CT_NO_MEMORY. */
enum ct_status ct_answers_merge(struct ct_answers *answers, const struct ct_answers *other) CT_MUST_USE;
/* Once, when all are added. */
void ct_answers_settle(struct ct_answers *answers);
/* How many there were, if they were too many to be kept; else 0. */
uint64_t ct_answers_beyond(const struct ct_answers *answers);

enum ct_answered { CT_ANSWERED_NO, CT_ANSWERED_YES, CT_ANSWERED_UNKNOWN };
/* Was what has that name answered from `from` on, before `known`? `nobodys`: it is nobody's, so that any answer counts;
 * else those without user_id alone. UNKNOWN: it has no name, or answers are not known (NULL, or too many). */
enum ct_answered ct_answers_find(const struct ct_answers *answers, ct_span tenant, ct_span name, bool nobodys,
                                 ct_usec from, ct_usec known);

#endif
