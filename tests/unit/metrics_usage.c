/* Use of the product and engagement: each KPI against a value worked out by hand; and the laws of these metrics with
 * random events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lifecycle_bench.h"
#include "metrics/customer.h"
#include "random_business.h"

#define DAY CT_USEC_PER_DAY
#define MARCH "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"

/* Four customers and one user who is none. Week: 25 to 31 March; the one before: 18 to 24. */
static struct bench *team(void)
{
    struct bench *b = bench_new(MARCH, "2026-04-02T00:00:00Z");
    bench_customer(b, "every day of the week");
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    for (int day = 25; day <= 31; day++) {
        char at[32];
        (void)snprintf(at, sizeof at, "2026-03-%02dT23:59:59Z", day);
        EVENT(b, FEATURE_USED, at, .name = "reports", .count = 2, .flag = 1);
    }
    EVENT(b, FEATURE_USED, "2026-03-30T10:00:00Z", .name = "export", .count = 3);
    EVENT(b, FEATURE_USED, "2026-03-03T10:00:00Z", .name = "billing", .count = 1, .flag = 1);
    EVENT(b, FEATURE_USED, "2026-02-28T10:00:00Z", .name = "not in the period");
    EVENT(b, FEATURE_USED, "2026-04-01T00:00:00Z", .name = "nor this");
    bench_customer(b, "one day, two sessions");
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    EVENT(b, SESSION, "2026-03-25T00:00:00Z", .duration = 60 * CT_USEC_PER_SECOND);
    EVENT(b, SESSION, "2026-03-25T09:00:00Z", .duration = 120 * CT_USEC_PER_SECOND);
    bench_customer(b, "the week before, and the month");
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    EVENT(b, SESSION, "2026-03-24T23:59:59Z", .duration = 300 * CT_USEC_PER_SECOND);
    EVENT(b, SESSION, "2026-03-01T00:00:00Z", .duration = BENCH_ZERO);
    EVENT(b, SESSION, "2026-02-28T23:59:59Z", .duration = 9000 * CT_USEC_PER_SECOND); /* not in the period */
    bench_customer(b, "never");
    EVENT(b, CUSTOMER_WON, "2026-03-28T10:00:00Z");
    bench_customer(b, "no customer");
    EVENT(b, SESSION, "2026-03-31T09:00:00Z"); /* without a duration */
    return b;
}

static void active_users(void **state)
{
    (void)state;
    struct bench *b = team();
    bench_count(b, NULL);
    expect(b, "active_users", "4.0", 4, 1);
    expect(b, "active_users.weekly", "3.0", 3, 1);
    expect(b, "active_users.daily", "2.0", 2, 1);
    /* 7 + 1 + 1 user-days of 7 x 3 */
    expect(b, "stickiness", "0.4", 9, 21);
    const ct_span kind[] = {CT_SPAN_LIT("collaborative"), CT_SPAN_LIT("back_office")};
    struct ct_kpi_options options = {.segments = &kind[0], .segment_count = 1};
    bench_count(b, &options);
    assert_int_equal(figure(b, "stickiness")->target.micro, 350000);
    assert_int_equal(figure(b, "stickiness")->status, CT_STATUS_MET); /* 0.428... */
    options.segments = &kind[1];
    bench_count(b, &options);
    assert_int_equal(figure(b, "stickiness")->target.micro, 200000);
    bench_free(b);
}

static void usage_rates(void **state)
{
    (void)state;
    struct bench *b = team();
    bench_count(b, NULL);
    expect(b, "product_usage_rate", "75.0", 3, 4); /* monthly by default */
    expect(b, "product_usage_rate.monthly", "75.0", 3, 4);
    expect(b, "product_usage_rate.weekly", "50.0", 2, 4);
    expect(b, "product_usage_rate.daily", "25.0", 1, 4);
    expect(b, "weekly_active_rate", "50.0", 2, 4);
    expect(b, "weekly_active_rate.week_before", "33.3", 1, 3); /* one was none yet */
    b->terms.usage_interval = CT_USAGE_DAILY;
    b->terms.weekly_events = 3; /* 17 actions, 2 sessions */
    const ct_span smb = CT_SPAN_LIT("smb");
    const struct ct_kpi_options options = {.segments = &smb, .segment_count = 1};
    bench_count(b, &options);
    expect(b, "product_usage_rate", "25.0", 1, 4);
    expect(b, "weekly_active_rate", "25.0", 1, 4);
    assert_int_equal(figure(b, "weekly_active_rate")->status, CT_STATUS_MISSED); /* at least 70 */
    bench_free(b);
}

static void depth_breadth_and_time(void **state)
{
    (void)state;
    struct bench *b = team();
    bench_count(b, NULL);
    /* Whole weeks: 4-10, 11-17, 18-24, 25-31 March. Weeks with use: 14 key actions, 0, 0 and 0 (no customer). */
    expect(b, "usage_depth", "3.5", 14, 4);
    assert_true(figure(b, "usage_depth")->has_interval);
    /* Modules: 3 and 0, 0, 0. */
    expect(b, "feature_breadth", "0.8", 3, 4);
    expect(b, "feature_breadth.share", "25.0", 1, 4);
    assert_int_equal(figure(b, "feature_breadth.share")->status, CT_STATUS_MISSED); /* at least 60 */
    /* Sessions: 60, 120, 300, 0. */
    expect(b, "time_in_app", "120.0", 480 * CT_USEC_PER_SECOND, 4);
    assert_int_equal(figure(b, "time_in_app")->left_out, 1);
    expect(b, "time_in_app.per_customer", "240.0", 480 * CT_USEC_PER_SECOND, 2);

    b->terms.from = when("2026-03-03T00:00:00Z"); /* four weeks and a day: still four */
    b->terms.breadth_modules = 4;
    bench_count(b, NULL);
    expect(b, "usage_depth", "3.5", 14, 4);
    expect(b, "feature_breadth.share", "0.0", 0, 4);
    b->terms.from = when("2026-03-31T00:00:00Z"); /* less than a week: the week all the same */
    bench_count(b, NULL);
    expect(b, "usage_depth", "4.7", 14, 3);
    expect(b, "feature_breadth", "0.2", 1, 4); /* of the period alone */
    bench_free(b);
}

/* A period that is not over ends with what is known. */
static void up_to_now(void **state)
{
    (void)state;
    struct bench *b = team();
    b->terms.as_of = when("2026-03-25T12:00:00Z"); /* week: 19 to 25 March */
    bench_count(b, NULL);
    expect(b, "active_users.daily", "1.0", 1, 1);
    expect(b, "active_users.weekly", "2.0", 2, 1);
    expect(b, "active_users", "3.0", 3, 1); /* from 26 February on */
    expect(b, "weekly_active_rate", "66.7", 2, 3);
    bench_free(b);
}

/* Nobody's use is known: no value, not 0. */
static void unknown_use_is_no_value(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "product_usage_rate", "weekly_active_rate", "feature_breadth", "stickiness",       "feature_breadth.share",
        "active_users",       "usage_depth",        "time_in_app",     "engagement_score", "engagement_score.loyalty"};
    struct bench *b = bench_new(MARCH, "2026-04-02T00:00:00Z");
    bench_customer(b, "a");
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    bench_count(b, NULL);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_string_equal(value(b, ids[i]), "null");
    }
    bench_free(b);
}

static void engagement(void **state)
{
    (void)state;
    struct bench *b = bench_new(MARCH, "2026-04-02T00:00:00Z");
    bench_customer(b, "both"); /* 100 */
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    EVENT(b, PROGRAMME, "2026-01-02T10:00:00Z", .name = "loyalty", .flag = 1);
    EVENT(b, PROGRAMME, "2026-03-02T10:00:00Z", .name = "education", .flag = 1);
    bench_customer(b, "left the loyalty programme"); /* 0 */
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    EVENT(b, PROGRAMME, "2026-01-02T10:00:00Z", .name = "loyalty", .flag = 1);
    EVENT(b, PROGRAMME, "2026-03-02T10:00:00Z", .name = "loyalty", .flag = BENCH_ZERO);
    EVENT(b, FEEDBACK, "2026-03-02T10:00:00Z");
    bench_customer(b, "joins after the period"); /* 0 */
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    EVENT(b, PROGRAMME, "2026-04-01T00:00:00Z", .name = "loyalty", .flag = 1);
    EVENT(b, REFERRAL, "2026-02-28T10:00:00Z");
    bench_customer(b, "loyal"); /* 50 */
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    EVENT(b, PROGRAMME, "2026-03-31T23:59:59Z", .name = "loyalty", .flag = 1);
    EVENT(b, SESSION, "2026-03-25T00:00:00Z", .duration = 1);
    bench_customer(b, "no customer any more");
    EVENT(b, CUSTOMER_WON, "2026-01-01T10:00:00Z");
    EVENT(b, PROGRAMME, "2026-01-02T10:00:00Z", .name = "education", .flag = 1);
    EVENT(b, CUSTOMER_LOST, "2026-03-20T10:00:00Z");
    bench_count(b, NULL);
    expect(b, "engagement_score", "37.5", 150, 4);
    expect(b, "engagement_score.loyalty", "50.0", 2, 4);
    expect(b, "engagement_score.education", "25.0", 1, 4);
    static const uint8_t weights[CT_ENGAGEMENT_COUNT] = {20, 0, 30, 40, 10};
    memcpy(b->terms.engagement_weights, weights, sizeof weights);
    bench_count(b, NULL);
    expect(b, "engagement_score", "27.5", 20 + 40 + 0 + 50, 4);
    bench_free(b);
}

/* ---- laws ---- */

enum { PEOPLE = 40, EVENTS = 30 };

struct person {
    const struct ct_business *at[EVENTS];
    size_t count;
};

static void fold_person(struct ct_kpi_set *set, const struct person *who, const struct ct_terms *terms)
{
    const struct ct_customer customer = {.events = who->at, .event_count = who->count, .terms = terms};
    ct_kpis_fold_customer(set, &customer);
}

/* Divided among sets and merged in another order the state is the same; what was added can be given back. */
static void laws(void **state)
{
    (void)state;
    static const struct ct_terms plain = CT_TERMS_DEFAULT;
    for (unsigned round = 0; round < 12; round++) {
        seed = 4242 + round;
        struct ct_terms terms = plain;
        terms.from = 30 * DAY;
        terms.to = (ct_usec)(60 + 10 * round) * DAY;
        terms.as_of = 100 * DAY;
        struct person *people = calloc(PEOPLE, sizeof *people);
        assert_non_null(people);
        struct ct_business *owned[PEOPLE][EVENTS];
        struct ct_kpi_set *whole = ct_kpis_new(), *part[3] = {ct_kpis_new(), ct_kpis_new(), ct_kpis_new()};
        struct ct_kpi_set *kept = ct_kpis_new();
        for (size_t i = 0; i < PEOPLE; i++) {
            char user[16];
            (void)snprintf(user, sizeof user, "u%zu", i);
            for (size_t j = 0; j < EVENTS; j++) {
                owned[i][j] = random_event(user, 4);
                people[i].at[j] = owned[i][j];
            }
            people[i].count = ct_business_sort(people[i].at, EVENTS);
            fold_person(whole, &people[i], &terms);
        }
        for (size_t i = PEOPLE; i > 0; i--) {
            size_t to = below(3);
            fold_person(part[to], &people[i - 1], &terms);
            if (to != 2) {
                fold_person(kept, &people[i - 1], &terms);
            }
        }
        struct ct_kpi_set *sum = ct_kpis_new();
        ct_kpis_merge(sum, part[2]);
        ct_kpis_merge(sum, part[0]);
        ct_kpis_merge(sum, part[1]);
        size_t bytes;
        const void *a = ct_kpis_state(whole, &bytes), *b = ct_kpis_state(sum, &bytes);
        assert_true(memcmp(a, b, bytes) == 0);
        struct ct_block block;
        assert_int_equal(ct_kpis_compute(whole, NULL, &block), CT_OK);
        size_t with_value = 0;
        for (size_t i = 0; i < block.figure_count; i++) {
            with_value += block.figures[i].has_value && block.figures[i].kpi->family == CT_FAMILY_LIFECYCLE;
        }
        assert_true(with_value > 10); /* the laws are about something */
        ct_block_done(&block);
        ct_kpis_subtract(sum, part[0]);
        ct_kpis_subtract(sum, part[1]);
        ct_kpis_subtract(sum, part[2]);
        struct ct_kpi_set *zero = ct_kpis_new();
        a = ct_kpis_state(zero, &bytes);
        b = ct_kpis_state(sum, &bytes);
        assert_true(memcmp(a, b, bytes) == 0);
        ct_kpis_free(zero);
        ct_kpis_subtract(whole, part[2]);
        struct ct_block x, y;
        assert_int_equal(ct_kpis_compute(whole, NULL, &x), CT_OK);
        assert_int_equal(ct_kpis_compute(kept, NULL, &y), CT_OK);
        assert_int_equal(x.figure_count, y.figure_count);
        for (size_t i = 0; i < x.figure_count; i++) { /* counts are exact; ends and percentiles may be wider */
            const struct ct_figure *f = &x.figures[i], *g = &y.figures[i];
            assert_true(f->numerator == g->numerator && f->denominator == g->denominator && f->n == g->n);
            assert_true(f->left_out == g->left_out && f->provisional == g->provisional);
            assert_true(f->settles_at >= g->settles_at);
        }
        ct_block_done(&x);
        ct_block_done(&y);
        for (size_t i = 0; i < PEOPLE; i++) {
            for (size_t j = 0; j < EVENTS; j++) {
                free(owned[i][j]);
            }
        }
        for (size_t i = 0; i < 3; i++) {
            ct_kpis_free(part[i]);
        }
        ct_kpis_free(sum);
        ct_kpis_free(whole);
        ct_kpis_free(kept);
        free(people);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_users),
        cmocka_unit_test(usage_rates),
        cmocka_unit_test(depth_breadth_and_time),
        cmocka_unit_test(up_to_now),
        cmocka_unit_test(unknown_use_is_no_value),
        cmocka_unit_test(engagement),
        cmocka_unit_test(laws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
