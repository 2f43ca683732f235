/* gate_socket.c - WebSockets: the handshake, messages to their subprotocol, pings, the end. */
#include "plugin/gate/gate_state.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ACCEPT_MAGIC "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define BEARER "bearer."

/* ---- the handshake ---- */

static const struct ct_gate_protocol *protocol_named(const struct ct_gate_options *options, ct_span name)
{
    for (size_t i = 0; i < options->protocol_count; i++)
        if (ct_span_is(name, options->protocols[i]->name))
            return options->protocols[i];
    return NULL;
}

/* The first of the offered subprotocols that we have, and the token that a browser, which cannot set headers, may offer
 * beside it as "bearer.TOKEN". */
static const struct ct_gate_protocol *read_offers(const struct ct_gate_connection *c, ct_span *token)
{
    const struct ct_head *head = c->head;
    const struct ct_gate_protocol *found = NULL;
    for (size_t i = 0; i < head->headers; i++) {
        if (!ct_span_is((ct_span){head->text + head->name_at[i], head->name_len[i]}, "sec-websocket-protocol"))
            continue;
        ct_span list = {head->text + head->value_at[i], head->value_len[i]};
        for (size_t from = 0; from < list.len;) {
            size_t to = from, end;
            while (to < list.len && list.at[to] != ',')
                to++;
            end = to;
            while (from < end && (list.at[from] == ' ' || list.at[from] == '\t'))
                from++;
            while (end > from && (list.at[end - 1] == ' ' || list.at[end - 1] == '\t'))
                end--;
            ct_span offer = {list.at + from, end - from};
            size_t prefix = sizeof(BEARER) - 1;
            if (!found)
                found = protocol_named(&c->gate->options, offer);
            if (token->len == 0 && offer.len > prefix && memcmp(offer.at, BEARER, prefix) == 0)
                *token = (ct_span){offer.at + prefix, offer.len - prefix};
            from = to + 1;
        }
    }
    return found;
}

static bool is_key(ct_span key)
{
    unsigned char raw[24];
    return key.len == 24 && key.at[22] == '=' && key.at[23] == '=' && key.at[21] != '=' &&
           EVP_DecodeBlock(raw, (const unsigned char *)key.at, 24) == 18;
}

bool gate_socket_check(struct ct_gate_connection *c, const struct ct_gate_protocol **out)
{
    struct ct_head *head = c->head;
    ct_span upgrade = gate_header(head, "upgrade"), token = CT_SPAN_NONE;
    if (upgrade.len != 9 || strncasecmp(upgrade.at, "websocket", 9) != 0) {
        gate_refuse(c, 400, "gate_upgrade_refused", "upgrade", "websocket is the one upgrade that is taken");
        return false;
    }
    if (head->method != CT_METHOD_GET || !head->upgrade ||
        (head->content_length != UINT64_MAX && head->content_length != 0) ||
        gate_header(head, "transfer-encoding").at) {
        gate_refuse(c, 400, "gate_upgrade_refused", "upgrade",
                    "a WebSocket begins with GET, Connection: Upgrade and no body");
        return false;
    }
    if (!ct_span_is(gate_header(head, "sec-websocket-version"), "13")) {
        gate_refuse(c, 426, "gate_upgrade_refused", "version", "version 13 of the WebSocket protocol is due");
        return false;
    }
    if (!is_key(gate_header(head, "sec-websocket-key"))) {
        gate_refuse(c, 400, "gate_upgrade_refused", "key", "Sec-WebSocket-Key is missing or malformed");
        return false;
    }
    *out = read_offers(c, &token);
    if (!*out) {
        gate_refuse(c, 400, "gate_unknown_protocol", "subprotocol",
                    "Sec-WebSocket-Protocol names none that is spoken here");
        return false;
    }
    return gate_check_token(c, (*out)->scope, token);
}

static void send_accept(struct ct_gate_connection *c, const struct ct_gate_protocol *protocol)
{
    char joined[24 + sizeof(ACCEPT_MAGIC)];
    unsigned char hash[SHA_DIGEST_LENGTH], accept[32];
    memcpy(joined, gate_header(c->head, "sec-websocket-key").at, 24);
    memcpy(joined + 24, ACCEPT_MAGIC, sizeof(ACCEPT_MAGIC));
    SHA1((const unsigned char *)joined, sizeof(joined) - 1, hash);
    EVP_EncodeBlock(accept, hash, sizeof(hash));
    char reply[384];
    int len = snprintf(reply, sizeof(reply),
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %.100s\r\n\r\n",
                       (const char *)accept, protocol->name);
    gate_queue(c, reply, (size_t)len, NULL, 0);
}

void gate_socket_open(struct ct_gate_connection *c)
{
    const struct ct_gate_protocol *protocol = NULL;
    ct_span token = CT_SPAN_NONE;
    protocol = read_offers(c, &token); /* checked before */
    send_accept(c, protocol);
    c->protocol = protocol;
    c->who = c->head->who;
    c->session = calloc(1, protocol->session_bytes ? protocol->session_bytes : 1);
    if (!c->session) {
        gate_drop(c->gate, "gate_no_memory");
        c->protocol = NULL;
        gate_doom(c);
        return;
    }
    c->at = CT_AT_SOCKET;
    c->heard = c->since = gate_now(c->gate);
    atomic_fetch_add_explicit(&c->gate->open_websockets, 1, memory_order_relaxed);
    c->in_callback = true;
    bool fine = !protocol->opened ||
                protocol->opened(protocol->context, c->session, c, c->who.name[0] ? &c->who : NULL, c->head->query);
    c->in_callback = false;
    gate_http_done(c);
    if (!fine)
        ct_gate_close(c, 1008, "refused");
    else if (!protocol->woken_on_request)
        gate_ready(c);
    gate_flush(c);
}

/* ---- sending ---- */

static bool send_frame(struct ct_gate_connection *c, enum ct_wire_opcode opcode, const void *bytes, size_t len)
{
    unsigned char head[CT_WIRE_HEAD_MAX];
    size_t size = ct_wire_head(opcode, len, head);
    return gate_queue(c, head, size, bytes, len);
}

/* A peer that does not read: what is queued is given up, but for a frame that is partly out. */
static void too_slow(struct ct_gate_connection *c)
{
    gate_drop(c->gate, "gate_slow_peer");
    struct ct_chunk *begun = c->out_first && c->out_first->at ? c->out_first : NULL;
    if (begun) {
        c->out_first = begun->next;
        c->out_bytes -= begun->len - begun->at;
    }
    gate_queue_free(c);
    if (begun) {
        begun->next = NULL;
        c->out_first = c->out_last = begun;
        c->out_bytes = begun->len - begun->at;
    }
    ct_gate_close(c, 1013, "too slow");
}

bool ct_gate_send(struct ct_gate_connection *connection, ct_span text)
{
    struct ct_gate_connection *c = connection;
    if (c->at != CT_AT_SOCKET || c->doomed || text.len == 0)
        return false;
    if (c->out_bytes + text.len > CT_QUEUE_BYTES_MAX) {
        too_slow(c);
        return false;
    }
    if (!send_frame(c, CT_WIRE_TEXT, text.at, text.len))
        return false;
    if (!c->in_callback)
        gate_flush(c);
    return true;
}

void ct_gate_close(struct ct_gate_connection *connection, int code, const char *reason)
{
    struct ct_gate_connection *c = connection;
    if (c->at != CT_AT_SOCKET)
        return;
    char payload[125];
    size_t len = strlen(reason);
    len = len > 100 ? 100 : len;
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xFF);
    memcpy(payload + 2, reason, len);
    send_frame(c, CT_WIRE_OP_CLOSE, payload, len + 2);
    c->at = CT_AT_CLOSING;
    c->since = gate_now(c->gate);
    if (c->stalled) {
        free(c->stalled);
        c->stalled = NULL;
        c->again = 0;
        c->gate->stalling--;
        gate_pause(c, false);
    }
    if (!c->in_callback)
        gate_flush(c);
}

void ct_gate_expect(struct ct_gate_connection *connection)
{
    gate_ready(connection);
}

/* ---- receiving ---- */

/* The message could not be taken: it is kept, and nothing more is read, until gate_socket_again. */
static void stall(struct ct_gate_connection *c, ct_span payload)
{
    c->stalled = malloc(payload.len ? payload.len : 1);
    if (!c->stalled) {
        gate_drop(c->gate, "gate_no_memory");
        gate_doom(c);
        return;
    }
    memcpy(c->stalled, payload.at, payload.len);
    c->stalled_len = payload.len;
    c->stalled_binary = c->reader.binary;
    c->again = gate_now(c->gate);
    c->gate->stalling++;
    gate_pause(c, true);
}

static void peer_closes(struct ct_gate_connection *c, int code)
{
    if (c->at == CT_AT_SOCKET) {
        unsigned char payload[2] = {(unsigned char)(code >> 8), (unsigned char)(code & 0xFF)};
        send_frame(c, CT_WIRE_OP_CLOSE, payload, code == 1005 ? 0 : 2);
    }
    gate_end(c);
}

static void message(struct ct_gate_connection *c, ct_span payload)
{
    if (c->at != CT_AT_SOCKET)
        return; /* our close frame is out: what crosses it is passed over */
    if (gate_rate_exceeded(c)) {
        gate_drop(c->gate, "gate_rate");
        ct_gate_close(c, 1008, "too many messages a second");
        return;
    }
    int code = c->protocol->message(c->protocol->context, c->session, c, payload, c->reader.binary);
    if (code == CT_GATE_AGAIN && c->at == CT_AT_SOCKET)
        stall(c, payload);
    else if (code > 0)
        ct_gate_close(c, code, "");
}

static void event(struct ct_gate_connection *c, enum ct_wire_event what, ct_span payload, int code, const char *reason)
{
    switch (what) {
    case CT_WIRE_MESSAGE:
        message(c, payload);
        break;
    case CT_WIRE_PING:
        if (gate_rate_exceeded(c) || c->out_bytes > CT_QUEUE_BYTES_MAX) {
            gate_drop(c->gate, "gate_rate");
            ct_gate_close(c, 1008, "too many pings");
        } else if (c->at == CT_AT_SOCKET) {
            send_frame(c, CT_WIRE_OP_PONG, payload.at, payload.len);
        }
        break;
    case CT_WIRE_CLOSE:
        peer_closes(c, code);
        break;
    case CT_WIRE_BAD:
        gate_drop(c->gate, reason);
        ct_gate_close(c, code, reason);
        gate_end(c);
        break;
    case CT_WIRE_PONG:
    case CT_WIRE_MORE:
        break;
    }
}

/* What is held for messages is bounded over all connections, as request bodies are. */
static void count_held(struct ct_gate_connection *c)
{
    struct ct_gate *gate = c->gate;
    size_t held = c->reader.capacity + (c->stalled ? c->stalled_len : 0);
    if (held == c->counted)
        return;
    bool more = held > c->counted;
    gate->bodies_bytes += held - c->counted;
    c->counted = held;
    if (!more || gate->bodies_bytes <= CT_BODIES_BYTES_MAX || c->at == CT_AT_ENDING)
        return;
    gate_drop(gate, "gate_bodies_full");
    ct_gate_close(c, 1013, "too many large messages at once");
    gate_end(c);
    ct_wire_done(&c->reader);
    gate->bodies_bytes -= c->counted;
    c->counted = 0;
}

static void take(struct ct_gate_connection *c, char *bytes, size_t len)
{
    size_t at = 0, messages = 0;
    bool nested = c->in_callback;
    c->in_callback = true;
    while ((c->at == CT_AT_SOCKET || c->at == CT_AT_CLOSING) && !c->doomed && !c->stalled && at < len) {
        size_t consumed = 0;
        int code = 0;
        const char *reason = NULL;
        ct_span payload;
        enum ct_wire_event what = ct_wire_next(&c->reader, bytes + at, len - at, c->gate->options.message_max,
                                               &consumed, &payload, &code, &reason);
        at += consumed;
        messages += what == CT_WIRE_MESSAGE;
        event(c, what, payload, code, reason);
        if (what == CT_WIRE_MESSAGE)
            ct_wire_done(&c->reader); /* not only when the next one comes: that may be never */
        count_held(c);
        if (what == CT_WIRE_MORE)
            break;
    }
    c->in_callback = nested;
    if (messages)
        atomic_fetch_add_explicit(&c->gate->messages, messages, memory_order_relaxed);
    if (c->at != CT_AT_ENDING && !c->doomed)
        gate_hold(c, bytes + at, len - at, 8 * (size_t)CT_READ_BYTES);
}

void gate_socket_bytes(struct ct_gate_connection *c, char *bytes, size_t len)
{
    c->pinged = false;
    if (c->held || c->stalled)
        gate_hold(c, bytes, len, 8 * (size_t)CT_READ_BYTES);
    if (!c->stalled && c->held && !c->doomed) {
        char *held = c->held;
        size_t held_len = c->held_len;
        c->held = NULL;
        c->held_len = 0;
        take(c, held, held_len);
        free(held);
    } else if (!c->stalled && !c->doomed) {
        take(c, bytes, len);
    }
    if (c->out_first && !c->in_callback)
        gate_flush(c);
}

void gate_socket_again(struct ct_gate_connection *c)
{
    if (!c->stalled || c->at != CT_AT_SOCKET)
        return;
    c->in_callback = true;
    int code = c->protocol->message(c->protocol->context, c->session, c, (ct_span){c->stalled, c->stalled_len},
                                    c->stalled_binary);
    c->in_callback = false;
    if (code != CT_GATE_AGAIN && c->stalled) {
        free(c->stalled);
        c->stalled = NULL;
        c->again = 0;
        c->gate->stalling--;
        if (code > 0)
            ct_gate_close(c, code, "");
        gate_socket_bytes(c, c->held, 0);
        if (!c->stalled)
            gate_pause(c, false);
        count_held(c);
    }
    gate_flush(c);
}

void gate_socket_woken(struct ct_gate_connection *c)
{
    if (c->at != CT_AT_SOCKET || !c->protocol->woken)
        return;
    c->in_callback = true;
    c->protocol->woken(c->protocol->context, c->session, c);
    c->in_callback = false;
    if (!c->protocol->woken_on_request)
        gate_ready(c);
    if (c->out_first)
        gate_flush(c);
}

/* ---- time, the end ---- */

void gate_socket_tick(struct ct_gate_connection *c)
{
    uint64_t now = gate_now(c->gate), idle = (uint64_t)c->gate->options.idle_usec / 1000;
    if (c->at == CT_AT_CLOSING) {
        if (now - c->since >= CT_CLOSE_MSEC)
            gate_doom(c);
        return;
    }
    if (c->stalled) {
        c->heard = now; /* it is we who do not read */
        if (now - c->again >= (uint64_t)c->gate->options.patience_usec / 1000) {
            gate_drop(c->gate, "gate_intake_full");
            ct_gate_close(c, 1013, "try again");
        }
        return;
    }
    uint64_t silent = now - c->heard;
    if (silent >= idle) {
        gate_drop(c->gate, "gate_dead_peer");
        gate_doom(c);
    } else if (silent >= idle / 2 && !c->pinged) {
        c->pinged = true;
        send_frame(c, CT_WIRE_OP_PING, NULL, 0);
        gate_flush(c);
    }
}

void gate_socket_done(struct ct_gate_connection *c)
{
    if (c->protocol) {
        atomic_fetch_sub_explicit(&c->gate->open_websockets, 1, memory_order_relaxed);
        if (c->protocol->closed)
            c->protocol->closed(c->protocol->context, c->session);
    }
    c->protocol = NULL;
    free(c->session);
    c->session = NULL;
    if (c->stalled)
        c->gate->stalling--;
    free(c->stalled);
    c->stalled = NULL;
    ct_wire_done(&c->reader);
    c->gate->bodies_bytes -= c->counted;
    c->counted = 0;
}
