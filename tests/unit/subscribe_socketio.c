/* subscribe_socketio.c - Engine.IO 4 and Socket.IO 5 as scripts: polling, probe, WebSocket alone, refusals, nonsense.
 */
#include "tests/unit/scripted_talk.h"

#define URL "https://a/socket.io/"
#define OPEN "0{\"sid\":\"s/1\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000}"
#define OPEN_ONLY "0{\"sid\":\"s1\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1}"
#define POLL "/socket.io/?EIO=4&transport=polling"
#define SOCKET "/socket.io/?EIO=4&transport=websocket"

static struct scripted s;

static void open_as(const char *url, const char *identifier, const char *secret)
{
    struct ct_error err = {0};
    const struct ct_subscription subscription = {.url = url, .identifier = identifier, .secret = secret};
    assert_int_equal(scripted_open(&s, &ct_talk_socketio, subscription, &err), CT_OK);
    begin(&s);
}

static void on_socket(void)
{
    open_as(URL, NULL, NULL);
    expect(&s, "ask GET " POLL "\n");
    answer(&s, CT_TALK_ASK, 200, OPEN);
    expect(&s, "open a " SOCKET "&sid=s%2F1\n");
    s.kind->opened(s.talk);
    expect(&s, "send 2probe\n");
    text(&s, "6");
    text(&s, "3probe");
    expect(&s, "send 5\nsend 40\n");
    text(&s, "40{\"sid\":\"x\"}");
    expect(&s, "ready\n");
}

static void test_upgrade(void **state)
{
    (void)state;
    on_socket();
    text(&s, "2");
    text(&s, "2abc");
    expect(&s, "send 3\nsend 3abc\n");
    text(&s, "42[\"bot_uttered\",{\"text\":\"hola\"}]");
    text(&s, "4217[\"bot_uttered\",{}]"); /* who asks for an acknowledgement gets none of a listener */
    text(&s, "42/,[\"a\"]");
    expect(&s,
           "payload 42[\"bot_uttered\",{\"text\":\"hola\"}]\npayload 4217[\"bot_uttered\",{}]\npayload 42/,[\"a\"]\n");
    text(&s, "42/other,[\"a\"]");
    text(&s, "431[]");
    text(&s, "452-[\"p\",{\"_placeholder\":true,\"num\":0}]");
    s.kind->binary(s.talk, CT_SPAN_LIT("1"));
    s.kind->binary(s.talk, CT_SPAN_LIT("2"));
    expect(&s, "drop subscription_other_namespace\ndrop subscription_binary\n");
    s.kind->binary(s.talk, CT_SPAN_LIT("3"));
    expect(&s, "drop subscription_binary\n");
    s.kind->alarm(s.talk, CT_TALK_LIFE);
    expect(&s, "lost: socketio: no ping in time\n");
    begin(&s); /* a session of its own: the old sid is forgotten */
    expect(&s, "ask GET " POLL "\n");
    scripted_done(&s);
}

static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *packet, *said;
    } rows[] = {{"41", "lost: socketio: the gateway ended the namespace\n"},
                {"41/other,", ""},
                {"1", "lost: socketio: the gateway ended the session\n"},
                {"44{\"message\":\"secret words\"}",
                 "refused: socketio: the namespace is refused; are identifier and secret right?\n"},
                {"0{\"sid\":\"again\"}", "lost: socketio: an opening that is not Engine.IO's\n"},
                {"", ""},
                {"4", "drop subscription_bad_packet\n"},
                {"47", "drop subscription_bad_packet\n"},
                {"4x", "drop subscription_bad_packet\n"},
                {"45", "drop subscription_bad_packet\n"},
                {"45-[]", "drop subscription_bad_packet\n"},
                {"4599999999999999999999-[]", "drop subscription_bad_packet\n"},
                {"46-", "drop subscription_bad_packet\n"},
                {"7", "drop subscription_bad_packet\n"},
                {"hello", "drop subscription_bad_packet\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        on_socket();
        text(&s, rows[i].packet);
        expect(&s, rows[i].said);
        scripted_done(&s);
    }
}

static void test_polling(void **state)
{
    (void)state;
    open_as("http://a", "/support", "word"); /* the path that is usual */
    expect(&s, "ask GET " POLL " by word\n");
    answer(&s, CT_TALK_ASK, 200, OPEN_ONLY);
    expect(&s, "tell POST " POLL "&sid=s1 by word 40/support,{\"token\":\"word\"}\n"
               "ask GET " POLL "&sid=s1 by word\n");
    answer(&s, CT_TALK_ASK, 200,
           "2\x1e"
           "40/support,{\"sid\":\"x\"}\x1e"
           "42/support,[\"a\"]\x1e"
           "451-/support,[\"b\"]\x1e"
           "bAAAA\x1e\x1e"
           "42[\"c\"]");
    expect(&s, "ready\npayload 42/support,[\"a\"]\ndrop subscription_binary\ndrop subscription_other_namespace\n"
               "ask GET " POLL "&sid=s1 by word\n"); /* the pong waits for the first POST */
    answer(&s, CT_TALK_ASK, 200, "2");
    expect(&s, "ask GET " POLL "&sid=s1 by word\n");
    answer(&s, CT_TALK_TELL, 200, "ok");
    expect(&s, "tell POST " POLL "&sid=s1 by word 3\x1e"
               "3\n");
    answer(&s, CT_TALK_TELL, 200, "ok");
    expect(&s, "");
    answer(&s, CT_TALK_ASK, 200,
           "\xff\x1e"
           "42/support,[\"d\"]\x1e"
           "1\x1e"
           "42/support,[\"late\"]");
    expect(&s,
           "drop subscription_not_utf8\npayload 42/support,[\"d\"]\nlost: socketio: the gateway ended the session\n");
    scripted_done(&s);
}

static void test_upgrade_refused(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        open_as(URL, NULL, NULL);
        answer(&s, CT_TALK_ASK, 200, OPEN);
        s.len = 0;
        if (how == 0) {
            s.kind->closed(s.talk, 400);
        } else if (how == 1) {
            s.kind->alarm(s.talk, CT_TALK_LIFE);
        } else {
            s.kind->opened(s.talk);
            s.kind->closed(s.talk, 101);
        }
        expect(&s, how < 2 ? "hang_up\ntell POST " POLL "&sid=s%2F1 40\nask GET " POLL "&sid=s%2F1\n"
                           : "send 2probe\nhang_up\ntell POST " POLL "&sid=s%2F1 40\nask GET " POLL "&sid=s%2F1\n");
        answer(&s, CT_TALK_ASK, how == 0 ? 400 : how == 1 ? 0 : 502, "");
        expect(&s, how == 0   ? "lost: socketio: the session is gone\n"
                   : how == 1 ? "lost: socketio: polling: no answer\n"
                              : "lost: socketio: polling: refused with status 502\n");
        scripted_done(&s);
    }
}

static void test_straight(void **state)
{
    (void)state;
    open_as(URL, NULL, "{\"key\":\"k\"}");
    expect(&s, "ask GET " POLL "\n"); /* what is for the namespace is no bearer */
    answer(&s, CT_TALK_ASK, 400, "{\"code\":0}");
    expect(&s, "open a " SOCKET "\n");
    s.kind->opened(s.talk);
    expect(&s, "");
    text(&s, OPEN_ONLY);
    expect(&s, "send 40{\"key\":\"k\"}\n");
    s.kind->alarm(s.talk, CT_TALK_RENEW);
    expect(&s, "lost: socketio: the namespace is not confirmed in time\n");
    begin(&s);
    answer(&s, CT_TALK_ASK, 404, "");
    s.len = 0;
    s.kind->closed(s.talk, 404);
    expect(&s, "refused: socketio: websocket: refused with status 404; is the URL right?\n");
    scripted_done(&s);
}

static void test_handshakes(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body, *said;
    } rows[] = {
        {0, "", "lost: socketio: no answer\n"},
        {401, "", "refused: socketio: refused with status 401; is the secret right?\n"},
        {429, "", "lost: socketio: refused with status 429\n"},
        {502, "", "lost: socketio: refused with status 502\n"},
        {200, "", "lost: socketio: an opening that is not Engine.IO's\n"},
        {200, "<html>", "lost: socketio: an opening that is not Engine.IO's\n"},
        {200, "0", "lost: socketio: an opening that is not Engine.IO's\n"},
        {200, "0{\"sid\":\"\"}", "lost: socketio: an opening that is not Engine.IO's\n"},
        {200, "0{\"sid\":7}", "lost: socketio: an opening that is not Engine.IO's\n"},
        {200, "0{\"sid\":\"a\",\"sid\":\"b\"}", "lost: socketio: an opening that is not Engine.IO's\n"},
        {200, "0{\"sid\":\"\xff\"}", "lost: socketio: an opening that is not Engine.IO's\n"},
        {200, "97:0{\"sid\":\"x\"}2:40", "refused: socketio: the gateway speaks Engine.IO 3, version 4 is due\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_as(URL, NULL, NULL);
        s.len = 0;
        answer(&s, CT_TALK_ASK, rows[i].status, rows[i].body);
        expect(&s, rows[i].said);
        scripted_done(&s);
    }
}

static void test_config(void **state)
{
    (void)state;
    struct ct_error err = {0};
    static const char *const names[] = {"/a,b", "/a?b", "/a b", "/a\nb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(
            scripted_open(&s, &ct_talk_socketio, (struct ct_subscription){.url = URL, .identifier = names[i]}, &err),
            CT_BAD_CONFIG);
    assert_int_equal(
        scripted_open(&s, &ct_talk_socketio, (struct ct_subscription){.url = URL, .secret = "{\"a\":"}, &err),
        CT_BAD_CONFIG);
}

static void test_hostile(void **state)
{
    (void)state;
    static const char *const pieces[] = {OPEN,
                                         OPEN_ONLY,
                                         "2",
                                         "3probe",
                                         "40",
                                         "42[\"bot_uttered\",{\"text\":\"hola\"}]",
                                         "42/x,7[\"a\"]",
                                         "452-[\"b\"]",
                                         "bAAAA",
                                         "\x1e",
                                         "41",
                                         "1",
                                         "6",
                                         "2probe\x1e"
                                         "2\x1e"
                                         "2",
                                         "44{}",
                                         "43[]",
                                         "461-[]"};
    uint64_t seed = 7;
    char room[2048];
    open_as(URL, "/x", "{\"k\":1}");
    for (int i = 0; i < 60000; i++) {
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
        else if (what < 13)
            s.kind->answer(s.talk, (enum ct_talk_request)(dice(&seed) % 2), dice(&seed) % 4 ? 200 : 404, own);
        else if (what == 13)
            s.kind->binary(s.talk, own);
        else if (ct_utf8_valid(own, NULL))
            s.kind->text(s.talk, own);
        free(copy);
    }
    assert_true(s.payloads > 100);
    scripted_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_upgrade),  cmocka_unit_test(test_ends),
                                       cmocka_unit_test(test_polling),  cmocka_unit_test(test_upgrade_refused),
                                       cmocka_unit_test(test_straight), cmocka_unit_test(test_handshakes),
                                       cmocka_unit_test(test_config),   cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
