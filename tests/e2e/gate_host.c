/* gate_host.c - a small program around a gate for the end-to-end tests: ingest and webhooks over an intake that the
 * test commands through standard input, or over a real tape.
 *
 *   gate_host [--tape FOLDER] [--listen A:P] [--tokens FILE] [--open] [--certificate F --key F] [--origin O]
 *             [--header-msec N] [--idle-msec N] [--patience-msec N] [--connections N] [--rate N] [--message-max N]
 *             [--payload-max N] [--forward URL] [--authority FILE]
 *
 * Prints "listening ADDRESS", then answers each line of its input with one line: hold, commit (one thing that was
 * held), go, full, broken, fine, dump, stats, drops, rss, stop.
 */
#include "plugin/gate/gate.h"
#include "plugin/gate/ingest.h"
#include "plugin/gate/webhook.h"
#include "plugin/tap/streams.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ENTRIES_MAX 2000000
#define DROPS_MAX 64

struct kept {
    char *text; /* source, stream, target, bytes: as dump prints them */
};

struct host {
    pthread_mutex_t lock;
    struct ct_tape *tape; /* NULL = the intake is the one below */
    struct kept *entries;
    size_t count;
    struct ct_streams *streams;
    struct {
        const char *reason;
        uint64_t count;
    } drops[DROPS_MAX];
    size_t drop_count;
    enum ct_status answer;
    bool held, keep;
    _Atomic uint64_t committed;
    _Atomic bool stopping;
    struct ct_gate *_Atomic gate;
};

static struct host host = {.lock = PTHREAD_MUTEX_INITIALIZER};

static ct_usec now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return (ct_usec)at.tv_sec * CT_USEC_PER_SECOND + at.tv_nsec / 1000;
}

static void keep_entry(const struct ct_tape_entry *e)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    fprintf(out, "%.*s|%.*s|%llu|%d|%.*s|%.*s|", (int)e->source.len, e->source.at ? e->source.at : "",
            (int)e->stream.len, e->stream.at ? e->stream.at : "", (unsigned long long)e->sequence, (int)e->direction,
            (int)e->target.len, e->target.at ? e->target.at : "", (int)e->format.len, e->format.at ? e->format.at : "");
    for (size_t i = 0; i < e->bytes.len; i++)
        fprintf(out, "%02x", (unsigned char)e->bytes.at[i]);
    fclose(out);
    host.entries[host.count].text = text;
}

static enum ct_status append(void *context, const struct ct_tape_entry *entry, uint64_t *end)
{
    (void)context;
    enum ct_status status = CT_OK;
    pthread_mutex_lock(&host.lock);
    struct ct_stream *stream = entry->sequence ? ct_streams_at(host.streams, entry->source, entry->stream) : NULL;
    if (entry->sequence && !stream) {
        status = CT_LIMIT;
    } else if (stream && entry->sequence < stream->next) {
        *end = stream->end;
    } else if (stream && entry->sequence > stream->next) {
        status = CT_USAGE;
    } else if (host.answer != CT_OK) {
        status = host.answer;
    } else if (host.tape) {
        status = ct_tape_append(host.tape, entry, end);
    } else if (host.count == ENTRIES_MAX) {
        status = CT_LIMIT;
    } else {
        if (host.keep)
            keep_entry(entry);
        *end = ++host.count;
    }
    if (status == CT_OK && stream && entry->sequence == stream->next) {
        stream->next++;
        stream->end = *end;
    }
    pthread_mutex_unlock(&host.lock);
    return status;
}

static uint64_t committed(void *context)
{
    (void)context;
    return atomic_load(&host.committed);
}

static uint64_t next_sequence(void *context, ct_span source, ct_span stream)
{
    (void)context;
    pthread_mutex_lock(&host.lock);
    const struct ct_stream *found = ct_streams_find(host.streams, source, stream);
    uint64_t next = found ? found->next : 1;
    pthread_mutex_unlock(&host.lock);
    return next;
}

static void drop(void *context, const char *reason, uint64_t count)
{
    (void)context;
    pthread_mutex_lock(&host.lock);
    size_t i = 0;
    while (i < host.drop_count && strcmp(host.drops[i].reason, reason) != 0)
        i++;
    if (i < DROPS_MAX) {
        if (i == host.drop_count)
            host.drop_count++;
        host.drops[i].reason = reason;
        host.drops[i].count += count;
    }
    pthread_mutex_unlock(&host.lock);
}

static void wake(void)
{
    struct ct_gate *gate = atomic_load(&host.gate);
    if (gate)
        ct_gate_wake(gate);
}

/* The tape's thread. */
static void on_commit(void *context, uint64_t position)
{
    (void)context;
    atomic_store(&host.committed, position);
    wake();
}

/* Commits every 5 ms what came, unless it is held. */
static void *commit(void *context)
{
    (void)context;
    while (!atomic_load(&host.stopping)) {
        usleep(5000);
        pthread_mutex_lock(&host.lock);
        bool more = !host.held && !host.tape && atomic_load(&host.committed) != host.count;
        if (more)
            atomic_store(&host.committed, host.count);
        pthread_mutex_unlock(&host.lock);
        if (more)
            wake();
    }
    return NULL;
}

static void say_dump(void)
{
    pthread_mutex_lock(&host.lock);
    printf("[");
    for (size_t i = 0; i < host.count && host.keep; i++)
        printf("%s\"%s\"", i ? "," : "", host.entries[i].text);
    printf("]\n");
    pthread_mutex_unlock(&host.lock);
}

static void say_rss(void)
{
    unsigned long pages = 0;
    char line[128] = "";
    FILE *in = fopen("/proc/self/statm", "r");
    if (in && fgets(line, sizeof(line), in)) {
        char *second = strchr(line, ' ');
        pages = second ? strtoul(second, NULL, 10) : 0;
    }
    if (in)
        fclose(in);
    printf("%lu\n", pages * 4096);
}

static bool obey(const char *command, struct ct_gate *gate)
{
    struct ct_gate_stats stats;
    ct_gate_stats(gate, &stats);
    pthread_mutex_lock(&host.lock);
    if (strcmp(command, "hold") == 0)
        host.held = true;
    else if (strcmp(command, "go") == 0)
        host.held = false;
    else if (strcmp(command, "commit") == 0)
        atomic_store(&host.committed, atomic_load(&host.committed) + 1);
    else if (strcmp(command, "full") == 0)
        host.answer = CT_LIMIT;
    else if (strcmp(command, "broken") == 0)
        host.answer = CT_IO;
    else if (strcmp(command, "fine") == 0)
        host.answer = CT_OK;
    pthread_mutex_unlock(&host.lock);
    if (strcmp(command, "dump") == 0) {
        say_dump();
    } else if (strcmp(command, "rss") == 0) {
        say_rss();
    } else if (strcmp(command, "stats") == 0) {
        printf("{\"connections\":%llu,\"open\":%llu,\"open_websockets\":%llu,\"requests\":%llu,\"messages\":%llu,"
               "\"refused\":%llu}\n",
               (unsigned long long)stats.connections, (unsigned long long)stats.open,
               (unsigned long long)stats.open_websockets, (unsigned long long)stats.requests,
               (unsigned long long)stats.messages, (unsigned long long)stats.refused);
    } else if (strcmp(command, "drops") == 0) {
        pthread_mutex_lock(&host.lock);
        printf("{");
        for (size_t i = 0; i < host.drop_count; i++)
            printf("%s\"%s\":%llu", i ? "," : "", host.drops[i].reason, (unsigned long long)host.drops[i].count);
        printf("}\n");
        pthread_mutex_unlock(&host.lock);
    } else {
        printf("ok\n");
    }
    fflush(stdout);
    wake();
    return strcmp(command, "stop") != 0;
}

/* A route that answers with what it was asked. */
static void echo(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    (void)context;
    char scratch[256];
    ct_span value, header = ct_request_header(request, "x-test", scratch, sizeof(scratch));
    char parameter[64];
    bool bad;
    ct_request_parameter(request, "p", parameter, sizeof(parameter), &value, &bad);
    size_t capacity = request->body.len + 1024, len;
    reply->body = malloc(capacity);
    len = (size_t)snprintf(reply->body, capacity, "%d|%.*s|%.*s|%.*s|%.*s|%s|", (int)request->method,
                           (int)request->path.len, request->path.at, (int)request->rest.len, request->rest.at,
                           (int)header.len, header.at ? header.at : "", (int)value.len, value.at ? value.at : "",
                           bad ? "bad" : "fine");
    memcpy(reply->body + len, request->body.at ? request->body.at : "", request->body.len);
    reply->len = len + request->body.len;
    reply->status = 200;
    reply->type = "text/plain";
}

int main(int argc, char **argv)
{
    struct ct_gate_options options = {.name = "test", .listen = "127.0.0.1:0", .drop = drop};
    const char *tokens = NULL, *tape = NULL, *forward = NULL, *authority = NULL, *origins[2] = {NULL, NULL};
    size_t payload_max = 0;
    host.keep = true;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        long number = strtol(value, NULL, 10);
        if (strcmp(name, "--open") == 0 || strcmp(name, "--forget") == 0) {
            options.open = options.open || name[2] == 'o';
            host.keep = host.keep && name[2] == 'o';
            continue;
        }
        i++;
        if (strcmp(name, "--tape") == 0)
            tape = value;
        else if (strcmp(name, "--listen") == 0)
            options.listen = value;
        else if (strcmp(name, "--tokens") == 0)
            tokens = value;
        else if (strcmp(name, "--certificate") == 0)
            options.certificate = value;
        else if (strcmp(name, "--key") == 0)
            options.key = value;
        else if (strcmp(name, "--origin") == 0)
            origins[0] = value;
        else if (strcmp(name, "--forward") == 0)
            forward = value;
        else if (strcmp(name, "--authority") == 0)
            authority = value;
        else if (strcmp(name, "--header-msec") == 0)
            options.header_usec = number * 1000;
        else if (strcmp(name, "--idle-msec") == 0)
            options.idle_usec = number * 1000;
        else if (strcmp(name, "--patience-msec") == 0)
            options.patience_usec = number * 1000;
        else if (strcmp(name, "--connections") == 0)
            options.connections_max = (unsigned)number;
        else if (strcmp(name, "--rate") == 0)
            options.rate_max = (unsigned)number;
        else if (strcmp(name, "--message-max") == 0)
            options.message_max = (size_t)number;
        else if (strcmp(name, "--payload-max") == 0)
            payload_max = (size_t)number;
    }
    struct ct_error err = {0};
    host.streams = ct_streams_new();
    struct ct_access *access = NULL;
    struct ct_intake intake = {NULL, append, committed, next_sequence, drop};
    struct ct_webhooks *webhooks = NULL;
    struct ct_ingest *ingest = NULL;
    struct ct_gate *gate = NULL;
    pthread_t committer;
    int status = 2;
    if (tape) {
        struct ct_tape_options to = {.folder = tape, .now = now, .committed = on_commit};
        struct ct_tape_opened opened;
        if (ct_tape_open(&to, &host.tape, &opened, &err) != CT_OK)
            goto done;
    } else {
        host.entries = calloc(host.keep ? ENTRIES_MAX : 1, sizeof(*host.entries));
    }
    if (tokens && ct_access_open(tokens, NULL, &access, &err) != CT_OK)
        goto done;
    ingest = ct_ingest_new(&(struct ct_ingest_options){.intake = &intake, .now = now, .payload_max = payload_max});
    static const char *const secrets[] = {"older-secret", "app-secret", NULL};
    static const char *const standard[] = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL};
    struct ct_webhook_options hooks[] = {
        {.source = "wa",
         .kind = CT_WEBHOOK_WHATSAPP,
         .secrets = secrets,
         .verify_token = "verify-me",
         .forward = forward},
        {.source = "std", .kind = CT_WEBHOOK_STANDARD, .secrets = standard},
        {.source = "chat", .kind = CT_WEBHOOK_CHATWOOT, .secrets = secrets},
        {.source = "shared", .kind = CT_WEBHOOK_SECRET, .secrets = secrets, .header = "X-Api-Key"},
        {.source = "plain",
         .kind = CT_WEBHOOK_NONE,
         .forward = forward,
         .authority = authority,
         .forward_usec = 2 * CT_USEC_PER_SECOND},
    };
    webhooks = ct_webhooks_new(hooks, sizeof(hooks) / sizeof(*hooks), &intake, now, true, &err);
    if (!ingest || !webhooks)
        goto done;
    size_t route_count;
    const struct ct_route *hook_routes = ct_webhooks_routes(webhooks, &route_count);
    struct ct_route routes[16] = {*ct_ingest_route(ingest),
                                  {.path = "/echo/",
                                   .methods = CT_METHOD_GET | CT_METHOD_POST,
                                   .scope = CT_SCOPE_NONE,
                                   .body_max = 1 << 20,
                                   .handle = echo},
                                  {.path = "/read", .methods = CT_METHOD_GET, .scope = CT_SCOPE_READ, .handle = echo}};
    memcpy(routes + 3, hook_routes, route_count * sizeof(*routes));
    const struct ct_gate_protocol *protocols[] = {ct_ingest_protocol(ingest)};
    options.access = access;
    options.origins = origins;
    options.routes = routes;
    options.route_count = 3 + route_count;
    options.protocols = protocols;
    options.protocol_count = 1;
    options.intake = &intake;
    if (ct_gate_start(&options, &gate, &err) != CT_OK)
        goto done;
    atomic_store(&host.gate, gate);
    pthread_create(&committer, NULL, commit, NULL);
    printf("listening %s\n", ct_gate_address(gate));
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (!obey(line, gate))
            break;
    }
    atomic_store(&host.stopping, true);
    pthread_join(committer, NULL);
    ct_gate_stop(gate, 2 * CT_USEC_PER_SECOND);
    atomic_store(&host.gate, NULL);
    status = 0;
done:
    if (status)
        fprintf(stderr, "%s\n", err.text);
    if (host.tape)
        ct_tape_close(host.tape);
    ct_ingest_free(ingest);
    ct_webhooks_free(webhooks);
    ct_access_close(access);
    for (size_t i = 0; host.keep && host.entries && i < host.count; i++)
        free(host.entries[i].text);
    free(host.entries);
    ct_streams_free(host.streams);
    return status;
}
