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

/* A partition's items, where they lie. */
struct ct_spill_items {
    size_t count;
    struct ct_spill_block *blocks; /* private, as is the rest */
    const struct ct_spill_block *block;
    uint32_t at;
};
/* All items of a partition; it is then empty. Several threads may take different partitions at once. CT_IO,
 * CT_NO_MEMORY: there is none, and nothing to free. */
enum ct_status ct_spill_take(struct ct_spill *spill, unsigned partition, struct ct_spill_items *items,
                             struct ct_error *err) CT_MUST_USE;
/* One after the other, each once; NULL = no more. They stay until ct_spill_items_free. */
void *ct_spill_items_next(struct ct_spill_items *items);
void ct_spill_items_free(struct ct_spill_items *items);

/* Bytes that went to the temporary file so far. */
uint64_t ct_spill_file_bytes(const struct ct_spill *spill);

#endif
