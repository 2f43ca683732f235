/* accuracy.c - counts judged answers and fallbacks. */
#include "metrics/accuracy.h"

static void fold(void *state, const struct ct_record *record)
{
    struct ct_accuracy *s = state;
    s->judged += record->judged;
    s->correct += record->judged_correct;
    s->inferred += record->inferred;
    s->inferred_correct += record->inferred_correct;
    s->answers += record->bot_messages;
    s->fallbacks += record->fallbacks;
    s->no_data += record->no_data;
    s->wrong += record->wrong_answers;
    s->repeats += record->repeats;
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_accuracy *s = state;
    const struct ct_accuracy *o = other;
    uint64_t by = ct_metric_by(sign);
    s->judged += by * o->judged;
    s->correct += by * o->correct;
    s->inferred += by * o->inferred;
    s->inferred_correct += by * o->inferred_correct;
    s->answers += by * o->answers;
    s->fallbacks += by * o->fallbacks;
    s->no_data += by * o->no_data;
    s->wrong += by * o->wrong;
    s->repeats += by * o->repeats;
}

const struct ct_metric ct_metric_accuracy = {
    .name = "accuracy", .state_bytes = sizeof(struct ct_accuracy), .fold = fold, .merge = merge};
