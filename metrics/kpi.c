/* kpi.c - all metrics as one state, and figures from it. Called by the pipeline (fold), and once at the end by the
 * program (merge, compute).
 */
#include "metrics/kpi.h"

#include <assert.h>
#include <stdlib.h>

#include "metrics/customers.h"
#include "metrics/kpi_catalogue.h"
#include "metrics/spread.h"
#include "metrics/statistics.h"
#include "metrics/volume.h"

static size_t rounded(size_t bytes)
{
    return (bytes + 15) / 16 * 16;
}

static size_t offset_of(unsigned metric)
{
    size_t offset = 0;
    for (unsigned i = 0; i < metric; i++) {
        offset += rounded(ct_metrics[i]->state_bytes);
    }
    return offset;
}

static void *state_of(struct ct_kpi_set *set, unsigned metric)
{
    return set->state + offset_of(metric);
}

static const void *state_at(const struct ct_kpi_set *set, unsigned metric)
{
    return set->state + offset_of(metric);
}

size_t ct_kpi_set_bytes(void)
{
    return offset_of(CT_METRIC_COUNT);
}

struct ct_kpi_set *ct_kpis_new(void)
{
    /* calloc, not memset: pages of histograms that never see a value are then never touched. */
    struct ct_kpi_set *set = calloc(1, ct_kpi_set_bytes());
    for (unsigned i = 0; set && i < CT_METRIC_COUNT; i++) {
        if (ct_metrics[i]->zero) {
            ct_metrics[i]->zero(state_of(set, i));
        }
    }
    return set;
}

void ct_kpis_free(struct ct_kpi_set *set)
{
    free(set);
}

void ct_kpis_zero(struct ct_kpi_set *set)
{
    memset(set->state, 0, ct_kpi_set_bytes());
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        if (ct_metrics[i]->zero) {
            ct_metrics[i]->zero(state_of(set, i));
        }
    }
}

const void *ct_kpis_state(const struct ct_kpi_set *set, size_t *bytes)
{
    *bytes = ct_kpi_set_bytes();
    return set->state;
}

void ct_kpis_fold(struct ct_kpi_set *set, const struct ct_record *record)
{
    unsigned char *state = set->state;
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        if (ct_metrics[i]->fold) {
            ct_metrics[i]->fold(state, record);
        }
        state += rounded(ct_metrics[i]->state_bytes);
    }
}

void ct_kpis_fold_customer(struct ct_kpi_set *set, const struct ct_customer *customer)
{
    for (size_t i = 0; i < customer->record_count; i++) {
        ct_kpis_fold(set, customer->records[i]);
    }
    if (customer->event_count == 0 && (customer->record_count == 0 || !customer->records[0]->has_customer)) {
        return;
    }
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        if (ct_metrics[i]->fold_customer) {
            ct_metrics[i]->fold_customer(state_of(set, i), customer);
        }
    }
}

void ct_kpis_fold_event(struct ct_kpi_set *set, const struct ct_business *event, const struct ct_terms *terms)
{
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        if (ct_metrics[i]->fold_event) {
            ct_metrics[i]->fold_event(state_of(set, i), event, terms);
        }
    }
}

static void merge(struct ct_kpi_set *set, const struct ct_kpi_set *other, int sign)
{
    assert(set != other);
    unsigned char *state = set->state;
    const unsigned char *from = other->state;
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        ct_metrics[i]->merge(state, from, sign);
        state += rounded(ct_metrics[i]->state_bytes);
        from += rounded(ct_metrics[i]->state_bytes);
    }
}

void ct_kpis_merge(struct ct_kpi_set *set, const struct ct_kpi_set *other)
{
    merge(set, other, 1);
}

void ct_kpis_subtract(struct ct_kpi_set *set, const struct ct_kpi_set *other)
{
    merge(set, other, -1);
}

uint64_t ct_kpis_conversations(const struct ct_kpi_set *set)
{
    const struct ct_volume *volume = state_at(set, CT_METRIC_volume);
    return volume->conversations;
}

/* ---- figures ---------------------------------------------------------------------------------------------------- */

static void interval_around(struct ct_figure *figure, int64_t error_micro, bool not_negative, int64_t most_micro)
{
    ct_wide center = ct_wide_divide(figure->value_num * 1000000, figure->value_den);
    ct_wide margin = ct_error_margin(error_micro), low = center - margin, high = center + margin;
    if (not_negative && low < 0) {
        low = 0;
    }
    if (most_micro && low < -most_micro) {
        low = -most_micro;
    }
    if (most_micro && high > most_micro) {
        high = most_micro;
    }
    if (low < INT64_MIN || high > INT64_MAX) {
        return;
    }
    figure->has_error = figure->has_interval = true;
    figure->error_micro = error_micro;
    figure->low_micro = (int64_t)low;
    figure->high_micro = (int64_t)high;
}

static void fill_ratio(struct ct_figure *figure, const struct ct_reading *r)
{
    figure->numerator = r->numerator;
    figure->denominator = r->denominator;
    figure->scale = 1;
    figure->n = (uint64_t)r->denominator;
    if (r->denominator > 0) {
        figure->has_value = true;
        figure->value_num = r->numerator * 100;
        figure->value_den = r->denominator;
        /* More hits than cases is possible where hits are messages of others: then there is no interval. */
        if (r->numerator <= r->denominator) {
            ct_wilson((uint64_t)r->numerator, (uint64_t)r->denominator, &figure->low_micro, &figure->high_micro);
            figure->has_interval = true;
        }
    }
}

static void fill_score(struct ct_figure *figure, const struct ct_reading *r)
{
    figure->numerator = (ct_wide)r->promoters - (ct_wide)r->detractors;
    figure->denominator = r->denominator;
    figure->scale = 1;
    figure->n = (uint64_t)r->denominator;
    if (r->denominator > 0) {
        figure->has_value = true;
        figure->value_num = figure->numerator * 100;
        figure->value_den = r->denominator;
        interval_around(figure, ct_nps_error(r->promoters, r->detractors, figure->n), false, 100000000);
    }
}

static void fill_amount(struct ct_figure *figure, const struct ct_reading *r)
{
    figure->numerator = r->numerator;
    figure->denominator = r->denominator;
    figure->scale = r->scale ? r->scale : 1;
    figure->n = figure->kpi->kind == CT_KPI_SUM ? 0 : (uint64_t)r->denominator;
    if (r->denominator > 0) {
        figure->has_value = true;
        figure->value_num = r->numerator;
        figure->value_den = r->denominator * figure->scale;
    }
}

/* Of amounts: the parts of a unit cancel out, so the value needs no scale. */
static void fill_proportion(struct ct_figure *figure, const struct ct_reading *r)
{
    figure->numerator = r->numerator;
    figure->denominator = r->denominator;
    figure->scale = r->scale ? r->scale : 1;
    if (r->denominator > 0) {
        figure->has_value = true;
        figure->value_num = r->numerator * 100;
        figure->value_den = r->denominator;
    }
}

static void fill_percentiles(struct ct_figure *figure, const struct ct_spread *spread)
{
    static const unsigned permille[CT_PERCENTILE_COUNT] = {500, 900, 950, 990};
    int64_t unit = figure->kpi->unit == CT_UNIT_DAYS ? CT_USEC_PER_DAY / CT_USEC_PER_SECOND : 1;
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT; i++) {
        /* µs are millionths of a second; of a day by division. */
        figure->percentile_micro[i] = (int64_t)ct_wide_divide(ct_spread_percentile(spread, permille[i]), unit);
    }
    figure->has_percentiles = true;
}

static void fill_mean(struct ct_figure *figure, const struct ct_reading *r)
{
    const struct ct_moments *moments = r->spread ? &r->spread->moments : r->moments;
    figure->scale = r->scale ? r->scale : 1;
    if (!moments || moments->n == 0) {
        return;
    }
    figure->n = moments->n;
    figure->numerator = moments->sum;
    figure->denominator = (ct_wide)moments->n;
    figure->has_value = true;
    if (r->spread) {
        fill_percentiles(figure, r->spread);
    }
    if (figure->kpi->kind == CT_KPI_MEDIAN) {
        figure->value_num = figure->percentile_micro[CT_P50];
        figure->value_den = 1000000;
        return;
    }
    figure->value_num = moments->sum;
    figure->value_den = (ct_wide)moments->n * figure->scale;
    /* The error in the values' own parts (µs, nano-units, points), then in millionths. */
    int64_t error = figure->scale >= 1000000 ? ct_standard_error(moments->n, moments->sum, moments->squares, 1)
                                             : ct_standard_error(moments->n, moments->sum, moments->squares, 1000000);
    if (error >= 0) {
        if (figure->scale > 1000000) {
            error = (int64_t)ct_wide_divide(error, figure->scale / 1000000);
        }
        interval_around(figure, error, moments->min >= 0, 0);
    }
}

/* Exactly: value_num / value_den against millionths. */
static enum ct_target_status held_against(const struct ct_figure *figure)
{
    if (!figure->has_value || figure->target.op == CT_TARGET_NONE) {
        return CT_STATUS_NONE;
    }
    ct_wide value = figure->value_num * 1000000, target = figure->value_den * figure->target.micro;
    bool met = figure->target.op == CT_TARGET_AT_LEAST ? value >= target : value <= target;
    return met ? CT_STATUS_MET : CT_STATUS_MISSED;
}

/* The configured one before the catalogue's, one of a segment that was asked for before everybody's. */
static void choose_target(struct ct_figure *figure, const struct ct_kpi_options *options)
{
    const struct ct_kpi *kpi = figure->kpi;
    figure->target = kpi->target;
    for (size_t i = 0; options && i < options->segment_count && !figure->target_segment; i++) {
        for (unsigned j = 0; j < CT_SEGMENT_TARGETS_MAX && kpi->by_segment[j].segment; j++) {
            if (ct_span_is(options->segments[i], kpi->by_segment[j].segment)) {
                figure->target = kpi->by_segment[j].target;
                figure->target_segment = kpi->by_segment[j].segment;
            }
        }
    }
    for (size_t i = 0; options && i < options->target_count; i++) {
        if (strcmp(options->targets[i].id, kpi->id) == 0) {
            figure->target = options->targets[i].target;
            figure->target_segment = NULL;
        }
    }
}

static void fill(struct ct_figure *figure, const struct ct_kpi *kpi, const struct ct_reading *reading, bool part,
                 const struct ct_kpi_options *options)
{
    memset(figure, 0, sizeof *figure);
    figure->kpi = kpi;
    figure->part = part;
    figure->left_out = reading->left_out;
    figure->provisional = reading->provisional;
    figure->settles_at = reading->provisional ? reading->settles_at : CT_USEC_NONE;
    memcpy(figure->key, reading->key, sizeof figure->key);
    switch (kpi->kind) {
    case CT_KPI_RATIO:
    case CT_KPI_SHARES:
        fill_ratio(figure, reading);
        break;
    case CT_KPI_SCORE:
        fill_score(figure, reading);
        break;
    case CT_KPI_QUOTIENT:
    case CT_KPI_SUM:
    case CT_KPI_PRODUCT:
        fill_amount(figure, reading);
        break;
    case CT_KPI_PROPORTION:
        fill_proportion(figure, reading);
        break;
    case CT_KPI_MEAN:
    case CT_KPI_MEDIAN:
        fill_mean(figure, reading);
        break;
    }
    choose_target(figure, options);
    figure->status = held_against(figure);
}

/* Fills the first `room` figures; returns how many there are. */
static size_t read_all(const struct ct_kpi_set *set, const struct ct_kpi_options *options, struct ct_figure *figures,
                       size_t room)
{
    size_t kpi_count, count = 0;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&kpi_count);
    for (size_t i = 0; i < kpi_count; i++) {
        const void *state = state_at(set, ct_kpi_sources[i].metric);
        for (size_t index = 0;; index++) {
            struct ct_reading reading;
            memset(&reading, 0, sizeof reading);
            if (!ct_kpi_sources[i].read(state, index, &reading)) {
                break;
            }
            if (count < room) {
                fill(&figures[count], &kpis[i], &reading, index > 0, options);
            }
            count++;
        }
    }
    return count;
}

enum ct_status ct_kpis_compute(const struct ct_kpi_set *set, const struct ct_kpi_options *options,
                               struct ct_block *block)
{
    const struct ct_volume *volume = state_at(set, CT_METRIC_volume);
    const struct ct_customers *customers = state_at(set, CT_METRIC_customers);
    memset(block, 0, sizeof *block);
    block->conversations = volume->conversations;
    block->engaged = volume->engaged;
    block->messages = volume->messages;
    block->untimed = volume->untimed;
    block->customers = customers->customers;
    memcpy(block->outcomes, volume->outcomes, sizeof block->outcomes);
    block->first_at = volume->dated ? volume->first_at : CT_USEC_NONE;
    block->last_at = volume->dated ? volume->last_at : CT_USEC_NONE;
    block->from = block->to = CT_USEC_NONE;
    size_t count = read_all(set, options, NULL, 0);
    struct ct_figure *figures = malloc(count * sizeof *figures);
    if (!figures) {
        return CT_NO_MEMORY;
    }
    block->figure_count = read_all(set, options, figures, count);
    block->figures = figures;
    return CT_OK;
}

bool ct_kpis_contribution(struct ct_kpi_set *scratch, const struct ct_kpi *kpi, const struct ct_record *record,
                          struct ct_figure *out)
{
    size_t count;
    const struct ct_kpi_source *source = &ct_kpi_sources[kpi - ct_kpi_catalogue(&count)];
    const struct ct_metric *metric = ct_metrics[source->metric];
    void *state = state_of(scratch, source->metric);
    struct ct_reading reading;
    memset(state, 0, metric->state_bytes);
    if (metric->zero) {
        metric->zero(state);
    }
    if (metric->fold) {
        metric->fold(state, record);
    }
    memset(&reading, 0, sizeof reading);
    (void)source->read(state, 0, &reading);
    fill(out, kpi, &reading, false, NULL);
    return out->denominator > 0 && kpi->kind != CT_KPI_SUM;
}

void ct_block_done(struct ct_block *block)
{
    free((void *)(uintptr_t)block->figures);
    block->figures = NULL;
    block->figure_count = 0;
}
