/* convtap.c - the native transcript: JSON lines with a conversation a line or a message a line.
 *
 * This is the bulk format, so its fields are read straight from the bytes. A record whose JSON is broken
 * is refused as a whole; a message that is sound JSON but wrong (a time that is none, a role nobody
 * knows) is refused alone and its neighbours stay.
 * Called through ct_parser_convtap by the pipeline.
 */
#include "parsers/json_head.h"
#include "parsers/json_reader.h"

#define TOOL_CALLS_MAX 1024

/* In the order in which most programs write them: json_reader looks for a key behind the one before. */
enum field {
    F_CONVERSATION_ID,
    F_USER_ID,
    F_CHANNEL,
    F_ID,
    F_TS,
    F_ROLE,
    F_TEXT,
    F_TOOL_CALLS,
    F_TOKENS,
    F_COST,
    F_EVENT,
    F_MESSAGES,
    F_LANGUAGE,
    F_BOT,
    F_TENANT,
    F_BOT_VERSION,
    F_SEGMENT,
    F_PRODUCT,
    F_COUNTRY,
    F_INTENT,
    F_CATEGORY
};
static const ct_span field_names[] = {
    [F_CONVERSATION_ID] = CT_JSON_NAME("conversation_id"),
    [F_USER_ID] = CT_JSON_NAME("user_id"),
    [F_CHANNEL] = CT_JSON_NAME("channel"),
    [F_ID] = CT_JSON_NAME("id"),
    [F_TS] = CT_JSON_NAME("ts"),
    [F_ROLE] = CT_JSON_NAME("role"),
    [F_TEXT] = CT_JSON_NAME("text"),
    [F_TOOL_CALLS] = CT_JSON_NAME("tool_calls"),
    [F_TOKENS] = CT_JSON_NAME("tokens"),
    [F_COST] = CT_JSON_NAME("cost"),
    [F_EVENT] = CT_JSON_NAME("event"),
    [F_MESSAGES] = CT_JSON_NAME("messages"),
    [F_LANGUAGE] = CT_JSON_NAME("language"),
    [F_BOT] = CT_JSON_NAME("bot"),
    [F_TENANT] = CT_JSON_NAME("tenant"),
    [F_BOT_VERSION] = CT_JSON_NAME("bot_version"),
    [F_SEGMENT] = CT_JSON_NAME("segment"),
    [F_PRODUCT] = CT_JSON_NAME("product"),
    [F_COUNTRY] = CT_JSON_NAME("country"),
    [F_INTENT] = CT_JSON_NAME("intent"),
    [F_CATEGORY] = CT_JSON_NAME("category"),
};
static const struct ct_json_fields fields = {field_names, sizeof(field_names) / sizeof(*field_names)};

static bool seen(const struct ct_json_walk *walk, enum field field)
{
    return walk->seen >> field & 1;
}

/* ---- parts of a message ----------------------------------------------------------------- */

/* `text` as it stood at `at`; one that is null says nothing. */
static bool take_time(struct ct_json *json, const char *at, ct_span text, struct ct_message *message)
{
    if (text.at != NULL && !ct_time_parse(text, &message->ts))
        return ct_json_fail(json, "bad_time", at, "ts", "not an RFC 3339 time");
    return true;
}

static bool take_role(struct ct_json *json, const char *at, ct_span text, struct ct_message *message)
{
    message->role = ct_role_from(text);
    return message->role != CT_ROLE_UNKNOWN ||
           ct_json_fail(json, "unknown_role", at, "role", "user, bot, agent, system or tool is due");
}

/* "arguments": JSON as written, or a string that holds JSON. */
static bool read_arguments(struct ct_json *json, ct_span *out)
{
    switch (ct_json_peek(json)) {
    case CT_JSON_STRING:
    case CT_JSON_NULL:
        return ct_json_string_or_null(json, "arguments", out);
    default:
        return ct_json_raw(json, out);
    }
}

static bool read_tool_call(struct ct_json *json, struct ct_tool_call *call)
{
    static const ct_span names[] = {CT_JSON_NAME("name"), CT_JSON_NAME("id"), CT_JSON_NAME("arguments")};
    static const struct ct_json_fields known = {names, 3};
    memset(call, 0, sizeof(*call));
    if (ct_json_peek(json) == CT_JSON_STRING)
        return ct_json_string(json, "tool_calls", &call->name);
    const char *begin = json->at;
    struct ct_json_walk walk = {0};
    if (!ct_json_object(json, "tool_calls"))
        return false;
    for (int field; (field = ct_json_next(json, &walk, &known)) != CT_JSON_LAST;) {
        bool ok;
        switch (field) {
        case 0:
            ok = ct_json_string(json, "name", &call->name);
            break;
        case 1:
            ok = ct_json_id(json, "id", &call->id);
            break;
        case 2:
            ok = read_arguments(json, &call->arguments);
            break;
        default:
            ok = ct_json_skip(json);
        }
        if (!ok)
            return false;
    }
    if (json->status == CT_OK && call->name.len == 0)
        return ct_json_fail(json, "missing_field", begin, "name", NULL);
    return json->status == CT_OK;
}

/* Counts the calls first, so that the array is as long as it has to be. */
static bool read_tool_calls(struct ct_json *json, struct ct_message *message)
{
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    struct ct_json_mark begin = ct_json_here(json);
    struct ct_json_walk walk = {0};
    size_t count = 0;
    if (!ct_json_array(json, "tool_calls"))
        return false;
    while (ct_json_element(json, &walk)) {
        if (++count > TOOL_CALLS_MAX)
            return ct_json_fail(json, "too_many_values", NULL, "tool_calls", "more than 1024");
        if (!ct_json_skip(json))
            return false;
    }
    if (json->status != CT_OK || count == 0)
        return json->status == CT_OK;
    struct ct_tool_call *calls = ct_arena_alloc(json->scratch, count * sizeof(*calls));
    if (calls == NULL) {
        json->status = CT_NO_MEMORY;
        return false;
    }
    ct_json_rewind(json, begin);
    if (!ct_json_array(json, "tool_calls"))
        return false;
    walk = (struct ct_json_walk){0};
    for (size_t i = 0; ct_json_element(json, &walk); i++)
        if (!read_tool_call(json, &calls[i]))
            return false;
    message->tool_calls = calls;
    message->tool_call_count = count;
    return json->status == CT_OK;
}

static bool read_tokens(struct ct_json *json, struct ct_tokens *tokens)
{
    static const ct_span names[] = {CT_JSON_NAME("input"), CT_JSON_NAME("cached"), CT_JSON_NAME("output"),
                                    CT_JSON_NAME("model")};
    static const struct ct_json_fields known = {names, 4};
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    struct ct_json_walk walk = {0};
    if (!ct_json_object(json, "tokens"))
        return false;
    for (int field; (field = ct_json_next(json, &walk, &known)) != CT_JSON_LAST;) {
        bool ok;
        switch (field) {
        case 0:
            ok = ct_json_count(json, "input", &tokens->input);
            break;
        case 1:
            ok = ct_json_count(json, "cached", &tokens->cached);
            break;
        case 2:
            ok = ct_json_count(json, "output", &tokens->output);
            break;
        case 3:
            ok = ct_json_string_or_null(json, "model", &tokens->model);
            break;
        default:
            ok = ct_json_skip(json);
        }
        if (!ok)
            return false;
    }
    return json->status == CT_OK;
}

/* {"amount":"0.0012","currency":"USD"}; the amount may be a number, read from its digits. */
static bool read_cost(struct ct_json *json, struct ct_message *message)
{
    static const ct_span names[] = {CT_JSON_NAME("amount"), CT_JSON_NAME("currency")};
    static const struct ct_json_fields known = {names, 2};
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    const char *begin = json->at;
    struct ct_json_walk walk = {0};
    ct_span amount = CT_SPAN_NONE;
    if (!ct_json_object(json, "cost"))
        return false;
    for (int field; (field = ct_json_next(json, &walk, &known)) != CT_JSON_LAST;) {
        bool ok;
        switch (field) {
        case 0:
            ok = ct_json_id(json, "amount", &amount);
            break;
        case 1:
            ok = ct_json_string_or_null(json, "currency", &message->currency);
            break;
        default:
            ok = ct_json_skip(json);
        }
        if (!ok)
            return false;
    }
    if (json->status != CT_OK || amount.at == NULL)
        return json->status == CT_OK && ct_json_fail(json, "missing_field", begin, "amount", NULL);
    message->has_cost = ct_money_parse(amount, &message->cost);
    return message->has_cost || ct_json_fail(json, "bad_cost", begin, "amount", "not a decimal number in range");
}

/* ---- events ----------------------------------------------------------------------------- */

/* A label's or a score's value as written: string, number or boolean. */
static bool read_value(struct ct_json *json, ct_span *out)
{
    switch (ct_json_peek(json)) {
    case CT_JSON_TRUE:
    case CT_JSON_FALSE:
        return ct_json_raw(json, out);
    default:
        return ct_json_id(json, "value", out);
    }
}

static bool read_scale(struct ct_json *json, const char *field, int32_t *out)
{
    int64_t scale = *out;
    const char *at = json->at;
    if (!ct_json_count(json, field, &scale))
        return false;
    if (scale > 1000)
        return ct_json_fail(json, "number_out_of_range", at, field, "at most 1000");
    *out = (int32_t)scale;
    return true;
}

static enum ct_event_type event_type_from(ct_span text)
{
#define X(name, word)                                                                                                  \
    if (CT_EVENT_##name != CT_EVENT_NONE && ct_span_is(text, word))                                                    \
        return CT_EVENT_##name;
    CT_EVENT_MAP(X)
#undef X
    return CT_EVENT_OTHER;
}

static bool phase_from(ct_span text, enum ct_handoff_phase *out)
{
#define X(name, word)                                                                                                  \
    if (ct_span_is(text, word)) {                                                                                      \
        *out = CT_PHASE_##name;                                                                                        \
        return true;                                                                                                   \
    }
    CT_PHASE_MAP(X)
#undef X
    return false;
}

enum event_field {
    E_TYPE,
    E_PHASE,
    E_BY,
    E_REASON,
    E_KIND,
    E_NAME,
    E_VALUE,
    E_SCALE,
    E_SCALE_MIN,
    E_TEXT,
    E_STATUS,
    E_BILLABLE
};
static const ct_span event_names[] = {
    [E_TYPE] = CT_JSON_NAME("type"),     [E_PHASE] = CT_JSON_NAME("phase"),   [E_BY] = CT_JSON_NAME("by"),
    [E_REASON] = CT_JSON_NAME("reason"), [E_KIND] = CT_JSON_NAME("kind"),     [E_NAME] = CT_JSON_NAME("name"),
    [E_VALUE] = CT_JSON_NAME("value"),   [E_SCALE] = CT_JSON_NAME("scale"),   [E_SCALE_MIN] = CT_JSON_NAME("scale_min"),
    [E_TEXT] = CT_JSON_NAME("text"),     [E_STATUS] = CT_JSON_NAME("status"), [E_BILLABLE] = CT_JSON_NAME("billable"),
};
static const struct ct_json_fields event_fields = {event_names, sizeof(event_names) / sizeof(*event_names)};

struct event_words {
    ct_span type, phase, kind, name, status, billable;
};

static bool read_billable(struct ct_json *json, ct_span *out)
{
    enum ct_json_kind kind = ct_json_peek(json);
    if (kind == CT_JSON_NULL)
        return ct_json_skip(json);
    if (kind != CT_JSON_TRUE && kind != CT_JSON_FALSE)
        return ct_json_fail(json, "wrong_type", json->at, "event.billable", "true or false is due");
    return ct_json_raw(json, out);
}

static bool read_event_member(struct ct_json *json, int field, struct ct_event *event, struct event_words *words)
{
    switch (field) {
    case E_TYPE:
        return ct_json_string(json, "event.type", &words->type);
    case E_PHASE:
        return ct_json_string_or_null(json, "event.phase", &words->phase);
    case E_BY:
        return ct_json_string_or_null(json, "event.by", &event->by);
    case E_REASON:
        return ct_json_string_or_null(json, "event.reason", &event->reason);
    case E_KIND:
        return ct_json_string_or_null(json, "event.kind", &words->kind);
    case E_NAME:
        return ct_json_string_or_null(json, "event.name", &words->name);
    case E_VALUE:
        return read_value(json, &event->value);
    case E_SCALE:
        return read_scale(json, "event.scale", &event->scale_max);
    case E_SCALE_MIN:
        return read_scale(json, "event.scale_min", &event->scale_min);
    case E_TEXT:
        return ct_json_string_or_null(json, "event.text", &event->text);
    case E_STATUS:
        return ct_json_string_or_null(json, "event.status", &words->status);
    case E_BILLABLE:
        return read_billable(json, &words->billable);
    default:
        return ct_json_skip(json);
    }
}

static bool read_event(struct ct_json *json, struct ct_event *event)
{
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    const char *begin = json->at;
    struct ct_json_walk walk = {0};
    struct event_words words = {0};
    event->scale_min = -1;
    if (!ct_json_object(json, "event"))
        return false;
    for (int field; (field = ct_json_next(json, &walk, &event_fields)) != CT_JSON_LAST;)
        if (!read_event_member(json, field, event, &words))
            return false;
    if (json->status != CT_OK)
        return false;
    if (words.type.len == 0)
        return ct_json_fail(json, "missing_field", begin, "event.type", NULL);
    event->type = event_type_from(words.type);
    event->name = event->type == CT_EVENT_FEEDBACK ? words.kind : words.name;
    if (event->type == CT_EVENT_OTHER)
        event->name = words.type;
    if (event->type == CT_EVENT_LABEL && event->name.len == 0)
        return ct_json_fail(json, "missing_field", begin, "event.name", NULL);
    if (event->type == CT_EVENT_DELIVERY) {
        event->name = words.status;
        event->value = words.billable;
        return words.status.len || ct_json_fail(json, "missing_field", begin, "event.status", NULL);
    }
    if (event->type == CT_EVENT_HANDOFF) {
        event->phase = CT_PHASE_ACCEPTED;
        if (words.phase.len > 0 && !phase_from(words.phase, &event->phase))
            return ct_json_fail(json, "unknown_phase", begin, "event.phase", NULL);
    }
    return true;
}

/* ---- messages --------------------------------------------------------------------------- */

/* What a member's value is. Those up to WORD_TIME are written as a string. */
enum kind { WORD_TEXT = 1, WORD_ID, WORD_ROLE, WORD_TIME, NO_WORD };
struct member {
    uint16_t offset; /* WORD_TEXT, WORD_ID: of a ct_span in struct ct_message */
    uint8_t kind;
};
#define TEXT(member)                                                                                                   \
    {                                                                                                                  \
        offsetof(struct ct_message, member), WORD_TEXT                                                                 \
    }
#define ID(member)                                                                                                     \
    {                                                                                                                  \
        offsetof(struct ct_message, member), WORD_ID                                                                   \
    }
static const struct member members[] = {
    [F_CONVERSATION_ID] = ID(conversation_id),
    [F_USER_ID] = ID(user_id),
    [F_CHANNEL] = TEXT(channel),
    [F_ID] = ID(id),
    [F_TS] = {0, WORD_TIME},
    [F_ROLE] = {0, WORD_ROLE},
    [F_TEXT] = TEXT(text),
    [F_TOOL_CALLS] = {0, NO_WORD},
    [F_TOKENS] = {0, NO_WORD},
    [F_COST] = {0, NO_WORD},
    [F_EVENT] = {0, NO_WORD},
    [F_MESSAGES] = {0, NO_WORD},
    [F_LANGUAGE] = TEXT(language),
    [F_BOT] = TEXT(bot),
    [F_TENANT] = TEXT(tenant),
    [F_BOT_VERSION] = ID(bot_version),
    [F_SEGMENT] = TEXT(segment),
    [F_PRODUCT] = ID(product),
    [F_COUNTRY] = TEXT(country),
    [F_INTENT] = TEXT(intent),
    [F_CATEGORY] = TEXT(category),
};
#undef TEXT
#undef ID

static bool read_no_word(struct ct_json *json, int field, struct ct_message *message)
{
    switch (field) {
    case F_TOOL_CALLS:
        return read_tool_calls(json, message);
    case F_TOKENS:
        return read_tokens(json, &message->tokens);
    case F_COST:
        return read_cost(json, message);
    case F_EVENT:
        return read_event(json, &message->event);
    default:
        return ct_json_skip(json);
    }
}

/* A word that is no string: an identifier may be a number, and most may be null. */
static bool read_word_other(struct ct_json *json, int field, ct_span *out)
{
    const char *name = field_names[field].at;
    if (members[field].kind == WORD_ID)
        return ct_json_id_other(json, name, out);
    return ct_json_string_other(json, name, members[field].kind != WORD_ROLE, out);
}

/* The value of one member of a message, or of a conversation (all but "messages"). */
static inline bool read_member(struct ct_json *json, int field, struct ct_message *message)
{
    if (field < 0 || members[field].kind == NO_WORD)
        return read_no_word(json, field, message);
    ct_span text;
    bool is_string = ct_json_string_comes(json);
    const char *at = json->at;
    if (!(is_string ? ct_json_string_here(json, &text) : read_word_other(json, field, &text)))
        return false;
    switch (members[field].kind) {
    case WORD_ROLE:
        return take_role(json, at, text, message);
    case WORD_TIME:
        return take_time(json, at, text, message);
    default:
        *(ct_span *)(void *)((char *)message + members[field].offset) = text;
        return true;
    }
}

/* What has to be there once all members of a message were read. */
static bool check_message(struct ct_json *json, const struct ct_json_walk *walk, const char *begin,
                          struct ct_message *message)
{
    bool event = message->event.type != CT_EVENT_NONE;
    if (!seen(walk, F_ROLE)) {
        if (!event)
            return ct_json_fail(json, "missing_field", begin, "role", NULL);
        message->role = CT_ROLE_SYSTEM; /* a platform's fact that nobody wrote */
    }
    if (message->event.type == CT_EVENT_DELIVERY && message->id.len == 0)
        return ct_json_fail(json, "missing_field", begin, "id", "of the message that was delivered or not");
    if (message->text.at == NULL && !event && message->tool_call_count == 0)
        return ct_json_fail(json, "missing_field", begin, "text", NULL);
    return true;
}

static enum ct_status refuse(const struct ct_json *json, const struct ct_frame *frame, const struct ct_parse_out *out)
{
    if (json->status != CT_REFUSED)
        return json->status;
    struct ct_refusal refusal;
    ct_json_refusal(json, frame, &refusal);
    out->refuse(out->context, &refusal);
    return CT_OK;
}

/* One element of "messages", which was passed over as valid JSON before. */
static bool read_message(struct ct_json *json, struct ct_message *message)
{
    struct ct_json_walk walk = {0};
    ct_span conversation_id = message->conversation_id;
    (void)ct_json_peek(json);
    const char *begin = json->at;
    if (!ct_json_object(json, "messages"))
        return false;
    for (int field; (field = ct_json_next(json, &walk, &fields)) != CT_JSON_LAST;)
        if (!read_member(json, field, message))
            return false;
    message->conversation_id = conversation_id;
    return json->status == CT_OK && check_message(json, &walk, begin, message);
}

/* The array "messages" at the cursor. `common` has what the conversation says for all of them. */
static enum ct_status emit_messages(struct ct_json *json, const struct ct_frame *frame, const struct ct_message *common,
                                    const struct ct_parse_out *out)
{
    struct ct_json_walk walk = {0};
    bool any = false, refused = false;
    if (!ct_json_array(json, "messages"))
        return refuse(json, frame, out);
    while (ct_json_element(json, &walk)) {
        struct ct_json_mark begin = ct_json_here(json);
        struct ct_message message = *common;
        message.seq = frame->offset + (uint64_t)(begin.at - json->begin);
        enum ct_status status = CT_OK;
        if (read_message(json, &message)) {
            any = true;
            status = out->message(out->context, &message);
        } else {
            refused = true;
            status = refuse(json, frame, out);
            ct_json_rewind(json, begin);
            if (status == CT_OK && !ct_json_skip(json))
                status = json->status;
        }
        if (status != CT_OK)
            return status;
    }
    if (any)
        return out->end(out->context, common->conversation_id);
    if (refused)
        return CT_OK;
    (void)ct_json_fail(json, "no_messages", json->at, "messages", "empty");
    return refuse(json, frame, out);
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    (void)state;
    struct ct_json json;
    struct ct_json_walk walk = {0};
    struct ct_json_mark messages = {0};
    struct ct_message message;
    ct_json_init(&json, frame->bytes, scratch);
    ct_message_init(&message);
    message.seq = frame->offset;
    if (!ct_json_object(&json, NULL))
        return refuse(&json, frame, out);
    for (int field; (field = ct_json_next(&json, &walk, &fields)) != CT_JSON_LAST;) {
        if (field == F_MESSAGES)
            messages = ct_json_here(&json);
        if (!read_member(&json, field, &message))
            return refuse(&json, frame, out);
    }
    if (!ct_json_end(&json))
        return refuse(&json, frame, out);
    if (message.conversation_id.len == 0) {
        (void)ct_json_fail(&json, "missing_field", json.begin, "conversation_id", NULL);
        return refuse(&json, frame, out);
    }
    if (messages.at == NULL) {
        if (!check_message(&json, &walk, json.begin, &message))
            return refuse(&json, frame, out);
        if (message.ts == CT_USEC_NONE && frame->envelope)
            message.ts = frame->envelope->received;
        return out->message(out->context, &message);
    }
    struct ct_message common;
    ct_message_init(&common);
    common.conversation_id = message.conversation_id;
    common.user_id = message.user_id;
    common.channel = message.channel;
    common.language = message.language;
    common.bot = message.bot;
    common.bot_version = message.bot_version;
    common.tenant = message.tenant;
    common.segment = message.segment;
    common.product = message.product;
    common.country = message.country;
    ct_json_rewind(&json, messages);
    json.depth = 1;
    return emit_messages(&json, frame, &common, out);
}

static int detect(ct_span bytes)
{
    struct ct_json_head head;
    ct_json_head_read(&head, bytes);
    if (ct_json_head_has(&head.inner[CT_HEAD_conversations], CT_HEAD_conversation_id))
        return 80;
    if (!ct_json_head_has(&head.top, CT_HEAD_conversation_id))
        return 0;
    if (ct_json_head_has(&head.top, CT_HEAD_messages)) {
        /* OpenAI's messages have "content" where the native ones have "text". */
        bool text = ct_json_head_has(&head.inner[CT_HEAD_messages], CT_HEAD_text);
        bool content = ct_json_head_has(&head.inner[CT_HEAD_messages], CT_HEAD_content);
        return text ? 97 : content ? 20 : 60;
    }
    bool message = ct_json_head_has(&head.top, CT_HEAD_role) || ct_json_head_has(&head.top, CT_HEAD_event);
    bool text = ct_json_head_has(&head.top, CT_HEAD_text) || ct_json_head_has(&head.top, CT_HEAD_event);
    return message && text ? 97 : message || text ? 50 : 35;
}

static const char no_state;

static void *open_parser(const struct ct_parser_config *config, struct ct_error *err)
{
    (void)config;
    (void)err;
    return (void *)(uintptr_t)&no_state;
}

static void close_parser(void *state)
{
    (void)state;
}

static const char *const array_keys[] = {"conversations", NULL};
static const struct ct_option options[] = {{NULL, NULL, NULL, NULL}};

const struct ct_parser ct_parser_convtap = {
    .name = "convtap",
    .title = "convtap transcript (JSON lines)",
    .help =
        "One JSON object a line: a conversation with its \"messages\", or a single message with its "
        "\"conversation_id\"; also a JSON array of such objects, or {\"conversations\":[...]}. A message has \"role\" "
        "(user, bot, agent, system, tool) and \"text\", and may have \"ts\" (RFC 3339), \"id\", \"tool_calls\", "
        "\"tokens\", \"cost\", \"intent\", \"category\" and \"event\". A conversation, or each of its messages, may "
        "have "
        "\"user_id\", \"channel\", \"language\", \"bot\", \"bot_version\", \"tenant\", \"segment\", \"product\" and "
        "\"country\". Unknown keys are passed over. A broken line is refused alone, and in a "
        "sound line a wrong message is refused alone.",
    .extensions = ".jsonl .ndjson .json",
    .framing = CT_FRAMING_JSON,
    .array_keys = array_keys,
    .options = options,
    .detect = detect,
    .open = open_parser,
    .record = record,
    .close = close_parser,
};
