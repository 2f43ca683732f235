/* keyed.h - a small table of entries by name inside a metric's state: channels, currencies, scales.
 *
 * The table holds the `max` smallest keys, in order; everything about greater ones is in one entry, `other`. That
 * rule alone is bounded and still the same whatever the order of folding and merging: a key that ends among the
 * smallest was among them at every step, so none of its values was ever given to `other`.
 */
#ifndef CT_KEYED_H
#define CT_KEYED_H

#include "engine/ct.h"

#define CT_KEY_BYTES 40 /* an entry begins with char key[CT_KEY_BYTES], padded with zeros */

struct ct_keyed {
    size_t entry_bytes;
    uint32_t max;
    /* Everything but the key; sign as struct ct_metric's merge. An entry without values must be zero bytes again. */
    void (*merge)(void *entry, const void *other, int sign);
};

/* At most 39 bytes, cut at a character. */
ct_span ct_keyed_cut(ct_span key);

/* The entry of `key` (cut to 39 bytes at a character), made if need be, or `other` where it is not among the
 * smallest. Borrowed until the next call. */
void *ct_keyed_at(const struct ct_keyed *keyed, void *entries, uint32_t *count, void *other, ct_span key);
/* from_* may not be the same table. sign -1 gives back what was added before: entries without values go, but as long as
 * `other` holds something they stay, so that a key which once was too many is not taken for a new one; they are not
 * shown then. */
void ct_keyed_merge(const struct ct_keyed *keyed, void *entries, uint32_t *count, void *other, const void *from_entries,
                    uint32_t from_count, const void *from_other, int sign);
/* Entry `nth` of those that have values, in order of their keys; NULL = there are no more. */
const void *ct_keyed_shown(const struct ct_keyed *keyed, const void *entries, uint32_t count, size_t nth);

#endif
