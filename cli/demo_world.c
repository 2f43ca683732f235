/* demo_world.c - the simulated world of `convtap demo`: who comes when, what is said next, who is done. See demo.h.
 *
 * Everything happens in one thread. A turn is said by whoever's turn it is, goes over the wire, and only when it has
 * arrived does the other side begin to think about the next one: so the tap sees causes before effects, as in life.
 * Order and pauses come from numbers that are the same in each run.
 */
#include "cli/demo.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    ARRIVAL_SECONDS = 4, /* of simulated time: somebody comes that often */
    PAST = 512,          /* customers who may come back */
    RETURN_ONE_IN = 6,   /* of those who come, where there is somebody to come back */
    AWAY_SECONDS = 420,  /* at least, since he last came: that conversation is closed by then */
    DRAIN_TICK_USEC = 10000,
    DRAIN_USEC = 3000000
};

struct past {
    const struct ct_demo_talk *talk; /* NULL = nobody, or he came back already */
    char user[32];
    ct_usec came;
};

struct ct_demo_world {
    struct ct_demo_loop *loop;
    pthread_t thread;
    bool running, draining;
    unsigned speed;
    ct_usec away_usec, drain_until;
    struct ct_demo_places *places;
    const struct ct_demo_script *script;
    size_t *order; /* of the talks in this round */
    size_t at;
    uint64_t dice, customers;
    struct ct_demo_web *web;
    struct ct_demo_whatsapp *whatsapp;
    struct ct_demo_show *show;
    struct ct_demo_play *plays; /* that go on */
    struct past past[PAST];
    struct ct_demo_counts counts;
};

struct ct_demo_loop *ct_demo_world_loop(struct ct_demo_world *world)
{
    return world->loop;
}

const struct ct_demo_places *ct_demo_world_places(const struct ct_demo_world *world)
{
    return world->places;
}

struct ct_demo_web *ct_demo_world_web(struct ct_demo_world *world)
{
    return world->web;
}

struct ct_demo_whatsapp *ct_demo_world_whatsapp(struct ct_demo_world *world)
{
    return world->whatsapp;
}

struct ct_demo_play *ct_demo_world_by_id(struct ct_demo_world *world, const char *id)
{
    struct ct_demo_play *play = world->plays;
    while (play && strcmp(play->id, id) != 0) {
        play = play->after;
    }
    return play;
}

struct ct_demo_play *ct_demo_world_by_user(struct ct_demo_world *world, const char *user)
{
    struct ct_demo_play *play = world->plays;
    while (play && (play->over || strcmp(play->user, user) != 0)) {
        play = play->after;
    }
    return play;
}

struct ct_demo_play *ct_demo_world_by_number(struct ct_demo_world *world, uint64_t number)
{
    struct ct_demo_play *play = world->plays;
    while (play && play->number != number) {
        play = play->after;
    }
    return play;
}

/* ---- a play ------------------------------------------------------------------------------------ */

static void let_go(struct ct_demo_play *play)
{
    struct ct_demo_play **at = &play->world->plays;
    if (!play->over || play->timed || play->line || play->server) {
        return;
    }
    while (*at != play) {
        at = &(*at)->after;
    }
    *at = play->after;
    free(play);
}

static void finish(struct ct_demo_play *play)
{
    if (play->over) {
        return;
    }
    play->over = true;
    play->sent = false;
    play->world->counts.ended++;
    if (!play->talk->whatsapp) {
        ct_demo_web_leave(play);
    }
    let_go(play);
}

void ct_demo_broke(struct ct_demo_play *play)
{
    if (!play->over) {
        play->world->counts.broken++;
        finish(play);
    }
}

void ct_demo_line_gone(struct ct_demo_play *play)
{
    if (!play->over) {
        ct_demo_broke(play);
    } else {
        let_go(play);
    }
}

/* Simulated milliseconds until this turn is said: to read what came, to think and to write it. */
static ct_usec pause_before(struct ct_demo_play *play)
{
    const struct ct_demo_turn *turn = &play->talk->turns[play->next];
    const struct ct_demo_turn *before = play->next ? turn - 1 : NULL;
    ct_usec letters = (ct_usec)strlen(turn->text), ms;
    if (turn->event != CT_DEMO_TEXT) {
        ms = turn->who == CT_ROLE_USER ? 5000 : 400;
    } else if (turn->who == CT_ROLE_BOT) {
        ms = 1200 + 4 * letters;
    } else if (turn->who == CT_ROLE_AGENT) {
        ms = before && before->who == CT_ROLE_SYSTEM ? 15000 : 6000 + 60 * letters;
    } else {
        ms = !before ? 500 : before->who == CT_ROLE_USER ? 2000 + 50 * letters : 4000 + 110 * letters;
    }
    ms = ms < 25000 ? ms : 25000;
    return ms * (600 + (ct_usec)(ct_demo_random(&play->dice) % 1000)) / (ct_usec)play->world->speed;
}

static void say_next(void *to)
{
    struct ct_demo_play *play = to;
    play->timed = false;
    if (play->over) {
        let_go(play);
        return;
    }
    if (play->world->draining) {
        finish(play);
        return;
    }
    play->sent = true;
    (play->talk->whatsapp ? ct_demo_whatsapp_say : ct_demo_web_say)(play, &play->talk->turns[play->next]);
}

void ct_demo_ready(struct ct_demo_play *play)
{
    if (play->world->draining) {
        finish(play);
    } else if (!play->over) {
        play->timed = ct_demo_timer(play->world->loop, pause_before(play), say_next, play);
        if (!play->timed) {
            ct_demo_broke(play);
        }
    }
}

void ct_demo_arrived(struct ct_demo_play *play)
{
    if (play->over || !play->sent) {
        return;
    }
    play->sent = false;
    play->world->counts.messages++;
    if (++play->next == play->talk->turn_count) {
        finish(play);
    } else {
        ct_demo_ready(play);
    }
}

/* ---- who comes ----------------------------------------------------------------------------------- */

static void shuffle(struct ct_demo_world *world)
{
    for (size_t i = world->script->count; i > 1; i--) {
        size_t j = ct_demo_random(&world->dice) % i, kept = world->order[i - 1];
        world->order[i - 1] = world->order[j];
        world->order[j] = kept;
    }
    world->at = 0;
}

/* Somebody who was at this business on this channel, long enough ago; else somebody new. */
static void choose_customer(struct ct_demo_world *world, struct ct_demo_play *play)
{
    ct_usec now = ct_demo_loop_now();
    struct past *back = NULL;
    bool wanted = ct_demo_random(&world->dice) % RETURN_ONE_IN == 0;
    for (size_t i = 0; wanted && i < PAST; i++) {
        struct past *past = &world->past[i];
        if (past->talk && past->talk->whatsapp == play->talk->whatsapp && past->talk->bot == play->talk->bot &&
            now - past->came > world->away_usec && (!back || past->came > back->came)) {
            back = past;
        }
    }
    if (back) {
        memcpy(play->user, back->user, sizeof play->user);
        back->talk = NULL;
    } else if (play->talk->whatsapp) {
        uint64_t n = world->customers++; /* numbers that nobody has: no country begins with 999 */
        (void)snprintf(play->user, sizeof play->user, "999%08" PRIu64, 10000000 + n * 7919 % 89999999);
    } else {
        (void)snprintf(play->user, sizeof play->user, "visitor-%" PRIu64, ++world->customers);
    }
    struct past *place = &world->past[play->number % PAST];
    *place = (struct past){.talk = play->talk, .came = now};
    memcpy(place->user, play->user, sizeof place->user);
}

static void arrive(void *to)
{
    struct ct_demo_world *world = to;
    struct ct_demo_play *play = world->draining ? NULL : calloc(1, sizeof *play);
    ct_usec gap = (ct_usec)(500 + ct_demo_random(&world->dice) % 1000) * ARRIVAL_SECONDS * 1000 / world->speed;
    if (world->draining || !ct_demo_timer(world->loop, gap, arrive, world)) {
        free(play);
        return;
    }
    if (!play) {
        return;
    }
    if (world->at == world->script->count) {
        shuffle(world);
    }
    play->world = world;
    play->talk = &world->script->talks[world->order[world->at++]];
    play->number = world->counts.begun++;
    play->dice = play->number * 977 + 11;
    (void)snprintf(play->id, sizeof play->id, "demo-%06" PRIu64, play->number + 1);
    choose_customer(world, play);
    play->after = world->plays;
    world->plays = play;
    if (play->talk->whatsapp) {
        ct_demo_ready(play);
    } else {
        ct_demo_web_begin(play);
    }
}

/* ---- beginning and end ------------------------------------------------------------------------------ */

enum ct_status ct_demo_world_open(unsigned speed, const struct ct_demo_script *script, struct ct_demo_places *places,
                                  struct ct_demo_world **out, struct ct_error *err)
{
    struct ct_demo_world *world = calloc(1, sizeof *world);
    if (!world) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    *out = world;
    world->speed = speed;
    world->away_usec = AWAY_SECONDS * CT_USEC_PER_SECOND / speed;
    if (world->away_usec < 5 * CT_USEC_PER_SECOND) {
        world->away_usec = 5 * CT_USEC_PER_SECOND; /* silence that ends a conversation has a least, too */
    }
    world->places = places;
    world->script = script;
    world->dice = 20261122;
    world->order = calloc(script->count, sizeof *world->order);
    world->loop = ct_demo_loop_new();
    if (!world->order || !world->loop) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    for (size_t i = 0; i < script->count; i++) {
        world->order[i] = i;
    }
    shuffle(world);
    enum ct_status status = ct_demo_web_open(world, places->gateway, &world->web, err);
    return status == CT_OK ? ct_demo_whatsapp_open(world, places, &world->whatsapp, err) : status;
}

static void *go_round(void *to)
{
    struct ct_demo_world *world = to;
    ct_demo_loop_run(world->loop);
    return NULL;
}

enum ct_status ct_demo_world_start(struct ct_demo_world *world, struct ct_error *err)
{
    enum ct_status status = ct_demo_whatsapp_start(world->whatsapp, err);
    if (status != CT_OK) {
        return status;
    }
    world->show = ct_demo_show_new(world->loop, world->places->desk);
    if (!world->show || !ct_demo_timer(world->loop, 0, arrive, world)) {
        return ct_error_set(err, CT_NO_MEMORY, "%s", ct_status_text(CT_NO_MEMORY));
    }
    world->running = pthread_create(&world->thread, NULL, go_round, world) == 0;
    return world->running ? CT_OK : ct_error_set(err, CT_LIMIT, "no thread for the demonstration's world");
}

static bool somebody_is_there(const struct ct_demo_world *world)
{
    const struct ct_demo_play *play = world->plays;
    while (play && play->over && !play->line && !play->server) {
        play = play->after;
    }
    return play != NULL;
}

/* Until everybody has gone. */
static void drain(void *to)
{
    struct ct_demo_world *world = to;
    bool waits =
        somebody_is_there(world) || ct_demo_whatsapp_waiting(world->whatsapp) || ct_demo_show_waiting(world->show);
    if (!waits || ct_demo_loop_now() > world->drain_until ||
        !ct_demo_timer(world->loop, DRAIN_TICK_USEC, drain, world)) {
        ct_demo_loop_end(world->loop);
    }
}

static void begin_drain(void *to)
{
    struct ct_demo_world *world = to;
    world->draining = true;
    world->drain_until = ct_demo_loop_now() + DRAIN_USEC;
    for (struct ct_demo_play *play = world->plays, *after; play; play = after) {
        after = play->after;
        if (!play->sent && (play->talk->whatsapp || play->upgraded)) {
            finish(play); /* one that waits for its time holds on to it until then, and is in nobody's way */
        }
    }
    drain(world);
}

/* Connections that are kept for the next request are closed, too: the tap has not to wait for them. */
static void tear_down(struct ct_demo_world *world)
{
    ct_demo_show_free(world->show);
    ct_demo_whatsapp_free(world->whatsapp);
    ct_demo_web_free(world->web);
    ct_demo_loop_free(world->loop);
    world->show = NULL;
    world->whatsapp = NULL;
    world->web = NULL;
    world->loop = NULL;
}

void ct_demo_world_stop(struct ct_demo_world *world, struct ct_demo_counts *counts)
{
    if (world->running) {
        ct_demo_loop_wake(world->loop, begin_drain, world);
        pthread_join(world->thread, NULL);
        world->running = false;
    }
    tear_down(world);
    *counts = world->counts;
}

void ct_demo_world_free(struct ct_demo_world *world)
{
    if (!world) {
        return;
    }
    tear_down(world);
    for (struct ct_demo_play *play = world->plays, *after; play; play = after) {
        after = play->after;
        free(play);
    }
    free(world->order);
    free(world);
}
