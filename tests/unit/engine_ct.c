/* engine_ct.c - the vocabulary: times, money, UTF-8, hashes, arenas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/arena.h"
#include "engine/ct.h"

static void times(void **state)
{
    static const struct {
        const char *text;
        bool good;
        ct_usec ts;
        const char *again;
    } cases[] = {
        {"1970-01-01T00:00:00Z", true, 0, "1970-01-01T00:00:00Z"},
        {"2026-02-20T23:09:22.479796Z", true, 1771628962479796, "2026-02-20T23:09:22.479796Z"},
        {"2026-02-20T23:09:22.5", true, 1771628962500000, "2026-02-20T23:09:22.500Z"},
        {"2026-02-21 00:09:22+01:00", true, 1771628962000000, "2026-02-20T23:09:22Z"},
        {"2026-02-20T18:39:22-0430", true, 1771628962000000, "2026-02-20T23:09:22Z"},
        {"2026-02-20T23:09:22.123456789Z", true, 1771628962123456, "2026-02-20T23:09:22.123456Z"},
        {"2024-02-29T00:00:00Z", true, 1709164800000000, "2024-02-29T00:00:00Z"},
        {"1969-12-31T23:59:59.999Z", true, -1000, "1969-12-31T23:59:59.999Z"},
        {"2023-02-29T00:00:00Z", false, 0, NULL},
        {"2026-13-01T00:00:00Z", false, 0, NULL},
        {"2026-01-01T24:00:00Z", false, 0, NULL},
        {"2026-01-01", false, 0, NULL},
        {"2026-01-01T00:00:00Zx", false, 0, NULL},
        {"2026-01-01T00:00:00.", false, 0, NULL},
        {"", false, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_usec ts = 42;
        char text[32];
        assert_int_equal(ct_time_parse(ct_span_of(cases[i].text), &ts), cases[i].good);
        if (cases[i].good) {
            assert_true(ts == cases[i].ts);
            ct_time_format(ts, text);
            assert_string_equal(text, cases[i].again);
        }
    }
}

static void money(void **state)
{
    static const struct {
        const char *text;
        bool good;
        ct_nano amount;
        const char *again;
    } cases[] = {
        {"0.00095565", true, 955650, "0.00095565"},
        {"1e-05", true, 10000, "0.00001"},
        {"12", true, 12000000000, "12"},
        {"-3.50", true, -3500000000, "-3.5"},
        {"0.00021450000000000002", true, 214500, "0.0002145"},
        {"0.0000000005", true, 0, "0"},               /* half to even: down */
        {"0.0000000015", true, 2, "0.000000002"},     /* half to even: up */
        {"0.00000000050001", true, 1, "0.000000001"}, /* beyond the half */
        {"9223372036.854775807", true, INT64_MAX, "9223372036.854775807"},
        {"9223372036.854775808", false, 0, NULL},
        {"1.5E3", true, 1500000000000, "1500"},
        {"000.10", true, 100000000, "0.1"},
        {".5", true, 500000000, "0.5"},
        {"", false, 0, NULL},
        {"-", false, 0, NULL},
        {"1,5", false, 0, NULL},
        {"1e", false, 0, NULL},
        {"1e999999999999", false, 0, NULL},
        {"nan", false, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_nano amount = 42;
        char text[32];
        assert_int_equal(ct_money_parse(ct_span_of(cases[i].text), &amount), cases[i].good);
        if (cases[i].good) {
            assert_true(amount == cases[i].amount);
            ct_money_format(amount, text);
            assert_string_equal(text, cases[i].again);
        }
    }
}

static void utf8(void **state)
{
    static const char *const good[] = {"", "plain", "año", "日本語のテキスト", "😀", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"};
    static const struct {
        const char *text;
        size_t bad;
    } bad[] = {{"abcdefgh\xFF", 8}, {"\xC0\xAF", 0}, {"a\xED\xA0\x80", 1}, {"\xF4\x90\x80\x80", 0},
               {"ab\xC3", 2},       {"\xE2\x82", 0}, {"\x80", 0},          {"12345678\xE2\x28\xA1", 8}};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(ct_utf8_valid(ct_span_of(good[i]), NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t at = 99;
        assert_false(ct_utf8_valid(ct_span_of(bad[i].text), &at));
        assert_int_equal(at, bad[i].bad);
    }
    size_t at = 0;
    assert_false(ct_utf8_valid((ct_span){"abcdefg\0hijk", 12}, &at)); /* a NUL is refused too */
    assert_int_equal(at, 7);
}

static uint64_t little_endian(const unsigned char *at)
{
    uint64_t value = 0;
    for (int i = 8; i-- > 0;) {
        value = value << 8 | at[i];
    }
    return value;
}

static uint64_t mixed(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The hash as it is defined: the bytes with zeros behind them, 16 at a time, the last 0 to 15 apart. */
static uint64_t slow_hash(const char *text, size_t len, uint64_t seed)
{
    unsigned char bytes[96] = {0};
    uint64_t state = mixed(seed ^ 0x9E3779B97F4A7C15ull, 0xD6E8FEB86659FD93ull ^ len);
    size_t at = 0;
    if (len) {
        memcpy(bytes, text, len);
    }
    for (; len - at >= 16; at += 16) {
        state = mixed(little_endian(bytes + at) ^ 0xD6E8FEB86659FD93ull, little_endian(bytes + at + 8) ^ state);
    }
    return mixed(mixed(little_endian(bytes + at) ^ 0xA0761D6478BD642Full, little_endian(bytes + at + 8) ^ state),
                 0x9E3779B97F4A7C15ull ^ len);
}

static void hashes_of_every_length(void **state)
{
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(0xF1 - 7 * i);
    }
    for (size_t len = 0; len < sizeof text; len++) {
        char *block = malloc(len ? len : 1); /* of the text's own length, for the sanitizer */
        assert_non_null(block);
        memcpy(block, text, len);
        assert_true(ct_hash((ct_span){block, len}, len * 31) == slow_hash(block, len, len * 31));
        free(block);
    }
    assert_true(ct_hash(CT_SPAN_NONE, 9) == slow_hash(NULL, 0, 9));
}

static void hashes(void **state)
{
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)i;
    }
    for (size_t len = 0; len < sizeof text; len++) { /* a changed byte, length or seed changes the hash */
        uint64_t hash = ct_hash((ct_span){text, len}, 1);
        assert_true(hash == ct_hash((ct_span){text, len}, 1));
        assert_true(hash != ct_hash((ct_span){text, len}, 2));
        assert_true(len == 0 || hash != ct_hash((ct_span){text, len - 1}, 1));
        if (len) {
            text[len - 1] ^= 1;
            assert_true(hash != ct_hash((ct_span){text, len}, 1));
            text[len - 1] ^= 1;
        }
    }
    /* pinned: partitions of stored data must not move with a compiler */
    assert_true(ct_hash(CT_SPAN_LIT("convtap"), 0) == 0xAB63E42CD342D156ull);
    assert_true(ct_hash(CT_SPAN_LIT("a longer text, past sixteen bytes"), 7) == 0x1C18A13E1B8BF76Full);
}

static void arenas(void **state)
{
    struct ct_arena arena;
    bool ok;
    (void)state;
    ct_arena_init(&arena, 64, 1000);
    ct_span copy = ct_arena_copy(&arena, CT_SPAN_LIT("abc"), &ok);
    assert_true(ok);
    assert_string_equal(copy.at, "abc");
    for (int i = 0; i < 10; i++) {
        char *at = ct_arena_zalloc(&arena, 50);
        assert_non_null(at);
        assert_int_equal((uintptr_t)at % 8, 0);
        for (int k = 0; k < 50; k++) {
            assert_int_equal(at[k], 0);
        }
        memset(at, 0xFF, 50);
    }
    assert_string_equal(copy.at, "abc");
    assert_null(ct_arena_alloc(&arena, 600)); /* over the limit */
    assert_null(ct_arena_alloc(&arena, SIZE_MAX - 4));
    ct_arena_reset(&arena);
    assert_non_null(ct_arena_alloc(&arena, 600));
    ct_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(times),
                                       cmocka_unit_test(money),
                                       cmocka_unit_test(utf8),
                                       cmocka_unit_test(hashes),
                                       cmocka_unit_test(hashes_of_every_length),
                                       cmocka_unit_test(arenas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
