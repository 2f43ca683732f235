/* handling.c - handling times of engaged conversations. */
#include "metrics/handling.h"

static void add(struct ct_spread *spread, ct_usec value)
{
    if (value != CT_USEC_NONE) {
        ct_spread_add(spread, value);
    }
}

static void fold(void *state, const struct ct_record *record)
{
    struct ct_handling *s = state;
    if (!record->engaged) {
        return;
    }
    s->untimed += record->total_handling_usec == CT_USEC_NONE;
    add(&s->total, record->total_handling_usec);
    if (record->bot_involved) {
        add(&s->ai, record->ai_handling_usec);
    }
    if (record->escalated) {
        add(&s->human, record->human_handling_usec);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_handling *s = state;
    const struct ct_handling *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_spread_merge(&s->total, &o->total, sign);
    ct_spread_merge(&s->ai, &o->ai, sign);
    ct_spread_merge(&s->human, &o->human, sign);
    s->untimed += by * o->untimed;
}

const struct ct_metric ct_metric_handling = {
    .name = "handling", .state_bytes = sizeof(struct ct_handling), .fold = fold, .merge = merge};
