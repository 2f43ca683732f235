/* profile_place.c - who stands in the numerator and the denominator, by each authority. Pure functions over one marked
 * record; the rows of profiles.def name them. See profile_place.h.
 */
#include "metrics/profile_place.h"

#define BACK_7D (7 * CT_USEC_PER_DAY)
#define BACK_72H (3 * CT_USEC_PER_DAY)
#define BACK_24H CT_USEC_PER_DAY

static void put(struct ct_standing *out, enum ct_stand place, enum ct_why why)
{
    out->place = place;
    out->why = why;
}

/* ---- what the record says --------------------------------------------------------------------------------------- */

static bool is_back(const struct ct_record *record, ct_usec within)
{
    return record->next_any_usec != CT_USEC_NONE && record->next_any_usec <= within;
}

static bool was_there(const struct ct_record *record, ct_usec within)
{
    return record->previous_any_usec != CT_USEC_NONE && record->previous_any_usec <= within;
}

/* The platform or the bot tried to bring a person, or the customer asked in vain. */
static bool person_tried(const struct ct_record *record)
{
    return record->announced || record->failed || ct_record_failed(record);
}

static enum ct_why why_resolved(const struct ct_record *record)
{
    bool said = record->outcome == CT_OUTCOME_RESOLVED_CONFIRMED || record->label_decided;
    return said ? CT_WHY_CONFIRMED : record->escalated ? CT_WHY_BY_PERSON : CT_WHY_IMPLIED;
}

static enum ct_why why_not_resolved(const struct ct_record *record)
{
    if (record->resolved == CT_NULL) {
        return record->outcome == CT_OUTCOME_ABANDONED ? CT_WHY_LEFT_EARLY : CT_WHY_SILENT;
    }
    return record->outcome == CT_OUTCOME_ABANDONED && !record->label_decided ? CT_WHY_LEFT_EARLY
           : record->outcome == CT_OUTCOME_ESCALATION_FAILED                 ? CT_WHY_PERSON_ASKED
                                                                             : CT_WHY_NEGATIVE;
}

/* Conversations of a customer with the AI; false = *out says why it is none. */
static bool with_ai(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged || !record->bot_involved) {
        put(out, CT_STAND_OUT, record->engaged ? CT_WHY_NO_AI : CT_WHY_NOT_ENGAGED);
        return false;
    }
    return true;
}

static void put_rate(struct ct_standing *out, bool hit, enum ct_why hit_why, enum ct_why base_why)
{
    put(out, hit ? CT_STAND_HIT : CT_STAND_BASE, hit ? hit_why : base_why);
}

/* Of a conversation in which a message has no time, no time is measured. */
static void put_value(const struct ct_record *record, struct ct_standing *out, int64_t value, enum ct_why why)
{
    if (!record->timed || value == CT_USEC_NONE) {
        put(out, CT_STAND_LEFT, CT_WHY_UNTIMED);
    } else {
        put(out, CT_STAND_HIT, why);
        out->value = value < 0 ? 0 : value; /* as histograms have it: a duration is never negative */
    }
}

static int64_t between(ct_usec from, ct_usec to)
{
    int64_t gap;
    if (from == CT_USEC_NONE || to == CT_USEC_NONE) {
        return CT_USEC_NONE;
    }
    return __builtin_sub_overflow(to, from, &gap) ? (to > from ? INT64_MAX : 0) : gap;
}

/* A survey's answer that lies on its scale; false = *out says why there is none. */
static bool answered(const struct ct_record *record, struct ct_standing *out)
{
    const struct ct_score *score = &record->score[CT_SCORE_CSAT];
    if (!score->present) {
        put(out, CT_STAND_OUT, CT_WHY_NO_SURVEY);
        return false;
    }
    if (score->scale_max <= score->scale_min || score->value < score->scale_min || score->value > score->scale_max) {
        put(out, CT_STAND_LEFT, CT_WHY_OFF_SCALE);
        return false;
    }
    return true;
}

/* ---- convtap: what the metrics count ----------------------------------------------------------------------------- */

static bool answered_by_ai(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged || !record->ai_answered) {
        put(out, CT_STAND_OUT,
            !record->engaged       ? CT_WHY_NOT_ENGAGED
            : record->bot_involved ? CT_WHY_NO_ANSWER
                                   : CT_WHY_NO_AI);
        return false;
    }
    return true;
}

void ct_place_own_automation(const struct ct_record *record, struct ct_standing *out)
{
    if (answered_by_ai(record, out)) {
        bool resolved = record->resolved == CT_TRUE;
        put_rate(out, !record->escalated && resolved, why_resolved(record),
                 record->escalated ? CT_WHY_PERSON : why_not_resolved(record));
    }
}

void ct_place_own_containment(const struct ct_record *record, struct ct_standing *out)
{
    if (answered_by_ai(record, out)) {
        put_rate(out, !record->escalated, CT_WHY_NO_PERSON, CT_WHY_PERSON);
    }
}

void ct_place_own_escalation(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged) {
        put(out, CT_STAND_OUT, CT_WHY_NOT_ENGAGED);
        return;
    }
    put_rate(out, record->performed, CT_WHY_PERSON, CT_WHY_NO_PERSON);
}

void ct_place_own_fcr(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged) {
        put(out, CT_STAND_OUT, CT_WHY_NOT_ENGAGED);
    } else if (record->first_contact == CT_NULL) {
        bool young = record->has_customer && record->timed;
        put(out, CT_STAND_LEFT, young ? CT_WHY_YOUNG : record->has_customer ? CT_WHY_UNTIMED : CT_WHY_UNKNOWN);
        out->provisional = young;
    } else {
        put_rate(out, record->first_contact == CT_TRUE, CT_WHY_FIRST,
                 record->resolved != CT_TRUE ? why_not_resolved(record)
                 : record->returned          ? CT_WHY_BACK
                                             : CT_WHY_WAS);
    }
}

void ct_place_own_aht(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged) {
        put(out, CT_STAND_OUT, CT_WHY_NOT_ENGAGED);
    } else {
        put_value(record, out, record->total_handling_usec, CT_WHY_TIME);
    }
}

void ct_place_own_first_response(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged) {
        put(out, CT_STAND_OUT, CT_WHY_NOT_ENGAGED);
    } else if (record->first_response_usec == CT_USEC_NONE && !record->ai_answered) {
        put(out, CT_STAND_OUT, record->bot_involved ? CT_WHY_NO_ANSWER : CT_WHY_NO_AI);
    } else {
        put_value(record, out, record->first_response_usec, CT_WHY_TIME);
    }
}

void ct_place_own_csat(const struct ct_record *record, struct ct_standing *out)
{
    if (answered(record, out)) {
        put_rate(out, ct_score_positive(&record->score[CT_SCORE_CSAT]), CT_WHY_SCORE_GOOD, CT_WHY_SCORE_BAD);
    }
}

void ct_place_own_resolution_time(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged || record->resolved != CT_TRUE) {
        put(out, CT_STAND_OUT, record->engaged ? why_not_resolved(record) : CT_WHY_NOT_ENGAGED);
        return;
    }
    bool backwards = record->resolved_at < record->asked_at; /* a label stamped before the first message */
    put_value(record, out, backwards ? CT_USEC_NONE : between(record->asked_at, record->resolved_at), CT_WHY_TIME);
}

/* ---- Microsoft Copilot Studio ------------------------------------------------------------------------------------ */

/* The Escalate topic is triggered by asking for a person, too, whether or not one comes. */
static bool copilot_escalated(const struct ct_record *record)
{
    return record->escalated || record->requested || person_tried(record);
}

void ct_place_copilot_automation(const struct ct_record *record, struct ct_standing *out)
{
    if (!with_ai(record, out)) {
        return;
    }
    if (copilot_escalated(record)) {
        put(out, CT_STAND_BASE, record->escalated ? CT_WHY_PERSON : CT_WHY_PERSON_ASKED);
    } else if (record->resolved == CT_NULL && record->outcome == CT_OUTCOME_SILENT) {
        put(out, CT_STAND_HIT, CT_WHY_SILENCE);
    } else {
        put_rate(out, record->resolved == CT_TRUE, why_resolved(record), why_not_resolved(record));
    }
}

void ct_place_copilot_escalation(const struct ct_record *record, struct ct_standing *out)
{
    if (with_ai(record, out)) {
        put_rate(out, copilot_escalated(record), record->escalated ? CT_WHY_PERSON : CT_WHY_PERSON_ASKED,
                 CT_WHY_NO_PERSON);
    }
}

void ct_place_score_itself(const struct ct_record *record, struct ct_standing *out)
{
    if (answered(record, out)) {
        put(out, CT_STAND_HIT, CT_WHY_SCORE);
        out->value = ct_score_usual(&record->score[CT_SCORE_CSAT]);
    }
}

/* ---- Intercom Fin ------------------------------------------------------------------------------------------------ */

void ct_place_intercom_automation(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged) {
        put(out, CT_STAND_OUT, CT_WHY_NOT_ENGAGED);
        return;
    }
    bool silent = record->resolved == CT_NULL && record->outcome == CT_OUTCOME_SILENT;
    if (!record->ai_answered) {
        put(out, CT_STAND_BASE, record->bot_involved ? CT_WHY_NO_ANSWER : CT_WHY_NO_AI);
    } else if (record->escalated) {
        put(out, CT_STAND_BASE, CT_WHY_PERSON);
    } else if (record->resolved != CT_TRUE && !silent) {
        put(out, CT_STAND_BASE, why_not_resolved(record));
    } else if (is_back(record, BACK_7D)) {
        put(out, CT_STAND_BASE, CT_WHY_BACK_7D);
    } else {
        put(out, CT_STAND_HIT, silent ? CT_WHY_SILENCE : why_resolved(record));
        out->provisional = record->ended_at != CT_USEC_NONE && record->observed_usec < BACK_7D;
        if (out->provisional && __builtin_add_overflow(record->ended_at, BACK_7D, &out->settles_at)) {
            out->settles_at = INT64_MAX;
        }
    }
}

void ct_place_closed_once(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->escalated || !record->closed_by_event) {
        put(out, CT_STAND_OUT, record->escalated ? CT_WHY_NOT_CLOSED : CT_WHY_NO_PERSON);
        return;
    }
    put_rate(out, !record->reopened, CT_WHY_CLOSED_ONCE, CT_WHY_REOPENED);
}

/* ---- Zendesk ----------------------------------------------------------------------------------------------------- */

void ct_place_zendesk_automation(const struct ct_record *record, struct ct_standing *out)
{
    if (!with_ai(record, out)) {
        return;
    }
    bool silent = record->resolved == CT_NULL && record->outcome == CT_OUTCOME_SILENT;
    if (record->escalated || person_tried(record)) {
        put(out, CT_STAND_BASE, record->escalated ? CT_WHY_PERSON : CT_WHY_PERSON_ASKED);
    } else if (!record->ai_answered) {
        put(out, CT_STAND_BASE, CT_WHY_NO_ANSWER);
    } else if (record->resolved != CT_TRUE && !silent) {
        put(out, CT_STAND_BASE, why_not_resolved(record));
    } else if (is_back(record, BACK_72H)) {
        put(out, CT_STAND_BASE, CT_WHY_BACK_72H);
    } else {
        put(out, CT_STAND_HIT, silent ? CT_WHY_SILENCE : why_resolved(record));
    }
}

void ct_place_zendesk_containment(const struct ct_record *record, struct ct_standing *out)
{
    if (!with_ai(record, out)) {
        return;
    }
    if (record->escalated || person_tried(record)) {
        put(out, CT_STAND_BASE, record->escalated ? CT_WHY_PERSON : CT_WHY_PERSON_ASKED);
    } else {
        put_rate(out, record->fallbacks == 0, CT_WHY_NO_PERSON, CT_WHY_MISUNDERSTOOD);
    }
}

void ct_place_of_ai_escalated(const struct ct_record *record, struct ct_standing *out)
{
    if (with_ai(record, out)) {
        put_rate(out, record->escalated, CT_WHY_PERSON, CT_WHY_NO_PERSON);
    }
}

void ct_place_one_touch(const struct ct_record *record, struct ct_standing *out)
{
    bool solved = record->closed_by_event || record->resolved == CT_TRUE;
    if (!record->escalated || !solved) {
        put(out, CT_STAND_OUT, record->escalated ? CT_WHY_NOT_CLOSED : CT_WHY_NO_PERSON);
        return;
    }
    put_rate(out, record->agent_messages < 2, CT_WHY_ONE_REPLY, CT_WHY_MORE_REPLIES);
}

void ct_place_reply_from_start(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged || !record->human_joined) {
        put(out, CT_STAND_OUT, record->engaged ? CT_WHY_NO_PERSON : CT_WHY_NOT_ENGAGED);
        return;
    }
    put_value(record, out, between(record->asked_at, record->joined_at), CT_WHY_TIME_FROM_START);
}

void ct_place_time_to_close(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->closed_by_event) {
        put(out, CT_STAND_OUT, CT_WHY_NOT_CLOSED);
        return;
    }
    put_value(record, out, between(record->started_at, record->ended_at), CT_WHY_TIME_TO_CLOSE);
}

/* ---- Ada --------------------------------------------------------------------------------------------------------- */

void ct_place_ada_automation(const struct ct_record *record, struct ct_standing *out)
{
    if (!with_ai(record, out)) {
        return;
    }
    if (record->escalated) {
        put(out, CT_STAND_BASE, CT_WHY_PERSON);
    } else if (record->resolved == CT_NULL) {
        put(out, CT_STAND_LEFT, CT_WHY_SILENT);
    } else {
        put_rate(out, record->resolved == CT_TRUE, why_resolved(record), why_not_resolved(record));
    }
}

void ct_place_of_ai_contained(const struct ct_record *record, struct ct_standing *out)
{
    if (with_ai(record, out)) {
        put_rate(out, !record->escalated, CT_WHY_NO_PERSON, CT_WHY_PERSON);
    }
}

void ct_place_contained_time(const struct ct_record *record, struct ct_standing *out)
{
    if (!with_ai(record, out)) {
        return;
    }
    if (record->escalated) {
        put(out, CT_STAND_OUT, CT_WHY_PERSON);
    } else {
        put_value(record, out, record->ai_handling_usec, CT_WHY_TIME_AI);
    }
}

/* ---- Google ------------------------------------------------------------------------------------------------------ */

void ct_place_google_containment(const struct ct_record *record, struct ct_standing *out)
{
    if (!with_ai(record, out)) {
        return;
    }
    if (!record->has_customer) {
        put(out, CT_STAND_LEFT, CT_WHY_UNKNOWN);
    } else if (record->escalated) {
        put(out, CT_STAND_BASE, CT_WHY_PERSON);
    } else {
        put_rate(out, !is_back(record, BACK_24H), CT_WHY_NO_PERSON, CT_WHY_BACK_24H);
    }
}

void ct_place_of_all_escalated(const struct ct_record *record, struct ct_standing *out)
{
    put_rate(out, record->escalated, CT_WHY_PERSON, record->engaged ? CT_WHY_NO_PERSON : CT_WHY_NOT_ENGAGED);
}

void ct_place_google_fcr(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged) {
        put(out, CT_STAND_OUT, CT_WHY_NOT_ENGAGED);
    } else if (!record->has_customer) {
        put(out, CT_STAND_LEFT, CT_WHY_UNKNOWN);
    } else if (record->resolved != CT_TRUE) {
        put(out, CT_STAND_BASE, why_not_resolved(record));
    } else if (is_back(record, BACK_24H)) {
        put(out, CT_STAND_BASE, CT_WHY_BACK_24H);
    } else {
        put_rate(out, !was_there(record, BACK_24H), CT_WHY_FIRST, CT_WHY_WAS_24H);
    }
}

/* ---- Amazon ------------------------------------------------------------------------------------------------------ */

void ct_place_amazon_automation(const struct ct_record *record, struct ct_standing *out)
{
    if (!with_ai(record, out)) {
        return;
    }
    if (record->escalated) {
        put(out, CT_STAND_BASE, CT_WHY_PERSON);
    } else {
        put_rate(out, record->resolved == CT_TRUE, why_resolved(record),
                 record->resolved == CT_NULL ? CT_WHY_DROPPED : why_not_resolved(record));
    }
}

void ct_place_person_time(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->engaged || !record->escalated) {
        put(out, CT_STAND_OUT, record->engaged ? CT_WHY_NO_PERSON : CT_WHY_NOT_ENGAGED);
    } else {
        put_value(record, out, record->human_handling_usec, CT_WHY_TIME_PERSON);
    }
}

/* ---- Chatwoot ---------------------------------------------------------------------------------------------------- */

void ct_place_chatwoot_automation(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->bot_involved || record->escalated) {
        put(out, CT_STAND_BASE, record->escalated ? CT_WHY_PERSON : CT_WHY_NO_AI);
    } else if (record->resolved == CT_TRUE) {
        put(out, CT_STAND_HIT, why_resolved(record));
    } else {
        put_rate(out, record->closed_by_event, CT_WHY_CLOSED, CT_WHY_NOT_CLOSED);
    }
}

void ct_place_chatwoot_escalation(const struct ct_record *record, struct ct_standing *out)
{
    put_rate(out, record->escalated && record->bot_involved, CT_WHY_PERSON,
             !record->bot_involved ? CT_WHY_NO_AI
             : record->engaged     ? CT_WHY_NO_PERSON
                                   : CT_WHY_NOT_ENGAGED);
}

void ct_place_reply_from_handoff(const struct ct_record *record, struct ct_standing *out)
{
    if (!record->human_joined) {
        put(out, CT_STAND_OUT, CT_WHY_NO_PERSON);
    } else if (record->human_first_response_usec != CT_USEC_NONE) {
        put_value(record, out, record->human_first_response_usec, CT_WHY_TIME_FROM_HANDOFF);
    } else {
        put_value(record, out, between(record->started_at, record->joined_at), CT_WHY_TIME_FROM_START);
    }
}

/* ---- SQM Group --------------------------------------------------------------------------------------------------- */

void ct_place_sqm_fcr(const struct ct_record *record, struct ct_standing *out)
{
    if (!answered(record, out)) {
        return;
    }
    bool good = ct_score_positive(&record->score[CT_SCORE_CSAT]);
    put_rate(out, good && !was_there(record, BACK_7D), CT_WHY_SCORE_GOOD, good ? CT_WHY_WAS_7D : CT_WHY_SCORE_BAD);
}

void ct_place_top_box(const struct ct_record *record, struct ct_standing *out)
{
    if (answered(record, out)) {
        const struct ct_score *score = &record->score[CT_SCORE_CSAT];
        put_rate(out, ct_score_usual(score) == score->scale_max, CT_WHY_SCORE_TOP, CT_WHY_SCORE_NOT_TOP);
    }
}
