/* zones.c - reads zones for parsers and for the live windows' "today". See zones.h. */
#include "cli/zones.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/input.h"
#include "engine/zone.h"

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

enum ct_status ct_zone_offset_at(ct_span name, ct_usec now, ct_usec *offset, struct ct_error *err)
{
    struct ct_zone zone;
    size_t len = 0;
    char *tzif = NULL;
    if (ct_zone_needs_file(name) && !(tzif = ct_zone_file(name, &len, err))) {
        return CT_BAD_CONFIG;
    }
    enum ct_status status =
        ct_zone_init(&zone, ct_span_is(name, "UTC") ? CT_SPAN_NONE : name, (ct_span){tzif, len}, err);
    free(tzif);
    if (status == CT_OK) {
        *offset = ct_zone_offset(&zone, now / CT_USEC_PER_SECOND) * CT_USEC_PER_SECOND;
        ct_zone_done(&zone);
    }
    return status;
}
