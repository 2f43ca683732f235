/* quality.c - folds marked conversations. What comes of it is in quality_read.c. */
#include "metrics/quality.h"

#include "metrics/marks.h"

static void confusion_merge(struct ct_confusion *to, const struct ct_confusion *from, int sign)
{
    uint64_t by = ct_metric_by(sign);
    to->tp += by * from->tp;
    to->fp += by * from->fp;
    to->fn += by * from->fn;
    to->tn += by * from->tn;
    to->unknown += by * from->unknown;
}

static void topic_merge(void *entry, const void *other, int sign)
{
    struct ct_quality_topic *s = entry;
    const struct ct_quality_topic *o = other;
    uint64_t by = ct_metric_by(sign);
    s->both += by * o->both;
    s->found += by * o->found;
    s->marked += by * o->marked;
}

static void signal_merge(void *entry, const void *other, int sign)
{
    struct ct_quality_signal *s = entry;
    const struct ct_quality_signal *o = other;
    confusion_merge(&s->seen, &o->seen, sign);
}

static const struct ct_keyed topics = {sizeof(struct ct_quality_topic), CT_QUALITY_TOPICS_MAX, topic_merge};
static const struct ct_keyed signals = {sizeof(struct ct_quality_signal), CT_QUALITY_SIGNALS_MAX, signal_merge};

/* `marked` CT_NULL: nobody says. */
static void held(struct ct_confusion *c, enum ct_tri found, enum ct_tri marked)
{
    if (marked == CT_NULL) {
        return;
    }
    c->unknown += found == CT_NULL;
    c->tp += found == CT_TRUE && marked == CT_TRUE;
    c->fp += found == CT_TRUE && marked == CT_FALSE;
    c->fn += found == CT_FALSE && marked == CT_TRUE;
    c->tn += found == CT_FALSE && marked == CT_FALSE;
}

static enum ct_tri tri(bool value)
{
    return value ? CT_TRUE : CT_FALSE;
}

static void fold_topic(struct ct_quality *s, ct_span found, ct_span marked)
{
    ct_span none = ct_span_of("none");
    ct_span key = found.len ? found : none, other = marked.len ? marked : none;
    bool same = ct_span_eq(ct_keyed_cut(key), ct_keyed_cut(other));
    struct ct_quality_topic *topic = ct_keyed_at(&topics, s->topic, &s->topic_count, &s->other_topic, key);
    topic->found++;
    topic->both += same;
    topic = ct_keyed_at(&topics, s->topic, &s->topic_count, &s->other_topic, other);
    topic->marked++;
    s->topics++;
    s->topics_agreed += same;
}

/* Counted by the rules, and to be counted by the marks, in the base of each KPI as its own row has it. Not resolved, or
 * with a person, is enough to know that it was not resolved without one. */
static void fold_corrected(struct ct_quality *s, const struct ct_record *record, const struct ct_mark_truth *truth)
{
    if (!record->engaged) {
        return;
    }
    held(&s->corrected[CT_CORRECTED_ESCALATION], tri(record->escalated), truth->escalated);
    held(&s->corrected[CT_CORRECTED_INCIDENT], tri(record->complaint), truth->complaint);
    if (record->ai_answered) {
        bool found = !record->escalated && record->resolved == CT_TRUE;
        bool no = truth->escalated == CT_TRUE || truth->resolved == CT_FALSE;
        bool yes = truth->escalated == CT_FALSE && truth->resolved == CT_TRUE;
        held(&s->corrected[CT_CORRECTED_AUTOMATION], tri(found), no ? CT_FALSE : yes ? CT_TRUE : CT_NULL);
    }
    if (record->first_contact != CT_NULL) { /* who came back is a fact, whatever the rules say */
        bool back = record->is_return || record->returned;
        held(&s->corrected[CT_CORRECTED_FCR], tri(record->first_contact == CT_TRUE),
             back && truth->resolved == CT_TRUE ? CT_FALSE : truth->resolved);
    }
}

static void fold_open(void *state, const struct ct_record *record, const struct ct_terms *terms)
{
    struct ct_quality *s = state;
    const struct ct_marked *marked = ct_marks_find(terms->marks, record);
    if (!marked) {
        return;
    }
    const struct ct_mark_truth truth = ct_marks_truth(terms->marks, marked);
    s->marked++;
    if (truth.outcome >= 0 && record->outcome < CT_OUTCOME_COUNT) {
        s->outcomes[truth.outcome][record->outcome]++;
    }
    held(&s->resolved, (enum ct_tri)record->resolved, truth.resolved);
    held(&s->escalated, tri(record->escalated), truth.escalated);
    held(&s->complaint, tri(record->complaint), truth.complaint);
    if (truth.has_topic) {
        fold_topic(s, ct_record_text(record, CT_TEXT_TOPIC), truth.topic);
    }
    for (uint32_t i = 0; i < marked->count; i++) {
        const struct ct_mark *mark = &terms->marks->at[marked->first + i];
        if (mark->field == CT_MARK_SIGNAL) {
            struct ct_quality_signal *signal =
                ct_keyed_at(&signals, s->signal, &s->signal_count, &s->other_signal, mark->name);
            held(&signal->seen, ct_bindings_mark_signal(terms->bindings, record, (size_t)mark->more),
                 tri(mark->value != 0));
        }
    }
    fold_corrected(s, record, &truth);
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_quality *s = state;
    const struct ct_quality *o = other;
    uint64_t by = ct_metric_by(sign);
    s->marked += by * o->marked;
    for (unsigned mark = 0; mark < CT_OUTCOME_COUNT; mark++) {
        for (unsigned found = 0; found < CT_OUTCOME_COUNT; found++) {
            s->outcomes[mark][found] += by * o->outcomes[mark][found];
        }
    }
    confusion_merge(&s->resolved, &o->resolved, sign);
    confusion_merge(&s->escalated, &o->escalated, sign);
    confusion_merge(&s->complaint, &o->complaint, sign);
    for (unsigned i = 0; i < CT_CORRECTED_COUNT; i++) {
        confusion_merge(&s->corrected[i], &o->corrected[i], sign);
    }
    s->topics += by * o->topics;
    s->topics_agreed += by * o->topics_agreed;
    ct_keyed_merge(&topics, s->topic, &s->topic_count, &s->other_topic, o->topic, o->topic_count, &o->other_topic,
                   sign);
    ct_keyed_merge(&signals, s->signal, &s->signal_count, &s->other_signal, o->signal, o->signal_count,
                   &o->other_signal, sign);
}

const struct ct_metric ct_metric_quality = {
    .name = "quality", .state_bytes = sizeof(struct ct_quality), .apart = true, .fold_open = fold_open, .merge = merge};
