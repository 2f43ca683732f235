/* adoption.h - how many of the customers use the AI channel. */
#ifndef CT_ADOPTION_H
#define CT_ADOPTION_H

#include "metrics/days.h"
#include "metrics/keyed.h"
#include "metrics/metric.h"

#define CT_BASES_MAX 32

/* What customer_base events of the period say of one tenant, or of one segment of it. */
struct ct_base {
    char key[CT_KEY_BYTES]; /* the tenant's hash, and the segment's where one is named: 16 hex digits each */
    uint64_t events;
    ct_wide customers; /* the sum of their counts */
};

struct ct_adoption {
    uint32_t count, reserved;
    uint64_t adopters;      /* known customers with a conversation in the period in which they and the AI wrote */
    uint64_t customers;     /* known customers who wrote in a conversation in the period, or were customers in it */
    uint64_t unknown;       /* conversations with the AI that name no customer */
    uint64_t conversations; /* any: with none, nothing is known of use */
    struct ct_base base[CT_BASES_MAX], other;
};
extern const struct ct_metric ct_metric_adoption;

/* adoption_rate. The denominator is the customer base where events of the period state one (key "customer_base"): for
 * each tenant the mean of its events' counts, rounded half to even; where a tenant's events all name a segment, the sum
 * of its segments'. Else all customers known of any channel (key "known_customers"). `known`: of those in any case. */
bool ct_adoption_read(const struct ct_adoption *state, bool known, size_t index, struct ct_reading *out);

/* A conversation with the AI: the customer wrote, and the AI did. */
static inline bool ct_adoption_is_use(const struct ct_record *record)
{
    return record->engaged && record->bot_involved;
}
/* Is the conversation in the period, as far as that is known? Where there is none, all are. */
static inline bool ct_adoption_holds(const struct ct_terms *terms, const struct ct_record *record)
{
    return terms->to == CT_USEC_NONE || (record->started_at != CT_USEC_NONE && record->started_at >= terms->from &&
                                         record->started_at < ct_terms_end(terms));
}

#endif
