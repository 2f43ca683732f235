/* cost_model.h - a cost model in memory; filled by cost_model.c, read by cost.c, seen by nobody else. */
#ifndef CT_COST_MODEL_H
#define CT_COST_MODEL_H

#include "engine/arena.h"
#include "engine/cost.h"

enum { CT_COST_PRICES_MAX = 1000, CT_COST_CHANNELS_MAX = 256, CT_COST_RATES_MAX = 256 };

struct ct_cost_price {
    ct_span model; /* without the trailing '*' */
    bool prefix;   /* the '*' stood there */
    uint64_t per;  /* tokens that the prices are for: 1, 1,000 or 1,000,000 */
    ct_nano input, cached, output;
};

struct ct_cost_channel {
    ct_span name; /* "default" = every channel without a row of its own */
    ct_nano per_conversation, per_message, per_user_message, per_bot_message;
};

struct ct_cost_rate {
    ct_span currency;
    ct_nano rate; /* one unit of `currency` in the model's, nano-units */
};

struct ct_cost_model {
    struct ct_arena arena; /* owns everything below */
    ct_span currency;      /* three letters */
    bool cached_beside;    /* cached tokens are counted beside the input, not within it */
    struct ct_cost_price *prices;
    size_t price_count;
    struct ct_cost_channel *channels;
    size_t channel_count;
    struct ct_cost_rate *rates;
    size_t rate_count;
    bool has_human, has_fixed;
    ct_nano per_minute;
    ct_usec wrap_up_usec;
    ct_nano fixed_per_conversation;
};

#endif
