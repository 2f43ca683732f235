/* frames.c - one direction of a WebSocket connection, read as it goes by (frames.h). Called by eyes.c. */
#include "plugin/relay/frames.h"

#include <stdlib.h>

enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

static const char BAD_FRAME[] = "relay_bad_frame";
static const char TOO_LONG[] = "relay_too_long";
static const char BAD_DEFLATE[] = "relay_bad_deflate";
static const char NO_MEMORY[] = "relay_no_memory";

void ct_frames_init(struct ct_frames *frames, const struct ct_frames_options *options)
{
    *frames = (struct ct_frames){.options = *options};
}

void ct_frames_done(struct ct_frames *frames)
{
    ct_held_done(&frames->held);
    ct_unpack_free(frames->unpack);
    frames->unpack = NULL;
}

bool ct_frames_cut(const struct ct_frames *frames)
{
    return frames->message != 0 || frames->in_payload || frames->head_len > 0;
}

bool ct_frames_closed(const struct ct_frames *frames)
{
    return frames->closed;
}

void ct_frames_rest(struct ct_frames *frames)
{
    if (frames->unpack && frames->message == 0) {
        ct_unpack_rest(frames->unpack);
    }
}

/* How many bytes the head has, by its first two. */
static unsigned head_size(const unsigned char *head)
{
    unsigned length = head[1] & 127u;
    return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (head[1] & 128u ? 4u : 0u);
}

static void unmask(char *to, const char *from, size_t len, const unsigned char mask[4], unsigned turn)
{
    unsigned char turned[8];
    for (unsigned i = 0; i < 8; i++) {
        turned[i] = mask[(turn + i) & 3];
    }
    uint64_t key, word;
    memcpy(&key, turned, 8);
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= key;
        memcpy(to + i, &word, 8);
    }
    for (; i < len; i++) {
        to[i] = (char)((unsigned char)from[i] ^ turned[i & 7]);
    }
}

static bool masked(const struct ct_frames *frames)
{
    return (frames->head[1] & 128u) != 0;
}

/* The first frame of a message. */
static const char *begin_message(struct ct_frames *frames, bool packed)
{
    frames->message = frames->opcode;
    frames->packed = packed;
    frames->skipped = false;
    if (!packed) {
        return NULL;
    }
    if (frames->unpack == NULL) {
        /* A window of 8 bits is one of 9 to zlib's own deflate: accept what it sends. */
        int bits = frames->options.window_bits < 9 ? 9 : frames->options.window_bits;
        frames->unpack = ct_unpack_new(-bits);
        if (frames->unpack == NULL) {
            return NO_MEMORY;
        }
    }
    return ct_unpack_begin(frames->unpack, frames->options.takeover) == CT_OK ? NULL : BAD_DEFLATE;
}

static void skip(struct ct_frames *frames, const char *reason, const struct ct_frames_out *out)
{
    if (!frames->skipped) {
        frames->skipped = true;
        ct_held_done(&frames->held);
        out->drop(out->context, reason);
    }
}

/* The head has come whole. */
static const char *begin_frame(struct ct_frames *frames, const struct ct_frames_out *out)
{
    const unsigned char *head = frames->head;
    bool packed = (head[0] & 64u) != 0;
    frames->final = (head[0] & 128u) != 0;
    frames->opcode = head[0] & 15u;
    frames->turn = 0;
    frames->left = head[1] & 127u;
    unsigned wide = frames->left == 126 ? 2 : frames->left == 127 ? 8 : 0;
    if (wide > 0) {
        frames->left = 0;
        for (unsigned i = 0; i < wide; i++) {
            frames->left = frames->left << 8 | head[2 + i];
        }
    }
    if (masked(frames)) {
        memcpy(frames->mask, head + 2 + wide, 4);
    }
    if ((head[0] & 48u) != 0 || masked(frames) != frames->options.masked || frames->left >> 63 != 0) {
        return BAD_FRAME;
    }
    if (frames->opcode >= CLOSE) {
        return frames->opcode <= PONG && frames->final && wide == 0 && !packed ? NULL : BAD_FRAME;
    }
    const char *bad = NULL;
    if (frames->opcode == CONTINUATION) {
        bad = frames->message == 0 || packed ? BAD_FRAME : NULL;
    } else if (frames->opcode > BINARY || frames->message != 0 || (packed && !frames->options.deflate)) {
        bad = BAD_FRAME;
    } else {
        bad = begin_message(frames, packed);
    }
    if (bad == NULL && !frames->packed &&
        (frames->left > frames->options.message_max || frames->held.len > frames->options.message_max - frames->left)) {
        skip(frames, TOO_LONG, out);
    }
    return bad;
}

/* Payload of a data frame into what is held. */
static const char *keep(struct ct_frames *frames, ct_span piece, const struct ct_frames_out *out)
{
    char plain[4096];
    size_t max = frames->options.message_max;
    if (!frames->packed) {
        if (frames->skipped || piece.len == 0) {
            return NULL;
        }
        if (frames->left == piece.len && frames->held.len == 0 && frames->final) {
            max = piece.len; /* no more is coming */
        }
        enum ct_status status = ct_held_reserve(&frames->held, piece.len, max);
        if (status != CT_OK) {
            skip(frames, status == CT_LIMIT ? TOO_LONG : NO_MEMORY, out);
            return NULL;
        }
        if (masked(frames)) {
            unmask(frames->held.at + frames->held.len, piece.at, piece.len, frames->mask, frames->turn);
        } else {
            memcpy(frames->held.at + frames->held.len, piece.at, piece.len);
        }
        frames->held.len += piece.len;
        return NULL;
    }
    for (size_t i = 0; i < piece.len;) {
        ct_span part = {piece.at + i, piece.len - i};
        if (masked(frames)) {
            part.len = part.len < sizeof plain ? part.len : sizeof plain;
            unmask(plain, piece.at + i, part.len, frames->mask, (unsigned)((frames->turn + i) & 3));
            part.at = plain;
        }
        enum ct_status status = ct_unpack_add(frames->unpack, part, &frames->held, max);
        if (status != CT_OK) {
            return status == CT_NO_MEMORY ? NO_MEMORY : BAD_DEFLATE;
        }
        i += part.len;
    }
    return NULL;
}

static const char *end_message(struct ct_frames *frames, ct_span whole, const struct ct_frames_out *out)
{
    const char *bad = NULL;
    if (frames->packed) {
        enum ct_status status = ct_unpack_tail(frames->unpack, &frames->held, frames->options.message_max);
        bad = status == CT_OK ? NULL : status == CT_NO_MEMORY ? NO_MEMORY : BAD_DEFLATE;
        if (bad == NULL && ct_unpack_over(frames->unpack)) {
            skip(frames, TOO_LONG, out);
        }
    }
    if (bad == NULL && !frames->skipped) {
        out->message(out->context, frames->message == TEXT, whole.at ? whole : ct_held_span(&frames->held));
    }
    ct_held_done(&frames->held);
    frames->message = 0;
    return bad;
}

/* `piece` is what of this frame's payload has come now. */
static const char *payload(struct ct_frames *frames, ct_span piece, const struct ct_frames_out *out)
{
    const char *bad = NULL;
    ct_span whole = CT_SPAN_NONE;
    bool data = frames->opcode < CLOSE;
    if (data) {
        /* A message in one frame, in one piece, plain: read where it lies. */
        if (!masked(frames) && !frames->packed && !frames->skipped && frames->opcode != CONTINUATION && frames->final &&
            frames->left == piece.len && frames->held.len == 0 && piece.len > 0) {
            whole = piece;
        } else {
            bad = keep(frames, piece, out);
        }
    }
    frames->turn = (unsigned char)((frames->turn + piece.len) & 3);
    frames->left -= piece.len;
    if (bad || frames->left > 0) {
        return bad;
    }
    frames->in_payload = false;
    frames->head_len = 0;
    if (data && frames->final) {
        return end_message(frames, whole, out);
    }
    frames->closed = frames->closed || frames->opcode == CLOSE;
    return NULL;
}

const char *ct_frames_feed(struct ct_frames *frames, ct_span bytes, const struct ct_frames_out *out)
{
    size_t i = 0;
    while (i < bytes.len || (frames->in_payload && frames->left == 0)) {
        if (frames->closed) {
            return NULL; /* nothing that means anything comes behind a close frame */
        }
        const char *bad = NULL;
        unsigned char before = 0; /* the message that a bad frame cuts; one that is itself bad is counted as that */
        if (!frames->in_payload) {
            while (i < bytes.len && (frames->head_len < 2 || frames->head_len < head_size(frames->head))) {
                frames->head[frames->head_len++] = (unsigned char)bytes.at[i++];
            }
            if (frames->head_len < 2 || frames->head_len < head_size(frames->head)) {
                return NULL;
            }
            before = frames->message;
            bad = begin_frame(frames, out);
            frames->in_payload = true;
        } else {
            size_t come = bytes.len - i;
            size_t len = frames->left < come ? (size_t)frames->left : come;
            bad = payload(frames, (ct_span){bytes.at + i, len}, out);
            i += len;
        }
        if (bad) {
            frames->message = before;
            frames->in_payload = false;
            frames->head_len = 0;
            return bad;
        }
    }
    return NULL;
}
