/* desk_feed.c - the live feed's ring, figures and thread; see desk_feed.h. What one client gets is desk_client.c's. */
#include "plugin/gate/desk_feed_state.h"
#include "plugin/gate/desk_summary.h"
#include "sinks/alarms.h"

#include <stdlib.h>
#include <time.h>

enum { BEAT_LEAST = 50000, BEAT_MOST = 250000, CURSOR_USEC = 500000, MESSAGE_BYTES_MAX = 256 << 10 };

static ct_usec monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

void ct_desk_feed_clock(struct ct_desk_feed *feed, ct_usec (*clock)(void))
{
    feed->clock = clock;
}

struct ct_desk_feed *ct_desk_feed_new(struct ct_desk *desk)
{
    struct ct_desk_feed *feed = calloc(1, sizeof *feed);
    struct ct_ring *ring = calloc(1, sizeof *ring);
    pthread_condattr_t attributes;
    if (!feed || !ring) {
        free(feed);
        free(ring);
        return NULL;
    }
    feed->desk = desk;
    feed->clock = monotonic;
    feed->ring = ring;
    feed->read_at = CT_USEC_NONE;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return feed;
}

void ct_desk_feed_free(struct ct_desk_feed *feed)
{
    if (!feed) {
        return;
    }
    ct_desk_feed_stop(feed);
    for (size_t i = 0; i < feed->view_count; i++) {
        ct_view_free(feed->views[i]);
    }
    ct_ring_done(feed->ring);
    free(feed->ring);
    if (feed->store) {
        ct_store_close(feed->store);
    }
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

/* ---- conversations, from the tap's thread --------------------------------------------------------------------------
 */

/* Into the ring, for whoever looks. */
static void put_entry(struct ct_desk_feed *feed, const struct ct_ring_entry *entry)
{
    pthread_mutex_lock(&feed->lock);
    ct_ring_put(feed->ring, entry); /* without its bytes where memory is short: a gap, not silence */
    bool wake = feed->clients != NULL && feed->started;
    pthread_mutex_unlock(&feed->lock);
    if (wake) {
        feed->desk->options.wake(feed->desk->options.wake_context);
    }
}

void ct_desk_feed_publish(struct ct_desk_feed *feed, const struct ct_published *published)
{
    const struct ct_record *record = published->record ? published->record : published->replaced;
    if (!record) {
        return;
    }
    struct ct_ring_entry entry = {.bytes = malloc(record->bytes),
                                  .len = record->bytes,
                                  .change = !published->record    ? "withdrawn"
                                            : published->replaced ? "revised"
                                                                  : "new",
                                  .state = {.revision = published->revision,
                                            .final = published->final,
                                            .first_published_at = published->first_published_at,
                                            .published_at = published->published_at},
                                  .channel = ct_hash(ct_record_text(record, CT_TEXT_CHANNEL), 0),
                                  .published_at = published->published_at};
    if (entry.bytes) {
        memcpy(entry.bytes, record, record->bytes);
    } else {
        entry.len = 0;
    }
    put_entry(feed, &entry);
}

bool ct_desk_feed_text(struct ct_ring_entry *entry)
{
    struct ct_answer body;
    if (!entry->bytes || !entry->change) {
        return entry->bytes != NULL;
    }
    ct_answer_begin(&body, MESSAGE_BYTES_MAX);
    ct_writer_open(&body.json, '{');
    ct_writer_key(&body.json, "type");
    ct_writer_text(&body.json, "conversation");
    ct_writer_key(&body.json, "change");
    ct_writer_text(&body.json, entry->change);
    ct_writer_key(&body.json, "conversation");
    ct_summary_write(&body.json, entry->bytes, &entry->state);
    ct_writer_close(&body.json, '}');
    free(entry->bytes);
    bool good = ct_answer_end(&body);
    entry->bytes = good ? body.bytes : NULL;
    entry->len = good ? body.len : 0;
    return good;
}

void ct_desk_feed_alarm(struct ct_desk_feed *feed, const struct ct_alarm_entry *entry)
{
    struct ct_answer body;
    ct_answer_begin(&body, MESSAGE_BYTES_MAX);
    ct_writer_open(&body.json, '{');
    ct_writer_key(&body.json, "type");
    ct_writer_text(&body.json, "alarm");
    ct_writer_key(&body.json, "change");
    ct_writer_text(&body.json, ct_alarm_phase_text(entry->phase));
    ct_writer_key(&body.json, "alarm");
    ct_alarm_json(&body.json, entry);
    ct_writer_close(&body.json, '}');
    pthread_mutex_lock(&feed->lock);
    const struct ct_ring_entry *newest = feed->ring->next ? ct_ring_at(feed->ring, feed->ring->next - 1) : NULL;
    ct_usec at = newest ? newest->published_at : CT_USEC_NONE; /* who resumes goes by the conversations' times */
    feed->alarms++;
    pthread_mutex_unlock(&feed->lock);
    struct ct_ring_entry message = {.everybody = true, .published_at = at};
    if (ct_answer_end(&body)) {
        message.bytes = body.bytes;
        message.len = body.len;
    }
    put_entry(feed, &message);
}

/* ---- clients -------------------------------------------------------------------------------------------------------
 */

static ct_span channel_of(const struct ct_client *client)
{
    return (ct_span){client->channel, client->channel_len};
}

/* The different filters of all clients; at most CT_FEED_CHANNELS_MAX. Under the lock. */
static size_t channels_in_use(const struct ct_desk_feed *feed, const struct ct_client **out)
{
    size_t count = 0;
    for (const struct ct_client *client = feed->clients; client; client = client->next_client) {
        bool known = !client->channel_len;
        for (size_t i = 0; i < count && !known; i++) {
            known = ct_span_eq(channel_of(out[i]), channel_of(client));
        }
        if (!known && count < CT_FEED_CHANNELS_MAX) {
            out[count++] = client;
        }
    }
    return count;
}

bool ct_client_join(struct ct_desk_feed *feed, struct ct_client *client)
{
    const struct ct_client *channels[CT_FEED_CHANNELS_MAX];
    pthread_mutex_lock(&feed->lock);
    size_t count = channels_in_use(feed, channels);
    bool fits = !client->channel_len || count < CT_FEED_CHANNELS_MAX;
    for (size_t i = 0; i < count && !fits; i++) {
        fits = ct_span_eq(channel_of(channels[i]), channel_of(client));
    }
    if (fits) {
        client->next_client = feed->clients;
        if (feed->clients) {
            feed->clients->previous_client = client;
        }
        feed->clients = client;
        feed->client_count++;
        client->next = feed->ring->next;
        pthread_cond_signal(&feed->changed); /* its figures are wanted now */
    }
    pthread_mutex_unlock(&feed->lock);
    return fits;
}

void ct_client_leave(struct ct_desk_feed *feed, struct ct_client *client)
{
    pthread_mutex_lock(&feed->lock);
    if (client->previous_client) {
        client->previous_client->next_client = client->next_client;
    } else {
        feed->clients = client->next_client;
    }
    if (client->next_client) {
        client->next_client->previous_client = client->previous_client;
    }
    feed->client_count--;
    pthread_mutex_unlock(&feed->lock);
}

static struct ct_view **find_view(struct ct_desk_feed *feed, enum ct_window window, uint64_t channel)
{
    for (size_t i = 0; i < feed->view_count; i++) {
        if (feed->views[i]->window == window && feed->views[i]->channel == channel) {
            return &feed->views[i];
        }
    }
    return NULL;
}

static uint64_t hash_of(ct_span channel)
{
    return channel.len ? ct_hash(channel, 0) : 0;
}

struct ct_view *ct_client_view(struct ct_desk_feed *feed, const struct ct_client *client, enum ct_window window)
{
    pthread_mutex_lock(&feed->lock);
    struct ct_view **found = find_view(feed, window, hash_of(channel_of(client)));
    struct ct_view *view = found ? *found : NULL;
    if (view) {
        view->references++;
    }
    pthread_mutex_unlock(&feed->lock);
    return view;
}

static void unref_locked(struct ct_view *view)
{
    if (--view->references == 0) {
        ct_view_free(view);
    }
}

void ct_client_view_done(struct ct_desk_feed *feed, struct ct_view *view)
{
    if (view) {
        pthread_mutex_lock(&feed->lock);
        unref_locked(view);
        pthread_mutex_unlock(&feed->lock);
    }
}

/* ---- figures, on the feed's thread ---------------------------------------------------------------------------------
 */

struct wanted {
    char channel[CT_RING_CHANNEL];
    size_t len;
    unsigned windows;
};

/* What the clients look at: [0] all channels together. */
static size_t what_is_wanted(struct ct_desk_feed *feed, struct wanted *out)
{
    const struct ct_client *channels[CT_FEED_CHANNELS_MAX];
    memset(out, 0, (CT_FEED_CHANNELS_MAX + 1) * sizeof *out);
    pthread_mutex_lock(&feed->lock);
    size_t count = channels_in_use(feed, channels) + 1;
    for (size_t i = 1; i < count; i++) {
        memcpy(out[i].channel, channels[i - 1]->channel, channels[i - 1]->channel_len);
        out[i].len = channels[i - 1]->channel_len;
    }
    for (const struct ct_client *client = feed->clients; client; client = client->next_client) {
        for (size_t i = 0; i < count; i++) {
            if (ct_span_eq((ct_span){out[i].channel, out[i].len}, channel_of(client))) {
                out[i].windows |= client->windows;
            }
        }
    }
    pthread_mutex_unlock(&feed->lock);
    return count;
}

static void put_view(struct ct_desk_feed *feed, struct ct_view *view)
{
    struct ct_view **found = find_view(feed, view->window, view->channel);
    if (found) {
        unref_locked(*found);
        *found = view;
    } else if (feed->view_count < CT_FEED_VIEWS_MAX) {
        feed->views[feed->view_count++] = view;
    } else {
        unref_locked(view);
    }
}

/* Filters that nobody has any more make room. Under the lock. */
static void drop_unwanted(struct ct_desk_feed *feed, const struct wanted *wanted, size_t count)
{
    for (size_t v = 0; v < feed->view_count;) {
        bool used = false;
        for (size_t i = 0; i < count && !used; i++) {
            used = feed->views[v]->channel == hash_of((ct_span){wanted[i].channel, wanted[i].len}) &&
                   (wanted[i].windows & 1u << feed->views[v]->window);
        }
        if (used) {
            v++;
        } else {
            unref_locked(feed->views[v]);
            feed->views[v] = feed->views[--feed->view_count];
        }
    }
}

static bool is_due(struct ct_desk_feed *feed, enum ct_window window, const struct wanted *wanted, uint64_t generation)
{
    pthread_mutex_lock(&feed->lock);
    struct ct_view **found = find_view(feed, window, hash_of((ct_span){wanted->channel, wanted->len}));
    bool due = (wanted->windows & 1u << window) && (!found || (*found)->generation != generation);
    pthread_mutex_unlock(&feed->lock);
    return due;
}

/* One window for everybody who looks at it. */
static bool compute_window(struct ct_desk_feed *feed, enum ct_window window, const struct wanted *wanted, size_t count)
{
    struct ct_live *live = ct_tap_live(feed->desk->options.tap);
    const enum ct_slice_field field = CT_SLICE_CHANNEL;
    uint64_t generation = ct_live_generation(live);
    struct ct_live_view figures;
    bool due[CT_FEED_CHANNELS_MAX + 1] = {false}, any = false, sliced = false, new = false;
    for (size_t i = 0; i < count; i++) {
        due[i] = is_due(feed, window, &wanted[i], generation);
        any |= due[i];
        sliced |= due[i] && i > 0;
    }
    if (!any || ct_live_compute(live, window, sliced ? &field : NULL, &figures) != CT_OK) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct ct_view *view =
            due[i] ? ct_view_new(&figures, window, (ct_span){wanted[i].channel, wanted[i].len}, generation) : NULL;
        if (view) {
            pthread_mutex_lock(&feed->lock);
            put_view(feed, view);
            pthread_mutex_unlock(&feed->lock);
            new = true;
        }
    }
    ct_live_view_done(&figures);
    return new;
}

/* ---- the cursor: which row of the store everything is told up to ---------------------------------------------------
 */

static enum ct_status note_row(void *context, const struct ct_store_row *row)
{
    struct ct_feed_cursor *cursor = context;
    cursor->row = row->row;
    cursor->at = row->first_published_at;
    return CT_OK;
}

/* A row is in the store a moment before or after the ring has it. So the newest row is only said to be told one reading
 * later: what was in the store at the last one has gone through the ring by now. */
static bool move_cursor(struct ct_desk_feed *feed, ct_usec now)
{
    const struct ct_store_filter newest = {.started_from = CT_USEC_NONE,
                                           .started_before = CT_USEC_NONE,
                                           .published_from = CT_USEC_NONE,
                                           .published_before = CT_USEC_NONE,
                                           .limit = 1,
                                           .newest_first = true};
    struct ct_feed_cursor read = {.row = 0};
    struct ct_error err;
    if (!feed->desk->options.store || (feed->read_at != CT_USEC_NONE && now - feed->read_at < CURSOR_USEC)) {
        return false;
    }
    if (!feed->store && ct_store_open(feed->desk->options.store, CT_STORE_READ, &feed->store, &err) != CT_OK) {
        feed->store = NULL;
        return false;
    }
    bool moved = false;
    bool good = ct_store_each(feed->store, &newest, note_row, &read, &err) == CT_OK;
    pthread_mutex_lock(&feed->lock);
    if (feed->read.row != feed->cursor.row) {
        uint64_t number = feed->cursor.number;
        feed->cursor = feed->read;
        feed->cursor.head = feed->ring->next;
        feed->cursor.number = number + 1;
        moved = true;
    }
    if (good) {
        feed->read = read;
    }
    feed->read_at = now;
    pthread_mutex_unlock(&feed->lock);
    return moved;
}

/* ---- the thread ----------------------------------------------------------------------------------------------------
 */

bool ct_desk_feed_beat(struct ct_desk_feed *feed, ct_usec now)
{
    struct wanted wanted[CT_FEED_CHANNELS_MAX + 1];
    bool wake = atomic_load(&feed->busy) > 0;
    wake |= move_cursor(feed, now);
    size_t count = what_is_wanted(feed, wanted);
    for (int window = 0; window < CT_WINDOW_COUNT; window++) {
        wake |= compute_window(feed, (enum ct_window)window, wanted, count);
    }
    pthread_mutex_lock(&feed->lock);
    drop_unwanted(feed, wanted, count);
    pthread_mutex_unlock(&feed->lock);
    return wake;
}

/* The shortest interval that a client asked for. Under the lock. */
static ct_usec interval(const struct ct_desk_feed *feed)
{
    ct_usec least = BEAT_MOST;
    for (const struct ct_client *client = feed->clients; client; client = client->next_client) {
        least = client->every < least ? client->every : least;
    }
    return least > BEAT_LEAST ? least : BEAT_LEAST;
}

static void *run(void *context)
{
    struct ct_desk_feed *feed = context;
    pthread_mutex_lock(&feed->lock);
    while (!feed->stopping) {
        if (!feed->clients) {
            pthread_cond_wait(&feed->changed, &feed->lock);
            continue;
        }
        pthread_mutex_unlock(&feed->lock);
        bool wake = ct_desk_feed_beat(feed, feed->clock());
        if (wake) {
            feed->desk->options.wake(feed->desk->options.wake_context);
        }
        pthread_mutex_lock(&feed->lock);
        ct_usec until = monotonic() + interval(feed);
        const struct timespec deadline = {.tv_sec = until / CT_USEC_PER_SECOND,
                                          .tv_nsec = until % CT_USEC_PER_SECOND * 1000};
        if (!feed->stopping) {
            pthread_cond_timedwait(&feed->changed, &feed->lock, &deadline);
        }
    }
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

enum ct_status ct_desk_feed_start(struct ct_desk_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->stopping = false;
    bool good = pthread_create(&feed->thread, NULL, run, feed) == 0;
    feed->started = good;
    pthread_mutex_unlock(&feed->lock);
    return good ? CT_OK : CT_LIMIT;
}

void ct_desk_feed_stop(struct ct_desk_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    bool started = feed->started;
    feed->started = false;
    feed->stopping = true;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    if (started) {
        pthread_join(feed->thread, NULL);
    }
}

void ct_desk_feed_protocol(struct ct_desk_feed *feed, struct ct_gate_protocol *out)
{
    *out = (struct ct_gate_protocol){.name = "convtap.feed.v1",
                                     .scope = CT_SCOPE_READ,
                                     .session_bytes = sizeof(struct ct_client),
                                     .context = feed,
                                     .opened = ct_client_opened,
                                     .message = ct_client_message,
                                     .woken = ct_client_woken,
                                     .closed = ct_client_closed};
}

void ct_desk_feed_stats(struct ct_desk_feed *feed, struct ct_desk_feed_stats *out)
{
    pthread_mutex_lock(&feed->lock);
    *out = (struct ct_desk_feed_stats){.clients = feed->client_count,
                                       .conversations = feed->ring->next - feed->alarms,
                                       .missed = atomic_load(&feed->missed)};
    pthread_mutex_unlock(&feed->lock);
}
