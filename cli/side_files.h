/* side_files.h - files that a subcommand writes beside its standard output: checked before the work, placed all or none
 * after it. Used by `convtap kpis compare` and `convtap kpis invoice`.
 */
#ifndef CT_SIDE_FILES_H
#define CT_SIDE_FILES_H

#include "cli/input.h"
#include "cli/options.h"
#include "cli/result_file.h"

struct ct_side_file {
    const char *option; /* "csv" */
    const char *path;   /* NULL = not asked for; "-" standard output */
    struct ct_result_file result;
};
/* Can each be written, does none replace an input or another one, do no two want standard output? `taken`: the option
 * that has standard output already; NULL = none. `input`: one more file that is read, NULL = none. -1, or the exit
 * status (said). */
int ct_side_files_check(const struct ct_command *command, const struct ct_side_file *files, size_t count,
                        const char *taken, const struct ct_input_list *inputs, const char *input) CT_MUST_USE;
CT_MUST_USE bool ct_side_files_on_stdout(const struct ct_side_file *files, size_t count);
/* Opens those that were asked for. */
enum ct_status ct_side_files_open(struct ct_side_file *files, size_t count, struct ct_error *err) CT_MUST_USE;
/* Closes them and moves them to their places. */
enum ct_status ct_side_files_place(struct ct_side_file *files, size_t count, struct ct_error *err) CT_MUST_USE;
/* What was not placed goes. */
void ct_side_files_drop(struct ct_side_file *files, size_t count);

#endif
