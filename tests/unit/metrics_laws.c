/* The monoid laws: however conversations are divided among sets, in whatever order they are folded and merged, the
 * states and the figures are the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "make_record.h"
#include "metrics/customer.h"
#include "metrics/kpi.h"

#define CUSTOMERS 60
#define MAX_CONVERSATIONS 8

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
static uint64_t below(uint64_t limit)
{
    return next_random() % limit;
}
static bool chance(unsigned percent)
{
    return below(100) < percent;
}
static ct_usec some_time(void)
{
    return chance(20) ? CT_USEC_NONE : (ct_usec)(next_random() >> (20 + below(40)));
}

/* A record without regard to whether a conversation could be like that: the laws hold for any. */
static struct ct_record *random_record(bool known, unsigned channels)
{
    struct ct_record r = make_head();
    char channel[64], bot[16];
    snprintf(channel, sizeof channel, "%s%llu", chance(10) ? "a-name-that-is-longer-than-the-table-keeps-é" : "c",
             (unsigned long long)below(channels));
    snprintf(bot, sizeof bot, "b%llu", (unsigned long long)below(5));
    static const char *const currencies[] = {"EUR", "USD", "MXN", "", "COP", "GBP", "JPY", "CLP", "ARS", "BRL", "PEN"};
    int64_t answers[5];
    for (int i = 0; i < 5; i++) {
        answers[i] = (int64_t)(next_random() >> (10 + below(50)));
    }
    r.conversation_hash = next_random();
    r.has_customer = known;
    r.engaged = chance(90);
    r.timed = chance(90);
    r.message_count = (uint32_t)below(50);
    if (r.timed) {
        r.started_at = (ct_usec)below(90) * CT_USEC_PER_DAY + (ct_usec)below(1000000);
        r.ended_at = r.started_at + (ct_usec)below(CT_USEC_PER_DAY);
    }
    r.outcome = (uint8_t)below(CT_OUTCOME_COUNT);
    r.resolved = (uint8_t)below(3);
    bool *flags[] = {&r.label_decided, &r.ai_answered, &r.bot_involved, &r.escalated, &r.requested,
                     &r.offered,       &r.announced,   &r.refused,      &r.positive,  &r.negative,
                     &r.complaint,     &r.insult,      &r.has_cost};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        *flags[i] = chance(50);
    }
    ct_usec *times[] = {&r.wait_usec,
                        &r.queue_abandoned_usec,
                        &r.asked_at,
                        &r.resolved_at,
                        &r.complaint_at,
                        &r.first_response_usec,
                        &r.human_first_response_usec,
                        &r.ai_handling_usec,
                        &r.human_handling_usec,
                        &r.total_handling_usec};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        *times[i] = some_time();
    }
    for (int kind = 0; kind < CT_SCORE_COUNT; kind++) {
        r.survey_asked[kind] = chance(50);
        r.score[kind].present = chance(50);
        r.score[kind].scale_min = (int32_t)below(2);
        r.score[kind].scale_max = (int32_t)(3 + below(9)); /* more scales than the table holds */
        r.score[kind].value = (int32_t)below(12);
    }
    uint32_t *counts[] = {&r.user_messages, &r.bot_messages, &r.agent_messages, &r.fallbacks, &r.no_data,
                          &r.wrong_answers, &r.repeats,      &r.unanswered,     &r.judged,    &r.inferred};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        *counts[i] = (uint32_t)below(20);
    }
    r.judged_correct = r.judged / 2;
    r.inferred_correct = r.inferred / 3;
    r.cost = (ct_nano)(next_random() >> (8 + below(40)));
    r.cost_tokens = r.cost / 3;
    r.cost_human = r.cost - r.cost_tokens;
    return make_record(&r, &(struct make_tail){.text = {[CT_TEXT_CHANNEL] = chance(5) ? "" : channel,
                                                        [CT_TEXT_BOT] = bot,
                                                        [CT_TEXT_CURRENCY] = currencies[below(11)]},
                                               .response_usec = answers,
                                               .response_count = (uint32_t)below(6)});
}

struct customer {
    struct ct_record *at[MAX_CONVERSATIONS];
    size_t count;
};

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
    }
}

static void clear(void)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        for (size_t j = 0; j < people[i].count; j++) {
            free(people[i].at[j]);
        }
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
        ct_kpis_fold_customer(sets[below(parts)], records_of(&people[order[i]]), people[order[i]].count);
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
            ct_kpis_fold_customer(whole, records_of(&people[i]), people[i].count);
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
        if (want->key[0] || kpis[k].kind == CT_KPI_MEDIAN || strncmp(kpis[k].id, "recurrence", 10) == 0 ||
            strcmp(kpis[k].id, "interactions_per_user") == 0) {
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
            assert_int_equal(ct_slices_fold_customer(whole, records_of(&people[i]), people[i].count), CT_OK);
        }
        for (size_t i = 0; i < 4; i++) {
            part[i] = ct_slices_new(field, max);
        }
        size_t order[CUSTOMERS];
        shuffled(order);
        for (size_t i = 0; i < CUSTOMERS; i++) {
            const struct customer *who = &people[order[i]];
            assert_int_equal(ct_slices_fold_customer(part[below(4)], records_of(who), who->count), CT_OK);
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
        assert_int_equal(ct_slices_fold_customer(slices, records_of(&people[i]), people[i].count), CT_OK);
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
            ct_kpis_fold_customer(want, own, count);
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
        assert_int_equal(ct_slices_fold_customer(slices, &one, 1), CT_OK);
        ct_span key;
        bool other;
        assert_non_null(ct_slices_at(slices, 0, &key, &other));
        assert_true(!cases[i].want || ct_span_is(key, cases[i].want));
        ct_slices_free(slices);
        free(record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_division_any_order), cmocka_unit_test(zero_is_neutral),
        cmocka_unit_test(slices_any_order),       cmocka_unit_test(contributions_add_up),
        cmocka_unit_test(slice_is_its_subset),    cmocka_unit_test(fields_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
