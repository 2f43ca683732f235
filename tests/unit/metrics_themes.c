/* metrics_themes.c - themes, topics, questions and hours out of lines, in any order of the conversations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "business_bench.h"
#include "metrics/themes.h"

struct lines {
    char *at[4096];
    size_t len[4096], count;
};

static bool put(void *context, ct_span line)
{
    struct lines *lines = context;
    assert_true(lines->count < 4096);
    lines->at[lines->count] = malloc(line.len);
    memcpy(lines->at[lines->count], line.at, line.len);
    lines->len[lines->count++] = line.len;
    return true;
}

static const struct lines *sorted;
static int compare(const void *left, const void *right)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right, m = sorted->len[a], n = sorted->len[b];
    int order = memcmp(sorted->at[a], sorted->at[b], m < n ? m : n);
    return order ? order : (m > n) - (m < n);
}

static struct ct_themes_reader *read_lines(struct lines *lines, bool compared, struct ct_feedback_findings *out)
{
    size_t order[4096];
    struct ct_themes_reader *reader = ct_themes_reader_new();
    assert_non_null(reader);
    for (size_t i = 0; i < lines->count; i++) {
        order[i] = i;
    }
    sorted = lines;
    qsort(order, lines->count, sizeof *order, compare);
    for (size_t i = 0; i < lines->count; i++) {
        assert_true(ct_themes_take(reader, (ct_span){lines->at[order[i]], lines->len[order[i]]}));
    }
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->at[i]);
    }
    lines->count = 0;
    *out = (struct ct_feedback_findings){0};
    assert_true(ct_themes_end(reader, compared, out));
    return reader;
}

struct talked {
    const char *at, *id, *topic, *topics, *question, *channel;
    int32_t csat;
    enum ct_outcome outcome;
    uint32_t comments, negative;
};

static struct ct_record *record_of(const struct talked *t)
{
    struct ct_record r = make_head();
    r.engaged = true;
    r.outcome = (uint8_t)t->outcome;
    r.started_at = t->at ? when(t->at) : CT_USEC_NONE;
    r.conversation_hash = ct_hash(ct_span_of(t->id), 1);
    r.score[CT_SCORE_CSAT] =
        (struct ct_score){.present = t->csat > 0, .value = t->csat, .scale_min = 1, .scale_max = 5};
    r.comments = t->comments;
    r.negative_messages = t->negative;
    return make_record(&r, &(struct make_tail){.text = {[CT_TEXT_CONVERSATION_ID] = t->id,
                                                        [CT_TEXT_TOPIC] = t->topic,
                                                        [CT_TEXT_TOPICS] = t->topics ? t->topics : t->topic,
                                                        [CT_TEXT_QUESTION] = t->question,
                                                        [CT_TEXT_CHANNEL] = t->channel,
                                                        [CT_TEXT_COMMENT] = t->comments ? "said" : NULL}});
}

static void tell(struct lines *lines, const struct talked *t, const struct ct_themes_options *options, bool before)
{
    struct ct_terms terms = terms_of("2026-11-01", "2026-12-01");
    struct ct_record *record = record_of(t);
    const struct ct_record *one = record;
    const struct ct_customer customer = {.records = &one, .record_count = 1, .terms = &terms};
    assert_true(ct_themes_lines(&customer, options, before, put, lines));
    free(record);
}

static void assert_span(ct_span span, const char *want)
{
    assert_true(ct_span_is(span, want));
}

#define SILENT .outcome = CT_OUTCOME_SILENT
static const struct talked november[] = {
    {"2026-11-02T09:00:00Z", "a", "delivery", NULL, "parcel where", "web", 1, CT_OUTCOME_UNRESOLVED, 1, 1},
    {"2026-11-02T09:59:59Z", "b", "delivery", "delivery order", "parcel where", "web", 1, CT_OUTCOME_ABANDONED, 0, 1},
    {"2026-11-09T09:00:00Z", "c", "delivery", NULL, "parcel where", "app", 1, CT_OUTCOME_SILENT, 0, 1},
    {"2026-11-03T23:30:00Z", "d", "delivery", NULL, "parcel where", "app", 2, CT_OUTCOME_ESCALATED, 0, 1},
    {"2026-11-04T00:00:00Z", "e", "billing", NULL, "bill high", "web", 5, CT_OUTCOME_RESOLVED_IMPLIED, 0, 0},
    {NULL, "f", NULL, NULL, "bill high", "web", 0, CT_OUTCOME_ESCALATION_FAILED, 0, 0},
    {"2026-11-05T12:00:00Z", "g", NULL, NULL, NULL, NULL, 0, CT_OUTCOME_SILENT, 0, 0},
};
enum { NOVEMBER = sizeof november / sizeof *november };

static void on_paper(void **state)
{
    (void)state;
    static struct lines lines;
    struct ct_feedback_findings f;
    const struct ct_themes_options options = {.quotes = true};
    for (size_t i = 0; i < NOVEMBER; i++) {
        tell(&lines, &november[(i * 3) % NOVEMBER], &options, false);
    }
    struct ct_themes_reader *reader = read_lines(&lines, false, &f);
    assert_int_equal(f.group_count, 1);
    const struct ct_themes *t = &f.groups[0];
    assert_int_equal(t->conversations, 7);
    /* bad and negative about delivery: a b c d; good about billing: e; f and g say nothing */
    assert_int_equal(t->theme_count, 2);
    assert_true(t->themes[0].band == CT_BAND_BAD && strcmp(t->themes[0].sentiment, "negative") == 0);
    assert_span(t->themes[0].topic, "delivery");
    assert_true(t->themes[0].items == 4 && t->themes[0].comments == 1);
    assert_int_equal(t->themes[0].example_count, 3);
    assert_span(t->themes[0].examples[0].id, "a"); /* with a comment first */
    assert_span(t->themes[0].examples[0].quote, "said");
    assert_span(t->themes[0].examples[1].id, "b"); /* then by time */
    assert_span(t->themes[0].examples[2].id, "d");
    assert_true(t->themes[1].band == CT_BAND_GOOD && t->themes[1].items == 1);
    /* topics: a conversation counts in each of its topics */
    assert_int_equal(t->topic_count, 3);
    assert_span(t->topics[0].topic, "delivery");
    assert_int_equal(t->topics[0].now, 4);
    assert_span(t->topics[1].topic, "billing");
    assert_span(t->topics[2].topic, "order");
    assert_int_equal(t->topics[0].change.verdict, CT_CHANGE_NONE);
    /* questions: three of four badly; then one of two */
    assert_int_equal(t->question_count, 2);
    assert_int_equal(t->question_kinds, 2);
    assert_span(t->questions[0].words, "parcel where");
    assert_true(t->questions[0].asked == 4 && t->questions[0].bad == 3);
    assert_span(t->questions[0].topic, "delivery");
    assert_span(t->questions[0].examples[0].id, "a");
    assert_span(t->questions[0].examples[2].id, "d"); /* c did not end badly */
    assert_true(t->questions[1].asked == 2 && t->questions[1].bad == 1);
    assert_span(t->questions[1].examples[0].id, "f");
    /* hours: Mondays at nine, three times */
    assert_int_equal(t->hours[0][9], 3);
    assert_int_equal(t->hours[1][23], 1);
    assert_int_equal(t->hours[2][0], 1);
    assert_int_equal(t->untimed, 1);
    ct_themes_reader_free(reader);
}

static void by_group(void **state)
{
    (void)state;
    static struct lines lines;
    struct ct_feedback_findings f;
    const struct ct_slice_by by = {.field = {CT_SLICE_CHANNEL}, .count = 1};
    const struct ct_themes_options options = {.by = &by};
    for (size_t i = 0; i < NOVEMBER; i++) {
        tell(&lines, &november[i], &options, false);
    }
    struct ct_themes_reader *reader = read_lines(&lines, false, &f);
    assert_int_equal(f.group_count, 4); /* the whole, what says no channel, app, web */
    assert_span(f.groups[0].key, "");
    assert_span(f.groups[1].key, "-");
    assert_span(f.groups[2].key, "app");
    assert_span(f.groups[3].key, "web");
    assert_int_equal(f.groups[0].conversations, 7);
    assert_int_equal(f.groups[1].conversations, 1);
    assert_int_equal(f.groups[2].conversations, 2);
    assert_int_equal(f.groups[3].conversations, 4);
    assert_true(f.groups[2].questions[0].asked == 2 && f.groups[2].questions[0].bad == 1);
    assert_int_equal(f.groups[0].themes[0].examples[0].quote.len, 0); /* not asked for */
    ct_themes_reader_free(reader);
}

/* 30 of 100 now, 10 of 100 before: Newcombe's interval of the difference is 9.0 to 30.6 points (worked out from both
 * Wilson intervals, 21.895-39.585 and 5.523-17.437); 12 of 100 against 10 of 100 is no real change. */
static void what_is_new(void **state)
{
    (void)state;
    static struct lines lines;
    struct ct_feedback_findings f;
    const struct ct_themes_options options = {0};
    for (int i = 0; i < 200; i++) {
        bool before = i >= 100;
        int n = i % 100;
        struct talked t = {.at = before ? "2026-10-02" : "2026-11-02", .id = "x", SILENT};
        t.topic = n < (before ? 10 : 30)   ? "rising"
                  : n < (before ? 50 : 42) ? "same"
                  : n > 97 && !before      ? "fresh"
                                           : NULL;
        t.topics = n < 10 ? "rising same" : t.topic;
        tell(&lines, &t, &options, before);
    }
    struct ct_themes_reader *reader = read_lines(&lines, true, &f);
    const struct ct_themes *t = &f.groups[0];
    assert_true(t->conversations == 100 && t->conversations_before == 100);
    for (size_t i = 0; i < t->topic_count; i++) {
        const struct ct_theme_topic *topic = &t->topics[i];
        if (ct_span_is(topic->topic, "rising")) {
            assert_true(topic->now == 30 && topic->before == 10);
            assert_int_equal(topic->change.verdict, CT_CHANGE_UP);
            assert_int_equal(topic->change.difference_micro, 20000000);
            assert_true(topic->change.low_micro > 9000000 && topic->change.low_micro < 9100000);
            assert_true(topic->change.high_micro > 30500000 && topic->change.high_micro < 30600000);
        } else if (ct_span_is(topic->topic, "same")) {
            assert_true(topic->now == 22 && topic->before == 50);
            assert_int_equal(topic->change.verdict, CT_CHANGE_DOWN);
        } else {
            assert_span(topic->topic, "fresh");
            assert_true(topic->now == 2 && topic->before == 0);
            assert_int_equal(topic->change.verdict, CT_CHANGE_NO_CHANGE);
        }
    }
    assert_int_equal(t->topic_count, 3);
    assert_int_equal(t->theme_count, 0);
    ct_themes_reader_free(reader);
}

static void outside_of_conversations(void **state)
{
    (void)state;
    static struct lines lines;
    struct ct_feedback_findings f;
    struct ct_terms terms = terms_of("2026-11-01", "2026-12-01");
    const struct said said[] = {
        SAY(SURVEY, "2026-11-05", .name = "nps", .score = "3", .text = "never again", .ref = "s1"),
        SAY(FEEDBACK, "2026-11-06", .ref = "s2", .text = "lovely"),
        SAY(SURVEY, "2026-11-07", .name = "nps", .score = "9"), /* a score alone is no feedback */
        SAY(FEEDBACK, "2026-10-06", .ref = "s3", .text = "too old")};
    const struct ct_themes_options options = {.quotes = true};
    struct ct_business *made[4];
    const struct ct_business *events[4];
    for (size_t i = 0; i < 4; i++) {
        events[i] = made[i] = event_of("u", &said[i]);
    }
    const struct ct_customer customer = {.events = events, .event_count = ct_business_sort(events, 4), .terms = &terms};
    assert_true(ct_themes_lines(&customer, &options, false, put, &lines));
    struct ct_themes_reader *reader = read_lines(&lines, false, &f);
    const struct ct_themes *t = &f.groups[0];
    assert_int_equal(t->conversations, 0);
    assert_int_equal(t->theme_count, 2);
    assert_true(t->themes[0].band == CT_BAND_BAD && t->themes[1].band == CT_BAND_NONE);
    assert_span(t->themes[0].examples[0].id, "s1");
    assert_span(t->themes[0].examples[0].quote, "never again");
    assert_span(t->themes[1].examples[0].id, "s2");
    ct_themes_reader_free(reader);
    for (size_t i = 0; i < 4; i++) {
        free(made[i]);
    }
}

/* More questions, groups and themes than are kept: the worst twenty, the first groups in byte order. */
static void bounds(void **state)
{
    (void)state;
    static struct lines lines;
    struct ct_feedback_findings f;
    const struct ct_slice_by by = {.field = {CT_SLICE_CHANNEL}, .count = 1};
    const struct ct_themes_options options = {.by = &by};
    char question[32], channel[32];
    for (unsigned i = 0; i < 300; i++) {
        snprintf(question, sizeof question, "q%03u", i * 7 % 60);
        snprintf(channel, sizeof channel, "ch%03u", i);
        for (unsigned n = 0; n <= (i * 7 % 60 == 41); n++) {
            struct talked t = {.at = "2026-11-02",
                               .id = "x",
                               .question = question,
                               .channel = channel,
                               .outcome = CT_OUTCOME_UNRESOLVED};
            tell(&lines, &t, &options, false);
        }
    }
    struct ct_themes_reader *reader = read_lines(&lines, false, &f);
    assert_int_equal(f.group_count, 1 + CT_THEMES_GROUPS_MAX);
    assert_int_equal(f.groups_left_out, 50);
    assert_span(f.groups[CT_THEMES_GROUPS_MAX].key, "ch249");
    const struct ct_themes *t = &f.groups[0];
    assert_int_equal(t->question_count, CT_THEMES_QUESTIONS_MAX);
    assert_int_equal(t->question_kinds, 60);
    assert_span(t->questions[0].words, "q041"); /* ten times, the others five: those first in byte order */
    assert_int_equal(t->questions[0].bad, 10);
    assert_span(t->questions[1].words, "q000");
    assert_span(t->questions[19].words, "q018");
    ct_themes_reader_free(reader);
}

static void nothing(void **state)
{
    (void)state;
    static struct lines lines;
    struct ct_feedback_findings f;
    struct ct_themes_reader *reader = read_lines(&lines, true, &f);
    assert_int_equal(f.group_count, 1);
    assert_int_equal(f.groups[0].conversations + f.groups[0].theme_count + f.groups[0].topic_count, 0);
    assert_true(ct_themes_take(reader, CT_SPAN_NONE)); /* a line that nobody writes does no harm */
    ct_themes_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_paper),    cmocka_unit_test(by_group),
        cmocka_unit_test(what_is_new), cmocka_unit_test(outside_of_conversations),
        cmocka_unit_test(bounds),      cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
