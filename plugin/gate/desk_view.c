/* desk_view.c - a window's figures in parts; see desk_view.h. Called by desk_feed.c. */
#include "plugin/gate/desk_view.h"

#include <stdlib.h>

#include "plugin/gate/desk_answer.h"
#include "plugin/gate/desk_state.h"
#include "sinks/json.h"

enum { VIEW_BYTES_MAX = 4 << 20 };

static const struct ct_block *block_of(const struct ct_live_view *live, ct_span channel)
{
    if (!channel.len) {
        return &live->total;
    }
    for (size_t i = 0; i < live->slice_count; i++) {
        if (!live->slices[i].other && ct_span_eq(live->slices[i].key, channel)) {
            return &live->slices[i];
        }
    }
    return NULL;
}

/* Writes each part behind the other; returns how many. */
static size_t write_parts(struct ct_answer *body, const struct ct_block *block, struct ct_view_part *parts, size_t room)
{
    const struct ct_json_figures figures = {.total = block, .reason = ct_desk_window_reason};
    size_t count = 0, before = 0;
    for (size_t i = 0; i <= block->figure_count && count < room; i++) {
        if (i == 0) {
            ct_json_totals(&body->json, block);
        } else if (!block->figures[i - 1].part) {
            ct_json_kpi(&body->json, &figures, &block->figures[i - 1]);
        } else {
            continue;
        }
        body->json.comma = false; /* the next part stands alone, too */
        parts[count++] = (struct ct_view_part){.at = before, .len = (size_t)body->out.written - before};
        before = (size_t)body->out.written;
    }
    return count;
}

struct ct_view *ct_view_new(const struct ct_live_view *live, enum ct_window window, ct_span channel,
                            uint64_t generation)
{
    const struct ct_block *block = block_of(live, channel);
    struct ct_block none = {0};
    struct ct_answer body;
    if (!block) { /* the figures of no conversation at all */
        struct ct_kpi_set *zero = ct_kpis_new();
        bool made = zero && ct_kpis_compute(zero, NULL, &none) == CT_OK;
        ct_kpis_free(zero);
        if (!made) {
            return NULL;
        }
        block = &none;
    }
    size_t room = block->figure_count + 1;
    struct ct_view *view = calloc(1, sizeof *view + room * sizeof *view->parts);
    ct_answer_begin(&body, VIEW_BYTES_MAX);
    size_t count = view ? write_parts(&body, block, view->parts, room) : 0;
    bool written = ct_answer_end(&body);
    ct_block_done(&none);
    if (!view || !written) {
        free(view);
        free(body.bytes);
        return NULL;
    }
    view->references = 1;
    view->window = window;
    view->channel = channel.len ? ct_hash(channel, 0) : 0;
    view->generation = generation;
    view->from = live->from;
    view->to = live->to;
    view->messages = live->messages;
    view->text = body.bytes;
    view->part_count = count;
    for (size_t i = 0; i < count; i++) {
        view->parts[i].hash = ct_hash((ct_span){view->text + view->parts[i].at, view->parts[i].len}, 1);
    }
    return view;
}

void ct_view_free(struct ct_view *view)
{
    if (view) {
        free(view->text);
        free(view);
    }
}

bool ct_view_write(const struct ct_view *view, uint64_t *known, const char *type, struct ct_writer *json)
{
    bool changed = !known;
    for (size_t i = 0; i < view->part_count && !changed; i++) {
        changed = known[i] != view->parts[i].hash;
    }
    if (!changed) {
        return false;
    }
    ct_writer_open(json, '{');
    if (type) {
        ct_writer_key(json, "type");
        ct_writer_text(json, type);
    }
    ct_writer_key(json, "window");
    ct_writer_text(json, ct_window_text(view->window));
    ct_writer_key(json, "from");
    ct_writer_time(json, view->from);
    ct_writer_key(json, "to");
    ct_writer_time(json, view->to);
    ct_writer_key(json, "messages");
    ct_writer_wide(json, (ct_wide)view->messages);
    ct_writer_key(json, "totals");
    ct_writer_raw(json, (ct_span){view->text + view->parts[0].at, view->parts[0].len});
    ct_writer_key(json, "kpis");
    ct_writer_open(json, '[');
    for (size_t i = 1; i < view->part_count; i++) {
        if (!known || known[i] != view->parts[i].hash) {
            ct_writer_raw(json, (ct_span){view->text + view->parts[i].at, view->parts[i].len});
        }
    }
    ct_writer_close(json, ']');
    ct_writer_close(json, '}');
    for (size_t i = 0; i < view->part_count && known; i++) {
        known[i] = view->parts[i].hash;
    }
    return true;
}
