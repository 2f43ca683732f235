/* gate_request.c - what a handler asks of a request: headers, parameters, the path as it is meant. */
#include "plugin/gate/gate_state.h"

#include <libwebsockets.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static int hex(char ch)
{
    return ch >= '0' && ch <= '9'   ? ch - '0'
           : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
           : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                    : -1;
}

/* Percent-decoded into out[0, capacity); -1 = malformed, -2 = too long. */
static long decode(ct_span text, bool plus_is_space, char *out, size_t capacity)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.at[i];
        if (ch == '%') {
            int high = i + 2 < text.len ? hex(text.at[i + 1]) : -1, low = i + 2 < text.len ? hex(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            ch = (char)(high << 4 | low);
            i += 2;
        } else if (ch == '+' && plus_is_space) {
            ch = ' ';
        }
        if (ch == '\0')
            return -1;
        if (len == capacity)
            return -2;
        out[len++] = ch;
    }
    return (long)len;
}

/* "//" is "/"; a segment "." or ".." is refused rather than followed. */
static bool normalise(char *path, size_t *len)
{
    size_t to = 0;
    for (size_t from = 0; from < *len;) {
        if (path[from] == '/' && to && path[to - 1] == '/') {
            from++;
            continue;
        }
        path[to++] = path[from++];
    }
    *len = to;
    for (size_t from = 0; from < to;) {
        size_t end = from;
        while (end < to && path[end] != '/')
            end++;
        ct_span segment = {path + from, end - from};
        if (ct_span_is(segment, ".") || ct_span_is(segment, ".."))
            return false;
        from = end + 1;
    }
    return true;
}

int gate_read_url(struct ct_head *head)
{
    ct_span url = {head->text, head->url_len};
    const char *mark = url.len ? memchr(url.at, '?', url.len) : NULL;
    ct_span path = {url.at, mark ? (size_t)(mark - url.at) : url.len};
    head->query = mark ? (ct_span){mark + 1, url.len - path.len - 1} : CT_SPAN_NONE;
    if (path.len == 0 || path.at[0] != '/' || memchr(url.at, '#', url.len))
        return 400;
    long len = decode(path, false, head->decoded, sizeof(head->decoded));
    if (len < 0)
        return len == -2 ? 414 : 400;
    size_t size = (size_t)len;
    if (!normalise(head->decoded, &size) || !ct_utf8_valid((ct_span){head->decoded, size}, NULL))
        return 400;
    head->path = (ct_span){head->decoded, size};
    return 0;
}

void gate_read_remote(const struct ct_gate_connection *c, char *out, size_t capacity)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    out[0] = '\0';
    if (getpeername(lws_get_socket_fd(c->wsi), (struct sockaddr *)&peer, &size) == 0)
        getnameinfo((struct sockaddr *)&peer, size, out, (socklen_t)capacity, NULL, 0, NI_NUMERICHOST);
}

ct_span gate_header(const struct ct_head *head, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < head->headers; i++)
        if (head->name_len[i] == len && memcmp(head->text + head->name_at[i], name, len) == 0)
            return (ct_span){head->text + head->value_at[i], head->value_len[i]};
    return CT_SPAN_NONE;
}

/* A header that came several times is one list (RFC 9110, 5.3): joined into scratch; nothing where it does not fit. */
ct_span ct_request_header(const struct ct_request *request, const char *name, char *scratch, size_t capacity)
{
    size_t len = 0, index = 0;
    bool found = false;
    ct_span at, value;
    while (ct_request_header_at(request, index++, &at, &value)) {
        if (!ct_span_is(at, name))
            continue;
        size_t comma = found ? 2 : 0;
        if (len + comma + value.len > capacity)
            return CT_SPAN_NONE;
        memcpy(scratch + len, ", ", comma);
        memcpy(scratch + len + comma, value.at, value.len);
        len += comma + value.len;
        found = true;
    }
    return found ? (ct_span){scratch, len} : CT_SPAN_NONE;
}

bool ct_request_header_at(const struct ct_request *request, size_t index, ct_span *name, ct_span *value)
{
    const struct ct_gate_connection *c = request->wire;
    const struct ct_head *head = c ? c->head : NULL;
    if (!head || index >= head->headers)
        return false;
    *name = (ct_span){head->text + head->name_at[index], head->name_len[index]};
    *value = (ct_span){head->text + head->value_at[index], head->value_len[index]};
    return true;
}

bool ct_request_parameter(const struct ct_request *request, const char *name, char *scratch, size_t capacity,
                          ct_span *out, bool *bad)
{
    *out = CT_SPAN_NONE;
    *bad = false;
    ct_span query = request->query;
    for (size_t from = 0; from < query.len;) {
        size_t to = from, equals = SIZE_MAX;
        for (; to < query.len && query.at[to] != '&'; to++)
            if (query.at[to] == '=' && equals == SIZE_MAX)
                equals = to;
        size_t name_end = equals == SIZE_MAX ? to : equals;
        char decoded[128];
        long len = decode((ct_span){query.at + from, name_end - from}, true, decoded, sizeof(decoded));
        if (len >= 0 && ct_span_is((ct_span){decoded, (size_t)len}, name)) {
            size_t value_from = equals == SIZE_MAX ? to : equals + 1;
            long got = decode((ct_span){query.at + value_from, to - value_from}, true, scratch, capacity);
            if (got < 0 || !ct_utf8_valid((ct_span){scratch, (size_t)got}, NULL)) {
                *bad = true;
                return false;
            }
            *out = (ct_span){scratch, (size_t)got};
            return true;
        }
        from = to + 1;
    }
    return false;
}

struct lws_context *ct_request_context(const struct ct_request *request)
{
    const struct ct_gate_connection *c = request->wire;
    return c->gate->context;
}

struct uv_loop_s *ct_request_loop(const struct ct_request *request)
{
    const struct ct_gate_connection *c = request->wire;
    return &c->gate->loop;
}
