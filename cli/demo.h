/* demo.h - what the parts of `convtap demo` share. Private to cli/demo*.c.
 *
 *   demo.c          the command: folder, configuration, a tap as `convtap serve` starts it, the figures at the end
 *   demo_script.c   the conversations that are played, out of YAML files
 *   demo_world.c    one thread: who comes when, and whose turn it is
 *   demo_web.c      a webchat gateway, and customers who reach it through the relay
 *   demo_whatsapp.c a platform that posts webhooks, and a bot that answers through the egress relay
 *   demo_show.c     a line every few seconds, from the live API
 *   demo_line.c     sockets, timers; demo_http.c and demo_frame.c what is said on them
 *
 * All of the simulated world goes by loopback sockets: nothing of it reaches into the tap.
 */
#ifndef CT_DEMO_H
#define CT_DEMO_H

#include <stdio.h>

#include "engine/arena.h"
#include "engine/ct.h"

/* ---- demo_script.c ----------------------------------------------------------------------- */

enum ct_demo_event {
    CT_DEMO_TEXT,
    CT_DEMO_HANDOFF,
    CT_DEMO_HANDOFF_FAILED,
    CT_DEMO_CLOSE,
    CT_DEMO_SCORE,
    CT_DEMO_THUMB
};

struct ct_demo_turn {
    enum ct_role who;
    enum ct_demo_event event;
    const char *text; /* NUL-terminated; of an event its value: "4", "up"; "" where it has none */
    const char *kind; /* of a score: "csat", "nps" */
};

struct ct_demo_talk {
    const char *name;     /* "es-bank/card-blocked/2" */
    const char *language; /* "es" */
    const char *bot, *business;
    const char *expect; /* an outcome, or "resolved" for either kind; NULL = nothing is expected */
    bool whatsapp;
    struct ct_demo_turn *turns;
    size_t turn_count;
};

struct ct_demo_script {
    struct ct_arena arena;
    struct ct_demo_talk *talks; /* in the order of the files' names, then as they stand there */
    size_t count, room;
};
/* Every *.yaml of the folder (NULL = the one that convtap came with); names are filled in.
 * ct_demo_script_done may follow in any case. CT_NOT_FOUND, CT_BAD_CONFIG (*err says file, line and column), CT_IO,
 * CT_NO_MEMORY. */
enum ct_status ct_demo_script_load(const char *folder, struct ct_demo_script *out, struct ct_error *err) CT_MUST_USE;
void ct_demo_script_done(struct ct_demo_script *script);
/* Conversations as JSON lines of the format convtap, with what is expected of each. CT_IO, CT_NO_MEMORY. */
enum ct_status ct_demo_script_write(const struct ct_demo_script *script, FILE *to) CT_MUST_USE;
/* A turn in the format convtap, without ids and time; cJSON_Delete it. NULL = out of memory. */
struct cJSON *ct_demo_turn_json(const struct ct_demo_turn *turn);
/* Numbers that are the same in each run: splitmix64. */
uint64_t ct_demo_random(uint64_t *state);

/* ---- demo_line.c: one thread's sockets and timers ------------------------------------------ */

struct ct_demo_loop;
struct ct_demo_line; /* a TCP connection */

struct ct_demo_bytes {
    char *at;
    size_t len, room;
};
/* false = out of memory. */
bool ct_demo_bytes_add(struct ct_demo_bytes *bytes, const void *more, size_t len);
void ct_demo_bytes_drop(struct ct_demo_bytes *bytes, size_t len); /* from the front */

struct ct_demo_calls {
    /* More came; what was used is to be dropped from *in. May close the line. */
    void (*came)(void *owner, struct ct_demo_line *line, struct ct_demo_bytes *in);
    /* It is gone, whoever closed it; the line must not be used any more. */
    void (*gone)(void *owner, struct ct_demo_line *line);
};

struct ct_demo_loop *ct_demo_loop_new(void);
void ct_demo_loop_free(struct ct_demo_loop *loop); /* lines and listeners are closed; nobody is told */
/* Goes on until ct_demo_loop_end (of the loop's own thread). */
void ct_demo_loop_run(struct ct_demo_loop *loop);
void ct_demo_loop_end(struct ct_demo_loop *loop);
/* Any thread: `call` is called in the loop's thread, soon. One at a time. */
void ct_demo_loop_wake(struct ct_demo_loop *loop, void (*call)(void *to), void *to);
ct_usec ct_demo_loop_now(void); /* a clock that never goes back */
/* false = out of memory. Of timers due at one time the first that was set comes first. */
bool ct_demo_timer(struct ct_demo_loop *loop, ct_usec after, void (*fire)(void *to), void *to);

/* Listens on 127.0.0.1 at any free port, written to `address` (32 bytes). Each connection's owner is that of `owner_of`
 * (NULL = refused). */
enum ct_status ct_demo_listen(struct ct_demo_loop *loop, const struct ct_demo_calls *calls,
                              void *(*owner_of)(void *context, struct ct_demo_line *line), void *context, char *address,
                              struct ct_error *err) CT_MUST_USE;
/* NULL = it cannot be begun; that nobody answers comes as gone(). */
struct ct_demo_line *ct_demo_connect(struct ct_demo_loop *loop, const char *address, const struct ct_demo_calls *calls,
                                     void *owner);
void ct_demo_send(struct ct_demo_line *line, const void *bytes, size_t len);
/* What was sent still goes out. gone() comes later. */
void ct_demo_close(struct ct_demo_line *line);

/* ---- demo_http.c ----------------------------------------------------------------------------- */

/* One request or response that is whole. Borrowed from `in`. */
struct ct_demo_http {
    ct_span first, head, body; /* first line; headers behind it */
    size_t len;                /* of all */
};
enum ct_demo_reading { CT_DEMO_MORE, CT_DEMO_WHOLE, CT_DEMO_BROKEN };
enum ct_demo_reading ct_demo_http_read(const struct ct_demo_bytes *in, struct ct_demo_http *out);
ct_span ct_demo_http_header(const struct ct_demo_http *http, const char *name); /* empty = none */
unsigned ct_demo_http_status(const struct ct_demo_http *response);

/* Requests to one address over a few connections that are kept. */
struct ct_demo_poster;
typedef void ct_demo_answered(void *to, unsigned status, ct_span body); /* status 0 = no answer */
struct ct_demo_poster *ct_demo_poster_new(struct ct_demo_loop *loop, const char *address);
void ct_demo_poster_free(struct ct_demo_poster *poster); /* before its loop */
/* head: request line and headers but Host and Content-Length, each with CRLF. Copied. `answered` is always called. */
void ct_demo_post(struct ct_demo_poster *poster, const char *head, ct_span body, ct_demo_answered *answered, void *to);
size_t ct_demo_poster_waiting(const struct ct_demo_poster *poster); /* requests without an answer */
/* An answer to the client of `line`. */
void ct_demo_respond(struct ct_demo_line *line, const char *status, const char *json);

/* ---- demo_frame.c: WebSocket (RFC 6455) ---------------------------------------------------------- */

enum { CT_DEMO_CONTINUES = 0, CT_DEMO_SAYS = 1, CT_DEMO_CLOSES = 8, CT_DEMO_PING = 9, CT_DEMO_PONG = 10 };
struct ct_demo_frame {
    unsigned opcode;
    bool last;
    char *payload; /* unmasked in place */
    size_t len, whole;
};
enum ct_demo_reading ct_demo_frame_read(struct ct_demo_bytes *in, struct ct_demo_frame *out);
/* mask 0 = unmasked, as a server writes. */
void ct_demo_frame_send(struct ct_demo_line *line, unsigned opcode, bool last, uint32_t mask, ct_span payload);
/* Sec-WebSocket-Accept of a key: 28 characters and NUL. */
void ct_demo_frame_accept(ct_span key, char out[29]);

/* ---- demo_world.c ------------------------------------------------------------------------------ */

struct ct_demo_world;
struct ct_demo_web;
struct ct_demo_whatsapp;

/* A conversation that is being played. */
struct ct_demo_play {
    struct ct_demo_world *world;
    const struct ct_demo_talk *talk;
    uint64_t number; /* of all plays, from 0 */
    uint64_t dice;
    char id[48], user[32];
    size_t next;                 /* the turn that comes, or is on its way */
    bool sent, over;             /* that turn is on its way; there are no more */
    bool upgraded, timed;        /* webchat: frames are spoken; a timer will call for it */
    struct ct_demo_line *line;   /* webchat: the customer's; NULL = none (any more) */
    struct ct_demo_line *server; /* webchat: the gateway's end of it */
    struct ct_demo_play *after;  /* of all that go on */
};

struct ct_demo_counts {
    uint64_t begun, ended, broken, messages;
};

struct ct_demo_places {
    char gateway[32], graph[32], bot[32];                           /* of the world */
    char desk[300], intake[300], web_relay[300], egress_relay[300]; /* of the tap */
    char secret[65];                                                /* of the webhooks */
};

/* Binds its servers and writes their addresses to `places`. Also where it fails ct_demo_world_free may follow; script
 * and places must outlive the world. */
enum ct_status ct_demo_world_open(unsigned speed, const struct ct_demo_script *script, struct ct_demo_places *places,
                                  struct ct_demo_world **out, struct ct_error *err) CT_MUST_USE;
/* The tap is ready, its addresses stand in `places`: customers come. */
enum ct_status ct_demo_world_start(struct ct_demo_world *world, struct ct_error *err) CT_MUST_USE;
/* Nobody says anything more; what is on its way arrives; connections are closed. */
void ct_demo_world_stop(struct ct_demo_world *world, struct ct_demo_counts *counts);
void ct_demo_world_free(struct ct_demo_world *world);

/* For web, whatsapp and show: */
struct ct_demo_loop *ct_demo_world_loop(struct ct_demo_world *world);
const struct ct_demo_places *ct_demo_world_places(const struct ct_demo_world *world);
struct ct_demo_web *ct_demo_world_web(struct ct_demo_world *world);
struct ct_demo_whatsapp *ct_demo_world_whatsapp(struct ct_demo_world *world);
/* The play of a conversation, of a customer (a number on WhatsApp), or with that number; NULL = none goes on. */
struct ct_demo_play *ct_demo_world_by_id(struct ct_demo_world *world, const char *id);
struct ct_demo_play *ct_demo_world_by_user(struct ct_demo_world *world, const char *user);
struct ct_demo_play *ct_demo_world_by_number(struct ct_demo_world *world, uint64_t number);
/* The turn that was sent has arrived at its hearer. */
void ct_demo_arrived(struct ct_demo_play *play);
/* It can begin: its line is there. */
void ct_demo_ready(struct ct_demo_play *play);
/* Something went wrong that a real world would not do: the play ends, and is counted. */
void ct_demo_broke(struct ct_demo_play *play);
/* One of its connections is gone: line or server is NULL now. The play may be gone with it. */
void ct_demo_line_gone(struct ct_demo_play *play);

/* ---- demo_web.c, demo_whatsapp.c ------------------------------------------------------------------ */

enum ct_status ct_demo_web_open(struct ct_demo_world *world, char *gateway, struct ct_demo_web **out,
                                struct ct_error *err) CT_MUST_USE;
void ct_demo_web_free(struct ct_demo_web *web);
void ct_demo_web_begin(struct ct_demo_play *play);
void ct_demo_web_say(struct ct_demo_play *play, const struct ct_demo_turn *turn);
void ct_demo_web_leave(struct ct_demo_play *play); /* the customer goes */

enum ct_status ct_demo_whatsapp_open(struct ct_demo_world *world, struct ct_demo_places *places,
                                     struct ct_demo_whatsapp **out, struct ct_error *err) CT_MUST_USE;
enum ct_status ct_demo_whatsapp_start(struct ct_demo_whatsapp *whatsapp, struct ct_error *err) CT_MUST_USE;
void ct_demo_whatsapp_free(struct ct_demo_whatsapp *whatsapp);
void ct_demo_whatsapp_say(struct ct_demo_play *play, const struct ct_demo_turn *turn);
size_t ct_demo_whatsapp_waiting(const struct ct_demo_whatsapp *whatsapp);

/* ---- demo_show.c ------------------------------------------------------------------------------ */

struct ct_demo_show;
/* A line on standard output every few seconds. NULL = out of memory. */
struct ct_demo_show *ct_demo_show_new(struct ct_demo_loop *loop, const char *desk);
void ct_demo_show_free(struct ct_demo_show *show);
size_t ct_demo_show_waiting(const struct ct_demo_show *show); /* for answers */

#endif
