/* account_orders.c - a customer's orders, told apart by their reference. Part of account.c.
 *
 * One table of references holds what is known of each: a hash table on the caller's stack, zeroed only for customers
 * that have orders. A customer with more of them than it holds (a till's account) has each event beyond counted as an
 * order of its own; as events are sorted, that too is the same however they came.
 */
#include "metrics/account_parts.h"

static bool is_order(const struct ct_business *event)
{
    return event->type == CT_BUSINESS_PURCHASE || event->type == CT_BUSINESS_ORDER_DELIVERED ||
           event->type == CT_BUSINESS_ORDER_CANCELLED || event->type == CT_BUSINESS_ORDER_RETURNED;
}

/* The event's reference as a number, never 0; 0 = it has none. */
static uint64_t ref_of(const struct ct_business *event)
{
    ct_span ref = ct_business_text(event, CT_BUSINESS_REF);
    return ref.len ? ct_hash(ref, 0x0DE5) | 1 : 0;
}

/* Where a reference stands, or would stand. */
static size_t place_of(const struct ct_order_refs *orders, uint64_t ref)
{
    size_t at = (size_t)(ref >> 1) % CT_ORDER_PLACES;
    while (orders->ref[at] != 0 && orders->ref[at] != ref) {
        at = (at + 1) % CT_ORDER_PLACES;
    }
    return at;
}

/* The flags of a reference, made if need be; NULL = it is none, or there is no room for it. */
static uint8_t *flags_of(struct ct_order_refs *orders, uint64_t ref)
{
    if (ref == 0) {
        return NULL;
    }
    size_t at = place_of(orders, ref);
    if (orders->ref[at] == 0) {
        if (orders->count == CT_ORDERS_MAX) {
            return NULL;
        }
        orders->count++;
        orders->ref[at] = ref;
    }
    return &orders->flags[at];
}

static bool has(const struct ct_order_refs *orders, const struct ct_business *event, uint8_t flag)
{
    uint64_t ref = ref_of(event);
    if (ref == 0 || !orders->ready) {
        return false;
    }
    size_t at = place_of(orders, ref);
    return orders->ref[at] == ref && (orders->flags[at] & flag);
}

void ct_order_refs_open(struct ct_order_refs *orders, const struct ct_customer *customer)
{
    orders->count = 0;
    orders->ready = false;
    for (size_t i = 0; i < customer->event_count; i++) {
        const struct ct_business *event = customer->events[i];
        if (!is_order(event)) {
            continue;
        }
        if (!orders->ready) {
            memset(orders->ref, 0, sizeof orders->ref);
            memset(orders->flags, 0, sizeof orders->flags);
            orders->ready = true;
        }
        if (event->type == CT_BUSINESS_ORDER_CANCELLED) {
            uint8_t *flags = flags_of(orders, ref_of(event));
            if (flags) {
                *flags |= CT_ORDER_CANCELLED;
            }
        }
    }
}

bool ct_order_refs_cancelled(const struct ct_order_refs *orders, const struct ct_business *purchase)
{
    return has(orders, purchase, CT_ORDER_CANCELLED);
}

/* The first time that this is said of the order? An event without a reference is always the first. */
static bool first(struct ct_order_refs *orders, const struct ct_business *event, uint8_t flag)
{
    uint8_t *flags = flags_of(orders, ref_of(event));
    if (!flags) {
        return true;
    }
    bool is_first = !(*flags & flag);
    *flags |= flag;
    return is_first;
}

static ct_nano amount_of(const struct ct_business *event)
{
    return event->numbers.amount == CT_BUSINESS_NUMBER_NONE ? 0 : event->numbers.amount;
}

/* `placed`: an order of its own, not a further line of one. */
static void count_spent(const struct ct_business *event, const struct ct_terms *terms, bool placed,
                        struct ct_account *account)
{
    if (event->at >= terms->to) {
        return;
    }
    struct ct_account_money *money = ct_account_money_of(account, event);
    if (!money) {
        return;
    }
    ct_nano amount = amount_of(event), margin = event->numbers.margin;
    money->spent_ever += amount;
    money->purchases_ever += placed;
    if (margin != CT_BUSINESS_NUMBER_NONE) {
        money->margined += amount;
        money->margin += (ct_wide)amount * margin;
    } else {
        money->unmargined++;
    }
    ct_usec length, before;
    if (event->at >= terms->from) {
        money->spent += amount;
        money->purchases += placed;
    } else if (!__builtin_sub_overflow(terms->to, terms->from, &length) &&
               !__builtin_sub_overflow(terms->from, length, &before) && event->at >= before) {
        money->spent_before += amount;
    }
}

void ct_order_refs_read(struct ct_order_refs *orders, const struct ct_customer *customer, struct ct_account *account)
{
    const struct ct_terms *terms = customer->terms;
    /* Purchases first: what became of an order may be dated before it by another system's clock. */
    for (size_t i = 0; i < customer->event_count && orders->ready; i++) {
        const struct ct_business *event = customer->events[i];
        if (event->type != CT_BUSINESS_PURCHASE) {
            continue;
        }
        bool placed = first(orders, event, CT_ORDER_SEEN), cancelled = ct_order_refs_cancelled(orders, event);
        if (placed && ct_terms_hold(terms, event->at)) {
            account->orders++;
            account->orders_kept += !cancelled;
            (void)first(orders, event, CT_ORDER_PLACED);
        }
        if (!cancelled) {
            count_spent(event, terms, placed, account);
        }
    }
    for (size_t i = 0; i < customer->event_count && orders->ready; i++) {
        const struct ct_business *event = customer->events[i];
        if (event->type == CT_BUSINESS_ORDER_DELIVERED && ct_terms_hold(terms, event->at)) {
            account->delivered += first(orders, event, CT_ORDER_DELIVERED);
        } else if (event->type == CT_BUSINESS_ORDER_CANCELLED && ct_terms_hold(terms, event->at) &&
                   first(orders, event, CT_ORDER_GONE)) {
            account->cancelled++;
            account->cancelled_earlier += !has(orders, event, CT_ORDER_PLACED);
        }
    }
    for (size_t i = 0; i < customer->event_count && orders->ready; i++) {
        const struct ct_business *event = customer->events[i];
        if (event->type == CT_BUSINESS_ORDER_RETURNED && ct_terms_hold(terms, event->at) &&
            first(orders, event, CT_ORDER_RETURNED)) {
            account->returned++;
            account->returned_earlier += !has(orders, event, CT_ORDER_DELIVERED);
        }
    }
}
