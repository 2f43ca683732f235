/* accuracy.c - counts judged answers and fallbacks. */
#include "metrics/accuracy.h"

#include "metrics/marks.h"

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

/* People's marks of a conversation go before the labels in it. */
static void fold_open(void *state, const struct ct_record *record, const struct ct_terms *terms)
{
    struct ct_accuracy *s = state;
    const struct ct_marked *marked = ct_marks_find(terms->marks, record);
    uint64_t judged, correct;
    if (marked && ct_marks_accuracy(terms->marks, marked, &judged, &correct)) {
        s->marked += judged;
        s->marked_correct += correct;
        s->replaced += record->judged;
        s->replaced_correct += record->judged_correct;
    }
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
    s->marked += by * o->marked;
    s->marked_correct += by * o->marked_correct;
    s->replaced += by * o->replaced;
    s->replaced_correct += by * o->replaced_correct;
    s->answers += by * o->answers;
    s->fallbacks += by * o->fallbacks;
    s->no_data += by * o->no_data;
    s->wrong += by * o->wrong;
    s->repeats += by * o->repeats;
}

const struct ct_metric ct_metric_accuracy = {.name = "accuracy",
                                             .state_bytes = sizeof(struct ct_accuracy),
                                             .fold = fold,
                                             .fold_open = fold_open,
                                             .merge = merge};
