/* batch.c - runs the three stages over a number of threads and puts their results together. See batch.h. */
#include "cli/batch_state.h"

#include "metrics/answers.h"
#include "metrics/marks.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARTITIONS_LEAST = 16, PARTITIONS_MOST = 512, PARTITION_BYTES = 6 << 20 };

void ct_batch_fail(struct ct_worker *w, enum ct_status status, const struct ct_error *error)
{
    w->status = status;
    if (error != &w->error) {
        w->error = *error;
    }
    w->error.status = status;
    if (!w->error.text[0]) {
        snprintf(w->error.text, sizeof w->error.text, "%s", ct_status_text(status));
    }
    atomic_store(&w->batch->stop, true);
    pthread_mutex_lock(&w->batch->lock);
    pthread_cond_broadcast(&w->batch->changed);
    pthread_mutex_unlock(&w->batch->lock);
}

/* ---- workers
 * ------------------------------------------------------------------------------------------------------------ */

static bool worker_init(struct ct_worker *w, struct ct_batch *b)
{
    const struct ct_batch_options *options = b->options;
    w->batch = b;
    w->newest = CT_USEC_NONE;
    ct_arena_init(&w->scratch, 65536, 0);
    w->counts = calloc(b->list->count + 1, sizeof *w->counts);
    if (!w->counts) {
        return false;
    }
    if (b->each) {
        return true;
    }
    if (!b->given) {
        w->matcher = ct_matcher_new(options->rules);
        if (!w->matcher) {
            return false;
        }
        w->conversation = ct_conversation_new(options->rules, w->matcher, &options->conversation);
        w->messages = ct_spill_writer_new(b->messages);
    }
    w->customers = ct_spill_writer_new(b->customers);
    w->events = ct_spill_writer_new(b->events);
    bool fold = ct_batch_fold_new(w);
    w->lines = options->records ? ct_sorter_run_new(options->records) : NULL;
    w->themes = options->themes ? ct_sorter_run_new(options->themes) : NULL;
    return (b->given || (w->conversation && w->messages)) && w->customers && w->events && fold &&
           (!options->records || w->lines) && (!options->themes || w->themes);
}

static void worker_done(struct ct_worker *w)
{
    struct ct_error ignored = {0};
    ct_conversation_free(w->conversation);
    ct_matcher_free(w->matcher);
    (void)!ct_spill_writer_done(w->messages, &ignored);
    (void)!ct_spill_writer_done(w->customers, &ignored);
    (void)!ct_spill_writer_done(w->events, &ignored);
    (void)!ct_sorter_run_done(w->lines, &ignored);
    (void)!ct_sorter_run_done(w->themes, &ignored);
    ct_batch_fold_done(&w->fold[0]);
    ct_batch_fold_done(&w->fold[1]);
    free(w->picked);
    ct_arena_done(&w->scratch);
    free(w->piece);
    free(w->frames);
    free(w->held);
    ct_sessions_done(&w->sessions);
    free(w->counts);
    free(w->refusals);
    free(w->refusal_piece);
    ct_answers_free(w->answers);
}

static void *run_read(void *worker)
{
    ct_batch_read(worker);
    return NULL;
}
static void *run_close(void *worker)
{
    ct_batch_close(worker);
    return NULL;
}
static void *run_count(void *worker)
{
    ct_batch_count(worker);
    return NULL;
}

/* One stage on every worker; the first runs here, so one thread is really one. */
static enum ct_status run_stage(struct ct_batch *b, void *(*stage)(void *), struct ct_error *err)
{
    unsigned started = 1;
    atomic_store(&b->next_partition, 0);
    for (; started < b->worker_count; started++) {
        if (pthread_create(&b->workers[started].thread, NULL, stage, &b->workers[started]) != 0) {
            break; /* fewer threads do the same work */
        }
    }
    stage(&b->workers[0]);
    for (unsigned i = 1; i < started; i++) {
        pthread_join(b->workers[i].thread, NULL);
    }
    for (unsigned i = 0; i < b->worker_count; i++) {
        if (b->workers[i].status != CT_OK) {
            *err = b->workers[i].error;
            return b->workers[i].status;
        }
    }
    return CT_OK;
}

static enum ct_status writer_done(struct ct_spill_writer **writer, enum ct_status status, struct ct_error *err)
{
    struct ct_error ignored = {0};
    enum ct_status one = ct_spill_writer_done(*writer, status == CT_OK ? err : &ignored);
    *writer = NULL;
    return status == CT_OK ? one : status;
}

/* What waits is handed over: messages and events after the first stage, records after the second. */
static enum ct_status hand_over(struct ct_batch *b, bool records, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    for (unsigned i = 0; i < b->worker_count; i++) {
        struct ct_worker *w = &b->workers[i];
        if (records) {
            status = writer_done(&w->customers, status, err);
        } else {
            status = writer_done(&w->messages, status, err);
            status = writer_done(&w->events, status, err);
        }
    }
    return status;
}

/* ---- results
 * ---------------------------------------------------------------------------------------------------------------- */

static int by_reason(const void *left, const void *right)
{
    return strcmp(((const struct ct_drop *)left)->reason, ((const struct ct_drop *)right)->reason);
}

static void add_drop(struct ct_batch_result *result, const char *reason, uint64_t count)
{
    for (size_t i = 0; i < result->drop_count; i++) {
        if (strcmp(result->drops[i].reason, reason) == 0) {
            result->drops[i].count += count;
            return;
        }
    }
    if (count) {
        result->drops[result->drop_count++] = (struct ct_drop){reason, count};
    }
}

static bool gather_refusals(const struct ct_batch *b, struct ct_batch_result *result)
{
    size_t count = 0;
    for (unsigned i = 0; i < b->worker_count; i++) {
        count += b->workers[i].refusal_count;
    }
    if (!count) {
        return true;
    }
    result->refusals = malloc(count * sizeof *result->refusals);
    if (!result->refusals) {
        return false;
    }
    for (unsigned i = 0; i < b->worker_count; i++) {
        const struct ct_worker *w = &b->workers[i];
        for (size_t r = 0; r < w->refusal_count; r++) {
            struct ct_batch_refusal *refusal = &result->refusals[result->refusal_count++];
            *refusal = w->refusals[r];
            if (refusal->line) { /* relative to its piece: add the lines of the pieces before */
                const struct ct_batch_input *input = &b->inputs[refusal->input];
                for (uint64_t p = 0; p < w->refusal_piece[r] && p < input->piece_count; p++) {
                    refusal->line += input->piece_lines[p];
                }
            }
        }
    }
    qsort(result->refusals, result->refusal_count, sizeof *result->refusals, ct_batch_by_place);
    if (result->refusal_count > CT_BATCH_REFUSALS_MAX) {
        result->refusal_count = CT_BATCH_REFUSALS_MAX;
    }
    return true;
}

/* Conversations that people marked and that are not in the input. */
static uint64_t unseen(const struct ct_batch *b)
{
    const struct ct_marks *marks = b->options->terms.marks;
    uint64_t count = 0;
    for (size_t i = 0; b->seen && i < marks->marked_count; i++) {
        count += !atomic_load(&b->seen[i]);
    }
    return count;
}

static bool gather(struct ct_batch *b, struct ct_batch_result *result)
{
    bool ok = true;
    result->inputs = calloc(b->list->count + 1, sizeof *result->inputs);
    result->drops =
        calloc((size_t)b->worker_count * CT_REASONS_MAX + 5 + b->options->drop_count, sizeof *result->drops);
    if (!result->inputs || !result->drops || !gather_refusals(b, result)) {
        return false;
    }
    result->input_count = b->list->count;
    for (size_t i = 0; i < b->list->count; i++) {
        struct ct_input_note *note = &result->inputs[i];
        note->path = strdup(b->list->files[i].path);
        note->sha256 = strdup(b->inputs[i].hash);
        note->bytes = b->inputs[i].disk_bytes;
        ok &= note->path && note->sha256;
        for (unsigned t = 0; t < b->worker_count; t++) {
            const struct ct_input_counts *counts = &b->workers[t].counts[i];
            note->messages += counts->messages;
            note->conversations += counts->conversations;
            note->events += counts->events;
            note->refused += counts->refused;
            result->refused += counts->refused;
        }
    }
    for (unsigned t = 0; t < b->worker_count; t++) {
        struct ct_worker *w = &b->workers[t];
        struct ct_matcher_stats stats = {0};
        for (size_t i = 0; i < w->reason_count; i++) {
            add_drop(result, w->reasons[i].name, w->reasons[i].count);
        }
        result->duplicate_messages += w->duplicate_messages;
        result->duplicate_conversations += w->duplicate_conversations;
        result->duplicate_events += w->duplicate_events;
        result->events += w->events_counted;
        if (w->matcher) {
            ct_matcher_stats(w->matcher, &stats);
            result->matching.messages += stats.messages;
            result->matching.candidates += stats.candidates;
            result->matching.pcre_calls += stats.pcre_calls;
            result->matching.hits += stats.hits;
            result->matching.rule_errors += stats.rule_errors;
            result->matching.quarantined += stats.quarantined;
            result->matching.texts_cut += stats.texts_cut;
        }
    }
    add_drop(result, "duplicate_message", result->duplicate_messages);
    add_drop(result, "duplicate_conversation", result->duplicate_conversations);
    add_drop(result, "duplicate_event", result->duplicate_events);
    for (size_t i = 0; i < b->options->drop_count; i++) {
        add_drop(result, b->options->drops[i].reason, b->options->drops[i].count);
    }
    add_drop(result, "label_without_conversation", unseen(b));
    add_drop(result, "rule_error", result->matching.rule_errors);
    qsort(result->drops, result->drop_count, sizeof *result->drops, by_reason);
    result->as_of = b->terms.as_of;
    result->terms = b->terms;
    result->compared = b->compared;
    result->terms_before = b->terms_before;
    result->terms.answers = result->terms_before.answers = NULL; /* they go with the batch */
    return ok;
}

static enum ct_status merge(struct ct_batch *b, struct ct_batch_result *result)
{
    struct ct_batch_fold *fold = b->workers[0].fold;
    enum ct_status status = CT_OK;
    for (unsigned i = 1; i < b->worker_count && status == CT_OK; i++) {
        status = ct_batch_fold_merge(&fold[0], &b->workers[i].fold[0]);
        status = status == CT_OK ? ct_batch_fold_merge(&fold[1], &b->workers[i].fold[1]) : status;
    }
    if (status == CT_OK) {
        result->kpis = fold[0].kpis;
        result->slices = fold[0].slices;
        result->kpis_before = fold[1].kpis;
        result->slices_before = fold[1].slices;
        memcpy(result->also, fold[0].also, sizeof result->also);
        memcpy(result->also_before, fold[1].also, sizeof result->also_before);
        result->also_count = fold[0].also_count;
        ct_fees_of(&fold[0].fees, &b->terms, &result->fees);
        ct_fees_of(&fold[1].fees, &b->terms_before, &result->fees_before);
        memset(fold, 0, sizeof b->workers[0].fold);
    }
    return status;
}

void ct_batch_done(struct ct_batch_result *result)
{
    ct_kpis_free(result->kpis);
    ct_slices_free(result->slices);
    ct_kpis_free(result->kpis_before);
    ct_slices_free(result->slices_before);
    for (size_t a = 0; a < result->also_count; a++) {
        ct_slices_free(result->also[a]);
        ct_slices_free(result->also_before[a]);
    }
    for (size_t i = 0; i < result->input_count; i++) {
        free((char *)(uintptr_t)result->inputs[i].path);
        free((char *)(uintptr_t)result->inputs[i].sha256);
    }
    free(result->inputs);
    free(result->drops);
    free(result->refusals);
    *result = (struct ct_batch_result){0};
}

/* ---- the run
 * ------------------------------------------------------------------------------------------------------------------ */

static bool batch_init(struct ct_batch *b)
{
    uint64_t bytes = 0;
    bool unknown = b->given != NULL;
    for (size_t i = 0; i < b->list->count; i++) {
        bytes += b->list->files[i].bytes;
        size_t len = strlen(b->list->files[i].path);
        unknown |= b->list->files[i].bytes == 0 || (len > 3 && strcmp(b->list->files[i].path + len - 3, ".gz") == 0) ||
                   (len > 4 && strcmp(b->list->files[i].path + len - 4, ".zst") == 0);
    }
    b->disk_total = bytes;
    uint64_t partitions = (unknown ? bytes * 8 : bytes) / PARTITION_BYTES;
    partitions = partitions < (unknown ? 64 : PARTITIONS_LEAST) ? (unknown ? 64 : PARTITIONS_LEAST) : partitions;
    partitions = partitions > PARTITIONS_MOST ? PARTITIONS_MOST : partitions;
    b->inputs = calloc(b->list->count + 1, sizeof *b->inputs);
    b->workers = calloc(b->worker_count, sizeof *b->workers);
    if (!b->inputs || !b->workers) {
        return false;
    }
    if (!b->each) {
        b->messages = ct_spill_new((unsigned)partitions, b->worker_count, b->options->memory_bytes / 8 * 5);
        b->customers = ct_spill_new((unsigned)partitions, b->worker_count, b->options->memory_bytes / 8 * 2);
        b->events = ct_spill_new((unsigned)partitions, b->worker_count, b->options->memory_bytes / 8);
        if (!b->messages || !b->customers || !b->events) {
            return false;
        }
    }
    bool ok = true;
    for (unsigned i = 0; i < b->worker_count && ok; i++) {
        ok = worker_init(&b->workers[i], b);
    }
    return ok;
}

static void batch_done(struct ct_batch *b)
{
    ct_batch_source_close(b);
    free(b->source.carry);
    for (unsigned i = 0; b->workers && i < b->worker_count; i++) {
        worker_done(&b->workers[i]);
    }
    for (size_t i = 0; b->inputs && i < b->list->count; i++) {
        free(b->inputs[i].piece_lines);
    }
    ct_spill_free(b->messages);
    ct_spill_free(b->customers);
    ct_spill_free(b->events);
    ct_answers_free(b->answers);
    free(b->workers);
    free(b->inputs);
    free(b->seen);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
}

static void *release_spill(void *spill)
{
    ct_spill_free(spill);
    return NULL;
}

static enum ct_status run(struct ct_batch *b, struct ct_batch_result *result, struct ct_error *err)
{
    if (!batch_init(b)) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    enum ct_status status = b->given ? ct_batch_take_given(b, err) : run_stage(b, run_read, err);
    if (status != CT_OK || b->each) {
        return status;
    }
    status = hand_over(b, false, err);
    if (status == CT_OK && !b->given) {
        status = run_stage(b, run_close, err);
    }
    if (status == CT_OK) {
        status = hand_over(b, true, err);
    }
    ct_usec newest = CT_USEC_NONE; /* the least */
    for (unsigned i = 0; i < b->worker_count; i++) {
        newest = b->workers[i].newest > newest ? b->workers[i].newest : newest;
    }
    b->terms = b->options->terms;
    const struct ct_marks *marks = b->terms.marks;
    b->seen = marks ? calloc(marks->marked_count + 1, sizeof *b->seen) : NULL;
    if (marks && !b->seen) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    ct_batch_settle(&b->terms, newest);
    b->compared = ct_periods_settle(&b->options->periods, &b->terms, &b->terms_before);
    if (status == CT_OK) {
        status = ct_batch_gather_answers(b, err);
    }
    result->spilled_bytes =
        ct_spill_file_bytes(b->messages) + ct_spill_file_bytes(b->customers) + ct_spill_file_bytes(b->events);
    /* The messages are not needed any more. Giving a large temporary file back takes the kernel a while: beside the
     * counting, where there is a thread to spare. */
    pthread_t releasing;
    bool released = b->worker_count > 1 && pthread_create(&releasing, NULL, release_spill, b->messages) == 0;
    if (released) {
        b->messages = NULL;
    }
    if (status == CT_OK) {
        status = run_stage(b, run_count, err);
    }
    for (unsigned i = 0; i < b->worker_count && status == CT_OK; i++) {
        status = ct_sorter_run_done(b->workers[i].lines, err);
        b->workers[i].lines = NULL;
    }
    for (unsigned i = 0; i < b->worker_count && status == CT_OK; i++) {
        status = ct_sorter_run_done(b->workers[i].themes, err);
        b->workers[i].themes = NULL;
    }
    if (status == CT_OK) {
        status = merge(b, result);
    }
    if (released) {
        pthread_join(releasing, NULL);
    }
    if (status == CT_OK && !gather(b, result)) {
        status = ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    return status;
}

enum ct_status ct_batch_start(struct ct_batch *b, struct ct_batch_result *result, struct ct_error *err)
{
    *result = (struct ct_batch_result){0};
    b->worker_count = b->options->threads ? b->options->threads : 1;
    if (pthread_mutex_init(&b->lock, NULL) != 0 || pthread_cond_init(&b->changed, NULL) != 0) {
        return ct_error_set(err, CT_NO_MEMORY, "cannot make a lock");
    }
    enum ct_status status = run(b, result, err);
    batch_done(b);
    if (status != CT_OK) {
        ct_batch_done(result);
    }
    return status;
}

enum ct_status ct_batch_run(const struct ct_batch_options *options, const struct ct_input_list *inputs,
                            struct ct_batch_result *result, struct ct_error *err)
{
    struct ct_batch b = {.options = options, .list = inputs};
    return ct_batch_start(&b, result, err);
}

enum ct_status ct_batch_each(const struct ct_batch_options *options, const struct ct_input_list *inputs,
                             const struct ct_parse_out *out, uint64_t *events, struct ct_error *err)
{
    struct ct_batch b = {.options = options, .list = inputs, .worker_count = 1, .each = out};
    struct ct_batch_result none = {0};
    if (pthread_mutex_init(&b.lock, NULL) != 0 || pthread_cond_init(&b.changed, NULL) != 0) {
        return ct_error_set(err, CT_NO_MEMORY, "cannot make a lock");
    }
    enum ct_status status = run(&b, &none, err);
    for (size_t i = 0; events && i < inputs->count; i++) {
        *events = (i ? *events : 0) + (b.workers && b.workers[0].counts ? b.workers[0].counts[i].events : 0);
    }
    batch_done(&b);
    return status;
}
