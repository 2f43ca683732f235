/* batch.h - an audit's work: many files, many threads, bounded memory, one exact result.
 *
 *   read    workers take pieces of the input in turn, parse them, and put each message where its conversation
 *           waits (a spill, by conversation); a conversation that is whole in its source is closed at once; business
 *           events wait by customer;
 *   close   workers take conversations' partitions: order by time, cut at silence, rules, outcome, record; records wait
 *           by customer;
 *   count   workers take customers' partitions: records and events of one customer meet; who came back, KPIs, and the
 *           conversations' lines.
 *
 * Nothing depends on who did what when: the result is the same for any number of threads and any order of the files.
 */
#ifndef CT_BATCH_H
#define CT_BATCH_H

#include "cli/input.h"
#include "cli/periods.h"
#include "cli/sorter.h"
#include "engine/business.h"
#include "engine/setup.h"
#include "metrics/customer.h"
#include "metrics/filter.h"
#include "metrics/kpi.h"
#include "metrics/themes.h"
#include "parsers/parser.h"

/* Looks on while one conversation goes through, for explain. Called from any one thread at a time. */
struct ct_batch_watch {
    ct_span conversation_id; /* of every tenant */
    void *context;
    /* Each message in event order, after it was appended; duplicates are not shown. Several conversations of the id may
     * go through at once, each on its own worker. */
    void (*message)(void *context, unsigned worker, const struct ct_message *message);
    /* The messages of this worker since the last call made this record. */
    void (*closed)(void *context, unsigned worker, const struct ct_record *record);
    /* Each of its records that counts, with what is known of the customer's other conversations. conversation_hash and
     * content_hash are those of closed(); the session's number may have become another. */
    void (*record)(void *context, const struct ct_record *record);
};

/* Takes each record that counts, for `audit --db`. Called from any one thread at a time, in any order. */
struct ct_batch_db {
    void *context;
    bool counted; /* only those that the filters and the period take, as the figures do */
    enum ct_status (*record)(void *context, const struct ct_record *record, struct ct_error *err);
    /* Each business event that counts. NULL = none are wanted. */
    enum ct_status (*event)(void *context, const struct ct_business *event, struct ct_error *err);
};

#define CT_BATCH_ALSO_MAX 6

struct ct_batch_options {
    struct ct_ruleset *rules;
    unsigned threads;
    const struct ct_parser *format; /* NULL = told from the content */
    const struct ct_option_value *format_options;
    size_t format_option_count;
    const struct ct_input_writing *writings; /* of some files; what a later one says goes before earlier ones, and all
                                                of them before the above */
    size_t writing_count;
    struct ct_conversation_options conversation;
    struct ct_silence silence; /* what ends a conversation where the source does not say */
    struct ct_terms terms;     /* what is not said is worked out from the input: ct_batch_result.terms */
    struct ct_periods periods; /* what of that depends on as_of */
    const struct ct_filter *filters;
    size_t filter_count;
    bool group;
    struct ct_slice_by group_by;
    const enum ct_slice_field *also; /* more fields to have slices by: result->also */
    size_t also_count;               /* at most CT_BATCH_ALSO_MAX */
    bool hash_inputs;
    const struct ct_batch_watch *watch; /* NULL = nobody looks on */
    struct ct_sorter *records;          /* NULL = conversations' lines are not wanted */
    struct ct_sorter *themes;           /* lines of metrics/themes.h; NULL = they are not wanted */
    struct ct_themes_options theme_options;
    const struct ct_batch_db *db; /* NULL = no store is written */
    const struct ct_drop *drops;  /* what was left out before, by name: counted with the rest */
    size_t drop_count;
    size_t max_record_bytes;
    size_t memory_bytes; /* what may wait in memory before it goes to a temporary file */
    /* Now and then, from any one thread at a time. May be NULL. */
    void (*progress)(void *context, const char *stage, uint64_t done, uint64_t total);
    void *progress_context;
};

/* Something left out, where. */
struct ct_batch_refusal {
    uint32_t input;
    uint64_t offset, line;
    const char *reason;
    char detail[200];
};
#define CT_BATCH_REFUSALS_MAX 1000 /* kept with their place: the first ones; all are counted */

struct ct_batch_result {
    struct ct_kpi_set *kpis;
    struct ct_kpi_slices *slices; /* NULL = not grouped */
    bool compared;                /* then the same of another period, on its terms */
    struct ct_kpi_set *kpis_before;
    struct ct_kpi_slices *slices_before;
    struct ct_kpi_slices *also[CT_BATCH_ALSO_MAX], *also_before[CT_BATCH_ALSO_MAX]; /* as the options' fields */
    size_t also_count;
    struct ct_terms terms_before;
    struct ct_fees fees, fees_before; /* the months' fixed fees, and all who share them; of the other period */
    struct ct_input_note *inputs;     /* texts owned */
    size_t input_count;
    struct ct_drop *drops; /* by reason, in byte order */
    size_t drop_count;
    struct ct_batch_refusal *refusals; /* by input, then offset */
    size_t refusal_count;
    uint64_t refused; /* all of them */
    uint64_t duplicate_messages, duplicate_conversations, duplicate_events;
    uint64_t events; /* business events that count, of every time */
    ct_usec as_of;   /* the newest message's or event's time, or what was given; CT_USEC_NONE = no times at all. What is
                        due is no sign of how late it is */
    /* What was counted on: as_of filled in, and where no period was given the calendar month, in the terms' zone, that
     * as_of is in. */
    struct ct_terms terms;
    uint64_t spilled_bytes;
    struct ct_matcher_stats matching;
};

/* CT_OK also where pieces were refused. Other: *err says what, *result is empty. */
enum ct_status ct_batch_run(const struct ct_batch_options *options, const struct ct_input_list *inputs,
                            struct ct_batch_result *result, struct ct_error *err) CT_MUST_USE;
void ct_batch_done(struct ct_batch_result *result);

/* Records that were made elsewhere (a tape), counted as those of an audit are: the third stage alone. Of the options'
 * fields rules, format, conversation and silence are not read; terms and drops are read when `give` has returned. */
struct ct_batch_given;
struct ct_batch_giver {
    void *context;
    /* Calls ct_batch_give for each record; a status other than CT_OK ends the run. */
    enum ct_status (*give)(void *context, struct ct_batch_given *to, struct ct_error *err);
};
enum ct_status ct_batch_run_given(const struct ct_batch_options *options, const struct ct_batch_giver *giver,
                                  struct ct_batch_result *result, struct ct_error *err) CT_MUST_USE;
/* Of records of one conversation that began at one moment the last one given counts; `withdrawn`: none does, unless
 * another follows. Copied; `rules` is referenced. */
enum ct_status ct_batch_give(struct ct_batch_given *to, const struct ct_record *record, struct ct_ruleset *rules,
                             bool withdrawn, struct ct_error *err) CT_MUST_USE;
/* Rule sets are numbered in the order in which they first come here or with a record: that is ct_record.rule_set of the
 * records, and the order of the terms' bindings, which may be made until `give` returns. CT_NO_MEMORY. */
enum ct_status ct_batch_give_rules(struct ct_batch_given *to, struct ct_ruleset *rules) CT_MUST_USE;
struct ct_ruleset *const *ct_batch_given_rules(const struct ct_batch_given *given, size_t *count);
/* One business event; copied. Those that are one event (engine/business.h) count once. */
enum ct_status ct_batch_give_business(struct ct_batch_given *to, const struct ct_business *event,
                                      struct ct_error *err) CT_MUST_USE;
/* `count` more of what was left out, by name; a constant. */
void ct_batch_give_drop(struct ct_batch_given *to, const char *reason, uint64_t count);

/* Every message of the inputs in reading order, one thread, without rules: for explain, classify and `formats`.
 * out->refuse is called for what is refused, and out->business, unless it is NULL, for business events; *events (may be
 * NULL) = how many there were. */
enum ct_status ct_batch_each(const struct ct_batch_options *options, const struct ct_input_list *inputs,
                             const struct ct_parse_out *out, uint64_t *events, struct ct_error *err) CT_MUST_USE;

#endif
