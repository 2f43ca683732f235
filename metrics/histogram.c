/* histogram.c - log-linear histogram of microseconds. Used by spread.c. */
#include "metrics/histogram.h"

#include <assert.h>

static unsigned bin_of(int64_t value)
{
    if (value < 0) {
        value = 0;
    }
    if (value < (INT64_C(1) << CT_HISTOGRAM_FIRST_OCTAVE)) {
        return (unsigned)(value >> (CT_HISTOGRAM_FIRST_OCTAVE - 6));
    }
    unsigned octave = 63 - (unsigned)__builtin_clzll((unsigned long long)value);
    unsigned step = (unsigned)(value >> (octave - 6)) - CT_HISTOGRAM_OCTAVE_BINS;
    unsigned bin = (octave - CT_HISTOGRAM_FIRST_OCTAVE + 1) * CT_HISTOGRAM_OCTAVE_BINS + step;
    return bin < CT_HISTOGRAM_BINS ? bin : CT_HISTOGRAM_BINS - 1;
}

/* The middle of a bin; of the first one 0, which is what nearly always is in it. */
static int64_t middle_of(unsigned bin)
{
    if (bin == 0) {
        return 0;
    }
    unsigned octave = bin / CT_HISTOGRAM_OCTAVE_BINS, step = bin % CT_HISTOGRAM_OCTAVE_BINS;
    unsigned shift = CT_HISTOGRAM_FIRST_OCTAVE - 6; /* log2 of the bin's width */
    int64_t low = (int64_t)step << shift;
    if (octave > 0) {
        shift += octave - 1;
        low = (int64_t)(step + CT_HISTOGRAM_OCTAVE_BINS) << shift;
    }
    return low + (INT64_C(1) << shift) / 2;
}

void ct_histogram_add(struct ct_histogram *histogram, int64_t value)
{
    uint32_t *bin = &histogram->bin[bin_of(value)];
    if (*bin < UINT32_MAX) {
        ++*bin;
    }
}

/* An octave's bins at once, without a branch a bin: the compiler makes vectors of these. */
static uint64_t octave_total(const uint32_t *bins)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < CT_HISTOGRAM_OCTAVE_BINS; i++) {
        total += bins[i];
    }
    return total;
}

static bool octave_is_empty(const uint32_t *bins)
{
    uint32_t any = 0;
    for (unsigned i = 0; i < CT_HISTOGRAM_OCTAVE_BINS; i++) {
        any |= bins[i];
    }
    return any == 0;
}

static void octave_add(uint32_t *restrict bins, const uint32_t *restrict other)
{
    for (unsigned i = 0; i < CT_HISTOGRAM_OCTAVE_BINS; i++) {
        uint32_t sum = bins[i] + other[i];
        bins[i] = sum < bins[i] ? UINT32_MAX : sum;
    }
}

static void octave_subtract(uint32_t *restrict bins, const uint32_t *restrict other)
{
    for (unsigned i = 0; i < CT_HISTOGRAM_OCTAVE_BINS; i++) {
        bins[i] -= bins[i] == UINT32_MAX ? 0 : other[i];
    }
}

void ct_histogram_merge(struct ct_histogram *histogram, const struct ct_histogram *other, int64_t low, int64_t high,
                        int sign)
{
    assert(histogram != other);
    unsigned first = bin_of(low) / CT_HISTOGRAM_OCTAVE_BINS, last = bin_of(high) / CT_HISTOGRAM_OCTAVE_BINS;
    for (unsigned octave = first; octave <= last; octave++) {
        unsigned bin = octave * CT_HISTOGRAM_OCTAVE_BINS;
        if (octave_is_empty(other->bin + bin)) {
            continue; /* and whatever page that is of ours stays untouched */
        }
        if (sign < 0) {
            octave_subtract(histogram->bin + bin, other->bin + bin);
        } else {
            octave_add(histogram->bin + bin, other->bin + bin);
        }
    }
}

void ct_histogram_clear(struct ct_histogram *histogram, int64_t low, int64_t high)
{
    unsigned first = bin_of(low) / CT_HISTOGRAM_OCTAVE_BINS, last = bin_of(high) / CT_HISTOGRAM_OCTAVE_BINS;
    memset(&histogram->bin[first * CT_HISTOGRAM_OCTAVE_BINS], 0,
           (last - first + 1) * CT_HISTOGRAM_OCTAVE_BINS * sizeof *histogram->bin);
}

uint64_t ct_histogram_total(const struct ct_histogram *histogram)
{
    uint64_t total = 0;
    for (unsigned bin = 0; bin < CT_HISTOGRAM_BINS; bin += CT_HISTOGRAM_OCTAVE_BINS) {
        total += octave_total(histogram->bin + bin);
    }
    return total;
}

int64_t ct_histogram_percentile(const struct ct_histogram *histogram, unsigned permille)
{
    assert(permille <= 1000);
    uint64_t total = ct_histogram_total(histogram);
    if (total == 0) {
        return 0;
    }
    /* 2432 bins of at most 2^32: times 1000 stays below 2^54. */
    uint64_t rank = (total * permille + 999) / 1000, seen = 0;
    if (rank == 0) {
        rank = 1;
    }
    unsigned bin = 0;
    for (; bin < CT_HISTOGRAM_BINS - CT_HISTOGRAM_OCTAVE_BINS; bin += CT_HISTOGRAM_OCTAVE_BINS) {
        uint64_t octave = octave_total(histogram->bin + bin);
        if (seen + octave >= rank) {
            break;
        }
        seen += octave;
    }
    for (; bin < CT_HISTOGRAM_BINS - 1; bin++) {
        seen += histogram->bin[bin];
        if (seen >= rank) {
            break;
        }
    }
    return middle_of(bin);
}
