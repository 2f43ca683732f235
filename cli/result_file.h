/* result_file.h - files that a run writes, all or none: each is written beside its place and moved there when all are
 * whole. Used by `convtap audit`.
 */
#ifndef CT_RESULT_FILE_H
#define CT_RESULT_FILE_H

#include <stdio.h>

#include "engine/ct.h"

/* Zeroed = not used. */
struct ct_result_file {
    FILE *file;  /* to write to; NULL = closed */
    char *place; /* where it will stand, links followed; NULL = written in place: standard output, a device, a pipe */
    char *temporary; /* where it stands until then */
};

/* Before the work is done: could it be written? CT_IO: *err says why not. */
enum ct_status ct_result_probe(const char *path, struct ct_error *err) CT_MUST_USE;
/* A device or a pipe: it is written to as it is, and several results may go there. */
CT_MUST_USE bool ct_result_is_sink(const char *path);
/* Are the two the same existing file? */
CT_MUST_USE bool ct_result_same(const char *path, const char *other);

/* "-" is standard output. CT_IO, CT_NO_MEMORY. */
enum ct_status ct_result_open(struct ct_result_file *result, const char *path, struct ct_error *err) CT_MUST_USE;
/* What was written is handed to the system and the file closed (standard output is only flushed). */
enum ct_status ct_result_close(struct ct_result_file *result, const char *path, struct ct_error *err) CT_MUST_USE;
/* Moves a closed file to its place. */
enum ct_status ct_result_place(struct ct_result_file *result, const char *path, struct ct_error *err) CT_MUST_USE;
/* Closes what is open, removes what was not placed. */
void ct_result_drop(struct ct_result_file *result);

#endif
