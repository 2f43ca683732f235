/* writer.c - the tape's thread: gathers a group, seals its frames, writes them, has the disk confirm them, says so.
 *
 * What was taken stays in memory until the disk has confirmed it. A failed write is cut back to the last confirmed
 * frame and tried again. A failed confirmation (fdatasync) is worse: the kernel may have dropped the pages and call
 * the next one a success, so those frames are written again into a new file, whose pages are new.
 */
#include "plugin/tape/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RUN_BYTES = 4 << 20, PARTS_MAX = 256, RETRY_MILLISECONDS = 500, SPARE_MAX = 16 };

static ct_usec steady_usec(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (ct_usec)now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

static struct timespec timespec_of(ct_usec usec)
{
    return (struct timespec){.tv_sec = usec / CT_USEC_PER_SECOND, .tv_nsec = usec % CT_USEC_PER_SECOND * 1000};
}

/* ---- failing ------------------------------------------------------------------------------------ */

static bool failed(struct ct_tape *tape, const char *what)
{
    int why = errno;
    pthread_mutex_lock(&tape->lock);
    tape->stats.failing = true;
    (void)snprintf(tape->stats.problem, sizeof tape->stats.problem, "cannot %s the tape in %.100s: %s", what,
                   tape->options.folder, strerror(why));
    tape->attempts_failed++;
    pthread_cond_broadcast(&tape->settled);
    pthread_mutex_unlock(&tape->lock);
    return false;
}

/* ---- segments ----------------------------------------------------------------------------------- */

/* The segment is closed; the next frame begins another one. */
static void segment_leave(struct ct_tape *tape)
{
    close(tape->file);
    tape->file = -1;
}

/* The segment's file is not to be trusted behind the last confirmed frame: what is there is cut off if it can be, and
 * does not count if it cannot, as the next segment begins before it. */
static void segment_abandon(struct ct_tape *tape)
{
    int why = errno;
    (void)tape->disk->truncate(tape->disk->context, tape->file, (int64_t)(CT_SEGMENT_BEGIN + tape->segment_used));
    segment_leave(tape);
    if (!tape->segment_used) { /* nothing confirmed in it: the next one has its name */
        char name[CT_SEGMENT_NAME];
        ct_segment_name(tape->head.base, CT_SEGMENT_RAW, name);
        (void)unlinkat(tape->folder, name, 0);
        pthread_mutex_lock(&tape->lock);
        if (tape->segments.count && tape->segments.at[tape->segments.count - 1].base == tape->head.base)
            tape->segments.count--;
        pthread_mutex_unlock(&tape->lock);
    }
    errno = why;
}

static uint32_t new_salt(struct ct_tape *tape)
{
    uint32_t salt;
    if (getrandom(&salt, sizeof salt, GRND_NONBLOCK) != (ssize_t)sizeof salt) /* early at boot: still not guessable */
        salt = (uint32_t)ct_hash((ct_span){(const char *)&tape, sizeof(void *)}, (uint64_t)steady_usec());
    return salt;
}

static ssize_t write_all(struct ct_tape *tape, struct iovec *parts, int count, int64_t offset)
{
    ssize_t all = 0;
    while (count) {
        ssize_t done = tape->disk->write(tape->disk->context, tape->file, parts, count, offset + all);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done ? errno : ENOSPC;
            return -1;
        }
        all += done;
        size_t left = (size_t)done;
        while (count && left >= parts->iov_len) {
            left -= parts->iov_len;
            parts++;
            count--;
        }
        if (count) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return all;
}

static bool segment_begin(struct ct_tape *tape)
{
    char name[CT_SEGMENT_NAME];
    unsigned char header[CT_SEGMENT_BEGIN];
    tape->head = (struct ct_segment_head){.base = atomic_load_explicit(&tape->committed, memory_order_relaxed),
                                          .created = tape->options.now(),
                                          .salt = new_salt(tape)};
    ct_segment_name(tape->head.base, CT_SEGMENT_RAW, name);
    tape->file = tape->disk->create(tape->disk->context, tape->folder, name);
    if (tape->file < 0 && errno == EEXIST && unlinkat(tape->folder, name, 0) == 0) /* an attempt; nothing confirmed */
        tape->file = tape->disk->create(tape->disk->context, tape->folder, name);
    if (tape->file < 0)
        return false;
    tape->segment_used = 0;
    tape->folder_unsynced = true;
    ct_segment_pack(&tape->head, header);
    struct iovec part = {header, sizeof header};
    struct ct_segment_file segment = {
        .base = tape->head.base, .disk_bytes = CT_SEGMENT_BEGIN, .created = tape->head.created, .raw = true};
    bool made = write_all(tape, &part, 1, 0) >= 0;
    pthread_mutex_lock(&tape->lock);
    made = made && ct_segment_list_add(&tape->segments, &segment) == CT_OK;
    tape->chore = true; /* the one before is closed now */
    pthread_cond_signal(&tape->chores);
    pthread_mutex_unlock(&tape->lock);
    if (!made)
        segment_abandon(tape);
    return made;
}

/* ---- writing ------------------------------------------------------------------------------------ */

struct run { /* whole frames, one behind the other, that go into one segment in one piece */
    struct iovec parts[PARTS_MAX];
    int count;
    uint64_t bytes, frames;
};

/* Takes as many of the held frames as the segment has room for. None = it is full. */
static void seal_run(struct ct_tape *tape, struct run *run)
{
    run->count = 0;
    run->bytes = run->frames = 0;
    for (struct ct_tape_chunk *chunk = tape->held; chunk && run->count < PARTS_MAX && run->bytes < RUN_BYTES;
         chunk = chunk->next) {
        size_t at = chunk->begin;
        while (at < chunk->used && run->bytes < RUN_BYTES) {
            uint32_t length = ct_frame_length(chunk->at + at);
            uint64_t before = tape->segment_used + run->bytes;
            if (before && before + length > tape->options.segment_bytes)
                break;
            ct_frame_seal(chunk->at + at, tape->head.salt, tape->head.base + before);
            at += length;
            run->bytes += length;
            run->frames++;
        }
        if (at > chunk->begin)
            run->parts[run->count++] = (struct iovec){chunk->at + chunk->begin, at - chunk->begin};
        if (at < chunk->used)
            break;
    }
}

/* Under the lock: the first `bytes` of what is held are on the disk. */
static void release(struct ct_tape *tape, uint64_t bytes)
{
    while (bytes) {
        struct ct_tape_chunk *chunk = tape->held;
        uint64_t here = chunk->used - chunk->begin;
        if (bytes < here) {
            chunk->begin += bytes;
            return;
        }
        bytes -= here;
        tape->held = chunk->next;
        tape->waiting_bytes -= chunk->capacity;
        if (chunk->capacity == tape->chunk_bytes && tape->spare_count < SPARE_MAX) {
            chunk->next = tape->spare;
            tape->spare = chunk;
            tape->spare_count++;
        } else {
            free(chunk);
        }
    }
}

static void publish(struct ct_tape *tape, const struct run *run, ct_usec took)
{
    tape->segment_used += run->bytes;
    uint64_t committed = tape->head.base + tape->segment_used;
    pthread_mutex_lock(&tape->lock);
    release(tape, run->bytes);
    tape->segments.at[tape->segments.count - 1].disk_bytes = CT_SEGMENT_BEGIN + tape->segment_used;
    tape->stats.frames += run->frames;
    tape->stats.bytes += run->bytes;
    tape->stats.commits++;
    if (took > tape->stats.longest_commit_usec)
        tape->stats.longest_commit_usec = took;
    if (tape->stats.failing)
        tape->stats.problem[0] = 0;
    tape->stats.failing = false;
    atomic_store_explicit(&tape->committed, committed, memory_order_release);
    pthread_cond_broadcast(&tape->settled);
    pthread_mutex_unlock(&tape->lock);
    if (tape->options.committed)
        tape->options.committed(tape->options.committed_context, committed);
}

/* One piece of what is held. false = it failed and is held still. */
static bool write_run(struct ct_tape *tape, struct run *run)
{
    ct_usec began = steady_usec();
    int64_t offset = (int64_t)(CT_SEGMENT_BEGIN + tape->segment_used);
    if (write_all(tape, run->parts, run->count, offset) < 0) {
        int why = errno;
        if (tape->disk->truncate(tape->disk->context, tape->file, offset) != 0)
            segment_abandon(tape);
        errno = why;
        return failed(tape, "write");
    }
    if (tape->disk->sync(tape->disk->context, tape->file) != 0) {
        segment_abandon(tape);
        return failed(tape, "commit");
    }
    if (tape->folder_unsynced && tape->disk->sync_folder(tape->disk->context, tape->folder) != 0) {
        segment_abandon(tape);
        return failed(tape, "commit a new segment of");
    }
    tape->folder_unsynced = false;
    publish(tape, run, steady_usec() - began);
    return true;
}

static bool write_held(struct ct_tape *tape)
{
    struct run run;
    while (tape->held) {
        if (tape->file < 0 && !segment_begin(tape))
            return failed(tape, "make a new segment of");
        seal_run(tape, &run);
        if (!run.count)
            segment_leave(tape);
        else if (!write_run(tape, &run))
            return false;
    }
    tape->held_last = NULL;
    return true;
}

/* ---- the thread --------------------------------------------------------------------------------- */

/* Under the lock: waits until there is a group to commit. */
static void gather(struct ct_tape *tape)
{
    while (!tape->first && !tape->stop) {
        tape->flush_now = false; /* there is nothing to flush */
        tape->mood = CT_TAPE_IDLE;
        pthread_cond_wait(&tape->wake, &tape->lock);
    }
    struct timespec until = timespec_of(steady_usec() + tape->options.commit_usec);
    while (!tape->stop && !tape->flush_now && tape->gathered_frames < tape->options.commit_frames &&
           tape->gathered_bytes < CT_TAPE_EAGER_BYTES) {
        tape->mood = CT_TAPE_GATHERING;
        if (pthread_cond_timedwait(&tape->wake, &tape->lock, &until) == ETIMEDOUT)
            break;
    }
    tape->mood = CT_TAPE_BUSY;
}

/* Under the lock: what was appended is the writer's now. */
static void take(struct ct_tape *tape)
{
    if (tape->first) {
        *(tape->held ? &tape->held_last->next : &tape->held) = tape->first;
        tape->held_last = tape->last;
        tape->first = tape->last = NULL;
        tape->gathered_frames = 0;
        tape->gathered_bytes = 0;
    }
    tape->flush_now = false;
}

static void wait_to_retry(struct ct_tape *tape)
{
    struct timespec until = timespec_of(steady_usec() + RETRY_MILLISECONDS * 1000);
    while (!tape->stop && !tape->flush_now) {
        if (pthread_cond_timedwait(&tape->wake, &tape->lock, &until) == ETIMEDOUT)
            return;
    }
}

void *ct_tape_writer_run(void *context)
{
    struct ct_tape *tape = context;
    pthread_mutex_lock(&tape->lock);
    for (;;) {
        if (!tape->held)
            gather(tape);
        take(tape);
        if (!tape->held)
            break; /* only to stop */
        pthread_mutex_unlock(&tape->lock);
        bool written = write_held(tape);
        pthread_mutex_lock(&tape->lock);
        if (!written && tape->stop)
            break; /* nobody was told that it is safe */
        if (!written)
            wait_to_retry(tape);
    }
    pthread_mutex_unlock(&tape->lock);
    return NULL;
}
