/* desk_alarms.c - the alarms' thread, and what is asked of it. See desk_alarms.h. Where the figures come from is
 * desk_alarm_figures.c's.
 */
#include "plugin/gate/desk_alarms.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plugin/gate/desk_alarm_figures.h"
#include "plugin/gate/desk_state.h"
#include "plugin/tape/background.h"
#include "sinks/alarms.h"

enum { NICE = 10, TURNS_MAX = 64 };

struct turn { /* to be told once the lock is free */
    struct ct_alarm_entry *entries;
    size_t count, capacity;
};

struct ct_desk_alarms {
    struct ct_desk *desk;
    const struct ct_desk_options *options;
    struct ct_desk_terms *terms;  /* that evaluations are by; referenced; the thread's own, as is */
    struct ct_desk_terms *before; /* those before: the book still has their words. NULL = none; and */
    struct ct_courier *courier;   /* NULL = none was needed yet; the thread's own */
    bool delivers;                /* lock: by it */
    bool keeps;                   /* in options->alarm_state */
    bool said_unkept;
    struct ct_alarm_figures *figures; /* the thread's own */
    struct turn turned;
    pthread_t thread;
    bool started;
    atomic_bool stopping, retermed;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct ct_alarm_kept kept; /* lock; the outbox the thread's own */
    struct ct_alarm_unjudged *unjudged;
    size_t unjudged_count;         /* lock */
    ct_usec judged_at;             /* lock */
    struct ct_alarm_counts counts; /* lock */
};

static ct_usec monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

static void say(const struct ct_desk_alarms *a, const char *line)
{
    if (a->options->log) {
        a->options->log(a->options->context, line);
    }
}

static void say_error(const struct ct_desk_alarms *a, const char *event, const struct ct_error *err)
{
    char line[600], text[400];
    size_t len = 0;
    for (const char *c = err->text; *c && len + 1 < sizeof text; c++) {
        text[len++] = (unsigned char)*c < ' ' || *c == '"' || *c == '\\' ? '\'' : *c;
    }
    text[len] = '\0';
    (void)snprintf(line, sizeof line, "level=error event=%s text=\"%s\"", event, text);
    say(a, line);
}

static bool is_stopping(void *context)
{
    return atomic_load(&((struct ct_desk_alarms *)context)->stopping);
}

/* ---- its beginning and end -----------------------------------------------------------------------------------------
 */

static void open_kept(struct ct_desk_alarms *a)
{
    struct ct_error err = {0};
    if (!a->options->alarm_state) {
        return;
    }
    enum ct_status status = ct_alarm_file_read(a->options->alarm_state, &a->kept, &err);
    a->keeps = status == CT_OK || status == CT_NOT_FOUND;
    if (!a->keeps) { /* alarms may be told again: better than a tap that does not start */
        ct_alarm_kept_done(&a->kept);
        say_error(a, "alarm_state_refused", &err);
    }
}

/* To whom the terms say. Where they say nobody the courier is kept for who comes after. */
static void address_courier(struct ct_desk_alarms *a, const struct ct_desk_terms *terms)
{
    struct ct_error err = {0};
    const struct ct_courier_options options = {.url = terms->alarm_webhook,
                                               .authorities = terms->alarm_authorities,
                                               .secrets = terms->alarm_secrets,
                                               .now = a->options->now,
                                               .stopping = is_stopping,
                                               .context = a};
    bool delivers = terms->alarm_webhook && (a->courier ? ct_courier_readdress(a->courier, &options, &err)
                                                        : ct_courier_new(&options, &a->courier, &err)) == CT_OK;
    if (terms->alarm_webhook && !delivers) {
        say_error(a, "alarm_webhook_refused", &err);
    }
    pthread_mutex_lock(&a->lock);
    a->delivers = delivers;
    pthread_mutex_unlock(&a->lock);
}

/* What was told of the terms before has been told: their words may go. */
static void leave_terms(struct ct_desk_alarms *a)
{
    if (a->before) {
        pthread_mutex_lock(&a->lock);
        ct_alarm_book_reword(&a->kept.book, a->terms->alarms, a->terms->alarm_count);
        pthread_mutex_unlock(&a->lock);
        ct_desk_terms_unref(a->before);
        a->before = NULL;
    }
}

/* The desk's terms, where they are others. Without memory for what they need the ones before stay for now. */
static void take_terms(struct ct_desk_alarms *a)
{
    struct ct_desk_terms *terms = ct_desk_terms_now(a->desk);
    struct ct_alarm_unjudged *unjudged = NULL;
    if (terms == a->terms) {
        ct_desk_terms_unref(terms);
        return;
    }
    unjudged = calloc(terms->alarm_count + 1, sizeof *unjudged);
    if (!unjudged || !ct_alarm_figures_reterm(a->figures, terms)) {
        say(a, "level=error event=alarm_terms_refused text=\"out of memory; tried again at the next evaluation\"");
        free(unjudged);
        ct_desk_terms_unref(terms);
        return;
    }
    pthread_mutex_lock(&a->lock);
    free(a->unjudged); /* its names are those of the terms before */
    a->unjudged = unjudged;
    a->unjudged_count = 0;
    pthread_mutex_unlock(&a->lock);
    address_courier(a, terms);
    a->before = a->terms;
    a->terms = terms;
    ct_outbox_hurry(&a->kept.outbox); /* another receiver, or another way to it */
}

struct ct_desk_alarms *ct_desk_alarms_new(struct ct_desk *desk)
{
    struct ct_desk_alarms *a = calloc(1, sizeof *a);
    pthread_condattr_t attributes;
    if (!a) {
        return NULL;
    }
    a->desk = desk;
    a->options = &desk->options;
    a->judged_at = CT_USEC_NONE;
    a->turned.capacity = TURNS_MAX;
    a->turned.entries = calloc(TURNS_MAX, sizeof *a->turned.entries);
    a->figures = ct_alarm_figures_new(desk);
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (a->figures && a->turned.entries) {
        take_terms(a);
    }
    if (!a->terms) {
        ct_desk_alarms_free(a);
        return NULL;
    }
    open_kept(a);
    return a;
}

void ct_desk_alarms_free(struct ct_desk_alarms *a)
{
    if (!a) {
        return;
    }
    ct_desk_alarms_stop(a);
    ct_courier_free(a->courier);
    ct_alarm_figures_free(a->figures);
    ct_alarm_kept_done(&a->kept);
    ct_desk_terms_unref(a->before);
    ct_desk_terms_unref(a->terms);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a->turned.entries);
    free(a->unjudged);
    free(a);
}

/* ---- an evaluation -------------------------------------------------------------------------------------------------
 */

static void on_turn(void *context, const struct ct_alarm_entry *entry)
{
    struct turn *turned = context;
    if (turned->count == turned->capacity) {
        struct ct_alarm_entry *grown = realloc(turned->entries, 2 * turned->capacity * sizeof *grown);
        if (!grown) {
            return; /* it stands in the book all the same */
        }
        turned->entries = grown;
        turned->capacity *= 2;
    }
    turned->entries[turned->count++] = *entry;
}

static void clean(const char *text, char *out, size_t room)
{
    size_t len = 0;
    for (; *text && len + 1 < room; text++) {
        out[len++] = (unsigned char)*text < ' ' || *text == 0x7f || *text == '"' || *text == '\\' ? '\'' : *text;
    }
    out[len] = '\0';
}

static void log_turn(const struct ct_desk_alarms *a, const struct ct_alarm_entry *entry)
{
    char line[1024], slice[CT_ALARM_SLICE_BYTES], because[512], text[CT_ALARM_BECAUSE_BYTES], id[CT_ALARM_ID_BYTES];
    clean(entry->slice, slice, sizeof slice);
    (void)ct_alarm_because(entry, CT_LANG_EN, text);
    clean(text, because, sizeof because);
    ct_alarm_id(entry, id);
    (void)snprintf(line, sizeof line,
                   "level=%s event=alarm name=%s state=%s severity=%s by=%s slice=\"%s\" kpi=%s id=%s because=\"%s\"",
                   entry->phase == CT_ALARM_RAISED ? "warn" : "info", entry->name, ct_alarm_phase_text(entry->phase),
                   ct_alarm_severity_text(entry->severity), entry->by, slice, entry->kpi, id, because);
    say(a, line);
}

/* Kept before it is told: what was told may be told again after a crash, and be dropped by its id; never not at all. */
static void keep(struct ct_desk_alarms *a)
{
    struct ct_error err = {0};
    if (!a->keeps) {
        return;
    }
    bool good = ct_alarm_file_write(a->options->alarm_state, &a->kept, &err) == CT_OK;
    if (!good && !a->said_unkept) {
        say_error(a, "alarm_state_failed", &err);
    }
    a->said_unkept = !good;
    a->kept.outbox.changed = false;
}

static void tell_turned(struct ct_desk_alarms *a)
{
    for (size_t i = 0; a->delivers && i < a->turned.count; i++) {
        if (ct_alarm_post(&a->kept.outbox, &a->turned.entries[i], a->options->now()) != CT_OK) {
            say(a, "level=error event=alarm_not_posted text=\"out of memory\"");
        }
    }
    if (a->turned.count || a->kept.book.count) {
        keep(a);
    }
    for (size_t i = 0; i < a->turned.count; i++) {
        log_turn(a, &a->turned.entries[i]);
        ct_desk_feed_alarm(a->desk->feed, &a->turned.entries[i]);
    }
    a->turned.count = 0;
}

static void note_counts(struct ct_desk_alarms *a)
{
    const struct ct_outbox *outbox = &a->kept.outbox;
    struct ct_alarm_counts *counts = &a->counts;
    pthread_mutex_lock(&a->lock);
    counts->raised = 0;
    for (size_t i = 0; i < a->kept.book.count; i++) {
        counts->raised += a->kept.book.entries[i].phase == CT_ALARM_RAISED;
    }
    counts->waiting = outbox->count;
    counts->delivered = outbox->delivered;
    counts->failed = outbox->failed;
    counts->given_up = outbox->given_up;
    counts->dropped = outbox->dropped;
    counts->full = a->kept.book.full;
    pthread_mutex_unlock(&a->lock);
}

static void leave(struct ct_desk_alarms *a, const struct ct_alarm *alarm, const char *const reason[CT_LANG_COUNT])
{
    a->unjudged[a->unjudged_count++] =
        (struct ct_alarm_unjudged){.name = alarm->name, .reason = {reason[CT_LANG_EN], reason[CT_LANG_ES]}};
}

void ct_desk_alarms_beat(struct ct_desk_alarms *a)
{
    const struct ct_alarm_ear ear = {&a->turned, on_turn};
    ct_usec now = a->options->now();
    take_terms(a);
    const struct ct_desk_terms *terms = a->terms;
    ct_alarm_figures_begin(a->figures, now);
    pthread_mutex_lock(&a->lock);
    a->unjudged_count = 0;
    a->judged_at = now;
    a->counts.evaluations++;
    (void)!ct_alarm_book_settle(&a->kept.book, terms->alarms, terms->alarm_count, now, &ear);
    pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < terms->alarm_count && !atomic_load(&a->stopping); i++) {
        const struct ct_alarm *alarm = &terms->alarms[i];
        struct ct_alarm_view view;
        enum ct_alarm_got got = ct_alarm_figures_get(a->figures, alarm, &view);
        pthread_mutex_lock(&a->lock);
        if (got == CT_ALARM_GOT) {
            (void)!ct_alarm_judge(alarm, view.total, view.slices, view.slice_count, now, &a->kept.book, &ear);
        } else if (got != CT_ALARM_GOT_LATER) {
            leave(a, alarm, ct_alarm_got_text(got));
        }
        pthread_mutex_unlock(&a->lock);
    }
    ct_alarm_figures_end(a->figures);
    tell_turned(a);
    note_counts(a);
    leave_terms(a);
}

/* ---- the thread ----------------------------------------------------------------------------------------------------
 */

/* Until `due` of the monotonic clock, or until it is to end. */
static void nap(struct ct_desk_alarms *a, ct_usec due)
{
    const struct timespec until = {.tv_sec = due / CT_USEC_PER_SECOND, .tv_nsec = due % CT_USEC_PER_SECOND * 1000};
    pthread_mutex_lock(&a->lock);
    if (!atomic_load(&a->stopping) && !atomic_load(&a->retermed)) {
        pthread_cond_timedwait(&a->changed, &a->lock, &until);
    }
    pthread_mutex_unlock(&a->lock);
}

static void *run(void *context)
{
    struct ct_desk_alarms *a = context;
    const struct ct_desk_options *o = a->options;
    ct_usec next = monotonic();
    ct_background_thread(NICE);
    while (!atomic_load(&a->stopping)) {
        ct_usec now = monotonic();
        if (atomic_exchange(&a->retermed, false) || now >= next) {
            ct_desk_alarms_beat(a);
            next = now + (a->terms->alarm_every > 0 ? a->terms->alarm_every : CT_USEC_PER_MINUTE);
        }
        bool tried = a->delivers && !atomic_load(&a->stopping) &&
                     ct_outbox_try(&a->kept.outbox, a->courier, o->now, o->random(), o->log, o->context);
        if (tried) {
            keep(a);
            note_counts(a);
            continue;
        }
        ct_usec due = a->delivers ? ct_outbox_due(&a->kept.outbox) : CT_USEC_NONE;
        ct_usec wait = due == CT_USEC_NONE ? next : monotonic() + (due - o->now());
        nap(a, wait < next ? wait : next);
    }
    return NULL;
}

enum ct_status ct_desk_alarms_start(struct ct_desk_alarms *a)
{
    atomic_store(&a->stopping, false);
    a->started = pthread_create(&a->thread, NULL, run, a) == 0;
    return a->started ? CT_OK : CT_LIMIT;
}

void ct_desk_alarms_reterm(struct ct_desk_alarms *a)
{
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->retermed, true);
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

void ct_desk_alarms_stop(struct ct_desk_alarms *a)
{
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->stopping, true);
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (a->started) {
        pthread_join(a->thread, NULL);
        a->started = false;
        if (a->kept.book.count || a->kept.outbox.changed) {
            keep(a);
        }
    }
}

/* ---- what is asked -------------------------------------------------------------------------------------------------
 */

static void write_entries(struct ct_writer *json, const char *key, const struct ct_alarm_entry *entries, size_t count)
{
    ct_writer_key(json, key);
    ct_writer_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        ct_alarm_json(json, &entries[i]);
    }
    ct_writer_close(json, ']');
}

static void write_count(struct ct_writer *json, const char *key, uint64_t count)
{
    ct_writer_key(json, key);
    ct_writer_wide(json, (ct_wide)count);
}

static void write_delivery(struct ct_writer *json, const struct ct_desk_alarms *a)
{
    ct_writer_key(json, "delivery");
    ct_writer_open(json, '{');
    ct_writer_key(json, "webhook");
    ct_writer_bool(json, a->delivers);
    write_count(json, "waiting", a->counts.waiting);
    write_count(json, "delivered", a->counts.delivered);
    write_count(json, "failed", a->counts.failed);
    write_count(json, "given_up", a->counts.given_up);
    write_count(json, "dropped", a->counts.dropped);
    ct_writer_close(json, '}');
}

static void write_unjudged(struct ct_writer *json, const struct ct_desk_alarms *a)
{
    ct_writer_key(json, "not_judged");
    ct_writer_open(json, '[');
    for (size_t i = 0; i < a->unjudged_count; i++) {
        ct_writer_open(json, '{');
        ct_writer_key(json, "name");
        ct_writer_text(json, a->unjudged[i].name);
        ct_writer_both(json, "reason", a->unjudged[i].reason);
        ct_writer_close(json, '}');
    }
    ct_writer_close(json, ']');
}

void ct_desk_alarms_answer(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_desk *desk = context;
    struct ct_desk_alarms *a = desk->alarms;
    struct ct_answer body;
    if (!ct_desk_no_query(request, reply)) {
        return;
    }
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    pthread_mutex_lock(&a->lock);
    ct_writer_open(&body.json, '{');
    ct_writer_key(&body.json, "judged_at");
    ct_writer_time(&body.json, a->judged_at);
    write_count(&body.json, "evaluations", a->counts.evaluations);
    write_entries(&body.json, "current", a->kept.book.entries, a->kept.book.count);
    write_entries(&body.json, "past", a->kept.book.past, a->kept.book.past_count);
    write_unjudged(&body.json, a);
    write_delivery(&body.json, a);
    ct_writer_close(&body.json, '}');
    pthread_mutex_unlock(&a->lock);
    ct_out_char(&body.out, '\n');
    ct_answer_reply(&body, reply, CT_TYPE_JSON);
}

static bool same_place(const struct ct_alarm_gauge *gauge, const struct ct_alarm_entry *entry)
{
    return strcmp(gauge->name, entry->name) == 0 && strcmp(gauge->by, entry->by) == 0 &&
           strcmp(gauge->slice, entry->slice) == 0 && strcmp(gauge->kpi, entry->kpi) == 0;
}

static void put_gauge(struct ct_alarm_gauge *out, size_t *count, const struct ct_alarm_entry *entry)
{
    for (size_t i = 0; i < *count; i++) {
        if (same_place(&out[i], entry)) {
            return;
        }
    }
    if (*count < CT_ALARM_GAUGES_MAX) {
        struct ct_alarm_gauge *gauge = &out[(*count)++];
        memcpy(gauge->name, entry->name, sizeof gauge->name);
        memcpy(gauge->by, entry->by, sizeof gauge->by);
        memcpy(gauge->slice, entry->slice, sizeof gauge->slice);
        memcpy(gauge->kpi, entry->kpi, sizeof gauge->kpi);
        gauge->raised = entry->phase == CT_ALARM_RAISED;
    }
}

size_t ct_desk_alarms_gauges(struct ct_desk_alarms *a, struct ct_alarm_gauge *out, struct ct_alarm_counts *counts)
{
    const struct ct_alarm_book *book = &a->kept.book;
    size_t count = 0;
    pthread_mutex_lock(&a->lock);
    for (int raised = 1; raised >= 0; raised--) {
        for (size_t i = 0; i < book->count; i++) {
            if ((book->entries[i].phase == CT_ALARM_RAISED) == raised) {
                put_gauge(out, &count, &book->entries[i]);
            }
        }
    }
    for (size_t i = 0; i < book->past_count; i++) { /* so that the fall to 0 is seen */
        put_gauge(out, &count, &book->past[i]);
    }
    *counts = a->counts;
    pthread_mutex_unlock(&a->lock);
    return count;
}
