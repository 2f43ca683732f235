/* batch_count.c - the third stage: all conversations of a customer together, who came back, KPIs, and the lines of
 * `--conversations`. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdlib.h>

#include "sinks/records.h"

/* ---- duplicates: one conversation delivered twice counts once
 * ----------------------------------------------------------- */

static int by_conversation(const void *left, const void *right)
{
    const struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    if (a->conversation_hash != b->conversation_hash) {
        return a->conversation_hash < b->conversation_hash ? -1 : 1;
    }
    if (a->started_at != b->started_at) {
        return a->started_at < b->started_at ? -1 : 1;
    }
    return a->content_hash < b->content_hash ? -1 : a->content_hash > b->content_hash;
}

/* Equal content under one id is the same conversation again; other content under one id is another session of it.
 * Returns how many are left. */
static size_t drop_duplicates(struct ct_worker *w, struct ct_record **records, size_t count)
{
    if (count < 2) {
        return count;
    }
    qsort(records, count, sizeof *records, by_conversation);
    size_t kept = 1;
    uint64_t hash = records[0]->conversation_hash;
    uint32_t session = records[0]->session;
    for (size_t i = 1; i < count; i++) {
        struct ct_record *record = records[i];
        if (record->conversation_hash != hash) {
            hash = record->conversation_hash;
            session = record->session;
        } else if (record->content_hash == records[kept - 1]->content_hash) {
            w->duplicate_conversations++;
            continue;
        } else {
            record->session = ++session;
        }
        records[kept++] = record;
    }
    return kept;
}

/* ---- lines
 * ----------------------------------------------------------------------------------------------------------------- */

struct line {
    char *bytes;
    size_t len, capacity;
};

static bool add_to_line(void *context, const char *bytes, size_t len)
{
    struct line *line = context;
    if (line->capacity - line->len < len) {
        size_t capacity = line->capacity ? line->capacity * 2 : 16384;
        while (capacity - line->len < len) {
            capacity *= 2;
        }
        char *more = realloc(line->bytes, capacity);
        if (!more) {
            return false;
        }
        line->bytes = more;
        line->capacity = capacity;
    }
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
    return true;
}

static enum ct_status put_line(struct ct_worker *w, struct line *line, const struct ct_record *record)
{
    struct ct_out out;
    line->len = 0;
    ct_out_init(&out, add_to_line, line);
    ct_records_write(&out, ct_batch_rules_of(w->batch, record), record);
    if (ct_out_done(&out) != CT_OK) {
        return CT_NO_MEMORY;
    }
    return ct_sorter_put(w->lines, record->ended_at, ct_record_text(record, CT_TEXT_CONVERSATION_ID),
                         (ct_span){line->bytes, line->len}, &w->error);
}

/* ---- one partition
 * ------------------------------------------------------------------------------------------------------------ */

static int by_customer(const void *left, const void *right)
{
    const struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    return a->customer_hash < b->customer_hash ? -1 : a->customer_hash > b->customer_hash;
}

static enum ct_status count_customer(struct ct_worker *w, struct ct_record **records, size_t count, struct line *line)
{
    const struct ct_batch_options *options = w->batch->options;
    count = drop_duplicates(w, records, count);
    ct_customer_sort(records, count);
    ct_customer_mark(records, count, options->terms.return_window_usec, w->batch->as_of);
    const struct ct_customer customer = {
        .records = (const struct ct_record *const *)records, .record_count = count, .terms = &options->terms};
    ct_kpis_fold_customer(w->kpis, &customer);
    enum ct_status status = w->slices ? ct_slices_fold_customer(w->slices, &customer) : CT_OK;
    for (size_t i = 0; i < count && status == CT_OK && w->lines; i++) {
        status = put_line(w, line, records[i]);
    }
    if (options->db) {
        pthread_mutex_lock(&w->batch->lock);
        for (size_t i = 0; i < count && status == CT_OK; i++) {
            status = options->db->record(options->db->context, records[i], &w->error);
        }
        pthread_mutex_unlock(&w->batch->lock);
    }
    for (size_t i = 0; i < count && options->watch; i++) {
        if (ct_span_eq(ct_record_text(records[i], CT_TEXT_CONVERSATION_ID), options->watch->conversation_id)) {
            pthread_mutex_lock(&w->batch->lock);
            options->watch->record(options->watch->context, records[i]);
            pthread_mutex_unlock(&w->batch->lock);
        }
    }
    return status;
}

static size_t count_items(const struct ct_batch *b, const char *items, size_t bytes)
{
    size_t count = 0;
    if (b->given) {
        return ct_batch_wrapped_count(items, bytes);
    }
    for (size_t at = 0; at < bytes; at += ((const struct ct_record *)(const void *)(items + at))->bytes) {
        count++;
    }
    return count;
}

static size_t list_records(const struct ct_batch *b, char *items, size_t bytes, struct ct_record **records)
{
    size_t count = 0;
    if (b->given) {
        ct_batch_unwrap(items, bytes, records, &count);
        return count;
    }
    for (size_t at = 0; at < bytes;) {
        struct ct_record *record = (struct ct_record *)(void *)(items + at);
        records[count++] = record;
        at += record->bytes;
    }
    return count;
}

static enum ct_status count_partition(struct ct_worker *w, unsigned partition)
{
    char *items;
    size_t bytes;
    struct line line = {0};
    enum ct_status status = ct_spill_load(w->batch->customers, partition, &items, &bytes, &w->error);
    if (status != CT_OK || !items) {
        return status;
    }
    struct ct_record **records = malloc(count_items(w->batch, items, bytes) * sizeof *records);
    if (!records) {
        free(items);
        return CT_NO_MEMORY;
    }
    size_t count = list_records(w->batch, items, bytes, records);
    if (count > 1) {
        qsort(records, count, sizeof *records, by_customer);
    }
    for (size_t from = 0; from < count && status == CT_OK;) {
        size_t to = from + 1;
        while (to < count && records[to]->customer_hash == records[from]->customer_hash) {
            to++;
        }
        status = count_customer(w, records + from, to - from, &line);
        from = to;
    }
    free(line.bytes);
    free(records);
    free(items);
    return status;
}

void ct_batch_count(struct ct_worker *w)
{
    struct ct_batch *b = w->batch;
    unsigned partition, partitions = ct_spill_partitions(b->customers);
    while (!atomic_load(&b->stop) && (partition = atomic_fetch_add(&b->next_partition, 1)) < partitions) {
        enum ct_status status = count_partition(w, partition);
        if (status != CT_OK) {
            ct_batch_fail(w, status, &w->error);
            return;
        }
    }
}
