/* rules.c - `convtap rules`: hands over to check, test, profile, diff and quality, and keeps the problems that a load
 * names. See rules.h. */
#include "cli/rules.h"

#include <stdio.h>
#include <stdlib.h>

static const struct ct_command *const commands[] = {&ct_rules_check, &ct_rules_test, &ct_rules_profile, &ct_rules_diff,
                                                    &ct_rules_quality};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void usage(FILE *to)
{
    fprintf(to, "Usage: convtap rules check|test|profile|diff|quality [OPTION]... [INPUT]...\n\n");
    for (int i = 0; i < COMMANDS; i++) {
        fprintf(to, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(to, "\nconvtap rules check --help explains one of them.\n");
}

int ct_cmd_rules(int argc, char **argv)
{
    static const size_t prefix = sizeof "rules " - 1;
    const char *word = argc > 1 ? argv[1] : "";
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(word, commands[i]->name + prefix) == 0) {
            return commands[i]->run(argc - 1, argv + 1);
        }
    }
    bool help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    if (!help && *word) {
        fprintf(stderr, "convtap rules: there is no \"%s\"\n\n", word);
    }
    usage(help ? stdout : stderr);
    if (help) {
        return fflush(stdout) == 0 ? CT_EXIT_DONE : CT_EXIT_OUTPUT;
    }
    return CT_EXIT_USAGE;
}

/* ---- problems --------------------------------------------------------------------------- */

void ct_rule_problems_add(void *context, char severity, const struct ct_error *problem)
{
    struct ct_rule_problems *problems = context;
    if (problems->errors_only && severity != 'e') {
        return; /* what `check` warns of is not what was asked */
    }
    problems->errors += severity == 'e';
    problems->warnings += severity != 'e';
    if (problems->count == problems->room) {
        size_t room = problems->room ? 2 * problems->room : 32;
        struct ct_rule_problem *grown = realloc(problems->at, room * sizeof *grown);
        if (grown == NULL) {
            problems->lost = true;
            return;
        }
        problems->at = grown;
        problems->room = room;
    }
    problems->at[problems->count] = (struct ct_rule_problem){severity, problems->count, *problem};
    problems->count++;
}

static int compare(const void *left, const void *right)
{
    const struct ct_rule_problem *a = left, *b = right;
    int order = strcmp(a->problem.file, b->problem.file);
    if (order == 0) {
        order = (a->problem.line > b->problem.line) - (a->problem.line < b->problem.line);
    }
    if (order == 0) {
        order = (a->problem.column > b->problem.column) - (a->problem.column < b->problem.column);
    }
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

void ct_rule_problems_sort(struct ct_rule_problems *problems)
{
    if (problems->count > 0) {
        qsort(problems->at, problems->count, sizeof *problems->at, compare);
    }
    if (problems->lost) {
        fprintf(stderr, "convtap rules: out of memory: not all problems are shown\n");
    }
}

void ct_rule_problems_print(struct ct_rule_problems *problems)
{
    ct_rule_problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++) {
        const struct ct_error *problem = &problems->at[i].problem;
        const char *name = problems->at[i].severity == 'e' ? "error" : "warning";
        if (problem->line > 0) {
            printf("%s:%u:%u: %s: %s\n", problem->file, problem->line, problem->column, name, problem->text);
        } else {
            printf("%s%s%s: %s\n", problem->file, problem->file[0] ? ": " : "", name, problem->text);
        }
    }
}

void ct_rule_problems_done(struct ct_rule_problems *problems)
{
    free(problems->at);
    *problems = (struct ct_rule_problems){0};
}
