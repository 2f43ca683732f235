/* key_edges.h - where words begin and end in a key view, sixty-four bytes at a time: for what runs on every message
 * (prefilter.c, similar.c).
 */
#ifndef CT_KEY_EDGES_H
#define CT_KEY_EDGES_H

#include "engine/fold.h"

struct ct_key_edges {
    const uint64_t *blanks;
    size_t base, len;
    uint64_t begins, ends; /* bit i: byte base+i is the first of a word, or the blank behind one */
    uint64_t last;         /* whether the byte before `base` is a blank */
};

/* Before the first ct_key_edges_next. The blanks are borrowed. */
static inline struct ct_key_edges ct_key_edges_of(const struct ct_folded *folded)
{
    return (struct ct_key_edges){.blanks = folded->blanks, .base = (size_t)0 - 64, .len = folded->text.len, .last = 1};
}

/* The next sixty-four, the blank behind the text included; false = no more. */
CT_MUST_USE static inline bool ct_key_edges_next(struct ct_key_edges *edges)
{
    edges->base += 64;
    if (edges->base > edges->len)
        return false;
    uint64_t blanks = edges->blanks[edges->base / 64], before = (blanks << 1) | edges->last;
    edges->begins = ~blanks & before;
    edges->ends = blanks & ~before;
    edges->last = blanks >> 63;
    return true;
}

#endif
