/* orders.c - cancellation rate, return rate, purchase recurrence. */
#include "metrics/orders.h"

#include "metrics/account.h"

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_orders *s = state;
    const struct ct_account *a = customer->account;
    s->orders += a->orders;
    s->cancelled += a->cancelled;
    s->cancelled_earlier += a->cancelled_earlier;
    s->delivered += a->delivered;
    s->returned += a->returned;
    s->returned_earlier += a->returned_earlier;
    s->buyers += a->orders_kept > 0;
    s->recurrent += a->orders_kept > 1;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_orders *s = state;
    const struct ct_orders *o = other;
    uint64_t by = ct_metric_by(sign);
    s->orders += by * o->orders;
    s->cancelled += by * o->cancelled;
    s->cancelled_earlier += by * o->cancelled_earlier;
    s->delivered += by * o->delivered;
    s->returned += by * o->returned;
    s->returned_earlier += by * o->returned_earlier;
    s->buyers += by * o->buyers;
    s->recurrent += by * o->recurrent;
}

bool ct_orders_read(const struct ct_orders *state, bool returns, size_t index, struct ct_reading *out)
{
    out->numerator = (ct_wide)(returns ? state->returned : state->cancelled);
    out->denominator = (ct_wide)(returns ? state->delivered : state->orders);
    out->no_interval = (returns ? state->returned_earlier : state->cancelled_earlier) > 0;
    return index == 0;
}

const struct ct_metric ct_metric_orders = {
    .name = "orders", .state_bytes = sizeof(struct ct_orders), .fold_customer = fold_customer, .merge = merge};
