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

/* ---- two periods ---- */

/* Difference of two rates, k1 / n1 - k2 / n2, 95 %, in millionths of a percent: Newcombe's hybrid of both Wilson
 * intervals (R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10):
 * d - sqrt((p1 - l1)² + (u2 - p2)²) to d + sqrt((u1 - p1)² + (p2 - l2)²). n1, n2 > 0. */
void ct_newcombe(uint64_t k1, uint64_t n1, uint64_t k2, uint64_t n2, int64_t *low_micro, int64_t *high_micro);

/* The same of any two figures with intervals, x in l..u: MOVER, the method of variance estimates recovery (G. Y. Zou,
 * A. Donner, Statistics in Medicine 27 (2008) 1693-1702). */
void ct_hybrid(int64_t x1, int64_t l1, int64_t u1, int64_t x2, int64_t l2, int64_t u2, int64_t *low, int64_t *high);

/* The two-sided 95 % quantile of Student's t, in 10^-12: from a table, for degrees of freedom between two of its rows
 * that of the row before, which is the wider interval; above 1000 the normal one. df >= 1. */
int64_t ct_t_quantile(uint64_t df);

/* Half the 95 % interval of the difference of two means with standard errors e1 and e2 (of n1 and n2 values, both at
 * least 2): t sqrt(e1² + e2²) with the degrees of freedom of B. L. Welch, Biometrika 34 (1947) 28-35, rounded down:
 * (e1² + e2²)² / (e1⁴ / (n1 - 1) + e2⁴ / (n2 - 1)). In the errors' unit. -1 where both errors are 0: nothing varies,
 * and there is nothing to test by. */
int64_t ct_welch_margin(int64_t e1, uint64_t n1, int64_t e2, uint64_t n2);

/* z sqrt(e1² + e2²): of figures that are near enough to normal. */
int64_t ct_normal_margin(int64_t e1, int64_t e2);

#endif
