/* fees.h - a month's fixed fees, shared out over the month's conversations.
 *
 * A conversation's own cost is settled when it closes; what it bears of a monthly fee is known only when all of the
 * month's conversations are: so records carry none of it, metrics count by month who shares (struct ct_fee_base, a
 * commutative monoid as metrics are), and figures add the shares when they are read (struct ct_fees).
 *
 *   who shares   conversations in which the customer wrote, with a cost in the model's currency and a known start; with
 *                `shared_by: ai_conversations` those of them in which the AI wrote
 *   month        of the start, in the terms' zone
 *   a month      costs its whole fee; where a period was asked for, the part of the month's time that lies in it,
 *                rounded once, half to even
 *   a share      fee x conversations of the slice / conversations of the month, rounded once for each month, half to
 * even: of all conversations exactly the fee
 *
 * Months in which nobody shares cost nothing here. Used by cost.c and whoever computes figures (kpi.h).
 */
#ifndef CT_FEES_H
#define CT_FEES_H

#include "metrics/customer.h"
#include "metrics/keyed.h"

#include "engine/figure.h"

#define CT_FEE_MONTHS_MAX 60

/* Was it resolved by the AI where people would else have been paid? */
static inline bool ct_record_saves(const struct ct_record *record)
{
    return record->engaged && record->ai_answered && record->resolved == CT_TRUE && !record->escalated &&
           record->has_human_price;
}

/* Of those who share. */
enum ct_fee_sharers { CT_FEE_ALL, CT_FEE_AI, CT_FEE_MATURED, CT_FEE_SAVED, CT_FEE_SHARERS_COUNT };

struct ct_fee_month {
    char key[CT_KEY_BYTES]; /* "2026-11" */
    uint64_t sharers[CT_FEE_SHARERS_COUNT];
};

/* All zero bytes = empty. Of more than CT_FEE_MONTHS_MAX months the latest are in `other` and bear nothing. */
struct ct_fee_base {
    uint32_t count, reserved;
    struct ct_fee_month month[CT_FEE_MONTHS_MAX], other;
    uint64_t undated; /* that would share, but for their start */
};
/* Where the terms have no cost model with monthly fees: nothing. */
void ct_fee_base_add(struct ct_fee_base *base, const struct ct_record *record, const struct ct_terms *terms);
/* sign as struct ct_metric's merge. */
void ct_fee_base_merge(struct ct_fee_base *base, const struct ct_fee_base *other, int sign);

/* What each month costs, and how many share it. Plain memory. */
struct ct_fees {
    char currency[CT_KEY_BYTES];
    uint32_t count;
    struct {
        char key[CT_KEY_BYTES];
        ct_nano fee; /* of the whole month, or of its part in the period */
        uint64_t sharers;
    } month[CT_FEE_MONTHS_MAX];
};
/* `all` = of every conversation that shares, whatever filters and slices figures are then read for. */
void ct_fees_of(const struct ct_fee_base *all, const struct ct_terms *terms, struct ct_fees *out);
/* What these conversations bear together, nano-units of fees->currency. */
ct_wide ct_fees_share(const struct ct_fees *fees, const struct ct_fee_base *part, enum ct_fee_sharers who);
/* Who would share, but bear nothing: undated, or of months beyond the maximum. */
uint64_t ct_fees_left_out(const struct ct_fee_base *part);

#endif
