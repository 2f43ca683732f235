/* calendar.h - days and dates in the proleptic Gregorian calendar. Called by zone.c and whoever cuts time into periods.
 */
#ifndef CT_CALENDAR_H
#define CT_CALENDAR_H

#include "engine/ct.h"

/* Days since 1970-01-01. */
int64_t ct_days_from_civil(int64_t year, unsigned month, unsigned day);
void ct_civil_of_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);
unsigned ct_days_in_month(int64_t year, unsigned month); /* 0 where month is not 1-12 */
int64_t ct_year_of_seconds(int64_t seconds);
unsigned ct_weekday_of_days(int64_t days); /* 0 Monday ... 6 Sunday */

#endif
