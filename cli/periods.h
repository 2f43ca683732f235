/* periods.h - which period is counted, and which one it is compared with, once it is known when the input ends. */
#ifndef CT_PERIODS_H
#define CT_PERIODS_H

#include "engine/figure.h"
#include "engine/period.h"
#include "metrics/terms.h"

struct ct_periods {
    enum ct_cadence cadence; /* the last whole week, month or quarter before as_of; then compared with the one before */
    bool compared;           /* with `other`, or, where that is NONE, with as long a period just before */
    struct ct_period other;
};
/* *terms: as_of is set, and from and to where they were asked for, or have the default of a batch. Sets from, to and
 * period_given where a cadence or a comparison asks for a period; *before, the terms of the other period, where there
 * is one: true. */
CT_MUST_USE bool ct_periods_settle(const struct ct_periods *periods, struct ct_terms *terms, struct ct_terms *before);

#endif
