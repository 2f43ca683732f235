/* outcomes.h - goals reached, and what the product earned the account: the return on its investment.
 *
 * Outcome achieved. An account with an `outcome` event in the period was evaluated in it. Of each name the newest in
 * the period counts (`reached`, or value >= goal); the account achieved its outcome where all of them were reached. Its
 * year is the first until the first anniversary of its start (the date when it first became a customer, else of
 * project_started), the second until the next, by the date of its newest outcome; an account without a known start is
 * in neither year, and left out there.
 *
 * Realised ROI. An account with a `benefit` event in the period: of each name the newest in it, amounts a year, added
 * up. Its annual cost: the newest `cost` event named `account` (what the account pays in a year, all in) that is known
 * at the period's end; without one, twelve times its MRR there. All in the currency of its newest benefit: other
 * currencies are not converted, and an account without a cost in that one is left out. ROI is that of all accounts of a
 * currency together, (benefits - costs) / costs; the head currency is that of most accounts.
 */
#ifndef CT_OUTCOMES_H
#define CT_OUTCOMES_H

#include "metrics/keyed.h"
#include "metrics/metric.h"

enum { CT_ROI_CURRENCIES_MAX = 8 };

struct ct_achieved {
    uint64_t accounts, achieved;
};
struct ct_roi_currency {
    char key[CT_KEY_BYTES];
    uint64_t accounts;
    ct_wide benefit, cost; /* a year, nano-units */
};
struct ct_outcomes {
    struct ct_achieved all, first_year, second_year;
    uint64_t no_start;     /* of all: evaluated, but in no known year */
    uint64_t without_cost; /* accounts with a benefit in the period */
    uint32_t count, reserved;
    struct ct_roi_currency currency[CT_ROI_CURRENCIES_MAX], other;
};
extern const struct ct_metric ct_metric_outcomes;

bool ct_outcomes_read_roi(const struct ct_outcomes *state, size_t index, struct ct_reading *out);

#endif
