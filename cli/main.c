/* main.c - the `convtap` program: finds the subcommand and hands over. It alone knows them all. */
#include "cli/commands.h"
#include "cli/config_command.h"
#include "cli/kpis.h"
#include "cli/man.h"
#include "cli/rules.h"

#include <signal.h>

static const struct ct_command rules_command = {
    .name = "rules",
    .arguments = "check|test|profile|diff|quality",
    .summary = "Checks rule packs, runs the tests that stand in them, measures and compares them.",
    .run = ct_cmd_rules};

static const struct ct_command *const commands[] = {
    &ct_command_audit,    &ct_command_serve,  &ct_command_replay, &ct_command_explain,
    &ct_command_classify, &rules_command,     &ct_command_kpis,   &ct_command_formats,
    &ct_command_feedback, &ct_command_config, &ct_command_db,     &ct_command_demo,
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

/* Those that have options of their own, for the manual page. */
static const struct ct_command *const leaves[] = {
    &ct_command_audit,        &ct_command_serve, &ct_command_replay, &ct_command_explain, &ct_command_classify,
    &ct_rules_check,          &ct_rules_test,    &ct_rules_profile,  &ct_rules_diff,      &ct_rules_quality,
    &ct_command_kpis,         &ct_kpis_compare,  &ct_kpis_invoice,   &ct_command_formats, &ct_config_show_command,
    &ct_config_check_command, &ct_db_check,      &ct_db_dump,        &ct_db_info,         &ct_command_demo,
    &ct_command_feedback,
};

static void usage(FILE *to)
{
    fprintf(to,
            "convtap %s - conversation analytics whose every number leads to a message and a rule\n\n"
            "Usage: convtap SUBCOMMAND [OPTION]... [INPUT]...\n\n",
            CT_VERSION);
    ct_options_commands(to, commands, COMMAND_COUNT);
    fprintf(to, "\nconvtap SUBCOMMAND --help explains one of them.\n");
}

int main(int argc, char **argv)
{
    static char help[] = "--help";
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an output that cannot be written: status 3 */
    if (argc < 2) {
        usage(stderr);
        return CT_EXIT_USAGE;
    }
    ct_span name = ct_span_of(argv[1]);
    if (ct_span_is(name, "help") && argc > 2 && strcmp(argv[2], "--man") == 0) {
        return ct_man_write(leaves, sizeof leaves / sizeof *leaves);
    }
    if (ct_span_is(name, "help") && argc > 2 && argv[2][0] != '-') { /* help rules check = rules check --help */
        for (int i = 1; i + 1 < argc; i++) {
            argv[i] = argv[i + 1];
        }
        argv[argc - 1] = help;
        name = ct_span_of(argv[1]);
    } else if (ct_span_is(name, "help") || ct_span_is(name, "--help") || ct_span_is(name, "-h")) {
        usage(stdout);
        return fflush(stdout) == 0 ? CT_EXIT_DONE : CT_EXIT_OUTPUT;
    } else if (ct_span_is(name, "--version") || ct_span_is(name, "version")) {
        printf("convtap %s\n", CT_VERSION);
        return fflush(stdout) == 0 ? CT_EXIT_DONE : CT_EXIT_OUTPUT;
    }
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (ct_span_is(name, commands[i]->name)) {
            return commands[i]->run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "convtap: there is no subcommand \"%.*s\"\n\n", (int)name.len, name.at);
    usage(stderr);
    return CT_EXIT_USAGE;
}
