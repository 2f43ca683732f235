/* usage.h - who uses the product, how often, how much of it.
 *
 * Use is feature_used (`count` actions) and session (one action). The day, week and month that end the period are those
 * that end with its last date (ct_terms_end; in the zone): that date, the seven dates up to it, and the dates since the
 * same day of the month before the day that follows (31 March, 28 February: all of it; 15 March: from 16 February on).
 * They may begin before the period does.
 *
 * Users are customers with any use; accounts are customers at that end in the sense of account.h, used or not. Where no
 * use is known of anybody, shares of accounts have no value rather than 0; breadth and depth have none where no
 * feature_used is known of anybody.
 *
 * Active users: different users of the day, the week, the month. Product usage rate: accounts of them, among accounts.
 * Weekly active: accounts with at least terms->weekly_events actions in the week that ends the period; in the week
 * before it among the accounts of that time.
 * Stickiness: users of a day, on the mean of the week's seven dates, by users of the week.
 * Depth: an account-week is a case where there was any use in it; its key actions (feature_used with key_action) are
 * counted. The weeks are whole ones within the period, counted back from its last date; the last one at least, also
 * where the period is shorter.
 * Breadth: different modules (names of feature_used) of each account in the period; accounts without use have 0.
 * Time in the app: sessions of the period, each dated by its own event, and the sum of each customer's; a session
 * without a duration is left out.
 */
#ifndef CT_USAGE_H
#define CT_USAGE_H

#include "metrics/metric.h"
#include "metrics/spread.h"

enum { CT_USAGE_INTERVALS = CT_USAGE_MONTHLY + 1 };

struct ct_usage {
    uint64_t users;                      /* with any use before the end */
    uint64_t featured;                   /* of them, with a feature_used: else nothing is known of features */
    uint64_t active[CT_USAGE_INTERVALS]; /* users of the day, the week, the month */
    uint64_t user_days;                  /* user and date of the week */
    uint64_t accounts;                   /* customers at the end */
    uint64_t using[CT_USAGE_INTERVALS];  /* of the accounts */
    uint64_t using_chosen;               /* in terms->usage_interval */
    uint64_t weekly_active, weekly_accounts_before, weekly_active_before;
    struct ct_moments depth;              /* key actions of an account-week */
    struct ct_moments breadth;            /* modules of an account */
    uint64_t broad;                       /* accounts with terms->breadth_modules of them */
    struct ct_spread sessions;            /* µs */
    struct ct_moments customers_sessions; /* µs, each customer's together */
    uint64_t sessions_left_out;
};
extern const struct ct_metric ct_metric_usage;

/* A customer's use: the actions of an event, 0 = it is none. */
uint64_t ct_usage_actions(const struct ct_business *event);

#endif
