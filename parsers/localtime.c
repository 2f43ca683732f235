/* localtime.c - reads written dates and times, and infers the order of day and month over a whole file. */
#include "parsers/localtime.h"

/* ---- spaces and invisible marks ---- */

size_t ct_space_bytes(ct_span text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    if (text.len >= 1 && (at[0] == ' ' || at[0] == '\t')) {
        return 1;
    }
    if (text.len >= 2 && at[0] == 0xC2 && at[1] == 0xA0) {
        return 2;
    }
    if (text.len >= 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xAF || at[2] == 0x89)) {
        return 3;
    }
    return 0;
}

size_t ct_mark_bytes(ct_span text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    if (text.len < 3) {
        return 0;
    }
    if (at[0] == 0xE2 && at[1] == 0x80 && ((at[2] >= 0x8B && at[2] <= 0x8F) || (at[2] >= 0xAA && at[2] <= 0xAE))) {
        return 3;
    }
    if (at[0] == 0xE2 && at[1] == 0x81 && at[2] >= 0xA0 && at[2] <= 0xA9) {
        return 3;
    }
    return at[0] == 0xEF && at[1] == 0xBB && at[2] == 0xBF ? 3 : 0;
}

static size_t blank_bytes(ct_span text)
{
    size_t bytes = ct_space_bytes(text);
    return bytes ? bytes : ct_mark_bytes(text);
}

static ct_span drop(ct_span text, size_t bytes)
{
    return (ct_span){text.at + bytes, text.len - bytes};
}

static ct_span skip_blanks(ct_span text)
{
    size_t bytes;
    while ((bytes = blank_bytes(text)) > 0) {
        text = drop(text, bytes);
    }
    return text;
}

ct_span ct_span_trim(ct_span text)
{
    text = skip_blanks(text);
    for (;;) {
        size_t cut = 0;
        for (size_t bytes = 1; bytes <= 3 && bytes <= text.len && !cut; bytes++) {
            ct_span tail = {text.at + text.len - bytes, bytes};
            cut = blank_bytes(tail) == bytes ? bytes : 0;
        }
        if (!cut && text.len && (text.at[text.len - 1] == '\r' || text.at[text.len - 1] == '\n')) {
            cut = 1;
        }
        if (!cut) {
            return text;
        }
        text.len -= cut;
    }
}

/* ---- scanning ---- */

/* Up to max_digits digits; more is no number of a date. */
static bool take_digits(ct_span *text, int max_digits, int *value, int *digits)
{
    int count = 0, sum = 0;
    while ((size_t)count < text->len && text->at[count] >= '0' && text->at[count] <= '9') {
        if (count == max_digits) {
            return false;
        }
        sum = sum * 10 + (text->at[count++] - '0');
    }
    *value = sum;
    if (digits) {
        *digits = count;
    }
    *text = drop(*text, (size_t)count);
    return count > 0;
}

static bool take_char(ct_span *text, char expected)
{
    if (text->len && text->at[0] == expected) {
        *text = drop(*text, 1);
        return true;
    }
    return false;
}

static bool scan_date(ct_span *text, struct ct_local_time *out)
{
    char separator = 0;
    for (int i = 0; i < 3; i++) {
        if (!take_digits(text, 4, &out->field[i], &out->digits[i]) || out->digits[i] == 3) {
            return false;
        }
        if (i == 2) {
            break;
        }
        char found = text->len ? text->at[0] : 0;
        if ((found != '/' && found != '.' && found != '-') || (separator && found != separator)) {
            return false;
        }
        separator = found;
        *text = drop(*text, 1);
        if (separator == '.') { /* "13. 6. 2018." */
            *text = skip_blanks(*text);
        }
    }
    if (separator == '.') {
        (void)take_char(text, '.');
    }
    /* One year at most: 4 digits; without one the year has 2. */
    int long_fields = (out->digits[0] == 4) + (out->digits[1] == 4) + (out->digits[2] == 4);
    return long_fields == 1 || (long_fields == 0 && out->digits[2] == 2);
}

/* am / pm in the spellings of en, es, pt: "AM", "a.m.", "a. m.", with any space. 0 none, 'a', 'p'. */
static char take_half(ct_span *text)
{
    ct_span rest = skip_blanks(*text);
    if (rest.len < 2) {
        return 0;
    }
    char half = (char)(rest.at[0] | 0x20);
    if (half != 'a' && half != 'p') {
        return 0;
    }
    rest = drop(rest, 1);
    bool dotted = take_char(&rest, '.');
    if (dotted) {
        rest = skip_blanks(rest);
    }
    if (!rest.len || (rest.at[0] | 0x20) != 'm') {
        return 0;
    }
    rest = drop(rest, 1);
    (void)(dotted && take_char(&rest, '.'));
    if (rest.len && ((rest.at[0] | 0x20) >= 'a' && (rest.at[0] | 0x20) <= 'z')) { /* "3:05 Amanda" */
        return 0;
    }
    *text = rest;
    return half;
}

static bool scan_time(ct_span *text, struct ct_local_time *out)
{
    int digits = 0;
    if (!take_digits(text, 2, &out->hour, NULL) || !text->len) {
        return false;
    }
    char separator = text->at[0];
    if ((separator != ':' && separator != '.') ||
        !(*text = drop(*text, 1), take_digits(text, 2, &out->minute, &digits)) || digits != 2) {
        return false;
    }
    out->second = 0;
    out->micro = 0;
    out->has_second = false;
    if (text->len > 2 && text->at[0] == separator && text->at[1] >= '0' && text->at[1] <= '9') {
        *text = drop(*text, 1);
        if (!take_digits(text, 2, &out->second, &digits) || digits != 2) {
            return false;
        }
        out->has_second = true;
        if (text->len > 1 && (text->at[0] == '.' || text->at[0] == ',') && text->at[1] >= '0' && text->at[1] <= '9') {
            *text = drop(*text, 1);
            int64_t scale = 100000;
            while (text->len && text->at[0] >= '0' && text->at[0] <= '9') {
                out->micro += (text->at[0] - '0') * scale;
                scale /= 10;
                *text = drop(*text, 1);
            }
        }
    }
    char half = take_half(text);
    out->impossible = out->hour > 23 || out->minute > 59 || out->second > 60 || (half && out->hour > 12);
    if (half && !out->impossible) {
        out->hour = out->hour % 12 + (half == 'p' ? 12 : 0);
    }
    return true;
}

size_t ct_local_scan(ct_span text, struct ct_local_time *out, bool *date_only)
{
    ct_span rest = text;
    *out = (struct ct_local_time){.hour = 0};
    if (date_only) {
        *date_only = false;
    }
    if (!scan_date(&rest, out)) {
        return 0;
    }
    ct_span after_date = rest;
    bool comma = take_char(&rest, ',');
    ct_span after_spaces = skip_blanks(rest);
    bool spaced = after_spaces.len < rest.len;
    rest = after_spaces;
    if (!spaced && !comma && !take_char(&rest, 'T') && !take_char(&rest, 't')) {
        rest = after_date;
    } else {
        if (rest.len > 4 && memcmp(rest.at, "klo", 3) == 0 && ct_space_bytes(drop(rest, 3))) { /* Finnish */
            rest = skip_blanks(drop(rest, 3));
        }
        if (scan_time(&rest, out)) {
            return text.len - rest.len;
        }
    }
    if (!date_only) {
        return 0;
    }
    *date_only = true;
    out->hour = out->minute = out->second = 0;
    return text.len - after_date.len;
}

/* ---- which number is what ---- */

static bool day_exists(int year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= (int)ct_days_in_month(year, (unsigned)month);
}

/* Splits into year and the other two numbers in their order. */
static void split(const struct ct_local_time *time, int *year, int *first, int *second, bool *year_first)
{
    *year_first = time->digits[0] == 4;
    int year_at = *year_first ? 0 : time->digits[1] == 4 ? 1 : 2;
    *year = time->field[year_at] + (time->digits[year_at] == 4 ? 0 : 2000);
    *first = time->field[year_at == 0 ? 1 : 0];
    *second = time->field[year_at == 2 ? 1 : 2];
}

enum ct_local_result ct_local_resolve(const struct ct_local_time *time, enum ct_date_order order, int64_t *seconds)
{
    int year, first, second, month, day;
    bool year_first;
    split(time, &year, &first, &second, &year_first);
    if (year_first) {
        month = first;
        day = second;
    } else if (order == CT_DATE_YMD && time->digits[2] != 4 && time->digits[1] != 4) {
        year = time->field[0] + 2000;
        month = time->field[1];
        day = time->field[2];
    } else if (order == CT_DATE_DMY || order == CT_DATE_MDY) {
        month = order == CT_DATE_DMY ? second : first;
        day = order == CT_DATE_DMY ? first : second;
    } else {
        bool as_dmy = day_exists(year, second, first), as_mdy = day_exists(year, first, second);
        if (as_dmy && as_mdy && first != second) {
            return CT_LOCAL_AMBIGUOUS;
        }
        month = as_dmy ? second : first;
        day = as_dmy ? first : second;
    }
    if (time->impossible || !day_exists(year, month, day)) {
        return CT_LOCAL_BAD;
    }
    *seconds = ct_days_from_civil(year, (unsigned)month, (unsigned)day) * 86400 + (int64_t)time->hour * 3600 +
               (int64_t)time->minute * 60 + time->second;
    return CT_LOCAL_OK;
}

void ct_order_feed(struct ct_order_guess *guess, const struct ct_local_time *time)
{
    int year, first, second;
    bool year_first;
    split(time, &year, &first, &second, &year_first);
    guess->dates++;
    if (year_first) {
        return;
    }
    if (!day_exists(year, second, first) && !day_exists(year, first, second)) {
        return; /* a date in no reading says nothing about the order */
    }
    guess->differing += first != second;
    for (int reading = 0; reading < 2; reading++) { /* 0 = DMY, 1 = MDY */
        int month = reading == 0 ? second : first, day = reading == 0 ? first : second;
        if (!day_exists(year, month, day)) {
            guess->impossible[reading]++;
            continue;
        }
        int64_t now = ct_days_from_civil(year, (unsigned)month, (unsigned)day);
        if (guess->has_last[reading] && now < guess->last_day[reading] - 1) {
            guess->backwards[reading]++;
        }
        guess->last_day[reading] = now;
        guess->has_last[reading] = true;
    }
}

enum ct_date_order ct_order_decide(const struct ct_order_guess *guess)
{
    uint64_t bad_dmy = guess->impossible[0], bad_mdy = guess->impossible[1];
    if (guess->dates && !guess->differing) {
        return CT_DATE_DMY; /* both readings are the same day, or the year stands first */
    }
    if (bad_dmy != bad_mdy) {
        uint64_t few = bad_dmy < bad_mdy ? bad_dmy : bad_mdy, many = bad_dmy < bad_mdy ? bad_mdy : bad_dmy;
        if (few <= many / 10) {
            return bad_dmy < bad_mdy ? CT_DATE_DMY : CT_DATE_MDY;
        }
        return CT_DATE_UNKNOWN;
    }
    if ((guess->backwards[0] == 0) != (guess->backwards[1] == 0)) {
        return guess->backwards[0] == 0 ? CT_DATE_DMY : CT_DATE_MDY;
    }
    return CT_DATE_UNKNOWN;
}

bool ct_order_parse(ct_span text, enum ct_date_order *out)
{
    static const struct {
        const char *name;
        enum ct_date_order order;
    } names[] = {{"", CT_DATE_UNKNOWN}, {"dmy", CT_DATE_DMY}, {"mdy", CT_DATE_MDY}, {"ymd", CT_DATE_YMD}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ct_span_is(text, names[i].name)) {
            *out = names[i].order;
            return true;
        }
    }
    return false;
}
