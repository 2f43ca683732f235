/* unpack.c - deflate undone, a piece at a time, within limits (unpack.h). Called by frames.c and body.c. */
#include "plugin/relay/unpack.h"

#include <stdlib.h>
#include <zlib.h>

#define STEP 4096
#define WINDOW_MAX 32768

struct ct_unpack {
    z_stream z;
    int window_bits;
    bool awake;   /* z is initialised */
    bool ended;   /* the last block of a stream has gone by */
    bool over;    /* this message is too long: what comes out is thrown away */
    size_t total; /* bytes that came out of this message */
    char *window; /* while not awake: what the next message may refer to; NULL = nothing */
    unsigned window_len;
};

static enum ct_status wake(struct ct_unpack *unpack)
{
    if (unpack->awake) {
        return CT_OK;
    }
    unpack->z = (z_stream){0};
    if (inflateInit2(&unpack->z, unpack->window_bits) != Z_OK) {
        return CT_NO_MEMORY;
    }
    unpack->awake = true;
    if (unpack->window_len > 0 &&
        inflateSetDictionary(&unpack->z, (const Bytef *)unpack->window, unpack->window_len) != Z_OK) {
        return CT_NO_MEMORY;
    }
    free(unpack->window);
    unpack->window = NULL;
    unpack->window_len = 0;
    return CT_OK;
}

struct ct_unpack *ct_unpack_new(int window_bits)
{
    struct ct_unpack *unpack = calloc(1, sizeof *unpack);
    if (unpack) {
        unpack->window_bits = window_bits;
    }
    return unpack;
}

void ct_unpack_free(struct ct_unpack *unpack)
{
    if (unpack == NULL) {
        return;
    }
    if (unpack->awake) {
        inflateEnd(&unpack->z);
    }
    free(unpack->window);
    free(unpack);
}

bool ct_unpack_over(const struct ct_unpack *unpack)
{
    return unpack->over;
}

bool ct_unpack_ended(const struct ct_unpack *unpack)
{
    return unpack->ended;
}

void ct_unpack_rest(struct ct_unpack *unpack)
{
    if (!unpack->awake) {
        return;
    }
    /* zlib tells the length first, so that only what there is gets copied. */
    uInt len = 0;
    char *window = NULL;
    if (inflateGetDictionary(&unpack->z, NULL, &len) != Z_OK || len > WINDOW_MAX) {
        return;
    }
    if (len > 0) {
        window = malloc(len);
        if (window == NULL || inflateGetDictionary(&unpack->z, (Bytef *)window, &len) != Z_OK) {
            free(window);
            return; /* it stays awake: dearer, not wrong */
        }
    }
    inflateEnd(&unpack->z);
    unpack->awake = false;
    unpack->window = window;
    unpack->window_len = len;
}

/* A block that says it is the last one ends zlib's stream, not the message: go on with the same window. */
static enum ct_status go_on(struct ct_unpack *unpack)
{
    unsigned char window[WINDOW_MAX];
    uInt len = 0;
    if (inflateGetDictionary(&unpack->z, window, &len) != Z_OK || inflateReset(&unpack->z) != Z_OK ||
        (len > 0 && inflateSetDictionary(&unpack->z, window, len) != Z_OK)) {
        return CT_NO_MEMORY;
    }
    unpack->ended = false;
    return CT_OK;
}

static enum ct_status restart(struct ct_unpack *unpack)
{
    if (unpack->window_bits < 0) {
        return go_on(unpack);
    }
    unpack->ended = false; /* another gzip member */
    return inflateReset(&unpack->z) == Z_OK ? CT_OK : CT_REFUSED;
}

enum ct_status ct_unpack_begin(struct ct_unpack *unpack, bool takeover)
{
    unpack->over = false;
    unpack->total = 0;
    if (takeover) {
        return CT_OK;
    }
    unpack->ended = false;
    free(unpack->window);
    unpack->window = NULL;
    unpack->window_len = 0;
    return !unpack->awake || inflateReset(&unpack->z) == Z_OK ? CT_OK : CT_REFUSED;
}

/* Where the next bytes go: behind what is held, or away. */
static enum ct_status place(struct ct_unpack *unpack, struct ct_held *out, size_t max, char *away)
{
    if (!unpack->over && out->len < max) {
        size_t more = max - out->len < STEP ? max - out->len : STEP;
        enum ct_status status = ct_held_reserve(out, more, max);
        if (status != CT_OK) {
            return status;
        }
        unpack->z.next_out = (Bytef *)out->at + out->len;
        unpack->z.avail_out = (uInt)(out->room - out->len);
        return CT_OK;
    }
    unpack->z.next_out = (Bytef *)away;
    unpack->z.avail_out = STEP;
    return CT_OK;
}

enum ct_status ct_unpack_add(struct ct_unpack *unpack, ct_span in, struct ct_held *out, size_t max)
{
    char away[STEP];
    enum ct_status status = wake(unpack);
    if (status != CT_OK || in.len == 0) {
        return status;
    }
    unpack->z.next_in = (Bytef *)(uintptr_t)in.at;
    unpack->z.avail_in = (uInt)in.len;
    for (;;) {
        if (unpack->ended) {
            if (unpack->z.avail_in == 0) {
                return CT_OK;
            }
            status = restart(unpack);
        }
        if (status == CT_OK) {
            status = place(unpack, out, max, away);
        }
        if (status != CT_OK) {
            return status;
        }
        Bytef *from = unpack->z.next_out;
        uInt room = unpack->z.avail_out;
        int said = inflate(&unpack->z, Z_SYNC_FLUSH);
        size_t made = (size_t)(room - unpack->z.avail_out);
        unpack->total += made;
        if ((char *)from != away) {
            out->len += made;
        } else if (made > 0 && !unpack->over) {
            unpack->over = true;
            ct_held_done(out);
        }
        if (unpack->total / CT_UNPACK_FLOOD > max) {
            return CT_REFUSED;
        }
        if (said == Z_STREAM_END) {
            unpack->ended = true;
            continue;
        }
        if (said != Z_OK && said != Z_BUF_ERROR) {
            return said == Z_MEM_ERROR ? CT_NO_MEMORY : CT_REFUSED;
        }
        /* Room left over: everything that these bytes say has come out. */
        if (unpack->z.avail_out > 0) {
            return CT_OK;
        }
    }
}

enum ct_status ct_unpack_tail(struct ct_unpack *unpack, struct ct_held *out, size_t max)
{
    enum ct_status status = wake(unpack);
    if (status == CT_OK && unpack->ended) {
        return restart(unpack);
    }
    if (status == CT_OK) {
        status = ct_unpack_add(unpack, (ct_span){"\0\0\xff\xff", 4}, out, max);
    }
    /* zlib stands before a new block, at a whole byte: otherwise the message was no whole one. */
    return status == CT_OK && !unpack->ended && unpack->z.data_type != 128 ? CT_REFUSED : status;
}
