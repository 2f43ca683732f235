/* desk_view.h - the figures of one window as the feed tells them: cut into parts that are compared and sent one by one.
 */
#ifndef CT_DESK_VIEW_H
#define CT_DESK_VIEW_H

#include "plugin/tap/live.h"
#include "sinks/writer.h"

struct ct_view_part {
    size_t at, len; /* of text */
    uint64_t hash;
};
/* Immutable once made; shared by reference. */
struct ct_view {
    unsigned references; /* the feed's lock */
    enum ct_window window;
    uint64_t channel; /* ct_hash of the one it is of; 0 = all */
    uint64_t generation;
    ct_usec from, to;
    uint64_t messages;
    char *text;
    size_t part_count; /* the totals, then each KPI */
    struct ct_view_part parts[];
};
/* Of the whole window, or of the slice whose key is `channel` (one without conversations where there is none). NULL =
 * out of memory. */
struct ct_view *ct_view_new(const struct ct_live_view *live, enum ct_window window, ct_span channel,
                            uint64_t generation) CT_MUST_USE;
void ct_view_free(struct ct_view *view); /* NULL allowed */
/* {"window","from","to","messages","totals","kpis":[...]}: of the parts, those whose hash in `known` (part_count of
 * them; NULL = none is known) is another; `known` is brought up to date. The members of `type` first where it is not
 * NULL:
 * {"type":...}. false = nothing was different, nothing written. */
bool ct_view_write(const struct ct_view *view, uint64_t *known, const char *type, struct ct_writer *json);

#endif
