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

static void merge(void *state, const void *other)
{
    struct ct_accuracy *s = state;
    const struct ct_accuracy *o = other;
    s->judged += o->judged;
    s->correct += o->correct;
    s->inferred += o->inferred;
    s->inferred_correct += o->inferred_correct;
    s->answers += o->answers;
    s->fallbacks += o->fallbacks;
    s->no_data += o->no_data;
    s->wrong += o->wrong;
    s->repeats += o->repeats;
}

const struct ct_metric ct_metric_accuracy = {
    .name = "accuracy", .state_bytes = sizeof(struct ct_accuracy), .fold = fold, .merge = merge};
