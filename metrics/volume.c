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

static bool inside(const struct ct_business *event, const struct ct_terms *terms)
{
    return terms->to == CT_USEC_NONE || (event->at >= terms->from && event->at < terms->to);
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_volume *s = state;
    s->known++;
    s->accounts += customer->event_count + customer->due_count > 0;
    for (size_t i = 0; i < customer->event_count + customer->due_count; i++) {
        s->events +=
            ct_terms_know(customer->terms, customer->events[i]) && inside(customer->events[i], customer->terms);
    }
}

static void fold_event(void *state, const struct ct_business *event, const struct ct_terms *terms)
{
    struct ct_volume *s = state;
    s->known++;
    s->events += inside(event, terms);
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_volume *s = state;
    const struct ct_volume *o = other;
    uint64_t by = ct_metric_by(sign);
    s->conversations += by * o->conversations;
    s->engaged += by * o->engaged;
    s->messages += by * o->messages;
    s->untimed += by * o->untimed;
    s->accounts += by * o->accounts;
    s->events += by * o->events;
    s->known += by * o->known;
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        s->outcomes[i] += by * o->outcomes[i];
    }
    if (sign > 0) {
        dates(s, o->dated, o->first_at, o->last_at);
    } else if ((s->dated -= o->dated) == 0) {
        s->first_at = s->last_at = 0; /* else they stay: what came next to the ends is not known */
    }
}

const struct ct_metric ct_metric_volume = {.name = "volume",
                                           .state_bytes = sizeof(struct ct_volume),
                                           .fold = fold,
                                           .fold_customer = fold_customer,
                                           .fold_event = fold_event,
                                           .merge = merge};
