/* cost_model.c - reads a cost model's YAML file, strictly: every unknown key and every bad value is an error with
 * file:line:column. Called once by whoever loads the configuration. Here the file as a whole, its currency and rates,
 * and what the parts share; tokens, channels and people have a file each (cost_model_*.c).
 */
#include "engine/cost_model_read.h"

#include <stdlib.h>

enum { DECIMALS_MOST = 9 };

/* ---- what the parts share -------------------------------------------------------------------- */

bool ct_cost_read_copy(struct ct_cost_file *r, ct_span text, ct_span *out)
{
    bool ok = false;
    *out = ct_arena_copy(&r->model->arena, text, &ok);
    return ok || ct_yaml_no_memory(r->yaml->report);
}

void *ct_cost_read_rows(struct ct_cost_file *r, const struct ct_yaml_node *node, size_t count, uint32_t max,
                        size_t bytes)
{
    if (count > max) {
        ct_yaml_problem(r->yaml, 'e', node, "at most %u entries", max);
        return NULL;
    }
    void *out = ct_arena_zalloc(&r->model->arena, (count + 1) * bytes);
    if (!out) {
        (void)ct_yaml_no_memory(r->yaml->report);
    }
    return out;
}

/* Decimals of a number that ct_money_parse took, without zeros at the end. */
static int decimals_of(ct_span text)
{
    int decimals = 0, exponent = 0, last = 0;
    bool behind = false;
    size_t i = 0;
    for (; i < text.len && text.at[i] != 'e' && text.at[i] != 'E'; i++) {
        behind |= text.at[i] == '.';
        decimals += behind && text.at[i] != '.';
        if (text.at[i] >= '1' && text.at[i] <= '9') {
            last = decimals;
        }
    }
    bool less = ++i < text.len && text.at[i] == '-';
    for (; i < text.len; i++) {
        if (text.at[i] >= '0' && text.at[i] <= '9' && exponent < 1000) {
            exponent = exponent * 10 + (text.at[i] - '0');
        }
    }
    return less ? last + exponent : last - exponent;
}

bool ct_cost_read_money(struct ct_cost_file *r, const struct ct_yaml_node *node, const char *what, ct_nano min,
                        ct_nano *out)
{
    ct_nano value;
    if (!node || !ct_yaml_money(r->yaml, node, what, min, &value)) {
        return false;
    }
    if (decimals_of(node->text) > DECIMALS_MOST) {
        ct_yaml_problem(r->yaml, 'e', node,
                        "%s is %.60s: more than %d decimals would be rounded away; give the price of a larger quantity",
                        what, node->text.at, DECIMALS_MOST);
        return false;
    }
    *out = value;
    return true;
}

/* A day is its first moment in UTC. */
static bool read_moment(struct ct_cost_file *r, const struct ct_yaml_node *node, const char *what, ct_usec *out)
{
    char whole[32];
    ct_span text;
    if (!node || !ct_yaml_text(r->yaml, node, what, &text)) {
        return false;
    }
    if (text.len == 10) {
        memcpy(whole, text.at, 10);
        memcpy(whole + 10, "T00:00:00Z", 11);
        text = ct_span_of(whole);
    }
    if (!ct_time_parse(text, out)) {
        ct_yaml_problem(r->yaml, 'e', node,
                        "%s has to be a day (2026-01-31) or a time (2026-01-31T12:00:00+01:00), here is '%.60s'", what,
                        node->text.at);
        return false;
    }
    return true;
}

bool ct_cost_read_validity(struct ct_cost_file *r, const struct ct_yaml_node *map, struct ct_cost_validity *out)
{
    const struct ct_yaml_node *from = ct_yaml_find(map, "from"), *to = ct_yaml_find(map, "to");
    *out = (struct ct_cost_validity){INT64_MIN, INT64_MAX};
    bool ok = !from || read_moment(r, from, "from", &out->from);
    ok &= !to || read_moment(r, to, "to", &out->to);
    if (ok && out->from >= out->to) {
        ct_yaml_problem(r->yaml, 'e', to,
                        "to: has to be later than from; it is the first moment that is no longer in it");
        return false;
    }
    return ok;
}

void ct_cost_read_overlap(struct ct_cost_file *r, const struct ct_yaml_node *at, const char *what)
{
    ct_yaml_problem(r->yaml, 'e', at,
                    "%s: it has two prices at one time; let the first one's `to` be no later than the other's `from`",
                    what);
}

/* ---- currency and rates ---------------------------------------------------------------------- */

static bool is_currency(ct_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < 'A' || text.at[i] > 'Z') {
            return false;
        }
    }
    return text.len == 3;
}

static void read_currency(struct ct_cost_file *r)
{
    const struct ct_yaml_node *node = ct_yaml_need(r->yaml, r->yaml->root, "currency", "cost model");
    ct_span text;
    if (!ct_yaml_text(r->yaml, node, "currency", &text)) {
        return;
    }
    if (!is_currency(text)) {
        ct_yaml_problem(r->yaml, 'e', node, "currency: three capital letters (ISO 4217) are due");
        return;
    }
    (void)ct_cost_read_copy(r, text, &r->model->currency);
}

/* One number for ever, or a list of {from, to, rate}. */
static bool read_rate(struct ct_cost_file *r, const struct ct_yaml_node *node, struct ct_cost_rate *rate)
{
    static const char *const keys[] = {"from", "to", "rate", NULL};
    rate->valid = (struct ct_cost_validity){INT64_MIN, INT64_MAX};
    if (node->kind == CT_YAML_SCALAR) {
        return ct_cost_read_money(r, node, "rate", 1, &rate->rate);
    }
    return ct_yaml_is_map(r->yaml, node, "a rate") && ct_yaml_check_keys(r->yaml, node, keys, "a rate") &&
           ct_cost_read_validity(r, node, &rate->valid) &&
           ct_cost_read_money(r, ct_yaml_need(r->yaml, node, "rate", "a rate"), "rate", 1, &rate->rate);
}

static void read_rates_of(struct ct_cost_file *r, const struct ct_yaml_node *key, const struct ct_yaml_node *value)
{
    struct ct_cost_model *model = r->model;
    ct_span currency;
    if (!is_currency(key->text) || ct_span_eq(key->text, model->currency)) {
        ct_yaml_problem(r->yaml, 'e', key, "rates: another currency's three capital letters are due");
        return;
    }
    size_t first = model->rate_count;
    bool ok = ct_cost_read_copy(r, key->text, &currency);
    for (size_t i = 0; ok && i < ct_cost_read_count(value); i++) {
        const struct ct_yaml_node *node = ct_cost_read_item(value, i);
        struct ct_cost_rate *rate = &model->rates[model->rate_count];
        rate->currency = currency;
        if (!read_rate(r, node, rate)) {
            continue;
        }
        bool overlaps = false;
        for (size_t j = first; j < model->rate_count; j++) {
            overlaps |= ct_cost_overlap(&model->rates[j].valid, &rate->valid);
        }
        if (overlaps) {
            ct_cost_read_overlap(r, node, "rates");
        } else {
            model->rate_count++;
        }
    }
}

static void read_rates(struct ct_cost_file *r)
{
    const struct ct_yaml_node *node = ct_yaml_find(r->yaml->root, "rates");
    size_t count = 0;
    if (!node || !ct_yaml_is_map(r->yaml, node, "rates")) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        count += ct_cost_read_count(ct_yaml_value(node, i));
    }
    r->model->rates = ct_cost_read_rows(r, node, count, CT_COST_RATES_MAX, sizeof *r->model->rates);
    for (uint32_t i = 0; i < node->count && r->model->rates; i++) {
        read_rates_of(r, ct_yaml_key(node, i), ct_yaml_value(node, i));
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

static void read_model(struct ct_cost_file *r)
{
    static const char *const keys[] = {"currency", "rates", "cached_counts", "tokens", "channels",
                                       "prefixes", "human", "human_price",   "fixed",  NULL};
    struct ct_yaml *yaml = r->yaml;
    if (!ct_yaml_is_map(yaml, yaml->root, "cost model")) {
        return;
    }
    (void)ct_yaml_check_keys(yaml, yaml->root, keys, "cost model");
    read_currency(r);
    read_rates(r);
    ct_cost_read_tokens(r);
    ct_cost_read_channels(r);
    ct_cost_read_people(r);
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
        read_model(&(struct ct_cost_file){&yaml, model});
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

void ct_cost_model_mark(struct ct_cost_model *model, const char hash[65])
{
    memcpy(model->hash, hash, sizeof model->hash - 1);
}

const char *ct_cost_model_hash(const struct ct_cost_model *model)
{
    return model ? model->hash : "";
}
