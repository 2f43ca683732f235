/* delivery.h - what a platform says of the business's messages after they were sent: did they arrive, what are they
 * charged as. Called by sessions.c, which lays it upon a conversation's messages before these are judged.
 *
 * A delivery is a message with an event of that type; `id` names the message that it speaks of, event.name is the
 * status, event.value "true" or "false" where it says whether that is billable, `category` what it is charged as. They
 * come late, out of order, more than once, before their message: what they add up to depends on neither.
 *   arrived   "delivered", "read" or "played" was said
 *   failed    "failed" was said, and it did not arrive
 *   category, billable   the last word by the platform's own time, each for itself; of one time that of the later
 * status "accepted" is the platform's answer to a request: it gives its id to the newest message before it, of the
 * business and in the same input, that has none.
 */
#ifndef CT_DELIVERY_H
#define CT_DELIVERY_H

#include "engine/stored.h"

struct ct_delivery;       /* of one message */
struct ct_delivery_named; /* a message and the id that it was given */

/* Those of one conversation. All zero to begin with; kept from one to the next. */
struct ct_deliveries {
    struct ct_delivery *all;
    uint32_t *slots; /* open addressing: index in `all` + 1; 0 = free */
    struct ct_delivery_named *named;
    const struct ct_stored **nameless;
    size_t count, capacity, slot_count;
    size_t named_count, named_capacity, nameless_count, nameless_capacity;
    uint32_t input; /* that the nameless ones are of */
};

void ct_deliveries_done(struct ct_deliveries *deliveries);
void ct_deliveries_begin(struct ct_deliveries *deliveries);
/* Each message of the conversation, in order of its place, deliveries among them. Spans of *message are kept until the
 * next begin. false = out of memory. */
CT_MUST_USE bool ct_deliveries_note(struct ct_deliveries *deliveries, const struct ct_stored *stored,
                                    const struct ct_message *message);
/* When all were noted, and before the first is told of. */
void ct_deliveries_settle(struct ct_deliveries *deliveries);
/* Gives the business's message its id, category, billing, and whether it arrived, as far as they were said. */
void ct_deliveries_tell(struct ct_deliveries *deliveries, const struct ct_stored *stored, struct ct_message *message);
/* When all messages were told of. *unmatched = messages that were spoken of and are not here. true = of one that is
 * here it is not known whether it arrived. */
bool ct_deliveries_end(const struct ct_deliveries *deliveries, uint64_t *unmatched);
/* Does it say something that can come before its message? What was read was sent long ago. */
bool ct_delivery_is_early(const struct ct_message *delivery);

#endif
