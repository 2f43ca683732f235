/* business_bench.h - customers and their business events, written by hand, and the figures that come of them. */
#ifndef CT_BUSINESS_BENCH_H
#define CT_BUSINESS_BENCH_H

#include <stdio.h>

#include "engine/business.h"
#include "make_record.h"
#include "metrics/account.h"
#include "metrics/kpi.h"

#define DAY CT_USEC_PER_DAY

/* "2026-03-01" or "2026-03-01T10:00:00Z" */
static inline ct_usec when(const char *text)
{
    char full[40];
    ct_usec out;
    snprintf(full, sizeof full, "%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
    if (!ct_time_parse(ct_span_of(full), &out)) {
        fail_msg("%s is no time", text);
    }
    return out;
}

/* One event as a test writes it; what is NULL is not said. Numbers as decimals. */
struct said {
    enum ct_business_type type;
    const char *at;
    const char *name, *ref, *segment, *currency, *tenant;
    const char *amount, *margin, *value, *goal, *count, *flag, *score, *min, *max;
    const char *since, *due;
    const char *version, *text;
};

#define SAY(what, ...)                                                                                                 \
    {                                                                                                                  \
        .type = CT_BUSINESS_##what, .at = __VA_ARGS__                                                                  \
    }

static inline int64_t in_nano(const char *text)
{
    ct_nano out = CT_BUSINESS_NUMBER_NONE;
    if (text && !ct_money_parse(ct_span_of(text), &out)) {
        fail_msg("%s is no amount", text);
    }
    return out;
}
static inline int64_t in_ones(const char *text)
{
    return text ? in_nano(text) / CT_NANO_PER_UNIT : CT_BUSINESS_NUMBER_NONE;
}

/* Heap, the caller frees. user NULL = of nobody. */
static inline struct ct_business *event_of(const char *user, const struct said *said)
{
    struct ct_business_event e;
    ct_business_event_init(&e);
    e.type = said->type;
    e.at = when(said->at);
    e.numbers.since = said->since ? when(said->since) : CT_USEC_NONE;
    e.numbers.due = said->due ? when(said->due) : CT_USEC_NONE;
    e.numbers.amount = in_nano(said->amount);
    e.numbers.margin = in_nano(said->margin);
    e.numbers.value = in_nano(said->value);
    e.numbers.goal = in_nano(said->goal);
    e.numbers.count = in_ones(said->count);
    e.numbers.flag = in_ones(said->flag);
    e.numbers.score = in_ones(said->score);
    e.numbers.scale_min = in_ones(said->min);
    e.numbers.scale_max = in_ones(said->max);
    e.text[CT_BUSINESS_TENANT] = ct_span_of(said->tenant);
    e.text[CT_BUSINESS_USER_ID] = ct_span_of(user);
    e.text[CT_BUSINESS_NAME] = ct_span_of(said->name);
    e.text[CT_BUSINESS_REF] = ct_span_of(said->ref);
    e.text[CT_BUSINESS_SEGMENT] = ct_span_of(said->segment);
    e.text[CT_BUSINESS_VERSION] = ct_span_of(said->version);
    e.text[CT_BUSINESS_TEXT] = ct_span_of(said->text);
    e.text[CT_BUSINESS_CURRENCY] = ct_span_of(said->currency ? said->currency : "EUR");
    struct ct_business *event = calloc(1, ct_business_bytes(&e));
    if (!event) {
        abort();
    }
    ct_business_write(event, &e);
    return event;
}

struct bench {
    struct ct_kpi_set *set;
    struct ct_block block;
    struct ct_terms terms;
    unsigned made;
};

static inline struct ct_terms terms_of(const char *from, const char *to)
{
    struct ct_terms terms = CT_TERMS_DEFAULT;
    terms.from = when(from);
    terms.to = terms.as_of = when(to);
    terms.period_given = true;
    return terms;
}

static inline struct bench bench_new(const char *from, const char *to)
{
    struct bench bench = {.set = ct_kpis_new(), .terms = terms_of(from, to)};
    assert_non_null(bench.set);
    return bench;
}

/* The account borrows them from events that go away here. */
static inline void keep_currencies(struct ct_account *account)
{
    static char kept[CT_ACCOUNT_CURRENCIES][8];
    for (uint32_t i = 0; i < account->money_count; i++) {
        ct_span *currency = &account->money[i].currency;
        assert_true(currency->len < sizeof kept[i]);
        memcpy(kept[i], currency->at, currency->len);
        currency->at = kept[i];
    }
}

#define EVENTS_MOST 64
/* One more customer; `account` (may be NULL) = what its events say. */
static inline void bench_customer(struct bench *bench, struct ct_record *const *records, size_t record_count,
                                  const struct said *said, size_t count, struct ct_account *account)
{
    const struct ct_business *events[EVENTS_MOST];
    struct ct_business *made[EVENTS_MOST];
    struct ct_record *sorted[EVENTS_MOST];
    char user[16];
    snprintf(user, sizeof user, "u%u", bench->made++);
    assert_true(count <= EVENTS_MOST && record_count <= EVENTS_MOST);
    for (size_t i = 0; i < count; i++) {
        events[i] = made[i] = event_of(user, &said[i]);
    }
    for (size_t i = 0; i < record_count; i++) {
        sorted[i] = records[i];
    }
    ct_customer_sort(sorted, record_count);
    const struct ct_customer customer = {.records = (const struct ct_record *const *)sorted,
                                         .record_count = record_count,
                                         .events = events,
                                         .event_count = ct_business_sort(events, count),
                                         .terms = &bench->terms};
    if (account) {
        ct_account_read(account, &customer);
        keep_currencies(account);
    }
    ct_kpis_fold_customer(bench->set, &customer);
    for (size_t i = 0; i < count; i++) {
        free(made[i]);
    }
}

/* One customer of whom there are only events; or so many alike. */
#define EVENTS(...) (const struct said[]){__VA_ARGS__}, sizeof((const struct said[]){__VA_ARGS__}) / sizeof(struct said)
static inline void bench_times(struct bench *bench, unsigned times, const struct said *said, size_t count)
{
    while (times-- > 0) {
        bench_customer(bench, NULL, 0, said, count, NULL);
    }
}

static inline void bench_nobody(struct bench *bench, const struct said *said)
{
    struct ct_business *event = event_of(NULL, said);
    ct_kpis_fold_event(bench->set, event, &bench->terms);
    free(event);
}

static inline void bench_compute(struct bench *bench)
{
    assert_int_equal(ct_kpis_compute(bench->set, NULL, &bench->block), CT_OK);
}

static inline void bench_done(struct bench *bench)
{
    ct_block_done(&bench->block);
    ct_kpis_free(bench->set);
}

/* The head, or the part of a key. */
static inline const struct ct_figure *figure_of(const struct bench *bench, const char *id, const char *key)
{
    for (size_t i = 0; i < bench->block.figure_count; i++) {
        const struct ct_figure *f = &bench->block.figures[i];
        if (strcmp(f->kpi->id, id) == 0 && f->part == (key != NULL) && (!key || strcmp(f->key, key) == 0)) {
            return f;
        }
    }
    fail_msg("no figure %s %s", id, key ? key : "");
    return NULL;
}

/* "6.4", "null"; with as many places as `want` has. */
static inline void assert_value(const struct bench *bench, const char *id, const char *key, const char *want)
{
    char got[CT_DECIMAL_BYTES] = "null";
    const struct ct_figure *f = figure_of(bench, id, key);
    const char *point = strchr(want, '.');
    if (f->has_value) {
        ct_decimal_format(f->value_num, f->value_den, point ? (unsigned)strlen(point + 1) : 0, false, got);
    }
    if (strcmp(got, want) != 0) {
        print_error("%s %s: %s, not %s\n", id, key ? key : "", got, want);
    }
    assert_string_equal(got, want);
}

#endif
