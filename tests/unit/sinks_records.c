/* A conversation's line, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_record.h"
#include "sinks/records.h"

static char written[16384];
static size_t length;

static bool remember(void *context, const char *bytes, size_t len)
{
    (void)context;
    assert_true(length + len < sizeof written);
    memcpy(written + length, bytes, len);
    length += len;
    written[length] = '\0';
    return true;
}

#define NAME(s)                                                                                                        \
    {                                                                                                                  \
        "" s, sizeof(s) - 1                                                                                            \
    }
static const struct ct_signal signals[] = {{NAME("user.human_request"), CT_ROLE_USER, CT_MEANS_HUMAN_REQUESTED, 0},
                                           {NAME("user.affirm"), CT_ROLE_USER, CT_MEANS_AFFIRM, 0}};
static const struct ct_pack packs[] = {{.name = NAME("es"), .version = NAME("1.2.0")}};
static const struct ct_rule rules[] = {{.id = NAME("es.human_request.direct"), .rev = 3, .pack = 0}};
static const struct ct_ruleset ruleset = {.packs = packs,
                                          .pack_count = 1,
                                          .signals = signals,
                                          .signal_count = 2,
                                          .rules = rules,
                                          .rule_count = 1,
                                          .hash = "abc123"};

static const char *line_of(const struct ct_record *head, const struct make_tail *tail)
{
    static struct ct_out out;
    struct ct_record *record = make_record(head, tail);
    length = 0;
    ct_out_init(&out, remember, NULL);
    ct_records_write(&out, &ruleset, record);
    assert_int_equal(ct_out_done(&out), CT_OK);
    free(record);
    return written;
}

static void little_is_known(void **state)
{
    (void)state;
    struct ct_record head = make_head();
    assert_string_equal(
        line_of(&head, &(struct make_tail){.text = {[CT_TEXT_CONVERSATION_ID] = "c\"1"}}),
        "{\"conversation_id\":\"c\\\"1\",\"user_id\":null,\"channel\":null,\"language\":null,\"bot\":null,\"tenant\":"
        "null,"
        "\"started_at\":null,\"ended_at\":null,\"duration_s\":null,\"outcome\":\"silent\",\"resolved\":null,"
        "\"escalated\":false,"
        "\"escalation\":{\"requested\":false,\"offered\":false,\"announced\":false,\"performed\":false,\"failed\":"
        "false,"
        "\"by\":null,\"wait_s\":null},\"csat\":null,\"nps\":null,\"ces\":null,\"feedback\":{\"positive\":false,"
        "\"negative\":false},\"complaint\":false,\"counts\":{\"user\":0,\"bot\":0,\"agent\":0,\"tool\":0,\"fallback\":"
        "0,"
        "\"wrong_answer\":0,\"repeat\":0},\"response_s\":{\"first\":null,\"mean\":null,\"max\":null},\"handling_s\":{"
        "\"ai\":null,"
        "\"human\":null,\"total\":null},\"accuracy\":{\"judged\":0,\"correct\":0,\"basis\":null},\"cost\":null,"
        "\"first_contact\":null,\"signals\":[],\"evidence\":[],\"decided_by\":[],\"beaten\":[],\"rules_hash\":"
        "\"abc123\"}\n");
}

static void everything_is_known(void **state)
{
    (void)state;
    struct ct_record head = make_head();
    assert_true(ct_time_parse(ct_span_of("2026-02-20T23:09:22.479796Z"), &head.started_at));
    head.ended_at = head.started_at + 46370512;
    head.session = 2;
    head.timed = head.engaged = true;
    head.outcome = CT_OUTCOME_ESCALATED;
    head.resolved = CT_TRUE;
    head.escalated = head.requested = head.performed = head.positive = head.complaint = true;
    head.wait_usec = 1500000;
    head.score[CT_SCORE_CSAT] =
        (struct ct_score){.present = true, .value = 4, .scale_min = 1, .scale_max = 5, .ts = CT_USEC_NONE};
    head.score[CT_SCORE_NPS] = (struct ct_score){.present = true, .scale_max = 10, .ts = CT_USEC_NONE};
    head.user_messages = 3;
    head.first_response_usec = 250000;
    head.ai_handling_usec = 0;
    head.total_handling_usec = 46370512;
    head.judged = 2;
    head.judged_correct = 1;
    head.inferred = 9;
    head.has_cost = true;
    head.cost = 955650;
    head.first_contact = CT_FALSE;
    static const int64_t times[] = {250000, 500000, 250001};
    static const uint16_t present[] = {0, 1};
    static const struct ct_evidence evidence[] = {
        {.message = 2, .begin = 0, .end = 2, .signal = 1, .rule = UINT16_MAX, .because = UINT32_MAX},
        {.message = 2, .begin = 0, .end = 2, .signal = 0, .rule = 0, .because = 0}};
    static const uint32_t decided[] = {1};
    static const struct ct_beaten beaten[] = {{.outcome = CT_OUTCOME_SILENT, .evidence = UINT32_MAX},
                                              {.outcome = CT_OUTCOME_UNRESOLVED, .evidence = 0}};
    const char *line = line_of(&head, &(struct make_tail){.text = {[CT_TEXT_CONVERSATION_ID] = "c",
                                                                   [CT_TEXT_USER_ID] = "ñ",
                                                                   [CT_TEXT_ESCALATED_BY] = "customer",
                                                                   [CT_TEXT_CURRENCY] = "USD"},
                                                          .response_usec = times,
                                                          .response_count = 3,
                                                          .signals = present,
                                                          .signal_count = 2,
                                                          .evidence = evidence,
                                                          .evidence_count = 2,
                                                          .decided_by = decided,
                                                          .decided_count = 1,
                                                          .beaten = beaten,
                                                          .beaten_count = 2});
    assert_string_equal(
        line,
        "{\"conversation_id\":\"c\",\"session\":2,\"user_id\":\"ñ\",\"channel\":null,\"language\":null,\"bot\":null,"
        "\"tenant\":null,\"started_at\":\"2026-02-20T23:09:22.479796Z\",\"ended_at\":\"2026-02-20T23:10:08.850308Z\","
        "\"duration_s\":46.370512,\"outcome\":\"escalated\",\"resolved\":true,\"escalated\":true,\"escalation\":{"
        "\"requested\":true,\"offered\":false,\"announced\":false,\"performed\":true,\"failed\":false,\"by\":"
        "\"customer\","
        "\"wait_s\":1.5},\"csat\":{\"score\":4,\"scale\":5,\"min\":1},\"nps\":{\"score\":0,\"scale\":10,\"min\":0},"
        "\"ces\":null,"
        "\"feedback\":{\"positive\":true,\"negative\":false},\"complaint\":true,\"counts\":{\"user\":3,\"bot\":0,"
        "\"agent\":0,"
        "\"tool\":0,\"fallback\":0,\"wrong_answer\":0,\"repeat\":0},\"response_s\":{\"first\":0.25,\"mean\":0.333334,"
        "\"max\":0.5},\"handling_s\":{\"ai\":0.0,\"human\":null,\"total\":46.370512},\"accuracy\":{\"judged\":2,"
        "\"correct\":1,"
        "\"basis\":\"labelled\"},\"cost\":{\"amount\":\"0.00095565\",\"currency\":\"USD\"},\"first_contact\":false,"
        "\"signals\":[\"user.human_request\",\"user.affirm\"],\"evidence\":[{\"message\":2,\"begin\":0,\"end\":2,"
        "\"signal\":\"user.affirm\",\"rule\":null,\"pack\":null},{\"message\":2,\"begin\":0,\"end\":2,"
        "\"signal\":\"user.human_request\",\"rule\":\"es.human_request.direct@3\",\"pack\":\"es@1.2.0\",\"because\":{"
        "\"evidence\":0,\"message\":2,\"signal\":\"user.affirm\"}}],\"decided_by\":[{\"evidence\":1,\"message\":2,"
        "\"signal\":\"user.human_request\"}],\"beaten\":[{\"outcome\":\"silent\"},{\"outcome\":\"unresolved\","
        "\"evidence\":0,"
        "\"message\":2,\"signal\":\"user.affirm\"}],\"rules_hash\":\"abc123\"}\n");
}

static void left_in_the_queue(void **state)
{
    (void)state;
    struct ct_record head = make_head();
    head.outcome = CT_OUTCOME_ABANDONED;
    head.abandoned_at = CT_ABANDONED_QUEUE;
    head.resolved = CT_FALSE;
    head.inferred = 4;
    head.inferred_correct = 3;
    const char *line = line_of(&head, &(struct make_tail){.text = {[CT_TEXT_CONVERSATION_ID] = "c"}});
    assert_non_null(strstr(line, "\"outcome\":\"abandoned\",\"abandoned_at\":\"queue\",\"resolved\":false,"));
    assert_non_null(strstr(line, "\"accuracy\":{\"judged\":4,\"correct\":3,\"basis\":\"inferred\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_known),
        cmocka_unit_test(everything_is_known),
        cmocka_unit_test(left_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
