/* subscribe.h - a WebSocket client that listens to a gateway's own stream of events, reconnects and resumes.
 *
 * Over libwebsockets, on a thread of its own for all subscriptions. What comes goes to the intake as it is (a payload
 * an entry, direction as the parser finds it); what belongs to the transport (Engine.IO's pings, ActionCable's welcome,
 * Direct Line's watermark) stays here.
 */
#ifndef CT_SUBSCRIBE_H
#define CT_SUBSCRIBE_H

#include "plugin/tap/intake.h"

#define CT_SUBSCRIBE_MAP(X)                                                                                            \
    X(RAW, "raw")                 /* a JSON value a message */                                                         \
    X(ACTIONCABLE, "actioncable") /* Rails: welcome, subscribe, confirm, ping */                                       \
    X(SOCKETIO, "socketio")       /* Engine.IO 4, Socket.IO 5: begins by polling, then WebSocket */                    \
    X(DIRECTLINE, "directline")   /* Bot Framework: start or reconnect a conversation, streamUrl, watermark */
enum ct_subscribe_kind {
#define X(name, text) CT_SUBSCRIBE_##name,
    CT_SUBSCRIBE_MAP(X)
#undef X
        CT_SUBSCRIBE_COUNT
};
CT_MUST_USE bool ct_subscribe_kind_from(ct_span text, enum ct_subscribe_kind *out);

struct ct_subscription {
    const char *source;
    enum ct_subscribe_kind kind;
    const char *url;        /* "wss://host/cable", "https://host/socket.io/", "https://directline.../v3/directline" */
    const char *identifier; /* ACTIONCABLE: the JSON that is subscribed to; SOCKETIO: the namespace, "/" where NULL;
                               DIRECTLINE: conversation id to reconnect to, NULL = start one; RAW: text sent first */
    const char *secret;     /* from a file or the environment: "Authorization: Bearer"; NULL = none */
    const char *origin;     /* header; NULL = none */
    const char *subprotocol;
    const char *authorities; /* PEM; NULL = the system's */
    bool verify;
    size_t message_max;                      /* 0 = 1 MiB */
    ct_usec least_wait_usec, most_wait_usec; /* between attempts, doubling, jittered: 0 = 1 s, 60 s */
};

struct ct_subscribe_stats {
    bool connected;
    uint64_t connects, failures, messages;
    ct_usec connected_at;
    char problem[160]; /* of the last failure; never a secret */
};

struct ct_subscriber;
/* `subscriptions` are copied. random: for jitter (0 .. UINT32_MAX), the caller's. */
enum ct_status ct_subscriber_start(const struct ct_subscription *subscriptions, size_t count,
                                   const struct ct_intake *intake, ct_usec (*now)(void), uint32_t (*random)(void),
                                   struct ct_subscriber **out, struct ct_error *err) CT_MUST_USE;
/* Each beginning and failure of a subscription from now on as a logfmt line (and the last failure of each so far), from
 * the subscriber's thread or within this call; never a secret. */
void ct_subscriber_watch(struct ct_subscriber *subscriber, void (*log)(void *context, const char *line), void *context);
void ct_subscriber_stats(struct ct_subscriber *subscriber, size_t index, struct ct_subscribe_stats *out);
/* Every subscription ends; the last figures may still be asked. */
void ct_subscriber_end(struct ct_subscriber *subscriber);
/* Ends them where they have not ended, and frees it. */
void ct_subscriber_stop(struct ct_subscriber *subscriber);

#endif
