/* desk_client.c - what one client of the live feed gets, and in which order: hello, what it missed, then what happens.
 * On the gate's thread; see desk_feed.h.
 */
#include "plugin/gate/desk_feed_state.h"
#include "plugin/gate/desk_summary.h"

#include <stdio.h>
#include <stdlib.h>

enum { EVERY_DEFAULT_MS = 250, EVERY_LEAST_MS = 50, EVERY_MOST_MS = 60000, REVISED_LOOKED_AT = 1000 };
#define HELLO_BYTES_MAX ((size_t)4 << 20)
#define CURSOR_EVERY CT_USEC_PER_SECOND

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* false = nothing more for now. */
static bool has_room(struct ct_client *client)
{
    return !client->lost && client->feed->desk->options.waiting(client->connection) < CT_FEED_WAITING_MAX;
}

static void send_text(struct ct_client *client, const char *text, size_t len)
{
    if (!client->lost && len && !client->feed->desk->options.send(client->connection, (ct_span){text, len})) {
        client->lost = true;
    }
}

/* Ends the body, sends it, frees it. */
static void send_body(struct ct_client *client, struct ct_answer *body)
{
    if (ct_answer_end(body)) {
        send_text(client, body->bytes, body->len);
        free(body->bytes);
    }
}

static void begin(struct ct_answer *body, const char *type)
{
    ct_answer_begin(body, HELLO_BYTES_MAX);
    ct_writer_open(&body->json, '{');
    ct_writer_key(&body->json, "type");
    ct_writer_text(&body->json, type);
}

static void send_gap(struct ct_client *client, uint64_t missed)
{
    struct ct_answer body;
    begin(&body, "gap");
    ct_writer_key(&body.json, "missed");
    ct_writer_wide(&body.json, (ct_wide)missed);
    ct_writer_close(&body.json, '}');
    send_body(client, &body);
    atomic_fetch_add(&client->feed->missed, missed);
}

static void write_cursor(struct ct_writer *json, const struct ct_feed_cursor *cursor)
{
    char text[64];
    ct_writer_key(json, "cursor");
    if (cursor->row) {
        (void)snprintf(text, sizeof text, "%llu.%lld", (unsigned long long)cursor->row, (long long)cursor->at);
        ct_writer_text(json, text);
    } else {
        ct_writer_null(json);
    }
}

/* ---- opening -------------------------------------------------------------------------------------------------------
 */

static bool read_windows(struct ct_client *client, ct_span list)
{
    if (!list.at) {
        client->windows = (1u << CT_WINDOW_COUNT) - 1;
    }
    for (size_t at = 0; at < list.len;) {
        const char *begin_at = list.at + at, *comma = memchr(begin_at, ',', list.len - at);
        ct_span name = {begin_at, comma ? (size_t)(comma - begin_at) : list.len - at};
        enum ct_window window;
        if (!ct_window_from(name, &window)) {
            return false;
        }
        client->windows |= 1u << window;
        at += name.len + 1;
    }
    return client->windows != 0;
}

/* "123" or "123.1772323200000000", as hello and mark gave it. */
static bool read_cursor(struct ct_client *client, ct_span text)
{
    const char *dot = text.at ? memchr(text.at, '.', text.len) : NULL;
    size_t head = dot ? (size_t)(dot - text.at) : text.len;
    uint64_t numbers[2] = {0, 0};
    client->since = CT_USEC_NONE;
    if (!text.at) {
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (i == head) {
            continue;
        }
        if (text.at[i] < '0' || text.at[i] > '9' || numbers[i > head] > INT64_MAX / 10 - 1) {
            return false;
        }
        numbers[i > head] = numbers[i > head] * 10 + (uint64_t)(text.at[i] - '0');
    }
    client->row = numbers[0];
    client->since = dot && head + 1 < text.len ? (ct_usec)numbers[1] : CT_USEC_NONE;
    client->resuming = client->row > 0;
    client->revised = client->since == CT_USEC_NONE; /* nothing to look for */
    return client->row > 0;
}

static bool read_question(struct ct_client *client, ct_span text)
{
    static const char *const names[] = {"window", "every", "channel", "after", NULL};
    struct ct_query query;
    uint64_t every = EVERY_DEFAULT_MS;
    if (!ct_query_read(&query, text, names) ||
        !ct_query_number(&query, "every", EVERY_LEAST_MS, EVERY_MOST_MS, &every)) {
        return false;
    }
    ct_span channel = ct_query_value(&query, "channel");
    if (channel.len > sizeof client->channel) {
        return false;
    }
    if (channel.len) {
        memcpy(client->channel, channel.at, channel.len);
    }
    client->channel_len = channel.len;
    client->every = (ct_usec)every * 1000;
    return read_windows(client, ct_query_value(&query, "window")) &&
           read_cursor(client, ct_query_value(&query, "after"));
}

/* Are the windows kept by channel at all? */
static bool has_channels(const struct ct_desk_feed *feed)
{
    const enum ct_slice_field field = CT_SLICE_CHANNEL;
    struct ct_live_view view;
    if (ct_live_compute(ct_tap_live(feed->desk->options.tap), CT_WINDOW_1M, &field, &view) != CT_OK) {
        return false;
    }
    ct_live_view_done(&view);
    return true;
}

bool ct_client_opened(void *context, void *session, struct ct_gate_connection *connection,
                      const struct ct_principal *who, ct_span query)
{
    struct ct_desk_feed *feed = context;
    struct ct_client *client = session;
    (void)who;
    if (!read_question(client, query) || (client->channel_len && !has_channels(feed)) ||
        (client->resuming && !feed->desk->options.store) || !ct_client_join(feed, client)) {
        return false;
    }
    client->feed = feed;
    client->connection = connection;
    atomic_fetch_add(&feed->busy, 1); /* until it is greeted and has what it missed */
    return true;
}

int ct_client_message(void *context, void *session, struct ct_gate_connection *connection, ct_span bytes, bool binary)
{
    (void)context;
    (void)session;
    (void)connection;
    (void)bytes;
    (void)binary;
    return 1008; /* the feed only tells */
}

void ct_client_closed(void *context, void *session)
{
    struct ct_desk_feed *feed = context;
    struct ct_client *client = session;
    if (!client->feed) {
        return;
    }
    if (!client->greeted || client->resuming) {
        atomic_fetch_sub(&feed->busy, 1);
    }
    ct_client_leave(feed, client);
    for (int window = 0; window < CT_WINDOW_COUNT; window++) {
        free(client->known[window]);
        client->known[window] = NULL;
    }
    client->feed = NULL;
}

/* ---- figures -------------------------------------------------------------------------------------------------------
 */

static bool knows(struct ct_client *client, const struct ct_view *view)
{
    if (client->known_count[view->window] != view->part_count) {
        uint64_t *known = calloc(view->part_count, sizeof *known);
        if (!known) {
            return false;
        }
        free(client->known[view->window]);
        client->known[view->window] = known;
        client->known_count[view->window] = view->part_count;
    }
    return true;
}

/* All figures of its windows, once they are there. */
static bool greet(struct ct_client *client)
{
    struct ct_desk_feed *feed = client->feed;
    struct ct_view *views[CT_WINDOW_COUNT] = {NULL};
    struct ct_answer body;
    bool ready = true;
    for (int window = 0; window < CT_WINDOW_COUNT; window++) {
        if (client->windows & 1u << window) {
            views[window] = ct_client_view(feed, client, (enum ct_window)window);
            ready = ready && views[window] && knows(client, views[window]);
        }
    }
    if (ready) {
        pthread_mutex_lock(&feed->lock);
        struct ct_feed_cursor cursor = feed->cursor;
        pthread_mutex_unlock(&feed->lock);
        begin(&body, "hello");
        ct_writer_key(&body.json, "protocol");
        ct_writer_text(&body.json, "convtap.feed.v1");
        ct_writer_key(&body.json, "version");
        ct_writer_text(&body.json, feed->desk->options.version);
        ct_writer_key(&body.json, "channel");
        if (client->channel_len) {
            ct_writer_string(&body.json, (ct_span){client->channel, client->channel_len});
        } else {
            ct_writer_null(&body.json);
        }
        ct_writer_key(&body.json, "every_ms");
        ct_writer_wide(&body.json, client->every / 1000);
        write_cursor(&body.json, &cursor);
        ct_writer_key(&body.json, "windows");
        ct_writer_open(&body.json, '[');
        for (int window = 0; window < CT_WINDOW_COUNT; window++) {
            if (views[window]) {
                (void)ct_view_write(views[window], client->known[window], NULL, &body.json);
                client->generation[window] = views[window]->generation;
            }
        }
        ct_writer_close(&body.json, ']');
        ct_writer_close(&body.json, '}');
        send_body(client, &body);
        client->cursor_told = client->resuming ? 0 : cursor.number;
        client->told_at = feed->clock();
    }
    for (int window = 0; window < CT_WINDOW_COUNT; window++) {
        ct_client_view_done(feed, views[window]);
    }
    return ready;
}

static void tell_figures(struct ct_client *client)
{
    struct ct_desk_feed *feed = client->feed;
    ct_usec now = feed->clock();
    bool told = false;
    if (now - client->told_at < client->every) {
        return;
    }
    for (int window = 0; window < CT_WINDOW_COUNT && has_room(client); window++) {
        struct ct_view *view =
            client->windows & 1u << window ? ct_client_view(feed, client, (enum ct_window)window) : NULL;
        if (view && view->generation != client->generation[window] && knows(client, view)) {
            struct ct_answer body;
            ct_answer_begin(&body, HELLO_BYTES_MAX);
            if (ct_view_write(view, client->known[window], "kpis", &body.json)) {
                send_body(client, &body);
                told = true;
            }
            client->generation[window] = view->generation;
        }
        ct_client_view_done(feed, view);
    }
    client->told_at = told ? now : client->told_at;
}

/* ---- what it missed, from the store --------------------------------------------------------------------------------
 */

struct page {
    struct ct_client *client;
    size_t rows;
    bool revised; /* only those that were revised since */
};

static enum ct_status tell_row(void *context, const struct ct_store_row *row)
{
    struct page *page = context;
    struct ct_client *client = page->client;
    ct_span channel = ct_record_text(row->record, CT_TEXT_CHANNEL);
    struct ct_answer body;
    const struct ct_summary_state state = {.row = row->row,
                                           .revision = row->revision,
                                           .final = row->final,
                                           .first_published_at = row->first_published_at,
                                           .published_at = row->published_at};
    page->rows++;
    if (!page->revised) {
        client->row = row->row;
    } else if (row->published_at <= client->since || row->revision < 2) {
        return CT_OK;
    }
    if (client->channel_len && !ct_span_eq(channel, (ct_span){client->channel, client->channel_len})) {
        return CT_OK;
    }
    begin(&body, "conversation");
    ct_writer_key(&body.json, "change");
    ct_writer_text(&body.json, row->revision > 1 ? "revised" : "new");
    ct_writer_key(&body.json, "conversation");
    ct_summary_write(&body.json, row->record, &state);
    ct_writer_close(&body.json, '}');
    send_body(client, &body);
    return client->lost ? CT_STOP : CT_OK;
}

static enum ct_status note_time(void *context, const struct ct_store_row *row)
{
    *(ct_usec *)context = row->first_published_at;
    return CT_OK;
}

static struct ct_store_filter filter_after(uint64_t row, size_t limit, bool newest_first)
{
    return (struct ct_store_filter){.started_from = CT_USEC_NONE,
                                    .started_before = CT_USEC_NONE,
                                    .published_from = CT_USEC_NONE,
                                    .published_before = CT_USEC_NONE,
                                    .after = row,
                                    .limit = limit,
                                    .newest_first = newest_first};
}

/* The store is told; what it did not have yet is in the ring: everything published at or after its newest row. What is
 * in both comes twice, with the same revision. false = the ring has gone on beyond that: the store must be asked again.
 */
static bool join_ring(struct ct_client *client, ct_usec newest, bool told_some)
{
    struct ct_desk_feed *feed = client->feed;
    pthread_mutex_lock(&feed->lock);
    uint64_t number = feed->ring->first;
    const struct ct_ring_entry *entry = ct_ring_at(feed->ring, number);
    bool beyond = told_some && number > 0 && entry && newest != CT_USEC_NONE && entry->published_at > newest;
    while (entry && newest != CT_USEC_NONE && entry->published_at < newest) {
        entry = ct_ring_at(feed->ring, ++number);
    }
    if (!beyond) {
        client->next = number;
    }
    pthread_mutex_unlock(&feed->lock);
    return !beyond;
}

static void tell_missed(struct ct_client *client)
{
    struct ct_desk_feed *feed = client->feed;
    struct ct_reply unavailable = {0};
    struct ct_error err;
    struct ct_store *store = ct_desk_store(feed->desk, &unavailable);
    free(unavailable.body);
    if (!store) {
        return; /* asked again at the next wake */
    }
    ct_usec newest = CT_USEC_NONE;
    struct page page = {.client = client};
    struct ct_store_filter last = filter_after(0, 1, true), rows = filter_after(client->row, CT_FEED_PAGE, false);
    enum ct_status status = CT_OK;
    if (!client->revised) {
        struct ct_store_filter before = filter_after(client->row, REVISED_LOOKED_AT, true);
        struct page revised = {.client = client, .revised = true};
        status = ct_store_each(store, &before, tell_row, &revised, &err);
        client->revised = true;
    }
    status = status == CT_OK ? ct_store_each(store, &last, note_time, &newest, &err) : status;
    status = status == CT_OK ? ct_store_each(store, &rows, tell_row, &page, &err) : status;
    if (status == CT_OK && page.rows < CT_FEED_PAGE && join_ring(client, newest, page.rows > 0)) {
        client->resuming = false;
        atomic_fetch_sub(&feed->busy, 1);
    } else if (status != CT_OK && status != CT_STOP) { /* the store cannot be read: it is not silent about that */
        send_gap(client, 0);
        client->resuming = false;
        atomic_fetch_sub(&feed->busy, 1);
    }
}

/* ---- what happens, from the ring -----------------------------------------------------------------------------------
 */

/* The next entry for this client, its bytes copied: writing and sending is done without the lock. */
static bool take_next(struct ct_client *client, struct ct_ring_entry *out, uint64_t *missed)
{
    struct ct_desk_feed *feed = client->feed;
    uint64_t channel = ct_hash((ct_span){client->channel, client->channel_len}, 0);
    out->bytes = NULL;
    pthread_mutex_lock(&feed->lock);
    if (client->next < feed->ring->first) {
        *missed = feed->ring->first - client->next;
        client->next = feed->ring->first;
    }
    const struct ct_ring_entry *entry;
    while (!*missed && !out->bytes && (entry = ct_ring_at(feed->ring, client->next))) {
        client->next++;
        if (client->channel_len && entry->channel != channel && !entry->everybody) {
            continue;
        }
        *out = *entry;
        out->bytes = entry->bytes ? malloc(entry->len) : NULL;
        if (out->bytes) {
            memcpy(out->bytes, entry->bytes, entry->len);
        } else {
            *missed = 1;
        }
    }
    pthread_mutex_unlock(&feed->lock);
    if (out->bytes && !ct_desk_feed_text(out)) {
        *missed = 1;
    }
    return out->bytes != NULL;
}

static void tell_conversations(struct ct_client *client)
{
    bool more = true;
    while (more && has_room(client)) {
        struct ct_ring_entry entry;
        uint64_t missed = 0;
        bool taken = take_next(client, &entry, &missed);
        if (missed) {
            send_gap(client, missed);
        }
        if (taken) {
            send_text(client, entry.bytes, entry.len);
        }
        more = taken || missed;
        free(entry.bytes);
    }
}

static void tell_cursor(struct ct_client *client)
{
    struct ct_desk_feed *feed = client->feed;
    struct ct_answer body;
    pthread_mutex_lock(&feed->lock);
    struct ct_feed_cursor cursor = feed->cursor;
    pthread_mutex_unlock(&feed->lock);
    if (cursor.number == client->cursor_told || client->next < cursor.head) {
        return;
    }
    begin(&body, "mark");
    write_cursor(&body.json, &cursor);
    ct_writer_close(&body.json, '}');
    send_body(client, &body);
    client->cursor_told = cursor.number;
}

void ct_client_woken(void *context, void *session, struct ct_gate_connection *connection)
{
    struct ct_client *client = session;
    (void)context;
    (void)connection;
    if (!client->feed || !has_room(client)) {
        return;
    }
    if (!client->greeted) {
        client->greeted = greet(client);
        if (client->greeted && !client->resuming) {
            atomic_fetch_sub(&client->feed->busy, 1);
        }
    }
    if (client->greeted && client->resuming && has_room(client)) {
        tell_missed(client);
    }
    if (client->greeted && !client->resuming) {
        tell_conversations(client);
        if (has_room(client)) {
            tell_cursor(client);
        }
    }
    if (client->greeted) {
        tell_figures(client);
    }
}
