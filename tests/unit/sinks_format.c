/* Numbers as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sinks/format.h"

static void durations(void **state)
{
    (void)state;
    static const struct {
        ct_usec usec;
        const char *en, *es;
    } cases[] = {
        {0, "0 s", "0 s"},
        {850, "850 µs", "850 µs"},
        {320000, "320 ms", "320 ms"},
        {999499, "999 ms", "999 ms"},
        {999500, "1.0 s", "1,0 s"},
        {12340000, "12.3 s", "12,3 s"},
        {59949999, "59.9 s", "59,9 s"},
        {59950000, "1 min 0 s", "1 min 0 s"},
        {92000000, "1 min 32 s", "1 min 32 s"},
        {150000000, "2 min 30 s", "2 min 30 s"},
        {3599600000, "1 h 00 min", "1 h 00 min"},
        {7500000000, "2 h 05 min", "2 h 05 min"},
        {86399000000, "1 d 0 h", "1 d 0 h"},
        {172800000000, "2 d 0 h", "2 d 0 h"},
        {-1500000, "-1.5 s", "-1,5 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CT_FORMAT_BYTES];
        assert_int_equal(ct_format_duration(cases[i].usec, CT_LANG_EN, out), strlen(cases[i].en));
        assert_string_equal(out, cases[i].en);
        ct_format_duration(cases[i].usec, CT_LANG_ES, out);
        assert_string_equal(out, cases[i].es);
    }
    char out[CT_FORMAT_BYTES];
    ct_format_duration(INT64_MAX, CT_LANG_EN, out);
    ct_format_duration(INT64_MIN, CT_LANG_EN, out);
}

static void groups(void **state)
{
    (void)state;
    char out[CT_FORMAT_BYTES];
    static const struct {
        int64_t value;
        const char *en, *es;
    } cases[] = {{0, "0", "0"},
                 {999, "999", "999"},
                 {1000, "1,000", "1.000"},
                 {-1234567, "-1,234,567", "-1.234.567"},
                 {123456, "123,456", "123.456"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_format_count(cases[i].value, CT_LANG_EN, out);
        assert_string_equal(out, cases[i].en);
        ct_format_count(cases[i].value, CT_LANG_ES, out);
        assert_string_equal(out, cases[i].es);
    }
    ct_format_decimal(123456789, 100, 2, CT_LANG_ES, out);
    assert_string_equal(out, "1.234.567,89");
}

static void money(void **state)
{
    (void)state;
    static const struct ct_kpi kpi = {.id = "x", .kind = CT_KPI_MEAN, .unit = CT_UNIT_MONEY};
    struct ct_figure figure = {.kpi = &kpi, .key = "EUR", .has_value = true};
    char out[CT_FORMAT_BYTES];
    static const struct {
        int64_t nano;
        const char *want;
    } cases[] = {{0, "0.00 EUR"},
                 {1234567890123, "1,234.57 EUR"},
                 {150238912, "0.1502 EUR"},
                 {955650, "0.000956 EUR"},
                 {-2500000000, "-2.50 EUR"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        figure.value_num = cases[i].nano;
        figure.value_den = CT_NANO_PER_UNIT;
        ct_format_value(&figure, CT_LANG_EN, out);
        assert_string_equal(out, cases[i].want);
    }
    figure.has_value = false;
    ct_format_value(&figure, CT_LANG_EN, out);
    assert_string_equal(out, "–");
}

static void shares_add_up(void **state)
{
    (void)state;
    unsigned tenths[8];
    static const uint64_t thirds[] = {1, 1, 1}, none[] = {0, 0}, odd[] = {1, 0, 6, 0, 0}, one[] = {5};
    ct_format_shares(thirds, 3, tenths);
    assert_true(tenths[0] == 334 && tenths[1] == 333 && tenths[2] == 333);
    ct_format_shares(none, 2, tenths);
    assert_true(tenths[0] == 0 && tenths[1] == 0);
    ct_format_shares(odd, 5, tenths); /* 14.2857 and 85.7142 */
    assert_true(tenths[0] == 143 && tenths[2] == 857 && tenths[1] == 0);
    ct_format_shares(one, 1, tenths);
    assert_int_equal(tenths[0], 1000);
    uint64_t seed = 99, counts[8];
    for (int round = 0; round < 5000; round++) {
        unsigned sum = 0;
        uint64_t total = 0;
        for (int i = 0; i < 8; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            counts[i] = seed >> (34 + seed % 30);
            total += counts[i];
        }
        ct_format_shares(counts, 8, tenths);
        for (int i = 0; i < 8; i++) {
            sum += tenths[i];
            /* none is more than a tenth away from its share */
            ct_wide off = (ct_wide)tenths[i] * (ct_wide)total - (ct_wide)counts[i] * 1000;
            assert_true(off < (ct_wide)total + 1 && -off < (ct_wide)total + 1);
        }
        assert_int_equal(sum, total ? 1000 : 0);
    }
}

static void widths(void **state)
{
    (void)state;
    assert_int_equal(ct_text_width(CT_SPAN_LIT("año")), 3);
    assert_int_equal(ct_text_width(CT_SPAN_LIT("an\xCC\x83o")), 3); /* combining tilde */
    assert_int_equal(ct_text_width(CT_SPAN_LIT("日本")), 4);
    assert_int_equal(ct_text_clip(CT_SPAN_LIT("日本"), 3).len, 3);
    assert_int_equal(ct_text_clip(CT_SPAN_LIT("canción"), 6).len, 7);
    assert_int_equal(ct_text_width(CT_SPAN_LIT("\xFF\xC3")), 2); /* no UTF-8: a column a byte */
    assert_int_equal(ct_text_width(CT_SPAN_NONE), 0);
}

static void languages(void **state)
{
    (void)state;
    enum ct_lang lang;
    assert_true(ct_lang_from(ct_span_of("es-MX"), &lang) && lang == CT_LANG_ES);
    assert_true(ct_lang_from(ct_span_of("EN"), &lang) && lang == CT_LANG_EN);
    assert_true(ct_lang_from(ct_span_of("es_ES.UTF-8"), &lang) && lang == CT_LANG_ES);
    assert_false(ct_lang_from(ct_span_of("est"), &lang));
    assert_false(ct_lang_from(ct_span_of("e"), &lang));
    assert_false(ct_lang_from(ct_span_of("pt"), &lang));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),     cmocka_unit_test(groups), cmocka_unit_test(money),
        cmocka_unit_test(shares_add_up), cmocka_unit_test(widths), cmocka_unit_test(languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
