/* json_reader.h - reads the needed fields of one JSON value straight from its bytes, strictly.
 *
 * A cursor over a borrowed span: no tree is built and nothing is copied but strings with escapes.
 * Everything that is passed over is validated as well (RFC 8259 grammar, UTF-8 by RFC 3629), so what
 * this reader accepts is JSON as a whole. Stricter than the RFC on purpose: a NUL in a string that is
 * read, a lone surrogate, a key of ours that comes twice, more than 1,024 keys in an object that is
 * read, numbers of more than 63 bytes and more than 64 levels are refused by name.
 *
 * Errors stick: after the first failure every call returns false and json->reason says why, so that a
 * caller may read a whole object and look once. Reasons: "bad_json", "truncated", "invalid_utf8",
 * "too_deep", "duplicate_key", "too_many_keys", "number_out_of_range", "wrong_type", "missing_field".
 * Where another type was due, the value is passed over first: what is no JSON at all is "bad_json" (or what else
 * is wrong with it), and "wrong_type" is said of sound values alone.
 *
 * Lifetimes: spans point into the input, or (strings with escapes) into the scratch arena.
 * One reader belongs to one thread.
 */
#ifndef CT_JSON_READER_H
#define CT_JSON_READER_H

#include "parsers/json_scan.h"
#include "parsers/parser.h"

#define CT_JSON_DEPTH_MAX 64
#define CT_JSON_KEYS_MAX 1024
#define CT_JSON_NUMBER_MAX 63 /* bytes; cJSON reads no longer ones either */
/* The largest count: 2^53 - 1. A writer that keeps numbers as doubles has already lost digits of a larger one
 * (RFC 8259, section 6). Identifiers and money are read from their digits and have no such limit. */
#define CT_JSON_COUNT_MAX INT64_C(9007199254740991)

enum ct_json_kind {
    CT_JSON_BAD, /* not the first byte of a value, or no byte at all */
    CT_JSON_STRING,
    CT_JSON_NUMBER,
    CT_JSON_OBJECT,
    CT_JSON_ARRAY,
    CT_JSON_TRUE,
    CT_JSON_FALSE,
    CT_JSON_NULL
};

struct ct_json {
    const char *begin, *at, *end;
    struct ct_arena *scratch; /* where strings are unescaped, in one block for all that is left of the value */
    char *room, *room_end;
    uint32_t depth;        /* containers open */
    enum ct_status status; /* CT_OK until something failed: CT_REFUSED or CT_NO_MEMORY */
    const char *reason;    /* constant; NULL until refused */
    const char *fail_at;
    const char *field; /* wrong_type, missing_field, duplicate_key: the key's name, else NULL */
    const char *due;   /* wrong_type: "a string"; otherwise a constant note or NULL */
    enum ct_json_kind found;
    /* ct_json_check only */
    uint64_t values_left;
    bool refuse_nul;
};

/* Where a walk over the members of an object, or the elements of an array, stands. Start at {0}. */
struct ct_json_walk {
    bool started;
    uint32_t keys;
    uint32_t next_field; /* where the next key is looked for first */
    uint64_t seen;       /* fields met so far, by index */
};

/* One row of a table of names, of 1 to 63 bytes each. The zeros behind a name let 16 bytes of it be read. */
#define CT_JSON_NAME(s)                                                                                                \
    {                                                                                                                  \
        "" s "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof(s) - 1                                                           \
    }

/* The fields that a caller knows of one kind of object; at most 64. */
struct ct_json_fields {
    const ct_span *names; /* made by CT_JSON_NAME */
    uint32_t count;
};

/* A place to come back to. */
struct ct_json_mark {
    const char *at;
    uint32_t depth;
};

void ct_json_init(struct ct_json *json, ct_span bytes, struct ct_arena *scratch);

extern const uint8_t ct_json_kinds[256]; /* by a value's first byte */

/* What comes next; white space before it is consumed. */
static inline enum ct_json_kind ct_json_peek(struct ct_json *json)
{
    json->at = ct_json_space(json->at, json->end);
    return json->at < json->end ? (enum ct_json_kind)ct_json_kinds[(unsigned char)*json->at] : CT_JSON_BAD;
}

/* Consumes '{' or '['; `field` is for the message where something else stands there. */
CT_MUST_USE static inline bool ct_json_object(struct ct_json *json, const char *field);
bool ct_json_array(struct ct_json *json, const char *field) CT_MUST_USE;
/* Next member: true = *key filled, the cursor before the value, which the caller must read or skip.
 * false = the object ended (its '}' is consumed) or json->status is not CT_OK. */
bool ct_json_key(struct ct_json *json, struct ct_json_walk *walk, ct_span *key) CT_MUST_USE;
/* The same for elements: true = the cursor stands before one. */
bool ct_json_element(struct ct_json *json, struct ct_json_walk *walk) CT_MUST_USE;
/* Index of `key` among the fields, -1 where it is none of them or came a second time (then failed). */
int ct_json_field(struct ct_json *json, struct ct_json_walk *walk, ct_span key, const struct ct_json_fields *fields);

/* Any value, validated and passed over. */
bool ct_json_skip(struct ct_json *json) CT_MUST_USE;
/* The same, and its bytes as written. */
bool ct_json_raw(struct ct_json *json, ct_span *out) CT_MUST_USE;
/* A string (null_ok: or null, which leaves *out empty). */
CT_MUST_USE static inline bool ct_json_string(struct ct_json *json, const char *field, ct_span *out);
CT_MUST_USE static inline bool ct_json_string_or_null(struct ct_json *json, const char *field, ct_span *out);
/* An identifier: a string, a number as written, or null (empty). */
CT_MUST_USE static inline bool ct_json_id(struct ct_json *json, const char *field, ct_span *out);
/* A number as written; never through a binary float. */
bool ct_json_number(struct ct_json *json, const char *field, ct_span *out) CT_MUST_USE;
/* A whole number from 0 to CT_JSON_COUNT_MAX, or null (*out stays). */
CT_MUST_USE static inline bool ct_json_count(struct ct_json *json, const char *field, int64_t *out);
/* Only white space is left. */
bool ct_json_end(struct ct_json *json) CT_MUST_USE;

/* Refuses at `at` (NULL = the cursor). field and note may be NULL. Always returns false. */
bool ct_json_fail(struct ct_json *json, const char *reason, const char *at, const char *field, const char *note);

static inline struct ct_json_mark ct_json_here(const struct ct_json *json)
{
    return (struct ct_json_mark){json->at, json->depth};
}
/* Back to a place that was passed over as valid; the failure is forgotten. */
void ct_json_rewind(struct ct_json *json, struct ct_json_mark mark);

/* Puts the failure into words for the one who counts refusals. */
void ct_json_refusal(const struct ct_json *json, const struct ct_frame *frame, struct ct_refusal *out);

/* Validates one whole value against a depth, a number of values and NULs in strings: what has to be
 * known before a tree of it is built. */
bool ct_json_check(struct ct_json *json, uint32_t depth_max, uint64_t values_max) CT_MUST_USE;

/* Do a known name, its closing quote and a colon stand at `at`, with at least 16 bytes from there? A no may be wrong:
 * where the name is of more than 16 bytes or white space follows it. */
static inline bool ct_json_name_here(const char *at, const char *end, ct_span name)
{
    if ((size_t)(end - at) < name.len + 2 || memcmp(at + name.len, "\":", 2) != 0)
        return false;
#if defined(__SSE2__)
    __m128i have = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i want = _mm_loadu_si128((const __m128i *)(const void *)name.at);
    unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(have, want));
    return (uint64_t)~same << (64 - name.len) == 0; /* the lowest bits, as many as the name has bytes */
#else
    return memcmp(at, name.at, name.len) == 0;
#endif
}

/* The known key `i` stands where `at` is behind its opening quote: has it as the next member. False = it does not. */
static inline bool ct_json_take_name(struct ct_json *json, struct ct_json_walk *walk,
                                     const struct ct_json_fields *fields, uint32_t i, const char *at)
{
    if (!ct_json_name_here(at, json->end, fields->names[i]) || walk->seen >> i & 1 || walk->keys >= CT_JSON_KEYS_MAX)
        return false;
    walk->started = true;
    walk->keys++;
    walk->seen |= (uint64_t)1 << i;
    walk->next_field = i + 1;
    json->at = at + fields->names[i].len + 2;
    return true;
}

/* Behind the shortest way of ct_json_next: what it returns. */
int ct_json_next_other(struct ct_json *json, struct ct_json_walk *walk,
                       const struct ct_json_fields *fields) CT_MUST_USE;

/* Next member and which field it is, in one step: the index, -1 = a key of nobody's, CT_JSON_LAST = the object ended or
 * json->status is not CT_OK. A key that stands where keys like it stood before is told by one comparison. */
#define CT_JSON_LAST (-2)
CT_MUST_USE static inline int ct_json_next(struct ct_json *json, struct ct_json_walk *walk,
                                           const struct ct_json_fields *fields)
{
    enum { COMMA_QUOTE_AND_LOAD = 1 + 1 + 16 };
    const char *at = json->at;
    uint32_t i = walk->next_field;
    if (json->status != CT_OK)
        return CT_JSON_LAST;
    if (json->end - at >= COMMA_QUOTE_AND_LOAD && i < fields->count) {
        const char *quote = at + walk->started;
        if (*quote == '"' && (quote == at || *at == ',') && ct_json_take_name(json, walk, fields, i, quote + 1))
            return (int)i;
    }
    if (at < json->end && *at == '}') {
        json->at = at + 1;
        json->depth--;
        return CT_JSON_LAST;
    }
    return ct_json_next_other(json, walk, fields);
}

/* ---- the short ways, inline ------------------------------------------------------------- */

/* For the reader's own files: refuses as "truncated" where `at` is the end, else as "bad_json". */
bool ct_json_fail_syntax(struct ct_json *json, const char *at, const char *note);
/* `at` is behind the opening quote. Validates up to the closing one and returns it; NULL = refused. */
const char *ct_json_string_end(struct ct_json *json, const char *at, bool refuse_nul);

/* Behind the short way: `stop` is where the plain stretch of the string's body ended. */
bool ct_json_string_rest(struct ct_json *json, const char *stop, ct_span *out) CT_MUST_USE;
/* Where no string is: null, or a failure. */
bool ct_json_string_other(struct ct_json *json, const char *field, bool null_ok, ct_span *out) CT_MUST_USE;
/* The same: a number, null, or a failure. */
bool ct_json_id_other(struct ct_json *json, const char *field, ct_span *out) CT_MUST_USE;
/* Where more than a few digits are, or something else. */
bool ct_json_count_other(struct ct_json *json, const char *field, int64_t *out) CT_MUST_USE;
/* Where no object is, or one too deep. */
bool ct_json_object_other(struct ct_json *json, const char *field) CT_MUST_USE;

/* White space before the next value is consumed. */
static inline bool ct_json_comes(struct ct_json *json, enum ct_json_kind kind, char first)
{
    return json->status == CT_OK && ((json->at < json->end && *json->at == first) || ct_json_peek(json) == kind);
}

static inline bool ct_json_string_comes(struct ct_json *json)
{
    return ct_json_comes(json, CT_JSON_STRING, '"');
}

/* The cursor stands on the opening quote: a string without escapes and with nothing but ASCII. */
CT_MUST_USE static inline bool ct_json_string_here(struct ct_json *json, ct_span *out)
{
    const char *body = json->at + 1;
    const char *stop = ct_json_plain(json->begin, body, json->end);
    if (stop >= json->end || *stop != '"')
        return ct_json_string_rest(json, stop, out);
    json->at = stop + 1;
    *out = (ct_span){body, (size_t)(stop - body)};
    return true;
}

static inline bool ct_json_string(struct ct_json *json, const char *field, ct_span *out)
{
    return ct_json_string_comes(json) ? ct_json_string_here(json, out) : ct_json_string_other(json, field, false, out);
}

static inline bool ct_json_string_or_null(struct ct_json *json, const char *field, ct_span *out)
{
    return ct_json_string_comes(json) ? ct_json_string_here(json, out) : ct_json_string_other(json, field, true, out);
}

static inline bool ct_json_id(struct ct_json *json, const char *field, ct_span *out)
{
    return ct_json_string_comes(json) ? ct_json_string_here(json, out) : ct_json_id_other(json, field, out);
}

static inline bool ct_json_count(struct ct_json *json, const char *field, int64_t *out)
{
    enum { DIGITS_MAX = 15 }; /* below 2^53 whatever they are */
    const char *begin = json->at, *at = begin;
    int64_t value = 0;
    if (json->status != CT_OK || json->end - begin <= DIGITS_MAX)
        return ct_json_count_other(json, field, out);
    for (; at - begin <= DIGITS_MAX && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (*at - '0');
    if (at == begin || at - begin > DIGITS_MAX || (*begin == '0' && at - begin > 1) || *at == '.' ||
        (*at | 0x20) == 'e')
        return ct_json_count_other(json, field, out);
    json->at = at;
    *out = value;
    return true;
}

static inline bool ct_json_object(struct ct_json *json, const char *field)
{
    if (!ct_json_comes(json, CT_JSON_OBJECT, '{') || json->depth >= CT_JSON_DEPTH_MAX)
        return ct_json_object_other(json, field);
    json->depth++;
    json->at++;
    return true;
}

#endif
