/* business.c - business events as JSON lines: what the account system, the shop or the product says of a customer.
 *
 * An object a line, or an array of them, or {"events":[...]}. Unknown keys are passed over; what is wrong in a known
 * one refuses the event by name. Every type, its fields and an example: docs/business-events.md. Called through
 * ct_parser_business by the pipeline.
 */
#include "parsers/business_draft.h"
#include "parsers/draft.h"
#include "parsers/json_head.h"
#include "parsers/json_reader.h"

#include <stdlib.h>

static const ct_span names[] = {
#define X(name, text, kind) [CT_BUSINESS_KEY_##name] = CT_JSON_NAME(text),
    CT_BUSINESS_KEY_MAP(X)
#undef X
};
static const struct ct_json_fields fields = {names, CT_BUSINESS_KEYS};

static const struct ct_option options[] = {
    {"zone", "string", "",
     "Time zone of dates, and of times without an offset: UTC, +02:00, or a name such as Europe/Madrid; without it the "
     "zone that the figures are for."},
    {NULL, NULL, NULL, NULL},
};

struct state {
    struct ct_zone own;
    const struct ct_zone *zone;
};

extern const struct ct_parser ct_parser_business;

/* The value's text as written; empty for null. */
static bool read_value(struct ct_json *json, enum ct_business_key key, ct_span *text)
{
    enum ct_business_kind kind = ct_business_key_kind(key);
    const char *field = ct_business_key_text(key);
    bool numeric = kind != CT_BUSINESS_KIND_WORD && kind != CT_BUSINESS_KIND_TEXT && kind != CT_BUSINESS_KIND_TYPE &&
                   kind != CT_BUSINESS_KIND_CURRENCY && kind != CT_BUSINESS_KIND_TIME && kind != CT_BUSINESS_KIND_DUE &&
                   kind != CT_BUSINESS_KIND_DURATION;
    switch (ct_json_peek(json)) {
    case CT_JSON_NUMBER:
        return numeric ? ct_json_number(json, field, text) : ct_json_string_or_null(json, field, text);
    case CT_JSON_TRUE:
    case CT_JSON_FALSE:
        return kind == CT_BUSINESS_KIND_FLAG ? ct_json_raw(json, text) : ct_json_string_or_null(json, field, text);
    default:
        return ct_json_string_or_null(json, field, text);
    }
}

static bool read_event(struct ct_json *json, struct ct_business_draft *draft)
{
    struct ct_json_walk walk = {0};
    struct ct_business_fault fault;
    if (!ct_json_object(json, NULL)) {
        return false;
    }
    for (int field; (field = ct_json_next(json, &walk, &fields)) != CT_JSON_LAST;) {
        ct_span text = CT_SPAN_NONE;
        if (field < 0) {
            if (!ct_json_skip(json)) {
                return false;
            }
            continue;
        }
        (void)ct_json_peek(json);
        const char *at = json->at;
        if (!read_value(json, (enum ct_business_key)field, &text)) {
            return false;
        }
        if (!ct_business_draft_set(draft, (enum ct_business_key)field, text, &fault)) {
            return ct_json_fail(json, fault.reason, at, fault.key, fault.note);
        }
    }
    return ct_json_end(json);
}

static enum ct_status refuse(const struct ct_json *json, const struct ct_frame *frame, const struct ct_parse_out *out)
{
    if (json->status != CT_REFUSED) {
        return json->status;
    }
    struct ct_refusal refusal;
    ct_json_refusal(json, frame, &refusal);
    out->refuse(out->context, &refusal);
    return CT_OK;
}

static enum ct_status record(void *context, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    const struct state *state = context;
    struct ct_json json;
    struct ct_business_draft draft = {.zone = state->zone};
    struct ct_business_fault fault;
    ct_json_init(&json, frame->bytes, scratch);
    ct_business_draft_clear(&draft);
    if (!read_event(&json, &draft)) {
        return refuse(&json, frame, out);
    }
    if (draft.event.at == CT_USEC_NONE && frame->envelope) {
        draft.event.at = frame->envelope->received;
    }
    if (!ct_business_draft_check(&draft, &fault)) {
        (void)ct_json_fail(&json, fault.reason, json.begin, fault.key, fault.note);
        return refuse(&json, frame, out);
    }
    if (!out->business) {
        ct_refuse(out, "business_events_unwanted", frame->offset, frame->line,
                  "a business event, where only messages are read");
        return CT_OK;
    }
    return out->business(out->context, &draft.event);
}

/* A message of a transcript may have "event" and "at", too, but says whose conversation it is. */
static int detect(ct_span bytes)
{
    struct ct_json_head head;
    ct_json_head_read(&head, bytes);
    if (ct_json_head_has(&head.inner[CT_HEAD_events], CT_HEAD_event) &&
        ct_json_head_has(&head.inner[CT_HEAD_events], CT_HEAD_at)) {
        return 90;
    }
    if (!ct_json_head_has(&head.top, CT_HEAD_event) || ct_json_head_has(&head.top, CT_HEAD_conversation_id) ||
        ct_json_head_has(&head.top, CT_HEAD_messages) || ct_json_head_has(&head.top, CT_HEAD_role)) {
        return 0;
    }
    return ct_json_head_has(&head.top, CT_HEAD_at) ? 95 : ct_json_head_has(&head.top, CT_HEAD_user_id) ? 40 : 0;
}

static void *open_parser(const struct ct_parser_config *config, struct ct_error *err)
{
    struct state *state = calloc(1, sizeof *state);
    if (!state) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    ct_span zone = ct_parser_option(&ct_parser_business, config, "zone");
    if (ct_zone_init(&state->own, zone, config->zone_tzif, err) != CT_OK) {
        free(state);
        return NULL;
    }
    state->zone = zone.len ? &state->own : config->zone;
    return state;
}

static void close_parser(void *context)
{
    struct state *state = context;
    if (state) {
        ct_zone_done(&state->own);
        free(state);
    }
}

static const char *const array_keys[] = {"events", NULL};

const struct ct_parser ct_parser_business = {
    .name = "business",
    .title = "Business events (JSON lines)",
    .help =
        "One JSON object a line (or an array of them, or {\"events\":[...]}): \"event\", \"at\" (RFC 3339, or a date) "
        "and \"user_id\", the same as in the transcripts; then what the type has: amounts as decimals with "
        "\"currency\", counts, names. These are no messages: they stand beside transcripts, and the KPIs of customers "
        "and accounts are read from them. Unknown keys are passed over; an event that is wrong is refused alone. All "
        "types, with an example of each: docs/business-events.md.",
    .extensions = ".jsonl .ndjson .json",
    .framing = CT_FRAMING_JSON,
    .array_keys = array_keys,
    .options = options,
    .detect = detect,
    .open = open_parser,
    .record = record,
    .close = close_parser,
};
