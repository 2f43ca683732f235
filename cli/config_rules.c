/* config_rules.c - handoff_tools and handoff_phrases as a rule pack, so that they are matched, shown as evidence and
 * hashed like every other rule. See config.h. */
#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/packs.h"
#include "engine/fold.h"

/* Inside single quotes in YAML. */
static void quoted(FILE *to, const char *text)
{
    for (; *text; text++) {
        fputc(*text, to);
        if (*text == '\'') {
            fputc('\'', to);
        }
    }
}

/* The phrase as the folded view has it, every sign taken as it is, spaces of any number, not within a longer word. */
static void write_pattern(FILE *to, ct_span folded)
{
    fputs("      - '(?<!\\w)", to);
    for (size_t i = 0; i < folded.len; i++) {
        unsigned char c = (unsigned char)folded.at[i];
        if (c == ' ' || c == '\n') {
            while (i + 1 < folded.len && (folded.at[i + 1] == ' ' || folded.at[i + 1] == '\n')) {
                i++;
            }
            fputs("\\s+", to);
        } else if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) {
            fputc(c, to);
        } else {
            fputs(c == '\'' ? "\\''" : (char[]){'\\', (char)c, '\0'}, to);
        }
    }
    fputs("(?!\\w)'\n", to);
}

static ct_span trimmed(ct_span text)
{
    while (text.len && (text.at[0] == ' ' || text.at[0] == '\n')) {
        text = (ct_span){text.at + 1, text.len - 1};
    }
    while (text.len && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\n')) {
        text.len--;
    }
    return text;
}

static bool write_pack(FILE *to, const struct ct_config *config)
{
    const struct ct_config_value *tools = config->handoff_tools, *phrases = config->handoff_phrases;
    fputs("pack: configuration\nversion: 1.0.0\nextends: core\nrules:\n", to);
    if (tools->count) {
        fputs("  - id: configuration.handoff_tool\n    emit: platform.handoff\n    event:\n      tool:\n", to);
        for (size_t i = 0; i < tools->count; i++) {
            fputs("      - '", to);
            quoted(to, tools->entries[i].text);
            fputs("'\n", to);
        }
    }
    if (phrases->count) {
        struct ct_folder *folder = ct_folder_new();
        if (!folder) {
            return false;
        }
        fputs("  - id: configuration.handoff_phrase\n    role: bot\n    emit: bot.handoff\n    any:\n", to);
        for (size_t i = 0; i < phrases->count; i++) {
            struct ct_folded folded;
            ct_fold(folder, ct_span_of(phrases->entries[i].text), &folded);
            write_pattern(to, trimmed(folded.text));
        }
        ct_folder_free(folder);
    }
    return true;
}

char *ct_config_pack(const struct ct_config *config, size_t *len)
{
    char *text = NULL;
    *len = 0;
    FILE *to = open_memstream(&text, len);
    if (!to) {
        return NULL;
    }
    bool any = config->handoff_tools->count || config->handoff_phrases->count;
    bool good = !any || write_pack(to, config);
    good &= ferror(to) == 0;
    if (fclose(to) != 0 || !good) {
        free(text);
        return NULL;
    }
    return text;
}

enum ct_status ct_config_packs(const struct ct_config *config, const char *folder, struct ct_packs *packs,
                               struct ct_error *err)
{
    size_t len;
    char *extra = ct_config_pack(config, &len);
    *packs = (struct ct_packs){0};
    if (!extra) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    enum ct_status status = ct_packs_load(folder, packs, err);
    if (status == CT_OK && len) {
        status = ct_packs_add(packs, "handoff_tools and handoff_phrases", (ct_span){extra, len}, err);
    }
    free(extra);
    return status;
}

struct ct_ruleset *ct_config_ruleset(const struct ct_config *config, const char *folder, struct ct_error *err)
{
    struct ct_packs packs;
    struct ct_ruleset *rules = NULL;
    if (ct_config_packs(config, folder, &packs, err) == CT_OK) {
        struct ct_load_options options = {.hash_hex = ct_span_of(packs.hash)};
        rules = ct_ruleset_load(packs.sources, packs.count, &options, err);
    }
    ct_packs_done(&packs);
    return rules;
}
