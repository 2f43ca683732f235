/* stored.c - writes a message into flat memory and reads it back; see stored.h. */
#include "engine/stored.h"

/* The texts of a message in a fixed order; one flag bit each. */
#define TEXTS(X, m)                                                                                                    \
    X(0, (m)->conversation_id)                                                                                         \
    X(1, (m)->user_id)                                                                                                 \
    X(2, (m)->channel)                                                                                                 \
    X(3, (m)->language)                                                                                                \
    X(4, (m)->bot)                                                                                                     \
    X(5, (m)->tenant)                                                                                                  \
    X(6, (m)->id)                                                                                                      \
    X(7, (m)->text)                                                                                                    \
    X(8, (m)->tokens.model)                                                                                            \
    X(9, (m)->currency)                                                                                                \
    X(10, (m)->event.by)                                                                                               \
    X(11, (m)->event.reason)                                                                                           \
    X(12, (m)->event.name)                                                                                             \
    X(13, (m)->event.value)                                                                                            \
    X(14, (m)->event.text)

/* Few messages have one of these: a bit for all, and then each with its length. */
#define EXTRAS(X, m)                                                                                                   \
    X((m)->bot_version)                                                                                                \
    X((m)->segment) X((m)->product) X((m)->country) X((m)->intent) X((m)->category)

enum {
    HAS_COST = 1u << 15,
    HAS_TOKENS = 1u << 16,
    HAS_SCALE = 1u << 17,
    HAS_CALLS = 1u << 18,
    ROLE_SHIFT = 19,        /* 3 bits */
    EVENT_SHIFT = 22,       /* 3 bits */
    PHASE_SHIFT = 25,       /* 3 bits */
    WIDE_TOKENS = 1u << 28, /* a token count needs more than 32 bits */
    HAS_EXTRAS = 1u << 29,
    LONG_SPAN = 255 /* a length byte that says: four bytes follow */
};

_Static_assert(CT_EVENT_DELIVERY <= 7, "an event's type is three bits");

/* Most sources name no tenant: ct_hash(CT_SPAN_NONE, TENANT_SEED), which a test compares. */
#define NO_TENANT UINT64_C(0x775308715311DFB4)
enum { TENANT_SEED = 0x7E4A };

uint64_t ct_conversation_key(const struct ct_message *m)
{
    return ct_hash(m->conversation_id, m->tenant.len ? ct_hash(m->tenant, TENANT_SEED) : NO_TENANT);
}

/* One of the counts is known, not negative: the sign bits are not all set. */
static bool has_tokens(const struct ct_message *m)
{
    return (m->tokens.input & m->tokens.cached & m->tokens.output) >= 0;
}

static bool narrow(int64_t count)
{
    return count >= -1 && count <= INT32_MAX;
}

static bool wide_tokens(const struct ct_message *m)
{
    return !narrow(m->tokens.input) || !narrow(m->tokens.cached) || !narrow(m->tokens.output);
}

/* A length is a byte where it can be: what waits on disk is mostly short texts. */
static size_t span_bytes(ct_span span)
{
    return span.len + (span.len < LONG_SPAN ? 1 : 5);
}

static bool has_extras(const struct ct_message *m)
{
    size_t len = 0;
#define X(span) len |= (span).len;
    EXTRAS(X, m)
#undef X
    return len > 0;
}

static bool has_scale(const struct ct_message *m)
{
    return m->event.scale_max || m->event.scale_min != -1;
}

uint32_t ct_stored_bytes(const struct ct_message *m)
{
    uint64_t bytes = sizeof(struct ct_stored);
#define X(bit, span) bytes += (span).len ? span_bytes(span) : 0;
    TEXTS(X, m)
#undef X
#define X(span) bytes += span_bytes(span);
    if (has_extras(m)) {
        EXTRAS(X, m)
    }
#undef X
    bytes += m->has_cost ? 8 : 0;
    bytes += has_tokens(m) ? (wide_tokens(m) ? 24 : 12) : 0;
    bytes += has_scale(m) ? 8 : 0;
    if (m->tool_call_count) {
        bytes += 4;
        for (size_t i = 0; i < m->tool_call_count; i++) {
            bytes += span_bytes(m->tool_calls[i].name) + span_bytes(m->tool_calls[i].id);
        }
    }
    bytes = (bytes + 7) & ~7ull;
    return bytes > UINT32_MAX ? 0 : (uint32_t)bytes;
}

static char *put(char *at, const void *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

static char *put_span(char *at, ct_span span)
{
    uint32_t len = (uint32_t)span.len;
    *at++ = (char)(len < LONG_SPAN ? len : LONG_SPAN);
    if (len >= LONG_SPAN) {
        at = put(at, &len, 4);
    }
    return span.len ? put(at, span.at, span.len) : at;
}

static char *put_count(char *at, int64_t count, bool wide)
{
    int32_t narrow_count = (int32_t)count;
    return wide ? put(at, &count, 8) : put(at, &narrow_count, 4);
}

void ct_stored_write(void *memory, uint32_t bytes, const struct ct_message *m, const struct ct_place *place)
{
    uint32_t calls = (uint32_t)m->tool_call_count;
    uint32_t flags = (uint32_t)m->role << ROLE_SHIFT | (uint32_t)m->event.type << EVENT_SHIFT |
                     (uint32_t)m->event.phase << PHASE_SHIFT;
    char *at = (char *)memory + sizeof(struct ct_stored);
    if (m->has_cost) {
        flags |= HAS_COST;
        at = put(at, &m->cost, 8);
    }
    if (has_tokens(m)) {
        bool wide = wide_tokens(m);
        flags |= wide ? HAS_TOKENS | WIDE_TOKENS : HAS_TOKENS;
        at = put_count(at, m->tokens.input, wide);
        at = put_count(at, m->tokens.cached, wide);
        at = put_count(at, m->tokens.output, wide);
    }
    if (has_scale(m)) {
        flags |= HAS_SCALE;
        at = put(at, &m->event.scale_max, 4);
        at = put(at, &m->event.scale_min, 4);
    }
    if (calls) {
        flags |= HAS_CALLS;
        at = put(at, &calls, 4);
        for (uint32_t i = 0; i < calls; i++) {
            at = put_span(at, m->tool_calls[i].name);
            at = put_span(at, m->tool_calls[i].id);
        }
    }
#define X(bit, span)                                                                                                   \
    if ((span).len) {                                                                                                  \
        flags |= 1u << (bit);                                                                                          \
        at = put_span(at, span);                                                                                       \
    }
    TEXTS(X, m)
#undef X
#define X(span) at = put_span(at, span);
    if (has_extras(m)) {
        flags |= HAS_EXTRAS;
        EXTRAS(X, m)
    }
#undef X
    memset(at, 0, (size_t)((char *)memory + bytes - at));
    const struct ct_stored head = {.bytes = bytes,
                                   .input = place->input,
                                   .index = place->index,
                                   .flags = flags,
                                   .offset = place->offset,
                                   .conversation_hash = ct_conversation_key(m),
                                   .ts = m->ts};
    memcpy(memory, &head, sizeof head);
}

enum ct_role ct_stored_role(const struct ct_stored *stored)
{
    return (enum ct_role)(stored->flags >> ROLE_SHIFT & 7);
}

enum ct_event_type ct_stored_event(const struct ct_stored *stored)
{
    return (enum ct_event_type)(stored->flags >> EVENT_SHIFT & 7);
}

static const char *get(const char *at, void *data, size_t len)
{
    memcpy(data, at, len);
    return at + len;
}

static const char *get_count(const char *at, int64_t *count, uint32_t flags)
{
    int32_t narrow_count;
    if (flags & WIDE_TOKENS) {
        return get(at, count, 8);
    }
    at = get(at, &narrow_count, 4);
    *count = narrow_count;
    return at;
}

static const char *get_span(const char *at, ct_span *span)
{
    uint32_t len = (unsigned char)*at++;
    if (len == LONG_SPAN) {
        at = get(at, &len, 4);
    }
    *span = (ct_span){at, len};
    return at + len;
}

uint32_t ct_stored_call_count(const struct ct_stored *stored)
{
    uint32_t flags = stored->flags, count = 0;
    size_t before = (flags & HAS_COST ? 8u : 0) + (flags & HAS_TOKENS ? flags & WIDE_TOKENS ? 24u : 12u : 0) +
                    (flags & HAS_SCALE ? 8u : 0);
    if (flags & HAS_CALLS) {
        (void)get((const char *)(stored + 1) + before, &count, 4);
    }
    return count;
}

void ct_stored_read(const struct ct_stored *stored, struct ct_message *m, struct ct_tool_call *calls)
{
    const char *at = (const char *)(stored + 1);
    uint32_t flags = stored->flags;
    ct_message_init(m);
    m->ts = stored->ts;
    m->role = ct_stored_role(stored);
    m->event.type = ct_stored_event(stored);
    m->event.phase = (enum ct_handoff_phase)(flags >> PHASE_SHIFT & 7);
    if (flags & HAS_COST) {
        m->has_cost = true;
        at = get(at, &m->cost, 8);
    }
    if (flags & HAS_TOKENS) {
        at = get_count(at, &m->tokens.input, flags);
        at = get_count(at, &m->tokens.cached, flags);
        at = get_count(at, &m->tokens.output, flags);
    }
    if (flags & HAS_SCALE) {
        at = get(at, &m->event.scale_max, 4);
        at = get(at, &m->event.scale_min, 4);
    }
    if (flags & HAS_CALLS) {
        uint32_t count;
        at = get(at, &count, 4);
        for (uint32_t i = 0; i < count; i++) {
            at = get_span(at, &calls[i].name);
            at = get_span(at, &calls[i].id);
            calls[i].arguments = CT_SPAN_NONE;
        }
        m->tool_calls = calls;
        m->tool_call_count = count;
    }
#define X(bit, span)                                                                                                   \
    if (flags & 1u << (bit)) {                                                                                         \
        at = get_span(at, &(span));                                                                                    \
    }
    TEXTS(X, m)
#undef X
#define X(span) at = get_span(at, &(span));
    if (flags & HAS_EXTRAS) {
        EXTRAS(X, m)
    }
#undef X
}
