/* json.h - `audit --json`, and the catalogue as JSON. */
#ifndef CT_JSON_H
#define CT_JSON_H

#include "sinks/output.h"

/* One object and a newline. Ratios as decimals with at most six places, rounded half to even from the integers. */
void ct_json_findings(struct ct_out *out, const struct ct_findings *findings);
/* One object and a newline: {"kpis":[{"id","name":{"en","es"},...}]}. */
void ct_json_catalogue(struct ct_out *out, const struct ct_kpi *kpis, size_t count);

#endif
