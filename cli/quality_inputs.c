/* quality_inputs.c - loads labels and scorecard. Called by audit, `rules quality` and `config check`. */
#include "cli/quality_inputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/marks_read.h"

enum { REFUSALS_SHOWN = 20 };

static void say(void *context, const char *path, uint64_t line, uint64_t offset, const char *reason, const char *detail)
{
    uint64_t *shown = context;
    if (++*shown <= REFUSALS_SHOWN) {
        fprintf(stderr, "%s:%" PRIu64 " (byte %" PRIu64 "): %s%s%s\n", path, line, offset, reason,
                detail && *detail ? ": " : "", detail ? detail : "");
    }
}

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

static enum ct_status read_labels(struct ct_quality_inputs *q, const struct ct_session *s, struct ct_error *err)
{
    const struct ct_config_value *labels = s->config.labels;
    uint64_t shown = 0;
    if (!labels->count) {
        return CT_OK;
    }
    q->marks = ct_marks_new();
    if (!q->marks) {
        return CT_NO_MEMORY;
    }
    struct ct_marks_reading reading = {.rules = s->rules, .marks = q->marks, .context = &shown, .refused = say};
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < labels->count && status == CT_OK; i++) {
        status = ct_marks_read(&reading, labels->entries[i].text, err);
    }
    q->refused = reading.refusals;
    if (shown > REFUSALS_SHOWN) {
        fprintf(stderr, "... and %" PRIu64 " more lines of labels refused\n", shown - REFUSALS_SHOWN);
    }
    return status == CT_OK ? ct_marks_settle(q->marks) : status;
}

int ct_quality_inputs_open(struct ct_quality_inputs *q, const struct ct_command *command, struct ct_session *s)
{
    struct ct_error err = {0};
    *q = (struct ct_quality_inputs){0};
    if (!ct_config_scorecard(&s->config, s->rules, &q->scorecard, &err)) {
        return ct_options_error(command, err.status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, &err);
    }
    enum ct_status status = read_labels(q, s, &err);
    if (status != CT_OK) {
        return ct_options_fail(command, status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, "labels: %s",
                               err.text[0] ? err.text : ct_status_text(status));
    }
    q->drops[0] = (struct ct_drop){"label_refused", q->refused};
    q->drops[1] = (struct ct_drop){"label_conflict", q->marks ? q->marks->conflicts : 0};
    s->batch.terms.marks = q->marks;
    s->batch.terms.scorecard = q->scorecard;
    s->batch.drops = q->drops;
    s->batch.drop_count = sizeof q->drops / sizeof *q->drops;
    return -1;
}

void ct_quality_inputs_close(struct ct_quality_inputs *q)
{
    ct_marks_free(q->marks);
    ct_scorecard_free(q->scorecard);
    *q = (struct ct_quality_inputs){0};
}
