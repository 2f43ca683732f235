/* pipeline_heap.c - open conversations by when they are due, and by how long they have been silent. Called by the other
 * pipeline files. A message makes a conversation due later; its place in the heap is put right when it comes up, so
 * that a message costs nothing here. Equal keys stand in the order in which the conversations began: the order of all
 * that comes up depends on the messages alone.
 */
#include "engine/pipeline_state.h"

#include <stdlib.h>

enum { CHILDREN = 4, CAPACITY_MIN = 256 };

int64_t ct_bag_heap_key(const struct ct_pipeline *p, const struct ct_bag *bag, enum ct_heap_kind kind)
{
    if (kind == CT_HEAP_SILENT) {
        return (int64_t)bag->stamp;
    }
    const struct ct_bench *bench = &p->benches[bag->setup];
    ct_usec wait = bag->idle_usec, person = bench->setup->silence.person_usec, survey = bench->survey_usec;
    if (bag->wait == CT_WAIT_PERSON && person > wait) {
        wait = person;
    } else if (bag->wait == CT_WAIT_SURVEY && survey > wait) {
        wait = survey;
    } else if (bag->wait == CT_WAIT_DELIVERY && CT_USEC_PER_DAY > wait) {
        wait = CT_USEC_PER_DAY;
    }
    return ct_usec_later(bag->last_received, wait);
}

static bool before(const struct ct_pipeline *p, int64_t key, uint32_t name, int64_t other_key, uint32_t other_name)
{
    if (key != other_key) {
        return key < other_key;
    }
    const struct ct_bag *bag = ct_bag_at(p, name), *other = ct_bag_at(p, other_name);
    if (bag->first_position != other->first_position) {
        return bag->first_position < other->first_position;
    }
    return bag->first_index < other->first_index;
}

static void put(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t at, int64_t key, uint32_t bag)
{
    p->heap[kind].keys[at] = key;
    p->heap[kind].bags[at] = bag;
    ct_bag_at(p, bag)->heap_at[kind] = at;
}

static void rise(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t at, int64_t key, uint32_t bag)
{
    struct ct_heap *h = &p->heap[kind];
    while (at) {
        uint32_t parent = (at - 1) / CHILDREN;
        if (!before(p, key, bag, h->keys[parent], h->bags[parent])) {
            break;
        }
        put(p, kind, at, h->keys[parent], h->bags[parent]);
        at = parent;
    }
    put(p, kind, at, key, bag);
}

static void sink(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t at, int64_t key, uint32_t bag)
{
    struct ct_heap *h = &p->heap[kind];
    for (;;) {
        uint32_t first = at * CHILDREN + 1, best = first;
        if (first >= h->count) {
            break;
        }
        uint32_t behind = h->count - first < CHILDREN ? h->count : first + CHILDREN;
        for (uint32_t i = first + 1; i < behind; i++) {
            if (before(p, h->keys[i], h->bags[i], h->keys[best], h->bags[best])) {
                best = i;
            }
        }
        if (!before(p, h->keys[best], h->bags[best], key, bag)) {
            break;
        }
        put(p, kind, at, h->keys[best], h->bags[best]);
        at = best;
    }
    put(p, kind, at, key, bag);
}

static bool resize(struct ct_heap *h, uint32_t capacity)
{
    int64_t *keys = realloc(h->keys, capacity * sizeof *keys);
    h->keys = keys ? keys : h->keys;
    uint32_t *bags = realloc(h->bags, capacity * sizeof *bags);
    h->bags = bags ? bags : h->bags;
    if (!keys || !bags) {
        return false;
    }
    h->capacity = capacity;
    return true;
}

bool ct_heap_room(struct ct_pipeline *p, enum ct_heap_kind kind)
{
    struct ct_heap *h = &p->heap[kind];
    return h->count < h->capacity || resize(h, h->capacity ? h->capacity + h->capacity / 2 : CAPACITY_MIN);
}

void ct_heap_add(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t bag)
{
    rise(p, kind, p->heap[kind].count++, ct_bag_heap_key(p, ct_bag_at(p, bag), kind), bag);
}

void ct_heap_remove(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t bag)
{
    struct ct_heap *h = &p->heap[kind];
    uint32_t at = ct_bag_at(p, bag)->heap_at[kind], last = --h->count;
    if (at != last) {
        int64_t key = h->keys[last];
        uint32_t other = h->bags[last];
        if (before(p, key, other, h->keys[at], bag)) {
            rise(p, kind, at, key, other);
        } else {
            sink(p, kind, at, key, other);
        }
    }
    if (h->capacity > CAPACITY_MIN && h->count < h->capacity / 4) {
        uint32_t capacity = h->capacity / 2;
        h->capacity = capacity; /* what is there fits, whether or not memory is given back */
        (void)!resize(h, capacity);
    }
}

void ct_heap_lower(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t bag)
{
    const struct ct_bag *b = ct_bag_at(p, bag);
    int64_t key = ct_bag_heap_key(p, b, kind);
    if (key < p->heap[kind].keys[b->heap_at[kind]]) {
        rise(p, kind, b->heap_at[kind], key, bag);
    }
}

uint32_t ct_heap_top(struct ct_pipeline *p, enum ct_heap_kind kind, int64_t limit)
{
    struct ct_heap *h = &p->heap[kind];
    while (h->count && h->keys[0] <= limit) {
        uint32_t bag = h->bags[0];
        int64_t key = ct_bag_heap_key(p, ct_bag_at(p, bag), kind);
        if (key <= h->keys[0]) {
            return bag;
        }
        sink(p, kind, 0, key, bag);
    }
    return 0;
}

enum ct_status ct_heap_activate(struct ct_pipeline *p, enum ct_heap_kind kind)
{
    struct ct_heap *h = &p->heap[kind];
    if (h->active) {
        return CT_OK;
    }
    if (h->capacity < p->open && !resize(h, p->open + p->open / 8 + CAPACITY_MIN)) {
        return CT_NO_MEMORY;
    }
    h->active = true;
    for (uint32_t bag = p->oldest; bag; bag = ct_bag_at(p, bag)->newer) {
        ct_heap_add(p, kind, bag);
    }
    return CT_OK;
}

void ct_heap_done(struct ct_heap *h)
{
    free(h->keys);
    free(h->bags);
    *h = (struct ct_heap){0};
}
