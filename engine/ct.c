/* ct.c - the vocabulary's texts, error filling, hashing and UTF-8 checking. */
#include "engine/ct.h"

#include <stdarg.h>
#include <stdio.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/load.h"

const char *ct_status_text(enum ct_status status)
{
    switch (status) {
#define X(name, text)                                                                                                  \
    case CT_##name:                                                                                                    \
        return text;
        CT_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

enum ct_status ct_error_set(struct ct_error *err, enum ct_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

static const char *const role_texts[CT_ROLE_COUNT] = {
#define X(name, text) [CT_ROLE_##name] = text,
    CT_ROLE_MAP(X)
#undef X
};

const char *ct_role_text(enum ct_role role)
{
    return role < CT_ROLE_COUNT ? role_texts[role] : "unknown";
}

enum ct_role ct_role_from(ct_span text)
{
    for (unsigned role = 1; role < CT_ROLE_COUNT; role++) {
        if (ct_span_is(text, role_texts[role])) {
            return (enum ct_role)role;
        }
    }
    return CT_ROLE_UNKNOWN;
}

void ct_message_init(struct ct_message *message)
{
    *message = (struct ct_message){
        .ts = CT_USEC_NONE,
        .tokens = {.input = -1, .cached = -1, .output = -1},
        .event = {.scale_min = -1},
    };
}

/* ---- hash: 64x64 -> 128 multiply and fold, eight bytes at a time, read little-endian on every machine ---- */

/* The last 0 to 15 bytes as if zeros followed them, in two halves: from loads that overlap, so that nothing is copied
 * byte by byte and loaded again. */
static inline void read_tail(const char *at, size_t len, uint64_t *low, uint64_t *high)
{
    *low = *high = 0;
    if (len >= 8) {
        *low = ct_load_64(at);
        *high = len > 8 ? ct_load_64(at + len - 8) >> 8 * (16 - len) : 0;
    } else if (len >= 4) {
        *low = ct_load_32(at) | (uint64_t)ct_load_32(at + len - 4) << 8 * (len - 4);
    } else if (len) {
        *low = (uint64_t)(unsigned char)at[0] | (uint64_t)(unsigned char)at[len / 2] << 8 * (len / 2) |
               (uint64_t)(unsigned char)at[len - 1] << 8 * (len - 1);
    }
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t ct_hash(ct_span bytes, uint64_t seed)
{
    const uint64_t k0 = 0x9E3779B97F4A7C15ull, k1 = 0xD6E8FEB86659FD93ull, k2 = 0xA0761D6478BD642Full;
    const char *at = bytes.at;
    size_t left = bytes.len;
    uint64_t state = mix(seed ^ k0, k1 ^ bytes.len);
    while (left >= 16) {
        state = mix(ct_load_64(at) ^ k1, ct_load_64(at + 8) ^ state);
        at += 16;
        left -= 16;
    }
    uint64_t low, high;
    read_tail(at, left, &low, &high);
    return mix(mix(low ^ k2, high ^ state), k0 ^ bytes.len);
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------- */

/* Length of the well-formed sequence at `at` (1-4), 0 = ill-formed. */
static size_t sequence_length(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0];
    if (lead < 0x80) {
        return lead ? 1 : 0;
    }
    if (lead < 0xC2 || left < 2) {
        return 0;
    }
    if (lead < 0xE0) {
        return (at[1] & 0xC0) == 0x80 ? 2 : 0;
    }
    if (lead < 0xF0) {
        unsigned char low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
        return left >= 3 && at[1] >= low && at[1] <= high && (at[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (lead < 0xF5) {
        unsigned char low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
        return left >= 4 && at[1] >= low && at[1] <= high && (at[2] & 0xC0) == 0x80 && (at[3] & 0xC0) == 0x80 ? 4 : 0;
    }
    return 0;
}

/* How many bytes from `at` on are ASCII and not zero: stops early, but never behind one that is not. */
static size_t ascii_run(const char *at, size_t len)
{
    size_t i = 0;
#if defined(__SSE2__)
    for (const __m128i zero = _mm_setzero_si128(); len - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        unsigned other = (unsigned)_mm_movemask_epi8(_mm_or_si128(v, _mm_cmpeq_epi8(v, zero)));
        if (other) {
            return i + (size_t)__builtin_ctz(other);
        }
    }
#endif
    for (; len - i >= 8; i += 8) {
        uint64_t word = ct_load_64(at + i);
        if ((word | ((word - 0x0101010101010101ull) & ~word)) & 0x8080808080808080ull) {
            break;
        }
    }
    return i;
}

bool ct_utf8_valid(ct_span text, size_t *bad)
{
    size_t i = 0;
    while (i < text.len) {
        i += ascii_run(text.at + i, text.len - i);
        size_t length = i < text.len ? sequence_length((const unsigned char *)text.at + i, text.len - i) : 0;
        if (length == 0 && i < text.len) {
            if (bad) {
                *bad = i;
            }
            return false;
        }
        i += length;
    }
    return true;
}
