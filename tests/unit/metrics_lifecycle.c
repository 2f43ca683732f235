/* The customer's lifecycle, from the project's start to the return on it: each KPI against a value worked out by hand,
 * the worked examples of the catalogue among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/zone.h"
#include "lifecycle_bench.h"

#define DAY CT_USEC_PER_DAY
#define MARCH "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"

static char user[32];
static const char *name_of(const char *kind, int i)
{
    (void)snprintf(user, sizeof user, "%s-%d", kind, i);
    return user;
}

/* ---- onboarding ---- */

static void eighteen_of_twenty_two_in_time(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-04-01T00:00:00Z");
    for (int i = 0; i < 22; i++) {
        bench_customer(b, name_of("a", i));
        EVENT(b, MILESTONE, "2026-02-10T09:00:00Z", .name = "project_started");
        /* exactly at the due time is in time; a second later is not */
        EVENT(b, MILESTONE, i < 18 ? "2026-03-10T12:00:00Z" : "2026-03-10T12:00:01Z", .name = "onboarded",
              .due = "2026-03-10T12:00:00Z");
    }
    bench_customer(b, "before the period");
    EVENT(b, MILESTONE, "2026-02-28T23:59:59Z", .name = "onboarded", .due = "2026-03-10T12:00:00Z");
    EVENT(b, MILESTONE, "2026-03-05T00:00:00Z", .name = "onboarded", .due = "2026-03-10T12:00:00Z"); /* again */
    bench_customer(b, "at its end");
    EVENT(b, MILESTONE, "2026-04-01T00:00:00Z", .name = "onboarded", .due = "2026-03-10T12:00:00Z");
    bench_customer(b, "of unknown start");
    EVENT(b, MILESTONE, "2026-03-09T00:00:00Z", .name = "onboarded");
    bench_count(b, NULL);
    expect(b, "onboarding_on_time_rate", "81.8", 18, 22);
    assert_int_equal(figure(b, "onboarding_on_time_rate")->left_out, 1);
    assert_true(figure(b, "onboarding_on_time_rate")->has_interval);
    assert_int_equal(figure(b, "onboarding_on_time_rate")->status, CT_STATUS_NONE);

    /* 81.8 is enough for small accounts, not for middle ones. */
    const ct_span smb = CT_SPAN_LIT("smb"), mid = CT_SPAN_LIT("mid_market"), large = CT_SPAN_LIT("enterprise");
    const struct {
        const ct_span *segment;
        int64_t target;
        enum ct_target_status status;
    } held[] = {{&smb, 80, CT_STATUS_MET}, {&mid, 85, CT_STATUS_MISSED}, {&large, 90, CT_STATUS_MISSED}};
    for (size_t i = 0; i < 3; i++) {
        const struct ct_kpi_options options = {.segments = held[i].segment, .segment_count = 1};
        bench_count(b, &options);
        assert_int_equal(figure(b, "onboarding_on_time_rate")->target.micro, held[i].target * 1000000);
        assert_int_equal(figure(b, "onboarding_on_time_rate")->status, held[i].status);
    }
    bench_free(b);
}

static void without_a_due_date_the_sla_counts(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-04-01T00:00:00Z");
    b->terms.onboarding_usec = 10 * DAY;
    bench_customer(b, "in time");
    EVENT(b, CUSTOMER_WON, "2026-03-01T10:00:00Z");
    EVENT(b, MILESTONE, "2026-03-11T10:00:00Z", .name = "onboarded");
    bench_customer(b, "late");
    EVENT(b, CUSTOMER_WON, "2026-03-01T10:00:00Z");
    EVENT(b, MILESTONE, "2026-03-11T10:00:01Z", .name = "onboarded");
    bench_customer(b, "the project counts, not the sale");
    EVENT(b, CUSTOMER_WON, "2026-02-01T10:00:00Z");
    EVENT(b, MILESTONE, "2026-03-02T10:00:00Z", .name = "project_started");
    EVENT(b, MILESTONE, "2026-03-11T10:00:01Z", .name = "onboarded");
    bench_count(b, NULL);
    expect(b, "onboarding_on_time_rate", "66.7", 2, 3);
    bench_free(b);
}

static void kickoffs(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-04-01T00:00:00Z");
    bench_customer(b, "nine of ten");
    EVENT(b, CHECKLIST, "2026-03-01T10:00:00Z", .count = 3, .of = 10);
    EVENT(b, CHECKLIST, "2026-03-09T10:00:00Z", .count = 9, .of = 10);
    EVENT(b, MILESTONE, "2026-03-09T10:00:00Z", .name = "kickoff");
    bench_customer(b, "too late");
    EVENT(b, CHECKLIST, "2026-03-09T10:00:00Z", .count = 8, .of = 10);
    EVENT(b, MILESTONE, "2026-03-09T10:00:00Z", .name = "kickoff");
    EVENT(b, CHECKLIST, "2026-03-09T10:00:01Z", .count = 10, .of = 10);
    bench_customer(b, "no list");
    EVENT(b, MILESTONE, "2026-03-09T10:00:00Z", .name = "kickoff");
    bench_customer(b, "two lists, 9 of 10 in all");
    EVENT(b, CHECKLIST, "2026-03-08T10:00:00Z", .name = "data", .count = 4, .of = 5);
    EVENT(b, CHECKLIST, "2026-03-07T10:00:00Z", .name = "people", .count = 5, .of = 5);
    EVENT(b, MILESTONE, "2026-03-09T10:00:00Z", .name = "kickoff");
    EVENT(b, MILESTONE, "2026-03-19T10:00:00Z", .name = "kickoff"); /* the first counts */
    bench_customer(b, "in February");
    EVENT(b, MILESTONE, "2026-02-09T10:00:00Z", .name = "kickoff");
    EVENT(b, MILESTONE, "2026-03-19T10:00:00Z", .name = "kickoff");
    bench_count(b, NULL);
    expect(b, "kickoff_readiness", "50.0", 2, 4);
    assert_int_equal(figure(b, "kickoff_readiness")->status, CT_STATUS_MISSED); /* at least 85 */
    b->terms.kickoff_percent = 80;
    bench_count(b, NULL);
    expect(b, "kickoff_readiness", "75.0", 3, 4);
    bench_free(b);
}

/* Percentiles are within 1 % of a hand-worked value in days. */
static void expect_days(const struct bench *b, const char *id, double days)
{
    const struct ct_figure *f = figure(b, id);
    assert_true(f->has_value);
    double got = (double)f->value_num / (double)f->value_den;
    if (got < days * 0.99 || got > days * 1.01) {
        print_error("%s: %f days, not %f\n", id, got, days);
    }
    assert_true(got >= days * 0.99 && got <= days * 1.01);
}

static void first_value_and_go_live(void **state)
{
    (void)state;
    static const char *const reached[] = {"2026-03-05T12:00:00Z", "2026-03-11T12:00:00Z", "2026-03-21T12:00:00Z",
                                          "2026-03-29T12:00:00Z", "2026-03-30T12:00:00Z"}; /* 4, 10, 20, 28, 29 days */
    struct bench *b = bench_new(MARCH, "2026-03-31T23:00:00Z");
    for (int i = 0; i < 5; i++) {
        bench_customer(b, name_of("a", i));
        EVENT(b, MILESTONE, "2026-03-01T12:00:00Z", .name = "project_started");
        EVENT(b, MILESTONE, "2026-03-02T12:00:00Z", .name = "project_started"); /* the first counts */
        EVENT(b, MILESTONE, reached[i], .name = "first_value");
        EVENT(b, MILESTONE, reached[i], .name = "go_live");
    }
    bench_customer(b, "has not yet");
    EVENT(b, CUSTOMER_WON, "2026-03-03T12:00:00Z");
    bench_customer(b, "started before: 33 days");
    EVENT(b, CUSTOMER_WON, "2026-02-01T12:00:00Z");
    EVENT(b, MILESTONE, "2026-03-06T12:00:00Z", .name = "first_value");
    bench_customer(b, "never started");
    EVENT(b, MILESTONE, "2026-03-06T12:00:00Z", .name = "first_value");
    bench_customer(b, "before its start");
    EVENT(b, MILESTONE, "2026-03-08T12:00:00Z", .name = "project_started");
    EVENT(b, MILESTONE, "2026-03-06T12:00:00Z", .name = "first_value");
    bench_count(b, NULL);
    /* 4 10 20 28 29 33: the lower middle */
    expect_days(b, "time_to_first_value", 20);
    assert_int_equal(figure(b, "time_to_first_value")->n, 6);
    assert_int_equal(figure(b, "time_to_first_value")->left_out, 2);
    /* 25 to 31 March: 28, 29; 18 to 24 March: 20 */
    expect_days(b, "time_to_first_value.week", 28);
    assert_int_equal(figure(b, "time_to_first_value.week")->n, 2);
    expect_days(b, "time_to_first_value.week_before", 20);
    /* started in March: 4 10 20 28 29; not yet: one, and one whose value came before its start */
    expect_days(b, "time_to_first_value.cohort", 20);
    assert_int_equal(figure(b, "time_to_first_value.cohort")->n, 5);
    assert_int_equal(figure(b, "time_to_first_value.cohort")->left_out, 2);
    expect_days(b, "time_to_live", 20);
    assert_int_equal(figure(b, "time_to_live")->n, 5);

    /* One value is exact. */
    b->terms.from = when("2026-03-05T00:00:00Z");
    b->terms.to = when("2026-03-06T00:00:00Z");
    bench_count(b, NULL);
    assert_string_equal(value(b, "time_to_first_value"), "4.0");
    bench_free(b);
}

/* Noon to noon is a day, also the one of 23 hours: clocks go forward in Madrid on 29 March 2026. */
static void summer_time(void **state)
{
    (void)state;
    char bytes[8192];
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Madrid", "rb");
    if (!file) {
        skip();
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    struct ct_zone madrid;
    assert_int_equal(ct_zone_init(&madrid, CT_SPAN_LIT("Europe/Madrid"), (ct_span){bytes, len}, NULL), CT_OK);
    /* April there begins at 22:00 UTC. */
    struct bench *b = bench_new("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z", "2026-03-31T21:59:00Z");
    b->terms.onboarding_usec = 2 * DAY;
    bench_customer(b, "two days, 47 hours");
    EVENT(b, MILESTONE, "2026-03-28T11:00:00Z", .name = "project_started"); /* noon */
    EVENT(b, MILESTONE, "2026-03-30T10:00:00Z", .name = "first_value");     /* noon */
    EVENT(b, MILESTONE, "2026-03-30T10:00:00Z", .name = "onboarded");
    bench_customer(b, "a second past it");
    EVENT(b, MILESTONE, "2026-03-28T11:00:00Z", .name = "project_started");
    EVENT(b, MILESTONE, "2026-03-30T10:00:01Z", .name = "onboarded");
    bench_count(b, NULL);
    assert_string_equal(value(b, "time_to_first_value"), "2.0"); /* 1.958..., "2.0" too */
    expect(b, "onboarding_on_time_rate", "100.0", 2, 2);         /* by UTC: 48 hours have not passed */
    b->terms.zone = &madrid;
    bench_count(b, NULL);
    assert_true(figure(b, "time_to_first_value")->value_num == 2 * figure(b, "time_to_first_value")->value_den);
    expect(b, "onboarding_on_time_rate", "50.0", 1, 2);
    ct_zone_done(&madrid);
    bench_free(b);
}

/* ---- activation and trials ---- */

static void thirty_three_of_fifty_activated(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-03-31T23:00:00Z");
    for (int i = 0; i < 50; i++) {
        bench_customer(b, name_of("a", i));
        EVENT(b, CUSTOMER_WON, "2026-03-02T10:00:00Z");
        EVENT(b, FEATURE_USED, "2026-03-02T10:00:00Z", .name = "reports", .count = 2, .flag = 1);
        /* the last moment of the window, or just after it */
        EVENT(b, FEATURE_USED, i < 33 ? "2026-03-09T09:59:59Z" : "2026-03-09T10:00:00Z", .name = "reports", .flag = 1);
        EVENT(b, FEATURE_USED, "2026-03-04T10:00:00Z", .name = "export", .count = 9, .flag = BENCH_ZERO); /* not key */
    }
    bench_customer(b, "window open");
    EVENT(b, CUSTOMER_WON, "2026-03-25T10:00:00Z");
    EVENT(b, FEATURE_USED, "2026-03-25T11:00:00Z", .name = "reports", .count = 5, .flag = 1);
    bench_customer(b, "not new");
    EVENT(b, CUSTOMER_WON, "2026-02-25T10:00:00Z");
    bench_count(b, NULL);
    expect(b, "activation_rate", "66.0", 33, 50);
    assert_int_equal(figure(b, "activation_rate")->provisional, 1);
    assert_true(figure(b, "activation_rate")->settles_at == when("2026-04-01T10:00:00Z"));
    b->terms.as_of = when("2026-04-01T09:59:59.999999Z"); /* the window's last moment is known */
    bench_count(b, NULL);
    expect(b, "activation_rate", "66.7", 34, 51);
    assert_int_equal(figure(b, "activation_rate")->provisional, 0);
    b->terms.activation_actions = 4;
    bench_count(b, NULL);
    expect(b, "activation_rate", "2.0", 1, 51);
    bench_free(b);
}

static void trials(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-04-05T00:00:00Z");
    bench_customer(b, "converted");
    EVENT(b, TRIAL_STARTED, "2026-03-02T10:00:00Z");
    EVENT(b, TRIAL_CONVERTED, "2026-04-02T10:00:00Z"); /* after the period */
    EVENT(b, SUBSCRIPTION, "2026-04-02T10:00:00Z", .name = "base", .amount = 50);
    bench_customer(b, "by a subscription alone");
    EVENT(b, TRIAL_STARTED, "2026-03-02T10:00:00Z");
    EVENT(b, SUBSCRIPTION, "2026-03-12T10:00:00Z", .name = "base", .amount = 50);
    bench_customer(b, "was a subscriber already");
    EVENT(b, SUBSCRIPTION, "2026-01-12T10:00:00Z", .name = "base", .amount = 50);
    EVENT(b, TRIAL_STARTED, "2026-03-02T10:00:00Z", .due = "2026-03-16T10:00:00Z");
    EVENT(b, SUBSCRIPTION, "2026-03-22T10:00:00Z", .name = "base", .amount = 70);
    bench_customer(b, "two trials, the younger converted");
    EVENT(b, TRIAL_STARTED, "2026-03-02T10:00:00Z", .due = "2026-03-16T10:00:00Z");
    EVENT(b, TRIAL_STARTED, "2026-03-20T10:00:00Z", .due = "2026-04-16T10:00:00Z");
    EVENT(b, TRIAL_CONVERTED, "2026-03-25T10:00:00Z");
    bench_customer(b, "still runs");
    EVENT(b, TRIAL_STARTED, "2026-03-20T10:00:00Z");
    bench_customer(b, "before the period");
    EVENT(b, TRIAL_STARTED, "2026-02-20T10:00:00Z");
    EVENT(b, TRIAL_CONVERTED, "2026-03-02T10:00:00Z");
    bench_customer(b, "not known yet");
    EVENT(b, TRIAL_STARTED, "2026-03-02T10:00:00Z", .due = "2026-03-30T10:00:00Z");
    EVENT(b, TRIAL_CONVERTED, "2026-04-05T00:00:01Z");
    bench_count(b, NULL);
    expect(b, "trial_conversion_rate", "42.9", 3, 7);
    assert_int_equal(figure(b, "trial_conversion_rate")->provisional, 1);
    assert_true(figure(b, "trial_conversion_rate")->settles_at == when("2026-04-19T10:00:00Z")); /* 30 days */
    bench_free(b);
}

/* ---- seats ---- */

static void seats_at_day_30(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-03-31T23:00:00Z");
    bench_customer(b, "a"); /* 10 February + 30 = 12 March */
    EVENT(b, CUSTOMER_WON, "2026-02-10T10:00:00Z");
    EVENT(b, SEATS_BOUGHT, "2026-02-10T10:00:00Z", .count = 100);
    EVENT(b, SEATS_BOUGHT, "2026-03-12T23:59:59Z", .count = 150); /* in force at the end of that day */
    EVENT(b, SEATS_BOUGHT, "2026-03-13T00:00:00Z", .count = 500);
    EVENT(b, SEATS_ACTIVE, "2026-03-01T10:00:00Z", .count = 20);
    EVENT(b, SEATS_ACTIVE, "2026-03-12T23:59:59Z", .count = 110);
    EVENT(b, SEATS_ACTIVE, "2026-03-13T00:00:00Z", .count = 400);
    bench_customer(b, "two products");
    EVENT(b, CUSTOMER_WON, "2026-02-20T10:00:00Z");
    EVENT(b, SEATS_BOUGHT, "2026-02-20T10:00:00Z", .name = "crm", .count = 30);
    EVENT(b, SEATS_BOUGHT, "2026-02-20T10:00:00Z", .name = "erp", .count = 20);
    EVENT(b, SEATS_ACTIVE, "2026-03-10T10:00:00Z", .name = "crm", .count = 25);
    EVENT(b, SEATS_ACTIVE, "2026-03-11T10:00:00Z", .name = "erp", .count = 5);
    bench_customer(b, "no report");
    EVENT(b, SEATS_BOUGHT, "2026-02-10T10:00:00Z", .count = 100);
    bench_customer(b, "day 30 is 31 March");
    EVENT(b, SEATS_BOUGHT, "2026-03-01T00:00:00Z", .count = 10);
    EVENT(b, SEATS_ACTIVE, "2026-03-05T00:00:00Z", .count = 4);
    bench_customer(b, "day 30 is 28 February");
    EVENT(b, SEATS_BOUGHT, "2026-01-29T00:00:00Z", .count = 10);
    EVENT(b, SEATS_ACTIVE, "2026-02-05T00:00:00Z", .count = 4);
    bench_count(b, NULL);
    expect(b, "seat_utilization_d30", "70.0", 140, 200);
    assert_int_equal(figure(b, "seat_utilization_d30")->status, CT_STATUS_MET); /* at least 70 */
    assert_int_equal(figure(b, "seat_utilization_d30")->left_out, 1);
    assert_int_equal(figure(b, "seat_utilization_d30")->provisional, 1);
    assert_true(figure(b, "seat_utilization_d30")->settles_at == when("2026-04-01T00:00:00Z"));
    b->terms.as_of = when("2026-03-31T23:59:59.999999Z");
    bench_count(b, NULL);
    expect(b, "seat_utilization_d30", "68.6", 144, 210);
    bench_free(b);
}

static void seats_in_sustained_use(void **state)
{
    (void)state;
    /* The weeks before 1 April: 4-10, 11-17, 18-24, 25-31 March. */
    struct bench *b = bench_new(MARCH, "2026-03-31T23:59:59.999999Z");
    bench_customer(b, "by numbers: 40 50 30 60, the third is 40");
    EVENT(b, SEATS_BOUGHT, "2026-01-10T10:00:00Z", .count = 100);
    EVENT(b, SEATS_ACTIVE, "2026-03-04T00:00:00Z", .count = 99); /* not the week's newest */
    EVENT(b, SEATS_ACTIVE, "2026-03-10T23:59:59Z", .count = 40);
    EVENT(b, SEATS_ACTIVE, "2026-03-11T00:00:00Z", .count = 50);
    EVENT(b, SEATS_ACTIVE, "2026-03-20T00:00:00Z", .count = 30);
    EVENT(b, SEATS_ACTIVE, "2026-03-31T00:00:00Z", .count = 60);
    bench_customer(b, "seat by seat");
    EVENT(b, SEATS_BOUGHT, "2026-01-10T10:00:00Z", .count = 10);
    static const char *const days[] = {"2026-03-05T10:00:00Z", "2026-03-12T10:00:00Z", "2026-03-19T10:00:00Z",
                                       "2026-03-26T10:00:00Z"};
    for (size_t i = 0; i < 4; i++) {
        EVENT(b, SEATS_ACTIVE, days[i], .ref = "all four", .count = 1);
        if (i != 2) {
            EVENT(b, SEATS_ACTIVE, days[i], .ref = "three", .count = 1);
        }
        if (i < 2) {
            EVENT(b, SEATS_ACTIVE, days[i], .ref = "two", .count = 1);
        }
    }
    EVENT(b, SEATS_ACTIVE, "2026-03-26T11:00:00Z", .ref = "two in one week", .count = 1);
    EVENT(b, SEATS_ACTIVE, "2026-03-26T12:00:00Z", .ref = "two in one week", .count = 1);
    EVENT(b, SEATS_ACTIVE, "2026-03-26T13:00:00Z", .ref = "two in one week", .count = 1);
    bench_customer(b, "two reports are not enough");
    EVENT(b, SEATS_BOUGHT, "2026-01-10T10:00:00Z", .count = 10);
    EVENT(b, SEATS_ACTIVE, "2026-03-20T00:00:00Z", .count = 10);
    EVENT(b, SEATS_ACTIVE, "2026-03-28T00:00:00Z", .count = 10);
    bench_customer(b, "gone");
    EVENT(b, CUSTOMER_WON, "2026-01-10T10:00:00Z");
    EVENT(b, SEATS_BOUGHT, "2026-01-10T10:00:00Z", .count = 10);
    EVENT(b, CUSTOMER_LOST, "2026-03-10T10:00:00Z");
    bench_count(b, NULL);
    expect(b, "license_utilization", "38.2", 42, 110);
    assert_int_equal(figure(b, "license_utilization")->left_out, 1);
    b->terms.licence_weeks = 2; /* 50 of the numbers; "two", too; the two reports are enough */
    bench_count(b, NULL);
    expect(b, "license_utilization", "52.5", 63, 120);
    bench_free(b);
}

/* ---- outcomes and returns ---- */

static void eighteen_of_thirty_achieved(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-04-01T00:00:00Z");
    for (int i = 0; i < 28; i++) {
        bench_customer(b, name_of("a", i));
        EVENT(b, CUSTOMER_WON, i < 20 ? "2025-03-11T00:00:00Z" : "2025-03-10T23:00:00Z");
        EVENT(b, OUTCOME, "2026-03-02T10:00:00Z", .name = "cost", .value = 20, .goal = 10); /* an older measurement */
        EVENT(b, OUTCOME, "2026-03-10T10:00:00Z", .name = "cost", .value = i % 20 < 15 ? 10 : 9, .goal = 10);
    }
    bench_customer(b, "one of two goals");
    EVENT(b, OUTCOME, "2026-03-10T10:00:00Z", .name = "cost", .flag = 1);
    EVENT(b, OUTCOME, "2026-03-11T10:00:00Z", .name = "time", .flag = BENCH_ZERO);
    bench_customer(b, "third year");
    EVENT(b, CUSTOMER_WON, "2024-03-10T10:00:00Z");
    EVENT(b, OUTCOME, "2026-03-10T10:00:00Z", .name = "cost", .flag = BENCH_ZERO);
    bench_customer(b, "not in the period");
    EVENT(b, OUTCOME, "2026-02-10T10:00:00Z", .name = "cost", .flag = 1);
    bench_count(b, NULL);
    expect(b, "outcome_achieved_rate", "76.7", 23, 30); /* 15 + 8 of 28, and two who did not */
    expect(b, "outcome_achieved_rate.year_1", "75.0", 15, 20);
    expect(b, "outcome_achieved_rate.year_2", "100.0", 8, 8); /* from the anniversary's date on */
    assert_int_equal(figure(b, "outcome_achieved_rate.year_1")->left_out, 1);
    assert_int_equal(figure(b, "outcome_achieved_rate.year_1")->status, CT_STATUS_MET);
    assert_int_equal(figure(b, "outcome_achieved_rate.year_2")->target.micro, 75000000);
    const ct_span second = CT_SPAN_LIT("year_2");
    const struct ct_kpi_options options = {.segments = &second, .segment_count = 1};
    bench_count(b, &options);
    assert_string_equal(figure(b, "outcome_achieved_rate")->target_segment, "year_2");
    bench_free(b);

    b = bench_new(MARCH, "2026-04-01T00:00:00Z");
    for (int i = 0; i < 30; i++) {
        bench_customer(b, name_of("b", i));
        EVENT(b, OUTCOME, "2026-03-10T10:00:00Z", .name = "cost", .value = i < 18 ? 12 : 4, .goal = 10);
    }
    bench_count(b, NULL);
    expect(b, "outcome_achieved_rate", "60.0", 18, 30);
    bench_free(b);
}

static void returns(void **state)
{
    (void)state;
    const int64_t nano = CT_NANO_PER_UNIT;
    struct bench *b = bench_new(MARCH, "2026-04-01T00:00:00Z");
    bench_customer(b, "a");
    EVENT(b, BENEFIT, "2026-03-10T10:00:00Z", .amount = 300000, .currency = "EUR");
    EVENT(b, COST, "2026-01-10T10:00:00Z", .name = "account", .amount = 999, .currency = "EUR"); /* older */
    EVENT(b, COST, "2026-02-10T10:00:00Z", .name = "account", .amount = 120000, .currency = "EUR");
    EVENT(b, COST, "2026-03-10T10:00:00Z", .name = "retention", .amount = 5000, .currency = "EUR"); /* ours */
    bench_count(b, NULL);
    assert_string_equal(value(b, "realized_roi"), "150.0");
    assert_string_equal(figure(b, "realized_roi")->key, "EUR");
    assert_true(figure(b, "realized_roi")->numerator == (ct_wide)180000 * nano);
    assert_true(figure(b, "realized_roi")->denominator == (ct_wide)120000 * nano);
    assert_false(figure(b, "realized_roi")->has_interval);
    const ct_span smb = CT_SPAN_LIT("smb"), large = CT_SPAN_LIT("enterprise");
    struct ct_kpi_options options = {.segments = &smb, .segment_count = 1};
    bench_count(b, &options);
    assert_int_equal(figure(b, "realized_roi")->status, CT_STATUS_MET);
    options.segments = &large;
    bench_count(b, &options);
    assert_int_equal(figure(b, "realized_roi")->status, CT_STATUS_MISSED);

    bench_customer(b, "by its MRR: 12 x 1000, and two benefits");
    EVENT(b, SUBSCRIPTION, "2026-01-10T10:00:00Z", .name = "base", .amount = 1000, .currency = "EUR");
    EVENT(b, BENEFIT, "2026-03-10T10:00:00Z", .name = "time", .amount = 2000, .currency = "EUR");
    EVENT(b, BENEFIT, "2026-03-11T10:00:00Z", .name = "paper", .amount = 4000, .currency = "EUR");
    bench_customer(b, "in dollars");
    EVENT(b, BENEFIT, "2026-03-10T10:00:00Z", .amount = 50, .currency = "USD");
    EVENT(b, COST, "2026-02-10T10:00:00Z", .name = "account", .amount = 100, .currency = "USD");
    bench_customer(b, "cost in another currency");
    EVENT(b, BENEFIT, "2026-03-10T10:00:00Z", .amount = 50, .currency = "USD");
    EVENT(b, COST, "2026-02-10T10:00:00Z", .name = "account", .amount = 100, .currency = "EUR");
    bench_customer(b, "not measured in the period");
    EVENT(b, BENEFIT, "2026-02-10T10:00:00Z", .amount = 50, .currency = "EUR");
    EVENT(b, COST, "2026-02-10T10:00:00Z", .name = "account", .amount = 100, .currency = "EUR");
    bench_count(b, NULL);
    assert_string_equal(value(b, "realized_roi"), "131.8"); /* 306000 - 132000 = 174000 of 132000 */
    assert_int_equal(figure(b, "realized_roi")->left_out, 1);
    const struct ct_figure *part = figure(b, "realized_roi") + 2; /* after the head and EUR's own */
    assert_true(part->part && strcmp(part->key, "USD") == 0);
    assert_true(part->value_num == -50 * part->value_den); /* it may be negative */
    bench_free(b);
}

/* Without a period there are no business figures. */
static void no_period_no_figures(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-04-01T00:00:00Z");
    b->terms.from = b->terms.to = CT_USEC_NONE;
    bench_customer(b, "a");
    EVENT(b, CUSTOMER_WON, "2026-03-10T10:00:00Z");
    EVENT(b, MILESTONE, "2026-03-10T10:00:00Z", .name = "onboarded", .due = "2026-03-10T12:00:00Z");
    EVENT(b, FEATURE_USED, "2026-03-10T10:00:00Z", .name = "x", .count = 1);
    EVENT(b, OUTCOME, "2026-03-10T10:00:00Z", .name = "x", .flag = 1);
    EVENT(b, TRIAL_STARTED, "2026-03-10T10:00:00Z", .name = "x");
    bench_count(b, NULL);
    for (size_t i = 0; i < b->block.figure_count; i++) {
        const struct ct_figure *f = &b->block.figures[i];
        if (f->kpi->family == CT_FAMILY_LIFECYCLE) {
            assert_false(f->has_value);
        }
    }
    assert_string_equal(value(b, "active_users"), "null");
    assert_string_equal(value(b, "trial_conversion_rate"), "null");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eighteen_of_twenty_two_in_time),
        cmocka_unit_test(without_a_due_date_the_sla_counts),
        cmocka_unit_test(kickoffs),
        cmocka_unit_test(first_value_and_go_live),
        cmocka_unit_test(summer_time),
        cmocka_unit_test(thirty_three_of_fifty_activated),
        cmocka_unit_test(trials),
        cmocka_unit_test(seats_at_day_30),
        cmocka_unit_test(seats_in_sustained_use),
        cmocka_unit_test(eighteen_of_thirty_achieved),
        cmocka_unit_test(returns),
        cmocka_unit_test(no_period_no_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
