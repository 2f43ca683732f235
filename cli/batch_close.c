/* batch_close.c - the second stage: the messages of a conversation in event order, cut at silence, through the rules,
 * to its records. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdio.h>
#include <stdlib.h>

bool ct_batch_order_room(struct ct_worker *w, size_t count)
{
    if (count > w->order_capacity) {
        size_t capacity = w->order_capacity ? w->order_capacity : 64;
        while (capacity < count) {
            capacity *= 2;
        }
        const struct ct_stored **order = realloc(w->order, capacity * sizeof *order);
        w->order = order ? order : w->order;
        ct_usec *times = realloc(w->times, capacity * sizeof *times);
        w->times = times ? times : w->times;
        if (!order || !times) {
            return false;
        }
        w->order_capacity = capacity;
    }
    return true;
}

/* ---- event order --------------------------------------------------------------------------------------------------
 */

static int compare_places(const struct ct_stored *a, const struct ct_stored *b)
{
    if (a->input != b->input) {
        return a->input < b->input ? -1 : 1;
    }
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_place(const void *left, const void *right)
{
    return compare_places(*(const struct ct_stored *const *)left, *(const struct ct_stored *const *)right);
}

struct timed {
    ct_usec ts;
    const struct ct_stored *stored;
};

static int by_time(const void *left, const void *right)
{
    const struct timed *a = left, *b = right;
    if (a->ts != b->ts) {
        return a->ts < b->ts ? -1 : 1;
    }
    return compare_places(a->stored, b->stored);
}

static bool speaks(enum ct_role role)
{
    return role == CT_ROLE_USER || role == CT_ROLE_BOT || role == CT_ROLE_AGENT;
}

/* Time first, then place. One untimed word of a speaker, and the source's own order is all there is; a system's or
 * tool's message without a time stays behind the one it followed. */
static bool put_in_order(struct ct_worker *w, size_t count)
{
    bool placed = true, timed = true, ordered = true;
    for (size_t i = 1; i < count && placed; i++) {
        placed = compare_places(w->order[i - 1], w->order[i]) < 0;
    }
    if (!placed) {
        qsort(w->order, count, sizeof(const struct ct_stored *), by_place);
    }
    ct_usec last = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        ct_usec ts = w->order[i]->ts;
        timed &= ts != CT_USEC_NONE || !speaks(ct_stored_role(w->order[i]));
        ts = ts == CT_USEC_NONE ? last : ts;
        ordered &= ts >= last;
        w->times[i] = last = ts;
    }
    if (!timed || ordered) {
        return true;
    }
    struct timed *all = malloc(count * sizeof *all);
    if (!all) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct timed){w->times[i], w->order[i]};
    }
    qsort(all, count, sizeof *all, by_time);
    for (size_t i = 0; i < count; i++) {
        w->order[i] = all[i].stored;
    }
    free(all);
    return true;
}

/* A copy of a whole file, under another name, brings the messages of an untimed conversation once more, and nothing in
 * them tells so; but the whole of what one input says is then the same as what another one said. Drops it; returns how
 * many are left. */
static size_t drop_copies(struct ct_worker *w, size_t count)
{
    size_t kept = 0, part_count = 0;
    uint64_t *parts = NULL; /* what each input said, by hash */
    bool timed = true;
    for (size_t i = 0; i < count; i++) {
        timed &= w->order[i]->ts != CT_USEC_NONE || !speaks(ct_stored_role(w->order[i]));
    }
    if (timed || w->order[0]->input == w->order[count - 1]->input) {
        return count;
    }
    for (size_t from = 0, to; from < count; from = to) {
        uint64_t hash = 0;
        for (to = from; to < count && w->order[to]->input == w->order[from]->input; to++) {
            const struct ct_stored *stored = w->order[to];
            uint64_t head[3] = {hash, stored->flags, (uint64_t)stored->ts};
            hash = ct_hash((ct_span){(const char *)head, sizeof head}, 0xF11E);
            hash = ct_hash((ct_span){(const char *)(stored + 1), stored->bytes - sizeof *stored}, hash);
        }
        bool copy = false;
        for (size_t i = 0; i < part_count && !copy; i++) {
            copy = parts[i] == hash;
        }
        uint64_t *more = copy ? NULL : realloc(parts, (part_count + 1) * sizeof *parts);
        if (more) {
            parts = more;
            parts[part_count++] = hash;
        }
        if (copy) {
            w->duplicate_messages += to - from;
        } else {
            memmove(w->order + kept, w->order + from, (to - from) * sizeof *w->order);
            kept += to - from;
        }
    }
    free(parts);
    return kept;
}

/* ---- one conversation
 * ------------------------------------------------------------------------------------------------ */

static enum ct_status finish(struct ct_worker *w, uint32_t input)
{
    const struct ct_record *record = ct_conversation_close(w->conversation);
    if (!record) {
        return CT_NO_MEMORY;
    }
    const struct ct_batch_watch *watch = w->batch->options->watch;
    if (watch && ct_span_eq(ct_record_text(record, CT_TEXT_CONVERSATION_ID), watch->conversation_id)) {
        pthread_mutex_lock(&w->batch->lock);
        watch->closed(watch->context, (unsigned)(w - w->batch->workers), record);
        pthread_mutex_unlock(&w->batch->lock);
    }
    w->counts[input].conversations++;
    if (record->unpriced && w->batch->options->conversation.cost) {
        ct_batch_count_reason(w, "cost_unpriced", record->unpriced);
    }
    if (record->unconverted) {
        ct_batch_count_reason(w, "cost_unconverted", record->unconverted);
    }
    if (record->ended_at > w->newest) { /* CT_USEC_NONE is the least */
        w->newest = record->ended_at;
    }
    unsigned partition = (unsigned)((record->customer_hash >> 32) % ct_spill_partitions(w->batch->customers));
    return ct_spill_put(w->customers, partition, record, record->bytes, &w->error);
}

static ct_usec idle_of(const struct ct_batch_options *options, ct_span channel, bool person)
{
    ct_usec idle = 30 * CT_USEC_PER_MINUTE;
    for (size_t i = 0; i < options->idle_count; i++) {
        if (!options->idle[i].channel.len || ct_span_eq(options->idle[i].channel, channel)) {
            idle = options->idle[i].usec;
            if (options->idle[i].channel.len) {
                break;
            }
        }
    }
    return person && options->idle_person_usec > idle ? options->idle_person_usec : idle;
}

/* What a message is to the conversation so far. */
enum place {
    GOES_ON,
    BELATED, /* belongs to it, but says nothing about when it ended: a rating, a remark of the system */
    BEGINS   /* another session */
};

static ct_usec between(ct_usec from, ct_usec to)
{
    ct_usec gap;
    return __builtin_sub_overflow(to, from, &gap) ? INT64_MAX : gap;
}

/* A system's or a tool's message after the silence opens a session only where somebody speaks soon after it. */
static bool opens_nothing(struct ct_worker *w, size_t at, size_t count, ct_usec idle)
{
    const struct ct_stored *message = w->order[at];
    if (speaks(ct_stored_role(message))) {
        return false;
    }
    for (w->speaker = w->speaker > at ? w->speaker : at + 1; w->speaker < count; w->speaker++) {
        const struct ct_stored *next = w->order[w->speaker];
        if (speaks(ct_stored_role(next))) {
            return next->ts != CT_USEC_NONE && between(message->ts, next->ts) > idle;
        }
    }
    return true;
}

/* After silence, or when the customer writes after a close, another session begins; an answer to a survey still belongs
 * to the conversation that it is about, and so does what the platform says about it later. */
static enum place place_of(struct ct_worker *w, size_t at, size_t count, const struct ct_message *m, ct_usec last,
                           ct_span channel, bool closed)
{
    struct ct_conversation *c = w->conversation;
    if (m->event.type == CT_EVENT_FEEDBACK || m->event.type == CT_EVENT_LABEL || m->event.type == CT_EVENT_CLOSE) {
        return BELATED;
    }
    if (m->event.type == CT_EVENT_REOPEN) {
        return GOES_ON;
    }
    ct_usec idle = idle_of(w->batch->options, channel, ct_conversation_person_expected(c));
    bool silence = m->ts != CT_USEC_NONE && last != CT_USEC_NONE && between(last, m->ts) > idle;
    bool again = closed && m->role == CT_ROLE_USER;
    if (!silence && !again) {
        return GOES_ON;
    }
    if (ct_conversation_knows(c, m) || ct_conversation_answers_survey(c, m) ||
        (silence && opens_nothing(w, at, count, idle))) {
        return BELATED;
    }
    return !silence && ct_conversation_survey_open(c) ? GOES_ON : BEGINS;
}

static enum ct_status read_back(struct ct_worker *w, const struct ct_stored *stored, struct ct_message *m)
{
    uint32_t calls = ct_stored_call_count(stored);
    if (calls > w->call_capacity) {
        struct ct_tool_call *more = realloc(w->calls, calls * sizeof *more);
        if (!more) {
            return CT_NO_MEMORY;
        }
        w->calls = more;
        w->call_capacity = calls;
    }
    ct_stored_read(stored, m, w->calls);
    return CT_OK;
}

static void look_on(struct ct_worker *w, const struct ct_message *m)
{
    const struct ct_batch_watch *watch = w->batch->options->watch;
    if (watch && ct_span_eq(m->conversation_id, watch->conversation_id)) {
        pthread_mutex_lock(&w->batch->lock);
        watch->message(watch->context, (unsigned)(w - w->batch->workers), m);
        pthread_mutex_unlock(&w->batch->lock);
    }
}

/* Messages beyond what one conversation may hold: counted as one refusal, where they begin. */
static void refuse_rest(struct ct_worker *w, uint32_t input, uint64_t offset, uint64_t count)
{
    struct ct_refusal refusal = {.reason = "conversation_too_long", .offset = offset};
    if (count) {
        snprintf(refusal.detail, sizeof refusal.detail, "%llu messages or pieces of evidence over the limit left out",
                 (unsigned long long)count);
        w->input = input;
        ct_batch_refuse(w, &refusal);
    }
}

enum ct_status ct_batch_close_one(struct ct_worker *w, size_t count, bool whole)
{
    if (!put_in_order(w, count)) {
        return CT_NO_MEMORY;
    }
    if (!whole) {
        count = drop_copies(w, count);
    }
    uint32_t session = 1, input = w->order[0]->input, over_input = 0;
    uint64_t over = 0, over_offset = 0; /* messages that the session has no room for */
    ct_usec last = CT_USEC_NONE;
    ct_span channel = CT_SPAN_NONE;
    bool closed = false;
    w->speaker = 0;
    ct_conversation_begin(w->conversation, session);
    for (size_t i = 0; i < count; i++) {
        struct ct_message m;
        bool duplicate;
        enum ct_status status = read_back(w, w->order[i], &m);
        if (status != CT_OK) {
            return status;
        }
        enum place place = whole || i == 0 ? GOES_ON : place_of(w, i, count, &m, last, channel, closed);
        if (place == BEGINS) {
            refuse_rest(w, over_input, over_offset, over);
            over = 0;
            status = finish(w, input);
            if (status != CT_OK) {
                return status;
            }
            ct_conversation_begin(w->conversation, ++session);
            input = w->order[i]->input;
            channel = CT_SPAN_NONE;
            closed = false;
        }
        channel = channel.len ? channel : m.channel;
        status = ct_conversation_append(w->conversation, &m, &duplicate);
        if (status == CT_LIMIT) {
            over_input = over ? over_input : w->order[i]->input;
            over_offset = over ? over_offset : w->order[i]->offset;
            over++;
        } else if (status != CT_OK) {
            return status;
        } else if (duplicate) {
            w->duplicate_messages++;
        } else {
            look_on(w, &m);
        }
        if (m.ts != CT_USEC_NONE && (last == CT_USEC_NONE || (place != BELATED && m.ts > last))) {
            last = m.ts;
        }
        closed = m.event.type == CT_EVENT_CLOSE || (closed && m.event.type != CT_EVENT_REOPEN);
    }
    refuse_rest(w, over_input, over_offset, over);
    return finish(w, input);
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

static bool group(struct groups *g, const char *items, size_t bytes)
{
    uint32_t count = 0;
    for (size_t at = 0; at < bytes; at += ((const struct ct_stored *)(const void *)(items + at))->bytes) {
        count++;
    }
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
    if (!g->chains || !g->slots || !g->items || !g->next) {
        return false;
    }
    uint32_t i = 0;
    for (size_t at = 0; at < bytes; i++) {
        const struct ct_stored *stored = (const struct ct_stored *)(const void *)(items + at);
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
        at += stored->bytes;
    }
    return true;
}

static enum ct_status close_partition(struct ct_worker *w, unsigned partition)
{
    char *items;
    size_t bytes;
    struct groups g = {0};
    enum ct_status status = ct_spill_load(w->batch->messages, partition, &items, &bytes, &w->error);
    if (status != CT_OK || !items) {
        return status;
    }
    if (!group(&g, items, bytes)) {
        status = CT_NO_MEMORY;
    }
    for (uint32_t c = 0; c < g.chain_count && status == CT_OK; c++) {
        if (!ct_batch_order_room(w, g.chains[c].count)) {
            status = CT_NO_MEMORY;
            break;
        }
        size_t count = 0;
        for (uint32_t i = g.chains[c].first; i != UINT32_MAX; i = g.next[i]) {
            w->order[count++] = g.items[i];
        }
        status = ct_batch_close_one(w, count, false);
    }
    groups_done(&g);
    free(items);
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
