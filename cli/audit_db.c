/* audit_db.c - records and business events of a batch, sorted by when their conversations began and by their ids, into
 * a store. The order makes the rows' numbers independent of threads and files, and brings versions of one conversation
 * together: a batch has no newer or older among its files. Called by audit.c.
 */
#include "cli/audit_db.h"

#include <stdlib.h>

#include "metrics/sums.h"
#include "sinks/store.h"

enum { GROUP = 2000 /* conversations a transaction */ };

struct ct_audit_db {
    struct ct_store *store;
    struct ct_sorter *sorter;
    struct ct_sorter_run *run;
    struct ct_sorter *event_sorter;
    struct ct_sorter_run *event_run;
    struct ct_sums *scratch;
    struct ct_store_sum *sums;
    size_t sums_room;
    char *tie;
    size_t tie_room;
    struct copy {
        struct ct_record *record;
        size_t room, bytes;
    } waiting, next;           /* waiting: the best of its key so far; bytes 0 = none */
    struct ct_business *event; /* where one may stand: the sorter's bytes are not aligned */
    size_t event_room;
    const struct ct_ruleset *rules;
    ct_usec as_of;
    uint64_t twins;
    enum ct_status status; /* why the merge was stopped */
    struct ct_error *err;
};

enum ct_status ct_audit_db_open(const char *path, struct ct_audit_db **out, struct ct_error *err)
{
    struct ct_audit_db *db = calloc(1, sizeof *db);
    *out = NULL;
    if (!db || !(db->sorter = ct_sorter_new(0)) || !(db->run = ct_sorter_run_new(db->sorter)) ||
        !(db->event_sorter = ct_sorter_new(0)) || !(db->event_run = ct_sorter_run_new(db->event_sorter)) ||
        !(db->scratch = ct_sums_new())) {
        ct_audit_db_close(db);
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    enum ct_status status = ct_store_open(path, CT_STORE_WRITE, &db->store, err);
    if (status != CT_OK) {
        ct_audit_db_close(db);
        return status;
    }
    *out = db;
    return CT_OK;
}

void ct_audit_db_close(struct ct_audit_db *db)
{
    if (db) {
        struct ct_error ignored;
        (void)!ct_sorter_run_done(db->run, &ignored);
        (void)!ct_sorter_run_done(db->event_run, &ignored);
        ct_store_close(db->store);
        ct_sorter_free(db->sorter);
        ct_sorter_free(db->event_sorter);
        ct_sums_free(db->scratch);
        free(db->sums);
        free(db->tie);
        free(db->waiting.record);
        free(db->next.record);
        free(db->event);
        free(db);
    }
}

/* What the store knows a conversation by, beside the time: "id\0tenant\0session", the session where there is no time.
 * No text holds a NUL. */
static bool make_tie(struct ct_audit_db *db, const struct ct_record *record, ct_span *tie)
{
    ct_span id = ct_record_text(record, CT_TEXT_CONVERSATION_ID), tenant = ct_record_text(record, CT_TEXT_TENANT);
    size_t most = id.len + tenant.len + 32;
    if (most > db->tie_room) {
        char *more = realloc(db->tie, most);
        if (!more) {
            return false;
        }
        db->tie = more;
        db->tie_room = most;
    }
    unsigned session = record->started_at == CT_USEC_NONE ? record->session : 0;
    char *at = mempcpy(db->tie, id.at, id.len);
    *at++ = '\0';
    at = mempcpy(at, tenant.len ? tenant.at : "", tenant.len);
    *at++ = '\0';
    at += snprintf(at, 16, "%010u", session);
    *tie = (ct_span){db->tie, (size_t)(at - db->tie)};
    return true;
}

enum ct_status ct_audit_db_keep(void *context, const struct ct_record *record, struct ct_error *err)
{
    struct ct_audit_db *db = context;
    ct_span tie;
    if (!make_tie(db, record, &tie)) {
        return ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    return ct_sorter_put(db->run, record->started_at, tie, (ct_span){(const char *)record, record->bytes}, err);
}

/* By time, then by type, customer and identity: of a customer's events there is one of each. */
enum ct_status ct_audit_db_keep_event(void *context, const struct ct_business *event, struct ct_error *err)
{
    struct ct_audit_db *db = context;
    const char *bytes = (const char *)event;
    return ct_sorter_put(db->event_run, event->at, (ct_span){bytes, offsetof(struct ct_business, at)},
                         (ct_span){bytes, event->bytes}, err);
}

/* ---- writing ---- */

static enum ct_status read_sums(struct ct_audit_db *db, const struct ct_record *record, size_t *count)
{
    const struct ct_sum *sums;
    enum ct_status status = ct_sums_of(db->scratch, record, &sums, count);
    if (status == CT_OK && *count > db->sums_room) {
        struct ct_store_sum *more = realloc(db->sums, *count * sizeof *more);
        if (!more) {
            return CT_NO_MEMORY;
        }
        db->sums = more;
        db->sums_room = *count;
    }
    for (size_t i = 0; status == CT_OK && i < *count; i++) {
        db->sums[i] = (struct ct_store_sum){sums[i].measure, sums[i].value};
    }
    return status;
}

static enum ct_status put_waiting(struct ct_audit_db *db)
{
    const struct ct_record *record = db->waiting.record;
    size_t count;
    if (db->waiting.bytes == 0) {
        return CT_OK;
    }
    db->waiting.bytes = 0;
    if (read_sums(db, record, &count) != CT_OK) {
        return ct_error_set(db->err, CT_NO_MEMORY, "out of memory");
    }
    ct_usec published = record->ended_at == CT_USEC_NONE ? db->as_of : record->ended_at;
    struct ct_store_put put = {.record = record,
                               .rules = db->rules,
                               .final = true,
                               .first_published_at = published,
                               .published_at = published,
                               .sums = db->sums,
                               .sum_count = count};
    enum ct_status status = ct_store_put(db->store, &put, db->err);
    return status == CT_OK && ct_store_waiting(db->store) >= GROUP ? ct_store_commit(db->store, 0, false, db->err)
                                                                   : status;
}

static bool same_conversation(const struct ct_record *a, const struct ct_record *b)
{
    return a->started_at == b->started_at && (a->started_at != CT_USEC_NONE || a->session == b->session) &&
           ct_span_eq(ct_record_text(a, CT_TEXT_CONVERSATION_ID), ct_record_text(b, CT_TEXT_CONVERSATION_ID)) &&
           ct_span_eq(ct_record_text(a, CT_TEXT_TENANT), ct_record_text(b, CT_TEXT_TENANT));
}

/* Of two versions the one that knows more. */
static bool is_better(const struct ct_record *record, const struct ct_record *than)
{
    if (record->message_count != than->message_count) {
        return record->message_count > than->message_count;
    }
    if (record->ended_at != than->ended_at) {
        return record->ended_at > than->ended_at;
    }
    return record->content_hash > than->content_hash;
}

static bool take(void *context, const char *bytes, size_t len)
{
    struct ct_audit_db *db = context;
    if (len > db->next.room) {
        struct ct_record *more = realloc(db->next.record, len);
        if (!more) {
            db->status = ct_error_set(db->err, CT_NO_MEMORY, "out of memory");
            return false;
        }
        db->next.record = more;
        db->next.room = len;
    }
    memcpy(db->next.record, bytes, len); /* to where a record may stand: the sorter's bytes are not aligned */
    db->next.bytes = len;
    bool twin = db->waiting.bytes && same_conversation(db->waiting.record, db->next.record);
    db->twins += twin;
    if (twin && !is_better(db->next.record, db->waiting.record)) {
        return true;
    }
    db->status = twin ? CT_OK : put_waiting(db);
    struct copy swap = db->waiting;
    db->waiting = db->next;
    db->next = swap;
    return db->status == CT_OK;
}

static bool take_event(void *context, const char *bytes, size_t len)
{
    struct ct_audit_db *db = context;
    if (len > db->event_room) {
        struct ct_business *more = realloc(db->event, len);
        if (!more) {
            db->status = ct_error_set(db->err, CT_NO_MEMORY, "out of memory");
            return false;
        }
        db->event = more;
        db->event_room = len;
    }
    memcpy(db->event, bytes, len);
    db->status = ct_store_put_business(db->store, db->event, db->err);
    if (db->status == CT_OK && ct_store_waiting(db->store) >= GROUP) {
        db->status = ct_store_commit(db->store, 0, false, db->err);
    }
    return db->status == CT_OK;
}

/* Everything of one sorter, in its order. */
static enum ct_status write_sorted(struct ct_audit_db *db, struct ct_sorter *sorter, struct ct_sorter_run **run,
                                   bool (*take_one)(void *context, const char *bytes, size_t len))
{
    struct ct_error sorting = {0};
    enum ct_status status = ct_sorter_run_done(*run, db->err);
    *run = NULL;
    if (status == CT_OK && (status = ct_sorter_merge(sorter, take_one, db, &sorting)) != CT_OK) {
        status = db->status != CT_OK ? db->status : ct_error_set(db->err, status, "%s", sorting.text);
    }
    return status;
}

enum ct_status ct_audit_db_write(struct ct_audit_db *db, const struct ct_ruleset *rules, ct_usec as_of, uint64_t *twins,
                                 struct ct_error *err)
{
    db->rules = rules;
    db->as_of = as_of;
    db->err = err;
    enum ct_status status = write_sorted(db, db->sorter, &db->run, take);
    status = status == CT_OK ? put_waiting(db) : status;
    status = status == CT_OK ? write_sorted(db, db->event_sorter, &db->event_run, take_event) : status;
    status = status == CT_OK ? ct_store_commit(db->store, 0, true, err) : status;
    *twins = db->twins;
    return status;
}
