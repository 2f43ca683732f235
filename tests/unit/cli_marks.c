/* cli_marks.c - files of human marks: what lines become, and every one that is refused, by name and place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/marks_read.h"

static const struct ct_signal signals[] = {{.name = {"user.thanks", 11}}, {.name = {"user.insult", 11}}};
static const struct ct_ruleset rules = {.signals = signals, .signal_count = 2};

struct refusal {
    uint64_t line, offset;
    char reason[40], detail[80];
};
struct kept {
    struct refusal at[64];
    size_t count;
};

static struct ct_ruleset *const all[] = {(struct ct_ruleset *)(uintptr_t)&rules};

static void keep(void *context, const char *path, uint64_t line, uint64_t offset, const char *reason,
                 const char *detail)
{
    struct kept *kept = context;
    assert_string_equal(path, "labels.jsonl");
    struct refusal *to = &kept->at[kept->count++];
    to->line = line;
    to->offset = offset;
    snprintf(to->reason, sizeof to->reason, "%s", reason);
    snprintf(to->detail, sizeof to->detail, "%s", detail ? detail : "");
}

static struct ct_marks *read_text(ct_span text, struct kept *kept, uint64_t *lines)
{
    *kept = (struct kept){.count = 0};
    struct ct_marks_reading reading = {
        .rules = all, .rule_count = 1, .marks = ct_marks_new(), .context = kept, .refused = keep};
    assert_int_equal(ct_marks_read_bytes(&reading, "labels.jsonl", text), CT_OK);
    assert_int_equal(reading.refusals, kept->count);
    assert_int_equal(ct_marks_settle(reading.marks), CT_OK);
    *lines = reading.lines;
    return reading.marks;
}

static void good_lines(void **state)
{
    (void)state;
    static const char text[] =
        "\xef\xbb\xbf{\"conversation_id\":\"a\",\"resolved\":true,\"escalated\":false,\"complaint\":null}\r\n"
        "\n  \n"
        "{\"conversation_id\":7,\"tenant\":\"n\",\"session\":2,\"at\":\"2026-11-01T10:00:00Z\",\"by\":\"ana\","
        "\"outcome\":\"silent\",\"topic\":\"none\",\"comment\":{\"x\":[1]},\"accuracy\":{\"judged\":4,\"correct\":3}}\n"
        "{\"conversation_id\":\"b\",\"correct\":true,\"message\":3}\n"
        "{\"conversation_id\":\"b\",\"correct\":false}\n"
        "{\"conversation_id\":\"b\",\"criteria\":{\"greeting\":0.25,\"empathy\":true,\"tone\":1e-1,\"none\":null},"
        "\"signals\":{\"user.insult\":true,\"user.thanks\":false}}"; /* no line end */
    struct kept kept;
    uint64_t lines;
    struct ct_marks *marks = read_text((ct_span){text, sizeof text - 1}, &kept, &lines);
    assert_int_equal(kept.count, 0);
    assert_int_equal(lines, 5);
    assert_int_equal(marks->marked_count, 3);
    assert_int_equal(marks->count, 2 + 3 + 2 + 5);
    assert_int_equal(marks->conflicts, 0);
    int64_t greeting = -1, tone = -1, empathy = -1, insult = -1, judged = -1;
    for (size_t i = 0; i < marks->count; i++) {
        const struct ct_mark *m = &marks->at[i];
        bool criterion = m->field == CT_MARK_CRITERION;
        greeting = criterion && ct_span_eq(m->name, ct_span_of("greeting")) ? m->value : greeting;
        tone = criterion && ct_span_eq(m->name, ct_span_of("tone")) ? m->value : tone;
        empathy = criterion && ct_span_eq(m->name, ct_span_of("empathy")) ? m->value : empathy;
        insult = m->field == CT_MARK_SIGNAL && m->value
                     ? ct_span_eq(marks->signals.at[m->more], ct_span_of("user.insult"))
                     : insult;
        judged = m->field == CT_MARK_ACCURACY ? m->more * 10 + m->value : judged;
    }
    assert_int_equal(greeting, 250000);
    assert_int_equal(tone, 100000);
    assert_int_equal(empathy, 1000000);
    assert_int_equal(insult, 1);
    assert_int_equal(judged, 43);
    ct_marks_free(marks);
}

/* Each between two good lines, which are taken all the same; none of a refused line's marks is. */
static void bad_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason, *detail;
    } bad[] = {
        {"{", "truncated", ""},
        {"{\"conversation_id\":\"a\",\"resolved\":true}}", "bad_json", ""},
        {"[]", "wrong_type", ""},
        {"{\"resolved\":true}", "missing_field", "conversation_id"},
        {"{\"conversation_id\":\"\",\"resolved\":true}", "missing_field", "conversation_id"},
        {"{\"conversation_id\":\"a\"}", "missing_field", "no mark in it"},
        {"{\"conversation_id\":\"a\",\"resolved\":null}", "missing_field", "no mark in it"},
        {"{\"conversation_id\":\"a\",\"resolved\":1}", "wrong_type", "resolved"},
        {"{\"conversation_id\":\"a\",\"resolved\":\"true\"}", "wrong_type", "resolved"},
        {"{\"conversation_id\":\"a\",\"resolved\":true,\"resolved\":false}", "duplicate_key", "resolved"},
        {"{\"conversation_id\":\"a\",\"resolved\":true,\"session\":0}", "number_out_of_range", "session"},
        {"{\"conversation_id\":\"a\",\"resolved\":true,\"session\":-1}", NULL, NULL},
        {"{\"conversation_id\":\"a\",\"resolved\":true,\"at\":\"soon\"}", "bad_time", "at"},
        {"{\"conversation_id\":\"a\",\"outcome\":\"won\"}", "unknown_outcome", "outcome"},
        {"{\"conversation_id\":\"a\",\"outcome\":[]}", "wrong_type", "outcome"},
        {"{\"conversation_id\":\"a\",\"topic\":\"0123456789012345678901234567890123456789\"}", "text_too_long",
         "topic"},
        {"{\"conversation_id\":\"a\",\"accuracy\":{\"judged\":1,\"correct\":2}}", "number_out_of_range", NULL},
        {"{\"conversation_id\":\"a\",\"accuracy\":{\"judged\":0,\"correct\":0}}", "number_out_of_range", NULL},
        {"{\"conversation_id\":\"a\",\"accuracy\":{\"correct\":0}}", "number_out_of_range", NULL},
        {"{\"conversation_id\":\"a\",\"accuracy\":true}", "wrong_type", "accuracy"},
        {"{\"conversation_id\":\"a\",\"resolved\":true,\"message\":3}", "missing_field", "message without correct"},
        {"{\"conversation_id\":\"a\",\"criteria\":{\"x\":1.5}}", "number_out_of_range", NULL},
        {"{\"conversation_id\":\"a\",\"criteria\":{\"x\":-0.1}}", "number_out_of_range", NULL},
        {"{\"conversation_id\":\"a\",\"criteria\":{\"x\":0.1234567}}", "number_out_of_range", NULL},
        {"{\"conversation_id\":\"a\",\"criteria\":{\"x\":\"good\"}}", "wrong_type", "criteria"},
        {"{\"conversation_id\":\"a\",\"criteria\":{\"x\":1,\"x\":0}}", "duplicate_key", "criteria"},
        {"{\"conversation_id\":\"a\",\"criteria\":{\"\":1}}", "text_too_long", "criteria"},
        {"{\"conversation_id\":\"a\",\"criteria\":[1]}", "wrong_type", "criteria"},
        {"{\"conversation_id\":\"a\",\"signals\":{\"user.nope\":true}}", "unknown_signal", "signals"},
        {"{\"conversation_id\":\"a\",\"signals\":{\"user.thanks\":1}}", "wrong_type", "signals"},
        {"{\"conversation_id\":\"a\",\"resolved\":true,\"by\":\"\xff\"}", "invalid_utf8", NULL},
        {"conversation_id,resolved", "bad_json", ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        static const char good[] = "{\"conversation_id\":\"g\",\"resolved\":true}\n";
        char text[1024];
        struct kept kept;
        uint64_t lines;
        snprintf(text, sizeof text, "%s%s\n%s", good, bad[i].text, good);
        struct ct_marks *marks = read_text(ct_span_of(text), &kept, &lines);
        if (kept.count != 1 || (bad[i].reason && strcmp(kept.at[0].reason, bad[i].reason) != 0) ||
            (bad[i].detail && strcmp(kept.at[0].detail, bad[i].detail) != 0)) {
            fail_msg("%s\n%zu: %s: %s", bad[i].text, kept.count, kept.at[0].reason, kept.at[0].detail);
        }
        assert_int_equal(kept.at[0].line, 2);
        assert_int_equal(kept.at[0].offset, sizeof good - 1);
        assert_int_equal(marks->count, 1);
        ct_marks_free(marks);
    }
}

static void long_lines(void **state)
{
    (void)state;
    static const char head[] = "{\"conversation_id\":\"a\",\"resolved\":true,\"comment\":\"", tail[] = "\"}\n";
    for (int over = -1; over < 2; over++) { /* the line without its end is as long as it may be, and one byte more */
        size_t len = CT_MARKS_LINE_BYTES + (size_t)(over + 1);
        char *text = malloc(len + 64);
        memset(text, 'x', len);
        memcpy(text, head, sizeof head - 1);
        memcpy(text + len - (sizeof tail - 1), tail, sizeof tail - 1);
        memcpy(text + len, "{\"conversation_id\":\"b\",\"resolved\":true}\n", 40);
        struct kept kept;
        uint64_t lines;
        struct ct_marks *marks = read_text((ct_span){text, len + 40}, &kept, &lines);
        assert_int_equal(kept.count, over > 0);
        assert_int_equal(marks->count, over > 0 ? 1 : 2);
        assert_int_equal(lines, 2);
        if (kept.count) {
            assert_string_equal(kept.at[0].reason, "record_too_long");
        }
        ct_marks_free(marks);
        free(text);
    }
}

/* Any cut of a file, and any byte of it changed, is read to its end. */
static void cut_and_changed(void **state)
{
    (void)state;
    static const char text[] =
        "{\"conversation_id\":\"a\",\"accuracy\":{\"judged\":4,\"correct\":3},\"by\":\"\\u00e9\"}\n"
        "{\"conversation_id\":\"b\",\"criteria\":{\"x\":0.5},\"signals\":{\"user.thanks\":true}}\n";
    struct kept kept;
    uint64_t lines;
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = malloc(len ? len : 1); /* exactly as long: what reads on is seen by the sanitizer */
        memcpy(copy, text, len);
        ct_marks_free(read_text((ct_span){copy, len}, &kept, &lines));
        for (size_t i = 0; len == sizeof text - 1 && i < len; i++) {
            static const char others[] = {0, '"', '{', '}', '\n', '\\', '9', (char)0xff};
            for (size_t o = 0; o < sizeof others; o++) {
                copy[i] = others[o];
                ct_marks_free(read_text((ct_span){copy, len}, &kept, &lines));
            }
            copy[i] = text[i];
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(bad_lines),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(cut_and_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
