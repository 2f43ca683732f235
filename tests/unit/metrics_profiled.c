/* Figures by definitions: against values worked out by hand, against each conversation's standing, and the laws of the
 * counts behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "metrics/customer.h"
#include "metrics/kpi.h"
#include "metrics/profiled.h"
#include "random_record.h"
#include "tests/unit/fold_customer.h"
#include "tests/unit/profile_talk.h"

/* ---- figures ----------------------------------------------------------------------------------------------------- */

static void compute(const struct ct_record *heads, size_t count, enum ct_profile profile, struct ct_block *block)
{
    struct ct_kpi_set *set = ct_kpis_new();
    const struct ct_kpi_options options = {.profile = profile};
    assert_non_null(set);
    for (size_t i = 0; i < count; i++) {
        struct ct_record *record = make_record(&heads[i], NULL);
        record->conversation_hash = i + 1;
        const struct ct_record *one = record;
        fold_customer_of(set, &one, 1);
        free(record);
    }
    assert_int_equal(ct_kpis_compute(set, &options, block), CT_OK);
    ct_kpis_free(set);
}

static void fraction(const struct ct_block *block, const char *kpi, int numerator, int denominator, int left_out)
{
    const struct ct_figure *f = ct_block_figure(block, kpi);
    assert_non_null(f);
    if (f->numerator != numerator || f->denominator != denominator || f->left_out != (uint64_t)left_out) {
        print_error("%s: %d / %d, %d left out\n", kpi, (int)f->numerator, (int)f->denominator, (int)f->left_out);
    }
    assert_true(f->numerator == numerator && f->denominator == denominator && f->left_out == (uint64_t)left_out);
}

/* Ten conversations: confirmed, implied, silent, silent and back after 2 days, silent and young (2 h), unresolved,
 * abandoned, escalated and resolved, asked in vain, not engaged. */
static void ten_conversations(void **state)
{
    (void)state;
    const struct ct_record ten[] = {confirmed(),
                                    talk(CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE),
                                    silent(),
                                    back_after(silent(), 2 * DAY),
                                    young(silent(), 2 * HOUR),
                                    unresolved(),
                                    abandoned(),
                                    escalated(CT_TRUE),
                                    in_vain(),
                                    unengaged()};
    struct ct_block block;
    compute(ten, 10, CT_PROFILE_CONVTAP, &block);
    fraction(&block, "automation_rate", 2, 9, 0);
    assert_null(ct_block_figure(&block, "automation_rate")->definition);
    ct_block_done(&block);

    compute(ten, 10, CT_PROFILE_COPILOT_STUDIO, &block);
    fraction(&block, "automation_rate", 5, 9, 0); /* the three silent ones, too */
    fraction(&block, "escalation_rate", 2, 9, 0);
    fraction(&block, "containment_rate", 8, 9, 0); /* it has none: convtap's */
    const struct ct_figure *f = ct_block_figure(&block, "automation_rate");
    assert_string_equal(f->definition->profile, "copilot-studio");
    assert_true(f->value_num * 9 == f->value_den * 500 && f->has_interval &&
                f->kpi == ct_kpi_find(ct_span_of(f->kpi->id)));
    assert_null(ct_block_figure(&block, "containment_rate")->definition);
    assert_null(ct_block_figure(&block, "automation_rate.confirmed")->definition);
    ct_block_done(&block);

    compute(ten, 10, CT_PROFILE_INTERCOM, &block);
    fraction(&block, "automation_rate", 3, 8, 1); /* one taken back, one too young */
    ct_block_done(&block);

    compute(ten, 10, CT_PROFILE_ZENDESK, &block);
    fraction(&block, "automation_rate", 3, 8, 1);
    f = ct_block_figure(&block, "automation_rate");
    assert_true(f->provisional == 1 && f->settles_at == START + 600 * SECOND + 3 * DAY);
    fraction(&block, "containment_rate", 7, 9, 0);
    ct_block_done(&block);

    compute(ten, 10, CT_PROFILE_ADA, &block);
    fraction(&block, "automation_rate", 2, 6, 3);
    f = ct_block_figure(&block, "aht");
    assert_true(f->n == 8 && f->numerator == 8 * 600 * SECOND && f->value_num == 600 * f->value_den);
    ct_block_done(&block);

    compute(ten, 10, CT_PROFILE_GOOGLE_CX, &block);
    fraction(&block, "containment_rate", 7, 8, 1);
    fraction(&block, "escalation_rate", 1, 10, 0);
    fraction(&block, "fcr", 3, 8, 1);
    ct_block_done(&block);

    compute(ten, 10, CT_PROFILE_AMAZON_CONNECT, &block);
    fraction(&block, "automation_rate", 2, 9, 0);
    ct_block_done(&block);

    compute(ten, 10, CT_PROFILE_CHATWOOT, &block);
    fraction(&block, "automation_rate", 2, 10, 0);
    fraction(&block, "escalation_rate", 1, 10, 0);
    ct_block_done(&block);
}

/* Scores 5, 4, 3, 1 of 1-5: share 2 / 4, mean 13 / 4, top box 1 / 4. */
static void surveys(void **state)
{
    (void)state;
    const struct ct_record four[] = {with_score(confirmed(), 5, 1, 5), with_score(silent(), 4, 1, 5),
                                     with_score(unresolved(), 3, 1, 5), with_score(unresolved(), 1, 1, 5)};
    struct ct_block block;
    compute(four, 4, CT_PROFILE_CONVTAP, &block);
    fraction(&block, "csat", 2, 4, 0);
    ct_block_done(&block);
    static const enum ct_profile means[] = {CT_PROFILE_COPILOT_STUDIO, CT_PROFILE_CHATWOOT};
    for (size_t i = 0; i < 2; i++) {
        compute(four, 4, means[i], &block);
        const struct ct_figure *f = ct_block_figure(&block, "csat"), *mean = ct_block_figure(&block, "csat.mean");
        assert_true(f->kpi->kind == CT_KPI_MEAN && f->kpi->unit == CT_UNIT_POINTS);
        assert_true(f->target.op == CT_TARGET_NONE && f->status == CT_STATUS_NONE); /* 85 % is no target in points */
        assert_true(f->value_num * 4 == f->value_den * 13 && f->n == 4);
        assert_true(f->error_micro == mean->error_micro && f->low_micro == mean->low_micro);
        assert_string_equal(f->key, "1-5");
        ct_block_done(&block);
    }
    compute(four, 4, CT_PROFILE_SQM, &block);
    fraction(&block, "csat", 1, 4, 0);
    fraction(&block, "fcr", 2, 4, 0);
    ct_block_done(&block);
}

/* ---- convtap's own rows are what the metrics count; all others are what their cells count --------------------------
 */

enum { PEOPLE = 80, EACH = 6 };
static struct ct_record *people[PEOPLE][EACH];
static size_t visits[PEOPLE];

static unsigned return_topic = CT_RETURN_TOPIC_SAME;

static void populate(void)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        bool known = chance(80);
        visits[i] = known ? 1 + below(EACH) : 1;
        for (size_t j = 0; j < visits[i]; j++) {
            struct ct_record *r = random_record(known, 5);
            r->resolved = r->outcome == CT_OUTCOME_RESOLVED_CONFIRMED || r->outcome == CT_OUTCOME_RESOLVED_IMPLIED
                              ? CT_TRUE
                              : r->resolved;
            r->closed_by_event = chance(40);
            r->reopened = chance(20);
            r->fallbacks = chance(50) ? 0 : r->fallbacks;
            r->human_joined = r->performed = r->escalated;
            r->joined_at = r->escalated && r->timed ? r->started_at + (ct_usec)below(1000000) : CT_USEC_NONE;
            r->ai_answered = r->ai_answered && r->engaged;
            r->first_response_usec = r->ai_answered ? r->first_response_usec : CT_USEC_NONE;
            r->score[CT_SCORE_CSAT].scale_min = 1; /* one scale: the head has all answers */
            r->score[CT_SCORE_CSAT].scale_max = 5;
            r->score[CT_SCORE_CSAT].positive_from = 0;
            r->score[CT_SCORE_CSAT].turned = false;
            people[i][j] = r;
        }
        ct_customer_sort(people[i], visits[i]);
        const struct ct_terms terms = {.return_window_usec = CT_RETURN_WINDOW_DEFAULT, .return_topic = return_topic};
        ct_customer_mark_on(people[i], visits[i], &terms, 92 * DAY);
    }
}

static void clear(void)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        for (size_t j = 0; j < visits[i]; j++) {
            free(people[i][j]);
        }
    }
}

static void fold_all(struct ct_kpi_set *set)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        fold_customer_of(set, (const struct ct_record *const *)people[i], visits[i]);
    }
}

static void check_figure(const struct ct_definition *definition, const struct ct_figure *figure)
{
    uint64_t base = 0, hits = 0, left = 0;
    ct_wide sum = 0;
    for (size_t i = 0; i < PEOPLE; i++) {
        for (size_t j = 0; j < visits[i]; j++) {
            struct ct_standing standing;
            ct_definition_place(definition, people[i][j], &standing);
            base += standing.place >= CT_STAND_BASE;
            hits += standing.place == CT_STAND_HIT;
            left += standing.place == CT_STAND_LEFT;
            sum += standing.place == CT_STAND_HIT ? standing.value : 0;
        }
    }
    ct_wide numerator = definition->kind == CT_KPI_MEAN ? sum : (ct_wide)hits;
    if (figure->numerator != numerator || figure->denominator != (ct_wide)base || figure->left_out != left) {
        print_error("%s of %s: %lld / %llu, %llu; the figure %lld / %lld, %llu\n", definition->kpi, definition->profile,
                    (long long)numerator, (unsigned long long)base, (unsigned long long)left,
                    (long long)figure->numerator, (long long)figure->denominator, (unsigned long long)figure->left_out);
    }
    if (base == 0 || hits == 0) {
        print_error("%s of %s: nobody in it\n", definition->kpi, definition->profile);
    }
    assert_true(base > 0 && hits > 0);
    assert_true(figure->numerator == numerator && figure->denominator == (ct_wide)base && figure->left_out == left);
}

static void membership_is_the_figure(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        seed = 4242 + round;
        populate();
        struct ct_kpi_set *set = ct_kpis_new();
        size_t count;
        const struct ct_definition *rows = ct_definitions(&count);
        fold_all(set);
        for (size_t i = 0; i < count; i++) {
            struct ct_kpi_options options = {0};
            struct ct_block block;
            assert_true(ct_profile_from(ct_span_of(rows[i].profile), &options.profile));
            assert_int_equal(ct_kpis_compute(set, &options, &block), CT_OK);
            check_figure(&rows[i], ct_block_figure(&block, rows[i].kpi));
            ct_block_done(&block);
        }
        ct_kpis_free(set);
        clear();
    }
}

/* The 24 hours of google-cx are one point of the catalogue's own curve, where that asks for no topic either. */
static void google_is_the_curve(void **state)
{
    (void)state;
    seed = 99;
    return_topic = CT_RETURN_TOPIC_ANY;
    populate();
    return_topic = CT_RETURN_TOPIC_SAME;
    struct ct_kpi_set *set = ct_kpis_new();
    struct ct_block block;
    fold_all(set);
    assert_int_equal(ct_kpis_compute(set, &(struct ct_kpi_options){.profile = CT_PROFILE_GOOGLE_CX}, &block), CT_OK);
    const struct ct_figure *own = ct_block_figure(&block, "fcr.1d"), *theirs = ct_block_figure(&block, "fcr");
    assert_true(theirs->definition && !own->definition && own->denominator > 0);
    assert_true(own->numerator == theirs->numerator && own->denominator == theirs->denominator);
    ct_block_done(&block);
    ct_kpis_free(set);
    clear();
}

/* Merged in any way the same bytes; given back, the figures of the rest and in the end the empty set. */
static void laws(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        seed = 700 + round;
        populate();
        const struct ct_metric *metric = &ct_metric_profiled;
        struct ct_profiled *whole = calloc(1, sizeof *whole), *part = calloc(3, sizeof *part);
        struct ct_profiled *empty = calloc(1, sizeof *empty);
        for (size_t i = 0; i < PEOPLE; i++) {
            for (size_t j = 0; j < visits[i]; j++) {
                metric->fold(whole, people[i][j]);
                metric->fold(&part[below(3)], people[i][j]);
            }
        }
        metric->merge(&part[1], &part[2], 1);
        struct ct_profiled *sum = malloc(sizeof *sum);
        memcpy(sum, &part[1], sizeof *sum);
        metric->merge(sum, &part[0], 1);
        assert_memory_equal(sum, whole, sizeof *whole);
        metric->merge(&part[0], &part[1], 1); /* the other way round */
        assert_memory_equal(&part[0], whole, sizeof *whole);
        metric->merge(sum, &part[1], -1);
        metric->merge(&part[0], &part[1], -1);
        assert_memory_equal(sum, &part[0], sizeof *sum);
        metric->merge(whole, &part[1], -1);
        metric->merge(whole, sum, -1);
        assert_memory_equal(whole, empty, sizeof *empty);
        free(whole);
        free(part);
        free(sum);
        free(empty);
        clear();
    }
}

/* Not a promise, but said: what a conversation costs, and how large the state is. */
static void cost(void **state)
{
    (void)state;
    enum { TIMES = 2000 };
    seed = 5;
    populate();
    struct ct_profiled *s = calloc(1, sizeof *s);
    struct timespec begin, end;
    uint64_t folded = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned t = 0; t < TIMES; t++) {
        for (size_t i = 0; i < PEOPLE; i++) {
            ct_metric_profiled.fold(s, people[i][0]);
            folded++;
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t nsec = (end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + (end.tv_nsec - begin.tv_nsec);
    print_message("%lld ns a conversation, %zu bytes of state, %d definitions counted\n",
                  (long long)(nsec / (int64_t)folded), sizeof *s, (int)CT_PROFILED_CELLS);
    assert_true(sizeof *s < 8192);
    free(s);
    clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_conversations),   cmocka_unit_test(surveys), cmocka_unit_test(membership_is_the_figure),
        cmocka_unit_test(google_is_the_curve), cmocka_unit_test(laws),    cmocka_unit_test(cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
