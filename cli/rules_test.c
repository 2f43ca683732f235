/* rules_test.c - runs the tests that stand in the packs: each text on the whole rule set, each positive one again in
 * the ways people write it, and whole conversations to their outcome. Called by rules.c.
 */
#include "cli/rules.h"

#include "cli/packs.h"
#include "engine/conversation.h"
#include "engine/ruleset_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

static const struct ct_command *const self = &ct_rules_test;

/* How a positive text is written again. */
#define MUTATION_MAP(X)                                                                                                \
    X(AS_IS, "")                                                                                                       \
    X(UPPER, "in capitals")                                                                                            \
    X(PLAIN, "without accents")                                                                                        \
    X(NFD, "in NFD")                                                                                                   \
    X(DOUBLED, "with its last letter doubled")                                                                         \
    X(EMOJI, "with an emoji behind it")
enum mutation {
#define X(name, text) MUTATION_##name,
    MUTATION_MAP(X)
#undef X
        MUTATION_COUNT
};

struct runner {
    const struct ct_ruleset *rules;
    const char *only;
    struct ct_matcher *matcher;
    long texts, variants, todo, conversations, failures, mended;
    bool no_memory;
};

/* ---- the ways a text is written --------------------------------------------------------- */

/* All code points through a function, as malloc'ed UTF-8; NULL = out of memory. */
static char *map_chars(const char *text, size_t len, utf8proc_int32_t (*change)(utf8proc_int32_t))
{
    char *out = malloc(4 * len + 1); /* a character never grows beyond four bytes */
    size_t used = 0;
    for (size_t i = 0; out != NULL && i < len;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &code);
        i += n > 0 ? (size_t)n : 1;
        used += n > 0 ? (size_t)utf8proc_encode_char(change(code), (utf8proc_uint8_t *)out + used) : 0;
    }
    if (out != NULL) {
        out[used] = '\0';
    }
    return out;
}

/* "gracias" -> "graciass"; a text without letters stays as it is. */
static char *double_last_letter(const char *text, size_t len)
{
    size_t begin = 0, end = 0;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &code);
        size_t step = n > 0 ? (size_t)n : 1;
        utf8proc_category_t category = n > 0 ? utf8proc_category(code) : UTF8PROC_CATEGORY_CN;
        if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) {
            begin = i;
            end = i + step;
        } else if (end == i && i > 0 && category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) {
            end = i + step; /* a mark belongs to its letter */
        }
        i += step;
    }
    char *out = malloc(len + (end - begin) + 1);
    if (out != NULL) {
        memcpy(out, text, end);
        memcpy(out + end, text + begin, end - begin);
        memcpy(out + end + (end - begin), text + end, len - end);
        out[len + (end - begin)] = '\0';
    }
    return out;
}

static char *normalise(const char *text, size_t len, utf8proc_option_t options)
{
    utf8proc_uint8_t *out = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, &out, options);
    return n < 0 ? NULL : (char *)out;
}

static char *mutate(ct_span text, enum mutation how)
{
    char *out = NULL;
    switch (how) {
    case MUTATION_UPPER:
        return map_chars(text.at, text.len, utf8proc_toupper);
    case MUTATION_PLAIN:
        return normalise(text.at, text.len, UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK);
    case MUTATION_NFD:
        return normalise(text.at, text.len, UTF8PROC_DECOMPOSE);
    case MUTATION_DOUBLED:
        return double_last_letter(text.at, text.len);
    case MUTATION_EMOJI:
        return asprintf(&out, "%.*s \xF0\x9F\x99\x8F", (int)text.len, text.at) < 0 ? NULL : out;
    case MUTATION_AS_IS:
    case MUTATION_COUNT:
        break;
    }
    return strndup(text.at, text.len);
}

/* ---- texts ------------------------------------------------------------------------------ */

static bool wanted(const struct runner *run, ct_span id)
{
    if (run->only == NULL) {
        return true;
    }
    size_t len = strlen(run->only);
    if (len > 0 && run->only[len - 1] == '*') {
        return id.len >= len - 1 && memcmp(id.at, run->only, len - 1) == 0;
    }
    return ct_span_is(id, run->only);
}

static bool fires(struct runner *run, uint32_t rule, ct_span text)
{
    const struct ct_hit *hits;
    enum ct_role role = run->rules->rules[rule].role;
    ct_matcher_begin(run->matcher);
    size_t count = ct_matcher_run(run->matcher, role == CT_ROLE_UNKNOWN ? CT_ROLE_USER : role, text, &hits);
    for (size_t i = 0; i < count; i++) {
        if (hits[i].rule == rule) {
            return true;
        }
    }
    return false;
}

static void print_place(const struct runner *run, uint16_t pack, uint32_t line, uint32_t column)
{
    ct_span file = run->rules->packs[pack].file;
    printf("%.*s:%u:%u: ", (int)file.len, file.at ? file.at : "", line, column);
}

/* Which of the ways it is written makes a positive fail; -1 = none. Accents matter to a rule on the raw view. */
static int first_failing_way(struct runner *run, const struct ct_rule_test *test, char **written)
{
    static const enum mutation ways[] = {MUTATION_AS_IS, MUTATION_UPPER,   MUTATION_PLAIN,
                                         MUTATION_NFD,   MUTATION_DOUBLED, MUTATION_EMOJI};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i] == MUTATION_PLAIN && run->rules->rules[test->rule].raw) {
            continue;
        }
        char *text = mutate(test->text, ways[i]);
        if (text == NULL) {
            run->no_memory = true;
            return -1;
        }
        run->variants += i > 0;
        if (!fires(run, test->rule, ct_span_of(text))) {
            *written = text;
            return (int)ways[i];
        }
        free(text);
    }
    return -1;
}

static void run_text(struct runner *run, const struct ct_rule_test *test)
{
    static const char *const how[] = {
#define X(name, text) text,
        MUTATION_MAP(X)
#undef X
    };
    const struct ct_rule *rule = &run->rules->rules[test->rule];
    bool todo = test->kind == CT_TEST_TODO_POS || test->kind == CT_TEST_TODO_NEG;
    bool positive = test->kind == CT_TEST_POS || test->kind == CT_TEST_TODO_POS;
    char *written = NULL;
    int way = -1;
    bool passes;
    if (positive) {
        way = first_failing_way(run, test, &written);
        passes = way < 0;
    } else {
        passes = !fires(run, test->rule, test->text);
    }
    run->texts += !todo;
    run->todo += todo;
    if (run->no_memory || passes != todo) {
        free(written);
        return;
    }
    print_place(run, test->pack, test->line, test->column);
    if (todo) { /* good news; it is to be written down as such */
        run->mended++;
        printf("%s passes now, make it %s: %.*s: '%.*s'\n", ct_test_kind_text(test->kind), positive ? "pos" : "neg",
               (int)rule->id.len, rule->id.at, (int)test->text.len, test->text.at);
        return;
    }
    run->failures++;
    printf("%s failed: %.*s %s: '%s'", ct_test_kind_text(test->kind), (int)rule->id.len, rule->id.at,
           positive ? "does not fire" : "fires", written ? written : test->text.at);
    printf(way > MUTATION_AS_IS ? " (%s)\n" : "%s\n", way > MUTATION_AS_IS ? how[way] : "");
    free(written);
}

/* ---- conversations ---------------------------------------------------------------------- */

static bool speaks_for(const struct runner *run, const struct ct_conversation_test *test)
{
    if (run->only == NULL) {
        return true;
    }
    for (uint32_t i = 0; i < test->rule_count; i++) {
        if (wanted(run, run->rules->rules[test->rules[i]].id)) {
            return true;
        }
    }
    return false;
}

/* The test's messages as a parser would emit them. With no `at` anywhere the conversation is untimed; else a message
 * without one comes with the one before it. */
static enum ct_status append_messages(struct ct_conversation *conversation, const struct ct_conversation_test *test)
{
    const ct_usec start = 1767225600 * CT_USEC_PER_SECOND; /* 2026-01-01T00:00:00Z: any day would do */
    bool timed = false;
    ct_usec at = 0;
    for (uint32_t i = 0; i < test->message_count; i++) {
        timed = timed || test->messages[i].at != CT_USEC_NONE;
    }
    for (uint32_t i = 0; i < test->message_count; i++) {
        const struct ct_test_message *from = &test->messages[i];
        struct ct_tool_call *calls = from->tool_count ? calloc(from->tool_count, sizeof *calls) : NULL;
        struct ct_message message;
        char id[24];
        if (from->tool_count > 0 && calls == NULL) {
            return CT_NO_MEMORY;
        }
        for (uint32_t t = 0; t < from->tool_count; t++) {
            calls[t].name = from->tools[t];
        }
        ct_message_init(&message);
        /* With ids of their own, equal texts at one time are two messages. */
        message.id = (ct_span){id, (size_t)snprintf(id, sizeof id, "%u", i)};
        message.conversation_id = test->name;
        message.text = from->text;
        message.role = from->role;
        message.event = from->event;
        message.seq = i;
        message.tool_calls = calls;
        message.tool_call_count = from->tool_count;
        at = from->at != CT_USEC_NONE ? from->at : at;
        message.ts = timed ? start + at : CT_USEC_NONE;
        bool duplicate;
        enum ct_status status = ct_conversation_append(conversation, &message, &duplicate);
        free(calls);
        if (status != CT_OK) {
            return status;
        }
    }
    return CT_OK;
}

static bool has_signal(const struct ct_record *record, uint16_t signal)
{
    const uint16_t *signals = ct_record_array(record, record->signals);
    for (uint32_t i = 0; i < record->signals.count; i++) {
        if (signals[i] == signal) {
            return true;
        }
    }
    return false;
}

static void fail_conversation(struct runner *run, const struct ct_conversation_test *test)
{
    run->failures++;
    print_place(run, test->pack, test->line, test->column);
    printf("conversation failed: '%.*s': ", (int)test->name.len, test->name.at);
}

static void compare_record(struct runner *run, const struct ct_conversation_test *test, const struct ct_record *record)
{
    static const char *const scores[] = {"csat", "nps", "ces", "css"};
    const struct ct_test_want *want = &test->want;
    if (want->has_outcome && record->outcome != want->outcome) {
        fail_conversation(run, test);
        printf("outcome is %s, not %s\n", ct_outcome_text((enum ct_outcome)record->outcome),
               ct_outcome_text(want->outcome));
    }
    for (uint32_t i = 0; i < want->signal_count; i++) {
        if (!has_signal(record, want->signals[i])) {
            fail_conversation(run, test);
            printf("no signal %s\n", run->rules->signals[want->signals[i]].name.at);
        }
    }
    for (uint32_t i = 0; i < want->not_signal_count; i++) {
        if (has_signal(record, want->not_signals[i])) {
            fail_conversation(run, test);
            printf("signal %s\n", run->rules->signals[want->not_signals[i]].name.at);
        }
    }
    for (unsigned k = 0; k < CT_SCORE_COUNT; k++) {
        const struct ct_score *score = &record->score[k];
        if (!want->score[k].said ||
            (score->present == want->score[k].present && (!score->present || score->value == want->score[k].value))) {
            continue;
        }
        char is[24] = "none", wants[24] = "none";
        if (score->present) {
            snprintf(is, sizeof is, "%d", (int)score->value);
        }
        if (want->score[k].present) {
            snprintf(wants, sizeof wants, "%d", (int)want->score[k].value);
        }
        fail_conversation(run, test);
        printf("%s is %s, not %s\n", scores[k], is, wants);
    }
}

static void run_conversations(struct runner *run)
{
    const struct ct_ruleset_tests *tests = run->rules->tests;
    const struct ct_conversation_options options = {.idle_cap_usec = 30 * CT_USEC_PER_MINUTE};
    struct ct_conversation *conversation = ct_conversation_new(run->rules, run->matcher, &options);
    run->no_memory = run->no_memory || conversation == NULL;
    for (size_t i = 0; i < tests->conversation_count && !run->no_memory; i++) {
        const struct ct_conversation_test *test = &tests->conversations[i];
        if (!speaks_for(run, test)) {
            continue;
        }
        run->conversations++;
        ct_conversation_begin(conversation, 1);
        enum ct_status status = append_messages(conversation, test);
        const struct ct_record *record = status == CT_OK ? ct_conversation_close(conversation) : NULL;
        if (record == NULL) {
            run->no_memory = true;
            break;
        }
        compare_record(run, test, record);
    }
    ct_conversation_free(conversation);
}

/* ---- all of them ------------------------------------------------------------------------ */

/* A rule that hits PCRE2's limits gives no verdict; its tests say nothing then. */
static void report_rule_errors(struct runner *run)
{
    for (uint32_t i = 0; i < run->rules->rule_count; i++) {
        uint64_t errors = ct_matcher_rule_errors(run->matcher, i);
        if (errors > 0) {
            run->failures++;
            print_place(run, run->rules->rules[i].pack, run->rules->rules[i].line, run->rules->rules[i].column);
            printf("rule %s hit a limit of PCRE2 %llu times: its pattern goes back and forth too much\n",
                   run->rules->rules[i].id.at, (unsigned long long)errors);
        }
    }
}

/* Failures, or -1 = memory ran out. */
static long run_all(struct runner *run)
{
    const struct ct_ruleset_tests *tests = run->rules->tests;
    run->matcher = ct_matcher_new(run->rules);
    run->no_memory = run->matcher == NULL;
    for (size_t i = 0; i < tests->text_count && !run->no_memory; i++) {
        if (wanted(run, run->rules->rules[tests->texts[i].rule].id)) {
            run_text(run, &tests->texts[i]);
        }
    }
    if (!run->no_memory) {
        run_conversations(run);
    }
    if (!run->no_memory) {
        report_rule_errors(run);
    }
    ct_matcher_free(run->matcher);
    return run->no_memory ? -1 : run->failures;
}

static int test(const char *folder, const char *only)
{
    struct ct_error error = {0};
    struct ct_rule_problems problems = {.errors_only = true};
    struct ct_load_options options = {.keep_tests = true, .context = &problems, .problem = ct_rule_problems_add};
    struct ct_ruleset *rules = ct_packs_ruleset(folder, &options, &error);
    int code = CT_EXIT_REFUSED;
    if (rules == NULL && problems.errors == 0) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "%s", error.text[0] ? error.text : ct_status_text(error.status));
    } else if (rules == NULL) {
        ct_rule_problems_print(&problems);
        printf("%u error%s: no test was run\n", problems.errors, problems.errors == 1 ? "" : "s");
    } else {
        struct runner run = {.rules = rules, .only = only};
        bool known = only == NULL;
        for (size_t i = 0; i < rules->rule_count && !known; i++) {
            known = wanted(&run, rules->rules[i].id);
        }
        long failures = known ? run_all(&run) : 0;
        if (!known) {
            code = ct_options_fail(self, CT_EXIT_USAGE, "--only: there is no rule \"%s\"", only);
        } else if (failures < 0) {
            code = ct_options_fail(self, CT_EXIT_OUTPUT, "%s", ct_status_text(CT_NO_MEMORY));
        } else {
            printf("%ld texts, %ld ways of writing them, %ld conversations: %ld failed; %ld known failures, %ld of "
                   "them pass now\n",
                   run.texts, run.variants, run.conversations, failures, run.todo, run.mended);
            code = failures > 0 ? CT_EXIT_REFUSED : CT_EXIT_DONE;
        }
    }
    ct_rule_problems_done(&problems);
    ct_ruleset_unref(rules);
    return code;
}

static int run(int argc, char **argv)
{
    const char *folder = NULL, *only = NULL;
    const struct ct_cli_option options[] = {
        {"rules", "DIR", CT_OPT_TEXT, &folder, 0, 0,
         "Folder of rule packs (*.yaml, *.json); by default those that convtap came with."},
        {"only", "ID", CT_OPT_TEXT, &only, 0, 0, "One rule, or all whose id begins so: 'es.*'."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && word_count > 0) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "takes no input (a folder of packs: --rules \"%s\")", words[0]);
    }
    free(words);
    if (code >= 0) {
        return code;
    }
    code = test(folder, only);
    return fflush(stdout) == 0 && !ferror(stdout) ? code
                                                  : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write the result");
}

const struct ct_command ct_rules_test = {
    .name = "rules test",
    .arguments = "",
    .summary = "Runs the tests that stand in the rule packs.",
    .details = "Each positive text is tried again in capitals, without accents, in NFD, with its last letter doubled\n"
               "and with an emoji behind it. Known failures (todo_pos, todo_neg) are run too: one that passes is\n"
               "named. Failures are named as file:line:column; exit status 1 if there is one.",
    .run = run,
};
