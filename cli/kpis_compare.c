/* kpis_compare.c - `convtap kpis compare`: every profile's figures side by side, and the conversations on which their
 * definitions differ from convtap's, with the reason of each.
 *
 * The figures come from one audit's counts. Differences are looked for conversation by conversation, from one thread at
 * a time: counted, the first few kept as examples, all of them sorted where they are wanted. So nothing depends on
 * threads or on the order of files.
 */
#include "cli/kpis_compare.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/kpis.h"
#include "cli/publication.h"
#include "cli/quality_inputs.h"
#include "cli/session.h"
#include "cli/side_files.h"
#include "metrics/quality.h"
#include "sinks/writer.h"

static const struct ct_command *const self = &ct_kpis_compare;

enum { FILE_DIFFERENCES, FILE_CSV, FILE_COUNT };

struct arguments {
    struct ct_session_arguments session;
    struct ct_side_file files[FILE_COUNT];
    unsigned examples;
    bool json, quiet;
};

/* ---- one conversation -------------------------------------------------------------------------------------------- */

struct compare {
    const struct ct_definition *definitions;
    size_t count;
    const struct ct_definition *own[CT_PROFILE_COUNT * 16]; /* by definition: convtap's of the same KPI */
    struct ct_compared *compared;
    unsigned examples;
    struct ct_sorter *sorter; /* NULL = --differences was not asked for */
    struct ct_sorter_run *run;
    struct ct_text line, tie;
};

static int by_close(const struct ct_example *a, const struct ct_example *b)
{
    if (a->ended_at != b->ended_at) {
        return a->ended_at < b->ended_at ? -1 : 1;
    }
    int order = memcmp(a->id, b->id, a->id_len < b->id_len ? a->id_len : b->id_len);
    if (order == 0 && a->id_len != b->id_len) {
        order = a->id_len < b->id_len ? -1 : 1;
    }
    if (order == 0 && a->session != b->session) {
        order = a->session < b->session ? -1 : 1;
    }
    return order != 0 ? order : (a->how != b->how ? (a->how < b->how ? -1 : 1) : (int)a->why - (int)b->why);
}

/* Keeps the first ones by their order, whatever the order they come in. */
static bool keep_example(struct compare *c, struct ct_compared *compared, const struct ct_record *record,
                         enum ct_difference how, enum ct_why why)
{
    ct_span id = ct_record_text(record, CT_TEXT_CONVERSATION_ID);
    struct ct_example one = {.ended_at = record->ended_at,
                             .session = record->session,
                             .how = how,
                             .why = why,
                             .id = (char *)(uintptr_t)id.at,
                             .id_len = id.len};
    size_t at = compared->example_count;
    while (at > 0 && by_close(&one, &compared->examples[at - 1]) < 0) {
        at--;
    }
    if (at == c->examples) {
        return true;
    }
    one.id = malloc(id.len + 1);
    if (!one.id) {
        return false;
    }
    memcpy(one.id, id.at, id.len);
    if (compared->example_count == c->examples) {
        free(compared->examples[--compared->example_count].id);
    }
    memmove(&compared->examples[at + 1], &compared->examples[at],
            (compared->example_count - at) * sizeof *compared->examples);
    compared->examples[at] = one;
    compared->example_count++;
    return true;
}

static void write_side(struct ct_writer *json, const char *key, const struct ct_definition *definition,
                       const struct ct_standing *standing)
{
    ct_writer_key(json, key);
    ct_writer_open(json, '{');
    ct_writer_key(json, "place");
    ct_writer_text(json, ct_stand_text(standing->place));
    ct_writer_key(json, "why");
    ct_writer_text(json, ct_why_text(standing->why));
    if (definition->kind == CT_KPI_MEAN && standing->place == CT_STAND_HIT) {
        ct_writer_key(json, "value");
        ct_writer_decimal(json, standing->value, definition->unit == CT_UNIT_SECONDS ? CT_USEC_PER_SECOND : 1, 6);
    }
    ct_writer_close(json, '}');
}

static enum ct_status put_difference(struct compare *c, size_t index, const struct ct_record *record,
                                     const struct ct_standing *a, const struct ct_standing *b, struct ct_error *err)
{
    const struct ct_definition *definition = &c->definitions[index];
    ct_span id = ct_record_text(record, CT_TEXT_CONVERSATION_ID);
    const unsigned char rest[] = {0,
                                  (unsigned char)(record->session >> 24),
                                  (unsigned char)(record->session >> 16),
                                  (unsigned char)(record->session >> 8),
                                  (unsigned char)record->session,
                                  (unsigned char)index};
    struct ct_out out;
    struct ct_writer json;
    c->line.len = c->tie.len = 0;
    ct_out_init(&out, ct_text_add, &c->line);
    ct_writer_init(&json, &out);
    ct_writer_open(&json, '{');
    ct_writer_key(&json, "conversation_id");
    ct_writer_string(&json, id);
    if (record->session > 1) {
        ct_writer_key(&json, "session");
        ct_writer_wide(&json, record->session);
    }
    ct_writer_key(&json, "ended_at");
    ct_writer_time(&json, record->ended_at);
    ct_writer_key(&json, "kpi");
    ct_writer_text(&json, definition->kpi);
    ct_writer_key(&json, "profile");
    ct_writer_text(&json, definition->profile);
    write_side(&json, "convtap", c->own[index], a);
    write_side(&json, "theirs", definition, b);
    ct_writer_close(&json, '}');
    ct_out_char(&out, '\n');
    if (ct_out_done(&out) != CT_OK || !ct_text_add(&c->tie, id.at, id.len) ||
        !ct_text_add(&c->tie, (const char *)rest, sizeof rest)) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    return ct_sorter_put(c->run, record->ended_at, (ct_span){c->tie.at, c->tie.len}, (ct_span){c->line.at, c->line.len},
                         err);
}

static enum ct_status on_record(void *context, const struct ct_record *record, struct ct_error *err)
{
    struct compare *c = context;
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < c->count && status == CT_OK; i++) {
        struct ct_standing a, b;
        if (c->own[i] == &c->definitions[i]) {
            continue;
        }
        ct_definition_place(c->own[i], record, &a);
        ct_definition_place(&c->definitions[i], record, &b);
        if (!ct_standings_differ(c->own[i], &a, &c->definitions[i], &b)) {
            continue;
        }
        enum ct_difference how = ct_standings_difference(&a, &b);
        enum ct_why why = how == CT_DIFFERENCE_ADDED ? a.why : b.why;
        c->compared[i].differs++;
        c->compared[i].reasons[how][why]++;
        if (!keep_example(c, &c->compared[i], record, how, why)) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        status = c->run ? put_difference(c, i, record, &a, &b, err) : CT_OK;
    }
    return status;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static bool compare_init(struct compare *c, const struct arguments *a)
{
    *c = (struct compare){.examples = a->examples};
    c->definitions = ct_definitions(&c->count);
    if (c->count > sizeof c->own / sizeof *c->own || c->count > 256) {
        return false;
    }
    c->compared = calloc(c->count, sizeof *c->compared);
    for (size_t i = 0; c->compared && i < c->count; i++) {
        c->own[i] = ct_definition_find(CT_PROFILE_CONVTAP, c->definitions[i].kpi);
        c->compared[i].examples = calloc(a->examples + 1, sizeof *c->compared[i].examples);
        if (!c->compared[i].examples) {
            return false;
        }
    }
    if (a->files[FILE_DIFFERENCES].path) {
        c->sorter = ct_sorter_new(0);
        c->run = c->sorter ? ct_sorter_run_new(c->sorter) : NULL;
    }
    return c->compared && (!a->files[FILE_DIFFERENCES].path || c->run);
}

static void compare_done(struct compare *c)
{
    struct ct_error ignored = {0};
    (void)!ct_sorter_run_done(c->run, &ignored);
    ct_sorter_free(c->sorter);
    for (size_t i = 0; c->compared && i < c->count; i++) {
        for (size_t j = 0; j < c->compared[i].example_count; j++) {
            free(c->compared[i].examples[j].id);
        }
        free(c->compared[i].examples);
    }
    free(c->compared);
    free(c->line.at);
    free(c->tie.at);
}

static bool write_file(void *context, const char *bytes, size_t len)
{
    return fwrite(bytes, 1, len, context) == len;
}

static enum ct_status write_files(struct arguments *a, struct compare *c, const struct ct_comparison_page *page,
                                  struct ct_error *err)
{
    enum ct_status status = ct_side_files_open(a->files, FILE_COUNT, err);
    if (status == CT_OK && c->sorter) {
        status = ct_sorter_merge(c->sorter, write_file, a->files[FILE_DIFFERENCES].result.file, err);
    }
    if (status == CT_OK && a->files[FILE_CSV].path) {
        struct ct_out out;
        ct_out_init_file(&out, a->files[FILE_CSV].result.file);
        ct_compare_csv(&out, page);
        status = ct_out_done(&out);
    }
    return status == CT_OK ? ct_side_files_place(a->files, FILE_COUNT, err) : status;
}

static int publish(struct arguments *a, struct compare *c, const struct ct_comparison_page *page)
{
    struct ct_error err = {0};
    enum ct_status status = write_files(a, c, page, &err);
    if (status != CT_OK) {
        return ct_options_fail(self, CT_EXIT_OUTPUT, "%s", err.text[0] ? err.text : ct_status_text(status));
    }
    struct ct_out out;
    ct_out_init_file(&out, stdout);
    if (a->json) {
        ct_compare_json(&out, page);
    } else if (!ct_side_files_on_stdout(a->files, FILE_COUNT)) {
        ct_compare_table(&out, page);
    }
    return ct_out_done(&out) == CT_OK && fflush(stdout) == 0
               ? -1
               : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
}

static int write_all(struct arguments *a, struct compare *c, const struct ct_session *s,
                     const struct ct_batch_result *result)
{
    struct ct_comparison_page page = {.compared = c->compared,
                                      .as_of = result->as_of,
                                      .rules_hash = s->rules->hash,
                                      .drops = result->drops,
                                      .drop_count = result->drop_count,
                                      .scored = result->terms.scorecard != NULL,
                                      .lang = s->config.lang};
    struct ct_quality_findings quality;
    enum ct_status status = CT_OK;
    int code = -1;
    for (unsigned p = 0; p < CT_PROFILE_COUNT && status == CT_OK; p++) {
        const struct ct_kpi_options options = {.profile = (enum ct_profile)p, .fees = &result->fees};
        status = ct_kpis_compute(result->kpis, &options, &page.blocks[p]);
    }
    if (status != CT_OK) {
        code = ct_options_fail(self, CT_EXIT_OUTPUT, "%s", ct_status_text(status));
    } else if (result->terms.marks) {
        ct_quality_read(ct_kpis_quality(result->kpis), &page.blocks[CT_PROFILE_CONVTAP], &quality);
        page.quality = &quality;
    }
    code = code < 0 ? publish(a, c, &page) : code;
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        ct_block_done(&page.blocks[p]);
    }
    return code;
}

static int compare(struct arguments *a, struct ct_session *s, const struct ct_quality_inputs *inputs, struct compare *c)
{
    const struct ct_batch_db look = {.context = c, .counted = true, .record = on_record};
    struct ct_batch_result result;
    struct ct_error err = {0};
    s->batch.threads = ct_publication_threads(&s->config);
    s->batch.conversation.drop_evidence = !s->batch.terms.bindings;
    s->batch.db = &look;
    enum ct_status status = ct_batch_run(&s->batch, &s->inputs, &result, &err);
    s->batch.db = NULL;
    if (status != CT_OK) {
        return ct_session_fail(self, status, &err);
    }
    ct_session_report(&result, a->quiet ? 0 : 20);
    if (!a->quiet) {
        ct_label_drops_print(&result);
    }
    if (c->run) {
        status = ct_sorter_run_done(c->run, &err);
        c->run = NULL;
    }
    int code = status == CT_OK ? write_all(a, c, s, &result) : ct_options_fail(self, CT_EXIT_OUTPUT, "%s", err.text);
    if (code < 0) {
        code = result.refused || inputs->refused ? CT_EXIT_REFUSED : CT_EXIT_DONE;
    }
    ct_batch_done(&result);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {
        .session = CT_SESSION_DEFAULTS, .files = {{.option = "differences"}, {.option = "csv"}}, .examples = 3};
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a.session),
        CT_SELECTION_OPTIONS(&a.session),
        CT_READING_OPTIONS(&a.session),
        CT_QUALITY_OPTIONS(&a.session) /* each row with its comma */
        {"differences", "FILE", CT_OPT_TEXT, &a.files[FILE_DIFFERENCES].path, 0, 0,
         "Every conversation on which a definition differs from convtap's, with both sides' reasons, as JSON lines in "
         "order of close, then id (- for standard output)."},
        {"csv", "FILE", CT_OPT_TEXT, &a.files[FILE_CSV].path, 0, 0, "The figures and the counts of reasons as CSV."},
        {"examples", "N", CT_OPT_COUNT, &a.examples, 0, CT_COMPARE_EXAMPLES_MAX,
         "Conversations named for each definition, the first ones in that order. Default 3."},
        {"json", NULL, CT_OPT_FLAG, &a.json, 0, 0, "As one JSON object instead of the table."},
        {"quiet", NULL, CT_OPT_FLAG, &a.quiet, 0, 0, "No remarks."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    struct ct_session session = {0};
    struct ct_quality_inputs inputs = {0};
    struct compare c = {0};
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = ct_session_open(&session, self, &a.session, words, word_count);
    }
    if (code < 0) {
        code = ct_side_files_check(self, a.files, FILE_COUNT, a.json ? "json" : NULL, &session.inputs, NULL);
    }
    if (code < 0) {
        code = ct_quality_inputs_open(&inputs, self, &session);
    }
    if (code < 0 && !compare_init(&c, &a)) {
        code = ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    if (code < 0) {
        code = compare(&a, &session, &inputs, &c);
    }
    ct_side_files_drop(a.files, FILE_COUNT);
    compare_done(&c);
    ct_quality_inputs_close(&inputs);
    ct_session_close(&session);
    free(words);
    return code;
}

const struct ct_command ct_kpis_compare = {
    .name = "kpis compare",
    .arguments = "INPUT...",
    .summary = "Every profile's figures side by side, and the conversations on which they differ and why.",
    .details =
        "Each KPI by convtap's definition and by every authority's that has one of its own (docs/profiles.md),\n"
        "how many conversations each of them counts in another way than convtap, and for what reason. With --labels\n"
        "beside convtap's the figure with the rules' measured error taken out, with --scorecard the quality score.",
    .run = run,
};
