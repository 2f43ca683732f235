/* influence.h - customers who left after they had talked to the AI, beside those who never did.
 *
 * Talked: customers with a conversation in the period in which they and the AI wrote, begun while they were customers
 * (account.h). Lost: they left from such a conversation's beginning to terms->churn_window_usec after its end. The
 * conversation that a customer is counted under is the last one before that loss, else the last one.
 * Quiet: customers in the period without such a conversation in it. Their exposure is as long: the window from the
 * period's start on, or from where they became customers in it. (One who left early had less time to talk than others:
 * what the two rates differ by is no proof of a cause.)
 * Only who has been watched for the whole window is counted, whatever happened to the others so far: of those who
 * talked the window runs from the end of the last such conversation. The others are provisional.
 */
#ifndef CT_INFLUENCE_H
#define CT_INFLUENCE_H

#include "metrics/metric.h"
#include "metrics/pending.h"

struct ct_exposed {
    uint64_t customers, lost; /* whose window has passed */
    struct ct_pending open;   /* whose has not */
};

struct ct_influence {
    struct ct_exposed talked, quiet;
    struct {
        uint64_t customers, lost;
    } outcome[CT_OUTCOME_COUNT]; /* those who talked, by the outcome of that conversation */
    uint64_t strangers;          /* talked to the AI and are not known to have been customers then */
    uint64_t untimed;            /* talked to the AI in untimed conversations alone */
    uint64_t undated;            /* quiet, and neither the period nor they have a known beginning */
};
extern const struct ct_metric ct_metric_influence;

enum ct_influence_reading { CT_INFLUENCE_TALKED, CT_INFLUENCE_QUIET, CT_INFLUENCE_DIFFERENCE, CT_INFLUENCE_BY_OUTCOME };
bool ct_influence_read(const struct ct_influence *state, enum ct_influence_reading what, size_t index,
                       struct ct_reading *out);

#endif
