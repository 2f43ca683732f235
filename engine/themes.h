/* themes.h - qualitative feedback as plain memory: what metrics make of it and sinks print. Borrowed texts, whole
 * numbers.
 *
 * A theme is what conversations (and open answers outside of them) of one score band, one sentiment and one topic have
 * in common. Words of customers stand in it only where they were asked for: quotes, and the words of questions.
 */
#ifndef CT_THEMES_H
#define CT_THEMES_H

#include "engine/figure.h"

/* By the conversation's score: CSAT, else CSS, NPS, CES, the first that was given. */
#define CT_BAND_MAP(X)                                                                                                 \
    X(GOOD, "good")     /* positive; 9-10 of NPS; below the middle of CES */                                           \
    X(MIDDLE, "middle") /* in between */                                                                               \
    X(BAD, "bad")       /* below the middle; up to 6 of NPS; above the middle of CES */                                \
    X(NONE, "none")     /* no score */
enum ct_band {
#define X(name, text) CT_BAND_##name,
    CT_BAND_MAP(X)
#undef X
        CT_BAND_COUNT
};

/* Quality scores (scorecards) of conversations: how many have one, and their sum in millionths of a percent. */
struct ct_theme_quality {
    uint64_t n;
    int64_t sum;
};

#define CT_THEME_EXAMPLES 3
struct ct_theme_example {
    ct_span id;    /* of the conversation; of a business event its reference or id */
    ct_span quote; /* its open answer; empty unless quotes were asked for, or without one */
};

struct ct_theme {
    enum ct_band band;
    const char *sentiment;                               /* "positive", "negative", "mixed", "none" */
    ct_span topic;                                       /* what it is about most; empty = not known */
    uint64_t items;                                      /* conversations, and open answers outside */
    uint64_t comments;                                   /* of them with an open answer */
    struct ct_theme_quality quality;                     /* of its conversations */
    struct ct_theme_example examples[CT_THEME_EXAMPLES]; /* with comments first, then by time */
    unsigned example_count;
};

/* Conversations that speak of a topic, and their share of all with a topic or none, against the period before. */
struct ct_theme_topic {
    ct_span topic;
    uint64_t now, before;
    struct ct_change change; /* of the share, in percentage points; NONE = not compared */
};

struct ct_theme_question {
    ct_span words; /* content words in byte order; empty unless they were asked for */
    ct_span topic; /* of the first conversation; empty = not known */
    uint64_t asked, bad;
    struct ct_theme_example examples[CT_THEME_EXAMPLES]; /* that ended badly first, then by time */
    unsigned example_count;
};

enum { CT_THEME_WEEKDAYS = 7, CT_THEME_HOURS = 24 };

/* All of one group (or of everything). Lists: themes by items, topics by conversations, questions by bad, all falling.
 */
struct ct_themes {
    ct_span key;                                       /* of the group */
    uint64_t conversations, conversations_before;      /* engaged */
    uint64_t untimed;                                  /* engaged, at an hour not known */
    struct ct_theme_quality quality;                   /* of the engaged ones */
    uint64_t hours[CT_THEME_WEEKDAYS][CT_THEME_HOURS]; /* engaged conversations by their start; Monday first */
    const struct ct_theme *themes;
    size_t theme_count;
    uint64_t themes_left_out; /* beyond the most that are kept */
    const struct ct_theme_topic *topics;
    size_t topic_count;
    const struct ct_theme_question *questions;
    size_t question_count;
    uint64_t question_kinds; /* different ones */
};

/* Everything that a run has to say of it. */
struct ct_feedback_findings {
    const struct ct_themes *groups; /* the whole first, then by key */
    size_t group_count;
    uint64_t groups_left_out;
    const char *group_by; /* NULL = not grouped */
    bool compared, quotes;
    bool scored;                              /* by a scorecard: there is a quality */
    const struct ct_zone *zone;               /* of the hours; NULL = UTC */
    ct_usec from, to, before_from, before_to; /* CT_USEC_NONE = no period */
};

#endif
