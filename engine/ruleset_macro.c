/* ruleset_macro.c - macros: declared, checked once each, written out where a pattern uses them, and the way back
 * from an error of PCRE2 to the place it comes from. A stage of a load (ruleset_load.h).
 */
#include "engine/ruleset_load.h"
#include "engine/ruleset_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

/* The same as match.c compiles with: what is right here is right there. */
#define PATTERN_OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_CASELESS)

/* ---- writing out ------------------------------------------------------------------------ */

struct ct_load_macro *ct_load_find_macro(struct ct_loader *loader, uint16_t pack, ct_span name)
{
    for (uint16_t p = pack; p != CT_NO_PACK; p = loader->packs[p].parent) {
        uint32_t i = ct_name_find(&loader->macro_names, name, p);
        if (i != UINT32_MAX) {
            return &loader->macros[i];
        }
    }
    return NULL;
}

static bool append(struct ct_expansion *out, const char *bytes, size_t len, const struct ct_load_macro *macro,
                   size_t source)
{
    if (len > CT_PATTERN_BYTES_MAX - out->len) {
        return false;
    }
    if (out->piece_count < sizeof out->pieces / sizeof out->pieces[0]) {
        out->pieces[out->piece_count++] = (struct ct_expanded_piece){out->len, macro, source};
    }
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
    return true;
}

struct expander {
    struct ct_loader *loader;
    struct ct_expansion *out;
    unsigned depth;
    bool too_long, bad;
};

static bool expand_text(struct expander *x, uint16_t pack, const struct ct_yaml_node *node, struct ct_load_macro *self);

/* The reference `t` in `node`. */
static bool expand_macro(struct expander *x, uint16_t pack, const struct ct_yaml_node *node, struct ct_regex_token t,
                         const struct ct_load_macro *self)
{
    const struct ct_yaml *yaml = ct_load_yaml(x->loader, pack);
    struct ct_load_macro *macro = ct_load_find_macro(x->loader, pack, t.name);
    int len = (int)(t.name.len < 100 ? t.name.len : 100);
    if (macro == NULL) {
        ct_yaml_problem_in(yaml, 'e', node, t.begin,
                           "macro {%.*s} is not declared (macros: in this pack or one it "
                           "extends)",
                           len, t.name.at);
        return false;
    }
    macro->used = macro->used || self == NULL;
    if (macro->open || x->depth == CT_MACRO_DEPTH_MAX) {
        ct_yaml_problem_in(yaml, 'e', node, t.begin,
                           macro->open ? "macro {%.*s} uses itself, here or through others"
                                       : "macro {%.*s}: macros in macros deeper than 64",
                           len, t.name.at);
        macro->bad = true;
        return false;
    }
    if (macro->bad) {
        x->bad = true;
        return false;
    }
    if (!append(x->out, "(?:", 3, self, t.begin)) {
        x->too_long = true;
        return false;
    }
    macro->open = true;
    x->depth++;
    bool ok = expand_text(x, macro->pack, macro->node, macro);
    x->depth--;
    macro->open = false;
    macro->used = macro->used || self == NULL || self->used;
    if (ok && !append(x->out, ")", 1, self, t.begin)) {
        x->too_long = true;
        return false;
    }
    return ok;
}

static bool expand_text(struct expander *x, uint16_t pack, const struct ct_yaml_node *node, struct ct_load_macro *self)
{
    struct ct_regex regex = {.source = node->text};
    size_t from = 0;
    for (;;) {
        struct ct_regex_token t = ct_regex_next(&regex);
        if (t.kind == CT_REGEX_MACRO_CLASS) {
            ct_yaml_problem_in(ct_load_yaml(x->loader, pack), 'e', node, t.begin,
                               "macro {%.*s} inside [...] is not written out; for the letters themselves write \\{",
                               (int)(t.name.len < 100 ? t.name.len : 100), t.name.at);
            return false;
        }
        if (t.kind != CT_REGEX_MACRO && t.kind != CT_REGEX_END) {
            continue;
        }
        if (t.begin > from && !append(x->out, node->text.at + from, t.begin - from, self, from)) {
            x->too_long = true;
            return false;
        }
        if (t.kind == CT_REGEX_END) {
            return true;
        }
        if (!expand_macro(x, pack, node, t, self)) {
            return false;
        }
        from = t.end;
    }
}

bool ct_load_expand(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node, struct ct_expansion *out)
{
    struct expander x = {.loader = loader, .out = out};
    out->len = out->piece_count = 0;
    bool ok = expand_text(&x, pack, node, NULL);
    out->bytes[out->len] = '\0';
    if (x.too_long) {
        ct_yaml_problem(ct_load_yaml(loader, pack), 'e', node, "longer than %d bytes with its macros written out",
                        CT_PATTERN_BYTES_MAX);
    }
    return ok;
}

/* ---- PCRE2's verdict, and where it points ----------------------------------------------- */

/* A window of the expanded pattern with a caret below `offset`, each line behind two blanks. */
static void caret_text(const struct ct_expansion *e, size_t offset, char *out, size_t room)
{
    enum { BEFORE = 60, AFTER = 40 };
    size_t begin = offset > BEFORE ? offset - BEFORE : 0;
    size_t end = e->len - offset > AFTER ? offset + AFTER : e->len;
    while (begin > 0 && ((unsigned char)e->bytes[begin] & 0xC0) == 0x80) {
        begin--;
    }
    while (end < e->len && ((unsigned char)e->bytes[end] & 0xC0) == 0x80) {
        end++;
    }
    char shown[BEFORE + AFTER + 16];
    size_t columns = 0, len = end - begin;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)e->bytes[begin + i];
        shown[i] = c < 0x20 || c == 0x7F ? ' ' : (char)c; /* a line break would tear the caret off */
        columns += begin + i < offset && (c & 0xC0) != 0x80;
    }
    shown[len] = '\0';
    const char *left = begin > 0 ? "..." : "", *right = end < e->len ? "..." : "";
    snprintf(out, room, "  %s%s%s\n  %*s^", left, shown, right, (int)(columns + strlen(left)), "");
}

/* Reports at the place that byte `offset` of the expansion comes from. A mistake inside a macro is reported once, at
 * the macro. */
static void report_expanded(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node,
                            const struct ct_expansion *e, size_t offset, const struct ct_load_macro *self,
                            const char *text)
{
    const struct ct_expanded_piece *piece = NULL;
    char caret[300], used[300] = "";
    for (size_t i = 0; i < e->piece_count && e->pieces[i].begin <= offset; i++) {
        piece = &e->pieces[i];
    }
    if (piece != NULL && piece->macro != NULL && piece->macro != self) {
        char place[260];
        snprintf(used, sizeof used, " (used at %s)", ct_load_place(loader, pack, node, place, sizeof place));
        pack = piece->macro->pack;
        node = piece->macro->node;
    }
    caret_text(e, offset, caret, sizeof caret);
    ct_yaml_problem_in(ct_load_yaml(loader, pack), 'e', node, piece ? piece->source + (offset - piece->begin) : 0,
                       "%s%s\n%s", text, used, caret);
}

bool ct_load_compile(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node,
                     const struct ct_expansion *e, const struct ct_load_macro *self)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)e->bytes, e->len, PATTERN_OPTIONS, &error, &offset, NULL);
    if (code == NULL && error == PCRE2_ERROR_HEAP_FAILED) {
        return ct_yaml_no_memory(&loader->report);
    }
    if (code == NULL) {
        /* A macro alone may refer to a group of the pattern that uses it. */
        if (self != NULL && (error == PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE)) {
            return true;
        }
        PCRE2_UCHAR text[160] = "";
        char message[220];
        (void)pcre2_get_error_message(error, text, sizeof text);
        snprintf(message, sizeof message, "no regular expression: %s", (const char *)text);
        report_expanded(loader, pack, node, e, offset < e->len ? offset : e->len, self, message);
        return false;
    }
    uint32_t empty = 0;
    (void)pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &empty);
    pcre2_code_free(code);
    if (empty && self == NULL) {
        char caret[300];
        caret_text(e, 0, caret, sizeof caret);
        *strrchr(caret, '\n') = '\0'; /* the whole of it is at fault */
        ct_yaml_problem(ct_load_yaml(loader, pack), 'e', node,
                        "matches the empty string, so it would fire anywhere\n%s", caret);
        return false;
    }
    return true;
}

bool ct_load_check_alternatives(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *node)
{
    struct ct_regex regex = {.source = node->text};
    bool blank = true; /* nothing yet in this alternative */
    bool after_or = false;
    for (;;) {
        struct ct_regex_token t = ct_regex_next(&regex);
        bool ends = t.kind == CT_REGEX_OR || t.kind == CT_REGEX_CLOSE || t.kind == CT_REGEX_END;
        if (ends && blank && (after_or || t.kind == CT_REGEX_OR)) {
            ct_yaml_problem_in(ct_load_yaml(loader, pack), 'e', node, t.begin,
                               "an empty alternative: for 'or nothing' write (?:...)?\n  %.*s\n  %*s^",
                               (int)(node->text.len < 400 ? node->text.len : 400), node->text.at,
                               (int)(t.begin < 400 ? t.begin : 400), "");
            return false;
        }
        if (t.kind == CT_REGEX_END) {
            return true;
        }
        blank = t.kind == CT_REGEX_OR || t.kind == CT_REGEX_OPEN;
        after_or = t.kind == CT_REGEX_OR;
    }
}

/* ---- declaring and checking ------------------------------------------------------------- */

static bool is_macro_name(ct_span name)
{
    bool ok = name.len > 0 && name.len <= 100 && name.at[0] >= 'A' && name.at[0] <= 'Z';
    for (size_t i = 0; ok && i < name.len; i++) {
        char c = name.at[i];
        ok = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    return ok;
}

static void check_macro(struct ct_loader *loader, struct ct_load_macro *macro)
{
    struct ct_expansion expansion;
    struct expander x = {.loader = loader, .out = &expansion, .depth = 1};
    expansion.len = expansion.piece_count = 0;
    macro->open = true;
    bool ok = ct_load_check_alternatives(loader, macro->pack, macro->node) &&
              expand_text(&x, macro->pack, macro->node, macro);
    macro->open = false;
    expansion.bytes[expansion.len] = '\0';
    if (x.too_long) {
        ct_yaml_problem(ct_load_yaml(loader, macro->pack), 'e', macro->node,
                        "macro {%s} is longer than %d bytes with its macros written out", macro->name.at,
                        CT_PATTERN_BYTES_MAX);
    }
    ok = ok && ct_load_compile(loader, macro->pack, macro->node, &expansion, macro);
    macro->bad = macro->bad || !ok;
}

/* Depth first, so that a mistake is found in the innermost macro and reported there alone. */
static void check_below(struct ct_loader *loader, struct ct_load_macro *macro, unsigned depth)
{
    struct ct_regex regex = {.source = macro->node->text};
    macro->checked = true;
    for (struct ct_regex_token t = ct_regex_next(&regex); t.kind != CT_REGEX_END; t = ct_regex_next(&regex)) {
        struct ct_load_macro *inner = t.kind == CT_REGEX_MACRO ? ct_load_find_macro(loader, macro->pack, t.name) : NULL;
        if (inner != NULL && !inner->checked && depth < CT_MACRO_DEPTH_MAX) {
            check_below(loader, inner, depth + 1);
        }
    }
    check_macro(loader, macro);
}

static void declare(struct ct_loader *loader, uint16_t pack, const struct ct_yaml_node *key,
                    const struct ct_yaml_node *value)
{
    const struct ct_yaml *yaml = ct_load_yaml(loader, pack);
    ct_span text;
    bool named = is_macro_name(key->text);
    if (!named) {
        ct_yaml_problem(yaml, 'e', key, "'%.100s' is no name for a macro: capitals, digits and '_', a capital first",
                        key->text.at);
    }
    bool good = ct_yaml_text(yaml, value, "a macro", &text);
    if (!named) {
        return;
    }
    loader->macros[loader->macro_count] =
        (struct ct_load_macro){.name = key->text, .node = value, .pack = pack, .bad = !good, .checked = !good};
    if (!ct_name_add(&loader->macro_names, key->text, pack, (uint32_t)loader->macro_count++)) {
        (void)ct_yaml_no_memory(&loader->report);
    }
}

void ct_load_macros(struct ct_loader *loader)
{
    size_t total = 0;
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml_node *map = ct_yaml_find(loader->packs[p].yaml.root, "macros");
        total += map != NULL && ct_yaml_is_map(ct_load_yaml(loader, p), map, "macros") ? map->count : 0;
    }
    loader->macros = ct_arena_zalloc(&loader->scratch, total * sizeof *loader->macros);
    if (loader->macros == NULL) {
        (void)ct_yaml_no_memory(&loader->report);
        return;
    }
    for (uint16_t p = 0; p < loader->pack_count; p++) {
        const struct ct_yaml_node *map = ct_yaml_find(loader->packs[p].yaml.root, "macros");
        for (uint32_t i = 0; map != NULL && map->kind == CT_YAML_MAP && i < map->count; i++) {
            declare(loader, p, ct_yaml_key(map, i), ct_yaml_value(map, i));
        }
    }
    for (size_t i = 0; i < loader->macro_count; i++) {
        if (!loader->macros[i].checked) {
            check_below(loader, &loader->macros[i], 0);
        }
    }
}

void ct_load_check_unused(struct ct_loader *loader)
{
    for (size_t i = 0; loader->options->strict && i < loader->macro_count; i++) {
        const struct ct_load_macro *macro = &loader->macros[i];
        if (!macro->used && !macro->bad) {
            ct_yaml_problem(ct_load_yaml(loader, macro->pack), 'w', macro->node, "no pattern uses macro {%s}",
                            macro->name.at);
        }
    }
}
