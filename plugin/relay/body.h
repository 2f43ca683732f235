/* body.h - the body of one HTTP request or response, read as it goes by: collected, inflated, or cut into events. */
#ifndef CT_BODY_H
#define CT_BODY_H

#include "plugin/relay/events.h"
#include "plugin/relay/unpack.h"

/* What a head says of its body. */
struct ct_body_head {
    ct_span type;     /* Content-Type; empty = not said */
    ct_span encoding; /* Content-Encoding; empty = none */
    bool events_read; /* text/event-stream is read as events */
    bool bodies_read; /* other bodies are collected */
    size_t max;       /* bytes, inflated */
};

struct ct_body {
    struct ct_held held;
    struct ct_unpack *unpack;
    struct ct_events *events;
    size_t max;
    const char *problem; /* why it is left out; NULL = it is not. */
    bool wanted, other_type;
};

/* Whether and how it is read. A body that is not wanted takes no memory. */
void ct_body_begin(struct ct_body *body, const struct ct_body_head *head);
void ct_body_feed(struct ct_body *body, ct_span bytes, const struct ct_events_out *out);
/* The body is whole: *out is what it says, empty where it says nothing. Otherwise the reason why it is left out. */
const char *ct_body_end(struct ct_body *body, ct_span *out) CT_MUST_USE;
void ct_body_done(struct ct_body *body);

#endif
