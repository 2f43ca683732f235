/* zone.c - reads TZif (RFC 8536, versions 1 to 4) and POSIX TZ footers, and maps local time to UTC. */
#include "engine/zone.h"

#include "engine/calendar.h"

#include <stdlib.h>

enum { TZIF_HEADER_BYTES = 44, TZIF_MAX_BYTES = 1 << 20, TZIF_TYPE_BYTES = 6 };

/* ---- POSIX TZ string: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, char expected)
{
    if (c->at < c->end && *c->at == expected) {
        c->at++;
        return true;
    }
    return false;
}

static bool take_number(struct cursor *c, int max, int *out)
{
    int value = 0;
    const char *begin = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && value <= max) {
        value = value * 10 + (*c->at++ - '0');
    }
    *out = value;
    return c->at > begin && value <= max;
}

/* [+-]hh[:mm[:ss]]; hours up to 167 (RFC 8536 3.3.1). */
static bool take_clock(struct cursor *c, int64_t *out)
{
    int sign = take(c, '-') ? -1 : (take(c, '+'), 1);
    int hour = 0, minute = 0, second = 0;
    if (!take_number(c, 167, &hour)) {
        return false;
    }
    if (take(c, ':') && (!take_number(c, 59, &minute) || (take(c, ':') && !take_number(c, 59, &second)))) {
        return false;
    }
    *out = sign * ((int64_t)hour * 3600 + (int64_t)minute * 60 + second);
    return true;
}

static bool take_abbreviation(struct cursor *c)
{
    const char *begin = c->at;
    if (take(c, '<')) {
        while (c->at < c->end && *c->at != '>') {
            c->at++;
        }
        return take(c, '>');
    }
    while (c->at < c->end && ((*c->at >= 'a' && *c->at <= 'z') || (*c->at >= 'A' && *c->at <= 'Z'))) {
        c->at++;
    }
    return c->at - begin >= 3;
}

static bool take_rule(struct cursor *c, struct ct_zone_rule *rule)
{
    *rule = (struct ct_zone_rule){.kind = '0', .at_seconds = 7200};
    if (take(c, 'M')) {
        rule->kind = 'M';
        if (!take_number(c, 12, &rule->month) || !take(c, '.') || !take_number(c, 5, &rule->week) || !take(c, '.') ||
            !take_number(c, 6, &rule->weekday) || rule->month < 1 || rule->week < 1) {
            return false;
        }
    } else {
        if (take(c, 'J')) {
            rule->kind = 'J';
        }
        if (!take_number(c, 365, &rule->day) || (rule->kind == 'J' && rule->day < 1)) {
            return false;
        }
    }
    return !take(c, '/') || take_clock(c, &rule->at_seconds);
}

static bool parse_footer(ct_span text, struct ct_zone *zone)
{
    struct cursor c = {text.at, text.at + text.len};
    int64_t west = 0;
    if (!take_abbreviation(&c) || !take_clock(&c, &west)) {
        return false;
    }
    zone->offset = -west;
    if (c.at == c.end) {
        return true;
    }
    zone->has_dst = true;
    zone->dst_offset = zone->offset + 3600;
    if (!take_abbreviation(&c)) {
        return false;
    }
    if (c.at < c.end && *c.at != ',') {
        if (!take_clock(&c, &west)) {
            return false;
        }
        zone->dst_offset = -west;
    }
    return take(&c, ',') && take_rule(&c, &zone->begin) && take(&c, ',') && take_rule(&c, &zone->end) && c.at == c.end;
}

/* Local seconds at which the rule's change happens in `year`. */
static int64_t rule_seconds(const struct ct_zone_rule *rule, int64_t year)
{
    int64_t day;
    if (rule->kind == 'M') {
        day = ct_days_from_civil(year, (unsigned)rule->month, 1);
        int weekday = (int)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        int first = (rule->weekday - weekday + 7) % 7, in_month = (int)ct_days_in_month(year, (unsigned)rule->month);
        int offset = first + (rule->week - 1) * 7;
        day += offset >= in_month ? offset - 7 : offset; /* week 5 = the last */
    } else {
        int of_year = rule->kind == 'J' ? rule->day - 1 : rule->day;
        bool leap = ct_days_in_month(year, 2) == 29;
        day = ct_days_from_civil(year, 1, 1) + of_year + (rule->kind == 'J' && leap && of_year >= 59);
    }
    return day * 86400 + rule->at_seconds;
}

/* ---- TZif ---- */

static int64_t read_be(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return bytes == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

struct tzif_counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const unsigned char *at, size_t len, struct tzif_counts *counts)
{
    if (len < TZIF_HEADER_BYTES || memcmp(at, "TZif", 4) != 0) {
        return false;
    }
    uint32_t *fields[] = {&counts->isut, &counts->isstd, &counts->leap, &counts->time, &counts->type, &counts->chars};
    for (size_t i = 0; i < 6; i++) {
        *fields[i] = (uint32_t)read_be(at + 20 + i * 4, 4);
        if (*fields[i] > TZIF_MAX_BYTES) {
            return false;
        }
    }
    return counts->type > 0;
}

static size_t body_bytes(const struct tzif_counts *c, size_t time_bytes)
{
    return c->time * (time_bytes + 1) + (size_t)c->type * TZIF_TYPE_BYTES + c->chars + c->leap * (time_bytes + 4) +
           c->isstd + c->isut;
}

/* Finds the tables in zone->tzif. Only the 64-bit body is used; a version 1 file is widened by nobody today. */
static bool parse_tzif(struct ct_zone *zone, size_t len)
{
    const unsigned char *at = zone->tzif;
    struct tzif_counts counts;
    if (!read_header(at, len, &counts) || at[4] < '2') {
        return false;
    }
    size_t skip = TZIF_HEADER_BYTES + body_bytes(&counts, 4);
    if (skip > len || !read_header(at + skip, len - skip, &counts)) {
        return false;
    }
    at += skip + TZIF_HEADER_BYTES;
    len -= skip + TZIF_HEADER_BYTES;
    size_t body = body_bytes(&counts, 8);
    if (body + 2 > len) {
        return false;
    }
    zone->count = counts.time;
    zone->type_count = counts.type;
    zone->times = at;
    zone->kinds = at + (size_t)counts.time * 8;
    zone->types = zone->kinds + counts.time;
    for (size_t i = 0; i < zone->count; i++) {
        if (zone->kinds[i] >= zone->type_count ||
            (i > 0 && read_be(zone->times + i * 8, 8) <= read_be(zone->times + i * 8 - 8, 8))) {
            return false;
        }
    }
    /* Offsets and times so far out that sums could overflow are not a real zone. */
    for (size_t i = 0; i < zone->type_count; i++) {
        int64_t offset = read_be(zone->types + i * TZIF_TYPE_BYTES, 4);
        if (offset < -180000 || offset > 180000) {
            return false;
        }
    }
    const char *footer = (const char *)at + body;
    len -= body;
    const char *end = footer[0] == '\n' ? memchr(footer + 1, '\n', len - 1) : NULL;
    if (!end) {
        return false;
    }
    if (end > footer + 1) {
        return parse_footer((ct_span){footer + 1, (size_t)(end - footer - 1)}, zone);
    }
    /* No footer: the last type goes on. */
    size_t last = zone->count ? zone->kinds[zone->count - 1] : 0;
    zone->offset = read_be(zone->types + last * TZIF_TYPE_BYTES, 4);
    return true;
}

/* ---- the interface ---- */

static bool parse_fixed(ct_span name, int64_t *offset)
{
    if (name.len == 0 || ct_span_is(name, "UTC") || ct_span_is(name, "Z") || ct_span_is(name, "Etc/UTC")) {
        *offset = 0;
        return true;
    }
    if (name.at[0] != '+' && name.at[0] != '-') {
        return false;
    }
    struct cursor c = {name.at + 1, name.at + name.len};
    int hour = 0, minute = 0;
    if (name.len == 5 && name.at[3] != ':') { /* +0530 */
        int digits = 0;
        if (!take_number(&c, 2359, &digits)) {
            return false;
        }
        hour = digits / 100;
        minute = digits % 100;
    } else if (!take_number(&c, 23, &hour) || (take(&c, ':') && !take_number(&c, 59, &minute))) {
        return false;
    }
    if (c.at != c.end || minute > 59) {
        return false;
    }
    *offset = (name.at[0] == '-' ? -1 : 1) * ((int64_t)hour * 3600 + (int64_t)minute * 60);
    return true;
}

enum ct_status ct_zone_init(struct ct_zone *zone, ct_span name, ct_span tzif, struct ct_error *err)
{
    *zone = (struct ct_zone){.offset = 0};
    if (parse_fixed(name, &zone->offset)) {
        return CT_OK;
    }
    int shown = name.len > 64 ? 64 : (int)name.len;
    if (tzif.len == 0) {
        return ct_error_set(err, CT_BAD_CONFIG,
                            "option zone: \"%.*s\" is not UTC, not an offset like +02:00, and not a zone of this "
                            "system's tz database",
                            shown, name.at);
    }
    if (tzif.len <= TZIF_MAX_BYTES) {
        zone->tzif = malloc(tzif.len);
        if (!zone->tzif) {
            return ct_error_set(err, CT_NO_MEMORY, "out of memory");
        }
        memcpy(zone->tzif, tzif.at, tzif.len);
        if (parse_tzif(zone, tzif.len)) {
            return CT_OK;
        }
    }
    ct_zone_done(zone);
    return ct_error_set(err, CT_BAD_CONFIG, "option zone: the tz database's file for \"%.*s\" is not valid TZif", shown,
                        name.at);
}

void ct_zone_done(struct ct_zone *zone)
{
    free(zone->tzif);
    *zone = (struct ct_zone){.offset = 0};
}

/* A change at UTC `at` from `before` to `after` governs local times up to at + max(before, after): those that come
 * twice and those that never come still take `before`. */
static bool is_before(int64_t local, int64_t at, int64_t before, int64_t after)
{
    return local - (before > after ? before : after) < at;
}

static int64_t footer_offset(const struct ct_zone *zone, int64_t local)
{
    if (!zone->has_dst) {
        return zone->offset;
    }
    int64_t year = ct_year_of_seconds(local), offset = zone->offset;
    int64_t best = INT64_MIN;
    /* The newest change that this local time is not before; last year's are looked at for early January. */
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t begin = rule_seconds(&zone->begin, y) - zone->offset;
        int64_t end = rule_seconds(&zone->end, y) - zone->dst_offset;
        if (begin > best && !is_before(local, begin, zone->offset, zone->dst_offset)) {
            best = begin;
            offset = zone->dst_offset;
        }
        if (end > best && !is_before(local, end, zone->dst_offset, zone->offset)) {
            best = end;
            offset = zone->offset;
        }
    }
    return offset;
}

int64_t ct_zone_to_utc(const struct ct_zone *zone, int64_t local_seconds)
{
    if (!zone->tzif) {
        return local_seconds - zone->offset;
    }
    size_t low = 0, high = zone->count; /* first transition that the local time is before */
    int64_t before = 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        size_t kind_before = mid ? zone->kinds[mid - 1] : 0;
        int64_t offset_before = read_be(zone->types + kind_before * TZIF_TYPE_BYTES, 4);
        int64_t offset_after = read_be(zone->types + (size_t)zone->kinds[mid] * TZIF_TYPE_BYTES, 4);
        if (is_before(local_seconds, read_be(zone->times + mid * 8, 8), offset_before, offset_after)) {
            high = mid;
            before = offset_before;
        } else {
            low = mid + 1;
        }
    }
    return local_seconds - (low < zone->count ? before : footer_offset(zone, local_seconds));
}

int64_t ct_zone_offset(const struct ct_zone *zone, int64_t utc_seconds)
{
    if (!zone || !zone->tzif) {
        return zone ? zone->offset : 0;
    }
    size_t low = 0, high = zone->count; /* the first transition after it */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (read_be(zone->times + mid * 8, 8) > utc_seconds) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    if (low < zone->count) {
        size_t kind = low ? zone->kinds[low - 1] : 0;
        return read_be(zone->types + kind * TZIF_TYPE_BYTES, 4);
    }
    if (!zone->has_dst) {
        return zone->offset;
    }
    int64_t year = ct_year_of_seconds(utc_seconds), offset = zone->offset, best = INT64_MIN;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t begin = rule_seconds(&zone->begin, y) - zone->offset;
        int64_t end = rule_seconds(&zone->end, y) - zone->dst_offset;
        if (begin > best && begin <= utc_seconds) {
            best = begin;
            offset = zone->dst_offset;
        }
        if (end > best && end <= utc_seconds) {
            best = end;
            offset = zone->offset;
        }
    }
    return offset;
}

ct_usec ct_zone_local(const struct ct_zone *zone, ct_usec utc)
{
    int64_t seconds = utc / CT_USEC_PER_SECOND - (utc % CT_USEC_PER_SECOND < 0);
    return utc + ct_zone_offset(zone, seconds) * CT_USEC_PER_SECOND;
}
