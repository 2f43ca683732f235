/* ruleset_pattern.c - one regular expression of a rule: checked for the mistakes people make, written out, tried with
 * PCRE2. A part of the pack loader (ruleset_load.h).
 */
#include "engine/ruleset_load.h"
#include "engine/ruleset_regex.h"

#include <stdio.h>

static size_t put_char(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* What the folded view makes of a character: the truth is asked, not repeated here. false = it stays as it is. */
static bool folds_away(struct ct_loader *loader, uint32_t code, char *becomes, size_t room)
{
    if (code < 0x80 ? !(code >= 'A' && code <= 'Z') : code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return false;
    }
    char bytes[4];
    struct ct_folded folded;
    ct_span text = {bytes, put_char(code, bytes)};
    ct_fold(loader->folder, text, &folded);
    if (ct_span_eq(folded.text, text)) {
        return false;
    }
    snprintf(becomes, room, "%.*s", (int)folded.text.len, folded.text.at ? folded.text.at : "");
    return true;
}

static void report_fold(const struct ct_yaml *yaml, const struct ct_yaml_node *node, struct ct_regex_token t,
                        const char *becomes)
{
    char code[16] = "";
    int len = (int)(t.end - t.begin);
    if (t.code >= 0x80) {
        snprintf(code, sizeof code, " (U+%04X)", t.code);
    }
    if (becomes[0] == '\0') {
        ct_yaml_problem_in(yaml, 'e', node, t.begin,
                           "'%.*s'%s is stripped from the folded view: it can never match; leave it out, or say "
                           "channel: raw",
                           len, node->text.at + t.begin, code);
    } else {
        ct_yaml_problem_in(yaml, 'e', node, t.begin,
                           "'%.*s'%s is '%s' in the folded view: it can never match; write '%s', or say channel: raw",
                           len, node->text.at + t.begin, code, becomes, becomes);
    }
}

/* Three equal letters in a row are one in the folded view: "siii" is never there, "sii?" and "si+" are. */
static bool never_tripled(const struct ct_regex *regex, const struct ct_regex_token *t, const uint32_t before[2])
{
    char next = t->end < regex->source.len ? regex->source.at[t->end] : '\0';
    return !regex->in_class && t->code == before[0] && t->code == before[1] && t->code >= 'a' && t->code <= 'z' &&
           next != '?' && next != '*' && next != '{';
}

/* Literals that can never match on the folded view, in a text and in the macros it uses (each of those once). Of a
 * word in capitals only the first is named. */
static bool check_fold(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, unsigned depth)
{
    struct ct_regex regex = {.source = node->text};
    size_t last_end = SIZE_MAX;
    uint32_t before[2] = {0, 0}; /* the two literals right before this one */
    bool ok = true;
    for (struct ct_regex_token t = ct_regex_next(&regex); t.kind != CT_REGEX_END; t = ct_regex_next(&regex)) {
        char becomes[64];
        if (t.kind == CT_REGEX_LITERAL && folds_away(loader, t.code, becomes, sizeof becomes)) {
            if (t.begin != last_end) {
                report_fold(ct_load_yaml(loader, pack), node, t, becomes);
            }
            last_end = t.end;
            ok = false;
        }
        if (t.kind == CT_REGEX_LITERAL && never_tripled(&regex, &t, before)) {
            ct_yaml_problem_in(ct_load_yaml(loader, pack), 'w', node, t.begin,
                               "three '%c' in a row are one in the folded view: this can never match", (int)t.code);
        }
        before[0] = before[1];
        before[1] = t.kind == CT_REGEX_LITERAL && !regex.in_class ? t.code : 0;
        struct ct_load_macro *macro = t.kind == CT_REGEX_MACRO ? ct_load_find_macro(loader, pack, t.name) : NULL;
        if (macro != NULL && !macro->fold_checked && !macro->bad && depth < CT_MACRO_DEPTH_MAX) {
            macro->fold_checked = true;
            (void)check_fold(loader, macro->pack, macro->node, depth + 1);
        }
    }
    return ok;
}

bool ct_load_pattern(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, bool raw,
                     struct ct_pattern *out)
{
    ct_span text;
    struct ct_expansion expansion;
    if (!ct_yaml_text(ct_load_yaml(loader, pack), node, "a pattern", &text)) {
        return false;
    }
    bool ok = raw || check_fold(loader, pack, node, 0);
    /* An empty alternative may well match the empty string, too: one word about it is enough. */
    ok = ct_load_check_alternatives(loader, pack, node) && ct_load_expand(loader, pack, node, &expansion) &&
         ct_load_compile(loader, pack, node, &expansion, NULL) && ok;
    if (!ok) {
        return false;
    }
    bool copied = true, copied_too = true;
    out->source = ct_arena_copy(&loader->set->arena, text, &copied);
    out->expanded = ct_arena_copy(&loader->set->arena, (ct_span){expansion.bytes, expansion.len}, &copied_too);
    out->line = node->line;
    out->column = node->column;
    return (copied && copied_too) || ct_yaml_no_memory(&loader->report);
}

const struct ct_pattern *ct_load_patterns(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *list,
                                          const char *what, bool raw, const struct ct_pattern *old, uint16_t *count)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    if (list == NULL || !ct_yaml_is_list(yaml, list, what)) {
        return old;
    }
    if (list->count + (uint32_t)*count > CT_PATTERNS_MAX) {
        ct_yaml_problem(yaml, 'e', list, "more than %d patterns in '%s'", CT_PATTERNS_MAX, what);
        return old;
    }
    struct ct_pattern *patterns = ct_load_alloc(loader, list->count + (size_t)*count, sizeof *patterns);
    if (patterns == NULL) {
        return old;
    }
    if (*count > 0) {
        memcpy(patterns, old, *count * sizeof *patterns);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (ct_load_pattern(loader, pack, ct_yaml_item(list, i), raw, &patterns[*count])) {
            (*count)++;
        }
    }
    return patterns;
}
