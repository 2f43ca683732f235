/* kpi.h - every KPI at once: one flat state for the whole input, or for one slice of it.
 *
 * A set holds the states of all metrics (metrics.def) in one block; the catalogue (kpis.def) says how to read it.
 * Sets and slices are commutative monoids: fold in any order, in any number of threads (one set a thread), merge
 * in any order, compute once at the end; the result is the same to the byte. Not thread-safe by themselves.
 */
#ifndef CT_KPI_H
#define CT_KPI_H

#include "metrics/fees.h"
#include "metrics/metric.h"
#include "metrics/profile.h"

/* ---- the catalogue ---- */
/* All KPIs that work, in catalogue order; variants follow their parent. */
const struct ct_kpi *ct_kpi_catalogue(size_t *count);
/* By id; NULL = none. */
const struct ct_kpi *ct_kpi_find(ct_span id);
/* Does it stand on customers or business events alone, so that conversations one by one (ct_kpis_fold) never give it a
 * value? Live windows leave it out. A row of a profile is asked for by its id, too. */
bool ct_kpi_of_customers(const struct ct_kpi *kpi);
/* An amount in the KPI's unit to millionths of it: "90", "90 %", "30s", "1.5". false = it is none. */
CT_MUST_USE bool ct_kpi_amount_from(const struct ct_kpi *kpi, ct_span text, int64_t *micro);
/* docs/kpis.md, both languages; heap, free() it; NULL = out of memory. */
char *ct_kpi_markdown(void) CT_MUST_USE;

/* ---- one set ---- */
struct ct_kpi_set;
size_t ct_kpi_set_bytes(void);
struct ct_kpi_set *ct_kpis_new(void) CT_MUST_USE; /* the zero; NULL = out of memory */
void ct_kpis_free(struct ct_kpi_set *set);        /* NULL allowed */
void ct_kpis_zero(struct ct_kpi_set *set);
/* One conversation where the customer's others are not at hand: KPIs that count customers leave it out. */
void ct_kpis_fold(struct ct_kpi_set *set, const struct ct_record *record);
/* The same into several sets at once, which costs less than one after the other. */
#define CT_KPIS_EACH_MAX 64
void ct_kpis_fold_each(struct ct_kpi_set *const *sets, size_t count, const struct ct_record *record);
/* Everything of one customer (or the one conversation of an unknown one): folds each conversation, and the customer. Do
 * not also call ct_kpis_fold for them. */
void ct_kpis_fold_customer(struct ct_kpi_set *set, const struct ct_customer *customer);
/* A business event that belongs to no customer. As of a customer's, nothing is seen of one later than terms->as_of. */
void ct_kpis_fold_event(struct ct_kpi_set *set, const struct ct_business *event, const struct ct_terms *terms);
void ct_kpis_merge(struct ct_kpi_set *set, const struct ct_kpi_set *other);
/* Gives back what `other` holds: it must have been folded into `set`, or merged with it, before. fold(a, b) - fold(b)
 * has the figures of fold(a), but for what cannot shrink: first_at and last_at of a block as long as one dated
 * conversation is left, and so when the last provisional case settles; percentiles, kept between the ends of the
 * values, may lie elsewhere in the same bin (0.8 %) and the interval of a mean may go below 0 where an extreme was
 * given back; sums of squares and bins at their maximum stay there; and of a table (channels, currencies, scales) that
 * once had too many keys those in its `other` stay in it. */
void ct_kpis_subtract(struct ct_kpi_set *set, const struct ct_kpi_set *other);
/* That were folded and not given back. */
uint64_t ct_kpis_conversations(const struct ct_kpi_set *set);
/* Who of them shares the months' fixed fees (fees.h). Borrowed. */
const struct ct_fee_base *ct_kpis_fee_base(const struct ct_kpi_set *set);
/* What human marks say of the rules (quality.h). Borrowed. */
struct ct_quality;
const struct ct_quality *ct_kpis_quality(const struct ct_kpi_set *set);
/* Nothing is in it: no conversation, no customer with business events, no event of nobody. */
bool ct_kpis_empty(const struct ct_kpi_set *set);
/* The state as bytes: equal states are equal bytes. */
const void *ct_kpis_state(const struct ct_kpi_set *set, size_t *bytes);

/* Another target for a KPI than the catalogue's; op CT_TARGET_NONE takes it away. */
struct ct_kpi_target {
    const char *id;
    struct ct_target target;
};
struct ct_kpi_options {
    enum ct_profile profile; /* KPIs that it defines are figures by its definition; 0 = convtap's own */
    const struct ct_kpi_target *targets;
    size_t target_count;
    const ct_span *segments; /* whose targets count, the first that a KPI knows: "smb", "year_1"; may be NULL */
    size_t segment_count;
    const char *period; /* how long a period the figures are for: "monthly"; NULL = any. "smb_monthly" goes before
                           "smb", "monthly" comes after all segments */
    const struct ct_fees *fees; /* what the months' fixed fees are, and who shares them (fees.h); NULL = left out */
};
/* Fills *block (key and other are left to the caller): counts and figures. block->figures is heap, owned by the
 * caller: ct_block_done. options may be NULL. CT_NO_MEMORY. */
enum ct_status ct_kpis_compute(const struct ct_kpi_set *set, const struct ct_kpi_options *options,
                               struct ct_block *block) CT_MUST_USE;
void ct_block_done(struct ct_block *block);

/* What one conversation gives to a KPI: *out is the KPI's head figure over that conversation alone, so its numerator
 * and denominator say whether it is in them (`explain --kpi`). true = it is in the denominator. KPIs that count
 * customers need all their conversations: one alone is in none of those. `scratch` is overwritten. */
bool ct_kpis_contribution(struct ct_kpi_set *scratch, const struct ct_kpi *kpi, const struct ct_record *record,
                          struct ct_figure *out);

/* ---- slices: one set for each value of a field, or of two (--group-by) ---- */
#define CT_SLICE_MAP(X)                                                                                                \
    X(CHANNEL, "channel")                                                                                              \
    X(LANGUAGE, "language")                                                                                            \
    X(BOT, "bot")                                                                                                      \
    X(BOT_VERSION, "bot_version")                                                                                      \
    X(TENANT, "tenant")                                                                                                \
    X(OUTCOME, "outcome")                                                                                              \
    X(REASON, "reason") /* of the handoff */                                                                           \
    X(TOPIC, "topic")   /* what it is about most */                                                                    \
    X(INTENT, "intent") /* that the bot's platform recognised */                                                       \
    X(PRODUCT, "product")                                                                                              \
    X(COUNTRY, "country")                                                                                              \
    X(SEGMENT, "segment") /* of the customer: ct_customer_segment */                                                   \
    X(HOUR, "hour")       /* of the start, as all times in the zone: "00" ... "23" */                                  \
    X(WEEKDAY, "weekday") /* of the start: "1 mon" ... "7 sun" */                                                      \
    X(DAY, "day")         /* of the start: "2026-11-21" */                                                             \
    X(WEEK, "week")       /* of the start: "2026-W47" */                                                               \
    X(MONTH, "month")     /* of the start: "2026-11" */                                                                \
    X(QUARTER, "quarter") /* of the start: "2026-Q4" */
enum ct_slice_field {
#define X(name, text) CT_SLICE_##name,
    CT_SLICE_MAP(X)
#undef X
        CT_SLICE_COUNT
};
const char *ct_slice_field_text(enum ct_slice_field field);
CT_MUST_USE bool ct_slice_field_from(ct_span text, enum ct_slice_field *out);

/* What slices are made by: one field, or the pair of two different ones. */
enum { CT_SLICE_BY_MAX = 2 };
struct ct_slice_by {
    enum ct_slice_field field[CT_SLICE_BY_MAX];
    unsigned count;
};
/* "channel" or "channel,language"; not one field twice, nor two of day, week, month and quarter. */
CT_MUST_USE bool ct_slice_by_from(ct_span text, struct ct_slice_by *out);
#define CT_SLICE_BY_BYTES 40
const char *ct_slice_by_text(const struct ct_slice_by *by, char out[CT_SLICE_BY_BYTES]); /* returns out */

/* A set is about 190 KB; what only business events fill takes no memory without them. */
#define CT_SLICES_MAX_DEFAULT 250
#define CT_SLICE_KEY_BYTES 64    /* longer keys are cut at a character, and counted under the cut one */
#define CT_SLICE_PERIODS_MAX 100 /* days, weeks ... of business figures where no period was asked for */

struct ct_kpi_slices;
/* Of more than `max` different keys, the first `max` in byte order (by day, week, month or quarter the last `max`) have
 * their own set and all others share one ("other"): the one bounded rule that is the same whatever the order and
 * however the input is divided. max 0 = CT_SLICES_MAX_DEFAULT. NULL = out of memory. */
struct ct_kpi_slices *ct_slices_new(enum ct_slice_field field, size_t max) CT_MUST_USE;
struct ct_kpi_slices *ct_slices_new_by(const struct ct_slice_by *by, size_t max) CT_MUST_USE;
void ct_slices_free(struct ct_kpi_slices *slices); /* NULL allowed */
/* Of hours, days ...; before anything is folded. Without it that of the first customer's terms. Must outlive them. */
void ct_slices_zone(struct ct_kpi_slices *slices, const struct ct_zone *zone);
/* As ct_kpis_fold_customer; a customer counts once in each slice where it has a conversation.
 *
 * Slices by day, week, month or quarter are counted on terms of their own: business figures speak for the slice's
 * period, not for the terms'. A customer of whom events are known is in each of them, with or without conversations,
 * from its first event to as_of (or, where terms->period_given, in those that overlap [from, to)), at most the last
 * CT_SLICE_PERIODS_MAX, or `max` of a given period; slices before those count conversations alone. In slices by
 * segment, too, customers without conversations are counted. In all other slices a customer has its conversations of
 * the slice and all its events, on the terms as they are. All customers' terms are the same. */
enum ct_status ct_slices_fold_customer(struct ct_kpi_slices *slices, const struct ct_customer *customer) CT_MUST_USE;
/* A business event of nobody: into slices of time from the event's own on, and into the segment's that it names. */
enum ct_status ct_slices_fold_event(struct ct_kpi_slices *slices, const struct ct_business *event,
                                    const struct ct_terms *terms) CT_MUST_USE;
/* The set of the slice that a conversation belongs into, made where there is none: for ct_kpis_fold, or _each, at once.
 * NULL = out of memory. */
struct ct_kpi_set *ct_slices_set_for(struct ct_kpi_slices *slices, const struct ct_record *record) CT_MUST_USE;
/* Gives back a conversation that was folded into its set. `alone` = a set with nothing but this record folded. A slice
 * without conversations goes; where keys were once too many it stays, and is not shown. See ct_kpis_subtract. */
void ct_slices_subtract(struct ct_kpi_slices *slices, const struct ct_record *record, const struct ct_kpi_set *alone);
enum ct_status ct_slices_merge(struct ct_kpi_slices *slices, const struct ct_kpi_slices *other) CT_MUST_USE;
/* Slices in byte order of their keys, then the other one where there is one. Not changed by reading. */
size_t ct_slices_count(const struct ct_kpi_slices *slices);
/* key is borrowed from the slices: of a pair the first field's. */
const struct ct_kpi_set *ct_slices_at(const struct ct_kpi_slices *slices, size_t index, ct_span *key, bool *other);
/* One block a slice, keys filled, and from and to where it is one of time; *blocks heap (NULL where there are none),
 * owned by the caller: ct_blocks_done. A slice of a segment is held against its targets, one of time against those of
 * such a period, before the options' own. */
enum ct_status ct_slices_compute(const struct ct_kpi_slices *slices, const struct ct_kpi_options *options,
                                 struct ct_block **blocks, size_t *count) CT_MUST_USE;
void ct_blocks_done(struct ct_block *blocks, size_t count);

#endif
