/* demo_line.c - the sockets and timers of the simulated world: one thread, epoll, loopback only. See demo.h. */
#include "cli/demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, READ_BYTES = 16384, LISTEN_BACKLOG = 512, ADDRESS_BYTES = 32, BYTES_MAX = 8 << 20 };

struct end { /* what epoll gives back */
    enum { END_LINE, END_LISTENER, END_WAKE } is;
    int fd;
};

struct ct_demo_line {
    struct end end;
    struct ct_demo_loop *loop;
    const struct ct_demo_calls *calls;
    void *owner;
    struct ct_demo_bytes in, out;
    uint32_t watched;
    bool connecting, closing, dead;
    struct ct_demo_line *before, *after; /* of all lines */
    struct ct_demo_line *grave;          /* of those that are to be freed */
};

struct listener {
    struct end end;
    const struct ct_demo_calls *calls;
    void *(*owner_of)(void *context, struct ct_demo_line *line);
    void *context;
    struct listener *next;
};

struct timer {
    ct_usec due;
    uint64_t order;
    void (*fire)(void *to);
    void *to;
};

struct ct_demo_loop {
    int epoll;
    bool ended;
    struct end wake;
    pthread_mutex_t lock; /* call, call_to */
    void (*call)(void *to);
    void *call_to;
    struct ct_demo_line *lines, *graves;
    struct listener *listeners;
    struct timer *timers; /* a heap: the next one first */
    size_t timer_count, timer_room;
    uint64_t timer_order;
};

ct_usec ct_demo_loop_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (ct_usec)now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

/* ---- bytes --------------------------------------------------------------------------------- */

bool ct_demo_bytes_add(struct ct_demo_bytes *bytes, const void *more, size_t len)
{
    if (bytes->len + len > bytes->room) {
        size_t room = bytes->room ? bytes->room : 1024;
        while (room < bytes->len + len) {
            room *= 2;
        }
        char *grown = room <= BYTES_MAX ? realloc(bytes->at, room) : NULL;
        if (!grown) {
            return false;
        }
        bytes->at = grown;
        bytes->room = room;
    }
    if (len) {
        memcpy(bytes->at + bytes->len, more, len);
    }
    bytes->len += len;
    return true;
}

void ct_demo_bytes_drop(struct ct_demo_bytes *bytes, size_t len)
{
    if (len < bytes->len) {
        memmove(bytes->at, bytes->at + len, bytes->len - len);
    }
    bytes->len -= len;
}

/* ---- timers --------------------------------------------------------------------------------- */

static bool sooner(const struct timer *a, const struct timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

bool ct_demo_timer(struct ct_demo_loop *loop, ct_usec after, void (*fire)(void *to), void *to)
{
    if (loop->timer_count == loop->timer_room) {
        size_t room = loop->timer_room ? 2 * loop->timer_room : 64;
        struct timer *grown = realloc(loop->timers, room * sizeof *grown);
        if (!grown) {
            return false;
        }
        loop->timers = grown;
        loop->timer_room = room;
    }
    struct timer timer = {ct_demo_loop_now() + after, loop->timer_order++, fire, to};
    size_t i = loop->timer_count++;
    for (; i > 0 && sooner(&timer, &loop->timers[(i - 1) / 2]); i = (i - 1) / 2) {
        loop->timers[i] = loop->timers[(i - 1) / 2];
    }
    loop->timers[i] = timer;
    return true;
}

static struct timer take_timer(struct ct_demo_loop *loop)
{
    struct timer first = loop->timers[0], last = loop->timers[--loop->timer_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < loop->timer_count; i = child) {
        if (child + 1 < loop->timer_count && sooner(&loop->timers[child + 1], &loop->timers[child])) {
            child++;
        }
        if (!sooner(&loop->timers[child], &last)) {
            break;
        }
        loop->timers[i] = loop->timers[child];
    }
    loop->timers[i] = last;
    return first;
}

/* Fires what is due; how many milliseconds until the next, -1 = there is none. */
static int fire_timers(struct ct_demo_loop *loop)
{
    while (loop->timer_count && !loop->ended) {
        ct_usec wait = loop->timers[0].due - ct_demo_loop_now();
        if (wait > 0) {
            return (int)(wait / 1000 < 1000 ? wait / 1000 + 1 : 1000);
        }
        struct timer timer = take_timer(loop);
        timer.fire(timer.to);
    }
    return -1;
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void watch(struct ct_demo_line *line)
{
    uint32_t wanted =
        (line->closing ? 0 : (uint32_t)EPOLLIN) | (line->connecting || line->out.len ? (uint32_t)EPOLLOUT : 0);
    struct epoll_event event = {.events = wanted, .data.ptr = &line->end};
    if (wanted != line->watched && !line->dead) {
        (void)epoll_ctl(line->loop->epoll, EPOLL_CTL_MOD, line->end.fd, &event);
        line->watched = wanted;
    }
}

/* Freed when this turn of the loop is over: others may still hold it. */
static void bury(struct ct_demo_line *line)
{
    if (line->dead) {
        return;
    }
    line->dead = true;
    close(line->end.fd);
    *(line->before ? &line->before->after : &line->loop->lines) = line->after;
    if (line->after) {
        line->after->before = line->before;
    }
    line->grave = line->loop->graves;
    line->loop->graves = line;
    if (line->owner) {
        line->calls->gone(line->owner, line);
    }
}

static struct ct_demo_line *new_line(struct ct_demo_loop *loop, int fd, const struct ct_demo_calls *calls, void *owner)
{
    struct ct_demo_line *line = calloc(1, sizeof *line);
    int yes = 1;
    if (!line) {
        close(fd);
        return NULL;
    }
    *line = (struct ct_demo_line){.end = {END_LINE, fd}, .loop = loop, .calls = calls, .owner = owner};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &line->end};
    line->watched = EPOLLIN;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        close(fd);
        free(line);
        return NULL;
    }
    line->after = loop->lines;
    if (line->after) {
        line->after->before = line;
    }
    loop->lines = line;
    return line;
}

/* Away with what waits; false = the line is broken. */
static bool flush(struct ct_demo_line *line)
{
    while (line->out.len) {
        ssize_t sent = send(line->end.fd, line->out.at, line->out.len, MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        ct_demo_bytes_drop(&line->out, (size_t)sent);
    }
    return true;
}

static void settle(struct ct_demo_line *line)
{
    if (line->dead || line->connecting) {
        return;
    }
    if (!flush(line) || (line->closing && !line->out.len)) {
        bury(line);
    } else {
        watch(line);
    }
}

void ct_demo_send(struct ct_demo_line *line, const void *bytes, size_t len)
{
    if (!line->dead && !line->closing && !ct_demo_bytes_add(&line->out, bytes, len)) {
        ct_demo_close(line);
    }
    watch(line); /* it goes out from the loop, so that nobody is gone while he speaks */
}

void ct_demo_close(struct ct_demo_line *line)
{
    line->closing = true;
    if (!line->dead) { /* from the loop, too: a socket can always be written to in the end */
        line->watched = 0;
        struct epoll_event event = {.events = EPOLLOUT, .data.ptr = &line->end};
        (void)epoll_ctl(line->loop->epoll, EPOLL_CTL_MOD, line->end.fd, &event);
        line->watched = EPOLLOUT;
    }
}

static void read_line(struct ct_demo_line *line)
{
    char buffer[READ_BYTES];
    bool came = false;
    for (;;) {
        ssize_t got = recv(line->end.fd, buffer, sizeof buffer, 0);
        if (got > 0 && ct_demo_bytes_add(&line->in, buffer, (size_t)got)) {
            came = true;
            continue;
        }
        bool over = got >= 0 || (errno != EAGAIN && errno != EINTR);
        if (came) {
            line->calls->came(line->owner, line, &line->in);
        }
        if (over) {
            bury(line);
        }
        return;
    }
}

static void serve_line(struct ct_demo_line *line, uint32_t events)
{
    if (line->dead) {
        return;
    }
    if (line->connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        int problem = 0;
        socklen_t len = sizeof problem;
        if (getsockopt(line->end.fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0 || problem != 0) {
            bury(line);
            return;
        }
        line->connecting = false;
    }
    if (!line->closing && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        read_line(line);
    } else if (line->closing && (events & (EPOLLHUP | EPOLLERR))) {
        bury(line);
    }
    settle(line);
}

static void accept_lines(struct ct_demo_loop *loop, struct listener *listener)
{
    for (;;) {
        int fd = accept4(listener->end.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        struct ct_demo_line *line = new_line(loop, fd, listener->calls, NULL);
        if (line) {
            line->owner = listener->owner_of(listener->context, line);
            if (!line->owner) {
                ct_demo_close(line);
            }
        }
    }
}

static bool address_of(const char *text, struct sockaddr_in *out)
{
    const char *colon = strrchr(text, ':');
    char host[ADDRESS_BYTES], *end;
    if (!colon || (size_t)(colon - text) >= sizeof host) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    unsigned long port = strtoul(colon + 1, &end, 10);
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return *end == '\0' && port && port <= UINT16_MAX && inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

struct ct_demo_line *ct_demo_connect(struct ct_demo_loop *loop, const char *address, const struct ct_demo_calls *calls,
                                     void *owner)
{
    struct sockaddr_in to;
    int fd = address_of(address, &to) ? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0) {
        return NULL;
    }
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
        close(fd);
        return NULL;
    }
    struct ct_demo_line *line = new_line(loop, fd, calls, owner);
    if (line) {
        line->connecting = true;
        watch(line);
    }
    return line;
}

enum ct_status ct_demo_listen(struct ct_demo_loop *loop, const struct ct_demo_calls *calls,
                              void *(*owner_of)(void *context, struct ct_demo_line *line), void *context, char *address,
                              struct ct_error *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    struct listener *listener = calloc(1, sizeof *listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (!listener || fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        goto failed;
    }
    *listener = (struct listener){{END_LISTENER, fd}, calls, owner_of, context, loop->listeners};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener->end};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        goto failed;
    }
    loop->listeners = listener;
    (void)snprintf(address, ADDRESS_BYTES, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return CT_OK;
failed:
    if (fd >= 0) {
        close(fd);
    }
    free(listener);
    return ct_error_set(err, CT_IO, "cannot listen on 127.0.0.1: %s", strerror(errno));
}

/* ---- the loop ---------------------------------------------------------------------------------- */

struct ct_demo_loop *ct_demo_loop_new(void)
{
    struct ct_demo_loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        return NULL;
    }
    pthread_mutex_init(&loop->lock, NULL);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = (struct end){END_WAKE, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &loop->wake};
    if (loop->epoll < 0 || loop->wake.fd < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake.fd, &event) != 0) {
        ct_demo_loop_free(loop);
        return NULL;
    }
    return loop;
}

static void bury_the_dead(struct ct_demo_loop *loop)
{
    while (loop->graves) {
        struct ct_demo_line *line = loop->graves;
        loop->graves = line->grave;
        free(line->in.at);
        free(line->out.at);
        free(line);
    }
}

void ct_demo_loop_free(struct ct_demo_loop *loop)
{
    if (!loop) {
        return;
    }
    while (loop->lines) {
        struct ct_demo_line *line = loop->lines;
        loop->lines = line->after;
        close(line->end.fd);
        line->grave = loop->graves;
        loop->graves = line;
    }
    bury_the_dead(loop);
    while (loop->listeners) {
        struct listener *listener = loop->listeners;
        loop->listeners = listener->next;
        close(listener->end.fd);
        free(listener);
    }
    if (loop->wake.fd >= 0) {
        close(loop->wake.fd);
    }
    if (loop->epoll >= 0) {
        close(loop->epoll);
    }
    pthread_mutex_destroy(&loop->lock);
    free(loop->timers);
    free(loop);
}

static void woken(struct ct_demo_loop *loop)
{
    uint64_t count;
    ssize_t got = read(loop->wake.fd, &count, sizeof count);
    pthread_mutex_lock(&loop->lock);
    void (*call)(void *to) = got > 0 ? loop->call : NULL;
    void *to = loop->call_to;
    loop->call = NULL;
    pthread_mutex_unlock(&loop->lock);
    if (call) {
        call(to);
    }
}

void ct_demo_loop_wake(struct ct_demo_loop *loop, void (*call)(void *to), void *to)
{
    uint64_t one = 1;
    pthread_mutex_lock(&loop->lock);
    loop->call = call;
    loop->call_to = to;
    pthread_mutex_unlock(&loop->lock);
    (void)!write(loop->wake.fd, &one, sizeof one);
}

void ct_demo_loop_end(struct ct_demo_loop *loop)
{
    loop->ended = true;
}

void ct_demo_loop_run(struct ct_demo_loop *loop)
{
    struct epoll_event events[EVENTS];
    while (!loop->ended) {
        int wait = fire_timers(loop);
        int count = loop->ended ? 0 : epoll_wait(loop->epoll, events, EVENTS, wait);
        for (int i = 0; i < count && !loop->ended; i++) {
            struct end *end = events[i].data.ptr;
            if (end->is == END_WAKE) {
                woken(loop);
            } else if (end->is == END_LISTENER) {
                accept_lines(loop, (struct listener *)(void *)end);
            } else {
                serve_line((struct ct_demo_line *)(void *)end, events[i].events);
            }
        }
        bury_the_dead(loop);
    }
}
