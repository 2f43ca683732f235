/* pending.h - cases whose window has not passed: how many, and when the last of them settles. All zero bytes = none. */
#ifndef CT_PENDING_H
#define CT_PENDING_H

#include "engine/ct.h"

struct ct_pending {
    uint64_t cases;
    ct_usec last; /* only where cases > 0 */
};
static inline void ct_pending_add(struct ct_pending *pending, ct_usec settles_at)
{
    pending->last = pending->cases == 0 || settles_at > pending->last ? settles_at : pending->last;
    pending->cases++;
}
/* sign as struct ct_metric's. `last` cannot shrink when the last one is given back: it is then too late rather than too
 * early, until none is left. */
static inline void ct_pending_merge(struct ct_pending *pending, const struct ct_pending *other, int sign)
{
    if (other->cases == 0) {
        return;
    }
    if (sign > 0) {
        pending->last = pending->cases == 0 || other->last > pending->last ? other->last : pending->last;
        pending->cases += other->cases;
    } else {
        pending->cases -= other->cases;
        pending->last = pending->cases ? pending->last : 0;
    }
}

#endif
