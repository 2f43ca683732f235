/* ruleset_tests.h - the tests that stand beside the rules, and what a set leaves out: for `convtap rules`.
 *
 * Kept in the ruleset's arena when ct_load_options.keep_tests is set; else ct_ruleset.tests is NULL. All spans and
 * arrays are borrowed from the ruleset.
 */
#ifndef CT_RULESET_TESTS_H
#define CT_RULESET_TESTS_H

#include "engine/record.h"
#include "engine/rules.h"

#define CT_TEST_MAP(X) X(POS, "pos") X(NEG, "neg") X(TODO_POS, "todo_pos") X(TODO_NEG, "todo_neg")
enum ct_test_kind {
#define X(name, text) CT_TEST_##name,
    CT_TEST_MAP(X)
#undef X
        CT_TEST_COUNT
};
const char *ct_test_kind_text(enum ct_test_kind kind);

/* One text that a pattern rule has to fire on (pos) or has not (neg); `todo_` = known to fail. */
struct ct_rule_test {
    uint32_t rule; /* index in rules */
    enum ct_test_kind kind;
    ct_span text;
    uint16_t pack; /* whose file holds it: a rule may be extended by another pack */
    uint32_t line, column;
};

struct ct_test_message {
    enum ct_role role;
    ct_span text;
    ct_usec at; /* since the conversation's start; CT_USEC_NONE = not said */
    const ct_span *tools;
    uint32_t tool_count;
    struct ct_event event;
    uint32_t line, column;
};

struct ct_test_want {
    bool has_outcome;
    enum ct_outcome outcome;
    const uint16_t *signals, *not_signals; /* indexes in signals */
    uint32_t signal_count, not_signal_count;
    struct {
        bool said;     /* the test speaks of this score */
        bool present;  /* false: it wants none (`csat: null`) */
        int32_t value; /* in the survey's own scale */
    } score[CT_SCORE_COUNT];
};

struct ct_conversation_test {
    ct_span name;
    uint16_t pack;
    uint32_t line, column;
    const uint32_t *rules; /* the rules it speaks for, indexes in rules; those disabled are left out */
    uint32_t rule_count;
    const struct ct_test_message *messages;
    uint32_t message_count;
    struct ct_test_want want;
};

/* Abstract rules that a language pack does not implement. */
struct ct_pack_gap {
    uint16_t pack;
    const ct_span *names;
    uint32_t count;
};

struct ct_ruleset_tests {
    const struct ct_rule_test *texts; /* in rule order, then file order */
    size_t text_count;
    const struct ct_conversation_test *conversations;
    size_t conversation_count;
    const struct ct_pack_gap *gaps; /* one a language pack, also where count is 0 */
    size_t gap_count;
    size_t abstract_count; /* over all packs */
};

#endif
