/* json_string.c - the strings of the field reader: validated, and unescaped in the same pass.
 *
 * A string of plain ASCII never comes here (json_reader.h has it inline); one with other characters is
 * validated and borrowed; one with escapes is copied once.
 */
#include "parsers/json_reader.h"

/* ---- UTF-8 ------------------------------------------------------------------------------ */

/* One UTF-8 sequence that is not ASCII; NULL where it is malformed. RFC 3629, table 3-7 of Unicode. */
static const char *step_utf8(const char *at, const char *end)
{
    const unsigned char *p = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return left >= 2 && (p[1] & 0xC0) == 0x80 ? at + 2 : NULL;
    if ((p[0] & 0xF0) == 0xE0) {
        if (left < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80)
            return NULL;
        if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F))
            return NULL;
        return at + 3;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        if (left < 4 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80)
            return NULL;
        if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
            return NULL;
        return at + 4;
    }
    return NULL;
}

#if defined(__SSE2__)
/* A bit for each byte that is at least `byte`, of the bytes that are not ASCII. */
static inline unsigned at_least(__m128i v, unsigned high, int byte)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(byte - 1)))) & high;
}

static inline unsigned equal(__m128i v, int byte)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)byte)));
}

/* The same where some characters are of three or four bytes: adds to *due where their bytes are due; returns where a
 * byte is wrong. */
__attribute__((noinline)) static unsigned wide_wrong(__m128i v, unsigned high, unsigned *due)
{
    unsigned from_90 = at_least(v, high, 0x90), from_a0 = at_least(v, high, 0xA0);
    *due |= at_least(v, high, 0xE0) << 2 | at_least(v, high, 0xF0) << 3;
    return at_least(v, high, 0xF5) | (equal(v, 0xE0) << 1 & ~from_a0) | (equal(v, 0xED) << 1 & from_a0) |
           (equal(v, 0xF0) << 1 & ~from_90) | (equal(v, 0xF4) << 1 & from_90);
}

/* Of 16 bytes that begin with a whole character, of which those in `high` are not ASCII and those in `stops` end the
 * text: how many, up to 16, are whole and well-formed characters before the first of `stops`. */
static inline unsigned well_formed(__m128i v, unsigned high, unsigned stops)
{
    unsigned follow = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(v, _mm_set1_epi8((char)0xC0)));
    unsigned lead = high & ~follow, due = lead << 1; /* where a byte that follows another is due */
    unsigned wrong = stops | equal(_mm_and_si128(v, _mm_set1_epi8((char)0xFE)), 0xC0);
    if (at_least(v, high, 0xE0))
        wrong |= wide_wrong(v, high, &due);
    wrong = (wrong | (due ^ follow)) & 0xFFFF;
    unsigned end = wrong ? (unsigned)__builtin_ctz(wrong) : 16;
    return due >> end & 1 ? 31 - (unsigned)__builtin_clz(lead & ((1u << end) - 1)) : end; /* not within a character */
}
#endif

/* Passes over what is well-formed before a quote, a backslash or a control character; may stop earlier, where less than
 * 16 bytes are left, but never within a character. */
static inline const char *skip_text(const char *at, const char *end)
{
#if defined(__SSE2__)
    unsigned passed = 16;
    for (; passed && end - at >= 16; at += passed) {
        unsigned other = ct_json_not_plain(at);
        passed = 16;
        if (other == 0)
            continue;
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned high = (unsigned)_mm_movemask_epi8(v);
        if (high == 0)
            return at + __builtin_ctz(other);
        passed = well_formed(v, high, other & ~high);
    }
#else
    (void)end;
#endif
    return at;
}

/* ---- escapes ---------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits; -1 where they are not. */
static int32_t hex_four(const char *at, const char *end)
{
    if (end - at < 4)
        return -1;
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* What stands for the byte behind a backslash; 0 = nothing does. */
static const char escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

/* `at` stands on the backslash. Returns the byte after the escape, NULL when refused. */
static const char *step_escape(struct ct_json *json, const char *at, bool refuse_nul)
{
    const char *end = json->end;
    if (end - at < 2)
        return (void)ct_json_fail_syntax(json, end, NULL), NULL;
    if (at[1] != 'u') {
        if (escapes[(unsigned char)at[1]] == 0)
            return (void)ct_json_fail_syntax(json, at, "unknown escape in a string"), NULL;
        return at + 2;
    }
    int32_t unit = hex_four(at + 2, end);
    if (unit < 0)
        return (void)ct_json_fail_syntax(json, end - at < 6 ? end : at, "\\u without four hex digits"), NULL;
    if (unit == 0 && refuse_nul)
        return (void)ct_json_fail(json, "bad_json", at, NULL, "NUL character in a string"), NULL;
    if (unit < 0xD800 || unit > 0xDFFF)
        return at + 6;
    if (unit > 0xDBFF || end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return (void)ct_json_fail(json, "invalid_utf8", at, NULL, "lone surrogate in a string"), NULL;
    int32_t low = hex_four(at + 8, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return (void)ct_json_fail(json, "invalid_utf8", at, NULL, "lone surrogate in a string"), NULL;
    return at + 12;
}

const char *ct_json_string_end(struct ct_json *json, const char *at, bool refuse_nul)
{
    const char *end = json->end;
    for (;;) {
        at = ct_json_plain(json->begin, at, end);
        if (at >= end)
            return (void)ct_json_fail_syntax(json, end, NULL), NULL;
        if (*at == '"')
            return at;
        if (*at == '\\') {
            at = step_escape(json, at, refuse_nul);
            if (at == NULL)
                return NULL;
        } else if ((signed char)*at >= 0) {
            return (void)ct_json_fail_syntax(json, at, "control character in a string"), NULL;
        } else {
            do {
                const char *next = step_utf8(at, end);
                if (next == NULL)
                    return (void)ct_json_fail(json, "invalid_utf8", at, NULL, NULL), NULL;
                at = next;
            } while (at < end && (signed char)*at < 0);
        }
    }
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* Room for the text of every string from `at` on: text is never longer than what it was escaped to, so
 * one block serves the whole value. NULL = out of memory. */
static char *room_for(struct ct_json *json, const char *at)
{
    size_t need = (size_t)(json->end - at);
    if (json->room == NULL || (size_t)(json->room_end - json->room) < need) {
        json->room = ct_arena_alloc(json->scratch, need);
        if (json->room == NULL) {
            json->status = CT_NO_MEMORY;
            return NULL;
        }
        json->room_end = json->room + need;
    }
    return json->room;
}

/* As ct_json_plain, and copies what it passes over. The room at *to is at least as long as what is left
 * of the input, so that whole blocks may be written. */
static const char *copy_plain(const char *at, const char *end, char **to)
{
    char *out = *to;
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    while (end - at >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i hit =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)), _mm_cmplt_epi8(v, space));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        _mm_storeu_si128((__m128i *)(void *)out, v);
        if (mask != 0) {
            *to = out + __builtin_ctz(mask);
            return at + __builtin_ctz(mask);
        }
        at += 16;
        out += 16;
    }
#endif
    while (at < end && (signed char)*at >= 0x20 && *at != '"' && *at != '\\')
        *out++ = *at++;
    *to = out;
    return at;
}

/* One escape at `at`, validated, to *to; NULL when refused. */
static const char *copy_escape(struct ct_json *json, const char *at, char **to)
{
    const char *next = step_escape(json, at, true);
    if (next == NULL)
        return NULL;
    if (next - at == 2) {
        *(*to)++ = escapes[(unsigned char)at[1]];
        return next;
    }
    uint32_t unit = (uint32_t)hex_four(at + 2, json->end);
    if (next - at == 12)
        unit = 0x10000 + ((unit - 0xD800) << 10) + ((uint32_t)hex_four(at + 8, json->end) - 0xDC00);
    *to = put_utf8(*to, unit);
    return next;
}

/* A string with escapes: `body` up to `at`, where the first one stands, is plain. */
static bool unescape(struct ct_json *json, const char *body, const char *at, ct_span *out)
{
    char *text = room_for(json, body);
    if (text == NULL)
        return false;
    memcpy(text, body, (size_t)(at - body));
    char *to = text + (at - body);
    while (at < json->end && *at != '"') {
        if (*at == '\\') {
            at = copy_escape(json, at, &to);
            if (at == NULL)
                return false;
        } else if ((signed char)*at < 0) {
            const char *next = step_utf8(at, json->end);
            if (next == NULL)
                return ct_json_fail(json, "invalid_utf8", at, NULL, NULL);
            while (at < next)
                *to++ = *at++;
            continue;
        } else if ((signed char)*at < 0x20) {
            return ct_json_fail_syntax(json, at, "control character in a string");
        }
        at = copy_plain(at, json->end, &to);
    }
    if (at >= json->end)
        return ct_json_fail_syntax(json, at, NULL);
    json->at = at + 1;
    json->room = to;
    *out = (ct_span){text, (size_t)(to - text)};
    return true;
}

bool ct_json_string_rest(struct ct_json *json, const char *stop, ct_span *out)
{
    const char *body = json->at + 1, *end = json->end;
    while ((stop = skip_text(stop, end)) < end && *stop != '"') {
        if (*stop == '\\')
            return unescape(json, body, stop, out);
        if ((signed char)*stop < 0) {
            const char *next = step_utf8(stop, end);
            if (next == NULL)
                return ct_json_fail(json, "invalid_utf8", stop, NULL, NULL);
            stop = next;
        } else if (*stop < 0x20) {
            return ct_json_fail_syntax(json, stop, "control character in a string");
        } else {
            stop = ct_json_plain(json->begin, stop, end);
        }
    }
    if (stop >= end)
        return ct_json_fail_syntax(json, stop, NULL);
    json->at = stop + 1;
    *out = (ct_span){body, (size_t)(stop - body)};
    return true;
}
