/* requests.h - conversations about cancelling or returning something, by their topics. What came of it: orders.h. */
#ifndef CT_REQUESTS_H
#define CT_REQUESTS_H

#include "metrics/metric.h"

struct ct_requests {
    uint64_t engaged, cancelling, returning; /* conversations */
};
extern const struct ct_metric ct_metric_requests;

#endif
