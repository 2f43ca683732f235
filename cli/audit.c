/* audit.c - `convtap audit`: transcripts in, the KPI table out, with the conversations, the report and the figures in
 * other forms where they are asked for. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/audit_db.h"
#include "cli/publication.h"
#include "cli/quality_inputs.h"
#include "cli/session.h"
#include "cli/themes.h"

struct arguments {
    struct ct_session_arguments session;
    struct ct_publication out;
    struct ct_audit_alarms alarms;
    bool no_hash, feedback, fail_on_alarm;
};

/* ---- progress
 * ------------------------------------------------------------------------------------------------------------ */

static void progress(void *context, const char *stage, uint64_t done, uint64_t total)
{
    unsigned *last = context;
    unsigned percent = total ? (unsigned)(done * 100 / total) : 0;
    percent = percent > 100 ? 100 : percent;
    unsigned mark = percent + (*stage == 'c' ? 1000 : 0);
    if (mark == *last) {
        return;
    }
    *last = mark;
    static const char bar[] = "##############################";
    fprintf(stderr, "\r  %-12s [%-30.*s] %3u %%", stage, (int)(percent * 30 / 100), bar, percent);
    fflush(stderr);
}

static const struct ct_command *const self = &ct_command_audit;

/* ---- the run
 * ------------------------------------------------------------------------------------------------------------------ */

static int db_failed(const struct ct_error *err)
{
    return ct_options_fail(self, err->status == CT_REFUSED ? CT_EXIT_USAGE : CT_EXIT_OUTPUT, "--db: %s", err->text);
}

static int write_db(const struct arguments *a, struct ct_audit_db *db, const struct ct_session *s,
                    const struct ct_batch_result *result)
{
    struct ct_error err = {0};
    uint64_t twins;
    if (!db) {
        return -1;
    }
    if (ct_audit_db_write(db, s->rules, result->as_of, &twins, &err) != CT_OK) {
        return db_failed(&err);
    }
    if (twins && !a->out.quiet) {
        fprintf(stderr,
                "convtap audit: --db: %llu further versions of conversations (one id, one beginning): the longest of "
                "each is stored\n",
                (unsigned long long)twins);
    }
    return -1;
}

static int publish(const struct arguments *a, const struct ct_session *s, const struct ct_batch_result *result)
{
    struct ct_publication out = a->out;
    struct ct_made_themes themes = {0};
    struct ct_error err = {0};
    if (s->batch.themes) {
        enum ct_status status = ct_made_themes_read(&themes, &s->batch, result, &err);
        if (status != CT_OK) {
            ct_made_themes_done(&themes);
            return ct_options_fail(self, CT_EXIT_OUTPUT, "%s", err.text[0] ? err.text : ct_status_text(status));
        }
        out.feedback = &themes.findings;
    }
    int code = ct_publish(&out, &s->config, s->rules->hash, s->batch.records, result);
    ct_made_themes_done(&themes);
    return code;
}

static int audit(struct arguments *a, struct ct_session *s, struct ct_audit_db *db)
{
    struct ct_batch_result result;
    struct ct_error err = {0};
    unsigned progress_mark = UINT32_MAX;
    bool show = isatty(STDERR_FILENO) && !a->out.quiet;
    s->batch.threads = ct_publication_threads(&s->config);
    s->batch.group = s->config.group;
    s->batch.group_by = s->config.group_by;
    s->batch.also = a->alarms.also;
    s->batch.also_count = a->alarms.also_count;
    s->batch.hash_inputs = (a->out.json || a->out.report) && !a->no_hash;
    s->batch.conversation.drop_evidence =
        !a->out.conversations && !db && !s->batch.terms.marks && !s->batch.terms.scorecard;
    const struct ct_batch_db keep = {.context = db, .record = ct_audit_db_keep, .event = ct_audit_db_keep_event};
    s->batch.db = db ? &keep : NULL;
    if (a->out.conversations && !(s->batch.records = ct_sorter_new(0))) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    bool themed = a->feedback && (a->out.json || a->out.report);
    if (themed && ct_made_themes_begin(&s->batch, &s->config, false) != CT_OK) {
        ct_sorter_free(s->batch.records);
        return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    s->batch.progress = show ? progress : NULL;
    s->batch.progress_context = &progress_mark;
    enum ct_status status = ct_batch_run(&s->batch, &s->inputs, &result, &err);
    s->batch.db = NULL;
    s->batch.progress = NULL; /* the session outlives the mark */
    s->batch.progress_context = NULL;
    if (show) {
        fprintf(stderr, "\r%*s\r", 60, "");
    }
    int code = -1;
    if (status != CT_OK) {
        code = ct_session_fail(self, status, &err);
    } else {
        ct_session_report(&result, 20);
        code = write_db(a, db, s, &result);
        code = code < 0 ? publish(a, s, &result) : code;
        code = code < 0 ? ct_audit_alarms_keep(&a->alarms, a->out.quiet) : code;
        if (code < 0) {
            code = result.refused                                           ? CT_EXIT_REFUSED
                   : a->fail_on_alarm && ct_audit_alarms_raised(&a->alarms) ? CT_EXIT_ALARM
                                                                            : CT_EXIT_DONE;
        }
        ct_batch_done(&result);
    }
    ct_sorter_free(s->batch.records);
    ct_sorter_free(s->batch.themes);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.session = CT_SESSION_DEFAULTS, .out = {.command = self}};
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a.session),
        CT_AUDIT_OPTIONS(&a.session)                                  /* each row with its comma */
        CT_QUALITY_OPTIONS(&a.session) CT_PUBLICATION_OPTIONS(&a.out) /* and these */
        {"feedback", NULL, CT_OPT_FLAG, &a.feedback, 0, 0,
         "In --json and --report also what customers say, by theme: what convtap feedback shows, without their words."},
        CT_ALARMING_OPTIONS(&a.session) /* and these */
        {"fail-on-alarm", NULL, CT_OPT_FLAG, &a.fail_on_alarm, 0, 0,
         "Exit status 4 where an alarm stands; without it alarms do not change the exit status."},
        {"no-hash", NULL, CT_OPT_FLAG, &a.no_hash, 0, 0,
         "Leave the inputs' SHA-256 out of --json and the report: a little faster, but they no longer say what they "
         "were made from."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count;
    struct ct_session session = {0};
    struct ct_quality_inputs quality = {0};
    struct ct_audit_db *db = NULL;
    struct ct_error err = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = ct_session_open(&session, self, &a.session, words, word_count);
    }
    if (code < 0) {
        code = ct_publication_check(&a.out, &session.inputs);
    }
    if (code < 0) {
        code = ct_quality_inputs_open(&quality, self, &session);
    }
    if (code < 0 && a.out.db && ct_audit_db_open(a.out.db, &db, &err) != CT_OK) {
        code = db_failed(&err);
    }
    if (code < 0) {
        code = ct_audit_alarms_open(&a.alarms, self, &session.config, true);
    }
    if (code < 0) {
        a.out.alarms = &a.alarms;
        code = audit(&a, &session, db);
        code = code == CT_EXIT_DONE && quality.refused ? CT_EXIT_REFUSED : code;
    }
    ct_audit_alarms_close(&a.alarms);
    ct_audit_db_close(db);
    ct_quality_inputs_close(&quality);
    ct_session_close(&session);
    free(words);
    return code;
}

const struct ct_command ct_command_audit = {
    .name = "audit",
    .arguments = "INPUT...",
    .summary = "Reads transcripts (files, folders, .gz, .zst, - for standard input) and prints the KPI table.",
    .details = "Every conversation gets exactly one outcome, every rate its numerator, denominator and 95 % interval.\n"
               "What cannot be read is refused by name and position and counted; the rest is audited.",
    .run = run,
};
