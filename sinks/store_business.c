/* store_business.c - business events into the table `business_event`, and out of it. Columns say all of an event, so
 * that any SQL reads them, and the flat event is made of them again. See store.h.
 */
#include "sinks/store_state.h"

#include <assert.h>
#include <stdlib.h>

/* Columns of CT_STORE_EVENT_COLUMNS, from 0. */
enum { TENANT, USER_ID, AT, TYPE, IDENTITY, TEXTS };
enum {
    NUMBERS = TEXTS + CT_BUSINESS_FIELD_COUNT - CT_BUSINESS_ID,
    NUMBER_COUNT = sizeof(struct ct_business_numbers) / sizeof(int64_t)
};
/* A text or number more is a column more: another schema. */
_Static_assert(CT_BUSINESS_ID == 2 && CT_BUSINESS_FIELD_COUNT == 10, "tenant and customer, then eight texts");
_Static_assert(NUMBER_COUNT == 13 && sizeof(struct ct_business_numbers) % sizeof(int64_t) == 0, "thirteen numbers");

/* ---- putting ---------------------------------------------------------------------------------------------------- */

static void bind(sqlite3_stmt *s, const struct ct_business *event)
{
    int64_t numbers[NUMBER_COUNT];
    memcpy(numbers, &event->numbers, sizeof numbers);
    ct_store_bind_span(s, TENANT + 1, ct_business_text(event, CT_BUSINESS_TENANT));
    ct_store_bind_span(s, USER_ID + 1, ct_business_text(event, CT_BUSINESS_USER_ID));
    sqlite3_bind_int64(s, AT + 1, event->at);
    ct_store_bind_span(s, TYPE + 1, ct_span_of(ct_business_text_of((enum ct_business_type)event->type)));
    sqlite3_bind_int64(s, IDENTITY + 1, (int64_t)event->identity);
    for (int i = CT_BUSINESS_ID; i < CT_BUSINESS_FIELD_COUNT; i++) {
        ct_span text = ct_business_text(event, (enum ct_business_field)i);
        if (text.len) {
            ct_store_bind_span(s, TEXTS + i - CT_BUSINESS_ID + 1, text);
        } else {
            sqlite3_bind_null(s, TEXTS + i - CT_BUSINESS_ID + 1);
        }
    }
    for (int i = 0; i < NUMBER_COUNT; i++) {
        if (numbers[i] == CT_BUSINESS_NUMBER_NONE) {
            sqlite3_bind_null(s, NUMBERS + i + 1);
        } else {
            sqlite3_bind_int64(s, NUMBERS + i + 1, numbers[i]);
        }
    }
}

static void bind_key(sqlite3_stmt *s, const struct ct_business *event)
{
    sqlite3_bind_int64(s, 1, (int64_t)event->identity);
    ct_store_bind_span(s, 2, ct_business_text(event, CT_BUSINESS_USER_ID));
}

/* Is the event that stands under this key the one that stays? */
static enum ct_status is_kept(struct ct_store *store, const struct ct_business *event, bool *kept, struct ct_error *err)
{
    sqlite3_stmt *find = store->statement[CT_STATEMENT_FIND_EVENT];
    enum ct_status status = CT_OK;
    uint64_t identity;
    const char *why;
    *kept = true;
    bind_key(find, event);
    int code = sqlite3_step(find);
    if (code == SQLITE_ROW) {
        status = ct_store_event_read(store, find, &identity, &why);
        if (status == CT_OK) {
            const struct ct_business *two[2] = {store->event, event};
            (void)ct_business_sort(two, 2);
            *kept = two[0] != event;
        } else if (status == CT_REFUSED) { /* a damaged row makes room for a sound one */
            *kept = false;
            status = CT_OK;
        }
    }
    sqlite3_reset(find);
    if (status != CT_OK) {
        return ct_store_fail(store, SQLITE_NOMEM, "write", err);
    }
    return code == SQLITE_ROW || code == SQLITE_DONE ? CT_OK : ct_store_fail(store, code, "write", err);
}

static enum ct_status insert(struct ct_store *store, const struct ct_business *event, bool *done, struct ct_error *err)
{
    sqlite3_stmt *put = store->statement[CT_STATEMENT_PUT_EVENT];
    bind(put, event);
    enum ct_status status = ct_store_step(store, put, err);
    *done = status == CT_OK && sqlite3_changes(store->db) > 0;
    return status;
}

enum ct_status ct_store_put_business(struct ct_store *store, const struct ct_business *event, struct ct_error *err)
{
    bool done = false, kept = false;
    assert(store->writes);
    enum ct_status status = ct_store_begin(store, err);
    status = status == CT_OK ? insert(store, event, &done, err) : status;
    if (status == CT_OK && !done) {
        status = is_kept(store, event, &kept, err);
        if (status != CT_OK || kept) {
            return status;
        }
        sqlite3_stmt *forget = store->statement[CT_STATEMENT_FORGET_EVENT];
        bind_key(forget, event);
        status = ct_store_step(store, forget, err);
        status = status == CT_OK ? insert(store, event, &done, err) : status;
    }
    store->waiting += done;
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* CT_NO_MEMORY, CT_REFUSED. */
static enum ct_status make_flat(struct ct_store *store, const struct ct_business_event *event, const char **why)
{
    uint32_t bytes = ct_business_bytes(event);
    *why = "it is longer than an event may be";
    if (bytes == 0) {
        return CT_REFUSED;
    }
    if (bytes > store->event_room) {
        struct ct_business *more = realloc(store->event, bytes);
        if (!more) {
            return CT_NO_MEMORY;
        }
        store->event = more;
        store->event_room = bytes;
    }
    ct_business_write(store->event, event);
    return CT_OK;
}

enum ct_status ct_store_event_read(struct ct_store *store, sqlite3_stmt *s, uint64_t *identity, const char **why)
{
    struct ct_business_event event;
    int64_t numbers[NUMBER_COUNT];
    ct_business_event_init(&event);
    *identity = (uint64_t)sqlite3_column_int64(s, IDENTITY);
    event.at = sqlite3_column_int64(s, AT);
    event.text[CT_BUSINESS_TENANT] = ct_store_column_span(s, TENANT);
    event.text[CT_BUSINESS_USER_ID] = ct_store_column_span(s, USER_ID);
    for (int i = CT_BUSINESS_ID; i < CT_BUSINESS_FIELD_COUNT; i++) {
        event.text[i] = ct_store_column_span(s, TEXTS + i - CT_BUSINESS_ID);
    }
    *why = "its type is none";
    if (!ct_business_type_from(ct_store_column_span(s, TYPE), &event.type)) {
        return CT_REFUSED;
    }
    *why = "it has no time";
    if (event.at == CT_USEC_NONE) {
        return CT_REFUSED;
    }
    *why = "a text is no UTF-8";
    for (int i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        if (!ct_utf8_valid(event.text[i], NULL)) {
            return CT_REFUSED;
        }
    }
    for (int i = 0; i < NUMBER_COUNT; i++) {
        bool none = sqlite3_column_type(s, NUMBERS + i) == SQLITE_NULL;
        numbers[i] = none ? CT_BUSINESS_NUMBER_NONE : sqlite3_column_int64(s, NUMBERS + i);
    }
    memcpy(&event.numbers, numbers, sizeof numbers);
    return make_flat(store, &event, why);
}

static enum ct_status read_event(struct ct_store *store, sqlite3_stmt *s, struct ct_error *err)
{
    uint64_t identity;
    const char *why;
    enum ct_status status = ct_store_event_read(store, s, &identity, &why);
    if (status == CT_REFUSED) {
        return ct_error_set(err, CT_REFUSED, "%s: business event %016llx is damaged: %s; convtap db check says more",
                            store->path, (unsigned long long)identity, why);
    }
    return status == CT_OK ? CT_OK : ct_error_set(err, status, "out of memory");
}

/* A writer that reads has its own open group in view. */
enum ct_status ct_store_each_business(struct ct_store *store, const struct ct_store_business_filter *filter,
                                      enum ct_status (*event)(void *context, const struct ct_business *event),
                                      void *context, struct ct_error *err)
{
    static const char sql[] = "SELECT " CT_STORE_EVENT_COLUMNS " FROM business_event WHERE (?1='' OR tenant=?1) AND "
                              "(?2='' OR user_id=?2) AND at>=?3 AND (?4 IS NULL OR at<?4) AND "
                              "(?5 IS NULL OR type=?5) "
                              "ORDER BY tenant,user_id,at,type,identity";
    sqlite3_stmt *s;
    enum ct_status status = ct_store_prepare(store, sql, &s, err);
    if (status != CT_OK) {
        return status;
    }
    ct_store_bind_span(s, 1, filter->tenant);
    ct_store_bind_span(s, 2, filter->user_id);
    sqlite3_bind_int64(s, 3, filter->from); /* CT_USEC_NONE is before everything */
    if (filter->before != CT_USEC_NONE) {
        sqlite3_bind_int64(s, 4, filter->before);
    }
    if (filter->type) {
        ct_store_bind_span(s, 5, ct_span_of(filter->type));
    }
    int code = SQLITE_ROW;
    while (status == CT_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
        status = read_event(store, s, err);
        status = status == CT_OK ? event(context, store->event) : status;
    }
    sqlite3_finalize(s);
    return status != CT_OK                             ? status
           : code == SQLITE_DONE || code == SQLITE_ROW ? CT_OK
                                                       : ct_store_fail(store, code, "read", err);
}

enum ct_status ct_store_newest_business(struct ct_store *store, ct_usec before, ct_usec *at, struct ct_error *err)
{
    sqlite3_stmt *s;
    enum ct_status status = ct_store_prepare(store,
                                             "SELECT at FROM business_event WHERE type<>'renewal_due' AND "
                                             "(?1 IS NULL OR at<?1) ORDER BY at DESC LIMIT 1",
                                             &s, err);
    *at = CT_USEC_NONE;
    if (status != CT_OK) {
        return status;
    }
    if (before != CT_USEC_NONE) {
        sqlite3_bind_int64(s, 1, before);
    }
    int code = sqlite3_step(s);
    *at = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : CT_USEC_NONE;
    sqlite3_finalize(s);
    return code == SQLITE_ROW || code == SQLITE_DONE ? CT_OK : ct_store_fail(store, code, "read", err);
}
