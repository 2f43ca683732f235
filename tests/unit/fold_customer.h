/* fold_customer.h - one customer of whom only conversations are known, into a set or slices. */
#ifndef CT_TEST_FOLD_CUSTOMER_H
#define CT_TEST_FOLD_CUSTOMER_H

#include "metrics/kpi.h"

static const struct ct_terms plain_terms = CT_TERMS_DEFAULT;

static inline struct ct_customer customer_of(const struct ct_record *const *records, size_t count)
{
    return (struct ct_customer){.records = records, .record_count = count, .terms = &plain_terms};
}

static inline void fold_customer_of(struct ct_kpi_set *set, const struct ct_record *const *records, size_t count)
{
    const struct ct_customer customer = customer_of(records, count);
    ct_kpis_fold_customer(set, &customer);
}

static inline enum ct_status slice_customer_of(struct ct_kpi_slices *slices, const struct ct_record *const *records,
                                               size_t count)
{
    const struct ct_customer customer = customer_of(records, count);
    return ct_slices_fold_customer(slices, &customer);
}

#endif
