/* Intervals, errors, decimals and the histogram, against values computed elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "metrics/histogram.h"
#include "metrics/spread.h"
#include "metrics/statistics.h"

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void wilson_known(void **state)
{
    (void)state;
    /* Worked with 60-digit decimals from Wilson's formula. */
    static const struct {
        uint64_t k, n;
        int64_t low, high;
    } cases[] = {
        {0, 1u, 0, 79345069},
        {1, 1u, 20654931, 100000000},
        {1, 2u, 9453121, 90546879},
        {70, 100u, 60415145, 78105115},
        {75, 100u, 65695536, 82454789},
        {40, 50u, 66962894, 88756250},
        {30, 50u, 46181438, 72391610},
        {0, 10u, 0, 27753280},
        {10, 10u, 72246720, 100000000},
        {5, 10u, 23659309, 76340691},
        {1, 1000000u, 18, 566},
        {123456, 1000000u, 12281270, 12410220},
        {500000000, 1000000000u, 49996901, 50003099},
        {7, 1099511627776u, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t low, high;
        ct_wilson(cases[i].k, cases[i].n, &low, &high);
        assert_int_equal(low, cases[i].low);
        assert_int_equal(high, cases[i].high);
    }
}

static void wilson_holds(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        uint64_t n = 1 + next_random(&seed) % (UINT64_C(1) << (1 + next_random(&seed) % 45));
        uint64_t k = next_random(&seed) % (n + 1);
        int64_t low, high, mirror_low, mirror_high;
        ct_wilson(k, n, &low, &high);
        assert_true(low >= 0 && low <= high && high <= 100000000);
        ct_wide share = ct_wide_divide((ct_wide)k * 100000000, (ct_wide)n);
        assert_true(low <= share + 1 && share <= high + 1);
        ct_wilson(n - k, n, &mirror_low, &mirror_high);
        assert_true(llabs(mirror_low - (100000000 - high)) <= 1);
        assert_true(llabs(mirror_high - (100000000 - low)) <= 1);
    }
}

static void roots(void **state)
{
    (void)state;
    for (ct_wide v = 0; v < 5000; v++) {
        ct_wide r = ct_wide_sqrt(v);
        assert_true(r * r <= v && (r + 1) * (r + 1) > v);
    }
    ct_wide large = ((ct_wide)1 << 126) - 1, r = ct_wide_sqrt(large);
    assert_true(r * r <= large && (r + 1) > large / (r + 1));
}

static void errors(void **state)
{
    (void)state;
    /* 1 2 2 3 7: variance 5.5, error sqrt(1.1) = 1.048809 */
    struct ct_moments m = {0};
    static const int64_t scores[] = {1, 2, 2, 3, 7};
    for (size_t i = 0; i < 5; i++) {
        ct_moments_add(&m, scores[i]);
    }
    assert_int_equal(ct_standard_error(m.n, m.sum, m.squares, 1000000), 1048809);
    assert_int_equal(m.min, 1);
    assert_int_equal(m.max, 7);
    /* 3 4: variance 0.5, error 0.5, though the mean is no integer */
    assert_int_equal(ct_standard_error(2, 7, 25, 1000000), 500000);
    /* -3 -4: the same */
    assert_int_equal(ct_standard_error(2, -7, 25, 1000000), 500000);
    assert_int_equal(ct_standard_error(1, 3, 9, 1000000), -1);
    assert_int_equal(ct_standard_error(0, 0, 0, 1000000), -1);
    /* 70 promoters, 10 detractors of 100: sqrt((0.8 - 0.36) / 100) x 100 = 6.633250 */
    assert_int_equal(ct_nps_error(70, 10, 100), 6633250);
    assert_int_equal(ct_nps_error(5, 0, 5), 0);
}

static void errors_of_large_values(void **state)
{
    (void)state;
    /* A thousand durations about four years long that differ by seconds: no digits may cancel out. */
    struct ct_moments m = {0};
    for (int64_t i = 0; i < 1000; i++) {
        ct_moments_add(&m, 126230400000000 + (i % 10) * 1000000);
    }
    /* values 0..9 s, uniform: variance 8.25 x 1000/999, error sqrt(that / 1000) s = 0.090875 s */
    assert_int_equal(ct_standard_error(m.n, m.sum, m.squares, 1), 90875);
    for (int64_t i = 0; i < 10; i++) {
        ct_moments_add(&m, INT64_MAX);
    }
    assert_true(m.squares == CT_SQUARES_MAX);
}

static void decimals(void **state)
{
    (void)state;
    static const struct {
        int64_t num, den;
        unsigned digits;
        bool trim;
        const char *want;
    } cases[] = {{7000, 100, 1, false, "70.0"},
                 {7000, 100, 6, true, "70.0"},
                 {1800, 22, 1, false, "81.8"},
                 {1800, 22, 6, true, "81.818182"},
                 {1, 8, 2, false, "0.12"},
                 {3, 8, 2, false, "0.38"},
                 {5, 2, 0, false, "2"},
                 {7, 2, 0, false, "4"},
                 {-5, 2, 0, false, "-2"},
                 {-1, 1000, 2, false, "0.00"},
                 {-1, 3, 6, false, "-0.333333"},
                 {999999, 1000000, 2, false, "1.00"},
                 {0, 5, 6, true, "0.0"},
                 {1, 3, 9, true, "0.333333333"},
                 {-6, 10, 0, false, "-1"},
                 {12345, 1, 0, true, "12345"},
                 {46370512, 1000000, 6, true, "46.370512"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CT_DECIMAL_BYTES];
        size_t len = ct_decimal_format(cases[i].num, cases[i].den, cases[i].digits, cases[i].trim, out);
        assert_string_equal(out, cases[i].want);
        assert_int_equal(len, strlen(out));
    }
    char out[CT_DECIMAL_BYTES];
    ct_wide_format(-((ct_wide)1 << 126), out);
    assert_string_equal(out, "-85070591730234615865843651857942052864");
    assert_int_equal((int64_t)ct_wide_divide(-7, 2), -4);
    assert_int_equal((int64_t)ct_wide_divide(5, 2), 2);
}

static void histogram_within_one_percent(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int i = 0; i < 200000; i++) {
        int64_t value = 1024 + (int64_t)(next_random(&seed) >> (17 + next_random(&seed) % 36));
        struct ct_histogram h;
        memset(&h, 0, sizeof h);
        ct_histogram_add(&h, value);
        double middle = (double)ct_histogram_percentile(&h, 500);
        assert_true(fabs(middle - (double)value) <= 0.01 * (double)value);
        i += 19;
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void percentiles_of_many(void **state)
{
    (void)state;
    static int64_t values[10007];
    struct ct_spread *whole = calloc(1, sizeof *whole), *part = calloc(1, sizeof *part), *sum = calloc(1, sizeof *sum);
    uint64_t seed = 7;
    for (size_t i = 0; i < 10007; i++) {
        values[i] = (int64_t)(next_random(&seed) % 3600000000u);
        values[i] = values[i] / 1000 * (values[i] % 1000);
        ct_spread_add(whole, values[i]);
        ct_spread_add(i % 3 ? part : sum, values[i]);
    }
    ct_spread_merge(sum, part, 1);
    assert_memory_equal(sum, whole, sizeof *sum);
    assert_int_equal(ct_histogram_total(&whole->histogram), 10007);
    qsort(values, 10007, sizeof *values, compare);
    static const unsigned permille[] = {1, 10, 500, 900, 950, 990, 999, 1000};
    for (size_t i = 0; i < sizeof permille / sizeof *permille; i++) {
        size_t rank = (10007 * permille[i] + 999) / 1000;
        double exact = (double)values[rank - 1], got = (double)ct_spread_percentile(whole, permille[i]);
        assert_true(fabs(got - exact) <= 0.01 * exact + 16);
    }
    free(whole);
    free(part);
    free(sum);
}

static void ends_of_the_histogram(void **state)
{
    (void)state;
    struct ct_spread *s = calloc(1, sizeof *s);
    assert_int_equal(ct_histogram_percentile(&s->histogram, 500), 0);
    ct_spread_add(s, 0);
    assert_int_equal(ct_spread_percentile(s, 500), 0); /* kept inside smallest and largest */
    ct_spread_add(s, 1000000);
    assert_int_equal(ct_spread_percentile(s, 500), 0); /* zeros among others are still zeros */
    ct_spread_add(s, -5);
    assert_int_equal(s->moments.min, 0);
    ct_spread_add(s, INT64_MAX);
    assert_true(ct_spread_percentile(s, 1000) > (INT64_C(1) << 46));
    ct_spread_add(s, 123456);
    ct_spread_add(s, 123456);
    ct_spread_add(s, 123456);
    assert_in_range(ct_spread_percentile(s, 500), 122300, 124600);
    s->histogram.bin[3] = UINT32_MAX;
    struct ct_spread *copy = calloc(1, sizeof *copy);
    copy->moments.n = 1;
    copy->histogram.bin[3] = 2;
    ct_spread_merge(s, copy, 1);
    assert_true(s->histogram.bin[3] == UINT32_MAX);
    struct ct_spread *zero = calloc(1, sizeof *zero);
    ct_spread_clear(s);
    assert_memory_equal(s, zero, sizeof *s);
    ct_spread_add(s, 123456);
    ct_spread_add(s, 1000000);
    ct_spread_clear(s);
    assert_memory_equal(s, zero, sizeof *s);
    ct_spread_clear(s);
    assert_memory_equal(s, zero, sizeof *s);
    free(zero);
    free(copy);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_known),
        cmocka_unit_test(wilson_holds),
        cmocka_unit_test(roots),
        cmocka_unit_test(errors),
        cmocka_unit_test(errors_of_large_values),
        cmocka_unit_test(decimals),
        cmocka_unit_test(histogram_within_one_percent),
        cmocka_unit_test(percentiles_of_many),
        cmocka_unit_test(ends_of_the_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
