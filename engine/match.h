/* match.h - which pattern rules fire on a text, and where: fold, prefilter, PCRE2.
 *
 * A program is compiled once from a rule set and shared; a matcher is one thread's scratch. The prefilter
 * (required literals of each pattern, found in one pass over the folded view) only ever skips patterns that
 * cannot match; PCRE2 gives every verdict and every span. Built with CT_PREFILTER=0 every pattern runs:
 * same results, proven by tests.
 */
#ifndef CT_MATCH_H
#define CT_MATCH_H

#include "engine/rules.h"

struct ct_program;
/* Compiles every pattern of the rules; problems are reported with the pattern's pack, line, column and a
 * caret in the expanded pattern. NULL = error. */
struct ct_program *ct_program_new(const struct ct_ruleset *rules, const struct ct_load_options *options,
                                  struct ct_error *err);
void ct_program_free(struct ct_program *program);
/* false = a pattern rule that the prefilter cannot skip: it has no required literal, so it runs on every message. */
bool ct_program_rule_has_literal(const struct ct_program *program, uint32_t rule);

/* Where a rule fired. begin/end are byte offsets in the raw text as given. */
struct ct_hit {
    uint32_t rule; /* index in rules->rules */
    uint32_t begin, end;
};

struct ct_matcher;
struct ct_matcher *ct_matcher_new(const struct ct_ruleset *rules);
void ct_matcher_free(struct ct_matcher *matcher);

/* All pattern rules whose role is `role` or any, on one valid UTF-8 text (at most 64 KiB are looked at; a
 * longer text is cut at a character boundary and counted). One hit a rule: its first match. Hits are in rule
 * order and stay until the next call. Never fails: a rule that hits a PCRE2 limit is counted in
 * ct_matcher_rule_errors and, after 3 such hits since ct_matcher_begin, left out until the next (quarantined). */
size_t ct_matcher_run(struct ct_matcher *matcher, enum ct_role role, ct_span text, const struct ct_hit **hits);
/* The folded view of the last text (fold.h), valid until the next run. */
ct_span ct_matcher_folded(const struct ct_matcher *matcher);
/* Its key view: the same length, every byte outside words ' '. */
ct_span ct_matcher_key(const struct ct_matcher *matcher);
/* Both, and what else the fold says of it (fold.h). */
const struct ct_folded *ct_matcher_text(const struct ct_matcher *matcher);

/* A conversation begins: rules left out in the one before are tried again. So no conversation's hits depend on what else
 * a matcher has seen, and nobody's messages take a rule from others'. */
void ct_matcher_begin(struct ct_matcher *matcher);

struct ct_matcher_stats {
    uint64_t messages, candidates, pcre_calls, hits, rule_errors, quarantined, texts_cut;
};
void ct_matcher_stats(const struct ct_matcher *matcher, struct ct_matcher_stats *out);
/* Rule errors of one rule so far. */
uint64_t ct_matcher_rule_errors(const struct ct_matcher *matcher, uint32_t rule);

#endif
