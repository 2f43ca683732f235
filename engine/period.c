/* period.c - periods of a calendar, by the local date. See period.h. */
#include "engine/period.h"

#include <stdio.h>

#include "engine/calendar.h"

#define DATED_FIRST INT64_C(-62135596800000000) /* 0001-01-01 */
#define DATED_END INT64_C(253402300800000000)   /* 10000-01-01 */

const char *ct_period_word(enum ct_period_unit unit)
{
    static const char *const words[] = {"daily", "weekly", "monthly", "quarterly", "yearly"};
    return words[unit];
}

bool ct_period_dated(ct_usec at)
{
    return at >= DATED_FIRST + CT_USEC_PER_DAY && at < DATED_END - CT_USEC_PER_DAY;
}

static int64_t floor_by(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Of the local date. */
static int64_t days_of(const struct ct_zone *zone, ct_usec at)
{
    return floor_by(ct_zone_local(zone, at), CT_USEC_PER_DAY);
}

/* A date's first moment. */
static ct_usec moment_of(const struct ct_zone *zone, int64_t days)
{
    int64_t seconds = days * 86400;
    return (zone ? ct_zone_to_utc(zone, seconds) : seconds) * CT_USEC_PER_SECOND;
}

static int64_t first_of_month(int64_t year, int64_t month)
{
    /* month counts from 1 and may lie outside the year */
    int64_t years = floor_by(month - 1, 12);
    return ct_days_from_civil(year + years, (unsigned)(month - 1 - years * 12) + 1, 1);
}

/* Days of the period that a date is in: [*from, *to). */
static void bounds(enum ct_period_unit unit, int64_t days, int64_t *from, int64_t *to)
{
    int64_t year, first;
    unsigned month, day;
    ct_civil_of_days(days, &year, &month, &day);
    switch (unit) {
    case CT_PERIOD_DAY:
        *from = days;
        *to = days + 1;
        return;
    case CT_PERIOD_WEEK:
        *from = days - ct_weekday_of_days(days);
        *to = *from + 7;
        return;
    case CT_PERIOD_MONTH:
        *from = first_of_month(year, month);
        *to = first_of_month(year, month + 1);
        return;
    case CT_PERIOD_QUARTER:
        first = (month - 1) / 3 * 3 + 1;
        *from = first_of_month(year, first);
        *to = first_of_month(year, first + 3);
        return;
    case CT_PERIOD_YEAR:
        *from = first_of_month(year, 1);
        *to = first_of_month(year, 13);
        return;
    }
}

struct ct_period ct_period_at(const struct ct_zone *zone, enum ct_period_unit unit, ct_usec at)
{
    int64_t from = 0, to = 0;
    bounds(unit, days_of(zone, at), &from, &to);
    return (struct ct_period){moment_of(zone, from), moment_of(zone, to)};
}

struct ct_period ct_period_previous(const struct ct_zone *zone, enum ct_period_unit unit, struct ct_period period)
{
    int64_t from = 0, to = 0;
    bounds(unit, days_of(zone, period.from) - 1, &from, &to);
    return (struct ct_period){moment_of(zone, from), period.from};
}

size_t ct_period_name(const struct ct_zone *zone, enum ct_period_unit unit, ct_usec at, char *out)
{
    int64_t year, days = days_of(zone, at);
    unsigned month, day;
    int len = 0;
    if (unit == CT_PERIOD_WEEK) {
        days += 3 - (int64_t)ct_weekday_of_days(days); /* the year of its Thursday */
    }
    ct_civil_of_days(days, &year, &month, &day);
    int shown = (int)(year < 0 ? 0 : year > 9999 ? 9999 : year);
    switch (unit) {
    case CT_PERIOD_DAY:
        len = snprintf(out, CT_PERIOD_NAME_BYTES, "%04d-%02u-%02u", shown, month % 100, day % 100);
        break;
    case CT_PERIOD_WEEK:
        len = snprintf(out, CT_PERIOD_NAME_BYTES, "%04d-W%02u", shown,
                       (unsigned)((days - ct_days_from_civil(year, 1, 1)) / 7 + 1) % 100);
        break;
    case CT_PERIOD_MONTH:
        len = snprintf(out, CT_PERIOD_NAME_BYTES, "%04d-%02u", shown, month % 100);
        break;
    case CT_PERIOD_QUARTER:
        len = snprintf(out, CT_PERIOD_NAME_BYTES, "%04d-Q%u", shown, ((month - 1) / 3 + 1) % 10);
        break;
    case CT_PERIOD_YEAR:
        len = snprintf(out, CT_PERIOD_NAME_BYTES, "%04d", shown);
        break;
    }
    return (size_t)len;
}

bool ct_period_unit_of(const struct ct_zone *zone, struct ct_period period, enum ct_period_unit *unit)
{
    if (!ct_period_dated(period.from) || !ct_period_dated(period.to)) {
        return false;
    }
    for (int u = CT_PERIOD_YEAR; u >= CT_PERIOD_DAY; u--) {
        struct ct_period one = ct_period_at(zone, (enum ct_period_unit)u, period.from);
        if (one.from == period.from && one.to == period.to) {
            *unit = (enum ct_period_unit)u;
            return true;
        }
    }
    return false;
}

struct ct_period ct_period_before(const struct ct_zone *zone, struct ct_period period)
{
    int64_t length = period.to - period.from;
    if (!ct_period_dated(period.from) || !ct_period_dated(period.to)) {
        return (struct ct_period){CT_USEC_NONE, CT_USEC_NONE};
    }
    int64_t from = days_of(zone, period.from), to = days_of(zone, period.to), year, end_year;
    unsigned month, day, end_month, end_day;
    if (moment_of(zone, from) != period.from || moment_of(zone, to) != period.to) {
        return (struct ct_period){period.from - length, period.from};
    }
    ct_civil_of_days(from, &year, &month, &day);
    ct_civil_of_days(to, &end_year, &end_month, &end_day);
    if (day == 1 && end_day == 1) {
        int64_t months = (end_year - year) * 12 + (int64_t)end_month - (int64_t)month;
        return (struct ct_period){moment_of(zone, first_of_month(year, (int64_t)month - months)), period.from};
    }
    return (struct ct_period){moment_of(zone, from - (to - from)), period.from};
}

static bool digits(ct_span text, size_t at, size_t count, unsigned *out)
{
    *out = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        *out = *out * 10 + (unsigned)(text.at[i] - '0');
    }
    return true;
}

bool ct_period_moment(const struct ct_zone *zone, ct_span text, ct_usec *out)
{
    unsigned year, month, day;
    if (text.len != 10) {
        return ct_time_parse(text, out) && ct_period_dated(*out);
    }
    if (text.at[4] != '-' || text.at[7] != '-' || !digits(text, 0, 4, &year) || !digits(text, 5, 2, &month) ||
        !digits(text, 8, 2, &day) || day < 1 || day > ct_days_in_month(year, month)) {
        return false;
    }
    *out = moment_of(zone, ct_days_from_civil(year, month, day));
    return ct_period_dated(*out);
}

size_t ct_period_date(const struct ct_zone *zone, ct_usec at, char out[CT_PERIOD_NAME_BYTES])
{
    out[0] = '\0';
    return ct_period_dated(at) ? ct_period_name(zone, CT_PERIOD_DAY, at, out) : 0;
}
