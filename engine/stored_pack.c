/* stored_pack.c - packs and unpacks waiting messages; see stored_pack.h. Called by pipeline_bag.c. */
#include "engine/stored_pack.h"

/* Texts that are mostly the same in all messages of a conversation: a flag bit says that this one's differs. */
#define SHARED(X)                                                                                                      \
    X(0, user_id)                                                                                                      \
    X(1, channel)                                                                                                      \
    X(2, language)                                                                                                     \
    X(3, bot)
/* Texts of its own: the bit says that there is one. */
#define OWN(X, m)                                                                                                      \
    X(4, (m)->id)                                                                                                      \
    X(5, (m)->text)                                                                                                    \
    X(6, (m)->tokens.model)                                                                                            \
    X(7, (m)->currency)                                                                                                \
    X(8, (m)->event.by)                                                                                                \
    X(9, (m)->event.reason)                                                                                            \
    X(10, (m)->event.name)                                                                                             \
    X(11, (m)->event.value)                                                                                            \
    X(12, (m)->event.text)
/* Texts that few sources say: one bit says that there is any of them, then each has its length. */
#define EXTRAS(X, m)                                                                                                   \
    X((m)->bot_version)                                                                                                \
    X((m)->segment) X((m)->product) X((m)->country) X((m)->intent) X((m)->category)

enum {
    HAS_COST = 1u << 13,
    HAS_TOKENS = 1u << 14,
    HAS_SCALE = 1u << 15,
    HAS_CALLS = 1u << 16,
    UNTIMED = 1u << 17,
    ROLE_SHIFT = 18,  /* 3 bits */
    EVENT_SHIFT = 21, /* 3 bits */
    PHASE_SHIFT = 24, /* 3 bits */
    HAS_EXTRAS = 1u << 27,
    SPANS = 19,
    NUMBERS = 8 /* time, cost, tokens, scale, calls: at most so many */
};

/* ---- numbers: seven bits a byte, the least first; signed ones with the sign in the lowest bit ---- */

static char *put_number(char *at, uint64_t number)
{
    while (number >= 0x80) {
        *at++ = (char)(number | 0x80);
        number >>= 7;
    }
    *at++ = (char)number;
    return at;
}

static const char *get_number(const char *at, uint64_t *number)
{
    unsigned char byte = (unsigned char)*at++;
    uint64_t value = byte & 0x7F;
    for (unsigned shift = 7; byte & 0x80; shift += 7) {
        byte = (unsigned char)*at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
    }
    *number = value;
    return at;
}

static char *put_signed(char *at, int64_t number)
{
    return put_number(at, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

static const char *get_signed(const char *at, int64_t *number)
{
    uint64_t value;
    at = get_number(at, &value);
    *number = (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
    return at;
}

static const char *get_int(const char *at, int32_t *number)
{
    int64_t value;
    at = get_signed(at, &value);
    *number = (int32_t)value;
    return at;
}

char *ct_stored_put_span(char *at, ct_span span)
{
    at = put_number(at, span.len);
    if (span.len) {
        memcpy(at, span.at, span.len);
    }
    return at + span.len;
}

const char *ct_stored_get_span(const char *at, ct_span *span)
{
    uint64_t len;
    at = get_number(at, &len);
    *span = (ct_span){len ? at : NULL, (size_t)len};
    return at + len;
}

/* ---- messages ---- */

size_t ct_stored_pack_most(const struct ct_message *m)
{
    size_t most = 4 + (SPANS + NUMBERS) * CT_STORED_SPAN_EXTRA;
#define X(bit, field) most += m->field.len;
    SHARED(X)
#undef X
#define X(bit, span) most += (span).len;
    OWN(X, m)
#undef X
#define X(span) most += (span).len;
    EXTRAS(X, m)
#undef X
    for (size_t i = 0; i < m->tool_call_count; i++) {
        most += m->tool_calls[i].name.len + m->tool_calls[i].id.len + 2 * CT_STORED_SPAN_EXTRA;
    }
    return most;
}

static char *put_numbers(char *at, const struct ct_message *m, uint32_t flags)
{
    if (flags & HAS_COST) {
        at = put_signed(at, m->cost);
    }
    if (flags & HAS_TOKENS) {
        at = put_signed(at, m->tokens.input);
        at = put_signed(at, m->tokens.cached);
        at = put_signed(at, m->tokens.output);
    }
    if (flags & HAS_SCALE) {
        at = put_signed(at, m->event.scale_max);
        at = put_signed(at, m->event.scale_min);
    }
    return at;
}

size_t ct_stored_pack(char *begin, const struct ct_message *m, const struct ct_stored_same *same, ct_usec *before,
                      size_t *text_bytes)
{
    char *at = begin + 4;
    size_t texts = 0;
    uint32_t flags = (uint32_t)m->role << ROLE_SHIFT | (uint32_t)m->event.type << EVENT_SHIFT |
                     (uint32_t)m->event.phase << PHASE_SHIFT;
    flags |= m->has_cost ? HAS_COST : 0;
    flags |= m->tokens.input >= 0 || m->tokens.cached >= 0 || m->tokens.output >= 0 ? HAS_TOKENS : 0;
    flags |= m->event.scale_max || m->event.scale_min != -1 ? HAS_SCALE : 0;
    if (m->tool_call_count) {
        flags |= HAS_CALLS;
        at = put_number(at, m->tool_call_count);
    }
    if (m->ts == CT_USEC_NONE) {
        flags |= UNTIMED;
    } else {
        at = put_signed(at, (int64_t)((uint64_t)m->ts - (uint64_t)*before));
        *before = m->ts;
    }
    at = put_numbers(at, m, flags);
    for (size_t i = 0; i < m->tool_call_count; i++) {
        at = ct_stored_put_span(at, m->tool_calls[i].name);
        at = ct_stored_put_span(at, m->tool_calls[i].id);
        texts += m->tool_calls[i].name.len + m->tool_calls[i].id.len;
    }
#define X(bit, field)                                                                                                  \
    if (!ct_span_eq(m->field, same->field)) {                                                                          \
        flags |= 1u << (bit);                                                                                          \
        at = ct_stored_put_span(at, m->field);                                                                         \
        texts += m->field.len;                                                                                         \
    }
    SHARED(X)
#undef X
#define X(bit, span)                                                                                                   \
    if ((span).len) {                                                                                                  \
        flags |= 1u << (bit);                                                                                          \
        at = ct_stored_put_span(at, span);                                                                             \
        texts += (span).len;                                                                                           \
    }
    OWN(X, m)
#undef X
    size_t extras = 0;
#define X(span) extras += (span).len;
    EXTRAS(X, m)
#undef X
    if (extras) {
        flags |= HAS_EXTRAS;
        texts += extras;
#define X(span) at = ct_stored_put_span(at, span);
        EXTRAS(X, m)
#undef X
    }
    memcpy(begin, &flags, 4);
    *text_bytes += texts;
    return (size_t)(at - begin);
}

static const char *get_numbers(const char *at, struct ct_message *m, uint32_t flags)
{
    if (flags & HAS_COST) {
        m->has_cost = true;
        at = get_signed(at, &m->cost);
    }
    if (flags & HAS_TOKENS) {
        at = get_signed(at, &m->tokens.input);
        at = get_signed(at, &m->tokens.cached);
        at = get_signed(at, &m->tokens.output);
    }
    if (flags & HAS_SCALE) {
        at = get_int(at, &m->event.scale_max);
        at = get_int(at, &m->event.scale_min);
    }
    return at;
}

const char *ct_stored_unpack_calls(const char *at, size_t count, struct ct_tool_call *calls)
{
    for (size_t i = 0; i < count; i++) {
        at = ct_stored_get_span(at, &calls[i].name);
        at = ct_stored_get_span(at, &calls[i].id);
        calls[i].arguments = CT_SPAN_NONE;
    }
    return at;
}

size_t ct_stored_unpack(const char *begin, struct ct_message *m, const struct ct_stored_same *same, ct_usec *before,
                        const char **packed_calls)
{
    const char *at = begin + 4;
    uint32_t flags;
    uint64_t count = 0;
    memcpy(&flags, begin, 4);
    ct_message_init(m);
    m->tenant = same->tenant;
    m->conversation_id = same->conversation_id;
    m->role = (enum ct_role)(flags >> ROLE_SHIFT & 7);
    m->event.type = (enum ct_event_type)(flags >> EVENT_SHIFT & 7);
    m->event.phase = (enum ct_handoff_phase)(flags >> PHASE_SHIFT & 7);
    if (flags & HAS_CALLS) {
        at = get_number(at, &count);
    }
    if (!(flags & UNTIMED)) {
        int64_t gap;
        at = get_signed(at, &gap);
        m->ts = *before = (ct_usec)((uint64_t)*before + (uint64_t)gap);
    }
    at = get_numbers(at, m, flags);
    *packed_calls = at;
    m->tool_call_count = (size_t)count;
    for (uint64_t i = 0; i < count; i++) {
        struct ct_tool_call passed;
        at = ct_stored_unpack_calls(at, 1, &passed);
    }
#define X(bit, field)                                                                                                  \
    if (flags & 1u << (bit)) {                                                                                         \
        at = ct_stored_get_span(at, &m->field);                                                                        \
    } else {                                                                                                           \
        m->field = same->field;                                                                                        \
    }
    SHARED(X)
#undef X
#define X(bit, span)                                                                                                   \
    if (flags & 1u << (bit)) {                                                                                         \
        at = ct_stored_get_span(at, &(span));                                                                          \
    }
    OWN(X, m)
#undef X
    if (flags & HAS_EXTRAS) {
#define X(span) at = ct_stored_get_span(at, &(span));
        EXTRAS(X, m)
#undef X
    }
    return (size_t)(at - begin);
}
