/* writer.c - JSON text. Used by json.c and records.c, and by the program's own JSON. */
#include "sinks/writer.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

void ct_writer_init(struct ct_writer *json, struct ct_out *out)
{
    json->out = out;
    json->comma = false;
}

static void separate(struct ct_writer *json)
{
    if (json->comma) {
        ct_out_char(json->out, ',');
    }
    json->comma = true;
}

void ct_writer_open(struct ct_writer *json, char bracket)
{
    char *at = ct_writer_room(json, 1);
    *at = bracket;
    ct_writer_into(json, at + 1);
}

void ct_writer_close(struct ct_writer *json, char bracket)
{
    char *at = ct_out_room(json->out, 1);
    *at = bracket;
    ct_writer_upto(json, at + 1);
}

static void write_key(struct ct_writer *json, ct_span key)
{
    char *at = ct_writer_room(json, key.len + 3);
    *at++ = '"';
    memcpy(at, key.at, key.len);
    memcpy(at + key.len, "\":", 2);
    ct_writer_into(json, at + key.len + 2);
}

void ct_writer_key(struct ct_writer *json, const char *key)
{
    write_key(json, ct_span_of(key));
}

/* ---- strings ---------------------------------------------------------------------------------------------------- */

static void escaped(struct ct_out *out, unsigned char byte)
{
    static const char letters[] = "btnvfr"; /* 8..13; 11 has no letter in JSON */
    static const char hex[] = "0123456789abcdef";
    char *at = ct_out_room(out, 6);
    *at++ = '\\';
    if (byte == '"' || byte == '\\') {
        *at++ = (char)byte;
    } else if (byte >= 8 && byte <= 13 && byte != 11) {
        *at++ = letters[byte - 8];
    } else {
        memcpy(at, "u00", 3);
        at[3] = hex[byte >> 4];
        at[4] = hex[byte & 15];
        at += 5;
    }
    ct_out_upto(out, at);
}

static bool is_escaped(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\' || c == 0x7F;
}

#if defined(__SSE2__)
/* A bit for each of 16 bytes that is escaped. */
static inline unsigned escaped_of(__m128i v)
{
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"')), slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i others = _mm_or_si128(_mm_or_si128(quote, slash), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7F)));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, others));
}

/* A bit for each that is escaped or not ASCII. */
static inline unsigned special_of(__m128i v)
{
    return escaped_of(v) | (unsigned)_mm_movemask_epi8(v);
}
#endif

/* The first byte that is escaped, or the end. */
static size_t find_escaped(ct_span text)
{
    size_t i = 0;
#if defined(__SSE2__)
    for (; text.len - i >= 16; i += 16) {
        unsigned found = escaped_of(_mm_loadu_si128((const __m128i *)(const void *)(text.at + i)));
        if (found) {
            return i + (size_t)__builtin_ctz(found);
        }
    }
#endif
    while (i < text.len && !is_escaped(text.at[i])) {
        i++;
    }
    return i;
}

/* Copies a text of ASCII alone with nothing to escape, as ids and names are. false = it is another: what stands at
 * `out` is of no use. */
static bool copy_plain(char *out, ct_span text)
{
#if defined(__SSE2__)
    if (text.len >= 16) {
        size_t last = text.len - 16;
        for (size_t i = 0;; i = i + 16 < last ? i + 16 : last) { /* the last 16 may have been seen in part */
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text.at + i));
            _mm_storeu_si128((__m128i *)(void *)(out + i), v);
            if (special_of(v)) {
                return false;
            }
            if (i == last) {
                return true;
            }
        }
    }
    if (text.len >= 8) { /* the first and the last eight */
        size_t last = text.len - 8;
        __m128i head = _mm_loadl_epi64((const __m128i *)(const void *)text.at);
        __m128i tail = _mm_loadl_epi64((const __m128i *)(const void *)(text.at + last));
        _mm_storel_epi64((__m128i *)(void *)out, head);
        _mm_storel_epi64((__m128i *)(void *)(out + last), tail);
        return special_of(_mm_unpacklo_epi64(head, tail)) == 0;
    }
#endif
    for (size_t i = 0; i < text.len; i++) {
        if (is_escaped(text.at[i]) || (unsigned char)text.at[i] >= 0x80) {
            return false;
        }
        out[i] = text.at[i];
    }
    return true;
}

/* `text` is valid UTF-8. */
static void quoted_part(struct ct_out *out, ct_span text)
{
    for (;;) {
        size_t plain = find_escaped(text);
        ct_out_bytes(out, text.at, plain);
        if (plain == text.len) {
            return;
        }
        escaped(out, (unsigned char)text.at[plain]);
        text.at += plain + 1;
        text.len -= plain + 1;
    }
}

static void quoted(struct ct_out *out, ct_span text)
{
    ct_out_char(out, '"');
    size_t bad;
    while (text.len && !ct_utf8_valid(text, &bad)) {
        quoted_part(out, (ct_span){text.at, bad});
        if (text.at[bad] == '\0') {
            ct_out_text(out, "\\u0000");
        } else {
            ct_out_text(out, "\xEF\xBF\xBD");
        }
        text.at += bad + 1;
        text.len -= bad + 1;
    }
    quoted_part(out, text);
    ct_out_char(out, '"');
}

void ct_writer_key_span(struct ct_writer *json, ct_span key)
{
    separate(json);
    quoted(json->out, key);
    ct_out_char(json->out, ':');
    json->comma = false;
}

void ct_writer_string(struct ct_writer *json, ct_span text)
{
    if (text.len <= CT_OUT_BYTES / 8) {
        char *at = ct_writer_room(json, text.len + 2);
        *at = '"';
        if (copy_plain(at + 1, text)) {
            at[1 + text.len] = '"';
            ct_writer_upto(json, at + 2 + text.len);
            return;
        }
    }
    separate(json);
    quoted(json->out, text);
}

void ct_writer_field(struct ct_writer *json, ct_span key, ct_span text)
{
    write_key(json, key);
    if (text.len) {
        ct_writer_string(json, text);
    } else {
        ct_writer_null(json);
    }
}

void ct_writer_text(struct ct_writer *json, const char *text)
{
    if (text) {
        ct_writer_string(json, ct_span_of(text));
    } else {
        ct_writer_null(json);
    }
}

void ct_writer_both(struct ct_writer *json, const char *key, const char *const text[CT_LANG_COUNT])
{
    ct_writer_key(json, key);
    ct_writer_open(json, '{');
    ct_writer_key(json, "en");
    ct_writer_text(json, text[CT_LANG_EN]);
    ct_writer_key(json, "es");
    ct_writer_text(json, text[CT_LANG_ES]);
    ct_writer_close(json, '}');
}

void ct_writer_raw(struct ct_writer *json, ct_span value)
{
    separate(json);
    ct_out_span(json->out, value);
}

void ct_writer_wide(struct ct_writer *json, ct_wide value)
{
    char *at = ct_writer_room(json, CT_DECIMAL_BYTES);
    ct_writer_upto(json, at + ct_wide_format(value, at));
}

void ct_writer_bool(struct ct_writer *json, bool value)
{
    char *at = ct_writer_room(json, 5);
    memcpy(at, value ? "true" : "fals", 4);
    at[4] = 'e';
    ct_writer_upto(json, at + (value ? 4 : 5));
}

void ct_writer_null(struct ct_writer *json)
{
    char *at = ct_writer_room(json, 4);
    memcpy(at, "null", 4);
    ct_writer_upto(json, at + 4);
}

void ct_writer_decimal(struct ct_writer *json, ct_wide num, ct_wide den, unsigned digits)
{
    char *at = ct_writer_room(json, CT_DECIMAL_BYTES);
    ct_writer_upto(json, at + ct_decimal_format(num, den, digits, true, at));
}

void ct_writer_seconds(struct ct_writer *json, ct_usec value)
{
    if (value == CT_USEC_NONE) {
        ct_writer_null(json);
    } else {
        char *at = ct_writer_room(json, CT_DECIMAL_BYTES);
        ct_writer_upto(json, at + ct_seconds_format(value, at));
    }
}

void ct_writer_time(struct ct_writer *json, ct_usec value)
{
    if (value == CT_USEC_NONE) {
        ct_writer_null(json);
        return;
    }
    char *at = ct_writer_room(json, 40);
    *at++ = '"';
    at += ct_time_format(value, at);
    *at++ = '"';
    ct_writer_upto(json, at);
}

void ct_writer_tri(struct ct_writer *json, enum ct_tri value)
{
    if (value == CT_NULL) {
        ct_writer_null(json);
    } else {
        ct_writer_bool(json, value == CT_TRUE);
    }
}
