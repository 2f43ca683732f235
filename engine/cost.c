/* cost.c - applies a cost model: exact products in 128 bits, each rounded once, half to even. */
#include "engine/cost.h"

#include "engine/cost_model.h"

__extension__ typedef unsigned __int128 wide;

/* ---- exact arithmetic ---- */

/* n / d, half to even; false = over the 64-bit range. d > 0. */
static bool divide(wide n, wide d, uint64_t *out)
{
    wide quotient = n / d, rest = n % d;
    if (rest > d - rest || (rest == d - rest && (quotient & 1))) {
        quotient++;
    }
    *out = (uint64_t)quotient;
    return quotient <= INT64_MAX;
}

static void add(struct ct_cost_sum *sum, ct_nano *to, ct_nano amount)
{
    if (__builtin_add_overflow(*to, amount, to)) {
        *to = amount > 0 ? INT64_MAX : INT64_MIN;
        sum->overflow = true;
    }
}

/* count x price, where neither is negative. */
static void add_product(struct ct_cost_sum *sum, ct_nano *to, uint64_t count, ct_nano price)
{
    uint64_t amount = 0;
    if (!divide((wide)count * (wide)(uint64_t)price, 1, &amount)) {
        sum->overflow = true;
        amount = INT64_MAX;
    }
    add(sum, to, (ct_nano)amount);
}

/* ---- parts ---- */

/* An exact name wins, else the longest prefix; the order in the file means nothing. */
static const struct ct_cost_price *find_price(const struct ct_cost_model *model, ct_span name)
{
    const struct ct_cost_price *best = NULL;
    for (size_t i = 0; i < model->price_count; i++) {
        const struct ct_cost_price *price = &model->prices[i];
        if (!price->prefix) {
            if (ct_span_eq(price->model, name)) {
                return price;
            }
        } else if (name.len >= price->model.len && (!best || price->model.len > best->model.len) &&
                   ct_span_eq((ct_span){name.at, price->model.len}, price->model)) {
            best = price;
        }
    }
    return best;
}

static bool has_counts(const struct ct_tokens *tokens)
{
    return tokens->input >= 0 || tokens->cached >= 0 || tokens->output >= 0;
}

/* CT_OK, CT_NOT_FOUND: no counts or no row, CT_LIMIT: out of range. */
static enum ct_status price_tokens(const struct ct_cost_model *model, const struct ct_tokens *tokens, ct_nano *out)
{
    const struct ct_cost_price *price = model && has_counts(tokens) ? find_price(model, tokens->model) : NULL;
    if (!price) {
        return CT_NOT_FOUND;
    }
    uint64_t input = tokens->input > 0 ? (uint64_t)tokens->input : 0;
    uint64_t cached = tokens->cached > 0 ? (uint64_t)tokens->cached : 0;
    uint64_t output = tokens->output > 0 ? (uint64_t)tokens->output : 0;
    if (!model->cached_beside && cached <= input) { /* more cached than input cannot be a part of it */
        input -= cached;
    }
    wide amount = (wide)input * (uint64_t)price->input + (wide)cached * (uint64_t)price->cached +
                  (wide)output * (uint64_t)price->output;
    uint64_t rounded = 0;
    if (!divide(amount, price->per, &rounded)) {
        *out = INT64_MAX;
        return CT_LIMIT;
    }
    *out = (ct_nano)rounded;
    return CT_OK;
}

bool ct_cost_tokens(const struct ct_cost_model *model, const struct ct_tokens *tokens, ct_nano *out)
{
    ct_nano amount = 0;
    if (price_tokens(model, tokens, &amount) != CT_OK) {
        return false;
    }
    *out = amount;
    return true;
}

bool ct_cost_convert(const struct ct_cost_model *model, ct_nano amount, ct_span currency, ct_nano *out)
{
    if (currency.len == 0 || ct_span_eq(currency, model->currency)) {
        *out = amount;
        return true;
    }
    for (size_t i = 0; i < model->rate_count; i++) {
        if (ct_span_eq(currency, model->rates[i].currency)) {
            uint64_t magnitude = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount, converted = 0;
            if (!divide((wide)magnitude * (uint64_t)model->rates[i].rate, (wide)CT_NANO_PER_UNIT, &converted)) {
                return false;
            }
            *out = amount < 0 ? -(ct_nano)converted : (ct_nano)converted;
            return true;
        }
    }
    return false;
}

/* ---- a conversation ---- */

void ct_cost_begin(struct ct_cost_sum *sum)
{
    *sum = (struct ct_cost_sum){.source = 0};
}

/* Without a model: the first currency that is named is the conversation's, and amounts that name none are in it. */
static bool same_currency(struct ct_cost_sum *sum, ct_span currency)
{
    if (currency.len == 0) {
        return true;
    }
    if (currency.len >= sizeof sum->currency) {
        return false;
    }
    if (sum->currency[0] == '\0') {
        memcpy(sum->currency, currency.at, currency.len);
        sum->currency[currency.len] = '\0';
    }
    return ct_span_is(currency, sum->currency);
}

static bool add_source(const struct ct_cost_model *model, struct ct_cost_sum *sum, const struct ct_message *message)
{
    ct_nano amount = message->cost;
    bool usable = model ? ct_cost_convert(model, message->cost, message->currency, &amount)
                        : same_currency(sum, message->currency);
    if (!usable) {
        sum->unconverted++;
        return false;
    }
    add(sum, &sum->source, amount);
    sum->has_cost = true;
    return true;
}

/* What goes over the channel: somebody's words, or a medium in place of them; not a turn that only calls a tool. */
static bool is_sent(const struct ct_message *message)
{
    return message->text.len > 0 || (message->event.type == CT_EVENT_OTHER && ct_span_is(message->event.name, "media"));
}

void ct_cost_message(const struct ct_cost_model *model, struct ct_cost_sum *sum, const struct ct_message *message)
{
    bool user = message->role == CT_ROLE_USER;
    bool business = message->role == CT_ROLE_BOT || message->role == CT_ROLE_AGENT;
    if ((user || business) && is_sent(message)) {
        sum->messages++;
        sum->user_messages += user;
        sum->business_messages += business;
    }
    if ((message->has_cost && add_source(model, sum, message)) || !model || !has_counts(&message->tokens)) {
        return;
    }
    ct_nano amount = 0;
    enum ct_status status = price_tokens(model, &message->tokens, &amount);
    if (status == CT_NOT_FOUND) {
        sum->unpriced++;
        return;
    }
    sum->overflow |= status == CT_LIMIT;
    add(sum, &sum->tokens, amount);
    sum->has_cost = true;
}

static const struct ct_cost_channel *find_channel(const struct ct_cost_model *model, ct_span name)
{
    const struct ct_cost_channel *fallback = NULL;
    for (size_t i = 0; i < model->channel_count; i++) {
        if (name.len && ct_span_eq(model->channels[i].name, name)) {
            return &model->channels[i];
        }
        if (ct_span_is(model->channels[i].name, "default")) {
            fallback = &model->channels[i];
        }
    }
    return fallback;
}

static void charge_human(const struct ct_cost_model *model, struct ct_cost_sum *sum, ct_usec handling_usec)
{
    if (handling_usec == CT_USEC_NONE) {
        sum->human_untimed = true;
        return;
    }
    uint64_t usec = (handling_usec > 0 ? (uint64_t)handling_usec : 0) + (uint64_t)model->wrap_up_usec, amount = 0;
    if (!divide((wide)usec * (uint64_t)model->per_minute, (wide)CT_USEC_PER_MINUTE, &amount)) {
        sum->overflow = true;
        amount = INT64_MAX;
    }
    add(sum, &sum->human, (ct_nano)amount);
    sum->has_cost = true;
}

void ct_cost_close(const struct ct_cost_model *model, struct ct_cost_sum *sum, ct_span channel, bool human_joined,
                   ct_usec human_handling_usec)
{
    if (model) {
        memcpy(sum->currency, model->currency.at, model->currency.len);
        sum->currency[model->currency.len] = '\0';
        const struct ct_cost_channel *fees = find_channel(model, channel);
        if (fees) {
            add_product(sum, &sum->channel, 1, fees->per_conversation);
            add_product(sum, &sum->channel, sum->messages, fees->per_message);
            add_product(sum, &sum->channel, sum->user_messages, fees->per_user_message);
            add_product(sum, &sum->channel, sum->business_messages, fees->per_bot_message);
            sum->has_cost = true;
        }
        if (human_joined && model->has_human) {
            charge_human(model, sum, human_handling_usec);
        }
        if (model->has_fixed) {
            add(sum, &sum->fixed, model->fixed_per_conversation);
            sum->has_cost = true;
        }
    }
    sum->total = 0;
    const ct_nano parts[] = {sum->source, sum->tokens, sum->channel, sum->human, sum->fixed};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        add(sum, &sum->total, parts[i]);
    }
}
