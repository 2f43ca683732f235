/* desk_metrics.c - GET /metrics: the live windows' figures and the tap's own counters, for Prometheus. docs/metrics.md
 * lists the names.
 */
#include "plugin/gate/desk_alarms.h"
#include "plugin/gate/desk_state.h"
#include "sinks/openmetrics.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNTERS_MAX = 96, ROWS_MAX = 80 + CT_TAP_REASONS_MAX + COUNTERS_MAX + CT_ALARM_GAUGES_MAX, NAME_BYTES = 120 };

struct metrics_page {
    struct ct_tap_health health;
    struct ct_live_view figures[CT_WINDOW_COUNT];
    bool computed[CT_WINDOW_COUNT];
    struct ct_openmetrics_view views[CT_WINDOW_COUNT];
    size_t view_count;
    struct ct_openmetrics_row rows[ROWS_MAX];
    size_t row_count;
    struct ct_openmetrics_label reasons[CT_TAP_REASONS_MAX], build[3];
    char names[COUNTERS_MAX][NAME_BYTES];
    size_t name_count;
    struct ct_alarm_gauge alarms[CT_ALARM_GAUGES_MAX];
    struct ct_openmetrics_label alarm_labels[CT_ALARM_GAUGES_MAX][4];
};

static void add(struct metrics_page *page, const char *name, const char *help, const char *unit,
                enum ct_openmetrics_kind kind, ct_wide value, int64_t scale)
{
    if (page->row_count < ROWS_MAX) {
        page->rows[page->row_count++] = (struct ct_openmetrics_row){
            .name = name, .help = help, .unit = unit, .kind = kind, .value = value, .scale = scale};
    }
}

static void count(struct metrics_page *page, const char *name, const char *help, const char *unit, uint64_t value)
{
    add(page, name, help, unit, CT_OPENMETRICS_COUNTER, (ct_wide)value, 1);
}

static void gauge(struct metrics_page *page, const char *name, const char *help, const char *unit, uint64_t value)
{
    add(page, name, help, unit, CT_OPENMETRICS_GAUGE, (ct_wide)value, 1);
}

static void add_tape(struct metrics_page *page)
{
    const struct ct_tap_health *h = &page->health;
    const struct ct_tape_stats *t = &h->tape;
    count(page, "convtap_tape_frames", "Frames written to the tape.", NULL, t->frames);
    count(page, "convtap_tape_bytes", "Bytes written to the tape.", "bytes", t->bytes);
    count(page, "convtap_tape_commits", "Groups of frames made safe on the disk.", NULL, t->commits);
    count(page, "convtap_tape_refused_full", "Entries that were not taken because the buffer was full.", NULL,
          t->refused_full);
    count(page, "convtap_tape_refused_failed", "Entries that were not taken because the disk failed.", NULL,
          t->refused_failed);
    gauge(page, "convtap_tape_committed_bytes", "Position up to which everything is safe.", "bytes", h->committed);
    gauge(page, "convtap_tape_judged_bytes", "Position up to which everything is judged and stored.", "bytes",
          h->judged);
    gauge(page, "convtap_tape_disk_bytes", "What the tape takes on the disk.", "bytes", t->disk_bytes);
    gauge(page, "convtap_tape_segments", "Files of the tape.", NULL, t->segments);
    count(page, "convtap_tape_removed_segments", "Files that retention removed.", NULL, t->removed_segments);
    add(page, "convtap_tape_longest_commit_seconds", "The longest that a commit took.", "seconds", CT_OPENMETRICS_GAUGE,
        t->longest_commit_usec, CT_USEC_PER_SECOND);
}

static void add_pipeline(struct metrics_page *page)
{
    const struct ct_tap_health *h = &page->health;
    const struct ct_pipeline_stats *p = &h->pipeline;
    count(page, "convtap_messages", "Messages judged.", NULL, p->messages);
    count(page, "convtap_business_events", "Business events that came.", NULL, h->events);
    count(page, "convtap_conversations_published", "Conversations closed.", NULL, p->published);
    count(page, "convtap_conversations_revised", "Conversations judged anew because something still came.", NULL,
          p->revisions);
    gauge(page, "convtap_conversations_open", "Conversations that wait for more.", NULL, p->open);
    gauge(page, "convtap_conversations_memory_bytes", "What open conversations take.", "bytes", p->memory_bytes);
    gauge(page, "convtap_ready", "1 where the tap is ready: recovered and not behind.", NULL, h->ready);
    gauge(page, "convtap_recording", "1 where the tape takes what comes.", NULL, h->recording);
    gauge(page, "convtap_storing", "1 where the store takes what is judged.", NULL, h->storing);
    add(page, "convtap_behind_seconds", "Age of the oldest thing that waits to be judged.", "seconds",
        CT_OPENMETRICS_GAUGE, h->behind_usec, CT_USEC_PER_SECOND);
    add(page, "convtap_start_time_seconds", "When the tap started.", "seconds", CT_OPENMETRICS_GAUGE, h->started_at,
        CT_USEC_PER_SECOND);
    count(page, "convtap_reloads", "Setups put into force since the start.", NULL, h->reloads);
}

static void add_labelled(struct metrics_page *page, const struct ct_desk *desk)
{
    const struct ct_tap_health *h = &page->health;
    for (size_t i = 0; i < h->drop_count; i++) {
        page->reasons[i] = (struct ct_openmetrics_label){"reason", ct_span_of(h->drops[i].reason)};
        count(page, "convtap_drops", "What was seen and not counted, by name; /api/v1/drops says what each means.",
              NULL, h->drops[i].count);
        page->rows[page->row_count - 1].labels = &page->reasons[i];
        page->rows[page->row_count - 1].label_count = 1;
    }
    page->build[0] = (struct ct_openmetrics_label){"version", ct_span_of(desk->options.version)};
    page->build[1] = (struct ct_openmetrics_label){"rules_hash", ct_span_of(h->rules_hash)};
    page->build[2] = (struct ct_openmetrics_label){"setup_hash", ct_span_of(h->setup_hash)};
    add(page, "convtap_build", "This program and what it judges by.", NULL, CT_OPENMETRICS_INFO, 1, 1);
    page->rows[page->row_count - 1].labels = page->build;
    page->rows[page->row_count - 1].label_count = 3;
}

static void add_alarms(struct metrics_page *page, const struct ct_desk *desk)
{
    struct ct_alarm_counts counts;
    size_t gauges = ct_desk_alarms_gauges(desk->alarms, page->alarms, &counts);
    for (size_t i = 0; i < gauges; i++) {
        const struct ct_alarm_gauge *alarm = &page->alarms[i];
        struct ct_openmetrics_label *labels = page->alarm_labels[i];
        labels[0] = (struct ct_openmetrics_label){"name", ct_span_of(alarm->name)};
        labels[1] = (struct ct_openmetrics_label){"by", ct_span_of(alarm->by)};
        labels[2] = (struct ct_openmetrics_label){"slice", ct_span_of(alarm->slice)};
        labels[3] = (struct ct_openmetrics_label){"kpi", ct_span_of(alarm->kpi)};
        gauge(page, "convtap_alarm", "1 where the alarm stands, 0 where it does not (any more).", NULL, alarm->raised);
        page->rows[page->row_count - 1].labels = labels;
        page->rows[page->row_count - 1].label_count = 4;
    }
    gauge(page, "convtap_alarms_raised", "Alarms that stand.", NULL, counts.raised);
    count(page, "convtap_alarm_evaluations", "Times that the alarms were evaluated.", NULL, counts.evaluations);
    count(page, "convtap_alarm_entries_full", "Alarms that could not be entered because too many stand.", NULL,
          counts.full);
    gauge(page, "convtap_alarm_messages_waiting", "Messages of alarms that are not delivered yet.", NULL,
          counts.waiting);
    count(page, "convtap_alarm_messages_delivered", "Messages of alarms that the receiver took.", NULL,
          counts.delivered);
    count(page, "convtap_alarm_attempts_failed", "Attempts to deliver one that failed.", NULL, counts.failed);
    count(page, "convtap_alarm_messages_given_up", "Messages given up after a week.", NULL, counts.given_up);
    count(page, "convtap_alarm_messages_dropped", "Messages dropped because too many waited.", NULL, counts.dropped);
}

/* "relay_connections_total" -> counter convtap_relay_connections. */
static void one_counter(void *to, const char *name, const char *help, uint64_t value)
{
    static const char total[] = "_total";
    struct metrics_page *page = to;
    size_t len = strlen(name), tail = sizeof total - 1;
    bool rises = len > tail && strcmp(name + len - tail, total) == 0;
    if (page->name_count == COUNTERS_MAX) {
        return;
    }
    char *own = page->names[page->name_count++];
    (void)snprintf(own, NAME_BYTES, "convtap_%.*s", (int)(len - (rises ? tail : 0)), name);
    len = strlen(own);
    const char *unit = len > 6 && strcmp(own + len - 6, "_bytes") == 0 ? "bytes" : NULL;
    add(page, own, help, unit, rises ? CT_OPENMETRICS_COUNTER : CT_OPENMETRICS_GAUGE, (ct_wide)value, 1);
}

/* All windows; those that graphs are made of also by channel, where they are kept by it. */
static enum ct_status add_figures(struct metrics_page *page, struct ct_live *live)
{
    static const bool sliced[CT_WINDOW_COUNT] = {[CT_WINDOW_5M] = true, [CT_WINDOW_TODAY] = true};
    const enum ct_slice_field channel = CT_SLICE_CHANNEL;
    for (int w = 0; w < CT_WINDOW_COUNT; w++) {
        struct ct_live_view *figures = &page->figures[w];
        bool by = sliced[w];
        enum ct_status status = ct_live_compute(live, (enum ct_window)w, by ? &channel : NULL, figures);
        if (status == CT_NOT_FOUND) {
            by = false;
            status = ct_live_compute(live, (enum ct_window)w, NULL, figures);
        }
        if (status != CT_OK) {
            return status;
        }
        page->computed[w] = true;
        page->views[page->view_count++] = (struct ct_openmetrics_view){.window = ct_window_text((enum ct_window)w),
                                                                       .from = figures->from,
                                                                       .to = figures->to,
                                                                       .messages = figures->messages,
                                                                       .total = &figures->total,
                                                                       .by = by ? ct_slice_field_text(channel) : NULL,
                                                                       .slices = figures->slices,
                                                                       .slice_count = figures->slice_count};
    }
    return CT_OK;
}

void ct_desk_metrics(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_desk *desk = context;
    char scratch[1024];
    struct ct_answer body;
    if (!ct_desk_no_query(request, reply)) {
        return;
    }
    struct metrics_page *page = calloc(1, sizeof *page);
    enum ct_status status = page ? add_figures(page, ct_tap_live(desk->options.tap)) : CT_NO_MEMORY;
    if (status == CT_OK) {
        struct ct_desk_feed_stats feed;
        enum ct_openmetrics_form form =
            ct_openmetrics_accept(ct_request_header(request, "accept", scratch, sizeof scratch));
        ct_tap_health(desk->options.tap, &page->health);
        ct_desk_feed_stats(desk->feed, &feed);
        add_tape(page);
        add_pipeline(page);
        gauge(page, "convtap_feed_clients", "Clients of the live feed.", NULL, feed.clients);
        count(page, "convtap_feed_missed", "Conversations that a client of the feed was too slow for.", NULL,
              feed.missed);
        add_alarms(page, desk);
        add_labelled(page, desk);
        if (desk->options.counters) {
            desk->options.counters(desk->options.context, one_counter, page);
        }
        const struct ct_openmetrics_page what = {.views = page->views,
                                                 .view_count = page->view_count,
                                                 .rows = page->rows,
                                                 .row_count = page->row_count,
                                                 .without = ct_kpi_of_customers};
        ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
        ct_openmetrics_write(&body.out, form, &what);
        ct_answer_reply(&body, reply, ct_openmetrics_type(form));
    } else {
        ct_desk_fail(reply, status, NULL);
    }
    for (int w = 0; page && w < CT_WINDOW_COUNT; w++) {
        if (page->computed[w]) {
            ct_live_view_done(&page->figures[w]);
        }
    }
    free(page);
}
