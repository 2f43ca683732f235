/* satisfaction.c - counts survey answers by scale. The head scale is the one with the most answers. */
#include "metrics/satisfaction.h"

#include "metrics/account.h"

static void scale_merge(void *entry, const void *other, int sign)
{
    struct ct_scale *s = entry;
    const struct ct_scale *o = other;
    uint64_t by = ct_metric_by(sign);
    ct_moments_merge(&s->scores, &o->scores, sign);
    s->positive += by * o->positive;
    s->top += by * o->top;
    s->easy += by * o->easy;
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

/* "1-5", "1-5 turned", "1-5/2026-01": a question that runs the other way, or another version of it, is another. */
static ct_span key_of(const struct ct_score *score, ct_span version, char *key, size_t room)
{
    size_t len = ct_wide_format(score->scale_min, key);
    key[len++] = '-';
    len += ct_wide_format(score->scale_max, key + len);
    if (score->turned) {
        memcpy(key + len, " turned", 7);
        len += 7;
    }
    if (version.len) {
        size_t most = room - len - 1;
        key[len++] = '/';
        memcpy(key + len, version.at, version.len < most ? version.len : most);
        len += version.len < most ? version.len : most;
    }
    return (ct_span){key, len};
}

static void fold_score(struct ct_survey *survey, enum ct_score_kind kind, const struct ct_score *score, ct_span version)
{
    if (!usable(kind, score)) {
        survey->unusable++;
        return;
    }
    char text[256];
    ct_span key = key_of(score, kind == CT_SCORE_CSS ? version : CT_SPAN_NONE, text, sizeof text);
    struct ct_scale *scale = ct_keyed_at(&scales, survey->scale, &survey->count, &survey->other, key);
    int64_t value = ct_score_usual(score);
    ct_moments_add(&scale->scores, value);
    scale->positive += ct_score_positive(score);
    scale->top += value == score->scale_max;
    scale->easy += 2 * value < (int64_t)score->scale_min + score->scale_max;
    if (kind == CT_SCORE_NPS) {
        scale->promoters += value >= 9;
        scale->detractors += value <= 6;
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
            fold_score(&s->survey[kind], (enum ct_score_kind)kind, score, CT_SPAN_NONE);
        }
    }
}

bool ct_survey_score(const struct ct_business *event, const struct ct_terms *terms, enum ct_score_kind *kind,
                     struct ct_score *score)
{
    const struct ct_business_numbers *n = &event->numbers;
    ct_span name = ct_business_text(event, CT_BUSINESS_NAME);
    int32_t low, high;
    *kind = CT_SCORE_CSAT;
    *score = (struct ct_score){.present = false};
    if (n->score == CT_BUSINESS_NUMBER_NONE || (name.len && !ct_score_kind_from(name, kind))) {
        return false;
    }
    ct_score_kind_scale(*kind, &low, &high);
    int64_t min = n->scale_min != CT_BUSINESS_NUMBER_NONE ? n->scale_min : low;
    int64_t max = n->scale_max != CT_BUSINESS_NUMBER_NONE ? n->scale_max : high;
    if (n->score < INT32_MIN || n->score > INT32_MAX || min < INT32_MIN || min > INT32_MAX || max < INT32_MIN ||
        max > INT32_MAX) {
        min = max = 0; /* off any scale: counted as such */
    } else {
        score->value = (int32_t)n->score;
    }
    score->present = true;
    score->scale_min = (int32_t)min;
    score->scale_max = (int32_t)max;
    score->positive_from = (uint8_t)(max == 5 && min == 1 ? terms->csat_positive_of_5
                                     : max == 10          ? terms->csat_positive_of_10
                                                          : 0);
    return true;
}

/* A survey outside the chat, dated by its answer. */
static void fold_event(void *state, const struct ct_business *event, const struct ct_terms *terms)
{
    struct ct_satisfaction *s = state;
    enum ct_score_kind kind;
    struct ct_score score;
    if (event->type == CT_BUSINESS_SURVEY && ct_terms_hold(terms, event->at) &&
        ct_survey_score(event, terms, &kind, &score)) {
        fold_score(&s->survey[kind], kind, &score, ct_business_text(event, CT_BUSINESS_VERSION));
    }
}

static void fold_customer(void *state, const struct ct_customer *customer)
{
    for (size_t i = 0; i < customer->event_count; i++) {
        fold_event(state, customer->events[i], customer->terms);
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

/* "1-5", "0-10 turned": the ends of the scale. */
static void ends_of(const char *key, int64_t *least, int64_t *most)
{
    int64_t ends[2] = {0, 0};
    for (unsigned i = 0; i < 2; i++) {
        for (; *key >= '0' && *key <= '9' && ends[i] < INT32_MAX; key++) {
            ends[i] = 10 * ends[i] + (*key - '0');
        }
        if (i == 0 && *key++ != '-') {
            return; /* begins below 0: the interval is left as it is */
        }
    }
    *least = ends[0];
    *most = ends[1];
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
    case CT_SURVEY_TOP:
        out->numerator = (ct_wide)scale->top;
        break;
    case CT_SURVEY_EASY:
        out->numerator = (ct_wide)scale->easy;
        break;
    case CT_SURVEY_MEAN:
        out->moments = &scale->scores;
        ends_of(scale->key, &out->least, &out->most);
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

const struct ct_metric ct_metric_satisfaction = {.name = "satisfaction",
                                                 .state_bytes = sizeof(struct ct_satisfaction),
                                                 .fold = fold,
                                                 .fold_customer = fold_customer,
                                                 .fold_event = fold_event,
                                                 .merge = merge};
