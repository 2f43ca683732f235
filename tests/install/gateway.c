/* A gateway of somebody else's with the tap in it: built against the installed library, never against the tree.
 *
 *     gateway first CONFIG     pushes from two threads, leaves a conversation open
 *     gateway second CONFIG    goes on with it and ends it
 *     gateway full CONFIG      pushes while no file may grow, and again when they may
 *     gateway open CONFIG      opens and closes; exit status 3 and the problem where that cannot be
 */
#define _POSIX_C_SOURCE 200809L
#include <convtap.h>

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CONVERSATIONS = 50, TEXT_BYTES = 400 };

static int failures;

#define CHECK(what)                                                                                                    \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                                                  \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

static enum ct_tap_result say(struct ct_tap_handle *tap, const char *conversation, const char *role, const char *text)
{
    char json[TEXT_BYTES];
    int len =
        snprintf(json, sizeof json, "{\"conversation_id\":\"%s\",\"user_id\":\"u-%s\",\"role\":\"%s\",\"text\":\"%s\"}",
                 conversation, conversation, role, text);
    enum ct_tap_direction direction = strcmp(role, "user") == 0 ? CT_TAP_IN : CT_TAP_OUT;
    return ct_tap_push_from(tap, "webchat", NULL, json, (size_t)len, "convtap", direction, 0);
}

static enum ct_tap_result end(struct ct_tap_handle *tap, const char *conversation)
{
    char json[TEXT_BYTES];
    int len = snprintf(json, sizeof json,
                       "{\"conversation_id\":\"%s\",\"role\":\"system\",\"text\":\"\",\"event\":{\"type\":\"close\"}}",
                       conversation);
    return ct_tap_push_from(tap, "webchat", NULL, json, (size_t)len, "convtap", CT_TAP_UNKNOWN, 0);
}

struct worker {
    pthread_t thread;
    struct ct_tap_handle *tap;
    char letter;
    int taken;
};

static void *work(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < CONVERSATIONS; i++) {
        char name[32];
        snprintf(name, sizeof name, "%c-%d", worker->letter, i);
        worker->taken += say(worker->tap, name, "user", "¿Dónde está mi pedido?") == CT_TAP_TAKEN;
        worker->taken += say(worker->tap, name, "bot", "Llega mañana. ¿Algo más?") == CT_TAP_TAKEN;
        worker->taken += say(worker->tap, name, "user", "No, gracias") == CT_TAP_TAKEN;
        worker->taken += end(worker->tap, name) == CT_TAP_TAKEN;
    }
    return NULL;
}

static void push_nonsense(struct ct_tap_handle *tap)
{
    static const char text[] = "{}";
    static char long_name[257];
    memset(long_name, 'x', 256);
    CHECK(ct_tap_push(tap, text, 2, "no_such_format", CT_TAP_IN, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push(tap, text, 0, "convtap", CT_TAP_IN, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push(tap, NULL, 2, "convtap", CT_TAP_IN, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push(NULL, text, 2, "convtap", CT_TAP_IN, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push(tap, text, (32u << 20) + 1, "convtap", CT_TAP_IN, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push(tap, text, 2, "convtap", (enum ct_tap_direction)3, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push(tap, text, 2, "convtap", CT_TAP_IN, -1) == CT_TAP_INVALID);
    CHECK(ct_tap_push(tap, text, 2, "convtap", CT_TAP_IN, INT64_MAX) == CT_TAP_INVALID);
    CHECK(ct_tap_push_from(tap, "", NULL, text, 2, "convtap", CT_TAP_IN, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push_from(tap, long_name, NULL, text, 2, "convtap", CT_TAP_IN, 0) == CT_TAP_INVALID);
    CHECK(ct_tap_push_from(tap, "webchat", long_name, text, 2, "convtap", CT_TAP_IN, 0) == CT_TAP_INVALID);
    /* A known format with bytes that are not of it is taken: the judge counts it. */
    CHECK(ct_tap_push(tap, "{\"broken\":", 10, "convtap", CT_TAP_IN, 0) == CT_TAP_TAKEN);
}

static void first(struct ct_tap_handle *tap, const char *config)
{
    struct worker workers[2] = {{.tap = tap, .letter = 'a'}, {.tap = tap, .letter = 'b'}};
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    push_nonsense(tap);
    CHECK(say(tap, "long", "user", "hola") == CT_TAP_TAKEN);
    CHECK(say(tap, "long", "bot", "¿En qué te ayudo?") == CT_TAP_TAKEN);
    for (int i = 0; i < 2; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].taken == 4 * CONVERSATIONS);
    }
    CHECK(ct_tap_sync(tap) == 0);
    /* One tap a tape folder, in one process too. */
    char problem[512] = "";
    CHECK(ct_tap_open(config, problem, sizeof problem) == NULL);
    printf("second tap: %s\n", problem);
    CHECK(strlen(problem) > 10);
    char little[8];
    CHECK(ct_tap_open(config, little, sizeof little) == NULL && strlen(little) == 7);
}

static void second(struct ct_tap_handle *tap)
{
    CHECK(say(tap, "long", "user", "quiero hablar con una persona") == CT_TAP_TAKEN);
    CHECK(end(tap, "long") == CT_TAP_TAKEN);
    /* At a time of its own, of a stream, the format as configured. */
    static const char text[] = "{\"conversation_id\":\"late\",\"role\":\"user\",\"text\":\"hola\"}";
    CHECK(ct_tap_push_from(tap, "webchat", "socket-1", text, sizeof text - 1, NULL, CT_TAP_IN, 1770000000000000) ==
          CT_TAP_TAKEN);
    CHECK(end(tap, "late") == CT_TAP_TAKEN);
    CHECK(ct_tap_sync(tap) == 0);
}

static void let_files_grow(struct rlimit *limit, rlim_t to)
{
    limit->rlim_cur = to;
    CHECK(setrlimit(RLIMIT_FSIZE, limit) == 0);
}

static enum ct_tap_result say_number(struct ct_tap_handle *tap, int number)
{
    char text[32];
    snprintf(text, sizeof text, "hola %d", number);
    return say(tap, "full", "user", text);
}

/* What is taken is safe once the disk works again; what is not taken is refused at once, and may be tried again. */
static void full(struct ct_tap_handle *tap)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    struct rlimit limit;
    enum ct_tap_result result = CT_TAP_TAKEN;
    int taken = 0;
    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    let_files_grow(&limit, 1);
    while (taken < 20000 && (result = say_number(tap, taken)) == CT_TAP_TAKEN) {
        taken++;
    }
    CHECK(result == CT_TAP_FULL || result == CT_TAP_FAILED);
    CHECK(ct_tap_sync(tap) == -1);
    let_files_grow(&limit, limit.rlim_max);
    for (int i = 0; i < 3000 && (result = say_number(tap, taken)) != CT_TAP_TAKEN; i++) {
        nanosleep(&moment, NULL);
    }
    taken += result == CT_TAP_TAKEN;
    CHECK(end(tap, "full") == CT_TAP_TAKEN);
    int synced = -1;
    for (int i = 0; i < 3000 && (synced = ct_tap_sync(tap)) != 0; i++) {
        nanosleep(&moment, NULL);
    }
    CHECK(synced == 0);
    printf("taken %d\n", taken);
}

int main(int argc, char **argv)
{
    char problem[1024] = "";
    if (argc != 3) {
        fprintf(stderr, "usage: %s first|second|full|open CONFIG\n", argv[0]);
        return 2;
    }
    CHECK(strcmp(ct_tap_version(), "0.1.0") == 0);
    CHECK(ct_tap_sync(NULL) == -1);
    ct_tap_close(NULL);
    struct ct_tap_handle *tap = ct_tap_open(argv[2], problem, sizeof problem);
    if (!tap) {
        printf("problem: %s\n", problem);
        return 3;
    }
    /* The mask is as it was: the library's threads alone take no signals. */
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    CHECK(!sigismember(&mask, SIGTERM));
    if (strcmp(argv[1], "first") == 0) {
        first(tap, argv[2]);
    } else if (strcmp(argv[1], "second") == 0) {
        second(tap);
    } else if (strcmp(argv[1], "full") == 0) {
        full(tap);
    }
    ct_tap_close(tap);
    printf("done, %d failures\n", failures);
    return failures ? 1 : 0;
}
