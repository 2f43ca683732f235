/* rules_diff.c - `convtap rules diff`: the same archive under two rule sets, and every figure that is another. */
#include "cli/rules.h"

#include "cli/session.h"
#include "metrics/kpi.h"

#include <stdio.h>
#include <stdlib.h>

static const struct ct_command *const self = &ct_rules_diff;

/* ---- rules ------------------------------------------------------------------------------ */

static const struct ct_rule *find_rule(const struct ct_ruleset *rules, ct_span id)
{
    for (size_t i = 0; i < rules->rule_count; i++) {
        if (ct_span_eq(rules->rules[i].id, id)) {
            return &rules->rules[i];
        }
    }
    return NULL;
}

/* Rules that only one of them has, or that have another revision. */
static void print_rules(const struct ct_ruleset *old, const struct ct_ruleset *new)
{
    size_t changes = 0;
    for (size_t i = 0; i < old->rule_count; i++) {
        const struct ct_rule *was = &old->rules[i], *is = find_rule(new, was->id);
        if (is == NULL) {
            printf("- %s@%u\n", was->id.at, was->rev);
        } else if (is->rev != was->rev) {
            printf("~ %s@%u, was @%u\n", is->id.at, is->rev, was->rev);
        }
        changes += is == NULL || is->rev != was->rev;
    }
    for (size_t i = 0; i < new->rule_count; i++) {
        if (find_rule(old, new->rules[i].id) == NULL) {
            printf("+ %s@%u\n", new->rules[i].id.at, new->rules[i].rev);
            changes++;
        }
    }
    printf("%zu rules added, gone or of another revision; rules_hash %.12s, was %.12s\n\n", changes, new->hash,
           old->hash);
}

/* ---- figures ---------------------------------------------------------------------------- */

static const struct ct_figure *find_figure(const struct ct_block *block, const struct ct_figure *like)
{
    for (size_t i = 0; i < block->figure_count; i++) {
        const struct ct_figure *figure = &block->figures[i];
        if (figure->kpi == like->kpi && figure->part == like->part && strcmp(figure->key, like->key) == 0) {
            return figure;
        }
    }
    return NULL;
}

static void value_text(const struct ct_figure *figure, char *out)
{
    if (figure == NULL || !figure->has_value) {
        memcpy(out, "none", sizeof "none");
    } else {
        (void)ct_decimal_format(figure->value_num, figure->value_den, 3, true, out);
    }
}

/* Also where the value is the same by chance: other conversations may stand behind it. */
static bool same_figure(const struct ct_figure *a, const struct ct_figure *b)
{
    if (a == NULL || b == NULL || a->has_value != b->has_value) {
        return false;
    }
    return !a->has_value || (a->numerator == b->numerator && a->denominator == b->denominator &&
                             a->value_num * b->value_den == b->value_num * a->value_den);
}

static void print_figure(const struct ct_figure *old, const struct ct_figure *new)
{
    const struct ct_figure *any = new != NULL ? new : old;
    char was[CT_DECIMAL_BYTES], is[CT_DECIMAL_BYTES], change[CT_DECIMAL_BYTES + 1] = "", name[200];
    value_text(old, was);
    value_text(new, is);
    if (old != NULL && new != NULL && old->has_value &&new->has_value) {
        ct_wide num = new->value_num * old->value_den - old->value_num *new->value_den;
        change[0] = '+';
        (void)ct_decimal_format(num, new->value_den * old->value_den, 3, true, change + (num >= 0));
    }
    snprintf(name, sizeof name, "%s%s%s%s", any->kpi->id, any->key[0] ? " [" : "", any->key, any->key[0] ? "]" : "");
    printf("%-44s %16s %16s %16s  %s\n", name, was, is, change, ct_unit_text(any->kpi->unit));
}

static size_t print_figures(const struct ct_block *old, const struct ct_block *new)
{
    size_t changes = 0;
    printf("%-44s %16s %16s %16s\n", "", "was", "is", "change");
    for (unsigned i = 0; i < CT_OUTCOME_COUNT; i++) {
        if (old->outcomes[i] != new->outcomes[i]) {
            char name[64];
            snprintf(name, sizeof name, "outcome %s", ct_outcome_text((enum ct_outcome)i));
            printf("%-44s %16llu %16llu %+16lld  conversations\n", name, (unsigned long long)old->outcomes[i],
                   (unsigned long long)new->outcomes[i], (long long)new->outcomes[i] - (long long)old->outcomes[i]);
            changes++;
        }
    }
    for (size_t i = 0; i < new->figure_count; i++) {
        const struct ct_figure *is = &new->figures[i], *was = find_figure(old, is);
        if (!same_figure(was, is)) {
            print_figure(was, is);
            changes++;
        }
    }
    for (size_t i = 0; i < old->figure_count; i++) {
        if (find_figure(new, &old->figures[i]) == NULL) {
            print_figure(&old->figures[i], NULL);
            changes++;
        }
    }
    return changes;
}

/* ---- the two runs ----------------------------------------------------------------------- */

/* One audit under `rules`; the block is the caller's. Returns -1 to go on, else the exit status. */
static int audit(struct ct_session *session, struct ct_ruleset *rules, struct ct_block *block, uint64_t *refused,
                 bool report)
{
    struct ct_batch_result result;
    struct ct_error error = {0};
    session->batch.rules = rules;
    session->batch.conversation.drop_evidence = true;
    enum ct_status status = ct_batch_run(&session->batch, &session->inputs, &result, &error);
    if (status != CT_OK) {
        return ct_session_fail(self, status, &error);
    }
    if (report) {
        ct_session_report(&result, 20);
    }
    *refused = result.refused;
    status = ct_kpis_compute(result.kpis, &(struct ct_kpi_options){.fees = &result.fees}, block);
    ct_batch_done(&result);
    return status == CT_OK ? -1 : ct_options_fail(self, CT_EXIT_OUTPUT, "%s", ct_status_text(status));
}

static int diff(struct ct_session *session, struct ct_ruleset *old_rules)
{
    struct ct_block old = {0}, new = {0};
    uint64_t refused = 0;
    int code = audit(session, old_rules, &old, &refused, true);
    if (code < 0) {
        code = audit(session, session->rules, &new, &refused, false);
    }
    if (code < 0) {
        print_rules(old_rules, session->rules);
        size_t changes = print_figures(&old, &new);
        printf("%s%zu of the figures differ, over %llu conversations\n", changes ? "\n" : "", changes,
               (unsigned long long)new.conversations);
        code = refused > 0 ? CT_EXIT_REFUSED : CT_EXIT_DONE;
    }
    ct_block_done(&old);
    ct_block_done(&new);
    session->batch.rules = session->rules;
    return code;
}

static int run(int argc, char **argv)
{
    struct ct_session_arguments a = CT_SESSION_DEFAULTS;
    const char *against = NULL;
    unsigned threads = 1;
    const struct ct_cli_option options[] = {
        CT_SESSION_OPTIONS(&a),
        {"against", "DIR", CT_OPT_TEXT, &against, 0, 0,
         "The rule packs to compare with; by default those that convtap came with."},
        {"threads", "N", CT_OPT_COUNT, &threads, 1, 256, "Threads; the result is the same for any number. Default 1."},
        {0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    struct ct_session session = {0};
    struct ct_ruleset *old = NULL;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && a.rules == NULL && against == NULL) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "nothing to compare: give --rules, --against or both");
    }
    if (code < 0) {
        code = ct_session_open(&session, self, &a, words, word_count);
    }
    if (code < 0) {
        struct ct_error error = {0};
        session.batch.threads = threads;
        old = ct_config_ruleset(&session.config, against, &error);
        code = old != NULL ? diff(&session, old)
                           : ct_options_fail(self, CT_EXIT_USAGE, "--against: %s%s%s", error.file,
                                             error.file[0] ? ": " : "", error.text);
    }
    ct_ruleset_unref(old);
    ct_session_close(&session);
    free(words);
    return fflush(stdout) == 0 && !ferror(stdout) ? code
                                                  : ct_options_fail(self, CT_EXIT_OUTPUT, "cannot write the result");
}

const struct ct_command ct_rules_diff = {
    .name = "rules diff",
    .arguments = "INPUT...",
    .summary = "What changes in the figures of an archive with another rule set.",
    .details =
        "Audits the same inputs under --against and under --rules, and prints the rules that differ, then every\n"
        "outcome and KPI that is another. The conversations are the same, so each difference is exact.",
    .run = run,
};
