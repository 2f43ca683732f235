/* openmetrics.h - figures and counters as Prometheus reads them: OpenMetrics 1.0, or the classic text format 0.0.4.
 *
 * docs/metrics.md lists the names. Of a KPI: its value in base units (a ratio 0 to 1, seconds, money by currency),
 * numerator and denominator (a ratio cannot be averaged, its parts can be added), and for the whole the bounds of its
 * interval, percentiles and what was left out. A figure without a denominator has no sample; its family is there all
 * the same, but for those KPIs that the views cannot have (page.without). Stable order, no sample twice, exact
 * decimals, no time stamps.
 */
#ifndef CT_OPENMETRICS_H
#define CT_OPENMETRICS_H

#include "sinks/output.h"

enum ct_openmetrics_form { CT_OPENMETRICS_1_0, CT_OPENMETRICS_CLASSIC };
/* The Content-Type of a form. */
const char *ct_openmetrics_type(enum ct_openmetrics_form form);
/* What an Accept header asks for: OpenMetrics where it is named and not less wanted than text/plain; else the classic
 * form, also for an empty header. */
enum ct_openmetrics_form ct_openmetrics_accept(ct_span accept);

/* One window; or one window by one field. Of several views of the same window the first gives the whole. */
struct ct_openmetrics_view {
    const char *window; /* "5m" */
    ct_usec from, to;   /* CT_USEC_NONE = not known */
    uint64_t messages;  /* that came in it */
    const struct ct_block *total;
    const char *by; /* "channel": the label's name; NULL = no slices */
    const struct ct_block *slices;
    size_t slice_count;
};

struct ct_openmetrics_label {
    const char *name; /* a literal of this program */
    ct_span value;    /* from anywhere */
};
enum ct_openmetrics_kind { CT_OPENMETRICS_GAUGE, CT_OPENMETRICS_COUNTER, CT_OPENMETRICS_INFO /* value 1 */ };
/* A number that is no KPI: frames on the tape, drops by reason, open conversations. Rows of one name come one after the
 * other in the page, under the first one's help; a name with the same labels again is left out. */
struct ct_openmetrics_row {
    const char *name; /* "convtap_tape_bytes": without _total or _info, with its unit at the end */
    const char *help;
    const char *unit; /* "bytes", "seconds", "ratio"; NULL = none */
    enum ct_openmetrics_kind kind;
    const struct ct_openmetrics_label *labels;
    size_t label_count;
    ct_wide value;
    int64_t scale; /* value's parts of a unit: 1000000 for µs as seconds; 0 = 1 */
};

struct ct_openmetrics_page {
    const struct ct_openmetrics_view *views;
    size_t view_count;
    const struct ct_openmetrics_row *rows;
    size_t row_count;
    bool (*without)(const struct ct_kpi *kpi); /* KPIs that these views never have a value of: no family; NULL = none */
};
/* The caller ends with ct_out_done. */
void ct_openmetrics_write(struct ct_out *out, enum ct_openmetrics_form form, const struct ct_openmetrics_page *page);

#endif
