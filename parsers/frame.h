/* frame.h - cuts a byte stream into records, whatever its size; used by every caller of a parser.
 *
 * The caller owns the buffer. It offers bytes [0, len) and learns how many were consumed; it keeps the
 * rest, reads more behind it and offers again. Nothing is copied. The framer holds only positions.
 */
#ifndef CT_FRAME_H
#define CT_FRAME_H

#include "parsers/parser.h"

enum ct_frame_mode {
    CT_FRAME_LINES, /* line ends \n or \r\n; a blank line is a record for text formats, skipped for JSON */
    CT_FRAME_VALUES /* JSON values: elements of a top-level array or of an array key, or a sequence of
                       top-level values that may span lines */
};

struct ct_framer {
    enum ct_frame_mode mode;
    const char *const *array_keys;
    bool skip_blank;
    uint64_t offset;         /* input position of the first unconsumed byte */
    uint64_t line;           /* 1-based line there */
    size_t max_record_bytes; /* longer records are refused as "record_too_long" and skipped */
    /* private: where the value scanner stands */
    int state;
    bool skipping;
    size_t scanned;
    uint32_t depth;
    bool in_string, in_escape, scalar;
    int after;              /* state that follows the record being scanned */
    uint64_t record_offset; /* where that record (or the top-level object) began */
    uint64_t record_line;
    uint32_t record_part;        /* records that began on that line before */
    bool wrapped, wrapper_found; /* inside a top-level object; one of its array keys was met */
    bool wrapper_held;           /* its bytes are still kept: it may turn out to be the record itself */
    bool key_due, in_key, key_matches;
    size_t key_at;
};

/* Chooses the mode for this parser from the head: JSON lines when the first line is a whole value that
 * is an object (or the parser is line based), values otherwise. */
void ct_framer_init(struct ct_framer *framer, const struct ct_parser *parser, ct_span head, size_t max_record_bytes);

/* Next record in `bytes` (which begins at framer->offset). Returns
 *   CT_OK         *frame filled; *consumed = bytes up to and with the record's end;
 *   CT_NOT_FOUND  no whole record here: offer more behind it (or, if `last`, the end was reached);
 *                 *consumed may still be > 0 (white space, a skipped key, part of an over-long record);
 *   CT_REFUSED    *refusal filled, *consumed past the bad piece; go on.
 * With `last` true no more bytes will come: a line without line end is a record, a value without end is
 * refused as "truncated". */
enum ct_status ct_framer_next(struct ct_framer *framer, ct_span bytes, bool last, size_t *consumed,
                              struct ct_frame *frame, struct ct_refusal *refusal) CT_MUST_USE;

#endif
