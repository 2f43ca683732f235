/* engine_regex.c - tokens of regular expressions: what is a macro, a literal, a group, and what only looks like one. */
#include "engine/ruleset_regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the three above it */
#include <cmocka.h>

/* One letter a token (L literal, M macro, C macro in a class, ( ) | and . for all else), then what it covers. */
static void write_tokens(const char *source, char *out, size_t room)
{
    static const char letters[] = "$LMC()|.";
    size_t len = strlen(source), used = 0, last = 0;
    char *copy = malloc(len ? len : 1); /* no NUL behind it: a read past the end is seen */
    assert_non_null(copy);
    memcpy(copy, source, len);
    struct ct_regex regex = {.source = {copy, len}};
    out[0] = '\0';
    for (;;) {
        struct ct_regex_token t = ct_regex_next(&regex);
        assert_int_equal(t.begin, last); /* nothing is skipped, nothing is read twice */
        assert_true(t.end >= t.begin && t.end <= len);
        last = t.end;
        if (t.kind == CT_REGEX_END) {
            break;
        }
        assert_true(t.end > t.begin);
        used += (size_t)snprintf(out + used, room - used, "%s%c%.*s", used ? " " : "", letters[t.kind],
                                 (int)(t.end - t.begin), copy + t.begin);
        assert_true(used < room);
    }
    assert_int_equal(last, len);
    free(copy);
}

static void test_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *source, *tokens;
    } cases[] = {
        {"", ""},
        {"ab", "La Lb"},
        {"a{WORD}b", "La M{WORD} Lb"},
        {"{A_1}{B}", "M{A_1} M{B}"},
        {"{a}{1}{}{AB", "L{ La L} .{1} L{ L} L{ LA LB"},
        {"a{2,3}x{4}", "La .{2,3} Lx .{4}"},
        {"\\{WORD}", "L\\{ LW LO LR LD L}"},
        {"\\p{LU}\\x{AB}\\xE9\\N{U+41}\\o{17}", ".\\p{LU} L\\x{AB} L\\xE9 .\\N{U+41} .\\o{17}"},
        {"\\k<NAME>\\g{NAME}\\k'N'\\g-1", ".\\k<NAME> .\\g{NAME} .\\k'N' .\\g L- L1"},
        {"\\Q{WORD}|(\\E{WORD}", ".\\Q L{ LW LO LR LD L} L| L( .\\E M{WORD}"},
        {"[{WORD}]", ".[ C{WORD} .]"},
        {"[]a|(][^]b]", ".[ L] La L| L( .] .[^ L] Lb .]"},
        {"[[:alpha:]x[:]", ".[ .[:alpha:] Lx L[ L: .]"},
        {"[\\]\\d\\Q]\\E]", ".[ L\\] .\\d .\\Q L] .\\E .]"},
        {"(a|b)", "(( La || Lb ))"},
        {"(?:a)(?i)(?i:b)(?<n>c)(?P<M>d)(?'N'e)",
         "((?: La )) .(?i) ((?i: Lb )) ((?<n> Lc )) ((?P<M> Ld )) ((?'N' Le ))"},
        {"(?=a)(?!b)(?<=c)(?<!d)(?>e)(?|f)", "((?= La )) ((?! Lb )) ((?<= Lc )) ((?<! Ld )) ((?> Le )) ((?| Lf ))"},
        {"(?#{NO}|)(*UTF)(*pla:x)(?&NAME)(?R)(?P=N)", ".(?#{NO}|) .(*UTF) ((*pla: Lx )) .(?&NAME) .(?R) .(?P=N)"},
        {"(?(1)a|b)(?(?=c)d)", "((?(1) La || Lb )) ((? ((?= Lc )) Ld ))"},
        {"\\", ".\\"},
        {"[", ".["},
        {"(?", ".(?"},
        {"\\x{", "L\\x{"},
        {"(?<n", "((?<n"},
        {"\xC3\xA9\\\xC3\xA9.", "L\xC3\xA9 L\\\xC3\xA9 .."},
        {"^a*b+?c$", ".^ La .* Lb .+ .? Lc .$"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[512];
        write_tokens(cases[i].source, got, sizeof got);
        assert_string_equal(got, cases[i].tokens);
    }
}

static void test_code_points(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        uint32_t code;
    } cases[] = {{"a", 'a'},
                 {"\\.", '.'},
                 {"\xC3\xA9", 0xE9},
                 {"\xE2\x82\xAC", 0x20AC},
                 {"\xF0\x9F\x99\x82", 0x1F642},
                 {"\\xe9", 0xE9},
                 {"\\x{1F642}", 0x1F642}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ct_regex regex = {.source = ct_span_of(cases[i].source)};
        struct ct_regex_token t = ct_regex_next(&regex);
        assert_int_equal(t.kind, CT_REGEX_LITERAL);
        assert_int_equal(t.code, cases[i].code);
    }
}

/* Whatever the bytes, the tokens cover them once and in order (write_tokens asserts it). */
static void test_any_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "\\{}[]()|?*<>'=!:#^&PQEpxgkNRA1a-,\xC3\xA9";
    uint64_t random = 88172645463325252u;
    for (unsigned round = 0; round < 20000; round++) {
        char source[40], got[400];
        size_t len = 0;
        while (len < 24) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            size_t pick = random % (sizeof alphabet - 2); /* the last is two bytes: one character */
            source[len++] = alphabet[pick];
            if (pick == sizeof alphabet - 3) {
                source[len++] = alphabet[pick + 1];
            }
            if (random >> 60 == 0) {
                break;
            }
        }
        source[len] = '\0';
        write_tokens(source, got, sizeof got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_code_points),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
