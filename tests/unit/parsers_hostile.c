/* parsers_hostile.c - payloads that a customer may shape as he likes: what they take grows with their length, and not
 * with its square; and who is said to speak. */
#include "tests/unit/collected.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

extern const struct ct_parser ct_parser_botframework, ct_parser_chatwoot, ct_parser_rasa_socketio,
    ct_parser_whatsapp_cloud;

enum { PAYLOAD_BYTES = 1 << 20, SCRATCH_MAX = 32 << 20 };

/* `before`, as many of `piece` as fit into a payload, `after`; without the comma behind the last. The caller frees. */
static ct_span repeated(const char *before, const char *piece, const char *after)
{
    size_t head = strlen(before), one = strlen(piece), tail = strlen(after), len = head;
    char *text = malloc(PAYLOAD_BYTES);
    assert_non_null(text);
    memcpy(text, before, head);
    while (len + one + tail <= PAYLOAD_BYTES) {
        memcpy(text + len, piece, one);
        len += one;
    }
    len -= piece[one - 1] == ',';
    memcpy(text + len, after, tail);
    return (ct_span){text, len + tail};
}

/* One message within the scratch limit, and within two seconds of processor time: quadratic work takes minutes. */
static void assert_cheap(const struct ct_parser *parser, ct_span payload)
{
    struct collected out = {0};
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    collect(&out, parser, payload, SCRATCH_MAX);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    assert_int_equal(out.status, CT_OK);
    assert_int_equal(out.refusals, 0);
    assert_int_equal(out.count, 1);
    assert_true(to.tv_sec - from.tv_sec <= 2);
    collected_done(&out);
    free((void *)(uintptr_t)payload.at);
}

static void test_many_pieces(void **state)
{
    (void)state;
    assert_cheap(&ct_parser_botframework,
                 repeated("{\"type\":\"message\",\"conversation\":{\"id\":\"c\"},\"from\":{\"role\":\"user\"},"
                          "\"attachments\":[{\"content\":{\"body\":[",
                          "{\"text\":\"a\"},", "]}}]}"));
    assert_cheap(&ct_parser_whatsapp_cloud,
                 repeated("{\"to\":\"5511987654321\",\"type\":\"template\",\"template\":{\"components\":[{"
                          "\"parameters\":[",
                          "{\"text\":\"a\"},", "]}]}}"));
}

static void test_tags_that_never_end(void **state)
{
    (void)state;
    assert_cheap(&ct_parser_chatwoot,
                 repeated("{\"event\":\"message_created\",\"message_type\":\"incoming\",\"conversation\":{\"id\":1},"
                          "\"created_at\":1,\"content\":\"",
                          "<", "\"}"));
}

static struct collected_message only(const struct ct_parser *parser, const char *text, const char *refused)
{
    struct collected out = {0};
    struct collected_message first = {0};
    collect(&out, parser, ct_span_of(text), 1 << 20);
    assert_int_equal(out.status, CT_OK);
    if (refused) {
        assert_int_equal(out.count, 0);
        assert_int_equal(out.refusals, 1);
        assert_string_equal(out.last.reason, refused);
    } else {
        assert_int_equal(out.refusals, 0);
        assert_int_equal(out.count, 1);
        first = out.messages[0];
    }
    collected_done(&out);
    return first;
}

static void test_lines(void **state)
{
    (void)state;
    struct collected_message m = only(
        &ct_parser_botframework,
        "{\"type\":\"message\",\"text\":\"Hi\",\"conversation\":{\"id\":\"c\"},\"from\":{\"role\":\"bot\"},"
        "\"attachments\":[{\"content\":{\"title\":\"T\",\"text\":\"\",\"body\":[{\"text\":\"a\"},{\"items\":[{\"text\":"
        "\"b\"}]}]}}]}",
        NULL);
    assert_string_equal(m.text, "Hi\nT\na\nb");
    only(&ct_parser_botframework, "{\"type\":\"message\",\"text\":1,\"conversation\":{\"id\":\"c\"}}", "wrong_type");
    m = only(
        &ct_parser_chatwoot,
        "{\"event\":\"message_created\",\"message_type\":\"outgoing\",\"conversation\":{\"id\":1},\"created_at\":1,"
        "\"content\":\"<p>1 &lt; 2<br>yes</p> < no\"}",
        NULL);
    assert_string_equal(m.text, "1 < 2\nyes\n < no");
}

static void test_who(void **state)
{
    (void)state;
    struct collected_message m =
        only(&ct_parser_chatwoot,
             "{\"event\":\"message_created\",\"message_type\":\"template\",\"conversation\":{\"id\":1},"
             "\"created_at\":1,\"content\":\"How was it?\",\"sender\":null}",
             NULL);
    assert_int_equal(m.role, CT_ROLE_SYSTEM);
    m = only(&ct_parser_whatsapp_cloud, "{\"to\":\"4915112345678\",\"text\":{\"body\":\"Hello\"}}", NULL);
    assert_int_equal(m.role, CT_ROLE_BOT);
    assert_string_equal(m.text, "Hello");
    only(&ct_parser_whatsapp_cloud, "{\"to\":\"\",\"type\":\"text\",\"text\":{\"body\":\"Hello\"}}", "missing_field");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_pieces), cmocka_unit_test(test_tags_that_never_end),
                                       cmocka_unit_test(test_lines), cmocka_unit_test(test_who)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
