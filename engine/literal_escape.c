/* literal_escape.c - the smaller half of the pattern parser: single characters, escapes, classes (literal.c).
 */
#include "engine/literal_parse.h"

bool ct_lit_give_up(struct lit_parser *parser)
{
    parser->failed = true;
    return false;
}

/* `other`: no word character. */
bool ct_lit_any_text(struct lit_parser *parser, uint32_t max_len, bool other, struct lit_info *out)
{
    return ct_lit_info_any(parser->scratch, max_len, other, out) || ct_lit_give_up(parser);
}

bool ct_lit_any_char(struct lit_parser *parser, struct lit_info *out)
{
    return ct_lit_any_text(parser, ANY_CHAR_BYTES, false, out);
}

bool ct_lit_other_char(struct lit_parser *parser, struct lit_info *out)
{
    return ct_lit_any_text(parser, ANY_CHAR_BYTES, !parser->raw, out);
}

bool ct_lit_nothing(struct lit_parser *parser, uint8_t flags, struct lit_info *out)
{
    return ct_lit_info_empty(parser->scratch, flags, out) || ct_lit_give_up(parser);
}

bool ct_lit_blank(struct lit_parser *parser, struct lit_info *out)
{
    return ct_lit_info_string(parser->scratch, " ", 1, out) || ct_lit_give_up(parser);
}

/* A character of the pattern that stands for itself. The folded text holds only folded characters, and of a character
 * and its other cases just one is. */
bool ct_lit_one_char(struct lit_parser *parser, uint32_t c, struct lit_info *out)
{
    char text[32], key[32];
    unsigned characters;
    size_t len = ct_fold_char(c, text, key, &characters);
    if (c >= 0x80 || c == 1) /* 1 is what the narrow view writes for a symbol */
        parser->symbols_matter = true;
    if (parser->extended && c >= 0x80)
        return ct_lit_give_up(parser); /* some of these are ignored blanks then */
    if (characters != 1 || len > 4 || (parser->raw && len != 1))
        return ct_lit_any_char(parser, out);
    return ct_lit_info_string(parser->scratch, key, len, out) || ct_lit_give_up(parser);
}

uint32_t ct_lit_next_char(struct lit_parser *parser)
{
    const unsigned char *at = (const unsigned char *)parser->at;
    size_t left = (size_t)(parser->end - parser->at);
    uint32_t c = at[0];
    size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (len > left) {
        parser->at = parser->end;
        ct_lit_give_up(parser);
        return 0xFFFD;
    }
    if (len > 1) {
        c &= 0x7Fu >> len;
        for (size_t i = 1; i < len; i++)
            c = (c << 6) | (at[i] & 63u);
    }
    parser->at += len;
    return c;
}

bool ct_lit_looking_at(const struct lit_parser *parser, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(parser->end - parser->at) >= len && memcmp(parser->at, text, len) == 0;
}

bool ct_lit_skip_past(struct lit_parser *parser, char wanted)
{
    const char *found =
        parser->at < parser->end ? memchr(parser->at, wanted, (size_t)(parser->end - parser->at)) : NULL;
    if (!found)
        return ct_lit_give_up(parser);
    parser->at = found + 1;
    return true;
}

/* ---- escapes ------------------------------------------------------------------------------ */

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* Behind "\x": braces or at most two digits. */
static bool hex_escape(struct lit_parser *parser, uint32_t *c)
{
    bool braces = parser->at < parser->end && *parser->at == '{';
    unsigned digits = 0, most = braces ? 6 : 2;
    *c = 0;
    parser->at += braces;
    while (parser->at < parser->end && digits < most && hex_value(*parser->at) >= 0) {
        *c = *c * 16 + (uint32_t)hex_value(*parser->at++);
        digits++;
    }
    if (digits == 0 || *c > 0x10FFFF || (braces && (parser->at >= parser->end || *parser->at++ != '}')))
        return ct_lit_give_up(parser);
    return true;
}

/* Behind a backslash. ESCAPE_CHAR: *c. ESCAPE_ZERO: an assertion of letter *c. */
enum escape_kind ct_lit_read_escape(struct lit_parser *parser, bool in_class, uint32_t *c)
{
    if (parser->at >= parser->end) {
        ct_lit_give_up(parser);
        return ESCAPE_LONG;
    }
    *c = ct_lit_next_char(parser);
    switch (*c) {
    case 's':
        return ESCAPE_SPACE; /* of all spaces the folded view has only ASCII's, one byte each */
    case 'h':
    case 'v':
        return ESCAPE_OTHER;
    case 'W':
        return ESCAPE_OTHER;
    case 'd':
    case 'D':
    case 'S':
    case 'w':
    case 'H':
    case 'V':
        return ESCAPE_ANY;
    case 'p':
    case 'P':
        parser->symbols_matter = true;
        if (parser->at < parser->end && *parser->at == '{')
            ct_lit_skip_past(parser, '}');
        else if (parser->at < parser->end)
            parser->at++;
        return ESCAPE_ANY;
    case 'n':
        *c = '\n';
        return ESCAPE_CHAR;
    case 't':
        *c = '\t';
        return ESCAPE_CHAR;
    case 'r':
        *c = '\r';
        return ESCAPE_CHAR;
    case 'f':
        *c = '\f';
        return ESCAPE_CHAR;
    case 'a':
        *c = 7;
        return ESCAPE_CHAR;
    case 'e':
        *c = 27;
        return ESCAPE_CHAR;
    case 'x':
        parser->symbols_matter = true;
        hex_escape(parser, c);
        return ESCAPE_CHAR;
    case 'Q':
        return ESCAPE_QUOTE;
    case 'E': /* alone: ignored, and a quantifier behind it counts for what is before */
        ct_lit_give_up(parser);
        return ESCAPE_LONG;
    default:
        break;
    }
    if (*c < 0x80 && !((*c | 32) >= 'a' && (*c | 32) <= 'z') && !(*c >= '0' && *c <= '9'))
        return ESCAPE_CHAR; /* a quoted sign */
    if (in_class) {
        if (*c == 'b') {
            *c = 8;
            return ESCAPE_CHAR;
        }
        ct_lit_give_up(parser);
        return ESCAPE_LONG;
    }
    switch (*c) {
    case 'b':
    case 'B':
    case 'A':
    case 'z':
    case 'Z':
    case 'K':
        return ESCAPE_ZERO;
    case 'N':
        if (parser->at < parser->end && *parser->at == '{')
            ct_lit_give_up(parser);
        return ESCAPE_ANY;
    case 'R':
        return ESCAPE_OTHER;
    case 'X':
        parser->symbols_matter = true;
        return ESCAPE_LONG;
    case 'k':
        parser->symbols_matter = true; /* a back reference compares characters */
        if (parser->at < parser->end && (*parser->at == '{' || *parser->at == '<' || *parser->at == '\''))
            ct_lit_skip_past(parser, *parser->at == '{' ? '}' : *parser->at++ == '<' ? '>' : '\'');
        else
            ct_lit_give_up(parser);
        return ESCAPE_LONG;
    default:
        parser->symbols_matter = true;
        if (*c >= '1' && *c <= '9' && !(parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9'))
            return ESCAPE_LONG; /* \1 to \9 are always back references */
        ct_lit_give_up(parser);
        return ESCAPE_LONG;
    }
}

/* ---- classes ------------------------------------------------------------------------------ */

struct class_facts {
    uint32_t members[CLASS_MEMBERS_MAX];
    unsigned count;
    bool many;       /* more than can be listed */
    bool word;       /* \w is in it */
    bool only_gaps;  /* each member is \s or an ASCII sign: one ' ' in the key */
    bool only_other; /* each member is no word character */
};

static bool ascii_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static void class_add(struct class_facts *facts, uint32_t c)
{
    if (c >= 0x80 || ascii_word(c))
        facts->only_gaps = facts->only_other = false;
    if (facts->count < CLASS_MEMBERS_MAX)
        facts->members[facts->count++] = c;
    else
        facts->many = true;
}

/* One member, or the end of a range. false = it was a class escape, or the parser gave up. */
static bool class_char(struct lit_parser *parser, struct class_facts *facts, uint32_t *c)
{
    *c = ct_lit_next_char(parser);
    if (*c >= 0x80)
        parser->symbols_matter = true;
    if (*c == '[' && parser->at < parser->end && (*parser->at == ':' || *parser->at == '.' || *parser->at == '=')) {
        const char *name = parser->at++;
        while (parser->at < parser->end && (*parser->at == '^' || (*parser->at >= 'a' && *parser->at <= 'z')))
            parser->at++;
        if (*name != ':' || !ct_lit_looking_at(parser, ":]"))
            return ct_lit_give_up(parser);
        parser->at += 2;
        parser->symbols_matter = facts->many = true;
        facts->only_gaps = facts->only_other = false;
        return false;
    }
    if (*c != '\\')
        return true;
    switch (ct_lit_read_escape(parser, true, c)) {
    case ESCAPE_CHAR:
        return true;
    case ESCAPE_SPACE:
        facts->many = true;
        return false;
    case ESCAPE_OTHER:
        facts->many = true;
        facts->only_gaps = false;
        return false;
    case ESCAPE_ANY:
        facts->many = true;
        facts->only_gaps = facts->only_other = false;
        facts->word |= *c == 'w';
        return false;
    case ESCAPE_ZERO:
    case ESCAPE_LONG:
    case ESCAPE_QUOTE:
    default:
        return ct_lit_give_up(parser);
    }
}

static void read_members(struct lit_parser *parser, struct class_facts *facts)
{
    bool first = true;
    while (!parser->failed) {
        uint32_t low, high;
        if (parser->at >= parser->end) {
            ct_lit_give_up(parser);
            return;
        }
        if (*parser->at == ']' && !first) {
            parser->at++;
            return;
        }
        first = false;
        if (!class_char(parser, facts, &low))
            continue;
        if (!(ct_lit_looking_at(parser, "-") && parser->end - parser->at > 1 && parser->at[1] != ']')) {
            class_add(facts, low);
            continue;
        }
        parser->at++;
        if (!class_char(parser, facts, &high)) { /* "a-\d": three things, one of them '-' */
            class_add(facts, low);
            class_add(facts, '-');
            continue;
        }
        parser->symbols_matter |= high >= 0x80 || low <= 1;
        if (high < low || high >= 0x80) {
            facts->many = true;
            facts->only_gaps = facts->only_other = false;
            continue;
        }
        for (uint32_t c = low; c <= high; c++)
            class_add(facts, c);
    }
}

bool ct_lit_parse_class(struct lit_parser *parser, struct lit_info *out)
{
    struct class_facts facts = {.only_gaps = true, .only_other = true};
    bool negated = ct_lit_looking_at(parser, "^");
    parser->at += negated;
    read_members(parser, &facts);
    if (parser->failed)
        return false;
    if (negated)
        return facts.word ? ct_lit_other_char(parser, out) : ct_lit_any_char(parser, out);
    if (facts.only_gaps)
        return ct_lit_blank(parser, out);
    if (facts.only_other)
        return ct_lit_other_char(parser, out);
    if (facts.many)
        return ct_lit_any_char(parser, out);
    struct lit_info members[CLASS_MEMBERS_MAX];
    for (unsigned i = 0; i < facts.count; i++) {
        if (!ct_lit_one_char(parser, facts.members[i], &members[i]))
            return false;
    }
    return ct_lit_info_union(parser->scratch, members, facts.count, out) || ct_lit_give_up(parser);
}
