/* feedback.c - qualitative feedback counted, and the share of it that got an answer. */
#include "metrics/feedback.h"

#include "metrics/account.h"
#include "metrics/answers.h"
#include "metrics/days.h"
#include "metrics/refs.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_feedback *s = state;
    s->engaged += record->engaged;
    s->comments += record->comments;
    s->comments_answered += record->comments_answered;
}

static bool is_item(const struct ct_business *event)
{
    return event->type == CT_BUSINESS_FEEDBACK ||
           (event->type == CT_BUSINESS_SURVEY && ct_business_text(event, CT_BUSINESS_TEXT).len > 0);
}

/* What an answer calls it by. */
static ct_span name_of(const struct ct_business *event)
{
    ct_span ref = ct_business_text(event, CT_BUSINESS_REF);
    return ref.len ? ref : ct_business_text(event, CT_BUSINESS_ID);
}

static bool answered_by_nobody(const struct ct_terms *terms, const struct ct_business *event)
{
    return ct_answers_find(terms->answers, ct_business_text(event, CT_BUSINESS_TENANT), name_of(event), false,
                           event->at, ct_terms_known(terms)) == CT_ANSWERED_YES;
}

/* By an event that names the conversation; `nobodys`: whose customer is not known. */
static bool answered_outside(const struct ct_terms *terms, const struct ct_record *record, bool nobodys)
{
    ct_usec from = record->started_at; /* NONE is before everything */
    return ct_answers_find(terms->answers, ct_record_text(record, CT_TEXT_TENANT),
                           ct_record_text(record, CT_TEXT_CONVERSATION_ID), nobodys, from,
                           ct_terms_known(terms)) == CT_ANSWERED_YES;
}

static uint32_t open_comments(const struct ct_record *record)
{
    return record->comments - record->comments_answered;
}

static void fold_open(void *state, const struct ct_record *record, const struct ct_terms *terms)
{
    struct ct_feedback *s = state;
    if (!record->has_customer && open_comments(record) && answered_outside(terms, record, true)) {
        s->answered_outside += open_comments(record);
    }
}

/* From its conversation on: of one id, as a channel may have it, there are sessions that an answer came before. */
static bool answered_by_own(const struct ct_refs *answers, const struct ct_record *record)
{
    ct_usec at = ct_refs_find(answers, ct_record_text(record, CT_TEXT_CONVERSATION_ID));
    return at != CT_USEC_NONE && at >= record->started_at; /* NONE is before everything */
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_feedback *s = state;
    struct ct_refs answers; /* the newest of each reference */
    ct_usec known = ct_terms_known(customer->terms);
    ct_refs_init(&answers);
    for (size_t i = customer->event_count; i > 0; i--) {
        const struct ct_business *event = customer->events[i - 1];
        if (event->type == CT_BUSINESS_FEEDBACK_ANSWERED && event->at < known) {
            ct_span ref = ct_business_text(event, CT_BUSINESS_REF);
            if (ct_refs_find(&answers, ref) == CT_USEC_NONE) {
                ct_refs_put(&answers, ref, event->at);
            }
        } else if (is_item(event) && ct_terms_hold(customer->terms, event->at)) {
            s->items++;
            s->items_answered +=
                ct_refs_find(&answers, name_of(event)) != CT_USEC_NONE || answered_by_nobody(customer->terms, event);
        }
    }
    for (size_t i = 0; i < customer->record_count; i++) {
        const struct ct_record *record = customer->records[i];
        if (record->has_customer && open_comments(record) &&
            (answered_by_own(&answers, record) || answered_outside(customer->terms, record, false))) {
            s->answered_outside += open_comments(record);
        }
    }
}

/* Of nobody in particular. */
static void fold_event(void *state, const struct ct_business *event, const struct ct_terms *terms)
{
    struct ct_feedback *s = state;
    if (!is_item(event) || !ct_terms_hold(terms, event->at)) {
        return;
    }
    enum ct_answered answered = ct_answers_find(terms->answers, ct_business_text(event, CT_BUSINESS_TENANT),
                                                name_of(event), true, event->at, ct_terms_known(terms));
    s->items++;
    s->items_answered += answered == CT_ANSWERED_YES;
    s->items_unknown += answered == CT_ANSWERED_UNKNOWN;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_feedback *s = state;
    const struct ct_feedback *o = other;
    uint64_t by = ct_metric_by(sign);
    s->engaged += by * o->engaged;
    s->comments += by * o->comments;
    s->comments_answered += by * o->comments_answered;
    s->items += by * o->items;
    s->items_answered += by * o->items_answered;
    s->items_unknown += by * o->items_unknown;
    s->answered_outside += by * o->answered_outside;
}

const struct ct_metric ct_metric_feedback = {.name = "feedback",
                                             .state_bytes = sizeof(struct ct_feedback),
                                             .fold = fold,
                                             .fold_open = fold_open,
                                             .fold_customer = fold_customer,
                                             .fold_event = fold_event,
                                             .merge = merge};
