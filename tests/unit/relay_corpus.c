/* The frame corpus through a relay between real sockets: what comes out is what went in, byte for byte, and what was
 * read is what was said. Plain, with TLS on either side, with an intake that takes nothing, with nothing read at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay_cases_http.h"
#include "relay_ends.h"

struct way {
    bool listen_tls, upstream_tls, unread;
    enum ct_status refuse;
    size_t piece;   /* bytes at a time; 0 = whole steps */
    size_t largest; /* cases with more bytes are left out */
    bool split;     /* once for every byte where one more cut is */
};
struct play {
    struct way way;
    struct seen *seen;
    int gateway_fd;
    char gateway[64];
    SSL_CTX *as_client, *as_gateway;
    struct papers papers;
    unsigned cases, plays;
};

static struct ct_relay *start(struct play *play, const struct wire_case *one)
{
    struct ct_error err = {0};
    struct ct_relay *relay;
    struct ct_relay_options options = {
        .source = "webchat",
        .listen = "127.0.0.1:0",
        .upstream = play->gateway,
        .listen_tls = play->way.listen_tls,
        .upstream_tls = play->way.upstream_tls,
        .listen_with = {.certificate = play->papers.certificate, .key = play->papers.key},
        .upstream_with = {.authorities = play->papers.certificate, .server_name = "gateway.test", .verify = true},
        .client_is = one->egress ? CT_DIRECTION_OUT : CT_DIRECTION_IN,
        .websocket = !play->way.unread,
        .events = !play->way.unread,
        .http = !play->way.unread,
        .message_max = one->message_max ? one->message_max : (size_t)20 << 20,
    };
    if (ct_relay_start(&options, &play->seen->intake, &relay, &err) != CT_OK)
        fail_msg("%s", err.text);
    return relay;
}

/* The client's half and the gateway's half of one connection through the relay. */
static void open_ends(struct play *play, struct ct_relay *relay, struct end *client, struct end *gateway)
{
    *client = (struct end){.fd = connect_to(ct_relay_address(relay))};
    *gateway = (struct end){.fd = accept_soon(play->gateway_fd)};
    assert_true(client->fd >= 0 && gateway->fd >= 0);
    if (play->way.listen_tls) {
        client->ssl = SSL_new(play->as_client);
        SSL_set_fd(client->ssl, client->fd);
        SSL_set_connect_state(client->ssl);
    }
    if (play->way.upstream_tls) {
        gateway->ssl = SSL_new(play->as_gateway);
        SSL_set_fd(gateway->ssl, gateway->fd);
        SSL_set_accept_state(gateway->ssl);
    }
    assert_true(ends_handshake(client, gateway));
}

static void play_once(struct play *play, const struct wire_case *one, struct ct_relay *relay, size_t piece,
                      size_t split)
{
    struct end client, gateway;
    struct wire_bytes sent[2] = {0};
    open_ends(play, relay, &client, &gateway);
    for (unsigned i = 0; i < one->step_count; i++) {
        const struct wire_step *step = &one->steps[i];
        struct end *from = step->client ? &client : &gateway, *to = step->client ? &gateway : &client;
        if (step->end) {
            end_shut(from);
            if (!end_until_over(to, from))
                fail_msg("\"%s\": the end does not come through", one->name);
            continue;
        }
        for (size_t at = 0; at < step->len;) {
            size_t len = step->len - at, here = step->at + at;
            if (piece && len > piece)
                len = piece;
            if (split > here && split < here + len)
                len = split - here;
            if (!end_pass(from, to, one->bytes.at + here, len))
                fail_msg("\"%s\": step %u does not come through", one->name, i);
            wire_add(&sent[step->client ? 0 : 1], one->bytes.at + here, len);
            at += len;
        }
    }
    end_shut(&client);
    assert_true(end_until_over(&gateway, &client));
    end_shut(&gateway);
    assert_true(end_until_over(&client, &gateway));
    if (gateway.got.len != sent[0].len || client.got.len != sent[1].len ||
        (sent[0].len && memcmp(gateway.got.at, sent[0].at, sent[0].len) != 0) ||
        (sent[1].len && memcmp(client.got.at, sent[1].at, sent[1].len) != 0) || client.reset || gateway.reset)
        fail_msg("\"%s\": other bytes came out", one->name);
    free(sent[0].at);
    free(sent[1].at);
    end_close(&client);
    end_close(&gateway);
    play->plays++;
}

static void run_case(const struct wire_case *one, void *context)
{
    struct play *play = context;
    if (one->bytes.len > play->way.largest)
        return;
    /* Of each kind a few: the readers alone are split everywhere (relay_eyes.c). */
    if (play->way.split && play->cases++ % 16 != 0)
        return;
    play->cases += play->way.split ? 0 : 1;
    seen_clear(play->seen);
    play->seen->refuse = play->way.refuse;
    struct ct_relay *relay = start(play, one);
    size_t times = play->way.split ? one->bytes.len : 1;
    for (size_t split = 0; split < times; split++)
        play_once(play, one, relay, play->way.piece, play->way.split ? split : SIZE_MAX);
    ct_relay_stop(relay, 10 * CT_USEC_PER_SECOND);
    if (play->way.split) {
        assert_int_equal(play->seen->count, times * one->said_count);
        assert_int_equal(seen_drops(play->seen, NULL), times * one->drop_count);
        return;
    }
    if (play->way.unread || play->way.refuse != CT_OK) {
        assert_int_equal(play->seen->count, 0);
        assert_int_equal(seen_drops(play->seen, NULL), play->way.unread ? 0 : one->drop_count + one->said_count);
        return;
    }
    const char *wrong = seen_differs(play->seen, one);
    if (wrong)
        fail_msg("\"%s\": %s", one->name, wrong);
}

static void play_all(struct way way, bool huge, unsigned least)
{
    struct play play = {.way = way, .seen = seen_new()};
    play.gateway_fd = gateway_listen(false, play.gateway, sizeof play.gateway);
    assert_true(play.gateway_fd >= 0);
    assert_true(papers_make(&play.papers, "DNS:gateway.test"));
    play.as_client = SSL_CTX_new(TLS_client_method());
    play.as_gateway = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(play.as_client, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_mode(play.as_gateway, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(play.as_gateway, play.papers.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(play.as_gateway, play.papers.key, SSL_FILETYPE_PEM), 1);
    wire_every(run_case, &play, huge);
    print_message("%u cases, %u connections\n", play.cases, play.plays);
    assert_true(play.cases >= least);
    papers_remove(&play.papers);
    SSL_CTX_free(play.as_client);
    SSL_CTX_free(play.as_gateway);
    close(play.gateway_fd);
    seen_free(play.seen);
}

static void whole(void **state)
{
    (void)state;
    play_all((struct way){.largest = SIZE_MAX}, true, 150);
}

static void byte_by_byte(void **state)
{
    (void)state;
    play_all((struct way){.largest = 800, .piece = 1}, false, 100);
}

static void split_at_every_byte(void **state)
{
    (void)state;
    play_all((struct way){.largest = 620, .split = true}, false, 8);
}

static void tls_both_sides(void **state)
{
    (void)state;
    play_all((struct way){.largest = SIZE_MAX, .listen_tls = true, .upstream_tls = true}, false, 150);
}

static void tls_to_the_client(void **state)
{
    (void)state;
    play_all((struct way){.largest = 100000, .listen_tls = true, .piece = 5000}, false, 100);
}

static void tls_to_the_gateway(void **state)
{
    (void)state;
    play_all((struct way){.largest = 100000, .upstream_tls = true, .piece = 5000}, false, 100);
}

static void an_intake_that_takes_nothing(void **state)
{
    (void)state;
    play_all((struct way){.largest = 2 << 20, .refuse = CT_IO}, false, 150);
}

static void nothing_read(void **state)
{
    (void)state;
    play_all((struct way){.largest = 2 << 20, .unread = true}, false, 150);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* OpenSSL's writes of the test's own ends */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(split_at_every_byte),
        cmocka_unit_test(tls_both_sides),
        cmocka_unit_test(tls_to_the_client),
        cmocka_unit_test(tls_to_the_gateway),
        cmocka_unit_test(an_intake_that_takes_nothing),
        cmocka_unit_test(nothing_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
