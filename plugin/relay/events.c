/* events.c - server-sent events, read as they go by (events.h). Called by body.c. */
#include "plugin/relay/events.h"

static const char DATA[] = "data";
#define DATA_LEN 4

void ct_events_init(struct ct_events *events, size_t message_max)
{
    *events = (struct ct_events){.max = message_max};
}

void ct_events_done(struct ct_events *events)
{
    ct_held_done(&events->data);
}

bool ct_events_cut(const struct ct_events *events)
{
    return events->any || events->in_data;
}

static void add(struct ct_events *events, ct_span bytes, const struct ct_events_out *out)
{
    if (events->skipped) {
        return;
    }
    enum ct_status status = ct_held_add(&events->data, bytes, events->max);
    if (status != CT_OK) {
        events->skipped = true;
        ct_held_done(&events->data);
        out->drop(out->context, status == CT_LIMIT ? "relay_too_long" : "relay_no_memory");
    }
}

static void begin_data(struct ct_events *events, const struct ct_events_out *out)
{
    events->in_data = true;
    if (events->any) {
        add(events, CT_SPAN_LIT("\n"), out);
    }
    events->any = true;
}

static void end_line(struct ct_events *events, const struct ct_events_out *out)
{
    bool empty = events->field_len == 0 && !events->in_data && !events->in_other;
    if (!events->in_data && !events->in_other && events->field_len == DATA_LEN) {
        begin_data(events, out); /* "data" alone: an empty line of data */
    }
    events->field_len = 0;
    events->in_data = events->in_other = events->after_colon = false;
    if (!empty) {
        return;
    }
    if (events->any && !events->skipped && events->data.len > 0) {
        out->message(out->context, ct_held_span(&events->data));
    }
    ct_held_done(&events->data);
    events->any = events->skipped = false;
}

/* The bytes of a line up to its end, or to what has come. */
static void line(struct ct_events *events, ct_span bytes, const struct ct_events_out *out)
{
    size_t i = 0;
    while (i < bytes.len && !events->in_data && !events->in_other) {
        char c = bytes.at[i++];
        if (events->field_len == DATA_LEN && c == ':') {
            begin_data(events, out);
            events->after_colon = true;
        } else if (events->field_len < DATA_LEN && c == DATA[events->field_len]) {
            events->field_len++;
        } else {
            events->in_other = true; /* event, id, retry, a comment */
        }
    }
    if (!events->in_data || i >= bytes.len) {
        return;
    }
    if (events->after_colon) {
        events->after_colon = false;
        i += bytes.at[i] == ' ' ? 1u : 0u;
    }
    add(events, (ct_span){bytes.at + i, bytes.len - i}, out);
}

void ct_events_feed(struct ct_events *events, ct_span bytes, const struct ct_events_out *out)
{
    static const char BOM[] = "\xef\xbb\xbf";
    size_t i = 0;
    while (i < bytes.len && events->bom < 3) {
        if (bytes.at[i] != BOM[events->bom]) {
            if (events->bom > 0) {
                events->in_other = true; /* not a mark: the line begins with bytes that no field has */
            }
            events->bom = 3;
            break;
        }
        events->bom++;
        i++;
    }
    while (i < bytes.len) {
        char c = bytes.at[i];
        if (c == '\n' && events->after_cr) {
            events->after_cr = false;
            i++;
            continue;
        }
        events->after_cr = c == '\r';
        if (c == '\n' || c == '\r') {
            end_line(events, out);
            i++;
            continue;
        }
        size_t end = i;
        while (end < bytes.len && bytes.at[end] != '\n' && bytes.at[end] != '\r') {
            end++;
        }
        line(events, (ct_span){bytes.at + i, end - i}, out);
        i = end;
    }
}
