/* match.c - runs a text through a program: fold, prefilter, then PCRE2 for the candidates (match.h).
 *
 * Patterns run on one of three views of the text, made when first needed: the folded bytes without UTF mode where text
 * and pattern are ASCII; the narrow view, also without, where only symbols are not; the folded text in UTF mode. Raw
 * rules run on NFC. Spans come back as raw offsets. Called by conversation.c, the commands and the benchmarks.
 */
#include "engine/match_program.h"

#include <stdlib.h>

enum { QUARANTINE_AFTER = 3, SORT_BY_HAND_MAX = 24 };

struct ct_matcher {
    const struct ct_program *program;
    const struct ct_rule *rules;
    struct ct_folder *folder;
    struct ct_nfc *nfc; /* made when the first raw rule is a candidate */
    struct ct_prefilter_scan *scan;
    struct ct_expression_scratch *scratch;
    struct ct_match_candidate *candidates;
    struct ct_hit *hits;
    uint64_t *errors; /* by rule */
    uint8_t *recent;  /* the same since a conversation began, up to QUARANTINE_AFTER */
    bool any_recent;
    struct ct_matcher_stats stats;
    /* the text it is at */
    ct_span text;
    struct ct_folded folded;
    ct_span raw;
    bool has_raw, raw_ascii;
};

struct ct_matcher *ct_matcher_new(const struct ct_ruleset *rules)
{
    const struct ct_program *program = rules->program;
    struct ct_matcher *matcher = calloc(1, sizeof *matcher);
    if (!matcher)
        return NULL;
    matcher->program = program;
    matcher->rules = rules->rules;
    matcher->folder = ct_folder_new();
    matcher->scan = ct_prefilter_scan_new(program->pattern_count);
    matcher->scratch = ct_expression_scratch_new();
    matcher->candidates = calloc(program->pattern_count + 1, sizeof *matcher->candidates);
    matcher->hits = calloc(program->rule_count + 1, sizeof *matcher->hits);
    matcher->errors = calloc(program->rule_count + 1, sizeof *matcher->errors);
    matcher->recent = calloc(program->rule_count + 1, sizeof *matcher->recent);
    if (!matcher->folder || !matcher->scan || !matcher->scratch || !matcher->candidates || !matcher->hits ||
        !matcher->errors || !matcher->recent) {
        ct_matcher_free(matcher);
        return NULL;
    }
    return matcher;
}

void ct_matcher_free(struct ct_matcher *matcher)
{
    if (!matcher)
        return;
    ct_folder_free(matcher->folder);
    ct_nfc_free(matcher->nfc);
    ct_prefilter_scan_free(matcher->scan);
    ct_expression_scratch_free(matcher->scratch);
    free(matcher->candidates);
    free(matcher->hits);
    free(matcher->errors);
    free(matcher->recent);
    free(matcher);
}

/* ---- views -------------------------------------------------------------------------------- */

static bool all_ascii(ct_span text)
{
    unsigned char seen = 0;
    for (size_t i = 0; i < text.len; i++)
        seen |= (unsigned char)text.at[i];
    return seen < 0x80;
}

/* {NULL, 0} = out of memory. */
static ct_span raw_view(struct ct_matcher *matcher)
{
    if (!matcher->has_raw) {
        if (!matcher->nfc)
            matcher->nfc = ct_nfc_new();
        matcher->raw = matcher->nfc ? ct_nfc_of(matcher->nfc, matcher->text) : CT_SPAN_NONE;
        matcher->raw_ascii = all_ascii(matcher->raw);
        matcher->has_raw = true;
    }
    return matcher->raw;
}

ct_span ct_match_view(struct ct_matcher *matcher, bool raw, const char **key)
{
    if (raw) {
        *key = NULL;
        return raw_view(matcher);
    }
    *key = matcher->folded.key;
    return matcher->folded.text;
}

const struct ct_program *ct_match_program(const struct ct_matcher *matcher)
{
    return matcher->program;
}

bool ct_match_possible(struct ct_matcher *matcher, uint32_t number)
{
    const struct ct_program_pattern *pattern = &matcher->program->patterns[number];
    return !matcher->program->prefilter ||
           ct_prefilter_has(matcher->scan, matcher->program->needs + pattern->need, pattern->need_words);
}

void ct_match_window(const struct ct_matcher *matcher, const struct ct_match_candidate *candidate, size_t *from,
                     size_t *until)
{
    const struct ct_program_pattern *pattern = &matcher->program->patterns[candidate->pattern];
    *from = 0;
    *until = CT_EXPRESSION_ANYWHERE;
    if (!pattern->windowed || candidate->until == UINT32_MAX)
        return;
    *until = candidate->until;
    *from = candidate->from;
    /* not into the middle of a character */
    while (*from > 0 && ((unsigned char)matcher->folded.text.at[*from] & 0xC0) == 0x80)
        --*from;
}

enum ct_expression_result ct_match_pattern(struct ct_matcher *matcher, uint32_t number, size_t from, size_t until,
                                           size_t *begin, size_t *end)
{
    /* Compiling at first use is the one thing that changes in a program; it is atomic. */
    struct ct_program_pattern *pattern = &matcher->program->patterns[number];
    struct ct_expression *expression = &pattern->expression;
    matcher->stats.pcre_calls++;
    if (pattern->raw) {
        ct_span raw = raw_view(matcher);
        if (!raw.at && matcher->text.len > 0)
            return CT_EXPRESSION_ERROR;
        bool ascii = pattern->ascii && matcher->raw_ascii && ct_expression_has_ascii(expression);
        return ct_expression_run(expression, matcher->scratch, raw, ascii, from, until, begin, end);
    }
    ct_span folded = matcher->folded.text;
    if (matcher->folded.ascii) {
        bool ascii = pattern->ascii && ct_expression_has_ascii(expression);
        return ct_expression_run(expression, matcher->scratch, folded, ascii, from, until, begin, end);
    }
    if (!matcher->folded.narrow || !pattern->narrow || !ct_expression_has_ascii(expression))
        return ct_expression_run(expression, matcher->scratch, folded, false, from, until, begin, end);
    ct_span narrow = ct_fold_narrow(matcher->folder);
    from = ct_fold_narrow_from(matcher->folder, from);
    if (until != CT_EXPRESSION_ANYWHERE)
        until = ct_fold_narrow_from(matcher->folder, until);
    enum ct_expression_result result =
        ct_expression_run(expression, matcher->scratch, narrow, true, from, until, begin, end);
    if (result == CT_EXPRESSION_MATCH) {
        *begin = ct_fold_narrow_to(matcher->folder, *begin);
        *end = ct_fold_narrow_to(matcher->folder, *end);
    }
    return result;
}

/* ---- rules -------------------------------------------------------------------------------- */

/* Scope `message`. An error of one `any` pattern takes nothing from another's match; a `not` that cannot be told
 * keeps the rule from firing. */
static enum ct_expression_result match_message(struct ct_matcher *matcher, uint32_t rule,
                                               const struct ct_match_candidate *candidates, size_t count, size_t *begin,
                                               size_t *end)
{
    const struct ct_program_rule *patterns = &matcher->program->by_rule[rule];
    enum ct_expression_result result = CT_EXPRESSION_NO_MATCH;
    bool failed = false;
    for (size_t i = 0; i < count; i++) {
        size_t from, until, at, to;
        ct_match_window(matcher, &candidates[i], &from, &until);
        enum ct_expression_result one = ct_match_pattern(matcher, candidates[i].pattern, from, until, &at, &to);
        failed |= one == CT_EXPRESSION_ERROR;
        if (one == CT_EXPRESSION_MATCH && (result != CT_EXPRESSION_MATCH || at < *begin)) {
            result = one;
            *begin = at;
            *end = to;
        }
    }
    if (result == CT_EXPRESSION_NO_MATCH)
        return failed ? CT_EXPRESSION_ERROR : result;
    for (uint32_t p = patterns->not ; p < patterns->end; p++) {
        size_t at, to;
        if (!ct_match_possible(matcher, p))
            continue;
        enum ct_expression_result one = ct_match_pattern(matcher, p, 0, CT_EXPRESSION_ANYWHERE, &at, &to);
        if (one != CT_EXPRESSION_NO_MATCH)
            return one == CT_EXPRESSION_ERROR ? one : CT_EXPRESSION_NO_MATCH;
    }
    return CT_EXPRESSION_MATCH;
}

static void rule_failed(struct ct_matcher *matcher, uint32_t rule)
{
    matcher->stats.rule_errors++;
    matcher->errors[rule]++;
    matcher->any_recent = true;
    if (++matcher->recent[rule] == QUARANTINE_AFTER)
        matcher->stats.quarantined++;
}

/* The candidates of one rule. */
static bool match_rule(struct ct_matcher *matcher, uint32_t rule, const struct ct_match_candidate *candidates,
                       size_t count, struct ct_hit *hit)
{
    const struct ct_rule *said = &matcher->rules[rule];
    const struct ct_program_rule *patterns = &matcher->program->by_rule[rule];
    size_t begin = 0, end = 0, raw_begin, raw_end;
    if (matcher->recent[rule] >= QUARANTINE_AFTER)
        return false;
    bool by_clause = said->not_by_clause && patterns->not < patterns->end;
    enum ct_expression_result result = by_clause ? ct_match_clause(matcher, rule, candidates, count, &begin, &end)
                                                 : match_message(matcher, rule, candidates, count, &begin, &end);
    if (result == CT_EXPRESSION_ERROR)
        rule_failed(matcher, rule);
    if (result != CT_EXPRESSION_MATCH)
        return false;
    if (said->raw)
        ct_nfc_to_raw(matcher->nfc, begin, end, &raw_begin, &raw_end);
    else
        ct_fold_to_raw(matcher->folder, begin, end, &raw_begin, &raw_end);
    *hit = (struct ct_hit){rule, (uint32_t)raw_begin, (uint32_t)raw_end};
    return true;
}

/* ---- candidates --------------------------------------------------------------------------- */

static int candidate_order(const void *left, const void *right)
{
    uint32_t a = ((const struct ct_match_candidate *)left)->pattern;
    uint32_t b = ((const struct ct_match_candidate *)right)->pattern;
    return a < b ? -1 : a > b;
}

static void candidates_sort(struct ct_match_candidate *candidates, size_t count)
{
    if (count > SORT_BY_HAND_MAX) {
        qsort(candidates, count, sizeof *candidates, candidate_order);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct ct_match_candidate moved = candidates[i];
        size_t j = i;
        for (; j > 0 && candidates[j - 1].pattern > moved.pattern; j--)
            candidates[j] = candidates[j - 1];
        candidates[j] = moved;
    }
}

/* The patterns to try, in rule order. */
static size_t candidates_find(struct ct_matcher *matcher, enum ct_role role)
{
    const struct ct_program *program = matcher->program;
    const struct ct_program_role *at = &program->roles[program->role_of[role]];
    struct ct_match_candidate *candidates = matcher->candidates;
    size_t count = 0;
    if (program->prefilter) {
        const struct ct_prefilter_found *found;
        size_t found_count = ct_prefilter_run(at->prefilter, matcher->scan, &matcher->folded, &found);
        for (size_t i = 0; i < found_count; i++)
            candidates[count++] = (struct ct_match_candidate){found[i].pattern, found[i].from, found[i].until};
    }
    bool sorted = count == 0;
    for (size_t i = 0; i < at->always_count; i++)
        candidates[count++] = (struct ct_match_candidate){at->always[i], 0, UINT32_MAX};
    if (!sorted)
        candidates_sort(candidates, count);
    matcher->stats.candidates += count;
    return count;
}

static ct_span cut(struct ct_matcher *matcher, ct_span text)
{
    if (text.len > CT_FOLD_TEXT_MAX) {
        matcher->stats.texts_cut++;
        text.len = CT_FOLD_TEXT_MAX;
        while (text.len > 0 && ((unsigned char)text.at[text.len] & 0xC0) == 0x80)
            text.len--;
    }
    return text;
}

size_t ct_matcher_run(struct ct_matcher *matcher, enum ct_role role, ct_span text, const struct ct_hit **hits)
{
    size_t hit_count = 0;
    matcher->stats.messages++;
    matcher->text = cut(matcher, text);
    matcher->has_raw = false;
    ct_fold(matcher->folder, matcher->text, &matcher->folded);
    size_t count = candidates_find(matcher, role), group;
    for (size_t i = 0; i < count; i += group) {
        uint32_t rule = matcher->program->patterns[matcher->candidates[i].pattern].rule;
        group = 1;
        while (i + group < count && matcher->program->patterns[matcher->candidates[i + group].pattern].rule == rule)
            group++;
        hit_count += match_rule(matcher, rule, matcher->candidates + i, group, &matcher->hits[hit_count]);
    }
    matcher->stats.hits += hit_count;
    *hits = matcher->hits;
    return hit_count;
}

void ct_matcher_begin(struct ct_matcher *matcher)
{
    if (matcher->any_recent) {
        memset(matcher->recent, 0, matcher->program->rule_count);
        matcher->any_recent = false;
    }
}

ct_span ct_matcher_folded(const struct ct_matcher *matcher)
{
    return matcher->folded.text;
}

ct_span ct_matcher_key(const struct ct_matcher *matcher)
{
    return (ct_span){matcher->folded.key, matcher->folded.text.len};
}

const struct ct_folded *ct_matcher_text(const struct ct_matcher *matcher)
{
    return &matcher->folded;
}

void ct_matcher_stats(const struct ct_matcher *matcher, struct ct_matcher_stats *out)
{
    *out = matcher->stats;
}

uint64_t ct_matcher_rule_errors(const struct ct_matcher *matcher, uint32_t rule)
{
    return matcher->errors[rule];
}
