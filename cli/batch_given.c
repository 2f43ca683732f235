/* batch_given.c - records, and business events, that were made elsewhere, counted as an audit counts its own. A tape
 * gives a conversation's record again when something came late: all of them wait, by customer, and of each conversation
 * the newest counts. A customer who becomes known late moves the record to another partition; where it was the
 * withdrawal waits. See batch.h.
 */
#include "cli/batch_state.h"

#include <stdlib.h>

/* What waits in the spill: a record, and what it does not say itself. */
struct wrapped {
    uint32_t bytes; /* of all of it; the spill's */
    uint32_t withdrawn;
    uint64_t number;         /* order of giving */
    struct ct_record record; /* its rule_set is that of given->rules */
};
_Static_assert(offsetof(struct wrapped, record) == 16, "a record stands behind 16 bytes");

struct ct_batch_given {
    const struct ct_batch_giver *giver;
    struct ct_worker *worker;
    struct ct_ruleset **rules;
    size_t rule_count;
    uint64_t count;
};

static struct wrapped *wrapped_of(struct ct_record *record)
{
    return (struct wrapped *)(void *)((char *)record - offsetof(struct wrapped, record));
}

/* ---- giving ---------------------------------------------------------------------------------------------------- */

/* UINT32_MAX = out of memory. */
static uint32_t number_of_rules(struct ct_batch_given *given, struct ct_ruleset *rules)
{
    for (size_t i = given->rule_count; i > 0; i--) {
        if (given->rules[i - 1] == rules) {
            return (uint32_t)i - 1;
        }
    }
    struct ct_ruleset **grown = realloc(given->rules, (given->rule_count + 1) * sizeof *grown);
    if (!grown) {
        return UINT32_MAX;
    }
    given->rules = grown;
    given->rules[given->rule_count] = ct_ruleset_ref(rules);
    return (uint32_t)given->rule_count++;
}

enum ct_status ct_batch_give_rules(struct ct_batch_given *given, struct ct_ruleset *rules)
{
    return number_of_rules(given, rules) == UINT32_MAX ? CT_NO_MEMORY : CT_OK;
}

struct ct_ruleset *const *ct_batch_given_rules(const struct ct_batch_given *given, size_t *count)
{
    *count = given->rule_count;
    return given->rules;
}

enum ct_status ct_batch_give(struct ct_batch_given *given, const struct ct_record *record, struct ct_ruleset *rules,
                             bool withdrawn, struct ct_error *err)
{
    struct ct_worker *w = given->worker;
    uint32_t number = number_of_rules(given, rules);
    unsigned partition = ct_batch_partition(w->batch->customers, record->customer_hash);
    uint32_t bytes = record->bytes + (uint32_t)offsetof(struct wrapped, record);
    char *to = number == UINT32_MAX ? NULL : ct_spill_reserve(w->customers, partition, bytes, err);
    if (!to) {
        return err->status != CT_OK ? err->status : ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    struct wrapped *item = (struct wrapped *)(void *)to;
    item->bytes = bytes;
    item->withdrawn = withdrawn;
    item->number = given->count++;
    memcpy(to + offsetof(struct wrapped, record), record, record->bytes);
    item->record.rule_set = number;
    if (!withdrawn && record->ended_at > w->newest) { /* NONE is the least */
        w->newest = record->ended_at;
    }
    return CT_OK;
}

enum ct_status ct_batch_give_business(struct ct_batch_given *given, const struct ct_business *event,
                                      struct ct_error *err)
{
    return ct_batch_put_event(given->worker, event, err);
}

void ct_batch_give_drop(struct ct_batch_given *given, const char *reason, uint64_t count)
{
    ct_batch_count_reason(given->worker, reason, count);
}

enum ct_status ct_batch_take_given(struct ct_batch *b, struct ct_error *err)
{
    b->given->worker = &b->workers[0];
    return b->given->giver->give(b->given->giver->context, b->given, err);
}

/* ---- taking ---------------------------------------------------------------------------------------------------- */

static bool same_conversation(const struct ct_record *a, const struct ct_record *b)
{
    return a->conversation_hash == b->conversation_hash && a->customer_hash == b->customer_hash &&
           a->started_at == b->started_at;
}

/* By conversation, the newest first. */
static int by_number(const void *left, const void *right)
{
    struct ct_record *a = *(struct ct_record *const *)left, *b = *(struct ct_record *const *)right;
    if (a->customer_hash != b->customer_hash) {
        return a->customer_hash < b->customer_hash ? -1 : 1;
    }
    if (a->conversation_hash != b->conversation_hash) {
        return a->conversation_hash < b->conversation_hash ? -1 : 1;
    }
    if (a->started_at != b->started_at) {
        return a->started_at < b->started_at ? -1 : 1;
    }
    uint64_t number = wrapped_of(a)->number, other = wrapped_of(b)->number;
    return number > other ? -1 : number < other;
}

void ct_batch_unwrap(struct ct_spill_items *items, struct ct_record **records, size_t *count)
{
    struct wrapped *item;
    size_t all = 0, kept = 0;
    while ((item = ct_spill_items_next(items))) {
        records[all++] = &item->record;
    }
    if (all > 1) {
        qsort(records, all, sizeof *records, by_number);
    }
    for (size_t from = 0, to; from < all; from = to) {
        struct ct_record *newest = records[from];
        for (to = from + 1; to < all && same_conversation(records[to], newest);) {
            to++;
        }
        if (!wrapped_of(newest)->withdrawn) {
            records[kept++] = newest;
        }
    }
    *count = kept;
}

const struct ct_ruleset *ct_batch_rules_of(const struct ct_batch *b, const struct ct_record *record)
{
    return b->given ? b->given->rules[record->rule_set] : b->options->rules;
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

enum ct_status ct_batch_run_given(const struct ct_batch_options *options, const struct ct_batch_giver *giver,
                                  struct ct_batch_result *result, struct ct_error *err)
{
    const struct ct_input_list none = {NULL, 0};
    struct ct_batch_given given = {.giver = giver};
    struct ct_batch b = {.options = options, .list = &none, .given = &given};
    enum ct_status status = ct_batch_start(&b, result, err);
    for (size_t i = 0; i < given.rule_count; i++) {
        ct_ruleset_unref(given.rules[i]);
    }
    free(given.rules);
    return status;
}
