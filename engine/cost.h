/* cost.h - what a conversation cost: token prices, channel fees, human minutes, fixed fees, and what the source says.
 *
 * A cost model is one YAML file (docs/example-cost.yaml), loaded once, immutable, shared by all threads.
 * conversation.c calls: ct_cost_begin, then ct_cost_message for each message that was kept, then ct_cost_close once.
 * Decimal all through: amounts are nano-units (1e-9 of the currency), products are 128 bits wide, and each message,
 * each fee and each human charge is rounded once, half to even. No binary floating point.
 *
 * Currencies are never added to each other. The model has one currency; a source's own cost in another one is
 * converted by the model's `rates` (one unit of the other = so many of the model's), and where there is no rate it is
 * left out and counted as unconverted. Without a model a conversation's currency is the first that its messages name.
 *
 * cost of a conversation = source + tokens + channel + human + fixed
 *   source   the amounts that the source states. A message with a usable stated amount is not priced by tokens again.
 *   tokens   per message: (input x price + cached x price + output x price) / per
 *   channel  per_conversation + messages x per_message + user messages x per_user_message + bot and agent messages x
 *            per_bot_message (what the business sends)
 *   human    (handling time + wrap_up) x per_minute / 1 min, where a person took part
 *   fixed    per_conversation
 */
#ifndef CT_COST_H
#define CT_COST_H

#include "engine/ct.h"

struct ct_cost_model;

/* Parses and checks one file. `file` is for messages only; `bytes` may go away afterwards. NULL = *err (may be NULL)
 * says where and why: CT_BAD_CONFIG or CT_NO_MEMORY. */
struct ct_cost_model *ct_cost_model_load(ct_span file, ct_span bytes, struct ct_error *err);
void ct_cost_model_free(struct ct_cost_model *model); /* NULL allowed */
/* ISO 4217, borrowed from the model. NULL model = empty. */
ct_span ct_cost_model_currency(const struct ct_cost_model *model);

/* A conversation's running sums. Plain memory, no ownership. */
struct ct_cost_sum {
    ct_nano source, tokens;               /* grow with each message */
    ct_nano channel, human, fixed, total; /* set by ct_cost_close */
    bool has_cost;                        /* some part applied; false = nothing is known and the cost is null, not 0 */
    char currency[8];                     /* NUL-terminated; "" = not known */
    uint64_t messages, user_messages, business_messages; /* user, bot and agent messages; bot and agent messages */
    uint32_t unpriced;    /* messages with token counts that no row of the model prices */
    uint32_t unconverted; /* messages whose stated cost has a currency without a rate */
    bool human_untimed;   /* a person took part, but for how long is not known: not charged */
    bool overflow;        /* a sum left the 64-bit range; it stays at the limit */
};

void ct_cost_begin(struct ct_cost_sum *sum);
/* model NULL = only what the source states. */
void ct_cost_message(const struct ct_cost_model *model, struct ct_cost_sum *sum, const struct ct_message *message);
/* Once, at close. `channel` empty = the model's `default` row. `human_handling_usec` is read only where
 * `human_joined`; CT_USEC_NONE = not known. */
void ct_cost_close(const struct ct_cost_model *model, struct ct_cost_sum *sum, ct_span channel, bool human_joined,
                   ct_usec human_handling_usec);

/* The price of one message's tokens; a count of -1 is 0. false = no counts, or no row for the model name. */
CT_MUST_USE bool ct_cost_tokens(const struct ct_cost_model *model, const struct ct_tokens *tokens, ct_nano *out);
/* An amount of `currency` in the model's own; empty currency = the model's. false = no rate (or out of range). */
CT_MUST_USE bool ct_cost_convert(const struct ct_cost_model *model, ct_nano amount, ct_span currency, ct_nano *out);

#endif
