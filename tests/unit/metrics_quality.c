/* metrics_quality.c - human marks against rules: which mark counts, confusions worked out by hand, corrections against
 * figures of an independent computation in 60 decimal digits, and the monoid laws with marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "make_record.h"
#include "metrics/correction.h"
#include "metrics/kpi.h"
#include "metrics/marks.h"
#include "metrics/quality.h"

/* ---- marks ------------------------------------------------------------------------------------------------------ */

struct said {
    const char *tenant, *id;
    uint32_t session;
    ct_usec at;
    const char *by;
    enum ct_mark_field field;
    const char *name, *text;
    int64_t value, more;
};

static struct ct_marks *marks_of(const struct said *said, size_t count, bool backwards)
{
    struct ct_marks *marks = ct_marks_new();
    assert_non_null(marks);
    for (size_t i = 0; i < count; i++) {
        const struct said *s = &said[backwards ? count - 1 - i : i];
        const struct ct_mark_origin origin = {.tenant = ct_span_of(s->tenant ? s->tenant : ""),
                                              .conversation_id = ct_span_of(s->id),
                                              .session = s->session ? s->session : 1,
                                              .at = s->at,
                                              .by = ct_span_of(s->by ? s->by : "")};
        const struct ct_mark mark = {.field = s->field,
                                     .name = ct_span_of(s->name ? s->name : ""),
                                     .text = ct_span_of(s->text ? s->text : ""),
                                     .value = s->value,
                                     .more = s->more};
        assert_int_equal(ct_marks_add(marks, &origin, &mark), CT_OK);
    }
    assert_int_equal(ct_marks_settle(marks), CT_OK);
    return marks;
}

static struct ct_record *talk(struct ct_record head, const char *tenant, const char *id)
{
    struct make_tail tail = {.text = {[CT_TEXT_CONVERSATION_ID] = id, [CT_TEXT_TENANT] = tenant}};
    head.session = head.session ? head.session : 1;
    return make_record(&head, &tail);
}

static enum ct_tri resolved_of(const struct ct_marks *marks, const char *tenant, const char *id, uint32_t session)
{
    struct ct_record head = make_head();
    head.session = session;
    struct ct_record *record = talk(head, tenant, id);
    const struct ct_marked *marked = ct_marks_find(marks, record);
    enum ct_tri resolved = marked ? ct_marks_truth(marks, marked).resolved : CT_NULL;
    free(record);
    return resolved;
}

static void later_marks_count(void **state)
{
    (void)state;
    static const struct said said[] = {
        {.id = "a", .at = 20, .by = "ana", .field = CT_MARK_RESOLVED, .value = 1},
        {.id = "a", .at = 10, .by = "zoe", .field = CT_MARK_RESOLVED, .value = 0}, /* earlier */
        {.id = "b", .at = 10, .by = "zoe", .field = CT_MARK_RESOLVED, .value = 0}, /* the greater name */
        {.id = "b", .at = 10, .by = "ana", .field = CT_MARK_RESOLVED, .value = 1},
        {.id = "c", .at = CT_USEC_NONE, .by = "z", .field = CT_MARK_RESOLVED, .value = 1}, /* no time: first of all */
        {.id = "c", .at = 0, .by = "a", .field = CT_MARK_RESOLVED, .value = 0},
        {.id = "d", .at = 5, .by = "ana", .field = CT_MARK_RESOLVED, .value = 1}, /* the same again: no conflict */
        {.id = "d", .at = 6, .by = "ana", .field = CT_MARK_RESOLVED, .value = 1},
        {.id = "e", .at = 5, .by = "ana", .field = CT_MARK_RESOLVED, .value = 0}, /* nothing to choose by: the value */
        {.id = "e", .at = 5, .by = "ana", .field = CT_MARK_RESOLVED, .value = 1},
    };
    for (int backwards = 0; backwards < 2; backwards++) {
        struct ct_marks *marks = marks_of(said, sizeof said / sizeof *said, backwards);
        assert_int_equal(marks->marked_count, 5);
        assert_int_equal(marks->conflicts, 4);
        assert_int_equal(resolved_of(marks, NULL, "a", 1), CT_TRUE);
        assert_int_equal(resolved_of(marks, NULL, "b", 1), CT_FALSE);
        assert_int_equal(resolved_of(marks, NULL, "c", 1), CT_FALSE);
        assert_int_equal(resolved_of(marks, NULL, "d", 1), CT_TRUE);
        assert_int_equal(resolved_of(marks, NULL, "e", 1), CT_TRUE);
        assert_int_equal(resolved_of(marks, NULL, "f", 1), CT_NULL);
        ct_marks_free(marks);
    }
}

static void tenants_and_sessions(void **state)
{
    (void)state;
    static const struct said said[] = {
        {.id = "a", .field = CT_MARK_RESOLVED, .value = 1},
        {.id = "a", .tenant = "north", .field = CT_MARK_RESOLVED, .value = 0},
        {.id = "a", .session = 2, .field = CT_MARK_RESOLVED, .value = 0},
    };
    struct ct_marks *marks = marks_of(said, 3, false);
    assert_int_equal(marks->conflicts, 0);
    assert_int_equal(resolved_of(marks, NULL, "a", 1), CT_TRUE);
    assert_int_equal(resolved_of(marks, "south", "a", 1), CT_TRUE); /* without a tenant: of any */
    assert_int_equal(resolved_of(marks, "north", "a", 1), CT_FALSE);
    assert_int_equal(resolved_of(marks, NULL, "a", 2), CT_FALSE);
    assert_int_equal(resolved_of(marks, NULL, "a", 3), CT_NULL);
    ct_marks_free(marks);
}

static struct ct_mark_truth truth_of(const struct said *said, size_t count)
{
    struct ct_marks *marks = marks_of(said, count, false);
    struct ct_record *record = talk(make_head(), NULL, said->id);
    struct ct_mark_truth truth = ct_marks_truth(marks, ct_marks_find(marks, record));
    free(record);
    ct_marks_free(marks);
    return truth;
}

static void outcomes_say_what_follows(void **state)
{
    (void)state;
    static const enum ct_tri resolved[CT_OUTCOME_COUNT] = {[CT_OUTCOME_NOT_ENGAGED] = CT_NULL,
                                                           [CT_OUTCOME_ESCALATED] = CT_NULL,
                                                           [CT_OUTCOME_ESCALATION_FAILED] = CT_FALSE,
                                                           [CT_OUTCOME_RESOLVED_CONFIRMED] = CT_TRUE,
                                                           [CT_OUTCOME_UNRESOLVED] = CT_FALSE,
                                                           [CT_OUTCOME_RESOLVED_IMPLIED] = CT_TRUE,
                                                           [CT_OUTCOME_SILENT] = CT_NULL,
                                                           [CT_OUTCOME_ABANDONED] = CT_FALSE};
    for (int i = 0; i < CT_OUTCOME_COUNT; i++) {
        const struct said said[] = {{.id = "a", .field = CT_MARK_OUTCOME, .value = i},
                                    {.id = "a", .field = CT_MARK_RESOLVED, .value = 1}};
        struct ct_mark_truth alone = truth_of(said, 1), both = truth_of(said, 2);
        assert_int_equal(alone.outcome, i);
        assert_int_equal(alone.resolved, resolved[i]);
        assert_int_equal(alone.escalated, i == CT_OUTCOME_ESCALATED ? CT_TRUE : CT_FALSE);
        assert_int_equal(alone.complaint, CT_NULL);
        assert_int_equal(both.resolved, CT_TRUE); /* what is said outright goes first */
    }
}

/* ---- confusions, by hand ---------------------------------------------------------------------------------------- */

/* Ten conversations: what the rules say, what the marks say.
 *   resolved   rules 1 1 1 0 0 0 - 1 0 1    marks 1 1 0 0 0 1 1 1 0 .     tp 3 fp 1 fn 1 tn 3, unknown 1
 *   escalated  rules 0 0 0 1 0 0 0 0 1 0    marks 0 0 0 1 1 . . . 1 .     tp 2 fp 0 fn 1 tn 3
 *   topic      rules b b b d d - b b b b    marks b b d d d d - . . .     7, agreed 5 (a topic of none is one) */
static const struct {
    int resolved, escalated;
    const char *topic;
    int mark_resolved, mark_escalated; /* -1 = no mark */
    const char *mark_topic;
} ten[10] = {{1, 0, "billing", 1, 0, "billing"},
             {1, 0, "billing", 1, 0, "billing"},
             {1, 0, "billing", 0, 0, "delivery"},
             {0, 1, "delivery", 0, 1, "delivery"},
             {0, 0, "delivery", 0, 1, "delivery"},
             {0, 0, "", 1, -1, "delivery"},
             {2, 0, "", 1, -1, ""},
             {1, 0, "billing", 1, -1, NULL},
             {0, 1, "billing", 0, 1, NULL},
             {1, 0, "billing", -1, -1, NULL}};

static struct ct_marks *marks_of_ten(void)
{
    struct said said[30];
    static char names[10][16];
    size_t count = 0;
    for (int i = 0; i < 10; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        if (ten[i].mark_resolved >= 0) {
            said[count++] = (struct said){.id = names[i], .field = CT_MARK_RESOLVED, .value = ten[i].mark_resolved};
        }
        if (ten[i].mark_escalated >= 0) {
            said[count++] = (struct said){.id = names[i], .field = CT_MARK_ESCALATED, .value = ten[i].mark_escalated};
        }
        if (ten[i].mark_topic) {
            said[count++] = (struct said){.id = names[i], .field = CT_MARK_TOPIC, .text = ten[i].mark_topic};
        }
    }
    return marks_of(said, count, false);
}

static struct ct_record *record_of_ten(int i)
{
    char name[16];
    snprintf(name, sizeof name, "c%d", i);
    struct ct_record head = make_head();
    struct make_tail tail = {.text = {[CT_TEXT_CONVERSATION_ID] = name, [CT_TEXT_TOPIC] = ten[i].topic}};
    head.session = 1;
    head.engaged = head.ai_answered = true;
    head.resolved = (uint8_t)ten[i].resolved;
    head.escalated = ten[i].escalated;
    head.conversation_hash = head.customer_hash = (uint64_t)i + 1;
    return make_record(&head, &tail);
}

static void fold_ten(struct ct_kpi_set *set, const struct ct_terms *terms)
{
    for (int i = 0; i < 10; i++) {
        struct ct_record *record = record_of_ten(i);
        const struct ct_record *const list[] = {record};
        const struct ct_customer customer = {.records = list, .record_count = 1, .terms = terms};
        ct_kpis_fold_customer(set, &customer);
        free(record);
    }
}

static const struct ct_quality_row *row_of(const struct ct_quality_findings *f, enum ct_quality_subject subject,
                                           const char *key)
{
    for (size_t i = 0; i < f->row_count; i++) {
        if (f->rows[i].subject == subject && strcmp(f->rows[i].key, key) == 0) {
            return &f->rows[i];
        }
    }
    return NULL;
}

static void assert_counts(const struct ct_quality_row *row, unsigned tp, unsigned fp, unsigned fn, unsigned tn)
{
    assert_non_null(row);
    assert_int_equal(row->tp, tp);
    assert_int_equal(row->fp, fp);
    assert_int_equal(row->fn, fn);
    assert_int_equal(row->tn, tn);
    assert_int_equal(row->n, tp + fp + fn + tn);
    assert_int_equal(row->agreed, tp + tn);
}

/* num / den in lowest terms, or not: compared crosswise. */
static void assert_kappa(const struct ct_quality_row *row, int num, int den)
{
    assert_true(row->has_kappa);
    assert_true(row->kappa_num * den == row->kappa_den * num);
}

static void ten_by_hand(void **state)
{
    (void)state;
    struct ct_marks *marks = marks_of_ten();
    struct ct_terms terms = CT_TERMS_DEFAULT;
    struct ct_kpi_set *set = ct_kpis_new();
    struct ct_quality_findings found;
    struct ct_block total;
    terms.marks = marks;
    fold_ten(set, &terms);
    assert_int_equal(ct_kpis_compute(set, NULL, &total), CT_OK);
    ct_quality_read(ct_kpis_quality(set), &total, &found);
    assert_int_equal(found.marked, 9);
    const struct ct_quality_row *row = row_of(&found, CT_QUALITY_RESOLVED, "");
    assert_counts(row, 3, 1, 1, 3);
    assert_int_equal(row->unknown, 1);
    assert_kappa(row, 1, 2);                        /* (6/8 - 1/2) / (1 - 1/2) */
    assert_int_equal(row->precision_low, 30064184); /* Wilson of 3 / 4 */
    assert_int_equal(row->precision_high, 95441274);
    assert_int_equal(row->recall_low, 30064184);
    row = row_of(&found, CT_QUALITY_ESCALATED, "");
    assert_counts(row, 2, 0, 1, 3);
    assert_kappa(row, 2, 3); /* (5/6 - 1/2) / (1 - 1/2): by chance 2x3 + 4x3 of 36 */
    assert_null(row_of(&found, CT_QUALITY_COMPLAINT, ""));
    assert_null(row_of(&found, CT_QUALITY_OUTCOME, ""));
    row = row_of(&found, CT_QUALITY_TOPIC, "");
    assert_true(row->classes);
    assert_int_equal(row->n, 7);
    assert_int_equal(row->agreed, 5);
    assert_kappa(row, 19, 33); /* (5/7 - 16/49) / (1 - 16/49): by chance 3x2 + 2x4 + 2x1 of 49 */
    assert_counts(row_of(&found, CT_QUALITY_TOPIC, "billing"), 2, 1, 0, 4);
    assert_counts(row_of(&found, CT_QUALITY_TOPIC, "delivery"), 2, 0, 2, 3);
    assert_counts(row_of(&found, CT_QUALITY_TOPIC, "none"), 1, 1, 0, 5);
    /* Four conversations with an escalation mark say of automation: 1, 1 yes; the others no. */
    assert_int_equal(found.correction_count, CT_QUALITY_CORRECTIONS);
    assert_string_equal(found.corrections[0].kpi->id, "automation_rate");
    assert_int_equal(found.corrections[0].status, CT_CORRECTION_TOO_FEW);
    assert_int_equal(found.corrections[0].tp, 2);
    assert_int_equal(found.corrections[0].fp, 1);
    assert_int_equal(found.corrections[0].fn, 0);
    assert_int_equal(found.corrections[0].tn, 3);
    assert_int_equal(found.corrections[0].raw_num, 5);
    assert_int_equal(found.corrections[0].raw_den, 10);
    assert_int_equal(found.corrections[2].status, CT_CORRECTION_NO_VALUE); /* no customer is known */
    ct_block_done(&total);
    ct_kpis_free(set);
    ct_marks_free(marks);
}

/* Without marks nothing of it is there. */
static void nothing_without_marks(void **state)
{
    (void)state;
    struct ct_terms terms = CT_TERMS_DEFAULT;
    struct ct_kpi_set *set = ct_kpis_new();
    static const struct ct_quality none;
    fold_ten(set, &terms);
    assert_memory_equal(ct_kpis_quality(set), &none, sizeof none);
    ct_kpis_free(set);
}

/* However the ten are divided and merged: the same bytes; and given back: empty. */
static void laws(void **state)
{
    (void)state;
    struct ct_marks *marks = marks_of_ten();
    struct ct_terms terms = CT_TERMS_DEFAULT;
    static const struct ct_quality none;
    terms.marks = marks;
    struct ct_quality whole = {0}, parts[3], merged;
    struct ct_record *records[10];
    for (int i = 0; i < 10; i++) {
        records[i] = record_of_ten(i);
        ct_metric_quality.fold_open(&whole, records[i], &terms);
    }
    for (unsigned way = 0; way < 59049; way += 131) { /* which of three has each of the ten */
        memset(parts, 0, sizeof parts);
        memset(&merged, 0, sizeof merged);
        for (unsigned i = 0, rest = way; i < 10; i++, rest /= 3) {
            unsigned at = way % 2 ? i : 9 - i;
            ct_metric_quality.fold_open(&parts[rest % 3], records[at], &terms);
        }
        for (unsigned p = 0; p < 3; p++) {
            ct_metric_quality.merge(&merged, &parts[(p + way) % 3], 1);
        }
        assert_memory_equal(&merged, &whole, sizeof whole);
        for (unsigned p = 0; p < 3; p++) {
            ct_metric_quality.merge(&merged, &parts[p], -1);
        }
        assert_memory_equal(&merged, &none, sizeof none);
    }
    for (int i = 0; i < 10; i++) {
        free(records[i]);
    }
    ct_marks_free(marks);
}

/* ---- corrections ------------------------------------------------------------------------------------------------ */

static struct ct_quality_correction corrected(int64_t raw_num, int64_t raw_den, unsigned tp, unsigned fn, unsigned tn,
                                              unsigned fp)
{
    struct ct_quality_correction c = {.raw_num = raw_num, .raw_den = raw_den, .tp = tp, .fn = fn, .tn = tn, .fp = fp};
    ct_correction_fill(&c);
    return c;
}

static void assert_near(int64_t is, int64_t due)
{
    assert_in_range(is - due + 2, 0, 4); /* of 100000000 */
}

static void corrections(void **state)
{
    (void)state;
    /* Sensitivity 0.9, specificity 0.8: (0.6 + 0.8 - 1) / 0.7 = 4/7. */
    struct ct_quality_correction c = corrected(600, 1000, 45, 5, 40, 10);
    assert_int_equal(c.status, CT_CORRECTION_DONE);
    assert_true(c.num * 7 == c.den * 400);
    assert_false(c.clipped || c.clipped_low || c.clipped_high);
    assert_near(c.low_micro, 46331202);
    assert_near(c.high_micro, 68635812);
    c = corrected(5, 10, 20, 0, 20, 0); /* rules that never erred: the raw figure, less sure */
    assert_true(c.num == c.den * 50);
    assert_near(c.low_micro, 20244794);
    assert_near(c.high_micro, 79755206);
    c = corrected(0, 50, 25, 0, 30, 0);
    assert_true(c.num == 0 && !c.clipped && c.clipped_low && !c.clipped_high);
    assert_int_equal(c.low_micro, 0);
    assert_near(c.high_micro, 8107466);
    c = corrected(30, 1000, 20, 5, 60, 15); /* fewer found than the rules find where there is nothing */
    assert_true(c.num == 0 && c.clipped && c.clipped_low && c.clipped_high);
    assert_int_equal(c.low_micro, 0);
    assert_int_equal(c.high_micro, 0);
    c = corrected(990, 1000, 50, 5, 20, 5); /* more than they could */
    assert_true(c.num == 100 * c.den && c.clipped);
    assert_int_equal(c.low_micro, 100000000);
    assert_int_equal(c.high_micro, 100000000);
    c = corrected(INT64_C(500000000000), INT64_C(1000000000000), 900000, 100000, 800000, 200000); /* the greatest */
    assert_int_equal(c.status, CT_CORRECTION_DONE);
    assert_true(c.num * 7 == c.den * 300);
    assert_true(c.low_micro < 42857142 && c.low_micro > 42600000 && c.high_micro > 42857143 && c.high_micro < 43100000);
}

static void no_corrections(void **state)
{
    (void)state;
    assert_int_equal(corrected(5, 10, 19, 0, 20, 0).status, CT_CORRECTION_TOO_FEW);
    assert_int_equal(corrected(5, 10, 20, 0, 19, 0).status, CT_CORRECTION_TOO_FEW);
    assert_int_equal(corrected(5, 10, 20, 0, 20, 0).status, CT_CORRECTION_DONE);
    assert_int_equal(corrected(5, 10, 10, 10, 10, 10).status, CT_CORRECTION_NEAR_CHANCE);
    assert_int_equal(corrected(5, 10, 5, 15, 5, 15).status, CT_CORRECTION_NEAR_CHANCE); /* worse than chance */
    assert_int_equal(corrected(0, 0, 20, 0, 20, 0).status, CT_CORRECTION_NO_VALUE);
}

/* ---- accuracy by marks ------------------------------------------------------------------------------------------ */

static void marks_go_before_labels(void **state)
{
    (void)state;
    static const struct said said[] = {
        {.id = "a", .field = CT_MARK_ACCURACY, .value = 3, .more = 4},
        {.id = "a", .field = CT_MARK_CORRECT, .name = "7", .value = 0}, /* the total goes first */
        {.id = "b", .field = CT_MARK_CORRECT, .name = "1", .value = 1},
        {.id = "b", .field = CT_MARK_CORRECT, .name = "2", .value = 0},
        {.id = "d", .field = CT_MARK_RESOLVED, .value = 1}, /* says nothing of it */
    };
    struct ct_marks *marks = marks_of(said, sizeof said / sizeof *said, false);
    struct ct_terms terms = CT_TERMS_DEFAULT;
    struct ct_kpi_set *set = ct_kpis_new();
    struct ct_block total;
    terms.marks = marks;
    static const char *const ids[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) {
        struct ct_record head = make_head();
        head.engaged = true;
        head.judged = 10;
        head.judged_correct = 1;
        head.customer_hash = head.conversation_hash = (uint64_t)i + 1;
        struct ct_record *record = talk(head, NULL, ids[i]);
        const struct ct_record *const list[] = {record};
        const struct ct_customer customer = {.records = list, .record_count = 1, .terms = &terms};
        ct_kpis_fold_customer(set, &customer);
        free(record);
    }
    assert_int_equal(ct_kpis_compute(set, NULL, &total), CT_OK);
    const struct ct_figure *all = ct_block_figure(&total, "ai_accuracy");
    const struct ct_figure *by_marks = ct_block_figure(&total, "ai_accuracy.marked");
    const struct ct_figure *by_labels = ct_block_figure(&total, "ai_accuracy.source");
    assert_true(by_marks->numerator == 4 && by_marks->denominator == 6);
    assert_true(by_labels->numerator == 2 && by_labels->denominator == 20); /* of c and d */
    assert_true(all->numerator == 6 && all->denominator == 26);
    ct_block_done(&total);
    ct_kpis_free(set);
    ct_marks_free(marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_marks_count),
        cmocka_unit_test(tenants_and_sessions),
        cmocka_unit_test(outcomes_say_what_follows),
        cmocka_unit_test(ten_by_hand),
        cmocka_unit_test(nothing_without_marks),
        cmocka_unit_test(laws),
        cmocka_unit_test(corrections),
        cmocka_unit_test(no_corrections),
        cmocka_unit_test(marks_go_before_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
