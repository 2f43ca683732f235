/* score.h - what a reply says apart from its signals: a score under a survey, its language, whether the same
 * was asked before. Pure functions over the folded view.
 */
#ifndef CT_SCORE_H
#define CT_SCORE_H

#include "engine/rules.h"

enum ct_score_result { CT_SCORE_ABSENT, CT_SCORE_READ, CT_SCORE_UNREADABLE };
/* Reads a reply to a standing survey under value rule `rule`: stars, then digits ("4/5", "8 de 10", keycaps),
 * number words with their scale ("ocho de diez"), score words, number words alone (at most 3 words: "one" is an
 * article too), emoji (skin tone, VS16, ZWJ ignored). Out of scale or two different numbers:
 * UNREADABLE, never clamped. A long text with no clear score (more than 12 words and a digit inside) is ABSENT.
 * *value in the rule's own scale; begin/end raw byte offsets of the evidence. */
enum ct_score_result ct_score_read(const struct ct_ruleset *rules, const struct ct_rule *rule, ct_span raw,
                                   ct_span folded, int32_t *value, uint32_t *begin, uint32_t *end);

/* Language of a text by the packs' function words: adds each pack's hits to counts[pack]. `key`: the key view (fold.h).
 */
void ct_language_count(const struct ct_ruleset *rules, ct_span key, uint32_t *counts);

struct ct_folded;
/* A set of hashes of a text's folded tokens (words of 3 letters and more, numbers), for repeat rules. */
#define CT_TOKENS_MAX 24
struct ct_tokens_set {
    uint32_t hash[CT_TOKENS_MAX]; /* distinct, in no order */
    uint64_t bits;                /* one bit a hash: tells most pairs apart at a glance */
    uint8_t count;
};
/* `text`: its key and its blanks are read. */
void ct_tokens_of(const struct ct_folded *text, struct ct_tokens_set *out);
/* Jaccard similarity in percent, 0 where either has fewer than 2 tokens. */
unsigned ct_tokens_similarity(const struct ct_tokens_set *a, const struct ct_tokens_set *b);
/* ct_tokens_similarity(a, b) >= percent, mostly without working it out. */
bool ct_tokens_similar(const struct ct_tokens_set *a, const struct ct_tokens_set *b, unsigned percent);

#endif
