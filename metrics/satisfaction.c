/* satisfaction.c - counts survey answers by scale. The head scale is the one with the most answers. */
#include "metrics/satisfaction.h"

static void scale_merge(void *entry, const void *other, int sign)
{
    struct ct_scale *s = entry;
    const struct ct_scale *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_moments_merge(&s->scores, &o->scores, sign);
    s->positive += by * o->positive;
    s->promoters += by * o->promoters;
    s->detractors += by * o->detractors;
}

static const struct ct_keyed scales = {sizeof(struct ct_scale), CT_SCALES_MAX, scale_merge};

static bool usable(enum ct_score_kind kind, const struct ct_score *score)
{
    if (score->scale_max <= score->scale_min || score->value < score->scale_min || score->value > score->scale_max) {
        return false;
    }
    return kind != CT_SCORE_NPS || (score->scale_max == 10 && (score->scale_min == 0 || score->scale_min == 1));
}

static void fold_score(struct ct_survey *survey, enum ct_score_kind kind, const struct ct_score *score)
{
    if (!usable(kind, score)) {
        survey->unusable++;
        return;
    }
    char key[2 * CT_DECIMAL_BYTES];
    size_t len = ct_wide_format(score->scale_min, key);
    key[len++] = '-';
    len += ct_wide_format(score->scale_max, key + len);
    struct ct_scale *scale = ct_keyed_at(&scales, survey->scale, &survey->count, &survey->other, (ct_span){key, len});
    ct_moments_add(&scale->scores, score->value);
    /* Twice the value against twice the middle: 64 bits, no halves. */
    scale->positive += 2 * (int64_t)score->value > (int64_t)score->scale_min + score->scale_max;
    if (kind == CT_SCORE_NPS) {
        scale->promoters += score->value >= 9;
        scale->detractors += score->value <= 6;
    }
}

static void fold(void *state, const struct ct_record *record)
{
    struct ct_satisfaction *s = state;
    for (unsigned kind = 0; kind < CT_SCORE_COUNT; kind++) {
        const struct ct_score *score = &record->score[kind];
        s->survey[kind].asked += record->survey_asked[kind];
        s->survey[kind].asked_answered += record->survey_asked[kind] && score->present;
        if (score->present) {
            fold_score(&s->survey[kind], (enum ct_score_kind)kind, score);
        }
    }
}

static void merge(void *state, const void *other, int sign)
{
    struct ct_satisfaction *s = state;
    const struct ct_satisfaction *o = other;
    uint64_t by = ct_metric_by(sign);
    for (unsigned kind = 0; kind < CT_SCORE_COUNT; kind++) {
        struct ct_survey *a = &s->survey[kind];
        const struct ct_survey *b = &o->survey[kind];
        a->asked += by * b->asked;
        a->asked_answered += by * b->asked_answered;
        a->unusable += by * b->unusable;
        ct_keyed_merge(&scales, a->scale, &a->count, &a->other, b->scale, b->count, &b->other, sign);
    }
}

static uint32_t head_of(const struct ct_survey *survey)
{
    uint32_t head = 0;
    for (uint32_t i = 1; i < survey->count; i++) {
        if (survey->scale[i].scores.n > survey->scale[head].scores.n) {
            head = i;
        }
    }
    return head;
}

bool ct_survey_read(const struct ct_survey *survey, enum ct_survey_reading what, size_t index, struct ct_reading *out)
{
    const struct ct_scale *scale = ct_keyed_shown(&scales, survey->scale, survey->count, index ? index - 1 : 0);
    if (index > 0 && (!scale || !ct_keyed_shown(&scales, survey->scale, survey->count, 1))) {
        return false;
    }
    out->left_out = survey->unusable + survey->other.scores.n;
    if (!scale) {
        return true;
    }
    if (index == 0) {
        scale = &survey->scale[head_of(survey)];
    }
    memcpy(out->key, scale->key, sizeof out->key);
    out->denominator = (ct_wide)scale->scores.n;
    switch (what) {
    case CT_SURVEY_POSITIVE:
        out->numerator = (ct_wide)scale->positive;
        break;
    case CT_SURVEY_MEAN:
        out->moments = &scale->scores;
        break;
    case CT_SURVEY_NET:
        out->promoters = scale->promoters;
        out->detractors = scale->detractors;
        break;
    case CT_SURVEY_PROMOTERS:
        out->numerator = (ct_wide)scale->promoters;
        break;
    case CT_SURVEY_DETRACTORS:
        out->numerator = (ct_wide)scale->detractors;
        break;
    }
    return true;
}

const struct ct_metric ct_metric_satisfaction = {
    .name = "satisfaction", .state_bytes = sizeof(struct ct_satisfaction), .fold = fold, .merge = merge};
