/* engine_cost_time.c - prices by time, wages by team, the price of people and monthly fees, against sums worked out by
 * hand; and what a file may not say of them.
 */
#include "tests/unit/cost_bench.h"

static const char by_time[] = "currency: EUR\n"
                              "rates:\n"
                              "  USD: [{to: 2026-01-01, rate: 0.9}, {from: 2026-01-01, to: 2026-03-01, rate: 0.8}]\n"
                              "  GBP: 1.2\n"
                              "tokens:\n"
                              "  - {model: 'big*', to: 2026-01-01, input: 2, output: 10}\n"
                              "  - {model: 'big*', from: 2026-01-01, to: 2026-02-01, input: 1, output: 5}\n"
                              "  - {model: 'big*', from: 2026-03-01, input: 0.5, output: 4}\n"
                              "  - {model: '*', input: 100, output: 100}\n"
                              "human:\n"
                              "  - {to: 2026-01-01, per_minute: 0.5, wrap_up: 1m}\n"
                              "  - from: 2026-01-01\n"
                              "    to: 2026-04-01\n"
                              "    yearly: {wage: 34400, hours: 1720}\n"
                              "    overhead: 1.3\n"
                              "    teams:\n"
                              "      Billing: {per_hour: 36}\n"
                              "      tier 2: {per_minute: 1, overhead: 1, wrap_up: 90s}\n"
                              "human_price:\n"
                              "  - {to: 2026-02-01, per_conversation: 4.5}\n"
                              "  - {from: 2026-02-01, handling: 6m}\n"
                              "fixed:\n"
                              "  per_conversation: 0.01\n"
                              "  monthly:\n"
                              "    - {name: licence, to: 2026-02, amount: 1000}\n"
                              "    - {name: licence, from: 2026-02, amount: 1200.50}\n"
                              "    - {name: hosting, from: 2026-01, to: 2026-03, amount: 0.25}\n"
                              "  shared_by: ai_conversations\n";

static ct_nano tokens_at(const struct ct_cost_model *m, const char *name, const char *at)
{
    const struct ct_tokens tokens = {1000000, -1, 0, ct_span_of(name)};
    ct_nano out = -1;
    return ct_cost_tokens(m, &tokens, cost_time(at), &out) ? out : -1;
}

static void tokens_are_priced_by_their_time(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_time);
    assert_int_equal(tokens_at(m, "big-1", "2025-12-31T23:59:59.999999Z"), 2 * CT_NANO_PER_UNIT);
    assert_int_equal(tokens_at(m, "big-1", "2026-01-01T00:00:00Z"), CT_NANO_PER_UNIT);
    assert_int_equal(tokens_at(m, "big-1", "2026-01-01T00:30:00+01:00"), 2 * CT_NANO_PER_UNIT);
    assert_int_equal(tokens_at(m, "big-1", "2026-02-15T00:00:00Z"), -1); /* a gap, and no other name's price */
    assert_int_equal(tokens_at(m, "big-1", "2026-03-01T00:00:00Z"), CT_NANO_PER_UNIT / 2);
    assert_int_equal(tokens_at(m, "big-1", NULL), CT_NANO_PER_UNIT / 2); /* the newest */
    assert_int_equal(tokens_at(m, "small", "2026-02-15T00:00:00Z"), 100 * CT_NANO_PER_UNIT);
    ct_cost_model_free(m);
}

static ct_nano euros_at(const struct ct_cost_model *m, const char *currency, const char *at)
{
    ct_nano out = -1;
    return ct_cost_convert(m, 10 * CT_NANO_PER_UNIT, ct_span_of(currency), cost_time(at), &out) ? out : -1;
}

static void rates_are_of_their_time(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_time);
    assert_int_equal(euros_at(m, "USD", "2025-06-01T00:00:00Z"), 9 * CT_NANO_PER_UNIT);
    assert_int_equal(euros_at(m, "USD", "2026-01-01T00:00:00Z"), 8 * CT_NANO_PER_UNIT);
    assert_int_equal(euros_at(m, "USD", "2026-03-01T00:00:00Z"), -1);
    assert_int_equal(euros_at(m, "USD", NULL), 8 * CT_NANO_PER_UNIT);
    assert_int_equal(euros_at(m, "GBP", "2030-03-01T00:00:00Z"), 12 * CT_NANO_PER_UNIT);
    ct_cost_model_free(m);
}

static void write(struct cost_talk *t, const char *at, const char *model, const char *dollars)
{
    struct ct_message m;
    ct_message_init(&m);
    m.role = CT_ROLE_BOT;
    m.ts = cost_time(at);
    if (model) {
        m.tokens = (struct ct_tokens){1000000, -1, 0, ct_span_of(model)};
    }
    if (dollars) {
        m.has_cost = true;
        assert_true(ct_money_parse(ct_span_of(dollars), &m.cost));
        m.currency = CT_SPAN_LIT("USD");
    }
    struct ct_cost_sent none;
    assert_false(ct_cost_message(t->model, &t->sum, &m, &none));
}

static void what_has_no_time_is_counted(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_time);
    struct cost_talk t;
    cost_begin(&t, m, "web");
    write(&t, NULL, "big-1", NULL);                   /* nothing is known: the newest, 0.5 */
    write(&t, "2026-01-10T00:00:00Z", "big-1", NULL); /* 1 */
    write(&t, NULL, "big-1", NULL);                   /* as the start: 1 */
    write(&t, NULL, "small", NULL);                   /* one price for all times: 100 */
    write(&t, NULL, NULL, "10");                      /* as the start: 8 */
    write(&t, "2026-02-10T00:00:00Z", "big-1", NULL); /* a gap */
    write(&t, "2026-03-10T00:00:00Z", NULL, "1");     /* no rate */
    cost_end(&t);
    assert_int_equal(t.sum.tokens, 102500000000);
    assert_int_equal(t.sum.source, 8 * CT_NANO_PER_UNIT);
    assert_int_equal(t.sum.fixed, 10000000);
    assert_int_equal(t.sum.undated, 3);
    assert_int_equal(t.sum.unpriced, 1);
    assert_int_equal(t.sum.unconverted, 1);
    ct_cost_model_free(m);
}

static void people_are_paid_by_team_and_time(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_time);
    static const struct {
        const char *start, *team;
        ct_usec handling;
        ct_nano want;
        uint32_t unpriced, undated;
    } cases[] = {
        {"2025-12-01T00:00:00Z", "billing", 180 * CT_USEC_PER_SECOND, 2000000000, 0, 0}, /* (3 + 1) x 0.5 */
        /* 34400 / 1720 = 20 an hour, x 1.3 = 26; 90 s = 0.65 */
        {"2026-01-01T00:00:00Z", "", 90 * CT_USEC_PER_SECOND, 650000000, 0, 0},
        {"2026-01-01T00:00:00Z", "sales", 90 * CT_USEC_PER_SECOND, 650000000, 0, 0},
        /* 36 x 1.3 = 46.8 an hour; 100 s = 1.3 */
        {"2026-01-01T00:00:00Z", "BILLING", 100 * CT_USEC_PER_SECOND, 1300000000, 0, 0},
        /* its own overhead and wrap-up: (30 + 90 s) x 1 a minute */
        {"2026-01-01T00:00:00Z", "Tier 2", 30 * CT_USEC_PER_SECOND, 2000000000, 0, 0},
        /* 26 / 3,600,000,000 of a µs, rounded half to even: 1 µs = 7.22 nano; 0 costs nothing */
        {"2026-01-01T00:00:00Z", "", 1, 7, 0, 0},
        {"2026-01-01T00:00:00Z", "", 0, 0, 0, 0},
        {"2026-04-01T00:00:00Z", "", 90 * CT_USEC_PER_SECOND, 0, 1, 0}, /* no wages any more */
        {NULL, "", 90 * CT_USEC_PER_SECOND, 650000000, 0, 1},           /* the newest */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cost_talk t;
        cost_begin(&t, m, "web");
        t.c.started_at = cost_time(cases[i].start);
        t.c.team = ct_span_of(cases[i].team);
        t.c.human_joined = true;
        t.c.human_handling_usec = cases[i].handling;
        cost_end(&t);
        assert_int_equal(t.sum.human, cases[i].want);
        assert_int_equal(t.sum.unpriced, cases[i].unpriced);
        assert_int_equal(t.sum.undated, cases[i].undated);
    }
    ct_cost_model_free(m);
}

static void wages_stay_exact_and_never_wrap(void **state)
{
    (void)state;
    /* A third an hour is no decimal: three hours of it are 1 all the same. */
    struct ct_cost_model *m = cost_load("currency: EUR\nhuman: {yearly: {wage: 1, hours: 3}}\n"
                                        "human_price: {handling: 0}\n");
    struct cost_talk t;
    cost_begin(&t, m, "");
    t.c.human_joined = true;
    t.c.human_handling_usec = 3 * CT_USEC_PER_HOUR;
    cost_end(&t);
    assert_int_equal(t.sum.human, CT_NANO_PER_UNIT);
    t.c.human_handling_usec = CT_USEC_PER_HOUR; /* 0.333333333... */
    ct_cost_begin(&t.sum);
    cost_end(&t);
    assert_int_equal(t.sum.human, 333333333);
    assert_true(t.sum.has_human_price && t.sum.human_price == 0);
    ct_cost_model_free(m);
    m = cost_load("currency: EUR\nhuman: {per_hour: 9000000000, overhead: 9000000000}\n");
    cost_begin(&t, m, "");
    t.c.human_joined = true;
    t.c.human_handling_usec = INT64_MAX;
    cost_end(&t);
    assert_true(t.sum.overflow && t.sum.human == INT64_MAX && t.sum.total == INT64_MAX);
    ct_cost_model_free(m);
}

static void says_what_people_would_have_cost(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_time), *none = cost_load("currency: EUR\nhuman: {per_minute: 1}\n");
    static const struct {
        const char *start;
        bool known;
        ct_nano want;
    } cases[] = {
        {"2026-01-31T00:00:00Z", true, 4500000000},
        {"2026-02-01T00:00:00Z", true, 2600000000}, /* 6 min of 26 */
        {"2026-05-01T00:00:00Z", false, 0},         /* nobody is paid then */
        {NULL, true, 2600000000},
    };
    struct cost_talk t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cost_begin(&t, m, "web");
        t.c.started_at = cost_time(cases[i].start);
        cost_end(&t);
        assert_int_equal(t.sum.has_human_price, cases[i].known);
        assert_int_equal(t.sum.human_price, cases[i].want);
        assert_int_equal(t.sum.total, 10000000); /* no part of the cost */
    }
    cost_begin(&t, none, "web");
    cost_end(&t);
    assert_false(t.sum.has_human_price);
    ct_cost_model_free(m);
    ct_cost_model_free(none);
}

static void months_have_their_fees(void **state)
{
    (void)state;
    struct ct_cost_model *m = cost_load(by_time), *one = cost_load("currency: EUR\nfixed: {monthly: 10}\n");
    assert_true(ct_cost_has_months(m) && ct_cost_months_by_ai(m));
    assert_int_equal(ct_cost_month_fee(m, 2025, 12), 1000000000000);
    assert_int_equal(ct_cost_month_fee(m, 2026, 1), 1000250000000);
    assert_int_equal(ct_cost_month_fee(m, 2026, 2), 1200750000000);
    assert_int_equal(ct_cost_month_fee(m, 2026, 3), 1200500000000);
    assert_true(ct_cost_has_months(one) && !ct_cost_months_by_ai(one));
    assert_int_equal(ct_cost_month_fee(one, 1066, 10), 10000000000);
    assert_false(ct_cost_has_months(NULL));
    struct cost_talk t; /* a monthly fee alone makes a cost known: 0 so far */
    cost_begin(&t, one, "web");
    cost_end(&t);
    assert_true(t.sum.has_cost && t.sum.total == 0);
    ct_cost_model_free(m);
    ct_cost_model_free(one);
}

static void refuses_bad_prices(void **state)
{
    (void)state;
    static const struct cost_bad cases[] = {
        {"currency: EUR\ntokens:\n- {model: a, to: 2026-02-01, input: 1, output: 1}\n- {model: a, input: 2, output: "
         "1}\n",
         4, 11, "two prices at one time"},
        {"currency: EUR\ntokens: [{model: a, from: 2026-2-1, input: 1, output: 1}]\n", 2, 27, "a day (2026-01-31)"},
        {"currency: EUR\ntokens: [{model: a, input: 0.0000000005, output: 1}]\n", 2, 28, "more than 9 decimals"},
        {"currency: EUR\ntokens: [{model: a, input: 1e-10, output: 1}]\n", 2, 28, "more than 9 decimals"},
        {"currency: EUR\nrates: {USD: [{to: 2026-02-01, rate: 1}, {from: 2026-01-01, rate: 2}]}\n", 2, 42,
         "two prices at one time"},
        {"currency: EUR\nrates: {USD: [{to: 2026-02-01}]}\n", 2, 15, "has no 'rate'"},
        {"currency: EUR\nhuman: {wrap_up: 1m}\n", 2, 8, "one of per_minute, per_hour and yearly"},
        {"currency: EUR\nhuman: {per_minute: 1, per_hour: 60}\n", 2, 8, "one of per_minute, per_hour and yearly"},
        {"currency: EUR\nhuman: {yearly: {wage: 30000}}\n", 2, 17, "has no 'hours'"},
        {"currency: EUR\nhuman: {yearly: {wage: 30000, hours: 0}}\n", 2, 38, "may not be below"},
        {"currency: EUR\nhuman: {per_hour: 1, overhead: 0}\n", 2, 32, "may not be below"},
        {"currency: EUR\nhuman: {per_hour: 1, teams: {a: {wrap_up: 1s}}}\n", 2, 33, "one of per_minute"},
        {"currency: EUR\nhuman:\n- {per_hour: 1}\n- {per_hour: 1, from: 2026-01-01}\n", 4, 3, "two prices at one time"},
        {"currency: EUR\nhuman_price: {handling: 6m}\n", 2, 25, "needs the wages of `human`"},
        {"currency: EUR\nhuman_price: {handling: 6m, per_conversation: 3}\nhuman: {per_hour: 1}\n", 2, 14,
         "one of per_conversation and handling"},
        {"currency: EUR\nfixed: {}\n", 2, 8, "per_conversation or monthly is due"},
        {"currency: EUR\nfixed: {per_conversation: 1, shared_by: conversations}\n", 2, 41, "there are none"},
        {"currency: EUR\nfixed: {monthly: [{amount: 1}, {amount: 2, from: 2026-01}]}\n", 2, 32,
         "two amounts in one month"},
        {"currency: EUR\nfixed: {monthly: {amount: 1, from: 2026-13}}\n", 2, 36, "a month such as 2026-01"},
        {"currency: EUR\nfixed: {monthly: {amount: 1, from: 2026-02, to: 2026-02}}\n", 2, 49, "later than from"},
        {"currency: EUR\nfixed: {monthly: -1}\n", 2, 18, "may not be below 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cost_refuses(&cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_priced_by_their_time), cmocka_unit_test(rates_are_of_their_time),
        cmocka_unit_test(what_has_no_time_is_counted),     cmocka_unit_test(people_are_paid_by_team_and_time),
        cmocka_unit_test(wages_stay_exact_and_never_wrap), cmocka_unit_test(says_what_people_would_have_cost),
        cmocka_unit_test(months_have_their_fees),          cmocka_unit_test(refuses_bad_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
