/* customer.h - what one customer's conversations say about each other: who came back, and when.
 *
 * The caller brings all conversations of one customer together (the partition key of threads and hosts is the
 * customer), marks them here, then folds them. First contact resolution stands on these marks.
 */
#ifndef CT_CUSTOMER_H
#define CT_CUSTOMER_H

#include "engine/business.h"
#include "engine/record.h"
#include "metrics/terms.h"

/* One customer, as metrics see it: everything that is known of it, on the terms of the count. In a slice: its
 * conversations of the slice, and all its events. All of it borrowed. */
struct ct_customer {
    const struct ct_record *const *records; /* as ct_customer_sort and ct_customer_mark leave them; may be none */
    size_t record_count;
    const struct ct_business *const *events; /* as ct_business_sort leaves them, of every time, also after the period */
    size_t event_count;
    size_t due_count; /* set by ct_customer_known, 0 before: after those events so many more, later than terms->as_of,
                         of which renewal_due alone is known (what is due next year is known today) */
    const struct ct_terms *terms;
    const struct ct_account
        *account; /* what the events say (account.h): set by ct_kpis_fold_customer, not by the caller */
};
/* What is known of it at terms->as_of: events from then on are taken off, but for what falls due. Metrics see nothing
 * else; called by ct_kpis_fold_customer. Of one who is known already it is the same again. */
struct ct_customer ct_customer_known(const struct ct_customer *customer);
/* An event of nobody: is it known at terms->as_of? */
bool ct_terms_know(const struct ct_terms *terms, const struct ct_business *event);
/* The customer's segment at the period's end, as far as it is known: of the newest event that names one, else of the
 * newest conversation that does; empty = not known. */
ct_span ct_customer_segment(const struct ct_customer *customer);

/* Sorts by started_at (untimed last), then conversation_hash, then session: the order that fold_customer wants. */
void ct_customer_sort(struct ct_record **records, size_t count);

/* Sets first_contact, returned, is_return, immature, next_contact_usec, previous_contact_usec, the
 * same two of any topic, and observed_usec on each of one customer's records. `records` as ct_customer_sort leaves
 * them; `window` the return window; `as_of` the newest time in the whole input (CT_USEC_NONE: none known, all
 * immature). observed_usec is set wherever the end is known, contact or not: silence is told by it. Who comes back
 * about something else (below) does not come back here. A contact is a conversation in which the customer wrote
 * something (engaged); one that is not does not count as a return. Gaps run from the end of one contact to the start of
 * the next, at least 0; exactly the window is inside. first_contact: true = resolved (by whomever), not itself a
 * return, and not followed by one; false = any other engaged one; null = not engaged, untimed, without a customer, or
 * the window has not passed at as_of. */
void ct_customer_mark(struct ct_record *const *records, size_t count, ct_usec window, ct_usec as_of);
/* The same with the window and `return_topic` of the terms. */
void ct_customer_mark_on(struct ct_record *const *records, size_t count, const struct ct_terms *terms, ct_usec as_of);

/* ---- about the same thing? ----------------------------------------------------------------------------------------
 *
 * Two conversations of a customer are about different things where topics of both are known and none is shared. What is
 * not known counts as the same. How something is said (complaint, suggestion, competitor) is no thing it is about. */
bool ct_topic_is_subject(ct_span topic);

/* Topics of one customer's conversations as bits. Those beyond the first 63 share one. */
struct ct_topic_set {
    bool any; /* terms->return_topic any: all are the same */
    uint32_t count;
    ct_span name[63]; /* borrowed from the records */
};
void ct_topics_init(struct ct_topic_set *set, const struct ct_terms *terms);
/* 0 = not known: of every topic. */
uint64_t ct_topics_of(struct ct_topic_set *set, const struct ct_record *record);

/* A time for each topic. */
struct ct_by_topic {
    ct_usec at[64], unknown, all; /* of conversations of the topic; without a known one; of any */
};
void ct_by_topic_init(struct ct_by_topic *by);                                  /* CT_USEC_NONE everywhere */
void ct_by_topic_put(struct ct_by_topic *by, uint64_t topics, ct_usec at);      /* in the place of what was there */
void ct_by_topic_put_last(struct ct_by_topic *by, uint64_t topics, ct_usec at); /* unless what is there is later */
/* Of what may be about the same thing the least or the greatest; CT_USEC_NONE = nothing is. */
ct_usec ct_by_topic_first(const struct ct_by_topic *by, uint64_t topics);
ct_usec ct_by_topic_last(const struct ct_by_topic *by, uint64_t topics);

#endif
