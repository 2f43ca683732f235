/* writer.c - JSON text. Used by json.c and records.c, and by the program's own JSON. */
#include "sinks/writer.h"

void ct_writer_init(struct ct_writer *json, struct ct_out *out)
{
    json->out = out;
    json->comma = false;
}

static void separate(struct ct_writer *json)
{
    if (json->comma) {
        ct_out_char(json->out, ',');
    }
    json->comma = true;
}

void ct_writer_open(struct ct_writer *json, char bracket)
{
    separate(json);
    ct_out_char(json->out, bracket);
    json->comma = false;
}

void ct_writer_close(struct ct_writer *json, char bracket)
{
    ct_out_char(json->out, bracket);
    json->comma = true;
}

void ct_writer_key(struct ct_writer *json, const char *key)
{
    size_t len = strlen(key);
    char *at = ct_out_room(json->out, len + 3 + json->comma);
    if (json->comma) {
        *at++ = ',';
    }
    *at++ = '"';
    memcpy(at, key, len);
    memcpy(at + len, "\":", 2);
    json->comma = false;
}

static void escaped(struct ct_out *out, unsigned char byte)
{
    static const char letters[] = "btnvfr"; /* 8..13; 11 has no letter in JSON */
    if (byte == '"' || byte == '\\') {
        char pair[2] = {'\\', (char)byte};
        ct_out_bytes(out, pair, 2);
    } else if (byte >= 8 && byte <= 13 && byte != 11) {
        char pair[2] = {'\\', letters[byte - 8]};
        ct_out_bytes(out, pair, 2);
    } else {
        ct_out_format(out, "\\u%04x", byte);
    }
}

/* `text` is valid UTF-8. */
static void quoted_part(struct ct_out *out, ct_span text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F) {
            ct_out_bytes(out, text.at + from, i - from);
            escaped(out, byte);
            from = i + 1;
        }
    }
    if (text.len > from) {
        ct_out_bytes(out, text.at + from, text.len - from);
    }
}

static void quoted(struct ct_out *out, ct_span text)
{
    ct_out_char(out, '"');
    size_t bad;
    while (text.len && !ct_utf8_valid(text, &bad)) {
        quoted_part(out, (ct_span){text.at, bad});
        if (text.at[bad] == '\0') {
            ct_out_text(out, "\\u0000");
        } else {
            ct_out_text(out, "\xEF\xBF\xBD");
        }
        text.at += bad + 1;
        text.len -= bad + 1;
    }
    quoted_part(out, text);
    ct_out_char(out, '"');
}

void ct_writer_key_span(struct ct_writer *json, ct_span key)
{
    separate(json);
    quoted(json->out, key);
    ct_out_char(json->out, ':');
    json->comma = false;
}

void ct_writer_string(struct ct_writer *json, ct_span text)
{
    separate(json);
    quoted(json->out, text);
}

void ct_writer_text(struct ct_writer *json, const char *text)
{
    if (text) {
        ct_writer_string(json, ct_span_of(text));
    } else {
        ct_writer_null(json);
    }
}

void ct_writer_both(struct ct_writer *json, const char *key, const char *const text[CT_LANG_COUNT])
{
    ct_writer_key(json, key);
    ct_writer_open(json, '{');
    ct_writer_key(json, "en");
    ct_writer_text(json, text[CT_LANG_EN]);
    ct_writer_key(json, "es");
    ct_writer_text(json, text[CT_LANG_ES]);
    ct_writer_close(json, '}');
}

void ct_writer_raw(struct ct_writer *json, ct_span value)
{
    separate(json);
    ct_out_span(json->out, value);
}

void ct_writer_wide(struct ct_writer *json, ct_wide value)
{
    char text[CT_DECIMAL_BYTES];
    separate(json);
    ct_out_bytes(json->out, text, ct_wide_format(value, text));
}

void ct_writer_bool(struct ct_writer *json, bool value)
{
    separate(json);
    ct_out_text(json->out, value ? "true" : "false");
}

void ct_writer_null(struct ct_writer *json)
{
    separate(json);
    ct_out_text(json->out, "null");
}

void ct_writer_decimal(struct ct_writer *json, ct_wide num, ct_wide den, unsigned digits)
{
    char text[CT_DECIMAL_BYTES];
    separate(json);
    ct_out_bytes(json->out, text, ct_decimal_format(num, den, digits, true, text));
}

void ct_writer_seconds(struct ct_writer *json, ct_usec value)
{
    if (value == CT_USEC_NONE) {
        ct_writer_null(json);
    } else {
        ct_writer_decimal(json, value, CT_USEC_PER_SECOND, 6);
    }
}

void ct_writer_time(struct ct_writer *json, ct_usec value)
{
    char text[40];
    if (value == CT_USEC_NONE) {
        ct_writer_null(json);
    } else {
        size_t len = ct_time_format(value, text);
        ct_writer_string(json, (ct_span){text, len});
    }
}

void ct_writer_tri(struct ct_writer *json, enum ct_tri value)
{
    if (value == CT_NULL) {
        ct_writer_null(json);
    } else {
        ct_writer_bool(json, value == CT_TRUE);
    }
}
