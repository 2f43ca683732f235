/* record_sink.h - published records into the store, with what each adds to the hour's sums, and business events: the
 * one way that the live tap and `convtap replay` share.
 */
#ifndef CT_RECORD_SINK_H
#define CT_RECORD_SINK_H

#include "engine/pipeline.h"
#include "sinks/store.h"

struct ct_record_sink;
/* The store is made where it is missing; statuses are ct_store_open's. */
enum ct_status ct_record_sink_open(const char *path, struct ct_record_sink **out, struct ct_error *err) CT_MUST_USE;
/* Waits in the open group until ct_record_sink_commit. After a status other than CT_OK the group is gone and the sink
 * can only be closed: what was not committed has to be published again. */
enum ct_status ct_record_sink_publish(struct ct_record_sink *sink, const struct ct_published *published,
                                      struct ct_error *err) CT_MUST_USE;
/* A business event, in the same group; as ct_store_put_business. */
enum ct_status ct_record_sink_business(struct ct_record_sink *sink, const struct ct_business *event,
                                       struct ct_error *err) CT_MUST_USE;
/* As ct_store_commit. */
enum ct_status ct_record_sink_commit(struct ct_record_sink *sink, uint64_t applied, bool durable,
                                     struct ct_error *err) CT_MUST_USE;
uint64_t ct_record_sink_waiting(const struct ct_record_sink *sink);
struct ct_store *ct_record_sink_store(struct ct_record_sink *sink); /* to read from, on the same thread */
void ct_record_sink_close(struct ct_record_sink *sink);             /* does not commit; NULL allowed */

#endif
