/* engine_pipeline_replay.c - a restart anywhere in a random stream publishes what an uninterrupted run publishes, byte
 * for byte; and the live pipeline makes of messages in order what an audit makes of them.
 */
#include "flow.h"

enum { CONVERSATIONS = 400, STEPS = 9000, TEXTS = 24, ROUNDS = 6 };

/* ---- a stream ---- */

enum step_kind { MESSAGE, TICK, WHOLE, SETUP };
struct step {
    enum step_kind kind;
    int conversation;
    const char *text;
    char native[16];
    enum ct_role role;
    enum ct_event_type event;
    unsigned calls; /* of tools */
    ct_usec ts, received;
    uint64_t position;
};

static uint64_t seed;
static uint32_t dice(uint32_t sides)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % sides;
}

static const char *const user_texts[TEXTS] = {
    "hello",         "human please", "thanks", "yes",      "no",        "bye",      "wrong", "it works",
    "does not work", "that is all",  "5",      "2",        "excellent", "mark",     "word",  "word word",
    "my order",      "where is it",  "hm",     "no human", "awful",     "anything", "ok",    "4"};
static const char *const bot_texts[TEXTS] = {"pardon",        "transferring you",
                                             "want a human",  "nobody is free",
                                             "rate us",       "recommend us",
                                             "how hard",      "anything else",
                                             "did it help",   "your name",
                                             "grade",         "here it is",
                                             "one moment",    "sure",
                                             "your order",    "it is late",
                                             "well",          "let me see",
                                             "thank you",     "rate us",
                                             "anything else", "did it help",
                                             "sorry",         "welcome"};

static void random_message(struct step *steps, size_t at, int first, int count, ct_usec now, bool in_order)
{
    struct step *s = &steps[at];
    uint32_t what = dice(100);
    s->kind = MESSAGE;
    s->text = "";
    s->conversation = first + (int)dice((uint32_t)count);
    s->ts = now - (!in_order && dice(6) == 0 ? (ct_usec)dice(5 * HOUR) * CT_USEC_PER_SECOND : 0);
    snprintf(s->native, sizeof s->native, "m%zu", at);
    if (dice(30) == 0 && !in_order) {
        s->ts = CT_USEC_NONE;
    }
    if (what < 45) {
        s->role = CT_ROLE_USER;
        s->text = user_texts[dice(TEXTS)];
    } else if (what < 80) {
        s->role = CT_ROLE_BOT;
        s->text = bot_texts[dice(TEXTS)];
        s->calls = at % 3 ? 0 : (unsigned)(at / 3 % 4);
    } else if (what < 85) {
        s->role = CT_ROLE_AGENT;
        s->text = "a person here";
    } else if (what < 93) {
        s->role = CT_ROLE_SYSTEM;
        s->event = CT_EVENT_CLOSE;
    } else if (what < 96 && !in_order) {
        s->role = CT_ROLE_SYSTEM;
        s->event = CT_EVENT_REOPEN;
    } else if (what == 96 && at > 200) { /* what the platform says of something that was sent */
        static const char *const statuses[] = {"sent", "delivered", "failed", "read"};
        const struct step *sent = &steps[at - 1 - dice(in_order ? 20 : 200)];
        s->role = CT_ROLE_SYSTEM;
        s->event = CT_EVENT_DELIVERY;
        s->text = statuses[dice(4)];
        if (sent->kind == MESSAGE && (!in_order || now - sent->ts <= 1800 * CT_USEC_PER_SECOND)) { /* still open */
            s->conversation = sent->conversation;
            memcpy(s->native, sent->native, sizeof s->native);
        }
    } else if (what < 98 && !in_order && at > 200) { /* a copy of something */
        const struct step *copied = &steps[at - 1 - dice(200)];
        if (copied->kind == MESSAGE) {
            enum step_kind kind = s->kind;
            *s = *copied;
            s->kind = kind;
        }
    } else {
        s->role = CT_ROLE_USER;
        s->event = in_order ? CT_EVENT_NONE : CT_EVENT_FEEDBACK;
        s->text = in_order ? "hm" : "";
    }
}

/* What a platform says about a conversation long after it: an audit, which has the whole log, finds it again; the live
 * tap has let it go. Not in these streams. */
static bool long_silent(const struct step *steps, size_t at)
{
    for (size_t i = at; i-- > 0;) {
        if (steps[i].kind == MESSAGE && steps[i].event != CT_EVENT_DELIVERY &&
            steps[i].conversation == steps[at].conversation) {
            return steps[at].ts - steps[i].ts > 1800 * CT_USEC_PER_SECOND;
        }
    }
    return true;
}

/* Conversations come and go: at any moment a window of them is under way. */
static void make_stream(struct step *steps, bool in_order)
{
    ct_usec now = T0;
    uint64_t position = 100;
    memset(steps, 0, STEPS * sizeof *steps);
    for (size_t i = 0; i < STEPS; i++) {
        uint32_t what = dice(1000);
        now += (ct_usec)dice(in_order ? 120 : 90) * CT_USEC_PER_SECOND + dice(1000) + 1;
        now += dice(400) == 0 ? 5 * 3600 * CT_USEC_PER_SECOND : 0;
        position += dice(3) != 0 ? 1 : 0;
        int first = (int)(i * (CONVERSATIONS - 20) / STEPS);
        if (what < 60) {
            steps[i].kind = TICK;
        } else if (what < 90 && !in_order) {
            steps[i].kind = WHOLE;
            steps[i].conversation = first + (int)dice(20);
        } else if (what < 92 && !in_order) {
            steps[i].kind = SETUP;
        } else {
            random_message(steps, i, first, 20, now, in_order);
            if (in_order && (steps[i].event == CT_EVENT_CLOSE || steps[i].event == CT_EVENT_DELIVERY) &&
                long_silent(steps, i)) {
                steps[i].event = CT_EVENT_NONE;
                steps[i].role = CT_ROLE_USER;
                steps[i].text = "good evening";
            }
        }
        steps[i].received = now;
        steps[i].position = position;
    }
}

static void id_of(int number, char *id, ct_span *span)
{
    int len = snprintf(id, 32, "conversation-%d", number / 2);
    *span = (ct_span){id, (size_t)len};
}

/* Spans into `id` (32 bytes) and the step. */
static void message_of(const struct step *s, char *id, struct ct_message *m)
{
    static const struct ct_tool_call calls[4] = {{.name = {"look_up", 7}, .id = {"call-1", 6}},
                                                 {.name = {"pay", 3}},
                                                 {.name = {"a name that is longer than most", 31}},
                                                 {.name = {"transfer", 8}, .id = {"call-3", 6}}};
    ct_message_init(m);
    m->tool_calls = s->calls ? &calls[s->ts % 2] : NULL;
    m->tool_call_count = s->calls;
    id_of(s->conversation, id, &m->conversation_id);
    m->tenant = s->conversation % 2 ? CT_SPAN_LIT("tenant") : CT_SPAN_NONE;
    m->channel = s->conversation % 5 == 0 ? CT_SPAN_LIT("whatsapp") : CT_SPAN_LIT("web");
    m->user_id = s->conversation % 7 ? m->conversation_id : CT_SPAN_NONE;
    m->id = ct_span_of(s->native);
    m->text = ct_span_of(s->text);
    m->role = s->role;
    m->ts = s->ts;
    m->event.type = s->event;
    if (s->event == CT_EVENT_DELIVERY) {
        m->event.name = m->text;
        m->text = CT_SPAN_NONE;
    }
    if (s->event == CT_EVENT_FEEDBACK) {
        m->event.name = CT_SPAN_LIT("csat");
        m->event.value = CT_SPAN_LIT("4");
    }
}

static struct ct_setup setups[2];
static struct ct_setup *setup_at(const struct step *steps, size_t step)
{
    size_t changes = 0;
    for (size_t i = 0; i < step; i++) {
        changes += steps[i].kind == SETUP;
    }
    return &setups[changes % 2];
}

static void play(struct ct_pipeline *pipeline, const struct step *steps, size_t at)
{
    const struct step *s = &steps[at];
    char id[32];
    struct ct_message m;
    switch (s->kind) {
    case MESSAGE:
        message_of(s, id, &m);
        assert_int_equal(ct_pipeline_message(pipeline, &m, s->received, s->position), CT_OK);
        break;
    case TICK:
        assert_int_equal(ct_pipeline_tick(pipeline, s->received), CT_OK);
        break;
    case WHOLE:
        message_of(s, id, &m);
        assert_int_equal(ct_pipeline_whole(pipeline, m.tenant, m.conversation_id, s->received), CT_OK);
        break;
    case SETUP:
        assert_int_equal(ct_pipeline_setup(pipeline, setup_at(steps, at + 1)), CT_OK);
        break;
    }
}

/* ---- restart ---- */

static size_t take_marks(const struct ct_pipeline *pipeline, struct ct_open_mark **marks, uint64_t *oldest)
{
    struct ct_pipeline_stats stats;
    ct_pipeline_stats(pipeline, &stats);
    *oldest = stats.oldest_position;
    *marks = malloc((stats.open + 1) * sizeof **marks);
    assert_non_null(*marks);
    memset(*marks, 0, (stats.open + 1) * sizeof **marks);
    size_t count = ct_pipeline_marks(pipeline, *marks);
    assert_int_equal(count, stats.open);
    return count;
}

static bool was_said(const struct heard *all, const struct heard *one, size_t entry)
{
    const struct heard_entry *wanted = heard_at(one, entry);
    for (size_t i = 0; i < all->count; i++) {
        const struct heard_entry *other = heard_at(all, i);
        if (other->bytes == wanted->bytes && memcmp(other, wanted, other->bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* Stops before `stop`, starts anew, and plays to the end. `full` is what an uninterrupted run said, `said` how much of
 * it before each step. Returns how often something was said again. */
static size_t restart(const struct step *steps, size_t stop, const struct heard *full, const size_t *said,
                      const struct ct_pipeline_limits *limits)
{
    struct heard first = {0}, second = {0};
    struct ct_open_mark *marks, *marks_again;
    uint64_t oldest, oldest_again;
    struct ct_pipeline *pipeline = flow_new(&first, limits);
    assert_int_equal(ct_pipeline_setup(pipeline, &setups[0]), CT_OK);
    for (size_t i = 0; i < stop; i++) {
        play(pipeline, steps, i);
    }
    assert_int_equal(first.count, said[stop]);
    size_t count = take_marks(pipeline, &marks, &oldest);
    ct_pipeline_free(pipeline);

    pipeline = flow_new(&second, limits);
    size_t from = 0;
    while (from < stop && steps[from].position < oldest) {
        from++;
    }
    assert_int_equal(ct_pipeline_setup(pipeline, setup_at(steps, from)), CT_OK);
    ct_pipeline_resume(pipeline, marks, count);
    for (size_t i = from; i < stop; i++) {
        play(pipeline, steps, i);
    }
    ct_pipeline_resume(pipeline, NULL, 0);
    assert_int_equal(take_marks(pipeline, &marks_again, &oldest_again), count);
    assert_memory_equal(marks_again, marks, count * sizeof *marks);
    assert_true(oldest_again == oldest);
    size_t repeated = second.count, begin = second.len;
    for (size_t i = 0; i < repeated; i++) {
        assert_true(was_said(full, &second, i));
    }
    for (size_t i = stop; i < STEPS; i++) {
        play(pipeline, steps, i);
    }
    assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
    size_t done = said[stop] < full->count ? full->entries[said[stop]] : full->len;
    assert_int_equal(second.len - begin, full->len - done);
    assert_memory_equal(second.at + begin, full->at + done, full->len - done);
    ct_pipeline_free(pipeline);
    free(marks);
    free(marks_again);
    heard_done(&first);
    heard_done(&second);
    return repeated;
}

static void restarts(void **state)
{
    static struct step steps[STEPS];
    static size_t said[STEPS + 1];
    const struct ct_pipeline_limits wide = {0}, tight = {.open_max = 12, .memory_max = 9000};
    size_t repeated = 0, revised = 0, withdrawn = 0, early = 0;
    (void)state;
    seed = 20260301;
    for (int round = 0; round < ROUNDS; round++) {
        const struct ct_pipeline_limits *limits = round % 3 == 2 ? &tight : &wide;
        struct heard full = {0};
        setups[0] = make_setup("one");
        setups[1] = make_setup("two");
        setups[1].silence.person_usec = 3600 * CT_USEC_PER_SECOND;
        make_stream(steps, false);
        struct ct_pipeline *pipeline = flow_new(&full, limits);
        assert_int_equal(ct_pipeline_setup(pipeline, &setups[0]), CT_OK);
        for (size_t i = 0; i < STEPS; i++) {
            said[i] = full.count;
            play(pipeline, steps, i);
        }
        said[STEPS] = full.count;
        assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
        ct_pipeline_free(pipeline);
        for (size_t i = 0; i < full.count; i++) {
            const struct heard_entry *entry = heard_at(&full, i);
            revised += entry->revision > 1 && entry->record;
            withdrawn += !entry->record;
        }
        early += heard_drops(&full, "open_conversations_limit") + heard_drops(&full, "open_memory_limit");
        for (int i = 0; i < 8; i++) {
            repeated += restart(steps, dice(STEPS + 1), &full, said, limits);
        }
        heard_done(&full);
    }
    /* The streams did hold what this test is about. */
    assert_true(repeated > 60 && revised > 200 && withdrawn > 20 && early > 100);
}

/* A conversation that ends, and another of its id that begins, at one position of the tape: the mark is of the second.
 */
static void two_at_one_position(void **state)
{
    static const struct step steps[] = {
        {.kind = MESSAGE,
         .text = "hello",
         .native = "1",
         .role = CT_ROLE_USER,
         .ts = T0,
         .received = T0,
         .position = 1},
        {.kind = MESSAGE,
         .text = "thanks",
         .native = "2",
         .role = CT_ROLE_USER,
         .ts = T0,
         .received = T0,
         .position = 2},
        {.kind = WHOLE, .received = T0, .position = 2},
        {.kind = MESSAGE, .text = "bye", .native = "3", .role = CT_ROLE_USER, .ts = T0, .received = T0, .position = 2},
    };
    struct heard heard = {0};
    struct ct_open_mark *marks;
    uint64_t oldest;
    (void)state;
    setups[0] = make_setup("one");
    struct ct_pipeline *pipeline = flow_new(&heard, NULL);
    assert_int_equal(ct_pipeline_setup(pipeline, &setups[0]), CT_OK);
    for (size_t i = 0; i < 4; i++) {
        play(pipeline, steps, i);
    }
    assert_int_equal(heard.count, 1);
    assert_int_equal(take_marks(pipeline, &marks, &oldest), 1);
    assert_true(oldest == 2 && marks[0].first_position == 2 && marks[0].first_index == 1);
    ct_pipeline_free(pipeline);
    heard_done(&heard);
    pipeline = flow_new(&heard, NULL);
    assert_int_equal(ct_pipeline_setup(pipeline, &setups[0]), CT_OK);
    ct_pipeline_resume(pipeline, marks, 1);
    for (size_t i = 1; i < 4; i++) {
        play(pipeline, steps, i);
    }
    ct_pipeline_resume(pipeline, NULL, 0);
    assert_int_equal(heard.count, 0); /* not a half of the first */
    assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard_record(heard_at(&heard, 0))->message_count, 1);
    ct_pipeline_free(pipeline);
    heard_done(&heard);
    free(marks);
}

/* ---- live and audit ---- */

struct audited {
    struct heard *heard;
    const struct ct_setup *setup;
};

static enum ct_status on_record(void *context, const struct ct_record *record, const struct ct_stored *first)
{
    struct audited *audited = context;
    struct ct_published published = {.record = record, .setup = audited->setup, .revision = 1};
    (void)first;
    return heard_publish(audited->heard, &published);
}

static void on_over(void *context, const struct ct_stored *first, uint64_t count)
{
    (void)context;
    (void)first;
    fail_msg("%d messages over the limit", (int)count);
}

/* As cli/batch_close.c does it: all messages of an id at once. */
static void audit(const struct step *steps, struct heard *heard)
{
    struct audited audited = {heard, &setups[0]};
    const struct ct_sessions_out out = {.context = &audited, .record = on_record, .over = on_over};
    struct ct_sessions sessions = {0};
    struct ct_conversation *one = ct_conversation_new(rules, matcher, &setups[0].conversation);
    char *bytes = malloc((size_t)STEPS * 512);
    assert_non_null(bytes);
    for (int number = 0; number < CONVERSATIONS; number++) {
        size_t count = 0, used = 0;
        struct ct_sessions_end end;
        assert_true(ct_sessions_room(&sessions, STEPS));
        for (size_t i = 0; i < STEPS; i++) {
            struct ct_message m;
            char id[32];
            if (steps[i].kind == MESSAGE && steps[i].conversation == number) {
                message_of(&steps[i], id, &m);
                uint32_t len = ct_stored_bytes(&m);
                ct_stored_write(bytes + used, len, &m, &(struct ct_place){.offset = i});
                sessions.order[count++] = (const struct ct_stored *)(const void *)(bytes + used);
                used += len;
            }
        }
        if (count) {
            assert_int_equal(ct_sessions_close(&sessions, one, &setups[0].silence, count, false, &out, &end), CT_OK);
        }
    }
    ct_sessions_done(&sessions);
    ct_conversation_free(one);
    free(bytes);
}

static int by_record(const void *left, const void *right)
{
    const struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    if (a->started_at != b->started_at) {
        return a->started_at < b->started_at ? -1 : 1;
    }
    uint32_t len = a->bytes < b->bytes ? a->bytes : b->bytes;
    return memcmp(a, b, len);
}

/* What stands in the end, without the sessions' numbers: each newest revision. */
static size_t standing_records(struct heard *heard, struct ct_record **out)
{
    size_t count = 0;
    for (size_t i = 0; i < heard->count; i++) {
        const struct heard_entry *entry = heard_at(heard, i);
        struct ct_record *record = (struct ct_record *)(uintptr_t)heard_record(entry);
        const struct ct_record *was = heard_replaced(entry);
        for (size_t r = 0; was && r < count; r++) {
            if (out[r]->bytes == was->bytes && memcmp(out[r], was, was->bytes) == 0) {
                out[r] = out[--count];
                was = NULL;
            }
        }
        assert_null(was); /* what is replaced did stand there */
        if (record) {
            out[count++] = record;
        }
    }
    for (size_t i = 0; i < count; i++) {
        out[i]->session = 0;
        out[i]->conversation_hash = 0;
    }
    qsort(out, count, sizeof *out, by_record);
    return count;
}

static void live_equals_audit(void **state)
{
    static struct step steps[STEPS];
    static struct ct_record *live[STEPS], *audited[STEPS];
    (void)state;
    seed = 7;
    for (int round = 0; round < 4; round++) {
        struct heard one = {0}, other = {0};
        setups[0] = make_setup("one");
        make_stream(steps, true);
        struct ct_pipeline *pipeline = flow_new(&one, NULL);
        assert_int_equal(ct_pipeline_setup(pipeline, &setups[0]), CT_OK);
        for (size_t i = 0; i < STEPS; i++) {
            play(pipeline, steps, i);
        }
        assert_int_equal(ct_pipeline_close_all(pipeline), CT_OK);
        ct_pipeline_free(pipeline);
        audit(steps, &other);
        size_t count = standing_records(&one, live);
        assert_true(count > CONVERSATIONS / 2);
        assert_int_equal(count, standing_records(&other, audited));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(live[i]->bytes, audited[i]->bytes);
            assert_memory_equal(live[i], audited[i], live[i]->bytes);
        }
        heard_done(&one);
        heard_done(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(restarts), cmocka_unit_test(two_at_one_position),
                                       cmocka_unit_test(live_equals_audit)};
    return cmocka_run_group_tests(tests, load, unload);
}
