/* desk_ring.c - the newest conversations; see desk_ring.h. Called by desk_feed.c. */
#include "plugin/gate/desk_ring.h"

#include <stdlib.h>

static void drop_oldest(struct ct_ring *ring)
{
    struct ct_ring_entry *entry = &ring->entries[ring->first++ % CT_RING_ENTRIES];
    ring->bytes -= entry->len;
    free(entry->bytes);
    entry->bytes = NULL;
}

void ct_ring_done(struct ct_ring *ring)
{
    while (ring->first < ring->next) {
        drop_oldest(ring);
    }
}

void ct_ring_put(struct ct_ring *ring, const struct ct_ring_entry *entry)
{
    while (ring->first < ring->next &&
           (ring->next - ring->first == CT_RING_ENTRIES || ring->bytes + entry->len > CT_RING_BYTES)) {
        drop_oldest(ring);
    }
    ring->entries[ring->next++ % CT_RING_ENTRIES] = *entry;
    ring->bytes += entry->len;
    if (ring->bytes > CT_RING_BYTES) {
        drop_oldest(ring);
    }
}

const struct ct_ring_entry *ct_ring_at(const struct ct_ring *ring, uint64_t number)
{
    return number >= ring->first && number < ring->next ? &ring->entries[number % CT_RING_ENTRIES] : NULL;
}
