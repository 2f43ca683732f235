/* quality.h - what the rules found against what people marked: confusions of marked conversations. No KPI: the rules'
 * own precision and recall, and what a KPI's correction stands on. Empty without marks in the terms.
 */
#ifndef CT_QUALITY_H
#define CT_QUALITY_H

#include "engine/quality.h"
#include "metrics/keyed.h"
#include "metrics/metric.h"

enum { CT_QUALITY_TOPICS_MAX = 24, CT_QUALITY_SIGNALS_MAX = 24 };

struct ct_confusion {
    uint64_t tp, fp, fn, tn;
    uint64_t unknown; /* marked, but the rules say neither */
};
struct ct_quality_topic {
    char key[CT_KEY_BYTES];
    uint64_t both, found, marked; /* conversations whose main topic it is by both, by the rules, by the marks */
};
struct ct_quality_signal {
    char key[CT_KEY_BYTES];
    struct ct_confusion seen;
};

/* KPIs that can be corrected: X(NAME, id). */
#define CT_CORRECTED_MAP(X)                                                                                            \
    X(AUTOMATION, "automation_rate")                                                                                   \
    X(ESCALATION, "escalation_rate") X(FCR, "fcr") X(INCIDENT, "incident_rate")
enum ct_corrected {
#define X(name, id) CT_CORRECTED_##name,
    CT_CORRECTED_MAP(X)
#undef X
        CT_CORRECTED_COUNT
};

struct ct_quality {
    uint64_t marked;
    uint64_t outcomes[CT_OUTCOME_COUNT][CT_OUTCOME_COUNT]; /* by mark, by rules */
    struct ct_confusion resolved, escalated, complaint;
    struct ct_confusion corrected[CT_CORRECTED_COUNT]; /* in the KPI's base: counted, and to be counted by the marks */
    uint64_t topics, topics_agreed;
    struct ct_quality_topic topic[CT_QUALITY_TOPICS_MAX], other_topic;
    struct ct_quality_signal signal[CT_QUALITY_SIGNALS_MAX], other_signal;
    uint32_t topic_count, signal_count;
};
extern const struct ct_metric ct_metric_quality;

/* Rows and corrections. `total`: the figures that are corrected. */
void ct_quality_read(const struct ct_quality *quality, const struct ct_block *total, struct ct_quality_findings *out);

#endif
