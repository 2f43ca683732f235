/* store.c - opening, committing and closing a store; what SQLite says, in words. See store.h; used by the live tap,
 * `audit --db`, `replay`, the HTTP API and `convtap db`.
 */
#include "sinks/store_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

bool ct_store_buffer_room(struct ct_store_buffer *b, size_t len)
{
    if (b->capacity - b->len < len || !b->bytes) {
        size_t capacity = b->capacity ? b->capacity : 4096;
        while (capacity - b->len < len) {
            capacity *= 2;
        }
        char *more = realloc(b->bytes, capacity);
        if (!more) {
            return false;
        }
        b->bytes = more;
        b->capacity = capacity;
    }
    return true;
}

bool ct_store_buffer_add(void *buffer, const char *bytes, size_t len)
{
    struct ct_store_buffer *b = buffer;
    if (!ct_store_buffer_room(b, len)) {
        return false;
    }
    if (len) {
        memcpy(b->bytes + b->len, bytes, len);
        b->len += len;
    }
    return true;
}

/* ---- what went wrong -------------------------------------------------------------------------------------------- */

static void forget_group(struct ct_store *store)
{
    for (int i = 0; i < CT_STATEMENT_COUNT; i++) {
        sqlite3_reset(store->statement[i]);
    }
    for (int i = 0; i < CT_STORE_EVIDENCE_ROWS; i++) {
        sqlite3_reset(store->evidence[i]);
    }
    if (!sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    ct_store_sums_forget(store);
    ct_store_measures_done(&store->measures); /* some may have been of the group; loaded again with the next */
    store->next_row = 0;
    store->rules_noted[0] = '\0';
    store->waiting = 0;
    store->open_group = false;
}

enum ct_status ct_store_fail(struct ct_store *store, int code, const char *doing, struct ct_error *err)
{
    char said[200];
    int system_error = sqlite3_system_errno(store->db);
    snprintf(said, sizeof said, "%s", sqlite3_errmsg(store->db));
    forget_group(store);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    case SQLITE_FULL:
        return ct_error_set(err, CT_IO,
                            "cannot write %s: the disk is full; what was not committed is not in it: make room, and "
                            "put it again",
                            store->path);
    case SQLITE_NOTADB:
        return ct_error_set(err, CT_REFUSED, "%s: no convtap store (not a database at all); nothing was changed",
                            store->path);
    case SQLITE_CORRUPT:
        return ct_error_set(err, CT_REFUSED,
                            "%s: damaged (%s): put back a copy, or make it anew with convtap replay or audit --db",
                            store->path, said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ct_error_set(err, CT_LIMIT, "cannot %s %s: another program writes it", doing, store->path);
    case SQLITE_READONLY:
        return store->writes
                   ? ct_error_set(err, CT_IO, "cannot write %s: it, or its folder, may only be read", store->path)
                   : ct_error_set(err, CT_IO,
                                  "cannot read %s: a writer left a log beside it (-wal), and its folder may only be "
                                  "read: copy both to another",
                                  store->path);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PERM:
        return ct_error_set(err, CT_IO, "cannot %s %s: %s", doing, store->path,
                            system_error ? strerror(system_error) : said);
    default:
        return ct_error_set(err, CT_IO, "cannot %s %s: %s", doing, store->path, said);
    }
}

enum ct_status ct_store_exec(struct ct_store *store, const char *sql, struct ct_error *err)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? CT_OK : ct_store_fail(store, code, store->writes ? "write" : "read", err);
}

enum ct_status ct_store_prepare(struct ct_store *store, const char *sql, sqlite3_stmt **out, struct ct_error *err)
{
    int code = sqlite3_prepare_v2(store->db, sql, -1, out, NULL);
    return code == SQLITE_OK ? CT_OK : ct_store_fail(store, code, "read", err);
}

enum ct_status ct_store_step(struct ct_store *store, sqlite3_stmt *statement, struct ct_error *err)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE) {
        return ct_store_fail(store, code, "write", err);
    }
    sqlite3_reset(statement);
    return CT_OK;
}

int ct_store_bind_span(sqlite3_stmt *statement, int index, ct_span text)
{
    return sqlite3_bind_text64(statement, index, text.len ? text.at : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
}

ct_span ct_store_column_span(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column); /* first: it may convert */
    return (ct_span){bytes, bytes ? (size_t)sqlite3_column_bytes(statement, column) : 0};
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* "file:...?immutable=1": for a file in a folder where nothing may be made, when no writer has left a log beside it. */
static int open_immutable(struct ct_store *store)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = strlen(store->path);
    char *uri = malloc(3 * len + 32), *at = uri;
    if (!uri) {
        return SQLITE_NOMEM;
    }
    at = stpncpy(at, "file:", 6);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)store->path[i];
        if (c > ' ' && c < 127 && c != '%' && c != '?' && c != '#') {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    memcpy(at, "?immutable=1", sizeof "?immutable=1");
    sqlite3_close(store->db);
    store->db = NULL;
    int code = sqlite3_open_v2(uri, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    return code;
}

static bool has_log(const char *path)
{
    char *log = NULL;
    bool there = asprintf(&log, "%s-wal", path) < 0 || access(log, F_OK) == 0;
    free(log);
    return there;
}

static int touch(struct ct_store *store)
{
    return sqlite3_exec(store->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
}

static enum ct_status open_database(struct ct_store *store, struct ct_error *err)
{
    /* A reader opens for writing, too, as far as it may, and then never writes (query_only): the last one to close
     * takes the log away, which a connection opened for reading alone would leave behind. */
    int flags = SQLITE_OPEN_READWRITE | (store->writes ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(store->path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(store->db, BUSY_MS);
        code = touch(store);
        bool closed_folder = (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY;
        if (!store->writes && closed_folder && !has_log(store->path)) {
            code = open_immutable(store);
            code = code == SQLITE_OK ? touch(store) : code;
        }
        if (store->writes && sqlite3_db_readonly(store->db, "main") == 1) {
            code = SQLITE_READONLY;
        }
    }
    if (code != SQLITE_OK) {
        return store->db ? ct_store_fail(store, code, store->writes ? "write" : "read", err)
                         : ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Evidence comes and goes with its row by the statements here; to have SQLite look after that costs a fifth of
     * what a conversation costs. ct_store_check finds what would be without its row. */
    return ct_store_exec(
        store, store->writes ? "PRAGMA foreign_keys=OFF;PRAGMA cell_size_check=ON" : "PRAGMA query_only=ON", err);
}

/* One writer: an empty database beside the store is held locked. The lock goes with its process, however that ends. */
static enum ct_status take_lock(struct ct_store *store, struct ct_error *err)
{
    /* A journal on the disk would stay behind a killed process. */
    static const char lock[] = "PRAGMA journal_mode=MEMORY;BEGIN EXCLUSIVE";
    char *path = NULL;
    if (asprintf(&path, "%s-lock", sqlite3_db_filename(store->db, "main")) < 0) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    int code =
        sqlite3_open_v2(path, &store->lock, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    code = code == SQLITE_OK ? sqlite3_exec(store->lock, lock, NULL, NULL, NULL) : code;
    enum ct_status status = CT_OK;
    if ((code & 0xff) == SQLITE_BUSY) {
        status = ct_error_set(err, CT_LIMIT,
                              "%s: another process writes it (convtap serve, replay or audit --db); stop that one, or "
                              "give another file",
                              store->path);
    } else if (code != SQLITE_OK) {
        int system_error = sqlite3_system_errno(store->lock);
        status = ct_error_set(err, CT_IO, "cannot write %s: %s", path,
                              system_error ? strerror(system_error) : sqlite3_errmsg(store->lock));
    }
    free(path);
    return status;
}

static enum ct_status prepare_all(struct ct_store *store, struct ct_error *err)
{
    static const char *const sql[CT_STATEMENT_COUNT] = {
#define X(name, text) [CT_STATEMENT_##name] = text,
        CT_STORE_STATEMENT_MAP(X)
#undef X
    };
    int code = ct_store_sums_begin(store);
    for (int i = 0; i < CT_STATEMENT_COUNT && code == SQLITE_OK; i++) {
        code = sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statement[i], NULL);
    }
    return code == SQLITE_OK ? CT_OK : ct_store_fail(store, code, "write", err);
}

static enum ct_status read_applied(struct ct_store *store, struct ct_error *err)
{
    sqlite3_stmt *statement;
    enum ct_status status = ct_store_prepare(store, "SELECT value FROM meta WHERE key='applied'", &statement, err);
    if (status == CT_OK) {
        int code = sqlite3_step(statement);
        store->applied = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
        sqlite3_finalize(statement);
        status = code == SQLITE_ROW || code == SQLITE_DONE ? CT_OK : ct_store_fail(store, code, "read", err);
    }
    return status;
}

static enum ct_status say_who(struct ct_store *store, struct ct_error *err)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE;INSERT OR REPLACE INTO meta VALUES('layout',%lld),('program','convtap %s');COMMIT",
             (long long)ct_store_layout(), CT_VERSION);
    return ct_store_exec(store, sql, err);
}

enum ct_status ct_store_open(const char *path, enum ct_store_mode mode, struct ct_store **out, struct ct_error *err)
{
    struct ct_store *store = calloc(1, sizeof *store);
    enum ct_status status = CT_OK;
    *out = NULL;
    if (!store) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    store->writes = mode == CT_STORE_WRITE;
    /* SQLite reads "" and ":memory:" as databases without a file. */
    if (!*path) {
        status = ct_error_set(err, CT_IO, "cannot %s \"\": %s", store->writes ? "write" : "read", strerror(ENOENT));
    } else if (asprintf(&store->path, "%s%s", *path == ':' ? "./" : "", path) < 0) {
        store->path = NULL;
        status = ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    status = status == CT_OK ? open_database(store, err) : status;
    status = status == CT_OK && store->writes ? take_lock(store, err) : status;
    status = status == CT_OK ? ct_store_schema(store, err) : status;
    if (store->writes) {
        status = status == CT_OK ? say_who(store, err) : status;
        status = status == CT_OK ? prepare_all(store, err) : status;
    }
    status = status == CT_OK ? read_applied(store, err) : status;
    if (status != CT_OK) {
        ct_store_close(store);
        return status;
    }
    *out = store;
    return CT_OK;
}

void ct_store_close(struct ct_store *store)
{
    if (!store) {
        return;
    }
    for (int i = 0; i < CT_STATEMENT_COUNT; i++) {
        sqlite3_finalize(store->statement[i]);
    }
    for (int i = 0; i < CT_STORE_EVIDENCE_ROWS; i++) {
        sqlite3_finalize(store->evidence[i]);
    }
    sqlite3_close(store->db);
    sqlite3_close(store->lock);
    ct_store_measures_done(&store->measures);
    for (size_t i = 0; i < store->hour_made; i++) {
        free(store->hours[i].channel);
        free(store->hours[i].delta);
    }
    free(store->hours);
    free(store->record.bytes);
    free(store->json.bytes);
    free(store->sums.bytes);
    free(store->decided.bytes);
    free(store->event);
    free(store->path);
    free(store);
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

enum ct_status ct_store_begin(struct ct_store *store, struct ct_error *err)
{
    if (store->open_group) {
        return CT_OK;
    }
    enum ct_status status = ct_store_exec(store, "BEGIN IMMEDIATE", err);
    store->open_group = status == CT_OK;
    if (status == CT_OK && !store->measures.count) {
        status = ct_store_measures_load(store, err);
    }
    return status;
}

/* What is committed is in the log; synchronous=NORMAL leaves it to the system when the log reaches the disk. */
static enum ct_status sync_log(struct ct_store *store, struct ct_error *err)
{
    sqlite3_file *log = NULL;
    int code = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);
    if (code == SQLITE_OK && log && log->pMethods) {
        code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    }
    return code == SQLITE_OK ? CT_OK
                             : ct_error_set(err, CT_IO, "cannot write %s: its log did not reach the disk (%s)",
                                            store->path, sqlite3_errstr(code));
}

enum ct_status ct_store_commit(struct ct_store *store, uint64_t applied, bool durable, struct ct_error *err)
{
    enum ct_status status = CT_OK;
    bool moves = applied && applied != store->applied;
    if (moves) {
        status = ct_store_begin(store, err);
    }
    if (status == CT_OK && store->open_group) {
        status = ct_store_sums_flush(store, err);
        if (status == CT_OK && moves) {
            sqlite3_stmt *meta = store->statement[CT_STATEMENT_META];
            sqlite3_bind_text(meta, 1, "applied", -1, SQLITE_STATIC);
            sqlite3_bind_int64(meta, 2, (int64_t)applied);
            status = ct_store_step(store, meta, err);
        }
        status = status == CT_OK ? ct_store_exec(store, "COMMIT", err) : status;
        if (status == CT_OK) {
            store->open_group = false;
            store->waiting = 0;
            store->applied = moves ? applied : store->applied;
        }
    }
    return status == CT_OK && durable ? sync_log(store, err) : status;
}

uint64_t ct_store_applied(struct ct_store *store)
{
    if (!store->writes) { /* a writer beside may have moved it */
        struct ct_error ignored;
        (void)!read_applied(store, &ignored);
    }
    return store->applied;
}

uint64_t ct_store_waiting(const struct ct_store *store)
{
    return store->waiting;
}

static ct_usec time_of(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? CT_USEC_NONE
                                                                 : sqlite3_column_int64(statement, column);
}

enum ct_status ct_store_stats(struct ct_store *store, struct ct_store_stats *out, struct ct_error *err)
{
    static const char sql[] = "SELECT count(*),ifnull(sum(revision),0),(SELECT count(*) FROM evidence),"
                              "(SELECT count(*) FROM sum_hour),(SELECT page_count FROM pragma_page_count)*"
                              "(SELECT page_size FROM pragma_page_size),(SELECT user_version FROM pragma_user_version),"
                              "(SELECT count(*) FROM withdrawn),min(started_at),max(ended_at),min(first_published_at),"
                              "max(first_published_at),(SELECT value FROM meta WHERE key='program'),"
                              "(SELECT count(*) FROM business_event) FROM conversation";
    sqlite3_stmt *statement;
    enum ct_status status = ct_store_prepare(store, sql, &statement, err);
    if (status != CT_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *out = (struct ct_store_stats){.conversations = (uint64_t)sqlite3_column_int64(statement, 0),
                                       .revisions = (uint64_t)sqlite3_column_int64(statement, 1),
                                       .evidence = (uint64_t)sqlite3_column_int64(statement, 2),
                                       .sums = (uint64_t)sqlite3_column_int64(statement, 3),
                                       .bytes = (uint64_t)sqlite3_column_int64(statement, 4),
                                       .schema = (uint32_t)sqlite3_column_int64(statement, 5),
                                       .withdrawn = (uint64_t)sqlite3_column_int64(statement, 6),
                                       .events = (uint64_t)sqlite3_column_int64(statement, 12),
                                       .first_at = time_of(statement, 7),
                                       .last_at = time_of(statement, 8),
                                       .first_published_at = time_of(statement, 9),
                                       .last_published_at = time_of(statement, 10)};
        const char *program = (const char *)sqlite3_column_text(statement, 11);
        snprintf(out->program, sizeof out->program, "%s", program ? program : "");
    }
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? CT_OK : ct_store_fail(store, code, "read", err);
}
