/* keeper.c - the tape's background: removes the segments that are too old or too many, packs those that are closed.
 *
 * A thread of its own, so that neither holds up a commit. Looks when a segment was closed, when ct_tape_keep_from
 * moved, and once a minute. It changes the list only at its beginning and in place; the writer only at its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "plugin/tape/background.h"
#include "plugin/tape/source.h"
#include "plugin/tape/writer.h"

enum {
    ROUND_SECONDS = 60,
    IN_BYTES = 32 * 1024, /* packed as a block, in 60 us, before others are let past: 128 would be 3 % smaller */
    LEVEL = 1,
    NICE = 10
};

/* ---- retention ---------------------------------------------------------------------------------- */

/* When the first segment was closed: when the next one that says so was begun. */
static ct_usec closed_at(const struct ct_segment_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        if (list->at[i].created != CT_USEC_NONE)
            return list->at[i].created;
    }
    return CT_USEC_NONE;
}

/* Under the lock. */
static bool first_is_due(const struct ct_tape *tape, ct_usec now)
{
    const struct ct_segment_list *list = &tape->segments;
    if (list->count < 2 || list->at[1].base > atomic_load_explicit(&tape->keep_from, memory_order_relaxed))
        return false;
    uint64_t all = 0;
    for (size_t i = 0; i < list->count; i++)
        all += list->at[i].disk_bytes;
    ct_usec closed = closed_at(list);
    return (tape->options.keep_bytes && all > tape->options.keep_bytes) ||
           (tape->options.keep_usec && closed != CT_USEC_NONE && now - closed > tape->options.keep_usec);
}

static bool remove_file(struct ct_tape *tape, uint64_t base, const char *suffix)
{
    char name[CT_SEGMENT_NAME];
    ct_segment_name(base, suffix, name);
    return unlinkat(tape->folder, name, 0) == 0 || errno == ENOENT;
}

static void retain(struct ct_tape *tape)
{
    ct_usec now = tape->options.now();
    pthread_mutex_lock(&tape->lock);
    while (!tape->stop && first_is_due(tape, now)) {
        uint64_t base = tape->segments.at[0].base;
        pthread_mutex_unlock(&tape->lock);
        bool removed = remove_file(tape, base, CT_SEGMENT_PACKED) && remove_file(tape, base, CT_SEGMENT_RAW);
        int why = errno;
        pthread_mutex_lock(&tape->lock);
        if (!removed) {
            (void)snprintf(tape->stats.problem, sizeof tape->stats.problem,
                           "cannot remove an old segment in %.100s: %s", tape->options.folder, strerror(why));
            break;
        }
        tape->segments.count--;
        memmove(tape->segments.at, tape->segments.at + 1, tape->segments.count * sizeof *tape->segments.at);
        tape->stats.removed_segments++;
        if (!tape->stats.failing)
            tape->stats.problem[0] = 0;
    }
    pthread_mutex_unlock(&tape->lock);
}

/* ---- packing ------------------------------------------------------------------------------------ */

struct packing {
    struct ct_tape *tape;
    struct ct_source from;
    int to;
    uint64_t bytes;  /* of the segment: its header, and frames up to the next one's base */
    uint64_t packed; /* written */
    uint32_t sum;    /* CRC32C of what was read */
    ZSTD_CCtx *zstd;
    unsigned char *in, *out;
    size_t out_room;
};

static bool stopping(struct ct_tape *tape)
{
    pthread_mutex_lock(&tape->lock);
    bool stop = tape->stop;
    pthread_mutex_unlock(&tape->lock);
    return stop;
}

static bool write_out(struct packing *packing, const unsigned char *at, size_t len)
{
    while (len) {
        ssize_t done = write(packing->to, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        len -= (size_t)done;
        packing->packed += (uint64_t)done;
    }
    return true;
}

static bool pack_bytes(struct packing *packing)
{
    for (uint64_t done = 0; done < packing->bytes;) {
        size_t got, want = packing->bytes - done < IN_BYTES ? (size_t)(packing->bytes - done) : IN_BYTES;
        if (stopping(packing->tape) || ct_source_read(&packing->from, packing->in, want, &got, NULL) != CT_OK || !got) {
            errno = errno ? errno : EINTR;
            return false;
        }
        done += got;
        ct_background_give_way();
        packing->sum = ct_crc32c(packing->sum, packing->in, got);
        ZSTD_inBuffer in = {packing->in, got, 0};
        size_t left;
        do {
            ZSTD_outBuffer out = {packing->out, packing->out_room, 0};
            left = ZSTD_compressStream2(packing->zstd, &out, &in, done == packing->bytes ? ZSTD_e_end : ZSTD_e_flush);
            if (ZSTD_isError(left) || !write_out(packing, packing->out, out.pos))
                return false;
        } while (in.pos < in.size || left);
    }
    return fsync(packing->to) == 0;
}

/* The original is removed only after the packed one has been read and is the same. */
static bool reads_back(struct packing *packing, const char *name)
{
    struct ct_source source;
    uint64_t bytes = 0;
    uint32_t sum = 0;
    size_t got = 1;
    if (ct_source_open(&source, packing->tape->folder, name, true, NULL) != CT_OK)
        return false;
    while (got && !stopping(packing->tape) && ct_source_read(&source, packing->in, IN_BYTES, &got, NULL) == CT_OK) {
        bytes += got;
        ct_background_give_way();
        sum = ct_crc32c(sum, packing->in, got);
    }
    ct_source_close(&source);
    return bytes == packing->bytes && sum == packing->sum;
}

static bool packing_begin(struct packing *packing, uint64_t base, uint64_t end, const char *temporary)
{
    char name[CT_SEGMENT_NAME];
    struct stat info;
    ct_segment_name(base, CT_SEGMENT_RAW, name);
    if (ct_source_open(&packing->from, packing->tape->folder, name, false, NULL) != CT_OK ||
        fstat(packing->from.file, &info) != 0)
        return false;
    packing->bytes = CT_SEGMENT_BEGIN + end - base;
    if ((uint64_t)info.st_size < packing->bytes)
        packing->bytes = (uint64_t)info.st_size;
    packing->to = openat(packing->tape->folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    packing->zstd = ZSTD_createCCtx();
    packing->out_room = ZSTD_CStreamOutSize();
    packing->in = malloc(IN_BYTES);
    packing->out = malloc(packing->out_room);
    return packing->to >= 0 && packing->zstd && packing->in && packing->out &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(packing->zstd, ZSTD_c_compressionLevel, LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(packing->zstd, ZSTD_c_checksumFlag, 1)) &&
           !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(packing->zstd, packing->bytes));
}

/* Whatever the moment of a crash: the original is there, or the packed one is, whole and on the disk. */
static bool pack(struct ct_tape *tape, uint64_t base, uint64_t end, uint64_t *packed_bytes)
{
    char temporary[CT_SEGMENT_NAME], packed[CT_SEGMENT_NAME];
    struct packing packing = {.tape = tape, .to = -1};
    packing.from.file = -1;
    ct_segment_name(base, CT_SEGMENT_PACKING, temporary);
    ct_segment_name(base, CT_SEGMENT_PACKED, packed);
    errno = 0;
    bool done = packing_begin(&packing, base, end, temporary) && pack_bytes(&packing) &&
                reads_back(&packing, temporary) && renameat(tape->folder, temporary, tape->folder, packed) == 0 &&
                fsync(tape->folder) == 0 && remove_file(tape, base, CT_SEGMENT_RAW);
    int why = errno;
    if (!done)
        (void)unlinkat(tape->folder, temporary, 0);
    ct_source_close(&packing.from);
    if (packing.to >= 0)
        close(packing.to);
    ZSTD_freeCCtx(packing.zstd);
    free(packing.in);
    free(packing.out);
    *packed_bytes = packing.packed;
    errno = why;
    return done;
}

/* Packs the oldest closed segment that is not. false = there is none, or it did not work now. */
static bool pack_next(struct ct_tape *tape)
{
    uint64_t base = 0, end = 0, bytes = 0;
    size_t i = 0;
    pthread_mutex_lock(&tape->lock);
    while (i + 1 < tape->segments.count && !tape->segments.at[i].raw)
        i++;
    bool found = !tape->stop && i + 1 < tape->segments.count;
    if (found) {
        base = tape->segments.at[i].base;
        end = tape->segments.at[i + 1].base;
    }
    pthread_mutex_unlock(&tape->lock);
    if (!found)
        return false;
    bool packed = pack(tape, base, end, &bytes);
    int why = errno;
    pthread_mutex_lock(&tape->lock);
    if (packed && i < tape->segments.count && tape->segments.at[i].base == base) {
        tape->segments.at[i].raw = false;
        tape->segments.at[i].packed = true;
        tape->segments.at[i].disk_bytes = bytes;
        if (!tape->stats.failing)
            tape->stats.problem[0] = 0;
    } else if (!packed && !tape->stop && !tape->stats.failing) {
        (void)snprintf(tape->stats.problem, sizeof tape->stats.problem, "cannot compress a segment in %.100s: %s",
                       tape->options.folder, why ? strerror(why) : "it did not read back");
    }
    pthread_mutex_unlock(&tape->lock);
    return packed;
}

/* ---- the thread --------------------------------------------------------------------------------- */

void *ct_tape_keeper_run(void *context)
{
    struct ct_tape *tape = context;
    ct_background_thread(NICE);
    pthread_mutex_lock(&tape->lock);
    while (!tape->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ROUND_SECONDS;
        while (!tape->stop && !tape->chore && pthread_cond_timedwait(&tape->chores, &tape->lock, &until) != ETIMEDOUT) {
        }
        tape->chore = false;
        pthread_mutex_unlock(&tape->lock);
        retain(tape);
        while (tape->options.compress && pack_next(tape))
            retain(tape);
        pthread_mutex_lock(&tape->lock);
    }
    pthread_mutex_unlock(&tape->lock);
    return NULL;
}
