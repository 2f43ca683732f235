/* What works in the background lets others past and is not kept out by them. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "plugin/tape/background.h"

enum { WORK_USEC = 100000, PIECE_USEC = 30, PATIENCE_USEC = 5000000, NICE = 5 };

static int64_t usec_of(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static atomic_bool done;

static void *spin(void *context)
{
    (void)context;
    while (!atomic_load(&done)) {
    }
    return NULL;
}

/* Returns by the clock on the wall what a tenth of a second of work took. */
static void *work(void *context)
{
    int64_t *took = context, began = usec_of(CLOCK_MONOTONIC), past = 0;
    ct_background_thread(NICE);
    while (past < PATIENCE_USEC && usec_of(CLOCK_THREAD_CPUTIME_ID) < WORK_USEC) {
        int64_t piece = usec_of(CLOCK_THREAD_CPUTIME_ID);
        while (usec_of(CLOCK_THREAD_CPUTIME_ID) - piece < PIECE_USEC) {
        }
        ct_background_give_way();
        past = usec_of(CLOCK_MONOTONIC) - began;
    }
    *took = past;
    atomic_store(&done, true);
    return NULL;
}

/* Linux of today counts a turn that was given up as used: who gives up one every 30 us beside a thread that never
 * sleeps would get less than a hundredth of the processor, and a busy machine would not be judged. */
static void a_share_beside_who_never_sleeps(void **state)
{
    (void)state;
    cpu_set_t before, one;
    size_t cpu = 0;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    while (!CPU_ISSET(cpu, &before)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    pthread_t spinner, worker;
    int64_t took = 0;
    atomic_store(&done, false);
    assert_int_equal(pthread_create(&spinner, NULL, spin, NULL), 0);
    assert_int_equal(pthread_create(&worker, NULL, work, &took), 0);
    pthread_join(worker, NULL);
    pthread_join(spinner, NULL);
    (void)sched_setaffinity(0, sizeof before, &before);
    printf("0.1 s of work took %.2f s\n", (double)took / 1e6);
    assert_true(took < PATIENCE_USEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_share_beside_who_never_sleeps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
