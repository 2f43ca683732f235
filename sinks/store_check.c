/* store_check.c - everything that can be wrong with a store, each finding a line. Called by `convtap db check` and by
 * the tests after every kill.
 */
#include "sinks/store_state.h"

#include <stdarg.h>
#include <stdlib.h>

enum { FINDINGS_MAX = 1000 /* said one by one; all are counted */ };

struct check {
    struct ct_store *store;
    struct ct_out *out;
    uint64_t found;
};

static void say(struct check *c, const char *format, ...) CT_PRINTF(2, 3);
static void say(struct check *c, const char *format, ...)
{
    if (c->found++ < FINDINGS_MAX) {
        char text[900];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        for (char *at = text; *at; at++) { /* a damaged file's own texts, on one line */
            *at = (unsigned char)*at < ' ' ? ' ' : *at;
        }
        ct_out_text(c->out, text);
        ct_out_char(c->out, '\n');
    }
}

/* A damaged database may fail in the middle of any look at it: that is a finding, too. */
static enum ct_status stopped(struct check *c, int code, const char *what, struct ct_error *err)
{
    if (code == SQLITE_DONE || code == SQLITE_OK) {
        return CT_OK;
    }
    if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_ERROR || (code & 0xff) == SQLITE_NOTADB) {
        say(c, "%s: cannot be looked at: %s", what, sqlite3_errmsg(c->store->db));
        return CT_OK;
    }
    return ct_store_fail(c->store, code, "read", err);
}

/* ---- what SQL can see ------------------------------------------------------------------------------------------- */

/* Each row that comes is a finding: its first column the row of the conversation, the second a detail. */
static const struct {
    const char *what, *sql;
} rules[] = {
    {"is there without its conversation: evidence of row",
     "SELECT conversation,'message '||message FROM evidence e WHERE NOT EXISTS "
     "(SELECT 1 FROM conversation c WHERE c.row=e.conversation)"},
    {"stands and is withdrawn at once: row",
     "SELECT c.row,c.conversation_id FROM conversation c JOIN withdrawn w ON w.conversation_id=c.conversation_id AND "
     "w.tenant=c.tenant AND w.session=c.session AND w.started_at=ifnull(c.started_at,0)"},
    {"number of a conversation and of a withdrawn one: row",
     "SELECT c.row,c.conversation_id FROM conversation c JOIN withdrawn w ON w.row=c.row"},
    {"twice under one key: row",
     "SELECT max(row),conversation_id FROM conversation GROUP BY conversation_id,tenant,session,ifnull(started_at,0) "
     "HAVING count(*)>1"},
    {"revision out of range: row",
     "SELECT row,revision FROM conversation WHERE revision<1 OR revision>4294967295 UNION ALL "
     "SELECT row,revision FROM withdrawn WHERE revision<1 OR revision>4294967295"},
    {"line is no JSON: row", "SELECT row,conversation_id FROM conversation WHERE NOT json_valid(json)"},
    {"line and columns differ: row",
     "SELECT row,conversation_id FROM conversation WHERE CASE WHEN json_valid(json) THEN "
     "json->>'conversation_id' IS NOT conversation_id OR ifnull(json->>'tenant','') IS NOT tenant OR "
     "json->>'user_id' IS NOT user_id OR json->>'channel' IS NOT channel OR json->>'language' IS NOT language OR "
     "json->>'bot' IS NOT bot OR json->>'outcome' IS NOT outcome OR json->>'resolved' IS NOT resolved OR "
     "json->>'escalated' IS NOT escalated OR json->>'complaint' IS NOT complaint OR "
     "json->>'$.counts.user' IS NOT user_messages OR json->>'$.counts.bot' IS NOT bot_messages OR "
     "json->>'$.csat.score' IS NOT csat OR json->>'$.nps.score' IS NOT nps OR json->>'$.ces.score' IS NOT ces OR "
     "json->>'rules_hash' IS NOT rules_hash END"},
    {"evidence is not what its line says: row",
     "SELECT c.row,'evidence '||j.key FROM conversation c, json_each(CASE WHEN json_valid(c.json) THEN c.json ELSE "
     "'{\"evidence\":[]}' END,'$.evidence') j LEFT JOIN evidence e ON e.conversation=c.row AND e.ordinal=j.key WHERE "
     "e.message IS NOT j.value->>'message' OR e.begin IS NOT j.value->>'begin' OR e.end IS NOT j.value->>'end' OR "
     "e.signal IS NOT ifnull(j.value->>'signal','') OR e.rule IS NOT j.value->>'rule' OR "
     "e.because IS NOT j.value->>'$.because.evidence'"},
    {"evidence that its line does not have: row",
     "SELECT c.row,'evidence '||e.ordinal FROM conversation c JOIN evidence e ON e.conversation=c.row WHERE "
     "CASE WHEN json_valid(c.json) THEN e.ordinal>=json_array_length(c.json,'$.evidence') END"},
    {"hourly sum of an hour in which nothing was published: hour",
     "SELECT hour,measure||' '||channel FROM sum_hour s WHERE NOT EXISTS (SELECT 1 FROM conversation c WHERE "
     "c.first_published_at>=s.hour AND c.first_published_at<s.hour+3600000000)"},
    {"hourly sum of a measure that no conversation knows: hour",
     "SELECT hour,measure FROM sum_hour WHERE measure NOT IN (SELECT name FROM measure)"},
};

static enum ct_status check_rules(struct check *c, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && status == CT_OK; i++) {
        sqlite3_stmt *s;
        int code = sqlite3_prepare_v2(c->store->db, rules[i].sql, -1, &s, NULL);
        while (code == SQLITE_OK || code == SQLITE_ROW) {
            code = sqlite3_step(s);
            if (code == SQLITE_ROW) {
                const char *detail = (const char *)sqlite3_column_text(s, 1);
                say(c, "%s %lld (%.200s)", rules[i].what, (long long)sqlite3_column_int64(s, 0), detail ? detail : "");
            }
        }
        status = stopped(c, code, rules[i].what, err);
        sqlite3_finalize(s);
    }
    return status;
}

static enum ct_status check_pages(struct check *c, struct ct_error *err)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(c->store->db, "PRAGMA integrity_check(100)", -1, &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(s);
        const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
        if (text && strcmp(text, "ok") != 0) {
            say(c, "database: %.500s", text);
        }
    }
    enum ct_status status = stopped(c, code, "database", err);
    sqlite3_finalize(s);
    return status;
}

/* ---- what only the record's own bytes say ----------------------------------------------------------------------- */

static bool column_is(sqlite3_stmt *s, int column, const struct ct_record *record, enum ct_text_field field)
{
    return ct_span_eq(ct_store_column_span(s, column), ct_record_text(record, field));
}

static bool time_is(sqlite3_stmt *s, int column, ct_usec value)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL ? value == CT_USEC_NONE
                                                         : sqlite3_column_int64(s, column) == value;
}

/* Columns that the line does not have: from `first` on, in this order. */
static bool more_columns_are(sqlite3_stmt *s, int first, const struct ct_record *record)
{
    static const enum ct_text_field fields[] = {CT_TEXT_BOT_VERSION, CT_TEXT_SEGMENT, CT_TEXT_PRODUCT, CT_TEXT_COUNTRY,
                                                CT_TEXT_INTENT,      CT_TEXT_TOPIC,   CT_TEXT_TOPICS};
    bool same = true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        same = same && column_is(s, first + (int)i, record, fields[i]);
    }
    return same;
}

static void check_record(struct check *c, sqlite3_stmt *s)
{
    const char *why;
    char content_hash[17];
    struct ct_store_buffer *buffer = &c->store->record;
    long long row = sqlite3_column_int64(s, 0);
    ct_span blob = ct_store_column_span(s, 2);
    if (sqlite3_column_int64(s, 1) != ct_store_layout()) {
        return; /* of another version: nothing that this one can read, and nothing wrong */
    }
    buffer->len = 0;
    if (!ct_store_buffer_add(buffer, blob.at, blob.len)) {
        say(c, "record: row %lld is too large to look at", row);
        return;
    }
    const struct ct_record *record = (const struct ct_record *)(const void *)buffer->bytes;
    if (!ct_store_record_valid(record, buffer->len, &why)) {
        say(c, "record is damaged: row %lld (%s)", row, why);
        return;
    }
    snprintf(content_hash, sizeof content_hash, "%016llx", (unsigned long long)record->content_hash);
    struct ct_store_key key = ct_store_key_of(record);
    bool same = column_is(s, 3, record, CT_TEXT_CONVERSATION_ID) && column_is(s, 4, record, CT_TEXT_TENANT) &&
                sqlite3_column_int64(s, 5) == key.session && column_is(s, 6, record, CT_TEXT_USER_ID) &&
                time_is(s, 7, record->started_at) && time_is(s, 8, record->ended_at) &&
                ct_span_is(ct_store_column_span(s, 9), content_hash) &&
                ct_span_is(ct_store_column_span(s, 10), ct_outcome_text((enum ct_outcome)record->outcome)) &&
                sqlite3_column_int64(s, 11) == record->evidence.count && more_columns_are(s, 12, record);
    if (!same) {
        say(c, "record and columns differ: row %lld (%.*s)", row,
            (int)(key.conversation_id.len < 120 ? key.conversation_id.len : 120), key.conversation_id.at);
    }
}

static enum ct_status check_records(struct check *c, struct ct_error *err)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(
        c->store->db,
        "SELECT row,layout,record,conversation_id,tenant,session,user_id,started_at,ended_at,content_hash,outcome,"
        "(SELECT count(*) FROM evidence e WHERE e.conversation=c.row),bot_version,segment,product,country,intent,topic,"
        "topics FROM conversation c",
        -1, &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(s);
        if (code == SQLITE_ROW) {
            check_record(c, s);
        }
    }
    enum ct_status status = stopped(c, code, "records", err);
    sqlite3_finalize(s);
    return status;
}

/* ---- business events -------------------------------------------------------------------------------------------- */

static enum ct_status check_events(struct check *c, struct ct_error *err)
{
    sqlite3_stmt *s;
    int code = sqlite3_prepare_v2(c->store->db, "SELECT " CT_STORE_EVENT_COLUMNS " FROM business_event", -1, &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(s);
        if (code == SQLITE_ROW) {
            uint64_t identity;
            const char *why = "too large to look at";
            if (ct_store_event_read(c->store, s, &identity, &why) != CT_OK) {
                say(c, "business event is damaged: %016llx (%s)", (unsigned long long)identity, why);
            } else if (c->store->event->identity != identity) {
                say(c, "business event is not the one that its identity says: %016llx", (unsigned long long)identity);
            }
        }
    }
    enum ct_status status = stopped(c, code, "business events", err);
    sqlite3_finalize(s);
    return status;
}

/* ---- sums: an hour at a time ------------------------------------------------------------------------------------ */

struct channel_sums {
    char *name;
    size_t len;
    ct_wide *value; /* by number of the measure */
};

struct hour_sums {
    ct_usec hour;
    struct channel_sums *channels;
    size_t count, measures;
};

static void hour_done(struct hour_sums *h)
{
    for (size_t i = 0; i < h->count; i++) {
        free(h->channels[i].name);
        free(h->channels[i].value);
    }
    free(h->channels);
    h->channels = NULL;
    h->count = 0;
}

static struct channel_sums *channel_of(struct hour_sums *h, ct_span name, bool make)
{
    for (size_t i = 0; i < h->count; i++) {
        if (ct_span_eq((ct_span){h->channels[i].name, h->channels[i].len}, name)) {
            return &h->channels[i];
        }
    }
    struct channel_sums *more = make ? realloc(h->channels, (h->count + 1) * sizeof *more) : NULL;
    if (!more) {
        return NULL;
    }
    h->channels = more;
    more[h->count] = (struct channel_sums){malloc(name.len + 1), name.len, calloc(h->measures, sizeof(ct_wide))};
    if (!more[h->count].name || !more[h->count].value) {
        free(more[h->count].name);
        free(more[h->count].value);
        return NULL;
    }
    if (name.len) {
        memcpy(more[h->count].name, name.at, name.len);
    }
    return &more[h->count++];
}

/* One measure of the hour against its rows. */
static int compare_measure(struct check *c, struct hour_sums *h, size_t number, sqlite3_stmt *rows)
{
    const char *measure = ct_store_measure_name(&c->store->measures, number);
    int code = SQLITE_DONE;
    if (!measure) {
        return code;
    }
    sqlite3_bind_text(rows, 1, measure, -1, SQLITE_STATIC);
    sqlite3_bind_int64(rows, 2, h->hour);
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        ct_span name = ct_store_column_span(rows, 0);
        struct channel_sums *channel = channel_of(h, name, false);
        ct_wide due = channel ? channel->value[number] : 0;
        if ((int64_t)(uint64_t)due != sqlite3_column_int64(rows, 1)) {
            say(c, "hourly sum is %lld, its conversations give %lld: hour %lld, %s, channel \"%.*s\"",
                (long long)sqlite3_column_int64(rows, 1), (long long)(int64_t)(uint64_t)due, (long long)h->hour,
                measure, (int)(name.len < 120 ? name.len : 120), name.at ? name.at : "");
        } else if (due > INT64_MAX || due < INT64_MIN) {
            say(c, "hourly sum has left 64 bits: hour %lld, %s", (long long)h->hour, measure);
        }
        if (channel) {
            channel->value[number] = 0;
        }
    }
    sqlite3_reset(rows);
    for (size_t i = 0; i < h->count; i++) {
        if ((uint64_t)h->channels[i].value[number]) {
            say(c, "hourly sum is missing, its conversations give %lld: hour %lld, %s, channel \"%.*s\"",
                (long long)(int64_t)(uint64_t)h->channels[i].value[number], (long long)h->hour, measure,
                (int)(h->channels[i].len < 120 ? h->channels[i].len : 120), h->channels[i].name);
        }
    }
    return code;
}

static int compare_hour(struct check *c, struct hour_sums *h, sqlite3_stmt *rows)
{
    int code = SQLITE_DONE;
    for (size_t number = 1; number < h->measures && code == SQLITE_DONE && h->count; number++) {
        code = compare_measure(c, h, number, rows);
    }
    hour_done(h);
    return code;
}

/* false = out of memory */
static bool add_sums(struct check *c, struct hour_sums *h, sqlite3_stmt *s)
{
    uint64_t number;
    int64_t value;
    bool bad;
    struct channel_sums *channel = channel_of(h, ct_store_column_span(s, 1), true);
    ct_span blob = ct_store_column_span(s, 2);
    if (!channel) {
        return false;
    }
    while (ct_store_sums_next(&blob, &number, &value, &bad)) {
        if (number == 0 || number >= h->measures) {
            bad = true;
            break;
        }
        channel->value[number] += value;
    }
    if (bad) {
        say(c, "sums are damaged: row %lld", (long long)sqlite3_column_int64(s, 3));
    }
    return true;
}

static enum ct_status check_sums(struct check *c, struct ct_error *err)
{
    struct hour_sums h = {.hour = CT_USEC_NONE};
    sqlite3_stmt *s = NULL, *rows = NULL;
    bool memory = true;
    enum ct_status status = ct_store_measures_load(c->store, err);
    h.measures = c->store->measures.count;
    int code = sqlite3_prepare_v2(c->store->db,
                                  "SELECT first_published_at,ifnull(channel,''),sums,row FROM conversation "
                                  "ORDER BY first_published_at",
                                  -1, &s, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(c->store->db, "SELECT channel,value FROM sum_hour WHERE measure=?1 AND hour=?2", -1,
                                  &rows, NULL);
    }
    while (status == CT_OK && memory && (code == SQLITE_OK || code == SQLITE_ROW)) {
        code = sqlite3_step(s);
        ct_usec hour = code == SQLITE_ROW ? ct_store_hour_of(sqlite3_column_int64(s, 0)) : CT_USEC_NONE;
        if (h.count && hour != h.hour) {
            int compared = compare_hour(c, &h, rows);
            code = compared == SQLITE_DONE ? code : compared;
        }
        h.hour = hour;
        memory = code != SQLITE_ROW || add_sums(c, &h, s);
    }
    hour_done(&h);
    status = status != CT_OK ? status
             : !memory       ? ct_error_set(err, CT_NO_MEMORY, "out of memory")
                             : stopped(c, code, "sums", err);
    sqlite3_finalize(s);
    sqlite3_finalize(rows);
    return status;
}

enum ct_status ct_store_check(struct ct_store *store, struct ct_out *out, struct ct_error *err)
{
    struct check c = {.store = store, .out = out};
    bool own = sqlite3_get_autocommit(store->db) != 0; /* everything as of one moment, beside a writer too */
    enum ct_status status = own ? ct_store_exec(store, "BEGIN", err) : ct_store_sums_flush(store, err);
    if (status != CT_OK) {
        return status;
    }
    status = check_pages(&c, err);
    status = status == CT_OK ? check_rules(&c, err) : status;
    status = status == CT_OK ? check_records(&c, err) : status;
    status = status == CT_OK ? check_events(&c, err) : status;
    status = status == CT_OK ? check_sums(&c, err) : status;
    if (own && !sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    }
    if (c.found > FINDINGS_MAX) {
        ct_out_format(out, "and %llu more\n", (unsigned long long)(c.found - FINDINGS_MAX));
    }
    if (status != CT_OK) {
        return status;
    }
    if (out->status != CT_OK) {
        return ct_error_set(err, CT_IO, "cannot write the findings");
    }
    return c.found ? ct_error_set(err, CT_REFUSED, "%s: %llu findings", store->path, (unsigned long long)c.found)
                   : CT_OK;
}
