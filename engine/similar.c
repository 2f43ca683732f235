/* similar.c - whether the same was asked before: sets of token hashes and their Jaccard index (score.h).
 *
 * Of a text with more than CT_TOKENS_MAX different tokens the smallest hashes are kept: the same choice for the same
 * words, whatever their order, so that two long texts stay comparable.
 */
#include "engine/key_edges.h"
#include "engine/score.h"
#include "engine/word.h"

enum { TOKEN_BYTES_MIN = 3, TOKENS_LEAST = 2 };

static bool has_digit(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] >= '0' && at[i] <= '9') {
            return true;
        }
    }
    return false;
}

static bool holds(const struct ct_tokens_set *set, uint32_t hash)
{
    if (!(set->bits >> (hash & 63) & 1)) {
        return false;
    }
    for (unsigned i = 0; i < set->count; i++) {
        if (set->hash[i] == hash) {
            return true;
        }
    }
    return false;
}

static void add(struct ct_tokens_set *out, uint32_t hash)
{
    if (holds(out, hash)) {
        return;
    }
    if (out->count < CT_TOKENS_MAX) {
        out->hash[out->count++] = hash;
    } else { /* in the place of the greatest, where it is smaller */
        unsigned greatest = 0;
        for (unsigned i = 1; i < CT_TOKENS_MAX; i++) {
            greatest = out->hash[i] > out->hash[greatest] ? i : greatest;
        }
        if (hash >= out->hash[greatest]) {
            return;
        }
        out->hash[greatest] = hash;
    }
    out->bits |= 1ull << (hash & 63);
}

static inline void add_word(struct ct_tokens_set *out, const char *at, size_t len)
{
    if (len >= TOKEN_BYTES_MIN || has_digit(at, len)) {
        add(out, ct_key_word_hash(at, len));
    }
}

void ct_tokens_of(const struct ct_folded *text, struct ct_tokens_set *out)
{
    const char *open = NULL; /* a word that goes on in the next sixty-four */
    out->count = 0;
    out->bits = 0;
    for (struct ct_key_edges edges = ct_key_edges_of(text); ct_key_edges_next(&edges);) {
        const char *at = text->key + edges.base;
        uint64_t begins = edges.begins, ends = edges.ends;
        if (open && ends) {
            add_word(out, open, (size_t)(at + __builtin_ctzll(ends) - open));
            ends &= ends - 1;
            open = NULL;
        }
        for (; ends; ends &= ends - 1, begins &= begins - 1) {
            unsigned begin = (unsigned)__builtin_ctzll(begins);
            add_word(out, at + begin, (unsigned)__builtin_ctzll(ends) - begin);
        }
        if (begins) {
            open = at + __builtin_ctzll(begins);
        }
    }
    if (out->count == CT_TOKENS_MAX) { /* without the bits of those that had to go */
        out->bits = 0;
        for (unsigned i = 0; i < out->count; i++) {
            out->bits |= 1ull << (out->hash[i] & 63);
        }
    }
}

unsigned ct_tokens_similarity(const struct ct_tokens_set *a, const struct ct_tokens_set *b)
{
    unsigned both = 0;
    if (a->count < TOKENS_LEAST || b->count < TOKENS_LEAST) {
        return 0;
    }
    for (unsigned i = 0; i < a->count; i++) {
        both += holds(b, a->hash[i]);
    }
    return both * 100 / ((unsigned)a->count + b->count - both);
}

bool ct_tokens_similar(const struct ct_tokens_set *a, const struct ct_tokens_set *b, unsigned percent)
{
    /* Each bit that one set has and the other lacks is a token that they do not share: a bound on what they can. */
    unsigned only_a = (unsigned)__builtin_popcountll(a->bits & ~b->bits);
    unsigned only_b = (unsigned)__builtin_popcountll(b->bits & ~a->bits);
    unsigned most_a = a->count - only_a, most_b = b->count - only_b, most = most_a < most_b ? most_a : most_b;
    if (a->count < TOKENS_LEAST || b->count < TOKENS_LEAST ||
        most * 100 < percent * ((unsigned)a->count + b->count - most)) {
        return percent == 0;
    }
    return ct_tokens_similarity(a, b) >= percent;
}
