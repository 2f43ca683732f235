/* forward.h - passes a webhook's request on to the real receiver and its answer back, on the gate's thread, over
 * libwebsockets' client; and posts what is ours (courier.h). */
#ifndef CT_FORWARD_H
#define CT_FORWARD_H

#include "plugin/gate/gate_inside.h"

struct ct_forward;
/* "http://host[:port]/path" or https. NULL: *err says why (CT_BAD_CONFIG). `authority`: PEM file, NULL = the system's.
 */
struct ct_forward *ct_forward_new(const char *url, const char *authority, ct_usec patience,
                                  void (*drop)(void *context, const char *reason, uint64_t count), void *drop_context,
                                  struct ct_error *err) CT_MUST_USE;
/* Lets go of what it made in a context that goes on; nothing is on its way. On the context's thread. */
void ct_forward_retire(struct ct_forward *forward);
/* The gates it was used by have stopped, or it was retired. */
void ct_forward_free(struct ct_forward *forward);
/* Sends the request's body and headers on. The answer is the receiver's status and body once `after_position` is
 * committed; 502 where it cannot be reached, 504 where it does not answer. Fills *reply itself where it cannot begin.
 */
void ct_forward_request(struct ct_forward *forward, const struct ct_request *request, uint64_t after_position,
                        struct ct_reply *reply);
/* Posts `body` with `headers` ("name:", NUL, value, NUL, ... and one NUL more; copied, as the body is) on a loop and
 * context that the caller runs. done is called once, from the loop or at once: the receiver's status, or 0 and why
 * there is none
 * ("forward_timeout", "forward_unreachable" ...; constant). false = out of memory, done is not called. */
CT_MUST_USE bool ct_forward_post(struct ct_forward *forward, struct lws_context *context, struct uv_loop_s *loop,
                                 const char *headers, ct_span body,
                                 void (*done)(void *context, int status, const char *reason), void *done_context);

#endif
