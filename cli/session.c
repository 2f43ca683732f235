/* session.c - rules, inputs, format and cost model, loaded the same way for every subcommand that reads transcripts. */
#include "cli/session.h"

#include <inttypes.h>
#include <stdio.h>

/* A file's name on the command line that no input has is a slip; in a configuration it may be for another day. */
static int check_writings(const struct ct_session *s, const struct ct_command *command)
{
    const struct ct_config_group *group = &s->config.groups[CT_SECTION_WRITING];
    for (size_t i = 0; i < group->count; i++) {
        const struct ct_config_entry *files = ct_config_entry_of(&group->items[i], CT_SET_WRITING_FILES);
        bool found = !files || files->source != CT_SOURCE_COMMAND_LINE;
        for (size_t f = 0; f < s->inputs.count && !found; f++) {
            found = ct_input_fits(files->text, s->inputs.files[f].path);
        }
        if (!found) {
            return ct_options_fail(command, CT_EXIT_USAGE,
                                   "--format-option %.200s:...: none of the inputs has that name", files->text);
        }
    }
    return -1;
}

int ct_session_open(struct ct_session *s, const struct ct_command *command, const struct ct_session_arguments *a,
                    char *const *paths, size_t path_count)
{
    struct ct_error err = {0};
    *s = (struct ct_session){0};
    if (!path_count) {
        return ct_options_fail(command, CT_EXIT_USAGE, "no input named; a file, a folder, or - for standard input");
    }
    int status = ct_config_open(&s->config, command, a);
    if (status >= 0) {
        return status;
    }
    const struct ct_config *config = &s->config;
    if (!ct_config_cost(config, &s->cost, &err)) {
        return ct_options_error(command, err.status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, &err);
    }
    s->rules = ct_config_ruleset(config, config->rules, &err);
    if (!s->rules) {
        return ct_options_error(command, err.status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, &err);
    }
    s->config.terms.cost = s->cost;
    s->batch = (struct ct_batch_options){
        .rules = s->rules,
        .threads = 1,
        .format = config->format,
        .format_options = config->format_options,
        .format_option_count = config->format_option_count,
        .writings = config->writings,
        .writing_count = config->writing_count,
        .conversation = {.idle_cap_usec = config->idle_cap_usec, .cost = s->cost, .announced = config->announced},
        .silence = {.idle = config->idle, .idle_count = config->idle_count, .person_usec = config->idle_person_usec},
        .terms = config->terms,
        .periods = config->periods,
        .filters = config->filters,
        .filter_count = config->filter_count,
        .max_record_bytes = config->max_record_bytes,
        .memory_bytes = config->memory_bytes};
    if (ct_inputs_find(paths, path_count, &s->inputs) != CT_OK) {
        return ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    }
    return check_writings(s, command);
}

void ct_session_close(struct ct_session *s)
{
    ct_inputs_done(&s->inputs);
    ct_cost_model_free(s->cost);
    ct_ruleset_unref(s->rules);
    ct_config_close(&s->config);
    *s = (struct ct_session){0};
}

int ct_session_fail(const struct ct_command *command, enum ct_status status, const struct ct_error *err)
{
    return ct_options_fail(command, status == CT_IO || status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, "%s",
                           err->text[0] ? err->text : ct_status_text(status));
}

void ct_session_report(const struct ct_batch_result *result, size_t most)
{
    size_t shown = result->refusal_count < most ? result->refusal_count : most;
    for (size_t i = 0; i < shown; i++) {
        const struct ct_batch_refusal *r = &result->refusals[i];
        fprintf(stderr, "%s", result->inputs[r->input].path);
        if (r->line) {
            fprintf(stderr, ":%" PRIu64, r->line);
        }
        if (r->offset || r->line) {
            fprintf(stderr, " (byte %" PRIu64 ")", r->offset);
        }
        fprintf(stderr, ": %s%s%s\n", r->reason, r->detail[0] ? ": " : "", r->detail);
    }
    if (result->refused > shown) {
        fprintf(stderr, "... and %" PRIu64 " more refused\n", result->refused - shown);
    }
}
