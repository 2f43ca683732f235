/* The desk and business events: ranges count them with the conversations of their customers and of customers of whom
 * there is nothing else; what windows say instead; what is too much.
 */
#include "desk_bench.h"
#include "random_business.h"

static void tell_event(const char *type, const char *user, ct_usec ago, const char *more)
{
    char line[512], at[40];
    const struct ct_intake *intake = ct_tap_intake(bench.tap);
    ct_time_format(bench_now() - ago, at);
    (void)snprintf(line, sizeof line, "{\"event\":\"%s\",\"at\":\"%s\"%s%s%s%s}", type, at,
                   user ? ",\"user_id\":\"" : "", user ? user : "", user ? "\"" : "", more);
    const struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                        .at = bench_now(),
                                        .source = CT_SPAN_LIT("crm"),
                                        .format = CT_SPAN_LIT("business"),
                                        .bytes = ct_span_of(line)};
    assert_int_equal(intake->append(intake->context, &entry, NULL), CT_OK);
}

/* Noon is 21 November 2026. Four customers in October, one of them (u4) of whom there is no conversation; u1 leaves in
 * November, a day after it talked; u5 comes. */
static void tell_a_story(void)
{
    for (int i = 1; i <= 4; i++) {
        char user[16];
        (void)snprintf(user, sizeof user, "u%d", i);
        tell_event("customer_won", user, 40 * CT_USEC_PER_DAY,
                   i % 2 ? ",\"segment\":\"smb\"" : ",\"segment\":\"enterprise\"");
        tell_event("subscription", user, 40 * CT_USEC_PER_DAY,
                   ",\"name\":\"base\",\"amount\":\"10.50\",\"currency\":\"EUR\"");
    }
    tell_event("customer_won", "u5", 5 * CT_USEC_PER_DAY, "");
    tell_event("customer_lost", "u1", 8 * CT_USEC_PER_DAY, ",\"reason\":\"price\"");
    tell_event("customer_base", NULL, 15 * CT_USEC_PER_DAY, ",\"count\":50");
    bench_whole("c1", "u1", "web", 9 * CT_USEC_PER_DAY, "it is on its way", "does not work");
    bench_whole("c2", "u2", "web", 9 * CT_USEC_PER_DAY, "it is on its way", "thanks");
    bench_whole("c3", "u3", "whatsapp", 3 * CT_USEC_PER_DAY, "it is on its way", "thanks");
    bench_settle();
}

#define NOVEMBER "/api/v1/kpis?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"

static double number(const struct bench_answer *answer, const char *kpi, const char *member)
{
    return bench_number(bench_kpi(answer->json, kpi), member);
}

static void customers_by_their_events(void **state)
{
    (void)state;
    tell_a_story();
    struct bench_answer answer = bench_get(NOVEMBER);
    assert_int_equal(answer.status, 200);
    assert_true(bench_number(answer.json, "business.events") == 3); /* of the period */
    assert_string_equal(bench_text(answer.json, "business.from"), "2026-11-01T00:00:00Z");
    assert_true(bench_number(answer.json, "totals.conversations") == 3);
    assert_true(number(&answer, "churn_rate", "numerator") == 1 && number(&answer, "churn_rate", "denominator") == 4);
    assert_true(number(&answer, "mrr", "value") == 31.5);
    assert_true(number(&answer, "mrr.churned", "value") == 10.5);
    bench_forget(&answer);

    answer = bench_get(NOVEMBER "&where=segment%3Denterprise&id=churn_rate,mrr,automation_rate");
    assert_true(number(&answer, "churn_rate", "numerator") == 0 && number(&answer, "churn_rate", "denominator") == 2);
    assert_true(number(&answer, "automation_rate", "denominator") == 1);
    bench_forget(&answer);

    answer = bench_get(NOVEMBER "&by=segment,channel&id=automation_rate");
    assert_string_equal(bench_text(answer.json, "group_by"), "segment,channel");
    assert_string_equal(bench_text(answer.json, "slices.0.key.segment"), "enterprise");
    bench_forget(&answer);

    answer = bench_get(NOVEMBER "&compare=previous&id=churn_rate,churn_rate.base,automation_rate");
    assert_string_equal(bench_text(answer.json, "compared_with.from"), "2026-10-01T00:00:00Z");
    assert_true(bench_number(answer.json, "compared_with.conversations") == 0);
    assert_null(bench_at(bench_kpi(answer.json, "automation_rate"), "change")); /* there was none */
    bench_forget(&answer);

    /* What came later is not known where the range stands alone. */
    answer = bench_get("/api/v1/kpis?from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z&around=none&id=mrr,churn_rate");
    assert_string_equal(bench_text(answer.json, "window.as_of"), "2026-10-12T12:00:00Z");
    assert_true(number(&answer, "mrr", "value") == 42);
    bench_forget(&answer);
    bench_check_answers();
}

static void windows_have_none(void **state)
{
    (void)state;
    tell_a_story();
    struct bench_answer answer = bench_get("/api/v1/kpis?window=today&by=channel");
    assert_true(bench_number(answer.json, "totals.conversations") == 3);
    assert_null(bench_at(answer.json, "business"));
    for (size_t i = 0; i < 2; i++) {
        const cJSON *mrr = bench_kpi(answer.json, i ? "expansion_mrr" : "mrr"); /* a sum: of nothing it would be 0 */
        assert_true(cJSON_IsNull(bench_at(mrr, "value")));
        assert_string_equal(bench_text(mrr, "reason"), "needs_customers");
        assert_true(cJSON_IsNull(bench_at(mrr, "slices.0.value")));
    }
    bench_forget(&answer);
    answer = bench_get("/api/v1/status");
    assert_true(bench_number(answer.json, "conversations.business_events") == 11);
    assert_true(bench_number(answer.json, "store.business_events") == 11);
    bench_forget(&answer);
    answer = bench_get("/metrics");
    assert_non_null(strstr(answer.body, "convtap_business_events_total 11\n"));
    assert_null(strstr(answer.body, "convtap_mrr"));
    assert_null(strstr(answer.body, "convtap_churn_rate"));
    bench_forget(&answer);
    bench_check_answers();
}

static void refused(const char *target, int status, const char *code, const char *says)
{
    struct bench_answer answer = bench_get(target);
    assert_int_equal(answer.status, status);
    assert_string_equal(bench_text(answer.json, "error.code"), code);
    if (!strstr(bench_text(answer.json, "error.message"), says)) {
        fail_msg("\"%s\" does not say \"%s\"", bench_text(answer.json, "error.message"), says);
    }
    bench_forget(&answer);
}

static void what_is_too_much(void **state)
{
    (void)state;
    tell_a_story();
    for (int i = 0; i < 7000; i++) {
        char more[400];
        (void)snprintf(more, sizeof more, ",\"ref\":\"%d\",\"text\":\"%0300d\"", i, i);
        tell_event("feedback", "u7", (20 + i) * CT_USEC_PER_MINUTE, more);
    }
    bench_settle();
    bench.desk->options.range_events_max = 7010;
    refused(NOVEMBER, 422, "range_too_large", "more business events");
    bench.desk->options.range_events_max = 7011;
    struct bench_answer answer = bench_get(NOVEMBER);
    assert_int_equal(answer.status, 200);
    bench_forget(&answer);
    bench.desk->options.range_bytes_max = 1 << 20;
    refused(NOVEMBER, 422, "range_too_large", "one customer has more business events");
    bench_check_answers();
}

static void questions_that_are_none(void **state)
{
    (void)state;
    refused(NOVEMBER "&where=colour%3Dred", 400, "bad_parameter", "where");
    refused(NOVEMBER "&where=channel", 400, "bad_parameter", "where");
    refused(NOVEMBER "&compare=next", 400, "bad_parameter", "compare");
    refused(NOVEMBER "&by=channel,channel", 400, "bad_parameter", "by");
    refused("/api/v1/kpis?window=today&where=channel%3Dweb", 400, "bad_parameter", "of a range");
    refused("/api/v1/kpis?window=today&compare=previous", 400, "bad_parameter", "of a range");
    refused("/api/v1/kpis?window=today&by=channel,language", 400, "bad_parameter", "of a range");
    bench_check_answers();
}

/* Of any customers and events: what has a value with them, and none by the conversations one by one, says so;
 * and what says so has none by them. */
static void reasons_hold_for_any_customers(void **state)
{
    (void)state;
    enum { CUSTOMERS = 200, TALKS = 5, EVENTS = 30 };
    struct ct_terms terms = CT_TERMS_DEFAULT;
    struct ct_kpi_set *alone = ct_kpis_new(), *whole = ct_kpis_new();
    struct ct_block without, with;
    terms.from = 30 * CT_USEC_PER_DAY;
    terms.to = 60 * CT_USEC_PER_DAY;
    terms.as_of = 200 * CT_USEC_PER_DAY;
    seed = 77;
    for (int i = 0; i < CUSTOMERS; i++) {
        struct ct_record *records[TALKS];
        const struct ct_business *events[EVENTS];
        char name[16];
        snprintf(name, sizeof name, "u%d", i);
        for (int j = 0; j < TALKS; j++) {
            records[j] = random_record(true, 20);
            ct_kpis_fold(alone, records[j]);
        }
        for (int j = 0; j < EVENTS; j++) {
            events[j] = random_event(name, 3);
        }
        ct_customer_sort(records, TALKS);
        ct_customer_mark_on(records, TALKS, &terms, terms.as_of);
        const struct ct_customer customer = {.records = (const struct ct_record *const *)records,
                                             .record_count = TALKS,
                                             .events = events,
                                             .event_count = ct_business_sort(events, EVENTS),
                                             .terms = &terms};
        assert_int_equal(customer.event_count, EVENTS);
        ct_kpis_fold_customer(whole, &customer);
        struct ct_business *nobodys = random_event(NULL, 3);
        ct_kpis_fold_event(whole, nobodys, &terms);
        free(nobodys);
        for (int j = 0; j < TALKS; j++) {
            free(records[j]);
        }
        for (int j = 0; j < EVENTS; j++) {
            free((void *)(uintptr_t)events[j]);
        }
    }
    assert_int_equal(ct_kpis_compute(alone, NULL, &without), CT_OK);
    assert_int_equal(ct_kpis_compute(whole, NULL, &with), CT_OK);
    size_t found = 0;
    for (size_t i = 0; i < with.figure_count; i++) {
        const struct ct_figure *figure = &with.figures[i], *other = ct_block_figure(&without, figure->kpi->id);
        bool reason = ct_desk_window_reason(figure) != NULL, sum = figure->kpi->kind == CT_KPI_SUM;
        if (!figure->part && figure->has_value && !other->has_value && !reason) {
            fail_msg("%s has a value with customers alone, and gives windows no reason", figure->kpi->id);
        }
        /* A sum always has a value; live windows blank those of customers. */
        if (!figure->part && reason && other->has_value && !(sum && ct_kpi_of_customers(figure->kpi))) {
            fail_msg("%s has a value in windows, and a reason why it has none", figure->kpi->id);
        }
        found += !figure->part && figure->has_value && reason;
    }
    assert_true(found > 50);
    ct_block_done(&without);
    ct_block_done(&with);
    ct_kpis_free(alone);
    ct_kpis_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(customers_by_their_events, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(windows_have_none, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(what_is_too_much, bench_setup, bench_teardown),
        cmocka_unit_test_setup_teardown(questions_that_are_none, bench_setup, bench_teardown),
        cmocka_unit_test(reasons_hold_for_any_customers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
