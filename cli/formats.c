/* formats.c - `convtap formats`: which formats are read, and their options. */
#include "cli/commands.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "parsers/parser.h"

static const struct ct_command *const self = &ct_command_formats;

static int write_json(void)
{
    cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "formats");
    for (size_t i = 0; ct_parsers[i]; i++) {
        const struct ct_parser *p = ct_parsers[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", p->name);
        cJSON_AddStringToObject(item, "title", p->title);
        cJSON_AddStringToObject(item, "help", p->help);
        cJSON_AddStringToObject(item, "extensions", p->extensions ? p->extensions : "");
        cJSON *options = cJSON_AddArrayToObject(item, "options");
        for (const struct ct_option *o = p->options; o && o->name; o++) {
            cJSON *option = cJSON_CreateObject();
            cJSON_AddStringToObject(option, "name", o->name);
            cJSON_AddStringToObject(option, "type", o->type);
            cJSON_AddStringToObject(option, "default", o->fallback);
            cJSON_AddStringToObject(option, "help", o->help);
            cJSON_AddItemToArray(options, option);
        }
        cJSON_AddItemToArray(list, item);
    }
    char *text = cJSON_PrintUnformatted(root);
    bool ok = text && puts(text) >= 0;
    free(text);
    cJSON_Delete(root);
    return ok && fflush(stdout) == 0 ? CT_EXIT_DONE
                                     : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
}

static void write_list(void)
{
    for (size_t i = 0; ct_parsers[i]; i++) {
        const struct ct_parser *p = ct_parsers[i];
        printf("%s%s\n  %s\n", i ? "\n" : "", p->name, p->title);
        ct_text_wrapped(p->help, 2);
        for (const struct ct_option *o = p->options; o && o->name; o++) {
            printf("    %s (%s%s%s)\n", o->name, o->type, *o->fallback ? ", default " : "", o->fallback);
            ct_text_wrapped(o->help, 8);
        }
    }
    printf("\nOptions are given as --format-option NAME=VALUE.\n");
}

static int run(int argc, char **argv)
{
    bool json = false;
    const struct ct_cli_option options[] = {{"json", NULL, CT_OPT_FLAG, &json, 0, 0, "As one JSON object."}, {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    free(words);
    if (code >= 0) {
        return code;
    }
    if (word_count) {
        return ct_options_fail(self, CT_EXIT_USAGE, "takes no input");
    }
    if (json) {
        return write_json();
    }
    write_list();
    return fflush(stdout) == 0 ? CT_EXIT_DONE : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
}

const struct ct_command ct_command_formats = {
    .name = "formats",
    .arguments = "",
    .summary = "Lists the formats that are read, how they are told, and their options.",
    .run = run,
};
