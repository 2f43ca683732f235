/* Two periods: the intervals of differences against published and hand-worked values, and the verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics/comparison.h"
#include "metrics/kpi.h"
#include "metrics/statistics.h"

/* R. G. Newcombe, Stat Med 17 (1998) 873-890, table II, method 10. */
static void newcombe_table_two(void **state)
{
    (void)state;
    static const struct {
        uint64_t k1, n1, k2, n2;
        int low, high; /* ten-thousandths */
    } cases[] = {{56, 70, 48, 80, 524, 3339},  {9, 10, 3, 10, 1705, 8090},  {6, 7, 2, 7, 582, 8062},
                 {5, 56, 0, 29, -381, 1926},   {0, 10, 0, 20, -1611, 2775}, {0, 10, 0, 10, -2775, 2775},
                 {10, 10, 0, 20, 6791, 10000}, {10, 10, 0, 10, 6075, 10000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t low, high;
        ct_newcombe(cases[i].k1, cases[i].n1, cases[i].k2, cases[i].n2, &low, &high);
        assert_int_equal((int64_t)ct_wide_divide(low, 10000), cases[i].low);
        assert_int_equal((int64_t)ct_wide_divide(high, 10000), cases[i].high);
        int64_t back_low, back_high; /* the other way round it is the mirror */
        ct_newcombe(cases[i].k2, cases[i].n2, cases[i].k1, cases[i].n1, &back_low, &back_high);
        assert_true(back_low == -high && back_high == -low);
    }
}

static void quantiles(void **state)
{
    (void)state;
    assert_true(ct_t_quantile(1) == INT64_C(12706205000000));
    assert_true(ct_t_quantile(30) == INT64_C(2042272000000));
    assert_true(ct_t_quantile(39) == ct_t_quantile(30)); /* between two rows: the wider one */
    assert_true(ct_t_quantile(1001) == INT64_C(1959963984540));
    for (uint64_t df = 1; df < 1200; df++) {
        assert_true(ct_t_quantile(df) >= ct_t_quantile(df + 1));
    }
}

/* Variances 7.9 and 3.8 of 15 values each: squares of errors 0.526667 and 0.253333, 24.9 degrees of freedom, so the
 * quantile of 24, 2.063899: 2.063899 x sqrt(0.78) = 1.822788. */
static void welch_by_hand(void **state)
{
    (void)state;
    int64_t e1 = 725718, e2 = 503322;
    int64_t margin = ct_welch_margin(e1, 15, e2, 15);
    assert_in_range(margin, 1822780, 1822796);
    assert_true(ct_welch_margin(e2, 15, e1, 15) == margin);
    assert_true(ct_welch_margin(0, 15, 0, 15) == -1);
    /* One that does not vary: the other's degrees of freedom, 2.144787 x 0.725718 */
    assert_in_range(ct_welch_margin(e1, 15, 0, 15), 1556500, 1556520);
    /* Many: the normal quantile. */
    assert_int_equal(ct_welch_margin(1000000, 100000, 0, 100000), 1959964);
    assert_true(ct_welch_margin(INT64_MAX, 2, INT64_MAX, 2) == INT64_MAX);
    assert_int_equal(ct_normal_margin(3000000, 4000000), 9799820);
}

/* ---- figures ---- */

static struct ct_kpi kpi_of(enum ct_kpi_kind kind, enum ct_better better)
{
    return (struct ct_kpi){.id = "x", .kind = kind, .unit = CT_UNIT_PERCENT, .better = better};
}

static struct ct_figure ratio(const struct ct_kpi *kpi, const char *key, uint64_t k, uint64_t n)
{
    struct ct_figure f = {.kpi = kpi, .numerator = (ct_wide)k, .denominator = (ct_wide)n, .n = n, .scale = 1};
    (void)strcpy(f.key, key);
    if (n) {
        f.has_value = f.has_interval = true;
        f.value_num = (ct_wide)k * 100;
        f.value_den = (ct_wide)n;
        ct_wilson(k, n, &f.low_micro, &f.high_micro);
    }
    return f;
}

static struct ct_figure mean(const struct ct_kpi *kpi, int64_t micro, int64_t error, uint64_t n)
{
    return (struct ct_figure){.kpi = kpi,
                              .n = n,
                              .has_value = true,
                              .value_num = micro,
                              .value_den = 1000000,
                              .has_error = true,
                              .error_micro = error};
}

static struct ct_change changed(struct ct_figure now, struct ct_figure before)
{
    struct ct_block is = {.figures = &now, .figure_count = 1}, was = {.figures = &before, .figure_count = 1};
    ct_compare_blocks(&is, &was);
    return now.change;
}

static void verdicts(void **state)
{
    (void)state;
    struct ct_kpi rate = kpi_of(CT_KPI_RATIO, CT_BETTER_HIGHER), time = kpi_of(CT_KPI_MEAN, CT_BETTER_LOWER);
    struct ct_change change = changed(ratio(&rate, "", 56, 70), ratio(&rate, "", 48, 80));
    assert_int_equal(change.verdict, CT_CHANGE_UP);
    assert_int_equal(change.difference_micro, 20000000);
    assert_int_equal(change.before_n, 80);
    assert_true(change.before_num == 4800 && change.before_den == 80);
    assert_int_equal(changed(ratio(&rate, "", 48, 80), ratio(&rate, "", 56, 70)).verdict, CT_CHANGE_DOWN);
    change = changed(ratio(&rate, "", 5, 56), ratio(&rate, "", 0, 29));
    assert_int_equal(change.verdict, CT_CHANGE_NO_CHANGE);
    assert_true(change.has_interval && change.low_micro < 0 && change.high_micro > 0);
    /* No value in one of them: nothing to say. */
    assert_int_equal(changed(ratio(&rate, "", 5, 56), ratio(&rate, "", 0, 0)).verdict, CT_CHANGE_NONE);
    assert_int_equal(changed(ratio(&rate, "", 0, 0), ratio(&rate, "", 5, 56)).verdict, CT_CHANGE_NONE);

    assert_int_equal(changed(mean(&time, 20800000, 725718, 15), mean(&time, 23000000, 503322, 15)).verdict,
                     CT_CHANGE_DOWN); /* -2.2 ± 1.82 */
    assert_int_equal(changed(mean(&time, 20800000, 725718, 15), mean(&time, 22000000, 503322, 15)).verdict,
                     CT_CHANGE_NO_CHANGE);
    assert_int_equal(changed(mean(&time, 1, 0, 5), mean(&time, 2, 0, 5)).verdict, CT_CHANGE_UNTESTED);
    assert_int_equal(changed(mean(&time, 1, 1, 5), mean(&time, 2, 0, 1)).verdict, CT_CHANGE_UNTESTED);

    struct ct_kpi score = kpi_of(CT_KPI_SCORE, CT_BETTER_HIGHER), sum = kpi_of(CT_KPI_SUM, CT_BETTER_NONE);
    assert_int_equal(changed(mean(&score, 40000000, 3000000, 300), mean(&score, 20000000, 4000000, 200)).verdict,
                     CT_CHANGE_UP); /* 20 ± 9.8 */
    assert_int_equal(changed(mean(&score, 100000000, 0, 1), mean(&score, 20000000, 4000000, 200)).verdict,
                     CT_CHANGE_UNTESTED);
    assert_int_equal(changed(mean(&sum, 100, 0, 0), mean(&sum, 50, 0, 0)).verdict, CT_CHANGE_UNTESTED);

    struct ct_figure f = ratio(&rate, "", 1, 2);
    f.change.verdict = CT_CHANGE_UP;
    assert_int_equal(ct_change_better(&f), 1);
    f.change.verdict = CT_CHANGE_DOWN;
    assert_int_equal(ct_change_better(&f), -1);
    f.change.verdict = CT_CHANGE_NO_CHANGE;
    assert_int_equal(ct_change_better(&f), 0);
    f.kpi = &time;
    f.change.verdict = CT_CHANGE_DOWN;
    assert_int_equal(ct_change_better(&f), 1);
}

/* The head of now is in euros, that of before in dollars: euros are held against euros. */
static void keys_meet(void **state)
{
    (void)state;
    struct ct_kpi rate = kpi_of(CT_KPI_RATIO, CT_BETTER_HIGHER), other = kpi_of(CT_KPI_RATIO, CT_BETTER_HIGHER);
    struct ct_figure now[] = {ratio(&rate, "EUR", 50, 100), ratio(&rate, "EUR", 50, 100), ratio(&rate, "USD", 1, 10),
                              ratio(&rate, "GBP", 1, 2), ratio(&other, "", 5, 10)};
    struct ct_figure before[] = {ratio(&rate, "USD", 9, 10), ratio(&rate, "EUR", 10, 100), ratio(&rate, "USD", 9, 10),
                                 ratio(&other, "", 5, 10)};
    now[1].part = now[2].part = now[3].part = before[1].part = before[2].part = true;
    struct ct_block is = {.figures = now, .figure_count = 5}, was = {.figures = before, .figure_count = 4};
    ct_compare_blocks(&is, &was);
    assert_int_equal(now[0].change.verdict, CT_CHANGE_UP);
    assert_int_equal(now[0].change.difference_micro, 40000000);
    assert_int_equal(now[2].change.verdict, CT_CHANGE_DOWN);
    assert_int_equal(now[3].change.verdict, CT_CHANGE_NONE);
    assert_int_equal(now[4].change.verdict, CT_CHANGE_NO_CHANGE);

    struct ct_block slices[] = {
        {.key = CT_SPAN_LIT("a"), .second = CT_SPAN_LIT("x"), .figures = now, .figure_count = 1},
        {.key = CT_SPAN_LIT("a"), .second = CT_SPAN_LIT("y"), .figures = now + 4, .figure_count = 1}};
    struct ct_block earlier[] = {
        {.key = CT_SPAN_LIT("a"), .second = CT_SPAN_LIT("y"), .figures = before + 3, .figure_count = 1}};
    now[0].change.verdict = now[4].change.verdict = CT_CHANGE_NONE;
    ct_compare_slices(slices, 2, earlier, 1);
    assert_int_equal(now[0].change.verdict, CT_CHANGE_NONE);
    assert_int_equal(now[4].change.verdict, CT_CHANGE_NO_CHANGE);
}

/* Any numbers give an interval that holds the difference, and equal rates never differ. */
static void always_around_the_difference(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        uint64_t r[4];
        for (int j = 0; j < 4; j++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            r[j] = seed >> 33;
        }
        uint64_t n1 = 1 + r[0] % (i % 2 ? 50 : 1000000), n2 = 1 + r[1] % (i % 3 ? 50 : 1000000);
        uint64_t k1 = r[2] % (n1 + 1), k2 = r[3] % (n2 + 1);
        int64_t low, high;
        ct_newcombe(k1, n1, k2, n2, &low, &high);
        int64_t d = (int64_t)ct_wide_divide((ct_wide)k1 * 100000000, (ct_wide)n1) -
                    (int64_t)ct_wide_divide((ct_wide)k2 * 100000000, (ct_wide)n2);
        assert_true(low <= d && d <= high && low >= -100000001 && high <= 100000001);
        ct_newcombe(k1, n1, k1, n1, &low, &high);
        assert_true(low <= 0 && high >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newcombe_table_two), cmocka_unit_test(quantiles),
        cmocka_unit_test(welch_by_hand),      cmocka_unit_test(verdicts),
        cmocka_unit_test(keys_meet),          cmocka_unit_test(always_around_the_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
