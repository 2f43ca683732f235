/* held.c - bytes of a message that has not come whole yet (held.h). */
#include "plugin/relay/held.h"

#include <stdlib.h>

#define ROOM_MIN 512

enum ct_status ct_held_reserve(struct ct_held *held, size_t more, size_t max)
{
    if (held->len > max || more > max - held->len) {
        return CT_LIMIT;
    }
    if (held->room - held->len >= more) {
        return CT_OK;
    }
    size_t room = held->room < ROOM_MIN / 2 ? ROOM_MIN : held->room * 2;
    if (room < held->len + more) {
        room = held->len + more;
    }
    if (room > max) {
        room = max;
    }
    char *at = realloc(held->at, room);
    if (at == NULL) {
        return CT_NO_MEMORY;
    }
    held->at = at;
    held->room = room;
    return CT_OK;
}

enum ct_status ct_held_add(struct ct_held *held, ct_span bytes, size_t max)
{
    if (bytes.len == 0) {
        return CT_OK;
    }
    enum ct_status status = ct_held_reserve(held, bytes.len, max);
    if (status == CT_OK) {
        memcpy(held->at + held->len, bytes.at, bytes.len);
        held->len += bytes.len;
    }
    return status;
}

void ct_held_done(struct ct_held *held)
{
    free(held->at);
    *held = (struct ct_held){0};
}
