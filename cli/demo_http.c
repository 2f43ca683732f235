/* demo_http.c - HTTP/1.1 of the simulated world: messages with a Content-Length, requests over kept connections. See
 * demo.h.
 */
#include "cli/demo.h"

#include <stdlib.h>
#include <strings.h>

enum { LINES = 4, HEAD_MAX = 16384 };

/* ---- reading --------------------------------------------------------------------------------- */

ct_span ct_demo_http_header(const struct ct_demo_http *http, const char *name)
{
    size_t name_len = strlen(name);
    const char *at = http->head.at, *end = at + http->head.len;
    while (at < end) {
        const char *eol = memmem(at, (size_t)(end - at), "\r\n", 2);
        const char *stop = eol ? eol : end;
        if ((size_t)(stop - at) > name_len && at[name_len] == ':' && strncasecmp(at, name, name_len) == 0) {
            at += name_len + 1;
            while (at < stop && *at == ' ') {
                at++;
            }
            return (ct_span){at, (size_t)(stop - at)};
        }
        at = eol ? eol + 2 : end;
    }
    return CT_SPAN_NONE;
}

static bool number_of(ct_span text, size_t *out)
{
    size_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || value > HEAD_MAX * (size_t)1000) {
            return false;
        }
        value = 10 * value + (size_t)(text.at[i] - '0');
    }
    *out = value;
    return true;
}

enum ct_demo_reading ct_demo_http_read(const struct ct_demo_bytes *in, struct ct_demo_http *out)
{
    const char *blank = in->len ? memmem(in->at, in->len, "\r\n\r\n", 4) : NULL;
    if (!blank) {
        return in->len > HEAD_MAX ? CT_DEMO_BROKEN : CT_DEMO_MORE;
    }
    const char *eol = memmem(in->at, in->len, "\r\n", 2);
    size_t body = (size_t)(blank - in->at) + 4, len = 0;
    out->first = (ct_span){in->at, (size_t)(eol - in->at)};
    out->head = eol < blank ? (ct_span){eol + 2, (size_t)(blank - eol - 2)} : CT_SPAN_NONE;
    if (ct_demo_http_header(out, "Transfer-Encoding").len ||
        !number_of(ct_demo_http_header(out, "Content-Length"), &len)) {
        return CT_DEMO_BROKEN;
    }
    if (in->len < body + len) {
        return CT_DEMO_MORE;
    }
    out->body = (ct_span){in->at + body, len};
    out->len = body + len;
    return CT_DEMO_WHOLE;
}

unsigned ct_demo_http_status(const struct ct_demo_http *response)
{
    const char *at = response->first.at;
    return response->first.len >= 12 && memcmp(at, "HTTP/1.1 ", 9) == 0
               ? (unsigned)(at[9] - '0') * 100 + (unsigned)(at[10] - '0') * 10 + (unsigned)(at[11] - '0')
               : 0;
}

void ct_demo_respond(struct ct_demo_line *line, const char *status, const char *json)
{
    char head[200];
    int len =
        snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 status, strlen(json));
    ct_demo_send(line, head, (size_t)len);
    ct_demo_send(line, json, strlen(json));
}

/* ---- asking ----------------------------------------------------------------------------------- */

struct request {
    struct ct_demo_bytes bytes;
    ct_demo_answered *answered;
    void *to;
    unsigned tries;
    struct request *next;
};

struct post_line {
    struct ct_demo_poster *poster;
    struct ct_demo_line *line; /* NULL = not connected */
    struct request *asks;      /* NULL = free */
};

struct ct_demo_poster {
    struct ct_demo_loop *loop;
    char address[300];
    struct request *first, *last; /* those that no line has yet */
    struct post_line lines[LINES];
    size_t waiting;
};

static const struct ct_demo_calls poster_calls;

static void free_request(struct request *request)
{
    free(request->bytes.at);
    free(request);
}

static void finish(struct ct_demo_poster *poster, struct request *request, unsigned status, ct_span body)
{
    poster->waiting--;
    request->answered(request->to, status, body);
    free_request(request);
}

static void put(struct ct_demo_poster *poster, struct request *request)
{
    request->next = NULL;
    *(poster->last ? &poster->last->next : &poster->first) = request;
    poster->last = request;
}

/* Whoever is free takes the next. */
static void go_on(struct ct_demo_poster *poster)
{
    for (int i = 0; i < LINES && poster->first; i++) {
        struct post_line *line = &poster->lines[i];
        if (line->asks) {
            continue;
        }
        if (!line->line) {
            line->line = ct_demo_connect(poster->loop, poster->address, &poster_calls, line);
        }
        struct request *request = poster->first;
        poster->first = request->next;
        poster->last = poster->first ? poster->last : NULL;
        if (!line->line) {
            finish(poster, request, 0, CT_SPAN_NONE);
            continue;
        }
        line->asks = request;
        ct_demo_send(line->line, request->bytes.at, request->bytes.len);
    }
}

static void on_answer(void *owner, struct ct_demo_line *line, struct ct_demo_bytes *in)
{
    struct post_line *from = owner;
    struct ct_demo_http http;
    enum ct_demo_reading reading = ct_demo_http_read(in, &http);
    if (reading == CT_DEMO_MORE) {
        return;
    }
    struct request *request = from->asks;
    if (reading == CT_DEMO_BROKEN || !request) {
        ct_demo_close(line);
        return;
    }
    from->asks = NULL;
    ct_span connection = ct_demo_http_header(&http, "Connection");
    if (connection.len == 5 && strncasecmp(connection.at, "close", 5) == 0) {
        from->line = NULL;
        ct_demo_close(line);
    }
    finish(from->poster, request, ct_demo_http_status(&http), http.body);
    ct_demo_bytes_drop(in, http.len);
    go_on(from->poster);
}

/* A kept connection may have been closed just as a request went out: once more over another one. */
static void on_gone(void *owner, struct ct_demo_line *line)
{
    struct post_line *from = owner;
    if (from->line != line) {
        return;
    }
    struct request *request = from->asks;
    from->line = NULL;
    from->asks = NULL;
    if (request && request->tries++ < 1) {
        put(from->poster, request);
    } else if (request) {
        finish(from->poster, request, 0, CT_SPAN_NONE);
    }
    go_on(from->poster);
}

static const struct ct_demo_calls poster_calls = {on_answer, on_gone};

struct ct_demo_poster *ct_demo_poster_new(struct ct_demo_loop *loop, const char *address)
{
    struct ct_demo_poster *poster = calloc(1, sizeof *poster);
    if (poster) {
        poster->loop = loop;
        (void)snprintf(poster->address, sizeof poster->address, "%s", address);
        for (int i = 0; i < LINES; i++) {
            poster->lines[i].poster = poster;
        }
    }
    return poster;
}

void ct_demo_poster_free(struct ct_demo_poster *poster)
{
    if (!poster) {
        return;
    }
    for (struct request *request = poster->first, *next; request; request = next) {
        next = request->next;
        free_request(request);
    }
    for (int i = 0; i < LINES; i++) {
        if (poster->lines[i].asks) {
            free_request(poster->lines[i].asks);
        }
    }
    free(poster);
}

void ct_demo_post(struct ct_demo_poster *poster, const char *head, ct_span body, ct_demo_answered *answered, void *to)
{
    char rest[400];
    struct request *request = calloc(1, sizeof *request);
    int len = snprintf(rest, sizeof rest, "Host: %s\r\nContent-Length: %zu\r\n\r\n", poster->address, body.len);
    if (!request || !ct_demo_bytes_add(&request->bytes, head, strlen(head)) ||
        !ct_demo_bytes_add(&request->bytes, rest, (size_t)len) ||
        !ct_demo_bytes_add(&request->bytes, body.at, body.len)) {
        if (request) {
            free_request(request);
        }
        answered(to, 0, CT_SPAN_NONE);
        return;
    }
    request->answered = answered;
    request->to = to;
    poster->waiting++;
    put(poster, request);
    go_on(poster);
}

size_t ct_demo_poster_waiting(const struct ct_demo_poster *poster)
{
    return poster->waiting;
}
