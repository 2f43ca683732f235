/* rules_quality.c - `convtap rules quality`: the rules against human marks. */
#include "cli/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/findings.h"
#include "cli/publication.h"
#include "cli/quality_inputs.h"
#include "sinks/quality.h"

static const struct ct_command *const self = &ct_rules_quality;

static bool write_all(const struct ct_quality_findings *findings, bool as_json, enum ct_lang lang)
{
    struct ct_out out;
    ct_out_init_file(&out, stdout);
    if (as_json) {
        struct ct_writer json;
        ct_writer_init(&json, &out);
        ct_quality_json(&json, findings);
        ct_out_char(&out, '\n');
    } else {
        ct_quality_text(&out, findings, lang);
    }
    return ct_out_done(&out) == CT_OK && fflush(stdout) == 0;
}

static int quality(struct ct_session *s, const struct ct_quality_inputs *inputs, bool as_json)
{
    struct ct_batch_result result;
    struct ct_made_findings made;
    struct ct_error err = {0};
    s->batch.threads = ct_publication_threads(&s->config);
    enum ct_status status = ct_batch_run(&s->batch, &s->inputs, &result, &err);
    if (status != CT_OK) {
        return ct_session_fail(self, status, &err);
    }
    ct_session_report(&result, 20);
    ct_label_drops_print(&result);
    int code = result.refused || inputs->refused ? CT_EXIT_REFUSED : CT_EXIT_DONE;
    status = ct_findings_make(&made, &s->config, s->rules->hash, &result);
    if (status != CT_OK) {
        code = ct_options_fail(self, CT_EXIT_OUTPUT, "%s", ct_status_text(status));
    } else if (!write_all(&made.quality, as_json, s->config.lang)) {
        code = ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output: %s", strerror(errno));
    }
    ct_findings_done(&made);
    ct_batch_done(&result);
    return code;
}

static int run(int argc, char **argv)
{
    struct ct_session_arguments a = CT_SESSION_DEFAULTS;
    bool as_json = false;
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a),
        CT_AUDIT_OPTIONS(&a) /* each row with its comma */
        CT_QUALITY_OPTIONS(&a){"json", NULL, CT_OPT_FLAG, &as_json, 0, 0, "One JSON object instead of text."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count;
    struct ct_session session = {0};
    struct ct_quality_inputs inputs = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = ct_session_open(&session, self, &a, words, word_count);
    }
    if (code < 0 && !session.config.labels->count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "no human marks named: --labels FILE");
    }
    if (code < 0) {
        code = ct_quality_inputs_open(&inputs, self, &session);
    }
    if (code < 0) {
        code = quality(&session, &inputs, as_json);
    }
    ct_quality_inputs_close(&inputs);
    ct_session_close(&session);
    free(words);
    return code;
}

const struct ct_command ct_rules_quality = {
    .name = "rules quality",
    .arguments = "INPUT...",
    .summary = "The rules' precision, recall and agreement on conversations that people marked, and corrected KPIs.",
    .details =
        "Reads what audit reads, and --labels (docs/quality.md). Of outcome, resolved, escalated, complaint, topic\n"
        "and each marked signal: how many that the rules found are marked (precision), how many marked ones they\n"
        "found (recall), with 95 % intervals, and Cohen's kappa. Where there are marks enough, KPIs with the\n"
        "rules' measured error taken out.",
    .run = run,
};
