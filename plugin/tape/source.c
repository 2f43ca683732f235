/* source.c - a segment's bytes in order; see source.h. */
#include "plugin/tape/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

enum { PIECE_BYTES = 128 * 1024, WINDOW_LOG_MOST = 23 /* 8 MiB: what unpacking may take */ };

/* In and out through buffers of one size, whatever pieces the owner asks for: so a damaged file gives the same bytes to
 * everybody before it gives no more. */
struct unpacking {
    ZSTD_DStream *stream;
    size_t in_at, in_len;   /* of `in`, not yet taken */
    size_t out_at, out_len; /* of `out`, not yet given */
    size_t rest;            /* zstd's hint: 0 = one of its frames has just ended */
    unsigned char in[PIECE_BYTES], out[PIECE_BYTES];
};

enum ct_status ct_source_open(struct ct_source *source, int folder, const char *name, bool packed, struct ct_error *err)
{
    *source = (struct ct_source){.file = -1, .packed = packed};
    source->file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (source->file < 0)
        return ct_error_set(err, errno == ENOENT ? CT_NOT_FOUND : CT_IO, "cannot open segment %s: %s", name,
                            strerror(errno));
    if (!packed)
        return CT_OK;
    source->unpacking = calloc(1, sizeof *source->unpacking);
    if (source->unpacking)
        source->unpacking->stream = ZSTD_createDStream();
    if (!source->unpacking || !source->unpacking->stream ||
        ZSTD_isError(ZSTD_DCtx_setParameter(source->unpacking->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MOST))) {
        ct_source_close(source);
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    return CT_OK;
}

void ct_source_close(struct ct_source *source)
{
    if (source->unpacking) {
        ZSTD_freeDStream(source->unpacking->stream);
        free(source->unpacking);
    }
    if (source->file >= 0)
        close(source->file);
    *source = (struct ct_source){.file = -1};
}

static enum ct_status read_file(struct ct_source *source, void *to, size_t len, size_t *got, struct ct_error *err)
{
    ssize_t done;
    do
        done = pread(source->file, to, len, (off_t)source->offset);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return ct_error_set(err, CT_IO, "cannot read a segment of the tape: %s", strerror(errno));
    *got = (size_t)done;
    source->offset += (uint64_t)done;
    return CT_OK;
}

/* The next piece into `out`, which is empty; none: the end, or broken. */
static enum ct_status unpack(struct ct_source *source, struct unpacking *unpacking, struct ct_error *err)
{
    unpacking->out_at = unpacking->out_len = 0;
    while (!unpacking->out_len && !source->broken) {
        if (unpacking->in_at == unpacking->in_len) {
            unpacking->in_at = unpacking->in_len = 0;
            enum ct_status status = read_file(source, unpacking->in, PIECE_BYTES, &unpacking->in_len, err);
            if (status != CT_OK)
                return status;
            if (!unpacking->in_len) {
                source->broken = unpacking->rest != 0; /* it ends amid something */
                return CT_OK;
            }
        }
        ZSTD_inBuffer in = {unpacking->in, unpacking->in_len, unpacking->in_at};
        ZSTD_outBuffer out = {unpacking->out, PIECE_BYTES, 0};
        size_t rest = ZSTD_decompressStream(unpacking->stream, &out, &in);
        unpacking->in_at = in.pos;
        unpacking->out_len = out.pos;
        if (ZSTD_isError(rest))
            source->broken = true;
        else
            unpacking->rest = rest;
    }
    return CT_OK;
}

enum ct_status ct_source_read(struct ct_source *source, void *to, size_t len, size_t *got, struct ct_error *err)
{
    *got = 0;
    if (!source->packed)
        return read_file(source, to, len, got, err);
    struct unpacking *unpacking = source->unpacking;
    if (unpacking->out_at == unpacking->out_len) {
        enum ct_status status = unpack(source, unpacking, err);
        if (status != CT_OK)
            return status;
    }
    *got = unpacking->out_len - unpacking->out_at < len ? unpacking->out_len - unpacking->out_at : len;
    memcpy(to, unpacking->out + unpacking->out_at, *got);
    unpacking->out_at += *got;
    return CT_OK;
}
