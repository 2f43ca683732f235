/* zones.c - reads zones for parsers and for the days of the live tap. See zones.h. */
#include "cli/zones.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/input.h"

enum { ZONE_BYTES_MAX = 1 << 20, ZONE_NAME_MAX = 100 };

bool ct_zone_needs_file(ct_span name)
{
    return name.len && memchr(name.at, '/', name.len) && name.len <= ZONE_NAME_MAX &&
           !memmem(name.at, name.len, "..", 2) && name.at[0] != '/' && !memchr(name.at, '\0', name.len);
}

char *ct_zone_file(ct_span name, size_t *len, struct ct_error *err)
{
    char path[160];
    (void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", (int)name.len, name.at);
    char *bytes = ct_zone_needs_file(name) ? ct_file_read(path, ZONE_BYTES_MAX, len, err) : NULL;
    if (!bytes) {
        (void)ct_error_set(err, CT_BAD_CONFIG,
                           "time zone \"%.*s\" is not known here (no %s): install tzdata, or give an offset such "
                           "as +02:00",
                           (int)name.len, name.at, path);
    }
    return bytes;
}

enum ct_status ct_zone_open(ct_span name, struct ct_zone *zone, struct ct_error *err)
{
    size_t len = 0;
    char *tzif = NULL;
    if (ct_zone_needs_file(name) && !(tzif = ct_zone_file(name, &len, err))) {
        return CT_BAD_CONFIG;
    }
    enum ct_status status =
        ct_zone_init(zone, ct_span_is(name, "UTC") ? CT_SPAN_NONE : name, (ct_span){tzif, len}, err);
    free(tzif);
    return status;
}
