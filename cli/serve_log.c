/* serve_log.c - the live tap's log: one logfmt line each on standard error; and what else of the machine it asks. */
#include "cli/serve.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>

enum { LINE_MAX_BYTES = 2048 };

uint32_t ct_serve_random(void)
{
    uint32_t value = 0;
    if (getrandom(&value, sizeof value, 0) != sizeof value) {
        value = (uint32_t)ct_serve_now(); /* it spreads attempts to connect, nothing more */
    }
    return value;
}

void ct_serve_log_line(void *context, const char *line)
{
    (void)context;
    char stamp[32], out[LINE_MAX_BYTES];
    ct_usec now = ct_serve_now();
    ct_time_format(now - now % 1000, stamp);
    bool has_level = strncmp(line, "level=", 6) == 0;
    int len = snprintf(out, sizeof out, "ts=%s %s%s\n", stamp, has_level ? "" : "level=info ", line);
    if (len >= (int)sizeof out) {
        len = (int)sizeof out - 1;
        out[len - 1] = '\n';
    }
    (void)fwrite(out, 1, (size_t)len, stderr); /* one write: lines of several threads stay whole */
}

void ct_serve_log(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ct_serve_log_line(NULL, line);
}

const char *ct_serve_quoted(const char *text, char *out, size_t room)
{
    size_t len = 0;
    for (; *text && len + 2 < room; text++) {
        char c = *text;
        out[len++] = (unsigned char)c < ' ' || c == 0x7f ? ' ' : c == '"' || c == '\\' ? '\'' : c;
    }
    out[len] = '\0';
    return out;
}
