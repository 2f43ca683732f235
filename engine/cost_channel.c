/* cost_channel.c - what a channel charges for one conversation: by conversation, message, window of time, and for what
 * the business sends by category and country. Called by cost.c when a conversation closes, because only then is it
 * known which channel, which customer and when.
 *
 * Categories are as messaging channels have them (WhatsApp: marketing, utility, authentication, service). Charged is
 * what the business sends: each message; or, per window, the first in each window of its category; or, per
 * conversation, the first of its category. free_in_window: nothing while the customer's last message is younger than
 * the window. A message that states no category is `service` while it answers a customer (the same condition), else
 * what the channel's `uncategorised` says. What the platform said of a message (delivery.h) is more than what the model
 * works out: its category, that it is charged although it answers, that it is free: of all fees of the message. The
 * country is the message's own, else the conversation's, else that of the
 * customer's telephone number where user ids are such. What has no price is counted, and costs nothing.
 *
 * Windows are counted within one conversation.
 */
#include "engine/cost_model.h"

uint8_t ct_cost_category_of(const struct ct_cost_model *model, ct_span name)
{
    if (name.len == 0) {
        return CT_COST_CATEGORY_NONE;
    }
    for (size_t i = 0; i < model->category_count; i++) {
        if (ct_span_eq(model->category_names[i], name)) {
            return (uint8_t)i;
        }
    }
    return CT_COST_CATEGORY_UNKNOWN;
}

struct window {
    bool open;
    ct_usec since; /* CT_USEC_NONE = not known: then it does not end before a time is */
};

struct charge {
    const struct ct_cost_model *model;
    struct ct_cost_sum *sum;
    const struct ct_cost_conversation *conversation;
    ct_span name;       /* of the rows that serve the channel */
    ct_country country; /* of the conversation */
    bool phone_asked;
    ct_country phone;                                            /* of the customer's number */
    struct window answer, any, category[CT_COST_CATEGORIES_MAX]; /* since the customer wrote; of per_window; of each */
    bool charged[CT_COST_CATEGORIES_MAX];                        /* per conversation */
};

/* false = it has run out. A later message of a known time gives a window its beginning. */
static bool is_open(struct window *window, ct_usec ts, ct_usec length)
{
    ct_usec gap;
    if (!window->open || ts == CT_USEC_NONE) {
        return window->open;
    }
    if (window->since == CT_USEC_NONE) {
        window->since = ts;
    }
    return __builtin_sub_overflow(ts, window->since, &gap) ? ts < window->since : gap < length;
}

/* One row for the channel, or none: then `default` has it. */
static bool find_name(const struct ct_cost_model *model, ct_span channel, ct_span *name)
{
    bool found = false;
    for (size_t i = 0; i < model->channel_count && !(found && ct_span_eq(*name, channel)); i++) {
        bool exact = channel.len && ct_span_eq(model->channels[i].name, channel);
        if (exact || ct_span_is(model->channels[i].name, "default")) {
            *name = model->channels[i].name;
            found = true;
        }
    }
    return found;
}

/* The fees in force; NULL = the rows leave a gap there, or the model has none for the channel. */
static const struct ct_cost_channel *fees_at(struct charge *charge, ct_usec ts)
{
    const struct ct_cost_channel *best = NULL;
    bool dated = false;
    ct_usec at = ts != CT_USEC_NONE ? ts : charge->conversation->started_at;
    for (size_t i = 0; i < charge->model->channel_count; i++) {
        const struct ct_cost_channel *fees = &charge->model->channels[i];
        if (ct_span_eq(fees->name, charge->name)) {
            dated |= ct_cost_dated(&fees->valid);
            if (ct_cost_better(&fees->valid, at, best ? &best->valid : NULL)) {
                best = fees;
            }
        }
    }
    charge->sum->undated += best && dated && ts == CT_USEC_NONE;
    charge->sum->unpriced += !best;
    return best;
}

static void add(struct charge *charge, ct_nano amount)
{
    ct_cost_add(charge->sum, &charge->sum->channel, amount);
}

static ct_country country_of(struct charge *charge, const struct ct_cost_channel *fees, const struct ct_cost_sent *sent)
{
    if (sent->country != CT_COUNTRY_NONE || charge->country != CT_COUNTRY_NONE || !fees->phone) {
        return sent->country != CT_COUNTRY_NONE ? sent->country : charge->country;
    }
    if (!charge->phone_asked) {
        charge->phone_asked = true;
        charge->phone =
            ct_country_of_phone(charge->conversation->user_id, charge->model->prefixes, charge->model->prefix_count);
    }
    return charge->phone;
}

/* false = none for the country. */
static bool price_in(const struct ct_cost_category *category, ct_country country, ct_nano *out)
{
    for (size_t i = 0; i < category->country_count; i++) {
        if (country != CT_COUNTRY_NONE && category->countries[i].country == country) {
            *out = category->countries[i].amount;
            return true;
        }
    }
    *out = category->fallback;
    return category->has_default;
}

/* Is it covered by what was charged before? Opens what it begins. */
static bool is_covered(struct charge *charge, const struct ct_cost_channel *fees,
                       const struct ct_cost_category *category, ct_usec ts)
{
    struct window *window = &charge->category[category->name];
    if (category->per == CT_COST_PER_MESSAGE) {
        return false;
    }
    if (category->per == CT_COST_PER_CONVERSATION) {
        bool before = charge->charged[category->name];
        charge->charged[category->name] = true;
        return before;
    }
    if (is_open(window, ts, fees->window_usec)) {
        return true;
    }
    *window = (struct window){true, ts};
    return false;
}

static void charge_category(struct charge *charge, const struct ct_cost_channel *fees, const struct ct_cost_sent *sent)
{
    bool answers = is_open(&charge->answer, sent->ts, fees->window_usec);
    uint8_t name = sent->category;
    const struct ct_cost_category *category = NULL;
    ct_nano amount;
    if (name == CT_COST_CATEGORY_NONE) {
        name = answers && fees->service != CT_COST_CATEGORY_NONE ? fees->service : fees->uncategorised;
    }
    for (size_t i = 0; i < fees->category_count && !category; i++) {
        category = fees->categories[i].name == name ? &fees->categories[i] : NULL;
    }
    if (!category) {
        charge->sum->unpriced++;
        return;
    }
    bool gratis = category->free_in_window && answers && sent->billing != CT_BILLING_CHARGED;
    if (gratis || is_covered(charge, fees, category, sent->ts)) {
        return;
    }
    if (price_in(category, country_of(charge, fees, sent), &amount)) {
        add(charge, amount);
    } else {
        charge->sum->unpriced++;
    }
}

static void charge_message(struct charge *charge, const struct ct_cost_sent *sent)
{
    bool user = sent->role == CT_ROLE_USER;
    if (sent->billing == CT_BILLING_FREE) { /* nor does it open a window that others would then be free in */
        return;
    }
    const struct ct_cost_channel *fees = fees_at(charge, sent->ts);
    if (!fees) {
        return;
    }
    add(charge, fees->per_message);
    add(charge, user ? fees->per_user_message : fees->per_bot_message);
    if (fees->per_window && !is_open(&charge->any, sent->ts, fees->window_usec)) {
        charge->any = (struct window){true, sent->ts};
        add(charge, fees->per_window);
    }
    if (user) {
        charge->answer = (struct window){true, sent->ts};
    } else if (fees->category_count) {
        charge_category(charge, fees, sent);
    }
}

void ct_cost_charge_channel(const struct ct_cost_model *model, struct ct_cost_sum *sum,
                            const struct ct_cost_conversation *conversation)
{
    struct charge charge = {
        .model = model, .sum = sum, .conversation = conversation, .country = ct_country_from(conversation->country)};
    if (!find_name(model, conversation->channel, &charge.name)) {
        return;
    }
    const struct ct_cost_channel *fees = fees_at(&charge, conversation->started_at);
    if (fees) {
        add(&charge, fees->per_conversation);
    }
    for (size_t i = 0; i < conversation->sent_count; i++) {
        charge_message(&charge, &conversation->sent[i]);
    }
    sum->has_cost |= fees || conversation->sent_count;
}
