/* iqs.c - conversations by a scorecard. */
#include "metrics/iqs.h"

#include "metrics/marks.h"

enum { MICRO_PERCENT = 100 * 1000000 / CT_CRITERION_ONE }; /* of a criterion's millionths */

static void criterion_merge(void *entry, const void *other, int sign)
{
    struct ct_iqs_criterion *s = entry;
    const struct ct_iqs_criterion *o = other;
    ct_moments_merge(&s->scores, &o->scores, sign);
    s->unjudged += ct_metric_by(sign) * o->unjudged;
}

static const struct ct_keyed criteria = {sizeof(struct ct_iqs_criterion), CT_CRITERIA_MAX, criterion_merge};

/* What each criterion gave; NULL = it is not wanted. */
typedef void criterion_seen(struct ct_iqs *state, const struct ct_criterion *criterion, int64_t score);

static int64_t judge(const struct ct_record *record, const struct ct_terms *terms, struct ct_iqs *state,
                     criterion_seen *seen)
{
    const struct ct_scorecard *card = terms->scorecard;
    const struct ct_marked *marked = ct_marks_find(terms->marks, record);
    ct_wide sum = 0, weights = 0;
    for (size_t i = 0; i < card->count; i++) {
        const struct ct_criterion *criterion = &card->criteria[i];
        int64_t score = ct_criterion_score(criterion, record, terms, marked);
        if (seen) {
            seen(state, criterion, score);
        }
        if (score >= 0) {
            sum += (ct_wide)criterion->weight * score;
            weights += criterion->weight;
        }
    }
    return weights ? (int64_t)ct_wide_divide(sum * MICRO_PERCENT, weights) : -1;
}

int64_t ct_iqs_of(const struct ct_record *record, const struct ct_terms *terms)
{
    return terms->scorecard && record->engaged ? judge(record, terms, NULL, NULL) : -1;
}

static void fold_criterion(struct ct_iqs *s, const struct ct_criterion *criterion, int64_t score)
{
    struct ct_iqs_criterion *to = ct_keyed_at(&criteria, s->criterion, &s->count, &s->other, criterion->name);
    if (score < 0) {
        to->unjudged++;
    } else {
        ct_moments_add(&to->scores, score * MICRO_PERCENT);
    }
}

static void fold_open(void *state, const struct ct_record *record, const struct ct_terms *terms)
{
    struct ct_iqs *s = state;
    if (!terms->scorecard || !record->engaged) {
        return;
    }
    int64_t score = judge(record, terms, s, fold_criterion);
    if (score < 0) {
        s->unjudged++;
    } else {
        ct_moments_add(&s->scores, score);
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_iqs *s = state;
    const struct ct_iqs *o = other;
    ct_moments_merge(&s->scores, &o->scores, sign);
    s->unjudged += ct_metric_by(sign) * o->unjudged;
    ct_keyed_merge(&criteria, s->criterion, &s->count, &s->other, o->criterion, o->count, &o->other, sign);
}

bool ct_iqs_read(const struct ct_iqs *s, size_t index, struct ct_reading *out)
{
    out->scale = 1000000;
    if (index == 0) {
        out->moments = &s->scores;
        out->left_out = s->unjudged;
        return true;
    }
    const struct ct_iqs_criterion *criterion = ct_keyed_shown(&criteria, s->criterion, s->count, index - 1);
    if (!criterion) {
        return false;
    }
    memcpy(out->key, criterion->key, sizeof out->key);
    out->moments = &criterion->scores;
    out->left_out = criterion->unjudged;
    return true;
}

bool ct_iqs_read_judged(const struct ct_iqs *s, size_t index, struct ct_reading *out)
{
    for (uint32_t i = 0; i < s->count; i++) {
        out->numerator += (ct_wide)s->criterion[i].scores.n;
        out->denominator += (ct_wide)(s->criterion[i].scores.n + s->criterion[i].unjudged);
    }
    out->no_interval = true; /* criteria of one conversation are no cases of their own */
    return index == 0;
}

const struct ct_metric ct_metric_iqs = {
    .name = "iqs", .state_bytes = sizeof(struct ct_iqs), .fold_open = fold_open, .merge = merge};
