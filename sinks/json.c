/* json.c - the findings as one JSON object. Called by `convtap audit --json`, `convtap kpis --json` and the desk. */
#include "sinks/json.h"

#include "sinks/alarms.h"
#include "sinks/feedback.h"
#include "sinks/format.h"
#include "sinks/quality.h"

static void write_target(struct ct_writer *json, const struct ct_target *target)
{
    ct_writer_open(json, '[');
    ct_writer_text(json, target->op == CT_TARGET_AT_LEAST ? ">=" : "<=");
    ct_writer_decimal(json, target->micro, 1000000, 6);
    ct_writer_close(json, ']');
}

/* Decimals that keep a value exact enough: money in billionths, all else in millionths. */
static unsigned digits_of(const struct ct_kpi *kpi)
{
    return kpi->unit == CT_UNIT_MONEY ? 9 : 6;
}

static void write_micro(struct ct_writer *json, const char *key, bool present, int64_t micro)
{
    ct_writer_key(json, key);
    if (present) {
        ct_writer_decimal(json, micro, 1000000, 6);
    } else {
        ct_writer_null(json);
    }
}

/* What sets the figure apart: the currency, the scale of a survey, the key of a share (of the largest one, at the
 * head), or any other key: an outcome, a factor. */
static const char *key_name(const struct ct_figure *figure)
{
    enum ct_key_kind by = ct_kpi_keyed_by(figure->kpi);
    if (by == CT_KEYED_BY_CURRENCY || by == CT_KEYED_BY_SCALE) {
        return by == CT_KEYED_BY_CURRENCY ? "currency" : "scale";
    }
    return figure->part ? "key" : "leader"; /* a slice has a key of its own beside it */
}

/* Against the period before. */
static void write_change(struct ct_writer *json, const struct ct_figure *figure)
{
    const struct ct_change *change = &figure->change;
    int better = ct_change_better(figure);
    if (change->verdict == CT_CHANGE_NONE) {
        return;
    }
    ct_writer_key(json, "change");
    ct_writer_open(json, '{');
    ct_writer_key(json, "verdict");
    ct_writer_text(json, ct_change_text(change->verdict));
    ct_writer_key(json, "better");
    if (better) {
        ct_writer_bool(json, better > 0);
    } else {
        ct_writer_null(json);
    }
    write_micro(json, "difference", true, change->difference_micro);
    write_micro(json, "low", change->has_interval, change->low_micro);
    write_micro(json, "high", change->has_interval, change->high_micro);
    ct_writer_key(json, "before");
    ct_writer_decimal(json, change->before_num, change->before_den, digits_of(figure->kpi));
    ct_writer_key(json, "before_n");
    ct_writer_wide(json, (ct_wide)change->before_n);
    ct_writer_close(json, '}');
}

/* A count, or an amount in parts of a unit. */
static void write_amount(struct ct_writer *json, const struct ct_figure *figure, ct_wide amount, int64_t scale)
{
    if (scale > 1) {
        ct_writer_decimal(json, amount, scale, scale > 1000000 ? 9 : digits_of(figure->kpi));
    } else {
        ct_writer_wide(json, amount);
    }
}

/* The members that every figure has, after its id or key. */
static void write_value(struct ct_writer *json, const struct ct_figure *figure)
{
    const struct ct_kpi *kpi = figure->kpi;
    ct_writer_key(json, "value");
    if (figure->has_value) {
        ct_writer_decimal(json, figure->value_num, figure->value_den, digits_of(kpi));
    } else {
        ct_writer_null(json);
    }
    ct_writer_key(json, "unit");
    ct_writer_text(json, ct_unit_text(kpi->unit));
    ct_writer_key(json, "numerator");
    write_amount(json, figure, figure->numerator, figure->scale);
    ct_writer_key(json, "denominator");
    write_amount(json, figure, figure->denominator, ct_figure_denominator_scale(figure));
    write_micro(json, "low", figure->has_interval, figure->low_micro);
    write_micro(json, "high", figure->has_interval, figure->high_micro);
    ct_writer_key(json, "n");
    ct_writer_wide(json, (ct_wide)figure->n);
    if (figure->left_out) {
        ct_writer_key(json, "left_out");
        ct_writer_wide(json, (ct_wide)figure->left_out);
    }
    if (figure->provisional) {
        ct_writer_key(json, "provisional");
        ct_writer_wide(json, (ct_wide)figure->provisional);
        ct_writer_key(json, "settles_at");
        ct_writer_time(json, figure->settles_at);
    }
    if (figure->has_error) {
        write_micro(json, "standard_error", true, figure->error_micro);
    }
    if (figure->has_percentiles) {
        ct_writer_key(json, "percentiles");
        ct_writer_open(json, '{');
        for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
            write_micro(json, ct_percentile_text(i), true, figure->percentile_micro[i]);
        }
        ct_writer_close(json, '}');
    }
    if (figure->target.op != CT_TARGET_NONE) {
        ct_writer_key(json, "target");
        write_target(json, &figure->target);
        if (figure->status != CT_STATUS_NONE) {
            ct_writer_key(json, "status");
            ct_writer_text(json, ct_target_status_text(figure->status));
        }
        if (figure->target_segment) {
            ct_writer_key(json, "target_segment");
            ct_writer_text(json, figure->target_segment);
        }
    }
    write_change(json, figure);
}

static void write_key(struct ct_writer *json, const struct ct_figure *figure)
{
    if (figure->key[0]) {
        ct_writer_key(json, key_name(figure));
        ct_writer_text(json, figure->key);
    }
}

/* Figures of a block from `figure` on that are its parts. */
static void write_parts(struct ct_writer *json, const struct ct_block *block, const struct ct_figure *figure)
{
    const struct ct_figure *end = block->figures + block->figure_count;
    const struct ct_figure *part = figure + 1;
    if (part == end || !part->part) {
        return;
    }
    ct_writer_key(json, "parts");
    ct_writer_open(json, '[');
    for (; part < end && part->part; part++) {
        ct_writer_open(json, '{');
        ct_writer_key(json, key_name(part));
        ct_writer_text(json, part->key);
        write_value(json, part);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

/* Of a pair an object by its fields. */
static void write_slice_name(struct ct_writer *json, const struct ct_json_figures *f, const struct ct_block *slice)
{
    const char *comma = f->group_by ? strchr(f->group_by, ',') : NULL;
    ct_writer_key(json, "key");
    if (slice->other) {
        ct_writer_null(json);
        ct_writer_key(json, "other");
        ct_writer_bool(json, true);
    } else if (comma) {
        ct_writer_open(json, '{');
        ct_writer_key_span(json, (ct_span){f->group_by, (size_t)(comma - f->group_by)});
        ct_writer_string(json, slice->key);
        ct_writer_key_span(json, ct_span_of(comma + 1));
        ct_writer_string(json, slice->second);
        ct_writer_close(json, '}');
    } else {
        ct_writer_string(json, slice->key);
    }
}

/* "Automation rate: confirmed only": a variant's own name only says what sets it apart. */
static void write_name(struct ct_writer *json, const struct ct_block *block, const struct ct_kpi *kpi,
                       enum ct_lang lang)
{
    const struct ct_figure *parent = kpi->parent ? ct_block_figure(block, kpi->parent) : NULL;
    char text[512];
    int len = snprintf(text, sizeof text, "%s%s%s", parent ? parent->kpi->name[lang] : "", parent ? ": " : "",
                       kpi->name[lang]);
    ct_writer_key(json, "name");
    ct_writer_string(json, (ct_span){text, len < (int)sizeof text ? (size_t)len : sizeof text - 1});
}

static void write_reason(struct ct_writer *json, const struct ct_json_figures *f, const struct ct_figure *figure)
{
    const char *reason = f->reason && !figure->has_value ? f->reason(figure) : NULL;
    if (reason) {
        ct_writer_key(json, "reason");
        ct_writer_text(json, reason);
    }
}

/* Whose definition it is, where it is not the catalogue's. */
static void write_definition(struct ct_writer *json, const struct ct_definition *definition)
{
    if (definition) {
        ct_writer_key(json, "definition");
        ct_writer_open(json, '{');
        ct_writer_key(json, "profile");
        ct_writer_text(json, definition->profile);
        ct_writer_key(json, "formula");
        ct_writer_text(json, definition->formula[CT_LANG_EN]);
        ct_writer_key(json, "source");
        ct_writer_text(json, definition->source);
        ct_writer_close(json, '}');
    }
}

void ct_json_kpi(struct ct_writer *json, const struct ct_json_figures *f, const struct ct_figure *figure)
{
    ct_writer_open(json, '{');
    ct_writer_key(json, "id");
    ct_writer_text(json, figure->kpi->id);
    if (f->named) {
        write_name(json, f->total, figure->kpi, f->lang);
    }
    write_key(json, figure);
    write_value(json, figure);
    write_definition(json, figure->definition);
    write_reason(json, f, figure);
    write_parts(json, f->total, figure);
    if (f->slice_count) {
        ct_writer_key(json, "slices");
        ct_writer_open(json, '[');
        for (size_t i = 0; i < f->slice_count; i++) {
            const struct ct_block *slice = &f->slices[i];
            const struct ct_figure *own = ct_block_figure(slice, figure->kpi->id);
            if (own) {
                ct_writer_open(json, '{');
                write_slice_name(json, f, slice);
                write_key(json, own);
                write_value(json, own);
                write_reason(json, f, own);
                write_parts(json, slice, own);
                ct_writer_close(json, '}');
            }
        }
        ct_writer_close(json, ']');
    }
    ct_writer_close(json, '}');
}

static void write_counts(struct ct_writer *json, const struct ct_block *block)
{
    ct_writer_key(json, "conversations");
    ct_writer_wide(json, (ct_wide)block->conversations);
    ct_writer_key(json, "engaged");
    ct_writer_wide(json, (ct_wide)block->engaged);
    ct_writer_key(json, "customers");
    ct_writer_wide(json, (ct_wide)block->customers);
    ct_writer_key(json, "messages");
    ct_writer_wide(json, (ct_wide)block->messages);
    ct_writer_key(json, "untimed");
    ct_writer_wide(json, (ct_wide)block->untimed);
}

/* The period that business figures are for, and how many events were in it. */
static void write_business(struct ct_writer *json, const struct ct_block *block)
{
    if (block->to == CT_USEC_NONE && block->events == 0) {
        return;
    }
    ct_writer_key(json, "business");
    ct_writer_open(json, '{');
    ct_writer_key(json, "from");
    ct_writer_time(json, block->from);
    ct_writer_key(json, "to");
    ct_writer_time(json, block->to);
    ct_writer_key(json, "events");
    ct_writer_wide(json, (ct_wide)block->events);
    ct_writer_close(json, '}');
}

static void write_outcomes(struct ct_writer *json, const struct ct_block *block)
{
    ct_writer_key(json, "outcomes");
    ct_writer_open(json, '{');
    for (int i = 0; i < CT_OUTCOME_COUNT; i++) {
        ct_writer_key(json, ct_outcome_text((enum ct_outcome)i));
        ct_writer_wide(json, (ct_wide)block->outcomes[i]);
    }
    ct_writer_close(json, '}');
}

static void write_inputs(struct ct_writer *json, const struct ct_findings *findings)
{
    ct_writer_key(json, "inputs");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < findings->input_count; i++) {
        const struct ct_input_note *input = &findings->inputs[i];
        ct_writer_open(json, '{');
        ct_writer_key(json, "path");
        ct_writer_text(json, input->path);
        ct_writer_key(json, "sha256");
        ct_writer_text(json, input->sha256 && input->sha256[0] ? input->sha256 : NULL);
        ct_writer_key(json, "bytes");
        ct_writer_wide(json, (ct_wide)input->bytes);
        ct_writer_key(json, "messages");
        ct_writer_wide(json, (ct_wide)input->messages);
        ct_writer_key(json, "conversations");
        ct_writer_wide(json, (ct_wide)input->conversations);
        ct_writer_key(json, "events");
        ct_writer_wide(json, (ct_wide)input->events);
        ct_writer_key(json, "refused");
        ct_writer_wide(json, (ct_wide)input->refused);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

static void write_slices(struct ct_writer *json, const struct ct_json_figures *f)
{
    ct_writer_key(json, "group_by");
    ct_writer_text(json, f->group_by);
    ct_writer_key(json, "slices");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < f->slice_count; i++) {
        ct_writer_open(json, '{');
        write_slice_name(json, f, &f->slices[i]);
        write_counts(json, &f->slices[i]);
        write_business(json, &f->slices[i]);
        write_outcomes(json, &f->slices[i]);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

void ct_json_totals(struct ct_writer *json, const struct ct_block *block)
{
    ct_writer_open(json, '{');
    write_counts(json, block);
    ct_writer_close(json, '}');
}

void ct_json_figures(struct ct_writer *json, const struct ct_json_figures *f)
{
    ct_writer_key(json, "period");
    ct_writer_open(json, '{');
    ct_writer_key(json, "from");
    ct_writer_time(json, f->total->first_at);
    ct_writer_key(json, "to");
    ct_writer_time(json, f->total->last_at);
    ct_writer_close(json, '}');
    ct_writer_key(json, "totals");
    ct_json_totals(json, f->total);
    ct_writer_key(json, "kpis");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < f->total->figure_count; i++) {
        const struct ct_figure *figure = &f->total->figures[i];
        if (!figure->part && (!f->wanted || f->wanted(f->context, figure->kpi))) {
            ct_json_kpi(json, f, figure);
        }
    }
    ct_writer_close(json, ']');
    write_outcomes(json, f->total);
    if (f->group_by) {
        write_slices(json, f);
    }
}

/* What was asked for, and what it is compared with. */
static void write_asked(struct ct_writer *json, const struct ct_findings *findings)
{
    ct_writer_key(json, "zone");
    ct_writer_text(json, findings->zone_name ? findings->zone_name : "UTC");
    if (findings->cadence != CT_CADENCE_NONE) {
        size_t belong;
        const enum ct_family *families = ct_cadence_families(findings->cadence, &belong);
        ct_writer_key(json, "cadence");
        ct_writer_text(json, ct_cadence_text(findings->cadence));
        ct_writer_key(json, "families");
        ct_writer_open(json, '[');
        for (size_t i = 0; i < belong; i++) {
            ct_writer_text(json, ct_family_text(families[i]));
        }
        ct_writer_close(json, ']');
    }
    if (findings->period_given) {
        ct_writer_key(json, "counted");
        ct_writer_open(json, '{');
        ct_writer_key(json, "from");
        ct_writer_time(json, findings->total.from);
        ct_writer_key(json, "to");
        ct_writer_time(json, findings->total.to);
        ct_writer_close(json, '}');
    }
    if (findings->compared) {
        ct_writer_key(json, "compared_with");
        ct_writer_open(json, '{');
        ct_writer_key(json, "from");
        ct_writer_time(json, findings->before_from);
        ct_writer_key(json, "to");
        ct_writer_time(json, findings->before_to);
        ct_writer_key(json, "conversations");
        ct_writer_wide(json, (ct_wide)findings->before_conversations);
        ct_writer_close(json, '}');
    }
    if (findings->where_count) {
        ct_writer_key(json, "where");
        ct_writer_open(json, '[');
        for (size_t i = 0; i < findings->where_count; i++) {
            ct_writer_text(json, findings->where[i]);
        }
        ct_writer_close(json, ']');
    }
    write_business(json, &findings->total);
}

void ct_json_drops(struct ct_writer *json, const struct ct_drop *drops, size_t count)
{
    ct_writer_key(json, "drops");
    ct_writer_open(json, '{');
    for (size_t i = 0; i < count; i++) {
        if (drops[i].count) {
            ct_writer_key_span(json, ct_span_of(drops[i].reason));
            ct_writer_wide(json, (ct_wide)drops[i].count);
        }
    }
    ct_writer_close(json, '}');
}

void ct_json_findings(struct ct_out *out, const struct ct_findings *findings)
{
    struct ct_writer json;
    const struct ct_json_figures figures = {.total = &findings->total,
                                            .group_by = findings->group_by,
                                            .slices = findings->slices,
                                            .slice_count = findings->slice_count};
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    ct_writer_key(&json, "generated_at");
    ct_writer_time(&json, findings->generated_at);
    ct_writer_key(&json, "version");
    ct_writer_text(&json, findings->version);
    write_inputs(&json, findings);
    ct_writer_key(&json, "rules_hash");
    ct_writer_text(&json, findings->rules_hash);
    if (findings->cost_model_hash && *findings->cost_model_hash) {
        ct_writer_key(&json, "cost_model_hash");
        ct_writer_text(&json, findings->cost_model_hash);
    }
    ct_writer_key(&json, "profile");
    ct_writer_text(&json, findings->profile);
    write_asked(&json, findings);
    ct_json_figures(&json, &figures);
    if (findings->feedback) {
        ct_writer_key(&json, "feedback");
        ct_feedback_json(&json, findings->feedback);
    }
    if (findings->alarms) {
        ct_writer_key(&json, "alarms");
        ct_alarms_json(&json, findings->alarms);
    }
    if (findings->quality) {
        ct_writer_key(&json, "quality");
        ct_quality_json(&json, findings->quality);
    }
    ct_json_drops(&json, findings->drops, findings->drop_count);
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
}

/* {"id","name":{"en","es"}} */
static void write_named(struct ct_writer *json, const char *id, const char *en, const char *es)
{
    const char *const name[CT_LANG_COUNT] = {[CT_LANG_EN] = en, [CT_LANG_ES] = es};
    ct_writer_open(json, '{');
    ct_writer_key(json, "id");
    ct_writer_text(json, id);
    ct_writer_both(json, "name", name);
    ct_writer_close(json, '}');
}

static void write_words(struct ct_writer *json, const struct ct_catalogue *catalogue)
{
    ct_writer_key(json, "families");
    ct_writer_open(json, '[');
    for (int i = 0; i < CT_FAMILY_COUNT; i++) {
        enum ct_family family = (enum ct_family)i;
        write_named(json, ct_family_text(family), ct_family_name(family, CT_LANG_EN),
                    ct_family_name(family, CT_LANG_ES));
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "outcomes");
    ct_writer_open(json, '[');
    for (int i = 0; i < CT_OUTCOME_COUNT; i++) {
        enum ct_outcome outcome = (enum ct_outcome)i;
        write_named(json, ct_outcome_text(outcome), ct_format_outcome(outcome, CT_LANG_EN),
                    ct_format_outcome(outcome, CT_LANG_ES));
    }
    ct_writer_close(json, ']');
    ct_writer_key(json, "profiles");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < catalogue->profile_count; i++) {
        write_named(json, catalogue->profiles[i].id, catalogue->profiles[i].name, catalogue->profiles[i].name);
    }
    ct_writer_close(json, ']');
}

/* What others mean by it. */
static void write_definitions(struct ct_writer *json, const struct ct_catalogue *catalogue, const char *kpi)
{
    ct_writer_key(json, "definitions");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < catalogue->definition_count; i++) {
        const struct ct_definition *definition = &catalogue->definitions[i];
        if (strcmp(definition->kpi, kpi) == 0) {
            ct_writer_open(json, '{');
            ct_writer_key(json, "profile");
            ct_writer_text(json, definition->profile);
            ct_writer_both(json, "formula", definition->formula);
            ct_writer_key(json, "source");
            ct_writer_text(json, definition->source);
            ct_writer_close(json, '}');
        }
    }
    ct_writer_close(json, ']');
}

void ct_json_catalogue(struct ct_out *out, const struct ct_catalogue *catalogue)
{
    struct ct_writer json;
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    write_words(&json, catalogue);
    ct_writer_key(&json, "kpis");
    ct_writer_open(&json, '[');
    for (size_t i = 0; i < catalogue->kpi_count; i++) {
        const struct ct_kpi *kpi = &catalogue->kpis[i];
        ct_writer_open(&json, '{');
        ct_writer_key(&json, "id");
        ct_writer_text(&json, kpi->id);
        ct_writer_key(&json, "parent");
        ct_writer_text(&json, kpi->parent);
        ct_writer_key(&json, "family");
        ct_writer_text(&json, ct_family_text(kpi->family));
        ct_writer_key(&json, "kind");
        ct_writer_text(&json, ct_kpi_kind_text(kpi->kind));
        ct_writer_key(&json, "unit");
        ct_writer_text(&json, ct_unit_text(kpi->unit));
        ct_writer_key(&json, "better");
        ct_writer_text(&json, ct_better_text(kpi->better));
        if (kpi->target.op != CT_TARGET_NONE) {
            ct_writer_key(&json, "target");
            write_target(&json, &kpi->target);
        }
        if (kpi->by_segment[0].segment) {
            ct_writer_key(&json, "targets_by_segment");
            ct_writer_open(&json, '{');
            for (unsigned j = 0; j < CT_SEGMENT_TARGETS_MAX && kpi->by_segment[j].segment; j++) {
                ct_writer_key(&json, kpi->by_segment[j].segment);
                write_target(&json, &kpi->by_segment[j].target);
            }
            ct_writer_close(&json, '}');
        }
        ct_writer_both(&json, "name", kpi->name);
        ct_writer_both(&json, "formula", kpi->formula);
        ct_writer_both(&json, "help", kpi->help);
        write_definitions(&json, catalogue, kpi->id);
        ct_writer_close(&json, '}');
    }
    ct_writer_close(&json, ']');
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
}
