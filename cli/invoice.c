/* invoice.c - `convtap kpis invoice`: what a vendor that charges per resolution should charge, by its own definition,
 * from one's own transcripts; and, with its bill, which rows of it do not hold, with the message and rule that say so.
 */
#include "cli/invoice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/kpis.h"
#include "cli/publication.h"
#include "cli/session.h"
#include "cli/side_files.h"
#include "engine/period.h"

static const struct ct_command *const self = &ct_kpis_invoice;

enum { REFUSALS_SHOWN = 20 };

struct arguments {
    struct ct_session_arguments session;
    struct ct_side_file list;
    const char *vendor, *price, *currency, *billed, *from, *to;
    struct ct_texts columns;
    unsigned examples;
    bool json, quiet;
};

struct invoice {
    const struct arguments *arguments;
    struct ct_session *session;
    struct ct_invoice_terms terms;
    struct ct_invoice_match *match;
    struct ct_invoice_sums sums;
    struct ct_invoice_examples examples[CT_VERDICT_COUNT];
    struct ct_invoice_refused refused[CT_INVOICE_REASONS_MAX];
    size_t refused_count;
    uint64_t refusals;
    struct ct_out list;
};

/* ---- what comes in ------------------------------------------------------------------------------------------------
 */

static enum ct_status on_record(void *context, const struct ct_record *record, struct ct_error *err)
{
    struct invoice *in = context;
    return ct_invoice_match_record(in->match, in->session->rules, record, err);
}

static enum ct_status on_row(void *context, const struct ct_bill_row *row, struct ct_error *err)
{
    struct invoice *in = context;
    return ct_invoice_match_bill(in->match, row, err);
}

static void on_refusal(void *context, const char *reason, uint64_t line)
{
    struct invoice *in = context;
    size_t i = 0;
    while (i < in->refused_count && strcmp(in->refused[i].reason, reason) != 0) {
        i++;
    }
    if (i == in->refused_count && i < CT_INVOICE_REASONS_MAX) {
        in->refused[in->refused_count++].reason = reason;
    }
    if (i < CT_INVOICE_REASONS_MAX) {
        in->refused[i].count++;
    }
    if (in->refusals++ < REFUSALS_SHOWN && !in->arguments->quiet) {
        fprintf(stderr, "%s:%" PRIu64 ": %s\n", in->arguments->billed, line, reason);
    }
}

/* ---- what goes out ------------------------------------------------------------------------------------------------
 */

static enum ct_status keep_example(struct invoice *in, const struct ct_invoice_entry *entry)
{
    struct ct_invoice_examples *examples = &in->examples[entry->verdict];
    if (examples->count >= in->arguments->examples) {
        return CT_OK;
    }
    struct ct_invoice_example *one = &examples->at[examples->count];
    one->id = malloc(entry->id.len + 1);
    if (!one->id) {
        return CT_NO_MEMORY;
    }
    memcpy(one->id, entry->id.at ? entry->id.at : "", entry->id.len);
    one->id_len = entry->id.len;
    one->known = entry->known;
    one->why = entry->why;
    examples->count++;
    return CT_OK;
}

static enum ct_status on_entry(void *context, const struct ct_invoice_entry *entry)
{
    struct invoice *in = context;
    if (in->list.write) {
        ct_invoice_line(&in->list, entry, in->session->config.lang);
    }
    return in->list.status == CT_OK ? keep_example(in, entry) : in->list.status;
}

static int output_failed(const struct ct_error *err, enum ct_status status)
{
    return ct_options_fail(self, CT_EXIT_OUTPUT, "%s", err->text[0] ? err->text : ct_status_text(status));
}

static int by_reason(const void *left, const void *right)
{
    return strcmp(((const struct ct_invoice_refused *)left)->reason,
                  ((const struct ct_invoice_refused *)right)->reason);
}

static int publish(struct invoice *in, const struct ct_batch_result *result)
{
    const struct arguments *a = in->arguments;
    struct ct_out out;
    if (in->refused_count > 1) {
        qsort(in->refused, in->refused_count, sizeof *in->refused, by_reason);
    }
    const struct ct_invoice_page page = {.definition = in->terms.definition,
                                         .vendor_currency = ct_span_of(a->currency),
                                         .price = in->terms.price,
                                         .from = in->terms.from,
                                         .to = in->terms.to,
                                         .as_of = result->as_of,
                                         .has_bill = in->terms.has_bill,
                                         .rules_hash = in->session->rules->hash,
                                         .sums = &in->sums,
                                         .examples = in->examples,
                                         .refused = in->refused,
                                         .refused_count = in->refused_count,
                                         .drops = result->drops,
                                         .drop_count = result->drop_count,
                                         .lang = in->session->config.lang};
    ct_out_init_file(&out, stdout);
    if (a->json) {
        ct_invoice_json(&out, &page);
    } else if (!ct_side_files_on_stdout(&a->list, 1)) {
        ct_invoice_table(&out, &page);
    }
    return ct_out_done(&out) == CT_OK && fflush(stdout) == 0
               ? -1
               : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write standard output");
}

static int match_and_publish(struct invoice *in, struct ct_side_file *list, const struct ct_batch_result *result)
{
    struct ct_error err = {0};
    enum ct_status status = ct_side_files_open(list, 1, &err);
    if (status == CT_OK && list->path) {
        ct_out_init_file(&in->list, list->result.file);
    }
    if (status == CT_OK) {
        status = ct_invoice_match_end(in->match, on_entry, in, &in->sums, &err);
    }
    if (status == CT_OK && list->path) {
        status = ct_out_done(&in->list);
    }
    if (status == CT_OK) {
        status = ct_side_files_place(list, 1, &err);
    }
    return status == CT_OK ? publish(in, result) : output_failed(&err, status);
}

static int read_bill(struct invoice *in)
{
    const struct arguments *a = in->arguments;
    struct ct_error err = {0};
    const struct ct_bill_reading reading = {.path = a->billed,
                                            .columns = &a->columns,
                                            .currency = ct_span_of(a->currency),
                                            .context = in,
                                            .row = on_row,
                                            .refuse = on_refusal};
    enum ct_status status = a->billed ? ct_bill_read(&reading, &err) : CT_OK;
    if (status == CT_OK) {
        return -1;
    }
    bool usage = status == CT_BAD_CONFIG || status == CT_NOT_FOUND;
    return ct_options_fail(self, usage ? CT_EXIT_USAGE : CT_EXIT_OUTPUT, "--billed: %s",
                           err.text[0] ? err.text : ct_status_text(status));
}

static int check_bill(struct invoice *in, struct ct_side_file *list)
{
    struct ct_session *s = in->session;
    const struct ct_batch_db look = {.context = in, .counted = true, .record = on_record};
    struct ct_batch_result result;
    struct ct_error err = {0};
    int code = read_bill(in); /* first: a wrong column is better known now than after an hour */
    if (code >= 0) {
        return code;
    }
    s->batch.threads = ct_publication_threads(&s->config);
    s->batch.db = &look;
    enum ct_status status = ct_batch_run(&s->batch, &s->inputs, &result, &err);
    s->batch.db = NULL;
    if (status != CT_OK) {
        return ct_session_fail(self, status, &err);
    }
    ct_session_report(&result, in->arguments->quiet ? 0 : REFUSALS_SHOWN);
    code = match_and_publish(in, list, &result);
    if (code < 0) {
        code = result.refused || in->refusals ? CT_EXIT_REFUSED : CT_EXIT_DONE;
    }
    ct_batch_done(&result);
    return code;
}

/* ---- options ------------------------------------------------------------------------------------------------------
 */

static int read_moment(const struct ct_zone *zone, const char *option, const char *text, ct_usec *out)
{
    *out = CT_USEC_NONE;
    if (text && !ct_period_moment(zone, ct_span_of(text), out)) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--%s: \"%s\" is neither a date nor a time", option, text);
    }
    return -1;
}

static int read_vendor(const struct arguments *a, struct ct_invoice_terms *terms)
{
    enum ct_profile profile;
    char names[200] = "";
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        if (ct_definition_find((enum ct_profile)p, "automation_rate")) {
            (void)snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", names[0] ? ", " : "",
                           ct_profile_text((enum ct_profile)p));
        }
    }
    if (!a->vendor) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--vendor is due: %s", names);
    }
    terms->definition =
        ct_profile_from(ct_span_of(a->vendor), &profile) ? ct_definition_find(profile, "automation_rate") : NULL;
    if (!terms->definition) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--vendor: \"%s\" is none whose resolutions are defined: %s",
                               a->vendor, names);
    }
    return -1;
}

static int read_terms(const struct arguments *a, struct ct_invoice_terms *terms)
{
    struct ct_error err = {0};
    int code = read_vendor(a, terms);
    if (code >= 0) {
        return code;
    }
    terms->has_bill = a->billed != NULL;
    if (!a->price || !a->currency) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--%s is due", a->price ? "currency" : "price");
    }
    if (!ct_money_parse(ct_span_of(a->price), &terms->price) || terms->price < 0) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--price: \"%s\" is no amount", a->price);
    }
    if (!a->currency[0] || strlen(a->currency) > 8) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--currency: \"%s\" is no currency", a->currency);
    }
    if (a->columns.count && !a->billed) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--billed-column is of --billed");
    }
    if (ct_bill_columns_check(&a->columns, &err) != CT_OK) {
        return ct_options_fail(self, CT_EXIT_USAGE, "--billed-column: %s", err.text);
    }
    return -1;
}

static int read_period(const struct arguments *a, const struct ct_session *s, struct ct_invoice_terms *terms)
{
    int code = read_moment(s->batch.terms.zone, "from", a->from, &terms->from);
    code = code < 0 ? read_moment(s->batch.terms.zone, "to", a->to, &terms->to) : code;
    if (code < 0 && a->to && terms->from != CT_USEC_NONE && terms->to <= terms->from) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "--to: the period ends before it begins");
    }
    for (size_t i = 0; code < 0 && a->billed && strcmp(a->billed, "-") == 0 && i < s->inputs.count; i++) {
        if (strcmp(s->inputs.files[i].path, "-") == 0) {
            code = ct_options_fail(self, CT_EXIT_USAGE, "--billed and an input both want standard input");
        }
    }
    return code;
}

static bool invoice_init(struct invoice *in)
{
    for (unsigned v = 0; v < CT_VERDICT_COUNT; v++) {
        in->examples[v].at = calloc(in->arguments->examples + 1, sizeof *in->examples[v].at);
        if (!in->examples[v].at) {
            return false;
        }
    }
    in->match = ct_invoice_match_new(&in->terms);
    return in->match != NULL;
}

static void invoice_done(struct invoice *in)
{
    for (unsigned v = 0; v < CT_VERDICT_COUNT; v++) {
        for (size_t i = 0; i < in->examples[v].count; i++) {
            free(in->examples[v].at[i].id);
        }
        free(in->examples[v].at);
    }
    ct_invoice_match_free(in->match);
}

static int open_and_check(struct arguments *a, char *const *words, size_t word_count)
{
    struct ct_session session = {0};
    struct invoice *in = calloc(1, sizeof *in);
    int code = in ? -1 : ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    if (code < 0) {
        in->arguments = a;
        in->session = &session;
        code = read_terms(a, &in->terms);
    }
    code = code < 0 ? ct_session_open(&session, self, &a->session, words, word_count) : code;
    code = code < 0 ? read_period(a, &session, &in->terms) : code;
    code =
        code < 0 ? ct_side_files_check(self, &a->list, 1, a->json ? "json" : NULL, &session.inputs, a->billed) : code;
    if (code < 0 && !invoice_init(in)) {
        code = ct_options_fail(self, CT_EXIT_OUTPUT, "out of memory");
    }
    code = code < 0 ? check_bill(in, &a->list) : code;
    ct_side_files_drop(&a->list, 1);
    if (in) {
        invoice_done(in);
        free(in);
    }
    ct_session_close(&session);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.session = CT_SESSION_DEFAULTS, .list = {.option = "list"}, .examples = 3};
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a.session),
        CT_WHERE_OPTION(&a.session),
        CT_READING_OPTIONS(&a.session),
        {"vendor", "NAME", CT_OPT_TEXT, &a.vendor, 0, 0,
         "Whose definition of a resolution counts: intercom, zendesk, ada, copilot-studio, amazon-connect, chatwoot or "
         "convtap."},
        {"price", "AMOUNT", CT_OPT_TEXT, &a.price, 0, 0, "Of one resolution, such as 0.99."},
        {"currency", "CODE", CT_OPT_TEXT, &a.currency, 0, 0, "Of the price and the bill, such as USD."},
        {"from", "DATE", CT_OPT_TEXT, &a.from, 0, 0,
         "The bill's period: resolutions that count then or later. A date is its first moment in the zone."},
        {"to", "DATE", CT_OPT_TEXT, &a.to, 0, 0, "The bill's period: resolutions that count before."},
        {"billed", "FILE", CT_OPT_TEXT, &a.billed, 0, 0,
         "The vendor's list: a conversation's id a row, with its amount where there is one; CSV or JSON lines (- for "
         "standard input)."},
        {"billed-column", "FIELD=NAME", CT_OPT_LIST, &a.columns, 0, 0,
         "Where the list calls its columns otherwise than usual: id=NAME, amount=NAME, currency=NAME; may be "
         "repeated."},
        {"list", "FILE", CT_OPT_TEXT, &a.list.path, 0, 0,
         "Every conversation that is disputed, or, without --billed, to be billed, as JSON lines by id: what is said "
         "of it, and the message and rule that say so (- for standard output)."},
        {"examples", "N", CT_OPT_COUNT, &a.examples, 0, CT_INVOICE_EXAMPLES_MAX,
         "Conversations named for each finding, the first ones by id. Default 3."},
        {"json", NULL, CT_OPT_FLAG, &a.json, 0, 0, "As one JSON object instead of the table."},
        {"quiet", NULL, CT_OPT_FLAG, &a.quiet, 0, 0, "No remarks."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0) {
        code = open_and_check(&a, words, word_count);
    }
    free(words);
    return code;
}

const struct ct_command ct_kpis_invoice = {
    .name = "kpis invoice",
    .arguments = "INPUT...",
    .summary = "Checks a vendor's bill per resolution against one's own transcripts, by the vendor's own definition.",
    .details = "Without --billed: what the bill should be. With it: what holds, and what does not (not resolved,\n"
               "billed twice, unknown, too early, another period, another amount, not billed), with the money of each\n"
               "and the message and rule that say so (--list). docs/profiles.md says what each vendor counts.",
    .run = run,
};
