/* kpi_catalogue.h - the rows of kpis.def as kpi.c reads them, and the set. Private to this room. */
#ifndef CT_KPI_CATALOGUE_H
#define CT_KPI_CATALOGUE_H

#include "metrics/metric.h"

enum ct_metric_index {
#define CT_METRIC(name) CT_METRIC_##name,
#include "metrics/metrics.def"
#undef CT_METRIC
    CT_METRIC_COUNT
};
extern const struct ct_metric *const ct_metrics[CT_METRIC_COUNT];

/* Metric states one after the other, each aligned for the widest integer: ct_kpi_set_bytes of them. */
struct ct_kpi_set {
    _Alignas(16) unsigned char state[16];
};

/* Parallel to ct_kpi_catalogue. */
struct ct_kpi_source {
    enum ct_metric_index metric;
    ct_reader *read;
};
extern const struct ct_kpi_source ct_kpi_sources[];

#endif
