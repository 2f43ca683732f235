/* stamp.h - a written point in time to UTC: RFC 3339, or a local date and time with a zone and an order of the date.
 * Called by text.c and csv.c.
 */
#ifndef CT_STAMP_H
#define CT_STAMP_H

#include "engine/zone.h"
#include "parsers/localtime.h"

enum ct_stamp {
    CT_STAMP_NONE, /* no date and time here */
    CT_STAMP_OK,
    CT_STAMP_BAD,       /* it looks like one and does not exist */
    CT_STAMP_AMBIGUOUS, /* day or month first? */
    CT_STAMP_DATE_ONLY  /* a date without a time */
};

/* Reads from the beginning of `text`; *used = its bytes (0 for NONE). An offset in the text ("Z", "+01:00") outranks
 * the zone. */
enum ct_stamp ct_stamp_read(ct_span text, enum ct_date_order order, const struct ct_zone *zone, size_t *used,
                            ct_usec *out);
/* Epoch seconds, milliseconds or microseconds, told apart by size (1973 to 5138); seconds may have a fraction.
 * false = not such a number. */
CT_MUST_USE bool ct_stamp_epoch(ct_span text, ct_usec *out);

#endif
