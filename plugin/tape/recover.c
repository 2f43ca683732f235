/* recover.c - what a tape's folder holds when it is opened for writing: where the tape ends, and what a crash left.
 *
 * The last segment is read once, by the reader. What follows its last whole frame is a torn tail and is cut off. What
 * is broken before that stays as it is: the frames behind it count, and a reader passes over it and says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/tape/source.h"
#include "plugin/tape/writer.h"

static void remove_stale(int folder, const char *name)
{
    (void)unlinkat(folder, name, 0); /* half packed; the segment itself is still there */
}

static enum ct_status io_error(struct ct_tape *tape, const char *what, const char *name, struct ct_error *err)
{
    return ct_error_set(err, CT_IO, "cannot %s %s in the tape's folder %s: %s", what, name, tape->options.folder,
                        strerror(errno));
}

/* Both files of a segment: the crash was between the packed one's making and the other's removal. */
static void settle_pair(struct ct_tape *tape, struct ct_segment_file *segment)
{
    char name[CT_SEGMENT_NAME];
    if (!segment->raw || !segment->packed)
        return;
    ct_segment_name(segment->base, CT_SEGMENT_PACKED, name);
    if (unlinkat(tape->folder, name, 0) == 0)
        segment->packed = false;
}

/* Size and header of one file. CT_REFUSED: it is no segment of ours. *good = the header is whole. */
static enum ct_status look_at(struct ct_tape *tape, struct ct_segment_file *segment, struct ct_segment_head *head,
                              bool *good, struct ct_error *err)
{
    char name[CT_SEGMENT_NAME];
    unsigned char header[CT_SEGMENT_BEGIN];
    struct ct_source source;
    struct stat info;
    size_t len = 0, got = 1;
    *good = false;
    ct_segment_name(segment->base, segment->raw ? CT_SEGMENT_RAW : CT_SEGMENT_PACKED, name);
    enum ct_status status = ct_source_open(&source, tape->folder, name, !segment->raw, err);
    if (status != CT_OK)
        return status == CT_NOT_FOUND ? CT_IO : status;
    if (fstat(source.file, &info) != 0 || !S_ISREG(info.st_mode)) {
        ct_source_close(&source);
        return ct_error_set(err, CT_REFUSED, "%s in the tape's folder %s is no file", name, tape->options.folder);
    }
    segment->disk_bytes = (uint64_t)info.st_size;
    while (status == CT_OK && len < sizeof header && got) {
        status = ct_source_read(&source, header + len, sizeof header - len, &got, err);
        len += got;
    }
    ct_source_close(&source);
    if (status != CT_OK)
        return status;
    struct ct_error why = {0};
    bool foreign = false, zero = true;
    for (size_t i = 0; i < len; i++)
        zero &= !header[i];
    *good = ct_segment_unpack(header, len, head, &foreign, &why) == CT_OK;
    if ((!*good && foreign && !zero) || (*good && head->base != segment->base))
        return ct_error_set(err, CT_REFUSED, "%s in the tape's folder %s: %s; move it away", name, tape->options.folder,
                            *good ? "its name is not its position" : why.text);
    segment->created = *good ? head->created : CT_USEC_NONE;
    return CT_OK;
}

/* The position behind the last whole frame of the last segment. */
static enum ct_status find_end(struct ct_tape *tape, uint64_t base, uint64_t *end, struct ct_error *err)
{
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    uint64_t position, behind, start;
    *end = base;
    enum ct_status status = ct_tape_reader_open(tape->options.folder, base, &reader, &start, err);
    if (status != CT_OK)
        return status;
    do {
        status = ct_tape_reader_next(reader, UINT64_MAX, &entry, &position, &behind, err);
        if (status == CT_OK)
            *end = behind;
    } while (status == CT_OK || status == CT_REFUSED);
    ct_tape_reader_close(reader);
    return status == CT_NOT_FOUND ? CT_OK : status;
}

static enum ct_status all_zero(int file, bool *zero)
{
    unsigned char block[16384];
    ssize_t got;
    *zero = true;
    for (off_t at = 0; *zero && (got = pread(file, block, sizeof block, at)) != 0; at += got) {
        if (got < 0)
            return CT_IO;
        for (ssize_t i = 0; i < got; i++)
            *zero &= !block[i];
    }
    return CT_OK;
}

/* A header that is not whole, in the last segment: a crash while it was begun leaves nothing or zeros, and no frame
 * was confirmed in it. Otherwise it is damaged: it stays, and the tape goes on behind it. */
static enum ct_status headless_end(struct ct_tape *tape, struct ct_segment_file *last, int file, const char *name,
                                   struct ct_tape_opened *opened, uint64_t *end, struct ct_error *err)
{
    bool zero;
    if (all_zero(file, &zero) != CT_OK)
        return io_error(tape, "read", name, err);
    if (!zero && last->disk_bytes > CT_SEGMENT_BEGIN) {
        *end = last->base + last->disk_bytes - CT_SEGMENT_BEGIN;
        return CT_OK;
    }
    if (unlinkat(tape->folder, name, 0) != 0)
        return io_error(tape, "remove", name, err);
    opened->cut_bytes += last->disk_bytes;
    *end = last->base;
    tape->segments.count--;
    return CT_OK;
}

static enum ct_status raw_end(struct ct_tape *tape, struct ct_segment_file *last, const struct ct_segment_head *head,
                              bool good, struct ct_tape_opened *opened, uint64_t *end, struct ct_error *err)
{
    char name[CT_SEGMENT_NAME];
    ct_segment_name(last->base, CT_SEGMENT_RAW, name);
    int file = openat(tape->folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return io_error(tape, "open", name, err);
    enum ct_status status;
    if (!good || last->disk_bytes < CT_SEGMENT_BEGIN) {
        status = headless_end(tape, last, file, name, opened, end, err);
        close(file);
        return status;
    }
    status = find_end(tape, last->base, end, err);
    uint64_t whole = CT_SEGMENT_BEGIN + *end - last->base;
    if (status == CT_OK && last->disk_bytes > whole) {
        if (tape->disk->truncate(tape->disk->context, file, (int64_t)whole) != 0)
            status = io_error(tape, "cut the torn end of", name, err);
        opened->cut_bytes += last->disk_bytes - whole;
        last->disk_bytes = whole;
    }
    /* What was read may have come from the kernel's memory alone: it counts as committed only now. */
    if (status == CT_OK && tape->disk->sync(tape->disk->context, file) != 0)
        status = io_error(tape, "commit", name, err);
    if (status != CT_OK || *end - last->base >= tape->options.segment_bytes) {
        close(file);
        return status;
    }
    tape->file = file;
    tape->head = *head;
    tape->segment_used = *end - last->base;
    return CT_OK;
}

/* No segment that is not packed behind it: only where somebody removed it. */
static enum ct_status packed_end(struct ct_tape *tape, const struct ct_segment_file *last, uint64_t *end,
                                 struct ct_error *err)
{
    enum { PIECE = 1 << 16 };
    char name[CT_SEGMENT_NAME];
    struct ct_source source;
    uint64_t bytes = 0;
    size_t got = 1;
    ct_segment_name(last->base, CT_SEGMENT_PACKED, name);
    char *piece = malloc(PIECE);
    if (!piece)
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    enum ct_status status = ct_source_open(&source, tape->folder, name, true, err);
    while (status == CT_OK && got) {
        status = ct_source_read(&source, piece, PIECE, &got, err);
        bytes += got;
    }
    bool broken = source.broken;
    ct_source_close(&source);
    free(piece);
    if (status != CT_OK)
        return status;
    if (broken || bytes <= CT_SEGMENT_BEGIN)
        return ct_error_set(err, CT_REFUSED,
                            "%s, the last segment in the tape's folder %s, is damaged, so nobody can tell where the "
                            "tape ends; move it away",
                            name, tape->options.folder);
    *end = last->base + bytes - CT_SEGMENT_BEGIN;
    return CT_OK;
}

enum ct_status ct_tape_recover(struct ct_tape *tape, struct ct_tape_opened *opened, struct ct_error *err)
{
    struct ct_segment_head head = {0};
    bool good = false;
    uint64_t end = 0;
    enum ct_status status = ct_folder_list(tape->folder, &tape->segments, remove_stale, err);
    for (size_t i = 0; status == CT_OK && i < tape->segments.count; i++) {
        settle_pair(tape, &tape->segments.at[i]);
        status = look_at(tape, &tape->segments.at[i], &head, &good, err);
    }
    if (status == CT_OK && tape->segments.count) {
        struct ct_segment_file *last = &tape->segments.at[tape->segments.count - 1];
        status = last->raw ? raw_end(tape, last, &head, good, opened, &end, err) : packed_end(tape, last, &end, err);
    }
    if (status != CT_OK)
        return status;
    if (tape->disk->sync_folder(tape->disk->context, tape->folder) != 0)
        return io_error(tape, "commit", "what is", err);
    tape->end = end;
    atomic_store_explicit(&tape->committed, end, memory_order_release);
    opened->begin = tape->segments.count ? tape->segments.at[0].base : end;
    opened->end = end;
    opened->segments = tape->segments.count;
    return CT_OK;
}
