/* gathered.h - pieces of a text, each on a line of its own, gathered in an arena: what it takes grows with the text and
 * not with its square, however many pieces a card or a template has. Called by botframework.c and whatsapp_cloud.c.
 */
#ifndef CT_GATHERED_H
#define CT_GATHERED_H

#include "engine/arena.h"

struct ct_gathered { /* all zero to begin with, but for the arena */
    struct ct_arena *arena;
    char *at;
    size_t len, room;
};

/* One more line; an empty one is none. The bytes are copied. False = out of memory. */
bool ct_gathered_line(struct ct_gathered *gathered, ct_span line) CT_MUST_USE;
/* Lives as long as the arena; empty where nothing was gathered. */
ct_span ct_gathered_text(const struct ct_gathered *gathered);

#endif
