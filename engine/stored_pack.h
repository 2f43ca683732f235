/* stored_pack.h - a message as few bytes, without what its conversation says already: how messages wait while their
 * conversation is open. Unpacked it is what ct_stored_write takes. In-process only.
 */
#ifndef CT_STORED_PACK_H
#define CT_STORED_PACK_H

#include "engine/ct.h"

/* Said once a conversation. The first two are the same in all its messages. */
struct ct_stored_same {
    ct_span tenant, conversation_id;
    ct_span user_id, channel, language, bot;
};

/* The most that packing `message` can take. */
size_t ct_stored_pack_most(const struct ct_message *message);
/* `at` has that many bytes. *before = time of the message packed before it (any to begin with), then this one's.
 * *text_bytes += the bytes of texts and names. Returns how many bytes it took. Arguments of tool calls are not kept. */
size_t ct_stored_pack(char *at, const struct ct_message *message, const struct ct_stored_same *same, ct_usec *before,
                      size_t *text_bytes);
/* Fills *message with spans into what was packed and into `same`. Of tool calls it has the count; *packed_calls is
 * where they are. Returns how many bytes it took. */
size_t ct_stored_unpack(const char *at, struct ct_message *message, const struct ct_stored_same *same, ct_usec *before,
                        const char **packed_calls);
/* Those of one message; returns where they end. */
const char *ct_stored_unpack_calls(const char *packed_calls, size_t count, struct ct_tool_call *calls);

/* A length and its bytes; the building stone of the above, also for what is the same. */
char *ct_stored_put_span(char *at, ct_span span);
const char *ct_stored_get_span(const char *at, ct_span *span);
enum { CT_STORED_SPAN_EXTRA = 10 }; /* the most that a length takes */

#endif
