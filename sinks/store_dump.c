/* store_dump.c - the canonical dump: what a store says, and nothing of how it came to say it. Called by `convtap db
 * dump` and by the tests that compare live with replay and audit.
 */
#include "sinks/store_state.h"

#include "sinks/writer.h"

static enum ct_status dump_conversations(struct ct_store *store, struct ct_out *out, struct ct_error *err)
{
    sqlite3_stmt *s;
    enum ct_status status = ct_store_prepare(store,
                                             "SELECT content_hash,record,json FROM conversation "
                                             "ORDER BY conversation_id,tenant,session,ifnull(started_at,0)",
                                             &s, err);
    if (status != CT_OK) {
        return status;
    }
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW && out->status == CT_OK) {
        struct ct_writer json;
        ct_writer_init(&json, out);
        ct_writer_open(&json, '{');
        ct_writer_key(&json, "content_hash");
        ct_writer_string(&json, ct_store_column_span(s, 0));
        /* Also the fields of a record that its line does not show. */
        ct_out_format(out, ",\"record_hash\":\"%016llx\",\"record\":",
                      (unsigned long long)ct_hash(ct_store_column_span(s, 1), 0xD));
        ct_out_span(out, ct_store_column_span(s, 2));
        ct_out_text(out, "}\n");
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE || code == SQLITE_ROW ? CT_OK : ct_store_fail(store, code, "read", err);
}

static void write_decimal(struct ct_writer *json, const char *key, int64_t value, int64_t parts)
{
    if (value != CT_BUSINESS_NUMBER_NONE) {
        ct_writer_key(json, key);
        ct_writer_decimal(json, value, parts, 9);
    }
}

static void write_whole(struct ct_writer *json, const char *key, int64_t value)
{
    if (value != CT_BUSINESS_NUMBER_NONE) {
        ct_writer_key(json, key);
        ct_writer_wide(json, value);
    }
}

static void write_moment(struct ct_writer *json, const char *key, ct_usec value)
{
    if (value != CT_USEC_NONE) {
        ct_writer_key(json, key);
        ct_writer_time(json, value);
    }
}

static void write_numbers(struct ct_writer *json, const struct ct_business_numbers *n)
{
    write_moment(json, "since", n->since);
    write_moment(json, "due", n->due);
    write_decimal(json, "duration_s", n->duration_usec, CT_USEC_PER_SECOND);
    write_decimal(json, "amount", n->amount, 1000000000);
    write_decimal(json, "margin", n->margin, 1000000000);
    write_decimal(json, "value", n->value, 1000000000);
    write_decimal(json, "goal", n->goal, 1000000000);
    write_whole(json, "count", n->count);
    write_whole(json, "of_count", n->of_count);
    write_whole(json, "score", n->score);
    write_whole(json, "scale_min", n->scale_min);
    write_whole(json, "scale_max", n->scale_max);
    if (n->flag != CT_BUSINESS_NUMBER_NONE) {
        ct_writer_key(json, "flag");
        ct_writer_bool(json, n->flag != 0);
    }
}

/* As the format `business` reads it, too: what was dumped can be put into another store. */
static enum ct_status dump_event(void *context, const struct ct_business *event)
{
    struct ct_out *out = context;
    struct ct_writer json;
    ct_writer_init(&json, out);
    ct_writer_open(&json, '{');
    ct_writer_key(&json, "event");
    ct_writer_text(&json, ct_business_text_of((enum ct_business_type)event->type));
    ct_writer_key(&json, "at");
    ct_writer_time(&json, event->at);
    for (int i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        ct_span text = ct_business_text(event, (enum ct_business_field)i);
        if (text.len) {
            ct_writer_key(&json, ct_business_field_text((enum ct_business_field)i));
            ct_writer_string(&json, text);
        }
    }
    write_numbers(&json, &event->numbers);
    ct_writer_close(&json, '}');
    ct_out_char(out, '\n');
    return out->status == CT_OK ? CT_OK : CT_STOP;
}

static enum ct_status dump_events(struct ct_store *store, struct ct_out *out, struct ct_error *err)
{
    const struct ct_store_business_filter all = {.from = CT_USEC_NONE, .before = CT_USEC_NONE};
    enum ct_status status = ct_store_each_business(store, &all, dump_event, out, err);
    return status == CT_STOP ? CT_OK : status;
}

/* Over all hours: which hour it was is a matter of when it was written. Added here, modulo 2^64 as they are kept: SQL's
 * sum() would fail where it leaves 64 bits. */
static enum ct_status dump_sums(struct ct_store *store, struct ct_out *out, struct ct_error *err)
{
    sqlite3_stmt *s;
    enum ct_status status =
        ct_store_prepare(store, "SELECT measure,channel,value FROM sum_hour ORDER BY measure,channel,hour", &s, err);
    if (status != CT_OK) {
        return status;
    }
    struct ct_store_buffer *name = &store->json, *channel = &store->decided;
    uint64_t total = 0;
    bool any = false, enough = true;
    int code;
    do {
        code = sqlite3_step(s);
        bool row = code == SQLITE_ROW;
        ct_span measure = row ? ct_store_column_span(s, 0) : CT_SPAN_NONE;
        ct_span where = row ? ct_store_column_span(s, 1) : CT_SPAN_NONE;
        bool same = row && any && ct_span_eq(measure, (ct_span){name->bytes, name->len}) &&
                    ct_span_eq(where, (ct_span){channel->bytes, channel->len});
        if (any && !same && total) {
            struct ct_writer json;
            ct_writer_init(&json, out);
            ct_writer_open(&json, '{');
            ct_writer_key(&json, "measure");
            ct_writer_string(&json, (ct_span){name->bytes, name->len});
            ct_writer_key(&json, "channel");
            ct_writer_string(&json, (ct_span){channel->bytes, channel->len});
            ct_writer_key(&json, "value");
            ct_writer_wide(&json, (int64_t)total);
            ct_writer_close(&json, '}');
            ct_out_char(out, '\n');
        }
        if (!same) {
            name->len = channel->len = 0;
            enough =
                ct_store_buffer_add(name, measure.at, measure.len) && ct_store_buffer_add(channel, where.at, where.len);
            total = 0;
        }
        total += row ? (uint64_t)sqlite3_column_int64(s, 2) : 0;
        any = row;
    } while (code == SQLITE_ROW && enough && out->status == CT_OK);
    sqlite3_finalize(s);
    return !enough                                     ? ct_error_set(err, CT_NO_MEMORY, "out of memory")
           : code == SQLITE_DONE || code == SQLITE_ROW ? CT_OK
                                                       : ct_store_fail(store, code, "read", err);
}

enum ct_status ct_store_dump(struct ct_store *store, struct ct_out *out, struct ct_error *err)
{
    bool own = sqlite3_get_autocommit(store->db) != 0; /* all parts as of one moment */
    enum ct_status status = own ? ct_store_exec(store, "BEGIN", err) : ct_store_sums_flush(store, err);
    status = status == CT_OK ? dump_conversations(store, out, err) : status;
    status = status == CT_OK ? dump_events(store, out, err) : status;
    status = status == CT_OK ? dump_sums(store, out, err) : status;
    if (own && !sqlite3_get_autocommit(store->db)) {
        enum ct_status ended = ct_store_exec(store, "COMMIT", status == CT_OK ? err : NULL);
        status = status == CT_OK ? ended : status;
    }
    return status == CT_OK && out->status != CT_OK ? ct_error_set(err, CT_IO, "cannot write the dump") : status;
}
