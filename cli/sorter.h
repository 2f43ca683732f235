/* sorter.h - lines put in any order by any number of threads, given back sorted, whatever their number.
 *
 * Each thread's lines are sorted in runs of a few megabytes and written to one unlinked temporary file; the end merges
 * the runs. Order: key, then line bytes by memcmp up to the first difference of `tie`, so the result does not depend on
 * who put what when.
 */
#ifndef CT_SORTER_H
#define CT_SORTER_H

#include "engine/ct.h"

struct ct_sorter;
struct ct_sorter *ct_sorter_new(size_t run_bytes); /* 0 = 4 MiB a thread */
void ct_sorter_free(struct ct_sorter *sorter);

struct ct_sorter_run;
struct ct_sorter_run *ct_sorter_run_new(struct ct_sorter *sorter);
enum ct_status ct_sorter_put(struct ct_sorter_run *run, int64_t key, ct_span tie, ct_span line,
                             struct ct_error *err) CT_MUST_USE;
enum ct_status ct_sorter_run_done(struct ct_sorter_run *run, struct ct_error *err) CT_MUST_USE;

/* Hands every line to `write` in order. CT_IO where write says false or the temporary file fails. */
enum ct_status ct_sorter_merge(struct ct_sorter *sorter, bool (*write)(void *context, const char *bytes, size_t len),
                               void *context, struct ct_error *err) CT_MUST_USE;

#endif
