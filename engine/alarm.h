/* alarm.h - alarms as they stand: plain memory that metrics make (metrics/alarm.h), sinks print and the program keeps.
 *
 * A sustained state is one alarm: an entry is there from the first evaluation in which its conditions held until it is
 * cleared; it is raised once and cleared once. What is in it stands in words and whole millionths, so that it can be
 * written to a file and read back as it was.
 */
#ifndef CT_ALARM_H
#define CT_ALARM_H

#include "engine/figure.h"

#define CT_ALARM_SEVERITY_MAP(X) X(INFO, "info") X(WARNING, "warning") X(CRITICAL, "critical")
enum ct_alarm_severity {
#define X(name, text) CT_ALARM_##name,
    CT_ALARM_SEVERITY_MAP(X)
#undef X
        CT_ALARM_SEVERITY_COUNT
};
const char *ct_alarm_severity_text(enum ct_alarm_severity severity);
CT_MUST_USE bool ct_alarm_severity_from(ct_span text, enum ct_alarm_severity *out);

#define CT_ALARM_PHASE_MAP(X)                                                                                          \
    X(HOLDING, "holding") /* its conditions hold, but not yet for so many evaluations as it asks for */                \
    X(RAISED, "raised")                                                                                                \
    X(CLEARED, "cleared") /* was raised, and is over */
enum ct_alarm_phase {
#define X(name, text) CT_ALARM_##name,
    CT_ALARM_PHASE_MAP(X)
#undef X
        CT_ALARM_PHASE_COUNT
};
const char *ct_alarm_phase_text(enum ct_alarm_phase phase);
CT_MUST_USE bool ct_alarm_phase_from(ct_span text, enum ct_alarm_phase *out);

/* Why it was cleared. */
#define CT_ALARM_END_MAP(X)                                                                                            \
    X(NONE, "none")                                                                                                    \
    X(CONDITION, "condition") /* the figures say so */                                                                 \
    X(NO_DATA, "no_data")     /* nothing was known of it for as long as `forget` says */                               \
    X(REMOVED, "removed")     /* the configuration has it no more */
enum ct_alarm_end {
#define X(name, text) CT_ALARM_END_##name,
    CT_ALARM_END_MAP(X)
#undef X
        CT_ALARM_END_COUNT
};
const char *ct_alarm_end_text(enum ct_alarm_end end);
CT_MUST_USE bool ct_alarm_end_from(ct_span text, enum ct_alarm_end *out);

#define CT_ALARM_NAME_BYTES 104 /* all with the NUL */
#define CT_ALARM_BY_BYTES 24
#define CT_ALARM_SLICE_BYTES 72
#define CT_ALARM_KPI_BYTES 64
#define CT_ALARM_CONDITION_BYTES 96
#define CT_ALARM_READINGS_MAX 8
#define CT_ALARM_ID_BYTES 33

/* What a condition looked at. */
struct ct_alarm_reading {
    char condition[CT_ALARM_CONDITION_BYTES]; /* as the configuration has it; of a target ">= 85" in words */
    const struct ct_kpi *kpi;                 /* constant */
    char key[CT_FIGURE_KEY_BYTES];            /* of the figure: "EUR" */
    int64_t value_micro;                      /* millionths of the unit */
    uint64_t n;
    bool has_before; /* the condition looked at the period before, too */
    int64_t before_micro;
};

/* One alarm in one slice, of one KPI where it is about any. */
struct ct_alarm_entry {
    char name[CT_ALARM_NAME_BYTES];
    char by[CT_ALARM_BY_BYTES];       /* "" = of all conversations */
    char slice[CT_ALARM_SLICE_BYTES]; /* key; may be empty in a slice too: records without the field */
    char kpi[CT_ALARM_KPI_BYTES];     /* of "any target missed": which one; else "" */
    enum ct_alarm_severity severity;
    enum ct_alarm_phase phase;
    enum ct_alarm_end end;
    uint32_t held, hold;                                     /* evaluations in a row, of so many that it takes */
    ct_usec since;                                           /* the first of them */
    ct_usec raised_at, cleared_at;                           /* CT_USEC_NONE = not */
    ct_usec judged_at, known_at;                             /* the last evaluation; the last that could say anything */
    struct ct_alarm_reading readings[CT_ALARM_READINGS_MAX]; /* the last that made it so */
    unsigned reading_count;
    uint64_t pass;                     /* of the book: seen in this one */
    const char *action[CT_LANG_COUNT]; /* what to do; borrowed from the configuration, NULL = it says nothing */
};

/* The change of an entry that somebody is told: its id is the same for the same change, so that who gets it twice can
 * drop one. 32 hexadecimal digits. */
void ct_alarm_id(const struct ct_alarm_entry *entry, char out[CT_ALARM_ID_BYTES]);

/* An alarm that could not be evaluated at all. */
struct ct_alarm_unjudged {
    const char *name, *reason[CT_LANG_COUNT];
};

/* What a run says of them. */
struct ct_alarm_findings {
    ct_usec judged_at;
    const struct ct_alarm_entry *entries; /* holding and raised, by name, slice and KPI */
    size_t count;
    const struct ct_alarm_entry *past; /* cleared ones, newest first */
    size_t past_count;
    const struct ct_alarm_unjudged *unjudged;
    size_t unjudged_count;
};

#endif
