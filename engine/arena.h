/* arena.h - bump allocation that is freed as a whole: a conversation, a ruleset or a chunk owns one.
 *
 * No per-object free. Not thread-safe. Every allocation can fail (NULL), and a limit in bytes makes
 * hostile input fail early. ct_arena_reset keeps the first block, so a reused arena stops allocating.
 */
#ifndef CT_ARENA_H
#define CT_ARENA_H

#include "engine/ct.h"

struct ct_arena_block;
struct ct_arena {
    struct ct_arena_block *blocks; /* newest first */
    char *next, *end;
    size_t block_bytes; /* size of an ordinary block */
    size_t used_bytes;  /* handed out since init or reset */
    size_t limit_bytes; /* 0 = none */
};

/* No allocation yet. block_bytes 0 = 4096. */
void ct_arena_init(struct ct_arena *arena, size_t block_bytes, size_t limit_bytes);
void ct_arena_done(struct ct_arena *arena);
/* Forgets everything, keeps one block. */
void ct_arena_reset(struct ct_arena *arena);
/* 8-byte aligned, not cleared. NULL = out of memory or over the limit. bytes may be 0. */
void *ct_arena_alloc(struct ct_arena *arena, size_t bytes) CT_MUST_USE;
void *ct_arena_zalloc(struct ct_arena *arena, size_t bytes) CT_MUST_USE;
/* Copies; the copy is NUL-terminated (not counted in len). {NULL, 0} with *ok=false on failure. */
ct_span ct_arena_copy(struct ct_arena *arena, ct_span bytes, bool *ok);

#endif
