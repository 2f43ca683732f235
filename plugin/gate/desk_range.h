/* desk_range.h - figures of any span of time, counted from the store: all conversations and business events of each
 * customer together, so that FCR, recurrence, churn and the like have values. What `convtap audit --from --to` says of
 * the same input. */
#ifndef CT_DESK_RANGE_H
#define CT_DESK_RANGE_H

#include "engine/quality.h"
#include "metrics/bindings.h"
#include "metrics/filter.h"
#include "metrics/kpi.h"
#include "sinks/store.h"

struct ct_range_options {
    ct_usec from, to; /* of when a conversation started, [from, to); and the period that business figures speak for */
    bool published;   /* of when it was first published, instead */
    bool alone; /* judge first contact and returns by the range alone, and customers by events before its end; else
                   also by what the same customers did in the return window before and after it, and by all events */
    const struct ct_slice_by *by; /* NULL = no slices */
    const struct ct_filter *filters;
    size_t filter_count;
    const struct ct_terms *terms; /* its period and bindings are not read, and its as_of only where it has one: else the
                                     newest time that the store shows; they outlive the range */
    const struct ct_kpi_options *kpis;
    size_t conversations_max, events_max, bytes_max; /* bytes: of the conversations and of one customer's events */
};

struct ct_range {
    struct ct_block total;
    struct ct_block *slices;
    size_t slice_count;
    struct ct_kpi_slices *kept;          /* the slices' keys */
    uint64_t counted, around;            /* conversations in the range; of the same customers around it */
    ct_usec as_of;                       /* up to when it is known who came back; CT_USEC_NONE */
    struct ct_quality_findings *quality; /* the rules against the terms' marks; NULL = no marks */
    struct ct_bindings bindings; /* of signals that marks and scorecard name, to the rule sets that were read; with how
                                    many conversations of each were counted */
};
/* CT_LIMIT: more conversations, events or bytes than the maxima. The caller frees: ct_range_done. */
enum ct_status ct_range_compute(struct ct_store *store, const struct ct_range_options *options, struct ct_range *out,
                                struct ct_error *err) CT_MUST_USE;
void ct_range_done(struct ct_range *range);

#endif
