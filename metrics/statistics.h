/* statistics.h - intervals and errors from integers alone: the same on every machine, compiler and locale. */
#ifndef CT_STATISTICS_H
#define CT_STATISTICS_H

#include "engine/figure.h"

/* Whole square root, rounded down. value >= 0. */
ct_wide ct_wide_sqrt(ct_wide value);

/* Wilson score interval, 95 % (z = 1.959963984540054), of k successes in n trials (0 <= k <= n, n > 0), in
 * millionths of a percent: *low_micro and *high_micro within 0..100000000. E. B. Wilson, JASA 22 (1927) 209-212:
 * (k + z²/2 ± z sqrt(k (n - k) / n + z²/4)) / (n + z²). Above 2^40 trials both are halved until they fit. */
void ct_wilson(uint64_t k, uint64_t n, int64_t *low_micro, int64_t *high_micro);

/* Standard error of a mean: sqrt(SS / (n (n - 1))), SS the squared distances from the mean; from n, the sum and the
 * sum of squares, in the values' own unit times `scale_out`, rounded. -1 where n < 2 or it cannot be said. */
int64_t ct_standard_error(uint64_t n, ct_wide sum, ct_wide squares, int64_t scale_out);

/* z times a standard error, rounded half to even. */
int64_t ct_error_margin(int64_t error);

/* Net promoter score's standard error in millionths of a point (-100..100): 100 sqrt((p + d - (p - d)²) / n) with p
 * and d the shares of promoters and detractors. */
int64_t ct_nps_error(uint64_t promoters, uint64_t detractors, uint64_t n);

#endif
