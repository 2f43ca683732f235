/* cost_model.c - reads a cost model's YAML file, strictly: every unknown key and every bad value is an error with
 * file:line:column. Called once by whoever loads the configuration. */
#include "engine/cost_model.h"
#include "engine/yaml_tree.h"

#include <stdlib.h>

static bool copy_text(struct ct_yaml *yaml, struct ct_arena *arena, ct_span text, ct_span *out)
{
    bool ok = false;
    *out = ct_arena_copy(arena, text, &ok);
    return ok || ct_yaml_no_memory(yaml->report);
}

/* Room for `count` rows; NULL with the problem reported where there are too many. */
static void *rows(struct ct_yaml *yaml, struct ct_arena *arena, const struct ct_yaml_node *node, uint32_t max,
                  size_t bytes)
{
    if (node->count > max) {
        ct_yaml_problem(yaml, 'e', node, "at most %u entries", max);
        return NULL;
    }
    void *out = ct_arena_zalloc(arena, (size_t)node->count * bytes);
    if (!out) {
        (void)ct_yaml_no_memory(yaml->report);
    }
    return out;
}

static bool is_currency(ct_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < 'A' || text.at[i] > 'Z') {
            return false;
        }
    }
    return text.len == 3;
}

static void read_currency(struct ct_yaml *yaml, struct ct_cost_model *model)
{
    const struct ct_yaml_node *node = ct_yaml_need(yaml, yaml->root, "currency", "cost model");
    ct_span text;
    if (!ct_yaml_text(yaml, node, "currency", &text)) {
        return;
    }
    if (!is_currency(text)) {
        ct_yaml_problem(yaml, 'e', node, "currency: three capital letters (ISO 4217) are due");
        return;
    }
    (void)copy_text(yaml, &model->arena, text, &model->currency);
}

static void read_rates(struct ct_yaml *yaml, struct ct_cost_model *model)
{
    const struct ct_yaml_node *node = ct_yaml_find(yaml->root, "rates");
    if (!node || !ct_yaml_is_map(yaml, node, "rates") ||
        !(model->rates = rows(yaml, &model->arena, node, CT_COST_RATES_MAX, sizeof *model->rates))) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        const struct ct_yaml_node *key = ct_yaml_key(node, i), *value = ct_yaml_value(node, i);
        struct ct_cost_rate *rate = &model->rates[model->rate_count];
        if (!is_currency(key->text) || ct_span_eq(key->text, model->currency)) {
            ct_yaml_problem(yaml, 'e', key, "rates: another currency's three capital letters are due");
        } else if (ct_yaml_money(yaml, value, "rate", 1, &rate->rate) &&
                   copy_text(yaml, &model->arena, key->text, &rate->currency)) {
            model->rate_count++;
        }
    }
}

static void read_price(struct ct_yaml *yaml, struct ct_cost_model *model, const struct ct_yaml_node *node)
{
    static const char *const keys[] = {"model", "per", "input", "cached", "output", NULL};
    static const char *const units[] = {"1", "1K", "1M"};
    static const uint64_t sizes[] = {1, 1000, 1000000};
    struct ct_cost_price *price = &model->prices[model->price_count];
    ct_span name = CT_SPAN_NONE;
    unsigned unit = 2;
    if (!ct_yaml_is_map(yaml, node, "a row of tokens") || !ct_yaml_check_keys(yaml, node, keys, "a row of tokens")) {
        return;
    }
    const struct ct_yaml_node *model_node = ct_yaml_need(yaml, node, "model", "a row of tokens");
    bool ok = ct_yaml_text(yaml, model_node, "model", &name);
    ok &= ct_yaml_money(yaml, ct_yaml_need(yaml, node, "input", "a row of tokens"), "input", 0, &price->input);
    ok &= ct_yaml_money(yaml, ct_yaml_need(yaml, node, "output", "a row of tokens"), "output", 0, &price->output);
    price->cached = price->input; /* no discount unless one is said */
    const struct ct_yaml_node *cached = ct_yaml_find(node, "cached"), *per = ct_yaml_find(node, "per");
    ok &= !cached || ct_yaml_money(yaml, cached, "cached", 0, &price->cached);
    ok &= !per || ct_yaml_choice(yaml, per, "per", units, 3, &unit);
    if (!ok) {
        return;
    }
    price->per = sizes[unit];
    price->prefix = name.at[name.len - 1] == '*';
    name.len -= price->prefix;
    if (name.len && memchr(name.at, '*', name.len)) {
        ct_yaml_problem(yaml, 'e', model_node, "model: '*' stands at the end only");
        return;
    }
    for (size_t i = 0; i < model->price_count; i++) {
        if (model->prices[i].prefix == price->prefix && ct_span_eq(model->prices[i].model, name)) {
            ct_yaml_problem(yaml, 'e', model_node, "model: this name has a row already");
            return;
        }
    }
    if (copy_text(yaml, &model->arena, name, &price->model)) {
        model->price_count++;
    }
}

static void read_prices(struct ct_yaml *yaml, struct ct_cost_model *model)
{
    const struct ct_yaml_node *node = ct_yaml_find(yaml->root, "tokens");
    if (!node || !ct_yaml_is_list(yaml, node, "tokens") ||
        !(model->prices = rows(yaml, &model->arena, node, CT_COST_PRICES_MAX, sizeof *model->prices))) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        read_price(yaml, model, ct_yaml_item(node, i));
    }
}

static void read_channels(struct ct_yaml *yaml, struct ct_cost_model *model)
{
    static const char *const keys[] = {"per_conversation", "per_message", "per_user_message", "per_bot_message", NULL};
    const struct ct_yaml_node *node = ct_yaml_find(yaml->root, "channels");
    if (!node || !ct_yaml_is_map(yaml, node, "channels") ||
        !(model->channels = rows(yaml, &model->arena, node, CT_COST_CHANNELS_MAX, sizeof *model->channels))) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        const struct ct_yaml_node *fees = ct_yaml_value(node, i);
        struct ct_cost_channel *channel = &model->channels[model->channel_count];
        ct_nano *const amounts[] = {&channel->per_conversation, &channel->per_message, &channel->per_user_message,
                                    &channel->per_bot_message};
        if (!ct_yaml_is_map(yaml, fees, "a channel") || !ct_yaml_check_keys(yaml, fees, keys, "a channel")) {
            continue;
        }
        for (size_t key = 0; keys[key]; key++) {
            (void)ct_yaml_money(yaml, ct_yaml_find(fees, keys[key]), keys[key], 0, amounts[key]);
        }
        if (copy_text(yaml, &model->arena, ct_yaml_key(node, i)->text, &channel->name)) {
            model->channel_count++;
        }
    }
}

static void read_human(struct ct_yaml *yaml, struct ct_cost_model *model)
{
    static const char *const keys[] = {"per_minute", "wrap_up", NULL};
    const struct ct_yaml_node *node = ct_yaml_find(yaml->root, "human");
    if (!node || !ct_yaml_is_map(yaml, node, "human") || !ct_yaml_check_keys(yaml, node, keys, "human")) {
        return;
    }
    model->has_human =
        ct_yaml_money(yaml, ct_yaml_need(yaml, node, "per_minute", "human"), "per_minute", 0, &model->per_minute);
    (void)ct_yaml_duration(yaml, ct_yaml_find(node, "wrap_up"), "wrap_up", 0, CT_USEC_PER_DAY, &model->wrap_up_usec);
}

static void read_fixed(struct ct_yaml *yaml, struct ct_cost_model *model)
{
    static const char *const keys[] = {"per_conversation", "monthly", NULL};
    const struct ct_yaml_node *node = ct_yaml_find(yaml->root, "fixed");
    if (!node || !ct_yaml_is_map(yaml, node, "fixed") || !ct_yaml_check_keys(yaml, node, keys, "fixed")) {
        return;
    }
    const struct ct_yaml_node *monthly = ct_yaml_find(node, "monthly");
    if (monthly) { /* a conversation's cost is settled when it closes; the month's count is known only later */
        ct_yaml_problem(yaml, 'e', monthly,
                        "fixed: a monthly fee cannot be shared out while conversations close; write per_conversation: "
                        "the fee divided by a month's conversations");
    }
    model->has_fixed = ct_yaml_money(yaml, ct_yaml_need(yaml, node, "per_conversation", "fixed"), "per_conversation", 0,
                                     &model->fixed_per_conversation);
}

static void read_model(struct ct_yaml *yaml, struct ct_cost_model *model)
{
    static const char *const keys[] = {"currency", "rates", "cached_counts", "tokens",
                                       "channels", "human", "fixed",         NULL};
    static const char *const counts[] = {"within", "beside"};
    unsigned counted = 0;
    if (!ct_yaml_is_map(yaml, yaml->root, "cost model")) {
        return;
    }
    (void)ct_yaml_check_keys(yaml, yaml->root, keys, "cost model");
    read_currency(yaml, model);
    read_rates(yaml, model);
    if (ct_yaml_choice(yaml, ct_yaml_find(yaml->root, "cached_counts"), "cached_counts", counts, 2, &counted)) {
        model->cached_beside = counted == 1;
    }
    read_prices(yaml, model);
    read_channels(yaml, model);
    read_human(yaml, model);
    read_fixed(yaml, model);
}

struct ct_cost_model *ct_cost_model_load(ct_span file, ct_span bytes, struct ct_error *err)
{
    struct ct_cost_model *model = calloc(1, sizeof *model);
    if (!model) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    struct ct_arena nodes; /* the tree is needed only while it is read */
    ct_arena_init(&nodes, 0, 0);
    ct_arena_init(&model->arena, 0, 0);
    struct ct_yaml_report report = {.status = CT_BAD_CONFIG, .first = err};
    struct ct_yaml yaml;
    bool parsed = ct_yaml_parse(&yaml, &nodes, file, bytes, &report);
    if (parsed && !yaml.root) {
        ct_yaml_problem(&yaml, 'e', NULL, "cost model: the file is empty");
    } else if (parsed) {
        read_model(&yaml, model);
    }
    ct_arena_done(&nodes);
    if (report.no_memory) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    if (!parsed || report.errors || report.no_memory) {
        ct_cost_model_free(model);
        return NULL;
    }
    return model;
}

void ct_cost_model_free(struct ct_cost_model *model)
{
    if (model) {
        ct_arena_done(&model->arena);
        free(model);
    }
}

ct_span ct_cost_model_currency(const struct ct_cost_model *model)
{
    return model ? model->currency : CT_SPAN_NONE;
}
