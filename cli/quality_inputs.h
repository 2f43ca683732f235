/* quality_inputs.h - human marks and a scorecard, loaded for the subcommands that count with them. */
#ifndef CT_QUALITY_INPUTS_H
#define CT_QUALITY_INPUTS_H

#include "cli/session.h"
#include "metrics/scorecard.h"

struct ct_quality_inputs {
    struct ct_marks *marks;         /* NULL = no labels were given */
    struct ct_scorecard *scorecard; /* NULL = none */
    uint64_t refused;               /* lines of labels; said on standard error */
    struct ct_drop drops[2];
};
/* The settings labels and scorecard, into the session's batch: terms, and what is counted by name. Prints what is
 * wrong. -1 to go on, else the exit status. ct_quality_inputs_close may follow in any case. */
int ct_quality_inputs_open(struct ct_quality_inputs *inputs, const struct ct_command *command,
                           struct ct_session *session) CT_MUST_USE;
void ct_quality_inputs_close(struct ct_quality_inputs *inputs);
/* The scorecard that the configuration names; NULL without an error = none. false = *err. */
CT_MUST_USE bool ct_config_scorecard(const struct ct_config *config, const struct ct_ruleset *rules,
                                     struct ct_scorecard **out, struct ct_error *err);

#endif
