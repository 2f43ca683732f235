/* digits.c - the digits of a number whose length is not known. */
#include "engine/digits.h"

char *ct_digits_put(char *out, uint64_t value)
{
    if (value < 10) { /* most counts of a conversation */
        *out = (char)('0' + value);
        return out + 1;
    }
    unsigned places = 1;
    for (uint64_t rest = value; rest >= 10; rest /= 10) {
        places++;
    }
    return ct_digits_fill(out, value, places);
}
