/* churn.c - counts of customers: who came, stayed, left, renewed. */
#include "metrics/churn.h"

#include "metrics/account.h"

static void fold_customer(void *state, const struct ct_customer *customer)
{
    struct ct_churn *s = state;
    const struct ct_account *a = customer->account;
    s->at_start += a->at_start;
    s->at_end += a->at_end;
    s->in_period += a->in_period;
    s->lost += a->lost;
    s->won_lost += a->won_lost;
    s->won += a->won;
    s->referred += a->referred && a->in_period;
    s->referred_by_others += a->referred && !a->in_period;
    s->add_on += a->at_end && a->add_on;
    s->reference += a->at_end && a->reference;
    s->referral_known += a->referral_known;
    s->reference_known += a->reference_known;
    s->subscribed += a->paying_start || a->paying_end;
    s->due += a->due > 0;
    s->renewed += a->renewed > 0;
    s->contracts_due += a->due;
    s->contracts_renewed += a->renewed;
    s->left_out += a->left_out;
    if (a->due_open && a->renewed == 0) {
        ct_pending_add(&s->open, a->due_settles_at);
    }
    for (uint64_t i = 0; i < a->due_open; i++) {
        ct_pending_add(&s->contracts_open, a->due_settles_at);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_churn *s = state;
    const struct ct_churn *o = other;
    uint64_t by = ct_metric_by(sign);
    s->at_start += by * o->at_start;
    s->at_end += by * o->at_end;
    s->in_period += by * o->in_period;
    s->lost += by * o->lost;
    s->won_lost += by * o->won_lost;
    s->won += by * o->won;
    s->referred += by * o->referred;
    s->referred_by_others += by * o->referred_by_others;
    s->add_on += by * o->add_on;
    s->reference += by * o->reference;
    s->referral_known += by * o->referral_known;
    s->reference_known += by * o->reference_known;
    s->subscribed += by * o->subscribed;
    s->due += by * o->due;
    s->renewed += by * o->renewed;
    s->contracts_due += by * o->contracts_due;
    s->contracts_renewed += by * o->contracts_renewed;
    ct_pending_merge(&s->open, &o->open, sign);
    ct_pending_merge(&s->contracts_open, &o->contracts_open, sign);
    s->left_out += by * o->left_out;
}

bool ct_churn_read_renewals(const struct ct_churn *state, bool contracts, size_t index, struct ct_reading *out)
{
    out->numerator = (ct_wide)(contracts ? state->contracts_renewed : state->renewed);
    out->denominator = (ct_wide)(contracts ? state->contracts_due : state->due);
    out->left_out = state->left_out;
    out->provisional = contracts ? state->contracts_open.cases : state->open.cases;
    out->settles_at = contracts ? state->contracts_open.last : state->open.last;
    return index == 0;
}

bool ct_churn_read_lost(const struct ct_churn *state, bool base_alone, size_t index, struct ct_reading *out)
{
    uint64_t others = base_alone ? 0 : state->won_lost;
    out->numerator = (ct_wide)(state->lost + others);
    out->denominator = (ct_wide)state->at_start;
    out->no_interval = others > 0;
    return index == 0;
}

const struct ct_metric ct_metric_churn = {
    .name = "churn", .state_bytes = sizeof(struct ct_churn), .fold_customer = fold_customer, .merge = merge};
