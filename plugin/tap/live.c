/* live.c - the windows. Folded by the tap's thread; computed by whoever asks (API, metrics page, live feed).
 *
 * Two rings of states, minutes and hours; every conversation goes into one of each. A window is a sum of states, made
 * when it is asked for. The lock is held to take hold of the packed bytes of its states, not while they are added up,
 * so asking never keeps the tap waiting; only the few states that changed since are packed under it.
 */
#include "plugin/tap/live.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "engine/period.h"
#include "plugin/tap/live_state.h"
#include "plugin/tap/live_view.h"

#define SLICES_MAX_DEFAULT 50
#define MINUTES 61 /* the running one and those of an hour before it */
#define HOURS 32   /* of a day at the most; 25 where clocks are set back by one */
#define OPEN_SETS_MAX                                                                                                  \
    300 /* of 130 KB each that are touched; of all open states, but for the two that are folded into */

struct ring {
    struct ct_live_state *at;
    size_t count;
    int64_t oldest, running; /* numbers of the states that may exist; none while running < oldest */
};

/* The last answer of a window, kept until something changes. */
struct answer {
    bool known;
    uint64_t content; /* of the live it was computed from */
    struct ct_live_view view;
};

struct ct_live {
    pthread_mutex_t lock;
    struct ct_live_shape shape;
    struct ct_kpi_set *alone;   /* one record, to give it back; empty between calls */
    pthread_rwlock_t kpis_lock; /* held while figures are computed, never together with `lock` */
    const struct ct_kpi_options *kpis;
    ct_usec now;
    struct ct_period today; /* its hours have the numbers from day_number x HOURS on */
    int64_t day_number;
    struct ct_live_state minute_states[MINUTES], hour_states[HOURS];
    struct ring minutes, hours;
    uint64_t generation;
    uint64_t content; /* rises with what changes figures: not with messages, which are read each time */
    uint64_t folds;
    struct answer answers[CT_WINDOW_COUNT][CT_LIVE_PARTS_MAX];
};

static const char *const window_texts[] = {
#define X(name, text) text,
    CT_WINDOW_MAP(X)
#undef X
};

const char *ct_window_text(enum ct_window window)
{
    return window_texts[window];
}

bool ct_window_from(ct_span text, enum ct_window *out)
{
    for (int window = 0; window < CT_WINDOW_COUNT; window++) {
        if (ct_span_is(text, window_texts[window])) {
            *out = (enum ct_window)window;
            return true;
        }
    }
    return false;
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* ---- states ----------------------------------------------------------------------------------------------------- */

static void ring_init(struct ring *ring, struct ct_live_state *states, size_t count)
{
    *ring = (struct ring){.at = states, .count = count, .oldest = 0, .running = -1};
    for (size_t i = 0; i < count; i++) {
        states[i].number = CT_LIVE_NUMBER_NONE;
    }
}

static struct ct_live_state *slot(const struct ring *ring, int64_t number)
{
    int64_t place = number % (int64_t)ring->count;
    return &ring->at[place < 0 ? place + (int64_t)ring->count : place];
}

static void ring_advance(struct ring *ring, int64_t oldest, int64_t running)
{
    ring->oldest = oldest;
    ring->running = running;
    for (size_t i = 0; i < ring->count; i++) {
        if (ring->at[i].number != CT_LIVE_NUMBER_NONE && ring->at[i].number < oldest) {
            ct_live_state_clear(&ring->at[i]);
        }
    }
}

/* The state of that number, made if need be; NULL = its time has passed. */
static struct ct_live_state *state_of(const struct ring *ring, int64_t number)
{
    if (number < ring->oldest || number > ring->running) {
        return NULL;
    }
    struct ct_live_state *state = slot(ring, number);
    if (state->number != number) {
        ct_live_state_clear(state);
        state->number = number;
    }
    return state;
}

/* Counts the sets of a ring's open states; *oldest = the one of them that has not been folded into for longest. */
static size_t open_sets(const struct ring *ring, const struct ct_live_state *but, struct ct_live_state **oldest)
{
    size_t sets = 0;
    for (size_t i = 0; i < ring->count; i++) {
        struct ct_live_state *s = &ring->at[i];
        if (s != but && ct_live_state_is_open(s)) {
            sets += ct_live_state_sets(s);
            *oldest = !*oldest || s->used < (*oldest)->used ? s : *oldest;
        }
    }
    return sets;
}

/* Before a state is folded into. Revisions go to minutes that have passed, mostly to the last few: those stay open. */
static void make_room(struct ct_live *live, struct ct_live_state *state)
{
    state->used = ++live->folds;
    if (ct_live_state_is_open(state)) {
        return;
    }
    for (;;) {
        struct ct_live_state *oldest = NULL;
        size_t sets = open_sets(&live->minutes, state, &oldest);
        sets += open_sets(&live->hours, state, &oldest);
        if (!oldest || sets <= OPEN_SETS_MAX) {
            return;
        }
        ct_live_state_close(oldest, &live->shape);
        if (ct_live_state_is_open(oldest)) {
            return; /* no memory to pack it: it stays as it is */
        }
    }
}

/* Days go on as time does: where clocks set back would bring the day before again, today stays today. */
static void advance_day(struct ct_live *live, ct_usec now)
{
    if (live->day_number && now < live->today.to) {
        return;
    }
    struct ct_period day = ct_period_at(live->shape.zone, CT_PERIOD_DAY, now);
    if (!live->day_number || day.from > live->today.from) {
        live->today = day;
        live->day_number++;
    }
}

/* Which hour of the day, counted from its first moment: hours of a zone need not begin where those of UTC do. */
static int64_t hour_of(const struct ct_live *live, ct_usec at)
{
    if (at < live->today.from) {
        return INT64_MIN; /* of a day that has passed */
    }
    int64_t hour = (at - live->today.from) / CT_USEC_PER_HOUR;
    return live->day_number * HOURS + (hour < HOURS ? hour : HOURS - 1);
}

/* Time never goes back here, as in the pipeline. */
static void advance(struct ct_live *live, ct_usec now)
{
    if (!ct_period_dated(now) || (live->now != CT_USEC_NONE && now <= live->now)) {
        return;
    }
    advance_day(live, now);
    int64_t minute = floor_div(now, CT_USEC_PER_MINUTE), hour = hour_of(live, now);
    bool first = live->now == CT_USEC_NONE;
    live->now = now;
    if (first || minute != live->minutes.running || hour != live->hours.running) {
        ring_advance(&live->minutes, minute - (MINUTES - 1), minute);
        ring_advance(&live->hours, live->day_number * HOURS, hour);
        live->content++;
        live->generation++;
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct ct_live *ct_live_new(const struct ct_live_options *options)
{
    assert(options->field_count <= CT_LIVE_FIELDS_MAX);
    struct ct_live *live = calloc(1, sizeof *live);
    if (!live) {
        return NULL;
    }
    live->shape.scratch = ct_kpis_new();
    live->alone = ct_kpis_new();
    pthread_rwlock_init(&live->kpis_lock, NULL); /* glibc's need no memory: neither fails */
    if (!live->shape.scratch || !live->alone || pthread_mutex_init(&live->lock, NULL) != 0) {
        ct_kpis_free(live->shape.scratch);
        ct_kpis_free(live->alone);
        free(live);
        return NULL;
    }
    live->shape.field_count = options->field_count;
    for (size_t i = 0; i < options->field_count; i++) {
        live->shape.fields[i] = options->fields[i];
    }
    live->shape.slices_max = options->slices_max ? options->slices_max : SLICES_MAX_DEFAULT;
    live->shape.zone = options->zone;
    live->kpis = options->kpis;
    live->now = CT_USEC_NONE;
    ring_init(&live->minutes, live->minute_states, MINUTES);
    ring_init(&live->hours, live->hour_states, HOURS);
    return live;
}

static void ring_clear(struct ring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        ct_live_state_clear(&ring->at[i]);
    }
}

void ct_live_free(struct ct_live *live)
{
    if (!live) {
        return;
    }
    ring_clear(&live->minutes);
    ring_clear(&live->hours);
    for (size_t window = 0; window < CT_WINDOW_COUNT; window++) {
        for (size_t part = 0; part < CT_LIVE_PARTS_MAX; part++) {
            ct_live_view_done(&live->answers[window][part].view);
        }
    }
    ct_kpis_free(live->shape.scratch);
    ct_kpis_free(live->alone);
    pthread_rwlock_destroy(&live->kpis_lock);
    pthread_mutex_destroy(&live->lock);
    free(live);
}

/* ---- folding ---------------------------------------------------------------------------------------------------- */

/* A record as one that nobody has compared with its customer's others: a store that an audit wrote to may have marked
 * it, the pipeline has not, and what is given back must be what was put in. *copy is the caller's to free. */
static enum ct_status unmarked(const struct ct_record *record, const struct ct_record **out, struct ct_record **copy)
{
    *copy = NULL;
    *out = record;
    if (!record || (record->first_contact == CT_NULL && !record->returned && record->observed_usec == 0)) {
        return CT_OK;
    }
    *copy = malloc(record->bytes);
    if (!*copy) {
        return CT_NO_MEMORY;
    }
    memcpy(*copy, record, record->bytes);
    ct_record_unmark(*copy);
    *out = *copy;
    return CT_OK;
}

/* Into its minute and its hour, where these are kept. */
static enum ct_status fold_states(struct ct_live *live, ct_usec published_at, const struct ct_record *replaced,
                                  const struct ct_record *record)
{
    struct ct_live_state *states[] = {state_of(&live->minutes, floor_div(published_at, CT_USEC_PER_MINUTE)),
                                      state_of(&live->hours, hour_of(live, published_at))};
    struct ct_kpi_set *sets[2 * CT_LIVE_PARTS_MAX];
    _Static_assert(2 * CT_LIVE_PARTS_MAX <= CT_KPIS_EACH_MAX, "all of them at once");
    size_t count = 0;
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < 2; i++) { /* before there are sets to fold into: it may close states */
        if (states[i]) {
            make_room(live, states[i]);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        bool taken = states[i] && replaced, folded = states[i] && record;
        enum ct_status take = taken ? ct_live_state_take(states[i], &live->shape, replaced, live->alone) : CT_OK;
        enum ct_status fold = folded ? ct_live_state_add(states[i], &live->shape, record, sets, &count) : CT_OK;
        status = take != CT_OK ? take : fold != CT_OK ? fold : status;
    }
    ct_kpis_fold_each(sets, count, record);
    return status;
}

enum ct_status ct_live_fold(struct ct_live *live, ct_usec first_published_at, const struct ct_record *replaced,
                            const struct ct_record *record)
{
    struct ct_record *replaced_copy = NULL, *record_copy = NULL;
    enum ct_status status = unmarked(replaced, &replaced, &replaced_copy);
    if (status == CT_OK) {
        status = unmarked(record, &record, &record_copy);
    }
    if (status == CT_OK && ct_period_dated(first_published_at)) {
        pthread_mutex_lock(&live->lock);
        advance(live, first_published_at);
        live->content++;
        live->generation++;
        if (replaced) {
            ct_kpis_fold(live->alone, replaced);
        }
        status = fold_states(live, first_published_at, replaced, record);
        if (replaced) {
            ct_kpis_zero(live->alone);
        }
        pthread_mutex_unlock(&live->lock);
    }
    free(replaced_copy);
    free(record_copy);
    return status;
}

void ct_live_messages(struct ct_live *live, ct_usec at, uint64_t count)
{
    if (!ct_period_dated(at) || count == 0) {
        return;
    }
    pthread_mutex_lock(&live->lock);
    advance(live, at);
    struct ct_live_state *minute = state_of(&live->minutes, floor_div(at, CT_USEC_PER_MINUTE));
    struct ct_live_state *hour = state_of(&live->hours, hour_of(live, at));
    if (minute) {
        minute->messages += count;
    }
    if (hour) {
        hour->messages += count;
    }
    live->generation += minute || hour;
    pthread_mutex_unlock(&live->lock);
}

void ct_live_tick(struct ct_live *live, ct_usec now)
{
    pthread_mutex_lock(&live->lock);
    advance(live, now);
    pthread_mutex_unlock(&live->lock);
}

void ct_live_retarget(struct ct_live *live, const struct ct_kpi_options *kpis)
{
    pthread_rwlock_wrlock(&live->kpis_lock);
    live->kpis = kpis;
    pthread_rwlock_unlock(&live->kpis_lock);
    pthread_mutex_lock(&live->lock); /* after them, so that no answer by the ones before is kept as one by these */
    live->content++;
    live->generation++;
    pthread_mutex_unlock(&live->lock);
}

uint64_t ct_live_generation(const struct ct_live *live)
{
    struct ct_live *locked = (struct ct_live *)(uintptr_t)live; /* the lock is no part of what is const */
    pthread_mutex_lock(&locked->lock);
    uint64_t generation = live->generation;
    pthread_mutex_unlock(&locked->lock);
    return generation;
}

/* ---- computing -------------------------------------------------------------------------------------------------- */

/* What a window is made of, held without the lock. */
struct held {
    struct ct_live_bytes *total[MINUTES], *slices[MINUTES];
    size_t count;
    uint64_t content;
};

_Static_assert(MINUTES >= HOURS, "a window has at most MINUTES states");

static const struct ring *ring_of(const struct ct_live *live, enum ct_window window, int64_t *first)
{
    static const int64_t minutes[] = {[CT_WINDOW_1M] = 1, [CT_WINDOW_5M] = 5, [CT_WINDOW_1H] = 60};
    if (window == CT_WINDOW_TODAY) {
        *first = live->hours.oldest;
        return &live->hours;
    }
    *first = live->minutes.running - minutes[window];
    return &live->minutes;
}

/* The view without figures. Under the lock. */
static void look(const struct ct_live *live, enum ct_window window, struct ct_live_view *view)
{
    memset(view, 0, sizeof *view);
    view->from = view->to = live->now;
    if (live->now == CT_USEC_NONE) {
        return;
    }
    int64_t first;
    const struct ring *ring = ring_of(live, window, &first);
    view->from = ring == &live->hours ? live->today.from : first * CT_USEC_PER_MINUTE;
    for (int64_t number = first; number <= ring->running; number++) {
        const struct ct_live_state *state = slot(ring, number);
        view->messages += state->number == number ? state->messages : 0;
    }
}

/* Under the lock. */
static enum ct_status hold(struct ct_live *live, enum ct_window window, size_t part, struct held *held)
{
    held->content = live->content;
    held->count = 0;
    int64_t first;
    const struct ring *ring = ring_of(live, window, &first);
    for (int64_t number = first; number <= ring->running; number++) {
        struct ct_live_state *state = slot(ring, number);
        if (state->number != number) {
            continue;
        }
        struct ct_live_bytes **total = &held->total[held->count], **slices = &held->slices[held->count];
        *slices = NULL;
        enum ct_status status = ct_live_state_bytes(state, 0, total);
        if (status == CT_OK && part > 0) {
            status = ct_live_state_bytes(state, part, slices);
        }
        held->count++;
        if (status != CT_OK) {
            return status;
        }
    }
    return CT_OK;
}

/* Under the lock. */
static void let_go(struct held *held)
{
    for (size_t i = 0; i < held->count; i++) {
        ct_live_bytes_unref(held->total[i]);
        ct_live_bytes_unref(held->slices[i]);
    }
}

/* Where there can be no value there is none, not a sum of nothing. */
static void blank(struct ct_block *block)
{
    struct ct_figure *figures = (struct ct_figure *)(uintptr_t)block->figures; /* of our own memory */
    for (size_t i = 0; i < block->figure_count; i++) {
        if (ct_kpi_of_customers(figures[i].kpi)) {
            figures[i].has_value = figures[i].has_interval = figures[i].has_error = false;
            figures[i].status = CT_STATUS_NONE;
        }
    }
}

/* Without the lock. */
static enum ct_status add_up(struct ct_live *live, const struct held *held, const enum ct_slice_field *by,
                             enum ct_profile profile, struct ct_live_view *view)
{
    struct ct_kpi_options kpis = {0};
    struct ct_block *blocks = NULL;
    size_t block_count = 0;
    struct ct_kpi_set *total = ct_kpis_new(), *scratch = ct_kpis_new();
    struct ct_kpi_slices *slices = by ? ct_slices_new(*by, live->shape.slices_max) : NULL;
    enum ct_status status = total && scratch && (slices || !by) ? CT_OK : CT_NO_MEMORY;
    if (slices) {
        ct_slices_zone(slices, live->shape.zone);
    }
    for (size_t i = 0; i < held->count && status == CT_OK; i++) {
        if (held->total[i]) {
            (void)ct_kpis_merge_packed(total, held->total[i]->packed.at, scratch);
        }
        if (held->slices[i]) {
            status = ct_slices_merge_packed(slices, held->slices[i]->packed.at, scratch);
        }
    }
    pthread_rwlock_rdlock(&live->kpis_lock);
    kpis = live->kpis ? *live->kpis : kpis;
    kpis.profile = profile;
    if (status == CT_OK) {
        status = ct_kpis_compute(total, &kpis, &view->total);
    }
    if (status == CT_OK && by) {
        status = ct_slices_compute(slices, &kpis, &blocks, &block_count);
    }
    pthread_rwlock_unlock(&live->kpis_lock);
    if (status == CT_OK) {
        status = ct_live_blocks_copy(blocks, block_count, &view->slices);
        view->slice_count = status == CT_OK ? block_count : 0;
    }
    if (status == CT_OK) {
        blank(&view->total);
        for (size_t i = 0; i < view->slice_count; i++) {
            blank(&view->slices[i]);
        }
    }
    ct_blocks_done(blocks, block_count);
    ct_slices_free(slices);
    ct_kpis_free(scratch);
    ct_kpis_free(total);
    return status;
}

/* The answer is kept for who asks next; without memory for it there is none. Under the lock. */
static void keep(struct answer *answer, uint64_t content, const struct ct_live_view *view)
{
    if (answer->known && answer->content >= content) {
        return;
    }
    ct_live_view_done(&answer->view);
    answer->content = content;
    answer->known = ct_live_view_copy(view, &answer->view) == CT_OK;
    if (!answer->known) {
        ct_live_view_done(&answer->view);
    }
}

enum ct_status ct_live_compute(struct ct_live *live, enum ct_window window, const enum ct_slice_field *by,
                               struct ct_live_view *out)
{
    return ct_live_compute_as(live, window, by, CT_PROFILE_CONVTAP, out);
}

enum ct_status ct_live_compute_as(struct ct_live *live, enum ct_window window, const enum ct_slice_field *by,
                                  enum ct_profile profile, struct ct_live_view *out)
{
    size_t part = 0;
    memset(out, 0, sizeof *out);
    if (by) {
        for (part = 1; part <= live->shape.field_count && live->shape.fields[part - 1] != *by; part++) {
        }
        if (part > live->shape.field_count) {
            return CT_NOT_FOUND;
        }
    }
    struct answer *answer = &live->answers[window][part];
    struct held held = {.count = 0};
    pthread_mutex_lock(&live->lock);
    look(live, window, out);
    bool own = profile == CT_PROFILE_CONVTAP, known = own && answer->known && answer->content == live->content;
    enum ct_status status = known ? ct_live_view_copy(&answer->view, out) : hold(live, window, part, &held);
    if (known || status != CT_OK) {
        let_go(&held);
        pthread_mutex_unlock(&live->lock);
    } else {
        pthread_mutex_unlock(&live->lock);
        status = add_up(live, &held, by, profile, out);
        pthread_mutex_lock(&live->lock);
        if (status == CT_OK && own) {
            keep(answer, held.content, out);
        }
        let_go(&held);
        pthread_mutex_unlock(&live->lock);
    }
    if (status != CT_OK) {
        ct_live_view_done(out);
    }
    return status;
}
