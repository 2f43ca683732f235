/* background.c - see background.h.
 *
 * A nice value says how much of a busy processor a thread gets, not when it has to let go of it: Linux lets a thread
 * finish its turn (about 3 ms) before one that wakes up. Two things keep those who wait for an answer from waiting for
 * that. Since 6.12 a thread may ask for longer turns, and then gives way sooner to those with shorter ones; it gets no
 * less of the processor by it. And who works a little and sleeps a little is not in the way for longer than the little.
 *
 * The idle scheduling class does neither better: it never lets a busy machine judge, and what its threads hold while
 * they are kept from running (a lock of the allocator) holds up those who serve.
 */
#include "plugin/tape/background.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if defined(SYS_sched_setattr)
#include <linux/sched/types.h>
#endif

#define TURN_NSEC 100000000 /* the kernel's longest */
#define REST_NSEC 50000     /* and the timer's slack, 50 us again */

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

void ct_background_rest(void)
{
    const struct timespec rest = {.tv_nsec = REST_NSEC};
    (void)nanosleep(&rest, NULL);
}
