/* names.h - a small set of names on the stack of a fold: which ones have come already.
 *
 * Of events that are told apart by name (products, goals, checklists, modules) the newest of each counts: go through
 * them from the newest back, and take each whose name is new. Names are known by their hash. Of more than CT_NAMES_MAX
 * no further one is new: a bound that does not hang on anything but the order of the events, which is always theirs.
 */
#ifndef CT_NAMES_H
#define CT_NAMES_H

#include "engine/ct.h"

enum { CT_NAMES_MAX = 256 };

struct ct_names {
    uint32_t count;
    uint64_t slot[2 * CT_NAMES_MAX]; /* 0 = free */
};
static inline void ct_names_init(struct ct_names *names)
{
    names->count = 0; /* the slots are cleared for the first name: most sets stay empty */
}
/* Puts it in; true = it is new. The empty name is one, too. */
static inline bool ct_names_new(struct ct_names *names, ct_span name)
{
    uint64_t hash = ct_hash(name, 0x4E4D) | 1; /* never 0 */
    if (names->count == 0) {
        memset(names->slot, 0, sizeof names->slot);
    }
    size_t at = (size_t)(hash >> 32) % (2 * CT_NAMES_MAX);
    while (names->slot[at] && names->slot[at] != hash) {
        at = (at + 1) % (2 * CT_NAMES_MAX);
    }
    if (names->slot[at] || names->count == CT_NAMES_MAX) {
        return false;
    }
    names->slot[at] = hash;
    names->count++;
    return true;
}

#endif
