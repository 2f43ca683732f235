/* publication.c - figures and conversations to the files and the standard output that were asked for. See
 * publication.h.
 */
#include "cli/publication.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/findings.h"
#include "cli/result_file.h"
#include "sinks/csv.h"
#include "sinks/json.h"
#include "sinks/report.h"
#include "sinks/table.h"

/* Files beside the table; each is written whole or not at all. */
enum form { FORM_CONVERSATIONS, FORM_CSV, FORM_REPORT, FORM_COUNT };
static const char *const form_options[FORM_COUNT] = {"conversations", "csv", "report"};

static const char *form_path(const struct ct_publication *a, enum form form)
{
    return form == FORM_CONVERSATIONS ? a->conversations : form == FORM_CSV ? a->csv : a->report;
}

static bool on_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* Before anything is read: what cannot be written is better known now than after an hour. */
static int check_forms(const struct ct_publication *a, const struct ct_input_list *inputs)
{
    const char *stdout_taken = a->json ? "json" : NULL;
    struct ct_error err = {0};
    for (enum form f = 0; f < FORM_COUNT; f++) {
        const char *path = form_path(a, f);
        if (!path) {
            continue;
        }
        if (ct_result_probe(path, &err) != CT_OK) {
            return ct_options_fail(a->command, CT_EXIT_OUTPUT, "--%s: %s", form_options[f], err.text);
        }
        if (on_stdout(path)) {
            if (stdout_taken) {
                return ct_options_fail(a->command, CT_EXIT_USAGE, "--%s and --%s both want standard output",
                                       stdout_taken, form_options[f]);
            }
            stdout_taken = form_options[f];
            continue;
        }
        for (enum form other = 0; other < f; other++) {
            const char *other_path = form_path(a, other);
            if (other_path && !ct_result_is_sink(path) &&
                (strcmp(path, other_path) == 0 || ct_result_same(path, other_path))) {
                return ct_options_fail(a->command, CT_EXIT_USAGE, "--%s and --%s both want %s", form_options[other],
                                       form_options[f], path);
            }
        }
        for (size_t i = 0; i < inputs->count; i++) {
            if (!ct_result_is_sink(path) && ct_result_same(path, inputs->files[i].path)) {
                return ct_options_fail(a->command, CT_EXIT_USAGE, "--%s would replace the input %s", form_options[f],
                                       inputs->files[i].path);
            }
        }
    }
    return -1;
}

/* The store may not be a file that something else is written to or read from. */
static int check_db(const struct ct_publication *a, const struct ct_input_list *inputs)
{
    if (!a->db) {
        return -1;
    }
    if (on_stdout(a->db)) {
        return ct_options_fail(a->command, CT_EXIT_USAGE,
                               "--db needs a file; convtap db dump FILE prints what is in it");
    }
    for (enum form f = 0; f < FORM_COUNT; f++) {
        const char *path = form_path(a, f);
        if (path && (strcmp(path, a->db) == 0 || ct_result_same(path, a->db))) {
            return ct_options_fail(a->command, CT_EXIT_USAGE, "--%s and --db both want %s", form_options[f], a->db);
        }
    }
    for (size_t i = 0; i < inputs->count; i++) {
        if (ct_result_same(a->db, inputs->files[i].path)) {
            return ct_options_fail(a->command, CT_EXIT_USAGE, "--db would write into the input %s",
                                   inputs->files[i].path);
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

static void write_table(const struct ct_publication *a, struct ct_out *out, const struct ct_findings *findings,
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
static int write_findings(const struct ct_publication *a, struct ct_sorter *records, const struct ct_findings *findings,
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
        return ct_options_fail(a->command, CT_EXIT_OUTPUT, "%s", err.text[0] ? err.text : ct_status_text(status));
    }
    struct ct_out out;
    ct_out_init_file(&out, stdout);
    if (a->json) {
        ct_json_findings(&out, findings);
    } else if (!said) {
        write_table(a, &out, findings, lang);
    }
    if (ct_out_done(&out) != CT_OK || fflush(stdout) != 0) {
        return ct_options_fail(a->command, CT_EXIT_OUTPUT, "cannot write standard output: %s", strerror(errno));
    }
    if (a->report && !a->quiet && !on_stdout(a->report)) {
        fprintf(stderr, "report: %s\n", a->report);
    }
    return -1;
}

int ct_publication_check(const struct ct_publication *a, const struct ct_input_list *inputs)
{
    int code = check_forms(a, inputs);
    return code < 0 ? check_db(a, inputs) : code;
}

int ct_publish(const struct ct_publication *a, const struct ct_config *config, const char *rules_hash,
               struct ct_sorter *records, const struct ct_batch_result *result)
{
    struct ct_made_findings made;
    enum ct_status status = ct_findings_make(&made, config, rules_hash, result);
    made.findings.feedback = a->feedback;
    if (status == CT_OK && a->alarms) {
        status = ct_audit_alarms_judge(a->alarms, &made);
    }
    int code = status == CT_OK ? write_findings(a, records, &made.findings, config->lang)
                               : ct_options_fail(a->command, CT_EXIT_OUTPUT, "%s", ct_status_text(status));
    ct_findings_done(&made);
    return code;
}

unsigned ct_publication_threads(const struct ct_config *config)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return config->threads ? config->threads : processors > 64 ? 64 : processors > 0 ? (unsigned)processors : 1;
}
