/* stored_records.h - conversations for the store's tests: small records of a toy rule set, a store in a folder of its
 * own, and its dump. */
#ifndef CT_STORED_RECORDS_H
#define CT_STORED_RECORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "make_record.h"
#include "sinks/store.h"

#define T0 ((ct_usec)1772323200 * CT_USEC_PER_SECOND) /* 2026-03-01T00:00:00Z */
#define NAME(s)                                                                                                        \
    {                                                                                                                  \
        "" s, sizeof(s) - 1                                                                                            \
    }
static const struct ct_signal toy_signals[] = {{NAME("user.human_request"), CT_ROLE_USER, CT_MEANS_HUMAN_REQUESTED, 0},
                                               {NAME("user.thanks"), CT_ROLE_USER, CT_MEANS_AFFIRM, 0}};
static const struct ct_pack toy_packs[] = {{.name = NAME("es"), .version = NAME("1.2.0")}};
static const struct ct_rule toy_rules[] = {{.id = NAME("es.human_request.direct"), .rev = 3, .pack = 0}};
static const struct ct_ruleset toy = {.packs = toy_packs,
                                      .pack_count = 1,
                                      .signals = toy_signals,
                                      .signal_count = 2,
                                      .rules = toy_rules,
                                      .rule_count = 1,
                                      .hash = "abc123"};

/* What a conversation of a test is; zero = plain. */
struct tale {
    const char *id, *tenant, *user, *channel;
    ct_usec at;        /* begins; 0 = T0 */
    uint32_t messages; /* 0 = 2 */
    uint64_t content;  /* 0 = of the messages */
    bool untimed;
    uint32_t session;
    enum ct_outcome outcome;
};

static inline struct ct_record *record_of(const struct tale *tale)
{
    static const struct ct_evidence evidence[] = {
        {.message = 0, .begin = 1, .end = 4, .signal = 0, .rule = 0, .because = UINT32_MAX},
        {.message = 1, .begin = 0, .end = 7, .signal = 1, .rule = UINT16_MAX, .because = 0}};
    static const uint32_t decided[] = {1};
    static const int64_t response[] = {1500000};
    struct ct_record head = make_head();
    head.message_count = tale->messages ? tale->messages : 2;
    head.user_messages = head.message_count;
    head.content_hash = tale->content ? tale->content : 0xC0FFEE0000000000u + head.message_count;
    head.customer_hash = 7;
    head.has_customer = tale->user != NULL;
    head.engaged = head.ai_answered = true;
    head.outcome = (uint8_t)tale->outcome;
    head.session = tale->session ? tale->session : 1;
    if (!tale->untimed) {
        head.timed = true;
        head.started_at = tale->at ? tale->at : T0;
        head.ended_at = head.started_at + (ct_usec)head.message_count * CT_USEC_PER_SECOND;
    }
    return make_record(&head, &(struct make_tail){.text = {[CT_TEXT_CONVERSATION_ID] = tale->id ? tale->id : "c",
                                                           [CT_TEXT_TENANT] = tale->tenant,
                                                           [CT_TEXT_USER_ID] = tale->user,
                                                           [CT_TEXT_CHANNEL] = tale->channel},
                                                  .response_usec = response,
                                                  .response_count = 1,
                                                  .evidence = evidence,
                                                  .evidence_count = 2,
                                                  .decided_by = decided,
                                                  .decided_count = 1});
}

static char folder[64], path[96];

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/convtap-store-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/a.db", folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    static const char *const ends[] = {"a.db",     "a.db-wal", "a.db-shm",  "a.db-lock",   "b.db",
                                       "b.db-wal", "b.db-shm", "b.db-lock", "a.db-journal"};
    char name[128];
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s/%s", folder, ends[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static inline struct ct_store *open_at(const char *file, enum ct_store_mode mode)
{
    struct ct_store *store;
    struct ct_error err = {0};
    if (ct_store_open(file, mode, &store, &err) != CT_OK) {
        fail_msg("%s", err.text);
    }
    return store;
}

static inline struct ct_store *opened(enum ct_store_mode mode)
{
    return open_at(path, mode);
}

/* With "conversations" = 1 and "messages" = its number, published at the hour of its end. */
static inline enum ct_status put_with(struct ct_store *store, const struct tale *tale, uint32_t revision,
                                      const struct tale *replaces, struct ct_error *err)
{
    struct ct_record *record = record_of(tale), *before = replaces ? record_of(replaces) : NULL;
    const struct ct_store_sum sums[] = {{"conversations", 1}, {"messages", record->message_count}, {"nothing", 0}};
    ct_usec at = record->ended_at == CT_USEC_NONE ? T0 : record->ended_at;
    struct ct_store_put put = {.record = record,
                               .key_of = before,
                               .rules = &toy,
                               .revision = revision,
                               .first_published_at = at,
                               .published_at = at,
                               .first_position = 10,
                               .last_position = 20,
                               .sums = sums,
                               .sum_count = 3};
    enum ct_status status = ct_store_put(store, &put, err);
    free(before);
    free(record);
    return status;
}

static inline void put_one(struct ct_store *store, const struct tale *tale, uint32_t revision)
{
    struct ct_error err = {0};
    if (put_with(store, tale, revision, NULL, &err) != CT_OK) {
        fail_msg("%s", err.text);
    }
}

static inline void withdraw_one(struct ct_store *store, const struct tale *tale, uint32_t revision)
{
    struct ct_error err = {0};
    struct ct_record *record = record_of(tale);
    struct ct_store_put put = {.key_of = record, .revision = revision, .published_at = T0, .first_published_at = T0};
    assert_int_equal(ct_store_put(store, &put, &err), CT_OK);
    free(record);
}

static inline void commit(struct ct_store *store)
{
    struct ct_error err = {0};
    if (ct_store_commit(store, 0, false, &err) != CT_OK) {
        fail_msg("%s", err.text);
    }
}

/* A business event of a test; what is NULL or 0 is not said. */
struct happening {
    enum ct_business_type type;
    const char *tenant, *user, *id, *name, *words, *currency;
    ct_usec at; /* 0 = T0 */
    ct_nano amount;
};

/* Heap. */
static inline struct ct_business *event_of(const struct happening *h)
{
    struct ct_business_event event;
    ct_business_event_init(&event);
    event.type = h->type;
    event.at = h->at ? h->at : T0;
    event.text[CT_BUSINESS_TENANT] = ct_span_of(h->tenant);
    event.text[CT_BUSINESS_USER_ID] = ct_span_of(h->user);
    event.text[CT_BUSINESS_ID] = ct_span_of(h->id);
    event.text[CT_BUSINESS_NAME] = ct_span_of(h->name);
    event.text[CT_BUSINESS_TEXT] = ct_span_of(h->words);
    event.text[CT_BUSINESS_CURRENCY] = ct_span_of(h->currency);
    event.numbers.amount = h->amount ? h->amount : CT_BUSINESS_NUMBER_NONE;
    struct ct_business *flat = malloc(ct_business_bytes(&event));
    assert_non_null(flat);
    ct_business_write(flat, &event);
    return flat;
}

static inline void put_event(struct ct_store *store, const struct happening *h)
{
    struct ct_error err = {0};
    struct ct_business *event = event_of(h);
    if (ct_store_put_business(store, event, &err) != CT_OK) {
        fail_msg("%s", err.text);
    }
    free(event);
}

static char text[1 << 20];
static size_t text_len;

static inline bool add_text(void *context, const char *bytes, size_t len)
{
    (void)context;
    assert_true(text_len + len < sizeof text);
    memcpy(text + text_len, bytes, len);
    text_len += len;
    text[text_len] = '\0';
    return true;
}

/* Heap. */
static inline char *dump_of(struct ct_store *store)
{
    static struct ct_out out;
    struct ct_error err = {0};
    text_len = 0;
    text[0] = '\0';
    ct_out_init(&out, add_text, NULL);
    assert_int_equal(ct_store_dump(store, &out, &err), CT_OK);
    assert_int_equal(ct_out_done(&out), CT_OK);
    return strdup(text);
}

/* The findings are then in `text`. */
static inline enum ct_status check_of(struct ct_store *store)
{
    static struct ct_out out;
    struct ct_error err = {0};
    text_len = 0;
    text[0] = '\0';
    ct_out_init(&out, add_text, NULL);
    enum ct_status status = ct_store_check(store, &out, &err);
    assert_int_equal(ct_out_done(&out), CT_OK);
    return status;
}

static inline void expect_sound(struct ct_store *store)
{
    if (check_of(store) != CT_OK) {
        fail_msg("%s", text);
    }
}

/* The one number that a query over the file gives; from another connection, as any program would. */
static inline int64_t number_in(const char *file, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return number;
}

static inline int64_t number_of(const char *sql)
{
    return number_in(path, sql);
}

static inline void execute(const char *sql)
{
    sqlite3 *db;
    char *said = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK) {
        fail_msg("%s: %s", sql, said);
    }
    sqlite3_close(db);
}

static inline struct ct_store_filter anything(void)
{
    return (struct ct_store_filter){.started_from = CT_USEC_NONE,
                                    .started_before = CT_USEC_NONE,
                                    .published_from = CT_USEC_NONE,
                                    .published_before = CT_USEC_NONE};
}

#endif
