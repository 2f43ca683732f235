/* line.c - one subscription: does what its talk asks for, holds what the intake cannot take now, begins again after
 * failures. The loop's callbacks and wire.c call it.
 */
#include "plugin/subscribe/line.h"

#include <stdio.h>
#include <stdlib.h>

#include "plugin/subscribe/pace.h"

#define MESSAGE_MAX ((size_t)1 << 20)
#define LEAST_WAIT CT_USEC_PER_SECOND
#define MOST_WAIT CT_USEC_PER_MINUTE
#define HEALTHY_MSEC 60000u
#define OFFER_MSEC 20u
#define POSTPONE_MSEC 1000u
#define HELD_FACTOR 8 /* an answer of polling, and what was read before the connection was paused */

static uint64_t now_msec(const struct ct_line *line)
{
    return uv_now(&line->subscriber->loop);
}

static void drop(struct ct_line *line, const char *reason, uint64_t count)
{
    line->subscriber->intake.drop(line->subscriber->intake.context, reason, count);
}

/* What happens to it, for people. `problem` NULL = it is well. */
void ct_line_say(struct ct_line *line, const char *problem)
{
    struct ct_subscriber *subscriber = line->subscriber;
    char text[512];
    if (problem)
        snprintf(text, sizeof text,
                 "level=warning event=subscription_failed source=%.100s stream=%.210s problem=\"%s\"",
                 line->subscription.source, line->stream, problem);
    else
        snprintf(text, sizeof text, "event=subscription_connected source=%.100s stream=%.210s",
                 line->subscription.source, line->stream);
    pthread_mutex_lock(&subscriber->log_lock);
    if (subscriber->log)
        subscriber->log(subscriber->log_context, text);
    pthread_mutex_unlock(&subscriber->log_lock);
}

bool ct_line_paused(const struct ct_line *line)
{
    return line->held_first != NULL;
}

/* ---- to the intake ---- */

/* CT_OK: taken, or dropped by name. Another status: offer it again. */
static enum ct_status offer(struct ct_line *line, ct_span bytes)
{
    struct ct_subscriber *subscriber = line->subscriber;
    const struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                        .direction = CT_DIRECTION_NONE,
                                        .at = subscriber->now(),
                                        .source = ct_span_of(line->subscription.source),
                                        .stream = ct_span_of(line->stream),
                                        .bytes = bytes};
    enum ct_status status = subscriber->intake.append(subscriber->intake.context, &entry, NULL);
    if (status == CT_LIMIT || status == CT_IO || status == CT_NO_MEMORY)
        return status; /* the disk is behind, or full: both may pass */
    if (status != CT_OK)
        drop(line, "subscription_intake_failed", 1);
    return CT_OK;
}

static void on_offer(uv_timer_t *timer)
{
    struct ct_line *line = timer->data;
    while (line->held_first) {
        struct ct_held *held = line->held_first;
        if (offer(line, (ct_span){held->bytes, held->len}) != CT_OK)
            return;
        line->held_first = held->next;
        line->held_bytes -= held->len;
        free(held);
    }
    line->held_last = NULL;
    uv_timer_stop(&line->offer);
    if (line->socket)
        ct_wire_pause(line->socket, false);
    ct_wire_stir(line->subscriber); /* requests that waited */
}

static void hold(struct ct_line *line, ct_span bytes)
{
    struct ct_held *held = NULL;
    if (line->held_bytes + bytes.len <= HELD_FACTOR * line->subscription.message_max)
        held = malloc(sizeof *held + bytes.len);
    if (!held) {
        drop(line, "subscription_intake_full", 1);
        return;
    }
    held->next = NULL;
    held->len = bytes.len;
    memcpy(held->bytes, bytes.at, bytes.len);
    if (line->held_last)
        line->held_last->next = held;
    else
        line->held_first = held;
    line->held_last = held;
    line->held_bytes += bytes.len;
    if (line->socket)
        ct_wire_pause(line->socket, true);
    uv_timer_start(&line->offer, on_offer, OFFER_MSEC, OFFER_MSEC);
}

/* ---- what the talk asks for ---- */

static void do_payload(void *context, ct_span bytes)
{
    struct ct_line *line = context;
    if (!line->begun || bytes.len == 0)
        return;
    if (bytes.len > line->subscription.message_max) {
        drop(line, "subscription_too_long", 1);
        return;
    }
    pthread_mutex_lock(&line->lock);
    line->stats.messages++;
    pthread_mutex_unlock(&line->lock);
    if (line->held_first || offer(line, bytes) != CT_OK)
        hold(line, bytes);
}

static void do_drop(void *context, const char *reason, uint64_t count)
{
    drop(context, reason, count);
}

static void do_ready(void *context)
{
    struct ct_line *line = context;
    if (!line->begun || line->healthy)
        return;
    line->healthy = true;
    line->ready_msec = now_msec(line);
    pthread_mutex_lock(&line->lock);
    line->stats.connected = true;
    line->stats.connects++;
    line->stats.connected_at = line->subscriber->now();
    pthread_mutex_unlock(&line->lock);
    ct_line_say(line, NULL);
}

static void let_go_all(struct ct_line *line)
{
    for (struct ct_wire *wire = line->subscriber->wires; wire; wire = wire->next)
        if (wire->line == line)
            ct_wire_let_go(wire);
}

static void on_retry(uv_timer_t *timer);

static void do_over(void *context, enum ct_talk_over how, const char *problem)
{
    struct ct_line *line = context;
    struct ct_subscription *s = &line->subscription;
    if (!line->begun)
        return;
    line->begun = false;
    line->ended = how == CT_TALK_ENDED;
    let_go_all(line);
    for (size_t i = 0; i < CT_TALK_ALARMS; i++)
        uv_timer_stop(&line->alarms[i]);
    if (line->healthy && now_msec(line) - line->ready_msec >= HEALTHY_MSEC)
        line->attempts = 0;
    line->healthy = false;
    if (line->attempts < UINT32_MAX)
        line->attempts++;
    pthread_mutex_lock(&line->lock);
    line->stats.connected = false;
    line->stats.failures++;
    snprintf(line->stats.problem, sizeof line->stats.problem, "%s", problem);
    pthread_mutex_unlock(&line->lock);
    ct_line_say(line, problem);
    if (line->ended)
        return;
    ct_usec least = how == CT_TALK_REFUSED ? s->most_wait_usec : s->least_wait_usec;
    ct_usec wait = ct_pace_wait(least, s->most_wait_usec, line->attempts, line->subscriber->random());
    uv_timer_start(&line->retry, on_retry, (uint64_t)wait / 1000 + 1, 0);
}

static void no_memory(struct ct_line *line)
{
    do_over(line, CT_TALK_LOST, ct_status_text(CT_NO_MEMORY));
}

static void do_hang_up(void *context)
{
    struct ct_line *line = context;
    if (line->socket)
        ct_wire_let_go(line->socket);
}

static void do_open(void *context, const struct ct_place *place, const char *subprotocol, const char *bearer)
{
    struct ct_line *line = context;
    if (!line->begun)
        return;
    do_hang_up(line);
    line->socket = ct_wire_new(line, place, bearer, subprotocol);
    if (!line->socket) {
        no_memory(line);
        return;
    }
    line->socket->socket = true;
}

static void do_send(void *context, ct_span text)
{
    struct ct_line *line = context;
    if (!line->begun || !line->socket || text.len == 0)
        return;
    if (!ct_wire_send(line->socket, text))
        do_over(line, CT_TALK_LOST, "the gateway does not take what is sent");
}

static void do_request(void *context, enum ct_talk_request which, const char *method, const struct ct_place *place,
                       const char *bearer, const char *type, ct_span body, ct_usec patience)
{
    struct ct_line *line = context;
    if (!line->begun)
        return;
    struct ct_wire *wire = ct_wire_new(line, place, bearer, type);
    if (!wire || !ct_wire_body(wire, body)) {
        no_memory(line);
        return;
    }
    wire->method = method;
    wire->which = which;
    wire->patience_msec = (uint64_t)patience / 1000;
}

static void on_alarm(uv_timer_t *timer)
{
    struct ct_line *line = timer->data;
    if (!line->begun)
        return;
    /* Nothing is heard of a gateway that we do not read. */
    if (ct_line_paused(line))
        uv_timer_start(timer, on_alarm, POSTPONE_MSEC, 0);
    else
        line->kind->alarm(line->talk, (enum ct_talk_alarm)(timer - line->alarms));
}

static void do_alarm(void *context, enum ct_talk_alarm which, ct_usec after)
{
    struct ct_line *line = context;
    if (!line->begun || after <= 0)
        uv_timer_stop(&line->alarms[which]);
    else
        uv_timer_start(&line->alarms[which], on_alarm, (uint64_t)after / 1000 + 1, 0);
}

/* ---- what the wires bring ---- */

void ct_line_opened(struct ct_wire *wire)
{
    struct ct_line *line = wire->line;
    if (line->held_first)
        ct_wire_pause(wire, true);
    line->kind->opened(line->talk);
}

void ct_line_message(struct ct_wire *wire)
{
    struct ct_line *line = wire->line;
    ct_span message = {wire->in, wire->in_len};
    if (wire->in_too_long)
        drop(line, "subscription_too_long", 1);
    else if (wire->in_binary)
        line->kind->binary(line->talk, message);
    else if (!ct_utf8_valid(message, NULL))
        drop(line, "subscription_not_utf8", 1);
    else
        line->kind->text(line->talk, message);
}

void ct_line_ended(struct ct_wire *wire, int status)
{
    struct ct_line *line = wire->line;
    enum ct_talk_request which = wire->which;
    bool socket = wire->socket;
    ct_span body = {wire->in, wire->in_len}; /* the wire is freed by a later sweep */
    ct_wire_let_go(wire);
    if (socket) {
        line->kind->closed(line->talk, status);
    } else if (wire->in_too_long) {
        drop(line, "subscription_too_long", 1);
        do_over(line, CT_TALK_LOST, "an answer over the limit");
    } else {
        line->kind->answer(line->talk, which, status, body);
    }
}

/* ---- beginning ---- */

static void on_retry(uv_timer_t *timer)
{
    struct ct_line *line = timer->data;
    if (line->subscriber->closing)
        return;
    if (ct_line_paused(line)) { /* what we have goes first */
        uv_timer_start(timer, on_retry, POSTPONE_MSEC, 0);
        return;
    }
    line->begun = true;
    line->kind->begin(line->talk);
}

void ct_line_start(struct ct_line *line)
{
    uv_timer_start(&line->retry, on_retry, 0, 0);
}

static bool copy_text(const char **text)
{
    *text = *text ? strdup(*text) : NULL;
    return *text != NULL;
}

static bool copy_subscription(struct ct_subscription *s)
{
    const char **texts[] = {&s->source, &s->url,         &s->identifier, &s->secret,
                            &s->origin, &s->subprotocol, &s->authorities};
    bool whole = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        whole &= !*texts[i] || copy_text(texts[i]);
    return whole;
}

/* The host, so that it stays the same over restarts; where several are alike, the later ones have a number. */
static void name_stream(struct ct_line *line, size_t index)
{
    size_t same = 0;
    for (size_t i = 0; i < index; i++) {
        const struct ct_line *other = &line->subscriber->lines[i];
        same += strcmp(other->subscription.source, line->subscription.source) == 0 &&
                strcmp(other->place.host, line->place.host) == 0;
    }
    snprintf(line->stream, sizeof line->stream, "subscription-%.200s", line->place.host);
    if (same)
        snprintf(line->stream + strlen(line->stream), 24, "-%zu", same + 1);
}

/* What goes into a header may not end it. */
static bool is_header_value(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text == 0x7f)
            return false;
    return true;
}

static enum ct_status check(struct ct_line *line, struct ct_error *err)
{
    struct ct_subscription *s = &line->subscription;
    if (!s->source || !*s->source || strlen(s->source) > 255)
        return ct_error_set(err, CT_BAD_CONFIG, "subscription: a source's name of 1 to 255 bytes is due");
    if (!s->url || !ct_place_read(ct_span_of(s->url), &line->place))
        return ct_error_set(
            err, CT_BAD_CONFIG,
            "subscription %s: url: ws://, wss://, http:// or https://HOST[:PORT]/PATH is due, without a "
            "user, spaces or other than ASCII",
            s->source);
    if (!is_header_value(s->secret) || !is_header_value(s->origin) || !is_header_value(s->subprotocol))
        return ct_error_set(err, CT_BAD_CONFIG, "subscription %s: a control character in secret, origin or subprotocol",
                            s->source);
    if (s->least_wait_usec <= 0)
        s->least_wait_usec = LEAST_WAIT;
    if (s->most_wait_usec <= 0)
        s->most_wait_usec = s->least_wait_usec > MOST_WAIT ? s->least_wait_usec : MOST_WAIT;
    if (s->message_max == 0)
        s->message_max = MESSAGE_MAX;
    if (s->message_max > CT_TAPE_BYTES_MAX)
        s->message_max = CT_TAPE_BYTES_MAX;
    return CT_OK;
}

static const struct ct_talk_kind *const kinds[CT_SUBSCRIBE_COUNT] = {
    [CT_SUBSCRIBE_RAW] = &ct_talk_raw,
    [CT_SUBSCRIBE_ACTIONCABLE] = &ct_talk_actioncable,
    [CT_SUBSCRIBE_SOCKETIO] = &ct_talk_socketio,
    [CT_SUBSCRIBE_DIRECTLINE] = &ct_talk_directline,
};

enum ct_status ct_line_open(struct ct_subscriber *subscriber, size_t index, const struct ct_subscription *subscription,
                            struct ct_error *err)
{
    struct ct_line *line = &subscriber->lines[index];
    line->subscriber = subscriber;
    line->subscription = *subscription;
    line->stats.connected_at = CT_USEC_NONE;
    pthread_mutex_init(&line->lock, NULL);
    subscriber->count = index + 1; /* from here on it is freed with the others */
    if (!copy_subscription(&line->subscription))
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    enum ct_status status = check(line, err);
    if (status != CT_OK)
        return status;
    name_stream(line, index);
    status = ct_wire_host(line, err);
    if (status != CT_OK)
        return status;
    const struct ct_talk_do to = {.context = line,
                                  .open = do_open,
                                  .hang_up = do_hang_up,
                                  .send = do_send,
                                  .request = do_request,
                                  .payload = do_payload,
                                  .ready = do_ready,
                                  .alarm = do_alarm,
                                  .drop = do_drop,
                                  .over = do_over};
    line->kind = kinds[subscription->kind];
    line->talk = line->kind->open(&line->subscription, &line->place, &to, err);
    if (!line->talk)
        return err ? err->status : CT_NO_MEMORY;
    uv_timer_t *timers[] = {&line->retry, &line->offer, &line->alarms[CT_TALK_LIFE], &line->alarms[CT_TALK_RENEW]};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        uv_timer_init(&subscriber->loop, timers[i]); /* cannot fail */
        timers[i]->data = line;
    }
    line->timed = true;
    return CT_OK;
}

void ct_line_stop(struct ct_line *line)
{
    line->begun = false;
    let_go_all(line);
    on_offer(&line->offer);
    for (const struct ct_held *held = line->held_first; held; held = held->next)
        drop(line, "subscription_intake_full", 1);
    pthread_mutex_lock(&line->lock);
    line->stats.connected = false;
    pthread_mutex_unlock(&line->lock);
}

void ct_line_close_timers(struct ct_line *line)
{
    uv_timer_t *timers[] = {&line->retry, &line->offer, &line->alarms[CT_TALK_LIFE], &line->alarms[CT_TALK_RENEW]};
    for (size_t i = 0; line->timed && i < sizeof timers / sizeof *timers; i++)
        uv_close((uv_handle_t *)timers[i], NULL);
    line->timed = false;
}

void ct_line_free(struct ct_line *line)
{
    struct ct_subscription *s = &line->subscription;
    while (line->held_first) {
        struct ct_held *held = line->held_first;
        line->held_first = held->next;
        free(held);
    }
    if (line->talk)
        line->kind->free(line->talk);
    if (s->secret)
        explicit_bzero((char *)(uintptr_t)s->secret, strlen(s->secret));
    const char *texts[] = {s->source, s->url, s->identifier, s->secret, s->origin, s->subprotocol, s->authorities};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free((char *)(uintptr_t)texts[i]);
    pthread_mutex_destroy(&line->lock);
}
