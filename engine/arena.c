/* arena.c - bump allocation in blocks; see arena.h. */
#include "engine/arena.h"

#include <stdlib.h>

struct ct_arena_block {
    struct ct_arena_block *older;
    size_t bytes; /* behind this head */
};

enum { DEFAULT_BLOCK_BYTES = 4096, ALIGNMENT = 8 };

void ct_arena_init(struct ct_arena *arena, size_t block_bytes, size_t limit_bytes)
{
    *arena =
        (struct ct_arena){.block_bytes = block_bytes ? block_bytes : DEFAULT_BLOCK_BYTES, .limit_bytes = limit_bytes};
}

void ct_arena_done(struct ct_arena *arena)
{
    struct ct_arena_block *block = arena->blocks;
    while (block) {
        struct ct_arena_block *older = block->older;
        free(block);
        block = older;
    }
    ct_arena_init(arena, arena->block_bytes, arena->limit_bytes);
}

void ct_arena_reset(struct ct_arena *arena)
{
    struct ct_arena_block *keep = arena->blocks;
    if (!keep) {
        return;
    }
    while (keep->older) { /* the first block is kept: it has the ordinary size unless it held one big thing */
        struct ct_arena_block *older = keep->older;
        free(keep);
        keep = older;
    }
    arena->blocks = keep;
    arena->next = (char *)(keep + 1);
    arena->end = arena->next + keep->bytes;
    arena->used_bytes = 0;
}

void *ct_arena_alloc(struct ct_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - ALIGNMENT - sizeof(struct ct_arena_block)) {
        return NULL;
    }
    size_t rounded = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena->limit_bytes && rounded > arena->limit_bytes - arena->used_bytes) {
        return NULL;
    }
    if (!arena->next || rounded > (size_t)(arena->end - arena->next)) {
        size_t size = rounded > arena->block_bytes ? rounded : arena->block_bytes;
        struct ct_arena_block *block = malloc(sizeof *block + size);
        if (!block) {
            return NULL;
        }
        block->older = arena->blocks;
        block->bytes = size;
        arena->blocks = block;
        arena->next = (char *)(block + 1);
        arena->end = arena->next + size;
    }
    void *at = arena->next;
    arena->next += rounded;
    arena->used_bytes += rounded;
    return at;
}

void *ct_arena_zalloc(struct ct_arena *arena, size_t bytes)
{
    void *at = ct_arena_alloc(arena, bytes);
    if (at) {
        memset(at, 0, bytes);
    }
    return at;
}

ct_span ct_arena_copy(struct ct_arena *arena, ct_span bytes, bool *ok)
{
    char *at = ct_arena_alloc(arena, bytes.len + 1);
    if (!at) {
        if (ok) {
            *ok = false;
        }
        return CT_SPAN_NONE;
    }
    if (bytes.len) {
        memcpy(at, bytes.at, bytes.len);
    }
    at[bytes.len] = '\0';
    if (ok) {
        *ok = true;
    }
    return (ct_span){at, bytes.len};
}
