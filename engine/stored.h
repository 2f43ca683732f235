/* stored.h - a message as flat memory, to wait until its conversation is complete: in a spill or among the open ones.
 */
#ifndef CT_STORED_H
#define CT_STORED_H

#include "engine/ct.h"

/* Where a message stands in the whole input: what orders messages that have no time. */
struct ct_place {
    uint64_t offset; /* of its record in the input */
    uint32_t input;  /* rank of the input */
    uint32_t index;  /* within the record */
};

struct ct_stored {
    uint32_t bytes;
    uint32_t input, index;
    uint32_t flags;
    uint64_t offset;
    uint64_t conversation_hash; /* tenant and conversation id: the grouping key */
    ct_usec ts;
    /* then, as flags say: a cost, three token counts, two scale bounds, tool calls, texts */
};

/* Bytes the message takes; 0 = more than 4 GiB. */
uint32_t ct_stored_bytes(const struct ct_message *message);
/* `at` has ct_stored_bytes(message) bytes. */
void ct_stored_write(void *at, uint32_t bytes, const struct ct_message *message, const struct ct_place *place);
uint32_t ct_stored_call_count(const struct ct_stored *stored);
/* Fills *message with spans into the stored bytes; tool calls go to `calls`, which has room for that many. Arguments of
 * tool calls are not kept: no rule looks at them. */
void ct_stored_read(const struct ct_stored *stored, struct ct_message *message, struct ct_tool_call *calls);
/* The role, and the event, without reading the whole. */
enum ct_role ct_stored_role(const struct ct_stored *stored);
enum ct_event_type ct_stored_event(const struct ct_stored *stored);
uint64_t ct_conversation_key(const struct ct_message *message);

#endif
