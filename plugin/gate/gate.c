/* gate.c - a door: start and stop, its thread, who is let in, wakes and ticks. What is said through it is read in
 * gate_http.c and gate_socket.c.
 *
 * One thread a gate runs one libuv loop with one libwebsockets context on it. Everything but ct_gate_wake and
 * ct_gate_stats happens there.
 */
#include "plugin/gate/gate_state.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_AT_ONCE 64
#define TICK_SHARE 10         /* a tick looks at one connection in so many ... */
#define TICK_LEAST 256        /* ... and at this many, in turn: thousands of idle ones cost next to nothing */
#define WAKE_SHARE 20         /* wakes take at most one part in so many of the thread's time ... */
#define WAKE_WAIT_MAX_MSEC 50 /* ... as long as nobody waits longer than this for it */

uint64_t gate_now(const struct ct_gate *gate)
{
    return uv_now(&gate->loop);
}

void gate_drop(struct ct_gate *gate, const char *reason)
{
    atomic_fetch_add_explicit(&gate->refused, 1, memory_order_relaxed);
    if (gate->options.drop)
        gate->options.drop(gate->options.drop_context, reason, 1);
}

void gate_log(const struct ct_gate *gate, const char *format, ...)
{
    if (!gate->options.log)
        return;
    char text[512], line[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(line, sizeof(line), "gate=%s %s", gate->options.name ? gate->options.name : "gate", text);
    gate->options.log(gate->options.log_context, line);
}

/* ---- connections ---- */

/* From any thread. Not libuv's async: who is woken by that spins until its sender has come out of the call, and where
 * both are on one processor the sender cannot before the spinning ends, 50 us later. */
static void ring(struct ct_gate *gate)
{
    (void)eventfd_write(gate->bell_file, 1);
}

void gate_doom(struct ct_gate_connection *c)
{
    if (c->doomed)
        return;
    c->doomed = true;
    c->doomed_next = c->gate->doomed;
    c->gate->doomed = c;
    ring(c->gate);
}

void gate_hold(struct ct_gate_connection *c, const char *bytes, size_t len, size_t most)
{
    if (len == 0)
        return;
    char *grown = c->held_len + len > most ? NULL : realloc(c->held, c->held_len + len);
    if (!grown) {
        gate_drop(c->gate, "gate_no_memory");
        gate_doom(c);
        return;
    }
    memcpy(grown + c->held_len, bytes, len);
    c->held = grown;
    c->held_len += len;
}

void gate_pause(struct ct_gate_connection *c, bool pause)
{
    if (c->paused == pause)
        return;
    c->paused = pause;
    if (lws_rx_flow_control(c->wsi, pause ? 0 : 1) < 0)
        gate_doom(c);
}

void gate_ready(struct ct_gate_connection *c)
{
    if (c->ready)
        return;
    struct ct_gate *gate = c->gate;
    c->ready = true;
    c->ready_previous = NULL;
    c->ready_next = gate->ready;
    if (gate->ready)
        gate->ready->ready_previous = c;
    gate->ready = c;
}

static void unready(struct ct_gate_connection *c)
{
    if (!c->ready)
        return;
    c->ready = false;
    if (c->ready_previous)
        c->ready_previous->ready_next = c->ready_next;
    else
        c->gate->ready = c->ready_next;
    if (c->ready_next)
        c->ready_next->ready_previous = c->ready_previous;
}

static void connection_free(struct ct_gate_connection *c)
{
    struct ct_gate *gate = c->gate;
    gate_socket_done(c);
    gate_http_done(c);
    gate_queue_free(c);
    free(c->held);
    unready(c);
    for (struct ct_gate_connection **at = &gate->doomed; c->doomed && !c->reaped && *at; at = &(*at)->doomed_next) {
        if (*at == c) {
            *at = c->doomed_next;
            break;
        }
    }
    if (gate->tick_at == c)
        gate->tick_at = c->next;
    if (c->previous)
        c->previous->next = c->next;
    else
        gate->all = c->next;
    if (c->next)
        c->next->previous = c->previous;
    atomic_fetch_sub_explicit(&gate->open, 1, memory_order_relaxed);
    free(c);
}

static void take_in(struct ct_gate *gate, int socket)
{
    struct ct_gate_connection *c = calloc(1, sizeof(*c));
    if (!c) {
        gate_drop(gate, "gate_no_memory");
        close(socket);
        return;
    }
    c->gate = gate;
    c->since = gate_now(gate);
    lws_sock_file_fd_type descriptor = {.sockfd = socket};
    c->wsi = lws_adopt_descriptor_vhost(gate->vhost, LWS_ADOPT_SOCKET | (gate->tls ? LWS_ADOPT_ALLOW_SSL : 0),
                                        descriptor, "convtap-gate", NULL);
    if (!c->wsi) {
        gate_drop(gate, "gate_accept_failed"); /* the library has closed the socket */
        free(c);
        return;
    }
    lws_set_opaque_user_data(c->wsi, c);
    c->next = gate->all;
    if (gate->all)
        gate->all->previous = c;
    gate->all = c;
    atomic_fetch_add_explicit(&gate->connections, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&gate->open, 1, memory_order_relaxed);
}

static void on_listener(uv_poll_t *listener, int status, int events)
{
    struct ct_gate *gate = listener->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int socket = accept4(gate->listen_socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                gate_drop(gate, "gate_no_descriptors");
                uv_poll_stop(&gate->listener); /* the tick listens again */
                gate->listening = false;
                gate->no_accept_before = gate_now(gate) + 200;
            }
            return;
        }
        if (atomic_load_explicit(&gate->open, memory_order_relaxed) >= gate->options.connections_max) {
            static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
                                       "Connection: close\r\n\r\n";
            gate_drop(gate, "gate_connections_max");
            if (!gate->tls && send(socket, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
                shutdown(socket, SHUT_WR);
            close(socket);
            continue;
        }
        take_in(gate, socket);
    }
}

/* ---- what the library says ---- */

static void on_bytes(struct ct_gate_connection *c, char *bytes, size_t len)
{
    if (c->doomed)
        return;
    c->heard = c->at == CT_AT_READING && !c->heard ? 0 : gate_now(c->gate);
    switch (c->at) {
    case CT_AT_READING:
    case CT_AT_WAITING:
        gate_http_bytes(c, bytes, len);
        break;
    case CT_AT_SOCKET:
    case CT_AT_CLOSING:
        gate_socket_bytes(c, bytes, len);
        break;
    case CT_AT_ENDING:
        break; /* passed over */
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    struct ct_gate_connection *c = lws_get_opaque_user_data(wsi);
    if (!c)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_RAW_RX:
        on_bytes(c, in, len);
        return 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
        gate_writable(c);
        return 0;
    case LWS_CALLBACK_RAW_CLOSE:
        lws_set_opaque_user_data(wsi, NULL);
        connection_free(c);
        return 0;
    default:
        return 0;
    }
}

/* ---- wakes, ticks ---- */

static void reap(struct ct_gate *gate)
{
    bool any = gate->doomed != NULL;
    while (gate->doomed) {
        struct ct_gate_connection *c = gate->doomed;
        gate->doomed = c->doomed_next;
        c->doomed_next = NULL;
        c->reaped = true; /* no longer in that list: thousands that go at once are not looked for in it */
        gate_queue_free(c);
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    }
    if (any)
        lws_cancel_service(gate->context); /* so that the library looks at its own timers */
}

/* Everybody who wants to hear of it, once; who still wants to asks again. */
static void wake_all(struct ct_gate *gate)
{
    struct ct_gate_connection *list = gate->ready, *next;
    gate->ready = NULL;
    for (struct ct_gate_connection *c = list; c; c = next) {
        next = c->ready_next;
        c->ready = false; /* now, not before: one that asks before its turn comes has it anyway */
        if (c->doomed)
            continue;
        if (c->at == CT_AT_WAITING)
            gate_http_woken(c);
        else
            gate_socket_woken(c);
    }
}

static void offer_again(struct ct_gate *gate)
{
    for (struct ct_gate_connection *c = gate->stalling ? gate->all : NULL; c; c = c->next)
        if (c->stalled && !c->doomed)
            gate_socket_again(c);
}

/* Tokens are others than those that open WebSockets came with. */
static void check_again(struct ct_gate *gate)
{
    uint64_t generation = ct_access_generation(gate->options.access);
    if (generation == gate->access_seen)
        return;
    gate->access_seen = generation;
    for (struct ct_gate_connection *c = gate->all; c; c = c->next)
        if (!c->doomed)
            gate_check_again(c);
}

static void on_pace(uv_timer_t *pace);

static void wake(struct ct_gate *gate)
{
    uint64_t now = gate_now(gate);
    if (now < gate->no_wake_before) {
        if (!gate->pacing)
            gate->pacing = uv_timer_start(&gate->pace, on_pace, gate->no_wake_before - now, 0) == 0;
        return;
    }
    atomic_store(&gate->woken, false); /* before looking: what comes now wakes again */
    uint64_t began = uv_hrtime();
    check_again(gate);
    wake_all(gate);
    offer_again(gate);
    uint64_t wait = (uv_hrtime() - began) * WAKE_SHARE / 1000000;
    gate->no_wake_before = now + (wait > WAKE_WAIT_MAX_MSEC ? WAKE_WAIT_MAX_MSEC : wait);
}

static void on_pace(uv_timer_t *pace)
{
    struct ct_gate *gate = pace->data;
    gate->pacing = false;
    wake(gate);
    reap(gate);
}

void ct_gate_wake(struct ct_gate *gate)
{
    if (atomic_load_explicit(&gate->open, memory_order_relaxed) && /* where nobody is, nobody waits */
        !atomic_load_explicit(&gate->woken, memory_order_relaxed) && !atomic_exchange(&gate->woken, true))
        ring(gate);
}

static void begin_closing(struct ct_gate *gate)
{
    gate->closing = true;
    gate->closing_until = gate_now(gate) + (uint64_t)atomic_load(&gate->grace_usec) / 1000;
    if (gate->listening)
        uv_poll_stop(&gate->listener);
    gate->listening = false;
    for (struct ct_gate_connection *c = gate->all; c; c = c->next) {
        if (c->at == CT_AT_SOCKET)
            ct_gate_close(c, 1001, "going away");
        else if (c->at == CT_AT_READING && !c->head)
            gate_doom(c);
    }
}

static void on_bell(uv_poll_t *bell, int status, int events)
{
    struct ct_gate *gate = bell->data;
    eventfd_t rung;
    (void)status;
    (void)events;
    (void)eventfd_read(gate->bell_file, &rung);
    uv_update_time(&gate->loop);
    if (atomic_load(&gate->stopping) && !gate->closing)
        begin_closing(gate);
    if (atomic_load(&gate->woken))
        wake(gate);
    reap(gate);
    if (gate->closing && !gate->all)
        uv_stop(&gate->loop);
}

static void tick_connection(struct ct_gate_connection *c)
{
    uint64_t now = gate_now(c->gate), stuck = (uint64_t)c->gate->options.idle_usec / 2000;
    if (c->out_first || c->writable_asked) {
        if (now - c->progress >= stuck) {
            gate_drop(c->gate, "gate_slow_peer");
            gate_doom(c);
            return;
        }
    }
    switch (c->at) {
    case CT_AT_READING:
    case CT_AT_WAITING:
        gate_http_tick(c);
        break;
    case CT_AT_SOCKET:
    case CT_AT_CLOSING:
        gate_socket_tick(c);
        break;
    case CT_AT_ENDING:
        if (c->shut && now - c->since >= CT_LINGER_MSEC)
            gate_doom(c);
        break;
    }
}

static void on_tick(uv_timer_t *tick)
{
    struct ct_gate *gate = tick->data;
    uint64_t open = atomic_load_explicit(&gate->open, memory_order_relaxed), most = open / TICK_SHARE + TICK_LEAST;
    for (most = most < open ? most : open; most; most--) {
        struct ct_gate_connection *c = gate->tick_at ? gate->tick_at : gate->all;
        gate->tick_at = c->next;
        if (!c->doomed)
            tick_connection(c);
    }
    offer_again(gate);
    if (!gate->closing && !gate->listening && gate_now(gate) >= gate->no_accept_before)
        gate->listening = uv_poll_start(&gate->listener, UV_READABLE, on_listener) == 0;
    reap(gate);
    uv_timer_set_repeat(&gate->tick, gate->stalling ? CT_AGAIN_MSEC : CT_TICK_MSEC);
    if (gate->closing && (!gate->all || gate_now(gate) >= gate->closing_until))
        uv_stop(&gate->loop);
}

/* ---- start, stop ---- */

static const struct lws_protocols protocols[] = {{.name = "convtap-gate", .callback = on_event}, {0}};

static void *run(void *context)
{
    struct ct_gate *gate = context;
    uv_run(&gate->loop, UV_RUN_DEFAULT);
    for (struct ct_gate_connection *c = gate->all; c; c = c->next)
        gate_doom(c);
    reap(gate);
    return NULL;
}

static void close_handle(uv_handle_t *handle)
{
    if (handle->loop && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Everything that start made, however far it came. */
static void tear_down(struct ct_gate *gate)
{
    close_handle((uv_handle_t *)&gate->tick);
    close_handle((uv_handle_t *)&gate->pace);
    close_handle((uv_handle_t *)&gate->listener);
    close_handle((uv_handle_t *)&gate->bell);
    if (gate->context) {
        lws_context_destroy(gate->context);
        uv_run(&gate->loop, UV_RUN_DEFAULT); /* the library's handles close */
        lws_context_destroy(gate->context);
    }
    if (gate->loop.data) {
        uv_run(&gate->loop, UV_RUN_DEFAULT);
        uv_loop_close(&gate->loop);
    }
    if (gate->listen_socket >= 0)
        close(gate->listen_socket);
    if (gate->bell_file >= 0)
        close(gate->bell_file);
    free(gate->scratch);
    free(gate);
}

static enum ct_status make_context(struct ct_gate *gate, struct ct_error *err)
{
    const struct ct_gate_options *options = &gate->options;
    void *loops[1] = {&gate->loop};
    lws_set_log_level(0, NULL); /* what goes wrong comes back as statuses */
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .pt_serv_buf_size = CT_READ_BYTES,
        .user = gate,
        .gid = -1,
        .uid = -1,
    };
    gate->context = lws_create_context(&info);
    if (!gate->context)
        return ct_error_set(err, CT_IO,
                            "gate %s: libwebsockets has no libuv loop (package libwebsockets-evlib-uv) or no memory",
                            options->name);
    struct lws_context_creation_info host = {.port = gate->tls ? CONTEXT_PORT_NO_LISTEN_SERVER : CONTEXT_PORT_NO_LISTEN,
                                             .vhost_name = "convtap",
                                             .protocols = protocols,
                                             .user = gate,
                                             .options = gate->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
                                             .ssl_cert_filepath = options->certificate,
                                             .ssl_private_key_filepath = options->key};
    gate->vhost = lws_create_vhost(gate->context, &host);
    if (!gate->vhost)
        return ct_error_set(err, CT_BAD_CONFIG, "gate %s: %s%s", options->name,
                            gate->tls ? "cannot use the certificate or key: PEM files that belong together are due: "
                                      : "no memory",
                            gate->tls ? options->certificate : "");
    return CT_OK;
}

static enum ct_status make_handles(struct ct_gate *gate, struct ct_error *err)
{
    gate->bell_file = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (gate->bell_file < 0 || uv_poll_init(&gate->loop, &gate->bell, gate->bell_file) ||
        uv_timer_init(&gate->loop, &gate->tick) || uv_timer_init(&gate->loop, &gate->pace) ||
        uv_poll_init(&gate->loop, &gate->listener, gate->listen_socket))
        return ct_error_set(err, CT_IO, "gate %s: no more handles", gate->options.name);
    gate->bell.data = gate->tick.data = gate->pace.data = gate->listener.data = gate;
    if (uv_timer_start(&gate->tick, on_tick, CT_TICK_MSEC, CT_TICK_MSEC) ||
        uv_poll_start(&gate->bell, UV_READABLE, on_bell) || uv_poll_start(&gate->listener, UV_READABLE, on_listener))
        return ct_error_set(err, CT_IO, "gate %s: cannot watch its socket", gate->options.name);
    gate->listening = true;
    return CT_OK;
}

static void set_defaults(struct ct_gate_options *options)
{
    options->name = options->name ? options->name : "gate";
    options->connections_max = options->connections_max ? options->connections_max : 20000;
    options->message_max = options->message_max ? options->message_max : 4u << 20;
    options->header_usec = options->header_usec > 0 ? options->header_usec : 10 * CT_USEC_PER_SECOND;
    options->idle_usec = options->idle_usec > 0 ? options->idle_usec : 60 * CT_USEC_PER_SECOND;
    options->patience_usec = options->patience_usec > 0 ? options->patience_usec : 5 * CT_USEC_PER_SECOND;
}

enum ct_status ct_gate_start(const struct ct_gate_options *options, struct ct_gate **out, struct ct_error *err)
{
    *out = NULL;
    struct ct_gate *gate = calloc(1, sizeof(*gate));
    if (!gate)
        return ct_error_set(err, CT_NO_MEMORY, "no memory for a gate");
    gate->options = *options;
    set_defaults(&gate->options);
    gate->listen_socket = gate->bell_file = -1;
    gate->tls = options->certificate != NULL;
    enum ct_status status = CT_OK;
    if ((options->certificate == NULL) != (options->key == NULL)) {
        status = ct_error_set(err, CT_BAD_CONFIG, "gate %s: certificate and key are due together", gate->options.name);
        goto done;
    }
    gate->scratch = malloc(CT_ROOM_BEFORE + CT_READ_BYTES);
    if (!gate->scratch || uv_loop_init(&gate->loop)) {
        status = ct_error_set(err, CT_NO_MEMORY, "gate %s: no memory or no descriptors for a loop", gate->options.name);
        goto done;
    }
    gate->loop.data = gate;
    status = gate_listen(gate, err);
    if (status == CT_OK)
        status = make_context(gate, err);
    if (status == CT_OK)
        status = make_handles(gate, err);
    if (status != CT_OK)
        goto done;
    if (pthread_create(&gate->thread, NULL, run, gate)) {
        status = ct_error_set(err, CT_LIMIT, "gate %s: no thread to be had", gate->options.name);
        goto done;
    }
    gate_log(gate, "event=listening address=%s tls=%s", gate->address, gate->tls ? "yes" : "no");
    *out = gate;
    gate = NULL;
done:
    if (gate)
        tear_down(gate);
    return status;
}

const char *ct_gate_address(const struct ct_gate *gate)
{
    return gate->address;
}

void ct_gate_stats(struct ct_gate *gate, struct ct_gate_stats *out)
{
    *out = (struct ct_gate_stats){
        .connections = atomic_load_explicit(&gate->connections, memory_order_relaxed),
        .open = atomic_load_explicit(&gate->open, memory_order_relaxed),
        .open_websockets = atomic_load_explicit(&gate->open_websockets, memory_order_relaxed),
        .requests = atomic_load_explicit(&gate->requests, memory_order_relaxed),
        .messages = atomic_load_explicit(&gate->messages, memory_order_relaxed),
        .refused = atomic_load_explicit(&gate->refused, memory_order_relaxed),
    };
}

void ct_gate_end(struct ct_gate *gate, ct_usec grace_usec)
{
    atomic_store(&gate->grace_usec, grace_usec > 0 ? grace_usec : 0);
    if (atomic_exchange(&gate->stopping, true))
        return;
    ring(gate);
    pthread_join(gate->thread, NULL);
    close(gate->listen_socket); /* nobody is to wait in its queue */
    gate->listen_socket = -1;
    gate_log(gate, "event=closed");
}

void ct_gate_stop(struct ct_gate *gate, ct_usec grace_usec)
{
    if (gate) {
        ct_gate_end(gate, grace_usec);
        tear_down(gate);
    }
}
