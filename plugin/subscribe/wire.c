/* wire.c - one connection to a gateway over libwebsockets' client: a WebSocket, or a request and its answer.
 *
 * A wire is made, connects at the next sweep, brings what comes to its line, and is let go of. Nothing is closed from
 * inside the library's callbacks: the sweep does that. Names are looked up by libuv's threads, so that a slow resolver
 * holds up nobody.
 */
#include <libwebsockets.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/subscribe/line.h"

#define PROTOCOL "convtap-subscribe"
#define READ_BYTES 16384u
#define WRITE_BYTES 16384u
#define OUT_MAX 64u
#define KEEP_BYTES 65536u /* a larger buffer is given back after its message */
#define OPEN_MSEC 20000u
#define FAREWELL_MSEC 1000u
#define ANSWER_FACTOR 4 /* an answer of polling holds several messages */

/* ---- making, letting go ---- */

void ct_wire_stir(struct ct_subscriber *subscriber)
{
    if (!subscriber->down)
        uv_async_send(&subscriber->stir);
}

struct ct_wire *ct_wire_new(struct ct_line *line, const struct ct_place *place, const char *bearer,
                            const char *protocol)
{
    struct ct_subscriber *subscriber = line->subscriber;
    struct ct_wire *wire = calloc(1, sizeof *wire);
    if (!wire)
        return NULL;
    wire->subscriber = subscriber;
    wire->line = line;
    wire->place = *place;
    wire->bearer = bearer ? strdup(bearer) : NULL;
    wire->protocol = protocol ? strdup(protocol) : NULL;
    if ((bearer && !wire->bearer) || (protocol && !wire->protocol)) {
        free(wire->bearer);
        free(wire->protocol);
        free(wire);
        return NULL;
    }
    wire->patience_msec = OPEN_MSEC;
    wire->next = subscriber->wires;
    subscriber->wires = wire;
    ct_wire_stir(subscriber);
    return wire;
}

static void wire_free(struct ct_wire *wire)
{
    for (struct ct_wire **at = &wire->subscriber->wires; *at; at = &(*at)->next) {
        if (*at == wire) {
            *at = wire->next;
            break;
        }
    }
    while (wire->out_first) {
        struct ct_wire_text *text = wire->out_first;
        wire->out_first = text->next;
        free(text);
    }
    if (wire->bearer)
        explicit_bzero(wire->bearer, strlen(wire->bearer));
    explicit_bzero(wire->place.path, sizeof wire->place.path); /* may carry a token */
    uv_freeaddrinfo(wire->found);
    free(wire->bearer);
    free(wire->protocol);
    free(wire->in);
    free(wire->body);
    free(wire);
}

void ct_wire_let_go(struct ct_wire *wire)
{
    if (!wire->line)
        return;
    if (wire->line->socket == wire)
        wire->line->socket = NULL;
    wire->line = NULL;
    if (wire->socket && wire->established && wire->wsi && !wire->ending) {
        wire->farewell = true;
        wire->deadline_msec = uv_now(&wire->subscriber->loop) + FAREWELL_MSEC;
        lws_rx_flow_control(wire->wsi, 1);
        lws_callback_on_writable(wire->wsi);
    }
    ct_wire_stir(wire->subscriber);
}

bool ct_wire_body(struct ct_wire *wire, ct_span body)
{
    wire->body = malloc(LWS_PRE + body.len + 1);
    if (!wire->body)
        return false;
    if (body.len)
        memcpy(wire->body + LWS_PRE, body.at, body.len);
    wire->body_len = body.len;
    return true;
}

bool ct_wire_send(struct ct_wire *wire, ct_span text)
{
    struct ct_wire_text *one = wire->out_count < OUT_MAX ? malloc(sizeof *one + LWS_PRE + text.len) : NULL;
    if (!one)
        return false;
    one->next = NULL;
    one->len = text.len;
    memcpy(one->bytes + LWS_PRE, text.at, text.len);
    if (wire->out_last)
        wire->out_last->next = one;
    else
        wire->out_first = one;
    wire->out_last = one;
    wire->out_count++;
    if (wire->established && wire->wsi)
        lws_callback_on_writable(wire->wsi);
    return true;
}

void ct_wire_pause(struct ct_wire *wire, bool pause)
{
    if (wire->socket && wire->established && wire->wsi && !wire->ending)
        lws_rx_flow_control(wire->wsi, pause ? 0 : 1);
}

/* ---- what comes ---- */

/* What does not fit is passed over up to its end, and counted there. */
static void take(struct ct_wire *wire, const char *bytes, size_t len, size_t most)
{
    if (wire->in_too_long || wire->in_len + len > most) {
        wire->in_too_long = true;
        return;
    }
    if (wire->in_len + len > wire->in_capacity) {
        size_t capacity = 2 * wire->in_capacity + len + 1024;
        char *grown = realloc(wire->in, capacity);
        if (!grown) {
            wire->in_too_long = true;
            return;
        }
        wire->in = grown;
        wire->in_capacity = capacity;
    }
    memcpy(wire->in + wire->in_len, bytes, len);
    wire->in_len += len;
}

static void receive(struct ct_wire *wire, const char *bytes, size_t len)
{
    if (lws_is_first_fragment(wire->wsi)) {
        wire->in_len = 0;
        wire->in_too_long = false;
        wire->in_binary = lws_frame_is_binary(wire->wsi) != 0;
    }
    if (len)
        take(wire, bytes, len, wire->line->subscription.message_max);
    if (!lws_is_final_fragment(wire->wsi) || lws_remaining_packet_payload(wire->wsi))
        return;
    ct_line_message(wire);
    wire->in_len = 0;
    if (wire->in_capacity > KEEP_BYTES) {
        free(wire->in);
        wire->in = NULL;
        wire->in_capacity = 0;
    }
}

static int read_answer(struct lws *wsi)
{
    char room[LWS_PRE + 4096], *at = room + LWS_PRE;
    int len = sizeof room - LWS_PRE;
    return lws_http_client_read(wsi, &at, &len) < 0 ? -1 : 0;
}

static void head_came(struct ct_wire *wire)
{
    wire->status = (int)lws_http_client_http_response(wire->wsi);
    wire->sized = lws_hdr_total_length(wire->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
                  lws_hdr_total_length(wire->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
}

/* The library is done with this attempt; the sweep tries the next address, or says that there is none. */
static void attempt_failed(struct ct_wire *wire, struct lws *wsi)
{
    int status = (int)lws_http_client_http_response(wsi);
    wire->status = status > 0 ? status : 0;
    wire->wsi = NULL;
    wire->id = 0;
    wire->failed = true;
    ct_wire_stir(wire->subscriber);
}

static void ended(struct ct_wire *wire)
{
    wire->ending = true;
    ct_line_ended(wire, wire->socket ? 101 : wire->sized ? 0 : wire->status);
}

/* ---- what goes ---- */

static int add_header(struct lws *wsi, const char *name, const char *value, unsigned char **at, unsigned char *end)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name, (const unsigned char *)value,
                                       (int)strlen(value), at, end);
}

static int append_headers(struct ct_wire *wire, struct lws *wsi, unsigned char **at, size_t room)
{
    unsigned char *end = *at + room;
    const char *origin = wire->line->subscription.origin;
    char text[24];
    if (add_header(wsi, "User-Agent:", "convtap/" CT_VERSION, at, end))
        return -1;
    if (origin && add_header(wsi, "Origin:", origin, at, end))
        return -1;
    if (wire->bearer) {
        size_t len = strlen(wire->bearer) + sizeof "Bearer ";
        char *value = malloc(len);
        if (!value)
            return -1;
        snprintf(value, len, "Bearer %s", wire->bearer);
        int failed = add_header(wsi, "Authorization:", value, at, end);
        explicit_bzero(value, len);
        free(value);
        if (failed)
            return -1;
    }
    if (wire->socket)
        return 0;
    if (add_header(wsi, "Accept:", "*/*", at, end))
        return -1;
    if (strcmp(wire->method, "POST") != 0)
        return 0;
    snprintf(text, sizeof text, "%zu", wire->body_len);
    if (add_header(wsi, "Content-Type:", wire->protocol ? wire->protocol : "application/json", at, end) ||
        add_header(wsi, "Content-Length:", text, at, end))
        return -1;
    if (wire->body_len) {
        lws_client_http_body_pending(wsi, 1);
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int write_body(struct ct_wire *wire, struct lws *wsi)
{
    size_t left = wire->body_len - wire->body_at;
    if (left == 0)
        return 0;
    size_t len = left > WRITE_BYTES ? WRITE_BYTES : left;
    bool last = len == left;
    if (lws_write(wsi, wire->body + LWS_PRE + wire->body_at, len, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) <
        (int)len)
        return -1;
    wire->body_at += len;
    if (last)
        lws_client_http_body_pending(wsi, 0);
    else
        lws_callback_on_writable(wsi);
    return 0;
}

/* One message a call: the library asks so. */
static int write_text(struct ct_wire *wire, struct lws *wsi)
{
    struct ct_wire_text *text = wire->out_first;
    if (!text)
        return 0;
    int wrote = lws_write(wsi, text->bytes + LWS_PRE, text->len, LWS_WRITE_TEXT);
    bool whole = wrote >= (int)text->len;
    wire->out_first = text->next;
    wire->out_count--;
    if (!wire->out_first)
        wire->out_last = NULL;
    else
        lws_callback_on_writable(wsi);
    free(text);
    return whole ? 0 : -1;
}

/* ---- what the library says ---- */

static struct ct_wire *wire_of(struct lws *wsi)
{
    struct ct_subscriber *subscriber = lws_context_user(lws_get_context(wsi));
    uintptr_t id = (uintptr_t)lws_get_opaque_user_data(wsi);
    struct ct_wire *wire = id && subscriber ? subscriber->wires : NULL;
    while (wire && wire->id != id)
        wire = wire->next;
    return wire;
}

/* The library compares a certificate with host names alone: where the host is an address, we do. */
static int check_address(struct lws *wsi, X509_STORE_CTX *store, bool trusted)
{
    const struct ct_wire *wire = wire_of(wsi);
    if (!trusted || !wire || !wire->line || X509_STORE_CTX_get_error_depth(store) != 0)
        return 0;
    unsigned char address[16];
    bool numeric =
        uv_inet_pton(AF_INET, wire->place.host, address) == 0 || uv_inet_pton(AF_INET6, wire->place.host, address) == 0;
    if (!numeric || !wire->line->subscription.verify)
        return 0;
    if (X509_check_ip_asc(X509_STORE_CTX_get_current_cert(store), wire->place.host, 0) == 1)
        return 0;
    X509_STORE_CTX_set_error(store, X509_V_ERR_IP_ADDRESS_MISMATCH);
    return 1;
}

static int on_wire_event(struct ct_wire *wire, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return append_headers(wire, wsi, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        wire->established = true;
        wire->status = 101;
        ct_line_opened(wire);
        if (wire->line && wire->out_first)
            lws_callback_on_writable(wsi);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        receive(wire, in, len);
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_text(wire, wsi);
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
        return write_body(wire, wsi);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        head_came(wire);
        return 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
        return read_answer(wsi);
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        take(wire, in, len, ANSWER_FACTOR * wire->line->subscription.message_max);
        return 0;
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        wire->ending = true;
        ct_line_ended(wire, wire->status);
        return -1;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        attempt_failed(wire, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
        ended(wire);
        return 0;
    default:
        return 0;
    }
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION)
        return check_address(wsi, user, len != 0);
    struct ct_wire *wire = wire_of(wsi);
    if (reason == LWS_CALLBACK_WSI_DESTROY) {
        if (wire) {
            wire->wsi = NULL;
            wire->id = 0;
            wire->failed = wire->line != NULL; /* nothing else was said of its end */
            ct_wire_stir(wire->subscriber);
        }
        return 0;
    }
    if (wire && wire->line)
        return on_wire_event(wire, wsi, reason, in, len);
    switch (reason) {
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        if (wire && wire->farewell && !wire->ending) {
            wire->ending = true;
            lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
            return -1;
        }
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
        return -1;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {{.name = PROTOCOL, .callback = on_event, .rx_buffer_size = READ_BYTES},
                                                 {0}};

/* A peer that says nothing is asked, and given up where it does not answer. */
static const lws_retry_bo_t liveliness = {.secs_since_valid_ping = 30, .secs_since_valid_hangup = 45};

/* ---- connecting ---- */

static bool is_numeric(const char *host)
{
    unsigned char address[16];
    return uv_inet_pton(AF_INET, host, address) == 0 || uv_inet_pton(AF_INET6, host, address) == 0;
}

static void connect_to(struct ct_wire *wire)
{
    struct ct_line *line = wire->line;
    char address[64] = "";
    bool verify = line->subscription.verify;
    int flags = (int)LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    if (wire->place.tls)
        flags |= (int)LCCSCF_USE_SSL;
    if (wire->place.tls && (!verify || is_numeric(wire->place.host)))
        flags |= (int)LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    if (wire->place.tls && !verify)
        flags |= (int)LCCSCF_ALLOW_SELFSIGNED | (int)LCCSCF_ALLOW_EXPIRED | (int)LCCSCF_ALLOW_INSECURE;
    getnameinfo(wire->address->ai_addr, wire->address->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST);
    wire->id = ++wire->subscriber->ids;
    wire->failed = false;
    struct lws_client_connect_info info = {
        .context = wire->subscriber->context,
        .vhost = line->vhost,
        .address = address,
        .port = (int)strtol(wire->place.port, NULL, 10),
        .path = wire->place.path,
        .host = wire->place.authority,
        .method = wire->socket ? NULL : wire->method,
        .protocol = wire->socket ? wire->protocol : NULL,
        .local_protocol_name = PROTOCOL,
        .alpn = "http/1.1",
        .ietf_version_or_minus_one = -1,
        .ssl_connection = flags,
        .retry_and_idle_policy = wire->socket ? &liveliness : NULL,
        .pwsi = &wire->wsi,
        .opaque_user_data = (void *)wire->id,
    };
    struct lws *wsi = lws_client_connect_via_info(&info);
    if (!wsi) {
        wire->wsi = NULL;
        wire->id = 0;
        wire->failed = true;
    }
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct ct_wire *wire = lookup->data;
    wire->looking_up = false;
    wire->found = status == 0 ? found : NULL;
    wire->address = wire->found;
    if (!wire->address)
        wire->failed = true;
    else if (wire->line)
        connect_to(wire);
    ct_wire_stir(wire->subscriber);
}

static void start(struct ct_wire *wire)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    wire->started = true;
    wire->deadline_msec = uv_now(&wire->subscriber->loop) + wire->patience_msec;
    wire->lookup.data = wire;
    wire->looking_up = uv_getaddrinfo(&wire->subscriber->loop, &wire->lookup, on_looked_up, wire->place.host,
                                      wire->place.port, &hints) == 0;
    wire->failed = !wire->looking_up;
}

/* ---- the sweep ---- */

static void sweep_gone(struct ct_wire *wire, uint64_t now)
{
    if (wire->looking_up)
        uv_cancel((uv_req_t *)&wire->lookup);
    else if (!wire->wsi)
        wire_free(wire);
    else if (!wire->ending && !(wire->farewell && now < wire->deadline_msec))
        lws_set_timeout(wire->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    else if (wire->farewell && now >= wire->deadline_msec) {
        wire->farewell = false; /* once */
        lws_set_timeout(wire->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    }
}

void ct_wire_sweep(struct ct_subscriber *subscriber)
{
    uint64_t now = uv_now(&subscriber->loop);
    struct ct_wire *next;
    for (struct ct_wire *wire = subscriber->wires; wire; wire = next) {
        next = wire->next;
        if (!wire->line) {
            sweep_gone(wire, now);
        } else if (!wire->started) {
            if (wire->socket || !ct_line_paused(wire->line))
                start(wire);
        } else if (wire->failed) {
            wire->address = wire->address && wire->status == 0 ? wire->address->ai_next : NULL;
            if (wire->address && !wire->established)
                connect_to(wire);
            else
                ct_line_ended(wire, wire->established ? 101 : wire->status);
        } else if (!wire->established && now >= wire->deadline_msec) {
            ct_line_ended(wire, 0);
        }
    }
}

/* ---- the library's context ---- */

enum ct_status ct_wire_context(struct ct_subscriber *subscriber, struct ct_error *err)
{
    void *loops[1] = {&subscriber->loop};
    lws_set_log_level(0, NULL); /* what goes wrong comes back as events */
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .pt_serv_buf_size = READ_BYTES,
        .timeout_secs = 600, /* polling waits long for its answer; we keep the time ourselves */
        .user = subscriber,
        .gid = -1,
        .uid = -1,
    };
    subscriber->context = lws_create_context(&info);
    if (!subscriber->context)
        return ct_error_set(err, CT_IO,
                            "subscriptions: libwebsockets has no libuv loop (package libwebsockets-evlib-uv) or no "
                            "memory");
    return CT_OK;
}

enum ct_status ct_wire_host(struct ct_line *line, struct ct_error *err)
{
    const char *authorities = line->subscription.authorities;
    FILE *file = authorities ? fopen(authorities, "re") : NULL;
    if (authorities && !file)
        return ct_error_set(err, CT_BAD_CONFIG, "subscription %s: cannot read the authorities' file %s",
                            line->subscription.source, authorities);
    if (file)
        fclose(file);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .vhost_name = line->stream,
        .protocols = protocols,
        .client_ssl_ca_filepath = authorities,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | (authorities ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
    };
    line->vhost = lws_create_vhost(line->subscriber->context, &info);
    if (!line->vhost || lws_init_vhost_client_ssl(&info, line->vhost))
        return ct_error_set(err, CT_BAD_CONFIG, "subscription %s: no TLS client to be had%s%s",
                            line->subscription.source, authorities ? ": PEM certificates are due in " : "",
                            authorities ? authorities : "");
    return CT_OK;
}

void ct_wire_context_free(struct ct_subscriber *subscriber)
{
    if (subscriber->context) {
        lws_context_destroy(subscriber->context);
        uv_run(&subscriber->loop, UV_RUN_DEFAULT); /* the library's handles close, look-ups end */
        lws_context_destroy(subscriber->context);
        subscriber->context = NULL;
    }
    while (subscriber->wires)
        wire_free(subscriber->wires);
}
