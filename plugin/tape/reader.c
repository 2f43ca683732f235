/* reader.c - a tape read from a position on: across segments, packed or not, while it is written, packed and removed.
 *
 * Called by the tap's thread (behind the commit), by `convtap replay`, and by recovery, which learns from it where the
 * last whole frame ends. What cannot be read is passed over to the next frame that checks, and said; a head's check
 * begins with the segment's salt, so that nobody's message can hold what looks like a frame, and so looking for the
 * next one costs constant time a byte.
 */
#include "plugin/tape/tape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/tape/layout.h"
#include "plugin/tape/source.h"

enum { BUFFER_BYTES = 1 << 20, TRIES = 20 };

struct ct_tape_reader {
    int folder;
    uint64_t position; /* of the next frame */
    struct ct_segment_list list;
    /* the segment it is in */
    struct ct_source source;
    struct ct_segment_head head;
    bool headless; /* its header is damaged: nothing in it can be checked */
    uint64_t stop; /* the next segment's base: what is behind it here does not count. UINT64_MAX = last */
    char name[CT_SEGMENT_NAME];
    /* its bytes from `begin` on, `have` of them; the first stands at buffer_position */
    unsigned char *buffer;
    size_t capacity, begin, have;
    uint64_t buffer_position;
    /* the unfinished end that has been told of already */
    uint64_t told_position, told_bytes;
};

enum ct_status ct_tape_reader_open(const char *folder, uint64_t position, struct ct_tape_reader **out, uint64_t *start,
                                   struct ct_error *err)
{
    *out = NULL;
    struct ct_tape_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    reader->source.file = -1;
    reader->told_position = UINT64_MAX;
    enum ct_status status = CT_IO;
    reader->folder = ct_folder_open(folder, false, err);
    if (reader->folder >= 0)
        status = ct_folder_list(reader->folder, &reader->list, NULL, err);
    if (status == CT_OK) {
        reader->buffer = malloc(BUFFER_BYTES);
        reader->capacity = BUFFER_BYTES;
        if (!reader->buffer)
            status = ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    if (status != CT_OK) {
        ct_tape_reader_close(reader);
        return status;
    }
    if (reader->list.count && position < reader->list.at[0].base)
        position = reader->list.at[0].base;
    reader->position = position;
    if (start)
        *start = position;
    *out = reader;
    return CT_OK;
}

void ct_tape_reader_close(struct ct_tape_reader *reader)
{
    if (!reader)
        return;
    ct_source_close(&reader->source);
    ct_segment_list_done(&reader->list);
    free(reader->buffer);
    if (reader->folder >= 0)
        close(reader->folder);
    free(reader);
}

/* ---- segments ----------------------------------------------------------------------------------- */

/* What could not be read, from the reader's position up to `to`, where it goes on. */
static enum ct_status pass_over(struct ct_tape_reader *reader, uint64_t to, const char *why, struct ct_error *err)
{
    uint64_t from = reader->position;
    reader->position = to;
    if (!err)
        return CT_REFUSED;
    err->offset = from;
    err->line = err->column = 0;
    memcpy(err->file, reader->name, sizeof reader->name);
    return ct_error_set(err, CT_REFUSED, "tape%s%s: position %" PRIu64 ": %" PRIu64 " bytes passed over: %s",
                        *reader->name ? ", segment " : "", reader->name, from, to - from, why);
}

static void leave(struct ct_tape_reader *reader)
{
    ct_source_close(&reader->source);
    reader->begin = reader->have = 0;
}

static uint64_t base_after(const struct ct_segment_list *list, uint64_t base)
{
    size_t at = ct_segment_list_find(list, base);
    at = at == SIZE_MAX ? 0 : at + 1;
    return at < list->count ? list->at[at].base : UINT64_MAX;
}

/* Packed: the only way to a position is through all that is before it. */
static enum ct_status skip(struct ct_tape_reader *reader, uint64_t bytes, struct ct_error *err)
{
    while (bytes) {
        size_t got;
        enum ct_status status = ct_source_read(&reader->source, reader->buffer,
                                               bytes < reader->capacity ? (size_t)bytes : reader->capacity, &got, err);
        if (status != CT_OK)
            return status;
        if (!got)
            break;
        bytes -= got;
    }
    return CT_OK;
}

static enum ct_status read_header(struct ct_tape_reader *reader, uint64_t base, struct ct_error *err)
{
    unsigned char header[CT_SEGMENT_BEGIN];
    size_t len = 0, got = 1;
    while (len < sizeof header && got) {
        enum ct_status status = ct_source_read(&reader->source, header + len, sizeof header - len, &got, err);
        if (status != CT_OK)
            return status;
        len += got;
    }
    reader->headless = ct_segment_unpack(header, len, &reader->head, NULL, NULL) != CT_OK || reader->head.base != base;
    reader->head.base = base;
    return CT_OK;
}

/* Opens the segment that the position is in. CT_NOT_FOUND: there is none yet. CT_REFUSED: it is gone. */
static enum ct_status enter(struct ct_tape_reader *reader, struct ct_error *err)
{
    enum ct_status status = CT_NOT_FOUND;
    const struct ct_segment_file *segment = NULL;
    for (int tries = 0; tries < TRIES; tries++) { /* it may be packed or removed between the list and the opening */
        status = ct_folder_list(reader->folder, &reader->list, NULL, err);
        if (status != CT_OK)
            return status;
        if (!reader->list.count)
            return CT_NOT_FOUND;
        size_t at = ct_segment_list_find(&reader->list, reader->position);
        if (at == SIZE_MAX) {
            *reader->name = 0;
            return pass_over(reader, reader->list.at[0].base, "removed, the tape is kept from here on", err);
        }
        segment = &reader->list.at[at];
        ct_segment_name(segment->base, segment->raw ? CT_SEGMENT_RAW : CT_SEGMENT_PACKED, reader->name);
        status = ct_source_open(&reader->source, reader->folder, reader->name, !segment->raw, err);
        if (status != CT_NOT_FOUND)
            break;
    }
    if (status != CT_OK)
        return status == CT_NOT_FOUND ? CT_IO : status;
    reader->stop = base_after(&reader->list, segment->base);
    reader->begin = reader->have = 0;
    reader->buffer_position = reader->position;
    status = read_header(reader, segment->base, err);
    uint64_t before = reader->position - segment->base;
    if (status == CT_OK && reader->source.packed)
        status = skip(reader, before, err);
    else
        reader->source.offset = CT_SEGMENT_BEGIN + before;
    if (status != CT_OK)
        leave(reader);
    return status;
}

/* Forgets what was read of the segment behind the position: it is read again. */
static void rewind_to_position(struct ct_tape_reader *reader)
{
    if (reader->source.packed || reader->headless) {
        leave(reader);
        return;
    }
    reader->begin = reader->have = 0;
    reader->buffer_position = reader->position;
    reader->source.offset = CT_SEGMENT_BEGIN + reader->position - reader->head.base;
}

/* ---- bytes -------------------------------------------------------------------------------------- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The buffer begins at `position`, which is in it or right behind it. */
static void advance_to(struct ct_tape_reader *reader, uint64_t position)
{
    size_t bytes = (size_t)(position - reader->buffer_position);
    reader->begin += bytes;
    reader->have -= bytes;
    reader->buffer_position = position;
    if (!reader->have)
        reader->begin = 0;
}

/* As many as `need` bytes from the buffer's position on, if they are there before `limit`: reader->have says. What is
 * behind the limit is never read: it may yet change. */
static enum ct_status fill(struct ct_tape_reader *reader, size_t need, uint64_t limit, struct ct_error *err)
{
    if (reader->have >= need)
        return CT_OK;
    if (need > reader->capacity) {
        unsigned char *more = realloc(reader->buffer, need);
        if (!more)
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        reader->buffer = more;
        reader->capacity = need;
    }
    if (reader->begin + need > reader->capacity) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->have);
        reader->begin = 0;
    }
    limit = smaller(limit, reader->stop);
    while (reader->have < need && !reader->headless) {
        size_t filled = reader->begin + reader->have, got;
        uint64_t more = smaller(reader->capacity - filled, limit - reader->buffer_position - reader->have);
        if (limit <= reader->buffer_position + reader->have)
            break;
        enum ct_status status = ct_source_read(&reader->source, reader->buffer + filled, (size_t)more, &got, err);
        if (status != CT_OK)
            return status;
        if (!got)
            break;
        reader->have += got;
    }
    return CT_OK;
}

/* A whole frame where the buffer begins? CT_OK: *length; CT_NOT_FOUND: its head is good and its end not there (yet);
 * CT_REFUSED: no frame, or not as it was written (then *length is not 0, and the next one begins behind it). */
static enum ct_status check(struct ct_tape_reader *reader, uint64_t limit, uint32_t *length, struct ct_error *err)
{
    *length = 0;
    enum ct_status status = fill(reader, CT_FRAME_HEAD, limit, err);
    if (status != CT_OK)
        return status;
    if (reader->have < CT_FRAME_HEAD)
        return CT_REFUSED;
    if (!ct_frame_begins(reader->buffer + reader->begin, reader->head.salt, reader->buffer_position, length))
        return CT_REFUSED;
    status = fill(reader, *length, limit, err);
    if (status != CT_OK)
        return status;
    if (reader->have < *length)
        return CT_NOT_FOUND;
    return ct_frame_whole(reader->buffer + reader->begin, *length) ? CT_OK : CT_REFUSED;
}

/* ---- what is broken ----------------------------------------------------------------------------- */

/* Looks for the next whole frame behind a broken one, whose length is known or 0; the buffer then begins there.
 * CT_NOT_FOUND: none before the limit or the segment's end. */
static enum ct_status resync(struct ct_tape_reader *reader, uint32_t length, uint64_t limit, struct ct_error *err)
{
    uint64_t skip_bytes = length ? length : 1;
    for (;;) {
        while (skip_bytes > reader->have) {
            skip_bytes -= reader->have;
            advance_to(reader, reader->buffer_position + reader->have);
            enum ct_status status = fill(reader, 1, limit, err);
            if (status != CT_OK)
                return status;
            if (!reader->have)
                return CT_NOT_FOUND;
        }
        advance_to(reader, reader->buffer_position + skip_bytes);
        enum ct_status status = check(reader, limit, &length, err);
        if (status == CT_OK)
            return CT_OK;
        if (status != CT_REFUSED && status != CT_NOT_FOUND)
            return status;
        if (reader->have < CT_FRAME_HEAD)
            return CT_NOT_FOUND;
        skip_bytes = status == CT_REFUSED && length ? length : 1;
    }
}

/* Does a frame begin at the position that is only not before the limit as a whole? */
static bool reaches_over(const struct ct_tape_reader *reader, uint64_t limit)
{
    unsigned char head[CT_FRAME_HEAD];
    uint32_t length;
    if (reader->source.packed || reader->headless || reader->source.file < 0)
        return false;
    return pread(reader->source.file, head, sizeof head,
                 (off_t)(CT_SEGMENT_BEGIN + reader->position - reader->head.base)) == (ssize_t)sizeof head &&
           ct_frame_begins(head, reader->head.salt, reader->position, &length) && reader->position + length > limit;
}

/* Is there a next segment by now? Then this one counts up to there and no further. */
static enum ct_status learn_stop(struct ct_tape_reader *reader, struct ct_error *err)
{
    enum ct_status status = ct_folder_list(reader->folder, &reader->list, NULL, err);
    if (status == CT_OK)
        reader->stop = base_after(&reader->list, reader->head.base);
    return status;
}

/* From the position on there is no whole frame in what can be seen of the segment. CT_OK = look again. */
static enum ct_status at_end(struct ct_tape_reader *reader, uint64_t limit, struct ct_error *err)
{
    const char *why = reader->headless        ? "the segment's header is damaged"
                      : reader->source.broken ? "the compressed segment is damaged"
                                              : "damaged";
    if (reader->stop == UINT64_MAX) {
        enum ct_status status = learn_stop(reader, err);
        if (status != CT_OK || reader->stop != UINT64_MAX) { /* only now is all of this one sure to be there */
            rewind_to_position(reader);
            return status;
        }
    } else if (limit >= reader->stop) {
        enum ct_status status = pass_over(reader, reader->stop, why, err);
        leave(reader);
        return status;
    }
    if (limit != UINT64_MAX) {
        if (reaches_over(reader, limit)) {
            rewind_to_position(reader);
            return CT_NOT_FOUND;
        }
        enum ct_status status = pass_over(reader, limit, why, err);
        rewind_to_position(reader);
        return status;
    }
    /* The last segment, and nobody says how much of it counts: what a writer has not finished, or did not. */
    struct stat info;
    uint64_t before = CT_SEGMENT_BEGIN + reader->position - reader->head.base, bytes = 0;
    if (fstat(reader->source.file, &info) == 0 && (uint64_t)info.st_size > before && !reader->source.packed)
        bytes = (uint64_t)info.st_size - before;
    bool broken = bytes || reader->source.broken || reader->headless;
    bool told = reader->told_position == reader->position && reader->told_bytes == bytes;
    enum ct_status status = CT_NOT_FOUND;
    if (broken && !told && !ct_folder_is_locked(reader->folder)) {
        reader->told_position = reader->position;
        reader->told_bytes = bytes;
        (void)pass_over(reader, reader->position + bytes, "the tape ends in what is no whole frame", err);
        reader->position = reader->told_position; /* a writer cuts it off and goes on from here */
        status = CT_REFUSED;
    }
    rewind_to_position(reader);
    return status;
}

/* Something at the position is not whole. CT_OK = look again. */
static enum ct_status broken(struct ct_tape_reader *reader, uint32_t length, uint64_t limit, struct ct_error *err)
{
    enum ct_status status = resync(reader, length, limit, err);
    if (status == CT_OK)
        return pass_over(reader, reader->buffer_position, "damaged", err);
    return status == CT_NOT_FOUND ? at_end(reader, limit, err) : status;
}

/* ---- the next frame ----------------------------------------------------------------------------- */

enum ct_status ct_tape_reader_next(struct ct_tape_reader *reader, uint64_t limit, struct ct_tape_entry *entry,
                                   uint64_t *position, uint64_t *end, struct ct_error *err)
{
    bool again = false;
    for (;;) {
        if (reader->position >= limit)
            return CT_NOT_FOUND;
        if (reader->source.file >= 0 && reader->position >= reader->stop)
            leave(reader);
        enum ct_status status = reader->source.file < 0 ? enter(reader, err) : CT_OK;
        if (status != CT_OK)
            return status;
        advance_to(reader, reader->position);
        uint32_t length;
        status = check(reader, limit, &length, err);
        if (status == CT_OK) {
            ct_frame_unpack(reader->buffer + reader->begin, length, entry);
            if (position)
                *position = reader->position;
            reader->position += length;
            if (end)
                *end = reader->position;
            return CT_OK;
        }
        if (status == CT_NOT_FOUND && reader->position + length > limit)
            return CT_NOT_FOUND;
        if (status != CT_REFUSED && status != CT_NOT_FOUND)
            return status;
        if (reader->have && !again && reader->stop == UINT64_MAX) {
            /* What is in the buffer may be older than what is in the file by now; or the writer could not get these
             * bytes confirmed, left them lying and went on in another segment. */
            again = true;
            status = learn_stop(reader, err);
            rewind_to_position(reader);
            if (status != CT_OK)
                return status;
            continue;
        }
        status = reader->have || reader->headless ? broken(reader, status == CT_REFUSED ? length : 0, limit, err)
                                                  : at_end(reader, limit, err);
        if (status != CT_OK) {
            if (status != CT_REFUSED && status != CT_NOT_FOUND)
                leave(reader);
            return status;
        }
    }
}
