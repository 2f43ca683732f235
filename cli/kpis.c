/* kpis.c - `convtap kpis`: the catalogue of what can be computed. */
#include "cli/kpis.h"
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "metrics/kpi.h"
#include "sinks/json.h"
#include "sinks/table.h"

static const struct ct_command *const self = &ct_command_kpis;

static int list(int argc, char **argv)
{
    bool json = false, markdown = false, profiles = false;
    const char *lang_text = "en";
    const struct ct_cli_option options[] = {
        {"json", NULL, CT_OPT_FLAG, &json, 0, 0, "As one JSON object, in both languages."},
        {"markdown", NULL, CT_OPT_FLAG, &markdown, 0, 0, "As the page docs/kpis.md, in both languages."},
        {"profiles", NULL, CT_OPT_FLAG, &profiles, 0, 0,
         "Every authority's definitions, as the tables of docs/profiles.md."},
        {"lang", "en|es", CT_OPT_TEXT, &lang_text, 0, 0, "Language of the list. Default en."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0, count;
    enum ct_lang lang;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    free(words);
    if (code >= 0) {
        return code;
    }
    if (word_count || !ct_lang_from(ct_span_of(lang_text), &lang)) {
        return ct_options_fail(self, CT_EXIT_USAGE, word_count ? "takes no input" : "--lang: not en or es");
    }
    if (json + markdown + profiles > 1) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--json, --markdown and --profiles all want standard output");
    }
    const struct ct_kpi *kpis = ct_kpi_catalogue(&count);
    struct ct_out out;
    ct_out_init_file(&out, stdout);
    if (markdown || profiles) {
        char *page = markdown ? ct_kpi_markdown() : ct_definitions_markdown();
        if (!page) {
            return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
        }
        ct_out_text(&out, page);
        free(page);
    } else if (json) {
        struct ct_catalogue catalogue;
        ct_profile_catalogue(&catalogue);
        ct_json_catalogue(&out, &catalogue);
    } else {
        ct_table_catalogue(&out, kpis, count, &(struct ct_table_options){.lang = lang});
    }
    return ct_out_done(&out) == CT_OK ? CT_EXIT_DONE
                                      : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
}

/* A first word is a subcommand's name; without one the catalogue is listed. */
static int run(int argc, char **argv)
{
    static const struct ct_command *const commands[] = {&ct_kpis_compare, &ct_kpis_invoice};
    static const size_t prefix = sizeof "kpis " - 1;
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i]->name + prefix) == 0) {
            return commands[i]->run(argc - 1, argv + 1);
        }
    }
    return list(argc, argv);
}

const struct ct_command ct_command_kpis = {
    .name = "kpis",
    .arguments = "[compare|invoice]",
    .summary = "Lists every KPI that can be computed: what it says, how, its unit and its target.",
    .details = "convtap kpis compare INPUT... shows every authority's definition side by side, convtap kpis invoice\n"
               "checks a vendor's bill; --help after either explains it.",
    .run = run,
};
