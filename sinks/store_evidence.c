/* store_evidence.c - what of a conversation spoke for its outcome, into the table `evidence`: all of it by one
 * statement where that is not much, since to start a statement costs as much as a row. Called by store_put.c.
 */
#include "sinks/records.h"
#include "sinks/store_state.h"

/* Parameters of a row; the conversation is one more, the first, for all of them. */
enum { MESSAGE, BEGIN, END, SIGNAL, RULE, BECAUSE, ORDINAL, COLUMN_COUNT };

static enum ct_status statement_of(struct ct_store *store, uint32_t rows, sqlite3_stmt **out, struct ct_error *err)
{
    /* OR FAIL: what a failure leaves of a statement goes with its group, so SQLite need not keep pages to undo it. */
    static const char head[] =
        "INSERT OR FAIL INTO evidence(conversation,message,begin,end,signal,rule,because,ordinal) VALUES";
    static const char row[] = "(?1,?,?,?,?,?,?,?),";
    sqlite3_stmt **kept = &store->evidence[rows - 1];
    char sql[sizeof head + CT_STORE_EVIDENCE_ROWS * (sizeof row - 1)];
    if (!*kept) {
        size_t len = sizeof head - 1;
        memcpy(sql, head, len);
        for (uint32_t i = 0; i < rows; i++, len += sizeof row - 1) {
            memcpy(sql + len, row, sizeof row - 1);
        }
        sql[len - 1] = '\0'; /* in place of the last comma */
        int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
        if (code != SQLITE_OK) {
            return ct_store_fail(store, code, "write", err);
        }
    }
    *out = *kept;
    return CT_OK;
}

/* The rule's text stays the statement's until it has run. */
static void bind(sqlite3_stmt *s, int first, const struct ct_ruleset *rules, const struct ct_record *record, uint32_t i,
                 char rule[CT_RULE_NAME_BYTES])
{
    const struct ct_evidence *e = (const struct ct_evidence *)ct_record_array(record, record->evidence) + i;
    sqlite3_bind_int64(s, first + MESSAGE, e->message);
    sqlite3_bind_int64(s, first + BEGIN, e->begin);
    sqlite3_bind_int64(s, first + END, e->end);
    sqlite3_bind_int64(s, first + ORDINAL, i);
    ct_store_bind_span(s, first + SIGNAL,
                       e->signal < rules->signal_count ? rules->signals[e->signal].name : CT_SPAN_NONE);
    if (e->rule < rules->rule_count) {
        size_t len = ct_records_rule_name(&rules->rules[e->rule], rule);
        ct_store_bind_span(s, first + RULE, (ct_span){rule, len});
    } else {
        sqlite3_bind_null(s, first + RULE);
    }
    if (e->because < record->evidence.count) {
        sqlite3_bind_int64(s, first + BECAUSE, e->because);
    } else {
        sqlite3_bind_null(s, first + BECAUSE);
    }
}

enum ct_status ct_store_evidence_write(struct ct_store *store, const struct ct_ruleset *rules,
                                       const struct ct_record *record, int64_t row, struct ct_error *err)
{
    char rule[CT_STORE_EVIDENCE_ROWS][CT_RULE_NAME_BYTES];
    enum ct_status status = CT_OK;
    for (uint32_t done = 0, rows = 0; done < record->evidence.count && status == CT_OK; done += rows) {
        uint32_t left = record->evidence.count - done;
        sqlite3_stmt *s = NULL;
        rows = left < CT_STORE_EVIDENCE_ROWS ? left : CT_STORE_EVIDENCE_ROWS;
        status = statement_of(store, rows, &s, err);
        if (status == CT_OK) {
            sqlite3_bind_int64(s, 1, row);
            for (uint32_t i = 0; i < rows; i++) {
                bind(s, 2 + (int)i * COLUMN_COUNT, rules, record, done + i, rule[i]);
            }
            status = ct_store_step(store, s, err);
        }
    }
    return status;
}
