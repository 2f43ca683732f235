/* desk.c - the desk as a whole: its routes, its store, what is served as it is; see desk.h. */
#include "plugin/gate/dashboard.h"
#include "plugin/gate/desk_state.h"

#include <stdlib.h>
#include <time.h>

/* ---- what the routes share -----------------------------------------------------------------------------------------
 */

void ct_desk_fail(struct ct_reply *reply, enum ct_status status, const struct ct_error *err)
{
    const char *text = err && err->text[0] ? err->text : ct_status_text(status);
    if (status == CT_NO_MEMORY) {
        ct_reply_error(reply, 500, "out_of_memory", "out of memory");
    } else if (status == CT_LIMIT) {
        ct_reply_error(reply, 503, "limit", "%s", text);
    } else {
        ct_reply_error(reply, 500, status == CT_IO ? "cannot_read" : "failed", "%s", text);
    }
}

bool ct_desk_no_query(const struct ct_request *request, struct ct_reply *reply)
{
    static const char *const names[] = {NULL};
    struct ct_query query;
    if (ct_query_read(&query, request->query, names)) {
        return true;
    }
    ct_query_answer(&query, reply);
    return false;
}

struct ct_store *ct_desk_store(struct ct_desk *desk, struct ct_reply *reply)
{
    struct ct_error err = {0};
    if (!desk->options.store) {
        ct_reply_error(reply, 503, "no_store", "this tap keeps no store: only live windows and open conversations");
        return NULL;
    }
    if (!desk->store) {
        enum ct_status status = ct_store_open(desk->options.store, CT_STORE_READ, &desk->store, &err);
        if (status != CT_OK) {
            desk->store = NULL; /* tried again at the next question */
            ct_reply_error(reply, 503, "store_unavailable", "%s", err.text[0] ? err.text : ct_status_text(status));
        }
    }
    return desk->store;
}

/* ---- what is served as it is ---------------------------------------------------------------------------------------
 */

static void serve(struct ct_reply *reply, const char *type, ct_span bytes)
{
    struct ct_answer body;
    ct_answer_begin(&body, CT_ANSWER_BYTES_MAX);
    ct_out_span(&body.out, bytes);
    ct_answer_reply(&body, reply, type);
}

void ct_desk_openapi(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    struct ct_desk *desk = context;
    if (!ct_desk_no_query(request, reply)) {
        return;
    }
    if (!desk->options.openapi.len) {
        ct_reply_error(reply, 404, "not_installed", "the API's description was not installed beside the program");
        return;
    }
    serve(reply, CT_TYPE_JSON, desk->options.openapi);
}

/* Where the dashboard is switched off. No style and no script: the gate's policy forbids them. */
static const char page[] =
    "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>convtap</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head>\n<body>\n<h1>convtap</h1>\n"
    "<p>The tap is running. What can be asked:</p>\n<ul>\n"
    "<li><a href=\"/api/v1/kpis?window=5m\">/api/v1/kpis?window=5m</a>: the figures of the last five minutes "
    "(1m, 5m, 1h, today), or of a range: <code>?from=2026-03-01T00:00:00Z&amp;to=2026-04-01T00:00:00Z</code></li>\n"
    "<li><a href=\"/api/v1/kpis/catalogue\">/api/v1/kpis/catalogue</a>: what each KPI says</li>\n"
    "<li><a href=\"/api/v1/conversations\">/api/v1/conversations</a>: closed conversations, newest first</li>\n"
    "<li><code>/api/v1/conversations/ID</code>: one of them explained, open or closed</li>\n"
    "<li><a href=\"/api/v1/alarms\">/api/v1/alarms</a>: what stands out of its bounds, and what did</li>\n"
    "<li><a href=\"/api/v1/status\">/api/v1/status</a>, <a href=\"/api/v1/ready\">/api/v1/ready</a>, "
    "<a href=\"/api/v1/health\">/api/v1/health</a>, <a href=\"/api/v1/drops\">/api/v1/drops</a>: how the tap "
    "does</li>\n"
    "<li><a href=\"/metrics\">/metrics</a>: for Prometheus</li>\n"
    "<li><a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>: all of this, described</li>\n"
    "<li>WebSocket, subprotocol <code>convtap.feed.v1</code>: what changes, as it happens</li>\n"
    "</ul>\n</body>\n</html>\n";

void ct_desk_page(void *context, const struct ct_request *request, struct ct_reply *reply)
{
    (void)context;
    if (request->rest.len) {
        ct_reply_error(reply, 404, "not_found", "there is nothing here; GET / names what there is");
        return;
    }
    if (ct_desk_no_query(request, reply)) {
        serve(reply, "text/html; charset=utf-8", (ct_span){page, sizeof page - 1});
    }
}

/* ---- the whole -----------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *path;
    unsigned methods;
    enum ct_scope scope;
    ct_desk_handler *handle;
    enum { ALWAYS, WITH_DASHBOARD, WITHOUT_DASHBOARD } when;
} table[] = {
    {"/api/v1/kpis", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_kpis, ALWAYS},
    {"/api/v1/kpis/catalogue", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_catalogue, ALWAYS},
    {"/api/v1/conversations", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_conversations, ALWAYS},
    {"/api/v1/conversations/", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_conversation, ALWAYS},
    {"/api/v1/alarms", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_alarms_answer, ALWAYS},
    {"/api/v1/health", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_NONE, ct_desk_health, ALWAYS},
    {"/api/v1/ready", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_ready, ALWAYS},
    {"/api/v1/drops", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_drops, ALWAYS},
    {"/api/v1/status", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_status, ALWAYS},
    {"/api/v1/reload", CT_METHOD_POST, CT_SCOPE_ADMIN, ct_desk_reload, ALWAYS},
    {"/api/v1/openapi.json", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_openapi, ALWAYS},
    {"/metrics", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_metrics, ALWAYS},
    {"/", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_READ, ct_desk_page, WITHOUT_DASHBOARD},
    {"/", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_NONE, ct_dashboard_serve, WITH_DASHBOARD},
    {"/dashboard/", CT_METHOD_GET | CT_METHOD_HEAD, CT_SCOPE_NONE, ct_dashboard_serve, WITH_DASHBOARD},
};
_Static_assert(sizeof table / sizeof *table <= CT_DESK_ROUTES_MAX, "there is room for all routes");

static ct_usec calendar(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * CT_USEC_PER_SECOND + now.tv_nsec / 1000;
}

static uint32_t no_random(void)
{
    return 0;
}

static void wake_gate(void *context)
{
    ct_gate_wake(context);
}

struct ct_desk *ct_desk_new(const struct ct_desk_options *options)
{
    struct ct_desk *desk = calloc(1, sizeof *desk);
    if (!desk) {
        return NULL;
    }
    desk->options = *options;
    struct ct_desk_options *o = &desk->options;
    o->version = o->version ? o->version : CT_VERSION;
    o->range_max = o->range_max ? o->range_max : 500000;
    o->range_events_max = o->range_events_max ? o->range_events_max : 2000000;
    o->range_bytes_max = o->range_bytes_max ? o->range_bytes_max : (size_t)512 << 20;
    o->send = o->send ? o->send : ct_gate_send;
    o->waiting = o->waiting ? o->waiting : ct_gate_waiting;
    o->now = o->now ? o->now : calendar;
    o->random = o->random ? o->random : no_random;
    desk->defaults = (struct ct_desk_terms){.terms = CT_TERMS_DEFAULT, .references = 1};
    pthread_mutex_init(&desk->terms_lock, NULL);
    desk->terms = ct_desk_terms_ref(o->terms ? o->terms : &desk->defaults);
    desk->counted_at = CT_USEC_NONE;
    desk->tags = (uint64_t)o->now();
    desk->feed = ct_desk_feed_new(desk);
    desk->alarms = desk->feed ? ct_desk_alarms_new(desk) : NULL;
    if (!desk->alarms) {
        ct_desk_free(desk);
        return NULL;
    }
    ct_desk_feed_protocol(desk->feed, &desk->protocol);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].when == (o->dashboard ? WITHOUT_DASHBOARD : WITH_DASHBOARD)) {
            continue;
        }
        desk->routes[desk->route_count++] = (struct ct_route){.path = table[i].path,
                                                              .methods = table[i].methods,
                                                              .scope = table[i].scope,
                                                              .handle = table[i].handle,
                                                              .context = desk};
    }
    return desk;
}

void ct_desk_free(struct ct_desk *desk)
{
    if (desk) {
        ct_desk_alarms_free(desk->alarms);
        ct_desk_feed_free(desk->feed);
        if (desk->store) {
            ct_store_close(desk->store);
        }
        ct_desk_terms_unref(desk->terms);
        pthread_mutex_destroy(&desk->terms_lock);
        free(desk);
    }
}

const struct ct_route *ct_desk_routes(const struct ct_desk *desk, size_t *count)
{
    *count = desk->route_count;
    return desk->routes;
}

const struct ct_gate_protocol *ct_desk_feed(const struct ct_desk *desk)
{
    return &desk->protocol;
}

enum ct_status ct_desk_open(struct ct_desk *desk, struct ct_gate *gate)
{
    if (!desk->options.wake) {
        desk->options.wake = wake_gate;
        desk->options.wake_context = gate;
    }
    enum ct_status status = ct_desk_feed_start(desk->feed);
    return status == CT_OK ? ct_desk_alarms_start(desk->alarms) : status;
}

void ct_desk_close(struct ct_desk *desk)
{
    ct_desk_alarms_stop(desk->alarms);
    ct_desk_feed_stop(desk->feed);
}

void ct_desk_published(struct ct_desk *desk, const struct ct_published *published)
{
    ct_desk_feed_publish(desk->feed, published);
}
