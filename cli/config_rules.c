/* config_rules.c - handoff_tools, handoff_phrases, competitors and what a positive CSAT is as a rule pack, so that they
 * are matched, shown as evidence and hashed like every other rule; and the prices that the configuration names. See
 * config.h. */
#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/packs.h"
#include "engine/cost.h"
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

/* A pattern rule over texts that are taken as they are. */
static bool write_phrases(FILE *to, const char *head, const struct ct_config_value *phrases)
{
    struct ct_folder *folder = ct_folder_new();
    if (!folder) {
        return false;
    }
    fputs(head, to);
    for (size_t i = 0; i < phrases->count; i++) {
        struct ct_folded folded;
        ct_fold(folder, ct_span_of(phrases->entries[i].text), &folded);
        write_pattern(to, trimmed(folded.text));
    }
    ct_folder_free(folder);
    return true;
}

enum { POSITIVE_OF_5 = 4, POSITIVE_OF_10 = 6 }; /* as the rules have it without us */

static bool other_positive(const struct ct_config *config)
{
    return config->terms.csat_positive_of_5 != POSITIVE_OF_5 || config->terms.csat_positive_of_10 != POSITIVE_OF_10;
}

static bool write_pack(FILE *to, const struct ct_config *config)
{
    const struct ct_config_value *tools = config->handoff_tools, *phrases = config->handoff_phrases;
    bool rules = tools->count || phrases->count || config->competitors->count, good = true;
    fputs("pack: configuration\nversion: 1.0.0\nextends: core\n", to);
    if (other_positive(config)) {
        fprintf(to, "csat_positive: {5: %llu, 10: %llu}\n", (unsigned long long)config->terms.csat_positive_of_5,
                (unsigned long long)config->terms.csat_positive_of_10);
    }
    fputs(rules ? "rules:\n" : "", to);
    if (tools->count) {
        fputs("  - id: configuration.handoff_tool\n    emit: platform.handoff\n    event:\n      tool:\n", to);
        for (size_t i = 0; i < tools->count; i++) {
            fputs("      - '", to);
            quoted(to, tools->entries[i].text);
            fputs("'\n", to);
        }
    }
    if (phrases->count) {
        good = write_phrases(
            to, "  - id: configuration.handoff_phrase\n    role: bot\n    emit: bot.handoff\n    any:\n", phrases);
    }
    if (good && config->competitors->count) {
        good = write_phrases(to,
                             "  - id: configuration.competitor\n    role: user\n    emit: topic.competitor\n    any:\n",
                             config->competitors);
    }
    return good;
}

char *ct_config_pack(const struct ct_config *config, size_t *len)
{
    char *text = NULL;
    *len = 0;
    FILE *to = open_memstream(&text, len);
    if (!to) {
        return NULL;
    }
    bool any = config->handoff_tools->count || config->handoff_phrases->count || config->competitors->count ||
               other_positive(config);
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
        status = ct_packs_add(packs, "configuration", (ct_span){extra, len}, err);
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

bool ct_config_cost(const struct ct_config *config, struct ct_cost_model **out, struct ct_error *err)
{
    size_t len;
    *out = NULL;
    if (!config->cost_model) {
        return true;
    }
    char *bytes = ct_file_read(config->cost_model, CT_COST_FILE_BYTES_MAX, &len, err);
    if (bytes) {
        char hash[65];
        *out = ct_cost_model_load(ct_span_of(config->cost_model), (ct_span){bytes, len}, err);
        if (*out && ct_packs_hash(&(struct ct_pack_source){.bytes = {bytes, len}}, 1, hash, err) != CT_OK) {
            ct_cost_model_free(*out);
            *out = NULL;
        } else if (*out) {
            ct_cost_model_mark(*out, hash);
        }
        free(bytes);
    }
    return *out != NULL;
}
