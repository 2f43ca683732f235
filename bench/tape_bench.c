/* tape_bench.c - frames a second onto the tape and off it, and the CPU of each, beside a bare loop of write and
 * fdatasync without checks, names or threads.
 *
 *     tape_bench [folder [seconds [bytes]]]
 *
 * `folder` is made below the given one (".") and removed; `seconds` for each row (1); frames of `bytes` (400).
 *   append      what one append costs the thread that does it, alone, nothing being committed meanwhile
 *   groups      N frames, then wait until they are committed, again and again: tape and peer take turns, row by row
 *   sustained   as fast as they are taken, one and four threads, default grouping
 *   read        all of it back, checked; the same from compressed segments
 * CPU is that of the whole process, user and system, writer thread included.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "plugin/tape/tape.h"

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct measure {
    double wall, cpu;
};

static struct measure measure_begin(void)
{
    return (struct measure){seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
}

static void measure_end(struct measure from, const char *what, unsigned group, uint64_t frames)
{
    double wall = seconds_of(CLOCK_MONOTONIC) - from.wall, cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - from.cpu;
    printf("%-22s %6u %10" PRIu64 " frames %12.0f frames/s %8.0f ns wall %8.0f ns CPU a frame\n", what, group, frames,
           (double)frames / wall, wall / (double)frames * 1e9, cpu / (double)frames * 1e9);
    fflush(stdout);
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "tape_bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void empty(const char *folder)
{
    char path[600];
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%.200s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (dir)
        closedir(dir);
}

static char folder[300];
static char *payload;
static size_t payload_bytes = 400;
static double row_seconds = 1;

static struct ct_tape *tape_open(const struct ct_tape_options *options)
{
    struct ct_tape *tape;
    struct ct_error err = {0};
    if (ct_tape_open(options, &tape, NULL, &err) != CT_OK) {
        fprintf(stderr, "tape_bench: %s\n", err.text);
        exit(1);
    }
    return tape;
}

static struct ct_tape_entry entry_of(uint64_t sequence)
{
    return (struct ct_tape_entry){.kind = CT_TAPE_DATA,
                                  .direction = CT_DIRECTION_IN,
                                  .at = 1700000000000000,
                                  .source = CT_SPAN_LIT("webchat"),
                                  .stream = CT_SPAN_LIT("gateway-1"),
                                  .sequence = sequence,
                                  .bytes = {payload, payload_bytes}};
}

static void append(struct ct_tape *tape, uint64_t sequence)
{
    struct ct_tape_entry entry = entry_of(sequence);
    enum ct_status status;
    while ((status = ct_tape_append(tape, &entry, NULL)) == CT_LIMIT)
        usleep(200);
    if (status != CT_OK)
        give_up("append");
}

static void bench_append(void)
{
    enum { FRAMES = 100000 };
    struct ct_tape_options options = {.folder = folder,
                                      .commit_usec = 3600 * CT_USEC_PER_SECOND,
                                      .commit_frames = FRAMES * 2,
                                      .buffer_bytes = (size_t)1 << 30};
    struct ct_tape *tape = tape_open(&options);
    for (int round = 0; round < 3; round++) {
        double best = 1e9;
        uint64_t done = 0;
        /* Slices below the eager mark, so that the writer sleeps meanwhile; between them it empties what was filled. */
        while (done < FRAMES) {
            double from = seconds_of(CLOCK_THREAD_CPUTIME_ID);
            for (int i = 0; i < 2000; i++)
                append(tape, ++done);
            double cost = (seconds_of(CLOCK_THREAD_CPUTIME_ID) - from) / 2000 * 1e9;
            best = cost < best ? cost : best;
            if (ct_tape_flush(tape) != CT_OK)
                give_up("flush");
        }
        printf("append, round %d: %.0f ns CPU a frame of %zu bytes (best slice of 2,000)\n", round + 1, best,
               payload_bytes);
    }
    ct_tape_close(tape);
    empty(folder);
}

static void bench_group_tape(unsigned group)
{
    struct ct_tape_options options = {.folder = folder, .commit_frames = group};
    struct ct_tape *tape = tape_open(&options);
    uint64_t frames = 0;
    struct measure from = measure_begin();
    while (seconds_of(CLOCK_MONOTONIC) - from.wall < row_seconds) {
        for (unsigned i = 0; i < group; i++)
            append(tape, ++frames);
        if (ct_tape_flush(tape) != CT_OK)
            give_up("flush");
    }
    measure_end(from, "tape", group, frames);
    ct_tape_close(tape);
    empty(folder);
}

static void bench_group_peer(unsigned group)
{
    char path[400];
    snprintf(path, sizeof path, "%s/peer", folder);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char *buffer = malloc(group * (payload_bytes + 64));
    if (file < 0 || !buffer)
        give_up(path);
    uint64_t frames = 0;
    struct measure from = measure_begin();
    while (seconds_of(CLOCK_MONOTONIC) - from.wall < row_seconds) {
        size_t at = 0;
        for (unsigned i = 0; i < group; i++, frames++) {
            memcpy(buffer + at, payload, payload_bytes);
            at += payload_bytes + 52; /* as many bytes as a frame has */
        }
        if (write(file, buffer, at) != (ssize_t)at || fdatasync(file) != 0)
            give_up(path);
    }
    measure_end(from, "bare write+fdatasync", group, frames);
    free(buffer);
    close(file);
    empty(folder);
}

struct appender {
    struct ct_tape *tape;
    uint64_t frames;
    double until;
};

static void *append_until(void *context)
{
    struct appender *appender = context;
    while (seconds_of(CLOCK_MONOTONIC) < appender->until)
        for (int i = 0; i < 256; i++)
            append(appender->tape, ++appender->frames);
    return NULL;
}

static void bench_sustained(unsigned threads, const struct ct_tape_options *options)
{
    struct ct_tape *tape = tape_open(options);
    struct appender appenders[16];
    pthread_t ids[16];
    uint64_t frames = 0;
    struct measure from = measure_begin();
    for (unsigned i = 0; i < threads; i++) {
        appenders[i] = (struct appender){tape, 0, from.wall + row_seconds * 2};
        if (pthread_create(&ids[i], NULL, append_until, &appenders[i]) != 0)
            give_up("thread");
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        frames += appenders[i].frames;
    }
    if (ct_tape_flush(tape) != CT_OK)
        give_up("flush");
    measure_end(from, "sustained, threads:", threads, frames);
    struct ct_tape_stats stats;
    ct_tape_stats(tape, &stats);
    printf("  %" PRIu64 " commits, %.0f frames each, longest %" PRId64 " us, %" PRIu64 " times full\n", stats.commits,
           (double)stats.frames / (double)stats.commits, stats.longest_commit_usec, stats.refused_full);
    if (options->compress) {
        from = measure_begin();
        uint64_t bytes = 0;
        for (int same = 0; same < 10; bytes = stats.disk_bytes) {
            usleep(100000);
            ct_tape_stats(tape, &stats);
            same = stats.disk_bytes == bytes ? same + 1 : 0;
        }
        printf("  packed to %.2f of %.1f MiB\n", (double)stats.disk_bytes / (double)stats.end,
               (double)stats.end / 1048576);
    }
    ct_tape_close(tape);
}

static void bench_read(const char *what)
{
    struct ct_tape_reader *reader;
    struct ct_tape_entry entry;
    struct ct_error err = {0};
    if (ct_tape_reader_open(folder, 0, &reader, NULL, &err) != CT_OK)
        give_up(err.text);
    uint64_t frames = 0;
    struct measure from = measure_begin();
    enum ct_status status;
    while ((status = ct_tape_reader_next(reader, UINT64_MAX, &entry, NULL, NULL, &err)) == CT_OK)
        frames++;
    if (status != CT_NOT_FOUND)
        give_up(err.text);
    measure_end(from, what, 0, frames);
    ct_tape_reader_close(reader);
    empty(folder);
}

int main(int argc, char **argv)
{
    static const unsigned group_sizes[] = {1, 16, 64, 256, 1024};
    snprintf(folder, sizeof folder, "%.200s/tape-bench-XXXXXX", argc > 1 ? argv[1] : ".");
    if (argc > 2)
        row_seconds = (double)strtoul(argv[2], NULL, 10);
    if (argc > 3)
        payload_bytes = strtoul(argv[3], NULL, 10);
    payload = malloc(payload_bytes + 1);
    if (!payload || !mkdtemp(folder))
        give_up(folder);
    for (size_t i = 0; i < payload_bytes; i++)
        payload[i] = "{\"conversation_id\":\"c-4711\",\"role\":\"user\",\"text\":\"hola\"}"[i % 57];
    bench_append();
    for (size_t i = 0; i < sizeof group_sizes / sizeof *group_sizes; i++) {
        bench_group_peer(group_sizes[i]);
        bench_group_tape(group_sizes[i]);
    }
    struct ct_tape_options options = {.folder = folder};
    bench_sustained(4, &options);
    empty(folder);
    bench_sustained(1, &options);
    bench_read("read");
    options.compress = true;
    options.segment_bytes = 16 << 20;
    bench_sustained(1, &options);
    bench_read("read, packed");
    rmdir(folder);
    free(payload);
    return 0;
}
