/* table_parts.h - pieces of the terminal's table. Private to table*.c. */
#ifndef CT_TABLE_PARTS_H
#define CT_TABLE_PARTS_H

#include "sinks/format.h"
#include "sinks/output.h"

struct ct_table {
    struct ct_out *out;
    enum ct_lang lang;
    size_t width;
    bool colour, ascii;
    const struct ct_zone *zone;
    size_t name, value, interval, basis, change, target; /* columns of the KPI rows; 0 = not shown */
};

enum ct_table_style {
    CT_TABLE_PLAIN,
    CT_TABLE_BOLD,
    CT_TABLE_DIM,
    CT_TABLE_GREEN,
    CT_TABLE_RED,
    CT_TABLE_CYAN,
    CT_TABLE_YELLOW,
    CT_TABLE_MAGENTA,
    CT_TABLE_BLUE
};

/* ---- table_cell.c ---- */
void ct_table_style_on(const struct ct_table *t, enum ct_table_style style);
void ct_table_style_off(const struct ct_table *t, enum ct_table_style style);
/* `text` cut to `columns` and padded; right = against the right edge. */
void ct_table_cell(const struct ct_table *t, ct_span text, size_t columns, bool right, enum ct_table_style style);
void ct_table_text(const struct ct_table *t, const char *text, size_t columns, bool right, enum ct_table_style style);
/* One of two, by the table's language. */
const char *ct_table_word(const struct ct_table *t, const char *en, const char *es);
void ct_table_end_line(const struct ct_table *t);
/* Lines of at most the table's width, broken between words; the first behind `lead`, the others as far in. */
void ct_table_prose(const struct ct_table *t, const char *lead, const char *text, enum ct_table_style style);
void ct_table_heading(const struct ct_table *t, const char *text);

/* ---- table_figures.c ---- */
/* Columns as wide as what stands in them. */
void ct_table_columns(struct ct_table *t, const struct ct_block *block);
void ct_table_column_heads(const struct ct_table *t);
/* A family's section; nothing where it has none. */
void ct_table_family(const struct ct_table *t, const struct ct_block *block, enum ct_family family);

#endif
