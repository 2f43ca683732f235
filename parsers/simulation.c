/* simulation.c - the messages of a tau-bench or tau2 run; see simulation.h. */
#include "parsers/simulation.h"

#include <stdlib.h>

#define TOOL_CALLS_MAX 1024
/* A success in tau-bench: abs(1 - reward) <= 1e-6. */
#define REWARD_SUCCESS (CT_NANO_PER_UNIT - 1000)

/* One message of the run as it stands in the file. */
struct turn {
    ct_span role, content, requestor, timestamp, cost;
    struct ct_tokens tokens;
    struct ct_tool_call *calls;
    size_t call_count, own_count; /* own: asked for by the simulated user */
    const char *role_at, *timestamp_at, *cost_at;
};

/* ---- tool calls ------------------------------------------------------------------------- */

static bool no_memory(struct ct_json *json)
{
    json->status = CT_NO_MEMORY;
    return false;
}

/* Arguments are an object in tau2 and a string that holds JSON in tau-bench. */
static bool read_arguments(struct ct_json *json, ct_span *out)
{
    enum ct_json_kind kind = ct_json_peek(json);
    if (kind == CT_JSON_STRING || kind == CT_JSON_NULL)
        return ct_json_string_or_null(json, "arguments", out);
    return ct_json_raw(json, out);
}

/* {"id","name","arguments","requestor"} or {"id","function":{"name","arguments"}}. */
static bool read_call(struct ct_json *json, struct ct_tool_call *call, ct_span *requestor, bool inner)
{
    static const ct_span names[] = {CT_JSON_NAME("name"), CT_JSON_NAME("arguments"), CT_JSON_NAME("id"),
                                    CT_JSON_NAME("requestor"), CT_JSON_NAME("function")};
    const struct ct_json_fields known = {names, inner ? 2 : 5};
    struct ct_json_walk walk = {0};
    ct_span key;
    if (!ct_json_object(json, inner ? "function" : "tool_calls"))
        return false;
    while (ct_json_key(json, &walk, &key)) {
        bool ok;
        switch (ct_json_field(json, &walk, key, &known)) {
        case 0:
            ok = ct_json_string(json, "name", &call->name);
            break;
        case 1:
            ok = read_arguments(json, &call->arguments);
            break;
        case 2:
            ok = ct_json_id(json, "id", &call->id);
            break;
        case 3:
            ok = ct_json_string_or_null(json, "requestor", requestor);
            break;
        case 4:
            ok = read_call(json, call, requestor, true);
            break;
        default:
            ok = ct_json_skip(json);
        }
        if (!ok)
            return false;
    }
    return json->status == CT_OK;
}

static bool read_calls(struct ct_json *json, struct turn *turn)
{
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    struct ct_json_walk walk = {0};
    size_t room = 0;
    if (!ct_json_array(json, "tool_calls"))
        return false;
    while (ct_json_element(json, &walk)) {
        struct ct_tool_call call = {0};
        ct_span requestor = CT_SPAN_NONE;
        (void)ct_json_peek(json);
        const char *at = json->at;
        if (!read_call(json, &call, &requestor, false))
            return false;
        if (call.name.len == 0)
            return ct_json_fail(json, "missing_field", at, "name", NULL);
        if (ct_span_is(requestor, "user")) {
            turn->own_count++;
            continue;
        }
        if (turn->call_count == TOOL_CALLS_MAX)
            return ct_json_fail(json, "too_many_values", at, "tool_calls", "more than 1024");
        if (turn->call_count == room) {
            room = room ? room * 2 : 4;
            struct ct_tool_call *more = ct_arena_alloc(json->scratch, room * sizeof(*more));
            if (more == NULL)
                return no_memory(json);
            if (turn->call_count > 0)
                memcpy(more, turn->calls, turn->call_count * sizeof(*more));
            turn->calls = more;
        }
        turn->calls[turn->call_count++] = call;
    }
    return json->status == CT_OK;
}

/* ---- content, usage --------------------------------------------------------------------- */

/* {"type":"text","text":"..."}; parts without text (images) give none. */
static bool read_part(struct ct_json *json, ct_span *text)
{
    static const ct_span names[] = {CT_JSON_NAME("text")};
    static const struct ct_json_fields known = {names, 1};
    struct ct_json_walk walk = {0};
    ct_span key;
    if (ct_json_peek(json) == CT_JSON_STRING)
        return ct_json_string(json, "content", text);
    if (!ct_json_object(json, "content"))
        return false;
    while (ct_json_key(json, &walk, &key)) {
        bool is_text = ct_json_field(json, &walk, key, &known) == 0;
        if (!(is_text ? ct_json_string_or_null(json, "text", text) : ct_json_skip(json)))
            return false;
    }
    return json->status == CT_OK;
}

/* A string, null, or an array of parts, which become lines. */
static bool read_content(struct ct_json *json, ct_span *out)
{
    if (ct_json_peek(json) != CT_JSON_ARRAY)
        return ct_json_string_or_null(json, "content", out);
    struct ct_json_walk walk = {0};
    const char *begin = json->at;
    struct ct_json_mark mark = ct_json_here(json);
    if (!ct_json_skip(json))
        return false;
    char *text = ct_arena_alloc(json->scratch, (size_t)(json->at - begin));
    size_t len = 0;
    if (text == NULL)
        return no_memory(json);
    ct_json_rewind(json, mark);
    if (!ct_json_array(json, "content"))
        return false;
    while (ct_json_element(json, &walk)) {
        ct_span part = CT_SPAN_NONE;
        if (!read_part(json, &part))
            return false;
        if (part.len == 0)
            continue;
        if (len > 0)
            text[len++] = '\n'; /* two parts have at least a comma and quotes between them */
        memcpy(text + len, part.at, part.len);
        len += part.len;
    }
    *out = (ct_span){text, len};
    return json->status == CT_OK;
}

static bool read_cached(struct ct_json *json, int64_t *cached)
{
    static const ct_span names[] = {CT_JSON_NAME("cached_tokens")};
    static const struct ct_json_fields known = {names, 1};
    struct ct_json_walk walk = {0};
    ct_span key;
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    if (!ct_json_object(json, "prompt_tokens_details"))
        return false;
    while (ct_json_key(json, &walk, &key)) {
        bool is_cached = ct_json_field(json, &walk, key, &known) == 0;
        if (!(is_cached ? ct_json_count(json, "cached_tokens", cached) : ct_json_skip(json)))
            return false;
    }
    return json->status == CT_OK;
}

static bool read_usage(struct ct_json *json, struct ct_tokens *tokens)
{
    static const ct_span names[] = {CT_JSON_NAME("prompt_tokens"), CT_JSON_NAME("completion_tokens"),
                                    CT_JSON_NAME("prompt_tokens_details"), CT_JSON_NAME("cache_read_tokens")};
    static const struct ct_json_fields known = {names, 4};
    struct ct_json_walk walk = {0};
    ct_span key;
    if (ct_json_peek(json) == CT_JSON_NULL)
        return ct_json_skip(json);
    if (!ct_json_object(json, "usage"))
        return false;
    while (ct_json_key(json, &walk, &key)) {
        bool ok;
        switch (ct_json_field(json, &walk, key, &known)) {
        case 0:
            ok = ct_json_count(json, "prompt_tokens", &tokens->input);
            break;
        case 1:
            ok = ct_json_count(json, "completion_tokens", &tokens->output);
            break;
        case 2:
            ok = read_cached(json, &tokens->cached);
            break;
        case 3:
            ok = ct_json_count(json, "cache_read_tokens", &tokens->cached);
            break;
        default:
            ok = ct_json_skip(json);
        }
        if (!ok)
            return false;
    }
    return json->status == CT_OK;
}

enum turn_field { T_ROLE, T_CONTENT, T_TOOL_CALLS, T_REQUESTOR, T_TIMESTAMP, T_COST, T_USAGE };
static const ct_span turn_names[] = {
    [T_ROLE] = CT_JSON_NAME("role"),
    [T_CONTENT] = CT_JSON_NAME("content"),
    [T_TOOL_CALLS] = CT_JSON_NAME("tool_calls"),
    [T_REQUESTOR] = CT_JSON_NAME("requestor"),
    [T_TIMESTAMP] = CT_JSON_NAME("timestamp"),
    [T_COST] = CT_JSON_NAME("cost"),
    [T_USAGE] = CT_JSON_NAME("usage"),
};
static const struct ct_json_fields turn_fields = {turn_names, sizeof(turn_names) / sizeof(*turn_names)};

static bool read_turn_member(struct ct_json *json, int field, struct turn *turn)
{
    (void)ct_json_peek(json);
    switch (field) {
    case T_ROLE:
        turn->role_at = json->at;
        return ct_json_string(json, "role", &turn->role);
    case T_CONTENT:
        return read_content(json, &turn->content);
    case T_TOOL_CALLS:
        return read_calls(json, turn);
    case T_REQUESTOR:
        return ct_json_string_or_null(json, "requestor", &turn->requestor);
    case T_TIMESTAMP:
        turn->timestamp_at = json->at;
        return ct_json_string_or_null(json, "timestamp", &turn->timestamp);
    case T_COST:
        turn->cost_at = json->at;
        return ct_json_peek(json) == CT_JSON_NULL ? ct_json_skip(json) : ct_json_number(json, "cost", &turn->cost);
    case T_USAGE:
        return read_usage(json, &turn->tokens);
    default:
        return ct_json_skip(json);
    }
}

static bool read_turn(struct ct_json *json, struct turn *turn)
{
    struct ct_json_walk walk = {0};
    ct_span key;
    memset(turn, 0, sizeof(*turn));
    turn->tokens = (struct ct_tokens){-1, -1, -1, CT_SPAN_NONE};
    (void)ct_json_peek(json);
    const char *begin = json->at;
    if (!ct_json_object(json, "messages"))
        return false;
    while (ct_json_key(json, &walk, &key))
        if (!read_turn_member(json, ct_json_field(json, &walk, key, &turn_fields), turn))
            return false;
    if (json->status == CT_OK && turn->role.at == NULL)
        return ct_json_fail(json, "missing_field", begin, "role", NULL);
    return json->status == CT_OK;
}

/* ---- marks ------------------------------------------------------------------------------ */

struct mark {
    const char *text, *event; /* event: NULL = none */
};
static const struct mark marks[] = {
    {"###STOP###", NULL},
    {"###TRANSFER###", "user_transfer_mark"},
    {"###OUT-OF-SCOPE###", "user_out_of_scope_mark"},
};
#define MARK_COUNT (sizeof(marks) / sizeof(*marks))

static ct_span trim(ct_span text)
{
    while (text.len > 0 && ct_json_is_space(text.at[text.len - 1]))
        text.len--;
    while (text.len > 0 && ct_json_is_space(*text.at)) {
        text.at++;
        text.len--;
    }
    return text;
}

/* Takes marks off the end; *found gets one bit each. A text without any stays as it is. */
static ct_span strip_marks(ct_span text, unsigned *found)
{
    ct_span left = trim(text);
    *found = 0;
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < MARK_COUNT; i++) {
            size_t len = strlen(marks[i].text);
            if (left.len < len || memcmp(left.at + left.len - len, marks[i].text, len) != 0)
                continue;
            left.len -= len;
            left = trim(left);
            *found |= 1U << i;
            again = true;
        }
    }
    return *found ? left : text;
}

/* ---- emitting --------------------------------------------------------------------------- */

enum ct_status ct_simulation_refuse(const struct ct_json *json, const struct ct_frame *frame,
                                    const struct ct_parse_out *out)
{
    if (json->status != CT_REFUSED)
        return json->status;
    struct ct_refusal refusal;
    ct_json_refusal(json, frame, &refusal);
    out->refuse(out->context, &refusal);
    return CT_OK;
}

ct_span ct_simulation_id(struct ct_json *json, ct_span a, ct_span b, ct_span c)
{
    const ct_span parts[] = {a, b, c};
    char *text = ct_arena_alloc(json->scratch, a.len + b.len + c.len + 2);
    size_t len = 0;
    if (text == NULL)
        return CT_SPAN_NONE;
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].len == 0)
            continue;
        if (len > 0)
            text[len++] = '/';
        memcpy(text + len, parts[i].at, parts[i].len);
        len += parts[i].len;
    }
    return (ct_span){text, len};
}

/* One block: the span, and behind it the bytes that it points at. */
void *ct_simulation_open(const struct ct_parser_config *config, struct ct_error *err)
{
    ct_span name = config ? config->source : CT_SPAN_NONE;
    ct_span *state = malloc(sizeof(*state) + name.len);
    if (state == NULL) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    char *text = (char *)(state + 1);
    if (name.len > 0)
        memcpy(text, name.at, name.len);
    *state = (ct_span){text, name.len};
    return state;
}

void ct_simulation_close(void *state)
{
    free(state);
}

static void init_message(struct ct_message *message, const struct ct_simulation *simulation)
{
    ct_message_init(message);
    message->conversation_id = simulation->conversation_id;
    message->user_id = simulation->user_id;
}

/* Fills *message from the turn. *left_out = nothing of it belongs to the conversation. */
static bool convert(struct ct_json *json, const struct turn *turn, struct ct_message *message, unsigned *found,
                    bool *left_out)
{
    bool bot = ct_span_is(turn->role, "assistant");
    *found = 0;
    *left_out = false;
    message->text = turn->content;
    if (turn->timestamp.at != NULL && !ct_time_parse(turn->timestamp, &message->ts))
        return ct_json_fail(json, "bad_time", turn->timestamp_at, "timestamp", "not a time");
    if (bot) {
        message->role = CT_ROLE_BOT;
        message->tool_calls = turn->calls;
        message->tool_call_count = turn->call_count;
        message->tokens = turn->tokens;
        if (turn->cost.at != NULL && !ct_money_parse(turn->cost, &message->cost))
            return ct_json_fail(json, "bad_cost", turn->cost_at, "cost", "not a decimal number in range");
        /* 0 stands for a canned message or a model whose price the run did not know. */
        message->has_cost = message->cost > 0;
        message->currency = message->has_cost ? CT_SPAN_LIT("USD") : CT_SPAN_NONE;
    } else if (ct_span_is(turn->role, "user")) {
        message->role = CT_ROLE_USER;
        message->text = strip_marks(turn->content, found);
        *left_out = message->text.len == 0;
    } else if (ct_span_is(turn->role, "tool")) {
        message->role = CT_ROLE_TOOL;
        *left_out = ct_span_is(turn->requestor, "user");
    } else if (ct_span_is(turn->role, "system")) {
        *left_out = true;
    } else {
        return ct_json_fail(json, "unknown_role", turn->role_at, "role", "assistant, user, tool or system is due");
    }
    return true;
}

static enum ct_status emit_marks(const struct ct_message *like, unsigned found, const struct ct_parse_out *out)
{
    enum ct_status status = CT_OK;
    for (unsigned i = 0; i < MARK_COUNT && status == CT_OK; i++) {
        if (!(found >> i & 1) || marks[i].event == NULL)
            continue;
        struct ct_message message;
        ct_message_init(&message);
        message.conversation_id = like->conversation_id;
        message.user_id = like->user_id;
        message.role = CT_ROLE_SYSTEM;
        message.ts = like->ts;
        message.seq = like->seq + 1;
        message.event.type = CT_EVENT_OTHER;
        message.event.name = ct_span_of(marks[i].event);
        status = out->message(out->context, &message);
    }
    return status;
}

/* What is summed up over the run. */
struct totals {
    bool any, refused, cost;
    ct_usec last_ts;
};

static enum ct_status emit_turn(struct ct_json *json, const struct ct_frame *frame,
                                const struct ct_simulation *simulation, struct totals *totals,
                                const struct ct_parse_out *out)
{
    struct ct_json_mark begin = ct_json_here(json);
    struct ct_message message;
    struct turn turn;
    unsigned found;
    bool left_out;
    init_message(&message, simulation);
    message.seq = frame->offset + (uint64_t)(begin.at - json->begin);
    if (!read_turn(json, &turn) || !convert(json, &turn, &message, &found, &left_out)) {
        totals->refused = true;
        enum ct_status status = ct_simulation_refuse(json, frame, out);
        ct_json_rewind(json, begin);
        if (status == CT_OK && !ct_json_skip(json))
            status = json->status;
        return status;
    }
    if (message.ts != CT_USEC_NONE)
        totals->last_ts = message.ts;
    enum ct_status status = CT_OK;
    if (!left_out) {
        totals->any = true;
        totals->cost = totals->cost || message.has_cost;
        status = out->message(out->context, &message);
    }
    return status == CT_OK ? emit_marks(&message, found, out) : status;
}

static enum ct_status emit_labels(const struct ct_json *json, const struct ct_frame *frame,
                                  const struct ct_simulation *simulation, const struct totals *totals,
                                  const struct ct_parse_out *out)
{
    struct ct_message message;
    ct_nano reward = 0, cost = 0;
    init_message(&message, simulation);
    message.role = CT_ROLE_SYSTEM;
    message.ts = totals->last_ts;
    message.seq = frame->offset + (uint64_t)(json->end - json->begin) - 1;
    if (!totals->cost && simulation->agent_cost.at != NULL && ct_money_parse(simulation->agent_cost, &cost) &&
        cost > 0) {
        message.has_cost = true;
        message.cost = cost;
        message.currency = CT_SPAN_LIT("USD");
    }
    if (simulation->reward.at == NULL || !ct_money_parse(simulation->reward, &reward)) {
        if (!message.has_cost)
            return CT_OK;
        message.event.type = CT_EVENT_OTHER;
        message.event.name = CT_SPAN_LIT("agent_cost");
        return out->message(out->context, &message);
    }
    message.event.type = CT_EVENT_LABEL;
    message.event.name = CT_SPAN_LIT("resolved");
    message.event.value = reward >= REWARD_SUCCESS ? CT_SPAN_LIT("true") : CT_SPAN_LIT("false");
    enum ct_status status = out->message(out->context, &message);
    if (status != CT_OK)
        return status;
    message.has_cost = false;
    message.cost = 0;
    message.currency = CT_SPAN_NONE;
    message.seq++;
    message.event.name = CT_SPAN_LIT("reward");
    message.event.value = simulation->reward;
    return out->message(out->context, &message);
}

enum ct_status ct_simulation_emit(struct ct_json *json, const struct ct_frame *frame,
                                  const struct ct_simulation *simulation, const struct ct_parse_out *out)
{
    struct ct_json_walk walk = {0};
    struct totals totals = {.last_ts = CT_USEC_NONE};
    enum ct_status status = CT_OK;
    ct_json_rewind(json, simulation->messages);
    if (!ct_json_array(json, simulation->messages_key))
        return ct_simulation_refuse(json, frame, out);
    while (status == CT_OK && ct_json_element(json, &walk)) {
        (void)ct_json_peek(json);
        status = emit_turn(json, frame, simulation, &totals, out);
    }
    if (status != CT_OK)
        return status;
    if (!totals.any) {
        if (totals.refused)
            return CT_OK;
        (void)ct_json_fail(json, "no_messages", simulation->messages.at, simulation->messages_key, "empty");
        return ct_simulation_refuse(json, frame, out);
    }
    status = emit_labels(json, frame, simulation, &totals, out);
    return status == CT_OK ? out->end(out->context, simulation->conversation_id) : status;
}
