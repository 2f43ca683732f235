/* slices.c - one set of metrics for each value of a field, or of two. Called by the pipeline for --group-by. The keys
 * that a customer's conversations and events belong to are found in slice_customer.c. */
#include "metrics/slices.h"

#include <stdio.h>
#include <stdlib.h>

#include "metrics/packed.h"

struct ct_kpi_slices *ct_slices_new_by(const struct ct_slice_by *by, size_t max)
{
    struct ct_kpi_slices *slices = calloc(1, sizeof *slices);
    if (!slices) {
        return NULL;
    }
    slices->by = *by;
    slices->max = max ? max : CT_SLICES_MAX_DEFAULT;
    slices->complete = true;
    for (unsigned i = 0; i < by->count; i++) {
        bool period = ct_slice_has_period(by->field[i], &slices->unit);
        slices->periodic |= period;
        slices->newest |= period && i == 0;
        slices->complete &= period || by->field[i] == CT_SLICE_SEGMENT;
    }
    return slices;
}

struct ct_kpi_slices *ct_slices_new(enum ct_slice_field field, size_t max)
{
    return ct_slices_new_by(&(struct ct_slice_by){.field = {field}, .count = 1}, max);
}

void ct_slices_free(struct ct_kpi_slices *slices)
{
    if (slices) {
        for (size_t i = 0; i < slices->count; i++) {
            ct_kpis_free(slices->at[i].set);
        }
        ct_kpis_free(slices->other);
        free(slices->at);
        free(slices->periods);
        free(slices->entries);
        free(slices->picked);
        free(slices);
    }
}

void ct_slices_zone(struct ct_kpi_slices *slices, const struct ct_zone *zone)
{
    slices->zone = zone;
    slices->zoned = true;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

struct ct_kpi_set *ct_slices_other(struct ct_kpi_slices *slices)
{
    if (!slices->other) {
        slices->other = ct_kpis_new();
    }
    return slices->other;
}

/* Room for one more. */
static bool grow(struct ct_kpi_slices *slices)
{
    if (slices->count < slices->capacity) {
        return true;
    }
    size_t capacity = slices->capacity ? slices->capacity * 2 : 16;
    struct ct_slice *at = reallocarray(slices->at, capacity, sizeof *at);
    if (!at) {
        return false;
    }
    slices->at = at;
    slices->capacity = capacity;
    return true;
}

/* Where the slice of a key stands or would stand. */
static bool find(const struct ct_kpi_slices *slices, const struct ct_slice_key *key, size_t *place)
{
    size_t low = 0, high = slices->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(&slices->at[middle].key, key, sizeof *key);
        if (order == 0) {
            *place = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *place = low;
    return false;
}

/* Empties the place of the key that is one too many, into the other set. */
static struct ct_kpi_set *displace(struct ct_kpi_slices *slices)
{
    size_t place = slices->newest ? 0 : slices->count - 1;
    struct ct_kpi_set *set = slices->at[place].set;
    ct_kpis_merge(slices->other, set);
    ct_kpis_zero(set);
    slices->count--;
    memmove(&slices->at[place], &slices->at[place + 1], (slices->count - place) * sizeof *slices->at);
    return set;
}

struct ct_kpi_set *ct_slices_set(struct ct_kpi_slices *slices, const struct ct_slice_key *key, struct ct_period period)
{
    size_t place;
    if (find(slices, key, &place)) {
        return slices->at[place].set;
    }
    struct ct_kpi_set *set;
    if (slices->count == slices->max) {
        if (!ct_slices_other(slices)) {
            return NULL;
        }
        if (place == (slices->newest ? 0 : slices->count)) {
            return slices->other;
        }
        set = displace(slices);
        place -= slices->newest;
    } else {
        set = grow(slices) ? ct_kpis_new() : NULL;
        if (!set) {
            return NULL;
        }
    }
    memmove(&slices->at[place + 1], &slices->at[place], (slices->count - place) * sizeof *slices->at);
    slices->at[place] = (struct ct_slice){.key = *key, .period = period, .set = set};
    slices->count++;
    return set;
}

/* ---- one conversation alone ------------------------------------------------------------------------------------- */

struct ct_kpi_set *ct_slices_set_for(struct ct_kpi_slices *slices, const struct ct_record *record)
{
    struct ct_slice_key key;
    struct ct_period period = ct_slices_key_of(slices, record, CT_SPAN_NONE, &key);
    return ct_slices_set(slices, &key, period);
}

/* Slices with nothing in them go, unless some key is in the other one: it was too many because of them, and must not
 * be taken for a new one. */
static void drop_empty(struct ct_kpi_slices *slices)
{
    if (slices->other && !ct_kpis_empty(slices->other)) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < slices->count; i++) {
        if (!ct_kpis_empty(slices->at[i].set)) {
            slices->at[kept++] = slices->at[i];
        } else {
            ct_kpis_free(slices->at[i].set);
        }
    }
    slices->count = kept;
    ct_kpis_free(slices->other);
    slices->other = NULL;
}

void ct_slices_subtract(struct ct_kpi_slices *slices, const struct ct_record *record, const struct ct_kpi_set *alone)
{
    struct ct_slice_key key;
    size_t place;
    (void)ct_slices_key_of(slices, record, CT_SPAN_NONE, &key);
    struct ct_kpi_set *set = find(slices, &key, &place) ? slices->at[place].set : slices->other;
    if (set) {
        ct_kpis_subtract(set, alone);
        if (ct_kpis_empty(set)) {
            drop_empty(slices);
        }
    }
}

/* ---- merging ---------------------------------------------------------------------------------------------------- */

enum ct_status ct_slices_merge(struct ct_kpi_slices *slices, const struct ct_kpi_slices *other)
{
    for (size_t i = 0; i < other->count; i++) {
        struct ct_kpi_set *set = ct_slices_set(slices, &other->at[i].key, other->at[i].period);
        if (!set) {
            return CT_NO_MEMORY;
        }
        ct_kpis_merge(set, other->at[i].set);
    }
    if (other->other) {
        if (!ct_slices_other(slices)) {
            return CT_NO_MEMORY;
        }
        ct_kpis_merge(slices->other, other->other);
    }
    return CT_OK;
}

/* How many keys, how many other ones (0 or 1); each key with its period, and set; then the other set. */
enum ct_status ct_slices_pack(const struct ct_kpi_slices *slices, struct ct_packed *into)
{
    uint32_t head[2] = {(uint32_t)slices->count, slices->other != NULL};
    enum ct_status status = ct_packed_put(into, head, sizeof head);
    for (size_t i = 0; i < slices->count && status == CT_OK; i++) {
        status = ct_packed_put(into, &slices->at[i].key, sizeof slices->at[i].key);
        status = status == CT_OK ? ct_packed_put(into, &slices->at[i].period, sizeof slices->at[i].period) : status;
        if (status == CT_OK) {
            status = ct_kpis_pack(slices->at[i].set, into);
        }
    }
    return status == CT_OK && slices->other ? ct_kpis_pack(slices->other, into) : status;
}

enum ct_status ct_slices_merge_packed(struct ct_kpi_slices *slices, const unsigned char *packed,
                                      struct ct_kpi_set *scratch)
{
    uint32_t head[2];
    memcpy(head, packed, sizeof head);
    packed += sizeof head;
    for (uint32_t i = 0; i < head[0]; i++) {
        struct ct_slice_key key;
        struct ct_period period;
        memcpy(&key, packed, sizeof key);
        memcpy(&period, packed + sizeof key, sizeof period);
        struct ct_kpi_set *set = ct_slices_set(slices, &key, period);
        if (!set) {
            return CT_NO_MEMORY;
        }
        packed = ct_kpis_merge_packed(set, packed + sizeof key + sizeof period, scratch);
    }
    if (head[1]) {
        if (!ct_slices_other(slices)) {
            return CT_NO_MEMORY;
        }
        (void)ct_kpis_merge_packed(slices->other, packed, scratch);
    }
    return CT_OK;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* Every slice has something in it, but for what ct_slices_subtract has left. */
size_t ct_slices_count(const struct ct_kpi_slices *slices)
{
    size_t count = slices->other && !ct_kpis_empty(slices->other);
    for (size_t i = 0; i < slices->count; i++) {
        count += !ct_kpis_empty(slices->at[i].set);
    }
    return count;
}

/* NULL = the other one. */
static const struct ct_slice *slice_at(const struct ct_kpi_slices *slices, size_t index)
{
    for (size_t i = 0; i < slices->count; i++) {
        if (!ct_kpis_empty(slices->at[i].set) && index-- == 0) {
            return &slices->at[i];
        }
    }
    return NULL;
}

static ct_span part_of(const struct ct_slice *slice, unsigned part)
{
    return (ct_span){slice->key.part[part], strnlen(slice->key.part[part], CT_SLICE_KEY_BYTES)};
}

const struct ct_kpi_set *ct_slices_at(const struct ct_kpi_slices *slices, size_t index, ct_span *key, bool *other)
{
    const struct ct_slice *slice = slice_at(slices, index);
    *key = slice ? part_of(slice, 0) : CT_SPAN_NONE;
    *other = !slice;
    return slice ? slice->set : slices->other;
}

enum { SEGMENTS_MAX = 32 };

/* Whose targets count in a slice: its own segment's, then the options'. */
static enum ct_status compute_one(const struct ct_kpi_slices *slices, const struct ct_slice *slice,
                                  const struct ct_kpi_options *options, struct ct_block *block)
{
    struct ct_kpi_options own = options ? *options : (struct ct_kpi_options){0};
    ct_span segments[SEGMENTS_MAX];
    size_t count = 0;
    for (unsigned i = 0; slice && i < slices->by.count; i++) {
        if (slices->by.field[i] == CT_SLICE_SEGMENT) {
            segments[count++] = part_of(slice, i);
        }
    }
    for (size_t i = 0; i < own.segment_count && count < SEGMENTS_MAX; i++) {
        segments[count++] = own.segments[i];
    }
    own.segments = segments;
    own.segment_count = count;
    if (slices->periodic) {
        own.period = slice ? ct_period_word(slices->unit) : NULL;
    }
    enum ct_status status = ct_kpis_compute(slice ? slice->set : slices->other, &own, block);
    if (status == CT_OK) {
        block->key = slice ? part_of(slice, 0) : CT_SPAN_NONE;
        block->second = slice && slices->by.count > 1 ? part_of(slice, 1) : CT_SPAN_NONE;
        block->other = !slice;
        block->from = slice ? slice->period.from : CT_USEC_NONE;
        block->to = slice ? slice->period.to : CT_USEC_NONE;
    }
    return status;
}

enum ct_status ct_slices_compute(const struct ct_kpi_slices *slices, const struct ct_kpi_options *options,
                                 struct ct_block **blocks, size_t *count)
{
    *blocks = NULL;
    *count = ct_slices_count(slices);
    if (*count == 0) {
        return CT_OK;
    }
    *blocks = calloc(*count, sizeof **blocks);
    if (!*blocks) {
        *count = 0;
        return CT_NO_MEMORY;
    }
    for (size_t i = 0; i < *count; i++) {
        enum ct_status status = compute_one(slices, slice_at(slices, i), options, &(*blocks)[i]);
        if (status != CT_OK) {
            ct_blocks_done(*blocks, *count);
            *blocks = NULL;
            *count = 0;
            return status;
        }
    }
    return CT_OK;
}

void ct_blocks_done(struct ct_block *blocks, size_t count)
{
    for (size_t i = 0; blocks && i < count; i++) {
        ct_block_done(&blocks[i]);
    }
    free(blocks);
}
