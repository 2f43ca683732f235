/* ingest.h - how a gateway hands its messages over: the WebSocket subprotocol `convtap.v1` as a state machine (bytes
 * in, texts out, against struct ct_intake), and POST /ingest/<source>. docs/ingest.md.
 *
 * The state machine knows no socket: the gate (ct_ingest_protocol) and a libwebsockets plugin of its own drive it
 * alike. A session and its ct_ingest are used from one thread.
 */
#ifndef CT_INGEST_H
#define CT_INGEST_H

#include "plugin/gate/gate.h"

#define CT_INGEST_PROTOCOL "convtap.v1"

struct ct_ingest_options {
    const struct ct_intake *intake;
    ct_usec (*now)(void);
    size_t payload_max;  /* bytes of one payload; 0 = 1 MiB; at most CT_TAPE_BYTES_MAX */
    size_t body_max;     /* of a POST, as it comes; 0 = 8 MiB */
    size_t inflated_max; /* of a POST that is compressed; 0 = 32 MiB */
    /* Is this a configured source? NULL = every name is taken. */
    bool (*known)(void *context, ct_span source);
    void *known_context;
};

struct ct_ingest;
/* Options are copied. NULL = out of memory. */
struct ct_ingest *ct_ingest_new(const struct ct_ingest_options *options) CT_MUST_USE;
void ct_ingest_free(struct ct_ingest *ingest); /* no session may stand */

/* ---- the state machine ---- */

/* What carries a session. */
struct ct_ingest_peer {
    bool (*send)(void *peer, ct_span text);                  /* false = it is gone or will be */
    void (*close)(void *peer, int code, const char *reason); /* from outside of its own calls: taken over */
    void (*expect)(void *peer);                              /* call ct_ingest_woken after the next commit */
};

struct ct_ingest_session { /* all zero to begin with */
    const struct ct_ingest_peer *calls;
    void *peer;
    struct ct_ingest_stream *stream; /* NULL = no hello yet */
    struct ct_ingest_session *next;  /* of those with the same bucket */
    uint64_t next_number;            /* of the payload that comes next */
    uint64_t acked;
    uint64_t wait_number, wait_end; /* acked once the commit reaches wait_end */
    uint64_t last_number, last_end; /* the newest that was taken */
    bool linked;
};

#define CT_INGEST_AGAIN (-1) /* not now: offer the same bytes again, read nothing more until then */
void ct_ingest_begin(struct ct_ingest_session *session, const struct ct_ingest_peer *calls, void *peer);
/* A whole message. 0 = go on, CT_INGEST_AGAIN, else the WebSocket close code. */
int ct_ingest_message(struct ct_ingest *ingest, struct ct_ingest_session *session, ct_span bytes,
                      bool binary) CT_MUST_USE;
/* Something was committed. */
void ct_ingest_woken(struct ct_ingest *ingest, struct ct_ingest_session *session);
void ct_ingest_end(struct ct_ingest *ingest, struct ct_ingest_session *session);

/* ---- at a gate ---- */

/* Valid until ct_ingest_free. */
const struct ct_gate_protocol *ct_ingest_protocol(const struct ct_ingest *ingest);
const struct ct_route *ct_ingest_route(const struct ct_ingest *ingest); /* POST /ingest/<source> */

#endif
