/* relay_stand.h - a relay between one client and one gateway, for a test to do things to. Include it after cmocka.h. */
#ifndef CT_RELAY_STAND_H
#define CT_RELAY_STAND_H

#include "relay_cases_http.h"
#include "relay_ends.h"

struct bench {
    struct seen *seen;
    struct ct_relay *relay;
    int listener;
    char gateway[160];
    struct end c, g; /* the client's and the gateway's end */
};

static inline struct ct_relay_options plain(const struct bench *bench)
{
    return (struct ct_relay_options){.source = "webchat",
                                     .listen = "127.0.0.1:0",
                                     .upstream = bench->gateway,
                                     .client_is = CT_DIRECTION_IN,
                                     .websocket = true,
                                     .events = true,
                                     .http = true};
}

static inline void open_bench(struct bench *bench)
{
    *bench = (struct bench){.seen = seen_new(), .c = {.fd = -1}, .g = {.fd = -1}};
    bench->listener = gateway_listen(false, bench->gateway, sizeof bench->gateway);
    assert_true(bench->listener >= 0);
}

static inline void start(struct bench *bench, const struct ct_relay_options *options)
{
    struct ct_error err = {0};
    if (ct_relay_start(options, &bench->seen->intake, &bench->relay, &err) != CT_OK)
        fail_msg("%s", err.text);
}

static inline void connect_ends(struct bench *bench)
{
    bench->c = (struct end){.fd = connect_to(ct_relay_address(bench->relay))};
    bench->g = (struct end){.fd = accept_soon(bench->listener)};
    assert_true(bench->c.fd >= 0 && bench->g.fd >= 0);
}

static inline void close_bench(struct bench *bench)
{
    if (bench->c.fd >= 0)
        end_close(&bench->c);
    if (bench->g.fd >= 0)
        end_close(&bench->g);
    ct_relay_stop(bench->relay, 10 * CT_USEC_PER_SECOND);
    if (bench->listener >= 0)
        close(bench->listener);
    seen_free(bench->seen);
}

static inline void pass(struct end *from, struct end *to, const char *text)
{
    assert_true(end_pass(from, to, text, strlen(text)));
}

static inline void wait_for_drop(struct bench *bench, const char *reason, uint64_t count)
{
    int64_t until = now_ms() + ENDS_TIMEOUT_MS;
    while (seen_drops(bench->seen, reason) < count && now_ms() < until)
        poll(NULL, 0, 2);
    if (seen_drops(bench->seen, reason) != count)
        fail_msg("%s: %d", reason, (int)seen_drops(bench->seen, reason));
}

static inline struct ct_relay_stats stats_of(struct bench *bench)
{
    struct ct_relay_stats stats;
    ct_relay_stats(bench->relay, &stats);
    return stats;
}

static inline void wait_until_open(struct bench *bench, uint64_t open)
{
    int64_t until = now_ms() + ENDS_TIMEOUT_MS;
    while (stats_of(bench).open != open && now_ms() < until)
        poll(NULL, 0, 2);
    assert_int_equal(stats_of(bench).open, open);
}

#endif
