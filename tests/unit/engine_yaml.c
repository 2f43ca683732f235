/* engine_yaml.c - the YAML tree: shapes, places in bytes, limits, and the typed getters. */
#include "engine/yaml_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the three above it */
#include <cmocka.h>

/* One parsed text; `said` has its problems, a line each. */
struct parsed {
    struct ct_arena arena;
    struct ct_yaml yaml;
    struct ct_yaml_report report;
    struct ct_error first;
    char *copy; /* exactly as long as the text, so that a read past it is seen */
    char said[4096];
    bool ok;
};

static void say(void *context, char severity, const struct ct_error *problem)
{
    struct parsed *p = context;
    size_t used = strlen(p->said);
    snprintf(p->said + used, sizeof p->said - used, "%c %u:%u %s\n", severity, problem->line, problem->column,
             problem->text);
}

static void parse_bytes(struct parsed *p, const char *bytes, size_t len)
{
    memset(p, 0, sizeof *p);
    ct_arena_init(&p->arena, 0, 0);
    p->report = (struct ct_yaml_report){.status = CT_BAD_CONFIG, .context = p, .problem = say, .first = &p->first};
    p->copy = malloc(len ? len : 1);
    assert_non_null(p->copy);
    memcpy(p->copy, bytes, len);
    p->ok = ct_yaml_parse(&p->yaml, &p->arena, CT_SPAN_LIT("f.yaml"), (ct_span){p->copy, len}, &p->report);
}

static void parse(struct parsed *p, const char *text)
{
    parse_bytes(p, text, strlen(text));
}

static void done(struct parsed *p)
{
    ct_arena_done(&p->arena);
    free(p->copy);
}

static void assert_place(const struct ct_yaml_node *node, uint32_t line, uint32_t column)
{
    assert_non_null(node);
    assert_int_equal(node->line, line);
    assert_int_equal(node->column, column);
}

static void test_shapes(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "a: [x, 'y z', {b: no}]\nc: |\n  one\n  two\nd:\ne: \"q\\tr\"\n");
    assert_true(p.ok);
    const struct ct_yaml_node *root = p.yaml.root, *a = ct_yaml_find(root, "a");
    assert_int_equal(root->kind, CT_YAML_MAP);
    assert_int_equal(root->count, 4);
    assert_int_equal(root->weight, 14);
    assert_int_equal(a->count, 3);
    assert_string_equal(ct_yaml_item(a, 0)->text.at, "x");
    assert_true(ct_yaml_item(a, 0)->plain);
    assert_string_equal(ct_yaml_item(a, 1)->text.at, "y z");
    assert_false(ct_yaml_item(a, 1)->plain);
    assert_string_equal(ct_yaml_find(ct_yaml_item(a, 2), "b")->text.at, "no"); /* a text, not a truth value */
    assert_string_equal(ct_yaml_find(root, "c")->text.at, "one\ntwo\n");
    assert_true(ct_yaml_is_null(ct_yaml_find(root, "d")));
    assert_string_equal(ct_yaml_find(root, "e")->text.at, "q\tr");
    assert_null(ct_yaml_find(root, "f"));
    assert_null(ct_yaml_find(a, "x"));
    assert_null(ct_yaml_find(NULL, "x"));
    assert_string_equal(p.said, "");
    done(&p);
}

/* Lines and columns are of bytes, whatever the line ends, characters and byte order mark before them. */
static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line, column;
    } cases[] = {
        {"k: v", 1, 4},
        {"\xEF\xBB\xBFk: v", 1, 4},
        {"# \xC3\xA1\nk: v", 2, 4},
        {"\xC3\xA1: 1\r\nk: v", 2, 4},
        {"a: 1\rk: v", 2, 4},
        {"\xC3\xA1\xE2\x82\xAC: 1\n{\xC3\xA1: 2, k: v}", 0, 0}, /* not YAML */
        {"{\xC3\xA1: \xF0\x9F\x99\x82, k: v}", 1, 15},
        {"a: '\xE2\x80\xA8 x'\nk: v", 3, 4}, /* LINE SEPARATOR ends a line in YAML */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed p;
        parse(&p, cases[i].text);
        assert_int_equal(p.ok, cases[i].line != 0);
        if (p.ok) {
            assert_place(ct_yaml_find(p.yaml.root, "k"), cases[i].line, cases[i].column);
        }
        done(&p);
    }
}

static void test_places_inside(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
        uint32_t column;
    } cases[] = {
        {"k: abcdef", 3, 7},      {"k: 'abcdef'", 3, 8},   {"k: 'a''b''c'", 4, 11}, {"k: '\xC3\xA1z'", 2, 7},
        {"k: \"ab\\tcd\"", 3, 4}, {"k: 'ab\n  cd'", 1, 6}, {"k: 'ab\n  cd'", 4, 4}, {"k: >\n  ab\n", 1, 4},
        {"k: abc", 3, 7},         {"k: abc", 99, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed p;
        uint32_t line, column;
        parse(&p, cases[i].text);
        assert_true(p.ok);
        ct_yaml_position(&p.yaml, ct_yaml_find(p.yaml.root, "k"), cases[i].offset, &line, &column);
        assert_int_equal(line, 1);
        assert_int_equal(column, cases[i].column);
        done(&p);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"a: 1\na: 2\n", "e 2:1 key 'a' stands here twice (first at line 1)\n"},
        {"a: !x 1", "e 1:4 tags ('!x') are not used here\n"},
        {"a: 1\n--- \nb: 1", "e 2:1 a second document ('---'): one file, one document\n"},
        {"? [a]\n: b", "e 1:3 a key has to be a word, not a list or a map\n"},
        {"a: *b", "e 1:4 no anchor '&b' before this alias\n"},
        {"a: &b [*b]", "e 1:8 alias '*b' stands inside what it names\n"},
        {"a: \"\\0\"", "e 1:4 a text may not hold the character NUL\n"},
        {"a: [", "e 1:5 not YAML: did not find expected node content (while parsing a flow node, line 1)\n"},
        {"a: b\n\xFF", "e 2:1 not UTF-8 text\n"},
        {"a: b\nc: \x01", "e 2:4 not YAML: control characters are not allowed\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct parsed p;
        parse(&p, cases[i].text);
        assert_string_equal(p.said, cases[i].said);
        assert_int_equal(p.report.errors, 1);
        assert_int_equal(p.first.status, CT_BAD_CONFIG);
        assert_string_equal(p.first.file, "f.yaml");
        done(&p);
    }
}

static void test_aliases(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "a: &x [1, 2]\nb: *x\nc: &x {k: *x}\nd: *x\n");
    assert_string_equal(p.said, "e 3:11 alias '*x' stands inside what it names\n"); /* the newest &x counts */
    done(&p);
    parse(&p, "a: &x [1, 2]\nb: *x\nc: &x v\nd: *x\n");
    assert_true(p.ok);
    assert_ptr_equal(ct_yaml_find(p.yaml.root, "a"), ct_yaml_find(p.yaml.root, "b"));
    assert_string_equal(ct_yaml_find(p.yaml.root, "d")->text.at, "v");
    done(&p);
}

static void fill(char *out, size_t count, const char *unit)
{
    size_t len = strlen(unit);
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * len, unit, len);
    }
    out[count * len] = '\0';
}

static void test_limits(void **state)
{
    (void)state;
    struct parsed p;
    char *text = malloc(CT_YAML_BYTES_MAX + 16);
    assert_non_null(text);
    fill(text, CT_YAML_DEPTH_MAX + 1, "[");
    parse(&p, text);
    assert_non_null(strstr(p.said, "nested deeper than 32"));
    done(&p);
    fill(text, 100000, "["); /* far deeper than any stack of ours or of libyaml's */
    parse(&p, text);
    assert_false(p.ok);
    done(&p);
    fill(text, CT_YAML_NODES_MAX, "- a\n");
    parse(&p, text);
    assert_non_null(strstr(p.said, "more than 400000 values"));
    done(&p);
    fill(text, CT_YAML_NODES_MAX - 1, "- a\n");
    parse(&p, text);
    assert_true(p.ok);
    assert_int_equal(p.yaml.root->weight, CT_YAML_NODES_MAX);
    done(&p);
    strcpy(text, "- &a x\n");
    fill(text + 7, CT_YAML_ALIASES_MAX + 1, "- *a\n");
    parse(&p, text);
    assert_non_null(strstr(p.said, "1002:3 more than 1000 aliases"));
    done(&p);
    fill(text, 1001, "- &a x\n");
    parse(&p, text);
    assert_non_null(strstr(p.said, "more than 1000 anchors"));
    done(&p);
    fill(text, CT_YAML_BYTES_MAX + 1, "#");
    parse(&p, text);
    assert_non_null(strstr(p.said, "larger than"));
    done(&p);
    free(text);
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# a comment\n", "\xEF\xBB\xBF", "---\n"};
    for (size_t i = 0; i < 4; i++) {
        struct parsed p;
        parse(&p, texts[i]);
        assert_true(p.ok);
        assert_true(p.yaml.root == NULL || ct_yaml_is_null(p.yaml.root));
        done(&p);
    }
    struct parsed p;
    parse_bytes(&p, "a\0b", 3);
    assert_false(p.ok);
    done(&p);
}

static void test_durations_and_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ct_usec usec; /* -1 = refused */
    } times[] = {
        {"0", 0},
        {"30m", 1800000000},
        {"1h30m", 5400000000},
        {"7d", 604800000000},
        {"2w", 1209600000000},
        {"250ms", 250000},
        {"10us", 10},
        {"1m30s500ms", 90500000},
        {"", -1},
        {"30", -1},
        {"m", -1},
        {"30 m", -1},
        {"30M", -1},
        {"30m1h", -1},
        {"1m1m", -1},
        {"-5m", -1},
        {"1.5h", -1},
        {"30mx", -1},
        {"99999999999999999999d", -1},
        {"9999999999w", -1},
        {"1h30", -1},
    };
    static const struct {
        const char *text;
        int64_t bytes; /* -1 = refused */
    } sizes[] = {
        {"0", 0},           {"512", 512},          {"64K", 65536}, {"64KiB", 65536}, {"10MB", 10485760},
        {"2G", 2147483648}, {"1T", 1099511627776}, {"", -1},       {"K", -1},        {"64k", -1},
        {"64KB2", -1},      {"1.5M", -1},          {"-1", -1},     {"64Kx", -1},     {"9223372036854775807T", -1},
        {"64B", -1},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        ct_usec usec = -7;
        assert_int_equal(ct_duration_parse(ct_span_of(times[i].text), &usec), times[i].usec >= 0);
        assert_true(usec == (times[i].usec >= 0 ? times[i].usec : -7));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t bytes = 7;
        assert_int_equal(ct_bytes_parse(ct_span_of(sizes[i].text), &bytes), sizes[i].bytes >= 0);
        assert_true(bytes == (sizes[i].bytes >= 0 ? (uint64_t)sizes[i].bytes : 7));
    }
}

static void test_getters(void **state)
{
    (void)state;
    static const char *const words[] = {"", "low", "high"};
    struct parsed p;
    parse(&p, "i: -12\nf: true\nt: 5m\nb: 4K\nm: 0.0025\nn: 1.5e-3\nw: high\ns: 'x y'\n");
    const struct ct_yaml_node *root = p.yaml.root;
    int64_t i = 0;
    bool flag = false;
    ct_usec usec = 0;
    uint64_t bytes = 0;
    ct_nano nano = 0;
    unsigned choice = 0;
    ct_span text = {0};
    assert_true(ct_yaml_int(&p.yaml, ct_yaml_find(root, "i"), "i", -12, 0, &i) && i == -12);
    assert_true(ct_yaml_flag(&p.yaml, ct_yaml_find(root, "f"), "f", &flag) && flag);
    assert_true(ct_yaml_duration(&p.yaml, ct_yaml_find(root, "t"), "t", 0, INT64_MAX, &usec) && usec == 300000000);
    assert_true(ct_yaml_bytes(&p.yaml, ct_yaml_find(root, "b"), "b", 0, 4096, &bytes) && bytes == 4096);
    assert_true(ct_yaml_money(&p.yaml, ct_yaml_find(root, "m"), "m", 0, &nano) && nano == 2500000);
    assert_true(ct_yaml_choice(&p.yaml, ct_yaml_find(root, "w"), "w", words, 3, &choice) && choice == 2);
    assert_true(ct_yaml_text(&p.yaml, ct_yaml_find(root, "s"), "s", &text) && text.len == 3);
    assert_false(ct_yaml_int(&p.yaml, ct_yaml_find(root, "none"), "none", 0, 1, &i)); /* absent: not a word */
    assert_string_equal(p.said, "");
    assert_non_null(ct_yaml_need(&p.yaml, root, "i", "it"));
    assert_null(ct_yaml_need(&p.yaml, root, "none", "it"));
    assert_string_equal(p.said, "e 1:1 it has no 'none'\n");
    done(&p);
}

/* What is wrong is said with its place, and the default stays. */
static void test_getters_refuse(void **state)
{
    (void)state;
    static const char *const words[] = {"", "low", "high"};
    struct parsed p;
    parse(&p, "i: 1x\nj: 9\nf: yes\nt: 5m\nb: 1K\nm: '-1'\nn: nan\nw: ''\nl: []\n");
    const struct ct_yaml_node *root = p.yaml.root;
    int64_t i = 3;
    bool flag = true;
    ct_usec usec = 3;
    uint64_t bytes = 3;
    ct_nano nano = 3;
    unsigned choice = 3;
    ct_span text = {0};
    assert_false(ct_yaml_int(&p.yaml, ct_yaml_find(root, "i"), "i", 0, 5, &i));
    assert_false(ct_yaml_int(&p.yaml, ct_yaml_find(root, "j"), "j", 0, 5, &i));
    assert_false(ct_yaml_flag(&p.yaml, ct_yaml_find(root, "f"), "f", &flag));
    assert_false(ct_yaml_duration(&p.yaml, ct_yaml_find(root, "t"), "t", 0, 5, &usec));
    assert_false(ct_yaml_bytes(&p.yaml, ct_yaml_find(root, "b"), "b", 2048, 4096, &bytes));
    assert_false(ct_yaml_money(&p.yaml, ct_yaml_find(root, "m"), "m", 0, &nano));
    assert_false(ct_yaml_money(&p.yaml, ct_yaml_find(root, "n"), "n", 0, &nano));
    assert_false(ct_yaml_choice(&p.yaml, ct_yaml_find(root, "w"), "w", words, 3, &choice));
    assert_false(ct_yaml_text(&p.yaml, ct_yaml_find(root, "w"), "w", &text));
    assert_false(ct_yaml_is_map(&p.yaml, ct_yaml_find(root, "l"), "l"));
    assert_false(ct_yaml_is_list(&p.yaml, root, "all"));
    assert_true(i == 3 && flag && usec == 3 && bytes == 3 && nano == 3 && choice == 3);
    assert_string_equal(p.said, "e 1:4 i has to be a whole number, here is '1x'\n"
                                "e 2:4 j is 9, but has to be from 0 to 5\n"
                                "e 3:4 f has to be true or false, here is 'yes'\n"
                                "e 4:4 t is 5m, which is too long\n"
                                "e 5:4 b is 1K, which is too small\n"
                                "e 6:4 m is -1, but may not be below 0\n"
                                "e 7:4 n has to be a decimal amount such as 0.0025, here is 'nan'\n"
                                "e 8:4 w '' is none of: low, high\n"
                                "e 8:4 w is empty\n"
                                "e 9:4 l has to be a map (key: value), here is a list\n"
                                "e 1:1 all has to be a list, here is a map\n");
    done(&p);
}

static void test_unknown_keys(void **state)
{
    (void)state;
    static const char *const names[] = {"threads", "idle", "any", NULL};
    struct parsed p;
    parse(&p, "thraeds: 1\nidle: 2\nzzz: 3\nan: 4\n");
    assert_false(ct_yaml_check_keys(&p.yaml, p.yaml.root, names, "the file"));
    assert_string_equal(p.said, "e 1:1 unknown key 'thraeds' in the file; did you mean 'threads'?\n"
                                "e 3:1 unknown key 'zzz' in the file; it knows: threads, idle, any\n"
                                "e 4:1 unknown key 'an' in the file; did you mean 'any'?\n");
    done(&p);
    parse(&p, "idle: 2\n");
    assert_true(ct_yaml_check_keys(&p.yaml, p.yaml.root, names, "the file"));
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),        cmocka_unit_test(test_places),
        cmocka_unit_test(test_places_inside), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_aliases),       cmocka_unit_test(test_limits),
        cmocka_unit_test(test_empty),         cmocka_unit_test(test_durations_and_sizes),
        cmocka_unit_test(test_getters),       cmocka_unit_test(test_getters_refuse),
        cmocka_unit_test(test_unknown_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
