/* link.h - one relayed connection: the client's side, the gateway's side, and eyes that see what went by.
 *
 * Everything here belongs to the relay's one thread. In a turn of its loop all that came is forwarded first; what went
 * by is remembered in the turn's buffer and read after that.
 */
#ifndef CT_LINK_H
#define CT_LINK_H

#include "plugin/relay/address.h"
#include "plugin/relay/eyes.h"
#include "plugin/relay/side.h"

#define CT_TURN_BYTES ((size_t)512 << 10)
#define CT_READ_BYTES ((size_t)64 << 10)
#define CT_SEEN_MAX 512

enum ct_watch_kind { CT_WATCH_CLIENT, CT_WATCH_GATEWAY, CT_WATCH_LISTENER, CT_WATCH_WAKE };
/* What an event of epoll points at. */
struct ct_watch {
    enum ct_watch_kind kind;
};

enum ct_link_state {
    CT_LINK_CONNECTING, /* the gateway is being reached */
    CT_LINK_OPEN,
    CT_LINK_RESETTING, /* one side is gone: the other gets what waits for it, then a reset */
    CT_LINK_GONE       /* closed; freed at the end of the turn */
};

struct ct_link {
    struct ct_watch client_watch, gateway_watch;
    struct ct_side client, gateway;
    struct ct_link *prev, *next; /* all of them, or those that are gone */
    struct ct_link *again;       /* those that had more to read than one turn lets them */
    struct ct_eyes *eyes;        /* NULL = goes through unread */
    uint64_t number;
    int64_t since_usec, last_usec; /* by the steady clock: in this state; of the last byte */
    unsigned address;              /* which of the gateway's addresses */
    enum ct_link_state state;
    bool in_again;
};

/* Something that went by: bytes of the turn's buffer, or the end of a side. */
struct ct_seen {
    struct ct_link *link;
    size_t at;
    unsigned len; /* 0 = the end */
    bool from_client;
};

struct ct_turn {
    /* what it was started with */
    struct ct_eyes_setup eyes;
    bool reads; /* anything at all is read */
    size_t buffer_bytes;
    ct_usec connect_usec, idle_usec;
    ct_usec (*now)(void);
    SSL_CTX *listen_tls, *upstream_tls;
    bool upstream_verify;
    char upstream_host[256];
    struct ct_upstream *upstream;
    int epoll_fd;
    /* this turn */
    ct_usec at; /* wall clock */
    int64_t steady_usec;
    char *bytes;
    size_t used;
    struct ct_seen seen[CT_SEEN_MAX];
    unsigned seen_count;
    /* connections */
    struct ct_link *links, *gone, *again;
    uint64_t number;
    unsigned open, pending; /* all; those with a deadline */
    _Atomic uint64_t connections, open_now, refused, upstream_failed, bytes_in, bytes_out;
};

/* An accepted socket; it is the link's from now on, or closed. */
void ct_link_accept(struct ct_turn *turn, int fd);
/* What epoll says of one of its sides. */
void ct_link_event(struct ct_turn *turn, struct ct_watch *watch, uint32_t events);
/* Those that had more to read go on. */
void ct_link_again(struct ct_turn *turn);
/* Reads what went by in this turn; then frees those that are gone. */
void ct_link_read_seen(struct ct_turn *turn);
/* Deadlines: of connecting, resetting, being idle; memory of the quiet. */
void ct_link_sweep(struct ct_turn *turn);
void ct_link_close_all(struct ct_turn *turn);

#endif
