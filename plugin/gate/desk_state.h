/* desk_state.h - the desk's inside: what its routes and its feed share. Private to the desk*.c files and their tests.
 */
#ifndef CT_DESK_STATE_H
#define CT_DESK_STATE_H

#include <pthread.h>

#include "metrics/customer.h"
#include "plugin/gate/desk.h"
#include "plugin/gate/desk_alarms.h"
#include "plugin/gate/desk_answer.h"
#include "plugin/gate/desk_feed.h"
#include "plugin/gate/desk_query.h"

enum { CT_DESK_ROUTES_MAX = 20 };

struct ct_desk {
    struct ct_desk_options options; /* with the defaults filled in; terms only those that it began with */
    pthread_mutex_t terms_lock;
    struct ct_desk_terms *terms;   /* terms_lock; those in force */
    struct ct_desk_terms defaults; /* where it was given none */
    struct ct_store *store;        /* the gate's thread's own; opened when it is first asked for */
    struct ct_store_stats counted; /* counting a store takes time: at most every ten seconds */
    ct_usec counted_at;
    uint64_t tags; /* that answers' tags are of this run: the next one counts its changes from 0 again */
    struct ct_route routes[CT_DESK_ROUTES_MAX];
    size_t route_count;
    struct ct_gate_protocol protocol;
    struct ct_desk_feed *feed;
    struct ct_desk_alarms *alarms;
};

/* The terms in force, referenced. Any thread. */
struct ct_desk_terms *ct_desk_terms_now(struct ct_desk *desk) CT_MUST_USE;
/* The store, or NULL: the reply says why (503). */
struct ct_store *ct_desk_store(struct ct_desk *desk, struct ct_reply *reply) CT_MUST_USE;
/* A status of the store or the machine as an answer. */
void ct_desk_fail(struct ct_reply *reply, enum ct_status status, const struct ct_error *err);
/* Refuses every parameter; false = answered. For routes that take none. */
bool ct_desk_no_query(const struct ct_request *request, struct ct_reply *reply) CT_MUST_USE;

/* ---- the routes' handlers; `context` is the desk ---- */
typedef void ct_desk_handler(void *context, const struct ct_request *request, struct ct_reply *reply);
ct_desk_handler ct_desk_kpis, ct_desk_catalogue;                                              /* desk_kpis.c */
ct_desk_handler ct_desk_conversations, ct_desk_conversation;                                  /* desk_conversations.c */
ct_desk_handler ct_desk_health, ct_desk_ready, ct_desk_drops, ct_desk_status, ct_desk_reload; /* desk_status.c */
ct_desk_handler ct_desk_alarms_answer;                                                        /* desk_alarms.c */
ct_desk_handler ct_desk_metrics;                                                              /* desk_metrics.c */
ct_desk_handler ct_desk_openapi, ct_desk_page;                                                /* desk.c */

struct ct_range;
struct ct_range_options;
/* The range just before it, of the same length in whole days or months, on the same moment's knowledge: *before, and
 * the change of each figure of *range. ct_range_done(before) in any case. */
enum ct_status ct_desk_compare_range(struct ct_store *store, const struct ct_range_options *span,
                                     struct ct_range *range, struct ct_range *before, struct ct_error *err) CT_MUST_USE;

/* Why a figure of a window has no value: "needs_customers" where the KPI looks at a customer's other conversations,
 * which a window does not have; "needs_range" where it is of human marks or the scorecard; else NULL. */
const char *ct_desk_window_reason(const struct ct_figure *figure);

#endif
