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
    const struct ct_terms *terms;
};
/* The customer's segment at the period's end: of the newest event that names one, else of the newest conversation that
 * does; empty = not known. */
ct_span ct_customer_segment(const struct ct_customer *customer);

/* Sorts by started_at (untimed last), then conversation_hash, then session: the order that fold_customer wants. */
void ct_customer_sort(struct ct_record **records, size_t count);

/* Sets first_contact, returned, is_return, immature, next_contact_usec, previous_contact_usec and observed_usec on
 * each of one customer's records. `records` as ct_customer_sort leaves them; `window` the return window; `as_of` the
 * newest time in the whole input (CT_USEC_NONE: none known, all immature).
 * A contact is a conversation in which the customer wrote something (engaged); one that is not does not count as a
 * return. Gaps run from the end of one contact to the start of the next, at least 0; exactly the window is inside.
 * first_contact: true = resolved (by whomever), not itself a return, and not followed by one; false = any other
 * engaged one; null = not engaged, untimed, without a customer, or the window has not passed at as_of. */
void ct_customer_mark(struct ct_record *const *records, size_t count, ct_usec window, ct_usec as_of);

#endif
