/* orders.h - orders, purchases, cancellations and returns in the period, from events. What an order is exactly:
 * account.h. Conversations about them: requests.h. */
#ifndef CT_ORDERS_H
#define CT_ORDERS_H

#include "metrics/metric.h"

struct ct_orders {
    uint64_t orders, cancelled, cancelled_earlier;
    uint64_t delivered, returned, returned_earlier;
    uint64_t buyers, recurrent; /* customers with a purchase in the period, and with two or more */
};
extern const struct ct_metric ct_metric_orders;

/* cancellation_rate or return_rate, of what happened in the period: an order that is cancelled in it may have been
 * placed before, and then there is no interval. */
bool ct_orders_read(const struct ct_orders *state, bool returns, size_t index, struct ct_reading *out);

#endif
