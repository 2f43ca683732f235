/* rules_check.c - `convtap rules check`: every problem of the rule packs, then what they hold. */
#include "cli/rules.h"

#include "cli/packs.h"
#include "engine/match.h"
#include "engine/ruleset_tests.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static const struct ct_command *const self = &ct_rules_check;

static const char *const kind_names[] = {
#define X(name, text) text,
    CT_RULE_KIND_MAP(X)
#undef X
};
enum { KINDS = sizeof kind_names / sizeof kind_names[0] };

/* ---- what the set holds ----------------------------------------------------------------- */

static void print_summary(const struct ct_ruleset *rules)
{
    size_t kinds[KINDS] = {0}, blind = 0, todo = 0;
    const struct ct_ruleset_tests *tests = rules->tests;
    for (size_t i = 0; i < rules->rule_count; i++) {
        kinds[rules->rules[i].kind]++;
    }
    printf("packs    ");
    for (size_t i = 0; i < rules->pack_count; i++) {
        printf("%s%s %s", i ? ", " : "", rules->packs[i].name.at, rules->packs[i].version.at);
    }
    printf("\nrules    %zu:", rules->rule_count);
    for (unsigned k = 0; k < KINDS; k++) {
        printf("%s %zu %s", k ? "," : "", kinds[k], kind_names[k]);
    }
    for (size_t i = 0; i < tests->text_count; i++) {
        todo += tests->texts[i].kind == CT_TEST_TODO_POS || tests->texts[i].kind == CT_TEST_TODO_NEG;
    }
    printf("\nsignals  %zu\nwords    %zu\ntests    %zu texts, %zu known failures, %zu conversations\n",
           rules->signal_count, rules->word_count, tests->text_count - todo, todo, tests->conversation_count);
    for (size_t i = 0; i < tests->gap_count; i++) {
        const struct ct_pack_gap *gap = &tests->gaps[i];
        printf("%s %s leaves out %u of %zu abstract rules%s", i ? "        " : "gaps    ",
               rules->packs[gap->pack].name.at, gap->count, tests->abstract_count, gap->count ? ":" : "");
        for (uint32_t n = 0; n < gap->count; n++) {
            printf(" %s", gap->names[n].at);
        }
        printf("\n");
    }
    printf("blind   ");
    for (uint32_t i = 0; i < rules->rule_count; i++) {
        if (rules->rules[i].kind == CT_RULE_PATTERN && !ct_program_rule_has_literal(rules->program, i)) {
            printf(" %s", rules->rules[i].id.at);
            blind++;
        }
    }
    printf("%s\n", blind ? " (no word that every match holds: they run on every message)" : " none");
}

static cJSON *text_item(ct_span text)
{
    return cJSON_CreateString(text.at ? text.at : "");
}

static void add_summary(cJSON *out, const struct ct_ruleset *rules)
{
    size_t kinds[KINDS] = {0};
    cJSON *packs = cJSON_AddArrayToObject(out, "packs"), *by_kind = cJSON_AddObjectToObject(out, "rules");
    cJSON *gaps = cJSON_AddObjectToObject(out, "left_out"), *blind = cJSON_AddArrayToObject(out, "without_literal");
    for (size_t i = 0; i < rules->pack_count; i++) {
        cJSON *pack = cJSON_CreateObject();
        cJSON_AddItemToObject(pack, "name", text_item(rules->packs[i].name));
        cJSON_AddItemToObject(pack, "version", text_item(rules->packs[i].version));
        cJSON_AddItemToObject(pack, "language", text_item(rules->packs[i].language));
        cJSON_AddItemToObject(pack, "file", text_item(rules->packs[i].file));
        cJSON_AddItemToArray(packs, pack);
    }
    for (uint32_t i = 0; i < rules->rule_count; i++) {
        kinds[rules->rules[i].kind]++;
        if (rules->rules[i].kind == CT_RULE_PATTERN && !ct_program_rule_has_literal(rules->program, i)) {
            cJSON_AddItemToArray(blind, text_item(rules->rules[i].id));
        }
    }
    for (unsigned k = 0; k < KINDS; k++) {
        cJSON_AddNumberToObject(by_kind, kind_names[k], (double)kinds[k]);
    }
    for (size_t i = 0; i < rules->tests->gap_count; i++) {
        const struct ct_pack_gap *gap = &rules->tests->gaps[i];
        cJSON *names = cJSON_AddArrayToObject(gaps, rules->packs[gap->pack].name.at);
        for (uint32_t n = 0; n < gap->count; n++) {
            cJSON_AddItemToArray(names, text_item(gap->names[n]));
        }
    }
    cJSON_AddNumberToObject(out, "signals", (double)rules->signal_count);
    cJSON_AddNumberToObject(out, "words", (double)rules->word_count);
    cJSON_AddNumberToObject(out, "test_texts", (double)rules->tests->text_count);
    cJSON_AddNumberToObject(out, "test_conversations", (double)rules->tests->conversation_count);
    cJSON_AddStringToObject(out, "rules_hash", rules->hash);
}

static bool print_json(cJSON *out)
{
    char *text = cJSON_Print(out);
    if (text != NULL) {
        printf("%s\n", text);
    }
    cJSON_free(text);
    return text != NULL;
}

static void add_problems(cJSON *out, struct ct_rule_problems *problems)
{
    cJSON *list = cJSON_AddArrayToObject(out, "problems");
    ct_rule_problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++) {
        const struct ct_error *problem = &problems->at[i].problem;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "severity", problems->at[i].severity == 'e' ? "error" : "warning");
        cJSON_AddStringToObject(item, "file", problem->file);
        cJSON_AddNumberToObject(item, "line", problem->line);
        cJSON_AddNumberToObject(item, "column", problem->column);
        cJSON_AddStringToObject(item, "text", problem->text);
        cJSON_AddItemToArray(list, item);
    }
}

static void write_json(const struct ct_ruleset *rules, struct ct_rule_problems *problems)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddBoolToObject(out, "ok", rules != NULL);
    cJSON_AddNumberToObject(out, "errors", problems->errors);
    cJSON_AddNumberToObject(out, "warnings", problems->warnings);
    if (rules != NULL) {
        add_summary(out, rules);
    }
    add_problems(out, problems);
    (void)print_json(out);
    cJSON_Delete(out);
}

static int check(const char *folder, bool json)
{
    struct ct_error error = {0};
    struct ct_rule_problems problems = {0};
    struct ct_load_options options = {
        .strict = true, .keep_tests = true, .context = &problems, .problem = ct_rule_problems_add};
    struct ct_ruleset *rules = ct_packs_ruleset(folder, &options, &error);
    int code = rules != NULL ? CT_EXIT_DONE : CT_EXIT_REFUSED;
    if (rules == NULL && problems.errors == 0) { /* before any pack was looked at */
        ct_rule_problems_done(&problems);
        return ct_options_fail(self, CT_EXIT_USAGE, "%s", error.text[0] ? error.text : ct_status_text(error.status));
    }
    if (json) {
        write_json(rules, &problems);
    } else {
        ct_rule_problems_print(&problems);
        if (rules != NULL) {
            print_summary(rules);
        }
        printf("%u error%s, %u warning%s\n", problems.errors, problems.errors == 1 ? "" : "s", problems.warnings,
               problems.warnings == 1 ? "" : "s");
    }
    ct_rule_problems_done(&problems);
    ct_ruleset_unref(rules);
    return code;
}

static int run(int argc, char **argv)
{
    const char *folder = NULL;
    bool json = false;
    const struct ct_cli_option options[] = {
        {"rules", "DIR", CT_OPT_TEXT, &folder, 0, 0,
         "Folder of rule packs (*.yaml, *.json); by default those that convtap came with."},
        {"json", NULL, CT_OPT_FLAG, &json, 0, 0, "The result as one JSON object."},
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
    code = check(folder, json);
    return fflush(stdout) == 0 && !ferror(stdout) ? code
                                                  : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write the result");
}

const struct ct_command ct_rules_check = {
    .name = "rules check",
    .arguments = "",
    .summary = "Names every problem of the rule packs, then sums up what they hold.",
    .details = "Problems are named as file:line:column, with the pattern as it is after its macros and a caret.\n"
               "Then: packs, rules by kind, signals, the abstract rules that a language leaves out, and the rules\n"
               "that run on every message because no words can be told that each match must hold.",
    .run = run,
};
