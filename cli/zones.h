/* zones.h - time zones as the machine's tz database has them. */
#ifndef CT_ZONES_H
#define CT_ZONES_H

#include "engine/ct.h"

/* The TZif bytes of an IANA zone ("Europe/Madrid"): heap, free() it. NULL = *err says so, and what to do. */
char *ct_zone_file(ct_span name, size_t *len, struct ct_error *err);
/* Does a format's option name such a zone ("UTC" and offsets need no file)? */
bool ct_zone_needs_file(ct_span name);
/* How far east of UTC the zone is at `now`. */
enum ct_status ct_zone_offset_at(ct_span name, ct_usec now, ct_usec *offset, struct ct_error *err) CT_MUST_USE;

#endif
