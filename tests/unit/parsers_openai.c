/* parsers_openai.c - tests of the chat completions parser beyond its fixtures: identity, time, memory. */
#include "tests/unit/collected.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

extern const struct ct_parser ct_parser_openai;

static void run(struct collected *out, const char *text)
{
    collect(out, &ct_parser_openai, ct_span_of(text), 0);
    assert_int_equal(out->status, CT_OK);
}

#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]"

static void test_identity(void **state)
{
    (void)state;
    static const struct {
        const char *line, *id, *user;
    } cases[] = {
        {"{\"conversation_id\":\"a\",\"id\":\"b\"," HELLO "}", "a", ""},
        {"{\"id\":\"b\",\"metadata\":{\"thread_id\":\"t\",\"user_id\":\"u\"}," HELLO "}", "t", "u"},
        {"{\"id\":\"b\",\"user\":\"v\"," HELLO "}", "b", "v"},
        {"{\"conversation_id\":9007199254740991," HELLO "}", "9007199254740991", ""},
        {"{\"conversation_id\":1.5," HELLO "}", "src.json:1", ""},
        {"{\"conversation_id\":\"\"," HELLO "}", "src.json:1", ""},
        {"{\"request\":{\"metadata\":{\"session_id\":\"s\"},\"user\":\"w\"," HELLO "},\"response\":{\"id\":\"r\"}}",
         "s", "w"},
        {"{\"request\":{" HELLO "},\"response\":{\"id\":\"r\",\"choices\":[]}}", "r", ""},
    };
    struct collected out = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        run(&out, cases[i].line);
        assert_int_equal(out.count, 1);
        assert_string_equal(out.messages[0].conversation_id, cases[i].id);
        assert_string_equal(out.messages[0].user_id, cases[i].user);
    }
    collected_done(&out);
}

/* Two customers must not become one because a double holds neither number. */
static void test_identifiers_beyond_a_double(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"conversation_id\":9007199254740993," HELLO "}",
        "{\"id\":\"b\",\"user_id\":-9007199254740993," HELLO "}",
        "{\"id\":\"b\",\"user_id\":1e999," HELLO "}",
    };
    struct collected out = {0};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        run(&out, lines[i]);
        assert_int_equal(out.count, 0);
        assert_int_equal(out.refusals, 1);
        assert_string_equal(out.last.reason, "number_out_of_range");
        assert_non_null(strstr(out.last.detail, i == 0 ? "\"conversation_id\"" : "\"user_id\""));
    }
    run(&out, "this is not JSON");
    assert_int_equal(out.refusals, 1);
    assert_string_equal(out.last.reason, "bad_json");
    collected_done(&out);
}

static void test_answer_has_time_and_tokens(void **state)
{
    (void)state;
    struct collected out = {0};
    run(&out,
        "{" HELLO ",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"hi\"}}],\"created\":1767312000,"
        "\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3,\"prompt_tokens_details\":{\"cached_tokens\":8}}}");
    assert_int_equal(out.count, 2);
    assert_int_equal(out.ends, 1);
    assert_int_equal(out.messages[0].ts, CT_USEC_NONE);
    assert_int_equal(out.messages[0].input, -1);
    assert_int_equal(out.messages[1].role, CT_ROLE_BOT);
    assert_int_equal(out.messages[1].ts, INT64_C(1767312000) * CT_USEC_PER_SECOND);
    assert_int_equal(out.messages[1].input, 12);
    assert_int_equal(out.messages[1].cached, 8);
    assert_int_equal(out.messages[1].output, 3);
    collected_done(&out);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        ct_usec ts;
    } cases[] = {
        {"1775037602.25", INT64_C(1775037602250000)},
        {"1775037602250", INT64_C(1775037602250000)},
        {"\"2026-04-01T10:00:02.25Z\"", INT64_C(1775037602250000)},
        {"0", 0},
        {"null", CT_USEC_NONE},
    };
    static const char *const bad[] = {"-1", "1e300", "\"noon\"", "true", "[1]"};
    struct collected out = {0};
    char line[200];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(line, sizeof(line), "{\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"timestamp\":%s}]}",
                 cases[i].value);
        run(&out, line);
        assert_int_equal(out.count, 1);
        assert_int_equal(out.messages[0].ts, cases[i].ts);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        snprintf(line, sizeof(line), "{\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"timestamp\":%s}]}", bad[i]);
        run(&out, line);
        assert_int_equal(out.count, 0);
        assert_string_equal(out.last.reason, "bad_time");
    }
    collected_done(&out);
}

static void test_prompt_is_left_out(void **state)
{
    (void)state;
    struct collected out = {0};
    run(&out, "{\"messages\":[{\"role\":\"system\",\"content\":\"transfer to a "
              "human\"},{\"role\":\"developer\",\"content\":\"p\"},"
              "{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"system\",\"content\":\"Ana joined\"}]}");
    assert_int_equal(out.count, 2);
    assert_int_equal(out.messages[0].role, CT_ROLE_USER);
    assert_int_equal(out.messages[1].role, CT_ROLE_SYSTEM);
    collected_done(&out);
}

static void test_stops_and_runs_out(void **state)
{
    (void)state;
    struct collected out = {.stop_after = 1};
    collect(&out, &ct_parser_openai, CT_SPAN_LIT("{" HELLO "}\n{" HELLO "}"), 0);
    assert_int_equal(out.status, CT_STOP);
    assert_int_equal(out.count, 1);
    out.stop_after = 0;
    collect(&out, &ct_parser_openai, CT_SPAN_LIT("{" HELLO "}"), 8);
    assert_int_equal(out.status, CT_NO_MEMORY);
    collected_done(&out);
}

/* A record that would make an enormous tree is refused before the tree is built. */
static void test_many_values(void **state)
{
    (void)state;
    size_t count = 300000, len = 0, room = count * 2 + 256;
    char *text = malloc(room);
    struct collected out = {0};
    len += (size_t)snprintf(text, room, "{" HELLO ",\"x\":[0");
    for (size_t i = 0; i < count; i++) {
        text[len++] = ',';
        text[len++] = '0';
    }
    len += (size_t)snprintf(text + len, room - len, "]}");
    collect(&out, &ct_parser_openai, (ct_span){text, len}, 0);
    assert_int_equal(out.count, 0);
    assert_string_equal(out.last.reason, "too_many_values");
    collected_done(&out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_identifiers_beyond_a_double),
        cmocka_unit_test(test_answer_has_time_and_tokens),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_prompt_is_left_out),
        cmocka_unit_test(test_stops_and_runs_out),
        cmocka_unit_test(test_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
