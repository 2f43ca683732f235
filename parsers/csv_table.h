/* csv_table.h - a table's records from its lines: the queue that puts them together, and the header. Called by csv.c
 * and business_csv.c.
 *
 * Lines of a record that is not whole yet wait in a queue; where it turns out broken (a quote that is never closed, a
 * wrong number of fields), its first line is refused by name and the others are read again, so that one stray quote
 * costs one row. Queue and re-reading are bounded: a record has at most 1 MiB, and what is read again at most eight
 * times the input; beyond that the queue's lines must each be whole.
 */
#ifndef CT_CSV_TABLE_H
#define CT_CSV_TABLE_H

#include "parsers/csv_split.h"
#include "parsers/parser.h"

enum { CT_CSV_CELLS_MAX = 256 };

/* Who reads the table: `state` is the parser's, and the table its first member. */
struct ct_csv_use {
    /* The first record: what the columns are called (without a header: any row, which comes again as one). false = the
     * file cannot be read, and that was said. */
    bool (*header)(void *state, const ct_span *cells, size_t count, uint64_t offset, uint64_t line,
                   const struct ct_parse_out *out);
    /* Every other record, with as many cells; blank ones are left out. */
    enum ct_status (*row)(void *state, const ct_span *cells, uint64_t offset, uint64_t line, struct ct_arena *arena,
                          const struct ct_parse_out *out);
};

/* All zero, but for use, separator and has_header, to begin with. */
struct ct_csv_table {
    const struct ct_csv_use *use;
    char separator; /* 0 = what the first line shows */
    bool has_header, header_read, dead;
    size_t columns;
    /* the queue: lines [head, count) wait, [head, next) were scanned as one record */
    char *bytes;
    size_t len, capacity;
    struct ct_csv_line *lines;
    size_t head, next, count, line_capacity;
    bool in_quotes;
    size_t single_until; /* lines before this one must be whole by themselves: the re-reading budget is spent */
    uint64_t input_bytes, reread_bytes;
};
void ct_csv_table_done(struct ct_csv_table *table);
/* A parser's record() and finish(), whose state begins with its table. */
enum ct_status ct_csv_table_record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                                   const struct ct_parse_out *out) CT_MUST_USE;
enum ct_status ct_csv_table_finish(void *state, struct ct_arena *scratch, const struct ct_parse_out *out) CT_MUST_USE;

/* "auto" (0), "comma", "semicolon", "tab", "pipe", or the character. */
CT_MUST_USE bool ct_csv_separator_from(ct_span name, char *out);

/* The first two records of a file that may be cut anywhere: what detection goes by. */
struct ct_csv_head {
    char separator;
    ct_span names[CT_CSV_CELLS_MAX], row[CT_CSV_CELLS_MAX];
    size_t name_count, row_count; /* row_count 0 = no whole second record */
};
/* false = no table. Spans point into `head` or the arena. */
CT_MUST_USE bool ct_csv_head_read(struct ct_csv_head *out, ct_span head, struct ct_arena *arena);

#endif
