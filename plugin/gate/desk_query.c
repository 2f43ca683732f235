/* desk_query.c - reads a query's parameters; see desk_query.h. Called by every route of the desk and by the feed. */
#include "plugin/gate/desk_query.h"

#include <stdarg.h>
#include <stdio.h>

static bool refuse(struct ct_query *query, const char *code, const char *format, ...) CT_PRINTF(3, 4);
static bool refuse(struct ct_query *query, const char *code, const char *format, ...)
{
    va_list args;
    query->code = code;
    va_start(args, format);
    (void)vsnprintf(query->problem, sizeof query->problem, format, args);
    va_end(args);
    return false;
}

bool ct_query_refuse(struct ct_query *query, const char *name, const char *format, ...)
{
    char sentence[240];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return refuse(query, "bad_parameter", "%s: %s", name, sentence);
}

/* A name from outside as it may be shown: short, printable ASCII. */
static const char *shown(ct_span name, char out[64])
{
    size_t len = name.len < 60 ? name.len : 60;
    for (size_t i = 0; i < len; i++) {
        out[i] = name.at[i] >= ' ' && name.at[i] < 0x7F && name.at[i] != '"' ? name.at[i] : '?';
    }
    out[len] = '\0';
    return out;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes %XX and '+' to `out`, which has room for all of it. false = a broken escape. */
static bool decode(ct_span text, char *out, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex(text.at[i + 1]) : -1, low = text.len - i > 2 ? hex(text.at[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            out[(*len)++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[(*len)++] = c == '+' ? ' ' : c;
        }
    }
    return true;
}

static bool take(struct ct_query *query, ct_span name, ct_span raw, char **free_at)
{
    char text[64];
    size_t len, i = 0;
    while (query->names[i] && !ct_span_is(name, query->names[i])) {
        i++;
    }
    if (!query->names[i]) {
        return refuse(query, "unknown_parameter", "there is no parameter \"%s\" here", shown(name, text));
    }
    if (query->value[i].at) {
        return ct_query_refuse(query, query->names[i], "given more than once");
    }
    if (!decode(raw, *free_at, &len)) {
        return ct_query_refuse(query, query->names[i], "a '%%' must be followed by two hexadecimal digits");
    }
    if (!len) {
        return ct_query_refuse(query, query->names[i], "has no value; leave it out instead");
    }
    query->value[i] = (ct_span){*free_at, len};
    *free_at += len;
    if (!ct_utf8_valid(query->value[i], NULL)) {
        return ct_query_refuse(query, query->names[i], "is not UTF-8");
    }
    return true;
}

bool ct_query_read(struct ct_query *query, ct_span text, const char *const *names)
{
    char *free_at = query->scratch;
    query->names = names;
    query->code = NULL;
    query->problem[0] = '\0';
    memset(query->value, 0, sizeof query->value);
    if (text.len > sizeof query->scratch) {
        return refuse(query, "query_too_long", "the query has more than %d bytes", CT_QUERY_BYTES);
    }
    for (size_t at = 0; at < text.len;) {
        const char *part = text.at + at, *end = memchr(part, '&', text.len - at);
        size_t len = end ? (size_t)(end - part) : text.len - at;
        const char *equals = memchr(part, '=', len);
        size_t name = equals ? (size_t)(equals - part) : len;
        ct_span value = equals ? (ct_span){equals + 1, len - name - 1} : CT_SPAN_NONE;
        if (len && !take(query, (ct_span){part, name}, value, &free_at)) {
            return false;
        }
        at += len + 1;
    }
    return true;
}

ct_span ct_query_value(const struct ct_query *query, const char *name)
{
    for (size_t i = 0; query->names[i]; i++) {
        if (strcmp(query->names[i], name) == 0) {
            return query->value[i];
        }
    }
    return CT_SPAN_NONE;
}

bool ct_query_time(struct ct_query *query, const char *name, ct_usec *out)
{
    ct_span value = ct_query_value(query, name);
    char text[64];
    if (!value.at) {
        return true;
    }
    if (value.len < sizeof text) {
        memcpy(text, value.at, value.len);
        if (value.len > 6 && text[value.len - 6] == ' ' && text[value.len - 3] == ':') {
            text[value.len - 6] = '+'; /* "...T10:00:00+01:00", whose '+' nobody encoded */
        }
        if (ct_time_parse((ct_span){text, value.len}, out)) {
            return true;
        }
    }
    return ct_query_refuse(query, name, "must be a time as in RFC 3339, \"2026-03-01T00:00:00Z\"");
}

bool ct_query_number(struct ct_query *query, const char *name, uint64_t least, uint64_t most, uint64_t *out)
{
    ct_span value = ct_query_value(query, name);
    uint64_t number = 0;
    bool good = value.len <= 19;
    if (!value.at) {
        return true;
    }
    for (size_t i = 0; i < value.len && good; i++) {
        good = value.at[i] >= '0' && value.at[i] <= '9';
        number = good ? number * 10 + (uint64_t)(value.at[i] - '0') : 0;
    }
    if (!good || number < least || number > most) {
        return ct_query_refuse(query, name, "must be a whole number from %llu to %llu", (unsigned long long)least,
                               (unsigned long long)most);
    }
    *out = number;
    return true;
}

bool ct_query_lang(struct ct_query *query, enum ct_lang *out)
{
    ct_span lang = ct_query_value(query, "lang");
    return !lang.at || ct_lang_from(lang, out) || ct_query_refuse(query, "lang", "must be en or es");
}

void ct_query_answer(const struct ct_query *query, struct ct_reply *reply)
{
    ct_reply_error(reply, 400, query->code, "%s", query->problem);
}
