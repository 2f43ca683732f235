/* talk_socketio.c - Socket.IO 5 over Engine.IO 4 as a client: begins by polling, goes over to a WebSocket where the
 * gateway offers one, stays with polling where that fails, and tries a WebSocket alone where there is no polling.
 *
 * Source of the protocols: engine.io-protocol 4 and socket.io-protocol 5. A payload is an event's packet as it is on
 * the wire (42["bot_uttered",{...}]). Nothing is said to the gateway but what keeps the connection: no event, no answer
 * to one. Events with binary attachments are counted, not read.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plugin/subscribe/members.h"
#include "plugin/subscribe/talk.h"

#define ASK_PATIENCE (20 * CT_USEC_PER_SECOND)
#define PROBE_PATIENCE (10 * CT_USEC_PER_SECOND)
#define SEPARATOR '\x1e'
#define TELL_MAX 8192u /* bytes that wait to be posted */
#define SID_MAX 200
#define ATTACHMENTS_MAX 1000

struct sio {
    const struct ct_subscription *subscription;
    struct ct_talk_do to;
    struct ct_arena scratch;
    struct ct_place place;
    char *connect; /* the packet that asks for our namespace, with what it takes to be let in */
    size_t connect_len;
    char name[256];     /* of the namespace: "/" */
    const char *bearer; /* NULL = none */

    enum at { HANDSHAKE, PROBING, STRAIGHT, ON_SOCKET, POLLING } at;
    bool over;
    char sid[SID_MAX + 1]; /* "" = the session is not open */
    int64_t interval_msec, timeout_msec;
    unsigned attachments; /* binary parts of an event that are still to come */
    bool telling;
    char tell[TELL_MAX];
    size_t tell_len;
};

static void end(struct sio *sio, enum ct_talk_over how, const char *problem)
{
    sio->over = true;
    sio->to.over(sio->to.context, how, problem);
}

static void end_by_status(struct sio *sio, const char *what, int status)
{
    sio->over = true;
    ct_talk_over_status(&sio->to, what, status);
}

/* ---- opening ---- */

static void sio_free(void *talk)
{
    struct sio *sio = talk;
    ct_arena_done(&sio->scratch);
    if (sio->connect)
        explicit_bzero(sio->connect, sio->connect_len);
    free(sio->connect);
    free(sio);
}

/* A secret that is a JSON object is what the gateway's own clients give as `auth`; any other is a token. */
static bool write_connect(struct sio *sio, const char *secret)
{
    size_t len = secret ? strlen(secret) : 0, room = sizeof sio->name + 6 * len + 64;
    sio->connect = malloc(room);
    if (!sio->connect)
        return false;
    bool plain = strcmp(sio->name, "/") == 0;
    int at = snprintf(sio->connect, room, "40%s%s", plain ? "" : sio->name, plain ? "" : ",");
    if (secret && secret[0] == '{') {
        at += snprintf(sio->connect + at, room - (size_t)at, "%s", secret);
    } else if (secret) {
        at += snprintf(sio->connect + at, room - (size_t)at, "{\"token\":");
        at += (int)ct_members_quote((ct_span){secret, len}, sio->connect + at, room - (size_t)at - 2);
        sio->connect[at++] = '}';
        sio->bearer = secret;
    }
    sio->connect_len = (size_t)at;
    return true;
}

static bool check(struct sio *sio, const char *identifier, const char *secret, struct ct_error *err)
{
    const struct ct_json_fields none = {NULL, 0};
    struct ct_member nothing;
    const char *source = sio->subscription->source;
    size_t len = strlen(identifier);
    if (len > 250 || strcspn(identifier, ",? \t\r\n") != len)
        (void)ct_error_set(err, CT_BAD_CONFIG, "subscription %s: identifier: a namespace is due, such as /support",
                           source);
    else if (secret && secret[0] == '{' && !ct_members_read(ct_span_of(secret), &sio->scratch, &none, &nothing))
        (void)ct_error_set(err, CT_BAD_CONFIG, "subscription %s: the secret begins with '{', but is no JSON object",
                           source);
    else
        return true;
    return false;
}

static void *sio_open(const struct ct_subscription *subscription, const struct ct_place *place,
                      const struct ct_talk_do *to, struct ct_error *err)
{
    const char *identifier = subscription->identifier ? subscription->identifier : "/";
    struct sio *sio = calloc(1, sizeof *sio);
    if (!sio) {
        (void)ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        return NULL;
    }
    sio->subscription = subscription;
    sio->to = *to;
    sio->place = *place;
    ct_arena_init(&sio->scratch, 4096, 4 * subscription->message_max + 65536);
    if (!check(sio, identifier, subscription->secret, err))
        goto failed;
    snprintf(sio->name, sizeof sio->name, "%s%s", identifier[0] == '/' ? "" : "/", identifier);
    if (strcmp(sio->place.path, "/") == 0)
        snprintf(sio->place.path, sizeof sio->place.path, "/socket.io/");
    if (!ct_place_query(&sio->place, "EIO", CT_SPAN_LIT("4"))) {
        (void)ct_error_set(err, CT_BAD_CONFIG, "subscription %s: the URL is too long", subscription->source);
        goto failed;
    }
    if (!write_connect(sio, subscription->secret)) {
        (void)ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        goto failed;
    }
    return sio;
failed:
    sio_free(sio);
    return NULL;
}

/* ---- sending ---- */

static bool place_for(struct sio *sio, const char *transport, struct ct_place *out)
{
    *out = sio->place;
    if (ct_place_query(out, "transport", ct_span_of(transport)) &&
        (!sio->sid[0] || ct_place_query(out, "sid", ct_span_of(sio->sid))))
        return true;
    end(sio, CT_TALK_ENDED, "socketio: the URL is too long");
    return false;
}

static void poll_on(struct sio *sio)
{
    struct ct_place place;
    ct_usec patience = (sio->interval_msec + sio->timeout_msec) * 1000 + ASK_PATIENCE;
    if (place_for(sio, "polling", &place))
        sio->to.request(sio->to.context, CT_TALK_ASK, "GET", &place, sio->bearer, NULL, CT_SPAN_NONE, patience);
}

/* One POST at a time, so that packets keep their order. */
static void tell_on(struct sio *sio)
{
    struct ct_place place;
    if (sio->telling || sio->tell_len == 0 || !place_for(sio, "polling", &place))
        return;
    sio->telling = true;
    size_t len = sio->tell_len;
    sio->tell_len = 0;
    sio->to.request(sio->to.context, CT_TALK_TELL, "POST", &place, sio->bearer, "text/plain;charset=UTF-8",
                    (ct_span){sio->tell, len}, ASK_PATIENCE);
}

static void say(struct sio *sio, ct_span packet)
{
    if (sio->at != POLLING) {
        sio->to.send(sio->to.context, packet);
        return;
    }
    if (sio->tell_len + packet.len + 1 > sizeof sio->tell) {
        end(sio, CT_TALK_LOST, "socketio: the gateway does not take what is sent");
        return;
    }
    if (sio->tell_len)
        sio->tell[sio->tell_len++] = SEPARATOR;
    memcpy(sio->tell + sio->tell_len, packet.at, packet.len);
    sio->tell_len += packet.len;
    tell_on(sio);
}

static void alive(struct sio *sio)
{
    if (sio->at == ON_SOCKET || sio->at == POLLING)
        sio->to.alarm(sio->to.context, CT_TALK_LIFE, (sio->interval_msec + sio->timeout_msec) * 1000);
}

/* The transport is found: our namespace is asked for on it. */
static void settle(struct sio *sio, enum at at)
{
    sio->at = at;
    alive(sio);
    sio->to.alarm(sio->to.context, CT_TALK_RENEW, ASK_PATIENCE);
    say(sio, (ct_span){sio->connect, sio->connect_len});
    if (at == POLLING && !sio->over)
        poll_on(sio);
}

static void open_socket(struct sio *sio, enum at at)
{
    struct ct_place place;
    sio->at = at;
    sio->to.alarm(sio->to.context, CT_TALK_LIFE, at == PROBING ? PROBE_PATIENCE : ASK_PATIENCE);
    if (place_for(sio, "websocket", &place))
        sio->to.open(sio->to.context, &place, sio->subscription->subprotocol, sio->bearer);
}

static void stay_with_polling(struct sio *sio)
{
    sio->to.hang_up(sio->to.context);
    settle(sio, POLLING);
}

static void sio_begin(void *talk)
{
    struct sio *sio = talk;
    sio->at = HANDSHAKE;
    sio->over = sio->telling = false;
    sio->sid[0] = '\0';
    sio->attachments = 0;
    sio->tell_len = 0;
    sio->interval_msec = sio->timeout_msec = 0;
    poll_on(sio);
}

/* ---- Socket.IO ---- */

/* Takes "/name," from the front; another namespace than ours is none of our business. */
static bool is_ours(const struct sio *sio, ct_span *rest)
{
    ct_span name = CT_SPAN_LIT("/");
    if (rest->len && rest->at[0] == '/') {
        const char *comma = memchr(rest->at, ',', rest->len);
        name = (ct_span){rest->at, comma ? (size_t)(comma - rest->at) : rest->len};
        size_t taken = name.len + (comma != NULL);
        *rest = (ct_span){rest->at + taken, rest->len - taken};
        const char *query = memchr(name.at, '?', name.len);
        if (query)
            name.len = (size_t)(query - name.at);
    }
    return ct_span_is(name, sio->name);
}

/* Takes "2-" from the front: how many binary parts follow. False: no such number. */
static bool take_attachments(ct_span *rest, unsigned *out)
{
    size_t at = 0;
    *out = 0;
    while (at < rest->len && rest->at[at] >= '0' && rest->at[at] <= '9' && *out <= ATTACHMENTS_MAX)
        *out = 10 * *out + (unsigned)(rest->at[at++] - '0');
    if (at == 0 || at >= rest->len || rest->at[at] != '-' || *out > ATTACHMENTS_MAX)
        return false;
    *rest = (ct_span){rest->at + at + 1, rest->len - at - 1};
    return true;
}

static void take_message(struct sio *sio, ct_span packet)
{
    char type = packet.len > 1 ? packet.at[1] : '\0';
    ct_span rest = type ? (ct_span){packet.at + 2, packet.len - 2} : CT_SPAN_NONE;
    if ((type == '5' || type == '6') && !take_attachments(&rest, &sio->attachments))
        type = '\0';
    if (type < '0' || type > '6') {
        sio->to.drop(sio->to.context, "subscription_bad_packet", 1);
        return;
    }
    bool ours = is_ours(sio, &rest);
    if (type == '5')
        sio->to.drop(sio->to.context, ours ? "subscription_binary" : "subscription_other_namespace", 1);
    else if (type == '2' && !ours)
        sio->to.drop(sio->to.context, "subscription_other_namespace", 1);
    else if (type == '2')
        sio->to.payload(sio->to.context, packet);
    else if (type == '0' && ours) {
        sio->to.alarm(sio->to.context, CT_TALK_RENEW, 0);
        sio->to.ready(sio->to.context);
    } else if (type == '1' && ours)
        end(sio, CT_TALK_LOST, "socketio: the gateway ended the namespace");
    else if (type == '4' && ours)
        end(sio, CT_TALK_REFUSED, "socketio: the namespace is refused; are identifier and secret right?");
}

/* ---- Engine.IO ---- */

static bool take_open(struct sio *sio, ct_span packet, bool *upgrade)
{
    enum { SID, UPGRADES, INTERVAL, TIMEOUT, FIELDS };
    static const ct_span names[FIELDS] = {CT_JSON_NAME("sid"), CT_JSON_NAME("upgrades"), CT_JSON_NAME("pingInterval"),
                                          CT_JSON_NAME("pingTimeout")};
    static const struct ct_json_fields fields = {names, FIELDS};
    struct ct_member found[FIELDS];
    bool fine = packet.len > 1 && packet.at[0] == '0' &&
                ct_members_read((ct_span){packet.at + 1, packet.len - 1}, &sio->scratch, &fields, found) &&
                found[SID].kind == CT_JSON_STRING && found[SID].text.len > 0 && found[SID].text.len <= SID_MAX;
    if (fine) {
        memcpy(sio->sid, found[SID].text.at, found[SID].text.len);
        sio->sid[found[SID].text.len] = '\0';
        sio->interval_msec = ct_member_count(&found[INTERVAL], 100, 600000, 25000);
        sio->timeout_msec = ct_member_count(&found[TIMEOUT], 100, 600000, 20000);
        ct_span upgrades = found[UPGRADES].text;
        *upgrade = found[UPGRADES].kind == CT_JSON_ARRAY && memmem(upgrades.at, upgrades.len, "\"websocket\"", 11);
    }
    ct_arena_reset(&sio->scratch);
    return fine;
}

static void take_packet(struct sio *sio, ct_span packet)
{
    bool upgrade;
    if (packet.len == 0)
        return;
    if (!ct_utf8_valid(packet, NULL)) {
        sio->to.drop(sio->to.context, "subscription_not_utf8", 1);
        return;
    }
    alive(sio);
    switch (packet.at[0]) {
    case '0':
        if (sio->at == STRAIGHT && take_open(sio, packet, &upgrade))
            settle(sio, ON_SOCKET);
        else
            end(sio, CT_TALK_LOST, "socketio: an opening that is not Engine.IO's");
        break;
    case '1':
        end(sio, CT_TALK_LOST, "socketio: the gateway ended the session");
        break;
    case '2': {
        char pong[130] = "3";
        size_t more = packet.len - 1 < sizeof pong - 1 ? packet.len - 1 : 0;
        memcpy(pong + 1, packet.at + 1, more);
        say(sio, (ct_span){pong, more + 1});
        break;
    }
    case '3':
        if (sio->at == PROBING && ct_span_is(packet, "3probe")) {
            say(sio, CT_SPAN_LIT("5"));
            settle(sio, ON_SOCKET);
        }
        break;
    case '4':
        take_message(sio, packet);
        break;
    case '6':
        break;
    default:
        sio->to.drop(sio->to.context, "subscription_bad_packet", 1);
    }
}

static void take_binary(struct sio *sio)
{
    if (sio->attachments > 0)
        sio->attachments--; /* its event was counted */
    else
        sio->to.drop(sio->to.context, "subscription_binary", 1);
}

/* Packets of a polling answer; "b" begins one that is binary, in base64. */
static void take_packets(struct sio *sio, ct_span body)
{
    while (body.len && !sio->over) {
        const char *cut = memchr(body.at, SEPARATOR, body.len);
        ct_span packet = {body.at, cut ? (size_t)(cut - body.at) : body.len};
        size_t taken = packet.len + (cut != NULL);
        body = (ct_span){body.at + taken, body.len - taken};
        if (packet.len && packet.at[0] == 'b')
            take_binary(sio);
        else
            take_packet(sio, packet);
    }
}

/* "97:0{...}": lengths before packets were Engine.IO 3's. */
static bool is_old(ct_span body)
{
    size_t digits = 0;
    while (digits < body.len && body.at[digits] >= '0' && body.at[digits] <= '9')
        digits++;
    return digits > 0 && digits < body.len && body.at[digits] == ':';
}

static void take_handshake(struct sio *sio, int status, ct_span body)
{
    bool upgrade = false;
    const char *cut = body.len ? memchr(body.at, SEPARATOR, body.len) : NULL;
    ct_span first = {body.at, cut ? (size_t)(cut - body.at) : body.len};
    if (status >= 400 && status < 500 && status != 401 && status != 403 && status != 429) {
        open_socket(sio, STRAIGHT); /* a gateway without polling says 400 */
    } else if (status / 100 != 2) {
        end_by_status(sio, "socketio", status);
    } else if (!ct_utf8_valid(first, NULL) || !take_open(sio, first, &upgrade)) {
        end(sio, is_old(body) ? CT_TALK_REFUSED : CT_TALK_LOST,
            is_old(body) ? "socketio: the gateway speaks Engine.IO 3, version 4 is due"
                         : "socketio: an opening that is not Engine.IO's");
    } else {
        if (upgrade)
            open_socket(sio, PROBING);
        else
            settle(sio, POLLING);
        if (cut && !sio->over)
            take_packets(sio, (ct_span){cut + 1, (size_t)(body.at + body.len - cut) - 1});
    }
}

static void sio_answer(void *talk, enum ct_talk_request which, int status, ct_span body)
{
    struct sio *sio = talk;
    if (which == CT_TALK_ASK && sio->at == HANDSHAKE) {
        take_handshake(sio, status, body);
    } else if (status == 400) {
        end(sio, CT_TALK_LOST, "socketio: the session is gone");
    } else if (status / 100 != 2) {
        end_by_status(sio, "socketio: polling", status);
    } else if (which == CT_TALK_TELL) {
        sio->telling = false;
        tell_on(sio);
    } else {
        take_packets(sio, body);
        if (!sio->over)
            poll_on(sio);
    }
}

/* ---- the WebSocket ---- */

static void sio_opened(void *talk)
{
    struct sio *sio = talk;
    if (sio->at == PROBING)
        sio->to.send(sio->to.context, CT_SPAN_LIT("2probe"));
}

static void sio_text(void *talk, ct_span text)
{
    take_packet(talk, text);
}

static void sio_binary(void *talk, ct_span bytes)
{
    (void)bytes;
    take_binary(talk);
}

static void sio_closed(void *talk, int status)
{
    struct sio *sio = talk;
    if (sio->at == PROBING)
        stay_with_polling(sio);
    else
        end_by_status(sio, "socketio: websocket", status);
}

static void sio_alarm(void *talk, enum ct_talk_alarm which)
{
    struct sio *sio = talk;
    if (which == CT_TALK_RENEW)
        end(sio, CT_TALK_LOST, "socketio: the namespace is not confirmed in time");
    else if (sio->at == PROBING)
        stay_with_polling(sio);
    else
        end(sio, CT_TALK_LOST, sio->at == STRAIGHT ? "socketio: not opened in time" : "socketio: no ping in time");
}

const struct ct_talk_kind ct_talk_socketio = {
    .open = sio_open,
    .begin = sio_begin,
    .opened = sio_opened,
    .text = sio_text,
    .binary = sio_binary,
    .closed = sio_closed,
    .answer = sio_answer,
    .alarm = sio_alarm,
    .free = sio_free,
};
