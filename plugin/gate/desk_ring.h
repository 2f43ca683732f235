/* desk_ring.h - the newest conversations as they are told to the feed's clients: bounded, the oldest goes first. Locked
 * by its owner. */
#ifndef CT_DESK_RING_H
#define CT_DESK_RING_H

#include "plugin/gate/desk_summary.h"

#define CT_RING_ENTRIES 4096
#define CT_RING_BYTES ((size_t)8 << 20)
#define CT_RING_CHANNEL 64

/* A conversation is kept as its record: most are told to nobody, so what is told is written for who gets it. */
struct ct_ring_entry {
    void *bytes; /* of a conversation a struct ct_record, else a whole message of the feed; NULL = memory was short */
    size_t len;
    const char *change; /* of a conversation: "new", "revised", "withdrawn"; else NULL */
    struct ct_summary_state state;
    uint64_t channel; /* ct_hash of it */
    bool everybody;   /* whatever channel they look at */
    ct_usec published_at;
};
struct ct_ring {
    struct ct_ring_entry entries[CT_RING_ENTRIES];
    uint64_t first, next; /* numbers of the oldest and of the one to come */
    size_t bytes;
};
void ct_ring_done(struct ct_ring *ring);
/* Takes the entry's bytes over (heap). One that is larger than the whole ring is freed and counts as gone. */
void ct_ring_put(struct ct_ring *ring, const struct ct_ring_entry *entry);
/* NULL = gone, or not yet there. Valid until the next put. */
const struct ct_ring_entry *ct_ring_at(const struct ct_ring *ring, uint64_t number);

#endif
