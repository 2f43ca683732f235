/* The store: many rows by one statement. Evidence of any length; sums that come, go and wrap among others. */
#include "stored_records.h"

enum { EVIDENCE_MOST = 27, MEASURES = 40 };

static char names[MEASURES][16];

static void make_names(void)
{
    for (int i = 0; i < MEASURES; i++) {
        snprintf(names[i], sizeof names[i], "m%02d", i);
    }
}

/* ---- evidence --------------------------------------------------------------------------------------------------- */

static void put_evidence(struct ct_store *store, const char *id, uint32_t count, uint32_t revision)
{
    struct ct_evidence evidence[EVIDENCE_MOST] = {0};
    struct ct_error err = {0};
    struct ct_record head = make_head();
    head.message_count = EVIDENCE_MOST;
    head.content_hash = 0xC0FFEE0000000000u + count;
    head.timed = true;
    head.started_at = head.ended_at = T0;
    for (uint32_t i = 0; i < count; i++) {
        evidence[i] = (struct ct_evidence){.message = i,
                                           .begin = 10 * i,
                                           .end = 10 * i + 5,
                                           .signal = (uint16_t)(i % 2),
                                           .rule = i % 3 ? UINT16_MAX : 0,
                                           .because = i % 4 ? i - 1 : UINT32_MAX};
    }
    struct ct_record *record = make_record(
        &head,
        &(struct make_tail){.text = {[CT_TEXT_CONVERSATION_ID] = id}, .evidence = evidence, .evidence_count = count});
    struct ct_store_put put = {.record = record, .rules = &toy, .revision = revision};
    assert_int_equal(ct_store_put(store, &put, &err), CT_OK);
    free(record);
}

static void evidence_of_any_length(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    char id[16], sql[800];
    for (uint32_t count = 0; count <= EVIDENCE_MOST; count++) {
        snprintf(id, sizeof id, "c%02u", count);
        put_evidence(store, id, count, 1);
    }
    commit(store);
    for (uint32_t count = 0; count <= EVIDENCE_MOST; count++) {
        snprintf(
            sql, sizeof sql,
            "SELECT count(*) FROM evidence e JOIN conversation c ON c.row=e.conversation WHERE "
            "conversation_id='c%02u' AND message=ordinal AND begin=10*ordinal AND end=begin+5 AND "
            "signal=iif(ordinal%%2,'user.thanks','user.human_request') AND "
            "rule IS iif(ordinal%%3,NULL,'es.human_request.direct@3') AND because IS iif(ordinal%%4,ordinal-1,NULL)",
            count);
        assert_int_equal(number_of(sql), count);
    }
    assert_int_equal(number_of("SELECT count(*) FROM evidence"), EVIDENCE_MOST * (EVIDENCE_MOST + 1) / 2);
    for (uint32_t count = 0; count <= EVIDENCE_MOST; count++) { /* the longest becomes the shortest */
        snprintf(id, sizeof id, "c%02u", count);
        put_evidence(store, id, EVIDENCE_MOST - count, 2);
    }
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM evidence"), EVIDENCE_MOST * (EVIDENCE_MOST + 1) / 2);
    expect_sound(store);
    ct_store_close(store);
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

static void put_sums(struct ct_store *store, const char *id, const struct ct_store_sum *sums, size_t count,
                     uint32_t revision)
{
    struct ct_error err = {0};
    struct ct_record *record = record_of(&(struct tale){.id = id});
    struct ct_store_put put = {.record = record, .rules = &toy, .revision = revision, .sums = sums, .sum_count = count};
    assert_int_equal(ct_store_put(store, &put, &err), CT_OK);
    free(record);
}

static int64_t value_of(const char *measure)
{
    char sql[800];
    snprintf(sql, sizeof sql, "SELECT ifnull(sum(value),0) FROM sum_hour WHERE measure='%s'", measure);
    return number_of(sql);
}

/* A sum that is zero again has no row, whether it was alone in its statement or among others. */
static void sums_that_go(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    struct ct_store_sum first[MEASURES], second[MEASURES];
    make_names();
    for (int i = 0; i < MEASURES; i++) {
        first[i] = (struct ct_store_sum){names[i], i + 1};
        second[i] = (struct ct_store_sum){names[i], i % 3 ? 1000 : -(i + 1)};
    }
    put_sums(store, "a", first, MEASURES, 1);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour"), MEASURES);
    put_sums(store, "b", second, MEASURES, 1);
    commit(store);
    for (int i = 0; i < MEASURES; i++) {
        assert_int_equal(value_of(names[i]), i % 3 ? 1001 + i : 0);
    }
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour WHERE value=0"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour"), MEASURES - (MEASURES + 2) / 3);
    expect_sound(store);
    withdraw_one(store, &(struct tale){.id = "b"}, 2);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour"), MEASURES);
    assert_int_equal(value_of(names[MEASURES - 1]), MEASURES);
    withdraw_one(store, &(struct tale){.id = "a"}, 2);
    commit(store);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour"), 0);
    expect_sound(store);
    ct_store_close(store);
}

/* Beyond 64 bits they wrap, from one group to the next too, and what was added can be taken out again. */
static void sums_that_wrap(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    const char *const ids[] = {"a", "b", "c"};
    struct ct_store_sum sums[MEASURES];
    make_names();
    for (int i = 0; i < MEASURES; i++) {
        sums[i] = (struct ct_store_sum){names[i], i % 2 ? INT64_MIN : INT64_MAX};
    }
    for (int i = 0; i < 3; i++) {
        put_sums(store, ids[i], sums, MEASURES, 1);
        commit(store);
    }
    assert_int_equal(value_of(names[0]), INT64_MAX - 2); /* three times: 3 x 2^63 - 3, less 2^64 */
    assert_int_equal(value_of(names[1]), INT64_MIN);
    withdraw_one(store, &(struct tale){.id = "a"}, 2);
    commit(store);
    assert_int_equal(value_of(names[0]), -2);
    assert_int_equal(number_of("SELECT count(*) FROM sum_hour"), MEASURES / 2); /* twice INT64_MIN is 0 */
    withdraw_one(store, &(struct tale){.id = "c"}, 2);
    commit(store);
    assert_int_equal(value_of(names[0]), INT64_MAX);
    assert_int_equal(value_of(names[1]), INT64_MIN);
    expect_sound(store);
    ct_store_close(store);
}

/* The order in which measures come is a guess at where they are, no more. */
static void measures_in_any_order(void **state)
{
    (void)state;
    struct ct_store *store = opened(CT_STORE_WRITE);
    uint64_t seed = 7;
    int64_t want[MEASURES] = {0};
    make_names();
    for (int n = 0; n < 50; n++) {
        struct ct_store_sum sums[MEASURES];
        char id[16];
        size_t count = 0;
        for (int i = 0; i < MEASURES; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            int which = (int)(seed >> 33) % MEASURES;
            int64_t value = (int64_t)(seed >> 50) % 5;
            char *copy = strdup(names[which]); /* the text counts, not where it stands */
            sums[count++] = (struct ct_store_sum){copy, value};
            want[which] += value;
        }
        snprintf(id, sizeof id, "c%d", n);
        put_sums(store, id, sums, count, 1);
        for (size_t i = 0; i < count; i++) {
            free((char *)(uintptr_t)sums[i].measure);
        }
        if (n % 7 == 0) {
            commit(store);
        }
    }
    commit(store);
    for (int i = 0; i < MEASURES; i++) {
        assert_int_equal(value_of(names[i]), want[i]);
    }
    expect_sound(store);
    ct_store_close(store);
    store = opened(CT_STORE_WRITE); /* numbers are the file's: nothing is named twice */
    put_sums(store, "again", &(struct ct_store_sum){names[3], 1}, 1, 1);
    commit(store);
    assert_int_equal(value_of(names[3]), want[3] + 1);
    expect_sound(store);
    ct_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
        T(evidence_of_any_length),
        T(sums_that_go),
        T(sums_that_wrap),
        T(measures_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
