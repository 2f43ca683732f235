/* quality.h - what human marks say of the rules, as plain memory: what metrics make of it and sinks print.
 *
 * A mark is what a person found in a conversation (docs/quality.md). A row holds what the rules found against what the
 * marks say; a correction is a KPI with the rules' measured error taken out, beside the raw figure and never in its
 * place. Whole numbers and exact fractions.
 */
#ifndef CT_QUALITY_FINDINGS_H
#define CT_QUALITY_FINDINGS_H

#include "engine/figure.h"

/* What is held against marks. */
#define CT_QUALITY_SUBJECT_MAP(X)                                                                                      \
    X(OUTCOME, "outcome", "Outcome", "Desenlace")                                                                      \
    X(RESOLVED, "resolved", "Resolved", "Resuelta")                                                                    \
    X(ESCALATED, "escalated", "Escalated", "Escalada")                                                                 \
    X(COMPLAINT, "complaint", "Complaint", "Queja")                                                                    \
    X(TOPIC, "topic", "Topic", "Tema")                                                                                 \
    X(SIGNAL, "signal", "Signal", "Señal")
enum ct_quality_subject {
#define X(name, text, en, es) CT_QUALITY_##name,
    CT_QUALITY_SUBJECT_MAP(X)
#undef X
        CT_QUALITY_SUBJECTS
};

/* "positive" is what the subject's name says, or the key: the outcome "escalated", the topic "billing". */
struct ct_quality_row {
    enum ct_quality_subject subject;
    char key[CT_FIGURE_KEY_BYTES];  /* of one outcome, topic or signal; "" = the subject as a whole */
    bool classes;                   /* a subject of several classes as a whole: only n, agreed, kappa */
    uint64_t n, agreed;             /* marked conversations that the rules judged, too */
    uint64_t tp, fp, fn, tn;        /* found and marked, found alone, marked alone, neither */
    uint64_t unknown;               /* marked, but the rules say neither */
    bool has_precision, has_recall; /* tp of tp + fp, of tp + fn: not where these are 0 */
    int64_t precision_low, precision_high, recall_low, recall_high; /* Wilson, 95 %, millionths of a percent */
    bool has_kappa;                                                 /* not where chance alone agrees always */
    ct_wide kappa_num, kappa_den; /* Cohen's: (observed - by chance) / (1 - by chance); den > 0 */
};

#define CT_CORRECTION_MAP(X)                                                                                           \
    X(DONE, "corrected")                                                                                               \
    X(TOO_FEW, "too_few_marks")         /* fewer than CT_CORRECTION_MARKS with, or without, what the KPI counts */     \
    X(NEAR_CHANCE, "rules_near_chance") /* sensitivity + specificity - 1 below a tenth: nothing can be told */         \
    X(OTHER, "other_definition")        /* the figure is by another authority's definition */                          \
    X(NO_VALUE, "no_value")
enum ct_correction_status {
#define X(name, text) CT_CORRECTION_##name,
    CT_CORRECTION_MAP(X)
#undef X
};
#define CT_CORRECTION_MARKS 20

struct ct_quality_correction {
    const struct ct_kpi *kpi;
    enum ct_correction_status status;
    uint64_t tp, fp, fn, tn;                 /* marked conversations of the KPI's base */
    ct_wide raw_num, raw_den;                /* the figure as it is: raw_num / raw_den x 100 % */
    ct_wide num, den;                        /* corrected, in percent, within 0..100; den > 0 */
    int64_t low_micro, high_micro;           /* 95 %, millionths of a percent, within 0..100000000 */
    bool clipped, clipped_low, clipped_high; /* the estimate, or an end, was beyond 0..100 */
};

enum { CT_QUALITY_ROWS_MAX = 80, CT_QUALITY_CORRECTIONS = 4 };
struct ct_quality_findings {
    uint64_t marked;                                 /* conversations with marks, among those that are counted */
    struct ct_quality_row rows[CT_QUALITY_ROWS_MAX]; /* by subject, the whole first, then by key */
    size_t row_count;
    struct ct_quality_correction corrections[CT_QUALITY_CORRECTIONS];
    size_t correction_count;
};

#endif
