/* tap.c - the tap's life, its intake and its health; see tap.h. The thread that judges is judge.c's. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/tap/judge.h"

enum { READY_BEHIND_SECONDS = 10 };

/* ---- what is said and counted ------------------------------------------------------------------------------------ */

void ct_tap_say(struct ct_tap *tap, const char *format, ...)
{
    char line[1024];
    va_list list;
    if (!tap->options.log) {
        return;
    }
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    tap->options.log(tap->options.context, line);
}

static void count_locked(struct ct_tap *tap, const char *reason, uint64_t count)
{
    size_t at = 0;
    while (at < tap->drop_count && strcmp(tap->drops[at].reason, reason) < 0) {
        at++;
    }
    if (at < tap->drop_count && strcmp(tap->drops[at].reason, reason) == 0) {
        tap->drops[at].count += count;
        return;
    }
    if (tap->drop_count == CT_TAP_REASONS_MAX) { /* more kinds than there are names in this program */
        tap->drops[CT_TAP_REASONS_MAX - 1].count += count;
        return;
    }
    memmove(&tap->drops[at + 1], &tap->drops[at], (tap->drop_count - at) * sizeof *tap->drops);
    tap->drops[at] = (struct ct_drop){reason, count};
    tap->drop_count++;
}

void ct_tap_count_drop(struct ct_tap *tap, const char *reason, uint64_t count)
{
    pthread_mutex_lock(&tap->lock);
    count_locked(tap, reason, count);
    pthread_mutex_unlock(&tap->lock);
}

/* ---- the intake -------------------------------------------------------------------------------------------------- */

/* Under the lock, so that the tape's order is the stream's. */
static enum ct_status append_numbered(struct ct_tap *tap, const struct ct_tape_entry *entry, uint64_t *end)
{
    struct ct_stream *stream = ct_streams_at(tap->streams, entry->source, entry->stream);
    if (!stream) {
        count_locked(tap, "streams_limit", 1);
        return CT_LIMIT;
    }
    if (entry->sequence < stream->next) {
        count_locked(tap, "resent", 1);
        if (end) {
            *end = stream->end;
        }
        return CT_OK;
    }
    if (entry->sequence > stream->next) {
        count_locked(tap, "sequence_gap", 1);
        return CT_USAGE;
    }
    uint64_t behind;
    enum ct_status status = ct_tape_append(tap->tape, entry, &behind);
    if (status == CT_OK) {
        stream->next++;
        stream->end = behind;
        if (end) {
            *end = behind;
        }
    }
    return status;
}

static enum ct_status intake_append(void *context, const struct ct_tape_entry *entry, uint64_t *end)
{
    struct ct_tap *tap = context;
    if (atomic_load_explicit(&tap->closing, memory_order_relaxed)) {
        return CT_STOP;
    }
    if (entry->source.len > UINT8_MAX || entry->stream.len > UINT8_MAX || entry->format.len > UINT8_MAX) {
        return CT_USAGE; /* no waiting makes a name shorter */
    }
    struct ct_tape_entry cut = *entry;
    cut.target.len = cut.target.len > UINT8_MAX ? UINT8_MAX : cut.target.len; /* of an address, mostly its query goes */
    if (!entry->sequence) {
        return ct_tape_append(tap->tape, &cut, end);
    }
    pthread_mutex_lock(&tap->lock);
    enum ct_status status = append_numbered(tap, &cut, end);
    pthread_mutex_unlock(&tap->lock);
    return status;
}

static uint64_t intake_committed(void *context)
{
    struct ct_tap *tap = context;
    return ct_tape_committed(tap->tape);
}

static uint64_t intake_next_sequence(void *context, ct_span source, ct_span stream)
{
    struct ct_tap *tap = context;
    pthread_mutex_lock(&tap->lock);
    const struct ct_stream *known = ct_streams_find(tap->streams, source, stream);
    uint64_t next = known ? known->next : 1;
    pthread_mutex_unlock(&tap->lock);
    return next;
}

static void intake_drop(void *context, const char *reason, uint64_t count)
{
    ct_tap_count_drop(context, reason, count);
}

static void on_committed(void *context, uint64_t position)
{
    struct ct_tap *tap = context;
    pthread_mutex_lock(&tap->wake_lock);
    pthread_cond_signal(&tap->wake);
    pthread_mutex_unlock(&tap->wake_lock);
    if (tap->options.on_commit) {
        tap->options.on_commit(tap->options.context, position);
    }
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* How far each stream came: what the state file says, and what the tape has behind it. */
static enum ct_status recover_streams(struct ct_tap *tap, struct ct_error *err)
{
    struct ct_tap_state state = {0};
    struct ct_tape_reader *reader = NULL;
    struct ct_error ignored = {0};
    void *memory = NULL;
    uint64_t start;
    enum ct_status found = ct_tap_state_read(tap->folder, &state, tap->streams, &memory, &ignored);
    if (found == CT_REFUSED) {
        ct_tap_say(tap, "level=warn event=state_refused text=\"%s\"", ignored.text);
    }
    free(memory);
    if (found == CT_OK && state.judged > tap->opened_end) { /* of another tape: new numbers would pass for old ones */
        ct_tap_say(tap, "level=warn event=state_refused text=\"of a tape that goes further than the one here\"");
        ct_streams_free(tap->streams);
        tap->streams = ct_streams_new();
        if (!tap->streams) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory for the streams");
        }
        found = CT_NOT_FOUND;
    }
    enum ct_status status = ct_tape_reader_open(tap->folder, found == CT_OK ? state.judged : 0, &reader, &start, err);
    while (status == CT_OK) {
        struct ct_tape_entry entry;
        uint64_t position, end;
        status = ct_tape_reader_next(reader, tap->opened_end, &entry, &position, &end, &ignored);
        if (status == CT_OK && entry.kind == CT_TAPE_DATA && entry.sequence) {
            struct ct_stream *stream = ct_streams_at(tap->streams, entry.source, entry.stream);
            if (stream && entry.sequence >= stream->next) {
                stream->next = entry.sequence + 1;
            }
        }
        status = status == CT_REFUSED ? CT_OK : status; /* the judge says it */
    }
    ct_tape_reader_close(reader);
    for (size_t i = 0; i < ct_streams_count(tap->streams); i++) { /* all of it is safe */
        const struct ct_stream *known = ct_streams_get(tap->streams, i);
        struct ct_stream *stream = ct_streams_find(tap->streams, (ct_span){known->names, known->source_len},
                                                   (ct_span){known->names + known->source_len, known->stream_len});
        stream->end = tap->opened_end;
    }
    return status == CT_NOT_FOUND ? CT_OK : status;
}

static void set_defaults(struct ct_tap_options *options)
{
    options->tick_usec = options->tick_usec ? options->tick_usec : CT_USEC_PER_SECOND;
    options->state_usec = options->state_usec ? options->state_usec : CT_USEC_PER_MINUTE;
    options->tape.segment_bytes = options->tape.segment_bytes ? options->tape.segment_bytes : 64u << 20;
}

static void release(struct ct_tap *tap)
{
    ct_tape_close(tap->tape);
    ct_live_free(tap->live);
    ct_streams_free(tap->streams);
    pthread_mutex_destroy(&tap->lock);
    pthread_mutex_destroy(&tap->judging);
    pthread_mutex_destroy(&tap->wake_lock);
    pthread_cond_destroy(&tap->wake);
    pthread_cond_destroy(&tap->judged_changed);
    free(tap->setup);
    free(tap->folder);
    free(tap->store_path);
    free(tap);
}

static struct ct_tap *make(const struct ct_tap_options *options)
{
    struct ct_tap *tap = calloc(1, sizeof *tap);
    if (!tap) {
        return NULL;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&tap->lock, NULL);
    pthread_mutex_init(&tap->judging, NULL);
    pthread_mutex_init(&tap->wake_lock, NULL);
    pthread_cond_init(&tap->wake, &monotonic);
    pthread_cond_init(&tap->judged_changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    tap->options = *options;
    set_defaults(&tap->options);
    tap->intake = (struct ct_intake){tap, intake_append, intake_committed, intake_next_sequence, intake_drop};
    tap->started_at = options->now();
    tap->figures = (struct ct_pipeline_stats){.now = CT_USEC_NONE, .oldest_position = UINT64_MAX};
    tap->folder = strdup(options->tape.folder);
    tap->store_path = options->store ? strdup(options->store) : NULL;
    tap->streams = ct_streams_new();
    tap->live = ct_live_new(&options->live);
    tap->setup = malloc(options->setup.len + 1);
    if (!tap->folder || (options->store && !tap->store_path) || !tap->streams || !tap->live || !tap->setup) {
        release(tap);
        return NULL;
    }
    memcpy(tap->setup, options->setup.at, options->setup.len);
    tap->setup_len = options->setup.len;
    tap->options.tape.committed = on_committed;
    tap->options.tape.committed_context = tap;
    return tap;
}

/* A store that cannot be opened now is said now, not by a thread later; one that fails later is waited for. */
static enum ct_status try_store(const struct ct_tap *tap, struct ct_error *err)
{
    struct ct_record_sink *sink = NULL;
    enum ct_status status = tap->store_path ? ct_record_sink_open(tap->store_path, &sink, err) : CT_OK;
    ct_record_sink_close(sink);
    return status;
}

enum ct_status ct_tap_start(const struct ct_tap_options *options, struct ct_tap **out, struct ct_error *err)
{
    struct ct_tape_opened opened;
    struct ct_feed_setup setup = {0};
    *out = NULL;
    enum ct_status status = options->setups.open(options->setups.context, options->setup, &setup, err);
    if (status != CT_OK) {
        return status;
    }
    ct_setup_unref(setup.setup);
    struct ct_tap *tap = make(options);
    if (!tap) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory for the tap");
    }
    status = try_store(tap, err);
    if (status == CT_OK) {
        status = ct_tape_open(&tap->options.tape, &tap->tape, &opened, err);
    }
    if (status == CT_OK) {
        tap->opened_end = opened.end;
        tap->shown.frame = tap->store_path ? opened.end : 0;
        tap->setup_segment = ct_tap_stretch(tap, opened.end); /* it is appended below */
        ct_tape_keep_from(tap->tape, opened.begin);
        if (opened.cut_bytes) {
            ct_tap_say(tap, "level=warn event=tape_tail_cut bytes=%" PRIu64, opened.cut_bytes);
        }
        status = recover_streams(tap, err);
    }
    if (status == CT_OK) {
        const struct ct_tape_entry entry = {
            .kind = CT_TAPE_SETUP, .at = tap->started_at, .bytes = {tap->setup, tap->setup_len}};
        status = ct_tape_append(tap->tape, &entry, NULL);
    }
    if (status == CT_OK && pthread_create(&tap->thread, NULL, ct_judge_run, tap) != 0) {
        status = ct_error_set(err, CT_NO_MEMORY, "cannot start a thread");
    }
    if (status != CT_OK) {
        release(tap);
        return status;
    }
    *out = tap;
    return CT_OK;
}

const struct ct_intake *ct_tap_intake(struct ct_tap *tap)
{
    return &tap->intake;
}

struct ct_live *ct_tap_live(struct ct_tap *tap)
{
    return tap->live;
}

/* ---- while it runs -------------------------------------------------------------------------------------------------
 */

enum ct_status ct_tap_setup(struct ct_tap *tap, ct_span packed, struct ct_error *err)
{
    struct ct_feed_setup setup = {0};
    enum ct_status status = tap->options.setups.open(tap->options.setups.context, packed, &setup, err);
    if (status != CT_OK) {
        return status;
    }
    ct_setup_unref(setup.setup);
    char *copy = malloc(packed.len + 1);
    if (!copy) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory for the setup");
    }
    memcpy(copy, packed.at, packed.len);
    const struct ct_tape_entry entry = {.kind = CT_TAPE_SETUP, .at = tap->options.now(), .bytes = packed};
    pthread_mutex_lock(&tap->lock);
    status = ct_tape_append(tap->tape, &entry, NULL);
    if (status == CT_OK) {
        free(tap->setup);
        tap->setup = copy;
        tap->setup_len = packed.len;
        tap->reloads++;
    }
    pthread_mutex_unlock(&tap->lock);
    if (status != CT_OK) {
        free(copy);
        return ct_error_set(err, status, "the tape does not take the new setup: %s", ct_status_text(status));
    }
    return CT_OK;
}

enum ct_status ct_tap_settle(struct ct_tap *tap)
{
    struct ct_tape_stats stats;
    enum ct_status status = ct_tape_flush(tap->tape);
    if (status != CT_OK) {
        return status;
    }
    ct_tape_stats(tap->tape, &stats);
    pthread_mutex_lock(&tap->wake_lock);
    while (tap->judged < stats.committed && !atomic_load(&tap->stopping) && !atomic_load(&tap->interrupted)) {
        pthread_cond_wait(&tap->judged_changed, &tap->wake_lock);
    }
    status = tap->judged >= stats.committed ? CT_OK : atomic_load(&tap->stopping) ? CT_STOP : CT_IO;
    pthread_mutex_unlock(&tap->wake_lock);
    return status;
}

void ct_tap_stop(struct ct_tap *tap)
{
    if (!tap) {
        return;
    }
    atomic_store(&tap->closing, true);
    if (ct_tape_flush(tap->tape) != CT_OK) {
        ct_tap_say(tap, "level=error event=tape_not_flushed");
    }
    atomic_store(&tap->stopping, true);
    pthread_mutex_lock(&tap->wake_lock);
    pthread_cond_broadcast(&tap->wake);
    pthread_cond_broadcast(&tap->judged_changed);
    pthread_mutex_unlock(&tap->wake_lock);
    pthread_join(tap->thread, NULL);
    release(tap);
}

enum ct_status ct_tap_look(struct ct_tap *tap, ct_span tenant, ct_span conversation_id,
                           void (*record)(void *context, const struct ct_record *record, const struct ct_setup *setup),
                           void *context)
{
    pthread_mutex_lock(&tap->judging);
    enum ct_status status =
        tap->pipeline ? ct_pipeline_look(tap->pipeline, tenant, conversation_id, record, context) : CT_NOT_FOUND;
    pthread_mutex_unlock(&tap->judging);
    return status;
}

void ct_tap_health(struct ct_tap *tap, struct ct_tap_health *out)
{
    *out = (struct ct_tap_health){.started_at = tap->started_at, .now = tap->options.now()};
    ct_tape_stats(tap->tape, &out->tape);
    out->committed = out->tape.committed;
    out->recording = !out->tape.failing;
    pthread_mutex_lock(&tap->wake_lock);
    out->pipeline = tap->figures;
    out->judged = tap->judged;
    ct_usec judged_at = tap->judged_at;
    pthread_mutex_unlock(&tap->wake_lock);
    bool behind = out->judged < out->committed && judged_at && out->now > judged_at;
    out->behind_usec = behind ? out->now - judged_at : 0;
    pthread_mutex_lock(&tap->lock);
    out->storing = tap->storing;
    out->reloads = tap->reloads;
    out->events = tap->events;
    memcpy(out->setup_hash, tap->setup_hash, sizeof out->setup_hash);
    memcpy(out->rules_hash, tap->rules_hash, sizeof out->rules_hash);
    memcpy(out->drops, tap->drops, tap->drop_count * sizeof *tap->drops);
    out->drop_count = tap->drop_count;
    snprintf(out->problem_text, sizeof out->problem_text, "%s", tap->problem[0] ? tap->problem : out->tape.problem);
    pthread_mutex_unlock(&tap->lock);
    out->problem = out->problem_text;
    out->ready = atomic_load(&tap->caught_up) && !out->problem[0] &&
                 out->behind_usec <= READY_BEHIND_SECONDS * CT_USEC_PER_SECOND;
}
