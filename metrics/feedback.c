/* feedback.c - qualitative feedback counted, and the share of it that got an answer. */
#include "metrics/feedback.h"

#include "metrics/account.h"
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

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_feedback *s = state;
    struct ct_refs answers;
    ct_usec known = ct_terms_known(customer->terms);
    ct_refs_init(&answers);
    for (size_t i = customer->event_count; i > 0; i--) {
        const struct ct_business *event = customer->events[i - 1];
        ct_span ref = ct_business_text(event, CT_BUSINESS_REF);
        if (event->type == CT_BUSINESS_FEEDBACK_ANSWERED && event->at < known) {
            ct_refs_put(&answers, ref, event->at);
        } else if (is_item(event) && ct_terms_hold(customer->terms, event->at)) {
            s->items++;
            s->items_answered += ct_refs_find(&answers, ref) != CT_USEC_NONE;
        }
    }
}

/* Of nobody: counted, and as nobody can be answered it stays without an answer. */
static void fold_event(void *state, const struct ct_business *event, const struct ct_terms *terms)
{
    struct ct_feedback *s = state;
    s->items += is_item(event) && ct_terms_hold(terms, event->at);
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
}

const struct ct_metric ct_metric_feedback = {.name = "feedback",
                                             .state_bytes = sizeof(struct ct_feedback),
                                             .fold = fold,
                                             .fold_customer = fold_customer,
                                             .fold_event = fold_event,
                                             .merge = merge};
