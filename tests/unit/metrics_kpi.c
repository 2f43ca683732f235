/* Each KPI against a value worked out by hand; the worked examples of the catalogue among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "make_record.h"
#include "metrics/kpi.h"
#include "tests/unit/fold_customer.h"

#define SECOND CT_USEC_PER_SECOND
#define DAY CT_USEC_PER_DAY
#define START INT64_C(1772323200000000) /* 2026-03-01 */

/* ---- a set that is filled record by record ---- */
struct bench {
    struct ct_kpi_set *set;
    struct ct_block block;
    uint64_t made;
};

static struct bench bench_new(void)
{
    struct bench bench = {.set = ct_kpis_new()};
    assert_non_null(bench.set);
    return bench;
}

static void bench_fold(struct bench *bench, const struct ct_record *head, const struct make_tail *tail)
{
    struct ct_record *record = make_record(head, tail);
    record->conversation_hash = ++bench->made;
    const struct ct_record *one = record;
    fold_customer_of(bench->set, &one, 1);
    free(record);
}

static void bench_compute(struct bench *bench)
{
    assert_int_equal(ct_kpis_compute(bench->set, NULL, &bench->block), CT_OK);
}

static void bench_done(struct bench *bench)
{
    ct_block_done(&bench->block);
    ct_kpis_free(bench->set);
}

static const struct ct_figure *figure(const struct bench *bench, const char *id)
{
    const struct ct_figure *f = ct_block_figure(&bench->block, id);
    if (!f) {
        print_error("no figure %s\n", id);
    }
    assert_non_null(f);
    return f;
}

/* The value with `digits` places, "null" where there is none. */
static const char *value(const struct bench *bench, const char *id, unsigned digits)
{
    static char out[CT_DECIMAL_BYTES];
    const struct ct_figure *f = figure(bench, id);
    if (!f->has_value) {
        return "null";
    }
    ct_decimal_format(f->value_num, f->value_den, digits, false, out);
    return out;
}

static struct ct_record answered(enum ct_outcome outcome, enum ct_tri resolved)
{
    struct ct_record r = make_head();
    r.engaged = r.ai_answered = r.bot_involved = true;
    r.outcome = (uint8_t)outcome;
    r.resolved = (uint8_t)resolved;
    r.message_count = 4;
    r.user_messages = r.bot_messages = 2;
    return r;
}

static void times(struct bench *bench, int count, const struct ct_record *record)
{
    for (int i = 0; i < count; i++) {
        bench_fold(bench, record, NULL);
    }
}

static void nothing_is_no_value(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    bench_compute(&bench);
    size_t count;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(value(&bench, kpis[i].id, 1), "null");
        assert_int_equal(figure(&bench, kpis[i].id)->status, CT_STATUS_NONE);
        assert_false(figure(&bench, kpis[i].id)->has_interval);
    }
    assert_int_equal(bench.block.figure_count, count); /* no parts of nothing */
    assert_int_equal(bench.block.conversations, 0);
    assert_true(bench.block.first_at == CT_USEC_NONE);
    bench_done(&bench);
}

static void automation(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record confirmed = answered(CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
    struct ct_record implied = answered(CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    struct ct_record silent = answered(CT_OUTCOME_SILENT, CT_NULL);
    struct ct_record unresolved = answered(CT_OUTCOME_UNRESOLVED, CT_FALSE);
    struct ct_record escalated = answered(CT_OUTCOME_ESCALATED, CT_TRUE);
    escalated.escalated = escalated.requested = true;
    struct ct_record idle = make_head(); /* not engaged: in no rate */
    idle.outcome = CT_OUTCOME_NOT_ENGAGED;
    struct ct_record unanswered = make_head(); /* engaged, but the AI never answered */
    unanswered.engaged = true;
    unanswered.outcome = CT_OUTCOME_ABANDONED;
    unanswered.resolved = CT_FALSE;
    /* A label outranks: silence labelled resolved is confirmed, implied labelled unresolved is nothing. */
    struct ct_record labelled = answered(CT_OUTCOME_SILENT, CT_TRUE);
    labelled.label_decided = true;
    struct ct_record refuted = answered(CT_OUTCOME_RESOLVED_IMPLIED, CT_FALSE);
    refuted.label_decided = true;
    times(&bench, 39, &confirmed);
    times(&bench, 1, &labelled);
    times(&bench, 30, &implied);
    times(&bench, 10, &silent);
    times(&bench, 9, &unresolved);
    times(&bench, 1, &refuted);
    times(&bench, 10, &escalated);
    times(&bench, 7, &idle);
    times(&bench, 3, &unanswered);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "automation_rate", 1), "70.0");
    assert_int_equal((int64_t)figure(&bench, "automation_rate")->numerator, 70);
    assert_int_equal((int64_t)figure(&bench, "automation_rate")->denominator, 100);
    assert_int_equal(figure(&bench, "automation_rate")->low_micro, 60415145);
    assert_int_equal(figure(&bench, "automation_rate")->high_micro, 78105115);
    assert_string_equal(value(&bench, "automation_rate.confirmed", 1), "40.0");
    assert_string_equal(value(&bench, "automation_rate.upper", 1), "80.0");
    assert_string_equal(value(&bench, "automation_rate.durable", 1), "null");
    assert_int_equal(figure(&bench, "automation_rate.durable")->left_out, 100);
    assert_string_equal(value(&bench, "containment_rate", 1), "90.0");
    /* 10 of 103 engaged */
    assert_string_equal(value(&bench, "escalation_rate", 3), "9.709");
    assert_string_equal(value(&bench, "escalation_rate.success", 1), "100.0");
    assert_string_equal(value(&bench, "escalation_rate.resolved", 1), "100.0");
    assert_int_equal(bench.block.conversations, 110);
    assert_int_equal(bench.block.engaged, 103);
    assert_int_equal(bench.block.messages, 400);
    assert_int_equal(bench.block.untimed, 110);
    uint64_t sum = 0;
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        sum += bench.block.outcomes[i];
    }
    assert_int_equal(sum, 110);
    assert_int_equal(bench.block.outcomes[CT_OUTCOME_SILENT], 11);
    assert_string_equal(value(&bench, "first_response_time.unanswered", 3), "2.913"); /* 3 of 103 */
    bench_done(&bench);
}

static void escalation_steps(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record plain = answered(CT_OUTCOME_SILENT, CT_NULL);
    struct ct_record failed = answered(CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    failed.requested = failed.announced = failed.failed = true;
    struct ct_record offered = answered(CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    offered.offered = offered.refused = true;
    struct ct_record done = answered(CT_OUTCOME_ESCALATED, CT_NULL);
    done.escalated = done.requested = done.announced = true;
    times(&bench, 5, &plain);
    times(&bench, 2, &failed);
    times(&bench, 1, &offered);
    times(&bench, 2, &done);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "escalation_rate", 1), "20.0");
    assert_string_equal(value(&bench, "escalation_rate.requested", 1), "40.0");
    assert_string_equal(value(&bench, "escalation_rate.offered", 1), "10.0");
    assert_string_equal(value(&bench, "escalation_rate.announced", 1), "40.0");
    assert_string_equal(value(&bench, "escalation_rate.failed", 1), "20.0");
    assert_string_equal(value(&bench, "escalation_rate.success", 1), "50.0");
    assert_string_equal(value(&bench, "escalation_rate.resolved", 1), "null");
    assert_int_equal(figure(&bench, "escalation_rate.resolved")->left_out, 2);
    bench_done(&bench);
}

static void first_contact(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record r = answered(CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
    r.has_customer = r.timed = true;
    r.previous_contact_usec = CT_USEC_NONE;
    r.observed_usec = 20 * DAY;
    r.first_contact = CT_TRUE;
    times(&bench, 75, &r);
    r.first_contact = CT_FALSE;
    r.returned = true;
    r.next_contact_usec = 5 * DAY;
    times(&bench, 25, &r);
    r = answered(CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE); /* younger than the window */
    r.has_customer = r.timed = r.immature = true;
    r.observed_usec = 2 * DAY;
    times(&bench, 9, &r);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "fcr", 1), "75.0");
    assert_int_equal(figure(&bench, "fcr")->left_out, 9);
    assert_string_equal(value(&bench, "fcr.returned", 1), "25.0");
    assert_string_equal(value(&bench, "fcr.1d", 1), "100.0"); /* 109: five days are outside one day */
    assert_int_equal((int64_t)figure(&bench, "fcr.1d")->denominator, 109);
    assert_string_equal(value(&bench, "fcr.3d", 1), "100.0");
    assert_int_equal((int64_t)figure(&bench, "fcr.3d")->denominator, 100);
    assert_string_equal(value(&bench, "fcr.14d", 1), "75.0");
    assert_string_equal(value(&bench, "fcr.30d", 1), "null");
    assert_string_equal(value(&bench, "automation_rate.durable", 1), "75.0");
    bench_done(&bench);
}

static void durations(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    static const int64_t answers[] = {1 * SECOND, 2 * SECOND, 6 * SECOND};
    for (int i = 1; i <= 4; i++) {
        struct ct_record r = answered(CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
        r.timed = true;
        r.started_at = START;
        r.ended_at = START + 100 * i * SECOND;
        r.total_handling_usec = 100 * i * SECOND;
        r.ai_handling_usec = 50 * i * SECOND;
        r.first_response_usec = i * SECOND;
        r.asked_at = START + 2 * SECOND; /* the bot greeted first */
        r.resolved_at = START + 10 * i * SECOND;
        bench_fold(&bench, &r, &(struct make_tail){.response_usec = answers, .response_count = 3});
    }
    struct ct_record untimed = answered(CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    untimed.user_messages = 4;
    untimed.unanswered = 3;
    times(&bench, 1, &untimed);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "aht", 1), "250.0");
    assert_int_equal(figure(&bench, "aht")->left_out, 1);
    /* 100 200 300 400: variance 16666.67, error 64.549722 */
    assert_int_equal(figure(&bench, "aht")->error_micro, 64549722);
    assert_int_equal(figure(&bench, "aht")->low_micro, 250000000 - 126515130);
    assert_int_equal(figure(&bench, "aht")->high_micro, 250000000 + 126515130);
    assert_in_range(figure(&bench, "aht")->percentile_micro[CT_P50], 198000000, 202000000);
    assert_in_range(figure(&bench, "aht")->percentile_micro[CT_P90], 396000000, 400000000);
    assert_string_equal(value(&bench, "aht.ai", 1), "125.0");
    assert_string_equal(value(&bench, "aht.human", 1), "null");
    assert_string_equal(value(&bench, "response_time", 1), "3.0");
    assert_int_equal(figure(&bench, "response_time")->n, 12);
    assert_int_equal(figure(&bench, "response_time")->left_out, 1);
    assert_string_equal(value(&bench, "response_time.unanswered", 1), "25.0"); /* 3 of 12 */
    assert_string_equal(value(&bench, "first_response_time", 1), "2.5");
    assert_string_equal(value(&bench, "resolution_time", 1), "23.0");
    assert_int_equal(figure(&bench, "resolution_time")->left_out, 1);
    assert_true(bench.block.first_at == START && bench.block.last_at == START + 400 * SECOND);
    assert_int_equal(bench.block.untimed, 1);
    bench_done(&bench);
}

static void waits(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record r = answered(CT_OUTCOME_ESCALATED, CT_TRUE);
    r.escalated = r.requested = r.timed = true;
    r.wait_usec = r.human_first_response_usec = 100 * SECOND; /* 200 customers, 500 minutes */
    r.human_handling_usec = r.total_handling_usec = 60 * SECOND;
    times(&bench, 100, &r);
    r.wait_usec = r.human_first_response_usec = 200 * SECOND;
    times(&bench, 100, &r);
    struct ct_record left = answered(CT_OUTCOME_ABANDONED, CT_FALSE);
    left.requested = left.timed = true;
    left.queue_abandoned_usec = 30 * SECOND;
    times(&bench, 50, &left);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "average_wait_time", 1), "150.0");
    assert_int_equal(figure(&bench, "average_wait_time")->n, 200);
    assert_string_equal(value(&bench, "average_wait_time.abandoned", 1), "30.0");
    assert_string_equal(value(&bench, "average_wait_time.abandonment", 1), "20.0");
    assert_string_equal(value(&bench, "first_response_time.human", 1), "150.0");
    assert_string_equal(value(&bench, "aht.human", 1), "60.0");
    bench_done(&bench);
}

/* One message without a time, and the whole conversation is in no figure of times, whatever its record knows of it: 10
 * is what the timed one took, 1000 what the messages of the untimed one would say. */
static void untimed_conversations(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    static const int64_t soon[] = {10 * SECOND}, late[] = {1000 * SECOND};
    static const char *const figures[] = {"response_time",
                                          "first_response_time",
                                          "first_response_time.human",
                                          "resolution_time",
                                          "complaint_resolution_time",
                                          "average_wait_time",
                                          "average_wait_time.abandoned"};
    for (int timed = 0; timed < 2; timed++) {
        const ct_usec took = timed ? 10 * SECOND : 1000 * SECOND;
        struct ct_record r = answered(CT_OUTCOME_ESCALATED, CT_TRUE);
        r.escalated = r.human_joined = r.complaint = true;
        r.timed = timed == 1;
        r.started_at = r.asked_at = r.complaint_at = START;
        r.ended_at = r.resolved_at = START + took;
        r.first_response_usec = r.human_first_response_usec = r.wait_usec = took;
        bench_fold(&bench, &r, &(struct make_tail){.response_usec = timed ? soon : late, .response_count = 1});
        struct ct_record left = answered(CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
        left.timed = timed == 1;
        left.requested = true;
        left.abandoned_at = CT_ABANDONED_QUEUE;
        left.queue_abandoned_usec = took;
        left.first_response_usec = timed ? 10 * SECOND : CT_USEC_NONE;
        bench_fold(&bench, &left, NULL);
    }
    bench_compute(&bench);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const struct ct_figure *f = figure(&bench, figures[i]);
        bool of_ai = strcmp(figures[i], "response_time") == 0 || strcmp(figures[i], "first_response_time") == 0;
        if (strcmp(value(&bench, figures[i], 1), "10.0") != 0 || f->left_out != (of_ai ? 2u : 1u)) {
            fail_msg("%s: %s, left out %u", figures[i], value(&bench, figures[i], 1), (unsigned)f->left_out);
        }
    }
    assert_string_equal(value(&bench, "average_wait_time.abandonment", 1), "50.0"); /* 1 of 2, both timed */
    assert_int_equal(figure(&bench, "average_wait_time.abandonment")->left_out, 2);
    assert_string_equal(value(&bench, "escalation_rate", 1), "50.0"); /* no time is in it: all four */
    bench_done(&bench);
}

/* A label may be stamped before what it speaks of: such a time is unknown, not below nothing. */
static void resolved_before_asked(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record r = answered(CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
    r.timed = true;
    r.asked_at = START;
    r.resolved_at = START - SECOND;
    times(&bench, 1, &r);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "resolution_time", 1), "null");
    assert_int_equal(figure(&bench, "resolution_time")->left_out, 1);
    bench_done(&bench);
}

static void complaint_of_two_days(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record r = answered(CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
    ct_usec raised, resolved;
    assert_true(ct_time_parse(ct_span_of("2026-11-16T10:00:00Z"), &raised));
    assert_true(ct_time_parse(ct_span_of("2026-11-18T10:00:00Z"), &resolved));
    r.complaint = r.timed = true;
    r.complaint_at = raised;
    r.resolved_at = resolved;
    times(&bench, 1, &r);
    r = answered(CT_OUTCOME_UNRESOLVED, CT_FALSE);
    r.complaint = r.insult = true;
    r.complaint_at = raised;
    times(&bench, 1, &r);
    r = answered(CT_OUTCOME_SILENT, CT_NULL);
    times(&bench, 6, &r);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "complaint_resolution_time", 0), "172800");
    assert_int_equal(figure(&bench, "complaint_resolution_time")->left_out, 1);
    assert_string_equal(value(&bench, "incident_rate", 1), "25.0");
    assert_string_equal(value(&bench, "incident_rate.insults", 1), "12.5");
    bench_done(&bench);
}

static void accuracy_apart(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record r = answered(CT_OUTCOME_SILENT, CT_NULL);
    r.bot_messages = 20;
    r.judged = 4;
    r.judged_correct = 3;
    r.inferred = 16;
    r.inferred_correct = 8;
    r.fallbacks = 5;
    r.no_data = 2;
    r.wrong_answers = 1;
    times(&bench, 2, &r);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "ai_accuracy", 1), "75.0");
    assert_int_equal((int64_t)figure(&bench, "ai_accuracy")->denominator, 8);
    assert_string_equal(value(&bench, "ai_accuracy.inferred", 1), "50.0");
    assert_string_equal(value(&bench, "fallback_rate", 1), "25.0");
    assert_string_equal(value(&bench, "fallback_rate.no_data", 1), "10.0");
    assert_string_equal(value(&bench, "fallback_rate.corrected", 1), "5.0");
    bench_done(&bench);
}

static void money(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    static const char *const prices[] = {"0.00095565", "0.1", "0.20000000", "0.3"};
    for (int i = 0; i < 4; i++) {
        struct ct_record r =
            answered(i ? CT_OUTCOME_RESOLVED_CONFIRMED : CT_OUTCOME_UNRESOLVED, i ? CT_TRUE : CT_FALSE);
        r.has_cost = true;
        assert_true(ct_money_parse(ct_span_of(prices[i]), &r.cost));
        r.cost_tokens = r.cost;
        bench_fold(&bench, &r, &(struct make_tail){.text = {[CT_TEXT_CURRENCY] = "USD"}});
    }
    struct ct_record r = answered(CT_OUTCOME_SILENT, CT_NULL);
    r.has_cost = true;
    r.cost = r.cost_human = 5 * CT_NANO_PER_UNIT;
    bench_fold(&bench, &r, &(struct make_tail){.text = {[CT_TEXT_CURRENCY] = "EUR"}});
    r = answered(CT_OUTCOME_SILENT, CT_NULL);
    times(&bench, 2, &r);
    bench_compute(&bench);
    const struct ct_figure *f = figure(&bench, "cost_per_interaction");
    assert_string_equal(value(&bench, "cost_per_interaction", 9), "0.150238912"); /* 0.60095565 / 4 = 0.1502389125 */
    assert_string_equal(f->key, "USD");
    assert_int_equal(f->left_out, 2);
    assert_string_equal(f[1].key, "EUR"); /* never added: one part a currency */
    assert_true(f[1].part && f[1].numerator == 5 * CT_NANO_PER_UNIT);
    assert_string_equal(f[2].key, "USD");
    assert_string_equal(value(&bench, "cost_per_interaction.total", 8), "0.60095565");
    assert_string_equal(value(&bench, "cost_per_interaction.tokens", 8), "0.60095565");
    assert_string_equal(value(&bench, "cost_per_interaction.human", 2), "0.00");
    assert_string_equal(value(&bench, "cost_per_interaction.confirmed", 8), "0.20031855"); /* failed tries count */
    assert_string_equal(value(&bench, "cost_per_interaction.resolved", 8), "0.20031855");
    bench_done(&bench);
}

static void scored(struct bench *bench, enum ct_score_kind kind, int count, int32_t score, int32_t min, int32_t max)
{
    struct ct_record r = answered(CT_OUTCOME_SILENT, CT_NULL);
    r.survey_asked[kind] = true;
    r.score[kind] =
        (struct ct_score){.present = true, .value = score, .scale_min = min, .scale_max = max, .ts = CT_USEC_NONE};
    times(bench, count, &r);
}

static void surveys(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    scored(&bench, CT_SCORE_CSAT, 20, 4, 1, 5);
    scored(&bench, CT_SCORE_CSAT, 20, 5, 1, 5);
    scored(&bench, CT_SCORE_CSAT, 10, 3, 1, 5);
    scored(&bench, CT_SCORE_CSAT, 6, 6, 1, 10); /* another scale: 6 of 10 is positive, 5 is not */
    scored(&bench, CT_SCORE_CSAT, 4, 5, 1, 10);
    scored(&bench, CT_SCORE_CSAT, 2, 7, 1, 5); /* off its scale */
    scored(&bench, CT_SCORE_NPS, 70, 9, 0, 10);
    scored(&bench, CT_SCORE_NPS, 20, 8, 0, 10);
    scored(&bench, CT_SCORE_NPS, 10, 6, 0, 10);
    scored(&bench, CT_SCORE_NPS, 1, 5, 1, 5); /* no NPS on five */
    static const int effort[] = {1, 2, 2, 3, 7};
    for (int i = 0; i < 5; i++) {
        scored(&bench, CT_SCORE_CES, 1, effort[i], 1, 7);
    }
    struct ct_record asked = answered(CT_OUTCOME_SILENT, CT_NULL);
    asked.survey_asked[CT_SCORE_CES] = true;
    times(&bench, 15, &asked);
    bench_compute(&bench);
    const struct ct_figure *csat = figure(&bench, "csat");
    assert_string_equal(value(&bench, "csat", 1), "80.0");
    assert_string_equal(csat->key, "1-5");
    assert_int_equal(csat->left_out, 2);
    assert_int_equal(csat->status, CT_STATUS_MISSED); /* the catalogue's target is 85 */
    assert_true(csat[1].part && csat[2].part && !csat[3].part);
    assert_string_equal(csat[1].key, "1-10");
    assert_true(csat[1].numerator == 6 && csat[1].denominator == 10);
    assert_string_equal(csat[2].key, "1-5");
    assert_string_equal(value(&bench, "csat.mean", 1), "4.2");
    assert_string_equal(value(&bench, "nps", 1), "60.0");
    assert_int_equal(figure(&bench, "nps")->left_out, 1);
    assert_int_equal(figure(&bench, "nps")->error_micro, 6633250);
    assert_string_equal(value(&bench, "nps.promoters", 1), "70.0");
    assert_string_equal(value(&bench, "nps.detractors", 1), "10.0");
    assert_string_equal(value(&bench, "ces", 1), "3.0");
    assert_int_equal(figure(&bench, "ces")->error_micro, 1048809);
    assert_string_equal(value(&bench, "ces.response_rate", 1), "25.0");
    ct_block_done(&bench.block);

    static const struct ct_kpi_target targets[] = {{"csat", {CT_TARGET_AT_LEAST, 80000000}},
                                                   {"ces", {CT_TARGET_AT_MOST, 2999999}}};
    struct ct_kpi_options options = {.targets = targets, .target_count = 2};
    assert_int_equal(ct_kpis_compute(bench.set, &options, &bench.block), CT_OK);
    assert_int_equal(figure(&bench, "csat")->status, CT_STATUS_MET);
    assert_int_equal(figure(&bench, "ces")->status, CT_STATUS_MISSED);
    assert_int_equal(figure(&bench, "nps")->status, CT_STATUS_NONE);
    bench_done(&bench);
}

static void sixty_percent(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    scored(&bench, CT_SCORE_CSAT, 30, 1, 0, 1); /* "was this useful?" */
    scored(&bench, CT_SCORE_CSAT, 20, 0, 0, 1);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "csat", 1), "60.0");
    assert_string_equal(figure(&bench, "csat")->key, "0-1");
    bench_done(&bench);
}

static void customers_and_channels(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    static const char *const channels[] = {"whatsapp", "web", "whatsapp", ""};
    struct ct_record *records[4];
    for (int i = 0; i < 4; i++) {
        struct ct_record r = answered(CT_OUTCOME_SILENT, CT_NULL);
        r.has_customer = r.timed = true;
        r.started_at = START + i * 2 * DAY;
        r.ended_at = r.started_at + SECOND;
        r.positive = i == 0;
        r.negative = i < 2;
        records[i] = make_record(&r, &(struct make_tail){.text = {[CT_TEXT_CHANNEL] = channels[i]}});
    }
    /* One customer with three conversations, one with one, and a conversation of nobody. */
    fold_customer_of(bench.set, (const struct ct_record *const *)records, 3);
    fold_customer_of(bench.set, (const struct ct_record *const *)records + 3, 1);
    records[1]->has_customer = false;
    fold_customer_of(bench.set, (const struct ct_record *const *)records + 1, 1);
    bench_compute(&bench);
    assert_string_equal(value(&bench, "interactions_per_user", 1), "2.0"); /* 4 / 2 */
    assert_int_equal(figure(&bench, "interactions_per_user")->left_out, 1);
    assert_string_equal(value(&bench, "recurrence", 1), "50.0");
    assert_int_equal(bench.block.customers, 2);
    const struct ct_figure *days = figure(&bench, "recurrence.days");
    assert_true(days->has_value && days->n == 2);
    assert_in_range(days->percentile_micro[CT_P50], 1980000, 2020000);
    const struct ct_figure *channel = figure(&bench, "channel_preference");
    assert_string_equal(channel->key, "web"); /* two of five, before whatsapp's two by name */
    assert_true(channel->numerator == 2 && channel->denominator == 5);
    assert_string_equal(channel[1].key, "(none)");
    assert_string_equal(channel[2].key, "web");
    assert_string_equal(channel[3].key, "whatsapp");
    assert_false(channel[4].part);
    const struct ct_figure *people = figure(&bench, "channel_preference.customers");
    assert_true(people[1].numerator == 1 && people[2].numerator == 1 && people[3].numerator == 1);
    assert_true(people->denominator == 2);
    const struct ct_figure *mood = figure(&bench, "sentiment");
    assert_string_equal(mood->key, "negative"); /* 2 of 5; 1 mixed, 2 none: the first of equals */
    for (int i = 0; i < 4; i++) {
        free(records[i]);
    }
    bench_done(&bench);
}

static void edges_of_the_curve(void **state)
{
    (void)state;
    for (int late = 0; late <= 1; late++) {
        struct bench bench = bench_new();
        struct ct_record r = answered(CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
        r.has_customer = r.timed = true;
        r.previous_contact_usec = CT_USEC_NONE;
        r.observed_usec = 3 * DAY;
        r.next_contact_usec = 3 * DAY + late; /* exactly the window is inside */
        times(&bench, 1, &r);
        bench_compute(&bench);
        assert_string_equal(value(&bench, "fcr.3d", 1), late ? "100.0" : "0.0");
        bench_done(&bench);
    }
}

static void twice_is_recurrent(void **state)
{
    (void)state;
    struct bench bench = bench_new();
    struct ct_record r = answered(CT_OUTCOME_SILENT, CT_NULL), idle = answered(CT_OUTCOME_NOT_ENGAGED, CT_NULL);
    r.has_customer = idle.has_customer = true;
    idle.engaged = false;
    struct ct_record *one = make_record(&r, NULL), *two = make_record(&r, NULL), *none = make_record(&idle, NULL);
    const struct ct_record *pair[] = {one, two}, *once[] = {one, none}, *never[] = {none};
    fold_customer_of(bench.set, pair, 2);
    fold_customer_of(bench.set, once, 2); /* the second time nothing was written */
    fold_customer_of(bench.set, never, 1);
    bench_compute(&bench);
    assert_true(figure(&bench, "recurrence")->numerator == 1 && figure(&bench, "recurrence")->denominator == 2);
    assert_string_equal(value(&bench, "interactions_per_user", 1), "1.5");
    free(one);
    free(two);
    free(none);
    bench_done(&bench);
}

static void more_channels_than_fit(void **state)
{
    (void)state;
    enum { CHANNELS = 70, KEPT = 64 };
    struct bench bench = bench_new();
    struct ct_record *records[CHANNELS];
    for (int i = 0; i < CHANNELS; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%02d", CHANNELS - 1 - i);
        struct ct_record r = answered(CT_OUTCOME_SILENT, CT_NULL);
        r.has_customer = true;
        records[i] = make_record(&r, &(struct make_tail){.text = {[CT_TEXT_CHANNEL] = name}});
    }
    fold_customer_of(bench.set, (const struct ct_record *const *)records, CHANNELS);
    bench_compute(&bench);
    const struct ct_figure *talks = figure(&bench, "channel_preference");
    const struct ct_figure *people = figure(&bench, "channel_preference.customers");
    for (int i = 1; i <= KEPT; i++) {
        assert_true(talks[i].part && talks[i].numerator == 1 && people[i].numerator == 1);
    }
    assert_string_equal(talks[1].key, "c00"); /* the first names in byte order, though they came last */
    assert_string_equal(talks[KEPT].key, "c63");
    assert_string_equal(talks[KEPT + 1].key, "(other)");
    assert_true(talks[KEPT + 1].numerator == CHANNELS - KEPT && people[KEPT + 1].numerator >= 1);
    assert_true(people->denominator == 1);
    assert_false(talks[KEPT + 2].part);
    for (int i = 0; i < CHANNELS; i++) {
        free(records[i]);
    }
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_value),
        cmocka_unit_test(automation),
        cmocka_unit_test(escalation_steps),
        cmocka_unit_test(first_contact),
        cmocka_unit_test(durations),
        cmocka_unit_test(waits),
        cmocka_unit_test(complaint_of_two_days),
        cmocka_unit_test(untimed_conversations),
        cmocka_unit_test(resolved_before_asked),
        cmocka_unit_test(accuracy_apart),
        cmocka_unit_test(money),
        cmocka_unit_test(surveys),
        cmocka_unit_test(sixty_percent),
        cmocka_unit_test(customers_and_channels),
        cmocka_unit_test(edges_of_the_curve),
        cmocka_unit_test(twice_is_recurrent),
        cmocka_unit_test(more_channels_than_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
