/* cost.c - applies a cost model: exact products in 128 bits, each rounded once, half to even. Called by conversation.c;
 * channel fees are worked out by cost_channel.c.
 */
#include "engine/cost.h"

#include "engine/cost_model.h"

/* ---- exact arithmetic ---- */

bool ct_cost_divide(ct_cost_wide n, ct_cost_wide d, uint64_t *out)
{
    ct_cost_wide quotient = n / d, rest = n % d;
    if (rest > d - rest || (rest == d - rest && (quotient & 1))) {
        quotient++;
    }
    *out = (uint64_t)quotient;
    return quotient <= INT64_MAX;
}

void ct_cost_add(struct ct_cost_sum *sum, ct_nano *to, ct_nano amount)
{
    if (__builtin_add_overflow(*to, amount, to)) {
        *to = amount > 0 ? INT64_MAX : INT64_MIN;
        sum->overflow = true;
    }
}

/* ---- prices by time ---- */

/* The time to price by: its own, else the conversation's start, as far as that is known. */
static ct_usec time_of(const struct ct_cost_sum *sum, ct_usec ts)
{
    return ts != CT_USEC_NONE ? ts : sum->first_at;
}

static bool is_better_name(const struct ct_cost_price *price, const struct ct_cost_price *best)
{
    return !best || price->model.len > best->model.len;
}

static bool is_named(const struct ct_cost_price *price, ct_span name)
{
    return price->prefix
               ? name.len >= price->model.len && ct_span_eq((ct_span){name.at, price->model.len}, price->model)
               : ct_span_eq(price->model, name);
}

/* An exact name wins, else the longest prefix; then the row of the time; the order in the file means nothing. A gap
 * between a name's rows is no price: another name's is not taken instead. */
static const struct ct_cost_price *find_price(const struct ct_cost_model *model, ct_span name, ct_usec at, bool *dated)
{
    const struct ct_cost_price *named = NULL, *best = NULL;
    for (size_t i = 0; i < model->price_count; i++) {
        const struct ct_cost_price *price = &model->prices[i];
        if (is_named(price, name) && (!price->prefix || !named || named->prefix) &&
            (!price->prefix || is_better_name(price, named))) {
            named = price;
        }
    }
    for (size_t i = 0; named && i < model->price_count; i++) {
        const struct ct_cost_price *price = &model->prices[i];
        if (price->prefix == named->prefix && ct_span_eq(price->model, named->model)) {
            *dated |= ct_cost_dated(&price->valid);
            if (ct_cost_better(&price->valid, at, best ? &best->valid : NULL)) {
                best = price;
            }
        }
    }
    return best;
}

static bool has_counts(const struct ct_tokens *tokens)
{
    return tokens->input >= 0 || tokens->cached >= 0 || tokens->output >= 0;
}

/* CT_OK, CT_NOT_FOUND: no counts or no row, CT_LIMIT: out of range. */
static enum ct_status price_tokens(const struct ct_cost_model *model, const struct ct_tokens *tokens, ct_usec at,
                                   bool *dated, ct_nano *out)
{
    const struct ct_cost_price *price =
        model && has_counts(tokens) ? find_price(model, tokens->model, at, dated) : NULL;
    if (!price) {
        return CT_NOT_FOUND;
    }
    uint64_t input = tokens->input > 0 ? (uint64_t)tokens->input : 0;
    uint64_t cached = tokens->cached > 0 ? (uint64_t)tokens->cached : 0;
    uint64_t output = tokens->output > 0 ? (uint64_t)tokens->output : 0;
    if (!model->cached_beside && cached <= input) { /* more cached than input cannot be a part of it */
        input -= cached;
    }
    ct_cost_wide amount = (ct_cost_wide)input * (uint64_t)price->input +
                          (ct_cost_wide)cached * (uint64_t)price->cached +
                          (ct_cost_wide)output * (uint64_t)price->output;
    uint64_t rounded = 0;
    if (!ct_cost_divide(amount, price->per, &rounded)) {
        *out = INT64_MAX;
        return CT_LIMIT;
    }
    *out = (ct_nano)rounded;
    return CT_OK;
}

bool ct_cost_tokens(const struct ct_cost_model *model, const struct ct_tokens *tokens, ct_usec at, ct_nano *out)
{
    ct_nano amount = 0;
    bool dated = false;
    if (price_tokens(model, tokens, at, &dated, &amount) != CT_OK) {
        return false;
    }
    *out = amount;
    return true;
}

static bool convert(const struct ct_cost_model *model, ct_nano amount, ct_span currency, ct_usec at, bool *dated,
                    ct_nano *out)
{
    const struct ct_cost_rate *best = NULL;
    if (currency.len == 0 || ct_span_eq(currency, model->currency)) {
        *out = amount;
        return true;
    }
    for (size_t i = 0; i < model->rate_count; i++) {
        const struct ct_cost_rate *rate = &model->rates[i];
        if (ct_span_eq(currency, rate->currency)) {
            *dated |= ct_cost_dated(&rate->valid);
            if (ct_cost_better(&rate->valid, at, best ? &best->valid : NULL)) {
                best = rate;
            }
        }
    }
    uint64_t magnitude = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount, converted = 0;
    if (!best ||
        !ct_cost_divide((ct_cost_wide)magnitude * (uint64_t)best->rate, (ct_cost_wide)CT_NANO_PER_UNIT, &converted)) {
        return false;
    }
    *out = amount < 0 ? -(ct_nano)converted : (ct_nano)converted;
    return true;
}

bool ct_cost_convert(const struct ct_cost_model *model, ct_nano amount, ct_span currency, ct_usec at, ct_nano *out)
{
    bool dated = false;
    return convert(model, amount, currency, at, &dated, out);
}

/* ---- a conversation, message by message ---- */

void ct_cost_begin(struct ct_cost_sum *sum)
{
    *sum = (struct ct_cost_sum){.first_at = CT_USEC_NONE};
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
    bool dated = false;
    bool usable = model ? convert(model, message->cost, message->currency, time_of(sum, message->ts), &dated, &amount)
                        : same_currency(sum, message->currency);
    if (!usable) {
        sum->unconverted++;
        return false;
    }
    sum->undated += dated && message->ts == CT_USEC_NONE;
    ct_cost_add(sum, &sum->source, amount);
    sum->has_cost = true;
    return true;
}

static void add_tokens(const struct ct_cost_model *model, struct ct_cost_sum *sum, const struct ct_message *message)
{
    ct_nano amount = 0;
    bool dated = false;
    enum ct_status status = price_tokens(model, &message->tokens, time_of(sum, message->ts), &dated, &amount);
    if (status == CT_NOT_FOUND) {
        sum->unpriced++;
        return;
    }
    sum->undated += dated && message->ts == CT_USEC_NONE;
    sum->overflow |= status == CT_LIMIT;
    ct_cost_add(sum, &sum->tokens, amount);
    sum->has_cost = true;
}

/* What goes over the channel: somebody's words, or a medium in place of them; not a turn that only calls a tool. */
static bool is_sent(const struct ct_message *message)
{
    return message->text.len > 0 || (message->event.type == CT_EVENT_OTHER && ct_span_is(message->event.name, "media"));
}

bool ct_cost_message(const struct ct_cost_model *model, struct ct_cost_sum *sum, const struct ct_message *message,
                     struct ct_cost_sent *sent)
{
    bool user = message->role == CT_ROLE_USER;
    bool business = message->role == CT_ROLE_BOT || message->role == CT_ROLE_AGENT;
    bool over = (user || business) && is_sent(message);
    if (sum->first_at == CT_USEC_NONE) {
        sum->first_at = message->ts;
    }
    if (over) {
        sum->messages++;
        sum->user_messages += user;
        sum->business_messages += business;
    }
    bool stated = message->has_cost && add_source(model, sum, message);
    if (!stated && model && has_counts(&message->tokens)) {
        add_tokens(model, sum, message);
    }
    if (!over || !model || model->channel_count == 0) {
        return false;
    }
    *sent = (struct ct_cost_sent){.ts = message->ts,
                                  .role = (uint8_t)message->role,
                                  .category = ct_cost_category_of(model, message->category),
                                  .billing = (uint8_t)message->billing,
                                  .country = ct_country_from(message->country)};
    return true;
}

/* ---- and at its close ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whatever the letters' case: people write names of queues as they come. */
static bool is_team(ct_span name, ct_span team)
{
    for (size_t i = 0; i < name.len && name.len == team.len; i++) {
        if (lower(name.at[i]) != lower(team.at[i])) {
            return false;
        }
    }
    return name.len == team.len;
}

static const struct ct_cost_human *find_human(const struct ct_cost_model *model, ct_usec at, bool *dated)
{
    const struct ct_cost_human *best = NULL;
    for (size_t i = 0; i < model->human_count; i++) {
        const struct ct_cost_human *human = &model->human[i];
        *dated |= ct_cost_dated(&human->valid);
        if (ct_cost_better(&human->valid, at, best ? &best->valid : NULL)) {
            best = human;
        }
    }
    return best;
}

/* A time at a wage; never negative. */
static ct_nano price_of_time(struct ct_cost_sum *sum, const struct ct_cost_wage *wage, ct_usec usec)
{
    uint64_t amount = 0;
    ct_cost_wide whole = (ct_cost_wide)(uint64_t)(usec > 0 ? usec : 0) + (uint64_t)wage->wrap_up_usec, product;
    if (__builtin_mul_overflow(whole, wage->numerator, &product) ||
        !ct_cost_divide(product, wage->denominator, &amount)) {
        sum->overflow = true;
        return INT64_MAX;
    }
    return (ct_nano)amount;
}

static void charge_human(const struct ct_cost_model *model, struct ct_cost_sum *sum,
                         const struct ct_cost_conversation *c)
{
    bool dated = false;
    if (c->human_handling_usec == CT_USEC_NONE) {
        sum->human_untimed = true;
        return;
    }
    const struct ct_cost_human *human = find_human(model, c->started_at, &dated);
    if (!human) {
        sum->unpriced++;
        return;
    }
    const struct ct_cost_wage *wage = &human->everybody;
    for (size_t i = 0; i < human->team_count; i++) {
        if (is_team(human->teams[i].team, c->team)) {
            wage = &human->teams[i];
            break;
        }
    }
    sum->undated += dated && c->started_at == CT_USEC_NONE;
    ct_cost_add(sum, &sum->human, price_of_time(sum, wage, c->human_handling_usec));
    sum->has_cost = true;
}

static void set_human_price(const struct ct_cost_model *model, struct ct_cost_sum *sum, ct_usec at)
{
    const struct ct_cost_human_price *best = NULL;
    bool dated = false;
    for (size_t i = 0; i < model->human_price_count; i++) {
        const struct ct_cost_human_price *price = &model->human_prices[i];
        if (ct_cost_better(&price->valid, at, best ? &best->valid : NULL)) {
            best = price;
        }
    }
    const struct ct_cost_human *human = best && best->by_time ? find_human(model, at, &dated) : NULL;
    sum->has_human_price = best && (human || !best->by_time);
    if (sum->has_human_price) {
        sum->human_price =
            best->by_time ? price_of_time(sum, &human->everybody, best->handling_usec) : best->per_conversation;
    }
}

void ct_cost_close(const struct ct_cost_model *model, struct ct_cost_sum *sum, const struct ct_cost_conversation *c)
{
    if (model) {
        memcpy(sum->currency, model->currency.at, model->currency.len);
        sum->currency[model->currency.len] = '\0';
        ct_cost_charge_channel(model, sum, c);
        if (c->human_joined && model->human_count) {
            charge_human(model, sum, c);
        }
        if (model->has_fixed) { /* a month's share is known only when the month's conversations are */
            ct_cost_add(sum, &sum->fixed, model->fixed_per_conversation);
            sum->has_cost = true;
        }
        set_human_price(model, sum, c->started_at);
    }
    sum->total = 0;
    const ct_nano parts[] = {sum->source, sum->tokens, sum->channel, sum->human, sum->fixed};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        ct_cost_add(sum, &sum->total, parts[i]);
    }
}

/* ---- fixed fees by the month ---- */

bool ct_cost_has_months(const struct ct_cost_model *model)
{
    return model && model->month_count;
}

bool ct_cost_months_by_ai(const struct ct_cost_model *model)
{
    return model->months_by_ai;
}

ct_nano ct_cost_month_fee(const struct ct_cost_model *model, int64_t year, unsigned month)
{
    int64_t at = year * 12 + (int64_t)month - 1;
    ct_nano fee = 0;
    for (size_t i = 0; model && i < model->month_count; i++) {
        const struct ct_cost_month_item *item = &model->months[i];
        if (at >= item->from && at < item->to && __builtin_add_overflow(fee, item->amount, &fee)) {
            return INT64_MAX;
        }
    }
    return fee;
}
