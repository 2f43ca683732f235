/* relay.c - a transparent reverse proxy with eyes: its thread, its listener, start and stop (relay.h). Called by
 * cli/serve.c. */
#include "plugin/relay/relay.h"
#include "plugin/relay/link.h"
#include "plugin/relay/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define ACCEPTS_MAX 64 /* in one turn */
#define BACKLOG 4096
/* How long the loop sleeps where there are deadlines, and where there is only memory to give back. */
#define TICK_SHORT_MS 50
#define TICK_LONG_MS 2000

struct ct_relay {
    struct ct_turn turn;
    struct ct_eyes_counts counts;
    struct ct_intake intake;
    unsigned connections_max;
    int listen_fd, wake_fd, spare_fd;
    struct ct_watch listen_watch, wake_watch;
    int64_t swept_usec;
    _Atomic int64_t stop_usec; /* steady clock: when open connections end; INT64_MAX = not stopping */
    bool listening, thread_runs;
    pthread_t thread;
    char *source, **paths, *unix_path;
    char address[CT_ADDRESS_TEXT];
};

static ct_usec usec_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (ct_usec)now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

static ct_usec wall_clock(void)
{
    return usec_of(CLOCK_REALTIME);
}

/* ---- the thread -------------------------------------------------------------------------- */

static void refuse(struct ct_relay *relay, const char *reason, int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* a reset: nobody is here for you */
    close(fd);
    atomic_fetch_add_explicit(&relay->turn.refused, 1, memory_order_relaxed);
    relay->intake.drop(relay->intake.context, reason, 1);
}

/* No descriptor is left: the spare one takes the caller in, only to send it away; otherwise it would wait for ever and
 * the listener would be ready for ever. */
static bool refuse_without_descriptor(struct ct_relay *relay)
{
    if (relay->spare_fd < 0) {
        return false;
    }
    close(relay->spare_fd);
    int fd = accept4(relay->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        refuse(relay, "relay_no_descriptors", fd);
    }
    relay->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void accept_some(struct ct_relay *relay)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(relay->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) {
                continue;
            }
            if ((errno == EMFILE || errno == ENFILE) && refuse_without_descriptor(relay)) {
                continue;
            }
            return;
        }
        if (relay->spare_fd < 0) { /* another thread was quicker when there were none */
            relay->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        }
        if (relay->turn.open >= relay->connections_max) {
            refuse(relay, "relay_too_many_connections", fd);
        } else {
            ct_link_accept(&relay->turn, fd);
        }
    }
}

static void stop_listening(struct ct_relay *relay)
{
    if (relay->listening) {
        relay->listening = false;
        close(relay->listen_fd); /* who still waits in its queue is reset */
        if (relay->unix_path) {
            unlink(relay->unix_path);
        }
    }
}

static int timeout_ms(const struct ct_relay *relay)
{
    const struct ct_turn *turn = &relay->turn;
    if (turn->again) {
        return 0;
    }
    if (turn->pending > 0 || !relay->listening) {
        return TICK_SHORT_MS;
    }
    if (turn->open == 0) {
        return -1;
    }
    return turn->idle_usec > 0 && turn->idle_usec < TICK_LONG_MS * 1000 ? TICK_SHORT_MS : TICK_LONG_MS;
}

static void *run(void *context)
{
    struct ct_relay *relay = context;
    struct ct_turn *turn = &relay->turn;
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int wait = timeout_ms(relay);
        int count = epoll_wait(turn->epoll_fd, events, EVENTS_MAX, wait);
        turn->steady_usec = usec_of(CLOCK_MONOTONIC_COARSE);
        turn->at = turn->now();
        bool accepting = false;
        ct_link_again(turn);
        for (int i = 0; i < count; i++) {
            struct ct_watch *watch = events[i].data.ptr;
            if (watch->kind == CT_WATCH_LISTENER) {
                accepting = true;
            } else if (watch->kind == CT_WATCH_WAKE) {
                uint64_t ignored;
                (void)!read(relay->wake_fd, &ignored, sizeof ignored);
            } else {
                ct_link_event(turn, watch, events[i].events);
            }
        }
        int64_t stop_usec = atomic_load_explicit(&relay->stop_usec, memory_order_relaxed);
        if (stop_usec != INT64_MAX) {
            stop_listening(relay);
        } else if (accepting) {
            accept_some(relay);
        }
        if (wait > 0 && turn->steady_usec - relay->swept_usec >= (int64_t)wait * 1000) {
            relay->swept_usec = turn->steady_usec;
            ct_link_sweep(turn);
        }
        ct_link_read_seen(turn);
        if (stop_usec != INT64_MAX && (turn->open == 0 || turn->steady_usec >= stop_usec)) {
            break;
        }
    }
    ct_link_close_all(turn);
    turn->again = NULL;
    for (struct ct_link *link = turn->gone; link; link = link->next) {
        link->in_again = false;
    }
    ct_link_read_seen(turn);
    return NULL;
}

/* ---- start ------------------------------------------------------------------------------- */

static bool copy_names(struct ct_relay *relay, const struct ct_relay_options *options)
{
    size_t count = 0;
    relay->source = strdup(options->source ? options->source : "");
    while (options->paths && options->paths[count]) {
        count++;
    }
    if (count > 0) {
        relay->paths = calloc(count + 1, sizeof *relay->paths);
    }
    bool good = relay->source && (count == 0 || relay->paths);
    for (size_t i = 0; good && i < count; i++) {
        relay->paths[i] = strdup(options->paths[i]);
        good = relay->paths[i] != NULL;
    }
    return good;
}

static size_t or_default(size_t value, size_t fallback)
{
    return value > 0 ? value : fallback;
}

static void take_options(struct ct_relay *relay, const struct ct_relay_options *options)
{
    struct ct_turn *turn = &relay->turn;
    size_t message_max = or_default(options->message_max, (size_t)1 << 20);
    turn->eyes = (struct ct_eyes_setup){
        .source = ct_span_of(relay->source),
        .client_is = options->client_is == CT_DIRECTION_OUT ? CT_DIRECTION_OUT : CT_DIRECTION_IN,
        .paths = (const char *const *)relay->paths,
        .websocket = options->websocket,
        .events = options->events,
        .http = options->http,
        .message_max = message_max < CT_TAPE_BYTES_MAX ? message_max : CT_TAPE_BYTES_MAX,
        .head_max = or_default(options->head_max, (size_t)64 << 10),
        .intake = &relay->intake,
        .counts = &relay->counts,
    };
    turn->reads = options->websocket || options->events || options->http;
    turn->buffer_bytes = or_default(options->buffer_bytes, (size_t)256 << 10);
    turn->connect_usec = options->connect_usec > 0 ? options->connect_usec : 10 * CT_USEC_PER_SECOND;
    turn->idle_usec = options->idle_usec;
    turn->now = options->now ? options->now : wall_clock;
    turn->upstream_verify = options->upstream_with.verify;
    relay->connections_max = (unsigned)or_default(options->connections_max, 10000);
}

static enum ct_status open_tls(struct ct_relay *relay, const struct ct_relay_options *options, struct ct_error *err)
{
    struct ct_turn *turn = &relay->turn;
    enum ct_status status = CT_OK;
    if (options->listen_tls) {
        status = ct_tls_listen(&options->listen_with, &turn->listen_tls, err);
    }
    if (status != CT_OK || !options->upstream_tls) {
        return status;
    }
    if (options->upstream_with.server_name) {
        size_t len = strlen(options->upstream_with.server_name);
        if (len >= sizeof turn->upstream_host) {
            return ct_error_set(err, CT_BAD_CONFIG, "server name: more than 255 bytes");
        }
        memcpy(turn->upstream_host, options->upstream_with.server_name, len + 1);
    } else if (!ct_address_host(options->upstream, turn->upstream_host)) {
        return ct_error_set(err, CT_BAD_CONFIG, "upstream: \"%s\": host:port, [IPv6]:port or unix:/path is due",
                            options->upstream);
    }
    return ct_tls_connect(&options->upstream_with, &turn->upstream_tls, err);
}

static bool watch(struct ct_relay *relay, int fd, struct ct_watch *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(relay->turn.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum ct_status open_sockets(struct ct_relay *relay, const struct ct_relay_options *options, struct ct_error *err)
{
    enum ct_status status = ct_address_listen(options->listen, BACKLOG, &relay->listen_fd, err);
    if (status != CT_OK) {
        return status;
    }
    relay->listening = true;
    ct_address_format(relay->listen_fd, relay->address);
    if (strncmp(options->listen, "unix:", 5) == 0) {
        relay->unix_path = strdup(options->listen + 5);
    }
    relay->listen_watch.kind = CT_WATCH_LISTENER;
    relay->wake_watch.kind = CT_WATCH_WAKE;
    relay->turn.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    relay->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    relay->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (relay->turn.epoll_fd < 0 || relay->wake_fd < 0 || relay->spare_fd < 0 ||
        !watch(relay, relay->listen_fd, &relay->listen_watch) || !watch(relay, relay->wake_fd, &relay->wake_watch)) {
        char why[128];
        return ct_error_set(err, CT_IO, "relay: %s", strerror_r(errno, why, sizeof why));
    }
    return CT_OK;
}

/* Its signals are the process's other threads' business; SIGPIPE would be OpenSSL's. */
static bool start_thread(struct ct_relay *relay)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return false;
    }
    relay->thread_runs = pthread_create(&relay->thread, NULL, run, relay) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return relay->thread_runs;
}

static void free_relay(struct ct_relay *relay)
{
    stop_listening(relay);
    int fds[] = {relay->turn.epoll_fd, relay->wake_fd, relay->spare_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    ct_upstream_close(relay->turn.upstream);
    SSL_CTX_free(relay->turn.listen_tls);
    SSL_CTX_free(relay->turn.upstream_tls);
    for (size_t i = 0; relay->paths && relay->paths[i]; i++) {
        free(relay->paths[i]);
    }
    free(relay->paths);
    free(relay->source);
    free(relay->unix_path);
    free(relay->turn.bytes);
    free(relay);
}

enum ct_status ct_relay_start(const struct ct_relay_options *options, const struct ct_intake *intake,
                              struct ct_relay **out, struct ct_error *err)
{
    *out = NULL;
    if (options->listen == NULL || options->upstream == NULL) {
        return ct_error_set(err, CT_BAD_CONFIG, "relay: an address to listen on and one of the gateway are due");
    }
    struct ct_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    relay->intake = *intake;
    relay->turn.epoll_fd = relay->listen_fd = relay->wake_fd = relay->spare_fd = -1;
    atomic_store(&relay->stop_usec, INT64_MAX);
    relay->turn.bytes = malloc(CT_TURN_BYTES);
    enum ct_status status = CT_NO_MEMORY;
    if (!copy_names(relay, options) || relay->turn.bytes == NULL) {
        ct_error_set(err, CT_NO_MEMORY, "out of memory");
        goto done;
    }
    take_options(relay, options);
    status = open_tls(relay, options, err);
    if (status == CT_OK) {
        status = ct_upstream_open(options->upstream, &relay->turn.upstream, err);
    }
    if (status == CT_OK) {
        status = open_sockets(relay, options, err);
    }
    if (status == CT_OK && !start_thread(relay)) {
        status = ct_error_set(err, CT_IO, "relay: cannot start a thread");
    }
done:
    if (status != CT_OK) {
        free_relay(relay);
        return status;
    }
    *out = relay;
    return CT_OK;
}

const char *ct_relay_address(const struct ct_relay *relay)
{
    return relay->address;
}

static uint64_t read_counter(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void ct_relay_stats(struct ct_relay *relay, struct ct_relay_stats *out)
{
    struct ct_turn *turn = &relay->turn;
    *out = (struct ct_relay_stats){
        .connections = read_counter(&turn->connections),
        .open = read_counter(&turn->open_now),
        .refused_connections = read_counter(&turn->refused),
        .upstream_failed = read_counter(&turn->upstream_failed),
        .bytes_in = read_counter(&turn->bytes_in),
        .bytes_out = read_counter(&turn->bytes_out),
        .messages_in = read_counter(&relay->counts.messages_in),
        .messages_out = read_counter(&relay->counts.messages_out),
        .unread_connections = read_counter(&relay->counts.unread),
    };
}

void ct_relay_end(struct ct_relay *relay, ct_usec grace_usec)
{
    if (relay->thread_runs) {
        uint64_t one = 1;
        atomic_store(&relay->stop_usec, usec_of(CLOCK_MONOTONIC_COARSE) + (grace_usec > 0 ? grace_usec : 0));
        (void)!write(relay->wake_fd, &one, sizeof one);
        pthread_join(relay->thread, NULL);
        relay->thread_runs = false;
    }
}

void ct_relay_stop(struct ct_relay *relay, ct_usec grace_usec)
{
    if (relay) {
        ct_relay_end(relay, grace_usec);
        free_relay(relay);
    }
}
