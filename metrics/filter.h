/* filter.h - which conversations are counted (--where). Who came back is told from all of a customer's conversations;
 * filters take out afterwards what is not asked for.
 */
#ifndef CT_FILTER_H
#define CT_FILTER_H

#include "metrics/kpi.h"

/* "channel=whatsapp,web" or "outcome!=silent": the field is (not) one of the values; an empty value is a field that is
 * not said. */
struct ct_filter {
    enum ct_slice_field field;
    bool negated;
    ct_span values; /* divided by commas; borrowed */
};
/* false = *why says what is wrong, a constant. */
CT_MUST_USE bool ct_filter_from(ct_span text, struct ct_filter *out, const char **why);

/* Does a customer's conversation pass all of them? Fields as --group-by's, with `segment` the customer's; of `topic`
 * any of the conversation's topics. Hours may be written "9" and "09", weekdays "6", "sat" and "6 sat". */
CT_MUST_USE bool ct_filters_take(const struct ct_filter *filters, size_t count, const struct ct_customer *customer,
                                 const struct ct_record *record);
/* And its business events? Only what is said of the customer itself decides: the segment, and the tenant. */
CT_MUST_USE bool ct_filters_take_customer(const struct ct_filter *filters, size_t count,
                                          const struct ct_customer *customer);
/* And an event that belongs to nobody? */
CT_MUST_USE bool ct_filters_take_event(const struct ct_filter *filters, size_t count, const struct ct_business *event);

#endif
