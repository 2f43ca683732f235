/* tape.h - the tape: everything that the tap saw, append-only, checksummed, in segments.
 *
 * A frame is one thing seen (data), the passing of time (tick), or what it is judged by (setup). A frame's position is
 * a byte offset in the whole tape since it began; a segment's file name is the position of its first byte. The tape
 * holds inputs alone, never results: replaying it gives the results again, byte for byte.
 *
 *   any thread -> ct_tape_append -> bounded buffer -> writer thread -> segment file -> fdatasync -> committed position
 *
 * On disk: docs/tape.md. One writer a folder (a lock file); any number of readers.
 */
#ifndef CT_TAPE_H
#define CT_TAPE_H

#include "engine/pipeline.h"

enum ct_tape_kind {
    CT_TAPE_DATA = 1, /* bytes as they came */
    CT_TAPE_TICK = 2, /* `at` has come, nothing else happened */
    CT_TAPE_SETUP = 3 /* from here on conversations begin under this setup: `bytes` is the packed setup */
};

/* One frame. Spans are borrowed: of an append until it returns, of a reading until the next reading. Each name has at
 * most 255 bytes, bytes at most CT_TAPE_BYTES_MAX. */
struct ct_tape_entry {
    enum ct_tape_kind kind;
    enum ct_direction direction; /* DATA */
    ct_usec at;                  /* when it came, by the tap's clock */
    ct_span source;              /* DATA: the configured source, "webchat" */
    ct_span format;              /* DATA: the parser's name; empty = the source's own, as the setup says */
    ct_span stream;              /* DATA: the sender's stream (ingest), the connection (relay); empty = none */
    uint64_t sequence;           /* DATA: number in the stream, 1, 2, ...; 0 = not numbered */
    ct_span target;              /* DATA: of HTTP: "POST /v19.0/1234/messages"; empty = none */
    ct_span bytes;
};
#define CT_TAPE_BYTES_MAX (32u << 20)

/* ---- writing ---- */

struct ct_tape_options {
    const char *folder;     /* made where it is missing (0700) */
    ct_usec commit_usec;    /* fdatasync after at most this long; 0 = 20 ms */
    uint32_t commit_frames; /* or this many frames; 0 = 200 */
    uint64_t segment_bytes; /* a new segment after this many; 0 = 64 MiB */
    ct_usec keep_usec;      /* closed segments older than this are removed; 0 = kept */
    uint64_t keep_bytes;    /* and the oldest ones where all are more than this; 0 = no limit */
    size_t buffer_bytes;    /* what may wait for the writer; 0 = 64 MiB */
    bool compress;          /* closed segments by zstd, in the background */
    ct_usec (*now)(void);   /* wall clock, for ages; the caller's */
    /* From the writer thread after each commit; must be quick. May be NULL. */
    void (*committed)(void *context, uint64_t position);
    void *committed_context;
    /* Before a DATA frame is written: may shorten or overwrite *entry's bytes (a copy, `capacity` bytes from
     * entry->bytes.at on). false = leave the frame out (counted); a numbered one stays, without bytes. May be NULL.
     * Called under no lock but from the appending thread. */
    bool (*redact)(void *context, struct ct_tape_entry *entry, char *copy);
    void *redact_context;
};

struct ct_tape_opened {
    uint64_t begin;     /* oldest position there is */
    uint64_t end;       /* where the next frame goes */
    uint64_t cut_bytes; /* torn tail that recovery cut off */
    uint64_t segments;
};

struct ct_tape_stats {
    uint64_t frames, bytes, commits;       /* since it was opened */
    uint64_t refused_full, refused_failed; /* appends that were not taken: buffer full; the disk fails */
    uint64_t left_out;                     /* by the redact hook */
    uint64_t refused_long;                 /* a name or the bytes longer than a frame takes */
    uint64_t begin, end, committed;        /* positions */
    uint64_t disk_bytes, segments;
    uint64_t removed_segments; /* by retention */
    ct_usec longest_commit_usec;
    bool failing;      /* the last write failed; it is tried again */
    char problem[200]; /* why, "" = well */
};

struct ct_tape;
/* CT_IO (cannot write there, disk full), CT_LIMIT (another process writes it: its pid is said), CT_REFUSED (a file
 * there is no segment of ours). *err says file and remedy. */
enum ct_status ct_tape_open(const struct ct_tape_options *options, struct ct_tape **out, struct ct_tape_opened *opened,
                            struct ct_error *err) CT_MUST_USE;
/* Any thread; never blocks on the disk. *end (may be NULL) = the position behind the frame: once ct_tape_committed has
 * reached it, the frame is safe. CT_LIMIT: the buffer is full or the frame too long; CT_IO: the disk refuses. */
enum ct_status ct_tape_append(struct ct_tape *tape, const struct ct_tape_entry *entry, uint64_t *end) CT_MUST_USE;
uint64_t ct_tape_committed(const struct ct_tape *tape); /* any thread */
/* Waits until everything that was appended is committed. CT_IO: it cannot be. */
enum ct_status ct_tape_flush(struct ct_tape *tape) CT_MUST_USE;
/* Retention keeps everything from `position` on, whatever its age: open conversations need it. */
void ct_tape_keep_from(struct ct_tape *tape, uint64_t position);
void ct_tape_stats(struct ct_tape *tape, struct ct_tape_stats *out);
/* Commits what waits, unlocks. */
void ct_tape_close(struct ct_tape *tape);

/* ---- reading ---- */

struct ct_tape_reader;
/* From `position` (0 = the oldest there is; one that is no longer there = the oldest, *start says where). */
enum ct_status ct_tape_reader_open(const char *folder, uint64_t position, struct ct_tape_reader **out, uint64_t *start,
                                   struct ct_error *err) CT_MUST_USE;
/* The next frame that ends at or before `limit`: a position that ct_tape_committed gave (what is not whole before it is
 * damaged), or UINT64_MAX = all there is. *position where it begins, *end behind it.
 * CT_NOT_FOUND: none yet; ask again later. CT_REFUSED: something broken was passed over: *err names segment, position
 * and bytes; go on. CT_IO. */
enum ct_status ct_tape_reader_next(struct ct_tape_reader *reader, uint64_t limit, struct ct_tape_entry *entry,
                                   uint64_t *position, uint64_t *end, struct ct_error *err) CT_MUST_USE;
void ct_tape_reader_close(struct ct_tape_reader *reader);

/* CRC32C (Castagnoli), with the processor's instruction where it has one. */
uint32_t ct_crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
