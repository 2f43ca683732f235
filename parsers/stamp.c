/* stamp.c - one reader for the times of text and CSV files. */
#include "parsers/stamp.h"

/* "Z" or "+01:00", "+0100", "+01" at the beginning, ended by something that is no digit. 0 = none. */
static size_t offset_bytes(ct_span text, int64_t *seconds)
{
    if (text.len && (text.at[0] == 'Z' || text.at[0] == 'z')) {
        *seconds = 0;
        return 1;
    }
    if (text.len < 3 || (text.at[0] != '+' && text.at[0] != '-')) {
        return 0;
    }
    int digits[4] = {0, 0, 0, 0};
    size_t at = 1, count = 0;
    while (at < text.len && count < 4) {
        if (text.at[at] == ':' && count == 2) {
            at++;
            continue;
        }
        if (text.at[at] < '0' || text.at[at] > '9') {
            break;
        }
        digits[count++] = text.at[at++] - '0';
    }
    int hour = digits[0] * 10 + digits[1], minute = digits[2] * 10 + digits[3];
    if ((count != 2 && count != 4) || hour > 23 || minute > 59 || text.at[at - 1] == ':' ||
        (at < text.len && text.at[at] >= '0' && text.at[at] <= '9')) {
        return 0;
    }
    *seconds = (text.at[0] == '-' ? -1 : 1) * ((int64_t)hour * 3600 + (int64_t)minute * 60);
    return at;
}

enum ct_stamp ct_stamp_read(ct_span text, enum ct_date_order order, const struct ct_zone *zone, size_t *used,
                            ct_usec *out)
{
    struct ct_local_time time;
    bool date_only = false;
    *used = ct_local_scan(text, &time, &date_only);
    if (*used == 0) {
        return CT_STAMP_NONE;
    }
    if (date_only) {
        return CT_STAMP_DATE_ONLY;
    }
    int64_t local = 0, offset = 0;
    switch (ct_local_resolve(&time, order, &local)) {
    case CT_LOCAL_BAD:
        return CT_STAMP_BAD;
    case CT_LOCAL_AMBIGUOUS:
        return CT_STAMP_AMBIGUOUS;
    case CT_LOCAL_OK:
        break;
    }
    ct_span rest = {text.at + *used, text.len - *used};
    size_t space = ct_space_bytes(rest); /* "10:00:00 +0100", but not the dash of "10:00 - Ana" */
    size_t bytes = offset_bytes((ct_span){rest.at + space, rest.len - space}, &offset);
    if (bytes && (space == 0 || bytes > 3)) {
        *used += space + bytes;
        *out = (local - offset) * CT_USEC_PER_SECOND + time.micro;
    } else {
        *out = ct_zone_to_utc(zone, local) * CT_USEC_PER_SECOND + time.micro;
    }
    return CT_STAMP_OK;
}

bool ct_stamp_epoch(ct_span text, ct_usec *out)
{
    int64_t value = 0, fraction = 0, scale = 100000;
    size_t at = 0;
    while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9' && at < 17) {
        value = value * 10 + (text.at[at++] - '0');
    }
    size_t digits = at;
    if (at + 1 < text.len && text.at[at] == '.') {
        for (at++; at < text.len && text.at[at] >= '0' && text.at[at] <= '9'; at++) {
            fraction += (text.at[at] - '0') * scale;
            scale /= 10;
        }
    }
    if (at != text.len || digits < 9) {
        return false;
    }
    if (value < 100000000) {
        return false;
    }
    if (value < INT64_C(100000000000)) {
        *out = value * CT_USEC_PER_SECOND + fraction;
    } else if (value < INT64_C(100000000000000)) {
        *out = value * 1000 + fraction / 1000;
    } else {
        *out = value;
    }
    return true;
}
