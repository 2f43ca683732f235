/* explain_sheet.h - words that flow into a sheet of a given width, for explain: wrapped between words, behind an
 * indent, and nothing of a transcript can steer the terminal.
 */
#ifndef CT_EXPLAIN_SHEET_H
#define CT_EXPLAIN_SHEET_H

#include "sinks/output.h"

enum ct_ink { CT_INK_PLAIN, CT_INK_BOLD, CT_INK_DIM, CT_INK_MARK, CT_INK_COUNT };

struct ct_sheet {
    struct ct_out *out;
    size_t width;  /* columns */
    size_t indent; /* where a wrapped line goes on */
    size_t column; /* next free one */
    bool space;    /* one is due before the next word of this line */
    bool colour;
};

/* The width of the terminal at standard output, between 60 and 120; 100 where it is none. Colours as the table's. */
void ct_sheet_init(struct ct_sheet *sheet, struct ct_out *out);
/* Text as it is, wrapped between words; a newline in it begins a line at the indent. A space at its begin or end is
 * kept, but at the end of a line. Control characters are shown as U+FFFD. */
void ct_sheet_span(struct ct_sheet *sheet, enum ct_ink ink, ct_span text);
void ct_sheet_text(struct ct_sheet *sheet, enum ct_ink ink, const char *text);
void ct_sheet_format(struct ct_sheet *sheet, enum ct_ink ink, const char *format, ...) CT_PRINTF(3, 4);
/* In quotes; a long one with its middle left out. */
void ct_sheet_quote(struct ct_sheet *sheet, ct_span text);
/* Blanks up to a column (at least one), and what follows wraps there. */
void ct_sheet_column(struct ct_sheet *sheet, size_t column);
void ct_sheet_line(struct ct_sheet *sheet);
/* "Resolved      yes": a name in the margin, and what follows beside it. */
void ct_sheet_name(struct ct_sheet *sheet, const char *name);

#endif
