/* engine_limits.c - how much a rule set may hold: the most of each is taken, one more is refused by name. What is
 * counted in 16 bits is refused long before they end.
 */
#include "engine/rules.h"
#include "engine/ruleset_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct pack {
    char *text;
    size_t len;
    FILE *to;
};

/* `pack` stays where it is until it is loaded: the stream keeps its address. */
static void pack_begin(struct pack *pack, const char *name)
{
    pack->to = open_memstream(&pack->text, &pack->len);
    assert_non_null(pack->to);
    fprintf(pack->to, "pack: %s\nversion: 1.0.0\n", name);
}

/* Loads and frees. error->text "" = it loaded, else the first error's. */
static void load(struct pack *packs, size_t count, struct ct_error *error)
{
    struct ct_pack_source *sources = calloc(count, sizeof *sources);
    assert_non_null(sources);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fclose(packs[i].to), 0);
        sources[i] = (struct ct_pack_source){CT_SPAN_LIT("limits.yaml"), {packs[i].text, packs[i].len}};
    }
    *error = (struct ct_error){0};
    struct ct_ruleset *rules = ct_ruleset_load(sources, count, NULL, error);
    assert_true((rules != NULL) == (error->text[0] == '\0'));
    ct_ruleset_unref(rules);
    for (size_t i = 0; i < count; i++) {
        free(packs[i].text);
    }
    free(sources);
}

static void signals(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct ct_error error;
        struct pack pack;
        pack_begin(&pack, "a");
        fprintf(pack.to, "signals:\n");
        for (int i = 0; i < CT_SIGNALS_MAX + over; i++) {
            fprintf(pack.to, "  s.%d: {role: user}\n", i);
        }
        load(&pack, 1, &error);
        assert_string_equal(error.text, over ? "more than 4096 signals in all" : "");
    }
}

static void write_rules(FILE *to, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        fprintf(to, "  - {id: r.%d, event: {type: close}, emit: s}\n", i);
    }
}

/* Over all packs together. */
static void rules(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct ct_error error;
        struct pack packs[2];
        pack_begin(&packs[0], "a");
        pack_begin(&packs[1], "b");
        fprintf(packs[0].to, "signals:\n  s: {means: closed}\nrules:\n");
        write_rules(packs[0].to, 0, CT_RULES_MAX / 2);
        fprintf(packs[1].to, "extends: a\nrules:\n");
        write_rules(packs[1].to, CT_RULES_MAX / 2, CT_RULES_MAX - CT_RULES_MAX / 2 + over);
        load(packs, 2, &error);
        assert_string_equal(error.text, over ? "more than 16384 rules in all" : "");
        assert_int_equal(error.line, over ? 5 : 0); /* where the list begins */
    }
}

/* More than 16 bits count: refused at once, not gone round. */
static void rules_beyond_16_bits(void **state)
{
    (void)state;
    struct ct_error error;
    struct pack pack;
    pack_begin(&pack, "a");
    fprintf(pack.to, "signals:\n  s: {means: closed}\nrules:\n");
    for (int i = 0; i < UINT16_MAX + 2; i++) {
        fprintf(pack.to, "  - {id: r.%d}\n", i);
    }
    load(&pack, 1, &error);
    assert_string_equal(error.text, "more than 16384 rules in all");
}

static void packs(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct ct_error error;
        struct pack many[CT_PACKS_MAX + 1];
        for (int i = 0; i < CT_PACKS_MAX + over; i++) {
            char name[16];
            snprintf(name, sizeof name, "p%d", i);
            pack_begin(&many[i], name);
        }
        load(many, CT_PACKS_MAX + (size_t)over, &error);
        assert_string_equal(error.text, over ? "more than 256 rule packs" : "");
    }
}

/* Of one rule, over all packs that extend it. */
static void patterns(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct ct_error error;
        struct pack two[2];
        pack_begin(&two[0], "a");
        pack_begin(&two[1], "b");
        fprintf(two[0].to, "signals:\n  s: {role: user}\nrules:\n  - id: r\n    emit: s\n    any:\n");
        for (int i = 0; i < CT_PATTERNS_MAX - 2; i++) {
            fprintf(two[0].to, "      - word%d\n", i);
        }
        fprintf(two[1].to, "extends: a\nextend:\n  r:\n    any:\n");
        for (int i = 0; i < 2 + over; i++) {
            fprintf(two[1].to, "      - more%d\n", i);
        }
        load(two, 2, &error);
        assert_string_equal(error.text, over ? "more than 4096 patterns in 'any'" : "");
    }
}

static void values_and_tools(void **state)
{
    (void)state;
    static const char *const keys[][2] = {{"values", "{type: label, name: n, values:"}, {"tool", "{tool:"}};
    for (int i = 0; i < 4; i++) {
        struct ct_error error;
        struct pack pack;
        pack_begin(&pack, "a");
        const char *const *key = keys[i / 2];
        fprintf(pack.to, "signals:\n  s: {}\nrules:\n  - id: r\n    emit: s\n    event: %s\n     [", key[1]);
        for (int n = 0; n < CT_TEXTS_MAX + i % 2; n++) {
            fprintf(pack.to, "%sv%d\n     ", n ? "," : "", n);
        }
        fprintf(pack.to, "]}\n");
        load(&pack, 1, &error);
        char wanted[64] = "";
        if (i % 2) {
            snprintf(wanted, sizeof wanted, "%s: more than 65535 texts", key[0]);
        }
        assert_string_equal(error.text, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals), cmocka_unit_test(rules),    cmocka_unit_test(rules_beyond_16_bits),
        cmocka_unit_test(packs),   cmocka_unit_test(patterns), cmocka_unit_test(values_and_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
