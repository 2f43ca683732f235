/* ruleset_regex.h - a regular expression as tokens: enough to find macros and the usual mistakes.
 *
 * Not a parser of PCRE2: PCRE2 says whether a pattern is right. This only has to know where a `{NAME}` is a macro
 * (not in `\p{LU}`, `\x{AB}`, a class or a quote), where an alternative is empty, and which characters are
 * literals. Private to the pack loader (ruleset_pattern.c, ruleset_macro.c).
 */
#ifndef CT_RULESET_REGEX_H
#define CT_RULESET_REGEX_H

#include "engine/ct.h"

enum ct_regex_kind {
    CT_REGEX_END,
    CT_REGEX_LITERAL,     /* one character that stands for itself, escaped or not, also inside a class; `code` */
    CT_REGEX_MACRO,       /* {NAME}; name */
    CT_REGEX_MACRO_CLASS, /* {NAME} inside [...]: cannot be meant */
    CT_REGEX_OPEN,        /* a group's opening with its prefix: "(", "(?:", "(?<name>" ... */
    CT_REGEX_CLOSE,       /* ) */
    CT_REGEX_OR,          /* | */
    CT_REGEX_OTHER        /* everything else: class brackets, \b, ., *, {2,3}, (?i), (?&name), (*VERB), ... */
};

struct ct_regex_token {
    enum ct_regex_kind kind;
    size_t begin, end; /* bytes in the source */
    ct_span name;      /* of a macro, borrowed from the source */
    uint32_t code;     /* code point of a literal */
};

/* Zero it and set `source` (valid UTF-8). */
struct ct_regex {
    ct_span source;
    size_t at;
    bool in_class, in_quote;
    size_t class_first; /* where a ']' would be a literal */
};

/* The next token; CT_REGEX_END at the end, again and again. Never fails: on a malformed pattern the tokens are a
 * guess, and PCRE2 will refuse it. */
struct ct_regex_token ct_regex_next(struct ct_regex *regex);

/* Code point at `at` and its length in bytes; the text is valid UTF-8. */
uint32_t ct_regex_char(ct_span text, size_t at, size_t *len);

#endif
