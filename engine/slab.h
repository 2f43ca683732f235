/* slab.h - many small pieces of memory out of large blocks, named by 32-bit numbers instead of pointers.
 *
 * For what waits in the live pipeline: a piece costs no header, a block whose last piece is given back goes back to the
 * system. Sizes are classes up to CT_SLAB_PIECE_MAX. Not thread-safe.
 */
#ifndef CT_SLAB_H
#define CT_SLAB_H

#include "engine/ct.h"

enum {
    CT_SLAB_UNIT = 16,
    CT_SLAB_UNIT_BITS = 14, /* of a piece's name: where in its block; the others: which block */
    CT_SLAB_UNIT_MASK = (1 << CT_SLAB_UNIT_BITS) - 1,
    CT_SLAB_PIECE_MAX = 4096,
    CT_SLAB_CLASSES = 15
};

struct ct_slab_block; /* slab.c */
struct ct_slab {
    char **bases; /* by block number; NULL = the number is free */
    struct ct_slab_block *blocks;
    uint32_t block_count, block_capacity, free_number;
    uint32_t partial[CT_SLAB_CLASSES]; /* block + 1: has room; 0 = none */
    char *spare;                       /* one empty block is kept */
    size_t bytes;                      /* of all blocks, the spare one included */
};

/* All zero to begin with. Frees everything, whatever was taken. */
void ct_slab_done(struct ct_slab *slab);
/* A piece of at least `bytes` (at most CT_SLAB_PIECE_MAX), 16-byte aligned, not cleared. 0 = out of memory. */
uint32_t ct_slab_take(struct ct_slab *slab, size_t bytes) CT_MUST_USE;
void ct_slab_give(struct ct_slab *slab, uint32_t piece);
/* What a piece of `bytes` really has. */
size_t ct_slab_class(size_t bytes);
size_t ct_slab_size(const struct ct_slab *slab, uint32_t piece);

/* Where the piece is: it never moves. */
static inline void *ct_slab_at(const struct ct_slab *slab, uint32_t piece)
{
    return slab->bases[(piece >> CT_SLAB_UNIT_BITS) - 1] + (size_t)(piece & CT_SLAB_UNIT_MASK) * CT_SLAB_UNIT;
}

#endif
