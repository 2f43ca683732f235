/* background.c - see background.h.
 *
 * A nice value says how much of a busy processor a thread gets, not when it has to let go of it: Linux lets a thread
 * finish its turn (about 3 ms) before one that wakes up; in the idle scheduling class, too. Two things keep those who
 * wait for an answer from waiting for that. Since 6.12 a thread may ask for longer turns, and then gives way sooner to
 * those with shorter ones. And who works in the background asks often whether another waits.
 *
 * To let others past is to give up the rest of a turn, which counts as if it had been used (seen on 6.18). Beside a
 * thread that never sleeps that adds up, and the more the longer the turn: with the longest, 100 ms, each time costs
 * 300 ms or more. So the turn is hardly longer than others', and who was kept waiting for long works for as long before
 * it asks again.
 */
#include "plugin/tape/background.h"

#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(SYS_sched_setattr)
#include <linux/sched/types.h> /* cannot stand beside <sched.h> */
#endif

#define TURN_NSEC 5000000 /* a little longer than what others have (0.7 to 3 ms) */
#define LONG_NSEC 1000000

void ct_background_thread(int nicer)
{
    enum { NICEST = 19 };
    id_t self = (id_t)syscall(SYS_gettid);
    int nice = getpriority(PRIO_PROCESS, self) + nicer; /* the process may have been started with one of its own */
    nice = nice < NICEST ? nice : NICEST;
#if defined(SYS_sched_setattr)
    struct sched_attr attributes = {.size = sizeof attributes, .sched_nice = nice, .sched_runtime = TURN_NSEC};
    if (syscall(SYS_sched_setattr, 0, &attributes, 0) == 0) {
        return;
    }
#endif
    (void)setpriority(PRIO_PROCESS, self, nice); /* Linux: of this thread alone */
}

static int64_t monotonic_nsec(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

void ct_background_give_way(void)
{
    static _Thread_local int64_t not_before;
    int64_t left = monotonic_nsec();
    if (left >= not_before) {
        (void)syscall(SYS_sched_yield);
        int64_t back = monotonic_nsec();
        if (back - left >= LONG_NSEC) {
            not_before = back + (back - left);
        }
    }
}
