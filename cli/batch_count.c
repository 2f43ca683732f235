/* batch_count.c - the third stage: all conversations of a customer together, who came back, KPIs, and the lines of
 * `--conversations`. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdlib.h>

#include "metrics/bindings.h"
#include "metrics/marks.h"
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

static enum ct_status put_line(struct ct_worker *w, struct ct_text *line, const struct ct_record *record)
{
    struct ct_out out;
    line->len = 0;
    ct_out_init(&out, ct_text_add, line);
    ct_records_write(&out, ct_batch_rules_of(w->batch, record), record);
    if (ct_out_done(&out) != CT_OK) {
        return CT_NO_MEMORY;
    }
    return ct_sorter_put(w->lines, record->ended_at, ct_record_text(record, CT_TEXT_CONVERSATION_ID),
                         (ct_span){line->at, line->len}, &w->error);
}

/* ---- one partition
 * ------------------------------------------------------------------------------------------------------------ */

static int by_customer(const void *left, const void *right)
{
    const struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    return a->customer_hash < b->customer_hash ? -1 : a->customer_hash > b->customer_hash;
}

/* One event is one event, however often it was delivered. */
static size_t drop_same_events(struct ct_worker *w, const struct ct_business **events, size_t count)
{
    size_t kept = ct_business_sort(events, count);
    w->duplicate_events += count - kept;
    w->events_counted += kept;
    return kept;
}

static enum ct_status put_db(struct ct_worker *w, const struct ct_customer *customer)
{
    const struct ct_batch_db *db = w->batch->options->db;
    enum ct_status status = CT_OK;
    if (!db) {
        return CT_OK;
    }
    pthread_mutex_lock(&w->batch->lock);
    for (size_t i = 0; i < customer->record_count && status == CT_OK; i++) {
        if (!db->counted || ct_batch_counts(w, customer, customer->records[i])) {
            status = db->record(db->context, customer->records[i], &w->error);
        }
    }
    for (size_t i = 0; db->event && i < customer->event_count && status == CT_OK; i++) {
        status = db->event(db->context, customer->events[i], &w->error);
    }
    pthread_mutex_unlock(&w->batch->lock);
    return status;
}

/* Business events of no customer. */
static enum ct_status count_nobody(struct ct_worker *w, const struct ct_business **events, size_t count)
{
    count = drop_same_events(w, events, count);
    enum ct_status status = put_db(w, &(const struct ct_customer){.events = events, .event_count = count});
    for (size_t i = 0; i < count && status == CT_OK; i++) {
        status = ct_batch_fold_event(w, events[i]);
    }
    return status;
}

/* Counted, and by rules that do not have every signal of the scorecard. */
static void see_unbound(struct ct_worker *w, const struct ct_customer *customer, const struct ct_record *record)
{
    const struct ct_bindings *bindings = w->batch->terms.scorecard ? w->batch->terms.bindings : NULL;
    if (bindings && record->engaged && record->rule_set < bindings->count &&
        bindings->at[record->rule_set].card_missing && ct_batch_counts(w, customer, record)) {
        ct_batch_count_reason(w, "criterion_signal_unknown", 1);
    }
}

static void see_marked(struct ct_worker *w, const struct ct_record *record)
{
    const struct ct_marks *marks = w->batch->terms.marks;
    const struct ct_marked *marked = w->batch->seen ? ct_marks_find(marks, record) : NULL;
    if (marked) {
        atomic_store(&w->batch->seen[marked - marks->marked], true);
    }
}

static enum ct_status count_customer(struct ct_worker *w, struct ct_record **records, size_t count,
                                     const struct ct_business **events, size_t event_count, struct ct_text *line)
{
    const struct ct_batch_options *options = w->batch->options;
    const struct ct_terms *terms = &w->batch->terms;
    count = drop_duplicates(w, records, count);
    if (count) { /* of some customers only events are known */
        ct_customer_sort(records, count);
        ct_customer_mark_on(records, count, terms, terms->as_of);
    }
    const struct ct_customer customer = {.records = (const struct ct_record *const *)records,
                                         .record_count = count,
                                         .events = events,
                                         .event_count = drop_same_events(w, events, event_count),
                                         .terms = terms};
    for (size_t i = 0; i < count; i++) {
        see_marked(w, records[i]);
        see_unbound(w, &customer, records[i]);
    }
    enum ct_status status = ct_batch_fold_customer(w, &customer);
    for (size_t i = 0; i < count && status == CT_OK && w->lines; i++) {
        status = ct_batch_counts(w, &customer, records[i]) ? put_line(w, line, records[i]) : CT_OK;
    }
    if (status == CT_OK) {
        status = put_db(w, &customer);
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

/* A partition's records in order of their customers; *items, *list are freed by the caller. */
static enum ct_status load_records(struct ct_worker *w, unsigned partition, struct ct_spill_items *items,
                                   struct ct_record ***list, size_t *count)
{
    struct ct_record *record;
    *list = NULL;
    *count = 0;
    enum ct_status status = ct_spill_take(w->batch->customers, partition, items, &w->error);
    if (status != CT_OK || !items->count) {
        return status;
    }
    *list = malloc(items->count * sizeof **list);
    if (!*list) {
        return CT_NO_MEMORY;
    }
    if (w->batch->given) {
        ct_batch_unwrap(items, *list, count);
    } else {
        while ((record = ct_spill_items_next(items))) {
            (*list)[(*count)++] = record;
        }
    }
    if (*count > 1) {
        qsort(*list, *count, sizeof **list, by_customer);
    }
    return CT_OK;
}

/* Both lists stand in the order of customers: one of them, the other, or both know the next one. */
static enum ct_status count_partition(struct ct_worker *w, unsigned partition)
{
    struct ct_spill_items record_items, event_items = {0};
    struct ct_record **records;
    const struct ct_business **events = NULL;
    size_t record_count, event_count = 0, record = 0, event = 0;
    struct ct_text line = {0};
    enum ct_status status = load_records(w, partition, &record_items, &records, &record_count);
    if (status == CT_OK) {
        status = ct_batch_load_events(w, partition, &event_items, &events, &event_count);
    }
    while (event < event_count && events[event]->customer_hash == 0) {
        event++;
    }
    if (status == CT_OK && event) {
        status = count_nobody(w, events, event);
    }
    while (status == CT_OK && (record < record_count || event < event_count)) {
        uint64_t of_record = record < record_count ? records[record]->customer_hash : UINT64_MAX;
        uint64_t of_event = event < event_count ? events[event]->customer_hash : UINT64_MAX;
        uint64_t hash = of_record < of_event ? of_record : of_event;
        size_t record_end = record, event_end = event;
        while (record_end < record_count && records[record_end]->customer_hash == hash) {
            record_end++;
        }
        while (event_end < event_count && events[event_end]->customer_hash == hash) {
            event_end++;
        }
        status = count_customer(w, records + record, record_end - record, events + event, event_end - event, &line);
        record = record_end;
        event = event_end;
    }
    free(line.at);
    free(events);
    ct_spill_items_free(&event_items);
    free(records);
    ct_spill_items_free(&record_items);
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
