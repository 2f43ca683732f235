/* automation.c - the automation rate and its bounds. */
#include "metrics/automation.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_automation *s = state;
    if (!record->engaged || !record->ai_answered) {
        return;
    }
    bool alone = !record->escalated, resolved = alone && record->resolved == CT_TRUE;
    s->base++;
    s->contained += alone;
    s->resolved += resolved;
    s->confirmed += resolved && (record->outcome == CT_OUTCOME_RESOLVED_CONFIRMED || record->label_decided);
    s->upper += resolved || (alone && record->resolved == CT_NULL && record->outcome == CT_OUTCOME_SILENT);
    if (record->first_contact != CT_NULL) { /* a known customer, and the window has passed */
        s->durable_base++;
        s->durable += resolved && !record->returned;
    }
}

static void fold_open(void *state, const struct ct_record *record, const struct ct_terms *terms)
{
    struct ct_automation *s = state;
    if (!record->engaged || !record->ai_answered || record->ended_at == CT_USEC_NONE || terms->as_of == CT_USEC_NONE) {
        return;
    }
    if (record->immature) {
        ct_pending_add(&s->young, record->ended_at + terms->return_window_usec);
    }
    if (record->outcome == CT_OUTCOME_SILENT && !record->closed_by_event && terms->silence) {
        ct_usec idle = ct_silence_of(terms->silence, ct_record_text(record, CT_TEXT_CHANNEL), false);
        if (record->ended_at > terms->as_of - idle) {
            ct_pending_add(&s->silent, record->ended_at + idle);
        }
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_automation *s = state;
    const struct ct_automation *o = other;
    uint64_t by = ct_metric_by(sign);
    s->base += by * o->base;
    s->confirmed += by * o->confirmed;
    s->resolved += by * o->resolved;
    s->upper += by * o->upper;
    s->contained += by * o->contained;
    s->durable_base += by * o->durable_base;
    s->durable += by * o->durable;
    ct_pending_merge(&s->young, &o->young, sign);
    ct_pending_merge(&s->silent, &o->silent, sign);
}

const struct ct_metric ct_metric_automation = {.name = "automation",
                                               .state_bytes = sizeof(struct ct_automation),
                                               .fold = fold,
                                               .fold_open = fold_open,
                                               .merge = merge};
