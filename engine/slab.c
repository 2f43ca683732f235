/* slab.c - blocks of 256 KiB cut into pieces of one size each; see slab.h. Used by pipeline_bag.c. */
#include "engine/slab.h"

#include <stdlib.h>

enum { BLOCK_BYTES = 1 << (CT_SLAB_UNIT_BITS + 4), NUMBERS_MAX = (1 << (32 - CT_SLAB_UNIT_BITS)) - 2 };

static const uint16_t classes[CT_SLAB_CLASSES] = {64,  96,   128,  160,  192,  256,  384, 512,
                                                  768, 1024, 1536, 2048, 2720, 3072, 4096};

struct ct_slab_block {
    uint32_t next, previous; /* blocks + 1 of the same class that have room */
    uint16_t free;           /* unit + 1 of the first piece given back; they are chained through their first bytes */
    uint16_t used, carved, most;
    uint8_t class;
};

static unsigned class_of(size_t bytes)
{
    unsigned class = 0;
    while (classes[class] < bytes) {
        class ++;
    }
    return class;
}

size_t ct_slab_class(size_t bytes)
{
    return classes[class_of(bytes)];
}

size_t ct_slab_size(const struct ct_slab *slab, uint32_t piece)
{
    return classes[slab->blocks[(piece >> CT_SLAB_UNIT_BITS) - 1].class];
}

void ct_slab_done(struct ct_slab *slab)
{
    for (uint32_t i = 0; i < slab->block_count; i++) {
        free(slab->bases[i]);
    }
    free(slab->spare);
    free(slab->bases);
    free(slab->blocks);
    *slab = (struct ct_slab){0};
}

static bool number_room(struct ct_slab *slab)
{
    if (slab->free_number || slab->block_count < slab->block_capacity) {
        return true;
    }
    uint32_t capacity = slab->block_capacity ? slab->block_capacity * 2 : 64;
    if (capacity > NUMBERS_MAX) {
        return false;
    }
    char **bases = realloc(slab->bases, capacity * sizeof *bases);
    slab->bases = bases ? bases : slab->bases;
    struct ct_slab_block *blocks = realloc(slab->blocks, capacity * sizeof *blocks);
    slab->blocks = blocks ? blocks : slab->blocks;
    if (!bases || !blocks) {
        return false;
    }
    slab->block_capacity = capacity;
    return true;
}

static void link_partial(struct ct_slab *slab, uint32_t number)
{
    struct ct_slab_block *block = &slab->blocks[number];
    uint32_t first = slab->partial[block->class];
    block->next = first;
    block->previous = 0;
    if (first) {
        slab->blocks[first - 1].previous = number + 1;
    }
    slab->partial[block->class] = number + 1;
}

static void unlink_partial(struct ct_slab *slab, uint32_t number)
{
    struct ct_slab_block *block = &slab->blocks[number];
    if (block->previous) {
        slab->blocks[block->previous - 1].next = block->next;
    } else {
        slab->partial[block->class] = block->next;
    }
    if (block->next) {
        slab->blocks[block->next - 1].previous = block->previous;
    }
}

/* A block of this class with room, behind slab->partial. */
static bool add_block(struct ct_slab *slab, unsigned class)
{
    if (!number_room(slab)) {
        return false;
    }
    char *base = slab->spare ? slab->spare : malloc(BLOCK_BYTES);
    if (!base) {
        return false;
    }
    slab->bytes += slab->spare ? 0 : BLOCK_BYTES;
    slab->spare = NULL;
    uint32_t number;
    if (slab->free_number) {
        number = slab->free_number - 1;
        slab->free_number = slab->blocks[number].next;
    } else {
        number = slab->block_count++;
    }
    slab->bases[number] = base;
    slab->blocks[number] =
        (struct ct_slab_block){.class = (uint8_t) class, .most = (uint16_t)(BLOCK_BYTES / classes[class])};
    link_partial(slab, number);
    return true;
}

uint32_t ct_slab_take(struct ct_slab *slab, size_t bytes)
{
    unsigned class = class_of(bytes);
    if (!slab->partial[class] && !add_block(slab, class)) {
        return 0;
    }
    uint32_t number = slab->partial[class] - 1;
    struct ct_slab_block *block = &slab->blocks[number];
    uint32_t unit;
    if (block->free) {
        unit = block->free - 1u;
        memcpy(&block->free, slab->bases[number] + (size_t)unit * CT_SLAB_UNIT, sizeof block->free);
    } else {
        unit = (uint32_t)block->carved++ * (classes[class] / CT_SLAB_UNIT);
    }
    if (++block->used == block->most) {
        unlink_partial(slab, number);
    }
    return (number + 1) << CT_SLAB_UNIT_BITS | unit;
}

void ct_slab_give(struct ct_slab *slab, uint32_t piece)
{
    uint32_t number = (piece >> CT_SLAB_UNIT_BITS) - 1, unit = piece & CT_SLAB_UNIT_MASK;
    struct ct_slab_block *block = &slab->blocks[number];
    if (block->used-- == block->most) {
        link_partial(slab, number);
    }
    if (block->used) {
        memcpy(slab->bases[number] + (size_t)unit * CT_SLAB_UNIT, &block->free, sizeof block->free);
        block->free = (uint16_t)(unit + 1);
        return;
    }
    unlink_partial(slab, number);
    if (slab->spare) {
        free(slab->bases[number]);
        slab->bytes -= BLOCK_BYTES;
    } else {
        slab->spare = slab->bases[number];
    }
    slab->bases[number] = NULL;
    block->next = slab->free_number;
    slab->free_number = number + 1;
}
