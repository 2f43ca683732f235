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
    bool untimed = !record->timed || record->total_handling_usec == CT_USEC_NONE;
    s->untimed += untimed;
    s->untimed_ai += untimed && record->bot_involved;
    s->untimed_human += untimed && record->escalated;
    if (untimed) {
        return;
    }
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
    s->untimed_ai += by * o->untimed_ai;
    s->untimed_human += by * o->untimed_human;
}

static const size_t spreads[] = {offsetof(struct ct_handling, total), offsetof(struct ct_handling, ai),
                                 offsetof(struct ct_handling, human)};
const struct ct_metric ct_metric_handling = {.name = "handling",
                                             .state_bytes = sizeof(struct ct_handling),
                                             .spreads = spreads,
                                             .spread_count = sizeof spreads / sizeof *spreads,
                                             .fold = fold,
                                             .merge = merge};
