/* escalation.c - counts the steps of a handoff. */
#include "metrics/escalation.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_escalation *s = state;
    if (!record->engaged) {
        return;
    }
    s->engaged++;
    s->performed += record->escalated;
    s->requested += record->requested;
    s->offered += record->offered;
    s->announced += record->announced;
    s->refused += record->refused;
    s->failed += record->outcome == CT_OUTCOME_ESCALATION_FAILED;
    s->requested_performed += record->requested && record->escalated;
    s->performed_judged += record->escalated && record->resolved != CT_NULL;
    s->performed_resolved += record->escalated && record->resolved == CT_TRUE;
}

static void merge(void *state, const void *other)
{
    struct ct_escalation *s = state;
    const struct ct_escalation *o = other;
    s->engaged += o->engaged;
    s->performed += o->performed;
    s->requested += o->requested;
    s->offered += o->offered;
    s->announced += o->announced;
    s->refused += o->refused;
    s->failed += o->failed;
    s->requested_performed += o->requested_performed;
    s->performed_judged += o->performed_judged;
    s->performed_resolved += o->performed_resolved;
}

const struct ct_metric ct_metric_escalation = {
    .name = "escalation", .state_bytes = sizeof(struct ct_escalation), .fold = fold, .merge = merge};
