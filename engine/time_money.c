/* time_money.c - the two notations that must never pass through a binary float: RFC 3339 times and decimal
 * amounts. Used by parsers (reading) and sinks (writing). */
#include "engine/ct.h"

#include <stdio.h>

/* Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

/* Two digits; anything else leaves its mark in *bad, which is looked at once for the whole time: a million messages
 * have a million times. */
static inline unsigned two_digits(const char *at, unsigned *bad)
{
    unsigned tens = (unsigned)(unsigned char)at[0] - '0', ones = (unsigned)(unsigned char)at[1] - '0';
    *bad |= (tens > 9) | (ones > 9);
    return tens * 10 + ones;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool ct_time_parse(ct_span text, ct_usec *out)
{
    const char *at = text.at, *end = text.at + text.len;
    unsigned bad = 0;
    if (text.len < 19 || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != 't' && at[10] != ' ') ||
        at[13] != ':' || at[16] != ':') {
        return false;
    }
    unsigned year = two_digits(at, &bad) * 100 + two_digits(at + 2, &bad);
    unsigned month = two_digits(at + 5, &bad), day = two_digits(at + 8, &bad), hour = two_digits(at + 11, &bad);
    unsigned minute = two_digits(at + 14, &bad), second = two_digits(at + 17, &bad);
    if (bad) {
        return false;
    }
    /* A leap second is folded into the next second, as POSIX time does. */
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 60) {
        return false;
    }
    at += 19;
    int64_t fraction = 0;
    if (at < end && (*at == '.' || *at == ',')) {
        int count = 0;
        int64_t scale = 100000;
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, count++) {
            fraction += (*at - '0') * scale;
            scale /= 10;
        }
        if (count < 1 || count > 9) {
            return false;
        }
    }
    int64_t offset_minutes = 0;
    if (at < end && (*at == 'Z' || *at == 'z')) {
        at++;
    } else if (at < end && (*at == '+' || *at == '-')) {
        bool west = *at == '-';
        unsigned offset_hour, offset_minute = 0;
        at++;
        if (end - at < 2) {
            return false;
        }
        offset_hour = two_digits(at, &bad);
        at += 2;
        if (at < end && *at == ':') {
            at++;
        }
        if (at < end) {
            if (end - at < 2) {
                return false;
            }
            offset_minute = two_digits(at, &bad);
            at += 2;
        }
        if (bad || offset_hour > 23 || offset_minute > 59) {
            return false;
        }
        offset_minutes = (int64_t)offset_hour * 60 + offset_minute;
        if (west) {
            offset_minutes = -offset_minutes;
        }
    }
    if (at != end) {
        return false;
    }
    int64_t seconds = days_from_civil(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second -
                      offset_minutes * 60;
    *out = seconds * CT_USEC_PER_SECOND + fraction;
    return true;
}

static char *put_digits(char *out, uint64_t value, int places)
{
    for (int i = places; i-- > 0; value /= 10) {
        out[i] = (char)('0' + value % 10);
    }
    return out + places;
}

size_t ct_time_format(ct_usec ts, char *out)
{
    int64_t seconds = ts / CT_USEC_PER_SECOND, micro = ts % CT_USEC_PER_SECOND;
    if (micro < 0) {
        micro += CT_USEC_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    /* civil_from_days, same source as above */
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * shifted + 2) / 5 + 1, month = shifted < 10 ? shifted + 3 : shifted - 9;
    int64_t year = (int64_t)year_of_era + era * 400 + (month <= 2);
    if (year < 0 || year > 9999) { /* nothing a transcript can mean; never written wider than the buffer */
        year = year < 0 ? 0 : 9999;
    }
    const struct {
        int64_t value;
        int places;
        char after;
    } parts[] = {{year, 4, '-'},        {month, 2, '-'},          {day, 2, 'T'},
                 {rest / 3600, 2, ':'}, {rest / 60 % 60, 2, ':'}, {rest % 60, 2, '.'}};
    char *at = out;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        at = put_digits(at, (uint64_t)parts[i].value, parts[i].places);
        *at++ = parts[i].after;
    }
    if (micro % 1000) {
        at = put_digits(at, (uint64_t)micro, 6);
    } else if (micro) {
        at = put_digits(at, (uint64_t)micro / 1000, 3);
    } else {
        at--; /* no point */
    }
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

bool ct_money_parse(ct_span text, ct_nano *out)
{
    const char *at = text.at, *end = text.at + text.len;
    bool negative = false;
    if (at < end && (*at == '-' || *at == '+')) {
        negative = *at++ == '-';
    }
    /* Up to 40 significant digits are kept as they are; the decimal point and the exponent only move `point`. */
    unsigned char figures[40];
    int count = 0, point = 0;
    bool seen_point = false, seen_digit = false, dropped = false;
    for (; at < end; at++) {
        if (*at == '.') {
            if (seen_point) {
                return false;
            }
            seen_point = true;
        } else if (*at >= '0' && *at <= '9') {
            seen_digit = true;
            if (count == 0 && *at == '0') { /* leading zero: no figure, but a place behind the point */
                point -= seen_point;
                continue;
            }
            if (count < (int)sizeof figures) {
                figures[count++] = (unsigned char)(*at - '0');
            } else {
                dropped |= *at != '0';
            }
            if (!seen_point) {
                if (++point > 1000) {
                    return false;
                }
            }
        } else {
            break;
        }
    }
    if (!seen_digit) {
        return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        int sign = 1, exponent = 0;
        at++;
        if (at < end && (*at == '-' || *at == '+')) {
            sign = *at++ == '-' ? -1 : 1;
        }
        if (at == end) {
            return false;
        }
        for (; at < end && *at >= '0' && *at <= '9'; at++) {
            exponent = exponent > 1000 ? 1000 : exponent * 10 + (*at - '0');
        }
        point += sign * exponent;
    }
    if (at != end) {
        return false;
    }
    int keep = point + 9; /* figures that make whole nano-units */
    int64_t value = 0;
    for (int i = 0; i < keep; i++) {
        if (i >= count && value == 0) {
            break;
        }
        int64_t digit = i < count ? figures[i] : 0;
        if (__builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    if (keep >= 0 && keep < count) { /* round half to even */
        bool beyond = dropped;
        for (int i = keep + 1; i < count; i++) {
            beyond |= figures[i] != 0;
        }
        if (figures[keep] > 5 || (figures[keep] == 5 && (beyond || (value & 1)))) {
            if (__builtin_add_overflow(value, (int64_t)1, &value)) {
                return false;
            }
        }
    }
    *out = negative ? -value : value;
    return true;
}

size_t ct_money_format(ct_nano amount, char *out)
{
    uint64_t size = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
    int length =
        snprintf(out, 32, "%s%llu", amount < 0 ? "-" : "", (unsigned long long)(size / (uint64_t)CT_NANO_PER_UNIT));
    uint64_t fraction = size % (uint64_t)CT_NANO_PER_UNIT;
    if (fraction) {
        int places = 9;
        while (fraction % 10 == 0) {
            fraction /= 10;
            places--;
        }
        length += snprintf(out + length, 32 - (size_t)length, ".%0*llu", places, (unsigned long long)fraction);
    }
    return (size_t)length;
}
