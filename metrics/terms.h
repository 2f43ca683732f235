/* terms.h - the terms that figures are counted on, where they can be set: the period, windows, thresholds, weights.
 *
 * Filled by the program from its configuration, read-only while it counts, the same for every thread. What stands here
 * changes figures but no record, so a store keeps nothing of it.
 */
#ifndef CT_TERMS_H
#define CT_TERMS_H

#include "engine/cost.h"
#include "engine/setup.h"
#include "engine/zone.h"

#define CT_RETURN_WINDOW_DEFAULT (7 * CT_USEC_PER_DAY)
#define CT_CHURN_WINDOW_DEFAULT (30 * CT_USEC_PER_DAY)
#define CT_RENEWAL_WINDOW_DEFAULT (30 * CT_USEC_PER_DAY)

/* What the indexes are made of, each with a weight: X(NAME, its key in the configuration, default weight). The weights
 * of an index add up to CT_WEIGHTS_TOTAL, so that an index is in points of 100. */
#define CT_WEIGHTS_TOTAL 100
#define CT_HEALTH_MAP(X)                                                                                               \
    X(USAGE, "usage", 30)       /* use of the product */                                                               \
    X(OUTCOMES, "outcomes", 15) /* goals reached */                                                                    \
    X(SUPPORT, "support", 15)   /* contacts with support */                                                            \
    X(SPEND, "spend", 10)                                                                                              \
    X(SURVEYS, "surveys", 20)                                                                                          \
    X(GROWTH, "growth", 10)
enum ct_health_input {
#define X(name, key, weight) CT_HEALTH_##name,
    CT_HEALTH_MAP(X)
#undef X
        CT_HEALTH_COUNT
};
#define CT_ENGAGEMENT_MAP(X)                                                                                           \
    X(LOYALTY, "loyalty", 50)     /* takes part in the loyalty programme */                                            \
    X(EDUCATION, "education", 50) /* takes part in courses, webinars ... */                                            \
    X(USAGE, "usage", 0)          /* used the product in the week that ends the period */                              \
    X(FEEDBACK, "feedback", 0)    /* answered a survey or gave feedback in the period */                               \
    X(REFERRAL, "referral", 0)    /* referred somebody in the period */
enum ct_engagement_input {
#define X(name, key, weight) CT_ENGAGEMENT_##name,
    CT_ENGAGEMENT_MAP(X)
#undef X
        CT_ENGAGEMENT_COUNT
};

enum ct_usage_interval { CT_USAGE_DAILY, CT_USAGE_WEEKLY, CT_USAGE_MONTHLY };
#define CT_LICENCE_WEEKS 4 /* of which so many with use make a seat one in sustained use: licence_weeks */

/* Which contact of the same customer is one about the same thing? */
enum ct_return_topic {
    CT_RETURN_TOPIC_SAME, /* not one whose topics are known, as this one's are, and none of them the same */
    CT_RETURN_TOPIC_ANY   /* every one */
};

struct ct_answers;   /* answers.h */
struct ct_marks;     /* marks.h */
struct ct_scorecard; /* scorecard.h */
struct ct_bindings;  /* bindings.h */

struct ct_terms {
    ct_usec from, to;                     /* the period of business figures: [from, to); `to` NONE = there is none */
    bool period_given;                    /* was it asked for? Then nothing outside is counted, nor has slices */
    ct_usec as_of;                        /* the moment that figures speak for; NONE = no time is known */
    const struct ct_zone *zone;           /* of hours, days, months; NULL = UTC */
    const struct ct_cost_model *cost;     /* whose monthly fees are shared out (fees.h); NULL = none */
    const struct ct_silence *silence;     /* that ends a conversation; NULL = not known */
    const struct ct_answers *answers;     /* to feedback, where customers' own events do not tell; NULL = not known */
    const struct ct_marks *marks;         /* what people found in conversations; NULL = no marks */
    const struct ct_scorecard *scorecard; /* of the internal quality score; NULL = none */
    const struct ct_bindings *bindings;   /* of the signals that marks and scorecard name; NULL = they name none */
    ct_usec return_window_usec;           /* a customer back within it was not served at first contact */
    unsigned return_topic;                /* enum ct_return_topic */
    uint64_t csat_positive_of_5, csat_positive_of_10; /* surveys outside the chat: positive from there on, on a scale of
                                                         1-5 or one that ends at 10; 0 = above its middle */
    ct_usec churn_window_usec;                        /* ai_influenced_churn: lost within it of a conversation */
    ct_usec renewal_window_usec; /* a renewal that comes no later than this after the due date is one */

    ct_usec onboarding_usec;     /* an account is to be onboarded within it of its start, where no `due` says when */
    uint64_t kickoff_percent;    /* of a checklist's items that have to be done before the kickoff */
    ct_usec activation_usec;     /* a new account is active with */
    uint64_t activation_actions; /* so many key actions within that window */
    ct_usec trial_usec;          /* how long a trial runs that does not say when it ends */
    unsigned usage_interval;     /* enum ct_usage_interval: of the product usage rate's head */
    uint64_t weekly_events;      /* an account with so many actions in a week was active in it */
    uint64_t breadth_modules;    /* an account that uses so many modules uses the product broadly */
    uint64_t licence_weeks;      /* of CT_LICENCE_WEEKS */
    uint8_t health_weights[CT_HEALTH_COUNT], engagement_weights[CT_ENGAGEMENT_COUNT];
};
/* The defaults of everything, no period, no time. */
#define CT_TERMS_WEIGHT(name, key, weight) weight,
#define CT_TERMS_DEFAULT                                                                                               \
    {                                                                                                                  \
        .from = CT_USEC_NONE, .to = CT_USEC_NONE, .as_of = CT_USEC_NONE,                                               \
        .return_window_usec = CT_RETURN_WINDOW_DEFAULT, .churn_window_usec = CT_CHURN_WINDOW_DEFAULT,                  \
        .renewal_window_usec = CT_RENEWAL_WINDOW_DEFAULT, .onboarding_usec = 30 * CT_USEC_PER_DAY,                     \
        .kickoff_percent = 90, .activation_usec = 7 * CT_USEC_PER_DAY, .activation_actions = 3,                        \
        .trial_usec = 30 * CT_USEC_PER_DAY, .usage_interval = CT_USAGE_MONTHLY, .weekly_events = 1,                    \
        .breadth_modules = 3, .licence_weeks = 3, .health_weights = {CT_HEALTH_MAP(CT_TERMS_WEIGHT)},                  \
        .engagement_weights = {                                                                                        \
            CT_ENGAGEMENT_MAP(CT_TERMS_WEIGHT)                                                                         \
        }                                                                                                              \
    }

#endif
