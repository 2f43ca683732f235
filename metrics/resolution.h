/* resolution.h - from the start of a conversation to what resolved it. */
#ifndef CT_RESOLUTION_H
#define CT_RESOLUTION_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_resolution {
    struct ct_spread time; /* µs, resolved conversations */
    uint64_t unknown;      /* resolved, but when is not known: untimed conversations, too */
};
extern const struct ct_metric ct_metric_resolution;

#endif
