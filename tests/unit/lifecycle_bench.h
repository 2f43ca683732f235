/* lifecycle_bench.h - accounts made of events written by hand, counted on given terms, more than once if need be. */
#ifndef CT_LIFECYCLE_BENCH_H
#define CT_LIFECYCLE_BENCH_H

#include <stdio.h>
#include <stdlib.h>

#include "metrics/kpi.h"

enum { BENCH_EVENTS_MAX = 4096 };
#define BENCH_ZERO (INT64_MIN + 1) /* a number 0: a member left out is no number */

/* What an event says; a member left out is not said. Times as texts, durations in µs, amounts in whole units. */
struct said {
    bool any;
    const char *name, *ref, *currency, *segment, *since, *due;
    int64_t count, of, amount, value, goal, flag, duration;
};

struct bench {
    struct ct_terms terms;
    const char *who;
    const struct ct_business *events[BENCH_EVENTS_MAX];
    size_t count;
    struct ct_block block;
    bool computed;
};

static inline ct_usec when(const char *text)
{
    ct_usec at;
    if (!ct_time_parse(ct_span_of(text), &at)) {
        print_error("no time: %s\n", text);
        abort();
    }
    return at;
}

/* The period [from, to). */
static inline struct bench *bench_new(const char *from, const char *to, const char *as_of)
{
    static const struct ct_terms plain = CT_TERMS_DEFAULT;
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    bench->terms = plain;
    bench->terms.from = when(from);
    bench->terms.to = when(to);
    bench->terms.as_of = when(as_of);
    return bench;
}

static inline int64_t number_said(int64_t number)
{
    return number == 0 ? CT_BUSINESS_NUMBER_NONE : number == BENCH_ZERO ? 0 : number;
}

static inline ct_span text_said(const char *text)
{
    return text ? ct_span_of(text) : CT_SPAN_NONE;
}

static inline void bench_event_at(struct bench *bench, enum ct_business_type type, ct_usec at, struct said said)
{
    struct ct_business_event e;
    ct_business_event_init(&e);
    e.type = type;
    e.at = at;
    e.numbers.since = said.since ? when(said.since) : CT_USEC_NONE;
    e.numbers.due = said.due ? when(said.due) : CT_USEC_NONE;
    e.numbers.count = number_said(said.count);
    e.numbers.of_count = number_said(said.of);
    e.numbers.flag = number_said(said.flag);
    e.numbers.duration_usec = number_said(said.duration);
    int64_t *nanos[] = {&e.numbers.amount, &e.numbers.value, &e.numbers.goal};
    const int64_t units[] = {said.amount, said.value, said.goal};
    for (size_t i = 0; i < 3; i++) {
        int64_t unit = number_said(units[i]);
        *nanos[i] = unit == CT_BUSINESS_NUMBER_NONE ? unit : unit * CT_NANO_PER_UNIT;
    }
    e.text[CT_BUSINESS_USER_ID] = ct_span_of(bench->who);
    e.text[CT_BUSINESS_NAME] = text_said(said.name);
    e.text[CT_BUSINESS_REF] = text_said(said.ref);
    e.text[CT_BUSINESS_CURRENCY] = text_said(said.currency);
    e.text[CT_BUSINESS_SEGMENT] = text_said(said.segment);
    struct ct_business *event = malloc(ct_business_bytes(&e));
    assert_non_null(event);
    ct_business_write(event, &e);
    assert_true(bench->count < BENCH_EVENTS_MAX);
    bench->events[bench->count++] = event;
}

#define EVENT(bench, type, at, ...)                                                                                    \
    bench_event_at(bench, CT_BUSINESS_##type, when(at), (struct said){.any = true, __VA_ARGS__})

/* Who the next events are of; borrowed until then. */
static inline void bench_customer(struct bench *bench, const char *who)
{
    bench->who = who;
}

static inline int bench_by_customer(const void *left, const void *right)
{
    const struct ct_business *a = *(const struct ct_business *const *)left;
    const struct ct_business *b = *(const struct ct_business *const *)right;
    return a->customer_hash < b->customer_hash ? -1 : a->customer_hash > b->customer_hash;
}

static inline struct ct_kpi_set *bench_fold(struct bench *bench)
{
    struct ct_kpi_set *set = ct_kpis_new();
    assert_non_null(set);
    qsort(bench->events, bench->count, sizeof *bench->events, bench_by_customer);
    for (size_t from = 0, to; from < bench->count; from = to) {
        to = from + 1;
        while (to < bench->count && bench->events[to]->customer_hash == bench->events[from]->customer_hash) {
            to++;
        }
        size_t kept = to - from;
        const struct ct_business **own = malloc(kept * sizeof *own);
        assert_non_null(own);
        memcpy(own, bench->events + from, kept * sizeof *own);
        kept = ct_business_sort(own, kept);
        const struct ct_customer customer = {.events = own, .event_count = kept, .terms = &bench->terms};
        ct_kpis_fold_customer(set, &customer);
        free(own);
    }
    return set;
}

/* Counts; may be called again on other terms. */
static inline void bench_count(struct bench *bench, const struct ct_kpi_options *options)
{
    struct ct_kpi_set *set = bench_fold(bench);
    if (bench->computed) {
        ct_block_done(&bench->block);
    }
    assert_int_equal(ct_kpis_compute(set, options, &bench->block), CT_OK);
    bench->computed = true;
    ct_kpis_free(set);
}

static inline void bench_free(struct bench *bench)
{
    for (size_t i = 0; i < bench->count; i++) {
        free((void *)(uintptr_t)bench->events[i]);
    }
    if (bench->computed) {
        ct_block_done(&bench->block);
    }
    free(bench);
}

static inline const struct ct_figure *figure(const struct bench *bench, const char *id)
{
    const struct ct_figure *f = ct_block_figure(&bench->block, id);
    if (!f) {
        print_error("no figure %s\n", id);
    }
    assert_non_null(f);
    return f;
}

/* The value with one place, "null" where there is none. */
static inline const char *value(const struct bench *bench, const char *id)
{
    static char out[CT_DECIMAL_BYTES];
    const struct ct_figure *f = figure(bench, id);
    if (!f->has_value) {
        return "null";
    }
    ct_decimal_format(f->value_num, f->value_den, 1, false, out);
    return out;
}

/* Value, and what it is made of. */
static inline void expect(const struct bench *bench, const char *id, const char *want, int64_t numerator,
                          int64_t denominator)
{
    const struct ct_figure *f = figure(bench, id);
    if (strcmp(value(bench, id), want) != 0 || f->numerator != numerator || f->denominator != denominator) {
        print_error("%s: %s of %lld / %lld\n", id, value(bench, id), (long long)f->numerator,
                    (long long)f->denominator);
    }
    assert_string_equal(value(bench, id), want);
    assert_true(f->numerator == numerator && f->denominator == denominator);
}

#endif
