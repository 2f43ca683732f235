/* cost.h - what a conversation cost: token prices, channel fees, human minutes, fixed fees, and what the source says.
 *
 * A cost model is one YAML file (docs/cost.md, docs/example-cost.yaml), loaded once, immutable, shared by all threads.
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
 *            per_bot_message (what the business sends) + windows x per_window + what the business sends by category and
 *            country (cost_channel.c); of a message that the platform does not charge for, or that did not arrive,
 *            nothing
 *   human    (handling time + wrap_up) x wage x overhead, where a person took part
 *   fixed    per_conversation. Monthly fees are shared out when the month's conversations are counted
 *            (metrics/cost.c), by ct_cost_month_fee.
 *
 * Prices may differ by time: each list is valid from its `from` until its `to`. A message is priced by its own time,
 * what a conversation is charged for once by its start. Where that time is not known, by the conversation's start, and
 * where this is not known either by the newest list: both counted as undated.
 */
#ifndef CT_COST_H
#define CT_COST_H

#include "engine/cost_country.h"

struct ct_cost_model;

/* Parses and checks one file. `file` is for messages only; `bytes` may go away afterwards. NULL = *err (may be NULL)
 * says where and why: CT_BAD_CONFIG or CT_NO_MEMORY. */
struct ct_cost_model *ct_cost_model_load(ct_span file, ct_span bytes, struct ct_error *err);
void ct_cost_model_free(struct ct_cost_model *model); /* NULL allowed */
/* ISO 4217, borrowed from the model. NULL model = empty. */
ct_span ct_cost_model_currency(const struct ct_cost_model *model);
/* Which file it was: whoever loads one may say the SHA-256 of its bytes, hex. "" = nobody did, or a NULL model. */
void ct_cost_model_mark(struct ct_cost_model *model, const char hash[65]);
const char *ct_cost_model_hash(const struct ct_cost_model *model);

/* A conversation's running sums. Plain memory, no ownership. */
struct ct_cost_sum {
    ct_nano source, tokens;               /* grow with each message */
    ct_nano channel, human, fixed, total; /* set by ct_cost_close */
    bool has_cost;                        /* some part applied; false = nothing is known and the cost is null, not 0 */
    char currency[8];                     /* NUL-terminated; "" = not known */
    uint64_t messages, user_messages, business_messages; /* user, bot and agent messages; bot and agent messages */
    uint32_t unpriced;    /* messages whose tokens or channel fee, and work whose wage, the model has no price for */
    uint32_t unconverted; /* messages whose stated cost has a currency without a rate */
    uint32_t undated;     /* prices that differ by time, where the time was not known */
    bool human_untimed;   /* a person took part, but for how long is not known: not charged */
    bool overflow;        /* a sum left the 64-bit range; it stays at the limit */
    bool has_human_price; /* the model says what people alone would have cost */
    ct_nano human_price;  /* that, for this conversation; no part of its cost */
    ct_usec first_at;     /* of the first message with a time; CT_USEC_NONE */
};

/* A message that went over the channel, as ct_cost_close needs it. */
struct ct_cost_sent {
    ct_usec ts;
    uint8_t role;     /* enum ct_role: user, bot or agent */
    uint8_t category; /* index of the model's; CT_COST_CATEGORY_* */
    uint8_t billing;  /* enum ct_billing: what the platform said of it */
    ct_country country;
};
enum { CT_COST_CATEGORY_UNKNOWN = 254 /* to the model */, CT_COST_CATEGORY_NONE = 255 /* none was stated */ };

/* What is known of a conversation when it closes. Borrowed. */
struct ct_cost_conversation {
    ct_span channel;          /* empty = the model's `default` row */
    ct_span country, user_id; /* of the customer; may be empty */
    ct_span team;             /* the queue or reason that the handoff named; may be empty */
    ct_usec started_at;       /* CT_USEC_NONE = not known */
    bool human_joined;        /* human_handling_usec is read only then; CT_USEC_NONE = not known */
    ct_usec human_handling_usec;
    const struct ct_cost_sent *sent; /* in event order */
    size_t sent_count;
};

void ct_cost_begin(struct ct_cost_sum *sum);
/* model NULL = only what the source states. true: *sent is one that ct_cost_close is to have. */
bool ct_cost_message(const struct ct_cost_model *model, struct ct_cost_sum *sum, const struct ct_message *message,
                     struct ct_cost_sent *sent);
/* Once, at close. */
void ct_cost_close(const struct ct_cost_model *model, struct ct_cost_sum *sum,
                   const struct ct_cost_conversation *conversation);

/* The price of one message's tokens at a time (CT_USEC_NONE = now: the newest list); a count of -1 is 0. false = no
 * counts, or no price for the model name at that time. */
CT_MUST_USE bool ct_cost_tokens(const struct ct_cost_model *model, const struct ct_tokens *tokens, ct_usec at,
                                ct_nano *out);
/* An amount of `currency` in the model's own; empty currency = the model's. false = no rate (or out of range). */
CT_MUST_USE bool ct_cost_convert(const struct ct_cost_model *model, ct_nano amount, ct_span currency, ct_usec at,
                                 ct_nano *out);

/* ---- fixed fees by the month ---- */
/* Does the model have any? NULL model = no. */
bool ct_cost_has_months(const struct ct_cost_model *model);
/* Who bears them: only conversations in which the bot wrote, or all. */
bool ct_cost_months_by_ai(const struct ct_cost_model *model);
/* All fees of one month (1-12) together; stops at INT64_MAX. */
ct_nano ct_cost_month_fee(const struct ct_cost_model *model, int64_t year, unsigned month);

#endif
