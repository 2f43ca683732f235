/* engine_delivery.c - what the platform says of messages after they were sent: laid upon them whatever the order in
 * which it comes, in what they cost, in who answered, and live in revisions.
 */
#include "flow.h"

#include "engine/delivery.h"

enum { MOST = 64, ROUNDS = 400 };

/* ---- laid upon messages -------------------------------------------------------------------------------------------
 */

static struct ct_deliveries deliveries;
static char stored[MOST][512] __attribute__((aligned(8)));
static size_t stored_count;

static void put(uint32_t input, enum ct_role role, const char *id, const char *status, const char *billable,
                const char *category, int at)
{
    struct ct_message m;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.role = role;
    m.id = ct_span_of(id);
    m.ts = at < 0 ? CT_USEC_NONE : AT(at);
    m.category = ct_span_of(category);
    if (status) {
        m.event = (struct ct_event){.type = CT_EVENT_DELIVERY, .name = ct_span_of(status), .scale_min = -1};
        m.event.value = ct_span_of(billable);
    } else {
        m.text = CT_SPAN_LIT("words");
    }
    uint32_t bytes = ct_stored_bytes(&m);
    assert_true(stored_count < MOST && bytes <= sizeof stored[0]);
    ct_stored_write(stored[stored_count], bytes, &m, &(struct ct_place){.input = input, .offset = stored_count});
    stored_count++;
}

static void forget(void)
{
    stored_count = 0;
}

static const struct ct_stored *at(size_t i)
{
    return (const struct ct_stored *)(const void *)stored[i];
}

static struct ct_message read_one(size_t i)
{
    struct ct_message m;
    ct_stored_read(at(i), &m, NULL);
    return m;
}

/* In this order; NULL = as they were put. */
static void note(const size_t *order)
{
    ct_deliveries_begin(&deliveries);
    for (size_t i = 0; i < stored_count; i++) {
        size_t which = order ? order[i] : i;
        const struct ct_message m = read_one(which);
        assert_true(ct_deliveries_note(&deliveries, at(which), &m));
    }
    ct_deliveries_settle(&deliveries);
}

static struct ct_message told(size_t i)
{
    struct ct_message m = read_one(i);
    ct_deliveries_tell(&deliveries, at(i), &m);
    return m;
}

static void shuffle(size_t *order, size_t count, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (size_t i = count; i > 1; i--) {
        *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
        size_t j = (size_t)(*seed >> 33) % i, kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

static void any_order(void **state)
{
    size_t order[MOST];
    uint64_t seed = 11, unmatched;
    (void)state;
    forget();
    put(0, CT_ROLE_BOT, "a", NULL, "", "utility", 0);
    put(0, CT_ROLE_AGENT, "b", NULL, "", "", 1);
    put(0, CT_ROLE_BOT, "c", NULL, "", "service", 2);
    put(0, CT_ROLE_BOT, "d", NULL, "", "service", 3);
    put(0, CT_ROLE_USER, "u", NULL, "", "", 4);
    put(0, CT_ROLE_SYSTEM, "a", "sent", "true", "utility", 5); /* said otherwise later */
    put(0, CT_ROLE_SYSTEM, "a", "delivered", "true", "marketing", 6);
    put(0, CT_ROLE_SYSTEM, "a", "read", NULL, "", 9);
    put(0, CT_ROLE_SYSTEM, "a", "delivered", "true", "marketing", 6); /* twice */
    put(0, CT_ROLE_SYSTEM, "b", "sent", "false", "service", 5);       /* at one time: the later status's word */
    put(0, CT_ROLE_SYSTEM, "b", "delivered", "true", "", 5);
    put(0, CT_ROLE_SYSTEM, "c", "sent", "true", "marketing", 5);
    put(0, CT_ROLE_SYSTEM, "c", "failed", NULL, "", 7);
    put(0, CT_ROLE_SYSTEM, "d", "failed", NULL, "", 7); /* to one device; another has it */
    put(0, CT_ROLE_SYSTEM, "d", "delivered", "false", "service", -1);
    put(0, CT_ROLE_SYSTEM, "e", "sent", "true", "utility", 5);      /* of what is not here */
    put(0, CT_ROLE_SYSTEM, "u", "delivered", "true", "utility", 5); /* the customer's own is nobody's delivery */
    put(0, CT_ROLE_SYSTEM, "", "delivered", "true", "utility", 5);
    put(0, CT_ROLE_SYSTEM, "b", "deleted", "true", "", -1); /* unheard of */
    for (int round = 0; round < ROUNDS; round++) {
        shuffle(order, stored_count, &seed);
        note(order);
        const struct ct_message a = told(0), b = told(1), c = told(2), d = told(3), u = told(4);
        assert_true(ct_span_is(a.category, "marketing") && a.billing == CT_BILLING_CHARGED && !a.undelivered);
        assert_true(ct_span_is(b.category, "service") && b.billing == CT_BILLING_CHARGED && !b.undelivered);
        assert_true(ct_span_is(c.category, "marketing") && c.undelivered);
        assert_true(ct_span_is(d.category, "service") && d.billing == CT_BILLING_FREE && !d.undelivered);
        assert_true(u.category.len == 0 && u.billing == CT_BILLING_UNSAID && !u.undelivered);
        assert_false(ct_deliveries_end(&deliveries, &unmatched));
        assert_int_equal(unmatched, 2);
    }
}

static void names(void **state)
{
    uint64_t unmatched;
    (void)state;
    forget();
    put(0, CT_ROLE_BOT, "", NULL, "", "", -1);
    put(0, CT_ROLE_SYSTEM, "a", "accepted", NULL, "", -1);
    put(0, CT_ROLE_BOT, "", NULL, "", "", -1); /* whose answer is missing: it has no id, and takes nobody else's */
    put(0, CT_ROLE_BOT, "", NULL, "", "", -1);
    put(0, CT_ROLE_SYSTEM, "b", "accepted", NULL, "", -1);
    put(0, CT_ROLE_SYSTEM, "b", "accepted", NULL, "", -1); /* once more */
    put(0, CT_ROLE_SYSTEM, "b", "delivered", "true", "utility", 1);
    put(1, CT_ROLE_SYSTEM, "z", "accepted", NULL, "", -1); /* nothing before it in its own file */
    put(1, CT_ROLE_BOT, "", NULL, "", "", -1);             /* a copy of the other file: of one id, so it is a copy */
    put(1, CT_ROLE_SYSTEM, "b", "accepted", NULL, "", -1);
    note(NULL);
    assert_true(ct_span_is(told(0).id, "a") && told(0).category.len == 0);
    assert_int_equal(told(2).id.len, 0);
    assert_true(ct_span_is(told(3).id, "b") && ct_span_is(told(3).category, "utility"));
    assert_true(ct_span_is(told(8).id, "b"));
    assert_true(ct_deliveries_end(&deliveries, &unmatched)); /* whether a arrived is not known */
    assert_int_equal(unmatched, 1);                          /* z */
}

static void many(void **state)
{
    static char ids[1000][8], nothing[64] __attribute__((aligned(8)));
    const struct ct_stored *place = (const struct ct_stored *)(const void *)nothing;
    uint64_t unmatched;
    struct ct_message m;
    (void)state;
    ct_deliveries_begin(&deliveries);
    ct_message_init(&m);
    m.role = CT_ROLE_SYSTEM;
    m.event = (struct ct_event){.type = CT_EVENT_DELIVERY, .name = CT_SPAN_LIT("failed"), .scale_min = -1};
    for (int i = 0; i < 3000; i++) { /* tables grow, and forget */
        snprintf(ids[i % 1000], sizeof ids[0], "%d", i % 1000);
        m.id = ct_span_of(ids[i % 1000]);
        assert_true(ct_deliveries_note(&deliveries, place, &m));
    }
    ct_deliveries_settle(&deliveries);
    for (int i = 0; i < 900; i++) {
        ct_message_init(&m);
        m.id = ct_span_of(ids[i]);
        m.role = CT_ROLE_BOT;
        ct_deliveries_tell(&deliveries, place, &m);
        assert_true(m.undelivered);
    }
    assert_false(ct_deliveries_end(&deliveries, &unmatched));
    assert_int_equal(unmatched, 100);
    ct_deliveries_begin(&deliveries);
    assert_false(ct_deliveries_end(&deliveries, &unmatched));
    assert_int_equal(unmatched, 0);
}

/* ---- live ---------------------------------------------------------------------------------------------------------
 */

static struct ct_setup setup;
static struct heard heard;
static struct ct_pipeline *pipeline;
static struct ct_cost_model *model;
static uint64_t position;

static const char prices[] =
    "currency: EUR\n"
    "channels:\n"
    "  web:\n"
    "    per_message: 0.001\n"
    "    categories: {marketing: 0.06, utility: {default: 0.02, free_in_window: true}, service: 0}\n"
    "    uncategorised: utility\n";

static void start(void)
{
    struct ct_error err = {0};
    heard_done(&heard);
    ct_pipeline_free(pipeline);
    ct_cost_model_free(model);
    model = ct_cost_model_load(CT_SPAN_LIT("prices.yaml"), ct_span_of(prices), &err);
    assert_non_null(model);
    setup = make_setup("one");
    setup.conversation.cost = model;
    position = 0;
    pipeline = flow_new(&heard, NULL);
    assert_int_equal(ct_pipeline_setup(pipeline, &setup), CT_OK);
}

static struct ct_message message_of(enum ct_role role, const char *id, int when)
{
    struct ct_message m;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.channel = CT_SPAN_LIT("web");
    m.role = role;
    m.id = ct_span_of(id);
    m.ts = AT(when);
    return m;
}

static void send(enum ct_role role, const char *id, int when, const char *text)
{
    struct ct_message m = message_of(role, id, when);
    m.text = ct_span_of(text);
    assert_int_equal(ct_pipeline_message(pipeline, &m, m.ts, ++position), CT_OK);
}

static void status(const char *id, int when, const char *name, const char *billable, const char *category)
{
    struct ct_message m = message_of(CT_ROLE_SYSTEM, id, when);
    m.category = ct_span_of(category);
    m.event = (struct ct_event){
        .type = CT_EVENT_DELIVERY, .name = ct_span_of(name), .value = ct_span_of(billable), .scale_min = -1};
    assert_int_equal(ct_pipeline_message(pipeline, &m, m.ts, ++position), CT_OK);
}

static void tick(int when)
{
    assert_int_equal(ct_pipeline_tick(pipeline, AT(when)), CT_OK);
}

static size_t open_count(void)
{
    struct ct_pipeline_stats stats;
    ct_pipeline_stats(pipeline, &stats);
    return stats.open;
}

/* The channel's fees of publication `i`, in thousandths. */
static long fee(size_t i)
{
    return (long)(heard_record(heard_at(&heard, i))->cost_channel / 1000000);
}

static void fees(void **state)
{
    (void)state;
    start();
    send(CT_ROLE_BOT, "x", 0, "offer"); /* nobody has said what it is: utility */
    tick(31 * MINUTE);
    assert_int_equal(fee(0), 21);
    start();
    send(CT_ROLE_BOT, "x", 0, "offer");
    status("x", 1, "sent", "true", "marketing");
    status("x", 2, "delivered", NULL, "");
    tick(31 * MINUTE);
    assert_int_equal(fee(0), 61);
    start();
    status("x", 0, "sent", "false", "marketing"); /* before its message; free */
    send(CT_ROLE_BOT, "x", 1, "offer");
    status("x", 2, "read", NULL, "");
    tick(32 * MINUTE);
    assert_int_equal(fee(0), 0);
    start();
    send(CT_ROLE_USER, "u", 0, "hello"); /* the model would have it free; the platform charged it */
    send(CT_ROLE_BOT, "x", 1, "here it is");
    status("x", 2, "delivered", "true", "utility");
    tick(32 * MINUTE);
    assert_int_equal(fee(0), 22);
    start();
    send(CT_ROLE_USER, "u", 0, "hello");
    send(CT_ROLE_BOT, "x", 1, "here it is");
    tick(32 * MINUTE);
    assert_int_equal(fee(0), 2);
    start();
    send(CT_ROLE_BOT, "x", 0, "offer");
    status("x", 1, "sent", "true", "unheard_of"); /* no price: counted, not guessed */
    tick(31 * MINUTE);
    assert_int_equal(fee(0), 1);
    assert_int_equal(heard_drops(&heard, "cost_unpriced"), 1);
}

/* What did not arrive is no answer, asks nothing and costs nothing. */
static void failed(void **state)
{
    (void)state;
    start();
    send(CT_ROLE_USER, "u", 0, "hello");
    send(CT_ROLE_BOT, "x", 1, "rate us");
    status("x", 2, "failed", NULL, "");
    tick(32 * MINUTE);
    const struct ct_record *record = heard_record(heard_at(&heard, 0));
    assert_false(record->ai_answered);
    assert_int_equal(record->outcome, CT_OUTCOME_ABANDONED);
    assert_int_equal(record->bot_messages, 1);
    assert_int_equal(record->evidence.count, 0);
    assert_int_equal(fee(0), 1); /* the customer's */
    assert_int_equal(open_count(), 0);
}

static void late(void **state)
{
    (void)state;
    start();
    send(CT_ROLE_USER, "u", 0, "hello");
    send(CT_ROLE_BOT, "x", 1, "here it is");
    status("x", 2, "sent", "true", "utility");           /* whether it arrived is not known: it stays a day */
    status("x", 20 * MINUTE, "sent", "true", "utility"); /* breaks no silence */
    tick(31 * MINUTE);
    assert_int_equal(heard.count, 1);
    assert_int_equal(fee(0), 22);
    assert_false(heard_at(&heard, 0)->final);
    assert_int_equal(open_count(), 1);
    status("x", 5 * HOUR, "sent", "true", "utility"); /* again: nothing new */
    tick(5 * HOUR + 1);
    assert_int_equal(heard.count, 1);
    status("x", 6 * HOUR, "failed", NULL, "");
    tick(6 * HOUR + 1); /* at once */
    assert_int_equal(heard.count, 2);
    const struct heard_entry *entry = heard_at(&heard, 1);
    assert_true(entry->final && entry->revision == 2 && entry->replaced && fee(1) == 1);
    assert_int_equal(heard_record(entry)->outcome, CT_OUTCOME_ABANDONED);
    assert_int_equal(open_count(), 0);
    start();
    send(CT_ROLE_BOT, "x", 0, "hello"); /* never said */
    status("x", 2, "sent", NULL, "");
    tick(23 * HOUR);
    assert_int_equal(open_count(), 1);
    tick(25 * HOUR);
    assert_int_equal(open_count(), 0);
    assert_int_equal(heard.count, 1);
    start();
    send(CT_ROLE_BOT, "x", 0, "hello"); /* a conversation that nothing is said of ends as ever */
    tick(31 * MINUTE);
    assert_int_equal(open_count(), 0);
}

static void alone(void **state)
{
    (void)state;
    start();
    status("x", 0, "read", NULL, "");
    assert_int_equal(open_count(), 0); /* of something that ended long ago */
    assert_int_equal(heard_drops(&heard, "delivery_unmatched"), 1);
    status("x", 0, "delivered", "true", "utility"); /* its message may still come */
    assert_int_equal(open_count(), 1);
    tick(31 * MINUTE);
    assert_int_equal(open_count(), 0);
    assert_int_equal(heard.count, 0);
    assert_int_equal(heard_drops(&heard, "delivery_unmatched"), 2);
}

/* Statuses without end for what was published are judged in proportion to what came. */
static void flood(void **state)
{
    (void)state;
    start();
    send(CT_ROLE_BOT, "x", 0, "hello");
    status("x", 1, "sent", NULL, "");
    tick(31 * MINUTE);
    for (int i = 0; i < 20000; i++) {
        status("x", HOUR + i / 10, "sent", NULL, "");
    }
    tick(3 * HOUR);
    assert_int_equal(heard.count, 1);
    assert_int_equal(open_count(), 1);
    status("x", 3 * HOUR, "failed", NULL, "");
    tick(25 * HOUR);
    assert_int_equal(heard.count, 2);
    assert_int_equal(open_count(), 0);
}

/* One that was published and waits for a person now: what is said of its messages does not have it judged each time. */
static void flood_of_one_that_waits(void **state)
{
    enum { WORDS = 5000, STATUSES = 20000 };
    struct ct_message m;
    (void)state;
    start();
    send(CT_ROLE_USER, "u", 0, "hello");
    send(CT_ROLE_BOT, "x", 1, "here it is");
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.role = CT_ROLE_SYSTEM;
    m.ts = AT(2);
    m.event = (struct ct_event){.type = CT_EVENT_CLOSE, .scale_min = -1};
    assert_int_equal(ct_pipeline_message(pipeline, &m, AT(2), ++position), CT_OK);
    assert_int_equal(heard.count, 1);
    for (int i = 0; i < WORDS; i++) {
        send(CT_ROLE_USER, "", 3 + i / 100, "something else");
    }
    send(CT_ROLE_USER, "", MINUTE, "human please");
    send(CT_ROLE_BOT, "y", MINUTE, "transferring you");
    tick(HOUR);
    for (int i = 0; i < STATUSES; i++) {
        status("x", HOUR + i / 10, "sent", NULL, "");
    }
    status("x", 3 * HOUR, "delivered", NULL, "");
    assert_int_equal(heard.count, 1);
    tick(4 * HOUR + 2 * MINUTE);
    assert_true(heard.count > 1);
    assert_int_equal(heard_record(heard_at(&heard, heard.count - 1))->outcome, CT_OUTCOME_ESCALATED);
}

/* What one conversation needed is not paid for by each that comes after it. */
static void after_a_large_one(void **state)
{
    static char nothing[64] __attribute__((aligned(8)));
    enum { LARGE = 300000, SMALL = 300000 };
    const struct ct_stored *place = (const struct ct_stored *)(const void *)nothing;
    struct ct_deliveries own = {0};
    struct ct_message m;
    char id[16], (*ids)[16] = malloc(sizeof *ids * LARGE);
    uint64_t unmatched;
    (void)state;
    assert_non_null(ids);
    ct_message_init(&m);
    m.role = CT_ROLE_SYSTEM;
    m.event = (struct ct_event){.type = CT_EVENT_DELIVERY, .name = CT_SPAN_LIT("failed"), .scale_min = -1};
    ct_deliveries_begin(&own);
    for (int i = 0; i < LARGE; i++) {
        snprintf(ids[i], sizeof *ids, "%d", i);
        m.id = ct_span_of(ids[i]);
        assert_true(ct_deliveries_note(&own, place, &m));
    }
    for (int i = 0; i < SMALL; i++) {
        snprintf(id, sizeof id, "%d", i);
        m.id = ct_span_of(id);
        ct_deliveries_begin(&own);
        assert_true(ct_deliveries_note(&own, place, &m));
        (void)ct_deliveries_end(&own, &unmatched);
        assert_int_equal(unmatched, 1);
    }
    assert_true(own.slot_count < LARGE);
    ct_deliveries_done(&own);
    free(ids);
}

static int leave(void **state)
{
    ct_deliveries_done(&deliveries);
    heard_done(&heard);
    ct_pipeline_free(pipeline);
    ct_cost_model_free(model);
    return unload(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_order),
                                       cmocka_unit_test(names),
                                       cmocka_unit_test(many),
                                       cmocka_unit_test(fees),
                                       cmocka_unit_test(failed),
                                       cmocka_unit_test(late),
                                       cmocka_unit_test(alone),
                                       cmocka_unit_test(flood),
                                       cmocka_unit_test(flood_of_one_that_waits),
                                       cmocka_unit_test(after_a_large_one)};
    return cmocka_run_group_tests(tests, load, leave);
}
