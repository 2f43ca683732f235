/* csv_split.h - RFC 4180 records from lines: quotes, doubled quotes, fields that span lines. Called by csv.c.
 *
 * Lenient in one thing: a quote inside an unquoted field is a character like any other (5" screen).
 */
#ifndef CT_CSV_SPLIT_H
#define CT_CSV_SPLIT_H

#include "engine/arena.h"
#include "engine/ct.h"

enum ct_csv_scan {
    CT_CSV_COMPLETE, /* the record ends with this line */
    CT_CSV_OPEN,     /* a quoted field goes on in the next line */
    CT_CSV_BROKEN    /* something other than a separator stands behind a closing quote */
};
/* Scans one line; *in_quotes is carried from line to line of a record, false at its beginning. */
enum ct_csv_scan ct_csv_scan_line(ct_span line, char separator, bool *in_quotes);
/* Cuts a complete record into cells, unquoted; spans point into it, or into the arena where quotes were doubled.
 * *count = its cells, which may be more than `max` (those are not stored). */
enum ct_status ct_csv_split(ct_span record, char separator, struct ct_arena *arena, ct_span *cells, size_t max,
                            size_t *count) CT_MUST_USE;
/* The separator that the first line shows: of , ; tab | the one that occurs most outside quotes. */
char ct_csv_separator(ct_span line);

#endif
