/* quality_inputs.c - loads labels and scorecard, and binds the signals that they name. Called by every subcommand that
 * counts with them, and by `config check`. */
#include "cli/quality_inputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/marks_read.h"

enum { REFUSALS_SHOWN = 20 };

void ct_label_refused_print(void *context, const char *path, uint64_t line, uint64_t offset, const char *reason,
                            const char *detail)
{
    uint64_t *shown = context;
    if (++*shown <= REFUSALS_SHOWN) {
        fprintf(stderr, "%s:%" PRIu64 " (byte %" PRIu64 "): %s%s%s\n", path, line, offset, reason,
                detail && *detail ? ": " : "", detail ? detail : "");
    }
}

void ct_label_refused_rest(uint64_t shown)
{
    if (shown > REFUSALS_SHOWN) {
        fprintf(stderr, "... and %" PRIu64 " more lines of labels refused\n", shown - REFUSALS_SHOWN);
    }
}

void ct_label_drops_print(const struct ct_batch_result *result)
{
    for (size_t i = 0; i < result->drop_count; i++) {
        if (result->drops[i].count && strncmp(result->drops[i].reason, "label_", 6) == 0) {
            fprintf(stderr, "%s: %" PRIu64 "\n", result->drops[i].reason, result->drops[i].count);
        }
    }
}

/* ---- the two files ---------------------------------------------------------------------------------------------- */

bool ct_config_scorecard(const struct ct_config *config, const struct ct_ruleset *rules, struct ct_scorecard **out,
                         struct ct_error *err)
{
    size_t len;
    *out = NULL;
    if (!config->scorecard) {
        return true;
    }
    char *bytes = ct_file_read(config->scorecard, CT_SCORECARD_BYTES_MAX, &len, err);
    if (bytes) {
        *out = ct_scorecard_load(ct_span_of(config->scorecard), (ct_span){bytes, len}, rules, err);
        free(bytes);
    }
    return *out != NULL;
}

static enum ct_status read_labels(struct ct_quality_inputs *q, const struct ct_config *config,
                                  struct ct_marks_reading *reading, struct ct_error *err)
{
    const struct ct_config_value *labels = config->labels;
    enum ct_status status = CT_OK;
    if (!labels->count) {
        return CT_OK;
    }
    reading->marks = q->marks = ct_marks_new();
    if (!q->marks) {
        return CT_NO_MEMORY;
    }
    for (size_t i = 0; i < labels->count && status == CT_OK; i++) {
        status = ct_marks_read(reading, labels->entries[i].text, err);
    }
    q->refused = reading->refusals;
    return status == CT_OK ? ct_marks_settle(q->marks) : status;
}

/* ---- rule sets -------------------------------------------------------------------------------------------------- */

struct unknown {
    struct ct_error *err;
    const char *file;
    const struct ct_bindings *bindings;
};

/* A signal that the last rule set does not have: is it in any of the others? */
static void look_elsewhere(void *context, const struct ct_criterion *criterion, ct_span signal)
{
    struct unknown *unknown = context;
    const struct ct_bindings *bindings = unknown->bindings;
    size_t index = 0;
    while (!ct_span_eq(bindings->card->at[index], signal)) {
        index++;
    }
    for (size_t i = 0; i < bindings->count; i++) {
        if (bindings->at[i].card[index] >= 0) {
            return;
        }
    }
    if (unknown->err->status == CT_OK) {
        (void)ct_error_set(unknown->err, CT_BAD_CONFIG,
                           "%s: criterion '%.*s': none of the %zu rule sets has the signal '%.*s'", unknown->file,
                           (int)criterion->name.len, criterion->name.at, bindings->count,
                           signal.len > 60 ? 60 : (int)signal.len, signal.at);
    }
}

static enum ct_status bind_all(struct ct_quality_inputs *q, const struct ct_config *config,
                               struct ct_ruleset *const *rules, size_t rule_count, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    ct_bindings_init(&q->bindings, q->scorecard, q->marks);
    for (size_t i = 0; i < rule_count && status == CT_OK; i++) {
        status = ct_bindings_add_rules(&q->bindings, rules[i]);
    }
    if (status == CT_OK && rule_count && q->scorecard) {
        struct unknown unknown = {err, config->scorecard, &q->bindings};
        ct_scorecard_missing(q->scorecard, &q->bindings.at[rule_count - 1], look_elsewhere, &unknown);
        status = err->status;
    }
    return status;
}

enum ct_status ct_quality_inputs_load(struct ct_quality_inputs *q, const struct ct_config *config,
                                      struct ct_ruleset *const *rules, size_t rule_count, ct_label_refused *refused,
                                      void *context, struct ct_error *err)
{
    struct ct_marks_reading reading = {
        .rules = rules, .rule_count = rule_count, .context = context, .refused = refused};
    *q = (struct ct_quality_inputs){0};
    *err = (struct ct_error){0};
    /* One rule set alone: what is wrong is said with its line. */
    if (!ct_config_scorecard(config, rule_count == 1 ? rules[0] : NULL, &q->scorecard, err)) {
        return err->status != CT_OK ? err->status : CT_NO_MEMORY;
    }
    enum ct_status status = read_labels(q, config, &reading, err);
    if (status == CT_OK) {
        status = bind_all(q, config, rules, rule_count, err);
    }
    if (status != CT_OK && !err->text[0]) {
        (void)ct_error_set(err, status, "labels: %s", ct_status_text(status));
    }
    q->drops[0] = (struct ct_drop){"label_refused", q->refused};
    q->drops[1] = (struct ct_drop){"label_conflict", q->marks ? q->marks->conflicts : 0};
    return status;
}

void ct_quality_inputs_terms(const struct ct_quality_inputs *q, struct ct_terms *terms)
{
    terms->marks = q->marks;
    terms->scorecard = q->scorecard;
    terms->bindings = q->marks || q->scorecard ? &q->bindings : NULL;
}

void ct_quality_inputs_close(struct ct_quality_inputs *q)
{
    ct_bindings_done(&q->bindings);
    ct_marks_free(q->marks);
    ct_scorecard_free(q->scorecard);
    *q = (struct ct_quality_inputs){0};
}

int ct_quality_inputs_open(struct ct_quality_inputs *q, const struct ct_command *command, struct ct_session *s)
{
    struct ct_error err = {0};
    uint64_t shown = 0;
    enum ct_status status = ct_quality_inputs_load(q, &s->config, &s->rules, 1, ct_label_refused_print, &shown, &err);
    ct_label_refused_rest(shown);
    if (status != CT_OK) {
        return ct_options_error(command, status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, &err);
    }
    ct_quality_inputs_terms(q, &s->batch.terms);
    s->batch.drops = q->drops;
    s->batch.drop_count = sizeof q->drops / sizeof *q->drops;
    return -1;
}
