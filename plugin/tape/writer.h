/* writer.h - the inside of a tape that is written: what tape.c (any thread), writer.c (its thread), recover.c (before
 * either) and keeper.c (the background) share.
 */
#ifndef CT_TAPE_WRITER_H
#define CT_TAPE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "plugin/tape/disk.h"
#include "plugin/tape/folder.h"
#include "plugin/tape/layout.h"

enum { CT_TAPE_EAGER_BYTES = 1 << 20 }; /* a group of this many bytes waits for no more frames */

/* Frames that wait, packed and not yet sealed, one behind the other. */
struct ct_tape_chunk {
    struct ct_tape_chunk *next;
    size_t used, capacity; /* bytes of at[] */
    size_t begin;          /* writer: committed before here */
    uint32_t frames;       /* in it */
    unsigned char at[];
};

enum ct_tape_mood {
    CT_TAPE_BUSY,      /* the writer looks again by itself */
    CT_TAPE_IDLE,      /* it waits for a first frame */
    CT_TAPE_GATHERING, /* it waits for the group to be full, or old enough */
};

struct ct_tape {
    struct ct_tape_options options; /* defaults filled in; `folder` is ours */
    const struct ct_tape_disk *disk;
    int folder, lock_file;
    size_t chunk_bytes;

    pthread_mutex_t lock;
    pthread_cond_t wake;    /* the writer */
    pthread_cond_t settled; /* who flushes: something was committed, or failed */
    pthread_cond_t chores;  /* the keeper */
    /* under the lock */
    enum ct_tape_mood mood;
    struct ct_tape_chunk *first, *last; /* appended, not yet the writer's */
    uint32_t gathered_frames;           /* in them */
    size_t gathered_bytes;
    struct ct_tape_chunk *spare; /* emptied */
    unsigned spare_count;
    size_t waiting_bytes; /* memory of all chunks that hold what is not committed */
    uint64_t end;         /* position of the next frame */
    bool stop, flush_now;
    uint64_t attempts_failed;
    struct ct_segment_list segments; /* the last one is being written */
    bool chore;                      /* something may have become due for the keeper */
    struct ct_tape_stats stats;      /* what counts; positions and lists are added when asked */
    _Atomic uint64_t committed, keep_from, left_out, refused_long;

    /* the writer's own */
    struct ct_tape_chunk *held, *held_last; /* taken, not committed */
    int file;                               /* -1 = the next frame begins a segment */
    struct ct_segment_head head;
    uint64_t segment_used; /* bytes of committed frames in the file */
    bool folder_unsynced;  /* the file is new in the folder */
    pthread_t writer, keeper;
    bool has_keeper;
};

/* recover.c: finds the end, cuts a torn tail, goes on with the last segment if it can. */
enum ct_status ct_tape_recover(struct ct_tape *tape, struct ct_tape_opened *opened, struct ct_error *err) CT_MUST_USE;
void *ct_tape_writer_run(void *tape);
void *ct_tape_keeper_run(void *tape);

#endif
