/* ruleset_load.c - packs to an immutable rule set: ct_ruleset_load and its references. See rules.h for what comes
 * out, ruleset_load.h for the stages, docs/rules.md for the packs. Called by every subcommand that reads rules.
 */
#include "engine/ruleset_load.h"

#include "engine/match.h"

#include <stdio.h>
#include <stdlib.h>

#define SET_BYTES_MAX ((size_t)256 << 20)

/* ---- references ------------------------------------------------------------------------- */

struct ct_ruleset *ct_ruleset_ref(struct ct_ruleset *rules)
{
    __atomic_add_fetch(&rules->references, 1, __ATOMIC_RELAXED);
    return rules;
}

void ct_ruleset_unref(struct ct_ruleset *rules)
{
    if (rules == NULL || __atomic_sub_fetch(&rules->references, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    ct_program_free(rules->program);
    ct_arena_done(&rules->arena);
    free(rules);
}

int ct_ruleset_signal(const struct ct_ruleset *rules, ct_span name)
{
    for (size_t i = 0; i < rules->signal_count; i++) {
        if (ct_span_eq(rules->signals[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

const char *ct_score_kind_text(enum ct_score_kind kind)
{
    static const char *const texts[CT_SCORE_COUNT] = {"csat", "nps", "ces", "css"};
    return kind < CT_SCORE_COUNT ? texts[kind] : "unknown";
}

bool ct_score_kind_from(ct_span text, enum ct_score_kind *out)
{
    for (unsigned i = 0; i < CT_SCORE_COUNT; i++) {
        if (ct_span_is(text, ct_score_kind_text((enum ct_score_kind)i))) {
            *out = (enum ct_score_kind)i;
            return true;
        }
    }
    return false;
}

void ct_score_kind_scale(enum ct_score_kind kind, int32_t *min, int32_t *max)
{
    *min = kind == CT_SCORE_NPS ? 0 : 1;
    *max = kind == CT_SCORE_NPS ? 10 : kind == CT_SCORE_CES ? 7 : 5;
}

const char *ct_meaning_text(enum ct_meaning meaning)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_MEANING_MAP(X)
#undef X
    };
    return (unsigned)meaning < CT_MEANS_COUNT ? texts[meaning] : "";
}

/* ---- names ------------------------------------------------------------------------------ */

static size_t slot_of(const struct ct_name_index *index, ct_span name, uint32_t scope)
{
    size_t i = ct_hash(name, scope) & (index->room - 1);
    while (index->slots[i].value != UINT32_MAX &&
           (index->slots[i].scope != scope || !ct_span_eq(index->slots[i].name, name))) {
        i = (i + 1) & (index->room - 1);
    }
    return i;
}

uint32_t ct_name_find(const struct ct_name_index *index, ct_span name, uint32_t scope)
{
    return index->room == 0 ? UINT32_MAX : index->slots[slot_of(index, name, scope)].value;
}

static bool grow_names(struct ct_name_index *index)
{
    struct ct_name_index grown = {.room = index->room ? 2 * index->room : 64, .used = index->used};
    grown.slots = malloc(grown.room * sizeof *grown.slots);
    if (grown.slots == NULL) {
        return false;
    }
    memset(grown.slots, 0xFF, grown.room * sizeof *grown.slots); /* every value UINT32_MAX: free */
    for (size_t i = 0; i < index->room; i++) {
        if (index->slots[i].value != UINT32_MAX) {
            grown.slots[slot_of(&grown, index->slots[i].name, index->slots[i].scope)] = index->slots[i];
        }
    }
    free(index->slots);
    *index = grown;
    return true;
}

bool ct_name_add(struct ct_name_index *index, ct_span name, uint32_t scope, uint32_t value)
{
    if (2 * (index->used + 1) > index->room && !grow_names(index)) {
        return false;
    }
    struct ct_name_slot *slot = &index->slots[slot_of(index, name, scope)];
    index->used += slot->value == UINT32_MAX;
    *slot = (struct ct_name_slot){name, scope, value};
    return true;
}

/* ---- what the stages share -------------------------------------------------------------- */

void *ct_load_alloc(struct ct_loader *loader, size_t count, size_t size)
{
    size_t bytes;
    void *memory = __builtin_mul_overflow(count, size, &bytes) ? NULL : ct_arena_zalloc(&loader->set->arena, bytes);
    if (memory == NULL) {
        (void)ct_yaml_no_memory(&loader->report);
    }
    return memory;
}

bool ct_load_builds_on(const struct ct_loader *loader, uint16_t from, uint16_t to)
{
    while (from != CT_NO_PACK && from != to) {
        from = loader->packs[from].parent;
    }
    return from == to;
}

const struct ct_yaml *ct_load_yaml(const struct ct_loader *loader, uint16_t pack)
{
    return &loader->packs[pack].yaml;
}

const char *ct_load_place(const struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, char *out,
                          size_t room)
{
    ct_span file = loader->packs[pack].yaml.file;
    snprintf(out, room, "%.*s:%u:%u", (int)(file.len < 200 ? file.len : 200), file.at ? file.at : "", node->line,
             node->column);
    return out;
}

/* ---- the end: order, program ------------------------------------------------------------ */

/* Rules by kind; within a kind as loaded, which is pack order, then file order. */
static bool order_rules(struct ct_loader *loader)
{
    struct ct_ruleset *set = loader->set;
    struct ct_rule *rules = ct_load_alloc(loader, loader->rule_count, sizeof *rules);
    if (rules == NULL) {
        return false;
    }
    for (unsigned kind = CT_RULE_PATTERN; kind <= CT_RULE_EVENT; kind++) {
        for (size_t i = 0; i < loader->rule_count; i++) {
            struct ct_load_rule *from = &loader->rules[i];
            if (from->rule.kind != kind) {
                continue;
            }
            from->index = UINT32_MAX;
            if (!from->left_out) {
                from->index = (uint32_t)set->rule_count;
                rules[set->rule_count++] = from->rule;
            }
        }
    }
    set->rules = rules;
    return true;
}

/* Tests speak of rules as the set knows them; those of rules left out go. */
static bool keep_tests(struct ct_loader *loader)
{
    struct ct_ruleset_tests *tests = ct_load_alloc(loader, 1, sizeof *tests);
    struct ct_rule_test *texts = ct_load_alloc(loader, loader->text_count, sizeof *texts);
    struct ct_conversation_test *talks = ct_load_alloc(loader, loader->conversation_count, sizeof *talks);
    struct ct_pack_gap *gaps = ct_load_alloc(loader, loader->pack_count, sizeof *gaps);
    if (tests == NULL || texts == NULL || talks == NULL || gaps == NULL) {
        return false;
    }
    tests->texts = texts;
    /* A rule's texts may come from several packs: bring them together, in rule order (bucket by index). */
    size_t *first = ct_load_alloc(loader, loader->set->rule_count + 1, sizeof *first);
    if (first == NULL) {
        return false;
    }
    for (size_t i = 0; i < loader->text_count; i++) {
        uint32_t rule = loader->rules[loader->texts[i].rule].index;
        if (rule != UINT32_MAX) {
            first[rule + 1]++;
            tests->text_count++;
        }
    }
    for (size_t i = 1; i <= loader->set->rule_count; i++) {
        first[i] += first[i - 1];
    }
    for (size_t i = 0; i < loader->text_count; i++) {
        uint32_t rule = loader->rules[loader->texts[i].rule].index;
        if (rule != UINT32_MAX) {
            struct ct_rule_test *to = &texts[first[rule]++];
            *to = loader->texts[i];
            to->rule = rule;
        }
    }
    for (size_t i = 0; i < loader->conversation_count; i++) {
        struct ct_conversation_test *test = &talks[tests->conversation_count++];
        *test = loader->conversations[i];
        uint32_t *rules = ct_load_alloc(loader, test->rule_count, sizeof *rules);
        if (rules == NULL) {
            return false;
        }
        uint32_t kept = 0;
        for (uint32_t r = 0; r < test->rule_count; r++) {
            rules[kept] = loader->rules[test->rules[r]].index;
            kept += rules[kept] != UINT32_MAX;
        }
        if (test->rule_count > 0 && kept == 0) { /* all that it speaks for is disabled */
            tests->conversation_count--;
        }
        test->rules = rules;
        test->rule_count = kept;
    }
    tests->conversations = talks;
    tests->abstract_count = loader->abstract_count;
    tests->gaps = gaps;
    loader->set->tests = tests;
    return true;
}

/* Which abstract rules each language pack leaves out: a warning where strict, a gap where tests are kept. */
static bool find_gaps(struct ct_loader *loader)
{
    size_t gap_count = 0;
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_load_pack *pack = &loader->packs[p];
        if (pack->language.len == 0) {
            continue;
        }
        ct_span *names = ct_load_alloc(loader, loader->abstract_count, sizeof *names);
        bool *here = ct_load_alloc(loader, loader->abstract_count, sizeof *here);
        if (names == NULL || here == NULL) {
            return false;
        }
        for (size_t r = 0; r < loader->rule_count; r++) {
            const struct ct_load_rule *rule = &loader->rules[r];
            if (rule->rule.pack == p && rule->abstract != 0 && !rule->left_out) {
                here[rule->abstract - 1] = true;
            }
        }
        uint32_t missing = 0, visible = 0;
        char list[700] = "";
        size_t used = 0;
        for (size_t a = 0; a < loader->abstract_count; a++) {
            if (!ct_load_builds_on(loader, p, loader->abstracts[a].pack)) {
                continue;
            }
            visible++;
            if (!here[a]) {
                ct_span name = loader->abstracts[a].name;
                names[missing++] = name;
                if (used < sizeof list) {
                    int n = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", name.at);
                    used += n > 0 ? (size_t)n : 0;
                }
            }
        }
        if (missing > 0 && loader->options->strict) {
            ct_yaml_problem(&pack->yaml, 'w', ct_yaml_find(pack->yaml.root, "pack"),
                            "leaves out %u of %u abstract rules: %s", missing, visible, list);
        }
        if (loader->set->tests != NULL) {
            struct ct_ruleset_tests *tests = (struct ct_ruleset_tests *)(uintptr_t)loader->set->tests;
            ((struct ct_pack_gap *)(uintptr_t)tests->gaps)[gap_count++] = (struct ct_pack_gap){p, names, missing};
            tests->gap_count = gap_count;
        }
    }
    return true;
}

static void warn_no_literal(struct ct_loader *loader)
{
    for (size_t i = 0; i < loader->rule_count; i++) {
        const struct ct_load_rule *rule = &loader->rules[i];
        if (rule->rule.kind == CT_RULE_PATTERN && !rule->left_out &&
            !ct_program_rule_has_literal(loader->set->program, rule->index)) {
            ct_yaml_problem(
                ct_load_yaml(loader, rule->rule.pack), 'w', rule->node,
                "rule '%.100s': no words can be told that each match must hold, so it runs on every message",
                rule->rule.id.at);
        }
    }
}

static bool finish(struct ct_loader *loader)
{
    struct ct_ruleset *set = loader->set;
    struct ct_pack *packs = (struct ct_pack *)(uintptr_t)set->packs;
    for (size_t i = 0; i < loader->pack_count; i++) {
        packs[i].name = loader->packs[i].name;
        packs[i].version = loader->packs[i].version;
        packs[i].language = loader->packs[i].language;
    }
    set->signals = loader->signals;
    set->signal_count = loader->signal_count;
    ct_span hash = loader->options->hash_hex;
    if (hash.len > 0) {
        memcpy(set->hash, hash.at, hash.len < sizeof set->hash ? hash.len : sizeof set->hash - 1);
    }
    if (!order_rules(loader) || (loader->options->keep_tests && !keep_tests(loader)) || !find_gaps(loader)) {
        return false;
    }
    if (loader->report.errors > 0) {
        return false;
    }
    struct ct_error error = {0};
    set->program = ct_program_new(set, loader->options, &error);
    if (set->program == NULL) {
        loader->report.errors++;
        if (loader->report.first != NULL) {
            *loader->report.first = error;
        }
        return false;
    }
    if (loader->options->strict) {
        warn_no_literal(loader);
    }
    return true;
}

/* ---- the load --------------------------------------------------------------------------- */

static void loader_done(struct ct_loader *loader)
{
    ct_folder_free(loader->folder);
    ct_arena_done(&loader->scratch);
    free(loader->packs);
    free(loader->texts);
    free(loader->conversations);
    free(loader->signal_names.slots);
    free(loader->abstract_names.slots);
    free(loader->macro_names.slots);
    free(loader->rule_names.slots);
}

static bool load(struct ct_loader *loader, const struct ct_pack_source *sources, size_t count)
{
    if (!ct_load_order(loader, sources, count)) {
        return false;
    }
    static void (*const stages[])(struct ct_loader *) = {
        ct_load_signals,    ct_load_abstracts,     ct_load_words,       ct_load_macros,       ct_load_rules,
        ct_load_extensions, ct_load_conversations, ct_load_check_tests, ct_load_check_unused,
    };
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        stages[i](loader);
        if (loader->report.no_memory) {
            return false;
        }
    }
    return finish(loader);
}

struct ct_ruleset *ct_ruleset_load(const struct ct_pack_source *packs, size_t pack_count,
                                   const struct ct_load_options *options, struct ct_error *err)
{
    static const struct ct_load_options plain = {0};
    struct ct_error first = {0};
    struct ct_loader loader = {.options = options ? options : &plain};
    loader.report.status = CT_BAD_RULES;
    loader.report.context = loader.options->context;
    loader.report.problem = loader.options->problem;
    loader.report.first = &first;
    ct_arena_init(&loader.scratch, (size_t)64 << 10, SET_BYTES_MAX);
    loader.folder = ct_folder_new();
    loader.set = calloc(1, sizeof *loader.set);
    bool ok = false;
    if (loader.set == NULL || loader.folder == NULL) {
        (void)ct_yaml_no_memory(&loader.report);
    } else {
        ct_arena_init(&loader.set->arena, (size_t)64 << 10, SET_BYTES_MAX);
        loader.set->references = 1;
        loader.set->scoring_level = 2;
        ok = load(&loader, packs, pack_count) && loader.report.errors == 0 && !loader.report.no_memory;
    }
    struct ct_ruleset *set = loader.set;
    if (!ok) {
        if (set != NULL && loader.folder != NULL) {
            ct_ruleset_unref(set);
        } else {
            free(set);
        }
        set = NULL;
        if (err != NULL) {
            *err = first;
        }
    }
    loader_done(&loader);
    return set;
}
