/* correction.c - Rogan-Gladen's estimate with Lang and Reiczigel's interval, in integers. Called by quality_read.c. */
#include "metrics/correction.h"

#include "metrics/statistics.h"

/* Fractions in 10^-12, variances in 10^-18: with at most 10^12 cases and 10^6 marks, and a difference from chance of a
 * tenth at least, no product leaves 128 bits. */
#define ONE ((ct_wide)1000000000000)
#define FINE ((ct_wide)1000000)
#define Z ((ct_wide)1959963984540)
#define Z_SQUARED ((ct_wide)3841458820694)

static ct_wide times(ct_wide a, ct_wide b)
{
    return ct_wide_divide(a * b, ONE);
}

/* p (1 - p) / n, in 10^-18. */
static ct_wide variance(ct_wide p, ct_wide n)
{
    return ct_wide_divide(p * (ONE - p) / FINE, n);
}

/* What lies beyond 0..100 %. */
static int64_t clip(ct_wide share, bool *clipped)
{
    ct_wide micro = ct_wide_divide(share, ONE / 100000000);
    *clipped = micro < 0 || micro > 100000000;
    return (int64_t)(micro < 0 ? 0 : micro > 100000000 ? 100000000 : micro);
}

/* Equations 6, 7, 16 and 17 of Lang and Reiczigel; in their equation 4 the last square is of 1 - p. */
static bool interval(struct ct_quality_correction *c)
{
    ct_wide positive = (ct_wide)(c->tp + c->fn) + 2, negative = (ct_wide)(c->tn + c->fp) + 2;
    ct_wide n = c->raw_den * ONE + Z_SQUARED;
    ct_wide apparent = ct_wide_divide((c->raw_num * ONE + Z_SQUARED / 2) * ONE, n);
    ct_wide sensitivity = ct_wide_divide(((ct_wide)c->tp + 1) * ONE, positive);
    ct_wide specificity = ct_wide_divide(((ct_wide)c->tn + 1) * ONE, negative);
    ct_wide youden = sensitivity + specificity - ONE;
    if (youden < ONE / 10) {
        return false;
    }
    ct_wide p = ct_wide_divide((apparent + specificity - ONE) * ONE, youden);
    ct_wide of_sensitivity = variance(sensitivity, positive), of_specificity = variance(specificity, negative);
    ct_wide of_apparent = ct_wide_divide(apparent * (ONE - apparent) / FINE * ONE, n);
    ct_wide shift = times(2 * Z_SQUARED, times(p, of_sensitivity) - times(ONE - p, of_specificity)) / FINE;
    ct_wide sum = of_apparent + times(times(p, p), of_sensitivity) + times(times(ONE - p, ONE - p), of_specificity);
    ct_wide margin = times(Z, ct_wide_divide(ct_wide_sqrt(sum * FINE) * ONE, youden));
    c->low_micro = clip(p + shift - margin, &c->clipped_low);
    c->high_micro = clip(p + shift + margin, &c->clipped_high);
    return true;
}

void ct_correction_fill(struct ct_quality_correction *c)
{
    ct_wide positive = (ct_wide)(c->tp + c->fn), negative = (ct_wide)(c->tn + c->fp);
    ct_wide above_chance = (ct_wide)c->tp * negative - (ct_wide)c->fp * positive;
    c->num = 0;
    c->den = 1;
    if (c->raw_den <= 0 || c->raw_den > ONE) {
        c->status = CT_CORRECTION_NO_VALUE;
        return;
    }
    if (positive < CT_CORRECTION_MARKS || negative < CT_CORRECTION_MARKS) {
        c->status = CT_CORRECTION_TOO_FEW;
        return;
    }
    if (10 * above_chance < positive * negative || !interval(c)) {
        c->status = CT_CORRECTION_NEAR_CHANCE;
        return;
    }
    c->status = CT_CORRECTION_DONE;
    c->num = (c->raw_num * negative - c->raw_den * (ct_wide)c->fp) * positive * 100;
    c->den = c->raw_den * above_chance;
    if (c->num < 0 || c->num > 100 * c->den) {
        c->num = c->num < 0 ? 0 : 100;
        c->den = 1;
        c->clipped = true;
    }
}
