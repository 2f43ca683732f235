/* crc32c.h - the ways in which a CRC32C is computed, each by itself: for crc32c.c and its test.
 *
 * All take and give the finished value, as ct_crc32c does: f(f(0, "ab"), "c") == f(0, "abc").
 */
#ifndef CT_CRC32C_H
#define CT_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t ct_crc32c_tables(uint32_t crc, const void *bytes, size_t len);
/* Only where ct_crc32c_has_instruction(). */
uint32_t ct_crc32c_instruction(uint32_t crc, const void *bytes, size_t len);
bool ct_crc32c_has_instruction(void);

#endif
