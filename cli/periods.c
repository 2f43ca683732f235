/* periods.c - a cadence and a comparison to periods of the calendar. See periods.h. Called by batch.c. */
#include "cli/periods.h"

bool ct_periods_settle(const struct ct_periods *periods, struct ct_terms *terms, struct ct_terms *before)
{
    static const enum ct_period_unit units[] = {
        [CT_CADENCE_WEEKLY] = CT_PERIOD_WEEK,
        [CT_CADENCE_MONTHLY] = CT_PERIOD_MONTH,
        [CT_CADENCE_QUARTERLY] = CT_PERIOD_QUARTER,
    };
    if (periods->cadence != CT_CADENCE_NONE && ct_period_dated(terms->as_of)) {
        enum ct_period_unit unit = units[periods->cadence];
        struct ct_period current = ct_period_at(terms->zone, unit, terms->as_of);
        current = ct_period_previous(terms->zone, unit, current);
        terms->from = current.from;
        terms->to = current.to;
    }
    if ((!periods->compared && periods->cadence == CT_CADENCE_NONE) || terms->to == CT_USEC_NONE) {
        return false;
    }
    terms->period_given = true;
    struct ct_period other = periods->other;
    if (other.to == CT_USEC_NONE) {
        if (terms->from == CT_USEC_NONE) {
            return false; /* nothing is before the beginning of time */
        }
        other = ct_period_before(terms->zone, (struct ct_period){terms->from, terms->to});
    }
    *before = *terms;
    before->from = other.from;
    before->to = other.to;
    return other.to != CT_USEC_NONE;
}
