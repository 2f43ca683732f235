/* customer.c - marks who came back. Called by the pipeline once all conversations of a customer are closed. */
#include "metrics/customer.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    const struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    /* Untimed last: NONE is the smallest number there is. */
    bool a_timed = a->started_at != CT_USEC_NONE, b_timed = b->started_at != CT_USEC_NONE;
    if (a_timed != b_timed) {
        return a_timed ? -1 : 1;
    }
    if (a->started_at != b->started_at) {
        return a->started_at < b->started_at ? -1 : 1;
    }
    if (a->conversation_hash != b->conversation_hash) {
        return a->conversation_hash < b->conversation_hash ? -1 : 1;
    }
    if (a->session != b->session) {
        return a->session < b->session ? -1 : 1;
    }
    return a->content_hash < b->content_hash ? -1 : a->content_hash > b->content_hash;
}

void ct_customer_sort(struct ct_record **records, size_t count)
{
    qsort(records, count, sizeof(struct ct_record *), compare);
}

static bool is_contact(const struct ct_record *record)
{
    return record->has_customer && record->engaged && record->timed && record->started_at != CT_USEC_NONE &&
           record->ended_at != CT_USEC_NONE;
}

static ct_usec distance(ct_usec from, ct_usec to)
{
    ct_usec gap;
    if (to <= from) {
        return 0;
    }
    return __builtin_sub_overflow(to, from, &gap) ? INT64_MAX : gap;
}

void ct_customer_mark(struct ct_record *const *records, size_t count, ct_usec window, ct_usec as_of)
{
    struct ct_record *before = NULL;   /* the contact that ended last, of those that started earlier */
    struct ct_record *previous = NULL; /* the contact just before, in order of start */
    for (size_t i = 0; i < count; i++) {
        struct ct_record *record = records[i];
        record->returned = record->is_return = record->immature = false;
        record->next_contact_usec = record->previous_contact_usec = CT_USEC_NONE;
        record->observed_usec = 0;
        if (!is_contact(record)) {
            continue;
        }
        record->observed_usec = as_of == CT_USEC_NONE ? 0 : distance(record->ended_at, as_of);
        record->immature = record->observed_usec < window;
        if (before) {
            record->previous_contact_usec = distance(before->ended_at, record->started_at);
            record->is_return = record->previous_contact_usec <= window;
            previous->next_contact_usec = distance(previous->ended_at, record->started_at);
            previous->returned = previous->next_contact_usec <= window;
        }
        if (!before || record->ended_at > before->ended_at) {
            before = record;
        }
        previous = record;
    }
    for (size_t i = 0; i < count; i++) {
        struct ct_record *record = records[i];
        if (!is_contact(record) || record->immature) {
            record->first_contact = CT_NULL;
        } else {
            bool first = record->resolved == CT_TRUE && !record->returned && !record->is_return;
            record->first_contact = first ? CT_TRUE : CT_FALSE;
        }
    }
}

ct_span ct_customer_segment(const struct ct_customer *customer)
{
    ct_usec to = customer->terms->to;
    for (size_t i = customer->event_count; i > 0; i--) {
        const struct ct_business *event = customer->events[i - 1];
        ct_span segment = ct_business_text(event, CT_BUSINESS_SEGMENT);
        if (segment.len && (to == CT_USEC_NONE || event->at < to)) {
            return segment;
        }
    }
    for (size_t i = customer->record_count; i > 0; i--) {
        ct_span segment = ct_record_text(customer->records[i - 1], CT_TEXT_SEGMENT);
        if (segment.len) {
            return segment;
        }
    }
    return CT_SPAN_NONE;
}
