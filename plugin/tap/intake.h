/* intake.h - where everything goes that was seen: what the relay, the receivers and the subscriber need of the tap.
 *
 * A table of functions, so that each of them can be tested with an intake of its own. All of it may be called from any
 * thread and never blocks.
 */
#ifndef CT_INTAKE_H
#define CT_INTAKE_H

#include "plugin/tape/tape.h"

struct ct_intake {
    void *context;
    /* As ct_tape_append. Besides: a numbered entry whose sequence its stream has already been taken up to gives CT_OK
     * with *end where the stream stands (nothing is written twice); one that leaves a gap gives CT_USAGE. */
    enum ct_status (*append)(void *context, const struct ct_tape_entry *entry, uint64_t *end);
    /* Everything up to here is safe on the disk. */
    uint64_t (*committed)(void *context);
    /* The number that a stream's next entry must have (1 for one that is new): what a sender resumes from. */
    uint64_t (*next_sequence)(void *context, ct_span source, ct_span stream);
    /* `count` more of something that was seen and not kept, by name; `reason` is a constant. */
    void (*drop)(void *context, const char *reason, uint64_t count);
};

#endif
