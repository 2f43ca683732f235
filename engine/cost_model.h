/* cost_model.h - a cost model in memory; filled by cost_model*.c, read by cost*.c, seen by nobody else. */
#ifndef CT_COST_MODEL_H
#define CT_COST_MODEL_H

#include "engine/arena.h"
#include "engine/cost.h"

enum {
    CT_COST_PRICES_MAX = 1000,
    CT_COST_CHANNELS_MAX = 256,
    CT_COST_RATES_MAX = 1000,
    CT_COST_CATEGORIES_MAX = 32,
    CT_COST_COUNTRIES_MAX = 300,
    CT_COST_LISTS_MAX = 100,
    CT_COST_TEAMS_MAX = 256,
    CT_COST_PREFIXES_MAX = 1000
};

__extension__ typedef unsigned __int128 ct_cost_wide;
/* The same as an arena holds it. */
__extension__ typedef unsigned __int128 ct_cost_kept __attribute__((aligned(8)));

/* [from, to); INT64_MIN and INT64_MAX where it has no end. */
struct ct_cost_validity {
    ct_usec from, to;
};

struct ct_cost_price {
    struct ct_cost_validity valid;
    ct_span model; /* without the trailing '*' */
    bool prefix;   /* the '*' stood there */
    uint64_t per;  /* tokens that the prices are for: 1, 1,000 or 1,000,000 */
    ct_nano input, cached, output;
};

enum ct_cost_per { CT_COST_PER_MESSAGE, CT_COST_PER_WINDOW, CT_COST_PER_CONVERSATION };

struct ct_cost_country_fee {
    ct_country country;
    ct_nano amount;
};

struct ct_cost_category {
    uint8_t name; /* index in the model's category names */
    enum ct_cost_per per;
    bool free_in_window; /* while a customer's message is younger than the window */
    bool has_default;    /* a price for countries without one of their own */
    ct_nano fallback;
    const struct ct_cost_country_fee *countries;
    size_t country_count;
};

/* One channel's fees for a time. */
struct ct_cost_channel {
    struct ct_cost_validity valid;
    ct_span name; /* "default" = every channel without a row of its own */
    ct_nano per_conversation, per_message, per_user_message, per_bot_message, per_window;
    ct_usec window_usec;
    bool phone; /* user ids are telephone numbers */
    struct ct_cost_category *categories;
    size_t category_count;
    uint8_t service;       /* index in the model's category names; CT_COST_CATEGORY_NONE = it has none */
    uint8_t uncategorised; /* what a business message is charged as that states no category; the same */
};

struct ct_cost_rate {
    struct ct_cost_validity valid;
    ct_span currency;
    ct_nano rate; /* one unit of `currency` in the model's, nano-units */
};

/* A time's price: usec x numerator / denominator nano-units, overhead included. */
struct ct_cost_wage {
    ct_span team; /* empty = everybody without a row of their own */
    ct_cost_kept numerator, denominator;
    ct_usec wrap_up_usec;
};

struct ct_cost_human {
    struct ct_cost_validity valid;
    struct ct_cost_wage everybody;
    struct ct_cost_wage *teams;
    size_t team_count;
};

/* What a conversation costs with people alone. */
struct ct_cost_human_price {
    struct ct_cost_validity valid;
    bool by_time; /* handling_usec at everybody's wage; else per_conversation */
    ct_nano per_conversation;
    ct_usec handling_usec;
};

struct ct_cost_month_item {
    ct_span name;
    int64_t from, to; /* [from, to), in months: year x 12 + month - 1 */
    ct_nano amount;
};

struct ct_cost_model {
    struct ct_arena arena; /* owns everything below */
    char hash[65];         /* of the file; "" = not said */
    ct_span currency;      /* three letters */
    bool cached_beside;    /* cached tokens are counted beside the input, not within it */
    struct ct_cost_price *prices;
    size_t price_count;
    struct ct_cost_channel *channels;
    size_t channel_count;
    ct_span category_names[CT_COST_CATEGORIES_MAX];
    size_t category_count;
    struct ct_country_prefix *prefixes;
    size_t prefix_count;
    struct ct_cost_rate *rates;
    size_t rate_count;
    struct ct_cost_human *human;
    size_t human_count;
    struct ct_cost_human_price *human_prices;
    size_t human_price_count;
    bool has_fixed;
    ct_nano fixed_per_conversation;
    struct ct_cost_month_item *months;
    size_t month_count;
    bool months_by_ai;
};

/* Is it in force at that time? */
static inline bool ct_cost_valid(const struct ct_cost_validity *valid, ct_usec at)
{
    return at >= valid->from && at < valid->to;
}
/* Prefers what is valid at `at`; of a time that is not known what began last. `best` NULL = none yet. */
static inline bool ct_cost_better(const struct ct_cost_validity *valid, ct_usec at, const struct ct_cost_validity *best)
{
    return at != CT_USEC_NONE ? ct_cost_valid(valid, at) : !best || valid->from > best->from;
}
/* Does it matter when it was? */
static inline bool ct_cost_dated(const struct ct_cost_validity *valid)
{
    return valid->from != INT64_MIN || valid->to != INT64_MAX;
}

/* n / d, half to even; false = over the 64-bit range. d > 0. */
CT_MUST_USE bool ct_cost_divide(ct_cost_wide n, ct_cost_wide d, uint64_t *out);
/* Adds to one of the sums; it stays at the limit. */
void ct_cost_add(struct ct_cost_sum *sum, ct_nano *to, ct_nano amount);
/* cost_channel.c */
void ct_cost_charge_channel(const struct ct_cost_model *model, struct ct_cost_sum *sum,
                            const struct ct_cost_conversation *conversation);
/* CT_COST_CATEGORY_* where it is none of the model's. */
uint8_t ct_cost_category_of(const struct ct_cost_model *model, ct_span name);

#endif
