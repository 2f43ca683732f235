/* clock_shift.c - preloaded by clock.py: the wall clock is off by as many seconds as the file $CLOCK_SHIFT says. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec *at)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = real(which, at);
    const char *path = getenv("CLOCK_SHIFT");
    if (which == CLOCK_REALTIME && path) {
        char text[32] = "";
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            (void)!read(file, text, sizeof text - 1);
            close(file);
        }
        at->tv_sec += strtol(text, NULL, 10);
    }
    return result;
}
