/* accuracy.h - right and wrong answers of the AI: labelled and inferred apart, and what it did not understand. */
#ifndef CT_ACCURACY_H
#define CT_ACCURACY_H

#include "metrics/metric.h"

struct ct_accuracy {
    uint64_t judged, correct;            /* by explicit labels: QA, thumbs, graders */
    uint64_t inferred, inferred_correct; /* by the rules */
    uint64_t answers;                    /* messages of the AI */
    uint64_t fallbacks, no_data, wrong, repeats;
};
extern const struct ct_metric ct_metric_accuracy;

#endif
