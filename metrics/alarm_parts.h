/* alarm_parts.h - what alarm.c says to alarm_book.c. Private to the two. */
#ifndef CT_ALARM_PARTS_H
#define CT_ALARM_PARTS_H

#include "metrics/alarm.h"

enum ct_alarm_truth { CT_ALARM_FALSE, CT_ALARM_UNKNOWN, CT_ALARM_TRUE };

/* What one evaluation said of one entry. */
struct ct_alarm_said {
    enum ct_alarm_truth holds, over; /* over: it is to be cleared, if it was raised */
    const struct ct_alarm_reading *readings;
    unsigned reading_count;
};

/* `first` and `second` one after the other, cut where there is no room. */
void ct_alarm_text(char *out, size_t room, const char *first, const char *second);
/* slice NULL = of the whole. CT_NO_MEMORY. */
enum ct_status ct_alarm_book_take(struct ct_alarm_book *book, const struct ct_alarm *alarm,
                                  const struct ct_block *slice, const char *kpi, const struct ct_alarm_said *said,
                                  ct_usec at, const struct ct_alarm_ear *ear) CT_MUST_USE;
/* The alarm's entries that this pass said nothing of: their slice has gone. */
enum ct_status ct_alarm_book_unseen(struct ct_alarm_book *book, const struct ct_alarm *alarm, ct_usec at,
                                    const struct ct_alarm_ear *ear) CT_MUST_USE;

#endif
