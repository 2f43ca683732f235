/* spill.h - items put into partitions, kept in memory up to a budget, then in one unlinked temporary file.
 *
 * This is what keeps an audit's memory independent of its input: messages wait here by conversation, closed
 * conversations by customer. Any number of writers (one a thread) put; after all have flushed, partitions are
 * loaded one by one, each by any thread. The order of items inside a partition is not defined: callers group and
 * sort by what the items say.
 */
#ifndef CT_SPILL_H
#define CT_SPILL_H

#include "engine/ct.h"

struct ct_spill;
struct ct_spill_writer;

/* writers: how many there will be; each fills one block a partition, and more of them fill smaller ones. memory_bytes:
 * what may stay in memory over all partitions. The file is made in TMPDIR (or /tmp) when first needed. */
struct ct_spill *ct_spill_new(unsigned partitions, unsigned writers, size_t memory_bytes);
/* A temporary file that goes with the process, in TMPDIR (or /tmp). -1 = *err says why (CT_IO). */
int ct_spill_file(struct ct_error *err);
/* All of them at `offset`, or CT_IO with *err. */
enum ct_status ct_spill_write(int file, const char *at, size_t left, uint64_t offset, struct ct_error *err) CT_MUST_USE;
void ct_spill_free(struct ct_spill *spill);
unsigned ct_spill_partitions(const struct ct_spill *spill);

struct ct_spill_writer *ct_spill_writer_new(struct ct_spill *spill);
/* Copies one item of `bytes` (a multiple of 8; its first uint32_t is `bytes`). CT_IO with *err where the temporary file
 * cannot be written, CT_NO_MEMORY. */
enum ct_status ct_spill_put(struct ct_spill_writer *writer, unsigned partition, const void *item, uint32_t bytes,
                            struct ct_error *err) CT_MUST_USE;
/* Room for an item that the caller fills at once: the same, without a copy. NULL = failed. */
void *ct_spill_reserve(struct ct_spill_writer *writer, unsigned partition, uint32_t bytes, struct ct_error *err);
/* Hands everything over and frees the writer. */
enum ct_status ct_spill_writer_done(struct ct_spill_writer *writer, struct ct_error *err) CT_MUST_USE;

/* Whole items, one after the other. */
struct ct_spill_block {
    struct ct_spill_block *next;
    char *at;             /* NULL = in the file; never of a block that was taken */
    uint64_t file_offset; /* private, as is capacity */
    uint32_t bytes, capacity;
    uint32_t items;
};
/* All items of a partition where they lie, in the order of *blocks; the partition is then empty. *blocks is NULL where
 * there is none, and is freed with ct_spill_blocks_free. Several threads may take different partitions at once. CT_IO,
 * CT_NO_MEMORY: nothing is left to free. */
enum ct_status ct_spill_take(struct ct_spill *spill, unsigned partition, struct ct_spill_block **blocks,
                             struct ct_error *err) CT_MUST_USE;
void ct_spill_blocks_free(struct ct_spill_block *blocks); /* NULL allowed */
size_t ct_spill_blocks_items(const struct ct_spill_block *blocks);

/* The same as one run of bytes, to be freed with free(). *bytes 0 and NULL where there is none. */
enum ct_status ct_spill_load(struct ct_spill *spill, unsigned partition, char **items, size_t *bytes,
                             struct ct_error *err) CT_MUST_USE;
/* Bytes that went to the temporary file so far. */
uint64_t ct_spill_file_bytes(const struct ct_spill *spill);

#endif
