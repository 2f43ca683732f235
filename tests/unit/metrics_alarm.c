/* metrics_alarm.c - conditions and the book: what raises, what holds, what clears, what is not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "metrics/alarm.h"

#define DAY CT_USEC_PER_DAY

struct bench {
    struct ct_alarm_condition when[4], any[4], clear[2];
    struct ct_alarm alarm;
    struct ct_alarm_book book;
    struct ct_figure figures[3];
    struct ct_block total;
    unsigned raised, cleared;
    enum ct_alarm_end end;
    char last[CT_ALARM_NAME_BYTES + CT_ALARM_SLICE_BYTES + CT_ALARM_KPI_BYTES];
};

static void on_turn(void *context, const struct ct_alarm_entry *entry)
{
    struct bench *b = context;
    b->raised += entry->phase == CT_ALARM_RAISED;
    b->cleared += entry->phase == CT_ALARM_CLEARED;
    b->end = entry->end;
    (void)snprintf(b->last, sizeof b->last, "%s/%s/%s", entry->name, entry->slice, entry->kpi);
}

static struct ct_alarm_condition condition(const char *text)
{
    struct ct_alarm_condition c;
    char problem[CT_ALARM_PROBLEM_BYTES];
    if (!ct_alarm_condition_from(text, &c, problem)) {
        fail_msg("%s", problem);
    }
    return c;
}

static void set_up(struct bench *b, const char *first, const char *second)
{
    *b = (struct bench){0};
    b->when[0] = condition(first);
    if (second) {
        b->when[1] = condition(second);
    }
    b->alarm = (struct ct_alarm){.name = "a",
                                 .when = {b->when, second ? 2 : 1},
                                 .any = {b->any, 0},
                                 .clear = {b->clear, 0},
                                 .at_least = 30,
                                 .hold = 1,
                                 .forget_usec = 7 * DAY,
                                 .severity = CT_ALARM_WARNING};
}

/* hits of n as a rate. */
static struct ct_figure rate(const char *id, int hits, int n)
{
    struct ct_figure f = {.kpi = ct_kpi_find(ct_span_of(id)),
                          .has_value = n > 0,
                          .value_num = (ct_wide)hits * 100,
                          .value_den = n,
                          .n = (uint64_t)n};
    assert_non_null(f.kpi);
    return f;
}

static void change(struct ct_figure *f, int64_t before_percent, int64_t low, int64_t high,
                   enum ct_change_verdict verdict)
{
    f->change = (struct ct_change){.verdict = verdict,
                                   .before_num = before_percent,
                                   .before_den = 1,
                                   .before_n = 100,
                                   .difference_micro =
                                       (int64_t)(f->value_num * 1000000 / f->value_den) - before_percent * 1000000,
                                   .has_interval = verdict != CT_CHANGE_UNTESTED,
                                   .low_micro = low * 1000000,
                                   .high_micro = high * 1000000};
}

static void judge_slices(struct bench *b, const struct ct_block *slices, size_t count, ct_usec at)
{
    const struct ct_alarm_ear ear = {b, on_turn};
    assert_int_equal(ct_alarm_judge(&b->alarm, &b->total, slices, count, at, &b->book, &ear), CT_OK);
}

/* One evaluation with csat at `hits` of `n`. */
static void judge(struct bench *b, int hits, int n, ct_usec at)
{
    b->figures[0] = rate("csat", hits, n);
    b->total = (struct ct_block){.figures = b->figures, .figure_count = 1};
    judge_slices(b, NULL, 0, at);
}

static void a_sustained_state_is_one_alarm(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "csat < 70", NULL);
    for (int day = 1; day <= 100; day++) {
        judge(&b, 60, 100, day * DAY);
    }
    assert_int_equal(b.raised, 1);
    assert_int_equal(b.book.count, 1);
    assert_int_equal(b.book.entries[0].raised_at, DAY);
    assert_int_equal(b.book.entries[0].held, 100);
    assert_string_equal(b.book.entries[0].readings[0].condition, "csat < 70");
    assert_int_equal(b.book.entries[0].readings[0].value_micro, 60000000);
    judge(&b, 70, 100, 101 * DAY); /* at the threshold: not below it */
    judge(&b, 90, 100, 102 * DAY);
    assert_int_equal(b.cleared, 1);
    assert_int_equal(b.end, CT_ALARM_END_CONDITION);
    assert_int_equal(b.book.count, 0);
    assert_int_equal(b.book.past_count, 1);
    assert_int_equal(b.book.past[0].cleared_at, 101 * DAY);
    judge(&b, 60, 100, 103 * DAY); /* anew: another one */
    assert_int_equal(b.raised, 2);
    ct_alarm_book_done(&b.book);
}

static void hold_wants_evaluations_in_a_row(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "csat < 70", NULL);
    b.alarm.hold = 3;
    for (int day = 1; day <= 20; day++) { /* flapping: two bad ones, a good one */
        judge(&b, day % 3 ? 60 : 80, 100, day * DAY);
    }
    assert_int_equal(b.raised, 0);
    assert_int_equal(b.book.entries[0].phase, CT_ALARM_HOLDING);
    for (int i = 0; i < 5; i++) { /* the same evaluation again is none */
        judge(&b, 60, 100, 20 * DAY);
    }
    assert_int_equal(b.raised, 0);
    judge(&b, 60, 100, 22 * DAY);
    assert_int_equal(b.raised, 1);
    judge(&b, 80, 100, 21 * DAY); /* older than what is known */
    assert_int_equal(b.cleared, 0);
    ct_alarm_book_done(&b.book);
}

static void a_gap_to_clear_ends_the_flapping(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "csat < 70", NULL);
    b.clear[0] = condition("csat >= 75");
    b.alarm.clear = (struct ct_alarm_conditions){b.clear, 1};
    for (int day = 1; day <= 50; day++) {
        judge(&b, day % 2 ? 69 : 71, 100, day * DAY);
    }
    assert_int_equal(b.raised, 1);
    assert_int_equal(b.cleared, 0);
    judge(&b, 75, 100, 51 * DAY);
    assert_int_equal(b.cleared, 1);
    ct_alarm_book_done(&b.book);
}

static void few_cases_say_nothing(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "csat < 70", NULL);
    judge(&b, 0, 3, DAY);
    judge(&b, 0, 29, 2 * DAY);
    judge(&b, 0, 0, 3 * DAY);
    assert_int_equal(b.raised, 0);
    judge(&b, 0, 30, 4 * DAY);
    assert_int_equal(b.raised, 1);
    judge(&b, 3, 3, 5 * DAY); /* a quiet night ends nothing, */
    assert_int_equal(b.cleared, 0);
    judge(&b, 3, 3, 11 * DAY);
    assert_int_equal(b.cleared, 0);
    judge(&b, 3, 3, 11 * DAY + 1); /* a week of it does */
    assert_int_equal(b.cleared, 1);
    assert_int_equal(b.end, CT_ALARM_END_NO_DATA);
    ct_alarm_book_done(&b.book);
}

static void sure_asks_the_interval(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "csat < 70", NULL);
    b.alarm.sure = true;
    b.figures[0] = rate("csat", 60, 100);
    b.total = (struct ct_block){.figures = b.figures, .figure_count = 1};
    b.figures[0].has_interval = true;
    b.figures[0].low_micro = 50000000;
    b.figures[0].high_micro = 70000000;
    judge_slices(&b, NULL, 0, DAY);
    assert_int_equal(b.raised, 0);
    b.figures[0].high_micro = 69999999;
    judge_slices(&b, NULL, 0, 2 * DAY);
    assert_int_equal(b.raised, 1);
    b.figures[0].high_micro = 72000000; /* no longer sure, but as bad: it stays */
    judge_slices(&b, NULL, 0, 3 * DAY);
    assert_int_equal(b.cleared, 0);
    b.figures[0].value_num = 7000;
    judge_slices(&b, NULL, 0, 4 * DAY);
    assert_int_equal(b.cleared, 1);
    ct_alarm_book_done(&b.book);
}

static bool holds(const char *text, struct ct_figure f)
{
    struct bench b;
    set_up(&b, text, NULL);
    b.figures[0] = f;
    b.total = (struct ct_block){.figures = b.figures, .figure_count = 1};
    judge_slices(&b, NULL, 0, DAY);
    bool raised = b.raised == 1;
    ct_alarm_book_done(&b.book);
    return raised;
}

static void both_directions_of_a_change(void **state)
{
    (void)state;
    struct ct_figure f = rate("csat", 60, 100);
    change(&f, 50, 2, 18, CT_CHANGE_UP);
    assert_true(holds("csat up", f));
    assert_false(holds("csat down", f));
    assert_true(holds("csat up 10", f));
    assert_true(holds("csat up >= 10 points", f));
    assert_false(holds("csat up > 10", f));
    assert_false(holds("csat up 11", f));
    assert_true(holds("csat up 20%", f));
    assert_false(holds("csat up > 20%", f));
    assert_false(holds("csat up 21%", f));
    assert_false(holds("csat down 10", f));
    change(&f, 75, -28, -2, CT_CHANGE_DOWN);
    assert_true(holds("csat down", f));
    assert_true(holds("csat down 15", f));
    assert_true(holds("csat down 20%", f));
    assert_false(holds("csat down > 20%", f));
    assert_false(holds("csat up 0", f));
    change(&f, 61, -10, 8, CT_CHANGE_NO_CHANGE);
    assert_false(holds("csat down", f));
    assert_true(holds("csat down 1", f));
    f.change.before_n = 3; /* the period before had too few */
    assert_false(holds("csat down 1", f));
    change(&f, 0, 50, 70, CT_CHANGE_UP);
    assert_false(holds("csat up 20%", f)); /* of nothing */
    assert_true(holds("csat up 20", f));
    f.change = (struct ct_change){.verdict = CT_CHANGE_NONE};
    assert_false(holds("csat up 0", f));
}

static void all_and_any(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "automation_rate >= 80", "csat < 70");
    b.any[0] = condition("fcr < 50");
    b.any[1] = condition("escalation_rate > 40");
    b.figures[0] = rate("automation_rate", 85, 100);
    b.figures[1] = rate("csat", 60, 100);
    b.figures[2] = rate("fcr", 60, 100);
    b.total = (struct ct_block){.figures = b.figures, .figure_count = 2};
    judge_slices(&b, NULL, 0, DAY);
    assert_int_equal(b.raised, 1);
    b.alarm.any.count = 2; /* one is not known, the other not there: neither raises nor ends it */
    judge_slices(&b, NULL, 0, 2 * DAY);
    assert_int_equal(b.cleared, 0);
    b.total.figure_count = 3; /* fcr does not hold, escalation_rate is not known */
    judge_slices(&b, NULL, 0, 3 * DAY);
    assert_int_equal(b.cleared, 0);
    b.figures[0] = rate("automation_rate", 79, 100); /* one of all does not: over, whatever else is unknown */
    judge_slices(&b, NULL, 0, 4 * DAY);
    assert_int_equal(b.cleared, 1);
    b.figures[0] = rate("automation_rate", 80, 100);
    b.figures[2] = rate("fcr", 49, 100);
    judge_slices(&b, NULL, 0, 5 * DAY);
    assert_int_equal(b.raised, 2);
    assert_int_equal(b.book.entries[0].reading_count, 3);
    ct_alarm_book_done(&b.book);
}

static void slices_come_and_go(void **state)
{
    (void)state;
    struct bench b;
    struct ct_figure bad = rate("csat", 10, 100), good = rate("csat", 90, 100);
    set_up(&b, "csat < 70", NULL);
    b.alarm.sliced = true;
    b.alarm.by = CT_SLICE_CHANNEL;
    struct ct_block two[3] = {{.key = CT_SPAN_LIT("web"), .figures = &bad, .figure_count = 1},
                              {.key = CT_SPAN_LIT("app"), .figures = &good, .figure_count = 1},
                              {.other = true, .figures = &bad, .figure_count = 1}};
    judge_slices(&b, two, 3, DAY);
    assert_int_equal(b.raised, 1);
    assert_string_equal(b.last, "a/web/");
    two[1].figures = &bad;
    judge_slices(&b, two + 1, 1, 2 * DAY); /* web is not there today */
    assert_int_equal(b.raised, 2);
    assert_int_equal(b.book.count, 2);
    assert_string_equal(b.book.entries[0].slice, "app");
    judge_slices(&b, two, 2, 3 * DAY); /* back, and still bad: the same alarm */
    assert_int_equal(b.raised, 2);
    two[0].figures = &good;
    judge_slices(&b, two, 2, 4 * DAY);
    assert_int_equal(b.cleared, 1);
    assert_string_equal(b.last, "a/web/");
    judge_slices(&b, NULL, 0, 12 * DAY); /* app never came back */
    assert_int_equal(b.cleared, 2);
    assert_int_equal(b.end, CT_ALARM_END_NO_DATA);
    b.alarm.segment = "app";
    two[0].figures = two[1].figures = &bad;
    judge_slices(&b, two, 2, 13 * DAY);
    assert_int_equal(b.book.count, 1);
    assert_string_equal(b.book.entries[0].slice, "app");
    ct_alarm_book_done(&b.book);
}

static void each_missed_target_is_its_own(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, "any target missed", NULL);
    b.figures[0] = rate("csat", 80, 100);
    b.figures[1] = rate("fcr", 80, 100);
    b.figures[2] = rate("escalation_rate", 40, 100);
    b.figures[0].target = (struct ct_target){CT_TARGET_AT_LEAST, 85000000};
    b.figures[0].status = CT_STATUS_MISSED;
    b.figures[1].target = (struct ct_target){CT_TARGET_AT_LEAST, 80000000};
    b.figures[1].status = CT_STATUS_MET;
    b.figures[2].target = (struct ct_target){CT_TARGET_AT_MOST, 30000000};
    b.figures[2].status = CT_STATUS_MISSED;
    b.total = (struct ct_block){.figures = b.figures, .figure_count = 3};
    judge_slices(&b, NULL, 0, DAY);
    assert_int_equal(b.raised, 2);
    assert_string_equal(b.book.entries[0].kpi, "csat");
    assert_string_equal(b.book.entries[0].readings[0].condition, "target >= 85");
    assert_string_equal(b.book.entries[1].kpi, "escalation_rate");
    b.figures[2] = rate("escalation_rate", 30, 100);
    b.figures[2].target = (struct ct_target){CT_TARGET_AT_MOST, 30000000};
    b.figures[2].status = CT_STATUS_MET;
    judge_slices(&b, NULL, 0, 2 * DAY);
    assert_int_equal(b.raised, 2);
    assert_int_equal(b.cleared, 1);
    assert_string_equal(b.last, "a//escalation_rate");
    ct_alarm_book_done(&b.book);
}

static void what_is_not_configured_ends(void **state)
{
    (void)state;
    struct bench b;
    const struct ct_alarm_ear ear = {&b, on_turn};
    set_up(&b, "csat < 70", NULL);
    judge(&b, 10, 100, DAY);
    assert_int_equal(ct_alarm_book_settle(&b.book, &b.alarm, 1, 2 * DAY, &ear), CT_OK);
    assert_int_equal(b.book.count, 1);
    assert_int_equal(ct_alarm_book_settle(&b.book, NULL, 0, 2 * DAY, &ear), CT_OK);
    assert_int_equal(b.book.count, 0);
    assert_int_equal(b.cleared, 1);
    assert_int_equal(b.end, CT_ALARM_END_REMOVED);
    ct_alarm_book_done(&b.book);
}

/* After another configuration of the same alarms: what stands stands, with the new one's words, and nothing points into
 * the old one. */
static void words_are_the_configurations(void **state)
{
    (void)state;
    struct bench b;
    const struct ct_alarm_ear ear = {&b, on_turn};
    char old[] = "old words", fresh[] = "new words";
    set_up(&b, "csat < 70", NULL);
    b.alarm.action[CT_LANG_EN] = old;
    judge(&b, 10, 100, DAY);
    const struct ct_alarm before = b.alarm;
    struct ct_alarm after = b.alarm;
    after.action[CT_LANG_EN] = fresh;
    ct_alarm_book_reword(&b.book, &after, 1);
    assert_int_equal(b.book.count, 1);
    assert_ptr_equal(b.book.entries[0].action[CT_LANG_EN], fresh);
    assert_int_equal(b.cleared, 0);
    ct_alarm_book_reword(&b.book, &before, 1);
    assert_int_equal(ct_alarm_book_settle(&b.book, NULL, 0, 2 * DAY, &ear), CT_OK);
    assert_int_equal(b.book.past_count, 1);
    assert_ptr_equal(b.book.past[0].action[CT_LANG_EN], old); /* its end is still told with them */
    ct_alarm_book_reword(&b.book, NULL, 0);
    assert_null(b.book.past[0].action[CT_LANG_EN]);
    ct_alarm_book_done(&b.book);
}

static void the_book_is_bounded(void **state)
{
    (void)state;
    struct bench b;
    enum { MANY = CT_ALARM_ENTRIES_MAX + 7 };
    static char keys[MANY][16];
    static struct ct_block slices[MANY];
    struct ct_figure bad = rate("csat", 10, 100), good = rate("csat", 90, 100);
    set_up(&b, "csat < 70", NULL);
    b.alarm.sliced = true;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%d", (i * 7919) % MANY);
        slices[i] = (struct ct_block){.key = ct_span_of(keys[i]), .figures = &bad, .figure_count = 1};
    }
    judge_slices(&b, slices, MANY, DAY);
    assert_int_equal(b.book.count, CT_ALARM_ENTRIES_MAX);
    assert_int_equal(b.book.full, 7);
    for (size_t i = 1; i < b.book.count; i++) {
        assert_true(strcmp(b.book.entries[i - 1].slice, b.book.entries[i].slice) < 0);
    }
    for (int i = 0; i < MANY; i++) {
        slices[i].figures = &good;
    }
    judge_slices(&b, slices, MANY, 2 * DAY);
    assert_int_equal(b.cleared, CT_ALARM_ENTRIES_MAX);
    assert_int_equal(b.book.past_count, CT_ALARM_PAST_MAX);
    ct_alarm_book_done(&b.book);
}

static void ids_tell_changes_apart(void **state)
{
    (void)state;
    char first[CT_ALARM_ID_BYTES], second[CT_ALARM_ID_BYTES];
    struct ct_alarm_entry entry = {.name = "a", .slice = "b", .phase = CT_ALARM_RAISED, .raised_at = 5};
    ct_alarm_id(&entry, first);
    ct_alarm_id(&entry, second);
    assert_string_equal(first, second);
    assert_int_equal(strlen(first), 32);
    entry.raised_at = 6;
    ct_alarm_id(&entry, second);
    assert_string_not_equal(first, second);
    entry = (struct ct_alarm_entry){.name = "ab", .slice = "", .phase = CT_ALARM_RAISED, .raised_at = 5};
    ct_alarm_id(&entry, second);
    assert_string_not_equal(first, second);
    entry = (struct ct_alarm_entry){.name = "a", .slice = "b", .phase = CT_ALARM_CLEARED, .cleared_at = 5};
    ct_alarm_id(&entry, second);
    assert_string_not_equal(first, second);
}

static void bad_conditions_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "csat",        "csat <",         "csat < x",
                                      "csat = 70",  "nope < 1",    "csat sideways",  "csat up x%",
                                      "csat up -3", "csat up < 3", "any target",     "aht < 5 bananas",
                                      "grr down",   "< 70",        "csat < 70 %% %", "time_to_first_value up"};
    char problem[CT_ALARM_PROBLEM_BYTES], text[300];
    struct ct_alarm_condition c;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        problem[0] = '\0';
        if (ct_alarm_condition_from(bad[i], &c, problem)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_true(problem[0] != '\0');
    }
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_false(ct_alarm_condition_from(text, &c, problem));
    c = condition("  aht<=5m ");
    assert_int_equal(c.micro, 300 * 1000000);
    assert_int_equal(c.op, CT_ALARM_AT_MOST);
    c = condition("csat < 70 %");
    assert_int_equal(c.micro, 70000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sustained_state_is_one_alarm),
        cmocka_unit_test(hold_wants_evaluations_in_a_row),
        cmocka_unit_test(a_gap_to_clear_ends_the_flapping),
        cmocka_unit_test(few_cases_say_nothing),
        cmocka_unit_test(sure_asks_the_interval),
        cmocka_unit_test(both_directions_of_a_change),
        cmocka_unit_test(all_and_any),
        cmocka_unit_test(slices_come_and_go),
        cmocka_unit_test(each_missed_target_is_its_own),
        cmocka_unit_test(what_is_not_configured_ends),
        cmocka_unit_test(words_are_the_configurations),
        cmocka_unit_test(the_book_is_bounded),
        cmocka_unit_test(ids_tell_changes_apart),
        cmocka_unit_test(bad_conditions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
