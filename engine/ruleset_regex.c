/* ruleset_regex.c - tokens of a regular expression. See ruleset_regex.h. Called by the pack loader only. */
#include "engine/ruleset_regex.h"

uint32_t ct_regex_char(ct_span text, size_t at, size_t *len)
{
    const unsigned char *s = (const unsigned char *)text.at + at;
    if (s[0] < 0x80) {
        *len = 1;
        return s[0];
    }
    *len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (*len > text.len - at) {
        *len = text.len - at;
    }
    uint32_t code = s[0] & (*len == 2 ? 0x1Fu : *len == 3 ? 0x0Fu : 0x07u);
    for (size_t i = 1; i < *len; i++) {
        code = code << 6 | (s[i] & 0x3Fu);
    }
    return code;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_capital(c) || (c >= 'a' && c <= 'z');
}

static int hex_value(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char char_at(const struct ct_regex *r, size_t at)
{
    return at < r->source.len ? r->source.at[at] : '\0';
}

/* One past the next `c` from `at`; the end where there is none. */
static size_t after_char(const struct ct_regex *r, size_t at, char c)
{
    while (at < r->source.len && r->source.at[at] != c) {
        at++;
    }
    return at < r->source.len ? at + 1 : r->source.len;
}

/* {NAME}: a capital, then capitals, digits, '_'. 0 = none here, else its length. */
static size_t macro_bytes(const struct ct_regex *r, size_t at)
{
    size_t i = at + 1;
    if (char_at(r, at) != '{' || !is_capital(char_at(r, i))) {
        return 0;
    }
    while (is_capital(char_at(r, i)) || is_digit(char_at(r, i)) || char_at(r, i) == '_') {
        i++;
    }
    return char_at(r, i) == '}' ? i + 1 - at : 0;
}

static struct ct_regex_token token(struct ct_regex *r, enum ct_regex_kind kind, size_t end)
{
    struct ct_regex_token t = {.kind = kind, .begin = r->at, .end = end < r->source.len ? end : r->source.len};
    r->at = t.end;
    return t;
}

static struct ct_regex_token literal(struct ct_regex *r, size_t at)
{
    size_t len;
    uint32_t code = ct_regex_char(r->source, at, &len);
    struct ct_regex_token t = token(r, CT_REGEX_LITERAL, at + len);
    t.code = code;
    return t;
}

/* Backslash at r->at. */
static struct ct_regex_token escape(struct ct_regex *r)
{
    size_t at = r->at + 1;
    char c = char_at(r, at);
    if (at >= r->source.len) {
        return token(r, CT_REGEX_OTHER, at);
    }
    if (!is_letter(c) && !is_digit(c)) {
        return literal(r, at);
    }
    if (c == 'Q') {
        r->in_quote = true;
        return token(r, CT_REGEX_OTHER, at + 1);
    }
    if (c == 'x') { /* \xhh, \x{hhhh} */
        bool braces = char_at(r, at + 1) == '{';
        size_t i = at + 1 + braces;
        uint32_t code = 0;
        for (unsigned n = 0; hex_value(char_at(r, i)) >= 0 && n < (braces ? 8u : 2u); n++, i++) {
            code = code << 4 | (uint32_t)hex_value(r->source.at[i]);
        }
        struct ct_regex_token t = token(r, CT_REGEX_LITERAL, braces ? after_char(r, i, '}') : i);
        t.code = code;
        return t;
    }
    if (strchr("pPoNgk", c) != NULL) {
        char open = char_at(r, at + 1);
        char close = open == '{' ? '}' : open == '<' ? '>' : open == '\'' ? '\'' : '\0';
        if (close != '\0' && (open == '{' || c == 'g' || c == 'k')) {
            return token(r, CT_REGEX_OTHER, after_char(r, at + 2, close));
        }
        return token(r, CT_REGEX_OTHER, at + (c == 'p' || c == 'P' ? 2 : 1));
    }
    return token(r, CT_REGEX_OTHER, at + (c == 'c' ? 2 : 1));
}

static struct ct_regex_token in_class(struct ct_regex *r)
{
    char c = r->source.at[r->at];
    if (c == ']' && r->at != r->class_first) {
        r->in_class = false;
        return token(r, CT_REGEX_OTHER, r->at + 1);
    }
    if (c == '[' && char_at(r, r->at + 1) == ':') { /* [:alpha:] */
        size_t i = r->at + 2;
        while (is_letter(char_at(r, i)) || char_at(r, i) == '^') {
            i++;
        }
        if (char_at(r, i) == ':' && char_at(r, i + 1) == ']') {
            return token(r, CT_REGEX_OTHER, i + 2);
        }
    }
    size_t macro = macro_bytes(r, r->at);
    if (macro != 0) {
        struct ct_regex_token t = token(r, CT_REGEX_MACRO_CLASS, r->at + macro);
        t.name = (ct_span){r->source.at + t.begin + 1, macro - 2};
        return t;
    }
    return c == '\\' ? escape(r) : literal(r, r->at);
}

/* "(" at r->at: what kind of group, and where its inside begins. */
static struct ct_regex_token open_group(struct ct_regex *r)
{
    size_t at = r->at + 1;
    if (char_at(r, at) == '*') {
        char c = char_at(r, at + 1);
        if (c >= 'a' && c <= 'z') { /* (*pla:...) */
            return token(r, CT_REGEX_OPEN, after_char(r, at, ':'));
        }
        return token(r, CT_REGEX_OTHER, after_char(r, at, ')')); /* (*VERB) */
    }
    if (char_at(r, at) != '?') {
        return token(r, CT_REGEX_OPEN, at);
    }
    at++;
    char c = char_at(r, at), next = char_at(r, at + 1);
    if (c == '#') {
        return token(r, CT_REGEX_OTHER, after_char(r, at, ')'));
    }
    if (c != '\0' && strchr(":|>=!", c) != NULL) {
        return token(r, CT_REGEX_OPEN, at + 1);
    }
    if (c == '<' && (next == '=' || next == '!')) {
        return token(r, CT_REGEX_OPEN, at + 2);
    }
    if (c == '<' || c == '\'' || (c == 'P' && next == '<')) {
        size_t name = at + 1 + (c == 'P');
        return token(r, CT_REGEX_OPEN, after_char(r, name, c == '\'' ? '\'' : '>'));
    }
    if (c == '(') { /* a condition; an assertion as a condition is a group of its own */
        return token(r, CT_REGEX_OPEN, next == '?' || next == '*' ? at : after_char(r, at, ')'));
    }
    size_t i = at;
    while (is_letter(char_at(r, i)) || char_at(r, i) == '-' || char_at(r, i) == '^') {
        i++;
    }
    if (char_at(r, i) == ':') { /* (?i: */
        return token(r, CT_REGEX_OPEN, i + 1);
    }
    return token(r, CT_REGEX_OTHER, after_char(r, at, ')')); /* (?i), (?R), (?&name), (?1) ... */
}

struct ct_regex_token ct_regex_next(struct ct_regex *r)
{
    if (r->at >= r->source.len) {
        return token(r, CT_REGEX_END, r->source.len);
    }
    char c = r->source.at[r->at];
    if (r->in_quote) {
        if (c == '\\' && char_at(r, r->at + 1) == 'E') {
            r->in_quote = false;
            return token(r, CT_REGEX_OTHER, r->at + 2);
        }
        return literal(r, r->at);
    }
    if (r->in_class) {
        return in_class(r);
    }
    size_t macro = macro_bytes(r, r->at);
    if (macro != 0) {
        struct ct_regex_token t = token(r, CT_REGEX_MACRO, r->at + macro);
        t.name = (ct_span){r->source.at + t.begin + 1, macro - 2};
        return t;
    }
    switch (c) {
    case '\\':
        return escape(r);
    case '[':
        r->in_class = true;
        r->class_first = r->at + 1 + (char_at(r, r->at + 1) == '^');
        return token(r, CT_REGEX_OTHER, r->class_first);
    case '(':
        return open_group(r);
    case ')':
        return token(r, CT_REGEX_CLOSE, r->at + 1);
    case '|':
        return token(r, CT_REGEX_OR, r->at + 1);
    case '{': { /* a quantifier's inside is no literal */
        size_t i = r->at + 1;
        while (is_digit(char_at(r, i)) || char_at(r, i) == ',') {
            i++;
        }
        return char_at(r, i) == '}' && i > r->at + 1 ? token(r, CT_REGEX_OTHER, i + 1) : literal(r, r->at);
    }
    case '.':
    case '*':
    case '+':
    case '?':
    case '^':
    case '$':
        return token(r, CT_REGEX_OTHER, r->at + 1);
    default:
        return literal(r, r->at);
    }
}
