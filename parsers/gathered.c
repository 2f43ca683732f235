/* gathered.c - lines gathered to a text; see gathered.h. */
#include "parsers/gathered.h"

enum { ROOM_LEAST = 128 };

bool ct_gathered_line(struct ct_gathered *gathered, ct_span line)
{
    size_t gap = gathered->len ? 1 : 0;
    if (line.len == 0)
        return true;
    if (gathered->room - gathered->len < gap + line.len) {
        size_t need = gathered->len + gap + line.len, room = need < ROOM_LEAST ? ROOM_LEAST : need * 2;
        char *more = ct_arena_alloc(gathered->arena, room);
        if (more == NULL)
            return false;
        if (gathered->len)
            memcpy(more, gathered->at, gathered->len);
        gathered->at = more;
        gathered->room = room;
    }
    if (gap)
        gathered->at[gathered->len++] = '\n';
    memcpy(gathered->at + gathered->len, line.at, line.len);
    gathered->len += line.len;
    return true;
}

ct_span ct_gathered_text(const struct ct_gathered *gathered)
{
    return (ct_span){gathered->at, gathered->len};
}
