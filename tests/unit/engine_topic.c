/* engine_topic.c - what a record says of topics, feelings, comments and the first question; surveys that run the other
 * way, and what a positive answer is.
 */
#include "tests/unit/talk.h"

static const char topics[] = "pack: own\nversion: 1.0.0\nextends: toy\n"
                             "csat_positive: {5: 5}\n"
                             "signals:\n"
                             "  topic.alpha: {role: user, means: topic}\n"
                             "  topic.beta: {role: user, means: topic}\n"
                             "  shop.beta: {role: user, means: topic}\n"
                             "  gamma: {role: user, means: topic}\n"
                             "  topic.ghost: {role: user, means: topic}\n"
                             "  bot.survey_low: {role: bot, means: survey_csat}\n"
                             "  user.low: {role: user, means: score}\n"
                             "rules:\n"
                             "  - {id: own.alpha, emit: topic.alpha, role: user, any: ['\\balpha\\b']}\n"
                             "  - {id: own.beta, emit: topic.beta, role: user, any: ['\\bbeta\\b']}\n"
                             "  - {id: own.other, emit: shop.beta, role: user, any: ['\\bbravo\\b']}\n"
                             "  - {id: own.gamma, emit: gamma, role: user, any: ['\\bgamma\\b']}\n"
                             "  - {id: own.ghost, emit: topic.ghost, role: user, level: 4, any: ['\\bghost\\b']}\n"
                             "  - {id: own.hello, implements: greeting, any: ['\\bgood morning\\b']}\n"
                             "  - {id: own.angry, implements: complaint, any: ['\\bangry\\b']}\n"
                             "  - {id: own.nice, implements: praise, any: ['\\bnice\\b']}\n"
                             "  - {id: own.low, emit: bot.survey_low, role: bot, any: ['\\bbest is one\\b']}\n"
                             "  - id: own.low_score\n"
                             "    after: {signal: bot.survey_low, role: bot, max_turns: 1}\n"
                             "    value: {as: csat, scale: [1, 5], better: low, from: [digits]}\n"
                             "    emit: user.low\n";

static int load_topics(void **state)
{
    (void)state;
    return load_with((ct_span){topics, sizeof topics - 1});
}

static void assert_text(const struct ct_record *record, enum ct_text_field field, const char *want)
{
    ct_span text = ct_record_text(record, field);
    char copy[2048] = "";
    assert_true(text.len < sizeof copy);
    memcpy(copy, text.len ? text.at : "", text.len);
    assert_string_equal(copy, want);
}

static void assert_topics(const char *talked, const char *topic, const char *all)
{
    const struct ct_record *record = talk(talked);
    assert_text(record, CT_TEXT_TOPIC, topic);
    assert_text(record, CT_TEXT_TOPICS, all);
}

static void the_most_mentioned(void **state)
{
    (void)state;
    assert_topics("u where\nb+1 here", "", "");
    assert_topics("u alpha\nb+1 x\nu+1 beta\nb+1 x\nu+1 beta", "beta", "alpha beta");
    /* a tie: the first mentioned, wherever it stands in the alphabet */
    assert_topics("u beta\nb+1 x\nu+1 alpha", "beta", "alpha beta");
    assert_topics("u beta and alpha", "beta", "alpha beta");
    /* a message counts once, whatever it repeats, and under whichever of two signals of one name */
    assert_topics("u alpha alpha alpha beta bravo\nb+1 x\nu+1 gamma\nb+1 x\nu+1 gamma", "gamma", "alpha beta gamma");
    assert_topics("u gamma\nu beta\nu bravo", "beta", "beta gamma");
    /* what the bot says is no topic; what is tried in the shadow is none */
    assert_topics("u ghost\nb+1 alpha", "", "");
}

static void no_outcome_hangs_on_it(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u alpha\nb+1 here\nu+5 thanks");
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_IMPLIED);
    assert_true(has(record, "topic.alpha"));
    record = talk("u alpha\nb+1 here\nu+5 beta");
    assert_int_equal(record->outcome, CT_OUTCOME_ABANDONED); /* as any question that nobody answered */
    struct ct_conversation_options bare = {.drop_evidence = true};
    record = talk_with(&bare, "u alpha\nb+1 here\nu+5 beta");
    assert_text(record, CT_TEXT_TOPICS, "alpha beta"); /* topics stay where evidence is dropped */
    assert_int_equal(record->evidence.count, 0);
}

static void feelings(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u angry angry\nb+1 sorry\nu+1 nice and angry\nb+1 x\nu+1 thanks");
    assert_int_equal(record->negative_messages, 2);
    assert_int_equal(record->positive_messages, 1);
    assert_int_equal(record->questions, 0);
    record = talk("u where is it?\nb+1 where?\nu+1 and when?\nb+1 x\nu+1 ok");
    assert_int_equal(record->questions, 2);
    assert_int_equal(record->positive_messages + record->negative_messages, 0);
}

static void comments(void **state)
{
    (void)state;
    struct ct_conversation_options keep = {.keep_comments = true};
    const struct ct_record *record =
        talk_with(&keep, "u where\nb+1 rate us\nu+5 4 but it took you far too long\nb+1 x");
    assert_int_equal(record->comments, 1);
    assert_int_equal(record->comments_answered, 1);
    assert_text(record, CT_TEXT_COMMENT, "4 but it took you far too long");
    record = talk_with(&keep, "u where\nb+1 rate us\nu+5 4");
    assert_int_equal(record->comments, 0);
    record = talk("u where\nb+1 rate us\nu+5 4 but it took you far too long");
    assert_int_equal(record->comments, 1);
    assert_int_equal(record->comments_answered, 0);
    assert_text(record, CT_TEXT_COMMENT, ""); /* counted, and not kept unless somebody wants it */
}

static void first_question(void **state)
{
    (void)state;
    struct ct_conversation_options keep = {.keep_questions = true};
    const struct ct_record *record =
        talk_with(&keep, "u good morning\nb+1 hi\nu+1 Where is MY párcel 4711, my parcel AB12?");
    assert_text(record, CT_TEXT_QUESTION, "# parcel where");
    /* the same set, other order, courtesy and codes */
    record = talk_with(&keep, "u Good morning, parcel 9: where is my parcel?\nb+1 hi");
    assert_text(record, CT_TEXT_QUESTION, "# parcel where");
    /* without a question mark it takes three words */
    record = talk_with(&keep, "u hello there\nb+1 hi\nu+1 change delivery address please\nb+1 ok\nu+1 why?");
    assert_text(record, CT_TEXT_QUESTION, "address change delivery please");
    record = talk("u Where is my parcel?\nb+1 hi");
    assert_text(record, CT_TEXT_QUESTION, "");
}

static void the_other_way(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u where\nb+1 from 1 to 5, best is one\nu+5 1");
    const struct ct_score *score = &record->score[CT_SCORE_CSAT];
    assert_true(score->present && score->value == 1 && score->turned);
    assert_int_equal(ct_score_usual(score), 5);
    assert_true(ct_score_positive(score));
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_CONFIRMED);
    /* the pack says that 5 alone is positive: 4 of 5, turned or not, is not */
    record = talk("u where\nb+1 best is one\nu+5 2");
    assert_false(ct_score_positive(&record->score[CT_SCORE_CSAT]));
    record = talk("u where\nb+1 rate us\nu+5 4");
    assert_false(ct_score_positive(&record->score[CT_SCORE_CSAT]));
    assert_false(record->score[CT_SCORE_CSAT].turned);
    record = talk("u where\nb+1 here\nu+5 !feedback:csat=6/10");
    assert_true(ct_score_positive(&record->score[CT_SCORE_CSAT])); /* nothing is said of 10 */
    record = talk("u where\nb+1 how hard\nu+5 2");
    assert_true(record->score[CT_SCORE_CES].present && !record->score[CT_SCORE_CES].turned); /* little effort is low */
    record = talk("u where\nb+1 here\nu+5 !feedback:css=5/5");
    assert_true(record->score[CT_SCORE_CSS].present && record->survey_asked[CT_SCORE_CSS]);
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_CONFIRMED);
}

static void what_a_pack_may_say(void **state)
{
    (void)state;
    static const char *const bad[] = {"csat_positive: {7: 3}\n", "csat_positive: {5: 6}\n", "csat_positive: {10: 0}\n",
                                      "csat_positive: 4\n"};
    size_t len;
    char *core = read_core(&len), pack[200];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ct_error err = {0};
        int written = snprintf(pack, sizeof pack, "pack: p\nversion: 1\nextends: core\n%s", bad[i]);
        struct ct_pack_source packs[] = {{CT_SPAN_LIT("core.yaml"), {core, len}},
                                         {CT_SPAN_LIT("p.yaml"), {pack, (size_t)written}}};
        assert_null(ct_ruleset_load(packs, 2, NULL, &err));
        assert_int_equal(err.line, 4);
    }
    free(core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_mentioned),
        cmocka_unit_test(no_outcome_hangs_on_it),
        cmocka_unit_test(feelings),
        cmocka_unit_test(comments),
        cmocka_unit_test(first_question),
        cmocka_unit_test(the_other_way),
        cmocka_unit_test(what_a_pack_may_say),
    };
    return cmocka_run_group_tests(tests, load_topics, unload);
}
