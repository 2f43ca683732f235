/* tape.c - the tape's front: opening and closing, and what any thread may call: append, flush, stats.
 *
 * An append is one short section under the lock: the frame is packed into the chunk that is being filled. The checks
 * are computed by the writer thread (writer.c), which alone knows the segment that the frame will stand in.
 */
#include "plugin/tape/tape.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "plugin/tape/writer.h"

enum { CHUNK_BYTES = 256 * 1024, CHUNK_LEAST = 4096, COPY_BYTES = 8192 };

static ct_usec wall_clock(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (ct_usec)now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void options_fill(struct ct_tape_options *options)
{
    if (!options->commit_usec)
        options->commit_usec = 20000;
    if (!options->commit_frames)
        options->commit_frames = 200;
    if (!options->segment_bytes)
        options->segment_bytes = 64 << 20;
    if (!options->buffer_bytes)
        options->buffer_bytes = 64 << 20;
    if (!options->now)
        options->now = wall_clock;
}

/* Signals are for the program's own threads; without SIGXFSZ a file that grows too large is an error like others. */
static enum ct_status start_threads(struct ct_tape *tape, struct ct_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&tape->writer, NULL, ct_tape_writer_run, tape) == 0;
    if (started && (tape->options.compress || tape->options.keep_usec || tape->options.keep_bytes)) {
        tape->has_keeper = pthread_create(&tape->keeper, NULL, ct_tape_keeper_run, tape) == 0;
        if (!tape->has_keeper) {
            pthread_mutex_lock(&tape->lock);
            tape->stop = true;
            pthread_cond_signal(&tape->wake);
            pthread_mutex_unlock(&tape->lock);
            pthread_join(tape->writer, NULL);
            started = false;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started ? CT_OK : ct_error_set(err, CT_NO_MEMORY, "cannot start the tape's threads");
}

static void tape_free(struct ct_tape *tape)
{
    struct ct_tape_chunk *const lists[] = {tape->first, tape->held, tape->spare};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (struct ct_tape_chunk *chunk = lists[i], *next; chunk; chunk = next) {
            next = chunk->next;
            free(chunk);
        }
    }
    if (tape->file >= 0)
        close(tape->file);
    if (tape->lock_file >= 0) {
        (void)!ftruncate(tape->lock_file, 0); /* no one's number; the lock itself goes with the file */
        close(tape->lock_file);
    }
    if (tape->folder >= 0)
        close(tape->folder);
    ct_segment_list_done(&tape->segments);
    pthread_cond_destroy(&tape->chores);
    pthread_cond_destroy(&tape->settled);
    pthread_cond_destroy(&tape->wake);
    pthread_mutex_destroy(&tape->lock);
    free((char *)(uintptr_t)tape->options.folder);
    free(tape);
}

static struct ct_tape *tape_new(const struct ct_tape_options *options, const struct ct_tape_disk *disk)
{
    struct ct_tape *tape = calloc(1, sizeof *tape);
    if (!tape)
        return NULL;
    tape->options = *options;
    options_fill(&tape->options);
    tape->options.folder = strdup(options->folder ? options->folder : "");
    tape->disk = disk;
    tape->folder = tape->lock_file = tape->file = -1;
    size_t part = tape->options.buffer_bytes / 16;
    tape->chunk_bytes = part > CHUNK_BYTES ? CHUNK_BYTES : part < CHUNK_LEAST ? CHUNK_LEAST : part;
    atomic_init(&tape->keep_from, UINT64_MAX);
    atomic_init(&tape->committed, 0);
    atomic_init(&tape->left_out, 0);
    atomic_init(&tape->refused_long, 0);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&tape->lock, NULL);
    pthread_cond_init(&tape->wake, &monotonic);
    pthread_cond_init(&tape->settled, NULL);
    pthread_cond_init(&tape->chores, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!tape->options.folder) {
        tape_free(tape);
        return NULL;
    }
    return tape;
}

enum ct_status ct_tape_open_on(const struct ct_tape_options *options, const struct ct_tape_disk *disk,
                               struct ct_tape **out, struct ct_tape_opened *opened, struct ct_error *err)
{
    struct ct_tape_opened found = {0};
    *out = NULL;
    struct ct_tape *tape = tape_new(options, disk);
    if (!tape)
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    enum ct_status status = CT_IO;
    tape->folder = ct_folder_open(tape->options.folder, true, err);
    if (tape->folder >= 0)
        status = ct_folder_lock(tape->folder, tape->options.folder, &tape->lock_file, err);
    if (status == CT_OK)
        status = ct_tape_recover(tape, &found, err);
    if (status == CT_OK)
        status = start_threads(tape, err);
    if (status != CT_OK) {
        tape_free(tape);
        return status;
    }
    if (opened)
        *opened = found;
    *out = tape;
    return CT_OK;
}

enum ct_status ct_tape_open(const struct ct_tape_options *options, struct ct_tape **out, struct ct_tape_opened *opened,
                            struct ct_error *err)
{
    return ct_tape_open_on(options, &ct_tape_disk_real, out, opened, err);
}

void ct_tape_close(struct ct_tape *tape)
{
    if (!tape)
        return;
    pthread_mutex_lock(&tape->lock);
    tape->stop = true;
    pthread_cond_signal(&tape->wake);
    pthread_cond_signal(&tape->chores);
    pthread_mutex_unlock(&tape->lock);
    pthread_join(tape->writer, NULL);
    if (tape->has_keeper)
        pthread_join(tape->keeper, NULL);
    tape_free(tape);
}

/* ---- appending ---------------------------------------------------------------------------------- */

/* Room for a frame at the end of what waits; NULL = there is none, or no memory. */
static unsigned char *reserve(struct ct_tape *tape, uint32_t length)
{
    struct ct_tape_chunk *chunk = tape->last;
    if (!chunk || chunk->capacity - chunk->used < length) {
        size_t capacity = length > tape->chunk_bytes ? length : tape->chunk_bytes;
        /* One frame always has room, however small the buffer is. */
        if (tape->waiting_bytes && tape->waiting_bytes + capacity > tape->options.buffer_bytes)
            return NULL;
        if (capacity == tape->chunk_bytes && tape->spare) {
            chunk = tape->spare;
            tape->spare = chunk->next;
            tape->spare_count--;
        } else {
            chunk = malloc(sizeof *chunk + capacity);
            if (!chunk)
                return NULL;
        }
        *chunk = (struct ct_tape_chunk){.capacity = capacity};
        *(tape->last ? &tape->last->next : &tape->first) = chunk;
        tape->last = chunk;
        tape->waiting_bytes += capacity;
    }
    unsigned char *at = chunk->at + chunk->used;
    chunk->used += length;
    chunk->frames++;
    return at;
}

static enum ct_status too_long(struct ct_tape *tape)
{
    atomic_fetch_add_explicit(&tape->refused_long, 1, memory_order_relaxed);
    return CT_LIMIT;
}

static enum ct_status append_packed(struct ct_tape *tape, const struct ct_tape_entry *entry, uint64_t *end)
{
    uint32_t length = ct_frame_bytes(entry);
    if (!length)
        return too_long(tape);
    pthread_mutex_lock(&tape->lock);
    unsigned char *at = reserve(tape, length);
    if (!at) {
        bool failing = tape->stats.failing;
        *(failing ? &tape->stats.refused_failed : &tape->stats.refused_full) += 1;
        pthread_mutex_unlock(&tape->lock);
        return failing ? CT_IO : CT_LIMIT;
    }
    ct_frame_pack(entry, length, at);
    tape->end += length;
    if (end)
        *end = tape->end;
    tape->gathered_frames++;
    tape->gathered_bytes += length;
    bool wake = tape->mood == CT_TAPE_IDLE ||
                (tape->mood == CT_TAPE_GATHERING &&
                 (tape->gathered_frames >= tape->options.commit_frames || tape->gathered_bytes >= CT_TAPE_EAGER_BYTES));
    if (wake)
        tape->mood = CT_TAPE_BUSY;
    pthread_mutex_unlock(&tape->lock);
    if (wake)
        pthread_cond_signal(&tape->wake);
    return CT_OK;
}

/* What the hook makes of a copy is what is written. */
static enum ct_status append_redacted(struct ct_tape *tape, const struct ct_tape_entry *entry, uint64_t *end)
{
    char small[COPY_BYTES], *copy = small;
    struct ct_tape_entry redacted = *entry;
    if (entry->bytes.len > CT_TAPE_BYTES_MAX)
        return too_long(tape);
    if (entry->bytes.len > sizeof small && !(copy = malloc(entry->bytes.len)))
        return CT_NO_MEMORY;
    if (entry->bytes.len)
        memcpy(copy, entry->bytes.at, entry->bytes.len);
    redacted.bytes.at = copy;
    enum ct_status status = CT_OK;
    if (tape->options.redact(tape->options.redact_context, &redacted, copy) && redacted.bytes.at >= copy &&
        redacted.bytes.len <= entry->bytes.len &&
        (size_t)(redacted.bytes.at - copy) <= entry->bytes.len - redacted.bytes.len) {
        status = append_packed(tape, &redacted, end);
    } else { /* left out; also where the hook points outside its copy: rather nothing than what it did not see */
        atomic_fetch_add_explicit(&tape->left_out, 1, memory_order_relaxed);
        if (entry->sequence) { /* its number was taken, and is known after a restart, too */
            redacted = *entry;
            redacted.bytes = CT_SPAN_NONE;
            status = append_packed(tape, &redacted, end);
        } else if (end) {
            pthread_mutex_lock(&tape->lock);
            *end = tape->end;
            pthread_mutex_unlock(&tape->lock);
        }
    }
    if (copy != small)
        free(copy);
    return status;
}

enum ct_status ct_tape_append(struct ct_tape *tape, const struct ct_tape_entry *entry, uint64_t *end)
{
    if (entry->kind < CT_TAPE_DATA || entry->kind > CT_TAPE_SETUP || (unsigned)entry->direction > CT_DIRECTION_OUT)
        return CT_USAGE;
    return tape->options.redact && entry->kind == CT_TAPE_DATA ? append_redacted(tape, entry, end)
                                                               : append_packed(tape, entry, end);
}

/* ---- the rest ----------------------------------------------------------------------------------- */

uint64_t ct_tape_committed(const struct ct_tape *tape)
{
    return atomic_load_explicit(&tape->committed, memory_order_acquire);
}

enum ct_status ct_tape_flush(struct ct_tape *tape)
{
    pthread_mutex_lock(&tape->lock);
    uint64_t target = tape->end, failed = tape->attempts_failed;
    while (ct_tape_committed(tape) < target && tape->attempts_failed == failed) {
        tape->flush_now = true;
        pthread_cond_signal(&tape->wake);
        pthread_cond_wait(&tape->settled, &tape->lock);
    }
    enum ct_status status = ct_tape_committed(tape) >= target ? CT_OK : CT_IO;
    pthread_mutex_unlock(&tape->lock);
    return status;
}

void ct_tape_keep_from(struct ct_tape *tape, uint64_t position)
{
    if (atomic_exchange_explicit(&tape->keep_from, position, memory_order_relaxed) == position || !tape->has_keeper)
        return;
    pthread_mutex_lock(&tape->lock);
    tape->chore = true;
    pthread_cond_signal(&tape->chores);
    pthread_mutex_unlock(&tape->lock);
}

void ct_tape_stats(struct ct_tape *tape, struct ct_tape_stats *out)
{
    pthread_mutex_lock(&tape->lock);
    *out = tape->stats;
    out->committed = ct_tape_committed(tape);
    out->end = tape->end;
    out->begin = tape->segments.count ? tape->segments.at[0].base : out->committed;
    out->segments = tape->segments.count;
    for (size_t i = 0; i < tape->segments.count; i++)
        out->disk_bytes += tape->segments.at[i].disk_bytes;
    out->left_out = atomic_load_explicit(&tape->left_out, memory_order_relaxed);
    out->refused_long = atomic_load_explicit(&tape->refused_long, memory_order_relaxed);
    pthread_mutex_unlock(&tape->lock);
}
