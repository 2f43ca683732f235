/* conversation.h - one conversation, from its first message to its record.
 *
 * The caller appends messages in event order (time, then source position). Each append matches the rules,
 * interprets events, context, value, count and repeat rules, and copies the few facts that the record needs;
 * texts are not kept. Closing decides the one outcome (docs/outcomes.md) and makes the record. A pure function
 * of what was appended, the rule set and the options.
 */
#ifndef CT_CONVERSATION_H
#define CT_CONVERSATION_H

#include "engine/match.h"
#include "engine/record.h"

struct ct_cost_model; /* cost.h */

/* Does the bot's word that a person is coming count as a handoff? */
enum ct_announced {
    CT_ANNOUNCED_AUTO,   /* where the conversation shows no platform fact (tool call, handoff event) at all */
    CT_ANNOUNCED_ALWAYS, /* also where it does */
    CT_ANNOUNCED_NEVER
};

struct ct_conversation_options {
    ct_usec idle_cap_usec; /* handling time: a customer's silence beyond this is not counted (default 30 min) */
    const struct ct_cost_model *cost; /* NULL = only what the source says */
    enum ct_announced announced;
    bool drop_evidence;  /* leave signals and evidence out of the record: nobody will read them */
    bool keep_comments;  /* put the open answer beside a score into the record */
    bool keep_questions; /* put the content words of the customer's first question into the record */
};

struct ct_conversation;
/* Reusable: one a thread. The ruleset must outlive it. */
struct ct_conversation *ct_conversation_new(const struct ct_ruleset *rules, struct ct_matcher *matcher,
                                            const struct ct_conversation_options *options);
void ct_conversation_free(struct ct_conversation *conversation);
/* Forgets the last conversation and begins another. `session` 1, 2, ... */
void ct_conversation_begin(struct ct_conversation *conversation, uint32_t session);
/* In event order. CT_LIMIT: more than 100,000 messages, or a million pieces of evidence; the conversation stays as it
 * is and can be closed. CT_NO_MEMORY: it cannot. A duplicate (same native id, or same
 * time, role and text as a message before it) is left out: *duplicate (may be NULL) says so. */
enum ct_status ct_conversation_append(struct ct_conversation *conversation, const struct ct_message *message,
                                      bool *duplicate) CT_MUST_USE;
/* Has a person been asked for, announced or joined? Silence then means waiting, and cuts later. */
bool ct_conversation_person_expected(const struct ct_conversation *conversation);
/* Does a survey wait for its answer? What comes after a close then still belongs to this conversation. */
bool ct_conversation_survey_open(const struct ct_conversation *conversation);
/* Is this message, which may come long after the last one, the answer to a survey that still waits: a score of its
 * scale, in the survey's own time? Runs the matcher; appends nothing. */
bool ct_conversation_answers_survey(struct ct_conversation *conversation, const struct ct_message *message);
/* Is it a copy of a message that was appended? */
bool ct_conversation_knows(const struct ct_conversation *conversation, const struct ct_message *message);
/* The record, borrowed until the next begin. NULL = out of memory. */
const struct ct_record *ct_conversation_close(struct ct_conversation *conversation);

#endif
