/* resolution.c - resolution times of resolved conversations, by whomever. */
#include "metrics/resolution.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_resolution *s = state;
    if (!record->engaged || record->resolved != CT_TRUE) {
        return;
    }
    if (!record->timed || record->resolved_at == CT_USEC_NONE || record->asked_at == CT_USEC_NONE ||
        record->resolved_at < record->asked_at) { /* a label stamped before the customer's first message */
        s->unknown++;
    } else {
        ct_spread_add(&s->time, record->resolved_at - record->asked_at);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_resolution *s = state;
    const struct ct_resolution *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_spread_merge(&s->time, &o->time, sign);
    s->unknown += by * o->unknown;
}

static const size_t spreads[] = {offsetof(struct ct_resolution, time)};
const struct ct_metric ct_metric_resolution = {.name = "resolution",
                                               .state_bytes = sizeof(struct ct_resolution),
                                               .spreads = spreads,
                                               .spread_count = sizeof spreads / sizeof *spreads,
                                               .fold = fold,
                                               .merge = merge};
