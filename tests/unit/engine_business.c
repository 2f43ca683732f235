/* engine_business.c - business events as flat memory: what was put there comes back, the order they came in does not
 * matter, and one event counts once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/business.h"

static struct ct_business *flat(const struct ct_business_event *event)
{
    uint32_t bytes = ct_business_bytes(event);
    assert_true(bytes >= sizeof(struct ct_business) && bytes % 8 == 0);
    struct ct_business *to = malloc(bytes); /* exactly: a sanitizer sees a byte too many */
    assert_non_null(to);
    memset(to, 0xA5, bytes); /* every byte has to be set */
    ct_business_write(to, event);
    assert_int_equal(to->bytes, bytes);
    return to;
}

static struct ct_business_event some(enum ct_business_type type, const char *user, const char *id, ct_usec at)
{
    struct ct_business_event event;
    ct_business_event_init(&event);
    event.type = type;
    event.at = at;
    event.text[CT_BUSINESS_USER_ID] = ct_span_of(user);
    event.text[CT_BUSINESS_ID] = ct_span_of(id);
    return event;
}

static void starts_empty(void **state)
{
    (void)state;
    struct ct_business_event event;
    ct_business_event_init(&event);
    assert_true(event.at == CT_USEC_NONE);
    const int64_t *numbers = (const int64_t *)&event.numbers;
    for (size_t i = 0; i < sizeof event.numbers / sizeof *numbers; i++) {
        assert_true(numbers[i] == CT_BUSINESS_NUMBER_NONE);
    }
    for (unsigned i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        assert_int_equal(event.text[i].len, 0);
    }
}

static void comes_back(void **state)
{
    (void)state;
    struct ct_business_event event = some(CT_BUSINESS_SURVEY, "c-1", "e-1", 77), back;
    for (unsigned i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        event.text[i] = i % 3 == 2 ? CT_SPAN_NONE : ct_span_of(ct_business_field_text((enum ct_business_field)i));
    }
    int64_t *numbers = (int64_t *)&event.numbers;
    for (size_t i = 0; i < sizeof event.numbers / sizeof *numbers; i++) {
        numbers[i] = i % 2 ? -(int64_t)i : (int64_t)i << 40;
    }
    struct ct_business *to = flat(&event);
    ct_business_read(to, &back);
    assert_int_equal(back.type, event.type);
    assert_true(back.at == event.at);
    assert_memory_equal(&back.numbers, &event.numbers, sizeof back.numbers);
    for (unsigned i = 0; i < CT_BUSINESS_FIELD_COUNT; i++) {
        assert_true(ct_span_eq(back.text[i], event.text[i]));
        assert_true(ct_span_eq(ct_business_text(to, (enum ct_business_field)i), event.text[i]));
    }
    free(to);
}

static void is_of_a_customer_or_of_nobody(void **state)
{
    (void)state;
    struct ct_business_event event = some(CT_BUSINESS_RENEWED, "c-1", NULL, 1);
    struct ct_business *one = flat(&event);
    assert_true(one->customer_hash == ct_customer_hash(CT_SPAN_NONE, CT_SPAN_LIT("c-1")) && one->customer_hash != 0);
    event.text[CT_BUSINESS_TENANT] = CT_SPAN_LIT("t");
    struct ct_business *other = flat(&event);
    assert_true(other->customer_hash == ct_customer_hash(CT_SPAN_LIT("t"), CT_SPAN_LIT("c-1")));
    assert_true(other->customer_hash != one->customer_hash);
    event.text[CT_BUSINESS_USER_ID] = CT_SPAN_NONE;
    struct ct_business *nobody = flat(&event);
    assert_true(nobody->customer_hash == 0);
    free(one);
    free(other);
    free(nobody);
}

static void has_a_limit(void **state)
{
    (void)state;
    struct ct_business_event event = some(CT_BUSINESS_FEEDBACK, "c-1", NULL, 1);
    static char text[CT_BUSINESS_BYTES_MAX + 1];
    size_t room = CT_BUSINESS_BYTES_MAX - sizeof(struct ct_business) - 3;
    memset(text, 'x', sizeof text);
    event.text[CT_BUSINESS_TEXT] = (ct_span){text, room};
    assert_int_equal(ct_business_bytes(&event), CT_BUSINESS_BYTES_MAX);
    free(flat(&event));
    event.text[CT_BUSINESS_TEXT].len++;
    assert_int_equal(ct_business_bytes(&event), 0);
    event.text[CT_BUSINESS_TEXT].len = SIZE_MAX / 2; /* sums must not wrap */
    event.text[CT_BUSINESS_REASON] = event.text[CT_BUSINESS_TEXT];
    assert_int_equal(ct_business_bytes(&event), 0);
}

/* An id is the event, whatever else is said of it; without one everything is. */
static void knows_the_same_event(void **state)
{
    (void)state;
    struct ct_business_event a = some(CT_BUSINESS_PURCHASE, "c-1", "e-1", 5), b = a;
    b.numbers.amount = 7;
    b.at = 6;
    struct ct_business *one = flat(&a), *two = flat(&b);
    assert_true(one->identity == two->identity);
    b.text[CT_BUSINESS_TENANT] = CT_SPAN_LIT("t");
    free(two);
    two = flat(&b);
    assert_true(one->identity != two->identity);
    free(one);
    free(two);
    a.text[CT_BUSINESS_ID] = CT_SPAN_NONE;
    b = a;
    one = flat(&a);
    two = flat(&b);
    assert_true(one->identity == two->identity);
    free(two);
    b.numbers.amount = 7;
    two = flat(&b);
    assert_true(one->identity != two->identity);
    free(two);
    /* The same letters in another field are another event. */
    a.text[CT_BUSINESS_NAME] = CT_SPAN_LIT("x");
    b = a;
    b.text[CT_BUSINESS_NAME] = CT_SPAN_NONE;
    b.text[CT_BUSINESS_REF] = CT_SPAN_LIT("x");
    free(one);
    one = flat(&a);
    two = flat(&b);
    assert_true(one->identity != two->identity);
    free(one);
    free(two);
}

/* Any order in, one order out; of one identity the earliest stays. */
static void sorts_whatever_the_order(void **state)
{
    (void)state;
    enum { COUNT = 40, ROUNDS = 200 };
    struct ct_business *made[COUNT];
    const struct ct_business *want[COUNT], *got[COUNT];
    char ids[COUNT][8];
    uint64_t seed = 11;
#define DICE(sides) ((seed = seed * 6364136223846793005ull + 1442695040888963407ull) >> 33) % (sides)
    for (size_t i = 0; i < COUNT; i++) {
        ids[i][0] = (char)('a' + DICE(20));
        ids[i][1] = '\0';
        enum ct_business_type type = (enum ct_business_type)(DICE(3));
        ct_usec at = (ct_usec)(DICE(6));
        struct ct_business_event event = some(type, "c-1", i % 4 ? ids[i] : NULL, at);
        event.numbers.count = (int64_t)(DICE(2));
        made[i] = flat(&event);
        want[i] = made[i];
    }
    size_t kept = ct_business_sort(want, COUNT);
    assert_true(kept > 10 && kept < COUNT);
    for (size_t i = 0; i < kept; i++) {
        assert_true(i == 0 || want[i - 1]->at <= want[i]->at);
        for (size_t other = 0; other < COUNT; other++) {
            assert_true(made[other]->identity != want[i]->identity || made[other]->at >= want[i]->at);
        }
        for (size_t other = 0; other < i; other++) {
            assert_true(want[other]->identity != want[i]->identity);
        }
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            got[i] = made[i];
        }
        for (size_t i = COUNT - 1; i > 0; i--) {
            size_t j = DICE(i + 1);
            const struct ct_business *swap = got[i];
            got[i] = got[j];
            got[j] = swap;
        }
        assert_int_equal(ct_business_sort(got, COUNT), kept);
        for (size_t i = 0; i < kept; i++) {
            assert_int_equal(got[i]->bytes, want[i]->bytes);
            assert_memory_equal(got[i], want[i], want[i]->bytes);
        }
    }
    assert_int_equal(ct_business_sort(got, 0), 0);
    assert_int_equal(ct_business_sort(got, 1), 1);
    for (size_t i = 0; i < COUNT; i++) {
        free(made[i]);
    }
}

static void names_are_types_and_back(void **state)
{
    (void)state;
    enum ct_business_type type;
    for (unsigned i = 0; i < CT_BUSINESS_COUNT; i++) {
        assert_true(ct_business_type_from(ct_span_of(ct_business_text_of((enum ct_business_type)i)), &type));
        assert_int_equal(type, i);
    }
    assert_false(ct_business_type_from(CT_SPAN_LIT("Customer_won"), &type));
    assert_false(ct_business_type_from(CT_SPAN_NONE, &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(is_of_a_customer_or_of_nobody),
        cmocka_unit_test(has_a_limit),
        cmocka_unit_test(knows_the_same_event),
        cmocka_unit_test(sorts_whatever_the_order),
        cmocka_unit_test(names_are_types_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
