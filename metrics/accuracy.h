/* accuracy.h - right and wrong answers of the AI: labelled and inferred apart, and what it did not understand. */
#ifndef CT_ACCURACY_H
#define CT_ACCURACY_H

#include "metrics/metric.h"

struct ct_accuracy {
    uint64_t judged, correct;            /* by explicit labels: QA, thumbs, graders */
    uint64_t inferred, inferred_correct; /* by the rules */
    uint64_t marked, marked_correct;     /* by human marks of the terms, */
    uint64_t replaced, replaced_correct; /* and the labels of the same conversations, which they go before */
    uint64_t answers;                    /* messages of the AI */
    uint64_t fallbacks, no_data, wrong, repeats;
};
extern const struct ct_metric ct_metric_accuracy;

#endif
