/* desk_feed_state.h - the feed's inside. Private to desk_feed.c (its threads) and desk_client.c (what one client gets).
 */
#ifndef CT_DESK_FEED_STATE_H
#define CT_DESK_FEED_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "plugin/gate/desk_ring.h"
#include "plugin/gate/desk_state.h"
#include "plugin/gate/desk_view.h"

enum {
    CT_FEED_CHANNELS_MAX = 16, /* different filters at a time */
    CT_FEED_VIEWS_MAX = CT_WINDOW_COUNT * (CT_FEED_CHANNELS_MAX + 1),
    CT_FEED_WAITING_MAX = 256 * 1024, /* bytes queued for a client, beyond which it gets nothing more for now */
    CT_FEED_PAGE = 200                /* rows of the store at a time, for one who resumes */
};

/* A gate's session: zeroed by it. */
struct ct_client {
    struct ct_desk_feed *feed;
    struct ct_gate_connection *connection;
    struct ct_client *next_client, *previous_client; /* the feed's lock */
    unsigned windows;                                /* 1 << enum ct_window */
    char channel[CT_RING_CHANNEL];
    size_t channel_len; /* 0 = all */
    ct_usec every;
    /* the rest: gate's thread alone */
    bool greeted, resuming, revised, lost; /* lost: the gate will close it */
    uint64_t next;                         /* in the ring */
    uint64_t row;                          /* of the store: what it had before */
    ct_usec since;                         /* when that was; NONE = not said */
    uint64_t cursor_told;
    ct_usec told_at;
    uint64_t *known[CT_WINDOW_COUNT]; /* hashes of what it knows */
    size_t known_count[CT_WINDOW_COUNT];
    uint64_t generation[CT_WINDOW_COUNT];
};

/* Up to which row of the store everything has been through the ring. */
struct ct_feed_cursor {
    uint64_t row;    /* 0 = none */
    ct_usec at;      /* of its first publication */
    uint64_t head;   /* the ring's next when that was known */
    uint64_t number; /* 1, 2, ...: rises with each that differs */
};

struct ct_desk_feed {
    struct ct_desk *desk;
    ct_usec (*clock)(void);
    struct ct_store *store; /* the feed's thread's own */
    pthread_t thread;
    bool started, stopping; /* lock */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct ct_ring *ring;      /* lock */
    uint64_t alarms;           /* lock; among its messages */
    struct ct_client *clients; /* lock */
    unsigned client_count;
    struct ct_view *views[CT_FEED_VIEWS_MAX]; /* lock */
    size_t view_count;
    struct ct_feed_cursor cursor, read; /* lock; read: not yet sure to have been through the ring */
    ct_usec read_at;
    atomic_uint busy; /* clients that want to be woken without anything new */
    _Atomic uint64_t missed;
};

/* ---- desk_client.c: gate's thread ---- */
bool ct_client_opened(void *context, void *session, struct ct_gate_connection *connection,
                      const struct ct_principal *who, ct_span query);
int ct_client_message(void *context, void *session, struct ct_gate_connection *connection, ct_span bytes, bool binary);
void ct_client_woken(void *context, void *session, struct ct_gate_connection *connection);
void ct_client_closed(void *context, void *session);

/* ---- desk_feed.c ---- */
/* Registers, unless there are too many different filters. */
bool ct_client_join(struct ct_desk_feed *feed, struct ct_client *client) CT_MUST_USE;
void ct_client_leave(struct ct_desk_feed *feed, struct ct_client *client);
/* An entry copied from the ring: from here on its bytes are the message. false = no memory for it, or too long; bytes
 * is NULL. */
bool ct_desk_feed_text(struct ct_ring_entry *entry) CT_MUST_USE;
/* The view of a window for this client, referenced; NULL = not made yet. */
struct ct_view *ct_client_view(struct ct_desk_feed *feed, const struct ct_client *client, enum ct_window window);
void ct_client_view_done(struct ct_desk_feed *feed, struct ct_view *view);

#endif
