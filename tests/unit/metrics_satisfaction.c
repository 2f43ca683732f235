/* metrics_satisfaction.c - surveys in and outside the chat, feedback and its answers, complaints across conversations
 * and by events, sentiment; each figure worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "business_bench.h"
#include "metrics/answers.h"

static struct bench november(void)
{
    return bench_new("2026-11-01", "2026-12-01");
}

static struct ct_record chat_head(const char *start, const char *end)
{
    struct ct_record r = make_head();
    r.engaged = r.has_customer = r.timed = true;
    r.started_at = when(start);
    r.ended_at = when(end);
    return r;
}

static struct ct_record *chat(const struct ct_record *head, const char *topics, const char *id)
{
    return make_record(head, &(struct make_tail){.text = {[CT_TEXT_TOPICS] = topics, [CT_TEXT_CONVERSATION_ID] = id}});
}

static void one(struct bench *bench, const struct ct_record *head, const char *topics)
{
    struct ct_record *record = chat(head, topics, "c");
    bench_customer(bench, &record, 1, NULL, 0, NULL);
    free(record);
}

static void surveys_outside(void **state)
{
    (void)state;
    struct bench b = november();
    bench_times(&b, 40, EVENTS(SAY(SURVEY, "2026-11-10", .name = "csat", .score = "5", .min = "1", .max = "5")));
    bench_times(&b, 10, EVENTS(SAY(SURVEY, "2026-11-10", .name = "csat", .score = "3", .min = "1", .max = "5")));
    /* dated by the answer: these two are not of November, though the last one belongs to no moment in it by a second */
    bench_times(&b, 5, EVENTS(SAY(SURVEY, "2026-10-31T23:59:59Z", .name = "csat", .score = "1")));
    bench_times(&b, 5, EVENTS(SAY(SURVEY, "2026-12-01", .name = "csat", .score = "1")));
    bench_times(&b, 1, EVENTS(SAY(SURVEY, "2026-11-01", .name = "csat", .score = "9", .min = "1", .max = "5")));
    bench_times(&b, 1, EVENTS(SAY(SURVEY, "2026-11-01", .name = "csat"))); /* asked, not answered */
    bench_times(&b, 1, EVENTS(SAY(SURVEY, "2026-11-01", .name = "mood", .score = "1")));
    bench_nobody(&b, &(const struct said)SAY(SURVEY, "2026-11-05", .name = "nps", .score = "10"));
    bench_compute(&b);
    assert_value(&b, "csat", NULL, "80.0");
    assert_int_equal(figure_of(&b, "csat", NULL)->left_out, 1);
    assert_value(&b, "csat.mean", NULL, "4.6");
    assert_value(&b, "nps", NULL, "100.0");
    assert_value(&b, "css", NULL, "null");
    bench_done(&b);
}

static void versions_of_css(void **state)
{
    (void)state;
    struct bench b = november();
    bench_times(&b, 3, EVENTS(SAY(SURVEY, "2026-11-10", .name = "css", .score = "5", .version = "2025")));
    bench_times(&b, 1, EVENTS(SAY(SURVEY, "2026-11-10", .name = "css", .score = "2", .version = "2025")));
    bench_times(&b, 2, EVENTS(SAY(SURVEY, "2026-11-10", .name = "css", .score = "1", .version = "2026")));
    struct ct_record r = chat_head("2026-11-03", "2026-11-03");
    r.score[CT_SCORE_CSS] = (struct ct_score){.present = true, .value = 4, .scale_min = 1, .scale_max = 5};
    one(&b, &r, NULL);
    bench_compute(&b);
    assert_value(&b, "css", NULL, "75.0"); /* the version with most answers */
    assert_value(&b, "css", "1-5/2026", "0.0");
    assert_value(&b, "css", "1-5", "100.0");
    assert_value(&b, "css.mean", "1-5/2025", "4.25");
    bench_done(&b);
}

static void thresholds(void **state)
{
    (void)state;
    /* the default of kpis.json: 4-5 of 5, 6-10 of 10; then 5 of 5 and 9 of 10 */
    for (int strict = 0; strict <= 1; strict++) {
        struct bench b = november();
        b.terms.csat_positive_of_5 = strict ? 5 : 4;
        b.terms.csat_positive_of_10 = strict ? 9 : 6;
        for (const char *score = "12345"; *score; score++) {
            char text[2] = {*score, '\0'};
            bench_times(&b, 1, EVENTS(SAY(SURVEY, "2026-11-10", .score = text, .min = "1", .max = "5")));
        }
        static const char *const tens[] = {"5", "6", "8", "9"};
        for (size_t i = 0; i < 4; i++) {
            bench_times(&b, 1, EVENTS(SAY(SURVEY, "2026-11-10", .score = tens[i], .min = "1", .max = "10")));
        }
        bench_compute(&b);
        assert_value(&b, "csat", "1-5", strict ? "20.0" : "40.0");
        assert_value(&b, "csat", "1-10", strict ? "25.0" : "75.0");
        bench_done(&b);
    }
}

static void the_other_way(void **state)
{
    (void)state;
    struct bench b = november();
    static const int32_t marks[] = {1, 1, 2, 5}; /* German school marks, nearly: 1 is best */
    for (size_t i = 0; i < 4; i++) {
        struct ct_record r = chat_head("2026-11-03", "2026-11-03");
        r.score[CT_SCORE_CSAT] =
            (struct ct_score){.present = true, .value = marks[i], .scale_min = 1, .scale_max = 5, .turned = true};
        r.score[CT_SCORE_CES] =
            (struct ct_score){.present = true, .value = 8 - marks[i], .scale_min = 1, .scale_max = 7, .turned = true};
        r.score[CT_SCORE_NPS] =
            (struct ct_score){.present = true, .value = marks[i] - 1, .scale_max = 10, .turned = true};
        one(&b, &r, NULL);
    }
    bench_compute(&b);
    assert_value(&b, "csat", NULL, "75.0");
    assert_string_equal(figure_of(&b, "csat", NULL)->key, "1-5 turned");
    assert_value(&b, "csat.mean", NULL, "3.75"); /* 5 5 4 1 */
    assert_value(&b, "ces", NULL, "2.25");       /* 1 1 2 5 */
    assert_value(&b, "ces.easy", NULL, "75.0");
    assert_value(&b, "nps", NULL, "50.0"); /* 10 10 9 6: three promoters, one detractor */
    bench_done(&b);
}

static void feedback_and_answers(void **state)
{
    (void)state;
    struct bench b = november();
    struct ct_record r = chat_head("2026-11-03", "2026-11-03");
    r.comments = 2;
    r.comments_answered = 1;
    one(&b, &r, NULL);
    bench_times(&b, 1,
                EVENTS(SAY(FEEDBACK, "2026-11-02", .ref = "f1", .text = "late"),
                       SAY(FEEDBACK_ANSWERED, "2026-11-02", .ref = "f1"), /* the same moment is after it */
                       SAY(FEEDBACK, "2026-11-03", .ref = "f2"), SAY(FEEDBACK_ANSWERED, "2026-11-29", .ref = "f2"),
                       SAY(FEEDBACK, "2026-11-04", .ref = "f3"), SAY(FEEDBACK_ANSWERED, "2026-11-01", .ref = "f3"),
                       SAY(FEEDBACK, "2026-11-04"), SAY(FEEDBACK_ANSWERED, "2026-11-05"),
                       SAY(FEEDBACK, "2026-10-04", .ref = "f4"), SAY(FEEDBACK_ANSWERED, "2026-11-05", .ref = "f4"),
                       SAY(SURVEY, "2026-11-09", .name = "csat", .score = "4", .text = "good", .ref = "f5"),
                       SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "f5"),
                       SAY(SURVEY, "2026-11-09", .name = "csat", .score = "5")));
    bench_compute(&b);
    /* in the chat 1 of 2; outside f1, f2 and f5 of f1 f2 f3 - f5 */
    assert_value(&b, "customer_feedback", NULL, "7");
    const struct ct_figure *rate = figure_of(&b, "feedback_response_rate", NULL);
    assert_true(rate->numerator == 4 && rate->denominator == 7);
    bench_done(&b);
}

/* Who was answered is not always said: names meet across customers, in one tenant, from the feedback on. */
static void answers_without_a_customer(void **state)
{
    (void)state;
    static const struct said nobodys_answers[] = {
        SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "f1"),
        SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "n1"),
        SAY(FEEDBACK_ANSWERED, "2026-11-01", .ref = "f2"),
        SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "k1"),
        SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "k2"),
        SAY(FEEDBACK_ANSWERED, "2026-12-02", .ref = "n2"),
        SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "t1", .tenant = "other"),
        SAY(FEEDBACK_ANSWERED, "2026-11-10"),
    };
    static const struct said customers_answers[] = {
        SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "n3"), /* to somebody, of what nobody in particular wrote */
        SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "f9"), /* another customer's f9 is another one */
    };
    for (int table = 0; table < 2; table++) {
        struct bench b = november();
        struct ct_answers *answers = ct_answers_new(), *of_other = ct_answers_new();
        assert_true(answers && of_other);
        for (size_t i = 0; i < sizeof nobodys_answers / sizeof *nobodys_answers; i++) {
            struct ct_business *event = event_of(NULL, &nobodys_answers[i]);
            assert_int_equal(ct_answers_add(i % 2 ? answers : of_other, event), CT_OK);
            free(event);
        }
        for (size_t i = 0; i < sizeof customers_answers / sizeof *customers_answers; i++) {
            struct ct_business *event = event_of("somebody", &customers_answers[i]);
            assert_int_equal(ct_answers_add(answers, event), CT_OK);
            free(event);
        }
        assert_int_equal(ct_answers_merge(answers, of_other), CT_OK);
        ct_answers_settle(answers);
        b.terms.answers = table ? answers : NULL;
        bench_times(&b, 1,
                    EVENTS(SAY(FEEDBACK, "2026-11-02", .ref = "f1"), /* answered */
                           SAY(FEEDBACK, "2026-11-02", .ref = "f2"), /* what was answered before is another */
                           SAY(FEEDBACK, "2026-11-02", .ref = "f9"), SAY(FEEDBACK, "2026-11-02", .ref = "t1")));
        bench_nobody(&b, &(const struct said)SAY(FEEDBACK, "2026-11-02", .ref = "n1")); /* answered */
        bench_nobody(&b, &(const struct said)SAY(FEEDBACK, "2026-11-02", .ref = "n2")); /* too late to be known */
        bench_nobody(&b, &(const struct said)SAY(FEEDBACK, "2026-11-02", .ref = "n3")); /* answered */
        bench_nobody(&b, &(const struct said)SAY(FEEDBACK, "2026-11-02"));              /* nothing can name it */
        struct ct_record r = chat_head("2026-11-03", "2026-11-03");
        r.comments = 3;
        r.comments_answered = 1;
        for (int known = 0; known < 2; known++) { /* two more comments each, by the conversation's id */
            r.has_customer = known == 1;
            struct ct_record *one_chat = chat(&r, NULL, known ? "k1" : "k2");
            bench_customer(&b, &one_chat, 1, NULL, 0, NULL);
            free(one_chat);
        }
        r.has_customer = true; /* and by an event of the very customer */
        struct ct_record *own = chat(&r, NULL, "k3");
        bench_customer(&b, &own, 1, EVENTS(SAY(FEEDBACK_ANSWERED, "2026-11-05", .ref = "k3")), NULL);
        free(own);
        /* Of one id, as WhatsApp's are: of what was said after the last answer nothing is answered. */
        struct ct_record later = chat_head("2026-11-08", "2026-11-08"), last = chat_head("2026-11-20", "2026-11-20");
        later.has_customer = last.has_customer = true;
        later.comments = last.comments = 1;
        struct ct_record *same_id[] = {chat(&later, NULL, "k4"), chat(&last, NULL, "k4")};
        bench_customer(&b, same_id, 2,
                       EVENTS(SAY(FEEDBACK_ANSWERED, "2026-11-05", .ref = "k4"),
                              SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "k4")),
                       NULL);
        free(same_id[0]);
        free(same_id[1]);
        bench_compute(&b);
        const struct ct_figure *rate = figure_of(&b, "feedback_response_rate", NULL);
        assert_value(&b, "customer_feedback", NULL, "19");
        /* in the chats 10 of 11, outside f1 of f1 f2 f9 t1 and n1 n3 of n1 n2 n3; without the table 6 of 11, 0 of 4 */
        assert_true(rate->numerator == (table ? 13 : 6) && rate->denominator == (table ? 18 : 15));
        assert_int_equal(rate->left_out, table ? 1 : 4);
        bench_done(&b);
        ct_answers_free(answers);
        ct_answers_free(of_other);
    }
}

/* Of too many answers none is kept, in whatever parts they came. */
static void too_many_answers(void **state)
{
    (void)state;
    struct ct_answers *answers = ct_answers_new(), *other = ct_answers_new();
    struct ct_business *event = event_of(NULL, &(const struct said)SAY(FEEDBACK_ANSWERED, "2026-11-10", .ref = "f1"));
    const ct_span name = CT_SPAN_LIT("f1");
    for (size_t i = 0; i < CT_ANSWERS_MAX; i++) {
        assert_int_equal(ct_answers_add(i % 2 ? answers : other, event), CT_OK);
    }
    assert_int_equal(ct_answers_merge(answers, other), CT_OK);
    ct_answers_settle(answers);
    assert_int_equal(ct_answers_beyond(answers), 0);
    assert_int_equal(ct_answers_find(answers, CT_SPAN_NONE, name, false, event->at, INT64_MAX), CT_ANSWERED_YES);
    assert_int_equal(ct_answers_find(answers, CT_SPAN_NONE, name, true, event->at + 1, INT64_MAX), CT_ANSWERED_NO);
    assert_int_equal(ct_answers_add(answers, event), CT_OK);
    assert_int_equal(ct_answers_beyond(answers), CT_ANSWERS_MAX + 1);
    assert_int_equal(ct_answers_find(answers, CT_SPAN_NONE, name, true, event->at, INT64_MAX), CT_ANSWERED_UNKNOWN);
    free(event);
    ct_answers_free(answers);
    ct_answers_free(other);
}

/* kpis.json: raised 2026-11-16T10:00:00Z, resolved 2026-11-18T10:00:00Z: 172800 s. Three ways to say it. */
static void complaints_by_event(void **state)
{
    (void)state;
    struct bench b = november();
    bench_times(&b, 1,
                EVENTS(SAY(COMPLAINT_RAISED, "2026-11-16T10:00:00Z", .ref = "q1", .name = "delivery"),
                       SAY(COMPLAINT_RESOLVED, "2026-11-18T10:00:00Z", .ref = "q1"),
                       SAY(COMPLAINT_RESOLVED, "2026-11-19T10:00:00Z", .ref = "q1"), /* said twice: the first counts */
                       SAY(COMPLAINT_RAISED, "2026-11-20", .ref = "q2"),
                       SAY(COMPLAINT_RESOLVED, "2026-11-30T23:59:59Z", .ref = "q3"),
                       SAY(COMPLAINT_RAISED, "2026-10-20", .ref = "q3")));
    bench_compute(&b);
    assert_value(&b, "complaint_resolution_time", NULL, "172800.0");
    assert_int_equal(figure_of(&b, "complaint_resolution_time", NULL)->n, 1);
    assert_int_equal(figure_of(&b, "complaint_resolution_time", NULL)->left_out, 1); /* q2; q3 is October's */
    bench_done(&b);
}

static struct ct_record complaint_head(void)
{
    struct ct_record r = chat_head("2026-11-16T09:50:00Z", "2026-11-16T10:10:00Z");
    r.complaint = true;
    r.complaint_at = when("2026-11-16T10:00:00Z");
    r.resolved = CT_FALSE;
    return r;
}

static struct ct_record resolution_head(const char *at)
{
    struct ct_record r = chat_head(at, at);
    r.resolved = CT_TRUE;
    r.resolved_at = when(at);
    return r;
}

static void complaint_case(const char *topics, const char *later, unsigned return_topic, uint64_t resolved)
{
    struct bench b = november();
    b.terms.return_topic = return_topic;
    struct ct_record a = complaint_head(), c = resolution_head("2026-11-18T10:00:00Z");
    struct ct_record d = resolution_head("2026-11-25T10:00:00Z"), before = resolution_head("2026-11-10T10:00:00Z");
    struct ct_record *all[] = {chat(&a, topics, "a"), chat(&c, later, "c"), chat(&d, later, "d"),
                               chat(&before, topics, "b")};
    bench_customer(&b, all, 4, NULL, 0, NULL);
    bench_compute(&b);
    assert_value(&b, "complaint_resolution_time", NULL, resolved ? "172800.0" : "null");
    assert_int_equal(figure_of(&b, "complaint_resolution_time", NULL)->left_out, !resolved);
    for (size_t i = 0; i < 4; i++) {
        free(all[i]);
    }
    bench_done(&b);
}

static void complaints_across_conversations(void **state)
{
    (void)state;
    complaint_case("complaint delivery", "billing delivery", CT_RETURN_TOPIC_SAME, 1);
    complaint_case("delivery", NULL, CT_RETURN_TOPIC_SAME, 1);       /* not known: the same */
    complaint_case("complaint", "billing", CT_RETURN_TOPIC_SAME, 1); /* that one complains is no thing one is about */
    complaint_case("delivery", "billing", CT_RETURN_TOPIC_SAME, 0);
    complaint_case("delivery", "billing", CT_RETURN_TOPIC_ANY, 1);
}

static void complaint_said_to_be_resolved(void **state)
{
    (void)state;
    struct bench b = november();
    struct ct_record a = complaint_head(), *all[] = {chat(&a, "delivery", "conv-7")};
    const struct said events[] = {SAY(COMPLAINT_RAISED, "2026-11-16T10:00:05Z", .ref = "conv-7"), /* the same one */
                                  SAY(COMPLAINT_RESOLVED, "2026-11-18T10:00:00Z", .ref = "conv-7")};
    bench_customer(&b, all, 1, events, 2, NULL);
    bench_compute(&b);
    assert_value(&b, "complaint_resolution_time", NULL, "172800.0");
    assert_int_equal(figure_of(&b, "complaint_resolution_time", NULL)->n, 1);
    assert_int_equal(figure_of(&b, "complaint_resolution_time", NULL)->left_out, 0);
    free(all[0]);
    bench_done(&b);
}

static void what_is_felt_and_mentioned(void **state)
{
    (void)state;
    struct bench b = november();
    struct ct_record r = chat_head("2026-11-03", "2026-11-03");
    r.user_messages = 10;
    r.positive_messages = 2;
    r.questions = 5;
    one(&b, &r, "suggestion technical");
    r.negative_messages = 1;
    one(&b, &r, "competitor");
    r.positive_messages = 0;
    r.negative_messages = 0;
    r.complaint = true;
    one(&b, &r, "technicalities suggestions");
    r.complaint = false;
    r.questions = 0;
    one(&b, &r, NULL);
    bench_compute(&b);
    assert_value(&b, "sentiment", "positive", "25.0");
    assert_value(&b, "sentiment", "mixed", "25.0");
    assert_value(&b, "sentiment", "negative", "25.0");
    assert_value(&b, "sentiment", "none", "25.0");
    assert_value(&b, "sentiment.positive_messages", NULL, "10.0");
    assert_value(&b, "sentiment.negative_messages", NULL, "2.5");
    assert_value(&b, "sentiment.questions", NULL, "37.5");
    assert_value(&b, "sentiment.technical", NULL, "25.0");
    assert_value(&b, "sentiment.suggestions", NULL, "25.0");
    assert_value(&b, "sentiment.competitors", NULL, "25.0");
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(surveys_outside),
        cmocka_unit_test(versions_of_css),
        cmocka_unit_test(thresholds),
        cmocka_unit_test(the_other_way),
        cmocka_unit_test(feedback_and_answers),
        cmocka_unit_test(answers_without_a_customer),
        cmocka_unit_test(too_many_answers),
        cmocka_unit_test(complaints_by_event),
        cmocka_unit_test(complaints_across_conversations),
        cmocka_unit_test(complaint_said_to_be_resolved),
        cmocka_unit_test(what_is_felt_and_mentioned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
