/* desk_kpis.c - GET /api/v1/kpis and its catalogue: figures of a live window, or of any range from the store, written
 * by the code that writes `audit --json`.
 */
#include "engine/period.h"
#include "metrics/comparison.h"
#include "plugin/gate/desk_quality.h"
#include "plugin/gate/desk_state.h"
#include "sinks/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KPIS_MAX = 512, FILTERS_MAX = 16 };

struct asked {
    const struct ct_desk_terms *now; /* those in force as it was asked */
    bool range;
    enum ct_window window;
    struct ct_range_options span;
    struct ct_slice_by by; /* count 0 = no slices */
    struct ct_filter filters[FILTERS_MAX];
    size_t filter_count;
    bool compared;
    bool all;
    bool wanted[KPIS_MAX]; /* parallel to the catalogue */
    bool named;
    enum ct_lang lang;
    enum ct_profile profile;
};

static const char *field_names(void)
{
    return ""
#define X(name, text) text ", "
        CT_SLICE_MAP(X)
#undef X
            ;
}

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

/* "channel=web,whatsapp;topic=billing": all of them have to hold. */
static bool read_filters(struct ct_query *query, struct asked *asked)
{
    ct_span where = ct_query_value(query, "where");
    for (size_t at = 0; at < where.len;) {
        const char *begin = where.at + at, *end = memchr(begin, ';', where.len - at), *why;
        ct_span one = {begin, end ? (size_t)(end - begin) : where.len - at};
        if (asked->filter_count == FILTERS_MAX) {
            return ct_query_refuse(query, "where", "has at most %d conditions", FILTERS_MAX);
        }
        if (!ct_filter_from(one, &asked->filters[asked->filter_count], &why)) {
            return ct_query_refuse(query, "where", "\"%.*s\": %s", one.len < 60 ? (int)one.len : 60, one.at, why);
        }
        asked->filter_count++;
        at += one.len + 1;
    }
    return true;
}

static bool read_span(struct ct_query *query, struct asked *asked)
{
    static const char *const of_range[] = {"basis", "around", "where", "compare"};
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
    for (size_t i = 0; !asked->range && i < sizeof of_range / sizeof *of_range; i++) {
        if (ct_query_value(query, of_range[i]).at) {
            return ct_query_refuse(query, of_range[i], "is of a range: give from and to");
        }
    }
    if (!asked->range) {
        return asked->by.count < 2 || ct_query_refuse(query, "by", "a pair is of a range: give from and to");
    }
    ct_span compare = ct_query_value(query, "compare");
    if (compare.at && !ct_span_is(compare, "previous") && !ct_span_is(compare, "none")) {
        return ct_query_refuse(query, "compare", "must be \"previous\" or \"none\"");
    }
    asked->compared = ct_span_is(compare, "previous");
    if (!read_filters(query, asked)) {
        return false;
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
    if (by.at && !ct_slice_by_from(by, &asked->by)) {
        return ct_query_refuse(query, "by", "must be one of %sor for a range two of them, as in channel,language",
                               field_names());
    }
    asked->named = lang.at;
    if (!ct_query_lang(query, &asked->lang)) {
        return false;
    }
    ct_span profile = ct_query_value(query, "profile");
    if (profile.at && !ct_profile_from(profile, &asked->profile)) {
        return ct_query_refuse(query, "profile", "must be one of " CT_PROFILE_NAMES);
    }
    return read_span(query, asked) && read_ids(query, asked);
}

/* ---- the answer ----------------------------------------------------------------------------------------------------
 */

static bool is_wanted(const void *context, const struct ct_kpi *kpi)
{
    const struct asked *asked = context;
    size_t count;
    const struct ct_kpi *own = ct_kpi_find(ct_span_of(kpi->id)); /* a profile's row may be another */
    size_t index = own ? (size_t)(own - ct_kpi_catalogue(&count)) : KPIS_MAX;
    return index < KPIS_MAX && asked->wanted[index];
}

const char *ct_desk_window_reason(const struct ct_figure *figure)
{
    /* Of metrics that count conversations, those rows that only a customer's other conversations, its events or the
     * terms fill; a test holds this list against the metrics. */
    static const char *const ids[] = {"automation_rate.durable", "cost_per_interaction.durable", "adoption_rate",
                                      "adoption_rate.known",     "interactions_per_user",        "recurrence",
                                      "recurrence.days",         "channel_preference.customers", "fcr"};
    /* Marks and the scorecard are of ranges alone: a window counts a conversation once, as it is closed. */
    static const char *const marked[] = {"iqs", "iqs.judged", "ai_accuracy.marked"};
    const char *id = figure->kpi->id;
    for (size_t i = 0; i < sizeof marked / sizeof *marked; i++) {
        if (strcmp(id, marked[i]) == 0) {
            return "needs_range";
        }
    }
    if (figure->definition) {
        return figure->definition->window_usec ? "needs_customers" : NULL;
    }
    if (strncmp(id, "fcr.", 4) == 0 || ct_kpi_of_customers(figure->kpi)) {
        return "needs_customers";
    }
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (strcmp(id, ids[i]) == 0) {
            return "needs_customers";
        }
    }
    return NULL;
}

static void write_head(struct ct_answer *body, const struct ct_desk *desk, enum ct_profile profile)
{
    struct ct_tap_health *health = calloc(1, sizeof *health);
    ct_writer_open(&body->json, '{');
    ct_writer_key(&body->json, "version");
    ct_writer_text(&body->json, desk->options.version);
    ct_writer_key(&body->json, "profile");
    ct_writer_text(&body->json, ct_profile_text(profile));
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
    char by[CT_SLICE_BY_BYTES];
    figures->group_by = asked->by.count ? ct_slice_by_text(&asked->by, by) : NULL;
    figures->wanted = asked->all ? NULL : is_wanted;
    figures->context = asked;
    figures->named = asked->named;
    figures->lang = asked->lang;
    ct_json_figures(&body->json, figures);
    ct_writer_close(&body->json, '}');
    ct_out_char(&body->out, '\n');
    ct_answer_reply(body, reply, CT_TYPE_JSON);
}

static void answer_window(struct ct_desk *desk, const struct ct_request *request, struct ct_query *query,
                          const struct asked *asked, struct ct_reply *reply)
{
    struct ct_live *live = ct_tap_live(desk->options.tap);
    struct ct_live_view view;
    struct ct_answer body;
    char etag[sizeof reply->etag];
    (void)snprintf(etag, sizeof etag, "W/\"%016" PRIx64 "-%" PRIx64 "\"", ct_hash(request->query, desk->tags),
                   ct_live_generation(live));
    if (ct_request_knows(request, etag)) {
        reply->status = 304;
        memcpy(reply->etag, etag, sizeof etag);
        return;
    }
    enum ct_status status =
        ct_live_compute_as(live, asked->window, asked->by.count ? &asked->by.field[0] : NULL, asked->profile, &view);
    if (status == CT_NOT_FOUND) {
        (void)ct_query_refuse(query, "by", "the windows are not kept by %s; ask for a range (from, to)",
                              ct_slice_field_text(asked->by.field[0]));
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
    write_head(&body, desk, asked->profile);
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

enum ct_status ct_desk_compare_range(struct ct_store *store, const struct ct_range_options *span,
                                     struct ct_range *range, struct ct_range *before, struct ct_error *err)
{
    struct ct_terms terms = *span->terms;
    struct ct_range_options other = *span;
    struct ct_period period = ct_period_before(terms.zone, (struct ct_period){span->from, span->to});
    memset(before, 0, sizeof *before);
    before->total.from = before->total.to = CT_USEC_NONE;
    if (period.to == CT_USEC_NONE) {
        return CT_OK;
    }
    terms.as_of = range->as_of;
    other.terms = &terms;
    other.from = period.from;
    other.to = period.to;
    enum ct_status status = ct_range_compute(store, &other, before, err);
    if (status == CT_OK) {
        ct_compare_blocks(&range->total, &before->total);
        if (range->slice_count && range->slices[0].from == CT_USEC_NONE) { /* days of two periods are different ones */
            ct_compare_slices(range->slices, range->slice_count, before->slices, before->slice_count);
        }
    }
    return status;
}

static void write_period(struct ct_writer *json, const char *key, const struct ct_block *block, const char *count_key,
                         uint64_t count)
{
    ct_writer_key(json, key);
    ct_writer_open(json, '{');
    ct_writer_key(json, "from");
    ct_writer_time(json, block->from);
    ct_writer_key(json, "to");
    ct_writer_time(json, block->to);
    ct_writer_key(json, count_key);
    ct_writer_wide(json, (ct_wide)count);
    ct_writer_close(json, '}');
}

static void write_range(struct ct_desk *desk, const struct asked *asked, const struct ct_range *range,
                        const struct ct_range *before, struct ct_reply *reply)
{
    const struct ct_range_options *span = &asked->span;
    struct ct_answer body;
    struct ct_json_figures figures = {
        .total = &range->total, .slices = range->slices, .slice_count = range->slice_count};
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    write_head(&body, desk, asked->profile);
    write_window(&body.json, NULL, span->from, span->to, span->published ? "first_published_at" : "started_at");
    ct_writer_key(&body.json, "as_of");
    ct_writer_time(&body.json, range->as_of);
    ct_writer_key(&body.json, "around");
    ct_writer_wide(&body.json, (ct_wide)range->around);
    ct_writer_close(&body.json, '}');
    write_period(&body.json, "business", &range->total, "events", range->total.events);
    if (asked->compared && before->total.to != CT_USEC_NONE) {
        write_period(&body.json, "compared_with", &before->total, "conversations", before->total.conversations);
    }
    ct_desk_quality_write(&body.json, span->terms, range);
    end_answer(&body, asked, &figures, reply);
}

static void answer_range(struct ct_desk *desk, struct asked *asked, struct ct_reply *reply)
{
    struct ct_store *store = ct_desk_store(desk, reply);
    struct ct_range range, before = {0};
    struct ct_error err = {0};
    if (!store) {
        return;
    }
    struct ct_range_options *span = &asked->span;
    struct ct_kpi_options kpis = asked->now->kpis;
    struct ct_terms terms = asked->now->terms;
    kpis.profile = asked->profile;
    terms.as_of = CT_USEC_NONE; /* what the store shows, whatever an audit's configuration says */
    span->by = asked->by.count ? &asked->by : NULL;
    span->filters = asked->filters;
    span->filter_count = asked->filter_count;
    span->terms = &terms;
    span->kpis = &kpis;
    span->conversations_max = desk->options.range_max;
    span->events_max = desk->options.range_events_max;
    span->bytes_max = desk->options.range_bytes_max;
    enum ct_status status = ct_range_compute(store, span, &range, &err);
    if (status == CT_OK && asked->compared) {
        status = ct_desk_compare_range(store, span, &range, &before, &err);
    }
    if (status == CT_OK) {
        write_range(desk, asked, &range, &before, reply);
    } else if (status == CT_LIMIT) {
        ct_reply_error(reply, 422, "range_too_large", "%s; %s", err.text,
                       span->alone ? "ask for a shorter range, or run convtap audit"
                                   : "ask for a shorter range, or give around=none");
    } else {
        ct_desk_fail(reply, status, &err);
    }
    ct_range_done(&before);
    ct_range_done(&range);
}

void ct_desk_kpis(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    static const char *const names[] = {"window", "from",    "to", "basis", "around",  "by",
                                        "where",  "compare", "id", "lang",  "profile", NULL};
    struct ct_query query;
    struct ct_desk_terms *now = ct_desk_terms_now(context);
    struct asked asked = {.now = now, .profile = now->kpis.profile};
    if (!ct_query_read(&query, request->query, names) || !read_question(&query, &asked)) {
        ct_query_answer(&query, reply);
    } else if (asked.range) {
        answer_range(context, &asked, reply);
    } else {
        answer_window(context, request, &query, &asked, reply);
    }
    ct_desk_terms_unref(now);
}

void ct_desk_catalogue(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_answer body;
    struct ct_catalogue catalogue;
    (void)context;
    if (ct_desk_no_query(request, reply)) {
        ct_profile_catalogue(&catalogue);
        ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
        ct_json_catalogue(&body.out, &catalogue);
        ct_answer_reply(&body, reply, CT_TYPE_JSON);
    }
}
