/* head.h - what of an HTTP head is of interest, collected while its pieces come. There is none between heads. */
#ifndef CT_HEAD_H
#define CT_HEAD_H

#include "engine/ct.h"

enum ct_head_field { CT_HEAD_TYPE, CT_HEAD_ENCODING, CT_HEAD_EXTENSIONS, CT_HEAD_UPGRADE, CT_HEAD_FIELDS };
#define CT_HEAD_URL_MAX 1024 /* of a longer one this much is kept: paths are told apart by their beginning */
#define CT_HEAD_VALUE_MAX 512

struct ct_head {
    size_t bytes, max; /* that have come of it, that may */
    char url[CT_HEAD_URL_MAX];
    size_t url_len;
    char name[32]; /* of the field that is coming; no name that matters is longer */
    size_t name_len;
    bool in_value;
    enum ct_head_field field; /* CT_HEAD_FIELDS = one that does not matter */
    char values[CT_HEAD_FIELDS][CT_HEAD_VALUE_MAX];
    size_t lengths[CT_HEAD_FIELDS];
};

struct ct_head *ct_head_new(size_t max) CT_MUST_USE; /* NULL: out of memory; freed by free() */
/* The next piece of the URL, of a field's name, of its value. false: longer than it may be. */
bool ct_head_url(struct ct_head *head, ct_span piece) CT_MUST_USE;
bool ct_head_name(struct ct_head *head, ct_span piece) CT_MUST_USE;
bool ct_head_value(struct ct_head *head, ct_span piece) CT_MUST_USE;
/* Empty where it was not said; said twice, a list with commas. */
static inline ct_span ct_head_field(const struct ct_head *head, enum ct_head_field field)
{
    return (ct_span){head->values[field], head->lengths[field]};
}

#endif
