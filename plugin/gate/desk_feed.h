/* desk_feed.h - the live feed: what changes in the figures, and each conversation as it is closed or revised.
 *
 *   the tap's thread:    ct_desk_published -> ring of the newest conversations, one for all clients
 *   the feed's thread:   ct_desk_feed_beat every so often -> figures of the windows in use, once for all clients
 *   the gate's thread:   opened, woken, closed of each client -> what it has not had yet, as its queue allows
 *
 * A client that does not keep up falls behind in the ring and is told how many it missed: nothing grows.
 */
#ifndef CT_DESK_FEED_H
#define CT_DESK_FEED_H

#include "engine/alarm.h"
#include "plugin/gate/gate.h"
#include "plugin/tap/tap.h"

struct ct_desk_feed;
struct ct_desk;
struct ct_desk_feed *ct_desk_feed_new(struct ct_desk *desk) CT_MUST_USE; /* NULL = out of memory */
void ct_desk_feed_free(struct ct_desk_feed *feed);                       /* NULL allowed */
enum ct_status ct_desk_feed_start(struct ct_desk_feed *feed) CT_MUST_USE;
void ct_desk_feed_stop(struct ct_desk_feed *feed); /* may be called twice */
void ct_desk_feed_publish(struct ct_desk_feed *feed, const struct ct_published *published);
/* An alarm that was raised or cleared, to every client. From any thread. */
void ct_desk_feed_alarm(struct ct_desk_feed *feed, const struct ct_alarm_entry *entry);
void ct_desk_feed_protocol(struct ct_desk_feed *feed, struct ct_gate_protocol *out);
/* What the feed's thread does, once: computes what is asked for and has changed. `now` of the monotonic clock. true =
 * somebody should be woken. */
bool ct_desk_feed_beat(struct ct_desk_feed *feed, ct_usec now);
/* For tests: another clock than CLOCK_MONOTONIC. */
void ct_desk_feed_clock(struct ct_desk_feed *feed, ct_usec (*clock)(void));

struct ct_desk_feed_stats {
    uint64_t clients, conversations, missed; /* now; published so far; not sent to a client that was too slow */
};
void ct_desk_feed_stats(struct ct_desk_feed *feed, struct ct_desk_feed_stats *out);

#endif
