/* metrics_cost.c - months' fixed fees shared out, and savings, against sums worked out by hand; and the laws, with
 * fees: any division, any order, given back again, the same to the byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/cost.h"
#include "metrics/cost.h"
#include "metrics/kpi.h"
#include "random_record.h"
#include "same_figures.h"

enum { RECORDS_MAX = 400 };

static struct ct_zone zone;
static struct ct_terms terms = CT_TERMS_DEFAULT;
static struct ct_record *records[RECORDS_MAX];
static size_t record_count;

static ct_usec at(const char *text)
{
    ct_usec out = CT_USEC_NONE;
    assert_true(!text || ct_time_parse(ct_span_of(text), &out));
    return out;
}

static void open_terms(const char *model, const char *offset)
{
    terms = (struct ct_terms)CT_TERMS_DEFAULT;
    terms.cost = ct_cost_model_load(CT_SPAN_LIT("cost.yaml"), ct_span_of(model), NULL);
    assert_non_null(terms.cost);
    assert_int_equal(ct_zone_init(&zone, ct_span_of(offset), CT_SPAN_NONE, NULL), CT_OK);
    terms.zone = &zone;
}

static void close_terms(void)
{
    for (size_t i = 0; i < record_count; i++) {
        free(records[i]);
    }
    record_count = 0;
    ct_cost_model_free((struct ct_cost_model *)(uintptr_t)terms.cost);
    ct_zone_done(&zone);
}

/* A conversation with a cost; `start` NULL = not dated. */
static struct ct_record *conversation(const char *start, const char *channel, const char *currency, const char *cost)
{
    struct ct_record head = make_head();
    head.engaged = head.has_cost = true;
    head.bot_involved = head.ai_answered = true;
    head.started_at = at(start);
    assert_true(ct_money_parse(ct_span_of(cost), &head.cost));
    head.cost_tokens = head.cost;
    assert_true(record_count < RECORDS_MAX);
    return records[record_count++] = make_record(
               &head, &(struct make_tail){.text = {[CT_TEXT_CHANNEL] = channel, [CT_TEXT_CURRENCY] = currency}});
}

static void fold(struct ct_kpi_set *set, const struct ct_record *record)
{
    const struct ct_customer alone = {.records = &record, .record_count = 1, .terms = &terms};
    ct_kpis_fold_customer(set, &alone);
}

static struct ct_fees fees;

/* Figures of those on a channel (NULL = all), the fees shared by all. */
static void compute(const char *channel, struct ct_block *block)
{
    struct ct_kpi_set *all = ct_kpis_new(), *some = ct_kpis_new();
    const struct ct_kpi_options options = {.fees = &fees};
    assert_true(all && some);
    for (size_t i = 0; i < record_count; i++) {
        fold(all, records[i]);
        if (!channel || ct_span_is(ct_record_text(records[i], CT_TEXT_CHANNEL), channel)) {
            fold(some, records[i]);
        }
    }
    ct_fees_of(ct_kpis_fee_base(all), &terms, &fees);
    assert_int_equal(ct_kpis_compute(some, &options, block), CT_OK);
    ct_kpis_free(all);
    ct_kpis_free(some);
}

static void assert_value(const struct ct_block *block, const char *id, const char *want)
{
    char text[CT_DECIMAL_BYTES] = "none";
    const struct ct_figure *f = ct_block_figure(block, id);
    assert_non_null(f);
    if (f->has_value) {
        (void)ct_decimal_format(f->value_num, f->value_den, 9, true, text);
    }
    if (strcmp(text, want) != 0) {
        fail_msg("%s: %s is due, there is %s", id, want, text);
    }
}

static const char by_month[] = "currency: EUR\n"
                               "fixed: {monthly: [{to: 2026-04, amount: 100}, {from: 2026-04, amount: 120}]}\n";

/* March: three conversations bear 100; April: one bears 120. The fourth begins at 00:30 on April 1 in the zone. */
static void three_and_one(void)
{
    conversation("2026-03-01T00:00:00+02:00", "web", "EUR", "0.10")->resolved = CT_TRUE;
    conversation("2026-03-10T12:00:00Z", "chat", "EUR", "0.20");
    conversation("2026-03-31T21:59:59Z", "chat", "EUR", "0.30");
    conversation("2026-03-31T22:30:00Z", "web", "EUR", "0.40");
    conversation("2026-03-05T00:00:00Z", "web", "USD", "7"); /* another currency's: bears nothing */
}

static void a_month_is_shared_by_its_conversations(void **state)
{
    (void)state;
    struct ct_block block;
    open_terms(by_month, "+02:00");
    three_and_one();
    conversation("2026-03-05T00:00:00Z", "web", "EUR", "5")->engaged = false; /* nobody wrote: not counted at all */
    compute(NULL, &block);
    assert_value(&block, "cost_per_interaction.total", "221.0"); /* 1.00 + 100 + 120 */
    assert_value(&block, "cost_per_interaction.fixed", "220.0");
    assert_value(&block, "cost_per_interaction", "55.25"); /* 221 / 4 */
    assert_value(&block, "cost_per_interaction.ai", "55.25");
    assert_value(&block, "cost_per_interaction.resolved", "221.0"); /* one of the four */
    assert_value(&block, "cost_per_interaction.tokens", "1.0");
    /* The error is that of 0.10, 0.20, 0.30, 0.40: s = 0.1290994..., / 2 */
    assert_int_equal(ct_block_figure(&block, "cost_per_interaction")->error_micro, 64550);
    ct_block_done(&block);
    compute("web", &block);
    assert_value(&block, "cost_per_interaction.fixed", "153.333333333"); /* 100 / 3 + 120 */
    assert_value(&block, "cost_per_interaction.total", "153.833333333");
    ct_block_done(&block);
    compute("chat", &block);
    assert_value(&block, "cost_per_interaction.fixed", "66.666666667"); /* 200 / 3 */
    ct_block_done(&block);
    close_terms();
}

static void currencies_stay_apart(void **state)
{
    (void)state;
    struct ct_block block;
    open_terms(by_month, "+02:00");
    three_and_one();
    compute(NULL, &block);
    unsigned seen = 0;
    for (size_t i = 0; i < block.figure_count; i++) {
        const struct ct_figure *f = &block.figures[i];
        if (f->part && strcmp(f->kpi->id, "cost_per_interaction.total") == 0) {
            bool euros = strcmp(f->key, "EUR") == 0;
            assert_true(f->value_num == (euros ? 221 : 7) * (ct_wide)CT_NANO_PER_UNIT);
            assert_true(f->value_den == CT_NANO_PER_UNIT);
            seen++;
        }
    }
    assert_int_equal(seen, 2);
    ct_block_done(&block);
    close_terms();
}

/* Half of March: 15.5 of its 31 days. Of April nothing is in the period. */
static void a_given_period_is_charged_for_its_time(void **state)
{
    (void)state;
    struct ct_block block;
    open_terms(by_month, "+02:00");
    three_and_one();
    terms.from = at("2026-03-01T00:00:00+02:00");
    terms.to = at("2026-03-16T12:00:00+02:00");
    compute(NULL, &block); /* a period that nobody asked for changes nothing */
    assert_value(&block, "cost_per_interaction.fixed", "220.0");
    ct_block_done(&block);
    terms.period_given = true;
    compute(NULL, &block);
    assert_value(&block, "cost_per_interaction.fixed", "50.0");
    ct_block_done(&block);
    terms.to = at("2026-05-01T00:00:00+02:00"); /* both months whole, a third without anybody */
    terms.from = at("2026-02-01T00:00:00+02:00");
    compute(NULL, &block);
    assert_value(&block, "cost_per_interaction.fixed", "220.0");
    ct_block_done(&block);
    close_terms();
}

/* A zone's file of nothing but a footer: +01:00, in summer +02:00 from the last Sunday of March. */
static size_t madrid(char *tzif)
{
    static const char footer[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    enum { HEAD = 44, BODY = 7 /* one type of six bytes, one letter */ };
    for (size_t version = 0; version < 2; version++) {
        char *head = tzif + version * (HEAD + BODY);
        memcpy(head, "TZif2", 5);
        head[39] = head[43] = 1; /* one type, one letter */
        head[HEAD + 2] = 0x0e;   /* 3600 s east */
        head[HEAD + 3] = 0x10;
    }
    memcpy(tzif + 2 * (HEAD + BODY), footer, sizeof footer - 1);
    return 2 * (HEAD + BODY) + sizeof footer - 1;
}

static void clocks_set_forward_make_a_shorter_month(void **state)
{
    (void)state;
    struct ct_block block;
    char tzif[160] = {0};
    size_t len = madrid(tzif);
    open_terms("currency: EUR\nfixed: {monthly: 743}\n", "UTC");
    ct_zone_done(&zone);
    if (ct_zone_init(&zone, CT_SPAN_LIT("Europe/Madrid"), (ct_span){tzif, len}, NULL) != CT_OK) {
        fail_msg("the zone's bytes are not taken");
    }
    conversation("2026-03-05T00:00:00Z", "web", "EUR", "0");
    terms.period_given = true;
    terms.from = at("2026-03-01T00:00:00+01:00");
    terms.to = at("2026-03-02T00:00:00+01:00");
    compute(NULL, &block); /* 24 of the month's 743 hours */
    assert_value(&block, "cost_per_interaction.fixed", "24.0");
    ct_block_done(&block);
    terms.from = at("2026-03-29T00:00:00+01:00");
    terms.to = at("2026-03-30T00:00:00+02:00");
    compute(NULL, &block); /* a day of 23 hours */
    assert_value(&block, "cost_per_interaction.fixed", "23.0");
    ct_block_done(&block);
    close_terms();
}

static void only_the_ais_conversations_may_share(void **state)
{
    (void)state;
    struct ct_block block;
    open_terms("currency: EUR\nfixed: {monthly: 90, shared_by: ai_conversations}\n", "UTC");
    conversation("2026-03-01T00:00:00Z", "web", "EUR", "1");
    conversation("2026-03-02T00:00:00Z", "web", "EUR", "2");
    conversation("2026-03-03T00:00:00Z", "phone", "EUR", "3")->bot_involved = false;
    conversation(NULL, "web", "EUR", "4"); /* of no month: bears nothing, and is counted so */
    compute(NULL, &block);
    assert_value(&block, "cost_per_interaction.total", "100.0");     /* 10 + 90 */
    assert_value(&block, "cost_per_interaction.ai", "32.333333333"); /* (7 + 90) / 3 */
    assert_int_equal(ct_block_figure(&block, "cost_per_interaction.fixed")->left_out, 1);
    ct_block_done(&block);
    compute("phone", &block);
    assert_value(&block, "cost_per_interaction.fixed", "0.0");
    assert_value(&block, "cost_per_interaction", "3.0");
    ct_block_done(&block);
    close_terms();
}

/* Two resolved by the AI at 4 each, one that failed and one that a person took over. */
static void savings_are_the_price_of_people_less_the_cost(void **state)
{
    (void)state;
    struct ct_block block;
    struct ct_record *four[4];
    open_terms("currency: EUR\nfixed: {monthly: 2}\n", "UTC");
    static const char *const costs[] = {"0.10", "0.30", "0.25", "3.50"};
    for (size_t i = 0; i < 4; i++) {
        four[i] = conversation("2026-03-01T00:00:00Z", "web", "EUR", costs[i]);
        four[i]->has_human_price = true;
        four[i]->human_price = 4 * CT_NANO_PER_UNIT;
    }
    four[0]->resolved = four[1]->resolved = four[3]->resolved = CT_TRUE;
    four[0]->outcome = CT_OUTCOME_RESOLVED_CONFIRMED;
    four[0]->first_contact = four[2]->first_contact = CT_TRUE;
    four[3]->escalated = true;
    four[3]->cost_tokens = CT_NANO_PER_UNIT / 2;
    four[3]->cost_human = 3 * CT_NANO_PER_UNIT;
    compute(NULL, &block);
    /* 2 x 4 - (0.10 + 0.30) - 2 x 0.50 */
    assert_value(&block, "cost_per_interaction.savings", "6.6");
    assert_value(&block, "cost_per_interaction.savings_each", "3.3");
    assert_value(&block, "cost_per_interaction.savings_share", "82.5"); /* 6.6 / 8 */
    /* 8 - (0.10 + 0.30 + 0.25 + 3.50 - 3.00) - 2 */
    assert_value(&block, "cost_per_interaction.savings_net", "4.85");
    assert_value(&block, "cost_per_interaction.confirmed", "6.15"); /* (4.15 + 2) / 1 */
    assert_value(&block, "cost_per_interaction.durable", "1.35");   /* (0.10 + 0.25 + 2 x 0.50) / 1 */
    assert_value(&block, "cost_per_interaction.human", "3.0");
    ct_block_done(&block);
    close_terms();
    open_terms("currency: EUR\nfixed: {monthly: 2}\n", "UTC"); /* nobody knows what people would have cost */
    conversation("2026-03-01T00:00:00Z", "web", "EUR", "1")->resolved = CT_TRUE;
    compute(NULL, &block);
    assert_value(&block, "cost_per_interaction.savings", "none");
    assert_value(&block, "cost_per_interaction.savings_net", "none");
    assert_value(&block, "cost_per_interaction.savings_each", "none");
    assert_value(&block, "cost_per_interaction.savings_share", "none");
    ct_block_done(&block);
    close_terms();
}

/* ---- laws ---- */

static void populate(void)
{
    while (record_count < RECORDS_MAX) {
        struct ct_record *record = random_record(false, 8);
        if (record->started_at != CT_USEC_NONE) { /* over more months than are kept */
            record->started_at = (ct_usec)below(5000) * CT_USEC_PER_DAY;
        }
        record->first_contact = (uint8_t)below(3);
        records[record_count++] = record;
    }
}

static void shuffle(void)
{
    for (size_t i = record_count - 1; i > 0; i--) {
        size_t j = below(i + 1);
        struct ct_record *swap = records[i];
        records[i] = records[j];
        records[j] = swap;
    }
}

static void assert_same(const struct ct_kpi_set *a, const struct ct_kpi_set *b)
{
    size_t a_bytes, b_bytes;
    const void *x = ct_kpis_state(a, &a_bytes), *y = ct_kpis_state(b, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_true(memcmp(x, y, a_bytes) == 0);
}

static void shares_obey_the_laws(void **state)
{
    (void)state;
    open_terms(by_month, "-05:30");
    for (unsigned round = 0; round < 8; round++) {
        seed = 100 + round;
        for (; record_count; free(records[--record_count])) {
        }
        populate();
        struct ct_kpi_set *whole = ct_kpis_new(), *sum = ct_kpis_new(), *part[3];
        for (size_t i = 0; i < record_count; i++) {
            fold(whole, records[i]);
        }
        shuffle();
        for (size_t i = 0; i < 3; i++) {
            part[i] = ct_kpis_new();
        }
        for (size_t i = 0; i < record_count; i++) {
            fold(part[below(3)], records[i]);
        }
        ct_kpis_merge(sum, part[2]);
        ct_kpis_merge(sum, part[0]);
        ct_kpis_merge(sum, part[1]);
        assert_same(whole, sum);
        ct_kpis_subtract(sum, part[0]); /* given back, and added again */
        ct_kpis_merge(sum, part[0]);
        assert_same(whole, sum);
        struct ct_fee_base left = *ct_kpis_fee_base(whole);
        for (size_t i = 0; i < 3; i++) {
            ct_fee_base_merge(&left, ct_kpis_fee_base(part[i]), -1);
        }
        static const struct ct_fee_base empty;
        assert_true(memcmp(&left, &empty, sizeof left) == 0);
        ct_kpis_free(whole);
        ct_kpis_free(sum);
        for (size_t i = 0; i < 3; i++) {
            ct_kpis_free(part[i]);
        }
    }
    close_terms();
}

/* However they are divided, what all bear together is the fee, but for half a billionth a month and slice. */
static void shares_add_up_to_the_fee(void **state)
{
    (void)state;
    static struct ct_fee_base all, part[7];
    memset(&all, 0, sizeof all);
    memset(part, 0, sizeof part);
    open_terms("currency: EUR\nfixed: {monthly: 1234.567890123}\n", "UTC");
    for (size_t i = 0; i < RECORDS_MAX; i++) {
        struct ct_record *record = conversation("2026-01-01T00:00:00Z", "web", "EUR", "0");
        record->started_at += (ct_usec)(i % 20 * 30) * CT_USEC_PER_DAY;
        ct_fee_base_add(&all, record, &terms);
        ct_fee_base_add(&part[i % 7], record, &terms);
    }
    ct_fees_of(&all, &terms, &fees);
    ct_wide whole = ct_fees_share(&fees, &all, CT_FEE_ALL), sum = 0;
    assert_true(whole == (ct_wide)1234567890123 * fees.count);
    for (size_t i = 0; i < 7; i++) {
        sum += ct_fees_share(&fees, &part[i], CT_FEE_ALL);
    }
    ct_wide off = sum > whole ? sum - whole : whole - sum;
    assert_true(2 * off <= (ct_wide)fees.count * 7);
    close_terms();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_is_shared_by_its_conversations),
        cmocka_unit_test(currencies_stay_apart),
        cmocka_unit_test(a_given_period_is_charged_for_its_time),
        cmocka_unit_test(clocks_set_forward_make_a_shorter_month),
        cmocka_unit_test(only_the_ais_conversations_may_share),
        cmocka_unit_test(savings_are_the_price_of_people_less_the_cost),
        cmocka_unit_test(shares_obey_the_laws),
        cmocka_unit_test(shares_add_up_to_the_fee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
