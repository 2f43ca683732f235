/* store_schema.c - the tables, and how a file comes from one version of them to the next. A new version is one more
 * row of `migrations`; the rows before it are never changed. docs/store.md describes the tables. Called by
 * ct_store_open.
 */
#include "sinks/store_state.h"

/* Times and durations are microseconds (times since 1970-01-01T00:00:00Z), flags 0 and 1, NULL what is not known. */
static const char conversations_1[] =
    "CREATE TABLE meta(\n"
    "  key TEXT PRIMARY KEY NOT NULL,\n"
    "  value ANY NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE conversation(\n"
    "  row INTEGER PRIMARY KEY NOT NULL,  -- rises with first publication, never used again\n"
    "  conversation_id TEXT NOT NULL,\n"
    "  tenant TEXT NOT NULL,              -- '' = not known\n"
    "  session INTEGER NOT NULL,          -- 0: known by started_at; 1, 2, ...: of a conversation without times\n"
    "  user_id TEXT, channel TEXT, language TEXT, bot TEXT,\n"
    "  started_at INTEGER, ended_at INTEGER,\n"
    "  outcome TEXT NOT NULL,\n"
    "  abandoned_at TEXT,                 -- bot, question, queue\n"
    "  resolved INTEGER,                  -- NULL = nobody knows\n"
    "  engaged INTEGER NOT NULL,          -- the customer wrote something\n"
    "  escalated INTEGER NOT NULL,        -- a person took part\n"
    "  escalated_by TEXT, reason TEXT,\n"
    "  requested INTEGER NOT NULL, offered INTEGER NOT NULL, announced INTEGER NOT NULL,\n"
    "  performed INTEGER NOT NULL, failed INTEGER NOT NULL,\n"
    "  positive INTEGER NOT NULL, negative INTEGER NOT NULL, complaint INTEGER NOT NULL,\n"
    "  csat INTEGER, csat_min INTEGER, csat_max INTEGER,\n"
    "  nps INTEGER, nps_min INTEGER, nps_max INTEGER,\n"
    "  ces INTEGER, ces_min INTEGER, ces_max INTEGER,\n"
    "  messages INTEGER NOT NULL,\n"
    "  user_messages INTEGER NOT NULL, bot_messages INTEGER NOT NULL, agent_messages INTEGER NOT NULL,\n"
    "  tool_messages INTEGER NOT NULL,\n"
    "  fallbacks INTEGER NOT NULL, wrong_answers INTEGER NOT NULL, repeats INTEGER NOT NULL,\n"
    "  first_response_us INTEGER, wait_us INTEGER,\n"
    "  handling_ai_us INTEGER, handling_human_us INTEGER, handling_total_us INTEGER,\n"
    "  cost_nano INTEGER, currency TEXT,  -- billionths of the currency's unit\n"
    "  decided_by TEXT NOT NULL,          -- signals that decided the outcome, as a JSON list\n"
    "  revision INTEGER NOT NULL CHECK(revision >= 1),\n"
    "  final INTEGER NOT NULL,            -- nothing more can come to it\n"
    "  first_published_at INTEGER NOT NULL, published_at INTEGER NOT NULL,\n"
    "  first_position INTEGER, last_position INTEGER, -- on the tape\n"
    "  rules_hash TEXT NOT NULL,\n"
    "  content_hash TEXT NOT NULL,        -- over its messages\n"
    "  json TEXT NOT NULL,                -- the record as --conversations prints it\n"
    "  layout INTEGER NOT NULL,           -- of `record`\n"
    "  record BLOB NOT NULL,              -- the same for this program alone\n"
    "  sums BLOB NOT NULL                 -- what it gave to sum_hour: pairs of measure and value\n"
    ") STRICT;\n"
    "CREATE UNIQUE INDEX conversation_key ON conversation(conversation_id, tenant, session, ifnull(started_at,0));\n"
    "CREATE INDEX conversation_published ON conversation(first_published_at);\n"
    "CREATE INDEX conversation_started ON conversation(started_at);\n"
    "CREATE INDEX conversation_user ON conversation(user_id, started_at) WHERE user_id IS NOT NULL;\n";
static const char others_1[] =
    "CREATE TABLE withdrawn(              -- conversations that became part of others; an older revision stays away\n"
    "  row INTEGER PRIMARY KEY NOT NULL,\n"
    "  conversation_id TEXT NOT NULL, tenant TEXT NOT NULL, session INTEGER NOT NULL, started_at INTEGER NOT NULL,\n"
    "  revision INTEGER NOT NULL,\n"
    "  first_published_at INTEGER NOT NULL, withdrawn_at INTEGER NOT NULL,\n"
    "  UNIQUE(conversation_id, tenant, session, started_at)\n"
    ") STRICT;\n"
    "CREATE TABLE evidence(\n"
    "  conversation INTEGER NOT NULL REFERENCES conversation(row) ON DELETE CASCADE,\n"
    "  ordinal INTEGER NOT NULL,          -- 0, 1, ...\n"
    "  message INTEGER NOT NULL,          -- 0-based, in order of time\n"
    "  begin INTEGER NOT NULL, end INTEGER NOT NULL, -- bytes of its text; 0, 0 of an event\n"
    "  signal TEXT NOT NULL,\n"
    "  rule TEXT,                         -- id@revision; NULL = a fact of the platform or built in\n"
    "  because INTEGER,                   -- ordinal of the evidence it follows from\n"
    "  PRIMARY KEY(conversation, ordinal)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE measure(\n"
    "  measure INTEGER PRIMARY KEY NOT NULL,\n"
    "  name TEXT NOT NULL UNIQUE\n"
    ") STRICT;\n"
    "CREATE TABLE sum_hour(\n"
    "  measure TEXT NOT NULL,             -- automation_rate.numerator, ...\n"
    "  hour INTEGER NOT NULL,             -- its first microsecond; of first publication\n"
    "  channel TEXT NOT NULL,             -- '' = not known\n"
    "  value INTEGER NOT NULL,\n"
    "  PRIMARY KEY(measure, hour, channel)\n"
    ") STRICT, WITHOUT ROWID;\n";

/* In order; the rows of version N make it of version N - 1, those of version 1 of an empty file. */
static const struct {
    int version;
    const char *sql;
} migrations[] = {{1, conversations_1}, {1, others_1}};

static enum ct_status number_of(struct ct_store *store, const char *sql, int64_t *out, struct ct_error *err)
{
    sqlite3_stmt *statement;
    enum ct_status status = ct_store_prepare(store, sql, &statement, err);
    if (status != CT_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? CT_OK : ct_store_fail(store, code, "read", err);
}

static enum ct_status migrate(struct ct_store *store, int64_t from, struct ct_error *err)
{
    char pragma[64];
    enum ct_status status = ct_store_exec(store, "BEGIN IMMEDIATE", err);
    for (size_t i = 0; i < sizeof migrations / sizeof *migrations && status == CT_OK; i++) {
        status = migrations[i].version > from ? ct_store_exec(store, migrations[i].sql, err) : CT_OK;
    }
    if (status == CT_OK) {
        snprintf(pragma, sizeof pragma, "PRAGMA application_id=%d;PRAGMA user_version=%d", CT_STORE_APPLICATION,
                 CT_STORE_SCHEMA);
        status = ct_store_exec(store, pragma, err);
    }
    return status == CT_OK ? ct_store_exec(store, "COMMIT", err) : status;
}

enum ct_status ct_store_schema(struct ct_store *store, struct ct_error *err)
{
    int64_t application = 0, version = 0, tables = 0;
    enum ct_status status = number_of(store, "PRAGMA application_id", &application, err);
    status = status == CT_OK ? number_of(store, "PRAGMA user_version", &version, err) : status;
    status = status == CT_OK ? number_of(store, "SELECT count(*) FROM sqlite_schema", &tables, err) : status;
    if (status != CT_OK) {
        return status;
    }
    bool empty = application == 0 && version == 0 && tables == 0;
    if ((application != CT_STORE_APPLICATION && !empty) || (empty && !store->writes)) {
        return ct_error_set(err, CT_REFUSED, "%s: %s, not a convtap store; nothing was changed", store->path,
                            empty ? "an empty file" : "a database of another program");
    }
    if (version > CT_STORE_SCHEMA) {
        return ct_error_set(
            err, CT_REFUSED,
            "%s: made by a newer convtap (schema %lld, this one knows %d): use that version, or another "
            "file",
            store->path, (long long)version, CT_STORE_SCHEMA);
    }
    if (version < CT_STORE_SCHEMA && !store->writes) {
        return ct_error_set(err, CT_REFUSED,
                            "%s: made by an older convtap (schema %lld, this one reads %d): open it once for writing "
                            "(convtap audit --db or serve), which brings it up to date",
                            store->path, (long long)version, CT_STORE_SCHEMA);
    }
    if (!store->writes) {
        return CT_OK;
    }
    /* Only now is it known to be ours: from here on it may be changed. The page size counts for a new file alone. */
    status = ct_store_exec(store,
                           "PRAGMA page_size=8192;PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
                           "PRAGMA wal_autocheckpoint=2000;PRAGMA journal_size_limit=67108864;"
                           "PRAGMA cache_size=-32768;PRAGMA temp_store=MEMORY",
                           err);
    return status == CT_OK && version < CT_STORE_SCHEMA ? migrate(store, version, err) : status;
}
