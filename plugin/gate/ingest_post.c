/* ingest_post.c - POST /ingest/<source>: payloads in a batch, one a line or the elements of a JSON array, perhaps
 * gzipped. Answered once the tape has them. ingest.c offers the route. */
#include "parsers/frame.h"
#include "plugin/gate/gate_inside.h"
#include "plugin/gate/ingest_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#define REFUSED_SAID_MAX 100 /* refusals that an answer names; it counts them all */

struct batch {
    struct ct_ingest *ingest;
    struct ct_tape_entry entry;
    uint64_t taken, refused, end, line;
    char *said; /* JSON array's inside */
    size_t said_len, said_capacity;
    enum ct_status status; /* other than CT_OK: the intake took no more */
};

/* ---- what came ---- */

/* CT_OK, CT_LIMIT = too much, CT_REFUSED = no gzip, CT_NO_MEMORY. *out is the caller's to free. */
static enum ct_status inflate_body(ct_span body, size_t most, char **out, size_t *len)
{
    z_stream stream = {0};
    size_t capacity = 64 * 1024 < most ? 64 * 1024 : most;
    enum ct_status status = CT_OK;
    *out = malloc(capacity);
    *len = 0;
    if (!*out || inflateInit2(&stream, 15 + 16) != Z_OK) {
        free(*out);
        *out = NULL;
        return CT_NO_MEMORY;
    }
    stream.next_in = (unsigned char *)(uintptr_t)body.at;
    stream.avail_in = (uInt)body.len;
    for (int done = Z_OK; done != Z_STREAM_END && status == CT_OK;) {
        if (*len == capacity) {
            if (capacity == most) {
                status = CT_LIMIT;
                break;
            }
            capacity = capacity > most / 2 ? most : capacity * 2;
            char *grown = realloc(*out, capacity);
            if (!grown) {
                status = CT_NO_MEMORY;
                break;
            }
            *out = grown;
        }
        stream.next_out = (unsigned char *)*out + *len;
        stream.avail_out = (uInt)(capacity - *len);
        done = inflate(&stream, Z_NO_FLUSH);
        *len = capacity - stream.avail_out;
        if (done != Z_OK && done != Z_STREAM_END && !(done == Z_BUF_ERROR && *len == capacity))
            status = CT_REFUSED;
        if (done == Z_STREAM_END && stream.avail_in)
            status = CT_REFUSED; /* something behind the end */
    }
    inflateEnd(&stream);
    return status;
}

static bool type_is(ct_span type, const char *name)
{
    size_t len = strlen(name);
    return type.len >= len && strncasecmp(type.at, name, len) == 0 &&
           (type.len == len || type.at[len] == ';' || type.at[len] == ' ');
}

/* ---- taking it ---- */

static void say_refused(struct batch *b, uint64_t line, const char *reason)
{
    ingest_drop(b->ingest, strcmp(reason, "too_long") == 0 ? "ingest_too_long" : "ingest_bad_record");
    if (b->refused++ >= REFUSED_SAID_MAX)
        return;
    if (b->said_len + 128 > b->said_capacity) {
        size_t capacity = b->said_capacity ? 2 * b->said_capacity : 1024;
        char *grown = realloc(b->said, capacity);
        if (!grown)
            return;
        b->said = grown;
        b->said_capacity = capacity;
    }
    b->said_len += (size_t)snprintf(b->said + b->said_len, 128, "%s{\"line\":%" PRIu64 ",\"reason\":\"%.60s\"}",
                                    b->said_len ? "," : "", line, reason);
}

/* One payload; empty bytes = it was refused and takes its number all the same. false = no more. */
static bool take(struct batch *b, ct_span bytes)
{
    const struct ct_intake *intake = b->ingest->options.intake;
    if (bytes.len == 0 && b->entry.sequence == 0)
        return true;
    b->entry.bytes = bytes;
    b->status = intake->append(intake->context, &b->entry, &b->end);
    if (b->status != CT_OK)
        return false;
    if (b->entry.sequence)
        b->entry.sequence++;
    b->taken += bytes.len > 0;
    return true;
}

static void take_lines(struct batch *b, ct_span body)
{
    uint64_t line = 0;
    for (size_t from = 0; from < body.len;) {
        const char *end = memchr(body.at + from, '\n', body.len - from);
        size_t to = end ? (size_t)(end - body.at) : body.len;
        ct_span bytes = {body.at + from, to - from};
        from = to + 1;
        line++;
        if (bytes.len && bytes.at[bytes.len - 1] == '\r')
            bytes.len--;
        if (bytes.len == 0)
            continue; /* a blank line is no payload and takes no number */
        if (bytes.len > b->ingest->options.payload_max) {
            say_refused(b, line, "too_long");
            bytes.len = 0;
        }
        if (!take(b, bytes))
            return;
    }
}

static void take_values(struct batch *b, ct_span body)
{
    struct ct_framer framer = {.mode = CT_FRAME_VALUES, .line = 1, .max_record_bytes = b->ingest->options.payload_max};
    for (size_t at = 0;;) {
        struct ct_frame frame;
        struct ct_refusal refusal;
        size_t consumed = 0;
        enum ct_status status =
            ct_framer_next(&framer, (ct_span){body.at + at, body.len - at}, true, &consumed, &frame, &refusal);
        at += consumed;
        if (status == CT_NOT_FOUND)
            return;
        if (status == CT_REFUSED)
            say_refused(b, refusal.line, strcmp(refusal.reason, "record_too_long") == 0 ? "too_long" : refusal.reason);
        if (!take(b, status == CT_OK ? frame.bytes : CT_SPAN_NONE))
            return;
        if (status == CT_REFUSED && consumed == 0)
            return;
    }
}

/* ---- the answer ---- */

static uint64_t next_of(const struct batch *b)
{
    const struct ct_intake *intake = b->ingest->options.intake;
    return b->entry.sequence == 0 ? 0 : intake->next_sequence(intake->context, b->entry.source, b->entry.stream);
}

static void answer(const struct batch *b, struct ct_reply *reply)
{
    size_t capacity = b->said_len + 256;
    char *body = malloc(capacity);
    if (!body) {
        ct_reply_error(reply, 503, "busy", "out of memory");
        return;
    }
    size_t len = 0;
#define ADD(...) len += (size_t)snprintf(body + len, capacity - len, __VA_ARGS__)
    if (b->status == CT_USAGE)
        ADD("{\"error\":{\"code\":\"gap\",\"message\":\"numbers are missing before these: go on from next\"},");
    else if (b->status != CT_OK)
        ADD("{\"error\":{\"code\":\"not_recorded\",\"message\":\"the tape takes no more just now: send the rest "
            "again\"},");
    else
        ADD("{");
    ADD("\"taken\":%" PRIu64 ",\"next\":", b->taken);
    if (b->entry.sequence)
        ADD("%" PRIu64, next_of(b));
    else
        ADD("null");
    ADD(",\"refused\":%" PRIu64, b->refused);
    if (b->said_len)
        ADD(",\"refusals\":[%.*s]", (int)b->said_len, b->said);
    ADD("}\n");
#undef ADD
    reply->status = b->status == CT_OK ? 200 : b->status == CT_USAGE ? 409 : 503;
    if (reply->status == 503)
        memcpy(reply->retry_after, "1", 2);
    reply->type = "application/json";
    reply->body = body;
    reply->len = len;
    reply->after_position = reply->status == 200 ? b->end : 0;
}

/* Is a header there that did not fit where it was read to? It must not pass for one that is not there. */
static bool is_too_long(const struct ct_request *request, const char *name, ct_span read)
{
    ct_span at, value;
    for (size_t i = 0; !read.at && ct_request_header_at(request, i, &at, &value); i++)
        if (ct_span_is(at, name))
            return true;
    return false;
}

/* X-Convtap-Stream, X-Convtap-Sequence, X-Convtap-Format, X-Convtap-Direction. false = answered. */
static bool read_headers(struct batch *b, const struct ct_request *request, char *scratch, struct ct_reply *reply)
{
    struct ct_tape_entry *entry = &b->entry;
    entry->stream = ct_request_header(request, "x-convtap-stream", scratch, 256);
    entry->format = ct_request_header(request, "x-convtap-format", scratch + 256, 256);
    char digits[32], way[8];
    ct_span sequence = ct_request_header(request, "x-convtap-sequence", digits, sizeof(digits));
    ct_span direction = ct_request_header(request, "x-convtap-direction", way, sizeof(way));
    if ((entry->stream.len && !ingest_is_name(entry->stream)) ||
        is_too_long(request, "x-convtap-stream", entry->stream)) {
        ct_reply_error(reply, 400, "bad_stream", "X-Convtap-Stream has 1 to 255 bytes, no control characters");
        return false;
    }
    if ((entry->format.len && !ct_parser_find(entry->format)) ||
        is_too_long(request, "x-convtap-format", entry->format)) {
        ct_reply_error(reply, 400, "bad_format", "X-Convtap-Format: no such format; `convtap formats` lists them");
        return false;
    }
    if ((direction.at && !ct_span_is(direction, "in") && !ct_span_is(direction, "out")) ||
        is_too_long(request, "x-convtap-direction", direction)) {
        ct_reply_error(reply, 400, "bad_direction", "X-Convtap-Direction is in or out");
        return false;
    }
    entry->direction = ct_span_is(direction, "in")    ? CT_DIRECTION_IN
                       : ct_span_is(direction, "out") ? CT_DIRECTION_OUT
                                                      : CT_DIRECTION_NONE;
    bool endless = is_too_long(request, "x-convtap-sequence", sequence);
    if (!sequence.at && !endless && entry->stream.len) {
        const struct ct_intake *intake = b->ingest->options.intake;
        entry->sequence = intake->next_sequence(intake->context, entry->source, entry->stream);
        return true;
    }
    for (size_t i = 0; i < sequence.len; i++) {
        if (sequence.at[i] < '0' || sequence.at[i] > '9' || sequence.len > 18) {
            entry->sequence = 0;
            break;
        }
        entry->sequence = entry->sequence * 10 + (uint64_t)(sequence.at[i] - '0');
    }
    if (endless || (sequence.at && (entry->sequence == 0 || !entry->stream.len))) {
        ct_reply_error(reply, 400, "bad_sequence", "X-Convtap-Sequence is a number from 1 on, beside X-Convtap-Stream");
        return false;
    }
    return true;
}

void ingest_post(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct batch b = {.ingest = context};
    const struct ct_ingest_options *options = &b.ingest->options;
    char names[512], header[128], *inflated = NULL;
    ct_span body = request->body;
    if (!ingest_is_name(request->rest) || !ingest_known(b.ingest, request->rest)) {
        ct_reply_error(reply, 404, "unknown_source", "no such source is configured");
        return;
    }
    b.entry = (struct ct_tape_entry){.kind = CT_TAPE_DATA, .at = options->now(), .source = request->rest};
    if (!read_headers(&b, request, names, reply))
        return;
    ct_span encoding = ct_request_header(request, "content-encoding", header, sizeof(header));
    if ((encoding.len && !type_is(encoding, "gzip") && !type_is(encoding, "identity")) ||
        is_too_long(request, "content-encoding", encoding)) {
        ct_reply_error(reply, 415, "bad_encoding", "Content-Encoding is gzip or none");
        return;
    }
    if (type_is(encoding, "gzip")) {
        size_t len = 0;
        enum ct_status status = inflate_body(body, options->inflated_max, &inflated, &len);
        if (status != CT_OK) {
            ingest_drop(b.ingest, "ingest_bad_gzip");
            if (status == CT_LIMIT)
                ct_reply_error(reply, 413, "body_too_large", "unpacked it is over %zu bytes", options->inflated_max);
            else
                ct_reply_error(reply, status == CT_REFUSED ? 400 : 503, "bad_gzip", "the body cannot be unpacked");
            free(inflated);
            return;
        }
        body = (ct_span){inflated, len};
    }
    ct_span type = ct_request_header(request, "content-type", header, sizeof(header));
    if (is_too_long(request, "content-type", type)) {
        ct_reply_error(reply, 415, "bad_type", "this Content-Type is too long");
        free(inflated);
        return;
    }
    if (type_is(type, "application/json")) {
        take_values(&b, body);
    } else if (type.len == 0 || type_is(type, "application/x-ndjson") || type_is(type, "application/jsonl") ||
               type_is(type, "application/octet-stream") || type_is(type, "text/plain")) {
        take_lines(&b, body);
    } else {
        ct_reply_error(reply, 415, "bad_type", "application/json, application/x-ndjson or text/plain is due");
        free(inflated);
        return;
    }
    answer(&b, reply);
    free(b.said);
    free(inflated);
}
