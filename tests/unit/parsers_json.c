/* parsers_json.c - tests of the JSON field reader: what it accepts, refuses, borrows and copies. */
#include "parsers/json_head.h"
#include "parsers/json_reader.h"
#include "parsers/json_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct ct_arena arena;
    struct ct_json json;
    char *block; /* exactly as long as the text, for the sanitizer */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    ct_arena_init(&fixture->arena, 0, 1 << 20);
    *state = fixture;
    return fixture == NULL;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ct_arena_done(&fixture->arena);
    free(fixture->block);
    free(fixture);
    return 0;
}

static struct ct_json *open_bytes(struct fixture *fixture, const char *bytes, size_t len)
{
    free(fixture->block);
    fixture->block = malloc(len ? len : 1);
    memcpy(fixture->block, bytes, len);
    ct_json_init(&fixture->json, (ct_span){fixture->block, len}, &fixture->arena);
    return &fixture->json;
}

static struct ct_json *open_text(struct fixture *fixture, const char *text)
{
    return open_bytes(fixture, text, strlen(text));
}

static void assert_span(ct_span got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.at, want, got.len);
}

/* The reason for which the value is refused as a whole, or "" where it is accepted. */
static const char *reason_of(struct fixture *fixture, const char *bytes, size_t len)
{
    struct ct_json *json = open_bytes(fixture, bytes, len);
    if (ct_json_skip(json) && ct_json_end(json))
        return "";
    assert_int_equal(json->status, CT_REFUSED);
    assert_true(json->fail_at >= json->begin && json->fail_at <= json->end);
    return json->reason;
}

static void test_grammar(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " [ ] ",
        "0",
        "-0",
        "1.5e+10",
        "1E3",
        "\"\"",
        "true",
        "false",
        "null",
        "[1,2,[3,{\"a\":[]}]]",
        "{\"a\":{\"b\":null},\"c\":\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
        "\t\r\n {\"a\" : 1 , \"b\":2}\n",
        "\"\\ud83d\\ude00\"",
        "\"\\u0000\"",
        "\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "\"0123456789abcdef0123456789abcdef, a long plain string\"",
    };
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"", "truncated"},
        {" ", "truncated"},
        {"[", "truncated"},
        {"{", "truncated"},
        {"[1", "truncated"},
        {"[1,", "truncated"},
        {"{\"a\"", "truncated"},
        {"{\"a\":", "truncated"},
        {"\"abc", "truncated"},
        {"\"abc\\", "truncated"},
        {"\"\\u12", "truncated"},
        {"tru", "truncated"},
        {"-", "truncated"},
        {"1.", "truncated"},
        {"1e", "truncated"},
        {"1e+", "truncated"},
        {"tru3", "bad_json"},
        {"nul]", "bad_json"},
        {"01", "bad_json"},
        {"-01", "bad_json"},
        {"+1", "bad_json"},
        {".5", "bad_json"},
        {"1.e3", "bad_json"},
        {"0x10", "bad_json"},
        {"NaN", "bad_json"},
        {"[1 2]", "bad_json"},
        {"[1,]", "bad_json"},
        {"[,1]", "bad_json"},
        {"{\"a\":1,}", "bad_json"},
        {"{a:1}", "bad_json"},
        {"{\"a\" 1}", "bad_json"},
        {"{1:2}", "bad_json"},
        {"[1}", "bad_json"},
        {"{\"a\":1]", "bad_json"},
        {"]", "bad_json"},
        {"'a'", "bad_json"},
        {"1 2", "bad_json"},
        {"{} x", "bad_json"},
        {"\"\\x\"", "bad_json"},
        {"\"\\u12g4\"", "bad_json"},
        {"\"a\nb\"", "bad_json"},
        {"\"a\tb\"", "bad_json"},
        {"\"\x1f\"", "bad_json"},
        {"/**/1", "bad_json"},
        {"\"\\ud83d\"", "invalid_utf8"},
        {"\"\\ude00\"", "invalid_utf8"},
        {"\"\\ud83d\\u0041\"", "invalid_utf8"},
        {"\"\x80\"", "invalid_utf8"},
        {"\"\xc0\xaf\"", "invalid_utf8"},
        {"\"\xc1\xbf\"", "invalid_utf8"},
        {"\"\xe0\x9f\xbf\"", "invalid_utf8"},
        {"\"\xed\xa0\x80\"", "invalid_utf8"},
        {"\"\xf0\x8f\xbf\xbf\"", "invalid_utf8"},
        {"\"\xf4\x90\x80\x80\"", "invalid_utf8"},
        {"\"\xf5\x80\x80\x80\"", "invalid_utf8"},
        {"\"\xc3\"", "invalid_utf8"},
        {"\"\xe2\x82\"", "invalid_utf8"},
        {"\"\xff\"", "invalid_utf8"},
        {"\xEF\xBB\xBF{}", "bad_json"},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_string_equal(reason_of(*state, good[i], strlen(good[i])), "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_string_equal(reason_of(*state, bad[i].text, strlen(bad[i].text)), bad[i].reason);
    assert_string_equal(reason_of(*state, "\"a\0b\"", 5), "bad_json");
    assert_string_equal(reason_of(*state, "1\0", 2), "bad_json");
}

/* A string is validated the same at every offset against the 16-byte steps. */
static void test_string_offsets(void **state)
{
    for (size_t pad = 0; pad < 40; pad++) {
        char text[128];
        int len =
            snprintf(text, sizeof(text), "\"%.*s\xc3\xa9|\"", (int)pad, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        assert_string_equal(reason_of(*state, text, (size_t)len), "");
        text[pad + 2] = 'z'; /* the lead byte is now alone */
        assert_string_equal(reason_of(*state, text, (size_t)len), "invalid_utf8");
        assert_int_equal(((struct fixture *)*state)->json.fail_at - ((struct fixture *)*state)->json.begin, pad + 1);
        text[pad + 1] = 'y';
        text[pad + 3] = '\n';
        assert_string_equal(reason_of(*state, text, (size_t)len), "bad_json");
        text[pad + 3] = '"';
        text[pad + 4] = ' ';
        assert_string_equal(reason_of(*state, text, (size_t)len), "");
    }
}

static void test_strings_are_borrowed_or_unescaped(void **state)
{
    struct fixture *fixture = *state;
    ct_span text = CT_SPAN_NONE;
    struct ct_json *json = open_text(fixture, " \"plain ñ 你\" ");
    assert_true(ct_json_string(json, "f", &text));
    assert_span(text, "plain ñ 你");
    assert_true(text.at > json->begin && text.at < json->end);
    json = open_text(fixture, "\"a\\u00e9\\ud83d\\ude00\\n\\\\ then a long plain stretch of text ñ and \\\"more\\\"\"");
    assert_true(ct_json_string(json, "f", &text));
    assert_span(text, "aé😀\n\\ then a long plain stretch of text ñ and \"more\"");
    json = open_text(fixture, "[\"\\t1\",\"\\t2\",\"\"]");
    struct ct_json_walk walk = {0};
    ct_span parts[3];
    assert_true(ct_json_array(json, NULL));
    for (size_t i = 0; i < 3; i++) {
        assert_true(ct_json_element(json, &walk));
        assert_true(ct_json_string(json, NULL, &parts[i]));
    }
    assert_false(ct_json_element(json, &walk));
    assert_int_equal(json->status, CT_OK);
    assert_span(parts[0], "\t1");
    assert_span(parts[1], "\t2");
    assert_int_equal(parts[2].len, 0);
    json = open_text(fixture, "\"\\u0000\"");
    assert_false(ct_json_string(json, "f", &text));
    assert_string_equal(json->reason, "bad_json");
}

static void test_numbers_stay_text(void **state)
{
    struct fixture *fixture = *state;
    ct_span raw = CT_SPAN_NONE;
    int64_t count = -1;
    assert_true(ct_json_number(open_text(fixture, "9007199254740993"), "n", &raw));
    assert_span(raw, "9007199254740993");
    assert_true(ct_json_number(open_text(fixture, "0.00036649999999999996e-00"), "n", &raw));
    assert_span(raw, "0.00036649999999999996e-00");
    assert_true(ct_json_id(open_text(fixture, "34600111222999888777"), "n", &raw));
    assert_span(raw, "34600111222999888777");
    assert_true(ct_json_count(open_text(fixture, "9007199254740991"), "n", &count));
    assert_int_equal(count, CT_JSON_COUNT_MAX);
    static const char *const out_of_range[] = {
        "-1", "1.0", "1e3", "9007199254740992", "9007199254740993", "9223372036854775808", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(out_of_range) / sizeof(*out_of_range); i++) {
        assert_false(ct_json_count(open_text(fixture, out_of_range[i]), "n", &count));
        assert_string_equal(fixture->json.reason, "number_out_of_range");
        assert_string_equal(fixture->json.field, "n");
    }
    char longer[80];
    memset(longer, '1', sizeof(longer));
    assert_string_equal(reason_of(fixture, longer, 63), "");
    assert_string_equal(reason_of(fixture, longer, 64), "number_out_of_range");
}

static void test_depth_has_a_limit(void **state)
{
    char text[200];
    for (size_t depth = 60; depth <= 70; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_string_equal(reason_of(*state, text, 2 * depth), depth <= CT_JSON_DEPTH_MAX ? "" : "too_deep");
    }
    struct ct_json *json = open_text(*state, "[[[1]]]");
    assert_false(ct_json_check(json, 2, 100));
    assert_string_equal(json->reason, "too_deep");
    json = open_text(*state, "[[[1]]]");
    assert_true(ct_json_check(json, 3, 100));
    json = open_text(*state, "[1,2,3]");
    assert_false(ct_json_check(json, 3, 3));
    assert_string_equal(json->reason, "too_many_values");
}

static void test_fields_and_duplicates(void **state)
{
    static const ct_span names[] = {CT_JSON_NAME("a"), CT_JSON_NAME("a_longer_name"), CT_JSON_NAME("seven77"),
                                    CT_JSON_NAME("a name of more than sixteen bytes")};
    static const struct ct_json_fields fields = {names, 4};
    struct ct_json *json = open_text(*state, "{\"x\":{\"a\":1,\"a\":2},\"a_longer_name\":1,\"seven77\":2,\"seven78\":3,"
                                             "\"a name of more than sixteen bytes\":4,\"\\u0061\":5,\"x\":6,\"a\":7}");
    static const int want[] = {-1, 1, 2, -1, 3, 0, -1};
    struct ct_json_walk walk = {0};
    ct_span key;
    assert_true(ct_json_object(json, NULL));
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        assert_true(ct_json_key(json, &walk, &key));
        assert_int_equal(ct_json_field(json, &walk, key, &fields), want[i]);
        assert_true(ct_json_skip(json));
    }
    assert_true(ct_json_key(json, &walk, &key));
    assert_int_equal(ct_json_field(json, &walk, key, &fields), -1);
    assert_string_equal(json->reason, "duplicate_key");
    assert_false(ct_json_skip(json)); /* a failure sticks */
    assert_false(ct_json_key(json, &walk, &key));
}

static void test_too_many_keys(void **state)
{
    size_t room = 16 * 1100, len = 0;
    char *text = malloc(room);
    ct_span key;
    text[len++] = '{';
    for (int i = 0; i < 1025; i++)
        len += (size_t)snprintf(text + len, room - len, "%s\"k%d\":0", i ? "," : "", i);
    text[len++] = '}';
    struct ct_json *json = open_bytes(*state, text, len);
    struct ct_json_walk walk = {0};
    int keys = 0;
    assert_true(ct_json_object(json, NULL));
    while (ct_json_key(json, &walk, &key)) {
        keys++;
        assert_true(ct_json_skip(json));
    }
    assert_int_equal(keys, 1024);
    assert_string_equal(json->reason, "too_many_keys");
    free(text);
}

static void test_refusal_says_where(void **state)
{
    struct ct_json *json = open_text(*state, "{\n \"role\":\n  7}");
    struct ct_json_walk walk = {0};
    struct ct_frame frame = {{json->begin, 15}, 1000, 5, 0, NULL};
    struct ct_refusal refusal;
    ct_span key, text;
    assert_true(ct_json_object(json, NULL) && ct_json_key(json, &walk, &key));
    assert_false(ct_json_string(json, "role", &text));
    ct_json_refusal(json, &frame, &refusal);
    assert_string_equal(refusal.reason, "wrong_type");
    assert_int_equal(refusal.offset, 1013);
    assert_int_equal(refusal.line, 7);
    assert_string_equal(refusal.detail, "field \"role\": number where a string is due");
}

/* Where another type is due: the type of sound values alone, else what is wrong with the value. */
static void test_a_type_is_of_sound_values(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"this is not JSON", "bad_json"},
        {"false alarm", "bad_json"},
        {"nil", "bad_json"},
        {"n", "truncated"},
        {"2026-03-01", "bad_json"},
        {"12 apples", "bad_json"},
        {"\"quoted\" prose", "bad_json"},
        {"[1, 2", "truncated"},
        {"[1, 2] and more", "bad_json"},
        {"\"\xff\"", "invalid_utf8"},
        {"plain words", "bad_json"},
        {"", "truncated"},
        {"true", "wrong_type"},
        {" null ", "wrong_type"},
        {"17", "wrong_type"},
        {"\"text\"", "wrong_type"},
        {"[{\"a\": 1}]", "wrong_type"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ct_json *json = open_text(*state, cases[i].text);
        assert_false(ct_json_object(json, NULL));
        assert_int_equal(json->status, CT_REFUSED);
        assert_string_equal(json->reason, cases[i].reason);
    }
    struct ct_json_walk walk = {0};
    ct_span key, text;
    struct ct_json *json = open_text(*state, "{\"role\":troll,\"x\":1}");
    assert_true(ct_json_object(json, NULL) && ct_json_key(json, &walk, &key));
    assert_false(ct_json_string(json, "role", &text));
    assert_string_equal(json->reason, "bad_json");
}

static void test_out_of_memory_is_no_refusal(void **state)
{
    struct fixture *fixture = *state;
    struct ct_arena tight;
    ct_span text;
    ct_arena_init(&tight, 64, 8);
    struct ct_json *json = open_text(fixture, "\"a long string with one \\n escape\"");
    json->scratch = &tight;
    assert_false(ct_json_string(json, "f", &text));
    assert_int_equal(json->status, CT_NO_MEMORY);
    ct_arena_done(&tight);
}

static void test_tree(void **state)
{
    struct fixture *fixture = *state;
    struct ct_json_tree tree;
    const char *text =
        "{\"a\":\"x\",\"A\":\"y\",\"n\":12,\"neg\":-1,\"null\":null,\"d\":1,\"d\":2,\"o\":{\"i\":\"in\"}}";
    assert_true(ct_json_tree_read(&tree, ct_span_of(text), &fixture->arena));
    assert_span(ct_json_tree_string(&tree, tree.root, "a"), "x");
    assert_span(ct_json_tree_string(&tree, tree.root, "A"), "y");
    assert_span(ct_json_tree_string(&tree, ct_json_tree_object(&tree, tree.root, "o"), "i"), "in");
    assert_int_equal(ct_json_tree_count(&tree, tree.root, "n", -1), 12);
    assert_int_equal(ct_json_tree_count(&tree, tree.root, "absent", -1), -1);
    assert_null(ct_json_tree_get(&tree, tree.root, "null"));
    assert_int_equal(tree.json.status, CT_OK);
    assert_int_equal(ct_json_tree_string(&tree, tree.root, "n").len, 0);
    assert_string_equal(tree.json.reason, "wrong_type");
    ct_json_tree_clear(&tree);
    assert_int_equal(ct_json_tree_count(&tree, tree.root, "neg", -7), -7);
    assert_string_equal(tree.json.reason, "number_out_of_range");
    ct_json_tree_clear(&tree);
    assert_null(ct_json_tree_get(&tree, tree.root, "d"));
    assert_string_equal(tree.json.reason, "duplicate_key");
    ct_json_tree_done(&tree);
    static const char *const refused[] = {"{\"a\":007}", "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}", "{} {}",
                                          "\xEF\xBB\xBF{}"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        assert_false(ct_json_tree_read(&tree, ct_span_of(refused[i]), &fixture->arena));
        assert_int_equal(tree.json.status, CT_REFUSED);
        ct_json_tree_done(&tree);
    }
}

static void test_head(void **state)
{
    (void)state;
    struct ct_json_head head;
    ct_json_head_read(&head, CT_SPAN_LIT("[{\"conversation_id\":1,\"messages\":[{\"role\":\"user\",\"text\":\"cut he"));
    assert_true(ct_json_head_has(&head.top, CT_HEAD_conversation_id));
    assert_true(ct_json_head_has(&head.top, CT_HEAD_messages));
    assert_true(ct_json_head_has(&head.inner[CT_HEAD_messages], CT_HEAD_role));
    assert_true(ct_json_head_has(&head.inner[CT_HEAD_messages], CT_HEAD_text));
    assert_false(ct_json_head_has(&head.top, CT_HEAD_text));
    ct_json_head_read(&head, CT_SPAN_LIT("[12/03/24, 10:11:12] Ana: {\"messages\":1}"));
    assert_int_equal(head.top, 0);
    ct_json_head_read(&head, CT_SPAN_NONE);
    assert_int_equal(head.top, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_grammar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_string_offsets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strings_are_borrowed_or_unescaped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_stay_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields_and_duplicates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal_says_where, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_type_is_of_sound_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory_is_no_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree, setup, teardown),
        cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
