/* subscribe_talk.c - raw, ActionCable and Direct Line as scripts: what comes in, what is asked for. */
#include "tests/unit/scripted_talk.h"

#define IDENTIFIER "{\"channel\":\"RoomChannel\",\"pubsub_token\":\"t\"}"
#define QUOTED "\"{\\\"channel\\\":\\\"RoomChannel\\\",\\\"pubsub_token\\\":\\\"t\\\"}\""
#define EVENT "{\"identifier\":" QUOTED ",\"message\":{\"event\":\"message.created\",\"data\":{\"id\":1}}}"

static struct scripted s;

static void open_as(const struct ct_talk_kind *kind, const char *url, const char *identifier, const char *secret)
{
    struct ct_error err = {0};
    const struct ct_subscription subscription = {.url = url, .identifier = identifier, .secret = secret};
    assert_int_equal(scripted_open(&s, kind, subscription, &err), CT_OK);
    begin(&s);
}

static void refused(const struct ct_talk_kind *kind, const char *url, const char *identifier, const char *secret)
{
    struct ct_error err = {0};
    const struct ct_subscription subscription = {.url = url, .identifier = identifier, .secret = secret};
    assert_int_equal(scripted_open(&s, kind, subscription, &err), CT_BAD_CONFIG);
    assert_null(secret ? strstr(err.text, secret) : NULL);
}

/* ---- raw ---- */

static void test_raw(void **state)
{
    (void)state;
    open_as(&ct_talk_raw, "ws://a/b", "hello", "word");
    expect(&s, "open a /b by word\n");
    s.kind->opened(s.talk);
    expect(&s, "send hello\nready\n");
    text(&s, "{}");
    text(&s, "");
    text(&s, "anything");
    s.kind->binary(s.talk, CT_SPAN_LIT("\xc3\xb1"));
    s.kind->binary(s.talk, CT_SPAN_LIT("\xff"));
    expect(&s, "payload {}\npayload anything\npayload \xc3\xb1\ndrop subscription_binary\n");
    s.kind->closed(s.talk, 101);
    expect(&s, "lost: websocket: the connection ended\n");
    scripted_done(&s);
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *said;
    } rows[] = {{0, "lost: websocket: no answer\n"},
                {401, "refused: websocket: refused with status 401; is the secret right?\n"},
                {403, "refused: websocket: refused with status 403; is the secret right?\n"},
                {404, "refused: websocket: refused with status 404; is the URL right?\n"},
                {302, "refused: websocket: refused with status 302\n"},
                {429, "lost: websocket: refused with status 429\n"},
                {503, "lost: websocket: refused with status 503\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_as(&ct_talk_raw, "wss://a/", NULL, NULL);
        expect(&s, "open a /\n");
        s.kind->closed(s.talk, rows[i].status);
        expect(&s, rows[i].said);
        scripted_done(&s);
    }
}

/* ---- ActionCable ---- */

static void listen_to_cable(void)
{
    open_as(&ct_talk_actioncable, "wss://a/cable", IDENTIFIER, NULL);
    expect(&s, "open a /cable as actioncable-v1-json\n");
    s.kind->opened(s.talk);
    expect(&s, "");
    text(&s, "{\"type\":\"welcome\"}");
    expect(&s, "send {\"command\":\"subscribe\",\"identifier\":" QUOTED "}\n");
    text(&s, "{\"type\":\"ping\",\"message\":1}");
    text(&s, "{\"identifier\":" QUOTED ",\"type\":\"confirm_subscription\"}");
    expect(&s, "ready\n");
}

static void test_cable(void **state)
{
    (void)state;
    listen_to_cable();
    text(&s, EVENT);
    expect(&s, "payload " EVENT "\n");
    text(&s, "{\"type\":\"ping\",\"message\":1}");
    text(&s, "{\"type\":\"welcome\"}"); /* too late: nothing is sent twice */
    text(&s, "{\"type\":\"confirm_history\"}");
    text(&s, "");
    expect(&s, "drop subscription_unknown_frame\ndrop subscription_unknown_frame\n");
    text(&s, "garbage");
    text(&s, "[1]");
    text(&s, "{\"identifier\":\"x\",\"type\":\"disconnect\",\"message\":{}}"); /* broadcast, whatever it is called */
    expect(&s, "payload garbage\npayload [1]\npayload "
               "{\"identifier\":\"x\",\"type\":\"disconnect\",\"message\":{}}\n");
    s.kind->binary(s.talk, CT_SPAN_LIT("x"));
    expect(&s, "drop subscription_binary\n");
    s.kind->alarm(s.talk, CT_TALK_LIFE);
    expect(&s, "lost: actioncable: no ping in time\n");
    begin(&s);
    expect(&s, "open a /cable as actioncable-v1-json\n");
    s.kind->alarm(s.talk, CT_TALK_LIFE);
    expect(&s, "lost: actioncable: not opened in time\n");
    scripted_done(&s);
}

static void test_cable_ends(void **state)
{
    (void)state;
    static const struct {
        const char *frame, *said;
    } rows[] = {
        {"{\"type\":\"disconnect\",\"reason\":\"unauthorized\",\"reconnect\":false}",
         "ended: actioncable: disconnected (unauthorized); it asks not to come again\n"},
        {"{\"type\":\"disconnect\",\"reason\":\"server_restart\",\"reconnect\":true}",
         "lost: actioncable: disconnected (server_restart)\n"},
        {"{\"type\":\"disconnect\",\"reason\":\"level=error text=x\"}",
         "lost: actioncable: disconnected (for another reason)\n"},
        {"{\"type\":\"disconnect\",\"reason\":7,\"reconnect\":\"false\"}",
         "lost: actioncable: disconnected (for another reason)\n"},
        {"{\"type\":\"reject_subscription\",\"identifier\":\"x\"}",
         "refused: actioncable: the subscription is rejected; is the identifier right?\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        listen_to_cable();
        text(&s, rows[i].frame);
        expect(&s, rows[i].said);
        scripted_done(&s);
    }
}

static void test_cable_config(void **state)
{
    (void)state;
    refused(&ct_talk_actioncable, "ws://a", NULL, NULL);
    refused(&ct_talk_actioncable, "ws://a", "RoomChannel", NULL);
    refused(&ct_talk_actioncable, "ws://a", "{\"a\":1} x", NULL);
    refused(&ct_talk_actioncable, "ws://a", "[]", NULL);
}

/* ---- Direct Line ---- */

#define DL "https://dl.example/v3/directline"
#define STARTED                                                                                                        \
    "{\"conversationId\":\"c 1\",\"token\":\"t1\",\"expires_in\":1800,"                                                \
    "\"streamUrl\":\"wss://stream.example/c?t=x\"}"

static void start_direct(void)
{
    open_as(&ct_talk_directline, DL, NULL, "word");
    expect(&s, "ask POST /v3/directline/conversations by word\n");
    answer(&s, CT_TALK_ASK, 201,
           "{\"conversationId\":\"c1\",\"token\":\"t1\",\"expires_in\":1800,"
           "\"streamUrl\":\"wss://stream.example/c?t=x\"}");
    expect(&s, "open stream.example /c?t=x\n"); /* with no secret of ours */
    s.kind->opened(s.talk);
    expect(&s, "ready\n");
}

static void test_direct(void **state)
{
    (void)state;
    start_direct();
    text(&s, "");
    text(&s, "{\"activities\":[],\"watermark\":\"0\"}");
    expect(&s, "");
    text(&s, "{\"activities\":[{}],\"watermark\":\"7&x\"}");
    text(&s, "nonsense");
    expect(&s, "payload {\"activities\":[{}],\"watermark\":\"7&x\"}\npayload nonsense\n");
    s.kind->alarm(s.talk, CT_TALK_RENEW);
    expect(&s, "tell POST /v3/directline/tokens/refresh by t1\n");
    answer(&s, CT_TALK_TELL, 200, "{\"token\":\"t2\",\"expires_in\":1800}");
    s.kind->closed(s.talk, 101);
    expect(&s, "lost: directline: stream: the connection ended\n");
    begin(&s);
    expect(&s, "ask GET /v3/directline/conversations/c1?watermark=7%26x by t2\n");
    answer(&s, CT_TALK_ASK, 403, "{}"); /* the token is too old */
    expect(&s, "ask GET /v3/directline/conversations/c1?watermark=7%26x by word\n");
    answer(&s, CT_TALK_ASK, 200, "{\"conversationId\":\"c1\",\"streamUrl\":\"wss://s/d\"}");
    expect(&s, "open s /d\n");
    s.kind->closed(s.talk, 403);
    expect(&s, "lost: directline: the stream is refused\n");
    begin(&s);
    expect(&s, "ask GET /v3/directline/conversations/c1?watermark=7%26x by t2\n");
    answer(&s, CT_TALK_ASK, 404, "");
    expect(&s, "drop subscription_conversation_lost\nask POST /v3/directline/conversations by word\n");
    answer(&s, CT_TALK_ASK, 403, "");
    expect(&s, "refused: directline: refused with status 403; is the secret right?\n");
    scripted_done(&s);
}

static void test_direct_answers(void **state)
{
    (void)state;
    static const struct {
        const char *body, *said;
    } rows[] = {
        {"", "lost: directline: an answer that is not the API's\n"},
        {"[]", "lost: directline: an answer that is not the API's\n"},
        {"{\"conversationId\":\"c\"", "lost: directline: an answer that is not the API's\n"},
        {"{\"conversationId\":\"\xff\"}", "lost: directline: an answer that is not the API's\n"},
        {"{\"conversationId\":\"a\",\"conversationId\":\"b\"}", "lost: directline: an answer that is not the API's\n"},
        {"{\"conversationId\":\"c\"}", "lost: directline: an answer without conversationId or streamUrl\n"},
        {"{\"streamUrl\":\"wss://a/b\"}", "lost: directline: an answer without conversationId or streamUrl\n"},
        {"{\"conversationId\":\"c\",\"streamUrl\":\"file:///etc/passwd\"}",
         "lost: directline: an answer without conversationId or streamUrl\n"},
        {"{\"conversationId\":\"c\",\"streamUrl\":\"ws://a/b\"}",
         "refused: directline: a streamUrl without TLS is not opened\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_as(&ct_talk_directline, DL, NULL, "word");
        expect(&s, "ask POST /v3/directline/conversations by word\n");
        answer(&s, CT_TALK_ASK, 200, rows[i].body);
        expect(&s, rows[i].said);
        scripted_done(&s);
    }
    /* A token that would end the header is not taken: the secret is asked with. */
    open_as(&ct_talk_directline, DL, "old/../x", "word");
    expect(&s, "ask GET /v3/directline/conversations/old%2F..%2Fx by word\n");
    answer(&s, CT_TALK_ASK, 200, "{\"conversationId\":\"c1\",\"token\":\"a\\r\\nX: y\",\"streamUrl\":\"wss://a/b\"}");
    expect(&s, "open a /b\n");
    s.kind->alarm(s.talk, CT_TALK_LIFE);
    expect(&s, "lost: directline: no sign of life in time\n");
    begin(&s);
    expect(&s, "ask GET /v3/directline/conversations/c1 by word\n");
    answer(&s, CT_TALK_ASK, 401, "");
    expect(&s, "refused: directline: refused with status 401; is the secret right?\n");
    scripted_done(&s);
}

static void test_direct_config(void **state)
{
    (void)state;
    refused(&ct_talk_directline, DL, NULL, NULL);
    refused(&ct_talk_directline, DL "?x=1", NULL, "word");
}

/* ---- hostile ---- */

static void test_hostile(void **state)
{
    (void)state;
    static const char *const pieces[] = {"{\"type\":\"welcome\"}",
                                         "{\"type\":\"confirm_subscription\"}",
                                         "{\"type\":\"ping\",\"message\":1}",
                                         EVENT,
                                         STARTED,
                                         "{\"type\":\"disconnect\",\"reconnect\":false}",
                                         "{\"activities\":[{\"id\":\"1\"}],\"watermark\":\"12\"}",
                                         "[[[[[[[[[[[[[[[[",
                                         "{\"a\":{\"a\":{\"a\":{\"a\":",
                                         "\xc3\xb1"};
    static const struct ct_talk_kind *const kinds[] = {&ct_talk_raw, &ct_talk_actioncable, &ct_talk_directline};
    uint64_t seed = 20260301;
    char room[1024];
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        open_as(kinds[k], "wss://a/b", kinds[k] == &ct_talk_directline ? NULL : "{}", "w\x02rd");
        for (int i = 0; i < 20000; i++) {
            ct_span bytes = mangled(&seed, pieces, sizeof pieces / sizeof *pieces, room, sizeof room);
            char *copy = exact(bytes);
            ct_span own = {copy, bytes.len};
            uint32_t what = dice(&seed) % 16;
            if (s.over && what < 8)
                begin(&s);
            else if (what == 8)
                s.kind->opened(s.talk);
            else if (what == 9)
                s.kind->closed(s.talk, (int)(dice(&seed) % 600));
            else if (what == 10)
                s.kind->alarm(s.talk, (enum ct_talk_alarm)(dice(&seed) % CT_TALK_ALARMS));
            else if (what == 11 && s.kind->answer)
                s.kind->answer(s.talk, (enum ct_talk_request)(dice(&seed) % 2), (int)(dice(&seed) % 600), own);
            else if (what == 12 && s.kind->answer)
                s.kind->answer(s.talk, CT_TALK_ASK, 200, own);
            else if (what == 13)
                s.kind->binary(s.talk, own);
            else if (ct_utf8_valid(own, NULL))
                s.kind->text(s.talk, own);
            free(copy);
        }
        assert_true(s.payloads > 100);
        scripted_done(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_raw),
                                       cmocka_unit_test(test_statuses),
                                       cmocka_unit_test(test_cable),
                                       cmocka_unit_test(test_cable_ends),
                                       cmocka_unit_test(test_cable_config),
                                       cmocka_unit_test(test_direct),
                                       cmocka_unit_test(test_direct_answers),
                                       cmocka_unit_test(test_direct_config),
                                       cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
