/* held.h - bytes of a message that has not come whole yet: a buffer with a maximum, allocated when the first byte
 * comes. */
#ifndef CT_HELD_H
#define CT_HELD_H

#include "engine/ct.h"

struct ct_held {
    char *at; /* NULL while nothing is held */
    size_t len, room;
};

/* Adds `bytes`, so that at most `max` are held. CT_LIMIT: they would be more; CT_NO_MEMORY. Neither adds any. */
enum ct_status ct_held_add(struct ct_held *held, ct_span bytes, size_t max) CT_MUST_USE;
/* Room for `more` bytes behind held->len, within `max`. The caller writes there and raises held->len. */
enum ct_status ct_held_reserve(struct ct_held *held, size_t more, size_t max) CT_MUST_USE;
void ct_held_done(struct ct_held *held); /* frees; held is empty and can be used again */
static inline ct_span ct_held_span(const struct ct_held *held)
{
    return (ct_span){held->at, held->len};
}

#endif
