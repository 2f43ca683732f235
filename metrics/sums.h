/* sums.h - what one closed conversation adds to the sums that a store keeps by the hour.
 *
 * For each KPI of the catalogue whose head figure a single conversation can be in: "<id>.numerator" and
 * "<id>.denominator", in the figure's own parts (µs, nano-units, counts), so that the sum over conversations is the
 * numerator and denominator of an audit of them. Where a KPI is kept apart by a key (currency, scale of a survey,
 * channel) the key stands in the name: "csat_mean[1-5].numerator"; of shares only in the numerator's, as all keys share
 * one denominator. The denominator 1 of a plain sum is left out, and so is every value that is zero. What hangs on the
 * customer's other conversations (FCR, recurrence, durable resolution) is not in it, whatever marks the record carries.
 * Read by the live tap and by `audit --db`.
 */
#ifndef CT_SUMS_H
#define CT_SUMS_H

#include "engine/record.h"

struct ct_sum {
    const char *measure; /* constant, or the scratch's until its next call */
    int64_t value;       /* never 0; of a sum beyond 64 bits the low ones */
};

/* One a thread: about 130 KB. */
struct ct_sums;
struct ct_sums *ct_sums_new(void) CT_MUST_USE; /* NULL = out of memory */
void ct_sums_free(struct ct_sums *sums);       /* NULL allowed */
/* *out = in order of the catalogue, the scratch's until its next call; *count how many. CT_NO_MEMORY. */
enum ct_status ct_sums_of(struct ct_sums *sums, const struct ct_record *record, const struct ct_sum **out,
                          size_t *count) CT_MUST_USE;

#endif
