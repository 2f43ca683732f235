/* The tape as it is written and followed: fields, segments, retention, redaction, bounds, threads, the lock. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "plugin/tape/disk.h"
#include "tests/unit/tape_folder.h"

static void round_trip(void **state)
{
    (void)state;
    char longest[255], *large = malloc(CT_TAPE_BYTES_MAX);
    assert_non_null(large);
    memset(longest, 'n', sizeof longest);
    for (size_t i = 0; i < CT_TAPE_BYTES_MAX; i++)
        large[i] = (char)(i * 7 + i / 1000);
    const ct_span name = {longest, sizeof longest};
    const struct ct_tape_entry entries[] = {
        {.kind = CT_TAPE_TICK, .at = -1},
        {.kind = CT_TAPE_DATA,
         .direction = CT_DIRECTION_OUT,
         .at = INT64_MAX,
         .source = name,
         .format = name,
         .stream = name,
         .target = name,
         .sequence = UINT64_MAX,
         .bytes = {large, CT_TAPE_BYTES_MAX}},
        {.kind = CT_TAPE_SETUP, .at = CT_USEC_NONE, .bytes = CT_SPAN_LIT("a\0b")},
        {.kind = CT_TAPE_DATA, .direction = CT_DIRECTION_IN, .stream = CT_SPAN_LIT("s"), .sequence = 1},
    };
    enum { COUNT = sizeof entries / sizeof *entries };
    uint64_t ends[COUNT];
    struct ct_tape_opened opened;
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = folder}, &opened);
    assert_int_equal(opened.begin, 0);
    assert_int_equal(opened.end, 0);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(ct_tape_append(tape, &entries[i], &ends[i]), CT_OK);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    assert_int_equal(ct_tape_committed(tape), ends[COUNT - 1]);
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    uint64_t position, end, before = 0;
    struct ct_error err = {0};
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, NULL, &err), CT_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(ct_tape_reader_next(reader, ends[i] - 1, &entry, &position, &end, &err), CT_NOT_FOUND);
        assert_int_equal(ct_tape_reader_next(reader, ends[i], &entry, &position, &end, &err), CT_OK);
        assert_true(same_entry(&entry, &entries[i]));
        assert_int_equal(position, before);
        assert_int_equal(end, ends[i]);
        before = end;
    }
    assert_int_equal(ct_tape_reader_next(reader, UINT64_MAX, &entry, &position, &end, &err), CT_NOT_FOUND);
    ct_tape_reader_close(reader);

    char over[256] = {0};
    struct ct_tape_entry wrong = {.kind = CT_TAPE_DATA, .stream = {over, sizeof over}};
    assert_int_equal(ct_tape_append(tape, &wrong, NULL), CT_LIMIT);
    wrong = (struct ct_tape_entry){.kind = CT_TAPE_DATA, .bytes = {large, (size_t)CT_TAPE_BYTES_MAX + 1}};
    assert_int_equal(ct_tape_append(tape, &wrong, NULL), CT_LIMIT);
    struct ct_tape_stats stats;
    ct_tape_stats(tape, &stats);
    assert_int_equal(stats.refused_long, 2);
    wrong = (struct ct_tape_entry){.kind = (enum ct_tape_kind)4};
    assert_int_equal(ct_tape_append(tape, &wrong, NULL), CT_USAGE);
    ct_tape_close(tape);
    free(large);
}

static void rotates_and_goes_on(void **state)
{
    (void)state;
    struct ct_tape_options options = {.folder = folder, .segment_bytes = 5000};
    uint64_t end = 0;
    for (uint64_t round = 0; round < 5; round++) {
        struct ct_tape_opened opened;
        struct ct_tape *tape = open_tape(&options, &opened);
        assert_int_equal(opened.end, end);
        assert_int_equal(opened.cut_bytes, 0);
        append_made(tape, round * 100, round * 100 + 100);
        assert_int_equal(ct_tape_flush(tape), CT_OK);
        struct ct_tape_stats stats;
        ct_tape_stats(tape, &stats);
        assert_int_equal(stats.frames, 100);
        assert_int_equal(stats.committed, stats.end);
        assert_true(stats.segments > round * 2 && stats.commits > 0 && !stats.failing);
        assert_int_equal(stats.disk_bytes, stats.end + stats.segments * CT_SEGMENT_BEGIN);
        end = stats.end;
        ct_tape_close(tape);
    }
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.frames, 500);
    assert_int_equal(found.refused, 0);
    assert_int_equal(found.end, end);
    struct found part = read_all(folder, found.end / 2, UINT64_MAX); /* amid a frame, most likely: said, then all */
    assert_true(part.frames > 200 && part.frames < 300 && part.refused <= 1 && part.last == 499);
}

/* ---- retention ---- */

static _Atomic ct_usec clock_now = 1000000;

static ct_usec test_now(void)
{
    return clock_now;
}

static struct ct_tape_stats stats_of(struct ct_tape *tape)
{
    struct ct_tape_stats stats;
    ct_tape_stats(tape, &stats);
    return stats;
}

static void retention_by_size(void **state)
{
    (void)state;
    struct ct_tape_options options = {.folder = folder, .segment_bytes = 4000, .keep_bytes = 20000};
    struct ct_tape *tape = open_tape(&options, NULL);
    ct_tape_keep_from(tape, 5000);
    append_made(tape, 0, 400);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    uint64_t kept = stats_of(tape).begin;
    WAIT_FOR(stats_of(tape).begin > 0); /* what is before 5000 may go, */
    nap(50);
    kept = stats_of(tape).begin;
    assert_true(kept <= 5000 && kept > 500);
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct ct_error err = {0};
    uint64_t at, end, start;
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, &start, &err), CT_OK);
    assert_int_equal(start, kept);
    assert_int_equal(ct_tape_reader_next(reader, UINT64_MAX, &entry, &at, &end, &err), CT_OK);
    ct_tape_keep_from(tape, UINT64_MAX); /* and now as much as has to */
    WAIT_FOR(stats_of(tape).disk_bytes <= 20000);
    struct ct_tape_stats stats = stats_of(tape);
    assert_true(stats.removed_segments > 3 && stats.disk_bytes > 12000);
    /* Beneath the reader: it has its segment to the end, then says what it missed and goes on. */
    uint64_t before = end, frames = 1, gaps = 0;
    for (;;) {
        enum ct_status status = ct_tape_reader_next(reader, ct_tape_committed(tape), &entry, &at, &end, &err);
        if (status == CT_NOT_FOUND)
            break;
        if (status == CT_REFUSED) {
            gaps++;
            assert_non_null(strstr(err.text, "removed"));
            assert_int_equal(err.offset, before);
            before = stats.begin;
            continue;
        }
        assert_int_equal(status, CT_OK);
        assert_int_equal(at, before);
        before = end;
        frames++;
    }
    assert_int_equal(gaps, 1);
    assert_int_equal(before, stats.committed);
    assert_true(frames > 50);
    ct_tape_reader_close(reader);
    ct_tape_close(tape);
}

static void retention_by_age(void **state)
{
    (void)state;
    struct ct_tape_options options = {
        .folder = folder, .segment_bytes = 4000, .keep_usec = CT_USEC_PER_HOUR, .now = test_now};
    clock_now = 1700000000000000;
    struct ct_tape *tape = open_tape(&options, NULL);
    append_made(tape, 0, 100);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    uint64_t old = stats_of(tape).end;
    assert_int_equal(stats_of(tape).begin, 0);
    clock_now += 59 * CT_USEC_PER_MINUTE;
    append_made(tape, 100, 200);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    nap(50);
    assert_int_equal(stats_of(tape).begin, 0);
    clock_now += 2 * CT_USEC_PER_MINUTE;
    ct_tape_keep_from(tape, old); /* makes it look */
    WAIT_FOR(stats_of(tape).begin > old - 4000);
    assert_true(stats_of(tape).begin <= old);
    ct_tape_close(tape);
    struct found found = read_all(folder, 0, UINT64_MAX);
    assert_int_equal(found.last, 199);
}

/* ---- redaction ---- */

static bool redact(void *context, struct ct_tape_entry *entry, char *copy)
{
    ++*(int *)context;
    assert_ptr_equal(entry->bytes.at, copy);
    if (entry->sequence == 2 || ct_span_is(entry->bytes, "out"))
        return false;
    if (entry->sequence == 3) { /* shorter, from the middle */
        entry->bytes.at += 2;
        entry->bytes.len -= 2;
    } else if (entry->bytes.len) {
        copy[0] = '*';
    }
    return true;
}

static void redacts_a_copy(void **state)
{
    (void)state;
    int calls = 0;
    struct ct_tape_options options = {.folder = folder, .redact = redact, .redact_context = &calls};
    struct ct_tape *tape = open_tape(&options, NULL);
    char big[20000];
    memset(big, 'b', sizeof big);
    const char *text = "secret";
    const struct ct_tape_entry entries[] = {
        {.kind = CT_TAPE_DATA, .sequence = 1, .bytes = ct_span_of(text)},
        {.kind = CT_TAPE_DATA, .sequence = 2, .bytes = ct_span_of(text)},
        {.kind = CT_TAPE_DATA, .sequence = 3, .bytes = ct_span_of(text)},
        {.kind = CT_TAPE_DATA, .sequence = 4, .bytes = {big, sizeof big}},
        {.kind = CT_TAPE_DATA, .sequence = 5},
        {.kind = CT_TAPE_SETUP, .sequence = 6, .bytes = ct_span_of(text)},
        {.kind = CT_TAPE_DATA, .bytes = ct_span_of("out")},
    };
    uint64_t ends[7];
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(ct_tape_append(tape, &entries[i], &ends[i]), CT_OK);
    assert_true(ends[1] > ends[0]);     /* left out, but for its number */
    assert_int_equal(ends[6], ends[5]); /* without one: what it would have waited for is the one before */
    assert_int_equal(big[0], 'b');
    assert_int_equal(calls, 6);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    assert_int_equal(stats_of(tape).left_out, 2);
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct ct_error err = {0};
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, NULL, &err), CT_OK);
    static const char *const due[] = {"*ecret", "", "cret", NULL, "", "secret"};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(ct_tape_reader_next(reader, UINT64_MAX, &entry, NULL, NULL, &err), CT_OK);
        assert_int_equal(entry.sequence, i + 1);
        if (due[i])
            assert_true(ct_span_is(entry.bytes, due[i]));
        else
            assert_true(entry.bytes.len == sizeof big && entry.bytes.at[0] == '*' && entry.bytes.at[1] == 'b');
    }
    ct_tape_reader_close(reader);
    ct_tape_close(tape);
}

/* ---- bounds ---- */

/* A disk that waits until it is let go. */
struct slow {
    pthread_mutex_t held;
};

static ssize_t slow_write(void *context, int file, const struct iovec *parts, int count, int64_t offset)
{
    struct slow *slow = context;
    pthread_mutex_lock(&slow->held);
    pthread_mutex_unlock(&slow->held);
    return ct_tape_disk_real.write(NULL, file, parts, count, offset);
}

static void full_buffer(void **state)
{
    (void)state;
    struct slow slow = {PTHREAD_MUTEX_INITIALIZER};
    struct ct_tape_disk disk = ct_tape_disk_real;
    struct ct_tape *tape;
    struct ct_error err = {0};
    disk.context = &slow;
    disk.write = slow_write;
    struct ct_tape_options options = {.folder = folder, .buffer_bytes = 256 << 10};
    assert_int_equal(ct_tape_open_on(&options, &disk, &tape, NULL, &err), CT_OK);
    pthread_mutex_lock(&slow.held);
    struct made made;
    uint64_t taken = 0, bytes = 0, end = 0;
    enum ct_status status;
    for (;; taken++) {
        make_entry(&made, taken);
        uint64_t before = end;
        status = ct_tape_append(tape, &made.entry, &end);
        if (status != CT_OK)
            break;
        bytes += end - before;
        assert_true(taken < 100000);
    }
    assert_int_equal(status, CT_LIMIT);
    assert_true(bytes <= 256 << 10 && bytes > 200 << 10);
    assert_int_equal(ct_tape_append(tape, &made.entry, NULL), CT_LIMIT);
    assert_int_equal(stats_of(tape).refused_full, 2);
    assert_int_equal(stats_of(tape).refused_failed, 0);
    assert_int_equal(ct_tape_committed(tape), 0);
    pthread_mutex_unlock(&slow.held);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    append_made(tape, taken, taken + 10);
    /* Larger than the whole buffer: has room while nothing else waits. */
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    char *large = calloc(1, 1 << 20);
    struct ct_tape_entry entry = {.kind = CT_TAPE_DATA, .bytes = {large, 1 << 20}};
    assert_int_equal(ct_tape_append(tape, &entry, NULL), CT_OK);
    free(large);
    ct_tape_close(tape);
    struct ct_tape_reader *reader;
    uint64_t frames = 0;
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, NULL, &err), CT_OK);
    while (ct_tape_reader_next(reader, UINT64_MAX, &entry, NULL, NULL, &err) == CT_OK)
        frames++;
    ct_tape_reader_close(reader);
    assert_int_equal(frames, taken + 11);
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 20000 };

struct appender {
    struct ct_tape *tape;
    uint64_t number;
};

static void *append_many(void *context)
{
    struct appender *appender = context;
    char stream[8] = {(char)('a' + appender->number)}, text[400];
    uint64_t last = 0;
    for (uint64_t i = 1; i <= EACH; i++) {
        memset(text, (int)(i & 0xFF), sizeof text);
        struct ct_tape_entry entry = {
            .kind = CT_TAPE_DATA, .stream = {stream, 1}, .sequence = i, .bytes = {text, (size_t)(i % sizeof text)}};
        uint64_t end;
        while (ct_tape_append(appender->tape, &entry, &end) == CT_LIMIT)
            nap(1);
        if (end <= last)
            return "an end went back";
        last = end;
    }
    return NULL;
}

/* A reader that follows the commit while four threads append: each one's frames come in order, all of them. */
static void many_appenders_one_follower(void **state)
{
    (void)state;
    struct ct_tape_options options = {
        .folder = folder, .segment_bytes = 1 << 20, .buffer_bytes = 1 << 20, .commit_usec = 1000, .compress = true};
    struct ct_tape *tape = open_tape(&options, NULL);
    pthread_t threads[THREADS];
    struct appender appenders[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        appenders[i] = (struct appender){tape, i};
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &appenders[i]), 0);
    }
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct ct_error err = {0};
    assert_int_equal(ct_tape_reader_open(folder, 0, &reader, NULL, &err), CT_OK);
    uint64_t next[THREADS] = {1, 1, 1, 1}, at, end, before = 0;
    for (uint64_t frames = 0, idle = 0; frames < (uint64_t)THREADS * EACH;) {
        uint64_t limit = ct_tape_committed(tape);
        enum ct_status status = ct_tape_reader_next(reader, limit, &entry, &at, &end, &err);
        if (status == CT_NOT_FOUND) {
            assert_int_equal(before, limit); /* all that is committed is there */
            assert_true(++idle < 100000);
            nap(1);
            continue;
        }
        if (status != CT_OK)
            fail_msg("%s", err.text);
        assert_int_equal(at, before);
        before = end;
        size_t from = (size_t)(entry.stream.at[0] - 'a');
        assert_true(entry.stream.len == 1 && from < THREADS);
        assert_int_equal(entry.sequence, next[from]++);
        assert_int_equal(entry.bytes.len, entry.sequence % 400);
        for (size_t i = 0; i < entry.bytes.len; i++)
            if ((unsigned char)entry.bytes.at[i] != (entry.sequence & 0xFF))
                fail_msg("wrong bytes");
        frames++;
    }
    for (int i = 0; i < THREADS; i++) {
        void *what;
        pthread_join(threads[i], &what);
        assert_null(what);
    }
    ct_tape_reader_close(reader);
    ct_tape_close(tape);
}

struct commits {
    uint64_t last, calls;
};

static void note_commit(void *context, uint64_t position)
{
    struct commits *commits = context;
    if (position > commits->last)
        commits->calls++;
    commits->last = position;
}

static void groups(void **state)
{
    (void)state;
    struct commits commits = {0};
    struct ct_tape_options options = {.folder = folder,
                                      .commit_usec = 3600 * CT_USEC_PER_SECOND,
                                      .commit_frames = 50,
                                      .committed = note_commit,
                                      .committed_context = &commits};
    struct ct_tape *tape = open_tape(&options, NULL);
    append_made(tape, 0, 49);
    nap(30);
    assert_int_equal(ct_tape_committed(tape), 0); /* the group is not full, and there is an hour */
    append_made(tape, 49, 50);
    WAIT_FOR(ct_tape_committed(tape) == stats_of(tape).end);
    assert_int_equal(stats_of(tape).commits, 1);
    append_made(tape, 50, 51);
    assert_int_equal(ct_tape_flush(tape), CT_OK);
    assert_int_equal(ct_tape_flush(tape), CT_OK); /* of nothing */
    assert_int_equal(stats_of(tape).commits, 2);
    append_made(tape, 51, 53);
    uint64_t end = stats_of(tape).end;
    ct_tape_close(tape); /* commits what waits */
    assert_int_equal(commits.last, end);
    assert_int_equal(commits.calls, 3);
    tape = open_tape(&(struct ct_tape_options){.folder = folder, .commit_usec = 5000}, NULL);
    append_made(tape, 53, 54);
    WAIT_FOR(ct_tape_committed(tape) == stats_of(tape).end); /* by time alone */
    ct_tape_close(tape);
    assert_int_equal(read_all(folder, 0, UINT64_MAX).frames, 54);
}

/* ---- the lock ---- */

static void two_writers(void **state)
{
    (void)state;
    struct ct_tape *tape, *second;
    struct ct_error err = {0};
    int pipes[2];
    char pid[32], path[128];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ct_tape_options options = {.folder = folder};
        char done = ct_tape_open(&options, &tape, NULL, NULL) == CT_OK ? '+' : '-';
        if (write(pipes[1], &done, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char done = 0;
    assert_int_equal(read(pipes[0], &done, 1), 1);
    assert_int_equal(done, '+');
    struct ct_tape_options options = {.folder = folder};
    assert_int_equal(ct_tape_open(&options, &second, NULL, &err), CT_LIMIT);
    (void)snprintf(pid, sizeof pid, "process %ld ", (long)child);
    assert_non_null(strstr(err.text, pid));
    assert_int_equal(read_all(folder, 0, UINT64_MAX).frames, 0); /* readers need none */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(pipes[0]);
    close(pipes[1]);
    tape = open_tape(&options, NULL);                                        /* the dead one's lock went with it */
    assert_int_equal(ct_tape_open(&options, &second, NULL, &err), CT_LIMIT); /* also in one process */
    ct_tape_close(tape);
    (void)snprintf(path, sizeof path, "%s/lock", folder);
    options.folder = path; /* a file */
    assert_int_equal(ct_tape_open(&options, &second, NULL, &err), CT_IO);
    assert_non_null(strstr(err.text, path));
    (void)snprintf(path, sizeof path, "%s/lock/below", folder);
    assert_int_equal(ct_tape_open(&options, &second, NULL, &err), CT_IO);
    options.folder = "";
    assert_int_equal(ct_tape_open(&options, &second, NULL, &err), CT_IO);
    struct ct_tape_reader *reader;
    assert_int_equal(ct_tape_reader_open("/nonexistent/tape", 0, &reader, NULL, &err), CT_IO);
}

static void makes_its_folders(void **state)
{
    (void)state;
    char path[128];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/a/b", folder);
    struct ct_tape *tape = open_tape(&(struct ct_tape_options){.folder = path}, NULL);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    ct_tape_close(tape);
    scratch_remove(path);
    *strrchr(path, '/') = 0;
    scratch_remove(path);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        T(round_trip),     T(rotates_and_goes_on), T(retention_by_size),           T(retention_by_age),
        T(redacts_a_copy), T(full_buffer),         T(many_appenders_one_follower), T(groups),
        T(two_writers),    T(makes_its_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
