/* localtime.h - dates and times as people's programs write them ("3/6/18, 1:55 p. m."), and which of the numbers
 * is the day. Called by whatsapp.c, text.c, csv.c.
 */
#ifndef CT_LOCALTIME_H
#define CT_LOCALTIME_H

#include "engine/calendar.h"

enum ct_date_order {
    CT_DATE_UNKNOWN, /* only dates that can be read in one way are accepted */
    CT_DATE_DMY,
    CT_DATE_MDY,
    CT_DATE_YMD
};

/* As written; not yet checked against the calendar. */
struct ct_local_time {
    int field[3];  /* the three numbers of the date, in order */
    int digits[3]; /* how many digits each has */
    int hour, minute, second;
    bool has_second;
    int64_t micro;   /* fraction of a second */
    bool impossible; /* hour 13 p.m., minute 70: it looks like a time and is none */
};

/* Reads `date [,] [klo] time [am|pm]` from the beginning: separators / . - (all alike, "13. 6. 2018." allowed), time
 * separators : . , spaces of any kind (U+00A0, U+202F), T. Returns the bytes read, 0 = no date and time here.
 * `date_only` (may be NULL): a date without a time is accepted and said so. */
size_t ct_local_scan(ct_span text, struct ct_local_time *out, bool *date_only);

enum ct_local_result { CT_LOCAL_OK, CT_LOCAL_BAD, CT_LOCAL_AMBIGUOUS };
/* Seconds of local wall-clock time, as if it were UTC. A four-digit field is the year wherever it stands (first:
 * year-month-day). Two-digit years are 2000-2099. */
enum ct_local_result ct_local_resolve(const struct ct_local_time *time, enum ct_date_order order, int64_t *seconds);

/* What a file's dates say about their order; fed with each date in file order, constant memory. */
struct ct_order_guess {
    uint64_t dates;
    uint64_t impossible[2]; /* as DMY, as MDY: dates that do not exist */
    uint64_t backwards[2];  /* steps back of more than a day */
    int64_t last_day[2];
    bool has_last[2];
    uint64_t differing; /* dates whose two readings differ */
};
void ct_order_feed(struct ct_order_guess *guess, const struct ct_local_time *time);
/* CT_DATE_UNKNOWN = it stays ambiguous. Order: dates that exist in only one reading decide (a tenth of stray ones is
 * tolerated); else the one reading that keeps time from running backwards. */
enum ct_date_order ct_order_decide(const struct ct_order_guess *guess);

/* "dmy", "mdy", "ymd", "" = unknown; false = something else. */
CT_MUST_USE bool ct_order_parse(ct_span text, enum ct_date_order *out);

/* Bytes of one space (ASCII space or tab, U+00A0, U+2009, U+202F) or invisible mark (U+200B-U+200F, U+202A-U+202E,
 * U+2060-U+2069, U+FEFF) at the beginning of the text; 0 = none. */
size_t ct_space_bytes(ct_span text);
size_t ct_mark_bytes(ct_span text);
/* Without spaces and marks at both ends. */
ct_span ct_span_trim(ct_span text);

#endif
