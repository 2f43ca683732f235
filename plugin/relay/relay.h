/* relay.h - a transparent reverse proxy in front of a gateway, with eyes.
 *
 * Raw sockets, one epoll thread: bytes go through as they came, both ways, with the backpressure of the slower side;
 * TLS on either side (OpenSSL). A copy is read as HTTP/1.1, WebSocket frames (RFC 6455, permessage-deflate) or
 * server-sent events, and what people said goes to the intake. If that reading fails, falls behind or has nowhere to
 * go, the bytes go through all the same: it is counted, by name, and the connection is passed through unread.
 */
#ifndef CT_RELAY_H
#define CT_RELAY_H

#include "plugin/tap/intake.h"

struct ct_relay_tls {
    const char *certificate, *key; /* PEM files; NULL = plain */
    const char *authorities;       /* PEM file: of the other side; NULL = the system's */
    const char *server_name;       /* upstream: SNI and name checked; NULL = the host */
    bool verify;                   /* upstream: its certificate */
};

struct ct_relay_options {
    const char *source;   /* the source's name on the tape: "webchat" */
    const char *listen;   /* "127.0.0.1:8080", "[::1]:8080", "unix:/path" */
    const char *upstream; /* "gateway.local:3000" */
    bool listen_tls, upstream_tls;
    struct ct_relay_tls listen_with, upstream_with;
    enum ct_direction client_is; /* IN: clients are customers (webchat); OUT: the client is the bot that calls a
                                    platform's API (egress): its requests go out to the customer */
    const char *const
        *paths; /* only requests under these paths are read: "/ws", "/v19.0/"; NULL-terminated; NULL = all */
    bool websocket, events, http; /* what of it is read: frames; server-sent events; bodies of requests and responses */
    /* limits, 0 = default */
    unsigned connections_max; /* 10,000 */
    size_t message_max;       /* of a message that is read, inflated: 1 MiB; longer goes through unread */
    size_t head_max;          /* of an HTTP head that is read: 64 KiB */
    size_t buffer_bytes;      /* a direction's pending bytes before the sender has to wait: 256 KiB */
    ct_usec connect_usec;     /* to reach the gateway: 10 s */
    ct_usec idle_usec;        /* nothing either way: 0 = never closed by us */
    ct_usec (*now)(void);
};

struct ct_relay_stats {
    uint64_t connections, open, refused_connections, upstream_failed;
    uint64_t bytes_in, bytes_out;       /* passed through, by client's and gateway's side */
    uint64_t messages_in, messages_out; /* read and given to the intake */
    uint64_t unread_connections;        /* passed through without being read on, by reason in the intake's drops */
};

struct ct_relay;
/* Binds and starts its thread. CT_IO: cannot bind; CT_BAD_CONFIG: addresses, certificates: *err says which and why. */
enum ct_status ct_relay_start(const struct ct_relay_options *options, const struct ct_intake *intake,
                              struct ct_relay **out, struct ct_error *err) CT_MUST_USE;
/* The address it listens on, with the port that was given for port 0. */
const char *ct_relay_address(const struct ct_relay *relay);
void ct_relay_stats(struct ct_relay *relay, struct ct_relay_stats *out);
/* New connections are refused at once, open ones go on for at most `grace_usec`. Its last figures may still be asked.
 */
void ct_relay_end(struct ct_relay *relay, ct_usec grace_usec);
/* Ends it where it has not ended, and frees it. */
void ct_relay_stop(struct ct_relay *relay, ct_usec grace_usec);

#endif
