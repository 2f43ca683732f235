/* body.c - the body of one HTTP request or response, read as it goes by (body.h). Called by eyes.c. */
#include "plugin/relay/body.h"

#include <stdlib.h>
#include <strings.h>

static const char NO_MEMORY[] = "relay_no_memory";

static bool is(ct_span text, const char *word)
{
    size_t len = strlen(word);
    return text.len == len && strncasecmp(text.at, word, len) == 0;
}

static ct_span trimmed(ct_span text)
{
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* "application/json; charset=utf-8" -> "application/json" */
static ct_span essence(ct_span type)
{
    const char *end = type.len ? memchr(type.at, ';', type.len) : NULL;
    if (end) {
        type.len = (size_t)(end - type.at);
    }
    return trimmed(type);
}

static bool ends_with(ct_span text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp(text.at + text.len - len, word, len) == 0;
}

/* Types in which platforms and gateways write messages; pages, scripts and pictures are none. */
static bool carries_messages(ct_span type)
{
    static const char *const types[] = {
        "application/json",       "text/json", "text/plain",      "application/x-www-form-urlencoded",
        "application/x-ndjson",   "text/xml",  "application/xml", "application/jsonl",
        "application/json-lines", NULL};
    for (const char *const *one = types; *one; one++) {
        if (is(type, *one)) {
            return true;
        }
    }
    return type.len == 0 || ends_with(type, "+json") || ends_with(type, "+xml");
}

void ct_body_begin(struct ct_body *body, const struct ct_body_head *head)
{
    ct_span type = essence(head->type), encoding = trimmed(head->encoding);
    *body = (struct ct_body){.max = head->max};
    bool stream = is(type, "text/event-stream");
    body->wanted = stream ? head->events_read : head->bodies_read;
    if (!body->wanted) {
        return;
    }
    body->other_type = !stream && !carries_messages(type);
    if (body->other_type) {
        return;
    }
    if (stream) {
        body->events = malloc(sizeof *body->events);
        if (body->events == NULL) {
            body->problem = NO_MEMORY;
            return;
        }
        ct_events_init(body->events, head->max);
    }
    if (is(encoding, "gzip") || is(encoding, "x-gzip") || is(encoding, "deflate")) {
        body->unpack = ct_unpack_new(15 + 32);
        body->problem = body->unpack ? NULL : NO_MEMORY;
    } else if (encoding.len > 0 && !is(encoding, "identity")) {
        body->problem = "relay_unknown_encoding";
    }
}

static void fail(struct ct_body *body, enum ct_status status, const char *refused)
{
    body->problem = status == CT_LIMIT ? "relay_too_long" : status == CT_NO_MEMORY ? NO_MEMORY : refused;
    ct_held_done(&body->held);
}

void ct_body_feed(struct ct_body *body, ct_span bytes, const struct ct_events_out *out)
{
    if (!body->wanted || body->problem || bytes.len == 0) {
        return;
    }
    if (body->other_type) {
        body->problem = "relay_other_type"; /* counted once there is a body at all */
        return;
    }
    if (body->unpack == NULL) {
        if (body->events) {
            ct_events_feed(body->events, bytes, out);
            return;
        }
        enum ct_status status = ct_held_add(&body->held, bytes, body->max);
        if (status != CT_OK) {
            fail(body, status, NULL);
        }
        return;
    }
    /* Small steps of a stream of events: each gives at most the limit, and is then read and forgotten. */
    size_t step = body->events ? 1024 : bytes.len;
    for (size_t i = 0; i < bytes.len && body->problem == NULL; i += step) {
        ct_span part = {bytes.at + i, bytes.len - i < step ? bytes.len - i : step};
        enum ct_status status = body->events ? ct_unpack_begin(body->unpack, true) : CT_OK;
        if (status == CT_OK) {
            status = ct_unpack_add(body->unpack, part, &body->held, body->events ? (size_t)2 << 20 : body->max);
        }
        if (ct_unpack_over(body->unpack)) {
            status = CT_LIMIT; /* whatever came behind it */
        }
        if (status != CT_OK) {
            fail(body, status, "relay_bad_deflate");
        } else if (body->events) {
            ct_events_feed(body->events, ct_held_span(&body->held), out);
            ct_held_done(&body->held);
        }
    }
}

const char *ct_body_end(struct ct_body *body, ct_span *out)
{
    *out = CT_SPAN_NONE;
    if (!body->wanted || body->problem) {
        return body->wanted ? body->problem : NULL;
    }
    if (body->events) {
        return ct_events_cut(body->events) ? "relay_cut" : NULL;
    }
    if (body->unpack && body->held.len > 0 && !ct_unpack_ended(body->unpack)) {
        return "relay_bad_deflate";
    }
    *out = ct_held_span(&body->held);
    return NULL;
}

void ct_body_done(struct ct_body *body)
{
    ct_held_done(&body->held);
    ct_unpack_free(body->unpack);
    if (body->events) {
        ct_events_done(body->events);
        free(body->events);
    }
    *body = (struct ct_body){0};
}
