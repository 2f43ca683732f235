/* onboarding.h - from a project's start to its go-live: milestones, and the checklist before the kickoff.
 *
 * Milestones are `project_started`, `kickoff`, `onboarded`, `first_value` and `go_live`; of each the account's first
 * one counts, whatever comes again later. An account is a case of the period in which that milestone was reached; one
 * that has not been reached yet is a case of no period so far.
 *
 * Start: the milestone project_started, else when the account became a customer (account.h); an account of which
 * neither is known is left out, and so is one whose milestone lies on a date before its start. On time: not after the
 * `due` of the milestone onboarded, else not after start + terms->onboarding_usec. Exactly then is on time. Ready for
 * the kickoff: of the items of its checklists as they stood at the kickoff (of each name the newest that is not
 * younger), at least terms->kickoff_percent were done. No checklist: not ready.
 * Times are days of the wall clock (days.h), so a fraction of a day counts; percentiles are within 1 % (histogram.h),
 * the median of an even number the lower of the two in the middle.
 */
#ifndef CT_ONBOARDING_H
#define CT_ONBOARDING_H

#include "metrics/metric.h"
#include "metrics/spread.h"

/* Since its start, µs of the wall clock. */
struct ct_milestone_times {
    struct ct_spread times;
    uint64_t left_out; /* no start is known, or a later one */
};
struct ct_onboarding {
    uint64_t onboarded, on_time, onboarded_left_out; /* onboarded in the period */
    uint64_t kickoffs, ready;                        /* first kickoff in the period */
    struct ct_milestone_times first_value, go_live;  /* reached in the period */
    /* First value: reached in the week that ends the period, and in the one before it. */
    struct ct_milestone_times week, week_before;
    /* First value of the accounts that started in the period, whenever they reached it (as far as is known); left_out =
     * have not yet. */
    struct ct_milestone_times cohort;
};
extern const struct ct_metric ct_metric_onboarding;

#endif
