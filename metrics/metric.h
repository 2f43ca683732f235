/* metric.h - from closed conversations to numbers.
 *
 * A metric is a commutative monoid over records: zero, fold, merge. Its state is plain memory of a fixed size (no
 * pointers), so windows, threads, processes and days combine exactly in any order. Sums and counts are integers
 * (times in microseconds, money in nano-units in 128 bits), percentiles log-linear histograms. A KPI
 * (kpis.def) is a row that names a metric and how to read it.
 */
#ifndef CT_METRIC_H
#define CT_METRIC_H

#include "engine/figure.h"
#include "metrics/customer.h"

struct ct_metric {
    const char *name;
    size_t state_bytes;
    /* Offsets of the struct ct_spread in the state, rising: nearly all its bytes, of which one conversation touches few. */
    const size_t *spreads;
    size_t spread_count;
    bool apart; /* no row of kpis.def reads it: the live sums leave it out */
    /* NULL: the zero state is all zero bytes (true of every metric here; fresh memory of the system is then not
     * touched, and a slice that never sees a value costs no page). */
    void (*zero)(void *state);
    /* Each conversation. NULL where only customers count. */
    void (*fold)(void *state, const struct ct_record *record);
    /* The same into several states: where reading a conversation costs more than counting it. NULL = `fold` for each. */
    void (*fold_each)(void *const *states, size_t count, const struct ct_record *record);
    /* Each conversation once more, where its customer's others are known and so are the terms: what is provisional
     * about it, which month it is in. NULL where nothing is. */
    void (*fold_open)(void *state, const struct ct_record *record, const struct ct_terms *terms);
    /* Once for each known customer, also one of whom only events are known. NULL where customers do not matter. */
    void (*fold_customer)(void *state, const struct ct_customer *customer);
    /* Each business event that belongs to no customer (the customer base, costs). NULL where they do not matter. */
    void (*fold_event)(void *state, const struct ct_business *event, const struct ct_terms *terms);
    /* sign 1 adds what `other` holds, -1 gives it back: exact where it was added before (kpi.h says what is not). */
    void (*merge)(void *state, const void *other, int sign);
};

/* A sign for counts: unsigned arithmetic wraps, so that adding UINT64_MAX times a count takes it out exactly. */
static inline uint64_t ct_metric_by(int sign)
{
    return (uint64_t)(int64_t)sign;
}

/* What a row of kpis.def takes from a state; kpi.c turns it into a figure. Zeroed before each reading. */
struct ct_spread;
struct ct_moments;
struct ct_fees;
struct ct_reading {
    const struct ct_fees *fees; /* given: what months cost (fees.h); NULL = no shares */
    char key[CT_FIGURE_KEY_BYTES];
    ct_wide numerator, denominator;   /* ratio, sum (denominator 1), quotient, score (of answers) */
    int64_t scale;                    /* the numerator's parts of a unit; 0 = 1 */
    const struct ct_moments *moments; /* mean; numerator and denominator are then not read */
    ct_wide shared; /* mean: an amount that all cases bear together. It is known, not sampled: no part of the error */
    int64_t least, most;            /* mean: no value lies beyond these, so no interval does; equal = not known */
    const struct ct_spread *spread; /* mean or median with percentiles */
    uint64_t promoters, detractors; /* score */
    ct_wide less_numerator, less_denominator; /* difference: the rate that is taken from numerator / denominator */
    uint64_t n;                               /* proportion, product: the cases that it stands on */
    bool no_interval;                         /* ratio: of the numerator some are not in the denominator */
    uint64_t left_out;
    uint64_t provisional; /* as struct ct_figure's */
    ct_usec settles_at;   /* read only where provisional > 0 */
};
/* Reading `index` of a row: 0 the head, 1.. the parts (figure.h). false = there are no more. */
typedef bool ct_reader(const void *state, size_t index, struct ct_reading *out);

#endif
