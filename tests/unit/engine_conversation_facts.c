/* engine_conversation_facts.c - what a conversation's record says beside its outcome: rules by kind and their bounds,
 * times worked out on paper, accuracy, cost, duplicates, limits.
 */
#include "tests/unit/talk.h"

/* ---- rules ---- */

static void closing_question(void **state)
{
    (void)state;
    expect("u where\nb+1 here, anything else?\nu+5 no", CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    expect("u where\nb+1 here, anything else?\nu+5 that is all", CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE);
    expect("u where\nb+1 here\nu+5 that is all", CT_OUTCOME_ABANDONED, CT_FALSE); /* no question, no answer to it */
    const struct ct_record *record = talk("u where\nb+1 here, anything else?\nu+5 no, human please");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATION_FAILED);
}

static void counting_and_repeating(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u a\nb+1 pardon\nu+5 b\nb+1 pardon");
    assert_true(has(record, "conversation.fallback_loop"));
    assert_int_equal(record->outcome, CT_OUTCOME_UNRESOLVED);
    assert_int_equal(record->fallbacks, 2);
    const struct ct_evidence *loop = decided(record), *all = ct_record_array(record, record->evidence);
    assert_int_equal(loop->message, 3);
    assert_int_equal(all[loop->because].message, 1); /* because of where it began */
    /* turns 1 and 4: not within three turns */
    record = talk("u a\nb+1 pardon\nu+5 b\nb+1 c\nu+5 d\nb+1 e\nu+5 f\nb+1 pardon");
    assert_false(has(record, "conversation.fallback_loop"));
    /* turns 1 and 3 are */
    record = talk("u a\nb+1 pardon\nu+5 b\nb+1 c\nu+5 d\nb+1 pardon");
    assert_true(has(record, "conversation.fallback_loop"));
    record = talk("u word\nu+1 word\nb+1 x"); /* two are not three */
    assert_false(has(record, "user.many"));
    record = talk("u word\nb+1 x\nu+1 word\nb+1 y\nu+1 word");
    assert_true(has(record, "user.many"));
    record = talk("u where is my parcel today\nb+1 hm\nu+9 WHERE is my parcel TODAY??");
    assert_true(has(record, "user.repeat"));
    assert_int_equal(record->repeats, 1);
    record = talk("u where is my parcel today\nb+1 hm\nu+9 cancel the other order instead");
    assert_false(has(record, "user.repeat"));
}

static void bounds(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u mark\nb+1 x\nu+300 end");
    assert_true(has(record, "user.early"));
    assert_false(has(record, "user.late")); /* 301 s before the end */
    assert_false(has(record, "user.second"));
    record = talk("u begin\nb+61 x\nu+1 mark\nb+60 end");
    assert_false(has(record, "user.early")); /* 62 s after the begin */
    assert_true(has(record, "user.late"));   /* exactly a minute is within it */
    assert_true(has(record, "user.second"));
    record = talk("u a\nu b\nu mark");
    assert_false(has(record, "user.second")); /* the third */
}

static void in_the_shadow(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u shadow\nb+1 here\nu+5 thanks");
    assert_true(has(record, "user.human_request")); /* reported */
    assert_false(record->requested);                /* and moves nothing */
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_IMPLIED);
    assert_false(ct_conversation_person_expected(conversation));
    /* nor may another rule lean on it: no survey stands */
    record = talk("u where\nb+1 here, grade\nu+5 5");
    assert_true(has(record, "bot.survey_csat"));
    assert_false(record->score[CT_SCORE_CSAT].present);
    assert_false(record->survey_asked[CT_SCORE_CSAT]);
}

/* ---- times ---- */

static void times_on_paper(void **state)
{
    (void)state;
    /*  0 u, 4 b: response 4. 24 u, 30 u, 33 b: response 3, from the last message before the answer.
     *  63 u asks for a person, 64 b announces, 164 agent: wait 101 from the request at 63; 194 u; 200 agent.
     *  AI: 0..64 where the handoff was announced = 64. Person: 164..200 = 36. Total = 200. */
    const struct ct_record *record = talk("u a\nb+4 b\nu+20 c\nu+6 d\nb+3 e\nu+30 human please\nb+1 transferring you\n"
                                          "a+100 hi\nu+30 f\na+6 g");
    const int64_t *responses = ct_record_array(record, record->response_usec);
    assert_true(record->timed);
    assert_int_equal(record->response_usec.count, 3);
    assert_seconds(responses[0], 4);
    assert_seconds(responses[1], 3);
    assert_seconds(responses[2], 1);
    assert_seconds(record->first_response_usec, 4);
    assert_seconds(record->wait_usec, 101);
    assert_seconds(record->human_first_response_usec, 101);
    assert_seconds(record->ai_handling_usec, 64);
    assert_seconds(record->human_handling_usec, 36);
    assert_seconds(record->total_handling_usec, 200);
    assert_int_equal(record->started_at, T0);
    assert_int_equal(record->ended_at, T0 + 200 * CT_USEC_PER_SECOND);
    assert_int_equal(record->unanswered, 0);
}

static void idle_is_cut(void **state)
{
    struct ct_conversation_options options = {.idle_cap_usec = 60 * CT_USEC_PER_SECOND};
    (void)state;
    /* 10 for the answer, 600 of the customer's silence cut to 60, 5 for the next answer; the bot's own 90 are not cut
     */
    const struct ct_record *record = talk_with(&options, "u a\nb+10 b\nu+600 c\nb+5 d\nb+90 e");
    assert_seconds(record->total_handling_usec, 10 + 60 + 5 + 90);
    assert_seconds(record->ai_handling_usec, 165);
    record = talk("u a\nb+10 b\nu+3000 c\nb+5 d"); /* 30 min by default */
    assert_seconds(record->total_handling_usec, 10 + 1800 + 5);
    /* what comes before the customer's first word, and behind the last speaker's, is nobody's handling */
    record = talk("b hello\nu+50 a\nb+10 b\ns+500 !close");
    assert_seconds(record->total_handling_usec, 10);
    assert_seconds(record->first_response_usec, 10);
}

static void the_queue(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u human please\nb+2 ok\ns+3 !handoff:accepted\nu+40 hello?\nu+15 bye");
    assert_int_equal(record->outcome, CT_OUTCOME_ESCALATED);
    assert_seconds(record->queue_abandoned_usec, 60);
    assert_int_equal(record->wait_usec, CT_USEC_NONE);
    record = talk("u human please\nb+2 ok\nu+5 hm");
    assert_int_equal(record->queue_abandoned_usec, CT_USEC_NONE); /* there was no queue */
}

static void untimed(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u? a\nb? b\nu? thanks");
    assert_false(record->timed);
    assert_int_equal(record->outcome, CT_OUTCOME_RESOLVED_IMPLIED);
    assert_int_equal(record->total_handling_usec, CT_USEC_NONE);
    assert_int_equal(record->first_response_usec, CT_USEC_NONE);
    assert_int_equal(record->started_at, CT_USEC_NONE);
    record = talk("u a\nb? b\nu+9 thanks");
    assert_false(record->timed);
    assert_int_equal(record->total_handling_usec, CT_USEC_NONE);
    record = talk("u a\nt? a tool's answer\nb+5 b"); /* only who speaks needs a time */
    assert_true(record->timed);
    assert_seconds(record->total_handling_usec, 5);
}

static enum ct_status say(enum ct_role role, ct_usec ts, const char *text)
{
    struct ct_message m;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.role = role;
    m.ts = ts;
    m.text = ct_span_of(text);
    return ct_conversation_append(conversation, &m, NULL);
}

static void hostile_times(void **state)
{
    static const ct_usec times[] = {INT64_MIN + 1, -1, 0, 1, INT64_MAX};
    (void)state;
    ct_conversation_free(conversation);
    conversation = ct_conversation_new(rules, matcher, NULL);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_int_equal(say(CT_ROLE_USER, times[i], "human please mark"), CT_OK);
        assert_int_equal(say(CT_ROLE_BOT, times[i], "rate us, want a human, transferring you"), CT_OK);
        assert_int_equal(say(CT_ROLE_AGENT, times[i], "hi"), CT_OK);
    }
    const struct ct_record *record = ct_conversation_close(conversation);
    assert_non_null(record);
    assert_true(record->total_handling_usec >= 0 && record->human_handling_usec >= 0);
    /* and against the order of time */
    ct_conversation_begin(conversation, 1);
    assert_int_equal(say(CT_ROLE_USER, INT64_MAX, "human please"), CT_OK);
    assert_int_equal(say(CT_ROLE_BOT, INT64_MIN + 1, "here"), CT_OK);
    assert_int_equal(say(CT_ROLE_AGENT, 0, "hi"), CT_OK);
    record = ct_conversation_close(conversation);
    assert_non_null(record);
    assert_int_equal(record->response_usec.count, 0);
    assert_int_equal(record->first_response_usec, CT_USEC_NONE);
    assert_int_equal(record->total_handling_usec, INT64_MAX);
}

/* ---- accuracy, cost ---- */

static void inferred_accuracy(void **state)
{
    (void)state;
    /* right; a fallback; corrected in the next turn; asked the same again; right */
    const struct ct_record *record =
        talk("u one thing please\nb+1 a\nu+5 two things please\nb+1 pardon\nu+5 three things please\nb+1 c\n"
             "u+5 wrong\nb+1 d\nu+5 wrong again, four blue things\nb+1 e\nu+5 ok");
    assert_int_equal(record->inferred, 5);
    assert_int_equal(record->inferred_correct, 2);
    /* what is said to the person judges the person */
    record = talk("u one\nb+1 a\na+5 hi\nu+5 wrong");
    assert_int_equal(record->inferred, 1);
    assert_int_equal(record->inferred_correct, 1);
    /* nor does what is said two turns later judge this answer */
    record = talk("u one\nb+1 a\nu+5 two\nb+1 pardon\nu+5 three");
    assert_int_equal(record->inferred, 2);
    assert_int_equal(record->inferred_correct, 1);
}

static void cost(void **state)
{
    static const char model_text[] = "currency: EUR\ntokens:\n  - {model: m, per: 1K, input: 1, output: 2}\n";
    struct ct_error err = {0};
    (void)state;
    struct ct_cost_model *model =
        ct_cost_model_load(CT_SPAN_LIT("cost.yaml"), (ct_span){model_text, sizeof model_text - 1}, &err);
    assert_non_null(model);
    ct_conversation_free(conversation);
    conversation = ct_conversation_new(rules, matcher, &(struct ct_conversation_options){.cost = model});
    struct ct_message m;
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.role = CT_ROLE_BOT;
    m.text = CT_SPAN_LIT("hello");
    m.id = CT_SPAN_LIT("1");
    m.has_cost = true;
    m.cost = 250 * (CT_NANO_PER_UNIT / 1000);
    m.currency = CT_SPAN_LIT("EUR");
    m.tokens.input = INT64_MAX;
    assert_int_equal(ct_conversation_append(conversation, &m, NULL), CT_OK);
    assert_int_equal(ct_conversation_append(conversation, &m, NULL), CT_OK); /* the same again costs nothing */
    m.id = CT_SPAN_LIT("2");
    assert_int_equal(ct_conversation_append(conversation, &m, NULL), CT_OK);
    const struct ct_record *record = ct_conversation_close(conversation);
    assert_true(record->has_cost);
    assert_int_equal(record->cost_source, CT_NANO_PER_UNIT / 2);
    assert_int_equal(record->tokens_input, INT64_MAX); /* at the limit, not around it */
    ct_cost_model_free(model);
}

/* ---- duplicates, limits, texts ---- */

static void the_same_twice(void **state)
{
    (void)state;
    const struct ct_record *record = talk("u where\nu where\nb+1 here\nb here");
    assert_int_equal(duplicates, 2);
    assert_int_equal(record->message_count, 2);
    talk("u where\nu+1 where"); /* another time is another message */
    assert_int_equal(duplicates, 0);
    talk("u? where\nu? where"); /* nothing tells */
    assert_int_equal(duplicates, 0);
    record = talk("u hi\ns !handoff:requested\ns !handoff:accepted\ns !close\ns !close"); /* phases differ */
    assert_int_equal(duplicates, 1);
    assert_true(record->performed);
    talk("b !tool:a\nb !tool:b\nb !tool:a");
    assert_int_equal(duplicates, 1);
    /* the content tells two conversations of an id apart, and events are content */
    uint64_t good = talk("u where\nb+1 here\ns+1 !feedback:csat=5/5")->content_hash;
    assert_true(good != talk("u where\nb+1 here\ns+1 !feedback:csat=1/5")->content_hash);
    assert_true(good == talk("u where\nb+1 here\ns+1 !feedback:csat=5/5")->content_hash);
}

static void knows_what_it_has(void **state)
{
    struct ct_message m;
    (void)state;
    talk("u where\nb+1 here");
    ct_message_init(&m);
    m.conversation_id = CT_SPAN_LIT("c");
    m.role = CT_ROLE_BOT;
    m.ts = T0 + CT_USEC_PER_SECOND;
    m.text = CT_SPAN_LIT("here");
    assert_true(ct_conversation_knows(conversation, &m));
    m.text = CT_SPAN_LIT("there");
    assert_false(ct_conversation_knows(conversation, &m));
    m.ts = CT_USEC_NONE;
    assert_false(ct_conversation_knows(conversation, &m));
}

static void too_many_messages(void **state)
{
    (void)state;
    ct_conversation_free(conversation);
    conversation = ct_conversation_new(rules, matcher, NULL);
    for (int i = 0; i < 100000; i++) {
        if (say(i % 2 ? CT_ROLE_BOT : CT_ROLE_USER, T0 + i, i % 2 ? "pardon" : "x") != CT_OK) {
            fail_msg("message %d is refused", i);
        }
    }
    assert_int_equal(say(CT_ROLE_USER, T0 + 100000, "x"), CT_LIMIT);
    assert_int_equal(say(CT_ROLE_USER, T0 + 100001, "x"), CT_LIMIT);
    const struct ct_record *record = ct_conversation_close(conversation);
    assert_non_null(record);
    assert_int_equal(record->message_count, 100000);
    assert_int_equal(record->fallbacks, 50000);
    /* and it is as good as new for the next one */
    ct_conversation_begin(conversation, 1);
    assert_int_equal(say(CT_ROLE_USER, T0, "x"), CT_OK);
    record = ct_conversation_close(conversation);
    assert_int_equal(record->message_count, 1);
    assert_int_equal(record->evidence.count, 0);
}

static void long_ids(void **state)
{
    char id[3001], user[3001];
    struct ct_message m;
    uint64_t conversations[2], customers[2];
    (void)state;
    for (int i = 0; i < 3000; i += 3) {
        memcpy(id + i, "\xE2\x82\xAC", 3); /* three bytes a character: 1,024 is in the middle of one */
        memcpy(user + i, "abc", 3);
    }
    for (int i = 0; i < 2; i++) { /* two ids that differ in their last byte */
        id[2999] = (char)(0xAC + i);
        user[2999] = (char)('c' + i);
        ct_message_init(&m);
        m.conversation_id = (ct_span){id, 3000};
        m.user_id = (ct_span){user, 3000};
        m.role = CT_ROLE_USER;
        m.text = CT_SPAN_LIT("x");
        ct_conversation_begin(conversation, 1);
        assert_int_equal(ct_conversation_append(conversation, &m, NULL), CT_OK);
        const struct ct_record *record = ct_conversation_close(conversation);
        ct_span kept = ct_record_text(record, CT_TEXT_CONVERSATION_ID);
        assert_true(kept.len > 1000 && kept.len <= 1024 && ct_utf8_valid(kept, NULL));
        conversations[i] = record->conversation_hash;
        customers[i] = record->customer_hash;
    }
    assert_true(conversations[0] != conversations[1]);
    assert_true(customers[0] != customers[1]);
}

static void who_is_who(void **state)
{
    static const char *const tenants[] = {"a", "b"};
    uint64_t conversations[3], customers[3];
    struct ct_message m;
    (void)state;
    for (int i = 0; i < 3; i++) {
        ct_message_init(&m);
        m.conversation_id = CT_SPAN_LIT("c");
        m.user_id = CT_SPAN_LIT("u");
        m.tenant = ct_span_of(tenants[i % 2]);
        m.role = CT_ROLE_USER;
        m.text = CT_SPAN_LIT("x");
        ct_conversation_begin(conversation, i == 2 ? 2 : 1);
        assert_int_equal(ct_conversation_append(conversation, &m, NULL), CT_OK);
        const struct ct_record *record = ct_conversation_close(conversation);
        conversations[i] = record->conversation_hash;
        customers[i] = record->customer_hash;
    }
    assert_true(conversations[0] != conversations[1] && customers[0] != customers[1]); /* another tenant's */
    assert_true(conversations[0] != conversations[2] && customers[0] == customers[2]); /* another session of his */
}

static void same_bytes(void **state)
{
    static const char text[] = "u human please\nb+1 rate us, anything else?\nu+5 no, 4\na+9 hi\nu+1 thanks";
    (void)state;
    const struct ct_record *record = talk(text);
    char *first = malloc(record->bytes);
    uint32_t bytes = record->bytes;
    assert_non_null(first);
    memcpy(first, record, bytes);
    talk("u other\nb+1 pardon\nu wrong\nb+3 pardon");
    record = talk(text);
    assert_int_equal(record->bytes, bytes);
    assert_memory_equal(record, first, bytes);
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_question),
        cmocka_unit_test(counting_and_repeating),
        cmocka_unit_test(bounds),
        cmocka_unit_test(in_the_shadow),
        cmocka_unit_test(times_on_paper),
        cmocka_unit_test(idle_is_cut),
        cmocka_unit_test(the_queue),
        cmocka_unit_test(untimed),
        cmocka_unit_test(hostile_times),
        cmocka_unit_test(inferred_accuracy),
        cmocka_unit_test(cost),
        cmocka_unit_test(the_same_twice),
        cmocka_unit_test(knows_what_it_has),
        cmocka_unit_test(too_many_messages),
        cmocka_unit_test(long_ids),
        cmocka_unit_test(who_is_who),
        cmocka_unit_test(same_bytes),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
