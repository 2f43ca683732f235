/* churn.h - customers at the start and the end of the period, won, lost and kept; who renewed, referred, bought an
 * add-on or stands as a reference. What these words mean exactly: account.h. */
#ifndef CT_CHURN_H
#define CT_CHURN_H

#include "metrics/metric.h"
#include "metrics/pending.h"

struct ct_churn {
    uint64_t at_start, at_end, in_period; /* customers */
    uint64_t lost;                        /* of those at the start */
    uint64_t won_lost;                    /* came and left within the period, not at its start */
    uint64_t won;
    uint64_t referred, referred_by_others; /* the latter: by people who were no customers in the period */
    uint64_t add_on, reference;            /* of those at the end */
    /* Of whom something is known that a rate stands on: where it is of nobody, the rate has no value. */
    uint64_t referral_known, reference_known, subscribed;
    uint64_t due, renewed; /* customers with a contract due, and with one of those renewed */
    uint64_t contracts_due, contracts_renewed;
    struct ct_pending open, contracts_open; /* of those due, not renewed and still may be: customers, contracts */
    uint64_t left_out;
};
extern const struct ct_metric ct_metric_churn;

/* renewal_rate, by customers or contract by contract. */
bool ct_churn_read_renewals(const struct ct_churn *state, bool contracts, size_t index, struct ct_reading *out);
/* churn_rate: of the customers at the start, with or without those who came and left within the period. */
bool ct_churn_read_lost(const struct ct_churn *state, bool base_alone, size_t index, struct ct_reading *out);

#endif
