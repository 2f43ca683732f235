/* live_state.h - what was published in one minute or one hour. Private to live.c, under its lock.
 *
 * A state is open (sets that can be folded into), closed (packed bytes), or both as long as the two say the same.
 * Packed bytes never change and are shared: whoever computes holds them without the lock.
 */
#ifndef CT_LIVE_STATE_H
#define CT_LIVE_STATE_H

#include "metrics/packed.h"

#define CT_LIVE_FIELDS_MAX CT_SLICE_COUNT
#define CT_LIVE_PARTS_MAX (1 + CT_LIVE_FIELDS_MAX) /* part 0 is the whole, the others its slices by each field */

struct ct_live_bytes {
    unsigned refs;
    struct ct_packed packed;
};

/* What all states of a tap have in common. */
struct ct_live_shape {
    enum ct_slice_field fields[CT_LIVE_FIELDS_MAX];
    size_t field_count, slices_max;
    const struct ct_zone *zone; /* of hours and days */
    struct ct_kpi_set *scratch; /* empty between calls */
};

#define CT_LIVE_NUMBER_NONE INT64_MIN

struct ct_live_state {
    int64_t number; /* which minute or hour; CT_LIVE_NUMBER_NONE = free */
    uint64_t messages, conversations;
    uint64_t used; /* rises with each fold: which open state to close */
    struct ct_kpi_set *total;
    struct ct_kpi_slices *slices[CT_LIVE_FIELDS_MAX];
    struct ct_live_bytes *packed[CT_LIVE_PARTS_MAX]; /* NULL = not packed, or out of date */
};

/* One more conversation: appends the sets (at most CT_LIVE_PARTS_MAX) that the caller has to fold it into before the
 * state is closed. One less: record as it was folded, `alone` a set of it. CT_NO_MEMORY: the state does not have it, or
 * only parts of it do. */
enum ct_status ct_live_state_add(struct ct_live_state *state, const struct ct_live_shape *shape,
                                 const struct ct_record *record, struct ct_kpi_set **sets, size_t *count) CT_MUST_USE;
enum ct_status ct_live_state_take(struct ct_live_state *state, const struct ct_live_shape *shape,
                                  const struct ct_record *record, const struct ct_kpi_set *alone) CT_MUST_USE;
/* One part as bytes, with a reference for the caller; *out NULL = there is nothing in it. CT_NO_MEMORY. */
enum ct_status ct_live_state_bytes(struct ct_live_state *state, size_t part, struct ct_live_bytes **out) CT_MUST_USE;
/* Keeps the bytes alone. When memory runs out it stays open. */
void ct_live_state_close(struct ct_live_state *state, const struct ct_live_shape *shape);
/* Free for another minute. */
void ct_live_state_clear(struct ct_live_state *state);
bool ct_live_state_is_open(const struct ct_live_state *state);
/* How many sets it has open. */
size_t ct_live_state_sets(const struct ct_live_state *state);

void ct_live_bytes_unref(struct ct_live_bytes *bytes); /* NULL allowed */

#endif
