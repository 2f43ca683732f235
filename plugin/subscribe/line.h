/* line.h - one subscription at work: its talk, its wires, what waits for the intake, when it is begun again.
 *
 *   subscriber (subscribe.c)  the thread, its loop, the library's context
 *     line (line.c)           a subscription: does what its talk asks for
 *       wire (wire.c)         one connection of it: a WebSocket or a request
 *
 * Private to plugin/subscribe. All on the subscriber's thread, but for the figures behind `lock`.
 */
#ifndef CT_LINE_H
#define CT_LINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "plugin/subscribe/talk.h"

struct ct_line;

struct ct_held { /* a payload that the intake had no room for */
    struct ct_held *next;
    size_t len;
    char bytes[];
};

struct ct_wire_text { /* to be sent */
    struct ct_wire_text *next;
    size_t len;
    unsigned char bytes[]; /* the library's room first */
};

struct ct_wire {
    struct ct_wire *next;
    struct ct_subscriber *subscriber;
    struct ct_line *line; /* NULL = let go of: whatever still comes of it is passed over */
    uintptr_t id;         /* how the library's callbacks name this attempt: a pointer could outlive the wire */
    struct lws *wsi;
    bool socket; /* else a request */
    enum ct_talk_request which;
    struct ct_place place;
    char *bearer, *protocol; /* protocol: subprotocol, or the body's type */
    const char *method;
    uint64_t patience_msec; /* from its start until it is established, or answered */
    uint64_t deadline_msec; /* then; by the loop's clock */
    uv_getaddrinfo_t lookup;
    struct addrinfo *found;
    const struct addrinfo *address; /* the one that is tried */
    bool started, looking_up, failed, established, ending, farewell;
    bool sized; /* a request's answer says how long it is */
    int status; /* of HTTP; 0 = none yet */
    char *in;   /* the message, or the answer's body, so far */
    size_t in_len, in_capacity;
    bool in_binary, in_too_long;
    struct ct_wire_text *out_first, *out_last;
    size_t out_count;
    unsigned char *body; /* of a request, behind the library's room */
    size_t body_len, body_at;
};

struct ct_line {
    struct ct_subscriber *subscriber;
    struct ct_subscription subscription; /* copied */
    struct ct_place place;
    char stream[256];
    const struct ct_talk_kind *kind;
    void *talk;
    struct lws_vhost *vhost;
    struct ct_wire *socket; /* NULL = none */
    bool begun;             /* between begin() and over() */
    bool ended;             /* never again */
    bool healthy;           /* ready() came */
    uint64_t ready_msec;
    uint32_t attempts; /* since it was last healthy for long */
    uv_timer_t retry, offer, alarms[CT_TALK_ALARMS];
    bool timed; /* they are there */
    struct ct_held *held_first, *held_last;
    size_t held_bytes;
    pthread_mutex_t lock;
    struct ct_subscribe_stats stats; /* under lock */
};

struct ct_subscriber {
    uv_loop_t loop;
    uv_async_t stir;     /* look at all wires now; also from other threads */
    uv_timer_t sweep;    /* and now and then */
    bool looping, timed; /* the loop is there; stir and sweep are */
    struct lws_context *context;
    struct ct_intake intake;
    ct_usec (*now)(void);
    uint32_t (*random)(void);
    pthread_t thread;
    pthread_mutex_t log_lock;
    void (*log)(void *context, const char *line); /* under log_lock; NULL = nobody asks */
    void *log_context;
    atomic_bool stopping;
    bool closing, down; /* down: the thread has ended */
    uint64_t closing_until;
    struct ct_wire *wires;
    uintptr_t ids;
    struct ct_line *lines;
    size_t count;
};

/* ---- line.c ---- */
/* Copies, checks, opens the talk. */
enum ct_status ct_line_open(struct ct_subscriber *subscriber, size_t index, const struct ct_subscription *subscription,
                            struct ct_error *err) CT_MUST_USE;
void ct_line_start(struct ct_line *line);
void ct_line_stop(struct ct_line *line); /* before the loop ends */
void ct_line_close_timers(struct ct_line *line);
void ct_line_free(struct ct_line *line);                     /* after it */
void ct_line_say(struct ct_line *line, const char *problem); /* to the log */
bool ct_line_paused(const struct ct_line *line);
/* What a wire brings; it is let go of where it has ended. */
void ct_line_opened(struct ct_wire *wire);
void ct_line_message(struct ct_wire *wire);
void ct_line_ended(struct ct_wire *wire, int status);

/* ---- wire.c ---- */
/* NULL = out of memory. It connects at the next sweep. */
struct ct_wire *ct_wire_new(struct ct_line *line, const struct ct_place *place, const char *bearer,
                            const char *protocol) CT_MUST_USE;
bool ct_wire_body(struct ct_wire *wire, ct_span body) CT_MUST_USE; /* false = out of memory */
bool ct_wire_send(struct ct_wire *wire, ct_span text) CT_MUST_USE; /* false = out of memory, or too much waits */
void ct_wire_pause(struct ct_wire *wire, bool pause);
void ct_wire_let_go(struct ct_wire *wire);
void ct_wire_stir(struct ct_subscriber *subscriber); /* a sweep soon */
void ct_wire_sweep(struct ct_subscriber *subscriber);
/* The library's context and hosts; CT_IO, CT_BAD_CONFIG: *err. */
enum ct_status ct_wire_context(struct ct_subscriber *subscriber, struct ct_error *err) CT_MUST_USE;
enum ct_status ct_wire_host(struct ct_line *line, struct ct_error *err) CT_MUST_USE;
void ct_wire_context_free(struct ct_subscriber *subscriber); /* with all wires; runs the loop */

#endif
