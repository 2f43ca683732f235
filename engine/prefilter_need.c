/* prefilter_need.c - codes the sets that a pattern found must also have in the text (prefilter.h). Called when a
 * program is compiled.
 */
#include "engine/prefilter_table.h"

static bool need_kind(enum gram_kind kind)
{
    return kind == GRAM_WORD4 || kind == GRAM_WORD6 || kind == GRAM_END4 || kind == GRAM_END6 || kind == GRAM_FIRST4 ||
           kind == GRAM_FIRST6;
}

/* What a need says of one literal. */
static void need_literal(const struct ct_literal *of, uint16_t *literal)
{
    struct gram gram = ct_prefilter_gram(of);
    enum gram_kind kind = gram.kind == GRAM_FIRST4 ? GRAM_WORD4 : gram.kind == GRAM_FIRST6 ? GRAM_WORD6 : gram.kind;
    /* the word's place is its blank plus one, and its gram begins there, or ends there */
    int begin = kind == GRAM_END4 || kind == GRAM_END6 ? (int)prefilter_gram_bytes[kind] - 1 : 0;
    prefilter_put_pair(literal + LITERAL_HASH, gram.hash);
    literal[LITERAL_KIND] = (uint16_t)(kind | (kind == gram.kind ? 0 : KIND_FIRST));
    literal[LITERAL_TEXT] = (uint16_t)(int16_t)((int)of->lead - (int)gram.at - 1 - begin);
    literal[LITERAL_SIEVED] = gram.sieved;
}

static size_t need_put(const struct ct_literal_set *set, uint16_t *out)
{
    /* The literals first, behind the room that their marks may take; forms of one word are mostly one. */
    uint16_t *literals = out + NEED_HEAD + set->count;
    size_t count = 0;
    bool ends = false;
    for (uint32_t i = 0; i < set->count; i++) {
        uint16_t *literal = literals + count * NEED_LITERAL;
        size_t j = 0;
        need_literal(&set->literals[i], literal);
        while (memcmp(literals + j * NEED_LITERAL, literal, NEED_LITERAL * sizeof *literal) != 0)
            j++;
        unsigned kind = literal[LITERAL_KIND] % KIND_FIRST;
        ends |= kind == GRAM_END4 || kind == GRAM_END6;
        count += j == count;
    }
    out[NEED_COUNT] = (uint16_t)(count | (ends ? NEED_ENDS : 0));
    out[NEED_BEFORE] = (uint16_t)(set->max_before < NEED_BEFORE_FAR ? set->max_before : NEED_BEFORE_FAR);
    for (size_t i = 0; i < count; i++)
        out[NEED_HEAD + i] = (uint16_t)(prefilter_pair(literals + i * NEED_LITERAL) >> (32 - MARK_BITS));
    memmove(out + NEED_HEAD + count, literals, count * NEED_LITERAL * sizeof *out);
    return NEED_HEAD + count * (1 + NEED_LITERAL);
}

/* Sets with a literal that has no four bytes at a word's edge are left out. Counting says the most that it can take. */
size_t ct_prefilter_need(const struct ct_literal_set *sets, size_t count, uint16_t *out)
{
    size_t words = 0;
    for (size_t i = 0; i < count; i++) {
        bool usable = sets[i].count > 0 && sets[i].count < NEED_ENDS;
        for (uint32_t j = 0; usable && j < sets[i].count; j++)
            usable = need_kind(ct_prefilter_gram(&sets[i].literals[j]).kind);
        if (usable)
            words += out ? need_put(&sets[i], out + words) : NEED_HEAD + (size_t)sets[i].count * (1 + NEED_LITERAL);
    }
    return words;
}
