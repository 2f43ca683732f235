/* exchange.c - a request and its answer (exchange.h). Called by eyes.c. */
#include "plugin/relay/exchange.h"

#include <stdlib.h>

/* The path of what stands in a request line: "/a?b", "http://host/a?b", "*", "host:port". */
static ct_span path_of(ct_span url)
{
    const char *end = url.at + url.len, *at = url.at;
    if (url.len > 0 && *at != '/') {
        const char *scheme = memmem(url.at, url.len, "://", 3);
        at = scheme ? memchr(scheme + 3, '/', (size_t)(end - scheme) - 3) : NULL;
        if (scheme && at == NULL) {
            return CT_SPAN_LIT("/");
        }
        at = at ? at : url.at;
    }
    const char *p = at;
    while (p < end && *p != '?' && *p != '#') {
        p++;
    }
    return (ct_span){at, (size_t)(p - at)};
}

/* "/ws" has "/ws" and "/ws/room", not "/wsx"; "/v19.0/" all that begins with it. */
static bool under(ct_span path, const char *const *paths)
{
    if (paths == NULL) {
        return true;
    }
    for (const char *const *one = paths; *one; one++) {
        size_t len = strlen(*one);
        if (len == 0 || (path.len >= len && memcmp(path.at, *one, len) == 0 &&
                         (path.len == len || (*one)[len - 1] == '/' || path.at[len] == '/'))) {
            return true;
        }
    }
    return false;
}

void ct_exchange_target(struct ct_exchange *exchange, ct_span method, ct_span url, const char *const *paths)
{
    ct_span path = path_of(url);
    exchange->read = under(path, paths);
    size_t len = method.len < 32 ? method.len : 32;
    memcpy(exchange->target, method.at, len);
    exchange->target[len++] = ' ';
    size_t more = path.len < CT_TARGET_MAX - len ? path.len : CT_TARGET_MAX - len;
    if (more > 0) {
        memcpy(exchange->target + len, path.at, more);
    }
    size_t bad;
    exchange->target_len = len + more;
    if (!ct_utf8_valid((ct_span){exchange->target, exchange->target_len}, &bad)) {
        exchange->target_len = bad;
    }
}

void ct_exchange_free(struct ct_exchange *exchange)
{
    ct_body_done(&exchange->request);
    ct_body_done(&exchange->response);
    free(exchange);
}
