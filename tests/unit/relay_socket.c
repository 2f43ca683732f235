/* A relay between real sockets when things go wrong or slow: backpressure, half-close, resets, nobody there, no room,
 * stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay_stand.h"

#include <sys/resource.h>
#include <sys/stat.h>

/* ---- slow -------------------------------------------------------------------------------- */

/* A sender that meets a reader who does not read has to stop, and all arrives when the reader goes on. */
static void backpressure(void **state)
{
    (void)state;
    for (int from_client = 0; from_client < 2; from_client++) {
        struct bench bench;
        open_bench(&bench);
        struct ct_relay_options options = plain(&bench);
        options.buffer_bytes = 100000;
        start(&bench, &options);
        connect_ends(&bench);
        struct end *from = from_client ? &bench.c : &bench.g, *to = from_client ? &bench.g : &bench.c;
        struct wire_bytes text = wire_text(1 << 20);
        size_t sent = 0, quiet = 0;
        /* Without reading, until nothing is taken for a while: the kernel's buffers and ours are full. */
        while (quiet < 30 && sent < (size_t)100 << 20) {
            ssize_t n = send(from->fd, text.at + sent % text.len, text.len - sent % text.len, MSG_NOSIGNAL);
            if (n > 0) {
                sent += (size_t)n;
                quiet = 0;
            } else {
                poll(NULL, 0, 10);
                quiet++;
            }
        }
        struct ct_relay_stats stats = stats_of(&bench);
        uint64_t taken = from_client ? stats.bytes_in : stats.bytes_out;
        assert_true(sent < (size_t)64 << 20); /* a kernel's buffers, not ours */
        assert_true(taken < sent);
        /* And the other direction goes on meanwhile. */
        pass(to, from, "still here");
        size_t due = sent;
        int64_t until = now_ms() + ENDS_TIMEOUT_MS;
        while (to->got.len < due && now_ms() < until)
            end_wait(to, from, false);
        assert_int_equal(to->got.len, due);
        for (size_t at = 0; at < due; at += text.len)
            assert_memory_equal(to->got.at + at, text.at, due - at < text.len ? due - at : text.len);
        free(text.at);
        close_bench(&bench);
    }
}

static size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    char line[200] = "";
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    char *rest;
    (void)strtoul(line, &rest, 10);
    return strtoul(rest, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Many slow readers of a gateway that pours: the relay holds at most its buffers. */
static void memory_is_bounded(void **state)
{
    (void)state;
    enum { LINKS = 20 };
    struct bench bench;
    struct end clients[LINKS], gateways[LINKS];
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    options.buffer_bytes = 50000;
    start(&bench, &options);
    size_t before = resident_bytes();
    static char pour[65536];
    for (int i = 0; i < LINKS; i++) {
        connect_ends(&bench);
        clients[i] = bench.c;
        gateways[i] = bench.g;
    }
    for (int quiet = 0, sent = 0; quiet < 20; sent = 0) {
        for (int i = 0; i < LINKS; i++)
            sent += end_give(&gateways[i], pour, sizeof pour) > 0;
        quiet = sent ? 0 : quiet + 1;
        if (!sent)
            poll(NULL, 0, 5);
    }
    size_t after = resident_bytes();
    size_t most = (size_t)LINKS * (options.buffer_bytes + 20000) + ((size_t)4 << 20);
#ifdef __SANITIZE_THREAD__
    most *= 4; /* its shadow of our memory */
#endif
    if (after > before + most)
        fail_msg("%zu bytes more than before, %zu are due", after - before, most);
    for (int i = 0; i < LINKS; i++) {
        end_close(&clients[i]);
        end_close(&gateways[i]);
    }
    bench.c.fd = bench.g.fd = -1;
    close_bench(&bench);
}

/* ---- ends -------------------------------------------------------------------------------- */

static void half_close_is_passed_on(void **state)
{
    (void)state;
    for (int client_first = 0; client_first < 2; client_first++) {
        struct bench bench;
        open_bench(&bench);
        struct ct_relay_options options = plain(&bench);
        start(&bench, &options);
        connect_ends(&bench);
        struct end *a = client_first ? &bench.c : &bench.g, *b = client_first ? &bench.g : &bench.c;
        pass(a, b, "GET / HTTP/1.0\r\n\r\n");
        end_shut(a);
        assert_true(end_until_over(b, a));
        assert_false(b->reset);
        pass(b, a, "the other direction is open");
        poll(NULL, 0, 20);
        pass(b, a, "and stays it");
        assert_false(a->over);
        end_shut(b);
        assert_true(end_until_over(a, b));
        assert_false(a->reset);
        wait_until_open(&bench, 0);
        close_bench(&bench);
    }
}

static void a_reset_is_passed_on(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        struct bench bench;
        open_bench(&bench);
        struct ct_relay_options options = plain(&bench);
        start(&bench, &options);
        connect_ends(&bench);
        pass(&bench.c, &bench.g, "hello");
        pass(&bench.g, &bench.c, "hello");
        struct end *a = client ? &bench.c : &bench.g, *b = client ? &bench.g : &bench.c;
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(a->fd);
        a->fd = -1;
        a->over = true;
        assert_true(end_until_over(b, a));
        assert_true(b->reset);
        wait_until_open(&bench, 0);
        free(a->got.at);
        close_bench(&bench);
    }
}

/* The gateway answers and resets at once: the answer still arrives. */
static void what_came_before_a_reset_arrives(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    start(&bench, &options);
    for (int i = 0; i < 20; i++) {
        connect_ends(&bench);
        pass(&bench.c, &bench.g, "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
        assert_int_equal(end_give(&bench.c, "more that is never read", 23), 23);
        assert_int_equal(end_give(&bench.g, "HTTP/1.1 413 No\r\n\r\n", 19), 19);
        end_shut(&bench.g);
        poll(NULL, 0, 2);
        close(bench.g.fd); /* with bytes unread: a reset */
        bench.g.fd = -1;
        bench.g.over = true;
        assert_true(end_until_over(&bench.c, &bench.g));
        assert_int_equal(bench.c.got.len, 19);
        end_close(&bench.c);
        free(bench.g.got.at);
        wait_until_open(&bench, 0);
    }
    close_bench(&bench);
}

/* ---- nobody there ------------------------------------------------------------------------ */

static void nobody_listens(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    close(bench.listener);
    bench.listener = -1;
    start(&bench, &options);
    for (uint64_t i = 1; i <= 5; i++) {
        bench.c = (struct end){.fd = connect_to(ct_relay_address(bench.relay))};
        struct end none = {.fd = -1, .over = true};
        assert_true(end_until_over(&bench.c, &none));
        assert_int_equal(bench.c.got.len, 0);
        end_close(&bench.c);
        wait_for_drop(&bench, "relay_upstream_refused", i);
        assert_int_equal(stats_of(&bench).upstream_failed, i);
    }
    close_bench(&bench);
}

static void nobody_answers(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    /* A listener whose queue is full takes no more: the handshake hangs. */
    int full = socket(AF_INET, SOCK_STREAM, 0), fillers[8];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    assert_int_equal(bind(full, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(full, 0), 0);
    getsockname(full, (struct sockaddr *)&at, &len);
    snprintf(bench.gateway, sizeof bench.gateway, "127.0.0.1:%u", ntohs(at.sin_port));
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&at, sizeof at);
    }
    struct ct_relay_options options = plain(&bench);
    options.connect_usec = 200000;
    start(&bench, &options);
    bench.c = (struct end){.fd = connect_to(ct_relay_address(bench.relay))};
    struct end none = {.fd = -1, .over = true};
    assert_true(end_until_over(&bench.c, &none));
    wait_for_drop(&bench, "relay_upstream_timeout", 1);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(full);
    close_bench(&bench);
}

/* ---- no room ----------------------------------------------------------------------------- */

static void too_many_connections(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    options.connections_max = 1;
    start(&bench, &options);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "hello");
    struct end second = {.fd = connect_to(ct_relay_address(bench.relay))}, none = {.fd = -1, .over = true};
    assert_true(end_until_over(&second, &none));
    end_close(&second);
    wait_for_drop(&bench, "relay_too_many_connections", 1);
    assert_int_equal(stats_of(&bench).refused_connections, 1);
    pass(&bench.g, &bench.c, "not disturbed");
    end_close(&bench.c);
    end_close(&bench.g);
    wait_until_open(&bench, 0);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "room again");
    close_bench(&bench);
}

static void no_descriptors_left(void **state)
{
    (void)state;
    struct bench bench;
    struct rlimit before, tight;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    start(&bench, &options);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "hello");
    /* The client's socket has the last number there is; the relay has none for its end. */
    int last = socket(AF_INET, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    tight = (struct rlimit){(rlim_t)last + 1, before.rlim_max};
    close(last);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct end second = {.fd = connect_to(ct_relay_address(bench.relay))}, none = {.fd = -1, .over = true};
    bool over = second.fd >= 0 && end_until_over(&second, &none);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(over);
    end_close(&second);
    wait_for_drop(&bench, "relay_no_descriptors", 1);
    pass(&bench.g, &bench.c, "not disturbed");
    end_close(&bench.c);
    end_close(&bench.g);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "room again");
    close_bench(&bench);
}

/* ---- addresses --------------------------------------------------------------------------- */

static void other_families(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    char folder[] = "/tmp/convtap-relay-XXXXXX", path[64], address[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    snprintf(address, sizeof address, "unix:%s", path);
    options.listen = address;
    start(&bench, &options);
    assert_string_equal(ct_relay_address(bench.relay), address);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "over a Unix socket");
    pass(&bench.g, &bench.c, "and back");
    /* It is served: nobody else may take it away. */
    struct ct_relay *another;
    struct ct_error err;
    assert_int_equal(ct_relay_start(&options, &bench.seen->intake, &another, &err), CT_IO);
    assert_non_null(strstr(err.text, address));
    int asked = accept_soon(bench.listener); /* whether somebody serves it */
    assert_true(asked >= 0);
    close(asked);
    /* The relay's own socket is a gateway for a second one. */
    struct ct_relay_options second = plain(&bench);
    second.upstream = address;
    second.listen = "[::1]:0";
    if (ct_relay_start(&second, &bench.seen->intake, &another, &err) == CT_OK) { /* where there is IPv6 */
        assert_memory_equal(ct_relay_address(another), "[::1]:", 6);
        struct end c = {.fd = connect_to(ct_relay_address(another))}, g = {.fd = accept_soon(bench.listener)};
        assert_true(c.fd >= 0 && g.fd >= 0);
        pass(&c, &g, "IPv6, Unix, IPv4");
        end_shut(&g);
        assert_true(end_until_over(&c, &g));
        end_close(&c);
        end_close(&g);
        ct_relay_stop(another, 10 * CT_USEC_PER_SECOND);
    }
    close_bench(&bench);
    struct stat gone;
    assert_int_not_equal(stat(path, &gone), 0);
    rmdir(folder);
}

/* "localhost" is ::1 and 127.0.0.1, and the gateway listens on one of them. */
static void a_name_with_more_addresses(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    char name[64];
    snprintf(name, sizeof name, "localhost%s", strrchr(bench.gateway, ':'));
    struct ct_relay_options options = plain(&bench);
    options.upstream = name;
    start(&bench, &options);
    for (int i = 0; i < 3; i++) {
        connect_ends(&bench);
        pass(&bench.c, &bench.g, "hello");
        end_close(&bench.c);
        end_close(&bench.g);
    }
    assert_int_equal(stats_of(&bench).upstream_failed, 0);
    close_bench(&bench);
}

static void a_stale_socket_is_replaced(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    char folder[] = "/tmp/convtap-relay-XXXXXX", address[80];
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", folder);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&un, sizeof un), 0);
    close(stale);
    snprintf(address, sizeof address, "unix:%s/s", folder);
    options.listen = address;
    start(&bench, &options);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "hello");
    close_bench(&bench);
    rmdir(folder);
}

static void addresses_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "8080",  ":8080",   "localhost", "localhost:",    "localhost:http", "localhost:70000",
        "::1:80", "[::1]", "[::1]80", "unix:",     "1.2.3.4:80:90", "host name:80"};
    struct seen *seen = seen_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ct_relay *relay;
        struct ct_error err = {0};
        struct ct_relay_options options = {.source = "s", .listen = bad[i], .upstream = "127.0.0.1:1"};
        assert_int_equal(ct_relay_start(&options, &seen->intake, &relay, &err), CT_BAD_CONFIG);
        assert_null(relay);
        assert_non_null(strstr(err.text, "listen"));
        options.listen = "127.0.0.1:0";
        options.upstream = bad[i];
        if (ct_relay_start(&options, &seen->intake, &relay, &err) == CT_OK) {
            ct_relay_stop(relay, 0); /* a name that cannot be looked up now may be there later */
            assert_string_equal(bad[i], "host name:80");
        }
    }
    seen_free(seen);
}

/* ---- time -------------------------------------------------------------------------------- */

static void the_idle_are_closed_where_that_is_asked_for(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    options.idle_usec = 150000;
    start(&bench, &options);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "hello");
    assert_true(end_until_over(&bench.c, &bench.g));
    assert_true(end_until_over(&bench.g, &bench.c));
    wait_for_drop(&bench, "relay_idle", 1);
    close_bench(&bench);
}

static void *stop_it(void *context)
{
    ct_relay_stop(context, 600000);
    return NULL;
}

static void stopping_lets_the_open_go_on(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    start(&bench, &options);
    char address[160];
    snprintf(address, sizeof address, "%s", ct_relay_address(bench.relay));
    connect_ends(&bench);
    pass(&bench.c, &bench.g, WIRE_UPGRADE);
    pass(&bench.g, &bench.c, WIRE_SWITCH "\r\n");
    pthread_t stopper;
    int64_t begun = now_ms();
    assert_int_equal(pthread_create(&stopper, NULL, stop_it, bench.relay), 0);
    int fd = connect_to(address);
    for (int i = 0; fd >= 0 && i < 1000; i++) {
        close(fd);
        poll(NULL, 0, 1);
        fd = connect_to(address);
    }
    assert_int_equal(fd, -1); /* new ones are refused */
    assert_true(end_pass(&bench.g, &bench.c, "\x81\x04hola", 6));
    assert_true(end_until_over(&bench.c, &bench.g)); /* until the grace is over */
    pthread_join(stopper, NULL);
    assert_true(now_ms() - begun >= 500);
    assert_int_equal(bench.seen->count, 1);
    assert_memory_equal(bench.seen->entries[0].bytes, "hola", 4);
    bench.relay = NULL;
    close_bench(&bench);
}

static void what_is_counted(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench);
    struct ct_relay_options options = plain(&bench);
    start(&bench, &options);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, POST_HI);
    pass(&bench.g, &bench.c, OK_YO);
    end_close(&bench.c);
    end_close(&bench.g);
    wait_until_open(&bench, 0);
    connect_ends(&bench);
    pass(&bench.c, &bench.g, "no HTTP\r\n\r\n");
    end_close(&bench.c);
    end_close(&bench.g);
    wait_until_open(&bench, 0);
    wait_for_drop(&bench, "relay_bad_http", 1);
    struct ct_relay_stats stats = stats_of(&bench);
    assert_int_equal(stats.connections, 2);
    assert_int_equal(stats.bytes_in, strlen(POST_HI) + 11);
    assert_int_equal(stats.bytes_out, strlen(OK_YO));
    assert_int_equal(stats.messages_in, 1);
    assert_int_equal(stats.messages_out, 1);
    assert_int_equal(stats.unread_connections, 1);
    assert_int_equal(stats.refused_connections, 0);
    assert_string_equal(bench.seen->entries[0].source, "webchat");
    assert_string_equal(bench.seen->entries[0].stream, bench.seen->entries[1].stream);
    close_bench(&bench);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backpressure),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(half_close_is_passed_on),
        cmocka_unit_test(a_reset_is_passed_on),
        cmocka_unit_test(what_came_before_a_reset_arrives),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(too_many_connections),
        cmocka_unit_test(no_descriptors_left),
        cmocka_unit_test(other_families),
        cmocka_unit_test(a_name_with_more_addresses),
        cmocka_unit_test(a_stale_socket_is_replaced),
        cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(the_idle_are_closed_where_that_is_asked_for),
        cmocka_unit_test(stopping_lets_the_open_go_on),
        cmocka_unit_test(what_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
