/* filter.c - conversations by the values of their fields. See filter.h. */
#include "metrics/filter.h"

#include <stdio.h>

#include "metrics/slice_key.h"

/* Cuts the next value off. false = there are no more. */
static bool next(ct_span *rest, ct_span *value)
{
    if (!rest->at) {
        return false;
    }
    const char *comma = rest->len ? memchr(rest->at, ',', rest->len) : NULL;
    *value = (ct_span){rest->at, comma ? (size_t)(comma - rest->at) : rest->len};
    *rest = comma ? (ct_span){comma + 1, rest->len - value->len - 1} : CT_SPAN_NONE;
    return true;
}

/* Is `value` a way to write the field's text? */
static bool means(enum ct_slice_field field, ct_span text, ct_span value)
{
    if (ct_span_eq(text, value)) {
        return true;
    }
    if (field == CT_SLICE_WEEKDAY && text.len == 5) {
        return ct_span_eq((ct_span){text.at, 1}, value) || ct_span_eq((ct_span){text.at + 2, 3}, value);
    }
    return field == CT_SLICE_HOUR && text.len == 2 && text.at[0] == '0' && ct_span_eq((ct_span){text.at + 1, 1}, value);
}

/* Can it ever be? Of fields whose values are the program's own. */
static const char *check_value(enum ct_slice_field field, ct_span value)
{
    static const char *const weekdays[] = {"1 mon", "2 tue", "3 wed", "4 thu", "5 fri", "6 sat", "7 sun"};
    bool known = value.len == 0;
    if (field == CT_SLICE_OUTCOME) {
        for (int i = 0; i < CT_OUTCOME_COUNT && !known; i++) {
            known = ct_span_is(value, ct_outcome_text((enum ct_outcome)i));
        }
        return known ? NULL : "there is no such outcome";
    }
    if (field == CT_SLICE_WEEKDAY) {
        for (size_t i = 0; i < 7 && !known; i++) {
            known = means(field, ct_span_of(weekdays[i]), value);
        }
        return known ? NULL : "a weekday is one of mon, tue, wed, thu, fri, sat, sun";
    }
    if (field == CT_SLICE_HOUR) {
        for (unsigned hour = 0; hour < 24 && !known; hour++) {
            char text[8];
            (void)snprintf(text, sizeof text, "%02u", hour);
            known = means(field, ct_span_of(text), value);
        }
        return known ? NULL : "an hour is one of 0 to 23";
    }
    return NULL;
}

bool ct_filter_from(ct_span text, struct ct_filter *out, const char **why)
{
    const char *equals = text.len ? memchr(text.at, '=', text.len) : NULL;
    size_t name = equals ? (size_t)(equals - text.at) : 0;
    *why = "it is not FIELD=VALUE or FIELD!=VALUE";
    if (!equals || name == 0) {
        return false;
    }
    out->negated = text.at[name - 1] == '!';
    out->values = (ct_span){equals + 1, text.len - name - 1};
    *why = "there is no such field";
    if (!ct_slice_field_from((ct_span){text.at, name - out->negated}, &out->field)) {
        return false;
    }
    ct_span rest = out->values, value;
    *why = NULL;
    while (!*why && next(&rest, &value)) {
        *why = check_value(out->field, value);
    }
    return !*why;
}

static bool among(const struct ct_filter *filter, ct_span text)
{
    ct_span rest = filter->values, value;
    while (next(&rest, &value)) {
        if (means(filter->field, text, value)) {
            return true;
        }
    }
    return false;
}

/* Any of the names, divided by spaces. */
static bool any_among(const struct ct_filter *filter, ct_span names)
{
    bool found = names.len == 0 && among(filter, names);
    for (size_t at = 0; at < names.len && !found;) {
        const char *space = memchr(names.at + at, ' ', names.len - at);
        size_t len = space ? (size_t)(space - names.at) - at : names.len - at;
        found = among(filter, (ct_span){names.at + at, len});
        at += len + 1;
    }
    return found;
}

bool ct_filters_take(const struct ct_filter *filters, size_t count, const struct ct_customer *customer,
                     const struct ct_record *record)
{
    for (size_t i = 0; i < count; i++) {
        const struct ct_filter *filter = &filters[i];
        char text[CT_SLICE_KEY_BYTES];
        ct_span topics = ct_record_text(record, CT_TEXT_TOPICS);
        bool in = filter->field == CT_SLICE_TOPIC && topics.len ? any_among(filter, topics)
                  : filter->field == CT_SLICE_SEGMENT
                      ? among(filter, ct_customer_segment(customer))
                      : among(filter, ct_slice_text(filter->field, record, customer->terms->zone, text));
        if (in == filter->negated) {
            return false;
        }
    }
    return true;
}

/* Of what has a tenant and a segment; other fields do not decide. */
static bool take_whole(const struct ct_filter *filters, size_t count, ct_span tenant, ct_span segment)
{
    for (size_t i = 0; i < count; i++) {
        if (filters[i].field == CT_SLICE_TENANT || filters[i].field == CT_SLICE_SEGMENT) {
            bool in = among(&filters[i], filters[i].field == CT_SLICE_TENANT ? tenant : segment);
            if (in == filters[i].negated) {
                return false;
            }
        }
    }
    return true;
}

bool ct_filters_take_customer(const struct ct_filter *filters, size_t count, const struct ct_customer *customer)
{
    return count == 0 || customer->event_count == 0 ||
           take_whole(filters, count, ct_business_text(customer->events[0], CT_BUSINESS_TENANT),
                      ct_customer_segment(customer));
}

bool ct_filters_take_event(const struct ct_filter *filters, size_t count, const struct ct_business *event)
{
    return take_whole(filters, count, ct_business_text(event, CT_BUSINESS_TENANT),
                      ct_business_text(event, CT_BUSINESS_SEGMENT));
}
