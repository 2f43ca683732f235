/* store_read.c - rows and sums out of a store, for the HTTP API, the views over ranges of time, and `convtap db`.
 * Sessions of one conversation id are numbered here, in order of their beginning: whoever wrote them could not know.
 */
#include "sinks/store_state.h"

#include <stdlib.h>

enum { SQL_BYTES = 4096, CONDITION_COUNT = 12 };

static const char row_sql[] =
    "SELECT row,revision,final,first_published_at,published_at,ifnull(first_position,0),ifnull(last_position,0),"
    "rules_hash,";
static const char row_sql_rest[] =
    ",layout,record,CASE WHEN session=0 THEN 1+(SELECT count(*) FROM (SELECT 1 FROM conversation b "
    "WHERE b.conversation_id=a.conversation_id AND b.tenant=a.tenant AND b.session=0 AND "
    "ifnull(b.started_at,0)<ifnull(a.started_at,0) LIMIT 999)) ELSE session END FROM conversation a WHERE 1";

/* ---- what is asked for ------------------------------------------------------------------------------------------ */

struct condition {
    const char *sql;
    ct_span text;
    int64_t number;
    bool is_text;
};

static size_t conditions_of(const struct ct_store_filter *f, struct condition *out)
{
    const struct {
        const char *sql;
        ct_span text;
    } texts[] = {
        {" AND conversation_id=?", f->conversation_id},
        {" AND tenant=?", f->tenant},
        {" AND user_id=?", f->user_id},
        {" AND channel=?", f->channel},
        {" AND language=?", f->language},
        {" AND bot=?", f->bot},
        {" AND outcome=?", f->outcome},
    };
    const struct {
        const char *sql;
        ct_usec time;
    } times[] = {
        {" AND started_at>=?", f->started_from},
        {" AND started_at<?", f->started_before},
        {" AND first_published_at>=?", f->published_from},
        {" AND first_published_at<?", f->published_before},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].text.len) {
            out[count++] = (struct condition){.sql = texts[i].sql, .text = texts[i].text, .is_text = true};
        }
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (times[i].time != CT_USEC_NONE) {
            out[count++] = (struct condition){.sql = times[i].sql, .number = times[i].time};
        }
    }
    return count;
}

static void ask_customer(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct ct_store_filter *filter = sqlite3_user_data(context);
    ct_span text[2];
    for (int i = 0; i < count && i < 2; i++) {
        const void *bytes = sqlite3_value_blob(values[i]);
        text[i] = (ct_span){bytes, bytes ? (size_t)sqlite3_value_bytes(values[i]) : 0};
    }
    sqlite3_result_int(context, filter->customer(filter->customer_context, ct_customer_hash(text[0], text[1])));
}

/* `filter` has to stay where it is until the statement is finalized. */
static enum ct_status teach(struct ct_store *store, const struct ct_store_filter *filter, struct ct_error *err)
{
    int code = filter->customer ? sqlite3_create_function_v2(store->db, "ct_wanted", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                                             (void *)(uintptr_t)filter, ask_customer, NULL, NULL, NULL)
                                : SQLITE_OK;
    return code == SQLITE_OK ? CT_OK : ct_store_fail(store, code, "read", err);
}

static enum ct_status prepare(struct ct_store *store, const struct ct_store_filter *filter, sqlite3_stmt **out,
                              struct ct_error *err)
{
    /* Behind a row, in order of publication; a row that was withdrawn meanwhile still says where. */
    static const char after[] = " AND (first_published_at,row)%c(ifnull((SELECT first_published_at FROM conversation "
                                "WHERE row=?),(SELECT first_published_at FROM withdrawn WHERE row=?)),?)";
    char sql[SQL_BYTES];
    struct condition conditions[CONDITION_COUNT];
    size_t count = conditions_of(filter, conditions);
    char *at = stpncpy(sql, row_sql, sizeof sql);
    at = stpncpy(at, filter->records_alone ? "''" : "json", (size_t)(sql + sizeof sql - at));
    at = stpncpy(at, row_sql_rest, (size_t)(sql + sizeof sql - at));
    for (size_t i = 0; i < count; i++) {
        at = stpncpy(at, conditions[i].sql, (size_t)(sql + sizeof sql - at));
    }
    if (filter->customer) {
        at = stpncpy(at, " AND user_id IS NOT NULL AND ct_wanted(tenant,user_id)", (size_t)(sql + sizeof sql - at));
    }
    size_t room = (size_t)(sql + sizeof sql - at);
    if (filter->after) {
        at += snprintf(at, room, after, filter->newest_first ? '<' : '>');
        room = (size_t)(sql + sizeof sql - at);
    }
    if (filter->records_alone) { /* sorting would carry every record through a file */
        snprintf(at, room, " LIMIT ?");
    } else {
        snprintf(at, room, " ORDER BY first_published_at%s,row%s LIMIT ?", filter->newest_first ? " DESC" : "",
                 filter->newest_first ? " DESC" : "");
    }
    enum ct_status status = ct_store_prepare(store, sql, out, err);
    if (status != CT_OK) {
        return status;
    }
    int index = 1;
    for (size_t i = 0; i < count; i++, index++) {
        if (conditions[i].is_text) {
            ct_store_bind_span(*out, index, conditions[i].text);
        } else {
            sqlite3_bind_int64(*out, index, conditions[i].number);
        }
    }
    for (int i = 0; filter->after && i < 3; i++) {
        sqlite3_bind_int64(*out, index++, filter->after > INT64_MAX ? INT64_MAX : (int64_t)filter->after);
    }
    sqlite3_bind_int64(*out, index, filter->limit == 0 || filter->limit > INT64_MAX ? -1 : (int64_t)filter->limit);
    return CT_OK;
}

/* ---- what comes back -------------------------------------------------------------------------------------------- */

/* The line with the session's number behind the id, as ct_records_write has it. The line begins with the id. */
static bool number_line(struct ct_store_buffer *out, ct_span json, uint32_t session)
{
    static const char first[] = "{\"conversation_id\":\"";
    char number[40];
    size_t at = sizeof first - 1;
    out->len = 0;
    if (session < 2 || json.len <= at || memcmp(json.at, first, at) != 0) {
        return ct_store_buffer_add(out, json.at, json.len);
    }
    while (at < json.len && json.at[at] != '"') {
        at += json.at[at] == '\\' ? 2 : 1;
    }
    at = at < json.len ? at + 1 : json.len;
    int len = snprintf(number, sizeof number, ",\"session\":%u", session);
    return ct_store_buffer_add(out, json.at, at) && ct_store_buffer_add(out, number, (size_t)len) &&
           ct_store_buffer_add(out, json.at + at, json.len - at);
}

static enum ct_status read_row(struct ct_store *store, sqlite3_stmt *s, struct ct_store_row *row, struct ct_error *err)
{
    const char *why;
    ct_span blob = ct_store_column_span(s, 10);
    long long number = sqlite3_column_int64(s, 0);
    if (sqlite3_column_int64(s, 9) != ct_store_layout()) {
        return ct_error_set(
            err, CT_REFUSED,
            "%s: row %lld was written by another version of convtap, whose records this one (%s) cannot "
            "read: put it again with convtap replay or audit --db",
            store->path, number, CT_VERSION);
    }
    store->record.len = 0; /* copied: what SQLite hands out need not be aligned */
    if (!ct_store_buffer_add(&store->record, blob.at, blob.len) ||
        !number_line(&store->json, ct_store_column_span(s, 8), (uint32_t)sqlite3_column_int64(s, 11))) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    struct ct_record *record = (struct ct_record *)(void *)store->record.bytes;
    if (!ct_store_record_valid(record, store->record.len, &why)) {
        return ct_error_set(err, CT_REFUSED, "%s: row %lld is damaged: %s; convtap db check says more", store->path,
                            number, why);
    }
    record->session = (uint32_t)sqlite3_column_int64(s, 11);
    const char *rules_hash = (const char *)sqlite3_column_text(s, 7);
    *row = (struct ct_store_row){.row = (uint64_t)number,
                                 .record = record,
                                 .revision = (uint32_t)sqlite3_column_int64(s, 1),
                                 .final = sqlite3_column_int(s, 2) != 0,
                                 .first_published_at = sqlite3_column_int64(s, 3),
                                 .published_at = sqlite3_column_int64(s, 4),
                                 .first_position = (uint64_t)sqlite3_column_int64(s, 5),
                                 .last_position = (uint64_t)sqlite3_column_int64(s, 6),
                                 .rules_hash = rules_hash ? rules_hash : "",
                                 .json = {store->json.bytes, store->json.len}};
    return CT_OK;
}

/* A writer that reads has its own open group in view. */
enum ct_status ct_store_each(struct ct_store *store, const struct ct_store_filter *filter,
                             enum ct_status (*row)(void *context, const struct ct_store_row *row), void *context,
                             struct ct_error *err)
{
    sqlite3_stmt *statement;
    enum ct_status status = teach(store, filter, err);
    status = status == CT_OK ? prepare(store, filter, &statement, err) : status;
    if (status != CT_OK) {
        return status;
    }
    int code = SQLITE_ROW;
    while (status == CT_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct ct_store_row found;
        status = read_row(store, statement, &found, err);
        status = status == CT_OK ? row(context, &found) : status;
    }
    sqlite3_finalize(statement);
    return status != CT_OK                             ? status
           : code == SQLITE_DONE || code == SQLITE_ROW ? CT_OK
                                                       : ct_store_fail(store, code, "read", err);
}

void ct_store_rules_key(const char *rules_hash, char key[CT_STORE_RULES_KEY_BYTES])
{
    (void)snprintf(key, CT_STORE_RULES_KEY_BYTES, "signals:%.64s", rules_hash);
}

enum ct_status ct_store_signals(struct ct_store *store, const char *rules_hash,
                                bool (*one)(void *context, uint16_t number, ct_span name), void *context,
                                struct ct_error *err)
{
    static const char sql[] = "SELECT key,value FROM json_each((SELECT value FROM meta WHERE key=?1)) ORDER BY key";
    char key[CT_STORE_RULES_KEY_BYTES];
    sqlite3_stmt *s;
    enum ct_status status = ct_store_prepare(store, sql, &s, err);
    if (status != CT_OK) {
        return status;
    }
    ct_store_rules_key(rules_hash, key);
    ct_store_bind_span(s, 1, ct_span_of(key));
    int code = SQLITE_DONE;
    bool found = false, more = true;
    while (more && (code = sqlite3_step(s)) == SQLITE_ROW) {
        found = true;
        more = one(context, (uint16_t)sqlite3_column_int64(s, 0), ct_store_column_span(s, 1));
    }
    sqlite3_finalize(s);
    if (!more) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    return code != SQLITE_DONE ? ct_store_fail(store, code, "read", err) : found ? CT_OK : CT_NOT_FOUND;
}

enum ct_status ct_store_newest(struct ct_store *store, ct_usec *at, struct ct_error *err)
{
    sqlite3_stmt *s;
    *at = CT_USEC_NONE;
    enum ct_status status = ct_store_prepare(store, "SELECT max(ended_at) FROM conversation", &s, err);
    if (status != CT_OK) {
        return status;
    }
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
        *at = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    return code == SQLITE_ROW ? CT_OK : ct_store_fail(store, code, "read", err);
}

enum ct_status ct_store_sums(struct ct_store *store, ct_span measure, ct_usec from, ct_usec before,
                             enum ct_status (*sum)(void *context, ct_usec hour, ct_span channel, int64_t value),
                             void *context, struct ct_error *err)
{
    sqlite3_stmt *statement;
    enum ct_status status = ct_store_sums_flush(store, err); /* of an own open group */
    if (status != CT_OK) {
        return status;
    }
    status = ct_store_prepare(
        store,
        "SELECT hour,channel,value FROM sum_hour WHERE measure=?1 AND hour>=?2 AND hour<?3 ORDER BY hour,channel",
        &statement, err);
    if (status != CT_OK) {
        return status;
    }
    ct_store_bind_span(statement, 1, measure);
    sqlite3_bind_int64(statement, 2, from); /* CT_USEC_NONE is before everything */
    sqlite3_bind_int64(statement, 3, before == CT_USEC_NONE ? INT64_MAX : before);
    int code = SQLITE_ROW;
    while (status == CT_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        status = sum(context, sqlite3_column_int64(statement, 0), ct_store_column_span(statement, 1),
                     sqlite3_column_int64(statement, 2));
    }
    sqlite3_finalize(statement);
    return status != CT_OK                             ? status
           : code == SQLITE_DONE || code == SQLITE_ROW ? CT_OK
                                                       : ct_store_fail(store, code, "read", err);
}
