/* judge.c - the tap's thread; see judge.h.
 *
 * What it holds in memory can be had again from the tape: where the store fails (a full disk, mostly) it lets go of
 * everything, waits, and begins again from the state file, as a restart does. The store passes over what it has.
 */
#include "plugin/tap/judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/tape/background.h"

enum {
    NICE = 10,
    FRAMES_A_TURN = 512,    /* between two looks at the clock and what else is to do, */
    MESSAGES_A_BREATH = 4,  /* between two looks whether others wait for the processor, as long as no more than */
    BEHIND_BYTES = 1 << 20, /* of the tape wait */
    GROUP_RECORDS = 2000,   /* a transaction of the store at the most, */
    SETUP_SHARE = 32, /* setups said again are no more than this part of the tape, however small its segments are */
};
#define GROUP_USEC                                                                                                     \
    ((ct_usec)50000) /* or this long: its pages and sums are written once, however many conversations changed them */
#define RETRY_USEC CT_USEC_PER_SECOND
#define LIVE_LOAD_USEC                                                                                                 \
    (25 * CT_USEC_PER_HOUR) /* of the store into the windows at a start: a day and the hour before it */

/* ---- what the pipeline publishes --------------------------------------------------------------------------------- */

static bool is_behind(const struct ct_reach *reach, const struct ct_reach *other)
{
    return reach->frame < other->frame || (reach->frame == other->frame && reach->of_frame < other->of_frame);
}

static enum ct_status on_publish(void *context, const struct ct_published *published)
{
    struct ct_tap *tap = context;
    enum ct_status status = tap->sink ? ct_record_sink_publish(tap->sink, published, &tap->error) : CT_OK;
    /* The live figures had it before the judge began again. */
    if (status == CT_OK && !is_behind(&tap->done, &tap->shown)) {
        status = ct_live_fold(tap->live, published->first_published_at, published->replaced, published->record);
        if (status == CT_OK && tap->options.on_publish) {
            tap->options.on_publish(tap->options.context, published);
        }
    }
    tap->done.of_frame += status == CT_OK;
    return status;
}

static void on_drop(void *context, const char *reason, uint64_t count)
{
    struct ct_tap *tap = context;
    if (!is_behind(&tap->told, &tap->counted)) {
        ct_tap_count_drop(tap, reason, count);
    }
    tap->told.of_frame++;
}

/* Into the same group of the store as what was published before and after it: both are there, or neither, and the store
 * says with them how far the tape is in it. What is read a second time is there already; so is what the store is handed
 * again after a kill, and it changes nothing. */
static enum ct_status on_business(void *context, const struct ct_business *event)
{
    struct ct_tap *tap = context;
    if (tap->resuming) {
        return CT_OK;
    }
    enum ct_status status = tap->sink ? ct_record_sink_business(tap->sink, event, &tap->error) : CT_OK;
    if (status != CT_OK) {
        return status;
    }
    if (!is_behind(&tap->done, &tap->shown)) {
        pthread_mutex_lock(&tap->lock);
        tap->events++;
        pthread_mutex_unlock(&tap->lock);
    }
    tap->done.of_frame++;
    if (!tap->sink) {
        on_drop(tap, "business_event_not_stored", 1);
    }
    return CT_OK;
}

/* Another message, or frame, is done: is it time to let others past? */
static bool breath_due(struct ct_tap *tap)
{
    bool due = !tap->behind && ++tap->without_breath >= MESSAGES_A_BREATH;
    tap->without_breath = due ? 0 : tap->without_breath;
    return due;
}

static void on_judged(void *context)
{
    if (breath_due(context)) {
        ct_background_give_way();
    }
}

/* Before everything is done anew: what the live figures and the counters have by now. */
static void note_reach(struct ct_tap *tap)
{
    tap->shown = is_behind(&tap->done, &tap->shown) ? tap->shown : tap->done;
    tap->counted = is_behind(&tap->told, &tap->counted) ? tap->counted : tap->told;
}

/* ---- setups ------------------------------------------------------------------------------------------------------ */

static enum ct_status keep_setup(struct ct_tap *tap, uint64_t position, ct_span packed)
{
    const struct ct_kept_setup *last = tap->setup_count ? &tap->setups[tap->setup_count - 1] : NULL;
    if (last && ct_span_eq((ct_span){last->packed, last->len}, packed)) {
        return CT_OK;
    }
    struct ct_kept_setup *setups = realloc(tap->setups, (tap->setup_count + 1) * sizeof *setups);
    char *copy = setups ? malloc(packed.len + 1) : NULL;
    tap->setups = setups ? setups : tap->setups;
    if (!copy) {
        return CT_NO_MEMORY;
    }
    memcpy(copy, packed.at, packed.len);
    tap->setups[tap->setup_count++] = (struct ct_kept_setup){position, copy, packed.len};
    return CT_OK;
}

static void note_setup(struct ct_tap *tap)
{
    const struct ct_feed_setup *setup = ct_feed_setup(tap->feed);
    if (setup) {
        pthread_mutex_lock(&tap->lock);
        snprintf(tap->setup_hash, sizeof tap->setup_hash, "%s", setup->setup->hash);
        snprintf(tap->rules_hash, sizeof tap->rules_hash, "%s", setup->setup->rules->hash);
        pthread_mutex_unlock(&tap->lock);
    }
}

/* Those that no open conversation can need any more. */
static void forget_setups(struct ct_tap *tap, uint64_t replay_from)
{
    size_t gone = 0;
    while (gone + 1 < tap->setup_count && tap->setups[gone + 1].position <= replay_from) {
        free(tap->setups[gone++].packed);
    }
    if (!gone) {
        return;
    }
    tap->setup_count -= gone;
    memmove(tap->setups, tap->setups + gone, tap->setup_count * sizeof *tap->setups);
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static enum ct_status keep_place(struct ct_tap *tap, uint64_t position, ct_usec now)
{
    struct ct_place *places = realloc(tap->places, (tap->place_count + 1) * sizeof *places);
    if (!places) {
        return CT_NO_MEMORY;
    }
    places[tap->place_count++] = (struct ct_place){position, now};
    tap->places = places;
    return CT_OK;
}

/* The last one at or before `position`; those before it go. */
static struct ct_place first_place(struct ct_tap *tap, uint64_t position)
{
    size_t gone = 0;
    while (gone + 1 < tap->place_count && tap->places[gone + 1].position <= position) {
        gone++;
    }
    tap->place_count -= gone;
    memmove(tap->places, tap->places + gone, tap->place_count * sizeof *tap->places);
    return tap->places[0];
}

static ct_usec pipeline_now(const struct ct_tap *tap)
{
    struct ct_pipeline_stats stats;
    ct_pipeline_stats(tap->pipeline, &stats);
    return stats.now;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static void let_go(struct ct_tap *tap)
{
    pthread_mutex_lock(&tap->judging);
    ct_feed_free(tap->feed);
    ct_pipeline_free(tap->pipeline);
    tap->feed = NULL;
    tap->pipeline = NULL;
    pthread_mutex_unlock(&tap->judging);
    ct_record_sink_close(tap->sink);
    tap->sink = NULL;
    ct_tape_reader_close(tap->reader);
    tap->reader = NULL;
    for (size_t i = 0; i < tap->setup_count; i++) {
        free(tap->setups[i].packed);
    }
    free(tap->setups);
    tap->setups = NULL;
    tap->setup_count = 0;
    free(tap->places);
    tap->places = NULL;
    tap->place_count = 0;
}

static enum ct_status make(struct ct_tap *tap)
{
    if (tap->store_path) {
        enum ct_status status = ct_record_sink_open(tap->store_path, &tap->sink, &tap->error);
        if (status != CT_OK) {
            return status;
        }
        ct_store_pace(ct_record_sink_store(tap->sink), ct_background_give_way);
    }
    const struct ct_pipeline_sink sink = {.context = tap, .publish = on_publish, .drop = on_drop, .judged = on_judged};
    const struct ct_feed_sink beside = {tap, on_drop, on_business};
    pthread_mutex_lock(&tap->judging);
    tap->pipeline = ct_pipeline_new(&sink, &tap->options.limits);
    tap->feed = tap->pipeline ? ct_feed_new(tap->pipeline, &tap->options.setups, &beside) : NULL;
    pthread_mutex_unlock(&tap->judging);
    return tap->feed ? CT_OK : ct_error_set(&tap->error, CT_NO_MEMORY, "out of memory for the pipeline");
}

static enum ct_status feed(struct ct_tap *tap, const struct ct_tape_entry *entry, uint64_t position)
{
    uint64_t messages = 0;
    tap->done = tap->told = (struct ct_reach){position, 0};
    enum ct_status status = entry->kind == CT_TAPE_SETUP ? keep_setup(tap, position, entry->bytes) : CT_OK;
    if (status == CT_OK) {
        status = ct_feed_frame(tap->feed, entry, position, &messages, &tap->error);
    }
    if (entry->kind == CT_TAPE_SETUP) {
        note_setup(tap);
    }
    if (messages && position >= tap->shown.frame) {
        ct_live_messages(tap->live, entry->at, messages);
    }
    tap->last_at = entry->at;
    return status;
}

/* A gap in the tape has a name and a count; the rest goes on. */
static void tell_gap(struct ct_tap *tap)
{
    if (tap->position >= tap->counted.frame) {
        ct_tap_count_drop(tap, "tape_damaged", 1);
    }
    ct_tap_say(tap, "level=error event=tape_damaged text=\"%s\"", tap->error.text);
    tap->error = (struct ct_error){0};
}

/* Frames that end at or before `limit`, at most FRAMES_A_TURN. CT_NOT_FOUND = there are no more. */
static enum ct_status feed_some(struct ct_tap *tap, uint64_t limit)
{
    enum ct_status status = CT_OK;
    pthread_mutex_lock(&tap->judging);
    tap->behind = limit - tap->position > BEHIND_BYTES;
    for (unsigned i = 0; i < FRAMES_A_TURN && status == CT_OK; i++) {
        struct ct_tape_entry entry;
        uint64_t position, end;
        if (breath_due(tap)) {
            pthread_mutex_unlock(&tap->judging);
            ct_background_give_way();
            pthread_mutex_lock(&tap->judging);
        }
        status = ct_tape_reader_next(tap->reader, limit, &entry, &position, &end, &tap->error);
        if (status == CT_OK) {
            status = feed(tap, &entry, position);
            tap->position = status == CT_OK ? end : tap->position;
        } else if (status == CT_REFUSED) {
            tell_gap(tap);
            status = CT_OK;
        }
    }
    pthread_mutex_lock(&tap->wake_lock);
    ct_pipeline_stats(tap->pipeline, &tap->figures);
    pthread_mutex_unlock(&tap->wake_lock);
    pthread_mutex_unlock(&tap->judging);
    return status;
}

/* The part of the tape that only the conversations which were open at `state->judged` have to see again. */
static enum ct_status resume(struct ct_tap *tap, const struct ct_tap_state *state)
{
    const struct ct_tape_entry setup = {.kind = CT_TAPE_SETUP, .bytes = state->setup};
    pthread_mutex_lock(&tap->judging);
    enum ct_status status = state->setup.len ? feed(tap, &setup, 0) : CT_OK;
    if (status == CT_OK && state->now != CT_USEC_NONE) {
        status = ct_pipeline_tick(tap->pipeline, state->now);
    }
    bool again = status == CT_OK && state->replay_from < state->judged;
    if (again) {
        ct_pipeline_resume(tap->pipeline, state->marks, state->mark_count);
    }
    pthread_mutex_unlock(&tap->judging);
    if (status == CT_OK) {
        status = keep_place(tap, tap->position, state->now);
    }
    if (status == CT_OK && again) {
        tap->resuming = true;
        while (status == CT_OK) {
            status = feed_some(tap, state->judged);
        }
        tap->resuming = false;
        status = status == CT_NOT_FOUND ? CT_OK : status;
        pthread_mutex_lock(&tap->judging);
        ct_pipeline_resume(tap->pipeline, NULL, 0);
        pthread_mutex_unlock(&tap->judging);
    }
    if (status == CT_OK && tap->position > tap->places[0].position) {
        status = keep_place(tap, tap->position, pipeline_now(tap));
    }
    return status;
}

static enum ct_status begin(struct ct_tap *tap)
{
    struct ct_tap_state state = {.now = CT_USEC_NONE};
    void *memory = NULL;
    uint64_t start = 0;
    enum ct_status status = make(tap);
    if (status == CT_OK) {
        enum ct_status found = ct_tap_state_read(tap->folder, &state, NULL, &memory, &tap->error);
        uint64_t applied = found == CT_OK && tap->sink ? ct_store_applied(ct_record_sink_store(tap->sink)) : UINT64_MAX;
        if (applied < state.judged) { /* a new store, or an older copy: it gets all that the tape has */
            ct_tap_say(tap, "level=warn event=store_behind applied=%" PRIu64 " judged=%" PRIu64, applied, state.judged);
        }
        if (found != CT_OK || applied < state.judged || state.judged > ct_tape_committed(tap->tape)) {
            state = (struct ct_tap_state){.now = CT_USEC_NONE};
        }
        if (state.judged > tap->counted.frame) { /* counted by who judged it */
            tap->counted = (struct ct_reach){state.judged, 0};
        }
        status = ct_tape_reader_open(tap->folder, state.replay_from, &tap->reader, &start, &tap->error);
    }
    if (status == CT_OK && start > state.replay_from && state.replay_from) {
        ct_tap_count_drop(tap, "tape_removed", 1);
        ct_tap_say(tap, "level=error event=tape_removed wanted=%" PRIu64 " oldest=%" PRIu64, state.replay_from, start);
    }
    tap->position = start;
    if (status == CT_OK) {
        status = resume(tap, &state);
    }
    free(memory);
    return status;
}

/* ---- the windows at a start -------------------------------------------------------------------------------------- */

static enum ct_status fold_row(void *context, const struct ct_store_row *row)
{
    struct ct_tap *tap = context;
    enum ct_status status = ct_live_fold(tap->live, row->first_published_at, NULL, row->record);
    tap->loaded_row = status == CT_OK ? row->row : tap->loaded_row;
    return status;
}

/* What the tape's part before this start brought has not been shown: it is in the store. */
static enum ct_status load_live(struct ct_tap *tap)
{
    ct_usec now = tap->options.now();
    ct_live_tick(tap->live, now);
    if (!tap->sink) {
        return CT_OK;
    }
    const struct ct_store_filter today = {.started_from = CT_USEC_NONE,
                                          .started_before = CT_USEC_NONE,
                                          .published_from = now - LIVE_LOAD_USEC,
                                          .published_before = CT_USEC_NONE,
                                          .after = tap->loaded_row}; /* where the try before ended */
    enum ct_status status = ct_store_each(ct_record_sink_store(tap->sink), &today, fold_row, tap, &tap->error);
    if (status == CT_REFUSED) { /* a row that cannot be read: no reason not to go on with what comes */
        ct_tap_say(tap, "level=error event=windows_not_loaded text=\"%s\"", tap->error.text);
        tap->error = (struct ct_error){0};
        status = CT_OK;
    }
    return status;
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

static void tell_judged(struct ct_tap *tap)
{
    pthread_mutex_lock(&tap->wake_lock);
    tap->judged = tap->position;
    tap->judged_at = tap->last_at;
    pthread_cond_broadcast(&tap->judged_changed);
    pthread_mutex_unlock(&tap->wake_lock);
}

static enum ct_status commit(struct ct_tap *tap, bool durable)
{
    enum ct_status status = CT_OK;
    if (tap->sink && (durable || ct_record_sink_waiting(tap->sink))) {
        status = ct_record_sink_commit(tap->sink, tap->position, durable, &tap->error);
    }
    if (status == CT_OK) {
        tell_judged(tap);
    }
    return status;
}

static enum ct_status write_state(struct ct_tap *tap)
{
    enum ct_status status = commit(tap, true);
    if (status != CT_OK) {
        return status;
    }
    struct ct_pipeline_stats stats;
    ct_pipeline_stats(tap->pipeline, &stats);
    struct ct_open_mark *marks = malloc((stats.open + 1) * sizeof *marks);
    struct ct_streams *streams = ct_streams_new();
    bool good = marks && streams && keep_place(tap, tap->position, stats.now) == CT_OK;
    pthread_mutex_lock(&tap->lock);
    for (size_t i = 0; good && i < ct_streams_count(tap->streams); i++) {
        const struct ct_stream *from = ct_streams_get(tap->streams, i);
        struct ct_stream *to = ct_streams_at(streams, (ct_span){from->names, from->source_len},
                                             (ct_span){from->names + from->source_len, from->stream_len});
        good = to != NULL;
        if (good) {
            to->next = from->next;
        }
    }
    pthread_mutex_unlock(&tap->lock);
    status =
        good ? ct_tape_flush(tap->tape) : CT_NO_MEMORY; /* no number may stand in the file that is not on the tape */
    if (status == CT_OK) {
        const struct ct_place from = first_place(tap, stats.open ? stats.oldest_position : tap->position);
        struct ct_tap_state state = {.judged = tap->position,
                                     .replay_from = from.position,
                                     .now = from.now,
                                     .marks = marks,
                                     .mark_count = ct_pipeline_marks(tap->pipeline, marks)};
        forget_setups(tap, state.replay_from);
        if (tap->setup_count) {
            state.setup = (ct_span){tap->setups[0].packed, tap->setups[0].len};
        }
        status = ct_tap_state_write(tap->folder, &state, streams, &tap->error);
        if (status == CT_OK) {
            ct_tape_keep_from(tap->tape, state.replay_from);
        }
    }
    if (status != CT_OK) { /* the one before still holds: a restart replays more */
        ct_tap_count_drop(tap, "state_not_written", 1);
        ct_tap_say(tap, "level=error event=state_not_written text=\"%s\"", tap->error.text);
        tap->error = (struct ct_error){0};
    }
    free(marks);
    ct_streams_free(streams);
    return CT_OK;
}

uint64_t ct_tap_stretch(const struct ct_tap *tap, uint64_t position)
{
    uint64_t segment = tap->options.tape.segment_bytes, share = (uint64_t)tap->setup_len * SETUP_SHARE;
    return position / (segment > share ? segment : share);
}

/* Ticks, and the setup once in each stretch of the tape, so that what retention leaves can be judged. */
static void write_tape(struct ct_tap *tap)
{
    ct_usec now = tap->options.now();
    pthread_mutex_lock(&tap->lock);
    uint64_t stretch = ct_tap_stretch(tap, ct_tape_committed(tap->tape));
    if (stretch != tap->setup_segment) {
        const struct ct_tape_entry setup = {.kind = CT_TAPE_SETUP, .at = now, .bytes = {tap->setup, tap->setup_len}};
        if (ct_tape_append(tap->tape, &setup, NULL) == CT_OK) {
            tap->setup_segment = stretch;
        }
    }
    pthread_mutex_unlock(&tap->lock);
    if (now >= tap->tick_due || now < tap->tick_due - 2 * tap->options.tick_usec) {
        const struct ct_tape_entry tick = {.kind = CT_TAPE_TICK, .at = now};
        if (ct_tape_append(tap->tape, &tick, NULL) != CT_OK) {
            ct_tap_count_drop(tap, "tick_not_taken", 1);
        }
        ct_live_tick(tap->live, now);
        tap->tick_due = now + tap->options.tick_usec;
    }
}

/* Until something is committed behind `position` (UINT64_MAX: whatever is committed), or so much time has gone. */
static void sleep_until(struct ct_tap *tap, uint64_t position, ct_usec usec)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += (long)(usec % CT_USEC_PER_SECOND) * 1000;
    at.tv_sec += (time_t)(usec / CT_USEC_PER_SECOND) + at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    pthread_mutex_lock(&tap->wake_lock);
    int late = 0;
    while (!late && !atomic_load(&tap->stopping) &&
           (position == UINT64_MAX || ct_tape_committed(tap->tape) == position)) {
        late = pthread_cond_timedwait(&tap->wake, &tap->wake_lock, &at) == ETIMEDOUT;
    }
    pthread_mutex_unlock(&tap->wake_lock);
}

static enum ct_status catch_up(struct ct_tap *tap)
{
    enum ct_status status = CT_OK;
    while (status == CT_OK && !atomic_load(&tap->stopping)) {
        status = feed_some(tap, tap->opened_end);
        if (status == CT_OK && tap->sink && ct_record_sink_waiting(tap->sink) >= GROUP_RECORDS) {
            status = commit(tap, false);
        }
    }
    status = status == CT_NOT_FOUND ? CT_OK : status;
    if (status == CT_OK && !atomic_load(&tap->stopping)) {
        status = commit(tap, false);
    }
    if (status == CT_OK && !atomic_load(&tap->stopping)) {
        status = load_live(tap);
        atomic_store(&tap->caught_up, status == CT_OK);
    }
    return status;
}

/* For a wait that no jump of the wall clock may lengthen. */
static ct_usec monotonic(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * CT_USEC_PER_SECOND + at.tv_nsec / 1000;
}

static enum ct_status go_on(struct ct_tap *tap)
{
    enum ct_status status = atomic_load(&tap->caught_up) ? CT_OK : catch_up(tap);
    ct_usec group_since = CT_USEC_NONE;
    while (status == CT_OK) {
        bool stopping = atomic_load(&tap->stopping);
        if (!stopping) {
            write_tape(tap);
        }
        uint64_t committed = ct_tape_committed(tap->tape);
        enum ct_status fed = tap->position < committed ? feed_some(tap, committed) : CT_NOT_FOUND;
        if (fed != CT_OK && fed != CT_NOT_FOUND) {
            return fed;
        }
        bool idle = fed == CT_NOT_FOUND;
        /* A tick of our own that came onto the tape meanwhile is judged, too: what a replay sees is what was stored. */
        if (stopping && idle && ct_tape_flush(tap->tape) == CT_OK && ct_tape_committed(tap->tape) > tap->position) {
            continue;
        }
        ct_usec now = tap->options.now();
        uint64_t waiting = tap->sink ? ct_record_sink_waiting(tap->sink) : 0;
        ct_usec passing = waiting ? monotonic() : 0;
        group_since = !waiting ? CT_USEC_NONE : group_since == CT_USEC_NONE ? passing : group_since;
        ct_usec group_wait = waiting ? group_since + GROUP_USEC - passing : 0;
        if (!waiting || waiting >= GROUP_RECORDS || group_wait <= 0 || stopping) {
            status = commit(tap, false);
            group_since = CT_USEC_NONE;
            group_wait = 0;
        }
        bool state_due = now >= tap->state_due || now < tap->state_due - 2 * tap->options.state_usec;
        if (status == CT_OK && (state_due || (stopping && idle))) {
            status = write_state(tap);
            tap->state_due = now + tap->options.state_usec;
        }
        if (stopping && idle) {
            return status == CT_OK ? CT_STOP : status;
        }
        if (status == CT_OK && idle) {
            ct_usec wait = group_wait && group_wait < tap->tick_due - now ? group_wait : tap->tick_due - now;
            sleep_until(tap, committed,
                        wait < 1000                     ? 1000
                        : wait > tap->options.tick_usec ? tap->options.tick_usec
                                                        : wait);
        }
    }
    return status;
}

static void set_problem(struct ct_tap *tap, const char *text, bool storing)
{
    pthread_mutex_lock(&tap->lock);
    snprintf(tap->problem, sizeof tap->problem, "%.199s", text);
    tap->storing = storing;
    pthread_mutex_unlock(&tap->lock);
}

/* Who waits for what came to be judged need not wait for a disk to have room. */
static void interrupt(struct ct_tap *tap)
{
    pthread_mutex_lock(&tap->wake_lock);
    atomic_store(&tap->interrupted, true);
    pthread_cond_broadcast(&tap->judged_changed);
    pthread_mutex_unlock(&tap->wake_lock);
}

void *ct_judge_run(void *context)
{
    struct ct_tap *tap = context;
    ct_background_thread(NICE); /* who is served comes first */
    for (bool last = false;;) {
        tap->error = (struct ct_error){0};
        enum ct_status status = begin(tap);
        if (status == CT_OK) {
            set_problem(tap, "", tap->sink != NULL);
            atomic_store(&tap->interrupted, false);
            status = go_on(tap);
        }
        if (status == CT_STOP) {
            break;
        }
        note_reach(tap);
        set_problem(tap, tap->error.text, false);
        interrupt(tap);
        ct_tap_count_drop(tap, "judging_interrupted", 1);
        ct_tap_say(tap, "level=error event=judging_interrupted status=\"%s\" text=\"%s\"", ct_status_text(status),
                   tap->error.text);
        let_go(tap);
        if (last) {
            return NULL; /* the state file is older: a restart judges what is left */
        }
        last = atomic_load(&tap->stopping); /* once more: it may have been of the moment */
        if (!last) {
            sleep_until(tap, UINT64_MAX, RETRY_USEC);
        }
    }
    let_go(tap);
    return NULL;
}
