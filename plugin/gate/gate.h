/* gate.h - a listening door of convtap over libwebsockets: HTTP routes and WebSocket subprotocols behind one access
 * check. The process has two, each with its thread: the intake's (ingest, webhooks) and the desk's (API, metrics, live
 * feed), so that a long question never holds up what comes in.
 */
#ifndef CT_GATE_H
#define CT_GATE_H

#include "plugin/gate/access.h"
#include "plugin/tap/intake.h"

struct ct_gate;

/* ---- HTTP ---- */
enum ct_method { CT_METHOD_GET = 1, CT_METHOD_POST = 2, CT_METHOD_PUT = 4, CT_METHOD_DELETE = 8, CT_METHOD_HEAD = 16 };

struct ct_request { /* borrowed until the handler returns */
    enum ct_method method;
    ct_span path;                   /* "/api/v1/kpis", percent-decoded, normalised, without the query */
    ct_span rest;                   /* what of the path is behind the route's */
    ct_span query;                  /* as it came, without '?' */
    ct_span body;                   /* the raw bytes */
    ct_span remote;                 /* the peer's address */
    const struct ct_principal *who; /* the token's; NULL = none was needed */
    void *wire;                     /* for ct_request_header */
};
/* A header of the request, name in lower case ("x-hub-signature-256"); empty = not there. Into `scratch`. */
ct_span ct_request_header(const struct ct_request *request, const char *name, char *scratch, size_t capacity);
/* A parameter of the query, percent-decoded into `scratch`. false = not there, or malformed or too long (*bad). */
bool ct_request_parameter(const struct ct_request *request, const char *name, char *scratch, size_t capacity,
                          ct_span *out, bool *bad);

struct ct_reply {
    int status;       /* 200 ... */
    const char *type; /* "application/json"; constant */
    char *body;       /* heap, the gate frees it; NULL = empty */
    size_t len;
    char allow[64]; /* "" or further header lines are not sent; 405 fills it */
    char retry_after[16];
    char etag[48];           /* "" or what is sent as ETag, with its quotes; 304 has it, too */
    bool kept;               /* a browser may keep it, and asks each time whether it is still so; else no-store */
    const char *policy;      /* Content-Security-Policy; constant; NULL = default-src 'none' */
    uint64_t after_position; /* answer only when the intake has committed up to here; 0 = at once. Where that takes
                                longer than the gate's patience: 503 */
};
/* {"error":{"code":"...","message":"..."}} */
void ct_reply_error(struct ct_reply *reply, int status, const char *code, const char *format, ...) CT_PRINTF(4, 5);

struct ct_route {
    const char *path;    /* "/webhook/" takes all below it, "/metrics" itself alone */
    unsigned methods;    /* of enum ct_method; others get 405 */
    enum ct_scope scope; /* CT_SCOPE_NONE = open to all */
    size_t body_max;     /* 413 beyond; 0 = no body */
    void (*handle)(void *context, const struct ct_request *request, struct ct_reply *reply);
    void *context;
};

/* ---- WebSocket subprotocols ---- */
struct ct_gate_connection;
struct ct_gate_protocol { /* all called on the gate's thread */
    const char *name;     /* of Sec-WebSocket-Protocol: "convtap.v1" */
    enum ct_scope scope;
    size_t session_bytes; /* zeroed for each connection */
    void *context;
    /* false = closed with 1008. `query` of the request, as it came. May be NULL. */
    bool (*opened)(void *context, void *session, struct ct_gate_connection *connection, const struct ct_principal *who,
                   ct_span query);
    /* A whole message. 0 = go on, else the code to close with (1002, 1003, 1008 ...); gate_inside.h has one more. */
    int (*message)(void *context, void *session, struct ct_gate_connection *connection, ct_span bytes, bool binary);
    /* ct_gate_wake was called: something may be ready to be sent. May be NULL. */
    void (*woken)(void *context, void *session, struct ct_gate_connection *connection);
    void (*closed)(void *context, void *session); /* may be NULL */
    bool woken_on_request; /* true: woken only after ct_gate_expect (gate_inside.h), each time anew */
};
/* Queues a text message (not empty); false = the peer is too slow, its queue is over the limit: it will be closed with
 * 1013 and counted. Gate's thread only. */
bool ct_gate_send(struct ct_gate_connection *connection, ct_span text);
/* Bytes that were queued for this connection and are not yet with the socket, so that a sender can hold back before the
 * limit. Gate's thread only. */
size_t ct_gate_waiting(const struct ct_gate_connection *connection);

/* ---- the door ---- */

struct ct_gate_options {
    const char *name;   /* in logs: "intake", "desk" */
    const char *listen; /* "127.0.0.1:7801"; port 0 = any; another address than loopback needs tokens or `open` */
    const char *certificate, *key; /* PEM files; NULL = plain */
    bool open;                     /* no token is needed; only ever on loopback */
    bool open_at_first;            /* nor, on loopback, while `access` has none */
    struct ct_access *access;      /* may change meanwhile (ct_access_replace): then ct_gate_wake */
    const char *const
        *origins; /* of browsers: exact, "https://desk.example"; NULL-terminated; NULL = only same origin */
    const struct ct_route *routes;
    size_t route_count;
    const struct ct_gate_protocol *const *protocols;
    size_t protocol_count;
    const struct ct_intake *intake; /* committed(), for replies that wait; NULL = none does */
    /* limits, 0 = default */
    unsigned connections_max; /* 20,000 */
    size_t message_max;       /* 4 MiB */
    unsigned rate_max;        /* messages or requests a second a connection: 0 = no limit */
    ct_usec header_usec;      /* to send the request's head: 10 s */
    ct_usec idle_usec;        /* of a WebSocket that answers no ping: 60 s */
    ct_usec patience_usec;    /* for a commit: 5 s */
    void (*drop)(void *context, const char *reason, uint64_t count); /* what is refused, by name; may be NULL */
    void *drop_context;
    void (*log)(void *context, const char *line); /* may be NULL */
    void *log_context;
};

/* Binds and starts its thread. */
enum ct_status ct_gate_start(const struct ct_gate_options *options, struct ct_gate **out,
                             struct ct_error *err) CT_MUST_USE;
const char *ct_gate_address(const struct ct_gate *gate); /* "127.0.0.1:7801", the port as bound */
/* Something was committed or is to be sent: from any thread. Cheap, and calls may be many. */
void ct_gate_wake(struct ct_gate *gate);
struct ct_gate_stats {
    uint64_t connections, open, open_websockets, requests, messages, refused;
};
void ct_gate_stats(struct ct_gate *gate, struct ct_gate_stats *out);
/* Stops taking, answers what was asked, closes WebSockets with 1001, within `grace_usec`. Its last figures may still be
 * asked. */
void ct_gate_end(struct ct_gate *gate, ct_usec grace_usec);
/* Ends it where it has not ended, and frees it. */
void ct_gate_stop(struct ct_gate *gate, ct_usec grace_usec);

#endif
