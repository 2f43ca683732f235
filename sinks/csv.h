/* csv.h - the figures as rows (RFC 4180: CRLF, quotes doubled). Text cells that a spreadsheet would take for a
 * formula get an apostrophe in front.
 */
#ifndef CT_CSV_H
#define CT_CSV_H

#include "sinks/output.h"

/* One text cell. */
void ct_csv_text(struct ct_out *out, ct_span text);
/* A header row, the whole ("all"), then each slice. */
void ct_csv_write(struct ct_out *out, const struct ct_findings *findings, enum ct_lang lang);

#endif
