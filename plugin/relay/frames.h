/* frames.h - one direction of a WebSocket connection (RFC 6455, permessage-deflate of RFC 7692), read as it goes by.
 *
 * Fed pieces of any size; says each whole data message. It never answers and never alters: what it cannot read it
 * names.
 */
#ifndef CT_FRAMES_H
#define CT_FRAMES_H

#include "plugin/relay/unpack.h"

struct ct_frames_options {
    bool masked;        /* frames of this direction must be: those of a client */
    bool deflate;       /* permessage-deflate was agreed on */
    bool takeover;      /* the window goes on from message to message */
    int window_bits;    /* 8..15 */
    size_t message_max; /* bytes of a message, inflated */
};

struct ct_frames_out {
    void *context;
    /* A whole message: text not yet checked, or binary. Borrowed until it returns. */
    void (*message)(void *context, bool text, ct_span bytes);
    void (*drop)(void *context, const char *reason); /* one message that is left out; reading goes on */
};

struct ct_frames {
    struct ct_frames_options options;
    struct ct_held held; /* of the message that is coming */
    struct ct_unpack *unpack;
    uint64_t left; /* payload bytes of this frame that are to come */
    unsigned char mask[4];
    unsigned char head[14];
    unsigned char head_len;
    unsigned char opcode;  /* of this frame */
    unsigned char message; /* opcode of the message that is coming; 0 = none */
    unsigned char turn;    /* which byte of the mask is next */
    bool final, in_payload, packed, skipped, closed;
};

void ct_frames_init(struct ct_frames *frames, const struct ct_frames_options *options);
void ct_frames_done(struct ct_frames *frames);
/* NULL = fine; else the constant reason why this direction cannot be read any further. */
const char *ct_frames_feed(struct ct_frames *frames, ct_span bytes, const struct ct_frames_out *out) CT_MUST_USE;
/* true where the direction ends in the middle of a message. */
bool ct_frames_cut(const struct ct_frames *frames);
/* A close frame has gone by. */
bool ct_frames_closed(const struct ct_frames *frames);
/* The connection is quiet: gives back what only the middle of a message needs. */
void ct_frames_rest(struct ct_frames *frames);

#endif
