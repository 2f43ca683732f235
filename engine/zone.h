/* zone.h - local wall-clock time to UTC, for formats that write times without an offset (exported chats, CSV, logs),
 * and back, for hours, days and months as people count them.
 *
 * A zone is "UTC", a fixed offset ("+02:00"), or an IANA name whose TZif bytes (RFC 8536) the caller read from the
 * system's tz database: nobody here does I/O. Past the last transition of the file its POSIX TZ footer is followed.
 * A local time that came twice (clocks set back) or never (set forward) takes the offset in force before the change.
 * Immutable after init; may be read from any thread. Called by parsers and slices.
 */
#ifndef CT_ZONE_H
#define CT_ZONE_H

#include "engine/ct.h"

/* A day-of-year rule of a POSIX TZ string. */
struct ct_zone_rule {
    char kind;                /* 'M' month.week.weekday, 'J' day 1-365 without leap day, '0' day 0-365 */
    int month, week, weekday; /* M */
    int day;                  /* J, 0 */
    int64_t at_seconds;       /* local time of the change, may be negative or over a day */
};

struct ct_zone {
    int64_t offset; /* seconds east of UTC: the fixed offset, or the footer's standard time */
    bool has_dst;   /* the footer has a summer time */
    int64_t dst_offset;
    struct ct_zone_rule begin, end;
    unsigned char *tzif;                        /* owned copy; NULL for UTC and fixed offsets */
    const unsigned char *times, *kinds, *types; /* in tzif: int64 transitions, type numbers, 6-byte types */
    size_t count, type_count;
};

/* `name` empty = UTC. `tzif` is read for an IANA name only, and copied. On failure *zone needs no _done. */
enum ct_status ct_zone_init(struct ct_zone *zone, ct_span name, ct_span tzif, struct ct_error *err) CT_MUST_USE;
void ct_zone_done(struct ct_zone *zone); /* a zeroed zone is allowed (and is UTC) */
/* Seconds of local wall-clock time (as if it were UTC) to seconds since 1970 UTC. */
int64_t ct_zone_to_utc(const struct ct_zone *zone, int64_t local_seconds);
/* Seconds east of UTC at that moment; NULL = UTC. */
int64_t ct_zone_offset(const struct ct_zone *zone, int64_t utc_seconds);
/* Local wall-clock time, as if it were UTC; NULL = UTC. `utc` is a time, not CT_USEC_NONE. */
ct_usec ct_zone_local(const struct ct_zone *zone, ct_usec utc);

#endif
