/* alarm.h - conditions over figures, and what follows from them: alarms that are raised and cleared.
 *
 *   "csat < 70"                       a value: <, <=, >, >=, the amount in the KPI's unit
 *   "time_to_first_value up 20%"      against the period before, relative to it: at least so much; "up > 20%" more
 *   "weekly_active_rate down 10"      the same in the unit's own points
 *   "csat down"                       a real change, by the comparison's test (comparison.h)
 *   "any target missed"               of each KPI that has a target: an alarm of its own each
 *
 * A condition holds, does not hold, or is unknown: no value, too few cases, not compared. What is unknown raises
 * nothing and clears nothing. The same evaluations in the same order give the same book; one that is repeated changes
 * nothing.
 */
#ifndef CT_METRICS_ALARM_H
#define CT_METRICS_ALARM_H

#include "engine/alarm.h"
#include "metrics/kpi.h"

enum ct_alarm_form {
    CT_ALARM_FORM_VALUE,  /* op, micro */
    CT_ALARM_FORM_MOVED,  /* up or down by micro (of the unit, or millionths of a percent) */
    CT_ALARM_FORM_CHANGE, /* up or down, really */
    CT_ALARM_FORM_TARGET  /* any KPI's */
};
enum ct_alarm_op { CT_ALARM_BELOW, CT_ALARM_AT_MOST, CT_ALARM_ABOVE, CT_ALARM_AT_LEAST };

struct ct_alarm_condition {
    const char *text; /* as it was written, for people; outlives the condition */
    enum ct_alarm_form form;
    const struct ct_kpi *kpi; /* NULL = any */
    enum ct_alarm_op op;
    bool up, relative, more; /* of MOVED; more: not the amount itself */
    int64_t micro;
};
/* text stays borrowed. false = `problem` says what is wrong with it. */
#define CT_ALARM_PROBLEM_BYTES 320
CT_MUST_USE bool ct_alarm_condition_from(const char *text, struct ct_alarm_condition *out,
                                         char problem[CT_ALARM_PROBLEM_BYTES]);
/* Have its figures an interval, so that a change can be tested and an amount surely passed? */
bool ct_alarm_has_interval(const struct ct_kpi *kpi);
/* Does it look at the period before? */
bool ct_alarm_condition_compares(const struct ct_alarm_condition *condition);

struct ct_alarm_conditions {
    const struct ct_alarm_condition *at;
    size_t count;
};

/* One alarm of the configuration. Plain, immutable; texts outlive it. */
struct ct_alarm {
    const char *name;
    struct ct_alarm_conditions when;  /* all of them, */
    struct ct_alarm_conditions any;   /* and one of these where there are any */
    struct ct_alarm_conditions clear; /* all of them end it; none: that the others do not hold */
    bool sliced;
    enum ct_slice_field by;
    const char *segment; /* by segment: of this slice alone; NULL = each */
    uint64_t at_least;   /* cases that a figure stands on; 0 = any */
    bool sure;           /* the interval has to lie beyond the amount, not the value alone */
    uint32_t hold;       /* evaluations in a row; at least 1 */
    ct_usec forget_usec; /* nothing known of it for so long ends it */
    enum ct_alarm_severity severity;
    const char *action[CT_LANG_COUNT]; /* NULL = none */
    const char *window;                /* of the live tap: "1m", "5m", "1h", "today", or a span of time "7d" */
    ct_usec window_usec;               /* of a span; 0 = one of those that have a name */
};
/* Whether any of its conditions looks at the period before. */
bool ct_alarm_compares(const struct ct_alarm *alarm);
/* Whether any of them is about a KPI that `needs` says yes to. */
bool ct_alarm_any_kpi(const struct ct_alarm *alarm, bool (*needs)(const struct ct_kpi *kpi));

/* ---- the book: what is kept between evaluations ---- */
#define CT_ALARM_ENTRIES_MAX 2000
#define CT_ALARM_PAST_MAX 200

struct ct_alarm_book {              /* all zero = empty */
    struct ct_alarm_entry *entries; /* by name, slice, KPI */
    size_t count, capacity;
    struct ct_alarm_entry *past; /* cleared ones, newest first, at most CT_ALARM_PAST_MAX */
    size_t past_count;
    uint64_t pass;
    uint64_t full; /* could not be entered any more */
};
void ct_alarm_book_done(struct ct_alarm_book *book);

/* Is told of each entry that was raised or cleared; the entry is valid until it returns. */
struct ct_alarm_ear {
    void *context;
    void (*turned)(void *context, const struct ct_alarm_entry *entry);
};
/* One evaluation of one alarm at the moment `at`: of the whole, or of the slices, which are those of its `by`. An entry
 * that was judged later than that stays as it is. CT_NO_MEMORY. */
enum ct_status ct_alarm_judge(const struct ct_alarm *alarm, const struct ct_block *total, const struct ct_block *slices,
                              size_t slice_count, ct_usec at, struct ct_alarm_book *book,
                              const struct ct_alarm_ear *ear) CT_MUST_USE;
/* Entries whose alarm is no longer configured are cleared; the others get its words. For a book that was read from a
 * file. CT_NO_MEMORY. */
enum ct_status ct_alarm_book_settle(struct ct_alarm_book *book, const struct ct_alarm *alarms, size_t count, ct_usec at,
                                    const struct ct_alarm_ear *ear) CT_MUST_USE;
/* Every entry, past ones too, has its words from these alarms, or none where its alarm is not among them, as after a
 * restart: the alarms that the book was judged by before may go. */
void ct_alarm_book_reword(struct ct_alarm_book *book, const struct ct_alarm *alarms, size_t count);
/* A copy behind the entries (past: behind the past ones), as a file has them in order. CT_LIMIT, CT_NO_MEMORY. */
enum ct_status ct_alarm_book_add(struct ct_alarm_book *book, const struct ct_alarm_entry *entry) CT_MUST_USE;
void ct_alarm_book_findings(const struct ct_alarm_book *book, struct ct_alarm_findings *out);

#endif
