/* cost_model_channels.c - `channels` and `prefixes` of a cost model: fees by channel, category, country and time.
 * Called by cost_model.c.
 */
#include "engine/cost_model_read.h"

enum { DIGITS_MOST = 15 };

/* Index of a category's name, made where it is new; CT_COST_CATEGORY_NONE with the problem reported: too many. */
static uint8_t name_category(struct ct_cost_file *r, const struct ct_yaml_node *at, ct_span name)
{
    struct ct_cost_model *model = r->model;
    uint8_t known = ct_cost_category_of(model, name);
    if (known < CT_COST_CATEGORIES_MAX) {
        return known;
    }
    if (model->category_count == CT_COST_CATEGORIES_MAX) {
        ct_yaml_problem(r->yaml, 'e', at, "categories: at most %d different ones", CT_COST_CATEGORIES_MAX);
        return CT_COST_CATEGORY_NONE;
    }
    if (!ct_cost_read_copy(r, name, &model->category_names[model->category_count])) {
        return CT_COST_CATEGORY_NONE;
    }
    return (uint8_t)model->category_count++;
}

static ct_country read_country(struct ct_cost_file *r, const struct ct_yaml_node *key, const char *what)
{
    ct_country country = ct_country_from(key->text);
    if (country == CT_COUNTRY_NONE) {
        ct_yaml_problem(
            r->yaml, 'e', key,
            "%s: '%.40s' is no country; write its two letters (ISO 3166-1: ES, MX), or default for the others", what,
            key->text.at);
    }
    return country;
}

/* {default: 0.06, ES: 0.05, per: message, free_in_window: true}; a bare amount is that of every country. */
static bool read_category(struct ct_cost_file *r, const struct ct_yaml_node *key, const struct ct_yaml_node *node,
                          struct ct_cost_category *category)
{
    static const char *const units[] = {"message", "window", "conversation"};
    *category = (struct ct_cost_category){.name = name_category(r, key, key->text)};
    if (category->name == CT_COST_CATEGORY_NONE) {
        return false;
    }
    if (node->kind == CT_YAML_SCALAR) {
        category->has_default = ct_cost_read_money(r, node, "a category's fee", 0, &category->fallback);
        return category->has_default;
    }
    struct ct_cost_country_fee *fees;
    if (!ct_yaml_is_map(r->yaml, node, "a category") ||
        !(fees = ct_cost_read_rows(r, node, node->count, CT_COST_COUNTRIES_MAX, sizeof *fees))) {
        return false;
    }
    category->countries = fees;
    bool ok = true;
    for (uint32_t i = 0; i < node->count; i++) {
        const struct ct_yaml_node *name = ct_yaml_key(node, i), *value = ct_yaml_value(node, i);
        unsigned unit = 0;
        if (ct_span_is(name->text, "per")) {
            ok &= ct_yaml_choice(r->yaml, value, "per", units, 3, &unit);
            category->per = (enum ct_cost_per)unit;
        } else if (ct_span_is(name->text, "free_in_window")) {
            ok &= ct_yaml_flag(r->yaml, value, "free_in_window", &category->free_in_window);
        } else if (ct_span_is(name->text, "default")) {
            category->has_default = ct_cost_read_money(r, value, "default", 0, &category->fallback);
            ok &= category->has_default;
        } else {
            struct ct_cost_country_fee *fee = &fees[category->country_count];
            fee->country = read_country(r, name, "categories");
            bool good =
                fee->country != CT_COUNTRY_NONE && ct_cost_read_money(r, value, "a country's fee", 0, &fee->amount);
            for (size_t j = 0; good && j < category->country_count; j++) {
                if (fees[j].country == fee->country) { /* es and ES */
                    ct_yaml_problem(r->yaml, 'e', name, "categories: this country has a fee already");
                    good = false;
                }
            }
            category->country_count += good;
            ok &= good;
        }
    }
    if (ok && !category->has_default && category->country_count == 0) {
        ct_yaml_problem(r->yaml, 'e', node, "categories: no fee is given; write default: 0 where it costs nothing");
        return false;
    }
    return ok;
}

static void read_categories(struct ct_cost_file *r, const struct ct_yaml_node *fees, struct ct_cost_channel *channel)
{
    const struct ct_yaml_node *node = ct_yaml_find(fees, "categories"), *plain = ct_yaml_find(fees, "uncategorised");
    ct_span name;
    channel->service = channel->uncategorised = CT_COST_CATEGORY_NONE;
    if (node && ct_yaml_is_map(r->yaml, node, "categories") &&
        (channel->categories =
             ct_cost_read_rows(r, node, node->count, CT_COST_CATEGORIES_MAX, sizeof *channel->categories))) {
        for (uint32_t i = 0; i < node->count; i++) {
            struct ct_cost_category *category = &channel->categories[channel->category_count];
            if (read_category(r, ct_yaml_key(node, i), ct_yaml_value(node, i), category)) {
                channel->category_count++;
                if (ct_span_is(ct_yaml_key(node, i)->text, "service")) {
                    channel->service = category->name;
                }
            }
        }
    }
    if (plain && ct_yaml_text(r->yaml, plain, "uncategorised", &name)) {
        if (!ct_yaml_find(node, plain->text.at)) {
            ct_yaml_problem(r->yaml, 'e', plain, "uncategorised: '%.40s' is none of this channel's categories",
                            plain->text.at);
            return;
        }
        channel->uncategorised = ct_cost_category_of(r->model, name);
    }
}

/* Channels whose user ids are telephone numbers, unless the model says otherwise. */
static bool is_phone_channel(ct_span name)
{
    static const char *const names[] = {"whatsapp", "sms",       "mms",   "rcs",   "phone",
                                        "voice",    "telephone", "viber", "signal"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (ct_span_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool read_fees(struct ct_cost_file *r, ct_span name, const struct ct_yaml_node *fees,
                      struct ct_cost_channel *channel)
{
    static const char *const keys[] = {"per_conversation",
                                       "per_message",
                                       "per_user_message",
                                       "per_bot_message",
                                       "per_window",
                                       "window",
                                       "phone",
                                       "categories",
                                       "uncategorised",
                                       "from",
                                       "to",
                                       NULL};
    enum { AMOUNTS = 5 };
    *channel = (struct ct_cost_channel){.name = name, .window_usec = CT_USEC_PER_DAY, .phone = is_phone_channel(name)};
    ct_nano *const amounts[AMOUNTS] = {&channel->per_conversation, &channel->per_message, &channel->per_user_message,
                                       &channel->per_bot_message, &channel->per_window};
    if (!ct_yaml_is_map(r->yaml, fees, "a channel") || !ct_yaml_check_keys(r->yaml, fees, keys, "a channel")) {
        return false;
    }
    for (size_t key = 0; key < AMOUNTS; key++) {
        (void)ct_cost_read_money(r, ct_yaml_find(fees, keys[key]), keys[key], 0, amounts[key]);
    }
    (void)ct_yaml_duration(r->yaml, ct_yaml_find(fees, "window"), "window", CT_USEC_PER_MINUTE, 366 * CT_USEC_PER_DAY,
                           &channel->window_usec);
    (void)ct_yaml_flag(r->yaml, ct_yaml_find(fees, "phone"), "phone", &channel->phone);
    read_categories(r, fees, channel);
    return ct_cost_read_validity(r, fees, &channel->valid);
}

static void read_channel(struct ct_cost_file *r, const struct ct_yaml_node *key, const struct ct_yaml_node *value)
{
    struct ct_cost_model *model = r->model;
    size_t first = model->channel_count;
    ct_span name;
    if (!ct_cost_read_copy(r, key->text, &name)) {
        return;
    }
    for (size_t i = 0; i < ct_cost_read_count(value); i++) {
        const struct ct_yaml_node *node = ct_cost_read_item(value, i);
        struct ct_cost_channel *channel = &model->channels[model->channel_count];
        bool good = read_fees(r, name, node, channel);
        for (size_t j = first; good && j < model->channel_count; j++) {
            if (ct_cost_overlap(&model->channels[j].valid, &channel->valid)) {
                ct_cost_read_overlap(r, node, "channels");
                good = false;
            }
        }
        model->channel_count += good;
    }
}

static void read_prefixes(struct ct_cost_file *r)
{
    struct ct_cost_model *model = r->model;
    const struct ct_yaml_node *node = ct_yaml_find(r->yaml->root, "prefixes");
    if (!node || !ct_yaml_is_map(r->yaml, node, "prefixes") ||
        !(model->prefixes = ct_cost_read_rows(r, node, node->count, CT_COST_PREFIXES_MAX, sizeof *model->prefixes))) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        const struct ct_yaml_node *key = ct_yaml_key(node, i), *value = ct_yaml_value(node, i);
        struct ct_country_prefix *prefix = &model->prefixes[model->prefix_count];
        ct_span digits = key->text, text;
        if (digits.len && digits.at[0] == '+') {
            digits = (ct_span){digits.at + 1, digits.len - 1};
        }
        bool good = digits.len >= 1 && digits.len <= DIGITS_MOST;
        for (size_t j = 0; good && j < digits.len; j++) {
            good = digits.at[j] >= '0' && digits.at[j] <= '9';
        }
        if (!good) {
            ct_yaml_problem(r->yaml, 'e', key,
                            "prefixes: the first digits of a telephone number are due, as in \"+34\"");
        } else if (ct_yaml_text(r->yaml, value, "a country", &text) &&
                   (prefix->country = read_country(r, value, "prefixes")) != CT_COUNTRY_NONE &&
                   ct_cost_read_copy(r, digits, &prefix->digits)) {
            model->prefix_count++;
        }
    }
}

void ct_cost_read_channels(struct ct_cost_file *r)
{
    struct ct_cost_model *model = r->model;
    const struct ct_yaml_node *node = ct_yaml_find(r->yaml->root, "channels");
    size_t count = 0;
    read_prefixes(r);
    if (!node || !ct_yaml_is_map(r->yaml, node, "channels")) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        count += ct_cost_read_count(ct_yaml_value(node, i));
    }
    model->channels = ct_cost_read_rows(r, node, count, CT_COST_CHANNELS_MAX, sizeof *model->channels);
    for (uint32_t i = 0; i < node->count && model->channels; i++) {
        read_channel(r, ct_yaml_key(node, i), ct_yaml_value(node, i));
    }
}
