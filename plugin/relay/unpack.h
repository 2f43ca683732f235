/* unpack.h - deflate undone, a piece at a time, within limits: permessage-deflate (RFC 7692) and Content-Encoding.
 *
 * A connection that is quiet keeps only the part of the window that its next message can refer to, not zlib's state.
 */
#ifndef CT_UNPACK_H
#define CT_UNPACK_H

#include "plugin/relay/held.h"

/* What may come out of one message before we give up on it, times the message's own limit: behind a message that is
 * too long the window has to be kept up, and that is work that a stranger must not be able to order. */
#define CT_UNPACK_FLOOD 16

struct ct_unpack;
/* `window_bits` as zlib has it: -9..-15 raw, 15 + 32 zlib or gzip by its head. NULL: out of memory. */
struct ct_unpack *ct_unpack_new(int window_bits) CT_MUST_USE;
void ct_unpack_free(struct ct_unpack *unpack); /* may be NULL */
/* Adds what comes out of `in` to *out, at most `max` bytes. Where a message is longer, *out is emptied and what comes
 * out is thrown away until ct_unpack_begin; ct_unpack_over then says so. CT_REFUSED: not deflate, or a flood. */
enum ct_status ct_unpack_add(struct ct_unpack *unpack, ct_span in, struct ct_held *out, size_t max) CT_MUST_USE;
bool ct_unpack_over(const struct ct_unpack *unpack);
/* The stream has come to its end (of a Content-Encoding: more may follow only as another gzip member). */
bool ct_unpack_ended(const struct ct_unpack *unpack);
/* Before each message of permessage-deflate; without `takeover` the window is forgotten. */
enum ct_status ct_unpack_begin(struct ct_unpack *unpack, bool takeover) CT_MUST_USE;
/* After a message's last byte: the four bytes that its sender left out. */
enum ct_status ct_unpack_tail(struct ct_unpack *unpack, struct ct_held *out, size_t max) CT_MUST_USE;
/* Between messages: gives zlib's memory back, keeps the window. */
void ct_unpack_rest(struct ct_unpack *unpack);

#endif
