/* gate_inside.h - what a gate offers its own receivers (ingest, webhooks) beyond gate.h. All on the gate's thread. */
#ifndef CT_GATE_INSIDE_H
#define CT_GATE_INSIDE_H

#include "plugin/gate/gate.h"

struct lws_context;
struct lws_vhost;
struct uv_loop_s;

/* What ct_gate_protocol.message may return besides a close code: not now. Nothing more is read from this peer; the same
 * message comes again after the next wake and every 20 ms, and after the gate's patience the peer is closed with 1013.
 */
#define CT_GATE_AGAIN (-1)

/* Closes a WebSocket with this code; `reason` (at most 100 bytes) is sent. */
void ct_gate_close(struct ct_gate_connection *connection, int code, const char *reason);
/* For a protocol with woken_on_request: this connection wants to be woken once. */
void ct_gate_expect(struct ct_gate_connection *connection);

/* A reply that comes later: a handler that calls this leaves *reply alone and owes one ct_gate_later_reply. */
struct ct_gate_later;
/* NULL = out of memory. */
struct ct_gate_later *ct_request_later(const struct ct_request *request) CT_MUST_USE;
/* Sends it, as a handler's return does, unless the peer has gone meanwhile; frees `later`. Where after_position is not
 * committed within the gate's patience it is sent all the same (and counted): it is somebody else's answer. */
void ct_gate_later_reply(struct ct_gate_later *later, struct ct_reply *reply);

/* The request's headers in the order they came; false = no more. Borrowed as the request is. */
bool ct_request_header_at(const struct ct_request *request, size_t index, ct_span *name, ct_span *value);

/* The loop and the context that a request came through: for a client on the same thread. */
struct lws_context *ct_request_context(const struct ct_request *request);
struct uv_loop_s *ct_request_loop(const struct ct_request *request);

#endif
