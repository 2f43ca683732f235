/* The relay's readers alone: every case of relay_cases.h whole, split at every byte, and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/relay/extension.h"
#include "plugin/relay/eyes.h"
#include "relay_cases_http.h"
#include "relay_seen.h"

#define SMALL 700 /* bytes: up to here split at every byte */

struct way {
    size_t split; /* of all bytes of the case, where one more cut is; SIZE_MAX = none */
    size_t piece; /* pieces of at most so many; 0 = whole steps */
    bool rest;    /* rests after each piece */
};

static bool feed(struct ct_eyes **eyes, bool client, ct_span bytes)
{
    if (*eyes && !ct_eyes_feed(*eyes, client, bytes, 1)) {
        ct_eyes_free(*eyes);
        *eyes = NULL;
    }
    return *eyes != NULL;
}

static void play(const struct wire_case *one, struct seen *seen, const struct way *way)
{
    struct ct_eyes_counts counts = {0};
    struct ct_eyes_setup setup = {
        .source = CT_SPAN_LIT("webchat"),
        .client_is = one->egress ? CT_DIRECTION_OUT : CT_DIRECTION_IN,
        .websocket = true,
        .events = true,
        .http = true,
        .message_max = one->message_max ? one->message_max : (size_t)20 << 20,
        .head_max = (size_t)64 << 10,
        .intake = &seen->intake,
        .counts = &counts,
    };
    struct ct_eyes *eyes = ct_eyes_new(&setup, CT_SPAN_LIT("1-1"));
    assert_non_null(eyes);
    for (unsigned i = 0; i < one->step_count; i++) {
        const struct wire_step *step = &one->steps[i];
        if (step->end)
            feed(&eyes, step->client, CT_SPAN_NONE);
        for (size_t at = 0; at < step->len;) {
            size_t len = step->len - at, here = step->at + at;
            if (way->piece && len > way->piece)
                len = way->piece;
            if (way->split > here && way->split < here + len)
                len = way->split - here;
            feed(&eyes, step->client, (ct_span){one->bytes.at + here, len});
            if (way->rest && eyes)
                ct_eyes_rest(eyes);
            at += len;
        }
    }
    feed(&eyes, true, CT_SPAN_NONE);
    feed(&eyes, false, CT_SPAN_NONE);
    ct_eyes_free(eyes);
}

static void check(const struct wire_case *one, struct seen *seen, const struct way *way)
{
    seen_clear(seen);
    play(one, seen, way);
    const char *wrong = seen_differs(seen, one);
    if (wrong)
        fail_msg("\"%s\", split at %zu, pieces of %zu: %s", one->name, way->split, way->piece, wrong);
}

struct tally {
    struct seen *seen;
    unsigned cases, plays;
};

static void run_case(const struct wire_case *one, void *context)
{
    struct tally *tally = context;
    tally->cases++;
    check(one, tally->seen, &(struct way){SIZE_MAX, 0, false});
    check(one, tally->seen, &(struct way){SIZE_MAX, 0, true});
    check(one, tally->seen, &(struct way){SIZE_MAX, one->bytes.len > 200000 ? 4093 : 1, one->bytes.len < SMALL});
    check(one, tally->seen, &(struct way){SIZE_MAX, 7, false});
    for (size_t split = 1; one->bytes.len <= SMALL && split < one->bytes.len; split++, tally->plays++)
        check(one, tally->seen, &(struct way){split, 0, false});
}

static void every_case_however_it_is_cut(void **state)
{
    (void)state;
    struct tally tally = {seen_new(), 0, 0};
    wire_every(run_case, &tally, false);
    print_message("%u cases, %u splits\n", tally.cases, tally.plays);
    assert_true(tally.cases >= 150);
    seen_free(tally.seen);
}

/* The intake takes nothing: all is counted, by what it says. */
static void refused_case(const struct wire_case *one, void *context)
{
    struct seen *seen = context;
    static const struct {
        enum ct_status status;
        const char *reason;
    } refusals[] = {{CT_LIMIT, "relay_intake_full"}, {CT_IO, "relay_intake_failed"}, {CT_NO_MEMORY, "relay_no_memory"}};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        seen_clear(seen);
        seen->refuse = refusals[i].status;
        play(one, seen, &(struct way){SIZE_MAX, 0, false});
        assert_int_equal(seen->count, 0);
        if (seen_drops(seen, refusals[i].reason) != one->said_count)
            fail_msg("\"%s\": %s %d times", one->name, refusals[i].reason, (int)seen_drops(seen, refusals[i].reason));
    }
    seen->refuse = CT_OK;
}

static void an_intake_that_refuses_is_counted(void **state)
{
    (void)state;
    struct seen *seen = seen_new();
    wire_fragmented(refused_case, seen);
    wire_streams(refused_case, seen);
    seen_free(seen);
}

static void only_what_is_asked_for_is_read(void **state)
{
    (void)state;
    struct seen *seen = seen_new();
    static const char *const paths[] = {"/ws", "/v19.0/", NULL};
    static const struct {
        const char *path;
        bool read;
    } cases[] = {{"/ws", true},         {"/ws?x=1", true},       {"/ws/room", true}, {"/wsx", false},  {"/", false},
                 {"/v19.0/1/m", true},  {"/v19.0/", true},       {"/v19.0", false},  {"/x/ws", false}, {"*", false},
                 {"http://g/ws", true}, {"http://g/wsx", false}, {"http://g", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int http = 0; http < 2; http++) {
            struct ct_eyes_counts counts = {0};
            struct ct_eyes_setup setup = {.source = CT_SPAN_LIT("s"),
                                          .client_is = CT_DIRECTION_IN,
                                          .paths = paths,
                                          .http = http != 0,
                                          .message_max = 100,
                                          .head_max = 1000,
                                          .intake = &seen->intake,
                                          .counts = &counts};
            char request[200];
            int len =
                snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", cases[i].path);
            struct ct_eyes *eyes = ct_eyes_new(&setup, CT_SPAN_LIT("c"));
            seen_clear(seen);
            assert_true(ct_eyes_feed(eyes, true, (ct_span){request, (size_t)len}, 77));
            assert_int_equal(seen->count, cases[i].read && http);
            if (seen->count) {
                assert_string_equal(seen->entries[0].stream, "c");
                assert_string_equal(seen->entries[0].source, "s");
                assert_int_equal(seen->entries[0].at, 77);
            }
            ct_eyes_free(eyes);
            assert_int_equal(atomic_load(&counts.messages_in), seen->count);
            assert_int_equal(atomic_load(&counts.messages_out), 0);
        }
    }
    seen_free(seen);
}

static void bounds_hold(void **state)
{
    (void)state;
    struct seen *seen = seen_new();
    struct ct_eyes_counts counts = {0};
    struct ct_eyes_setup setup = {.client_is = CT_DIRECTION_OUT,
                                  .http = true,
                                  .message_max = 1000,
                                  .head_max = 1000,
                                  .intake = &seen->intake,
                                  .counts = &counts};
    /* Requests that nobody answers: their bodies are held up to twice the limit, their number is bounded. */
    struct ct_eyes *eyes = ct_eyes_new(&setup, CT_SPAN_LIT("c"));
    char request[1100];
    int head = snprintf(request, sizeof request, "POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n");
    memset(request + head, 'x', 900);
    bool reads = true;
    for (int i = 0; i < 70 && reads; i++)
        reads = ct_eyes_feed(eyes, true, (ct_span){request, (size_t)head + 900}, 1);
    assert_false(reads);
    ct_eyes_free(eyes);
    assert_int_equal(seen_drops(seen, "relay_pipeline_too_long"), 1);
    assert_int_equal(seen_drops(seen, "relay_unanswered"), 64);
    assert_int_equal(atomic_load(&counts.unread), 1);
    seen_clear(seen);
    /* More than a head before the answer to an upgrade. */
    eyes = ct_eyes_new(&setup, CT_SPAN_LIT("c"));
    assert_true(ct_eyes_feed(eyes, true, CT_SPAN_LIT(WIRE_UPGRADE), 1));
    assert_true(ct_eyes_feed(eyes, true, (ct_span){request, 900}, 1));
    assert_false(ct_eyes_feed(eyes, true, (ct_span){request, 900}, 1));
    ct_eyes_free(eyes);
    assert_int_equal(seen_drops(seen, "relay_too_early"), 1);
    seen_free(seen);
}

/* Lines of real protocols over WebSocket (Engine.IO, Socket.IO, SignalR, Phoenix), where the shared data is at hand. */
static void real_protocols(void **state)
{
    (void)state;
    static const char *const files[] = {"engineio_v4_polling_body.txt", "engineio_v4_polling_open.txt",
                                        "phoenix_v2_session.jsonl", "signalr_json_session.jsonl",
                                        "socketio_v5_packets.txt"};
    const char *shared = getenv("CT_SHARED");
    struct tally tally = {seen_new(), 0, 0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[1024], line[4096];
        snprintf(path, sizeof path, "%s/data/wire/ws_framing/%s", shared ? shared : CT_SOURCE_DIR "/../shared",
                 files[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        struct wire_case *one = wire_new("%s", files[i]);
        wire_upgrade(one, "permessage-deflate");
        for (bool client = false; one->said_count < 20 && fgets(line, sizeof line, file); client = !client) {
            wire_message(one, client, line);
            wire_packed_message(one, !client, line, strlen(line), true, 15, 1);
        }
        fclose(file);
        wire_close_both(one);
        wire_done(one, run_case, &tally);
    }
    unsigned cases = tally.cases;
    seen_free(tally.seen);
    if (cases == 0)
        skip();
}

static void extensions(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool good;
        struct ct_extension out;
    } cases[] = {
        {"", true, {false, true, true, 15, 15}},
        {"permessage-deflate", true, {true, true, true, 15, 15}},
        {" Permessage-Deflate ;\tserver_no_context_takeover", true, {true, true, false, 15, 15}},
        {"permessage-deflate;client_no_context_takeover;client_max_window_bits=\"9\"",
         true,
         {true, false, true, 9, 15}},
        {"permessage-deflate; server_max_window_bits = 8", true, {true, true, true, 15, 8}},
        {", permessage-deflate,", true, {true, true, true, 15, 15}},
        {"permessage-deflate; client_max_window_bits", false, {0}},
        {"permessage-deflate; server_max_window_bits=7", false, {0}},
        {"permessage-deflate; server_max_window_bits=016", false, {0}},
        {"permessage-deflate; server_no_context_takeover=1", false, {0}},
        {"permessage-deflate, permessage-deflate", false, {0}},
        {"x-webkit-deflate-frame", false, {0}},
        {"permessage-deflate;", false, {0}},
        {";", false, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ct_extension out;
        bool good = ct_extension_parse(ct_span_of(cases[i].header), &out);
        if (good != cases[i].good)
            fail_msg("\"%s\": %d", cases[i].header, good);
        if (!good)
            continue;
        assert_int_equal(out.deflate, cases[i].out.deflate);
        assert_int_equal(out.client_takeover, cases[i].out.client_takeover);
        assert_int_equal(out.server_takeover, cases[i].out.server_takeover);
        assert_int_equal(out.client_bits, cases[i].out.client_bits);
        assert_int_equal(out.server_bits, cases[i].out.server_bits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_however_it_is_cut),
        cmocka_unit_test(an_intake_that_refuses_is_counted),
        cmocka_unit_test(only_what_is_asked_for_is_read),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(extensions),
        cmocka_unit_test(real_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
