/* store_state.h - what the files of the store share. Private to store*.c. */
#ifndef CT_STORE_STATE_H
#define CT_STORE_STATE_H

#include <sqlite3.h>

#include "sinks/store.h"

#define CT_STORE_SCHEMA 2               /* user_version */
#define CT_STORE_SCHEMA_OLDEST 2        /* that is brought up to date; what is older is refused */
#define CT_STORE_APPLICATION 0x43545031 /* application_id: "CTP1" */

/* Columns of `conversation` behind `row`, in the order in which they are bound. */
#define CT_STORE_COLUMN_MAP(X)                                                                                         \
    X(conversation_id)                                                                                                 \
    X(tenant)                                                                                                          \
    X(session)                                                                                                         \
    X(user_id)                                                                                                         \
    X(channel)                                                                                                         \
    X(language)                                                                                                        \
    X(bot)                                                                                                             \
    X(bot_version)                                                                                                     \
    X(segment)                                                                                                         \
    X(product)                                                                                                         \
    X(country)                                                                                                         \
    X(intent)                                                                                                          \
    X(topic)                                                                                                           \
    X(topics)                                                                                                          \
    X(started_at)                                                                                                      \
    X(ended_at)                                                                                                        \
    X(outcome)                                                                                                         \
    X(abandoned_at)                                                                                                    \
    X(resolved)                                                                                                        \
    X(engaged)                                                                                                         \
    X(escalated)                                                                                                       \
    X(escalated_by)                                                                                                    \
    X(reason)                                                                                                          \
    X(requested)                                                                                                       \
    X(offered)                                                                                                         \
    X(announced)                                                                                                       \
    X(performed)                                                                                                       \
    X(failed)                                                                                                          \
    X(positive)                                                                                                        \
    X(negative)                                                                                                        \
    X(complaint)                                                                                                       \
    X(csat)                                                                                                            \
    X(csat_min)                                                                                                        \
    X(csat_max)                                                                                                        \
    X(nps)                                                                                                             \
    X(nps_min)                                                                                                         \
    X(nps_max)                                                                                                         \
    X(ces)                                                                                                             \
    X(ces_min)                                                                                                         \
    X(ces_max)                                                                                                         \
    X(messages)                                                                                                        \
    X(user_messages)                                                                                                   \
    X(bot_messages)                                                                                                    \
    X(agent_messages)                                                                                                  \
    X(tool_messages)                                                                                                   \
    X(fallbacks)                                                                                                       \
    X(wrong_answers)                                                                                                   \
    X(repeats)                                                                                                         \
    X(first_response_us)                                                                                               \
    X(wait_us)                                                                                                         \
    X(handling_ai_us)                                                                                                  \
    X(handling_human_us)                                                                                               \
    X(handling_total_us)                                                                                               \
    X(cost_nano)                                                                                                       \
    X(currency)                                                                                                        \
    X(decided_by)                                                                                                      \
    X(revision)                                                                                                        \
    X(final)                                                                                                           \
    X(first_published_at)                                                                                              \
    X(published_at)                                                                                                    \
    X(first_position)                                                                                                  \
    X(last_position)                                                                                                   \
    X(rules_hash)                                                                                                      \
    X(content_hash)                                                                                                    \
    X(json)                                                                                                            \
    X(layout)                                                                                                          \
    X(record)                                                                                                          \
    X(sums)
enum ct_store_column {
    CT_COLUMN_row = 1, /* parameters count from 1 */
#define X(name) CT_COLUMN_##name,
    CT_STORE_COLUMN_MAP(X)
#undef X
};

/* Columns of `business_event`, in the order in which they are bound and read; behind the first four the texts from
 * CT_BUSINESS_ID on and the members of struct ct_business_numbers, both in their own order. */
#define CT_STORE_EVENT_COLUMNS                                                                                         \
    "tenant,user_id,at,type,identity,id,ref,name,segment,reason,version,text,currency,since,due,duration_us,"          \
    "amount_nano,margin_nano,value_nano,goal_nano,count,of_count,score,scale_min,scale_max,flag"
#define CT_STORE_EVENT_PARAMETERS                                                                                      \
    "?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26"

/* The statements that a writer keeps prepared: X(NAME, sql). */
#define CT_STORE_SET_COLUMN(name) "," #name
#define CT_STORE_PARAMETER(name) ",?"
#define CT_STORE_TAKE(name) #name "=excluded." #name ","
#define CT_STORE_KEY "conversation_id=?1 AND tenant=?2 AND session=?3 AND ifnull(started_at,0)=?4"
#define CT_STORE_SUM_ROW "(?,?,?,?)"
#define CT_STORE_SUM_ROW_4 CT_STORE_SUM_ROW "," CT_STORE_SUM_ROW "," CT_STORE_SUM_ROW "," CT_STORE_SUM_ROW
#define CT_STORE_SUM_ROW_8 CT_STORE_SUM_ROW_4 "," CT_STORE_SUM_ROW_4
#define CT_STORE_ADD_SUMS(rows)                                                                                        \
    "INSERT INTO sum_hour(measure,hour,channel,value) VALUES" rows                                                     \
    " ON CONFLICT DO UPDATE SET value=add_wrapped(value,excluded.value)"
#define CT_STORE_STATEMENT_MAP(X)                                                                                      \
    X(FIND, "SELECT row,revision,rules_hash,content_hash,layout,record,json,sums,ifnull(channel,''),"                  \
            "first_published_at,final FROM conversation WHERE " CT_STORE_KEY)                                          \
    X(FIND_WITHDRAWN, "SELECT row,revision,first_published_at FROM withdrawn WHERE conversation_id=?1 AND tenant=?2 "  \
                      "AND session=?3 AND started_at=?4")                                                              \
    X(PUT, "INSERT INTO conversation(row" CT_STORE_COLUMN_MAP(CT_STORE_SET_COLUMN) ") VALUES(?" CT_STORE_COLUMN_MAP(   \
               CT_STORE_PARAMETER) ") ON CONFLICT(row) DO UPDATE SET " CT_STORE_COLUMN_MAP(CT_STORE_TAKE) "row=row")   \
    X(DELETE, "DELETE FROM conversation WHERE row=?1")                                                                 \
    X(WITHDRAW, "INSERT OR REPLACE INTO withdrawn(row,conversation_id,tenant,session,started_at,revision,"             \
                "first_published_at,withdrawn_at) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")                                    \
    X(NEXT_ROW, "SELECT 1+max(ifnull((SELECT max(row) FROM conversation),0),"                                          \
                "ifnull((SELECT max(row) FROM withdrawn),0))")                                                         \
    X(RETURN, "DELETE FROM withdrawn WHERE row=?1")                                                                    \
    X(FORGET_EVIDENCE, "DELETE FROM evidence WHERE conversation=?1")                                                   \
    X(MEASURE, "INSERT INTO measure(measure,name) VALUES(?1,?2)")                                                      \
    X(ADD_SUM, CT_STORE_ADD_SUMS(CT_STORE_SUM_ROW))                                                                    \
    X(ADD_SUMS, CT_STORE_ADD_SUMS(CT_STORE_SUM_ROW_8 "," CT_STORE_SUM_ROW_8))                                          \
    X(FORGET_SUM, "DELETE FROM sum_hour WHERE measure=?1 AND hour=?2 AND channel=?3 AND value=0")                      \
    X(PUT_EVENT, "INSERT INTO business_event(" CT_STORE_EVENT_COLUMNS ") VALUES(" CT_STORE_EVENT_PARAMETERS            \
                 ") ON CONFLICT DO NOTHING")                                                                           \
    X(FIND_EVENT, "SELECT " CT_STORE_EVENT_COLUMNS " FROM business_event WHERE identity=?1 AND user_id=?2")            \
    X(FORGET_EVENT, "DELETE FROM business_event WHERE identity=?1 AND user_id=?2")                                     \
    X(META, "INSERT OR REPLACE INTO meta(key,value) VALUES(?1,?2)")                                                    \
    X(NOTE_RULES, "INSERT OR IGNORE INTO meta(key,value) VALUES(?1,?2)")
enum ct_store_statement {
#define X(name, sql) CT_STATEMENT_##name,
    CT_STORE_STATEMENT_MAP(X)
#undef X
        CT_STATEMENT_COUNT
};
enum { CT_STORE_SUM_ROWS = 16 /* of ADD_SUMS */, CT_STORE_EVIDENCE_ROWS = 8 /* of a statement, at the most */ };

/* store_pace.c: a file's methods, SQLite's own but for the write. */
struct ct_store_paced {
    sqlite3_io_methods methods; /* first: a file that points to them has led to the rest */
    const sqlite3_io_methods *plain;
    void (*between)(void);
    unsigned writes;
};

/* Bytes that grow. Zeroed = empty. */
struct ct_store_buffer {
    char *bytes;
    size_t len, capacity;
};
bool ct_store_buffer_room(struct ct_store_buffer *buffer, size_t len); /* `len` bytes behind it; false as below */
bool ct_store_buffer_add(void *buffer, const char *bytes, size_t len); /* as ct_out wants it; false = out of memory */

/* What the open transaction adds to one hour of one channel: by number of the measure. */
struct ct_store_hour {
    ct_usec hour;
    char *channel;
    size_t channel_len, channel_capacity;
    uint64_t *delta; /* modulo 2^64: so it can always be taken out again */
    size_t capacity;
};

/* Names of measures and their numbers. */
struct ct_store_measures {
    char **name;    /* by number, [0] unused */
    uint32_t *next; /* by number: which one followed it the last time, [0] which was first; 0 = not known */
    size_t count, capacity;
    uint32_t *slot; /* hash table of numbers, 0 = free */
    size_t slots;
};

struct ct_store {
    sqlite3 *db;
    sqlite3 *lock;                   /* of the one writer */
    struct ct_store_paced file, log; /* in their place while `db` is open */
    char *path;
    bool writes, open_group;
    uint64_t applied, waiting;
    int64_t next_row; /* 0 = not asked yet */
    sqlite3_stmt *statement[CT_STATEMENT_COUNT];
    sqlite3_stmt *evidence[CT_STORE_EVIDENCE_ROWS]; /* by number of rows less one; NULL = not needed yet */
    bool sum_emptied;                               /* one of those that ADD_SUM or ADD_SUMS added to is 0 now */
    struct ct_store_measures measures;
    struct ct_store_hour *hours; /* in order of first use; kept for their memory, the first hour_count are in use */
    size_t hour_count, hour_made;
    struct ct_store_buffer record, json, sums, decided;
    char rules_noted[65];      /* the rule set that was put last: its signals are in the file, or in the open group */
    struct ct_business *event; /* the one that was read last */
    uint32_t event_room;
};

/* ---- store.c ---- */
/* *err from SQLite's code, with what to do; ends the open transaction without a trace. `doing` is "write", "read". */
enum ct_status ct_store_fail(struct ct_store *store, int code, const char *doing, struct ct_error *err);
enum ct_status ct_store_exec(struct ct_store *store, const char *sql, struct ct_error *err) CT_MUST_USE;
/* Runs a statement that gives no rows, and resets it. */
enum ct_status ct_store_step(struct ct_store *store, sqlite3_stmt *statement, struct ct_error *err) CT_MUST_USE;
enum ct_status ct_store_prepare(struct ct_store *store, const char *sql, sqlite3_stmt **out,
                                struct ct_error *err) CT_MUST_USE;
/* Opens the transaction where none is open. */
enum ct_status ct_store_begin(struct ct_store *store, struct ct_error *err) CT_MUST_USE;
int ct_store_bind_span(sqlite3_stmt *statement, int index, ct_span text); /* text as it is, "" too */
ct_span ct_store_column_span(sqlite3_stmt *statement, int column);

/* The key in `meta` of what signals a rule set has. */
enum { CT_STORE_RULES_KEY_BYTES = 80 };
void ct_store_rules_key(const char *rules_hash, char key[CT_STORE_RULES_KEY_BYTES]);

/* ---- store_schema.c ---- */
/* Is it ours, and of this version? A writer makes or migrates it. */
enum ct_status ct_store_schema(struct ct_store *store, struct ct_error *err) CT_MUST_USE;

/* ---- store_record.c ---- */
/* Changes when struct ct_record's memory does. */
int64_t ct_store_layout(void);
/* By what a conversation is known: 0 where it has a time, else its session's number. */
struct ct_store_key {
    ct_span conversation_id, tenant;
    int64_t session, started_at; /* started_at 0 where there is none */
};
struct ct_store_key ct_store_key_of(const struct ct_record *record);
/* A copy without what other conversations decide: marks of the customer, the session's number. false = no memory. */
bool ct_store_record_copy(struct ct_store_buffer *out, const struct ct_record *record);
/* Offsets, counts and enums that can be trusted. *why says what is not. */
bool ct_store_record_valid(const struct ct_record *record, size_t bytes, const char **why);

/* ---- store_business.c ---- */
/* The event of the row that a SELECT of CT_STORE_EVENT_COLUMNS stands on, flat in store->event. CT_REFUSED: it is none,
 * and *why says what is wrong; *identity = as the row has it. */
enum ct_status ct_store_event_read(struct ct_store *store, sqlite3_stmt *statement, uint64_t *identity,
                                   const char **why) CT_MUST_USE;

/* ---- store_evidence.c ---- */
enum ct_status ct_store_evidence_write(struct ct_store *store, const struct ct_ruleset *rules,
                                       const struct ct_record *record, int64_t row, struct ct_error *err) CT_MUST_USE;

/* ---- store_sums.c ---- */
/* The SQL function by which ADD_SUM and ADD_SUMS add. To be called before they are prepared; SQLite's code. */
int ct_store_sums_begin(struct ct_store *store);
enum ct_status ct_store_measures_load(struct ct_store *store, struct ct_error *err) CT_MUST_USE;
void ct_store_measures_done(struct ct_store_measures *measures);
const char *ct_store_measure_name(const struct ct_store_measures *measures, uint64_t number); /* NULL = none */
/* (number, value) pairs as a blob into store->sums. */
enum ct_status ct_store_sums_pack(struct ct_store *store, const struct ct_store_sum *sums, size_t count,
                                  struct ct_error *err) CT_MUST_USE;
/* One pair of a blob; false at its end, *bad where it ends in the middle. */
bool ct_store_sums_next(ct_span *blob, uint64_t *number, int64_t *value, bool *bad);
/* Adds a blob to the hour of `published`, or takes it out. */
enum ct_status ct_store_sums_apply(struct ct_store *store, ct_span blob, ct_usec published, ct_span channel, bool out,
                                   struct ct_error *err) CT_MUST_USE;
/* Into the table; the pending ones are then none. */
enum ct_status ct_store_sums_flush(struct ct_store *store, struct ct_error *err) CT_MUST_USE;
void ct_store_sums_forget(struct ct_store *store);
ct_usec ct_store_hour_of(ct_usec at);

#endif
