/* gate_state.h - what the gate's own files share: the door and its connections. Nobody else includes it.
 *
 * gate.c (start, stop, accept, wake, ticks) - gate_http.c (requests) - gate_reply.c (answers) - gate_check.c (who may)
 * - gate_socket.c (WebSockets) - gate_write.c (what goes out) - gate_listen.c (addresses).
 *
 * libwebsockets carries the bytes (loop, TLS, buffered writes) in its raw role. Its own HTTP and WebSocket roles are
 * not used: they let unmasked frames, POST upgrades, version 8 and h2c pass, cannot read chunked bodies, and hold a
 * receive buffer for each idle connection (docs/security.md). Requests are read by http_parser, frames by gate_frame.c.
 */
#ifndef CT_GATE_STATE_H
#define CT_GATE_STATE_H

#include "plugin/gate/gate_frame.h"
#include "plugin/gate/gate_inside.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

struct lws;
struct http_parser;

#define CT_ROOM_BEFORE 16u       /* what the library wants free before what it writes */
#define CT_HEAD_BYTES_MAX 16384u /* of a request line with its headers */
#define CT_HEADERS_MAX 100u
#define CT_READ_BYTES 65536u             /* one read, one write */
#define CT_QUEUE_BYTES_MAX (1u << 20)    /* what may wait for a slow WebSocket peer */
#define CT_BODIES_BYTES_MAX (256u << 20) /* of all request bodies and unfinished messages together */
#define CT_TICK_MSEC 100u
#define CT_AGAIN_MSEC 20u
#define CT_LINGER_MSEC 2000u /* after the last answer: for the peer to read it and close */
#define CT_CLOSE_MSEC 5000u  /* for the peer's close frame */

/* Bytes that wait to be written. */
struct ct_chunk {
    struct ct_chunk *next;
    size_t len, at;
    unsigned char room[CT_ROOM_BEFORE];
    unsigned char bytes[];
};

/* A request while it is read and answered. */
struct ct_head {
    size_t len, headers;
    bool in_value, host_twice, head_only, keep_alive, continue_due;
    uint16_t name_at[CT_HEADERS_MAX], value_at[CT_HEADERS_MAX]; /* into text; both end in NUL */
    uint16_t name_len[CT_HEADERS_MAX], value_len[CT_HEADERS_MAX];
    size_t url_len;          /* text begins with the URL */
    uint64_t content_length; /* UINT64_MAX = not said */
    enum ct_method method;   /* 0 = one that no route takes */
    bool upgrade;            /* Connection: upgrade with an Upgrade header */
    const struct ct_route *route;
    struct ct_principal who;
    ct_span path, rest, query; /* into text and decoded */
    int refused;               /* status of a reply that ends the connection; 0 = none */
    struct ct_reply reply;
    bool relayed; /* the reply is a receiver's (ct_gate_later_reply): it goes out whatever the tape does */
    char *body;
    size_t body_len, body_capacity;
    char remote[64];
    char decoded[1024];
    size_t capacity;
    char *text;    /* heap */
    bool complete; /* what comes in header callbacks now is a trailer: passed over */
};

enum ct_at {
    CT_AT_READING, /* HTTP: between requests or in one */
    CT_AT_WAITING, /* a request waits for its reply */
    CT_AT_SOCKET,  /* WebSocket, open */
    CT_AT_CLOSING, /* WebSocket: our close frame is out, the peer's is due */
    CT_AT_ENDING   /* nothing is read any more: what is queued goes out, then it ends */
};

struct ct_gate_connection {
    struct ct_gate *gate;
    struct lws *wsi;
    struct ct_gate_connection *next, *previous;             /* all */
    struct ct_gate_connection *ready_next, *ready_previous; /* those that want to be woken */
    struct ct_gate_connection *doomed_next;
    struct ct_chunk *out_first, *out_last;
    size_t out_bytes;
    uint64_t since;    /* loop's ms: when the phase (or the request) began */
    uint64_t heard;    /* when the peer last said something */
    uint64_t progress; /* when something last went out, or the queue began */
    uint64_t again;    /* since when a message waits to be taken; 0 = none does */
    enum ct_at at : 8;
    bool ready, doomed, reaped, paused, pinged, shut, in_callback, writable_asked, stalled_binary, peer_closed;
    uint32_t rate_count;
    uint64_t rate_second;
    char *held; /* bytes read and not yet looked at */
    size_t held_len;
    char *stalled; /* a message that was not taken; NULL = none */
    size_t stalled_len;
    struct http_parser *parser; /* heap, in gate_http.c alone: its header and the library's cannot stand together */
    struct ct_head *head;
    struct ct_gate_later *later;
    struct ct_wire_reader reader;
    size_t counted; /* of the gate's bodies_bytes: an unfinished message, and one that waits to be taken */
    const struct ct_gate_protocol *protocol;
    struct ct_principal who;
    void *session;
};

struct ct_gate_later {
    struct ct_gate_connection *connection; /* NULL = it has gone */
};

struct ct_gate {
    struct ct_gate_options options;
    char address[128];
    bool loopback;
    pthread_t thread;
    uv_loop_t loop;
    uv_timer_t tick, pace;
    uv_poll_t listener, bell;
    int listen_socket, bell_file;
    struct lws_context *context;
    struct lws_vhost *vhost;
    bool tls;
    struct ct_gate_connection *all, *ready, *doomed;
    struct ct_gate_connection *tick_at; /* where the next tick goes on; NULL = at the first */
    atomic_bool woken, stopping;
    _Atomic ct_usec grace_usec;
    bool closing, listening, pacing, finished;
    uint64_t closing_until, no_wake_before, no_accept_before;
    unsigned stalling;    /* connections with a message that waits to be taken */
    uint64_t access_seen; /* generation of the tokens that open WebSockets were last held against */
    size_t bodies_bytes;  /* of request bodies and messages that are held */
    _Atomic uint64_t connections, open, open_websockets, requests, messages, refused;
    unsigned char *scratch; /* CT_READ_BYTES behind CT_ROOM_BEFORE */
};

/* gate.c */
uint64_t gate_now(const struct ct_gate *gate); /* ms of the loop */
void gate_drop(struct ct_gate *gate, const char *reason);
void gate_doom(struct ct_gate_connection *c); /* ends at the next safe point */
/* Keeps bytes that were read and cannot be looked at yet; a connection that would keep more than `most` is doomed. */
void gate_hold(struct ct_gate_connection *c, const char *bytes, size_t len, size_t most);
void gate_pause(struct ct_gate_connection *c, bool pause);
void gate_log(const struct ct_gate *gate, const char *format, ...) CT_PRINTF(2, 3);

/* gate_listen.c */
enum ct_status gate_listen(struct ct_gate *gate, struct ct_error *err);

void gate_ready(struct ct_gate_connection *c); /* wants to hear of the next wake */

/* gate_http.c: takes all of bytes, or dooms */
void gate_http_bytes(struct ct_gate_connection *c, char *bytes, size_t len);
void gate_http_woken(struct ct_gate_connection *c); /* may the reply that waits be sent? */
void gate_http_tick(struct ct_gate_connection *c);
void gate_http_done(struct ct_gate_connection *c); /* frees what a request holds */

/* gate_request.c */
ct_span gate_header(const struct ct_head *head, const char *name);
int gate_read_url(struct ct_head *head); /* 0, or the status to refuse with */
void gate_read_remote(const struct ct_gate_connection *c, char *out, size_t capacity);

/* gate_check.c: fills head->reply and head->refused where the answer is no */
void gate_refuse(struct ct_gate_connection *c, int status, const char *reason, const char *code, const char *text);
/* Host and Origin. */
bool gate_check_origin(struct ct_gate_connection *c);
/* `offered` = a token that came another way; empty = none. */
bool gate_check_token(struct ct_gate_connection *c, enum ct_scope scope, ct_span offered);
bool gate_check_route(struct ct_gate_connection *c);
/* May one come in without a token as things are? */
bool gate_is_open(const struct ct_gate *gate);
/* An open WebSocket whose token has gone, or lost its scope: is closed with 1008, and counted. */
void gate_check_again(struct ct_gate_connection *c);

/* gate_reply.c */
void gate_reply_send(struct ct_gate_connection *c, struct ct_reply *reply, bool keep_alive, bool head_only);
void gate_reply_free(struct ct_reply *reply);

/* gate_socket.c */
bool gate_socket_check(struct ct_gate_connection *c, const struct ct_gate_protocol **out); /* the handshake's request */
void gate_socket_open(struct ct_gate_connection *c);                                       /* answers it */
void gate_socket_bytes(struct ct_gate_connection *c, char *bytes, size_t len);
void gate_socket_woken(struct ct_gate_connection *c);
void gate_socket_again(struct ct_gate_connection *c); /* offers the message that waits */
void gate_socket_tick(struct ct_gate_connection *c);
void gate_socket_done(struct ct_gate_connection *c);

/* gate_write.c */
bool gate_queue(struct ct_gate_connection *c, const void *bytes, size_t len, const void *more, size_t more_len);
void gate_flush(struct ct_gate_connection *c);    /* writes now where it can, else asks to */
void gate_writable(struct ct_gate_connection *c); /* the library says so */
void gate_queue_free(struct ct_gate_connection *c);
/* No more is read; ends once the queue is out. */
void gate_end(struct ct_gate_connection *c);
bool gate_rate_exceeded(struct ct_gate_connection *c);

#endif
