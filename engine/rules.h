/* rules.h - a rule set: what the packs (YAML) say, checked, resolved and immutable.
 *
 * Loaded once (ruleset_load.c), shared by all threads, reference-counted; a reload makes a new one and
 * an open conversation finishes under the one it began with. The matcher (match.h) compiles its
 * patterns; the conversation (conversation.h) interprets its other rules.
 * Pack format: docs/rules.md.
 */
#ifndef CT_RULES_H
#define CT_RULES_H

#include "engine/arena.h"
#include "engine/ct.h"

/* What a signal means to a conversation's state and outcome (`means:` in a pack). A signal without
 * a meaning is only reported. The engine knows meanings, never signal names. */
#define CT_MEANING_MAP(X)                                                                                              \
    X(NONE, "none")                                                                                                    \
    X(HUMAN_REQUESTED, "human_requested")     /* the customer asks for a person */                                     \
    X(HUMAN_REFUSED, "human_refused")         /* the customer declines a person */                                     \
    X(HANDOFF_OFFERED, "handoff_offered")     /* the bot offers one */                                                 \
    X(HANDOFF_ANNOUNCED, "handoff_announced") /* the bot says one is coming */                                         \
    X(HANDOFF_PERFORMED, "handoff_performed") /* a platform fact: a person took over */                                \
    X(HANDOFF_FAILED, "handoff_failed")       /* nobody free, outside hours, transfer failed */                        \
    X(HANDOFF_RETURNED, "handoff_returned")   /* given back to the bot */                                              \
    X(FALLBACK, "fallback")                   /* the bot did not understand */                                         \
    X(NO_DATA, "no_data")                     /* the bot understood and has no answer */                               \
    X(WRONG_ANSWER, "wrong_answer")           /* the customer says the answer was wrong */                             \
    X(REPEAT, "repeat")                       /* the customer asks the same again */                                   \
    X(CLOSING_QUESTION, "closing_question")   /* "anything else?" / "did that help?" */                                \
    X(SOLVED_QUESTION, "solved_question")     /* "did that solve it?" */                                               \
    X(CONFIRMED, "confirmed")                 /* yes to "did that solve it?" */                                        \
    X(NO_MORE, "no_more")                     /* "no, nothing else" after the closing question */                      \
    X(RESOLVED_SAID, "resolved_said")         /* "it works now", unasked */                                            \
    X(NOT_RESOLVED, "not_resolved")           /* "still not working" */                                                \
    X(THANKS, "thanks")                                                                                                \
    X(AFFIRM, "affirm")                                                                                                \
    X(DENY, "deny")                                                                                                    \
    X(GREETING, "greeting")                                                                                            \
    X(GOODBYE, "goodbye")                                                                                              \
    X(COMPLAINT, "complaint")                                                                                          \
    X(INSULT, "insult")                                                                                                \
    X(POSITIVE, "positive") /* feedback or sentiment */                                                                \
    X(NEGATIVE, "negative")                                                                                            \
    X(SURVEY_CSAT, "survey_csat")                                                                                      \
    X(SURVEY_NPS, "survey_nps")                                                                                        \
    X(SURVEY_CES, "survey_ces")                                                                                        \
    X(SURVEY_CSS, "survey_css")             /* CSAT about service after a purchase */                                  \
    X(SCORE, "score")                       /* a value rule read a score */                                            \
    X(SCORE_UNREADABLE, "score_unreadable") /* out of scale or two numbers: no value */                                \
    X(FORM_QUESTION, "form_question")       /* the bot asks for a datum of a form */                                   \
    X(CLOSED, "closed")                     /* the platform closed it */                                               \
    X(REOPENED, "reopened")                                                                                            \
    X(LABEL_RESOLVED, "label_resolved") /* an explicit label says so */                                                \
    X(LABEL_UNRESOLVED, "label_unresolved")                                                                            \
    X(LABEL_CORRECT, "label_correct") /* QA / thumbs: that answer was right */                                         \
    X(LABEL_INCORRECT, "label_incorrect")                                                                              \
    X(TOPIC, "topic") /* what it is about: the record's topics are such signals' names behind their first dot */       \
    X(INTENT, "intent")
enum ct_meaning {
#define X(name, text) CT_MEANS_##name,
    CT_MEANING_MAP(X)
#undef X
        CT_MEANS_COUNT
};
const char *ct_meaning_text(enum ct_meaning meaning);

struct ct_signal {
    ct_span name; /* "user.human_request" */
    enum ct_role role;
    enum ct_meaning means;
    int polarity; /* -1, 0, +1 */
};

#define CT_RULE_KIND_MAP(X)                                                                                            \
    X(PATTERN, "pattern")                                                                                              \
    X(CONTEXT, "context") X(VALUE, "value") X(COUNT, "count") X(REPEAT, "repeat") X(EVENT, "event")
enum ct_rule_kind {
#define X(name, text) CT_RULE_##name,
    CT_RULE_KIND_MAP(X)
#undef X
};

enum ct_score_kind { CT_SCORE_CSAT, CT_SCORE_NPS, CT_SCORE_CES, CT_SCORE_CSS, CT_SCORE_COUNT };
const char *ct_score_kind_text(enum ct_score_kind kind); /* "csat" */
bool ct_score_kind_from(ct_span text, enum ct_score_kind *out) CT_MUST_USE;
void ct_score_kind_scale(enum ct_score_kind kind, int32_t *min, int32_t *max); /* what it is asked on most */
enum { CT_FROM_STARS = 1, CT_FROM_DIGITS = 2, CT_FROM_WORDS = 4, CT_FROM_EMOJI = 8 };

/* One regular expression of a rule. */
struct ct_pattern {
    ct_span source;        /* as written, macros unexpanded */
    ct_span expanded;      /* what PCRE2 compiles */
    uint32_t line, column; /* of the source in its pack */
};

/* A standing question: the newest message of `role` carried `signal`, at most so long ago. */
struct ct_after {
    uint16_t signal;
    enum ct_role role;
    uint16_t max_turns; /* user turns since, counting this one; 0 = any */
    ct_usec max_age;    /* CT_USEC_NONE = any; ignored where a message has no time */
};

struct ct_rule {
    ct_span id;
    uint32_t rev;
    uint16_t pack; /* index in packs */
    enum ct_rule_kind kind;
    uint16_t emit;                         /* signal index */
    enum ct_role role;                     /* of the message it looks at; CT_ROLE_UNKNOWN = any */
    uint8_t level;                         /* 1-4 */
    bool raw;                              /* runs on the raw view (NFC) instead of the folded one */
    bool not_by_clause;                    /* scope: clause */
    uint16_t min_user_turn, max_user_turn; /* 0 = no bound; 1-based count of user messages */
    ct_usec within_first, within_last;     /* CT_USEC_NONE = no bound */
    uint32_t line, column;
    /* pattern */
    const struct ct_pattern *any, *not ;
    uint16_t any_count, not_count;
    /* context: all of `if_signals` on this message, under a standing question */
    const uint16_t *if_signals;
    uint16_t if_count;
    struct ct_after after; /* context, value */
    /* value */
    enum ct_score_kind score;
    int32_t scale_min, scale_max;
    bool better_low;
    unsigned from; /* CT_FROM_ bits */
    /* count */
    uint16_t count_signal, at_least, within_turns; /* within_turns 0 = the whole conversation */
    /* repeat */
    uint8_t similarity_percent;
    uint16_t within_messages;
    /* event: type matches; then, where given, phase, name (event kind or label name) and values; a tool
     * rule (tools non-empty) matches a tool call's name, case-insensitively, '*' at either end allowed */
    enum ct_event_type event;
    enum ct_handoff_phase phase; /* CT_PHASE_NONE = any */
    ct_span event_name;          /* empty = any */
    const ct_span *event_values; /* empty = any */
    uint16_t event_value_count;
    const ct_span *tools;
    uint16_t tool_count;
};

/* A word that is a number ("cinco" 5) or, under a survey, a score on a scale of 5 ("excelente" 5),
 * an emoji score; folded. Sorted by word, then scale, then pack: a word may stand here more than once (two
 * languages; a number and a score). `scale` 0 = a plain number. */
struct ct_word_value {
    ct_span word;
    int32_t value, scale;
    uint16_t pack;
};

struct ct_pack {
    ct_span name, version, language; /* language empty for core and tenant packs */
    ct_span file;
    const ct_span *function_words; /* folded, sorted, distinct; for language detection */
    size_t function_word_count;
};

struct ct_ruleset {
    struct ct_arena arena;
    unsigned references; /* atomic */
    const struct ct_pack *packs;
    size_t pack_count;
    const struct ct_signal *signals;
    size_t signal_count;
    const struct ct_rule *rules; /* order: kind, then pack order, then file order; disabled left out */
    size_t rule_count;
    const struct ct_word_value *words;
    size_t word_count;
    uint8_t positive_of_5, positive_of_10; /* csat_positive: from where on a CSAT is positive on a scale of 1-5, or one
                                              that ends at 10; 0 = above its middle */
    uint8_t scoring_level;                 /* rules above it are reported, but move no outcome; default 2 */
    char hash[65];                         /* hex SHA-256 over the packs' bytes in order: the rules_hash */
    struct ct_program *program;            /* compiled patterns, match.h; owned */
    const struct ct_ruleset_tests *tests;  /* ruleset_tests.h; NULL unless keep_tests */
};

struct ct_ruleset *ct_ruleset_ref(struct ct_ruleset *rules);
void ct_ruleset_unref(struct ct_ruleset *rules); /* NULL allowed */
/* Index of a signal by name, -1 = none. */
int ct_ruleset_signal(const struct ct_ruleset *rules, ct_span name);

/* One pack's bytes, read by the caller. */
struct ct_pack_source {
    ct_span file; /* for messages */
    ct_span bytes;
};
struct ct_load_options {
    bool strict;     /* rules check: also demands tests, names rules without a literal, ... */
    bool keep_tests; /* rules test: ct_ruleset.tests */
    void *context;
    /* Each problem; severity 'e' error or 'w' warning. May be NULL. */
    void (*problem)(void *context, char severity, const struct ct_error *problem);
    ct_span hash_hex; /* SHA-256 of the packs, computed by the caller (engine links no crypto); may be empty */
};
/* Parses, checks, resolves (extends, macros, abstract rules) and compiles. Packs in any order: core first
 * is found by `extends`. NULL = at least one error; *err (may be NULL) has the first. */
struct ct_ruleset *ct_ruleset_load(const struct ct_pack_source *packs, size_t pack_count,
                                   const struct ct_load_options *options, struct ct_error *err);

#endif
