/* pipeline.h - the live way from messages to records: a pure function of what it is fed, in that order.
 *
 * Open conversations wait as their messages, compact and in order of arrival. When one has been silent long enough (by
 * the ticks, that is by when messages came, not by the times they carry), or says that it is closed, its messages are
 * put in order of time, cut into sessions and judged: by the very code (sessions.h) that an audit of transcripts uses,
 * so both give the same records. A conversation that is closed but not yet silent stays: what still comes (a survey's
 * answer, a late message) makes another revision of its records.
 *
 * No clock, no I/O, no threads: the same frames give the same records, live or replayed from the tape.
 */
#ifndef CT_PIPELINE_H
#define CT_PIPELINE_H

#include "engine/setup.h"

/* What became of one session of a conversation. */
struct ct_published {
    const struct ct_record *record;   /* NULL = the session is no more: its messages are now part of another */
    const struct ct_record *replaced; /* the record that stood for it; NULL = it is new */
    const struct ct_setup *setup;
    uint32_t revision;                      /* 1, 2, ... of its conversation */
    bool final;                             /* nothing more can come to it; not said alone, without something new */
    uint64_t first_position, last_position; /* on the tape: of the conversation's first and last message so far */
    ct_usec first_published_at;             /* tick or receive time of the session's first publication */
    ct_usec published_at;                   /* and of this one */
};

struct ct_pipeline_sink {
    void *context;
    /* In order. A status other than CT_OK ends the call that led to it with that status. */
    enum ct_status (*publish)(void *context, const struct ct_published *published);
    /* `count` more of something left out, by name: "conversation_too_long", "open_conversations_limit",
     * "open_memory_limit", "duplicate_message", "cost_unpriced", "cost_unconverted", "cost_undated",
     * "delivery_unmatched", "rule_error". A constant. */
    void (*drop)(void *context, const char *reason, uint64_t count);
    /* Another message went through the rules, to be published, not to be looked at: a long conversation holds its
     * thread for milliseconds, and who must not can do something in between. Nothing of the pipeline may be called. May
     * be NULL. */
    void (*judged)(void *context);
};

struct ct_pipeline_limits {
    size_t open_max;               /* open conversations; the one silent longest is closed early. 0 = 1,000,000 */
    size_t conversation_bytes_max; /* of one conversation's messages; later ones, and any beyond 100,000, are left
                                      out. 0 = 16 MiB */
    size_t memory_max;             /* of all open ones together; as open_max. 0 = 4 GiB */
};

struct ct_pipeline;
struct ct_pipeline *ct_pipeline_new(const struct ct_pipeline_sink *sink,
                                    const struct ct_pipeline_limits *limits) CT_MUST_USE;
void ct_pipeline_free(struct ct_pipeline *pipeline);
/* Conversations that begin from here on are judged by `setup` (referenced). Must come before the first message. */
enum ct_status ct_pipeline_setup(struct ct_pipeline *pipeline, struct ct_setup *setup) CT_MUST_USE;
/* One message that came at `received` and stands at `position` of the tape (rising; several may share one). Copied. */
enum ct_status ct_pipeline_message(struct ct_pipeline *pipeline, const struct ct_message *message, ct_usec received,
                                   uint64_t position) CT_MUST_USE;
/* The conversation whose messages came is whole (a conversation a line): closed now, as it stands. */
enum ct_status ct_pipeline_whole(struct ct_pipeline *pipeline, ct_span tenant, ct_span conversation_id,
                                 ct_usec received) CT_MUST_USE;
/* Time passes: closes what has been silent long enough. Also called by ct_pipeline_message's `received`: the pipeline's
 * time never goes back. */
enum ct_status ct_pipeline_tick(struct ct_pipeline *pipeline, ct_usec now) CT_MUST_USE;
/* The tape has ended for good: closes everything that is open. */
enum ct_status ct_pipeline_close_all(struct ct_pipeline *pipeline) CT_MUST_USE;

struct ct_pipeline_stats {
    ct_usec now;              /* CT_USEC_NONE = nothing came yet */
    size_t open;              /* conversations that wait, */
    size_t closed_open;       /* of them published already */
    uint64_t oldest_position; /* the first message of the oldest of them; UINT64_MAX = none open */
    size_t text_bytes;        /* of the waiting messages' texts and names alone */
    size_t memory_bytes;      /* everything that open conversations take, text included */
    uint64_t messages;        /* that came, deliveries not among them (delivery.h) */
    uint64_t published, revisions;
};
void ct_pipeline_stats(const struct ct_pipeline *pipeline, struct ct_pipeline_stats *out);

/* ---- restart: which conversations are open, so that replaying the tape from the oldest of them rebuilds them ---- */
struct ct_open_mark {
    uint64_t conversation_hash; /* ct_conversation_key */
    uint64_t first_position;
    uint32_t first_index; /* messages at that position before its first */
    uint32_t reserved;    /* 0: marks may be written as they are */
};
/* Every open conversation, in order of conversation_hash. `marks` has room for stats.open. */
size_t ct_pipeline_marks(const struct ct_pipeline *pipeline, struct ct_open_mark *marks);
/* Until ct_pipeline_resume(NULL): only messages of the marked conversations, from their first position on, are taken;
 * others are passed over silently. `marks` sorted as ct_pipeline_marks gives them; borrowed until then. */
void ct_pipeline_resume(struct ct_pipeline *pipeline, const struct ct_open_mark *marks, size_t count);

/* One open conversation judged as it stands now, without publishing: each of its sessions in turn. CT_NOT_FOUND = it is
 * not open. The records are borrowed until the callback returns. */
enum ct_status ct_pipeline_look(struct ct_pipeline *pipeline, ct_span tenant, ct_span conversation_id,
                                void (*record)(void *context, const struct ct_record *record,
                                               const struct ct_setup *setup),
                                void *context) CT_MUST_USE;

#endif
