/* engine_conversation.c - conversations told line by line, and the outcome that must come of each: worked out by hand
 * from docs/outcomes.md, never from a run.
 */
#include "tests/unit/talk.h"

/* ---- each outcome ---- */

static void every_outcome(void **state)
{
    (void)state;
    expect("b hello, how can I help\ns !close", CT_OUTCOME_NOT_ENGAGED, CT_NULL);
    expect("u !media\nb+2 got it", CT_OUTCOME_SILENT, CT_NULL); /* a photograph is something said */
    expect("u where is it\nb+1 tomorrow\na+9 I am Ana", CT_OUTCOME_ESCALATED, CT_NULL);
    expect("u human please\nb+1 tell me more\nu+5 it is about my bill\nb+1 I see", CT_OUTCOME_ESCALATION_FAILED,
           CT_FALSE);
    expect("u where\nb+1 here, did it help\nu+3 yes", CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
    expect("u where\nb+1 here\nu+3 it does not work", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    expect("u where\nb+1 here\nu+3 thanks", CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    expect("u where\nb+1 here", CT_OUTCOME_SILENT, CT_NULL);
    expect("u where\nb+1 here\nu+3 ok bye", CT_OUTCOME_SILENT, CT_NULL);
    expect("u where", CT_OUTCOME_ABANDONED, CT_FALSE);
}

static void abandoned_where(void **state)
{
    (void)state;
    assert_int_equal(talk("u where\nu+9 hello?")->abandoned_at, CT_ABANDONED_BOT);
    assert_int_equal(talk("u where\nb+1 here\nu+9 and when?")->abandoned_at, CT_ABANDONED_BOT);
    assert_int_equal(talk("u where\nb+1 pardon")->abandoned_at, CT_ABANDONED_BOT); /* a fallback is no answer */
    assert_int_equal(talk("u a parcel\nb+1 sure, your name")->abandoned_at, CT_ABANDONED_QUESTION);
    assert_int_equal(talk("u a parcel\nb+1 sure, your name\nu+9 Ana\nb+1 done")->outcome, CT_OUTCOME_SILENT);
    assert_int_equal(talk("u human please")->abandoned_at, CT_ABANDONED_QUEUE);
}

/* Something without words is nothing that waits for an answer. */
static void wordless_user_events(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u where\nb+1 here\nu+5 !close !by:user");
    assert_int_equal(record->outcome, CT_OUTCOME_SILENT);
    assert_int_equal(record->user_messages, 1);
    assert_int_equal(record->unanswered, 0);
    assert_true(record->closed_by_event);
    record = talk("u !feedback:csat=3/5\nb+1 hello");
    assert_int_equal(record->outcome, CT_OUTCOME_NOT_ENGAGED);
    assert_int_equal(record->asked_at, CT_USEC_NONE);
}

/* ---- precedence ---- */

static void the_table_is_the_order(void **state)
{
    (void)state;
    const struct ct_record *record;
    expect("a hello from the shop", CT_OUTCOME_NOT_ENGAGED, CT_NULL);
    expect("u human please\na+60 I am Ana\nu+9 thanks", CT_OUTCOME_ESCALATED, CT_TRUE);
    record = talk("u human please\nb+1 first this, did it help\nu+5 yes");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATION_FAILED);
    assert_int_equal(beaten(record, CT_OUTCOME_RESOLVED_CONFIRMED), 2);
    assert_int_equal(decided(record)->message, 0);
    record = talk("u where\nb+1 here, did it help\nu+5 yes\nb+1 good\nu+4 thanks");
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_CONFIRMED);
    assert_int_equal(beaten(record, CT_OUTCOME_RESOLVED_IMPLIED), 4);
}

static void the_last_word_wins(void **state)
{
    (void)state;
    expect("u where\nb+1 here\nu+3 thanks\nb+1 ok\nu+9 it does not work", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    expect("u where\nb+1 here\nu+3 it does not work\nb+1 try that\nu+9 it works", CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    expect("u where\nb+1 did it help\nu+3 yes\nb+1 ok\nu+9 no, it does not work", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    expect("u where\nb+1 did it help\nu+3 no\nb+1 and now, did it help\nu+9 yes", CT_OUTCOME_RESOLVED_CONFIRMED,
           CT_TRUE);
    /* on one message the negative one */
    const struct ct_record *record = talk("u where\nb+1 here\nu+3 thanks, but it does not work");
    assert_int_equal(record->outcome, CT_OUTCOME_UNRESOLVED);
    assert_int_equal(beaten(record, CT_OUTCOME_RESOLVED_IMPLIED), 2);
}

static void before_any_answer(void **state)
{
    (void)state;
    expect("u it does not work\nb+1 restart it", CT_OUTCOME_SILENT, CT_NULL); /* the problem, no feedback */
    expect("u hello\nu+2 my router does not work\nb+1 restart it", CT_OUTCOME_SILENT, CT_NULL);
    expect("b welcome\nu it does not work\nb+1 restart it", CT_OUTCOME_SILENT, CT_NULL);
    expect("u thanks in advance\nb+1 here", CT_OUTCOME_SILENT, CT_NULL);
    expect("u it does not work\nb+1 restart it\nu+99 it does not work", CT_OUTCOME_UNRESOLVED, CT_FALSE);
}

static void mended(void **state)
{
    (void)state;
    expect("u where\nb+1 there\nu+3 wrong\nb+1 here", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    expect("u where\nb+1 there\nu+3 wrong\nb+1 here\nu+5 and when\nb+1 now", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    expect("u where\nb+1 there\nu+3 wrong\nb+1 here\nu+5 and when\nb+1 now\nu+5 how\nb+1 so", CT_OUTCOME_SILENT,
           CT_NULL);
    /* what the customer calls unsolved does not mend by itself */
    expect("u where\nb+1 there\nu+3 does not work\nb+1 here\nu+5 and when\nb+1 now\nu+5 how\nb+1 so",
           CT_OUTCOME_UNRESOLVED, CT_FALSE);
}

static void labels(void **state)
{
    (void)state;
    const struct ct_record *record;
    expect("u where\nb+1 here\nu+3 does not work\ns !label:resolved=true", CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
    expect("u where\nb+1 here\nu+3 thanks\ns !label:resolved=false", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    record = talk("u human please\na+5 hi\nu+5 does not work\ns !label:resolved=1");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATED);
    assert_int_equal(record->resolved, CT_TRUE);
    assert_true(record->label_decided);
    record = talk("u human please\nb+1 no\ns !label:resolved=true");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATION_FAILED);
    assert_int_equal(record->resolved, CT_TRUE);
    /* two labels: the newer one, for the outcome and for `resolved` alike */
    expect("u where\nb+1 here\ns !label:resolved=false\ns+9 !label:resolved=true", CT_OUTCOME_RESOLVED_CONFIRMED,
           CT_TRUE);
    expect("u where\nb+1 here\ns !label:resolved=true\ns+9 !label:resolved=false", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    /* a thumb on the answer itself */
    expect("u where\nb+1 !feedback:thumbs=up here", CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    expect("u where\nb+1 !feedback:thumbs=down here", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    record = talk("u a\nb+1 b\ns !label:accuracy=true\nu+5 c\nb+1 d\ns !label:accuracy=false");
    assert_int_equal(record->judged, 2);
    assert_int_equal(record->judged_correct, 1);
}

/* ---- a person ---- */

static void escalated_by_whatever(void **state)
{
    (void)state;
    const struct ct_record *record;
    expect("u where\nb+1 ok\ns+1 !handoff:accepted", CT_OUTCOME_ESCALATED, CT_NULL);
    record = talk("u where\nb+1 !tool:transfer_to_human_agents one moment");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATED);
    assert_true(record->performed && !record->human_joined && !record->requested);
    assert_true(ct_span_is(ct_record_text(record, CT_TEXT_ESCALATED_BY), "bot"));
    record = talk("u human please\nb+1 transferring you\ns+3 !handoff:accepted !by:bot\na+30 hi");
    assert_true(record->requested && record->announced && record->performed && record->human_joined);
    assert_true(ct_span_is(ct_record_text(record, CT_TEXT_ESCALATED_BY), "bot")); /* as the platform says */
    record = talk("u hi\ns+3 !handoff:requested !by:user\na+30 hi");
    assert_true(ct_span_is(ct_record_text(record, CT_TEXT_ESCALATED_BY), "customer"));
    record = talk("u human please\na+9 hi");
    assert_true(ct_span_is(ct_record_text(record, CT_TEXT_ESCALATED_BY), "customer"));
}

static void announced(void **state)
{
    struct ct_conversation_options options = {.announced = CT_ANNOUNCED_NEVER};
    (void)state;
    /* without platform facts the word stands for the deed */
    expect("u help\nb+1 transferring you", CT_OUTCOME_ESCALATED, CT_NULL);
    expect("u help\nb+1 transferring you\nb+1 please wait\nu+9 ok", CT_OUTCOME_ESCALATED, CT_NULL);
    /* unless it came to nothing: asked for once more, offered again, nobody there, declined */
    expect("u help\nb+1 transferring you\nu+99 human please\nb+1 hm", CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    expect("u help\nb+1 transferring you\nb+99 want a human", CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    expect("u help\nb+1 transferring you\nb+5 nobody is free", CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    expect("u help\nb+1 transferring you\nu+5 no human", CT_OUTCOME_SILENT, CT_NULL);
    /* something was done that the source does not show */
    expect("u human please\nb+1", CT_OUTCOME_ESCALATED, CT_NULL);
    expect("u human please\nb+1 no", CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    /* with them the deed is demanded */
    expect("u help\nb+1 !tool:find_order ok\nb+1 transferring you", CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    assert_int_equal(talk_with(&options, "u help\nb+1 transferring you")->outcome, CT_OUTCOME_ESCALATION_FAILED);
    options.announced = CT_ANNOUNCED_ALWAYS;
    assert_int_equal(talk_with(&options, "u help\nb+1 !tool:find_order ok\nb+1 transferring you")->outcome,
                     CT_OUTCOME_ESCALATED);
}

static void withdrawn_and_failed(void **state)
{
    (void)state;
    const struct ct_record *record;
    /* asked, and taken back */
    record = talk("u human please\nb+1 wait\nu+5 no human, tell me yourself\nb+1 here\nu+5 thanks");
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_IMPLIED);
    assert_true(record->requested && record->refused);
    assert_int_equal(beaten(record, CT_OUTCOME_ESCALATION_FAILED), 0);
    /* on one message the request stands: "no human ... well, human please" */
    expect("u no human, well, human please\nb+1 hm", CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    expect("u human please\nb+1 wait\nu+5 no human\nb+1 ok\nu+5 human please\nb+1 hm", CT_OUTCOME_ESCALATION_FAILED,
           CT_FALSE);
    /* the platform says that it failed, and so that somebody was called; what the bot says of itself is no call */
    record = talk("u help\nb+1 one moment\ns+9 !handoff:failed");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATION_FAILED);
    assert_true(ct_record_failed(record) && record->failed && record->decided_by.count == 1);
    /* begun, and failed */
    record = talk("u help\nb+1 !tool:transfer_to_human ok\ns+9 !handoff:failed");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATION_FAILED);
    assert_true(record->failed && !record->escalated && !record->performed);
    assert_int_equal(beaten(record, CT_OUTCOME_ESCALATED), 1);
    expect("u help\ns+1 !handoff:accepted\ns+9 !handoff:failed\na+9 hi", CT_OUTCOME_ESCALATED, CT_NULL);
    expect("u help\ns+1 !handoff:failed\ns+9 !handoff:accepted", CT_OUTCOME_ESCALATED, CT_NULL);
}

static void offered(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u where\nb+1 want a human?\nu+5 yes\nb+1 hm");
    assert_true(record->offered && record->requested);
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATION_FAILED);
    record = talk("u where\nb+1 want a human?\nu+5 no\nb+1 then here it is");
    assert_true(record->offered && record->refused && !record->requested);
    assert_int_equal(record->outcome, CT_OUTCOME_SILENT);
    /* the question has passed: one turn, one day */
    record = talk("u where\nb+1 want a human?\nu+5 what\nb+1 well\nu+5 yes\nb+1 fine");
    assert_false(record->requested);
    record = talk("u where\nb+1 want a human?\nu+86402 yes\nb+1 fine");
    assert_false(record->requested);
    /* a newer question takes the answer */
    record = talk("u where\nb+1 want a human?\nb+1 did it help\nu+5 yes");
    assert_false(record->requested);
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_CONFIRMED);
}

static void resolved_by_a_person(void **state)
{
    (void)state;
    expect("u human please\na+9 hi\nu+5 thanks", CT_OUTCOME_ESCALATED, CT_TRUE);
    expect("u human please\na+9 hi\nu+5 it does not work", CT_OUTCOME_ESCALATED, CT_FALSE);
    expect("u human please\na+9 hi\ns+99 !close", CT_OUTCOME_ESCALATED, CT_TRUE);
    expect("u human please\na+9 hi\nu+5 it does not work\ns+99 !close", CT_OUTCOME_ESCALATED, CT_FALSE);
    expect("u where\nb+1 here\nu+5 thanks\na+9 hi", CT_OUTCOME_ESCALATED, CT_NULL); /* said before the person */
}

/* ---- surveys ---- */

static void scores(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u where\nb+1 here\nb+1 rate us\nu+5 5");
    assert_true(record->score[CT_SCORE_CSAT].present && record->survey_asked[CT_SCORE_CSAT]);
    assert_int_equal(record->score[CT_SCORE_CSAT].value, 5);
    assert_int_equal(record->score[CT_SCORE_CSAT].scale_max, 5);
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_CONFIRMED);
    assert_true(record->positive && !record->negative);
    expect("u where\nb+1 here\nb+1 rate us\nu+5 2", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    expect("u where\nb+1 here\nb+1 rate us\nu+5 3", CT_OUTCOME_SILENT, CT_NULL); /* between: decides nothing */
    expect("u where\nb+1 here\nb+1 rate us\nu+5 excellent", CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
    record = talk("u where\nb+1 here\nb+1 recommend us\nu+5 10");
    assert_int_equal(record->score[CT_SCORE_NPS].value, 10);
    assert_int_equal(record->outcome, CT_OUTCOME_SILENT); /* whether one would recommend is another question */
    record = talk("u where\nb+1 here\nb+1 how hard\nu+5 7");
    assert_int_equal(record->score[CT_SCORE_CES].value, 7);
    assert_int_equal(record->score[CT_SCORE_CES].scale_max, 7);
    /* facts of the platform need no question before them */
    record = talk("u where\nb+1 here\ns+5 !feedback:csat=9/10");
    assert_int_equal(record->score[CT_SCORE_CSAT].value, 9);
    assert_int_equal(record->score[CT_SCORE_CSAT].scale_max, 10);
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_CONFIRMED);
}

static void two_scores_and_praise(void **state)
{
    (void)state;
    /* each score speaks for itself: the newer, good one does not make the older good, nor the reverse */
    expect("u where\nb+1 here\nb+1 rate us\nu+5 1\nb+1 and now? rate us\nu+5 5", CT_OUTCOME_RESOLVED_CONFIRMED,
           CT_TRUE);
    expect("u where\nb+1 here\nb+1 rate us\nu+5 5\nb+1 and now? rate us\nu+5 1", CT_OUTCOME_UNRESOLVED, CT_FALSE);
    /* a score in the middle stays in the middle, whatever was said elsewhere */
    expect("u where\nb+1 here\nu+5 thanks\nb+1 rate us\nu+5 3", CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    const struct ct_record *record = talk("u where\nb+1 !feedback:thumbs=up here\nb+1 rate us\nu+5 3");
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_IMPLIED);
}

static void no_score(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u where\nb+1 here\nb+1 rate us\nu+5 9"); /* out of scale: never clamped */
    assert_false(record->score[CT_SCORE_CSAT].present);
    assert_true(has(record, "score.unreadable"));
    record = talk("u where\nb+1 here\nb+1 rate us\nu+5 2 or 5");
    assert_false(record->score[CT_SCORE_CSAT].present);
    assert_true(has(record, "score.unreadable"));
    record = talk("u where\nb+1 here\nu+5 5"); /* no survey: a menu's digit */
    assert_false(record->score[CT_SCORE_CSAT].present);
    record = talk("u where\nb+1 here\nb+1 rate us\nu+5 4\nb+1 good\nu+5 2"); /* consumed */
    assert_int_equal(record->score[CT_SCORE_CSAT].value, 4);
    record = talk("u a\nb+1 rate us\nu+5 b\nb+1 c\nu+5 d\nb+1 e\nu+5 4"); /* two turns passed */
    assert_false(record->score[CT_SCORE_CSAT].present);
    record = talk("u a\nb+1 rate us\nu+604801 4"); /* seven days passed */
    assert_false(record->score[CT_SCORE_CSAT].present);
    record = talk("u a\nb+1 rate us\nu+604800 4");
    assert_int_equal(record->score[CT_SCORE_CSAT].value, 4);
    record = talk("u a\nb+1 rate us\nu+5 hm\nu+5 4"); /* two messages, one turn */
    assert_int_equal(record->score[CT_SCORE_CSAT].value, 4);
    record = talk("u where\nb+1 here\ns+5 !feedback:csat=6/5");
    assert_false(record->score[CT_SCORE_CSAT].present);
    assert_true(has(record, "score.unreadable"));
    record = talk("u where\nb+1 here\ns+5 !feedback:csat=1/1"); /* a scale of one value says nothing */
    assert_false(record->score[CT_SCORE_CSAT].present);
}

static void survey_left_open(void **state)
{
    struct ct_message m;
    (void)state;
    talk("u where\nb+1 rate us");
    assert_true(ct_conversation_survey_open(conversation));
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.role = CT_ROLE_USER;
    m.ts = T0 + 3 * CT_USEC_PER_HOUR;
    m.text = CT_SPAN_LIT("4");
    assert_true(ct_conversation_answers_survey(conversation, &m));
    m.text = CT_SPAN_LIT("44");
    assert_false(ct_conversation_answers_survey(conversation, &m));
    m.text = CT_SPAN_LIT("where is my parcel");
    assert_false(ct_conversation_answers_survey(conversation, &m));
    m.text = CT_SPAN_LIT("4");
    m.ts = T0 + 8 * CT_USEC_PER_DAY;
    assert_false(ct_conversation_answers_survey(conversation, &m));
    talk("u a\nb+1 rate us\nu+5 b\nb+1 c\nu+5 d");
    assert_true(ct_conversation_survey_open(conversation)); /* the next message is still in the second turn */
    talk("u a\nb+1 rate us\nu+5 b\nb+1 c\nu+5 d\nb+1 e");
    assert_false(ct_conversation_survey_open(conversation));
    talk("u a\nb+1 rate us\nu+5 4");
    assert_false(ct_conversation_survey_open(conversation));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome),
        cmocka_unit_test(abandoned_where),
        cmocka_unit_test(wordless_user_events),
        cmocka_unit_test(the_table_is_the_order),
        cmocka_unit_test(the_last_word_wins),
        cmocka_unit_test(before_any_answer),
        cmocka_unit_test(mended),
        cmocka_unit_test(labels),
        cmocka_unit_test(escalated_by_whatever),
        cmocka_unit_test(announced),
        cmocka_unit_test(withdrawn_and_failed),
        cmocka_unit_test(offered),
        cmocka_unit_test(resolved_by_a_person),
        cmocka_unit_test(scores),
        cmocka_unit_test(two_scores_and_praise),
        cmocka_unit_test(no_score),
        cmocka_unit_test(survey_left_open),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
