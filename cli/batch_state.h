/* batch_state.h - what the three stages of a batch share. Private to batch*.c. */
#ifndef CT_BATCH_STATE_H
#define CT_BATCH_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "cli/batch.h"
#include "cli/spill.h"
#include "engine/sessions.h"
#include "parsers/frame.h"

enum { CT_PIECE_BYTES = 1 << 18, CT_HEAD_BYTES = 65536, CT_REASONS_MAX = 64 };

struct ct_batch_input {
    uint32_t *piece_lines; /* lines in each piece, so that a refusal's line can be told afterwards */
    size_t piece_count, piece_capacity;
    char hash[65];
    uint64_t disk_bytes;
};

/* The input that is being read; pieces are taken from it under the lock. */
struct ct_batch_source {
    uint32_t input;
    struct ct_reader *reader; /* NULL = none open */
    const struct ct_parser *parser;
    void *parser_state;
    struct ct_parser_config config;
    char *zone;
    struct ct_option_value *options; /* this file's; config has them */
    struct ct_framer framer;         /* VALUES mode, stateful parsers */
    char *carry;                     /* read, not yet given out */
    size_t carry_len, carry_capacity;
    uint64_t offset;     /* input position of carry[0] */
    bool end;            /* the reader has no more */
    bool skipping;       /* inside a line that is too long */
    const char *trouble; /* why the stream ended before its end, not yet said; NULL = it did not */
    char trouble_text[200];
    bool scanning;  /* the first of two passes: what is wrong is said in the second */
    unsigned users; /* workers that still parse pieces with parser_state */
    bool exhausted; /* all pieces are taken, users still parse */
};

struct ct_reason {
    const char *name;
    uint64_t count;
};

struct ct_batch;

struct ct_input_counts {
    uint64_t messages, conversations, events, refused;
};

struct ct_batch_fold {
    struct ct_kpi_set *kpis;
    struct ct_kpi_slices *slices; /* NULL = not grouped */
    struct ct_kpi_slices *also[CT_BATCH_ALSO_MAX];
    size_t also_count;
    struct ct_fee_base fees; /* who shares the months' fixed fees, whatever the filters */
};

struct ct_worker {
    struct ct_batch *batch;
    pthread_t thread;
    struct ct_matcher *matcher;
    struct ct_conversation *conversation;
    struct ct_spill_writer *messages, *customers, *events;
    struct ct_batch_fold fold[2];    /* the period's, and that of the one it is compared with */
    const struct ct_record **picked; /* scratch: a customer's records that count */
    size_t picked_capacity;
    struct ct_sorter_run *lines, *themes;
    struct ct_arena scratch;
    /* the piece being parsed */
    char *piece;
    size_t piece_len, piece_capacity;
    struct ct_frame *frames; /* VALUES mode */
    size_t frame_count, frame_capacity;
    uint32_t input;
    uint64_t piece_number, piece_offset;
    uint32_t piece_skipped; /* lines before its bytes that were too long to hold */
    bool piece_framed;      /* its records are framed already: lines are those of the whole input */
    /* messages of the record being parsed */
    char *held;
    size_t held_len, held_capacity;
    uint32_t held_count, held_index;
    uint64_t record_offset;
    struct ct_sessions sessions; /* the conversation being closed */
    /* what came of it */
    struct ct_input_counts *counts; /* by input */
    struct ct_reason reasons[CT_REASONS_MAX];
    size_t reason_count;
    struct ct_batch_refusal *refusals; /* line is relative to the piece; see piece_of */
    uint64_t *refusal_piece;
    size_t refusal_count, refusal_capacity;
    uint64_t duplicate_messages, duplicate_conversations, duplicate_events;
    uint64_t events_counted;
    struct ct_answers *answers; /* of its events; NULL = none so far */
    ct_usec newest;
    enum ct_status status;
    struct ct_error error;
};

struct ct_batch {
    const struct ct_batch_options *options;
    const struct ct_input_list *list;
    struct ct_batch_input *inputs;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* an exhausted source was closed */
    struct ct_batch_source source;
    uint32_t next_input;
    struct ct_spill *messages, *customers, *events; /* events: by customer, in partitions as customers' */
    struct ct_worker *workers;
    unsigned worker_count;
    atomic_uint next_partition;
    atomic_bool stop;           /* a worker failed */
    struct ct_answers *answers; /* of all workers; what the terms have */
    struct ct_terms terms;      /* what the third stage counts on: worked out when the first two are done */
    bool compared;              /* there is another period: */
    struct ct_terms terms_before;
    atomic_bool *seen; /* of each conversation that has marks: is it in the input? NULL = there are no marks */
    uint64_t disk_total, disk_done;
    const struct ct_parse_out *each; /* ct_batch_each: where messages go instead */
    struct ct_batch_given *given;    /* ct_batch_run_given; NULL = records are made here */
};

/* batch_read.c */
void ct_batch_read(struct ct_worker *worker);
/* Where a parser's messages go. */
struct ct_parse_out ct_batch_out(struct ct_worker *worker);
/* Where a customer's records and events wait. */
static inline unsigned ct_batch_partition(const struct ct_spill *spill, uint64_t customer_hash)
{
    return (unsigned)((customer_hash >> 32) % ct_spill_partitions(spill));
}

/* batch_source.c */
/* One more of what is counted by name. `reason` is a constant. */
void ct_batch_count_reason(struct ct_worker *worker, const char *reason, uint64_t count);
void ct_batch_refuse(struct ct_worker *worker, const struct ct_refusal *refusal);
void ct_batch_refuse_here(struct ct_worker *worker, const char *reason, uint64_t offset, uint64_t line,
                          const char *detail);
/* Order of refusals, for qsort: by input, place, reason, detail: the same whatever the threads. */
int ct_batch_by_place(const void *left, const void *right);
/* Opens the next input that can be read. CT_NOT_FOUND = there is none left. */
enum ct_status ct_batch_source_next(struct ct_worker *worker) CT_MUST_USE;
/* Reads until carry holds `want` bytes or the input ends; a broken stream ends it, refused by name. */
enum ct_status ct_batch_source_fill(struct ct_worker *worker, struct ct_batch_source *source, size_t want) CT_MUST_USE;
/* Every record that is left of the source, in order, to `take`, until it says something else than CT_OK; what the
 * framer refuses is said where `refuse`. */
typedef enum ct_status ct_batch_frame(struct ct_worker *worker, struct ct_batch_source *source,
                                      const struct ct_frame *frame);
enum ct_status ct_batch_source_frames(struct ct_worker *worker, struct ct_batch_source *source,
                                      struct ct_framer *framer, bool refuse, ct_batch_frame *take) CT_MUST_USE;
/* Forgets the first bytes of carry. */
void ct_batch_source_drop(struct ct_batch_source *source, size_t bytes);
void ct_batch_source_close(struct ct_batch *batch);

/* batch_close.c: stored messages -> records */
enum ct_status ct_batch_close_one(struct ct_worker *worker, size_t count, bool whole);
void ct_batch_close(struct ct_worker *worker);

/* batch_event.c: business events on their way to their customers */
enum ct_status ct_batch_put_event(struct ct_worker *worker, const struct ct_business *event, struct ct_error *err);
enum ct_status ct_batch_take_event(struct ct_worker *worker, const struct ct_business_event *event);
/* A partition's events in order of their customers (0, nobody, first); *items, *list are freed by the caller. */
enum ct_status ct_batch_load_events(struct ct_worker *worker, unsigned partition, struct ct_spill_items *items,
                                    const struct ct_business ***list, size_t *count) CT_MUST_USE;
/* Answers to feedback, of all workers, into the terms. */
enum ct_status ct_batch_gather_answers(struct ct_batch *batch, struct ct_error *err) CT_MUST_USE;
/* What the figures speak for, from what was asked for and the newest time of the input. */
void ct_batch_settle(struct ct_terms *terms, ct_usec newest);

/* batch_count.c: records -> KPIs */
void ct_batch_count(struct ct_worker *worker);

/* batch_fold.c: a customer into the figures */
CT_MUST_USE bool ct_batch_fold_new(struct ct_worker *worker); /* false = out of memory */
void ct_batch_fold_done(struct ct_batch_fold *fold);
enum ct_status ct_batch_fold_merge(struct ct_batch_fold *fold, const struct ct_batch_fold *other) CT_MUST_USE;
/* Marked; with all its conversations and events. */
enum ct_status ct_batch_fold_customer(struct ct_worker *worker, const struct ct_customer *customer) CT_MUST_USE;
enum ct_status ct_batch_fold_event(struct ct_worker *worker, const struct ct_business *event) CT_MUST_USE;
/* Is a customer's conversation counted, in the period and past the filters? */
CT_MUST_USE bool ct_batch_counts(const struct ct_worker *worker, const struct ct_customer *customer,
                                 const struct ct_record *record);

/* batch.c: options, list and, where it is not an audit, each or given are set */
enum ct_status ct_batch_start(struct ct_batch *batch, struct ct_batch_result *result, struct ct_error *err);

/* batch_given.c: records that were made elsewhere */
enum ct_status ct_batch_take_given(struct ct_batch *batch, struct ct_error *err);
/* Of a partition's items the records that count: *count of them, and room for them in `records`. */
void ct_batch_unwrap(struct ct_spill_items *items, struct ct_record **records, size_t *count);
/* The rules that a record's numbers speak of. */
const struct ct_ruleset *ct_batch_rules_of(const struct ct_batch *batch, const struct ct_record *record);

/* A worker gives up and so do the others. */
void ct_batch_fail(struct ct_worker *worker, enum ct_status status, const struct ct_error *error);

#endif
