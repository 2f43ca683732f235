/* rules.h - `convtap rules`: checks packs, runs their tests, says what each rule costs, what a change of rules changes,
 * and how good they are by human marks. rules.c finds the word after `rules`; each of the five has a file.
 */
#ifndef CT_RULES_COMMAND_H
#define CT_RULES_COMMAND_H

#include "cli/options.h"
#include "engine/rules.h"

/* argv[0] is "rules". They are named as in "rules check", with their own --help. */
int ct_cmd_rules(int argc, char **argv);
extern const struct ct_command ct_rules_check, ct_rules_test, ct_rules_profile, ct_rules_diff, ct_rules_quality;

/* The problems of a load, kept and sorted by place before they are shown: the loader finds them stage by stage. Zero it
 * (errors_only apart) and give it to ct_load_options as the context of ct_rule_problems_add. */
struct ct_rule_problems {
    struct ct_rule_problem {
        char severity; /* 'e', 'w' */
        size_t order;
        struct ct_error problem;
    } * at;
    size_t count, room;
    unsigned errors, warnings;
    bool errors_only, lost; /* lost: no memory for one */
};
void ct_rule_problems_add(void *context, char severity, const struct ct_error *problem);
/* By file, line, column. */
void ct_rule_problems_sort(struct ct_rule_problems *problems);
/* Sorts, and writes "file:line:column: error: text" lines to standard output. */
void ct_rule_problems_print(struct ct_rule_problems *problems);
void ct_rule_problems_done(struct ct_rule_problems *problems);

#endif
