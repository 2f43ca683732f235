/* digits.h - decimal digits of 64 bits. Used by what formats numbers, times and money. */
#ifndef CT_DIGITS_H
#define CT_DIGITS_H

#include <stdint.h>

/* Both write digits alone, no NUL, and return where they end. */

/* As many digits as there are: 1 to 20. */
char *ct_digits_put(char *out, uint64_t value);

/* Exactly `places` digits, with zeros in front; the digits of `value` that do not fit are left out. */
static inline char *ct_digits_fill(char *out, uint64_t value, unsigned places)
{
    for (unsigned i = places; i-- > 0; value /= 10) {
        out[i] = (char)('0' + value % 10);
    }
    return out + places;
}

#endif
