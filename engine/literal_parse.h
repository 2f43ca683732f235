/* literal_parse.h - the parser's state and the pieces that both of its halves use; private to literal.c,
 * literal_escape.c.
 */
#ifndef CT_LITERAL_PARSE_H
#define CT_LITERAL_PARSE_H

#include "engine/literal_set.h"

enum { DEPTH_MAX = 120, ANY_CHAR_BYTES = 4, CLASS_MEMBERS_MAX = 12 };

struct lit_parser {
    struct ct_arena *scratch;
    const char *at, *end;
    bool raw, extended, lines, failed; /* lines: ^ is true behind every newline */
    bool symbols_matter; /* the pattern may tell symbols outside ASCII apart by more than their not being ASCII */
    unsigned depth;
};

/* What a backslash and what follows stand for. */
enum escape_kind { ESCAPE_CHAR, ESCAPE_SPACE, ESCAPE_OTHER, ESCAPE_ANY, ESCAPE_ZERO, ESCAPE_LONG, ESCAPE_QUOTE };

/* Always false: the pattern gets no literals. */
bool ct_lit_give_up(struct lit_parser *parser);
/* What is known of the simplest things; false = given up. `other`: no word character. */
bool ct_lit_any_text(struct lit_parser *parser, uint32_t max_len, bool other, struct lit_info *out);
bool ct_lit_any_char(struct lit_parser *parser, struct lit_info *out);
bool ct_lit_other_char(struct lit_parser *parser, struct lit_info *out);
bool ct_lit_nothing(struct lit_parser *parser, uint8_t flags, struct lit_info *out);
bool ct_lit_blank(struct lit_parser *parser, struct lit_info *out);
/* A character of the pattern that stands for itself. */
bool ct_lit_one_char(struct lit_parser *parser, uint32_t c, struct lit_info *out);
/* Reading: the next code point; whether a text is next; past the next such byte, or giving up. */
uint32_t ct_lit_next_char(struct lit_parser *parser);
bool ct_lit_looking_at(const struct lit_parser *parser, const char *text);
bool ct_lit_skip_past(struct lit_parser *parser, char wanted);
/* Behind a backslash. ESCAPE_CHAR: *c. ESCAPE_ZERO: an assertion of letter *c. */
enum escape_kind ct_lit_read_escape(struct lit_parser *parser, bool in_class, uint32_t *c);
/* Behind '['. */
bool ct_lit_parse_class(struct lit_parser *parser, struct lit_info *out);

#endif
