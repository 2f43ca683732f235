/* batch_close.c - the second stage: the messages of a conversation through engine/sessions.h to its records, and these
 * to where their customers wait. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- one conversation
 * ------------------------------------------------------------------------------------------------ */

static enum ct_status on_record(void *context, const struct ct_record *record, const struct ct_stored *first)
{
    struct ct_worker *w = context;
    const struct ct_batch_watch *watch = w->batch->options->watch;
    if (watch && ct_span_eq(ct_record_text(record, CT_TEXT_CONVERSATION_ID), watch->conversation_id)) {
        pthread_mutex_lock(&w->batch->lock);
        watch->closed(watch->context, (unsigned)(w - w->batch->workers), record);
        pthread_mutex_unlock(&w->batch->lock);
    }
    w->counts[first->input].conversations++;
    if (record->unpriced && w->batch->options->conversation.cost) {
        ct_batch_count_reason(w, "cost_unpriced", record->unpriced);
    }
    if (record->unconverted) {
        ct_batch_count_reason(w, "cost_unconverted", record->unconverted);
    }
    if (record->cost_undated) {
        ct_batch_count_reason(w, "cost_undated", record->cost_undated);
    }
    if (record->ended_at > w->newest) { /* CT_USEC_NONE is the least */
        w->newest = record->ended_at;
    }
    unsigned partition = ct_batch_partition(w->batch->customers, record->customer_hash);
    return ct_spill_put(w->customers, partition, record, record->bytes, &w->error);
}

static void look_on(void *context, const struct ct_message *m)
{
    struct ct_worker *w = context;
    const struct ct_batch_watch *watch = w->batch->options->watch;
    if (ct_span_eq(m->conversation_id, watch->conversation_id)) {
        pthread_mutex_lock(&w->batch->lock);
        watch->message(watch->context, (unsigned)(w - w->batch->workers), m);
        pthread_mutex_unlock(&w->batch->lock);
    }
}

/* Messages beyond what one conversation may hold: counted as one refusal, where they begin. */
static void refuse_rest(void *context, const struct ct_stored *first, uint64_t count)
{
    struct ct_worker *w = context;
    struct ct_refusal refusal = {.reason = "conversation_too_long", .offset = first->offset};
    snprintf(refusal.detail, sizeof refusal.detail, "%llu messages or pieces of evidence over the limit left out",
             (unsigned long long)count);
    w->input = first->input;
    ct_batch_refuse(w, &refusal);
}

enum ct_status ct_batch_close_one(struct ct_worker *w, size_t count, bool whole)
{
    struct ct_sessions_end end;
    const struct ct_sessions_out out = {
        .context = w, .record = on_record, .over = refuse_rest, .message = w->batch->options->watch ? look_on : NULL};
    enum ct_status status =
        ct_sessions_close(&w->sessions, w->conversation, &w->batch->options->silence, count, whole, &out, &end);
    w->duplicate_messages += end.duplicates;
    if (end.unmatched) {
        ct_batch_count_reason(w, "delivery_unmatched", end.unmatched);
    }
    return status;
}

/* ---- one partition
 * ------------------------------------------------------------------------------------------------------ */

struct chain { /* the messages of one conversation, in the order they lie in memory */
    uint64_t hash;
    uint32_t first, last, count;
};

struct groups {
    struct chain *chains; /* in order of first appearance */
    uint32_t chain_count, chain_capacity;
    uint32_t *slots; /* open addressing: chain + 1; 0 = free */
    uint32_t slot_count;
    const struct ct_stored **items;
    uint32_t *next;
};

static void groups_done(struct groups *g)
{
    free(g->chains);
    free(g->slots);
    free(g->items);
    free(g->next);
}

static bool groups_new(struct groups *g, uint32_t count)
{
    g->slot_count = 64;
    while (g->slot_count < count) { /* at most half full: conversations have more than one message, mostly */
        g->slot_count *= 2;
    }
    g->slot_count *= 2;
    g->chain_capacity = count;
    g->chains = malloc(count * sizeof *g->chains);
    g->slots = calloc(g->slot_count, sizeof *g->slots);
    g->items = malloc(count * sizeof *g->items);
    g->next = malloc(count * sizeof *g->next);
    return g->chains && g->slots && g->items && g->next;
}

static void group_one(struct groups *g, uint32_t i, const struct ct_stored *stored)
{
    uint32_t slot = (uint32_t)stored->conversation_hash & (g->slot_count - 1);
    while (g->slots[slot] && g->chains[g->slots[slot] - 1].hash != stored->conversation_hash) {
        slot = (slot + 1) & (g->slot_count - 1);
    }
    g->items[i] = stored;
    g->next[i] = UINT32_MAX;
    if (!g->slots[slot]) {
        g->chains[g->chain_count++] = (struct chain){stored->conversation_hash, i, i, 1};
        g->slots[slot] = g->chain_count;
    } else {
        struct chain *chain = &g->chains[g->slots[slot] - 1];
        g->next[chain->last] = i;
        chain->last = i;
        chain->count++;
    }
}

static bool group(struct groups *g, struct ct_spill_items *items)
{
    const struct ct_stored *stored;
    if (!groups_new(g, (uint32_t)items->count)) {
        return false;
    }
    for (uint32_t i = 0; (stored = ct_spill_items_next(items)); i++) {
        group_one(g, i, stored);
    }
    return true;
}

static enum ct_status close_partition(struct ct_worker *w, unsigned partition)
{
    struct ct_spill_items items;
    struct groups g = {0};
    enum ct_status status = ct_spill_take(w->batch->messages, partition, &items, &w->error);
    if (status != CT_OK || !items.count) {
        return status;
    }
    if (!group(&g, &items)) {
        status = CT_NO_MEMORY;
    }
    for (uint32_t c = 0; c < g.chain_count && status == CT_OK; c++) {
        if (!ct_sessions_room(&w->sessions, g.chains[c].count)) {
            status = CT_NO_MEMORY;
            break;
        }
        size_t count = 0;
        for (uint32_t i = g.chains[c].first; i != UINT32_MAX; i = g.next[i]) {
            w->sessions.order[count++] = g.items[i];
        }
        status = ct_batch_close_one(w, count, false);
    }
    groups_done(&g);
    ct_spill_items_free(&items);
    return status;
}

void ct_batch_close(struct ct_worker *w)
{
    struct ct_batch *b = w->batch;
    unsigned partition, partitions = ct_spill_partitions(b->messages);
    while (!atomic_load(&b->stop) && (partition = atomic_fetch_add(&b->next_partition, 1)) < partitions) {
        enum ct_status status = close_partition(w, partition);
        if (status != CT_OK) {
            ct_batch_fail(w, status, &w->error);
            return;
        }
        if (b->options->progress && pthread_mutex_trylock(&b->lock) == 0) {
            b->options->progress(b->options->progress_context, "classifying", partition + 1, partitions);
            pthread_mutex_unlock(&b->lock);
        }
    }
}
