/* spill.c - partitions in memory, then in a temporary file; see spill.h. */
#include "cli/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK_BYTES = 16 * 1024, BLOCK_BYTES_LEAST = 2048, OPEN_BYTES = 16 << 20 };

struct ct_spill_block { /* whole items, one after the other */
    struct ct_spill_block *next;
    char *at; /* NULL = in the file */
    uint64_t file_offset;
    uint32_t bytes, capacity;
    uint32_t items;
};

struct ct_spill {
    pthread_mutex_t lock;
    unsigned partitions;
    uint32_t block_bytes;
    size_t memory_bytes, memory_limit;
    int file;
    uint64_t file_bytes;
    struct ct_spill_block **blocks; /* by partition, in the order handed over */
    struct ct_spill_block **last;   /* by partition */
};

struct open_block {
    char *at;
    uint32_t used, capacity;
    uint32_t items;
};

struct ct_spill_writer {
    struct ct_spill *spill;
    struct open_block *open; /* by partition */
};

struct ct_spill *ct_spill_new(unsigned partitions, unsigned writers, size_t memory_bytes)
{
    struct ct_spill *spill = calloc(1, sizeof *spill);
    if (!spill) {
        return NULL;
    }
    spill->blocks = calloc(partitions, sizeof *spill->blocks);
    spill->last = calloc(partitions, sizeof *spill->last);
    if (!spill->blocks || !spill->last || pthread_mutex_init(&spill->lock, NULL) != 0) {
        free(spill->blocks);
        free(spill->last);
        free(spill);
        return NULL;
    }
    spill->partitions = partitions;
    size_t block = (size_t)OPEN_BYTES / ((size_t)partitions * (writers ? writers : 1)) & ~(size_t)1023;
    spill->block_bytes = (uint32_t)(block > BLOCK_BYTES         ? BLOCK_BYTES
                                    : block < BLOCK_BYTES_LEAST ? BLOCK_BYTES_LEAST
                                                                : block);
    spill->memory_limit = memory_bytes;
    spill->file = -1;
    return spill;
}

static void blocks_free(struct ct_spill_block *block)
{
    while (block) {
        struct ct_spill_block *next = block->next;
        free(block->at);
        free(block);
        block = next;
    }
}

void ct_spill_free(struct ct_spill *spill)
{
    if (!spill) {
        return;
    }
    for (unsigned i = 0; i < spill->partitions; i++) {
        blocks_free(spill->blocks[i]);
    }
    if (spill->file >= 0) {
        close(spill->file);
    }
    pthread_mutex_destroy(&spill->lock);
    free(spill->blocks);
    free(spill->last);
    free(spill);
}

unsigned ct_spill_partitions(const struct ct_spill *spill)
{
    return spill->partitions;
}

uint64_t ct_spill_file_bytes(const struct ct_spill *spill)
{
    return spill->file_bytes;
}

struct ct_spill_writer *ct_spill_writer_new(struct ct_spill *spill)
{
    struct ct_spill_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return NULL;
    }
    writer->spill = spill;
    writer->open = calloc(spill->partitions, sizeof *writer->open);
    if (!writer->open) {
        free(writer);
        return NULL;
    }
    return writer;
}

int ct_spill_file(struct ct_error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[512];
    if (!folder || !*folder || strlen(folder) > sizeof path - 32) {
        folder = "/tmp";
    }
    (void)snprintf(path, sizeof path, "%s/convtap-XXXXXX", folder);
    int file = mkostemp(path, O_CLOEXEC);
    if (file < 0) {
        (void)ct_error_set(err, CT_IO, "cannot make a temporary file in %s: %s; set TMPDIR to a folder with room",
                           folder, strerror(errno));
        return -1;
    }
    unlink(path); /* goes with the process */
    return file;
}

enum ct_status ct_spill_write(int file, const char *at, size_t left, uint64_t offset, struct ct_error *err)
{
    while (left) {
        ssize_t done = pwrite(file, at, left, (off_t)offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return ct_error_set(err, CT_IO, "cannot write the temporary file: %s; set TMPDIR to a folder with room",
                                strerror(errno));
        }
        at += done;
        left -= (size_t)done;
        offset += (uint64_t)done;
    }
    return CT_OK;
}

/* A block changes hands: into the list, and into the file where the memory is used up. */
static enum ct_status hand_over(struct ct_spill *spill, unsigned partition, struct open_block *open,
                                struct ct_error *err)
{
    if (!open->used) {
        free(open->at);
        *open = (struct open_block){0};
        return CT_OK;
    }
    struct ct_spill_block *block = calloc(1, sizeof *block);
    if (!block) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    block->bytes = open->used;
    block->capacity = open->capacity;
    block->items = open->items;
    block->at = open->at;
    enum ct_status status = CT_OK;
    bool to_file = false;
    pthread_mutex_lock(&spill->lock);
    if (spill->memory_bytes + open->capacity <= spill->memory_limit) {
        spill->memory_bytes += open->capacity;
    } else {
        spill->file = spill->file < 0 ? ct_spill_file(err) : spill->file;
        status = spill->file < 0 ? CT_IO : CT_OK;
        to_file = true;
        block->file_offset = spill->file_bytes;
        spill->file_bytes += block->bytes;
    }
    pthread_mutex_unlock(&spill->lock);
    if (to_file && status == CT_OK) {
        status = ct_spill_write(spill->file, block->at, block->bytes, block->file_offset, err);
        free(block->at);
        block->at = NULL;
    }
    pthread_mutex_lock(&spill->lock);
    *(spill->last[partition] ? &spill->last[partition]->next : &spill->blocks[partition]) = block;
    spill->last[partition] = block;
    pthread_mutex_unlock(&spill->lock);
    *open = (struct open_block){0};
    return status;
}

void *ct_spill_reserve(struct ct_spill_writer *writer, unsigned partition, uint32_t bytes, struct ct_error *err)
{
    struct open_block *open = &writer->open[partition];
    if (bytes > open->capacity - open->used) {
        if (open->at && hand_over(writer->spill, partition, open, err) != CT_OK) {
            return NULL;
        }
        uint32_t block = writer->spill->block_bytes;
        open->capacity = bytes > block ? bytes : block;
        open->at = malloc(open->capacity);
        if (!open->at) {
            *open = (struct open_block){0};
            ct_error_set(err, CT_NO_MEMORY, "out of memory");
            return NULL;
        }
    }
    void *at = open->at + open->used;
    open->used += bytes;
    open->items++;
    return at;
}

enum ct_status ct_spill_put(struct ct_spill_writer *writer, unsigned partition, const void *item, uint32_t bytes,
                            struct ct_error *err)
{
    void *at = ct_spill_reserve(writer, partition, bytes, err);
    if (!at) {
        return err && err->status ? err->status : CT_NO_MEMORY;
    }
    memcpy(at, item, bytes);
    return CT_OK;
}

enum ct_status ct_spill_writer_done(struct ct_spill_writer *writer, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    if (!writer) {
        return CT_OK;
    }
    for (unsigned i = 0; i < writer->spill->partitions; i++) {
        enum ct_status one = hand_over(writer->spill, i, &writer->open[i], err);
        status = status == CT_OK ? one : status;
    }
    free(writer->open);
    free(writer);
    return status;
}

static enum ct_status read_all(int file, char *at, size_t left, uint64_t offset, struct ct_error *err)
{
    while (left) {
        ssize_t done = pread(file, at, left, (off_t)offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return ct_error_set(err, CT_IO, "cannot read the temporary file back: %s",
                                done ? strerror(errno) : "it ended early");
        }
        at += done;
        left -= (size_t)done;
        offset += (uint64_t)done;
    }
    return CT_OK;
}

static size_t bytes_of(const struct ct_spill_block *block)
{
    size_t total = 0;
    for (; block; block = block->next) {
        total += block->bytes;
    }
    return total;
}

/* Reads what is in the file; *from_memory = what the others hold. */
static enum ct_status fetch(const struct ct_spill *spill, struct ct_spill_block *blocks, size_t *from_memory,
                            struct ct_error *err)
{
    enum ct_status status = CT_OK;
    for (struct ct_spill_block *block = blocks; block && status == CT_OK; block = block->next) {
        if (block->at) {
            *from_memory += block->capacity;
        } else if ((block->at = malloc(block->bytes))) {
            status = read_all(spill->file, block->at, block->bytes, block->file_offset, err);
        } else {
            status = ct_error_set(err, CT_NO_MEMORY, "out of memory: one partition of the input needs %zu bytes",
                                  bytes_of(blocks));
        }
    }
    return status;
}

enum ct_status ct_spill_take(struct ct_spill *spill, unsigned partition, struct ct_spill_items *items,
                             struct ct_error *err)
{
    struct ct_spill_block *blocks = spill->blocks[partition];
    size_t from_memory = 0;
    *items = (struct ct_spill_items){0};
    enum ct_status status = fetch(spill, blocks, &from_memory, err);
    spill->blocks[partition] = spill->last[partition] = NULL;
    pthread_mutex_lock(&spill->lock); /* others may use it from here on */
    spill->memory_bytes -= from_memory < spill->memory_bytes ? from_memory : spill->memory_bytes;
    pthread_mutex_unlock(&spill->lock);
    if (status != CT_OK) {
        blocks_free(blocks);
        return status;
    }
    items->blocks = blocks;
    items->block = blocks;
    for (; blocks; blocks = blocks->next) {
        items->count += blocks->items;
    }
    return CT_OK;
}

void *ct_spill_items_next(struct ct_spill_items *items)
{
    if (!items->block) {
        return NULL;
    }
    char *item = items->block->at + items->at;
    uint32_t bytes;
    memcpy(&bytes, item, sizeof bytes);
    items->at += bytes;
    if (items->at >= items->block->bytes) {
        items->block = items->block->next;
        items->at = 0;
    }
    return item;
}

void ct_spill_items_free(struct ct_spill_items *items)
{
    blocks_free(items->blocks);
    *items = (struct ct_spill_items){0};
}
