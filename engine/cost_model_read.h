/* cost_model_read.h - what the parts of a cost model's reader share: amounts, times of validity, lists by time. Private
 * to cost_model*.c.
 */
#ifndef CT_COST_MODEL_READ_H
#define CT_COST_MODEL_READ_H

#include "engine/cost_model.h"
#include "engine/yaml_tree.h"

/* The file that is being read, and what comes of it. */
struct ct_cost_file {
    struct ct_yaml *yaml;
    struct ct_cost_model *model;
};

/* Copies into the model's arena. */
bool ct_cost_read_copy(struct ct_cost_file *r, ct_span text, ct_span *out);
/* Cleared room for `count` rows; NULL with the problem reported at `node` where there are more than `max`. */
void *ct_cost_read_rows(struct ct_cost_file *r, const struct ct_yaml_node *node, size_t count, uint32_t max,
                        size_t bytes);
/* An amount, exact: more than nine decimals are refused. NULL node: false without a word, as the tree's getters do. */
bool ct_cost_read_money(struct ct_cost_file *r, const struct ct_yaml_node *node, const char *what, ct_nano min,
                        ct_nano *out);
/* `from` and `to` of a map, if it is one. */
bool ct_cost_read_validity(struct ct_cost_file *r, const struct ct_yaml_node *map, struct ct_cost_validity *out);
static inline bool ct_cost_overlap(const struct ct_cost_validity *a, const struct ct_cost_validity *b)
{
    return a->from < b->to && b->from < a->to;
}
/* "what: it is valid at a time at which another one of the same name is; ..." */
void ct_cost_read_overlap(struct ct_cost_file *r, const struct ct_yaml_node *at, const char *what);

/* How many lists by time a node holds: the items of a list, or itself; 0 = NULL. And one of them. */
static inline size_t ct_cost_read_count(const struct ct_yaml_node *node)
{
    return !node ? 0 : node->kind == CT_YAML_LIST ? node->count : 1;
}
static inline const struct ct_yaml_node *ct_cost_read_item(const struct ct_yaml_node *node, size_t i)
{
    return node->kind == CT_YAML_LIST ? ct_yaml_item(node, (uint32_t)i) : node;
}

/* cost_model_channels.c, cost_model_people.c, cost_model_tokens.c: each reads its key of the root. */
void ct_cost_read_channels(struct ct_cost_file *r);
void ct_cost_read_people(struct ct_cost_file *r);
void ct_cost_read_tokens(struct ct_cost_file *r);

#endif
