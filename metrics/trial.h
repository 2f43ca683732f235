/* trial.h - free trials and new accounts: who stays, and who begins to use what it bought.
 *
 * Trials. Each trial_started of the period is a case. A trial_converted, whenever it came (as far as is known),
 * converts the youngest trial begun before it that is not converted yet. Of a customer of whom no trial_converted is
 * known at all, its first subscription with an amount converts, in the same way, the trial begun before it. A trial
 * that is not converted and still runs (to its `due`, else terms->trial_usec from its start) is counted, and
 * provisional.
 *
 * Activation. Each account that became a customer in the period (each time: account.h) is a case as soon as its window,
 * terms->activation_usec from then by the wall clock (days.h), has passed; until then it is provisional and not
 * counted, however active it is already. Activated: terms->activation_actions key actions (feature_used with
 * key_action, `count` of them) in the window. Where no feature_used is known of anybody the rate has no value.
 */
#ifndef CT_TRIAL_H
#define CT_TRIAL_H

#include "metrics/metric.h"
#include "metrics/pending.h"

struct ct_trial {
    uint64_t trials, converted;
    struct ct_pending running; /* of the trials */
    uint64_t accounts, activated;
    uint64_t featured;      /* customers of whom a feature_used is known */
    struct ct_pending open; /* beside the accounts */
};
extern const struct ct_metric ct_metric_trial;

#endif
