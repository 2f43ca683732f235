/* load.h - bytes of memory as one number, the first of them lowest on every machine. Used by what hashes and what reads
 * several characters at a time.
 */
#ifndef CT_LOAD_H
#define CT_LOAD_H

#include <stdint.h>
#include <string.h>

static inline uint64_t ct_load_64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline uint32_t ct_load_32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

#endif
