/* batch_event.c - business events: from the parsers to where their customers wait, and back; and the period that
 * figures are for. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdlib.h>

#include "engine/period.h"
#include "metrics/answers.h"

enum ct_status ct_batch_put_event(struct ct_worker *w, const struct ct_business *event, struct ct_error *err)
{
    /* What is due next year is known today. */
    if (event->type != CT_BUSINESS_RENEWAL_DUE && event->at > w->newest) {
        w->newest = event->at;
    }
    if (event->type == CT_BUSINESS_FEEDBACK_ANSWERED) {
        w->answers = w->answers ? w->answers : ct_answers_new();
        if (!w->answers || ct_answers_add(w->answers, event) != CT_OK) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
    }
    return ct_spill_put(w->events, ct_batch_partition(w->batch->events, event->customer_hash), event, event->bytes,
                        err);
}

enum ct_status ct_batch_take_event(struct ct_worker *w, const struct ct_business_event *event)
{
    uint32_t bytes = ct_business_bytes(event);
    struct ct_business *flat = bytes ? ct_arena_alloc(&w->scratch, bytes) : NULL;
    if (!flat) {
        return bytes ? CT_NO_MEMORY : CT_LIMIT;
    }
    ct_business_write(flat, event);
    return ct_batch_put_event(w, flat, &w->error);
}

enum ct_status ct_batch_gather_answers(struct ct_batch *b, struct ct_error *err)
{
    b->answers = ct_answers_new();
    bool ok = b->answers != NULL;
    for (unsigned i = 0; i < b->worker_count && ok; i++) {
        struct ct_worker *w = &b->workers[i];
        ok = !w->answers || ct_answers_merge(b->answers, w->answers) == CT_OK;
        ct_answers_free(w->answers);
        w->answers = NULL;
    }
    if (!ok) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    ct_answers_settle(b->answers);
    if (ct_answers_beyond(b->answers)) {
        ct_batch_count_reason(&b->workers[0], "too_many_feedback_answers", ct_answers_beyond(b->answers));
    }
    b->terms.answers = b->terms_before.answers = b->answers;
    return CT_OK;
}

static int by_customer(const void *left, const void *right)
{
    const struct ct_business *a = *(const struct ct_business *const *)left;
    const struct ct_business *b = *(const struct ct_business *const *)right;
    return a->customer_hash < b->customer_hash ? -1 : a->customer_hash > b->customer_hash;
}

enum ct_status ct_batch_load_events(struct ct_worker *w, unsigned partition, struct ct_spill_items *items,
                                    const struct ct_business ***list, size_t *count)
{
    const struct ct_business *event;
    *list = NULL;
    *count = 0;
    enum ct_status status = ct_spill_take(w->batch->events, partition, items, &w->error);
    if (status != CT_OK || !items->count) {
        return status;
    }
    *list = malloc(items->count * sizeof **list);
    if (!*list) {
        return CT_NO_MEMORY;
    }
    while ((event = ct_spill_items_next(items))) {
        (*list)[(*count)++] = event;
    }
    qsort(*list, *count, sizeof **list, by_customer);
    return CT_OK;
}

void ct_batch_settle(struct ct_terms *terms, ct_usec newest)
{
    if (terms->as_of == CT_USEC_NONE) {
        terms->as_of = newest;
    }
    if (terms->from != CT_USEC_NONE || terms->to != CT_USEC_NONE) {
        if (terms->to == CT_USEC_NONE && terms->as_of != CT_USEC_NONE) {
            terms->to = ct_period_dated(terms->as_of) ? ct_period_at(terms->zone, CT_PERIOD_DAY, terms->as_of).to
                                                      : terms->as_of + 1; /* from then until today */
        }
        return;
    }
    if (terms->as_of != CT_USEC_NONE && ct_period_dated(terms->as_of)) {
        struct ct_period month = ct_period_at(terms->zone, CT_PERIOD_MONTH, terms->as_of);
        terms->from = month.from;
        terms->to = month.to;
    }
}
