/* outbox.h - messages that wait to be delivered: each tried until the receiver takes it, or for a week. Kept over a
 * restart (alarm_file.h). One thread at a time.
 */
#ifndef CT_OUTBOX_H
#define CT_OUTBOX_H

#include "plugin/gate/courier.h"

#define CT_OUTBOX_MAX 1000 /* messages; then the oldest goes, and is counted */
#define CT_OUTBOX_AGE_MAX (7 * CT_USEC_PER_DAY)
#define CT_OUTBOX_ID_BYTES 65

struct ct_letter {
    char id[CT_OUTBOX_ID_BYTES];
    char *body; /* heap */
    size_t len;
    ct_usec written_at;
    uint32_t attempts;
    ct_usec next_at; /* 0 = at once; not kept */
};

struct ct_outbox {             /* all zero = empty */
    struct ct_letter *letters; /* in the order in which they were written */
    size_t count, capacity;
    uint64_t delivered, failed; /* messages; attempts */
    uint64_t given_up, dropped; /* too old; too many waited */
    ct_usec quiet_until;        /* nobody was there: nobody is asked before. Not kept */
    bool changed;               /* since somebody set it to false */
};
void ct_outbox_done(struct ct_outbox *outbox);
/* Copied. An id that waits already is not put again. CT_NO_MEMORY. */
enum ct_status ct_outbox_put(struct ct_outbox *outbox, const char *id, ct_span body, ct_usec now) CT_MUST_USE;
/* All of them are due at once: what kept them from being taken may have gone. */
void ct_outbox_hurry(struct ct_outbox *outbox);
/* When the next one is due; CT_USEC_NONE = none waits. */
ct_usec ct_outbox_due(const struct ct_outbox *outbox);
/* Tries the first that is due, if any is. true = it tried. `log` (may be NULL) gets a logfmt line of what failed. */
bool ct_outbox_try(struct ct_outbox *outbox, struct ct_courier *courier, ct_usec (*now)(void), uint32_t random,
                   void (*log)(void *context, const char *line), void *log_context);

#endif
