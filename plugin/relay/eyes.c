/* eyes.c - the reading side of one relayed connection (eyes.h). Called by link.c, and alone by tests and the fuzzer. */
#include "plugin/relay/eyes.h"
#include "plugin/relay/exchange.h"
#include "plugin/relay/extension.h"
#include "plugin/relay/frames.h"
#include "plugin/relay/head.h"

#include <http_parser.h>
#include <stdlib.h>
#include <strings.h>

#define EXCHANGES_MAX 64 /* requests that wait for their answers */
#define STREAM_MAX 48

struct half {
    http_parser parser;
    struct ct_head *head;
    bool paused; /* the client asked for another protocol: what it sends waits for the answer */
};

struct ct_eyes {
    const struct ct_eyes_setup *setup;
    ct_usec at; /* of what is being read */
    struct half client, gateway;
    struct ct_exchange *first, *last;
    unsigned exchanges;
    size_t waiting;           /* bytes of requests that are held for their answers */
    struct ct_held later;     /* what came from the client while it is paused */
    bool blind;               /* nothing more is read */
    bool websocket;           /* frames now */
    struct ct_frames *frames; /* [2]: the client's, the gateway's */
    char *target;             /* of the WebSocket */
    size_t target_len;
    unsigned char stream_len;
    char stream[STREAM_MAX];
};

static void drop(struct ct_eyes *eyes, const char *reason)
{
    eyes->setup->intake->drop(eyes->setup->intake->context, reason, 1);
}

/* The rest of the connection goes by unread. `reason` NULL: because it is not to be read, which is no loss. */
static void blind(struct ct_eyes *eyes, const char *reason)
{
    if (!eyes->blind && reason) {
        drop(eyes, reason);
        atomic_fetch_add_explicit(&eyes->setup->counts->unread, 1, memory_order_relaxed);
    }
    eyes->blind = true;
}

/* ---- to the intake ----------------------------------------------------------------------- */

static void give(struct ct_eyes *eyes, bool from_client, ct_span target, ct_span bytes)
{
    const struct ct_eyes_setup *setup = eyes->setup;
    if (bytes.len == 0) {
        return;
    }
    if (!ct_utf8_valid(bytes, NULL)) {
        drop(eyes, "relay_not_utf8");
        return;
    }
    bool in = from_client == (setup->client_is == CT_DIRECTION_IN);
    struct ct_tape_entry entry = {
        .kind = CT_TAPE_DATA,
        .direction = in ? CT_DIRECTION_IN : CT_DIRECTION_OUT,
        .at = eyes->at,
        .source = setup->source,
        .stream = {eyes->stream, eyes->stream_len},
        .target = target,
        .bytes = bytes,
    };
    switch (setup->intake->append(setup->intake->context, &entry, NULL)) {
    case CT_OK:
        atomic_fetch_add_explicit(in ? &setup->counts->messages_in : &setup->counts->messages_out, 1,
                                  memory_order_relaxed);
        break;
    case CT_LIMIT:
        drop(eyes, "relay_intake_full");
        break;
    case CT_NO_MEMORY:
        drop(eyes, "relay_no_memory");
        break;
    default:
        drop(eyes, "relay_intake_failed");
    }
}

static void drop_event(void *context, const char *reason)
{
    drop(context, reason);
}

/* ---- requests and answers ---------------------------------------------------------------- */

static bool client_is_bot(const struct ct_eyes *eyes)
{
    return eyes->setup->client_is == CT_DIRECTION_OUT;
}

static ct_span target_of(const struct ct_exchange *exchange)
{
    return (ct_span){exchange->target, exchange->target_len};
}

static void give_request(struct ct_eyes *eyes, struct ct_exchange *exchange)
{
    ct_span bytes;
    const char *reason = ct_body_end(&exchange->request, &bytes);
    if (client_is_bot(eyes) && !ct_exchange_ok(exchange)) {
        if (reason || bytes.len > 0) {
            drop(eyes, "egress_refused");
        }
    } else if (reason) {
        drop(eyes, reason);
    } else {
        give(eyes, true, target_of(exchange), bytes);
    }
    eyes->waiting -= exchange->waiting;
    exchange->waiting = 0;
    ct_body_done(&exchange->request);
    exchange->request_given = true;
}

static void give_response(struct ct_eyes *eyes, struct ct_exchange *exchange)
{
    ct_span bytes;
    const char *reason = ct_body_end(&exchange->response, &bytes);
    if (reason) {
        drop(eyes, reason);
    } else {
        give(eyes, false, target_of(exchange), bytes);
    }
}

/* Hands on what may be handed on, in the order of the requests. */
static void advance(struct ct_eyes *eyes)
{
    struct ct_exchange *last = eyes->last;
    if (last && !client_is_bot(eyes) && last->request_done && !last->request_given) {
        give_request(eyes, last);
    }
    while (eyes->first) {
        struct ct_exchange *first = eyes->first;
        if (!first->request_given && first->request_done && first->answered) {
            give_request(eyes, first);
        }
        if (!first->request_done || !first->response_done) {
            return;
        }
        give_response(eyes, first);
        eyes->first = first->next;
        eyes->last = eyes->first ? eyes->last : NULL;
        eyes->exchanges--;
        ct_exchange_free(first);
    }
}

/* ---- HTTP, as libhttp_parser tells it ---------------------------------------------------- */

static bool of_client(const http_parser *parser)
{
    return parser->type == HTTP_REQUEST;
}

static struct half *half_of(http_parser *parser)
{
    struct ct_eyes *eyes = parser->data;
    return of_client(parser) ? &eyes->client : &eyes->gateway;
}

static int give_up(struct ct_eyes *eyes, const char *reason)
{
    blind(eyes, reason);
    return -1;
}

static int on_message_begin(http_parser *parser)
{
    struct ct_eyes *eyes = parser->data;
    struct half *half = half_of(parser);
    half->head = ct_head_new(eyes->setup->head_max);
    if (half->head == NULL) {
        return give_up(eyes, "relay_no_memory");
    }
    if (!of_client(parser)) {
        return 0;
    }
    if (eyes->exchanges == EXCHANGES_MAX) {
        return give_up(eyes, "relay_pipeline_too_long");
    }
    struct ct_exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) {
        return give_up(eyes, "relay_no_memory");
    }
    if (eyes->last) {
        eyes->last->next = exchange;
    } else {
        eyes->first = exchange;
    }
    eyes->last = exchange;
    eyes->exchanges++;
    return 0;
}

/* A piece of the head that is coming; trailers, behind a body, say nothing to us. */
static int head_piece(http_parser *parser, bool (*add)(struct ct_head *head, ct_span piece), const char *at, size_t len)
{
    struct ct_head *head = half_of(parser)->head;
    return head == NULL || add(head, (ct_span){at, len}) ? 0 : give_up(parser->data, "relay_head_too_long");
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    return head_piece(parser, ct_head_url, at, len);
}

static int on_header_field(http_parser *parser, const char *at, size_t len)
{
    return head_piece(parser, ct_head_name, at, len);
}

static int on_header_value(http_parser *parser, const char *at, size_t len)
{
    return head_piece(parser, ct_head_value, at, len);
}

static void begin_body(struct ct_eyes *eyes, struct ct_body *body, const struct ct_head *head, bool read, bool events)
{
    ct_body_begin(body, &(struct ct_body_head){
                            .type = ct_head_field(head, CT_HEAD_TYPE),
                            .encoding = ct_head_field(head, CT_HEAD_ENCODING),
                            .events_read = read && events && eyes->setup->events,
                            .bodies_read = read && eyes->setup->http,
                            .max = eyes->setup->message_max,
                        });
}

static int request_head(struct ct_eyes *eyes, const struct ct_head *head)
{
    http_parser *parser = &eyes->client.parser;
    struct ct_exchange *exchange = eyes->last;
    ct_exchange_target(exchange, ct_span_of(http_method_str((enum http_method)parser->method)),
                       (ct_span){head->url, head->url_len}, eyes->setup->paths);
    exchange->no_body = parser->method == HTTP_HEAD;
    exchange->tunnel = parser->method == HTTP_CONNECT;
    begin_body(eyes, &exchange->request, head, exchange->read, false);
    return 0;
}

/* The gateway says: frames from here on. */
static void switch_protocol(struct ct_eyes *eyes, const struct ct_head *head)
{
    struct ct_exchange *exchange = eyes->first;
    const struct ct_eyes_setup *setup = eyes->setup;
    struct ct_extension agreed;
    ct_span protocol = ct_head_field(head, CT_HEAD_UPGRADE);
    if (exchange == NULL || !eyes->client.paused || exchange != eyes->last || !eyes->gateway.parser.upgrade ||
        protocol.len != 9 || strncasecmp(protocol.at, "websocket", 9) != 0) {
        blind(eyes, "relay_unknown_protocol");
        return;
    }
    if (!exchange->read || !setup->websocket) {
        blind(eyes, NULL);
        return;
    }
    if (!ct_extension_parse(ct_head_field(head, CT_HEAD_EXTENSIONS), &agreed)) {
        blind(eyes, "relay_unknown_extension");
        return;
    }
    eyes->frames = calloc(2, sizeof *eyes->frames);
    eyes->target = malloc(exchange->target_len + 1);
    if (eyes->frames == NULL || eyes->target == NULL) {
        blind(eyes, "relay_no_memory");
        return;
    }
    memcpy(eyes->target, exchange->target, exchange->target_len);
    eyes->target_len = exchange->target_len;
    struct ct_frames_options options = {.deflate = agreed.deflate, .message_max = setup->message_max};
    options.masked = true;
    options.takeover = agreed.client_takeover;
    options.window_bits = agreed.client_bits;
    ct_frames_init(&eyes->frames[0], &options);
    options.masked = false;
    options.takeover = agreed.server_takeover;
    options.window_bits = agreed.server_bits;
    ct_frames_init(&eyes->frames[1], &options);
    eyes->websocket = true;
}

static void read_later(struct ct_eyes *eyes);

static int response_head(struct ct_eyes *eyes, const struct ct_head *head)
{
    unsigned status = eyes->gateway.parser.status_code;
    struct ct_exchange *exchange = eyes->first;
    if (status == 101) {
        switch_protocol(eyes, head);
        return eyes->blind ? -1 : 1;
    }
    if (status < 200) {
        return 1; /* 100, 103: the answer itself is still to come */
    }
    if (exchange == NULL) {
        return 0; /* to nothing that was asked: a server's farewell */
    }
    if (exchange->response_done) {
        return give_up(eyes, "relay_bad_http"); /* answered twice */
    }
    exchange->answered = true;
    exchange->status = status;
    if (exchange == eyes->last) {
        eyes->client.paused = false; /* it did not get the other protocol */
    }
    bool ok = ct_exchange_ok(exchange);
    if (exchange->tunnel && ok) {
        return give_up(eyes, "relay_unknown_protocol");
    }
    if (!ok && status >= 400 && exchange->read && eyes->setup->http && !client_is_bot(eyes)) {
        drop(eyes, "relay_error_answer");
    }
    begin_body(eyes, &exchange->response, head, exchange->read && ok, true);
    bool no_body = exchange->no_body || status == 204 || status == 304;
    advance(eyes);
    read_later(eyes); /* the answer to what it asks may be in these same bytes */
    return eyes->blind ? -1 : no_body ? 1 : 0;
}

static int on_headers_complete(http_parser *parser)
{
    struct ct_eyes *eyes = parser->data;
    struct half *half = half_of(parser);
    struct ct_head *head = half->head;
    half->head = NULL;
    int said = of_client(parser) ? request_head(eyes, head) : response_head(eyes, head);
    free(head);
    return said;
}

static void on_event(void *context, ct_span data)
{
    struct ct_eyes *eyes = context;
    give(eyes, false, target_of(eyes->first), data);
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct ct_eyes *eyes = parser->data;
    struct ct_exchange *exchange = of_client(parser) ? eyes->last : eyes->first;
    if (exchange == NULL) {
        return 0;
    }
    struct ct_body *body = of_client(parser) ? &exchange->request : &exchange->response;
    struct ct_events_out out = {eyes, on_event, drop_event};
    ct_body_feed(body, (ct_span){at, len}, &out);
    if (of_client(parser)) {
        eyes->waiting += body->held.len - exchange->waiting;
        exchange->waiting = body->held.len;
        if (eyes->waiting > 2 * eyes->setup->message_max && body->problem == NULL) {
            /* Requests pile up behind an answer: the memory of one connection is bounded. */
            body->problem = "relay_too_long";
            ct_held_done(&body->held);
            eyes->waiting -= exchange->waiting;
            exchange->waiting = 0;
        }
    }
    return 0;
}

static int on_message_complete(http_parser *parser)
{
    struct ct_eyes *eyes = parser->data;
    if (of_client(parser)) {
        eyes->last->request_done = true;
        eyes->client.paused = parser->upgrade != 0 && !eyes->last->answered;
    } else if (parser->status_code >= 200 && eyes->first && eyes->first->answered) {
        eyes->first->response_done = true;
    }
    advance(eyes);
    return 0;
}

static const http_parser_settings callbacks = {
    .on_message_begin = on_message_begin,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- WebSocket --------------------------------------------------------------------------- */

struct frames_from {
    struct ct_eyes *eyes;
    bool client;
};

static bool looks_like_json(ct_span bytes)
{
    size_t i = 0;
    while (i < bytes.len && (bytes.at[i] == ' ' || bytes.at[i] == '\t' || bytes.at[i] == '\r' || bytes.at[i] == '\n')) {
        i++;
    }
    return i < bytes.len && (bytes.at[i] == '{' || bytes.at[i] == '[') && ct_utf8_valid(bytes, NULL);
}

static void on_message(void *context, bool text, ct_span bytes)
{
    struct frames_from *from = context;
    struct ct_eyes *eyes = from->eyes;
    if (bytes.len == 0) {
        drop(eyes, "relay_empty");
    } else if (!text && !looks_like_json(bytes)) {
        drop(eyes, "relay_binary");
    } else {
        give(eyes, from->client, (ct_span){eyes->target, eyes->target_len}, bytes);
    }
}

static void on_frame_drop(void *context, const char *reason)
{
    drop(((struct frames_from *)context)->eyes, reason);
}

static void read_frames(struct ct_eyes *eyes, bool from_client, ct_span bytes)
{
    struct frames_from from = {eyes, from_client};
    struct ct_frames_out out = {&from, on_message, on_frame_drop};
    const char *bad = ct_frames_feed(&eyes->frames[from_client ? 0 : 1], bytes, &out);
    if (bad) {
        blind(eyes, bad);
    } else if (ct_frames_closed(&eyes->frames[0]) && ct_frames_closed(&eyes->frames[1])) {
        blind(eyes, NULL);
    }
}

/* ---- the whole --------------------------------------------------------------------------- */

static void free_exchanges(struct ct_eyes *eyes)
{
    while (eyes->first) {
        struct ct_exchange *first = eyes->first;
        eyes->first = first->next;
        ct_exchange_free(first);
    }
    eyes->last = NULL;
    eyes->exchanges = 0;
    eyes->waiting = 0;
}

static void read_http(struct ct_eyes *eyes, struct half *half, ct_span bytes)
{
    while (bytes.len > 0 && !eyes->blind && !eyes->websocket && !half->paused) {
        size_t used = http_parser_execute(&half->parser, &callbacks, bytes.at, bytes.len);
        enum http_errno wrong = HTTP_PARSER_ERRNO(&half->parser);
        if (wrong != HPE_OK) {
            blind(eyes, wrong == HPE_HEADER_OVERFLOW ? "relay_head_too_long" : "relay_bad_http");
            return;
        }
        bytes.at += used;
        bytes.len -= used;
    }
    if (eyes->blind || bytes.len == 0) {
        return;
    }
    if (eyes->websocket) {
        read_later(eyes); /* it came first */
        if (!eyes->blind) {
            read_frames(eyes, half == &eyes->client, bytes);
        }
    } else if (ct_held_add(&eyes->later, bytes, eyes->setup->head_max) != CT_OK) {
        blind(eyes, "relay_too_early");
    }
}

/* What the client sent before its answer to an upgrade came, now that it is known what it is. */
static void read_later(struct ct_eyes *eyes)
{
    if (eyes->websocket) {
        free_exchanges(eyes);
    }
    if (eyes->blind || eyes->later.len == 0 || (eyes->client.paused && !eyes->websocket)) {
        return;
    }
    struct ct_held later = eyes->later;
    eyes->later = (struct ct_held){0};
    read_http(eyes, &eyes->client, ct_held_span(&later));
    ct_held_done(&later);
}

/* One side sends no more. */
static void end(struct ct_eyes *eyes, const struct half *half)
{
    if (!eyes->websocket && half == &eyes->gateway) {
        /* This is how a body without a length ends; in the middle of anything else it is counted at the end. */
        (void)http_parser_execute(&eyes->gateway.parser, &callbacks, NULL, 0);
    }
}

struct ct_eyes *ct_eyes_new(const struct ct_eyes_setup *setup, ct_span stream)
{
    struct ct_eyes *eyes = calloc(1, sizeof *eyes);
    if (eyes == NULL) {
        return NULL;
    }
    eyes->setup = setup;
    eyes->stream_len = (unsigned char)(stream.len < STREAM_MAX ? stream.len : STREAM_MAX - 1);
    memcpy(eyes->stream, stream.at, eyes->stream_len);
    http_parser_init(&eyes->client.parser, HTTP_REQUEST);
    http_parser_init(&eyes->gateway.parser, HTTP_RESPONSE);
    eyes->client.parser.data = eyes->gateway.parser.data = eyes;
    return eyes;
}

bool ct_eyes_feed(struct ct_eyes *eyes, bool from_client, ct_span bytes, ct_usec at)
{
    struct half *half = from_client ? &eyes->client : &eyes->gateway;
    if (eyes->blind) {
        return false;
    }
    eyes->at = at;
    if (bytes.len == 0) {
        end(eyes, half);
    } else if (eyes->websocket) {
        read_frames(eyes, from_client, bytes);
    } else {
        read_http(eyes, half, bytes);
        read_later(eyes);
    }
    return !eyes->blind;
}

void ct_eyes_rest(struct ct_eyes *eyes)
{
    if (eyes->websocket) {
        ct_frames_rest(&eyes->frames[0]);
        ct_frames_rest(&eyes->frames[1]);
    }
}

/* What had begun and did not become whole. */
static void count_rest(struct ct_eyes *eyes)
{
    if (eyes->websocket) {
        for (int i = 0; i < 2; i++) {
            if (ct_frames_cut(&eyes->frames[i])) {
                drop(eyes, "relay_cut");
            }
        }
    }
    for (struct ct_exchange *one = eyes->first; one; one = one->next) {
        if (!one->request_given && one->request.wanted && (one->request.held.len > 0 || one->request.problem)) {
            drop(eyes, one->request_done ? "relay_unanswered" : "relay_cut");
        }
        if (one->answered && !one->response_done && one->response.wanted &&
            (one->response.held.len > 0 || one->response.problem ||
             (one->response.events && ct_events_cut(one->response.events)))) {
            drop(eyes, "relay_cut");
        }
    }
}

void ct_eyes_free(struct ct_eyes *eyes)
{
    if (eyes == NULL) {
        return;
    }
    count_rest(eyes);
    free_exchanges(eyes);
    if (eyes->frames) {
        ct_frames_done(&eyes->frames[0]);
        ct_frames_done(&eyes->frames[1]);
        free(eyes->frames);
    }
    free(eyes->target);
    free(eyes->client.head);
    free(eyes->gateway.head);
    ct_held_done(&eyes->later);
    free(eyes);
}
