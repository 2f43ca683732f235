/* table.h - the findings as a table for a terminal, by family, and the catalogue as a list. */
#ifndef CT_TABLE_H
#define CT_TABLE_H

#include "sinks/output.h"

struct ct_table_options {
    enum ct_lang lang;
    unsigned width; /* columns of the terminal; 0 = 100; used between 72 and 160 */
    bool colour;    /* ANSI colours */
    bool ascii;     /* no box drawing, no block characters */
};
/* The table; whoever calls checks ct_out_done. options may be NULL. */
void ct_table_write(struct ct_out *out, const struct ct_findings *findings, const struct ct_table_options *options);
/* `convtap kpis`: what can be computed. */
void ct_table_catalogue(struct ct_out *out, const struct ct_kpi *kpis, size_t count,
                        const struct ct_table_options *options);

#endif
