/* A process that writes the tape is killed at random points: every position that it said is committed is on the tape,
 * and every frame before it is readable.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/tape_folder.h"

static int told; /* the pipe that the child tells its parent through */

static void tell(void *context, uint64_t position)
{
    (void)context;
    if (write(told, &position, sizeof position) != (ssize_t)sizeof position)
        _exit(3);
}

static struct ct_tape_options options_of(void)
{
    return (struct ct_tape_options){.folder = folder,
                                    .segment_bytes = 50000,
                                    .commit_usec = 500,
                                    .commit_frames = 64,
                                    .compress = true,
                                    .committed = tell};
}

static _Noreturn void write_until_killed(uint64_t from)
{
    struct ct_tape_options options = options_of();
    struct ct_tape *tape;
    struct made made;
    if (ct_tape_open(&options, &tape, NULL, NULL) != CT_OK)
        _exit(2);
    for (uint64_t i = from;; i++) {
        make_entry(&made, i);
        while (ct_tape_append(tape, &made.entry, NULL) != CT_OK)
            nap(1);
        if (i % 97 == 0)
            nap(1);
    }
}

static void killed_at_random(void **state)
{
    (void)state;
    enum { ROUNDS = 20 };
    uint64_t next = 0, committed = 0, dice = 12345;
    for (int round = 0; round < ROUNDS; round++) {
        int pipes[2];
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            told = pipes[1];
            close(pipes[0]);
            write_until_killed(next);
        }
        close(pipes[1]);
        dice = dice * 6364136223846793005U + 1442695040888963407U;
        unsigned after = 1 + (unsigned)(dice >> 33) % 60; /* so many commits, then a little more */
        uint64_t position, said = committed;
        for (unsigned i = 0; i < after; i++) {
            assert_int_equal(read(pipes[0], &position, sizeof position), sizeof position);
            assert_true(position > said);
            said = position;
        }
        struct timespec little = {0, (long)(dice >> 40) % 900000};
        nanosleep(&little, NULL);
        kill(child, SIGKILL);
        while (read(pipes[0], &position, sizeof position) == (ssize_t)sizeof position)
            said = position;
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(pipes[0]);
        struct found found = read_all(folder, 0, said);
        assert_int_equal(found.end, said);
        assert_int_equal(found.refused, 0);
        assert_int_equal(found.last + 1, found.frames); /* 0, 1, 2 ...: no one missing, none twice */
        struct ct_tape_opened opened;
        struct ct_tape_options options = options_of();
        options.committed = NULL;
        struct ct_tape *tape = open_tape(&options, &opened);
        assert_true(opened.end >= said);
        ct_tape_close(tape);
        found = read_all(folder, 0, UINT64_MAX);
        assert_int_equal(found.end, opened.end);
        assert_int_equal(found.refused, 0);
        assert_int_equal(found.last + 1, found.frames);
        next = found.frames;
        committed = opened.end;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(killed_at_random, make_folder, remove_folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
