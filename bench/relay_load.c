/* relay_load.c - what a relay is measured with: a WebSocket gateway that echoes, a client that sends at a rate and
 * times the answers, connections that lie idle, and a relay whose intake only counts. bench/relay_run starts them.
 *
 *   relay_load gateway                                       prints its address, echoes until it is ended
 *   relay_load serve UPSTREAM [http|websocket|none]          prints its address, relays until it is ended
 *   relay_load drive ADDRESS CONNECTIONS RATE SECONDS BYTES  prints p50, p99, ... of the answers' times in microseconds
 *   relay_load idle ADDRESS CONNECTIONS SECONDS              opens them, one message each, says so, waits
 */
#include "bench/phrases.h"
#include "plugin/relay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define BUFFER 65536
#define ROLE_USER "\"role\":\"user\","
#define ROLE_BOT "\"role\":\"bot\", "
#define EVENT_NOT_YET "\"-----\":"
#define EVENT "\"event\":"
#define TICK_NSEC 200000 /* the driver sends what is due this often */
#define ANSWER                                                                                                         \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                                \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
#define REQUEST                                                                                                        \
    "GET /ws HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                               \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

struct peer {
    int fd;
    bool upgraded;
    size_t have; /* bytes of `in`, which is shared unless something is left over */
    char *left;
};

static uint64_t now_nsec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void prepare(int fd)
{
    int on = 1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* All of it; the receivers here keep up. */
static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

/* Reads what is there behind what was left over. false: the end. */
static bool take(struct peer *peer, char *in, size_t *have)
{
    if (peer->have > 0)
        memcpy(in, peer->left, peer->have);
    ssize_t n = recv(peer->fd, in + peer->have, BUFFER - peer->have, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        return false;
    *have = peer->have + (n > 0 ? (size_t)n : 0);
    return true;
}

static void keep(struct peer *peer, const char *in, size_t len)
{
    free(peer->left);
    peer->left = len ? malloc(len) : NULL;
    peer->have = len;
    if (len > 0)
        memcpy(peer->left, in, len);
}

/* The next frame: its payload within `in`, its whole size; 0 = not whole yet. */
static size_t frame_of(char *in, size_t len, char **payload, size_t *payload_len)
{
    if (len < 2)
        return 0;
    size_t at = 2, size = (unsigned char)in[1] & 127u;
    bool masked = (in[1] & 0x80) != 0;
    if (size == 126) {
        if (len < 4)
            return 0;
        size = (size_t)(unsigned char)in[2] << 8 | (unsigned char)in[3];
        at = 4;
    }
    if (len < at + (masked ? 4 : 0) + size)
        return 0;
    if (masked) {
        for (size_t i = 0; i < size; i++)
            in[at + 4 + i] = (char)(in[at + 4 + i] ^ in[at + (i & 3)]);
        at += 4;
    }
    *payload = in + at;
    *payload_len = size;
    return at + size;
}

static size_t frame_head(char *out, size_t len, bool masked)
{
    size_t n = 2;
    out[0] = (char)0x81;
    out[1] = (char)(len < 126 ? len : 126);
    if (len >= 126) {
        out[2] = (char)(len >> 8);
        out[3] = (char)len;
        n = 4;
    }
    if (masked) {
        out[1] = (char)(out[1] | 0x80);
        memset(out + n, 0, 4);
        memcpy(out + n, "\x11\x22\x33\x44", 4);
        n += 4;
    }
    return n;
}

/* ---- the gateway ------------------------------------------------------------------------- */

static void swap(char *text, size_t len, const char *from, const char *to)
{
    char *found = memmem(text, len, from, strlen(from));
    if (found)
        memcpy(found, to, strlen(to));
}

/* What came, as the bot's words, and with the event that the customer's message only held a place for. */
static bool echo(struct peer *peer)
{
    static char in[BUFFER], out[BUFFER + 4096];
    size_t have, at = 0, put = 0;
    if (!take(peer, in, &have))
        return false;
    if (!peer->upgraded) {
        char *end = memmem(in, have, "\r\n\r\n", 4);
        if (end) {
            send_all(peer->fd, ANSWER, sizeof ANSWER - 1);
            peer->upgraded = true;
            at = (size_t)(end - in) + 4;
        }
    }
    char *payload;
    size_t len, used;
    while (peer->upgraded && (used = frame_of(in + at, have - at, &payload, &len)) > 0) {
        put += frame_head(out + put, len, false);
        memcpy(out + put, payload, len);
        swap(out + put, len < 200 ? len : 200, ROLE_USER, ROLE_BOT);
        swap(out + put, len < 200 ? len : 200, EVENT_NOT_YET, EVENT);
        put += len;
        at += used;
    }
    send_all(peer->fd, out, put);
    keep(peer, in + at, have - at);
    return true;
}

static _Noreturn void gateway(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0)
        die("gateway");
    struct epoll_event events[256], first = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &first);
    printf("127.0.0.1:%u\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer == NULL) {
                int fd = accept(listener, NULL, NULL);
                if (fd < 0)
                    continue;
                prepare(fd);
                peer = calloc(1, sizeof *peer);
                if (peer == NULL)
                    die("memory");
                peer->fd = fd;
                struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
            } else if (!echo(peer)) {
                close(peer->fd);
                free(peer->left);
                free(peer);
            }
        }
    }
}

/* ---- the relay --------------------------------------------------------------------------- */

static _Atomic uint64_t counted, counted_bytes;

static enum ct_status count_one(void *context, const struct ct_tape_entry *entry, uint64_t *end)
{
    (void)context;
    (void)end;
    atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counted_bytes, entry->bytes.len, memory_order_relaxed);
    return CT_OK;
}

static void count_drop(void *context, const char *reason, uint64_t count)
{
    (void)context;
    fprintf(stderr, "drop %s %llu\n", reason, (unsigned long long)count);
}

static int serve(const char *upstream, const char *read)
{
    struct ct_intake intake = {.append = count_one, .drop = count_drop};
    struct ct_relay_options options = {.source = "bench",
                                       .listen = "127.0.0.1:0",
                                       .upstream = upstream,
                                       .client_is = CT_DIRECTION_IN,
                                       .connections_max = 100000};
    options.websocket = strcmp(read, "none") != 0;
    options.http = options.events = strcmp(read, "http") == 0;
    struct ct_relay *relay;
    struct ct_error err = {0};
    sigset_t ends;
    int which;
    raise_descriptors();
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    if (ct_relay_start(&options, &intake, &relay, &err) != CT_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%s\n", ct_relay_address(relay));
    fflush(stdout);
    sigwait(&ends, &which);
    ct_relay_stop(relay, 0);
    printf("{\"messages\":%llu,\"bytes\":%llu}\n", (unsigned long long)counted, (unsigned long long)counted_bytes);
    return 0;
}

/* ---- the client -------------------------------------------------------------------------- */

static int connect_to(const char *address)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *colon = strrchr(address, ':');
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_port = htons((uint16_t)strtoul(colon ? colon + 1 : address, NULL, 10));
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        die("connect");
    return fd;
}

/* Upgraded: the answer's head has been read, and nothing behind it has come. */
static int open_websocket(const char *address)
{
    char head[4096];
    size_t have = 0;
    int fd = connect_to(address);
    send_all(fd, REQUEST, sizeof REQUEST - 1);
    while (have < sizeof head - 1 && (have < 4 || memcmp(head + have - 4, "\r\n\r\n", 4) != 0)) {
        ssize_t n = recv(fd, head + have, 1, 0);
        if (n <= 0)
            die("upgrade");
        have += (size_t)n;
    }
    if (memcmp(head + 9, "101", 3) != 0) {
        fprintf(stderr, "no upgrade: %.40s\n", head);
        exit(1);
    }
    prepare(fd);
    return fd;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The customer of connection `who`. Conversations have four messages of each side and then a close event, which the
 * gateway says: what reads along has all of it to judge. */
static void send_message(int fd, unsigned who, size_t number, size_t bytes)
{
    static char text[BUFFER];
    char out[BUFFER + 16];
    const char *const *sentences = phrases[who % PHRASE_LANGUAGES][number % 4 ? SAY_DETAIL : SAY_OPEN];
    size_t at_phrase = number + who, count = 0, len;
    while (sentences[count])
        count++;
    int n =
        snprintf(text, sizeof text, "{\"t\":\"%016llx\",\"conversation_id\":\"r%d-%u-%zu\"," ROLE_USER "%s\"text\":\"",
                 (unsigned long long)now_nsec(), (int)getpid(), who, number / 4,
                 number % 4 == 3 ? EVENT_NOT_YET "{\"type\":\"close\"}," : "");
    memset(text + n, ' ', bytes - (size_t)n);
    for (size_t i = (size_t)n; len = strlen(sentences[at_phrase % count]), i + len + 3 < bytes; i += len + 1)
        memcpy(text + i, sentences[at_phrase++ % count], len);
    memcpy(text + bytes - 2, "\"}", 2);
    size_t at = frame_head(out, bytes, true);
    for (size_t i = 0; i < bytes; i++)
        out[at + i] = (char)(text[i] ^ "\x11\x22\x33\x44"[i & 3]);
    send_all(fd, out, at + bytes);
}

static uint32_t *times;
static size_t answers, times_room;

static void take_answers(struct peer *peer)
{
    static char in[BUFFER];
    size_t have, at = 0, len, used;
    char *payload;
    if (!take(peer, in, &have)) {
        fprintf(stderr, "a connection ended\n");
        exit(1);
    }
    uint64_t now = now_nsec();
    while ((used = frame_of(in + at, have - at, &payload, &len)) > 0) {
        char stamp[17];
        memcpy(stamp, payload + 6, 16);
        stamp[16] = '\0';
        if (answers < times_room)
            times[answers++] = (uint32_t)((now - strtoull(stamp, NULL, 16)) / 100); /* tenths of a microsecond */
        at += used;
    }
    keep(peer, in + at, have - at);
}

static int drive(const char *address, unsigned connections, double rate, double seconds, size_t bytes)
{
    struct peer *peers = calloc(connections, sizeof *peers);
    int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    size_t total = (size_t)(rate * seconds), sent = 0, warm = total / 10;
    times_room = total;
    times = malloc(total * sizeof *times);
    if (peers == NULL || times == NULL || bytes < 200 || bytes > BUFFER - 100)
        die("options");
    for (unsigned i = 0; i < connections; i++) {
        peers[i].fd = open_websocket(address);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &peers[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &event);
    }
    struct itimerspec tick = {{0, TICK_NSEC}, {0, TICK_NSEC}};
    struct epoll_event timer_event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &timer_event);
    timerfd_settime(timer, 0, &tick, NULL);
    uint64_t begun = now_nsec(), last = begun;
    while (answers < total) {
        int count = epoll_wait(epoll, events, 256, 5000);
        if (count <= 0 && now_nsec() - last > 5000000000u) {
            fprintf(stderr, "%zu of %zu answers\n", answers, total);
            return 1;
        }
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                take_answers(events[i].data.ptr);
                last = now_nsec();
                continue;
            }
            uint64_t ticks;
            (void)!read(timer, &ticks, sizeof ticks);
            size_t due = (size_t)((double)(now_nsec() - begun) / 1e9 * rate);
            for (; sent < due && sent < total; sent++)
                send_message(peers[sent % connections].fd, (unsigned)(sent % connections), sent / connections, bytes);
        }
    }
    double took = (double)(now_nsec() - begun) / 1e9;
    qsort(times + warm, total - warm, sizeof *times, by_value);
    size_t n = total - warm;
    printf("{\"messages\":%zu,\"seconds\":%.3f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f}\n", total, took,
           times[warm + n / 2] / 10.0, times[warm + n * 9 / 10] / 10.0, times[warm + n * 99 / 100] / 10.0,
           times[warm + n * 999 / 1000] / 10.0);
    return 0;
}

static int idle(const char *address, unsigned connections, unsigned seconds)
{
    raise_descriptors();
    char in[BUFFER];
    for (unsigned i = 0; i < connections; i++) {
        int fd = open_websocket(address);
        send_message(fd, i, 0, 400);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        for (size_t have = 0; have < 404;) {
            ssize_t n = recv(fd, in, sizeof in, 0);
            if (n <= 0)
                die("answer");
            have += (size_t)n;
        }
    }
    printf("open\n");
    fflush(stdout);
    sleep(seconds);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    raise_descriptors();
    if (strcmp(what, "gateway") == 0 && argc == 2)
        gateway();
    if (strcmp(what, "serve") == 0 && (argc == 3 || argc == 4))
        return serve(argv[2], argc == 4 ? argv[3] : "http");
    if (strcmp(what, "drive") == 0 && argc == 7)
        return drive(argv[2], (unsigned)strtoul(argv[3], NULL, 10), strtod(argv[4], NULL), strtod(argv[5], NULL),
                     strtoul(argv[6], NULL, 10));
    if (strcmp(what, "idle") == 0 && argc == 5)
        return idle(argv[2], (unsigned)strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
    fprintf(stderr, "usage: relay_load gateway | serve UPSTREAM [http|websocket|none] | "
                    "drive ADDRESS CONNECTIONS RATE SECONDS BYTES | idle ADDRESS CONNECTIONS SECONDS\n");
    return 2;
}
