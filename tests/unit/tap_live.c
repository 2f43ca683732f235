/* Live windows against a plain recomputation: random conversations, revisions, withdrawals, times and zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "metrics/kpi.h"
#include "plugin/tap/live.h"
#include "random_record.h"
#include "same_figures.h"

#define START (INT64_C(1795258800) * CT_USEC_PER_SECOND) /* 2026-11-21T11:00:00Z */
#define MANY 4000

static const enum ct_slice_field fields[] = {CT_SLICE_CHANNEL, CT_SLICE_BOT};

/* A zone of one offset; lives as long as the test that made the last one. */
static const struct ct_zone *fixed_zone(ct_usec east)
{
    static struct ct_zone zone;
    zone = (struct ct_zone){.offset = east / CT_USEC_PER_SECOND};
    return &zone;
}

static struct ct_live *make_live_in(const struct ct_zone *zone, size_t slices_max)
{
    struct ct_live *live = ct_live_new(
        &(struct ct_live_options){.fields = fields, .field_count = 2, .slices_max = slices_max, .zone = zone});
    assert_non_null(live);
    return live;
}

static struct ct_live *make_live(ct_usec zone, size_t slices_max)
{
    return make_live_in(fixed_zone(zone), slices_max);
}

/* ---- the plain way ---------------------------------------------------------------------------------------------- */

static struct {
    struct ct_record *record; /* as its newest revision says; NULL = withdrawn */
    ct_usec first_at;
} published[MANY];
static size_t published_count;

static void forget(void)
{
    for (size_t i = 0; i < published_count; i++) {
        free(published[i].record);
    }
    published_count = 0;
}

static ct_usec floor_to(ct_usec at, ct_usec span)
{
    return at - ((at % span) + span) % span;
}

static ct_usec begin_of(enum ct_window window, ct_usec now, ct_usec zone)
{
    static const int minutes[] = {[CT_WINDOW_1M] = 1, [CT_WINDOW_5M] = 5, [CT_WINDOW_1H] = 60};
    return window == CT_WINDOW_TODAY ? floor_to(now + zone, CT_USEC_PER_DAY) - zone
                                     : floor_to(now, CT_USEC_PER_MINUTE) - minutes[window] * CT_USEC_PER_MINUTE;
}

static void compare(struct ct_live *live, enum ct_window window, const enum ct_slice_field *by, size_t slices_max,
                    ct_usec now, ct_usec zone)
{
    struct ct_live_view view;
    assert_int_equal(ct_live_compute(live, window, by, &view), CT_OK);
    assert_int_equal(view.to, now);
    assert_int_equal(view.from, begin_of(window, now, zone));
    struct ct_kpi_set *set = ct_kpis_new();
    struct ct_kpi_slices *slices = ct_slices_new(by ? *by : CT_SLICE_CHANNEL, slices_max);
    for (size_t i = 0; i < published_count; i++) {
        if (published[i].record && published[i].first_at >= view.from && published[i].first_at <= now) {
            ct_kpis_fold(set, published[i].record);
            struct ct_kpi_set *of = ct_slices_set_for(slices, published[i].record);
            assert_non_null(of);
            ct_kpis_fold(of, published[i].record);
        }
    }
    struct ct_block total, *blocks;
    size_t count;
    assert_int_equal(ct_kpis_compute(set, NULL, &total), CT_OK);
    assert_same_blocks(&view.total, &total);
    assert_int_equal(ct_slices_compute(slices, NULL, &blocks, &count), CT_OK);
    if (by) {
        assert_int_equal(view.slice_count, count);
        for (size_t i = 0; i < count; i++) {
            assert_true(ct_span_eq(view.slices[i].key, blocks[i].key) && view.slices[i].other == blocks[i].other);
            assert_same_blocks(&view.slices[i], &blocks[i]);
        }
    } else {
        assert_int_equal(view.slice_count, 0);
    }
    ct_block_done(&total);
    ct_blocks_done(blocks, count);
    ct_slices_free(slices);
    ct_kpis_free(set);
    ct_live_view_done(&view);
}

static void compare_all(struct ct_live *live, ct_usec now, ct_usec zone)
{
    for (int window = 0; window < CT_WINDOW_COUNT; window++) {
        compare(live, (enum ct_window)window, NULL, 0, now, zone);
        compare(live, (enum ct_window)window, &fields[0], 50, now, zone);
        compare(live, (enum ct_window)window, &fields[1], 50, now, zone);
    }
}

/* One step of a random stream: mostly new conversations, some revised, some withdrawn. */
static void step(struct ct_live *live, ct_usec now)
{
    if (published_count == 0 || (chance(70) && published_count < MANY)) {
        struct ct_record *record = random_record(chance(80), 8);
        published[published_count].record = record;
        published[published_count++].first_at = now;
        assert_int_equal(ct_live_fold(live, now, NULL, record), CT_OK);
        return;
    }
    /* Mostly one of late, sometimes any. */
    size_t back = chance(70) && published_count > 50 ? published_count - 1 - below(50) : below(published_count);
    struct ct_record *replaced = published[back].record;
    struct ct_record *record = chance(15) ? NULL : random_record(chance(80), 8);
    if (!replaced && !record) {
        return;
    }
    assert_int_equal(ct_live_fold(live, published[back].first_at, replaced, record), CT_OK);
    free(replaced);
    published[back].record = record;
}

static void windows_are_what_they_hold(void **state)
{
    (void)state;
    static const ct_usec zones[] = {0, CT_USEC_PER_HOUR, -5 * CT_USEC_PER_HOUR, 330 * CT_USEC_PER_MINUTE,
                                    13 * CT_USEC_PER_HOUR};
    for (unsigned round = 0; round < 5; round++) {
        seed = 300 + round;
        ct_usec now = START + (ct_usec)below(86400) * CT_USEC_PER_SECOND, zone = zones[round];
        struct ct_live *live = make_live(zone, 0);
        ct_live_tick(live, now);
        for (unsigned i = 0; i < 1500; i++) {
            /* Mostly seconds; sometimes minutes; now and then hours, and once over a day. */
            now += chance(90)   ? (ct_usec)below(4000000)
                   : chance(90) ? (ct_usec)below(300) * CT_USEC_PER_SECOND
                                : (ct_usec)below(3 * 3600) * CT_USEC_PER_SECOND;
            now += i == 900 ? 26 * CT_USEC_PER_HOUR : 0;
            ct_live_tick(live, now);
            step(live, now);
            if (i % 100 == 99 || i == 900) {
                compare_all(live, now, zone);
            }
        }
        ct_live_free(live);
        forget();
    }
}

/* Whatever comes of a conversation that was published before everything that is kept: no window changes. */
static void too_late_is_left_out(void **state)
{
    (void)state;
    seed = 5;
    struct ct_live *live = make_live(0, 0);
    struct ct_record *old = random_record(true, 3), *other = random_record(true, 3);
    assert_int_equal(ct_live_fold(live, START, NULL, old), CT_OK);
    ct_usec now = START + 30 * CT_USEC_PER_HOUR;
    ct_live_tick(live, now);
    compare_all(live, now, 0);
    assert_int_equal(ct_live_fold(live, START, old, other), CT_OK);
    assert_int_equal(ct_live_fold(live, START, other, NULL), CT_OK);
    assert_int_equal(ct_live_fold(live, CT_USEC_NONE, NULL, other), CT_OK);
    assert_int_equal(ct_live_fold(live, INT64_MAX, NULL, other), CT_OK);
    ct_live_tick(live, now - CT_USEC_PER_DAY); /* time does not go back, */
    ct_live_tick(live, INT64_MAX);             /* nor out of its mind */
    ct_live_tick(live, CT_USEC_NONE);
    compare_all(live, now, 0);
    /* A revision of what was folded before this tap began has nothing to give back. */
    assert_int_equal(ct_live_fold(live, now, old, other), CT_OK);
    struct ct_live_view view;
    assert_int_equal(ct_live_compute(live, CT_WINDOW_1H, NULL, &view), CT_OK);
    assert_int_equal(view.total.conversations, 1);
    ct_live_view_done(&view);
    ct_live_free(live);
    free(old);
    free(other);
}

static uint64_t messages_of(struct ct_live *live, enum ct_window window)
{
    struct ct_live_view view;
    assert_int_equal(ct_live_compute(live, window, NULL, &view), CT_OK);
    uint64_t messages = view.messages;
    ct_live_view_done(&view);
    return messages;
}

static void messages_by_window(void **state)
{
    (void)state;
    struct ct_live *live = make_live(0, 0);
    assert_int_equal(messages_of(live, CT_WINDOW_TODAY), 0);
    ct_live_messages(live, START, 5);
    uint64_t generation = ct_live_generation(live);
    ct_live_messages(live, START + 2 * CT_USEC_PER_MINUTE, 7);
    assert_true(ct_live_generation(live) > generation);
    assert_int_equal(messages_of(live, CT_WINDOW_1M), 7);
    assert_int_equal(messages_of(live, CT_WINDOW_5M), 12);
    ct_live_messages(live, START, 1); /* came late to the count */
    assert_int_equal(messages_of(live, CT_WINDOW_5M), 13);
    ct_live_tick(live, START + 61 * CT_USEC_PER_MINUTE);
    assert_int_equal(messages_of(live, CT_WINDOW_5M), 0);
    assert_int_equal(messages_of(live, CT_WINDOW_1H), 7);
    assert_int_equal(messages_of(live, CT_WINDOW_TODAY), 13);
    ct_live_messages(live, START, 100); /* too late for the hour, not for the day */
    assert_int_equal(messages_of(live, CT_WINDOW_1H), 7);
    assert_int_equal(messages_of(live, CT_WINDOW_TODAY), 113);
    ct_live_tick(live, START + 13 * CT_USEC_PER_HOUR); /* midnight */
    assert_int_equal(messages_of(live, CT_WINDOW_TODAY), 0);
    ct_live_free(live);
}

/* Beyond the maximum, keys share one slice; none is lost, and what is given back goes out of it. */
static void slices_beyond_the_maximum(void **state)
{
    (void)state;
    seed = 9;
    struct ct_live *live = make_live(0, 3);
    static struct ct_record *records[300];
    ct_usec now = START;
    for (size_t i = 0; i < 300; i++) {
        records[i] = random_record(true, 40);
        now = START + (ct_usec)i * 20 * CT_USEC_PER_SECOND;
        assert_int_equal(ct_live_fold(live, START + (ct_usec)i * 10 * CT_USEC_PER_SECOND, NULL, records[i]), CT_OK);
    }
    ct_live_tick(live, now);
    for (size_t round = 0; round < 2; round++) {
        struct ct_live_view view;
        uint64_t sum = 0;
        assert_int_equal(ct_live_compute(live, CT_WINDOW_TODAY, &fields[0], &view), CT_OK);
        for (size_t i = 0; i < view.slice_count; i++) {
            sum += view.slices[i].conversations;
        }
        assert_int_equal(sum, view.total.conversations);
        assert_int_equal(sum, round ? 0 : 300);
        assert_int_equal(view.slice_count, round ? 0 : 4);
        assert_true(round || view.slices[3].other);
        ct_live_view_done(&view);
        for (size_t i = 0; i < 300 && round == 0; i++) {
            ct_usec at = START + (ct_usec)i * 10 * CT_USEC_PER_SECOND;
            assert_int_equal(ct_live_fold(live, at, records[i], NULL), CT_OK);
        }
    }
    for (size_t i = 0; i < 300; i++) {
        free(records[i]);
    }
    ct_live_free(live);
}

static struct ct_target target_of(struct ct_live *live)
{
    struct ct_live_view view;
    assert_int_equal(ct_live_compute(live, CT_WINDOW_1H, &fields[0], &view), CT_OK);
    const struct ct_figure *whole = ct_block_figure(&view.total, "automation_rate");
    const struct ct_figure *slice = ct_block_figure(&view.slices[0], "automation_rate");
    assert_non_null(whole);
    struct ct_target target = whole->target;
    assert_true(slice->target.op == target.op && slice->target.micro == target.micro);
    ct_live_view_done(&view);
    return target;
}

/* The next answer is by the new targets, also where nothing else has changed and one is kept. */
static void held_against_others(void **state)
{
    (void)state;
    seed = 22;
    struct ct_live *live = make_live(0, 0);
    for (unsigned i = 0; i < 20; i++) {
        step(live, START);
    }
    const struct ct_target catalogue = target_of(live), own = {CT_TARGET_AT_LEAST, catalogue.micro + 1500000};
    struct ct_kpi_target *targets = malloc(sizeof *targets);
    *targets = (struct ct_kpi_target){"automation_rate", own};
    const struct ct_kpi_options kpis = {.targets = targets, .target_count = 1};
    uint64_t generation = ct_live_generation(live);
    ct_live_retarget(live, &kpis);
    assert_true(ct_live_generation(live) > generation);
    assert_int_equal(target_of(live).micro, own.micro);
    ct_live_retarget(live, NULL);
    free(targets); /* nobody reads them any more */
    assert_int_equal(target_of(live).micro, catalogue.micro);
    ct_live_free(live);
    forget();
}

static void answers_are_their_own(void **state)
{
    (void)state;
    seed = 21;
    struct ct_live *live = make_live(0, 0);
    struct ct_live_view first, second;
    assert_int_equal(ct_live_compute(live, CT_WINDOW_1M, NULL, &first), CT_OK); /* before anything has come */
    assert_int_equal(first.total.conversations, 0);
    assert_int_equal(first.from, CT_USEC_NONE);
    ct_live_view_done(&first);
    for (unsigned i = 0; i < 20; i++) {
        step(live, START);
    }
    uint64_t generation = ct_live_generation(live);
    assert_int_equal(ct_live_compute(live, CT_WINDOW_1H, &fields[1], &first), CT_OK);
    assert_int_equal(ct_live_compute(live, CT_WINDOW_1H, &fields[1], &second), CT_OK); /* the kept one */
    assert_int_equal(ct_live_generation(live), generation);
    assert_int_equal(first.slice_count, second.slice_count);
    assert_true(first.slice_count > 1 && first.total.figures != second.total.figures);
    for (size_t i = 0; i < first.slice_count; i++) {
        assert_true(ct_span_eq(first.slices[i].key, second.slices[i].key));
        assert_same_blocks(&first.slices[i], &second.slices[i]);
    }
    ct_live_view_done(&second);
    enum ct_slice_field none = CT_SLICE_TENANT;
    assert_int_equal(ct_live_compute(live, CT_WINDOW_1H, &none, &second), CT_NOT_FOUND);
    step(live, START + CT_USEC_PER_MINUTE);
    assert_true(ct_live_generation(live) > generation);
    ct_live_free(live); /* a view outlives it */
    assert_true(first.total.conversations > 0 && first.slices[0].key.len > 0);
    ct_live_view_done(&first);
    forget();
    for (int window = 0; window < CT_WINDOW_COUNT; window++) {
        enum ct_window found;
        assert_true(ct_window_from(ct_span_of(ct_window_text((enum ct_window)window)), &found));
        assert_int_equal(found, window);
    }
    enum ct_window found;
    assert_false(ct_window_from(CT_SPAN_LIT("2m"), &found));
}

/* Marks of a customer's other conversations, which only a batch knows, have no place in a window. */
static void marks_do_not_count(void **state)
{
    (void)state;
    seed = 33;
    struct ct_live *live = make_live(0, 0);
    struct ct_record *record = random_record(true, 3), *marked = random_record(true, 3);
    marked->engaged = marked->timed = true;
    marked->first_contact = CT_TRUE;
    marked->returned = true;
    marked->observed_usec = 40 * CT_USEC_PER_DAY;
    assert_int_equal(ct_live_fold(live, START, NULL, marked), CT_OK);
    struct ct_live_view view;
    assert_int_equal(ct_live_compute(live, CT_WINDOW_TODAY, NULL, &view), CT_OK);
    assert_false(ct_block_figure(&view.total, "fcr")->has_value);
    assert_false(ct_block_figure(&view.total, "fcr.30d")->has_value);
    assert_false(ct_block_figure(&view.total, "interactions_per_user")->has_value);
    ct_live_view_done(&view);
    marked->first_contact = CT_NULL; /* the same one, as the pipeline has it */
    marked->returned = false;
    marked->observed_usec = 0;
    assert_int_equal(ct_live_fold(live, START, marked, record), CT_OK);
    published[0].record = record;
    published[0].first_at = START;
    published_count = 1;
    compare_all(live, START, 0);
    ct_live_free(live);
    free(marked);
    forget();
}

/* ---- two threads ------------------------------------------------------------------------------------------------ */

static atomic_bool done;

static void *asks(void *context)
{
    struct ct_live *live = context;
    uint64_t last = 0, answers = 0;
    while (!atomic_load(&done) || answers == 0) {
        for (int window = 0; window < CT_WINDOW_COUNT; window++) {
            struct ct_live_view view;
            uint64_t sum = 0;
            if (ct_live_compute(live, (enum ct_window)window, &fields[0], &view) != CT_OK) {
                return "no answer";
            }
            for (size_t i = 0; i < view.slice_count; i++) {
                sum += view.slices[i].conversations;
            }
            if (sum != view.total.conversations) {
                return "half a conversation";
            }
            ct_live_view_done(&view);
            answers++;
        }
        uint64_t generation = ct_live_generation(live);
        if (generation < last) {
            return "a generation that fell";
        }
        last = generation;
    }
    return NULL;
}

static void folded_while_asked(void **state)
{
    (void)state;
    seed = 77;
    struct ct_live *live = make_live(0, 5);
    pthread_t threads[2];
    atomic_store(&done, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, asks, live), 0);
    }
    ct_usec now = START;
    for (unsigned i = 0; i < 1500; i++) {
        now += (ct_usec)below(20) * CT_USEC_PER_SECOND;
        ct_live_messages(live, now, 3);
        step(live, now);
        ct_live_tick(live, now);
    }
    atomic_store(&done, true);
    for (int i = 0; i < 2; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    compare(live, CT_WINDOW_TODAY, NULL, 0, now, 0);
    ct_live_free(live);
    forget();
}

/* ---- days of a zone whose clocks change ------------------------------------------------------------------------- */

#define SECONDS(text) (assert_true(ct_time_parse(CT_SPAN_LIT(text), &parsed)), parsed)
static ct_usec parsed;

/* Central Europe's rules from 1970 on, as a TZif file without transitions whose footer has them. */
static void central_europe(struct ct_zone *zone)
{
    static const char footer[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    char tzif[200] = {0};
    size_t at = 0;
    struct ct_error err = {0};
    for (int part = 0; part < 2; part++) { /* version 1's block, then version 2's: one type, no transitions */
        memcpy(tzif + at, "TZif2", 5);
        tzif[at + 39] = 1; /* types */
        tzif[at + 43] = 4; /* characters */
        at += 44;
        tzif[at + 2] = 0x0e; /* 3600 s */
        tzif[at + 3] = 0x10;
        memcpy(tzif + at + 6, "CET", 4);
        at += 10;
    }
    memcpy(tzif + at, footer, sizeof footer - 1);
    assert_int_equal(ct_zone_init(zone, CT_SPAN_LIT("Europe/Somewhere"), (ct_span){tzif, at + sizeof footer - 1}, &err),
                     CT_OK);
}

struct moment {
    ct_usec at;
    ct_usec today;  /* when the day began */
    uint64_t count; /* conversations of the day so far, that of this moment with them */
};

static void days_of(const struct moment *moments, size_t count)
{
    struct ct_zone zone;
    central_europe(&zone);
    struct ct_live *live = make_live_in(&zone, 0);
    struct ct_record *record = random_record(true, 8);
    for (size_t i = 0; i < count; i++) {
        struct ct_live_view view;
        assert_int_equal(ct_live_fold(live, moments[i].at, NULL, record), CT_OK);
        ct_live_messages(live, moments[i].at, 3);
        assert_int_equal(ct_live_compute(live, CT_WINDOW_TODAY, NULL, &view), CT_OK);
        assert_int_equal(view.from, moments[i].today);
        assert_int_equal(view.total.conversations, moments[i].count);
        assert_int_equal(view.messages, 3 * moments[i].count);
        ct_live_view_done(&view);
    }
    free(record);
    ct_live_free(live);
    ct_zone_done(&zone);
}

/* 29 March 2026: 23 hours. 25 October 2026: 25 hours, of which two are called 02. */
static void today_is_a_whole_day_where_clocks_change(void **state)
{
    (void)state;
    const ct_usec saturday = SECONDS("2026-03-27T23:00:00Z"), spring = SECONDS("2026-03-28T23:00:00Z"),
                  monday = SECONDS("2026-03-29T22:00:00Z");
    const struct moment forward[] = {
        {SECONDS("2026-03-28T22:59:59Z"), saturday, 1}, {SECONDS("2026-03-28T23:00:00Z"), spring, 1},
        {SECONDS("2026-03-29T00:59:59Z"), spring, 2},   {SECONDS("2026-03-29T01:00:00Z"), spring, 3}, /* 03:00 */
        {SECONDS("2026-03-29T21:59:59Z"), spring, 4},   {SECONDS("2026-03-29T22:00:00Z"), monday, 1},
        {SECONDS("2026-03-30T21:59:59Z"), monday, 2}};
    days_of(forward, sizeof forward / sizeof *forward);
    const ct_usec autumn = SECONDS("2026-10-24T22:00:00Z"), after = SECONDS("2026-10-25T23:00:00Z");
    const struct moment back[] = {{SECONDS("2026-10-24T22:00:00Z"), autumn, 1},
                                  {SECONDS("2026-10-25T00:30:00Z"), autumn, 2}, /* 02:30 */
                                  {SECONDS("2026-10-25T01:30:00Z"), autumn, 3}, /* 02:30 again */
                                  {SECONDS("2026-10-25T22:30:00Z"), autumn, 4}, /* the 25th hour */
                                  {SECONDS("2026-10-25T23:00:00Z"), after, 1},
                                  {SECONDS("2026-10-26T22:59:59Z"), after, 2},
                                  {SECONDS("2026-10-26T23:00:00Z"), after + CT_USEC_PER_DAY, 1}};
    days_of(back, sizeof back / sizeof *back);
}

/* A record of the day that is revised after the clocks changed goes out of the hour that it was in. */
static void revisions_across_the_change(void **state)
{
    (void)state;
    struct ct_zone zone;
    central_europe(&zone);
    struct ct_live *live = make_live_in(&zone, 0);
    struct ct_record *first = random_record(true, 8), *second = random_record(true, 8);
    ct_usec before = SECONDS("2026-10-25T00:30:00Z");
    assert_int_equal(ct_live_fold(live, before, NULL, first), CT_OK);
    ct_live_tick(live, SECONDS("2026-10-25T22:45:00Z"));
    assert_int_equal(ct_live_fold(live, before, first, second), CT_OK);
    struct ct_live_view view;
    assert_int_equal(ct_live_compute(live, CT_WINDOW_TODAY, NULL, &view), CT_OK);
    struct ct_kpi_set *set = ct_kpis_new();
    struct ct_block total;
    ct_kpis_fold(set, second);
    assert_int_equal(ct_kpis_compute(set, NULL, &total), CT_OK);
    assert_same_blocks(&view.total, &total);
    ct_block_done(&total);
    ct_live_view_done(&view);
    assert_int_equal(ct_live_fold(live, before, second, NULL), CT_OK);
    assert_int_equal(ct_live_compute(live, CT_WINDOW_TODAY, NULL, &view), CT_OK);
    assert_int_equal(view.total.conversations, 0);
    ct_live_view_done(&view);
    ct_kpis_free(set);
    free(first);
    free(second);
    ct_live_free(live);
    ct_zone_done(&zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_what_they_hold),
        cmocka_unit_test(too_late_is_left_out),
        cmocka_unit_test(messages_by_window),
        cmocka_unit_test(slices_beyond_the_maximum),
        cmocka_unit_test(answers_are_their_own),
        cmocka_unit_test(marks_do_not_count),
        cmocka_unit_test(held_against_others),
        cmocka_unit_test(folded_while_asked),
        cmocka_unit_test(today_is_a_whole_day_where_clocks_change),
        cmocka_unit_test(revisions_across_the_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
