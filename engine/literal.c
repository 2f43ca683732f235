/* literal.c - reads PCRE2's pattern syntax and says what a match must contain (literal.h).
 *
 * One recursive descent that builds no tree: each construct returns what is known of it (literal_set.h). Constructs
 * that need not be understood are read over as "any text"; those that could change the meaning of what surrounds them
 * (verbs, \G, unknown escapes, options it does not know) make it give up on the whole pattern.
 */
#include "engine/literal_parse.h"

/* ---- groups ------------------------------------------------------------------------------- */

static bool parse_alternatives(struct lit_parser *parser, struct lit_info *out);

static bool expect_close(struct lit_parser *parser)
{
    if (parser->at >= parser->end || *parser->at != ')')
        return ct_lit_give_up(parser);
    parser->at++;
    return true;
}

/* Up to and with the closing parenthesis; option letters inside count to its end only. */
static bool group_body(struct lit_parser *parser, struct lit_info *out)
{
    bool extended = parser->extended;
    if (++parser->depth > DEPTH_MAX)
        return ct_lit_give_up(parser);
    bool done = parse_alternatives(parser, out) && expect_close(parser);
    parser->depth--;
    parser->extended = extended;
    return done;
}

/* (?=...), (?!...), (?<=...), (?<!...): no width. Of a lookahead's insides something is required. */
static bool parse_look(struct lit_parser *parser, bool ahead, bool negative, struct lit_info *out)
{
    struct lit_info inside;
    bool word = !parser->raw && ct_lit_looking_at(parser, "\\w)");
    if (!group_body(parser, &inside))
        return false;
    if (negative)
        return ct_lit_nothing(parser, word ? (ahead ? LIT_TRAIL : LIT_LEAD) : 0, out);
    if (ahead)
        return ct_lit_info_required(parser->scratch, &inside, out) || ct_lit_give_up(parser);
    return ct_lit_nothing(parser, 0, out);
}

/* (?imsx-imsx) and (?imsx-imsx: */
static bool parse_options(struct lit_parser *parser, struct lit_info *out)
{
    bool on = true, extended = parser->extended;
    if (ct_lit_looking_at(parser, "^"))
        extended = false;
    while (parser->at < parser->end && *parser->at != ')' && *parser->at != ':') {
        char c = *parser->at++;
        if (c == '-')
            on = false;
        else if (c == 'm' && on)
            parser->lines = true; /* from here on, to be on the safe side */
        else if (c == 'x' && !ct_lit_looking_at(parser, "x"))
            extended = on;
        else if (!memchr("^imsnJU", c, 7))
            return ct_lit_give_up(parser);
    }
    if (parser->at >= parser->end)
        return ct_lit_give_up(parser);
    if (*parser->at++ == ')') {
        parser->extended = extended; /* to the end of the group that we are in */
        return ct_lit_nothing(parser, 0, out);
    }
    bool before = parser->extended;
    parser->extended = extended;
    bool done = group_body(parser, out);
    parser->extended = before;
    return done;
}

/* (?(condition)yes|no): either branch or nothing. */
static bool parse_condition(struct lit_parser *parser, struct lit_info *out)
{
    struct lit_info ignored;
    if (ct_lit_looking_at(parser, "?")) {
        if (!(ct_lit_looking_at(parser, "?=") || ct_lit_looking_at(parser, "?!") || ct_lit_looking_at(parser, "?<=") ||
              ct_lit_looking_at(parser, "?<!")))
            return ct_lit_give_up(parser);
        parser->at += ct_lit_looking_at(parser, "?<") ? 3 : 2;
        if (!group_body(parser, &ignored))
            return false;
    } else if (!ct_lit_skip_past(parser, ')')) {
        return false;
    }
    return group_body(parser, &ignored) && ct_lit_any_text(parser, CT_LITERAL_FAR, false, out);
}

static bool parse_group(struct lit_parser *parser, struct lit_info *out)
{
    if (ct_lit_looking_at(parser, "*"))
        return ct_lit_give_up(parser);
    if (!ct_lit_looking_at(parser, "?"))
        return group_body(parser, out);
    parser->at++;
    if (parser->at >= parser->end)
        return ct_lit_give_up(parser);
    static const struct {
        const char *head;
        bool ahead, negative;
    } looks[] = {{"=", true, false}, {"!", true, true}, {"<=", false, false}, {"<!", false, true}};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        if (ct_lit_looking_at(parser, looks[i].head)) {
            parser->at += strlen(looks[i].head);
            return parse_look(parser, looks[i].ahead, looks[i].negative, out);
        }
    }
    char c = *parser->at;
    if (c == ':' || c == '>' || c == '|') {
        parser->at++;
        return group_body(parser, out);
    }
    if (c == '#') { /* a quantifier behind a comment counts for what is before it */
        if (!ct_lit_skip_past(parser, ')') || parser->extended ||
            (parser->at < parser->end && memchr("*+?{", *parser->at, 4)))
            return ct_lit_give_up(parser);
        return ct_lit_nothing(parser, 0, out);
    }
    if (c == '(') {
        parser->at++;
        return parse_condition(parser, out);
    }
    if (ct_lit_looking_at(parser, "P<") || ct_lit_looking_at(parser, "<"))
        return ct_lit_skip_past(parser, '>') && group_body(parser, out);
    if (c == '\'') {
        parser->at++;
        return ct_lit_skip_past(parser, '\'') && group_body(parser, out);
    }
    if (c == 'R' || c == '&' || c == '+' || (c >= '0' && c <= '9') || ct_lit_looking_at(parser, "P>") ||
        ct_lit_looking_at(parser, "P=") ||
        (c == '-' && parser->end - parser->at > 1 && parser->at[1] >= '0' && parser->at[1] <= '9')) {
        parser->symbols_matter = true;
        return ct_lit_skip_past(parser, ')') &&
               ct_lit_any_text(parser, CT_LITERAL_FAR, false, out); /* a call or a back reference */
    }
    return parse_options(parser, out);
}

/* ---- sequences ---------------------------------------------------------------------------- */

static void skip_ignored(struct lit_parser *parser)
{
    while (parser->extended && parser->at < parser->end) {
        char c = *parser->at;
        if (c == '#') {
            const char *line = memchr(parser->at, '\n', (size_t)(parser->end - parser->at));
            parser->at = line ? line + 1 : parser->end;
        } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
            parser->at++;
        } else {
            break;
        }
    }
}

/* \Q...\E */
static bool parse_quoted(struct lit_parser *parser, struct lit_info *out)
{
    if (!ct_lit_nothing(parser, 0, out))
        return false;
    while (parser->at < parser->end && !ct_lit_looking_at(parser, "\\E")) {
        struct lit_info one;
        if (!ct_lit_one_char(parser, ct_lit_next_char(parser), &one))
            return false;
        if (!ct_lit_info_concat(parser->scratch, out, &one, out))
            return ct_lit_give_up(parser);
    }
    if (parser->at < parser->end)
        parser->at += 2;
    if (parser->extended)
        return ct_lit_give_up(parser);
    /* a quantifier behind it would count for the last character alone */
    if (parser->at < parser->end && memchr("*+?{", *parser->at, 4))
        return ct_lit_give_up(parser);
    return true;
}

static bool parse_escape(struct lit_parser *parser, struct lit_info *out)
{
    uint32_t c = 0;
    switch (ct_lit_read_escape(parser, false, &c)) {
    case ESCAPE_CHAR:
        return ct_lit_one_char(parser, c, out);
    case ESCAPE_SPACE:
        return ct_lit_blank(parser, out);
    case ESCAPE_OTHER:
        return ct_lit_other_char(parser, out);
    case ESCAPE_ANY:
        return ct_lit_any_char(parser, out);
    case ESCAPE_QUOTE:
        return parse_quoted(parser, out);
    case ESCAPE_ZERO:
        if (parser->raw)
            return ct_lit_nothing(parser, 0, out);
        return ct_lit_nothing(parser,
                              c == 'b'               ? LIT_BREAK
                              : c == 'A'             ? LIT_LEAD | LIT_FIRST
                              : c == 'z' || c == 'Z' ? LIT_TRAIL
                                                     : 0,
                              out);
    case ESCAPE_LONG:
    default:
        return ct_lit_any_text(parser, CT_LITERAL_FAR, false, out);
    }
}

static bool parse_atom(struct lit_parser *parser, struct lit_info *out)
{
    uint32_t c = ct_lit_next_char(parser);
    switch (c) {
    case '\\':
        return parse_escape(parser, out);
    case '[':
        return ct_lit_parse_class(parser, out);
    case '(':
        return parse_group(parser, out);
    case '.':
        return ct_lit_any_char(parser, out);
    case '^':
        return ct_lit_nothing(parser, parser->raw ? 0 : parser->lines ? LIT_LEAD : LIT_LEAD | LIT_FIRST, out);
    case '$':
        return ct_lit_nothing(parser, parser->raw ? 0 : LIT_TRAIL, out);
    case '*':
    case '+':
    case '?':
        return ct_lit_give_up(parser);
    default:
        return ct_lit_one_char(parser, c, out);
    }
}

static bool read_number(struct lit_parser *parser, uint32_t *number)
{
    const char *start = parser->at;
    *number = 0;
    while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9' && parser->at - start < 6)
        *number = *number * 10 + (uint32_t)(*parser->at++ - '0');
    return parser->at > start;
}

/* {n} {n,} {n,m}. What only newer versions take as a quantifier ({,m}, blanks) is not guessed at. */
static bool read_braces(struct lit_parser *parser, uint32_t *min, uint32_t *max, bool *found)
{
    const char *start = parser->at++;
    *found = true;
    if (read_number(parser, min)) {
        *max = *min;
        if (ct_lit_looking_at(parser, ",")) {
            parser->at++;
            if (!read_number(parser, max))
                *max = CT_LITERAL_FAR;
        }
        if (ct_lit_looking_at(parser, "}")) {
            parser->at++;
            return *max >= *min || ct_lit_give_up(parser);
        }
    }
    parser->at = start + 1;
    while (parser->at < parser->end && memchr("0123456789, \t", *parser->at, 13))
        parser->at++;
    if (ct_lit_looking_at(parser, "}"))
        return ct_lit_give_up(parser);
    parser->at = start;
    *found = false;
    return true;
}

static bool parse_quantified(struct lit_parser *parser, struct lit_info *out)
{
    if (!parse_atom(parser, out))
        return false;
    for (;;) {
        uint32_t min = 0, max = CT_LITERAL_FAR;
        skip_ignored(parser);
        char c = parser->at < parser->end ? *parser->at : '\0';
        bool found = c == '*' || c == '+' || c == '?';
        if (found) {
            parser->at++;
            min = c == '+';
            max = c == '?' ? 1 : CT_LITERAL_FAR;
        } else if (c == '{' && !read_braces(parser, &min, &max, &found)) {
            return false;
        }
        if (!found)
            return true;
        skip_ignored(parser);
        if (parser->at < parser->end && (*parser->at == '?' || *parser->at == '+'))
            parser->at++; /* lazy or possessive: the same texts or fewer */
        if (!ct_lit_info_repeat(parser->scratch, out, min, max, out))
            return ct_lit_give_up(parser);
    }
}

/* The pieces of a sequence or the branches of an alternation, as they are found. */
struct pieces {
    struct lit_info *infos;
    size_t count, room;
};

static bool pieces_add(struct lit_parser *parser, struct pieces *pieces, const struct lit_info *info)
{
    if (pieces->count == pieces->room) {
        size_t room = pieces->room ? pieces->room * 2 : 8;
        struct lit_info *grown = ct_arena_alloc(parser->scratch, room * sizeof *grown);
        if (!grown)
            return ct_lit_give_up(parser);
        if (pieces->count)
            memcpy(grown, pieces->infos, pieces->count * sizeof *grown);
        pieces->infos = grown;
        pieces->room = room;
    }
    pieces->infos[pieces->count++] = *info;
    return true;
}

/* From the end to the front, so that what may be left out shows what comes behind it; but what can only be at the
 * text's beginning is put together first. */
static bool join_pieces(struct lit_parser *parser, const struct pieces *pieces, struct lit_info *out)
{
    size_t front = 0, last = pieces->count;
    struct lit_info head = pieces->infos[0];
    while (front + 1 < pieces->count && head.first && pieces->infos[front + 1].gap) {
        if (!ct_lit_info_concat(parser->scratch, &head, &pieces->infos[++front], &head))
            return ct_lit_give_up(parser);
    }
    if (front + 1 == pieces->count) {
        *out = head;
        return true;
    }
    *out = pieces->infos[--last];
    while (last-- > front + 1) {
        if (!ct_lit_info_concat(parser->scratch, &pieces->infos[last], out, out))
            return ct_lit_give_up(parser);
    }
    return ct_lit_info_concat(parser->scratch, &head, out, out) || ct_lit_give_up(parser);
}

static bool parse_sequence(struct lit_parser *parser, struct lit_info *out)
{
    struct pieces pieces = {NULL, 0, 0};
    for (skip_ignored(parser); parser->at < parser->end && *parser->at != '|' && *parser->at != ')';
         skip_ignored(parser)) {
        struct lit_info next = {0}, joined;
        if (!parse_quantified(parser, &next) || parser->failed)
            return false;
        struct lit_info *before = pieces.count ? &pieces.infos[pieces.count - 1] : NULL;
        if (before && before->exact && next.exact && before->prefix.count * next.prefix.count == 1) {
            /* plain text: one piece */
            if (!ct_lit_info_concat(parser->scratch, before, &next, &joined))
                return ct_lit_give_up(parser);
            if (joined.exact) {
                *before = joined;
                continue;
            }
        }
        if (!pieces_add(parser, &pieces, &next))
            return false;
    }
    return pieces.count ? join_pieces(parser, &pieces, out) : ct_lit_nothing(parser, 0, out);
}

static bool parse_alternatives(struct lit_parser *parser, struct lit_info *out)
{
    struct pieces pieces = {NULL, 0, 0};
    for (;;) {
        struct lit_info next;
        if (!parse_sequence(parser, &next) || !pieces_add(parser, &pieces, &next))
            return false;
        if (parser->at >= parser->end || *parser->at != '|')
            return ct_lit_info_union(parser->scratch, pieces.infos, pieces.count, out) || ct_lit_give_up(parser);
        parser->at++;
    }
}

void ct_literal_extract(struct ct_arena *scratch, ct_span expanded, bool raw, struct ct_literal_plan *plan)
{
    struct lit_parser parser = {.scratch = scratch, .raw = raw};
    struct lit_info info;
    memset(plan, 0, sizeof *plan);
    parser.at = expanded.at;
    parser.end = expanded.at + expanded.len;
    plan->ascii = true;
    for (size_t i = 0; i < expanded.len; i++)
        plan->ascii &= (unsigned char)expanded.at[i] < 0x80;
    if (expanded.len == 0 || !parse_alternatives(&parser, &info) || parser.failed || parser.at != parser.end)
        return;
    plan->windowed = !raw;
    plan->narrow = plan->ascii && !parser.symbols_matter;
    ct_lit_info_plan(scratch, &info, raw, plan);
}
