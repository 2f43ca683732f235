/* relay_cases.h - conversations over HTTP, WebSocket and server-sent events as they look on the wire, and what a reader
 * must make of them. The same cases run through the readers alone (relay_eyes.c), through a relay between real sockets
 * (relay_corpus.c), and seed the fuzzer.
 */
#ifndef CT_RELAY_CASES_H
#define CT_RELAY_CASES_H

#include "engine/ct.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

struct wire_bytes {
    char *at;
    size_t len, room;
};
struct wire_step {
    bool client, end; /* who sends; end: who sends no more */
    size_t at, len;   /* in the case's bytes */
};
struct wire_said {
    bool client;
    char target[64];
    size_t at, len; /* in the case's texts */
};
#define WIRE_STEPS 64
struct wire_case {
    char name[96];
    bool egress;        /* the client is the bot */
    size_t message_max; /* 0 = 20 MiB */
    struct wire_bytes bytes, texts;
    struct wire_step steps[WIRE_STEPS];
    struct wire_said said[WIRE_STEPS];
    const char *drops[WIRE_STEPS];
    unsigned step_count, said_count, drop_count;
    z_stream pack[2]; /* the client's, the gateway's deflate */
    bool packing[2];
    const char *target;
};
typedef void wire_run(const struct wire_case *one, void *context);

/* ---- building ---------------------------------------------------------------------------- */

static inline void wire_add(struct wire_bytes *bytes, const void *at, size_t len)
{
    if (bytes->len + len + 1 > bytes->room) {
        bytes->room = (bytes->len + len + 1) * 2;
        bytes->at = realloc(bytes->at, bytes->room);
        if (bytes->at == NULL)
            abort();
    }
    if (len > 0)
        memcpy(bytes->at + bytes->len, at, len);
    bytes->len += len;
    bytes->at[bytes->len] = '\0';
}

static inline void wire_send(struct wire_case *one, bool client, const void *at, size_t len)
{
    if (one->step_count == WIRE_STEPS)
        abort();
    one->steps[one->step_count++] = (struct wire_step){client, false, one->bytes.len, len};
    wire_add(&one->bytes, at, len);
}
static inline void wire_end(struct wire_case *one, bool client)
{
    one->steps[one->step_count++] = (struct wire_step){client, true, one->bytes.len, 0};
}
static inline void wire_c(struct wire_case *one, const char *text)
{
    wire_send(one, true, text, strlen(text));
}
static inline void wire_g(struct wire_case *one, const char *text)
{
    wire_send(one, false, text, strlen(text));
}
static inline void wire_says(struct wire_case *one, bool client, const void *at, size_t len)
{
    struct wire_said *said = &one->said[one->said_count++];
    *said = (struct wire_said){.client = client, .at = one->texts.len, .len = len};
    snprintf(said->target, sizeof said->target, "%s", one->target);
    wire_add(&one->texts, at, len);
}
static inline void wire_said_text(struct wire_case *one, bool client, const char *text)
{
    wire_says(one, client, text, strlen(text));
}
static inline void wire_drop(struct wire_case *one, const char *name)
{
    one->drops[one->drop_count++] = name;
}

/* A frame: `first` is FIN, RSV and opcode. */
static inline void wire_frame(struct wire_case *one, bool client, unsigned first, const void *payload, size_t len)
{
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    unsigned char head[14];
    size_t n = 0;
    struct wire_bytes frame = {0};
    head[n++] = (unsigned char)first;
    if (len < 126) {
        head[n++] = (unsigned char)len;
    } else if (len < 65536) {
        head[n++] = 126;
        head[n++] = (unsigned char)(len >> 8);
        head[n++] = (unsigned char)len;
    } else {
        head[n++] = 127;
        for (int i = 7; i >= 0; i--)
            head[n++] = (unsigned char)((uint64_t)len >> (8 * i));
    }
    if (client) {
        head[1] |= 128;
        memcpy(head + n, mask, 4);
        n += 4;
    }
    wire_add(&frame, head, n);
    wire_add(&frame, payload, len);
    for (size_t i = 0; client && i < len; i++)
        frame.at[n + i] = (char)((unsigned char)frame.at[n + i] ^ mask[i & 3]);
    wire_send(one, client, frame.at, frame.len);
    free(frame.at);
}

/* permessage-deflate's payload of a message. */
static inline struct wire_bytes wire_packed(struct wire_case *one, bool client, const void *at, size_t len,
                                            bool takeover, int bits)
{
    z_stream *z = &one->pack[client ? 0 : 1];
    struct wire_bytes out = {0};
    if (!one->packing[client ? 0 : 1]) {
        if (deflateInit2(z, 6, Z_DEFLATED, -(bits < 9 ? 9 : bits), 8, Z_DEFAULT_STRATEGY) != Z_OK)
            abort();
        one->packing[client ? 0 : 1] = true;
    } else if (!takeover) {
        deflateReset(z);
    }
    z->next_in = (Bytef *)(uintptr_t)at;
    z->avail_in = (uInt)len;
    do {
        char chunk[16384];
        z->next_out = (Bytef *)chunk;
        z->avail_out = sizeof chunk;
        deflate(z, Z_SYNC_FLUSH);
        wire_add(&out, chunk, sizeof chunk - z->avail_out);
    } while (z->avail_out == 0);
    if (out.len < 4) { /* nothing new to flush: RFC 7692 7.2.3.6 */
        out.len = 0;
        wire_add(&out, "\0", 1);
    } else {
        out.len -= 4; /* 00 00 ff ff */
    }
    return out;
}

/* A text of exactly `len` bytes of UTF-8 that deflate can make smaller, but not too much. */
static inline struct wire_bytes wire_text(size_t len)
{
    struct wire_bytes text = {0};
    char words[64];
    for (unsigned i = 0; text.len < len; i++) {
        int n = snprintf(words, sizeof words, "¿Dónde está mi pedido %u? ", i * 7919u % 100003u);
        wire_add(&text, words, (size_t)n < len - text.len ? (size_t)n : 0);
        while (text.len < len && len - text.len <= (size_t)n)
            wire_add(&text, "x", 1);
    }
    return text;
}

#define WIRE_UPGRADE                                                                                                   \
    "GET /ws?token=secret HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"      \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                                     \
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
#define WIRE_SWITCH                                                                                                    \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                                \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static inline void wire_upgrade(struct wire_case *one, const char *extensions)
{
    char answer[512];
    wire_c(one, WIRE_UPGRADE);
    snprintf(answer, sizeof answer, "%s%s%s%s\r\n", WIRE_SWITCH, extensions ? "Sec-WebSocket-Extensions: " : "",
             extensions ? extensions : "", extensions ? "\r\n" : "");
    wire_g(one, answer);
    one->target = "GET /ws";
}

static inline void wire_done(struct wire_case *one, wire_run *run, void *context)
{
    run(one, context);
    for (int i = 0; i < 2; i++) {
        if (one->packing[i])
            deflateEnd(&one->pack[i]);
    }
    free(one->bytes.at);
    free(one->texts.at);
    free(one);
}

CT_PRINTF(1, 2) static inline struct wire_case *wire_new(const char *format, ...)
{
    struct wire_case *one = calloc(1, sizeof *one);
    if (one == NULL)
        abort();
    va_list args;
    va_start(args, format);
    vsnprintf(one->name, sizeof one->name, format, args);
    va_end(args);
    one->target = "";
    wire_add(&one->bytes, "", 0);
    wire_add(&one->texts, "", 0);
    return one;
}

/* ---- WebSocket --------------------------------------------------------------------------- */

enum {
    WIRE_FIN = 0x80,
    WIRE_RSV1 = 0x40,
    WIRE_TEXT = 1,
    WIRE_BINARY = 2,
    WIRE_CLOSE = 8,
    WIRE_PING = 9,
    WIRE_PONG = 10
};

static inline void wire_message(struct wire_case *one, bool client, const char *text)
{
    wire_frame(one, client, WIRE_FIN | WIRE_TEXT, text, strlen(text));
    wire_said_text(one, client, text);
}

static inline void wire_close_both(struct wire_case *one)
{
    wire_frame(one, true, WIRE_FIN | WIRE_CLOSE, "\x03\xe8", 2);
    wire_frame(one, false, WIRE_FIN | WIRE_CLOSE, "\x03\xe8", 2);
}

static inline void wire_packed_message(struct wire_case *one, bool client, const char *at, size_t len, bool takeover,
                                       int bits, unsigned frames)
{
    struct wire_bytes packed = wire_packed(one, client, at, len, takeover, bits);
    size_t from = 0;
    for (unsigned i = 0; i < frames; i++) {
        size_t to = packed.len * (i + 1) / frames;
        unsigned first = (i == 0 ? WIRE_RSV1 | WIRE_TEXT : 0u) | (i + 1 == frames ? WIRE_FIN : 0u);
        wire_frame(one, client, first, packed.at + from, to - from);
        from = to;
    }
    free(packed.at);
    if (len > 0)
        wire_says(one, client, at, len);
    else
        wire_drop(one, "relay_empty");
}

/* Every size that changes the frame's head, both ways, plain and packed. */
static inline void wire_sizes(wire_run *run, void *context, bool huge)
{
    static const size_t sizes[] = {0, 1, 2, 125, 126, 127, 1000, 65535, 65536, 70000, 1 << 20, 16 << 20};
    static const char *const kinds[] = {"plain", "takeover", "no takeover"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int kind = 0; kind < 3; kind++) {
            for (int client = 0; client < 2; client++) {
                if (sizes[i] > 100000 && !huge)
                    continue;
                struct wire_case *one =
                    wire_new("size %zu, %s, from the %s", sizes[i], kinds[kind], client ? "client" : "gateway");
                struct wire_bytes text = wire_text(sizes[i]);
                wire_upgrade(one, kind == 0 ? NULL
                                  : kind == 1
                                      ? "permessage-deflate"
                                      : "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
                for (int twice = 0; twice < (sizes[i] > (1 << 20) ? 1 : 2); twice++) {
                    if (kind > 0) {
                        wire_packed_message(one, client, text.at ? text.at : "", text.len, kind == 1, 15, 1);
                        continue;
                    }
                    wire_frame(one, client, WIRE_FIN | WIRE_TEXT, text.at, text.len);
                    if (text.len > 0)
                        wire_says(one, client, text.at, text.len);
                    else
                        wire_drop(one, "relay_empty");
                }
                wire_message(one, !client, "{\"text\":\"vale\"}");
                wire_close_both(one);
                free(text.at);
                wire_done(one, run, context);
            }
        }
    }
}

static inline void wire_closes(wire_run *run, void *context)
{
    static const unsigned codes[] = {1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                                     1014, 1015, 1016, 1100, 2999, 3000, 3999, 4000, 4999, 5000, 0,    999,  65535};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        for (int client = 0; client < 2; client++) {
            struct wire_case *one = wire_new("close %u by the %s", codes[i], client ? "client" : "gateway");
            char payload[125] = {(char)(codes[i] >> 8), (char)codes[i]};
            int reason = snprintf(payload + 2, sizeof payload - 2, "%s",
                                  i % 3 == 0   ? ""
                                  : i % 3 == 1 ? "adiós"
                                               : "bye");
            wire_upgrade(one, NULL);
            wire_message(one, true, "hola");
            wire_frame(one, client, WIRE_FIN | WIRE_CLOSE, payload, 2 + (size_t)reason);
            wire_frame(one, !client, WIRE_FIN | WIRE_CLOSE, payload, 2);
            wire_done(one, run, context);
        }
    }
    struct wire_case *one = wire_new("close without a body");
    wire_upgrade(one, NULL);
    wire_frame(one, false, WIRE_FIN | WIRE_CLOSE, "", 0);
    wire_message(one, true, "one more from the other side");
    wire_frame(one, true, WIRE_FIN | WIRE_CLOSE, "", 0);
    wire_done(one, run, context);
    one = wire_new("close with a body of one byte, then nothing");
    wire_upgrade(one, NULL);
    wire_frame(one, true, WIRE_FIN | WIRE_CLOSE, "\x03", 1);
    wire_end(one, true);
    wire_done(one, run, context);
    one = wire_new("bytes behind the close frame");
    wire_upgrade(one, NULL);
    wire_frame(one, true, WIRE_FIN | WIRE_CLOSE, "\x03\xe8", 2);
    wire_frame(one, true, WIRE_FIN | WIRE_TEXT, "not heard", 9);
    wire_c(one, "\xff\xff garbage");
    wire_message(one, false, "still heard");
    wire_frame(one, false, WIRE_FIN | WIRE_CLOSE, "\x03\xe8", 2);
    wire_done(one, run, context);
}

/* `text` in `count` frames, with control frames after each but the last where `control`. */
static inline void wire_fragments(struct wire_case *one, bool client, const char *text, unsigned count,
                                  unsigned control)
{
    size_t len = strlen(text), from = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t to = len * (i + 1) / count;
        wire_frame(one, client, (i == 0 ? WIRE_TEXT : 0u) | (i + 1 == count ? WIRE_FIN : 0u), text + from, to - from);
        from = to;
        if (control && i + 1 < count)
            wire_frame(one, client, WIRE_FIN | control, "ping", i % 2 ? 4 : 0);
    }
    wire_said_text(one, client, text);
}

static inline void wire_fragmented(wire_run *run, void *context)
{
    static const char text[] = "{\"text\":\"¿Me pasas con una persona, por favor? ñandú\"}";
    for (unsigned count = 1; count <= 8; count++) {
        for (int client = 0; client < 2; client++) {
            struct wire_case *one = wire_new("%u fragments from the %s", count, client ? "client" : "gateway");
            wire_upgrade(one, NULL);
            wire_fragments(one, client, text, count, 0);
            wire_fragments(one, client, text, count, count % 2 ? WIRE_PING : WIRE_PONG);
            wire_close_both(one);
            wire_done(one, run, context);
        }
    }
    for (unsigned count = 1; count <= 6; count++) {
        for (int takeover = 0; takeover < 2; takeover++) {
            struct wire_case *one = wire_new("%u packed fragments, takeover %d", count, takeover);
            wire_upgrade(one, takeover ? "permessage-deflate"
                                       : "permessage-deflate; client_no_context_takeover; server_no_context_takeover");
            for (int twice = 0; twice < 2; twice++) {
                wire_packed_message(one, true, text, strlen(text), takeover, 15, count);
                wire_packed_message(one, false, text, strlen(text), takeover, 15, count);
            }
            wire_close_both(one);
            wire_done(one, run, context);
        }
    }
    struct wire_case *one = wire_new("empty fragments first, between and last");
    wire_upgrade(one, NULL);
    wire_frame(one, true, WIRE_TEXT, "", 0);
    wire_frame(one, true, 0, "ho", 2);
    wire_frame(one, true, 0, "", 0);
    wire_frame(one, true, 0, "la", 2);
    wire_frame(one, true, WIRE_FIN, "", 0);
    wire_said_text(one, true, "hola");
    wire_close_both(one);
    wire_done(one, run, context);
    one = wire_new("a close frame between fragments");
    wire_upgrade(one, NULL);
    wire_frame(one, true, WIRE_TEXT, "half", 4);
    wire_frame(one, true, WIRE_FIN | WIRE_CLOSE, "\x03\xe9", 2);
    wire_frame(one, false, WIRE_FIN | WIRE_CLOSE, "\x03\xe9", 2);
    wire_drop(one, "relay_cut");
    wire_done(one, run, context);
    one = wire_new("control frames of 0 and 125 bytes alone");
    wire_upgrade(one, NULL);
    char full[125];
    memset(full, 'p', sizeof full);
    for (int client = 0; client < 2; client++) {
        wire_frame(one, client, WIRE_FIN | WIRE_PING, "", 0);
        wire_frame(one, client, WIRE_FIN | WIRE_PONG, full, sizeof full);
        wire_frame(one, client, WIRE_FIN | WIRE_PING, full, sizeof full);
    }
    wire_message(one, true, "hola");
    wire_close_both(one);
    wire_done(one, run, context);
}

static inline void wire_deflated(wire_run *run, void *context)
{
    static const char text[] = "{\"type\":\"message\",\"text\":\"Hola, hola, hola: mi pedido 4471, mi pedido 4471\"}";
    for (int bits = 8; bits <= 15; bits++) {
        struct wire_case *one = wire_new("window of %d bits", bits);
        char agreed[160];
        snprintf(agreed, sizeof agreed, "permessage-deflate; server_max_window_bits=%d; client_max_window_bits=\"%d\"",
                 bits, bits);
        wire_upgrade(one, agreed);
        struct wire_bytes longer = wire_text(40000);
        for (int i = 0; i < 3; i++) {
            wire_packed_message(one, true, text, strlen(text), true, bits, 1);
            wire_packed_message(one, false, longer.at, longer.len, true, bits, 1);
            wire_packed_message(one, false, text, strlen(text), true, bits, 2);
        }
        free(longer.at);
        wire_close_both(one);
        wire_done(one, run, context);
    }
    struct wire_case *one = wire_new("packed and plain in turn");
    wire_upgrade(one, "permessage-deflate");
    for (int i = 0; i < 3; i++) {
        wire_packed_message(one, true, text, strlen(text), true, 15, 1);
        wire_message(one, true, "plain");
    }
    wire_close_both(one);
    wire_done(one, run, context);
    one = wire_new("the block is said to be the last (RFC 7692 7.2.3.4)");
    wire_upgrade(one, "permessage-deflate");
    for (int i = 0; i < 2; i++) {
        wire_frame(one, false, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8);
        wire_said_text(one, false, "Hello");
        wire_frame(one, false, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "\xf3\x48\xcd\xc9\xc9\x07\x00", 7);
        wire_said_text(one, false, "Hello");
    }
    wire_close_both(one);
    wire_done(one, run, context);
    one = wire_new("blocks of RFC 7692: with takeover, stored, two blocks");
    wire_upgrade(one, "permessage-deflate");
    wire_frame(one, false, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    wire_frame(one, false, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "\xf2\x00\x11\x00\x00", 5);
    wire_frame(one, false, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11);
    wire_frame(one, false, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
               13);
    for (int i = 0; i < 4; i++)
        wire_said_text(one, false, "Hello");
    wire_close_both(one);
    wire_done(one, run, context);
    one = wire_new("what is no deflate");
    wire_upgrade(one, "permessage-deflate");
    wire_message(one, true, "before");
    wire_frame(one, true, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "\xff\xff\xff\xff", 4);
    wire_drop(one, "relay_bad_deflate");
    wire_frame(one, true, WIRE_FIN | WIRE_TEXT, "unread", 6);
    wire_end(one, true);
    wire_done(one, run, context);
    one = wire_new("inflates to more than a message may have, takeover goes on");
    one->message_max = 1000;
    wire_upgrade(one, "permessage-deflate");
    struct wire_bytes big = wire_text(5000), packed = wire_packed(one, true, big.at, big.len, true, 15);
    wire_frame(one, true, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, packed.at, packed.len);
    wire_drop(one, "relay_too_long");
    wire_packed_message(one, true, text, strlen(text), true, 15, 1);
    free(packed.at);
    free(big.at);
    wire_close_both(one);
    wire_done(one, run, context);
    one = wire_new("a deflate bomb");
    one->message_max = 1000;
    wire_upgrade(one, "permessage-deflate");
    char *zeros = calloc(1, 4 << 20);
    if (zeros == NULL)
        abort();
    packed = wire_packed(one, true, zeros, 4 << 20, true, 15);
    wire_frame(one, true, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, packed.at, packed.len);
    wire_drop(one, "relay_bad_deflate");
    free(packed.at);
    free(zeros);
    wire_end(one, true);
    wire_done(one, run, context);
}

static inline void wire_odd_frames(wire_run *run, void *context)
{
    static const struct {
        const char *name;
        bool client;
        unsigned first;
        const char *payload;
        size_t len;
        const char *drop;
    } odd[] = {
        {"reserved bit 1 without deflate", true, WIRE_FIN | WIRE_RSV1 | WIRE_TEXT, "x", 1, "relay_bad_frame"},
        {"reserved bit 2", false, WIRE_FIN | 0x20 | WIRE_TEXT, "x", 1, "relay_bad_frame"},
        {"reserved bit 3", true, WIRE_FIN | 0x10 | WIRE_TEXT, "x", 1, "relay_bad_frame"},
        {"opcode 3", true, WIRE_FIN | 3, "x", 1, "relay_bad_frame"},
        {"opcode 7", false, WIRE_FIN | 7, "x", 1, "relay_bad_frame"},
        {"opcode 11", true, WIRE_FIN | 11, "x", 1, "relay_bad_frame"},
        {"opcode 15", false, WIRE_FIN | 15, "x", 1, "relay_bad_frame"},
        {"a ping in fragments", true, WIRE_PING, "x", 1, "relay_bad_frame"},
        {"continuation of nothing", true, WIRE_FIN, "x", 1, "relay_bad_frame"},
        {"a ping of 126 bytes", true, WIRE_FIN | WIRE_PING,
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "01234567890123456789012345",
         126, "relay_bad_frame"},
        {"text that is no UTF-8", true, WIRE_FIN | WIRE_TEXT, "\xc3\x28", 2, "relay_not_utf8"},
        {"text with a surrogate", false, WIRE_FIN | WIRE_TEXT, "\xed\xa0\x80", 3, "relay_not_utf8"},
        {"text with a NUL", false, WIRE_FIN | WIRE_TEXT, "a\0b", 3, "relay_not_utf8"},
        {"binary", false, WIRE_FIN | WIRE_BINARY, "\x01\x02\xff", 3, "relay_binary"},
        {"binary text", true, WIRE_FIN | WIRE_BINARY, "hello", 5, "relay_binary"},
        {"binary that begins like JSON", true, WIRE_FIN | WIRE_BINARY, "{\xff}", 3, "relay_binary"},
        {"binary JSON", true, WIRE_FIN | WIRE_BINARY, " {\"text\":\"hola\"}", 16, NULL},
        {"binary JSON of the gateway", false, WIRE_FIN | WIRE_BINARY, "[1]", 3, NULL},
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct wire_case *one = wire_new("%s", odd[i].name);
        wire_upgrade(one, NULL);
        wire_message(one, odd[i].client, "before");
        wire_frame(one, odd[i].client, odd[i].first, odd[i].payload, odd[i].len);
        if (odd[i].drop)
            wire_drop(one, odd[i].drop);
        else
            wire_says(one, odd[i].client, odd[i].payload, odd[i].len);
        /* After a bad frame nothing is read, after a bad text all is. */
        if (odd[i].drop && strcmp(odd[i].drop, "relay_bad_frame") == 0)
            wire_frame(one, odd[i].client, WIRE_FIN | WIRE_TEXT, "after", 5);
        else
            wire_message(one, odd[i].client, "after");
        wire_frame(one, !odd[i].client, WIRE_FIN | WIRE_CLOSE, "\x03\xea", 2);
        wire_frame(one, odd[i].client, WIRE_FIN | WIRE_CLOSE, "\x03\xea", 2);
        wire_done(one, run, context);
    }
    struct wire_case *one = wire_new("a client that does not mask");
    wire_upgrade(one, NULL);
    wire_send(one, true, "\x81\x04hola", 6);
    wire_drop(one, "relay_bad_frame");
    wire_end(one, true);
    wire_done(one, run, context);
    one = wire_new("a gateway that masks");
    wire_upgrade(one, NULL);
    wire_send(one, false, "\x81\x81\x01\x01\x01\x01x", 7);
    wire_drop(one, "relay_bad_frame");
    wire_done(one, run, context);
    one = wire_new("a new message inside another");
    wire_upgrade(one, NULL);
    wire_frame(one, true, WIRE_TEXT, "one", 3);
    wire_frame(one, true, WIRE_FIN | WIRE_TEXT, "two", 3);
    wire_drop(one, "relay_bad_frame");
    wire_drop(one, "relay_cut");
    wire_end(one, true);
    wire_done(one, run, context);
    one = wire_new("a length with its highest bit set");
    wire_upgrade(one, NULL);
    wire_send(one, false, "\x81\x7f\x80\0\0\0\0\0\0\x01x", 11);
    wire_drop(one, "relay_bad_frame");
    wire_done(one, run, context);
    one = wire_new("a length in more bytes than it needs");
    wire_upgrade(one, NULL);
    wire_send(one, false, "\x81\x7f\0\0\0\0\0\0\0\x02ok", 12);
    wire_said_text(one, false, "ok");
    wire_send(one, false, "\x81\x7e\0\x02ok", 6);
    wire_said_text(one, false, "ok");
    wire_close_both(one);
    wire_done(one, run, context);
    one = wire_new("cut in a head");
    wire_upgrade(one, NULL);
    wire_message(one, true, "whole");
    wire_send(one, true, "\x81", 1);
    wire_end(one, true);
    wire_drop(one, "relay_cut");
    wire_done(one, run, context);
    one = wire_new("cut in a payload");
    wire_upgrade(one, NULL);
    wire_send(one, false,
              "\x81\x05"
              "abc",
              5);
    wire_end(one, false);
    wire_drop(one, "relay_cut");
    wire_done(one, run, context);
    one = wire_new("longer than a message may be, whole and in fragments");
    one->message_max = 100;
    wire_upgrade(one, NULL);
    struct wire_bytes big = wire_text(101);
    wire_frame(one, true, WIRE_FIN | WIRE_TEXT, big.at, 101);
    wire_drop(one, "relay_too_long");
    wire_frame(one, true, WIRE_TEXT, big.at, 60);
    wire_frame(one, true, 0, big.at, 60);
    wire_frame(one, true, WIRE_FIN, "x", 1);
    wire_drop(one, "relay_too_long");
    free(big.at);
    big = wire_text(100);
    wire_frame(one, true, WIRE_FIN | WIRE_TEXT, big.at, 100);
    wire_says(one, true, big.at, 100);
    free(big.at);
    wire_close_both(one);
    wire_done(one, run, context);
}

#endif
