/* marks_read.h - files of human marks (`labels`, JSON lines; docs/quality.md) into a table of them. */
#ifndef CT_MARKS_READ_H
#define CT_MARKS_READ_H

#include "engine/rules.h"
#include "metrics/marks.h"

#define CT_MARKS_LINE_BYTES ((size_t)64 << 10) /* a longer line is refused */

struct ct_marks_reading {
    struct ct_ruleset *const *rules; /* one of which has to have a signal that is marked */
    size_t rule_count;
    struct ct_marks *marks;
    void *context;
    /* Each line that is refused: its number, the byte it begins at, why (a constant), and which field. */
    void (*refused)(void *context, const char *path, uint64_t line, uint64_t offset, const char *reason,
                    const char *detail);
    uint64_t lines, refusals; /* counted over all files */
};
/* One file's lines; a line is taken whole or not at all. gzip and zstd are read, too. A
 * file that cannot be read, or is broken: *err; CT_NO_MEMORY. */
enum ct_status ct_marks_read(struct ct_marks_reading *reading, const char *path, struct ct_error *err) CT_MUST_USE;
/* The same of bytes that are there already. */
enum ct_status ct_marks_read_bytes(struct ct_marks_reading *reading, const char *path, ct_span bytes) CT_MUST_USE;

#endif
