/* slices.c - one set of metrics for each value of a field. Called by the pipeline for --group-by. */
#include <assert.h>
#include <stdlib.h>

#include "metrics/kpi.h"
#include "metrics/packed.h"

struct slice {
    char key[CT_SLICE_KEY_BYTES]; /* padded with zeros */
    size_t len;
    struct ct_kpi_set *set;
};

struct ct_kpi_slices {
    enum ct_slice_field field;
    size_t max, count, capacity;
    struct slice *at;                 /* by key, in byte order */
    struct ct_kpi_set *other;         /* NULL until a key is too many */
    const struct ct_record **picked;  /* scratch: a customer's records of one slice */
    char (*keys)[CT_SLICE_KEY_BYTES]; /* scratch: the key of each of a customer's records */
    size_t scratch_capacity;
};

const char *ct_slice_field_text(enum ct_slice_field field)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_SLICE_MAP(X)
#undef X
    };
    return texts[field];
}

bool ct_slice_field_from(ct_span text, enum ct_slice_field *out)
{
    for (int field = 0; field < CT_SLICE_COUNT; field++) {
        if (ct_span_is(text, ct_slice_field_text((enum ct_slice_field)field))) {
            *out = (enum ct_slice_field)field;
            return true;
        }
    }
    return false;
}

struct ct_kpi_slices *ct_slices_new(enum ct_slice_field field, size_t max)
{
    struct ct_kpi_slices *slices = calloc(1, sizeof *slices);
    if (slices) {
        slices->field = field;
        slices->max = max ? max : CT_SLICES_MAX_DEFAULT;
    }
    return slices;
}

void ct_slices_free(struct ct_kpi_slices *slices)
{
    if (slices) {
        for (size_t i = 0; i < slices->count; i++) {
            ct_kpis_free(slices->at[i].set);
        }
        ct_kpis_free(slices->other);
        free(slices->at);
        free(slices->picked);
        free(slices->keys);
        free(slices);
    }
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static void key_put(char key[CT_SLICE_KEY_BYTES], ct_span text)
{
    size_t len = text.len;
    if (len > CT_SLICE_KEY_BYTES - 1) {
        len = CT_SLICE_KEY_BYTES - 1;
        while (len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    memset(key, 0, CT_SLICE_KEY_BYTES);
    if (len) {
        memcpy(key, text.at, len);
    }
}

/* The part of the start's time that the field names, "" where it is not known. */
static void key_of_time(enum ct_slice_field field, ct_usec start, char key[CT_SLICE_KEY_BYTES])
{
    static const char *const weekdays[] = {"1 mon", "2 tue", "3 wed", "4 thu", "5 fri", "6 sat", "7 sun"};
    char text[40];
    memset(key, 0, CT_SLICE_KEY_BYTES);
    if (start == CT_USEC_NONE || ct_time_format(start, text) < 16) {
        return;
    }
    if (field == CT_SLICE_HOUR) {
        memcpy(key, text + 11, 2);
    } else if (field == CT_SLICE_DAY) {
        memcpy(key, text, 10);
    } else if (field == CT_SLICE_MONTH) {
        memcpy(key, text, 7);
    } else {
        ct_usec day = start / CT_USEC_PER_DAY - (start % CT_USEC_PER_DAY < 0);
        int weekday = (int)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        memcpy(key, weekdays[weekday], strlen(weekdays[weekday]));
    }
}

static void key_of(enum ct_slice_field field, const struct ct_record *record, char key[CT_SLICE_KEY_BYTES])
{
    switch (field) {
    case CT_SLICE_CHANNEL:
        key_put(key, ct_record_text(record, CT_TEXT_CHANNEL));
        break;
    case CT_SLICE_LANGUAGE:
        key_put(key, ct_record_text(record, CT_TEXT_LANGUAGE));
        break;
    case CT_SLICE_BOT:
        key_put(key, ct_record_text(record, CT_TEXT_BOT));
        break;
    case CT_SLICE_TENANT:
        key_put(key, ct_record_text(record, CT_TEXT_TENANT));
        break;
    case CT_SLICE_REASON:
        key_put(key, ct_record_text(record, CT_TEXT_REASON));
        break;
    case CT_SLICE_OUTCOME:
        key_put(key, ct_span_of(ct_outcome_text((enum ct_outcome)record->outcome)));
        break;
    case CT_SLICE_HOUR:
    case CT_SLICE_WEEKDAY:
    case CT_SLICE_DAY:
    case CT_SLICE_MONTH:
        key_of_time(field, record->started_at, key);
        break;
    case CT_SLICE_COUNT:
        break;
    }
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static struct ct_kpi_set *other_of(struct ct_kpi_slices *slices)
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
    struct slice *at = reallocarray(slices->at, capacity, sizeof *at);
    if (!at) {
        return false;
    }
    slices->at = at;
    slices->capacity = capacity;
    return true;
}

/* Where the slice of a key stands or would stand. */
static bool find(const struct ct_kpi_slices *slices, const char key[CT_SLICE_KEY_BYTES], size_t *place)
{
    size_t low = 0, high = slices->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(slices->at[middle].key, key, CT_SLICE_KEY_BYTES);
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

/* The set of a key, or the other one where the key is not among the smallest. NULL = out of memory. */
static struct ct_kpi_set *set_of(struct ct_kpi_slices *slices, const char key[CT_SLICE_KEY_BYTES])
{
    size_t low;
    if (find(slices, key, &low)) {
        return slices->at[low].set;
    }
    struct ct_kpi_set *set;
    if (slices->count == slices->max) {
        if (!other_of(slices)) {
            return NULL;
        }
        if (low == slices->count) {
            return slices->other;
        }
        slices->count--;
        set = slices->at[slices->count].set;
        ct_kpis_merge(slices->other, set);
        ct_kpis_zero(set);
    } else {
        set = grow(slices) ? ct_kpis_new() : NULL;
        if (!set) {
            return NULL;
        }
    }
    memmove(&slices->at[low + 1], &slices->at[low], (slices->count - low) * sizeof *slices->at);
    memset(&slices->at[low], 0, sizeof *slices->at);
    memcpy(slices->at[low].key, key, CT_SLICE_KEY_BYTES);
    slices->at[low].len = strnlen(key, CT_SLICE_KEY_BYTES);
    slices->at[low].set = set;
    slices->count++;
    return set;
}

static bool scratch(struct ct_kpi_slices *slices, size_t count)
{
    if (count <= slices->scratch_capacity) {
        return true;
    }
    const struct ct_record **picked = reallocarray(slices->picked, count, sizeof *picked);
    if (picked) {
        slices->picked = picked;
    }
    char(*keys)[CT_SLICE_KEY_BYTES] = reallocarray(slices->keys, count, sizeof *keys);
    if (keys) {
        slices->keys = keys;
    }
    if (!picked || !keys) {
        return false;
    }
    slices->scratch_capacity = count;
    return true;
}

/* Each slice's conversations of the customer, in order. A customer is in few slices, but one shared account may be in
 * very many: keys are taken in byte order, one pass over the records each; beyond the maximum all the rest of them
 * are the other slice's in any case, and are given to it conversation by conversation. */
enum ct_status ct_slices_fold_customer(struct ct_kpi_slices *slices, const struct ct_customer *customer)
{
    const struct ct_record *const *records = customer->records;
    size_t count = customer->record_count;
    if (!scratch(slices, count)) {
        return CT_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        key_of(slices->field, records[i], slices->keys[i]);
    }
    size_t left = count;
    char last[CT_SLICE_KEY_BYTES];
    for (size_t pass = 0; left > 0; pass++) {
        const char *key = NULL;
        for (size_t i = 0; i < count; i++) {
            const char *candidate = slices->keys[i];
            if ((pass == 0 || memcmp(candidate, last, sizeof last) > 0) &&
                (!key || memcmp(candidate, key, sizeof last) < 0)) {
                key = candidate;
            }
        }
        assert(key); /* records are left, so is a key that is greater than the last */
        size_t picked = 0;
        bool rest = pass == slices->max; /* whatever is left cannot be among the smallest */
        for (size_t i = 0; i < count; i++) {
            int order = memcmp(slices->keys[i], key, sizeof last);
            if (order == 0 || (rest && order > 0)) {
                slices->picked[picked++] = records[i];
            }
        }
        memcpy(last, key, sizeof last);
        struct ct_kpi_set *set = rest ? other_of(slices) : set_of(slices, last);
        if (!set) {
            return CT_NO_MEMORY;
        }
        struct ct_customer part = *customer;
        part.records = slices->picked;
        part.record_count = picked;
        ct_kpis_fold_customer(set, &part);
        left -= picked;
    }
    return CT_OK;
}

enum ct_status ct_slices_fold(struct ct_kpi_slices *slices, const struct ct_record *record)
{
    char key[CT_SLICE_KEY_BYTES];
    key_of(slices->field, record, key);
    struct ct_kpi_set *set = set_of(slices, key);
    if (!set) {
        return CT_NO_MEMORY;
    }
    ct_kpis_fold(set, record);
    return CT_OK;
}

/* Slices without conversations go, unless some key is in the other one: it was too many because of them, and must not
 * be taken for a new one. */
static void drop_empty(struct ct_kpi_slices *slices)
{
    if (slices->other && ct_kpis_conversations(slices->other) > 0) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < slices->count; i++) {
        if (ct_kpis_conversations(slices->at[i].set) > 0) {
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
    char key[CT_SLICE_KEY_BYTES];
    size_t place;
    key_of(slices->field, record, key);
    struct ct_kpi_set *set = find(slices, key, &place) ? slices->at[place].set : slices->other;
    if (set) {
        ct_kpis_subtract(set, alone);
        if (ct_kpis_conversations(set) == 0) {
            drop_empty(slices);
        }
    }
}

enum ct_status ct_slices_merge(struct ct_kpi_slices *slices, const struct ct_kpi_slices *other)
{
    for (size_t i = 0; i < other->count; i++) {
        struct ct_kpi_set *set = set_of(slices, other->at[i].key);
        if (!set) {
            return CT_NO_MEMORY;
        }
        ct_kpis_merge(set, other->at[i].set);
    }
    if (other->other) {
        if (!other_of(slices)) {
            return CT_NO_MEMORY;
        }
        ct_kpis_merge(slices->other, other->other);
    }
    return CT_OK;
}

/* How many keys, how many other ones (0 or 1); each key's name and set, then the other set. */
enum ct_status ct_slices_pack(const struct ct_kpi_slices *slices, struct ct_packed *into)
{
    uint32_t head[2] = {(uint32_t)slices->count, slices->other != NULL};
    enum ct_status status = ct_packed_put(into, head, sizeof head);
    for (size_t i = 0; i < slices->count && status == CT_OK; i++) {
        status = ct_packed_put(into, slices->at[i].key, CT_SLICE_KEY_BYTES);
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
        char key[CT_SLICE_KEY_BYTES];
        memcpy(key, packed, sizeof key);
        struct ct_kpi_set *set = set_of(slices, key);
        if (!set) {
            return CT_NO_MEMORY;
        }
        packed = ct_kpis_merge_packed(set, packed + sizeof key, scratch);
    }
    if (head[1]) {
        if (!other_of(slices)) {
            return CT_NO_MEMORY;
        }
        (void)ct_kpis_merge_packed(slices->other, packed, scratch);
    }
    return CT_OK;
}

/* Every slice has conversations, but for what ct_slices_subtract has left. */
size_t ct_slices_count(const struct ct_kpi_slices *slices)
{
    size_t count = slices->other && ct_kpis_conversations(slices->other) > 0;
    for (size_t i = 0; i < slices->count; i++) {
        count += ct_kpis_conversations(slices->at[i].set) > 0;
    }
    return count;
}

const struct ct_kpi_set *ct_slices_at(const struct ct_kpi_slices *slices, size_t index, ct_span *key, bool *other)
{
    for (size_t i = 0; i < slices->count; i++) {
        if (ct_kpis_conversations(slices->at[i].set) > 0 && index-- == 0) {
            *key = (ct_span){slices->at[i].key, slices->at[i].len};
            *other = false;
            return slices->at[i].set;
        }
    }
    *key = CT_SPAN_NONE;
    *other = true;
    return slices->other;
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
        ct_span key;
        bool other;
        const struct ct_kpi_set *set = ct_slices_at(slices, i, &key, &other);
        enum ct_status status = ct_kpis_compute(set, options, &(*blocks)[i]);
        if (status != CT_OK) {
            ct_blocks_done(*blocks, *count);
            *blocks = NULL;
            *count = 0;
            return status;
        }
        (*blocks)[i].key = key;
        (*blocks)[i].other = other;
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
