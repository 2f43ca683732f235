/* talk.h - what a gateway's protocol says on top of WebSocket and HTTP, as a state machine without sockets: what came
 * in, what is to be sent, what goes to the intake, when all is to be begun again. Private to plugin/subscribe.
 *
 * line.c drives a talk over libwebsockets; unit tests drive one with a script. A talk runs on one thread, keeps no
 * clock (it asks for alarms) and does no I/O. The calls of struct ct_talk_do may be made from inside any call but open
 * and free; after over() nothing that a talk asks for is done until begin() comes again.
 */
#ifndef CT_TALK_H
#define CT_TALK_H

#include "plugin/subscribe/place.h"
#include "plugin/subscribe/subscribe.h"

/* Requests that may be under way beside each other. */
enum ct_talk_request {
    CT_TALK_ASK,  /* the one whose answer is waited for */
    CT_TALK_TELL, /* what is said to the gateway meanwhile */
    CT_TALK_REQUESTS
};

enum ct_talk_alarm {
    CT_TALK_LIFE,  /* something should have been heard by then */
    CT_TALK_RENEW, /* something we hold expires */
    CT_TALK_ALARMS
};

enum ct_talk_over {
    CT_TALK_LOST,    /* again after the usual wait */
    CT_TALK_REFUSED, /* nothing will change soon: again after the longest wait */
    CT_TALK_ENDED    /* the gateway wishes that we do not come again */
};

struct ct_talk_do {
    void *context;
    /* A WebSocket; any that is open is let go. subprotocol: offered; NULL = none. bearer: NULL = no Authorization. */
    void (*open)(void *context, const struct ct_place *place, const char *subprotocol, const char *bearer);
    /* Lets go of the WebSocket: no closed() comes of it. */
    void (*hang_up)(void *context);
    void (*send)(void *context, ct_span text); /* over the open WebSocket, as one text message; never empty */
    /* Its answer comes to answer(), at most `patience` after it was begun. type: of the body; NULL = JSON. */
    void (*request)(void *context, enum ct_talk_request which, const char *method, const struct ct_place *place,
                    const char *bearer, const char *type, ct_span body, ct_usec patience);
    void (*payload)(void *context, ct_span bytes);                         /* to the intake */
    void (*ready)(void *context);                                          /* from now on events come */
    void (*alarm)(void *context, enum ct_talk_alarm which, ct_usec after); /* replaces the one before; 0 = none */
    void (*drop)(void *context, const char *reason, uint64_t count);       /* `reason` is a constant */
    /* Everything is let go of. `problem` is for people: never a secret, nothing that the gateway wrote. */
    void (*over)(void *context, enum ct_talk_over how, const char *problem);
};

struct ct_talk_kind {
    /* *subscription and *place outlive the talk. NULL: *err says why. */
    void *(*open)(const struct ct_subscription *subscription, const struct ct_place *place, const struct ct_talk_do *to,
                  struct ct_error *err);
    void (*begin)(void *talk);
    void (*opened)(void *talk);             /* the WebSocket stands */
    void (*text)(void *talk, ct_span text); /* a whole message, valid UTF-8; may be empty */
    void (*binary)(void *talk, ct_span bytes);
    /* The WebSocket is gone, or could not be opened: then status = what HTTP said to it (0 = no answer). */
    void (*closed)(void *talk, int status);
    /* NULL = makes no requests. status 0 = no answer; a body is whole, not checked for UTF-8. */
    void (*answer)(void *talk, enum ct_talk_request which, int status, ct_span body);
    void (*alarm)(void *talk, enum ct_talk_alarm which);
    void (*free)(void *talk);
};
extern const struct ct_talk_kind ct_talk_raw, ct_talk_actioncable, ct_talk_socketio, ct_talk_directline;

/* over() in the words for a WebSocket or a request that ended with this HTTP status (0: no answer; 101, 2xx: broke
 * off). What a gateway forbids is CT_TALK_REFUSED. */
void ct_talk_over_status(const struct ct_talk_do *to, const char *what, int status);

#endif
