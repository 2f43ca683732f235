/* metrics_iqs.c - scorecards: what good ones become, every word about bad ones, conversations judged by hand, and the
 * monoid laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "make_record.h"
#include "metrics/iqs.h"
#include "metrics/kpi.h"

static const struct ct_signal signals[] = {{.name = {"bot.solved_question", 19}}, {.name = {"bot.greeting", 12}}};
static const struct ct_ruleset rules = {.signals = signals, .signal_count = 2};

static struct ct_scorecard *load(const char *text, struct ct_error *err)
{
    *err = (struct ct_error){0};
    return ct_scorecard_load(ct_span_of("card.yaml"), ct_span_of(text), &rules, err);
}

static struct ct_scorecard *card_of(const char *text)
{
    struct ct_error err;
    struct ct_scorecard *card = load(text, &err);
    if (!card) {
        fail_msg("%s:%u:%u: %s", err.file, err.line, err.column, err.text);
    }
    return card;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void bad_cards(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *says;
    } bad[] = {
        {"", 0, 0, "empty"},
        {"[]", 1, 1, "scorecard"},
        {"criteria: []", 1, 11, "1 to 24"},
        {"criterias: []", 1, 1, "criterias"},
        {"name: x", 1, 1, "criteria"},
        {"criteria:\n  - weight: 1", 2, 5, "name"},
        {"criteria:\n  - name: a b\n    mark: a", 2, 11, "letters"},
        {"criteria:\n  - name: a", 2, 5, "a rule or a mark"},
        {"criteria:\n  - {name: a, mark: a}\n  - {name: a, mark: b}", 3, 5, "already"},
        {"criteria:\n  - {name: a, mark: a, weight: 0}", 2, 32, "weight"},
        {"criteria:\n  - {name: a, mark: a, weight: 1001}", 2, 32, "weight"},
        {"criteria:\n  - {name: a, mark: a, wait: 1}", 2, 24, "wait"},
        {"criteria:\n  - {name: a, rule: {}}", 2, 21, "says nothing"},
        {"criteria:\n  - {name: a, rule: resolved}", 2, 21, "condition"},
        {"criteria:\n  - {name: a, rule: {resolvd: true}}", 2, 22, "resolvd"},
        {"criteria:\n  - {name: a, rule: {resolved: 1}}", 2, 32, "resolved"},
        {"criteria:\n  - {name: a, rule: {signal: bot.hello}}", 2, 30, "bot.hello"},
        {"criteria:\n  - {name: a, rule: {signal: []}}", 2, 30, "signal"},
        {"criteria:\n  - {name: a, rule: {outcome: won}}", 2, 31, "won"},
        {"criteria:\n  - {name: a, rule: {outcome: []}}", 2, 31, "outcome"},
        {"criteria:\n  - {name: a, rule: {fallbacks: 1}}", 2, 33, "fallbacks"},
        {"criteria:\n  - {name: a, rule: {fallbacks: '<= 1s'}}", 2, 33, "whole number"},
        {"criteria:\n  - {name: a, rule: {fallbacks: '<='}}", 2, 33, "whole number"},
        {"criteria:\n  - {name: a, rule: {fallbacks: '<= 99999999999'}}", 2, 33, "whole number"},
        {"criteria:\n  - {name: a, rule: {first_response: '<= 30'}}", 2, 38, "time"},
        {"criteria:\n  - {name: a, rule: {first_response: 30s}}", 2, 38, "time"},
        {"criteria:\n  - {name: a, rule: {all: []}}", 2, 27, "1 to 64"},
        {"criteria:\n  - {name: a, rule: {any: resolved}}", 2, 27, "any"},
        {"criteria:\n  - {name: a, rule: {not: []}}", 2, 27, "condition"},
        {"criteria:\n  - {name: a, rule: {not: {not: {not: {not: {not: {not: {not: {not: {resolved: true}}}}}}}}}}", 2,
         69, "8 deep"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ct_error err;
        struct ct_scorecard *card = load(bad[i].text, &err);
        if (card || !strstr(err.text, bad[i].says) || err.line != bad[i].line || err.column != bad[i].column) {
            fail_msg("%s\n%u:%u: %s", bad[i].text, err.line, err.column, card ? "taken" : err.text);
        }
    }
}

/* ---- conditions ------------------------------------------------------------------------------------------------- */

static enum ct_tri judge(const char *condition, const struct ct_record *record)
{
    char text[512];
    snprintf(text, sizeof text, "criteria: [{name: a, rule: %s}]", condition);
    struct ct_scorecard *card = card_of(text);
    struct ct_bindings bindings;
    ct_bindings_init(&bindings, card, NULL);
    assert_int_equal(ct_bindings_add_rules(&bindings, &rules), CT_OK);
    enum ct_tri found = ct_check_judge(card->criteria[0].rule, record, &bindings);
    ct_bindings_done(&bindings);
    ct_scorecard_free(card);
    return found;
}

static void conditions(void **state)
{
    (void)state;
    static const uint16_t has[] = {0};
    const struct make_tail tail = {.signals = has, .signal_count = 1};
    struct ct_record head = make_head();
    head.engaged = true;
    head.outcome = CT_OUTCOME_ESCALATED;
    head.resolved = CT_NULL;
    head.escalated = true;
    head.first_response_usec = 30 * CT_USEC_PER_SECOND;
    head.wait_usec = CT_USEC_NONE;
    head.queue_abandoned_usec = 90 * CT_USEC_PER_SECOND;
    head.fallbacks = 2;
    head.score[CT_SCORE_CSAT] =
        (struct ct_score){.present = true, .value = 2, .scale_min = 1, .scale_max = 5, .turned = true};
    struct ct_record *r = make_record(&head, &tail);
    static const struct {
        const char *text;
        enum ct_tri due;
    } cases[] = {
        {"{signal: bot.solved_question}", CT_TRUE},
        {"{signal: bot.greeting}", CT_FALSE},
        {"{signal: [bot.greeting, bot.solved_question]}", CT_TRUE},
        {"{outcome: escalated}", CT_TRUE},
        {"{outcome: [silent, abandoned]}", CT_FALSE},
        {"{resolved: true}", CT_NULL},
        {"{resolved: false}", CT_NULL}, /* nor is it known that it is not */
        {"{escalated: true}", CT_TRUE},
        {"{escalated: false}", CT_FALSE},
        {"{first_contact: true}", CT_NULL},
        {"{first_response: '<= 30s'}", CT_TRUE}, /* exactly the bound */
        {"{first_response: '< 30s'}", CT_FALSE},
        {"{first_response: '>= 30s'}", CT_TRUE},
        {"{first_response: '> 30s'}", CT_FALSE},
        {"{first_response: '==30s'}", CT_TRUE},
        {"{human_wait: '<= 1m'}", CT_FALSE}, /* of one who left the queue */
        {"{human_wait: '<= 1m30s'}", CT_TRUE},
        {"{handling: '<= 1h'}", CT_NULL},
        {"{fallbacks: '<= 1'}", CT_FALSE},
        {"{fallbacks: '== 2'}", CT_TRUE},
        {"{repeats: '== 0'}", CT_TRUE},
        {"{csat: '>= 4'}", CT_TRUE}, /* 2 on a scale that runs the other way is 4 */
        {"{nps: '>= 9'}", CT_NULL},
        {"{not: {escalated: true}}", CT_FALSE},
        {"{not: {resolved: true}}", CT_NULL},
        {"{all: [{escalated: true}, {fallbacks: '<= 1'}]}", CT_FALSE},
        {"{all: [{escalated: true}, {resolved: true}]}", CT_NULL},
        {"{all: [{resolved: true}, {escalated: false}]}", CT_FALSE}, /* one false is enough */
        {"{any: [{resolved: true}, {escalated: true}]}", CT_TRUE},
        {"{any: [{resolved: true}, {escalated: false}]}", CT_NULL},
        {"{any: [{escalated: false}, {fallbacks: '> 2'}]}", CT_FALSE},
        {"{escalated: true, fallbacks: '== 2'}", CT_TRUE}, /* several keys: all of them */
        {"{escalated: true, fallbacks: '== 3'}", CT_FALSE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (judge(cases[i].text, r) != cases[i].due) {
            fail_msg("%s is %d", cases[i].text, judge(cases[i].text, r));
        }
    }
    free(r);
}

/* ---- scores, by hand -------------------------------------------------------------------------------------------- */

static const char *const card_text =
    "criteria:\n"
    "  - {name: resolved, weight: 30, rule: {resolved: true}}\n"
    "  - {name: quick, weight: 20, rule: {first_response: '<= 30s'}}\n"
    "  - {name: greeting, weight: 10, mark: hello}\n"
    "  - {name: person, weight: 7, when: {requested: true}, rule: {human_wait: '<= 2m'}}\n";

/* a: resolved, quick, no mark, nobody asked for a person:       50 of 50                 100 %
 * b: not resolved, quick, greeting 0.25:                        22.5 of 60               37.5 %
 * c: not known, untimed, greeting 1, a person asked for in 3 m: 10 of 17                 58.823529 %
 * d: not known, untimed, no mark:                               nothing can be judged
 * e: the customer wrote nothing: not counted */
static struct ct_record *talk(int i)
{
    char id[2] = {(char)('a' + i), 0};
    struct ct_record head = make_head();
    struct make_tail tail = {.text = {[CT_TEXT_CONVERSATION_ID] = id}};
    head.session = 1;
    head.conversation_hash = head.customer_hash = (uint64_t)i + 1;
    head.engaged = i < 4;
    head.resolved = i == 0 || i == 4 ? CT_TRUE : i == 1 ? CT_FALSE : CT_NULL;
    if (i < 2 || i == 4) {
        head.first_response_usec = 10 * CT_USEC_PER_SECOND;
    }
    if (i == 2) {
        head.requested = true;
        head.wait_usec = 180 * CT_USEC_PER_SECOND;
    }
    return make_record(&head, &tail);
}

static struct ct_marks *greetings(void)
{
    struct ct_marks *marks = ct_marks_new();
    static const struct {
        const char *id;
        int64_t value;
    } said[] = {{"b", 250000}, {"c", 1000000}, {"e", 0}};
    for (int i = 0; i < 3; i++) {
        const struct ct_mark_origin origin = {.conversation_id = ct_span_of(said[i].id), .session = 1};
        const struct ct_mark mark = {.field = CT_MARK_CRITERION, .name = ct_span_of("hello"), .value = said[i].value};
        assert_int_equal(ct_marks_add(marks, &origin, &mark), CT_OK);
    }
    assert_int_equal(ct_marks_settle(marks), CT_OK);
    return marks;
}

static void five_by_hand(void **state)
{
    (void)state;
    struct ct_scorecard *card = card_of(card_text);
    struct ct_marks *marks = greetings();
    struct ct_terms terms = CT_TERMS_DEFAULT;
    struct ct_kpi_set *set = ct_kpis_new();
    struct ct_block total;
    terms.marks = marks;
    terms.scorecard = card;
    for (int i = 0; i < 5; i++) {
        struct ct_record *record = talk(i);
        const struct ct_record *const list[] = {record};
        ct_kpis_fold_customer(set, &(const struct ct_customer){.records = list, .record_count = 1, .terms = &terms});
        free(record);
    }
    assert_int_equal(ct_kpis_compute(set, NULL, &total), CT_OK);
    const struct ct_figure *iqs = ct_block_figure(&total, "iqs");
    assert_true(iqs->has_value && iqs->has_interval);
    assert_int_equal(iqs->n, 3);
    assert_int_equal(iqs->left_out, 1);
    assert_true(iqs->numerator == 100000000 + 37500000 + 58823529); /* millionths of a percent */
    assert_true(iqs->value_num == iqs->numerator && iqs->value_den == 3000000);
    assert_true(iqs->high_micro == 100000000 && iqs->low_micro < 65441176); /* no mean is beyond 100 % */
    static const struct {
        const char *key;
        int64_t sum;
        uint64_t n, left_out;
    } parts[] = {
        {"greeting", 125000000, 2, 2}, {"person", 0, 1, 3}, {"quick", 200000000, 2, 2}, {"resolved", 100000000, 2, 2}};
    for (int i = 0; i < 4; i++) {
        const struct ct_figure *part = iqs + 1 + i;
        assert_true(part->part);
        assert_string_equal(part->key, parts[i].key);
        assert_true(part->numerator == parts[i].sum);
        assert_int_equal(part->n, parts[i].n);
        assert_int_equal(part->left_out, parts[i].left_out);
    }
    const struct ct_figure *judged = ct_block_figure(&total, "iqs.judged");
    assert_true(judged->numerator == 7 && judged->denominator == 16 && !judged->has_interval);
    ct_block_done(&total);
    ct_kpis_free(set);
    ct_marks_free(marks);
    ct_scorecard_free(card);
}

static void laws(void **state)
{
    (void)state;
    struct ct_scorecard *card = card_of(card_text);
    struct ct_marks *marks = greetings();
    struct ct_terms terms = CT_TERMS_DEFAULT;
    static const struct ct_iqs none;
    struct ct_iqs whole = {0}, parts[3], merged;
    struct ct_record *records[5];
    terms.marks = marks;
    terms.scorecard = card;
    for (int i = 0; i < 5; i++) {
        records[i] = talk(i);
        ct_metric_iqs.fold_open(&whole, records[i], &terms);
    }
    for (unsigned way = 0; way < 243; way++) { /* which of three has each of the five */
        memset(parts, 0, sizeof parts);
        memset(&merged, 0, sizeof merged);
        for (unsigned i = 0, rest = way; i < 5; i++, rest /= 3) {
            ct_metric_iqs.fold_open(&parts[rest % 3], records[way % 2 ? i : 4 - i], &terms);
        }
        for (unsigned p = 0; p < 3; p++) {
            ct_metric_iqs.merge(&merged, &parts[(p + way) % 3], 1);
        }
        assert_memory_equal(&merged, &whole, sizeof whole);
        for (unsigned p = 0; p < 3; p++) {
            ct_metric_iqs.merge(&merged, &parts[p], -1);
        }
        assert_memory_equal(&merged, &none, sizeof none);
    }
    for (int i = 0; i < 5; i++) {
        free(records[i]);
    }
    ct_marks_free(marks);
    ct_scorecard_free(card);
}

/* ---- several rule sets ------------------------------------------------------------------------------------------- */

struct missing {
    size_t count;
    char text[4][80];
};

static void note(void *context, const struct ct_criterion *criterion, ct_span signal)
{
    struct missing *missing = context;
    assert_true(missing->count < 4);
    (void)snprintf(missing->text[missing->count++], sizeof missing->text[0], "%s:%s", criterion->name.at, signal.at);
}

static struct ct_marks *solved_marked(void)
{
    struct ct_marks *marks = ct_marks_new();
    const struct ct_mark_origin origin = {.conversation_id = ct_span_of("a"), .session = 1};
    const struct ct_mark mark = {
        .field = CT_MARK_SIGNAL, .name = ct_span_of("bot.solved_question"), .value = 1, .more = 77};
    assert_int_equal(ct_marks_add(marks, &origin, &mark), CT_OK);
    assert_int_equal(ct_marks_settle(marks), CT_OK);
    assert_int_equal(marks->at[0].more, 0); /* the index of the name, whatever the caller said */
    return marks;
}

/* One signal has the number 0 in the first rule set, 1 in the second, and is not in the third; of the fourth nothing is
 * known, and the tenth is not bound. */
static void numbers_of_each_rule_set(void **state)
{
    (void)state;
    static const struct ct_signal turned[] = {{.name = {"bot.greeting", 12}}, {.name = {"bot.solved_question", 19}}};
    static const struct ct_ruleset second = {.signals = turned, .signal_count = 2, .hash = "b"};
    static const struct ct_ruleset third = {.signals = turned, .signal_count = 1, .hash = "c"};
    static const struct {
        uint32_t rule_set;
        uint16_t signal;
        int64_t solved, either, when; /* -1 = not judged */
        enum ct_tri marked;
    } cases[] = {
        {0, 0, CT_CRITERION_ONE, CT_CRITERION_ONE, 0, CT_TRUE},
        {0, 1, 0, CT_CRITERION_ONE, -1, CT_FALSE},
        {1, 0, 0, CT_CRITERION_ONE, -1, CT_FALSE},
        {1, 1, CT_CRITERION_ONE, CT_CRITERION_ONE, 0, CT_TRUE},
        {2, 0, -1, CT_CRITERION_ONE, -1, CT_NULL}, /* the greeting is known there, and stands */
        {2, 7, -1, -1, -1, CT_NULL},
        {3, 0, -1, -1, -1, CT_NULL},
        {9, 0, -1, -1, -1, CT_NULL},
    };
    struct ct_scorecard *card =
        card_of("criteria:\n"
                "  - {name: solved, rule: {signal: bot.solved_question}}\n"
                "  - {name: either, rule: {signal: [bot.solved_question, bot.greeting]}}\n"
                "  - {name: when, when: {signal: bot.solved_question}, rule: {escalated: true}}\n");
    struct ct_marks *marks = solved_marked();
    struct ct_bindings bindings;
    ct_bindings_init(&bindings, card, marks);
    assert_int_equal(ct_bindings_add_rules(&bindings, &rules), CT_OK);
    assert_int_equal(ct_bindings_add_rules(&bindings, &second), CT_OK);
    assert_int_equal(ct_bindings_add_rules(&bindings, &third), CT_OK);
    assert_int_equal(ct_bindings_add(&bindings, "d", NULL, NULL), CT_OK);
    struct ct_terms terms = CT_TERMS_DEFAULT;
    terms.scorecard = card;
    terms.bindings = &bindings;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct make_tail tail = {.signals = &cases[i].signal, .signal_count = 1};
        struct ct_record head = make_head();
        head.rule_set = cases[i].rule_set;
        struct ct_record *r = make_record(&head, &tail);
        const int64_t due[] = {cases[i].solved, cases[i].either, cases[i].when};
        for (size_t c = 0; c < 3; c++) {
            if (ct_criterion_score(&card->criteria[c], r, &terms, NULL) != due[c]) {
                fail_msg("case %zu: %s is %lld", i, card->criteria[c].name.at,
                         (long long)ct_criterion_score(&card->criteria[c], r, &terms, NULL));
            }
        }
        assert_int_equal(ct_bindings_mark_signal(&bindings, r, 0), cases[i].marked);
        free(r);
    }
    struct missing missing[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        ct_scorecard_missing(card, &bindings.at[i], note, &missing[i]);
    }
    assert_int_equal(missing[0].count + missing[1].count, 0);
    assert_int_equal(missing[2].count, 3);
    assert_string_equal(missing[2].text[0], "solved:bot.solved_question");
    assert_string_equal(missing[2].text[1], "either:bot.solved_question");
    assert_string_equal(missing[2].text[2], "when:bot.solved_question");
    assert_int_equal(missing[3].count, 4);
    assert_true(bindings.at[2].known && !bindings.at[3].known);
    ct_bindings_done(&bindings);
    ct_marks_free(marks);
    ct_scorecard_free(card);
}

/* Without rules any name will do; the ones that are named are kept once each. */
static void names_before_rules(void **state)
{
    (void)state;
    static const char text[] = "criteria: [{name: a, rule: {signal: [x.y, bot.greeting, x.y]}}]";
    struct ct_error err = {0};
    struct ct_scorecard *card = ct_scorecard_load(ct_span_of("card.yaml"), ct_span_of(text), NULL, &err);
    assert_non_null(card);
    assert_int_equal(card->signals.count, 2);
    ct_scorecard_free(card);
    assert_null(ct_scorecard_load(ct_span_of("card.yaml"), ct_span_of(text), &rules, &err));
    assert_non_null(strstr(err.text, "x.y"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_cards),
        cmocka_unit_test(conditions),
        cmocka_unit_test(five_by_hand),
        cmocka_unit_test(laws),
        cmocka_unit_test(numbers_of_each_rule_set),
        cmocka_unit_test(names_before_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
