/* ruleset_words.c - number words, score words, emoji scores and function words, folded and sorted. A stage of a load
 * (ruleset_load.h); score.c reads the result.
 */
#include "engine/ruleset_load.h"

#include <stdlib.h>

/* What a value may be, and the scale it stands on (0 = a plain number). */
static const struct word_table {
    const char *key;
    int64_t min, max;
    int32_t scale;
} tables[] = {
    {"number_words", 0, 1000000, 0},
    {"score_words", 1, 5, 5},
    {"emoji_scores", 1, 5, 5},
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static int compare_spans(ct_span a, ct_span b)
{
    int order = memcmp(a.len ? a.at : "", b.len ? b.at : "", a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_texts(const void *left, const void *right)
{
    return compare_spans(*(const ct_span *)left, *(const ct_span *)right);
}

static int compare_words(const void *left, const void *right)
{
    const struct ct_word_value *a = left, *b = right;
    int order = compare_spans(a->word, b->word);
    if (order == 0) {
        order = a->scale != b->scale ? (a->scale > b->scale) - (a->scale < b->scale) : (int)a->pack - (int)b->pack;
    }
    return order != 0 ? order : (a->value > b->value) - (a->value < b->value);
}

/* Folded copy in the set's arena; false = out of memory, or nothing is left of it (reported). */
static bool fold_word(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what,
                      ct_span *out)
{
    ct_span text;
    bool ok = true;
    struct ct_folded folded;
    if (!ct_yaml_text(ct_load_yaml(loader, pack), node, what, &text)) {
        return false;
    }
    if (text.len > 200) {
        ct_yaml_problem(ct_load_yaml(loader, pack), 'e', node, "%s is longer than 200 bytes", what);
        return false;
    }
    ct_fold(loader->folder, text, &folded);
    if (folded.text.len == 0) {
        ct_yaml_problem(ct_load_yaml(loader, pack), 'e', node, "nothing is left of %s '%s' in the folded view", what,
                        text.at);
        return false;
    }
    *out = ct_arena_copy(&loader->set->arena, folded.text, &ok);
    return ok || ct_yaml_no_memory(&loader->report);
}

static void read_table(struct ct_loader *loader, uint16_t pack, const struct word_table *table,
                       struct ct_word_value *words)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    const struct ct_yaml_node *map = ct_yaml_find(yaml->root, table->key);
    for (uint32_t i = 0; map != NULL && map->kind == CT_YAML_MAP && i < map->count; i++) {
        struct ct_word_value *word = &words[loader->set->word_count];
        int64_t value;
        bool ok = fold_word(loader, pack, ct_yaml_key(map, i), "a word", &word->word);
        if (ct_yaml_int(yaml, ct_yaml_value(map, i), table->key, table->min, table->max, &value) && ok) {
            word->value = (int32_t)value;
            word->scale = table->scale;
            word->pack = pack;
            loader->set->word_count++;
        }
    }
}

/* Where a pack says a word (as folded) with another value than the first it was given. */
static const struct ct_yaml_node *find_word(struct ct_loader *loader, const struct ct_word_value *word)
{
    const struct ct_yaml_node *found = NULL;
    for (unsigned t = 0; t < TABLES; t++) {
        const struct ct_yaml_node *map = ct_yaml_find(loader->packs[word->pack].yaml.root, tables[t].key);
        for (uint32_t i = 0; tables[t].scale == word->scale && map != NULL && i < map->count; i++) {
            struct ct_folded folded;
            ct_fold(loader->folder, ct_yaml_key(map, i)->text, &folded);
            found = ct_span_eq(folded.text, word->word) ? ct_yaml_key(map, i) : found;
        }
    }
    return found;
}

/* Equal after folding: in one pack with two values a mistake ("año" and "ano"), with one value an equal spelling; of
 * two packs both stay, unless they agree. */
static void merge_words(struct ct_loader *loader, struct ct_word_value *words)
{
    size_t kept = 0;
    for (size_t i = 0; i < loader->set->word_count; i++) {
        const struct ct_word_value *before = kept > 0 ? &words[kept - 1] : NULL;
        bool same = before != NULL && before->scale == words[i].scale && ct_span_eq(before->word, words[i].word);
        if (same && before->value == words[i].value) {
            continue;
        }
        if (same && before->pack == words[i].pack) {
            ct_yaml_problem(ct_load_yaml(loader, words[i].pack), 'e', find_word(loader, &words[i]),
                            "the word '%s' (as folded) stands here with the values %d and %d", words[i].word.at,
                            (int)before->value, (int)words[i].value);
            continue;
        }
        words[kept++] = words[i];
    }
    loader->set->word_count = kept;
}

static void read_function_words(struct ct_loader *loader, uint16_t pack)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    const struct ct_yaml_node *list = ct_yaml_find(yaml->root, "function_words");
    if (list == NULL || !ct_yaml_is_list(yaml, list, "function_words")) {
        return;
    }
    ct_span *words = ct_load_alloc(loader, list->count, sizeof *words);
    size_t count = 0, kept = 0;
    for (uint32_t i = 0; words != NULL && i < list->count; i++) {
        count += fold_word(loader, pack, ct_yaml_item(list, i), "a function word", &words[count]);
    }
    if (count > 0) {
        qsort(words, count, sizeof *words, compare_texts);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !ct_span_eq(words[kept - 1], words[i])) {
            words[kept++] = words[i];
        }
    }
    struct ct_pack *out = (struct ct_pack *)(uintptr_t)&loader->set->packs[pack];
    out->function_words = words;
    out->function_word_count = kept;
}

void ct_load_words(struct ct_loader *loader)
{
    size_t total = 0;
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml *yaml = ct_load_yaml(loader, p);
        for (unsigned t = 0; t < TABLES; t++) {
            const struct ct_yaml_node *map = ct_yaml_find(yaml->root, tables[t].key);
            total += map != NULL && ct_yaml_is_map(yaml, map, tables[t].key) ? map->count : 0;
        }
        read_function_words(loader, p);
    }
    struct ct_word_value *words = ct_load_alloc(loader, total, sizeof *words);
    if (words == NULL) {
        return;
    }
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        for (unsigned t = 0; t < TABLES; t++) {
            read_table(loader, p, &tables[t], words);
        }
    }
    if (loader->set->word_count > 0) {
        qsort(words, loader->set->word_count, sizeof *words, compare_words);
    }
    merge_words(loader, words);
    loader->set->words = words;
}
