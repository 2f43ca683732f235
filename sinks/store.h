/* store.h - closed conversations in SQLite: the newest revision of each, its evidence, hourly sums; and business
 * events.
 *
 * WAL, group commit, a versioned schema (docs/store.md). A conversation is known by tenant, id and when it began (an
 * untimed one by its session number), so `audit --db`, `serve` and `replay` write the same rows. Putting the same
 * conversation with the same or an older revision again changes nothing. One writer; readers open their own.
 */
#ifndef CT_STORE_H
#define CT_STORE_H

#include "engine/business.h"
#include "sinks/output.h"

/* What one conversation adds to an hour's sums. */
struct ct_store_sum {
    const char *measure; /* "automation_rate.numerator": constant text */
    int64_t value;
};

struct ct_store_put {
    const struct ct_record *record; /* NULL = withdrawn: the conversation that `key_of` was is no more */
    const struct ct_record *key_of; /* where record is NULL: the record that stood for it. Else NULL, or (with a
                                       revision) the record that it replaces: where that began at another time, its row
                                       goes on under the new key, and the old key counts as withdrawn */
    const struct ct_ruleset *rules; /* names of signals and rules; hash */
    uint32_t revision;              /* 0 = unknown (an audit): one more than the stored one where the content or the
                                       rules differ, nothing where they do not */
    bool final;
    ct_usec first_published_at, published_at;
    uint64_t first_position, last_position; /* on the tape; 0 = not from a tape */
    const struct ct_store_sum *sums;
    size_t sum_count;
};

struct ct_store;
enum ct_store_mode { CT_STORE_READ, CT_STORE_WRITE /* made where it is missing */ };
/* CT_REFUSED: no store of ours, or of another version (*err says which and the remedy); CT_LIMIT: another process
 * writes it; CT_IO. */
enum ct_status ct_store_open(const char *path, enum ct_store_mode mode, struct ct_store **out,
                             struct ct_error *err) CT_MUST_USE;
void ct_store_close(struct ct_store *store); /* what was not committed is dropped; NULL allowed */
/* Of a store that is written beside threads that serve, once: from now on `between` is called some 20 us apart while a
 * group is written, which is for milliseconds otherwise. */
void ct_store_pace(struct ct_store *store, void (*between)(void));
/* Waits in the open transaction until ct_store_commit. CT_IO: *err; what was not committed is lost and must be put
 * again. */
enum ct_status ct_store_put(struct ct_store *store, const struct ct_store_put *put, struct ct_error *err) CT_MUST_USE;
/* A business event, in the same transaction. It is known by its identity and customer: the same one again changes
 * nothing, and of two that differ the one stays that ct_business_sort keeps, whichever was put first. */
enum ct_status ct_store_put_business(struct ct_store *store, const struct ct_business *event,
                                     struct ct_error *err) CT_MUST_USE;
/* Ends the transaction; `applied` = tape position up to which everything is in the store (kept with it; 0 = leave as it
 * is). durable: after it, power may go. */
enum ct_status ct_store_commit(struct ct_store *store, uint64_t applied, bool durable,
                               struct ct_error *err) CT_MUST_USE;
uint64_t ct_store_applied(struct ct_store *store);
uint64_t ct_store_waiting(const struct ct_store *store); /* puts since the last commit */
struct ct_store_stats {
    uint64_t conversations, revisions, evidence, sums, bytes;
    uint32_t schema;
    uint64_t withdrawn;
    uint64_t events;                               /* business events */
    ct_usec first_at, last_at;                     /* oldest beginning and newest end; CT_USEC_NONE */
    ct_usec first_published_at, last_published_at; /* of first publications; CT_USEC_NONE */
    char program[32];                              /* that wrote last: "convtap 0.1.0" */
};
enum ct_status ct_store_stats(struct ct_store *store, struct ct_store_stats *out, struct ct_error *err) CT_MUST_USE;

/* ---- reading ---- */
struct ct_store_filter { /* spans empty, times CT_USEC_NONE = any */
    ct_span tenant, conversation_id, user_id, channel, language, bot, outcome;
    ct_usec started_from, started_before;
    ct_usec published_from, published_before; /* by first publication */
    uint64_t after;                           /* row to go on behind: paging; 0 = from the start */
    size_t limit;                             /* 0 = all */
    bool newest_first;
    bool records_alone; /* for counting: in any order, and the rows' json is empty; much quicker */
    /* NULL = any; else only conversations of known customers for which it is true, asked before anything of the row is
     * read. The hash is ct_customer_hash's. */
    bool (*customer)(void *context, uint64_t customer_hash);
    void *customer_context;
};
struct ct_store_row {
    uint64_t row;                   /* rises with first publication */
    const struct ct_record *record; /* borrowed until the callback returns; may be changed in a copy only */
    uint32_t revision;
    bool final;
    ct_usec first_published_at, published_at;
    uint64_t first_position, last_position;
    const char *rules_hash;
    ct_span json; /* the record as ct_records_write writes it, without the newline */
};
/* Rows by first publication, then conversation. A callback's status other than CT_OK ends it with that status. */
enum ct_status ct_store_each(struct ct_store *store, const struct ct_store_filter *filter,
                             enum ct_status (*row)(void *context, const struct ct_store_row *row), void *context,
                             struct ct_error *err) CT_MUST_USE;
/* The signals of a rule set that conversations here were judged by, by number, as rows' records have them; `one` false
 * = out of memory. CT_NOT_FOUND: it was put by a convtap that did not keep them; putting any conversation of that rule
 * set again mends it. May be called from within ct_store_each. */
enum ct_status ct_store_signals(struct ct_store *store, const char *rules_hash,
                                bool (*one)(void *context, uint16_t number, ct_span name), void *context,
                                struct ct_error *err) CT_MUST_USE;
/* The newest end of a conversation; CT_USEC_NONE = none has a time. */
enum ct_status ct_store_newest(struct ct_store *store, ct_usec *at, struct ct_error *err) CT_MUST_USE;
struct ct_store_business_filter { /* spans empty, times CT_USEC_NONE = any */
    ct_span tenant, user_id;
    ct_usec from, before; /* [from, before) */
    const char *type;     /* "purchase" ...; NULL = all */
};
/* Business events, all of a customer one after the other and by time; first, in each tenant, those that belong to no
 * customer. The event is borrowed until the callback returns, whose status other than CT_OK ends it with that status.
 */
enum ct_status ct_store_each_business(struct ct_store *store, const struct ct_store_business_filter *filter,
                                      enum ct_status (*event)(void *context, const struct ct_business *event),
                                      void *context, struct ct_error *err) CT_MUST_USE;
/* When the newest one before `before` (CT_USEC_NONE = of all) happened; what is due (renewal_due) is no sign of how
 * late it is. *at CT_USEC_NONE = there is none. */
enum ct_status ct_store_newest_business(struct ct_store *store, ct_usec before, ct_usec *at,
                                        struct ct_error *err) CT_MUST_USE;
/* Hourly sums of one measure between two times: (hour, channel, value), by hour, then channel. */
enum ct_status ct_store_sums(struct ct_store *store, ct_span measure, ct_usec from, ct_usec before,
                             enum ct_status (*sum)(void *context, ct_usec hour, ct_span channel, int64_t value),
                             void *context, struct ct_error *err) CT_MUST_USE;

/* Everything that can be wrong: SQLite's own check, keys, revisions, evidence against records, sums against
 * conversations. Each finding as a line to `out`; CT_REFUSED where there is one. */
enum ct_status ct_store_check(struct ct_store *store, struct ct_out *out, struct ct_error *err) CT_MUST_USE;
/* Canonical: JSON lines in one order, without anything that depends on how or when it was written (row numbers, tape
 * positions, publication times), so that equal contents are equal bytes. */
enum ct_status ct_store_dump(struct ct_store *store, struct ct_out *out, struct ct_error *err) CT_MUST_USE;

#endif
