/* satisfaction.h - survey answers: CSAT, NPS, CES, CSS, each scale apart and never mixed; from conversations, and from
 * business events `survey` in the period (dated by the answer).
 *
 * CSAT and CSS: positive = above the middle of the scale, which is 4-5 of 1-5, 6-10 of 1-10 and "yes" of no/yes, or
 * from where the configuration says. NPS: promoters 9-10, detractors up to 6, on 0-10 (1-10 is accepted, and said so by
 * its key). CES: the mean. Of a survey that runs the other way the values are turned round, and its key says so. CSS:
 * the survey's version is part of the key, for the question has to stay the same.
 */
#ifndef CT_SATISFACTION_H
#define CT_SATISFACTION_H

#include "metrics/keyed.h"
#include "metrics/metric.h"
#include "metrics/spread.h"

#define CT_SCALES_MAX 8

struct ct_scale {
    char key[CT_KEY_BYTES];   /* "1-5" */
    struct ct_moments scores; /* points */
    uint64_t positive, promoters, detractors;
    uint64_t top;  /* the highest answer on the scale */
    uint64_t easy; /* below its middle: little effort */
};

struct ct_survey {
    uint32_t count, reserved;
    uint64_t asked, asked_answered; /* conversations that asked; those of them with an answer */
    uint64_t unusable;              /* answers off their scale, or on one that the KPI has no rule for */
    struct ct_scale scale[CT_SCALES_MAX], other;
};

struct ct_satisfaction {
    struct ct_survey survey[CT_SCORE_COUNT];
};
extern const struct ct_metric ct_metric_satisfaction;

enum ct_survey_reading {
    CT_SURVEY_POSITIVE,
    CT_SURVEY_TOP,
    CT_SURVEY_EASY,
    CT_SURVEY_MEAN,
    CT_SURVEY_NET,
    CT_SURVEY_PROMOTERS,
    CT_SURVEY_DETRACTORS
};
/* The answer to a survey outside the chat: its `name` is the kind, "csat" where it says none. false = it has no score,
 * or is of a kind that is not known. */
CT_MUST_USE bool ct_survey_score(const struct ct_business *event, const struct ct_terms *terms,
                                 enum ct_score_kind *kind, struct ct_score *score);
bool ct_survey_read(const struct ct_survey *survey, enum ct_survey_reading what, size_t index, struct ct_reading *out);

#endif
