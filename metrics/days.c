/* days.c - days by the wall clock. See days.h. */
#include "metrics/days.h"

#include "engine/calendar.h"

static ct_usec local_of(const struct ct_zone *zone, ct_usec at)
{
    /* Moments that no zone has an offset for keep their own: a year 292000 is nobody's date. */
    return at > INT64_MAX - 2 * CT_USEC_PER_DAY || at < INT64_MIN + 2 * CT_USEC_PER_DAY ? at : ct_zone_local(zone, at);
}

static ct_usec utc_of(const struct ct_zone *zone, ct_usec local)
{
    if (!zone) {
        return local;
    }
    int64_t seconds = local / CT_USEC_PER_SECOND - (local % CT_USEC_PER_SECOND < 0);
    return ct_zone_to_utc(zone, seconds) * CT_USEC_PER_SECOND + (local - seconds * CT_USEC_PER_SECOND);
}

int64_t ct_day_of(const struct ct_zone *zone, ct_usec at)
{
    ct_usec local = local_of(zone, at);
    return local / CT_USEC_PER_DAY - (local % CT_USEC_PER_DAY < 0);
}

ct_usec ct_day_begin(const struct ct_zone *zone, int64_t day)
{
    return utc_of(zone, day * CT_USEC_PER_DAY);
}

ct_usec ct_days_on(const struct ct_zone *zone, ct_usec at, ct_usec usec)
{
    ct_usec local;
    if (__builtin_add_overflow(local_of(zone, at), usec, &local) || local > INT64_MAX - 2 * CT_USEC_PER_DAY) {
        return INT64_MAX;
    }
    return utc_of(zone, local);
}

ct_usec ct_days_between(const struct ct_zone *zone, ct_usec from, ct_usec to)
{
    ct_usec between;
    return __builtin_sub_overflow(local_of(zone, to), local_of(zone, from), &between)
               ? (to < from ? INT64_MIN : INT64_MAX)
               : between;
}

int64_t ct_day_month_before(int64_t day)
{
    int64_t year;
    unsigned month, of_month;
    ct_civil_of_days(day, &year, &month, &of_month);
    year -= month == 1;
    month = month == 1 ? 12 : month - 1;
    unsigned last = ct_days_in_month(year, month);
    return ct_days_from_civil(year, month, of_month < last ? of_month : last);
}

int64_t ct_days_years(int64_t from, int64_t to)
{
    int64_t from_year, to_year;
    unsigned from_month, to_month, from_day, to_day;
    ct_civil_of_days(from, &from_year, &from_month, &from_day);
    ct_civil_of_days(to, &to_year, &to_month, &to_day);
    bool before = to_month != from_month ? to_month < from_month : to_day < from_day;
    return to_year - from_year - before;
}

ct_usec ct_terms_known(const struct ct_terms *terms)
{
    return terms->as_of == CT_USEC_NONE ? terms->to : terms->as_of == INT64_MAX ? INT64_MAX : terms->as_of + 1;
}

ct_usec ct_terms_end(const struct ct_terms *terms)
{
    ct_usec known = ct_terms_known(terms);
    return terms->to < known ? terms->to : known;
}
