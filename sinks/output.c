/* output.c - a buffer in front of the caller's file or function. Every sink writes through it. */
#include "sinks/output.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "engine/digits.h"

static bool write_to_file(void *context, const char *bytes, size_t len)
{
    return fwrite(bytes, 1, len, context) == len;
}

static bool flush_file(void *context, const char *bytes, size_t len)
{
    return write_to_file(context, bytes, len) && fflush(context) == 0;
}

void ct_out_init(struct ct_out *out, bool (*write)(void *context, const char *bytes, size_t len), void *context)
{
    out->write = write;
    out->context = context;
    out->status = CT_OK;
    out->written = 0;
    out->used = 0;
}

void ct_out_init_file(struct ct_out *out, FILE *file)
{
    ct_out_init(out, write_to_file, file);
}

static void write_out(struct ct_out *out, const char *bytes, size_t len)
{
    if (out->status == CT_OK && len && !out->write(out->context, bytes, len)) {
        out->status = CT_IO;
    }
}

void ct_out_hand_over(struct ct_out *out)
{
    write_out(out, out->buffer, out->used);
    out->used = 0;
}

enum ct_status ct_out_done(struct ct_out *out)
{
    ct_out_hand_over(out);
    if (out->status == CT_OK && out->write == write_to_file && !flush_file(out->context, "", 0)) {
        out->status = CT_IO; /* a full disk may only show here */
    }
    return out->status;
}

bool ct_text_add(void *context, const char *bytes, size_t len)
{
    struct ct_text *text = context;
    if (text->capacity - text->len < len) {
        size_t capacity = 2 * (text->capacity + len) + 256;
        char *more = realloc(text->at, capacity);
        if (!more) {
            return false;
        }
        text->at = more;
        text->capacity = capacity;
    }
    if (len) {
        memcpy(text->at + text->len, bytes, len);
    }
    text->len += len;
    return true;
}

void ct_out_bytes(struct ct_out *out, const char *bytes, size_t len)
{
    out->written += len;
    if (len > sizeof out->buffer - out->used) {
        ct_out_hand_over(out);
        if (len >= sizeof out->buffer) {
            write_out(out, bytes, len);
            return;
        }
    }
    if (len) {
        memcpy(out->buffer + out->used, bytes, len);
        out->used += len;
    }
}

void ct_out_span(struct ct_out *out, ct_span span)
{
    ct_out_bytes(out, span.at, span.len);
}

void ct_out_text(struct ct_out *out, const char *text)
{
    ct_out_bytes(out, text, strlen(text));
}

void ct_out_char(struct ct_out *out, char c)
{
    char *at = ct_out_room(out, 1);
    *at = c;
    ct_out_upto(out, at + 1);
}

void ct_out_fill(struct ct_out *out, const char *text, size_t times)
{
    for (size_t len = strlen(text); times > 0; times--) {
        ct_out_bytes(out, text, len);
    }
}

void ct_out_format(struct ct_out *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(len >= 0 && (size_t)len < sizeof text);
    ct_out_bytes(out, text, (size_t)len);
}

void ct_out_uint(struct ct_out *out, uint64_t value)
{
    ct_out_upto(out, ct_digits_put(ct_out_room(out, 20), value));
}
