/* report.h - the findings as one self-contained HTML page: no scripts from elsewhere, no fonts, no requests. */
#ifndef CT_REPORT_H
#define CT_REPORT_H

#include "sinks/output.h"

struct ct_report_options {
    enum ct_lang lang;
    const char *title; /* NULL = the product's own */
};
void ct_report_write(struct ct_out *out, const struct ct_findings *findings, const struct ct_report_options *options);

#endif
