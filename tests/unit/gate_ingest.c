/* gate_ingest.c - convtap.v1 as a state machine, without any socket: numbers, acknowledgements, resumption, take-over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugin/gate/ingest.h"

#include <stdio.h>
#include <stdlib.h>

struct fake {
    uint64_t next, end, committed, drops;
    enum ct_status answer;
    char sources[64][32];
    size_t taken;
};

static enum ct_status append(void *context, const struct ct_tape_entry *entry, uint64_t *end)
{
    struct fake *fake = context;
    *end = fake->end;
    if (fake->answer != CT_OK)
        return fake->answer;
    if (entry->sequence && entry->sequence < fake->next)
        return CT_OK;
    if (entry->sequence > fake->next)
        return CT_USAGE;
    snprintf(fake->sources[fake->taken++ % 64], 32, "%.*s:%.*s", (int)entry->source.len, entry->source.at,
             (int)entry->bytes.len, entry->bytes.at ? entry->bytes.at : "");
    if (entry->sequence)
        fake->next++;
    *end = fake->end += 10;
    return CT_OK;
}

static uint64_t committed(void *context)
{
    return ((struct fake *)context)->committed;
}

static uint64_t next_sequence(void *context, ct_span source, ct_span stream)
{
    (void)source;
    (void)stream;
    return ((struct fake *)context)->next;
}

static void drop(void *context, const char *reason, uint64_t count)
{
    (void)reason;
    ((struct fake *)context)->drops += count;
}

static ct_usec now(void)
{
    return 1700000000 * CT_USEC_PER_SECOND;
}

struct peer {
    char said[2048];
    int closed;
    bool expecting;
};

static bool peer_send(void *context, ct_span text)
{
    struct peer *peer = context;
    size_t len = strlen(peer->said);
    snprintf(peer->said + len, sizeof(peer->said) - len, "%.*s\n", (int)text.len, text.at);
    return true;
}

static void peer_close(void *context, int code, const char *reason)
{
    (void)reason;
    ((struct peer *)context)->closed = code;
}

static void peer_expect(void *context)
{
    ((struct peer *)context)->expecting = true;
}

static const struct ct_ingest_peer calls = {peer_send, peer_close, peer_expect};

struct fixture {
    struct fake fake;
    struct ct_intake intake;
    struct ct_ingest *ingest;
    struct ct_ingest_session one, two;
    struct peer first, second;
};

static bool known(void *context, ct_span source)
{
    (void)context;
    return !ct_span_is(source, "unknown");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->fake.next = 1;
    f->intake = (struct ct_intake){&f->fake, append, committed, next_sequence, drop};
    f->ingest =
        ct_ingest_new(&(struct ct_ingest_options){.intake = &f->intake, .now = now, .payload_max = 20, .known = known});
    ct_ingest_begin(&f->one, &calls, &f->first);
    ct_ingest_begin(&f->two, &calls, &f->second);
    *state = f;
    return f->ingest ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ct_ingest_end(f->ingest, &f->one);
    ct_ingest_end(f->ingest, &f->two);
    ct_ingest_free(f->ingest);
    free(f);
    return 0;
}

#define SAY(session, text) ct_ingest_message(f->ingest, session, CT_SPAN_LIT(text), false)
#define HELLO "{\"hello\":{\"source\":\"web\",\"stream\":\"s\"}}"

static void commit(struct fixture *f, uint64_t position)
{
    f->fake.committed = position;
    f->first.said[0] = f->second.said[0] = '\0';
    f->first.expecting = false;
    ct_ingest_woken(f->ingest, &f->one);
}

static void acks(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(SAY(&f->one, HELLO), 0);
    assert_string_equal(f->first.said, "{\"welcome\":{\"next\":1,\"max_message\":20}}\n");
    assert_int_equal(SAY(&f->one, "a"), 0);
    assert_int_equal(SAY(&f->one, "b"), 0);
    assert_int_equal(SAY(&f->one, "c"), 0);
    assert_true(f->first.expecting);
    commit(f, 9);
    assert_string_equal(f->first.said, ""); /* nothing is safe yet */
    assert_true(f->first.expecting);
    commit(f, 10);
    assert_string_equal(f->first.said, "{\"ack\":1}\n");
    assert_true(f->first.expecting);
    commit(f, 30);
    assert_string_equal(f->first.said, "{\"ack\":3}\n");
    assert_false(f->first.expecting);
    commit(f, 30);
    assert_string_equal(f->first.said, "");
    assert_int_equal(f->fake.taken, 3);
    assert_string_equal(f->fake.sources[2], "web:c");
}

static void refusals(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(SAY(&f->one, HELLO), 0);
    f->first.said[0] = '\0';
    assert_int_equal(SAY(&f->one, "123456789012345678901"), 0);
    assert_int_equal(SAY(&f->one, ""), 0);
    assert_int_equal(SAY(&f->one, "12345678901234567890"), 0);
    assert_string_equal(f->first.said, "{\"refused\":{\"sequence\":1,\"reason\":\"too_long\"}}\n"
                                       "{\"refused\":{\"sequence\":2,\"reason\":\"empty\"}}\n");
    assert_int_equal(f->fake.next, 4);
    assert_int_equal(f->fake.drops, 2);
    commit(f, 30);
    assert_string_equal(f->first.said, "{\"ack\":3}\n");
}

static void again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(SAY(&f->one, HELLO), 0);
    f->fake.answer = CT_LIMIT;
    assert_int_equal(SAY(&f->one, "a"), CT_INGEST_AGAIN);
    f->fake.answer = CT_IO;
    assert_int_equal(SAY(&f->one, "a"), CT_INGEST_AGAIN);
    f->fake.answer = CT_OK;
    assert_int_equal(SAY(&f->one, "a"), 0);
    assert_int_equal(f->fake.taken, 1);
    f->fake.next = 1; /* the intake stands elsewhere than it said */
    assert_int_equal(SAY(&f->one, "b"), 1013);
}

static void resume(void **state)
{
    struct fixture *f = *state;
    f->fake.next = 8;
    f->fake.end = f->fake.committed = 70;
    assert_int_equal(SAY(&f->one, HELLO), 0);
    assert_string_equal(f->first.said, "{\"welcome\":{\"next\":8,\"max_message\":20}}\n");
    assert_int_equal(SAY(&f->one, "h"), 0);
    assert_int_equal(SAY(&f->two, HELLO), 0);
    assert_int_equal(f->first.closed, 1008); /* the newer has it */
    assert_int_equal(SAY(&f->one, "late"), 1008);
    assert_int_equal(f->fake.taken, 1);
    assert_string_equal(f->second.said, "{\"welcome\":{\"next\":9,\"max_message\":20}}\n");
    assert_int_equal(SAY(&f->two, "i"), 0);
    assert_int_equal(f->second.closed, 0);
}

static void without_a_stream(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(SAY(&f->one, "{\"hello\":{\"source\":\"web\"}}"), 0);
    assert_int_equal(SAY(&f->two, "{\"hello\":{\"source\":\"web\"}}"), 0);
    assert_int_equal(f->first.closed, 0);
    assert_int_equal(SAY(&f->one, "a"), 0);
    assert_int_equal(f->fake.next, 1); /* not numbered on the tape */
    commit(f, 10);
    assert_string_equal(f->first.said, "{\"ack\":1}\n");
}

static void hellos(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",
                                      "{",
                                      "{} x",
                                      "[]",
                                      "{\"hello\":[]}",
                                      "{\"hello\":{}}",
                                      "{\"hello\":{\"source\":\"\"}}",
                                      "{\"hello\":{\"source\":\"a\\nb\"}}",
                                      "{\"hello\":{\"source\":\"unknown\"}}",
                                      "{\"hello\":{\"source\":\"a\",\"format\":\"nope\"}}",
                                      "{\"hello\":{\"source\":\"a\",\"direction\":\"sideways\"}}",
                                      "{\"hello\":{\"source\":\"a\",\"stream\":\"\"}}",
                                      "{\"hello\":{\"source\":\"a\",\"stream\":null}}",
                                      "{\"hello\":{\"source\":\"a\",\"more\":\"b\"}}",
                                      "{\"Hello\":{\"source\":\"a\"}}",
                                      "[[[[[[[[[[[[[[[[",
                                      "{\"hello\":{\"source\":\"\xC3(\"}}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        f->first.said[0] = '\0';
        assert_int_equal(ct_ingest_message(f->ingest, &f->one, ct_span_of(bad[i]), false), 1008);
        assert_non_null(strstr(f->first.said, "\"bad_hello\""));
    }
    assert_int_equal(ct_ingest_message(f->ingest, &f->one, CT_SPAN_LIT(HELLO), true), 1008);
    assert_int_equal(f->fake.taken, 0);
    assert_int_equal(SAY(&f->one, HELLO), 0);
}

/* Hundreds of streams, so that the table of those that are there grows; each is still found. */
static void many(void **state)
{
    struct fixture *f = *state;
    static struct ct_ingest_session sessions[500];
    static struct peer peers[500];
    for (size_t i = 0; i < 500; i++) {
        char text[100];
        int len = snprintf(text, sizeof(text), "{\"hello\":{\"source\":\"web\",\"stream\":\"s%zu\"}}", i);
        ct_ingest_begin(&sessions[i], &calls, &peers[i]);
        assert_int_equal(ct_ingest_message(f->ingest, &sessions[i], (ct_span){text, (size_t)len}, false), 0);
    }
    assert_int_equal(SAY(&f->one, "{\"hello\":{\"source\":\"web\",\"stream\":\"s7\"}}"), 0);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(peers[i].closed, i == 7 ? 1008 : 0);
    for (size_t i = 0; i < 500; i++)
        ct_ingest_end(f->ingest, &sessions[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(acks),   TEST(refusals), TEST(again), TEST(resume), TEST(without_a_stream),
                                       TEST(hellos), TEST(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
