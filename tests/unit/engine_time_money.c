/* engine_time_money.c - times and amounts as they are read, against slow readings written here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/ct.h"

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % sides;
}

/* ---- times ------------------------------------------------------------------------------ */

static int number(const char *at, size_t len)
{
    int value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && ((year % 4 == 0 && year % 100) || year % 400 == 0));
}

/* "dddd-dd-ddTdd:dd:dd[.ddd]Z" alone. */
static bool slow_time(const char *text, size_t len, ct_usec *out)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ", no_fraction[] = "dddd-dd-ddTdd:dd:ddZ";
    const char *want = len == 24 ? shape : no_fraction;
    for (size_t i = 0; i < len; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool same = want[i] == 'd'   ? digit
                    : want[i] == 'T' ? strchr("Tt ", text[i]) && text[i]
                    : want[i] == 'Z' ? text[i] == 'Z' || text[i] == 'z'
                    : want[i] == '.' ? text[i] == '.' || text[i] == ','
                                     : text[i] == want[i];
        if (!same) {
            return false;
        }
    }
    int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2), hour = number(text + 11, 2);
    int minute = number(text + 14, 2), second = number(text + 17, 2);
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 || minute > 59 ||
        second > 60) {
        return false;
    }
    int64_t days = 0;
    for (int y = 1970; y < year; y++) {
        days += 337 + month_days(y, 2);
    }
    for (int y = year; y < 1970; y++) {
        days -= 337 + month_days(y, 2);
    }
    for (int m = 1; m < month; m++) {
        days += month_days(year, m);
    }
    *out = (((days + day - 1) * 24 + hour) * 60 + minute) * CT_USEC_PER_MINUTE + second * CT_USEC_PER_SECOND +
           (len == 24 ? number(text + 20, 3) * 1000 : 0);
    return true;
}

/* The text in a block of its own length, so that the sanitizer sees what is read behind it. */
static void assert_time(const char *text, size_t len)
{
    char *block = malloc(len);
    ct_usec got = 42, want = 42;
    assert_non_null(block);
    memcpy(block, text, len);
    bool good = slow_time(text, len, &want);
    assert_int_equal(ct_time_parse((ct_span){block, len}, &got), good);
    assert_true(got == want);
    free(block);
}

static void every_day(void **state)
{
    (void)state;
    for (int year = 0; year <= 9999; year += year >= 1890 && year < 2110 ? 1 : 7) {
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= 31; day += day == 1 || day >= 27 ? 1 : 13) {
                char text[64];
                snprintf(text, sizeof text, "%04d-%02d-%02dT23:59:60.%03dZ", year, month, day, (year * 7 + day) % 1000);
                assert_time(text, 24);
            }
        }
    }
}

static void damaged(void **state)
{
    uint32_t seed = 3;
    (void)state;
    for (int round = 0; round < 200000; round++) {
        char text[48];
        int len = snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u", dice(&seed, 10000), dice(&seed, 14),
                           dice(&seed, 33), dice(&seed, 25), dice(&seed, 61), dice(&seed, 62));
        len += snprintf(text + len, sizeof text - (size_t)len, dice(&seed, 2) ? ".%03uZ" : "Z", dice(&seed, 1000));
        if (dice(&seed, 2)) {
            text[dice(&seed, (uint32_t)len)] = (char)dice(&seed, 256);
        }
        if (len == 24 && text[23] >= '0' && text[23] <= '9') { /* four digits and no offset: a time of another shape */
            continue;
        }
        assert_time(text, (size_t)len);
    }
}

/* ---- amounts ---------------------------------------------------------------------------- */

/* The same amount with an exponent, which is read the long way. */
static void plain_amounts(void **state)
{
    static const char characters[] = "00123456789.";
    uint32_t seed = 5;
    (void)state;
    for (int round = 0; round < 200000; round++) {
        char text[32], longer[40];
        size_t len = dice(&seed, 22);
        for (size_t i = 0; i < len; i++) {
            text[i] = characters[dice(&seed, sizeof characters - 1)];
        }
        if (len && dice(&seed, 8) == 0) {
            text[dice(&seed, (uint32_t)len)] = "-+e, \x80"[dice(&seed, 6)];
        }
        text[len] = '\0';
        if (strpbrk(text, "e")) {
            continue;
        }
        ct_nano got = 42, want = 42;
        size_t long_len = (size_t)snprintf(longer, sizeof longer, "%se0", text);
        assert_int_equal(ct_money_parse((ct_span){text, len}, &got),
                         ct_money_parse((ct_span){longer, long_len}, &want));
        assert_true(got == want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_day), cmocka_unit_test(damaged),
                                       cmocka_unit_test(plain_amounts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
