/* scorecard.h - what makes a good conversation, as weighted criteria: each a rule over the record, a person's mark, or
 * both (then the mark goes first). Read from YAML (docs/quality.md), immutable, read by metrics through struct
 * ct_terms.
 */
#ifndef CT_SCORECARD_H
#define CT_SCORECARD_H

#include "engine/rules.h"
#include "metrics/bindings.h"
#include "metrics/marks.h"

#define CT_CRITERIA_MAX 24
#define CT_CRITERION_WEIGHT_MAX 1000
#define CT_SCORECARD_BYTES_MAX ((size_t)1 << 20)
#define CT_CRITERION_ONE 1000000 /* a criterion fulfilled: scores are millionths */

/* What a condition looks at: X(NAME, key). */
#define CT_CHECK_FLAG_MAP(X)                                                                                           \
    X(RESOLVED, "resolved")                                                                                            \
    X(ESCALATED, "escalated")                                                                                          \
    X(REQUESTED, "requested") /* the customer asked for a person */                                                    \
    X(FAILED, "handoff_failed")                                                                                        \
    X(COMPLAINT, "complaint")                                                                                          \
    X(INSULT, "insult")                                                                                                \
    X(POSITIVE, "positive") /* feedback */                                                                             \
    X(NEGATIVE, "negative")                                                                                            \
    X(REOPENED, "reopened")                                                                                            \
    X(ANSWERED, "ai_answered")                                                                                         \
    X(FIRST_CONTACT, "first_contact") /* resolved at first contact */
#define CT_CHECK_TIME_MAP(X)                                                                                           \
    X(FIRST_RESPONSE, "first_response")             /* of the AI */                                                    \
    X(HUMAN_FIRST_RESPONSE, "human_first_response") /* handoff to the first human message */                           \
    X(HUMAN_WAIT, "human_wait")                     /* asked for a person to its first message, or until gone */       \
    X(AI_HANDLING, "ai_handling")                                                                                      \
    X(HUMAN_HANDLING, "human_handling")                                                                                \
    X(HANDLING, "handling")                                                                                            \
    X(RESOLUTION, "resolution_time") /* start to resolution */
#define CT_CHECK_COUNT_MAP(X)                                                                                          \
    X(FALLBACKS, "fallbacks")                                                                                          \
    X(NO_DATA, "no_data")                                                                                              \
    X(WRONG, "wrong_answers")                                                                                          \
    X(REPEATS, "repeats")                                                                                              \
    X(UNANSWERED, "unanswered")                                                                                        \
    X(USER_MESSAGES, "user_messages")                                                                                  \
    X(BOT_MESSAGES, "bot_messages")                                                                                    \
    X(AGENT_MESSAGES, "agent_messages")                                                                                \
    X(MESSAGES, "messages")                                                                                            \
    X(NEGATIVE_MESSAGES, "negative_messages")
/* On the scale that it was asked on, turned the usual way. */
#define CT_CHECK_SCORE_MAP(X) X(CSAT, "csat") X(NPS, "nps") X(CES, "ces") X(CSS, "css")

enum ct_check_flag {
#define X(name, key) CT_CHECK_##name,
    CT_CHECK_FLAG_MAP(X)
#undef X
        CT_CHECK_FLAGS
};
enum ct_check_number {
#define X(name, key) CT_CHECK_##name,
    CT_CHECK_TIME_MAP(X) CT_CHECK_COUNT_MAP(X) CT_CHECK_SCORE_MAP(X)
#undef X
        CT_CHECK_NUMBERS
};
enum ct_check_kind {
    CT_CHECK_SIGNAL,  /* any of `signals` stands on a message */
    CT_CHECK_OUTCOME, /* one of the bits of `outcomes` */
    CT_CHECK_FLAG,    /* `flag` is `wanted` */
    CT_CHECK_NUMBER,  /* low <= number <= high */
    CT_CHECK_ALL,
    CT_CHECK_ANY,
    CT_CHECK_NOT
};
struct ct_check {
    enum ct_check_kind kind;
    const uint16_t *signals; /* indexes in the scorecard's names */
    size_t signal_count;
    unsigned outcomes;
    enum ct_check_flag flag;
    bool wanted;
    enum ct_check_number number;
    int64_t low, high;                   /* microseconds, a count, points */
    const struct ct_check *const *parts; /* ALL, ANY; NOT has one */
    size_t part_count;
};

struct ct_criterion {
    ct_span name; /* letters, digits, '_', '-', '.'; at most 39 bytes */
    uint32_t weight;
    const struct ct_check *rule; /* NULL = only marks say */
    const struct ct_check *when; /* NULL = always; judged only where it holds */
    ct_span mark;                /* of marks' "criteria"; empty = only the rule says */
};
struct ct_terms; /* terms.h */

struct ct_scorecard {
    struct ct_arena arena;
    ct_span name;
    struct ct_criterion criteria[CT_CRITERIA_MAX];
    size_t count;
    struct ct_signal_names signals; /* that conditions look at: records have to keep theirs, and to be bound */
};

/* Names of signals have to be some of `rules`; NULL = any name will do, for rule sets that are not known yet. NULL =
 * *err says file:line:column. */
struct ct_scorecard *ct_scorecard_load(ct_span file, ct_span bytes, const struct ct_ruleset *rules,
                                       struct ct_error *err) CT_MUST_USE;
void ct_scorecard_free(struct ct_scorecard *scorecard); /* NULL allowed */

/* ---- scorecard_judge.c ---- */
/* CT_NULL where the record does not say: a time that is not known, a survey not answered, `resolved` of a silent one, a
 * signal that its rule set does not have. bindings may be NULL where no signal is looked at. */
enum ct_tri ct_check_judge(const struct ct_check *check, const struct ct_record *record,
                           const struct ct_bindings *bindings);
/* The criterion's score, 0..CT_CRITERION_ONE; -1 = it cannot be judged here. marked may be NULL. */
int64_t ct_criterion_score(const struct ct_criterion *criterion, const struct ct_record *record,
                           const struct ct_terms *terms, const struct ct_marked *marked);
/* Each signal that a criterion names and the rule set does not have: for which it cannot be judged there. */
void ct_scorecard_missing(const struct ct_scorecard *scorecard, const struct ct_binding *binding,
                          void (*one)(void *context, const struct ct_criterion *criterion, ct_span signal),
                          void *context);

#endif
