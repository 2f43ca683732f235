/* ruleset_tests.c - the tests beside the rules: texts, whole conversations, and which rules have none. A stage of a
 * load (ruleset_load.h); `convtap rules test` runs what is kept.
 */
#include "engine/ruleset_load.h"

#include <stdlib.h>

const char *ct_test_kind_text(enum ct_test_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_TEST_MAP(X)
#undef X
    };
    return (unsigned)kind < CT_TEST_COUNT ? texts[kind] : "";
}

static bool copy_span(struct ct_loader *loader, ct_span text, ct_span *out)
{
    bool ok = true;
    *out = ct_arena_copy(&loader->set->arena, text, &ok);
    return ok || ct_yaml_no_memory(&loader->report);
}

static bool copy_text(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what,
                      ct_span *out)
{
    ct_span text;
    return ct_yaml_text(ct_load_yaml(loader, pack), node, what, &text) && copy_span(loader, text, out);
}

/* ---- messages of a conversation --------------------------------------------------------- */

bool ct_load_read_event(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, struct ct_event *out)
{
    static const char *const keys[] = {"type", "phase", "by", "reason", "name", "kind", "value", "scale", "text", NULL};
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
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    unsigned choice;
    int64_t scale;
    *out = (struct ct_event){.scale_min = -1};
    if (node == NULL || !ct_yaml_is_map(yaml, node, "event")) {
        return false;
    }
    ct_yaml_check_keys(yaml, node, keys, "an event");
    if (ct_yaml_choice(yaml, ct_yaml_need(yaml, node, "type", "an event"), "type", types, CT_EVENT_DELIVERY, &choice)) {
        out->type = (enum ct_event_type)choice;
        out->phase = out->type == CT_EVENT_HANDOFF ? CT_PHASE_ACCEPTED : CT_PHASE_NONE;
    }
    if (ct_yaml_choice(yaml, ct_yaml_find(node, "phase"), "phase", phases, sizeof phases / sizeof phases[0], &choice)) {
        out->phase = (enum ct_handoff_phase)choice;
    }
    (void)copy_text(loader, pack, ct_yaml_find(node, "by"), "by", &out->by);
    (void)copy_text(loader, pack, ct_yaml_find(node, "reason"), "reason", &out->reason);
    (void)copy_text(loader, pack, ct_yaml_find(node, "kind"), "kind", &out->name);
    (void)copy_text(loader, pack, ct_yaml_find(node, "name"), "name", &out->name);
    (void)copy_text(loader, pack, ct_yaml_find(node, "value"), "value", &out->value);
    (void)copy_text(loader, pack, ct_yaml_find(node, "text"), "text", &out->text);
    if (ct_yaml_int(yaml, ct_yaml_find(node, "scale"), "scale", 1, 1000, &scale)) {
        out->scale_max = (int32_t)scale;
    }
    return true;
}

static void read_message(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node,
                         struct ct_test_message *out)
{
    static const char *const keys[] = {"role", "text", "at", "tools", "event", NULL};
    static const char *const short_keys[] = {"user", "bot", "agent", "system", "tool", "at", "tools", "event", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    *out = (struct ct_test_message){.at = CT_USEC_NONE, .line = node->line, .column = node->column};
    out->event.scale_min = -1;
    if (!ct_yaml_is_map(yaml, node, "a message")) {
        return;
    }
    const struct ct_yaml_node *text = ct_yaml_find(node, "text");
    if (ct_yaml_find(node, "role") != NULL || text != NULL) {
        ct_yaml_check_keys(yaml, node, keys, "a message");
        (void)ct_load_read_role(loader, pack, ct_yaml_need(yaml, node, "role", "a message"), "role", &out->role);
    } else {
        ct_yaml_check_keys(yaml, node, short_keys, "a message");
        for (uint32_t i = 0; i < node->count; i++) {
            enum ct_role role = ct_role_from(ct_yaml_key(node, i)->text);
            if (role == CT_ROLE_UNKNOWN) {
                continue;
            }
            if (text != NULL) {
                ct_yaml_problem(yaml, 'e', ct_yaml_key(node, i), "one message, two roles");
            }
            out->role = role;
            text = ct_yaml_value(node, i);
        }
        if (text == NULL) {
            ct_yaml_problem(yaml, 'e', node, "a message is 'ROLE: text', or a map with 'role'");
        }
    }
    if (text != NULL && text->kind == CT_YAML_SCALAR && text->text.len == 0) {
        text = NULL; /* an empty message is one, too */
    }
    (void)copy_text(loader, pack, text, "a message's text", &out->text);
    (void)ct_yaml_duration(yaml, ct_yaml_find(node, "at"), "at", 0, 3650 * CT_USEC_PER_DAY, &out->at);
    (void)ct_load_read_texts(loader, pack, ct_yaml_find(node, "tools"), "tools", &out->tools, &out->tool_count);
    (void)ct_load_read_event(loader, pack, ct_yaml_find(node, "event"), &out->event);
}

static void read_messages(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *list,
                          struct ct_conversation_test *out)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    if (list == NULL || !ct_yaml_is_list(yaml, list, "messages")) {
        return;
    }
    struct ct_test_message *messages = ct_load_alloc(loader, list->count, sizeof *messages);
    if (messages == NULL) {
        return;
    }
    ct_usec last = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        read_message(loader, pack, ct_yaml_item(list, i), &messages[i]);
        if (messages[i].at != CT_USEC_NONE && messages[i].at < last) {
            ct_yaml_problem(yaml, 'e', ct_yaml_find(ct_yaml_item(list, i), "at"),
                            "'at' goes back: it is the time since the conversation's start");
        } else if (messages[i].at != CT_USEC_NONE) {
            last = messages[i].at;
        }
    }
    if (list->count == 0) {
        ct_yaml_problem(yaml, 'e', list, "a conversation without messages");
    }
    out->messages = messages;
    out->message_count = list->count;
}

/* ---- what a conversation wants ---------------------------------------------------------- */

static void read_signals(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *list, const char *what,
                         const uint16_t **out, uint32_t *count)
{
    if (list == NULL || !ct_yaml_is_list(ct_load_yaml(loader, pack), list, what)) {
        return;
    }
    uint16_t *signals = ct_load_alloc(loader, list->count, sizeof *signals);
    uint32_t kept = 0;
    for (uint32_t i = 0; signals != NULL && i < list->count; i++) {
        signals[kept] = ct_load_signal(loader, pack, ct_yaml_item(list, i), what);
        kept += signals[kept] != CT_NO_SIGNAL;
    }
    *out = signals;
    *count = kept;
}

static void read_want(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node,
                      struct ct_test_want *out)
{
    static const char *const keys[] = {"outcome", "signals", "not_signals", "csat", "nps", "ces", "css", NULL};
    static const char *const outcomes[] = {
#define X(name, text) text,
        CT_OUTCOME_MAP(X)
#undef X
    };
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    unsigned choice;
    if (node == NULL || !ct_yaml_is_map(yaml, node, "want")) {
        return;
    }
    ct_yaml_check_keys(yaml, node, keys, "want");
    if (node->count == 0) {
        ct_yaml_problem(yaml, 'e', node, "'want' is empty: the test could not fail");
    }
    if (ct_yaml_choice(yaml, ct_yaml_find(node, "outcome"), "outcome", outcomes, CT_OUTCOME_COUNT, &choice)) {
        out->has_outcome = true;
        out->outcome = (enum ct_outcome)choice;
    }
    read_signals(loader, pack, ct_yaml_find(node, "signals"), "signals", &out->signals, &out->signal_count);
    read_signals(loader, pack, ct_yaml_find(node, "not_signals"), "not_signals", &out->not_signals,
                 &out->not_signal_count);
    for (unsigned k = 0; k < CT_SCORE_COUNT; k++) {
        const struct ct_yaml_node *score = ct_yaml_find(node, keys[3 + k]);
        int64_t value;
        if (score == NULL) {
            continue;
        }
        out->score[k].said = true;
        if (!ct_yaml_is_null(score) && ct_yaml_int(yaml, score, keys[3 + k], -1000, 1000, &value)) {
            out->score[k].present = true;
            out->score[k].value = (int32_t)value;
        }
    }
}

/* ---- conversations ---------------------------------------------------------------------- */

static struct ct_conversation_test *new_conversation(struct ct_loader *loader)
{
    if (loader->conversation_count == loader->conversation_room) {
        size_t room = loader->conversation_room ? 2 * loader->conversation_room : 64;
        struct ct_conversation_test *grown = realloc(loader->conversations, room * sizeof *grown);
        if (grown == NULL) {
            (void)ct_yaml_no_memory(&loader->report);
            return NULL;
        }
        loader->conversations = grown;
        loader->conversation_room = room;
    }
    struct ct_conversation_test *test = &loader->conversations[loader->conversation_count++];
    *test = (struct ct_conversation_test){0};
    return test;
}

/* `beside`: the rule it stands beside, or NULL in a pack's own list. */
static void read_conversation(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node,
                              struct ct_load_rule *beside)
{
    static const char *const keys[] = {"name", "rules", "messages", "want", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    if (!ct_yaml_is_map(yaml, node, "a conversation test")) {
        return;
    }
    struct ct_conversation_test *test = new_conversation(loader);
    if (test == NULL) {
        return;
    }
    ct_yaml_check_keys(yaml, node, keys, "a conversation test");
    test->pack = pack;
    test->line = node->line;
    test->column = node->column;
    if (!copy_text(loader, pack, ct_yaml_find(node, "name"), "name", &test->name) && beside != NULL) {
        test->name = beside->rule.id;
    }
    if (test->name.len == 0) {
        ct_yaml_problem(yaml, 'e', node, "the conversation test has no 'name'");
    }
    const struct ct_yaml_node *list = ct_yaml_find(node, "rules");
    uint32_t listed = list != NULL && ct_yaml_is_list(yaml, list, "rules") ? list->count : 0;
    uint32_t *rules = ct_load_alloc(loader, (size_t)listed + 1, sizeof *rules);
    for (uint32_t i = 0; rules != NULL && i < listed; i++) {
        ct_span id;
        const struct ct_yaml_node *item = ct_yaml_item(list, i);
        struct ct_load_rule *rule = NULL;
        if (ct_yaml_text(yaml, item, "a rule's id", &id) && (rule = ct_load_find_rule(loader, id)) == NULL) {
            ct_yaml_problem(yaml, 'e', item, "there is no rule '%.100s'", id.at);
        }
        if (rule != NULL) {
            rule->spoken_for = true;
            rules[test->rule_count++] = (uint32_t)(rule - loader->rules);
        }
    }
    if (rules != NULL && beside != NULL) {
        beside->spoken_for = true;
        rules[test->rule_count++] = (uint32_t)(beside - loader->rules);
    }
    test->rules = rules;
    read_messages(loader, pack, ct_yaml_need(yaml, node, "messages", "a conversation test"), test);
    read_want(loader, pack, ct_yaml_need(yaml, node, "want", "a conversation test"), &test->want);
}

/* `tests` of a rule, or of what extends it; `beside` = that rule. */
static void read_beside(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *owner,
                        struct ct_load_rule *beside)
{
    const struct ct_yaml_node *list = ct_yaml_find(ct_yaml_find(owner, "tests"), "conversations");
    if (list == NULL || !ct_yaml_is_list(ct_load_yaml(loader, pack), list, "conversations")) {
        return;
    }
    for (uint32_t i = 0; i < list->count && !loader->report.no_memory; i++) {
        read_conversation(loader, pack, ct_yaml_item(list, i), beside);
    }
}

void ct_load_conversations(struct ct_loader *loader)
{
    for (uint16_t p = 0; p < loader->pack_count && !loader->report.no_memory; p++) {
        const struct ct_yaml *yaml = ct_load_yaml(loader, p);
        const struct ct_yaml_node *list = ct_yaml_find(yaml->root, "conversations");
        if (list != NULL && ct_yaml_is_list(yaml, list, "conversations")) {
            for (uint32_t i = 0; i < list->count; i++) {
                read_conversation(loader, p, ct_yaml_item(list, i), NULL);
            }
        }
        const struct ct_yaml_node *extend = ct_yaml_find(yaml->root, "extend");
        for (uint32_t i = 0; extend != NULL && extend->kind == CT_YAML_MAP && i < extend->count; i++) {
            struct ct_load_rule *rule = ct_load_find_rule(loader, ct_yaml_key(extend, i)->text);
            if (rule != NULL) {
                read_beside(loader, p, ct_yaml_value(extend, i), rule);
            }
        }
    }
    /* Those beside rules come here too, not when their rule is read: they may name rules of any pack. */
    for (size_t r = 0; r < loader->rule_count && !loader->report.no_memory; r++) {
        read_beside(loader, loader->rules[r].rule.pack, loader->rules[r].node, &loader->rules[r]);
    }
}

/* ---- texts ------------------------------------------------------------------------------ */

static bool add_text(struct ct_loader *loader, const struct ct_rule_test *test)
{
    if (loader->text_count == loader->text_room) {
        size_t room = loader->text_room ? 2 * loader->text_room : 256;
        struct ct_rule_test *grown = realloc(loader->texts, room * sizeof *grown);
        if (grown == NULL) {
            return ct_yaml_no_memory(&loader->report);
        }
        loader->texts = grown;
        loader->text_room = room;
    }
    loader->texts[loader->text_count++] = *test;
    return true;
}

void ct_load_rule_tests(struct ct_loader *loader, uint16_t pack, struct ct_load_rule *rule,
                        const struct ct_yaml_node *node)
{
    static const char *const pattern_keys[] = {"pos", "neg", "todo_pos", "todo_neg", "conversations", NULL};
    static const char *const other_keys[] = {"conversations", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    bool pattern = rule->rule.kind == CT_RULE_PATTERN;
    if (node == NULL || !ct_yaml_is_map(yaml, node, "tests")) {
        return;
    }
    ct_yaml_check_keys(yaml, node, pattern ? pattern_keys : other_keys,
                       pattern ? "tests" : "the tests of a rule without patterns");
    for (unsigned kind = 0; pattern && kind < CT_TEST_COUNT; kind++) {
        const struct ct_yaml_node *list = ct_yaml_find(node, ct_test_kind_text((enum ct_test_kind)kind));
        if (list == NULL || !ct_yaml_is_list(yaml, list, ct_test_kind_text((enum ct_test_kind)kind))) {
            continue;
        }
        for (uint32_t i = 0; i < list->count; i++) {
            const struct ct_yaml_node *item = ct_yaml_item(list, i);
            struct ct_rule_test test = {.rule = (uint32_t)(rule - loader->rules),
                                        .kind = (enum ct_test_kind)kind,
                                        .pack = pack,
                                        .line = item->line,
                                        .column = item->column};
            ct_span text;
            if (!ct_yaml_text(yaml, item, "a test", &text)) {
                continue;
            }
            rule->tests[kind]++;
            if (loader->options->keep_tests && (!copy_span(loader, text, &test.text) || !add_text(loader, &test))) {
                return;
            }
        }
    }
}

void ct_load_check_tests(struct ct_loader *loader)
{
    for (size_t i = 0; loader->options->strict && i < loader->rule_count; i++) {
        const struct ct_load_rule *rule = &loader->rules[i];
        const struct ct_yaml *yaml = ct_load_yaml(loader, rule->rule.pack);
        bool pos = rule->tests[CT_TEST_POS] > 0, neg = rule->tests[CT_TEST_NEG] > 0;
        if (rule->left_out) {
            continue;
        }
        if (rule->rule.kind == CT_RULE_PATTERN) {
            if (!pos || !neg) {
                ct_yaml_problem(yaml, 'e', rule->node, "rule '%.100s' has no %s test", rule->rule.id.at,
                                pos   ? "negative (tests: {neg: [...]})"
                                : neg ? "positive (tests: {pos: [...]})"
                                      : "positive and no negative");
            }
        } else if (!rule->spoken_for) {
            ct_yaml_problem(yaml, 'w', rule->node, "no conversation test speaks for rule '%.100s'", rule->rule.id.at);
        }
    }
}
