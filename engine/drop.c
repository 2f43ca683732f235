/* drop.c - see drop.h; the catalogue is drop.def. */
#include "engine/drop.h"

#include <stdlib.h>

static const struct ct_drop_words catalogue[] = {
#define CT_DROP(name, means_en, means_es, remedy_en, remedy_es) {#name, {means_en, means_es}, {remedy_en, remedy_es}},
#include "engine/drop.def"
#undef CT_DROP
};

static int by_reason(const void *key, const void *row)
{
    return strcmp(key, ((const struct ct_drop_words *)row)->reason);
}

const struct ct_drop_words *ct_drop_words(const char *reason)
{
    return bsearch(reason, catalogue, sizeof catalogue / sizeof *catalogue, sizeof *catalogue, by_reason);
}
