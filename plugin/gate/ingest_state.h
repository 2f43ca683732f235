/* ingest_state.h - what ingest.c and ingest_post.c share. */
#ifndef CT_INGEST_STATE_H
#define CT_INGEST_STATE_H

#include "plugin/gate/ingest.h"

struct ct_ingest {
    struct ct_ingest_options options;
    struct ct_ingest_session **buckets; /* sessions with a named stream: by source and stream */
    size_t bucket_count, session_count;
    uint64_t unnamed; /* sessions without a stream so far: part of what they are called */
    struct ct_gate_protocol protocol;
    struct ct_route route;
};

/* "webchat", "convtap.v1": 1 to 255 bytes of UTF-8 without control characters. */
bool ingest_is_name(ct_span name) CT_MUST_USE;
bool ingest_known(const struct ct_ingest *ingest, ct_span source) CT_MUST_USE;
void ingest_drop(const struct ct_ingest *ingest, const char *reason);
void ingest_post(void *context, const struct ct_request *request, struct ct_reply *reply);

#endif
