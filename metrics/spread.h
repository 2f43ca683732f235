/* spread.h - what is kept of a set of values: count, sum, squares, ends, and perhaps their distribution.
 *
 * All zero bytes = empty. Integers only, so that merging is exact: addition of sums, and sums that stop at a maximum
 * instead of wrapping, are associative and commutative.
 */
#ifndef CT_SPREAD_H
#define CT_SPREAD_H

#include "engine/figure.h"
#include "metrics/histogram.h"

struct ct_moments {
    uint64_t n;
    ct_wide sum;
    ct_wide squares;  /* stops at CT_SQUARES_MAX: then there is no standard error */
    int64_t min, max; /* only where n > 0 */
};
#define CT_SQUARES_MAX ((ct_wide)(((ct_wide)1 << 126) - 1))

void ct_moments_add(struct ct_moments *moments, int64_t value);
/* sign 1 adds `other`, -1 gives back what was added before. The ends cannot shrink when an extreme is given back: they
 * still enclose all values, and are exact again with one value left or none. Squares that have reached their maximum
 * stay there until nothing is left. */
void ct_moments_merge(struct ct_moments *moments, const struct ct_moments *other, int sign);

/* Moments with a histogram: durations in µs, never negative (a negative one counts as 0). */
struct ct_spread {
    struct ct_moments moments;
    struct ct_histogram histogram;
};
void ct_spread_add(struct ct_spread *spread, int64_t value);
void ct_spread_merge(struct ct_spread *spread, const struct ct_spread *other, int sign); /* as ct_moments_merge */
/* All zero bytes again; what is zero is not written to. */
void ct_spread_clear(struct ct_spread *spread);
/* ct_histogram_percentile, kept between the smallest and the largest value. */
int64_t ct_spread_percentile(const struct ct_spread *spread, unsigned permille);

#endif
