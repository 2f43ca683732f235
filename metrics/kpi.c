/* kpi.c - all metrics as one state, and figures from it. Called by the pipeline (fold), and once at the end by the
 * program (merge, compute).
 */
#include "metrics/kpi.h"

#include <assert.h>
#include <stdlib.h>

#include "metrics/account.h"
#include "metrics/cost.h"
#include "metrics/customers.h"
#include "metrics/kpi_catalogue.h"
#include "metrics/profiled.h"
#include "metrics/spread.h"
#include "metrics/statistics.h"
#include "metrics/volume.h"

static void *state_of(struct ct_kpi_set *set, unsigned metric)
{
    return set->state + ct_kpi_set_offset(metric);
}

static const void *state_at(const struct ct_kpi_set *set, unsigned metric)
{
    return set->state + ct_kpi_set_offset(metric);
}

size_t ct_kpi_set_bytes(void)
{
    return ct_kpi_set_offset(CT_METRIC_COUNT);
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
    bool alone = ct_kpis_alone(set);
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        if (!alone || ct_metric_of_conversations(i)) {
            memset(state_of(set, i), 0, ct_kpi_set_offset(i + 1) - ct_kpi_set_offset(i));
            if (ct_metrics[i]->zero) {
                ct_metrics[i]->zero(state_of(set, i));
            }
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
    ct_kpis_fold_each(&set, 1, record);
}

void ct_kpis_fold_each(struct ct_kpi_set *const *sets, size_t count, const struct ct_record *record)
{
    assert(count <= CT_KPIS_EACH_MAX);
    for (unsigned i = 0; i < CT_METRIC_COUNT && count > 0; i++) {
        const struct ct_metric *metric = ct_metrics[i];
        if (metric->fold_each) {
            void *states[CT_KPIS_EACH_MAX];
            for (size_t s = 0; s < count; s++) {
                states[s] = state_of(sets[s], i);
            }
            metric->fold_each(states, count, record);
        } else if (metric->fold) {
            for (size_t s = 0; s < count; s++) {
                metric->fold(state_of(sets[s], i), record);
            }
        }
    }
}

/* Metric by metric, not conversation by conversation: no state hangs on another, and each is at hand but once. */
static void fold_records(const struct ct_metric *metric, void *state, const struct ct_customer *customer)
{
    for (size_t r = 0; metric->fold && r < customer->record_count; r++) {
        metric->fold(state, customer->records[r]);
    }
    for (size_t r = 0; metric->fold_open && r < customer->record_count; r++) {
        metric->fold_open(state, customer->records[r], customer->terms);
    }
}

void ct_kpis_fold_customer(struct ct_kpi_set *set, const struct ct_customer *customer)
{
    struct ct_customer read = ct_customer_known(customer);
    bool events = read.event_count + read.due_count > 0;
    bool known = events || (customer->record_count > 0 && customer->records[0]->has_customer);
    struct ct_account account; /* what the events say is read once, for all metrics */
    read.account = &ct_account_none;
    if (events) {
        ct_account_read(&account, &read);
        read.account = &account;
    }
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        fold_records(ct_metrics[i], state_of(set, i), customer);
        if (known && ct_metrics[i]->fold_customer) {
            ct_metrics[i]->fold_customer(state_of(set, i), &read);
        }
    }
}

void ct_kpis_fold_event(struct ct_kpi_set *set, const struct ct_business *event, const struct ct_terms *terms)
{
    for (unsigned i = 0; i < CT_METRIC_COUNT && ct_terms_know(terms, event); i++) {
        if (ct_metrics[i]->fold_event) {
            ct_metrics[i]->fold_event(state_of(set, i), event, terms);
        }
    }
}

bool ct_kpis_alone(const struct ct_kpi_set *set)
{
    const struct ct_volume *volume = state_at(set, CT_METRIC_volume);
    return volume->known == 0;
}

static void merge(struct ct_kpi_set *set, const struct ct_kpi_set *other, int sign)
{
    assert(set != other);
    bool alone = ct_kpis_alone(other);
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        if (!alone || ct_metric_of_conversations(i)) {
            ct_metrics[i]->merge(state_of(set, i), state_at(other, i), sign);
        }
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

const struct ct_fee_base *ct_kpis_fee_base(const struct ct_kpi_set *set)
{
    const struct ct_cost *cost = state_at(set, CT_METRIC_cost);
    return &cost->fees;
}

const struct ct_quality *ct_kpis_quality(const struct ct_kpi_set *set)
{
    return state_at(set, CT_METRIC_quality);
}

bool ct_kpis_empty(const struct ct_kpi_set *set)
{
    const struct ct_volume *volume = state_at(set, CT_METRIC_volume);
    return volume->conversations == 0 && volume->known == 0;
}

bool ct_kpi_of_customers(const struct ct_kpi *kpi)
{
    size_t count;
    const struct ct_kpi *all = ct_kpi_catalogue(&count);
    uintptr_t offset = (uintptr_t)kpi - (uintptr_t)all; /* most are rows of the catalogue: no need to look for those */
    const struct ct_kpi *own = offset < count * sizeof *kpi ? kpi : ct_kpi_find(ct_span_of(kpi->id));
    return own && !ct_metrics[ct_kpi_sources[own - all].metric]->fold;
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
        if (r->numerator <= r->denominator && !r->no_interval) {
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
    figure->n = figure->kpi->kind == CT_KPI_QUOTIENT ? (uint64_t)r->denominator : r->n;
    if (r->denominator > 0) {
        figure->has_value = true;
        figure->value_num = r->numerator;
        figure->value_den = r->denominator * figure->scale;
    }
}

static void fill_difference(struct ct_figure *figure, const struct ct_reading *r)
{
    figure->scale = 1;
    if (r->denominator <= 0 || r->less_denominator <= 0) {
        return;
    }
    figure->has_value = figure->has_interval = true;
    figure->numerator = r->numerator * r->less_denominator - r->less_numerator * r->denominator;
    figure->denominator = r->denominator * r->less_denominator;
    figure->n = (uint64_t)(r->denominator + r->less_denominator);
    figure->value_num = figure->numerator * 100;
    figure->value_den = figure->denominator;
    ct_newcombe((uint64_t)r->numerator, (uint64_t)r->denominator, (uint64_t)r->less_numerator,
                (uint64_t)r->less_denominator, &figure->low_micro, &figure->high_micro);
}

/* Of amounts: the parts of a unit cancel out, so the value needs no scale. */
static void fill_proportion(struct ct_figure *figure, const struct ct_reading *r)
{
    figure->numerator = r->numerator;
    figure->denominator = r->denominator;
    figure->scale = r->scale ? r->scale : 1;
    figure->n = r->n;
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
    ct_wide sum = moments->sum + r->shared;
    figure->numerator = sum;
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
    figure->value_num = sum;
    figure->value_den = (ct_wide)moments->n * figure->scale;
    /* The error in the values' own parts (µs, nano-units, points), then in millionths. */
    int64_t error = figure->scale >= 1000000 ? ct_standard_error(moments->n, moments->sum, moments->squares, 1)
                                             : ct_standard_error(moments->n, moments->sum, moments->squares, 1000000);
    if (error >= 0) {
        if (figure->scale > 1000000) {
            error = (int64_t)ct_wide_divide(error, figure->scale / 1000000);
        }
        /* A mean of per cents of a whole lies in 0..100, and so does one of an index (points in millionths; a survey's
         * are whole). */
        bool of_100 =
            figure->kpi->unit == CT_UNIT_PERCENT || (figure->kpi->unit == CT_UNIT_POINTS && figure->scale == 1000000);
        bool share = of_100 && moments->min >= 0 && moments->max <= 100 * figure->scale;
        interval_around(figure, error, moments->min >= 0, share ? 100000000 : 0);
        if (figure->has_interval && r->least < r->most) {
            int64_t low = r->least * (1000000 / figure->scale), high = r->most * (1000000 / figure->scale);
            figure->low_micro = figure->low_micro < low ? low : figure->low_micro;
            figure->high_micro = figure->high_micro > high ? high : figure->high_micro;
        }
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

/* "smb_monthly" of "smb" and "monthly"; either may be empty. */
static bool is_target_of(const char *name, ct_span segment, const char *period)
{
    size_t len = strlen(name), tail = period ? strlen(period) : 0;
    size_t joined = segment.len && tail ? segment.len + 1 + tail : segment.len + tail;
    return len == joined && len > 0 && (!segment.len || memcmp(name, segment.at, segment.len) == 0) &&
           (!(segment.len && tail) || name[segment.len] == '_') &&
           (!tail || memcmp(name + len - tail, period, tail) == 0);
}

static void take_target_of(struct ct_figure *figure, ct_span segment, const char *period)
{
    const struct ct_kpi *kpi = figure->kpi;
    for (unsigned j = 0; !figure->target_segment && j < CT_SEGMENT_TARGETS_MAX && kpi->by_segment[j].segment; j++) {
        if (is_target_of(kpi->by_segment[j].segment, segment, period)) {
            figure->target = kpi->by_segment[j].target;
            figure->target_segment = kpi->by_segment[j].segment;
        }
    }
}

/* The configured one before the catalogue's, one of a segment that was asked for before everybody's. */
static void choose_target(struct ct_figure *figure, const struct ct_kpi_options *options)
{
    const struct ct_kpi *kpi = figure->kpi;
    figure->target = kpi->target;
    for (size_t i = 0; options && i < options->segment_count; i++) {
        if (options->period) {
            take_target_of(figure, options->segments[i], options->period);
        }
        take_target_of(figure, options->segments[i], NULL);
    }
    if (options && options->period) {
        take_target_of(figure, CT_SPAN_NONE, options->period);
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
    case CT_KPI_DIFFERENCE:
        fill_difference(figure, reading);
        break;
    case CT_KPI_MEAN:
    case CT_KPI_MEDIAN:
        fill_mean(figure, reading);
        break;
    }
    choose_target(figure, options);
    figure->status = held_against(figure);
}

/* The profile's definition of a KPI; NULL = convtap's own. */
static const struct ct_definition *defined(const struct ct_kpi_options *options, const struct ct_kpi *kpi)
{
    return options && options->profile != CT_PROFILE_CONVTAP ? ct_definition_find(options->profile, kpi->id) : NULL;
}

static bool read_one(const struct ct_kpi_set *set, size_t kpi, const struct ct_definition *definition, size_t index,
                     const struct ct_fees *fees, struct ct_reading *reading)
{
    memset(reading, 0, sizeof *reading);
    reading->fees = fees;
    return definition ? ct_profiled_read(state_at(set, CT_METRIC_profiled), state_at(set, CT_METRIC_satisfaction),
                                         definition, index, reading)
                      : ct_kpi_sources[kpi].read(state_at(set, ct_kpi_sources[kpi].metric), index, reading);
}

static void fill_one(struct ct_figure *figure, const struct ct_kpi *kpi, const struct ct_definition *definition,
                     const struct ct_reading *reading, bool part, const struct ct_kpi_options *options)
{
    const struct ct_kpi *row = definition ? ct_definition_row(definition) : kpi;
    fill(figure, row, reading, part, options);
    figure->definition = definition;
    if (row != kpi) { /* a target of another unit says nothing of it */
        figure->target = (struct ct_target){CT_TARGET_NONE, 0};
        figure->target_segment = NULL;
        figure->status = CT_STATUS_NONE;
    }
}

/* Fills the first `room` figures; returns how many there are. */
static size_t read_all(const struct ct_kpi_set *set, const struct ct_kpi_options *options, struct ct_figure *figures,
                       size_t room)
{
    size_t kpi_count, count = 0;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&kpi_count);
    for (size_t i = 0; i < kpi_count; i++) {
        const struct ct_definition *definition = defined(options, &kpis[i]);
        struct ct_reading reading;
        for (size_t index = 0; read_one(set, i, definition, index, options ? options->fees : NULL, &reading); index++) {
            if (count < room) {
                fill_one(&figures[count], &kpis[i], definition, &reading, index > 0, options);
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
    block->events = volume->events;
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
