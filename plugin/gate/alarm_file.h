/* alarm_file.h - what is kept of alarms between evaluations, in one file: the book, and the messages that wait. Two
 * lines of JSON: what it is with a checksum of the second, and the rest. Used by audits and by the desk.
 */
#ifndef CT_ALARM_FILE_H
#define CT_ALARM_FILE_H

#include "metrics/alarm.h"
#include "plugin/gate/outbox.h"

#define CT_ALARM_FILE_BYTES_MAX ((size_t)64 << 20)

struct ct_alarm_kept { /* all zero = empty */
    struct ct_alarm_book book;
    struct ct_outbox outbox;
};
void ct_alarm_kept_done(struct ct_alarm_kept *kept);

/* Into an empty one. CT_NOT_FOUND: there is no such file. CT_REFUSED: damaged, or none of ours; *err says which and
 * what to do. CT_IO, CT_NO_MEMORY. Whatever comes back, ct_alarm_kept_done may follow. */
enum ct_status ct_alarm_file_read(const char *path, struct ct_alarm_kept *kept, struct ct_error *err) CT_MUST_USE;
/* Whole or not at all: beside it, synced, and moved there; 0600. CT_IO, CT_NO_MEMORY. */
enum ct_status ct_alarm_file_write(const char *path, const struct ct_alarm_kept *kept,
                                   struct ct_error *err) CT_MUST_USE;
/* The message of an entry that turned, into the outbox. For struct ct_alarm_ear. */
enum ct_status ct_alarm_post(struct ct_outbox *outbox, const struct ct_alarm_entry *entry, ct_usec now) CT_MUST_USE;

#endif
