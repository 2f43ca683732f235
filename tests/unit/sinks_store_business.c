/* Business events in the store: put once or often, in any order, read back as they were, by customer, in SQL. */
#include "stored_records.h"

static const struct ct_store_business_filter everything = {.from = CT_USEC_NONE, .before = CT_USEC_NONE};

/* ---- one event, whole ------------------------------------------------------------------------------------------- */

static enum ct_status same_bytes(void *context, const struct ct_business *event)
{
    const struct ct_business *expected = *(const struct ct_business **)context;
    assert_non_null(expected);
    assert_int_equal(event->bytes, expected->bytes);
    assert_memory_equal(event, expected, expected->bytes);
    *(const struct ct_business **)context = NULL;
    return CT_OK;
}

/* Every text and number there is, each with another value, and each absent in the next. */
static void an_event_comes_back_as_it_was(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    for (int type = 0; type < CT_BUSINESS_COUNT; type++) {
        for (int full = 0; full < 2; full++) {
            static const char *const texts[CT_BUSINESS_FIELD_COUNT] = {
                "t", "ü'ser", "id", "ref", "name \x01", "smb", "price", "v2", "it \"works\"\nwell", "EUR"};
            struct ct_business_event event;
            int64_t numbers[sizeof event.numbers / sizeof(int64_t)];
            ct_business_event_init(&event);
            event.type = (enum ct_business_type)type;
            event.at = T0 + type;
            for (int i = 0; i < CT_BUSINESS_FIELD_COUNT && full; i++) {
                event.text[i] = ct_span_of(texts[i]);
            }
            char id[32];
            snprintf(id, sizeof id, "%d-%d", type, full);
            event.text[CT_BUSINESS_ID] = full ? ct_span_of(id) : CT_SPAN_NONE;
            for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
                numbers[i] = i % 2 ? -INT64_MAX + (int64_t)i : INT64_MAX - (int64_t)i;
            }
            if (full) {
                memcpy(&event.numbers, numbers, sizeof numbers);
                event.numbers.flag = type % 2;
            }
            struct ct_business *flat = malloc(ct_business_bytes(&event));
            ct_business_write(flat, &event);
            assert_int_equal(ct_store_put_business(store, flat, &err), CT_OK);
            struct ct_store_business_filter one = everything;
            one.from = event.at;
            one.before = event.at + 1;
            one.tenant = full ? CT_SPAN_LIT("t") : CT_SPAN_NONE;
            one.user_id = full ? CT_SPAN_LIT("ü'ser") : CT_SPAN_NONE;
            const struct ct_business *expected = flat;
            assert_int_equal(ct_store_each_business(store, &one, same_bytes, &expected, &err), CT_OK);
            assert_null(expected);
            free(flat);
            commit(store);
        }
    }
    assert_int_equal(number_of("SELECT count(*) FROM business_event"), 2 * CT_BUSINESS_COUNT);
    expect_sound(store);
    ct_store_close(store);
}

/* ---- again, and otherwise --------------------------------------------------------------------------------------- */

static void the_same_again_changes_nothing(void **state)
{
    (void)state;
    static const struct happening all[] = {
        {.type = CT_BUSINESS_CUSTOMER_WON, .user = "u", .id = "e1"},
        {.type = CT_BUSINESS_PURCHASE, .user = "u", .amount = 5000000000, .currency = "EUR"},
        {.type = CT_BUSINESS_PURCHASE, .user = "u", .amount = 5000000000, .currency = "EUR", .at = T0 + 1},
        {.type = CT_BUSINESS_PURCHASE, .user = "u", .amount = 5000000000, .currency = "EUR", .tenant = "t"},
        {.type = CT_BUSINESS_COST, .amount = 5, .name = "retention"}};
    enum { COUNT = sizeof all / sizeof *all };
    struct ct_store *store = opened(CT_STORE_WRITE);
    char *first = NULL;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            put_event(store, &all[round == 1 ? COUNT - 1 - i : i]);
        }
        assert_int_equal(ct_store_waiting(store), round == 0 ? COUNT : 0);
        commit(store);
        char *dump = dump_of(store);
        if (first) {
            assert_string_equal(dump, first);
            free(dump);
        } else {
            first = dump;
        }
    }
    assert_int_equal(number_of("SELECT count(*) FROM business_event"), COUNT);
    free(first);
    expect_sound(store);
    ct_store_close(store);
}

/* Two deliveries under one id that do not say the same: the one that an audit would keep, whichever came first, stays;
 * and another customer's event may have the same id. */
static void of_two_with_one_id_one_stays(void **state)
{
    (void)state;
    static const struct happening all[] = {
        {.type = CT_BUSINESS_PURCHASE, .user = "u", .id = "e", .amount = 7, .at = T0 + 9},
        {.type = CT_BUSINESS_PURCHASE, .user = "u", .id = "e", .amount = 8, .at = T0 + 5},
        {.type = CT_BUSINESS_PURCHASE, .user = "u", .id = "e", .amount = 3, .at = T0 + 5, .name = "x"},
        {.type = CT_BUSINESS_CUSTOMER, .user = "u", .id = "e", .at = T0 + 5},
        {.type = CT_BUSINESS_PURCHASE, .user = "v", .id = "e", .amount = 7, .at = T0 + 9}};
    enum { COUNT = 4, ORDERS = 24 };
    char *dumps[ORDERS];
    for (int order = 0; order < ORDERS; order++) {
        char name[128];
        snprintf(name, sizeof name, "%s/a.db", folder);
        unlink(name);
        struct ct_store *store = opened(CT_STORE_WRITE);
        int left[COUNT] = {0, 1, 2, 3}, rest = order;
        put_event(store, &all[4]);
        for (int i = COUNT; i > 0; i--) {
            int pick = rest % i;
            rest /= i;
            put_event(store, &all[left[pick]]);
            left[pick] = left[i - 1];
            if (order % 2) {
                commit(store);
            }
        }
        commit(store);
        dumps[order] = dump_of(store);
        assert_int_equal(number_of("SELECT count(*) FROM business_event"), 2);
        assert_int_equal(number_of("SELECT at FROM business_event WHERE user_id='u'"), T0 + 5);
        assert_int_equal(number_of("SELECT type='customer' FROM business_event WHERE user_id='u'"), 1);
        expect_sound(store);
        ct_store_close(store);
        assert_string_equal(dumps[order], dumps[0]);
    }
    for (int order = 0; order < ORDERS; order++) {
        free(dumps[order]);
    }
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static void events_go_with_their_group(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store_stats stats;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_event(store, &(struct happening){.type = CT_BUSINESS_CUSTOMER_WON, .user = "u"});
    put_one(store, &(struct tale){.id = "a"}, 1);
    assert_int_equal(ct_store_waiting(store), 2);
    assert_int_equal(ct_store_commit(store, 40, false, &err), CT_OK);
    put_event(store, &(struct happening){.type = CT_BUSINESS_CUSTOMER_LOST, .user = "u", .at = T0 + 5});
    ct_store_close(store); /* as a kill does: what was not committed is not there, nor is its position */
    store = opened(CT_STORE_WRITE);
    assert_int_equal(ct_store_applied(store), 40);
    assert_int_equal(ct_store_stats(store, &stats, &err), CT_OK);
    assert_int_equal(stats.events, 1);
    put_event(store, &(struct happening){.type = CT_BUSINESS_CUSTOMER_WON, .user = "u"});
    put_event(store, &(struct happening){.type = CT_BUSINESS_CUSTOMER_LOST, .user = "u", .at = T0 + 5});
    assert_int_equal(ct_store_waiting(store), 1);
    assert_int_equal(ct_store_commit(store, 41, false, &err), CT_OK);
    assert_int_equal(ct_store_stats(store, &stats, &err), CT_OK);
    assert_int_equal(stats.events, 2);
    expect_sound(store);
    ct_store_close(store);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static enum ct_status add_user(void *context, const struct ct_business *event)
{
    char *all = context;
    ct_span tenant = ct_business_text(event, CT_BUSINESS_TENANT), user = ct_business_text(event, CT_BUSINESS_USER_ID);
    size_t len = strlen(all);
    snprintf(all + len, 400 - len, "%.*s/%.*s@%lld ", (int)tenant.len, tenant.at, (int)user.len, user.at,
             (long long)(event->at - T0));
    return CT_OK;
}

static enum ct_status stop_at_once(void *context, const struct ct_business *event)
{
    (void)event;
    ++*(int *)context;
    return CT_LIMIT;
}

static void by_customer_and_time(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    static const struct happening all[] = {{.type = CT_BUSINESS_SESSION, .user = "b", .at = T0 + 3},
                                           {.type = CT_BUSINESS_SESSION, .user = "a", .at = T0 + 9},
                                           {.type = CT_BUSINESS_COST, .at = T0 + 4},
                                           {.type = CT_BUSINESS_SESSION, .user = "b", .at = T0 + 1},
                                           {.type = CT_BUSINESS_SESSION, .user = "a", .tenant = "t", .at = T0 + 2},
                                           {.type = CT_BUSINESS_SESSION, .user = "b", .at = T0 + 2}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        put_event(store, &all[i]);
    }
    commit(store);
    const struct {
        const char *tenant, *user;
        ct_usec from, before;
        const char *found;
    } rows[] = {{NULL, NULL, CT_USEC_NONE, CT_USEC_NONE, "/@4 /a@9 /b@1 /b@2 /b@3 t/a@2 "},
                {NULL, NULL, T0 + 2, T0 + 4, "/b@2 /b@3 t/a@2 "},
                {"t", NULL, CT_USEC_NONE, CT_USEC_NONE, "t/a@2 "},
                {NULL, "b", T0 + 2, CT_USEC_NONE, "/b@2 /b@3 "},
                {"u", NULL, CT_USEC_NONE, CT_USEC_NONE, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char found[400] = "";
        const struct ct_store_business_filter filter = {.tenant = ct_span_of(rows[i].tenant),
                                                        .user_id = ct_span_of(rows[i].user),
                                                        .from = rows[i].from,
                                                        .before = rows[i].before};
        assert_int_equal(ct_store_each_business(store, &filter, add_user, found, &err), CT_OK);
        assert_string_equal(found, rows[i].found);
    }
    int seen = 0;
    assert_int_equal(ct_store_each_business(store, &everything, stop_at_once, &seen, &err), CT_LIMIT);
    assert_int_equal(seen, 1);
    ct_usec newest;
    assert_int_equal(ct_store_newest_business(store, CT_USEC_NONE, &newest, &err), CT_OK);
    assert_int_equal(newest, T0 + 9);
    put_event(store, &(struct happening){.type = CT_BUSINESS_RENEWAL_DUE, .user = "a", .at = T0 + 99});
    assert_int_equal(ct_store_newest_business(store, CT_USEC_NONE, &newest, &err), CT_OK);
    assert_int_equal(newest, T0 + 9); /* what is due is no sign of how late it is */
    assert_int_equal(ct_store_newest_business(store, T0 + 9, &newest, &err), CT_OK);
    assert_int_equal(newest, T0 + 4);
    assert_int_equal(ct_store_newest_business(store, T0, &newest, &err), CT_OK);
    assert_int_equal(newest, CT_USEC_NONE);
    assert_int_equal(ct_store_newest(store, &newest, &err), CT_OK);
    assert_int_equal(newest, CT_USEC_NONE); /* of conversations: there are none */
    ct_store_close(store);
}

static void in_plain_sql(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    put_event(store,
              &(struct happening){.type = CT_BUSINESS_PURCHASE, .user = "u", .amount = 1250000000, .currency = "EUR"});
    put_event(store,
              &(struct happening){
                  .type = CT_BUSINESS_PURCHASE, .user = "u", .amount = 750000000, .currency = "EUR", .at = T0 + 1});
    put_one(store, &(struct tale){.id = "a", .user = "u"}, 1);
    commit(store);
    assert_int_equal(number_of("SELECT sum(amount_nano)/1000000000 FROM business_event WHERE type='purchase' AND "
                               "currency='EUR'"),
                     2);
    assert_int_equal(number_of("SELECT count(*) FROM conversation c JOIN business_event e USING(tenant,user_id)"), 2);
    assert_int_equal(number_of("SELECT margin_nano IS NULL AND name IS NULL FROM business_event"), 1);
    ct_store_close(store);
}

static void a_damaged_event_is_said_and_mended(void **state)
{
    (void)state;
    struct ct_error err = {0};
    struct ct_store *store = opened(CT_STORE_WRITE);
    const struct happening one = {.type = CT_BUSINESS_SESSION, .user = "u", .id = "e"};
    char found[400] = "";
    put_event(store, &one);
    commit(store);
    execute("UPDATE business_event SET type='moved_house'");
    assert_int_equal(ct_store_each_business(store, &everything, add_user, found, &err), CT_REFUSED);
    assert_non_null(strstr(err.text, "its type is none"));
    assert_non_null(strstr(err.text, "convtap db check"));
    put_event(store, &one);
    commit(store);
    assert_int_equal(ct_store_each_business(store, &everything, add_user, found, &err), CT_OK);
    assert_string_equal(found, "/u@0 ");
    expect_sound(store);
    ct_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
        T(an_event_comes_back_as_it_was),      T(the_same_again_changes_nothing), T(of_two_with_one_id_one_stays),
        T(events_go_with_their_group),         T(by_customer_and_time),           T(in_plain_sql),
        T(a_damaged_event_is_said_and_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
