/* desk_alarm_figures.c - see desk_alarm_figures.h. Called by desk_alarms.c. */
#include "plugin/gate/desk_alarm_figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/period.h"
#include "plugin/gate/desk_range.h"
#include "plugin/gate/desk_state.h"

enum { SHARE = 20 }; /* ranges take at most one of so many parts of the time */

struct sight { /* what some alarms look at */
    const char *window;
    bool sliced, compared, ranged;
    enum ct_slice_field by;
    enum ct_alarm_got got;
    struct ct_live_view live;
    struct ct_range range, before;
};

struct ct_alarm_figures {
    struct ct_desk *desk;
    const struct ct_desk_terms *terms;
    struct ct_store *store; /* the thread's own */
    struct sight *sights;   /* as many as there are alarms */
    size_t count;
    ct_usec now;
    ct_usec ranges_at; /* of the monotonic clock: not before */
    ct_usec took;      /* by ranges, in this evaluation */
    bool ranges_due;
};

const char *const *ct_alarm_got_text(enum ct_alarm_got got)
{
#define X(name, en, es) {en, es},
    static const char *const texts[][CT_LANG_COUNT] = {CT_ALARM_GOT_MAP(X)};
#undef X
    return texts[got];
}

static ct_usec monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

struct ct_alarm_figures *ct_alarm_figures_new(struct ct_desk *desk)
{
    struct ct_alarm_figures *f = calloc(1, sizeof *f);
    if (f) {
        f->desk = desk;
    }
    return f;
}

bool ct_alarm_figures_reterm(struct ct_alarm_figures *f, const struct ct_desk_terms *terms)
{
    struct sight *sights = calloc(terms->alarm_count + 1, sizeof *sights);
    if (!sights) {
        return false;
    }
    free(f->sights);
    f->sights = sights;
    f->terms = terms;
    return true;
}

void ct_alarm_figures_free(struct ct_alarm_figures *f)
{
    if (f) {
        ct_alarm_figures_end(f);
        if (f->store) {
            ct_store_close(f->store);
        }
        free(f->sights);
        free(f);
    }
}

void ct_alarm_figures_begin(struct ct_alarm_figures *f, ct_usec now)
{
    f->now = now;
    f->took = 0;
    f->ranges_due = monotonic() >= f->ranges_at;
}

void ct_alarm_figures_end(struct ct_alarm_figures *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct sight *sight = &f->sights[i];
        if (!sight->ranged && sight->got == CT_ALARM_GOT) {
            ct_live_view_done(&sight->live);
        }
        if (sight->ranged) {
            ct_range_done(&sight->before);
            ct_range_done(&sight->range);
        }
    }
    if (f->took) {
        f->ranges_at = monotonic() + SHARE * f->took;
    }
    f->count = 0;
}

/* ---- which figures ---- */

static bool needs_store(const struct ct_kpi *kpi)
{
    const struct ct_figure figure = {.kpi = kpi};
    return ct_desk_window_reason(&figure) != NULL;
}

static bool is_window(const struct ct_alarm *alarm, enum ct_window *window)
{
    return alarm->window && ct_window_from(ct_span_of(alarm->window), window);
}

/* [from, to) of the range that the window stands for. */
static struct ct_period span_of(const struct ct_alarm_figures *f, const struct ct_alarm *alarm)
{
    static const ct_usec spans[CT_WINDOW_COUNT] = {[CT_WINDOW_1M] = CT_USEC_PER_MINUTE,
                                                   [CT_WINDOW_5M] = 5 * CT_USEC_PER_MINUTE,
                                                   [CT_WINDOW_1H] = CT_USEC_PER_HOUR};
    enum ct_window window;
    if (!is_window(alarm, &window)) {
        return (struct ct_period){f->now - alarm->window_usec, f->now};
    }
    if (window != CT_WINDOW_TODAY) {
        return (struct ct_period){f->now - spans[window], f->now};
    }
    struct ct_period day = ct_period_at(f->terms->terms.zone, CT_PERIOD_DAY, f->now);
    return (struct ct_period){day.from, f->now > day.from ? f->now : day.from + 1};
}

static void say_failed(const struct ct_alarm_figures *f, const struct ct_error *err)
{
    const struct ct_desk_options *o = &f->desk->options;
    char line[500];
    if (o->log) {
        (void)snprintf(line, sizeof line, "level=error event=alarm_figures_failed text=\"%.300s\"", err->text);
        o->log(o->context, line);
    }
}

static enum ct_alarm_got read_range(struct ct_alarm_figures *f, const struct ct_alarm *alarm, struct sight *sight)
{
    const struct ct_desk_options *o = &f->desk->options;
    struct ct_error err = {0};
    enum ct_status status = CT_OK;
    if (!f->store) {
        status = ct_store_open(o->store, CT_STORE_READ, &f->store, &err);
        f->store = status == CT_OK ? f->store : NULL;
    }
    if (status == CT_OK) {
        const struct ct_kpi_options *kpis = &f->terms->kpis;
        struct ct_terms terms = f->terms->terms;
        struct ct_slice_by by = {.field = {alarm->by}, .count = 1};
        struct ct_period span = span_of(f, alarm);
        terms.as_of = CT_USEC_NONE;
        const struct ct_range_options options = {.from = span.from,
                                                 .to = span.to,
                                                 .by = alarm->sliced ? &by : NULL,
                                                 .terms = &terms,
                                                 .kpis = kpis,
                                                 .conversations_max = o->range_max,
                                                 .events_max = o->range_events_max,
                                                 .bytes_max = o->range_bytes_max};
        ct_usec began = monotonic();
        status = ct_range_compute(f->store, &options, &sight->range, &err);
        if (status == CT_OK && sight->compared) {
            status = ct_desk_compare_range(f->store, &options, &sight->range, &sight->before, &err);
        }
        f->took += monotonic() - began;
    }
    if (status != CT_OK && status != CT_LIMIT) {
        say_failed(f, &err);
    }
    return status == CT_OK ? CT_ALARM_GOT : status == CT_LIMIT ? CT_ALARM_GOT_TOO_LARGE : CT_ALARM_GOT_NOTHING;
}

static void look(struct ct_alarm_figures *f, const struct ct_alarm *alarm, struct sight *sight)
{
    const struct ct_desk_options *o = &f->desk->options;
    enum ct_window window;
    bool live = is_window(alarm, &window) && !sight->compared && (!ct_alarm_any_kpi(alarm, needs_store) || !o->store);
    if (live) {
        enum ct_status status =
            ct_live_compute(ct_tap_live(o->tap), window, alarm->sliced ? &alarm->by : NULL, &sight->live);
        if (status != CT_NOT_FOUND) { /* else: windows are not kept by that field */
            sight->got = status == CT_OK ? CT_ALARM_GOT : CT_ALARM_GOT_NOTHING;
            return;
        }
    }
    if (!o->store) {
        sight->got = CT_ALARM_GOT_NO_STORE;
    } else if (!f->ranges_due) {
        sight->got = CT_ALARM_GOT_LATER;
    } else {
        sight->ranged = true;
        sight->got = read_range(f, alarm, sight);
    }
}

/* Would both be answered by the same figures? */
static bool same_sight(const struct sight *sight, const struct ct_alarm *alarm, bool compared, bool store)
{
    return strcmp(sight->window, alarm->window) == 0 && sight->sliced == alarm->sliced &&
           (!alarm->sliced || sight->by == alarm->by) && sight->compared == compared && (sight->ranged || !store);
}

enum ct_alarm_got ct_alarm_figures_get(struct ct_alarm_figures *f, const struct ct_alarm *alarm,
                                       struct ct_alarm_view *out)
{
    bool compared = ct_alarm_compares(alarm), store = ct_alarm_any_kpi(alarm, needs_store);
    struct sight *sight = NULL;
    for (size_t i = 0; i < f->count && !sight; i++) {
        sight = same_sight(&f->sights[i], alarm, compared, store) ? &f->sights[i] : NULL;
    }
    if (!sight) {
        sight = &f->sights[f->count++];
        *sight =
            (struct sight){.window = alarm->window, .sliced = alarm->sliced, .by = alarm->by, .compared = compared};
        look(f, alarm, sight);
    }
    if (sight->ranged) {
        *out = (struct ct_alarm_view){&sight->range.total, sight->range.slices, sight->range.slice_count};
    } else {
        *out = (struct ct_alarm_view){&sight->live.total, sight->live.slices, sight->live.slice_count};
    }
    return sight->got;
}
