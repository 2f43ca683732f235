/* match_program.h - what a program is made of; private to match*.c and their tests and benchmarks.
 */
#ifndef CT_MATCH_PROGRAM_H
#define CT_MATCH_PROGRAM_H

#include "engine/language.h"
#include "engine/match.h"
#include "engine/match_expression.h"
#include "engine/prefilter.h"

/* One pattern. Patterns are numbered in rule order: a rule's `any`, then its `not`. */
struct ct_program_pattern {
    struct ct_expression expression;
    uint32_t rule;
    uint32_t need, need_words; /* of a `not`: its literal sets, in `needs` */
    bool raw;
    bool ascii;       /* may run without UTF mode on an ASCII text */
    bool narrow;      /* ... and on the narrow view */
    bool windowed;    /* the prefilter's bounds are offsets of its view */
    bool has_literal; /* false: it is tried on every text */
};

struct ct_program_rule {
    uint32_t any, not, end; /* patterns [any, not) and [not, end) */
};

/* What runs on the messages of one role. */
struct ct_program_role {
    struct ct_prefilter *prefilter;
    uint32_t *always; /* `any` patterns without a literal (all of them where there is no prefilter), rising */
    size_t always_count;
};

struct ct_program {
    const struct ct_ruleset *rules; /* borrowed: the set owns the program */
    struct ct_program_pattern *patterns;
    size_t pattern_count;
    struct ct_program_rule *by_rule; /* one for each rule; empty ranges where it is no pattern rule */
    size_t rule_count;
    uint16_t *needs;
    struct ct_program_role roles[CT_ROLE_COUNT];
    unsigned char role_of[CT_ROLE_COUNT]; /* roles that no rule names share an entry of `roles` */
    struct ct_language_index *language;
    bool prefilter;
};

/* ct_program_new, with the prefilter on or off at will: tests compare the two. */
struct ct_program *ct_program_new_with(const struct ct_ruleset *rules, bool prefilter,
                                       const struct ct_load_options *options, struct ct_error *err);

/* ---- what match.c offers match_clause.c, about the text that the matcher is at ---- */

/* Runs one pattern: the first match that begins in [from, until] of its view (CT_EXPRESSION_ANYWHERE = no bound);
 * offsets are in the folded text, or in the raw view for a raw rule. */
enum ct_expression_result ct_match_pattern(struct ct_matcher *matcher, uint32_t pattern, size_t from, size_t until,
                                           size_t *begin, size_t *end) CT_MUST_USE;
/* The folded text and its key, or the raw view twice: where clauses end. */
ct_span ct_match_view(struct ct_matcher *matcher, bool raw, const char **key);

/* An `any` pattern that may match, and between which offsets its matches begin (UINT32_MAX = anywhere). */
struct ct_match_candidate {
    uint32_t pattern;
    uint32_t from, until;
};
/* Scope `clause`: the first match of the candidates whose clause holds no match of the rule's `not` patterns.
 * NO_MATCH: none. ERROR: a limit. */
enum ct_expression_result ct_match_clause(struct ct_matcher *matcher, uint32_t rule,
                                          const struct ct_match_candidate *candidates, size_t count, size_t *begin,
                                          size_t *end) CT_MUST_USE;
/* Where a candidate's matches can begin at the earliest and the latest. */
void ct_match_window(const struct ct_matcher *matcher, const struct ct_match_candidate *candidate, size_t *from,
                     size_t *until);
/* Whether a `not` pattern may match the text at all. */
bool ct_match_possible(struct ct_matcher *matcher, uint32_t pattern);
const struct ct_program *ct_match_program(const struct ct_matcher *matcher);

#endif
