/* drop.h - what each name of something left out means, and what to do about it. Called where drops are shown: reports
 * and the desk.
 */
#ifndef CT_DROP_H
#define CT_DROP_H

#include "engine/figure.h"

struct ct_drop_words {
    const char *reason;
    const char *means[CT_LANG_COUNT];
    const char *remedy[CT_LANG_COUNT]; /* NULL = nothing is to be done */
};
/* NULL = a name that is not in the catalogue. */
const struct ct_drop_words *ct_drop_words(const char *reason);

#endif
