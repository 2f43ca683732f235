/* What single conversations add to the hourly sums is, added up, what the KPIs of all of them stand on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "make_record.h"
#include "metrics/kpi.h"
#include "metrics/sums.h"

enum { RECORDS = 400, NAMES_MAX = 512 };

static uint64_t seed = 11;
static uint32_t below(uint32_t end)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % end;
}

static struct ct_record *any_record(void)
{
    static const char *const channels[] = {NULL, "web", "whatsapp", "ñ"}, *const currencies[] = {"EUR", "USD"};
    struct ct_record head = make_head();
    int64_t responses[5];
    head.message_count = 2 + below(9);
    head.engaged = below(8) != 0;
    head.ai_answered = below(5) != 0;
    head.bot_involved = head.ai_answered;
    head.timed = below(6) != 0;
    if (head.timed) {
        head.started_at = (ct_usec)below(1u << 30) * CT_USEC_PER_SECOND;
        head.ended_at = head.started_at + below(1u << 30);
        head.first_response_usec = below(1u << 25);
        head.ai_handling_usec = below(1u << 30);
        head.total_handling_usec = head.ai_handling_usec + below(1u << 30);
        head.resolved_at = head.started_at + below(1u << 30);
    }
    head.outcome = (uint8_t)below(CT_OUTCOME_COUNT);
    head.resolved = (uint8_t)below(3);
    head.escalated = head.outcome == CT_OUTCOME_ESCALATED;
    head.requested = head.escalated || below(3) == 0;
    head.complaint = below(7) == 0;
    head.positive = below(3) == 0;
    head.negative = below(3) == 0;
    head.user_messages = below(9);
    head.bot_messages = below(9);
    head.fallbacks = below(2);
    head.judged = below(3);
    head.judged_correct = head.judged ? below(head.judged + 1) : 0;
    if (below(3) == 0) {
        head.score[CT_SCORE_CSAT] = (struct ct_score){
            .present = true, .value = (int32_t)(1 + below(5)), .scale_min = 1, .scale_max = below(2) ? 5 : 10};
    }
    if (below(3) == 0) {
        head.score[CT_SCORE_NPS] = (struct ct_score){.present = true, .value = (int32_t)below(11), .scale_max = 10};
    }
    head.has_cost = below(2) == 0;
    head.cost = head.cost_source = (ct_nano)below(1u << 30);
    for (unsigned i = 0; i < 5; i++) {
        responses[i] = below(1u << 25);
    }
    return make_record(&head, &(struct make_tail){.text = {[CT_TEXT_CONVERSATION_ID] = "c",
                                                           [CT_TEXT_CHANNEL] = channels[below(4)],
                                                           [CT_TEXT_CURRENCY] = currencies[below(2)]},
                                                  .response_usec = responses,
                                                  .response_count = head.ai_answered ? below(6) : 0});
}

struct total {
    char name[160];
    ct_wide value;
};
static struct total totals[NAMES_MAX];
static size_t total_count;

static struct total *total_of(const char *name)
{
    for (size_t i = 0; i < total_count; i++) {
        if (strcmp(totals[i].name, name) == 0) {
            return &totals[i];
        }
    }
    assert_true(total_count < NAMES_MAX);
    snprintf(totals[total_count].name, sizeof totals[total_count].name, "%s", name);
    totals[total_count].value = 0;
    return &totals[total_count++];
}

static ct_wide sum_of(const struct ct_figure *figure, bool keyed, const char *part)
{
    char name[160];
    const char *key = keyed ? figure->key : "";
    snprintf(name, sizeof name, "%s%s%s%s.%s", figure->kpi->id, *key ? "[" : "", key, *key ? "]" : "", part);
    return total_of(name)->value;
}

static void they_add_up(void **state)
{
    (void)state;
    struct ct_sums *scratch = ct_sums_new();
    struct ct_kpi_set *set = ct_kpis_new();
    struct ct_block block;
    size_t compared = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        struct ct_record *record = any_record();
        const struct ct_sum *sums;
        size_t count;
        ct_kpis_fold(set, record);
        /* Marks of the customer change nothing. */
        record->first_contact = CT_TRUE;
        record->returned = true;
        record->observed_usec = INT64_MAX;
        assert_int_equal(ct_sums_of(scratch, record, &sums, &count), CT_OK);
        for (size_t j = 0; j < count; j++) {
            assert_true(sums[j].value != 0);
            total_of(sums[j].measure)->value += sums[j].value;
        }
        free(record);
    }
    assert_int_equal(ct_kpis_compute(set, NULL, &block), CT_OK);
    for (size_t i = 0; i < block.figure_count; i++) {
        const struct ct_figure *f = &block.figures[i];
        bool shares = f->kpi->kind == CT_KPI_SHARES;
        bool has_parts = i + 1 < block.figure_count && !f->part && block.figures[i + 1].part;
        if (has_parts || !f->kpi->id[0]) {
            continue; /* its parts follow */
        }
        if (sum_of(f, true, "numerator") != f->numerator ||
            (f->kpi->kind != CT_KPI_SUM && sum_of(f, !shares, "denominator") != f->denominator)) {
            fail_msg("%s[%s]: %lld of %lld are due, the sums say %lld of %lld", f->kpi->id, f->key,
                     (long long)f->numerator, (long long)f->denominator, (long long)sum_of(f, true, "numerator"),
                     (long long)sum_of(f, !shares, "denominator"));
        }
        compared += f->denominator > 1;
    }
    assert_true(compared > 35);
    ct_block_done(&block);
    ct_kpis_free(set);
    ct_sums_free(scratch);
}

static void assert_same_sums(const struct ct_sum *a, size_t a_count, const struct ct_sum *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        assert_string_equal(a[i].measure, b[i].measure);
        assert_int_equal(a[i].value, b[i].value);
    }
}

/* Nothing of a conversation is left when the next one is folded: a scratch that has seen many says what a new one does.
 */
static void each_as_if_alone(void **state)
{
    (void)state;
    struct ct_sums *scratch = ct_sums_new();
    for (unsigned i = 0; i < RECORDS; i++) {
        struct ct_record *record = any_record();
        const struct ct_sum *sums, *alone;
        size_t count, alone_count;
        struct ct_sums *fresh = ct_sums_new();
        for (unsigned kind = 0; kind < CT_SCORE_COUNT; kind++) {
            record->survey_asked[kind] = below(2);
            record->score[kind] = (struct ct_score){.present = below(2),
                                                    .value = (int32_t)below(11),
                                                    .scale_min = (int32_t)below(2),
                                                    .scale_max = below(2) ? 5 : 10,
                                                    .turned = below(2)};
        }
        assert_int_equal(ct_sums_of(scratch, record, &sums, &count), CT_OK);
        assert_int_equal(ct_sums_of(fresh, record, &alone, &alone_count), CT_OK);
        assert_same_sums(sums, count, alone, alone_count);
        ct_sums_free(fresh);
        free(record);
    }
    ct_sums_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(they_add_up), cmocka_unit_test(each_as_if_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
