/* The disk fails and heals: full, amid a frame, at the confirmation, for good. What was confirmed stays, what waits is
 * written when it can be, and nothing is confirmed that is not on the disk.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "plugin/tape/disk.h"
#include "tests/unit/tape_scratch.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)umount(folder); /* where small_file_system failed before it came to that */
    scratch_remove(folder);
    return 0;
}

/* A disk with so much room, of which any call may be told to fail. */
struct bad {
    _Atomic int64_t room;    /* bytes that can still be written */
    _Atomic int64_t junk_at; /* file offset of what is lost at a failed sync; 0 = near its end */
    _Atomic int fail_syncs;  /* so many of the next ones; what they were for is lost from the file */
    _Atomic int fail_cuts, fail_makes, fail_folders;
    _Atomic int syncs_failed; /* that did */
};

static int bad_create(void *context, int dir, const char *name)
{
    struct bad *bad = context;
    if (bad->fail_makes > 0) {
        bad->fail_makes--;
        errno = ENOSPC;
        return -1;
    }
    return ct_tape_disk_real.create(NULL, dir, name);
}

static ssize_t bad_write(void *context, int file, const struct iovec *parts, int count, int64_t offset)
{
    struct bad *bad = context;
    ssize_t all = 0;
    (void)count;
    size_t len = parts->iov_len; /* one part at a time, and of a large one a piece: as a file system may */
    if (len > 1000)
        len = 1000;
    if ((int64_t)len > bad->room)
        len = (size_t)bad->room;
    if (!len) {
        errno = ENOSPC;
        return -1;
    }
    all = pwrite(file, parts->iov_base, len, offset);
    if (all > 0)
        bad->room -= all;
    return all;
}

static int bad_sync(void *context, int file)
{
    struct bad *bad = context;
    struct stat info;
    if (bad->fail_syncs > 0 && fstat(file, &info) == 0) {
        bad->fail_syncs--;
        bad->syncs_failed++;
        /* The kernel drops the pages: what was written reads as something else later. */
        char junk[64];
        memset(junk, 0x55, sizeof junk);
        if (info.st_size > 200)
            (void)!pwrite(file, junk, sizeof junk, bad->junk_at ? bad->junk_at : info.st_size - 150);
        errno = EIO;
        return -1;
    }
    return fdatasync(file);
}

static int bad_truncate(void *context, int file, int64_t size)
{
    struct bad *bad = context;
    struct stat info;
    if (bad->fail_cuts > 0) {
        bad->fail_cuts--;
        errno = EIO;
        return -1;
    }
    if (fstat(file, &info) == 0 && info.st_size > size)
        bad->room += info.st_size - size;
    return ftruncate(file, size);
}

static int bad_sync_folder(void *context, int dir)
{
    struct bad *bad = context;
    if (bad->fail_folders > 0) {
        bad->fail_folders--;
        errno = EIO;
        return -1;
    }
    return fsync(dir);
}

static struct ct_tape_disk bad_disk(struct bad *bad)
{
    return (struct ct_tape_disk){bad, bad_create, bad_write, bad_sync, bad_truncate, bad_sync_folder};
}

static struct ct_tape_stats stats_of(struct ct_tape *tape)
{
    struct ct_tape_stats stats;
    ct_tape_stats(tape, &stats);
    return stats;
}

static void full_and_healed(void **state)
{
    (void)state;
    struct bad bad = {.room = 30000};
    struct ct_tape_disk disk = bad_disk(&bad);
    struct ct_tape *tape;
    struct ct_error err = {0};
    struct made made;
    struct ct_tape_options options = {
        .folder = folder, .segment_bytes = 9000, .buffer_bytes = 128 << 10, .commit_frames = 20};
    assert_int_equal(ct_tape_open_on(&options, &disk, &tape, NULL, &err), CT_OK);
    uint64_t taken = 0;
    enum ct_status status = CT_OK;
    for (int still = 0; still < 200; taken += status == CT_OK, still += status != CT_OK) {
        make_entry(&made, taken);
        status = ct_tape_append(tape, &made.entry, NULL);
        assert_true(status == CT_OK || status == CT_LIMIT || status == CT_IO);
        if (status != CT_OK)
            nap(2);
    }
    assert_int_equal(ct_tape_append(tape, &made.entry, NULL), CT_IO); /* full, and no wonder */
    struct ct_tape_stats stats = stats_of(tape);
    assert_true(stats.failing && stats.refused_failed > 0);
    assert_non_null(strstr(stats.problem, "No space left"));
    assert_non_null(strstr(stats.problem, folder));
    assert_int_equal(ct_tape_flush(tape), CT_IO);
    uint64_t confirmed = ct_tape_committed(tape);
    assert_true(confirmed > 10000 && confirmed <= 30000); /* what had room was not held up */
    struct found found = read_all(folder, 0, confirmed);
    assert_int_equal(found.end, confirmed);
    assert_int_equal(found.refused, 0);
    bad.room = 1 << 30;
    WAIT_FOR(!stats_of(tape).failing); /* by itself */
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    assert_string_equal(stats_of(tape).problem, "");
    append_made(tape, taken, taken + 50);
    ct_tape_close(tape);
    found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.frames, taken + 50);
    assert_int_equal(found.refused, 0);
}

/* Each of the disk's calls fails in turn, alone and with the cut that should mend it; the reader, who goes by the
 * commit, sees one unbroken tape all the while, and so does who opens it later. */
static void every_call_fails(void **state)
{
    (void)state;
    for (int mask = 1; mask < 32; mask++) {
        struct bad bad = {.room = 1 << 30};
        struct ct_tape_disk disk = bad_disk(&bad);
        struct ct_tape *tape;
        struct ct_error err = {0};
        struct ct_tape_options options = {.folder = folder, .segment_bytes = 7000};
        assert_int_equal(ct_tape_open_on(&options, &disk, &tape, NULL, &err), CT_OK);
        append_made(tape, 0, mask % 3 ? 30 : 0); /* there may be a segment already */
        assert_int_equal(ct_tape_flush(tape), CT_OK);
        uint64_t before = ct_tape_committed(tape);
        bad.room = mask & 1 ? 700 : 1 << 30;
        bad.fail_syncs = mask & 2 ? 2 : 0;
        bad.fail_cuts = mask & 4 ? 3 : 0;
        bad.fail_makes = mask & 8 ? 1 : 0;
        bad.fail_folders = mask & 16 ? 2 : 0;
        append_made(tape, 30, 60);
        enum ct_status status = ct_tape_flush(tape);
        if (mask & 3)
            assert_int_equal(status, CT_IO);
        struct found found = read_all(folder, 0, ct_tape_committed(tape));
        assert_int_equal(found.end, ct_tape_committed(tape));
        assert_int_equal(found.refused, 0);
        assert_true(found.end >= before);
        bad.room = 1 << 30;
        for (int tries = 0; status != CT_OK; tries++) {
            status = ct_tape_flush(tape); /* asks at once, not after half a second */
            assert_true(tries < 40);
        }
        append_made(tape, 60, 90);
        assert_int_equal(ct_tape_flush(tape), CT_OK);
        uint64_t end = ct_tape_committed(tape);
        for (int later = 0; later < 2; later++) {
            found = read_all(folder, 0, later ? UINT64_MAX : end);
            assert_int_equal(found.frames, mask % 3 ? 90 : 60);
            assert_int_equal(found.refused, 0);
            if (!later)
                ct_tape_close(tape);
        }
        struct ct_tape_opened opened;
        tape = open_tape(&options, &opened);
        assert_int_equal(opened.end, end);
        ct_tape_close(tape);
        scratch_empty(folder);
    }
}

/* A failed confirmation is never made good by a later one on the same file. */
static void failed_sync_goes_elsewhere(void **state)
{
    (void)state;
    struct bad bad = {.room = 1 << 30};
    struct ct_tape_disk disk = bad_disk(&bad);
    struct ct_tape *tape;
    struct ct_error err = {0};
    struct ct_tape_options options = {.folder = folder};
    assert_int_equal(ct_tape_open_on(&options, &disk, &tape, NULL, &err), CT_OK);
    append_made(tape, 0, 50);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    uint64_t before = ct_tape_committed(tape);
    assert_int_equal(stats_of(tape).segments, 1);
    struct ct_tape_reader *reader; /* one that follows, amid all this */
    struct ct_tape_entry entry;
    uint64_t read = 0;
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, NULL, &err), CT_OK);
    while (ct_tape_reader_next(reader, before, &entry, NULL, NULL, &err) == CT_OK)
        assert_int_equal(entry.sequence, read++);
    assert_int_equal(read, 50);
    bad.junk_at = (int64_t)(CT_SEGMENT_BEGIN + before + 300); /* with whole frames behind it */
    bad.fail_cuts = 1; /* what the failure left stays in the old file: it must not count */
    bad.fail_syncs = 1;
    append_made(tape, 50, 100);
    WAIT_FOR(bad.syncs_failed == 1);
    WAIT_FOR(ct_tape_committed(tape) > before);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    while (ct_tape_reader_next(reader, ct_tape_committed(tape), &entry, NULL, NULL, &err) == CT_OK)
        assert_int_equal(entry.sequence, read++);
    assert_int_equal(read, 100);
    ct_tape_reader_close(reader);
    assert_int_equal(stats_of(tape).segments, 2);
    char name[CT_SEGMENT_NAME], path[128];
    struct stat info;
    ct_segment_name(before, CT_SEGMENT_RAW, name);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &info), 0);
    (void)snprintf(path, sizeof path, "%s/%s", folder, "0000000000000000.tape");
    assert_int_equal(stat(path, &info), 0);
    assert_true((uint64_t)info.st_size > before + CT_SEGMENT_BEGIN);
    ct_tape_close(tape);
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.frames, 100);
    assert_int_equal(found.refused, 0);
}

/* The disk never comes back: closing ends, and what was confirmed is there. */
static void closes_on_a_dead_disk(void **state)
{
    (void)state;
    struct bad bad = {.room = 5000};
    struct ct_tape_disk disk = bad_disk(&bad);
    struct ct_tape *tape;
    struct ct_error err = {0};
    struct ct_tape_options options = {.folder = folder};
    assert_int_equal(ct_tape_open_on(&options, &disk, &tape, NULL, &err), CT_OK);
    append_made(tape, 0, 10);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    uint64_t before = ct_tape_committed(tape);
    append_made(tape, 10, 200);
    assert_int_equal(ct_tape_flush(tape), CT_IO);
    ct_tape_close(tape);
    struct ct_tape_opened opened;
    tape = open_tape(&options, &opened);
    assert_int_equal(opened.end, before);
    ct_tape_close(tape);
}

/* The real thing: the kernel's own limit on a file's size, in a process of its own. */
static void kernel_says_no(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {20000, RLIM_INFINITY};
        struct ct_tape_options options = {.folder = folder, .segment_bytes = 1 << 20};
        struct ct_tape *tape;
        struct made made;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || ct_tape_open(&options, &tape, NULL, NULL) != CT_OK)
            _exit(2);
        for (uint64_t i = 0; i < 1000; i++) {
            make_entry(&made, i);
            if (ct_tape_append(tape, &made.entry, NULL) != CT_OK)
                _exit(3);
        }
        if (ct_tape_flush(tape) != CT_IO || !strstr(stats_of(tape).problem, "File too large"))
            _exit(4);
        limit.rlim_cur = RLIM_INFINITY;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || ct_tape_flush(tape) != CT_OK || stats_of(tape).failing)
            _exit(5);
        ct_tape_close(tape);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.frames, 1000);
    assert_int_equal(found.refused, 0);
}

/* A file system that is full in truth; only where this may mount one. */
static void small_file_system(void **state)
{
    (void)state;
    char inner[128], filler[128];
    if (mount("none", folder, "tmpfs", 0, "size=1m") != 0)
        skip();
    (void)snprintf(inner, sizeof inner, "%s/tape", folder);
    (void)snprintf(filler, sizeof filler, "%s/filler", folder);
    int file = open(filler, O_WRONLY | O_CREAT, 0600);
    static const char zeros[4096];
    for (int i = 0; i < 200; i++)
        assert_int_equal(write(file, zeros, sizeof zeros), sizeof zeros);
    struct ct_tape_options options = {.folder = inner, .segment_bytes = 100000};
    struct ct_tape *tape = open_tape(&options, NULL);
    append_made(tape, 0, 2500);
    assert_int_equal(ct_tape_flush(tape), CT_IO);
    uint64_t confirmed = ct_tape_committed(tape);
    assert_non_null(strstr(stats_of(tape).problem, "No space left"));
    assert_int_equal(read_all(inner, 0, confirmed).end, confirmed);
    assert_int_equal(ftruncate(file, 0), 0); /* somebody makes room */
    WAIT_FOR(!stats_of(tape).failing);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    ct_tape_close(tape);
    struct found found = read_all(inner, 0, UINT64_MAX);
    assert_int_equal(found.frames, 2500);
    assert_int_equal(found.refused, 0);
    /* Nothing may be written at all. */
    struct ct_tape *none;
    struct ct_error err = {0};
    close(file);
    assert_int_equal(mount("none", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
    assert_int_equal(ct_tape_open(&options, &none, NULL, &err), CT_IO);
    assert_non_null(strstr(err.text, "Read-only"));
    assert_int_equal(read_all(inner, 0, UINT64_MAX).frames, 2500); /* but read */
    assert_int_equal(umount(folder), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        T(full_and_healed),       T(every_call_fails), T(failed_sync_goes_elsewhere),
        T(closes_on_a_dead_disk), T(kernel_says_no),   T(small_file_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
