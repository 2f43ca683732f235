/* audit.c - `convtap audit`: transcripts in, the KPI table out, with the conversations, the report and the figures in
 * other forms where they are asked for. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/audit_db.h"
#include "cli/publication.h"
#include "cli/session.h"

struct arguments {
    struct ct_session_arguments session;
    struct ct_publication out;
    bool no_hash;
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

static int audit(const struct arguments *a, struct ct_session *s, struct ct_audit_db *db)
{
    struct ct_batch_result result;
    struct ct_error err = {0};
    unsigned progress_mark = UINT32_MAX;
    bool show = isatty(STDERR_FILENO) && !a->out.quiet;
    s->batch.threads = ct_publication_threads(&s->config);
    s->batch.group = s->config.group;
    s->batch.group_by = s->config.group_by;
    s->batch.hash_inputs = (a->out.json || a->out.report) && !a->no_hash;
    s->batch.conversation.drop_evidence = !a->out.conversations && !db;
    const struct ct_batch_db keep = {db, ct_audit_db_keep};
    s->batch.db = db ? &keep : NULL;
    if (a->out.conversations && !(s->batch.records = ct_sorter_new(0))) {
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
        code = ct_options_fail(self, status == CT_IO || status == CT_NO_MEMORY ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, "%s",
                               err.text[0] ? err.text : ct_status_text(status));
    } else {
        ct_session_report(&result, 20);
        code = write_db(a, db, s, &result);
        code = code < 0 ? ct_publish(&a->out, &s->config, s->rules->hash, s->batch.records, &result) : code;
        if (code < 0) {
            code = result.refused ? CT_EXIT_REFUSED : CT_EXIT_DONE;
        }
        ct_batch_done(&result);
    }
    ct_sorter_free(s->batch.records);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.session = CT_SESSION_DEFAULTS, .out = {.command = self}};
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a.session),
        CT_AUDIT_OPTIONS(&a.session)   /* each row with its comma */
        CT_PUBLICATION_OPTIONS(&a.out) /* and these */
        {"no-hash", NULL, CT_OPT_FLAG, &a.no_hash, 0, 0,
         "Leave the inputs' SHA-256 out of --json and the report: a little faster, but they no longer say what they "
         "were made from."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count;
    struct ct_session session = {0};
    struct ct_audit_db *db = NULL;
    struct ct_error err = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = ct_session_open(&session, self, &a.session, words, word_count);
    }
    if (code < 0) {
        code = ct_publication_check(&a.out, &session.inputs);
    }
    if (code < 0 && a.out.db && ct_audit_db_open(a.out.db, &db, &err) != CT_OK) {
        code = db_failed(&err);
    }
    if (code < 0) {
        code = audit(&a, &session, db);
    }
    ct_audit_db_close(db);
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
