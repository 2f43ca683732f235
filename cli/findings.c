/* findings.c - figures of both periods, side by side. See findings.h. Called by publication.c. */
#include "cli/findings.h"

#include <stdlib.h>

#include "metrics/comparison.h"
#include "metrics/quality.h"

enum { SEGMENTS_MAX = 24 };

/* A period's word, so that targets "monthly" count for a month. */
static const char *word_of(const struct ct_terms *terms)
{
    enum ct_period_unit unit;
    struct ct_period period = {terms->from, terms->to};
    return ct_period_unit_of(terms->zone, period, &unit) ? ct_period_word(unit) : NULL;
}

static enum ct_status compute(const struct ct_kpi_set *set, const struct ct_kpi_slices *slices,
                              const struct ct_kpi_options *options, const struct ct_terms *terms,
                              struct ct_block *total, struct ct_block **blocks, size_t *count)
{
    enum ct_status status = ct_kpis_compute(set, options, total);
    total->from = terms->from;
    total->to = terms->to;
    if (status == CT_OK && slices) {
        status = ct_slices_compute(slices, options, blocks, count);
    }
    return status;
}

/* The other fields' slices, with their change where there is one. */
static enum ct_status compute_also(struct ct_made_findings *made, const struct ct_batch_result *result,
                                   struct ct_kpi_options *options)
{
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < result->also_count && status == CT_OK; i++) {
        struct ct_made_also *also = &made->also[i];
        struct ct_block *before = NULL;
        size_t before_count = 0;
        options->fees = &result->fees;
        status = ct_slices_compute(result->also[i], options, &also->slices, &also->count);
        if (status == CT_OK && result->compared && also->count && also->slices[0].from == CT_USEC_NONE) {
            options->fees = &result->fees_before;
            status = ct_slices_compute(result->also_before[i], options, &before, &before_count);
            if (status == CT_OK) {
                ct_compare_slices(also->slices, also->count, before, before_count);
            }
            ct_blocks_done(before, before_count);
        }
    }
    return status;
}

static bool copy_where(struct ct_made_findings *made, const struct ct_config *config)
{
    const struct ct_config_value *where = &config->values[CT_SET_WHERE];
    made->where = calloc(where->count + 1, sizeof *made->where);
    for (size_t i = 0; made->where && i < where->count; i++) {
        made->where[i] = where->entries[i].text;
    }
    made->findings.where = made->where;
    made->findings.where_count = where->count;
    return made->where != NULL;
}

enum ct_status ct_findings_make(struct ct_made_findings *made, const struct ct_config *config, const char *rules_hash,
                                const struct ct_batch_result *result)
{
    ct_span segments[SEGMENTS_MAX];
    struct ct_kpi_options options = {.profile = (enum ct_profile)config->profile,
                                     .targets = config->targets,
                                     .target_count = config->target_count,
                                     .segments = segments,
                                     .period = word_of(&result->terms),
                                     .fees = &result->fees};
    *made = (struct ct_made_findings){.findings = {.generated_at = result->as_of,
                                                   .rules_hash = rules_hash,
                                                   .cost_model_hash = ct_cost_model_hash(result->terms.cost),
                                                   .profile = ct_profile_text((enum ct_profile)config->profile),
                                                   .version = CT_VERSION,
                                                   .inputs = result->inputs,
                                                   .input_count = result->input_count,
                                                   .drops = result->drops,
                                                   .drop_count = result->drop_count,
                                                   .zone = result->terms.zone,
                                                   .zone_name = config->zone_name,
                                                   .period_given = result->terms.period_given,
                                                   .cadence = config->periods.cadence,
                                                   .compared = result->compared,
                                                   .before_from = result->terms_before.from,
                                                   .before_to = result->terms_before.to}};
    struct ct_findings *findings = &made->findings;
    for (size_t i = 0; config->segments && config->segments[i] && i < SEGMENTS_MAX; i++) {
        segments[options.segment_count++] = ct_span_of(config->segments[i]);
    }
    findings->group_by = config->group ? ct_slice_by_text(&config->group_by, made->group_by) : NULL;
    enum ct_status status = copy_where(made, config) ? CT_OK : CT_NO_MEMORY;
    if (status == CT_OK) {
        status = compute(result->kpis, result->slices, &options, &result->terms, &findings->total, &made->slices,
                         &made->slice_count);
    }
    if (status == CT_OK && result->compared) {
        options.fees = &result->fees_before;
        status = compute(result->kpis_before, result->slices_before, &options, &result->terms_before, &made->before,
                         &made->slices_before, &made->slice_before_count);
    }
    if (status == CT_OK && result->compared) {
        ct_compare_blocks(&findings->total, &made->before);
        /* Days and weeks of two periods are different ones, also where one week is cut by both. */
        if (made->slice_count && made->slices[0].from == CT_USEC_NONE) {
            ct_compare_slices(made->slices, made->slice_count, made->slices_before, made->slice_before_count);
        }
        findings->before_conversations = made->before.conversations;
    }
    if (status == CT_OK && result->terms.marks) {
        ct_quality_read(ct_kpis_quality(result->kpis), &findings->total, &made->quality);
        findings->quality = &made->quality;
    }
    findings->slices = made->slices;
    findings->slice_count = made->slice_count;
    return status == CT_OK ? compute_also(made, result, &options) : status;
}

void ct_findings_done(struct ct_made_findings *made)
{
    ct_blocks_done(made->slices, made->slice_count);
    ct_blocks_done(made->slices_before, made->slice_before_count);
    for (size_t i = 0; i < CT_BATCH_ALSO_MAX; i++) {
        ct_blocks_done(made->also[i].slices, made->also[i].count);
    }
    ct_block_done(&made->findings.total);
    ct_block_done(&made->before);
    free(made->where);
    *made = (struct ct_made_findings){0};
}
