/* judge.h - the tap's thread: reads the tape behind the commit and feeds it through the pipeline into live figures and
 * store. Private to tap.c and judge.c.
 */
#ifndef CT_JUDGE_H
#define CT_JUDGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "plugin/tap/record_sink.h"
#include "plugin/tap/state.h"
#include "plugin/tap/tap.h"

/* A setup that stood on the tape, kept as long as an open conversation may have begun under it. */
struct ct_kept_setup {
    uint64_t position;
    char *packed;
    size_t len;
};

/* The pipeline's time where the tape stood at a frame's beginning: what a restart has to begin with there, as what is
 * read from then on may be older (a clock set back). */
struct ct_place {
    uint64_t position;
    ct_usec now;
};

/* How far something got: all frames before this one, and the first so many of what came of it. */
struct ct_reach {
    uint64_t frame, of_frame;
};

struct ct_tap {
    struct ct_tap_options options;
    char *folder, *store_path;
    struct ct_intake intake;
    struct ct_tape *tape;
    struct ct_live *live;
    uint64_t opened_end; /* the tape's end when the tap started */
    ct_usec started_at;
    atomic_bool closing;  /* nothing more is taken in */
    atomic_bool stopping; /* and everything that was is committed: the judge ends when it has seen it */

    pthread_mutex_t lock; /* streams, drops, the packed setup, problem */
    struct ct_streams *streams;
    struct ct_drop drops[CT_TAP_REASONS_MAX];
    size_t drop_count;
    char *setup; /* packed, in force for what comes */
    size_t setup_len;
    char problem[200]; /* of the judge; "" = well */
    char setup_hash[65], rules_hash[65];
    bool storing;
    uint64_t reloads;
    uint64_t events; /* business events that came */

    pthread_mutex_t wake_lock; /* the judge's sleep; who waits for it */
    pthread_cond_t wake, judged_changed;
    uint64_t judged; /* everything before is judged and committed to the store (under wake_lock) */
    ct_usec judged_at;
    struct ct_pipeline_stats figures; /* after the newest turn: who asks need not wait for the next */
    atomic_bool interrupted;          /* the store fails: judging begins again when it does not */
    atomic_bool caught_up;            /* with the tape as it was at the start */

    pthread_t thread;
    pthread_mutex_t judging; /* pipeline and feed */
    struct ct_pipeline *pipeline;
    struct ct_feed *feed;
    /* the judge's own */
    struct ct_record_sink *sink;
    struct ct_tape_reader *reader;
    struct ct_kept_setup *setups;
    size_t setup_count;
    struct ct_place *places; /* rising; the first at or before the oldest open conversation */
    size_t place_count;
    uint64_t position;       /* where the next frame is read */
    bool behind;             /* much of the tape waits: nobody is let past */
    unsigned without_breath; /* messages since somebody was */
    bool resuming;           /* what is read was judged before: only open conversations have to see it again */
    struct ct_reach done;    /* the frame that is being fed, and what it published or handed on so far */
    struct ct_reach told;    /* the same of drops */
    struct ct_reach shown;   /* what was published up to here is in the live figures already, */
    struct ct_reach counted; /* and what was left out is counted: the judge may have to begin again */
    uint64_t loaded_row;     /* of the store: up to it the live figures have what was before this start */
    ct_usec last_at;         /* of the newest frame that was fed */
    ct_usec tick_due, state_due;
    uint64_t setup_segment; /* stretch of the tape that has its setup */
    struct ct_error error;
};

/* Runs until tap->stopping and everything that was appended is judged. */
void *ct_judge_run(void *tap);
/* Which stretch of the tape a position is in: each begins with the setup in force. Under tap->lock, or before the
 * thread runs. */
uint64_t ct_tap_stretch(const struct ct_tap *tap, uint64_t position);
/* Any thread. `reason` is a constant. */
void ct_tap_count_drop(struct ct_tap *tap, const char *reason, uint64_t count);
void ct_tap_say(struct ct_tap *tap, const char *format, ...) CT_PRINTF(2, 3);

#endif
