/* rules_profile.c - `convtap rules profile`: what each pattern rule costs on real messages.
 *
 * Each rule is measured as a set of its own, prefilter and all, over the same texts; what folding and the empty set
 * take is measured first and subtracted. The sum is therefore not the cost of all together: they share one pass for
 * their words. Times are this machine's; the counts beside them are the same everywhere.
 */
#include "cli/rules.h"

#include "cli/session.h"
#include "engine/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct ct_command *const self = &ct_rules_profile;

/* Long enough to be measured, and not for ever: rounds over all texts until the first is reached. */
enum { ENOUGH_NSEC = 30000000, ROUNDS_MAX = 5 };

struct sample {
    struct ct_arena arena;
    struct text {
        enum ct_role role;
        ct_span at;
    } * texts;
    size_t count, limit, bytes;
    uint64_t refused;
};

struct cost {
    uint32_t rule;
    uint64_t nsec; /* over all texts, the empty set's subtracted */
    struct ct_matcher_stats stats;
};

/* ---- the texts -------------------------------------------------------------------------- */

static enum ct_status take_message(void *context, const struct ct_message *message)
{
    struct sample *sample = context;
    bool ok = true;
    if (message->text.len == 0 || sample->count == sample->limit) {
        return CT_OK; /* the rest is read all the same: what it holds that is refused is counted */
    }
    struct text *text = &sample->texts[sample->count];
    text->role = message->role;
    text->at = ct_arena_copy(&sample->arena, message->text, &ok);
    sample->count += ok;
    sample->bytes += ok ? message->text.len : 0;
    return ok ? CT_OK : CT_NO_MEMORY;
}

static enum ct_status take_end(void *context, ct_span conversation_id)
{
    (void)context;
    (void)conversation_id;
    return CT_OK;
}

static void take_refusal(void *context, const struct ct_refusal *refusal)
{
    struct sample *sample = context;
    (void)refusal;
    sample->refused++;
}

/* ---- measuring -------------------------------------------------------------------------- */

static uint64_t now_nsec(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The least of some rounds over all texts: the others were disturbed. false = out of memory. */
static bool measure(const struct ct_ruleset *rules, const struct sample *sample, uint64_t *nsec,
                    struct ct_matcher_stats *stats)
{
    struct ct_matcher *matcher = ct_matcher_new(rules);
    uint64_t total = 0;
    if (matcher == NULL) {
        return false;
    }
    *nsec = UINT64_MAX;
    for (int round = 0; round < ROUNDS_MAX && (round == 0 || total < ENOUGH_NSEC); round++) {
        uint64_t begin = now_nsec();
        for (size_t i = 0; i < sample->count; i++) {
            const struct ct_hit *hits;
            (void)ct_matcher_run(matcher, sample->texts[i].role, sample->texts[i].at, &hits);
        }
        uint64_t took = now_nsec() - begin;
        total += took;
        *nsec = took < *nsec ? took : *nsec;
        if (round == 0) {
            ct_matcher_stats(matcher, stats);
        }
    }
    ct_matcher_free(matcher);
    return true;
}

/* A set of `count` rules from `first` on, everything else as in `rules`. */
static bool measure_part(const struct ct_ruleset *rules, size_t first, size_t count, const struct sample *sample,
                         uint64_t *nsec, struct ct_matcher_stats *stats)
{
    struct ct_ruleset part = *rules;
    struct ct_error error;
    part.rules = rules->rules + first;
    part.rule_count = count;
    part.program = ct_program_new(&part, &(struct ct_load_options){0}, &error);
    bool ok = part.program != NULL && measure(&part, sample, nsec, stats);
    ct_program_free(part.program);
    return ok;
}

static int compare(const void *left, const void *right)
{
    const struct cost *a = left, *b = right;
    return a->nsec != b->nsec ? (a->nsec < b->nsec ? 1 : -1) : (a->rule > b->rule) - (a->rule < b->rule);
}

static double per_message(uint64_t value, const struct sample *sample)
{
    return (double)value / (double)sample->count;
}

static void print(const struct ct_ruleset *rules, const struct sample *sample, struct cost *costs, size_t count,
                  unsigned top, uint64_t empty, uint64_t all)
{
    printf("%zu messages, %.0f bytes each: %.0f ns a message, %.0f of them folding\n\n", sample->count,
           per_message(sample->bytes, sample), per_message(all, sample), per_message(empty, sample));
    printf("%12s %12s %12s %10s %8s  %s\n", "ns/message", "candidates", "PCRE2 runs", "fired", "errors", "rule");
    qsort(costs, count, sizeof *costs, compare);
    for (size_t i = 0; i < count && (top == 0 || i < top); i++) {
        const struct ct_matcher_stats *s = &costs[i].stats;
        printf("%12.1f %12llu %12llu %10llu %8llu  %s\n", per_message(costs[i].nsec, sample),
               (unsigned long long)s->candidates, (unsigned long long)s->pcre_calls, (unsigned long long)s->hits,
               (unsigned long long)s->rule_errors, rules->rules[costs[i].rule].id.at);
    }
}

static int profile(const struct ct_ruleset *rules, const struct sample *sample, unsigned top)
{
    size_t count = 0;
    uint64_t empty, all;
    struct ct_matcher_stats stats;
    struct cost *costs = calloc(rules->rule_count + 1, sizeof *costs);
    bool ok =
        costs != NULL && measure_part(rules, 0, 0, sample, &empty, &stats) && measure(rules, sample, &all, &stats);
    for (uint32_t i = 0; ok && i < rules->rule_count; i++) {
        struct cost *cost = &costs[count];
        if (rules->rules[i].kind != CT_RULE_PATTERN) {
            continue;
        }
        cost->rule = i;
        ok = measure_part(rules, i, 1, sample, &cost->nsec, &cost->stats);
        cost->nsec = cost->nsec > empty ? cost->nsec - empty : 0;
        count++;
    }
    if (ok) {
        print(rules, sample, costs, count, top, empty, all);
    }
    free(costs);
    return ok ? CT_EXIT_DONE : ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
}

/* ---- the command ------------------------------------------------------------------------ */

static int read_and_profile(struct ct_session *session, struct sample *sample, unsigned top)
{
    struct ct_error error = {0};
    uint64_t events = 0;
    const struct ct_parse_out out = {sample, take_message, take_end, take_refusal, NULL};
    ct_arena_init(&sample->arena, (size_t)256 << 10, 0);
    sample->texts = calloc(sample->limit, sizeof *sample->texts);
    enum ct_status status =
        sample->texts != NULL ? ct_batch_each(&session->batch, &session->inputs, &out, &events, &error) : CT_NO_MEMORY;
    int code;
    if (status != CT_OK) {
        code = ct_session_fail(self, status, &error);
    } else if (sample->count == 0) {
        code = ct_options_fail(self, CT_EXIT_REFUSED, "no message with a text in the input");
    } else {
        code = profile(session->rules, sample, top);
    }
    if (events) {
        fprintf(stderr, "%llu business events passed over: they have no messages\n", (unsigned long long)events);
    }
    if (code == CT_EXIT_DONE && sample->refused > 0) {
        fprintf(stderr, "%llu records refused; convtap audit names them\n", (unsigned long long)sample->refused);
        code = CT_EXIT_REFUSED;
    }
    free(sample->texts);
    ct_arena_done(&sample->arena);
    return code;
}

static int run(int argc, char **argv)
{
    struct ct_session_arguments a = CT_SESSION_DEFAULTS;
    unsigned messages = 5000, top = 0;
    const struct ct_cli_option options[] = {
        {"rules", "DIR", CT_OPT_TEXT, &a.rules, 0, 0,
         "Folder of rule packs (*.yaml, *.json); by default those that convtap came with."},
        {"messages", "N", CT_OPT_COUNT, &messages, 1, 1000000, "Messages to measure on: the first ones. Default 5000."},
        {"top", "N", CT_OPT_COUNT, &top, 1, 100000, "Only the N dearest rules. Default: all."},
        {"format", "NAME", CT_OPT_TEXT, &a.format, 0, 0,
         "How the inputs are written (convtap formats lists them); told from the content by default."},
        {"format-option", "NAME=VALUE", CT_OPT_LIST, &a.format_options, 0, 0,
         "An option of the format, such as zone=Europe/Madrid; may be repeated."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    struct ct_session session = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = ct_session_open(&session, self, &a, words, word_count);
    }
    if (code < 0) {
        struct sample sample = {.limit = messages};
        code = read_and_profile(&session, &sample, top);
    }
    ct_session_close(&session);
    free(words);
    return fflush(stdout) == 0 && !ferror(stdout) ? code
                                                  : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write the result");
}

const struct ct_command ct_rules_profile = {
    .name = "rules profile",
    .arguments = "INPUT...",
    .summary = "What each pattern rule costs on the messages of an archive.",
    .details =
        "Each rule is measured alone, dearest first: CPU time a message beyond folding, the share of messages on\n"
        "which its words were found (candidates), how often PCRE2 ran, how often it fired, and how often it\n"
        "hit PCRE2's limits.",
    .run = run,
};
