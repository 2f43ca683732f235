/* engine_pipeline.c - what the live pipeline publishes, when, and what it leaves out by name. */
#include "flow.h"

static struct ct_setup setup;
static struct heard heard;
static struct ct_pipeline *pipeline;
static uint64_t position;

static void start_with(const struct ct_pipeline_limits *limits)
{
    heard_done(&heard);
    ct_pipeline_free(pipeline);
    setups_gone = 0;
    setup = make_setup("one");
    position = 0;
    pipeline = flow_new(&heard, limits);
    assert_non_null(pipeline);
    assert_int_equal(ct_pipeline_setup(pipeline, &setup), CT_OK);
}

static void start(void)
{
    start_with(NULL);
}

/* A message "u text" of `id`, written and received so many seconds after T0. */
static enum ct_status try_say(const char *id, int written, int received, const char *line)
{
    static const char roles[] = "?ubast";
    struct ct_message m;
    struct ct_tool_call call = {0};
    const char *text = line + 2;
    ct_message_init(&m);
    m.conversation_id = ct_span_of(id);
    m.role = (enum ct_role)(strchr(roles, *line) - roles);
    m.ts = AT(written);
    m.channel = id[0] == 'w' ? CT_SPAN_LIT("whatsapp") : CT_SPAN_LIT("web");
    m.user_id = CT_SPAN_LIT("someone");
    if (*text == '!') {
        size_t len = strcspn(text, " ");
        read_mark(&m, &call, text + 1, len - 1);
        text += len + (text[len] == ' ');
    }
    m.text = ct_span_of(text);
    return ct_pipeline_message(pipeline, &m, AT(received), ++position);
}

static void say(const char *id, int at, const char *line)
{
    assert_int_equal(try_say(id, at, at, line), CT_OK);
}

static void tick(int at)
{
    assert_int_equal(ct_pipeline_tick(pipeline, AT(at)), CT_OK);
}

static size_t open_count(void)
{
    struct ct_pipeline_stats stats;
    ct_pipeline_stats(pipeline, &stats);
    return stats.open;
}

static void silence(void **state)
{
    (void)state;
    start();
    say("a", 0, "u hello");
    say("w", 1, "u hello");
    say("a", 10, "b hi");
    tick(9 + 30 * MINUTE);
    assert_int_equal(heard.count, 0);
    tick(10 + 30 * MINUTE);
    assert_int_equal(heard.count, 1);
    const struct heard_entry *entry = heard_at(&heard, 0);
    assert_true(entry->final && entry->revision == 1 && !entry->replaced);
    assert_true(entry->first_position == 1 && entry->last_position == 3);
    assert_true(entry->published_at == AT(10 + 30 * MINUTE) && entry->first_published_at == entry->published_at);
    assert_int_equal(heard_record(entry)->message_count, 2);
    assert_int_equal(open_count(), 1);
    tick(2 * HOUR);
    assert_int_equal(heard.count, 1);
    tick(1 + 2 * HOUR); /* its channel's own silence */
    assert_int_equal(heard.count, 2);
    assert_int_equal(open_count(), 0);
    say("a", 3 * HOUR, "u again"); /* another conversation of that id */
    tick(4 * HOUR);
    assert_int_equal(heard.count, 3);
    assert_int_equal(heard_at(&heard, 2)->revision, 1);
    assert_true(heard_record(heard_at(&heard, 2))->started_at == AT(3 * HOUR));
}

/* The ticks count, not the times that messages carry. */
static void late_messages(void **state)
{
    (void)state;
    start();
    assert_int_equal(try_say("a", 5, 5 + DAY, "u hello"), CT_OK);
    assert_int_equal(try_say("a", 4, 6 + DAY, "b welcome"), CT_OK);
    tick(DAY + 20 * MINUTE);
    assert_int_equal(heard.count, 0);
    tick(DAY + 31 * MINUTE);
    assert_int_equal(heard.count, 1);
    assert_true(heard_record(heard_at(&heard, 0))->started_at == AT(4));
    tick(0); /* time never goes back */
    struct ct_pipeline_stats stats;
    ct_pipeline_stats(pipeline, &stats);
    assert_true(stats.now == AT(DAY + 31 * MINUTE));
}

static void person(void **state)
{
    (void)state;
    start();
    say("a", 0, "u human please");
    say("a", 1, "b transferring you");
    tick(1 * HOUR);
    assert_int_equal(heard.count, 0);
    say("a", 2 * HOUR, "a here I am");
    tick(6 * HOUR - 1);
    assert_int_equal(heard.count, 0);
    tick(6 * HOUR);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard_record(heard_at(&heard, 0))->outcome, CT_OUTCOME_ESCALATED);
    assert_int_equal(open_count(), 0);
}

static void survey(void **state)
{
    (void)state;
    start();
    say("a", 0, "u hello");
    say("a", 1, "b rate us");
    tick(31 * MINUTE); /* published, but an answer may come */
    assert_int_equal(heard.count, 1);
    assert_false(heard_at(&heard, 0)->final);
    say("a", 3 * HOUR, "u 5");
    tick(4 * HOUR);
    assert_int_equal(heard.count, 2);
    const struct heard_entry *entry = heard_at(&heard, 1);
    assert_true(entry->final && entry->revision == 2 && entry->replaced && entry->record);
    assert_memory_equal(heard_replaced(entry), heard_record(heard_at(&heard, 0)), entry->replaced);
    assert_int_equal(heard_record(entry)->score[CT_SCORE_CSAT].value, 5);
    assert_true(entry->first_published_at == AT(31 * MINUTE) && entry->published_at == AT(4 * HOUR));
    assert_int_equal(open_count(), 0);
    say("b", 5 * HOUR, "u hello"); /* one that nobody answers */
    say("b", 5 * HOUR, "b rate us");
    tick(6 * HOUR);
    assert_int_equal(heard.count, 3);
    assert_int_equal(open_count(), 1);
    tick(5 * HOUR + DAY);
    assert_int_equal(heard.count, 3);
    assert_int_equal(open_count(), 0);
}

static void close_event(void **state)
{
    struct ct_pipeline_stats stats;
    (void)state;
    start();
    say("a", 0, "u hello");
    say("a", 1, "b hi");
    say("a", 2, "s !close");
    assert_int_equal(heard.count, 1); /* at once */
    assert_false(heard_at(&heard, 0)->final);
    ct_pipeline_stats(pipeline, &stats);
    assert_true(stats.open == 1 && stats.closed_open == 1);
    say("a", 60, "s !feedback:csat=2/5"); /* of the one before */
    assert_int_equal(heard.count, 1);
    say("a", 120, "u hello again"); /* the customer writes after the close: another */
    say("a", 121, "b yes");
    say("a", 122, "s !close");
    assert_int_equal(heard.count, 3);
    const struct heard_entry *first = heard_at(&heard, 1), *second = heard_at(&heard, 2);
    assert_true(first->revision == 2 && first->replaced && heard_record(first)->score[CT_SCORE_CSAT].value == 2);
    assert_true(second->revision == 2 && !second->replaced && heard_record(second)->started_at == AT(120));
    assert_true(first->first_published_at == AT(2) && second->first_published_at == AT(122));
    say("a", 123, "u thanks");
    tick(HOUR);
    assert_int_equal(heard.count, 4); /* only the third session is new */
    assert_true(heard_at(&heard, 3)->revision == 3 && heard_at(&heard, 3)->final);
    assert_true(heard_record(heard_at(&heard, 3))->started_at == AT(123));
    assert_int_equal(open_count(), 0);
}

/* A late message joins what were two sessions: the one before is another, the second is no more. */
static void withdrawn(void **state)
{
    (void)state;
    start();
    say("w", 0, "u hello");
    assert_int_equal(try_say("w", 3 * HOUR, 10, "u more"), CT_OK); /* by their times three hours lie between */
    assert_int_equal(try_say("w", 3 * HOUR + 1, 11, "s !close"), CT_OK);
    assert_int_equal(heard.count, 2);
    assert_int_equal(try_say("w", 90 * MINUTE, 12, "b still here"), CT_OK);
    tick(3 * HOUR);
    assert_int_equal(heard.count, 4);
    const struct heard_entry *gone = heard_at(&heard, 2), *joined = heard_at(&heard, 3);
    assert_true(!gone->record && heard_replaced(gone)->started_at == AT(3 * HOUR) && gone->revision == 2);
    assert_true(joined->record && heard_replaced(joined)->started_at == AT(0));
    assert_int_equal(heard_record(joined)->message_count, 4);
}

static void whole(void **state)
{
    (void)state;
    start();
    say("a", 0, "u hello");
    assert_int_equal(try_say("a", 5 * HOUR, 1, "u hello once more"), CT_OK);
    assert_int_equal(ct_pipeline_whole(pipeline, CT_SPAN_NONE, CT_SPAN_LIT("b"), AT(1)), CT_OK);
    assert_int_equal(ct_pipeline_whole(pipeline, CT_SPAN_NONE, CT_SPAN_LIT("a"), AT(1)), CT_OK);
    assert_int_equal(heard.count, 1); /* not cut, though five hours lie between */
    assert_true(heard_at(&heard, 0)->final && heard_record(heard_at(&heard, 0))->message_count == 2);
    assert_int_equal(open_count(), 0);
}

static void look_at(void *context, const struct ct_record *record, const struct ct_setup *of)
{
    assert_ptr_equal(of, &setup);
    *(uint32_t *)context += record->message_count;
}

static void look(void **state)
{
    uint32_t messages = 0;
    (void)state;
    start();
    say("a", 0, "u hello");
    say("a", 2, "b hi");
    assert_int_equal(ct_pipeline_look(pipeline, CT_SPAN_NONE, CT_SPAN_LIT("a"), look_at, &messages), CT_OK);
    assert_int_equal(messages, 2);
    assert_int_equal(ct_pipeline_look(pipeline, CT_SPAN_LIT("t"), CT_SPAN_LIT("a"), look_at, &messages), CT_NOT_FOUND);
    assert_int_equal(heard.count, 0);
}

/* In order of being due, then of beginning. */
static void order(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 200; i++) {
        char id[16];
        snprintf(id, sizeof id, "%c%d", i % 3 ? 'a' : 'w', i * 7919 % 1000);
        say(id, i / 4, "u hello");
    }
    tick(DAY);
    assert_int_equal(heard.count, 200);
    for (size_t i = 1; i < heard.count; i++) {
        const struct heard_entry *a = heard_at(&heard, i - 1), *b = heard_at(&heard, i);
        bool whatsapp_a = (a->first_position - 1) % 3 == 0, whatsapp_b = (b->first_position - 1) % 3 == 0;
        assert_true(whatsapp_a == whatsapp_b ? a->first_position < b->first_position : whatsapp_b);
    }
}

static void limits(void **state)
{
    struct ct_pipeline_limits few = {.open_max = 3}, small = {.conversation_bytes_max = 300},
                              tight = {.memory_max = 2000};
    struct ct_pipeline_stats stats;
    char id[16];
    (void)state;
    start_with(&few);
    say("a", 0, "u one");
    say("b", 1, "u two");
    say("c", 2, "u three");
    say("a", 3, "u four");
    say("d", 4, "u five");
    assert_int_equal(heard.count, 1); /* b: silent longest */
    assert_true(heard_record(heard_at(&heard, 0))->started_at == AT(1) && heard_at(&heard, 0)->final);
    assert_int_equal(heard_drops(&heard, "open_conversations_limit"), 1);
    say("e", 5, "u six");
    assert_true(heard_record(heard_at(&heard, 1))->started_at == AT(2));
    start_with(&small);
    for (int i = 0; i < 20; i++) {
        say("a", i, "u hello");
    }
    assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
    uint32_t kept = heard_record(heard_at(&heard, 0))->message_count;
    assert_true(kept > 2 && kept < 6);
    assert_int_equal(heard_drops(&heard, "conversation_too_long"), 20 - kept);
    start_with(&tight);
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "c%d", i);
        say(id, i, "u hello");
    }
    assert_int_equal(heard_drops(&heard, "open_memory_limit"), heard.count);
    assert_int_equal(heard.count + open_count(), 50);
    assert_true(open_count() >= 4 && open_count() < 12);
    ct_pipeline_stats(pipeline, &stats);
    assert_int_equal(stats.oldest_position, 51 - open_count());
}

static void drops(void **state)
{
    (void)state;
    start();
    say("a", 0, "u hello");
    say("a", 0, "u hello");
    say("a", 1, "s !close");
    assert_int_equal(heard_drops(&heard, "duplicate_message"), 1);
    say("a", 0, "u hello");
    tick(DAY); /* what was counted is not counted again */
    assert_int_equal(heard_drops(&heard, "duplicate_message"), 2);
}

/* A sender that closes its conversation after every word does not make each word cost the whole of it. */
static void closing_often(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 2000; i++) {
        say("a", i, "u hello");
        say("a", i, "s !close");
    }
    struct ct_pipeline_stats stats;
    ct_pipeline_stats(pipeline, &stats);
    assert_true(stats.published < 5000);
    tick(DAY);
    assert_int_equal(open_count(), 0);
}

/* Each conversation finishes under what it began with. */
static void reload(void **state)
{
    struct ct_setup second = make_setup("two");
    (void)state;
    start();
    say("a", 0, "u hello");
    assert_int_equal(ct_pipeline_setup(pipeline, &second), CT_OK);
    ct_setup_unref(&setup);
    say("a", 1, "u more");
    say("b", 2, "u hello");
    assert_int_equal(setups_gone, 0);
    tick(HOUR);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard_at(&heard, 0)->setup, "one");
    assert_string_equal(heard_at(&heard, 1)->setup, "two");
    assert_int_equal(setups_gone, 1);
    ct_pipeline_free(pipeline);
    pipeline = NULL;
    ct_setup_unref(&second);
    assert_int_equal(setups_gone, 2);
}

/* A sink that fails is told again. */
static void failing_sink(void **state)
{
    (void)state;
    start();
    say("a", 0, "u hello");
    say("b", 1, "u hello");
    heard.fail_after = 2;
    assert_int_equal(ct_pipeline_tick(pipeline, AT(HOUR)), CT_IO);
    assert_int_equal(heard.count, 1);
    assert_int_equal(open_count(), 1);
    assert_int_equal(ct_pipeline_tick(pipeline, AT(HOUR)), CT_OK);
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard_at(&heard, 1)->revision, 1);
}

/* Tenants, odd ids and what does not fit into one piece. */
static void names(void **state)
{
    static char long_id[9000], long_bot[3000];
    struct ct_message m;
    (void)state;
    start();
    memset(long_id, 'i', sizeof long_id);
    memset(long_bot, 'b', sizeof long_bot);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            ct_message_init(&m);
            m.role = CT_ROLE_USER;
            m.ts = AT(round);
            m.tenant = i & 1 ? CT_SPAN_LIT("t") : CT_SPAN_NONE;
            m.conversation_id = i & 2 ? (ct_span){long_id, sizeof long_id - (i & 1)} : CT_SPAN_LIT("tc");
            m.bot = i & 4 ? (ct_span){long_bot, sizeof long_bot} : CT_SPAN_NONE;
            m.language = round ? CT_SPAN_LIT("es") : CT_SPAN_NONE;
            m.text = (ct_span){long_id, (size_t)(1000 + round)};
            assert_int_equal(ct_pipeline_message(pipeline, &m, AT(round), 1), CT_OK);
        }
    }
    assert_int_equal(open_count(), 4);
    assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
    assert_int_equal(heard.count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct ct_record *record = heard_record(heard_at(&heard, i));
        assert_int_equal(record->message_count, 3); /* the second of a round is a copy of the first */
        assert_true(ct_span_is(ct_record_text(record, CT_TEXT_LANGUAGE), "es"));
        assert_int_equal(ct_record_text(record, CT_TEXT_CONVERSATION_ID).len, i & 2 ? 1024 : 2);
        assert_int_equal(ct_record_text(record, CT_TEXT_TENANT).len, i & 1);
    }
    assert_int_equal(heard_drops(&heard, "duplicate_message"), 12);
}

/* A hash is no name: ids with the same one are different conversations. */
static void equal_hashes(void **state)
{
    enum { ALIKE = 50 };
    static const char wipe[] = "\x93\xFD\x59\x66\xB8\xFE\xE8\xD6the same end"; /* after these, ct_hash knows no more */
    struct ct_message m;
    uint64_t hash = 0;
    (void)state;
    start();
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < ALIKE; i++) {
            char id[64];
            int len = snprintf(id, sizeof id, "conversation %03d", (i * 37 + round) % ALIKE);
            assert_int_equal(len, 16);
            memcpy(id + len, wipe, sizeof wipe - 1);
            ct_message_init(&m);
            m.conversation_id = (ct_span){id, (size_t)len + sizeof wipe - 1};
            m.role = CT_ROLE_USER;
            m.ts = AT(round);
            m.text = CT_SPAN_LIT("hello");
            hash = hash ? hash : ct_conversation_key(&m);
            assert_true(ct_conversation_key(&m) == hash);
            assert_int_equal(ct_pipeline_message(pipeline, &m, AT(round), ++position), CT_OK);
        }
        assert_int_equal(open_count(), ALIKE);
    }
    assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
    assert_int_equal(heard.count, ALIKE);
    for (size_t i = 0; i < ALIKE; i++) {
        assert_int_equal(heard_record(heard_at(&heard, i))->message_count, 4);
    }
}

static void nothing_yet(void **state)
{
    struct ct_pipeline_stats stats;
    struct ct_message m;
    (void)state;
    ct_pipeline_free(pipeline);
    pipeline = flow_new(&heard, NULL);
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("a");
    assert_int_equal(ct_pipeline_message(pipeline, &m, 0, 0), CT_USAGE);
    ct_pipeline_stats(pipeline, &stats);
    assert_true(stats.now == CT_USEC_NONE && stats.open == 0 && stats.oldest_position == UINT64_MAX);
    assert_int_equal(ct_pipeline_tick(pipeline, 5), CT_OK);
    assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
}

static int leave(void **state)
{
    ct_pipeline_free(pipeline);
    heard_done(&heard);
    return unload(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence),      cmocka_unit_test(late_messages), cmocka_unit_test(person),
        cmocka_unit_test(survey),       cmocka_unit_test(close_event),   cmocka_unit_test(withdrawn),
        cmocka_unit_test(whole),        cmocka_unit_test(look),          cmocka_unit_test(order),
        cmocka_unit_test(limits),       cmocka_unit_test(drops),         cmocka_unit_test(closing_often),
        cmocka_unit_test(reload),       cmocka_unit_test(failing_sink),  cmocka_unit_test(names),
        cmocka_unit_test(equal_hashes), cmocka_unit_test(nothing_yet),
    };
    return cmocka_run_group_tests(tests, load, leave);
}
