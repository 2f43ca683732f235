/* openai.c - logs of OpenAI's chat completions API: requests, responses, pairs, fine-tuning lines.
 *
 * Source of the format: platform.openai.com/docs/api-reference/chat, the batch and the fine-tuning guides.
 * Called through ct_parser_openai by the pipeline.
 */
#include "parsers/json_head.h"
#include "parsers/json_tree.h"

#include <stdio.h>
#include <stdlib.h>

#define TOOL_CALLS_MAX 1024

/* One record being turned into messages. */
struct log {
    struct ct_json_tree tree;
    const struct ct_frame *frame;
    const struct ct_parse_out *out;
    struct ct_arena *scratch;
    struct ct_message common; /* what all its messages share */
    uint64_t seq;
    bool any, refused, begun; /* begun: something other than a prompt was met */
};

static bool ok(const struct log *log)
{
    return log->tree.json.status == CT_OK;
}

static enum ct_status refuse(struct log *log)
{
    log->refused |= log->tree.json.status == CT_REFUSED;
    return ct_json_tree_refuse(&log->tree, log->frame, log->out);
}

static void *allocate(struct log *log, size_t bytes)
{
    void *room = ct_arena_alloc(log->scratch, bytes);
    if (room == NULL)
        log->tree.json.status = CT_NO_MEMORY;
    return room;
}

/* ---- parts of a message ----------------------------------------------------------------- */

static ct_span part_text(struct log *log, const cJSON *part)
{
    if (cJSON_IsString(part))
        return ct_span_of(part->valuestring);
    ct_span text = ct_json_tree_string(&log->tree, part, "text");
    return text.len ? text : ct_json_tree_string(&log->tree, part, "refusal");
}

/* Text parts become lines; images, audio and files have no text. */
static ct_span join_parts(struct log *log, const cJSON *parts)
{
    const cJSON *part;
    size_t room = 0, len = 0;
    cJSON_ArrayForEach(part, parts) room += part_text(log, part).len + 1;
    char *text = allocate(log, room);
    if (text == NULL)
        return CT_SPAN_NONE;
    cJSON_ArrayForEach(part, parts)
    {
        ct_span piece = part_text(log, part);
        if (piece.len == 0)
            continue;
        if (len > 0)
            text[len++] = '\n';
        memcpy(text + len, piece.at, piece.len);
        len += piece.len;
    }
    return (ct_span){text, len};
}

static ct_span read_text(struct log *log, const cJSON *item)
{
    const cJSON *content = ct_json_tree_get(&log->tree, item, "content");
    if (cJSON_IsArray(content))
        return join_parts(log, content);
    ct_span text = ct_json_tree_string(&log->tree, item, "content");
    return text.len ? text : ct_json_tree_string(&log->tree, item, "refusal");
}

static void read_call(struct log *log, const cJSON *item, struct ct_tool_call *call)
{
    const cJSON *function = ct_json_tree_object(&log->tree, item, "function");
    if (function == NULL)
        function = ct_json_tree_object(&log->tree, item, "custom");
    *call = (struct ct_tool_call){
        .id = ct_json_tree_string(&log->tree, item, "id"),
        .name = ct_json_tree_string(&log->tree, function ? function : item, "name"),
    };
    const cJSON *arguments = ct_json_tree_get(&log->tree, function ? function : item, "arguments");
    if (cJSON_IsString(arguments))
        call->arguments = ct_span_of(arguments->valuestring);
    if (ok(log) && call->name.len == 0)
        (void)ct_json_tree_fail(&log->tree, "missing_field", "name", "of a tool call");
}

static void read_calls(struct log *log, const cJSON *item, struct ct_message *message)
{
    const cJSON *calls = ct_json_tree_array(&log->tree, item, "tool_calls");
    const cJSON *old = ct_json_tree_object(&log->tree, item, "function_call"), *call;
    int count = cJSON_GetArraySize(calls) + (old != NULL), i = 0;
    if (count == 0 || !ok(log))
        return;
    if (count > TOOL_CALLS_MAX) {
        (void)ct_json_tree_fail(&log->tree, "too_many_values", "tool_calls", "more than 1024");
        return;
    }
    struct ct_tool_call *list = allocate(log, (size_t)count * sizeof(*list));
    if (list == NULL)
        return;
    cJSON_ArrayForEach(call, calls) read_call(log, call, &list[i++]);
    if (old != NULL)
        read_call(log, old, &list[i++]);
    message->tool_calls = list;
    message->tool_call_count = (size_t)count;
}

/* Seconds since 1970 (milliseconds where the number is too large for them), or RFC 3339. */
static ct_usec read_time(struct log *log, const cJSON *item, const char *name)
{
    const cJSON *time = ct_json_tree_get(&log->tree, item, name);
    ct_usec ts = CT_USEC_NONE;
    if (cJSON_IsNumber(time)) {
        double seconds = time->valuedouble < 1e11 ? time->valuedouble : time->valuedouble / 1000;
        if (seconds >= 0 && seconds < 253402300800.0) /* the year 10000 */
            return (ct_usec)(seconds * 1e6 + 0.5);
    } else if (time == NULL || (cJSON_IsString(time) && ct_time_parse(ct_span_of(time->valuestring), &ts))) {
        return ts;
    }
    (void)ct_json_tree_fail(&log->tree, "bad_time", name, "not a time");
    return CT_USEC_NONE;
}

static void read_usage(struct log *log, const cJSON *owner, struct ct_tokens *tokens)
{
    const cJSON *usage = ct_json_tree_object(&log->tree, owner, "usage");
    const cJSON *details = ct_json_tree_object(&log->tree, usage, "prompt_tokens_details");
    tokens->input = ct_json_tree_count(&log->tree, usage, "prompt_tokens", -1);
    tokens->cached = ct_json_tree_count(&log->tree, details, "cached_tokens", -1);
    tokens->output = ct_json_tree_count(&log->tree, usage, "completion_tokens", -1);
}

/* ---- messages --------------------------------------------------------------------------- */

static enum ct_role role_of(ct_span name)
{
    static const struct {
        const char *name;
        enum ct_role role;
    } roles[] = {
        {"user", CT_ROLE_USER},     {"assistant", CT_ROLE_BOT}, {"tool", CT_ROLE_TOOL},
        {"function", CT_ROLE_TOOL}, {"system", CT_ROLE_SYSTEM}, {"developer", CT_ROLE_SYSTEM},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
        if (ct_span_is(name, roles[i].name))
            return roles[i].role;
    return CT_ROLE_UNKNOWN;
}

/* `response`: the API's answer that this message came in, with its time and usage; NULL = none. */
static enum ct_status emit(struct log *log, const cJSON *item, const cJSON *response)
{
    struct ct_message message = log->common;
    struct ct_json_tree *tree = &log->tree;
    message.seq = log->seq++;
    if (!cJSON_IsObject(item)) {
        (void)ct_json_tree_fail(tree, "wrong_type", "messages", "an object is due for each");
        return refuse(log);
    }
    ct_span role = ct_json_tree_string(tree, item, "role");
    message.role = role_of(role);
    message.text = read_text(log, item);
    message.ts = read_time(log, item, "timestamp");
    if (message.role == CT_ROLE_BOT)
        read_calls(log, item, &message);
    if (response != NULL) {
        message.ts = read_time(log, response, "created");
        read_usage(log, response, &message.tokens);
        ct_span model = ct_json_tree_string(tree, response, "model");
        message.tokens.model = model.len ? model : log->common.tokens.model;
    } else if (message.role != CT_ROLE_BOT) {
        message.tokens.model = CT_SPAN_NONE;
    }
    if (ok(log) && role.at == NULL)
        (void)ct_json_tree_fail(tree, "missing_field", "role", NULL);
    if (ok(log) && message.role == CT_ROLE_UNKNOWN)
        (void)ct_json_tree_fail(tree, "unknown_role", "role", NULL);
    if (!ok(log))
        return refuse(log);
    if (message.role == CT_ROLE_SYSTEM && !log->begun)
        return CT_OK; /* the prompt: nobody in the conversation reads it */
    log->begun = log->any = true;
    return log->out->message(log->out->context, &message);
}

static enum ct_status emit_request(struct log *log, const cJSON *request)
{
    enum ct_status status = CT_OK;
    const cJSON *item, *messages = ct_json_tree_array(&log->tree, request, "messages");
    if (!ok(log))
        return refuse(log);
    cJSON_ArrayForEach(item, messages)
    {
        status = emit(log, item, NULL);
        if (status != CT_OK)
            break;
    }
    return status;
}

/* Of several choices only the first was said. */
static enum ct_status emit_response(struct log *log, const cJSON *response)
{
    const cJSON *choices = ct_json_tree_array(&log->tree, response, "choices");
    const cJSON *choice = choices ? choices->child : NULL;
    const cJSON *item = ct_json_tree_object(&log->tree, choice, "message");
    if (ok(log) && choice != NULL && item == NULL)
        (void)ct_json_tree_fail(&log->tree, "missing_field", "message", "of a choice");
    if (!ok(log))
        return refuse(log);
    return item ? emit(log, item, response) : CT_OK;
}

/* ---- identity --------------------------------------------------------------------------- */

/* The first of these members that is a string or a whole number. cJSON keeps numbers as doubles: beyond 2^53 two
 * identifiers may have become one, so such a number is refused. */
static ct_span first_string(struct log *log, const cJSON *object, const char *const *names)
{
    for (; *names; names++) {
        const cJSON *item = ct_json_tree_get(&log->tree, object, *names);
        if (cJSON_IsString(item) && *item->valuestring)
            return ct_span_of(item->valuestring);
        if (!cJSON_IsNumber(item))
            continue;
        const double most = (double)CT_JSON_COUNT_MAX;
        if (!(item->valuedouble >= -most && item->valuedouble <= most)) {
            (void)ct_json_tree_fail(&log->tree, "number_out_of_range", *names, "beyond 2^53 - 1 a string is due");
            return CT_SPAN_NONE;
        }
        if (item->valuedouble != (double)(int64_t)item->valuedouble)
            continue;
        char *text = allocate(log, 24);
        return text ? (ct_span){text, (size_t)snprintf(text, 24, "%.0f", item->valuedouble)} : CT_SPAN_NONE;
    }
    return CT_SPAN_NONE;
}

static ct_span derived_id(struct log *log, ct_span source)
{
    size_t room = source.len + 64;
    char *text = allocate(log, room);
    if (text == NULL)
        return CT_SPAN_NONE;
    int len = snprintf(text, room, "%.*s:%llu", (int)source.len, source.at ? source.at : "",
                       (unsigned long long)log->frame->line);
    if (log->frame->part > 0)
        len += snprintf(text + len, room - (size_t)len, ".%u", log->frame->part + 1);
    return (ct_span){text, (size_t)len};
}

static void identify(struct log *log, const cJSON *request, const cJSON *response, ct_span source)
{
    static const char *const ids[] = {"conversation_id", "thread_id", "session_id", "custom_id", NULL};
    static const char *const own_ids[] = {"id", NULL};
    static const char *const users[] = {"user_id", "user", "safety_identifier", NULL};
    static const char *const models[] = {"model", NULL};
    const cJSON *root = log->tree.root;
    const cJSON *places[] = {root, request, ct_json_tree_get(&log->tree, root, "metadata"),
                             ct_json_tree_get(&log->tree, request, "metadata")};
    struct ct_message *common = &log->common;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (common->conversation_id.len == 0)
            common->conversation_id = first_string(log, places[i], ids);
        if (common->user_id.len == 0)
            common->user_id = first_string(log, places[i], users);
    }
    if (common->conversation_id.len == 0)
        common->conversation_id = first_string(log, root, own_ids);
    if (common->conversation_id.len == 0)
        common->conversation_id = first_string(log, response, own_ids);
    if (common->conversation_id.len == 0)
        common->conversation_id = derived_id(log, source);
    common->tokens.model = first_string(log, request, models);
}

/* A member that holds the whole, or the "body" inside it, as batch files have it. */
static const cJSON *part_of(struct log *log, const char *name, const char *holds)
{
    const cJSON *part = ct_json_tree_object(&log->tree, log->tree.root, name);
    if (part != NULL && ct_json_tree_get(&log->tree, part, holds) == NULL) {
        const cJSON *body = ct_json_tree_object(&log->tree, part, "body");
        return body ? body : part;
    }
    return part;
}

static enum ct_status convert(struct log *log, ct_span source)
{
    const cJSON *root = log->tree.root;
    if (!cJSON_IsObject(root)) {
        (void)ct_json_tree_fail(&log->tree, "wrong_type", NULL, "an object is due");
        return refuse(log);
    }
    const cJSON *request = part_of(log, "request", "messages");
    const cJSON *response = part_of(log, "response", "choices");
    if (request == NULL)
        request = part_of(log, "body", "messages");
    if (request == NULL)
        request = root;
    if (response == NULL)
        response = root;
    bool known = ct_json_tree_get(&log->tree, request, "messages") || ct_json_tree_get(&log->tree, response, "choices");
    if (ok(log) && !known)
        (void)ct_json_tree_fail(&log->tree, "missing_field", "messages", "nor is there \"choices\"");
    if (!ok(log))
        return refuse(log);
    identify(log, request, response, source);
    if (!ok(log))
        return refuse(log);
    enum ct_status status = emit_request(log, request);
    if (status == CT_OK)
        status = emit_response(log, response);
    if (status != CT_OK)
        return status;
    if (log->any)
        return log->out->end(log->out->context, log->common.conversation_id);
    if (log->refused)
        return CT_OK;
    (void)ct_json_tree_fail(&log->tree, "no_messages", "messages", "empty, or only a prompt");
    return refuse(log);
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    const ct_span *source = state;
    struct log log = {.frame = frame, .out = out, .scratch = scratch, .seq = frame->offset};
    ct_message_init(&log.common);
    if (!ct_json_tree_read(&log.tree, frame->bytes, scratch))
        return refuse(&log);
    enum ct_status status = convert(&log, *source);
    ct_json_tree_done(&log.tree);
    return status;
}

/* ---- the parser ------------------------------------------------------------------------- */

static bool has(uint64_t keys, enum ct_head_key key)
{
    return ct_json_head_has(&keys, key);
}

static int detect(ct_span bytes)
{
    struct ct_json_head head;
    ct_json_head_read(&head, bytes);
    uint64_t top = head.top, message = head.inner[CT_HEAD_messages];
    bool tau = has(top, CT_HEAD_task_id) || has(top, CT_HEAD_traj) || has(top, CT_HEAD_run_info);
    if (has(top, CT_HEAD_messages) && has(message, CT_HEAD_role))
        return tau || has(message, CT_HEAD_text) ? 10 : 90;
    if (has(top, CT_HEAD_choices))
        return has(head.inner[CT_HEAD_choices], CT_HEAD_message) || has(top, CT_HEAD_model) ? 92 : 40;
    if (has(head.inner[CT_HEAD_request], CT_HEAD_messages) || has(head.inner[CT_HEAD_response], CT_HEAD_choices) ||
        has(head.inner[CT_HEAD_body], CT_HEAD_messages) || has(head.inner[CT_HEAD_response], CT_HEAD_body))
        return 92;
    if (has(head.inner[CT_HEAD_data], CT_HEAD_choices) || has(head.inner[CT_HEAD_data], CT_HEAD_messages))
        return 80;
    return 0;
}

/* The state is the name of the source: one block, the span and behind it the bytes that it points at. */
static void *open_parser(const struct ct_parser_config *config, struct ct_error *err)
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

static void close_parser(void *state)
{
    free(state);
}

static const char *const array_keys[] = {"data", NULL};

const struct ct_parser ct_parser_openai = {
    .name = "openai",
    .title = "OpenAI chat completions (JSON lines)",
    .help =
        "Each line (or element of a JSON array, or of {\"data\":[...]}) is a conversation of its own: "
        "{\"messages\":[...]} as "
        "in requests and fine-tuning files, a response with \"choices\", both in one object, "
        "{\"request\":{...},\"response\":{...}}, or a line of a batch file. assistant is the bot; tool and function "
        "are "
        "tools; a system or developer message before the first other one is the prompt and is left out. Of several "
        "choices the first counts. \"usage\" gives the answer's tokens, \"created\" its time; request messages have "
        "none. "
        "The id is conversation_id, thread_id, session_id or custom_id (of the line or its metadata), else id, else "
        "SOURCE:LINE. A log whose requests repeat the history has each state of a conversation as a line: keep the "
        "last one of each.",
    .extensions = ".jsonl .json",
    .framing = CT_FRAMING_JSON,
    .array_keys = array_keys,
    .detect = detect,
    .open = open_parser,
    .record = record,
    .close = close_parser,
};
