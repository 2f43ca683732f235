/* ruleset_pack.c - what a pack declares: its head, signals, abstract rules. The first stages of a load
 * (ruleset_load.h).
 */
#include "engine/ruleset_load.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const pack_keys[] = {
    "pack",         "version",       "language", "extends",      "scoring_level", "signals",
    "abstract",     "csat_positive", "macros",   "number_words", "score_words",   "function_words",
    "emoji_scores", "rules",         "disable",  "extend",       "conversations", NULL};

/* ---- heads and order -------------------------------------------------------------------- */

static bool copy_text(struct ct_loader *loader, const struct ct_yaml *yaml, const struct ct_yaml_node *node,
                      const char *what, ct_span *out)
{
    ct_span text;
    bool ok = true;
    if (!ct_yaml_text(yaml, node, what, &text)) {
        return false;
    }
    *out = ct_arena_copy(&loader->set->arena, text, &ok);
    return ok || ct_yaml_no_memory(&loader->report);
}

/* A name that stands in evidence ("rule@rev", "pack@version"), in messages and on command lines. */
static bool is_name(ct_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && strchr("._-", c) == NULL) {
            return false;
        }
    }
    return text.len > 0 && text.len <= 100;
}

static bool read_head(struct ct_loader *loader, struct ct_load_pack *pack, const struct ct_pack_source *source)
{
    const struct ct_yaml *yaml = &pack->yaml;
    if (!ct_yaml_parse(&pack->yaml, &loader->scratch, source->file, source->bytes, &loader->report)) {
        return false;
    }
    const struct ct_yaml_node *root = yaml->root;
    if (root == NULL) {
        ct_yaml_problem(yaml, 'e', NULL, "the file says nothing: a pack begins with 'pack: NAME'");
        return false;
    }
    if (!ct_yaml_is_map(yaml, root, "a pack")) {
        return false;
    }
    ct_yaml_check_keys(yaml, root, pack_keys, "a pack");
    const struct ct_yaml_node *name = ct_yaml_need(yaml, root, "pack", "the pack");
    bool ok = copy_text(loader, yaml, name, "pack", &pack->name);
    if (ok && !is_name(pack->name)) {
        ct_yaml_problem(yaml, 'e', name, "a pack's name holds letters, digits, '.', '_' and '-', at most 100");
    }
    ok = copy_text(loader, yaml, ct_yaml_need(yaml, root, "version", "the pack"), "version", &pack->version) && ok;
    (void)copy_text(loader, yaml, ct_yaml_find(root, "language"), "language", &pack->language);
    (void)ct_yaml_text(yaml, ct_yaml_find(root, "extends"), "extends", &pack->extends);
    return ok;
}

static uint16_t find_pack(const struct ct_loader *loader, ct_span name)
{
    for (uint16_t i = 0; i < loader->pack_count; i++) {
        if (loader->packs[i].name.len > 0 && ct_span_eq(loader->packs[i].name, name)) {
            return i;
        }
    }
    return CT_NO_PACK;
}

/* Finds each pack's parent; refuses unknown ones, equal names and circles. */
static bool link_packs(struct ct_loader *loader)
{
    bool ok = true;
    for (uint16_t i = 0; i < loader->pack_count; i++) {
        struct ct_load_pack *pack = &loader->packs[i];
        const struct ct_yaml_node *root = pack->yaml.root;
        uint16_t same = pack->name.len > 0 ? find_pack(loader, pack->name) : i;
        pack->parent = CT_NO_PACK;
        if (same != i) {
            ct_span file = loader->packs[same].yaml.file;
            ct_yaml_problem(&pack->yaml, 'e', ct_yaml_find(root, "pack"), "a pack named '%s' is already in %.*s",
                            pack->name.at, (int)file.len, file.at ? file.at : "");
            ok = false;
        }
        if (pack->extends.len == 0) {
            continue;
        }
        pack->parent = find_pack(loader, pack->extends);
        if (pack->parent == CT_NO_PACK) {
            ct_yaml_problem(&pack->yaml, 'e', ct_yaml_find(root, "extends"),
                            "extends '%.100s', but there is no such pack in the set", pack->extends.at);
            ok = false;
        }
    }
    return ok;
}

/* A pack comes after the one it builds on; apart from that, as given. */
static bool sort_packs(struct ct_loader *loader)
{
    struct ct_load_pack *sorted = calloc(loader->pack_count, sizeof *sorted);
    uint16_t *moved = calloc(loader->pack_count, sizeof *moved); /* old place to new */
    bool ok = sorted != NULL && moved != NULL;
    if (!ok) {
        (void)ct_yaml_no_memory(&loader->report);
    }
    for (size_t done = 0; ok && done < loader->pack_count;) {
        size_t i = 0;
        while (i < loader->pack_count &&
               (loader->packs[i].placed ||
                (loader->packs[i].parent != CT_NO_PACK && !loader->packs[loader->packs[i].parent].placed))) {
            i++;
        }
        if (i == loader->pack_count) {
            for (i = 0; loader->packs[i].placed; i++) {
            }
            ct_yaml_problem(&loader->packs[i].yaml, 'e', ct_yaml_find(loader->packs[i].yaml.root, "extends"),
                            "packs extend each other in a circle");
            ok = false;
            break;
        }
        loader->packs[i].placed = true;
        moved[i] = (uint16_t)done;
        sorted[done++] = loader->packs[i];
    }
    if (ok) {
        for (size_t i = 0; i < loader->pack_count; i++) {
            if (sorted[i].parent != CT_NO_PACK) {
                sorted[i].parent = moved[sorted[i].parent];
            }
        }
        free(loader->packs);
        loader->packs = sorted;
        sorted = NULL;
    }
    free(sorted);
    free(moved);
    return ok;
}

bool ct_load_order(struct ct_loader *loader, const struct ct_pack_source *sources, size_t count)
{
    struct ct_yaml none = {.report = &loader->report};
    if (count == 0 || count > CT_PACKS_MAX) {
        ct_yaml_problem(&none, 'e', NULL, count == 0 ? "there is no rule pack" : "more than %d rule packs",
                        CT_PACKS_MAX);
        return false;
    }
    loader->packs = calloc(count, sizeof *loader->packs);
    if (loader->packs == NULL) {
        return ct_yaml_no_memory(&loader->report);
    }
    loader->pack_count = (uint16_t)count;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        ok = read_head(loader, &loader->packs[i], &sources[i]) && ok;
    }
    /* A pack that could not be read leaves its names unknown: what others say of them is not worth printing. */
    if (!ok || !link_packs(loader) || !sort_packs(loader)) {
        return false;
    }
    struct ct_pack *packs = ct_load_alloc(loader, count, sizeof *packs);
    for (size_t i = 0; packs != NULL && i < count; i++) {
        bool copied = true;
        packs[i].file = ct_arena_copy(&loader->set->arena, loader->packs[i].yaml.file, &copied);
        ok = copied && ok;
    }
    loader->set->packs = packs;
    loader->set->pack_count = count;
    return packs != NULL && (ok || ct_yaml_no_memory(&loader->report));
}

/* ---- what rules and abstract rules share ------------------------------------------------ */

bool ct_load_read_role(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what,
                       enum ct_role *out)
{
    static const char *const names[] = {"", "user", "bot", "agent", "system", "tool"};
    unsigned role;
    _Static_assert(sizeof names / sizeof names[0] == CT_ROLE_COUNT, "a name for each role");
    if (!ct_yaml_choice(ct_load_yaml(loader, pack), node, what, names, CT_ROLE_COUNT, &role)) {
        return false;
    }
    *out = (enum ct_role)role;
    return true;
}

void ct_load_read_bounds(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *map, bool with_within,
                         const struct ct_load_bounds *out)
{
    static const char *const turn_keys[] = {"min_user", "max_user", NULL};
    static const char *const within_keys[] = {"first", "last", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    int64_t number;
    (void)ct_load_read_role(loader, pack, ct_yaml_find(map, "role"), "role", out->role);
    if (ct_yaml_int(yaml, ct_yaml_find(map, "level"), "level", 1, 4, &number)) {
        *out->level = (uint8_t)number;
    }
    const struct ct_yaml_node *turn = ct_yaml_find(map, "turn");
    if (turn != NULL && ct_yaml_is_map(yaml, turn, "turn")) {
        ct_yaml_check_keys(yaml, turn, turn_keys, "turn");
        if (ct_yaml_int(yaml, ct_yaml_find(turn, "min_user"), "min_user", 1, UINT16_MAX, &number)) {
            *out->min_user_turn = (uint16_t)number;
        }
        if (ct_yaml_int(yaml, ct_yaml_find(turn, "max_user"), "max_user", 1, UINT16_MAX, &number)) {
            *out->max_user_turn = (uint16_t)number;
        }
        if (*out->max_user_turn != 0 && *out->min_user_turn > *out->max_user_turn) {
            ct_yaml_problem(yaml, 'e', turn, "min_user %u is over max_user %u: it can never hold", *out->min_user_turn,
                            *out->max_user_turn);
        }
    }
    const struct ct_yaml_node *within = with_within ? ct_yaml_find(map, "within") : NULL;
    if (within != NULL && ct_yaml_is_map(yaml, within, "within")) {
        ct_yaml_check_keys(yaml, within, within_keys, "within");
        (void)ct_yaml_duration(yaml, ct_yaml_find(within, "first"), "first", 1, INT64_MAX, out->within_first);
        (void)ct_yaml_duration(yaml, ct_yaml_find(within, "last"), "last", 1, INT64_MAX, out->within_last);
    }
}

/* ---- signals ---------------------------------------------------------------------------- */

static void read_signal(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *key,
                        const struct ct_yaml_node *value, const char *const *meanings)
{
    static const char *const keys[] = {"role", "means", "polarity", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    struct ct_signal *signal = &loader->signals[loader->signal_count];
    bool ok = true;
    uint32_t before = ct_name_find(&loader->signal_names, key->text, 0);
    if (before != UINT32_MAX) {
        ct_yaml_problem(yaml, 'e', key, "signal '%.100s' is already declared by pack '%s'", key->text.at,
                        loader->packs[loader->signal_packs[before]].name.at);
        return;
    }
    if (!is_name(key->text)) {
        ct_yaml_problem(yaml, 'e', key, "a signal's name holds letters, digits, '.', '_' and '-', at most 100");
        return;
    }
    signal->name = ct_arena_copy(&loader->set->arena, key->text, &ok);
    if (!ok || !ct_name_add(&loader->signal_names, signal->name, 0, (uint32_t)loader->signal_count)) {
        (void)ct_yaml_no_memory(&loader->report);
        return;
    }
    loader->signal_packs[loader->signal_count++] = pack;
    if (ct_yaml_is_null(value) || !ct_yaml_is_map(yaml, value, "a signal")) {
        return; /* `topic.refund:` alone declares it */
    }
    unsigned means;
    int64_t polarity;
    ct_yaml_check_keys(yaml, value, keys, "a signal");
    (void)ct_load_read_role(loader, pack, ct_yaml_find(value, "role"), "role", &signal->role);
    if (ct_yaml_choice(yaml, ct_yaml_find(value, "means"), "means", meanings, CT_MEANS_COUNT, &means)) {
        signal->means = (enum ct_meaning)means;
    }
    if (ct_yaml_int(yaml, ct_yaml_find(value, "polarity"), "polarity", -1, 1, &polarity)) {
        signal->polarity = (int)polarity;
    }
}

/* csat_positive: {5: 4, 10: 6}; of several packs the last one counts. */
static void read_positive(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *map)
{
    static const char *const keys[] = {"5", "10", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    int64_t from;
    if (map == NULL || !ct_yaml_is_map(yaml, map, "csat_positive")) {
        return;
    }
    ct_yaml_check_keys(yaml, map, keys, "csat_positive");
    if (ct_yaml_int(yaml, ct_yaml_find(map, "5"), "csat_positive of 5", 1, 5, &from)) {
        loader->set->positive_of_5 = (uint8_t)from;
    }
    if (ct_yaml_int(yaml, ct_yaml_find(map, "10"), "csat_positive of 10", 1, 10, &from)) {
        loader->set->positive_of_10 = (uint8_t)from;
    }
}

void ct_load_signals(struct ct_loader *loader)
{
    const char *meanings[CT_MEANS_COUNT];
    size_t total = 0;
    for (unsigned i = 0; i < CT_MEANS_COUNT; i++) {
        meanings[i] = ct_meaning_text((enum ct_meaning)i);
    }
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml_node *map = ct_yaml_find(loader->packs[p].yaml.root, "signals");
        if (map != NULL && ct_yaml_is_map(ct_load_yaml(loader, p), map, "signals")) {
            total += map->count;
            if (total > CT_SIGNALS_MAX) {
                ct_yaml_problem(ct_load_yaml(loader, p), 'e', map, "more than %d signals in all", CT_SIGNALS_MAX);
                return;
            }
        }
    }
    loader->signals = ct_load_alloc(loader, total, sizeof *loader->signals);
    loader->signal_packs = ct_load_alloc(loader, total, sizeof *loader->signal_packs);
    if (loader->signals == NULL || loader->signal_packs == NULL) {
        return;
    }
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml_node *root = loader->packs[p].yaml.root;
        const struct ct_yaml_node *map = ct_yaml_find(root, "signals");
        for (uint32_t i = 0; map != NULL && map->kind == CT_YAML_MAP && i < map->count; i++) {
            read_signal(loader, p, ct_yaml_key(map, i), ct_yaml_value(map, i), meanings);
        }
        int64_t level;
        if (ct_yaml_int(ct_load_yaml(loader, p), ct_yaml_find(root, "scoring_level"), "scoring_level", 1, 4, &level)) {
            loader->set->scoring_level = (uint8_t)level;
        }
        read_positive(loader, p, ct_yaml_find(root, "csat_positive"));
    }
}

uint16_t ct_load_signal(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, const char *what)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    ct_span name;
    if (!ct_yaml_text(yaml, node, what, &name)) {
        return CT_NO_SIGNAL;
    }
    uint32_t signal = ct_name_find(&loader->signal_names, name, 0);
    if (signal == UINT32_MAX) {
        ct_yaml_problem(yaml, 'e', node, "signal '%.100s' is not declared (signals: in this pack or one it extends)",
                        name.at);
        return CT_NO_SIGNAL;
    }
    uint16_t owner = loader->signal_packs[signal];
    if (!ct_load_builds_on(loader, pack, owner)) {
        ct_yaml_problem(yaml, 'e', node, "signal '%.100s' is declared by pack '%s', which this pack does not extend",
                        name.at, loader->packs[owner].name.at);
        return CT_NO_SIGNAL;
    }
    return (uint16_t)signal;
}

/* ---- abstract rules --------------------------------------------------------------------- */

static void read_abstract(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *key,
                          const struct ct_yaml_node *value)
{
    static const char *const keys[] = {"emit", "role", "level", "turn", "within", NULL};
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    struct ct_load_abstract *abstract = &loader->abstracts[loader->abstract_count];
    uint32_t before = ct_name_find(&loader->abstract_names, key->text, 0);
    if (before != UINT32_MAX) {
        ct_yaml_problem(yaml, 'e', key, "abstract rule '%.100s' is already declared by pack '%s'", key->text.at,
                        loader->packs[loader->abstracts[before].pack].name.at);
        return;
    }
    *abstract = (struct ct_load_abstract){.node = key,
                                          .pack = pack,
                                          .emit = CT_NO_SIGNAL,
                                          .level = 1,
                                          .within_first = CT_USEC_NONE,
                                          .within_last = CT_USEC_NONE};
    bool ok = true;
    abstract->name = ct_arena_copy(&loader->set->arena, key->text, &ok);
    if (!ok || !ct_name_add(&loader->abstract_names, abstract->name, 0, (uint32_t)loader->abstract_count)) {
        (void)ct_yaml_no_memory(&loader->report);
        return;
    }
    loader->abstract_count++;
    if (!ct_yaml_is_map(yaml, value, "an abstract rule")) {
        return;
    }
    ct_yaml_check_keys(yaml, value, keys, "an abstract rule");
    abstract->emit = ct_load_signal(loader, pack, ct_yaml_need(yaml, value, "emit", "the abstract rule"), "emit");
    if (abstract->emit != CT_NO_SIGNAL) {
        abstract->role = loader->signals[abstract->emit].role;
    }
    struct ct_load_bounds bounds = {&abstract->role,          &abstract->level,        &abstract->min_user_turn,
                                    &abstract->max_user_turn, &abstract->within_first, &abstract->within_last};
    ct_load_read_bounds(loader, pack, value, true, &bounds);
}

void ct_load_abstracts(struct ct_loader *loader)
{
    size_t total = 0;
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml_node *map = ct_yaml_find(loader->packs[p].yaml.root, "abstract");
        total += map != NULL && ct_yaml_is_map(ct_load_yaml(loader, p), map, "abstract") ? map->count : 0;
    }
    loader->abstracts = ct_load_alloc(loader, total, sizeof *loader->abstracts);
    for (uint16_t p = 0; loader->abstracts != NULL && p < loader->pack_count; p++) {
        const struct ct_yaml_node *map = ct_yaml_find(loader->packs[p].yaml.root, "abstract");
        for (uint32_t i = 0; map != NULL && map->kind == CT_YAML_MAP && i < map->count; i++) {
            read_abstract(loader, p, ct_yaml_key(map, i), ct_yaml_value(map, i));
        }
    }
}
