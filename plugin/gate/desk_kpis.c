/* desk_kpis.c - GET /api/v1/kpis and its catalogue: figures of a live window, or of any range from the store, written
 * by the code that writes `audit --json`.
 */
#include "plugin/gate/desk_range.h"
#include "plugin/gate/desk_state.h"
#include "sinks/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KPIS_MAX = 256 };

struct asked {
    bool range;
    enum ct_window window;
    struct ct_range_options span;
    bool sliced;
    enum ct_slice_field by;
    bool all;
    bool wanted[KPIS_MAX]; /* parallel to the catalogue */
    bool named;
    enum ct_lang lang;
};

/* ---- the question --------------------------------------------------------------------------------------------------
 */

static bool read_ids(struct ct_query *query, struct asked *asked)
{
    ct_span ids = ct_query_value(query, "id");
    size_t count;
    const struct ct_kpi *catalogue = ct_kpi_catalogue(&count);
    asked->all = !ids.at;
    for (size_t at = 0; at < ids.len;) {
        const char *begin = ids.at + at, *comma = memchr(begin, ',', ids.len - at);
        ct_span id = {begin, comma ? (size_t)(comma - begin) : ids.len - at};
        const struct ct_kpi *kpi = ct_kpi_find(id);
        if (!kpi || (size_t)(kpi - catalogue) >= KPIS_MAX) {
            return ct_query_refuse(query, "id", "there is no KPI \"%.*s\"; GET /api/v1/kpis/catalogue has them all",
                                   id.len < 40 ? (int)id.len : 40, id.at);
        }
        asked->wanted[kpi - catalogue] = true;
        at += id.len + 1;
    }
    return true;
}

static bool read_span(struct ct_query *query, struct asked *asked)
{
    struct ct_range_options *span = &asked->span;
    ct_span basis = ct_query_value(query, "basis"), around = ct_query_value(query, "around");
    if (!ct_query_time(query, "from", &span->from) || !ct_query_time(query, "to", &span->to)) {
        return false;
    }
    if (basis.at && !ct_span_is(basis, "started") && !ct_span_is(basis, "published")) {
        return ct_query_refuse(query, "basis", "must be \"started\" or \"published\"");
    }
    if (around.at && !ct_span_is(around, "window") && !ct_span_is(around, "none")) {
        return ct_query_refuse(query, "around", "must be \"window\" or \"none\"");
    }
    span->published = ct_span_is(basis, "published");
    span->alone = ct_span_is(around, "none");
    if (!asked->range && (basis.at || around.at)) {
        return ct_query_refuse(query, basis.at ? "basis" : "around", "is of a range: give from and to");
    }
    if (!asked->range) {
        return true;
    }
    if (span->from == CT_USEC_NONE || span->to == CT_USEC_NONE) {
        return ct_query_refuse(query, span->from == CT_USEC_NONE ? "from" : "to", "a range needs both from and to");
    }
    return span->from < span->to || ct_query_refuse(query, "to", "must be later than from");
}

static bool read_question(struct ct_query *query, struct asked *asked)
{
    ct_span window = ct_query_value(query, "window"), by = ct_query_value(query, "by"),
            lang = ct_query_value(query, "lang");
    asked->range = ct_query_value(query, "from").at || ct_query_value(query, "to").at;
    asked->window = CT_WINDOW_TODAY;
    asked->span = (struct ct_range_options){.from = CT_USEC_NONE, .to = CT_USEC_NONE};
    if (window.at && asked->range) {
        return ct_query_refuse(query, "window", "either a window, or a range by from and to");
    }
    if (window.at && !ct_window_from(window, &asked->window)) {
        return ct_query_refuse(query, "window", "must be 1m, 5m, 1h or today");
    }
    asked->sliced = by.at;
    if (by.at && !ct_slice_field_from(by, &asked->by)) {
        return ct_query_refuse(query, "by",
                               "must be channel, language, bot, tenant, outcome, reason, hour, weekday, day "
                               "or month");
    }
    asked->named = lang.at;
    if (lang.at && !ct_lang_from(lang, &asked->lang)) {
        return ct_query_refuse(query, "lang", "must be en or es");
    }
    return read_span(query, asked) && read_ids(query, asked);
}

/* ---- the answer ----------------------------------------------------------------------------------------------------
 */

static bool is_wanted(const void *context, const struct ct_kpi *kpi)
{
    const struct asked *asked = context;
    size_t count, index = (size_t)(kpi - ct_kpi_catalogue(&count));
    return index < KPIS_MAX && asked->wanted[index];
}

const char *ct_desk_window_reason(const struct ct_figure *figure)
{
    /* Those that ct_customer_mark or fold_customer fill; a test holds this list against the metrics. */
    static const char *const ids[] = {"automation_rate.durable",
                                      "cost_per_interaction.durable",
                                      "interactions_per_user",
                                      "recurrence",
                                      "recurrence.days",
                                      "channel_preference.customers",
                                      "fcr"};
    const char *id = figure->kpi->id;
    if (strncmp(id, "fcr.", 4) == 0) {
        return "needs_customers";
    }
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (strcmp(id, ids[i]) == 0) {
            return "needs_customers";
        }
    }
    return NULL;
}

static void write_head(struct ct_answer *body, const struct ct_desk *desk)
{
    struct ct_tap_health *health = calloc(1, sizeof *health);
    ct_writer_open(&body->json, '{');
    ct_writer_key(&body->json, "version");
    ct_writer_text(&body->json, desk->options.version);
    ct_writer_key(&body->json, "profile");
    ct_writer_text(&body->json, desk->options.profile);
    ct_writer_key(&body->json, "rules_hash");
    if (health) {
        ct_tap_health(desk->options.tap, health);
    }
    ct_writer_text(&body->json, health && health->rules_hash[0] ? health->rules_hash : NULL);
    free(health);
}

static void write_window(struct ct_writer *json, const char *name, ct_usec from, ct_usec to, const char *basis)
{
    ct_writer_key(json, "window");
    ct_writer_open(json, '{');
    ct_writer_key(json, "name");
    ct_writer_text(json, name);
    ct_writer_key(json, "from");
    ct_writer_time(json, from);
    ct_writer_key(json, "to");
    ct_writer_time(json, to);
    ct_writer_key(json, "basis");
    ct_writer_text(json, basis);
}

static void end_answer(struct ct_answer *body, const struct asked *asked, struct ct_json_figures *figures,
                       struct ct_reply *reply)
{
    figures->group_by = asked->sliced ? ct_slice_field_text(asked->by) : NULL;
    figures->wanted = asked->all ? NULL : is_wanted;
    figures->context = asked;
    figures->named = asked->named;
    figures->lang = asked->lang;
    ct_json_figures(&body->json, figures);
    ct_writer_close(&body->json, '}');
    ct_out_char(&body->out, '\n');
    ct_answer_reply(body, reply, CT_TYPE_JSON);
}

/* Does If-None-Match name this tag? */
static bool is_known(const struct ct_request *request, const char *etag)
{
    char scratch[512];
    ct_span known = ct_request_header(request, "if-none-match", scratch, sizeof scratch);
    const char *strong = etag + 2; /* weak comparison: without W/ */
    return known.len && memmem(known.at, known.len, strong, strlen(strong));
}

static void answer_window(struct ct_desk *desk, const struct ct_request *request, struct ct_query *query,
                          const struct asked *asked, struct ct_reply *reply)
{
    struct ct_live *live = ct_tap_live(desk->options.tap);
    struct ct_live_view view;
    struct ct_answer body;
    char etag[sizeof reply->etag];
    (void)snprintf(etag, sizeof etag, "W/\"%016" PRIx64 "-%" PRIx64 "\"", ct_hash(request->query, 0),
                   ct_live_generation(live));
    if (is_known(request, etag)) {
        reply->status = 304;
        memcpy(reply->etag, etag, sizeof etag);
        return;
    }
    enum ct_status status = ct_live_compute(live, asked->window, asked->sliced ? &asked->by : NULL, &view);
    if (status == CT_NOT_FOUND) {
        (void)ct_query_refuse(query, "by", "the windows are not kept by %s; ask for a range (from, to)",
                              ct_slice_field_text(asked->by));
        ct_query_answer(query, reply);
        return;
    }
    if (status != CT_OK) {
        ct_desk_fail(reply, status, NULL);
        return;
    }
    struct ct_json_figures figures = {
        .total = &view.total, .slices = view.slices, .slice_count = view.slice_count, .reason = ct_desk_window_reason};
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    write_head(&body, desk);
    write_window(&body.json, ct_window_text(asked->window), view.from, view.to, "first_published_at");
    ct_writer_key(&body.json, "messages");
    ct_writer_wide(&body.json, (ct_wide)view.messages);
    ct_writer_close(&body.json, '}');
    end_answer(&body, asked, &figures, reply);
    ct_live_view_done(&view);
    if (reply->status == 200) {
        memcpy(reply->etag, etag, sizeof etag);
    }
}

static void answer_range(struct ct_desk *desk, struct asked *asked, struct ct_reply *reply)
{
    struct ct_store *store = ct_desk_store(desk, reply);
    struct ct_range range;
    struct ct_answer body;
    struct ct_error err = {0};
    if (!store) {
        return;
    }
    struct ct_range_options *span = &asked->span;
    span->by = asked->sliced ? &asked->by : NULL;
    span->terms = &desk->options.terms;
    span->kpis = desk->options.kpis;
    span->conversations_max = desk->options.range_max;
    span->bytes_max = desk->options.range_bytes_max;
    enum ct_status status = ct_range_compute(store, span, &range, &err);
    if (status == CT_LIMIT) {
        ct_reply_error(reply, 422, "range_too_large", "%s; %s", err.text,
                       span->alone ? "ask for a shorter range, or run convtap audit"
                                   : "ask for a shorter range, or give around=none");
        return;
    }
    if (status != CT_OK) {
        ct_desk_fail(reply, status, &err);
        return;
    }
    struct ct_json_figures figures = {.total = &range.total, .slices = range.slices, .slice_count = range.slice_count};
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    write_head(&body, desk);
    write_window(&body.json, NULL, span->from, span->to, span->published ? "first_published_at" : "started_at");
    ct_writer_key(&body.json, "as_of");
    ct_writer_time(&body.json, range.as_of);
    ct_writer_key(&body.json, "around");
    ct_writer_wide(&body.json, (ct_wide)range.around);
    ct_writer_close(&body.json, '}');
    end_answer(&body, asked, &figures, reply);
    ct_range_done(&range);
}

void ct_desk_kpis(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    static const char *const names[] = {"window", "from", "to", "basis", "around", "by", "id", "lang", NULL};
    struct ct_query query;
    struct asked asked = {0};
    if (!ct_query_read(&query, request->query, names) || !read_question(&query, &asked)) {
        ct_query_answer(&query, reply);
    } else if (asked.range) {
        answer_range(context, &asked, reply);
    } else {
        answer_window(context, request, &query, &asked, reply);
    }
}

void ct_desk_catalogue(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_answer body;
    size_t count;
    (void)context;
    if (ct_desk_no_query(request, reply)) {
        const struct ct_kpi *kpis = ct_kpi_catalogue(&count);
        ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
        ct_json_catalogue(&body.out, kpis, count);
        ct_answer_reply(&body, reply, CT_TYPE_JSON);
    }
}
