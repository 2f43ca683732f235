/* batch_fold.c - a customer into the figures: what the filters let through and the period holds, and once more for the
 * period that it is compared with. Who came back was marked before, from everything. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdlib.h>

bool ct_batch_fold_new(struct ct_worker *w)
{
    const struct ct_batch_options *options = w->batch->options;
    bool twice = options->periods.compared || options->periods.cadence != CT_CADENCE_NONE;
    for (int i = 0; i < 1 + twice; i++) {
        w->fold[i].kpis = ct_kpis_new();
        w->fold[i].slices = options->group ? ct_slices_new_by(&options->group_by, 0) : NULL;
        if (!w->fold[i].kpis || (options->group && !w->fold[i].slices)) {
            return false;
        }
        for (size_t a = 0; a < options->also_count; a++) {
            w->fold[i].also[a] = ct_slices_new(options->also[a], 0);
            if (!w->fold[i].also[a]) {
                return false;
            }
            w->fold[i].also_count++;
        }
    }
    return true;
}

void ct_batch_fold_done(struct ct_batch_fold *fold)
{
    ct_kpis_free(fold->kpis);
    ct_slices_free(fold->slices);
    for (size_t a = 0; a < fold->also_count; a++) {
        ct_slices_free(fold->also[a]);
    }
    *fold = (struct ct_batch_fold){0};
}

enum ct_status ct_batch_fold_merge(struct ct_batch_fold *fold, const struct ct_batch_fold *other)
{
    if (fold->kpis) {
        ct_kpis_merge(fold->kpis, other->kpis);
    }
    ct_fee_base_merge(&fold->fees, &other->fees, 1);
    enum ct_status status = fold->slices ? ct_slices_merge(fold->slices, other->slices) : CT_OK;
    for (size_t a = 0; a < fold->also_count && status == CT_OK; a++) {
        status = ct_slices_merge(fold->also[a], other->also[a]);
    }
    return status;
}

static bool in_period(const struct ct_terms *terms, const struct ct_record *record)
{
    return !terms->period_given ||
           (record->started_at != CT_USEC_NONE && record->started_at >= terms->from && record->started_at < terms->to);
}

static bool scratch(struct ct_worker *w, size_t count)
{
    if (count <= w->picked_capacity) {
        return true;
    }
    const struct ct_record **more = realloc(w->picked, count * sizeof *more);
    if (!more) {
        return false;
    }
    w->picked = more;
    w->picked_capacity = count;
    return true;
}

/* ---- themes ----------------------------------------------------------------------------------------------------- */

static bool put_theme(void *context, ct_span line)
{
    struct ct_worker *w = context;
    return ct_sorter_put(w->themes, 0, CT_SPAN_NONE, line, &w->error) == CT_OK;
}

static enum ct_status theme_failed(const struct ct_worker *w)
{
    return w->error.status != CT_OK ? w->error.status : CT_NO_MEMORY;
}

static enum ct_status fold_into(struct ct_batch_fold *fold, const struct ct_customer *customer)
{
    if (customer->record_count == 0 && customer->event_count == 0) {
        return CT_OK;
    }
    ct_kpis_fold_customer(fold->kpis, customer);
    enum ct_status status = fold->slices ? ct_slices_fold_customer(fold->slices, customer) : CT_OK;
    for (size_t a = 0; a < fold->also_count && status == CT_OK; a++) {
        status = ct_slices_fold_customer(fold->also[a], customer);
    }
    return status;
}

bool ct_batch_counts(const struct ct_worker *w, const struct ct_customer *customer, const struct ct_record *record)
{
    const struct ct_batch_options *options = w->batch->options;
    return in_period(&w->batch->terms, record) &&
           ct_filters_take(options->filters, options->filter_count, customer, record);
}

/* On the terms of one of the two periods. */
static enum ct_status fold_period(struct ct_worker *w, struct ct_batch_fold *fold, const struct ct_terms *terms,
                                  const struct ct_customer *customer, bool say)
{
    const struct ct_batch_options *options = w->batch->options;
    struct ct_customer whole = *customer, part;
    uint64_t outside = 0, filtered = 0;
    whole.terms = terms;
    part = whole;
    part.records = w->picked;
    part.record_count = 0;
    for (size_t i = 0; i < customer->record_count; i++) {
        bool inside = in_period(terms, customer->records[i]);
        if (inside) {
            ct_fee_base_add(&fold->fees, customer->records[i], terms);
        }
        if (!inside) {
            outside++;
        } else if (!ct_filters_take(options->filters, options->filter_count, &whole, customer->records[i])) {
            filtered++;
        } else {
            w->picked[part.record_count++] = customer->records[i];
        }
    }
    if (!ct_filters_take_customer(options->filters, options->filter_count, &whole)) {
        part.event_count = 0;
    }
    if (say && outside) {
        ct_batch_count_reason(w, "outside_period", outside);
    }
    if (say && filtered) {
        ct_batch_count_reason(w, "filtered_out", filtered);
    }
    if (w->themes && !ct_themes_lines(&part, &options->theme_options, !say, put_theme, w)) {
        return theme_failed(w);
    }
    return fold_into(fold, &part);
}

enum ct_status ct_batch_fold_customer(struct ct_worker *w, const struct ct_customer *customer)
{
    if (!scratch(w, customer->record_count + 1)) {
        return CT_NO_MEMORY;
    }
    enum ct_status status = fold_period(w, &w->fold[0], &w->batch->terms, customer, true);
    return status == CT_OK && w->batch->compared ? fold_period(w, &w->fold[1], &w->batch->terms_before, customer, false)
                                                 : status;
}

enum ct_status ct_batch_fold_event(struct ct_worker *w, const struct ct_business *event)
{
    const struct ct_batch_options *options = w->batch->options;
    enum ct_status status = CT_OK;
    if (!ct_filters_take_event(options->filters, options->filter_count, event)) {
        return CT_OK;
    }
    for (int i = 0; i < 1 + w->batch->compared && status == CT_OK; i++) {
        const struct ct_terms *terms = i ? &w->batch->terms_before : &w->batch->terms;
        ct_kpis_fold_event(w->fold[i].kpis, event, terms);
        status = w->fold[i].slices ? ct_slices_fold_event(w->fold[i].slices, event, terms) : CT_OK;
        for (size_t a = 0; a < w->fold[i].also_count && status == CT_OK; a++) {
            status = ct_slices_fold_event(w->fold[i].also[a], event, terms);
        }
    }
    if (status == CT_OK && w->themes &&
        !ct_themes_event(event, &w->batch->terms, &options->theme_options, put_theme, w)) {
        status = theme_failed(w);
    }
    return status;
}
