/* match_bench.c - what one message costs: folding, prefilter, PCRE2; beside a plain PCRE2 JIT loop over the same rules.
 *
 *     match_bench [rules|all [messages [seed]]]        default: 30, 300 and 3,000 rules, 20,000 messages, seed 1
 *
 * Rules and messages: match_corpus.h. The reference folds too, and runs each pattern with UTF | UCP | CASELESS and JIT
 * over the folded text; hits, spans and rules must agree, else the program fails. Loading is checking the patterns and
 * building the prefilters; each pattern's own compilation comes at its first use and is in neither figure.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "bench/match_corpus.h"

#include <inttypes.h>
#include <pcre2.h>

/* ---- sums --------------------------------------------------------------------------------- */

/* What was hit, in order: equal sums mean equal hits. */
struct tally {
    uint64_t hits, sum;
};

static void tally_add(struct tally *tally, size_t text, uint32_t rule, size_t begin, size_t end)
{
    uint64_t words[4] = {text, rule, begin, end};
    tally->hits++;
    tally->sum = ct_hash((ct_span){(const char *)words, sizeof words}, tally->sum);
}

/* ---- the engines -------------------------------------------------------------------------- */

struct reference {
    pcre2_code **codes;
    pcre2_match_data *data;
    struct ct_folder *folder;
};

static void reference_make(struct reference *reference, const struct corpus *corpus)
{
    reference->codes = calloc(corpus->pattern_count, sizeof(pcre2_code *));
    reference->data = pcre2_match_data_create(1, NULL);
    reference->folder = ct_folder_new();
    for (size_t i = 0; i < corpus->pattern_count; i++) {
        int code;
        size_t offset;
        ct_span text = corpus->patterns[i].expanded;
        reference->codes[i] =
            pcre2_compile((PCRE2_SPTR)text.at, text.len, PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS, &code, &offset, NULL);
        if (!reference->codes[i] || pcre2_jit_compile(reference->codes[i], PCRE2_JIT_COMPLETE) != 0) {
            fprintf(stderr, "cannot compile %.*s\n", (int)text.len, text.at);
            exit(1);
        }
    }
}

static bool reference_match(const struct reference *reference, size_t pattern, ct_span text, size_t *begin, size_t *end)
{
    int result = pcre2_jit_match(reference->codes[pattern], (PCRE2_SPTR)text.at, text.len, 0, PCRE2_NO_UTF_CHECK,
                                 reference->data, NULL);
    const PCRE2_SIZE *spans = pcre2_get_ovector_pointer(reference->data);
    *begin = spans[0];
    *end = spans[1];
    return result >= 0;
}

static void reference_run(const struct reference *reference, const struct corpus *corpus, size_t text,
                          struct tally *tally)
{
    struct ct_folded folded;
    ct_fold(reference->folder, corpus->texts[text], &folded);
    for (size_t i = 0; i < corpus->set.rule_count; i++) {
        const struct ct_rule *rule = &corpus->rules[i];
        size_t any = (size_t)(rule->any - corpus->patterns), begin, end, best = SIZE_MAX, best_end = 0;
        for (size_t j = 0; j < rule->any_count; j++) {
            if (reference_match(reference, any + j, folded.text, &begin, &end) && begin < best) {
                best = begin;
                best_end = end;
            }
        }
        bool fires = best != SIZE_MAX;
        for (size_t j = 0; fires && j < rule->not_count; j++)
            fires = !reference_match(reference, any + rule->any_count + j, folded.text, &begin, &end);
        if (fires) {
            ct_fold_to_raw(reference->folder, best, best_end, &begin, &end);
            tally_add(tally, text, (uint32_t)i, begin, end);
        }
    }
}

static void reference_done(struct reference *reference, const struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->pattern_count; i++)
        pcre2_code_free(reference->codes[i]);
    free(reference->codes);
    pcre2_match_data_free(reference->data);
    ct_folder_free(reference->folder);
}

static void matcher_run(struct ct_matcher *matcher, const struct corpus *corpus, size_t text, struct tally *tally)
{
    const struct ct_hit *hits;
    size_t count = ct_matcher_run(matcher, CT_ROLE_USER, corpus->texts[text], &hits);
    for (size_t i = 0; i < count; i++)
        tally_add(tally, text, hits[i].rule, hits[i].begin, hits[i].end);
}

/* The best of some rounds over all messages, ns a message. */
static double time_matcher(struct ct_matcher *matcher, const struct corpus *corpus, unsigned rounds)
{
    double best = 1e18;
    for (unsigned round = 0; round < rounds; round++) {
        const struct ct_hit *hits;
        double start = now();
        for (size_t i = 0; i < corpus->text_count; i++)
            (void)ct_matcher_run(matcher, CT_ROLE_USER, corpus->texts[i], &hits);
        double spent = (now() - start) / (double)corpus->text_count;
        best = spent < best ? spent : best;
    }
    return best;
}

static double time_fold(const struct corpus *corpus, double *bytes)
{
    struct ct_folder *folder = ct_folder_new();
    double best = 1e18;
    for (unsigned round = 0; round < 5; round++) {
        struct ct_folded folded;
        *bytes = 0;
        double start = now();
        for (size_t i = 0; i < corpus->text_count; i++) {
            ct_fold(folder, corpus->texts[i], &folded);
            *bytes += (double)corpus->texts[i].len;
        }
        double spent = (now() - start) / (double)corpus->text_count;
        best = spent < best ? spent : best;
    }
    ct_folder_free(folder);
    *bytes /= (double)corpus->text_count;
    return best;
}

static int bench(uint32_t rules, size_t texts, uint64_t seed, bool dense)
{
    struct corpus corpus;
    struct reference reference;
    struct ct_error error = {0};
    corpus_make(&corpus, rules, texts, seed, dense);
    double start = now();
    corpus.set.program = ct_program_new(&corpus.set, NULL, &error);
    double load = (now() - start) / 1e6;
    struct ct_matcher *matcher = corpus.set.program ? ct_matcher_new(&corpus.set) : NULL;
    if (!matcher) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    reference_make(&reference, &corpus);
    /* both on the same part of the messages; the reference is slow */
    size_t compared = 600000 / rules < texts ? 600000 / rules : texts;
    struct tally want = {0, 0}, got = {0, 0};
    for (size_t i = 0; i < compared / 10; i++)
        reference_run(&reference, &corpus, i, &got);
    got = (struct tally){0, 0};
    start = now();
    for (size_t i = 0; i < compared; i++)
        reference_run(&reference, &corpus, i, &want);
    double plain = (now() - start) / (double)compared, bytes;
    for (size_t i = 0; i < compared; i++)
        matcher_run(matcher, &corpus, i, &got);
    double fold = time_fold(&corpus, &bytes), mine = time_matcher(matcher, &corpus, 5);
    struct ct_matcher_stats stats;
    ct_matcher_stats(matcher, &stats);
    double n = (double)stats.messages;
    printf("%s %5" PRIu32 " rules %5zu patterns | load %6.1f ms | %5.1f bytes, fold %5.1f ns (%.2f/byte) | PCRE2 loop "
           "%9.0f ns | here %7.0f ns "
           "| %5.1fx | a message: %.2f candidates, %.2f PCRE2 runs, %.2f hits | %s (%" PRIu64 " hits)\n",
           dense ? "dense" : "usual", rules, corpus.pattern_count, load, bytes, fold, fold / bytes, plain, mine,
           plain / mine, (double)stats.candidates / n, (double)stats.pcre_calls / n, (double)stats.hits / n,
           want.hits == got.hits && want.sum == got.sum ? "same hits" : "HITS DIFFER", want.hits);
    int failed = want.hits != got.hits || want.sum != got.sum;
    ct_matcher_free(matcher);
    ct_program_free(corpus.set.program);
    reference_done(&reference, &corpus);
    corpus_done(&corpus);
    return failed;
}

int main(int argc, char **argv)
{
    size_t texts = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    int failed = 0;
    for (int dense = 0; dense < 2; dense++) {
        if (argc > 1 && strcmp(argv[1], "all") != 0)
            failed |= bench((uint32_t)strtoul(argv[1], NULL, 10), texts, seed, dense);
        else
            failed |= bench(30, texts, seed, dense) | bench(300, texts, seed, dense) | bench(3000, texts, seed, dense);
    }
    return failed;
}
