/* desk_terms.h - what the desk's figures are counted on and held against, and the alarms over them: what a reload
 * replaces as a whole, while the tap runs. Nothing of it is on the tape, as no record depends on it.
 *
 * Never altered once it is shared. Whoever looks at it has a reference, so that a question that takes long is answered
 * by the terms that it began with, and none is waited for.
 */
#ifndef CT_DESK_TERMS_H
#define CT_DESK_TERMS_H

#include <stdatomic.h>

#include "metrics/alarm.h"
#include "metrics/terms.h"

struct ct_desk_terms {
    struct ct_kpi_options kpis;    /* targets and profile of ranges; windows have the tap's (ct_live_retarget) */
    struct ct_terms terms;         /* of ranges; its period and as_of are not read */
    const struct ct_alarm *alarms; /* evaluated every alarm_every (0 = 1 min) on a thread of their own */
    size_t alarm_count;
    ct_usec alarm_every;
    const char *alarm_webhook,
        *alarm_authorities;           /* where they are posted to; NULL = nowhere; PEM file, NULL = the system's */
    const char *const *alarm_secrets; /* NULL-terminated: whsec_... */
    /* Nobody has it any more; from the thread that let go of it last. NULL = nothing is to be done. */
    void (*free)(struct ct_desk_terms *terms);
    atomic_uint references; /* begins with 1: its maker's */
};

struct ct_desk_terms *ct_desk_terms_ref(struct ct_desk_terms *terms);
void ct_desk_terms_unref(struct ct_desk_terms *terms); /* NULL allowed */

#endif
