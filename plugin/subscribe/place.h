/* place.h - a URL taken apart: where a connection goes to, and what is asked for there. Private to plugin/subscribe. */
#ifndef CT_PLACE_H
#define CT_PLACE_H

#include "engine/ct.h"

#define CT_PLACE_PATH_MAX 4096 /* a Direct Line stream's URL carries a token */

struct ct_place {
    bool tls;
    char host[256];               /* without brackets */
    char port[6];                 /* "443" */
    char authority[270];          /* as the Host header has it: "[::1]:8080", without a port that is the scheme's own */
    char path[CT_PLACE_PATH_MAX]; /* "/cable?x=1": begins with '/', holds the query, no fragment */
};

/* ws, wss, http or https (in any case), host or [IPv6], port, path, query; a fragment is left out. False: no such URL,
 * one with a user or a password in it, with spaces or control characters, or too long; *out is then undefined. */
bool ct_place_read(ct_span url, struct ct_place *out) CT_MUST_USE;
/* Appends "name=value" to the query, '?' or '&' before it; the value's bytes are escaped where a query does not take
 * them. False: too long, and the path as it was. */
bool ct_place_query(struct ct_place *place, const char *name, ct_span value) CT_MUST_USE;
/* Appends "/name" to the path (which has no query), escaped; one '/' at the path's end is replaced. False: too long. */
bool ct_place_below(struct ct_place *place, ct_span name) CT_MUST_USE;

#endif
