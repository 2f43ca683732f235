/* rasa_socketio.c - what passes between a Rasa webchat and its bot over Socket.IO: user_uttered and bot_uttered, as the
 * packets are on the wire (42["user_uttered",{...}]) or as the events without their packet (["user_uttered",{...}]).
 *
 * Source of the format: Rasa's SocketIO channel, the Engine.IO 4 and Socket.IO 5 protocols. The bot's frames do not
 * name the session: the connection that they came on is the conversation, unless the frame says better. Called through
 * ct_parser_rasa_socketio by the pipeline.
 */
#include <stdio.h>
#include <stdlib.h>

#include "parsers/json_tree.h"

struct settings {
    ct_span user_event, bot_event;
    char text[];
};

struct packet {
    struct ct_json_tree tree;
    const struct settings *settings;
    const struct ct_frame *frame;
    const struct ct_parse_out *out;
    struct ct_arena *scratch;
};

extern const struct ct_parser ct_parser_rasa_socketio;

static enum ct_status refuse(struct packet *p)
{
    return ct_json_tree_refuse(&p->tree, p->frame, p->out);
}

/* Behind Engine.IO's 4 (message) and Socket.IO's 2 (event), a namespace "/x," and an acknowledgement's number may stand
 * before the JSON. Any other packet says nothing: *event is then empty. */
static ct_span event_of(ct_span bytes)
{
    size_t at = 0;
    if (bytes.len && bytes.at[0] == '[')
        return bytes;
    if (bytes.len < 3 || bytes.at[0] != '4' || bytes.at[1] != '2')
        return CT_SPAN_NONE;
    at = 2;
    if (bytes.at[at] == '/') {
        const char *comma = memchr(bytes.at + at, ',', bytes.len - at);
        at = comma ? (size_t)(comma - bytes.at) + 1 : bytes.len;
    }
    while (at < bytes.len && bytes.at[at] >= '0' && bytes.at[at] <= '9')
        at++;
    return (ct_span){bytes.at + at, bytes.len - at};
}

static bool is_packet(ct_span bytes)
{
    return bytes.len && ((bytes.at[0] >= '0' && bytes.at[0] <= '6') || bytes.at[0] == '[');
}

static ct_span text_of(struct packet *p, const cJSON *body, bool user)
{
    const cJSON *text = ct_json_tree_get(&p->tree, body, user ? "message" : "text");
    return cJSON_IsString(text) ? ct_span_of(text->valuestring) : CT_SPAN_NONE;
}

/* A button sends its intent as the text: "/affirm", "/inform{\"city\":\"Cali\"}". The two that steer the session are no
 * intent of the customer's. */
static ct_span intent_of(ct_span text)
{
    size_t end = 1;
    if (text.len < 2 || text.at[0] != '/') {
        return CT_SPAN_NONE;
    }
    while (end < text.len && strchr("{@ \t\n", text.at[end]) == NULL) {
        end++;
    }
    ct_span intent = {text.at + 1, end - 1};
    return ct_span_is(intent, "session_start") || ct_span_is(intent, "restart") ? CT_SPAN_NONE : intent;
}

static enum ct_status take(struct packet *p, const cJSON *name, const cJSON *body)
{
    struct ct_json_tree *tree = &p->tree;
    const struct ct_envelope *envelope = p->frame->envelope;
    bool user = ct_span_is(p->settings->user_event, name->valuestring);
    if (!user && !ct_span_is(p->settings->bot_event, name->valuestring))
        return CT_OK; /* session_request, session_confirm, what the page invents */
    struct ct_message message;
    ct_message_init(&message);
    message.seq = p->frame->offset;
    message.role = user ? CT_ROLE_USER : CT_ROLE_BOT;
    message.text = text_of(p, body, user);
    message.intent = user ? intent_of(message.text) : CT_SPAN_NONE;
    message.conversation_id = envelope ? envelope->stream : CT_SPAN_NONE;
    ct_span session = ct_json_tree_string(tree, body, "session_id");
    if (!message.conversation_id.len)
        message.conversation_id = session;
    message.user_id = session;
    message.ts = envelope ? envelope->received : CT_USEC_NONE;
    const cJSON *custom = ct_json_tree_get(tree, body, "customData");
    const cJSON *language = ct_json_tree_get(tree, custom, "language");
    if (cJSON_IsString(language))
        message.language = ct_span_of(language->valuestring);
    message.channel = CT_SPAN_LIT("web");
    bool media = ct_json_tree_get(tree, body, "attachment") || ct_json_tree_get(tree, body, "image");
    if (!message.text.len && media)
        message.event = (struct ct_event){.type = CT_EVENT_OTHER, .name = CT_SPAN_LIT("media"), .scale_min = -1};
    if (tree->json.status == CT_OK && !message.conversation_id.len)
        (void)ct_json_tree_fail(tree, "missing_field", "session_id", NULL);
    if (tree->json.status != CT_OK)
        return refuse(p);
    return p->out->message(p->out->context, &message);
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    struct packet p = {.settings = state, .frame = frame, .out = out, .scratch = scratch};
    ct_span event = event_of(frame->bytes);
    if (!event.len) {
        if (is_packet(frame->bytes) || !frame->bytes.len)
            return CT_OK;
        struct ct_refusal refusal = {.reason = "bad_packet", .offset = frame->offset, .line = frame->line};
        out->refuse(out->context, &refusal);
        return CT_OK;
    }
    if (!ct_json_tree_read(&p.tree, event, scratch))
        return refuse(&p);
    const cJSON *name = cJSON_IsArray(p.tree.root) ? p.tree.root->child : NULL;
    const cJSON *body = name ? name->next : NULL;
    enum ct_status status = CT_OK;
    if (!cJSON_IsString(name)) {
        (void)ct_json_tree_fail(&p.tree, "wrong_type", NULL, "an array is due that begins with the event's name");
        status = refuse(&p);
    } else if (cJSON_IsObject(body)) {
        status = take(&p, name, body);
    }
    ct_json_tree_done(&p.tree);
    return status;
}

/* ---- the parser --------------------------------------------------------------------------------- */

static int detect(ct_span head)
{
    bool uttered =
        memmem(head.at, head.len, "\"user_uttered\"", 14) || memmem(head.at, head.len, "\"bot_uttered\"", 13);
    return uttered && is_packet(head) ? 95 : 0;
}

static const struct ct_option options[] = {
    {"user_event", "string", "user_uttered", "The event of what the customer writes."},
    {"bot_event", "string", "bot_uttered", "The event of what the bot answers."},
    {NULL, NULL, NULL, NULL}};

static void *open_parser(const struct ct_parser_config *config, struct ct_error *err)
{
    ct_span user = ct_parser_option(&ct_parser_rasa_socketio, config, "user_event");
    ct_span bot = ct_parser_option(&ct_parser_rasa_socketio, config, "bot_event");
    struct settings *settings = malloc(sizeof *settings + user.len + bot.len);
    if (!settings) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    memcpy(settings->text, user.at, user.len);
    memcpy(settings->text + user.len, bot.at, bot.len);
    settings->user_event = (ct_span){settings->text, user.len};
    settings->bot_event = (ct_span){settings->text + user.len, bot.len};
    return settings;
}

static void close_parser(void *state)
{
    free(state);
}

const struct ct_parser ct_parser_rasa_socketio = {
    .name = "rasa_socketio",
    .title = "Rasa webchat over Socket.IO",
    .help = "Socket.IO packets, one a line, as a relay or a subscription sees them: user_uttered is the customer, "
            "bot_uttered the "
            "bot; other events and the transport's own packets are passed over. The conversation is the connection, or "
            "from a file "
            "the session_id, which only the customer's side carries: a file holds one conversation's side then. A "
            "text such as /affirm, which a button sends, is an intent, too.",
    .extensions = ".txt .jsonl",
    .framing = CT_FRAMING_LINES,
    .options = options,
    .detect = detect,
    .open = open_parser,
    .record = record,
    .close = close_parser,
};
