/* feedback.c - `convtap feedback`: what customers say, by theme; what is new; when they come; which questions end
 * badly. */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/publication.h"
#include "cli/quality_inputs.h"
#include "cli/session.h"
#include "cli/themes.h"
#include "sinks/feedback.h"

static const struct ct_command *const self = &ct_command_feedback;

static bool write_all(const struct ct_feedback_findings *findings, bool as_json, enum ct_lang lang)
{
    struct ct_out out;
    ct_out_init_file(&out, stdout);
    if (as_json) {
        struct ct_writer json;
        ct_writer_init(&json, &out);
        ct_feedback_json(&json, findings);
        ct_out_char(&out, '\n');
    } else {
        ct_feedback_text(&out, findings, lang);
    }
    return ct_out_done(&out) == CT_OK && fflush(stdout) == 0;
}

static int feedback(struct ct_session *s, const struct ct_quality_inputs *inputs, bool as_json, bool quotes)
{
    struct ct_batch_result result;
    struct ct_made_themes made = {0};
    struct ct_error err = {0};
    s->batch.threads = ct_publication_threads(&s->config);
    s->batch.conversation.drop_evidence = !s->batch.terms.bindings;
    enum ct_status status = ct_made_themes_begin(&s->batch, &s->config, quotes);
    if (status == CT_OK) {
        status = ct_batch_run(&s->batch, &s->inputs, &result, &err);
    }
    if (status != CT_OK) {
        ct_sorter_free(s->batch.themes);
        return ct_session_fail(self, status, &err);
    }
    ct_session_report(&result, 20);
    ct_label_drops_print(&result);
    int code = result.refused || inputs->refused ? CT_EXIT_REFUSED : CT_EXIT_DONE;
    status = ct_made_themes_read(&made, &s->batch, &result, &err);
    if (status != CT_OK) {
        code = ct_session_fail(self, status, &err);
    } else if (!write_all(&made.findings, as_json, s->config.lang)) {
        code = ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output: %s", strerror(errno));
    }
    ct_made_themes_done(&made);
    ct_batch_done(&result);
    ct_sorter_free(s->batch.themes);
    return code;
}

static int run(int argc, char **argv)
{
    struct ct_session_arguments a = CT_SESSION_DEFAULTS;
    bool as_json = false, quotes = false;
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a),
        CT_AUDIT_OPTIONS(&a) /* each row with its comma */
        CT_QUALITY_OPTIONS(&a){"json", NULL, CT_OPT_FLAG, &as_json, 0, 0,
                               "One JSON object instead of text: all themes, topics and hours."},
        {"quotes", NULL, CT_OPT_FLAG, &quotes, 0, 0,
         "Also the customers' own words: comments, and the words of questions. Without it only ids and counts."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count;
    struct ct_session session = {0};
    struct ct_quality_inputs inputs = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = ct_session_open(&session, self, &a, words, word_count);
    }
    if (code < 0) {
        code = ct_quality_inputs_open(&inputs, self, &session);
    }
    if (code < 0) {
        code = feedback(&session, &inputs, as_json, quotes);
    }
    ct_quality_inputs_close(&inputs);
    ct_session_close(&session);
    free(words);
    return code;
}

const struct ct_command ct_command_feedback = {
    .name = "feedback",
    .arguments = "INPUT...",
    .summary =
        "What customers say: themes with examples, topics and what is new, busiest hours, questions that end badly.",
    .details =
        "Reads what audit reads. Themes are conversations (and open answers outside of them) of one score band, one\n"
        "sentiment and one topic. With --compare or --cadence each topic's share is held against the period\n"
        "before, and \"no real change\" is said. With --group-by all of it also for each group. With --scorecard each\n"
        "theme has its quality score; with --labels people's marks say which questions ended badly.",
    .run = run,
};
