/* complaint.c - incident rate and complaint resolution time. */
#include "metrics/complaint.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_complaint *s = state;
    if (!record->engaged) {
        return;
    }
    s->engaged++;
    s->insults += record->insult;
    if (!record->complaint) {
        return;
    }
    s->complaints++;
    if (record->resolved == CT_TRUE && record->complaint_at != CT_USEC_NONE && record->resolved_at != CT_USEC_NONE &&
        record->resolved_at >= record->complaint_at) {
        ct_spread_add(&s->time, record->resolved_at - record->complaint_at);
    } else {
        s->open++;
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_complaint *s = state;
    const struct ct_complaint *o = other;
    uint64_t by = ct_metric_by(sign);
    s->engaged += by * o->engaged;
    s->complaints += by * o->complaints;
    s->insults += by * o->insults;
    ct_spread_merge(&s->time, &o->time, sign);
    s->open += by * o->open;
}

const struct ct_metric ct_metric_complaint = {
    .name = "complaint", .state_bytes = sizeof(struct ct_complaint), .fold = fold, .merge = merge};
