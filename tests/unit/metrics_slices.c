/* Slices with business events, pairs of fields, and filters: the same whatever the order and the division, each slice
 * of time on terms of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics/customer.h"
#include "metrics/filter.h"
#include "metrics/kpi.h"
#include "random_business.h"
#include "random_record.h"

#define CUSTOMERS 40
#define MAX_OF_ONE 6

static const struct ct_terms default_terms = CT_TERMS_DEFAULT;

struct customer {
    struct ct_record *record[MAX_OF_ONE];
    const struct ct_business *event[MAX_OF_ONE];
    size_t record_count, event_count;
};
static struct customer people[CUSTOMERS];
static const struct ct_business *nobodys[MAX_OF_ONE];
static size_t nobodys_count;

static void populate(const struct ct_terms *terms)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        struct customer *who = &people[i];
        char user[16];
        snprintf(user, sizeof user, "u%zu", i);
        who->record_count = chance(25) ? 0 : 1 + below(MAX_OF_ONE);
        who->event_count = chance(25) ? 0 : 1 + below(MAX_OF_ONE);
        for (size_t j = 0; j < who->record_count; j++) {
            who->record[j] = random_record(true, 12);
        }
        for (size_t j = 0; j < who->event_count; j++) {
            who->event[j] = random_event(user, 3);
        }
        ct_customer_sort(who->record, who->record_count);
        ct_customer_mark(who->record, who->record_count, terms->return_window_usec, terms->as_of);
        size_t kept = ct_business_sort(who->event, who->event_count);
        assert_int_equal(kept, who->event_count);
    }
    nobodys_count = MAX_OF_ONE;
    for (size_t i = 0; i < nobodys_count; i++) {
        nobodys[i] = random_event(NULL, 3);
    }
}

static void clear(void)
{
    for (size_t i = 0; i < CUSTOMERS; i++) {
        for (size_t j = 0; j < people[i].record_count; j++) {
            free(people[i].record[j]);
        }
        for (size_t j = 0; j < people[i].event_count; j++) {
            free((void *)(uintptr_t)people[i].event[j]);
        }
    }
    for (size_t i = 0; i < nobodys_count; i++) {
        free((void *)(uintptr_t)nobodys[i]);
    }
}

static struct ct_customer as_customer(const struct customer *who, const struct ct_terms *terms)
{
    return (struct ct_customer){.records = (const struct ct_record *const *)who->record,
                                .record_count = who->record_count,
                                .events = who->event,
                                .event_count = who->event_count,
                                .terms = terms};
}

static struct ct_kpi_slices *make(const char *by_text, size_t max)
{
    struct ct_slice_by by;
    assert_true(ct_slice_by_from(ct_span_of(by_text), &by));
    struct ct_kpi_slices *slices = ct_slices_new_by(&by, max);
    assert_non_null(slices);
    return slices;
}

static void fold_one(struct ct_kpi_slices *slices, size_t i, const struct ct_terms *terms)
{
    if (i < CUSTOMERS) {
        const struct ct_customer customer = as_customer(&people[i], terms);
        assert_int_equal(ct_slices_fold_customer(slices, &customer), CT_OK);
    } else {
        assert_int_equal(ct_slices_fold_event(slices, nobodys[i - CUSTOMERS], terms), CT_OK);
    }
}

static void assert_same(const struct ct_kpi_slices *a, const struct ct_kpi_slices *b)
{
    struct ct_block *x, *y;
    size_t a_count, b_count;
    assert_int_equal(ct_slices_compute(a, NULL, &x, &a_count), CT_OK);
    assert_int_equal(ct_slices_compute(b, NULL, &y, &b_count), CT_OK);
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        ct_span key;
        bool other;
        size_t bytes;
        const void *left = ct_kpis_state(ct_slices_at(a, i, &key, &other), &bytes);
        assert_true(memcmp(left, ct_kpis_state(ct_slices_at(b, i, &key, &other), &bytes), bytes) == 0);
        assert_true(ct_span_eq(x[i].key, y[i].key) && ct_span_eq(x[i].second, y[i].second));
        assert_true(x[i].from == y[i].from && x[i].to == y[i].to && x[i].other == y[i].other);
        assert_int_equal(x[i].figure_count, y[i].figure_count);
        assert_true(memcmp(x[i].figures, y[i].figures, x[i].figure_count * sizeof *x[i].figures) == 0);
    }
    ct_blocks_done(x, a_count);
    ct_blocks_done(y, b_count);
}

static void any_order_any_division(void **state)
{
    (void)state;
    static const char *const bys[] = {"month",          "week",          "day",     "quarter",       "segment",
                                      "segment,month",  "month,segment", "channel", "channel,month", "weekday,hour",
                                      "topic,language", "hour,week"};
    static const size_t maxima[] = {0, 1, 4, 15};
    for (unsigned round = 0; round < 48; round++) {
        struct ct_terms terms = default_terms;
        seed = 300 + round;
        terms.as_of = 100 * CT_USEC_PER_DAY;
        terms.period_given = round % 3 == 0;
        terms.from = 20 * CT_USEC_PER_DAY + 5;
        terms.to = 75 * CT_USEC_PER_DAY + 7;
        populate(&terms);
        const char *by = bys[round % 12];
        size_t max = maxima[(round / 12) % 4], all = CUSTOMERS + nobodys_count;
        struct ct_kpi_slices *whole = make(by, max), *part[4];
        for (size_t i = 0; i < 4; i++) {
            part[i] = make(by, max);
        }
        for (size_t i = 0; i < all; i++) {
            fold_one(whole, i, &terms);
        }
        size_t step = 7; /* every one of 46 once, in another order: 7 has no divisor of 46 */
        for (size_t i = 0, at = below(all); i < all; i++, at = (at + step) % all) {
            fold_one(part[below(4)], at, &terms);
        }
        assert_int_equal(ct_slices_merge(part[2], part[0]), CT_OK);
        assert_int_equal(ct_slices_merge(part[1], part[3]), CT_OK);
        assert_int_equal(ct_slices_merge(part[1], part[2]), CT_OK);
        assert_same(whole, part[1]);
        size_t most = max ? max : CT_SLICES_MAX_DEFAULT;
        assert_true(ct_slices_count(whole) <= most + 1);
        for (size_t i = 0; i < 4; i++) {
            ct_slices_free(part[i]);
        }
        ct_slices_free(whole);
        clear();
    }
}

/* ---- by hand ---- */

static ct_usec at(const char *text)
{
    ct_usec out;
    assert_true(ct_time_parse(ct_span_of(text), &out));
    return out;
}

static struct ct_record *talk(const char *when, const char *channel, const char *language)
{
    struct ct_record head = make_head();
    struct make_tail tail = {.text = {[CT_TEXT_CHANNEL] = channel, [CT_TEXT_LANGUAGE] = language}};
    head.has_customer = head.engaged = head.timed = true;
    head.started_at = at(when);
    head.ended_at = head.started_at + CT_USEC_PER_MINUTE;
    head.conversation_hash = (uint64_t)head.started_at;
    return make_record(&head, &tail);
}

static struct ct_business *event(enum ct_business_type type, const char *when, const char *segment)
{
    struct ct_business_event e;
    ct_business_event_init(&e);
    e.type = type;
    e.at = at(when);
    e.text[CT_BUSINESS_USER_ID] = CT_SPAN_LIT("u");
    e.text[CT_BUSINESS_SEGMENT] = ct_span_of(segment);
    struct ct_business *made = calloc(1, ct_business_bytes(&e));
    assert_non_null(made);
    ct_business_write(made, &e);
    return made;
}

static const struct ct_block *block_of(const struct ct_block *blocks, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (ct_span_is(blocks[i].key, key) && !blocks[i].other) {
            return &blocks[i];
        }
    }
    return NULL;
}

/* Won in January, talked in March, left in April; it is May: a slice for each month since January, each with its own
 * period and events, also those without a conversation. */
static void months_of_a_customer(void **state)
{
    (void)state;
    struct ct_terms terms = default_terms;
    terms.as_of = at("2026-05-10T00:00:00Z");
    terms.from = at("2026-05-01T00:00:00Z");
    terms.to = at("2026-06-01T00:00:00Z");
    struct ct_record *record = talk("2026-03-15T10:00:00Z", "web", "es");
    const struct ct_business *events[] = {event(CT_BUSINESS_CUSTOMER_WON, "2026-01-20T10:00:00Z", "smb"),
                                          event(CT_BUSINESS_FEATURE_USED, "2026-02-01T10:00:00Z", ""),
                                          event(CT_BUSINESS_FEATURE_USED, "2026-02-28T23:59:59Z", "enterprise"),
                                          event(CT_BUSINESS_CUSTOMER_LOST, "2026-04-01T00:00:00Z", "")};
    const struct customer who = {.record = {record}, .record_count = 1, .event_count = 4};
    struct ct_customer customer = as_customer(&who, &terms);
    customer.events = events;
    static const struct {
        const char *key;
        uint64_t conversations, events;
    } want[] = {{"2026-01", 0, 1}, {"2026-02", 0, 2}, {"2026-03", 1, 0}, {"2026-04", 0, 1}, {"2026-05", 0, 0}};
    struct ct_kpi_slices *slices = make("month", 0);
    struct ct_block *blocks;
    size_t count;
    assert_int_equal(ct_slices_fold_customer(slices, &customer), CT_OK);
    assert_int_equal(ct_slices_compute(slices, NULL, &blocks, &count), CT_OK);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_true(ct_span_is(blocks[i].key, want[i].key));
        assert_int_equal(blocks[i].conversations, want[i].conversations);
        assert_int_equal(blocks[i].events, want[i].events);
    }
    assert_true(blocks[1].from == at("2026-02-01T00:00:00Z") && blocks[1].to == at("2026-03-01T00:00:00Z"));
    /* Churn is the month's own: a customer at the beginning of April who was not there at its end. */
    const struct ct_figure *april = ct_block_figure(&blocks[3], "churn_rate");
    const struct ct_figure *march = ct_block_figure(&blocks[2], "churn_rate");
    assert_true(april && march && april->has_value && march->has_value);
    assert_true(april->numerator == 1 && april->denominator == 1 && march->numerator == 0 && march->denominator == 1);
    ct_blocks_done(blocks, count);
    ct_slices_free(slices);

    /* A period that was asked for has slices, cut to it, and no others. */
    terms.period_given = true;
    terms.from = at("2026-02-10T00:00:00Z");
    terms.to = at("2026-03-20T00:00:00Z");
    slices = make("month", 0);
    assert_int_equal(ct_slices_fold_customer(slices, &customer), CT_OK);
    assert_int_equal(ct_slices_compute(slices, NULL, &blocks, &count), CT_OK);
    assert_int_equal(count, 2);
    assert_true(blocks[0].from == terms.from && blocks[0].to == at("2026-03-01T00:00:00Z") && blocks[0].events == 1);
    assert_true(blocks[1].to == terms.to);
    ct_blocks_done(blocks, count);
    ct_slices_free(slices);
    terms.period_given = false;

    /* By segment and month: it was small in January, large from February on. */
    slices = make("segment,month", 0);
    assert_int_equal(ct_slices_fold_customer(slices, &customer), CT_OK);
    assert_int_equal(ct_slices_compute(slices, NULL, &blocks, &count), CT_OK);
    assert_int_equal(count, 5);
    assert_true(ct_span_is(blocks[0].key, "enterprise") && ct_span_is(blocks[0].second, "2026-02"));
    assert_true(ct_span_is(blocks[4].key, "smb") && ct_span_is(blocks[4].second, "2026-01"));
    assert_int_equal(blocks[1].conversations, 1);
    ct_blocks_done(blocks, count);
    ct_slices_free(slices);

    /* By channel: all its events beside the conversation, on the terms as they are. */
    slices = make("channel,language", 0);
    assert_int_equal(ct_slices_fold_customer(slices, &customer), CT_OK);
    assert_int_equal(ct_slices_compute(slices, NULL, &blocks, &count), CT_OK);
    assert_int_equal(count, 1);
    assert_true(ct_span_is(blocks[0].key, "web") && ct_span_is(blocks[0].second, "es"));
    assert_true(blocks[0].from == CT_USEC_NONE && blocks[0].conversations == 1);
    ct_blocks_done(blocks, count);
    ct_slices_free(slices);
    for (size_t i = 0; i < 4; i++) {
        free((void *)(uintptr_t)events[i]);
    }
    free(record);
}

/* Of more days than there is room for the newest stay. */
static void newest_days_stay(void **state)
{
    (void)state;
    static const char *const days[] = {"2026-03-05T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-09T10:00:00Z",
                                       "2026-03-02T10:00:00Z", "2026-03-07T10:00:00Z"};
    struct ct_kpi_slices *slices = make("day", 2);
    for (size_t i = 0; i < 5; i++) {
        struct ct_record *record = talk(days[i], "web", "es");
        struct ct_kpi_set *of = ct_slices_set_for(slices, record);
        assert_non_null(of);
        ct_kpis_fold(of, record);
        free(record);
    }
    struct ct_block *blocks;
    size_t count;
    assert_int_equal(ct_slices_compute(slices, NULL, &blocks, &count), CT_OK);
    assert_int_equal(count, 3);
    assert_true(ct_span_is(blocks[0].key, "2026-03-07") && ct_span_is(blocks[1].key, "2026-03-09"));
    assert_true(blocks[2].other && blocks[2].conversations == 3);
    ct_blocks_done(blocks, count);
    ct_slices_free(slices);
}

static void targets_of_segments(void **state)
{
    (void)state;
    size_t kpi_count, seen = 0;
    const struct ct_kpi *kpis = ct_kpi_catalogue(&kpi_count);
    struct ct_kpi_slices *slices = make("segment", 0);
    struct ct_terms terms = default_terms;
    terms.as_of = at("2026-05-10T00:00:00Z");
    const struct ct_business *one[] = {event(CT_BUSINESS_CUSTOMER_WON, "2026-01-20T10:00:00Z", "enterprise")};
    const struct ct_customer customer = {.events = one, .event_count = 1, .terms = &terms};
    assert_int_equal(ct_slices_fold_customer(slices, &customer), CT_OK);
    struct ct_block *blocks;
    size_t count;
    const ct_span year[] = {ct_span_of("year_1"), ct_span_of("smb")};
    const struct ct_kpi_options options = {.segments = year, .segment_count = 2, .period = "monthly"};
    assert_int_equal(ct_slices_compute(slices, &options, &blocks, &count), CT_OK);
    const struct ct_block *block = block_of(blocks, count, "enterprise");
    assert_non_null(block);
    for (size_t i = 0; i < kpi_count; i++) {
        const struct ct_figure *figure = ct_block_figure(block, kpis[i].id);
        bool own = false;
        for (unsigned j = 0; j < CT_SEGMENT_TARGETS_MAX && kpis[i].by_segment[j].segment; j++) {
            const char *segment = kpis[i].by_segment[j].segment;
            own |= strcmp(segment, "enterprise") == 0 || strcmp(segment, "enterprise_monthly") == 0;
        }
        if (own) {
            assert_non_null(figure->target_segment);
            assert_true(strncmp(figure->target_segment, "enterprise", 10) == 0);
            seen++;
        }
    }
    assert_true(seen >= 8); /* the catalogue has so many targets of enterprises */
    ct_blocks_done(blocks, count);
    ct_slices_free(slices);
    free((void *)(uintptr_t)one[0]);
}

static void pairs_by_name(void **state)
{
    (void)state;
    struct ct_slice_by by;
    char text[CT_SLICE_BY_BYTES];
    assert_true(ct_slice_by_from(ct_span_of("bot_version,weekday"), &by));
    assert_string_equal(ct_slice_by_text(&by, text), "bot_version,weekday");
    static const char *const bad[] = {
        "", ",", "channel,", ",channel", "channel,channel", "day,month", "channel,x", "channel,bot,language"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ct_slice_by_from(ct_span_of(bad[i]), &by));
    }
}

static bool takes(const char *filter, const struct ct_customer *customer)
{
    struct ct_filter parsed;
    const char *why;
    if (!ct_filter_from(ct_span_of(filter), &parsed, &why)) {
        fail_msg("%s: %s", filter, why);
    }
    return ct_filters_take(&parsed, 1, customer, customer->records[0]);
}

static void filters(void **state)
{
    (void)state;
    struct ct_record head = make_head();
    struct make_tail tail = {.text = {[CT_TEXT_CHANNEL] = "web",
                                      [CT_TEXT_TOPIC] = "order",
                                      [CT_TEXT_TOPICS] = "billing order",
                                      [CT_TEXT_TENANT] = "t"}};
    head.started_at = at("2026-03-29T01:30:00Z"); /* in summer, 03:30 a Sunday two hours east */
    head.outcome = CT_OUTCOME_SILENT;
    struct ct_record *record = make_record(&head, &tail);
    struct ct_zone zone = {.offset = 7200};
    struct ct_terms terms = default_terms;
    terms.zone = &zone;
    const struct ct_business *events[] = {event(CT_BUSINESS_CUSTOMER, "2026-01-20T10:00:00Z", "smb")};
    const struct ct_record *records[] = {record};
    const struct ct_customer customer = {records, 1, .events = events, .event_count = 1, .terms = &terms};
    static const char *const in[] = {
        "channel=web",   "channel=a,web,b",  "channel!=whatsapp", "topic=billing", "topic=order",   "outcome=silent",
        "segment=smb,x", "hour=3",           "hour=03,04",        "weekday=sun",   "weekday=7",     "week=2026-W13",
        "month=2026-03", "quarter=2026-Q1,", "language=",         "intent=,x",     "day=2026-03-29"};
    static const char *const out[] = {"channel!=web",    "channel=we", "channel=",    "topic!=billing", "segment!=smb",
                                      "outcome!=silent", "hour=1",     "weekday=sat", "language!=",     "topic=bill"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        if (!takes(in[i], &customer)) {
            fail_msg("%s", in[i]);
        }
    }
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        if (takes(out[i], &customer)) {
            fail_msg("%s", out[i]);
        }
    }
    static const char *const bad[] = {"",           "channel",       "=x",      "!=x",
                                      "colour=red", "outcome=happy", "hour=24", "weekday=8"};
    struct ct_filter parsed;
    const char *why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ct_filter_from(ct_span_of(bad[i]), &parsed, &why));
        assert_non_null(why);
    }
    /* Events follow what is said of the customer, not what is said of a conversation. */
    assert_true(ct_filter_from(ct_span_of("channel=whatsapp"), &parsed, &why));
    assert_true(ct_filters_take_customer(&parsed, 1, &customer));
    assert_true(ct_filter_from(ct_span_of("segment=enterprise"), &parsed, &why));
    assert_false(ct_filters_take_customer(&parsed, 1, &customer));
    assert_false(ct_filters_take_event(&parsed, 1, events[0]));
    free((void *)(uintptr_t)events[0]);
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_any_division), cmocka_unit_test(months_of_a_customer),
        cmocka_unit_test(newest_days_stay),       cmocka_unit_test(targets_of_segments),
        cmocka_unit_test(pairs_by_name),          cmocka_unit_test(filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
