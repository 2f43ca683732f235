/* slices.h - the table of slices. Private to slices.c and slice_customer.c; everybody else has kpi.h. */
#ifndef CT_SLICES_H
#define CT_SLICES_H

#include "metrics/slice_key.h"

struct ct_slice {
    struct ct_slice_key key;
    struct ct_period period; /* of slices by time, cut to a period that was asked for; else NONE */
    struct ct_kpi_set *set;
};

/* Scratch: one of a customer's conversations, or a period that it is counted in without any. */
struct ct_slice_entry {
    struct ct_slice_key key;
    struct ct_period period;
    const struct ct_record *record; /* NULL = none */
    size_t index;                   /* its place among the customer's */
};

struct ct_kpi_slices {
    struct ct_slice_by by;
    bool periodic;            /* one field is a day, week, month or quarter: `unit` */
    bool newest;              /* of too many keys the last ones stay */
    bool complete;            /* a customer is in slices without having a conversation in them */
    bool zoned, settled;      /* zone is set; periods are */
    enum ct_period_unit unit; /* where periodic */
    const struct ct_zone *zone;
    struct ct_period *periods; /* in which business events count, in order of time */
    size_t period_count;
    struct ct_period cut; /* what was asked for; NONE = nothing */
    size_t max, count, capacity;
    struct ct_slice *at;      /* by key, in byte order */
    struct ct_kpi_set *other; /* NULL until a key is too many */
    struct ct_slice_entry *entries;
    const struct ct_record **picked; /* scratch: a customer's records of one slice */
    size_t scratch_capacity;
};

/* slices.c */
/* The set of a key, or the other one where the key is one too many. NULL = out of memory. */
struct ct_kpi_set *ct_slices_set(struct ct_kpi_slices *slices, const struct ct_slice_key *key, struct ct_period period);
struct ct_kpi_set *ct_slices_other(struct ct_kpi_slices *slices); /* NULL = out of memory */

/* slice_customer.c */
/* The key of a conversation, and its period; `segment` goes before the record's own. */
struct ct_period ct_slices_key_of(const struct ct_kpi_slices *slices, const struct ct_record *record, ct_span segment,
                                  struct ct_slice_key *key);

#endif
