/* automation.h - how much the AI settles alone: resolved without a person, of the engaged conversations that the AI
 * answered, with the bounds that honesty asks for, and containment, which is never called resolution. */
#ifndef CT_AUTOMATION_H
#define CT_AUTOMATION_H

#include "metrics/metric.h"
#include "metrics/pending.h"

struct ct_automation {
    uint64_t base;                  /* engaged and answered by the AI */
    uint64_t confirmed;             /* of these, no person: resolved, said by the customer, a survey or a label */
    uint64_t resolved;              /* ... or implied */
    uint64_t upper;                 /* ... or gone in silence with nothing said against it */
    uint64_t contained;             /* no person took part, whatever came of it */
    uint64_t durable_base, durable; /* base whose return window has passed; resolved and not come back inside it */
    struct ct_pending young;        /* base of known customers whose return window has not passed */
    struct ct_pending silent;       /* silences that have not lasted as long as one has to that ends a conversation */
};
extern const struct ct_metric ct_metric_automation;

#endif
