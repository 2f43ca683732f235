/* gate_reply.c - answers: status line, the headers every answer has, the body. */
#include "plugin/gate/gate_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    int status;
    const char *text;
} reasons[] = {{200, "OK"},
               {201, "Created"},
               {202, "Accepted"},
               {204, "No Content"},
               {304, "Not Modified"},
               {400, "Bad Request"},
               {401, "Unauthorized"},
               {403, "Forbidden"},
               {404, "Not Found"},
               {405, "Method Not Allowed"},
               {406, "Not Acceptable"},
               {408, "Request Timeout"},
               {409, "Conflict"},
               {411, "Length Required"},
               {413, "Content Too Large"},
               {414, "URI Too Long"},
               {415, "Unsupported Media Type"},
               {417, "Expectation Failed"},
               {421, "Misdirected Request"},
               {422, "Unprocessable Content"},
               {426, "Upgrade Required"},
               {429, "Too Many Requests"},
               {431, "Request Header Fields Too Large"},
               {500, "Internal Server Error"},
               {501, "Not Implemented"},
               {502, "Bad Gateway"},
               {503, "Service Unavailable"},
               {504, "Gateway Timeout"}};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

/* `text` as the inside of a JSON string; returns the length that was written, cut at the capacity. */
static size_t escape(const char *text, char *out, size_t capacity)
{
    size_t len = 0;
    for (; *text && len + 7 < capacity; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            out[len++] = '\\';
            out[len++] = (char)byte;
        } else if (byte < 0x20) {
            len += (size_t)snprintf(out + len, 7, "\\u%04x", byte);
        } else {
            out[len++] = (char)byte;
        }
    }
    out[len] = '\0';
    return len;
}

void ct_reply_error(struct ct_reply *reply, int status, const char *code, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    char escaped[2 * sizeof(message)];
    escape(message, escaped, sizeof(escaped));
    size_t capacity = sizeof(escaped) + 128;
    free(reply->body);
    reply->status = status;
    reply->type = "application/json";
    reply->len = 0;
    reply->after_position = 0;
    reply->body = malloc(capacity);
    if (reply->body)
        reply->len = (size_t)snprintf(reply->body, capacity, "{\"error\":{\"code\":\"%.64s\",\"message\":\"%s\"}}\n",
                                      code, escaped);
}

void gate_reply_free(struct ct_reply *reply)
{
    free(reply->body);
    *reply = (struct ct_reply){0};
}

void gate_reply_send(struct ct_gate_connection *c, struct ct_reply *reply, bool keep_alive, bool head_only)
{
    int status = reply->status ? reply->status : 500;
    const char *type = reply->type ? reply->type : "application/json";
    bool bodiless = status == 204 || status == 304;
    char head[1024];
    int len = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\n", status, reason_of(status));
#define ADD(...) len += snprintf(head + len, sizeof(head) - (size_t)len, __VA_ARGS__)
    if (!bodiless) {
        ADD("Content-Length: %zu\r\n", reply->len);
        if (reply->len)
            ADD("Content-Type: %.100s\r\n", type);
    }
    ADD("Cache-Control: %s\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
        "Content-Security-Policy: %.400s; frame-ancestors 'none'\r\n",
        reply->kept ? "no-cache" : "no-store", reply->policy ? reply->policy : "default-src 'none'");
    if (reply->allow[0])
        ADD("Allow: %.63s\r\n", reply->allow);
    if (reply->etag[0])
        ADD("ETag: %.47s\r\n", reply->etag);
    if (reply->retry_after[0])
        ADD("Retry-After: %.15s\r\n", reply->retry_after);
    if (status == 401)
        ADD("WWW-Authenticate: Bearer realm=\"convtap\"\r\n");
    if (status == 426)
        ADD("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    ADD("Connection: %s\r\n\r\n", keep_alive ? "keep-alive" : status == 426 ? "Upgrade, close" : "close");
#undef ADD
    gate_queue(c, head, (size_t)len, head_only || bodiless ? NULL : reply->body,
               head_only || bodiless ? 0 : reply->len);
    gate_reply_free(reply);
}
