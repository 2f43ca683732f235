/* config_show.c - the configuration as a file that says all of it, and the page that explains its keys. Called by
 * `convtap config`. */
#include "cli/config.h"

#include <stdlib.h>

/* ---- a file that says it all ------------------------------------------------------------ */

static bool is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-:";
    size_t len = strlen(text);
    return len > 0 && strspn(text, letters) == len && text[0] != '-' && text[0] != ':' && text[len - 1] != ':' &&
           strcmp(text, "null") != 0;
}

/* A scalar that YAML reads as this text; returns its columns, more or less. */
static unsigned write_text(struct ct_out *out, const char *text)
{
    bool control = false;
    for (const char *c = text; *c; c++) {
        control |= (unsigned char)*c < ' ' || *c == 0x7f;
    }
    if (is_plain(text)) {
        ct_out_text(out, text);
        return (unsigned)strlen(text);
    }
    ct_out_char(out, control ? '"' : '\'');
    for (const char *c = text; *c; c++) {
        if (control && ((unsigned char)*c < ' ' || *c == 0x7f)) {
            ct_out_format(out, "\\x%02x", (unsigned)(unsigned char)*c);
        } else {
            if (control ? *c == '"' || *c == '\\' : *c == '\'') {
                ct_out_char(out, control ? '\\' : '\'');
            }
            ct_out_char(out, *c);
        }
    }
    ct_out_char(out, control ? '"' : '\'');
    return (unsigned)strlen(text) + 2;
}

enum { ORIGIN_COLUMN = 40 };

static void write_origin(struct ct_out *out, const struct ct_config *config, const struct ct_config_entry *entry,
                         const char *note, unsigned column)
{
    ct_out_fill(out, " ", column < ORIGIN_COLUMN ? ORIGIN_COLUMN - column : 1);
    ct_out_text(out, "# ");
    if (!entry || entry->source == CT_SOURCE_DEFAULT) {
        ct_out_text(out, "default");
    } else if (entry->source == CT_SOURCE_COMMAND_LINE) {
        ct_out_text(out, "command line");
    } else {
        ct_out_format(out, "%.900s:%u", config->file, entry->line);
    }
    ct_out_text(out, note);
    ct_out_char(out, '\n');
}

/* Of a variable that holds a secret no more than whether it is there. */
static const char *note_of(enum ct_setting_kind kind, const char *text)
{
    const char *value = kind == CT_SETTING_VARIABLE ? getenv(text) : NULL;
    return kind != CT_SETTING_VARIABLE ? "" : value && *value ? " (set)" : " (not set)";
}

static void show_value(struct ct_out *out, const struct ct_config *config, const struct ct_setting *row,
                       const struct ct_config_value *value, unsigned indent)
{
    bool map = ct_setting_is_map(row->kind), list = ct_setting_is_list(row->kind);
    unsigned column = indent + (unsigned)strlen(row->key) + 2;
    ct_out_text(out, row->key);
    ct_out_char(out, ':');
    if (!value->count) {
        ct_out_text(out, map ? " {}" : list ? " []" : " ~");
        write_origin(out, config, NULL, "", column + (map || list ? 2 : 1));
        return;
    }
    ct_out_char(out, map || list ? '\n' : ' ');
    for (size_t i = 0; i < value->count; i++) {
        const struct ct_config_entry *entry = &value->entries[i];
        if (map || list) {
            ct_out_fill(out, " ", indent + 2);
        }
        if (map) {
            column = indent + 4 + write_text(out, entry->name);
            ct_out_text(out, ": ");
        } else if (list) {
            ct_out_text(out, "- ");
            column = indent + 4;
        }
        column += write_text(out, entry->text);
        write_origin(out, config, entry, note_of(row->kind, entry->text), column);
    }
}

/* What would switch on what is off, were it read again, is not in force. */
static bool is_shown(const struct ct_config *config, const struct ct_config_item *item)
{
    return item->section != CT_SECTION_ALARM || ct_config_alarm_is_there(config, item);
}

static void show_section(struct ct_out *out, const struct ct_config *config, enum ct_section_id section,
                         unsigned indent);

/* The keys of one map, the first of them where the line stands if `begun`. */
static void show_item(struct ct_out *out, const struct ct_config *config, const struct ct_config_item *item,
                      unsigned indent, bool begun)
{
    const struct ct_section *section = &ct_sections[item->section];
    for (unsigned i = 0; i < section->count; i++) {
        if (!begun || i > 0) {
            ct_out_fill(out, " ", indent);
        }
        show_value(out, config, &ct_settings[section->first + i], &item->values[i], indent);
    }
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT; s++) {
        if (ct_sections[s].above == item->section) {
            show_section(out, config, s, indent);
        }
    }
}

static void show_section(struct ct_out *out, const struct ct_config *config, enum ct_section_id section,
                         unsigned indent)
{
    const struct ct_section *row = &ct_sections[section];
    const struct ct_config_group *group = &config->groups[section];
    ct_out_fill(out, " ", indent);
    ct_out_text(out, row->key);
    ct_out_char(out, ':');
    size_t shown = 0;
    for (size_t i = 0; i < group->count; i++) {
        shown += is_shown(config, &group->items[i]);
    }
    if (!shown) {
        ct_out_text(out, row->shape == CT_SHAPE_LIST ? " []" : " {}");
        write_origin(out, config, NULL, "", indent + (unsigned)strlen(row->key) + 4);
        return;
    }
    ct_out_char(out, '\n');
    for (size_t i = 0; i < group->count; i++) {
        if (!is_shown(config, &group->items[i])) {
            continue;
        }
        if (row->shape == CT_SHAPE_LIST) {
            ct_out_fill(out, " ", indent + 2);
            ct_out_text(out, "- ");
        } else if (row->shape == CT_SHAPE_NAMED) {
            ct_out_fill(out, " ", indent + 2);
            write_text(out, group->items[i].name);
            ct_out_text(out, ":\n");
        }
        show_item(out, config, &group->items[i], indent + (row->shape == CT_SHAPE_ONE ? 2 : 4),
                  row->shape == CT_SHAPE_LIST);
    }
}

void ct_config_show(struct ct_out *out, const struct ct_config *config)
{
    const char *tokens = getenv("CONVTAP_TOKENS");
    show_item(out, config, &config->root, 0, false);
    ct_out_format(out, "# CONVTAP_TOKENS: %s\n", tokens && *tokens ? "(set)" : "(not set)");
}

/* ---- docs/configuration.md -------------------------------------------------------------- */

/* A sentence inside a table. */
static void write_cell(struct ct_out *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            ct_out_char(out, '\\');
        }
        ct_out_char(out, *text);
    }
}

static void write_kind(struct ct_out *out, const struct ct_setting *row)
{
    static const char *const kinds[] = {
#define X(name, text) [CT_SETTING_##name] = text,
        CT_SETTING_KIND_MAP(X)
#undef X
    };
    write_cell(out, kinds[row->kind]);
    if (row->kind == CT_SETTING_CHOICE || row->kind == CT_SETTING_CHOICES) {
        for (const char *at = row->argument; *at; at += *at == '|') {
            size_t len = strcspn(at, "|");
            ct_out_format(out, "%s `%.*s`", at == row->argument ? "" : ",", (int)len, at);
            at += len;
        }
    }
}

static void write_default(struct ct_out *out, const struct ct_setting *row)
{
    const char *at = row->fallback;
    if (!at) {
        ct_out_text(out, row->needed ? "needed" : "-");
    } else if (!ct_setting_is_list(row->kind)) {
        ct_out_format(out, "`%s`", at);
    } else {
        for (size_t len; *at; at += len + (at[len] == ' ')) {
            len = strcspn(at, " ");
            ct_out_format(out, "%s`%.*s`", at == row->fallback ? "" : ", ", (int)len, at);
        }
    }
}

static void write_rows(struct ct_out *out, enum ct_section_id section)
{
    ct_out_text(out, "| key | value | default | command line | what it does |\n|---|---|---|---|---|\n");
    for (unsigned i = 0; i < ct_sections[section].count; i++) {
        const struct ct_setting *row = &ct_settings[ct_sections[section].first + i];
        ct_out_text(out, "| `");
        ct_out_text(out, row->key);
        ct_out_text(out, "` | ");
        write_kind(out, row);
        ct_out_text(out, " | ");
        write_default(out, row);
        ct_out_text(out, " | ");
        if (row->own_option) {
            ct_out_format(out, "`--%s ", row->option);
            write_cell(out, row->argument);
            ct_out_char(out, '`');
        } else {
            ct_out_char(out, '-');
        }
        ct_out_text(out, " | ");
        write_cell(out, row->help);
        ct_out_text(out, " |\n");
    }
}

static void write_section(struct ct_out *out, enum ct_section_id section)
{
    static const char *const shapes[] = {
        [CT_SHAPE_ONE] = "a map", [CT_SHAPE_NAMED] = "a map of maps, by name", [CT_SHAPE_LIST] = "a list of maps"};
    const struct ct_section *row = &ct_sections[section];
    const char *above = ct_sections[row->above].key;
    ct_out_format(out, "\n### `%s%s%s`, %s\n", above ? above : "", above ? "." : "", row->key, shapes[row->shape]);
    ct_out_text(out, row->help);
    ct_out_text(out, "\n\n");
    write_rows(out, section);
}

static void write_sections(struct ct_out *out)
{
    ct_out_text(out,
                "\n## Files\n"
                "```yaml\n"
                "inputs:\n"
                "  - {files: 'crm-*.csv', format: csv, options: {map: {conversation_id: Case, text: Body}}}\n"
                "  - {files: archive/*.txt, options: {order: mdy}}\n"
                "```\n"
                "On the command line: `--format-option 'crm-*.csv:order=dmy'`; that comes last, and a name that no "
                "input has is an error there.\n");
    write_section(out, CT_SECTION_WRITING);
    ct_out_text(out, "\n## The live tap\n"
                     "For `convtap serve`; `audit` and `explain` check these keys, and leave them. "
                     "[serve.md](serve.md) has an example.\n"
                     "Secrets come from files that others cannot read, or from the environment: never from the command "
                     "line, and they are never printed.\n");
    for (unsigned s = CT_SECTION_ROOT + 1; s < CT_SECTION_COUNT; s++) {
        if (s != CT_SECTION_WRITING) {
            write_section(out, s);
        }
    }
}

void ct_config_page(struct ct_out *out)
{
    ct_out_text(
        out,
        "# Configuration\n\n"
        "Generated by `convtap config show --markdown` from `cli/settings.h`; a test compares the two.\n"
        "[example-config.yaml](example-config.yaml) is a file to begin with.\n\n"
        "One YAML file, named with `--config FILE`. Every key has a default, an option of the command line wins over "
        "the file.\n"
        "A key that does not exist or a value that does not fit is an error with file:line:column, and exit status 2.\n"
        "Paths in the file are relative to the file's folder. `~` is the default. A map or list is a block or written "
        "in one line, as in all YAML.\n\n"
        "```\n"
        "convtap config show [--config FILE] [OPTION]...   # what is in force, and where each value came from\n"
        "convtap config check FILE...                      # mistakes, also in the rules and prices that it names\n"
        "```\n\n");
    write_rows(out, CT_SECTION_ROOT);
    ct_out_text(
        out,
        "\n## Maps and lists\n"
        "- `format_options`: what `convtap formats` lists for the format. An option that is a list may be written as "
        "one\n"
        "  (`bot: [Ana, 'Asistente*']`), one that is a map too (`roles: {Agente: agent, Robot: bot}`). Entries of the "
        "command line are\n"
        "  added or replace those of the same name. So the authors who are the bot, an agent or the customer are said "
        "here.\n"
        "- `idle_by_channel`: `{whatsapp: 24h}`; the names are those that the input gives its channels.\n"
        "- `targets`: `{csat: '>= 90', aht: '<= 5m', fcr: none}`, by a KPI's id or a variant's. "
        "The amount is in the KPI's\n"
        "  unit (docs/kpis.md), a time also as `30s` or `5m`. A target that bad figures would meet is an error. "
        "`audit` holds the whole and\n"
        "  each slice against it: the table, `--json`, `--csv` and `--report` show the status.\n"
        "- `health_weights`, `engagement_weights`: `{usage: 40, surveys: 60}`. Who names some weights names all of "
        "them: "
        "an input that is not\n"
        "  named has none, and they have to add up to 100.\n"
        "- `handoff_tools`: `[transfer_to_tier_2, '*_escalate']`; a call counts as a handoff that took place "
        "(`platform.handoff`).\n"
        "- `handoff_phrases`: `['te paso con el equipo de siniestros']`; in a bot's message it announces a person "
        "(`bot.handoff`), and counts as\n"
        "  a handoff as far as `announced` says.\n"
        "- `competitors`: `['Acme', 'Globex Corp']`; whole words in a customer's message (`topic.competitor`).\n\n"
        "These three lists, and what a positive CSAT is where it is said, are made into a rule pack named "
        "`configuration` behind those of the folder. Its bytes are part of the\n"
        "`rules_hash`, and evidence names its rules (`configuration.handoff_tool@1`).\n");
    write_sections(out);
}
