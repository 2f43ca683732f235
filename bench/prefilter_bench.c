/* prefilter_bench.c - the prefilter's scan against a dense Aho-Corasick automaton: the design that was not taken.
 *
 *     prefilter_bench [messages [seed]]
 *
 * Both look for the same literals: of each `any` pattern the rarest set. `candidates` are patterns with a literal of
 * that set in the message; they must agree (the prefilter may have a few more: none here, as it compares whole literals
 * up to 16 bytes). Then the prefilter as it is used, with the patterns' other sets. ns a message, folding left out.
 * Figures: docs/prefilter.md.
 */
#include "bench/match_corpus.h"

/* ---- the automaton ------------------------------------------------------------------------ */

/* Dense: a row of next states for each state, one column for each class of bytes that any literal tells apart. */
struct automaton {
    unsigned char class_of[256];
    uint32_t classes, states, *next;
    uint32_t *out_begin, *outs; /* of each state: the patterns whose literal ends there, suffixes' included */
    size_t out_count, room;
};

struct key_of {
    const struct ct_literal *literal;
    uint32_t pattern;
};

static uint32_t automaton_next(const struct automaton *automaton, uint32_t state_now, unsigned char byte)
{
    return automaton->next[(size_t)state_now * automaton->classes + automaton->class_of[byte]];
}

/* A list of patterns for each state while building. */
struct out_node {
    uint32_t pattern;
    int32_t next;
};

static void automaton_make(struct automaton *automaton, const struct key_of *keys, size_t count)
{
    size_t room = 1, nodes = 0;
    memset(automaton, 0, sizeof *automaton);
    automaton->classes = 1;
    for (size_t i = 0; i < count; i++) {
        room += keys[i].literal->len;
        for (size_t j = 0; j < keys[i].literal->len; j++) {
            unsigned char byte = (unsigned char)keys[i].literal->key[j];
            if (!automaton->class_of[byte])
                automaton->class_of[byte] = (unsigned char)automaton->classes++;
        }
    }
    uint32_t classes = automaton->classes, *fail = calloc(room, sizeof *fail), *queue = calloc(room, sizeof *queue);
    automaton->next = calloc(room * classes, sizeof *automaton->next);
    int32_t *head = malloc(room * sizeof *head);
    struct out_node *list = malloc((count + 1) * sizeof *list);
    automaton->states = 1;
    memset(head, -1, room * sizeof *head);
    for (size_t i = 0; i < count; i++) {
        uint32_t at = 0;
        for (size_t j = 0; j < keys[i].literal->len; j++) {
            uint32_t *next =
                &automaton->next[(size_t)at * classes + automaton->class_of[(unsigned char)keys[i].literal->key[j]]];
            if (!*next)
                *next = automaton->states++;
            at = *next;
        }
        list[nodes] = (struct out_node){keys[i].pattern, head[at]};
        head[at] = (int32_t)nodes++;
    }
    size_t first = 0, last = 0;
    for (uint32_t c = 0; c < classes; c++) {
        if (automaton->next[c])
            queue[last++] = automaton->next[c];
    }
    automaton->out_begin = calloc(automaton->states + 2, sizeof *automaton->out_begin);
    while (first < last) {
        uint32_t at = queue[first++];
        for (uint32_t c = 0; c < classes; c++) {
            uint32_t *next = &automaton->next[(size_t)at * classes + c],
                     other = automaton->next[(size_t)fail[at] * classes + c];
            if (*next) {
                fail[*next] = other;
                queue[last++] = *next;
            } else {
                *next = other;
            }
        }
    }
    for (uint32_t s = 0; s < automaton->states; s++) {
        automaton->out_begin[s] = (uint32_t)automaton->out_count;
        for (uint32_t at = s; at; at = fail[at]) {
            for (int32_t n = head[at]; n >= 0; n = list[n].next) {
                if (automaton->out_count == automaton->room) {
                    automaton->room = automaton->room * 2 + 64;
                    automaton->outs = realloc(automaton->outs, automaton->room * sizeof *automaton->outs);
                }
                automaton->outs[automaton->out_count++] = list[n].pattern;
            }
        }
    }
    automaton->out_begin[automaton->states] = (uint32_t)automaton->out_count;
    free(fail);
    free(queue);
    free(head);
    free(list);
}

static void automaton_done(struct automaton *automaton)
{
    free(automaton->next);
    free(automaton->out_begin);
    free(automaton->outs);
}

/* Patterns with a literal in the text, each once; stamps by pattern. */
static size_t automaton_run(const struct automaton *automaton, const char *key, size_t len, uint32_t *stamps,
                            uint32_t epoch, struct ct_prefilter_found *found)
{
    size_t count = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < len + 2; i++) {
        at = automaton_next(automaton, at, (unsigned char)key[i - 1]);
        for (uint32_t j = automaton->out_begin[at]; j < automaton->out_begin[at + 1]; j++) {
            uint32_t pattern = automaton->outs[j];
            if (stamps[pattern] == epoch)
                continue;
            stamps[pattern] = epoch;
            found[count++].pattern = pattern;
        }
    }
    return count;
}

/* ---- both ----------------------------------------------------------------------------------- */

/* Folded once; keys are kept with the padding that the prefilter asks for. */
struct keys {
    struct ct_folded *at;
};

static void keys_make(struct keys *keys, const struct corpus *corpus)
{
    struct ct_folder *folder = ct_folder_new();
    keys->at = calloc(corpus->text_count, sizeof *keys->at);
    for (size_t i = 0; i < corpus->text_count; i++) {
        ct_fold(folder, corpus->texts[i], &keys->at[i]);
        size_t len = keys->at[i].text.len, words = len / 64 + 1;
        char *key = malloc(len + 16 + 16 + 64);
        uint64_t *blanks = malloc(words * sizeof *blanks);
        memcpy(key, keys->at[i].key - 16, len + 32);
        memset(key + len + 32, 0, 64);
        memcpy(blanks, keys->at[i].blanks, words * sizeof *blanks);
        keys->at[i].key = key + 16;
        keys->at[i].blanks = blanks;
    }
    ct_folder_free(folder);
}

static void keys_done(struct keys *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)keys->at[i].key - 16);
        free((uint64_t *)(uintptr_t)keys->at[i].blanks);
    }
    free(keys->at);
}

static double time_prefilter(const struct ct_prefilter *prefilter, size_t patterns, const struct keys *keys,
                             size_t texts, double *candidates)
{
    struct ct_prefilter_scan *scan = ct_prefilter_scan_new(patterns);
    double best = 1e18;
    for (unsigned round = 0; round < 7; round++) {
        size_t total = 0;
        double start = now();
        for (size_t i = 0; i < texts; i++) {
            const struct ct_prefilter_found *found;
            total += ct_prefilter_run(prefilter, scan, &keys->at[i], &found);
        }
        double spent = (now() - start) / (double)texts;
        best = spent < best ? spent : best;
        *candidates = (double)total / (double)texts;
    }
    ct_prefilter_scan_free(scan);
    return best;
}

static double time_automaton(const struct automaton *automaton, size_t patterns, const struct keys *keys, size_t texts,
                             double *candidates)
{
    uint32_t *stamps = calloc(patterns, sizeof *stamps), epoch = 0;
    struct ct_prefilter_found *found = calloc(patterns, sizeof *found);
    double best = 1e18;
    for (unsigned round = 0; round < 7; round++) {
        size_t total = 0;
        double start = now();
        for (size_t i = 0; i < texts; i++)
            total += automaton_run(automaton, keys->at[i].key, keys->at[i].text.len, stamps, ++epoch, found);
        double spent = (now() - start) / (double)texts;
        best = spent < best ? spent : best;
        *candidates = (double)total / (double)texts;
    }
    free(stamps);
    free(found);
    return best;
}

static int bench(uint32_t rules, size_t texts, uint64_t seed, bool dense)
{
    struct corpus corpus;
    struct keys keys;
    struct automaton automaton;
    struct ct_arena scratch;
    corpus_make(&corpus, rules, texts, seed, dense);
    keys_make(&keys, &corpus);
    ct_arena_init(&scratch, 1 << 20, 0);
    struct ct_prefilter_item *all = calloc(corpus.pattern_count, sizeof *all),
                             *one = calloc(corpus.pattern_count, sizeof *one);
    struct key_of *literals = calloc(corpus.pattern_count * 256, sizeof *literals);
    size_t items = 0, literal_count = 0;
    for (size_t r = 0; r < corpus.set.rule_count; r++) {
        for (size_t j = 0; j < corpus.rules[r].any_count; j++) {
            struct ct_literal_plan plan;
            uint32_t pattern = (uint32_t)(corpus.rules[r].any + j - corpus.patterns);
            ct_literal_extract(&scratch, corpus.patterns[pattern].expanded, false, &plan);
            if (plan.set_count == 0)
                continue;
            struct ct_literal_set *sets = ct_arena_alloc(&scratch, sizeof plan.sets);
            memcpy(sets, plan.sets, sizeof plan.sets);
            all[items] = (struct ct_prefilter_item){pattern, sets, plan.set_count};
            one[items++] = (struct ct_prefilter_item){pattern, sets, 1};
            for (uint32_t k = 0; k < sets[0].count && literal_count < corpus.pattern_count * 256; k++)
                literals[literal_count++] = (struct key_of){&sets[0].literals[k], pattern};
        }
    }
    automaton_make(&automaton, literals, literal_count);
    struct ct_prefilter *single = ct_prefilter_new(one, items, NULL, 0), *whole = ct_prefilter_new(all, items, NULL, 0);
    double with_automaton, with_single, with_whole;
    double a = time_automaton(&automaton, corpus.pattern_count, &keys, texts, &with_automaton);
    double s = time_prefilter(single, corpus.pattern_count, &keys, texts, &with_single);
    double w = time_prefilter(whole, corpus.pattern_count, &keys, texts, &with_whole);
    printf("%s %5u rules, %6zu literals | Aho-Corasick %6.0f ns, %6.2f candidates, %5.1f MB table | one set %6.0f ns, "
           "%6.2f candidates"
           " | all sets %6.0f ns, %6.2f candidates\n",
           dense ? "dense" : "usual", rules, literal_count, a, with_automaton,
           (double)automaton.states * automaton.classes * 4 / 1e6, s, with_single, w, with_whole);
    keys_done(&keys, corpus.text_count);
    free(all);
    free(one);
    free(literals);
    automaton_done(&automaton);
    ct_prefilter_free(single);
    ct_prefilter_free(whole);
    ct_arena_done(&scratch);
    corpus_done(&corpus);
    return with_single < with_automaton;
}

int main(int argc, char **argv)
{
    size_t texts = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    int failed = 0;
    for (int dense = 0; dense < 2; dense++)
        failed |= bench(30, texts, seed, dense) | bench(300, texts, seed, dense) | bench(3000, texts, seed, dense);
    return failed;
}
