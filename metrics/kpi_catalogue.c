/* kpi_catalogue.c - metrics.def and kpis.def, made into tables. Called by kpi.c and whoever lists KPIs. */
#include "metrics/kpi_catalogue.h"

#include "metrics/accuracy.h"
#include "metrics/adoption.h"
#include "metrics/automation.h"
#include "metrics/channels.h"
#include "metrics/churn.h"
#include "metrics/complaint.h"
#include "metrics/contact.h"
#include "metrics/cost.h"
#include "metrics/customers.h"
#include "metrics/engagement.h"
#include "metrics/escalation.h"
#include "metrics/feedback.h"
#include "metrics/handling.h"
#include "metrics/health.h"
#include "metrics/influence.h"
#include "metrics/iqs.h"
#include "metrics/kpi.h"
#include "metrics/onboarding.h"
#include "metrics/orders.h"
#include "metrics/outcomes.h"
#include "metrics/profiled.h"
#include "metrics/quality.h"
#include "metrics/requests.h"
#include "metrics/resolution.h"
#include "metrics/response.h"
#include "metrics/revenue.h"
#include "metrics/satisfaction.h"
#include "metrics/seats.h"
#include "metrics/sentiment.h"
#include "metrics/trial.h"
#include "metrics/usage.h"
#include "metrics/volume.h"
#include "metrics/wait.h"

const struct ct_metric *const ct_metrics[CT_METRIC_COUNT] = {
#define CT_METRIC(name) &ct_metric_##name,
#include "metrics/metrics.def"
#undef CT_METRIC
};

/* What ct_kpi_set is, member by member. */
struct states {
#define CT_METRIC(name) _Alignas(16) struct ct_##name name;
#include "metrics/metrics.def"
#undef CT_METRIC
};
const size_t ct_kpi_set_offsets[CT_METRIC_COUNT + 1] = {
#define CT_METRIC(name) offsetof(struct states, name),
#include "metrics/metrics.def"
#undef CT_METRIC
    sizeof(struct states)};

/* One reading function a row, from the row's own expression over the metric's state `s`. */
#define RATIO(num, den, left)                                                                                          \
    (r->numerator = (ct_wide)(num), r->denominator = (ct_wide)(den), r->left_out = (left), index == 0)
/* Before another: cases that time may still change. */
#define OPEN(pending, reading) (r->provisional = (pending).cases, r->settles_at = (pending).last, reading)
#define QUOTIENT(num, den, left) RATIO(num, den, left)
#define SPREAD(values, left) (r->spread = &(values), r->scale = CT_USEC_PER_SECOND, r->left_out = (left), index == 0)
#define MOMENTS(values, parts, left) (r->moments = &(values), r->scale = (parts), r->left_out = (left), index == 0)
#define PARTS(call) (call)
#define CT_KPI(symbol, id, parent, family, kind, unit, better, target, metric, reading, ...)                           \
    static bool read_##symbol(const void *state, size_t index, struct ct_reading *r)                                   \
    {                                                                                                                  \
        const struct ct_##metric *s = state;                                                                           \
        return reading;                                                                                                \
    }
#include "metrics/kpis.def"
#undef CT_KPI

const struct ct_kpi_source ct_kpi_sources[] = {
#define CT_KPI(symbol, id, parent, family, kind, unit, better, target, metric, reading, ...)                           \
    {CT_METRIC_##metric, read_##symbol},
#include "metrics/kpis.def"
#undef CT_KPI
};

/* Each fills two members: the target for all, and those by segment. */
#define NO_TARGET                                                                                                      \
    {CT_TARGET_NONE, 0},                                                                                               \
    {                                                                                                                  \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define AT_LEAST(micro)                                                                                                \
    {CT_TARGET_AT_LEAST, (micro)},                                                                                     \
    {                                                                                                                  \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define AT_MOST(micro)                                                                                                 \
    {CT_TARGET_AT_MOST, (micro)},                                                                                      \
    {                                                                                                                  \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define FOR(segment, op, micro) {segment, {CT_TARGET_##op, (micro)}},
#define BY_SEGMENT(targets)                                                                                            \
    {CT_TARGET_NONE, 0},                                                                                               \
    {                                                                                                                  \
        targets                                                                                                        \
    }
static const struct ct_kpi kpis[] = {
#define CT_KPI(symbol, id, parent, family, kind, unit, better, target, metric, reading, name_en, name_es, formula_en,  \
               formula_es, help_en, help_es)                                                                           \
    {id,                                                                                                               \
     parent,                                                                                                           \
     CT_FAMILY_##family,                                                                                               \
     CT_KPI_##kind,                                                                                                    \
     CT_UNIT_##unit,                                                                                                   \
     CT_BETTER_##better,                                                                                               \
     target,                                                                                                           \
     {name_en, name_es},                                                                                               \
     {formula_en, formula_es},                                                                                         \
     {help_en, help_es}},
#include "metrics/kpis.def"
#undef CT_KPI
};

const struct ct_kpi *ct_kpi_catalogue(size_t *count)
{
    *count = sizeof kpis / sizeof *kpis;
    return kpis;
}

const struct ct_kpi *ct_kpi_find(ct_span id)
{
    for (size_t i = 0; i < sizeof kpis / sizeof *kpis; i++) {
        if (ct_span_is(id, kpis[i].id)) {
            return &kpis[i];
        }
    }
    return NULL;
}
