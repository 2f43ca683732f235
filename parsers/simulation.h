/* simulation.h - what the two tau-bench formats share: a run's messages, its marks, its reward.
 *
 * A customer played by a language model talks to the bot under test. The run's messages are OpenAI-like
 * (tool calls under "function") in tau-bench and flat in tau2; both shapes are read by the same code.
 * Used by tau.c and tau2.c.
 */
#ifndef CT_SIMULATION_H
#define CT_SIMULATION_H

#include "parsers/json_reader.h"

struct ct_simulation {
    ct_span conversation_id; /* not empty */
    ct_span user_id;
    ct_span reward;               /* number as written; empty = none */
    ct_span agent_cost;           /* USD as written, used where no message has a cost; empty = none */
    struct ct_json_mark messages; /* before the array, which was passed over as valid JSON */
    const char *messages_key;     /* its name, for refusals */
};

/* Emits the messages in order, then the labels "resolved" (true where the reward is 1 within 1e-6, as
 * tau-bench counts successes) and "reward", then the end of the conversation. System messages are the
 * policy prompt and are left out, and so are the simulated user's own tool calls with their results; the
 * simulator's marks (###STOP### and the like) are taken out of the texts. */
enum ct_status ct_simulation_emit(struct ct_json *json, const struct ct_frame *frame,
                                  const struct ct_simulation *simulation, const struct ct_parse_out *out) CT_MUST_USE;

/* Hands the reader's failure to out->refuse and answers CT_OK; or the status that is no refusal. */
enum ct_status ct_simulation_refuse(const struct ct_json *json, const struct ct_frame *frame,
                                    const struct ct_parse_out *out) CT_MUST_USE;

/* "a/b/c" in the reader's scratch; an empty part is left out with its slash. Empty = out of memory. */
ct_span ct_simulation_id(struct ct_json *json, ct_span a, ct_span b, ct_span c);

/* State of both parsers: the name of the source, copied. */
void *ct_simulation_open(const struct ct_parser_config *config, struct ct_error *err);
void ct_simulation_close(void *state);

#endif
