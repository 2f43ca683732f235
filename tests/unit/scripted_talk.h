/* scripted_talk.h - drives a protocol's state machine without sockets: everything it asks for is written down as a line
 * of text, which a test compares. */
#ifndef SCRIPTED_TALK_H
#define SCRIPTED_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugin/subscribe/talk.h"

struct scripted {
    struct ct_subscription subscription;
    struct ct_place place;
    const struct ct_talk_kind *kind;
    void *talk;
    char said[1 << 16];
    size_t len;
    size_t payloads;
    bool over;
};

static void note(struct scripted *s, const char *format, ...) CT_PRINTF(2, 3);
static void note(struct scripted *s, const char *format, ...)
{
    va_list args;
    if (s->len + 4096 > sizeof s->said)
        s->len = 0; /* long hostile runs look at what came last */
    va_start(args, format);
    s->len += (size_t)vsnprintf(s->said + s->len, sizeof s->said - s->len, format, args);
    va_end(args);
}

static void note_open(void *context, const struct ct_place *place, const char *subprotocol, const char *bearer)
{
    note(context, "open %s %s%s%s%s%s\n", place->authority, place->path, subprotocol ? " as " : "",
         subprotocol ? subprotocol : "", bearer ? " by " : "", bearer ? bearer : "");
}

static void note_hang_up(void *context)
{
    note(context, "hang_up\n");
}

static void note_send(void *context, ct_span text)
{
    assert_true(text.len > 0); /* two empty messages in a row abort the library */
    note(context, "send %.*s\n", (int)text.len, text.at);
}

static void note_request(void *context, enum ct_talk_request which, const char *method, const struct ct_place *place,
                         const char *bearer, const char *type, ct_span body, ct_usec patience)
{
    (void)type;
    assert_true(patience > 0);
    note(context, "%s %s %s%s%s%s%.*s\n", which == CT_TALK_ASK ? "ask" : "tell", method, place->path,
         bearer ? " by " : "", bearer ? bearer : "", body.len ? " " : "", (int)body.len, body.len ? body.at : "");
}

static void note_payload(void *context, ct_span bytes)
{
    struct scripted *s = context;
    s->payloads++;
    note(s, "payload %.*s\n", bytes.len < 300 ? (int)bytes.len : 300, bytes.at);
}

static void note_ready(void *context)
{
    note(context, "ready\n");
}

static void note_alarm(void *context, enum ct_talk_alarm which, ct_usec after)
{
    (void)context;
    assert_true(which < CT_TALK_ALARMS);
    assert_true(after >= 0);
}

static void note_drop(void *context, const char *reason, uint64_t count)
{
    assert_int_equal(count, 1);
    note(context, "drop %s\n", reason);
}

static void note_over(void *context, enum ct_talk_over how, const char *problem)
{
    struct scripted *s = context;
    static const char *const hows[] = {"lost", "refused", "ended"};
    if (s->over)
        return;
    s->over = true;
    assert_null(s->subscription.secret ? strstr(problem, s->subscription.secret) : NULL);
    note(s, "%s: %s\n", hows[how], problem);
}

/* Heap copies of exactly the bytes, so that the sanitizers see a reading beyond them. */
static char *exact(ct_span bytes)
{
    char *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

static void text_span(struct scripted *s, ct_span text)
{
    char *copy = exact(text);
    s->kind->text(s->talk, (ct_span){copy, text.len});
    free(copy);
}

static void text(struct scripted *s, const char *text_is)
{
    text_span(s, ct_span_of(text_is));
}

static void answer(struct scripted *s, enum ct_talk_request which, int status, const char *body)
{
    ct_span bytes = ct_span_of(body);
    char *copy = exact(bytes);
    s->kind->answer(s->talk, which, status, (ct_span){copy, bytes.len});
    free(copy);
}

static void begin(struct scripted *s)
{
    s->over = false;
    s->kind->begin(s->talk);
}

/* What was asked for since the last look. */
static void expect(struct scripted *s, const char *said)
{
    s->said[s->len] = '\0';
    assert_string_equal(s->said, said);
    s->len = 0;
}

static enum ct_status scripted_open(struct scripted *s, const struct ct_talk_kind *kind,
                                    struct ct_subscription subscription, struct ct_error *err)
{
    const struct ct_talk_do to = {s,          note_open,  note_hang_up, note_send, note_request, note_payload,
                                  note_ready, note_alarm, note_drop,    note_over};
    memset(s, 0, sizeof *s);
    s->subscription = subscription;
    s->subscription.source = "chat";
    s->subscription.message_max = 1 << 20;
    s->kind = kind;
    assert_true(ct_place_read(ct_span_of(subscription.url), &s->place));
    s->talk = kind->open(&s->subscription, &s->place, &to, err);
    return s->talk ? CT_OK : err->status;
}

static void scripted_done(struct scripted *s)
{
    s->kind->free(s->talk);
}

/* A generator of its own, so that each run is the same. */
static uint32_t dice(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* A piece of one of `pieces`, perhaps cut, with a byte changed, or two of them: hostile, but close to what is due. */
static ct_span mangled(uint64_t *state, const char *const *pieces, size_t count, char *room, size_t capacity)
{
    size_t len = 0;
    for (uint32_t parts = 1 + dice(state) % 2; parts > 0; parts--) {
        ct_span piece = ct_span_of(pieces[dice(state) % count]);
        size_t from = dice(state) % 4 == 0 ? dice(state) % (piece.len + 1) : 0;
        size_t take = dice(state) % 4 == 0 ? dice(state) % (piece.len - from + 1) : piece.len - from;
        if (len + take > capacity)
            break;
        memcpy(room + len, piece.at + from, take);
        len += take;
    }
    if (len && dice(state) % 3 == 0)
        room[dice(state) % len] = (char)(1 + dice(state) % 126);
    return (ct_span){room, len};
}

#endif
