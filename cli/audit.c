/* audit.c - `convtap audit`: transcripts in, the KPI table out, with the conversations, the report and the figures in
 * other forms where they are asked for. */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/result_file.h"
#include "cli/session.h"
#include "sinks/csv.h"
#include "sinks/json.h"
#include "sinks/report.h"
#include "sinks/table.h"

struct arguments {
    struct ct_session_arguments session;
    const char *conversations, *report, *csv;
    bool json, no_hash, no_colour, ascii, quiet;
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

/* ---- writing
 * --------------------------------------------------------------------------------------------------------------- */

static const struct ct_command *const self = &ct_command_audit;

/* Files beside the table; each is written whole or not at all. */
enum form { FORM_CONVERSATIONS, FORM_CSV, FORM_REPORT, FORM_COUNT };
static const char *const form_options[FORM_COUNT] = {"conversations", "csv", "report"};

static const char *form_path(const struct arguments *a, enum form form)
{
    return form == FORM_CONVERSATIONS ? a->conversations : form == FORM_CSV ? a->csv : a->report;
}

static bool on_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* Before anything is read: what cannot be written is better known now than after an hour. */
static int check_forms(const struct arguments *a, const struct ct_input_list *inputs)
{
    const char *stdout_taken = a->json ? "json" : NULL;
    struct ct_error err = {0};
    for (enum form f = 0; f < FORM_COUNT; f++) {
        const char *path = form_path(a, f);
        if (!path) {
            continue;
        }
        if (ct_result_probe(path, &err) != CT_OK) {
            return ct_options_fail(self, CT_EXIT_OUTPUT, "--%s: %s", form_options[f], err.text);
        }
        if (on_stdout(path)) {
            if (stdout_taken) {
                return ct_options_fail(self, CT_EXIT_USAGE, "--%s and --%s both want standard output", stdout_taken,
                                       form_options[f]);
            }
            stdout_taken = form_options[f];
            continue;
        }
        for (enum form other = 0; other < f; other++) {
            const char *other_path = form_path(a, other);
            if (other_path && !ct_result_is_sink(path) &&
                (strcmp(path, other_path) == 0 || ct_result_same(path, other_path))) {
                return ct_options_fail(self, CT_EXIT_USAGE, "--%s and --%s both want %s", form_options[other],
                                       form_options[f], path);
            }
        }
        for (size_t i = 0; i < inputs->count; i++) {
            if (!ct_result_is_sink(path) && ct_result_same(path, inputs->files[i].path)) {
                return ct_options_fail(self, CT_EXIT_USAGE, "--%s would replace the input %s", form_options[f],
                                       inputs->files[i].path);
            }
        }
    }
    return -1;
}

static bool write_file(void *context, const char *bytes, size_t len)
{
    return fwrite(bytes, 1, len, context) == len;
}

static unsigned terminal_width(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 0;
}

static void write_table(const struct arguments *a, struct ct_out *out, const struct ct_findings *findings,
                        enum ct_lang lang)
{
    const char *none = getenv("NO_COLOR");
    struct ct_table_options options = {.lang = lang,
                                       .width = terminal_width(),
                                       .colour = isatty(STDOUT_FILENO) && !a->no_colour && !(none && *none),
                                       .ascii = a->ascii};
    ct_table_write(out, findings, &options);
}

/* Into the file beside its place. */
static enum ct_status write_form(enum form form, FILE *file, struct ct_sorter *records,
                                 const struct ct_findings *findings, enum ct_lang lang, struct ct_error *err)
{
    struct ct_out out;
    if (form == FORM_CONVERSATIONS) {
        return ct_sorter_merge(records, write_file, file, err);
    }
    ct_out_init_file(&out, file);
    if (form == FORM_CSV) {
        ct_csv_write(&out, findings, lang);
    } else {
        ct_report_write(&out, findings, &(struct ct_report_options){.lang = lang});
    }
    return ct_out_done(&out);
}

/* The files first, all or none; then standard output. */
static int write_findings(const struct arguments *a, struct ct_sorter *records, const struct ct_findings *findings,
                          enum ct_lang lang)
{
    struct ct_result_file files[FORM_COUNT] = {0};
    struct ct_error err = {0};
    enum ct_status status = CT_OK;
    bool said = a->json;
    for (enum form f = 0; f < FORM_COUNT && status == CT_OK; f++) {
        const char *path = form_path(a, f);
        said |= on_stdout(path);
        if (path && (status = ct_result_open(&files[f], path, &err)) == CT_OK) {
            enum ct_status written = write_form(f, files[f].file, records, findings, lang, &err);
            status = ct_result_close(&files[f], path, &err);
            status = status == CT_OK ? written : status;
        }
    }
    for (enum form f = 0; f < FORM_COUNT && status == CT_OK; f++) {
        status = form_path(a, f) ? ct_result_place(&files[f], form_path(a, f), &err) : CT_OK;
    }
    for (enum form f = 0; f < FORM_COUNT; f++) {
        ct_result_drop(&files[f]);
    }
    if (status != CT_OK) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "%s", err.text[0] ? err.text : ct_status_text(status));
    }
    struct ct_out out;
    ct_out_init_file(&out, stdout);
    if (a->json) {
        ct_json_findings(&out, findings);
    } else if (!said) {
        write_table(a, &out, findings, lang);
    }
    if (ct_out_done(&out) != CT_OK || fflush(stdout) != 0) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output: %s", strerror(errno));
    }
    if (a->report && !a->quiet && !on_stdout(a->report)) {
        fprintf(stderr, "report: %s\n", a->report);
    }
    return -1;
}

/* ---- the run
 * ------------------------------------------------------------------------------------------------------------------ */

static int publish(const struct arguments *a, const struct ct_session *s, struct ct_batch_result *result)
{
    const struct ct_kpi_options options = {s->config.targets, s->config.target_count};
    struct ct_findings findings = {.generated_at = result->as_of,
                                   .rules_hash = s->rules->hash,
                                   .profile = "convtap",
                                   .version = CT_VERSION,
                                   .inputs = result->inputs,
                                   .input_count = result->input_count,
                                   .drops = result->drops,
                                   .drop_count = result->drop_count,
                                   .group_by = s->batch.group ? ct_slice_field_text(s->batch.group_by) : NULL};
    struct ct_block *slices = NULL;
    size_t slice_count = 0;
    enum ct_status status = ct_kpis_compute(result->kpis, &options, &findings.total);
    if (status == CT_OK && result->slices) {
        status = ct_slices_compute(result->slices, &options, &slices, &slice_count);
    }
    findings.slices = slices;
    findings.slice_count = slice_count;
    int code = status == CT_OK ? write_findings(a, s->batch.records, &findings, s->config.lang)
                               : ct_options_fail(self, CT_EXIT_OUTPUT, "%s", ct_status_text(status));
    ct_blocks_done(slices, slice_count);
    ct_block_done(&findings.total);
    return code;
}

static unsigned threads_of(const struct ct_config *config)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return config->threads ? config->threads : processors > 64 ? 64 : processors > 0 ? (unsigned)processors : 1;
}

static int audit(const struct arguments *a, struct ct_session *s)
{
    struct ct_batch_result result;
    struct ct_error err = {0};
    unsigned progress_mark = UINT32_MAX;
    bool show = isatty(STDERR_FILENO) && !a->quiet;
    s->batch.threads = threads_of(&s->config);
    s->batch.group = s->config.group;
    s->batch.group_by = s->config.group_by;
    s->batch.hash_inputs = (a->json || a->report) && !a->no_hash;
    s->batch.conversation.drop_evidence = !a->conversations;
    if (a->conversations && !(s->batch.records = ct_sorter_new(0))) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    s->batch.progress = show ? progress : NULL;
    s->batch.progress_context = &progress_mark;
    enum ct_status status = ct_batch_run(&s->batch, &s->inputs, &result, &err);
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
        code = publish(a, s, &result);
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
    struct arguments a = {.session = CT_SESSION_DEFAULTS};
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a.session),
        CT_AUDIT_OPTIONS(&a.session) /* each row with its comma */
        {"conversations", "FILE", CT_OPT_TEXT, &a.conversations, 0, 0,
         "Each conversation's record as a JSON line: outcome, scores, times, cost, signals and their evidence (- for "
         "standard output)."},
        {"json", NULL, CT_OPT_FLAG, &a.json, 0, 0, "The figures as one JSON object instead of the table."},
        {"csv", "FILE", CT_OPT_TEXT, &a.csv, 0, 0, "The figures as a CSV file."},
        {"report", "FILE.html", CT_OPT_TEXT, &a.report, 0, 0, "The figures as one self-contained page."},
        {"ascii", NULL, CT_OPT_FLAG, &a.ascii, 0, 0, "No characters beyond ASCII in the table's lines."},
        {"no-colour", NULL, CT_OPT_FLAG, &a.no_colour, 0, 0,
         "No colours, also on a terminal (NO_COLOR does the same)."},
        {"no-hash", NULL, CT_OPT_FLAG, &a.no_hash, 0, 0,
         "Leave the inputs' SHA-256 out of --json and the report: a little faster, but they no longer say what they "
         "were made from."},
        {"quiet", NULL, CT_OPT_FLAG, &a.quiet, 0, 0, "No progress, no remarks."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count;
    struct ct_session session = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = ct_session_open(&session, self, &a.session, words, word_count);
    }
    if (code < 0) {
        code = check_forms(&a, &session.inputs);
    }
    if (code < 0) {
        code = audit(&a, &session);
    }
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
