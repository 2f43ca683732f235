/* kpis.c - `convtap kpis`: the catalogue of what can be computed. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "metrics/kpi.h"
#include "sinks/json.h"
#include "sinks/table.h"

static const struct ct_command *const self = &ct_command_kpis;

static int run(int argc, char **argv)
{
    bool json = false, markdown = false;
    const char *lang_text = "en";
    const struct ct_cli_option options[] = {
        {"json", NULL, CT_OPT_FLAG, &json, 0, 0, "As one JSON object, in both languages."},
        {"markdown", NULL, CT_OPT_FLAG, &markdown, 0, 0, "As the page docs/kpis.md, in both languages."},
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
    if (json && markdown) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--json and --markdown both want standard output");
    }
    const struct ct_kpi *kpis = ct_kpi_catalogue(&count);
    struct ct_out out;
    ct_out_init_file(&out, stdout);
    if (markdown) {
        char *page = ct_kpi_markdown();
        if (!page) {
            return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
        }
        ct_out_text(&out, page);
        free(page);
    } else if (json) {
        ct_json_catalogue(&out, kpis, count);
    } else {
        ct_table_catalogue(&out, kpis, count, &(struct ct_table_options){.lang = lang});
    }
    return ct_out_done(&out) == CT_OK ? CT_EXIT_DONE
                                      : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
}

const struct ct_command ct_command_kpis = {
    .name = "kpis",
    .arguments = "",
    .summary = "Lists every KPI that can be computed: what it says, how, its unit and its target.",
    .run = run,
};
