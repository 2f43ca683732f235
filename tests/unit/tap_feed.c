/* The feed: business events beside the messages. Whose they are, in what order they come, what becomes of those that
 * nobody wants, that are too long, or that whoever keeps them cannot take.
 */
#include "flow.h"

#include "plugin/tap/feed.h"

static struct ct_feed_source sources[2];
static struct ct_setup one_setup;

static enum ct_status open_setup(void *context, ct_span packed, struct ct_feed_setup *out, struct ct_error *err)
{
    (void)context;
    (void)packed;
    (void)err;
    one_setup = make_setup("A");
    sources[0] = (struct ct_feed_source){.name = CT_SPAN_LIT("crm"), .parser = ct_parser_find(CT_SPAN_LIT("business"))};
    sources[1] = (struct ct_feed_source){.name = CT_SPAN_LIT("shop"),
                                         .parser = sources[0].parser,
                                         .tenant = CT_SPAN_LIT("shop"),
                                         .channel = CT_SPAN_LIT("x")};
    *out =
        (struct ct_feed_setup){.setup = &one_setup, .sources = sources, .source_count = 2, .max_record_bytes = 1 << 20};
    return CT_OK;
}

/* What came out, in order: "customer_won:shop/u@0 ". */
static struct {
    char all[2000];
    char drops[400];
    size_t fail_after; /* events until CT_IO; 0 = never */
} got;

static void on_drop(void *context, const char *reason, uint64_t count)
{
    (void)context;
    size_t len = strlen(got.drops);
    snprintf(got.drops + len, sizeof got.drops - len, "%s:%llu ", reason, (unsigned long long)count);
}

static enum ct_status on_business(void *context, const struct ct_business *event)
{
    (void)context;
    ct_span tenant = ct_business_text(event, CT_BUSINESS_TENANT), user = ct_business_text(event, CT_BUSINESS_USER_ID);
    size_t len = strlen(got.all);
    if (got.fail_after && --got.fail_after == 0) {
        return CT_IO;
    }
    assert_int_equal(event->customer_hash, user.len ? ct_customer_hash(tenant, user) : 0);
    snprintf(got.all + len, sizeof got.all - len, "%s:%.*s/%.*s@%lld ",
             ct_business_text_of((enum ct_business_type)event->type), (int)tenant.len, tenant.at, (int)user.len,
             user.at, (long long)((event->at - T0) / CT_USEC_PER_SECOND));
    return CT_OK;
}

static enum ct_status on_publish(void *context, const struct ct_published *published)
{
    (void)context;
    size_t len = strlen(got.all);
    snprintf(got.all + len, sizeof got.all - len, "conversation:%u ", published->record->message_count);
    return CT_OK;
}

struct bench {
    struct ct_pipeline *pipeline;
    struct ct_feed *feed;
    uint64_t position;
};

static struct bench begin(bool wanted)
{
    const struct ct_pipeline_sink pipeline_sink = {.context = NULL, .publish = on_publish, .drop = on_drop};
    const struct ct_feed_setups setups = {NULL, open_setup};
    const struct ct_feed_sink sink = {NULL, on_drop, wanted ? on_business : NULL};
    struct bench bench = {.pipeline = ct_pipeline_new(&pipeline_sink, NULL)};
    memset(&got, 0, sizeof got);
    bench.feed = ct_feed_new(bench.pipeline, &setups, &sink);
    assert_non_null(bench.feed);
    const struct ct_tape_entry setup = {.kind = CT_TAPE_SETUP, .at = AT(0), .bytes = CT_SPAN_LIT("A")};
    struct ct_error err = {0};
    assert_int_equal(ct_feed_frame(bench.feed, &setup, bench.position++, NULL, &err), CT_OK);
    return bench;
}

static void finish(struct bench *bench)
{
    ct_feed_free(bench->feed);
    ct_pipeline_free(bench->pipeline);
}

/* The number of messages that came out of it. */
static uint64_t feed_as(struct bench *bench, const char *source, const char *format, int second, const char *bytes,
                        enum ct_status status)
{
    const struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                        .at = AT(second),
                                        .source = ct_span_of(source),
                                        .format = ct_span_of(format),
                                        .bytes = ct_span_of(bytes)};
    struct ct_error err = {0};
    uint64_t messages = 0;
    assert_int_equal(ct_feed_frame(bench->feed, &entry, bench->position++, &messages, &err), status);
    return messages;
}

#define WON(more) "{\"event\":\"customer_won\",\"user_id\":\"u\"" more "}"

static void whose_they_are(void **state)
{
    (void)state;
    struct bench bench = begin(true);
    assert_int_equal(feed_as(&bench, "crm", "", 1, WON(",\"at\":\"2026-03-01T00:00:07Z\""), CT_OK), 0);
    (void)feed_as(&bench, "shop", "", 2, WON(",\"at\":\"2026-03-01T00:00:08Z\""), CT_OK); /* the source's tenant, */
    (void)feed_as(&bench, "shop", "", 3, WON(",\"at\":\"2026-03-01T00:00:09Z\",\"tenant\":\"t\""),
                  CT_OK);                                /* if none is said */
    (void)feed_as(&bench, "crm", "", 4, WON(""), CT_OK); /* without a time: when it came */
    (void)feed_as(&bench, "other", "business", 5, "{\"event\":\"customer_base\",\"count\":9}", CT_OK);
    (void)feed_as(&bench, "other", "", 6, WON(",\"at\":\"2026-03-01T00:00:10Z\""), CT_OK); /* told from the content */
    assert_string_equal(got.all, "customer_won:/u@7 customer_won:shop/u@8 customer_won:t/u@9 customer_won:/u@4 "
                                 "customer_base:/@5 customer_won:/u@10 ");
    assert_string_equal(got.drops, "");
    finish(&bench);
}

/* What the platform says of a message is in no count of messages. */
static void deliveries_are_no_messages(void **state)
{
    (void)state;
    struct bench bench = begin(true);
    struct ct_pipeline_stats stats;
    assert_int_equal(feed_as(&bench, "other", "convtap", 1,
                             "{\"conversation_id\":\"c\",\"id\":\"m\",\"role\":\"bot\",\"text\":\"Hello\"}", CT_OK),
                     1);
    assert_int_equal(feed_as(&bench, "other", "convtap", 2,
                             "{\"conversation_id\":\"c\",\"id\":\"m\",\"event\":{\"type\":\"delivery\",\"status\":"
                             "\"delivered\"}}",
                             CT_OK),
                     0);
    ct_pipeline_stats(bench.pipeline, &stats);
    assert_int_equal(stats.messages, 1);
    assert_string_equal(got.drops, "");
    finish(&bench);
}

/* What time closed comes before, what comes of a later message after. */
static void in_the_order_of_the_tape(void **state)
{
    (void)state;
    struct bench bench = begin(true);
    static const char talk_line[] = "{\"conversation_id\":\"c\",\"role\":\"user\",\"text\":\"hola\"}";
    static const char whole[] = "{\"conversation_id\":\"d\",\"messages\":[{\"role\":\"user\",\"text\":\"hola\"}]}";
    assert_int_equal(feed_as(&bench, "web", "convtap", 0, talk_line, CT_OK), 1);
    (void)feed_as(&bench, "crm", "", 1, WON("") "\n" WON(",\"id\":\"2\""), CT_OK);
    (void)feed_as(&bench, "crm", "", 3 * HOUR, WON(""), CT_OK); /* the silence of c is over */
    assert_int_equal(feed_as(&bench, "web", "convtap", 3 * HOUR, whole, CT_OK), 1);
    assert_string_equal(got.all,
                        "customer_won:/u@1 customer_won:/u@1 conversation:1 customer_won:/u@10800 conversation:1 ");
    finish(&bench);
}

/* Marks of a restart are about conversations: events go on. */
static void marks_do_not_hold_them_back(void **state)
{
    (void)state;
    struct bench bench = begin(true);
    const struct ct_open_mark none = {0};
    ct_pipeline_resume(bench.pipeline, &none, 0);
    (void)feed_as(&bench, "crm", "", 1, WON(""), CT_OK);
    ct_pipeline_resume(bench.pipeline, NULL, 0);
    assert_string_equal(got.all, "customer_won:/u@1 ");
    finish(&bench);
}

static void what_is_not_taken(void **state)
{
    (void)state;
    struct bench bench = begin(true);
    char *longest = malloc(80000);
    int len = snprintf(longest, 80000, "{\"event\":\"feedback\",\"user_id\":\"u\",\"text\":\"");
    memset(longest + len, 'x', 70000);
    snprintf(longest + len + 70000, 10, "\"}");
    (void)feed_as(&bench, "crm", "", 1, longest, CT_OK);
    (void)feed_as(&bench, "crm", "", 1,
                  "{\"event\":\"moved_house\",\"user_id\":\"u\"}\n" WON("") "\n{\"event\":", CT_OK);
    assert_string_equal(got.all, "customer_won:/u@1 ");
    assert_string_equal(got.drops, "record_too_long:1 unknown_event:1 truncated:1 ");
    free(longest);
    finish(&bench);
    bench = begin(false); /* nobody wants any */
    (void)feed_as(&bench, "crm", "", 1, WON("") "\n" WON(""), CT_OK);
    assert_string_equal(got.all, "");
    assert_string_equal(got.drops, "business_events_unwanted:1 business_events_unwanted:1 ");
    finish(&bench);
}

/* A disk that is full is no matter of the bytes: the frame ends with it, and is fed again later. */
static void who_keeps_them_may_fail(void **state)
{
    (void)state;
    struct bench bench = begin(true);
    got.fail_after = 2;
    (void)feed_as(&bench, "crm", "", 1, WON("") "\n" WON(",\"id\":\"2\"") "\n" WON(",\"id\":\"3\""), CT_IO);
    assert_string_equal(got.all, "customer_won:/u@1 ");
    assert_string_equal(got.drops, "");
    finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_they_are),           cmocka_unit_test(deliveries_are_no_messages),
        cmocka_unit_test(in_the_order_of_the_tape), cmocka_unit_test(marks_do_not_hold_them_back),
        cmocka_unit_test(what_is_not_taken),        cmocka_unit_test(who_keeps_them_may_fail)};
    return cmocka_run_group_tests(tests, load, unload);
}
