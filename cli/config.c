/* config.c - puts together what is set: defaults, the configuration file, the command line. See config.h. */
#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/cost.h"
#include "engine/yaml_tree.h"

enum { COST_FILE_BYTES_MAX = 4 << 20, VALUE_TEXT_MAX = 1 << 16 };

const struct ct_setting ct_settings[CT_SETTING_COUNT] = {
#define OWN_TEXT true
#define OWN_LIST true
#define OWN_NONE false
#define X(a, symbol, member, to_, kind_, how, key_, option_, argument, min_, max_, fallback_, help_)                   \
    [CT_SET_##symbol] = {.kind = CT_SETTING_##kind_,                                                                   \
                         .key = key_,                                                                                  \
                         .option = option_,                                                                            \
                         .own_option = OWN_##how,                                                                      \
                         .to = offsetof(struct ct_config, to_),                                                        \
                         .min = min_,                                                                                  \
                         .max = max_,                                                                                  \
                         .fallback = CT_FALLBACK_##fallback_,                                                          \
                         .help = help_},
    CT_SETTING_MAP(X, )
#undef X
};

static bool is_map(enum ct_setting_kind kind)
{
    return kind == CT_SETTING_OPTIONS || kind == CT_SETTING_IDLES || kind == CT_SETTING_TARGETS;
}

static bool is_list(enum ct_setting_kind kind)
{
    return kind == CT_SETTING_TOOLS || kind == CT_SETTING_PHRASES;
}

/* ---- entries ---------------------------------------------------------------------------- */

/* In the place of an entry of the same name, else behind the others. A single value has the one entry without a name.
 * Growth one by one copies a few dozen entries at most. */
static bool put_entry(struct ct_config *config, enum ct_setting_id id, struct ct_config_entry entry)
{
    struct ct_config_value *value = &config->values[id];
    bool list = is_list(ct_settings[id].kind);
    for (size_t i = 0; !list && i < value->count; i++) {
        if (!entry.name || strcmp(entry.name, value->entries[i].name) == 0) {
            value->entries[i] = entry;
            return true;
        }
    }
    struct ct_config_entry *grown = ct_arena_alloc(&config->arena, (value->count + 1) * sizeof *grown);
    if (!grown) {
        return false;
    }
    if (value->count) {
        memcpy(grown, value->entries, value->count * sizeof *grown);
    }
    grown[value->count] = entry;
    *value = (struct ct_config_value){grown, value->count + 1};
    return true;
}

static bool put_defaults(struct ct_config *config)
{
    char problem[CT_CONFIG_PROBLEM_BYTES];
    bool good = true;
    for (unsigned id = 0; id < CT_SETTING_COUNT; id++) {
        const char *text = ct_settings[id].fallback;
        good = good && (!text || (ct_config_read(config, id, NULL, text, problem) &&
                                  put_entry(config, id, (struct ct_config_entry){.text = text})));
    }
    return good;
}

/* ---- the file --------------------------------------------------------------------------- */

struct file_reader {
    struct ct_config *config;
    struct ct_yaml yaml;
    bool no_memory;
};

/* A path that the file names, seen from where the program runs. */
static const char *joined(struct file_reader *r, const char *text)
{
    const char *slash = strrchr(r->config->file, '/');
    if (text[0] == '/' || !slash) {
        return text;
    }
    size_t folder = (size_t)(slash - r->config->file) + 1, len = strlen(text);
    char *path = ct_arena_alloc(&r->config->arena, folder + len + 1);
    if (path) {
        memcpy(path, r->config->file, folder);
        memcpy(path + folder, text, len + 1);
    }
    r->no_memory |= !path;
    return path;
}

static void take_value(struct file_reader *r, enum ct_setting_id id, const char *name, const struct ct_yaml_node *node,
                       const char *text)
{
    const struct ct_setting *row = &ct_settings[id];
    char problem[CT_CONFIG_PROBLEM_BYTES];
    if (row->kind == CT_SETTING_PATH && *text && !(text = joined(r, text))) {
        return;
    }
    if (!ct_config_read(r->config, id, name, text, problem)) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s%s%s: %s", row->key, name ? "." : "", name ? name : "", problem);
        return;
    }
    struct ct_config_entry entry = {
        .name = name, .text = text, .source = CT_SOURCE_FILE, .line = node->line, .column = node->column};
    r->no_memory |= !put_entry(r->config, id, entry);
}

static void take_scalar(struct file_reader *r, enum ct_setting_id id, const char *name, const struct ct_yaml_node *node)
{
    ct_span text;
    if (ct_yaml_text(&r->yaml, node, name ? name : ct_settings[id].key, &text)) {
        take_value(r, id, name, node, text.at);
    }
}

/* A format's option may be written as a list or a map: "bot: [Ana, 'Bot*']" is "Ana;Bot*", "roles: {Agente: agent}" is
 * "Agente=agent". */
static void take_option(struct file_reader *r, const char *name, const struct ct_yaml_node *node)
{
    if (node->kind == CT_YAML_SCALAR) {
        take_value(r, CT_SET_FORMAT_OPTIONS, name, node, node->text.at);
        return;
    }
    bool map = node->kind == CT_YAML_MAP;
    const char *reserved = map ? ",=" : ";";
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    bool good = to != NULL;
    for (uint32_t i = 0; good && i < node->count; i++) {
        const struct ct_yaml_node *key = map ? ct_yaml_key(node, i) : NULL;
        const struct ct_yaml_node *item = map ? ct_yaml_value(node, i) : ct_yaml_item(node, i);
        ct_span part;
        if (!ct_yaml_text(&r->yaml, item, name, &part)) {
            good = false;
        } else if (strpbrk(part.at, reserved) || (key && strpbrk(key->text.at, reserved))) {
            ct_yaml_problem(&r->yaml, 'e', item, "%s: '%s' cannot stand in it: it divides the entries", name,
                            map ? "=' or '," : ";");
            good = false;
        } else {
            fprintf(to, "%s%s%s%s", i ? (map ? "," : ";") : "", key ? key->text.at : "", key ? "=" : "", part.at);
        }
    }
    r->no_memory |= !to || fclose(to) != 0;
    if (good && !r->no_memory) {
        bool copied = true;
        ct_span kept = ct_arena_copy(&r->config->arena, (ct_span){text, len}, &copied);
        r->no_memory |= !copied;
        if (copied && len > VALUE_TEXT_MAX) {
            ct_yaml_problem(&r->yaml, 'e', node, "%s is longer than %d bytes", name, VALUE_TEXT_MAX);
        } else if (copied) {
            take_value(r, CT_SET_FORMAT_OPTIONS, name, node, kept.at);
        }
    }
    free(text);
}

/* Names that a map's keys may have, so that a slip is answered with the nearest; NULL-terminated. NULL = any name. */
static const char **known_names(struct file_reader *r, enum ct_setting_kind kind)
{
    size_t room = 1, count = 0, kpis;
    const struct ct_kpi *catalogue = ct_kpi_catalogue(&kpis);
    const struct ct_parser *format = r->config->format;
    for (size_t p = 0; ct_parsers[p]; p++) {
        for (const struct ct_option *o = ct_parsers[p]->options; o && o->name; o++) {
            room++;
        }
    }
    room += kpis;
    const char **names = ct_arena_zalloc(&r->config->arena, room * sizeof *names);
    r->no_memory |= !names;
    if (!names) {
        return NULL;
    }
    for (size_t i = 0; kind == CT_SETTING_TARGETS && i < kpis; i++) {
        names[count++] = catalogue[i].id;
    }
    for (size_t p = 0; kind == CT_SETTING_OPTIONS && ct_parsers[p]; p++) {
        for (const struct ct_option *o = ct_parsers[p]->options; o && o->name; o++) {
            if (!format || format == ct_parsers[p]) {
                names[count++] = o->name;
            }
        }
    }
    return names;
}

static void take_map(struct file_reader *r, enum ct_setting_id id, const struct ct_yaml_node *node)
{
    const struct ct_setting *row = &ct_settings[id];
    const char **names = NULL;
    if (!ct_yaml_is_map(&r->yaml, node, row->key)) {
        return;
    }
    if (row->kind != CT_SETTING_IDLES) {
        names = known_names(r, row->kind);
        if (!names) {
            return;
        }
        ct_yaml_check_keys(&r->yaml, node, names, row->key);
    }
    for (uint32_t i = 0; i < node->count && !r->no_memory; i++) {
        const char *name = ct_yaml_key(node, i)->text.at;
        bool known = !names;
        for (const char **n = names; n && *n && !known; n++) {
            known = strcmp(*n, name) == 0;
        }
        if (!known) {
            continue; /* said already */
        }
        if (row->kind == CT_SETTING_OPTIONS) {
            take_option(r, name, ct_yaml_value(node, i));
        } else {
            take_scalar(r, id, name, ct_yaml_value(node, i));
        }
    }
}

static void take_list(struct file_reader *r, enum ct_setting_id id, const struct ct_yaml_node *node)
{
    enum { ITEMS_MAX = 1000 };
    if (!ct_yaml_is_list(&r->yaml, node, ct_settings[id].key)) {
        return;
    }
    if (node->count > ITEMS_MAX) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s has more than %d entries", ct_settings[id].key, ITEMS_MAX);
        return;
    }
    for (uint32_t i = 0; i < node->count && !r->no_memory; i++) {
        take_scalar(r, id, NULL, ct_yaml_item(node, i));
    }
}

static void print_problem(void *context, char severity, const struct ct_error *problem)
{
    (void)context;
    const char *what = severity == 'e' ? "error" : "warning";
    if (problem->line) {
        fprintf(stderr, "%s:%u:%u: %s: %s\n", problem->file, problem->line, problem->column, what, problem->text);
    } else {
        fprintf(stderr, "%s: %s: %s\n", problem->file, what, problem->text);
    }
}

static void take_root(struct file_reader *r)
{
    const char *names[CT_SETTING_COUNT + 1] = {NULL};
    const struct ct_yaml_node *root = r->yaml.root;
    if (!root || !ct_yaml_is_map(&r->yaml, root, "the configuration")) {
        return; /* nothing but comments: the defaults */
    }
    for (unsigned id = 0; id < CT_SETTING_COUNT; id++) {
        names[id] = ct_settings[id].key;
    }
    ct_yaml_check_keys(&r->yaml, root, names, "the configuration");
    for (unsigned id = 0; id < CT_SETTING_COUNT && !r->no_memory; id++) { /* format comes before its options */
        const struct ct_yaml_node *node = ct_yaml_find(root, ct_settings[id].key);
        if (!node || ct_yaml_is_null(node)) {
            continue;
        }
        if (is_map(ct_settings[id].kind)) {
            take_map(r, id, node);
        } else if (is_list(ct_settings[id].kind)) {
            take_list(r, id, node);
        } else {
            take_scalar(r, id, NULL, node);
        }
    }
}

static int take_file(struct ct_config *config, const struct ct_command *command)
{
    struct ct_error err = {0};
    size_t len = 0;
    char *bytes = ct_file_read(config->file, CT_YAML_BYTES_MAX, &len, &err);
    if (!bytes) {
        return ct_options_fail(command, CT_EXIT_USAGE, "--config: %s", err.text);
    }
    struct ct_yaml_report report = {.status = CT_BAD_CONFIG, .problem = print_problem};
    struct file_reader r = {.config = config};
    if (ct_yaml_parse(&r.yaml, &config->arena, ct_span_of(config->file), (ct_span){bytes, len}, &report)) {
        take_root(&r);
    }
    free(bytes); /* the nodes' texts are copies in the arena */
    if (r.no_memory || report.no_memory) {
        return ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    }
    if (report.errors) {
        return ct_options_fail(command, CT_EXIT_USAGE, "%s: %u error%s in the configuration", config->file,
                               report.errors, report.errors == 1 ? "" : "s");
    }
    return -1;
}

/* ---- the command line ------------------------------------------------------------------- */

/* One text behind an option: NAME=VALUE goes to the map that shares the option, if there is one. */
static int take_given(struct ct_config *config, const struct ct_command *command, enum ct_setting_id id,
                      const char *text)
{
    struct ct_config_entry entry = {.text = text, .source = CT_SOURCE_COMMAND_LINE};
    const char *equals = strchr(text, '='), *option = ct_settings[id].option;
    char problem[CT_CONFIG_PROBLEM_BYTES];
    for (unsigned other = 0; equals && other < CT_SETTING_COUNT; other++) {
        if (is_map(ct_settings[other].kind) && ct_settings[other].option &&
            strcmp(ct_settings[other].option, option) == 0) {
            bool copied = true;
            entry.name = ct_arena_copy(&config->arena, (ct_span){text, (size_t)(equals - text)}, &copied).at;
            entry.text = equals + 1;
            id = other;
            if (!copied) {
                return ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
            }
        }
    }
    if (is_map(ct_settings[id].kind) && !entry.name) {
        return ct_options_fail(command, CT_EXIT_USAGE, "--%s: \"%.100s\" is not NAME=VALUE", option, text);
    }
    if (!ct_config_read(config, id, entry.name, entry.text, problem)) {
        return ct_options_fail(command, CT_EXIT_USAGE, "--%s: %s", option, problem);
    }
    return put_entry(config, id, entry) ? -1 : ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
}

static int take_arguments(struct ct_config *config, const struct ct_command *command,
                          const struct ct_session_arguments *a)
{
    const struct ct_texts none = {.count = 0};
    const struct ct_texts *lists[CT_SETTING_COUNT];
    const char *texts[CT_SETTING_COUNT];
#define GIVEN_TEXT(symbol, member) lists[CT_SET_##symbol] = &none, texts[CT_SET_##symbol] = a->member;
#define GIVEN_LIST(symbol, member) lists[CT_SET_##symbol] = &a->member, texts[CT_SET_##symbol] = NULL;
#define GIVEN_NONE(symbol, member) lists[CT_SET_##symbol] = &none, texts[CT_SET_##symbol] = NULL;
#define X(a, symbol, member, to, kind, how, ...) GIVEN_##how(symbol, member)
    CT_SETTING_MAP(X, )
#undef X
    int code = -1;
    for (unsigned id = 0; id < CT_SETTING_COUNT && code < 0; id++) {
        code = texts[id] ? take_given(config, command, id, texts[id]) : -1;
        for (size_t i = 0; i < lists[id]->count && code < 0; i++) {
            code = take_given(config, command, id, lists[id]->at[i]);
        }
    }
    return code;
}

/* ---- the whole -------------------------------------------------------------------------- */

int ct_config_open(struct ct_config *config, const struct ct_command *command, const struct ct_session_arguments *a)
{
    *config = (struct ct_config){.file = a->config};
    ct_arena_init(&config->arena, 0, 0);
    int code = put_defaults(config) ? -1 : ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    if (code < 0 && config->file) {
        code = take_file(config, command);
    }
    code = code < 0 ? take_arguments(config, command, a) : code;
    if (code < 0 && !ct_config_settle(config)) {
        code = ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    }
    return code;
}

void ct_config_close(struct ct_config *config)
{
    ct_arena_done(&config->arena);
    *config = (struct ct_config){0};
}

bool ct_config_cost(const struct ct_config *config, struct ct_cost_model **out, struct ct_error *err)
{
    size_t len;
    *out = NULL;
    if (!config->cost_model) {
        return true;
    }
    char *bytes = ct_file_read(config->cost_model, COST_FILE_BYTES_MAX, &len, err);
    if (bytes) {
        *out = ct_cost_model_load(ct_span_of(config->cost_model), (ct_span){bytes, len}, err);
        free(bytes);
    }
    return *out != NULL;
}
