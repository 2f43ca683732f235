/* talk_raw.c - each message is a payload; where an identifier is given, it is sent first. */
#include <stdlib.h>

#include "plugin/subscribe/talk.h"

struct raw {
    const struct ct_subscription *subscription;
    const struct ct_place *place;
    struct ct_talk_do to;
};

static void *raw_open(const struct ct_subscription *subscription, const struct ct_place *place,
                      const struct ct_talk_do *to, struct ct_error *err)
{
    struct raw *raw = calloc(1, sizeof *raw);
    if (!raw) {
        (void)ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        return NULL;
    }
    *raw = (struct raw){subscription, place, *to};
    return raw;
}

static void raw_begin(void *talk)
{
    struct raw *raw = talk;
    raw->to.open(raw->to.context, raw->place, raw->subscription->subprotocol, raw->subscription->secret);
}

static void raw_opened(void *talk)
{
    struct raw *raw = talk;
    ct_span first = ct_span_of(raw->subscription->identifier);
    if (first.len)
        raw->to.send(raw->to.context, first);
    raw->to.ready(raw->to.context);
}

static void raw_message(void *talk, ct_span bytes)
{
    struct raw *raw = talk;
    if (bytes.len) /* an empty one is a sign of life */
        raw->to.payload(raw->to.context, bytes);
}

static void raw_binary(void *talk, ct_span bytes)
{
    struct raw *raw = talk;
    if (ct_utf8_valid(bytes, NULL))
        raw_message(talk, bytes); /* some gateways send their JSON so */
    else
        raw->to.drop(raw->to.context, "subscription_binary", 1);
}

static void raw_closed(void *talk, int status)
{
    struct raw *raw = talk;
    ct_talk_over_status(&raw->to, "websocket", status);
}

static void raw_alarm(void *talk, enum ct_talk_alarm which)
{
    (void)talk;
    (void)which; /* asks for none */
}

const struct ct_talk_kind ct_talk_raw = {
    .open = raw_open,
    .begin = raw_begin,
    .opened = raw_opened,
    .text = raw_message,
    .binary = raw_binary,
    .closed = raw_closed,
    .alarm = raw_alarm,
    .free = free,
};
