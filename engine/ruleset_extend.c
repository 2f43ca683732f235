/* ruleset_extend.c - a pack's `disable` and `extend`: what a tenant changes about the rules of others. A stage of a
 * load (ruleset_load.h), after all rules are known.
 */
#include "engine/ruleset_load.h"

/* The rule a pack may change: one of a pack it builds on (or its own, which would be odd but harmless). */
static struct ct_load_rule *find_target(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    ct_span id;
    if (!ct_yaml_text(yaml, node, "a rule's id", &id)) {
        return NULL;
    }
    struct ct_load_rule *rule = ct_load_find_rule(loader, id);
    if (rule == NULL) {
        ct_yaml_problem(yaml, 'e', node, "there is no rule '%.100s'", id.at);
    } else if (!ct_load_builds_on(loader, pack, rule->rule.pack)) {
        ct_yaml_problem(yaml, 'e', node, "rule '%.100s' is of pack '%s', which this pack does not extend", id.at,
                        loader->packs[rule->rule.pack].name.at);
        rule = NULL;
    }
    return rule;
}

static void extend_rule(struct ct_loader *loader, uint16_t pack, struct ct_load_rule *target,
                        const struct ct_yaml_node *change)
{
    static const char *const keys[] = {"any", "not", "level", "scale", "tests", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    struct ct_rule *rule = &target->rule;
    if (!ct_yaml_is_map(yaml, change, "what extends a rule")) {
        return;
    }
    ct_yaml_check_keys(yaml, change, keys, "what extends a rule");
    const struct ct_yaml_node *any = ct_yaml_find(change, "any"), *not = ct_yaml_find(change, "not");
    const struct ct_yaml_node *scale = ct_yaml_find(change, "scale");
    const struct ct_yaml_node *words = any != NULL ? any : not ;
    if (words != NULL && rule->kind != CT_RULE_PATTERN) {
        ct_yaml_problem(yaml, 'e', words, "rule '%.100s' has no patterns", rule->id.at);
    } else {
        rule->any = ct_load_patterns(loader, pack, any, "any", rule->raw, rule->any, &rule->any_count);
        rule->not = ct_load_patterns(loader, pack, not, "not", rule->raw, rule->not, &rule->not_count);
    }
    if (scale != NULL && rule->kind != CT_RULE_VALUE) {
        ct_yaml_problem(yaml, 'e', scale, "rule '%.100s' reads no score", rule->id.at);
    } else {
        (void)ct_load_read_scale(loader, pack, scale, &rule->scale_min, &rule->scale_max);
    }
    int64_t level;
    if (ct_yaml_int(yaml, ct_yaml_find(change, "level"), "level", 1, 4, &level)) {
        rule->level = (uint8_t)level;
    }
    ct_load_rule_tests(loader, pack, target, ct_yaml_find(change, "tests"));
}

void ct_load_extensions(struct ct_loader *loader)
{
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml *yaml = ct_load_yaml(loader, p);
        const struct ct_yaml_node *extend = ct_yaml_find(yaml->root, "extend");
        const struct ct_yaml_node *disable = ct_yaml_find(yaml->root, "disable");
        if (extend != NULL && ct_yaml_is_map(yaml, extend, "extend")) {
            for (uint32_t i = 0; i < extend->count; i++) {
                struct ct_load_rule *target = find_target(loader, p, ct_yaml_key(extend, i));
                if (target != NULL) {
                    extend_rule(loader, p, target, ct_yaml_value(extend, i));
                }
            }
        }
        if (disable != NULL && ct_yaml_is_list(yaml, disable, "disable")) {
            for (uint32_t i = 0; i < disable->count; i++) {
                struct ct_load_rule *target = find_target(loader, p, ct_yaml_item(disable, i));
                if (target != NULL) {
                    target->left_out = true;
                }
            }
        }
    }
}
