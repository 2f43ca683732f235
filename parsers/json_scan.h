/* json_scan.h - finds the end of plain stretches in JSON strings 16 bytes at a time, brackets 64 at a time, where SSE2
 * is there.
 *
 * Used by the field reader and by the framer; never reads at or behind `end`.
 */
#ifndef CT_JSON_SCAN_H
#define CT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static inline bool ct_json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *ct_json_space(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' && ct_json_is_space(*at)) /* mostly the first byte is none */
        at++;
    return at;
}

#if defined(__SSE2__)
/* A bit for each of 16 bytes that is a quote, a backslash, a control character or not ASCII. */
static inline unsigned ct_json_not_plain(const char *at)
{
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
    /* The signed comparison finds controls and, being negative, every byte from 0x80. */
    __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)), _mm_cmplt_epi8(v, space));
    return (unsigned)_mm_movemask_epi8(hit);
}
#endif

/* First byte that is a quote, a backslash, a control character or not ASCII. `begin` is where the bytes around begin:
 * what is shorter than a load is read with what stands before it. */
static inline const char *ct_json_plain(const char *begin, const char *at, const char *end)
{
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16) {
        unsigned mask = ct_json_not_plain(at);
        if (mask != 0)
            return at + __builtin_ctz(mask);
    }
    if (end - begin >= 16) {
        unsigned mask = ct_json_not_plain(end - 16) >> (16 - (end - at));
        return mask != 0 ? at + __builtin_ctz(mask) : end;
    }
#endif
    (void)begin;
    while (at < end && (signed char)*at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* First quote or backslash. */
static inline const char *ct_json_quote(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    while (end - at >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        if (mask != 0)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#endif
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* Where a walk over brackets stands; start at {0}. */
struct ct_json_brackets {
    bool in_string, in_escape;
    bool stray; /* a backslash that is in no string: what is behind it may be read wrongly */
};

/* The brackets among 64 bytes that are not in a string, a bit each; *closing has those that close. Needs SSE2. */
#if defined(__SSE2__)
static inline uint64_t ct_json_brackets(struct ct_json_brackets *walk, const char *at, uint64_t *closing)
{
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), bit = _mm_set1_epi8(0x20);
    const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}'); /* with the bit set, '[' and ']' are these */
    uint64_t quotes = 0, slashes = 0, opens = 0, closes = 0;
    for (unsigned i = 0; i < 64; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(at + i)), folded = _mm_or_si128(v, bit);
        quotes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote)) << i;
        slashes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, slash)) << i;
        opens |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, open)) << i;
        closes |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, close)) << i;
    }
    uint64_t escaped = walk->in_escape, all = slashes;
    slashes &= ~escaped;
    walk->in_escape = false;
    while (slashes) {
        uint64_t first = slashes & -slashes;
        walk->in_escape = first >> 63;
        escaped |= first << 1;
        slashes &= ~(first | first << 1);
    }
    uint64_t inside = quotes & ~escaped; /* each bit becomes the parity of those up to it */
    for (unsigned by = 1; by < 64; by *= 2) {
        inside ^= inside << by;
    }
    inside ^= walk->in_string ? UINT64_MAX : 0;
    walk->in_string = inside >> 63;
    walk->stray |= (all & ~inside) != 0;
    *closing = closes & ~inside;
    return (opens | closes) & ~inside;
}
#endif

#endif
