/* statistics.c - intervals in integer arithmetic. Called by kpi.c when figures are computed. */
#include "metrics/statistics.h"

#include <assert.h>

#define E12 INT64_C(1000000000000)
#define Z_E12 INT64_C(1959963984540)       /* z x 10^12, z = 1.959963984540054 */
#define ZZ_E12 INT64_C(3841458820694)      /* z² x 10^12 */
#define ZZ_HALF_E12 INT64_C(1920729410347) /* z²/2 x 10^12 */
#define ZZ_FOURTH_E12 INT64_C(960364705174)

ct_wide ct_wide_sqrt(ct_wide value)
{
    assert(value >= 0);
    if (value < 2) {
        return value;
    }
    /* Newton from above: falls until it stands. */
    unsigned bits = 0;
    for (ct_wide v = value; v; v >>= 1) {
        bits++;
    }
    ct_wide root = (ct_wide)1 << ((bits + 1) / 2);
    for (;;) {
        ct_wide next = (root + value / root) / 2;
        if (next >= root) {
            return root;
        }
        root = next;
    }
}

static int64_t clamp_percent(ct_wide fraction_e12)
{
    ct_wide micro = ct_wide_divide(fraction_e12, 10000); /* 10^12 parts of 1 to 10^6 parts of a percent */
    return micro < 0 ? 0 : micro > 100000000 ? 100000000 : (int64_t)micro;
}

void ct_wilson(uint64_t k, uint64_t n, int64_t *low_micro, int64_t *high_micro)
{
    assert(n > 0 && k <= n);
    while (n > (UINT64_C(1) << 40)) {
        n >>= 1;
        k >>= 1;
    }
    ct_wide wn = (ct_wide)n, wk = (ct_wide)k;
    ct_wide base = wn * E12 + ZZ_E12; /* (n + z²) x 10^12 */
    /* sqrt(k (n - k) / n + z²/4) x 10^12: the radicand at 10^24 is below 2^40 / 4 x 2^80. */
    ct_wide radicand = ct_wide_divide(wk * (wn - wk) * E12, wn) + ZZ_FOURTH_E12;
    ct_wide root = ct_wide_sqrt(radicand * E12);
    ct_wide center = ct_wide_divide((wk * E12 + ZZ_HALF_E12) * E12, base);
    ct_wide half = ct_wide_divide(root * Z_E12, base);
    *low_micro = k == 0 ? 0 : clamp_percent(center - half); /* exactly 0 and 100 at the ends */
    *high_micro = k == n ? 100000000 : clamp_percent(center + half);
}

int64_t ct_standard_error(uint64_t n, ct_wide sum, ct_wide squares, int64_t scale_out)
{
    if (n < 2 || squares < 0 || n > (UINT64_C(1) << 62)) {
        return -1;
    }
    /* With mean = floor(sum / n) and rest = sum - n mean, the sum of (x - sum / n)² is
     * squares - mean (sum + rest) - rest² / n; every product is below the sum of squares or n². */
    ct_wide wn = (ct_wide)n, mean = sum / wn, rest = sum - wn * mean;
    ct_wide ss = squares - mean * (sum + rest);
    ct_wide pairs = wn * (wn - 1), factor = (ct_wide)scale_out * scale_out;
    ct_wide limit = (((ct_wide)1 << 126) - 1) / factor;
    if (ss < 0) {
        return -1;
    }
    /* Few values: scale first, for the digits; sums too large for that have digits enough. */
    ct_wide variance;
    if (ss <= limit && n < (UINT64_C(1) << 40)) {
        variance = ct_wide_divide(ss * factor - ct_wide_divide(rest * rest * factor, wn), pairs);
    } else {
        variance = ct_wide_divide(ss, pairs) * factor;
    }
    if (variance < 0) {
        return -1;
    }
    /* Round the root to the nearest: sqrt(4 v) = 2 sqrt(v), then half up. */
    ct_wide root = variance < ((ct_wide)1 << 124) ? (ct_wide_sqrt(4 * variance) + 1) / 2 : ct_wide_sqrt(variance);
    return root > INT64_MAX ? -1 : (int64_t)root;
}

int64_t ct_error_margin(int64_t error)
{
    ct_wide margin = ct_wide_divide((ct_wide)error * Z_E12, E12);
    return margin > INT64_MAX ? INT64_MAX : (int64_t)margin;
}

int64_t ct_nps_error(uint64_t promoters, uint64_t detractors, uint64_t n)
{
    assert(n > 0 && promoters + detractors <= n);
    while (n > (UINT64_C(1) << 30)) {
        n >>= 1;
        promoters >>= 1;
        detractors >>= 1;
    }
    ct_wide wn = (ct_wide)n, net = (ct_wide)promoters - (ct_wide)detractors;
    ct_wide spread = ((ct_wide)promoters + (ct_wide)detractors) * wn - net * net; /* n² x variance, <= 2^60 */
    /* 10^8 sqrt(spread / n³): the square at 10^16 and times 4 for rounding is below 2^60 x 2^56. */
    return (int64_t)((ct_wide_sqrt(ct_wide_divide(spread * 40000 * E12, wn * wn * wn)) + 1) / 2);
}
