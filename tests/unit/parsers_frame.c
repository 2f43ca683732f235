/* parsers_frame.c - tests of the framer: lines and values, cut anywhere, too long, broken, unfinished. */
#include "parsers/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const wrapper_keys[] = {"runs", "items", NULL};
static const struct ct_parser text_parser = {.name = "t", .framing = CT_FRAMING_LINES};
static const struct ct_parser json_parser = {.name = "j", .framing = CT_FRAMING_JSON};
static const struct ct_parser wrapped_parser = {.name = "w", .framing = CT_FRAMING_JSON, .array_keys = wrapper_keys};

struct log {
    char text[8192];
    size_t len;
    size_t most_held; /* bytes that the caller had to keep */
};

static void note(struct log *log, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(log->text + log->len, sizeof(log->text) - log->len, format, arguments);
    va_end(arguments);
    log->len += (size_t)len;
    assert_true(log->len < sizeof(log->text));
}

/* "offset:line:record|" for each record, "!reason@offset:line|" for each refusal. */
static void drain(struct ct_framer *framer, ct_span bytes, bool last, size_t *held, struct log *log)
{
    size_t at = 0;
    for (;;) {
        struct ct_frame frame;
        struct ct_refusal refusal;
        size_t consumed = 0;
        enum ct_status status =
            ct_framer_next(framer, (ct_span){bytes.at + at, bytes.len - at}, last, &consumed, &frame, &refusal);
        assert_true(consumed <= bytes.len - at);
        if (status == CT_OK) {
            assert_true(frame.bytes.at >= bytes.at + at &&
                        frame.bytes.at + frame.bytes.len <= bytes.at + at + consumed);
            note(log, "%d:%d:%.*s|", (int)frame.offset, (int)frame.line, (int)frame.bytes.len, frame.bytes.at);
        } else if (status == CT_REFUSED) {
            note(log, "!%s@%d:%d|", refusal.reason, (int)refusal.offset, (int)refusal.line);
        }
        at += consumed;
        if (status == CT_NOT_FOUND)
            break;
    }
    *held = bytes.len - at;
}

static void feed(const struct ct_parser *parser, ct_span text, size_t record_max, size_t first, size_t then,
                 struct log *log)
{
    struct ct_framer framer;
    size_t have = 0, held = 0;
    bool last = false;
    log->len = log->most_held = 0;
    log->text[0] = '\0';
    ct_framer_init(&framer, parser, text, record_max);
    while (!last) {
        size_t begin = have - held, step = have == 0 && first ? first : then;
        have = step == 0 || step > text.len - have ? text.len : have + step;
        last = have == text.len;
        size_t len = have - begin;
        char *block = malloc(len ? len : 1); /* just as long, for the sanitizer */
        memcpy(block, text.at + begin, len);
        drain(&framer, (ct_span){block, len}, last, &held, log);
        free(block);
        if (held > log->most_held)
            log->most_held = held;
        assert_int_equal(framer.offset, have - held);
    }
    assert_int_equal(held, 0);
}

static void check_bytes(const struct ct_parser *parser, ct_span text, size_t record_max, const char *want)
{
    static struct log log;
    feed(parser, text, record_max, 0, 0, &log);
    assert_string_equal(log.text, want);
    for (size_t cut = 1; cut < text.len; cut++) {
        feed(parser, text, record_max, cut, 0, &log);
        assert_string_equal(log.text, want);
    }
    for (size_t step = 1; step <= 3; step++) {
        feed(parser, text, record_max, 0, step, &log);
        assert_string_equal(log.text, want);
    }
}

static void check(const struct ct_parser *parser, const char *text, const char *want)
{
    check_bytes(parser, ct_span_of(text), 1 << 20, want);
}

static void test_lines_of_text(void **state)
{
    (void)state;
    check(&text_parser, "", "");
    check(&text_parser, "a", "0:1:a|");
    check(&text_parser, "a\nb\n", "0:1:a|2:2:b|");
    check(&text_parser, "a\r\n\r\n b\rc\n", "0:1:a|3:2:|5:3: b\rc|");
    check(&text_parser,
          "\xEF\xBB\xBF"
          "a\n",
          "3:1:a|");
    check(&text_parser, "\xEF\xBB\n", "0:1:\xEF\xBB|");
    check(&text_parser, "\xEF\xBB\xBF", "");
    check(&text_parser, "{\"a\":1}\n[\n", "0:1:{\"a\":1}|8:2:[|");
}

static void test_lines_of_json(void **state)
{
    (void)state;
    check(&json_parser, "{\"a\":1}\n\n  \t\r\n{\"b\":2}\r\n", "0:1:{\"a\":1}|14:4:{\"b\":2}|");
    check(&json_parser, "\xEF\xBB\xBF{\"a\":1}\n{", "3:1:{\"a\":1}|11:2:{|");
    check(&json_parser, "{\"a\":1}\nnot json\n{\"b\":2}", "0:1:{\"a\":1}|8:2:not json|17:3:{\"b\":2}|");
    check(&json_parser, "not json\n{\"b\":2}\n", "0:1:not json|9:2:{\"b\":2}|");
    /* a first line that is cut does not swallow the rest */
    check(&json_parser, "{\"a\":\n{\"b\":2}\n", "0:1:{\"a\":|6:2:{\"b\":2}|");
}

static void test_values(void **state)
{
    (void)state;
    check(&json_parser, "[]", "");
    check(&json_parser, " [ ] ", "");
    check(&json_parser, "[{\"a\":\"]\"},\n {\"b\":[1,{}]} , 3,\"x\\\"]\",null]\n",
          "1:1:{\"a\":\"]\"}|13:2:{\"b\":[1,{}]}|28:2:3|30:2:\"x\\\"]\"|37:2:null|");
    check(&json_parser, "{\n\"a\": 1\n}\n{\n\"b\": 2\n}", "0:1:{\n\"a\": 1\n}|11:4:{\n\"b\": 2\n}|");
    check(&json_parser, "[1][2]", "1:1:1|4:1:2|");
    check(&json_parser, "{\"a\":1}", "0:1:{\"a\":1}|");
    check(&json_parser, "{\n}[5]", "0:1:{\n}|4:2:5|");
}

/* A first line too long for the head is scanned as a value; the lines behind it are lines again. */
static void test_values_turn_into_lines(void **state)
{
    (void)state;
    struct ct_framer framer;
    static const char text[] = "{\"a\":1}\r\n{broken\n{\"b\":2}\n";
    static struct log log;
    size_t held = 0;
    ct_framer_init(&framer, &json_parser, CT_SPAN_LIT("{\"a\":"), 1 << 20);
    assert_int_equal(framer.mode, CT_FRAME_VALUES);
    drain(&framer, ct_span_of(text), true, &held, &log);
    assert_int_equal(held, 0);
    assert_string_equal(log.text, "0:1:{\"a\":1}|9:2:{broken|17:3:{\"b\":2}|");
}

static void test_wrapped_arrays(void **state)
{
    (void)state;
    check(&wrapped_parser, "{\"meta\":{\"runs\":[0]},\"s\":\"runs\",\"runs\":[{\"a\":1},2],\"tail\":[[3],\"]\"]}",
          "40:1:{\"a\":1}|48:1:2|");
    check(&wrapped_parser, "{\n\"runs\" : [\n1\n]\n,\"items\":[2]}", "13:3:1|27:5:2|");
    check(&wrapped_parser, "{\"runs\":{\"x\":[1]},\"other\":[2]}", "0:1:{\"runs\":{\"x\":[1]},\"other\":[2]}|");
    check(&wrapped_parser, "{\"runs\":[]}", "");
    check(&wrapped_parser, "{\"x\":1}\n{\"runs\":[1]}\n", "0:1:{\"x\":1}|8:2:{\"runs\":[1]}|");
    check(&wrapped_parser, "[{\"runs\":[1]}]", "1:1:{\"runs\":[1]}|");
    check(&wrapped_parser, "{\"runs\":[1", "9:1:1|!truncated@10:1|");
    check(&wrapped_parser, "{\"runs\":[1],\"x\":", "9:1:1|!truncated@16:1|");
    check(&wrapped_parser, "{\"meta\":1,", "!truncated@10:1|");
}

/* The members before the array may be longer than a record may be; then they are not kept. */
static void test_long_wrapper(void **state)
{
    (void)state;
    char text[600], want[64];
    int len = snprintf(text, sizeof(text), "{\"policy\":\"%0400d\",\"%050d\":[1],\"runs\":[{\"a\":1}]}", 0, 0);
    snprintf(want, sizeof(want), "%d:1:{\"a\":1}|", len - 9);
    static struct log log;
    check_bytes(&wrapped_parser, (ct_span){text, (size_t)len}, 40, want);
    feed(&wrapped_parser, (ct_span){text, (size_t)len}, 40, 0, 1, &log);
    assert_true(log.most_held <= 64);
    len = snprintf(text, sizeof(text), "{\"policy\":\"%0400d\"} ", 0);
    check_bytes(&wrapped_parser, (ct_span){text, (size_t)len}, 40, "!record_too_long@0:1|");
}

static void test_unfinished(void **state)
{
    (void)state;
    check(&json_parser, "[1", "1:1:1|!truncated@2:1|");
    check(&json_parser, "[{\"a\":1},\n", "1:1:{\"a\":1}|!truncated@10:2|");
    check(&json_parser, "[{\"a\":1},\n{\"b\":\"x", "1:1:{\"a\":1}|!truncated@17:2|");
    check(&json_parser, "[\"ab\\", "!truncated@5:1|");
    check(&json_parser, "[", "!truncated@1:1|");
}

static void test_structure_lost_once(void **state)
{
    (void)state;
    check(&json_parser, "[{\"a\":1} {\"b\":2},{\"c\":3}]\n[4]", "1:1:{\"a\":1}|!bad_json@9:1|");
    check(&json_parser, "[1,]", "1:1:1|!bad_json@3:1|");
    check(&json_parser, "[,1]", "!bad_json@1:1|");
    check(&json_parser, "[1]}", "1:1:1|!bad_json@3:1|");
    check(&json_parser, "[1\n]\n,2", "1:1:1|!bad_json@5:3|");
}

static void test_too_long(void **state)
{
    (void)state;
    static struct log log;
    ct_span lines = CT_SPAN_LIT("{\"a\":1}\n{\"long\":\"0123456789\"}\r\n{\"b\":2}\n{\"long\":\"0123456789\"}");
    check_bytes(&json_parser, lines, 10, "0:1:{\"a\":1}|!record_too_long@8:2|31:3:{\"b\":2}|!record_too_long@39:4|");
    feed(&json_parser, lines, 10, 0, 1, &log);
    assert_true(log.most_held <= 10);
    ct_span values =
        CT_SPAN_LIT("[{\"a\":1},\n{\"long\":\"]0123456789\"}, {\"b\":2},123456789012345,4,\"0123456789\"]");
    check_bytes(
        &json_parser, values, 10,
        "1:1:{\"a\":1}|!record_too_long@10:2|34:2:{\"b\":2}|!record_too_long@42:2|58:2:4|!record_too_long@60:2|");
    feed(&json_parser, values, 10, 0, 1, &log);
    assert_true(log.most_held <= 10);
    check_bytes(&json_parser, CT_SPAN_LIT("[1,[2,3,4,5,6,7,8"), 4, "1:1:1|!record_too_long@3:1|");
}

static void test_part_of_a_line(void **state)
{
    (void)state;
    struct ct_framer framer;
    ct_span text = CT_SPAN_LIT("{\"runs\":[1,2,\n3,4]}");
    static const uint32_t want[] = {0, 1, 0, 1};
    ct_framer_init(&framer, &wrapped_parser, text, 1 << 20);
    for (size_t i = 0, at = 0; i < 4; i++) {
        struct ct_frame frame;
        struct ct_refusal refusal;
        size_t consumed;
        enum ct_status status;
        do {
            status = ct_framer_next(&framer, (ct_span){text.at + at, text.len - at}, true, &consumed, &frame, &refusal);
            at += consumed;
        } while (status == CT_NOT_FOUND && at < text.len);
        assert_int_equal(status, CT_OK);
        assert_int_equal(frame.part, want[i]);
    }
}

/* Nothing, however strange, makes the framer leave bytes behind, repeat itself or run away. */
static void test_any_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "[]{},:\"\\ \n\r1at\xEF\xBB\xBF\0runs";
    static struct log whole, pieces;
    const struct ct_parser *parsers[] = {&text_parser, &json_parser, &wrapped_parser};
    uint32_t dice = 12345;
    for (int i = 0; i < 30000; i++) {
        char text[24];
        size_t len = (size_t)i % sizeof(text);
        for (size_t j = 0; j < len; j++) {
            dice = dice * 1664525 + 1013904223;
            text[j] = alphabet[(dice >> 16) % (sizeof(alphabet) - 1)];
        }
        if (i % 3 == 2 && len > 10)
            memcpy(text, "{\"runs\":[", 9);
        size_t record_max = i % 5 == 0 ? 3 : 1 << 20;
        feed(parsers[i % 3], (ct_span){text, len}, record_max, 0, 0, &whole);
        feed(parsers[i % 3], (ct_span){text, len}, record_max, 0, 1 + (size_t)i % 4, &pieces);
        assert_string_equal(whole.text, pieces.text);
    }
}

/* What is read at once, 64 bytes at a time, and what is read byte by byte are the same, sound or not. */
static void test_any_object_at_once(void **state)
{
    static const char *const pieces[] = {
        "{",  "}", "[",        "]",          "\"",     "\\",   ",",
        ":",  " ", "\"runs\"", "\"items\":", "\"x\":", "\\\"", "a long stretch of plain text",
        "\n", "7"};
    static struct log whole, cut;
    uint64_t random = 7;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char text[600] = "{";
        size_t len = 1;
        for (unsigned piece = 0; piece < 3 + i % 20; piece++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            const char *add = pieces[(random >> 33) % (sizeof pieces / sizeof *pieces)];
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", add);
        }
        feed(&wrapped_parser, (ct_span){text, len}, 200, 0, 0, &whole);
        feed(&wrapped_parser, (ct_span){text, len}, 200, 0, 1, &cut);
        if (strcmp(whole.text, cut.text) != 0) {
            fail_msg("%.*s\n%s\n%s", (int)len, text, whole.text, cut.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_text),  cmocka_unit_test(test_lines_of_json),
        cmocka_unit_test(test_values),         cmocka_unit_test(test_values_turn_into_lines),
        cmocka_unit_test(test_wrapped_arrays), cmocka_unit_test(test_long_wrapper),
        cmocka_unit_test(test_unfinished),     cmocka_unit_test(test_structure_lost_once),
        cmocka_unit_test(test_too_long),       cmocka_unit_test(test_part_of_a_line),
        cmocka_unit_test(test_any_bytes),      cmocka_unit_test(test_any_object_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
