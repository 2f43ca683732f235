/* findings.h - what a batch counted, as figures: of the period, of its slices, and against the other period. */
#ifndef CT_CLI_FINDINGS_H
#define CT_CLI_FINDINGS_H

#include "cli/batch.h"
#include "cli/config.h"
#include "engine/quality.h"

struct ct_made_findings {
    struct ct_findings findings; /* borrows from the result and the configuration */
    struct ct_block before;
    struct ct_block *slices, *slices_before;
    size_t slice_count, slice_before_count;
    struct ct_made_also { /* slices by the batch's other fields, for alarms */
        struct ct_block *slices;
        size_t count;
    } also[CT_BATCH_ALSO_MAX];
    char group_by[CT_SLICE_BY_BYTES];
    const char **where;
    struct ct_quality_findings quality;
};
/* *made must not be moved afterwards, and is done with in any case. CT_NO_MEMORY. */
enum ct_status ct_findings_make(struct ct_made_findings *made, const struct ct_config *config, const char *rules_hash,
                                const struct ct_batch_result *result) CT_MUST_USE;
void ct_findings_done(struct ct_made_findings *made);

#endif
