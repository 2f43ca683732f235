/* volume.c - counts conversations by outcome. Read by kpi.c into each block. */
#include "metrics/volume.h"

static void dates(struct ct_volume *s, uint64_t count, ct_usec first, ct_usec last)
{
    if (count == 0) {
        return;
    }
    s->first_at = s->dated == 0 || first < s->first_at ? first : s->first_at;
    s->last_at = s->dated == 0 || last > s->last_at ? last : s->last_at;
    s->dated += count;
}

static void fold(void *state, const struct ct_record *record)
{
    struct ct_volume *s = state;
    s->conversations++;
    s->engaged += record->engaged;
    s->messages += record->message_count;
    s->untimed += !record->timed;
    s->outcomes[record->outcome]++;
    bool dated = record->started_at != CT_USEC_NONE && record->ended_at != CT_USEC_NONE;
    dates(s, dated, record->started_at, record->ended_at);
}

static void merge(void *state, const void *other)
{
    struct ct_volume *s = state;
    const struct ct_volume *o = other;
    s->conversations += o->conversations;
    s->engaged += o->engaged;
    s->messages += o->messages;
    s->untimed += o->untimed;
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        s->outcomes[i] += o->outcomes[i];
    }
    dates(s, o->dated, o->first_at, o->last_at);
}

const struct ct_metric ct_metric_volume = {
    .name = "volume", .state_bytes = sizeof(struct ct_volume), .fold = fold, .merge = merge};
