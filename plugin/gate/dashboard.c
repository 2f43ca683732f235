/* dashboard.c - the dashboard's files over HTTP; see dashboard.h. Called by desk.c. */
#include "plugin/gate/dashboard.h"

#include "plugin/gate/desk_answer.h"

#include <stdio.h>

/* Nothing but its own files and its own door, no inline script or style, and no text that a browser would read as
 * markup: what customers write reaches the page as text or not at all. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
                             "'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
                             "trusted-types 'none'";

static const struct ct_dashboard_file *find(const struct ct_request *request)
{
    bool root = ct_span_is(request->path, "/");
    for (size_t i = 0; i < ct_dashboard_file_count; i++) {
        const struct ct_dashboard_file *file = &ct_dashboard_files[i];
        bool index = strcmp(file->name, "index.html") == 0; /* its addresses are relative to the root */
        if (root ? index : !index && ct_span_is(request->rest, file->name)) {
            return file;
        }
    }
    return NULL;
}

void ct_dashboard_serve(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    (void)context;
    const struct ct_dashboard_file *file = find(request);
    if (!file) {
        ct_reply_error(reply, 404, "not_found", "the dashboard has no such file");
        return;
    }
    if (request->query.len) {
        ct_reply_error(reply, 400, "unknown_parameter", "the dashboard's files take no parameter");
        return;
    }
    if (ct_request_knows(request, file->etag)) {
        reply->status = 304;
    } else {
        struct ct_answer body;
        ct_answer_begin(&body, file->len);
        ct_out_span(&body.out, (ct_span){(const char *)file->bytes, file->len});
        ct_answer_reply(&body, reply, file->type);
        if (reply->status != 200) {
            return;
        }
    }
    reply->policy = policy;
    reply->kept = true;
    (void)snprintf(reply->etag, sizeof reply->etag, "%s", file->etag);
}
