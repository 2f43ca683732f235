/* tap.h - the tap as a whole: intake -> tape -> pipeline -> live figures and store. One a process.
 *
 *   relay, receivers,         tape's thread                    the tap's thread
 *   subscriber (any thread)   writes, commits                  reads the tape behind the commit
 *        | append ---------------> tape --------------------------> feed -> pipeline -> live, store, on_publish
 *
 * The one way in is the tape; nothing that is not committed is judged. When the pipeline cannot keep up the tape holds
 * what waits. A restart reads the state file (which conversations were open, where each stream stands) and replays from
 * the oldest open one; without it, from the tape's beginning.
 */
#ifndef CT_TAP_H
#define CT_TAP_H

#include "plugin/tap/feed.h"
#include "plugin/tap/intake.h"
#include "plugin/tap/live.h"
#include "sinks/store.h"

struct ct_tap_options {
    struct ct_tape_options tape;
    const char *store;            /* file; NULL = none */
    struct ct_feed_setups setups; /* how a packed setup becomes one */
    ct_span setup;                /* the packed setup to begin with; copied */
    struct ct_pipeline_limits limits;
    struct ct_live_options live;
    ct_usec tick_usec;    /* 0 = 1 s */
    ct_usec state_usec;   /* how often the state file is written; 0 = 60 s */
    ct_usec (*now)(void); /* wall clock */
    /* From the tap's thread, after live and store have it. May be NULL. */
    void (*on_publish)(void *context, const struct ct_published *published);
    /* From the tape's thread after each commit. May be NULL. */
    void (*on_commit)(void *context, uint64_t position);
    /* One line of what a person should know (logfmt, no newline). May be NULL. */
    void (*log)(void *context, const char *line);
    void *context;
};

struct ct_tap;
/* Recovers, replays what has to be, and starts its thread. */
enum ct_status ct_tap_start(const struct ct_tap_options *options, struct ct_tap **out,
                            struct ct_error *err) CT_MUST_USE;
/* Valid until ct_tap_stop; `drop` and the rest from any thread. */
const struct ct_intake *ct_tap_intake(struct ct_tap *tap);
struct ct_live *ct_tap_live(struct ct_tap *tap);
/* From here on another setup: goes onto the tape as everything does. */
enum ct_status ct_tap_setup(struct ct_tap *tap, ct_span packed, struct ct_error *err) CT_MUST_USE;
/* Waits until everything that was appended so far is judged and in the store. CT_IO: tape or store fail, and what is on
 * the tape is judged when they do not any more. */
enum ct_status ct_tap_settle(struct ct_tap *tap) CT_MUST_USE;
/* Graceful: commits, judges and stores what came, writes the state file. Conversations stay open. */
void ct_tap_stop(struct ct_tap *tap);

/* One open conversation as it stands now (ct_pipeline_look), on the caller's thread, under the tap's lock. */
enum ct_status ct_tap_look(struct ct_tap *tap, ct_span tenant, ct_span conversation_id,
                           void (*record)(void *context, const struct ct_record *record, const struct ct_setup *setup),
                           void *context) CT_MUST_USE;

#define CT_TAP_REASONS_MAX 192 /* more than there are names in this program: desk_drops.c lists them */
struct ct_tap_health {
    bool ready;          /* recovered, and not behind by more than 10 s */
    bool recording;      /* the tape takes what comes */
    const char *problem; /* "" = well; constant text or the tape's, valid until the next call from this thread */
    char problem_text[200];
    ct_usec started_at, now, behind_usec; /* age of the oldest thing that waits to be judged; 0 = nothing */
    uint64_t committed, judged;           /* tape positions */
    struct ct_tape_stats tape;
    struct ct_pipeline_stats pipeline;
    bool storing; /* false: no store, or it fails (problem says why) */
    char setup_hash[65], rules_hash[65];
    uint64_t reloads;
    uint64_t events;                          /* business events since the start */
    struct ct_drop drops[CT_TAP_REASONS_MAX]; /* by reason, in byte order */
    size_t drop_count;
};
void ct_tap_health(struct ct_tap *tap, struct ct_tap_health *out);

#endif
