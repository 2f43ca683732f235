/* forward.h - passes a webhook's request on to the real receiver and its answer back, on the gate's thread, over
 * libwebsockets' client. */
#ifndef CT_FORWARD_H
#define CT_FORWARD_H

#include "plugin/gate/gate_inside.h"

struct ct_forward;
/* "http://host[:port]/path" or https. NULL: *err says why (CT_BAD_CONFIG). `authority`: PEM file, NULL = the system's.
 */
struct ct_forward *ct_forward_new(const char *url, const char *authority, ct_usec patience,
                                  void (*drop)(void *context, const char *reason, uint64_t count), void *drop_context,
                                  struct ct_error *err) CT_MUST_USE;
/* The gates it was used by have stopped. */
void ct_forward_free(struct ct_forward *forward);
/* Sends the request's body and headers on. The answer is the receiver's status and body once `after_position` is
 * committed; 502 where it cannot be reached, 504 where it does not answer. Fills *reply itself where it cannot begin.
 */
void ct_forward_request(struct ct_forward *forward, const struct ct_request *request, uint64_t after_position,
                        struct ct_reply *reply);

#endif
