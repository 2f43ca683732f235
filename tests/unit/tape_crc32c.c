/* CRC32C: the instruction, the tables and known vectors agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugin/tape/crc32c.h"
#include "plugin/tape/crc32c_table.h"
#include "plugin/tape/tape.h"

static uint32_t bitwise(uint32_t crc, const unsigned char *at, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78U : 0);
    }
    return ~crc;
}

static void check_vector(const void *bytes, size_t len, uint32_t due)
{
    assert_int_equal(ct_crc32c(0, bytes, len), due);
    assert_int_equal(ct_crc32c_tables(0, bytes, len), due);
    if (ct_crc32c_has_instruction())
        assert_int_equal(ct_crc32c_instruction(0, bytes, len), due);
}

/* RFC 3720, B.4, and the check value of the catalogues. */
static void known_vectors(void **state)
{
    (void)state;
    unsigned char bytes[32];
    check_vector("123456789", 9, 0xE3069283U);
    check_vector("", 0, 0);
    memset(bytes, 0, 32);
    check_vector(bytes, 32, 0x8A9136AAU);
    memset(bytes, 0xFF, 32);
    check_vector(bytes, 32, 0x62A8AB43U);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    check_vector(bytes, 32, 0x46DD794EU);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    check_vector(bytes, 32, 0x113FDB5CU);
}

static void every_length_and_offset(void **state)
{
    (void)state;
    unsigned char bytes[300];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((seed = seed * 1664525U + 1013904223U) >> 24);
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; from + len <= sizeof bytes; len++) {
            uint32_t due = bitwise(77, bytes + from, len);
            assert_int_equal(ct_crc32c_tables(77, bytes + from, len), due);
            assert_int_equal(ct_crc32c(77, bytes + from, len), due);
            size_t cut = len / 3;
            assert_int_equal(ct_crc32c(ct_crc32c(77, bytes + from, cut), bytes + from + cut, len - cut), due);
        }
    }
}

static void tables_follow_from_the_polynomial(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t crc = n;
        for (int row = 0; row < 8; row++) {
            for (int bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78U : 0);
            assert_int_equal(ct_crc32c_table[row][n], crc);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors),
        cmocka_unit_test(every_length_and_offset),
        cmocka_unit_test(tables_follow_from_the_polynomial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
