/* writer.h - JSON, written in order: the same bytes everywhere, always valid UTF-8. */
#ifndef CT_WRITER_H
#define CT_WRITER_H

#include "sinks/output.h"

/* Commas are kept by the writer; keys are literals of this program and are not escaped. */
struct ct_writer {
    struct ct_out *out;
    bool comma; /* before the next key or element */
};

void ct_writer_init(struct ct_writer *json, struct ct_out *out);

/* '{' '}' '[' ']' */
void ct_writer_open(struct ct_writer *json, char bracket);
void ct_writer_close(struct ct_writer *json, char bracket);
void ct_writer_key(struct ct_writer *json, const char *key);
/* A key that comes from outside. */
void ct_writer_key_span(struct ct_writer *json, ct_span key);
/* Quotes, backslashes and control characters escaped; bytes that are no UTF-8 become U+FFFD. */
void ct_writer_string(struct ct_writer *json, ct_span text);
void ct_writer_text(struct ct_writer *json, const char *text); /* NULL = null */
/* {"en": ..., "es": ...} under `key`. */
void ct_writer_both(struct ct_writer *json, const char *key, const char *const text[CT_LANG_COUNT]);
/* A value that is JSON text already: one whole value, as the writer itself wrote it. */
void ct_writer_raw(struct ct_writer *json, ct_span value);
void ct_writer_wide(struct ct_writer *json, ct_wide value);
void ct_writer_bool(struct ct_writer *json, bool value);
void ct_writer_null(struct ct_writer *json);
/* num / den with at most `digits` decimals, at least one. */
void ct_writer_decimal(struct ct_writer *json, ct_wide num, ct_wide den, unsigned digits);
/* µs as seconds; null where CT_USEC_NONE. */
void ct_writer_seconds(struct ct_writer *json, ct_usec value);
/* RFC 3339; null where CT_USEC_NONE. */
void ct_writer_time(struct ct_writer *json, ct_usec value);
void ct_writer_tri(struct ct_writer *json, enum ct_tri value);

/* A member: a string, null where it is empty. `key` is not escaped. */
void ct_writer_field(struct ct_writer *json, ct_span key, ct_span text);

/* For records, which are written by the million: what has a greatest length is written by the caller itself. */
/* Room for `most` bytes behind the comma, where one is due: whole members or values, and commas between them. */
static inline char *ct_writer_room(struct ct_writer *json, size_t most)
{
    char *at = ct_out_room(json->out, most + 1);
    *at = ','; /* overwritten where none is due */
    return at + json->comma;
}
/* Where they end. */
static inline void ct_writer_upto(struct ct_writer *json, const char *end)
{
    ct_out_upto(json->out, end);
    json->comma = true;
}
/* The same where the end is a key's colon or a bracket that opens: no comma is due. */
static inline void ct_writer_into(struct ct_writer *json, const char *end)
{
    ct_out_upto(json->out, end);
    json->comma = false;
}

#endif
