/* refs.h - a small table of references on the stack of a fold: when what a reference names was answered or resolved.
 *
 * A customer's events are gone through from the newest back: an answer puts its time in, the thing that it answers
 * finds it. References are known by their hash. Of more than CT_REFS_MAX no further one is kept, and what it names
 * counts as not answered: a bound that hangs on nothing but the order of the events, which is always theirs. Called by
 * feedback.c and complaint.c.
 */
#ifndef CT_REFS_H
#define CT_REFS_H

#include "engine/business.h"

enum { CT_REFS_MAX = 512 };

struct ct_refs {
    uint32_t count;
    bool ready; /* zeroed: only for customers that have such events */
    struct {
        uint64_t ref; /* 0 = free */
        ct_usec at;
    } slot[2 * CT_REFS_MAX];
};

static inline void ct_refs_init(struct ct_refs *refs)
{
    refs->count = 0;
    refs->ready = false;
}
static inline size_t ct_refs_place(const struct ct_refs *refs, uint64_t ref)
{
    size_t at = (size_t)(ref >> 32) % (2 * CT_REFS_MAX);
    while (refs->slot[at].ref && refs->slot[at].ref != ref) {
        at = (at + 1) % (2 * CT_REFS_MAX);
    }
    return at;
}
static inline uint64_t ct_refs_of(ct_span ref)
{
    return ct_hash(ref, 0x4EF5) | 1; /* never 0 */
}
/* The time of an event's reference; an earlier one takes the place of a later one. */
static inline void ct_refs_put(struct ct_refs *refs, ct_span ref, ct_usec time)
{
    if (!ref.len) {
        return;
    }
    if (!refs->ready) {
        memset(refs->slot, 0, sizeof refs->slot);
        refs->ready = true;
    }
    size_t at = ct_refs_place(refs, ct_refs_of(ref));
    if (!refs->slot[at].ref) {
        if (refs->count == CT_REFS_MAX) {
            return;
        }
        refs->count++;
        refs->slot[at].ref = ct_refs_of(ref);
    }
    refs->slot[at].at = time;
}
/* CT_USEC_NONE = not answered, or without a reference. */
static inline ct_usec ct_refs_find(const struct ct_refs *refs, ct_span ref)
{
    if (!ref.len || !refs->ready) {
        return CT_USEC_NONE;
    }
    size_t at = ct_refs_place(refs, ct_refs_of(ref));
    return refs->slot[at].ref ? refs->slot[at].at : CT_USEC_NONE;
}

#endif
