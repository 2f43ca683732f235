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
    if (count > 1) { /* of a customer of whom only events are known `records` may be NULL */
        qsort(records, count, sizeof(struct ct_record *), compare);
    }
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

/* ---- topics ----------------------------------------------------------------------------------------------------- */

bool ct_topic_is_subject(ct_span topic)
{
    return !ct_span_is(topic, "complaint") && !ct_span_is(topic, "suggestion") && !ct_span_is(topic, "competitor");
}

void ct_topics_init(struct ct_topic_set *set, const struct ct_terms *terms)
{
    set->any = terms->return_topic == CT_RETURN_TOPIC_ANY;
    set->count = 0;
}

static unsigned bit_of(struct ct_topic_set *set, ct_span name)
{
    enum { SHARED = sizeof set->name / sizeof *set->name };
    for (uint32_t i = 0; i < set->count; i++) {
        if (ct_span_eq(set->name[i], name)) {
            return i;
        }
    }
    if (set->count == SHARED) {
        return SHARED;
    }
    set->name[set->count] = name;
    return set->count++;
}

uint64_t ct_topics_of(struct ct_topic_set *set, const struct ct_record *record)
{
    ct_span text = set->any ? CT_SPAN_NONE : ct_record_text(record, CT_TEXT_TOPICS);
    uint64_t bits = 0;
    while (text.len) {
        const char *space = memchr(text.at, ' ', text.len);
        ct_span name = {text.at, space ? (size_t)(space - text.at) : text.len};
        size_t used = space ? name.len + 1 : name.len;
        if (ct_topic_is_subject(name)) {
            bits |= (uint64_t)1 << bit_of(set, name);
        }
        text = (ct_span){text.at + used, text.len - used};
    }
    return bits;
}

void ct_by_topic_init(struct ct_by_topic *by)
{
    for (size_t i = 0; i < sizeof by->at / sizeof *by->at; i++) {
        by->at[i] = CT_USEC_NONE;
    }
    by->unknown = by->all = CT_USEC_NONE;
}

static void put(ct_usec *slot, ct_usec at, bool keep_later)
{
    *slot = keep_later && *slot != CT_USEC_NONE && *slot > at ? *slot : at;
}

static void put_all(struct ct_by_topic *by, uint64_t topics, ct_usec at, bool keep_later)
{
    put(&by->all, at, keep_later);
    if (!topics) {
        put(&by->unknown, at, keep_later);
    }
    for (; topics; topics &= topics - 1) {
        put(&by->at[__builtin_ctzll(topics)], at, keep_later);
    }
}

void ct_by_topic_put(struct ct_by_topic *by, uint64_t topics, ct_usec at)
{
    put_all(by, topics, at, false);
}

void ct_by_topic_put_last(struct ct_by_topic *by, uint64_t topics, ct_usec at)
{
    put_all(by, topics, at, true);
}

static ct_usec choose(ct_usec a, ct_usec b, bool last)
{
    if (a == CT_USEC_NONE || b == CT_USEC_NONE) {
        return a == CT_USEC_NONE ? b : a;
    }
    return (a > b) == last ? a : b;
}

static ct_usec find(const struct ct_by_topic *by, uint64_t topics, bool last)
{
    ct_usec found = topics ? by->unknown : by->all;
    for (; topics; topics &= topics - 1) {
        found = choose(found, by->at[__builtin_ctzll(topics)], last);
    }
    return found;
}

ct_usec ct_by_topic_first(const struct ct_by_topic *by, uint64_t topics)
{
    return find(by, topics, false);
}

ct_usec ct_by_topic_last(const struct ct_by_topic *by, uint64_t topics)
{
    return find(by, topics, true);
}

/* ---- marks ------------------------------------------------------------------------------------------------------ */

/* Forwards: how long ago the contact about this ended that ended last, of those that started earlier. */
static void mark_before(struct ct_record *const *records, size_t count, const struct ct_terms *terms, ct_usec as_of)
{
    struct ct_topic_set topics;
    struct ct_by_topic ended;
    ct_topics_init(&topics, terms);
    ct_by_topic_init(&ended);
    for (size_t i = 0; i < count; i++) {
        struct ct_record *record = records[i];
        ct_record_unmark(record);
        bool dated = as_of != CT_USEC_NONE && record->ended_at != CT_USEC_NONE;
        if (dated) {
            record->observed_usec = distance(record->ended_at, as_of);
        }
        if (!is_contact(record)) {
            continue;
        }
        uint64_t about = ct_topics_of(&topics, record);
        ct_usec before = ct_by_topic_last(&ended, about);
        record->immature = record->observed_usec < terms->return_window_usec;
        if (before != CT_USEC_NONE) {
            record->previous_contact_usec = distance(before, record->started_at);
            record->is_return = record->previous_contact_usec <= terms->return_window_usec;
        }
        if (ended.all != CT_USEC_NONE) {
            record->previous_any_usec = distance(ended.all, record->started_at);
        }
        ct_by_topic_put_last(&ended, about, record->ended_at);
    }
}

/* Backwards: how long until the next one about this started. */
static void mark_after(struct ct_record *const *records, size_t count, const struct ct_terms *terms)
{
    struct ct_topic_set topics;
    struct ct_by_topic started;
    ct_topics_init(&topics, terms);
    ct_by_topic_init(&started);
    for (size_t i = count; i > 0; i--) {
        struct ct_record *record = records[i - 1];
        if (!is_contact(record)) {
            continue;
        }
        uint64_t about = ct_topics_of(&topics, record);
        ct_usec next = ct_by_topic_first(&started, about);
        if (next != CT_USEC_NONE) {
            record->next_contact_usec = distance(record->ended_at, next);
            record->returned = record->next_contact_usec <= terms->return_window_usec;
        }
        if (started.all != CT_USEC_NONE) {
            record->next_any_usec = distance(record->ended_at, started.all);
        }
        ct_by_topic_put(&started, about, record->started_at);
        bool first = record->resolved == CT_TRUE && !record->returned && !record->is_return;
        record->first_contact = record->immature ? CT_NULL : first ? CT_TRUE : CT_FALSE;
    }
}

void ct_customer_mark_on(struct ct_record *const *records, size_t count, const struct ct_terms *terms, ct_usec as_of)
{
    mark_before(records, count, terms, as_of);
    mark_after(records, count, terms);
}

void ct_customer_mark(struct ct_record *const *records, size_t count, ct_usec window, ct_usec as_of)
{
    const struct ct_terms terms = {.return_window_usec = window};
    ct_customer_mark_on(records, count, &terms, as_of);
}

/* ---- what is known ---------------------------------------------------------------------------------------------- */

bool ct_terms_know(const struct ct_terms *terms, const struct ct_business *event)
{
    return terms->as_of == CT_USEC_NONE || event->at <= terms->as_of || event->type == CT_BUSINESS_RENEWAL_DUE;
}

struct ct_customer ct_customer_known(const struct ct_customer *customer)
{
    struct ct_customer known = *customer;
    size_t count = customer->event_count + customer->due_count, low = 0, high = count;
    ct_usec as_of = customer->terms->as_of;
    known.due_count = 0;
    while (as_of != CT_USEC_NONE && low < high) { /* sorted by time: the first after as_of */
        size_t middle = low + (high - low) / 2;
        if (customer->events[middle]->at <= as_of) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    known.event_count = high;
    for (size_t i = high; i < count; i++) {
        if (customer->events[i]->type == CT_BUSINESS_RENEWAL_DUE) {
            known.due_count = count - high;
            break;
        }
    }
    return known;
}

ct_span ct_customer_segment(const struct ct_customer *customer)
{
    ct_usec to = customer->terms->to;
    for (size_t i = customer->event_count + customer->due_count; i > 0; i--) {
        const struct ct_business *event = customer->events[i - 1];
        ct_span segment = ct_business_text(event, CT_BUSINESS_SEGMENT);
        if (segment.len && (to == CT_USEC_NONE || event->at < to) && ct_terms_know(customer->terms, event)) {
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
