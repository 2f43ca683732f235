/* What a customer's events say: who is one when, what is lost and won, subscriptions, orders, renewals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "business_bench.h"

/* The account of these events in March 2026, as it is known then. */
static struct ct_account march_as_of(const char *as_of, const struct said *said, size_t count)
{
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    bench.terms.as_of = when(as_of);
    struct ct_account account;
    bench_customer(&bench, NULL, 0, said, count, &account);
    bench_done(&bench);
    /* Whatever was said. */
    assert_int_equal(account.at_end, account.at_start - account.lost + account.won);
    assert_false(account.won_lost && account.at_start);
    for (uint32_t i = 0; i < account.money_count; i++) {
        const struct ct_account_money *m = &account.money[i];
        assert_true(m->mrr_start - m->churned - m->contraction + m->expansion + m->fresh == m->mrr_end);
    }
    return account;
}

static struct ct_account march(const struct said *said, size_t count)
{
    return march_as_of("2026-04-01", said, count);
}
/* And as it is known in summer. */
static struct ct_account later(const struct said *said, size_t count)
{
    return march_as_of("2026-07-01", said, count);
}

#define WON SAY(CUSTOMER_WON, "2026-02-10")
#define LOST(day) SAY(CUSTOMER_LOST, day)
#define PAYS(day, what, much) SAY(SUBSCRIPTION, day, .name = what, .amount = much)

static void assert_state(struct ct_account a, const char *want)
{
    char got[64];
    snprintf(got, sizeof got, "%s%s%s%s%s", a.at_start ? "start " : "", a.lost ? "lost " : "", a.won ? "won " : "",
             a.won_lost ? "won_lost " : "", a.at_end ? "end " : "");
    assert_string_equal(got, want);
}

static void who_is_a_customer_when(void **state)
{
    (void)state;
    assert_state(march(EVENTS(WON)), "start end ");
    assert_state(march(EVENTS(WON, LOST("2026-02-20"))), "");
    assert_state(march(EVENTS(WON, LOST("2026-03-20"))), "start lost ");
    assert_state(march(EVENTS(WON, LOST("2026-04-01"))), "start end ");  /* what is dated `to` is in the next period */
    assert_state(march(EVENTS(WON, LOST("2026-03-01"))), "start lost "); /* and what is dated `from` in this one */
    assert_state(march(EVENTS(SAY(CUSTOMER_WON, "2026-03-01"))), "won end ");
    assert_state(march(EVENTS(SAY(CUSTOMER_WON, "2026-03-05"), LOST("2026-03-20"))), "won_lost ");
    assert_state(march(EVENTS(SAY(CUSTOMER_WON, "2026-04-05"))), "");
    /* Ends that are said twice are one. */
    assert_state(march(EVENTS(WON, LOST("2026-02-20"), LOST("2026-03-20"))), "");
    /* Lost and back: lost, and won again. */
    assert_state(march(EVENTS(WON, LOST("2026-03-05"), SAY(PURCHASE, "2026-03-20", .amount = "5"))),
                 "start lost won end ");
    assert_state(march(EVENTS(WON, LOST("2026-03-05"), SAY(CUSTOMER_WON, "2026-03-10"), LOST("2026-03-20"))),
                 "start lost ");
    /* Won and lost in one moment. */
    assert_state(march(EVENTS(SAY(CUSTOMER_WON, "2026-03-05"), LOST("2026-03-05"))), "won_lost ");
    /* Trials, features and surveys make nobody a customer. */
    assert_state(march(EVENTS(SAY(TRIAL_STARTED, "2026-03-05"), SAY(FEATURE_USED, "2026-03-06"),
                              SAY(SESSION, "2026-03-06"), SAY(SURVEY, "2026-03-07"))),
                 "");
    assert_state(march(EVENTS(SAY(TRIAL_STARTED, "2026-03-05"), SAY(TRIAL_CONVERTED, "2026-03-19"))), "won end ");
}

static void what_is_not_in_the_input(void **state)
{
    (void)state;
    struct ct_account a = march(EVENTS(LOST("2026-03-20"))); /* must have been one */
    assert_state(a, "start lost ");
    assert_false(a.begin_known);
    assert_state(march(EVENTS(SAY(CUSTOMER, "2026-03-20"))), "start end ");
    assert_state(later(EVENTS(SAY(CUSTOMER, "2026-05-01"))), "start end "); /* a later export */
    assert_state(march(EVENTS(SAY(CUSTOMER, "2026-05-01"))), "");           /* of which nobody knows in April */
    assert_state(later(EVENTS(LOST("2026-05-01"))), "start end ");
    assert_state(march(EVENTS(LOST("2026-05-01"))), "");
    assert_state(march(EVENTS(LOST("2026-02-01"))), "");
    assert_state(march(EVENTS(SAY(RENEWAL_DUE, "2026-03-20"))), "start end ");
    assert_state(march(EVENTS(SAY(RENEWED, "2026-03-20"))), "start end ");
    assert_state(march(EVENTS(SAY(EXPANSION, "2026-03-20", .amount = "5"))), "start end ");
    a = march(EVENTS(PAYS("2026-03-20", "pro", "0"))); /* its beginning was before the input */
    assert_state(a, "start lost ");
    assert_int_equal(a.unknown_ends, 1);
    /* `since` says when, also long after the fact. */
    a = later(EVENTS(SAY(CUSTOMER, "2026-05-01", .since = "2026-03-10")));
    assert_state(a, "won end ");
    assert_true(a.begin_known);
    assert_true(a.lifetime == 22 * DAY);
    assert_state(later(EVENTS(SAY(CUSTOMER, "2026-05-01", .since = "2025-03-10"))), "start end ");
    assert_state(march(EVENTS(PAYS("2026-03-05", "pro", "10"), SAY(CUSTOMER, "2026-03-20", .since = "2024-01-01"))),
                 "start end ");
    /* But a win that is dated stands. */
    assert_state(march(EVENTS(SAY(CUSTOMER_WON, "2026-03-05"), SAY(CUSTOMER, "2026-03-20", .since = "2024-01-01"))),
                 "won end ");
    /* Back since when: not before the loss. */
    assert_state(later(EVENTS(WON, LOST("2026-02-20"), SAY(CUSTOMER, "2026-05-01", .since = "2026-03-10"))),
                 "won end ");
    assert_state(later(EVENTS(WON, LOST("2026-03-20"), SAY(CUSTOMER, "2026-05-01", .since = "2026-01-01"))),
                 "start lost won end ");
    /* A change of plan whose old plan is not in the input. */
    assert_state(march(EVENTS(PAYS("2026-03-20", "old", "0"), PAYS("2026-03-20", "new", "10"))), "start end ");
}

static const struct ct_account_money *euros(const struct ct_account *account)
{
    assert_int_equal(account->money_count, 1);
    return &account->money[0];
}

static void assert_mrr(const struct ct_account_money *m, const char *want)
{
    char got[200];
    const ct_wide parts[] = {m->mrr_start, m->churned, m->contraction, m->expansion, m->fresh, m->mrr_end};
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%lld", i ? " " : "",
                                (long long)(parts[i] / CT_NANO_PER_UNIT));
    }
    assert_string_equal(got, want);
}

/* start churned contraction expansion fresh end */
static void subscriptions_by_name(void **state)
{
    (void)state;
    struct ct_account a = march(EVENTS(PAYS("2026-01-01", "base", "100"), PAYS("2026-02-01", "plus", "30"),
                                       PAYS("2026-03-10", "base", "120"), PAYS("2026-03-12", "plus", "0")));
    assert_mrr(euros(&a), "130 0 10 0 0 120"); /* +20 and -30 are one change */
    assert_state(a, "start end ");
    a = march(EVENTS(PAYS("2026-01-01", "base", "100"), PAYS("2026-03-10", "base", "140"),
                     PAYS("2026-03-20", "seats", "25")));
    assert_mrr(euros(&a), "100 0 0 65 0 165");
    a = march(EVENTS(PAYS("2026-01-01", "base", "100"), PAYS("2026-03-10", "base", "0")));
    assert_mrr(euros(&a), "100 100 0 0 0 0");
    assert_state(a, "start lost ");
    a = march(EVENTS(PAYS("2026-01-01", "base", "100"), LOST("2026-03-10"), PAYS("2026-03-11", "base", "0")));
    assert_mrr(euros(&a), "100 100 0 0 0 0"); /* ended by the loss, and then once more */
    assert_state(a, "start lost ");
    a = march(EVENTS(PAYS("2026-01-01", "base", "100"), LOST("2026-03-10"), PAYS("2026-03-20", "base", "80")));
    assert_mrr(euros(&a), "100 100 0 0 80 80"); /* back for less: churned, and new */
    assert_state(a, "start lost won end ");
    /* One ends as another begins: no loss. */
    a = march(EVENTS(PAYS("2026-01-01", "s", "10"), PAYS("2026-03-10", "s", "0"), PAYS("2026-03-10", "m", "20")));
    assert_mrr(euros(&a), "10 0 0 10 0 20");
    assert_state(a, "start end ");
    /* A customer who did not pay before. */
    a = march(EVENTS(WON, PAYS("2026-03-10", "base", "50")));
    assert_mrr(euros(&a), "0 0 0 0 50 50");
    /* What comes after the period does not count, what lies on its end neither. */
    a = march(EVENTS(PAYS("2026-01-01", "base", "100"), PAYS("2026-04-01", "base", "300")));
    assert_mrr(euros(&a), "100 0 0 0 0 100");
    /* An add-on that runs at the end. */
    a = march(EVENTS(PAYS("2026-01-01", "base", "100"),
                     SAY(SUBSCRIPTION, "2026-03-02", .name = "extra", .amount = "5", .flag = "1")));
    assert_true(a.add_on);
    a = march(EVENTS(PAYS("2026-01-01", "base", "100"),
                     SAY(SUBSCRIPTION, "2026-03-02", .name = "extra", .amount = "5", .flag = "1"),
                     PAYS("2026-03-20", "extra", "0")));
    assert_false(a.add_on);
}

/* Amounts of two currencies are never added, and never offset each other. */
static void currencies_stay_apart(void **state)
{
    (void)state;
    struct ct_account a =
        march(EVENTS(SAY(SUBSCRIPTION, "2026-01-01", .name = "b", .amount = "100", .currency = "USD"),
                     SAY(SUBSCRIPTION, "2026-03-10", .name = "b", .amount = "90", .currency = "EUR")));
    assert_int_equal(a.money_count, 2);
    assert_true(ct_span_is(a.money[0].currency, "USD"));
    assert_mrr(&a.money[0], "100 0 100 0 0 0");
    assert_mrr(&a.money[1], "0 0 0 90 0 90");
    assert_state(a, "start end ");
}

static void too_many_are_counted(void **state)
{
    (void)state;
    struct said said[12];
    for (int i = 0; i < 12; i++) {
        static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"};
        said[i] = (struct said)SAY(SUBSCRIPTION, "2026-01-01", .name = names[i], .amount = "1", .currency = names[i]);
    }
    struct ct_account a = march(said, 12);
    assert_int_equal(a.money_count, CT_ACCOUNT_CURRENCIES);
    assert_int_equal(a.left_out, 4);
    assert_state(a, "start end ");
}

static void orders(void **state)
{
    (void)state;
    struct ct_account a = later(
        EVENTS(SAY(PURCHASE, "2026-03-02", .ref = "o1", .amount = "10"),
               SAY(PURCHASE, "2026-03-02", .ref = "o1", .amount = "5"), /* 2nd line */
               SAY(PURCHASE, "2026-03-04", .ref = "o2", .amount = "7"), SAY(PURCHASE, "2026-03-05", .amount = "1"),
               SAY(PURCHASE, "2026-03-06", .amount = "2"), SAY(PURCHASE, "2026-02-20", .ref = "o0", .amount = "100"),
               SAY(PURCHASE, "2026-01-20", .ref = "o9", .amount = "1000"),
               SAY(ORDER_CANCELLED, "2026-04-02", .ref = "o2"), /* some time */
               SAY(ORDER_CANCELLED, "2026-03-03", .ref = "o9"),
               SAY(ORDER_CANCELLED, "2026-03-09", .ref = "o9"), /* once more */
               SAY(ORDER_DELIVERED, "2026-03-03", .ref = "o1"), SAY(ORDER_DELIVERED, "2026-02-22", .ref = "o0"),
               SAY(ORDER_RETURNED, "2026-03-05", .ref = "o0"), SAY(ORDER_RETURNED, "2026-03-08", .ref = "o1")));
    assert_int_equal(a.orders, 4); /* o1, o2 and the two without a reference */
    assert_int_equal(a.orders_kept, 3);
    assert_int_equal(a.cancelled, 1);
    assert_int_equal(a.cancelled_earlier, 1); /* o9 */
    assert_int_equal(a.delivered, 1);
    assert_int_equal(a.returned, 2);
    assert_int_equal(a.returned_earlier, 1);
    const struct ct_account_money *m = euros(&a);
    assert_true(m->spent == 18 * (ct_wide)CT_NANO_PER_UNIT);
    assert_true(m->spent_before == 100 * (ct_wide)CT_NANO_PER_UNIT);
    assert_true(m->spent_ever == 118 * (ct_wide)CT_NANO_PER_UNIT);
    assert_int_equal(m->purchases, 3);
    assert_int_equal(m->purchases_ever, 4);
    /* A cancelled order makes no customer. */
    assert_state(march(EVENTS(SAY(PURCHASE, "2026-03-02", .ref = "o1", .amount = "10"),
                              SAY(ORDER_CANCELLED, "2026-03-03", .ref = "o1"))),
                 "");
}

#define DUE(day) SAY(RENEWAL_DUE, day)
#define RENEWED(day) SAY(RENEWED, day)

static void assert_renewals(struct ct_account a, unsigned due, unsigned renewed, unsigned open)
{
    assert_int_equal(a.due, due);
    assert_int_equal(a.renewed, renewed);
    assert_int_equal(a.due_open, open);
}

static void renewals(void **state)
{
    (void)state;
    /* as_of is 2026-04-01: a due date before 2026-03-02 is settled by then. */
    assert_renewals(march(EVENTS(DUE("2026-03-01"))), 1, 0, 0);
    struct ct_account a = march(EVENTS(DUE("2026-03-20")));
    assert_renewals(a, 1, 0, 1);
    assert_true(a.due_settles_at == when("2026-04-19"));
    assert_renewals(march(EVENTS(DUE("2026-03-20"), RENEWED("2026-03-18"))), 1, 1, 0);
    assert_renewals(march(EVENTS(DUE("2026-03-20"), RENEWED("2026-01-02"))), 1, 1, 0);
    assert_renewals(march(EVENTS(DUE("2026-03-20"), RENEWED("2025-12-02"))), 1, 0, 1); /* of the year before */
    assert_renewals(march(EVENTS(DUE("2026-03-20"), RENEWED("2026-04-19"))), 1, 0, 1); /* not yet */
    assert_renewals(later(EVENTS(DUE("2026-03-20"), RENEWED("2026-04-19"))), 1, 1, 0);
    assert_renewals(later(EVENTS(DUE("2026-03-20"), RENEWED("2026-04-20"))), 1, 0, 0); /* too late */
    /* Said long before, and reminded of. */
    assert_renewals(march(EVENTS(SAY(RENEWAL_DUE, "2026-01-01", .due = "2026-03-20"),
                                 SAY(RENEWAL_DUE, "2026-03-01", .due = "2026-03-20"))),
                    1, 0, 1);
    /* One renewal is of one due date: February's does not renew March. */
    assert_renewals(march(EVENTS(DUE("2026-02-10"), RENEWED("2026-02-10"), DUE("2026-03-10"))), 1, 0, 1);
    assert_renewals(march(EVENTS(DUE("2026-02-10"), RENEWED("2026-02-10"), DUE("2026-03-10"), RENEWED("2026-03-09"))),
                    1, 1, 0);
    /* Of two contracts the one that it names. */
    assert_renewals(march(EVENTS(SAY(RENEWAL_DUE, "2026-03-01", .ref = "a"), SAY(RENEWAL_DUE, "2026-03-01", .ref = "b"),
                                 SAY(RENEWED, "2026-03-01", .ref = "b"))),
                    2, 1, 0);
}

/* March as it stands on the 10th: of what comes later nothing is seen, but what will be due is known. */
static void as_of_a_day_in_it(void **state)
{
    (void)state;
    static const char then[] = "2026-03-10";
    assert_state(march_as_of(then, EVENTS(WON, LOST("2026-03-10"))), "start lost ");
    assert_state(march_as_of(then, EVENTS(WON, LOST("2026-03-11"))), "start end ");
    assert_state(march_as_of(then, EVENTS(SAY(CUSTOMER_WON, "2026-03-11"))), "");
    assert_state(march_as_of(then, EVENTS(SAY(CUSTOMER_WON, "2026-03-05"), LOST("2026-03-20"))), "won end ");
    struct ct_account a =
        march_as_of(then, EVENTS(SAY(CUSTOMER_WON, "2026-03-04"), PAYS("2026-03-04", "a", "10"),
                                 PAYS("2026-03-20", "a", "90"), SAY(EXPANSION, "2026-03-21", .amount = "5"),
                                 SAY(PURCHASE, "2026-03-05", .amount = "3"), SAY(PURCHASE, "2026-03-25", .amount = "7"),
                                 SAY(REFERRAL, "2026-03-26"), SAY(REFERENCE, "2026-03-26")));
    const struct ct_account_money *m = euros(&a);
    assert_mrr(m, "0 0 0 0 10 10");
    assert_true(m->one_offs == 0 && m->spent == 3 * (ct_wide)CT_NANO_PER_UNIT && a.lifetime == 28 * DAY);
    assert_true(a.orders == 1 && !a.referral_known && !a.reference_known);
    /* An order that will be cancelled is one still. */
    a = march_as_of(then, EVENTS(SAY(PURCHASE, "2026-03-05", .ref = "o", .amount = "3"),
                                 SAY(ORDER_CANCELLED, "2026-03-12", .ref = "o")));
    assert_true(a.orders_kept == 1 && a.cancelled == 0 && a.at_end);
    assert_renewals(march_as_of(then, EVENTS(WON, DUE("2026-03-20"), RENEWED("2026-03-12"))), 1, 0, 1);
    /* A period that has not begun then is none. */
    a = march_as_of("2026-02-15", EVENTS(WON, PAYS("2026-02-10", "a", "10"), LOST("2026-03-05"), DUE("2026-03-20")));
    assert_state(a, "");
    assert_false(a.in_period || a.paying_start || a.paying_end);
    assert_renewals(a, 1, 0, 1);
}

/* Read as of a day or not, it is the same customer: filters see all of its events, slices what is known. */
static void segment_as_of(void **state)
{
    (void)state;
    struct ct_terms terms = terms_of("2026-03-01", "2026-04-01");
    terms.as_of = when("2026-03-10");
    const struct said said[] = {
        SAY(CUSTOMER_WON, "2026-02-10", .segment = "small"), SAY(CUSTOMER, "2026-03-11", .segment = "unheard"),
        SAY(RENEWAL_DUE, "2026-03-20", .segment = "large"), SAY(CUSTOMER, "2026-03-21", .segment = "unheard"),
        SAY(RENEWAL_DUE, "2026-04-20", .segment = "huge")};
    enum { COUNT = sizeof said / sizeof *said };
    struct ct_business *made[COUNT];
    const struct ct_business *events[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        events[i] = made[i] = event_of("u", &said[i]);
    }
    const struct ct_customer all = {.events = events, .event_count = ct_business_sort(events, COUNT), .terms = &terms};
    const struct ct_customer known = ct_customer_known(&all), again = ct_customer_known(&known);
    assert_true(known.event_count == 1 && known.due_count == 4 && again.event_count == 1 && again.due_count == 4);
    assert_true(ct_span_is(ct_customer_segment(&all), "large"));
    assert_true(ct_span_is(ct_customer_segment(&known), "large"));
    for (size_t i = 0; i < COUNT; i++) {
        free(made[i]);
    }
}

static void without_a_period(void **state)
{
    (void)state;
    struct bench bench = bench_new("2026-03-01", "2026-04-01");
    struct ct_account a;
    bench.terms.from = bench.terms.to = CT_USEC_NONE;
    bench_customer(&bench, NULL, 0, EVENTS(WON, PAYS("2026-02-11", "x", "5"), LOST("2026-03-20"), DUE("2026-03-20")),
                   &a);
    assert_state(a, "");
    assert_false(a.in_period || a.paying_start || a.paying_end || a.begin_known);
    assert_int_equal(a.due, 0);
    assert_true(ct_account_is_customer(&a, when("2026-02-10")));
    assert_false(ct_account_is_customer(&a, when("2026-03-20")));
    assert_true(ct_account_leaves(&a, when("2026-02-11")) == when("2026-03-20"));
    assert_true(ct_account_leaves(&a, when("2026-03-21")) == INT64_MAX);
    bench.terms.to = when("2026-03-01"); /* from the beginning of time */
    bench_customer(&bench, NULL, 0, EVENTS(WON), &a);
    assert_state(a, "won end ");
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_a_customer_when),
        cmocka_unit_test(what_is_not_in_the_input),
        cmocka_unit_test(subscriptions_by_name),
        cmocka_unit_test(currencies_stay_apart),
        cmocka_unit_test(too_many_are_counted),
        cmocka_unit_test(orders),
        cmocka_unit_test(renewals),
        cmocka_unit_test(as_of_a_day_in_it),
        cmocka_unit_test(segment_as_of),
        cmocka_unit_test(without_a_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
