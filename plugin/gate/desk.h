/* desk.h - what people and dashboards ask of a running tap: /api/v1/..., /metrics, and the live feed `convtap.feed.v1`.
 *
 * Routes and a subprotocol for a gate (gate.h); the answers are documented in docs/openapi.json and docs/api.md.
 * Figures are written by the code that writes `audit --json`, explanations say what `convtap explain` says.
 * Conversations' texts are neither stored nor served.
 *
 *   desk = ct_desk_new(&options)  ->  ct_gate_start({.routes = ct_desk_routes(desk) ...})  ->  ct_desk_open(desk, gate)
 *   ct_desk_close(desk)  ->  ct_gate_stop(gate)  ->  ct_desk_free(desk)
 */
#ifndef CT_DESK_H
#define CT_DESK_H

#include "plugin/gate/desk_terms.h"
#include "plugin/gate/gate.h"
#include "plugin/tap/tap.h"

struct ct_desk_options {
    struct ct_tap *tap;  /* must outlive the desk */
    const char *store;   /* file of the tap's store, opened read-only; NULL = none: ranges and lists answer 503 */
    const char *version; /* NULL = CT_VERSION */
    struct ct_desk_terms *terms; /* to begin with; referenced. NULL = the defaults, no alarms */
    size_t range_max;            /* conversations that one range may count; 0 = 500,000 */
    size_t range_events_max;     /* business events that it may read; 0 = 2,000,000 */
    size_t range_bytes_max;      /* and what conversations and one customer's events may take in memory meanwhile;
                                    0 = 512 MiB */
    ct_span openapi;             /* docs/openapi.json as it is served; empty = 404. Outlives the desk */
    bool dashboard;              /* at "/"; false: a page that names the addresses */
    const char *zone_name;       /* whose midnight "today" begins at; NULL = UTC. Outlives the desk */

    /* The rule set with this hash, referenced for the caller; NULL = not at hand. Any thread. May be NULL: explanations
     * then name rules without file and line. */
    struct ct_ruleset *(*rules)(void *context, const char *rules_hash);
    /* Loads rules and configuration again (POST /api/v1/reload). *setup_hash (65 bytes) = of the new setup. On the
     * gate's thread. NULL: 501. */
    enum ct_status (*reload)(void *context, char *setup_hash, struct ct_error *err);
    /* More counters for /api/v1/status ("gate_desk_open_connections": 12) and /metrics: calls `one` for each, in one
     * order; name: [a-z_]+, ends in _total where it only rises. NULL = none. */
    void (*counters)(void *context, void (*one)(void *to, const char *name, const char *help, uint64_t value),
                     void *to);
    const char *alarm_state;                      /* file of what stands of alarms; NULL = nothing survives a restart */
    ct_usec (*now)(void);                         /* of the calendar; NULL = CLOCK_REALTIME */
    uint32_t (*random)(void);                     /* spreads attempts to deliver; NULL = 0 */
    void (*log)(void *context, const char *line); /* logfmt lines without a time; NULL = nowhere */
    void *context;

    /* For tests; NULL = ct_gate_send, ct_gate_waiting, ct_gate_wake. */
    bool (*send)(struct ct_gate_connection *connection, ct_span text);
    size_t (*waiting)(const struct ct_gate_connection *connection);
    void (*wake)(void *wake_context);
    void *wake_context;
};

struct ct_desk;
/* Options are copied, what they point at is not. NULL = out of memory. */
struct ct_desk *ct_desk_new(const struct ct_desk_options *options) CT_MUST_USE;
void ct_desk_free(struct ct_desk *desk); /* NULL allowed; the gate has stopped */
/* Valid until ct_desk_free. */
const struct ct_route *ct_desk_routes(const struct ct_desk *desk, size_t *count);
const struct ct_gate_protocol *ct_desk_feed(const struct ct_desk *desk);
/* The gate stands: the feed's clock begins. gate may be NULL where options.wake is given. CT_LIMIT: no thread to be
 * had. */
enum ct_status ct_desk_open(struct ct_desk *desk, struct ct_gate *gate) CT_MUST_USE;
/* Before the gate stops: nothing wakes it any more. */
void ct_desk_close(struct ct_desk *desk);
/* From here on other terms, referenced: for questions that come now and for the next evaluation of alarms, which is at
 * once. An alarm that they have, too, goes on as it stands; one that they do not have ends. Any thread. */
void ct_desk_reterm(struct ct_desk *desk, struct ct_desk_terms *terms);
/* As ct_tap_options.on_publish wants it, from the tap's thread: copies, wakes the gate. */
void ct_desk_published(struct ct_desk *desk, const struct ct_published *published);

#endif
