/* live_view.h - answers of windows as memory of their own: an answer is kept for who asks next, and outlives its asker.
 * Private to live.c.
 */
#ifndef CT_LIVE_VIEW_H
#define CT_LIVE_VIEW_H

#include "plugin/tap/live.h"

/* Blocks, and behind them the keys that they show: one piece of memory. *out NULL where there are none; heap:
 * ct_blocks_done. CT_NO_MEMORY. */
enum ct_status ct_live_blocks_copy(const struct ct_block *from, size_t count, struct ct_block **out) CT_MUST_USE;
/* The figures of a view; the rest of *to is left as it is. CT_NO_MEMORY: ct_live_view_done may follow. */
enum ct_status ct_live_view_copy(const struct ct_live_view *from, struct ct_live_view *to) CT_MUST_USE;

#endif
