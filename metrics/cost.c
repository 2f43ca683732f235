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
    s->saved += by * o->saved;
    s->saved_cost += sign * o->saved_cost;
    s->saved_price += sign * o->saved_price;
    s->ai_effort += sign * o->ai_effort;
}

static const struct ct_keyed currencies = {sizeof(struct ct_currency), CT_CURRENCIES_MAX, currency_merge};

static void add_parts(struct ct_currency *c, const struct ct_record *record)
{
    c->channel += record->cost_channel;
    c->tokens += record->cost_tokens;
    c->human += record->cost_human;
    c->fixed += record->cost_fixed;
    c->source += record->cost_source;
    if (record->bot_involved && record->has_human_price) {
        c->ai_effort += (ct_wide)record->cost - record->cost_human;
    }
    if (ct_record_saves(record)) {
        c->saved++;
        c->saved_cost += record->cost;
        c->saved_price += record->human_price;
    }
}

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
    add_parts(c, record);
    bool resolved = record->resolved == CT_TRUE && !record->escalated;
    c->resolved += resolved;
    c->confirmed += resolved && (record->outcome == CT_OUTCOME_RESOLVED_CONFIRMED || record->label_decided);
    if (record->first_contact != CT_NULL) {
        c->matured += record->cost;
        c->durable += resolved && !record->returned;
    }
}

static void fold_open(void *state, const struct ct_record *record, const struct ct_terms *terms)
{
    struct ct_cost *s = state;
    ct_fee_base_add(&s->fees, record, terms);
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
    ct_fee_base_merge(&s->fees, &o->fees, sign);
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

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

/* What a currency's conversations bear of the months' fees. */
static ct_wide share(const struct ct_reading *out, const struct ct_cost *state, const struct ct_currency *c,
                     enum ct_fee_sharers who)
{
    return out->fees && memcmp(out->fees->currency, c->key, CT_KEY_BYTES) == 0
               ? ct_fees_share(out->fees, &state->fees, who)
               : 0;
}

/* Savings speak only of conversations for which it is known what people would have cost. */
static void read_saved(const struct ct_cost *s, const struct ct_currency *c, enum ct_cost_reading what,
                       struct ct_reading *out)
{
    ct_wide saved = c->saved_price - c->saved_cost - share(out, s, c, CT_FEE_SAVED);
    bool known = c->saved || c->ai_effort;
    switch (what) {
    case CT_COST_SAVED:
        amount(out, saved, known);
        break;
    case CT_COST_SAVED_NET:
        amount(out, c->saved_price - c->ai_effort - share(out, s, c, CT_FEE_AI), known);
        break;
    case CT_COST_SAVED_EACH:
        amount(out, saved, c->saved);
        break;
    default:
        out->numerator = saved;
        out->denominator = c->saved_price;
        out->n = c->saved;
        break;
    }
}

static void read_currency(const struct ct_cost *s, const struct ct_currency *c, enum ct_cost_reading what,
                          struct ct_reading *out)
{
    ct_wide all = c->all.sum + share(out, s, c, CT_FEE_ALL);
    switch (what) {
    case CT_COST_ALL:
        out->moments = &c->all;
        out->shared = share(out, s, c, CT_FEE_ALL);
        break;
    case CT_COST_AI:
        out->moments = &c->ai;
        out->shared = share(out, s, c, CT_FEE_AI);
        break;
    case CT_COST_RESOLVED:
        amount(out, all, c->resolved);
        break;
    case CT_COST_CONFIRMED:
        amount(out, all, c->confirmed);
        break;
    case CT_COST_DURABLE:
        amount(out, c->matured + share(out, s, c, CT_FEE_MATURED), c->durable);
        break;
    case CT_COST_TOTAL:
        amount(out, all, 1);
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
        amount(out, c->fixed + share(out, s, c, CT_FEE_ALL), 1);
        break;
    case CT_COST_SOURCE:
        amount(out, c->source, 1);
        break;
    default:
        read_saved(s, c, what, out);
        break;
    }
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
    if (what == CT_COST_FIXED && out->fees) {
        out->left_out += ct_fees_left_out(&state->fees);
    }
    read_currency(state, c, what, out);
    return true;
}

_Static_assert(CT_KEY_BYTES == CT_FIGURE_KEY_BYTES, "a figure's key holds a table's");

const struct ct_metric ct_metric_cost = {
    .name = "cost", .state_bytes = sizeof(struct ct_cost), .fold = fold, .fold_open = fold_open, .merge = merge};
