/* contact.h - first contact resolution, on the marks of customer.h, and its curve over other windows. */
#ifndef CT_CONTACT_H
#define CT_CONTACT_H

#include "metrics/metric.h"

#define CT_CONTACT_MAP(X) X(1) X(3) X(14) X(30) /* days */
enum ct_contact_window {
#define X(days) CT_CONTACT_DAYS_##days,
    CT_CONTACT_MAP(X)
#undef X
        CT_CONTACT_WINDOWS
};

struct ct_contact {
    uint64_t engaged;
    uint64_t base, first; /* under the window that the records were marked with */
    uint64_t returned;    /* of base: followed by another contact inside the window */
    uint64_t window_base[CT_CONTACT_WINDOWS], window_first[CT_CONTACT_WINDOWS];
};
extern const struct ct_metric ct_metric_contact;

#endif
