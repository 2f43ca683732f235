/* themes.h - what a batch put down about themes, sorted and read: for `convtap feedback`, and for audit's JSON and
 * report.
 */
#ifndef CT_CLI_THEMES_H
#define CT_CLI_THEMES_H

#include "cli/batch.h"
#include "cli/config.h"

struct ct_made_themes {
    struct ct_feedback_findings findings; /* borrows from the reader and the configuration */
    struct ct_themes_reader *reader;
    char group_by[CT_SLICE_BY_BYTES];
};
/* Before the run: that themes are written down, and with what. `quotes`: words of customers are wanted. CT_NO_MEMORY.
 */
enum ct_status ct_made_themes_begin(struct ct_batch_options *batch, const struct ct_config *config,
                                    bool quotes) CT_MUST_USE;
/* After it. *made must not be moved, and is done with in any case. */
enum ct_status ct_made_themes_read(struct ct_made_themes *made, const struct ct_batch_options *batch,
                                   const struct ct_batch_result *result, struct ct_error *err) CT_MUST_USE;
void ct_made_themes_done(struct ct_made_themes *made);

#endif
