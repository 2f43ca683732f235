/* quality_inputs.h - human marks and a scorecard, loaded for all that counts with them: a session's batch, a replay,
 * the live tap's ranges.
 */
#ifndef CT_QUALITY_INPUTS_H
#define CT_QUALITY_INPUTS_H

#include "cli/session.h"
#include "metrics/scorecard.h"

struct ct_quality_inputs {
    struct ct_marks *marks;         /* NULL = no labels were given */
    struct ct_scorecard *scorecard; /* NULL = none */
    struct ct_bindings bindings;    /* to the rule sets that it was loaded for */
    uint64_t refused;               /* lines of labels */
    struct ct_drop drops[2];
};
/* Each line of labels that is refused: see struct ct_marks_reading. */
typedef void ct_label_refused(void *context, const char *path, uint64_t line, uint64_t offset, const char *reason,
                              const char *detail);

/* The settings labels and scorecard. Each signal that they name has to be one of one of these rule sets, else the line
 * of labels is refused, and the scorecard is an error; the bindings number them in their order. *inputs must not be
 * moved afterwards; ct_quality_inputs_close may follow in any case. CT_BAD_CONFIG, CT_IO ...: *err. */
enum ct_status ct_quality_inputs_load(struct ct_quality_inputs *inputs, const struct ct_config *config,
                                      struct ct_ruleset *const *rules, size_t rule_count, ct_label_refused *refused,
                                      void *context, struct ct_error *err) CT_MUST_USE;
/* Marks, scorecard and bindings of the terms; they point into *inputs. */
void ct_quality_inputs_terms(const struct ct_quality_inputs *inputs, struct ct_terms *terms);
void ct_quality_inputs_close(struct ct_quality_inputs *inputs);

/* The same of a session's own rules, into its batch: terms, and what is counted by name. Prints what is wrong. -1 to go
 * on, else the exit status. */
int ct_quality_inputs_open(struct ct_quality_inputs *inputs, const struct ct_command *command,
                           struct ct_session *session) CT_MUST_USE;
/* Refused lines on standard error, the first ones and how many more: `context` is a uint64_t that begins with 0. */
ct_label_refused ct_label_refused_print;
void ct_label_refused_rest(uint64_t shown);
/* What was left out of labels, by name and count, on standard error. */
void ct_label_drops_print(const struct ct_batch_result *result);
/* The scorecard that the configuration names; NULL without an error = none. rules NULL = not known yet: its signals may
 * be any. false = *err. */
CT_MUST_USE bool ct_config_scorecard(const struct ct_config *config, const struct ct_ruleset *rules,
                                     struct ct_scorecard **out, struct ct_error *err);

#endif
