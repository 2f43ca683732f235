/* serve_tap.c - starts a tap as the configuration describes it; see serve_tap.h. Called by serve.c, by libconvtap
 * (plugin/embed) and by the libwebsockets plugin (plugin/protocol).
 */
#include "cli/serve_tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/packs.h"
#include "cli/serve_config.h"

ct_usec ct_serve_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (ct_usec)now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

/* Each of many problems of rules; the first comes back as an error, too. */
static void on_problem(void *context, const struct ct_error *problem)
{
    (void)context;
    fprintf(stderr, "%s:%u:%u: error: %s\n", problem->file, problem->line, problem->column, problem->text);
}

/* Its user's alone, whatever the umask of the program that we are in: SQLite would follow that. What SQLite makes
 * beside it has the rights of the file itself. */
static void make_private(const char *store)
{
    int fd = store ? open(store, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        close(fd); /* where it cannot be made, opening the store says why */
    }
}

static enum ct_status no_memory(struct ct_error *err)
{
    return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
}

/* Threads inherit the mask: a signal is for the program's own threads. */
static enum ct_status start_unsignalled(const struct ct_tap_options *options, struct ct_tap **out, struct ct_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum ct_status status = ct_tap_start(options, out, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

enum ct_status ct_serve_tap_start(struct ct_config *config, struct ct_setups *setups,
                                  const struct ct_serve_tap_calls *calls, char setup_hash[65], struct ct_tap **out,
                                  struct ct_error *err)
{
    const struct ct_serve_settings *s = ct_config_part(config, CT_SECTION_SERVE, 0);
    const struct ct_tape_settings *t = ct_config_part(config, CT_SECTION_TAPE, 0);
    struct ct_kpi_options *kpis = ct_arena_zalloc(&config->arena, sizeof *kpis);
    char *packed;
    size_t len;
    const struct ct_zone *zone;
    *out = NULL;
    if (!kpis) {
        return no_memory(err);
    }
    *kpis = (struct ct_kpi_options){.targets = config->targets, .target_count = config->target_count};
    if (ct_config_segments(config, kpis) != CT_OK) {
        return no_memory(err);
    }
    ct_setups_report(setups, on_problem, NULL);
    enum ct_status status = ct_serve_zone(config, &zone, err);
    if (status == CT_OK) {
        status = ct_setup_of_config(config, &packed, &len, err);
    }
    if (status != CT_OK) {
        return status;
    }
    status = ct_packs_hash(&(struct ct_pack_source){.bytes = {packed, len}}, 1, setup_hash, err);
    const struct ct_tap_options options = {
        .tape = {.folder = t->folder,
                 .commit_usec = t->commit_usec,
                 .commit_frames = (uint32_t)t->commit_frames,
                 .segment_bytes = t->segment_bytes,
                 .keep_usec = t->keep_usec,
                 .keep_bytes = t->keep_bytes,
                 .buffer_bytes = t->buffer_bytes,
                 .compress = t->compress,
                 .now = ct_serve_now},
        .store = s->store,
        .setups = {setups, ct_setups_open},
        .setup = {packed, len},
        .limits = {.open_max = (size_t)s->open_max,
                   .conversation_bytes_max = s->conversation_bytes_max,
                   .memory_max = s->memory_max},
        .live = {.fields = s->slices.at, .field_count = s->slices.count, .zone = zone, .kpis = kpis},
        .tick_usec = s->tick_usec,
        .state_usec = s->state_usec,
        .now = ct_serve_now,
        .on_publish = calls->on_publish,
        .on_commit = calls->on_commit,
        .log = calls->log,
        .context = calls->context};
    if (status == CT_OK) {
        make_private(s->store);
        status = start_unsignalled(&options, out, err);
    }
    free(packed);
    return status;
}
