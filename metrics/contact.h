/* contact.h - first contact resolution, on the marks of customer.h, and two curves over windows: first contact
 * resolution, and how many of those resolved came back. Each point stands on the conversations that are old enough for
 * it; the younger ones are provisional. */
#ifndef CT_CONTACT_H
#define CT_CONTACT_H

#include "metrics/metric.h"
#include "metrics/pending.h"

#define CT_CONTACT_MAP(X) X(1) X(3) X(7) X(14) X(30) /* days */
#define CT_CONTACT_LONGEST (30 * CT_USEC_PER_DAY)
enum ct_contact_window {
#define X(days) CT_CONTACT_DAYS_##days,
    CT_CONTACT_MAP(X)
#undef X
        CT_CONTACT_WINDOWS
};

struct ct_contact {
    uint64_t engaged;
    uint64_t base, first;      /* under the window that the records were marked with */
    uint64_t returned;         /* of base: followed by another contact inside the window */
    struct ct_pending pending; /* contacts that are younger than the window */
    struct {
        uint64_t base, first;
        uint64_t resolved, back; /* of base: resolved; and then followed by another contact inside the window */
        struct ct_pending pending, resolved_pending;
    } window[CT_CONTACT_WINDOWS];
};
extern const struct ct_metric ct_metric_contact;

#endif
