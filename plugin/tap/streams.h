/* streams.h - how far each numbered stream has been taken: what makes a resent message one message. Not thread-safe:
 * the tap's lock guards it.
 */
#ifndef CT_STREAMS_H
#define CT_STREAMS_H

#include "engine/ct.h"

#define CT_STREAMS_MAX 1000000

struct ct_stream {
    uint64_t next; /* sequence that comes next; 1 at first */
    uint64_t end;  /* tape position behind the newest entry */
    uint8_t source_len, stream_len;
    char names[]; /* source, then stream */
};

struct ct_streams;
struct ct_streams *ct_streams_new(void) CT_MUST_USE;
void ct_streams_free(struct ct_streams *streams);
/* NULL = not known. */
struct ct_stream *ct_streams_find(struct ct_streams *streams, ct_span source, ct_span stream);
/* Found or made. NULL = out of memory, or CT_STREAMS_MAX of them stand already. Names have at most 255 bytes. */
struct ct_stream *ct_streams_at(struct ct_streams *streams, ct_span source, ct_span stream) CT_MUST_USE;
size_t ct_streams_count(const struct ct_streams *streams);
/* In the order in which they were first seen; index < count. */
const struct ct_stream *ct_streams_get(const struct ct_streams *streams, size_t index);

#endif
