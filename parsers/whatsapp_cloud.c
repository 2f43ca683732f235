/* whatsapp_cloud.c - WhatsApp's Cloud API, both sides: the webhook's notifications (what customers write) and the
 * bodies that a bot posts to /PHONE_NUMBER_ID/messages (what it answers), joined by business number and customer.
 *
 * Source of the format: the Cloud API's webhook and messages references. The on-premises API and providers that pass
 * the notification through without its wrapper are read, too. Called through ct_parser_whatsapp_cloud by the pipeline.
 */
#include <stdio.h>
#include <stdlib.h>

#include "parsers/gathered.h"
#include "parsers/json_tree.h"
#include "parsers/stamp.h"

enum { NUMBER_BYTES = 32, TARGET_SEGMENT_BYTES = 64 };

struct settings {
    ct_span number;     /* of the business, for requests whose target does not say it */
    ct_span categories; /* "template=category,..." */
    enum ct_role egress;
    char text[]; /* what the spans point at */
};

/* One payload being turned into messages. */
struct call {
    struct ct_json_tree tree;
    const struct settings *settings;
    const struct ct_frame *frame;
    const struct ct_parse_out *out;
    struct ct_arena *scratch;
    uint64_t seq;
};

extern const struct ct_parser ct_parser_whatsapp_cloud;

static bool ok(const struct call *call)
{
    return call->tree.json.status == CT_OK;
}

static enum ct_status refuse(struct call *call)
{
    return ct_json_tree_refuse(&call->tree, call->frame, call->out);
}

static ct_span join(struct call *call, ct_span a, const char *between, ct_span b)
{
    size_t gap = strlen(between);
    char *text = ct_arena_alloc(call->scratch, a.len + gap + b.len + 1);
    if (text == NULL) {
        call->tree.json.status = CT_NO_MEMORY;
        return CT_SPAN_NONE;
    }
    if (a.len)
        memcpy(text, a.at, a.len);
    memcpy(text + a.len, between, gap);
    if (b.len)
        memcpy(text + a.len + gap, b.at, b.len);
    return (ct_span){text, a.len + gap + b.len};
}

/* What of a and b there is, on lines of their own. */
static ct_span lines(struct call *call, ct_span a, ct_span b)
{
    return !a.len ? b : !b.len ? a : join(call, a, "\n", b);
}

/* ---- who ---------------------------------------------------------------------------------- */

/* A number as the webhook writes it: digits alone. Mexico, Argentina and Brazil write their mobile numbers with and
 * without an extra digit, and the two sides of one conversation may differ in it: it is left out. */
static ct_span customer_of(struct call *call, ct_span written)
{
    char *number = ct_arena_alloc(call->scratch, NUMBER_BYTES);
    size_t len = 0;
    if (number == NULL) {
        call->tree.json.status = CT_NO_MEMORY;
        return CT_SPAN_NONE;
    }
    for (size_t i = 0; i < written.len; i++) {
        char c = written.at[i];
        if (c >= '0' && c <= '9' && len < NUMBER_BYTES) {
            number[len++] = c;
        } else if (!strchr("+-() ", c) || len == NUMBER_BYTES) {
            return written; /* an id, not a number */
        }
    }
    static const struct {
        const char *begins;
        size_t len, drop; /* of the whole; the digit that goes */
    } extra[] = {{"521", 13, 2}, {"549", 13, 2}};
    size_t drop = 0;
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        if (len == extra[i].len && memcmp(number, extra[i].begins, 3) == 0)
            drop = extra[i].drop;
    }
    if (len == 13 && memcmp(number, "55", 2) == 0 && number[4] == '9')
        drop = 4;
    if (drop) {
        memmove(number + drop, number + drop + 1, len - drop - 1);
        len--;
    }
    return (ct_span){number, len};
}

static void identify(struct call *call, struct ct_message *message, ct_span number, ct_span customer, ct_span group)
{
    message->user_id = customer;
    message->bot = number;
    message->conversation_id = join(call, number, ":", group.len ? group : customer);
    message->channel = CT_SPAN_LIT("whatsapp");
}

/* ---- what --------------------------------------------------------------------------------- */

static void is_media(struct ct_message *message)
{
    message->event =
        (struct ct_event){.type = CT_EVENT_OTHER, .name = CT_SPAN_LIT("media"), .scale_max = 0, .scale_min = -1};
}

/* Of a template only the values are here: its own words are with the platform. */
static ct_span template_text(struct call *call, const cJSON *template)
{
    struct ct_gathered text = {.arena = call->scratch};
    const cJSON *component, *parameter;
    const cJSON *components = ct_json_tree_array(&call->tree, template, "components");
    cJSON_ArrayForEach(component, components)
    {
        const cJSON *parameters = ct_json_tree_array(&call->tree, component, "parameters");
        cJSON_ArrayForEach(parameter, parameters)
        {
            if (!ct_gathered_line(&text, ct_json_tree_string(&call->tree, parameter, "text")))
                call->tree.json.status = CT_NO_MEMORY;
        }
    }
    return ct_gathered_text(&text);
}

static ct_span interactive_text(struct call *call, const cJSON *interactive)
{
    static const char *const answers[] = {"button_reply", "list_reply", NULL};
    struct ct_json_tree *tree = &call->tree;
    for (const char *const *name = answers; *name; name++) {
        const cJSON *answer = ct_json_tree_object(tree, interactive, *name);
        if (answer)
            return ct_json_tree_string(tree, answer, "title");
    }
    const cJSON *form = ct_json_tree_object(tree, interactive, "nfm_reply");
    if (form)
        return ct_json_tree_string(tree, form, "body");
    /* what the bot sends: header, body, footer; its buttons are choices, not words */
    ct_span text = CT_SPAN_NONE;
    static const char *const parts[] = {"header", "body", "footer", NULL};
    for (const char *const *name = parts; *name; name++) {
        text = lines(call, text, ct_json_tree_string(tree, ct_json_tree_object(tree, interactive, *name), "text"));
    }
    return text;
}

/* A thumb or a heart is feedback; any other emoji says nothing that could be counted. */
static void read_reaction(struct call *call, const cJSON *reaction, struct ct_message *message)
{
    static const char *const good[] = {"👍", "❤", "🙏", "😍", "👏", "💯", NULL};
    static const char *const bad[] = {"👎", "😡", "🤬", "😠", NULL};
    ct_span emoji = ct_json_tree_string(&call->tree, reaction, "emoji");
    message->event =
        (struct ct_event){.type = CT_EVENT_OTHER, .name = CT_SPAN_LIT("reaction"), .value = emoji, .scale_min = -1};
    for (int which = 0; which < 2; which++) {
        for (const char *const *mark = which ? bad : good; *mark; mark++) {
            size_t len = strlen(*mark);
            if (emoji.len >= len && memcmp(emoji.at, *mark, len) == 0) { /* a skin's colour may follow */
                message->event.type = CT_EVENT_FEEDBACK;
                message->event.name = CT_SPAN_LIT("thumbs");
                message->event.value = which ? CT_SPAN_LIT("down") : CT_SPAN_LIT("up");
            }
        }
    }
}

static void read_content(struct call *call, const cJSON *item, struct ct_message *message)
{
    static const char *const captioned[] = {"image", "video", "document", "audio", "voice", "sticker", NULL};
    struct ct_json_tree *tree = &call->tree;
    ct_span type = ct_json_tree_string(tree, item, "type");
    if (ct_span_is(type, "text") ||
        (!type.len && ct_json_tree_get(tree, item, "text"))) { /* a request may leave it out */
        message->text = ct_json_tree_string(tree, ct_json_tree_object(tree, item, "text"), "body");
    } else if (ct_span_is(type, "button")) {
        message->text = ct_json_tree_string(tree, ct_json_tree_object(tree, item, "button"), "text");
    } else if (ct_span_is(type, "interactive")) {
        message->text = interactive_text(call, ct_json_tree_object(tree, item, "interactive"));
    } else if (ct_span_is(type, "template")) {
        message->text = template_text(call, ct_json_tree_object(tree, item, "template"));
    } else if (ct_span_is(type, "reaction")) {
        read_reaction(call, ct_json_tree_object(tree, item, "reaction"), message);
        return;
    } else if (ct_span_is(type, "edit") || ct_span_is(type, "revoke")) {
        message->event = (struct ct_event){.type = CT_EVENT_OTHER, .name = type, .scale_min = -1};
        return;
    } else if (ct_span_is(type, "system")) {
        message->role = CT_ROLE_SYSTEM;
        message->text = ct_json_tree_string(tree, ct_json_tree_object(tree, item, "system"), "body");
        return;
    } else {
        for (const char *const *name = captioned; *name; name++) {
            if (ct_span_is(type, *name))
                message->text = ct_json_tree_string(tree, ct_json_tree_object(tree, item, *name), "caption");
        }
        if (message->text.len)
            return;
    }
    if (message->text.len == 0)
        is_media(message);
}

/* Seconds since 1970 as text. One that is none is no reason to lose what the customer said: it came when it came. */
static ct_usec read_time(struct call *call, const cJSON *item)
{
    ct_usec ts;
    if (ct_stamp_epoch(ct_json_tree_string(&call->tree, item, "timestamp"), &ts))
        return ts;
    return call->frame->envelope ? call->frame->envelope->received : CT_USEC_NONE;
}

static enum ct_status emit(struct call *call, const struct ct_message *message)
{
    if (!ok(call))
        return refuse(call);
    return call->out->message(call->out->context, message);
}

/* ---- the webhook -------------------------------------------------------------------------- */

/* `from` may be absent where the customer hides the number: then the contact has a user_id. */
static ct_span sender_of(struct call *call, const cJSON *value, const cJSON *item)
{
    struct ct_json_tree *tree = &call->tree;
    ct_span from = ct_json_tree_string(tree, item, "from");
    if (from.len)
        return customer_of(call, from);
    from = ct_json_tree_string(tree, item, "from_user_id");
    const cJSON *contacts = ct_json_tree_array(tree, value, "contacts");
    const cJSON *contact = contacts ? contacts->child : NULL;
    if (!from.len && contact) {
        from = ct_json_tree_string(tree, contact, "wa_id");
        from = from.len ? customer_of(call, from) : ct_json_tree_string(tree, contact, "user_id");
    }
    return from;
}

static enum ct_status read_message(struct call *call, const cJSON *value, const cJSON *item, bool echo)
{
    struct ct_json_tree *tree = &call->tree;
    struct ct_message message;
    ct_message_init(&message);
    message.seq = call->seq++;
    if (!cJSON_IsObject(item)) {
        (void)ct_json_tree_fail(tree, "wrong_type", "messages", "an object is due for each");
        return refuse(call);
    }
    message.role = echo ? CT_ROLE_AGENT : CT_ROLE_USER; /* an echo: a person wrote it with the business's phone */
    message.id = ct_json_tree_string(tree, item, "id");
    message.ts = read_time(call, item);
    ct_span number = ct_json_tree_string(tree, ct_json_tree_object(tree, value, "metadata"), "phone_number_id");
    number = number.len ? number : call->settings->number;
    ct_span customer = echo ? customer_of(call, ct_json_tree_string(tree, item, "to")) : sender_of(call, value, item);
    read_content(call, item, &message);
    if (ok(call) && customer.len == 0)
        (void)ct_json_tree_fail(tree, "missing_field", echo ? "to" : "from", NULL);
    if (ok(call))
        identify(call, &message, number, customer, ct_json_tree_string(tree, item, "group_id"));
    return emit(call, &message);
}

/* "true" or "false" as the event has it; empty = not said. What the newer `type` says goes before the older flag. */
static ct_span billable_of(struct call *call, const cJSON *pricing)
{
    ct_span type = ct_json_tree_string(&call->tree, pricing, "type");
    const cJSON *flag = ct_json_tree_get(&call->tree, pricing, "billable");
    if (flag && !cJSON_IsBool(flag))
        (void)ct_json_tree_fail(&call->tree, "wrong_type", "billable", "true or false is due");
    if (type.len >= 5 && memcmp(type.at, "free_", 5) == 0)
        return CT_SPAN_LIT("false");
    if (ct_span_is(type, "regular"))
        return CT_SPAN_LIT("true");
    return !flag ? CT_SPAN_NONE : cJSON_IsTrue(flag) ? CT_SPAN_LIT("true") : CT_SPAN_LIT("false");
}

/* What became of a message that the business sent, and what it is charged as. */
static enum ct_status read_status(struct call *call, const cJSON *value, const cJSON *item)
{
    struct ct_json_tree *tree = &call->tree;
    struct ct_message message;
    ct_message_init(&message);
    message.seq = call->seq++;
    if (!cJSON_IsObject(item)) {
        (void)ct_json_tree_fail(tree, "wrong_type", "statuses", "an object is due for each");
        return refuse(call);
    }
    message.role = CT_ROLE_SYSTEM;
    message.id = ct_json_tree_string(tree, item, "id");
    message.ts = read_time(call, item);
    const cJSON *pricing = ct_json_tree_object(tree, item, "pricing");
    message.category = ct_json_tree_string(tree, pricing, "category");
    message.event = (struct ct_event){.type = CT_EVENT_DELIVERY,
                                      .name = ct_json_tree_string(tree, item, "status"),
                                      .value = billable_of(call, pricing),
                                      .scale_min = -1};
    ct_span number = ct_json_tree_string(tree, ct_json_tree_object(tree, value, "metadata"), "phone_number_id");
    number = number.len ? number : call->settings->number;
    ct_span to = ct_json_tree_string(tree, item, "recipient_id");
    to = to.len ? to : ct_json_tree_string(tree, item, "recipient_user_id");
    bool group = ct_span_is(ct_json_tree_string(tree, item, "recipient_type"), "group");
    ct_span customer = group || !to.len ? CT_SPAN_NONE : customer_of(call, to);
    if (ok(call) && (!message.id.len || !to.len))
        (void)ct_json_tree_fail(tree, "missing_field", message.id.len ? "recipient_id" : "id", NULL);
    if (ok(call))
        identify(call, &message, number, customer, group ? to : CT_SPAN_NONE);
    return emit(call, &message);
}

static enum ct_status read_value(struct call *call, const cJSON *value)
{
    enum { MESSAGES, ECHOES, STATUSES, ARRAYS };
    static const char *const arrays[ARRAYS] = {"messages", "message_echoes", "statuses"};
    enum ct_status status = CT_OK;
    for (int i = 0; i < ARRAYS && status == CT_OK; i++) {
        const cJSON *item, *items = ct_json_tree_array(&call->tree, value, arrays[i]);
        if (!ok(call))
            return refuse(call);
        cJSON_ArrayForEach(item, items)
        {
            status = i == STATUSES ? read_status(call, value, item) : read_message(call, value, item, i == ECHOES);
            if (status != CT_OK)
                break;
        }
    }
    return status;
}

/* Other fields (templates, accounts, calls) come to the same address and are no conversations. */
static enum ct_status read_notification(struct call *call)
{
    struct ct_json_tree *tree = &call->tree;
    const cJSON *entry, *change, *entries = ct_json_tree_array(tree, tree->root, "entry");
    enum ct_status status = CT_OK;
    if (!ok(call))
        return refuse(call);
    cJSON_ArrayForEach(entry, entries)
    {
        const cJSON *changes = ct_json_tree_array(tree, entry, "changes");
        if (!ok(call) && (status = refuse(call)) != CT_OK)
            return status;
        cJSON_ArrayForEach(change, changes)
        {
            const cJSON *value = ct_json_tree_object(tree, change, "value");
            status = ok(call) ? value ? read_value(call, value) : CT_OK : refuse(call);
            if (status != CT_OK)
                return status;
        }
    }
    return CT_OK;
}

/* ---- the bot's requests -------------------------------------------------------------------- */

/* "POST /v19.0/1122334455667/messages?x=y" -> 1122334455667 */
static ct_span number_of(const struct call *call)
{
    ct_span target = call->frame->envelope ? call->frame->envelope->target : CT_SPAN_NONE;
    const char *query = target.len ? memchr(target.at, '?', target.len) : NULL;
    size_t end = query ? (size_t)(query - target.at) : target.len;
    static const char last[] = "/messages";
    if (end > sizeof last && memcmp(target.at + end - (sizeof last - 1), last, sizeof last - 1) == 0) {
        size_t to = end - (sizeof last - 1), from = to;
        while (from > 0 && target.at[from - 1] >= '0' && target.at[from - 1] <= '9')
            from--;
        if (from < to && from > 0 && target.at[from - 1] == '/' && to - from < TARGET_SEGMENT_BYTES)
            return (ct_span){target.at + from, to - from};
    }
    return call->settings->number;
}

/* What the platform charges a sent message by. It says so only in the delivery status, by an id that no request has: a
 * template's category is known by its name, from the option, and then what is no template is `service`. */
static ct_span category_of(struct call *call)
{
    struct ct_json_tree *tree = &call->tree;
    ct_span categories = call->settings->categories;
    if (!categories.len)
        return CT_SPAN_NONE;
    const cJSON *template = ct_json_tree_object(tree, tree->root, "template");
    ct_span name = ct_json_tree_string(tree, template, "name");
    if (!template)
        return CT_SPAN_LIT("service");
    while (categories.len) {
        const char *comma = memchr(categories.at, ',', categories.len);
        ct_span pair = {categories.at, comma ? (size_t)(comma - categories.at) : categories.len};
        categories = comma ? (ct_span){comma + 1, categories.len - pair.len - 1} : CT_SPAN_NONE;
        const char *equals = memchr(pair.at, '=', pair.len);
        size_t len = equals ? (size_t)(equals - pair.at) : 0;
        bool begins = len && pair.at[len - 1] == '*' && name.len >= len - 1 && memcmp(name.at, pair.at, len - 1) == 0;
        if (equals && (begins || ct_span_eq((ct_span){pair.at, len}, name)))
            return (ct_span){equals + 1, pair.len - len - 1};
    }
    return CT_SPAN_NONE;
}

static enum ct_status read_request(struct call *call)
{
    struct ct_json_tree *tree = &call->tree;
    struct ct_message message;
    ct_message_init(&message);
    message.seq = call->seq++;
    message.role = call->settings->egress;
    message.ts = call->frame->envelope ? call->frame->envelope->received : CT_USEC_NONE;
    ct_span to = ct_json_tree_string(tree, tree->root, "to");
    to = to.len ? to : ct_json_tree_string(tree, tree->root, "recipient");
    ct_span customer = to.len ? customer_of(call, to) : to;
    read_content(call, tree->root, &message);
    message.category = category_of(call);
    if (ok(call) && customer.len == 0)
        (void)ct_json_tree_fail(tree, "missing_field", "to", NULL);
    if (ok(call))
        identify(call, &message, number_of(call), customer,
                 ct_span_is(ct_json_tree_string(tree, tree->root, "recipient_type"), "group") ? to : CT_SPAN_NONE);
    return emit(call, &message);
}

/* What the platform answers to a request: "contacts" with the number as it was written, "messages" with the id that the
 * statuses will name. */
static enum ct_status read_answer(struct call *call, const cJSON *messages)
{
    struct ct_json_tree *tree = &call->tree;
    const cJSON *item, *contacts = ct_json_tree_array(tree, tree->root, "contacts");
    const cJSON *contact = contacts ? contacts->child : NULL;
    ct_span to = ct_json_tree_string(tree, contact, "input");
    ct_span customer = to.len ? customer_of(call, to) : to;
    if (!ok(call))
        return refuse(call);
    if (!customer.len) /* the on-premises API says no more than the id */
        return CT_OK;
    enum ct_status status = CT_OK;
    cJSON_ArrayForEach(item, messages)
    {
        struct ct_message message;
        ct_message_init(&message);
        message.seq = call->seq++;
        message.role = CT_ROLE_SYSTEM;
        message.ts = call->frame->envelope ? call->frame->envelope->received : CT_USEC_NONE;
        message.id = ct_json_tree_string(tree, item, "id");
        message.event = (struct ct_event){.type = CT_EVENT_DELIVERY, .name = CT_SPAN_LIT("accepted"), .scale_min = -1};
        if (ok(call) && !message.id.len)
            (void)ct_json_tree_fail(tree, "missing_field", "id", NULL);
        if (ok(call))
            identify(call, &message, number_of(call), customer, CT_SPAN_NONE);
        status = emit(call, &message);
        if (status != CT_OK)
            break;
    }
    return status;
}

/* What it is goes by its members: a notification, one without its wrapper, a request, or the platform's answer to one.
 */
static enum ct_status convert(struct call *call)
{
    struct ct_json_tree *tree = &call->tree;
    const cJSON *root = tree->root;
    if (!cJSON_IsObject(root)) {
        (void)ct_json_tree_fail(tree, "wrong_type", NULL, "an object is due");
        return refuse(call);
    }
    if (ct_json_tree_get(tree, root, "entry"))
        return read_notification(call);
    if (ct_json_tree_get(tree, root, "to") || ct_json_tree_get(tree, root, "recipient"))
        return read_request(call);
    const cJSON *messages = ct_json_tree_get(tree, root, "messages");
    if (cJSON_IsArray(messages) && messages->child && ct_json_tree_get(tree, messages->child, "from"))
        return read_value(call, root);
    if (ct_json_tree_get(tree, root, "statuses"))
        return read_value(call, root);
    if (cJSON_IsArray(messages) && ok(call))
        return read_answer(call, messages);
    if (messages || ct_json_tree_get(tree, root, "status"))
        return CT_OK;
    if (ok(call))
        (void)ct_json_tree_fail(tree, "missing_field", "entry", "nor \"to\" nor \"messages\"");
    return refuse(call);
}

static enum ct_status record(void *state, const struct ct_frame *frame, struct ct_arena *scratch,
                             const struct ct_parse_out *out)
{
    struct call call = {.settings = state, .frame = frame, .out = out, .scratch = scratch, .seq = frame->offset};
    if (!ct_json_tree_read(&call.tree, frame->bytes, scratch))
        return refuse(&call);
    enum ct_status status = convert(&call);
    ct_json_tree_done(&call.tree);
    return status;
}

/* ---- the parser ---------------------------------------------------------------------------- */

static int detect(ct_span head)
{
    static const char notification[] = "\"whatsapp_business_account\"", product[] = "\"messaging_product\"";
    return memmem(head.at, head.len, notification, sizeof notification - 1) ? 96
           : memmem(head.at, head.len, product, sizeof product - 1)         ? 85
                                                                            : 0;
}

static const struct ct_option options[] = {
    {"number", "string", "", "The business's phone_number_id, where a request's address does not name it."},
    {"egress", "choice:bot|agent", "bot", "Who writes what is posted to the platform."},
    {"categories", "map", "",
     "Templates by the category that they are charged by, until a status says so: order_update=utility,"
     "promo*=marketing; messages that are no template are then 'service'."},
    {NULL, NULL, NULL, NULL}};

static void *open_parser(const struct ct_parser_config *config, struct ct_error *err)
{
    ct_span number = ct_parser_option(&ct_parser_whatsapp_cloud, config, "number");
    ct_span categories = ct_parser_option(&ct_parser_whatsapp_cloud, config, "categories");
    struct settings *settings = malloc(sizeof *settings + number.len + categories.len + 1);
    if (settings == NULL) {
        (void)ct_error_set(err, CT_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (number.len)
        memcpy(settings->text, number.at, number.len);
    if (categories.len)
        memcpy(settings->text + number.len, categories.at, categories.len);
    settings->number = (ct_span){settings->text, number.len};
    settings->categories = (ct_span){settings->text + number.len, categories.len};
    settings->egress = ct_span_is(ct_parser_option(&ct_parser_whatsapp_cloud, config, "egress"), "agent")
                           ? CT_ROLE_AGENT
                           : CT_ROLE_BOT;
    return settings;
}

static void close_parser(void *state)
{
    free(state);
}

const struct ct_parser ct_parser_whatsapp_cloud = {
    .name = "whatsapp_cloud",
    .title = "WhatsApp Cloud API (webhook notifications and sent messages)",
    .help = "Notifications as the webhook gets them (several entries, changes and messages in each), and the bodies "
            "that a bot "
            "posts to /PHONE_NUMBER_ID/messages, as an egress relay sees them. The conversation is the business's "
            "number and "
            "the customer (or group), cut by silence. Numbers of Mexico, Argentina and Brazil lose the digit that the "
            "two sides "
            "write differently. Buttons and list answers are the title that was chosen; media without a caption are "
            "messages "
            "without text; a thumb or a heart is feedback; an echo is a person at the business's phone. The platform's "
            "answer to a request gives the message its id, and statuses of that id say whether it arrived and what it "
            "is charged as. Notices about templates, accounts and calls are no messages. A timestamp that is none "
            "becomes the time of arrival. Of a template only the values are known.",
    .extensions = ".json .jsonl",
    .framing = CT_FRAMING_JSON,
    .options = options,
    .detect = detect,
    .open = open_parser,
    .record = record,
    .close = close_parser,
};
