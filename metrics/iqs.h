/* iqs.h - the internal quality score: engaged conversations by the scorecard of the terms; nothing without one.
 *
 * Of a conversation: sum(weight x score) / sum(weight) x 100 over the criteria that can be judged in it, rounded to
 * millionths of a percent, half to even.
 */
#ifndef CT_IQS_H
#define CT_IQS_H

#include "metrics/keyed.h"
#include "metrics/metric.h"
#include "metrics/scorecard.h"
#include "metrics/spread.h"

struct ct_iqs_criterion {
    char key[CT_KEY_BYTES];
    struct ct_moments scores; /* millionths of a percent */
    uint64_t unjudged;        /* conversations in which it could not be judged */
};
struct ct_iqs {
    struct ct_moments scores;
    uint64_t unjudged; /* conversations in which no criterion could be judged */
    struct ct_iqs_criterion criterion[CT_CRITERIA_MAX], other;
    uint32_t count;
};
extern const struct ct_metric ct_metric_iqs;

/* Of one conversation, in millionths of a percent; -1 = nobody judges it: no scorecard, not engaged, no criterion that
 * can be judged. */
int64_t ct_iqs_of(const struct ct_record *record, const struct ct_terms *terms);

/* The head is the score, the parts the criteria by name. */
bool ct_iqs_read(const struct ct_iqs *iqs, size_t index, struct ct_reading *out);
/* Judged criteria of all criteria of all conversations. */
bool ct_iqs_read_judged(const struct ct_iqs *iqs, size_t index, struct ct_reading *out);

#endif
