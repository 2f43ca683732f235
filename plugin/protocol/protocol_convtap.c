/* protocol_convtap.c - libprotocol_convtap.so: the subprotocol convtap.v1 for any libwebsockets server.
 *
 * The server loads it with lws_plugins_init() (class "lws_protocol_plugin") and enables it on a vhost with the option
 * "config": a configuration file of convtap (docs/embed.md), "" = the defaults. A vhost without that option has no tap
 * and takes no connections; each other has one of its own. What the subprotocol says is gate/ingest.c's, the state
 * machine that `convtap serve` drives too; here it is carried by libwebsockets' own WebSocket role, on its service
 * thread. plugin/example/host.c shows a server that loads it.
 */
#include <arpa/inet.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "cli/secrets.h"
#include "cli/serve_config.h"
#include "cli/serve_tap.h"
#include "plugin/gate/ingest.h"

enum {
    QUEUE_BYTES_MAX = 1 << 18,
    REFUSED_ROOM = 64 << 10, /* a payload a little too long is refused by number, not with 1009 */
    RETRY_USEC = 20000,
    PATIENCE_USEC = 5000000,
    CLOSE_SECONDS = 5,
    HEADER_BYTES_MAX = 1024
};

struct text { /* one that waits to be written */
    struct text *next;
    size_t len;
    unsigned char room[LWS_PRE];
    char bytes[];
};

struct session {
    struct ct_ingest_session ingest;
    struct session *next; /* of the vhost's */
    struct lws *wsi;
    struct text *first, **last;
    size_t queued_bytes;
    char *message; /* a message that came in pieces, or one that is to be offered again */
    size_t message_len, message_capacity;
    int close_code; /* 0 = stays open */
    const char *close_reason;
    lws_usec_t again_since; /* not 0: the message is whole and was not taken yet */
    bool expecting;         /* a commit */
};

struct vhost {
    struct ct_config config;
    struct ct_setups *setups;
    struct ct_access *access;
    struct ct_tap *tap;
    struct ct_ingest *ingest;
    struct session *sessions;
    size_t session_count;
    const struct ct_door_settings *door; /* the intake's: what of it concerns a connection */
    bool open;                           /* no token is asked for: then only this machine may come */
    char setup_hash[65];
};

/* ---- what the state machine calls ------------------------------------------------------------------- */

/* Once what is queued is written; nothing more is read. A peer that does not read is dropped after a while. */
static void close_later(struct session *s, int code, const char *reason)
{
    if (s->close_code) {
        return;
    }
    s->close_code = code;
    s->close_reason = reason;
    lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSE_SECONDS);
    lws_callback_on_writable(s->wsi);
}

static bool peer_send(void *peer, ct_span text)
{
    struct session *s = peer;
    struct text *item = s->queued_bytes + text.len <= QUEUE_BYTES_MAX ? malloc(sizeof *item + text.len) : NULL;
    if (!item) {
        close_later(s, 1013, "too slow");
        return false;
    }
    item->next = NULL;
    item->len = text.len;
    memcpy(item->bytes, text.at, text.len);
    *s->last = item;
    s->last = &item->next;
    s->queued_bytes += text.len;
    lws_callback_on_writable(s->wsi);
    return true;
}

static void peer_close(void *peer, int code, const char *reason)
{
    close_later(peer, code, reason);
}

static void peer_expect(void *peer)
{
    ((struct session *)peer)->expecting = true;
}

static const struct ct_ingest_peer peer_calls = {peer_send, peer_close, peer_expect};

/* From the tape's thread. */
static void on_commit(void *context, uint64_t position)
{
    (void)position;
    lws_cancel_service(context);
}

static void on_log(void *context, const char *line)
{
    (void)context;
    lwsl_notice("convtap: %s\n", line);
}

static void drop(const struct vhost *v, const char *reason)
{
    const struct ct_intake *intake = ct_tap_intake(v->tap);
    intake->drop(intake->context, reason, 1);
}

/* ---- a vhost ------------------------------------------------------------------------------------------ */

static const struct ct_command self = {.name = "plugin", .summary = ""};

static void vhost_done(struct vhost *v)
{
    ct_ingest_free(v->ingest);
    ct_tap_stop(v->tap);
    ct_setups_free(v->setups);
    ct_access_close(v->access);
    ct_config_close(&v->config);
    memset(v, 0, sizeof *v);
}

static enum ct_status start(struct vhost *v, struct lws_context *context, struct ct_error *err)
{
    const struct ct_serve_tap_calls calls = {.on_commit = on_commit, .log = on_log, .context = context};
    v->setups = ct_setups_new();
    enum ct_status status = v->setups ? ct_serve_access(&v->config, &v->access, err) : CT_NO_MEMORY;
    if (status == CT_OK) {
        status = ct_serve_tap_start(&v->config, v->setups, &calls, v->setup_hash, &v->tap, err);
    }
    if (status != CT_OK) {
        return status;
    }
    v->door = ct_config_part(&v->config, CT_SECTION_INTAKE, 0);
    v->open = ct_serve_is_open(v->door, v->access);
    v->ingest = ct_ingest_new(&(struct ct_ingest_options){.intake = ct_tap_intake(v->tap),
                                                          .now = ct_serve_now,
                                                          .payload_max = v->door->message_max,
                                                          .known = ct_serve_knows,
                                                          .known_context = &v->config});
    return v->ingest ? CT_OK : CT_NO_MEMORY;
}

/* 0, or -1: then the server does not start, rather than with a tap that records nothing. */
static int vhost_begin(struct vhost *v, struct lws_context *context, const struct lws_protocol_vhost_options *options)
{
    struct ct_session_arguments arguments = CT_SESSION_DEFAULTS;
    const struct lws_protocol_vhost_options *option = options ? lws_pvo_search(options, "config") : NULL;
    struct ct_error err = {0};
    if (!option || !option->value) {
        return 0; /* it is not enabled here */
    }
    arguments.config = *option->value ? option->value : NULL;
    bool read = ct_config_open(&v->config, &self, &arguments) < 0;
    enum ct_status status = read ? start(v, context, &err) : CT_BAD_CONFIG;
    const struct ct_error *what = read ? &err : &v->config.first;
    if (status != CT_OK) {
        const char *text = what->text[0] ? what->text : ct_status_text(status);
        if (what->line) {
            lwsl_err("convtap: %s:%u:%u: %s\n", what->file, what->line, what->column, text);
        } else {
            lwsl_err("convtap: %s\n", text);
        }
        vhost_done(v);
        return -1;
    }
    return 0;
}

/* ---- a connection --------------------------------------------------------------------------------------- */

/* at NULL = it is not there; *bad = too long. */
static ct_span header(struct lws *wsi, enum lws_token_indexes token, char text[HEADER_BYTES_MAX], bool *bad)
{
    if (lws_hdr_total_length(wsi, token) <= 0) {
        return CT_SPAN_NONE;
    }
    int len = lws_hdr_copy(wsi, text, HEADER_BYTES_MAX, token);
    *bad |= len < 0;
    return (ct_span){text, len < 0 ? 0 : (size_t)len};
}

/* Does the peer sit on this machine? */
static bool is_near(struct lws *wsi)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } peer;
    socklen_t len = sizeof peer;
    if (getpeername(lws_get_socket_fd(wsi), &peer.any, &len) != 0) {
        return false;
    }
    const uint8_t *v6 = peer.v6.sin6_addr.s6_addr;
    return peer.any.sa_family == AF_UNIX ||
           (peer.any.sa_family == AF_INET && ntohl(peer.v4.sin_addr.s_addr) >> 24 == 127) ||
           (peer.any.sa_family == AF_INET6 &&
            (IN6_IS_ADDR_LOOPBACK(&peer.v6.sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr) && v6[12] == 127)));
}

/* 0, or the status of the refusal and *reason, which is counted. */
static unsigned check_token(const struct vhost *v, struct lws *wsi, const char **reason)
{
    static const char bearer[] = "Bearer ";
    enum { BEARER = sizeof bearer - 1 };
    char text[HEADER_BYTES_MAX];
    bool bad = false;
    ct_span given = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text, &bad);
    *reason = "gate_no_token";
    if (bad || given.len <= BEARER || strncasecmp(given.at, bearer, BEARER) != 0) {
        return HTTP_STATUS_UNAUTHORIZED;
    }
    struct ct_principal who;
    bool known = ct_access_check(v->access, (ct_span){text + BEARER, given.len - BEARER}, &who);
    explicit_bzero(text, sizeof text);
    *reason = known ? "gate_no_scope" : "gate_bad_token";
    return !known ? HTTP_STATUS_UNAUTHORIZED : who.scopes & (1u << CT_SCOPE_INGEST) ? 0 : HTTP_STATUS_FORBIDDEN;
}

/* What libwebsockets lets pass: upgrades by POST, version 8, every origin. */
static unsigned check(const struct vhost *v, struct lws *wsi, const char **reason)
{
    char version_text[HEADER_BYTES_MAX], host_text[HEADER_BYTES_MAX], origin_text[HEADER_BYTES_MAX];
    bool bad = false;
    ct_span version = header(wsi, WSI_TOKEN_VERSION, version_text, &bad);
    ct_span host = header(wsi, WSI_TOKEN_HOST, host_text, &bad);
    ct_span origin = header(wsi, WSI_TOKEN_ORIGIN, origin_text, &bad);
    *reason = "gate_upgrade_refused";
    if (bad || !ct_span_is(version, "13") || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0) {
        return HTTP_STATUS_BAD_REQUEST;
    }
    *reason = "gate_foreign_host";
    if (v->open && (!is_near(wsi) || (host.len && !ct_host_is_loopback(host)))) {
        return HTTP_STATUS_FORBIDDEN;
    }
    *reason = "gate_foreign_origin";
    if (!ct_origin_is_allowed(origin, host, v->door->origins, lws_is_ssl(wsi))) {
        return HTTP_STATUS_FORBIDDEN;
    }
    *reason = "gate_connections_max";
    if (v->session_count >= v->door->connections_max) {
        return HTTP_STATUS_SERVICE_UNAVAILABLE;
    }
    return v->open ? 0 : check_token(v, wsi, reason);
}

static int may_connect(const struct vhost *v, struct lws *wsi)
{
    const char *reason;
    unsigned status = check(v, wsi, &reason);
    if (status) {
        drop(v, reason);
        (void)lws_return_http_status(wsi, status, NULL);
        return -1;
    }
    return 0;
}

static void session_begin(struct vhost *v, struct session *s, struct lws *wsi)
{
    memset(s, 0, sizeof *s);
    s->wsi = wsi;
    s->last = &s->first;
    s->next = v->sessions;
    v->sessions = s;
    v->session_count++;
    ct_ingest_begin(&s->ingest, &peer_calls, s);
}

static void session_end(struct vhost *v, struct session *s)
{
    struct session **at = &v->sessions;
    while (*at && *at != s) {
        at = &(*at)->next;
    }
    if (!*at) {
        return; /* it never began */
    }
    *at = s->next;
    v->session_count--;
    ct_ingest_end(v->ingest, &s->ingest);
    for (struct text *next; s->first; s->first = next) {
        next = s->first->next;
        free(s->first);
    }
    free(s->message);
    s->message = NULL;
}

/* Room for `len` bytes of the message that is coming. */
static bool has_room(struct session *s, size_t len)
{
    size_t capacity = s->message_capacity ? s->message_capacity : 4096;
    while (capacity < len) {
        capacity *= 2;
    }
    char *more = capacity == s->message_capacity ? s->message : realloc(s->message, capacity);
    if (more) {
        s->message = more;
        s->message_capacity = capacity;
    }
    return more != NULL;
}

/* What cannot be taken now is kept, and nothing more is read until it is. */
static void keep(struct vhost *v, struct session *s, ct_span bytes)
{
    if (bytes.at != s->message) {
        if (!has_room(s, bytes.len)) {
            close_later(s, 1013, "out of memory");
            return;
        }
        if (bytes.len) {
            memcpy(s->message, bytes.at, bytes.len);
        }
        s->message_len = bytes.len;
    }
    if (!s->again_since) {
        s->again_since = lws_now_usecs();
        lws_rx_flow_control(s->wsi, 0);
    } else if (lws_now_usecs() - s->again_since >= PATIENCE_USEC) {
        drop(v, "gate_intake_full");
        close_later(s, 1013, "try again");
        return;
    }
    lws_set_timer_usecs(s->wsi, RETRY_USEC);
}

/* A whole message. */
static void offer(struct vhost *v, struct session *s, ct_span bytes)
{
    int code = ct_ingest_message(v->ingest, &s->ingest, bytes, lws_frame_is_binary(s->wsi) != 0);
    if (code == CT_INGEST_AGAIN) {
        keep(v, s, bytes);
        return;
    }
    if (s->again_since) {
        s->again_since = 0;
        lws_rx_flow_control(s->wsi, 1);
    }
    free(s->message);
    s->message = NULL;
    s->message_len = s->message_capacity = 0;
    if (code) {
        close_later(s, code, NULL);
    }
}

/* Mostly a message is one piece, and goes on without a copy. */
static void receive(struct vhost *v, struct session *s, const char *bytes, size_t len)
{
    bool last = lws_is_final_fragment(s->wsi) && lws_remaining_packet_payload(s->wsi) == 0;
    if (s->again_since) {
        close_later(s, 1013, "try again"); /* nothing is read meanwhile; were it so, nothing may be mixed up */
        return;
    }
    if (s->message_len + len > v->door->message_max + REFUSED_ROOM) {
        drop(v, "gate_message_too_big");
        close_later(s, 1009, "message too long");
        return;
    }
    if (last && !s->message_len) {
        offer(v, s, (ct_span){bytes, len});
        return;
    }
    if (!has_room(s, s->message_len + len)) {
        close_later(s, 1013, "out of memory");
        return;
    }
    if (len) {
        memcpy(s->message + s->message_len, bytes, len);
    }
    s->message_len += len;
    if (last) {
        offer(v, s, (ct_span){s->message, s->message_len});
    }
}

/* One write a call, as the library wants it. */
static int write_one(struct session *s)
{
    struct text *item = s->first;
    if (item) {
        s->first = item->next;
        s->last = s->first ? s->last : &s->first;
        s->queued_bytes -= item->len;
        int written = lws_write(s->wsi, (unsigned char *)item->bytes, item->len, LWS_WRITE_TEXT);
        size_t len = item->len;
        free(item);
        if (written < (int)len) {
            return -1;
        }
    }
    if (s->first) {
        lws_callback_on_writable(s->wsi);
    } else if (s->close_code) {
        lws_set_timer_usecs(s->wsi, 1); /* from here the library would close without a close frame */
    }
    return 0;
}

/* -1 = it closes, with what was said to be the reason. */
static int on_timer(struct vhost *v, struct session *s)
{
    if (s->close_code && !s->first) {
        lws_close_reason(s->wsi, (enum lws_close_status)s->close_code, (unsigned char *)(uintptr_t)s->close_reason,
                         s->close_reason ? strlen(s->close_reason) : 0);
        return -1;
    }
    if (s->again_since && !s->close_code) {
        offer(v, s, (ct_span){s->message, s->message_len});
    }
    return 0;
}

/* After a commit: acknowledgements, and what was to be offered again. */
static void wake(struct vhost *v)
{
    for (struct session *s = v->sessions; s; s = s->next) {
        if (s->expecting) {
            s->expecting = false;
            ct_ingest_woken(v->ingest, &s->ingest);
        }
        if (s->again_since) {
            lws_set_timer_usecs(s->wsi, 1);
        }
    }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct session *s = user;
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    struct lws_vhost *vh = lws_get_vhost(wsi);
    struct vhost *v = protocol && vh ? lws_protocol_vh_priv_get(vh, protocol) : NULL;
    switch ((int)reason) {
    case LWS_CALLBACK_PROTOCOL_INIT:
        v = lws_protocol_vh_priv_zalloc(vh, protocol, sizeof *v);
        return v ? vhost_begin(v, lws_get_context(wsi), in) : -1;
    case LWS_CALLBACK_PROTOCOL_DESTROY:
        if (v && v->tap) {
            vhost_done(v);
        }
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return v && v->tap ? may_connect(v, wsi) : -1;
    case LWS_CALLBACK_ESTABLISHED:
        session_begin(v, s, wsi);
        return 0;
    case LWS_CALLBACK_CLOSED:
        session_end(v, s);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        receive(v, s, in, len);
        return 0;
    case LWS_CALLBACK_TIMER:
        return on_timer(v, s);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_one(s);
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (v && v->tap) {
            wake(v);
        }
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {{.name = CT_INGEST_PROTOCOL,
                                                  .callback = callback,
                                                  .per_session_data_size = sizeof(struct session),
                                                  .rx_buffer_size = 16384}};

/* The one symbol that a plugin exports, named after its file. */
__attribute__((visibility("default"))) const lws_plugin_protocol_t convtap = {
    .hdr = {.name = "convtap", ._class = "lws_protocol_plugin", .api_magic = LWS_PLUGIN_API_MAGIC},
    .protocols = protocols,
    .count_protocols = 1};
