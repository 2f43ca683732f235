/* session.h - what audit and explain set up in the same way: rules, inputs, format, cost model. */
#ifndef CT_SESSION_H
#define CT_SESSION_H

#include "cli/batch.h"
#include "cli/config.h"
#include "engine/cost.h"

struct ct_session {
    struct ct_ruleset *rules;
    struct ct_cost_model *cost;
    struct ct_input_list inputs;
    struct ct_batch_options batch;
    struct ct_config config; /* the options of the command line are rows of settings.h */
};
/* Loads and checks everything; prints what is wrong. Returns -1 to go on, else the exit status. */
int ct_session_open(struct ct_session *session, const struct ct_command *command,
                    const struct ct_session_arguments *arguments, char *const *paths, size_t path_count);
void ct_session_close(struct ct_session *session);

/* Says why a run over the inputs ended early. Returns the exit status. */
int ct_session_fail(const struct ct_command *command, enum ct_status status, const struct ct_error *err);
/* Names every refusal on standard error (at most `most` of them, then how many more). */
void ct_session_report(const struct ct_batch_result *result, size_t most);

#endif
