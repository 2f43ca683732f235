/* Who came back: marks on one customer's conversations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone),
        cmocka_unit_test(back_at_the_edge),
        cmocka_unit_test(what_is_no_contact),
        cmocka_unit_test(chain_and_overlap),
        cmocka_unit_test(extreme_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
