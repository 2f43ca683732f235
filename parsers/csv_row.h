/* csv_row.h - one row of a CSV file to its messages. Called by csv.c. */
#ifndef CT_CSV_ROW_H
#define CT_CSV_ROW_H

#include "parsers/csv_columns.h"
#include "parsers/labels.h"
#include "parsers/parser.h"
#include "parsers/stamp.h"

struct ct_csv_rows {
    struct ct_csv_columns columns;
    struct ct_label_set roles; /* from option roles */
    struct ct_zone zone;
    enum ct_date_order order;
    ct_span source, channel; /* fallbacks */
    uint64_t seq;
};

/* Emits the row's messages, or refuses it whole. `offset` and `line` are of its beginning. */
enum ct_status ct_csv_row_emit(struct ct_csv_rows *rows, const ct_span *cells, uint64_t offset, uint64_t line,
                               struct ct_arena *arena, const struct ct_parse_out *out) CT_MUST_USE;

#endif
