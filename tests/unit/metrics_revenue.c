/* Revenue, orders and adoption: each against a value worked out by hand, the worked examples of the catalogue among
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "business_bench.h"

#define WON(day) SAY(CUSTOMER_WON, day)
#define LOST(day) SAY(CUSTOMER_LOST, day)
#define PAYS(day, much) SAY(SUBSCRIPTION, day, .amount = much)

static void recurring_revenue(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 500, EVENTS(PAYS("2026-01-01", "700")));
    bench_times(&bench, 500, EVENTS(PAYS("2026-03-11", "800")));
    bench_times(&bench, 10, EVENTS(WON("2026-01-01"))); /* customers who pay nothing */
    bench_compute(&bench);
    assert_value(&bench, "mrr", NULL, "750000.00"); /* 1000 customers x 750 */
    assert_string_equal(figure_of(&bench, "mrr", NULL)->key, "EUR");
    assert_value(&bench, "mrr.per_customer", NULL, "750.0000");
    assert_value(&bench, "mrr.start", NULL, "350000.0");
    assert_value(&bench, "mrr.new", NULL, "400000.0");
    bench_done(&bench);
}

static void expansion_in_another_currency(void **state)
{
    (void)state;
    static const char model_text[] =
        "currency: EUR\nrates: {USD: [{to: 2026-03-15, rate: '0.8'}, {from: 2026-03-15, rate: '0.5'}]}\n";
    for (int rated = 0; rated < 2; rated++) {
        struct bench bench = bench_new("2026-03-01", "2026-04-01");
        struct ct_error err = {0};
        struct ct_cost_model *model = NULL;
        if (rated) {
            model = ct_cost_model_load(CT_SPAN_LIT("rates.yaml"), ct_span_of(model_text), &err);
            assert_non_null(model);
        }
        bench.terms.cost = model;
        /* 100 EUR at the start, and beside it 10 EUR, 20 USD (16 EUR) and then 6 USD (3 EUR); 9 GBP, for which there is
         * no rate. */
        bench_times(&bench, 1,
                    EVENTS(PAYS("2026-01-01", "100"), SAY(EXPANSION, "2026-03-05", .amount = "10"),
                           SAY(EXPANSION, "2026-03-06", .amount = "20", .currency = "USD"),
                           SAY(EXPANSION, "2026-03-16", .amount = "6", .currency = "USD"),
                           SAY(EXPANSION, "2026-03-17", .amount = "9", .currency = "GBP")));
        /* 200 USD at the start, and 50 USD: of one currency, so no rate is asked; 1 EUR has no way to USD. */
        bench_times(&bench, 1,
                    EVENTS(SAY(SUBSCRIPTION, "2026-01-01", .amount = "200", .currency = "USD"),
                           SAY(EXPANSION, "2026-03-08", .amount = "50", .currency = "USD"),
                           SAY(EXPANSION, "2026-03-09", .amount = "1")));
        bench_times(&bench, 1, EVENTS(WON("2026-01-01"), SAY(EXPANSION, "2026-03-09", .amount = "4"))); /* no MRR */
        bench_compute(&bench);
        assert_value(&bench, "nrr", "EUR", rated ? "129.0000" : "110.0000");
        assert_value(&bench, "expansion_rate", "EUR", rated ? "29.0000" : "10.0000");
        assert_value(&bench, "nrr", "USD", "125.0000");
        assert_value(&bench, "expansion_rate", "USD", "25.0000");
        assert_int_equal(figure_of(&bench, "nrr", NULL)->left_out, rated ? 2 : 4);
        assert_int_equal(figure_of(&bench, "expansion_rate", NULL)->left_out, rated ? 2 : 4);
        assert_int_equal(figure_of(&bench, "nrr.recurring", NULL)->left_out, 0);
        /* Each under its own name, added to nothing. */
        assert_value(&bench, "expansion_mrr.one_off", "EUR", "15.0");
        assert_value(&bench, "expansion_mrr.one_off", "USD", "76.0");
        assert_value(&bench, "expansion_mrr.one_off", "GBP", "9.0");
        bench_done(&bench);
        ct_cost_model_free(model);
    }
}

static void kept_and_grown(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 7, EVENTS(PAYS("2026-01-01", "100")));                           /* as it was */
    bench_times(&bench, 1, EVENTS(PAYS("2026-01-01", "100"), PAYS("2026-03-05", "70"))); /* - 30 */
    bench_times(&bench, 1, EVENTS(PAYS("2026-01-01", "100"), LOST("2026-03-05")));       /* -100 */
    bench_times(&bench, 1,
                EVENTS(PAYS("2026-01-01", "100"), PAYS("2026-03-05", "150.5"), /* + 50.5 */
                       SAY(EXPANSION, "2026-03-09", .amount = "20")));         /* + 20 once */
    bench_times(&bench, 1, EVENTS(PAYS("2026-03-05", "500"), SAY(EXPANSION, "2026-03-09", .amount = "7"))); /* new */
    bench_times(&bench, 1, EVENTS(WON("2026-01-01"), SAY(EXPANSION, "2026-02-28", .amount = "1000")));      /* before */
    bench_times(&bench, 1,
                EVENTS(LOST("2026-02-28"), SAY(EXPANSION, "2026-03-02", .amount = "1000"))); /* no customer */
    bench_compute(&bench);
    assert_value(&bench, "grr", NULL, "87.0000");
    assert_value(&bench, "nrr", NULL, "94.0500");
    assert_value(&bench, "nrr.recurring", NULL, "92.0500");
    assert_value(&bench, "contraction_rate", NULL, "3.0000");
    assert_value(&bench, "expansion_rate", NULL, "7.0500");
    assert_value(&bench, "expansion_rate.recurring", NULL, "5.0500");
    assert_value(&bench, "churn_rate.revenue", NULL, "10.0000");
    assert_value(&bench, "expansion_mrr", NULL, "77.5000"); /* 50.5 + 20 + 7 */
    assert_value(&bench, "expansion_mrr.recurring", NULL, "50.5000");
    assert_value(&bench, "expansion_mrr.one_off", NULL, "27.0000");
    assert_value(&bench, "mrr.churned", NULL, "100.0");
    assert_value(&bench, "mrr.contraction", NULL, "30.0");
    assert_value(&bench, "mrr", NULL, "1420.50");
    assert_int_equal(figure_of(&bench, "grr", NULL)->n, 10);
    assert_false(figure_of(&bench, "grr", NULL)->has_interval);
    bench_done(&bench);
}

/* Never added, the one with most customers at the head. */
static void by_currency(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 3, EVENTS(SAY(SUBSCRIPTION, "2026-01-01", .amount = "10", .currency = "USD")));
    bench_times(&bench, 2, EVENTS(PAYS("2026-01-01", "1000")));
    bench_times(&bench, 2, EVENTS(SAY(PURCHASE, "2026-03-01", .amount = "99", .currency = "GBP")));
    bench_compute(&bench);
    assert_string_equal(figure_of(&bench, "mrr", NULL)->key, "USD");
    assert_value(&bench, "mrr", NULL, "30.0");
    assert_value(&bench, "mrr", "EUR", "2000.0");
    assert_value(&bench, "mrr", "USD", "30.0");
    for (size_t i = 0; i < bench.block.figure_count; i++) { /* who only shops there has no MRR */
        assert_false(strcmp(bench.block.figures[i].kpi->id, "mrr") == 0 &&
                     strcmp(bench.block.figures[i].key, "GBP") == 0);
    }
    assert_string_equal(figure_of(&bench, "clv.purchase_value", NULL)->key, "GBP");
    bench_done(&bench);
}

#define BUYS(day) SAY(PURCHASE, day, .amount = "50")

static void lifetime_value(void **state)
{
    (void)state;
    /* 50 x 3 a month (of 30 days) x 24 months (720 days: one of 700, one of 740). */
    struct bench bench = bench_new("2026-03-01", "2026-03-31");
    bench_times(&bench, 1,
                EVENTS(WON("2024-04-30"), BUYS("2026-03-01"), BUYS("2026-03-02"), BUYS("2026-03-30"),
                       BUYS("2026-02-28"), BUYS("2026-03-31")));
    bench_times(&bench, 1,
                EVENTS(WON("2024-03-21"), SAY(PURCHASE, "2026-03-01", .amount = "20"),
                       SAY(PURCHASE, "2026-03-02", .amount = "80"), BUYS("2026-03-30")));
    bench_compute(&bench);
    assert_value(&bench, "clv", NULL, "3600.000000");
    assert_value(&bench, "clv.purchase_value", NULL, "50.000000");
    assert_value(&bench, "clv.lifetime", NULL, "720.000000");
    assert_int_equal(figure_of(&bench, "clv", NULL)->n, 6);
    assert_value(&bench, "clv.predictive", NULL, "null"); /* nobody lost, nothing foretold */
    assert_value(&bench, "clv.historic", NULL, "null");   /* no margin known */
    bench_done(&bench);

    /* 50 x 5 a year x 3 years. */
    bench = bench_new("2025-01-01", "2026-01-01");
    bench_times(&bench, 10,
                EVENTS(WON("2023-01-02"), BUYS("2025-01-01"), BUYS("2025-03-01"), BUYS("2025-05-01"),
                       BUYS("2025-07-01"), BUYS("2025-12-31")));
    bench_compute(&bench);
    assert_value(&bench, "clv", NULL, "750.000000");
    bench_done(&bench);

    /* The lifetime that churn foretells: one of 24 lost in the month is 24 months. */
    bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 23,
                EVENTS(SAY(CUSTOMER, "2026-01-01"), BUYS("2026-03-01"), BUYS("2026-03-02"), BUYS("2026-03-30")));
    bench_times(&bench, 1,
                EVENTS(SAY(CUSTOMER, "2026-01-01"), BUYS("2026-03-01"), BUYS("2026-03-02"), BUYS("2026-03-05"),
                       LOST("2026-03-20")));
    bench_compute(&bench);
    assert_value(&bench, "clv.predictive", NULL, "3600.000000");
    assert_value(&bench, "clv", NULL, "null"); /* nobody knows since when they have been customers */
    assert_int_equal(figure_of(&bench, "clv", NULL)->left_out, 24);
    bench_done(&bench);

    /* All purchases (100 + 300 + 200 of two buyers) x average margin ((40 + 60) / (100 + 300)) / 2 buyers. */
    bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 1,
                EVENTS(SAY(PURCHASE, "2024-03-01", .amount = "100", .margin = "0.4"),
                       SAY(PURCHASE, "2025-03-01", .amount = "300", .margin = "0.2")));
    bench_times(&bench, 1,
                EVENTS(SAY(PURCHASE, "2026-03-01", .amount = "200"),
                       SAY(PURCHASE, "2026-04-01", .amount = "5000", .margin = "0.9")));
    bench_compute(&bench);
    assert_value(&bench, "clv.historic", NULL, "75.000000");
    assert_int_equal(figure_of(&bench, "clv.historic", NULL)->left_out, 1);
    bench_done(&bench);
}

/* Amounts and counts so large that products would not fit: the value stays right to the last digit shown. */
static void lifetime_value_of_many(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-03-31");
    for (unsigned i = 0; i < 4000; i++) {
        bench_times(&bench, 1,
                    EVENTS(SAY(CUSTOMER, "2026-01-01", .since = "2024-04-10"),
                           SAY(PURCHASE, "2026-03-01", .amount = "987654321.123456789", .margin = "0.333333333"),
                           SAY(PURCHASE, "2026-03-02", .amount = "987654321.123456789", .margin = "0.333333334")));
    }
    bench_compute(&bench);
    assert_value(&bench, "clv", NULL, "47407407413.93");        /* 2 x 24 x 987654321.123456789 */
    assert_value(&bench, "clv.historic", NULL, "658436214.41"); /* 2 x 987654321.123456789 x 0.3333333335 */
    bench_done(&bench);
}

static void cost_of_retention(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 4, EVENTS(WON("2026-01-01")));
    bench_times(&bench, 1,
                EVENTS(WON("2026-01-01"), SAY(COST, "2026-03-04", .name = "retention.training", .amount = "5"),
                       SAY(COST, "2026-03-04", .name = "service", .amount = "1000")));
    const struct said payroll = SAY(COST, "2026-03-31", .name = "retention", .amount = "100.5"),
                      service = SAY(COST, "2026-03-31", .name = "retentions", .amount = "100"),
                      later = SAY(COST, "2026-04-01", .name = "retention", .amount = "100");
    bench_nobody(&bench, &payroll);
    bench_nobody(&bench, &service); /* another word */
    bench_nobody(&bench, &later);
    bench_compute(&bench);
    assert_value(&bench, "customer_retention_cost", NULL, "21.1000"); /* 105.5 / 5 */
    bench_done(&bench);
}

/* ---- orders ----------------------------------------------------------------------------------------------------- */

static struct ct_record *conversation(const char *day, const char *topics, bool bot, bool known)
{
    struct ct_record head = make_head();
    head.engaged = head.timed = true;
    head.bot_involved = bot;
    head.has_customer = known;
    head.started_at = head.ended_at = when(day);
    return make_record(&head, &(struct make_tail){.text = {[CT_TEXT_TOPICS] = topics}});
}

static void has_conversation(struct bench *bench, const char *day, const char *topics, bool bot, bool known)
{
    struct ct_record *record = conversation(day, topics, bot, known);
    bench_customer(bench, &record, 1, NULL, 0, NULL);
    free(record);
}

static void orders_cancelled_and_returned(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench_times(&bench, 3,
                EVENTS(SAY(PURCHASE, "2026-03-02", .ref = "a"), SAY(PURCHASE, "2026-03-03", .ref = "b"),
                       SAY(ORDER_DELIVERED, "2026-03-05", .ref = "a"), SAY(ORDER_DELIVERED, "2026-03-05", .ref = "b"),
                       SAY(ORDER_RETURNED, "2026-03-09", .ref = "b")));
    bench_times(&bench, 1,
                EVENTS(SAY(PURCHASE, "2026-03-02", .ref = "a"), SAY(PURCHASE, "2026-03-02", .ref = "b"),
                       SAY(ORDER_CANCELLED, "2026-03-03", .ref = "b"), SAY(ORDER_CANCELLED, "2026-03-04", .ref = "b")));
    has_conversation(&bench, "2026-03-05", "billing cancellation", true, true);
    has_conversation(&bench, "2026-03-05", "cancellations", true, true);
    has_conversation(&bench, "2026-03-05", "return", true, false);
    has_conversation(&bench, "2026-03-05", "cancellation return", true, true);
    has_conversation(&bench, "2026-03-05", "", true, true);
    bench_compute(&bench);
    assert_value(&bench, "cancellation_rate", NULL, "12.5"); /* 1 of 8 */
    assert_true(figure_of(&bench, "cancellation_rate", NULL)->has_interval);
    assert_value(&bench, "return_rate", NULL, "50.0");         /* 3 of 6 */
    assert_value(&bench, "purchase_recurrence", NULL, "75.0"); /* 3 of 4: one of the fourth's two was cancelled */
    assert_value(&bench, "cancellation_rate.transcripts", NULL, "40.0");
    assert_value(&bench, "return_rate.transcripts", NULL, "40.0");
    bench_times(&bench, 1, EVENTS(SAY(ORDER_CANCELLED, "2026-03-03", .ref = "x")));
    ct_block_done(&bench.block);
    bench_compute(&bench);
    assert_value(&bench, "cancellation_rate", NULL, "25.0"); /* one of an order of some other time */
    assert_false(figure_of(&bench, "cancellation_rate", NULL)->has_interval);
    bench_done(&bench);
}

/* ---- adoption --------------------------------------------------------------------------------------------------- */

static void adoption(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    has_conversation(&bench, "2026-03-05", "", true, true);
    has_conversation(&bench, "2026-03-05", "", true, true);
    has_conversation(&bench, "2026-03-05", "", true, false);    /* of nobody known */
    has_conversation(&bench, "2026-03-05", "", false, true);    /* with people alone */
    has_conversation(&bench, "2026-02-05", "", true, true);     /* before the period */
    bench_times(&bench, 1, EVENTS(WON("2026-01-01")));          /* silent */
    bench_times(&bench, 1, EVENTS(SAY(SESSION, "2026-03-05"))); /* no customer */
    bench_compute(&bench);
    assert_value(&bench, "adoption_rate", NULL, "50.0"); /* 2 of 4 */
    assert_string_equal(figure_of(&bench, "adoption_rate", NULL)->key, "known_customers");
    assert_int_equal(figure_of(&bench, "adoption_rate", NULL)->left_out, 1);
    ct_block_done(&bench.block);
    /* Of the base: 40 and 41 are 40 (half to even), and another tenant's 10 in two segments. */
    const struct said base[] = {SAY(CUSTOMER_BASE, "2026-03-01", .count = "40"),
                                SAY(CUSTOMER_BASE, "2026-03-15", .count = "41"),
                                SAY(CUSTOMER_BASE, "2026-04-01", .count = "900"),
                                SAY(CUSTOMER_BASE, "2026-03-15", .count = "30", .segment = "smb"),
                                SAY(CUSTOMER_BASE, "2026-03-15", .tenant = "b", .count = "4", .segment = "smb"),
                                SAY(CUSTOMER_BASE, "2026-03-15", .tenant = "b", .count = "6", .segment = "big")};
    for (size_t i = 0; i < sizeof base / sizeof *base; i++) {
        bench_nobody(&bench, &base[i]);
    }
    bench_compute(&bench);
    assert_value(&bench, "adoption_rate", NULL, "4.0"); /* 2 of 50 */
    assert_string_equal(figure_of(&bench, "adoption_rate", NULL)->key, "customer_base");
    assert_value(&bench, "adoption_rate.known", NULL, "50.0");
    bench_done(&bench);
    /* Without a period the conversations of the input are it. */
    bench = bench_new("2026-03-01", "2026-04-01");
    bench.terms.from = bench.terms.to = CT_USEC_NONE;
    has_conversation(&bench, "2026-02-05", "", true, true);
    bench_compute(&bench);
    assert_value(&bench, "adoption_rate", NULL, "100.0");
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recurring_revenue), cmocka_unit_test(expansion_in_another_currency),
        cmocka_unit_test(kept_and_grown),    cmocka_unit_test(by_currency),
        cmocka_unit_test(lifetime_value),    cmocka_unit_test(lifetime_value_of_many),
        cmocka_unit_test(cost_of_retention), cmocka_unit_test(orders_cancelled_and_returned),
        cmocka_unit_test(adoption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
