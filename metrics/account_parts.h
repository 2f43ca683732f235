/* account_parts.h - what account.c is made of: orders by reference, subscriptions by name, renewals. Private to them.
 */
#ifndef CT_ACCOUNT_PARTS_H
#define CT_ACCOUNT_PARTS_H

#include "metrics/account.h"

/* The account's entry of a currency, made if need be; NULL = there are too many (and left_out is counted). */
struct ct_account_money *ct_account_money_of(struct ct_account *account, const struct ct_business *event);

/* ---- orders ---- */

enum { /* what is known of an order; SEEN at any time, CANCELLED too, the others in the period */
       CT_ORDER_CANCELLED = 1,
       CT_ORDER_SEEN = 2,
       CT_ORDER_PLACED = 4,
       CT_ORDER_GONE = 8,
       CT_ORDER_DELIVERED = 16,
       CT_ORDER_RETURNED = 32
};
#define CT_ORDERS_MAX                                                                                                  \
    1536 /* references of one customer that are told apart; each event beyond is an order of its own */
#define CT_ORDER_PLACES 2048
struct ct_order_refs {
    uint32_t count;
    bool ready; /* the places are zeroed: only where there are orders */
    uint64_t ref[CT_ORDER_PLACES];
    uint8_t flags[CT_ORDER_PLACES];
};
/* Notes all cancelled orders. */
void ct_order_refs_open(struct ct_order_refs *orders, const struct ct_customer *customer);
/* A purchase that was cancelled some time. */
bool ct_order_refs_cancelled(const struct ct_order_refs *orders, const struct ct_business *purchase);
/* Counts orders, purchases and what became of them. */
void ct_order_refs_read(struct ct_order_refs *orders, const struct ct_customer *customer, struct ct_account *account);

/* ---- subscriptions ---- */

#define CT_SUBSCRIPTIONS_MAX 512
struct ct_subscription {
    uint64_t name;
    ct_nano amount; /* a month, 0 = ended */
    uint8_t money;  /* index in the account's */
    bool add_on;
};
struct ct_subscriptions {
    uint32_t count, running;
    bool unknown_end; /* the newest event ended one that was not seen before */
    struct ct_subscription at[CT_SUBSCRIPTIONS_MAX];
    uint16_t place[2 * CT_SUBSCRIPTIONS_MAX]; /* index + 1 by hash of the name; 0 = free */
};
void ct_subscriptions_open(struct ct_subscriptions *subscriptions);
/* true = it says something: an amount that runs, or the end of one that ran or was not seen before. */
bool ct_subscriptions_take(struct ct_subscriptions *subscriptions, const struct ct_business *event,
                           struct ct_account *account);
void ct_subscriptions_end(struct ct_subscriptions *subscriptions); /* all of them: the customer is lost */
void ct_subscriptions_sum(const struct ct_subscriptions *subscriptions, struct ct_account *account, bool at_start);

/* ---- renewals ---- */

#define CT_DUES_MAX 256
void ct_renewals_read(const struct ct_customer *customer, struct ct_account *account);

#endif
