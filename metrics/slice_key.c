/* slice_key.c - what a conversation is sliced by. See slice_key.h. */
#include "metrics/slice_key.h"

#include <stdio.h>

const char *ct_slice_field_text(enum ct_slice_field field)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CT_SLICE_MAP(X)
#undef X
    };
    return texts[field];
}

bool ct_slice_field_from(ct_span text, enum ct_slice_field *out)
{
    for (int field = 0; field < CT_SLICE_COUNT; field++) {
        if (ct_span_is(text, ct_slice_field_text((enum ct_slice_field)field))) {
            *out = (enum ct_slice_field)field;
            return true;
        }
    }
    return false;
}

bool ct_slice_by_from(ct_span text, struct ct_slice_by *out)
{
    const char *comma = memchr(text.at, ',', text.len);
    size_t first = comma ? (size_t)(comma - text.at) : text.len;
    enum ct_period_unit unit;
    *out = (struct ct_slice_by){.count = comma ? 2 : 1};
    if (!ct_slice_field_from((ct_span){text.at, first}, &out->field[0]) ||
        (comma && !ct_slice_field_from((ct_span){comma + 1, text.len - first - 1}, &out->field[1]))) {
        return false;
    }
    return !comma || (out->field[1] != out->field[0] &&
                      !(ct_slice_has_period(out->field[0], &unit) && ct_slice_has_period(out->field[1], &unit)));
}

const char *ct_slice_by_text(const struct ct_slice_by *by, char out[CT_SLICE_BY_BYTES])
{
    (void)snprintf(out, CT_SLICE_BY_BYTES, "%s%s%s", ct_slice_field_text(by->field[0]), by->count > 1 ? "," : "",
                   by->count > 1 ? ct_slice_field_text(by->field[1]) : "");
    return out;
}

void ct_slice_part_put(char part[CT_SLICE_KEY_BYTES], ct_span text)
{
    size_t len = text.len;
    if (len > CT_SLICE_KEY_BYTES - 1) {
        len = CT_SLICE_KEY_BYTES - 1;
        while (len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    memset(part, 0, CT_SLICE_KEY_BYTES);
    if (len) {
        memcpy(part, text.at, len);
    }
}

bool ct_slice_has_period(enum ct_slice_field field, enum ct_period_unit *unit)
{
    switch (field) {
    case CT_SLICE_DAY:
        *unit = CT_PERIOD_DAY;
        return true;
    case CT_SLICE_WEEK:
        *unit = CT_PERIOD_WEEK;
        return true;
    case CT_SLICE_MONTH:
        *unit = CT_PERIOD_MONTH;
        return true;
    case CT_SLICE_QUARTER:
        *unit = CT_PERIOD_QUARTER;
        return true;
    default:
        return false;
    }
}

/* The part of the start's local time that the field names. */
static ct_span text_of_time(enum ct_slice_field field, ct_usec start, const struct ct_zone *zone,
                            char text[CT_SLICE_KEY_BYTES])
{
    static const char *const weekdays[] = {"1 mon", "2 tue", "3 wed", "4 thu", "5 fri", "6 sat", "7 sun"};
    enum ct_period_unit unit;
    if (!ct_period_dated(start)) {
        return CT_SPAN_NONE;
    }
    if (ct_slice_has_period(field, &unit)) {
        return (ct_span){text, ct_period_name(zone, unit, start, text)};
    }
    ct_usec local = ct_zone_local(zone, start);
    ct_usec day = local / CT_USEC_PER_DAY - (local % CT_USEC_PER_DAY < 0);
    if (field == CT_SLICE_WEEKDAY) {
        return ct_span_of(weekdays[((day + 3) % 7 + 7) % 7]); /* 1970-01-01 was a Thursday */
    }
    unsigned hour = (unsigned)((local - day * CT_USEC_PER_DAY) / CT_USEC_PER_HOUR);
    return (ct_span){text, (size_t)snprintf(text, CT_SLICE_KEY_BYTES, "%02u", hour % 24)};
}

ct_span ct_slice_text(enum ct_slice_field field, const struct ct_record *record, const struct ct_zone *zone,
                      char text[CT_SLICE_KEY_BYTES])
{
    switch (field) {
    case CT_SLICE_CHANNEL:
        return ct_record_text(record, CT_TEXT_CHANNEL);
    case CT_SLICE_LANGUAGE:
        return ct_record_text(record, CT_TEXT_LANGUAGE);
    case CT_SLICE_BOT:
        return ct_record_text(record, CT_TEXT_BOT);
    case CT_SLICE_BOT_VERSION:
        return ct_record_text(record, CT_TEXT_BOT_VERSION);
    case CT_SLICE_TENANT:
        return ct_record_text(record, CT_TEXT_TENANT);
    case CT_SLICE_OUTCOME:
        return ct_span_of(ct_outcome_text((enum ct_outcome)record->outcome));
    case CT_SLICE_REASON:
        return ct_record_text(record, CT_TEXT_REASON);
    case CT_SLICE_TOPIC:
        return ct_record_text(record, CT_TEXT_TOPIC);
    case CT_SLICE_INTENT:
        return ct_record_text(record, CT_TEXT_INTENT);
    case CT_SLICE_PRODUCT:
        return ct_record_text(record, CT_TEXT_PRODUCT);
    case CT_SLICE_COUNTRY:
        return ct_record_text(record, CT_TEXT_COUNTRY);
    case CT_SLICE_SEGMENT:
        return ct_record_text(record, CT_TEXT_SEGMENT);
    case CT_SLICE_HOUR:
    case CT_SLICE_WEEKDAY:
    case CT_SLICE_DAY:
    case CT_SLICE_WEEK:
    case CT_SLICE_MONTH:
    case CT_SLICE_QUARTER:
        return text_of_time(field, record->started_at, zone, text);
    case CT_SLICE_COUNT:
        break;
    }
    return CT_SPAN_NONE;
}
