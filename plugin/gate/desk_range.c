/* desk_range.c - counts a span of time from the store; see desk_range.h. Called by desk_kpis.c on the desk's thread, so
 * everything in it is bounded. */
#include "plugin/gate/desk_range.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/period.h"
#include "metrics/contact.h"
#include "metrics/customer.h"

enum { BLOCK_BYTES = 1 << 20 };

struct reading {
    const struct ct_range_options *options;
    struct ct_arena arena;
    struct ct_record **records; /* each with a mark before it */
    size_t count, capacity;
    uint64_t *customers; /* of the range, in order; for what is around it */
    size_t customer_count;
    size_t seen;    /* rows looked at */
    bool around;    /* rows that come are of the range's customers, before and after it */
    ct_usec newest; /* end of a conversation; a business event */
};

/* ---- what a record takes to be counted: no evidence ----------------------------------------------------------------
 */

static size_t rounded(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

/* Before each record stands whether it is in the range or only around it, and whether its customer is done with:
 * sorting moves pointers to records alone. */
enum { COUNTED = 1, DONE = 2 };
static uint64_t *mark_of(struct ct_record *record)
{
    return (uint64_t *)(void *)record - 1;
}

static struct ct_record *trimmed(struct ct_arena *arena, const struct ct_record *record, bool counted)
{
    size_t head = rounded(sizeof *record), at = head, bytes = head;
    for (int i = 0; i < CT_TEXT_COUNT; i++) {
        bytes += rounded(record->text[i].count);
    }
    bytes += sizeof(int64_t) * record->response_usec.count;
    uint64_t *mark = bytes < UINT32_MAX ? ct_arena_alloc(arena, sizeof *mark + bytes) : NULL;
    if (!mark) {
        return NULL;
    }
    *mark = counted ? COUNTED : 0;
    char *copy = (char *)(mark + 1);
    struct ct_record *out = (struct ct_record *)(void *)copy;
    memcpy(copy, record, sizeof *record);
    for (int i = 0; i < CT_TEXT_COUNT; i++) {
        memcpy(copy + at, (const char *)record + record->text[i].at, record->text[i].count);
        out->text[i].at = (uint32_t)at;
        at += rounded(record->text[i].count);
    }
    memcpy(copy + at, (const char *)record + record->response_usec.at, sizeof(int64_t) * record->response_usec.count);
    out->response_usec.at = (uint32_t)at;
    out->signals = out->evidence = out->decided_by = out->beaten = (struct ct_slice32){0};
    out->bytes = (uint32_t)bytes;
    return out;
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static bool is_of_range(void *context, uint64_t customer_hash)
{
    const struct reading *r = context;
    return bsearch(&customer_hash, r->customers, r->customer_count, sizeof *r->customers, by_number) != NULL;
}

static enum ct_status on_row(void *context, const struct ct_store_row *row)
{
    struct reading *r = context;
    const struct ct_record *record = row->record;
    if (++r->seen > r->options->conversations_max) {
        return CT_LIMIT;
    }
    if (record->ended_at != CT_USEC_NONE && (r->newest == CT_USEC_NONE || record->ended_at > r->newest)) {
        r->newest = record->ended_at;
    }
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 4096;
        struct ct_record **more = realloc(r->records, capacity * sizeof *more);
        if (!more) {
            return CT_NO_MEMORY;
        }
        r->records = more;
        r->capacity = capacity;
    }
    struct ct_record *copy = trimmed(&r->arena, record, !r->around);
    if (!copy) {
        return r->arena.limit_bytes - r->arena.used_bytes < record->bytes ? CT_LIMIT : CT_NO_MEMORY;
    }
    r->records[r->count++] = copy;
    return CT_OK;
}

static struct ct_store_filter span_of(const struct ct_range_options *options, ct_usec from, ct_usec to)
{
    struct ct_store_filter filter = {.started_from = CT_USEC_NONE,
                                     .started_before = CT_USEC_NONE,
                                     .published_from = CT_USEC_NONE,
                                     .published_before = CT_USEC_NONE,
                                     .records_alone = true};
    if (options->published) {
        filter.published_from = from;
        filter.published_before = to;
    } else {
        filter.started_from = from;
        filter.started_before = to;
    }
    return filter;
}

/* How far before and after the range somebody may have been there: the return window, and the longest of the curve. */
static ct_usec window_of(const struct ct_terms *terms)
{
    ct_usec curve = CT_CONTACT_LONGEST;
    return terms->return_window_usec > curve ? terms->return_window_usec : curve;
}

/* The range's customers before and after it. */
static enum ct_status read_around(struct reading *r, struct ct_store *store, struct ct_error *err)
{
    const struct ct_range_options *o = r->options;
    ct_usec window = window_of(o->terms);
    struct ct_store_filter before = span_of(o, o->from - window, o->from), after = span_of(o, o->to, o->to + window);
    r->customers = malloc((r->count + 1) * sizeof *r->customers);
    if (!r->customers) {
        return CT_NO_MEMORY;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (r->records[i]->has_customer) {
            r->customers[r->customer_count++] = r->records[i]->customer_hash;
        }
    }
    qsort(r->customers, r->customer_count, sizeof *r->customers, by_number);
    r->around = true;
    before.customer = after.customer = is_of_range;
    before.customer_context = after.customer_context = r;
    enum ct_status status = r->customer_count ? ct_store_each(store, &before, on_row, r, err) : CT_OK;
    if (status == CT_OK && r->customer_count) {
        status = ct_store_each(store, &after, on_row, r, err);
    }
    return status;
}

static enum ct_status read_records(struct reading *r, struct ct_store *store, struct ct_range *out,
                                   struct ct_error *err)
{
    const struct ct_range_options *o = r->options;
    struct ct_store_filter range = span_of(o, o->from, o->to);
    ct_usec event = CT_USEC_NONE;
    enum ct_status status = ct_store_each(store, &range, on_row, r, err);
    out->counted = r->count;
    if (status == CT_OK && !o->alone) {
        status = read_around(r, store, err);
        status = status == CT_OK ? ct_store_newest(store, &r->newest, err) : status;
    }
    out->around = r->count - out->counted;
    if (status == CT_OK) {
        status = ct_store_newest_business(store, o->alone ? o->to : CT_USEC_NONE, &event, err);
    }
    r->newest = event > r->newest ? event : r->newest; /* NONE is the least */
    if (status == CT_LIMIT) {
        (void)ct_error_set(err, CT_LIMIT, "more than %zu conversations, or %zu MiB of them, would have to be read%s",
                           o->conversations_max, o->bytes_max >> 20,
                           r->around ? " in the range and in the time around it in which somebody may come back" : "");
    }
    return status;
}

/* ---- counting ------------------------------------------------------------------------------------------------------
 */

/* Events come from the store customer by customer, and are counted so: those of one are held at a time. Customers of
 * whom there are conversations alone are counted at the end. Nothing hangs on the order: figures add up in any. */
struct counting {
    const struct ct_range_options *options;
    struct ct_record **records; /* by customer */
    size_t count;
    const struct ct_record **picked; /* room for all */
    struct ct_terms terms;           /* the options', with the range's period */
    struct ct_kpi_set *set;
    struct ct_kpi_slices *slices; /* NULL = none */
    struct ct_fee_base fees;
    struct ct_arena arena; /* the events of the customer that is read */
    const struct ct_business **events;
    size_t event_count, event_capacity;
    size_t seen; /* events of the store */
    const char *limit;
};

static int by_customer(const void *left, const void *right)
{
    const struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    return a->customer_hash < b->customer_hash ? -1 : a->customer_hash > b->customer_hash;
}

/* Its records are marked by all that is known, and counted where they are in the range and the filters let them
 * through. */
static enum ct_status count_customer(struct counting *c, struct ct_record **records, size_t count)
{
    const struct ct_range_options *o = c->options;
    ct_customer_sort(records, count);
    ct_customer_mark_on(records, count, &c->terms, c->terms.as_of);
    struct ct_customer customer = {.records = (const struct ct_record *const *)records,
                                   .record_count = count,
                                   .events = c->events,
                                   .event_count = ct_business_sort(c->events, c->event_count),
                                   .terms = &c->terms};
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        *mark_of(records[i]) |= DONE;
        if (*mark_of(records[i]) & COUNTED) {
            ct_fee_base_add(&c->fees, records[i], &c->terms);
            if (ct_filters_take(o->filters, o->filter_count, &customer, records[i])) {
                c->picked[kept++] = records[i];
            }
        }
    }
    if (!ct_filters_take_customer(o->filters, o->filter_count, &customer)) {
        customer.event_count = 0;
    }
    customer.records = c->picked;
    customer.record_count = kept;
    if (kept == 0 && customer.event_count == 0) {
        return CT_OK;
    }
    ct_kpis_fold_customer(c->set, &customer);
    return c->slices ? ct_slices_fold_customer(c->slices, &customer) : CT_OK;
}

/* Where the conversations of a customer begin, or would. */
static size_t find_customer(const struct counting *c, uint64_t hash)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->records[middle]->customer_hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t end_of_customer(const struct counting *c, size_t from)
{
    size_t to = from;
    while (to < c->count && c->records[to]->customer_hash == c->records[from]->customer_hash) {
        to++;
    }
    return to;
}

/* The customer whose events were gathered. */
static enum ct_status count_gathered(struct counting *c)
{
    if (c->event_count == 0) {
        return CT_OK;
    }
    uint64_t hash = c->events[0]->customer_hash;
    size_t from = find_customer(c, hash), to = from;
    if (from < c->count && c->records[from]->customer_hash == hash) {
        to = end_of_customer(c, from);
    }
    enum ct_status status = count_customer(c, c->records + from, to - from);
    c->event_count = 0;
    ct_arena_reset(&c->arena);
    return status;
}

static enum ct_status count_nobodys(struct counting *c, const struct ct_business *event)
{
    if (!ct_filters_take_event(c->options->filters, c->options->filter_count, event)) {
        return CT_OK;
    }
    ct_kpis_fold_event(c->set, event, &c->terms);
    return c->slices ? ct_slices_fold_event(c->slices, event, &c->terms) : CT_OK;
}

static enum ct_status gather(struct counting *c, const struct ct_business *event)
{
    if (c->event_count == c->event_capacity) {
        size_t capacity = c->event_capacity ? c->event_capacity * 2 : 64;
        const struct ct_business **more = realloc(c->events, capacity * sizeof *more);
        if (!more) {
            return CT_NO_MEMORY;
        }
        c->events = more;
        c->event_capacity = capacity;
    }
    void *copy = ct_arena_alloc(&c->arena, event->bytes);
    if (!copy) {
        bool full = c->arena.limit_bytes - c->arena.used_bytes < event->bytes + BLOCK_BYTES;
        c->limit = full ? "one customer has more business events than may be held at once" : NULL;
        return full ? CT_LIMIT : CT_NO_MEMORY;
    }
    c->events[c->event_count++] = memcpy(copy, event, event->bytes);
    return CT_OK;
}

static enum ct_status on_event(void *context, const struct ct_business *event)
{
    struct counting *c = context;
    enum ct_status status = CT_OK;
    if (++c->seen > c->options->events_max) {
        c->limit = "more business events would have to be read than a range may";
        return CT_LIMIT;
    }
    if (c->event_count && c->events[0]->customer_hash != event->customer_hash) {
        status = count_gathered(c);
    }
    if (status != CT_OK) {
        return status;
    }
    return event->customer_hash ? gather(c, event) : count_nobodys(c, event);
}

static enum ct_status count_events(struct counting *c, struct ct_store *store, struct ct_error *err)
{
    const struct ct_store_business_filter filter = {.from = CT_USEC_NONE,
                                                    .before = c->options->alone ? c->options->to : CT_USEC_NONE};
    enum ct_status status = ct_store_each_business(store, &filter, on_event, c, err);
    status = status == CT_OK ? count_gathered(c) : status;
    if (status == CT_LIMIT) {
        (void)ct_error_set(err, CT_LIMIT, "%s (%zu events, %zu MiB of one customer)", c->limit, c->options->events_max,
                           c->options->bytes_max >> 20);
    }
    return status;
}

static enum ct_status count_all(struct counting *c, struct ct_store *store, struct ct_error *err)
{
    if (c->count) {
        qsort(c->records, c->count, sizeof(struct ct_record *), by_customer);
    }
    enum ct_status status = count_events(c, store, err);
    for (size_t from = 0, to; from < c->count && status == CT_OK; from = to) {
        to = end_of_customer(c, from);
        if (!(*mark_of(c->records[from]) & DONE)) {
            status = count_customer(c, c->records + from, to - from);
        }
    }
    return status;
}

/* ---- figures -------------------------------------------------------------------------------------------------------
 */

static enum ct_status compute(const struct counting *c, struct ct_range *out)
{
    struct ct_kpi_options kpis = c->options->kpis ? *c->options->kpis : (struct ct_kpi_options){0};
    struct ct_fees fees;
    enum ct_period_unit unit;
    const struct ct_period period = {c->terms.from, c->terms.to};
    ct_fees_of(&c->fees, &c->terms, &fees);
    kpis.fees = &fees;
    kpis.period = ct_period_unit_of(c->terms.zone, period, &unit) ? ct_period_word(unit) : NULL;
    enum ct_status status = ct_kpis_compute(c->set, &kpis, &out->total);
    out->total.from = period.from;
    out->total.to = period.to;
    return status == CT_OK && c->slices ? ct_slices_compute(c->slices, &kpis, &out->slices, &out->slice_count) : status;
}

static enum ct_status count_range(struct reading *r, struct ct_store *store, struct ct_range *out, struct ct_error *err)
{
    const struct ct_range_options *o = r->options;
    size_t left = o->bytes_max > r->arena.used_bytes ? o->bytes_max - r->arena.used_bytes : 0;
    struct counting c = {.options = o, .records = r->records, .count = r->count, .terms = *o->terms};
    c.terms.from = o->from;
    c.terms.to = o->to;
    c.terms.period_given = true;
    c.terms.as_of = out->as_of;
    ct_arena_init(&c.arena, BLOCK_BYTES, left > 2 * BLOCK_BYTES ? left : 2 * BLOCK_BYTES);
    c.set = ct_kpis_new();
    c.slices = out->kept = o->by ? ct_slices_new_by(o->by, 0) : NULL;
    c.picked = malloc((c.count + 1) * sizeof *c.picked);
    enum ct_status status = c.set && c.picked && (c.slices || !o->by) ? CT_OK : CT_NO_MEMORY;
    if (status == CT_OK && c.slices) {
        ct_slices_zone(c.slices, c.terms.zone);
    }
    status = status == CT_OK ? count_all(&c, store, err) : status;
    status = status == CT_OK ? compute(&c, out) : status;
    ct_kpis_free(c.set);
    ct_arena_done(&c.arena);
    free(c.events);
    free(c.picked);
    return status;
}

enum ct_status ct_range_compute(struct ct_store *store, const struct ct_range_options *options, struct ct_range *out,
                                struct ct_error *err)
{
    struct reading r = {.options = options, .newest = CT_USEC_NONE};
    memset(out, 0, sizeof *out);
    ct_arena_init(&r.arena, BLOCK_BYTES, options->bytes_max);
    enum ct_status status = read_records(&r, store, out, err);
    out->as_of = options->terms->as_of != CT_USEC_NONE ? options->terms->as_of : r.newest;
    status = status == CT_OK ? count_range(&r, store, out, err) : status;
    if (status != CT_OK) {
        ct_range_done(out);
    }
    free(r.customers);
    free(r.records);
    ct_arena_done(&r.arena);
    return status;
}

void ct_range_done(struct ct_range *range)
{
    ct_blocks_done(range->slices, range->slice_count);
    ct_block_done(&range->total);
    ct_slices_free(range->kept);
    memset(range, 0, sizeof *range);
}
