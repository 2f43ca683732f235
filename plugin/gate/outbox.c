/* outbox.c - delivery at least once, with patience. See outbox.h. */
#include "plugin/gate/outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/subscribe/pace.h"

#define LEAST_WAIT CT_USEC_PER_SECOND
#define MOST_WAIT (5 * CT_USEC_PER_MINUTE)

static void remove_at(struct ct_outbox *outbox, size_t index)
{
    free(outbox->letters[index].body);
    outbox->count--;
    memmove(&outbox->letters[index], &outbox->letters[index + 1], (outbox->count - index) * sizeof *outbox->letters);
    outbox->changed = true;
}

void ct_outbox_done(struct ct_outbox *outbox)
{
    while (outbox->count) {
        remove_at(outbox, outbox->count - 1);
    }
    free(outbox->letters);
    *outbox = (struct ct_outbox){0};
}

enum ct_status ct_outbox_put(struct ct_outbox *outbox, const char *id, ct_span body, ct_usec now)
{
    for (size_t i = 0; i < outbox->count; i++) {
        if (strcmp(outbox->letters[i].id, id) == 0) {
            return CT_OK;
        }
    }
    if (outbox->count == CT_OUTBOX_MAX) {
        remove_at(outbox, 0);
        outbox->dropped++;
    }
    if (outbox->count == outbox->capacity) {
        size_t capacity = outbox->capacity ? 2 * outbox->capacity : 16;
        struct ct_letter *grown = realloc(outbox->letters, capacity * sizeof *grown);
        if (!grown) {
            return CT_NO_MEMORY;
        }
        outbox->letters = grown;
        outbox->capacity = capacity;
    }
    struct ct_letter *letter = &outbox->letters[outbox->count];
    *letter = (struct ct_letter){.body = malloc(body.len + 1), .len = body.len, .written_at = now};
    if (!letter->body) {
        return CT_NO_MEMORY;
    }
    memcpy(letter->body, body.at, body.len);
    letter->body[body.len] = '\0';
    (void)snprintf(letter->id, sizeof letter->id, "%s", id);
    outbox->count++;
    outbox->changed = true;
    return CT_OK;
}

void ct_outbox_hurry(struct ct_outbox *outbox)
{
    outbox->quiet_until = 0;
    for (size_t i = 0; i < outbox->count; i++) {
        outbox->letters[i].next_at = 0;
    }
}

static size_t first_due(const struct ct_outbox *outbox)
{
    size_t first = 0;
    for (size_t i = 1; i < outbox->count; i++) {
        if (outbox->letters[i].next_at < outbox->letters[first].next_at) {
            first = i;
        }
    }
    return first;
}

ct_usec ct_outbox_due(const struct ct_outbox *outbox)
{
    if (!outbox->count) {
        return CT_USEC_NONE;
    }
    ct_usec next = outbox->letters[first_due(outbox)].next_at;
    return next > outbox->quiet_until ? next : outbox->quiet_until;
}

bool ct_outbox_try(struct ct_outbox *outbox, struct ct_courier *courier, ct_usec (*now)(void), uint32_t random,
                   void (*log)(void *context, const char *line), void *log_context)
{
    char line[256];
    const char *reason;
    int status;
    if (!outbox->count || ct_outbox_due(outbox) > now()) {
        return false;
    }
    size_t index = first_due(outbox);
    struct ct_letter *letter = &outbox->letters[index];
    bool good = ct_courier_send(courier, letter->id, (ct_span){letter->body, letter->len}, &status, &reason);
    ct_usec after = now();
    outbox->changed = true;
    if (good) {
        outbox->delivered++;
        outbox->quiet_until = 0;
        remove_at(outbox, index);
        return true;
    }
    bool old = after - letter->written_at > CT_OUTBOX_AGE_MAX;
    letter->attempts += letter->attempts < UINT32_MAX;
    letter->next_at = after + ct_pace_wait(LEAST_WAIT, MOST_WAIT, letter->attempts, random);
    outbox->failed++;
    outbox->quiet_until = status ? 0 : letter->next_at;
    if (log) {
        (void)snprintf(line, sizeof line,
                       "level=%s event=%s id=%s reason=%s status=%d attempts=%" PRIu32 " waiting=%zu",
                       old ? "error" : "warn", old ? "alarm_given_up" : "alarm_not_delivered", letter->id, reason,
                       status, letter->attempts, outbox->count - old);
        log(log_context, line);
    }
    if (old) {
        outbox->given_up++;
        remove_at(outbox, index);
    }
    return true;
}
