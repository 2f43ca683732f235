/* prefilter_table.h - the tables of a prefilter; private to prefilter*.c.
 */
#ifndef CT_PREFILTER_TABLE_H
#define CT_PREFILTER_TABLE_H

#include "engine/prefilter.h"

/* What is hashed: bytes from the blank before the first word on, from the blank before any word on, bytes up to the
 * blank behind a word, or bytes anywhere. */
enum gram_kind {
    GRAM_FIRST2,
    GRAM_FIRST3,
    GRAM_FIRST4,
    GRAM_FIRST6,
    GRAM_WORD3,
    GRAM_WORD4,
    GRAM_WORD6,
    GRAM_END4,
    GRAM_END6,
    GRAM_ANY3,
    GRAM_ANY4,
    GRAM_KINDS,
    GRAM_WORDS = GRAM_ANY3 /* those before it are at word edges */
};

/* What every place of its sort is tested against before anything else is done there: the bytes at a word's beginning
 * (its blank and three, or two), at its end (three and its blank), or anywhere. */
enum sieve_kind { SIEVE_BEGIN, SIEVE_BEGIN3, SIEVE_END, SIEVE_ANY3, SIEVE_ANY4, SIEVE_KINDS, SIEVE_NONE = SIEVE_KINDS };

/* Where in a literal its gram is. */
struct gram {
    enum gram_kind kind;
    unsigned at;
    uint32_t hash;
    uint16_t sieved; /* the upper half of the hash of those of its bytes that the kind's sieve tests */
};

/* One literal, or the part of it that is compared. */
struct prefilter_entry {
    uint64_t low, high;              /* its bytes, zero-padded */
    uint8_t len;                     /* 3..16 */
    uint8_t gram_at;                 /* where in it the hashed bytes are */
    int8_t text_at;                  /* where the literal's text proper begins, from its first compared byte: -24..1 */
    uint32_t posting, posting_count; /* words from the beginning; patterns */
};

/* A pattern that is looked for by a literal, before it is packed. */
struct prefilter_posting {
    uint32_t pattern;
    uint32_t max_before; /* of the set that is looked for */
    uint32_t need;       /* of its other sets, in needs: their number of words in two, then the sets */
};

/* A packed posting: these words, then the marks of the pattern's first other set, which is all that is read of most. */
enum { POSTED_PATTERN = 0, POSTED_BEFORE = 2, POSTED_NEED = 4, POSTED_MARKS = 6, POSTED_HEAD = 7 };

/* A set in needs: these words, then a mark for each literal, then for each literal its hash (two words), the kind of
 * its gram, where its text begins from the gram's place on, and what the sieve tests. */
enum { NEED_COUNT = 0, NEED_BEFORE = 1, NEED_HEAD = 2, NEED_LITERAL = 5, MARK_BITS = 13 };
enum { LITERAL_HASH = 0, LITERAL_KIND = 2, LITERAL_TEXT = 3, LITERAL_SIEVED = 4 };
enum { KIND_FIRST = 16 };          /* in a literal's kind: of the first word alone */
#define NEED_ENDS 0x8000u          /* in the count: some gram is at the end of a word */
#define NEED_BEFORE_FAR UINT16_MAX /* no bound */

static inline uint32_t prefilter_pair(const uint16_t *words)
{
    return words[0] | (uint32_t)words[1] << 16;
}

static inline void prefilter_put_pair(uint16_t *words, uint32_t value)
{
    words[0] = (uint16_t)value;
    words[1] = (uint16_t)(value >> 16);
}

struct prefilter_table {
    uint64_t *bitmap;
    uint32_t *buckets; /* bucket b: entries [buckets[b], buckets[b+1]) */
    struct prefilter_entry *entries;
    uint32_t entry_count;
    unsigned bitmap_shift, bucket_shift;
};

/* A byte for each value of a hash's upper bits: 1 = some literal, looked for or needed, has such bytes. Small enough
 * for the first-level cache. */
struct prefilter_sieve {
    uint8_t *lets; /* NULL: it lets nothing through */
    unsigned shift;
};

struct ct_prefilter {
    struct prefilter_table tables[GRAM_KINDS];
    struct prefilter_sieve sieves[SIEVE_KINDS];
    bool looks_at_first, looks_at_ends; /* for literals of the first word, for ends of words */
    uint16_t *postings;                 /* packed */
    uint16_t *needs;
};

static inline uint64_t prefilter_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

#define PREFILTER_FACTOR 0x9E3779B97F4A7C15u

/* Hash of a gram's bytes, of the eight loaded: the others are shifted out, which differs with the byte order. */
static inline uint32_t prefilter_hash(uint64_t word, unsigned bytes)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (uint32_t)(((word << (64 - 8 * bytes)) * PREFILTER_FACTOR) >> 32);
#else
    return (uint32_t)(((word >> (64 - 8 * bytes)) * PREFILTER_FACTOR) >> 32);
#endif
}

/* The same of three or four bytes (four are read), at less cost: what is shifted out takes no part in the product. */
static inline uint32_t prefilter_hash_short(const char *at, unsigned bytes)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (word << (32 - 8 * bytes)) * (uint32_t)PREFILTER_FACTOR;
#else
    return (uint32_t)(((uint64_t)(word >> (32 - 8 * bytes)) * PREFILTER_FACTOR) >> 32);
#endif
}

static const unsigned prefilter_gram_bytes[GRAM_KINDS] = {2, 3, 4, 6, 3, 4, 6, 4, 6, 3, 4};

static const enum sieve_kind prefilter_sieve_of[GRAM_KINDS] = {SIEVE_NONE,   SIEVE_NONE,  SIEVE_NONE,  SIEVE_NONE,
                                                               SIEVE_BEGIN3, SIEVE_BEGIN, SIEVE_BEGIN, SIEVE_END,
                                                               SIEVE_END,    SIEVE_ANY3,  SIEVE_ANY4};

/* The part of a literal to hash: the rarest word beginning, the longer the better. */
struct gram ct_prefilter_gram(const struct ct_literal *literal);

#endif
