/* gate_write.c - what goes out of a gate's connections: a queue of our own in front of the library, which gets one
 * write at a time and never another before the last is with the socket. */
#include "plugin/gate/gate_state.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>

_Static_assert(CT_ROOM_BEFORE >= LWS_PRE, "room before a write");

bool gate_queue(struct ct_gate_connection *c, const void *bytes, size_t len, const void *more, size_t more_len)
{
    if (len + more_len == 0)
        return true; /* the library must never be given an empty write */
    struct ct_chunk *chunk = malloc(sizeof(*chunk) + len + more_len);
    if (!chunk) {
        gate_drop(c->gate, "gate_no_memory");
        gate_doom(c);
        return false;
    }
    chunk->next = NULL;
    chunk->len = len + more_len;
    chunk->at = 0;
    memcpy(chunk->bytes, bytes, len);
    if (more_len)
        memcpy(chunk->bytes + len, more, more_len);
    if (!c->out_first) {
        c->out_first = chunk;
        c->progress = gate_now(c->gate);
    } else {
        c->out_last->next = chunk;
    }
    c->out_last = chunk;
    c->out_bytes += chunk->len;
    return true;
}

static void pop(struct ct_gate_connection *c)
{
    struct ct_chunk *chunk = c->out_first;
    c->out_first = chunk->next;
    if (!c->out_first)
        c->out_last = NULL;
    c->out_bytes -= chunk->len - chunk->at;
    free(chunk);
}

void gate_queue_free(struct ct_gate_connection *c)
{
    while (c->out_first)
        pop(c);
}

/* One write of what is queued: small pieces together, at most CT_READ_BYTES. false = the socket is broken. */
static bool write_some(struct ct_gate_connection *c)
{
    unsigned char *from;
    size_t len = 0;
    if (!c->out_first->next || c->out_first->len - c->out_first->at >= CT_READ_BYTES / 2) {
        struct ct_chunk *chunk = c->out_first;
        from = chunk->bytes + chunk->at;
        len = chunk->len - chunk->at;
        if (len > CT_READ_BYTES)
            len = CT_READ_BYTES;
        if (lws_write(c->wsi, from, len, LWS_WRITE_RAW) < (int)len)
            return false;
        chunk->at += len;
        c->out_bytes -= len;
        if (chunk->at == chunk->len)
            pop(c);
    } else {
        from = c->gate->scratch + CT_ROOM_BEFORE;
        while (c->out_first && c->out_first->len - c->out_first->at <= CT_READ_BYTES - len) {
            struct ct_chunk *chunk = c->out_first;
            memcpy(from + len, chunk->bytes + chunk->at, chunk->len - chunk->at);
            len += chunk->len - chunk->at;
            pop(c);
        }
        if (lws_write(c->wsi, from, len, LWS_WRITE_RAW) < (int)len)
            return false;
    }
    c->progress = gate_now(c->gate);
    return true;
}

static void ask(struct ct_gate_connection *c)
{
    if (!c->writable_asked)
        c->writable_asked = lws_callback_on_writable(c->wsi) >= 0;
}

/* The queue is out. */
static void emptied(struct ct_gate_connection *c)
{
    if (c->at != CT_AT_ENDING)
        return;
    if (c->peer_closed || c->gate->tls) {
        gate_doom(c);
    } else if (!c->shut) {
        /* Bytes that are still on their way here would make the kernel reset the connection, and the peer would lose
         * the answer: say that we have finished, and pass over what comes until the peer has, too. */
        shutdown(lws_get_socket_fd(c->wsi), SHUT_WR);
        c->shut = true;
        c->since = gate_now(c->gate);
    }
}

void gate_flush(struct ct_gate_connection *c)
{
    if (c->doomed)
        return;
    if (lws_partial_buffered(c->wsi)) {
        ask(c);
        return;
    }
    if (c->out_first && !write_some(c)) {
        gate_doom(c);
        return;
    }
    if (c->out_first || lws_partial_buffered(c->wsi))
        ask(c);
    else
        emptied(c);
}

void gate_writable(struct ct_gate_connection *c)
{
    c->writable_asked = false;
    gate_flush(c);
}

void gate_end(struct ct_gate_connection *c)
{
    if (c->at == CT_AT_ENDING)
        return;
    c->at = CT_AT_ENDING;
    c->since = gate_now(c->gate);
    free(c->held);
    c->held = NULL;
    c->held_len = 0;
    gate_pause(c, false); /* what still comes is read and passed over */
    gate_flush(c);
}

size_t ct_gate_waiting(const struct ct_gate_connection *connection)
{
    return connection->out_bytes;
}

bool gate_rate_exceeded(struct ct_gate_connection *c)
{
    unsigned most = c->gate->options.rate_max;
    if (most == 0)
        return false;
    uint64_t second = gate_now(c->gate) / 1000;
    if (second != c->rate_second) {
        c->rate_second = second;
        c->rate_count = 0;
    }
    return ++c->rate_count > most;
}
