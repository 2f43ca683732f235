/* language.c - which language a text is in, by the packs' function words (score.h). */
#include "engine/language.h"
#include "engine/score.h"
#include "engine/word.h"

#include <stdlib.h>

/* Open addressing, each (word, pack) its own slot; a slot with an empty word is free. */
struct slot {
    ct_span word;
    uint32_t hash, pack;
};

struct ct_language_index {
    uint32_t mask;  /* slots - 1 */
    uint32_t words; /* 0 = no pack tells its language: nothing to count */
    struct slot slots[];
};

/* A function word as the key view shows it: one word. "don't" is none there, and is left out. */
static bool hash_of(ct_span word, uint32_t *hash)
{
    size_t at = 0;
    ct_span first;
    return !memchr(word.at, '\'', word.len) && ct_key_word_next(word, &at, &first, hash) && first.len == word.len;
}

struct ct_language_index *ct_language_index_new(const struct ct_ruleset *rules)
{
    size_t words = 0, slots = 16;
    for (size_t p = 0; p < rules->pack_count; p++)
        words += rules->packs[p].function_word_count;
    while (slots < words * 2)
        slots *= 2;
    struct ct_language_index *index = calloc(1, sizeof *index + slots * sizeof index->slots[0]);
    if (!index)
        return NULL;
    index->mask = (uint32_t)(slots - 1);
    for (size_t p = 0; p < rules->pack_count; p++) {
        for (size_t i = 0; i < rules->packs[p].function_word_count; i++) {
            ct_span word = rules->packs[p].function_words[i];
            uint32_t hash;
            if (word.len == 0 || !hash_of(word, &hash))
                continue;
            uint32_t at = hash & index->mask;
            while (index->slots[at].word.len > 0)
                at = (at + 1) & index->mask;
            index->slots[at] = (struct slot){word, hash, (uint32_t)p};
            index->words++;
        }
    }
    return index;
}

void ct_language_index_free(struct ct_language_index *index)
{
    free(index);
}

void ct_language_count(const struct ct_ruleset *rules, ct_span key, uint32_t *counts)
{
    const struct ct_language_index *index = rules->program ? ct_program_language(rules->program) : NULL;
    struct ct_language_index *made = NULL;
    size_t at = 0;
    ct_span word;
    uint32_t hash;
    if (!index) { /* a set without a program: only in tests */
        index = made = ct_language_index_new(rules);
        if (!index)
            return;
    }
    while (index->words > 0 && ct_key_word_next(key, &at, &word, &hash)) {
        for (uint32_t i = hash & index->mask; index->slots[i].word.len > 0; i = (i + 1) & index->mask) {
            if (index->slots[i].hash == hash && ct_span_eq(index->slots[i].word, word))
                counts[index->slots[i].pack]++;
        }
    }
    ct_language_index_free(made);
}
