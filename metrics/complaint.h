/* complaint.h - conversations that carry a complaint, and how long until it is resolved: in the same conversation, in a
 * later one of the same customer about the same thing (customer.h), or as the business says by `complaint_resolved`.
 *
 * A complaint that is raised outside the chat (`complaint_raised`) counts in the period, by its reference. A reference
 * that is the id of a conversation with a complaint speaks of that one.
 */
#ifndef CT_COMPLAINT_H
#define CT_COMPLAINT_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_complaint {
    uint64_t engaged, complaints, insults;
    struct ct_spread time; /* complaint to resolution, µs */
    uint64_t open;         /* complaints not resolved in their conversation, or at a time not known (untimed) */
    uint64_t later;        /* of open: resolved later after all; they are in `time` */
    uint64_t raised_open;  /* complaint_raised without a resolution */
};
extern const struct ct_metric ct_metric_complaint;

#endif
