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

/* Where a metric's state begins in a set; one more: where the last one ends. */
extern const size_t ct_kpi_set_offsets[CT_METRIC_COUNT + 1];
static inline size_t ct_kpi_set_offset(unsigned metric)
{
    return ct_kpi_set_offsets[metric];
}
/* May its state be other than empty where conversations alone were folded? */
static inline bool ct_metric_of_conversations(unsigned metric)
{
    return ct_metrics[metric]->fold || ct_metrics[metric]->fold_open;
}
/* No customer and no event was folded: metrics that are not of conversations are empty. So live windows, which know
 * conversations alone, do not pay for them. */
bool ct_kpis_alone(const struct ct_kpi_set *set);

/* Parallel to ct_kpi_catalogue. */
struct ct_kpi_source {
    enum ct_metric_index metric;
    ct_reader *read;
};
extern const struct ct_kpi_source ct_kpi_sources[];

#endif
