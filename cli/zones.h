/* zones.h - time zones as the machine's tz database has them. */
#ifndef CT_ZONES_H
#define CT_ZONES_H

#include "engine/zone.h"

/* The TZif bytes of an IANA zone ("Europe/Madrid"): heap, free() it. NULL = *err says so, and what to do. */
char *ct_zone_file(ct_span name, size_t *len, struct ct_error *err);
/* Does a format's option name such a zone ("UTC" and offsets need no file)? */
bool ct_zone_needs_file(ct_span name);
/* Any zone that a configuration may name; reads its file where it has one. *zone needs ct_zone_done. */
enum ct_status ct_zone_open(ct_span name, struct ct_zone *zone, struct ct_error *err) CT_MUST_USE;

#endif
