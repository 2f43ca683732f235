/* health.h - how well customers are doing: a weighted index of what is known of each, 0..100.
 *
 * Of each customer at the period's end, six factors of 0..100, each only where there is something to say it by:
 *   usage     weeks of the period, counted while a customer and up to terms->as_of, in which the product was used
 *             (session, feature_used, seats_active), of all such weeks; nothing before the period's end: not known
 *   outcomes  outcomes of the period that were reached (flag, else value at least goal), of all that can be told
 *   support   conversations of the period without trouble (no complaint, insult or known failure), of all
 *   spend     purchases of the period against as long a time before it, at most 100; with nothing before, 100
 *   surveys   answers of the period on their scale (0 the worst, 100 the best; of effort the least is the best)
 *   growth    MRR: 50 as at the period's start, 100 twice that or more, 0 nothing left
 * Spend and growth are worked out in each currency for itself; the mean of those counts. The score is the mean of the
 * factors that are known, by terms->health_weights, in whole millionths of a point.
 */
#ifndef CT_HEALTH_H
#define CT_HEALTH_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_health {
    struct ct_moments score;                   /* millionths of a point */
    struct ct_moments factor[CT_HEALTH_COUNT]; /* the same, of the customers of whom it is known */
    uint64_t customers;                        /* at the period's end */
};
extern const struct ct_metric ct_metric_health;

/* customer_health_score.factors: each factor's mean (key: its name), left out: customers of whom it is not known. */
bool ct_health_read_factors(const struct ct_health *state, size_t index, struct ct_reading *out);

#endif
