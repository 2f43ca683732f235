/* chatwoot.c - Chatwoot's events: webhooks of accounts, inboxes and agent bots, and the ActionCable stream that its own
 * dashboard listens to. Both say the same in different shapes: message_type as a word or a number, times as RFC 3339 or
 * as seconds.
 *
 * Source of the format: Chatwoot's webhook events and the listeners that make them. Called through ct_parser_chatwoot
 * by the pipeline.
 */
#include <stdio.h>

#include "parsers/json_tree.h"
#include "parsers/stamp.h"

struct event {
    struct ct_json_tree tree;
    const struct ct_frame *frame;
    const struct ct_parse_out *out;
    struct ct_arena *scratch;
    const cJSON *data; /* the message or the conversation */
    bool updated;      /* a message that was there before */
};

static bool ok(const struct event *event)
{
    return event->tree.json.status == CT_OK;
}

static enum ct_status refuse(struct event *event)
{
    return ct_json_tree_refuse(&event->tree, event->frame, event->out);
}

/* ---- values --------------------------------------------------------------------------------- */

/* An id: a string, or a whole number (below 2^53, so exact) with `prefix` before it. */
static ct_span id_of(struct event *event, const cJSON *object, const char *name, const char *prefix)
{
    const cJSON *item = ct_json_tree_get(&event->tree, object, name);
    enum { ROOM = 64 };
    if (cJSON_IsString(item) && !*prefix)
        return ct_span_of(item->valuestring);
    if (!cJSON_IsNumber(item) && !cJSON_IsString(item))
        return CT_SPAN_NONE;
    int64_t number = cJSON_IsNumber(item) ? ct_json_tree_count(&event->tree, object, name, -1) : 0;
    size_t room = ROOM + (cJSON_IsString(item) ? strlen(item->valuestring) : 0);
    char *text = ct_arena_alloc(event->scratch, room);
    if (!text) {
        event->tree.json.status = CT_NO_MEMORY;
        return CT_SPAN_NONE;
    }
    int len = cJSON_IsString(item) ? snprintf(text, room, "%s%s", prefix, item->valuestring)
                                   : snprintf(text, room, "%s%lld", prefix, (long long)number);
    return (ct_span){text, (size_t)len};
}

static ct_usec time_of(struct event *event, const cJSON *object, const char *name)
{
    const cJSON *item = ct_json_tree_get(&event->tree, object, name);
    ct_usec ts;
    if (cJSON_IsString(item) &&
        (ct_time_parse(ct_span_of(item->valuestring), &ts) || ct_stamp_epoch(ct_span_of(item->valuestring), &ts)))
        return ts;
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 253402300800.0) /* the year 10000 */
        return (ct_usec)(item->valuedouble * 1e6 + 0.5);
    return event->frame->envelope ? event->frame->envelope->received : CT_USEC_NONE;
}

/* Webchats send HTML: tags go, the five entities are read; what a customer typed has none. */
static ct_span plain(struct event *event, ct_span html)
{
    static const struct {
        const char *name, *means;
    } entities[] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&nbsp;", " "}, {"&amp;", "&"}};
    if (html.len == 0 || html.at[0] != '<')
        return html;
    char *text = ct_arena_alloc(event->scratch, html.len + 1);
    size_t len = 0, last = html.len; /* behind the last '>': from there on no tag ends, and none is looked for */
    if (!text) {
        event->tree.json.status = CT_NO_MEMORY;
        return CT_SPAN_NONE;
    }
    while (last && html.at[last - 1] != '>')
        last--;
    for (size_t i = 0; i < html.len;) {
        const char *close = html.at[i] == '<' && i < last ? memchr(html.at + i, '>', last - i) : NULL;
        if (close) {
            bool breaks = strncasecmp(html.at + i, "<br", 3) == 0 || strncasecmp(html.at + i, "</p", 3) == 0;
            if (breaks && len)
                text[len++] = '\n';
            i = (size_t)(close - html.at) + 1;
            continue;
        }
        size_t entity = 0, count = sizeof entities / sizeof *entities;
        while (html.at[i] == '&' && entity < count &&
               (html.len - i < strlen(entities[entity].name) ||
                memcmp(html.at + i, entities[entity].name, strlen(entities[entity].name)) != 0))
            entity++;
        if (html.at[i] == '&' && entity < count) {
            text[len++] = entities[entity].means[0];
            i += strlen(entities[entity].name);
        } else {
            text[len++] = html.at[i++];
        }
    }
    while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
        len--;
    return (ct_span){text, len};
}

/* ---- who and where ---------------------------------------------------------------------------- */

/* `conversation` is the object inside a webhook's message, or the conversation itself; the cable has only its number.
 */
static void identify(struct event *event, const cJSON *conversation, struct ct_message *message)
{
    struct ct_json_tree *tree = &event->tree;
    const cJSON *data = event->data;
    message->conversation_id = id_of(event, data, "conversation_id", "");
    if (!message->conversation_id.len)
        message->conversation_id = id_of(event, conversation, "id", "");
    const cJSON *meta = ct_json_tree_object(tree, conversation, "meta");
    const cJSON *sender = ct_json_tree_object(tree, data, "sender");
    const cJSON *contact = ct_json_tree_object(tree, meta, "sender");
    ct_span type = ct_json_tree_string(tree, sender, "type");
    if (!contact && (ct_span_is(type, "contact") || ct_span_is(type, "Contact")))
        contact = sender;
    message->user_id = id_of(event, contact, "id", "");
    const cJSON *account = ct_json_tree_get(tree, data, "account");
    message->tenant = cJSON_IsObject(account) ? id_of(event, account, "id", "") : id_of(event, data, "account_id", "");
    ct_span channel = ct_json_tree_string(tree, conversation, "channel");
    static const char prefix[] = "Channel::"; /* "Channel::WebWidget" */
    size_t skip =
        channel.len > sizeof prefix - 1 && memcmp(channel.at, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    message->channel = (ct_span){channel.at + skip, channel.len - skip};
    const cJSON *browser =
        ct_json_tree_object(tree, ct_json_tree_object(tree, conversation, "additional_attributes"), "browser");
    message->language = ct_json_tree_string(tree, browser, "browser_language");
    if (ok(event) && !message->conversation_id.len)
        (void)ct_json_tree_fail(tree, "missing_field", "conversation", NULL);
}

static enum ct_status emit(struct event *event, const struct ct_message *message)
{
    if (!ok(event))
        return refuse(event);
    return event->out->message(event->out->context, message);
}

/* ---- messages --------------------------------------------------------------------------------- */

enum type { INCOMING, OUTGOING, ACTIVITY, TEMPLATE, UNKNOWN };

static enum type type_of(struct event *event)
{
    static const char *const names[] = {"incoming", "outgoing", "activity", "template"};
    const cJSON *item = ct_json_tree_get(&event->tree, event->data, "message_type");
    for (int i = 0; i < UNKNOWN; i++) {
        if ((cJSON_IsString(item) && strcmp(item->valuestring, names[i]) == 0) ||
            (cJSON_IsNumber(item) && item->valuedouble == i))
            return (enum type)i;
    }
    return UNKNOWN;
}

/* An outgoing message without a sender comes from an integration: as long as the conversation is the bot's (pending) it
 * is the bot's word. */
static enum ct_role role_of(struct event *event, enum type type, const cJSON *conversation)
{
    struct ct_json_tree *tree = &event->tree;
    ct_span sender = ct_json_tree_string(tree, ct_json_tree_object(tree, event->data, "sender"), "type");
    if (!sender.len)
        sender = ct_json_tree_string(tree, event->data, "sender_type");
    if (ct_span_is(sender, "agent_bot") || ct_span_is(sender, "AgentBot"))
        return CT_ROLE_BOT;
    if (type == INCOMING)
        return CT_ROLE_USER;
    if (type == ACTIVITY || type == TEMPLATE) /* greetings and surveys that the platform itself writes */
        return CT_ROLE_SYSTEM;
    if (ct_span_is(sender, "user") || ct_span_is(sender, "User"))
        return CT_ROLE_AGENT;
    return ct_span_is(ct_json_tree_string(tree, conversation, "status"), "open") ? CT_ROLE_AGENT : CT_ROLE_BOT;
}

/* The survey's answer comes as a change of the message that asked. */
static bool read_survey(struct event *event, struct ct_message *message)
{
    struct ct_json_tree *tree = &event->tree;
    const cJSON *attributes = ct_json_tree_object(tree, event->data, "content_attributes");
    const cJSON *values = ct_json_tree_object(tree, attributes, "submitted_values");
    const cJSON *survey = ct_json_tree_object(tree, values, "csat_survey_response");
    int64_t rating = ct_json_tree_count(tree, survey, "rating", -1);
    char *value = survey ? ct_arena_alloc(event->scratch, 24) : NULL;
    if (!survey || rating < 1 || rating > 5 || !value)
        return false;
    message->role = CT_ROLE_USER;
    message->text = CT_SPAN_NONE;
    message->ts = time_of(event, event->data, "updated_at");
    message->event = (struct ct_event){.type = CT_EVENT_FEEDBACK,
                                       .name = CT_SPAN_LIT("csat"),
                                       .value = {value, (size_t)snprintf(value, 24, "%lld", (long long)rating)},
                                       .scale_min = 1,
                                       .scale_max = 5,
                                       .text = ct_json_tree_string(tree, survey, "feedback_message")};
    message->id = id_of(event, event->data, "id", "csat-");
    return true;
}

static enum ct_status read_message(struct event *event)
{
    struct ct_json_tree *tree = &event->tree;
    const cJSON *conversation = ct_json_tree_object(tree, event->data, "conversation");
    const cJSON *hidden = ct_json_tree_get(tree, event->data, "private");
    enum type type = type_of(event);
    struct ct_message message;
    ct_message_init(&message);
    if (cJSON_IsTrue(hidden))
        return ok(event) ? CT_OK : refuse(event); /* an internal note: the customer never sees it */
    message.seq = event->frame->offset;
    identify(event, conversation, &message);
    if (event->updated) /* deliveries, edits, deletions: the text was read when it came */
        return read_survey(event, &message) || !ok(event) ? emit(event, &message) : CT_OK;
    if (ok(event) && type == UNKNOWN)
        (void)ct_json_tree_fail(tree, "missing_field", "message_type", NULL);
    message.role = role_of(event, type, conversation);
    message.id = id_of(event, event->data, "id", "");
    message.ts = time_of(event, event->data, "created_at");
    message.text = plain(event, ct_json_tree_string(tree, event->data, "content"));
    const cJSON *attachments = ct_json_tree_array(tree, event->data, "attachments");
    if (!message.text.len && attachments && attachments->child)
        message.event = (struct ct_event){.type = CT_EVENT_OTHER, .name = CT_SPAN_LIT("media"), .scale_min = -1};
    return emit(event, &message);
}

/* ---- the conversation's own events --------------------------------------------------------------- */

/* The status before, where the event says it: webhooks as changed_attributes, the cable as previous_changes. */
static ct_span status_before(struct event *event)
{
    struct ct_json_tree *tree = &event->tree;
    const cJSON *change, *changes = ct_json_tree_get(tree, event->data, "changed_attributes");
    if (cJSON_IsArray(changes)) {
        cJSON_ArrayForEach(change, changes)
        {
            const cJSON *status = ct_json_tree_get(tree, change, "status");
            if (cJSON_IsObject(status))
                return ct_json_tree_string(tree, status, "previous_value");
        }
    }
    const cJSON *before = ct_json_tree_get(tree, ct_json_tree_get(tree, event->data, "previous_changes"), "status");
    return cJSON_IsArray(before) && cJSON_IsString(before->child) ? ct_span_of(before->child->valuestring)
                                                                  : CT_SPAN_NONE;
}

static void handoff(struct ct_event *out, enum ct_handoff_phase phase)
{
    *out = (struct ct_event){.type = CT_EVENT_HANDOFF, .phase = phase, .by = CT_SPAN_LIT("bot"), .scale_min = -1};
}

/* pending is the bot's, open a person's, resolved the end. */
static bool read_status(struct event *event, struct ct_message *message)
{
    ct_span now = ct_json_tree_string(&event->tree, event->data, "status"), before = status_before(event);
    if (ct_span_is(now, "resolved")) {
        message->event = (struct ct_event){.type = CT_EVENT_CLOSE, .scale_min = -1};
        return true;
    }
    if (ct_span_is(before, "resolved") && !ct_span_is(now, "snoozed")) {
        message->event = (struct ct_event){.type = CT_EVENT_REOPEN, .scale_min = -1};
        return true;
    }
    if (ct_span_is(before, "pending") && ct_span_is(now, "open")) {
        handoff(&message->event, CT_PHASE_REQUESTED); /* asked for; a person's word or name says that one came */
        return true;
    }
    if (ct_span_is(before, "open") && ct_span_is(now, "pending")) {
        handoff(&message->event, CT_PHASE_RETURNED);
        return true;
    }
    return false;
}

static enum ct_status read_conversation(struct event *event, ct_span name)
{
    struct ct_message message;
    ct_message_init(&message);
    message.seq = event->frame->offset;
    message.role = CT_ROLE_SYSTEM;
    identify(event, event->data, &message);
    message.ts = time_of(event, event->data, "updated_at");
    bool says;
    if (ct_span_is(name, "conversation.bot_handoff") || ct_span_is(name, "conversation_bot_handoff")) {
        handoff(&message.event, CT_PHASE_REQUESTED);
        says = true;
    } else if (ct_span_is(name, "assignee.changed")) {
        const cJSON *meta = ct_json_tree_object(&event->tree, event->data, "meta");
        says = ct_json_tree_get(&event->tree, meta, "assignee") != NULL;
        handoff(&message.event, CT_PHASE_ACCEPTED);
    } else if (ct_span_is(name, "conversation_resolved")) {
        message.event = (struct ct_event){.type = CT_EVENT_CLOSE, .scale_min = -1};
        says = true;
    } else {
        says = read_status(event, &message);
    }
    return says || !ok(event) ? emit(event, &message) : CT_OK;
}

/* ---- one event ------------------------------------------------------------------------------------ */

static bool is_one_of(ct_span name, const char *const *names)
{
    for (; *names; names++) {
        if (ct_span_is(name, *names))
            return true;
    }
    return false;
}

static enum ct_status convert(struct event *event)
{
    static const char *const created[] = {"message_created", "message.created", NULL};
    static const char *const updated[] = {"message_updated", "message.updated", NULL};
    static const char *const conversation[] = {"conversation_status_changed",
                                               "conversation.status_changed",
                                               "conversation_updated",
                                               "conversation.updated",
                                               "conversation_resolved",
                                               "conversation_opened",
                                               "conversation.bot_handoff",
                                               "conversation_bot_handoff",
                                               "assignee.changed",
                                               NULL};
    struct ct_json_tree *tree = &event->tree;
    const cJSON *envelope = tree->root, *inner = ct_json_tree_get(tree, tree->root, "message");
    if (cJSON_IsObject(inner) && ct_json_tree_get(tree, inner, "event"))
        envelope = inner; /* a frame of the cable: {identifier, message:{event, data}} */
    ct_span name = ct_json_tree_string(tree, envelope, "event");
    const cJSON *data = ct_json_tree_object(tree, envelope, "data");
    event->data = data ? data : envelope;
    event->updated = is_one_of(name, updated);
    if (ok(event) && event->updated && !ct_json_tree_get(tree, event->data, "content_attributes"))
        return CT_OK;
    if (ok(event) && (event->updated || is_one_of(name, created)))
        return read_message(event);
    if (ok(event) && is_one_of(name, conversation))
        return read_conversation(event, name);
    if (ok(event) && name.len)
        return CT_OK; /* typing, presence, contacts: nothing that was said */
    if (ok(event) && ct_json_tree_get(tree, tree->root, "message_type"))
        return read_message(event); /* a message as the API lists it */
    if (ok(event) && ct_json_tree_get(tree, tree->root, "type"))
        return CT_OK; /* the cable's own: welcome, ping, confirm_subscription */
    if (ok(event))
        (void)ct_json_tree_fail(tree, "missing_field", "event", NULL);
    return refuse(event);
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    (void)state;
    struct event event = {.frame = frame, .out = out, .scratch = scratch};
    if (!ct_json_tree_read(&event.tree, frame->bytes, scratch))
        return refuse(&event);
    enum ct_status status;
    if (cJSON_IsObject(event.tree.root)) {
        status = convert(&event);
    } else {
        (void)ct_json_tree_fail(&event.tree, "wrong_type", NULL, "an object is due");
        status = refuse(&event);
    }
    ct_json_tree_done(&event.tree);
    return status;
}

/* ---- the parser ------------------------------------------------------------------------------------- */

static bool holds(ct_span head, const char *text)
{
    return memmem(head.at, head.len, text, strlen(text)) != NULL;
}

static int detect(ct_span head)
{
    bool typed = holds(head, "\"message_type\"") && holds(head, "\"content_type\"");
    if (holds(head, "\\\"RoomChannel\\\"") || (typed && holds(head, "\"message_created\"")))
        return 95;
    if (holds(head, "\"message.created\"") || holds(head, "\"conversation_status_changed\""))
        return 85;
    return typed && holds(head, "\"inbox_id\"") ? 80 : 0;
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

static const struct ct_option options[] = {{NULL, NULL, NULL, NULL}};

const struct ct_parser ct_parser_chatwoot = {
    .name = "chatwoot",
    .title = "Chatwoot (webhooks and the ActionCable stream)",
    .help = "Events of accounts, inboxes and agent bots as the webhook gets them, frames of the ActionCable stream, or "
            "messages as "
            "the API lists them. A contact is the customer, an agent_bot the bot, a user a person; private notes are "
            "left out. "
            "pending to open is a handoff asked for, an assignee or a person's word one that came; resolved is the "
            "end, anything "
            "after it a reopening. The answer to the CSAT survey comes with the change of the message that asked. HTML "
            "becomes "
            "plain text.",
    .extensions = ".json .jsonl",
    .framing = CT_FRAMING_JSON,
    .options = options,
    .detect = detect,
    .open = open_parser,
    .record = record,
    .close = close_parser,
};
