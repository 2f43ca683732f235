/* serve.c - `convtap serve`: the live tap. Composes tap, doors, relays and subscriptions, and waits for signals.
 *
 * Start: configuration, rules, tape, tap, doors, relays, subscriptions. Stop, the other way round as to what comes in:
 * relays and subscriptions first, then the intake; what came is judged and stored; then the desk and the tap.
 */
#include "cli/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/secrets.h"

enum { GRACE_SECONDS = 5 };

static const struct ct_command *const self = &ct_command_serve;

/* ---- what the tap calls ------------------------------------------------------------------ */

static void on_publish(void *context, const struct ct_published *published)
{
    struct ct_serve *serve = context;
    pthread_mutex_lock(&serve->wake_lock);
    if (serve->desk) {
        ct_desk_published(serve->desk, published);
    }
    pthread_mutex_unlock(&serve->wake_lock);
}

static void on_commit(void *context, uint64_t position)
{
    struct ct_serve *serve = context;
    (void)position;
    pthread_mutex_lock(&serve->wake_lock);
    if (serve->intake_gate) {
        ct_gate_wake(serve->intake_gate);
    }
    pthread_mutex_unlock(&serve->wake_lock);
}

/* ---- starting ----------------------------------------------------------------------------- */

static int failed(const struct ct_serve *serve, const struct ct_error *err, enum ct_status status)
{
    bool output = status == CT_IO || status == CT_NO_MEMORY || status == CT_LIMIT;
    return ct_options_error(serve->command, output ? CT_EXIT_OUTPUT : CT_EXIT_USAGE, err);
}

static enum ct_status start_tap(struct ct_serve *serve, struct ct_error *err)
{
    const struct ct_serve_tap_calls calls = {
        .on_publish = on_publish, .on_commit = on_commit, .log = ct_serve_log_line, .context = serve};
    return ct_serve_tap_start(serve->config, serve->setups, &calls, serve->setup_hash, &serve->tap, err);
}

static enum ct_status start_relays(struct ct_serve *serve, struct ct_error *err)
{
    const struct ct_config_group *group = &serve->config->groups[CT_SECTION_RELAY];
    enum ct_status status = CT_OK;
    serve->relays = calloc(group->count + 1, sizeof *serve->relays);
    if (!serve->relays) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (size_t i = 0; i < group->count && status == CT_OK; i++) {
        const struct ct_relay_settings *r = group->items[i].to;
        const struct ct_relay_options options = {.source = r->source,
                                                 .listen = r->listen,
                                                 .upstream = r->upstream,
                                                 .listen_tls = r->certificate != NULL,
                                                 .upstream_tls = r->upstream_tls,
                                                 .listen_with = {.certificate = r->certificate, .key = r->key},
                                                 .upstream_with = {.authorities = r->upstream_authorities,
                                                                   .server_name = r->upstream_name,
                                                                   .verify = r->upstream_verify},
                                                 .client_is =
                                                     r->client_is == CT_CLIENT_BOT ? CT_DIRECTION_OUT : CT_DIRECTION_IN,
                                                 .paths = r->paths,
                                                 .websocket = (r->read & CT_READ_WEBSOCKET) != 0,
                                                 .events = (r->read & CT_READ_EVENTS) != 0,
                                                 .http = (r->read & CT_READ_HTTP) != 0,
                                                 .connections_max = (unsigned)r->connections_max,
                                                 .message_max = r->message_max,
                                                 .now = ct_serve_now};
        status = ct_relay_start(&options, ct_tap_intake(serve->tap), &serve->relays[i], err);
        pthread_mutex_lock(&serve->counters_lock);
        serve->relay_count += status == CT_OK;
        pthread_mutex_unlock(&serve->counters_lock);
    }
    return status;
}

static enum ct_status start_subscriptions(struct ct_serve *serve, struct ct_error *err)
{
    const struct ct_config_group *group = &serve->config->groups[CT_SECTION_SUBSCRIPTION];
    enum ct_status status = CT_OK;
    if (!group->count) {
        return CT_OK;
    }
    struct ct_subscription *all = calloc(group->count, sizeof *all);
    char **secrets = calloc(group->count, sizeof *secrets);
    if (!all || !secrets) {
        status = ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (size_t i = 0; i < group->count && status == CT_OK; i++) {
        const struct ct_subscription_settings *s = group->items[i].to;
        status = ct_secret_read(s->secret_file, s->secret_env, &secrets[i], err);
        all[i] = (struct ct_subscription){.source = s->source,
                                          .kind = (enum ct_subscribe_kind)s->kind,
                                          .url = s->url,
                                          .identifier = s->identifier,
                                          .secret = secrets[i],
                                          .origin = s->origin,
                                          .subprotocol = s->subprotocol,
                                          .authorities = s->authorities,
                                          .verify = s->verify};
    }
    if (status == CT_OK) {
        status = ct_subscriber_start(all, group->count, ct_tap_intake(serve->tap), ct_serve_now, ct_serve_random,
                                     &serve->subscriber, err);
        if (status == CT_OK) {
            ct_subscriber_watch(serve->subscriber, ct_serve_log_line, NULL);
        }
        pthread_mutex_lock(&serve->counters_lock);
        serve->subscription_count = status == CT_OK ? group->count : 0;
        pthread_mutex_unlock(&serve->counters_lock);
    }
    for (size_t i = 0; secrets && i < group->count; i++) {
        ct_secret_free(secrets[i]);
    }
    free(secrets);
    free(all);
    return status;
}

static enum ct_status settle_terms(struct ct_serve *serve, struct ct_error *err)
{
    const struct ct_zone *zone;
    enum ct_status status = ct_serve_zone(serve->config, &zone, err);
    if (status == CT_OK) {
        status = ct_serve_terms_settle(serve->begun, zone, err);
    }
    if (status == CT_OK) {
        (void)ct_desk_terms_ref(&serve->begun->desk);
        serve->terms = serve->begun;
    }
    return status;
}

static int start(struct ct_serve *serve)
{
    struct ct_error err = {0};
    enum ct_status status = ct_serve_access(serve->config, &serve->access, &err);
    if (status == CT_OK) {
        serve->setups = ct_setups_new();
        status = serve->setups ? CT_OK : ct_error_set(&err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    if (status == CT_OK) {
        status = start_tap(serve, &err);
    }
    status = status == CT_OK ? settle_terms(serve, &err) : status;
    status = status == CT_OK ? ct_serve_doors_open(serve, &err) : status;
    status = status == CT_OK ? start_relays(serve, &err) : status;
    status = status == CT_OK ? start_subscriptions(serve, &err) : status;
    return status == CT_OK ? -1 : failed(serve, &err, status);
}

static void say_where(const struct ct_serve *serve)
{
    const struct ct_serve_settings *s = ct_config_part(serve->config, CT_SECTION_SERVE, 0);
    const struct ct_tape_settings *t = ct_config_part(serve->config, CT_SECTION_TAPE, 0);
    const struct ct_door_settings *intake = ct_config_part(serve->config, CT_SECTION_INTAKE, 0);
    const struct ct_door_settings *desk = ct_config_part(serve->config, CT_SECTION_DESK, 0);
    char *folder = realpath(t->folder, NULL), *store = s->store ? realpath(s->store, NULL) : NULL;
    fprintf(stderr, "convtap: tape %s\n", folder ? folder : t->folder);
    fprintf(stderr, "convtap: store %s\n", store ? store : s->store ? s->store : "none");
    if (ct_serve_is_open(intake, serve->access) || ct_serve_is_open(desk, serve->access)) {
        fprintf(stderr, "convtap: no token is asked for at %s\n",
                !ct_serve_is_open(desk, serve->access)     ? "the intake"
                : !ct_serve_is_open(intake, serve->access) ? "the desk"
                                                           : "intake and desk");
    }
    fprintf(stderr, "convtap: intake %s://%s\n", intake->certificate ? "https" : "http",
            ct_serve_intake_address(serve));
    const char *scheme = desk->certificate ? "https" : "http";
    fprintf(stderr, "convtap: desk %s://%s\n", scheme, ct_serve_desk_address(serve));
    if (s->dashboard) {
        fprintf(stderr, "convtap: dashboard %s://%s/\n", scheme, ct_serve_desk_address(serve));
    }
    for (size_t i = 0; i < serve->relay_count; i++) {
        const struct ct_relay_settings *r = ct_config_part(serve->config, CT_SECTION_RELAY, i);
        fprintf(stderr, "convtap: relay %s %s -> %s\n", r->source, ct_relay_address(serve->relays[i]), r->upstream);
    }
    for (size_t i = 0; i < serve->subscription_count; i++) {
        const struct ct_subscription_settings *u = ct_config_part(serve->config, CT_SECTION_SUBSCRIPTION, i);
        fprintf(stderr, "convtap: subscription %s %s\n", u->source, u->url);
    }
    fprintf(stderr, "convtap: ready\n");
    free(folder);
    free(store);
}

/* ---- stopping ------------------------------------------------------------------------------ */

static int stop(struct ct_serve *serve)
{
    ct_usec grace = GRACE_SECONDS * CT_USEC_PER_SECOND;
    for (size_t i = 0; i < serve->relay_count; i++) {
        ct_relay_end(serve->relays[i], grace);
    }
    if (serve->subscriber) {
        ct_subscriber_end(serve->subscriber);
    }
    ct_serve_intake_close(serve, grace);
    enum ct_status settled = serve->tap ? ct_tap_settle(serve->tap) : CT_OK;
    ct_serve_desk_close(serve, grace);
    ct_tap_stop(serve->tap);
    /* What belongs to libwebsockets goes last, when no other thread opens files: 4.1 closes a descriptor twice, and the
     * second time it may be somebody else's. */
    for (size_t i = 0; i < serve->relay_count; i++) {
        ct_relay_stop(serve->relays[i], grace);
    }
    free(serve->relays);
    ct_subscriber_stop(serve->subscriber);
    ct_serve_doors_free(serve);
    ct_setups_free(serve->setups);
    ct_access_close(serve->access);
    if (settled != CT_OK) {
        ct_serve_log("level=error event=not_settled text=\"%s\"", ct_status_text(settled));
        return CT_EXIT_OUTPUT;
    }
    return -1;
}

/* The signals that end or reload: for this thread alone, by waiting. Threads that begin later have them blocked. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* A second one ends the process at once, as the system does it. */
static void unblock_signals(const sigset_t *set)
{
    signal(SIGHUP, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

/* until CT_USEC_NONE: for as long as nobody says that it is to end. */
static void wait_for_the_end(struct ct_serve *serve, const sigset_t *set, ct_usec until)
{
    for (int number = 0; number != SIGTERM && number != SIGINT;) {
        struct ct_error err = {0};
        if (until == CT_USEC_NONE) {
            number = sigwaitinfo(set, NULL);
        } else {
            ct_usec left = until - ct_serve_now();
            if (left <= 0) {
                break;
            }
            const struct timespec wait = {left / CT_USEC_PER_SECOND, left % CT_USEC_PER_SECOND * 1000};
            number = sigtimedwait(set, NULL, &wait);
        }
        if (number == SIGHUP) {
            (void)ct_serve_reload(serve, NULL, &err); /* it is said in the log */
        }
    }
    ct_serve_log("level=info event=stopping");
}

/* Each connection is a descriptor, a relayed one two. Where all that are allowed could leave none for tape and store,
 * strangers could end the recording: it is said. */
static void raise_limits(const struct ct_config *config)
{
    enum { OWN = 256 };
    const struct ct_config_group *relays = &config->groups[CT_SECTION_RELAY];
    const struct ct_door_settings *intake = ct_config_part(config, CT_SECTION_INTAKE, 0);
    const struct ct_door_settings *desk = ct_config_part(config, CT_SECTION_DESK, 0);
    uint64_t wanted = OWN + intake->connections_max + desk->connections_max;
    struct rlimit limit;
    for (size_t i = 0; i < relays->count; i++) {
        wanted += 2 * ((const struct ct_relay_settings *)relays->items[i].to)->connections_max;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wanted) {
        ct_serve_log(
            "level=warn event=few_descriptors allowed=%llu wanted=%llu text=\"raise the limit of open files, or "
            "lower connections\"",
            (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
    }
}

/* Ready: as long as it is to go on. -1, or the exit status (said). */
static int stand(struct ct_serve *serve, const struct ct_serve_around *around, const sigset_t *signals)
{
    struct ct_error err = {0};
    if (!around) {
        say_where(serve);
        wait_for_the_end(serve, signals, CT_USEC_NONE);
        return -1;
    }
    ct_usec until = around->wait_usec ? ct_serve_now() + around->wait_usec : CT_USEC_NONE;
    enum ct_status status = around->begin(around->context, serve, &err);
    if (status == CT_OK) {
        wait_for_the_end(serve, signals, until);
    }
    around->end(around->context);
    return status == CT_OK ? -1 : failed(serve, &err, status);
}

int ct_serve_run(const struct ct_command *command, const struct ct_session_arguments *arguments,
                 const struct ct_serve_around *around)
{
    struct ct_serve serve = {.command = command, .arguments = arguments};
    sigset_t signals;
    pthread_mutex_init(&serve.reload_lock, NULL);
    pthread_mutex_init(&serve.terms_lock, NULL);
    pthread_mutex_init(&serve.wake_lock, NULL);
    pthread_mutex_init(&serve.counters_lock, NULL);
    int code = ct_serve_terms_open(command, arguments, &serve.begun);
    serve.config = serve.begun ? &serve.begun->config : NULL;
    if (code < 0) {
        block_signals(&signals);
        raise_limits(serve.config);
        umask(077);
        code = start(&serve);
        if (code < 0) {
            code = stand(&serve, around, &signals);
        }
        unblock_signals(&signals);
        int stopped = stop(&serve);
        code = code < 0 ? stopped : code;
    }
    ct_serve_terms_unref(serve.terms);
    ct_serve_terms_unref(serve.begun);
    pthread_mutex_destroy(&serve.terms_lock);
    pthread_mutex_destroy(&serve.reload_lock);
    pthread_mutex_destroy(&serve.wake_lock);
    pthread_mutex_destroy(&serve.counters_lock);
    return code < 0 ? CT_EXIT_DONE : code;
}

static int run(int argc, char **argv)
{
    struct ct_session_arguments a = CT_SESSION_DEFAULTS;
    const struct ct_cli_option options[] = {CT_SERVE_SESSION_OPTIONS(&a) CT_QUALITY_OPTIONS(&a)
                                                CT_SERVE_OPTIONS(&a){0}};
    char **words = malloc((size_t)argc * sizeof *words);
    size_t word_count = 0;
    int code = words ? ct_options_parse(self, options, argc, argv, words, &word_count) : CT_EXIT_OUTPUT;
    if (code < 0 && word_count) {
        code = ct_options_fail(self, CT_EXIT_USAGE, "\"%s\" is one word too many; a file is given as --config FILE",
                               words[0]);
    }
    if (code < 0) {
        code = ct_serve_run(self, &a, NULL);
    }
    free(words);
    return code;
}

const struct ct_command ct_command_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "The live tap: relays, receivers and subscriptions in, figures and conversations out, until stopped.",
    .details =
        "What was seen goes onto a tape before anything else; `convtap replay` of the tape gives the same again.\n"
        "Without a configuration the tape is the folder tape and the store convtap.db where it is started; both "
        "are printed with the addresses, the last line is \"convtap: ready\".\n"
        "SIGHUP, or POST /api/v1/reload, reads rules and configuration again: all of it, or, where anything is "
        "wrong, nothing. SIGTERM and SIGINT end it when all that came is stored; a second one at once.",
    .run = run,
};
