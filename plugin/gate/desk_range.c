/* desk_range.c - counts a span of time from the store; see desk_range.h. Called by desk_kpis.c on the desk's thread, so
 * everything in it is bounded. */
#include "plugin/gate/desk_range.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "metrics/customer.h"

enum { BLOCK_BYTES = 1 << 20 };

struct reading {
    const struct ct_range_options *options;
    struct ct_arena arena;
    struct ct_record **records; /* each with a mark before it */
    size_t count, capacity;
    uint64_t *customers; /* of the range, in order; for what is around it */
    size_t customer_count;
    size_t seen; /* rows looked at */
    bool around;
    struct ct_terms terms; /* the options', with the range's period */
    ct_usec newest; /* end of a conversation */
};

/* ---- what a record takes to be counted: no evidence ----------------------------------------------------------------
 */

static size_t rounded(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

/* Before each record stands whether it is in the range, or only around it: sorting moves pointers to records alone. */
static bool is_counted(const struct ct_record *record)
{
    return ((const uint64_t *)(const void *)record)[-1] != 0;
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
    *mark = counted;
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
    if (r->around && (!record->has_customer || !bsearch(&record->customer_hash, r->customers, r->customer_count,
                                                        sizeof *r->customers, by_number))) {
        return CT_OK;
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

/* The range's customers before and after it. */
static enum ct_status read_around(struct reading *r, struct ct_store *store, struct ct_error *err)
{
    const struct ct_range_options *o = r->options;
    ct_usec window = o->terms->return_window_usec;
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
    struct ct_store_filter before = span_of(o, o->from - window, o->from), after = span_of(o, o->to, o->to + window),
                           later = span_of(o, o->to + window, CT_USEC_NONE);
    enum ct_status status = ct_store_each(store, &before, on_row, r, err);
    if (status == CT_OK) {
        status = ct_store_each(store, &after, on_row, r, err);
    }
    if (status == CT_OK) { /* the newest of what came later still: then the window has passed */
        later.newest_first = true;
        later.records_alone = false;
        later.limit = 1;
        status = ct_store_each(store, &later, on_row, r, err);
    }
    return status;
}

/* ---- counting ------------------------------------------------------------------------------------------------------
 */

static int by_customer(const void *left, const void *right)
{
    const struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    return a->customer_hash < b->customer_hash ? -1 : a->customer_hash > b->customer_hash;
}

/* One customer: marked by all that is known, counted where it is in the range. */
static enum ct_status count_customer(const struct reading *r, struct ct_kpi_set *set, struct ct_kpi_slices *slices,
                                     struct ct_record **records, size_t count)
{
    size_t kept = 0;
    ct_customer_sort(records, count);
    ct_customer_mark(records, count, r->options->terms->return_window_usec, r->newest);
    for (size_t i = 0; i < count; i++) {
        if (is_counted(records[i])) {
            records[kept++] = records[i];
        }
    }
    const struct ct_customer customer = {
        .records = (const struct ct_record *const *)records, .record_count = kept, .terms = &r->terms};
    ct_kpis_fold_customer(set, &customer);
    return slices ? ct_slices_fold_customer(slices, &customer) : CT_OK;
}

static enum ct_status count_all(struct reading *r, struct ct_range *out)
{
    const struct ct_range_options *o = r->options;
    struct ct_kpi_set *set = ct_kpis_new();
    out->kept = o->by ? ct_slices_new(*o->by, 0) : NULL;
    enum ct_status status = set && (out->kept || !o->by) ? CT_OK : CT_NO_MEMORY;
    if (r->count) {
        qsort(r->records, r->count, sizeof(struct ct_record *), by_customer);
    }
    for (size_t from = 0; from < r->count && status == CT_OK;) {
        size_t to = from + 1;
        while (to < r->count && r->records[to]->customer_hash == r->records[from]->customer_hash) {
            to++;
        }
        status = count_customer(r, set, out->kept, r->records + from, to - from);
        from = to;
    }
    if (status == CT_OK) {
        status = ct_kpis_compute(set, o->kpis, &out->total);
    }
    if (status == CT_OK && out->kept) {
        status = ct_slices_compute(out->kept, o->kpis, &out->slices, &out->slice_count);
    }
    ct_kpis_free(set);
    return status;
}

enum ct_status ct_range_compute(struct ct_store *store, const struct ct_range_options *options, struct ct_range *out,
                                struct ct_error *err)
{
    struct reading r = {.options = options, .terms = *options->terms, .newest = CT_USEC_NONE};
    struct ct_store_filter range = span_of(options, options->from, options->to);
    memset(out, 0, sizeof *out);
    ct_arena_init(&r.arena, BLOCK_BYTES, options->bytes_max);
    enum ct_status status = ct_store_each(store, &range, on_row, &r, err);
    out->counted = r.count;
    if (status == CT_OK && !options->alone && r.count) {
        status = read_around(&r, store, err);
    }
    out->around = r.count - out->counted;
    out->as_of = r.terms.as_of = r.newest;
    r.terms.from = options->from;
    r.terms.to = options->to;
    if (status == CT_OK) {
        status = count_all(&r, out);
    }
    if (status == CT_LIMIT) {
        (void)ct_error_set(err, CT_LIMIT, "more than %zu conversations, or %zu MiB of them, would have to be read%s",
                           options->conversations_max, options->bytes_max >> 20,
                           r.around ? " in the range and the return window around it" : "");
    }
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
