/* terms.h - the terms that figures are counted on, where they can be set: the period, windows, thresholds, weights.
 *
 * Filled by the program from its configuration, read-only while it counts, the same for every thread. What stands here
 * changes figures but no record, so a store keeps nothing of it.
 */
#ifndef CT_TERMS_H
#define CT_TERMS_H

#include "engine/ct.h"
#include "engine/zone.h"

#define CT_RETURN_WINDOW_DEFAULT (7 * CT_USEC_PER_DAY)
#define CT_CHURN_WINDOW_DEFAULT (30 * CT_USEC_PER_DAY)

struct ct_terms {
    ct_usec from, to;           /* the period of business figures: [from, to); `to` NONE = there is none */
    ct_usec as_of;              /* the moment that figures speak for; NONE = no time is known */
    const struct ct_zone *zone; /* of hours, days, months; NULL = UTC */
    ct_usec return_window_usec; /* a customer back within it was not served at first contact */
    ct_usec churn_window_usec;  /* ai_influenced_churn: lost within it of a conversation */
};
/* The defaults of everything, no period, no time. */
#define CT_TERMS_DEFAULT                                                                                               \
    {                                                                                                                  \
        .from = CT_USEC_NONE, .to = CT_USEC_NONE, .as_of = CT_USEC_NONE,                                               \
        .return_window_usec = CT_RETURN_WINDOW_DEFAULT, .churn_window_usec = CT_CHURN_WINDOW_DEFAULT                   \
    }

#endif
