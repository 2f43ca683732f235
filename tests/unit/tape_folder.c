/* The list of a tape's segments while they come and are packed: each one that is there is in it. */
#include "tape_scratch.h"

#include <pthread.h>
#include <stdatomic.h>

#include "plugin/tape/folder.h"

enum { SEGMENTS = 300, MADE_MOST = 600, LISTS = 1000 };

static atomic_bool done;
static atomic_uint made; /* segments from 0 on, one a byte */

static void touch(int folder, uint64_t base, const char *suffix)
{
    char name[CT_SEGMENT_NAME];
    ct_segment_name(base, suffix, name);
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
}

/* From one name to the other and back, the new one always before the old one goes; and now and then another segment. */
static void *pack_on(void *context)
{
    const int folder = *(int *)context;
    for (unsigned turn = 0; !atomic_load(&done); turn++) {
        char old[CT_SEGMENT_NAME];
        uint64_t base = turn * 7 % SEGMENTS;
        bool pack = turn / SEGMENTS % 2 == 0;
        touch(folder, base, pack ? CT_SEGMENT_PACKED : CT_SEGMENT_RAW);
        ct_segment_name(base, pack ? CT_SEGMENT_RAW : CT_SEGMENT_PACKED, old);
        (void)unlinkat(folder, old, 0);
        if (turn % 16 == 0 && atomic_load(&made) < MADE_MOST) {
            touch(folder, atomic_load(&made), CT_SEGMENT_RAW);
            atomic_fetch_add(&made, 1);
        }
    }
    return NULL;
}

static void a_list_has_every_segment(void **state)
{
    pthread_t thread;
    int folder = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    for (uint64_t base = 0; base < SEGMENTS; base++) {
        touch(folder, base, CT_SEGMENT_RAW);
    }
    atomic_store(&made, SEGMENTS);
    assert_int_equal(pthread_create(&thread, NULL, pack_on, &folder), 0);
    struct ct_segment_list list = {0};
    unsigned wrong = 0;
    for (int i = 0; i < LISTS; i++) {
        unsigned before = atomic_load(&made);
        assert_int_equal(ct_folder_list(folder, &list, NULL, NULL), CT_OK);
        for (size_t at = 0; at < list.count; at++) {
            wrong += list.at[at].base != at;
        }
        wrong += list.count < before;
    }
    atomic_store(&done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ct_segment_list_done(&list);
    close(folder);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    char folder[128];
    scratch_make(folder, sizeof folder);
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(a_list_has_every_segment, folder)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_remove(folder);
    return failed;
}
