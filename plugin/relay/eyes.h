/* eyes.h - the reading side of one relayed connection: HTTP/1.1 both ways, and what it becomes (WebSocket, events).
 *
 * Given copies of what has already been forwarded, in pieces of any size. It hands whole messages to the intake and
 * counts by name what it cannot read. It can fail, and then says so; it cannot harm the connection.
 */
#ifndef CT_EYES_H
#define CT_EYES_H

#include "plugin/tap/intake.h"

#include <stdatomic.h>

struct ct_eyes_counts {
    _Atomic uint64_t messages_in, messages_out; /* given to the intake, by their direction */
    _Atomic uint64_t unread;                    /* connections that were given up */
};

/* What all connections of a relay share; stays as long as any of them. */
struct ct_eyes_setup {
    ct_span source;
    enum ct_direction client_is;
    const char *const *paths; /* NULL = all */
    bool websocket, events, http;
    size_t message_max, head_max;
    const struct ct_intake *intake;
    struct ct_eyes_counts *counts;
};

struct ct_eyes;
/* `stream` is the connection's name, at most 47 bytes, copied. NULL: out of memory. */
struct ct_eyes *ct_eyes_new(const struct ct_eyes_setup *setup, ct_span stream) CT_MUST_USE;
void ct_eyes_free(struct ct_eyes *eyes); /* the connection is over: what did not become whole is counted; may be NULL */
/* `bytes` that went from the client (or from the gateway) at `at`; no bytes: that side will send no more. false: there
 * is nothing more to read here, the caller frees it and lets the connection run. */
bool ct_eyes_feed(struct ct_eyes *eyes, bool from_client, ct_span bytes, ct_usec at) CT_MUST_USE;
/* The connection has been quiet for a while: memory that can be had again is given back. */
void ct_eyes_rest(struct ct_eyes *eyes);

#endif
