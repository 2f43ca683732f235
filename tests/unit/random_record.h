/* random_record.h - records for the laws, from a seed: the same on every machine. */
#ifndef CT_RANDOM_RECORD_H
#define CT_RANDOM_RECORD_H

#include <stdio.h>

#include "make_record.h"

static uint64_t seed;

static inline uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
static inline uint64_t below(uint64_t limit)
{
    return next_random() % limit;
}
static inline bool chance(unsigned percent)
{
    return below(100) < percent;
}
static inline ct_usec some_time(void)
{
    return chance(20) ? CT_USEC_NONE : (ct_usec)(next_random() >> (20 + below(40)));
}

/* A record without regard to whether a conversation could be like that: the laws hold for any. Heap, the caller frees.
 * With up to 8 channels, currencies and scales too stay within what the metrics' tables hold. */
static inline struct ct_record *random_record(bool known, unsigned channels)
{
    struct ct_record r = make_head();
    char channel[64], bot[16];
    snprintf(channel, sizeof channel, "%s%llu", chance(10) ? "a-name-that-is-longer-than-the-table-keeps-é" : "c",
             (unsigned long long)below(channels));
    snprintf(bot, sizeof bot, "b%llu", (unsigned long long)below(5));
    static const char *const topics[][2] = {
        {"", ""}, {"billing", "billing technical"}, {"order", "competitor order suggestion"}, {"delivery", "delivery"}};
    size_t about = below(sizeof topics / sizeof *topics);
    static const char *const currencies[] = {"EUR", "USD", "MXN", "", "COP", "GBP", "JPY", "CLP", "ARS", "BRL", "PEN"};
    int64_t answers[5];
    for (int i = 0; i < 5; i++) {
        answers[i] = (int64_t)(next_random() >> (10 + below(50)));
    }
    r.conversation_hash = next_random();
    r.has_customer = known;
    r.engaged = chance(90);
    r.timed = chance(90);
    r.message_count = (uint32_t)below(50);
    if (r.timed) {
        r.started_at = (ct_usec)below(90) * CT_USEC_PER_DAY + (ct_usec)below(1000000);
        r.ended_at = r.started_at + (ct_usec)below(CT_USEC_PER_DAY);
    }
    r.outcome = (uint8_t)below(CT_OUTCOME_COUNT);
    r.resolved = (uint8_t)below(3);
    bool *flags[] = {&r.label_decided, &r.ai_answered, &r.bot_involved, &r.escalated, &r.requested,
                     &r.offered,       &r.announced,   &r.refused,      &r.positive,  &r.negative,
                     &r.complaint,     &r.insult,      &r.has_cost};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        *flags[i] = chance(50);
    }
    ct_usec *times[] = {&r.wait_usec,
                        &r.queue_abandoned_usec,
                        &r.asked_at,
                        &r.resolved_at,
                        &r.complaint_at,
                        &r.first_response_usec,
                        &r.human_first_response_usec,
                        &r.ai_handling_usec,
                        &r.human_handling_usec,
                        &r.total_handling_usec};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        *times[i] = some_time();
    }
    for (int kind = 0; kind < CT_SCORE_COUNT; kind++) {
        r.survey_asked[kind] = chance(50);
        r.score[kind].present = chance(50);
        r.score[kind].scale_min = (int32_t)below(2);
        r.score[kind].scale_max = (int32_t)(3 + below(channels > 8 ? 9 : 3)); /* more scales than the table holds */
        r.score[kind].value = (int32_t)below(12);
        r.score[kind].turned = channels > 8 && chance(20);
        r.score[kind].positive_from = chance(20) ? (uint8_t)below(11) : 0;
    }
    uint32_t *counts[] = {&r.user_messages,     &r.bot_messages,      &r.agent_messages, &r.fallbacks, &r.no_data,
                          &r.wrong_answers,     &r.repeats,           &r.unanswered,     &r.judged,    &r.inferred,
                          &r.positive_messages, &r.negative_messages, &r.questions,      &r.comments};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        *counts[i] = (uint32_t)below(20);
    }
    r.judged_correct = r.judged / 2;
    r.comments_answered = r.comments / 2;
    r.inferred_correct = r.inferred / 3;
    r.cost = (ct_nano)(next_random() >> (8 + below(40)));
    r.cost_tokens = r.cost / 3;
    r.cost_human = r.cost - r.cost_tokens;
    r.has_human_price = chance(50);
    r.human_price = (ct_nano)(next_random() >> (8 + below(40)));
    return make_record(&r, &(struct make_tail){.text = {[CT_TEXT_CHANNEL] = chance(5) ? "" : channel,
                                                        [CT_TEXT_BOT] = bot,
                                                        [CT_TEXT_TOPIC] = topics[about][0],
                                                        [CT_TEXT_TOPICS] = topics[about][1],
                                                        [CT_TEXT_CURRENCY] = currencies[below(channels > 8 ? 11 : 8)]},
                                               .response_usec = answers,
                                               .response_count = (uint32_t)below(6)});
}

#endif
