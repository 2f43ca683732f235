/* packed.c - runs of words that are not zero. Called by the live windows, for the minutes and hours that have passed.
 *
 * A packed set: the number of runs (uint32), then each run: its first word and its number of words (uint16 each), then
 * the words.
 */
#include "metrics/packed.h"

#include <assert.h>
#include <stdlib.h>

#include "metrics/kpi_catalogue.h"

typedef uint64_t word;

enum ct_status ct_packed_put(struct ct_packed *into, const void *bytes, size_t len)
{
    if (len > into->capacity - into->len) {
        size_t capacity = into->capacity ? into->capacity : 1024;
        while (capacity - into->len < len) {
            capacity *= 2;
        }
        unsigned char *at = realloc(into->at, capacity);
        if (!at) {
            return CT_NO_MEMORY;
        }
        into->at = at;
        into->capacity = capacity;
    }
    memcpy(into->at + into->len, bytes, len);
    into->len += len;
    return CT_OK;
}

static word word_at(const struct ct_kpi_set *set, size_t index)
{
    word value;
    memcpy(&value, set->state + index * sizeof value, sizeof value);
    return value;
}

/* The runs of words [first, end). */
static enum ct_status put_runs(const struct ct_kpi_set *set, size_t first, size_t end, uint32_t *runs,
                               struct ct_packed *into)
{
    enum ct_status status = CT_OK;
    for (size_t i = first; i < end && status == CT_OK;) {
        if (word_at(set, i) == 0) {
            i++;
            continue;
        }
        size_t to = i + 1;
        while (to < end && word_at(set, to)) {
            to++;
        }
        uint16_t run[2] = {(uint16_t)i, (uint16_t)(to - i)};
        status = ct_packed_put(into, run, sizeof run);
        if (status == CT_OK) {
            status = ct_packed_put(into, set->state + i * sizeof(word), (to - i) * sizeof(word));
        }
        (*runs)++;
        i = to;
    }
    return status;
}

enum ct_status ct_kpis_pack(const struct ct_kpi_set *set, struct ct_packed *into)
{
    size_t head = into->len, first = 0;
    assert(ct_kpi_set_bytes() / sizeof(word) <= UINT16_MAX);
    bool alone = ct_kpis_alone(set);
    uint32_t runs = 0;
    enum ct_status status = ct_packed_put(into, &runs, sizeof runs);
    for (unsigned i = 0; i < CT_METRIC_COUNT && status == CT_OK; i++) {
        size_t end = ct_kpi_set_offset(i + 1) / sizeof(word);
        if (!alone || ct_metric_of_conversations(i)) {
            status = put_runs(set, first, end, &runs, into);
        }
        first = end;
    }
    if (status == CT_OK) {
        memcpy(into->at + head, &runs, sizeof runs);
    }
    return status;
}

/* Writes the runs into the set, or takes them out of it again. */
static const unsigned char *each_run(struct ct_kpi_set *set, const unsigned char *packed, bool write)
{
    uint32_t runs;
    memcpy(&runs, packed, sizeof runs);
    packed += sizeof runs;
    for (; runs > 0; runs--) {
        uint16_t run[2];
        memcpy(run, packed, sizeof run);
        packed += sizeof run;
        unsigned char *to = set->state + run[0] * sizeof(word);
        size_t bytes = run[1] * sizeof(word);
        if (write) {
            memcpy(to, packed, bytes);
        } else {
            memset(to, 0, bytes);
        }
        packed += bytes;
    }
    return packed;
}

const unsigned char *ct_kpis_merge_packed(struct ct_kpi_set *set, const unsigned char *packed,
                                          struct ct_kpi_set *scratch)
{
    (void)each_run(scratch, packed, true);
    ct_kpis_merge(set, scratch);
    return each_run(scratch, packed, false);
}
