/* serve.h - what the parts of `convtap serve` share. Private to cli/serve*.c. */
#ifndef CT_SERVE_H
#define CT_SERVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "cli/options.h"
#include "cli/serve_config.h"
#include "cli/serve_tap.h"
#include "cli/serve_terms.h"
#include "cli/setup.h"
#include "plugin/gate/desk.h"
#include "plugin/relay/relay.h"
#include "plugin/subscribe/subscribe.h"
#include "plugin/tap/tap.h"

struct ct_serve_doors; /* serve_doors.c */

struct ct_serve {
    const struct ct_command *command;
    const struct ct_session_arguments *arguments;
    struct ct_serve_terms *begun; /* those it began with: what cannot change without a restart */
    struct ct_config *config;     /* begun's */
    struct ct_setups *setups;
    struct ct_access *access;
    struct ct_tap *tap;
    struct ct_serve_doors *doors;
    pthread_mutex_t counters_lock; /* what may be asked for figures, while it begins */
    struct ct_relay **relays;
    size_t relay_count;
    struct ct_subscriber *subscriber;
    size_t subscription_count;

    pthread_mutex_t reload_lock; /* one at a time; setup_hash */
    char setup_hash[65];         /* of the setup in force */
    atomic_uint reloads_refused;
    pthread_mutex_t terms_lock;
    struct ct_serve_terms *terms; /* terms_lock; those in force, referenced. Replaced under reload_lock alone */
    pthread_mutex_t wake_lock;    /* who is to be told of commits and publications */
    struct ct_gate *intake_gate;  /* NULL = nobody yet, or no more */
    struct ct_desk *desk;
};

/* ---- serve.c ---- */
/* What somebody has around a tap, in the main thread. */
struct ct_serve_around {
    void *context;
    /* It is ready. Anything but CT_OK ends it. */
    enum ct_status (*begin)(void *context, const struct ct_serve *serve, struct ct_error *err);
    void (*end)(void *context); /* it is to end, and nothing has been stopped yet; also where begin failed */
    ct_usec wait_usec;          /* it ends after this long without a signal, too; 0 = it does not */
};
/* From configuration to a tap that was stopped; signals as `convtap serve` has them. around NULL = it says where it is
 * on standard error. The exit status, problems are said. */
int ct_serve_run(const struct ct_command *command, const struct ct_session_arguments *arguments,
                 const struct ct_serve_around *around) CT_MUST_USE;

/* ---- serve_log.c ---- */
uint32_t ct_serve_random(void);
/* One line on standard error, with the time before it; `line` begins with "level=" or gets level=info. */
void ct_serve_log_line(void *context, const char *line);
void ct_serve_log(const char *format, ...) CT_PRINTF(1, 2);
/* A value of logfmt: in quotes, what would end them or the line replaced. */
const char *ct_serve_quoted(const char *text, char *out, size_t room);

/* ---- serve_doors.c: intake and desk, with what is behind them ---- */
/* Terms and tokens are others: from here on they are in force, and WebSockets without a token are closed. */
void ct_serve_doors_reterm(struct ct_serve *serve, struct ct_serve_terms *terms);
enum ct_status ct_serve_doors_open(struct ct_serve *serve, struct ct_error *err) CT_MUST_USE;
/* The intake alone: nothing more comes in; the desk answers on, with the intake's last figures. */
void ct_serve_intake_close(struct ct_serve *serve, ct_usec grace_usec);
/* The desk; what the tap still publishes goes nowhere. Nobody asks for figures from here on. */
void ct_serve_desk_close(struct ct_serve *serve, ct_usec grace_usec);
/* After the tap has stopped. */
void ct_serve_doors_free(struct ct_serve *serve);
const char *ct_serve_intake_address(const struct ct_serve *serve);
const char *ct_serve_desk_address(const struct ct_serve *serve);

/* ---- serve_reload.c ---- */
/* As struct ct_desk_options has it; context = the struct ct_serve. setup_hash may be NULL. */
enum ct_status ct_serve_reload(void *serve, char *setup_hash, struct ct_error *err);

#endif
