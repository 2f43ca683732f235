/* demo_web.c - a webchat of the simulated world: customers who connect through convtap's relay, and the gateway with
 * its bot behind it. Each message is a JSON object in the format convtap. See demo.h.
 *
 * Customers mask their frames, as they have to; every third one writes in fragments with a ping between them, every
 * fourth one pings before he writes: the relay has to see through it.
 */
#include "cli/demo.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "cli/serve_tap.h"

struct guest { /* a connection at the gateway */
    struct ct_demo_web *web;
    struct ct_demo_line *line;
    struct ct_demo_bytes said; /* of a message in fragments */
    struct guest *before, *after;
    bool upgraded;
    uint64_t number; /* of its play, once it is known */
};

struct ct_demo_web {
    struct ct_demo_world *world;
    struct guest *guests;
};

/* ---- messages ---------------------------------------------------------------------------------- */

/* cJSON_free it. NULL = out of memory. */
static char *message_of(const struct ct_demo_play *play, const struct ct_demo_turn *turn)
{
    char id[80], stamp[32];
    cJSON *message = ct_demo_turn_json(turn);
    (void)snprintf(id, sizeof id, "%s-%zu", play->id, play->next + 1);
    ct_time_format(ct_serve_now(), stamp);
    cJSON_AddStringToObject(message, "conversation_id", play->id);
    cJSON_AddStringToObject(message, "user_id", play->user);
    cJSON_AddStringToObject(message, "id", id);
    cJSON_AddStringToObject(message, "ts", stamp);
    cJSON_AddStringToObject(message, "language", play->talk->language);
    cJSON_AddStringToObject(message, "bot", play->talk->bot);
    char *text = cJSON_PrintUnformatted(message);
    cJSON_Delete(message);
    return text;
}

/* The play that a message belongs to, if it is the turn that is on its way. */
static struct ct_demo_play *play_of(struct ct_demo_world *world, ct_span json)
{
    cJSON *message = cJSON_ParseWithLength(json.at, json.len);
    const char *conversation = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, "conversation_id"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, "text"));
    struct ct_demo_play *play = conversation ? ct_demo_world_by_id(world, conversation) : NULL;
    if (play && (!play->sent || !text ||
                 (play->talk->turns[play->next].event == CT_DEMO_TEXT &&
                  strcmp(text, play->talk->turns[play->next].text) != 0))) {
        play = NULL;
    }
    cJSON_Delete(message);
    return play;
}

/* ---- the customer ---------------------------------------------------------------------------------- */

static uint32_t mask_of(struct ct_demo_play *play)
{
    return (uint32_t)ct_demo_random(&play->dice) | 1;
}

static void customer_writes(struct ct_demo_play *play, ct_span json)
{
    size_t first = json.len;
    if (play->number % 4 == 1) {
        ct_demo_frame_send(play->line, CT_DEMO_PING, true, mask_of(play), CT_SPAN_LIT("there?"));
    }
    if (play->number % 3 == 1 && json.len > 40) {
        first = 20 + ct_demo_random(&play->dice) % (json.len - 30);
    }
    ct_demo_frame_send(play->line, CT_DEMO_SAYS, first == json.len, mask_of(play), (ct_span){json.at, first});
    if (first < json.len) {
        ct_demo_frame_send(play->line, CT_DEMO_PING, true, mask_of(play), CT_SPAN_NONE);
        ct_demo_frame_send(play->line, CT_DEMO_CONTINUES, true, mask_of(play),
                           (ct_span){json.at + first, json.len - first});
    }
}

static void customer_hears(struct ct_demo_play *play, struct ct_demo_line *line, const struct ct_demo_frame *frame)
{
    if (frame->opcode == CT_DEMO_SAYS) {
        struct ct_demo_play *of = play_of(play->world, (ct_span){frame->payload, frame->len});
        if (of == play) {
            ct_demo_arrived(play);
        } else {
            ct_demo_broke(play);
        }
    } else if (frame->opcode == CT_DEMO_CLOSES) {
        ct_demo_close(line);
    }
}

static void customer_came(void *owner, struct ct_demo_line *line, struct ct_demo_bytes *in)
{
    struct ct_demo_play *play = owner;
    if (!play->upgraded) {
        struct ct_demo_http http;
        enum ct_demo_reading reading = ct_demo_http_read(in, &http);
        if (reading == CT_DEMO_MORE) {
            return;
        }
        if (reading == CT_DEMO_BROKEN || ct_demo_http_status(&http) != 101) {
            ct_demo_close(line);
            return;
        }
        ct_demo_bytes_drop(in, http.len);
        play->upgraded = true;
        ct_demo_ready(play);
    }
    for (;;) {
        struct ct_demo_frame frame;
        enum ct_demo_reading reading = ct_demo_frame_read(in, &frame);
        if (reading != CT_DEMO_WHOLE) {
            if (reading == CT_DEMO_BROKEN) {
                ct_demo_close(line);
            }
            return;
        }
        customer_hears(play, line, &frame);
        ct_demo_bytes_drop(in, frame.whole);
    }
}

static void customer_gone(void *owner, struct ct_demo_line *line)
{
    struct ct_demo_play *play = owner;
    (void)line;
    play->line = NULL;
    ct_demo_line_gone(play);
}

void ct_demo_web_begin(struct ct_demo_play *play)
{
    static const struct ct_demo_calls calls = {customer_came, customer_gone};
    const struct ct_demo_places *places = ct_demo_world_places(play->world);
    char text[25], head[600];
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < 22; i++) { /* any 16 bytes: 21 digits, and one of the four that may end them */
        text[i] = digits[i < 21 ? ct_demo_random(&play->dice) % 64 : ct_demo_random(&play->dice) % 4 * 16];
    }
    memcpy(text + 22, "==", 3);
    play->line = ct_demo_connect(ct_demo_world_loop(play->world), places->web_relay, &calls, play);
    if (!play->line) {
        ct_demo_broke(play);
        return;
    }
    int len = snprintf(head, sizeof head,
                       "GET /ws?conversation=%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nUser-Agent: convtap-demo\r\n\r\n",
                       play->id, places->web_relay, text);
    ct_demo_send(play->line, head, (size_t)len);
}

/* Most say goodbye to the server, some just close the tab. */
void ct_demo_web_leave(struct ct_demo_play *play)
{
    if (!play->line) {
        return;
    }
    if (play->upgraded && play->number % 8 != 5) {
        ct_demo_frame_send(play->line, CT_DEMO_CLOSES, true, mask_of(play), CT_SPAN_LIT("\x03\xe8"));
    } else {
        ct_demo_close(play->line);
    }
}

/* ---- the gateway -------------------------------------------------------------------------------------- */

static bool upgrade(struct guest *guest, const struct ct_demo_http *http)
{
    static const char before[] = "GET /ws?conversation=";
    char id[48], accept[29], head[300];
    size_t len = sizeof before - 1, end = len;
    ct_span key = ct_demo_http_header(http, "Sec-WebSocket-Key");
    if (http->first.len < len || memcmp(http->first.at, before, len) != 0 || !key.len) {
        return false;
    }
    while (end < http->first.len && http->first.at[end] != ' ') {
        end++;
    }
    (void)snprintf(id, sizeof id, "%.*s", (int)(end - len), http->first.at + len);
    struct ct_demo_play *play = ct_demo_world_by_id(guest->web->world, id);
    if (!play || play->server) {
        return false;
    }
    guest->number = play->number;
    play->server = guest->line;
    ct_demo_frame_accept(key, accept);
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    ct_demo_send(guest->line, head, (size_t)size);
    return true;
}

static void gateway_hears(struct guest *guest, const struct ct_demo_frame *frame)
{
    ct_span payload = {frame->payload, frame->len};
    if (frame->opcode == CT_DEMO_PING) {
        ct_demo_frame_send(guest->line, CT_DEMO_PONG, true, 0, payload);
    } else if (frame->opcode == CT_DEMO_CLOSES) {
        ct_demo_frame_send(guest->line, CT_DEMO_CLOSES, true, 0, payload);
        ct_demo_close(guest->line);
    } else if (frame->opcode == CT_DEMO_SAYS || frame->opcode == CT_DEMO_CONTINUES) {
        if (!ct_demo_bytes_add(&guest->said, payload.at, payload.len)) {
            ct_demo_close(guest->line);
        } else if (frame->last) {
            struct ct_demo_play *play = play_of(guest->web->world, (ct_span){guest->said.at, guest->said.len});
            guest->said.len = 0;
            if (play) {
                ct_demo_arrived(play);
            }
        }
    }
}

static void gateway_came(void *owner, struct ct_demo_line *line, struct ct_demo_bytes *in)
{
    struct guest *guest = owner;
    if (!guest->upgraded) {
        struct ct_demo_http http;
        enum ct_demo_reading reading = ct_demo_http_read(in, &http);
        if (reading == CT_DEMO_MORE) {
            return;
        }
        if (reading == CT_DEMO_BROKEN || !upgrade(guest, &http)) {
            ct_demo_respond(line, "400 Bad Request", "{}");
            ct_demo_close(line);
            return;
        }
        guest->upgraded = true;
        ct_demo_bytes_drop(in, http.len);
    }
    for (;;) {
        struct ct_demo_frame frame;
        enum ct_demo_reading reading = ct_demo_frame_read(in, &frame);
        if (reading != CT_DEMO_WHOLE) {
            if (reading == CT_DEMO_BROKEN) {
                ct_demo_close(line);
            }
            return;
        }
        gateway_hears(guest, &frame);
        ct_demo_bytes_drop(in, frame.whole);
    }
}

static void free_guest(struct guest *guest)
{
    *(guest->before ? &guest->before->after : &guest->web->guests) = guest->after;
    if (guest->after) {
        guest->after->before = guest->before;
    }
    free(guest->said.at);
    free(guest);
}

static void gateway_gone(void *owner, struct ct_demo_line *line)
{
    struct guest *guest = owner;
    struct ct_demo_play *play = guest->upgraded ? ct_demo_world_by_number(guest->web->world, guest->number) : NULL;
    free_guest(guest);
    if (play && play->server == line) {
        play->server = NULL;
        ct_demo_line_gone(play);
    }
}

static void *gateway_welcomes(void *context, struct ct_demo_line *line)
{
    struct ct_demo_web *web = context;
    struct guest *guest = calloc(1, sizeof *guest);
    if (guest) {
        *guest = (struct guest){.web = web, .line = line, .after = web->guests};
        if (web->guests) {
            web->guests->before = guest;
        }
        web->guests = guest;
    }
    return guest;
}

void ct_demo_web_say(struct ct_demo_play *play, const struct ct_demo_turn *turn)
{
    char *json = play->line && play->server ? message_of(play, turn) : NULL;
    if (!json) {
        ct_demo_broke(play);
        return;
    }
    if (turn->who == CT_ROLE_USER) {
        customer_writes(play, ct_span_of(json));
    } else {
        ct_demo_frame_send(play->server, CT_DEMO_SAYS, true, 0, ct_span_of(json));
    }
    cJSON_free(json);
}

enum ct_status ct_demo_web_open(struct ct_demo_world *world, char *gateway, struct ct_demo_web **out,
                                struct ct_error *err)
{
    static const struct ct_demo_calls calls = {gateway_came, gateway_gone};
    struct ct_demo_web *web = calloc(1, sizeof *web);
    if (!web) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    *out = web;
    web->world = world;
    return ct_demo_listen(ct_demo_world_loop(world), &calls, gateway_welcomes, web, gateway, err);
}

void ct_demo_web_free(struct ct_demo_web *web)
{
    while (web && web->guests) {
        free_guest(web->guests);
    }
    free(web);
}
