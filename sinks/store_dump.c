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
    bool own = sqlite3_get_autocommit(store->db) != 0; /* both parts as of one moment */
    enum ct_status status = own ? ct_store_exec(store, "BEGIN", err) : ct_store_sums_flush(store, err);
    status = status == CT_OK ? dump_conversations(store, out, err) : status;
    status = status == CT_OK ? dump_sums(store, out, err) : status;
    if (own && !sqlite3_get_autocommit(store->db)) {
        enum ct_status ended = ct_store_exec(store, "COMMIT", status == CT_OK ? err : NULL);
        status = status == CT_OK ? ended : status;
    }
    return status == CT_OK && out->status != CT_OK ? ct_error_set(err, CT_IO, "cannot write the dump") : status;
}
