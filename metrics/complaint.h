/* complaint.h - conversations that carry a complaint, and how long until it is resolved in the same conversation. */
#ifndef CT_COMPLAINT_H
#define CT_COMPLAINT_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_complaint {
    uint64_t engaged, complaints, insults;
    struct ct_spread time; /* complaint to resolution, µs */
    uint64_t open;         /* complaints not resolved, or at a time not known */
};
extern const struct ct_metric ct_metric_complaint;

#endif
