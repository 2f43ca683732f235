/* config.c - puts together what is set: defaults, the configuration file, the command line. See config.h. */
#include "cli/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/yaml_tree.h"

enum { VALUE_TEXT_MAX = 1 << 16 };

const struct ct_setting ct_settings[CT_SETTING_ROWS] = {
#define OWN_TEXT true
#define OWN_LIST true
#define OWN_NONE false
#define NEEDED_IS(text) false
#define NEEDED_UNSET false
#define NEEDED_NEEDED true
#define X(a, symbol, member, to_, kind_, how, key_, option_, argument_, min_, max_, fallback_, help_)                  \
    [CT_SET_##symbol] = {.kind = CT_SETTING_##kind_,                                                                   \
                         .key = key_,                                                                                  \
                         .option = option_,                                                                            \
                         .argument = argument_,                                                                        \
                         .own_option = OWN_##how,                                                                      \
                         .needed = NEEDED_##fallback_,                                                                 \
                         .to = offsetof(struct a, to_),                                                                \
                         .min = min_,                                                                                  \
                         .max = max_,                                                                                  \
                         .fallback = CT_FALLBACK_##fallback_,                                                          \
                         .help = help_},
    CT_SETTING_MAP(X, ct_config) CT_SERVE_SETTING_MAP(X, ct_serve_settings) CT_TAPE_SETTING_MAP(X, ct_tape_settings)
        CT_INTAKE_SETTING_MAP(X, ct_door_settings) CT_DESK_SETTING_MAP(X, ct_door_settings)
            CT_WRITING_SETTING_MAP(X, ct_input_writing) CT_SOURCE_SETTING_MAP(X, ct_source_settings)
                CT_RELAY_SETTING_MAP(X, ct_relay_settings) CT_WEBHOOK_SETTING_MAP(X, ct_webhook_settings)
                    CT_SUBSCRIPTION_SETTING_MAP(X, ct_subscription_settings) CT_ALARM_SETTING_MAP(X, ct_alarm_settings)
#undef X
};

const struct ct_section ct_sections[CT_SECTION_COUNT] = {
    [CT_SECTION_ROOT] = {.help = "The file itself.", .count = CT_SETTING_COUNT, .bytes = sizeof(struct ct_config)},
#define COUNT_ONE(...) +1
#define X(name, above_, shape_, key_, type, help_)                                                                     \
    [CT_SECTION_##name] = {.key = key_,                                                                                \
                           .help = help_,                                                                              \
                           .shape = CT_SHAPE_##shape_,                                                                 \
                           .above = CT_SECTION_##above_,                                                               \
                           .first = CT_SET_##name##_FIRST,                                                             \
                           .count = 0 CT_##name##_SETTING_MAP(COUNT_ONE, ),                                            \
                           .bytes = sizeof(struct type)},
    CT_SECTION_MAP(X)
#undef X
};

bool ct_setting_is_map(enum ct_setting_kind kind)
{
    return kind == CT_SETTING_OPTIONS || kind == CT_SETTING_IDLES || kind == CT_SETTING_TARGETS ||
           kind == CT_SETTING_WEIGHTS || kind == CT_SETTING_WORDS;
}

bool ct_setting_is_list(enum ct_setting_kind kind)
{
    return kind == CT_SETTING_TOOLS || kind == CT_SETTING_PHRASES || kind == CT_SETTING_CHOICES ||
           kind == CT_SETTING_FIELDS || kind == CT_SETTING_TEXTS || kind == CT_SETTING_PATHS ||
           kind == CT_SETTING_FILTERS || kind == CT_SETTING_CONDITIONS;
}

/* ---- entries ---------------------------------------------------------------------------- */

/* A path that the file names, or the default of one, seen from where the program runs. NULL = out of memory. */
static const char *joined(struct ct_config *config, enum ct_setting_kind kind, const char *text)
{
    const char *slash = config->file ? strrchr(config->file, '/') : NULL;
    bool path_due = kind == CT_SETTING_PATH || kind == CT_SETTING_PATHS || kind == CT_SETTING_FILE_OR_NONE;
    if (!path_due || !*text || text[0] == '/' || !slash ||
        (kind == CT_SETTING_FILE_OR_NONE && strcmp(text, "none") == 0)) {
        return text;
    }
    size_t folder = (size_t)(slash - config->file) + 1, len = strlen(text);
    char *path = ct_arena_alloc(&config->arena, folder + len + 1);
    if (path) {
        memcpy(path, config->file, folder);
        memcpy(path + folder, text, len + 1);
    }
    return path;
}

/* A row's default; of a list each of its words. */
static bool put_default(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id)
{
    char problem[CT_CONFIG_PROBLEM_BYTES];
    const char *rest = ct_settings[id].fallback;
    bool list = ct_setting_is_list(ct_settings[id].kind), good = true;
    while (good && rest && *rest) {
        size_t len = list ? strcspn(rest, " ") : strlen(rest);
        const char *text = ct_arena_copy(&config->arena, (ct_span){rest, len}, &good).at;
        text = good ? joined(config, ct_settings[id].kind, text) : NULL;
        good = text && ct_config_read(config, item, id, NULL, text, problem) &&
               ct_config_put(config, item, id, (struct ct_config_entry){.text = text});
        rest += len + (rest[len] == ' ');
    }
    return good;
}

struct ct_config_item *ct_config_add(struct ct_config *config, enum ct_section_id section, const char *name)
{
    struct ct_config_group *group = &config->groups[section];
    struct ct_config_item *items = ct_arena_zalloc(&config->arena, (group->count + 1) * sizeof *items);
    if (!items) {
        return NULL;
    }
    if (group->count) {
        memcpy(items, group->items, group->count * sizeof *items);
    }
    struct ct_config_item *item = &items[group->count];
    item->section = section;
    item->name = name;
    item->values = ct_arena_zalloc(&config->arena, ct_sections[section].count * sizeof *item->values);
    item->to = ct_arena_zalloc(&config->arena, ct_sections[section].bytes);
    bool good = item->values && item->to;
    if (good && section == CT_SECTION_SOURCE) {
        ((struct ct_source_settings *)item->to)->name = name;
    }
    for (unsigned i = 0; good && i < ct_sections[section].count; i++) {
        good = put_default(config, item, ct_sections[section].first + i);
    }
    *group = (struct ct_config_group){items, group->count + 1};
    return good ? item : NULL;
}

static bool put_defaults(struct ct_config *config)
{
    bool good = true;
    config->root = (struct ct_config_item){.section = CT_SECTION_ROOT, .values = config->values, .to = config};
    config->groups[CT_SECTION_ROOT] = (struct ct_config_group){&config->root, 1};
    for (unsigned id = 0; id < CT_SETTING_COUNT && good; id++) {
        good = put_default(config, &config->root, id);
    }
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT && good; s++) {
        good = ct_sections[s].shape != CT_SHAPE_ONE || ct_config_add(config, s, NULL);
    }
    return good;
}

/* ---- the file --------------------------------------------------------------------------- */

struct file_reader {
    struct ct_config *config;
    struct ct_yaml yaml;
    enum ct_config_source source;
    bool no_memory;
};

/* Who writes "store: no" wants none, not a file of that name. */
static bool is_switch(const char *text)
{
    static const char *const words[] = {"no", "off", "false", "yes", "on", "true"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void take_value(struct file_reader *r, struct ct_config_item *item, enum ct_setting_id id, const char *name,
                       const struct ct_yaml_node *node, const char *text)
{
    const struct ct_setting *row = &ct_settings[id];
    char problem[CT_CONFIG_PROBLEM_BYTES];
    if (row->kind == CT_SETTING_FILE_OR_NONE && is_switch(text)) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s: a path is due, or none; ./%s is a file of that name", row->key, text);
        item->bad = true;
        return;
    }
    text = joined(r->config, row->kind, text);
    if (!text) {
        r->no_memory = true;
        return;
    }
    if (!ct_config_read(r->config, item, id, name, text, problem)) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s%s%s: %s", row->key, name ? "." : "", name ? name : "", problem);
        item->bad = true;
        return;
    }
    struct ct_config_entry entry = {
        .name = name, .text = text, .source = r->source, .line = node->line, .column = node->column};
    r->no_memory |= !ct_config_put(r->config, item, id, entry);
}

static void take_scalar(struct file_reader *r, struct ct_config_item *item, enum ct_setting_id id, const char *name,
                        const struct ct_yaml_node *node)
{
    ct_span text;
    if (ct_yaml_text(&r->yaml, node, name ? name : ct_settings[id].key, &text)) {
        take_value(r, item, id, name, node, text.at);
    } else {
        item->bad = true;
    }
}

/* A format's option may be written as a list or a map: "bot: [Ana, 'Bot*']" is "Ana;Bot*", "roles: {Agente: agent}" is
 * "Agente=agent". */
static void take_option(struct file_reader *r, struct ct_config_item *item, enum ct_setting_id id, const char *name,
                        const struct ct_yaml_node *node)
{
    if (node->kind == CT_YAML_SCALAR) {
        take_value(r, item, id, name, node, node->text.at);
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
        const struct ct_yaml_node *value = map ? ct_yaml_value(node, i) : ct_yaml_item(node, i);
        ct_span part;
        if (!ct_yaml_text(&r->yaml, value, name, &part)) {
            good = false;
        } else if (strpbrk(part.at, reserved) || (key && strpbrk(key->text.at, reserved))) {
            ct_yaml_problem(&r->yaml, 'e', value, "%s: '%s' cannot stand in it: it divides the entries", name,
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
            take_value(r, item, id, name, node, kept.at);
        }
    }
    free(text);
}

/* Names that a map's keys may have, so that a slip is answered with the nearest; NULL-terminated. NULL = any name. */
static const char **known_names(struct file_reader *r, const struct ct_setting *row, const struct ct_parser *format)
{
    enum ct_setting_kind kind = row->kind;
    size_t room = 1 + CT_HEALTH_COUNT + CT_ENGAGEMENT_COUNT, count = 0, kpis;
    const struct ct_kpi *catalogue = ct_kpi_catalogue(&kpis);
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
    for (unsigned i = 0; kind == CT_SETTING_WORDS && i < CT_LANG_COUNT; i++) {
        names[count++] = i == CT_LANG_EN ? "en" : "es";
    }
    for (unsigned i = 0; kind == CT_SETTING_WEIGHTS && (names[count] = ct_config_weight_name(row, i)); i++) {
        count++;
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

static void take_map(struct file_reader *r, struct ct_config_item *item, enum ct_setting_id id,
                     const struct ct_yaml_node *node)
{
    const struct ct_setting *row = &ct_settings[id];
    const char **names = NULL;
    if (!ct_yaml_is_map(&r->yaml, node, row->key)) {
        return;
    }
    if (row->kind != CT_SETTING_IDLES) {
        names = known_names(r, row, row->kind == CT_SETTING_OPTIONS ? ct_config_format(item) : NULL);
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
            take_option(r, item, id, name, ct_yaml_value(node, i));
        } else {
            take_scalar(r, item, id, name, ct_yaml_value(node, i));
        }
    }
}

enum { ITEMS_MAX = 1000 };

static void take_list(struct file_reader *r, struct ct_config_item *item, enum ct_setting_id id,
                      const struct ct_yaml_node *node)
{
    if (ct_settings[id].kind == CT_SETTING_CONDITIONS && node->kind == CT_YAML_SCALAR) { /* one of them */
        *ct_config_value_of(item, id) = (struct ct_config_value){NULL, 0};
        take_scalar(r, item, id, NULL, node);
        return;
    }
    if (!ct_yaml_is_list(&r->yaml, node, ct_settings[id].key)) {
        return;
    }
    if (node->count > ITEMS_MAX) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s has more than %d entries", ct_settings[id].key, ITEMS_MAX);
        return;
    }
    *ct_config_value_of(item, id) = (struct ct_config_value){NULL, 0};
    for (uint32_t i = 0; i < node->count && !r->no_memory; i++) {
        take_scalar(r, item, id, NULL, ct_yaml_item(node, i));
    }
}

static void take_item(struct file_reader *r, struct ct_config_item *item, const struct ct_yaml_node *map);

/* A name that can stand in a path, in a label and in a file. */
static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t len = strlen(text);
    return len > 0 && len <= 100 && strspn(text, letters) == len && text[0] != '.';
}

/* One of the defaults that the file says more of. */
static struct ct_config_item *find_item(struct ct_config *config, enum ct_section_id section, const char *name)
{
    struct ct_config_group *group = &config->groups[section];
    for (size_t i = 0; i < group->count; i++) {
        if (strcmp(group->items[i].name, name) == 0) {
            return &group->items[i];
        }
    }
    return NULL;
}

static void take_section(struct file_reader *r, enum ct_section_id section, const struct ct_yaml_node *node)
{
    const struct ct_section *row = &ct_sections[section];
    bool list = row->shape == CT_SHAPE_LIST;
    if (row->shape == CT_SHAPE_ONE) {
        take_item(r, &r->config->groups[section].items[0], node);
        return;
    }
    if (list ? !ct_yaml_is_list(&r->yaml, node, row->key) : !ct_yaml_is_map(&r->yaml, node, row->key)) {
        return;
    }
    if (node->count > ITEMS_MAX) {
        ct_yaml_problem(&r->yaml, 'e', node, "%s has more than %d entries", row->key, ITEMS_MAX);
        return;
    }
    for (uint32_t i = 0; i < node->count && !r->no_memory; i++) {
        const struct ct_yaml_node *key = list ? NULL : ct_yaml_key(node, i);
        if (key && !is_name(key->text.at)) {
            ct_yaml_problem(&r->yaml, 'e', key, "\"%.100s\" is no name: at most 100 letters, digits, '-', '_' and '.'",
                            key->text.at);
            continue;
        }
        struct ct_config_item *item = key ? find_item(r->config, section, key->text.at) : NULL;
        item = item ? item : ct_config_add(r->config, section, key ? key->text.at : NULL);
        r->no_memory |= !item;
        if (item) {
            take_item(r, item, list ? ct_yaml_item(node, i) : ct_yaml_value(node, i));
        }
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

/* One map: its rows, then the maps in it. */
static void take_item(struct file_reader *r, struct ct_config_item *item, const struct ct_yaml_node *map)
{
    const struct ct_section *section = &ct_sections[item->section];
    const char *what = section->key ? section->key : "the configuration";
    const char *names[CT_SETTING_ROWS + CT_SECTION_COUNT + 1] = {NULL};
    size_t count = 0;
    item->line = map->line;
    item->column = map->column;
    if (section->shape != CT_SHAPE_LIST && ct_yaml_is_null(map)) {
        return; /* a name alone: the defaults */
    }
    if (!ct_yaml_is_map(&r->yaml, map, what)) {
        item->bad = true;
        return;
    }
    for (unsigned i = 0; i < section->count; i++) {
        names[count++] = ct_settings[section->first + i].key;
    }
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT; s++) {
        if (ct_sections[s].above == item->section) {
            names[count++] = ct_sections[s].key;
        }
    }
    ct_yaml_check_keys(&r->yaml, map, names, what);
    for (unsigned i = 0; i < section->count && !r->no_memory; i++) { /* format comes before its options */
        enum ct_setting_id id = section->first + i;
        const struct ct_yaml_node *node = ct_yaml_find(map, ct_settings[id].key);
        if (!node || ct_yaml_is_null(node)) {
            continue;
        }
        if (ct_setting_is_map(ct_settings[id].kind)) {
            take_map(r, item, id, node);
        } else if (ct_setting_is_list(ct_settings[id].kind)) {
            take_list(r, item, id, node);
        } else {
            take_scalar(r, item, id, NULL, node);
        }
    }
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT && !r->no_memory; s++) {
        const struct ct_yaml_node *node =
            ct_sections[s].above == item->section ? ct_yaml_find(map, ct_sections[s].key) : NULL;
        if (node && !ct_yaml_is_null(node)) {
            take_section(r, s, node);
        }
    }
}

/* The defaults that are maps by name. A mistake in them is ours, and a test's to find. */
static bool take_named_defaults(struct ct_config *config)
{
    struct ct_yaml_report report = {.status = CT_BAD_CONFIG, .problem = print_problem};
    struct file_reader r = {.config = config, .source = CT_SOURCE_DEFAULT};
    bool good =
        ct_yaml_parse(&r.yaml, &config->arena, CT_SPAN_LIT("defaults"), ct_span_of(ct_config_default_alarms), &report);
    if (good) {
        take_section(&r, CT_SECTION_ALARM, r.yaml.root);
        for (size_t i = 0; i < config->groups[CT_SECTION_ALARM].count; i++) {
            config->groups[CT_SECTION_ALARM].items[i].line = 0; /* not in the file, so far */
        }
    }
    config->errors += report.errors;
    return good && !r.no_memory && !report.no_memory;
}

static int take_file(struct ct_config *config, const struct ct_command *command)
{
    struct ct_error err = {0};
    size_t len = 0;
    char *bytes = ct_file_read(config->file, CT_YAML_BYTES_MAX, &len, &err);
    if (!bytes) {
        config->first = err;
        return ct_options_fail(command, CT_EXIT_USAGE, "--config: %s", err.text);
    }
    struct ct_yaml_report report = {.status = CT_BAD_CONFIG, .problem = print_problem, .first = &config->first};
    struct file_reader r = {.config = config, .source = CT_SOURCE_FILE};
    if (ct_yaml_parse(&r.yaml, &config->arena, ct_span_of(config->file), (ct_span){bytes, len}, &report) &&
        r.yaml.root) { /* else nothing but comments: the defaults */
        take_item(&r, &config->root, r.yaml.root);
    }
    free(bytes); /* the nodes' texts are copies in the arena */
    if (r.no_memory || report.no_memory) {
        return ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    }
    config->errors += report.errors;
    return -1;
}

void ct_config_wrong(struct ct_config *config, const struct ct_config_item *item, const struct ct_config_entry *entry,
                     const char *format, ...)
{
    va_list args;
    char text[CT_CONFIG_PROBLEM_BYTES];
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    uint32_t line = entry ? entry->line : item->line, column = entry ? entry->column : item->column;
    if (config->errors++ == 0) {
        (void)ct_error_set(&config->first, CT_BAD_CONFIG, "%s", text);
        (void)snprintf(config->first.file, sizeof config->first.file, "%.255s", config->file ? config->file : "");
        config->first.line = line;
        config->first.column = column;
    }
    if (config->file && line) {
        fprintf(stderr, "%s:%u:%u: error: %s\n", config->file, line, column, text);
    } else {
        fprintf(stderr, "%s: error: %s\n",
                entry && entry->source == CT_SOURCE_COMMAND_LINE ? "command line"
                : config->file                                   ? config->file
                                                                 : "configuration",
                text);
    }
}

/* ---- the whole -------------------------------------------------------------------------- */

int ct_config_open(struct ct_config *config, const struct ct_command *command, const struct ct_session_arguments *a)
{
    *config = (struct ct_config){.file = a->config, .terms = CT_TERMS_DEFAULT};
    ct_arena_init(&config->arena, 0, 0);
    int code = put_defaults(config) && take_named_defaults(config)
                   ? -1
                   : ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    if (code < 0 && config->file) {
        code = take_file(config, command);
    }
    code = code < 0 ? ct_config_arguments(config, command, a) : code;
    if (code < 0 && !(ct_config_settle(config) && ct_config_alarms(config))) {
        code = ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    }
    if (code < 0) {
        ct_config_weights(config);
        ct_config_period(config);
        ct_config_check(config);
    }
    if (code < 0 && config->errors) {
        code = ct_options_fail(command, CT_EXIT_USAGE, "%s%s%u error%s in the configuration",
                               config->file ? config->file : "", config->file ? ": " : "", config->errors,
                               config->errors == 1 ? "" : "s");
    }
    return code;
}

void ct_config_close(struct ct_config *config)
{
    ct_zone_done(&config->zone);
    ct_zone_done(&config->serve_zone);
    ct_arena_done(&config->arena);
    *config = (struct ct_config){0};
}
