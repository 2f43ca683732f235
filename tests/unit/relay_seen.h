/* relay_seen.h - an intake for tests: keeps what it is given, counts what is dropped, and can refuse. */
#ifndef CT_RELAY_SEEN_H
#define CT_RELAY_SEEN_H

#include "plugin/tap/intake.h"
#include "relay_cases.h"

#include <pthread.h>

struct seen_entry {
    enum ct_direction direction;
    char source[32], stream[64], target[256];
    ct_usec at;
    char *bytes;
    size_t len;
};
#define SEEN_ENTRIES 4096
struct seen {
    pthread_mutex_t lock;
    struct seen_entry entries[SEEN_ENTRIES];
    unsigned count;
    struct {
        const char *reason;
        uint64_t count;
    } drops[64];
    unsigned drop_count;
    enum ct_status refuse; /* CT_OK = takes everything */
    struct ct_intake intake;
};

static inline void seen_copy(char *out, size_t room, ct_span text)
{
    size_t len = text.len < room - 1 ? text.len : room - 1;
    if (len > 0)
        memcpy(out, text.at, len);
    out[len] = '\0';
}

static inline enum ct_status seen_append(void *context, const struct ct_tape_entry *entry, uint64_t *end)
{
    struct seen *seen = context;
    pthread_mutex_lock(&seen->lock);
    enum ct_status status = seen->refuse;
    if (status == CT_OK && seen->count < SEEN_ENTRIES) {
        struct seen_entry *one = &seen->entries[seen->count++];
        one->direction = entry->direction;
        one->at = entry->at;
        seen_copy(one->source, sizeof one->source, entry->source);
        seen_copy(one->stream, sizeof one->stream, entry->stream);
        seen_copy(one->target, sizeof one->target, entry->target);
        one->len = entry->bytes.len;
        one->bytes = malloc(one->len + 1);
        if (one->bytes == NULL)
            abort();
        memcpy(one->bytes, entry->bytes.at, one->len);
        one->bytes[one->len] = 0;
    }
    pthread_mutex_unlock(&seen->lock);
    if (end)
        *end = 0;
    return status;
}

static inline void seen_drop(void *context, const char *reason, uint64_t count)
{
    struct seen *seen = context;
    pthread_mutex_lock(&seen->lock);
    unsigned i = 0;
    while (i < seen->drop_count && strcmp(seen->drops[i].reason, reason) != 0)
        i++;
    if (i == 64)
        abort();
    if (i == seen->drop_count)
        seen->drops[seen->drop_count++].reason = reason;
    seen->drops[i].count += count;
    pthread_mutex_unlock(&seen->lock);
}

static inline uint64_t seen_drops(struct seen *seen, const char *reason)
{
    uint64_t count = 0;
    pthread_mutex_lock(&seen->lock);
    for (unsigned i = 0; i < seen->drop_count; i++) {
        if (reason == NULL || strcmp(seen->drops[i].reason, reason) == 0)
            count += seen->drops[i].count;
    }
    pthread_mutex_unlock(&seen->lock);
    return count;
}

static inline struct seen *seen_new(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    if (seen == NULL)
        abort();
    pthread_mutex_init(&seen->lock, NULL);
    seen->intake = (struct ct_intake){.context = seen, .append = seen_append, .drop = seen_drop};
    return seen;
}

static inline void seen_clear(struct seen *seen)
{
    for (unsigned i = 0; i < seen->count; i++)
        free(seen->entries[i].bytes);
    for (unsigned i = 0; i < seen->drop_count; i++)
        seen->drops[i].count = 0;
    seen->count = seen->drop_count = 0;
}

static inline void seen_free(struct seen *seen)
{
    seen_clear(seen);
    pthread_mutex_destroy(&seen->lock);
    free(seen);
}

/* NULL where what was seen is what the case says, else what differs. */
static inline const char *seen_differs(struct seen *seen, const struct wire_case *one)
{
    static char said[400];
    for (unsigned i = 0; i < seen->count || i < one->said_count; i++) {
        const struct wire_said *due = &one->said[i];
        if (i >= seen->count || i >= one->said_count) {
            snprintf(said, sizeof said, "%u messages, %u are due (next: %.100s)", seen->count, one->said_count,
                     i < seen->count ? seen->entries[i].bytes : one->texts.at + due->at);
            return said;
        }
        const struct seen_entry *got = &seen->entries[i];
        bool in = due->client != one->egress;
        if (got->len != due->len || memcmp(got->bytes, one->texts.at + due->at, due->len) != 0 ||
            got->direction != (in ? CT_DIRECTION_IN : CT_DIRECTION_OUT) || strcmp(got->target, due->target) != 0) {
            snprintf(said, sizeof said,
                     "message %u: direction %d, \"%s\", %zu bytes \"%.60s\"; due: %zu, \"%s\" \"%.60s\"", i,
                     (int)got->direction, got->target, got->len, got->bytes, due->len, due->target,
                     one->texts.at + due->at);
            return said;
        }
    }
    for (unsigned i = 0; i < one->drop_count; i++) {
        uint64_t due = 0;
        for (unsigned k = 0; k < one->drop_count; k++)
            due += strcmp(one->drops[k], one->drops[i]) == 0;
        if (seen_drops(seen, one->drops[i]) != due) {
            snprintf(said, sizeof said, "%s: %llu times, %llu are due", one->drops[i],
                     (unsigned long long)seen_drops(seen, one->drops[i]), (unsigned long long)due);
            return said;
        }
    }
    if (seen_drops(seen, NULL) != one->drop_count) {
        snprintf(said, sizeof said, "%llu drops (%s), %u are due", (unsigned long long)seen_drops(seen, NULL),
                 seen->drop_count ? seen->drops[0].reason : "", one->drop_count);
        return said;
    }
    return NULL;
}

#endif
