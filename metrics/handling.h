/* handling.h - handling time (AHT): the AI's part, the person's part, and the whole. */
#ifndef CT_HANDLING_H
#define CT_HANDLING_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_handling {
    struct ct_spread total, ai, human;  /* µs */
    uint64_t untimed;                   /* engaged conversations that cannot be measured; of these */
    uint64_t untimed_ai, untimed_human; /* with the AI; escalated */
};
extern const struct ct_metric ct_metric_handling;

#endif
