/* same_figures.h - figures of two sets that hold the same conversations, one of which has given others back.
 *
 * All of a block is equal, but for its dates, those when the last provisional case settles, and but for percentiles,
 * which lie in the same bin: their value is kept between ends that do not shrink (metrics/kpi.h).
 */
#ifndef CT_SAME_FIGURES_H
#define CT_SAME_FIGURES_H

#include "metrics/histogram.h"
#include "metrics/kpi.h"

/* Half a bin is the middle's distance from its ends; both may have moved. The last bin has no end. */
static inline bool same_bin(int64_t a, int64_t b)
{
    int64_t apart = a > b ? a - b : b - a, larger = a > b ? a : b;
    int64_t last = (INT64_C(1) << (CT_HISTOGRAM_FIRST_OCTAVE + CT_HISTOGRAM_OCTAVES)) / 128 * 127;
    return apart <= larger / CT_HISTOGRAM_OCTAVE_BINS + 16 || (a >= last && b >= last);
}

static inline void assert_same_figure(const struct ct_figure *a, const struct ct_figure *b)
{
    struct ct_figure x = *a, y = *b;
    for (unsigned i = 0; i < CT_PERCENTILE_COUNT && x.has_percentiles && y.has_percentiles; i++) {
        assert_true(same_bin(x.percentile_micro[i], y.percentile_micro[i]));
        x.percentile_micro[i] = y.percentile_micro[i] = 0;
    }
    if (x.kpi->kind == CT_KPI_MEDIAN) {
        x.value_num = y.value_num = 0;
        x.status = y.status = CT_STATUS_NONE;
    }
    if (x.provisional && y.provisional) { /* when the last of them settles does not come nearer */
        x.settles_at = y.settles_at = 0;
    }
    assert_string_equal(x.key, y.key);
    assert_true(memcmp(&x, &y, sizeof x) == 0);
}

static inline void assert_same_blocks(const struct ct_block *a, const struct ct_block *b)
{
    assert_int_equal(a->conversations, b->conversations);
    assert_int_equal(a->engaged, b->engaged);
    assert_int_equal(a->messages, b->messages);
    assert_int_equal(a->untimed, b->untimed);
    assert_int_equal(a->customers, b->customers);
    assert_true(memcmp(a->outcomes, b->outcomes, sizeof a->outcomes) == 0);
    assert_int_equal(a->figure_count, b->figure_count);
    for (size_t i = 0; i < a->figure_count; i++) {
        assert_same_figure(&a->figures[i], &b->figures[i]);
    }
}

static inline void assert_same_figures(const struct ct_kpi_set *a, const struct ct_kpi_set *b)
{
    struct ct_block x, y;
    assert_int_equal(ct_kpis_compute(a, NULL, &x), CT_OK);
    assert_int_equal(ct_kpis_compute(b, NULL, &y), CT_OK);
    assert_same_blocks(&x, &y);
    ct_block_done(&x);
    ct_block_done(&y);
}

#endif
