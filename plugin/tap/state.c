/* state.c - writes and reads the tap's state file; see state.h. Only for this machine: native byte order, which the
 * head says.
 */
#include "plugin/tap/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/tape/placed.h"
#include "plugin/tape/tape.h"

#define STATE_MAGIC 0x3345544154535443ull /* "CTSTATE3" */
enum { STATE_BYTES_MAX = 1 << 30 };

struct state_head {
    uint64_t magic;
    uint32_t crc; /* CRC32C of everything behind it */
    uint32_t reserved;
    uint64_t bytes; /* of the whole file */
    uint64_t judged, replay_from;
    ct_usec now;
    uint64_t setup_len, mark_count, stream_count;
};
enum { CRC_FROM = offsetof(struct state_head, reserved) };

struct stream_head {
    uint64_t next;
    uint8_t source_len, stream_len;
};

static char *put(char *at, const void *bytes, size_t len)
{
    if (len) {
        memcpy(at, bytes, len);
    }
    return at + len;
}

static char *encode(const struct ct_tap_state *state, const struct ct_streams *streams, size_t *len)
{
    size_t stream_count = ct_streams_count(streams);
    size_t bytes = sizeof(struct state_head) + state->mark_count * sizeof *state->marks + state->setup.len;
    for (size_t i = 0; i < stream_count; i++) {
        const struct ct_stream *stream = ct_streams_get(streams, i);
        bytes += 10u + stream->source_len + stream->stream_len;
    }
    char *file = malloc(bytes);
    if (!file) {
        return NULL;
    }
    struct state_head head = {.magic = STATE_MAGIC,
                              .bytes = bytes,
                              .judged = state->judged,
                              .replay_from = state->replay_from,
                              .now = state->now,
                              .setup_len = state->setup.len,
                              .mark_count = state->mark_count,
                              .stream_count = stream_count};
    char *at = put(file, &head, sizeof head);
    at = put(at, state->marks, state->mark_count * sizeof *state->marks);
    at = put(at, state->setup.at, state->setup.len);
    for (size_t i = 0; i < stream_count; i++) {
        const struct ct_stream *stream = ct_streams_get(streams, i);
        at = put(at, &stream->next, 8);
        at = put(at, &stream->source_len, 1);
        at = put(at, &stream->stream_len, 1);
        at = put(at, stream->names, (size_t)stream->source_len + stream->stream_len);
    }
    head.crc = ct_crc32c(0, file + CRC_FROM, bytes - CRC_FROM);
    memcpy(file, &head, CRC_FROM);
    *len = bytes;
    return file;
}

enum ct_status ct_tap_state_write(const char *folder, const struct ct_tap_state *state,
                                  const struct ct_streams *streams, struct ct_error *err)
{
    char path[4096];
    size_t len;
    if (snprintf(path, sizeof path, "%s/state", folder) >= (int)sizeof path) {
        return ct_error_set(err, CT_IO, "%s: the path is too long", folder);
    }
    char *file = encode(state, streams, &len);
    if (!file) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory for the state of the tap");
    }
    enum ct_status status = ct_placed_write(path, &(ct_span){file, len}, 1, err);
    free(file);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *len)
{
    struct stat stat;
    char *file = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) != 0 || stat.st_size < (off_t)sizeof(struct state_head) ||
        stat.st_size > STATE_BYTES_MAX || !(file = malloc((size_t)stat.st_size))) {
        goto done;
    }
    *len = 0;
    while (*len < (size_t)stat.st_size) {
        ssize_t got = read(fd, file + *len, (size_t)stat.st_size - *len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            free(file);
            file = NULL;
            goto done;
        }
        *len += (size_t)got;
    }
done:
    if (fd >= 0) {
        close(fd);
    }
    return file;
}

/* The checksum is good, so what is here was written by this program; lengths are checked all the same. */
static bool decode(const char *file, size_t len, struct ct_tap_state *state, struct ct_streams *streams)
{
    struct state_head head;
    memcpy(&head, file, sizeof head);
    if (head.magic != STATE_MAGIC || head.bytes != len || head.crc != ct_crc32c(0, file + CRC_FROM, len - CRC_FROM)) {
        return false;
    }
    size_t rest = len - sizeof head;
    const char *at = file + sizeof head;
    if (head.mark_count > rest / sizeof(struct ct_open_mark)) {
        return false;
    }
    size_t marks = head.mark_count * sizeof(struct ct_open_mark);
    if (head.setup_len > rest - marks) {
        return false;
    }
    *state = (struct ct_tap_state){.judged = head.judged,
                                   .replay_from = head.replay_from,
                                   .now = head.now,
                                   .setup = {at + marks, head.setup_len},
                                   .marks = (const void *)at,
                                   .mark_count = head.mark_count};
    at += marks + head.setup_len;
    rest -= marks + head.setup_len;
    for (uint64_t i = 0; i < head.stream_count; i++) {
        struct stream_head stream;
        if (rest < 10) {
            return false;
        }
        memcpy(&stream.next, at, 8);
        stream.source_len = (uint8_t)at[8];
        stream.stream_len = (uint8_t)at[9];
        size_t names = (size_t)stream.source_len + stream.stream_len;
        if (rest - 10 < names) {
            return false;
        }
        if (streams) {
            struct ct_stream *known = ct_streams_at(streams, (ct_span){at + 10, stream.source_len},
                                                    (ct_span){at + 10 + stream.source_len, stream.stream_len});
            if (!known) {
                return false;
            }
            known->next = stream.next;
        }
        at += 10 + names;
        rest -= 10 + names;
    }
    return rest == 0;
}

enum ct_status ct_tap_state_read(const char *folder, struct ct_tap_state *state, struct ct_streams *streams,
                                 void **memory, struct ct_error *err)
{
    char path[4096];
    size_t len = 0;
    *memory = NULL;
    if (snprintf(path, sizeof path, "%s/state", folder) >= (int)sizeof path || access(path, F_OK) != 0) {
        return CT_NOT_FOUND;
    }
    char *file = read_file(path, &len);
    if (!file || !decode(file, len, state, streams)) {
        free(file);
        return ct_error_set(err, CT_REFUSED, "%s: damaged, or written by another version; the whole tape is replayed",
                            path);
    }
    *memory = file;
    return CT_OK;
}
