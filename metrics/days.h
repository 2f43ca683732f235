/* days.h - how the clock on the wall counts: days, and times so many days on, in the zone of the count.
 *
 * A day is a date of the zone, 23 or 25 hours long where summer time begins or ends; noon to noon is one day, always.
 * So a week is seven dates, and what is measured in days (time to first value) is the difference of wall clocks: nobody
 * gains or loses an hour by a change of summer time. zone NULL = UTC. Called by the metrics of the customer's
 * lifecycle.
 */
#ifndef CT_DAYS_H
#define CT_DAYS_H

#include "metrics/terms.h"

/* Days since 1970-01-01 of the local date. */
int64_t ct_day_of(const struct ct_zone *zone, ct_usec at);
/* A date's first moment. */
ct_usec ct_day_begin(const struct ct_zone *zone, int64_t day);
/* The same time of day so many days on (or whatever part of days `usec` is). INT64_MAX where that is too far. */
ct_usec ct_days_on(const struct ct_zone *zone, ct_usec at, ct_usec usec);
/* From one moment to another by the wall clock, in µs of it: 7 days are 7 x 24 h of it. */
ct_usec ct_days_between(const struct ct_zone *zone, ct_usec from, ct_usec to);
/* A month back from a date: the same day of the month before, or its last one. */
int64_t ct_day_month_before(int64_t day);
/* Whole years between two dates: 1 from the first anniversary on. Negative where `to` comes first. */
int64_t ct_days_years(int64_t from, int64_t to);

/* Where what is known ends (exclusive): just after as_of, or where no time is known the period's end. */
ct_usec ct_terms_known(const struct ct_terms *terms);
/* Where the period ends (exclusive) as far as it is known: its end, or ct_terms_known where that is earlier. Figures of
 * "the day, week, month that ends the period" stand on the date that has the last moment before it. */
ct_usec ct_terms_end(const struct ct_terms *terms);

#endif
