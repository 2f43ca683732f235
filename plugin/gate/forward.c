/* forward.c - the client side of a webhook: request out, answer back. webhook.c and courier.c call it. The name is
 * looked up by libuv's threads, so that a slow resolver never holds up the gate.
 */
#include "plugin/gate/forward.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <uv.h>

#define ANSWER_BYTES_MAX (1u << 20)
#define HEADERS_BYTES_MAX 16384u
#define WRITE_BYTES 32768u
#define PROTOCOL "convtap-forward"

struct ct_forward {
    char host[256], port[8], path[1024], authority_name[300]; /* host:port as the Host header says it */
    char *authority;
    bool tls;
    ct_usec patience;
    void (*drop)(void *context, const char *reason, uint64_t count);
    void *drop_context;
    struct lws_context *context; /* of the vhost below; NULL = not made yet */
    struct lws_vhost *vhost;
};

struct forwarding { /* one request on its way; freed when the timer's handle has closed */
    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    struct ct_forward *forward;
    struct lws_context *context;
    struct ct_gate_later *later;                                 /* NULL = answered */
    void (*done)(void *context, int status, const char *reason); /* of a post; NULL = called, or none */
    void *done_context;
    struct lws *wsi;
    uint64_t after_position;
    bool looking_up, closed, closing;
    int status;
    const char *type;
    char *headers; /* "name:\0value\0", ended by "\0" */
    char *answer;
    size_t answer_len, answer_capacity;
    size_t body_len, body_at;
    unsigned char *body; /* behind LWS_PRE */
};

/* ---- the end of one ---- */

static void on_closed(uv_handle_t *handle)
{
    struct forwarding *f = handle->data;
    f->closed = true;
    if (f->looking_up)
        return; /* the look-up's end frees it */
    free(f->headers);
    free(f->answer);
    free(f->body);
    free(f);
}

static void reply_with(struct forwarding *f, struct ct_reply *reply)
{
    struct ct_gate_later *later = f->later;
    f->later = NULL;
    reply->after_position = f->after_position;
    ct_gate_later_reply(later, reply);
}

/* Answers if nobody has, lets go of the connection and frees. */
static void finish(struct forwarding *f, int status, const char *reason, const char *text)
{
    if (f->later) {
        struct ct_reply reply = {0};
        if (reason) {
            f->forward->drop(f->forward->drop_context, reason, 1);
            ct_reply_error(&reply, status, reason, "%s", text);
        } else {
            reply = (struct ct_reply){.status = f->status, .type = f->type, .body = f->answer, .len = f->answer_len};
            f->answer = NULL;
        }
        reply_with(f, &reply);
    }
    if (f->done) {
        void (*done)(void *, int, const char *) = f->done;
        f->done = NULL;
        done(f->done_context, reason ? 0 : f->status, reason);
    }
    if (f->wsi) {
        lws_set_opaque_user_data(f->wsi, NULL);
        f->wsi = NULL;
    }
    if (f->closing)
        return;
    f->closing = true;
    if (f->looking_up)
        uv_cancel((uv_req_t *)&f->lookup);
    uv_close((uv_handle_t *)&f->timer, on_closed);
}

static void on_late(uv_timer_t *timer)
{
    struct forwarding *f = timer->data;
    struct lws *wsi = f->wsi;
    finish(f, 504, "forward_timeout", "the receiver did not answer in time");
    if (wsi)
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* ---- what the library says ---- */

static int append_headers(struct forwarding *f, struct lws *wsi, unsigned char **at, size_t room)
{
    unsigned char *end = *at + room;
    for (const char *name = f->headers; *name;) {
        const char *value = name + strlen(name) + 1;
        if (lws_add_http_header_by_name(wsi, (const unsigned char *)name, (const unsigned char *)value,
                                        (int)strlen(value), at, end))
            return -1;
        name = value + strlen(value) + 1;
    }
    char length[24];
    int len = snprintf(length, sizeof(length), "%zu", f->body_len);
    if (lws_add_http_header_by_name(wsi, (const unsigned char *)"content-length:", (unsigned char *)length, len, at,
                                    end))
        return -1;
    if (f->body_len) {
        lws_client_http_body_pending(wsi, 1);
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int write_body(struct forwarding *f, struct lws *wsi)
{
    size_t left = f->body_len - f->body_at;
    if (left == 0)
        return 0;
    size_t len = left > WRITE_BYTES ? WRITE_BYTES : left;
    bool last = len == left;
    if (lws_write(wsi, f->body + LWS_PRE + f->body_at, len, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)len)
        return -1;
    f->body_at += len;
    if (last)
        lws_client_http_body_pending(wsi, 0);
    else
        lws_callback_on_writable(wsi);
    return 0;
}

static const char *constant_type(struct lws *wsi)
{
    static const char *const types[] = {"application/json", "text/plain", "text/xml", "application/xml"};
    char type[128];
    if (lws_hdr_copy(wsi, type, sizeof(type), WSI_TOKEN_HTTP_CONTENT_TYPE) > 0)
        for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
            if (strncasecmp(type, types[i], strlen(types[i])) == 0)
                return types[i];
    return "application/octet-stream"; /* never something that a browser would run */
}

static int take_answer(struct forwarding *f, const char *bytes, size_t len)
{
    if (f->answer_len + len > ANSWER_BYTES_MAX) {
        finish(f, 502, "forward_answer_too_large", "the receiver's answer is over 1 MiB");
        return -1;
    }
    if (f->answer_len + len > f->answer_capacity) {
        size_t capacity = 2 * f->answer_capacity + len + 1024;
        char *grown = realloc(f->answer, capacity);
        if (!grown) {
            finish(f, 502, "forward_failed", "out of memory");
            return -1;
        }
        f->answer = grown;
        f->answer_capacity = capacity;
    }
    memcpy(f->answer + f->answer_len, bytes, len);
    f->answer_len += len;
    return 0;
}

static int read_answer(struct lws *wsi)
{
    char room[LWS_PRE + 4096], *at = room + LWS_PRE;
    int len = sizeof(room) - LWS_PRE;
    return lws_http_client_read(wsi, &at, &len) < 0 ? -1 : 0;
}

/* Nothing of the message has gone out. What the library says tells a machine that is not there from one that nobody
 * vouches for; what of its certificate is wrong is known to OpenSSL. */
static void not_connected(struct forwarding *f, struct lws *wsi, ct_span said)
{
    const SSL *ssl = f->forward->tls ? lws_get_ssl(wsi) : NULL;
    long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    bool by_tls = said.len && (memmem(said.at, said.len, "SSL", 3) || memmem(said.at, said.len, "tls", 3));
    if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH)
        finish(f, 502, "forward_wrong_name", "the receiver's certificate is for another name than the URL's");
    else if (verified == X509_V_ERR_CERT_HAS_EXPIRED || verified == X509_V_ERR_CERT_NOT_YET_VALID)
        finish(f, 502, "forward_expired", "the receiver's certificate is not valid now");
    else if (verified != X509_V_OK)
        finish(f, 502, "forward_untrusted", "nobody who is trusted has signed the receiver's certificate");
    else if (f->forward->tls && by_tls)
        finish(f, 502, "forward_no_tls", "the receiver speaks no TLS that can be agreed on");
    else
        finish(f, 502, "forward_unreachable", "the receiver cannot be reached");
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    struct forwarding *f = lws_get_opaque_user_data(wsi);
    if (!f)
        return reason == LWS_CALLBACK_RECEIVE_CLIENT_HTTP || reason == LWS_CALLBACK_CLIENT_HTTP_WRITEABLE ? -1 : 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return append_headers(f, wsi, in, len);
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
        return write_body(f, wsi);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        f->status = (int)lws_http_client_http_response(wsi);
        f->type = constant_type(wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
        return read_answer(wsi);
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        return take_answer(f, in, len);
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        finish(f, 502, f->status < 200 || f->status > 599 ? "forward_broken" : NULL, "the receiver's status is none");
        return -1;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        not_connected(f, wsi, (ct_span){in, in ? len : 0});
        return 0;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
        finish(f, 502, "forward_broken", "the receiver broke off");
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {{.name = PROTOCOL, .callback = on_event}, {0}};

/* ---- the beginning of one ---- */

static bool make_vhost(struct ct_forward *forward, struct lws_context *context)
{
    if (forward->vhost && forward->context == context)
        return true;
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .vhost_name = forward->authority_name,
                                             .protocols = protocols,
                                             .client_ssl_ca_filepath = forward->authority,
                                             .options = forward->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0};
    forward->vhost = lws_create_vhost(context, &info);
    if (forward->vhost && forward->tls && lws_init_vhost_client_ssl(&info, forward->vhost))
        forward->vhost = NULL;
    forward->context = forward->vhost ? context : NULL;
    return forward->vhost != NULL;
}

static void connect_to(struct forwarding *f, const char *address)
{
    struct ct_forward *forward = f->forward;
    if (!make_vhost(forward, f->context)) {
        finish(f, 502, "forward_failed", "no client to be had; is the authority's file there?");
        return;
    }
    struct lws_client_connect_info info = {.context = f->context,
                                           .vhost = forward->vhost,
                                           .address = address,
                                           .port = (int)strtol(forward->port, NULL, 10),
                                           .path = forward->path,
                                           .host = forward->authority_name,
                                           .method = "POST",
                                           .protocol = PROTOCOL,
                                           .local_protocol_name = PROTOCOL,
                                           .alpn = "http/1.1",
                                           .ssl_connection = (forward->tls ? (int)LCCSCF_USE_SSL : 0) |
                                                             (int)LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
                                           .pwsi = &f->wsi,
                                           .opaque_user_data = f};
    if (!lws_client_connect_via_info(&info)) {
        f->wsi = NULL;
        finish(f, 502, "forward_unreachable",
               "the receiver cannot be reached"); /* once is enough: it may know already */
    }
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct forwarding *f = lookup->data;
    char address[64] = "";
    f->looking_up = false;
    if (status == 0 && found)
        getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST);
    uv_freeaddrinfo(found);
    if (f->closed)
        on_closed((uv_handle_t *)&f->timer);
    else if (f->closing)
        return;
    else if (address[0])
        connect_to(f, address);
    else
        finish(f, 502, "forward_unreachable", "the receiver's name cannot be resolved");
}

/* Of one connection alone, or ours to write. */
static bool stays_here(ct_span name)
{
    static const char *const names[] = {
        "host",    "connection", "content-length",  "transfer-encoding",   "expect",          "upgrade", "te",
        "trailer", "keep-alive", "accept-encoding", "proxy-authorization", "proxy-connection"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (ct_span_is(name, names[i]))
            return true;
    return false;
}

static bool copy_request(struct forwarding *f, const struct ct_request *request)
{
    size_t len = 0;
    f->headers = calloc(1, HEADERS_BYTES_MAX + 512);
    f->body = malloc(LWS_PRE + request->body.len + 1);
    if (!f->headers || !f->body)
        return false;
    ct_span name, value;
    for (size_t i = 0; ct_request_header_at(request, i, &name, &value); i++) {
        if (stays_here(name) || len + name.len + value.len + 4 > HEADERS_BYTES_MAX || memchr(value.at, '\0', value.len))
            continue;
        memcpy(f->headers + len, name.at, name.len);
        f->headers[len + name.len] = ':';
        memcpy(f->headers + len + name.len + 2, value.at, value.len);
        len += name.len + value.len + 3;
    }
    f->body_len = request->body.len;
    if (request->body.len)
        memcpy(f->body + LWS_PRE, request->body.at, request->body.len);
    return true;
}

/* Its clock and its name's look-up; whatever goes wrong from here on ends in finish. */
static void begin(struct forwarding *f, struct ct_forward *forward, struct lws_context *context)
{
    f->forward = forward;
    f->context = context;
    f->timer.data = f->lookup.data = f;
    uv_timer_start(&f->timer, on_late, (uint64_t)forward->patience / 1000, 0);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    f->looking_up = uv_getaddrinfo(f->timer.loop, &f->lookup, on_looked_up, forward->host, forward->port, &hints) == 0;
    if (!f->looking_up)
        finish(f, 502, "forward_unreachable", "the receiver's name cannot be resolved");
}

bool ct_forward_post(struct ct_forward *forward, struct lws_context *context, struct uv_loop_s *loop,
                     const char *headers, ct_span body, void (*done)(void *context, int status, const char *reason),
                     void *done_context)
{
    struct forwarding *f = calloc(1, sizeof(*f));
    size_t len = 0;
    while (headers[len])
        len += strlen(headers + len) + 1;
    if (f) {
        f->headers = calloc(1, len + 1);
        f->body = malloc(LWS_PRE + body.len + 1);
    }
    if (!f || !f->headers || !f->body || uv_timer_init(loop, &f->timer)) {
        if (f) {
            free(f->headers);
            free(f->body);
        }
        free(f);
        return false;
    }
    memcpy(f->headers, headers, len);
    if (body.len)
        memcpy(f->body + LWS_PRE, body.at, body.len);
    f->body_len = body.len;
    f->done = done;
    f->done_context = done_context;
    begin(f, forward, context);
    return true;
}

void ct_forward_request(struct ct_forward *forward, const struct ct_request *request, uint64_t after_position,
                        struct ct_reply *reply)
{
    struct forwarding *f = calloc(1, sizeof(*f));
    if (!f || !copy_request(f, request) || !(f->later = ct_request_later(request)) ||
        uv_timer_init(ct_request_loop(request), &f->timer)) {
        if (f) {
            free(f->headers);
            free(f->body);
        }
        free(f);
        ct_reply_error(reply, 503, "busy", "out of memory");
        return;
    }
    f->after_position = after_position;
    begin(f, forward, ct_request_context(request));
}

/* ---- making one ---- */

static enum ct_status read_url(struct ct_forward *forward, const char *url, struct ct_error *err)
{
    const char *at;
    if (strncmp(url, "http://", 7) == 0) {
        at = url + 7;
    } else if (strncmp(url, "https://", 8) == 0) {
        at = url + 8;
        forward->tls = true;
    } else {
        return ct_error_set(err, CT_BAD_CONFIG, "forward \"%.200s\": http://HOST[:PORT]/PATH or https:// is due", url);
    }
    size_t len = strcspn(at, "/?#");
    ct_span authority = {at, len}, host = authority;
    const char *path = at + len, *port = forward->tls ? "443" : "80";
    size_t port_len = strlen(port);
    const char *colon = NULL;
    if (len && at[0] == '[') {
        const char *end = memchr(at, ']', len);
        host = end ? (ct_span){at + 1, (size_t)(end - at) - 1} : CT_SPAN_NONE;
        colon = end && end + 1 < at + len && end[1] == ':' ? end + 1 : NULL;
    } else if ((colon = len ? memchr(at, ':', len) : NULL)) {
        host.len = (size_t)(colon - at);
    }
    if (colon) {
        port = colon + 1;
        port_len = (size_t)(at + len - port);
    }
    if (host.len == 0 || host.len >= sizeof(forward->host) || port_len == 0 || port_len > 5 ||
        strspn(port, "0123456789") < port_len || memchr(at, '@', len) || strlen(path) >= sizeof(forward->path) - 1 ||
        strpbrk(path, " #\r\n"))
        return ct_error_set(err, CT_BAD_CONFIG, "forward \"%.200s\": no URL that can be called", url);
    memcpy(forward->host, host.at, host.len);
    memcpy(forward->port, port, port_len);
    memcpy(forward->authority_name, authority.at, authority.len);
    snprintf(forward->path, sizeof(forward->path), "%s%s", path[0] == '/' ? "" : "/", path);
    return CT_OK;
}

struct ct_forward *ct_forward_new(const char *url, const char *authority, ct_usec patience,
                                  void (*drop)(void *context, const char *reason, uint64_t count), void *drop_context,
                                  struct ct_error *err)
{
    struct ct_forward *forward = calloc(1, sizeof(*forward));
    if (!forward) {
        (void)ct_error_set(err, CT_NO_MEMORY, "no memory for a forward");
        return NULL;
    }
    forward->patience = patience > 0 ? patience : 10 * CT_USEC_PER_SECOND;
    forward->drop = drop;
    forward->drop_context = drop_context;
    forward->authority = authority ? strdup(authority) : NULL;
    if (read_url(forward, url, err) != CT_OK) {
        ct_forward_free(forward);
        return NULL;
    }
    return forward;
}

void ct_forward_retire(struct ct_forward *forward)
{
    if (forward->vhost)
        lws_vhost_destroy(forward->vhost);
    forward->vhost = NULL;
    forward->context = NULL;
}

void ct_forward_free(struct ct_forward *forward)
{
    if (!forward)
        return;
    free(forward->authority);
    free(forward);
}
