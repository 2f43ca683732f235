/* record_sink.c - what was published, into the store. See record_sink.h. Called by the tap's thread (judge.c) and by
 * `convtap replay`.
 */
#include "plugin/tap/record_sink.h"

#include <stdlib.h>

#include "metrics/sums.h"

struct ct_record_sink {
    struct ct_store *store;
    struct ct_sums *scratch;
    struct ct_store_sum *sums;
    size_t room;
};

enum ct_status ct_record_sink_open(const char *path, struct ct_record_sink **out, struct ct_error *err)
{
    struct ct_record_sink *sink = calloc(1, sizeof *sink);
    *out = NULL;
    if (!sink || !(sink->scratch = ct_sums_new())) {
        free(sink);
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    enum ct_status status = ct_store_open(path, CT_STORE_WRITE, &sink->store, err);
    if (status != CT_OK) {
        sink->store = NULL;
        ct_record_sink_close(sink);
        return status;
    }
    *out = sink;
    return CT_OK;
}

void ct_record_sink_close(struct ct_record_sink *sink)
{
    if (sink) {
        ct_store_close(sink->store);
        ct_sums_free(sink->scratch);
        free(sink->sums);
        free(sink);
    }
}

/* The record's sums as the store wants them; a store knows nothing of metrics. */
static enum ct_status read_sums(struct ct_record_sink *sink, const struct ct_record *record, size_t *count)
{
    const struct ct_sum *from;
    enum ct_status status = ct_sums_of(sink->scratch, record, &from, count);
    if (status == CT_OK && *count > sink->room) {
        struct ct_store_sum *sums = realloc(sink->sums, *count * sizeof *sums);
        if (!sums) {
            return CT_NO_MEMORY;
        }
        sink->sums = sums;
        sink->room = *count;
    }
    for (size_t i = 0; status == CT_OK && i < *count; i++) {
        sink->sums[i] = (struct ct_store_sum){from[i].measure, from[i].value};
    }
    return status;
}

enum ct_status ct_record_sink_publish(struct ct_record_sink *sink, const struct ct_published *published,
                                      struct ct_error *err)
{
    size_t count = 0;
    enum ct_status status = published->record ? read_sums(sink, published->record, &count) : CT_OK;
    if (status != CT_OK) {
        return ct_error_set(err, status, "%s", ct_status_text(status));
    }
    const struct ct_store_put row = {.record = published->record,
                                     .key_of = published->replaced,
                                     .rules = published->setup->rules,
                                     .revision = published->revision,
                                     .final = published->final,
                                     .first_published_at = published->first_published_at,
                                     .published_at = published->published_at,
                                     .first_position = published->first_position,
                                     .last_position = published->last_position,
                                     .sums = sink->sums,
                                     .sum_count = count};
    return ct_store_put(sink->store, &row, err);
}

enum ct_status ct_record_sink_business(struct ct_record_sink *sink, const struct ct_business *event,
                                       struct ct_error *err)
{
    return ct_store_put_business(sink->store, event, err);
}

enum ct_status ct_record_sink_commit(struct ct_record_sink *sink, uint64_t applied, bool durable, struct ct_error *err)
{
    return ct_store_commit(sink->store, applied, durable, err);
}

uint64_t ct_record_sink_waiting(const struct ct_record_sink *sink)
{
    return ct_store_waiting(sink->store);
}

struct ct_store *ct_record_sink_store(struct ct_record_sink *sink)
{
    return sink->store;
}
