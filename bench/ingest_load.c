/* ingest_load.c - load for a WebSocket receiver: many connections, several messages a segment, over epoll.
 *
 *   ingest_load ADDRESS PORT CONNECTIONS PER_SEGMENT FILE sink|ingest IDLE [RATE]
 *
 * Opens CONNECTIONS senders and IDLE connections that say nothing. Sends the lines of FILE (bench_generate), a message
 * each, all of a conversation over one connection, segment by segment, round robin, RATE messages a second (0 or
 * missing = as fast as they are taken). In mode `ingest` each connection says hello and waits for the acknowledgement
 * of its last message; in both it then closes, and what counts is the time until the last close has come back: then
 * everything was read. Prints JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct sender {
    int socket;
    uint64_t due, sent, acked; /* messages */
    size_t *frames;            /* where each begins, and where the last one ends */
    size_t at;                 /* of the segment that is partly out */
    bool blocked, closing, closed;
    size_t in_len;
    unsigned char in[512];
};

static struct sender *senders;
static unsigned connections, per_segment;
static bool with_acks;
static unsigned char *wire; /* all frames, sender by sender */
static int poller;
static unsigned closed_count;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "ingest_load: %s: %s\n", what, strerror(errno));
    exit(2);
}

static size_t put_frame(unsigned char *out, unsigned opcode, const void *payload, size_t len)
{
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    size_t at = 0;
    out[at++] = (unsigned char)(0x80 | opcode);
    if (len < 126) {
        out[at++] = (unsigned char)(0x80 | len);
    } else {
        out[at++] = 0x80 | 126;
        out[at++] = (unsigned char)(len >> 8);
        out[at++] = (unsigned char)len;
    }
    memcpy(out + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        out[at + i] = (unsigned char)(((const unsigned char *)payload)[i] ^ mask[i & 3]);
    return at + len;
}

static void send_all(int socket, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t sent = send(socket, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            fail("send");
        at += sent > 0 ? (size_t)sent : 0;
    }
}

/* Reads until `mark` has come; returns what was read. */
static void await(int socket, const char *mark)
{
    char text[2048];
    size_t len = 0;
    while (len < sizeof(text) - 1) {
        ssize_t got = recv(socket, text + len, 1, 0);
        if (got <= 0)
            fail("the handshake");
        text[++len - 1 + 1] = '\0';
        if (strstr(text, mark))
            return;
    }
    fail("the handshake's answer");
}

static int dial(const char *host, unsigned port, unsigned index)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &to.sin_addr);
    int one = 1, made = socket(AF_INET, SOCK_STREAM, 0);
    if (made < 0 || connect(made, (struct sockaddr *)&to, sizeof(to)))
        fail("connect");
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    char request[512];
    int len = snprintf(request, sizeof(request),
                       "GET / HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Protocol: convtap.v1\r\n\r\n",
                       host, port);
    send_all(made, request, (size_t)len);
    await(made, "\r\n\r\n");
    if (with_acks) {
        unsigned char hello[256];
        len = snprintf(request, sizeof(request), "{\"hello\":{\"source\":\"web\",\"stream\":\"load-%d-%u\"}}",
                       (int)getpid(), index);
        send_all(made, hello, put_frame(hello, 1, request, (size_t)len));
        await(made, "}}");
    }
    return made;
}

static void say_close(struct sender *s)
{
    unsigned char close_frame[16], code[2] = {0x03, 0xE8};
    s->closing = true;
    send_all(s->socket, close_frame, put_frame(close_frame, 8, code, 2));
}

/* Acknowledgements and the close that comes back. */
static void read_answers(struct sender *s)
{
    for (;;) {
        ssize_t got = recv(s->socket, s->in + s->in_len, sizeof(s->in) - s->in_len, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            if (!s->closing)
                fail("the receiver broke off");
            if (!s->closed)
                closed_count++;
            s->closed = true;
            epoll_ctl(poller, EPOLL_CTL_DEL, s->socket, NULL);
            return;
        }
        s->in_len += (size_t)got;
        size_t at = 0;
        while (s->in_len - at >= 2 && s->in_len - at >= 2u + s->in[at + 1]) {
            const unsigned char *frame = s->in + at;
            if ((frame[0] & 0x0F) == 1 && frame[1] > 8 && memcmp(frame + 2, "{\"ack\":", 7) == 0)
                s->acked = strtoull((const char *)frame + 9, NULL, 10);
            if ((frame[0] & 0x0F) == 8 && !s->closed) {
                s->closed = true;
                closed_count++;
            }
            at += 2u + frame[1];
        }
        memmove(s->in, s->in + at, s->in_len - at);
        s->in_len -= at;
        if (with_acks && !s->closing && s->sent == s->due && s->acked == s->due)
            say_close(s);
    }
}

/* One segment, or what is left of one. Returns the messages that went out whole. */
static unsigned send_segment(struct sender *s)
{
    uint64_t left = s->due - s->sent;
    unsigned count = left < per_segment ? (unsigned)left : per_segment;
    const size_t *frames = s->frames + s->sent;
    size_t len = frames[count] - frames[0] - s->at;
    ssize_t sent = send(s->socket, wire + frames[0] + s->at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
        fail("send");
    if (sent < (ssize_t)len) {
        s->at += sent > 0 ? (size_t)sent : 0;
        s->blocked = true;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = s};
        epoll_ctl(poller, EPOLL_CTL_MOD, s->socket, &event);
        return 0;
    }
    s->at = 0;
    s->sent += count;
    if (s->sent == s->due && !with_acks)
        say_close(s);
    return count;
}

static void look(int wait_msec)
{
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, wait_msec);
    for (int i = 0; i < count; i++) {
        struct sender *s = events[i].data.ptr;
        if (events[i].events & EPOLLOUT && s->blocked) {
            s->blocked = false;
            struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
            epoll_ctl(poller, EPOLL_CTL_MOD, s->socket, &event);
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            read_answers(s);
    }
}

static void *room(size_t count, size_t size)
{
    void *made = calloc(count, size);
    if (!made)
        fail("memory");
    return made;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        fail(path);
    *len = (size_t)ftell(file);
    rewind(file);
    char *text = room(*len + 1, 1);
    if (fread(text, 1, *len, file) != *len)
        fail(path);
    fclose(file);
    return text;
}

/* A line begins {"conversation_id":"c00000012": its conversation chooses the connection. */
static unsigned sender_of(const char *line)
{
    return (unsigned)(strtoul(line + sizeof("{\"conversation_id\":\"c") - 1, NULL, 10) % connections);
}

/* Frames of all lines, so that nothing but sending is left to do later. Returns their number. */
static uint64_t make_frames(const char *path)
{
    size_t len, at = 0;
    uint64_t total = 0;
    char *text = read_file(path, &len);
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, total++)
        senders[sender_of(line)].due++;
    wire = room(len + total * 14, 1);
    const char **lines = room(total + 1, sizeof(*lines));
    size_t *next = room(connections + 1, sizeof(*next));
    for (unsigned i = 0; i < connections; i++) {
        next[i + 1] = next[i] + senders[i].due;
        senders[i].frames = room(senders[i].due + 1, sizeof(size_t));
    }
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        lines[next[sender_of(line)]++] = line;
    for (unsigned i = 0, k = 0; i < connections; i++) {
        for (uint64_t n = 0; n < senders[i].due; n++, k++) {
            senders[i].frames[n] = at;
            at += put_frame(wire + at, 1, lines[k], (size_t)(strchr(lines[k], '\n') - lines[k]));
        }
        senders[i].frames[senders[i].due] = at;
    }
    free(next);
    free(lines);
    free(text);
    return total;
}

int main(int argc, char **argv)
{
    if (argc < 8) {
        fprintf(stderr, "ingest_load ADDRESS PORT CONNECTIONS PER_SEGMENT FILE sink|ingest IDLE [RATE]\n");
        return 2;
    }
    unsigned port = (unsigned)strtoul(argv[2], NULL, 10);
    connections = (unsigned)strtoul(argv[3], NULL, 10);
    per_segment = (unsigned)strtoul(argv[4], NULL, 10);
    with_acks = strcmp(argv[6], "ingest") == 0;
    unsigned idle = (unsigned)strtoul(argv[7], NULL, 10);
    double rate = argc > 8 ? strtod(argv[8], NULL) : 0;
    senders = room(connections, sizeof(*senders));
    uint64_t total = make_frames(argv[5]);
    poller = epoll_create1(0);
    for (unsigned i = 0; i < idle; i++)
        (void)dial(argv[1], port, connections + i);
    for (unsigned i = 0; i < connections; i++) {
        struct sender *s = &senders[i];
        s->socket = dial(argv[1], port, i);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
        epoll_ctl(poller, EPOLL_CTL_ADD, s->socket, &event);
    }
    printf("ready\n");
    fflush(stdout);
    char line[16];
    if (!fgets(line, sizeof(line), stdin))
        return 2;
    double began = now();
    uint64_t out = 0;
    for (unsigned i = 0; i < connections; i++)
        if (!senders[i].due) /* none of the conversations is its own */
            say_close(&senders[i]);
    while (closed_count < connections) {
        bool any = false;
        for (unsigned i = 0; i < connections; i++) {
            struct sender *s = &senders[i];
            if (s->blocked || s->sent == s->due)
                continue;
            while (rate > 0 && (double)out > (now() - began) * rate)
                look(1);
            out += send_segment(s);
            any = true;
            if (i % 64 == 63)
                look(0);
        }
        look(any ? 0 : 10);
    }
    double took = now() - began;
    printf("{\"messages\":%llu,\"seconds\":%.6f,\"rate\":%.0f}\n", (unsigned long long)total, took,
           (double)total / took);
    return 0;
}
