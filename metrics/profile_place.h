/* profile_place.h - where a conversation stands in each definition of profiles.def. Private to profile*.c. */
#ifndef CT_PROFILE_PLACE_H
#define CT_PROFILE_PLACE_H

#include "metrics/profile.h"

/* Fills place, why and value (all zero before), and provisional with settles_at where it is not the definition's window
 * that makes it so; the window itself is ct_place_within's matter. */
typedef void ct_place_of(const struct ct_record *record, struct ct_standing *out);

ct_place_of ct_place_own_automation, ct_place_own_containment, ct_place_own_escalation, ct_place_own_fcr,
    ct_place_own_aht, ct_place_own_first_response, ct_place_own_csat, ct_place_own_resolution_time;
ct_place_of ct_place_copilot_automation, ct_place_copilot_escalation, ct_place_score_itself,
    ct_place_intercom_automation, ct_place_closed_once, ct_place_zendesk_automation, ct_place_zendesk_containment,
    ct_place_of_ai_escalated, ct_place_one_touch, ct_place_reply_from_start, ct_place_time_to_close,
    ct_place_ada_automation, ct_place_of_ai_contained, ct_place_contained_time, ct_place_google_containment,
    ct_place_of_all_escalated, ct_place_google_fcr, ct_place_amazon_automation, ct_place_person_time,
    ct_place_chatwoot_automation, ct_place_chatwoot_escalation, ct_place_reply_from_handoff, ct_place_sqm_fcr,
    ct_place_top_box;

/* CT_USEC_NONE stays it; the end of time where it would be beyond. */
static inline ct_usec ct_place_later(ct_usec at, ct_usec by)
{
    ct_usec sum;
    if (at == CT_USEC_NONE) {
        return CT_USEC_NONE;
    }
    return __builtin_add_overflow(at, by, &sum) ? INT64_MAX : sum;
}

/* The definition's window laid upon what its ct_place_of said. */
static inline void ct_place_within(ct_usec window, const struct ct_record *record, struct ct_standing *out)
{
    if (!window || out->place < CT_STAND_BASE) {
        return;
    }
    /* The whole cohort waits, those too of whom the answer is known: else the young who are back would count already,
     * and the young who are not would not. */
    if (!record->timed || record->ended_at == CT_USEC_NONE) {
        out->why = CT_WHY_UNTIMED;
    } else if (record->observed_usec < window) {
        out->why = CT_WHY_YOUNG;
        out->settles_at = ct_place_later(record->ended_at, window);
    } else {
        return;
    }
    out->place = CT_STAND_LEFT;
    out->provisional = out->why == CT_WHY_YOUNG;
}

#endif
