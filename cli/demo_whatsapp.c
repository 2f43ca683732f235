/* demo_whatsapp.c - a WhatsApp of the simulated world. See demo.h.
 *
 *   customer -> platform -> POST /webhook/whatsapp (signed) at the intake -> passed on to the bot's own receiver
 *   bot -> convtap's egress relay -> POST /v21.0/NUMBER/messages at the platform -> customer; and, as a notification,
 *          that it was read
 *   a person answers with the business's phone -> platform -> a notification of the echo
 *
 * One deviation from the real platform: a notification's time is in milliseconds. Here seconds are divided by --speed,
 * and whole ones would put what is said in a wrong order.
 */
#include "cli/demo.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "cli/serve_tap.h"

struct ct_demo_whatsapp {
    struct ct_demo_world *world;
    struct ct_demo_poster *platform, *bot; /* to the intake, to the egress relay */
    struct end {
        struct ct_demo_whatsapp *whatsapp;
        bool is_bot;
    } graph_end, bot_end;
    uint64_t ids;
};

struct posted { /* of whose message an answer is awaited; number UINT64_MAX = nobody's */
    struct ct_demo_whatsapp *whatsapp;
    uint64_t number;
};

/* The business's phone_number_id: one a bot. */
static uint64_t number_of(const struct ct_demo_play *play)
{
    uint64_t hash = 7;
    for (const char *at = play->talk->bot; *at; at++) {
        hash = hash * 31 + (unsigned char)*at;
    }
    return 100000000000000 + hash % 899999999999999;
}

/* ---- what is posted ------------------------------------------------------------------------------- */

static void on_answered(void *to, unsigned status, ct_span body)
{
    struct posted *posted = to;
    struct ct_demo_play *play = ct_demo_world_by_number(posted->whatsapp->world, posted->number);
    (void)body;
    if (status != 200 && play) {
        ct_demo_broke(play);
    }
    free(posted);
}

static void post(struct ct_demo_whatsapp *whatsapp, struct ct_demo_poster *poster, const char *head, const char *json,
                 struct ct_demo_play *play)
{
    struct posted *posted = malloc(sizeof *posted);
    if (!posted) {
        return;
    }
    *posted = (struct posted){whatsapp, play ? play->number : UINT64_MAX};
    ct_demo_post(poster, head, ct_span_of(json), on_answered, posted);
}

/* X-Hub-Signature-256: of the body, with the app's secret. */
static void notify(struct ct_demo_whatsapp *whatsapp, cJSON *notification, struct ct_demo_play *play)
{
    const char *secret = ct_demo_world_places(whatsapp->world)->secret;
    char *json = cJSON_PrintUnformatted(notification), head[300];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (json &&
        HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)json, strlen(json), digest, &len)) {
        int at = snprintf(head, sizeof head,
                          "POST /webhook/whatsapp HTTP/1.1\r\nContent-Type: application/json\r\n"
                          "X-Hub-Signature-256: sha256=");
        for (unsigned i = 0; i < len && i < 32; i++) {
            at += snprintf(head + at, sizeof head - (size_t)at, "%02x", digest[i]);
        }
        (void)snprintf(head + at, sizeof head - (size_t)at, "\r\n");
        post(whatsapp, whatsapp->platform, head, json, play);
    }
    cJSON_free(json);
    cJSON_Delete(notification);
}

/* A notification around a value that is to be filled. */
static cJSON *notification(const struct ct_demo_play *play, const char *field, cJSON **value)
{
    char number[32];
    cJSON *all = cJSON_CreateObject(), *entry = cJSON_CreateObject(), *change = cJSON_CreateObject();
    (void)snprintf(number, sizeof number, "%" PRIu64, number_of(play));
    cJSON_AddStringToObject(all, "object", "whatsapp_business_account");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(all, "entry"), entry);
    cJSON_AddStringToObject(entry, "id", "990000000000001");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(entry, "changes"), change);
    cJSON_AddStringToObject(change, "field", field);
    *value = cJSON_AddObjectToObject(change, "value");
    cJSON_AddStringToObject(*value, "messaging_product", "whatsapp");
    cJSON *metadata = cJSON_AddObjectToObject(*value, "metadata");
    cJSON_AddStringToObject(metadata, "display_phone_number", "99900000000");
    cJSON_AddStringToObject(metadata, "phone_number_id", number);
    return all;
}

static void add_time(cJSON *item)
{
    char stamp[32];
    (void)snprintf(stamp, sizeof stamp, "%" PRId64, ct_serve_now() / 1000);
    cJSON_AddStringToObject(item, "timestamp", stamp);
}

/* What the customer writes, or (echo) a person with the business's phone. */
static void notify_message(struct ct_demo_whatsapp *whatsapp, struct ct_demo_play *play, const char *text, bool echo)
{
    char id[48];
    cJSON *value, *item = cJSON_CreateObject();
    cJSON *all = notification(play, echo ? "smb_message_echoes" : "messages", &value);
    (void)snprintf(id, sizeof id, "wamid.demo.%" PRIu64, ++whatsapp->ids);
    if (!echo) {
        cJSON *contact = cJSON_CreateObject();
        cJSON_AddItemToArray(cJSON_AddArrayToObject(value, "contacts"), contact);
        cJSON_AddStringToObject(contact, "wa_id", play->user);
    }
    cJSON_AddItemToArray(cJSON_AddArrayToObject(value, echo ? "message_echoes" : "messages"), item);
    if (echo) {
        cJSON_AddStringToObject(item, "to", play->user);
    } else {
        cJSON_AddStringToObject(item, "from", play->user);
    }
    cJSON_AddStringToObject(item, "id", id);
    add_time(item);
    cJSON_AddStringToObject(item, "type", "text");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(item, "text"), "body", text);
    notify(whatsapp, all, play);
}

/* The customer has seen the bot's answer. */
static void notify_read(struct ct_demo_whatsapp *whatsapp, struct ct_demo_play *play, const char *id)
{
    cJSON *value, *item = cJSON_CreateObject();
    cJSON *all = notification(play, "messages", &value);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(value, "statuses"), item);
    cJSON_AddStringToObject(item, "id", id);
    cJSON_AddStringToObject(item, "status", "read");
    add_time(item);
    cJSON_AddStringToObject(item, "recipient_id", play->user);
    notify(whatsapp, all, NULL);
}

static void bot_answers(struct ct_demo_whatsapp *whatsapp, struct ct_demo_play *play, const char *text)
{
    char head[200];
    cJSON *body = cJSON_CreateObject();
    (void)snprintf(head, sizeof head,
                   "POST /v21.0/%" PRIu64 "/messages HTTP/1.1\r\nContent-Type: application/json\r\n"
                   "Authorization: Bearer demo\r\n",
                   number_of(play));
    cJSON_AddStringToObject(body, "messaging_product", "whatsapp");
    cJSON_AddStringToObject(body, "recipient_type", "individual");
    cJSON_AddStringToObject(body, "to", play->user);
    cJSON_AddStringToObject(body, "type", "text");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(body, "text"), "body", text);
    char *json = cJSON_PrintUnformatted(body);
    if (json) {
        post(whatsapp, whatsapp->bot, head, json, play);
    } else {
        ct_demo_broke(play);
    }
    cJSON_free(json);
    cJSON_Delete(body);
}

void ct_demo_whatsapp_say(struct ct_demo_play *play, const struct ct_demo_turn *turn)
{
    struct ct_demo_whatsapp *whatsapp = ct_demo_world_whatsapp(play->world);
    if (turn->who == CT_ROLE_BOT) {
        bot_answers(whatsapp, play, turn->text);
    } else {
        notify_message(whatsapp, play, turn->text, turn->who == CT_ROLE_AGENT);
    }
}

/* ---- who is posted to ------------------------------------------------------------------------------- */

/* The first string under a key, anywhere; NULL = none. */
static const char *found(const cJSON *node, const char *key)
{
    const cJSON *child;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node, key));
    cJSON_ArrayForEach(child, node)
    {
        text = text ? text : found(child, key);
    }
    return text;
}

/* The bot's receiver: the intake passes on what the platform sent. */
static void bot_hears(struct ct_demo_whatsapp *whatsapp, struct ct_demo_line *line, const cJSON *body)
{
    const char *from = found(body, "from"), *to = found(body, "to");
    struct ct_demo_play *play = from || to ? ct_demo_world_by_user(whatsapp->world, from ? from : to) : NULL;
    ct_demo_respond(line, "200 OK", "{}");
    if (play) {
        ct_demo_arrived(play);
    }
}

/* The platform's API: the bot's answer reaches the customer. */
static void platform_hears(struct ct_demo_whatsapp *whatsapp, struct ct_demo_line *line, const cJSON *body)
{
    const char *to = found(body, "to");
    struct ct_demo_play *play = to ? ct_demo_world_by_user(whatsapp->world, to) : NULL;
    char id[48], json[300];
    if (!play) {
        ct_demo_respond(line, "400 Bad Request", "{\"error\":{\"code\":131026}}");
        return;
    }
    (void)snprintf(id, sizeof id, "wamid.demo.%" PRIu64, ++whatsapp->ids);
    (void)snprintf(json, sizeof json,
                   "{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"%s\",\"wa_id\":\"%s\"}],"
                   "\"messages\":[{\"id\":\"%s\"}]}",
                   play->user, play->user, id);
    ct_demo_respond(line, "200 OK", json);
    notify_read(whatsapp, play, id);
    ct_demo_arrived(play);
}

static void on_request(void *owner, struct ct_demo_line *line, struct ct_demo_bytes *in)
{
    const struct end *end = owner;
    for (;;) {
        struct ct_demo_http http;
        enum ct_demo_reading reading = ct_demo_http_read(in, &http);
        if (reading != CT_DEMO_WHOLE) {
            if (reading == CT_DEMO_BROKEN) {
                ct_demo_close(line);
            }
            return;
        }
        cJSON *body = cJSON_ParseWithLength(http.body.at, http.body.len);
        (end->is_bot ? bot_hears : platform_hears)(end->whatsapp, line, body);
        cJSON_Delete(body);
        ct_demo_bytes_drop(in, http.len);
    }
}

static void on_gone(void *owner, struct ct_demo_line *line)
{
    (void)owner;
    (void)line;
}

static void *same_owner(void *context, struct ct_demo_line *line)
{
    (void)line;
    return context;
}

enum ct_status ct_demo_whatsapp_open(struct ct_demo_world *world, struct ct_demo_places *places,
                                     struct ct_demo_whatsapp **out, struct ct_error *err)
{
    static const struct ct_demo_calls calls = {on_request, on_gone};
    struct ct_demo_whatsapp *whatsapp = calloc(1, sizeof *whatsapp);
    if (!whatsapp) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    *out = whatsapp;
    whatsapp->world = world;
    whatsapp->graph_end = (struct end){whatsapp, false};
    whatsapp->bot_end = (struct end){whatsapp, true};
    struct ct_demo_loop *loop = ct_demo_world_loop(world);
    enum ct_status status = ct_demo_listen(loop, &calls, same_owner, &whatsapp->graph_end, places->graph, err);
    return status == CT_OK ? ct_demo_listen(loop, &calls, same_owner, &whatsapp->bot_end, places->bot, err) : status;
}

enum ct_status ct_demo_whatsapp_start(struct ct_demo_whatsapp *whatsapp, struct ct_error *err)
{
    const struct ct_demo_places *places = ct_demo_world_places(whatsapp->world);
    struct ct_demo_loop *loop = ct_demo_world_loop(whatsapp->world);
    whatsapp->platform = ct_demo_poster_new(loop, places->intake);
    whatsapp->bot = ct_demo_poster_new(loop, places->egress_relay);
    return whatsapp->platform && whatsapp->bot ? CT_OK
                                               : ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
}

void ct_demo_whatsapp_free(struct ct_demo_whatsapp *whatsapp)
{
    if (whatsapp) {
        ct_demo_poster_free(whatsapp->platform);
        ct_demo_poster_free(whatsapp->bot);
        free(whatsapp);
    }
}

size_t ct_demo_whatsapp_waiting(const struct ct_demo_whatsapp *whatsapp)
{
    return ct_demo_poster_waiting(whatsapp->platform) + ct_demo_poster_waiting(whatsapp->bot);
}
