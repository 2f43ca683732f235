/* engine_zone.c - days of the calendar, and wall clocks of zones with and without summer time, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/calendar.h"
#include "engine/zone.h"

/* ---- the calendar ------------------------------------------------------------------------------------------------ */

/* Every day of 1600 to 2400, each the next of the one before. */
static void days_follow_each_other(void **state)
{
    (void)state;
    int64_t year = 1600;
    unsigned month = 1, day = 1, weekday = 5; /* 1600-01-01 was a Saturday */
    for (int64_t days = ct_days_from_civil(1600, 1, 1); year < 2401; days++) {
        int64_t y;
        unsigned m, d;
        ct_civil_of_days(days, &y, &m, &d);
        assert_true(y == year && m == month && d == day);
        assert_true(ct_days_from_civil(y, m, d) == days);
        assert_int_equal(ct_weekday_of_days(days), weekday);
        weekday = (weekday + 1) % 7;
        if (++day > ct_days_in_month(year, month)) {
            day = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
}

static void knows_days(void **state)
{
    (void)state;
    assert_true(ct_days_from_civil(1970, 1, 1) == 0);
    assert_true(ct_days_from_civil(2000, 3, 1) == 11017);
    assert_true(ct_days_from_civil(1969, 12, 31) == -1);
    assert_int_equal(ct_weekday_of_days(0), 3);  /* a Thursday */
    assert_int_equal(ct_weekday_of_days(-1), 2); /* a Wednesday */
    assert_int_equal(ct_days_in_month(2000, 2), 29);
    assert_int_equal(ct_days_in_month(1900, 2), 28);
    assert_int_equal(ct_days_in_month(2024, 2), 29);
    assert_int_equal(ct_days_in_month(2026, 13), 0);
    assert_int_equal(ct_days_in_month(2026, 0), 0);
    assert_true(ct_year_of_seconds(-1) == 1969 && ct_year_of_seconds(0) == 1970);
    assert_true(ct_year_of_seconds(INT64_C(1767225599)) == 2025 && ct_year_of_seconds(INT64_C(1767225600)) == 2026);
}

/* ---- zones ------------------------------------------------------------------------------------------------------- */

static bool open_zone(struct ct_zone *zone, const char *name)
{
    char path[256];
    static char bytes[65536];
    struct ct_error err = {0};
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    assert_int_equal(ct_zone_init(zone, ct_span_of(name), (ct_span){bytes, len}, &err), CT_OK);
    return true;
}

static ct_usec at(const char *time)
{
    ct_usec out;
    assert_true(ct_time_parse(ct_span_of(time), &out));
    return out;
}

static void is_local(const struct ct_zone *zone, const char *utc, const char *local)
{
    char text[32];
    ct_time_format(ct_zone_local(zone, at(utc)), text);
    text[strlen(text) - 1] = '\0'; /* its Z */
    assert_string_equal(text, local);
}

static void utc_and_offsets(void **state)
{
    (void)state;
    struct ct_zone zone = {0};
    struct ct_error err = {0};
    assert_true(ct_zone_offset(NULL, 12345) == 0);
    assert_true(ct_zone_local(NULL, at("2026-03-29T01:30:00Z")) == at("2026-03-29T01:30:00Z"));
    assert_true(ct_zone_offset(&zone, 12345) == 0);
    assert_int_equal(ct_zone_init(&zone, CT_SPAN_LIT("-03:30"), CT_SPAN_NONE, &err), CT_OK);
    assert_true(ct_zone_offset(&zone, 0) == -12600);
    is_local(&zone, "1970-01-01T00:00:00Z", "1969-12-31T20:30:00");
    is_local(&zone, "1969-12-31T23:59:59.5Z", "1969-12-31T20:29:59.500");
    ct_zone_done(&zone);
}

static void summer_time(void **state)
{
    (void)state;
    struct ct_zone zone;
    if (!open_zone(&zone, "Europe/Madrid")) {
        skip();
    }
    is_local(&zone, "2026-03-29T00:59:59.999999Z", "2026-03-29T01:59:59.999999");
    is_local(&zone, "2026-03-29T01:00:00Z", "2026-03-29T03:00:00");
    is_local(&zone, "2026-10-25T00:59:59Z", "2026-10-25T02:59:59");
    is_local(&zone, "2026-10-25T01:00:00Z", "2026-10-25T02:00:00");
    /* far behind the file's last transition, by its rule, and before its first */
    is_local(&zone, "2099-07-01T10:00:00Z", "2099-07-01T12:00:00");
    is_local(&zone, "2099-12-01T10:00:00Z", "2099-12-01T11:00:00");
    assert_true(ct_zone_offset(&zone, at("2026-07-01T00:00:00Z") / CT_USEC_PER_SECOND) == 7200);
    assert_true(ct_zone_offset(&zone, at("2026-01-01T00:00:00Z") / CT_USEC_PER_SECOND) == 3600);
    ct_zone_done(&zone);
}

/* South of the equator summer runs over the new year; Lord Howe moves by half an hour. */
static void other_summers(void **state)
{
    (void)state;
    struct ct_zone zone;
    if (!open_zone(&zone, "America/Santiago")) {
        skip();
    }
    is_local(&zone, "2026-01-10T12:00:00Z", "2026-01-10T09:00:00");
    is_local(&zone, "2026-06-10T12:00:00Z", "2026-06-10T08:00:00");
    is_local(&zone, "2070-01-10T12:00:00Z", "2070-01-10T09:00:00");
    ct_zone_done(&zone);
    assert_true(open_zone(&zone, "Australia/Lord_Howe"));
    is_local(&zone, "2026-01-10T12:00:00Z", "2026-01-10T23:00:00");
    is_local(&zone, "2026-06-10T12:00:00Z", "2026-06-10T22:30:00");
    ct_zone_done(&zone);
    assert_true(open_zone(&zone, "Asia/Kolkata"));
    is_local(&zone, "2026-06-10T20:00:00Z", "2026-06-11T01:30:00");
    ct_zone_done(&zone);
}

/* Every quarter of an hour of ten years: to local and back is the same moment, but for the hour that comes twice, where
 * it may be the first of the two. Local time never stands still or jumps but by an hour. */
static void there_and_back(void **state)
{
    (void)state;
    struct ct_zone zone;
    if (!open_zone(&zone, "Europe/Madrid")) {
        skip();
    }
    size_t twice = 0;
    int64_t begin = at("2020-01-01T00:00:00Z") / CT_USEC_PER_SECOND, before = 0;
    for (int64_t utc = begin; utc < begin + INT64_C(10) * 365 * 86400; utc += 900) {
        int64_t local = utc + ct_zone_offset(&zone, utc), back = ct_zone_to_utc(&zone, local);
        assert_true(back == utc || back == utc - 3600);
        twice += back != utc;
        int64_t step = local - before;
        assert_true(utc == begin || step == 900 || step == 4500 || step == -2700);
        before = local;
    }
    assert_int_equal(twice, 10 * 4);
    ct_zone_done(&zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_follow_each_other), cmocka_unit_test(knows_days),
        cmocka_unit_test(utc_and_offsets),        cmocka_unit_test(summer_time),
        cmocka_unit_test(other_summers),          cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
