/* volume.h - how many conversations of which outcome: the partition that every rate stands on. */
#ifndef CT_VOLUME_H
#define CT_VOLUME_H

#include "metrics/metric.h"

struct ct_volume {
    uint64_t conversations, engaged, messages, untimed;
    uint64_t outcomes[CT_OUTCOME_COUNT];
    uint64_t dated;            /* conversations that have a time */
    ct_usec first_at, last_at; /* only where dated > 0; do not shrink when given back */
    uint64_t accounts;         /* customers of whom business events are known, of whatever time */
    uint64_t events;           /* known business events in the period; all of them where there is none */
    uint64_t known;            /* customers and events of nobody that were folded, of whatever time; 0 = metrics that do
                                  not fold conversations are empty */
};
extern const struct ct_metric ct_metric_volume;

#endif
