/* ingest.c - the subprotocol convtap.v1 as a state machine, and its place at a gate.
 *
 * A hello names source and stream; from then on each message is one payload that takes the stream's next number. A
 * number is acknowledged when the tape has committed it, all up to it at once. What a reconnecting sender resends is
 * dropped by number in the intake, so nothing is lost and nothing counts twice.
 */
#include "plugin/gate/ingest.h"

#include "parsers/parser.h"
#include "plugin/gate/gate_inside.h"
#include "plugin/gate/ingest_state.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HELLO_BYTES_MAX 4096
#define FIRST_BUCKETS 64

struct ct_ingest_stream { /* copied out of the hello */
    enum ct_direction direction;
    bool numbered;
    uint8_t source_len, format_len, stream_len;
    char names[]; /* source, format, stream */
};

static ct_span source_of(const struct ct_ingest_stream *s)
{
    return (ct_span){s->names, s->source_len};
}

static ct_span format_of(const struct ct_ingest_stream *s)
{
    return (ct_span){s->names + s->source_len, s->format_len};
}

static ct_span stream_of(const struct ct_ingest_stream *s)
{
    return (ct_span){s->names + s->source_len + s->format_len, s->stream_len};
}

/* ---- who else is there ---- */

static size_t bucket_of(const struct ct_ingest *ingest, const struct ct_ingest_stream *s)
{
    return ct_hash(stream_of(s), ct_hash(source_of(s), 7)) & (ingest->bucket_count - 1);
}

static void unlink_session(struct ct_ingest *ingest, struct ct_ingest_session *session)
{
    if (!session->linked)
        return;
    struct ct_ingest_session **at = &ingest->buckets[bucket_of(ingest, session->stream)];
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    session->linked = false;
    ingest->session_count--;
}

static void grow(struct ct_ingest *ingest)
{
    size_t count = ingest->bucket_count * 2, before = ingest->bucket_count;
    struct ct_ingest_session **buckets = calloc(count, sizeof(*buckets)), **old = ingest->buckets;
    if (!buckets)
        return; /* longer chains, nothing worse */
    ingest->buckets = buckets;
    ingest->bucket_count = count;
    for (size_t i = 0; i < before; i++) {
        for (struct ct_ingest_session *s = old[i], *next; s; s = next) {
            next = s->next;
            size_t bucket = bucket_of(ingest, s->stream);
            s->next = buckets[bucket];
            buckets[bucket] = s;
        }
    }
    free(old);
}

/* The newer of two connections on one stream has it: the older may be one whose peer has long gone. */
static void take_over(struct ct_ingest *ingest, struct ct_ingest_session *session)
{
    struct ct_ingest_session **bucket = &ingest->buckets[bucket_of(ingest, session->stream)];
    for (struct ct_ingest_session *other = *bucket, *next; other; other = next) {
        next = other->next;
        if (!ct_span_eq(source_of(other->stream), source_of(session->stream)) ||
            !ct_span_eq(stream_of(other->stream), stream_of(session->stream)))
            continue;
        unlink_session(ingest, other);
        ingest_drop(ingest, "ingest_taken_over");
        other->calls->close(other->peer, 1008, "stream taken over");
    }
    if (ingest->session_count > 2 * ingest->bucket_count) {
        grow(ingest);
        bucket = &ingest->buckets[bucket_of(ingest, session->stream)];
    }
    session->next = *bucket;
    *bucket = session;
    session->linked = true;
    ingest->session_count++;
}

/* ---- hello ---- */

bool ingest_is_name(ct_span name)
{
    if (name.len == 0 || name.len > 255 || !ct_utf8_valid(name, NULL))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] < 0x20 || name.at[i] == 0x7F)
            return false;
    return true;
}

bool ingest_known(const struct ct_ingest *ingest, ct_span source)
{
    return !ingest->options.known || ingest->options.known(ingest->options.known_context, source);
}

void ingest_drop(const struct ct_ingest *ingest, const char *reason)
{
    ingest->options.intake->drop(ingest->options.intake->context, reason, 1);
}

struct hello {
    ct_span source, stream, format;
    enum ct_direction direction;
};

/* NULL = fine, else what is wrong with it, for the sender to read. */
static const char *read_hello(const struct ct_ingest *ingest, const cJSON *root, struct hello *hello)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(root, "hello");
    if (!cJSON_IsObject(root) || !cJSON_IsObject(body))
        return "the first message is {\\\"hello\\\":{\\\"source\\\":...}}";
    for (const cJSON *item = body->child; item; item = item->next) {
        if (!cJSON_IsString(item))
            return "hello: strings are due";
        ct_span value = ct_span_of(item->valuestring);
        if (strcmp(item->string, "source") == 0)
            hello->source = value;
        else if (strcmp(item->string, "stream") == 0)
            hello->stream = value;
        else if (strcmp(item->string, "format") == 0)
            hello->format = value;
        else if (strcmp(item->string, "direction") != 0)
            return "hello: source, stream, format and direction are all that is known";
        else if (ct_span_is(value, "in") || ct_span_is(value, "out"))
            hello->direction = ct_span_is(value, "in") ? CT_DIRECTION_IN : CT_DIRECTION_OUT;
        else
            return "hello: direction is in or out";
    }
    if (!ingest_is_name(hello->source) || (hello->stream.at && !ingest_is_name(hello->stream)))
        return "hello: source and stream have 1 to 255 bytes, no control characters";
    if (!ingest_known(ingest, hello->source))
        return "hello: no such source is configured";
    if (hello->format.at && !ct_parser_find(hello->format))
        return "hello: no such format; `convtap formats` lists them";
    return NULL;
}

static bool begin_stream(struct ct_ingest *ingest, struct ct_ingest_session *session, const struct hello *hello)
{
    char name[64];
    ct_span stream = hello->stream;
    if (!stream
             .at) /* numbered for this connection alone; its name keeps apart the conversations of those without one */
        stream = (ct_span){name, (size_t)snprintf(name, sizeof(name), "connection-%" PRIx64 "-%" PRIu64,
                                                  (uint64_t)ingest->options.now(), ++ingest->unnamed)};
    struct ct_ingest_stream *s = malloc(sizeof(*s) + hello->source.len + hello->format.len + stream.len);
    if (!s)
        return false;
    s->direction = hello->direction;
    s->numbered = hello->stream.at != NULL;
    s->source_len = (uint8_t)hello->source.len;
    s->format_len = (uint8_t)hello->format.len;
    s->stream_len = (uint8_t)stream.len;
    memcpy(s->names, hello->source.at, hello->source.len);
    if (hello->format.len)
        memcpy(s->names + s->source_len, hello->format.at, hello->format.len);
    memcpy(s->names + s->source_len + s->format_len, stream.at, stream.len);
    session->stream = s;
    const struct ct_intake *intake = ingest->options.intake;
    session->next_number = 1;
    if (s->numbered) {
        take_over(ingest, session);
        session->next_number = intake->next_sequence(intake->context, source_of(s), stream_of(s));
    }
    return true;
}

static int refuse_hello(struct ct_ingest *ingest, struct ct_ingest_session *session, const char *why)
{
    char text[256];
    int len = snprintf(text, sizeof(text), "{\"error\":{\"code\":\"bad_hello\",\"message\":\"%s\"}}", why);
    ingest_drop(ingest, "ingest_bad_hello");
    session->calls->send(session->peer, (ct_span){text, (size_t)len});
    return 1008;
}

static int take_hello(struct ct_ingest *ingest, struct ct_ingest_session *session, ct_span bytes, bool binary)
{
    if (binary || bytes.len > HELLO_BYTES_MAX || !ct_utf8_valid(bytes, NULL))
        return refuse_hello(ingest, session, "the first message is a text of at most 4,096 bytes");
    unsigned depth = 0; /* before the library's own parser, whose limit is a thousand */
    for (size_t i = 0; i < bytes.len; i++)
        depth += bytes.at[i] == '{' || bytes.at[i] == '[';
    char text[HELLO_BYTES_MAX + 1];
    memcpy(text, bytes.at, bytes.len);
    text[bytes.len] = '\0';
    cJSON *root = depth > 8 ? NULL : cJSON_ParseWithOpts(text, NULL, true);
    struct hello hello = {.direction = CT_DIRECTION_NONE};
    const char *why = root ? read_hello(ingest, root, &hello) : "the first message is no JSON, or too deep";
    bool begun = !why && begin_stream(ingest, session, &hello);
    cJSON_Delete(root);
    if (why)
        return refuse_hello(ingest, session, why);
    if (!begun)
        return 1013;
    int len = snprintf(text, sizeof(text), "{\"welcome\":{\"next\":%" PRIu64 ",\"max_message\":%zu}}",
                       session->next_number, ingest->options.payload_max);
    return session->calls->send(session->peer, (ct_span){text, (size_t)len}) ? 0 : 1013;
}

/* ---- payloads ---- */

void ct_ingest_begin(struct ct_ingest_session *session, const struct ct_ingest_peer *calls, void *peer)
{
    *session = (struct ct_ingest_session){.calls = calls, .peer = peer};
}

static void say_refused(struct ct_ingest_session *session, uint64_t number, const char *reason)
{
    char text[160];
    int len =
        snprintf(text, sizeof(text), "{\"refused\":{\"sequence\":%" PRIu64 ",\"reason\":\"%s\"}}", number, reason);
    session->calls->send(session->peer, (ct_span){text, (size_t)len});
}

int ct_ingest_message(struct ct_ingest *ingest, struct ct_ingest_session *session, ct_span bytes, bool binary)
{
    if (!session->stream)
        return take_hello(ingest, session, bytes, binary);
    const struct ct_ingest_stream *s = session->stream;
    if (s->numbered && !session->linked)
        return 1008; /* it was taken over: what still comes would be somebody else's numbers */
    const char *refused = bytes.len == 0 ? "empty" : bytes.len > ingest->options.payload_max ? "too_long" : NULL;
    /* What is refused takes its number all the same: on the tape it is an entry without bytes. */
    struct ct_tape_entry entry = {.kind = CT_TAPE_DATA,
                                  .direction = s->direction,
                                  .at = ingest->options.now(),
                                  .source = source_of(s),
                                  .format = format_of(s),
                                  .stream = stream_of(s),
                                  .sequence = s->numbered ? session->next_number : 0,
                                  .bytes = refused ? CT_SPAN_NONE : bytes};
    const struct ct_intake *intake = ingest->options.intake;
    uint64_t end = session->last_end;
    enum ct_status status = refused && !s->numbered ? CT_OK : intake->append(intake->context, &entry, &end);
    if (status == CT_LIMIT || status == CT_IO || status == CT_NO_MEMORY)
        return CT_INGEST_AGAIN;
    if (status != CT_OK) { /* a gap: the intake stands elsewhere than it said; the sender asks again */
        ingest_drop(ingest, "ingest_out_of_step");
        return 1013;
    }
    uint64_t number = session->next_number++;
    if (session->wait_number == 0) {
        session->wait_number = number;
        session->wait_end = end;
    }
    session->last_number = number;
    session->last_end = end;
    session->calls->expect(session->peer);
    if (refused) {
        ingest_drop(ingest, bytes.len ? "ingest_too_long" : "ingest_empty");
        say_refused(session, number, refused);
    }
    return 0;
}

void ct_ingest_woken(struct ct_ingest *ingest, struct ct_ingest_session *session)
{
    if (session->wait_number == 0)
        return;
    const struct ct_intake *intake = ingest->options.intake;
    uint64_t committed = intake->committed(intake->context), ack = session->acked;
    if (committed >= session->last_end) {
        ack = session->last_number;
        session->wait_number = 0;
    } else if (committed >= session->wait_end) {
        ack = session->wait_number;
        session->wait_number = session->last_number;
        session->wait_end = session->last_end;
    }
    if (session->wait_number)
        session->calls->expect(session->peer);
    if (ack == session->acked)
        return;
    session->acked = ack;
    char text[40];
    int len = snprintf(text, sizeof(text), "{\"ack\":%" PRIu64 "}", ack);
    session->calls->send(session->peer, (ct_span){text, (size_t)len});
}

void ct_ingest_end(struct ct_ingest *ingest, struct ct_ingest_session *session)
{
    unlink_session(ingest, session);
    free(session->stream);
    session->stream = NULL;
}

/* ---- at a gate ---- */

static bool gate_send_text(void *peer, ct_span text)
{
    return ct_gate_send(peer, text);
}

static void gate_close_peer(void *peer, int code, const char *reason)
{
    ct_gate_close(peer, code, reason);
}

static void gate_expect_commit(void *peer)
{
    ct_gate_expect(peer);
}

static bool opened(void *context, void *session, struct ct_gate_connection *connection, const struct ct_principal *who,
                   ct_span query)
{
    static const struct ct_ingest_peer calls = {gate_send_text, gate_close_peer, gate_expect_commit};
    (void)context;
    (void)who;
    (void)query;
    ct_ingest_begin(session, &calls, connection);
    return true;
}

static int message(void *context, void *session, struct ct_gate_connection *connection, ct_span bytes, bool binary)
{
    (void)connection;
    return ct_ingest_message(context, session, bytes, binary); /* CT_INGEST_AGAIN is CT_GATE_AGAIN */
}

static void woken(void *context, void *session, struct ct_gate_connection *connection)
{
    (void)connection;
    ct_ingest_woken(context, session);
}

static void closed(void *context, void *session)
{
    ct_ingest_end(context, session);
}

_Static_assert(CT_INGEST_AGAIN == CT_GATE_AGAIN, "one meaning");

struct ct_ingest *ct_ingest_new(const struct ct_ingest_options *options)
{
    struct ct_ingest *ingest = calloc(1, sizeof(*ingest));
    if (!ingest)
        return NULL;
    ingest->options = *options;
    struct ct_ingest_options *o = &ingest->options;
    o->payload_max = o->payload_max ? o->payload_max : 1u << 20;
    if (o->payload_max > CT_TAPE_BYTES_MAX)
        o->payload_max = CT_TAPE_BYTES_MAX;
    o->body_max = o->body_max ? o->body_max : 8u << 20;
    o->inflated_max = o->inflated_max ? o->inflated_max : 32u << 20;
    ingest->bucket_count = FIRST_BUCKETS;
    ingest->buckets = calloc(FIRST_BUCKETS, sizeof(struct ct_ingest_session *));
    if (!ingest->buckets) {
        free(ingest);
        return NULL;
    }
    ingest->protocol = (struct ct_gate_protocol){.name = CT_INGEST_PROTOCOL,
                                                 .scope = CT_SCOPE_INGEST,
                                                 .session_bytes = sizeof(struct ct_ingest_session),
                                                 .context = ingest,
                                                 .opened = opened,
                                                 .message = message,
                                                 .woken = woken,
                                                 .closed = closed,
                                                 .woken_on_request = true};
    ingest->route = (struct ct_route){.path = "/ingest/",
                                      .methods = CT_METHOD_POST,
                                      .scope = CT_SCOPE_INGEST,
                                      .body_max = o->body_max,
                                      .handle = ingest_post,
                                      .context = ingest};
    return ingest;
}

void ct_ingest_free(struct ct_ingest *ingest)
{
    if (!ingest)
        return;
    free(ingest->buckets);
    free(ingest);
}

const struct ct_gate_protocol *ct_ingest_protocol(const struct ct_ingest *ingest)
{
    return &ingest->protocol;
}

const struct ct_route *ct_ingest_route(const struct ct_ingest *ingest)
{
    return &ingest->route;
}
