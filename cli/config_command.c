/* config_command.c - `convtap config`: shows what is set and where it came from; checks a configuration file with all
 * that it names. */
#include "cli/config_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/config.h"
#include "cli/quality_inputs.h"
#include "cli/serve_config.h"
#include "engine/cost.h"

/* ---- show ------------------------------------------------------------------------------- */

static int show_run(int argc, char **argv)
{
    static const struct ct_command *const self = &ct_config_show_command;
    struct ct_session_arguments a = CT_SESSION_DEFAULTS;
    bool markdown = false;
    const struct ct_cli_option options[] = {
        {"markdown", NULL, CT_OPT_FLAG, &markdown, 0, 0, "The page docs/configuration.md instead."},
        CT_SESSION_OPTIONS(&a),
        CT_AUDIT_OPTIONS(&a) CT_QUALITY_OPTIONS(&a) CT_SERVE_OPTIONS(&a) /* each row with its comma */
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    struct ct_config config = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && word_count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "\"%s\" is one word too many; a file is given as --config FILE",
                               words[0]);
    }
    if (code < 0) {
        code = ct_config_open(&config, self, &a);
    }
    if (code < 0) {
        struct ct_out out;
        ct_out_init_file(&out, stdout);
        if (markdown) {
            ct_config_page(&out);
        } else {
            ct_config_show(&out, &config);
        }
        code = ct_out_done(&out) == CT_OK ? CT_EXIT_DONE
                                          : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
    }
    ct_config_close(&config);
    free(words);
    return code;
}

const struct ct_command ct_config_show_command = {
    .name = "config show",
    .arguments = "",
    .summary = "Prints every key of the configuration with its value, and where that came from.",
    .details = "Takes the options of audit and serve, and says what would be in force with them: the default, "
               "file:line, or the\n"
               "command line. What it prints is a configuration file itself.",
    .run = show_run,
};

/* ---- check ------------------------------------------------------------------------------ */

static int named_wrong(const char *file, const char *key, const struct ct_error *err)
{
    fprintf(stderr, "%s: error: %s: ", file, key);
    if (err->file[0] && err->line) {
        fprintf(stderr, "%s:%u:%u: ", err->file, err->line, err->column);
    }
    fprintf(stderr, "%s\n", err->text);
    return err->status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE;
}

/* The file, and what it names: secrets, certificates, zones; rules that load, with the handoff rules of the file among
 * them, and prices. */
static int check(const struct ct_command *self, const char *file)
{
    struct ct_session_arguments a = {.config = file};
    struct ct_config config;
    struct ct_error err = {0};
    struct ct_cost_model *cost = NULL;
    int code = ct_config_open(&config, self, &a);
    if (code < 0) {
        ct_serve_config_check(&config);
        code = config.errors ? CT_EXIT_USAGE : -1;
    }
    if (code < 0) {
        struct ct_ruleset *rules = ct_config_ruleset(&config, config.rules, &err);
        code = rules ? -1 : named_wrong(file, "rules", &err);
        struct ct_scorecard *scorecard = NULL;
        if (rules && !ct_config_scorecard(&config, rules, &scorecard, &err)) {
            code = named_wrong(file, "scorecard", &err);
        }
        ct_scorecard_free(scorecard);
        ct_ruleset_unref(rules);
        if (!ct_config_cost(&config, &cost, &err)) {
            code = named_wrong(file, "cost_model", &err);
        }
        ct_cost_model_free(cost);
    }
    if (code < 0) {
        printf("%s: sound\n", file);
    }
    ct_config_close(&config);
    return code < 0 ? CT_EXIT_DONE : code;
}

static int check_run(int argc, char **argv)
{
    static const struct ct_command *const self = &ct_config_check_command;
    const struct ct_cli_option options[] = {{0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && !word_count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "which file? convtap config check FILE...");
    }
    if (code < 0) {
        code = CT_EXIT_DONE;
        for (size_t i = 0; i < word_count; i++) {
            int one = check(self, words[i]);
            code = one > code ? one : code;
        }
        if (fflush(stdout) != 0 || ferror(stdout)) {
            code = ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
        }
    }
    free(words);
    return code;
}

const struct ct_command ct_config_check_command = {
    .name = "config check",
    .arguments = "FILE...",
    .summary = "Checks configuration files, and the rules, prices, secrets and zones that they name.",
    .details = "Every mistake is named with file:line:column, an unknown key with the nearest known one.",
    .run = check_run,
};

/* ---- config ----------------------------------------------------------------------------- */

static const struct ct_command *const commands[] = {&ct_config_show_command, &ct_config_check_command};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void usage(FILE *to)
{
    fprintf(to, "Usage: convtap config show|check [OPTION]... [FILE]...\n\n");
    ct_options_commands(to, commands, COMMANDS);
    fprintf(to, "\nconvtap config show --help explains one of them.\n");
}

static int run(int argc, char **argv)
{
    static const size_t prefix = sizeof "config " - 1;
    const char *word = argc > 1 ? argv[1] : "";
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(word, commands[i]->name + prefix) == 0) {
            return commands[i]->run(argc - 1, argv + 1);
        }
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        usage(stdout);
        return fflush(stdout) == 0 ? CT_EXIT_DONE : CT_EXIT_OUTPUT;
    }
    if (*word) {
        fprintf(stderr, "convtap config: there is no \"%s\"\n\n", word);
    }
    usage(stderr);
    return CT_EXIT_USAGE;
}

const struct ct_command ct_command_config = {
    .name = "config",
    .arguments = "show|check",
    .summary = "Shows the configuration with where each value came from; checks a configuration file.",
    .run = run,
};
