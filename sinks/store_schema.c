/* store_schema.c - the tables, and how a file comes from one version of them to the next. A new version is one more
 * row of `migrations`; the rows before it are never changed. docs/store.md describes the tables. Called by
 * ct_store_open.
 */
#include "sinks/store_state.h"

/* Times and durations are microseconds (times since 1970-01-01T00:00:00Z), flags 0 and 1, NULL what is not known. */
static const char conversations_2[] =
    "CREATE TABLE meta(\n"
    "  key TEXT PRIMARY KEY NOT NULL,\n"
    "  value ANY NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE conversation(\n"
    "  row INTEGER PRIMARY KEY NOT NULL,  -- rises with first publication, never used again\n"
    "  conversation_id TEXT NOT NULL,\n"
    "  tenant TEXT NOT NULL,              -- '' = not known\n"
    "  session INTEGER NOT NULL,          -- 0: known by started_at; 1, 2, ...: of a conversation without times\n"
    "  user_id TEXT, channel TEXT, language TEXT, bot TEXT, bot_version TEXT,\n"
    "  segment TEXT, product TEXT, country TEXT, -- of the customer, as the transcript says it\n"
    "  intent TEXT,                       -- the first that the bot's platform recognised\n"
    "  topic TEXT, topics TEXT,           -- what it is about most; all of them, a space between two\n"
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
    "CREATE INDEX conversation_ended ON conversation(ended_at);\n"
    "CREATE INDEX conversation_user ON conversation(user_id, started_at) WHERE user_id IS NOT NULL;\n";
static const char others_2[] =
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

/* In the order in which a customer's events are counted. One event is one row: `identity` is its id's, or of everything
 * in it. Named `type` as in the input's "event". */
static const char events_2[] =
    "CREATE TABLE business_event(\n"
    "  tenant TEXT NOT NULL,              -- '' = not known\n"
    "  user_id TEXT NOT NULL,             -- the customer, as in conversation; '' = belongs to none\n"
    "  at INTEGER NOT NULL,\n"
    "  type TEXT NOT NULL,                -- customer_won, purchase, ...\n"
    "  identity INTEGER NOT NULL,         -- equal ones are one event\n"
    "  id TEXT, ref TEXT, name TEXT, segment TEXT, reason TEXT, version TEXT, text TEXT, currency TEXT,\n"
    "  since INTEGER, due INTEGER, duration_us INTEGER,\n"
    "  amount_nano INTEGER,               -- billionths of the currency's unit\n"
    "  margin_nano INTEGER,               -- share of a purchase that is gross profit, in billionths\n"
    "  value_nano INTEGER, goal_nano INTEGER, -- of an outcome, in billionths of its own unit\n"
    "  count INTEGER, of_count INTEGER,\n"
    "  score INTEGER, scale_min INTEGER, scale_max INTEGER,\n"
    "  flag INTEGER CHECK(flag IN (0,1)),\n"
    "  PRIMARY KEY(tenant, user_id, at, type, identity)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE UNIQUE INDEX business_event_identity ON business_event(identity, user_id);\n"
    "CREATE INDEX business_event_at ON business_event(at);\n";

/* In order; the rows of version N make it of version N - 1, those of the oldest one of an empty file. Version 1 is not
 * brought up to date: figures are counted from `record`, and this program cannot read those of its conversations. */
static const struct {
    int version;
    const char *sql;
} migrations[] = {{2, conversations_2}, {2, others_2}, {2, events_2}};

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
    if (version < CT_STORE_SCHEMA_OLDEST && !empty) {
        return ct_error_set(
            err, CT_REFUSED,
            "%s: made by an older convtap (schema %lld, this one needs %d), whose conversations this one "
            "cannot count; nothing was changed. Move it away, with its -wal, -shm and -lock, and make "
            "it anew: convtap serve fills it from its tape, or convtap replay --db, or audit --db",
            store->path, (long long)version, CT_STORE_SCHEMA_OLDEST);
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
