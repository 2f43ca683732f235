/* gate_frame.h - WebSocket frames of a client, read out of the bytes as they come (RFC 6455), and the head of a frame
 * that is written. Stricter than the library's own reader, which lets unmasked frames pass. No I/O.
 */
#ifndef CT_GATE_FRAME_H
#define CT_GATE_FRAME_H

#include "engine/ct.h"

/* All zero to begin with. A message that comes whole is never copied. */
struct ct_wire_reader {
    char *partial; /* heap: an unfinished message's bytes, unmasked */
    size_t len, capacity;
    uint64_t frame_left; /* of the data frame that is being read */
    uint8_t mask[4];     /* turned to where that frame stands */
    bool in_frame, final, in_message, binary;
};

enum ct_wire_event {
    CT_WIRE_MORE,    /* no whole thing here: keep what was not consumed and offer it again with more behind it */
    CT_WIRE_MESSAGE, /* *payload, valid until the next call; reader->binary says which kind */
    CT_WIRE_PING,
    CT_WIRE_PONG,
    CT_WIRE_CLOSE, /* *code = the peer's (1005 = none) */
    CT_WIRE_BAD    /* *code = what to close with, *reason = the name it is counted by */
};

/* The next event in bytes[0, len), which are overwritten (unmasked). *consumed in any case. At most 200 bytes are ever
 * left unconsumed. CT_WIRE_BAD is final. */
enum ct_wire_event ct_wire_next(struct ct_wire_reader *reader, char *bytes, size_t len, size_t message_max,
                                size_t *consumed, ct_span *payload, int *code, const char **reason) CT_MUST_USE;
void ct_wire_done(struct ct_wire_reader *reader);

#define CT_WIRE_HEAD_MAX 10
enum ct_wire_opcode {
    CT_WIRE_TEXT = 1,
    CT_WIRE_BINARY = 2,
    CT_WIRE_OP_CLOSE = 8,
    CT_WIRE_OP_PING = 9,
    CT_WIRE_OP_PONG = 10
};
/* The head of an unfragmented, unmasked frame into `out`; returns its length. */
size_t ct_wire_head(enum ct_wire_opcode opcode, size_t len, unsigned char *out);

/* Well-formed UTF-8 (NUL allowed, as in WebSocket texts); quick where the text is mostly ASCII. */
bool ct_wire_text_valid(ct_span text) CT_MUST_USE;

#endif
