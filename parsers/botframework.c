/* botframework.c - activities of the Bot Framework: Direct Line's frames ({"activities":[...],"watermark"}), saved
 * transcripts (an array of activities) and single activities, as Copilot Studio, Teams and bots of one's own write
 * them.
 *
 * Source of the format: the Bot Framework activity schema and the Direct Line 3.0 reference. Called through
 * ct_parser_botframework by the pipeline.
 */
#include <stdio.h>
#include <stdlib.h>

#include "parsers/gathered.h"
#include "parsers/json_tree.h"

enum { CARD_DEPTH = 16 };

struct settings {
    ct_span bot; /* its id or name, for activities that do not say who wrote them */
    char text[];
};

struct reading {
    struct ct_json_tree tree;
    const struct settings *settings;
    const struct ct_frame *frame;
    const struct ct_parse_out *out;
    struct ct_arena *scratch;
};

extern const struct ct_parser ct_parser_botframework;

static bool ok(const struct reading *r)
{
    return r->tree.json.status == CT_OK;
}

static enum ct_status refuse(struct reading *r)
{
    return ct_json_tree_refuse(&r->tree, r->frame, r->out);
}

/* ---- who ------------------------------------------------------------------------------------- */

/* Roles are words, or in Copilot Studio's exports 0 for the bot and 1 for the user. */
static enum ct_role role_in(struct reading *r, const cJSON *account)
{
    const cJSON *role = ct_json_tree_get(&r->tree, account, "role");
    if (cJSON_IsNumber(role))
        return role->valuedouble == 0 ? CT_ROLE_BOT : CT_ROLE_USER;
    if (!cJSON_IsString(role))
        return CT_ROLE_UNKNOWN;
    return strcasecmp(role->valuestring, "bot") == 0 || strcasecmp(role->valuestring, "skill") == 0 ? CT_ROLE_BOT
           : strcasecmp(role->valuestring, "user") == 0                                             ? CT_ROLE_USER
           : strcasecmp(role->valuestring, "agent") == 0                                            ? CT_ROLE_AGENT
                                                                                                    : CT_ROLE_UNKNOWN;
}

static enum ct_role role_of(struct reading *r, const cJSON *activity)
{
    struct ct_json_tree *tree = &r->tree;
    const cJSON *from = ct_json_tree_object(tree, activity, "from");
    enum ct_role role = role_in(r, from);
    if (role != CT_ROLE_UNKNOWN)
        return role;
    if (r->settings->bot.len) {
        bool is_bot = ct_span_eq(ct_json_tree_string(tree, from, "id"), r->settings->bot) ||
                      ct_span_eq(ct_json_tree_string(tree, from, "name"), r->settings->bot);
        return is_bot ? CT_ROLE_BOT : CT_ROLE_USER;
    }
    role = role_in(r, ct_json_tree_object(tree, activity, "recipient"));
    if (role != CT_ROLE_UNKNOWN)
        return role == CT_ROLE_BOT ? CT_ROLE_USER : CT_ROLE_BOT;
    return ct_json_tree_string(tree, activity, "replyToId").len ? CT_ROLE_BOT : CT_ROLE_USER;
}

/* ---- what ------------------------------------------------------------------------------------ */

static void gather(struct reading *r, struct ct_gathered *text, const cJSON *word)
{
    if (cJSON_IsString(word) && !ct_gathered_line(text, ct_span_of(word->valuestring)))
        r->tree.json.status = CT_NO_MEMORY;
}

/* A card's words, in its order: titles and texts, not what its buttons say. */
static void card_text(struct reading *r, struct ct_gathered *text, const cJSON *card, int depth)
{
    static const char *const words[] = {"title", "subtitle", "text", NULL};
    static const char *const inside[] = {"body", "items", "columns", "facts", NULL};
    if (!cJSON_IsObject(card) || depth > CARD_DEPTH)
        return;
    for (const char *const *name = words; *name; name++)
        gather(r, text, ct_json_tree_get(&r->tree, card, *name));
    for (const char *const *name = inside; *name; name++) {
        const cJSON *part, *parts = ct_json_tree_get(&r->tree, card, *name);
        if (cJSON_IsArray(parts)) {
            cJSON_ArrayForEach(part, parts)
            {
                card_text(r, text, part, depth + 1);
            }
        }
    }
}

static void read_text(struct reading *r, const cJSON *activity, struct ct_message *message)
{
    struct ct_json_tree *tree = &r->tree;
    const cJSON *attachment, *attachments = ct_json_tree_array(tree, activity, "attachments");
    struct ct_gathered text = {.arena = r->scratch};
    (void)ct_json_tree_string(tree, activity, "text"); /* another kind is refused */
    gather(r, &text, ct_json_tree_get(tree, activity, "text"));
    cJSON_ArrayForEach(attachment, attachments)
    {
        card_text(r, &text, ct_json_tree_get(tree, attachment, "content"), 0);
    }
    message->text = ct_gathered_text(&text);
    if (!message->text.len)
        message->text = ct_json_tree_string(tree, activity, "speak");
    if (!message->text.len && attachments && attachments->child)
        message->event = (struct ct_event){.type = CT_EVENT_OTHER, .name = CT_SPAN_LIT("media"), .scale_min = -1};
}

/* The bot asks for a person with handoff.initiate; what became of it comes as handoff.status. An activity of the type
 * "handoff" is something else: a skill that gives control back. */
static bool read_event(struct reading *r, const cJSON *activity, struct ct_message *message)
{
    struct ct_json_tree *tree = &r->tree;
    ct_span name = ct_json_tree_string(tree, activity, "name");
    const cJSON *value = ct_json_tree_get(tree, activity, "value");
    message->role = CT_ROLE_SYSTEM;
    message->event = (struct ct_event){.type = CT_EVENT_HANDOFF, .by = CT_SPAN_LIT("bot"), .scale_min = -1};
    if (ct_span_is(name, "handoff.initiate")) {
        const cJSON *topic = ct_json_tree_get(tree, value, "va_LastTopic");
        message->event.phase = CT_PHASE_REQUESTED;
        message->event.reason = cJSON_IsString(topic) ? ct_span_of(topic->valuestring) : CT_SPAN_NONE;
        return true;
    }
    if (!ct_span_is(name, "handoff.status"))
        return false;
    const cJSON *state = ct_json_tree_get(tree, value, "state");
    ct_span said = cJSON_IsString(state) ? ct_span_of(state->valuestring) : CT_SPAN_NONE;
    message->event.phase = ct_span_is(said, "accepted")    ? CT_PHASE_ACCEPTED
                           : ct_span_is(said, "failed")    ? CT_PHASE_FAILED
                           : ct_span_is(said, "completed") ? CT_PHASE_RETURNED
                                                           : CT_PHASE_NONE;
    return message->event.phase != CT_PHASE_NONE;
}

static bool read_reaction(struct reading *r, const cJSON *activity, struct ct_message *message)
{
    const cJSON *added = ct_json_tree_array(&r->tree, activity, "reactionsAdded");
    ct_span kind =
        added && cJSON_IsObject(added->child) ? ct_json_tree_string(&r->tree, added->child, "type") : CT_SPAN_NONE;
    bool up = ct_span_is(kind, "like") || ct_span_is(kind, "heart") || ct_span_is(kind, "plusOne");
    if (!up && !ct_span_is(kind, "dislike") && !ct_span_is(kind, "angry"))
        return false;
    message->event = (struct ct_event){.type = CT_EVENT_FEEDBACK,
                                       .name = CT_SPAN_LIT("thumbs"),
                                       .value = up ? CT_SPAN_LIT("up") : CT_SPAN_LIT("down"),
                                       .scale_min = -1};
    return true;
}

/* What a recognizer understood of the customer's last message, as the emulator and saved transcripts trace it. */
static bool read_intent(struct reading *r, const cJSON *value, struct ct_message *message)
{
    struct ct_json_tree *tree = &r->tree;
    const cJSON *result = cJSON_IsObject(value) ? ct_json_tree_get(tree, value, "luisResult") : NULL;
    const cJSON *top = cJSON_IsObject(result) ? ct_json_tree_get(tree, result, "topScoringIntent") : NULL;
    const cJSON *intent = cJSON_IsObject(top) ? ct_json_tree_get(tree, top, "intent") : NULL;
    if (!cJSON_IsString(intent) || !*intent->valuestring)
        return false;
    message->role = CT_ROLE_SYSTEM;
    message->intent = ct_span_of(intent->valuestring);
    message->event = (struct ct_event){.type = CT_EVENT_OTHER, .name = CT_SPAN_LIT("intent"), .scale_min = -1};
    return true;
}

/* Copilot Studio writes its own survey as a trace. */
static bool read_trace(struct reading *r, const cJSON *activity, struct ct_message *message)
{
    struct ct_json_tree *tree = &r->tree;
    const cJSON *value = ct_json_tree_get(tree, activity, "value");
    if (read_intent(r, value, message))
        return true;
    if (!ct_span_is(ct_json_tree_string(tree, activity, "valueType"), "CSATSurveyResponse") || !cJSON_IsObject(value))
        return false;
    int64_t rating = ct_json_tree_count(tree, value, "rating", -1);
    char *text = ct_arena_alloc(r->scratch, 24);
    if (rating < 1 || rating > 5 || !text)
        return false;
    message->role = CT_ROLE_SYSTEM; /* the platform says what the customer answered */
    message->event = (struct ct_event){.type = CT_EVENT_FEEDBACK,
                                       .name = CT_SPAN_LIT("csat"),
                                       .value = {text, (size_t)snprintf(text, 24, "%lld", (long long)rating)},
                                       .scale_min = 1,
                                       .scale_max = 5,
                                       .text = ct_json_tree_string(tree, value, "comment")};
    return true;
}

/* false = nothing that belongs into a conversation: typing, traces, members who come and go. */
static bool read_activity(struct reading *r, const cJSON *activity, struct ct_message *message)
{
    ct_span type = ct_json_tree_string(&r->tree, activity, "type");
    message->role = role_of(r, activity);
    if (ct_span_is(type, "message") || (!type.len && ct_json_tree_get(&r->tree, activity, "text"))) {
        read_text(r, activity, message);
        return message->text.len || message->event.type != CT_EVENT_NONE;
    }
    if (ct_span_is(type, "event"))
        return read_event(r, activity, message);
    if (ct_span_is(type, "messageReaction"))
        return read_reaction(r, activity, message);
    if (ct_span_is(type, "trace"))
        return read_trace(r, activity, message);
    if (ct_span_is(type, "endOfConversation")) {
        message->role = CT_ROLE_SYSTEM;
        message->event = (struct ct_event){
            .type = CT_EVENT_CLOSE, .reason = ct_json_tree_string(&r->tree, activity, "code"), .scale_min = -1};
        return true;
    }
    if (!type.len && ok(r))
        (void)ct_json_tree_fail(&r->tree, "missing_field", "type", NULL);
    return false;
}

static ct_usec time_of(struct reading *r, const cJSON *activity)
{
    const cJSON *item = ct_json_tree_get(&r->tree, activity, "timestamp");
    ct_usec ts;
    if (cJSON_IsString(item) && ct_time_parse(ct_span_of(item->valuestring), &ts))
        return ts;
    if (cJSON_IsNumber(item) && item->valuedouble >= 0) { /* Copilot's exports: seconds, or milliseconds */
        double seconds = item->valuedouble < 1e11 ? item->valuedouble : item->valuedouble / 1000;
        if (seconds < 253402300800.0) /* the year 10000 */
            return (ct_usec)(seconds * 1e6 + 0.5);
    }
    return r->frame->envelope ? r->frame->envelope->received : CT_USEC_NONE;
}

static enum ct_status take(struct reading *r, const cJSON *activity, uint64_t seq)
{
    struct ct_json_tree *tree = &r->tree;
    struct ct_message message;
    ct_message_init(&message);
    if (!cJSON_IsObject(activity)) {
        (void)ct_json_tree_fail(tree, "wrong_type", "activities", "an object is due for each");
        return refuse(r);
    }
    message.seq = seq;
    bool says = read_activity(r, activity, &message);
    const cJSON *conversation = ct_json_tree_object(tree, activity, "conversation");
    message.conversation_id = ct_json_tree_string(tree, conversation, "id");
    if (!message.conversation_id.len && r->frame->envelope)
        message.conversation_id = r->frame->envelope->stream;
    message.tenant = ct_json_tree_string(tree, conversation, "tenantId");
    message.id = ct_json_tree_string(tree, activity, "id");
    message.channel = ct_json_tree_string(tree, activity, "channelId");
    message.language = ct_json_tree_string(tree, activity, "locale");
    message.ts = time_of(r, activity);
    const cJSON *from = ct_json_tree_object(tree, activity, "from");
    if (message.role == CT_ROLE_USER)
        message.user_id = ct_json_tree_string(tree, from, "id");
    else if (message.role == CT_ROLE_BOT)
        message.bot = ct_json_tree_string(tree, from, "name");
    if (ok(r) && says && !message.conversation_id.len)
        (void)ct_json_tree_fail(tree, "missing_field", "conversation", NULL);
    if (!ok(r))
        return refuse(r);
    return says ? r->out->message(r->out->context, &message) : CT_OK;
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    struct reading r = {.settings = state, .frame = frame, .out = out, .scratch = scratch};
    if (!ct_json_tree_read(&r.tree, frame->bytes, scratch))
        return refuse(&r);
    const cJSON *item, *several = ct_json_tree_get(&r.tree, r.tree.root, "activities");
    enum ct_status status = CT_OK;
    uint64_t seq = frame->offset;
    if (cJSON_IsArray(several)) {
        cJSON_ArrayForEach(item, several)
        {
            status = take(&r, item, seq++);
            if (status != CT_OK)
                break;
        }
    } else {
        status = ok(&r) ? take(&r, r.tree.root, seq) : refuse(&r);
    }
    ct_json_tree_done(&r.tree);
    return status;
}

/* ---- the parser ----------------------------------------------------------------------------------- */

static bool holds(ct_span head, const char *text)
{
    return memmem(head.at, head.len, text, strlen(text)) != NULL;
}

static int detect(ct_span head)
{
    if (holds(head, "\"activities\"") && holds(head, "\"watermark\""))
        return 95;
    bool activity = holds(head, "\"channelId\"") && holds(head, "\"conversation\"") && holds(head, "\"from\"");
    return activity ? 90 : holds(head, "\"activities\"") && holds(head, "\"from\"") ? 70 : 0;
}

static const struct ct_option options[] = {
    {"bot", "string", "", "The bot's id or name, where activities do not say who wrote them."},
    {NULL, NULL, NULL, NULL}};

static void *open_parser(const struct ct_parser_config *config, struct ct_error *err)
{
    ct_span bot = ct_parser_option(&ct_parser_botframework, config, "bot");
    struct settings *settings = malloc(sizeof *settings + bot.len + 1);
    if (!settings) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (bot.len)
        memcpy(settings->text, bot.at, bot.len);
    settings->bot = (ct_span){settings->text, bot.len};
    return settings;
}

static void close_parser(void *state)
{
    free(state);
}

static const char *const array_keys[] = {"activities", NULL};

const struct ct_parser ct_parser_botframework = {
    .name = "botframework",
    .title = "Bot Framework activities (Direct Line, transcripts, Copilot Studio)",
    .help = "Activities, alone, in an array or under \"activities\". Messages with their text or the words of their "
            "cards; who wrote "
            "one is from.role, else the other of recipient.role, else the option bot, else what answers another "
            "activity is the "
            "bot's. handoff.initiate is a person asked for, handoff.status what became of it, endOfConversation the "
            "end, a like or "
            "dislike feedback, Copilot Studio's survey CSAT, a recognizer's trace an intent. Typing, other traces and "
            "members who come and go are left out. "
            "What a "
            "reconnection brings again is known by its id.",
    .extensions = ".transcript .json .jsonl",
    .framing = CT_FRAMING_JSON,
    .array_keys = array_keys,
    .options = options,
    .detect = detect,
    .open = open_parser,
    .record = record,
    .close = close_parser,
};
