/* engine_ruleset.c - the pack loader: what good packs become, and every word about bad ones
 * (tests/golden/packs/README.md).
 */
#include "engine/match.h"
#include "engine/ruleset_tests.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the three above it */
#include <cmocka.h>

/* ---- allocations that fail -------------------------------------------------------------- */

/* Counts down to one failing allocation; below 0 = off. Only in builds without a sanitizer, which brings its own. */
static long allocations_left = -1;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ALLOCATIONS_FAIL 1
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

static bool fails(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

__attribute__((visibility("default"))) void *malloc(size_t bytes)
{
    return fails() ? NULL : __libc_malloc(bytes);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(count, bytes);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t bytes)
{
    return fails() ? NULL : __libc_realloc(old, bytes);
}
#else
#define ALLOCATIONS_FAIL 0
#endif

/* ---- reading and loading ---------------------------------------------------------------- */

struct text {
    char *at;
    size_t len, room;
};

static void text_add(struct text *text, const char *format, ...) CT_PRINTF(2, 3);
static void text_add(struct text *text, const char *format, ...)
{
    va_list args;
    char *more = NULL;
    va_start(args, format);
    int len = vasprintf(&more, format, args);
    va_end(args);
    assert_true(len >= 0);
    while (text->len + (size_t)len + 1 > text->room) {
        text->room = text->room ? 2 * text->room : 1024;
        text->at = realloc(text->at, text->room);
        assert_non_null(text->at);
    }
    memcpy(text->at + text->len, more, (size_t)len + 1);
    text->len += (size_t)len;
    free(more);
}

/* The file's bytes, exactly as long as they are, so that a read past them is seen. {NULL, 0} = no such file. */
static ct_span read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return CT_SPAN_NONE;
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    char *bytes = malloc(size > 0 ? (size_t)size : 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return (ct_span){bytes, (size_t)size};
}

static void span_free(ct_span span)
{
    free((char *)(uintptr_t)span.at);
}

static void note(void *context, char severity, const struct ct_error *problem)
{
    text_add(context, "%s %s:%u:%u %s\n", severity == 'e' ? "error" : "warning", problem->file, problem->line,
             problem->column, problem->text);
}

/* Loads texts as packs a.yaml, b.yaml, ...; the caller unrefs. */
static struct ct_ruleset *load_texts(const char *const *texts, size_t count, struct text *problems)
{
    static const char *const names[] = {"a.yaml", "b.yaml", "c.yaml", "d.yaml"};
    struct ct_pack_source sources[4];
    struct ct_load_options options = {
        .keep_tests = true, .context = problems, .problem = problems ? note : NULL, .hash_hex = CT_SPAN_LIT("abc")};
    assert_true(count <= 4);
    for (size_t i = 0; i < count; i++) {
        sources[i] = (struct ct_pack_source){ct_span_of(names[i]), ct_span_of(texts[i])};
    }
    return ct_ruleset_load(sources, count, &options, NULL);
}

static struct ct_ruleset *load_good(const char *const *texts, size_t count)
{
    struct text problems = {0};
    struct ct_ruleset *rules = load_texts(texts, count, &problems);
    if (rules == NULL || problems.len > 0) {
        print_message("%s", problems.at ? problems.at : "");
    }
    assert_non_null(rules);
    assert_int_equal(problems.len, 0);
    return rules;
}

static const struct ct_rule *rule_of(const struct ct_ruleset *rules, const char *id)
{
    for (size_t i = 0; i < rules->rule_count; i++) {
        if (ct_span_is(rules->rules[i].id, id)) {
            return &rules->rules[i];
        }
    }
    return NULL;
}

#define assert_span(span, text) assert_string_equal((span).at, text)

/* ---- golden ----------------------------------------------------------------------------- */

#define PACKS CT_SOURCE_DIR "/tests/golden/packs/"

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static size_t list_cases(char **names, size_t room)
{
    size_t count = 0;
    DIR *folder = opendir(PACKS);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".yaml") != 0 || strcmp(entry->d_name, "base.yaml") == 0 ||
            strstr(entry->d_name, ".second.") != NULL) {
            continue;
        }
        assert_true(count < room);
        names[count++] = strndup(entry->d_name, (size_t)(dot - entry->d_name));
    }
    closedir(folder);
    qsort(names, count, sizeof *names, compare_names);
    return count;
}

static bool run_case(const char *name, ct_span base)
{
    char paths[3][512], labels[2][128];
    snprintf(paths[0], sizeof paths[0], PACKS "%s.yaml", name);
    snprintf(paths[1], sizeof paths[1], PACKS "%s.second.yaml", name);
    snprintf(paths[2], sizeof paths[2], PACKS "%s.want", name);
    snprintf(labels[0], sizeof labels[0], "%s.yaml", name);
    snprintf(labels[1], sizeof labels[1], "%s.second.yaml", name);
    ct_span first = read_all(paths[0]), second = read_all(paths[1]), want = read_all(paths[2]);
    struct text got = {0};
    struct ct_error error = {0};
    struct ct_pack_source sources[] = {
        {ct_span_of(labels[0]), first}, {ct_span_of(labels[1]), second}, {CT_SPAN_LIT("base.yaml"), base}};
    if (second.at == NULL) {
        sources[1] = sources[2];
    }
    struct ct_load_options options = {.strict = true, .keep_tests = true, .context = &got, .problem = note};
    struct ct_ruleset *rules = ct_ruleset_load(sources, second.at ? 3 : 2, &options, &error);
    text_add(&got, "%s", "");
    bool refused = strncmp(got.at, "error ", 6) == 0 || strstr(got.at, "\nerror ") != NULL;
    assert_int_equal(rules == NULL, refused);
    assert_int_equal(error.status, refused ? CT_BAD_RULES : CT_OK);
    ct_ruleset_unref(rules);
    bool equal = want.at != NULL && want.len == got.len && memcmp(want.at, got.at, got.len) == 0;
    if (!equal && getenv("CT_UPDATE_GOLDEN") != NULL) {
        FILE *file = fopen(paths[2], "wb");
        assert_non_null(file);
        fwrite(got.at, 1, got.len, file);
        fclose(file);
        equal = true;
    }
    if (!equal) {
        print_error("%s: said\n%s-- instead of\n%.*s--\n", name, got.at, (int)want.len, want.at ? want.at : "");
    }
    span_free(first);
    span_free(second);
    span_free(want);
    free(got.at);
    return equal;
}

static void test_golden(void **state)
{
    (void)state;
    char *names[200];
    size_t count = list_cases(names, 200), wrong = 0;
    ct_span base = read_all(PACKS "base.yaml");
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        wrong += !run_case(names[i], base);
        free(names[i]);
    }
    span_free(base);
    assert_int_equal(wrong, 0);
}

/* ---- good packs ------------------------------------------------------------------------- */

static const char core[] = "pack: core\n"
                           "version: 2.1\n"
                           "scoring_level: 3\n"
                           "signals:\n"
                           "  ask: {role: user, means: human_requested, polarity: -1}\n"
                           "  offer: {role: bot, means: handoff_offered}\n"
                           "  survey: {role: bot, means: survey_csat}\n"
                           "  score: {role: user, means: score}\n"
                           "  free:\n"
                           "abstract:\n"
                           "  ask: {emit: ask, level: 2, turn: {min_user: 2}, within: {first: 10m}}\n"
                           "macros: {A: 'one|two', B: '{A}-{A}'}\n"
                           "emoji_scores: {\"\\u2764\\uFE0F\": 5}\n"
                           "rules:\n"
                           "  - {id: core.event, event: {type: handoff, phase: accepted}, emit: free}\n"
                           "  - {id: core.tool, event: {tool: ['x_*', y]}, emit: free}\n"
                           "  - {id: core.loop, signal: offer, at_least: 2, within_turns: 4, emit: free}\n"
                           "  - {id: core.score, after: {signal: survey, max_age: 7d}, emit: score,\n"
                           "     value: {as: nps, from: [digits, words], better: low}}\n"
                           "  - {id: core.repeat, repeat: {similarity: 70}, emit: free}\n"
                           "  - {id: core.context, if: [ask], after: {signal: offer, max_turns: 1}, emit: ask}\n";
static const char spanish[] = "pack: es\n"
                              "version: 1\n"
                              "language: es\n"
                              "extends: core\n"
                              "macros: {A: 'uno'}\n"
                              "number_words: {Tres: 3, dieciséis: 16, DIECISEIS: 16}\n"
                              "score_words: {Excelente: 5, tres: 1}\n"
                              "function_words: [Los, el, él, de]\n"
                              "rules:\n"
                              "  - id: es.ask\n"
                              "    rev: 7\n"
                              "    implements: ask\n"
                              "    any: ['{B} {A}', 'tres']\n"
                              "    not: ['no\\s']\n"
                              "    scope: clause\n"
                              "    tests: {pos: ['tres'], neg: ['no tres', 'cuatro']}\n"
                              "  - {id: es.raw, emit: ask, role: bot, channel: raw, any: ['Ñ'], level: 4}\n"
                              "  - {id: es.off, emit: ask, any: ['off'], enabled: false, tests: {pos: ['off']}}\n";

static void test_rules_and_order(void **state)
{
    (void)state;
    const char *packs[] = {spanish, core}; /* core is found though it comes last */
    struct text problems = {0};
    struct ct_ruleset *rules = load_texts(packs, 2, &problems);
    assert_non_null(rules);
    /* es.raw looks at the bot's messages for a customer's signal: said, not refused */
    assert_non_null(strstr(problems.at, "warning a.yaml:17:5 rule 'es.raw' looks at messages of 'bot'"));
    assert_int_equal(rules->pack_count, 2);
    assert_span(rules->packs[0].name, "core");
    assert_span(rules->packs[0].version, "2.1");
    assert_span(rules->packs[1].language, "es");
    assert_span(rules->packs[1].file, "a.yaml");
    assert_int_equal(rules->scoring_level, 3);
    assert_string_equal(rules->hash, "abc");
    static const char *const order[] = {"es.ask",    "es.raw",      "core.context", "core.score",
                                        "core.loop", "core.repeat", "core.event",   "core.tool"};
    assert_int_equal(rules->rule_count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_span(rules->rules[i].id, order[i]);
    }
    const struct ct_rule *ask = rule_of(rules, "es.ask"), *raw = rule_of(rules, "es.raw");
    assert_int_equal(ask->kind, CT_RULE_PATTERN);
    assert_int_equal(ask->rev, 7);
    assert_int_equal(ask->pack, 1);
    assert_int_equal(ask->role, CT_ROLE_USER);
    assert_int_equal(ask->level, 2);
    assert_int_equal(ask->min_user_turn, 2);
    assert_int_equal(ask->max_user_turn, 0);
    assert_true(ask->within_first == 10 * CT_USEC_PER_MINUTE);
    assert_true(ask->within_last == CT_USEC_NONE);
    assert_true(ask->not_by_clause);
    assert_false(ask->raw);
    assert_int_equal(ask->emit, ct_ruleset_signal(rules, CT_SPAN_LIT("ask")));
    /* A macro keeps the meaning that it had where it was written: {B} is core's, {A} the pack's own. */
    assert_int_equal(ask->any_count, 2);
    assert_span(ask->any[0].source, "{B} {A}");
    assert_span(ask->any[0].expanded, "(?:(?:one|two)-(?:one|two)) (?:uno)");
    assert_int_equal(ask->any[0].line, 13);
    assert_int_equal(ask->any[0].column, 11);
    assert_int_equal(ask->not_count, 1);
    assert_true(raw->raw);
    assert_int_equal(raw->role, CT_ROLE_BOT);
    assert_int_equal(raw->level, 4);
    ct_ruleset_unref(ct_ruleset_ref(rules));
    ct_ruleset_unref(rules);
    free(problems.at);
}

static void test_other_kinds(void **state)
{
    (void)state;
    const char *packs[] = {core};
    struct ct_ruleset *rules = load_good(packs, 1);
    const struct ct_rule *event = rule_of(rules, "core.event"), *tool = rule_of(rules, "core.tool");
    const struct ct_rule *loop = rule_of(rules, "core.loop"), *score = rule_of(rules, "core.score");
    const struct ct_rule *repeat = rule_of(rules, "core.repeat"), *context = rule_of(rules, "core.context");
    uint16_t offer = (uint16_t)ct_ruleset_signal(rules, CT_SPAN_LIT("offer"));
    assert_int_equal(event->event, CT_EVENT_HANDOFF);
    assert_int_equal(event->phase, CT_PHASE_ACCEPTED);
    assert_int_equal(event->role, CT_ROLE_UNKNOWN);
    assert_int_equal(tool->event, CT_EVENT_NONE);
    assert_int_equal(tool->tool_count, 2);
    assert_span(tool->tools[0], "x_*");
    assert_int_equal(loop->count_signal, offer);
    assert_int_equal(loop->at_least, 2);
    assert_int_equal(loop->within_turns, 4);
    assert_int_equal(loop->role, CT_ROLE_BOT); /* where the counted signal stands */
    assert_int_equal(score->score, CT_SCORE_NPS);
    assert_int_equal(score->scale_min, 0); /* what NPS is asked on */
    assert_int_equal(score->scale_max, 10);
    assert_int_equal(score->from, CT_FROM_DIGITS | CT_FROM_WORDS);
    assert_true(score->better_low);
    assert_true(score->after.max_age == 7 * CT_USEC_PER_DAY);
    assert_int_equal(score->after.max_turns, 0);
    assert_int_equal(repeat->role, CT_ROLE_USER);
    assert_int_equal(repeat->similarity_percent, 70);
    assert_int_equal(repeat->within_messages, 6);
    assert_int_equal(context->if_count, 1);
    assert_int_equal(context->after.signal, offer);
    assert_int_equal(context->after.role, CT_ROLE_BOT);
    assert_int_equal(context->after.max_turns, 1);
    assert_true(context->after.max_age == CT_USEC_NONE);
    const struct ct_signal *ask = &rules->signals[ct_ruleset_signal(rules, CT_SPAN_LIT("ask"))];
    assert_int_equal(ask->means, CT_MEANS_HUMAN_REQUESTED);
    assert_int_equal(ask->polarity, -1);
    assert_int_equal(ct_ruleset_signal(rules, CT_SPAN_LIT("as")), -1);
    ct_ruleset_unref(rules);
}

static void test_words(void **state)
{
    (void)state;
    const char *packs[] = {core, spanish};
    struct ct_ruleset *rules = load_texts(packs, 2, NULL);
    assert_non_null(rules);
    static const struct {
        const char *word;
        int value, scale;
    } wants[] = {{"dieciseis", 16, 0}, {"excelente", 5, 5}, {"tres", 3, 0}, {"tres", 1, 5}, {"\xE2\x9D\xA4", 5, 5}};
    assert_int_equal(rules->word_count, 5); /* the two spellings of 16 fold to one */
    for (size_t i = 0; i < 5; i++) {
        assert_span(rules->words[i].word, wants[i].word);
        assert_int_equal(rules->words[i].value, wants[i].value);
        assert_int_equal(rules->words[i].scale, wants[i].scale);
    }
    const struct ct_pack *es = &rules->packs[1];
    assert_int_equal(es->function_word_count, 3);
    assert_span(es->function_words[0], "de");
    assert_span(es->function_words[1], "el");
    assert_span(es->function_words[2], "los");
    ct_ruleset_unref(rules);
}

static void test_tests_are_kept(void **state)
{
    (void)state;
    static const char talk[] = "pack: talk\nversion: 1\nextends: es\n"
                               "conversations:\n"
                               "  - name: handed over\n"
                               "    rules: [core.tool, es.off]\n"
                               "    messages:\n"
                               "      - user: 'tres'\n"
                               "      - {role: bot, text: 'ok', at: 30s, tools: [y, z]}\n"
                               "      - {role: system, event: {type: handoff}}\n"
                               "    want: {outcome: escalated, signals: [free], csat: null, nps: 4}\n"
                               "  - {name: gone, rules: [es.off], messages: [{user: x}], want: {outcome: silent}}\n";
    const char *packs[] = {core, spanish, talk};
    struct ct_ruleset *rules = load_texts(packs, 3, NULL);
    assert_non_null(rules);
    const struct ct_ruleset_tests *tests = rules->tests;
    assert_int_equal(tests->text_count, 3); /* those of the rule that is off are gone */
    assert_span(rules->rules[tests->texts[0].rule].id, "es.ask");
    assert_int_equal(tests->texts[0].kind, CT_TEST_POS);
    assert_int_equal(tests->texts[2].kind, CT_TEST_NEG);
    assert_span(tests->texts[2].text, "cuatro");
    assert_int_equal(tests->texts[2].line, 16);
    assert_int_equal(tests->texts[2].column, 45);
    assert_int_equal(tests->conversation_count, 1); /* one spoke for a rule that is off, and for no other */
    const struct ct_conversation_test *test = &tests->conversations[0];
    assert_int_equal(test->rule_count, 1);
    assert_span(rules->rules[test->rules[0]].id, "core.tool");
    assert_int_equal(test->message_count, 3);
    assert_int_equal(test->messages[0].role, CT_ROLE_USER);
    assert_true(test->messages[0].at == CT_USEC_NONE);
    assert_true(test->messages[1].at == 30 * CT_USEC_PER_SECOND);
    assert_int_equal(test->messages[1].tool_count, 2);
    assert_int_equal(test->messages[2].event.type, CT_EVENT_HANDOFF);
    assert_int_equal(test->messages[2].event.phase, CT_PHASE_ACCEPTED);
    assert_true(test->want.has_outcome);
    assert_int_equal(test->want.outcome, CT_OUTCOME_ESCALATED);
    assert_true(test->want.score[CT_SCORE_CSAT].said && !test->want.score[CT_SCORE_CSAT].present);
    assert_int_equal(test->want.score[CT_SCORE_NPS].value, 4);
    assert_false(test->want.score[CT_SCORE_CES].said);
    assert_int_equal(tests->gap_count, 1);
    assert_int_equal(tests->gaps[0].count, 0);
    ct_ruleset_unref(rules);
}

static void test_tenant(void **state)
{
    (void)state;
    static const char tenant[] = "pack: acme\nversion: 3\nextends: es\n"
                                 "signals: {topic.refund: {means: topic}}\n"
                                 "macros: {A: 'acme'}\n"
                                 "disable: [core.repeat]\n"
                                 "extend:\n"
                                 "  es.ask: {any: ['{A} {B}'], not: ['never'], level: 1}\n"
                                 "  core.score: {scale: [1, 10]}\n"
                                 "rules:\n"
                                 "  - {id: acme.refund, emit: topic.refund, any: ['refund']}\n";
    const char *packs[] = {tenant, spanish, core};
    struct ct_ruleset *rules = load_texts(packs, 3, NULL);
    assert_non_null(rules);
    assert_span(rules->packs[2].name, "acme");
    assert_null(rule_of(rules, "core.repeat"));
    const struct ct_rule *ask = rule_of(rules, "es.ask"), *refund = rule_of(rules, "acme.refund");
    assert_int_equal(ask->any_count, 3);
    assert_span(ask->any[2].expanded, "(?:acme) (?:(?:one|two)-(?:one|two))");
    assert_int_equal(ask->not_count, 2);
    assert_int_equal(ask->level, 1);
    assert_int_equal(rule_of(rules, "core.score")->scale_max, 10);
    assert_int_equal(refund->role, CT_ROLE_UNKNOWN);
    assert_int_equal(refund->pack, 2);
    ct_ruleset_unref(rules);
}

static void test_nothing_to_load(void **state)
{
    (void)state;
    struct ct_error error = {0};
    assert_null(ct_ruleset_load(NULL, 0, NULL, &error));
    assert_int_equal(error.status, CT_BAD_RULES);
    assert_null(ct_ruleset_load(NULL, 0, NULL, NULL));
    ct_ruleset_unref(NULL);
    assert_string_equal(ct_meaning_text(CT_MEANS_NO_MORE), "no_more");
    assert_string_equal(ct_meaning_text(CT_MEANS_COUNT), "");
}

/* The first problem is what *err holds, with its place. */
static void test_first_error(void **state)
{
    (void)state;
    static const char pack[] = "pack: x\nversion: 1\nrules:\n  - {id: x.a, emit: none, any: ['a(']}\n";
    struct ct_pack_source source = {CT_SPAN_LIT("x.yaml"), {pack, sizeof pack - 1}};
    struct ct_error error = {0};
    assert_null(ct_ruleset_load(&source, 1, NULL, &error));
    assert_string_equal(error.file, "x.yaml");
    assert_int_equal(error.line, 4);
    assert_int_equal(error.column, 21);
    assert_non_null(strstr(error.text, "signal 'none' is not declared"));
}

/* ---- whatever comes --------------------------------------------------------------------- */

static ct_span shipped[16];
static char shipped_names[16][300];
static size_t shipped_count;

static void read_shipped(void)
{
    char *names[16];
    DIR *folder = opendir(CT_SOURCE_DIR "/rules");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        if (entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".yaml") == 0) {
            assert_true(shipped_count < 16);
            names[shipped_count++] = strdup(entry->d_name);
        }
    }
    closedir(folder);
    qsort(names, shipped_count, sizeof *names, compare_names);
    for (size_t i = 0; i < shipped_count; i++) {
        char path[600];
        snprintf(shipped_names[i], sizeof shipped_names[i], "%s", names[i]);
        snprintf(path, sizeof path, CT_SOURCE_DIR "/rules/%s", names[i]);
        shipped[i] = read_all(path);
        free(names[i]);
    }
}

/* The packs that convtap comes with hold under strict checking, and each pattern rule has its tests. */
static void test_shipped(void **state)
{
    (void)state;
    struct ct_pack_source sources[16];
    struct text problems = {0};
    struct ct_load_options options = {.strict = true, .keep_tests = true, .context = &problems, .problem = note};
    for (size_t i = 0; i < shipped_count; i++) {
        sources[i] = (struct ct_pack_source){ct_span_of(shipped_names[i]), shipped[i]};
    }
    struct ct_ruleset *rules = ct_ruleset_load(sources, shipped_count, &options, NULL);
    if (rules == NULL) {
        print_message("%s", problems.at ? problems.at : "");
    }
    assert_non_null(rules);
    ct_ruleset_unref(rules);
    free(problems.at);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Damaged packs are refused or read, never more: bytes changed, lines dropped or doubled, the end cut off. */
static void damage(char *bytes, size_t *len, uint64_t *random)
{
    static const char parts[] = "{}[]()|\\'\"*&!:-,#%@~?\n\t \xC3\xA9\x80\xFF{A}<<";
    for (unsigned n = (unsigned)(next_random(random) % 4) + 1; n > 0 && *len > 2; n--) {
        size_t at = next_random(random) % *len, much = next_random(random) % 12 + 1;
        much = much > *len - at ? *len - at : much;
        switch (next_random(random) % 4) {
        case 0:
            bytes[at] = parts[next_random(random) % (sizeof parts - 1)];
            break;
        case 1:
            memmove(bytes + at, bytes + at + much, *len - at - much);
            *len -= much;
            break;
        case 2:
            memmove(bytes + at + much, bytes + at, *len - at); /* room for it is the caller's */
            *len += much;
            break;
        default:
            if (next_random(random) % 8 == 0) {
                *len = at;
            }
        }
    }
}

static void test_damaged(void **state)
{
    (void)state;
    uint64_t random = 0x9E3779B97F4A7C15u;
    const size_t room = sizeof core + sizeof spanish + 64;
    for (unsigned round = 0; round < 3000; round++) {
        bool first = round % 2 == 0;
        char *bytes = malloc(room);
        assert_non_null(bytes);
        size_t len = first ? sizeof core - 1 : sizeof spanish - 1;
        memcpy(bytes, first ? core : spanish, len);
        damage(bytes, &len, &random);
        char *exact = realloc(bytes, len ? len : 1);
        struct text problems = {0};
        struct ct_error error = {0};
        struct ct_pack_source sources[] = {
            {CT_SPAN_LIT("core.yaml"), first ? (ct_span){exact, len} : (ct_span){core, sizeof core - 1}},
            {CT_SPAN_LIT("es.yaml"), first ? (ct_span){spanish, sizeof spanish - 1} : (ct_span){exact, len}}};
        struct ct_load_options options = {.strict = true, .keep_tests = true, .context = &problems, .problem = note};
        struct ct_ruleset *rules = ct_ruleset_load(sources, 2, &options, &error);
        assert_int_equal(rules == NULL, error.status != CT_OK);
        assert_true(rules != NULL || problems.len > 0);
        ct_ruleset_unref(rules);
        free(problems.at);
        free(exact);
    }
}

/* Every allocation of a load fails in turn: no crash, no leak (the sanitizer build sees the rest), a clear status. */
static void test_no_memory(void **state)
{
    (void)state;
    if (!ALLOCATIONS_FAIL) {
        print_message("skipped: a sanitizer owns the allocator\n");
        skip();
    }
    struct ct_pack_source sources[] = {{CT_SPAN_LIT("core.yaml"), {core, sizeof core - 1}},
                                       {CT_SPAN_LIT("es.yaml"), {spanish, sizeof spanish - 1}}};
    struct ct_load_options options = {.keep_tests = true};
    struct ct_ruleset *rules = NULL;
    long n = 0;
    for (; rules == NULL && n < 100000; n++) {
        struct ct_error error = {0};
        allocations_left = n;
        rules = ct_ruleset_load(sources, 2, &options, &error);
        bool reached = allocations_left < 0;
        allocations_left = -1;
        if (rules == NULL) {
            assert_true(reached);
            /* the matcher passes on what PCRE2 says when it gets none */
            assert_true(error.status == CT_NO_MEMORY || strstr(error.text, "heap memory") != NULL);
        } else if (reached) { /* PCRE2's compiler runs without its optional memory (JIT): as good a set */
            ct_ruleset_unref(rules);
            rules = NULL;
        }
    }
    assert_non_null(rules);
    assert_true(n > 50);
    ct_ruleset_unref(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),          cmocka_unit_test(test_rules_and_order),
        cmocka_unit_test(test_other_kinds),     cmocka_unit_test(test_words),
        cmocka_unit_test(test_tests_are_kept),  cmocka_unit_test(test_tenant),
        cmocka_unit_test(test_nothing_to_load), cmocka_unit_test(test_first_error),
        cmocka_unit_test(test_shipped),         cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_no_memory),
    };
    read_shipped();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < shipped_count; i++) {
        span_free(shipped[i]);
    }
    return failed;
}
