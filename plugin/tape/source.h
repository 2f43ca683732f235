/* source.h - the bytes of one segment file in order, packed or not: what the reader and the keeper read through. */
#ifndef CT_TAPE_SOURCE_H
#define CT_TAPE_SOURCE_H

#include "plugin/tape/folder.h"

struct ct_source {
    int file;        /* -1 = none */
    bool packed;     /* zstd */
    bool broken;     /* packed: what follows cannot be unpacked */
    uint64_t offset; /* raw: where the next bytes come from; may be set by the owner */
    struct unpacking *unpacking;
};

/* CT_NOT_FOUND: no such file. The folder's descriptor is not kept. */
enum ct_status ct_source_open(struct ct_source *source, int folder, const char *name, bool packed,
                              struct ct_error *err) CT_MUST_USE;
/* Up to `len` of the next bytes; *got 0 = the end (for now), or broken. CT_IO. */
enum ct_status ct_source_read(struct ct_source *source, void *to, size_t len, size_t *got,
                              struct ct_error *err) CT_MUST_USE;
void ct_source_close(struct ct_source *source);

#endif
