/* wait.h - the human queue: the waits of those attended, and, apart, of those who left before. */
#ifndef CT_WAIT_H
#define CT_WAIT_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_wait {
    struct ct_spread attended; /* µs */
    struct ct_moments left;    /* µs until they left */
    uint64_t unknown;          /* a person took part after a wait that cannot be measured, untimed ones among them */
    uint64_t untimed_left;     /* left the queue of an untimed conversation */
};
extern const struct ct_metric ct_metric_wait;

#endif
