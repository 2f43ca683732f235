/* desk_conversations.c - GET /api/v1/conversations and /api/v1/conversations/{id}: lists from the store, newest first,
 * and one conversation explained, open or closed.
 */
#include "plugin/gate/desk_explain.h"
#include "plugin/gate/desk_state.h"
#include "plugin/gate/desk_summary.h"
#include "sinks/records.h"

#include <stdlib.h>

/* Of a KPI so many conversations are looked at for one page: it may then have few, or none, and still a next one. */
enum { LIMIT_DEFAULT = 100, LIMIT_MOST = 1000, LOOKED_MOST = 5000, SESSIONS_MOST = 50 };
#define RECORD_BYTES_MAX ((size_t)4 << 20)

static bool read_outcome(struct ct_query *query, struct ct_store_filter *filter)
{
    ct_span outcome = filter->outcome = ct_query_value(query, "outcome");
    bool known = !outcome.at;
    for (int i = 0; i < CT_OUTCOME_COUNT && !known; i++) {
        known = ct_span_is(outcome, ct_outcome_text((enum ct_outcome)i));
    }
    return known || ct_query_refuse(query, "outcome",
                                    "must be not_engaged, escalated, escalation_failed, "
                                    "resolved_confirmed, unresolved, resolved_implied, silent or "
                                    "abandoned");
}

static struct ct_store_filter everything(void)
{
    return (struct ct_store_filter){.started_from = CT_USEC_NONE,
                                    .started_before = CT_USEC_NONE,
                                    .published_from = CT_USEC_NONE,
                                    .published_before = CT_USEC_NONE};
}

/* ---- the list ------------------------------------------------------------------------------------------------------
 */

struct listing {
    struct ct_answer body;
    size_t limit, count, looked_most, looked;
    uint64_t last;
    bool more;
    const struct ct_kpi *kpi; /* only those that it counts; NULL = all */
    bool numerator;           /* and only those of its numerator */
    struct ct_kpi_set *scratch;
};

/* Does it stand in the part of the KPI that was asked for? */
static bool is_counted(const struct listing *l, const struct ct_record *record)
{
    struct ct_figure own;
    bool base = ct_kpis_contribution(l->scratch, l->kpi, record, &own) || l->kpi->kind == CT_KPI_SUM;
    return base && (own.numerator != 0 || (!l->numerator && l->kpi->kind != CT_KPI_SUM));
}

static enum ct_status list_row(void *context, const struct ct_store_row *row)
{
    struct listing *l = context;
    if (l->count == l->limit || l->looked == l->looked_most) { /* one more was asked for, to know that there is one */
        l->more = true;
        return CT_OK;
    }
    l->looked++;
    l->last = row->row;
    if (l->kpi && !is_counted(l, row->record)) {
        return CT_OK;
    }
    const struct ct_summary_state state = {.row = row->row,
                                           .revision = row->revision,
                                           .final = row->final,
                                           .first_published_at = row->first_published_at,
                                           .published_at = row->published_at};
    ct_summary_write(&l->body.json, row->record, &state);
    l->count++;
    return CT_OK;
}

/* From when to when, by their start or by when they were first published. */
static bool read_times(struct ct_query *query, struct ct_store_filter *filter)
{
    ct_span basis = ct_query_value(query, "basis");
    bool published = ct_span_is(basis, "published");
    if (basis.at && !published && !ct_span_is(basis, "started")) {
        return ct_query_refuse(query, "basis", "must be \"started\" or \"published\"");
    }
    return ct_query_time(query, "from", published ? &filter->published_from : &filter->started_from) &&
           ct_query_time(query, "to", published ? &filter->published_before : &filter->started_before);
}

static bool read_kpi(struct ct_query *query, struct listing *l)
{
    ct_span id = ct_query_value(query, "kpi"), part = ct_query_value(query, "part");
    l->kpi = id.at ? ct_kpi_find(id) : NULL;
    l->numerator = ct_span_is(part, "numerator");
    if (id.at && !l->kpi) {
        return ct_query_refuse(query, "kpi", "there is no such KPI; GET /api/v1/kpis/catalogue has them all");
    }
    if (part.at && !id.at) {
        return ct_query_refuse(query, "part", "is of a KPI: give kpi");
    }
    return !part.at || l->numerator || ct_span_is(part, "denominator") ||
           ct_query_refuse(query, "part", "must be \"numerator\" or \"denominator\"");
}

/* What looking at a KPI takes. false = answered. */
static bool begin_kpi(struct listing *l, struct ct_store_filter *filter, struct ct_reply *reply)
{
    const struct ct_figure figure = {.kpi = l->kpi};
    l->looked_most = l->limit;
    if (l->kpi && ct_desk_window_reason(&figure)) {
        ct_reply_error(reply, 422, "needs_customers",
                       "%s looks at all of a customer's conversations or at business events: one alone cannot say "
                       "whether it is counted",
                       l->kpi->id);
        return false;
    }
    if (l->kpi) {
        l->looked_most = LOOKED_MOST;
        l->scratch = ct_kpis_new();
        if (!l->scratch) {
            ct_desk_fail(reply, CT_NO_MEMORY, NULL);
            return false;
        }
    }
    filter->limit = l->looked_most + 1;
    return true;
}

void ct_desk_conversations(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    static const char *const names[] = {"channel",         "language", "bot", "tenant", "outcome", "user_id",
                                        "conversation_id", "from",     "to",  "basis",  "kpi",     "part",
                                        "limit",           "cursor",   NULL};
    struct ct_query query;
    struct ct_store_filter filter = everything();
    struct ct_error err = {0};
    struct listing l = {.limit = LIMIT_DEFAULT};
    uint64_t limit = LIMIT_DEFAULT;
    filter.newest_first = true;
    if (!ct_query_read(&query, request->query, names) || !read_outcome(&query, &filter) ||
        !read_times(&query, &filter) || !read_kpi(&query, &l) ||
        !ct_query_number(&query, "limit", 1, LIMIT_MOST, &limit) ||
        !ct_query_number(&query, "cursor", 1, INT64_MAX, &filter.after)) {
        ct_query_answer(&query, reply);
        return;
    }
    filter.channel = ct_query_value(&query, "channel");
    filter.language = ct_query_value(&query, "language");
    filter.bot = ct_query_value(&query, "bot");
    filter.tenant = ct_query_value(&query, "tenant");
    filter.user_id = ct_query_value(&query, "user_id");
    filter.conversation_id = ct_query_value(&query, "conversation_id");
    l.limit = (size_t)limit;
    struct ct_store *store = ct_desk_store(context, reply);
    if (!store || !begin_kpi(&l, &filter, reply)) {
        return;
    }
    ct_answer_begin(&l.body, CT_ANSWER_BYTES_MAX);
    ct_writer_open(&l.body.json, '{');
    ct_writer_key(&l.body.json, "conversations");
    ct_writer_open(&l.body.json, '[');
    enum ct_status status = ct_store_each(store, &filter, list_row, &l, &err);
    ct_kpis_free(l.scratch);
    ct_writer_close(&l.body.json, ']');
    ct_writer_key(&l.body.json, "next");
    if (l.more) {
        char cursor[CT_DECIMAL_BYTES];
        size_t len = ct_wide_format((ct_wide)l.last, cursor);
        ct_writer_string(&l.body.json, (ct_span){cursor, len});
    } else {
        ct_writer_null(&l.body.json);
    }
    ct_writer_close(&l.body.json, '}');
    ct_out_char(&l.body.out, '\n');
    if (status != CT_OK) {
        if (ct_answer_end(&l.body)) {
            free(l.body.bytes);
        }
        ct_desk_fail(reply, status, &err);
        return;
    }
    ct_answer_reply(&l.body, reply, CT_TYPE_JSON);
}

/* ---- one -----------------------------------------------------------------------------------------------------------
 */

struct session {
    uint64_t conversation_hash;
    ct_usec started_at;
};
struct showing {
    struct ct_desk *desk;
    struct ct_answer body;
    enum ct_lang lang;
    ct_usec started_at; /* NONE = any */
    struct session open[SESSIONS_MOST];
    size_t open_count, count;
    bool too_large, failed;
    char tenant[256]; /* of the stored ones, to find the open one by */
    size_t tenant_len;
};

static bool is_asked(const struct showing *s, const struct ct_record *record)
{
    return s->started_at == CT_USEC_NONE || s->started_at == record->started_at;
}

/* A session of an open conversation as it stands. Under the tap's lock. */
static void show_open(void *context, const struct ct_record *record, const struct ct_setup *setup)
{
    struct showing *s = context;
    struct ct_answer line;
    if (!is_asked(s, record) || s->count >= SESSIONS_MOST) {
        return;
    }
    ct_answer_begin(&line, RECORD_BYTES_MAX);
    ct_records_write(&line.out, setup->rules, record);
    if (!ct_answer_end(&line)) {
        s->too_large |= line.too_long;
        s->failed |= !line.too_long;
        return;
    }
    const struct ct_explained what = {
        .json = {line.bytes, line.len}, .open = true, .rules = setup->rules, .lang = s->lang};
    s->failed |= !ct_explain_write(&s->body.json, &what);
    s->open[s->open_count++] = (struct session){record->conversation_hash, record->started_at};
    s->count++;
    free(line.bytes);
}

static enum ct_status show_stored(void *context, const struct ct_store_row *row)
{
    struct showing *s = context;
    const struct ct_record *record = row->record;
    ct_span tenant = ct_record_text(record, CT_TEXT_TENANT);
    for (size_t i = 0; i < s->open_count; i++) { /* what is open is shown as it stands now */
        if (s->open[i].conversation_hash == record->conversation_hash && s->open[i].started_at == record->started_at) {
            return CT_OK;
        }
    }
    if (!is_asked(s, record) || s->count >= SESSIONS_MOST) {
        return CT_OK;
    }
    if (row->json.len > RECORD_BYTES_MAX) {
        s->too_large = true;
        return CT_OK;
    }
    if (tenant.len < sizeof s->tenant) {
        s->tenant_len = tenant.len;
        memcpy(s->tenant, tenant.len ? tenant.at : "", tenant.len);
    }
    struct ct_desk *desk = s->desk;
    struct ct_ruleset *rules = desk->options.rules ? desk->options.rules(desk->options.context, row->rules_hash) : NULL;
    const struct ct_explained what = {.json = row->json, .rules = rules, .stored = row, .lang = s->lang};
    s->failed |= !ct_explain_write(&s->body.json, &what);
    s->count++;
    ct_ruleset_unref(rules);
    return CT_OK;
}

/* The tenant of the newest stored one, where the question names none. */
static enum ct_status note_tenant(void *context, const struct ct_store_row *row)
{
    struct showing *s = context;
    ct_span tenant = ct_record_text(row->record, CT_TEXT_TENANT);
    if (tenant.len < sizeof s->tenant) {
        memcpy(s->tenant, tenant.len ? tenant.at : "", tenant.len);
        s->tenant_len = tenant.len;
    }
    return CT_OK;
}

static enum ct_status show_all(struct showing *s, ct_span id, ct_span tenant, struct ct_store *store,
                               struct ct_error *err)
{
    struct ct_store_filter filter = everything();
    enum ct_status status = CT_OK;
    filter.conversation_id = id;
    filter.tenant = tenant;
    filter.newest_first = true;
    filter.started_from = s->started_at;
    filter.started_before = s->started_at == CT_USEC_NONE ? CT_USEC_NONE : s->started_at + 1;
    if (store && !tenant.len) {
        filter.limit = 1;
        status = ct_store_each(store, &filter, note_tenant, s, err);
    }
    if (status == CT_OK) {
        ct_span looked = tenant.len ? tenant : (ct_span){s->tenant, s->tenant_len};
        status = ct_tap_look(s->desk->options.tap, looked, id, show_open, s);
        if (status == CT_NOT_FOUND && looked.len && !tenant.len) {
            status = ct_tap_look(s->desk->options.tap, CT_SPAN_NONE, id, show_open, s);
        }
        status = status == CT_NOT_FOUND ? CT_OK : status;
    }
    if (status == CT_OK && store) {
        filter.limit = SESSIONS_MOST;
        status = ct_store_each(store, &filter, show_stored, s, err);
    }
    return status;
}

void ct_desk_conversation(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    static const char *const names[] = {"tenant", "started_at", "lang", NULL};
    struct ct_desk *desk = context;
    struct ct_query query;
    struct ct_error err = {0};
    struct ct_reply unavailable = {0};
    struct showing s = {.desk = desk, .started_at = CT_USEC_NONE};
    if (!ct_query_read(&query, request->query, names) || !ct_query_time(&query, "started_at", &s.started_at) ||
        !ct_query_lang(&query, &s.lang)) {
        ct_query_answer(&query, reply);
        return;
    }
    if (!request->rest.len || !ct_utf8_valid(request->rest, NULL)) {
        ct_reply_error(reply, 404, "not_found", "a conversation is asked for by its id: /api/v1/conversations/ID");
        return;
    }
    /* An open conversation can be looked at without a store. */
    struct ct_store *store = desk->options.store ? ct_desk_store(desk, &unavailable) : NULL;
    ct_answer_begin(&s.body, CT_ANSWER_BYTES_MAX);
    ct_writer_open(&s.body.json, '{');
    ct_writer_key(&s.body.json, "conversation_id");
    ct_writer_string(&s.body.json, request->rest);
    ct_writer_key(&s.body.json, "conversations");
    ct_writer_open(&s.body.json, '[');
    enum ct_status status = show_all(&s, request->rest, ct_query_value(&query, "tenant"), store, &err);
    ct_writer_close(&s.body.json, ']');
    ct_writer_close(&s.body.json, '}');
    ct_out_char(&s.body.out, '\n');
    if (status == CT_OK && s.count && !s.failed) {
        ct_answer_reply(&s.body, reply, CT_TYPE_JSON);
    } else {
        if (ct_answer_end(&s.body)) {
            free(s.body.bytes);
        }
        if (status != CT_OK || s.failed) {
            ct_desk_fail(reply, status == CT_OK ? CT_NO_MEMORY : status, &err);
        } else if (s.too_large) {
            ct_reply_error(reply, 422, "conversation_too_large",
                           "its record has more than %zu MiB; read it with convtap db", RECORD_BYTES_MAX >> 20);
        } else if (unavailable.status) {
            *reply = unavailable;
            unavailable.body = NULL;
        } else {
            ct_reply_error(reply, 404, "not_found", "there is no such conversation, open or stored");
        }
    }
    free(unavailable.body);
}
