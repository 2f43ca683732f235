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

/* ---- two periods ------------------------------------------------------------------------------------------------ */

/* sqrt(a² + b²), rounded; both at most 2^62. */
static ct_wide hypotenuse(ct_wide a, ct_wide b)
{
    ct_wide squares = a * a + b * b;
    return squares < ((ct_wide)1 << 124) ? (ct_wide_sqrt(4 * squares) + 1) / 2 : ct_wide_sqrt(squares);
}

void ct_hybrid(int64_t x1, int64_t l1, int64_t u1, int64_t x2, int64_t l2, int64_t u2, int64_t *low, int64_t *high)
{
    *low = x1 - x2 - (int64_t)hypotenuse(x1 - l1, u2 - x2);
    *high = x1 - x2 + (int64_t)hypotenuse(u1 - x1, x2 - l2);
}

void ct_newcombe(uint64_t k1, uint64_t n1, uint64_t k2, uint64_t n2, int64_t *low_micro, int64_t *high_micro)
{
    int64_t low1, high1, low2, high2;
    ct_wilson(k1, n1, &low1, &high1);
    ct_wilson(k2, n2, &low2, &high2);
    int64_t p1 = (int64_t)ct_wide_divide((ct_wide)k1 * 100000000, (ct_wide)n1);
    int64_t p2 = (int64_t)ct_wide_divide((ct_wide)k2 * 100000000, (ct_wide)n2);
    ct_hybrid(p1, low1, high1, p2, low2, high2, low_micro, high_micro);
}

int64_t ct_t_quantile(uint64_t df)
{
    static const struct {
        uint32_t df, micro;
    } rows[] = {{1, 12706205},  {2, 4302653},   {3, 3182446},   {4, 2776445},  {5, 2570582},   {6, 2446912},
                {7, 2364624},   {8, 2306004},   {9, 2262157},   {10, 2228139}, {11, 2200985},  {12, 2178813},
                {13, 2160369},  {14, 2144787},  {15, 2131450},  {16, 2119905}, {17, 2109816},  {18, 2100922},
                {19, 2093024},  {20, 2085963},  {21, 2079614},  {22, 2073873}, {23, 2068658},  {24, 2063899},
                {25, 2059539},  {26, 2055529},  {27, 2051831},  {28, 2048407}, {29, 2045230},  {30, 2042272},
                {40, 2021075},  {50, 2008559},  {60, 2000298},  {80, 1990063}, {100, 1983972}, {120, 1979930},
                {200, 1971896}, {500, 1964720}, {1000, 1962339}};
    size_t row = 0;
    assert(df >= 1);
    if (df > 1000) {
        return Z_E12;
    }
    while (row + 1 < sizeof rows / sizeof *rows && rows[row + 1].df <= df) {
        row++;
    }
    return (int64_t)rows[row].micro * 1000000;
}

/* (v1 + v2)² / (v1² / (n1 - 1) + v2² / (n2 - 1)) rounded down, of squares below 2^30 and numbers at most 2^30. */
static uint64_t welch_df(ct_wide v1, uint64_t n1, ct_wide v2, uint64_t n2)
{
    const uint64_t most = UINT64_C(1) << 30;
    ct_wide f1 = (ct_wide)(n1 > most ? most : n1) - 1, f2 = (ct_wide)(n2 > most ? most : n2) - 1;
    while (v1 >= (ct_wide)1 << 30 || v2 >= (ct_wide)1 << 30) {
        v1 = (v1 + 1) / 2;
        v2 = (v2 + 1) / 2;
    }
    ct_wide df = (v1 + v2) * (v1 + v2) * f1 * f2 / (v1 * v1 * f2 + v2 * v2 * f1);
    return df < 1 ? 1 : (uint64_t)df;
}

static int64_t times(int64_t quantile_e12, ct_wide error)
{
    ct_wide margin = error > ((ct_wide)1 << 80) ? INT64_MAX : ct_wide_divide(error * quantile_e12, E12);
    return margin > INT64_MAX ? INT64_MAX : (int64_t)margin;
}

int64_t ct_welch_margin(int64_t e1, uint64_t n1, int64_t e2, uint64_t n2)
{
    assert(n1 >= 2 && n2 >= 2 && e1 >= 0 && e2 >= 0);
    if (e1 == 0 && e2 == 0) {
        return -1;
    }
    if (e1 >= (INT64_C(1) << 62) || e2 >= (INT64_C(1) << 62)) {
        return INT64_MAX;
    }
    uint64_t df = welch_df((ct_wide)e1 * e1, n1, (ct_wide)e2 * e2, n2);
    return times(ct_t_quantile(df), hypotenuse(e1, e2));
}

int64_t ct_normal_margin(int64_t e1, int64_t e2)
{
    assert(e1 >= 0 && e2 >= 0);
    return e1 >= (INT64_C(1) << 62) || e2 >= (INT64_C(1) << 62) ? INT64_MAX : times(Z_E12, hypotenuse(e1, e2));
}
