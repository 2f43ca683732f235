/* ruleset_rule.c - the rules of all packs, each of its kind. A stage of a load (ruleset_load.h). The kind follows from
 * the keys; each kind knows its own keys, and any other is an error.
 */
#include "engine/ruleset_load.h"

#include <stdio.h>

/* A rule while it is read: everything a reader of a kind needs. */
struct rule_reader {
    struct ct_loader *loader;
    const struct ct_yaml *yaml;
    const struct ct_yaml_node *node;
    struct ct_load_rule *out;
    uint16_t pack;
};

#define COMMON_KEYS "id", "rev", "role", "level", "turn", "enabled", "meta", "tests"

static const char *const pattern_keys[] = {COMMON_KEYS, "within", "implements", "emit", "any",
                                           "not",       "scope",  "channel",    NULL};
static const char *const context_keys[] = {COMMON_KEYS, "within", "if", "after", "emit", NULL};
static const char *const value_keys[] = {COMMON_KEYS, "within", "after", "value", "emit", NULL};
static const char *const count_keys[] = {COMMON_KEYS, "within", "signal", "at_least", "within_turns", "emit", NULL};
static const char *const repeat_keys[] = {COMMON_KEYS, "within", "repeat", "emit", NULL};
static const char *const event_keys[] = {COMMON_KEYS, "within", "event", "emit", NULL};

struct ct_load_rule *ct_load_find_rule(struct ct_loader *loader, ct_span id)
{
    uint32_t i = ct_name_find(&loader->rule_names, id, 0);
    return i == UINT32_MAX ? NULL : &loader->rules[i];
}

bool ct_load_read_scale(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, int32_t *min,
                        int32_t *max)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    int64_t low, high;
    if (node == NULL || !ct_yaml_is_list(yaml, node, "scale")) {
        return false;
    }
    if (node->count != 2) {
        ct_yaml_problem(yaml, 'e', node, "scale is [lowest, highest], here are %u values", node->count);
        return false;
    }
    if (!ct_yaml_int(yaml, ct_yaml_item(node, 0), "scale", -1000, 1000, &low) ||
        !ct_yaml_int(yaml, ct_yaml_item(node, 1), "scale", -1000, 1000, &high)) {
        return false;
    }
    if (low >= high) {
        ct_yaml_problem(yaml, 'e', node, "scale's lowest, %d, is not below its highest, %d", (int)low, (int)high);
        return false;
    }
    *min = (int32_t)low;
    *max = (int32_t)high;
    return true;
}

bool ct_load_read_texts(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what,
                        const ct_span **out, uint32_t *count)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    if (node == NULL) {
        return false;
    }
    bool list = node->kind == CT_YAML_LIST;
    uint32_t given = list ? node->count : 1;
    ct_span *texts = ct_load_alloc(loader, given, sizeof *texts);
    uint32_t kept = 0;
    if (texts == NULL) {
        return false;
    }
    if (given == 0 || given > CT_TEXTS_MAX) {
        ct_yaml_problem(yaml, 'e', node, given == 0 ? "%s: the list is empty" : "%s: more than %d texts", what,
                        CT_TEXTS_MAX);
        return false;
    }
    for (uint32_t i = 0; i < given; i++) {
        ct_span text;
        bool ok = true;
        if (ct_yaml_text(yaml, list ? ct_yaml_item(node, i) : node, what, &text)) {
            texts[kept++] = ct_arena_copy(&loader->set->arena, text, &ok);
        }
        if (!ok) {
            return ct_yaml_no_memory(&loader->report);
        }
    }
    *out = texts;
    *count = kept;
    return kept == given;
}

/* ---- the parts -------------------------------------------------------------------------- */

static void read_after(struct rule_reader *r)
{
    static const char *const keys[] = {"signal", "role", "max_turns", "max_age", NULL};
    struct ct_after *after = &r->out->rule.after;
    const struct ct_yaml_node *node = ct_yaml_need(r->yaml, r->node, "after", "the rule");
    *after = (struct ct_after){.signal = CT_NO_SIGNAL, .role = CT_ROLE_BOT, .max_age = CT_USEC_NONE};
    if (node == NULL || !ct_yaml_is_map(r->yaml, node, "after")) {
        return;
    }
    ct_yaml_check_keys(r->yaml, node, keys, "after");
    after->signal = ct_load_signal(r->loader, r->pack, ct_yaml_need(r->yaml, node, "signal", "after"), "signal");
    if (after->signal != CT_NO_SIGNAL && r->loader->signals[after->signal].role != CT_ROLE_UNKNOWN) {
        after->role = r->loader->signals[after->signal].role;
    }
    (void)ct_load_read_role(r->loader, r->pack, ct_yaml_find(node, "role"), "role", &after->role);
    int64_t turns;
    if (ct_yaml_int(r->yaml, ct_yaml_find(node, "max_turns"), "max_turns", 1, UINT16_MAX, &turns)) {
        after->max_turns = (uint16_t)turns;
    }
    (void)ct_yaml_duration(r->yaml, ct_yaml_find(node, "max_age"), "max_age", 1, INT64_MAX, &after->max_age);
}

static void read_pattern(struct rule_reader *r)
{
    static const char *const scopes[] = {"message", "clause"}, *const channels[] = {"fold", "raw"};
    struct ct_rule *rule = &r->out->rule;
    const struct ct_yaml_node *any = ct_yaml_need(r->yaml, r->node, "any", "a pattern rule");
    unsigned choice;
    if (ct_yaml_choice(r->yaml, ct_yaml_find(r->node, "scope"), "scope", scopes, 2, &choice)) {
        rule->not_by_clause = choice == 1;
    }
    if (ct_yaml_choice(r->yaml, ct_yaml_find(r->node, "channel"), "channel", channels, 2, &choice)) {
        rule->raw = choice == 1;
    }
    if (any != NULL && any->kind == CT_YAML_LIST && any->count == 0) {
        ct_yaml_problem(r->yaml, 'e', any, "'any' is empty: the rule can never fire");
    }
    rule->any = ct_load_patterns(r->loader, r->pack, any, "any", rule->raw, NULL, &rule->any_count);
    rule->not =
        ct_load_patterns(r->loader, r->pack, ct_yaml_find(r->node, "not"), "not", rule->raw, NULL, &rule->not_count);
}

static void read_context(struct rule_reader *r)
{
    struct ct_rule *rule = &r->out->rule;
    const struct ct_yaml_node *list = ct_yaml_need(r->yaml, r->node, "if", "a context rule");
    read_after(r);
    if (list == NULL || !ct_yaml_is_list(r->yaml, list, "if")) {
        return;
    }
    if (list->count == 0 || list->count > 64) {
        ct_yaml_problem(r->yaml, 'e', list, "'if' takes 1 to 64 signals, here are %u", list->count);
        return;
    }
    uint16_t *signals = ct_load_alloc(r->loader, list->count, sizeof *signals);
    for (uint32_t i = 0; signals != NULL && i < list->count; i++) {
        signals[rule->if_count] = ct_load_signal(r->loader, r->pack, ct_yaml_item(list, i), "if");
        rule->if_count = (uint16_t)(rule->if_count + (signals[rule->if_count] != CT_NO_SIGNAL));
    }
    rule->if_signals = signals;
}

static void read_value(struct rule_reader *r)
{
    static const char *const keys[] = {"as", "scale", "better", "from", NULL};
    static const char *const better[] = {"high", "low"};
    static const char *const from[] = {"stars", "digits", "words", "emoji"};
    struct ct_rule *rule = &r->out->rule;
    const struct ct_yaml_node *node = ct_yaml_find(r->node, "value");
    read_after(r);
    rule->from = CT_FROM_STARS | CT_FROM_DIGITS | CT_FROM_WORDS | CT_FROM_EMOJI;
    if (!ct_yaml_is_map(r->yaml, node, "value")) {
        return;
    }
    unsigned choice;
    const char *kinds[CT_SCORE_COUNT];
    for (unsigned i = 0; i < CT_SCORE_COUNT; i++) {
        kinds[i] = ct_score_kind_text((enum ct_score_kind)i);
    }
    ct_yaml_check_keys(r->yaml, node, keys, "value");
    if (ct_yaml_choice(r->yaml, ct_yaml_need(r->yaml, node, "as", "value"), "as", kinds, CT_SCORE_COUNT, &choice)) {
        rule->score = (enum ct_score_kind)choice;
        ct_score_kind_scale(rule->score, &rule->scale_min, &rule->scale_max);
    }
    (void)ct_load_read_scale(r->loader, r->pack, ct_yaml_find(node, "scale"), &rule->scale_min, &rule->scale_max);
    if (ct_yaml_choice(r->yaml, ct_yaml_find(node, "better"), "better", better, 2, &choice)) {
        rule->better_low = choice == 1;
    }
    const struct ct_yaml_node *list = ct_yaml_find(node, "from");
    if (list == NULL || !ct_yaml_is_list(r->yaml, list, "from")) {
        return;
    }
    if (list->count == 0) {
        ct_yaml_problem(r->yaml, 'e', list, "'from' is empty: no score could be read");
    }
    rule->from = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (ct_yaml_choice(r->yaml, ct_yaml_item(list, i), "from", from, 4, &choice)) {
            rule->from |= 1u << choice;
        }
    }
}

static void read_count(struct rule_reader *r)
{
    struct ct_rule *rule = &r->out->rule;
    int64_t number;
    rule->count_signal =
        ct_load_signal(r->loader, r->pack, ct_yaml_need(r->yaml, r->node, "signal", "a count rule"), "signal");
    if (rule->role == CT_ROLE_UNKNOWN && rule->count_signal != CT_NO_SIGNAL) {
        rule->role = r->loader->signals[rule->count_signal].role;
    }
    if (ct_yaml_int(r->yaml, ct_yaml_need(r->yaml, r->node, "at_least", "a count rule"), "at_least", 1, 1000,
                    &number)) {
        rule->at_least = (uint16_t)number;
    }
    if (ct_yaml_int(r->yaml, ct_yaml_find(r->node, "within_turns"), "within_turns", 1, UINT16_MAX, &number)) {
        rule->within_turns = (uint16_t)number;
    }
}

static void read_repeat(struct rule_reader *r)
{
    static const char *const keys[] = {"role", "similarity", "within", NULL};
    struct ct_rule *rule = &r->out->rule;
    const struct ct_yaml_node *node = ct_yaml_find(r->node, "repeat");
    rule->similarity_percent = 80;
    rule->within_messages = 6;
    if (!ct_yaml_is_map(r->yaml, node, "repeat")) {
        return;
    }
    int64_t number;
    ct_yaml_check_keys(r->yaml, node, keys, "repeat");
    if (!ct_load_read_role(r->loader, r->pack, ct_yaml_find(node, "role"), "role", &rule->role) &&
        rule->role == CT_ROLE_UNKNOWN) {
        rule->role = CT_ROLE_USER;
    }
    if (ct_yaml_int(r->yaml, ct_yaml_find(node, "similarity"), "similarity", 1, 100, &number)) {
        rule->similarity_percent = (uint8_t)number;
    }
    if (ct_yaml_int(r->yaml, ct_yaml_find(node, "within"), "within", 1, 1000, &number)) {
        rule->within_messages = (uint16_t)number;
    }
}

/* A tool's name: '*' at either end only, and something between. */
static void check_tools(struct rule_reader *r, const struct ct_yaml_node *node)
{
    for (uint32_t i = 0; i < r->out->rule.tool_count; i++) {
        ct_span tool = r->out->rule.tools[i];
        const struct ct_yaml_node *at = node->kind == CT_YAML_LIST ? ct_yaml_item(node, i) : node;
        size_t begin = tool.at[0] == '*', end = tool.len - (tool.len > 1 && tool.at[tool.len - 1] == '*');
        if (begin >= end) {
            ct_yaml_problem(r->yaml, 'e', at, "'%s' would take every tool", tool.at);
        } else if (memchr(tool.at + begin, '*', end - begin) != NULL) {
            ct_yaml_problem(r->yaml, 'e', at, "'%.100s': '*' may stand at either end only", tool.at);
        }
    }
}

static void read_event(struct rule_reader *r)
{
    static const char *const tool_key[] = {"tool", NULL};
    static const char *const keys[] = {"type", "phase", "name", "values", "tool", NULL};
    static const char *const types[] = {
#define X(name, text) text,
        CT_EVENT_MAP(X)
#undef X
    };
    static const char *const phases[] = {
#define X(name, text) text,
        CT_PHASE_MAP(X)
#undef X
    };
    struct ct_rule *rule = &r->out->rule;
    const struct ct_yaml_node *node = ct_yaml_find(r->node, "event"), *tool = ct_yaml_find(node, "tool");
    if (!ct_yaml_is_map(r->yaml, node, "event")) {
        return;
    }
    unsigned choice;
    uint32_t count = 0;
    if (tool != NULL) {
        ct_yaml_check_keys(r->yaml, node, tool_key, "event with 'tool'");
        if (ct_load_read_texts(r->loader, r->pack, tool, "tool", &rule->tools, &count)) {
            rule->tool_count = (uint16_t)count;
            check_tools(r, tool);
        }
        return;
    }
    ct_yaml_check_keys(r->yaml, node, keys, "event");
    if (ct_yaml_choice(r->yaml, ct_yaml_need(r->yaml, node, "type", "event"), "type", types, CT_EVENT_DELIVERY,
                       &choice)) { /* the last: it is laid upon its message, and no rule sees it */
        rule->event = (enum ct_event_type)choice;
    }
    if (ct_yaml_choice(r->yaml, ct_yaml_find(node, "phase"), "phase", phases, sizeof phases / sizeof phases[0],
                       &choice)) {
        rule->phase = (enum ct_handoff_phase)choice;
        if (rule->event != CT_EVENT_HANDOFF && rule->event != CT_EVENT_NONE) {
            ct_yaml_problem(r->yaml, 'e', ct_yaml_find(node, "phase"), "only a handoff has a phase");
        }
    }
    ct_span name;
    bool ok = true;
    if (ct_yaml_text(r->yaml, ct_yaml_find(node, "name"), "name", &name)) {
        rule->event_name = ct_arena_copy(&r->loader->set->arena, name, &ok);
    }
    if (!ok) {
        (void)ct_yaml_no_memory(&r->loader->report);
    }
    if (ct_load_read_texts(r->loader, r->pack, ct_yaml_find(node, "values"), "values", &rule->event_values, &count)) {
        rule->event_value_count = (uint16_t)count;
    }
}

/* ---- a rule ----------------------------------------------------------------------------- */

/* In the order of enum ct_rule_kind; `signs` = the keys that say it is of this kind. */
static const struct {
    const char *signs[3];
    const char *const *keys;
    void (*read)(struct rule_reader *reader);
} kinds[] = {
    {{"any", "implements", NULL}, pattern_keys, read_pattern}, {{"if", NULL, NULL}, context_keys, read_context},
    {{"value", NULL, NULL}, value_keys, read_value},           {{"signal", "at_least", NULL}, count_keys, read_count},
    {{"repeat", NULL, NULL}, repeat_keys, read_repeat},        {{"event", NULL, NULL}, event_keys, read_event},
};

/* false = none, or more than one (reported). */
static bool find_kind(struct rule_reader *r, unsigned *kind)
{
    const char *sign = NULL;
    for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (const char *const *s = kinds[k].signs; *s != NULL; s++) {
            if (ct_yaml_find(r->node, *s) == NULL) {
                continue;
            }
            if (sign != NULL && *kind != k) {
                ct_yaml_problem(r->yaml, 'e', r->node, "rule '%.100s' has both '%s' and '%s': which kind is it?",
                                r->out->rule.id.at, sign, *s);
                return false;
            }
            sign = *s;
            *kind = k;
        }
    }
    if (sign == NULL) {
        ct_yaml_problem(r->yaml, 'e', r->node,
                        "rule '%.100s' is of no kind: it needs any, if, value, signal, repeat or event",
                        r->out->rule.id.at);
    }
    return sign != NULL;
}

/* What the abstract rule gives, the rule may say otherwise afterwards. */
static void read_implements(struct rule_reader *r, const struct ct_yaml_node *node)
{
    ct_span name;
    struct ct_rule *rule = &r->out->rule;
    if (ct_yaml_find(r->node, "emit") != NULL) {
        ct_yaml_problem(r->yaml, 'e', node, "'implements' gives the signal: 'emit' beside it is one too many");
    }
    if (!ct_yaml_text(r->yaml, node, "implements", &name)) {
        return;
    }
    uint32_t index = ct_name_find(&r->loader->abstract_names, name, 0);
    if (index == UINT32_MAX || !ct_load_builds_on(r->loader, r->pack, r->loader->abstracts[index].pack)) {
        ct_yaml_problem(r->yaml, 'e', node, "there is no abstract rule '%.100s' in this pack or one it extends",
                        name.at);
        return;
    }
    const struct ct_load_abstract *abstract = &r->loader->abstracts[index];
    r->out->abstract = index + 1;
    rule->emit = abstract->emit;
    rule->role = abstract->role;
    rule->level = abstract->level;
    rule->min_user_turn = abstract->min_user_turn;
    rule->max_user_turn = abstract->max_user_turn;
    rule->within_first = abstract->within_first;
    rule->within_last = abstract->within_last;
}

static void read_emit(struct rule_reader *r, unsigned kind)
{
    const struct ct_yaml_node *implements = kind == CT_RULE_PATTERN ? ct_yaml_find(r->node, "implements") : NULL;
    struct ct_rule *rule = &r->out->rule;
    if (implements != NULL) {
        read_implements(r, implements);
        return;
    }
    rule->emit = ct_load_signal(r->loader, r->pack, ct_yaml_need(r->yaml, r->node, "emit", "the rule"), "emit");
    /* Words, answers and scores are looked for where their signal's role writes; platform facts may come on any
     * message, and a count looks where the counted signal stands (read_count). */
    bool by_signal = kind == CT_RULE_PATTERN || kind == CT_RULE_CONTEXT || kind == CT_RULE_VALUE;
    if (by_signal && rule->emit != CT_NO_SIGNAL) {
        rule->role = r->loader->signals[rule->emit].role;
    }
}

static bool read_id(struct rule_reader *r)
{
    ct_span id;
    bool ok = true;
    const struct ct_yaml_node *node = ct_yaml_need(r->yaml, r->node, "id", "the rule");
    if (!ct_yaml_text(r->yaml, node, "id", &id)) {
        return false;
    }
    const struct ct_load_rule *before = ct_load_find_rule(r->loader, id);
    if (before != NULL) {
        char place[260];
        ct_yaml_problem(r->yaml, 'e', node, "rule id '%.100s' is taken, at %s", id.at,
                        ct_load_place(r->loader, before->rule.pack, before->node, place, sizeof place));
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-';
        if (!good || id.len > 200) {
            ct_yaml_problem(r->yaml, 'e', node, "a rule's id holds letters, digits, '.', '_' and '-', at most 200");
            return false;
        }
    }
    r->out->rule.id = ct_arena_copy(&r->loader->set->arena, id, &ok);
    ok = ok && ct_name_add(&r->loader->rule_names, r->out->rule.id, 0, (uint32_t)r->loader->rule_count);
    return ok || ct_yaml_no_memory(&r->loader->report);
}

static void read_rule(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node)
{
    struct ct_load_rule *out = &loader->rules[loader->rule_count];
    struct rule_reader r = {loader, ct_load_yaml(loader, pack), node, out, pack};
    struct ct_rule *rule = &out->rule;
    *out = (struct ct_load_rule){.node = node};
    *rule = (struct ct_rule){.pack = pack,
                             .rev = 1,
                             .emit = CT_NO_SIGNAL,
                             .level = 1,
                             .within_first = CT_USEC_NONE,
                             .within_last = CT_USEC_NONE,
                             .after = {.signal = CT_NO_SIGNAL, .max_age = CT_USEC_NONE},
                             .count_signal = CT_NO_SIGNAL,
                             .line = node->line,
                             .column = node->column};
    unsigned kind = 0;
    if (!ct_yaml_is_map(r.yaml, node, "a rule") || !read_id(&r)) {
        return;
    }
    loader->rule_count++;
    if (!find_kind(&r, &kind)) {
        out->left_out = true;
        return;
    }
    rule->kind = (enum ct_rule_kind)kind;
    ct_yaml_check_keys(r.yaml, node, kinds[kind].keys, "a rule of this kind");
    int64_t rev;
    if (ct_yaml_int(r.yaml, ct_yaml_find(node, "rev"), "rev", 1, UINT32_MAX, &rev)) {
        rule->rev = (uint32_t)rev;
    }
    bool enabled = true;
    (void)ct_yaml_flag(r.yaml, ct_yaml_find(node, "enabled"), "enabled", &enabled);
    out->left_out = !enabled;
    read_emit(&r, kind);
    struct ct_load_bounds bounds = {&rule->role,          &rule->level,        &rule->min_user_turn,
                                    &rule->max_user_turn, &rule->within_first, &rule->within_last};
    ct_load_read_bounds(loader, pack, node, true, &bounds);
    kinds[kind].read(&r);
    enum ct_role emitted = rule->emit != CT_NO_SIGNAL ? loader->signals[rule->emit].role : CT_ROLE_UNKNOWN;
    if (emitted != CT_ROLE_UNKNOWN && rule->role != CT_ROLE_UNKNOWN && emitted != rule->role) {
        ct_yaml_problem(r.yaml, 'w', node, "rule '%.100s' looks at messages of '%s', but its signal is one of '%s'",
                        rule->id.at, ct_role_text(rule->role), ct_role_text(emitted));
    }
    ct_load_rule_tests(loader, pack, out, ct_yaml_find(node, "tests"));
}

void ct_load_rules(struct ct_loader *loader)
{
    size_t total = 0;
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml *yaml = ct_load_yaml(loader, p);
        const struct ct_yaml_node *list = ct_yaml_find(yaml->root, "rules");
        if (list != NULL && ct_yaml_is_list(yaml, list, "rules")) {
            total += list->count;
            if (total > CT_RULES_MAX) {
                ct_yaml_problem(yaml, 'e', list, "more than %d rules in all", CT_RULES_MAX);
                return;
            }
        }
    }
    loader->rules = ct_arena_zalloc(&loader->scratch, total * sizeof *loader->rules);
    if (loader->rules == NULL) {
        (void)ct_yaml_no_memory(&loader->report);
        return;
    }
    for (uint16_t p = 0; p < loader->pack_count && !loader->report.no_memory; p++) {
        const struct ct_yaml_node *list = ct_yaml_find(loader->packs[p].yaml.root, "rules");
        for (uint32_t i = 0; list != NULL && list->kind == CT_YAML_LIST && i < list->count; i++) {
            read_rule(loader, p, ct_yaml_item(list, i));
        }
    }
}
