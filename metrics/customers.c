/* customers.c - interactions per user and recurrence. */
#include "metrics/customers.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_customers *s = state;
    s->unknown += record->engaged && !record->has_customer;
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_customers *s = state;
    const struct ct_record *const *records = customer->records;
    uint64_t conversations = 0;
    ct_usec last = CT_USEC_NONE;
    for (size_t i = 0; i < customer->record_count; i++) {
        if (!records[i]->engaged) {
            continue;
        }
        conversations++;
        if (!records[i]->timed) {
            s->untimed++;
            continue;
        }
        ct_usec start = records[i]->started_at, gap;
        if (last != CT_USEC_NONE && start != CT_USEC_NONE && !__builtin_sub_overflow(start, last, &gap)) {
            ct_spread_add(&s->gaps, gap);
        }
        last = start;
    }
    s->customers += conversations > 0;
    s->conversations += conversations;
    s->recurrent += conversations > 1;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_customers *s = state;
    const struct ct_customers *o = other;
    uint64_t by = ct_metric_by(sign);
    s->customers += by * o->customers;
    s->conversations += by * o->conversations;
    s->recurrent += by * o->recurrent;
    s->unknown += by * o->unknown;
    s->untimed += by * o->untimed;
    ct_spread_merge(&s->gaps, &o->gaps, sign);
}

static const size_t spreads[] = {offsetof(struct ct_customers, gaps)};
const struct ct_metric ct_metric_customers = {.name = "customers",
                                              .state_bytes = sizeof(struct ct_customers),
                                              .spreads = spreads,
                                              .spread_count = sizeof spreads / sizeof *spreads,
                                              .fold = fold,
                                              .fold_customer = fold_customer,
                                              .merge = merge};
