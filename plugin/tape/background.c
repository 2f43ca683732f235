/* background.c - see background.h.
 *
 * A nice value says how much of a busy processor a thread gets, not when it has to let go of it: Linux lets a thread
 * finish its turn (about 3 ms) before one that wakes up. Two things keep those who wait for an answer from waiting for
 * that. Since 6.12 a thread may ask for longer turns, and then gives way sooner to those with shorter ones; it gets no
 * less of the processor by it. And who asks often whether another waits is not in the way for longer than that.
 *
 * Neither sleeping a little after a little work nor the idle scheduling class does better: a sleep costs a dozen times
 * as much and is due again when it is least wanted, and an idle thread was made to wait no sooner by what woke up.
 */
#include "plugin/tape/background.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(SYS_sched_setattr)
#include <linux/sched/types.h> /* cannot stand beside <sched.h> */
#endif

#define TURN_NSEC 100000000 /* the kernel's longest */

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

void ct_background_give_way(void)
{
    (void)syscall(SYS_sched_yield);
}
