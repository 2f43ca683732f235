/* live.h - the figures of the last minute, five minutes, hour and day, kept as conversations close.
 *
 * A window counts the conversations that were first published in it, as their newest revision says: a revision takes
 * its predecessor out and puts itself in its place. One state a minute for the last hour, one an hour for the day (23
 * to 25 of them where clocks change), merged when asked. KPIs that need a customer's other conversations (FCR,
 * recurrence ...) or business events have no value here; over the store they have one (desk_range.h). Own lock: fold on
 * the pipeline's thread, compute on any.
 */
#ifndef CT_LIVE_H
#define CT_LIVE_H

#include "metrics/kpi.h"

#define CT_WINDOW_MAP(X) X(1M, "1m") X(5M, "5m") X(1H, "1h") X(TODAY, "today")
enum ct_window {
#define X(name, text) CT_WINDOW_##name,
    CT_WINDOW_MAP(X)
#undef X
        CT_WINDOW_COUNT
};
const char *ct_window_text(enum ct_window window);
CT_MUST_USE bool ct_window_from(ct_span text, enum ct_window *out);

struct ct_live_options {
    const enum ct_slice_field *fields; /* what windows can also be had by: channel, language ... */
    size_t field_count;
    size_t slices_max;                 /* keys a field; 0 = 50 */
    const struct ct_zone *zone;        /* whose midnight "today" begins at; NULL = UTC. Must outlive it */
    const struct ct_kpi_options *kpis; /* targets; NULL = the catalogue's. Outlives it, or the next ct_live_retarget */
};

struct ct_live;
struct ct_live *ct_live_new(const struct ct_live_options *options) CT_MUST_USE;
void ct_live_free(struct ct_live *live);
/* first_published_at tells the window; replaced NULL = new; record NULL = withdrawn. CT_NO_MEMORY. */
enum ct_status ct_live_fold(struct ct_live *live, ct_usec first_published_at, const struct ct_record *replaced,
                            const struct ct_record *record) CT_MUST_USE;
/* `count` messages came at `at`. */
void ct_live_messages(struct ct_live *live, ct_usec at, uint64_t count);
/* The tap's time: windows end here. */
void ct_live_tick(struct ct_live *live, ct_usec now);
/* From here on figures are held against these (as in the options). Who computes is waited for: when it returns nobody
 * reads the ones before. Any thread. */
void ct_live_retarget(struct ct_live *live, const struct ct_kpi_options *kpis);
/* Rises with each change; what did not change need not be computed again. */
uint64_t ct_live_generation(const struct ct_live *live);

struct ct_live_view {
    ct_usec from, to;  /* of the window */
    uint64_t messages; /* that came in it, of conversations open or closed */
    struct ct_block total;
    struct ct_block *slices;
    size_t slice_count;
};
/* `by` NULL = without slices; a field that is not kept gives CT_NOT_FOUND. The caller frees: ct_live_view_done. */
enum ct_status ct_live_compute(struct ct_live *live, enum ct_window window, const enum ct_slice_field *by,
                               struct ct_live_view *out) CT_MUST_USE;
/* The same by a profile's definitions; what hangs on the customer's other conversations or on time passing is left out
 * there, as windows see conversations alone. Not kept for who asks next. */
enum ct_status ct_live_compute_as(struct ct_live *live, enum ct_window window, const enum ct_slice_field *by,
                                  enum ct_profile profile, struct ct_live_view *out) CT_MUST_USE;
void ct_live_view_done(struct ct_live_view *view);

#endif
