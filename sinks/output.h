/* output.h - where a sink writes: a buffer in front of the caller's file or function.
 *
 * A failure is kept and later writes do nothing, so a sink checks once, at the end. Numbers never go through the
 * locale. One writer a thread.
 */
#ifndef CT_OUTPUT_H
#define CT_OUTPUT_H

#include <assert.h>
#include <stdio.h>

#include "engine/figure.h"

#define CT_OUT_BYTES 8192

struct ct_out {
    bool (*write)(void *context, const char *bytes, size_t len); /* false = failed */
    void *context;
    enum ct_status status; /* CT_OK or CT_IO */
    uint64_t written;      /* bytes handed over, with the buffered ones */
    size_t used;
    char buffer[CT_OUT_BYTES];
};

void ct_out_init(struct ct_out *out, bool (*write)(void *context, const char *bytes, size_t len), void *context);
/* The file stays the caller's; it is flushed by ct_out_done, not closed. */
void ct_out_init_file(struct ct_out *out, FILE *file);
/* Hands over what is buffered. CT_IO: something could not be written. */
enum ct_status ct_out_done(struct ct_out *out) CT_MUST_USE;

/* A text that grows as it is written; all zero = empty. The owner frees `at`. */
struct ct_text {
    char *at;
    size_t len, capacity;
};
/* As struct ct_out's `write`, with a struct ct_text as its context. false = out of memory. */
bool ct_text_add(void *text, const char *bytes, size_t len);

void ct_out_bytes(struct ct_out *out, const char *bytes, size_t len);

/* Hands over what is buffered, so that all of the buffer is free. */
void ct_out_hand_over(struct ct_out *out);
/* Where the next bytes go, at most `most` of them (CT_OUT_BYTES or fewer): the caller writes them at once, and says
 * with ct_out_upto where they end. */
static inline char *ct_out_room(struct ct_out *out, size_t most)
{
    assert(most <= sizeof out->buffer);
    if (most > sizeof out->buffer - out->used) {
        ct_out_hand_over(out);
    }
    return out->buffer + out->used;
}
static inline void ct_out_upto(struct ct_out *out, const char *end)
{
    size_t used = (size_t)(end - out->buffer);
    out->written += used - out->used;
    out->used = used;
}

void ct_out_span(struct ct_out *out, ct_span span);
void ct_out_text(struct ct_out *out, const char *text);
void ct_out_char(struct ct_out *out, char c);
void ct_out_fill(struct ct_out *out, const char *text, size_t times);
/* No floating-point conversions: they follow the locale. At most 1,000 bytes a call. */
void ct_out_format(struct ct_out *out, const char *format, ...) CT_PRINTF(2, 3);
void ct_out_uint(struct ct_out *out, uint64_t value);

#endif
