/* word.h - the words of a folded text, one after the other: for scores, language and similarity.
 */
#ifndef CT_WORD_H
#define CT_WORD_H

#include "engine/ct.h"
#include "engine/load.h"

/* The next run of letters, numbers and '_' at or after *at, an apostrophe between two of them included ("don't");
 * *at moves past it. Borrowed from `folded` (valid UTF-8). false = no more. */
CT_MUST_USE bool ct_word_next(ct_span folded, size_t *at, ct_span *word);
/* Code point at `at`, which is less than the length; *len = its bytes. */
uint32_t ct_word_char(ct_span folded, size_t at, size_t *len);

/* The quick way, for what runs on every message: words of the key view (fold.h: all but word characters is ' '), found
 * and hashed eight bytes at a time. "don't" is two words here. Same word, same hash, wherever it stands and on every
 * machine. false = no more. */
CT_MUST_USE static inline bool ct_key_word_next(ct_span key, size_t *at, ct_span *word, uint32_t *hash)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull, spaces = 0x2020202020202020ull;
    size_t i = *at;
    while (i < key.len && key.at[i] == ' ') {
        i++;
    }
    size_t begin = i;
    uint64_t sum = 0x9E3779B97F4A7C15ull;
    unsigned word_bits = 64;
    while (i < key.len && word_bits == 64) {
        uint64_t bytes = spaces;
        if (key.len - i >= 8) { /* one load */
            memcpy(&bytes, key.at + i, 8);
        } else {
            memcpy(&bytes, key.at + i, key.len - i);
        }
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        bytes = __builtin_bswap64(bytes);
#endif
        uint64_t gap = bytes ^ spaces, found = (gap - ones) & ~gap & highs; /* lowest set bit: the first space */
        word_bits = found ? (unsigned)__builtin_ctzll(found) & ~7u : 64;
        if (word_bits == 0) { /* the word filled the eight bytes before */
            break;
        }
        bytes = word_bits < 64 ? bytes & ((1ull << word_bits) - 1) : bytes;
        sum = (sum ^ bytes) * 0xD6E8FEB86659FD93ull;
        sum ^= sum >> 32;
        i += word_bits / 8;
    }
    *at = i;
    *word = (ct_span){key.at + begin, i - begin};
    *hash = (uint32_t)(sum >> 32);
    return i > begin;
}

/* The same hash of a word whose end is known. Seven bytes behind it are read. */
static inline uint32_t ct_key_word_hash(const char *at, size_t len)
{
    uint64_t sum = 0x9E3779B97F4A7C15ull;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t bytes = ct_load_64(at + i);
        if (len - i < 8) {
            bytes &= ~(uint64_t)0 >> (64 - (len - i) * 8);
        }
        sum = (sum ^ bytes) * 0xD6E8FEB86659FD93ull;
        sum ^= sum >> 32;
    }
    return (uint32_t)(sum >> 32);
}

#endif
