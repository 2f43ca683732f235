/* pipeline.c - what comes into the live pipeline: messages, ends, time, and a restart's marks. See pipeline.h; called
 * by the tap for each frame of the tape, live and in a replay.
 *
 * Decided here, and part of what "the same frames give the same records" means:
 * - A close event publishes at once. A conversation that says so again and again is judged at once sixteen times; after
 *   that only when it has grown by a sixteenth, so that the work stays in proportion to what came.
 * - A conversation that was published and has not changed ends without another word: `final` is only ever said with
 *   something that is new.
 * - A silent conversation whose survey waits for its answer is published, and stays as long as the survey's rules take
 *   one (a day at most). One that waits for a person is not published before that silence has lasted long enough, too.
 * - One that is left a message out of is not silent either.
 * - What the platform says of messages it sent (delivery.h) breaks no silence. Of a conversation that was published it
 *   makes a revision at once, as long as the work stays in proportion (a sixteenth, as above) and it waits for nobody.
 *   A silent one of which it is not known yet whether each message arrived, though the platform spoke of it, is
 *   published and stays a day. Of one that is not open only what may come before its message begins it; alone it makes
 *   no record.
 * - A call that fails leaves the conversation as it was: what the sink has been handed it is handed again, with the
 * same revision, when the conversation is due the next time.
 */
#include "engine/pipeline_state.h"

#include <stdlib.h>

enum { BYTES_MAX = 1 << 30, ENTRY_BYTES = 24 /* of the index and the heap */ };

struct ct_pipeline *ct_pipeline_new(const struct ct_pipeline_sink *sink, const struct ct_pipeline_limits *limits)
{
    struct ct_pipeline *p = calloc(1, sizeof *p);
    if (!p) {
        return NULL;
    }
    p->sink = *sink;
    p->limits = limits ? *limits : (struct ct_pipeline_limits){0};
    p->limits.open_max = p->limits.open_max ? p->limits.open_max : 1000000;
    p->limits.conversation_bytes_max = p->limits.conversation_bytes_max ? p->limits.conversation_bytes_max : 16u << 20;
    p->limits.memory_max = p->limits.memory_max ? p->limits.memory_max : (size_t)4 << 30;
    if (p->limits.conversation_bytes_max > BYTES_MAX) {
        p->limits.conversation_bytes_max = BYTES_MAX;
    }
    p->now = CT_USEC_NONE;
    p->heap[CT_HEAP_DUE].active = true;
    p->sessions.are_read = true;
    return p;
}

void ct_pipeline_free(struct ct_pipeline *p)
{
    if (!p) {
        return;
    }
    for (uint32_t name = p->oldest; name; name = ct_bag_at(p, name)->newer) {
        if (ct_bag_at(p, name)->differ) {
            free(ct_bag_at(p, name)->first_published.each);
        }
    }
    ct_benches_done(p);
    ct_slab_done(&p->slab);
    free(p->buckets);
    for (int kind = 0; kind < CT_HEAPS; kind++) {
        ct_heap_done(&p->heap[kind]);
    }
    ct_sessions_done(&p->sessions);
    free(p->key.at);
    free(p->same.at);
    free(p->packed.at);
    free(p->flat.at);
    free(p->plain.at);
    free(p->before.at);
    free(p->after.at);
    free(p);
}

enum ct_status ct_pipeline_setup(struct ct_pipeline *p, struct ct_setup *setup)
{
    return ct_bench_open(p, setup);
}

/* ---- time ---------------------------------------------------------------------------------------------------------
 */

/* Closes what is due up to `until`. */
static enum ct_status pass(struct ct_pipeline *p, ct_usec now, ct_usec until)
{
    enum ct_status status = CT_OK;
    p->now = now > p->now ? now : p->now;
    for (uint32_t bag; status == CT_OK && (bag = ct_heap_top(p, CT_HEAP_DUE, until));) {
        status = ct_bag_close(p, bag, CT_CLOSING_SILENCE);
    }
    return status;
}

/* A message in the very moment in which the silence would be long enough breaks it, as it does in an audit. */
static enum ct_status pass_to_message(struct ct_pipeline *p, ct_usec received)
{
    ct_usec now = received > p->now ? received : p->now;
    return pass(p, now, now > INT64_MIN ? now - 1 : now);
}

enum ct_status ct_pipeline_tick(struct ct_pipeline *p, ct_usec now)
{
    return pass(p, now, now > p->now ? now : p->now);
}

enum ct_status ct_pipeline_close_all(struct ct_pipeline *p)
{
    enum ct_status status = CT_OK;
    for (uint32_t bag; status == CT_OK && (bag = ct_heap_top(p, CT_HEAP_DUE, INT64_MAX));) {
        status = ct_bag_close(p, bag, CT_CLOSING_FORCED);
    }
    return status;
}

/* ---- limits ---------------------------------------------------------------------------------------------------------
 */

static void drop_one(const struct ct_pipeline *p, const char *reason)
{
    if (p->sink.drop) {
        p->sink.drop(p->sink.context, reason, 1);
    }
}

/* Counted from what is open alone, not from how the memory came to be cut up: a restart must come to the same. */
static size_t memory_held(const struct ct_pipeline *p)
{
    return p->held_bytes + (size_t)p->open * ENTRY_BYTES;
}

/* Closes those that have been silent longest until the rest is within the limits. */
static enum ct_status keep_limits(struct ct_pipeline *p)
{
    enum ct_status status = CT_OK;
    while (status == CT_OK && p->open && (p->open > p->limits.open_max || memory_held(p) > p->limits.memory_max)) {
        const char *reason = p->open > p->limits.open_max ? "open_conversations_limit" : "open_memory_limit";
        status = ct_heap_activate(p, CT_HEAP_SILENT);
        if (status == CT_OK) {
            status = ct_bag_close(p, ct_heap_top(p, CT_HEAP_SILENT, INT64_MAX), CT_CLOSING_FORCED);
        }
        if (status == CT_OK) {
            drop_one(p, reason);
        }
    }
    struct ct_heap *silent = &p->heap[CT_HEAP_SILENT];
    if (silent->active && p->open < p->limits.open_max / 2 && memory_held(p) < p->limits.memory_max / 2) {
        ct_heap_done(silent);
    }
    return status;
}

/* ---- messages -------------------------------------------------------------------------------------------------------
 */

static bool is_marked(const struct ct_pipeline *p, uint64_t hash, uint64_t position)
{
    size_t low = 0, high = p->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->marks[middle].conversation_hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < p->mark_count && p->marks[low].conversation_hash == hash; low++) {
        const struct ct_open_mark *mark = &p->marks[low];
        if (position > mark->first_position || (position == mark->first_position && p->index >= mark->first_index)) {
            return true;
        }
    }
    return false;
}

static void set_idle(const struct ct_pipeline *p, struct ct_bag *bag, ct_span channel)
{
    bag->idle_usec = ct_silence_of(&p->benches[bag->setup].setup->silence, channel, false);
    bag->channel_known = channel.len > 0;
}

/* The conversation is not silent: something came. */
static void touch(struct ct_pipeline *p, uint32_t name, const struct ct_message *m, uint64_t position)
{
    struct ct_bag *bag = ct_bag_at(p, name);
    bool sooner = bag->wait != CT_WAIT_SILENCE;
    bag->wait = CT_WAIT_SILENCE;
    bag->last_received = p->now;
    bag->last_position = position;
    bag->stamp = ++p->stamp;
    if (!bag->channel_known && m->channel.len) {
        set_idle(p, bag, m->channel);
        sooner = true;
    }
    if (sooner) {
        ct_heap_lower(p, CT_HEAP_DUE, name);
    }
}

/* What the platform says of a message is no word of anybody: the silence goes on, but what was published is due. */
static void touch_delivered(struct ct_pipeline *p, uint32_t name, uint64_t position)
{
    struct ct_bag *bag = ct_bag_at(p, name);
    bag->last_position = position;
    bool waits = bag->wait == CT_WAIT_SURVEY || bag->wait == CT_WAIT_DELIVERY; /* for a person it would wait again */
    if (bag->is_published && waits && bag->count - bag->published >= bag->count / 16) {
        bag->wait = CT_WAIT_SILENCE;
        ct_heap_lower(p, CT_HEAP_DUE, name);
    }
}

static enum ct_status begin(struct ct_pipeline *p, const struct ct_bag_key *key, const struct ct_message *m,
                            uint32_t bytes, uint64_t position, uint32_t *name)
{
    enum ct_status status = ct_bag_begin(p, key, m, bytes, name);
    if (status == CT_OK) {
        struct ct_bag *bag = ct_bag_at(p, *name);
        bag->first_position = bag->last_position = position;
        bag->first_index = p->index;
        bag->last_received = p->now;
        bag->stamp = ++p->stamp;
        set_idle(p, bag, m->channel);
        for (int kind = 0; kind < CT_HEAPS; kind++) {
            if (p->heap[kind].active) {
                ct_heap_add(p, (enum ct_heap_kind)kind, *name);
            }
        }
    }
    return status;
}

/* Puts it where its conversation waits. *name = 0: it was passed over, or left out. */
static enum ct_status take(struct ct_pipeline *p, const struct ct_message *m, uint64_t hash, uint64_t position,
                           uint32_t *name)
{
    struct ct_bag_key key;
    uint32_t bytes = ct_stored_bytes(m);
    size_t most = p->limits.conversation_bytes_max;
    bool delivery = m->event.type == CT_EVENT_DELIVERY;
    *name = 0;
    if (!bytes || bytes > most) { /* before anything of that size is copied */
        p->messages += !delivery;
        drop_one(p, "conversation_too_long");
        return CT_OK;
    }
    if (!ct_bag_key_make(p, m->tenant, m->conversation_id, hash, &key)) {
        return CT_NO_MEMORY;
    }
    uint32_t found = ct_bag_find(p, &key);
    if (!found) {
        if (p->marks && !is_marked(p, key.hash, position)) {
            return CT_OK;
        }
        p->messages += !delivery;
        if (delivery && !ct_delivery_is_early(m)) {
            drop_one(p, "delivery_unmatched");
            return CT_OK;
        }
        return begin(p, &key, m, bytes, position, name);
    }
    struct ct_bag *bag = ct_bag_at(p, found);
    p->messages += !delivery;
    if (bytes > most - bag->plain_bytes || bag->count >= CT_BAG_MESSAGES_MAX) {
        if (!delivery) {
            touch(p, found, m, position);
        }
        drop_one(p, "conversation_too_long");
        return CT_OK;
    }
    enum ct_status status = ct_bag_append(p, bag, m, bytes);
    if (status == CT_OK) {
        if (delivery) {
            touch_delivered(p, found, position);
        } else {
            touch(p, found, m, position);
        }
        *name = found;
    }
    return status;
}

enum ct_status ct_pipeline_message(struct ct_pipeline *p, const struct ct_message *m, ct_usec received,
                                   uint64_t position)
{
    if (!p->bench) {
        return CT_USAGE;
    }
    uint32_t name = 0;
    uint64_t hash = ct_conversation_key(m);
    ct_bag_expect(p, hash);
    enum ct_status status = pass_to_message(p, received);
    if (status == CT_OK) {
        p->index = position == p->position ? p->at_position : 0;
        status = take(p, m, hash, position, &name);
    }
    if (status == CT_OK) {
        p->position = position;
        p->at_position = p->index + 1;
    }
    if (status == CT_OK && name && m->event.type == CT_EVENT_CLOSE) {
        const struct ct_bag *bag = ct_bag_at(p, name);
        if (bag->revision < CT_BAG_REVISIONS_AT_ONCE || bag->count - bag->published >= bag->count / 16) {
            status = ct_bag_close(p, name, CT_CLOSING_EVENT);
        }
    }
    return status == CT_OK ? keep_limits(p) : status;
}

/* *found 0 = it is not open. false = out of memory. */
static bool find_named(struct ct_pipeline *p, ct_span tenant, ct_span conversation_id, uint32_t *found)
{
    const struct ct_message m = {.tenant = tenant, .conversation_id = conversation_id};
    struct ct_bag_key key;
    if (!ct_bag_key_make(p, tenant, conversation_id, ct_conversation_key(&m), &key)) {
        return false;
    }
    *found = ct_bag_find(p, &key);
    return true;
}

enum ct_status ct_pipeline_whole(struct ct_pipeline *p, ct_span tenant, ct_span conversation_id, ct_usec received)
{
    uint32_t found;
    enum ct_status status = pass_to_message(p, received);
    if (status != CT_OK || tenant.len + conversation_id.len > p->limits.conversation_bytes_max) {
        return status;
    }
    if (!find_named(p, tenant, conversation_id, &found)) {
        return CT_NO_MEMORY;
    }
    return found ? ct_bag_close(p, found, CT_CLOSING_WHOLE) : CT_OK;
}

enum ct_status ct_pipeline_look(struct ct_pipeline *p, ct_span tenant, ct_span conversation_id,
                                void (*record)(void *context, const struct ct_record *record,
                                               const struct ct_setup *setup),
                                void *context)
{
    uint32_t found;
    if (tenant.len + conversation_id.len > p->limits.conversation_bytes_max) {
        return CT_NOT_FOUND;
    }
    if (!find_named(p, tenant, conversation_id, &found)) {
        return CT_NO_MEMORY;
    }
    if (!found) {
        return CT_NOT_FOUND;
    }
    struct ct_bag *bag = ct_bag_at(p, found);
    enum ct_status status = ct_bag_judge(p, bag);
    const char *at = p->after.at;
    for (uint32_t i = 0; i < p->after.count && status == CT_OK; i++) {
        const struct ct_record *one = (const struct ct_record *)(const void *)at;
        record(context, one, p->benches[bag->setup].setup);
        at += one->bytes;
    }
    return status;
}

/* ---- figures, restart
 * -------------------------------------------------------------------------------------------------- */

void ct_pipeline_stats(const struct ct_pipeline *p, struct ct_pipeline_stats *out)
{
    size_t lists = p->list_bytes + p->bucket_count * sizeof *p->buckets;
    for (int kind = 0; kind < CT_HEAPS; kind++) {
        lists += p->heap[kind].capacity * (sizeof *p->heap[kind].keys + sizeof *p->heap[kind].bags);
    }
    *out =
        (struct ct_pipeline_stats){.now = p->now,
                                   .open = p->open,
                                   .closed_open = p->published_open,
                                   .oldest_position = p->oldest ? ct_bag_at(p, p->oldest)->first_position : UINT64_MAX,
                                   .text_bytes = p->text_bytes,
                                   .memory_bytes = p->slab.bytes + lists,
                                   .messages = p->messages,
                                   .published = p->publications,
                                   .revisions = p->revisions};
}

static int by_hash(const void *left, const void *right)
{
    const struct ct_open_mark *a = left, *b = right;
    if (a->conversation_hash != b->conversation_hash) {
        return a->conversation_hash < b->conversation_hash ? -1 : 1;
    }
    if (a->first_position != b->first_position) {
        return a->first_position < b->first_position ? -1 : 1;
    }
    return a->first_index < b->first_index ? -1 : a->first_index > b->first_index;
}

size_t ct_pipeline_marks(const struct ct_pipeline *p, struct ct_open_mark *marks)
{
    size_t count = 0;
    for (uint32_t name = p->oldest; name; name = ct_bag_at(p, name)->newer) {
        const struct ct_bag *bag = ct_bag_at(p, name);
        marks[count++] = (struct ct_open_mark){bag->hash, bag->first_position, bag->first_index, 0};
    }
    if (count) {
        qsort(marks, count, sizeof *marks, by_hash);
    }
    return count;
}

void ct_pipeline_resume(struct ct_pipeline *p, const struct ct_open_mark *marks, size_t count)
{
    p->marks = marks;
    p->mark_count = marks ? count : 0;
}
