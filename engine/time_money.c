/* time_money.c - the two notations that must never pass through a binary float: RFC 3339 times and decimal
 * amounts. Used by parsers (reading) and sinks (writing). */
#include "engine/ct.h"

#include "engine/digits.h"
#include "engine/load.h"

/* Days since 1970-01-01 of a proleptic Gregorian date, of the years 0 to 9999: years count from March, so that the day
 * that a leap year has more is its last one (H. Hinnant, "chrono-compatible low-level date algorithms"), and from 400
 * years before, so that nothing is negative. */
static int64_t days_from_civil(unsigned year, unsigned month, unsigned day)
{
    static const uint16_t before[] = {0, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275}; /* days, by month */
    unsigned years = year + 400 - (month <= 2), centuries = years / 100;
    unsigned days = years * 365 + years / 4 - centuries + centuries / 4 + before[month] + day - 1;
    return (int64_t)days - (719468 + 146097);
}

/* Two digits; anything else leaves its mark in *bad. */
static inline unsigned two_digits(const char *at, unsigned *bad)
{
    unsigned tens = (unsigned)(unsigned char)at[0] - '0', ones = (unsigned)(unsigned char)at[1] - '0';
    *bad |= (tens > 9) | (ones > 9);
    return tens * 10 + ones;
}

/* Of eight bytes the digits, those that `among` has: each with the next one as a number in the first one's place. What
 * is no digit leaves its mark in *bad. */
static inline uint64_t digit_pairs(uint64_t bytes, uint64_t among, uint64_t *bad)
{
    uint64_t digits = (bytes ^ 0x3030303030303030) & among;
    *bad |= ((digits + 0x0606060606060606) | digits) & 0xF0F0F0F0F0F0F0F0;
    return digits * 10 + (digits >> 8);
}

static inline unsigned pair_at(uint64_t pairs, unsigned place)
{
    return (unsigned)(pairs >> place * 8 & 0xFF);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Behind the seconds: a fraction, which is cut to microseconds, and an offset; either may be missing. */
static bool parse_fraction_and_offset(const char *at, const char *end, int64_t *fraction, int64_t *offset_minutes)
{
    unsigned bad = 0;
    if (at < end && (*at == '.' || *at == ',')) {
        int count = 0;
        int64_t scale = 100000;
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, count++) {
            *fraction += (*at - '0') * scale;
            scale /= 10;
        }
        if (count < 1 || count > 9) {
            return false;
        }
    }
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
        *offset_minutes = (int64_t)offset_hour * 60 + offset_minute;
        if (west) {
            *offset_minutes = -*offset_minutes;
        }
    }
    return at == end;
}

bool ct_time_parse(ct_span text, ct_usec *out)
{
    const char *at = text.at;
    if (text.len < 19 || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != 't' && at[10] != ' ') ||
        at[13] != ':' || at[16] != ':') {
        return false;
    }
    /* "YYYY-MM-" and "DDThh:mm", a word each. */
    uint64_t wrong = 0;
    uint64_t date = digit_pairs(ct_load_64(at), 0x00FFFF00FFFFFFFF, &wrong);
    uint64_t hours = digit_pairs(ct_load_64(at + 8), 0xFFFF00FFFF00FFFF, &wrong);
    unsigned year = pair_at(date, 0) * 100 + pair_at(date, 2), month = pair_at(date, 5);
    unsigned day = pair_at(hours, 0), hour = pair_at(hours, 3), minute = pair_at(hours, 6), second;
    int64_t fraction = 0, offset_minutes = 0;
    if (text.len == 24 && at[19] == '.' && at[23] == 'Z') { /* ":ss.fffZ", as most programs write it */
        uint64_t rest = digit_pairs(ct_load_64(at + 16), 0x00FFFFFF00FFFF00, &wrong);
        second = pair_at(rest, 1);
        fraction = (int64_t)(pair_at(rest, 4) * 10 + (unsigned)(at[22] - '0')) * 1000;
    } else {
        unsigned bad = 0;
        second = two_digits(at + 17, &bad);
        wrong |= bad;
        if (!parse_fraction_and_offset(at + 19, at + text.len, &fraction, &offset_minutes)) {
            return false;
        }
    }
    /* A leap second is folded into the next second, as POSIX time does. */
    if (wrong || month < 1 || month > 12 || day < 1 || (day > 28 && day > days_in_month(year, month)) || hour > 23 ||
        minute > 59 || second > 60) {
        return false;
    }
    int64_t seconds = days_from_civil(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second -
                      offset_minutes * 60;
    *out = seconds * CT_USEC_PER_SECOND + fraction;
    return true;
}

static char *put_part(char *out, int64_t value, unsigned places, char after)
{
    out = ct_digits_fill(out, (uint64_t)value, places);
    *out = after;
    return out + 1;
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
    char *at = put_part(out, year, 4, '-');
    at = put_part(at, month, 2, '-');
    at = put_part(at, day, 2, 'T');
    at = put_part(at, rest / 3600, 2, ':');
    at = put_part(at, rest / 60 % 60, 2, ':');
    at = put_part(at, rest % 60, 2, '.');
    if (micro % 1000) {
        at = ct_digits_fill(at, (uint64_t)micro, 6);
    } else if (micro) {
        at = ct_digits_fill(at, (uint64_t)micro / 1000, 3);
    } else {
        at--; /* no point */
    }
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

/* At most 18 digits and a point, nine of them behind it, as prices are written; false = look closer. */
static bool parse_plain_money(ct_span text, ct_nano *out)
{
    static const int32_t units[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    const char *at = text.at, *end = text.at + text.len, *point = NULL;
    int64_t value = 0;
    for (; at < end && text.len <= 18; at++) {
        if (*at >= '0' && *at <= '9') {
            value = value * 10 + (*at - '0');
        } else if (*at == '.' && point == NULL) {
            point = at;
        } else {
            break;
        }
    }
    size_t places = point ? (size_t)(end - point) - 1 : 0;
    if (at != end || text.len == (point != NULL) || places > 9 ||
        __builtin_mul_overflow(value, (int64_t)units[places], &value)) {
        return false;
    }
    *out = value;
    return true;
}

bool ct_money_parse(ct_span text, ct_nano *out)
{
    if (parse_plain_money(text, out)) {
        return true;
    }
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
    uint64_t fraction = size % (uint64_t)CT_NANO_PER_UNIT;
    char *at = out;
    if (amount < 0) {
        *at++ = '-';
    }
    at = ct_digits_put(at, size / (uint64_t)CT_NANO_PER_UNIT);
    if (fraction) {
        *at++ = '.';
        at = ct_digits_fill(at, fraction, 9);
        while (at[-1] == '0') {
            at--;
        }
    }
    *at = '\0';
    return (size_t)(at - out);
}
