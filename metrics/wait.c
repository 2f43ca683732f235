/* wait.c - waits for a person. */
#include "metrics/wait.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_wait *s = state;
    if (!record->timed) {
        s->unknown += record->escalated;
        s->untimed_left += !record->escalated && record->abandoned_at == CT_ABANDONED_QUEUE;
    } else if (record->wait_usec != CT_USEC_NONE) {
        ct_spread_add(&s->attended, record->wait_usec);
    } else if (record->queue_abandoned_usec != CT_USEC_NONE && !record->escalated) {
        /* A transfer that was performed and then leaves the transcript is not a customer who gave up. */
        ct_moments_add(&s->left, record->queue_abandoned_usec < 0 ? 0 : record->queue_abandoned_usec);
    } else {
        s->unknown += record->escalated;
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_wait *s = state;
    const struct ct_wait *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_spread_merge(&s->attended, &o->attended, sign);
    ct_moments_merge(&s->left, &o->left, sign);
    s->unknown += by * o->unknown;
    s->untimed_left += by * o->untimed_left;
}

static const size_t spreads[] = {offsetof(struct ct_wait, attended)};
const struct ct_metric ct_metric_wait = {.name = "wait",
                                         .state_bytes = sizeof(struct ct_wait),
                                         .spreads = spreads,
                                         .spread_count = sizeof spreads / sizeof *spreads,
                                         .fold = fold,
                                         .merge = merge};
