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
    s->failed += ct_record_failed(record);
    s->requested_performed += record->requested && record->escalated;
    s->performed_judged += record->escalated && record->resolved != CT_NULL;
    s->performed_resolved += record->escalated && record->resolved == CT_TRUE;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_escalation *s = state;
    const struct ct_escalation *o = other;
    uint64_t by = ct_metric_by(sign);
    s->engaged += by * o->engaged;
    s->performed += by * o->performed;
    s->requested += by * o->requested;
    s->offered += by * o->offered;
    s->announced += by * o->announced;
    s->refused += by * o->refused;
    s->failed += by * o->failed;
    s->requested_performed += by * o->requested_performed;
    s->performed_judged += by * o->performed_judged;
    s->performed_resolved += by * o->performed_resolved;
}

const struct ct_metric ct_metric_escalation = {
    .name = "escalation", .state_bytes = sizeof(struct ct_escalation), .fold = fold, .merge = merge};
