/* serve_doors.c - the two doors of the live tap: the intake with ingest and webhooks, the desk with API, metrics and
 * live feed. See serve.h. Called by serve.c.
 */
#include "cli/serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/packs.h"
#include "cli/secrets.h"
#include "plugin/gate/ingest.h"
#include "plugin/gate/webhook.h"

enum { OPENAPI_BYTES_MAX = 4 << 20, REFUSED_ROOM = 64 << 10 };

struct ct_serve_doors {
    struct ct_ingest *ingest;
    struct ct_webhooks *webhooks;
    struct hook {
        struct ct_secrets secrets;
        char *verify_token;
    } * hooks;
    size_t hook_count;
    struct ct_gate *intake, *desk_gate;
    struct ct_desk *desk;
    char *alarm_state; /* the file's default */
    char *openapi;
    struct ct_route *intake_routes;
    const struct ct_gate_protocol *intake_protocols[1], *desk_protocols[1];
    char intake_address[300], desk_address[300];
};

/* ---- what the doors ask ------------------------------------------------------------------ */

static void on_drop(void *context, const char *reason, uint64_t count)
{
    const struct ct_intake *intake = ct_tap_intake(((struct ct_serve *)context)->tap);
    intake->drop(intake->context, reason, count);
}

/* Is it a source by the configuration in force? */
static bool knows_now(void *context, ct_span source)
{
    struct ct_serve *serve = context;
    pthread_mutex_lock(&serve->terms_lock);
    bool known = ct_serve_knows(&serve->terms->config, source);
    pthread_mutex_unlock(&serve->terms_lock);
    return known;
}

static struct ct_ruleset *rules_of(void *context, const char *rules_hash)
{
    return ct_setups_rules(((struct ct_serve *)context)->setups, rules_hash);
}

/* ---- counters ----------------------------------------------------------------------------- */

typedef void counter(void *to, const char *name, const char *help, uint64_t value);

static void count_gates(const struct ct_serve_doors *doors, counter *one, void *to)
{
    struct ct_gate_stats intake = {0}, desk = {0};
    if (doors->intake) {
        ct_gate_stats(doors->intake, &intake);
    }
    if (doors->desk_gate) {
        ct_gate_stats(doors->desk_gate, &desk);
    }
    one(to, "intake_connections_total", "Connections that the intake took.", intake.connections);
    one(to, "intake_open_connections", "Connections open at the intake.", intake.open);
    one(to, "intake_open_websockets", "WebSockets among them.", intake.open_websockets);
    one(to, "intake_requests_total", "HTTP requests at the intake.", intake.requests);
    one(to, "intake_messages_total", "WebSocket messages at the intake.", intake.messages);
    one(to, "intake_refused_total", "What the intake refused.", intake.refused);
    one(to, "desk_connections_total", "Connections that the desk took.", desk.connections);
    one(to, "desk_open_connections", "Connections open at the desk.", desk.open);
    one(to, "desk_open_websockets", "WebSockets among them.", desk.open_websockets);
    one(to, "desk_requests_total", "HTTP requests at the desk.", desk.requests);
    one(to, "desk_refused_total", "What the desk refused.", desk.refused);
}

static void count_relays(const struct ct_serve *serve, counter *one, void *to)
{
    struct ct_relay_stats all = {0};
    for (size_t i = 0; i < serve->relay_count; i++) {
        struct ct_relay_stats stats;
        ct_relay_stats(serve->relays[i], &stats);
        all.connections += stats.connections;
        all.open += stats.open;
        all.refused_connections += stats.refused_connections;
        all.upstream_failed += stats.upstream_failed;
        all.bytes_in += stats.bytes_in;
        all.bytes_out += stats.bytes_out;
        all.messages_in += stats.messages_in;
        all.messages_out += stats.messages_out;
        all.unread_connections += stats.unread_connections;
    }
    one(to, "relay_connections_total", "Connections that relays took.", all.connections);
    one(to, "relay_open_connections", "Connections open through relays.", all.open);
    one(to, "relay_refused_connections_total", "Connections that relays refused.", all.refused_connections);
    one(to, "relay_upstream_failed_total", "Connections whose gateway could not be reached.", all.upstream_failed);
    one(to, "relay_bytes_in_total", "Bytes from clients, passed through.", all.bytes_in);
    one(to, "relay_bytes_out_total", "Bytes to clients, passed through.", all.bytes_out);
    one(to, "relay_messages_in_total", "Messages read from clients.", all.messages_in);
    one(to, "relay_messages_out_total", "Messages read to clients.", all.messages_out);
    one(to, "relay_unread_connections_total", "Connections passed through without being read on.",
        all.unread_connections);
}

static void count_subscriptions(const struct ct_serve *serve, counter *one, void *to)
{
    uint64_t connected = 0, connects = 0, failures = 0, messages = 0;
    for (size_t i = 0; i < serve->subscription_count; i++) {
        struct ct_subscribe_stats stats;
        ct_subscriber_stats(serve->subscriber, i, &stats);
        connected += stats.connected;
        connects += stats.connects;
        failures += stats.failures;
        messages += stats.messages;
    }
    one(to, "subscriptions_connected", "Subscriptions that are connected.", connected);
    one(to, "subscription_connects_total", "Times that a subscription was connected.", connects);
    one(to, "subscription_failures_total", "Times that it failed.", failures);
    one(to, "subscription_messages_total", "Messages that subscriptions brought.", messages);
}

static void count_all(void *context, counter *one, void *to)
{
    struct ct_serve *serve = context;
    pthread_mutex_lock(&serve->counters_lock);
    count_gates(serve->doors, one, to);
    count_relays(serve, one, to);
    count_subscriptions(serve, one, to);
    pthread_mutex_unlock(&serve->counters_lock);
    one(to, "reloads_refused_total", "Reloads that were refused: the log says why.",
        atomic_load(&serve->reloads_refused));
    pthread_mutex_lock(&serve->terms_lock);
    const struct ct_quality_inputs *quality = &serve->terms->quality;
    size_t marked = quality->marks ? quality->marks->marked_count : 0;
    uint64_t refused = quality->refused;
    pthread_mutex_unlock(&serve->terms_lock);
    one(to, "labelled_conversations", "Conversations that the labels in force are about.", marked);
    one(to, "labels_refused", "Lines of these labels that were refused: the log says which.", refused);
}

/* ---- opening ------------------------------------------------------------------------------ */

static struct ct_gate_options gate_options(struct ct_serve *serve, const struct ct_door_settings *door,
                                           const char *name)
{
    return (struct ct_gate_options){.name = name,
                                    .listen = door->listen,
                                    .certificate = door->certificate,
                                    .key = door->key,
                                    .open = door->open == CT_DOOR_OPEN,
                                    .open_at_first = door->open == CT_DOOR_AUTO,
                                    .access = serve->access,
                                    .origins = door->origins,
                                    .intake = ct_tap_intake(serve->tap),
                                    .connections_max = (unsigned)door->connections_max,
                                    .message_max = door->message_max,
                                    .rate_max = (unsigned)door->rate_max,
                                    .drop = on_drop,
                                    .drop_context = serve,
                                    .log = ct_serve_log_line};
}

static enum ct_status no_memory(struct ct_error *err)
{
    return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
}

static enum ct_status open_webhooks(struct ct_serve *serve, struct ct_error *err)
{
    struct ct_serve_doors *doors = serve->doors;
    const struct ct_config_group *group = &serve->config->groups[CT_SECTION_WEBHOOK];
    const struct ct_door_settings *door = ct_config_part(serve->config, CT_SECTION_INTAKE, 0);
    struct ct_webhook_options *options = calloc(group->count + 1, sizeof *options);
    doors->hooks = calloc(group->count + 1, sizeof *doors->hooks);
    enum ct_status status = options && doors->hooks ? CT_OK : no_memory(err);
    for (size_t i = 0; i < group->count && status == CT_OK; i++) {
        const struct ct_webhook_settings *w = group->items[i].to;
        struct hook *hook = &doors->hooks[doors->hook_count++];
        status = ct_secrets_read(w->secret_file, w->secret_env, &hook->secrets, err);
        if (status == CT_OK) {
            status = ct_secret_read(w->verify_token_file, w->verify_token_env, &hook->verify_token, err);
        }
        options[i] = (struct ct_webhook_options){.source = w->source,
                                                 .kind = (enum ct_webhook_kind)w->signature,
                                                 .secrets = hook->secrets.at,
                                                 .header = w->header,
                                                 .verify_token = hook->verify_token,
                                                 .tolerance = w->tolerance_usec,
                                                 .forward = w->forward,
                                                 .authority = w->forward_authorities,
                                                 .body_max = door->message_max};
    }
    if (status == CT_OK && group->count) {
        doors->webhooks = ct_webhooks_new(options, group->count, ct_tap_intake(serve->tap), ct_serve_now,
                                          ct_address_is_loopback(door->listen), err);
        status = doors->webhooks ? CT_OK : err->status != CT_OK ? err->status : no_memory(err);
    }
    free(options);
    return status;
}

/* Ingest's route, and one a webhook. */
static enum ct_status list_routes(struct ct_serve_doors *doors, size_t *count, struct ct_error *err)
{
    size_t hooks = 0;
    const struct ct_route *routes = doors->webhooks ? ct_webhooks_routes(doors->webhooks, &hooks) : NULL;
    doors->intake_routes = calloc(hooks + 1, sizeof *doors->intake_routes);
    if (!doors->intake_routes) {
        return no_memory(err);
    }
    doors->intake_routes[0] = *ct_ingest_route(doors->ingest);
    if (hooks) {
        memcpy(doors->intake_routes + 1, routes, hooks * sizeof *routes);
    }
    *count = hooks + 1;
    return CT_OK;
}

static enum ct_status open_intake(struct ct_serve *serve, struct ct_error *err)
{
    struct ct_serve_doors *doors = serve->doors;
    const struct ct_door_settings *door = ct_config_part(serve->config, CT_SECTION_INTAKE, 0);
    const struct ct_ingest_options ingest = {.intake = ct_tap_intake(serve->tap),
                                             .now = ct_serve_now,
                                             .payload_max = door->message_max,
                                             .known = knows_now,
                                             .known_context = serve};
    struct ct_gate_options options = gate_options(serve, door, "intake");
    options.message_max = door->message_max + REFUSED_ROOM; /* a little too long is refused by number, not with 1009 */
    doors->ingest = ct_ingest_new(&ingest);
    if (!doors->ingest) {
        return no_memory(err);
    }
    enum ct_status status = open_webhooks(serve, err);
    if (status == CT_OK) {
        status = list_routes(doors, &options.route_count, err);
    }
    if (status != CT_OK) {
        return status;
    }
    doors->intake_protocols[0] = ct_ingest_protocol(doors->ingest);
    options.routes = doors->intake_routes;
    options.protocols = doors->intake_protocols;
    options.protocol_count = 1;
    status = ct_gate_start(&options, &doors->intake, err);
    if (status == CT_OK) {
        (void)snprintf(doors->intake_address, sizeof doors->intake_address, "%s", ct_gate_address(doors->intake));
        pthread_mutex_lock(&serve->wake_lock);
        serve->intake_gate = doors->intake;
        pthread_mutex_unlock(&serve->wake_lock);
    }
    return status;
}

static enum ct_status open_desk(struct ct_serve *serve, struct ct_error *err)
{
    struct ct_serve_doors *doors = serve->doors;
    const struct ct_serve_settings *s = ct_config_part(serve->config, CT_SECTION_SERVE, 0);
    const struct ct_door_settings *door = ct_config_part(serve->config, CT_SECTION_DESK, 0);
    size_t openapi_len = 0;
    doors->openapi = ct_share_read("openapi.json", OPENAPI_BYTES_MAX, &openapi_len);
    const struct ct_tape_settings *tape = ct_config_part(serve->config, CT_SECTION_TAPE, 0);
    if (asprintf(&doors->alarm_state, "%s/alarms.json", tape->folder) < 0) {
        doors->alarm_state = NULL;
        return no_memory(err);
    }
    const struct ct_desk_options desk = {.tap = serve->tap,
                                         .store = s->store,
                                         .terms = &serve->terms->desk,
                                         .openapi = {doors->openapi, openapi_len},
                                         .dashboard = s->dashboard,
                                         .zone_name = s->zone ? s->zone : serve->config->zone_name,
                                         .rules = rules_of,
                                         .reload = ct_serve_reload,
                                         .counters = count_all,
                                         .alarm_state = s->alarm_state ? s->alarm_state : doors->alarm_state,
                                         .now = ct_serve_now,
                                         .random = ct_serve_random,
                                         .log = ct_serve_log_line,
                                         .context = serve};
    doors->desk = ct_desk_new(&desk);
    if (!doors->desk) {
        return no_memory(err);
    }
    struct ct_gate_options options = gate_options(serve, door, "desk");
    options.routes = ct_desk_routes(doors->desk, &options.route_count);
    doors->desk_protocols[0] = ct_desk_feed(doors->desk);
    options.protocols = doors->desk_protocols;
    options.protocol_count = 1;
    struct ct_gate *gate;
    enum ct_status status = ct_gate_start(&options, &gate, err);
    if (status == CT_OK) {
        pthread_mutex_lock(&serve->counters_lock); /* its thread may be asked for its figures already */
        doors->desk_gate = gate;
        pthread_mutex_unlock(&serve->counters_lock);
        (void)snprintf(doors->desk_address, sizeof doors->desk_address, "%s", ct_gate_address(doors->desk_gate));
        status = ct_desk_open(doors->desk, doors->desk_gate);
        if (status != CT_OK) {
            return ct_error_set(err, status, "the desk has no thread: %s", ct_status_text(status));
        }
        pthread_mutex_lock(&serve->wake_lock);
        serve->desk = doors->desk;
        pthread_mutex_unlock(&serve->wake_lock);
    }
    return status;
}

enum ct_status ct_serve_doors_open(struct ct_serve *serve, struct ct_error *err)
{
    serve->doors = calloc(1, sizeof *serve->doors);
    if (!serve->doors) {
        return no_memory(err);
    }
    enum ct_status status = open_intake(serve, err);
    return status == CT_OK ? open_desk(serve, err) : status;
}

void ct_serve_doors_reterm(struct ct_serve *serve, struct ct_serve_terms *terms)
{
    struct ct_serve_terms *before;
    pthread_mutex_lock(&serve->terms_lock);
    before = serve->terms;
    serve->terms = terms;
    pthread_mutex_unlock(&serve->terms_lock);
    ct_desk_reterm(serve->doors->desk, &terms->desk);
    ct_live_retarget(ct_tap_live(serve->tap), &terms->desk.kpis); /* last: what answers are told apart by rises now */
    ct_serve_terms_unref(before);
    pthread_mutex_lock(&serve->wake_lock);
    if (serve->intake_gate) {
        ct_gate_wake(serve->intake_gate);
    }
    pthread_mutex_unlock(&serve->wake_lock);
    pthread_mutex_lock(&serve->counters_lock);
    if (serve->doors->desk_gate) {
        ct_gate_wake(serve->doors->desk_gate);
    }
    pthread_mutex_unlock(&serve->counters_lock);
}

/* ---- closing ------------------------------------------------------------------------------ */

void ct_serve_intake_close(struct ct_serve *serve, ct_usec grace_usec)
{
    struct ct_serve_doors *doors = serve->doors;
    if (doors && doors->intake) {
        (void)!ct_tap_settle(serve->tap); /* who waits for a commit has it before the door closes */
        pthread_mutex_lock(&serve->wake_lock);
        serve->intake_gate = NULL;
        pthread_mutex_unlock(&serve->wake_lock);
        ct_gate_end(doors->intake, grace_usec);
    }
}

void ct_serve_desk_close(struct ct_serve *serve, ct_usec grace_usec)
{
    struct ct_serve_doors *doors = serve->doors;
    if (doors) {
        pthread_mutex_lock(&serve->wake_lock);
        serve->desk = NULL;
        pthread_mutex_unlock(&serve->wake_lock);
        if (doors->desk_gate) {
            ct_desk_close(doors->desk);
            ct_gate_end(doors->desk_gate, grace_usec);
        }
    }
}

void ct_serve_doors_free(struct ct_serve *serve)
{
    struct ct_serve_doors *doors = serve->doors;
    if (doors) {
        ct_gate_stop(doors->desk_gate, 0);
        ct_gate_stop(doors->intake, 0);
        ct_desk_free(doors->desk);
        ct_webhooks_free(doors->webhooks);
        ct_ingest_free(doors->ingest);
        for (size_t i = 0; i < doors->hook_count; i++) {
            ct_secrets_free(&doors->hooks[i].secrets);
            ct_secret_free(doors->hooks[i].verify_token);
        }
        free(doors->hooks);
        free(doors->intake_routes);
        free(doors->alarm_state);
        free(doors->openapi);
        free(doors);
    }
    serve->doors = NULL;
}

const char *ct_serve_intake_address(const struct ct_serve *serve)
{
    return serve->doors->intake_address;
}

const char *ct_serve_desk_address(const struct ct_serve *serve)
{
    return serve->doors->desk_address;
}
