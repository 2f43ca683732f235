/* complaint.c - incident rate and complaint resolution time. */
#include "metrics/complaint.h"

#include "metrics/account.h"
#include "metrics/days.h"
#include "metrics/refs.h"

/* Of an untimed conversation neither the complaint's time nor the resolution's is one to measure by. */
static bool resolved_in_it(const struct ct_record *record)
{
    return record->timed && record->resolved == CT_TRUE && record->complaint_at != CT_USEC_NONE &&
           record->resolved_at != CT_USEC_NONE && record->resolved_at >= record->complaint_at;
}

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
    if (resolved_in_it(record)) {
        ct_spread_add(&s->time, record->resolved_at - record->complaint_at);
    } else {
        s->open++;
    }
}

static void add(struct ct_spread *spread, ct_usec from, ct_usec to)
{
    ct_usec length;
    ct_spread_add(spread, __builtin_sub_overflow(to, from, &length) ? INT64_MAX : length);
}

static ct_usec earlier(ct_usec a, ct_usec b)
{
    return b == CT_USEC_NONE || (a != CT_USEC_NONE && a <= b) ? a : b;
}

/* When each topic was next resolved, as conversations are gone through from the last back. */
struct resolutions {
    struct ct_topic_set topics;
    struct ct_by_topic at;
};

static void look_later(struct ct_complaint *s, const struct ct_record *record, struct resolutions *next, ct_usec said)
{
    uint64_t topics = ct_topics_of(&next->topics, record);
    if (!record->timed) {
        return;
    }
    if (record->engaged && record->complaint && !resolved_in_it(record) && record->complaint_at != CT_USEC_NONE) {
        ct_usec later = ct_by_topic_first(&next->at, topics);
        later = earlier(later != CT_USEC_NONE && later >= record->complaint_at ? later : CT_USEC_NONE,
                        said != CT_USEC_NONE && said >= record->complaint_at ? said : CT_USEC_NONE);
        if (later != CT_USEC_NONE) {
            s->later++;
            add(&s->time, record->complaint_at, later);
        }
    }
    if (record->engaged && record->resolved == CT_TRUE && record->resolved_at != CT_USEC_NONE) {
        ct_by_topic_put(&next->at, topics, record->resolved_at);
    }
}

/* Is the complaint that an event speaks of one that a conversation carries? Then it is counted there. */
static bool in_conversation(const struct ct_refs *conversations, const struct ct_business *event)
{
    return ct_refs_find(conversations, ct_business_text(event, CT_BUSINESS_REF)) != CT_USEC_NONE;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_complaint *s = state;
    struct ct_refs resolved, conversations;
    struct resolutions next;
    ct_usec known = ct_terms_known(customer->terms);
    ct_refs_init(&resolved);
    ct_refs_init(&conversations);
    for (size_t i = 0; i < customer->record_count && customer->event_count; i++) {
        const struct ct_record *record = customer->records[i];
        if (record->engaged && record->complaint) {
            ct_refs_put(&conversations, ct_record_text(record, CT_TEXT_CONVERSATION_ID), 0);
        }
    }
    for (size_t i = customer->event_count; i > 0; i--) {
        const struct ct_business *event = customer->events[i - 1];
        ct_span ref = ct_business_text(event, CT_BUSINESS_REF);
        if (event->type == CT_BUSINESS_COMPLAINT_RESOLVED && event->at < known) {
            ct_refs_put(&resolved, ref, event->at);
        } else if (event->type == CT_BUSINESS_COMPLAINT_RAISED && ct_terms_hold(customer->terms, event->at) &&
                   !in_conversation(&conversations, event)) {
            ct_usec at = ct_refs_find(&resolved, ref);
            if (at == CT_USEC_NONE) {
                s->raised_open++;
            } else {
                add(&s->time, event->at, at);
            }
        }
    }
    ct_topics_init(&next.topics, customer->terms);
    ct_by_topic_init(&next.at);
    for (size_t i = customer->record_count; i > 0; i--) {
        const struct ct_record *record = customer->records[i - 1];
        ct_usec said = customer->event_count ? ct_refs_find(&resolved, ct_record_text(record, CT_TEXT_CONVERSATION_ID))
                                             : CT_USEC_NONE;
        look_later(s, record, &next, said);
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
    s->later += by * o->later;
    s->raised_open += by * o->raised_open;
}

static const size_t spreads[] = {offsetof(struct ct_complaint, time)};
const struct ct_metric ct_metric_complaint = {.name = "complaint",
                                              .state_bytes = sizeof(struct ct_complaint),
                                              .spreads = spreads,
                                              .spread_count = sizeof spreads / sizeof *spreads,
                                              .fold = fold,
                                              .fold_customer = fold_customer,
                                              .merge = merge};
