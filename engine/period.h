/* period.h - days, weeks, months and quarters of a zone's calendar: where they begin and end, and what they are called.
 *
 * A day is from one local midnight to the next: 23 or 25 hours long where clocks change. Weeks are ISO 8601's (from
 * Monday; a year's first week is the one with its first Thursday). Called by slices, and by whoever asks for a period.
 */
#ifndef CT_PERIOD_H
#define CT_PERIOD_H

#include "engine/zone.h"

struct ct_period {
    ct_usec from, to; /* [from, to) */
};

enum ct_period_unit { CT_PERIOD_DAY, CT_PERIOD_WEEK, CT_PERIOD_MONTH, CT_PERIOD_QUARTER, CT_PERIOD_YEAR };
/* What comes once in each: "daily", "weekly", "monthly", "quarterly", "yearly". */
const char *ct_period_word(enum ct_period_unit unit);

/* Years 1 to 9999: other times have no date. Everything below wants such times; zone NULL = UTC. */
bool ct_period_dated(ct_usec at);
/* The one that `at` is in. */
struct ct_period ct_period_at(const struct ct_zone *zone, enum ct_period_unit unit, ct_usec at);
/* The one just before a period of that unit. */
struct ct_period ct_period_previous(const struct ct_zone *zone, enum ct_period_unit unit, struct ct_period period);
/* "2026-11-21", "2026-W47", "2026-11", "2026-Q4", "2026". */
#define CT_PERIOD_NAME_BYTES 16
size_t ct_period_name(const struct ct_zone *zone, enum ct_period_unit unit, ct_usec at, char *out);
/* Whether it is exactly one of a unit; the largest such. */
bool ct_period_unit_of(const struct ct_zone *zone, struct ct_period period, enum ct_period_unit *unit);
/* As long a period just before: whole months by months, whole days by days (of whatever hours), anything else by its
 * length. */
struct ct_period ct_period_before(const struct ct_zone *zone, struct ct_period period);
/* A date "2026-11-21" (its first moment in the zone), or a time as ct_time_parse reads it. */
CT_MUST_USE bool ct_period_moment(const struct ct_zone *zone, ct_span text, ct_usec *out);
/* The local date of a moment, "2026-11-21"; its length, 0 for a moment without a date. */
size_t ct_period_date(const struct ct_zone *zone, ct_usec at, char out[CT_PERIOD_NAME_BYTES]);

#endif
