/* report_parts.h - pieces of the HTML report: escaped text, bars, tiles, rows. Private to report*.c. */
#ifndef CT_REPORT_PARTS_H
#define CT_REPORT_PARTS_H

#include "sinks/output.h"

extern const char *const ct_report_style[]; /* NULL ends it */

struct ct_page {
    struct ct_out *out;
    enum ct_lang lang;
};

/* One of two, by the page's language. */
const char *ct_page_word(const struct ct_page *page, const char *en, const char *es);
/* Markup of this program, as it is. */
void ct_page_raw(const struct ct_page *page, const char *markup);
/* Any text: &, <, >, quotes escaped; control characters and bytes that are no UTF-8 as U+FFFD. */
void ct_page_span(const struct ct_page *page, ct_span text);
void ct_page_text(const struct ct_page *page, const char *text);
void ct_page_count(const struct ct_page *page, uint64_t count);

/* The value with its unit set small. */
void ct_page_value(const struct ct_page *page, const struct ct_figure *figure);
/* A track with the interval as a band, the value as a dot and the target as a tick; nothing for units without ends. */
bool ct_page_range(const struct ct_page *page, const struct ct_figure *figure);
/* "met: >= 85 %"; nothing without a target. */
void ct_page_chip(const struct ct_page *page, const struct ct_figure *figure);
void ct_page_tile(const struct ct_page *page, const struct ct_block *block, const char *id);
/* Where a value in millionths of the unit lies between the unit's ends, in thousandths; false = no ends. */
bool ct_page_place(const struct ct_figure *figure, int64_t micro, int *out);
/* "+3.2 pp, up: better"; nothing where there is no change. */
void ct_page_change(const struct ct_page *page, const struct ct_figure *figure);
/* The heading and KPI table of a family; nothing where the family has no figures. */
void ct_page_family(const struct ct_page *page, const struct ct_findings *findings, enum ct_family family);
void ct_page_outcomes(const struct ct_page *page, const struct ct_block *block);
/* report_quality.c; nothing without human marks. */
void ct_page_quality(const struct ct_page *page, const struct ct_findings *findings);
/* report_feedback.c; nothing where it was not looked for. */
void ct_page_feedback(const struct ct_page *page, const struct ct_findings *findings);
/* report_slices.c; nothing where nothing is sliced. */
void ct_page_slices(const struct ct_page *page, const struct ct_findings *findings);

#endif
