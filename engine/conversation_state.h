/* conversation_state.h - what an open conversation remembers; shared by conversation.c (append, rules),
 * outcome.c (the decision) and record.c (the flat record). Private to the engine.
 */
#ifndef CT_CONVERSATION_STATE_H
#define CT_CONVERSATION_STATE_H

#include "engine/conversation.h"
#include "engine/cost.h"
#include "engine/score.h"

#define CT_CONVERSATION_MESSAGES_MAX 100000u
#define CT_CONVERSATION_EVIDENCE_MAX 1000000u
/* Beyond which no message is taken; what one message adds (each rule once, and the facts) always fits above it. */
#define CT_CONVERSATION_EVIDENCE_ROOM (CT_CONVERSATION_EVIDENCE_MAX + 65536u + 64u)
#define CT_NO_INDEX UINT32_MAX

/* One message, remembered without its text. */
struct ct_fact {
    ct_usec ts;
    uint8_t role;
    bool content;            /* carries something a person can read: text, or media */
    bool answer;             /* the first content of the bot after a customer's message */
    uint32_t turn;           /* user turns so far (consecutive customer messages are one turn), counting this one */
    uint32_t evidence_begin; /* index of its first evidence (before sorting) */
};

/* Where a signal that some rule waits for was last seen. */
struct ct_seen {
    uint32_t evidence; /* CT_NO_INDEX = never (or consumed) */
    uint32_t message;
    uint32_t turn;
    ct_usec ts;
};

struct ct_vector { /* a growing array, kept from one conversation to the next */
    void *at;
    uint32_t count, capacity;
};

struct ct_conversation {
    const struct ct_ruleset *rules;
    struct ct_matcher *matcher;
    struct ct_conversation_options options;

    /* of the rule set, worked out once */
    struct ct_seen *seen; /* by signal */
    uint8_t *asked_in;    /* by signal: bit 0 = some context rule waits under it, bit 1 = some value rule */
    uint32_t context_begin, context_end, value_begin, value_end, count_begin, count_end, repeat_begin, repeat_end,
        event_begin, event_end;            /* ranges of rules by kind */
    uint16_t score_signal[CT_SCORE_COUNT]; /* emitted by the kind's value rule; UINT16_MAX = none */

    struct ct_arena arena; /* texts of this conversation */
    uint32_t session;
    ct_span text[CT_TEXT_COUNT];
    struct ct_vector facts;     /* struct ct_fact */
    struct ct_vector evidence;  /* struct ct_evidence */
    struct ct_vector tokens;    /* struct ct_repeat_entry: of recent customer messages */
    struct ct_vector responses; /* ct_usec */
    struct ct_vector sent;      /* struct ct_cost_sent */
    uint64_t *known;            /* open-addressed set of message keys; 0 = free */
    uint32_t known_capacity, known_count;
    uint32_t *language_counts; /* by pack */
    uint32_t language_texts;   /* customer messages looked at */
    uint64_t content_hash;
    uint64_t id_hash, user_hash, tenant_hash; /* of the whole texts; what is kept of them may be cut */
    uint32_t turn;
    uint8_t last_speaker;                      /* role of the last user, bot or agent message */
    uint32_t context_question, value_question; /* message index of the newest standing question; CT_NO_INDEX */
    ct_usec pending_since;                     /* time of the newest unanswered customer message; NONE */
    bool pending;                              /* a customer message waits for an answer */
    uint32_t pending_count;
    uint32_t open_comments;   /* of head.comments, those after which nobody has written yet */
    struct ct_folder *folder; /* for the first question; NULL until one is looked for */
    bool facts_seen;          /* the source shows platform facts here: tool calls or handoff events */
    bool person_expected;     /* asked for, announced, or there */
    bool untimed;             /* a message of user, bot or agent had no time */
    struct ct_record head;    /* counters kept while appending */
    struct ct_cost_sum cost;
    bool failed; /* out of memory: close returns NULL */

    char *record; /* the closed record */
    size_t record_capacity;
};

struct ct_repeat_entry {
    uint32_t message;
    struct ct_tokens_set tokens;
};

static inline struct ct_fact *ct_facts(const struct ct_conversation *c)
{
    return c->facts.at;
}
static inline struct ct_evidence *ct_evidence_of(const struct ct_conversation *c)
{
    return c->evidence.at;
}
static inline enum ct_meaning ct_means(const struct ct_conversation *c, const struct ct_evidence *e)
{
    return c->rules->signals[e->signal].means;
}

/* From `from` to `to`, at the limit where 64 bits are too few: a hostile time is no overflow. */
static inline ct_usec ct_usec_between(ct_usec from, ct_usec to)
{
    ct_usec gap;
    return __builtin_sub_overflow(to, from, &gap) ? (to > from ? INT64_MAX : -INT64_MAX) : gap;
}

/* Room for one more element of `size` bytes; NULL = out of memory or past `max` elements. */
void *ct_vector_push(struct ct_vector *vector, size_t size, uint32_t max);

/* interpret.c: runs the rules on the message that was just added to the facts. */
void ct_interpret(struct ct_conversation *c, const struct ct_message *m);

/* outcome.c: what the evidence adds up to. `decided` and `beaten` point into arrays of at most these sizes. */
struct ct_verdict {
    uint32_t decided[4];
    uint32_t decided_count;
    struct ct_beaten beaten[CT_OUTCOME_COUNT];
    uint32_t beaten_count;
};
/* Fills the outcome part of c->head. Evidence must be sorted. */
void ct_outcome_decide(struct ct_conversation *c, struct ct_verdict *verdict);

/* conversation.c: an open answer of the customer. */
void ct_conversation_comment(struct ct_conversation *c, ct_span text);

/* tally.c: what c->head counts of signals. */
void ct_tally(struct ct_conversation *c);

/* topic.c: CT_TEXT_TOPIC and CT_TEXT_TOPICS out of the sorted evidence. */
void ct_topics_settle(struct ct_conversation *c);
/* question.c: CT_TEXT_QUESTION, if this message of the customer, whose rules were just run, is the one. */
void ct_question_take(struct ct_conversation *c, const struct ct_message *m);

/* record.c: sorts nothing, only lays out. NULL = out of memory. */
const struct ct_record *ct_record_build(struct ct_conversation *c, const struct ct_verdict *verdict);

#endif
