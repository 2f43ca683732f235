/* mutate.h - inputs that are nearly right, for the fuzz targets where they run as tests: edits as a hand or a broken
 * wire makes them, the same for the same seed. Included once by each target that has seeds.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct seed {
    char name[64]; /* "" where nobody asks for it */
    uint8_t *at;   /* heap */
    size_t len;
};

/* What mutations are made of. */
struct mutants {
    struct seed *seeds;
    size_t seed_count;
    const char *const *pieces; /* strings that mean something to who reads them; "" is one zero byte */
    size_t piece_count;
    size_t keep;      /* bytes at the beginning that stay as they are */
    size_t bytes_max; /* of an input */
};

static inline uint64_t roll(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15U; /* splitmix64 */
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27) * 0x94D049BB133111EBU;
    return x ^ x >> 31;
}

static inline size_t mutate_insert(uint8_t *out, size_t len, size_t at, const uint8_t *piece, size_t more, size_t most)
{
    if (more > most - len) {
        return len;
    }
    memmove(out + at + more, out + at, len - at);
    if (piece) { /* else what stands there comes twice */
        memcpy(out + at, piece, more);
    }
    return len + more;
}

/* From `at` on the end of another input. */
static inline size_t mutate_graft(const struct mutants *from, uint8_t *out, size_t len, size_t at, uint64_t *state)
{
    const struct seed *other = &from->seeds[roll(state) % from->seed_count];
    if (other->len <= from->keep) {
        return len;
    }
    size_t begin = from->keep + (size_t)(roll(state) % (other->len - from->keep)), take = other->len - begin;
    take = take < from->bytes_max - at ? take : from->bytes_max - at;
    memcpy(out + at, other->at + begin, take);
    return at + take;
}

/* One of the seeds, edited a few times, into `out`, which has bytes_max. Returns its length. */
static inline size_t mutate(const struct mutants *from, uint8_t *out, uint64_t *state)
{
    const struct seed *seed = &from->seeds[roll(state) % from->seed_count];
    size_t len = seed->len;
    memcpy(out, seed->at, len);
    for (uint64_t edits = 1 + roll(state) % 6; edits > 0 && len > from->keep; edits--) {
        size_t at = from->keep + (size_t)(roll(state) % (len - from->keep)), span = 1 + (size_t)(roll(state) % 24);
        span = span < len - at ? span : len - at;
        switch (roll(state) % 7) {
        case 0:
            out[at] ^= (uint8_t)(1U << roll(state) % 8);
            break;
        case 1:
            out[at] = (uint8_t)roll(state);
            break;
        case 2:
            memmove(out + at, out + at + span, len - at - span);
            len -= span;
            break;
        case 3:
            len = mutate_insert(out, len, at, NULL, span, from->bytes_max);
            break;
        case 4: {
            const char *piece = from->pieces[roll(state) % from->piece_count];
            size_t more = *piece ? strlen(piece) : 1;
            len = mutate_insert(out, len, at, (const uint8_t *)piece, more, from->bytes_max);
            break;
        }
        case 5: /* cut: seldom, as little is left of it */
            len = roll(state) % 3 ? len : at;
            break;
        default:
            len = mutate_graft(from, out, len, at, state);
            break;
        }
    }
    return len;
}

#endif
