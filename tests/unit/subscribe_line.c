/* subscribe_line.c - a subscriber with a real gateway on a socket and an intake that has no room for a while: nothing
 * is lost, nothing comes twice, all in order; and it stops at once whatever the gateway does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "plugin/subscribe/subscribe.h"

#define MESSAGES 3000
#define REFUSALS 25 /* 20 ms each */

static atomic_uint taken, refused, dropped, disordered;
static atomic_int behind; /* how many offers more are refused */

static enum ct_status append(void *context, const struct ct_tape_entry *entry, uint64_t *end)
{
    (void)context;
    (void)end;
    if (atomic_load(&behind) > 0) {
        atomic_fetch_sub(&behind, 1);
        atomic_fetch_add(&refused, 1);
        return CT_LIMIT;
    }
    char due[32];
    unsigned number = atomic_load(&taken);
    snprintf(due, sizeof due, "{\"n\":%u,", number);
    bool fine = entry->bytes.len > strlen(due) && memcmp(entry->bytes.at, due, strlen(due)) == 0 &&
                ct_span_is(entry->source, "chat") && ct_span_is(entry->stream, "subscription-127.0.0.1") &&
                entry->sequence == 0 && entry->direction == CT_DIRECTION_NONE && entry->at > 0;
    if (!fine)
        atomic_fetch_add(&disordered, 1);
    if (number % 500 == 499)
        atomic_store(&behind, REFUSALS); /* now and then the disk is behind for half a second */
    atomic_store(&taken, number + 1);
    return CT_OK;
}

static void count_drop(void *context, const char *reason, uint64_t count)
{
    (void)context;
    (void)reason;
    atomic_fetch_add(&dropped, (unsigned)count);
}

static ct_usec wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (ct_usec)now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

static uint32_t middle(void)
{
    return UINT32_MAX / 2;
}

static const struct ct_intake intake = {.append = append, .drop = count_drop};

/* ---- the gateway ---- */

static int listen_somewhere(char *url, size_t room)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(url, room, "ws://127.0.0.1:%u/", ntohs(at.sin_port));
    return fd;
}

static bool send_all(int fd, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t sent = send(fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += (size_t)sent;
    }
    return true;
}

static bool shake_hands(int fd)
{
    char head[4096], joined[128], reply[256];
    unsigned char digest[SHA_DIGEST_LENGTH], accept[64];
    size_t len = 0;
    while (!memmem(head, len, "\r\n\r\n", 4)) {
        ssize_t got = len < sizeof head - 1 ? recv(fd, head + len, sizeof head - 1 - len, 0) : -1;
        if (got <= 0)
            return false;
        len += (size_t)got;
    }
    head[len] = '\0';
    const char *key = strcasestr(head, "Sec-WebSocket-Key: ");
    if (!key)
        return false;
    snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
    SHA1((const unsigned char *)joined, strlen(joined), digest);
    EVP_EncodeBlock(accept, digest, sizeof digest);
    int size = snprintf(reply, sizeof reply,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    return send_all(fd, reply, (size_t)size);
}

/* Sizes go from a few bytes to several reads. */
static bool send_message(int fd, unsigned number)
{
    static char filler[40000];
    unsigned char head[4] = {0x81, 126};
    char text[64];
    memset(filler, 'x', sizeof filler);
    int begin = snprintf(text, sizeof text, "{\"n\":%u,\"x\":\"", number);
    size_t fill = number % 97 == 0 ? sizeof filler : 200, size = (size_t)begin + fill + 2;
    head[2] = (unsigned char)(size >> 8);
    head[3] = (unsigned char)size;
    return send_all(fd, head, 4) && send_all(fd, text, (size_t)begin) && send_all(fd, filler, fill) &&
           send_all(fd, "\"}", 2);
}

static void *serve(void *context)
{
    int listener = *(int *)context, fd = accept(listener, NULL, NULL);
    if (shake_hands(fd))
        for (unsigned i = 0; i < MESSAGES && send_message(fd, i); i++)
            ;
    char rest[256];
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
    close(fd);
    return NULL;
}

static void wait_msec(long msec)
{
    nanosleep(&(struct timespec){msec / 1000, msec % 1000 * 1000000}, NULL);
}

/* ---- the tests ---- */

static void test_full_intake(void **state)
{
    (void)state;
    char url[64];
    struct ct_error err = {0};
    struct ct_subscriber *subscriber;
    struct ct_subscribe_stats stats = {0};
    pthread_t gateway;
    int listener = listen_somewhere(url, sizeof url);
    assert_int_equal(pthread_create(&gateway, NULL, serve, &listener), 0);
    /* What may wait is 8 messages' bytes: much less than what is sent. */
    const struct ct_subscription one = {.source = "chat", .url = url, .verify = true, .message_max = 50000};
    atomic_store(&behind, REFUSALS);
    assert_int_equal(ct_subscriber_start(&one, 1, &intake, wall, middle, &subscriber, &err), CT_OK);
    for (int i = 0; i < 3000 && atomic_load(&taken) < MESSAGES; i++)
        wait_msec(20);
    ct_subscriber_stats(subscriber, 0, &stats);
    assert_int_equal(atomic_load(&taken), MESSAGES);
    assert_int_equal(atomic_load(&disordered), 0);
    assert_int_equal(atomic_load(&dropped), 0);
    assert_true(atomic_load(&refused) >= REFUSALS);
    assert_true(stats.connected && stats.connected_at > 0);
    assert_int_equal(stats.connects, 1);
    assert_int_equal(stats.failures, 0);
    assert_int_equal(stats.messages, MESSAGES);
    assert_string_equal(stats.problem, "");
    ct_subscriber_stop(subscriber);
    pthread_join(gateway, NULL);
    close(listener);
}

/* Nobody listens: failures are counted, the problem is said, and there is a wait between attempts. */
static void test_nobody(void **state)
{
    (void)state;
    char url[64];
    struct ct_error err = {0};
    struct ct_subscriber *subscriber;
    struct ct_subscribe_stats stats = {0};
    close(listen_somewhere(url, sizeof url));
    const struct ct_subscription both[] = {
        {.source = "chat", .url = url, .least_wait_usec = 100000, .most_wait_usec = 400000, .verify = true},
        {.source = "chat", .url = "ws://name.invalid/", .least_wait_usec = 100000, .verify = true}};
    assert_int_equal(ct_subscriber_start(both, 2, &intake, wall, middle, &subscriber, &err), CT_OK);
    for (int i = 0; i < 500 && stats.failures < 3; i++) {
        wait_msec(20);
        ct_subscriber_stats(subscriber, 0, &stats);
    }
    assert_true(stats.failures >= 3);
    assert_false(stats.connected);
    assert_string_equal(stats.problem, "websocket: no answer");
    ct_subscriber_stop(subscriber);
}

static void test_refused_start(void **state)
{
    (void)state;
    static const struct ct_subscription bad[] = {
        {.source = "", .url = "ws://a/"},
        {.source = "chat", .url = "ws://user:word@a/"},
        {.source = "chat", .url = "ws://a/", .secret = "a\r\nX: y"},
        {.source = "chat", .url = "wss://a/", .authorities = "/nonexistent/authorities.pem", .verify = true},
        {.source = "chat", .kind = CT_SUBSCRIBE_DIRECTLINE, .url = "https://a/"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ct_error err = {0};
        struct ct_subscriber *subscriber;
        assert_int_equal(ct_subscriber_start(&bad[i], 1, &intake, wall, middle, &subscriber, &err), CT_BAD_CONFIG);
        assert_null(subscriber);
        assert_null(strstr(err.text, "word"));
    }
    ct_subscriber_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_full_intake), cmocka_unit_test(test_nobody),
                                       cmocka_unit_test(test_refused_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
