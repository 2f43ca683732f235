/* The live feed as a client sees it: what changed and nothing else, conversations in order, gaps that are said,
 * resuming from a cursor without loss.
 */
#include "desk_bench.h"

#include "plugin/gate/desk_feed_state.h"

/* ---- a client ---- */

struct peer {
    struct ct_client session;
    size_t waiting; /* what the gate says is queued */
    bool slow;      /* nothing more is taken: the gate's limit */
    cJSON *messages[6000];
    size_t count, looked;
};

static _Atomic ct_usec steady;

static ct_usec steady_now(void)
{
    return atomic_load(&steady);
}

static struct peer *peer_of(const struct ct_gate_connection *connection)
{
    return (struct peer *)(uintptr_t)connection;
}

static bool take(struct ct_gate_connection *connection, ct_span text)
{
    struct peer *peer = peer_of(connection);
    if (peer->slow) {
        return false;
    }
    cJSON *message = cJSON_ParseWithLength(text.at, text.len);
    assert_non_null(message);
    assert_true(peer->count < sizeof peer->messages / sizeof *peer->messages);
    peer->messages[peer->count++] = message;
    if (bench.answers) { /* each message is held against the description, too */
        fprintf(bench.answers, "{\"schema\":\"feed_message\",\"value\":%.*s}\n", (int)text.len, text.at);
    }
    return true;
}

static size_t waiting(const struct ct_gate_connection *connection)
{
    return peer_of(connection)->waiting;
}

static bool open_peer(struct peer *peer, const char *query)
{
    const struct ct_gate_protocol *feed = ct_desk_feed(bench.desk);
    memset(peer, 0, sizeof *peer);
    assert_true(feed->session_bytes == sizeof peer->session);
    return feed->opened(feed->context, &peer->session, (struct ct_gate_connection *)peer, NULL, ct_span_of(query));
}

static void close_peer(struct peer *peer)
{
    const struct ct_gate_protocol *feed = ct_desk_feed(bench.desk);
    feed->closed(feed->context, &peer->session);
    for (size_t i = 0; i < peer->count; i++) {
        cJSON_Delete(peer->messages[i]);
    }
    peer->count = 0;
}

/* Time passes, the feed computes, the gate wakes the client. */
static void pass(struct peer *peer, ct_usec usec)
{
    const struct ct_gate_protocol *feed = ct_desk_feed(bench.desk);
    atomic_fetch_add(&steady, usec);
    (void)ct_desk_feed_beat(bench.desk->feed, steady_now());
    feed->woken(feed->context, &peer->session, (struct ct_gate_connection *)peer);
}

/* The next message that was not looked at; NULL = none. */
static const cJSON *next(struct peer *peer)
{
    return peer->looked < peer->count ? peer->messages[peer->looked++] : NULL;
}

static const cJSON *next_of(struct peer *peer, const char *type)
{
    const cJSON *message;
    while ((message = next(peer))) {
        if (strcmp(bench_text(message, "type"), type) == 0) {
            return message;
        }
    }
    return NULL;
}

static size_t count_of(const struct peer *peer, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < peer->count; i++) {
        count += strcmp(bench_text(peer->messages[i], "type"), type) == 0;
    }
    return count;
}

static struct peer *one, *two;

static int begin(void **state)
{
    (void)state;
    bench_begin(take, waiting);
    atomic_store(&steady, CT_USEC_PER_HOUR);
    ct_desk_feed_clock(bench.desk->feed, steady_now);
    one = calloc(1, sizeof *one);
    two = calloc(1, sizeof *two);
    return one && two ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    close_peer(one);
    close_peer(two);
    free(one);
    free(two);
    bench_end();
    return 0;
}

static void tell(const char *id, const char *channel)
{
    bench_whole(id, id, channel, CT_USEC_PER_MINUTE, "it is on its way", "thanks");
    bench_settle();
}

/* ---- figures -------------------------------------------------------------------------------------------------------
 */

static void hello_then_changes(void **state)
{
    (void)state;
    size_t all;
    tell("a", "web");
    assert_true(open_peer(one, "window=5m,1h"));
    const struct ct_gate_protocol *feed = ct_desk_feed(bench.desk);
    feed->woken(feed->context, &one->session, (struct ct_gate_connection *)one);
    assert_int_equal(one->count, 0); /* nothing before the figures are there */
    pass(one, 0);
    const cJSON *hello = next(one);
    assert_string_equal(bench_text(hello, "type"), "hello");
    assert_int_equal(cJSON_GetArraySize(bench_at(hello, "windows")), 2);
    assert_string_equal(bench_text(hello, "windows.0.window"), "5m");
    assert_true(bench_number(hello, "windows.0.totals.conversations") == 1);
    (void)ct_kpi_catalogue(&all);
    assert_int_equal(cJSON_GetArraySize(bench_at(hello, "windows.0.kpis")), all);
    /* Nothing happens: nothing is said. */
    for (int i = 0; i < 5; i++) {
        pass(one, 300000);
    }
    assert_null(next_of(one, "kpis"));
    /* A conversation closes: the figures that it changed, in both windows, and no others. */
    tell("b", "web");
    pass(one, 300000);
    const cJSON *conversation = NULL, *kpis[2] = {NULL, NULL}, *message, *kpi;
    one->looked = 1;
    for (int i = 0; (message = next(one));) {
        if (strcmp(bench_text(message, "type"), "kpis") == 0 && i < 2) {
            kpis[i++] = message;
        } else if (strcmp(bench_text(message, "type"), "conversation") == 0) {
            conversation = message;
        }
    }
    assert_non_null(conversation);
    assert_string_equal(bench_text(conversation, "conversation.conversation_id"), "b");
    assert_non_null(kpis[0]);
    assert_non_null(kpis[1]);
    assert_string_equal(bench_text(kpis[1], "window"), "1h");
    assert_true(bench_number(kpis[0], "totals.conversations") == 2);
    int changed = cJSON_GetArraySize(bench_at(kpis[0], "kpis"));
    assert_true(changed > 5 && changed < (int)all);
    cJSON_ArrayForEach(kpi, bench_at(kpis[0], "kpis"))
    {
        const cJSON *before = NULL, *figure;
        cJSON_ArrayForEach(figure, bench_at(hello, "windows.0.kpis"))
        {
            before = strcmp(bench_text(figure, "id"), bench_text(kpi, "id")) == 0 ? figure : before;
        }
        assert_non_null(before);
        assert_false(cJSON_Compare(before, kpi, true));
    }
    bench_check_answers();
}

/* hello and every change put together are what the API says. */
static void changes_add_up(void **state)
{
    (void)state;
    cJSON *known = cJSON_CreateObject();
    const cJSON *kpi;
    char id[20];
    assert_true(open_peer(one, "window=1h&every=50"));
    for (int i = 0; i < 30; i++) {
        (void)snprintf(id, sizeof id, "k%d", i);
        bench_whole(id, id, i % 3 ? "web" : "whatsapp", CT_USEC_PER_MINUTE, "it is on its way",
                    i % 4 ? "thanks" : "it does not work");
        bench_settle();
        pass(one, 60000);
    }
    for (size_t i = 0; i < one->count; i++) {
        const cJSON *from = strcmp(bench_text(one->messages[i], "type"), "hello") == 0
                                ? bench_at(one->messages[i], "windows.0")
                                : one->messages[i];
        cJSON_ArrayForEach(kpi, bench_at(from, "kpis"))
        {
            cJSON_DeleteItemFromObjectCaseSensitive(known, bench_text(kpi, "id"));
            cJSON_AddItemToObject(known, bench_text(kpi, "id"), cJSON_Duplicate(kpi, true));
        }
    }
    struct bench_answer now = bench_get("/api/v1/kpis?window=1h");
    assert_true(bench_number(now.json, "totals.conversations") == 30);
    cJSON_ArrayForEach(kpi, bench_at(now.json, "kpis"))
    {
        assert_true(cJSON_Compare(kpi, cJSON_GetObjectItemCaseSensitive(known, bench_text(kpi, "id")), true));
    }
    cJSON_Delete(known);
    bench_forget(&now);
    bench_check_answers();
}

static void not_more_often_than_asked(void **state)
{
    (void)state;
    char id[20];
    assert_true(open_peer(one, "window=5m&every=1000"));
    pass(one, 0);
    assert_int_equal(count_of(one, "hello"), 1);
    for (int i = 0; i < 40; i++) { /* four seconds */
        (void)snprintf(id, sizeof id, "k%d", i);
        tell(id, "web");
        pass(one, 100000);
    }
    assert_int_equal(count_of(one, "kpis"), 4);
    assert_int_equal(count_of(one, "conversation"), 40);
}

static void channel_filter(void **state)
{
    (void)state;
    tell("a", "web");
    assert_true(open_peer(one, "window=5m&channel=whatsapp"));
    assert_true(open_peer(two, "window=5m&channel=none%20such"));
    pass(one, 0);
    pass(two, 0);
    tell("b", "whatsapp");
    tell("c", "web");
    tell("d", "whatsapp");
    pass(one, 300000);
    pass(two, 300000);
    const cJSON *hello = next(one);
    assert_true(bench_number(hello, "windows.0.totals.conversations") == 0);
    assert_string_equal(bench_text(hello, "channel"), "whatsapp");
    assert_string_equal(bench_text(next_of(one, "conversation"), "conversation.conversation_id"), "b");
    assert_string_equal(bench_text(next_of(one, "conversation"), "conversation.conversation_id"), "d");
    assert_true(bench_number(next_of(one, "kpis"), "totals.conversations") == 2);
    assert_int_equal(count_of(two, "conversation"), 0);
    assert_int_equal(count_of(two, "kpis"), 0);
    bench_check_answers();
}

/* ---- conversations -------------------------------------------------------------------------------------------------
 */

/* Open, published when its silence is over, revised by what comes later: each is told, in order. */
static void revisions(void **state)
{
    (void)state;
    assert_true(open_peer(one, "window=1m"));
    pass(one, 0);
    bench_message("r", "user", "where is my order");
    bench_settle();
    pass(one, 300000);
    assert_null(next_of(one, "conversation"));
    atomic_fetch_add(&bench.now, CT_USEC_PER_MINUTE);
    bench_push("{\"conversation_id\":\"r\",\"role\":\"system\",\"text\":\"\",\"event\":{\"type\":\"close\"}}\n");
    bench_settle();
    pass(one, 300000);
    one->looked = 0;
    const cJSON *first = next_of(one, "conversation");
    assert_non_null(first);
    assert_string_equal(bench_text(first, "change"), "new");
    assert_true(bench_number(first, "conversation.revision") == 1);
    bench_message("r", "bot", "it is on its way"); /* late */
    bench_settle();
    atomic_fetch_add(&bench.now, CT_USEC_PER_HOUR); /* its silence is over, too */
    bench_message("other", "user", "hello");
    bench_settle();
    pass(one, 300000);
    const cJSON *second = next_of(one, "conversation");
    assert_non_null(second);
    assert_string_equal(bench_text(second, "conversation.conversation_id"), "r");
    assert_string_equal(bench_text(second, "change"), "revised");
    assert_true(bench_number(second, "conversation.revision") == 2);
    assert_true(bench_number(second, "conversation.messages") == bench_number(first, "conversation.messages") + 1);
    bench_check_answers();
}

/* ---- a slow client -------------------------------------------------------------------------------------------------
 */

static void publish_many(size_t count, size_t from, const char *channel)
{
    struct ct_published published = {.revision = 1, .final = true};
    for (size_t i = 0; i < count; i++) {
        struct {
            struct ct_record record;
            char id[24], channel[24];
        } made;
        memset(&made, 0, sizeof made);
        made.record.bytes = sizeof made;
        made.record.started_at = made.record.ended_at = CT_USEC_NONE;
        made.record.first_response_usec = CT_USEC_NONE;
        int len = snprintf(made.id, sizeof made.id, "m%zu", from + i);
        made.record.text[CT_TEXT_CONVERSATION_ID] =
            (struct ct_slice32){(uint32_t)((char *)made.id - (char *)&made), (uint32_t)len};
        len = snprintf(made.channel, sizeof made.channel, "%s", channel);
        made.record.text[CT_TEXT_CHANNEL] =
            (struct ct_slice32){(uint32_t)((char *)made.channel - (char *)&made), (uint32_t)len};
        published.record = &made.record;
        published.first_published_at = published.published_at = NOON + (ct_usec)(from + i);
        ct_desk_published(bench.desk, &published);
    }
}

static void gap_is_said(void **state)
{
    (void)state;
    assert_true(open_peer(one, "window=1m"));
    pass(one, 0);
    publish_many(10, 0, "web");
    one->waiting = CT_FEED_WAITING_MAX; /* it does not read */
    pass(one, 300000);
    assert_int_equal(one->count, 1);
    publish_many(CT_RING_ENTRIES + 90, 10, "web");
    one->waiting = 0;
    pass(one, 300000);
    assert_string_equal(bench_text(next(one), "type"), "hello");
    const cJSON *gap = next(one);
    assert_string_equal(bench_text(gap, "type"), "gap");
    assert_true(bench_number(gap, "missed") == 100);
    assert_string_equal(bench_text(next(one), "conversation.conversation_id"), "m100");
    assert_int_equal(count_of(one, "conversation"), CT_RING_ENTRIES);
    assert_string_equal(bench_text(one->messages[one->count - 1], "conversation.conversation_id"), "m4195");
    assert_int_equal(bench.desk->feed->ring->next - bench.desk->feed->ring->first, CT_RING_ENTRIES);
    struct ct_desk_feed_stats stats;
    ct_desk_feed_stats(bench.desk->feed, &stats);
    assert_int_equal(stats.missed, 100);
    assert_int_equal(stats.clients, 1);
    bench_check_answers();
}

/* Large texts count by their bytes: the ring does not grow beyond its size. */
static void ring_is_bounded(void **state)
{
    (void)state;
    struct ct_ring *ring = calloc(1, sizeof *ring);
    assert_non_null(ring);
    for (unsigned i = 0; i < 500; i++) {
        size_t len = i == 300 ? CT_RING_BYTES + 1 : 100000;
        const struct ct_ring_entry entry = {.bytes = malloc(len), .len = len, .published_at = i};
        assert_non_null(entry.bytes);
        ct_ring_put(ring, &entry);
        assert_true(ring->bytes <= CT_RING_BYTES);
        assert_int_equal(ring->next, i + 1);
        assert_true(i == 300 ? ring->first == ring->next : ct_ring_at(ring, i)->published_at == (ct_usec)i);
    }
    assert_null(ct_ring_at(ring, ring->next));
    assert_null(ct_ring_at(ring, ring->first - 1));
    assert_int_equal(ring->next - ring->first, CT_RING_BYTES / 100000);
    ct_ring_done(ring);
    free(ring);
}

/* One whom the gate gives up gets nothing more, and does no harm. */
static void lost_client(void **state)
{
    (void)state;
    assert_true(open_peer(one, "window=1m"));
    pass(one, 0);
    one->slow = true;
    publish_many(3, 0, "web");
    pass(one, 300000);
    one->slow = false;
    pass(one, 300000);
    assert_int_equal(one->count, 1);
}

/* ---- resuming ------------------------------------------------------------------------------------------------------
 */

static const char *cursor_of(struct peer *peer)
{
    const cJSON *mark = NULL, *message;
    peer->looked = 0;
    while ((message = next_of(peer, "mark"))) {
        mark = message;
    }
    assert_non_null(mark);
    return bench_text(mark, "cursor");
}

/* What `peer` was told of conversations r0, r1, ...: how often each. */
static void count_told(const struct peer *peer, unsigned *told, size_t count)
{
    for (size_t i = 0; i < peer->count; i++) {
        const char *id = bench_text(peer->messages[i], "conversation.conversation_id");
        if (id[0] == 'r') {
            unsigned long number = strtoul(id + 1, NULL, 10);
            assert_true(number < count);
            told[number]++;
        }
    }
}

static void tell_numbered(unsigned from, unsigned to)
{
    char id[20];
    for (unsigned i = from; i < to; i++) {
        (void)snprintf(id, sizeof id, "r%u", i);
        bench_whole(id, id, i % 2 ? "web" : "whatsapp", CT_USEC_PER_MINUTE, "it is on its way", "thanks");
        if (i % 50 == 49) {
            atomic_fetch_add(&bench.now, CT_USEC_PER_SECOND);
        }
    }
    bench_settle();
}

/* Away while 700 conversations are closed (more pages of the store than one), back with the last cursor: every one of
 * them is told, those from before the cursor are not, and what comes then goes on from there. */
static void resume(void **state)
{
    (void)state;
    unsigned told[1000] = {0};
    char query[120];
    assert_true(open_peer(one, "window=1m"));
    pass(one, 0);
    tell_numbered(0, 100);
    for (int i = 0; i < 4; i++) {
        pass(one, 600000);
    }
    (void)snprintf(query, sizeof query, "window=1m&after=%s", cursor_of(one));
    count_told(one, told, 1000);
    close_peer(one);
    atomic_fetch_add(&bench.now, CT_USEC_PER_SECOND);
    tell_numbered(100, 800);
    assert_true(open_peer(two, query));
    for (int i = 0; i < 3; i++) {
        pass(two, 100000);
    }
    assert_true(two->session.resuming); /* pages: not all at once */
    tell_numbered(800, 820);
    for (int i = 0; i < 6; i++) {
        pass(two, 600000);
    }
    assert_false(two->session.resuming);
    tell_numbered(820, 840);
    pass(two, 600000);
    memset(told, 0, sizeof told);
    count_told(two, told, 1000);
    for (unsigned i = 0; i < 840; i++) {
        if (i >= 100 ? told[i] == 0 || told[i] > 2 : told[i] > 0) {
            fail_msg("conversation %u was told %u times", i, told[i]);
        }
    }
    assert_int_equal(count_of(two, "gap"), 0);
    assert_int_equal(atomic_load(&bench.desk->feed->busy), 0);
    bench_check_answers();
}

static void resume_with_filter(void **state)
{
    (void)state;
    unsigned told[1000] = {0};
    tell_numbered(0, 40);
    struct bench_answer list = bench_get("/api/v1/conversations?limit=1");
    char query[120];
    (void)snprintf(query, sizeof query, "window=1m&channel=web&after=%.0f",
                   bench_number(list.json, "conversations.0.row"));
    bench_forget(&list);
    atomic_fetch_add(&bench.now, CT_USEC_PER_SECOND);
    tell_numbered(40, 80);
    assert_true(open_peer(one, query));
    for (int i = 0; i < 4; i++) {
        pass(one, 600000);
    }
    count_told(one, told, 1000);
    for (unsigned i = 0; i < 80; i++) {
        assert_int_equal(told[i] > 0, i >= 40 && i % 2);
    }
}

/* ---- what is refused -----------------------------------------------------------------------------------------------
 */

static void refused(void **state)
{
    (void)state;
    static const char *const queries[] = {"window=2m",  "window=,",
                                          "every=10",   "every=100000",
                                          "every=x",    "x=1",
                                          "after=abc",  "after=0",
                                          "after=-1",   "after=1.2.3",
                                          "after=.5",   "after=99999999999999999999999",
                                          "channel=",   "window=5m&window=5m",
                                          "channel=%ff"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        if (open_peer(one, queries[i])) {
            fail_msg("taken: %s", queries[i]);
        }
        close_peer(one); /* of one that was never open: nothing happens */
    }
    char query[120] = "channel=";
    memset(query + 8, 'c', CT_RING_CHANNEL + 1);
    assert_false(open_peer(one, query));
    assert_true(open_peer(one, ""));
    const struct ct_gate_protocol *feed = ct_desk_feed(bench.desk);
    assert_int_equal(feed->message(feed->context, &one->session, NULL, CT_SPAN_LIT("{}"), false), 1008);
    bench.desk->options.store = NULL;
    assert_false(open_peer(two, "after=1.5"));
}

static void few_filters_at_a_time(void **state)
{
    (void)state;
    struct peer *peers = calloc(CT_FEED_CHANNELS_MAX + 1, sizeof *peers);
    char query[40];
    assert_non_null(peers);
    for (int i = 0; i <= CT_FEED_CHANNELS_MAX; i++) {
        (void)snprintf(query, sizeof query, "window=1m&channel=c%d", i);
        assert_int_equal(open_peer(&peers[i], query), i < CT_FEED_CHANNELS_MAX);
    }
    assert_true(open_peer(one, "window=1m&channel=c3")); /* one that is there already */
    pass(one, 0);
    assert_int_equal(one->count, 1);
    close_peer(&peers[5]);
    assert_true(open_peer(&peers[CT_FEED_CHANNELS_MAX], query));
    for (int i = 0; i <= CT_FEED_CHANNELS_MAX; i++) {
        close_peer(&peers[i]);
    }
    close_peer(one);
    (void)ct_desk_feed_beat(bench.desk->feed, steady_now());
    assert_int_equal(bench.desk->feed->view_count, 0); /* nobody looks: nothing is kept */
    free(peers);
}

/* ---- threads -------------------------------------------------------------------------------------------------------
 */

/* The feed's own thread beside the tap's and the gate's: it wakes, and nothing is lost. */
static void with_its_thread(void **state)
{
    (void)state;
    const struct ct_gate_protocol *feed = ct_desk_feed(bench.desk);
    ct_desk_feed_clock(bench.desk->feed, bench_now);
    assert_int_equal(ct_desk_open(bench.desk, NULL), CT_OK);
    assert_true(open_peer(one, "every=50"));
    char id[20];
    for (int i = 0; i < 60; i++) {
        (void)snprintf(id, sizeof id, "r%d", i);
        bench_whole(id, id, "web", CT_USEC_PER_MINUTE, "it is on its way", "thanks");
        feed->woken(feed->context, &one->session, (struct ct_gate_connection *)one);
        atomic_fetch_add(&bench.now, 20000);
    }
    bench_settle();
    unsigned told[60] = {0};
    for (int i = 0; i < 1000 && count_of(one, "conversation") < 60; i++) {
        usleep(10000);
        atomic_fetch_add(&bench.now, 10000);
        feed->woken(feed->context, &one->session, (struct ct_gate_connection *)one);
    }
    count_told(one, told, 60);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(told[i], 1);
    }
    assert_true(atomic_load(&bench.wakes) > 0);
    ct_desk_close(bench.desk);
    ct_desk_close(bench.desk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(hello_then_changes), TEST(changes_add_up), TEST(not_more_often_than_asked),
                                       TEST(channel_filter),     TEST(revisions),      TEST(gap_is_said),
                                       TEST(ring_is_bounded),    TEST(lost_client),    TEST(resume),
                                       TEST(resume_with_filter), TEST(refused),        TEST(few_filters_at_a_time),
                                       TEST(with_its_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
