/* Periods of a calendar: days of 23 and 25 hours, weeks at a year's end, quarters, and what comes before what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/period.h"

/* Summer time as the European Union has it, in a footer alone: no transitions, version 2. */
static struct ct_zone madrid(void)
{
    static const char header[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4}; /* one type, four bytes of names */
    static const char type[] = "\0\0\x0e\x10\0\0CET";
    static const char footer[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    char bytes[256];
    size_t len = 0;
    for (int block = 0; block < 2; block++) {
        memcpy(bytes + len, header, 44);
        len += 44;
        memcpy(bytes + len, type, 10);
        len += 10;
    }
    memcpy(bytes + len, footer, sizeof footer - 1);
    len += sizeof footer - 1;
    struct ct_zone zone;
    struct ct_error err = {0};
    if (ct_zone_init(&zone, ct_span_of("Europe/Madrid"), (ct_span){bytes, len}, &err) != CT_OK) {
        fail_msg("%s", err.text);
    }
    return zone;
}

static ct_usec at(const char *text)
{
    ct_usec out;
    assert_true(ct_time_parse(ct_span_of(text), &out));
    return out;
}

static void assert_period(struct ct_period period, const char *from, const char *to)
{
    char text[2][40];
    ct_time_format(period.from, text[0]);
    ct_time_format(period.to, text[1]);
    assert_string_equal(text[0], from);
    assert_string_equal(text[1], to);
}

static void assert_name(const struct ct_zone *zone, enum ct_period_unit unit, const char *when, const char *want)
{
    char name[CT_PERIOD_NAME_BYTES];
    assert_int_equal(ct_period_name(zone, unit, at(when), name), strlen(want));
    assert_string_equal(name, want);
}

static void days_of_23_and_25_hours(void **state)
{
    (void)state;
    struct ct_zone zone = madrid();
    struct ct_period day = ct_period_at(&zone, CT_PERIOD_DAY, at("2026-03-29T12:00:00Z"));
    assert_period(day, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    assert_true(day.to - day.from == 23 * CT_USEC_PER_HOUR);
    day = ct_period_at(&zone, CT_PERIOD_DAY, at("2026-10-25T12:00:00Z"));
    assert_period(day, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    assert_true(day.to - day.from == 25 * CT_USEC_PER_HOUR);
    assert_name(&zone, CT_PERIOD_DAY, "2026-10-24T21:59:59Z", "2026-10-24");
    assert_name(&zone, CT_PERIOD_DAY, "2026-10-24T22:00:00Z", "2026-10-25");
    assert_name(&zone, CT_PERIOD_DAY, "2026-10-25T22:59:59Z", "2026-10-25");
    assert_name(&zone, CT_PERIOD_DAY, "2026-10-25T23:00:00Z", "2026-10-26");
    /* Each day begins where the one before it ends, all year. */
    struct ct_period before = ct_period_at(&zone, CT_PERIOD_DAY, at("2025-12-31T12:00:00Z"));
    for (int i = 0; i < 400; i++) {
        struct ct_period next = ct_period_at(&zone, CT_PERIOD_DAY, before.to);
        struct ct_period back = ct_period_previous(&zone, CT_PERIOD_DAY, next);
        assert_true(next.from == before.to && back.from == before.from && back.to == before.to);
        before = next;
    }
    ct_zone_done(&zone);
}

static void weeks_at_a_years_end(void **state)
{
    (void)state;
    static const struct {
        const char *day, *name;
    } cases[] = {{"2026-01-01", "2026-W01"}, {"2024-12-30", "2025-W01"}, {"2024-12-29", "2024-W52"},
                 {"2027-01-03", "2026-W53"}, {"2027-01-04", "2027-W01"}, {"2021-01-01", "2020-W53"},
                 {"2023-01-01", "2022-W52"}, {"2026-11-21", "2026-W47"}, {"2018-12-31", "2019-W01"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char when[40];
        (void)snprintf(when, sizeof when, "%sT12:00:00Z", cases[i].day);
        assert_name(NULL, CT_PERIOD_WEEK, when, cases[i].name);
    }
    assert_period(ct_period_at(NULL, CT_PERIOD_WEEK, at("2027-01-03T23:59:59Z")), "2026-12-28T00:00:00Z",
                  "2027-01-04T00:00:00Z");
}

static void months_quarters_years(void **state)
{
    (void)state;
    struct ct_zone zone = madrid();
    assert_period(ct_period_at(&zone, CT_PERIOD_QUARTER, at("2026-12-31T22:59:59Z")), "2026-09-30T22:00:00Z",
                  "2026-12-31T23:00:00Z");
    assert_name(&zone, CT_PERIOD_QUARTER, "2026-12-31T22:59:59Z", "2026-Q4");
    assert_name(&zone, CT_PERIOD_QUARTER, "2026-12-31T23:00:00Z", "2027-Q1");
    assert_name(&zone, CT_PERIOD_MONTH, "2026-12-31T23:00:00Z", "2027-01");
    assert_period(ct_period_at(NULL, CT_PERIOD_MONTH, at("2024-02-29T12:00:00Z")), "2024-02-01T00:00:00Z",
                  "2024-03-01T00:00:00Z");
    assert_period(ct_period_at(NULL, CT_PERIOD_YEAR, at("2024-02-29T12:00:00Z")), "2024-01-01T00:00:00Z",
                  "2025-01-01T00:00:00Z");
    enum ct_period_unit unit;
    assert_true(
        ct_period_unit_of(&zone, (struct ct_period){at("2026-09-30T22:00:00Z"), at("2026-12-31T23:00:00Z")}, &unit));
    assert_int_equal(unit, CT_PERIOD_QUARTER);
    assert_false(
        ct_period_unit_of(NULL, (struct ct_period){at("2026-09-30T22:00:00Z"), at("2026-12-31T23:00:00Z")}, &unit));
    assert_string_equal(ct_period_word(CT_PERIOD_MONTH), "monthly");
    ct_zone_done(&zone);
}

static void what_comes_before(void **state)
{
    (void)state;
    struct ct_zone zone = madrid();
    static const struct {
        const char *from, *to, *before;
        bool zoned;
    } cases[] = {
        {"2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-02-01T00:00:00Z", false}, /* a month: of 28 days */
        {"2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-04-01T00:00:00Z", false}, /* a quarter */
        {"2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2025-01-01T00:00:00Z", false}, /* a year */
        {"2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z", "2026-11-02T00:00:00Z", false}, /* a week */
        {"2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z", "2026-11-21T08:00:00Z", false}, /* two hours */
        {"2026-10-25T23:00:00Z", "2026-11-01T23:00:00Z", "2026-10-18T22:00:00Z", true},  /* a week, of 169 h before */
        {"2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z", "2026-09-30T22:00:00Z", true},  /* November's October */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ct_zone *in = cases[i].zoned ? &zone : NULL;
        struct ct_period period = {at(cases[i].from), at(cases[i].to)};
        assert_period(ct_period_before(in, period), cases[i].before, cases[i].from);
    }
    struct ct_period none = ct_period_before(NULL, (struct ct_period){CT_USEC_NONE, 0});
    assert_true(none.from == CT_USEC_NONE && none.to == CT_USEC_NONE);
    ct_zone_done(&zone);
}

static void moments(void **state)
{
    (void)state;
    struct ct_zone zone = madrid();
    ct_usec out;
    assert_true(ct_period_moment(&zone, ct_span_of("2026-07-01"), &out) && out == at("2026-06-30T22:00:00Z"));
    assert_true(ct_period_moment(NULL, ct_span_of("2026-07-01"), &out) && out == at("2026-07-01T00:00:00Z"));
    assert_true(ct_period_moment(&zone, ct_span_of("2026-07-01T00:00:00Z"), &out) && out == at("2026-07-01T00:00:00Z"));
    static const char *const bad[] = {"",           "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1",
                                      "2026-11-2x", "x026-11-21", "0000-01-01", "yesterday",  "2026/11/21"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ct_period_moment(&zone, ct_span_of(bad[i]), &out));
    }
    assert_false(ct_period_dated(CT_USEC_NONE));
    assert_false(ct_period_dated(INT64_MAX));
    char date[CT_PERIOD_NAME_BYTES];
    assert_int_equal(ct_period_date(&zone, CT_USEC_NONE, date), 0);
    assert_int_equal(ct_period_date(&zone, at("2026-06-30T22:00:00Z"), date), 10);
    assert_string_equal(date, "2026-07-01");
    ct_zone_done(&zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_of_23_and_25_hours),
        cmocka_unit_test(weeks_at_a_years_end),
        cmocka_unit_test(months_quarters_years),
        cmocka_unit_test(what_comes_before),
        cmocka_unit_test(moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
