/* engine_sessions.c - messages of one id to sessions: their order, what is dropped as a copy, where they are cut. The
 * end-to-end tests (conversations.py, same_bytes.py) hold the same through the audit.
 */
#include "flow.h"

enum { MOST = 64 };

static struct ct_sessions sessions;
static struct ct_setup setup;
static char stored[MOST][512] __attribute__((aligned(8)));
static size_t stored_count;
static uint32_t counts[MOST], session_count; /* messages of each session */
static char said[1024];                      /* texts in event order */

static void put(uint32_t input, ct_usec ts, enum ct_role role, enum ct_event_type event, const char *text)
{
    struct ct_message m;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.channel = CT_SPAN_LIT("web");
    m.role = role;
    m.ts = ts;
    m.event.type = event;
    m.text = ct_span_of(text);
    uint32_t bytes = ct_stored_bytes(&m);
    assert_true(bytes <= sizeof stored[0] && stored_count < MOST);
    ct_stored_write(stored[stored_count], bytes, &m, &(struct ct_place){.input = input, .offset = stored_count});
    stored_count++;
}

static void user(int at, const char *text)
{
    put(0, at < 0 ? CT_USEC_NONE : AT(at), CT_ROLE_USER, CT_EVENT_NONE, text);
}

static enum ct_status on_record(void *context, const struct ct_record *record, const struct ct_stored *first)
{
    enum ct_status *wanted = context;
    assert_non_null(first);
    counts[session_count++] = record->message_count;
    assert_int_equal(record->session, session_count);
    return *wanted;
}
static void on_over(void *context, const struct ct_stored *first, uint64_t count)
{
    (void)context;
    (void)first;
    fail_msg("%d over the limit", (int)count);
}
static void on_message(void *context, const struct ct_message *m)
{
    (void)context;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%.*s ", (int)m->text.len, m->text.at);
}

/* Judges what was put, backwards: the order in which messages lie is not theirs. */
static struct ct_sessions_end judge(bool whole, enum ct_status answer)
{
    const struct ct_sessions_out out = {&answer, on_record, on_over, on_message};
    struct ct_sessions_end end;
    session_count = 0;
    said[0] = '\0';
    assert_true(ct_sessions_room(&sessions, stored_count));
    for (size_t i = 0; i < stored_count; i++) {
        sessions.order[i] = (const struct ct_stored *)(const void *)stored[stored_count - 1 - i];
    }
    assert_int_equal(ct_sessions_close(&sessions, conversation, &setup.silence, stored_count, whole, &out, &end),
                     answer);
    stored_count = 0;
    return end;
}

static void in_order_of_time(void **state)
{
    (void)state;
    user(20, "three");
    user(0, "one");
    user(10, "two");
    user(20, "four");
    judge(false, CT_OK);
    assert_string_equal(said, "one two three four ");
    assert_int_equal(session_count, 1);
    user(20, "one"); /* one word without a time, and the source's order is all there is */
    user(-1, "two");
    user(10, "three");
    judge(false, CT_OK);
    assert_string_equal(said, "one two three ");
}

static void cut_at_silence(void **state)
{
    (void)state;
    for (int whole = 0; whole <= 1; whole++) {
        user(0, "one");
        user(30 * MINUTE, "two");
        user(60 * MINUTE + 1, "three");
        judge(whole, CT_OK);
        assert_int_equal(session_count, whole ? 1 : 2);
        assert_int_equal(counts[0], whole ? 3 : 2);
    }
    user(0, "human please");
    put(0, AT(1), CT_ROLE_AGENT, CT_EVENT_NONE, "here");
    user(3 * HOUR, "thanks");
    struct ct_sessions_end end = judge(false, CT_OK);
    assert_int_equal(session_count, 1);
    assert_true(end.person_expected && !end.survey_open);
}

static void cut_after_close(void **state)
{
    (void)state;
    user(0, "one");
    put(0, AT(1), CT_ROLE_BOT, CT_EVENT_NONE, "rate us");
    put(0, AT(2), CT_ROLE_SYSTEM, CT_EVENT_CLOSE, "");
    assert_true(judge(false, CT_OK).survey_open);
    user(0, "one");
    put(0, AT(1), CT_ROLE_BOT, CT_EVENT_NONE, "rate us");
    put(0, AT(2), CT_ROLE_SYSTEM, CT_EVENT_CLOSE, "");
    user(3, "5");
    user(4, "hello");
    judge(false, CT_OK);
    assert_int_equal(session_count, 2);
    assert_int_equal(counts[0], 4);
}

static void copies(void **state)
{
    (void)state;
    user(0, "one");
    user(0, "one");
    assert_int_equal(judge(false, CT_OK).duplicates, 1);
    for (uint32_t input = 0; input < 3; input++) { /* a file without times, read twice under two names */
        put(input, CT_USEC_NONE, CT_ROLE_USER, CT_EVENT_NONE, "one");
        put(input, CT_USEC_NONE, CT_ROLE_BOT, CT_EVENT_NONE, input == 1 ? "other" : "two");
    }
    assert_int_equal(judge(false, CT_OK).duplicates, 2);
    assert_int_equal(counts[0], 4);
}

static void a_status_ends_it(void **state)
{
    (void)state;
    user(0, "one");
    user(3 * HOUR, "two");
    judge(false, CT_STOP);
    assert_int_equal(session_count, 1);
}

static int enter(void **state)
{
    if (load(state)) {
        return -1;
    }
    setup = make_setup("one");
    conversation = ct_conversation_new(rules, matcher, &setup.conversation);
    return conversation ? 0 : -1;
}

static int leave(void **state)
{
    ct_sessions_done(&sessions);
    return unload(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order_of_time), cmocka_unit_test(cut_at_silence),
                                       cmocka_unit_test(cut_after_close), cmocka_unit_test(copies),
                                       cmocka_unit_test(a_status_ends_it)};
    return cmocka_run_group_tests(tests, enter, leave);
}
