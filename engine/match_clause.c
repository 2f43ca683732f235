/* match_clause.c - `scope: clause`: a match is kept unless its own clause holds a match of a `not` pattern.
 *
 * "No quiero un agente. Bueno, pásame con uno": the refusal is of another clause. A clause ends at . ; ! ? a newline,
 * and the words pero, but, mas (match.c calls this for rules that have the scope and a `not`).
 */
#include "engine/match_program.h"

enum { SPANS_MAX = 1024, MATCHES_MAX = 1024, AT_ONCE_MAX = 16 };

struct bounds {
    size_t begin, end;
};

static bool ends_clause(char c)
{
    return c == '.' || c == ';' || c == '!' || c == '?' || c == '\n';
}

static const char *const joiners[] = {"pero", "but", "mas"};

static bool word_char(const char *key, size_t at)
{
    return key[at] != ' ';
}

/* Whether a joining word is text[at, at+len) for some len. On the raw view, where there is no key, case and the
 * neighbours are looked at here; letters outside ASCII beside it count as letters. */
static size_t joiner_at(ct_span text, const char *key, size_t at)
{
    for (size_t i = 0; i < sizeof joiners / sizeof joiners[0]; i++) {
        size_t len = strlen(joiners[i]), same = 0;
        if (text.len - at < len)
            continue;
        while (same < len && (text.at[at + same] == joiners[i][same] ||
                              (!key && text.at[at + same] == joiners[i][same] - ('a' - 'A'))))
            same++;
        if (same < len)
            continue;
        bool before, after;
        if (key) {
            before = at > 0 && word_char(key, at - 1);
            after = at + len < text.len && word_char(key, at + len);
        } else {
            unsigned char left = at > 0 ? (unsigned char)text.at[at - 1] : ' ';
            unsigned char right = at + len < text.len ? (unsigned char)text.at[at + len] : ' ';
            before = left >= 0x80 || left == '_' || (left >= '0' && left <= '9') ||
                     ((left | 32) >= 'a' && (left | 32) <= 'z');
            after = right >= 0x80 || right == '_' || (right >= '0' && right <= '9') ||
                    ((right | 32) >= 'a' && (right | 32) <= 'z');
        }
        if (!before && !after)
            return len;
    }
    return 0;
}

/* The clause, or the clauses from the first to the last, that a match is in. */
static struct bounds clause_of(ct_span text, const char *key, size_t begin, size_t end)
{
    struct bounds clause = {0, end};
    for (size_t at = begin; at > 0; at--) {
        if (ends_clause(text.at[at - 1])) {
            clause.begin = at;
            break;
        }
        size_t len = joiner_at(text, key, at - 1);
        if (len > 0 && at - 1 + len <= begin) {
            clause.begin = at - 1 + len;
            break;
        }
    }
    while (clause.end < text.len && !ends_clause(text.at[clause.end]) && !joiner_at(text, key, clause.end))
        clause.end++;
    return clause;
}

static size_t next_char(ct_span text, size_t at)
{
    at++;
    while (at < text.len && ((unsigned char)text.at[at] & 0xC0) == 0x80)
        at++;
    return at;
}

/* Whether a `not` pattern matches anywhere so that it overlaps the clause. */
static enum ct_expression_result refused(struct ct_matcher *matcher, uint32_t pattern, ct_span text,
                                         struct bounds clause)
{
    size_t from = 0, begin, end;
    for (unsigned tries = 0; from <= text.len && from < clause.end; tries++) {
        if (tries == SPANS_MAX)
            return CT_EXPRESSION_ERROR;
        enum ct_expression_result result =
            ct_match_pattern(matcher, pattern, from, CT_EXPRESSION_ANYWHERE, &begin, &end);
        if (result != CT_EXPRESSION_MATCH)
            return result;
        if (begin < clause.end && end > clause.begin)
            return CT_EXPRESSION_MATCH;
        if (begin >= clause.end)
            return CT_EXPRESSION_NO_MATCH;
        /* another one may begin inside this one */
        from = next_char(text, begin > from ? begin : from);
    }
    return CT_EXPRESSION_NO_MATCH;
}

static enum ct_expression_result clause_refused(struct ct_matcher *matcher, uint32_t rule, ct_span text,
                                                struct bounds clause)
{
    const struct ct_program_rule *patterns = &ct_match_program(matcher)->by_rule[rule];
    for (uint32_t p = patterns->not ; p < patterns->end; p++) {
        if (!ct_match_possible(matcher, p))
            continue;
        enum ct_expression_result result = refused(matcher, p, text, clause);
        if (result != CT_EXPRESSION_NO_MATCH)
            return result;
    }
    return CT_EXPRESSION_NO_MATCH;
}

enum ct_expression_result ct_match_clause(struct ct_matcher *matcher, uint32_t rule,
                                          const struct ct_match_candidate *candidates, size_t count, size_t *begin,
                                          size_t *end)
{
    const char *key;
    ct_span text = ct_match_view(matcher, ct_match_program(matcher)->rules->rules[rule].raw, &key);
    struct bounds judged = {SIZE_MAX, SIZE_MAX}; /* the last clause that was refused */
    size_t behind = 0;                           /* matches that begin before it have been dealt with */
    bool failed = false;
    for (unsigned tries = 0; tries < MATCHES_MAX; tries++) {
        /* the match that begins first of all that are left */
        struct bounds match = {SIZE_MAX, 0};
        for (size_t i = 0; i < count; i++) {
            size_t from, until, at, to;
            ct_match_window(matcher, &candidates[i], &from, &until);
            if (behind > from)
                from = behind;
            if (from > text.len || from > until)
                continue;
            enum ct_expression_result one = ct_match_pattern(matcher, candidates[i].pattern, from, until, &at, &to);
            failed |= one == CT_EXPRESSION_ERROR;
            if (one == CT_EXPRESSION_MATCH && at < match.begin)
                match = (struct bounds){at, to};
        }
        if (match.begin == SIZE_MAX)
            return failed ? CT_EXPRESSION_ERROR : CT_EXPRESSION_NO_MATCH;
        struct bounds clause = clause_of(text, key, match.begin, match.end);
        if (clause.begin != judged.begin || clause.end != judged.end) {
            enum ct_expression_result result = clause_refused(matcher, rule, text, clause);
            if (result == CT_EXPRESSION_NO_MATCH) {
                *begin = match.begin;
                *end = match.end;
                return CT_EXPRESSION_MATCH;
            }
            if (result == CT_EXPRESSION_ERROR)
                return result;
            judged = clause;
        }
        behind = next_char(text, match.begin > behind ? match.begin : behind);
    }
    return CT_EXPRESSION_ERROR;
}
