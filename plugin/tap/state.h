/* state.h - the state file beside the tape: from where a restart replays, and what it must know besides. Everything in
 * it can be had from the tape, too: without it, or where it is damaged, the whole tape is replayed.
 */
#ifndef CT_STATE_H
#define CT_STATE_H

#include "engine/pipeline.h"
#include "plugin/tap/streams.h"

struct ct_tap_state {
    uint64_t judged;      /* everything before this tape position has been judged and is durable in the store */
    uint64_t replay_from; /* at or before the oldest open conversation's first message; = judged where none is open */
    ct_usec now;          /* the pipeline's time there; CT_USEC_NONE = it had none yet */
    ct_span setup;        /* packed: the one in force at replay_from */
    const struct ct_open_mark *marks;
    size_t mark_count;
};

/* In one piece or not at all (a temporary file, fsync, rename). CT_IO, CT_NO_MEMORY. */
enum ct_status ct_tap_state_write(const char *folder, const struct ct_tap_state *state,
                                  const struct ct_streams *streams, struct ct_error *err) CT_MUST_USE;
/* *memory is the heap block that `state` points into: free() it. Streams are added (NULL: nobody asks for them).
 * CT_NOT_FOUND: there is none; CT_REFUSED: damaged or of another version. */
enum ct_status ct_tap_state_read(const char *folder, struct ct_tap_state *state, struct ct_streams *streams,
                                 void **memory, struct ct_error *err) CT_MUST_USE;

#endif
