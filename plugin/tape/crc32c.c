/* crc32c.c - CRC32C: by the processor's instruction where it has one, else eight bytes a step by tables. */
#include "plugin/tape/crc32c.h"

#include <endian.h>
#include <string.h>

#include "plugin/tape/crc32c_table.h"
#include "plugin/tape/tape.h"

uint32_t ct_crc32c_tables(uint32_t crc, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    crc = ~crc;
    for (; len >= 8; at += 8, len -= 8) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + 4, 4);
        low = le32toh(low) ^ crc;
        high = le32toh(high);
        crc = ct_crc32c_table[7][low & 0xFF] ^ ct_crc32c_table[6][low >> 8 & 0xFF] ^
              ct_crc32c_table[5][low >> 16 & 0xFF] ^ ct_crc32c_table[4][low >> 24] ^ ct_crc32c_table[3][high & 0xFF] ^
              ct_crc32c_table[2][high >> 8 & 0xFF] ^ ct_crc32c_table[1][high >> 16 & 0xFF] ^
              ct_crc32c_table[0][high >> 24];
    }
    for (; len; at++, len--)
        crc = crc >> 8 ^ ct_crc32c_table[0][(crc ^ *at) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)

static inline uint64_t eight(const unsigned char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

__attribute__((target("sse4.2"))) uint32_t ct_crc32c_instruction(uint32_t crc, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t sum = (uint32_t)~crc;
    for (; len >= 32; at += 32, len -= 32) {
        sum = __builtin_ia32_crc32di(sum, eight(at));
        sum = __builtin_ia32_crc32di(sum, eight(at + 8));
        sum = __builtin_ia32_crc32di(sum, eight(at + 16));
        sum = __builtin_ia32_crc32di(sum, eight(at + 24));
    }
    for (; len >= 8; at += 8, len -= 8)
        sum = __builtin_ia32_crc32di(sum, eight(at));
    uint32_t rest = (uint32_t)sum;
    for (; len; at++, len--)
        rest = __builtin_ia32_crc32qi(rest, *at);
    return ~rest;
}

bool ct_crc32c_has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

#else

uint32_t ct_crc32c_instruction(uint32_t crc, const void *bytes, size_t len)
{
    return ct_crc32c_tables(crc, bytes, len);
}

bool ct_crc32c_has_instruction(void)
{
    return false;
}

#endif

uint32_t ct_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    return ct_crc32c_has_instruction() ? ct_crc32c_instruction(crc, bytes, len) : ct_crc32c_tables(crc, bytes, len);
}
