/* json.h - `audit --json`, the same figures inside other answers, and the catalogue as JSON. */
#ifndef CT_JSON_H
#define CT_JSON_H

#include "sinks/writer.h"

/* One object and a newline. Ratios as decimals with at most six places, rounded half to even from the integers. */
void ct_json_findings(struct ct_out *out, const struct ct_findings *findings);
/* Figures inside another object. Zeroed = as `audit --json` has them. */
struct ct_json_figures {
    const struct ct_block *total;
    const char *group_by; /* NULL = no slices */
    const struct ct_block *slices;
    size_t slice_count;
    bool (*wanted)(const void *context, const struct ct_kpi *kpi); /* NULL = all KPIs */
    const void *context;
    const char *(*reason)(const struct ct_figure *figure); /* why one has no value; may be NULL, and give NULL */
    bool named;                                            /* each KPI with its name in `lang` */
    enum ct_lang lang;
};
/* The members "period", "totals", "kpis", "outcomes" and, where there is a group_by, "group_by" and "slices". */
void ct_json_figures(struct ct_writer *json, const struct ct_json_figures *figures);
/* One element of "kpis": a head figure of `figures->total`, with its parts and slices. */
void ct_json_kpi(struct ct_writer *json, const struct ct_json_figures *figures, const struct ct_figure *figure);
/* {"conversations","engaged","customers","messages","untimed"} */
void ct_json_totals(struct ct_writer *json, const struct ct_block *block);
/* "drops": {reason: count}; zero counts are left out. */
void ct_json_drops(struct ct_writer *json, const struct ct_drop *drops, size_t count);
/* One object and a newline: {"families","outcomes","profiles","kpis":[{"id","name":{"en","es"},...}]}: all the words
 * that figures are shown with. */
void ct_json_catalogue(struct ct_out *out, const struct ct_catalogue *catalogue);

#endif
