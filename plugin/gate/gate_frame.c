/* gate_frame.c - WebSocket frames of a client, read as they come. gate_socket.c feeds it; pure, so that tests can split
 * its input anywhere. */
#include "plugin/gate/gate_frame.h"

#include <endian.h>
#include <stdlib.h>

#define CONTROL_MAX 125
#define FIRST_CAPACITY 4096

/* Eight bytes at a time; `mask` is left turned to the byte behind. */
static void unmask(char *bytes, size_t len, uint8_t mask[4])
{
    uint8_t twice[8];
    memcpy(twice, mask, 4);
    memcpy(twice + 4, mask, 4);
    uint64_t wide;
    memcpy(&wide, twice, sizeof(wide));
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        word ^= wide;
        memcpy(bytes + i, &word, sizeof(word));
    }
    size_t rest = len - i;
    for (size_t k = 0; k < rest; k++)
        bytes[i + k] = (char)((uint8_t)bytes[i + k] ^ mask[k & 3]);
    uint8_t turned[4];
    for (size_t k = 0; k < 4; k++)
        turned[k] = mask[(rest + k) & 3];
    memcpy(mask, turned, 4);
}

/* Length of the well-formed sequence at `at`, 0 where it is none (RFC 3629). */
static size_t sequence_length(const unsigned char *at, size_t left)
{
    unsigned char a = at[0];
    if (a < 0x80)
        return 1;
    size_t need = a >= 0xC2 && a <= 0xDF ? 2 : (a & 0xF0) == 0xE0 ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
    if (need == 0 || left < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    if ((a == 0xE0 && at[1] < 0xA0) || (a == 0xED && at[1] > 0x9F) || (a == 0xF0 && at[1] < 0x90) ||
        (a == 0xF4 && at[1] > 0x8F))
        return 0;
    return need;
}

bool ct_wire_text_valid(ct_span text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t i = 0;
    while (i < text.len) {
        uint64_t word;
        if (i + 8 <= text.len && (memcpy(&word, at + i, sizeof(word)), (word & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        size_t step = sequence_length(at + i, text.len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

size_t ct_wire_head(enum ct_wire_opcode opcode, size_t len, unsigned char *out)
{
    out[0] = (unsigned char)(0x80u | (unsigned)opcode);
    if (len < 126) {
        out[1] = (unsigned char)len;
        return 2;
    }
    if (len <= 0xFFFF) {
        out[1] = 126;
        uint16_t wide = htobe16((uint16_t)len);
        memcpy(out + 2, &wide, sizeof(wide));
        return 4;
    }
    out[1] = 127;
    uint64_t wide = htobe64((uint64_t)len);
    memcpy(out + 2, &wide, sizeof(wide));
    return 10;
}

static enum ct_wire_event bad(int *code, const char **reason, int with, const char *why)
{
    *code = with;
    *reason = why;
    return CT_WIRE_BAD;
}

/* The first `len` bytes of what is left of the data frame, into the partial message. */
static bool keep(struct ct_wire_reader *reader, char *bytes, size_t len)
{
    if (len == 0)
        return true; /* a message may be empty: then there is nothing to hold */
    if (reader->len + len > reader->capacity) {
        size_t capacity = reader->capacity ? reader->capacity * 2 : FIRST_CAPACITY;
        while (capacity < reader->len + len)
            capacity *= 2;
        char *grown = realloc(reader->partial, capacity);
        if (!grown)
            return false;
        reader->partial = grown;
        reader->capacity = capacity;
    }
    unmask(bytes, len, reader->mask);
    memcpy(reader->partial + reader->len, bytes, len);
    reader->len += len;
    reader->frame_left -= len;
    return true;
}

static enum ct_wire_event close_event(ct_span payload, int *code, const char **reason)
{
    *code = 1005;
    if (payload.len == 0)
        return CT_WIRE_CLOSE;
    if (payload.len == 1)
        return bad(code, reason, 1002, "gate_bad_frame");
    int given = ((unsigned char)payload.at[0] << 8) | (unsigned char)payload.at[1];
    if (given < 1000 || given > 4999 || (given >= 1004 && given <= 1006) || (given >= 1015 && given < 3000))
        return bad(code, reason, 1002, "gate_bad_frame");
    if (!ct_wire_text_valid((ct_span){payload.at + 2, payload.len - 2}))
        return bad(code, reason, 1007, "gate_bad_utf8");
    *code = given;
    return CT_WIRE_CLOSE;
}

struct frame_head {
    unsigned opcode;
    bool final;
    uint64_t len;
    size_t size; /* of the head with its mask */
    uint8_t mask[4];
};

/* CT_WIRE_MORE = the head is not whole; CT_WIRE_MESSAGE = *head is good. */
static enum ct_wire_event read_head(const struct ct_wire_reader *reader, const unsigned char *bytes, size_t len,
                                    size_t message_max, struct frame_head *head, int *code, const char **reason)
{
    if (len < 2)
        return CT_WIRE_MORE;
    head->opcode = bytes[0] & 0x0Fu;
    head->final = (bytes[0] & 0x80) != 0;
    bool control = (head->opcode & 8) != 0;
    if (bytes[0] & 0x70)
        return bad(code, reason, 1002, "gate_bad_frame"); /* no extension was agreed on */
    if (!(bytes[1] & 0x80))
        return bad(code, reason, 1002, "gate_unmasked");
    if ((head->opcode > 2 && head->opcode < 8) || head->opcode > 10)
        return bad(code, reason, 1002, "gate_bad_frame");
    if (!control && (head->opcode == 0) != reader->in_message)
        return bad(code, reason, 1002, "gate_bad_frame");
    unsigned first = bytes[1] & 0x7Fu;
    if (control && (!head->final || first > CONTROL_MAX))
        return bad(code, reason, 1002, "gate_bad_frame");
    head->size = 2;
    head->len = first;
    if (first == 126) {
        if (len < 4)
            return CT_WIRE_MORE;
        head->len = ((uint64_t)bytes[2] << 8) | bytes[3];
        head->size = 4;
        if (head->len < 126)
            return bad(code, reason, 1002, "gate_bad_frame"); /* not the shortest form */
    } else if (first == 127) {
        if (len < 10)
            return CT_WIRE_MORE;
        uint64_t wide;
        memcpy(&wide, bytes + 2, sizeof(wide));
        head->len = be64toh(wide);
        head->size = 10;
        if (head->len <= 0xFFFF || head->len >> 63)
            return bad(code, reason, 1002, "gate_bad_frame");
    }
    if (!control && (head->len > message_max || reader->len > message_max - (size_t)head->len))
        return bad(code, reason, 1009, "gate_message_too_big");
    if (len < head->size + 4)
        return CT_WIRE_MORE;
    memcpy(head->mask, bytes + head->size, 4);
    head->size += 4;
    return CT_WIRE_MESSAGE;
}

/* A message is whole. */
static enum ct_wire_event whole(struct ct_wire_reader *reader, ct_span bytes, ct_span *payload, int *code,
                                const char **reason)
{
    reader->in_message = reader->in_frame = false;
    *payload = bytes;
    if (!reader->binary && !ct_wire_text_valid(bytes))
        return bad(code, reason, 1007, "gate_bad_utf8");
    return CT_WIRE_MESSAGE;
}

enum ct_wire_event ct_wire_next(struct ct_wire_reader *reader, char *bytes, size_t len, size_t message_max,
                                size_t *consumed, ct_span *payload, int *code, const char **reason)
{
    *consumed = 0;
    *payload = CT_SPAN_NONE;
    if (!reader->in_message && reader->partial) /* the message that was handed out last */
        ct_wire_done(reader);
    for (;;) {
        char *at = bytes + *consumed;
        size_t left = len - *consumed;
        if (reader->in_frame) {
            size_t take = left < reader->frame_left ? left : (size_t)reader->frame_left;
            if (!keep(reader, at, take))
                return bad(code, reason, 1011, "gate_no_memory");
            *consumed += take;
            if (reader->frame_left)
                return CT_WIRE_MORE;
            reader->in_frame = false;
            if (reader->final)
                return whole(reader, (ct_span){reader->partial, reader->len}, payload, code, reason);
            continue;
        }
        struct frame_head head;
        enum ct_wire_event event = read_head(reader, (const unsigned char *)at, left, message_max, &head, code, reason);
        if (event != CT_WIRE_MESSAGE)
            return event;
        if (head.opcode & 8) {
            if (left < head.size + head.len)
                return CT_WIRE_MORE;
            unmask(at + head.size, (size_t)head.len, head.mask);
            *consumed += head.size + (size_t)head.len;
            *payload = (ct_span){at + head.size, (size_t)head.len};
            return head.opcode == CT_WIRE_OP_PING   ? CT_WIRE_PING
                   : head.opcode == CT_WIRE_OP_PONG ? CT_WIRE_PONG
                                                    : close_event(*payload, code, reason);
        }
        if (head.opcode)
            reader->binary = head.opcode == CT_WIRE_BINARY;
        *consumed += head.size;
        if (head.final && !reader->in_message && left - head.size >= head.len) {
            unmask(at + head.size, (size_t)head.len, head.mask); /* whole: handed on where it lies */
            *consumed += (size_t)head.len;
            return whole(reader, (ct_span){at + head.size, (size_t)head.len}, payload, code, reason);
        }
        reader->in_message = reader->in_frame = true;
        reader->final = head.final;
        reader->frame_left = head.len;
        memcpy(reader->mask, head.mask, 4);
    }
}

void ct_wire_done(struct ct_wire_reader *reader)
{
    free(reader->partial);
    reader->partial = NULL;
    reader->len = reader->capacity = 0;
}
