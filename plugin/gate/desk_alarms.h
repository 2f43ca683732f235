/* desk_alarms.h - alarms of a running tap: evaluated every so often on a thread of their own, over live windows or
 * ranges of the store; kept in a file over a restart; told to the log, the live feed, GET /api/v1/alarms, /metrics and
 * a webhook.
 *
 * The thread waits for nobody and nobody for it: figures are computed without its lock, it runs at a lower priority,
 * and ranges take it at most a twentieth of the time.
 */
#ifndef CT_DESK_ALARMS_H
#define CT_DESK_ALARMS_H

#include "plugin/gate/alarm_file.h"
#include "plugin/gate/desk.h"

struct ct_desk;
struct ct_desk_alarms;
/* NULL = out of memory. A file or webhook that cannot be used is said in the log; what can be done without it goes on.
 */
struct ct_desk_alarms *ct_desk_alarms_new(struct ct_desk *desk) CT_MUST_USE;
void ct_desk_alarms_free(struct ct_desk_alarms *alarms); /* NULL allowed */
enum ct_status ct_desk_alarms_start(struct ct_desk_alarms *alarms) CT_MUST_USE;
void ct_desk_alarms_stop(struct ct_desk_alarms *alarms); /* may be called twice */
/* The desk's terms are others (ct_desk_reterm): evaluates by them at once, and delivers where they say. Any thread. */
void ct_desk_alarms_reterm(struct ct_desk_alarms *alarms);
/* One evaluation of all that are due, as the thread does it. */
void ct_desk_alarms_beat(struct ct_desk_alarms *alarms);

/* A series of convtap_alarm. */
struct ct_alarm_gauge {
    char name[CT_ALARM_NAME_BYTES], by[CT_ALARM_BY_BYTES], slice[CT_ALARM_SLICE_BYTES], kpi[CT_ALARM_KPI_BYTES];
    bool raised;
};
enum { CT_ALARM_GAUGES_MAX = 256 };
struct ct_alarm_counts {
    uint64_t evaluations, raised; /* raised: stand now */
    uint64_t waiting, delivered, failed, given_up, dropped, full;
};
/* At most CT_ALARM_GAUGES_MAX, raised ones first; how many. */
size_t ct_desk_alarms_gauges(struct ct_desk_alarms *alarms, struct ct_alarm_gauge *out, struct ct_alarm_counts *counts);

#endif
