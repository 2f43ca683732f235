/* spread.c - counts, sums, squares and ends of values. Used by every metric of durations, scores and money. */
#include "metrics/spread.h"

static void squares_add(struct ct_moments *moments, ct_wide squares)
{
    moments->squares = squares > CT_SQUARES_MAX - moments->squares ? CT_SQUARES_MAX : moments->squares + squares;
}

void ct_moments_add(struct ct_moments *moments, int64_t value)
{
    if (moments->n == 0 || value < moments->min) {
        moments->min = value;
    }
    if (moments->n == 0 || value > moments->max) {
        moments->max = value;
    }
    moments->n++;
    moments->sum += value;
    squares_add(moments, (ct_wide)value * value);
}

static void moments_give_back(struct ct_moments *moments, const struct ct_moments *other)
{
    moments->n -= other->n;
    if (moments->n == 0) {
        memset(moments, 0, sizeof *moments);
        return;
    }
    moments->sum -= other->sum;
    if (moments->squares < CT_SQUARES_MAX) {
        moments->squares -= other->squares;
    }
    if (moments->n == 1) {
        moments->min = moments->max = (int64_t)moments->sum;
    }
}

void ct_moments_merge(struct ct_moments *moments, const struct ct_moments *other, int sign)
{
    if (other->n == 0) {
        return;
    }
    if (sign < 0) {
        moments_give_back(moments, other);
        return;
    }
    if (moments->n == 0 || other->min < moments->min) {
        moments->min = other->min;
    }
    if (moments->n == 0 || other->max > moments->max) {
        moments->max = other->max;
    }
    moments->n += other->n;
    moments->sum += other->sum;
    squares_add(moments, other->squares);
}

void ct_spread_add(struct ct_spread *spread, int64_t value)
{
    value = value < 0 ? 0 : value;
    ct_moments_add(&spread->moments, value);
    ct_histogram_add(&spread->histogram, value);
}

void ct_spread_merge(struct ct_spread *spread, const struct ct_spread *other, int sign)
{
    if (other->moments.n) {
        ct_moments_merge(&spread->moments, &other->moments, sign);
        ct_histogram_merge(&spread->histogram, &other->histogram, other->moments.min, other->moments.max, sign);
    }
}

void ct_spread_clear(struct ct_spread *spread)
{
    if (spread->moments.n) {
        ct_histogram_clear(&spread->histogram, spread->moments.min, spread->moments.max);
        memset(&spread->moments, 0, sizeof spread->moments);
    }
}

int64_t ct_spread_percentile(const struct ct_spread *spread, unsigned permille)
{
    int64_t value = ct_histogram_percentile(&spread->histogram, permille);
    return value < spread->moments.min   ? spread->moments.min
           : value > spread->moments.max ? spread->moments.max
                                         : value;
}
