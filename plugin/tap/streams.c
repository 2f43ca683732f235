/* streams.c - a table of streams by source and name; see streams.h. */
#include "plugin/tap/streams.h"

#include <stdlib.h>

struct ct_streams {
    struct ct_stream **all;
    size_t count, capacity;
    uint32_t *slots; /* open addressing: index + 1; 0 = free */
    size_t slot_count;
};

struct ct_streams *ct_streams_new(void)
{
    return calloc(1, sizeof(struct ct_streams));
}

void ct_streams_free(struct ct_streams *streams)
{
    if (streams) {
        for (size_t i = 0; i < streams->count; i++) {
            free(streams->all[i]);
        }
        free(streams->all);
        free(streams->slots);
        free(streams);
    }
}

static uint64_t hash_of(ct_span source, ct_span stream)
{
    return ct_hash(stream, ct_hash(source, 0x57));
}

static bool is(const struct ct_stream *stream, ct_span source, ct_span name)
{
    return ct_span_eq((ct_span){stream->names, stream->source_len}, source) &&
           ct_span_eq((ct_span){stream->names + stream->source_len, stream->stream_len}, name);
}

/* The slot of the stream, or the free one where it goes. */
static size_t slot_of(const struct ct_streams *s, ct_span source, ct_span name)
{
    size_t slot = (size_t)hash_of(source, name) & (s->slot_count - 1);
    while (s->slots[slot] && !is(s->all[s->slots[slot] - 1], source, name)) {
        slot = (slot + 1) & (s->slot_count - 1);
    }
    return slot;
}

struct ct_stream *ct_streams_find(struct ct_streams *s, ct_span source, ct_span name)
{
    if (!s->count) {
        return NULL;
    }
    uint32_t at = s->slots[slot_of(s, source, name)];
    return at ? s->all[at - 1] : NULL;
}

/* At most half full. */
static bool grow(struct ct_streams *s)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 64;
        struct ct_stream **all = realloc(s->all, capacity * sizeof(struct ct_stream *));
        if (!all) {
            return false;
        }
        s->all = all;
        s->capacity = capacity;
    }
    if ((s->count + 1) * 2 > s->slot_count) {
        size_t slot_count = s->slot_count ? s->slot_count * 2 : 128;
        uint32_t *slots = calloc(slot_count, sizeof *slots);
        if (!slots) {
            return false;
        }
        free(s->slots);
        s->slots = slots;
        s->slot_count = slot_count;
        for (size_t i = 0; i < s->count; i++) {
            const struct ct_stream *stream = s->all[i];
            s->slots[slot_of(s, (ct_span){stream->names, stream->source_len},
                             (ct_span){stream->names + stream->source_len, stream->stream_len})] = (uint32_t)i + 1;
        }
    }
    return true;
}

struct ct_stream *ct_streams_at(struct ct_streams *s, ct_span source, ct_span name)
{
    struct ct_stream *stream = ct_streams_find(s, source, name);
    if (stream) {
        return stream;
    }
    if (s->count == CT_STREAMS_MAX || source.len > 255 || name.len > 255 || !grow(s)) {
        return NULL;
    }
    stream = malloc(sizeof *stream + source.len + name.len);
    if (!stream) {
        return NULL;
    }
    *stream = (struct ct_stream){.next = 1, .source_len = (uint8_t)source.len, .stream_len = (uint8_t)name.len};
    if (source.len) {
        memcpy(stream->names, source.at, source.len);
    }
    if (name.len) {
        memcpy(stream->names + source.len, name.at, name.len);
    }
    size_t slot = slot_of(s, source, name);
    s->all[s->count++] = stream;
    s->slots[slot] = (uint32_t)s->count;
    return stream;
}

size_t ct_streams_count(const struct ct_streams *s)
{
    return s->count;
}

const struct ct_stream *ct_streams_get(const struct ct_streams *s, size_t index)
{
    return s->all[index];
}
