/* audit_db.h - `convtap audit --db FILE`: the records and business events of a batch into a store, the same rows
 * whatever the threads and the order of the files.
 */
#ifndef CT_AUDIT_DB_H
#define CT_AUDIT_DB_H

#include "cli/batch.h"

struct ct_audit_db;
/* Before anything is read. Statuses of ct_store_open. */
enum ct_status ct_audit_db_open(const char *path, struct ct_audit_db **out, struct ct_error *err) CT_MUST_USE;
/* For ct_batch_options.db, with the ct_audit_db as context: keeps a copy until ct_audit_db_write. One call at a time.
 */
enum ct_status ct_audit_db_keep(void *context, const struct ct_record *record, struct ct_error *err) CT_MUST_USE;
/* The same for a business event. */
enum ct_status ct_audit_db_keep_event(void *context, const struct ct_business *event, struct ct_error *err) CT_MUST_USE;
/* All that was kept, in one order. There is no clock here: a conversation was published when it ended, one without
 * times at `as_of`. *twins = versions of one conversation that began at one moment, of which only the longest is
 * stored. */
enum ct_status ct_audit_db_write(struct ct_audit_db *db, const struct ct_ruleset *rules, ct_usec as_of, uint64_t *twins,
                                 struct ct_error *err) CT_MUST_USE;
void ct_audit_db_close(struct ct_audit_db *db); /* NULL allowed */

#endif
