/* layout.h - the bytes of a tape on the disk: a segment's header and a frame. docs/tape.md says the same in words.
 *
 * Used by the writer, the reader and the keeper. Pure functions over memory.
 */
#ifndef CT_TAPE_LAYOUT_H
#define CT_TAPE_LAYOUT_H

#include "plugin/tape/tape.h"

enum {
    CT_SEGMENT_COPY = 40,                   /* bytes of one copy of the header */
    CT_SEGMENT_BEGIN = 2 * CT_SEGMENT_COPY, /* the first frame's offset in the file */
    CT_SEGMENT_VERSION = 1,
    CT_FRAME_HEAD = 36 /* bytes before the names */
};
#define CT_FRAME_MAX ((uint32_t)CT_FRAME_HEAD + 4 * 255 + CT_TAPE_BYTES_MAX)

struct ct_segment_head {
    uint64_t base;   /* position of the first frame */
    ct_usec created; /* wall clock */
    uint32_t salt;   /* what the segment's checks begin with: nobody who sends bytes knows it */
};

void ct_segment_pack(const struct ct_segment_head *head, unsigned char *out); /* CT_SEGMENT_BEGIN bytes */
/* From `len` bytes at the file's beginning. CT_REFUSED: neither copy is whole; *foreign (may be NULL) says whether
 * nothing there is of a tape at all or is of a later version, *err (may be NULL) why. */
enum ct_status ct_segment_unpack(const unsigned char *at, size_t len, struct ct_segment_head *out, bool *foreign,
                                 struct ct_error *err) CT_MUST_USE;

/* Bytes that the entry takes on the tape. 0 = a name or the bytes are too long. */
uint32_t ct_frame_bytes(const struct ct_tape_entry *entry);
/* Everything but the two checks. */
void ct_frame_pack(const struct ct_tape_entry *entry, uint32_t length, unsigned char *out);
uint32_t ct_frame_length(const unsigned char *frame); /* of a packed one */
/* The two checks, of a packed frame: it now belongs to this position of a segment with this salt. */
void ct_frame_seal(unsigned char *frame, uint32_t salt, uint64_t position);

/* Do CT_FRAME_HEAD bytes there begin a frame of this position? Constant time. *length = of the whole frame. */
CT_MUST_USE bool ct_frame_begins(const unsigned char *at, uint32_t salt, uint64_t position, uint32_t *length);
/* And is what follows the head, `length` bytes in all, as it was written? */
CT_MUST_USE bool ct_frame_whole(const unsigned char *at, uint32_t length);
/* Of a whole one; the spans point into it. */
void ct_frame_unpack(const unsigned char *at, uint32_t length, struct ct_tape_entry *out);

#endif
