/* cli_spill.c - what is put into a spill or a sorter comes out whole, in the order that is promised, from memory and
 * from the temporary file alike; and what cannot be written is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/sorter.h"
#include "cli/spill.h"

struct item {
    uint32_t bytes, number;
    char rest[];
};

static void put_items(struct ct_spill_writer *writer, uint32_t from, uint32_t to, unsigned partitions)
{
    struct ct_error err = {0};
    for (uint32_t i = from; i < to; i++) {
        uint32_t bytes = 8 + i % 97 * 8 + (i % 1000 == 7 ? 40000 : 0); /* some are larger than a block */
        struct item *item = malloc(bytes);
        assert_non_null(item);
        memset(item, (int)(i & 0xFF), bytes);
        item->bytes = bytes;
        item->number = i;
        assert_int_equal(ct_spill_put(writer, i % partitions, item, bytes, &err), CT_OK);
        free(item);
    }
}

enum { ITEMS = 20000, PARTITIONS = 7 };

/* Each is whole, of its partition, and seen for the first time; returns how many. */
static uint32_t take(struct ct_spill *spill, unsigned partition, bool *seen)
{
    struct ct_error err = {0};
    struct ct_spill_items items;
    const struct item *item;
    uint32_t count = 0;
    assert_int_equal(ct_spill_take(spill, partition, &items, &err), CT_OK);
    for (; (item = ct_spill_items_next(&items)); count++) {
        assert_true(item->number < ITEMS && item->number % PARTITIONS == partition && !seen[item->number]);
        assert_int_equal(item->bytes, 8 + item->number % 97 * 8 + (item->number % 1000 == 7 ? 40000 : 0));
        for (uint32_t b = 0; b < item->bytes - 8; b++) {
            assert_int_equal((unsigned char)item->rest[b], item->number & 0xFF);
        }
        seen[item->number] = true;
    }
    assert_int_equal(items.count, count);
    assert_null(ct_spill_items_next(&items));
    ct_spill_items_free(&items);
    assert_int_equal(ct_spill_take(spill, partition, &items, &err), CT_OK); /* and is gone */
    assert_int_equal(items.count, 0);
    assert_null(ct_spill_items_next(&items));
    return count;
}

static void all_come_back(size_t memory_bytes, bool from_file)
{
    struct ct_error err = {0};
    struct ct_spill *spill = ct_spill_new(PARTITIONS, 2, memory_bytes);
    struct ct_spill_writer *one = ct_spill_writer_new(spill), *two = ct_spill_writer_new(spill);
    bool *seen = calloc(ITEMS, sizeof *seen);
    assert_non_null(seen);
    put_items(one, 0, ITEMS / 2, PARTITIONS);
    put_items(two, ITEMS / 2, ITEMS, PARTITIONS);
    assert_int_equal(ct_spill_writer_done(one, &err), CT_OK);
    assert_int_equal(ct_spill_writer_done(two, &err), CT_OK);
    assert_int_equal(ct_spill_file_bytes(spill) > 0, from_file);
    uint32_t count = 0;
    for (unsigned p = 0; p < PARTITIONS; p++) {
        count += take(spill, p, seen);
    }
    assert_int_equal(count, ITEMS);
    free(seen);
    ct_spill_free(spill);
}

static void spill_in_memory(void **state)
{
    (void)state;
    all_come_back((size_t)1 << 30, false);
}

static void spill_in_the_file(void **state)
{
    (void)state;
    all_come_back(0, true);
    all_come_back(1 << 20, true);
}

static void no_place_to_spill(void **state)
{
    struct ct_error err = {0};
    (void)state;
    setenv("TMPDIR", "/nowhere/at/all", 1);
    struct ct_spill *spill = ct_spill_new(2, 1, 0);
    struct ct_spill_writer *writer = ct_spill_writer_new(spill);
    put_items(writer, 0, 2, 2);
    assert_int_equal(ct_spill_writer_done(writer, &err), CT_IO);
    assert_non_null(strstr(err.text, "TMPDIR"));
    ct_spill_free(spill);

    struct ct_sorter *sorter = ct_sorter_new(0);
    struct ct_sorter_run *run = ct_sorter_run_new(sorter);
    assert_int_equal(ct_sorter_put(run, 1, CT_SPAN_LIT("a"), CT_SPAN_LIT("b"), &err), CT_OK);
    assert_int_equal(ct_sorter_run_done(run, &err), CT_IO);
    ct_sorter_free(sorter);
    unsetenv("TMPDIR");
}

/* ---- sorter --------------------------------------------------------------------------------------------------------
 */

struct collected {
    char *bytes;
    size_t len;
    int left; /* lines that are taken; -1 = all */
};

static bool collect(void *context, const char *bytes, size_t len)
{
    struct collected *c = context;
    if (c->left == 0) {
        return false;
    }
    c->left -= c->left > 0;
    c->bytes = realloc(c->bytes, c->len + len + 1);
    assert_non_null(c->bytes);
    memcpy(c->bytes + c->len, bytes, len);
    c->len += len;
    c->bytes[c->len] = '\0';
    return true;
}

static void put_line(struct ct_sorter_run *run, int64_t key, const char *tie, const char *line)
{
    struct ct_error err = {0};
    assert_int_equal(ct_sorter_put(run, key, ct_span_of(tie), ct_span_of(line), &err), CT_OK);
}

static void by_key_then_tie_then_line(void **state)
{
    (void)state;
    for (size_t run_bytes = 1; run_bytes < 5000; run_bytes *= 60) { /* a line a run; some; all in one */
        struct ct_error err = {0};
        struct collected c = {.left = -1};
        struct ct_sorter *sorter = ct_sorter_new(run_bytes);
        struct ct_sorter_run *one = ct_sorter_run_new(sorter), *two = ct_sorter_run_new(sorter);
        put_line(one, 5, "b", "5b\n");
        put_line(two, INT64_MAX, "", "last\n");
        put_line(one, INT64_MIN, "z", "first\n");
        put_line(two, 5, "ab", "5ab\n");
        put_line(one, 5, "a", "5a2\n");
        put_line(two, 5, "a", "5a1\n");
        put_line(one, -1, "", "-1\n");
        put_line(two, 5, "a", "5a1\n");
        assert_int_equal(ct_sorter_run_done(one, &err), CT_OK);
        assert_int_equal(ct_sorter_run_done(two, &err), CT_OK);
        assert_int_equal(ct_sorter_merge(sorter, collect, &c, &err), CT_OK);
        assert_string_equal(c.bytes, "first\n-1\n5a1\n5a1\n5a2\n5ab\n5b\nlast\n");
        free(c.bytes);
        ct_sorter_free(sorter);
    }
}

static void many_runs(void **state)
{
    enum { LINES = 5000 };
    struct ct_error err = {0};
    struct collected c = {.left = -1};
    char line[64];
    (void)state;
    struct ct_sorter *sorter = ct_sorter_new(100);
    struct ct_sorter_run *run = ct_sorter_run_new(sorter);
    for (int i = 0; i < LINES; i++) {
        int key = i * 7919 % (LINES / 2); /* each key twice */
        snprintf(line, sizeof line, "%06d %06d\n", key, i);
        put_line(run, key, "", line);
    }
    assert_int_equal(ct_sorter_run_done(run, &err), CT_OK);
    assert_int_equal(ct_sorter_merge(sorter, collect, &c, &err), CT_OK);
    assert_int_equal(c.len, LINES * 14);
    for (size_t at = 14; at < c.len; at += 14) {
        assert_true(memcmp(c.bytes + at - 14, c.bytes + at, 14) < 0);
    }
    free(c.bytes);
    ct_sorter_free(sorter);
}

static void a_writer_that_gives_up(void **state)
{
    struct ct_error err = {0};
    struct collected c = {.left = 1};
    (void)state;
    struct ct_sorter *sorter = ct_sorter_new(0);
    struct ct_sorter_run *run = ct_sorter_run_new(sorter);
    put_line(run, 1, "", "a");
    put_line(run, 2, "", "b");
    assert_int_equal(ct_sorter_run_done(run, &err), CT_OK);
    assert_int_equal(ct_sorter_merge(sorter, collect, &c, &err), CT_IO);
    free(c.bytes);
    ct_sorter_free(sorter);
    struct ct_sorter *empty = ct_sorter_new(0); /* nothing at all is fine */
    assert_int_equal(ct_sorter_merge(empty, collect, &c, &err), CT_OK);
    ct_sorter_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spill_in_memory),   cmocka_unit_test(spill_in_the_file),
        cmocka_unit_test(no_place_to_spill), cmocka_unit_test(by_key_then_tie_then_line),
        cmocka_unit_test(many_runs),         cmocka_unit_test(a_writer_that_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
