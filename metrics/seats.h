/* seats.h - licences bought, and how many of them are in use.
 *
 * seats_bought says how many seats an account has from then on, seats_active how many are in use: of each name (a
 * product) the newest event counts, and the names are added up. Where seats_active events carry a `ref` that is one
 * seat each (a user): then the different ones are counted, and their `count` is not read.
 *
 * Day 30. An account's day 0 is the date when it first became a customer (account.h), or where that is not known the
 * one when it first bought seats. A case of the period in which its day 30 ends (midnight of the zone, days.h); before
 * that it is provisional. In use is what was last reported since day 0 (seats with a `ref`: in the seven dates up to
 * day 30), bought what it has at that midnight. Without a report, or without seats bought, the account is left out.
 *
 * Sustained use, at the period's end (ct_terms_end), of every account that has seats then and is a customer or has
 * never been said to be one: the four weeks are the last 28 dates. A seat with a `ref` is in sustained use where it was
 * active in terms->licence_weeks of them. Where only numbers are reported, the same seats are taken to be in use every
 * week as far as the numbers allow: of the weeks' last numbers in order of size the licence_weeks'th counts - no more
 * seats can have been active in so many weeks. Reports in fewer weeks than that: left out.
 */
#ifndef CT_SEATS_H
#define CT_SEATS_H

#include "metrics/metric.h"
#include "metrics/pending.h"

struct ct_seats {
    uint64_t day30_active, day30_bought, day30_accounts; /* seats, seats, accounts */
    uint64_t day30_left_out;                             /* accounts */
    struct ct_pending day30_open;                        /* accounts */
    uint64_t sustained, bought, left_out;                /* seats, seats, accounts */
};
extern const struct ct_metric ct_metric_seats;

#endif
