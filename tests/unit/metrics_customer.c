/* Who came back: marks on one customer's conversations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "make_record.h"
#include "metrics/customer.h"

#define DAY CT_USEC_PER_DAY
#define WEEK (7 * DAY)

static struct ct_record contact(ct_usec start, ct_usec end, enum ct_tri resolved)
{
    struct ct_record r = make_head();
    r.engaged = r.has_customer = r.timed = true;
    r.started_at = start;
    r.ended_at = end;
    r.resolved = (uint8_t)resolved;
    return r;
}

static void alone(void **state)
{
    (void)state;
    struct ct_record r = contact(0, 10, CT_TRUE), *all[] = {&r};
    ct_customer_mark(all, 1, WEEK, 10 + WEEK);
    assert_int_equal(r.first_contact, CT_TRUE);
    assert_false(r.immature || r.returned || r.is_return);
    assert_true(r.observed_usec == WEEK && r.next_contact_usec == CT_USEC_NONE);
    ct_customer_mark(all, 1, WEEK, 10 + WEEK - 1); /* a moment too early to say */
    assert_int_equal(r.first_contact, CT_NULL);
    assert_true(r.immature);
    ct_customer_mark(all, 1, WEEK, CT_USEC_NONE);
    assert_int_equal(r.first_contact, CT_NULL);
}

static void back_at_the_edge(void **state)
{
    (void)state;
    /* Back exactly a week after the end: inside. A microsecond later: outside. */
    for (int late = 0; late <= 1; late++) {
        struct ct_record a = contact(0, 100, CT_TRUE), b = contact(100 + WEEK + late, 200 + WEEK, CT_TRUE);
        struct ct_record *all[] = {&a, &b};
        ct_customer_mark(all, 2, WEEK, 100 * DAY);
        assert_int_equal(a.returned, !late);
        assert_int_equal(b.is_return, !late);
        assert_int_equal(a.first_contact, late ? CT_TRUE : CT_FALSE);
        assert_int_equal(b.first_contact, late ? CT_TRUE : CT_FALSE);
        assert_true(a.next_contact_usec == WEEK + late && b.previous_contact_usec == WEEK + late);
    }
}

static void what_is_no_contact(void **state)
{
    (void)state;
    struct ct_record a = contact(0, 100, CT_TRUE), idle = contact(DAY, DAY, CT_NULL), stranger = contact(0, 5, CT_TRUE);
    struct ct_record untimed = contact(CT_USEC_NONE, CT_USEC_NONE, CT_TRUE);
    idle.engaged = false;
    untimed.timed = false;
    struct ct_record *all[] = {&untimed, &idle, &a};
    ct_customer_sort(all, 3);
    assert_ptr_equal(all[0], &a);
    assert_ptr_equal(all[2], &untimed);
    ct_customer_mark(all, 3, WEEK, 100 * DAY);
    assert_int_equal(a.first_contact, CT_TRUE); /* opening the widget again is not coming back */
    assert_int_equal(idle.first_contact, CT_NULL);
    assert_int_equal(untimed.first_contact, CT_NULL);
    stranger.has_customer = false;
    struct ct_record *one[] = {&stranger};
    ct_customer_mark(one, 1, WEEK, 100 * DAY);
    assert_int_equal(stranger.first_contact, CT_NULL);
}

static void chain_and_overlap(void **state)
{
    (void)state;
    /* a long one, one inside it, one five days after the long one's end */
    struct ct_record a = contact(0, 3 * DAY, CT_TRUE), b = contact(DAY, DAY + 5, CT_TRUE);
    struct ct_record c = contact(8 * DAY, 8 * DAY + 5, CT_FALSE);
    struct ct_record *all[] = {&c, &b, &a};
    ct_customer_sort(all, 3);
    assert_true(all[0] == &a && all[1] == &b && all[2] == &c);
    ct_customer_mark(all, 3, WEEK, 100 * DAY);
    assert_true(a.returned && a.next_contact_usec == 0);
    assert_true(b.is_return && b.previous_contact_usec == 0);
    assert_true(b.returned && c.is_return);
    assert_true(c.previous_contact_usec == 5 * DAY); /* since the last one that ended */
    assert_int_equal(a.first_contact, CT_FALSE);
    assert_int_equal(c.first_contact, CT_FALSE);
    /* Marking again says the same: marks do not feed on marks. */
    struct ct_record before = b;
    ct_customer_mark(all, 3, WEEK, 100 * DAY);
    assert_memory_equal(&before, &b, sizeof b);
}

static void extreme_times(void **state)
{
    (void)state;
    struct ct_record a = contact(INT64_MIN + 1, INT64_MIN + 2, CT_TRUE), b = contact(INT64_MAX - 1, INT64_MAX, CT_TRUE);
    struct ct_record *all[] = {&a, &b};
    ct_customer_mark(all, 2, WEEK, INT64_MAX);
    assert_true(a.next_contact_usec == INT64_MAX && !a.returned);
}

/* ---- about the same thing? ---- */

static struct ct_record *about(ct_usec start, const char *topics)
{
    struct ct_record r = contact(start, start + 5, CT_TRUE);
    return make_record(&r, &(struct make_tail){.text = {[CT_TEXT_TOPICS] = topics}});
}

static void another_matter(void **state)
{
    (void)state;
    /* two contacts, a day apart: is the second a return of the first? */
    static const struct {
        const char *first, *second;
        bool same;
    } cases[] = {{"billing", "delivery", false},
                 {"billing", "billing", true},
                 {"billing order", "delivery order", true},
                 {"", "delivery", true}, /* not known */
                 {"billing", "", true},
                 {"", "", true},
                 {"complaint", "delivery", true}, /* how it is said is no subject */
                 {"billing complaint", "complaint delivery", false},
                 {"competitor suggestion", "billing", true},
                 {"order", "orders", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned topic = CT_RETURN_TOPIC_SAME; topic <= CT_RETURN_TOPIC_ANY; topic++) {
            struct ct_record *all[] = {about(0, cases[i].first), about(DAY, cases[i].second)};
            const struct ct_terms terms = {.return_window_usec = WEEK, .return_topic = topic};
            bool same = cases[i].same || topic == CT_RETURN_TOPIC_ANY;
            ct_customer_mark_on(all, 2, &terms, 100 * DAY);
            assert_int_equal(all[0]->returned, same);
            assert_int_equal(all[1]->is_return, same);
            assert_int_equal(all[0]->first_contact, same ? CT_FALSE : CT_TRUE);
            assert_true(all[0]->next_contact_usec == (same ? DAY - 5 : CT_USEC_NONE));
            assert_true(all[1]->previous_contact_usec == (same ? DAY - 5 : CT_USEC_NONE));
            free(all[0]);
            free(all[1]);
        }
    }
}

/* What the marks mean, said slowly: against it the quick way is held. */
static void slowly(struct ct_record *const *all, size_t count, size_t i, ct_usec *next, ct_usec *previous)
{
    *next = *previous = CT_USEC_NONE;
    ct_usec before = CT_USEC_NONE;
    for (size_t j = 0; j < count; j++) {
        struct ct_topic_set set;
        const struct ct_terms terms = {.return_topic = CT_RETURN_TOPIC_SAME};
        ct_topics_init(&set, &terms);
        uint64_t a = ct_topics_of(&set, all[i]), b = ct_topics_of(&set, all[j]);
        if (j == i || (a && b && !(a & b))) {
            continue;
        }
        if (j > i && *next == CT_USEC_NONE) {
            *next = all[j]->started_at > all[i]->ended_at ? all[j]->started_at - all[i]->ended_at : 0;
        }
        if (j < i && (before == CT_USEC_NONE || all[j]->ended_at > before)) {
            before = all[j]->ended_at;
        }
    }
    if (before != CT_USEC_NONE) {
        *previous = all[i]->started_at > before ? all[i]->started_at - before : 0;
    }
}

static void as_said_slowly(void **state)
{
    (void)state;
    uint64_t seed = 20260301;
    for (int round = 0; round < 200; round++) {
        struct ct_record *all[40];
        size_t count = 1 + (size_t)(round % 40);
        for (size_t i = 0; i < count; i++) {
            char topics[64] = "";
            size_t len = 0;
            for (int t = 0; t < 3; t++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                if (seed >> 62) {
                    len += (size_t)sprintf(topics + len, "%st%u", len ? " " : "", (unsigned)(seed >> 40) % 80);
                }
            }
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            struct ct_record r = contact((ct_usec)(seed >> 50), 0, CT_TRUE);
            r.ended_at = r.started_at + (ct_usec)(seed >> 54 & 0x3FF);
            r.conversation_hash = seed;
            all[i] = make_record(&r, &(struct make_tail){.text = {[CT_TEXT_TOPICS] = topics}});
        }
        ct_customer_sort(all, count);
        ct_customer_mark(all, count, WEEK, 100 * DAY);
        for (size_t i = 0; i < count; i++) {
            ct_usec next, previous;
            slowly(all, count, i, &next, &previous);
            assert_true(all[i]->next_contact_usec == next);
            assert_true(all[i]->previous_contact_usec == previous);
        }
        for (size_t i = 0; i < count; i++) {
            free(all[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_matter),   cmocka_unit_test(as_said_slowly),     cmocka_unit_test(alone),
        cmocka_unit_test(back_at_the_edge), cmocka_unit_test(what_is_no_contact), cmocka_unit_test(chain_and_overlap),
        cmocka_unit_test(extreme_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
