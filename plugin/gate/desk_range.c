/* desk_range.c - counts a span of time from the store; see desk_range.h. Called by desk_kpis.c on the desk's thread, so
 * everything in it is bounded. */
#include "plugin/gate/desk_range.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/period.h"
#include "metrics/answers.h"
#include "metrics/bindings.h"
#include "metrics/contact.h"
#include "metrics/customer.h"
#include "metrics/marks.h"
#include "metrics/quality.h"
#include "metrics/scorecard.h"

enum { BLOCK_BYTES = 1 << 20 };

struct reading {
    const struct ct_range_options *options;
    struct ct_store *store;
    struct ct_bindings *bindings; /* to the rule sets of the records that were read */
    bool signals;                 /* records have to keep them: marks or scorecard look at some */
    struct ct_error *err;
    struct ct_arena arena;
    struct ct_record **records; /* each with a mark before it */
    size_t count, capacity;
    uint64_t *customers; /* of the range, in order; for what is around it */
    size_t customer_count;
    size_t seen;    /* rows looked at */
    bool around;    /* rows that come are of the range's customers, before and after it */
    ct_usec newest; /* end of a conversation; a business event */
};

/* ---- what a record takes to be counted: no evidence, and signals only where somebody looks at them
 * ----------------------------------------------------------------
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

static struct ct_record *trimmed(struct ct_arena *arena, const struct ct_record *record, bool signals, bool counted)
{
    size_t head = rounded(sizeof *record), at = head, bytes = head;
    for (int i = 0; i < CT_TEXT_COUNT; i++) {
        bytes += rounded(record->text[i].count);
    }
    size_t responses = sizeof(int64_t) * record->response_usec.count;
    size_t numbers = signals ? sizeof(uint16_t) * record->signals.count : 0;
    bytes += responses + rounded(numbers);
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
    memcpy(copy + at, (const char *)record + record->response_usec.at, responses);
    out->response_usec.at = (uint32_t)at;
    at += responses;
    memcpy(copy + at, (const char *)record + record->signals.at, numbers);
    out->signals = (struct ct_slice32){(uint32_t)at, signals ? record->signals.count : 0};
    out->evidence = out->decided_by = out->beaten = (struct ct_slice32){0};
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

/* ---- rule sets --- */

/* Names of one rule set's signals, for as long as it is bound. */
struct names {
    struct ct_arena arena;
    ct_span at[UINT16_MAX + 1];
    size_t count;
};

static bool take_name(void *context, uint16_t number, ct_span name)
{
    struct names *names = context;
    bool ok = true;
    names->at[number] = ct_arena_copy(&names->arena, name, &ok);
    names->count = names->count > number ? names->count : (size_t)number + 1;
    return ok;
}

static int number_of(void *context, ct_span name)
{
    const struct names *names = context;
    for (size_t i = 0; i < names->count; i++) {
        if (ct_span_eq(names->at[i], name)) {
            return (int)i;
        }
    }
    return -1;
}

/* One that comes for the first time: the store says what its signals are. */
static enum ct_status bind(struct reading *r, const char *rules_hash)
{
    struct names *names = calloc(1, sizeof *names);
    if (!names) {
        return CT_NO_MEMORY;
    }
    ct_arena_init(&names->arena, 0, 0);
    enum ct_status status = ct_store_signals(r->store, rules_hash, take_name, names, r->err);
    if (status == CT_OK || status == CT_NOT_FOUND) {
        status = ct_bindings_add(r->bindings, rules_hash, status == CT_OK ? number_of : NULL, names);
    }
    ct_arena_done(&names->arena);
    free(names);
    return status;
}

/* Neighbours in the store were judged by the same rules, mostly. */
static enum ct_status rule_set_of(struct reading *r, const char *rules_hash, uint32_t *number)
{
    const struct ct_bindings *b = r->bindings;
    *number = 0;
    if (!r->signals) {
        return CT_OK;
    }
    for (size_t i = b->count; i > 0; i--) {
        if (strcmp(b->at[i - 1].rules_hash, rules_hash) == 0) {
            *number = (uint32_t)i - 1;
            return CT_OK;
        }
    }
    *number = (uint32_t)b->count;
    return bind(r, rules_hash);
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
    uint32_t rule_set;
    enum ct_status status = rule_set_of(r, row->rules_hash, &rule_set);
    if (status != CT_OK) {
        return status;
    }
    struct ct_record *copy = trimmed(&r->arena, record, r->signals, !r->around);
    if (!copy) {
        return r->arena.limit_bytes - r->arena.used_bytes < record->bytes ? CT_LIMIT : CT_NO_MEMORY;
    }
    copy->rule_set = rule_set;
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
    struct ct_answers *answers;      /* what the terms have */
    struct ct_kpi_set *set;
    struct ct_kpi_slices *slices; /* NULL = none */
    struct ct_bindings *bindings; /* those that `terms` has */
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
                if (records[i]->engaged && records[i]->rule_set < c->bindings->count) {
                    c->bindings->at[records[i]->rule_set].conversations++;
                }
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

static enum ct_status on_answer(void *context, const struct ct_business *event)
{
    struct counting *c = context;
    return ct_answers_add(c->answers, event);
}

/* Before everything else: whom an answer without a customer is to is met later. */
static enum ct_status gather_answers(struct counting *c, struct ct_store *store, struct ct_error *err)
{
    const struct ct_store_business_filter filter = {.from = CT_USEC_NONE,
                                                    .before = c->options->alone ? c->options->to : CT_USEC_NONE,
                                                    .type = ct_business_text_of(CT_BUSINESS_FEEDBACK_ANSWERED)};
    c->answers = ct_answers_new();
    if (!c->answers) {
        return CT_NO_MEMORY;
    }
    enum ct_status status = ct_store_each_business(store, &filter, on_answer, c, err);
    ct_answers_settle(c->answers);
    c->terms.answers = c->answers;
    return status;
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
    enum ct_status status = gather_answers(c, store, err);
    status = status == CT_OK ? count_events(c, store, err) : status;
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
    if (status == CT_OK && c->terms.marks) {
        out->quality = malloc(sizeof *out->quality);
        if (!out->quality) {
            return CT_NO_MEMORY;
        }
        ct_quality_read(ct_kpis_quality(c->set), &out->total, out->quality);
    }
    return status == CT_OK && c->slices ? ct_slices_compute(c->slices, &kpis, &out->slices, &out->slice_count) : status;
}

static enum ct_status count_range(struct reading *r, struct ct_store *store, struct ct_range *out, struct ct_error *err)
{
    const struct ct_range_options *o = r->options;
    size_t left = o->bytes_max > r->arena.used_bytes ? o->bytes_max - r->arena.used_bytes : 0;
    struct counting c = {
        .options = o, .records = r->records, .count = r->count, .terms = *o->terms, .bindings = r->bindings};
    c.terms.from = o->from;
    c.terms.to = o->to;
    c.terms.period_given = true;
    c.terms.as_of = out->as_of;
    c.terms.bindings = r->bindings;
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
    ct_answers_free(c.answers);
    ct_arena_done(&c.arena);
    free(c.events);
    free(c.picked);
    return status;
}

enum ct_status ct_range_compute(struct ct_store *store, const struct ct_range_options *options, struct ct_range *out,
                                struct ct_error *err)
{
    struct reading r = {
        .options = options, .store = store, .bindings = &out->bindings, .err = err, .newest = CT_USEC_NONE};
    memset(out, 0, sizeof *out);
    ct_bindings_init(&out->bindings, options->terms->scorecard, options->terms->marks);
    r.signals =
        (out->bindings.card && out->bindings.card->count) || (out->bindings.marks && out->bindings.marks->count);
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
    ct_bindings_done(&range->bindings);
    free(range->quality);
    memset(range, 0, sizeof *range);
}
