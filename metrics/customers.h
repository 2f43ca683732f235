/* customers.h - distinct customers, how often they come, and after how long. Exact: the caller brings each
 * customer's conversations together. */
#ifndef CT_CUSTOMERS_H
#define CT_CUSTOMERS_H

#include "metrics/metric.h"
#include "metrics/spread.h"

struct ct_customers {
    uint64_t customers;     /* known ones, with an engaged conversation */
    uint64_t conversations; /* theirs, engaged */
    uint64_t recurrent;     /* with two or more */
    uint64_t unknown;       /* engaged conversations that name no customer */
    struct ct_spread gaps;  /* from one start to the next, µs; of timed conversations */
    uint64_t untimed;       /* of `conversations`: in no gap */
};
extern const struct ct_metric ct_metric_customers;

#endif
