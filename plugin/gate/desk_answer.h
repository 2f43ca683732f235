/* desk_answer.h - the body of an answer, written in memory by a sink's writer and bounded. */
#ifndef CT_DESK_ANSWER_H
#define CT_DESK_ANSWER_H

#include "plugin/gate/gate.h"
#include "sinks/writer.h"

#define CT_ANSWER_BYTES_MAX ((size_t)64 << 20)

struct ct_answer {
    struct ct_out out;
    struct ct_writer json;
    char *bytes;
    size_t len, capacity, most;
    bool too_long;
};

/* Nothing is allocated yet. Not to be copied or moved afterwards. */
void ct_answer_begin(struct ct_answer *body, size_t most);
/* Everything is in bytes[0..len), NUL behind it. false = out of memory or over the maximum (too_long); bytes are freed.
 */
bool ct_answer_end(struct ct_answer *body) CT_MUST_USE;
/* Ends the body and gives it to the reply with 200; 500 or 422 where it has none. `type` constant. */
void ct_answer_reply(struct ct_answer *body, struct ct_reply *reply, const char *type);

/* Does the request's If-None-Match name this tag, by weak comparison? */
CT_MUST_USE bool ct_request_knows(const struct ct_request *request, const char *etag);

#define CT_TYPE_JSON "application/json"

#endif
