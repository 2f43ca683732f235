/* json_reader.c - the cursor behind json_reader.h: values, numbers, containers, refusals.
 *
 * Written for bulk transcripts: one pass, 16 bytes at a time through strings, branches on failure only.
 * Called by the parsers of JSON formats; compared with cJSON in tests/fuzz.
 */
#include "parsers/json_reader.h"

#include <stdio.h>

void ct_json_init(struct ct_json *json, ct_span bytes, struct ct_arena *scratch)
{
    memset(json, 0, sizeof(*json));
    json->begin = json->at = bytes.at;
    json->end = bytes.len ? bytes.at + bytes.len : bytes.at;
    json->scratch = scratch;
    json->values_left = UINT64_MAX;
}

bool ct_json_fail(struct ct_json *json, const char *reason, const char *at, const char *field, const char *note)
{
    if (json->status == CT_OK) {
        json->status = CT_REFUSED;
        json->reason = reason;
        json->fail_at = at ? at : json->at;
        json->field = field;
        json->due = note;
        json->found = CT_JSON_BAD;
    }
    return false;
}

void ct_json_rewind(struct ct_json *json, struct ct_json_mark mark)
{
    json->at = mark.at;
    json->depth = mark.depth;
    json->status = CT_OK;
    json->reason = NULL;
}

bool ct_json_fail_syntax(struct ct_json *json, const char *at, const char *note)
{
    if (at >= json->end)
        return ct_json_fail(json, "truncated", json->end, NULL, "the value is not finished");
    return ct_json_fail(json, "bad_json", at, NULL, note);
}

static bool fail_type(struct ct_json *json, const char *field, const char *due)
{
    enum ct_json_kind kind = ct_json_peek(json);
    const char *at = json->at;
    /* "this is not JSON" begins like `true`: only a sound value is of a type, the whole text where it stands alone. */
    if (!ct_json_skip(json) || (json->depth == 0 && !ct_json_end(json)))
        return false;
    (void)ct_json_fail(json, "wrong_type", at, field, due);
    json->found = kind;
    return false;
}

#define KIND_OF_DIGIT(d) [d] = CT_JSON_NUMBER
const uint8_t ct_json_kinds[256] = {
    ['"'] = CT_JSON_STRING, ['{'] = CT_JSON_OBJECT, ['['] = CT_JSON_ARRAY, ['t'] = CT_JSON_TRUE, ['f'] = CT_JSON_FALSE,
    ['n'] = CT_JSON_NULL,   KIND_OF_DIGIT('-'),     KIND_OF_DIGIT('0'),    KIND_OF_DIGIT('1'),   KIND_OF_DIGIT('2'),
    KIND_OF_DIGIT('3'),     KIND_OF_DIGIT('4'),     KIND_OF_DIGIT('5'),    KIND_OF_DIGIT('6'),   KIND_OF_DIGIT('7'),
    KIND_OF_DIGIT('8'),     KIND_OF_DIGIT('9'),
};
#undef KIND_OF_DIGIT

/* ---- numbers and literals --------------------------------------------------------------- */

static const char *digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* The cursor stands on '-' or a digit. */
static bool read_number(struct ct_json *json, ct_span *out)
{
    const char *begin = json->at, *end = json->end;
    const char *at = begin + (*begin == '-');
    const char *whole = at;
    at = digits(at, end);
    if (at == whole || (*whole == '0' && at - whole > 1))
        return ct_json_fail_syntax(json, at == whole ? at : whole, "malformed number");
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = digits(at, end);
        if (at == fraction)
            return ct_json_fail_syntax(json, at, "malformed number");
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        const char *exponent = at;
        at = digits(at, end);
        if (at == exponent)
            return ct_json_fail_syntax(json, at, "malformed number");
    }
    if (at - begin > CT_JSON_NUMBER_MAX)
        return ct_json_fail(json, "number_out_of_range", begin, NULL, "a number of more than 63 bytes");
    json->at = at;
    *out = (ct_span){begin, (size_t)(at - begin)};
    return true;
}

static bool read_literal(struct ct_json *json, const char *word, size_t len)
{
    size_t left = (size_t)(json->end - json->at);
    if (left < len)
        return ct_json_fail_syntax(json, memcmp(json->at, word, left) == 0 ? json->end : json->at,
                                   "no value begins here");
    if (memcmp(json->at, word, len) != 0)
        return ct_json_fail_syntax(json, json->at, "no value begins here");
    json->at += len;
    return true;
}

bool ct_json_number(struct ct_json *json, const char *field, ct_span *out)
{
    if (json->status != CT_OK)
        return false;
    if (ct_json_peek(json) != CT_JSON_NUMBER)
        return fail_type(json, field, "a number");
    return read_number(json, out);
}

bool ct_json_string_other(struct ct_json *json, const char *field, bool null_ok, ct_span *out)
{
    if (json->status != CT_OK)
        return false;
    if (!null_ok || ct_json_peek(json) != CT_JSON_NULL)
        return fail_type(json, field, "a string");
    *out = CT_SPAN_NONE;
    return read_literal(json, "null", 4);
}

bool ct_json_id_other(struct ct_json *json, const char *field, ct_span *out)
{
    if (json->status == CT_OK && ct_json_peek(json) == CT_JSON_NUMBER)
        return read_number(json, out);
    return ct_json_string_other(json, field, true, out);
}

bool ct_json_count_other(struct ct_json *json, const char *field, int64_t *out)
{
    if (json->status != CT_OK)
        return false;
    if (ct_json_peek(json) == CT_JSON_NULL)
        return read_literal(json, "null", 4);
    ct_span raw;
    const char *begin = json->at;
    if (!ct_json_number(json, field, &raw))
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < raw.len; i++) {
        bool digit = raw.at[i] >= '0' && raw.at[i] <= '9';
        if (!digit || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, raw.at[i] - '0', &value) || value > CT_JSON_COUNT_MAX)
            return ct_json_fail(json, "number_out_of_range", begin, field, "a whole number from 0 to 2^53 - 1 is due");
    }
    *out = value;
    return true;
}

/* ---- containers ------------------------------------------------------------------------- */

static bool enter(struct ct_json *json, enum ct_json_kind kind, const char *field, const char *due)
{
    if (json->status != CT_OK)
        return false;
    if (ct_json_peek(json) != kind)
        return fail_type(json, field, due);
    if (json->depth >= CT_JSON_DEPTH_MAX)
        return ct_json_fail(json, "too_deep", json->at, NULL, NULL);
    json->depth++;
    json->at++;
    return true;
}

bool ct_json_object_other(struct ct_json *json, const char *field)
{
    return enter(json, CT_JSON_OBJECT, field, "an object");
}

bool ct_json_array(struct ct_json *json, const char *field)
{
    return enter(json, CT_JSON_ARRAY, field, "an array");
}

/* Steps over the comma before all but the first; false = the container ended, or a failure. */
__attribute__((always_inline)) static inline bool next_item(struct ct_json *json, bool *started, char close)
{
    if (json->status != CT_OK)
        return false;
    const char *at = ct_json_space(json->at, json->end);
    if (at >= json->end)
        return ct_json_fail_syntax(json, at, NULL);
    if (*at == close) {
        json->at = at + 1;
        json->depth--;
        return false;
    }
    if (*started) {
        if (*at != ',')
            return ct_json_fail_syntax(json, at, "a comma or the end of the container is due");
        at = ct_json_space(at + 1, json->end);
        if (at < json->end && *at == close)
            return ct_json_fail_syntax(json, at, "a comma before the end of the container");
    }
    *started = true;
    json->at = at;
    return true;
}

bool ct_json_element(struct ct_json *json, struct ct_json_walk *walk)
{
    return next_item(json, &walk->started, ']');
}

bool ct_json_key(struct ct_json *json, struct ct_json_walk *walk, ct_span *key)
{
    if (!next_item(json, &walk->started, '}'))
        return false;
    if (json->at >= json->end || *json->at != '"')
        return ct_json_fail_syntax(json, json->at, "a key is due");
    if (++walk->keys > CT_JSON_KEYS_MAX)
        return ct_json_fail(json, "too_many_keys", json->at, NULL, NULL);
    if (!ct_json_string_here(json, key))
        return false;
    const char *at = ct_json_space(json->at, json->end);
    if (at >= json->end || *at != ':')
        return ct_json_fail_syntax(json, at, "a colon is due");
    json->at = at + 1;
    return true;
}

/* Keys are short: two overlapping loads compare up to 16 bytes without a call. */
static inline bool same_bytes(const char *a, const char *b, size_t len)
{
    if (len >= 8 && len <= 16) {
        uint64_t a0, a1, b0, b1;
        memcpy(&a0, a, 8);
        memcpy(&b0, b, 8);
        memcpy(&a1, a + len - 8, 8);
        memcpy(&b1, b + len - 8, 8);
        return a0 == b0 && a1 == b1;
    }
    if (len >= 4 && len < 8) {
        uint32_t a0, a1, b0, b1;
        memcpy(&a0, a, 4);
        memcpy(&b0, b, 4);
        memcpy(&a1, a + len - 4, 4);
        memcpy(&b1, b + len - 4, 4);
        return a0 == b0 && a1 == b1;
    }
    return memcmp(a, b, len) == 0;
}

int ct_json_field(struct ct_json *json, struct ct_json_walk *walk, ct_span key, const struct ct_json_fields *fields)
{
    uint32_t i = walk->next_field; /* programs write their keys in one order: mostly the first look is the last */
    for (uint32_t looked = 0; looked < fields->count; looked++, i++) {
        if (i >= fields->count)
            i = 0;
        if (fields->names[i].len != key.len || !same_bytes(fields->names[i].at, key.at, key.len))
            continue;
        if (walk->seen >> i & 1) {
            (void)ct_json_fail(json, "duplicate_key", json->at, fields->names[i].at, NULL);
            return -1;
        }
        walk->seen |= (uint64_t)1 << i;
        walk->next_field = i + 1;
        return (int)i;
    }
    return -1;
}

int ct_json_next_other(struct ct_json *json, struct ct_json_walk *walk, const struct ct_json_fields *fields)
{
    enum { GLANCES = 4, COMMA_SPACE_QUOTE_AND_LOAD = 1 + 1 + 1 + 16 };
    const char *at = json->at, *end = json->end;
    ct_span key;
    if (json->status == CT_OK && end - at >= COMMA_SPACE_QUOTE_AND_LOAD && (!walk->started || *at == ',')) {
        at += walk->started;
        at += *at == ' '; /* as Python's json writes it */
        uint32_t i = walk->next_field, left = fields->count - i, stop = i + (left < GLANCES ? left : GLANCES);
        for (bool quoted = *at++ == '"'; quoted && i < stop; i++)
            if (ct_json_take_name(json, walk, fields, i, at))
                return (int)i;
    }
    return ct_json_key(json, walk, &key) ? ct_json_field(json, walk, key, fields) : CT_JSON_LAST;
}

/* A scalar, or nothing: *container says that the cursor stands on '{' or '['. */
static bool skip_scalar(struct ct_json *json, enum ct_json_kind kind)
{
    ct_span ignored;
    switch (kind) {
    case CT_JSON_STRING: {
        const char *stop = ct_json_string_end(json, json->at + 1, json->refuse_nul);
        if (stop == NULL)
            return false;
        json->at = stop + 1;
        return true;
    }
    case CT_JSON_NUMBER:
        return read_number(json, &ignored);
    case CT_JSON_TRUE:
        return read_literal(json, "true", 4);
    case CT_JSON_FALSE:
        return read_literal(json, "false", 5);
    case CT_JSON_NULL:
        return read_literal(json, "null", 4);
    default:
        return ct_json_fail_syntax(json, json->at, "no value begins here");
    }
}

/* A key and its colon; the cursor may stand on white space. */
static bool skip_key(struct ct_json *json)
{
    if (ct_json_peek(json) != CT_JSON_STRING)
        return ct_json_fail_syntax(json, json->at, "a key is due");
    if (!skip_scalar(json, CT_JSON_STRING))
        return false;
    json->at = ct_json_space(json->at, json->end);
    if (json->at >= json->end || *json->at != ':')
        return ct_json_fail_syntax(json, json->at, "a colon is due");
    json->at++;
    return true;
}

static bool skip_value(struct ct_json *json, uint32_t depth_max)
{
    uint64_t objects = 0; /* one bit a level: is it an object? */
    uint32_t open = 0;
    bool first = false; /* a container was just opened */
    do {
        if (open > 0) {
            bool object = objects & 1;
            struct ct_json_walk walk = {.started = !first};
            if (!next_item(json, &walk.started, object ? '}' : ']')) {
                if (json->status != CT_OK)
                    return false;
                open--;
                objects >>= 1;
                first = false;
                continue;
            }
            if (object && !skip_key(json))
                return false;
        }
        first = false;
        if (json->values_left-- == 0)
            return ct_json_fail(json, "too_many_values", json->at, NULL, NULL);
        enum ct_json_kind kind = ct_json_peek(json);
        if (kind != CT_JSON_OBJECT && kind != CT_JSON_ARRAY) {
            if (!skip_scalar(json, kind))
                return false;
            continue;
        }
        if (json->depth >= depth_max)
            return ct_json_fail(json, "too_deep", json->at, NULL, NULL);
        json->depth++;
        json->at++;
        open++;
        objects = objects << 1 | (kind == CT_JSON_OBJECT);
        first = true;
    } while (open > 0);
    return true;
}

bool ct_json_skip(struct ct_json *json)
{
    return json->status == CT_OK && skip_value(json, CT_JSON_DEPTH_MAX);
}

bool ct_json_raw(struct ct_json *json, ct_span *out)
{
    if (json->status != CT_OK)
        return false;
    const char *begin = json->at = ct_json_space(json->at, json->end);
    if (!ct_json_skip(json))
        return false;
    *out = (ct_span){begin, (size_t)(json->at - begin)};
    return true;
}

bool ct_json_end(struct ct_json *json)
{
    if (json->status != CT_OK)
        return false;
    json->at = ct_json_space(json->at, json->end);
    if (json->at < json->end)
        return ct_json_fail(json, "bad_json", json->at, NULL, "something follows the value");
    return true;
}

bool ct_json_check(struct ct_json *json, uint32_t depth_max, uint64_t values_max)
{
    if (json->status != CT_OK)
        return false;
    json->refuse_nul = true;
    json->values_left = values_max;
    return skip_value(json, depth_max < CT_JSON_DEPTH_MAX ? depth_max : CT_JSON_DEPTH_MAX) && ct_json_end(json);
}

/* ---- refusals --------------------------------------------------------------------------- */

void ct_json_refusal(const struct ct_json *json, const struct ct_frame *frame, struct ct_refusal *out)
{
    static const char *const kinds[] = {
        [CT_JSON_BAD] = "nothing",   [CT_JSON_STRING] = "string", [CT_JSON_NUMBER] = "number",
        [CT_JSON_OBJECT] = "object", [CT_JSON_ARRAY] = "array",   [CT_JSON_TRUE] = "true",
        [CT_JSON_FALSE] = "false",   [CT_JSON_NULL] = "null",
    };
    const char *at = json->fail_at ? json->fail_at : json->begin;
    memset(out, 0, sizeof(*out));
    out->reason = json->reason ? json->reason : "bad_json";
    out->offset = frame->offset + (uint64_t)(at - json->begin);
    out->line = frame->line;
    for (const char *p = json->begin; p < at && (p = memchr(p, '\n', (size_t)(at - p))) != NULL; p++)
        out->line++;
    char *detail = out->detail;
    size_t room = sizeof(out->detail);
    int len = json->field ? snprintf(detail, room, "field \"%s\"%s", json->field, json->due ? ": " : "") : 0;
    if (len < 0 || (size_t)len >= room || json->due == NULL)
        return;
    if (json->found != CT_JSON_BAD)
        snprintf(detail + len, room - (size_t)len, "%s where %s is due", kinds[json->found], json->due);
    else
        snprintf(detail + len, room - (size_t)len, "%s", json->due);
}
