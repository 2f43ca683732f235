/* response.c - response times. */
#include "metrics/response.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_response *s = state;
    if (!record->engaged) {
        return;
    }
    s->engaged++;
    s->unanswered += !record->ai_answered && record->agent_messages == 0;
    s->user_messages += record->user_messages;
    s->unanswered_messages += record->unanswered;
    if (!record->timed) { /* what times there are between messages without one say nothing of who waited for whom */
        s->untimed += record->ai_answered;
        s->untimed_human += record->human_joined;
        return;
    }
    const int64_t *times = ct_record_array(record, record->response_usec);
    for (uint32_t i = 0; i < record->response_usec.count; i++) {
        ct_spread_add(&s->answers, times[i]);
    }
    if (record->first_response_usec != CT_USEC_NONE) {
        ct_spread_add(&s->first, record->first_response_usec);
    } else {
        s->untimed += record->ai_answered;
    }
    if (record->human_first_response_usec != CT_USEC_NONE) {
        ct_spread_add(&s->first_human, record->human_first_response_usec);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_response *s = state;
    const struct ct_response *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_spread_merge(&s->answers, &o->answers, sign);
    ct_spread_merge(&s->first, &o->first, sign);
    ct_spread_merge(&s->first_human, &o->first_human, sign);
    s->engaged += by * o->engaged;
    s->unanswered += by * o->unanswered;
    s->user_messages += by * o->user_messages;
    s->unanswered_messages += by * o->unanswered_messages;
    s->untimed += by * o->untimed;
    s->untimed_human += by * o->untimed_human;
}

static const size_t spreads[] = {offsetof(struct ct_response, answers), offsetof(struct ct_response, first),
                                 offsetof(struct ct_response, first_human)};
const struct ct_metric ct_metric_response = {.name = "response",
                                             .state_bytes = sizeof(struct ct_response),
                                             .spreads = spreads,
                                             .spread_count = sizeof spreads / sizeof *spreads,
                                             .fold = fold,
                                             .merge = merge};
