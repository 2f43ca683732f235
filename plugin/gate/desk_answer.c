/* desk_answer.c - an answer in memory; see desk_answer.h. Called by every route of the desk. */
#include "plugin/gate/desk_answer.h"

#include <stdlib.h>

static bool keep(void *context, const char *bytes, size_t len)
{
    struct ct_answer *body = context;
    if (len > body->most - body->len) {
        body->too_long = true;
        return false;
    }
    if (body->capacity - body->len <= len) { /* one more for the NUL */
        size_t capacity = body->capacity ? body->capacity * 2 : 16384;
        while (capacity - body->len <= len) {
            capacity *= 2;
        }
        char *more = realloc(body->bytes, capacity);
        if (!more) {
            return false;
        }
        body->bytes = more;
        body->capacity = capacity;
    }
    memcpy(body->bytes + body->len, bytes, len);
    body->len += len;
    body->bytes[body->len] = '\0';
    return true;
}

void ct_answer_begin(struct ct_answer *body, size_t most)
{
    body->bytes = NULL;
    body->len = body->capacity = 0;
    body->most = most;
    body->too_long = false;
    ct_out_init(&body->out, keep, body);
    ct_writer_init(&body->json, &body->out);
}

bool ct_answer_end(struct ct_answer *body)
{
    if (ct_out_done(&body->out) == CT_OK && body->bytes) {
        return true;
    }
    free(body->bytes);
    body->bytes = NULL;
    body->len = 0;
    return false;
}

void ct_answer_reply(struct ct_answer *body, struct ct_reply *reply, const char *type)
{
    if (ct_answer_end(body)) {
        reply->status = 200;
        reply->type = type;
        reply->body = body->bytes;
        reply->len = body->len;
    } else if (body->too_long) {
        ct_reply_error(reply, 422, "answer_too_large", "the answer would have more than %zu bytes; ask for less",
                       body->most);
    } else {
        ct_reply_error(reply, 500, "out_of_memory", "out of memory");
    }
}

bool ct_request_knows(const struct ct_request *request, const char *etag)
{
    char scratch[512];
    ct_span known = ct_request_header(request, "if-none-match", scratch, sizeof scratch);
    const char *strong = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
    return known.len && memmem(known.at, known.len, strong, strlen(strong));
}
