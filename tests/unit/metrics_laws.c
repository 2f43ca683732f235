/* The monoid laws: however conversations are divided among sets, in whatever order they are folded and merged, the
 * states and the figures are the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics/customer.h"
#include "metrics/kpi.h"
#include "metrics/kpi_catalogue.h"
#include "metrics/packed.h"
#include "random_business.h"
#include "random_record.h"
#include "same_figures.h"
#include "tests/unit/fold_customer.h"

#define CUSTOMERS 60
#define MAX_CONVERSATIONS 8
#define MAX_EVENTS 40

struct customer {
    struct ct_record *at[MAX_CONVERSATIONS];
    size_t count;
    const struct ct_business *events[MAX_EVENTS];
    size_t event_count; /* without the repeated ones, which stand behind them */
    size_t made;
    struct ct_business *nobodys; /* an event of no customer, folded along with this one */
};

static const struct ct_terms terms = {.from = 30 * CT_USEC_PER_DAY,
                                      .to = 60 * CT_USEC_PER_DAY,
                                      .period_given = true,
                                      .as_of = 75 * CT_USEC_PER_DAY,
                                      .return_window_usec = CT_RETURN_WINDOW_DEFAULT,
                                      .churn_window_usec = 20 * CT_USEC_PER_DAY,
                                      .renewal_window_usec = 20 * CT_USEC_PER_DAY,
                                      .health_weights = {30, 15, 15, 10, 20, 10}};

static struct customer people[CUSTOMERS];

static void populate(unsigned channels)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        bool known = chance(80);
        people[i].count = known ? 1 + below(MAX_CONVERSATIONS) : 1;
        for (size_t j = 0; j < people[i].count; j++) {
            people[i].at[j] = random_record(known, channels);
        }
        ct_customer_sort(people[i].at, people[i].count);
        ct_customer_mark(people[i].at, people[i].count, CT_RETURN_WINDOW_DEFAULT, 100 * CT_USEC_PER_DAY);
        char name[16];
        snprintf(name, sizeof name, "u%zu", i);
        people[i].made = known && chance(80) ? below(MAX_EVENTS + 1) : 0;
        for (size_t j = 0; j < people[i].made; j++) {
            people[i].events[j] = random_event(name, channels);
        }
        people[i].nobodys = random_event(NULL, channels);
        people[i].event_count = ct_business_sort(people[i].events, people[i].made);
        assert_int_equal(people[i].event_count, people[i].made); /* drops none that clear() would miss */
    }
}

static void clear(void)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        for (size_t j = 0; j < people[i].count; j++) {
            free(people[i].at[j]);
        }
        for (size_t j = 0; j < people[i].made; j++) {
            free((void *)(uintptr_t)people[i].events[j]);
        }
        free(people[i].nobodys);
    }
}

static void shuffled(size_t *order)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        order[i] = i;
    }
    for (size_t i = CUSTOMERS - 1; i > 0; i--) {
        size_t j = below(i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static const struct ct_record *const *records_of(const struct customer *who)
{
    return (const struct ct_record *const *)who->at;
}

static struct ct_customer customer_with(const struct customer *who, const struct ct_record *const *records,
                                        size_t count)
{
    return (struct ct_customer){.records = records,
                                .record_count = count,
                                .events = who->events,
                                .event_count = who->event_count,
                                .terms = &terms};
}

static void fold_person(struct ct_kpi_set *set, const struct customer *who)
{
    const struct ct_customer customer = customer_with(who, records_of(who), who->count);
    ct_kpis_fold_customer(set, &customer);
    ct_kpis_fold_event(set, who->nobodys, &terms);
}

static enum ct_status slice_person(struct ct_kpi_slices *slices, const struct customer *who)
{
    const struct ct_customer customer = customer_with(who, records_of(who), who->count);
    enum ct_status status = ct_slices_fold_customer(slices, &customer);
    return status == CT_OK ? ct_slices_fold_event(slices, who->nobodys, &terms) : status;
}

static void assert_same(const struct ct_kpi_set *a, const struct ct_kpi_set *b)
{
    size_t a_bytes, b_bytes;
    const void *a_state = ct_kpis_state(a, &a_bytes), *b_state = ct_kpis_state(b, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_true(memcmp(a_state, b_state, a_bytes) == 0);
    struct ct_block x, y;
    assert_int_equal(ct_kpis_compute(a, NULL, &x), CT_OK);
    assert_int_equal(ct_kpis_compute(b, NULL, &y), CT_OK);
    assert_int_equal(x.figure_count, y.figure_count);
    assert_true(memcmp(x.figures, y.figures, x.figure_count * sizeof *x.figures) == 0);
    ct_block_done(&x);
    ct_block_done(&y);
}

/* Folds everything into `parts` sets in a random order, then merges them pairwise in a random order. */
static struct ct_kpi_set *divided(size_t parts)
{
    struct ct_kpi_set *sets[16];
    size_t order[CUSTOMERS];
    assert_true(parts <= 16);
    for (size_t i = 0; i < parts; i++) {
        sets[i] = ct_kpis_new();
        assert_non_null(sets[i]);
    }
    shuffled(order);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        fold_person(sets[below(parts)], &people[order[i]]);
    }
    while (parts > 1) {
        size_t from = below(parts), to = below(parts);
        if (from != to) {
            ct_kpis_merge(sets[to], sets[from]);
            ct_kpis_free(sets[from]);
            sets[from] = sets[--parts];
        }
    }
    return sets[0];
}

static void any_division_any_order(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        seed = 1000 + round;
        populate(round % 2 ? 8 : 200); /* within the channel table, and far beyond it */
        struct ct_kpi_set *whole = ct_kpis_new();
        assert_non_null(whole);
        for (size_t i = 0; i < CUSTOMERS; i++) {
            fold_person(whole, &people[i]);
        }
        for (size_t parts = 1; parts <= 16; parts += 5) {
            struct ct_kpi_set *sum = divided(parts);
            assert_same(whole, sum);
            ct_kpis_free(sum);
        }
        ct_kpis_free(whole);
        clear();
    }
}

static void zero_is_neutral(void **state)
{
    (void)state;
    seed = 77;
    populate(100);
    struct ct_kpi_set *sum = divided(3), *zero = ct_kpis_new(), *copy = ct_kpis_new();
    assert_true(zero && copy);
    ct_kpis_merge(copy, sum); /* zero + x */
    assert_same(copy, sum);
    ct_kpis_merge(copy, zero); /* x + zero */
    assert_same(copy, sum);
    ct_kpis_zero(copy);
    assert_same(copy, zero);
    ct_kpis_free(sum);
    ct_kpis_free(zero);
    ct_kpis_free(copy);
    clear();
}

/* A KPI over all conversations is the sum of what each gives to it. */
static void contributions_add_up(void **state)
{
    (void)state;
    seed = 31337;
    populate(5);
    size_t kpi_count, compared = 0;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&kpi_count);
    struct ct_kpi_set *whole = divided(2), *scratch = ct_kpis_new();
    struct ct_block block;
    assert_non_null(scratch);
    assert_int_equal(ct_kpis_compute(whole, NULL, &block), CT_OK);
    for (size_t k = 0; k < kpi_count; k++) {
        const struct ct_figure *want = ct_block_figure(&block, kpis[k].id);
        ct_wide numerator = 0, denominator = 0;
        const struct ct_metric *metric = ct_metrics[ct_kpi_sources[k].metric];
        if (metric->fold_customer || metric->fold_event) {
            continue; /* of customers and their events: one conversation is in none of it */
        }
        if (want->key[0] || kpis[k].kind == CT_KPI_MEDIAN || kpis[k].kind == CT_KPI_SUM ||
            strncmp(kpis[k].id, "recurrence", 10) == 0 || strcmp(kpis[k].id, "interactions_per_user") == 0 ||
            strcmp(kpis[k].id, "complaint_resolution_time") == 0) {
            continue; /* kept apart by a key, or by customer */
        }
        for (size_t i = 0; i < CUSTOMERS; i++) {
            for (size_t j = 0; j < people[i].count; j++) {
                struct ct_figure own;
                bool counted = ct_kpis_contribution(scratch, &kpis[k], people[i].at[j], &own);
                assert_int_equal(counted, own.denominator > 0);
                numerator += own.numerator;
                denominator += own.denominator;
            }
        }
        assert_true(numerator == want->numerator && denominator == want->denominator);
        compared++;
    }
    assert_true(compared > 30);
    ct_block_done(&block);
    ct_kpis_free(whole);
    ct_kpis_free(scratch);
    clear();
}

static void assert_same_slices(const struct ct_kpi_slices *a, const struct ct_kpi_slices *b)
{
    assert_int_equal(ct_slices_count(a), ct_slices_count(b));
    for (size_t i = 0; i < ct_slices_count(a); i++) {
        ct_span a_key, b_key;
        bool a_other, b_other;
        const struct ct_kpi_set *x = ct_slices_at(a, i, &a_key, &a_other), *y = ct_slices_at(b, i, &b_key, &b_other);
        assert_true(ct_span_eq(a_key, b_key) && a_other == b_other);
        assert_same(x, y);
    }
}

static void slices_any_order(void **state)
{
    (void)state;
    static const size_t maxima[] = {1, 3, 20, 0};
    for (unsigned round = 0; round < 8; round++) {
        seed = 500 + round;
        populate(round < 4 ? 12 : 90);
        enum ct_slice_field field = round % 2 ? CT_SLICE_CHANNEL : (enum ct_slice_field)(below(CT_SLICE_COUNT));
        size_t max = maxima[round % 4];
        struct ct_kpi_slices *whole = ct_slices_new(field, max), *part[4];
        for (size_t i = 0; i < CUSTOMERS; i++) {
            assert_int_equal(slice_person(whole, &people[i]), CT_OK);
        }
        for (size_t i = 0; i < 4; i++) {
            part[i] = ct_slices_new(field, max);
        }
        size_t order[CUSTOMERS];
        shuffled(order);
        for (size_t i = 0; i < CUSTOMERS; i++) {
            const struct customer *who = &people[order[i]];
            assert_int_equal(slice_person(part[below(4)], who), CT_OK);
        }
        assert_int_equal(ct_slices_merge(part[2], part[0]), CT_OK);
        assert_int_equal(ct_slices_merge(part[1], part[3]), CT_OK);
        assert_int_equal(ct_slices_merge(part[1], part[2]), CT_OK);
        assert_same_slices(whole, part[1]);
        /* Conversations add up to all of them. */
        struct ct_block *blocks;
        size_t count, conversations = 0, want = 0;
        assert_int_equal(ct_slices_compute(whole, NULL, &blocks, &count), CT_OK);
        for (size_t i = 0; i < count; i++) {
            conversations += blocks[i].conversations;
        }
        for (size_t i = 0; i < CUSTOMERS; i++) {
            want += people[i].count;
        }
        assert_int_equal(conversations, want);
        assert_true(max == 0 || count <= max + 1);
        ct_blocks_done(blocks, count);
        ct_slices_free(whole);
        for (size_t i = 0; i < 4; i++) {
            ct_slices_free(part[i]);
        }
        clear();
    }
}

/* With every channel within the maximum, a slice is the set of its own conversations. */
static void slice_is_its_subset(void **state)
{
    (void)state;
    seed = 4242;
    populate(3);
    struct ct_kpi_slices *slices = ct_slices_new(CT_SLICE_BOT, 0);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        assert_int_equal(slice_person(slices, &people[i]), CT_OK);
    }
    assert_int_equal(ct_slices_count(slices), 5);
    for (size_t s = 0; s < 5; s++) {
        ct_span key;
        bool other;
        const struct ct_kpi_set *slice = ct_slices_at(slices, s, &key, &other);
        struct ct_kpi_set *want = ct_kpis_new();
        for (size_t i = 0; i < CUSTOMERS; i++) {
            const struct ct_record *own[MAX_CONVERSATIONS];
            size_t count = 0;
            for (size_t j = 0; j < people[i].count; j++) {
                if (ct_span_eq(ct_record_text(people[i].at[j], CT_TEXT_BOT), key)) {
                    own[count++] = people[i].at[j];
                }
            }
            if (count) { /* a slice has its conversations' customers, with all their events */
                const struct ct_customer customer = customer_with(&people[i], own, count);
                ct_kpis_fold_customer(want, &customer);
            }
        }
        assert_same(slice, want);
        ct_kpis_free(want);
    }
    ct_slices_free(slices);
    clear();
}

static void fields_by_name(void **state)
{
    (void)state;
    enum ct_slice_field field;
    for (int i = 0; i < CT_SLICE_COUNT; i++) {
        assert_true(ct_slice_field_from(ct_span_of(ct_slice_field_text((enum ct_slice_field)i)), &field));
        assert_int_equal(field, i);
    }
    assert_false(ct_slice_field_from(ct_span_of("Channel"), &field));
    /* 1969-12-31 was a Wednesday, 2026-11-21 a Saturday. */
    static const struct {
        ct_usec start;
        enum ct_slice_field field;
        const char *want;
    } cases[] = {{-1, CT_SLICE_WEEKDAY, "3 wed"},
                 {INT64_C(1795258800000000), CT_SLICE_WEEKDAY, "6 sat"},
                 {INT64_C(1795258800000000), CT_SLICE_DAY, "2026-11-21"},
                 {INT64_C(1795258800000000), CT_SLICE_MONTH, "2026-11"},
                 {INT64_C(1795258800000000), CT_SLICE_HOUR, "11"},
                 {CT_USEC_NONE, CT_SLICE_HOUR, ""},
                 {INT64_MAX, CT_SLICE_DAY, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ct_record head = make_head();
        head.started_at = cases[i].start;
        struct ct_record *record = make_record(&head, NULL);
        const struct ct_record *one = record;
        struct ct_kpi_slices *slices = ct_slices_new(cases[i].field, 0);
        assert_int_equal(slice_customer_of(slices, &one, 1), CT_OK);
        ct_span key;
        bool other;
        assert_non_null(ct_slices_at(slices, 0, &key, &other));
        assert_true(!cases[i].want || ct_span_is(key, cases[i].want));
        ct_slices_free(slices);
        free(record);
    }
}

/* ---- giving back ------------------------------------------------------------------------------------------------ */

static struct ct_kpi_set *fold_some(const bool *chosen, bool which)
{
    struct ct_kpi_set *set = ct_kpis_new();
    assert_non_null(set);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        if (chosen[i] == which) {
            fold_person(set, &people[i]);
        }
    }
    return set;
}

static void choose(bool *chosen, unsigned percent)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        chosen[i] = chance(percent);
    }
}

/* fold(a, b) - fold(b) has the figures of fold(a); with b again it is what it was, to the byte; and without anything it
 * is the zero. Also far beyond what the tables by name hold. */
static void what_was_added_can_be_given_back(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 24; round++) {
        seed = 9000 + round;
        bool chosen[CUSTOMERS], all[CUSTOMERS];
        unsigned channels = round % 2 ? 8 : 200;
        populate(channels);
        choose(chosen, 5 + 4 * round);
        memset(all, true, sizeof all);
        struct ct_kpi_set *whole = fold_some(all, true), *left = fold_some(all, true), *zero = ct_kpis_new();
        struct ct_kpi_set *given = fold_some(chosen, true), *rest = fold_some(chosen, false);
        ct_kpis_subtract(left, given);
        assert_int_equal(ct_kpis_conversations(left), ct_kpis_conversations(rest));
        if (channels == 8) {
            assert_same_figures(left, rest);
        }
        ct_kpis_merge(left, given);
        assert_same(left, whole);
        ct_kpis_subtract(left, rest);
        ct_kpis_subtract(left, given);
        assert_same(left, zero);
        ct_kpis_free(whole);
        ct_kpis_free(left);
        ct_kpis_free(zero);
        ct_kpis_free(given);
        ct_kpis_free(rest);
        clear();
    }
}

/* Among many others, one conversation after the other, each folded alone: the way of a live window. */
static void one_by_one_in_any_order(void **state)
{
    (void)state;
    seed = 4711;
    populate(8);
    struct ct_kpi_set *left = ct_kpis_new(), *alone = ct_kpis_new(), *zero = ct_kpis_new();
    assert_true(left && alone && zero);
    size_t order[CUSTOMERS];
    for (size_t i = 0; i < CUSTOMERS; i++) {
        for (size_t j = 0; j < people[i].count; j++) {
            ct_kpis_fold(left, people[i].at[j]);
        }
    }
    shuffled(order);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        const struct customer *who = &people[order[i]];
        for (size_t j = 0; j < who->count; j++) {
            ct_kpis_fold(alone, who->at[j]);
            ct_kpis_subtract(left, alone);
            ct_kpis_zero(alone);
        }
        struct ct_kpi_set *rest = ct_kpis_new();
        for (size_t k = i + 1; k < CUSTOMERS; k++) {
            for (size_t j = 0; j < people[order[k]].count; j++) {
                ct_kpis_fold(rest, people[order[k]].at[j]);
            }
        }
        assert_same_figures(left, rest);
        ct_kpis_free(rest);
    }
    assert_same(left, zero);
    ct_kpis_free(left);
    ct_kpis_free(alone);
    ct_kpis_free(zero);
    clear();
}

/* One conversation into several sets, each of which has seen others before, is the same as into one after the other. */
static void several_sets_at_once(void **state)
{
    enum { SETS = 5 };
    (void)state;
    seed = 99;
    populate(8);
    struct ct_kpi_set *once[SETS], *each[SETS];
    for (size_t s = 0; s < SETS; s++) {
        once[s] = ct_kpis_new();
        each[s] = ct_kpis_new();
        assert_true(once[s] && each[s]);
    }
    for (size_t i = 0; i < CUSTOMERS; i++) {
        size_t from = below(SETS), count = 1 + below(SETS - from);
        for (size_t j = 0; j < people[i].count; j++) {
            ct_kpis_fold_each(once + from, count, people[i].at[j]);
            for (size_t s = from; s < from + count; s++) {
                ct_kpis_fold(each[s], people[i].at[j]);
            }
        }
    }
    for (size_t s = 0; s < SETS; s++) {
        assert_true(ct_kpis_conversations(once[s]) > 0);
        assert_same(once[s], each[s]);
        ct_kpis_free(once[s]);
        ct_kpis_free(each[s]);
    }
    clear();
}

/* States stand one after the other, each of its size and aligned for the widest integer. */
static void a_set_is_its_states(void **state)
{
    (void)state;
    size_t offset = 0;
    for (unsigned i = 0; i < CT_METRIC_COUNT; i++) {
        assert_int_equal(ct_kpi_set_offset(i), offset);
        offset += (ct_metrics[i]->state_bytes + 15) / 16 * 16;
    }
    assert_int_equal(ct_kpi_set_bytes(), offset);
}

static void slices_fold_some(struct ct_kpi_slices *slices, const bool *chosen, bool which)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        for (size_t j = 0; chosen[i] == which && j < people[i].count; j++) {
            struct ct_kpi_set *of = ct_slices_set_for(slices, people[i].at[j]);
            assert_non_null(of);
            ct_kpis_fold(of, people[i].at[j]);
        }
    }
}

static void slices_give_some(struct ct_kpi_slices *slices, const bool *chosen, bool which)
{
    struct ct_kpi_set *alone = ct_kpis_new();
    assert_non_null(alone);
    for (size_t i = 0; i < CUSTOMERS; i++) {
        for (size_t j = 0; chosen[i] == which && j < people[i].count; j++) {
            ct_kpis_fold(alone, people[i].at[j]);
            ct_slices_subtract(slices, people[i].at[j], alone);
            ct_kpis_zero(alone);
        }
    }
    ct_kpis_free(alone);
}

static void slices_give_back(void **state)
{
    (void)state;
    static const size_t maxima[] = {1, 3, 20, 0};
    for (unsigned round = 0; round < 16; round++) {
        seed = 800 + round;
        bool chosen[CUSTOMERS], all[CUSTOMERS];
        populate(round % 2 ? 8 : 90);
        choose(chosen, 40);
        memset(all, true, sizeof all);
        enum ct_slice_field field = round < 8 ? CT_SLICE_CHANNEL : (enum ct_slice_field)(below(CT_SLICE_COUNT));
        size_t max = maxima[round % 4];
        struct ct_kpi_slices *whole = ct_slices_new(field, max), *left = ct_slices_new(field, max);
        struct ct_kpi_slices *rest = ct_slices_new(field, max);
        slices_fold_some(whole, all, true);
        slices_fold_some(left, all, true);
        slices_fold_some(rest, chosen, false);
        slices_give_some(left, chosen, true);
        if (max == 0 && round % 2) {
            assert_int_equal(ct_slices_count(left), ct_slices_count(rest));
            for (size_t i = 0; i < ct_slices_count(rest); i++) {
                ct_span left_key, rest_key;
                bool left_other, rest_other;
                const struct ct_kpi_set *x = ct_slices_at(left, i, &left_key, &left_other);
                const struct ct_kpi_set *y = ct_slices_at(rest, i, &rest_key, &rest_other);
                assert_true(ct_span_eq(left_key, rest_key) && left_other == rest_other);
                assert_same_figures(x, y);
            }
        }
        slices_fold_some(left, chosen, true);
        assert_same_slices(left, whole);
        slices_give_some(left, all, true);
        assert_int_equal(ct_slices_count(left), 0);
        slices_fold_some(left, chosen, false); /* what stayed behind does not show in what comes next */
        assert_same_slices(left, rest);
        ct_slices_free(whole);
        ct_slices_free(left);
        ct_slices_free(rest);
        clear();
    }
}

/* In and out, again and again, with more keys than the tables hold: nothing is left behind in the end. */
static void nothing_is_left_behind(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        seed = 70 + round;
        struct ct_record *pool[120];
        bool in[120] = {false};
        for (size_t i = 0; i < 120; i++) {
            pool[i] = random_record(true, 300);
        }
        struct ct_kpi_set *set = ct_kpis_new(), *alone = ct_kpis_new(), *zero = ct_kpis_new();
        assert_true(set && alone && zero);
        uint64_t count = 0;
        for (unsigned i = 0; i < 4000; i++) {
            size_t at = i < 3500 ? below(120) : (i - 3500) % 120; /* in the end all of them go */
            if (in[at]) {
                ct_kpis_fold(alone, pool[at]);
                ct_kpis_subtract(set, alone);
                ct_kpis_zero(alone);
            } else if (i < 3500) {
                ct_kpis_fold(set, pool[at]);
            }
            count += in[at] ? UINT64_MAX : i < 3500;
            in[at] = !in[at] && i < 3500;
            assert_int_equal(ct_kpis_conversations(set), count);
        }
        assert_same(set, zero);
        ct_kpis_free(set);
        ct_kpis_free(alone);
        ct_kpis_free(zero);
        for (size_t i = 0; i < 120; i++) {
            free(pool[i]);
        }
    }
}

/* Packed and added up again, parts are what they were. */
static void packed_is_the_same(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        seed = 60 + round;
        bool chosen[CUSTOMERS], all[CUSTOMERS];
        populate(round % 2 ? 8 : 90);
        choose(chosen, 30);
        memset(all, true, sizeof all);
        struct ct_kpi_set *whole = fold_some(all, true), *sum = ct_kpis_new(), *scratch = ct_kpis_new();
        struct ct_kpi_set *part[] = {fold_some(chosen, true), fold_some(chosen, false), ct_kpis_new()};
        struct ct_packed packed = {0};
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(ct_kpis_pack(part[i], &packed), CT_OK);
            ct_kpis_free(part[i]);
        }
        const unsigned char *at = packed.at;
        for (size_t i = 0; i < 3; i++) {
            at = ct_kpis_merge_packed(sum, at, scratch);
        }
        assert_ptr_equal(at, packed.at + packed.len);
        assert_same(sum, whole);
        ct_kpis_zero(sum);
        assert_same(sum, scratch);
        free(packed.at);

        size_t max = round < 3 ? 0 : 4;
        struct ct_kpi_slices *want = ct_slices_new(CT_SLICE_CHANNEL, max), *got = ct_slices_new(CT_SLICE_CHANNEL, max);
        slices_fold_some(want, all, true);
        for (int which = 0; which < 2; which++) {
            struct ct_kpi_slices *some = ct_slices_new(CT_SLICE_CHANNEL, max);
            memset(&packed, 0, sizeof packed);
            slices_fold_some(some, chosen, which != 0);
            assert_int_equal(ct_slices_pack(some, &packed), CT_OK);
            assert_int_equal(ct_slices_merge_packed(got, packed.at, scratch), CT_OK);
            free(packed.at);
            ct_slices_free(some);
        }
        assert_same_slices(got, want);
        ct_slices_free(want);
        ct_slices_free(got);
        ct_kpis_free(whole);
        ct_kpis_free(sum);
        ct_kpis_free(scratch);
        clear();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_division_any_order),
        cmocka_unit_test(zero_is_neutral),
        cmocka_unit_test(slices_any_order),
        cmocka_unit_test(contributions_add_up),
        cmocka_unit_test(slice_is_its_subset),
        cmocka_unit_test(fields_by_name),
        cmocka_unit_test(what_was_added_can_be_given_back),
        cmocka_unit_test(one_by_one_in_any_order),
        cmocka_unit_test(several_sets_at_once),
        cmocka_unit_test(a_set_is_its_states),
        cmocka_unit_test(slices_give_back),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(packed_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
