/* store_put.c - one conversation's newest revision into the tables: the row, its evidence, its part of the hourly sums;
 * or out of them. See store.h.
 */
#include "sinks/store_state.h"

#include <assert.h>

#include "sinks/records.h"
#include "sinks/writer.h"

/* What the store holds under a key. */
struct found {
    bool stands, withdrawn;
    int64_t row;
    uint64_t revision;
    ct_usec first_published_at;
};

static void bind_key(sqlite3_stmt *statement, const struct ct_store_key *key)
{
    ct_store_bind_span(statement, 1, key->conversation_id);
    ct_store_bind_span(statement, 2, key->tenant);
    sqlite3_bind_int64(statement, 3, key->session);
    sqlite3_bind_int64(statement, 4, key->started_at);
}

/* The statement FIND stays on its row where there is one: the caller resets it. */
static enum ct_status find(struct ct_store *store, const struct ct_store_key *key, struct found *out,
                           struct ct_error *err)
{
    sqlite3_stmt *find = store->statement[CT_STATEMENT_FIND];
    memset(out, 0, sizeof *out);
    bind_key(find, key);
    int code = sqlite3_step(find);
    if (code == SQLITE_ROW) {
        out->stands = true;
        out->row = sqlite3_column_int64(find, 0);
        out->revision = (uint64_t)sqlite3_column_int64(find, 1);
        out->first_published_at = sqlite3_column_int64(find, 9);
        return CT_OK;
    }
    if (code == SQLITE_DONE) {
        sqlite3_stmt *gone = store->statement[CT_STATEMENT_FIND_WITHDRAWN];
        sqlite3_reset(find);
        bind_key(gone, key);
        code = sqlite3_step(gone);
        if (code == SQLITE_ROW) {
            out->withdrawn = true;
            out->row = sqlite3_column_int64(gone, 0);
            out->revision = (uint64_t)sqlite3_column_int64(gone, 1);
            out->first_published_at = sqlite3_column_int64(gone, 2);
        }
        sqlite3_reset(gone);
    }
    return code == SQLITE_ROW || code == SQLITE_DONE ? CT_OK : ct_store_fail(store, code, "write", err);
}

static enum ct_status next_row(struct ct_store *store, int64_t *row, struct ct_error *err)
{
    if (!store->next_row) {
        sqlite3_stmt *next = store->statement[CT_STATEMENT_NEXT_ROW];
        int code = sqlite3_step(next);
        if (code != SQLITE_ROW) {
            return ct_store_fail(store, code, "write", err);
        }
        store->next_row = sqlite3_column_int64(next, 0);
        sqlite3_reset(next);
    }
    *row = store->next_row++;
    return CT_OK;
}

static enum ct_status by_row(struct ct_store *store, enum ct_store_statement which, int64_t row, struct ct_error *err)
{
    sqlite3_bind_int64(store->statement[which], 1, row);
    return ct_store_step(store, store->statement[which], err);
}

/* Takes out of the sums what the row that FIND stands on gave to them, and its evidence away. */
static enum ct_status take_back(struct ct_store *store, const struct found *found, struct ct_error *err)
{
    sqlite3_stmt *find = store->statement[CT_STATEMENT_FIND];
    enum ct_status status = ct_store_sums_apply(store, ct_store_column_span(find, 7), found->first_published_at,
                                                ct_store_column_span(find, 8), true, err);
    sqlite3_reset(find);
    return status == CT_OK ? by_row(store, CT_STATEMENT_FORGET_EVIDENCE, found->row, err) : status;
}

/* ---- withdrawal ------------------------------------------------------------------------------------------------- */

static enum ct_status leave_tombstone(struct ct_store *store, const struct ct_store_key *key, int64_t row,
                                      uint64_t revision, ct_usec first_published_at, ct_usec at, struct ct_error *err)
{
    sqlite3_stmt *withdraw = store->statement[CT_STATEMENT_WITHDRAW];
    sqlite3_bind_int64(withdraw, 1, row);
    ct_store_bind_span(withdraw, 2, key->conversation_id);
    ct_store_bind_span(withdraw, 3, key->tenant);
    sqlite3_bind_int64(withdraw, 4, key->session);
    sqlite3_bind_int64(withdraw, 5, key->started_at);
    sqlite3_bind_int64(withdraw, 6, (int64_t)revision);
    sqlite3_bind_int64(withdraw, 7, first_published_at);
    sqlite3_bind_int64(withdraw, 8, at);
    return ct_store_step(store, withdraw, err);
}

static ct_usec known_time(ct_usec at)
{
    return at == CT_USEC_NONE ? 0 : at;
}

/* Revision 0 withdraws whatever stands. */
static enum ct_status withdraw(struct ct_store *store, const struct ct_store_put *put, struct ct_error *err)
{
    struct ct_store_key key = ct_store_key_of(put->key_of);
    struct found found;
    enum ct_status status = find(store, &key, &found, err);
    if (status != CT_OK) {
        return status;
    }
    uint64_t revision = put->revision ? put->revision : found.revision + 1;
    bool newer = revision > found.revision && !(found.withdrawn && !put->revision);
    if (!newer) {
        sqlite3_reset(store->statement[CT_STATEMENT_FIND]);
        return CT_OK;
    }
    if (found.stands) {
        status = take_back(store, &found, err);
        status = status == CT_OK ? by_row(store, CT_STATEMENT_DELETE, found.row, err) : status;
    } else if (!found.withdrawn) {
        found.first_published_at = known_time(put->first_published_at);
        status = next_row(store, &found.row, err);
    }
    store->waiting++;
    return status == CT_OK ? leave_tombstone(store, &key, found.row, revision, found.first_published_at,
                                             known_time(put->published_at), err)
                           : status;
}

/* ---- what is stored --------------------------------------------------------------------------------------------- */

static enum ct_status write_json(struct ct_store *store, const struct ct_store_put *put, const struct ct_record *record,
                                 struct ct_error *err)
{
    struct ct_out out;
    store->json.len = 0;
    ct_out_init(&out, ct_store_buffer_add, &store->json);
    ct_records_write(&out, put->rules, record);
    if (ct_out_done(&out) != CT_OK || store->json.len == 0) {
        return ct_store_fail(store, SQLITE_NOMEM, "write", err);
    }
    store->json.len--; /* the newline */
    return CT_OK;
}

static enum ct_status write_decided(struct ct_store *store, const struct ct_ruleset *rules,
                                    const struct ct_record *record, struct ct_error *err)
{
    struct ct_out out;
    struct ct_writer json;
    const struct ct_evidence *evidence = ct_record_array(record, record->evidence);
    const uint32_t *decided = ct_record_array(record, record->decided_by);
    store->decided.len = 0;
    ct_out_init(&out, ct_store_buffer_add, &store->decided);
    ct_writer_init(&json, &out);
    ct_writer_open(&json, '[');
    for (uint32_t i = 0; i < record->decided_by.count; i++) {
        if (decided[i] < record->evidence.count && evidence[decided[i]].signal < rules->signal_count) {
            ct_writer_string(&json, rules->signals[evidence[decided[i]].signal].name);
        }
    }
    ct_writer_close(&json, ']');
    return ct_out_done(&out) == CT_OK ? CT_OK : ct_store_fail(store, SQLITE_NOMEM, "write", err);
}

/* Does the row that FIND stands on say all of that already? */
static bool is_same(struct ct_store *store, const char *rules_hash, const char *content_hash)
{
    sqlite3_stmt *find = store->statement[CT_STATEMENT_FIND];
    return ct_span_is(ct_store_column_span(find, 2), rules_hash) &&
           ct_span_is(ct_store_column_span(find, 3), content_hash) &&
           sqlite3_column_int64(find, 4) == ct_store_layout() &&
           ct_span_eq(ct_store_column_span(find, 5), (ct_span){store->record.bytes, store->record.len}) &&
           ct_span_eq(ct_store_column_span(find, 6), (ct_span){store->json.bytes, store->json.len}) &&
           ct_span_eq(ct_store_column_span(find, 7), (ct_span){store->sums.bytes, store->sums.len});
}

/* What a row does not have stays NULL, as all of its parameters are at first. */
static void bind_time(sqlite3_stmt *s, enum ct_store_column column, ct_usec value)
{
    if (value != CT_USEC_NONE) {
        sqlite3_bind_int64(s, (int)column, value);
    }
}

static void bind_text(sqlite3_stmt *s, enum ct_store_column column, ct_span text)
{
    if (text.len) {
        ct_store_bind_span(s, (int)column, text);
    }
}

static void bind_score(sqlite3_stmt *s, enum ct_store_column column, const struct ct_score *score)
{
    if (score->present) {
        sqlite3_bind_int64(s, (int)column, score->value);
        sqlite3_bind_int64(s, (int)column + 1, score->scale_min);
        sqlite3_bind_int64(s, (int)column + 2, score->scale_max);
    }
}

static void bind_identity(sqlite3_stmt *s, const struct ct_record *r)
{
    static const char *const where[] = {NULL, "bot", "question", "queue"};
    struct ct_store_key key = ct_store_key_of(r);
    ct_store_bind_span(s, CT_COLUMN_conversation_id, key.conversation_id);
    ct_store_bind_span(s, CT_COLUMN_tenant, key.tenant);
    sqlite3_bind_int64(s, CT_COLUMN_session, key.session);
    bind_text(s, CT_COLUMN_user_id, ct_record_text(r, CT_TEXT_USER_ID));
    bind_text(s, CT_COLUMN_channel, ct_record_text(r, CT_TEXT_CHANNEL));
    bind_text(s, CT_COLUMN_language, ct_record_text(r, CT_TEXT_LANGUAGE));
    bind_text(s, CT_COLUMN_bot, ct_record_text(r, CT_TEXT_BOT));
    bind_text(s, CT_COLUMN_bot_version, ct_record_text(r, CT_TEXT_BOT_VERSION));
    bind_text(s, CT_COLUMN_segment, ct_record_text(r, CT_TEXT_SEGMENT));
    bind_text(s, CT_COLUMN_product, ct_record_text(r, CT_TEXT_PRODUCT));
    bind_text(s, CT_COLUMN_country, ct_record_text(r, CT_TEXT_COUNTRY));
    bind_text(s, CT_COLUMN_intent, ct_record_text(r, CT_TEXT_INTENT));
    bind_text(s, CT_COLUMN_topic, ct_record_text(r, CT_TEXT_TOPIC));
    bind_text(s, CT_COLUMN_topics, ct_record_text(r, CT_TEXT_TOPICS));
    bind_time(s, CT_COLUMN_started_at, r->started_at);
    bind_time(s, CT_COLUMN_ended_at, r->ended_at);
    ct_store_bind_span(s, CT_COLUMN_outcome, ct_span_of(ct_outcome_text((enum ct_outcome)r->outcome)));
    bool abandoned = r->outcome == CT_OUTCOME_ABANDONED && r->abandoned_at <= CT_ABANDONED_QUEUE;
    bind_text(s, CT_COLUMN_abandoned_at, ct_span_of(abandoned ? where[r->abandoned_at] : NULL));
    if (r->resolved != CT_NULL) {
        sqlite3_bind_int(s, CT_COLUMN_resolved, r->resolved == CT_TRUE);
    }
    bind_text(s, CT_COLUMN_escalated_by, ct_record_text(r, CT_TEXT_ESCALATED_BY));
    bind_text(s, CT_COLUMN_reason, ct_record_text(r, CT_TEXT_REASON));
}

static void bind_numbers(sqlite3_stmt *s, const struct ct_record *r)
{
#define FLAG(name) sqlite3_bind_int(s, CT_COLUMN_##name, r->name)
#define COUNT(name) sqlite3_bind_int64(s, CT_COLUMN_##name, r->name)
    FLAG(engaged);
    FLAG(escalated);
    FLAG(requested);
    FLAG(offered);
    FLAG(announced);
    FLAG(performed);
    FLAG(failed);
    FLAG(positive);
    FLAG(negative);
    FLAG(complaint);
    bind_score(s, CT_COLUMN_csat, &r->score[CT_SCORE_CSAT]);
    bind_score(s, CT_COLUMN_nps, &r->score[CT_SCORE_NPS]);
    bind_score(s, CT_COLUMN_ces, &r->score[CT_SCORE_CES]);
    sqlite3_bind_int64(s, CT_COLUMN_messages, r->message_count);
    COUNT(user_messages);
    COUNT(bot_messages);
    COUNT(agent_messages);
    COUNT(tool_messages);
    COUNT(fallbacks);
    COUNT(wrong_answers);
    COUNT(repeats);
#undef FLAG
#undef COUNT
    bind_time(s, CT_COLUMN_first_response_us, r->first_response_usec);
    bind_time(s, CT_COLUMN_wait_us, r->wait_usec);
    bind_time(s, CT_COLUMN_handling_ai_us, r->ai_handling_usec);
    bind_time(s, CT_COLUMN_handling_human_us, r->human_handling_usec);
    bind_time(s, CT_COLUMN_handling_total_us, r->total_handling_usec);
    if (r->has_cost) {
        sqlite3_bind_int64(s, CT_COLUMN_cost_nano, r->cost);
        bind_text(s, CT_COLUMN_currency, ct_record_text(r, CT_TEXT_CURRENCY));
    }
}

static enum ct_status write_row(struct ct_store *store, const struct ct_store_put *put, const struct ct_record *record,
                                const struct found *found, uint64_t revision, const char *content_hash,
                                struct ct_error *err)
{
    sqlite3_stmt *s = store->statement[CT_STATEMENT_PUT];
    sqlite3_clear_bindings(s);
    sqlite3_bind_int64(s, CT_COLUMN_row, found->row);
    bind_identity(s, record);
    bind_numbers(s, record);
    ct_store_bind_span(s, CT_COLUMN_decided_by, (ct_span){store->decided.bytes, store->decided.len});
    sqlite3_bind_int64(s, CT_COLUMN_revision, (int64_t)revision);
    sqlite3_bind_int(s, CT_COLUMN_final, put->final);
    sqlite3_bind_int64(s, CT_COLUMN_first_published_at, found->first_published_at);
    sqlite3_bind_int64(s, CT_COLUMN_published_at, known_time(put->published_at));
    bind_time(s, CT_COLUMN_first_position, put->first_position ? (ct_usec)put->first_position : CT_USEC_NONE);
    bind_time(s, CT_COLUMN_last_position, put->last_position ? (ct_usec)put->last_position : CT_USEC_NONE);
    ct_store_bind_span(s, CT_COLUMN_rules_hash, ct_span_of(put->rules->hash));
    ct_store_bind_span(s, CT_COLUMN_content_hash, ct_span_of(content_hash));
    ct_store_bind_span(s, CT_COLUMN_json, (ct_span){store->json.bytes, store->json.len});
    sqlite3_bind_int64(s, CT_COLUMN_layout, ct_store_layout());
    sqlite3_bind_blob64(s, CT_COLUMN_record, store->record.bytes, store->record.len, SQLITE_STATIC);
    sqlite3_bind_blob64(s, CT_COLUMN_sums, store->sums.len ? store->sums.bytes : "", store->sums.len, SQLITE_STATIC);
    enum ct_status status = ct_store_step(store, s, err);
    return status;
}

/* ---- one conversation ------------------------------------------------------------------------------------------- */

static bool same_key(const struct ct_store_key *a, const struct ct_store_key *b)
{
    return ct_span_eq(a->conversation_id, b->conversation_id) && ct_span_eq(a->tenant, b->tenant) &&
           a->session == b->session && a->started_at == b->started_at;
}

/* A late message put its beginning earlier: the row goes on under another key, the old key keeps a tombstone. */
static enum ct_status inherit(struct ct_store *store, const struct ct_store_put *put, struct found *found,
                              struct ct_error *err)
{
    struct ct_store_key key = ct_store_key_of(put->key_of);
    struct found old;
    enum ct_status status = find(store, &key, &old, err);
    if (status != CT_OK || !old.stands || old.revision >= put->revision) {
        sqlite3_reset(store->statement[CT_STATEMENT_FIND]);
        return status;
    }
    int64_t tombstone = 0;
    status = take_back(store, &old, err);
    status = status == CT_OK ? by_row(store, CT_STATEMENT_DELETE, old.row, err) : status;
    status = status == CT_OK ? next_row(store, &tombstone, err) : status;
    status = status == CT_OK ? leave_tombstone(store, &key, tombstone, put->revision, old.first_published_at,
                                               known_time(put->published_at), err)
                             : status;
    if (status == CT_OK && !found->stands && !found->withdrawn) {
        found->row = old.row;
        found->first_published_at = old.first_published_at;
    }
    return status;
}

/* Not put again: the same or an older revision. FIND is left on its row where the conversation stands. */
static enum ct_status is_news(struct ct_store *store, const struct ct_store_put *put, struct found *found, bool *news,
                              struct ct_error *err)
{
    struct ct_store_key key = ct_store_key_of(put->record);
    struct ct_store_key before = put->key_of ? ct_store_key_of(put->key_of) : key;
    *news = false;
    enum ct_status status = find(store, &key, found, err);
    if (status != CT_OK) {
        return status;
    }
    *news = !put->revision || put->revision > found->revision;
    if (*news && put->revision && !same_key(&key, &before)) {
        sqlite3_reset(store->statement[CT_STATEMENT_FIND]);
        status = inherit(store, put, found, err);
        if (status == CT_OK && found->stands) { /* back onto the row */
            status = find(store, &key, found, err);
        }
    }
    return status;
}

static enum ct_status write_all(struct ct_store *store, const struct ct_store_put *put, struct found *found,
                                const char *content_hash, struct ct_error *err)
{
    const struct ct_record *record = (const struct ct_record *)(const void *)store->record.bytes;
    uint64_t revision = put->revision ? put->revision : found->revision + 1;
    enum ct_status status = CT_OK;
    if (found->stands) {
        status = take_back(store, found, err);
    } else if (found->withdrawn) {
        status = by_row(store, CT_STATEMENT_RETURN, found->row, err);
    } else if (!found->row) {
        found->first_published_at = known_time(put->first_published_at);
        status = next_row(store, &found->row, err);
    }
    status = status == CT_OK ? write_decided(store, put->rules, record, err) : status;
    status = status == CT_OK ? write_row(store, put, record, found, revision, content_hash, err) : status;
    status = status == CT_OK ? ct_store_evidence_write(store, put->rules, record, found->row, err) : status;
    if (status == CT_OK) {
        status = ct_store_sums_apply(store, (ct_span){store->sums.bytes, store->sums.len}, found->first_published_at,
                                     ct_record_text(record, CT_TEXT_CHANNEL), false, err);
    }
    store->waiting++;
    return status;
}

/* Records number their signals, and whoever reads them again has to know which they are, also when the rules are long
 * gone. */
static enum ct_status note_rules(struct ct_store *store, const struct ct_ruleset *rules, struct ct_error *err)
{
    char key[CT_STORE_RULES_KEY_BYTES];
    struct ct_out out;
    struct ct_writer json;
    if (strcmp(store->rules_noted, rules->hash) == 0) { /* so is the hash that none was given for */
        return CT_OK;
    }
    store->decided.len = 0;
    ct_out_init(&out, ct_store_buffer_add, &store->decided);
    ct_writer_init(&json, &out);
    ct_writer_open(&json, '[');
    for (size_t i = 0; i < rules->signal_count; i++) {
        ct_writer_string(&json, rules->signals[i].name);
    }
    ct_writer_close(&json, ']');
    if (ct_out_done(&out) != CT_OK) {
        return ct_store_fail(store, SQLITE_NOMEM, "write", err);
    }
    sqlite3_stmt *note = store->statement[CT_STATEMENT_NOTE_RULES];
    ct_store_rules_key(rules->hash, key);
    ct_store_bind_span(note, 1, ct_span_of(key));
    ct_store_bind_span(note, 2, (ct_span){store->decided.bytes, store->decided.len});
    enum ct_status status = ct_store_step(store, note, err);
    if (status == CT_OK) {
        memcpy(store->rules_noted, rules->hash, sizeof store->rules_noted);
    }
    return status;
}

enum ct_status ct_store_put(struct ct_store *store, const struct ct_store_put *put, struct ct_error *err)
{
    struct found found;
    bool news;
    char content_hash[17];
    const char *why;
    assert(store->writes && (put->record ? put->rules != NULL : put->key_of != NULL));
    const struct ct_record *given = put->record ? put->record : put->key_of;
    if (!ct_store_record_valid(given, given->bytes, &why)) {
        return ct_error_set(err, CT_REFUSED, "a conversation's record cannot be stored: %s", why);
    }
    enum ct_status status = ct_store_begin(store, err);
    if (status != CT_OK || !put->record) {
        return status == CT_OK ? withdraw(store, put, err) : status;
    }
    status = note_rules(store, put->rules, err);
    status = status == CT_OK ? is_news(store, put, &found, &news, err) : status;
    if (status == CT_OK && news) {
        if (!ct_store_record_copy(&store->record, put->record)) {
            return ct_store_fail(store, SQLITE_NOMEM, "write", err);
        }
        const struct ct_record *record = (const struct ct_record *)(const void *)store->record.bytes;
        snprintf(content_hash, sizeof content_hash, "%016llx", (unsigned long long)record->content_hash);
        status = write_json(store, put, record, err);
        status = status == CT_OK ? ct_store_sums_pack(store, put->sums, put->sum_count, err) : status;
        news = status == CT_OK && (put->revision || !found.stands || !is_same(store, put->rules->hash, content_hash));
    }
    if (status == CT_OK && news) {
        status = write_all(store, put, &found, content_hash, err);
    }
    sqlite3_reset(store->statement[CT_STATEMENT_FIND]);
    return status;
}
