/* parsers_native.c - tests of the native transcript's parser: both shapes, and what must stop it. */
#include "tests/unit/collected.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

extern const struct ct_parser ct_parser_convtap;

static void run(struct collected *out, const char *text)
{
    collect(out, &ct_parser_convtap, ct_span_of(text), 0);
    assert_int_equal(out->status, CT_OK);
}

static void test_message_a_line(void **state)
{
    (void)state;
    struct collected out = {0};
    run(&out, "{\"conversation_id\":\"c\",\"role\":\"user\",\"text\":\"hola\",\"ts\":\"2026-03-02T09:00:00Z\"}\n"
              "{\"text\":\"\\u00bfs\\u00ed?\",\"role\":\"bot\",\"conversation_id\":\"c\","
              "\"tokens\":{\"input\":9007199254740991,\"cached\":1},\"cost\":{\"amount\":0.00095565,\"currency\":"
              "\"USD\"}}\n");
    assert_int_equal(out.count, 2);
    assert_int_equal(out.ends, 0); /* the end of such a conversation is not in the source */
    assert_int_equal(out.refusals, 0);
    assert_int_equal(out.messages[0].ts, INT64_C(1772442000) * CT_USEC_PER_SECOND);
    assert_int_equal(out.messages[1].ts, CT_USEC_NONE);
    assert_string_equal(out.messages[1].text, "¿sí?");
    assert_int_equal(out.messages[1].input, INT64_C(9007199254740991)); /* the largest count */
    assert_int_equal(out.messages[1].output, -1);
    assert_true(out.messages[1].has_cost);
    assert_int_equal(out.messages[1].cost, 955650);
    assert_true(out.messages[1].seq > out.messages[0].seq);
    collected_done(&out);
}

static void test_conversation_a_line(void **state)
{
    (void)state;
    struct collected out = {0};
    run(&out, "{\"messages\":[{\"role\":\"user\",\"text\":\"a\"},{\"role\":\"agent\",\"text\":\"b\"}],"
              "\"user_id\":\"said later\",\"conversation_id\":\"c\"}");
    assert_int_equal(out.count, 2);
    assert_int_equal(out.ends, 1);
    assert_string_equal(out.messages[0].user_id, "said later");
    assert_string_equal(out.messages[1].conversation_id, "c");
    assert_int_equal(out.messages[1].role, CT_ROLE_AGENT);
    assert_true(out.messages[1].seq > out.messages[0].seq);
    collected_done(&out);
}

/* Broken JSON takes the record, a wrong message takes only itself. */
static void test_what_a_fault_takes(void **state)
{
    (void)state;
    struct collected out = {0};
    run(&out,
        "{\"conversation_id\":\"c\",\"messages\":[{\"role\":\"user\",\"text\":\"a\"},"
        "{\"role\":\"user\",\"text\":\"b\",\"ts\":\"2026-02-30T00:00:00Z\"},{\"role\":\"user\",\"text\":\"c\"}]}");
    assert_int_equal(out.count, 2);
    assert_int_equal(out.ends, 1);
    assert_int_equal(out.refusals, 1);
    assert_string_equal(out.last.reason, "bad_time");
    run(&out, "{\"conversation_id\":\"c\",\"messages\":[{\"role\":\"user\",\"text\":\"a\"},{\"role\":\"user\",}]}");
    assert_int_equal(out.count, 0);
    assert_int_equal(out.ends, 0);
    assert_string_equal(out.last.reason, "bad_json");
    collected_done(&out);
}

/* Counts beyond 2^53 - 1 are refused with their key; identifiers and money are read from their digits. */
static void test_numbers_beyond_a_double(void **state)
{
    (void)state;
    static const struct {
        const char *member, *field;
    } cases[] = {
        {"\"tokens\":{\"input\":9007199254740993}", "\"input\""},
        {"\"tokens\":{\"input\":1,\"cached\":9007199254740993}", "\"cached\""},
        {"\"tokens\":{\"output\":9007199254740992}", "\"output\""},
        {"\"event\":{\"type\":\"feedback\",\"value\":4,\"scale\":9007199254740993}", "\"event.scale\""},
        {"\"event\":{\"type\":\"feedback\",\"value\":4,\"scale_min\":9007199254740993}", "\"event.scale_min\""},
    };
    struct collected out = {0};
    char line[300];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(line, sizeof(line), "{\"conversation_id\":\"c\",\"role\":\"bot\",\"text\":\"a\",%s}", cases[i].member);
        run(&out, line);
        assert_int_equal(out.count, 0);
        assert_int_equal(out.refusals, 1);
        assert_string_equal(out.last.reason, "number_out_of_range");
        assert_non_null(strstr(out.last.detail, cases[i].field));
    }
    run(&out, "{\"conversation_id\":9007199254740993,\"user_id\":34600111222999888777,\"id\":9007199254740995,"
              "\"role\":\"bot\",\"text\":\"a\",\"cost\":{\"amount\":9007199.254740993,\"currency\":\"USD\"}}");
    assert_int_equal(out.refusals, 0);
    assert_int_equal(out.count, 1);
    assert_string_equal(out.messages[0].conversation_id, "9007199254740993");
    assert_string_equal(out.messages[0].user_id, "34600111222999888777");
    assert_int_equal(out.messages[0].cost, INT64_C(9007199254740993));
    collected_done(&out);
}

static void test_consumer_stops_it(void **state)
{
    (void)state;
    struct collected out = {.stop_after = 2};
    collect(&out, &ct_parser_convtap,
            CT_SPAN_LIT("{\"conversation_id\":\"c\",\"messages\":[{\"role\":\"user\",\"text\":\"a\"},"
                        "{\"role\":\"user\",\"text\":\"b\"},{\"role\":\"user\",\"text\":\"c\"}]}"),
            0);
    assert_int_equal(out.status, CT_STOP);
    assert_int_equal(out.count, 2);
    assert_int_equal(out.ends, 0);
    collected_done(&out);
}

static void test_out_of_memory_is_said(void **state)
{
    (void)state;
    struct collected out = {0};
    collect(
        &out, &ct_parser_convtap,
        CT_SPAN_LIT("{\"conversation_id\":\"c\",\"role\":\"user\",\"text\":\"escaped \\n text, escaped \\n text\"}"),
        16);
    assert_int_equal(out.status, CT_NO_MEMORY);
    assert_int_equal(out.refusals, 0);
    collect(&out, &ct_parser_convtap,
            CT_SPAN_LIT("{\"conversation_id\":\"c\",\"role\":\"bot\",\"text\":\"\",\"tool_calls\":[\"a\",\"b\"]}"), 16);
    assert_int_equal(out.status, CT_NO_MEMORY);
    collected_done(&out);
}

/* The memory for a record is a small multiple of it, however it is built. */
static void test_memory_is_bounded(void **state)
{
    (void)state;
    size_t count = 20000, len = 0, room = count * 32 + 64;
    char *text = malloc(room);
    struct collected out = {0};
    len += (size_t)snprintf(text, room, "{\"conversation_id\":\"c\",\"messages\":[");
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, room - len, "%s{\"role\":\"x\",\"text\":\"\\n\"}", i ? "," : "");
    len += (size_t)snprintf(text + len, room - len, "]}");
    collect(&out, &ct_parser_convtap, (ct_span){text, len}, 3 * len);
    assert_int_equal(out.status, CT_OK);
    assert_int_equal(out.refusals, count);
    collected_done(&out);
    free(text);
}

static void test_detection(void **state)
{
    (void)state;
    static const struct {
        const char *head, *name;
    } cases[] = {
        {"{\"conversation_id\":\"c\",\"role\":\"user\",\"text\":\"a\"}\n", "convtap"},
        {"{\"conversation_id\":\"c\",\"messages\":[{\"role\":\"user\",\"text\":\"cut", "convtap"},
        {"\xEF\xBB\xBF [\n {\"conversation_id\":\"c\",\"messages\":[{\"text\":", "convtap"},
        {"{\"conversation_id\":\"c\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n", "openai"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n", "openai"},
        {"{\"id\":\"x\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[{\"index\":0,", "openai"},
        {"{\"request\":{\"messages\":[]},\"response\":{\"choices\":[]}}", "openai"},
        {"{\"custom_id\":\"x\",\"response\":{\"status_code\":200,\"body\":{\"choices\":[", "openai"},
        {"[{\"task_id\":0,\"reward\":0.0,\"info\":{\"task\":{\"user_id\":\"u\"", "tau"},
        {"{\"task_id\":0,\"traj\":[{\"role\":\"user\",\"content\":\"x\"}]}", "tau"},
        {"{\"timestamp\":\"t\",\"info\":{\"git_commit\":\"c\",\"user_info\":{\"impl", "tau2"},
        {"{\"info\":{},\"tasks\":[],\"simulations\":[{\"id\":\"x\",\"task_id\":", "tau2"},
        {"{\"task_id\":\"1\",\"run_info\":{\"simulation_id\":\"s\"},\"messages\":[{\"role\":\"user\",\"content\":\"a\"",
         "tau2"},
        {"{\"id\":\"s\",\"task_id\":\"1\",\"termination_reason\":\"user_stop\",\"messages\":[{\"role\":\"user\","
         "\"content\":1}]}",
         "tau2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct ct_parser *parser = ct_parser_detect(ct_span_of(cases[i].head));
        assert_non_null(parser);
        assert_string_equal(parser->name, cases[i].name);
    }
    static const char *const others[] = {"",
                                         "[",
                                         "{",
                                         "{}",
                                         "[1,2]",
                                         "\"x\"",
                                         "12/03/24, 10:11 - Ana: hola\n",
                                         "[12/03/24, 10:11:12] Ana: {\"conversation_id\":1}\n",
                                         "conversation_id,role,text\n",
                                         "{\"a\":1}",
                                         "User: hi\nBot: hello\n",
                                         "\xff\xfe{"};
    static const char *const names[] = {"convtap", "openai", "tau", "tau2"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
            assert_int_equal(ct_parser_find(ct_span_of(names[j]))->detect(ct_span_of(others[i])), 0);
    assert_null(ct_parser_find(CT_SPAN_LIT("nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_a_line),     cmocka_unit_test(test_conversation_a_line),
        cmocka_unit_test(test_what_a_fault_takes), cmocka_unit_test(test_numbers_beyond_a_double),
        cmocka_unit_test(test_consumer_stops_it),  cmocka_unit_test(test_out_of_memory_is_said),
        cmocka_unit_test(test_memory_is_bounded),  cmocka_unit_test(test_detection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
