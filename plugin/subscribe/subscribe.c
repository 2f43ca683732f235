/* subscribe.c - the subscriber: one thread with one loop for all subscriptions, started and stopped. `convtap serve`
 * calls it; what happens on the thread is in line.c and wire.c.
 */
#include "plugin/subscribe/subscribe.h"

#include <signal.h>
#include <stdlib.h>

#include "plugin/subscribe/line.h"

#define SWEEP_MSEC 250u
#define CLOSING_MSEC 500u

bool ct_subscribe_kind_from(ct_span text, enum ct_subscribe_kind *out)
{
    static const char *const names[CT_SUBSCRIBE_COUNT] = {
#define X(name, text) [CT_SUBSCRIBE_##name] = text,
        CT_SUBSCRIBE_MAP(X)
#undef X
    };
    for (size_t i = 0; i < CT_SUBSCRIBE_COUNT; i++) {
        if (ct_span_is(text, names[i])) {
            *out = (enum ct_subscribe_kind)i;
            return true;
        }
    }
    return false;
}

static void begin_closing(struct ct_subscriber *subscriber)
{
    subscriber->closing = true;
    subscriber->closing_until = uv_now(&subscriber->loop) + CLOSING_MSEC;
    for (size_t i = 0; i < subscriber->count; i++)
        ct_line_stop(&subscriber->lines[i]);
}

static void look(struct ct_subscriber *subscriber)
{
    if (atomic_load(&subscriber->stopping) && !subscriber->closing)
        begin_closing(subscriber);
    ct_wire_sweep(subscriber);
    if (subscriber->closing && (!subscriber->wires || uv_now(&subscriber->loop) >= subscriber->closing_until))
        uv_stop(&subscriber->loop);
}

static void on_stir(uv_async_t *stir)
{
    look(stir->data);
}

static void on_sweep(uv_timer_t *sweep)
{
    look(sweep->data);
}

static void *run(void *context)
{
    struct ct_subscriber *subscriber = context;
    for (size_t i = 0; i < subscriber->count; i++)
        ct_line_start(&subscriber->lines[i]);
    uv_run(&subscriber->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Everything that start made, however far it came. */
static void tear_down(struct ct_subscriber *subscriber)
{
    subscriber->down = true;
    for (size_t i = 0; i < subscriber->count; i++)
        ct_line_close_timers(&subscriber->lines[i]);
    if (subscriber->timed) {
        uv_close((uv_handle_t *)&subscriber->stir, NULL);
        uv_close((uv_handle_t *)&subscriber->sweep, NULL);
    }
    ct_wire_context_free(subscriber);
    if (subscriber->looping) {
        uv_run(&subscriber->loop, UV_RUN_DEFAULT);
        uv_loop_close(&subscriber->loop);
    }
    for (size_t i = 0; i < subscriber->count; i++)
        ct_line_free(&subscriber->lines[i]);
    free(subscriber->lines);
    pthread_mutex_destroy(&subscriber->log_lock);
    free(subscriber);
}

static enum ct_status make_loop(struct ct_subscriber *subscriber, struct ct_error *err)
{
    if (uv_loop_init(&subscriber->loop))
        return ct_error_set(err, CT_NO_MEMORY, "subscriptions: no memory or no descriptors for a loop");
    subscriber->looping = true;
    if (uv_async_init(&subscriber->loop, &subscriber->stir, on_stir))
        return ct_error_set(err, CT_IO, "subscriptions: no more handles");
    uv_timer_init(&subscriber->loop, &subscriber->sweep);
    subscriber->timed = true;
    subscriber->stir.data = subscriber->sweep.data = subscriber;
    uv_timer_start(&subscriber->sweep, on_sweep, SWEEP_MSEC, SWEEP_MSEC);
    return ct_wire_context(subscriber, err);
}

/* Signals are for the thread that waits for them. */
static bool start_thread(struct ct_subscriber *subscriber)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&subscriber->thread, NULL, run, subscriber) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

enum ct_status ct_subscriber_start(const struct ct_subscription *subscriptions, size_t count,
                                   const struct ct_intake *intake, ct_usec (*now)(void), uint32_t (*random)(void),
                                   struct ct_subscriber **out, struct ct_error *err)
{
    struct ct_error own = {0};
    *out = NULL;
    err = err ? err : &own;
    struct ct_subscriber *subscriber = calloc(1, sizeof *subscriber);
    if (!subscriber)
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    pthread_mutex_init(&subscriber->log_lock, NULL);
    subscriber->intake = *intake;
    subscriber->now = now;
    subscriber->random = random;
    subscriber->lines = calloc(count + 1, sizeof *subscriber->lines);
    enum ct_status status = subscriber->lines ? make_loop(subscriber, err)
                                              : ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    for (size_t i = 0; i < count && status == CT_OK; i++)
        status = ct_line_open(subscriber, i, &subscriptions[i], err);
    if (status == CT_OK && !start_thread(subscriber))
        status = ct_error_set(err, CT_LIMIT, "subscriptions: no thread to be had");
    if (status == CT_OK)
        *out = subscriber;
    else
        tear_down(subscriber);
    return status;
}

void ct_subscriber_watch(struct ct_subscriber *subscriber, void (*log)(void *context, const char *line), void *context)
{
    pthread_mutex_lock(&subscriber->log_lock);
    subscriber->log = log;
    subscriber->log_context = context;
    pthread_mutex_unlock(&subscriber->log_lock);
    for (size_t i = 0; log && i < subscriber->count; i++) {
        struct ct_subscribe_stats stats;
        ct_subscriber_stats(subscriber, i, &stats);
        if (stats.problem[0])
            ct_line_say(&subscriber->lines[i], stats.problem);
    }
}

void ct_subscriber_stats(struct ct_subscriber *subscriber, size_t index, struct ct_subscribe_stats *out)
{
    struct ct_line *line = &subscriber->lines[index];
    pthread_mutex_lock(&line->lock);
    *out = line->stats;
    pthread_mutex_unlock(&line->lock);
}

void ct_subscriber_end(struct ct_subscriber *subscriber)
{
    if (atomic_exchange(&subscriber->stopping, true))
        return;
    uv_async_send(&subscriber->stir);
    pthread_join(subscriber->thread, NULL);
}

void ct_subscriber_stop(struct ct_subscriber *subscriber)
{
    if (subscriber) {
        ct_subscriber_end(subscriber);
        tear_down(subscriber);
    }
}
