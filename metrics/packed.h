/* packed.h - sets and slices as few bytes, for states that are kept and seldom changed.
 *
 * A set is 190 KB, nearly all of it zeros (bins that never saw a value): packed, only its words that are not zero, so
 * that the sixty minutes of an hour with dozens of slices each stay small. Packed bytes are plain memory, immutable,
 * and may be merged by several threads at once; only within one program version, not an interchange format.
 */
#ifndef CT_PACKED_H
#define CT_PACKED_H

#include "metrics/kpi.h"

/* Grows as is needed; all zero = empty. The caller frees `at`. */
struct ct_packed {
    unsigned char *at;
    size_t len, capacity;
};

/* Appends. CT_NO_MEMORY: *into holds a part of it, and is of no more use. */
enum ct_status ct_kpis_pack(const struct ct_kpi_set *set, struct ct_packed *into) CT_MUST_USE;
enum ct_status ct_slices_pack(const struct ct_kpi_slices *slices, struct ct_packed *into) CT_MUST_USE;

/* Adds one packed set that begins at `packed` as ct_kpis_merge does, and returns where it ends. `scratch` is an empty
 * set, and is empty again afterwards. */
const unsigned char *ct_kpis_merge_packed(struct ct_kpi_set *set, const unsigned char *packed,
                                          struct ct_kpi_set *scratch);
/* Adds packed slices of the same field and maximum, as ct_slices_merge. CT_NO_MEMORY. */
enum ct_status ct_slices_merge_packed(struct ct_kpi_slices *slices, const unsigned char *packed,
                                      struct ct_kpi_set *scratch) CT_MUST_USE;

/* Private to packed.c and slices.c. */
enum ct_status ct_packed_put(struct ct_packed *into, const void *bytes, size_t len) CT_MUST_USE;

#endif
