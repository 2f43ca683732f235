/* histogram.h - how durations are distributed, in fixed memory, mergeable by addition.
 *
 * Log-linear: 64 bins an octave, so that a bin is at most 1/64 of its values wide and its middle is never further
 * than 0.8 % from any of them (from 1.024 ms on; below, bins are 16 µs wide). 0 to 2^47 µs (4.5 years); longer ones
 * fall into the last bin. Merging adds bins, so the parts combine to exactly the whole, in any order.
 */
#ifndef CT_HISTOGRAM_H
#define CT_HISTOGRAM_H

#include "engine/ct.h"

#define CT_HISTOGRAM_OCTAVE_BINS 64
#define CT_HISTOGRAM_FIRST_OCTAVE 10
#define CT_HISTOGRAM_OCTAVES 37
#define CT_HISTOGRAM_BINS (CT_HISTOGRAM_OCTAVE_BINS * (CT_HISTOGRAM_OCTAVES + 1))

/* All zero bytes = empty. */
struct ct_histogram {
    uint32_t bin[CT_HISTOGRAM_BINS]; /* stops at UINT32_MAX, and then stays there */
};

/* Negative counts as 0. */
void ct_histogram_add(struct ct_histogram *histogram, int64_t value);
/* sign 1 adds `other`, -1 gives back what was added before. All its values are in low..high, so only
 * their octaves are looked at; writes only to octaves that have something. */
void ct_histogram_merge(struct ct_histogram *histogram, const struct ct_histogram *other, int64_t low, int64_t high,
                        int sign);
/* All zero bytes again. All its values are in low..high: only their octaves are written to. */
void ct_histogram_clear(struct ct_histogram *histogram, int64_t low, int64_t high);
uint64_t ct_histogram_total(const struct ct_histogram *histogram);
/* The value at rank ceil(permille / 1000 x n), counted from the smallest, 1-based (nearest rank: the smallest value
 * that at least that share does not exceed): the middle of its bin, 0 for the first bin (below 16 µs). 0 where the
 * histogram is empty. */
int64_t ct_histogram_percentile(const struct ct_histogram *histogram, unsigned permille);

#endif
