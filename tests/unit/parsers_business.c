/* parsers_business.c - every example of docs/business-events.md is an event, of every type; and who does not want
 * events is told so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parsers/frame.h"

struct seen {
    size_t events, refusals;
    size_t of_type[CT_BUSINESS_COUNT];
    enum ct_business_type last;
    char reason[32], detail[200];
};

static enum ct_status on_message(void *context, const struct ct_message *message)
{
    (void)context;
    (void)message;
    fail_msg("a message came of a business event");
    return CT_OK;
}
static enum ct_status on_end(void *context, ct_span conversation_id)
{
    (void)context;
    (void)conversation_id;
    fail_msg("a conversation ended");
    return CT_OK;
}
static void on_refuse(void *context, const struct ct_refusal *refusal)
{
    struct seen *seen = context;
    seen->refusals++;
    (void)snprintf(seen->reason, sizeof seen->reason, "%s", refusal->reason);
    (void)snprintf(seen->detail, sizeof seen->detail, "%s", refusal->detail);
}
static enum ct_status on_business(void *context, const struct ct_business_event *event)
{
    struct seen *seen = context;
    seen->events++;
    seen->of_type[event->type]++;
    seen->last = event->type;
    return CT_OK;
}

static void feed(struct seen *seen, const char *parser_name, ct_span line, bool wanted)
{
    const struct ct_parser *parser = ct_parser_find(ct_span_of(parser_name));
    const struct ct_parse_out out = {seen, on_message, on_end, on_refuse, wanted ? on_business : NULL};
    const struct ct_parser_config config = {.source = CT_SPAN_LIT("events")};
    struct ct_error err = {0};
    struct ct_arena scratch;
    assert_non_null(parser);
    void *state = parser->open(&config, &err);
    assert_non_null(state);
    ct_arena_init(&scratch, 0, 1 << 20);
    for (struct ct_frame frame = {.line = 1}; line.len; frame.line++) {
        const char *cut = memchr(line.at, '\n', line.len);
        frame.bytes = (ct_span){line.at, cut ? (size_t)(cut - line.at) : line.len};
        line = cut ? (ct_span){cut + 1, line.len - frame.bytes.len - 1} : CT_SPAN_NONE;
        assert_int_equal(parser->record(state, &frame, &scratch, &out), CT_OK);
        frame.offset += frame.bytes.len + 1;
    }
    if (parser->finish) {
        assert_int_equal(parser->finish(state, &scratch, &out), CT_OK);
    }
    ct_arena_done(&scratch);
    parser->close(state);
}

static char *read_page(size_t *len)
{
    enum { ROOM = 1 << 18 };
    FILE *file = fopen(CT_SOURCE_DIR "/docs/business-events.md", "rb");
    char *text = malloc(ROOM);
    assert_non_null(file);
    assert_non_null(text);
    *len = fread(text, 1, ROOM - 1, file);
    assert_true(*len < ROOM - 1);
    text[*len] = '\0';
    (void)fclose(file);
    return text;
}

/* Under "### type" the next block of JSON is one event of that type. */
static void the_page_is_right(void **state)
{
    (void)state;
    size_t len;
    char *text = read_page(&len);
    struct seen all = {0};
    for (char *head = strstr(text, "\n### "); head; head = strstr(head, "\n### ")) {
        head += 5;
        enum ct_business_type type;
        ct_span name = {head, strcspn(head, "\n")};
        assert_true(ct_business_type_from(name, &type));
        char *next = strstr(head, "\n### "), *block = strstr(head, "```json\n");
        assert_true(block && (!next || block < next));
        block += 8;
        char *end = strstr(block, "\n```");
        assert_non_null(end);
        struct seen seen = {0};
        feed(&seen, "business", (ct_span){block, (size_t)(end - block)}, true);
        if (seen.refusals || seen.events != 1 || seen.last != type) {
            fail_msg("the example of %.*s: %s %s", (int)name.len, name.at, seen.reason, seen.detail);
        }
        ct_span example = {block, (size_t)(end - block)};
        assert_string_equal(ct_parser_detect(example)->name, "business");
        all.of_type[type]++;
        head = end;
    }
    for (unsigned type = 0; type < CT_BUSINESS_COUNT; type++) {
        if (all.of_type[type] != 1) {
            fail_msg("%s has %zu sections", ct_business_text_of((enum ct_business_type)type), all.of_type[type]);
        }
    }
    /* The table's example, too. */
    char *table = strstr(text, "```\nevent,at,");
    assert_non_null(table);
    table += 4;
    struct seen seen = {0};
    ct_span rows = {table, (size_t)(strstr(table, "\n```") - table)};
    feed(&seen, "business_csv", rows, true);
    assert_int_equal(seen.refusals, 0);
    assert_int_equal(seen.events, 2);
    assert_string_equal(ct_parser_detect(rows)->name, "business_csv");
    free(text);
}

static void unwanted_events_are_refused(void **state)
{
    (void)state;
    struct seen seen = {0};
    feed(&seen, "business", CT_SPAN_LIT("{\"event\":\"renewed\",\"user_id\":1,\"at\":\"2026-03-01\"}"), false);
    assert_int_equal(seen.refusals, 1);
    assert_string_equal(seen.reason, "business_events_unwanted");
    seen = (struct seen){0};
    feed(&seen, "business_csv", CT_SPAN_LIT("event,at,user_id\nrenewed,2026-03-01,1\nrenewed,2026-03-02,1\n"), false);
    assert_int_equal(seen.refusals, 2);
    assert_string_equal(seen.reason, "business_events_unwanted");
}

static bool detected(const char *text, const char *name)
{
    const struct ct_parser *parser = ct_parser_detect(ct_span_of(text));
    return parser ? strcmp(parser->name, name) == 0 : !*name;
}

static void is_told_from_transcripts(void **state)
{
    (void)state;
    assert_true(detected("{\"event\":\"renewed\",\"user_id\":1,\"at\":\"2026-03-01\"}\n", "business"));
    assert_true(detected("{\"at\":\"2026-03-01\",\"event\":\"renewed\"", "business"));
    assert_true(detected("[{\"at\":\"2026-03-01\",\"event\":\"renewed\"}]", "business"));
    assert_true(detected("{\"events\":[{\"at\":\"2026-03-01\",\"event\":\"renewed\"}]}", "business"));
    assert_true(detected("{\"conversation_id\":\"c\",\"role\":\"system\",\"event\":{\"type\":\"close\"},\"at\":1}\n",
                         "convtap"));
    assert_true(detected("{\"conversation_id\":\"c\",\"messages\":[{\"role\":\"user\",\"text\":\"a\"}]}", "convtap"));
    assert_true(detected("{\"event\":\"message_created\",\"message_type\":\"incoming\",\"content_type\":\"text\"}",
                         "chatwoot"));
    assert_true(detected("event,at,user_id\nrenewed,2026-03-01,1\n", "business_csv"));
    assert_true(detected("conversation_id,role,text,event\n1,user,hi,renewed\n", "csv"));
    assert_true(detected("date,type,customer,message\n2026-03-01,in,1,hi\n", "csv"));
}

/* With options the columns of a shop's own export are known. */
static void is_told_by_options(void **state)
{
    (void)state;
    const ct_span shop = CT_SPAN_LIT("Momento;Quien;Cuanto\n1/3/26;c-1;5\n");
    const ct_span chat = CT_SPAN_LIT("Momento;Quien;role;text\n1/3/26;c-1;user;hi\n");
    const struct ct_option_value values[] = {
        {CT_SPAN_LIT("event"), CT_SPAN_LIT("purchase")},
        {CT_SPAN_LIT("columns"), CT_SPAN_LIT("at=Momento,user_id=Quien,amount=Cuanto")},
        {CT_SPAN_LIT("zone"), CT_SPAN_LIT("Europe/Madrid")}};
    const struct ct_parser_config config = {.options = values, .option_count = 3};
    assert_string_equal(ct_parser_detect_as(&config, shop)->name, "business_csv");
    assert_string_equal(ct_parser_detect_as(&config, chat)->name, "csv");
    const struct ct_parser *guess = ct_parser_detect(shop);
    assert_true(!guess || strcmp(guess->name, "business_csv") != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_right),
        cmocka_unit_test(unwanted_events_are_refused),
        cmocka_unit_test(is_told_from_transcripts),
        cmocka_unit_test(is_told_by_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
