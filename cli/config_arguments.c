/* config_arguments.c - what the command line says, and how entries stand in a value. See config.h. Called by config.c.
 */
#include "cli/config.h"

#include <stdio.h>

/* ---- entries ---------------------------------------------------------------------------- */

struct ct_config_value *ct_config_value_of(const struct ct_config_item *item, enum ct_setting_id id)
{
    return &item->values[id - ct_sections[item->section].first];
}

const struct ct_config_entry *ct_config_entry_of(const struct ct_config_item *item, enum ct_setting_id id)
{
    const struct ct_config_value *value = ct_config_value_of(item, id);
    return value->count ? value->entries : NULL;
}

/* In the place of an entry of the same name, else behind the others. A single value has the one entry without a name.
 * Growth one by one copies a few dozen entries at most. */
bool ct_config_put(struct ct_config *config, const struct ct_config_item *item, enum ct_setting_id id,
                   struct ct_config_entry entry)
{
    struct ct_config_value *value = ct_config_value_of(item, id);
    bool list = ct_setting_is_list(ct_settings[id].kind);
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

/* ---- the command line ------------------------------------------------------------------- */

/* FILES:NAME=VALUE of --format-option, which is an entry of `inputs` of its own: what the command line says comes last.
 */
static int take_writing(struct ct_config *config, const struct ct_command *command, const char *text, const char *colon,
                        const char *equals)
{
    static const enum ct_setting_id rows[] = {CT_SET_WRITING_FILES, CT_SET_WRITING_OPTIONS};
    char problem[CT_CONFIG_PROBLEM_BYTES];
    bool copied = true, other = true;
    const char *files = ct_arena_copy(&config->arena, (ct_span){text, (size_t)(colon - text)}, &copied).at;
    const char *name = ct_arena_copy(&config->arena, (ct_span){colon + 1, (size_t)(equals - colon - 1)}, &other).at;
    struct ct_config_item *item = copied && other ? ct_config_add(config, CT_SECTION_WRITING, NULL) : NULL;
    if (!item) {
        return ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
    }
    const struct ct_config_entry entries[] = {{.text = files, .source = CT_SOURCE_COMMAND_LINE},
                                              {.name = name, .text = equals + 1, .source = CT_SOURCE_COMMAND_LINE}};
    for (size_t i = 0; i < 2; i++) {
        if (!ct_config_read(config, item, rows[i], entries[i].name, entries[i].text, problem)) {
            return ct_options_fail(command, CT_EXIT_USAGE, "--format-option %.200s: %s", text, problem);
        }
        if (!ct_config_put(config, item, rows[i], entries[i])) {
            return ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
        }
    }
    return -1;
}

/* One text behind an option: NAME=VALUE goes to the map that shares the option, if there is one. */
static int take_given(struct ct_config *config, const struct ct_command *command, enum ct_section_id section,
                      enum ct_setting_id id, const char *text)
{
    const struct ct_config_item *item = &config->groups[section].items[0];
    struct ct_config_entry entry = {.text = text, .source = CT_SOURCE_COMMAND_LINE};
    const char *equals = strchr(text, '='), *option = ct_settings[id].option;
    char problem[CT_CONFIG_PROBLEM_BYTES];
    const char *colon = id == CT_SET_FORMAT_OPTIONS && equals ? memrchr(text, ':', (size_t)(equals - text)) : NULL;
    if (colon) { /* no option has a name with a colon */
        return take_writing(config, command, text, colon, equals);
    }
    for (unsigned other = 0; equals && other < CT_SETTING_COUNT; other++) {
        if (ct_setting_is_map(ct_settings[other].kind) && ct_settings[other].option &&
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
    if (ct_setting_is_map(ct_settings[id].kind) && !entry.name) {
        return ct_options_fail(command, CT_EXIT_USAGE, "--%s: \"%.100s\" is not NAME=VALUE", option, text);
    }
    if (!ct_config_read(config, item, id, entry.name, entry.text, problem)) {
        return ct_options_fail(command, CT_EXIT_USAGE, "--%s: %s", option, problem);
    }
    return ct_config_put(config, item, id, entry) ? -1 : ct_options_fail(command, CT_EXIT_OUTPUT, "out of memory");
}

int ct_config_arguments(struct ct_config *config, const struct ct_command *command,
                        const struct ct_session_arguments *a)
{
    static const struct ct_texts none = {.count = 0};
    const struct ct_texts *lists[CT_SETTING_ROWS] = {NULL};
    const char *texts[CT_SETTING_ROWS] = {NULL};
#define GIVEN_TEXT(symbol, member) texts[CT_SET_##symbol] = a->member;
#define GIVEN_LIST(symbol, member) lists[CT_SET_##symbol] = &a->member;
#define GIVEN_NONE(symbol, member)
#define X(a, symbol, member, to, kind, how, ...) GIVEN_##how(symbol, member)
    CT_SETTING_MAP(X, )
    CT_SERVE_SETTING_MAP(X, )
    CT_TAPE_SETTING_MAP(X, )
    CT_INTAKE_SETTING_MAP(X, )
    CT_DESK_SETTING_MAP(X, )
#undef X
    int code = -1;
    for (unsigned s = 0; s < CT_SECTION_COUNT; s++) {
        for (unsigned id = ct_sections[s].first; id < ct_sections[s].first + ct_sections[s].count && code < 0; id++) {
            const struct ct_texts *list = lists[id] ? lists[id] : &none;
            code = texts[id] ? take_given(config, command, s, id, texts[id]) : -1;
            if (list->count && ct_setting_is_list(ct_settings[id].kind)) {
                *ct_config_value_of(&config->groups[s].items[0], id) = (struct ct_config_value){NULL, 0};
            }
            for (size_t i = 0; i < list->count && code < 0; i++) {
                code = take_given(config, command, s, id, list->at[i]);
            }
        }
    }
    return code;
}
