/* account.h - what one customer's business events say on the terms of a count: a customer or not, when it came and
 * left, what it pays, orders and renews. One pure reading, made once a customer (ct_kpis_fold_customer) and shared by
 * all metrics through ct_customer.account. No memory but this struct; the same whatever the order in which events came.
 *
 * Being a customer. A spell begins with customer, customer_won, trial_converted, renewed, a purchase that was not
 * cancelled, or a subscription with an amount; `since` of a customer event in it sets its beginning back, never before
 * the end of the spell before. (For the first spell every `since` up to the first customer_lost counts, but for those
 * after a customer_won or trial_converted, which say themselves when.) It ends with customer_lost, or when a
 * subscription ends (amount 0) and none is known to run any more; one that is first heard of by its end ran until then,
 * and nobody knows since when. Later ends of what has ended change nothing. Events of one moment count together: a
 * subscription that ends as another begins is no loss, customer_lost beside anything else is one. Where the first of
 * all these things that is heard of somebody can only be said of a customer (customer without since, customer_lost,
 * renewal_due, renewed, expansion, the end of a subscription) and neither customer_won nor trial_converted stands
 * beside it, the beginning is not in the input: it was one since before everything. Features, sessions, seats, surveys
 * and trials alone make nobody a customer, and are not the first thing heard.
 *
 * The period is [from, to). At its start is who was one just before `from`; what is dated `from` itself is in the
 * period. Each customer at the start is either kept (never left in the period) or lost (left, whether or not it came
 * back): at_end = at_start - lost + won holds, won being all who are there at the end and were not all the time. Who
 * came and left within the period is won_lost, whether or not it came back in it. Without a period (`to` NONE)
 * nothing is anywhere; `from` NONE is the beginning of time, and nobody is at the start. Of events later than as_of
 * nothing is seen, but for what will be due (renewals): who is one at as_of, is one at an end of the period that lies
 * after it. A period that as_of comes before altogether is none.
 *
 * Monthly recurring revenue (MRR) is the sum of a customer's subscriptions, told apart by name, each as its newest
 * event says; customer_lost ends all of them. Between the period's ends, in each currency for itself, an account's
 * start - churned - contraction + expansion + fresh = end: churned is all of a lost customer's start, fresh all of the
 * end of one who had no MRR at the start or was lost; others contract or expand by the difference. (So an upgrade and a
 * downgrade within the period are one change, and a change of currency is a contraction in one and an expansion in the
 * other: amounts of two currencies are never added.) An expansion event belongs to the MRR at the start of its own
 * currency; where there is none of it, it is brought into that of the cost model's currency by the model's rates, and
 * where they do not lead there it stands apart, in no proportion of MRR.
 *
 * Orders are told apart by ref, an event without one is its own. One that was cancelled, at whatever time, is an order
 * but no purchase. A renewal belongs to the earliest due date of the same contract (ref, else name, where both say one)
 * not yet renewed, from CT_RENEWAL_EARLY before it to terms->renewal_window_usec after it.
 */
#ifndef CT_ACCOUNT_H
#define CT_ACCOUNT_H

#include "engine/figure.h"
#include "metrics/customer.h"

#define CT_RENEWAL_EARLY (90 * CT_USEC_PER_DAY)
#define CT_ACCOUNT_CURRENCIES 8
#define CT_ACCOUNT_SPELLS 16

/* In one currency. Amounts in nano-units. */
struct ct_account_money {
    ct_span currency; /* the event's; empty = the one that the input is in */
    ct_wide mrr_start, mrr_end;
    ct_wide churned, contraction, expansion, fresh; /* of MRR, none negative */
    ct_wide one_off;                                /* expansion events in the period, while a customer */
    ct_wide
        one_off_of_base; /* of one who had MRR in this currency at the start; with those that a rate brings into it */
    ct_wide spent, spent_before; /* purchases in the period, and in as long a time before it (0 where `from` is NONE) */
    ct_wide spent_ever;          /* purchases before `to` */
    ct_wide margined, margin;    /* of those before `to` that name a margin: amount; amount x margin in 1e-18 units */
    uint64_t unmargined;         /* of those before `to`, that name none: events */
    ct_wide retention_cost;      /* in the period: ct_account_is_retention */
    uint64_t purchases, purchases_ever; /* orders behind `spent` and `spent_ever` */
    uint64_t one_offs;
    uint64_t one_offs_apart; /* of one whose MRR at the start is in other currencies alone, and no rate leads there */
    uint64_t retention_costs;
};

struct ct_account {
    bool at_start, at_end;
    bool in_period; /* at some time of it */
    bool lost, won, won_lost;
    bool begin_known;  /* and before `to` */
    ct_usec lifetime;  /* as a customer before `to`, all spells together; 0 where the beginning is not known */
    bool paying_start; /* MRR > 0 in some currency */
    bool paying_end;
    bool add_on;                          /* at the end: a running subscription is an add-on */
    bool referred;                        /* in the period */
    bool referral_known, reference_known; /* such an event, of any time before `to` */
    bool reference;                       /* at the end: agreed to be one */

    uint64_t orders;                                /* placed in the period */
    uint64_t orders_kept;                           /* of these, not cancelled: purchases */
    uint64_t cancelled;                             /* cancelled in the period, whenever placed */
    uint64_t cancelled_earlier;                     /* of these, not placed in the period */
    uint64_t delivered, returned, returned_earlier; /* in the same way */

    uint64_t due, renewed;  /* contracts due in the period, and those of them that were renewed */
    uint64_t due_open;      /* not renewed yet, and may still be: terms->as_of */
    ct_usec due_settles_at; /* when the last of due_open is settled; only where there are some */
    uint64_t unknown_ends;  /* subscriptions that ended in the period and whose amount nobody said */
    uint64_t left_out;      /* beyond what is kept apart: subscriptions 512, due dates 256, currencies 8 */

    uint32_t money_count, spell_count;
    struct ct_account_money money[CT_ACCOUNT_CURRENCIES]; /* each currency once */
    /* The first CT_ACCOUNT_SPELLS of them; `from` CT_USEC_NONE = not known, `to` INT64_MAX = still one. */
    struct {
        ct_usec from, to;
    } spell[CT_ACCOUNT_SPELLS];
};

/* `customer` needs events and terms; its records are not read. */
void ct_account_read(struct ct_account *account, const struct ct_customer *customer);
/* Nothing known. */
extern const struct ct_account ct_account_none;
/* Was it a customer at that moment? */
bool ct_account_is_customer(const struct ct_account *account, ct_usec at);
/* When it left next, at or after that moment; INT64_MAX = never. */
ct_usec ct_account_leaves(const struct ct_account *account, ct_usec at);

/* A cost event of keeping customers: named "retention", or as a part of it "retention.payroll", "retention/training".
 */
bool ct_account_is_retention(const struct ct_business *event);

/* Is the moment in the terms' period? false where there is no period. */
static inline bool ct_terms_hold(const struct ct_terms *terms, ct_usec at)
{
    return terms->to != CT_USEC_NONE && at >= terms->from && at < terms->to;
}

#endif
