/* profile_talk.h - conversations worked out by hand, for the tests of definitions. */
#ifndef CT_PROFILE_TALK_H
#define CT_PROFILE_TALK_H

#include "make_record.h"

#define SECOND CT_USEC_PER_SECOND
#define HOUR CT_USEC_PER_HOUR
#define DAY CT_USEC_PER_DAY
#define START INT64_C(1772323200000000) /* 2026-03-01 */

/* Of a known customer with the AI, begun at START, ten minutes long, watched for a month since, nobody back. */
static inline struct ct_record talk(enum ct_outcome outcome, enum ct_tri resolved)
{
    struct ct_record r = make_head();
    r.engaged = r.ai_answered = r.bot_involved = r.has_customer = r.timed = true;
    r.outcome = (uint8_t)outcome;
    r.resolved = (uint8_t)resolved;
    r.started_at = r.asked_at = START;
    r.ended_at = START + 600 * SECOND;
    r.observed_usec = 30 * DAY;
    r.first_contact = resolved == CT_TRUE ? CT_TRUE : CT_FALSE;
    r.total_handling_usec = 600 * SECOND;
    r.ai_handling_usec = 600 * SECOND;
    r.first_response_usec = 4 * SECOND;
    r.resolved_at = resolved == CT_TRUE ? START + 500 * SECOND : CT_USEC_NONE;
    return r;
}
static inline struct ct_record confirmed(void)
{
    return talk(CT_OUTCOME_RESOLVED_CONFIRMED, CT_TRUE);
}
static inline struct ct_record silent(void)
{
    return talk(CT_OUTCOME_SILENT, CT_NULL);
}
static inline struct ct_record unresolved(void)
{
    return talk(CT_OUTCOME_UNRESOLVED, CT_FALSE);
}
static inline struct ct_record abandoned(void)
{
    return talk(CT_OUTCOME_ABANDONED, CT_FALSE);
}
/* A person, asked for 100 s in, wrote 160 s in. */
static inline struct ct_record escalated(enum ct_tri resolved)
{
    struct ct_record r = talk(CT_OUTCOME_ESCALATED, resolved);
    r.escalated = r.performed = r.human_joined = r.requested = true;
    r.agent_messages = 2;
    r.requested_at = START + 100 * SECOND;
    r.joined_at = START + 160 * SECOND;
    r.human_first_response_usec = r.wait_usec = 60 * SECOND;
    r.ai_handling_usec = 100 * SECOND;
    r.human_handling_usec = 440 * SECOND;
    return r;
}
/* Asked for a person in vain. */
static inline struct ct_record in_vain(void)
{
    struct ct_record r = talk(CT_OUTCOME_ESCALATION_FAILED, CT_FALSE);
    r.requested = true;
    return r;
}
/* Only a person, no bot. */
static inline struct ct_record by_hand(void)
{
    struct ct_record r = escalated(CT_TRUE);
    r.bot_involved = r.ai_answered = r.requested = false;
    r.requested_at = r.human_first_response_usec = r.first_response_usec = r.ai_handling_usec = CT_USEC_NONE;
    return r;
}
static inline struct ct_record unengaged(void)
{
    struct ct_record r = talk(CT_OUTCOME_NOT_ENGAGED, CT_NULL);
    r.engaged = r.ai_answered = false;
    r.asked_at = r.first_response_usec = r.total_handling_usec = r.ai_handling_usec = CT_USEC_NONE;
    r.first_contact = CT_NULL;
    return r;
}
static inline struct ct_record unanswered(void)
{
    struct ct_record r = abandoned();
    r.ai_answered = false;
    r.first_response_usec = CT_USEC_NONE;
    return r;
}
static inline struct ct_record with_score(struct ct_record r, int32_t value, int32_t min, int32_t max)
{
    r.score[CT_SCORE_CSAT] = (struct ct_score){
        .present = true, .value = value, .scale_min = min, .scale_max = max, .ts = START + 700 * SECOND};
    return r;
}
static inline struct ct_record back_after(struct ct_record r, ct_usec gap)
{
    r.next_any_usec = gap;
    return r;
}
static inline struct ct_record young(struct ct_record r, ct_usec observed)
{
    r.observed_usec = observed;
    return r;
}
static inline struct ct_record closed(struct ct_record r)
{
    r.closed_by_event = true;
    return r;
}
static inline struct ct_record announced(struct ct_record r)
{
    r.announced = true;
    return r;
}
static inline struct ct_record of_stranger(struct ct_record r)
{
    r.has_customer = false;
    r.first_contact = CT_NULL;
    return r;
}

#endif
