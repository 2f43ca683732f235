/* slice_customer.c - a customer, and events of nobody, into the slices that they belong to. See slices.h and kpi.h. */
#include <stdlib.h>

#include "metrics/slices.h"

static const struct ct_period no_period = {CT_USEC_NONE, CT_USEC_NONE};

/* ---- periods ---------------------------------------------------------------------------------------------------- */

static struct ct_period cut(const struct ct_kpi_slices *slices, struct ct_period period)
{
    if (slices->cut.to != CT_USEC_NONE && slices->settled) {
        period.from = period.from < slices->cut.from ? slices->cut.from : period.from;
        period.to = period.to > slices->cut.to ? slices->cut.to : period.to;
    }
    return period;
}

/* Which periods business events count in; the same for every customer, as their terms are. false = out of memory. */
static bool settle(struct ct_kpi_slices *slices, const struct ct_terms *terms)
{
    if (slices->settled) {
        return true;
    }
    bool given = terms->period_given && terms->to != CT_USEC_NONE;
    slices->zone = slices->zoned ? slices->zone : terms->zone;
    slices->cut = given ? (struct ct_period){terms->from, terms->to} : no_period;
    slices->settled = true;
    size_t most = given || slices->max < CT_SLICE_PERIODS_MAX ? slices->max : CT_SLICE_PERIODS_MAX;
    ct_usec last = given ? terms->to - 1 : terms->as_of;
    if (!slices->periodic || !ct_period_dated(last)) {
        return true;
    }
    slices->periods = malloc(most * sizeof *slices->periods);
    if (!slices->periods) {
        return false;
    }
    struct ct_period period = ct_period_at(slices->zone, slices->unit, last);
    size_t at = most;
    while (at > 0 && ct_period_dated(period.from)) {
        slices->periods[--at] = cut(slices, period);
        if (given && period.from <= terms->from) {
            break;
        }
        period = ct_period_previous(slices->zone, slices->unit, period);
    }
    slices->period_count = most - at;
    memmove(slices->periods, slices->periods + at, slices->period_count * sizeof *slices->periods);
    return true;
}

static bool in_periods(const struct ct_kpi_slices *slices, struct ct_period period)
{
    return slices->period_count && period.from >= slices->periods[0].from &&
           period.to <= slices->periods[slices->period_count - 1].to;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

struct ct_period ct_slices_key_of(const struct ct_kpi_slices *slices, const struct ct_record *record, ct_span segment,
                                  struct ct_slice_key *key)
{
    char text[CT_SLICE_KEY_BYTES];
    memset(key, 0, sizeof *key);
    for (unsigned i = 0; i < slices->by.count; i++) {
        enum ct_slice_field field = slices->by.field[i];
        ct_span own =
            field == CT_SLICE_SEGMENT && segment.len ? segment : ct_slice_text(field, record, slices->zone, text);
        ct_slice_part_put(key->part[i], own);
    }
    if (!slices->periodic || !ct_period_dated(record->started_at)) {
        return no_period;
    }
    return cut(slices, ct_period_at(slices->zone, slices->unit, record->started_at));
}

/* Of a period without a conversation. Only where the slices are complete: fields are the period's and the segment. */
static void key_of_period(const struct ct_kpi_slices *slices, struct ct_period period, ct_span segment,
                          struct ct_slice_key *key)
{
    char text[CT_PERIOD_NAME_BYTES];
    memset(key, 0, sizeof *key);
    for (unsigned i = 0; i < slices->by.count; i++) {
        bool is_segment = slices->by.field[i] == CT_SLICE_SEGMENT;
        ct_slice_part_put(key->part[i],
                          is_segment ? segment
                                     : (ct_span){text, ct_period_name(slices->zone, slices->unit, period.from, text)});
    }
}

static bool by_segment(const struct ct_kpi_slices *slices)
{
    return slices->by.field[0] == CT_SLICE_SEGMENT || (slices->by.count > 1 && slices->by.field[1] == CT_SLICE_SEGMENT);
}

/* At the end of a slice's period, or of the terms' own. */
static ct_span segment_at(const struct ct_customer *customer, struct ct_period period)
{
    struct ct_terms terms = *customer->terms;
    struct ct_customer then = *customer;
    terms.to = period.to == CT_USEC_NONE ? terms.to : period.to;
    then.terms = &terms;
    return ct_customer_segment(&then);
}

/* When a customer is first heard of: an event, or since when it says that it is one. */
static ct_usec first_event(const struct ct_customer *customer)
{
    ct_usec first = INT64_MAX;
    for (size_t i = 0; i < customer->event_count + customer->due_count; i++) {
        const struct ct_business *event = customer->events[i];
        ct_usec since = event->numbers.since;
        if (ct_terms_know(customer->terms, event)) {
            first = event->at < first ? event->at : first;
            first = since != CT_USEC_NONE && since < first ? since : first;
        }
    }
    return first;
}

/* ---- a customer ------------------------------------------------------------------------------------------------- */

static bool scratch(struct ct_kpi_slices *slices, size_t count)
{
    if (count <= slices->scratch_capacity) {
        return true;
    }
    const struct ct_record **picked = reallocarray(slices->picked, count, sizeof *picked);
    slices->picked = picked ? picked : slices->picked;
    struct ct_slice_entry *entries = reallocarray(slices->entries, count, sizeof *entries);
    slices->entries = entries ? entries : slices->entries;
    if (!picked || !entries) {
        return false;
    }
    slices->scratch_capacity = count;
    return true;
}

static size_t enter_records(struct ct_kpi_slices *slices, const struct ct_customer *customer)
{
    ct_span segment = CT_SPAN_NONE;
    struct ct_period last = {CT_USEC_NONE, CT_USEC_NONE};
    bool known = false; /* the segment, at the end of `last` */
    for (size_t i = 0; i < customer->record_count; i++) {
        struct ct_slice_entry *entry = &slices->entries[i];
        entry->record = customer->records[i];
        entry->index = i;
        entry->period = ct_slices_key_of(slices, entry->record, segment, &entry->key);
        if (by_segment(slices) && (!known || entry->period.to != last.to)) {
            segment = segment_at(customer, entry->period);
            last = entry->period;
            known = true;
            (void)ct_slices_key_of(slices, entry->record, segment, &entry->key);
        }
    }
    return customer->record_count;
}

/* A customer of events is in every period since it is known, and has a segment without a conversation. */
static size_t enter_events(struct ct_kpi_slices *slices, const struct ct_customer *customer, size_t count)
{
    if (!slices->complete || customer->event_count + customer->due_count == 0) {
        return count;
    }
    struct ct_period only = no_period;
    const struct ct_period *periods = slices->periodic ? slices->periods : &only;
    size_t period_count = slices->periodic ? slices->period_count : 1;
    ct_usec first = first_event(customer);
    for (size_t i = 0; i < period_count; i++) {
        if (slices->periodic && periods[i].to <= first) {
            continue;
        }
        struct ct_slice_entry *entry = &slices->entries[count];
        ct_span segment = by_segment(slices) ? segment_at(customer, periods[i]) : CT_SPAN_NONE;
        *entry = (struct ct_slice_entry){.period = periods[i], .index = count};
        key_of_period(slices, periods[i], segment, &entry->key);
        count++;
    }
    return count;
}

static int by_key(const void *left, const void *right)
{
    const struct ct_slice_entry *a = left, *b = right;
    int order = memcmp(&a->key, &b->key, sizeof a->key);
    return order ? order : a->index < b->index ? -1 : a->index > b->index;
}

static int by_index(const void *left, const void *right)
{
    const struct ct_slice_entry *a = left, *b = right;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Conversations of one slice, with the customer's events on the slice's terms. */
static void fold_part(struct ct_kpi_slices *slices, struct ct_kpi_set *set, const struct ct_customer *customer,
                      const struct ct_slice_entry *entries, size_t count, struct ct_period period)
{
    struct ct_terms terms = *customer->terms;
    struct ct_customer part = *customer;
    part.records = slices->picked;
    part.record_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].record) {
            slices->picked[part.record_count++] = entries[i].record;
        }
    }
    if (slices->periodic) {
        terms.from = period.from;
        terms.to = period.to;
        part.terms = &terms;
        if (!in_periods(slices, period)) {
            part.event_count = part.due_count = 0;
        }
    }
    ct_kpis_fold_customer(set, &part);
}

static bool same_key(const struct ct_slice_entry *a, const struct ct_slice_entry *b)
{
    return memcmp(&a->key, &b->key, sizeof a->key) == 0;
}

/* A customer is in few slices, but one shared account may be in very many: beyond the maximum whatever is left is the
 * other slice's in any case, and is given to it together. */
enum ct_status ct_slices_fold_customer(struct ct_kpi_slices *slices, const struct ct_customer *all)
{
    const struct ct_customer known = ct_customer_known(all), *customer = &known;
    if (!settle(slices, customer->terms) || !scratch(slices, customer->record_count + slices->period_count + 1)) {
        return CT_NO_MEMORY;
    }
    struct ct_slice_entry *entries = slices->entries;
    size_t low = 0, high = enter_events(slices, customer, enter_records(slices, customer));
    if (high > 1) {
        qsort(entries, high, sizeof *entries, by_key);
    }
    for (size_t key = 0; low < high; key++) {
        size_t from = slices->newest ? high - 1 : low, to = from + 1;
        bool rest = key == slices->max;
        while (slices->newest && from > low && (rest || same_key(&entries[from - 1], &entries[to - 1]))) {
            from--;
        }
        while (!slices->newest && to < high && (rest || same_key(&entries[to], &entries[from]))) {
            to++;
        }
        struct ct_period period = rest ? no_period : entries[from].period;
        struct ct_kpi_set *set = rest ? ct_slices_other(slices) : ct_slices_set(slices, &entries[from].key, period);
        if (!set) {
            return CT_NO_MEMORY;
        }
        if (rest) {
            qsort(entries + from, to - from, sizeof *entries, by_index);
        }
        fold_part(slices, set, customer, entries + from, to - from, period);
        low = slices->newest ? low : to;
        high = slices->newest ? from : high;
    }
    return CT_OK;
}

/* ---- events of nobody ------------------------------------------------------------------------------------------- */

enum ct_status ct_slices_fold_event(struct ct_kpi_slices *slices, const struct ct_business *event,
                                    const struct ct_terms *terms)
{
    ct_span segment = ct_business_text(event, CT_BUSINESS_SEGMENT);
    if (!settle(slices, terms)) {
        return CT_NO_MEMORY;
    }
    if (!slices->complete || !ct_terms_know(terms, event) || (by_segment(slices) && !segment.len)) {
        return CT_OK;
    }
    struct ct_period only = no_period;
    const struct ct_period *periods = slices->periodic ? slices->periods : &only;
    for (size_t i = 0; i < (slices->periodic ? slices->period_count : 1); i++) {
        struct ct_terms own = *terms;
        struct ct_slice_key key;
        if (slices->periodic) {
            if (periods[i].to <= event->at) {
                continue;
            }
            own.from = periods[i].from;
            own.to = periods[i].to;
        }
        key_of_period(slices, periods[i], segment, &key);
        struct ct_kpi_set *set = ct_slices_set(slices, &key, periods[i]);
        if (!set) {
            return CT_NO_MEMORY;
        }
        ct_kpis_fold_event(set, event, &own);
    }
    return CT_OK;
}
