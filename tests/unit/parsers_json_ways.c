/* parsers_json_ways.c - the short ways of the JSON field reader against plain ones written here: whatever they make of
 * a text, near its end too, is the same, refusals and their places included. */
#include "parsers/json_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_MAX = 400 };

/* As a parser has it: bytes that end where their block does, for the sanitizer. */
struct input {
    struct ct_arena arena;
    struct ct_json json;
    char *block;
};

static struct ct_json *open_bytes(struct input *input, const char *bytes, size_t len)
{
    ct_arena_init(&input->arena, 0, 1 << 16);
    input->block = malloc(len ? len : 1);
    assert_non_null(input->block);
    memcpy(input->block, bytes, len);
    ct_json_init(&input->json, (ct_span){input->block, len}, &input->arena);
    return &input->json;
}

static void close_input(struct input *input)
{
    ct_arena_done(&input->arena);
    free(input->block);
}

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % sides;
}

static void assert_same_place(const struct ct_json *a, const struct ct_json *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->depth, b->depth);
    if (a->status == CT_OK) {
        assert_int_equal(a->at - a->begin, b->at - b->begin);
        return;
    }
    assert_string_equal(a->reason, b->reason);
    assert_int_equal(a->fail_at - a->begin, b->fail_at - b->begin);
    assert_string_equal(a->field ? a->field : "", b->field ? b->field : "");
    assert_string_equal(a->due ? a->due : "", b->due ? b->due : "");
}

/* ---- strings ---------------------------------------------------------------------------- */

/* What a string with this body, which has no escape, no quote and no control character, has to be refused at. */
static void assert_string(const char *body, size_t len)
{
    char text[TEXT_MAX + 40];
    for (size_t behind = 0; behind < 20; behind += 1 + behind / 2) { /* bytes behind the string */
        memset(text, ' ', sizeof text);
        text[0] = '"';
        memcpy(text + 1, body, len);
        text[len + 1] = '"';
        struct input input;
        struct ct_json *json = open_bytes(&input, text, len + 2 + behind);
        ct_span got = CT_SPAN_NONE;
        size_t bad = 0;
        if (ct_utf8_valid((ct_span){body, len}, &bad)) {
            assert_true(ct_json_string(json, "f", &got));
            assert_ptr_equal(got.at, json->begin + 1);
            assert_int_equal(got.len, len);
            assert_ptr_equal(json->at, json->begin + len + 2);
        } else {
            assert_false(ct_json_string(json, "f", &got));
            assert_string_equal(json->reason, "invalid_utf8");
            assert_int_equal(json->fail_at - json->begin, bad + 1);
        }
        close_input(&input);
    }
}

static void test_characters_at_every_place(void **state)
{
    static const char *const pieces[] = {
        "\xC2\x80",
        "\xDF\xBF",
        "\xE0\xA0\x80",
        "\xE0\x9F\xBF",
        "\xE2\x82\xAC",
        "\xED\x9F\xBF",
        "\xED\xA0\x80",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF1\x80\x80\x80",
        "\xF4\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80",
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC3",
        "\xE2\x82",
        "\xF0\x9F\x98",
        "\xF0\x9F\x98\x80",
        "\xFF",
        "\xC3\xC3\xA9",
        "\xE2\xC3\xA9",
        "\xC3\xA9\xA9",
        "\xE2\x82\xAC\x80",
        "\xF0\x9F\x80",
        "\xF0\x9F\x98\xC3\xA9",
    };
    (void)state;
    char body[TEXT_MAX];
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (size_t before = 0; before < 36; before++) {
            for (size_t after = 0; after < 36; after += 1 + after / 3) {
                size_t len = strlen(pieces[i]);
                memset(body, 'a', sizeof body);
                memcpy(body + before, pieces[i], len);
                assert_string(body, before + len + after);
            }
        }
    }
}

static void test_mixed_characters(void **state)
{
    static const char *const good[] = {"a", "text ", "é", "ñu", "€", "你好", "😀", "\xE0\xA4\x85", "\xED\x9F\xBF", "Ж"};
    uint32_t seed = 7;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char body[TEXT_MAX];
        size_t len = 0, most = dice(&seed, 120);
        while (len < most) {
            const char *piece = good[dice(&seed, sizeof good / sizeof *good)];
            memcpy(body + len, piece, strlen(piece));
            len += strlen(piece);
        }
        if (len && dice(&seed, 2)) /* one byte is another, but none that ends a string or is refused otherwise */
            body[dice(&seed, (uint32_t)len)] = (char)(0x80 + dice(&seed, 0x80));
        assert_string(body, len);
    }
}

/* A control character, the end or an escape behind text that is not ASCII. */
static void test_text_ends_otherwise(void **state)
{
    (void)state;
    for (size_t before = 0; before < 40; before++) {
        char text[TEXT_MAX];
        int len = snprintf(text, sizeof text, "\"é%.*s\x01 and so on, long enough", (int)before,
                           "0123456789012345678901234567890123456789");
        struct input input;
        ct_span got;
        assert_false(ct_json_string(open_bytes(&input, text, (size_t)len), "f", &got));
        assert_string_equal(input.json.reason, "bad_json");
        assert_int_equal(input.json.fail_at - input.json.begin, before + 3);
        close_input(&input);
        assert_false(ct_json_string(open_bytes(&input, text, before + 3), "f", &got));
        assert_string_equal(input.json.reason, "truncated");
        assert_int_equal(input.json.fail_at - input.json.begin, before + 3);
        close_input(&input);
        memcpy(text + before + 3, "\\n\"", 3);
        assert_true(ct_json_string(open_bytes(&input, text, before + 6), "f", &got));
        assert_int_equal(got.len, before + 3);
        assert_int_equal(got.at[before + 2], '\n');
        close_input(&input);
    }
}

/* ---- counts ----------------------------------------------------------------------------- */

static void test_counts(void **state)
{
    static const char *const texts[] = {"0",
                                        "7",
                                        "42",
                                        "00",
                                        "01",
                                        "-0",
                                        "-1",
                                        "1.0",
                                        "1.",
                                        "1e3",
                                        "1E3",
                                        "1e",
                                        "x",
                                        "",
                                        "-",
                                        "null",
                                        "nul",
                                        "12x",
                                        "+1",
                                        " 5",
                                        "\"5\"",
                                        "99999",
                                        "true",
                                        "[1]",
                                        "{}",
                                        "123456789012345",
                                        "999999999999999",
                                        "1234567890123456",
                                        "9007199254740991",
                                        "9007199254740992",
                                        "99999999999999999999999",
                                        "000000000000000000000"};
    static const char *const ends[] = {"", ",", "}", " ", ",                    ", "}                    "};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            char text[TEXT_MAX];
            size_t len = (size_t)snprintf(text, sizeof text, "[%s%s", texts[i], ends[k]);
            struct input shorter, longer;
            struct ct_json *a = open_bytes(&shorter, text, len), *b = open_bytes(&longer, text, len);
            int64_t one = -7, other = -7;
            assert_true(ct_json_array(a, NULL) && ct_json_array(b, NULL));
            assert_int_equal(ct_json_count(a, "n", &one), ct_json_count_other(b, "n", &other));
            assert_int_equal(one, other);
            assert_same_place(a, b);
            close_input(&shorter);
            close_input(&longer);
        }
    }
}

/* ---- members ---------------------------------------------------------------------------- */

static const ct_span names[] = {CT_JSON_NAME("conversation_id"),
                                CT_JSON_NAME("id"),
                                CT_JSON_NAME("ts"),
                                CT_JSON_NAME("sixteen_bytes_ab"),
                                CT_JSON_NAME("role"),
                                CT_JSON_NAME("seventeen_bytes_a"),
                                CT_JSON_NAME("t"),
                                CT_JSON_NAME("text"),
                                CT_JSON_NAME("tex")};
static const struct ct_json_fields fields = {names, sizeof names / sizeof *names};

/* Walks an object both ways, in step, and skips the values. */
static void assert_walks_alike(const char *text, size_t len)
{
    struct input shorter, longer;
    struct ct_json *a = open_bytes(&shorter, text, len), *b = open_bytes(&longer, text, len);
    struct ct_json_walk walk = {0}, plain = {0};
    ct_span key;
    assert_int_equal(ct_json_object(a, "o"), ct_json_object_other(b, "o"));
    assert_same_place(a, b);
    for (int field = 0; field != CT_JSON_LAST;) {
        field = ct_json_next(a, &walk, &fields);
        int want = ct_json_key(b, &plain, &key) ? ct_json_field(b, &plain, key, &fields) : CT_JSON_LAST;
        assert_int_equal(field, want);
        assert_same_place(a, b);
        assert_int_equal(walk.seen, plain.seen);
        assert_int_equal(ct_json_skip(a), ct_json_skip(b));
        assert_same_place(a, b);
        if (a->status != CT_OK)
            break;
    }
    close_input(&shorter);
    close_input(&longer);
}

/* An object of members in the tables' order, mostly, a few left out, unknown or twice. */
static size_t random_object(uint32_t *seed, char *text, size_t room)
{
    static const char *const values[] = {"1", "\"a\"", "null", "{\"id\":1}", "\"some longer text, long enough\"", "[]"};
    static const char *const commas[] = {",", ",", ",", ", ", " , ", ",\n"}, *const colons[] = {":", ":", ": ", " :"};
    size_t len = (size_t)snprintf(text, room, dice(seed, 8) ? "{" : "{ ");
    bool any = false;
    for (size_t i = 0; i < fields.count; i++) {
        uint32_t luck = dice(seed, 16);
        if (luck < 5)
            continue;
        size_t k = luck == 5 ? dice(seed, fields.count) : i;
        len += (size_t)snprintf(text + len, room - len, "%s\"%s\"%s%s", any ? commas[dice(seed, 6)] : "",
                                luck == 6 ? "unknown" : names[k].at, colons[dice(seed, 4)], values[dice(seed, 6)]);
        any = true;
    }
    return len + (size_t)snprintf(text + len, room - len, dice(seed, 8) ? "}" : " } ");
}

static void test_members(void **state)
{
    static const char *const hostile[] = {"{}",
                                          "{",
                                          "{,\"id\":1}",
                                          "{\"id\":1,}",
                                          "{\"id\":1 \"ts\":2}",
                                          "{\"id\":1,,\"ts\":2}",
                                          "{\"id\"}",
                                          "{\"id\":",
                                          "{\"id\":1,\"ts\"",
                                          "{\"id\":1,\"ts\":",
                                          "{\"id\":1,\"ts",
                                          "{\"id\":1,\"",
                                          "{\"id\":1,",
                                          "{\"id\":1",
                                          "[1]",
                                          "7",
                                          "{\"id\":1,\"ts\":2,\"id\":3}",
                                          "{\"i\\u0064\":1,\"id\":2}",
                                          "{\"id\":1}            ",
                                          "{\"id\":1]",
                                          "{\"id\":1,                                  \"ts\":2}",
                                          "{id:1,             }",
                                          "{\"tex\":1,\"text\":2,\"t\":3}"};
    uint32_t seed = 11;
    char text[TEXT_MAX * 2];
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        assert_walks_alike(hostile[i], strlen(hostile[i]));
    for (int round = 0; round < 40000; round++) {
        size_t len = random_object(&seed, text, sizeof text);
        switch (dice(&seed, 4)) {
        case 0:
            text[dice(&seed, (uint32_t)len)] = "\",:{} a\x01\xC3\\"[dice(&seed, 10)];
            break;
        case 1:
            len = dice(&seed, (uint32_t)len + 1);
            break;
        default:
            break;
        }
        assert_walks_alike(text, len);
    }
}

/* Known keys count as others do: with 1,024 in all the next one is refused, wherever the known ones stand. */
static void test_too_many_members(void **state)
{
    (void)state;
    for (int others = 1022; others <= 1025; others++) {
        size_t room = 16 * 1100, len = 0;
        char *text = malloc(room);
        assert_non_null(text);
        text[len++] = '{';
        for (int i = 0; i < others; i++)
            len += (size_t)snprintf(text + len, room - len, "\"k%d\":0,", i);
        len += (size_t)snprintf(text + len, room - len, "\"id\":1,\"ts\":2,\"t\":\"a few bytes more\"}");
        assert_walks_alike(text, len);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters_at_every_place),
        cmocka_unit_test(test_mixed_characters),
        cmocka_unit_test(test_text_ends_otherwise),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_too_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
