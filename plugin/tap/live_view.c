/* live_view.c - see live_view.h. Called by live.c. */
#include "plugin/tap/live_view.h"

#include <assert.h>
#include <stdlib.h>

/* A block of its own memory. */
static enum ct_status copy_block(const struct ct_block *from, struct ct_block *to)
{
    *to = *from;
    to->figures = NULL;
    struct ct_figure *figures = malloc((from->figure_count ? from->figure_count : 1) * sizeof *figures);
    if (!figures) {
        to->figure_count = 0;
        return CT_NO_MEMORY;
    }
    if (from->figure_count) {
        memcpy(figures, from->figures, from->figure_count * sizeof *figures);
    }
    to->figures = figures;
    return CT_OK;
}

enum ct_status ct_live_blocks_copy(const struct ct_block *from, size_t count, struct ct_block **out)
{
    *out = NULL;
    if (count == 0) {
        return CT_OK;
    }
    struct ct_block *blocks = calloc(count, sizeof *blocks + CT_SLICE_KEY_BYTES);
    if (!blocks) {
        return CT_NO_MEMORY;
    }
    char *keys = (char *)(blocks + count);
    for (size_t i = 0; i < count; i++) {
        if (copy_block(&from[i], &blocks[i]) != CT_OK) {
            ct_blocks_done(blocks, i);
            return CT_NO_MEMORY;
        }
        char *key = keys + i * CT_SLICE_KEY_BYTES;
        assert(from[i].key.len < CT_SLICE_KEY_BYTES);
        if (from[i].key.len) {
            memcpy(key, from[i].key.at, from[i].key.len);
        }
        blocks[i].key.at = key;
    }
    *out = blocks;
    return CT_OK;
}

enum ct_status ct_live_view_copy(const struct ct_live_view *from, struct ct_live_view *to)
{
    enum ct_status status = copy_block(&from->total, &to->total);
    if (status == CT_OK) {
        status = ct_live_blocks_copy(from->slices, from->slice_count, &to->slices);
        to->slice_count = status == CT_OK ? from->slice_count : 0;
    }
    return status;
}

void ct_live_view_done(struct ct_live_view *view)
{
    ct_block_done(&view->total);
    ct_blocks_done(view->slices, view->slice_count);
    memset(view, 0, sizeof *view);
}
