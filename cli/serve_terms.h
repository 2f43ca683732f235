/* serve_terms.h - a configuration as it was read, with all that is made of it and that a reload replaces beside the
 * setup: the figures' terms, prices shared out by the month, alarms and their receiver. Made whole before anything is
 * replaced, so that what is wrong with it changes nothing.
 */
#ifndef CT_SERVE_TERMS_H
#define CT_SERVE_TERMS_H

#include "cli/quality_inputs.h"
#include "cli/secrets.h"
#include "cli/serve_config.h"
#include "plugin/gate/desk_terms.h"

struct ct_serve_terms {
    struct ct_desk_terms desk; /* first: who lets go of it last frees all of this */
    struct ct_config config;
    struct ct_cost_model *cost; /* whose monthly fees ranges share out */
    struct ct_secrets alarm_secrets;
    struct ct_quality_inputs quality; /* marks and scorecard of ranges, by the rules of this configuration */
};
/* Reads and checks. -1 to go on, else the exit status; what is wrong has been said, and config.first is the first of
 * it. *out NULL = out of memory, else ct_serve_terms_unref in any case. */
int ct_serve_terms_open(const struct ct_command *command, const struct ct_session_arguments *arguments,
                        struct ct_serve_terms **out) CT_MUST_USE;
/* What it comes to: fills `desk`. `zone` is that of the live tap's days, and outlives it. */
enum ct_status ct_serve_terms_settle(struct ct_serve_terms *terms, const struct ct_zone *zone,
                                     struct ct_error *err) CT_MUST_USE;
void ct_serve_terms_unref(struct ct_serve_terms *terms); /* NULL allowed */

#endif
