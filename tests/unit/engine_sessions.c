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
static uint64_t heard;                       /* hash of all records */

/* The same messages as whoever has read them already hands them over. */
static struct ct_sessions_read already[MOST];
static struct ct_tool_call tool_calls[MOST];

static void put_message(uint32_t input, const struct ct_message *m)
{
    uint32_t bytes = ct_stored_bytes(m);
    assert_true(bytes <= sizeof stored[0] && stored_count < MOST);
    ct_stored_write(stored[stored_count], bytes, m, &(struct ct_place){.input = input, .offset = stored_count});
    const struct ct_stored *one = (const struct ct_stored *)(const void *)stored[stored_count];
    already[stored_count].stored = (struct ct_stored){.input = input, .offset = stored_count, .ts = m->ts};
    assert_true(ct_stored_call_count(one) <= 1);
    ct_stored_read(one, &already[stored_count].message, &tool_calls[stored_count]);
    stored_count++;
}

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
    put_message(input, &m);
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
    heard = ct_hash((ct_span){(const char *)record, record->bytes}, heard);
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

static struct ct_sessions_end judge_once(bool whole, enum ct_status answer)
{
    const struct ct_sessions_out out = {&answer, on_record, on_over, on_message};
    struct ct_sessions_end end;
    session_count = 0;
    heard = 0;
    said[0] = '\0';
    assert_int_equal(ct_sessions_close(&sessions, conversation, &setup.silence, stored_count, whole, &out, &end),
                     answer);
    return end;
}

/* Judges what was put, backwards: the order in which messages lie is not theirs. Stored and read already they are the
 * same. */
static struct ct_sessions_end judge(bool whole, enum ct_status answer)
{
    bool one_input = true;
    assert_true(ct_sessions_room(&sessions, stored_count));
    for (size_t i = 0; i < stored_count; i++) {
        sessions.order[i] = (const struct ct_stored *)(const void *)stored[stored_count - 1 - i];
        one_input &= sessions.order[i]->input == sessions.order[0]->input;
    }
    struct ct_sessions_end end = judge_once(whole, answer), again = end;
    if (one_input) {
        char was_said[sizeof said];
        uint64_t was_heard = heard;
        strcpy(was_said, said);
        for (size_t i = 0; i < stored_count; i++) {
            sessions.order[i] = &already[stored_count - 1 - i].stored;
        }
        sessions.are_read = true;
        again = judge_once(whole, answer);
        sessions.are_read = false;
        assert_true(heard == was_heard);
        assert_string_equal(said, was_said);
    }
    assert_int_equal(again.duplicates, end.duplicates);
    assert_int_equal(again.unmatched, end.unmatched);
    assert_true(again.person_expected == end.person_expected && again.survey_open == end.survey_open &&
                again.delivery_open == end.delivery_open);
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

/* Twice: what was laid upon a message is no part of it. */
static void deliveries_and_calls(void **state)
{
    (void)state;
    static const char *const statuses[] = {NULL, "failed", "delivered"};
    uint64_t records[3];
    for (int i = 0; i < 3; i++) {
        struct ct_message m;
        user(0, "one");
        ct_message_init(&m);
        m.conversation_id = CT_SPAN_LIT("c");
        m.role = CT_ROLE_BOT;
        m.ts = AT(1);
        m.id = CT_SPAN_LIT("answer");
        m.text = CT_SPAN_LIT("here it is");
        m.tool_calls = &(struct ct_tool_call){.name = CT_SPAN_LIT("look_up"), .id = CT_SPAN_LIT("7")};
        m.tool_call_count = 1;
        put_message(0, &m);
        if (statuses[i]) {
            m.role = CT_ROLE_SYSTEM;
            m.text = CT_SPAN_NONE;
            m.tool_call_count = 0;
            m.event = (struct ct_event){.type = CT_EVENT_DELIVERY, .name = ct_span_of(statuses[i]), .scale_min = -1};
            put_message(0, &m);
        }
        struct ct_sessions_end end = judge(false, CT_OK);
        assert_true(!end.delivery_open && end.unmatched == 0);
        assert_string_equal(said, "one here it is ");
        assert_int_equal(counts[0], 2);
        records[i] = heard;
    }
    assert_true(records[0] == records[2] && records[0] != records[1]);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order_of_time),     cmocka_unit_test(cut_at_silence),
                                       cmocka_unit_test(cut_after_close),      cmocka_unit_test(copies),
                                       cmocka_unit_test(deliveries_and_calls), cmocka_unit_test(a_status_ends_it)};
    return cmocka_run_group_tests(tests, enter, leave);
}
