/* cost.c - sums of money by currency. The head currency is the one with the most conversations. */
#include "metrics/cost.h"

static void currency_merge(void *entry, const void *other, int sign)
{
    struct ct_currency *s = entry;
    const struct ct_currency *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_moments_merge(&s->all, &o->all, sign);
    ct_moments_merge(&s->ai, &o->ai, sign);
    s->channel += sign * o->channel;
    s->tokens += sign * o->tokens;
    s->human += sign * o->human;
    s->fixed += sign * o->fixed;
    s->source += sign * o->source;
    s->resolved += by * o->resolved;
    s->confirmed += by * o->confirmed;
    s->durable += by * o->durable;
    s->matured += sign * o->matured;
}

static const struct ct_keyed currencies = {sizeof(struct ct_currency), CT_CURRENCIES_MAX, currency_merge};

static void fold(void *state, const struct ct_record *record)
{
    struct ct_cost *s = state;
    s->tokens_input += record->tokens_input > 0 ? record->tokens_input : 0;
    s->tokens_cached += record->tokens_cached > 0 ? record->tokens_cached : 0;
    s->tokens_output += record->tokens_output > 0 ? record->tokens_output : 0;
    if (!record->engaged) {
        return;
    }
    if (!record->has_cost) {
        s->unpriced++;
        return;
    }
    struct ct_currency *c =
        ct_keyed_at(&currencies, s->currency, &s->count, &s->other, ct_record_text(record, CT_TEXT_CURRENCY));
    ct_moments_add(&c->all, record->cost);
    if (record->bot_involved) {
        ct_moments_add(&c->ai, record->cost);
    }
    c->channel += record->cost_channel;
    c->tokens += record->cost_tokens;
    c->human += record->cost_human;
    c->fixed += record->cost_fixed;
    c->source += record->cost_source;
    bool resolved = record->resolved == CT_TRUE && !record->escalated;
    c->resolved += resolved;
    c->confirmed += resolved && (record->outcome == CT_OUTCOME_RESOLVED_CONFIRMED || record->label_decided);
    if (record->first_contact != CT_NULL) {
        c->matured += record->cost;
        c->durable += resolved && !record->returned;
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_cost *s = state;
    const struct ct_cost *o = other;
    uint64_t by = ct_metric_by(sign);
    s->unpriced += by * o->unpriced;
    s->tokens_input += sign * o->tokens_input;
    s->tokens_cached += sign * o->tokens_cached;
    s->tokens_output += sign * o->tokens_output;
    ct_keyed_merge(&currencies, s->currency, &s->count, &s->other, o->currency, o->count, &o->other, sign);
}

/* The currency of most conversations, the first by name among equals. */
static uint32_t head_of(const struct ct_cost *state)
{
    uint32_t head = 0;
    for (uint32_t i = 1; i < state->count; i++) {
        if (state->currency[i].all.n > state->currency[head].all.n) {
            head = i;
        }
    }
    return head;
}

static void amount(struct ct_reading *out, ct_wide numerator, uint64_t denominator)
{
    out->numerator = numerator;
    out->denominator = (ct_wide)denominator;
}

bool ct_cost_read(const struct ct_cost *state, enum ct_cost_reading what, size_t index, struct ct_reading *out)
{
    const struct ct_currency *c = ct_keyed_shown(&currencies, state->currency, state->count, index ? index - 1 : 0);
    if (index > 0 && (!c || !ct_keyed_shown(&currencies, state->currency, state->count, 1))) {
        return false;
    }
    out->scale = CT_NANO_PER_UNIT;
    out->left_out = state->unpriced + state->other.all.n;
    if (!c) {
        return true;
    }
    if (index == 0) {
        c = &state->currency[head_of(state)];
    }
    memcpy(out->key, c->key, sizeof out->key);
    switch (what) {
    case CT_COST_ALL:
        out->moments = &c->all;
        break;
    case CT_COST_AI:
        out->moments = &c->ai;
        break;
    case CT_COST_RESOLVED:
        amount(out, c->all.sum, c->resolved);
        break;
    case CT_COST_CONFIRMED:
        amount(out, c->all.sum, c->confirmed);
        break;
    case CT_COST_DURABLE:
        amount(out, c->matured, c->durable);
        break;
    case CT_COST_TOTAL:
        amount(out, c->all.sum, 1);
        break;
    case CT_COST_CHANNEL:
        amount(out, c->channel, 1);
        break;
    case CT_COST_TOKENS:
        amount(out, c->tokens, 1);
        break;
    case CT_COST_HUMAN:
        amount(out, c->human, 1);
        break;
    case CT_COST_FIXED:
        amount(out, c->fixed, 1);
        break;
    case CT_COST_SOURCE:
        amount(out, c->source, 1);
        break;
    }
    return true;
}

_Static_assert(CT_KEY_BYTES == CT_FIGURE_KEY_BYTES, "a figure's key holds a table's");

const struct ct_metric ct_metric_cost = {
    .name = "cost", .state_bytes = sizeof(struct ct_cost), .fold = fold, .merge = merge};
