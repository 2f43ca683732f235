/* talk_actioncable.c - Rails' ActionCable as a client: welcome, subscribe, confirmed, then events with pings between.
 *
 * Source of the protocol: the Rails guides' and AnyCable's descriptions of actioncable-v1-json. Frames that belong to
 * no part of it go to the intake as they are: the parser names what is wrong with them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plugin/subscribe/members.h"
#include "plugin/subscribe/talk.h"

#define PATIENCE (10 * CT_USEC_PER_SECOND) /* the server pings every 3 s */

struct cable {
    const struct ct_subscription *subscription;
    const struct ct_place *place;
    struct ct_talk_do to;
    struct ct_arena scratch;
    enum at { OPENING, WELCOMING, SUBSCRIBING, LISTENING } at;
    char *subscribe; /* the command */
    size_t subscribe_len;
};

static void cable_free(void *talk)
{
    struct cable *cable = talk;
    ct_arena_done(&cable->scratch);
    if (cable->subscribe)
        explicit_bzero(cable->subscribe, cable->subscribe_len); /* a Chatwoot identifier holds a token */
    free(cable->subscribe);
    free(cable);
}

static void *cable_open(const struct ct_subscription *subscription, const struct ct_place *place,
                        const struct ct_talk_do *to, struct ct_error *err)
{
    static const char before[] = "{\"command\":\"subscribe\",\"identifier\":";
    ct_span identifier = ct_span_of(subscription->identifier);
    struct ct_json_fields none = {NULL, 0};
    struct cable *cable = calloc(1, sizeof *cable);
    size_t room = sizeof before + 6 * identifier.len + 16;
    if (!cable || !(cable->subscribe = malloc(room))) {
        free(cable);
        (void)ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        return NULL;
    }
    cable->subscription = subscription;
    cable->place = place;
    cable->to = *to;
    ct_arena_init(&cable->scratch, 4096, 4 * subscription->message_max + 65536);
    struct ct_member nothing;
    if (!ct_members_read(identifier, &cable->scratch, &none, &nothing)) {
        (void)ct_error_set(err, CT_BAD_CONFIG,
                           "subscription %s: identifier: a JSON object is due, such as {\"channel\":\"RoomChannel\"}",
                           subscription->source);
        cable_free(cable);
        return NULL;
    }
    ct_arena_reset(&cable->scratch);
    memcpy(cable->subscribe, before, sizeof before - 1);
    cable->subscribe_len = sizeof before - 1;
    cable->subscribe_len += ct_members_quote(identifier, cable->subscribe + cable->subscribe_len, room - sizeof before);
    cable->subscribe[cable->subscribe_len++] = '}';
    return cable;
}

static void cable_begin(void *talk)
{
    struct cable *cable = talk;
    const char *given = cable->subscription->subprotocol;
    cable->at = OPENING;
    cable->to.open(cable->to.context, cable->place, given ? given : "actioncable-v1-json", cable->subscription->secret);
}

static void step_to(struct cable *cable, enum at at)
{
    cable->at = at;
    cable->to.alarm(cable->to.context, CT_TALK_LIFE, PATIENCE);
}

static void cable_opened(void *talk)
{
    struct cable *cable = talk;
    step_to(cable, WELCOMING);
}

static void take_disconnect(struct cable *cable, const struct ct_member *reason, const struct ct_member *reconnect)
{
    enum ct_talk_over how = reconnect->kind == CT_JSON_FALSE ? CT_TALK_ENDED : CT_TALK_LOST;
    static const char *const known[] = {"unauthorized", "invalid_request", "server_restart", "remote", "idle_timeout"};
    char problem[120];
    const char *why = "for another reason"; /* the gateway's own words are not repeated */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ct_member_is(reason, known[i]))
            why = known[i];
    snprintf(problem, sizeof problem, "actioncable: disconnected (%s)%s", why,
             how == CT_TALK_ENDED ? "; it asks not to come again" : "");
    cable->to.over(cable->to.context, how, problem);
}

enum { TYPE, IDENTIFIER, MESSAGE, REASON, RECONNECT, FIELDS };

/* False where the frame is none of the protocol's own. */
static bool take_control(struct cable *cable, const struct ct_member *found)
{
    const struct ct_member *type = &found[TYPE];
    if (type->kind != CT_JSON_STRING || (found[IDENTIFIER].kind && found[MESSAGE].kind))
        return false; /* what somebody broadcast */
    if (ct_member_is(type, "welcome") && cable->at == WELCOMING) {
        step_to(cable, SUBSCRIBING);
        cable->to.send(cable->to.context, (ct_span){cable->subscribe, cable->subscribe_len});
    } else if (ct_member_is(type, "confirm_subscription") && cable->at == SUBSCRIBING) {
        step_to(cable, LISTENING);
        cable->to.ready(cable->to.context);
    } else if (ct_member_is(type, "reject_subscription")) {
        cable->to.over(cable->to.context, CT_TALK_REFUSED,
                       "actioncable: the subscription is rejected; is the identifier right?");
    } else if (ct_member_is(type, "disconnect")) {
        take_disconnect(cable, &found[REASON], &found[RECONNECT]);
    } else if (!ct_member_is(type, "ping")) {
        cable->to.drop(cable->to.context, "subscription_unknown_frame", 1);
    }
    return true;
}

static void cable_text(void *talk, ct_span text)
{
    static const ct_span names[FIELDS] = {CT_JSON_NAME("type"), CT_JSON_NAME("identifier"), CT_JSON_NAME("message"),
                                          CT_JSON_NAME("reason"), CT_JSON_NAME("reconnect")};
    static const struct ct_json_fields fields = {names, FIELDS};
    struct cable *cable = talk;
    struct ct_member found[FIELDS];
    if (cable->at == LISTENING) /* welcome and confirmation have to come in their time, whatever else comes */
        cable->to.alarm(cable->to.context, CT_TALK_LIFE, PATIENCE);
    if (text.len && (!ct_members_read(text, &cable->scratch, &fields, found) || !take_control(cable, found)))
        cable->to.payload(cable->to.context, text);
    ct_arena_reset(&cable->scratch);
}

static void cable_binary(void *talk, ct_span bytes)
{
    struct cable *cable = talk;
    (void)bytes; /* another subprotocol's */
    cable->to.drop(cable->to.context, "subscription_binary", 1);
}

static void cable_closed(void *talk, int status)
{
    struct cable *cable = talk;
    ct_talk_over_status(&cable->to, "actioncable", status);
}

static void cable_alarm(void *talk, enum ct_talk_alarm which)
{
    struct cable *cable = talk;
    (void)which;
    static const char *const silent[] = {[OPENING] = "actioncable: not opened in time",
                                         [WELCOMING] = "actioncable: no welcome in time",
                                         [SUBSCRIBING] = "actioncable: the subscription is not confirmed in time",
                                         [LISTENING] = "actioncable: no ping in time"};
    cable->to.over(cable->to.context, CT_TALK_LOST, silent[cable->at]);
}

const struct ct_talk_kind ct_talk_actioncable = {
    .open = cable_open,
    .begin = cable_begin,
    .opened = cable_opened,
    .text = cable_text,
    .binary = cable_binary,
    .closed = cable_closed,
    .alarm = cable_alarm,
    .free = cable_free,
};
