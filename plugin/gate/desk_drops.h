/* desk_drops.h - what each name of a drop means, and what to do about it. */
#ifndef CT_DESK_DROPS_H
#define CT_DESK_DROPS_H

#include "engine/ct.h"

struct ct_drop_words {
    const char *reason, *means, *remedy;
};
/* NULL = a name that is not in the table; the table is in byte order. */
const struct ct_drop_words *ct_drop_words(const char *reason);
const struct ct_drop_words *ct_drop_words_all(size_t *count);

#endif
