/* live.c - what the live windows cost: a fold with two slice fields, a revision, and the answers.
 *
 *     bench_live [conversations a minute [minutes]]
 *
 * Folds the minutes one after the other, one conversation in ten with a revision of one of the last minutes, then asks
 * for every window, each time after another fold, so that no answer is a kept one; last, how long a fold takes while
 * another thread asks for everything all the time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "plugin/tap/live.h"
#include "tests/unit/random_record.h"

#define RECORDS 4096
#define START (INT64_C(1795258800) * CT_USEC_PER_SECOND)
#define ROUNDS 20

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(enum ct_status status)
{
    if (status != CT_OK) {
        fprintf(stderr, "%s\n", ct_status_text(status));
        exit(1);
    }
}

static const enum ct_slice_field fields[] = {CT_SLICE_CHANNEL, CT_SLICE_BOT};
static atomic_bool done;

static void *asks(void *context)
{
    while (!atomic_load(&done)) {
        for (int window = 0; window < CT_WINDOW_COUNT; window++) {
            struct ct_live_view view;
            check(ct_live_compute(context, (enum ct_window)window, &fields[0], &view));
            ct_live_view_done(&view);
        }
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 2,000 folds a second for two seconds. */
static void fold_while_asked(struct ct_live *live, struct ct_record *const *records, ct_usec now)
{
    static double took[4000];
    pthread_t thread;
    if (pthread_create(&thread, NULL, asks, live) != 0) {
        check(CT_NO_MEMORY);
    }
    for (size_t i = 0; i < 4000; i++) {
        double begun = seconds();
        check(ct_live_fold(live, now + (ct_usec)i * 500, NULL, records[i]));
        took[i] = seconds() - begun;
        nanosleep(&(struct timespec){.tv_nsec = 450000}, NULL);
    }
    atomic_store(&done, true);
    pthread_join(thread, NULL);
    qsort(took, 4000, sizeof *took, by_size);
    printf("fold while asked: p50 %.1f us, p99 %.1f us, most %.1f us\n", took[2000] * 1e6, took[3960] * 1e6,
           took[3999] * 1e6);
}

int main(int argc, char **argv)
{
    static struct ct_record *records[RECORDS];
    long a_minute = argc > 1 ? strtol(argv[1], NULL, 10) : 3000, minutes = argc > 2 ? strtol(argv[2], NULL, 10) : 90;
    seed = 1;
    for (size_t i = 0; i < RECORDS; i++) {
        records[i] = random_record(true, 6);
        records[i]->first_contact = CT_NULL;
    }
    struct ct_live *live = ct_live_new(&(struct ct_live_options){.fields = fields, .field_count = 2});
    if (!live) {
        check(CT_NO_MEMORY);
    }
    double fold = 0, revise = 0;
    long folded = 0, revised = 0;
    ct_usec now = START;
    for (long minute = 0; minute < minutes; minute++) {
        double begun = seconds();
        for (long i = 0; i < a_minute; i++) {
            now = START + minute * CT_USEC_PER_MINUTE + i * CT_USEC_PER_MINUTE / a_minute;
            check(ct_live_fold(live, now, NULL, records[folded++ % RECORDS]));
        }
        fold += seconds() - begun;
        begun = seconds();
        for (long i = 0; i < a_minute / 10 && minute > 0; i++) {
            /* Any two will do for the cost: what is taken out is put back by the next round. */
            struct ct_record *at = records[below(RECORDS)];
            check(ct_live_fold(live, now - (ct_usec)(below(3) * CT_USEC_PER_MINUTE), at, at));
            revised++;
        }
        revise += seconds() - begun;
    }
    printf("fold      %6.2f us a conversation (%ld)\nrevision  %6.2f us each (%ld), over three minutes at random\n",
           fold / (double)folded * 1e6, folded, revised ? revise / (double)revised * 1e6 : 0, revised);
    for (int by = 0; by < 2; by++) {
        double all = 0;
        for (int window = 0; window < CT_WINDOW_COUNT; window++) {
            double took = 0;
            for (int round = 0; round < ROUNDS; round++) {
                struct ct_live_view view;
                check(ct_live_fold(live, now, NULL, records[round]));
                double begun = seconds();
                check(ct_live_compute(live, (enum ct_window)window, by ? &fields[0] : NULL, &view));
                took += seconds() - begun;
                ct_live_view_done(&view);
            }
            printf("compute   %6.2f ms %s%s\n", took / ROUNDS * 1e3, ct_window_text((enum ct_window)window),
                   by ? " by channel" : "");
            all += took / ROUNDS * 1e3;
        }
        printf("compute   %6.2f ms all four\n", all);
    }
    fold_while_asked(live, records, now);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("memory    %6.1f MB at most\n", (double)usage.ru_maxrss / 1024);
    ct_live_free(live);
    for (size_t i = 0; i < RECORDS; i++) {
        free(records[i]);
    }
    return 0;
}
