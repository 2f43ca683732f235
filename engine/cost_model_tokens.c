/* cost_model_tokens.c - `tokens` and `cached_counts` of a cost model: prices by model name and time. Called by
 * cost_model.c.
 */
#include "engine/cost_model_read.h"

static bool read_row(struct ct_cost_file *r, const struct ct_yaml_node *node, struct ct_cost_price *price,
                     ct_span *name)
{
    static const char *const keys[] = {"model", "per", "input", "cached", "output", "from", "to", NULL};
    static const char *const units[] = {"1", "1K", "1M"};
    static const uint64_t sizes[] = {1, 1000, 1000000};
    static const char what[] = "a row of tokens";
    struct ct_yaml *yaml = r->yaml;
    unsigned unit = 2;
    if (!ct_yaml_is_map(yaml, node, what) || !ct_yaml_check_keys(yaml, node, keys, what)) {
        return false;
    }
    bool ok = ct_yaml_text(yaml, ct_yaml_need(yaml, node, "model", what), "model", name);
    ok &= ct_cost_read_money(r, ct_yaml_need(yaml, node, "input", what), "input", 0, &price->input);
    ok &= ct_cost_read_money(r, ct_yaml_need(yaml, node, "output", what), "output", 0, &price->output);
    price->cached = price->input; /* no discount unless one is said */
    const struct ct_yaml_node *cached = ct_yaml_find(node, "cached"), *per = ct_yaml_find(node, "per");
    ok &= !cached || ct_cost_read_money(r, cached, "cached", 0, &price->cached);
    ok &= !per || ct_yaml_choice(yaml, per, "per", units, 3, &unit);
    ok &= ct_cost_read_validity(r, node, &price->valid);
    price->per = sizes[unit];
    return ok;
}

static void read_price(struct ct_cost_file *r, const struct ct_yaml_node *node)
{
    struct ct_cost_model *model = r->model;
    struct ct_cost_price *price = &model->prices[model->price_count];
    ct_span name = CT_SPAN_NONE;
    if (!read_row(r, node, price, &name)) {
        return;
    }
    const struct ct_yaml_node *model_node = ct_yaml_find(node, "model");
    price->prefix = name.at[name.len - 1] == '*';
    name.len -= price->prefix;
    if (name.len && memchr(name.at, '*', name.len)) {
        ct_yaml_problem(r->yaml, 'e', model_node, "model: '*' stands at the end only");
        return;
    }
    for (size_t i = 0; i < model->price_count; i++) {
        const struct ct_cost_price *other = &model->prices[i];
        if (other->prefix != price->prefix || !ct_span_eq(other->model, name) ||
            !ct_cost_overlap(&other->valid, &price->valid)) {
            continue;
        }
        if (!ct_cost_dated(&other->valid) && !ct_cost_dated(&price->valid)) {
            ct_yaml_problem(r->yaml, 'e', model_node, "model: this name has a row already");
        } else {
            ct_cost_read_overlap(r, model_node, "model");
        }
        return;
    }
    if (ct_cost_read_copy(r, name, &price->model)) {
        model->price_count++;
    }
}

void ct_cost_read_tokens(struct ct_cost_file *r)
{
    static const char *const counts[] = {"within", "beside"};
    struct ct_cost_model *model = r->model;
    const struct ct_yaml_node *node = ct_yaml_find(r->yaml->root, "tokens");
    unsigned counted = 0;
    if (ct_yaml_choice(r->yaml, ct_yaml_find(r->yaml->root, "cached_counts"), "cached_counts", counts, 2, &counted)) {
        model->cached_beside = counted == 1;
    }
    if (!node || !ct_yaml_is_list(r->yaml, node, "tokens") ||
        !(model->prices = ct_cost_read_rows(r, node, node->count, CT_COST_PRICES_MAX, sizeof *model->prices))) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        read_price(r, ct_yaml_item(node, i));
    }
}
