/* talk_directline.c - the Bot Framework's Direct Line 3.0: a conversation is started (or come back to) over HTTP, which
 * gives a stream's URL; its frames carry activities and a watermark, from which the next stream goes on.
 *
 * Source of the protocol: Microsoft's Direct Line API 3.0 reference. The token of a conversation is renewed at half its
 * time; where it is not taken any more, the configured secret is asked with, and where the conversation is gone a new
 * one is started, which is counted. What a stream repeats after a reconnect has the ids that it had: the engine knows
 * them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plugin/subscribe/members.h"
#include "plugin/subscribe/talk.h"

#define ANSWER_PATIENCE (20 * CT_USEC_PER_SECOND)
#define LIFE (90 * CT_USEC_PER_SECOND) /* an empty message comes every 15 s or so; a quiet proxy may hold them back */
#define RENEW_AGAIN (30 * CT_USEC_PER_SECOND)
#define TOKEN_MAX 3072
#define NAME_MAX_BYTES 512

struct direct {
    const struct ct_subscription *subscription;
    const struct ct_place *place;
    struct ct_talk_do to;
    struct ct_arena scratch;
    enum { STARTING, COMING_BACK, STREAMING } at;
    bool with_secret;                      /* COMING_BACK: the token was not taken */
    bool heard;                            /* of this stream: it says empty messages, so silence means something */
    char conversation[NAME_MAX_BYTES + 1]; /* "" = none yet */
    char watermark[NAME_MAX_BYTES + 1];
    char token[TOKEN_MAX + 1];
    int64_t expires_seconds; /* of the token; 0 = not known */
};

static void *direct_open(const struct ct_subscription *subscription, const struct ct_place *place,
                         const struct ct_talk_do *to, struct ct_error *err)
{
    const char *conversation = subscription->identifier ? subscription->identifier : "";
    if (!subscription->secret || strlen(conversation) > NAME_MAX_BYTES || strchr(place->path, '?')) {
        (void)ct_error_set(
            err, CT_BAD_CONFIG, "subscription %s: directline: %s", subscription->source,
            !subscription->secret ? "a secret is due, in secret_file or secret_env"
            : strchr(place->path, '?')
                ? "the URL without a query is due, such as https://directline.botframework.com/v3/directline"
                : "identifier: a conversation's id is due");
        return NULL;
    }
    struct direct *direct = calloc(1, sizeof *direct);
    if (!direct) {
        (void)ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
        return NULL;
    }
    direct->subscription = subscription;
    direct->place = place;
    direct->to = *to;
    snprintf(direct->conversation, sizeof direct->conversation, "%s", conversation);
    ct_arena_init(&direct->scratch, 4096, 4 * subscription->message_max + 65536);
    return direct;
}

static void direct_free(void *talk)
{
    struct direct *direct = talk;
    ct_arena_done(&direct->scratch);
    explicit_bzero(direct->token, sizeof direct->token);
    free(direct);
}

/* ---- asking ---- */

static void start_anew(struct direct *direct)
{
    struct ct_place place = *direct->place;
    direct->at = STARTING;
    direct->conversation[0] = direct->watermark[0] = direct->token[0] = '\0';
    if (ct_place_below(&place, CT_SPAN_LIT("conversations")))
        direct->to.request(direct->to.context, CT_TALK_ASK, "POST", &place, direct->subscription->secret, NULL,
                           CT_SPAN_NONE, ANSWER_PATIENCE);
    else
        direct->to.over(direct->to.context, CT_TALK_ENDED, "directline: the URL is too long");
}

static void come_back(struct direct *direct, bool with_secret)
{
    struct ct_place place = *direct->place;
    const char *token = direct->token[0] && !with_secret ? direct->token : direct->subscription->secret;
    direct->at = COMING_BACK;
    direct->with_secret = token == direct->subscription->secret;
    if (ct_place_below(&place, CT_SPAN_LIT("conversations")) &&
        ct_place_below(&place, ct_span_of(direct->conversation)) &&
        (!direct->watermark[0] || ct_place_query(&place, "watermark", ct_span_of(direct->watermark))))
        direct->to.request(direct->to.context, CT_TALK_ASK, "GET", &place, token, NULL, CT_SPAN_NONE, ANSWER_PATIENCE);
    else
        direct->to.over(direct->to.context, CT_TALK_ENDED, "directline: the URL is too long");
}

static void direct_begin(void *talk)
{
    struct direct *direct = talk;
    if (direct->conversation[0])
        come_back(direct, false);
    else
        start_anew(direct);
}

static void renew_later(struct direct *direct)
{
    if (direct->token[0] && direct->expires_seconds > 0)
        direct->to.alarm(direct->to.context, CT_TALK_RENEW, direct->expires_seconds * CT_USEC_PER_SECOND / 2);
}

static void renew(struct direct *direct)
{
    struct ct_place place = *direct->place;
    if (ct_place_below(&place, CT_SPAN_LIT("tokens")) && ct_place_below(&place, CT_SPAN_LIT("refresh")))
        direct->to.request(direct->to.context, CT_TALK_TELL, "POST", &place, direct->token, NULL, CT_SPAN_NONE,
                           ANSWER_PATIENCE);
}

/* ---- answers ---- */

enum { CONVERSATION, TOKEN, EXPIRES, STREAM, ANSWER_FIELDS };

static bool read_answer(struct direct *direct, ct_span body, struct ct_member *found)
{
    static const ct_span names[ANSWER_FIELDS] = {CT_JSON_NAME("conversationId"), CT_JSON_NAME("token"),
                                                 CT_JSON_NAME("expires_in"), CT_JSON_NAME("streamUrl")};
    static const struct ct_json_fields fields = {names, ANSWER_FIELDS};
    return ct_utf8_valid(body, NULL) && ct_members_read(body, &direct->scratch, &fields, found);
}

/* A string that fits, with nothing in it that a header or a URL could not carry. */
static bool keep(const struct ct_member *member, char *out, size_t room)
{
    if (member->kind != CT_JSON_STRING || member->text.len == 0 || member->text.len >= room)
        return false;
    for (size_t i = 0; i < member->text.len; i++)
        if ((unsigned char)member->text.at[i] <= ' ' || (unsigned char)member->text.at[i] >= 0x7f)
            return false;
    memcpy(out, member->text.at, member->text.len);
    out[member->text.len] = '\0';
    return true;
}

static void keep_token(struct direct *direct, const struct ct_member *found)
{
    if (keep(&found[TOKEN], direct->token, sizeof direct->token))
        direct->expires_seconds = ct_member_count(&found[EXPIRES], 20, 86400, 1800);
    renew_later(direct);
}

static void take_stream(struct direct *direct, ct_span body)
{
    struct ct_member found[ANSWER_FIELDS];
    struct ct_place stream;
    if (!read_answer(direct, body, found)) {
        direct->to.over(direct->to.context, CT_TALK_LOST, "directline: an answer that is not the API's");
        return;
    }
    bool named = keep(&found[CONVERSATION], direct->conversation, sizeof direct->conversation);
    if ((!named && direct->at == STARTING) || found[STREAM].kind != CT_JSON_STRING ||
        !ct_place_read(found[STREAM].text, &stream)) {
        direct->to.over(direct->to.context, CT_TALK_LOST, "directline: an answer without conversationId or streamUrl");
        return;
    }
    if (direct->place->tls && !stream.tls) {
        direct->to.over(direct->to.context, CT_TALK_REFUSED, "directline: a streamUrl without TLS is not opened");
        return;
    }
    keep_token(direct, found);
    direct->at = STREAMING;
    direct->heard = false;
    /* The stream's URL carries its own token, and may be of another host: ours stay here. */
    direct->to.open(direct->to.context, &stream, NULL, NULL);
}

static void lost(struct direct *direct)
{
    direct->to.drop(direct->to.context, "subscription_conversation_lost", 1);
    start_anew(direct);
}

static void take_renewal(struct direct *direct, int status, ct_span body)
{
    struct ct_member found[ANSWER_FIELDS];
    if (status / 100 == 2 && read_answer(direct, body, found))
        keep_token(direct, found);
    else if (status == 401 || status == 403)
        direct->token[0] = '\0'; /* the stream goes on as long as it goes; then the secret is asked with */
    else
        direct->to.alarm(direct->to.context, CT_TALK_RENEW, RENEW_AGAIN);
}

static void direct_answer(void *talk, enum ct_talk_request which, int status, ct_span body)
{
    struct direct *direct = talk;
    if (which == CT_TALK_TELL)
        take_renewal(direct, status, body);
    else if (status / 100 == 2)
        take_stream(direct, body);
    else if (direct->at == COMING_BACK && !direct->with_secret && (status == 401 || status == 403))
        come_back(direct, true);
    else if (direct->at == COMING_BACK && (status == 403 || status == 404))
        lost(direct);
    else
        ct_talk_over_status(&direct->to, "directline", status);
    ct_arena_reset(&direct->scratch);
}

/* ---- the stream ---- */

static void direct_opened(void *talk)
{
    struct direct *direct = talk;
    direct->to.ready(direct->to.context);
}

static void direct_text(void *talk, ct_span text)
{
    enum { ACTIVITIES, WATERMARK, FIELDS };
    static const ct_span names[FIELDS] = {CT_JSON_NAME("activities"), CT_JSON_NAME("watermark")};
    static const struct ct_json_fields fields = {names, FIELDS};
    struct direct *direct = talk;
    struct ct_member found[FIELDS];
    direct->heard = direct->heard || text.len == 0;
    if (direct->heard)
        direct->to.alarm(direct->to.context, CT_TALK_LIFE, LIFE);
    if (text.len == 0)
        return;
    bool read = ct_members_read(text, &direct->scratch, &fields, found);
    bool empty = read && found[ACTIVITIES].kind == CT_JSON_ARRAY && found[ACTIVITIES].text.len == 2;
    if (!empty)
        direct->to.payload(direct->to.context, text); /* also what is no frame: the parser names it */
    /* Behind the payload: what did not come through comes again. */
    if (read)
        (void)keep(&found[WATERMARK], direct->watermark, sizeof direct->watermark);
    ct_arena_reset(&direct->scratch);
}

static void direct_binary(void *talk, ct_span bytes)
{
    struct direct *direct = talk;
    (void)bytes;
    direct->to.drop(direct->to.context, "subscription_binary", 1);
}

static void direct_closed(void *talk, int status)
{
    struct direct *direct = talk;
    /* A stream's URL is good for a minute and once: a refusal of it is mended by asking for another. */
    if (status >= 400)
        direct->to.over(direct->to.context, CT_TALK_LOST, "directline: the stream is refused");
    else
        ct_talk_over_status(&direct->to, "directline: stream", status);
}

static void direct_alarm(void *talk, enum ct_talk_alarm which)
{
    struct direct *direct = talk;
    if (which == CT_TALK_RENEW)
        renew(direct);
    else
        direct->to.over(direct->to.context, CT_TALK_LOST, "directline: no sign of life in time");
}

const struct ct_talk_kind ct_talk_directline = {
    .open = direct_open,
    .begin = direct_begin,
    .opened = direct_opened,
    .text = direct_text,
    .binary = direct_binary,
    .closed = direct_closed,
    .answer = direct_answer,
    .alarm = direct_alarm,
    .free = direct_free,
};
