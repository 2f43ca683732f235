/* revenue.h - recurring revenue, its changes, what customers spend and are worth, by currency. What the words mean
 * exactly: account.h. Amounts in nano-units; amounts of two currencies are never added. */
#ifndef CT_REVENUE_H
#define CT_REVENUE_H

#include "metrics/keyed.h"
#include "metrics/metric.h"

#define CT_REVENUES_MAX 8

struct ct_revenue_in {
    char key[CT_KEY_BYTES];                                     /* currency */
    ct_wide start, end, churned, contraction, expansion, fresh; /* MRR */
    ct_wide one_off,
        one_off_of_base; /* expansion beside subscriptions: of all customers, of those with MRR in it at the start */
    ct_wide spent, spent_ever, margined, margin; /* as struct ct_account_money's */
    ct_wide retention;
    uint64_t paying_start, paying_end; /* customers with MRR in this currency */
    uint64_t one_offs, retentions;     /* events */
    uint64_t purchases, buyers_ever;   /* purchases in the period; customers with a purchase before its end */
    uint64_t unmargined;               /* of those before its end, that name no margin */
    uint64_t one_offs_apart;           /* events: as struct ct_account_money's */
};

struct ct_revenue {
    uint32_t count, reserved;
    uint64_t customers;      /* in the period */
    uint64_t at_start, lost; /* customers; of those at the start */
    uint64_t lived;          /* customers in the period whose beginning is known */
    ct_wide lifetime_usec;   /* theirs, until the end of the period */
    ct_wide exposed_usec;    /* customers in the period times its length */
    uint64_t unbegun;        /* customers in the period whose beginning is not known */
    uint64_t unknown_ends, left_out;
    struct ct_revenue_in currency[CT_REVENUES_MAX], other;
};
extern const struct ct_metric ct_metric_revenue;

/* Which number of a currency a row reads. */
enum ct_revenue_reading {
    CT_REVENUE_MRR,
    CT_REVENUE_START,
    CT_REVENUE_PER_CUSTOMER,
    CT_REVENUE_FRESH,
    CT_REVENUE_CHURNED,
    CT_REVENUE_CONTRACTED,
    CT_REVENUE_EXPANSION, /* upgrades and one-off */
    CT_REVENUE_UPGRADES,
    CT_REVENUE_ONE_OFF,
    CT_REVENUE_RETENTION_COST,
    CT_REVENUE_CHURN, /* proportions of MRR at the start */
    CT_REVENUE_GRR,
    CT_REVENUE_NRR,
    CT_REVENUE_NRR_RECURRING,
    CT_REVENUE_CONTRACTION_RATE,
    CT_REVENUE_EXPANSION_RATE,
    CT_REVENUE_EXPANSION_RATE_RECURRING,
    CT_REVENUE_CLV,
    CT_REVENUE_PURCHASE_VALUE,
    CT_REVENUE_CLV_HISTORIC,
    CT_REVENUE_CLV_PREDICTIVE
};
/* clv.lifetime: of customers in the period, until its end. */
bool ct_revenue_read_lifetime(const struct ct_revenue *state, size_t index, struct ct_reading *out);
bool ct_revenue_read(const struct ct_revenue *state, enum ct_revenue_reading what, size_t index,
                     struct ct_reading *out);

#endif
