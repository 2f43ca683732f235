/* gate_http.c - requests as they come: read by http_parser, checked once their head is there, handed to their route
 * once their body is, answered at once or when the tape has them. */
#include "plugin/gate/gate_state.h"

#include <http_parser.h>
#include <stdlib.h>
#include <strings.h>

static struct ct_gate_connection *of(http_parser *parser)
{
    return parser->data;
}

/* ---- the head, byte by byte ---- */

static int too_large(struct ct_gate_connection *c)
{
    gate_refuse(c, c->head->headers == 0 ? 414 : 431, "gate_head_too_large", "head_too_large",
                "the request's head is over 16 KiB or has over 100 headers");
    return -1;
}

static bool add(struct ct_head *head, const char *bytes, size_t len, bool lower)
{
    if (head->len + len > CT_HEAD_BYTES_MAX)
        return false;
    if (head->len + len > head->capacity) {
        size_t capacity = head->capacity ? head->capacity : 1024;
        while (capacity < head->len + len)
            capacity *= 2;
        char *grown = realloc(head->text, capacity);
        if (!grown)
            return false;
        head->text = grown;
        head->capacity = capacity;
    }
    char *to = head->text + head->len;
    for (size_t i = 0; i < len; i++)
        to[i] = lower && bytes[i] >= 'A' && bytes[i] <= 'Z' ? (char)(bytes[i] | 0x20) : bytes[i];
    head->len += len;
    return true;
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct ct_gate_connection *c = of(parser);
    c->head->url_len += len;
    return add(c->head, at, len, false) ? 0 : too_large(c);
}

static int on_field(http_parser *parser, const char *at, size_t len)
{
    struct ct_gate_connection *c = of(parser);
    struct ct_head *head = c->head;
    if (head->complete) /* a trailer: counted, not kept */
        return (head->len += len) <= CT_HEAD_BYTES_MAX + 4096 ? 0 : -1;
    if (head->in_value || head->headers == 0) {
        if (head->headers == CT_HEADERS_MAX || !add(head, "", 1, false))
            return too_large(c);
        head->name_at[head->headers] = (uint16_t)head->len;
        head->name_len[head->headers] = head->value_len[head->headers] = 0;
        head->headers++;
        head->in_value = false;
    }
    head->name_len[head->headers - 1] = (uint16_t)(head->name_len[head->headers - 1] + len);
    return add(head, at, len, true) ? 0 : too_large(c);
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct ct_gate_connection *c = of(parser);
    struct ct_head *head = c->head;
    if (head->complete)
        return (head->len += len) <= CT_HEAD_BYTES_MAX + 4096 ? 0 : -1;
    if (!head->in_value) {
        if (!add(head, "", 1, false))
            return too_large(c);
        head->value_at[head->headers - 1] = (uint16_t)head->len;
        head->in_value = true;
    }
    head->value_len[head->headers - 1] = (uint16_t)(head->value_len[head->headers - 1] + len);
    return add(head, at, len, false) ? 0 : too_large(c);
}

/* ---- the head is whole ---- */

static enum ct_method method_of(const http_parser *parser)
{
    switch (parser->method) {
    case HTTP_GET:
        return CT_METHOD_GET;
    case HTTP_HEAD:
        return CT_METHOD_HEAD;
    case HTTP_POST:
        return CT_METHOD_POST;
    case HTTP_PUT:
        return CT_METHOD_PUT;
    case HTTP_DELETE:
        return CT_METHOD_DELETE;
    default:
        return 0;
    }
}

static bool check_body(struct ct_gate_connection *c, const http_parser *parser)
{
    struct ct_head *head = c->head;
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    if (parser->uses_transfer_encoding && !chunked) {
        gate_refuse(c, 501, "gate_bad_request", "transfer_encoding",
                    "chunked is the one transfer encoding that is taken");
        return false;
    }
    uint64_t length = parser->flags & F_CONTENTLENGTH ? parser->content_length : 0;
    if (length > head->route->body_max || (chunked && head->route->body_max == 0)) {
        gate_refuse(c, 413, "gate_body_too_large", "body_too_large", "the body is larger than this route takes");
        return false;
    }
    ct_span expect = gate_header(head, "expect");
    if (expect.at && !(expect.len == 12 && strncasecmp(expect.at, "100-continue", 12) == 0)) {
        gate_refuse(c, 417, "gate_bad_request", "expectation", "100-continue is the one expectation that is met");
        return false;
    }
    if (expect.at && (length || chunked) && parser->http_minor >= 1)
        gate_queue(c, "HTTP/1.1 100 Continue\r\n\r\n", 25, NULL, 0);
    return true;
}

static bool check_head(struct ct_gate_connection *c, const http_parser *parser)
{
    struct ct_head *head = c->head;
    size_t hosts = 0;
    for (size_t i = 0; i < head->headers; i++)
        hosts += head->name_len[i] == 4 && memcmp(head->text + head->name_at[i], "host", 4) == 0;
    if (parser->http_major != 1 || hosts > 1 || (hosts == 0 && parser->http_minor >= 1)) {
        gate_refuse(c, 400, "gate_bad_request", "bad_request", "HTTP/1.1 with one Host header is due");
        return false;
    }
    int status = gate_read_url(head);
    if (status) {
        gate_refuse(c, status, "gate_bad_request", "bad_path", "the path is malformed or too long");
        return false;
    }
    if (gate_rate_exceeded(c)) {
        gate_refuse(c, 429, "gate_rate", "rate", "too many requests a second on one connection");
        memcpy(head->reply.retry_after, "1", 2);
        return false;
    }
    if (!gate_check_origin(c))
        return false;
    ct_span upgrade = gate_header(head, "upgrade");
    if (upgrade.at) {
        const struct ct_gate_protocol *protocol;
        head->upgrade = parser->upgrade && parser->method != HTTP_CONNECT;
        return gate_socket_check(c, &protocol);
    }
    return gate_check_route(c) && check_body(c, parser);
}

static int on_head(http_parser *parser)
{
    struct ct_gate_connection *c = of(parser);
    struct ct_head *head = c->head;
    if (!add(head, "", 1, false))
        return too_large(c);
    head->complete = true;
    head->method = method_of(parser);
    head->head_only = parser->method == HTTP_HEAD;
    head->content_length = parser->flags & F_CONTENTLENGTH ? parser->content_length : UINT64_MAX;
    if (!check_head(c, parser))
        return -1;
    c->since = gate_now(c->gate);
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct ct_gate_connection *c = of(parser);
    struct ct_head *head = c->head;
    if (!head->route || len > head->route->body_max - head->body_len) {
        gate_refuse(c, 413, "gate_body_too_large", "body_too_large", "the body is larger than this route takes");
        return -1;
    }
    if (head->body_len + len > head->body_capacity) {
        size_t capacity = head->body_capacity ? 2 * head->body_capacity : 4096;
        if (capacity < head->body_len + len)
            capacity = head->body_len + len;
        if (head->content_length != UINT64_MAX && capacity > head->content_length)
            capacity = (size_t)head->content_length;
        size_t more = capacity - head->body_capacity;
        char *grown = c->gate->bodies_bytes + more > CT_BODIES_BYTES_MAX ? NULL : realloc(head->body, capacity);
        if (!grown) {
            gate_refuse(c, 503, "gate_bodies_full", "busy", "too many large requests at once");
            memcpy(head->reply.retry_after, "1", 2);
            return -1;
        }
        c->gate->bodies_bytes += more;
        head->body = grown;
        head->body_capacity = capacity;
    }
    memcpy(head->body + head->body_len, at, len);
    head->body_len += len;
    return 0;
}

static int on_whole(http_parser *parser)
{
    of(parser)->head->keep_alive = http_should_keep_alive(parser) != 0;
    http_parser_pause(parser, 1); /* one at a time: what is behind it waits for the answer */
    return 0;
}

/* ---- answering ---- */

void gate_http_done(struct ct_gate_connection *c)
{
    struct ct_head *head = c->head;
    if (c->later) {
        c->later->connection = NULL;
        c->later = NULL;
    }
    free(c->parser);
    c->parser = NULL;
    if (!head)
        return;
    c->gate->bodies_bytes -= head->body_capacity;
    gate_reply_free(&head->reply);
    free(head->body);
    free(head->text);
    free(head);
    c->head = NULL;
}

static bool committed(const struct ct_gate *gate, uint64_t position)
{
    const struct ct_intake *intake = gate->options.intake;
    return position == 0 || !intake || intake->committed(intake->context) >= position;
}

/* Sends the reply and makes ready for the next request. */
static void answer(struct ct_gate_connection *c)
{
    struct ct_head *head = c->head;
    bool keep_alive = head->keep_alive && !head->refused && !c->gate->closing;
    gate_reply_send(c, &head->reply, keep_alive, head->head_only);
    gate_http_done(c);
    c->since = c->heard = gate_now(c->gate);
    if (!keep_alive) {
        gate_end(c);
        return;
    }
    c->at = CT_AT_READING;
    gate_flush(c);
}

/* After an answer that had to wait: what came meanwhile. */
static void go_on(struct ct_gate_connection *c)
{
    if (c->at != CT_AT_READING || c->doomed)
        return;
    char *held = c->held;
    size_t len = c->held_len;
    c->held = NULL;
    c->held_len = 0;
    if (held)
        gate_http_bytes(c, held, len);
    free(held);
    if (c->at != CT_AT_WAITING)
        gate_pause(c, false);
}

void gate_http_woken(struct ct_gate_connection *c)
{
    if (c->at != CT_AT_WAITING || c->later)
        return;
    if (!committed(c->gate, c->head->reply.after_position)) {
        gate_ready(c);
        return;
    }
    answer(c);
    go_on(c);
}

/* The handler's reply, or later_reply's: true = it could be sent at once. */
static bool settle(struct ct_gate_connection *c)
{
    if (committed(c->gate, c->head->reply.after_position)) {
        answer(c);
        return true;
    }
    c->since = gate_now(c->gate);
    gate_ready(c);
    return false;
}

struct ct_gate_later *ct_request_later(const struct ct_request *request)
{
    struct ct_gate_connection *c = request->wire;
    c->later = malloc(sizeof(*c->later));
    if (c->later)
        c->later->connection = c;
    return c->later;
}

void ct_gate_later_reply(struct ct_gate_later *later, struct ct_reply *reply)
{
    struct ct_gate_connection *c = later->connection;
    free(later);
    if (!c) {
        gate_reply_free(reply);
        return;
    }
    c->later = NULL;
    gate_reply_free(&c->head->reply);
    c->head->reply = *reply;
    c->head->relayed = true;
    if (c->in_callback)
        return; /* still in its handler: call_route goes on */
    *reply = (struct ct_reply){0};
    if (settle(c))
        go_on(c);
}

static void call_route(struct ct_gate_connection *c)
{
    struct ct_head *head = c->head;
    gate_read_remote(c, head->remote, sizeof(head->remote));
    struct ct_request request = {.method = head->method == CT_METHOD_HEAD && !(head->route->methods & CT_METHOD_HEAD)
                                               ? CT_METHOD_GET
                                               : head->method,
                                 .path = head->path,
                                 .rest = head->rest,
                                 .query = head->query,
                                 .body = {head->body, head->body_len},
                                 .remote = ct_span_of(head->remote),
                                 .who = head->who.name[0] ? &head->who : NULL,
                                 .wire = c};
    c->at = CT_AT_WAITING;
    atomic_fetch_add_explicit(&c->gate->requests, 1, memory_order_relaxed);
    c->in_callback = true;
    head->route->handle(head->route->context, &request, &head->reply);
    c->in_callback = false;
    if (!c->later)
        settle(c);
}

static void refuse_malformed(struct ct_gate_connection *c)
{
    enum http_errno why = HTTP_PARSER_ERRNO(c->parser);
    if (why == HPE_HEADER_OVERFLOW)
        too_large(c);
    gate_refuse(c, 400, "gate_bad_request", "bad_request", http_errno_description(why));
}

static bool begin(struct ct_gate_connection *c)
{
    c->head = calloc(1, sizeof(*c->head));
    c->parser = malloc(sizeof(*c->parser));
    if (!c->head || !c->parser) {
        gate_drop(c->gate, "gate_no_memory");
        gate_doom(c);
        return false;
    }
    http_parser_init(c->parser, HTTP_REQUEST);
    c->parser->data = c;
    c->since = gate_now(c->gate);
    return true;
}

void gate_http_bytes(struct ct_gate_connection *c, char *bytes, size_t len)
{
    static const http_parser_settings settings = {.on_url = on_url,
                                                  .on_header_field = on_field,
                                                  .on_header_value = on_value,
                                                  .on_headers_complete = on_head,
                                                  .on_body = on_body,
                                                  .on_message_complete = on_whole};
    size_t at = 0;
    while (at < len && c->at == CT_AT_READING && !c->doomed) {
        if (!c->head && !begin(c))
            return;
        at += http_parser_execute(c->parser, &settings, bytes + at, len - at);
        enum http_errno why = HTTP_PARSER_ERRNO(c->parser);
        if (why == HPE_OK && !c->parser->upgrade)
            continue; /* all of it was read; more is due */
        if (why != HPE_PAUSED && why != HPE_OK) {
            refuse_malformed(c);
            answer(c);
            return;
        }
        if (gate_header(c->head, "upgrade").at)
            gate_socket_open(c);
        else
            call_route(c);
    }
    if (at == len || c->doomed)
        gate_flush(c); /* 100 Continue */
    else if (c->at == CT_AT_SOCKET)
        gate_socket_bytes(c, bytes + at, len - at);
    else if (c->at == CT_AT_WAITING)
        gate_hold(c, bytes + at, len - at, 4 * (size_t)CT_READ_BYTES);
    if (c->at == CT_AT_WAITING)
        gate_pause(c, true);
}

/* ---- time ---- */

void gate_http_tick(struct ct_gate_connection *c)
{
    const struct ct_gate_options *options = &c->gate->options;
    uint64_t waited = gate_now(c->gate) - c->since;
    if (c->at == CT_AT_WAITING) {
        if (c->later || waited < (uint64_t)options->patience_usec / 1000)
            return;
        gate_drop(c->gate, "gate_commit_timeout");
        if (!c->head->relayed) {
            ct_reply_error(&c->head->reply, 503, "not_recorded", "the tape did not confirm in time: send it again");
            memcpy(c->head->reply.retry_after, "1", 2);
        }
        answer(c);
        go_on(c);
        return;
    }
    uint64_t header_msec = (uint64_t)options->header_usec / 1000, idle_msec = (uint64_t)options->idle_usec / 1000;
    if (!c->head) { /* between requests; `heard` is 0 before the first */
        if (waited >= (c->heard ? idle_msec : header_msec))
            gate_doom(c);
    } else if (waited >= (c->head->complete ? 6 * header_msec : header_msec)) {
        c->head->keep_alive = false;
        gate_refuse(c, 408, c->head->complete ? "gate_body_timeout" : "gate_header_timeout", "timeout",
                    "the request took too long to come");
        answer(c);
    }
}
