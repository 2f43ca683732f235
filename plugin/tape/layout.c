/* layout.c - a segment's header and a frame, packed and unpacked; see layout.h. */
#include "plugin/tape/layout.h"

#include <endian.h>

static const char magic[8] = {'c', 'o', 'n', 'v', 't', 'a', 'p', 'e'};

static void put32(unsigned char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static void put64(unsigned char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static uint32_t get32(const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static uint64_t get64(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

/* ---- segment ---------------------------------------------------------------------------------- */

void ct_segment_pack(const struct ct_segment_head *head, unsigned char *out)
{
    memcpy(out, magic, sizeof magic);
    put32(out + 8, CT_SEGMENT_VERSION);
    put32(out + 12, head->salt);
    put64(out + 16, head->base);
    put64(out + 24, (uint64_t)head->created);
    put32(out + 32, 0);
    put32(out + 36, ct_crc32c(0, out, 36));
    memcpy(out + CT_SEGMENT_COPY, out, CT_SEGMENT_COPY); /* one flipped byte must not cost a whole segment */
}

enum ct_status ct_segment_unpack(const unsigned char *at, size_t len, struct ct_segment_head *out, bool *foreign,
                                 struct ct_error *err)
{
    bool ours = false;
    uint32_t later = 0;
    for (size_t from = 0; from + CT_SEGMENT_COPY <= len && from < CT_SEGMENT_BEGIN; from += CT_SEGMENT_COPY) {
        const unsigned char *copy = at + from;
        bool named = memcmp(copy, magic, sizeof magic) == 0;
        ours |= named;
        if (!named || ct_crc32c(0, copy, 36) != get32(copy + 36))
            continue;
        if (get32(copy + 8) != CT_SEGMENT_VERSION) {
            later = get32(copy + 8);
            continue;
        }
        out->salt = get32(copy + 12);
        out->base = get64(copy + 16);
        out->created = (ct_usec)get64(copy + 24);
        return CT_OK;
    }
    if (foreign) /* a beginning that was cut short may still become one of ours */
        *foreign = later || (!ours && memcmp(at, magic, len < sizeof magic ? len : sizeof magic) != 0);
    if (later)
        return ct_error_set(err, CT_REFUSED, "tape version %u, this program reads version %d: use a newer convtap",
                            later, CT_SEGMENT_VERSION);
    if (!ours)
        return ct_error_set(err, CT_REFUSED, "not a segment of a tape");
    return ct_error_set(err, CT_REFUSED, "both copies of the segment's header are damaged");
}

/* ---- frame ------------------------------------------------------------------------------------ */

uint32_t ct_frame_bytes(const struct ct_tape_entry *entry)
{
    if (entry->source.len > 255 || entry->format.len > 255 || entry->stream.len > 255 || entry->target.len > 255 ||
        entry->bytes.len > CT_TAPE_BYTES_MAX)
        return 0;
    return (uint32_t)(CT_FRAME_HEAD + entry->source.len + entry->format.len + entry->stream.len + entry->target.len +
                      entry->bytes.len);
}

static unsigned char *put_span(unsigned char *at, ct_span span)
{
    if (span.len)
        memcpy(at, span.at, span.len);
    return at + span.len;
}

void ct_frame_pack(const struct ct_tape_entry *entry, uint32_t length, unsigned char *out)
{
    put32(out, length);
    out[8] = (unsigned char)entry->kind;
    out[9] = (unsigned char)entry->direction;
    out[10] = (unsigned char)entry->source.len;
    out[11] = (unsigned char)entry->format.len;
    out[12] = (unsigned char)entry->stream.len;
    out[13] = (unsigned char)entry->target.len;
    out[14] = out[15] = 0;
    put64(out + 16, (uint64_t)entry->at);
    put64(out + 24, entry->sequence);
    unsigned char *at = out + CT_FRAME_HEAD;
    at = put_span(at, entry->source);
    at = put_span(at, entry->format);
    at = put_span(at, entry->stream);
    at = put_span(at, entry->target);
    (void)put_span(at, entry->bytes);
}

uint32_t ct_frame_length(const unsigned char *frame)
{
    return get32(frame);
}

/* Over the position, then the head without this check itself. */
static uint32_t head_check(const unsigned char *frame, uint32_t salt, uint64_t position)
{
    unsigned char where[8];
    put64(where, position);
    return ct_crc32c(ct_crc32c(salt, where, sizeof where), frame, 32);
}

void ct_frame_seal(unsigned char *frame, uint32_t salt, uint64_t position)
{
    put32(frame + 4, ct_crc32c(0, frame + CT_FRAME_HEAD, get32(frame) - CT_FRAME_HEAD));
    put32(frame + 32, head_check(frame, salt, position));
}

bool ct_frame_begins(const unsigned char *at, uint32_t salt, uint64_t position, uint32_t *length)
{
    uint32_t all = get32(at), names = (uint32_t)at[10] + at[11] + at[12] + at[13];
    if (all < CT_FRAME_HEAD + names || all - CT_FRAME_HEAD - names > CT_TAPE_BYTES_MAX || at[8] < CT_TAPE_DATA ||
        at[8] > CT_TAPE_SETUP || at[9] > CT_DIRECTION_OUT || at[14] || at[15])
        return false;
    if (head_check(at, salt, position) != get32(at + 32))
        return false;
    *length = all;
    return true;
}

bool ct_frame_whole(const unsigned char *at, uint32_t length)
{
    return ct_crc32c(0, at + CT_FRAME_HEAD, length - CT_FRAME_HEAD) == get32(at + 4);
}

static ct_span take_span(const unsigned char **at, size_t len)
{
    ct_span span = {(const char *)*at, len};
    *at += len;
    return span;
}

void ct_frame_unpack(const unsigned char *at, uint32_t length, struct ct_tape_entry *out)
{
    const unsigned char *next = at + CT_FRAME_HEAD;
    out->kind = (enum ct_tape_kind)at[8];
    out->direction = (enum ct_direction)at[9];
    out->at = (ct_usec)get64(at + 16);
    out->sequence = get64(at + 24);
    out->source = take_span(&next, at[10]);
    out->format = take_span(&next, at[11]);
    out->stream = take_span(&next, at[12]);
    out->target = take_span(&next, at[13]);
    out->bytes = take_span(&next, (size_t)(at + length - next));
}
