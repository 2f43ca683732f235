/* escalation.h - the way to a person: asked, offered, announced, refused, performed, failed, each apart. */
#ifndef CT_ESCALATION_H
#define CT_ESCALATION_H

#include "metrics/metric.h"

struct ct_escalation {
    uint64_t engaged;
    uint64_t performed; /* a person took part */
    uint64_t requested, offered, announced, refused;
    uint64_t failed;              /* asked for, announced or begun, and nobody came: the outcome escalation_failed */
    uint64_t requested_performed; /* asked for, and a person took part */
    uint64_t performed_resolved;  /* a person took part, and it was resolved */
    uint64_t performed_judged;    /* a person took part, and whether it was resolved is known */
};
extern const struct ct_metric ct_metric_escalation;

#endif
