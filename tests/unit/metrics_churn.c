/* Customers lost, kept, renewed, referred: each against a value worked out by hand, the worked examples of the
 * catalogue among them; churn after contact with the AI; customer health. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "business_bench.h"
#include "metrics/statistics.h"

#define WON(day) SAY(CUSTOMER_WON, day)
#define LOST(day) SAY(CUSTOMER_LOST, day)

static void churn_and_retention(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 936, EVENTS(WON("2025-05-05")));
    bench_times(&bench, 64, EVENTS(WON("2025-05-05"), LOST("2026-03-31")));
    bench_times(&bench, 7, EVENTS(WON("2026-03-02"))); /* not in the base */
    bench_compute(&bench);
    assert_value(&bench, "churn_rate", NULL, "6.4");
    assert_true(figure_of(&bench, "churn_rate", NULL)->numerator == 64);
    assert_true(figure_of(&bench, "churn_rate", NULL)->denominator == 1000);
    assert_true(figure_of(&bench, "churn_rate", NULL)->has_interval);
    assert_value(&bench, "retention_rate", NULL, "93.6");
    /* Of nobody a referral, a reference, a subscription is known: no value, not 0. */
    assert_value(&bench, "referral_rate", NULL, "null");
    assert_value(&bench, "referenceable_accounts", NULL, "null");
    assert_value(&bench, "attach_rate", NULL, "null");
    assert_value(&bench, "grr", NULL, "null");
    bench_done(&bench);

    bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 230, EVENTS(SAY(CUSTOMER, "2026-02-01")));
    bench_times(&bench, 20, EVENTS(LOST("2026-03-08")));
    bench_compute(&bench);
    assert_value(&bench, "churn_rate", NULL, "8.0");
    bench_done(&bench);

    /* At the end 200, won 20, at the start 200. */
    bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 180, EVENTS(SAY(CUSTOMER, "2026-02-01")));
    bench_times(&bench, 20, EVENTS(SAY(CUSTOMER, "2026-02-01"), LOST("2026-03-08")));
    bench_times(&bench, 20, EVENTS(WON("2026-03-09")));
    bench_compute(&bench);
    assert_value(&bench, "retention_rate", NULL, "90.0");
    assert_value(&bench, "churn_rate", NULL, "10.0");
    bench_done(&bench);
}

/* Won and lost in the period: among the lost, and not in the base. */
static void won_and_lost_in_the_period(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 2, EVENTS(WON("2026-02-01"), LOST("2026-03-08")));
    bench_times(&bench, 3, EVENTS(WON("2026-03-02"), LOST("2026-03-08")));
    bench_compute(&bench);
    assert_value(&bench, "churn_rate", NULL, "250.0");
    assert_false(figure_of(&bench, "churn_rate", NULL)->has_interval);
    assert_value(&bench, "churn_rate.base", NULL, "100.0");
    assert_value(&bench, "retention_rate", NULL, "0.0"); /* never below: the won who left are not taken off */
    bench_times(&bench, 8, EVENTS(WON("2026-02-01")));
    ct_block_done(&bench.block);
    bench_compute(&bench);
    assert_value(&bench, "churn_rate", NULL, "50.0");
    assert_false(figure_of(&bench, "churn_rate", NULL)->has_interval); /* 5 of 10, but three are not of the ten */
    assert_true(figure_of(&bench, "churn_rate.base", NULL)->has_interval);
    assert_value(&bench, "churn_rate.base", NULL, "20.0");
    assert_value(&bench, "retention_rate", NULL, "80.0");
    bench_done(&bench);
    /* Nobody at the start: no value, whoever was lost. */
    bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 3, EVENTS(WON("2026-03-02"), LOST("2026-03-08")));
    bench_compute(&bench);
    assert_value(&bench, "churn_rate", NULL, "null");
    bench_done(&bench);
}

static void targets_by_kind_and_period(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    const ct_span enterprise = CT_SPAN_LIT("enterprise_monthly");
    const struct ct_kpi_options options = {.segments = &enterprise, .segment_count = 1};
    bench_times(&bench, 98, EVENTS(WON("2026-02-01")));
    bench_times(&bench, 2, EVENTS(WON("2026-02-01"), LOST("2026-03-08")));
    assert_int_equal(ct_kpis_compute(bench.set, &options, &bench.block), CT_OK);
    const struct ct_figure *f = figure_of(&bench, "churn_rate", NULL);
    assert_string_equal(f->target_segment, "enterprise_monthly");
    assert_int_equal(f->status, CT_STATUS_MISSED); /* 2 % against 1 % */
    bench_done(&bench);
}

static void renewals_and_the_rest(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 3, EVENTS(WON("2025-03-01"), SAY(RENEWAL_DUE, "2026-03-01"), SAY(RENEWED, "2026-02-20")));
    bench_times(&bench, 1, EVENTS(WON("2025-03-01"), SAY(RENEWAL_DUE, "2026-03-01")));
    /* Two contracts, one of them renewed; the other may still be. */
    bench_times(&bench, 1,
                EVENTS(WON("2025-03-01"), SAY(RENEWAL_DUE, "2026-03-01", .ref = "a"),
                       SAY(RENEWAL_DUE, "2026-03-20", .ref = "b"), SAY(RENEWED, "2026-03-01", .ref = "a")));
    bench_times(&bench, 5, EVENTS(WON("2026-03-03"), SAY(REFERRAL, "2026-03-05"), SAY(REFERRAL, "2026-03-06")));
    bench_times(&bench, 1, EVENTS(SAY(REFERRAL, "2026-03-05"))); /* no customer */
    bench_times(&bench, 1,
                EVENTS(WON("2025-03-01"), SAY(REFERRAL, "2026-02-05"), SAY(SUBSCRIPTION, "2026-01-01", .amount = "10"),
                       SAY(SUBSCRIPTION, "2026-01-01", .name = "x", .amount = "1", .flag = "1")));
    bench_times(&bench, 2, EVENTS(WON("2025-03-01"), SAY(REFERENCE, "2026-01-05", .flag = "1")));
    bench_times(&bench, 1,
                EVENTS(WON("2025-03-01"), SAY(REFERENCE, "2026-01-05", .flag = "1"),
                       SAY(REFERENCE, "2026-03-05", .flag = "0")));
    bench_times(&bench, 1, EVENTS(WON("2025-03-01"), LOST("2026-03-05"), SAY(REFERENCE, "2026-01-05")));
    bench_compute(&bench);
    assert_value(&bench, "renewal_rate", NULL, "80.0"); /* 4 of 5 */
    assert_int_equal(figure_of(&bench, "renewal_rate", NULL)->provisional, 0);
    assert_value(&bench, "renewal_rate.contracts", NULL, "66.7"); /* 4 of 6 */
    assert_int_equal(figure_of(&bench, "renewal_rate.contracts", NULL)->provisional, 1);
    assert_true(figure_of(&bench, "renewal_rate.contracts", NULL)->settles_at == when("2026-04-19"));
    assert_value(&bench, "referral_rate", NULL, "33.3"); /* 5 of 15 */
    assert_int_equal(figure_of(&bench, "referral_rate", NULL)->left_out, 1);
    assert_value(&bench, "attach_rate", NULL, "7.1");             /* 1 of 14 at the end */
    assert_value(&bench, "referenceable_accounts", NULL, "14.3"); /* 2 of 14 */
    bench_done(&bench);
}

/* ---- churn after contact with the AI ---------------------------------------------------------------------------- */

static struct ct_record *talk(const char *start, enum ct_outcome outcome)
{
    struct ct_record head = make_head();
    head.has_customer = head.engaged = head.bot_involved = head.ai_answered = head.timed = true;
    head.started_at = when(start);
    head.ended_at = head.started_at + CT_USEC_PER_HOUR;
    head.outcome = (uint8_t)outcome;
    return make_record(&head, NULL);
}

/* Customers with conversations on one day or two, and what became of them. */
static void talked(struct bench *bench, unsigned times, const char *first, const char *second, enum ct_outcome last,
                   const struct said *said, size_t count)
{
    while (times-- > 0) {
        struct ct_record *records[2] = {talk(first, second ? CT_OUTCOME_SILENT : last), NULL};
        if (second) {
            records[1] = talk(second, last);
        }
        bench_customer(bench, records, second ? 2 : 1, said, count, NULL);
        free(records[0]);
        free(records[1]);
    }
}

static void churn_after_the_ai(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench.terms.as_of = when("2026-04-25");
    /* Lost within 30 days: on the 30th, and during the conversation; on the 31st is not. */
    talked(&bench, 1, "2026-03-05", NULL, CT_OUTCOME_UNRESOLVED,
           EVENTS(WON("2026-01-01"), SAY(CUSTOMER_LOST, "2026-04-04T01:00:00Z")));
    talked(&bench, 1, "2026-03-05", NULL, CT_OUTCOME_UNRESOLVED,
           EVENTS(WON("2026-01-01"), SAY(CUSTOMER_LOST, "2026-03-05T00:30:00Z")));
    talked(&bench, 1, "2026-03-05", NULL, CT_OUTCOME_UNRESOLVED,
           EVENTS(WON("2026-01-01"), SAY(CUSTOMER_LOST, "2026-04-04T01:00:01Z")));
    talked(&bench, 5, "2026-03-05", "2026-03-20", CT_OUTCOME_RESOLVED_CONFIRMED, EVENTS(WON("2026-01-01")));
    /* Under the last conversation before the loss; the one after it does not count. */
    talked(&bench, 1, "2026-03-05", "2026-03-20", CT_OUTCOME_RESOLVED_CONFIRMED,
           EVENTS(WON("2026-01-01"), LOST("2026-03-10")));
    /* The window has not passed: 26 March and 30 days is 25 April, and the hour it lasted. */
    talked(&bench, 2, "2026-03-26", NULL, CT_OUTCOME_UNRESOLVED, EVENTS(WON("2026-01-01"), LOST("2026-03-27")));
    talked(&bench, 1, "2026-03-28", NULL, CT_OUTCOME_UNRESOLVED, EVENTS(WON("2026-01-01")));
    /* Not known to be a customer; talked before the period. */
    talked(&bench, 1, "2026-03-05", NULL, CT_OUTCOME_UNRESOLVED, NULL, 0);
    talked(&bench, 1, "2026-02-05", NULL, CT_OUTCOME_UNRESOLVED, EVENTS(WON("2026-01-01"), LOST("2026-03-31")));
    /* Never talked: lost within 30 days of the period's start, or of becoming one. */
    bench_times(&bench, 18, EVENTS(WON("2026-01-01")));
    bench_times(&bench, 1, EVENTS(WON("2026-03-20"), LOST("2026-04-19")));
    bench_times(&bench, 1, EVENTS(WON("2026-03-31"), LOST("2026-04-01"))); /* 30 April: too young */
    bench_times(&bench, 1, EVENTS(WON("2026-01-01"), LOST("2026-02-19"))); /* no customer in the period */
    bench_compute(&bench);
    const struct ct_figure *f = figure_of(&bench, "ai_influenced_churn", NULL);
    assert_value(&bench, "ai_influenced_churn", NULL, "33.3");
    assert_true(f->numerator == 3 && f->denominator == 9);
    assert_int_equal(f->provisional, 3);
    assert_true(f->settles_at == when("2026-04-27T01:00:00Z"));
    assert_int_equal(f->left_out, 1);
    f = figure_of(&bench, "ai_influenced_churn.without", NULL);
    assert_true(f->numerator == 2 && f->denominator == 20); /* the lost of 31 March: within 30 days of the 1st */
    assert_int_equal(f->provisional, 1);
    assert_true(f->settles_at == when("2026-04-30"));
    assert_value(&bench, "ai_influenced_churn.outcome", NULL, "0.0"); /* five resolved */
    assert_string_equal(figure_of(&bench, "ai_influenced_churn.outcome", NULL)->key, "resolved_confirmed");
    assert_value(&bench, "ai_influenced_churn.outcome", "unresolved", "66.7"); /* 2 of 3 */
    assert_value(&bench, "ai_influenced_churn.outcome", "silent", "100.0");
    f = figure_of(&bench, "ai_influenced_churn.difference", NULL);
    assert_value(&bench, "ai_influenced_churn.difference", NULL, "23.3");
    int64_t low, high;
    ct_newcombe(3, 9, 2, 20, &low, &high);
    assert_true(f->has_interval && f->low_micro == low && f->high_micro == high);
    assert_true(low < 0 && high > 0);
    assert_int_equal(f->n, 29);
    assert_int_equal(f->provisional, 4);
    bench_done(&bench);
}

/* R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10: 56/70 - 48/80 is 0.2, 0.0524 to
 * 0.3339. Here 56 of 70 who talked and 48 of 80 who did not were lost. */
static void the_difference_is_newcombes(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench.terms.as_of = when("2026-06-01");
    talked(&bench, 56, "2026-03-05", NULL, CT_OUTCOME_SILENT, EVENTS(WON("2026-01-01"), LOST("2026-03-06")));
    talked(&bench, 14, "2026-03-05", NULL, CT_OUTCOME_SILENT, EVENTS(WON("2026-01-01")));
    bench_times(&bench, 48, EVENTS(WON("2026-01-01"), LOST("2026-03-06")));
    bench_times(&bench, 32, EVENTS(WON("2026-01-01")));
    bench_compute(&bench);
    const struct ct_figure *f = figure_of(&bench, "ai_influenced_churn.difference", NULL);
    assert_value(&bench, "ai_influenced_churn.difference", NULL, "20.0");
    assert_int_equal((f->low_micro + 5000) / 10000, 524); /* hundredths of a percentage point */
    assert_int_equal((f->high_micro + 5000) / 10000, 3339);
    bench_done(&bench);
}

/* ---- health ----------------------------------------------------------------------------------------------------- */

static void health(void **state)
{
    (void)state;
    /* Four weeks. Weights 30 usage, 15 outcomes, 15 support, 10 spend, 20 surveys, 10 growth. */
    struct bench bench = bench_new("2026-03-02", "2026-03-30");
    struct ct_record *records[2] = {talk("2026-03-05", CT_OUTCOME_RESOLVED_IMPLIED),
                                    talk("2026-03-09", CT_OUTCOME_UNRESOLVED)};
    records[0]->resolved = CT_TRUE;
    records[1]->resolved = CT_FALSE;
    records[0]->score[CT_SCORE_CES] = (struct ct_score){.present = true, .value = 1, .scale_min = 1, .scale_max = 7};
    bench_customer(&bench, records, 2,
                   EVENTS(WON("2026-01-01"), SAY(SESSION, "2026-03-02"), SAY(FEATURE_USED, "2026-03-08T23:59:59Z"),
                          SAY(FEATURE_USED, "2026-03-23"), SAY(SESSION, "2026-03-30"), /* weeks 1, 4: 50 */
                          SAY(OUTCOME, "2026-03-10", .flag = "1"), SAY(OUTCOME, "2026-03-10", .name = "b", .flag = "0"),
                          SAY(OUTCOME, "2026-03-11", .value = "10", .goal = "10"),
                          SAY(OUTCOME, "2026-03-12", .value = "9"), /* no goal: not told. 2 of 3: 66.666667 */
                          SAY(PURCHASE, "2026-03-12", .amount = "30"), SAY(PURCHASE, "2026-02-12", .amount = "40"),
                          SAY(SURVEY, "2026-03-13", .name = "csat", .score = "4", .min = "1", .max = "5"), /* 75 */
                          SAY(SUBSCRIPTION, "2026-01-01", .amount = "100"),
                          SAY(SUBSCRIPTION, "2026-03-20", .amount = "120")), /* 60 */
                   NULL);
    free(records[0]);
    free(records[1]);
    bench_compute(&bench);
    assert_value(&bench, "customer_health_score.factors", "usage", "50.000000");
    assert_value(&bench, "customer_health_score.factors", "outcomes", "66.666667");
    assert_value(&bench, "customer_health_score.factors", "support", "50.000000");
    assert_value(&bench, "customer_health_score.factors", "spend", "75.000000");
    assert_value(&bench, "customer_health_score.factors", "surveys", "87.500000"); /* 75 and the least effort */
    assert_value(&bench, "customer_health_score.factors", "growth", "60.000000");
    /* (30 x 50 + 15 x 66.666667 + 15 x 50 + 10 x 75 + 20 x 87.5 + 10 x 60) / 100 */
    assert_value(&bench, "customer_health_score", NULL, "63.500000");
    ct_block_done(&bench.block);

    /* What is not known leaves its weight to the rest: (30 x 25 + 10 x 0) / 40. */
    bench_times(&bench, 1,
                EVENTS(WON("2026-01-01"), SAY(SESSION, "2026-03-02"), SAY(PURCHASE, "2026-02-12", .amount = "40")));
    bench_times(&bench, 1, EVENTS(WON("2026-01-01")));                     /* nothing known */
    bench_times(&bench, 1, EVENTS(WON("2026-01-01"), LOST("2026-03-29"))); /* no customer any more */
    bench_compute(&bench);
    assert_value(&bench, "customer_health_score", NULL, "41.125000"); /* (63.5 + 18.75) / 2 */
    assert_int_equal(figure_of(&bench, "customer_health_score", NULL)->n, 2);
    assert_int_equal(figure_of(&bench, "customer_health_score", NULL)->left_out, 1);
    assert_int_equal(figure_of(&bench, "customer_health_score.factors", "growth")->left_out, 2);
    bench_done(&bench);

    /* Won in the third week: two weeks count. Only growth has a weight, and of that nothing is known. */
    bench = bench_new("2026-03-02", "2026-03-30");
    bench_times(&bench, 1, EVENTS(WON("2026-03-16"), SAY(SESSION, "2026-03-17")));
    bench_compute(&bench);
    assert_value(&bench, "customer_health_score", NULL, "50.0");
    bench_done(&bench);
    bench = bench_new("2026-03-02", "2026-03-30");
    memset(bench.terms.health_weights, 0, sizeof bench.terms.health_weights);
    bench.terms.health_weights[CT_HEALTH_GROWTH] = 100;
    bench_times(&bench, 1, EVENTS(WON("2026-03-16"), SAY(SESSION, "2026-03-17")));
    bench_compute(&bench);
    assert_value(&bench, "customer_health_score", NULL, "null");
    assert_int_equal(figure_of(&bench, "customer_health_score", NULL)->left_out, 1);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(churn_and_retention),
        cmocka_unit_test(won_and_lost_in_the_period),
        cmocka_unit_test(targets_by_kind_and_period),
        cmocka_unit_test(renewals_and_the_rest),
        cmocka_unit_test(churn_after_the_ai),
        cmocka_unit_test(the_difference_is_newcombes),
        cmocka_unit_test(health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
