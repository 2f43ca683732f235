/* parsers_tau.c - tests of the tau-bench and tau2 parsers, also on published results where they are at hand. */
#include "tests/unit/collected.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

extern const struct ct_parser ct_parser_tau;
extern const struct ct_parser ct_parser_tau2;

static void run(struct collected *out, const struct ct_parser *parser, const char *text)
{
    collect(out, parser, ct_span_of(text), 0);
    assert_int_equal(out->status, CT_OK);
}

static void test_reward_becomes_a_label(void **state)
{
    (void)state;
    static const struct {
        const char *reward, *resolved;
    } cases[] = {{"1", "true"},    {"1.0", "true"},  {"0.999999", "true"}, {"0.9999989", "false"},
                 {"0.5", "false"}, {"0.0", "false"}, {"1e0", "true"},      {"null", NULL}};
    struct collected out = {0};
    char text[300];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(text, sizeof(text),
                 "{\"task_id\":1,\"trial\":2,\"reward\":%s,\"traj\":[{\"role\":\"user\",\"content\":\"x\"}]}",
                 cases[i].reward);
        run(&out, &ct_parser_tau, text);
        assert_int_equal(out.ends, 1);
        assert_string_equal(out.messages[0].conversation_id, "src.json/1/2");
        assert_int_equal(out.count, cases[i].resolved ? 3 : 1);
        if (cases[i].resolved == NULL)
            continue;
        assert_int_equal(out.messages[1].event, CT_EVENT_LABEL);
        assert_int_equal(out.messages[1].role, CT_ROLE_SYSTEM);
        assert_string_equal(out.messages[1].event_name, "resolved");
        assert_string_equal(out.messages[1].event_value, cases[i].resolved);
        assert_string_equal(out.messages[2].event_name, "reward");
        assert_string_equal(out.messages[2].event_value, cases[i].reward);
        assert_true(out.messages[2].seq > out.messages[1].seq && out.messages[1].seq > out.messages[0].seq);
    }
    collected_done(&out);
}

static void test_marks(void **state)
{
    (void)state;
    static const struct {
        const char *content, *text, *event; /* text NULL = no message */
    } cases[] = {
        {"bye ###STOP###", "bye", NULL},
        {"###STOP###", NULL, NULL},
        {" \\n###STOP###\\n ", NULL, NULL},
        {"###TRANSFER###", NULL, "user_transfer_mark"},
        {"ok ###OUT-OF-SCOPE### ###STOP###", "ok", "user_out_of_scope_mark"},
        {"###STOP### said nobody", "###STOP### said nobody", NULL},
        {"  spaces stay  ", "  spaces stay  ", NULL},
        {"###stop###", "###stop###", NULL},
    };
    struct collected out = {0};
    char text[300];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(text, sizeof(text),
                 "{\"id\":\"s\",\"messages\":[{\"role\":\"assistant\",\"content\":\"hi\"},{\"role\":\"user\","
                 "\"content\":\"%s\"}]}",
                 cases[i].content);
        run(&out, &ct_parser_tau2, text);
        size_t want = (size_t)1 + (cases[i].text ? 1 : 0) + (cases[i].event ? 1 : 0);
        assert_int_equal(out.count, want);
        if (cases[i].text)
            assert_string_equal(out.messages[1].text, cases[i].text);
        if (cases[i].event) {
            assert_string_equal(out.messages[want - 1].event_name, cases[i].event);
            assert_int_equal(out.messages[want - 1].event, CT_EVENT_OTHER);
        }
    }
    collected_done(&out);
}

static void test_costs_are_exact(void **state)
{
    (void)state;
    struct collected out = {0};
    run(&out, &ct_parser_tau2,
        "{\"id\":\"s\",\"agent_cost\":5,\"reward_info\":{\"reward\":1.0},\"messages\":["
        "{\"role\":\"assistant\",\"content\":\"a\",\"cost\":0.0},{\"role\":\"user\",\"content\":\"b\",\"cost\":0.5},"
        "{\"role\":\"assistant\",\"content\":\"c\",\"cost\":0.00036649999999999996},"
        "{\"role\":\"assistant\",\"content\":\"d\",\"cost\":1.234e-05}]}");
    assert_int_equal(out.count, 6);
    assert_false(out.messages[0].has_cost);
    assert_false(out.messages[1].has_cost); /* the simulated user's cost is not the bot's */
    assert_int_equal(out.messages[2].cost, 366500);
    assert_int_equal(out.messages[3].cost, 12340);
    assert_false(out.messages[4].has_cost);
    run(&out, &ct_parser_tau2,
        "{\"id\":\"s\",\"agent_cost\":0.02,\"reward_info\":null,\"messages\":[{\"role\":\"assistant\",\"content\":"
        "\"a\"}]}");
    assert_int_equal(out.count, 2);
    assert_int_equal(out.messages[1].cost, 20000000);
    collected_done(&out);
}

static void test_users_own_tools(void **state)
{
    (void)state;
    struct collected out = {0};
    run(&out, &ct_parser_tau2,
        "{\"id\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"see\",\"tool_calls\":[{\"name\":\"u\","
        "\"requestor\":\"user\"}]},"
        "{\"role\":\"tool\",\"content\":\"mine\",\"requestor\":\"user\"},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"name\":\"b\",\"requestor\":\"assistant\","
        "\"arguments\":{}}]},"
        "{\"role\":\"tool\",\"content\":\"theirs\",\"requestor\":\"assistant\"}]}");
    assert_int_equal(out.count, 3);
    assert_int_equal(out.messages[0].tool_call_count, 0);
    assert_int_equal(out.messages[1].tool_call_count, 1);
    assert_string_equal(out.messages[2].text, "theirs");
    collected_done(&out);
}

static void test_stops_and_runs_out(void **state)
{
    (void)state;
    static const char text[] =
        "{\"id\":\"s\",\"reward_info\":{\"reward\":1},\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";
    for (size_t stop = 1; stop <= 3; stop++) {
        struct collected out = {.stop_after = stop};
        collect(&out, &ct_parser_tau2, ct_span_of(text), 0);
        assert_int_equal(out.status, CT_STOP);
        assert_int_equal(out.count, stop);
        assert_int_equal(out.ends, 0);
        collected_done(&out);
    }
    struct collected out = {0};
    collect(&out, &ct_parser_tau, CT_SPAN_LIT("{\"task_id\":1,\"traj\":[]}"), 4);
    assert_int_equal(out.status, CT_NO_MEMORY);
    collected_done(&out);
}

/* ---- published results ------------------------------------------------------------------- */

/* The unpacked file under the shared data, NULL where it is not there. Freed by the caller. */
static char *published(const char *name, size_t *len)
{
    const char *shared = getenv("CT_SHARED");
    char command[600];
    snprintf(command, sizeof(command), "gzip -dc '%s/data/raw/%s.json.gz' 2>/dev/null",
             shared ? shared : CT_SOURCE_DIR "/../shared", name);
    FILE *pipe = popen(command, "r");
    char *text = NULL;
    size_t room = 0;
    *len = 0;
    for (size_t got = 1; pipe && got > 0; *len += got) {
        if (*len + 65536 > room)
            text = realloc(text, room = room * 2 + 65536);
        got = fread(text + *len, 1, room - *len, pipe);
    }
    if (pipe)
        pclose(pipe);
    if (*len == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void count_resolved(const char *name, const struct ct_parser *parser, size_t conversations, size_t resolved)
{
    size_t len, labels = 0, successes = 0;
    char *text = published(name, &len);
    if (text == NULL) {
        print_message("skipped: %s is not at hand\n", name);
        skip();
    }
    assert_ptr_equal(ct_parser_detect((ct_span){text, len < 65536 ? len : 65536}), parser);
    struct collected out = {0};
    collect(&out, parser, (ct_span){text, len}, 0);
    assert_int_equal(out.status, CT_OK);
    assert_int_equal(out.refusals, 0);
    assert_int_equal(out.ends, conversations);
    for (size_t i = 0; i < out.count; i++) {
        assert_null(strstr(out.messages[i].text, "###STOP###"));
        if (strcmp(out.messages[i].event_name, "resolved") != 0)
            continue;
        labels++;
        successes += strcmp(out.messages[i].event_value, "true") == 0;
    }
    assert_int_equal(labels, conversations);
    assert_int_equal(successes, resolved);
    collected_done(&out);
    free(text);
}

/* tau-bench, airline, gpt-4o: the published mean reward of .420. */
static void test_published_airline(void **state)
{
    (void)state;
    count_resolved("tau1_airline_gpt-4o", &ct_parser_tau, 200, 84);
}

static void test_published_tau2(void **state)
{
    (void)state;
    count_resolved("tau2_airline_gpt-5", &ct_parser_tau2, 50, 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_becomes_a_label), cmocka_unit_test(test_marks),
        cmocka_unit_test(test_costs_are_exact),        cmocka_unit_test(test_users_own_tools),
        cmocka_unit_test(test_stops_and_runs_out),     cmocka_unit_test(test_published_airline),
        cmocka_unit_test(test_published_tau2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
