/* scorecard.c - reads a scorecard's YAML file, strictly: every unknown key and every bad value is an error with
 * file:line:column. Called once by whoever loads the configuration.
 */
#include "metrics/scorecard.h"

#include <stdlib.h>

#include "engine/yaml_tree.h"
#include "metrics/keyed.h"

enum { PARTS_MAX = 64, DEPTH_MAX = 8 };

struct reading {
    struct ct_yaml yaml;
    struct ct_scorecard *card;
    const struct ct_ruleset *rules;
};

static const struct ct_check *read_check(struct reading *r, const struct ct_yaml_node *node, unsigned depth);

/* Zeroed memory of the card; NULL = out of memory, noted. */
static void *make(struct reading *r, size_t bytes)
{
    void *made = ct_arena_zalloc(&r->card->arena, bytes);
    if (!made) {
        (void)ct_yaml_no_memory(r->yaml.report);
    }
    return made;
}

static bool copy(struct reading *r, ct_span text, ct_span *out)
{
    bool ok = true;
    *out = ct_arena_copy(&r->card->arena, text, &ok);
    return ok || ct_yaml_no_memory(r->yaml.report);
}

/* One value, or a list of them. */
static uint32_t count_of(const struct ct_yaml_node *node)
{
    return node->kind == CT_YAML_LIST ? node->count : 1;
}

static const struct ct_yaml_node *value_at(const struct ct_yaml_node *node, uint32_t i)
{
    return node->kind == CT_YAML_LIST ? ct_yaml_item(node, i) : node;
}

static bool read_signals(struct reading *r, const struct ct_yaml_node *node, struct ct_check *check)
{
    uint32_t count = count_of(node);
    uint16_t *signals = make(r, (count + 1) * sizeof *signals);
    bool ok = signals != NULL && count > 0;
    for (uint32_t i = 0; signals && i < count; i++) {
        ct_span name;
        if (!ct_yaml_text(&r->yaml, value_at(node, i), "signal", &name)) {
            ok = false;
            continue;
        }
        if (r->rules && ct_ruleset_signal(r->rules, name) < 0) {
            ct_yaml_problem(&r->yaml, 'e', value_at(node, i), "signal: the rules have no '%.60s'", name.at);
            ok = false;
            continue;
        }
        int index = ct_signal_names_add(&r->card->signals, &r->card->arena, name);
        if (index < 0) {
            ok = r->card->signals.count < CT_SIGNAL_NAMES_MAX && ct_yaml_no_memory(r->yaml.report);
            ct_yaml_problem(&r->yaml, 'e', value_at(node, i), "signal: at most %d different ones", CT_SIGNAL_NAMES_MAX);
            continue;
        }
        signals[i] = (uint16_t)index;
    }
    if (signals && !count) {
        ct_yaml_problem(&r->yaml, 'e', node, "signal: a name, or a list of names, is due");
    }
    check->kind = CT_CHECK_SIGNAL;
    check->signals = signals;
    check->signal_count = count;
    return ok;
}

static bool read_outcomes(struct reading *r, const struct ct_yaml_node *node, struct ct_check *check)
{
    static const char *const names[CT_OUTCOME_COUNT] = {
#define X(name, text) text,
        CT_OUTCOME_MAP(X)
#undef X
    };
    bool ok = true;
    check->kind = CT_CHECK_OUTCOME;
    for (uint32_t i = 0; i < count_of(node); i++) {
        unsigned outcome;
        if (ct_yaml_choice(&r->yaml, value_at(node, i), "outcome", names, CT_OUTCOME_COUNT, &outcome)) {
            check->outcomes |= 1u << outcome;
        } else {
            ok = false;
        }
    }
    if (ok && !check->outcomes) {
        ct_yaml_problem(&r->yaml, 'e', node, "outcome: a name, or a list of names, is due");
    }
    return ok && check->outcomes;
}

/* "<= 30s": the sign, and what is behind it. */
static bool read_bound(struct reading *r, const struct ct_yaml_node *node, const char *what, struct ct_check *check)
{
    static const char *const signs[] = {"<=", ">=", "==", "<", ">"};
    ct_span text;
    if (!ct_yaml_text(&r->yaml, node, what, &text)) {
        return false;
    }
    bool time = check->number < CT_CHECK_FALLBACKS;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t len = strlen(signs[i]);
        if (text.len <= len || memcmp(text.at, signs[i], len) != 0) {
            continue;
        }
        while (len < text.len && text.at[len] == ' ') {
            len++;
        }
        ct_span rest = {text.at + len, text.len - len};
        int64_t value = 0;
        bool good = rest.len > 0 && rest.len < 10;
        for (size_t d = 0; d < rest.len && !time && good; d++) {
            good = rest.at[d] >= '0' && rest.at[d] <= '9';
            value = value * 10 + (rest.at[d] - '0');
        }
        if (time ? !ct_duration_parse(rest, &value) : !good) {
            break;
        }
        check->low = i == 1 || i == 2 ? value : i == 4 ? value + 1 : INT64_MIN + 1;
        check->high = i == 0 || i == 2 ? value : i == 3 ? value - 1 : INT64_MAX;
        return true;
    }
    ct_yaml_problem(&r->yaml, 'e', node, "%s: <=, >=, ==, < or > and a %s are due ('%s'), here is '%.40s'", what,
                    time ? "time" : "whole number", time ? "<= 30s" : "<= 1", text.at);
    return false;
}

static bool read_parts(struct reading *r, const struct ct_yaml_node *node, const char *what, struct ct_check *check,
                       unsigned depth)
{
    if (!ct_yaml_is_list(&r->yaml, node, what)) {
        return false;
    }
    if (node->count == 0 || node->count > PARTS_MAX) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s: 1 to %d conditions are due", what, PARTS_MAX);
        return false;
    }
    const struct ct_check **parts = make(r, node->count * sizeof *parts);
    bool ok = parts != NULL;
    for (uint32_t i = 0; parts && i < node->count; i++) {
        parts[i] = read_check(r, ct_yaml_item(node, i), depth + 1);
        ok &= parts[i] != NULL;
    }
    check->parts = parts;
    check->part_count = node->count;
    return ok;
}

static bool read_not(struct reading *r, const struct ct_yaml_node *node, struct ct_check *check, unsigned depth)
{
    const struct ct_check **parts = make(r, sizeof *parts);
    if (!parts) {
        return false;
    }
    parts[0] = read_check(r, node, depth + 1);
    check->kind = CT_CHECK_NOT;
    check->parts = parts;
    check->part_count = 1;
    return parts[0] != NULL;
}

static const char *const flag_keys[] = {
#define X(name, key) key,
    CT_CHECK_FLAG_MAP(X)
#undef X
};
static const char *const number_keys[] = {
#define X(name, key) key,
    CT_CHECK_TIME_MAP(X) CT_CHECK_COUNT_MAP(X) CT_CHECK_SCORE_MAP(X)
#undef X
};
static const char *const check_keys[] = {"signal",
                                         "outcome",
                                         "all",
                                         "any",
                                         "not",
#define X(name, key) key,
                                         CT_CHECK_FLAG_MAP(X) CT_CHECK_TIME_MAP(X) CT_CHECK_COUNT_MAP(X)
                                             CT_CHECK_SCORE_MAP(X)
#undef X
                                                 NULL};

static int among(ct_span key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ct_span_eq(key, ct_span_of(names[i]))) {
            return (int)i;
        }
    }
    return -1;
}

static bool read_leaf(struct reading *r, ct_span key, const struct ct_yaml_node *value, struct ct_check *check,
                      unsigned depth)
{
    int at;
    if (ct_span_eq(key, ct_span_of("signal"))) {
        return read_signals(r, value, check);
    }
    if (ct_span_eq(key, ct_span_of("outcome"))) {
        return read_outcomes(r, value, check);
    }
    if (ct_span_eq(key, ct_span_of("not"))) {
        return read_not(r, value, check, depth);
    }
    if (ct_span_eq(key, ct_span_of("all")) || ct_span_eq(key, ct_span_of("any"))) {
        check->kind = key.at[1] == 'l' ? CT_CHECK_ALL : CT_CHECK_ANY;
        return read_parts(r, value, key.at, check, depth);
    }
    if ((at = among(key, flag_keys, CT_CHECK_FLAGS)) >= 0) {
        check->kind = CT_CHECK_FLAG;
        check->flag = (enum ct_check_flag)at;
        return ct_yaml_flag(&r->yaml, value, key.at, &check->wanted);
    }
    at = among(key, number_keys, CT_CHECK_NUMBERS);
    check->kind = CT_CHECK_NUMBER;
    check->number = (enum ct_check_number)at;
    return at >= 0 && read_bound(r, value, key.at, check);
}

/* One key a condition; a map of several is all of them. NULL = refused, reported. */
static const struct ct_check *read_check(struct reading *r, const struct ct_yaml_node *node, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        ct_yaml_problem(&r->yaml, 'e', node, "conditions stand at most %d deep", DEPTH_MAX);
        return NULL;
    }
    if (!ct_yaml_is_map(&r->yaml, node, "a condition") ||
        !ct_yaml_check_keys(&r->yaml, node, check_keys, "a condition")) {
        return NULL;
    }
    if (node->count == 0) {
        ct_yaml_problem(&r->yaml, 'e', node, "a condition says nothing");
        return NULL;
    }
    struct ct_check *checks = make(r, (node->count + 1) * sizeof *checks);
    const struct ct_check **parts = make(r, node->count * sizeof *parts);
    bool ok = checks && parts;
    for (uint32_t i = 0; ok && i < node->count; i++) {
        ok = read_leaf(r, ct_yaml_key(node, i)->text, ct_yaml_value(node, i), &checks[i], depth);
        parts[i] = &checks[i];
    }
    if (!ok) {
        return NULL;
    }
    if (node->count == 1) {
        return &checks[0];
    }
    checks[node->count] = (struct ct_check){.kind = CT_CHECK_ALL, .parts = parts, .part_count = node->count};
    return &checks[node->count];
}

static bool read_name(struct reading *r, const struct ct_yaml_node *node, const char *what, ct_span *out)
{
    ct_span text;
    if (!ct_yaml_text(&r->yaml, node, what, &text)) {
        return false;
    }
    bool good = text.len < CT_KEY_BYTES;
    for (size_t i = 0; i < text.len && good; i++) {
        char c = text.at[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    }
    if (!good) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s: at most %d letters, digits, '_', '-' and '.' are due", what,
                        CT_KEY_BYTES - 1);
        return false;
    }
    return copy(r, text, out);
}

static void read_criterion(struct reading *r, const struct ct_yaml_node *node)
{
    static const char *const keys[] = {"name", "weight", "rule", "when", "mark", NULL};
    struct ct_scorecard *card = r->card;
    struct ct_criterion *c = &card->criteria[card->count];
    int64_t weight = 1;
    if (!ct_yaml_is_map(&r->yaml, node, "a criterion") || !ct_yaml_check_keys(&r->yaml, node, keys, "a criterion")) {
        return;
    }
    const struct ct_yaml_node *rule = ct_yaml_find(node, "rule"), *when = ct_yaml_find(node, "when");
    const struct ct_yaml_node *mark = ct_yaml_find(node, "mark");
    *c = (struct ct_criterion){0};
    if (!read_name(r, ct_yaml_need(&r->yaml, node, "name", "a criterion"), "name", &c->name)) {
        return;
    }
    for (size_t i = 0; i < card->count; i++) {
        if (ct_span_eq(card->criteria[i].name, c->name)) {
            ct_yaml_problem(&r->yaml, 'e', node, "there is a criterion '%s' already", c->name.at);
            return;
        }
    }
    (void)ct_yaml_int(&r->yaml, ct_yaml_find(node, "weight"), "weight", 1, CT_CRITERION_WEIGHT_MAX, &weight);
    c->weight = (uint32_t)weight;
    if (!rule && !mark) {
        ct_yaml_problem(&r->yaml, 'e', node, "criterion '%s': a rule or a mark has to judge it", c->name.at);
        return;
    }
    c->rule = rule ? read_check(r, rule, 1) : NULL;
    c->when = when ? read_check(r, when, 1) : NULL;
    (void)read_name(r, mark, "mark", &c->mark);
    card->count++;
}

static void read_card(struct reading *r)
{
    static const char *const keys[] = {"name", "criteria", NULL};
    const struct ct_yaml_node *root = r->yaml.root;
    if (!ct_yaml_is_map(&r->yaml, root, "a scorecard")) {
        return;
    }
    (void)ct_yaml_check_keys(&r->yaml, root, keys, "a scorecard");
    (void)read_name(r, ct_yaml_find(root, "name"), "name", &r->card->name);
    const struct ct_yaml_node *criteria = ct_yaml_need(&r->yaml, root, "criteria", "a scorecard");
    if (!criteria || !ct_yaml_is_list(&r->yaml, criteria, "criteria")) {
        return;
    }
    if (criteria->count == 0 || criteria->count > CT_CRITERIA_MAX) {
        ct_yaml_problem(&r->yaml, 'e', criteria, "criteria: 1 to %d are due", CT_CRITERIA_MAX);
        return;
    }
    for (uint32_t i = 0; i < criteria->count; i++) {
        read_criterion(r, ct_yaml_item(criteria, i));
    }
}

struct ct_scorecard *ct_scorecard_load(ct_span file, ct_span bytes, const struct ct_ruleset *rules,
                                       struct ct_error *err)
{
    struct ct_scorecard *card = calloc(1, sizeof *card);
    if (!card) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    struct ct_arena nodes; /* the tree is needed only while it is read */
    ct_arena_init(&nodes, 0, 0);
    ct_arena_init(&card->arena, 0, 0);
    struct ct_yaml_report report = {.status = CT_BAD_CONFIG, .first = err};
    struct reading r = {.card = card, .rules = rules};
    bool parsed = ct_yaml_parse(&r.yaml, &nodes, file, bytes, &report);
    if (parsed && !r.yaml.root) {
        ct_yaml_problem(&r.yaml, 'e', NULL, "scorecard: the file is empty");
    } else if (parsed) {
        read_card(&r);
    }
    ct_arena_done(&nodes);
    if (report.no_memory) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
    }
    if (!parsed || report.errors || report.no_memory) {
        ct_scorecard_free(card);
        return NULL;
    }
    return card;
}

void ct_scorecard_free(struct ct_scorecard *card)
{
    if (card) {
        ct_signal_names_done(&card->signals);
        ct_arena_done(&card->arena);
        free(card);
    }
}
