/* pipeline_state.h - what an open conversation is in memory, and what the pipeline's files share. Private to
 * pipeline*.c.
 *
 *   pipeline.c        what comes in: messages, ends, time, restart
 *   pipeline_bag.c    open conversations: their messages, found by key
 *   pipeline_heap.c   which of them is due, which has been silent longest
 *   pipeline_judge.c  a conversation's messages to records, and what is published of them
 */
#ifndef CT_PIPELINE_STATE_H
#define CT_PIPELINE_STATE_H

#include "engine/pipeline.h"
#include "engine/sessions.h"
#include "engine/slab.h"
#include "engine/stored_pack.h"

enum {
    CT_BAG_MESSAGES_MAX = 100000,
    CT_BAG_REVISIONS_AT_ONCE = 16 /* after so many a close event waits until the conversation has grown by 1/16, too */
};

enum ct_bag_wait {
    CT_WAIT_SILENCE, /* for the silence that ends any conversation */
    CT_WAIT_PERSON,  /* longer: a person is expected */
    CT_WAIT_SURVEY,  /* longer: a survey's answer may come; what there is has been published */
    CT_WAIT_DELIVERY /* a day: so may what the platform says of a message; the same */
};

enum ct_heap_kind { CT_HEAP_DUE, CT_HEAP_SILENT, CT_HEAPS };

/* An open conversation: this, and its bytes in a chain of pieces (next piece, then bytes): tenant, id, what is said
 * once, messages in order of arrival. Bags, pieces and bags' neighbours are pieces of the slab; 0 = none. */
struct ct_bag {
    uint64_t hash; /* ct_conversation_key */
    uint64_t first_position, last_position;
    ct_usec last_received;
    ct_usec last_ts; /* of the message packed last */
    ct_usec idle_usec;
    uint64_t stamp; /* rises from message to message over all bags */
    union {
        ct_usec at;    /* all its sessions were first published then */
        ct_usec *each; /* or the sessions of the last publication in turn */
    } first_published;
    uint32_t left, right;  /* in its bucket's tree */
    uint32_t older, newer; /* by beginning */
    uint32_t heap_at[CT_HEAPS];
    uint32_t first_piece, last_piece;
    uint32_t first_index;        /* messages at first_position before its first */
    uint32_t key_bytes;          /* tenant and id, */
    uint32_t same_bytes;         /* then what is said once */
    uint32_t bytes, last_used;   /* packed, and in the last piece */
    uint32_t plain_bytes;        /* the same as ct_stored: what is limited */
    uint32_t piece_bytes;        /* of all its pieces */
    uint32_t text_bytes;         /* of texts and names in them */
    uint32_t count, published;   /* messages, and how many there were at the last publication */
    uint32_t revision, sessions; /* of the last publication; 0 = none */
    uint16_t setup;
    uint8_t wait; /* enum ct_bag_wait */
    bool is_published, differ /* first_published.each */, channel_known;
    bool person_expected : 1, survey_open : 1, delivery_open : 1; /* at the last publication */
};

/* A lazy heap of bags: a key may be lower than it should be, and is put right when it comes up. */
struct ct_heap {
    int64_t *keys;
    uint32_t *bags;
    uint32_t count, capacity;
    bool active;
};

/* A setup under which conversations are open, and what judges by it. */
struct ct_bench {
    struct ct_setup *setup; /* NULL = the place is free */
    struct ct_matcher *matcher;
    struct ct_conversation *conversation;
    ct_usec survey_usec; /* how long an unanswered survey keeps a conversation */
    uint32_t bags;
};

/* Records one after another. */
struct ct_pile {
    char *at;
    size_t len, capacity;
    uint32_t count;
};

struct ct_bytes {
    char *at;
    size_t capacity;
};

struct ct_pipeline {
    struct ct_pipeline_sink sink;
    struct ct_pipeline_limits limits;
    ct_usec now;
    struct ct_bench *benches;
    uint32_t bench_count;
    uint32_t bench; /* in force, + 1; 0 = none yet */

    struct ct_slab slab;
    uint32_t *buckets; /* roots of trees by hash, then key */
    uint32_t bucket_count;
    struct ct_heap heap[CT_HEAPS];
    uint32_t oldest, newest; /* bags by beginning */
    uint32_t open;
    size_t published_open;
    size_t text_bytes, held_bytes; /* held: what counts against limits.memory_max */
    size_t list_bytes;             /* of first_published.each */

    uint64_t stamp;
    uint64_t position;    /* of the last message, */
    uint32_t at_position; /* how many came there, */
    uint32_t index;       /* and how many before the one that comes now */
    uint64_t messages, publications, revisions;
    const struct ct_open_mark *marks;
    size_t mark_count;

    /* scratch */
    struct ct_bytes key, same, packed, flat, plain;
    struct ct_sessions sessions;
    struct ct_pile before, after;
};

static inline struct ct_bag *ct_bag_at(const struct ct_pipeline *p, uint32_t bag)
{
    return ct_slab_at(&p->slab, bag);
}
static inline ct_usec ct_usec_later(ct_usec from, ct_usec by)
{
    ct_usec sum;
    return __builtin_add_overflow(from, by, &sum) ? INT64_MAX : sum;
}
/* Makes it hold `bytes`; what is in it is lost. */
CT_MUST_USE bool ct_bytes_room(struct ct_bytes *bytes, size_t capacity);

/* ---- pipeline_bag.c ---- */
/* What names a conversation; the key is in p->key. */
struct ct_bag_key {
    uint64_t hash;
    ct_span key;
};
/* `hash`: ct_conversation_key of the same. */
CT_MUST_USE bool ct_bag_key_make(struct ct_pipeline *p, ct_span tenant, ct_span conversation_id, uint64_t hash,
                                 struct ct_bag_key *out);
/* It will be looked for soon: the memory may begin to fetch its place in the index. */
void ct_bag_expect(const struct ct_pipeline *p, uint64_t hash);
uint32_t ct_bag_find(struct ct_pipeline *p, const struct ct_bag_key *key);
/* A bag for the conversation that `m` begins, with that message; the caller gives it its times and puts it into the
 * heaps, which have room for it. `plain_bytes`: ct_stored_bytes(m). CT_NO_MEMORY: nothing changed. */
enum ct_status ct_bag_begin(struct ct_pipeline *p, const struct ct_bag_key *key, const struct ct_message *m,
                            uint32_t plain_bytes, uint32_t *out) CT_MUST_USE;
enum ct_status ct_bag_append(struct ct_pipeline *p, struct ct_bag *bag, const struct ct_message *m,
                             uint32_t plain_bytes) CT_MUST_USE;
/* Forgets it and gives its memory back. */
void ct_bag_end(struct ct_pipeline *p, uint32_t bag);
/* Its messages in order of arrival, as struct ct_sessions_read in p->plain, until the next is unpacked. */
enum ct_status ct_bag_unpack(struct ct_pipeline *p, struct ct_bag *bag) CT_MUST_USE;

/* ---- pipeline_heap.c ---- */
/* What the bag's key should be. */
int64_t ct_bag_heap_key(const struct ct_pipeline *p, const struct ct_bag *bag, enum ct_heap_kind kind);
CT_MUST_USE bool ct_heap_room(struct ct_pipeline *p, enum ct_heap_kind kind);
void ct_heap_add(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t bag); /* there is room */
void ct_heap_remove(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t bag);
/* Its key may have become lower. */
void ct_heap_lower(struct ct_pipeline *p, enum ct_heap_kind kind, uint32_t bag);
/* The bag with the lowest true key, up to `limit`; 0 = there is none. */
uint32_t ct_heap_top(struct ct_pipeline *p, enum ct_heap_kind kind, int64_t limit);
/* Puts every bag into it. */
enum ct_status ct_heap_activate(struct ct_pipeline *p, enum ct_heap_kind kind) CT_MUST_USE;
void ct_heap_done(struct ct_heap *heap);

/* ---- pipeline_judge.c ---- */
enum ct_closing {
    CT_CLOSING_EVENT,   /* it says that it is closed: published as it stands, it stays */
    CT_CLOSING_SILENCE, /* it has been silent: published and gone, or it waits longer */
    CT_CLOSING_WHOLE,   /* the source says that this is all: not cut */
    CT_CLOSING_FORCED   /* now, whatever it waits for */
};
/* CT_OK: done, and the bag gone unless it waits. Else nothing about the bag has changed, and what was handed to the
 * sink will be handed to it again. */
enum ct_status ct_bag_close(struct ct_pipeline *p, uint32_t bag, enum ct_closing closing) CT_MUST_USE;
enum ct_status ct_bench_open(struct ct_pipeline *p, struct ct_setup *setup) CT_MUST_USE;
void ct_bench_leave(struct ct_pipeline *p, uint32_t bench);
void ct_benches_done(struct ct_pipeline *p);
/* Judges it as it stands into p->after. */
enum ct_status ct_bag_judge(struct ct_pipeline *p, struct ct_bag *bag) CT_MUST_USE;

#endif
