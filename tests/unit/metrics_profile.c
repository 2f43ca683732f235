/* Each definition of profiles.def against conversations worked out by hand, the table of them, and its page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "metrics/kpi.h"
#include "tests/unit/profile_talk.h"

/* ---- one conversation in one definition ---------------------------------------------------------------------------
 */

static const struct ct_definition *of(enum ct_profile profile, const char *kpi)
{
    const struct ct_definition *definition = ct_definition_find(profile, kpi);
    if (!definition) {
        print_error("no definition of %s by %s\n", kpi, ct_profile_text(profile));
    }
    assert_non_null(definition);
    return definition;
}

static void stands_at(const struct ct_definition *definition, struct ct_record record, enum ct_stand place,
                      enum ct_why why, int line)
{
    struct ct_standing standing;
    ct_definition_place(definition, &record, &standing);
    if (standing.place != place || standing.why != why) {
        print_error("line %d: %s of %s: %s, %s\n", line, definition->kpi, definition->profile,
                    ct_stand_text(standing.place), ct_why_text(standing.why));
    }
    assert_true(standing.place == place && standing.why == why);
}
#define STANDS(definition, record, place, why) stands_at(definition, record, CT_STAND_##place, CT_WHY_##why, __LINE__)

static void value_at(const struct ct_definition *definition, struct ct_record record, int64_t value, int line)
{
    struct ct_standing standing;
    ct_definition_place(definition, &record, &standing);
    if (standing.place != CT_STAND_HIT || standing.value != value) {
        print_error("line %d: %s of %s: %s, %lld\n", line, definition->kpi, definition->profile,
                    ct_stand_text(standing.place), (long long)standing.value);
    }
    assert_true(standing.place == CT_STAND_HIT && standing.value == value);
}
#define VALUE(definition, record, value) value_at(definition, record, value, __LINE__)

static void copilot_studio(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_COPILOT_STUDIO, "automation_rate");
    STANDS(d, silent(), HIT, SILENCE);
    STANDS(d, confirmed(), HIT, CONFIRMED);
    STANDS(d, talk(CT_OUTCOME_RESOLVED_IMPLIED, CT_TRUE), HIT, IMPLIED);
    STANDS(d, unresolved(), BASE, NEGATIVE);
    STANDS(d, abandoned(), BASE, LEFT_EARLY);
    STANDS(d, unanswered(), BASE, LEFT_EARLY); /* engaged is enough */
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    STANDS(d, in_vain(), BASE, PERSON_ASKED);
    STANDS(d, unengaged(), OUT, NOT_ENGAGED);
    STANDS(d, by_hand(), OUT, NO_AI);
    d = of(CT_PROFILE_COPILOT_STUDIO, "escalation_rate");
    STANDS(d, in_vain(), HIT, PERSON_ASKED);
    STANDS(d, announced(silent()), HIT, PERSON_ASKED);
    STANDS(d, escalated(CT_NULL), HIT, PERSON);
    STANDS(d, silent(), BASE, NO_PERSON);
    STANDS(d, unengaged(), OUT, NOT_ENGAGED);
    d = of(CT_PROFILE_COPILOT_STUDIO, "csat");
    VALUE(d, with_score(confirmed(), 4, 1, 5), 4);
    VALUE(d, with_score(escalated(CT_FALSE), 1, 1, 5), 1);
    STANDS(d, confirmed(), OUT, NO_SURVEY);
    STANDS(d, with_score(confirmed(), 9, 1, 5), LEFT, OFF_SCALE);
}

static void intercom(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_INTERCOM, "automation_rate");
    struct ct_standing standing;
    STANDS(d, silent(), HIT, SILENCE);
    STANDS(d, confirmed(), HIT, CONFIRMED);
    STANDS(d, unresolved(), BASE, NEGATIVE);
    STANDS(d, abandoned(), BASE, LEFT_EARLY);
    STANDS(d, in_vain(), BASE, PERSON_ASKED);
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    STANDS(d, by_hand(), BASE, NO_AI); /* the involvement's denominator is every conversation */
    STANDS(d, unanswered(), BASE, NO_ANSWER);
    STANDS(d, unengaged(), OUT, NOT_ENGAGED);
    STANDS(d, back_after(silent(), 2 * DAY), BASE, BACK_7D);
    STANDS(d, back_after(confirmed(), 7 * DAY), BASE, BACK_7D); /* exactly the window is inside */
    STANDS(d, back_after(confirmed(), 7 * DAY + 1), HIT, CONFIRMED);
    STANDS(d, young(silent(), DAY - 1), LEFT, YOUNG);
    STANDS(d, young(silent(), DAY), HIT, SILENCE);
    STANDS(d, of_stranger(silent()), HIT, SILENCE);
    /* Between a day and a week old it counts, and may still be taken back. */
    struct ct_record r = young(silent(), 2 * DAY);
    ct_definition_place(d, &r, &standing);
    assert_true(standing.provisional && standing.settles_at == r.ended_at + 7 * DAY);
    assert_true(standing.counted_at == r.ended_at + DAY); /* assumed after a day */
    r = confirmed();
    ct_definition_place(d, &r, &standing);
    assert_true(!standing.provisional && standing.counted_at == START + 500 * SECOND);
    d = of(CT_PROFILE_INTERCOM, "fcr");
    STANDS(d, closed(escalated(CT_NULL)), HIT, CLOSED_ONCE);
    r = closed(escalated(CT_NULL));
    r.reopened = true;
    STANDS(d, r, BASE, REOPENED);
    STANDS(d, escalated(CT_TRUE), OUT, NOT_CLOSED);
    STANDS(d, closed(confirmed()), OUT, NO_PERSON);
}

static void zendesk(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_ZENDESK, "automation_rate");
    STANDS(d, silent(), HIT, SILENCE);
    STANDS(d, confirmed(), HIT, CONFIRMED);
    STANDS(d, back_after(silent(), 3 * DAY), BASE, BACK_72H);
    STANDS(d, back_after(silent(), 3 * DAY + 1), HIT, SILENCE);
    STANDS(d, announced(confirmed()), BASE, PERSON_ASKED);
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    STANDS(d, in_vain(), BASE, PERSON_ASKED);
    STANDS(d, unresolved(), BASE, NEGATIVE);
    STANDS(d, unanswered(), BASE, NO_ANSWER);
    STANDS(d, by_hand(), OUT, NO_AI);
    STANDS(d, unengaged(), OUT, NOT_ENGAGED);
    /* The whole cohort waits, also those whose end is known. */
    STANDS(d, young(silent(), 3 * DAY - 1), LEFT, YOUNG);
    STANDS(d, young(escalated(CT_TRUE), DAY), LEFT, YOUNG);
    struct ct_record r = young(silent(), DAY);
    struct ct_standing standing;
    ct_definition_place(d, &r, &standing);
    assert_true(standing.provisional && standing.settles_at == r.ended_at + 3 * DAY);
    assert_true(standing.counted_at == r.ended_at + 3 * DAY);
    r.timed = false;
    STANDS(d, r, LEFT, UNTIMED);
    d = of(CT_PROFILE_ZENDESK, "containment_rate");
    STANDS(d, unresolved(), HIT, NO_PERSON);
    r = confirmed();
    r.fallbacks = 1;
    STANDS(d, r, BASE, MISUNDERSTOOD);
    STANDS(d, in_vain(), BASE, PERSON_ASKED);
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    d = of(CT_PROFILE_ZENDESK, "escalation_rate");
    STANDS(d, escalated(CT_NULL), HIT, PERSON);
    STANDS(d, in_vain(), BASE, NO_PERSON);
    STANDS(d, by_hand(), OUT, NO_AI);
    d = of(CT_PROFILE_ZENDESK, "fcr");
    STANDS(d, escalated(CT_TRUE), BASE, MORE_REPLIES); /* two messages of the person */
    r = escalated(CT_TRUE);
    r.agent_messages = 1;
    STANDS(d, r, HIT, ONE_REPLY);
    r.agent_messages = 0; /* solved without a word */
    STANDS(d, r, HIT, ONE_REPLY);
    STANDS(d, escalated(CT_NULL), OUT, NOT_CLOSED);
    STANDS(d, confirmed(), OUT, NO_PERSON);
    d = of(CT_PROFILE_ZENDESK, "first_response_time");
    VALUE(d, escalated(CT_TRUE), 160 * SECOND);
    STANDS(d, confirmed(), OUT, NO_PERSON);
    r = escalated(CT_TRUE);
    r.joined_at = CT_USEC_NONE;
    STANDS(d, r, LEFT, UNTIMED);
    d = of(CT_PROFILE_ZENDESK, "resolution_time");
    VALUE(d, closed(confirmed()), 600 * SECOND);
    STANDS(d, confirmed(), OUT, NOT_CLOSED);
}

static void ada(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_ADA, "automation_rate");
    STANDS(d, confirmed(), HIT, CONFIRMED);
    STANDS(d, unresolved(), BASE, NEGATIVE);
    STANDS(d, silent(), LEFT, SILENT);
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    STANDS(d, escalated(CT_NULL), BASE, PERSON); /* not contained is not resolved */
    STANDS(d, by_hand(), OUT, NO_AI);
    struct ct_record labelled = silent();
    labelled.label_decided = true;
    labelled.resolved = CT_TRUE;
    STANDS(d, labelled, HIT, CONFIRMED);
    d = of(CT_PROFILE_ADA, "containment_rate");
    STANDS(d, in_vain(), HIT, NO_PERSON);
    STANDS(d, unanswered(), HIT, NO_PERSON);
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    d = of(CT_PROFILE_ADA, "aht");
    VALUE(d, confirmed(), 600 * SECOND);
    STANDS(d, escalated(CT_TRUE), OUT, PERSON);
    STANDS(d, by_hand(), OUT, NO_AI);
}

static void google_cx(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_GOOGLE_CX, "containment_rate");
    STANDS(d, unresolved(), HIT, NO_PERSON);
    STANDS(d, back_after(confirmed(), DAY), BASE, BACK_24H);
    STANDS(d, back_after(confirmed(), DAY + 1), HIT, NO_PERSON);
    STANDS(d, young(back_after(confirmed(), HOUR), 2 * HOUR), LEFT, YOUNG);
    STANDS(d, of_stranger(confirmed()), LEFT, UNKNOWN);
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    d = of(CT_PROFILE_GOOGLE_CX, "escalation_rate");
    STANDS(d, escalated(CT_TRUE), HIT, PERSON);
    STANDS(d, by_hand(), HIT, PERSON);
    STANDS(d, confirmed(), BASE, NO_PERSON);
    STANDS(d, unengaged(), BASE, NOT_ENGAGED); /* every session */
    d = of(CT_PROFILE_GOOGLE_CX, "fcr");
    STANDS(d, confirmed(), HIT, FIRST);
    STANDS(d, escalated(CT_TRUE), HIT, FIRST);
    STANDS(d, back_after(confirmed(), DAY), BASE, BACK_24H);
    STANDS(d, silent(), BASE, SILENT);
    struct ct_record r = confirmed();
    r.previous_any_usec = DAY;
    STANDS(d, r, BASE, WAS_24H);
    r.previous_any_usec = DAY + 1;
    STANDS(d, r, HIT, FIRST);
    STANDS(d, of_stranger(confirmed()), LEFT, UNKNOWN);
    STANDS(d, young(confirmed(), HOUR), LEFT, YOUNG);
}

static void amazon_connect(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_AMAZON_CONNECT, "automation_rate");
    STANDS(d, silent(), BASE, DROPPED);
    STANDS(d, confirmed(), HIT, CONFIRMED);
    STANDS(d, unresolved(), BASE, NEGATIVE);
    STANDS(d, unanswered(), BASE, LEFT_EARLY);
    STANDS(d, escalated(CT_TRUE), BASE, PERSON);
    d = of(CT_PROFILE_AMAZON_CONNECT, "aht");
    VALUE(d, escalated(CT_TRUE), 440 * SECOND);
    VALUE(d, by_hand(), 440 * SECOND);
    STANDS(d, confirmed(), OUT, NO_PERSON);
    struct ct_record r = escalated(CT_TRUE);
    r.human_handling_usec = CT_USEC_NONE;
    STANDS(d, r, LEFT, UNTIMED);
}

static void chatwoot(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_CHATWOOT, "automation_rate");
    STANDS(d, closed(silent()), HIT, CLOSED);
    STANDS(d, closed(unresolved()), HIT, CLOSED);
    STANDS(d, confirmed(), HIT, CONFIRMED);
    STANDS(d, silent(), BASE, NOT_CLOSED);
    STANDS(d, unengaged(), BASE, NOT_CLOSED); /* all conversations */
    STANDS(d, closed(by_hand()), BASE, PERSON);
    STANDS(d, closed(escalated(CT_TRUE)), BASE, PERSON);
    d = of(CT_PROFILE_CHATWOOT, "escalation_rate");
    STANDS(d, escalated(CT_NULL), HIT, PERSON);
    STANDS(d, by_hand(), BASE, NO_AI); /* no bot handed it over */
    STANDS(d, unengaged(), BASE, NOT_ENGAGED);
    d = of(CT_PROFILE_CHATWOOT, "first_response_time");
    VALUE(d, escalated(CT_TRUE), 60 * SECOND); /* from the handoff */
    VALUE(d, by_hand(), 160 * SECOND);         /* from the beginning */
    STANDS(d, confirmed(), OUT, NO_PERSON);
    d = of(CT_PROFILE_CHATWOOT, "resolution_time");
    VALUE(d, closed(silent()), 600 * SECOND);
    d = of(CT_PROFILE_CHATWOOT, "csat");
    VALUE(d, with_score(confirmed(), 3, 1, 5), 3);
}

static void sqm(void **state)
{
    (void)state;
    const struct ct_definition *d = of(CT_PROFILE_SQM, "fcr");
    STANDS(d, confirmed(), OUT, NO_SURVEY);
    STANDS(d, with_score(silent(), 4, 1, 5), HIT, SCORE_GOOD);
    STANDS(d, with_score(confirmed(), 3, 1, 5), BASE, SCORE_BAD);
    struct ct_record r = with_score(confirmed(), 5, 1, 5);
    r.previous_any_usec = 7 * DAY;
    STANDS(d, r, BASE, WAS_7D);
    r.previous_any_usec = 7 * DAY + 1;
    STANDS(d, r, HIT, SCORE_GOOD);
    d = of(CT_PROFILE_SQM, "csat");
    STANDS(d, with_score(confirmed(), 5, 1, 5), HIT, SCORE_TOP);
    STANDS(d, with_score(confirmed(), 4, 1, 5), BASE, SCORE_NOT_TOP);
    STANDS(d, confirmed(), OUT, NO_SURVEY);
}

/* ---- the table ----------------------------------------------------------------------------------------------------
 */

static void the_table_is_sound(void **state)
{
    (void)state;
    size_t count;
    const struct ct_definition *rows = ct_definitions(&count);
    char names[400] = "";
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        enum ct_profile found;
        const char *text = ct_profile_text((enum ct_profile)p);
        assert_true(ct_profile_from(ct_span_of(text), &found) && found == p);
        (void)snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", p ? "|" : "", text);
    }
    assert_string_equal(names, CT_PROFILE_NAMES);
    for (size_t i = 0; i < count; i++) {
        enum ct_profile profile;
        const struct ct_kpi *own = ct_kpi_find(ct_span_of(rows[i].kpi));
        const struct ct_kpi *row = ct_definition_row(&rows[i]);
        assert_true(ct_profile_from(ct_span_of(rows[i].profile), &profile));
        assert_non_null(own);
        assert_true(row->kind == rows[i].kind && row->unit == rows[i].unit);
        assert_string_equal(row->id, own->id);
        assert_true(row->family == own->family && row->better == own->better);
        for (unsigned lang = 0; lang < CT_LANG_COUNT; lang++) {
            assert_string_equal(row->name[lang], own->name[lang]);
            assert_true(strlen(rows[i].formula[lang]) > 10 && strstr(rows[i].formula[lang], " / "));
        }
        assert_true(strlen(rows[i].source) > 3);
        assert_ptr_equal(ct_definition_find(profile, rows[i].kpi), &rows[i]); /* one a profile and KPI */
        assert_non_null(ct_definition_find(CT_PROFILE_CONVTAP, rows[i].kpi)); /* to hold it against */
    }
}

/* docs/profiles.md ends with the tables that the rows write. */
static void the_page_is_current(void **state)
{
    (void)state;
    char *tables = ct_definitions_markdown(), page[65536];
    FILE *file = fopen(CT_SOURCE_DIR "/docs/profiles.md", "rb");
    assert_true(tables && file);
    size_t len = fread(page, 1, sizeof page, file), tail = strlen(tables);
    fclose(file);
    if (len < tail || memcmp(page + len - tail, tables, tail) != 0) {
        print_error("docs/profiles.md is stale: its last part is what convtap kpis --profiles writes\n");
    }
    assert_true(len < sizeof page && len > tail && memcmp(page + len - tail, tables, tail) == 0);
    for (unsigned p = 0; p < CT_PROFILE_COUNT; p++) {
        assert_non_null(strstr(tables, ct_profile_name((enum ct_profile)p)));
    }
    free(tables);
}

/* What differs, and whose reason explains it. */
static void differences(void **state)
{
    (void)state;
    const struct ct_definition *own = of(CT_PROFILE_CONVTAP, "automation_rate");
    const struct ct_definition *theirs = of(CT_PROFILE_COPILOT_STUDIO, "automation_rate");
    const struct {
        struct ct_record record;
        bool differs;
        enum ct_difference how;
    } cases[] = {{silent(), true, CT_DIFFERENCE_COUNTED}, /* a hit there, the denominator alone here */
                 {confirmed(), false, CT_DIFFERENCE_COUNTED},
                 {unengaged(), false, CT_DIFFERENCE_COUNTED},
                 {unanswered(), true, CT_DIFFERENCE_ADDED}}; /* convtap wants an answer of the AI */
    struct ct_standing a, b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ct_definition_place(own, &cases[i].record, &a);
        ct_definition_place(theirs, &cases[i].record, &b);
        assert_int_equal(ct_standings_differ(own, &a, theirs, &b), cases[i].differs);
        if (cases[i].differs) {
            assert_int_equal(ct_standings_difference(&a, &b), cases[i].how);
        }
    }
    own = of(CT_PROFILE_CONVTAP, "fcr");
    theirs = of(CT_PROFILE_SQM, "fcr");
    struct ct_record r = confirmed();
    ct_definition_place(own, &r, &a);
    ct_definition_place(theirs, &r, &b);
    assert_true(ct_standings_differ(own, &a, theirs, &b));
    assert_int_equal(ct_standings_difference(&a, &b), CT_DIFFERENCE_LEFT_OUT);
    own = of(CT_PROFILE_CONVTAP, "csat"); /* another kind: every answer gives something else */
    theirs = of(CT_PROFILE_CHATWOOT, "csat");
    r = with_score(confirmed(), 5, 1, 5);
    ct_definition_place(own, &r, &a);
    ct_definition_place(theirs, &r, &b);
    assert_true(ct_standings_differ(own, &a, theirs, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copilot_studio),
        cmocka_unit_test(intercom),
        cmocka_unit_test(zendesk),
        cmocka_unit_test(ada),
        cmocka_unit_test(google_cx),
        cmocka_unit_test(amazon_connect),
        cmocka_unit_test(chatwoot),
        cmocka_unit_test(sqm),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(the_page_is_current),
        cmocka_unit_test(differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
