/* What is written with digits: whole numbers, decimals, seconds, times, money. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "engine/digits.h"
#include "engine/figure.h"

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 32 ^ *state << 20;
}

/* A number of any length. */
static uint64_t any_length(uint64_t *state)
{
    uint64_t bits = next(state);
    return bits >> next(state) % 64;
}

static void digits(void **state)
{
    (void)state;
    uint64_t seed = 1, power = 1;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t edges[] = {power, power - 1, UINT64_MAX - i}, value = i < 60 ? edges[i % 3] : any_length(&seed);
        power *= i % 3 == 2 && i < 57 ? 10 : 1;
        char want[24], got[24] = {0};
        int len = snprintf(want, sizeof want, "%llu", (unsigned long long)value);
        assert_ptr_equal(ct_digits_put(got, value), got + len);
        assert_string_equal(got, want);
        assert_int_equal(ct_wide_format((ct_wide)value, got), len);
        assert_string_equal(got, want);
    }
    char got[8] = "~~~~~~~";
    assert_ptr_equal(ct_digits_fill(got, 1234, 3), got + 3);
    assert_string_equal(got, "234~~~~");
    assert_ptr_equal(ct_digits_fill(got, 5, 0), got);
    assert_string_equal(got, "234~~~~");
    ct_digits_fill(got, 7, 6);
    assert_string_equal(got, "000007~");
}

static void wide_numbers(void **state)
{
    (void)state;
    const ct_wide part = (ct_wide)10000000000000000000u, most = (((ct_wide)1 << 126) - 1) * 2 + 1;
    const struct {
        ct_wide value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-7, "-7"},
                 {(ct_wide)UINT64_MAX, "18446744073709551615"},
                 {(ct_wide)UINT64_MAX + 1, "18446744073709551616"},
                 {-(ct_wide)UINT64_MAX - 1, "-18446744073709551616"},
                 {part, "10000000000000000000"},
                 {2 * part, "20000000000000000000"},
                 {2 * part + 5, "20000000000000000005"},
                 {part * 10 - 1, "99999999999999999999"},
                 {most, "170141183460469231731687303715884105727"},
                 {-most - 1, "-170141183460469231731687303715884105728"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CT_DECIMAL_BYTES];
        assert_int_equal(ct_wide_format(cases[i].value, out), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
    }
}

/* num / den worked out on paper: digit by digit, then rounded half to even from the last digit backwards. */
static void by_long_division(ct_wide num, ct_wide den, unsigned places, bool trim, char *out)
{
    ct_wide size = num < 0 ? -num : num, rest = size % den;
    char figures[64];
    int len = snprintf(figures, sizeof figures, "0%llu", (unsigned long long)(size / den)), point = len;
    for (unsigned i = 0; i < places; i++) {
        rest *= 10;
        figures[len++] = (char)('0' + (int)(rest / den));
        rest %= den;
    }
    if (rest * 2 > den || (rest * 2 == den && (figures[len - 1] & 1))) {
        int at = len - 1;
        for (; figures[at] == '9'; at--) {
            figures[at] = '0';
        }
        figures[at]++;
    }
    int first = figures[0] == '0';
    bool zero = true;
    for (int i = 0; i < len; i++) {
        zero = zero && figures[i] == '0';
    }
    while (trim && len > point + 1 && figures[len - 1] == '0') {
        len--;
    }
    snprintf(out, CT_DECIMAL_BYTES, "%s%.*s%s%.*s", num < 0 && !zero ? "-" : "", point - first, figures + first,
             places ? "." : "", len - point, figures + point);
}

static void assert_decimal(ct_wide num, ct_wide den, unsigned places, bool trim)
{
    char want[CT_DECIMAL_BYTES], got[CT_DECIMAL_BYTES];
    by_long_division(num, den, places, trim, want);
    assert_int_equal(ct_decimal_format(num, den, places, trim, got), strlen(want));
    assert_string_equal(got, want);
}

static void decimals(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (unsigned i = 0; i < 50000; i++) {
        static const ct_wide dens[] = {1, 2, 3, 8, 22, 1000, 1000000, 1000000000};
        ct_wide num = (ct_wide)any_length(&seed), den = (ct_wide)any_length(&seed) + 1;
        den = i % 3 ? den : dens[next(&seed) % 8];
        if (i % 7 == 0) { /* exactly between two, or all nines before it */
            den = 2000000;
            num = (ct_wide)(next(&seed) % 5 * 1000000 + 999999) * 2 + 1;
        }
        if (i % 11 == 0 && num / den == 0) { /* beyond 64 bits, the quotient within */
            num += (ct_wide)UINT64_MAX + 1;
            den += (ct_wide)UINT64_MAX / 3;
        }
        assert_decimal(i % 2 ? num : -num, den, i % 10, i % 4 < 2);
    }
}

static void seconds(void **state)
{
    (void)state;
    uint64_t seed = 3;
    static const int64_t edges[] = {0,      1,       -1,       10,      999,       1000,      -1000,
                                    100000, 1000000, -1000001, 1500000, INT64_MAX, -INT64_MAX};
    for (size_t i = 0; i < 20000; i++) {
        bool edge = i < sizeof edges / sizeof *edges;
        ct_usec value = edge ? edges[i] : (ct_usec)(any_length(&seed) >> 1) / (i % 3 ? 1 : 1000) * (i % 3 ? 1 : 1000);
        char want[CT_DECIMAL_BYTES], got[CT_DECIMAL_BYTES];
        size_t len = ct_decimal_format(value, CT_USEC_PER_SECOND, 6, true, want);
        assert_int_equal(ct_seconds_format(value, got), len);
        assert_string_equal(got, want);
        by_long_division(value, CT_USEC_PER_SECOND, 6, true, want);
        assert_string_equal(got, want);
    }
}

static void times(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (unsigned i = 0; i < 50000; i++) {
        const int64_t first = -62167219200, years = 315569520000; /* 0000-01-01, ten thousand years */
        time_t at = (time_t)(first + (int64_t)(next(&seed) % (uint64_t)years));
        unsigned micro = i % 3 ? (unsigned)(next(&seed) % 1000) * 1000 : (unsigned)(next(&seed) % 1000000);
        struct tm tm;
        assert_non_null(gmtime_r(&at, &tm));
        char want[64], got[40];
        int len = snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                           tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        if (micro) {
            len += micro % 1000 ? snprintf(want + len, 16, ".%06u", micro)
                                : snprintf(want + len, 16, ".%03u", micro / 1000);
        }
        snprintf(want + len, 2, "Z");
        assert_int_equal(ct_time_format((ct_usec)at * CT_USEC_PER_SECOND + micro, got), len + 1);
        assert_string_equal(got, want);
    }
    char got[40]; /* no year of four digits: the nearest, and never longer */
    ct_time_format(INT64_MIN, got);
    assert_memory_equal(got, "0000-", 5);
    ct_time_format(INT64_MAX, got);
    assert_memory_equal(got, "9999-", 5);
    assert_int_equal(strlen(got), 27);
}

static void money(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (unsigned i = 0; i < 20000; i++) {
        static const ct_nano edges[] = {0, 1, -1, 10, 1000000000, -1000000000, 999999999, INT64_MAX, INT64_MIN};
        ct_nano amount = i < 9 ? edges[i] : (ct_nano)any_length(&seed), back;
        uint64_t size = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
        char want[40], got[32];
        int len = snprintf(want, sizeof want, "%s%llu.%09llu", amount < 0 ? "-" : "",
                           (unsigned long long)(size / 1000000000), (unsigned long long)(size % 1000000000));
        while (want[len - 1] == '0') {
            want[--len] = '\0';
        }
        if (want[len - 1] == '.') {
            want[--len] = '\0';
        }
        assert_int_equal(ct_money_format(amount, got), len);
        assert_string_equal(got, want);
        assert_true(amount == INT64_MIN || (ct_money_parse(ct_span_of(got), &back) && back == amount));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits),  cmocka_unit_test(wide_numbers), cmocka_unit_test(decimals),
        cmocka_unit_test(seconds), cmocka_unit_test(times),        cmocka_unit_test(money),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
